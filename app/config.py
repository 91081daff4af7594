"""What can be chosen about the service, and how: environment variables, as a platform gives them.

Nothing has to be set. A variable that is set and empty counts as not set, for some platforms cannot unset one. Secrets
are kept in a type that does not print itself, so that no log and no traceback shows them.
"""

import os
from collections.abc import Mapping
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

import limits
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from holdfast.errors import UserError

MAKE_ONE = "python -c 'import secrets; print(secrets.token_urlsafe(32))'"


def _sendable(secret: SecretStr) -> SecretStr:
    """Refuse what a header may not bring as it is: each client spells other letters in its own way."""
    text = secret.get_secret_value()
    if not (text.isascii() and text.isprintable()):
        raise ValueError("not sendable")
    return secret


Secret = Annotated[SecretStr, Field(min_length=16)]
Token = Annotated[Secret, AfterValidator(_sendable)]
EXPECTED = "a secret of at least 16 letters, digits and signs of ASCII"


class Config(BaseModel):
    """The choices of one service; each description ends the sentence "expected …"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_uri: str = Field(
        default="artifacts/evaluate/bundle", description="a folder, or a name in a registry such as models:/NAME@ALIAS"
    )
    database_url: str = Field(
        default="sqlite:///predictions.db",
        repr=False,  # it may hold a password, as does the next address
        pattern=r"^(sqlite|postgres|postgresql)(\+[a-z0-9]+)?://",
        description="an address that starts with sqlite:// or postgresql://",
    )
    prediction_log: bool = Field(default=True, description="on or off")
    log_retention_days: int = Field(default=90, ge=1, le=36_500, description="a whole number of days from 1 to 36500")
    api_keys: tuple[Token, ...] = Field(
        default=(), description="keys of at least 16 letters, digits and signs of ASCII, with commas between"
    )
    outcomes_token: Token | None = Field(default=None, description=EXPECTED)
    metrics_token: Token | None = Field(default=None, description=EXPECTED)
    secret_key: Secret | None = Field(default=None, description="a secret of at least 16 characters")
    rate_limit: str | None = Field(default="600/minute", description="a rate such as 600/minute, or off")
    redis_url: str | None = Field(
        default=None,
        pattern=r"^rediss?://",
        repr=False,
        description="an address that starts with redis:// or rediss://",
    )
    trusted_proxies: int = Field(default=0, ge=0, le=10, description="a whole number from 0 to 10")
    max_rows: int = Field(default=10_000, ge=1, le=100_000, description="a whole number from 1 to 100000")
    max_body_mb: float = Field(default=6, gt=0, le=100, description="a number above 0 and at most 100")

    @field_validator("prediction_log", mode="before")
    @classmethod
    def _on_or_off(cls, value: object) -> object:
        return {"on": True, "off": False}.get(value.lower(), "neither") if isinstance(value, str) else value

    @field_validator("outcomes_token", "metrics_token", mode="before")
    @classmethod
    def _without_space(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value  # a file that it was read from ends in a new line

    @field_validator("api_keys", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        return _keys(value) if isinstance(value, str) else value

    @field_validator("redis_url")
    @classmethod
    def _port_is_a_number(cls, value: str | None) -> str | None:
        """Refuse an address whose password ends too early, at a sign that had to be written as %…."""
        if value is not None:
            urlsplit(value).port  # noqa: B018 (to ask raises)
        return value

    @field_validator("rate_limit")
    @classmethod
    def _rate_is_readable(cls, value: str | None) -> str | None:
        if value is None or value.lower() == "off":
            return None
        if len(rates := limits.parse_many(value)) > 1 or rates[0].amount < 1:
            raise ValueError("not one rate")
        return value

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the choices from environment variables, which are named like them in capitals.

        Raises: UserError that names the first variable with a mistake.
        """
        names = {name.upper(): name for name in cls.model_fields}
        given = {field: environment[name] for name, field in names.items() if environment.get(name)}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise _mendable(str(error.errors()[0]["loc"][0]), given) from None

    @property
    def max_body(self) -> int:
        """Return how many bytes the body of a request may have."""
        return int(self.max_body_mb * 1_000_000)


def _keys(value: str) -> tuple[str, ...]:
    """Return the keys of a list; where it has none it is a mistake, and must not open the service to all."""
    return tuple(key.strip() for key in value.split(",") if key.strip()) or ("",)


def _mendable(field: str, given: Mapping[str, Any]) -> UserError:
    about = Config.model_fields[field]
    name = field.upper()
    if "secret" in str(about.annotation).lower():
        shortest = min(map(len, _keys(given[field])))
        return UserError(f"{name}: found {shortest} characters, expected {about.description}.", fix=MAKE_ONE)
    found = repr(given[field].partition("://")[0]) if about.repr is False else repr(given[field])
    return UserError(f"{name}: found {found:.80}, expected {about.description}.", fix=f"set {name}, or unset it")
