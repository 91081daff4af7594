"""What batch scoring costs: `python -m holdfast score` beside the bare pipeline, mlflow.pyfunc and a plain pandas loop.

    python benchmarks/score.py [ROUNDS] [ROWS]

The flights below data/, repeated under new ids until there are ROWS of them (10 million by default), lie in one
Parquet file with row groups of a million rows. Each of ROUNDS rounds (3 by default; medians are printed) runs the
contenders in turn, in a process of its own each, with the threads of params.yaml. Only holdfast scores all rows: the
peers score the first million, and those that read and write run in the first round alone. So rows per second are what
is compared; those of holdfast count its start, too.

- holdfast: the whole command, from the start of Python to its end: reading, checking every value, scoring, writing,
  hashing
- bare: `Pipeline.predict_proba` alone, on rows that are in memory in canonical form; reading them is not counted
- mlflow.pyfunc: the same model loaded by mlflow; it reads the rows, scores them, writes the scores, without any check
- pandas: `read_parquet`, `predict_proba`, `to_parquet`, without any check

All must give the same scores to the last bit, of the rows that they share.
"""

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from holdfast import files, params, threads
from holdfast.bundle import Bundle
from holdfast.files import Workspace
from holdfast.model import DECIMALS

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "benchmarks" / "peers"
BUNDLE = Workspace(ROOT).evaluate / "bundle"
ROW_GROUP = 1_000_000
BAR_SHARE, BAR_MEMORY = 0.6, 1024
# The peak memory of a process counts from that of the one that started it, so that has to be a small one.
LAUNCHER = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
CONTENDERS = ("holdfast", "bare", "mlflow.pyfunc", "pandas")
ONCE = {"mlflow.pyfunc", "pandas"}


class Found(NamedTuple):
    """What one contender took: seconds that count, peak memory in MiB, and the hash of its scores."""

    seconds: float
    peak: float
    sha256: str


def main(rounds: int, rows: int) -> None:
    """Measure and print."""
    with TemporaryDirectory(prefix="holdfast-") as folder:
        scratch = Path(folder)
        note(f"writing {rows:,} rows")
        write_rows(scratch / "rows.parquet", rows)
        found: dict[str, list[Found]] = {name: [] for name in CONTENDERS}
        for turn in range(rounds):
            for name in (one for one in CONTENDERS if turn == 0 or one not in ONCE):
                note(f"round {turn + 1} of {rounds}: {name}")
                found[name].append(measured_apart(name, scratch))
        show(found, rows)


def write_rows(path: Path, rows: int) -> None:
    """Write the flights again and again, each time under new ids."""
    flights = pd.concat([files.read(one) for one in Workspace(ROOT).partitions()], ignore_index=True)
    schema = Bundle.load(BUNDLE).model.facts.data
    kind = pa.Table.from_pandas(flights, preserve_index=False).schema.remove_metadata()
    with pq.ParquetWriter(path, kind, compression="zstd", write_page_checksum=True) as writer:
        for start in range(0, rows, ROW_GROUP):
            numbers = np.arange(start, min(start + ROW_GROUP, rows))
            part = flights.iloc[numbers % len(flights)].reset_index(drop=True)
            part[schema.id] = pd.Series(numbers // len(flights)).astype("str") + "-" + part[schema.id]
            writer.write_table(pa.Table.from_pandas(part, kind, preserve_index=False), row_group_size=ROW_GROUP)


def measured_apart(name: str, scratch: Path) -> Found:
    """Run one contender in a process of its own."""
    out = scratch / f"{name}-scores"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, __file__, name, str(scratch), str(out)]
    if name == "holdfast":
        command = [sys.executable, "-m", "holdfast", "score", str(scratch / "rows.parquet"), "--out", str(out)]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *command],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"error: {name} failed.\n{done.stdout}")
    *_, said, peak = done.stdout.splitlines()
    megabytes = int(peak) / (1024 if sys.platform == "linux" else 1024**2)  # macOS counts in bytes
    if name == "holdfast":
        return Found(seconds, megabytes, sha256_of(out / "rows.parquet"))
    told = json.loads(said)
    return Found(told["seconds"], megabytes, told["sha256"])


def environment() -> dict[str, str]:
    """Return the environment in which our own modules and those of the peers are found."""
    path = os.pathsep.join([str(ROOT / "src"), str(PEERS)])
    return {**os.environ, "PYTHONPATH": path, "MLFLOW_DISABLE_TELEMETRY": "true"}


def sha256_of(path: Path) -> str:
    """Return the hash of the scores in a file that the peers give too: those of the first row group of the rows."""
    digest, left = hashlib.sha256(), ROW_GROUP
    for batch in pq.ParquetFile(path).iter_batches(columns=["score"]):
        digest.update(batch.column("score").to_numpy()[:left].tobytes())
        left = max(0, left - batch.num_rows)
    return digest.hexdigest()


def measure(name: str, scratch: Path, out: Path) -> dict[str, Any]:
    """Score the first row group by a peer, and tell how long it took."""
    threads.limit(params.load(ROOT / "params.yaml").threads)
    model = Bundle.load(BUNDLE).model
    if name == "bare":
        return with_bare(model, scratch)
    began = time.perf_counter()
    score = with_mlflow(scratch) if name == "mlflow.pyfunc" else with_pandas(model)
    out.mkdir()
    rows = row_group(scratch)
    scores = score(rows)
    pd.DataFrame({"id": rows[model.facts.data.id], "score": scores}).to_parquet(out / "scores.parquet")
    return {"seconds": time.perf_counter() - began, "sha256": hashlib.sha256(scores.tobytes()).hexdigest()}


def row_group(scratch: Path) -> pd.DataFrame:
    """Return the first million rows."""
    file = pq.ParquetFile(scratch / "rows.parquet")
    return file.read_row_group(0, use_threads=False).to_pandas(use_threads=False)


def with_bare(model: Any, scratch: Path) -> dict[str, Any]:
    """Time the pipeline alone, on rows in memory."""
    inputs = model.facts.data.inputs(row_group(scratch), "rows")
    began = time.perf_counter()
    scores = model.pipeline.predict_proba(inputs)[:, 1]
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "sha256": hashlib.sha256(np.round(scores, DECIMALS).tobytes()).hexdigest()}


def with_pandas(model: Any) -> Callable[[pd.DataFrame], np.ndarray]:
    """Return how a plain loop scores: as a notebook would."""
    return lambda rows: np.round(model.pipeline.predict_proba(rows)[:, 1], DECIMALS)


def with_mlflow(scratch: Path) -> Callable[[pd.DataFrame], np.ndarray]:
    """Return how mlflow scores with the model that it has saved."""
    import mlflow
    from frame_model import FrameModel

    folder = scratch / "mlflow"
    if not folder.exists():
        artifacts = {"bundle": str(BUNDLE)}
        mlflow.pyfunc.save_model(folder, python_model=FrameModel(), artifacts=artifacts, pip_requirements=[])
    loaded = mlflow.pyfunc.load_model(str(folder))
    return lambda rows: np.array(loaded.predict(rows))


def show(found: dict[str, list[Found]], rows: int) -> None:
    """Print the table, and how it stands with the bars."""
    scored = {name: rows if name == "holdfast" else min(rows, ROW_GROUP) for name in CONTENDERS}
    seconds = {name: statistics.median(one.seconds for one in runs) for name, runs in found.items()}
    speeds = {name: scored[name] / seconds[name] for name in CONTENDERS}
    peaks = {name: max(one.peak for one in runs) for name, runs in found.items()}
    print("medians of the runs; peak memory of the worst\n")
    print(f"{'':16}{'runs':>6}{'rows':>12}{'seconds':>9}{'rows/s':>12}{'of bare':>9}{'peak MiB':>10}")
    for name in CONTENDERS:
        print(f"{name:16}{len(found[name]):6}{scored[name]:12,}{seconds[name]:9.1f}", end="")
        print(f"{speeds[name]:12,.0f}{speeds[name] / speeds['bare']:9.0%}{peaks[name]:10.0f}")
    same = len({one.sha256 for runs in found.values() for one in runs}) == 1
    share = speeds["holdfast"] / speeds["bare"]
    print(f"\nthe same scores to the last bit: {'yes' if same else 'NO'}")
    print(f"throughput of the bare pipeline: {share:.0%} (bar: at least {BAR_SHARE:.0%})")
    print(f"peak memory: {peaks['holdfast']:.0f} MiB (bar: under {BAR_MEMORY})")
    if not same or share < BAR_SHARE or peaks["holdfast"] >= BAR_MEMORY:
        sys.exit(1)


def note(progress: str) -> None:
    """Say where the measurement is, where it does not mix with the table."""
    sys.stderr.write(f"{progress}\n")


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in CONTENDERS:
        print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main(*map(int, sys.argv[1:] or ["3"]), *([] if len(sys.argv) > 2 else [10_000_000]))
