"""The versions of the data that this repository's history holds."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from conftest import ROOT, run
from holdfast.files import Workspace
from holdfast.model import Model

pytestmark = pytest.mark.slow

# What the model must reach on the holdout of a data version: ROC AUC, PR AUC and calibration error.
BARS = {"2013-06": (0.755, 0.615, 0.035), "2013-09": (0.725, 0.385, 0.065)}


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, text=True, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def versions() -> dict[str, str]:
    """The newest month of each data version, and the commit that brought it."""
    if git("rev-parse", "--is-shallow-repository").strip() == "true":
        pytest.skip("this clone is shallow: `git fetch --unshallow` brings the history that this test is about")
    if not (ROOT / "dvc-remote").is_dir():
        pytest.skip("the data has moved to another remote: this test is about the one in the repository")
    commits = git("log", "--reverse", "--format=%H", "--", "data.dvc").split()
    return {newest_month(commit): commit for commit in commits}


def manifest(commit: str) -> dict[str, str]:
    """Return the files of a data version and their MD5 hashes, as the embedded remote lists them."""
    hashed = yaml.safe_load(git("show", f"{commit}:data.dvc"))["outs"][0]["md5"]
    listed = json.loads((ROOT / "dvc-remote" / "files" / "md5" / hashed[:2] / hashed[2:]).read_text())
    return {item["relpath"]: item["md5"] for item in listed}


def newest_month(commit: str) -> str:
    return max(Path(name).stem for name in manifest(commit))


def test_the_data_grew_month_by_month(versions: dict[str, str]) -> None:
    assert list(versions)[:4] == ["2013-06", "2013-07", "2013-08", "2013-09"]
    assert list(versions) == sorted(versions)


def test_every_version_comes_back_in_a_clone(versions: dict[str, str], tmp_path: Path) -> None:
    clone = Workspace(tmp_path / "clone")
    run(f"git clone --quiet {ROOT} {clone.root}", tmp_path)
    run("dvc pull --quiet", clone.root)

    for newest, commit in reversed(versions.items()):
        run(f"git checkout --quiet {commit} -- data.dvc", clone.root)
        run("dvc checkout --quiet", clone.root)

        months = [path.stem for path in clone.partitions()]
        assert months == [f"2013-{month:02d}" for month in range(1, int(newest[-2:]) + 1)]
        found = {path.relative_to(clone.data).as_posix(): path.read_bytes() for path in clone.partitions()}
        assert {name: hashlib.md5(content).hexdigest() for name, content in found.items()} == manifest(commit)


def test_the_model_of_every_version_is_in_the_remote(versions: dict[str, str], tmp_path: Path) -> None:
    for newest, commit in versions.items():
        clone = Workspace(tmp_path / newest)
        run(f"git clone --quiet --no-checkout {ROOT} {clone.root}", tmp_path)
        run(f"git checkout --quiet {commit}", clone.root)
        run("dvc pull --quiet train", clone.root)

        assert Model.load(clone.train / "model").facts.split.holdout_through == newest  # type: ignore[union-attr]
        shutil.rmtree(clone.root)


def test_the_bars_are_met_in_the_history_of_the_metrics_and_now(versions: dict[str, str]) -> None:
    found = {newest: json.loads(git("show", f"{versions[newest]}:artifacts/evaluate/metrics.json")) for newest in BARS}
    now = json.loads((ROOT / "artifacts" / "evaluate" / "metrics.json").read_text())

    newest_here = list(versions)[-1]
    if newest_here in BARS:  # a month that arrives later has no bar of its own
        found[f"{newest_here}, this commit"] = now

    for newest, metrics in found.items():
        roc_auc, pr_auc, calibration_error = BARS[newest[:7]]
        assert metrics["roc_auc"] >= roc_auc
        assert metrics["pr_auc"] >= pr_auc
        assert metrics["calibration_error"] <= calibration_error


def test_the_lock_of_every_version_was_reproduced_with_it(versions: dict[str, str]) -> None:
    for commit in versions.values():
        lock = yaml.safe_load(git("show", f"{commit}:dvc.lock"))["stages"]
        data = yaml.safe_load(git("show", f"{commit}:data.dvc"))["outs"][0]["md5"]

        assert next(dep["md5"] for dep in lock["prepare"]["deps"] if dep["path"] == "data") == data
