"""What is counted is what happened, in one process and in several."""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
from flask import Flask
from flask.testing import FlaskClient

from app.metrics import Metrics
from app.requests import Row
from holdfast.bundle import Bundle


def numbers(client: FlaskClient) -> list[str]:
    return client.get("/metrics").text.splitlines()


def test_requests_rows_scores_and_what_inputs_lacked_are_counted(client: FlaskClient, bundle: Bundle, row: Row) -> None:
    rows = [row | {"humidity": None}, row | {"carrier": "ZZ", "humidity": 5}, {}]
    client.post("/predict", json={"rows": rows, "bad_rows": "skip"})
    client.post("/predict", json={"rows": "all"})

    found = numbers(client)

    assert 'holdfast_requests_total{endpoint="api.predict",method="POST",status="200"} 1.0' in found
    assert 'holdfast_requests_total{endpoint="api.predict",method="POST",status="422"} 1.0' in found
    assert 'holdfast_request_seconds_count{endpoint="api.predict"} 2.0' in found
    assert 'holdfast_rows_total{source="api"} 2.0' in found
    assert 'holdfast_missing_inputs_total{column="humidity"} 1.0' in found
    assert 'holdfast_unknown_words_total{column="carrier"} 1.0' in found
    assert "holdfast_skipped_rows_total 1.0" in found
    assert f'holdfast_model{{sha256="{bundle.sha256}",version="{bundle.version}"}} 1.0' in found


def test_each_score_is_counted_in_its_tenth(client: FlaskClient, bundle: Bundle) -> None:
    client.post("/predict", json={"rows": bundle.golden.rows})

    counted = {
        float(line.split('"')[1]): float(line.split()[-1])
        for line in numbers(client)
        if line.startswith("holdfast_scores_total{")
    }

    scores = np.array(bundle.golden.scores)
    assert sum(counted.values()) == len(scores)
    assert counted[0.5] == sum(0.4 < score <= 0.5 for score in scores)


def test_methods_that_nobody_knows_do_not_become_labels(client: FlaskClient) -> None:
    for number in range(5):
        client.open("/nowhere", method=f"MADE-UP-{number}")

    assert 'holdfast_requests_total{endpoint="none",method="other",status="404"} 5.0' in numbers(client)


def test_what_the_log_wrote_and_dropped_is_taken_over() -> None:
    class Log:
        written, dropped, waiting = 5, 2, 1

    metrics, log = Metrics(), Log()
    metrics.follow(log)
    log.written = 7
    metrics.follow(log)

    found = metrics.exposed().decode().splitlines()
    assert {"holdfast_log_written_total 7.0", "holdfast_log_dropped_total 2.0", "holdfast_log_waiting 1.0"} <= set(
        found
    )


def test_what_two_threads_take_over_at_once_is_counted_once() -> None:
    meeting = threading.Barrier(2)

    class Number(int):
        def __sub__(self, other: int) -> int:
            with suppress(threading.BrokenBarrierError):
                meeting.wait(0.2)
            return int(self) - other

    class Log:
        written, dropped, waiting = 0, Number(5), 0

    metrics = Metrics()
    threads = [threading.Thread(target=metrics.follow, args=(Log(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert "holdfast_log_dropped_total 5.0" in metrics.exposed().decode().splitlines()


def test_methods_that_nobody_knows_take_no_memory() -> None:
    metrics = Metrics()

    for number in range(5):
        metrics.request("none", f"MADE-UP-{number}", "404", 0.1)

    assert len(metrics._children) == 1


def count_in_a_process(folder: Path, before: str = "pass") -> str:
    """Count two rows in a process of its own, and return what it says of all of them."""
    script = f"from app import metrics; {before}; m = metrics.Metrics(); m.rows('api', [0.1, 0.9], {{}}, {{}})"
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", f"{script}; print(m.exposed().decode())"]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def test_several_processes_are_added_up(tmp_path: Path) -> None:
    said = [count_in_a_process(tmp_path) for _ in range(2)]

    assert 'holdfast_rows_total{source="api"} 4.0' in said[-1]


def test_a_process_that_replaces_another_goes_on_with_its_numbers_and_adds_no_files(tmp_path: Path) -> None:
    count_in_a_process(tmp_path, "metrics.go_on_as('worker0')")
    before = sorted(tmp_path.iterdir())
    said = count_in_a_process(tmp_path, "metrics.go_on_as('worker0')")

    assert 'holdfast_rows_total{source="api"} 4.0' in said
    assert sorted(tmp_path.iterdir()) == before


def test_the_application_counts_by_itself(app: Flask) -> None:
    first, second = app.test_client(), app.extensions["holdfast"].metrics

    first.get("/model")

    assert b'endpoint="api.model"' in second.exposed()
