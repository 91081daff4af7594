"""What DVC costs on top of the work itself, measured side by side in one run.

    python benchmarks/pipeline.py [RUNS]

In a fresh clone of HEAD with its data, RUNS times in turn (5 by default; medians are printed):

- `dvc repro --force`: every stage in a process of its own;
- the same four stage functions, one after the other in one Python process;
- `dvc repro` with nothing to do;
- `dvc version`, as a measure of what starting DVC costs.

Then which stages run after a change of one parameter of `train`, and the peak memory of each stage.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("prepare", "featurize", "train", "evaluate")
ONE_PROCESS = """
import logging, sys
from pathlib import Path
sys.path.insert(0, "src")
from holdfast import params, threads
choices = params.load(Path("params.yaml"))
threads.limit(choices.threads)
from holdfast.files import Workspace
from holdfast.stages import evaluate, featurize, prepare, train
for stage in (prepare, featurize, train, evaluate):
    stage.main(choices, Workspace(Path.cwd()))
"""
COMMANDS = {
    "dvc repro --force": ["dvc", "repro", "--force"],
    "the four stages in one process": [sys.executable, "-c", ONE_PROCESS],
    "dvc repro, nothing to do": ["dvc", "repro"],
    "dvc version": ["dvc", "version"],
}


def main(runs: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        clone = Path(folder) / "clone"
        run(["git", "clone", "--quiet", str(ROOT), str(clone)], ROOT)
        run(["dvc", "pull", "--quiet"], clone)
        run(["dvc", "repro", "--quiet"], clone)
        times = {name: list[float]() for name in COMMANDS}
        for turn in range(runs):
            for name, command in COMMANDS.items():
                note(f"run {turn + 1} of {runs}: {name}")
                times[name].append(run(command, clone))
        medians = {name: statistics.median(found) for name, found in times.items()}
        print_times(times, medians)
        print_stages_after_a_change(clone)
        print_memory(clone)


def print_times(times: dict[str, list[float]], medians: dict[str, float]) -> None:
    """Print the table of times and the two ratios that matter."""
    full, one, nothing, version = medians.values()
    print(f"{'':34}{'median':>9}{'min':>9}{'max':>9}")
    for name, found in times.items():
        print(f"{name:34}{medians[name]:8.2f}s{min(found):8.2f}s{max(found):8.2f}s")
    print(f"\nfull / one process   {full / one:5.2f}   (bar: at most 1.5)")
    print(f"no-op / dvc version  {nothing / version:5.2f}   (bar: at most 2)\n")


def print_stages_after_a_change(clone: Path) -> None:
    """Change one parameter of `train` and print the stages that run."""
    path = clone / "params.yaml"
    before = path.read_text()
    after = before.replace("l2_regularization: 5.0", "l2_regularization: 4.0")
    assert after != before, "the benchmark changes l2_regularization: 5.0"
    path.write_text(after)
    said = subprocess.run(["dvc", "repro"], cwd=clone, env=environment(), text=True, check=True, capture_output=True)
    stages = [line.split("'")[1] for line in said.stdout.splitlines() if line.startswith("Running stage")]
    print(f"after a change of one train parameter: {', '.join(stages)}\n")
    path.write_text(before)
    run(["dvc", "repro"], clone)


def print_memory(clone: Path) -> None:
    """Run each stage on its own and print its time and peak memory."""
    print(f"{'stage':12}{'seconds':>9}{'peak MB':>9}")
    for stage in STAGES:
        note(stage)
        began = time.perf_counter()
        peak = peak_memory([sys.executable, "src/holdfast/stages", stage], clone)
        print(f"{stage:12}{time.perf_counter() - began:9.2f}{peak:9.0f}")


def peak_memory(command: list[str], folder: Path) -> float:
    """Return the peak resident memory of a command, in MB."""
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return megabytes(usage)


def megabytes(usage: resource.struct_rusage) -> float:
    """Return the peak memory of a finished process; Linux counts in KiB, macOS in bytes."""
    return usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


def run(command: list[str], folder: Path) -> float:
    """Run a command, quietly, and return its wall time in seconds."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True)
    return time.perf_counter() - began


def environment() -> dict[str, str]:
    """Return the environment with the tools beside this Python first on the path."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def note(progress: str) -> None:
    """Say where the measurement is, where it does not mix with the table."""
    sys.stderr.write(f"{progress}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
