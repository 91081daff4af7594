"""What is accepted of an artifact that the code of a pull request made: two small texts, or nothing.

The archive is never unpacked: its list of names is compared with the one that is expected, and the two members that
are needed are read in memory, no further than their limits, whatever the archive says of their sizes.
"""

import re
import stat
import zipfile
import zlib
from io import BytesIO
from typing import NamedTuple

from holdfast.errors import RefusedError

NAMES = ("number", "report.html", "report.json", "report.md")
ARCHIVE_LIMIT = 5 << 20
REPORT_LIMIT = 1 << 20
NUMBER_LIMIT = 11
FIX = "see what uploads the artifact `report` in the workflow `ci` of that pull request"
DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, LookupError, NotImplementedError, OSError, RuntimeError, ValueError,
)  # fmt: skip


class Report(NamedTuple):
    """A report as it was handed in: for which pull request, and its markdown."""

    number: int
    markdown: str


def read(archive: bytes) -> Report:
    """Read a report out of a zip archive.

    Raises: RefusedError where it is not exactly what `ci` uploads.
    """
    try:
        with zipfile.ZipFile(BytesIO(archive)) as opened:
            _refuse_other_members(opened.infolist())
            number = _member(opened, "number", NUMBER_LIMIT)
            markdown = _member(opened, "report.md", REPORT_LIMIT)
    except DAMAGED as error:
        raise RefusedError(f"artifact: not a readable zip archive ({type(error).__name__}).", fix=FIX) from error
    return Report(_number(number), _text(markdown))


def _refuse_other_members(members: list[zipfile.ZipInfo]) -> None:
    names = sorted(member.filename for member in members)
    if names != list(NAMES):
        shown = ", ".join(repr(name[:60]) for name in names[:8])
        raise RefusedError(f"artifact: found {shown or 'nothing'}, expected exactly {', '.join(NAMES)}.", fix=FIX)
    for member in members:
        kind = stat.S_IFMT(member.external_attr >> 16)
        packed = member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} or member.flag_bits & 1
        if kind not in {0, stat.S_IFREG} or packed:
            raise RefusedError(
                f"artifact: {member.filename} is no plain file (a link, encrypted, or packed unusually).", fix=FIX
            )


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Return a member, read no further than its limit."""
    with archive.open(name) as member:
        content = member.read(limit + 1)
    if len(content) > limit:
        raise RefusedError(f"artifact: {name} has more than {limit:,} bytes.", fix=FIX)
    return content


def _number(content: bytes) -> int:
    found = re.fullmatch(rb"([1-9][0-9]{0,9})\n?", content)
    if found is None:
        raise RefusedError(f"artifact: number: found {content!r}, expected the number of a pull request.", fix=FIX)
    return int(found.group(1))


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError("artifact: report.md is not UTF-8.", fix=FIX) from error
    if not text.strip():
        raise RefusedError("artifact: report.md is empty.", fix=FIX)
    return text
