import json
import os
import subprocess
import sys
from typing import Any

import pytest

from holdfast import threads
from holdfast.errors import UserError

SHOW = """
import json, sys
import numpy
from holdfast import threads
threads.limit(1)
import scipy.linalg, threadpoolctl
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads
print(json.dumps([_openmp_effective_n_threads(), [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]]))
"""


def threads_of_a_stage(**environment: str) -> Any:
    cleaned = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", SHOW], env=cleaned | environment, text=True, capture_output=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.slow
def test_every_library_is_limited_loaded_before_or_after() -> None:
    openmp, pools = threads_of_a_stage()

    assert openmp == 1
    assert len(pools) >= 2
    assert set(pools) == {1}


@pytest.mark.slow
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two processors to tell two threads from one")
@pytest.mark.parametrize("given", ["2", "2,1"])
def test_the_environment_overrules_params(given: str) -> None:
    openmp, pools = threads_of_a_stage(OMP_NUM_THREADS=given)

    assert openmp == 2
    assert set(pools) == {2}


@pytest.mark.slow
def test_waiting_threads_sleep_and_a_lower_limit_of_blas_is_kept() -> None:
    script = (
        SHOW
        + "import os\nprint(os.environ['OMP_WAIT_POLICY'])\nprint(sorted({(p['user_api'], p['num_threads']) for p in threadpoolctl.threadpool_info()}))"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1"}
    environment.pop("OMP_WAIT_POLICY", None)

    done = subprocess.run([sys.executable, "-c", script], env=environment, text=True, capture_output=True, check=True)

    assert done.stdout.splitlines()[1:] == ["passive", "[('blas', 1), ('openmp', 2)]"]


@pytest.mark.slow
def test_an_empty_variable_is_none() -> None:
    assert threads_of_a_stage(OMP_NUM_THREADS="")[0] == 1


@pytest.mark.parametrize("given", ["many", "0", "-1", "1.5"])
def test_a_number_that_is_none_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", given)

    with pytest.raises(UserError, match=f"OMP_NUM_THREADS: found '{given}', expected a number above 0"):
        threads.limit(1)
