"""What the service counts, for Prometheus: requests, how long they took, rows, scores, and what the inputs lacked.

Several processes serve; where PROMETHEUS_MULTIPROC_DIR names a folder they keep their numbers there, and whichever of
them is asked adds all up. A process that replaces another goes on with its numbers: see `go_on_as`. Counting is on the
way of every request, so each labelled counter is looked up once.
"""

import os
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from threading import Lock
from typing import Literal, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess, values

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
SCORES = tuple(bound / 10 for bound in range(1, 11))
METHODS = {"GET", "HEAD", "POST", "OPTIONS"}

# Whose numbers this process keeps; its own, if it was not told.
_name: str | None = None
if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    values.ValueClass = values.MultiProcessValue(lambda: _name or os.getpid())  # type: ignore[no-untyped-call]


def go_on_as(name: str) -> None:
    """Take over the numbers of the process that had this name; no two that live may share one.

    Otherwise each process leaves its files behind, and there would be more of them with every one that is replaced.
    """
    global _name  # noqa: PLW0603 (as global as the files)
    _name = name


class Log(Protocol):
    """What is asked of the prediction log: how many records it wrote, dropped and still has."""

    @property
    def dropped(self) -> int:  # noqa: D102
        ...

    @property
    def written(self) -> int:  # noqa: D102
        ...

    @property
    def waiting(self) -> int:  # noqa: D102
        ...


class Metrics:
    """The numbers of one service."""

    def __init__(self, bounds: Sequence[float] = SCORES) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = self._counter("requests", "Requests answered.", "endpoint", "method", "status")
        self._seconds = Histogram(
            "holdfast_request_seconds",
            "From the first look at a request to the first byte of its answer.",
            ["endpoint"],
            buckets=SECONDS,
            registry=registry,
        )
        self._rows = self._counter("rows", "Rows scored.", "source")
        self._scores = self._counter("scores", "Scores above the bound before, up to this one.", "up_to")
        self._missing = self._counter("missing_inputs", "Inputs that rows left out.", "column")
        self._unknown = self._counter("unknown_words", "Words that the model never met.", "column")
        self._refused = self._counter("skipped_rows", "Bad rows that were left out, as asked.")
        self._logged = self._counter("log_written", "Predictions written to the log.")
        self._dropped = self._counter("log_dropped", "Predictions that the log had to drop.")
        self._waiting = self._gauge("log_waiting", "Predictions not yet written to the log.", "livesum")
        self.limiter_failures = self._counter("rate_limit_failures", "Requests let pass because Redis was not reached.")
        self._model = self._gauge("model", "1 for the model that is served.", "livemax", "version", "sha256")
        self._children: dict[tuple[str, ...], tuple[Callable[[], None], Callable[[float], None]]] = {}
        # A few names each, all of them ours: columns of the schema, and where rows come from.
        self._missing_of, self._unknown_of, self._rows_of = (
            cache(lambda name, counter=counter: counter.labels(name).inc)
            for counter in (self._missing, self._unknown, self._rows)
        )
        self._bounds = [*bounds]
        self._buckets = [self._scores.labels(f"{bound:g}").inc for bound in bounds]
        self._seen = {"dropped": 0, "written": 0}
        self._following = Lock()

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(f"holdfast_{name}", says, labels, registry=self.registry)

    def _gauge(self, name: str, says: str, mode: Literal["livesum", "livemax"], *labels: str) -> Gauge:
        return Gauge(f"holdfast_{name}", says, labels, multiprocess_mode=mode, registry=self.registry)

    def serving(self, version: str, sha256: str) -> None:
        """Say which model is served."""
        self._model.labels(version, sha256).set(1)

    def request(self, endpoint: str, method: str, status: str, seconds: float) -> None:
        """Count a request."""
        key = (endpoint, method if method in METHODS else "other", status)
        if key not in self._children:
            self._children[key] = (
                self._requests.labels(*key).inc,
                self._seconds.labels(endpoint).observe,
            )
        count, observe = self._children[key]
        count()
        observe(seconds)

    def rows(
        self, source: str, scores: Sequence[float], missing: Mapping[str, int], unknown: Mapping[str, int]
    ) -> None:
        """Count scored rows, their scores, and how often each column was missing or held an unknown word."""
        self._rows_of(source)(len(scores))
        for place, number in Tally(bisect_left(self._bounds, score) for score in scores).items():
            self._buckets[place](number)
        for column, number in missing.items():
            self._missing_of(column)(number)
        for column, number in unknown.items():
            self._unknown_of(column)(number)

    def refused(self, rows: int) -> None:
        """Count rows that were refused."""
        self._refused.inc(rows)

    def follow(self, log: Log) -> None:
        """Take over what the log has counted since the last time."""
        with self._following:
            for name, counter in (("dropped", self._dropped), ("written", self._logged)):
                now = getattr(log, name)
                if now > self._seen[name]:
                    counter.inc(now - self._seen[name])
                    self._seen[name] = now
        self._waiting.set(log.waiting)

    def exposed(self) -> bytes:
        """Return all numbers, of all processes, as Prometheus reads them."""
        if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            return generate_latest(self.registry)
        everyone = CollectorRegistry()
        multiprocess.MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return generate_latest(everyone)
