"""How often the judge errs: what docs/comparison.md says is simulated anew, and is within what we promise."""

import runpy
from typing import Any

import pytest

from conftest import ROOT

SIMULATION: dict[str, Any] = runpy.run_path(str(ROOT / "benchmarks" / "judge_errors.py"))
PAIRS, ROWS = 400, 150  # rows a day, for 30 days


def documented() -> dict[str, str]:
    """Return the lines of the first table by what is true of the challenger."""
    table = (ROOT / "docs" / "comparison.md").read_text().partition("| the challenger is truly")[2].partition("\n\n")[0]
    return {line.split(" | ")[0].removeprefix("| "): line for line in table.splitlines()[2:]}


def shares(line: str) -> dict[str, float]:
    """Return the shares of a line by name, in per cent."""
    names = ("worse", "any", "G2", "G3", "promoted")
    return dict(zip(names, (float(cell.strip(" %")) for cell in line.split("|")[2:-1]), strict=True))


def test_every_truth_is_in_the_docs() -> None:
    assert list(documented()) == list(SIMULATION["TRUTHS"])


@pytest.mark.slow
@pytest.mark.parametrize("truth", ["no difference", "worse by twice the margin"])
def test_the_docs_say_what_the_simulation_finds(truth: str) -> None:
    found = SIMULATION["line"](truth, PAIRS, ROWS)

    # To a pair in a hundred, for another processor may round a verdict on the edge to the other side.
    assert shares(found) == pytest.approx(shares(documented()[truth]), abs=1.0)
    if truth == "no difference":
        assert shares(found)["worse"] <= 5
        assert shares(found)["G3"] <= 5
    else:
        assert shares(found)["promoted"] <= 10
        assert shares(found)["G2"] >= 90


def test_the_docs_promise_no_more_than_holds() -> None:
    found = {truth: shares(line) for truth, line in documented().items()}

    assert found["no difference"]["worse"] <= 5
    assert found["worse by the margin"]["promoted"] <= 5
    assert found["worse by twice the margin"]["G2"] >= 90
    assert found["every slice worse by the margin for slices"]["G3"] <= 5
    assert found["better by the margin"]["promoted"] > found["no difference"]["promoted"]


@pytest.mark.slow
def test_how_much_noise_makes_a_model_worse_is_found_from_many_rows() -> None:
    auc, noise_for, margin = (SIMULATION[name] for name in ("auc", "noise_for", "MARGIN"))

    best = auc(noise_for(0.0))

    assert auc(noise_for(margin)) == pytest.approx(best - margin, abs=1e-4)
    assert auc(noise_for(2 * margin)) == pytest.approx(best - 2 * margin, abs=1e-4)
