"""The first promise on the committed data: other seeds, folders, threads and instruction sets, the same bytes."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import ROOT, Project, unmeasured
from holdfast import files, rebuild
from holdfast.files import Workspace

STAGES = ("prepare", "featurize", "train", "evaluate")
# What a processor of 2008 can do. Names that this processor does not know are passed over by all three.
OLD_PROCESSOR = {
    "NPY_DISABLE_CPU_FEATURES": "AVX512_ICL AVX512_CNL AVX512_CLX AVX512_SKX AVX512CD AVX512F AVX2 FMA3",
    "OPENBLAS_CORETYPE": "Nehalem",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-AVX",
}


def run_stages(folder: Path, environment: dict[str, str]) -> dict[str, bytes]:
    for stage in STAGES:
        subprocess.run(
            [sys.executable, "-W", "ignore", str(ROOT / "src" / "holdfast" / "stages"), stage],
            cwd=folder, env=unmeasured() | environment, check=True, capture_output=True,
        )  # fmt: skip
    return Project(folder).artifacts()


@pytest.mark.slow
def test_the_committed_artifacts_are_rebuilt_to_the_byte(tmp_path: Path) -> None:
    """With everything else at once: what depends on one of them is another, whichever it is."""
    others = {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "2", "LC_ALL": "C", "TZ": "Asia/Tokyo", **OLD_PROCESSOR}
    committed = Project(ROOT).artifacts()
    recorded = {path: md5 for path, md5 in rebuild.lock_hashes(ROOT).items() if not md5.endswith(".dir")}
    (tmp_path / "params.yaml").symlink_to(ROOT / "params.yaml")
    (tmp_path / "data").symlink_to(ROOT / "data")

    rebuilt = run_stages(tmp_path, others)

    assert sorted(rebuilt) == sorted(committed)
    assert [name for name in committed if rebuilt[name] != committed[name]] == []
    assert {path: hashlib.md5(rebuilt[path]).hexdigest() for path in recorded} == recorded


@pytest.mark.slow
def test_logistic_regression_keeps_its_scores_to_1e_12_on_an_old_processor(project: Project) -> None:
    project.change(lambda content: content["train"].update(estimator="logistic"))
    folder = project.workspace.root

    here = run_stages(folder, {"OMP_NUM_THREADS": "1"})
    scores = files.read(Workspace(folder).evaluate / "scores.parquet")["score"]
    there = run_stages(folder, {"OMP_NUM_THREADS": "2", **OLD_PROCESSOR})
    old_scores = files.read(Workspace(folder).evaluate / "scores.parquet")["score"]

    np.testing.assert_allclose(scores, old_scores, rtol=0, atol=1e-12)
    assert here["artifacts/evaluate/metrics.json"] == there["artifacts/evaluate/metrics.json"]
