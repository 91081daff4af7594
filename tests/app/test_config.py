"""Every mistake in an environment variable is said by its name, and no secret is ever shown."""

import re

import pytest

from app.config import Config
from holdfast.errors import UserError

SECRET = "0123456789abcdef"


def test_nothing_has_to_be_set() -> None:
    config = Config.from_environment({})

    assert (config.model_uri, config.prediction_log, config.rate_limit) == (
        "artifacts/evaluate/bundle",
        True,
        "600/minute",
    )


def test_a_variable_that_is_empty_counts_as_not_set() -> None:
    assert Config.from_environment({"API_KEYS": "", "OUTCOMES_TOKEN": "", "MAX_ROWS": ""}) == Config()


def test_variables_of_others_are_none_of_our_business() -> None:
    assert Config.from_environment({"PATH": "/bin", "PORT": "x"}) == Config()


def test_choices_are_read_from_their_variables() -> None:
    config = Config.from_environment(
        {
            "PREDICTION_LOG": "OFF",
            "API_KEYS": f"{SECRET}1, {SECRET}2,",
            "RATE_LIMIT": "off",
            "MAX_BODY_MB": "0.5",
            "TRUSTED_PROXIES": "1",
            "METRICS_TOKEN": f" {SECRET}\n",
        }
    )

    assert config.prediction_log is False
    assert [key.get_secret_value() for key in config.api_keys] == [f"{SECRET}1", f"{SECRET}2"]
    assert config.metrics_token is not None
    assert config.metrics_token.get_secret_value() == SECRET
    assert (config.rate_limit, config.max_body, config.trusted_proxies) == (None, 500_000, 1)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PREDICTION_LOG", "maybe", "found 'maybe', expected on or off"),
        ("MAX_ROWS", "many", "found 'many', expected a whole number from 1 to 100000"),
        ("MAX_ROWS", "0", "found '0', expected a whole number from 1 to 100000"),
        ("MAX_BODY_MB", "-1", "found '-1', expected a number above 0 and at most 100"),
        ("LOG_RETENTION_DAYS", "1.5", "found '1.5', expected a whole number of days"),
        ("RATE_LIMIT", "fast", "found 'fast', expected a rate such as 600/minute, or off"),
        ("TRUSTED_PROXIES", "-1", "found '-1', expected a whole number from 0 to 10"),
        ("DATABASE_URL", "mysql://me:secret@db/x", "found 'mysql', expected an address that starts with sqlite://"),
        ("REDIS_URL", "http://me:secret@db", "found 'http', expected an address that starts with redis://"),
        ("RATE_LIMIT", "600/minute;5/second", "found '600/minute;5/second', expected a rate such as"),
        ("RATE_LIMIT", "0/minute", "found '0/minute', expected a rate such as"),
        ("REDIS_URL", "redis://:secret#1@db", "found 'redis', expected an address that starts with redis://"),
        ("API_KEYS", ",", "found 0 characters, expected keys of at least 16"),
        ("API_KEYS", " ", "found 0 characters, expected keys of at least 16"),
        ("API_KEYS", f"{SECRET},short-secret", "found 12 characters, expected keys of at least 16"),
        (
            "API_KEYS",
            "ein-geheimes-wört",
            "found 17 characters, expected keys of at least 16 letters, digits and signs",
        ),
        (
            "OUTCOMES_TOKEN",
            "ein-geheimes-wört",
            "found 17 characters, expected a secret of at least 16 letters, digits",
        ),
        ("OUTCOMES_TOKEN", "short-secret", "found 12 characters, expected a secret of at least 16"),
        ("METRICS_TOKEN", "short-secret", "found 12 characters, expected a secret of at least 16"),
        ("SECRET_KEY", "short-secret", "found 12 characters, expected a secret of at least 16"),
        ("API_KEYS", "short-secret", "found 12 characters, expected keys of at least 16 letters"),
    ],
)
def test_a_mistake_names_the_variable_what_was_found_and_what_is_expected(name: str, value: str, expected: str) -> None:
    with pytest.raises(UserError, match=rf"^error: {name}: {re.escape(expected)}") as caught:
        Config.from_environment({name: value})

    assert "secret@" not in str(caught.value)
    assert "short" not in str(caught.value)


def test_secrets_are_not_printed() -> None:
    config = Config.from_environment(
        {
            "API_KEYS": f"keys-{SECRET}",
            "OUTCOMES_TOKEN": f"outcomes-{SECRET}",
            "DATABASE_URL": f"postgres://me:{SECRET}@db/x",
            "REDIS_URL": f"redis://:{SECRET}@db",
        }
    )

    assert SECRET not in f"{config!r} {config}"
