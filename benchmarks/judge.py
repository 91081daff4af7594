"""What the judge costs: our vectorised bootstrap beside a plain loop over resamples, on the same rows.

    python benchmarks/judge.py [RUNS]

30,000 rows in 25 slices (as many as airlines, airports and times of departure make), first 30 days as groups, then each
row as one. The plain loop repeats rows with NumPy and measures them with scikit-learn: eight metrics of both models on
all rows, the two of gate G3 on each slice. It takes 20 resamples, and its time is scaled to as many as ours takes. Both
must find the same standard error, as far as 20 resamples can say. Each runs in a process of its own, on one core, RUNS
times in turn (3 by default; medians are printed); memory is what it takes on top of the rows.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from scipy.special import expit
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from holdfast import bootstrap, params, threads
from holdfast.comparison import compare
from holdfast.differences import Rows, Scored, Slice

PARAMS = params.load(Path(__file__).resolve().parent.parent / "params.yaml")
ROWS, DAYS, CUTS = 30_000, 30, (16, 3, 6)
PLAIN = 20  # resamples of the plain loop
UNIT = 1024 if sys.platform == "linux" else 1024**2  # Linux counts in KiB, macOS in bytes
Pair = tuple[Rows, Scored, Scored]


def main(runs: int) -> None:
    """Measure and print."""
    print(f"{'groups':8}{'':10}{'median':>9}{'min':>9}{'max':>9}{'memory':>10}{'ratio':>8}")
    for groups in ("days", "rows"):
        found = {name: [apart(name, groups) for _ in range(runs)] for name in ("holdfast", "plain")}
        errors = [runs_of[0]["error"] for runs_of in found.values()]
        if not 0.5 < errors[0] / errors[1] < 2:
            sys.exit(f"the two find different standard errors: {errors}")
        fastest = statistics.median(one["seconds"] for one in found["holdfast"])
        for name, measured in found.items():
            times = [one["seconds"] for one in measured]
            memory, median = statistics.median(one["memory"] for one in measured), statistics.median(times)
            print(
                f"{groups:8}{name:10}{median:8.2f}s{min(times):8.2f}s{max(times):8.2f}s{memory:7.0f} MB"
                f"{median / fastest:8.1f}"
            )
    print(f"\n{PARAMS.gates.resamples:,} resamples; those of the plain loop are scaled from {PLAIN}")


def apart(name: str, groups: str) -> dict[str, float]:
    """Run one of the two in a process of its own."""
    done = subprocess.run([sys.executable, __file__, name, groups], text=True, check=True, stdout=subprocess.PIPE)
    return dict(json.loads(done.stdout))


def measured(name: str, groups: str) -> dict[str, float]:
    """Measure seconds, memory, and the standard error of the difference in ROC AUC."""
    threads.limit(1)
    pair = made(groups)
    compare(*made(groups, rows=60), PARAMS.gates, bins=10, seed=0, tags=PARAMS.tags)  # imports, and what is done once
    before, began = peak(), time.perf_counter()
    error, scale = {"holdfast": with_holdfast, "plain": with_plain}[name](pair)
    return {"seconds": (time.perf_counter() - began) * scale, "memory": peak() - before, "error": error}


def made(groups: str, rows: int = ROWS) -> Pair:
    """Draw rows, and the scores of two models."""
    random = np.random.default_rng(PARAMS.seed)
    known = random.normal(size=rows)
    target = (random.random(rows) < expit(known - 1.5)).astype("int8")
    slices = [
        Slice(str(count), str(one), mask)
        for count in CUTS
        for places in [random.integers(0, count, rows)]
        for one in range(count)
        for mask in [places == one]
    ]
    old, new = (
        Scored(expit(known - 1.5 + random.normal(0, 0.5, rows)), np.zeros(rows, dtype=bool), 0.3, 1_000_000, 1.0)
        for _ in range(2)
    )
    return (
        Rows(target, np.arange(rows) % DAYS if groups == "days" else np.arange(rows), groups, tuple(slices)),
        old,
        new,
    )


def with_holdfast(pair: Pair) -> tuple[float, float]:
    """Ask our judge."""
    found = compare(*pair, PARAMS.gates, bins=10, seed=0, tags=PARAMS.tags).of("roc_auc")
    return (found.high - found.low) / 4, 1.0


def with_plain(pair: Pair) -> tuple[float, float]:
    """Repeat the rows of each draw, and measure them one after the other."""
    rows, old, new = pair
    found = []
    for times in np.concatenate(list(bootstrap.draws(rows.groups.max() + 1, len(rows.target), PLAIN, 0)))[1:]:
        drawn = np.repeat(np.arange(len(rows.target)), times[rows.groups])
        before, after = (plain_metrics(rows.target[drawn], model.scores[drawn]) for model in (old, new))
        found.append(after - before)
        for piece in rows.slices:
            inside = drawn[piece.mask[drawn]]
            for model in (old, new):
                roc_auc_score(rows.target[inside], model.scores[inside])
                log_loss(rows.target[inside], model.scores[inside])
    return float(np.std(found)), PARAMS.gates.resamples / PLAIN


def plain_metrics(target: np.ndarray, scores: np.ndarray) -> float:
    """Measure all eight metrics, and return the ROC AUC."""
    flagged = scores >= 0.3
    for metric in (average_precision_score, log_loss, brier_score_loss):
        metric(target, scores)
    for metric in (precision_score, recall_score, f1_score):
        metric(target, flagged)
    place = np.minimum((scores * 10).astype("int64"), 9)
    np.abs(np.bincount(place, scores - target)).sum()
    return float(roc_auc_score(target, scores))


def peak() -> float:
    """Return the peak memory of this process until now, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / UNIT


if __name__ == "__main__":
    if len(sys.argv) == 3:
        sys.stdout.write(json.dumps(measured(*sys.argv[1:])))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
