"""How often the judge errs, by simulation: pairs of models of which the truth is known.

    python benchmarks/judge_errors.py [PAIRS] [ROWS A DAY]

Flights of 30 days, in four slices. A row has a part that models may know and a part that they cannot; each day has a
shock of its own, so that rows of a day are alike. A model sees the known part through noise of its own, a third of
which (in its standard deviation) is shared by the rows of a day. How much noise makes a model worse by so much ROC AUC
is found from a million rows, not guessed. The champion and the challenger of a pair have independent noise. The whole
judge is asked, with the gates of params.yaml. It prints the table of docs/comparison.md, which a test compares.
"""

import sys
from functools import cache
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from holdfast import params, threads
from holdfast.comparison import Comparison, compare
from holdfast.differences import Rows, Scored, Slice

DAYS, SLICES = 30, 4
NOISE = 0.15  # of the better model, where the known part has a standard deviation of 1
PARAMS = params.load(Path(__file__).resolve().parent.parent / "params.yaml")
MARGIN, SLICE_MARGIN = PARAMS.gates.margin["roc_auc"], PARAMS.gates.slices.margin["roc_auc"]

# How much ROC AUC the champion lacks, the challenger in the first slice, and the challenger in the others.
TRUTHS = {
    "better by the margin": (MARGIN, 0.0, 0.0),
    "no difference": (0.0, 0.0, 0.0),
    "worse by the margin": (0.0, MARGIN, MARGIN),
    "worse by twice the margin": (0.0, 2 * MARGIN, 2 * MARGIN),
    "every slice worse by the margin for slices": (0.0, SLICE_MARGIN, SLICE_MARGIN),
    "one slice worse by twice that, the others the same": (0.0, 2 * SLICE_MARGIN, 0.0),
}


class World:
    """Rows of some days, what can be known of them, and what became of them."""

    def __init__(self, random: np.random.Generator, days: int, rows: int) -> None:
        self.random, self.days = random, days
        self.day = np.repeat(np.arange(days), rows)
        self.slice = random.integers(0, SLICES, days * rows)
        self.known = random.normal(size=days * rows)
        shock = 0.5 * random.normal(size=days)[self.day]
        self.target = (random.random(days * rows) < expit(-1.5 + 1.2 * self.known + shock)).astype("int8")

    def error(self) -> np.ndarray:
        """Draw what one model mistakes: of standard deviation 1, some of it alike for a day."""
        return (
            np.sqrt(8 / 9) * self.random.normal(size=len(self.day)) + self.random.normal(size=self.days)[self.day] / 3
        )

    def scored(self, error: np.ndarray, noise: float | np.ndarray) -> Scored:
        """Return what a model with such noise makes of the rows."""
        scores = expit(-1.5 + self.known + noise * error)
        return Scored(scores, np.zeros(len(scores), dtype=bool), threshold=0.3, size=1_000_000, latency=1.0)


@cache
def _million() -> tuple[World, np.ndarray]:
    world = World(np.random.default_rng(PARAMS.seed), days=20_000, rows=50)
    return world, world.error()


@cache
def auc(noise: float) -> float:
    """Return the true ROC AUC of a model with such noise."""
    world, error = _million()
    return float(roc_auc_score(world.target, world.scored(error, noise).scores))


@cache
def noise_for(loss: float) -> float:
    """Return the noise of a model that lacks so much ROC AUC."""
    return NOISE if loss == 0 else float(brentq(lambda noise: auc(noise) - auc(NOISE) + loss, 0, 3, xtol=1e-4))


def judged(champion: float, first: float, others: float, rows: int, seed: int) -> Comparison:
    """Draw a month and a pair of models, and ask the judge."""
    world = World(np.random.default_rng(seed), DAYS, rows)
    old = world.scored(world.error(), noise_for(champion))
    noise = np.where(world.slice == 0, noise_for(first), noise_for(others))
    slices = tuple(Slice("slice", str(one), world.slice == one) for one in range(SLICES))
    return compare(
        Rows(world.target, world.day, "days", slices), old, world.scored(world.error(), noise), PARAMS.gates,
        bins=PARAMS.evaluate.calibration_bins, seed=seed, tags=PARAMS.tags,
    )  # fmt: skip


def passed(found: Comparison, code: str) -> bool:
    """Tell whether a gate was passed."""
    return next(gate for gate in found.gates if gate.code == code).passed is True


def line(truth: str, pairs: int, rows: int) -> str:
    """Return a line of the table: how many in a hundred pairs."""
    found = [judged(*TRUTHS[truth], rows, seed) for seed in range(pairs)]
    shares = [
        np.mean([any(one.of(name).word == "worse" for name in PARAMS.gates.margin) for one in found]),
        np.mean([any(each.word == "worse" for each in one.differences) for one in found]),
        np.mean([not passed(one, "G2") for one in found]),
        np.mean([not passed(one, "G3") for one in found]),
        np.mean([one.verdict == "promote" for one in found]),
    ]
    return f"| {truth} | {' | '.join(f'{share:.1%}' for share in shares)} |"


def main(pairs: int, rows: int) -> None:
    """Print the table."""
    threads.limit(1)
    print("| the challenger is truly | called worse | any word is worse | refused by G2 | refused by G3 | promoted |")
    print("|---|---|---|---|---|---|")
    for truth in TRUTHS:
        print(line(truth, pairs, rows), flush=True)


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    main(*given, *(400, 150)[len(given) :])
