"""An environment that has nothing of its own: it borrows the packages of the Python that runs.

It is made in a second and without a network. The code of its own clone comes first, and what is installed into it stays
in it. `scripts/setup` takes it for done. Where it is activated, addresses and secrets of the real work are forgotten,
so that what is practised does not reach a real registry.
"""

import os
import shutil
import sys
import sysconfig
import venv
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from holdfast.playground.forgetting import ADDRESSES, CHOICES

NAME = ".venv"
STAMP = ".made-from"
MADE_FROM = ("requirements-work.txt", "pyproject.toml", "scripts/setup")  # as scripts/setup does
BINARIES = ("ruff", "shellcheck", "uv", "zizmor")  # tools that are not written in Python
FORGET = {"activate": "unset {}", "activate.fish": "set -e {}", "activate.csh": "unsetenv {}"}
SCRIPT = """\
{shebang}
import sys
from {module} import {first}
sys.argv[0] = sys.argv[0].removesuffix(".exe")
sys.exit({called}())
"""
LONGEST = 127  # characters of a line that says which program reads a file


def make(clone: Path) -> None:
    """Make the environment of a clone."""
    folder = clone / NAME
    venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt", prompt="practice").create(folder)
    lines = [str(clone / "src"), *(f"import site; site.addsitedir({place!r})" for place in _places())]
    _write(_packages(folder) / "borrowed.pth", "\n".join(lines) + "\n")
    for name, pattern in FORGET.items():
        script = folder / "bin" / name
        script.write_text(script.read_text() + "".join(f"{pattern.format(one)}\n" for one in (*ADDRESSES, *CHOICES)))
    _scripts(folder / "bin")
    read = b"".join((clone / name).read_bytes() for name in MADE_FROM)
    (folder / STAMP).write_bytes(f"{clone.resolve()}\n".encode() + read)


def _places() -> list[str]:
    """Return the folders of packages that this Python has; an environment that borrows lends what it has borrowed."""
    named = [name for name in sys.path if Path(name).name in {"site-packages", "dist-packages"}]
    return list(dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *named]))


def _packages(folder: Path) -> Path:
    return folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


def _scripts(folder: Path) -> None:
    """Write the commands of the packages, so that they run by the Python of this environment."""
    shebang = _shebang(folder / "python")
    for entry in entry_points(group="console_scripts"):
        if not entry.name.startswith(("pip", "python")) and entry.attr:
            _write(folder / entry.name, _script(entry, shebang)).chmod(0o755)
    for name in BINARIES:
        found = Path(sysconfig.get_path("scripts")) / name
        known = str(found) if found.exists() else shutil.which(name)
        if known and not (folder / name).exists():
            (folder / name).symlink_to(known)


def _script(entry: EntryPoint, shebang: str) -> str:
    return SCRIPT.format(shebang=shebang, module=entry.module, first=entry.attr.partition(".")[0], called=entry.attr)


def _shebang(python: Path) -> str:
    """Return the first lines of a script; a path with a space or a long one only a shell can read."""
    if " " not in str(python) and len(str(python)) < LONGEST:
        return f"#!{python}"
    return f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''"


def _write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path
