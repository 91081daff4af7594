"""How gunicorn serves the app; it finds this file by its name, in the folder in which it is started.

Environment: PORT, WEB_CONCURRENCY (processes), REQUEST_TIMEOUT (seconds), and all that `app.config` reads.
Another setting for once: `gunicorn --threads 4 app.wsgi:app`, or GUNICORN_CMD_ARGS.
"""

import gc
import os
import shutil
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory: the heartbeat of a worker never waits for a disk
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
FLUSH = 5.0  # seconds that a worker has at its end to write its part of the prediction log

# Before numpy is loaded. A request is served by one thread; when its library starts one a core in each process, they
# fight: the model then answers 10 times a second instead of 1,000.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# 127.0.0.1 unless a platform says where to listen; what listens to the world is a proxy or a platform's router.
bind = f"0.0.0.0:{os.environ['PORT']}" if os.environ.get("PORT") else "127.0.0.1:8000"

# One process a core, at least two: while one restarts, the other serves. At most four by default, for a container
# often sees all cores of a machine and owns two. The model is loaded once, before the fork, and shared.
workers = int(os.environ.get("WEB_CONCURRENCY") or max(2, min(4, CORES)))
preload_app = True

# The loop of `app.worker` waits for clients, so threads only compute: two keep a core busy, and a request that asks
# the database does not stop the others. More of them take turns at Python's lock, and the slowest answers get slower.
worker_class = "app.worker.Worker"
threads = 2

# An idle connection costs a few kilobytes and gives way to new clients. It must outlive those of the proxy in front
# (Heroku's router: 90 s, nginx: 60 s), or a request could arrive in the moment in which we close.
keepalive = 100

# `timeout`: a process whose loop says nothing for so long is killed. `graceful_timeout`: time for requests at work
# when the service stops; with FLUSH it is less than the 30 s after which Heroku, Docker and systemd kill.
timeout = 30
graceful_timeout = 20

# A process is replaced now and then, should something leak; the jitter keeps them from doing it together.
max_requests = 100_000
max_requests_jitter = 20_000

limit_request_line = 4_094
limit_request_fields = 64
limit_request_field_size = 8_190

# Whom to believe about the client's address is decided in one place only, by TRUSTED_PROXIES in `app.security`.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}

worker_tmp_dir = str(MEMORY) if os.access(MEMORY, os.W_OK) else None
control_socket_disable = True  # gunicorn would open one for its command `gunicornc`, in the home folder

# The app writes one line a request itself, with its request id. What gunicorn says looks the same.
logger_class = "app.worker.Log"
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "app.logs.JsonLines"}},
    "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stdout"}},
    "root": {"level": "INFO", "handlers": ["lines"]},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["lines"], "propagate": False}},
}

# Where the processes add up what they count, anew for each start; prometheus_client looks when it is imported. This
# file is read again, by the same process, when gunicorn is told to reload: then the numbers go on.
if os.environ.get("HOLDFAST_MASTER") != str(os.getpid()):
    os.environ["HOLDFAST_MASTER"] = str(os.getpid())
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="holdfast-metrics-", dir=worker_tmp_dir)


def when_ready(_: Any) -> None:
    """Put what was loaded out of the collector's sight: it stays shared with the workers, and is never searched."""
    gc.collect()
    gc.freeze()


def pre_fork(server: Any, worker: Any) -> None:
    """Give a worker the first number that no other has: it goes on with the numbers of the one that it replaces."""
    taken = {other.number for other in server.WORKERS.values()}
    worker.number = next(number for number in count() if number not in taken)


def post_fork(_: Any, worker: Any) -> None:
    """Let a worker count under its number."""
    from app.metrics import go_on_as

    go_on_as(f"worker{worker.number}")


def worker_exit(_: Any, worker: Any) -> None:
    """Write what is left of the prediction log, and count what could not be written."""
    from app import service

    if hasattr(worker, "wsgi"):
        parts = service.of(worker.wsgi)
        if recorder := parts.predictor.recorder:
            recorder.close(FLUSH)
            parts.metrics.follow(recorder)


def child_exit(_: Any, worker: Any) -> None:
    """Forget what a dead process said of its present state; what it counted stays counted."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(f"worker{worker.number}")


def on_exit(_: Any) -> None:
    """Leave nothing behind."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
