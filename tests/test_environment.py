"""The locks, `pyproject.toml` and `environment.yml` agree, for every Python that is supported."""

import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from conftest import ROOT

WORK, SERVING = "requirements-work.txt", "requirements.txt"
PYTHONS = ["3.11", "3.12", "3.13"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def entries(name: str) -> list[str]:
    """Return the requirements of a lock, each with its hashes."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def pins(name: str, python: str) -> dict[str, str]:
    """Return the version of each package that a lock gives to a Python."""
    found: dict[str, str] = {}
    for entry in entries(name):
        requirement = Requirement(entry.split(" --hash")[0].strip())
        if applies(requirement, python):
            assert requirement.name not in found, f"{requirement.name} is pinned twice for Python {python}"
            found[canonicalize_name(requirement.name)] = str(requirement.specifier).removeprefix("==")
    return found


@cache
def installed(name: str) -> tuple[str, SpecifierSet, list[Requirement]]:
    """Return the version of an installed package, the Pythons that it suits and what it needs."""
    about = metadata.distribution(name)
    pythons = SpecifierSet(str(about.metadata.json.get("requires_python", "")))
    return about.version, pythons, [Requirement(text) for text in about.requires or []]


def applies(requirement: Requirement, python: str, extra: str = "") -> bool:
    other = {"python_version": python, "python_full_version": f"{python}.0", "extra": extra}
    return requirement.marker is None or requirement.marker.evaluate({**default_environment(), **other})  # type: ignore[dict-item]


def declared(*extras: str) -> list[Requirement]:
    optional = PROJECT["optional-dependencies"]
    return [
        Requirement(text) for text in PROJECT["dependencies"] + [text for extra in extras for text in optional[extra]]
    ]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(("lock", "extras"), [(WORK, list(PROJECT["optional-dependencies"])), (SERVING, ["serve"])])
def test_a_lock_pins_all_that_the_project_declares(lock: str, extras: list[str], python: str) -> None:
    pinned = pins(lock, python)

    for requirement in declared(*extras):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is not in {lock}: run `make lock`"
        assert requirement.specifier.contains(version), f"{lock} has {requirement.name} {version}: run `make lock`"


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", [WORK, SERVING])
def test_the_pinned_versions_fit_each_other_and_the_python(lock: str, python: str) -> None:
    pinned = pins(lock, python)

    for name, version in pinned.items():
        try:
            found, pythons, needs = installed(name)
        except metadata.PackageNotFoundError:
            continue  # for another Python or platform than this one
        if found != version:
            continue
        assert pythons.contains(f"{python}.9"), name
        for needed in needs:
            if applies(needed, python):
                got = pinned.get(canonicalize_name(needed.name))
                assert got is not None, f"{name} needs {needed.name}, which is not in {lock}"
                assert needed.specifier.contains(got, prereleases=True), f"{name} needs {needed}, {lock} has {got}"


@pytest.mark.parametrize("python", PYTHONS)
def test_serving_has_the_versions_of_work_and_neither_mlflow_nor_pyarrow(python: str) -> None:
    work, serving = pins(WORK, python), pins(SERVING, python)

    assert serving.items() <= work.items()
    assert not {"mlflow", "mlflow-skinny", "pyarrow", "dvc", "matplotlib"} & set(serving)
    assert len(serving) < 50


def test_what_makes_the_bytes_of_a_model_has_one_version_for_all_pythons() -> None:
    makers = ("numpy", "pandas", "scipy", "scikit-learn", "skops", "pyarrow", "matplotlib", "pillow")

    for name in makers:
        assert len({pins(WORK, python)[name] for python in PYTHONS}) == 1, name


@pytest.mark.parametrize("lock", [WORK, SERVING])
def test_every_pin_has_a_hash_and_no_address(lock: str) -> None:
    for entry in entries(lock):
        assert re.match(r"^[a-z0-9.-]+==\S+ ", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert not re.search(r"https?://|file:|--index|--find-links|^/", (ROOT / lock).read_text(), re.MULTILINE)


def test_conda_installs_the_work_lock_on_a_supported_python() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, nested = environment["dependencies"]

    assert nested == {"pip": [f"-r {WORK}"]}
    assert pip == "pip"
    assert python.removeprefix("python=") in PYTHONS
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.removeprefix("python="))
    assert environment["variables"]["PYTHONPATH"] == "src"


def test_with_the_variables_of_conda_the_commands_need_no_installed_package() -> None:
    variables = yaml.safe_load((ROOT / "environment.yml").read_text())["variables"]

    # -S leaves out what is installed.
    command = [sys.executable, "-S", "-c", "import holdfast; print(holdfast.__file__)"]
    done = subprocess.run(command, cwd=ROOT, env=variables, text=True, capture_output=True, check=True)

    assert (ROOT / done.stdout.strip()) == ROOT / "src" / "holdfast" / "__init__.py"


@pytest.mark.slow
def test_pip_finds_the_work_lock_installed_here(tmp_path: Path) -> None:
    as_conda_does = tmp_path / "condaenv.requirements.txt"
    as_conda_does.write_text(f"-r {ROOT / WORK}\n")

    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--require-hashes", "-r", str(as_conda_does)],
        text=True, capture_output=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "Would install" not in done.stdout
