"""What goes wrong for people, and how it is said.

A `UserError` is a mistake that its reader can mend: it names what was found and ends in the command
or edit that mends it. Anything else that escapes is our bug and keeps its traceback.
"""

import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches

DONE = 0
REFUSED = 1
MISTAKE = 2
INTERRUPTED = 130  # as a shell says it


class UserError(Exception):
    """Report a mistake that the user can mend: `problem` is what was found, `fix` is what mends it."""

    def __init__(self, problem: str, *, fix: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix

    def __str__(self) -> str:
        return f"error: {self.problem}\n  fix: {self.fix}"


class RefusedError(UserError):
    """Report that a check refused what it was given: nothing failed, and nothing was accepted."""


def exit_code(command: Callable[[], int], written: Callable[[str], str] = str) -> int:
    """Run a command; say a `UserError` on standard error, without a traceback, and give its exit code.

    `written` turns what is said into what is written.
    """
    try:
        return command()
    except UserError as error:
        sys.stderr.write(f"{written(str(error))}\n")
        return REFUSED if isinstance(error, RefusedError) else MISTAKE
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return INTERRUPTED


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ", did you mean 'x'?" for a name close to a known one, else nothing."""
    close = get_close_matches(name, list(known), n=1)
    return f", did you mean '{close[0]}'?" if close else ""
