"""How many threads numerical libraries may use.

Libraries that are loaded later read the environment; those that are loaded already are told. OpenMP's
threads are told to sleep, not to spin, while they wait: on a busy machine spinning threads make the
same work several times slower.
"""

import os

import threadpoolctl

from holdfast.errors import UserError


def limit(threads: int) -> None:
    """Allow so many threads, unless OMP_NUM_THREADS in the environment has decided already.

    Raises: UserError where OMP_NUM_THREADS is no number.
    """
    decided = os.environ.get("OMP_NUM_THREADS") or str(threads)
    first = decided.split(",")[0]  # OpenMP takes a list, a number for each level of nesting
    if not first.isdecimal() or int(first) < 1:
        raise UserError(f"OMP_NUM_THREADS: found '{decided}', expected a number above 0.", fix="unset OMP_NUM_THREADS")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ["OMP_NUM_THREADS"] = first
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, first)
    blas = os.environ["OPENBLAS_NUM_THREADS"]
    limits = {"openmp": int(first), "blas": int(blas) if blas.isdecimal() else int(first)}
    threadpoolctl.threadpool_limits(limits)
