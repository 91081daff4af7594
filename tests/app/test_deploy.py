"""The files of each way to deploy say the same thing, and what docs/deploy.md says."""

import configparser
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from app.config import Config
from conftest import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
PYTHON = (ROOT / ".python-version").read_text().strip()
SERVE = "gunicorn app.wsgi:app"


def test_each_way_serves_and_releases_alike() -> None:
    release = PROCFILE["release"].replace("PYTHONPATH=src ", "")
    heroku = yaml.safe_load((ROOT / "heroku.yml").read_text())
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]["web"]
    unit = (ROOT / "deploy/holdfast.service").read_text()

    assert PROCFILE["web"] == f"PYTHONPATH=src {SERVE}"
    assert heroku["run"]["web"] == SERVE
    assert heroku["release"]["command"] == [release]
    assert f"{release} && exec {SERVE}" in compose["command"]
    assert re.findall(r"^Exec\w+=\S+/.venv/bin/(.*)$", unit, re.MULTILINE) == [*release.split(" && "), SERVE]
    assert f"CMD {SERVE.split()}".replace("'", '"') in DOCKERFILE


def test_the_python_that_serves_is_one_and_is_supported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert f"ARG PYTHON={PYTHON}\n" in DOCKERFILE
    assert SpecifierSet(project["requires-python"]).contains(f"{PYTHON}.0")
    assert f"**Python** is {PYTHON}" in (ROOT / "docs/deploy.md").read_text()


def test_the_image_is_small_in_what_it_may(tmp_path: Path) -> None:
    last = DOCKERFILE.split("\nFROM ")[-1]
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]["web"]

    assert re.search(r"^USER (\d+):\1$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "COPY . ." not in last
    assert (compose["read_only"], compose["cap_drop"]) == (True, ["ALL"])
    assert compose["security_opt"] == ["no-new-privileges:true"]


def test_the_image_can_be_built_without_buildkit_as_heroku_does() -> None:
    lines = [line for line in DOCKERFILE.splitlines() if not line.startswith("#")]

    assert not re.search(r"--(mount|link|chmod|security|network)\b|<<", "\n".join(lines))


def test_the_compose_file_obeys_its_schema() -> None:
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(ROOT / "deploy/compose.yaml")]

    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout


def test_the_files_that_docker_sees_are_those_that_the_build_needs() -> None:
    seen = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert {"app", "src", "bin", "gunicorn.conf.py", "requirements.txt", "requirements-work.txt"} <= seen
    assert {".dvc/config", "dvc.yaml", "dvc.lock", "params.yaml", "dvc-remote"} <= seen
    assert all((ROOT / name).exists() for name in seen - {"served"})
    assert seen.isdisjoint({".git", ".dvc", "tests", "data"})


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for name in ("holdfast.service", "holdfast.socket"):
        text = (ROOT / "deploy" / name).read_text().replace("/srv/holdfast/current", str(tmp_path))
        (tmp_path / name).write_text(text)
    for name in ("python", "gunicorn"):
        (tmp_path / ".venv/bin").mkdir(parents=True, exist_ok=True)
        shutil.copy("/bin/true", tmp_path / ".venv/bin" / name)

    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "holdfast.service")], capture_output=True, text=True
    )

    assert "holdfast" not in done.stderr, done.stderr


def test_nginx_talks_to_the_socket_of_the_unit_and_lets_the_app_refuse() -> None:
    nginx = (ROOT / "deploy/nginx.conf").read_text()
    unit = configparser.ConfigParser(strict=False)
    unit.read(ROOT / "deploy/holdfast.socket")

    assert f"server unix:{unit['Socket']['ListenStream']};" in nginx
    largest = re.search(r"client_max_body_size (\d+)m;", nginx)
    assert largest
    assert int(largest[1]) > Config().max_body_mb
    assert nginx.count("{") == nginx.count("}")


def test_every_variable_is_in_the_table() -> None:
    rows = re.findall(r"^\| (`[A-Z_]+`.*?) \|", (ROOT / "docs/deploy.md").read_text(), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}

    assert {name.upper() for name in Config.model_fields} <= named
    assert {"PORT", "WEB_CONCURRENCY", "REQUEST_TIMEOUT", "DVC_REMOTE"} <= named
