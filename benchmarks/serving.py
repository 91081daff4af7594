"""What serving costs: our service beside `mlflow models serve`, a twin on FastAPI and uvicorn, and bare Flask.

    python benchmarks/serving.py [ROUNDS]

The same model in all of them, two workers each, on loopback. A bare view of Flask does nothing but parse the request
and return the very JSON that our service answers: once on gunicorn's own worker, with as many threads as ours, and once
on our worker, which tells what there is left to gain in the app. Each of ROUNDS rounds (5 by default; medians are
printed) asks every server in turn, for SECONDS, with rows of the holdout: 32 connections ask for one row, 4 for more.
`wrk` asks; what it takes of the two cores, it takes from all of them. What is answered is compared with the scores of
the evaluation before anything is measured. Rate limits are set out of reach, everything else is as deployed:
predictions are logged, metrics are counted, access is logged.

Ready means that the golden rows were scored; memory is that of the workers and their parent, shared pages counted once.
"""

import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import psutil

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "artifacts" / "evaluate" / "bundle"
SIZES = {1: 32, 100: 4, 1_000: 4, 10_000: 4}  # rows, and how many connections ask for them
SECONDS, WORKERS = 3, 2
LUA = """
local file = io.open(os.getenv("BODY"), "rb")
wrk.method, wrk.body = "POST", file:read("*a")
wrk.headers["Content-Type"] = "application/json"
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  local p50, p99 = latency:percentile(50), latency:percentile(99)
  io.write(string.format("FOUND %d %f %f %d\\n", summary.requests, p50, p99, failed))
end
"""


class Server(NamedTuple):
    """How a server is started (PORT stands for its port), where it is asked, and how it takes rows."""

    command: list[str]
    path: str
    ready: str
    frame: bool = False


class Found(NamedTuple):
    """What one run of wrk found; latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


PYTHON = str(Path(sys.executable).parent)
GUNICORN = [f"{PYTHON}/gunicorn", "--bind", "127.0.0.1:PORT"]
PEERS = str(ROOT / "benchmarks" / "peers")
UVICORN = [f"{PYTHON}/uvicorn", "twin:app", "--port", "PORT", "--workers", str(WORKERS), "--log-level", "warning"]
MLFLOW = [f"{PYTHON}/mlflow", "models", "serve", "--model-uri", "MODEL", "--env-manager", "local", "--port", "PORT"]
OURS = [*GUNICORN, "--config", str(ROOT / "gunicorn.conf.py")]
SERVERS = {
    "holdfast": Server([*OURS, "app.wsgi:app"], "/predict", "/readyz"),
    "bare Flask": Server([*GUNICORN, f"--workers={WORKERS}", "--threads=2", "bare:app"], "/predict", "/readyz"),
    "our worker": Server([*OURS, "bare:app"], "/predict", "/readyz"),
    "FastAPI": Server(UVICORN, "/predict", "/readyz"),
    "mlflow": Server([*MLFLOW, "--workers", str(WORKERS)], "/invocations", "/ping", frame=True),
}


def main(rounds: int) -> None:
    """Start every server, measure in turn, print."""
    if shutil.which("wrk") is None:
        sys.exit("error: wrk: not found.\n  fix: apt-get install wrk (macOS: brew install wrk)")
    with TemporaryDirectory() as folder, ExitStack() as stack:
        scratch = Path(folder)
        bodies = made(scratch)
        found: dict[tuple[str, int], list[Found]] = {(name, size): [] for size in SIZES for name in SERVERS}
        started = {name: stack.enter_context(running(name, server, scratch)) for name, server in SERVERS.items()}
        for one, (port, _, _) in started.items():
            prove(one, port, bodies)
        for number in range(rounds):
            for (one, size), measured in found.items():
                sys.stderr.write(f"\rround {number + 1} of {rounds}: {one}, {size:,} rows".ljust(60))
                measured.append(asked(one, started[one][0], bodies[SERVERS[one].frame, size], size))
                settle(started[one][1])
        sys.stderr.write("\n")
        say(found, {name: (seconds, memory(process)) for name, (_, process, seconds) in started.items()})


def made(scratch: Path) -> dict[tuple[bool, int], Path]:
    """Write the bodies of the requests, rows of the holdout as objects and as mlflow's table, and its model."""
    subprocess.run([sys.executable, f"{PEERS}/bodies.py", str(BUNDLE), str(scratch), *map(str, SIZES)], check=True)
    (scratch / "post.lua").write_text(LUA)
    kinds = {False: "rows", True: "frame"}
    return {(frame, size): scratch / f"{kind}-{size}.json" for frame, kind in kinds.items() for size in SIZES}


@contextmanager
def running(name: str, server: Server, scratch: Path) -> Iterator[tuple[int, subprocess.Popen[bytes], float]]:
    """Start a server, wait until it is ready, give its port, its process and the seconds that took; end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = {"PORT": str(port), "MODEL": str(scratch / "mlflow")}
    command = [said.get(word, word.replace("PORT", str(port))) for word in server.command]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT), PEERS]),
        "PATH": PYTHON + os.pathsep + os.environ["PATH"],
        "MODEL_URI": str(BUNDLE),
        "DATABASE_URL": f"sqlite:///{scratch / 'predictions.db'}",
        "ANSWER": str(scratch),
        "RATE_LIMIT": "1000000000/minute",
        "WEB_CONCURRENCY": str(WORKERS),
        "OMP_NUM_THREADS": "1",  # for all of them: without it, mlflow falls to a tenth
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    began = time.perf_counter()
    with (scratch / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=scratch, env=environment, stdout=log, stderr=log)
    try:
        while not answers(f"http://127.0.0.1:{port}{server.ready}"):
            if process.poll() is not None or time.perf_counter() - began > 120:
                sys.exit(f"error: {name} did not start:\n{(scratch / f'{name}.log').read_text()[-3000:]}")
            time.sleep(0.02)
        yield port, process, time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def answers(address: str) -> bool:
    """Tell whether an address answers that all is well."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def prove(name: str, port: int, bodies: dict[tuple[bool, int], Path]) -> None:
    """Compare the scores of a server with those of the evaluation; keep our own answers for the bare view."""
    server = SERVERS[name]
    for size in SIZES:
        body = bodies[server.frame, size]
        request = urllib.request.Request(f"http://127.0.0.1:{port}{server.path}", body.read_bytes())
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = answer.read()
        if name == "holdfast":
            body.with_name(f"answer-{size}.json").write_bytes(content)
        scores = json.loads(body.with_name(f"scores-{size}.json").read_text())
        if scores_of(json.loads(content)) != scores:
            sys.exit(f"error: {name}: other scores than the evaluation's, for {size} rows: {content[:300]!r}")


def scores_of(answer: Any) -> list[float]:
    """Return the scores in an answer."""
    predictions = answer["predictions"]
    return [one["score"] if isinstance(one, dict) else one for one in predictions]


def asked(name: str, port: int, body: Path, size: int) -> Found:
    """Let wrk ask for some seconds."""
    connections = SIZES[size]
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{SECONDS}s",
        "--timeout",
        "60s",
        "-s",
        str(body.with_name("post.lua")),
    ]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{SERVERS[name].path}"],
        env=os.environ | {"BODY": str(body)},
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    )
    requests, p50, p99, failed = re.search(r"FOUND (\S+) (\S+) (\S+) (\S+)", done.stdout).groups()  # type: ignore[union-attr]
    if int(failed):
        sys.exit(f"error: {name}: {failed} requests of {size} rows failed")
    return Found(int(requests) / SECONDS, float(p50) / 1_000, float(p99) / 1_000)


def settle(process: subprocess.Popen[bytes]) -> None:
    """Wait until a server rests: what one run leaves to be logged is not to slow down the next."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for _ in range(20):
        before = sum(sum(one.cpu_times()[:2]) for one in family)
        time.sleep(0.5)
        if sum(sum(one.cpu_times()[:2]) for one in family) - before < 0.05:
            return


def memory(process: subprocess.Popen[bytes]) -> float:
    """Return what a server and all its processes take, in MB; shared pages are counted once."""
    parent = psutil.Process(process.pid)
    family = [parent, *parent.children(recursive=True)]
    return sum(one.memory_full_info().pss for one in family) / 1e6


def say(found: dict[tuple[str, int], list[Found]], started: dict[str, tuple[float, float]]) -> None:
    """Print the medians, and how many times our requests a second are those of another."""
    for size in SIZES:
        print(f"\n{size:,} row{'s' * (size > 1)}, {SIZES[size]} connections")
        print(f"{'':10}{'requests/s':>12}{'rows/s':>12}{'p50':>10}{'p99':>10}{'p99/p50':>9}{'ours is':>10}")
        ours = statistics.median(one.rate for one in found["holdfast", size])
        for name in SERVERS:
            rate, p50, p99 = (statistics.median(values) for values in zip(*found[name, size], strict=True))
            times = f"{p50:7.1f} ms{p99:7.1f} ms{p99 / p50:9.1f}"
            print(f"{name:10}{rate:12,.1f}{rate * size:12,.0f}{times}{ours / rate:9.2f}x")
    print(f"\n{'':10}{'ready after':>12}{'memory':>10}  ({WORKERS} workers and their parent)")
    for name, (seconds, taken) in started.items():
        print(f"{name:10}{seconds:10.1f} s{taken:7.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
