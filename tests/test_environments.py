"""An environment is chosen by name, and has its own gates; a name that is not there is refused."""

import pytest

from holdfast import environments
from holdfast.errors import UserError
from holdfast.params import Environment, Params


@pytest.fixture
def choices(params: Params) -> Params:
    two = {"dev": Environment(model="m-dev", gates={"size_mb": 3.0}), "prod": Environment(model="m", approvals=1)}
    return params.model_copy(update={"environments": two})


def test_dev_is_chosen_where_nothing_is_said(choices: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLDFAST_ENV", raising=False)

    found = environments.current(choices)

    assert (found.name, found.settings.model, found.gates.size_mb) == ("dev", "m-dev", 3.0)
    assert found.gates.floor == choices.gates.floor


def test_a_variable_chooses_another(choices: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_ENV", "prod")

    found = environments.current(choices)

    assert (found.name, found.settings.approvals, found.gates) == ("prod", 1, choices.gates)


def test_an_unknown_name_is_refused(choices: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_ENV", "pord")

    with pytest.raises(UserError, match=r"no environment 'pord' in params.yaml, did you mean 'prod'\?; there are: dev"):
        environments.current(choices)


def test_gates_that_are_none_are_refused_with_their_path(params: Params) -> None:
    content = params.model_dump(mode="json") | {"environments": {"uat": {"model": "m", "gates": {"resamples": 3}}}}

    with pytest.raises(ValueError, match=r"environments\.uat\.gates\.resamples: Input should be greater than or equal"):
        Params.model_validate(content, strict=False)


def test_two_environments_with_one_name_are_refused(params: Params) -> None:
    content = params.model_dump(mode="json") | {"environments": {"dev": {"model": "m"}, "prod": {"model": "m"}}}

    with pytest.raises(
        ValueError, match=r"environments\.prod\.model: found the name of dev's, expected one of its own"
    ):
        Params.model_validate(content, strict=False)


def test_what_an_environment_does_not_say_of_the_gates_stays(params: Params) -> None:
    own = Environment(model="m", gates={"floor": {"roc_auc": 0.9}, "slices": {"rows": 7}})
    found = params.model_copy(update={"environments": {"dev": own}}).gates_in("dev")

    assert found.floor == {**params.gates.floor, "roc_auc": 0.9}
    assert found.slices == params.gates.slices.model_copy(update={"rows": 7})
