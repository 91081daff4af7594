"""Make a build folder what is deployed: bring the model into it, remove the rest, prove that the app serves it.

`bin/post_compile` runs it on Heroku, and the Dockerfile in its first stage. The model comes through DVC, at the very
hash in dvc.lock, from the default remote or from the one that DVC_REMOTE names; DVC itself lives in a temporary
environment, at the versions and hashes of the lock. Where MODEL_URI names another folder, as an exported champion, that
is what is deployed, and nothing is pulled. It uses the standard library alone, for all the rest may not be there.
"""

import configparser
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import NoReturn

BUNDLE = "artifacts/evaluate/bundle"
# What serves; everything else at the top of the folder is removed, but for hidden files that a platform put there.
SERVED = {
    "app",
    "src",
    "artifacts",
    "gunicorn.conf.py",
    "Procfile",
    "LICENSE",
    "requirements.txt",
    "runtime.txt",
}
HIDDEN = {
    ".ci",
    ".devcontainer",
    ".dockerignore",
    ".dvc",
    ".dvcignore",
    ".git",
    ".gitattributes",
    ".github",
    ".gitignore",
    ".gitlab-ci.yml",
    ".holdfast",
}
LOCK = "requirements-work.txt"
PIN = re.compile(r"^([\w.-]+)(?:\[[^]]*\])?==.*\n(?:[ \t].*\n)*", re.MULTILINE)
VIA = re.compile(r"^\s+#(?: via)? +([\w.-]+)$", re.MULTILINE)
# Python keeps what it compiles on the way, for the start of the service to be quick.
PROOF = "import sys, alembic.command, gunicorn.app.wsgiapp, psycopg, redis, app.worker; from app.__main__ import main; "
PROOF += "sys.exit(main(['smoke']))"


def main(build: Path) -> None:
    """Do all of it."""
    if (build / ".git").exists():
        stop(
            f"{build}: this is a Git repository, expected a build folder; most of it would be deleted.",
            "git archive HEAD | tar -x -C FOLDER, and run it there",
        )
    model = os.environ.get("MODEL_URI") or BUNDLE
    if model.startswith("models:/"):
        stop(
            f"MODEL_URI: found {model}, expected a folder: where it is deployed is no registry.",
            "export the model into a folder of the repository, and set MODEL_URI to that",
        )
    if Path(model) == Path(BUNDLE):
        say(f"Bringing the model through DVC: {BUNDLE}")
        pull(build)
    say("Removing what serves nobody")
    remove(build, model)
    say("Trying the app with it")
    alone = {"PYTHONPATH": "src", "PREDICTION_LOG": "off", "PYTHONDONTWRITEBYTECODE": ""}
    run([sys.executable, "-c", PROOF], build, alone)


def pull(build: Path) -> None:
    """Let DVC bring the bundle, and check its bytes against dvc.lock."""
    with tempfile.TemporaryDirectory(prefix="dvc-") as folder:
        home = Path(folder)
        run([sys.executable, "-m", "venv", str(home / "venv")], build)
        pins = home / "requirements.txt"
        pins.write_text(needed((build / LOCK).read_text(), s3=address(build).startswith("s3://")))
        pip = [str(home / "venv/bin/python"), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        run([*pip, "--no-compile", "--disable-pip-version-check", "-r", str(pins)], build)
        dvc = str(home / "venv/bin/dvc")
        inside = {"DVC_SITE_CACHE_DIR": folder, "DVC_GLOBAL_CONFIG_DIR": folder, "DVC_NO_ANALYTICS": "1"}
        run([dvc, "config", "--local", "core.no_scm", "true"], build, inside)
        run([dvc, "cache", "dir", "--local", str(home / "cache")], build, inside)
        remote = ["--remote", os.environ["DVC_REMOTE"]] if os.environ.get("DVC_REMOTE") else []
        run([dvc, "pull", "--quiet", *remote, BUNDLE], build, inside)


def address(build: Path) -> str:
    """Return where the model comes from."""
    config = configparser.ConfigParser()
    config.read(build / ".dvc/config")
    remote = os.environ.get("DVC_REMOTE") or config.get("core", "remote")
    return config.get(f"'remote \"{remote}\"'", "url", fallback="")


def needed(lock: str, *, s3: bool) -> str:
    """Return the lines of the lock that DVC needs, found by who requires whom, as the lock says."""
    pins: dict[str, str] = {}
    for pin in PIN.finditer(lock):
        pins[pin[1]] = pins.get(pin[1], "") + pin[0]
    found: set[str] = set()
    more = {"dvc", "dvc-s3"} if s3 else {"dvc"}
    while more:
        found |= more
        more = {name for name, text in pins.items() if found.intersection(VIA.findall(text))} - found
        more -= set() if s3 else {"dvc-s3"}
    return "".join(pins[name] for name in sorted(found))


def remove(build: Path, model: str) -> None:
    """Delete all that is not served; of the installed packages their tests, and what was compiled for no use."""
    kept = SERVED | {Path(model).parts[0]}
    for path in sorted(build.iterdir()):
        if path.name in HIDDEN or (not path.name.startswith(".") and path.name not in kept):
            delete(path)
    for path in (build / "artifacts").rglob("*"):
        if path.is_file() and build / model not in path.parents:
            path.unlink()
    packages = Path(sysconfig.get_path("purelib"))
    if packages.is_relative_to(build) or ".heroku" in packages.parts:
        for path in sorted([*packages.rglob("tests"), *packages.rglob("__pycache__")]):
            delete(path)


def delete(path: Path) -> None:
    """Delete a file or a folder, unless it is gone with the one around it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def run(command: list[str], build: Path, environment: dict[str, str] | None = None) -> None:
    """Run a command; where it fails, so does the build."""
    done = subprocess.run(command, check=False, cwd=build, env={**os.environ, "PYTHONPATH": "", **(environment or {})})
    if done.returncode:
        stop(f"{' '.join(command[:3])}: exited with {done.returncode}.", "see what it said above")


def say(line: str) -> None:
    """Tell what happens, as a build pack does."""
    sys.stdout.write(f"-----> {line}\n")
    sys.stdout.flush()


def stop(problem: str, fix: str) -> NoReturn:
    """End the build."""
    sys.exit(f"error: {problem}\n  fix: {fix}")


if __name__ == "__main__":
    main(Path.cwd())
