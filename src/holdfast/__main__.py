"""One door for people and CI: `python -m holdfast COMMAND`."""

import signal
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

from holdfast import terminal
from holdfast.command_line import parser
from holdfast.errors import UserError, exit_code
from holdfast.playground import forgetting


def run() -> int:
    """Run the command that is named on the command line."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` may stop listening
    signal.signal(signal.SIGTERM, _end)  # whoever ends us lets us tidy up
    arguments = vars(parser().parse_args())
    name = arguments.pop("command").replace("-", "_")
    with terminal.lines(sys.stdout):
        root = _root()
        forgetting.forget(root)
        code: int = import_module(f"holdfast.commands.{name}").run(root, **arguments)
    return code


def main() -> int:
    """Run the command that is named on the command line, and return its exit code."""
    return exit_code(run, partial(terminal.painted, stream=sys.stderr))


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)


def _root() -> Path:
    """Return the folder of `params.yaml`: this one or one above it."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
            return folder
    raise UserError(f"{here}: no params.yaml and dvc.yaml here or above.", fix="cd into the repository")


if __name__ == "__main__":
    sys.exit(main())
