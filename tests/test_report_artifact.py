"""What is taken of an archive that someone else's code made, and what is refused."""

import stat
import tracemalloc
import warnings
import zipfile
from io import BytesIO

import pytest

from github_api import zipped
from holdfast import report_artifact
from holdfast.errors import RefusedError

FILES = {"report.md": b"text", "report.html": b"<p>text</p>", "report.json": b"{}", "number": b"7"}


def archive(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    made = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there twice
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
            for name, content in members:
                opened.writestr(name, content)
    return made.getvalue()


def with_mode(name: str, mode: int, content: bytes = b"7") -> bytes:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return archive(*((other, there) for other, there in FILES.items() if other != name), (info, content))


@pytest.mark.parametrize("number", [b"7", b"7\n", b"1234567890"])
def test_a_report_is_read_with_its_number(number: bytes) -> None:
    files = {**FILES, "number": number, "report.md": "über".encode()}

    assert report_artifact.read(zipped(files)) == (int(number), "über")


@pytest.mark.parametrize(
    "number",
    [b"", b"0", b"07", b"-7", b" 7", b"7 ", b"7\n8", b"7/../8", b"1" * 11, b"1" * 99, "\uff17".encode(), b"7.0"],
)
def test_a_number_that_is_none_is_refused(number: bytes) -> None:
    with pytest.raises(RefusedError, match=r"artifact: number"):
        report_artifact.read(zipped({**FILES, "number": number}))


@pytest.mark.parametrize("missing", FILES)
def test_a_missing_file_is_refused(missing: str) -> None:
    with pytest.raises(
        RefusedError, match=r"artifact: found '.*', expected exactly number, report\.html, report\.json"
    ):
        report_artifact.read(zipped({name: content for name, content in FILES.items() if name != missing}))


@pytest.mark.parametrize(
    "name",
    ["extra.py", "../report.md", "/report.md", "a/", "a/number", "C:\\number", "Number", "x\n::stop-commands::y"],
)
def test_another_file_is_refused_and_its_name_cannot_speak_to_the_runner(name: str) -> None:
    with pytest.raises(RefusedError, match="artifact: found .*, expected exactly") as found:
        report_artifact.read(zipped({**FILES, name: b"x"}))
    assert "\n::" not in str(found.value)


def test_a_file_that_is_there_twice_is_refused() -> None:
    with pytest.raises(RefusedError, match="'number', 'number'"):
        report_artifact.read(archive(*FILES.items(), ("number", b"8")))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
@pytest.mark.parametrize("name", FILES)
def test_a_link_or_a_device_is_refused(name: str, kind: int) -> None:
    with pytest.raises(RefusedError, match=f"artifact: {name} is no plain file"):
        report_artifact.read(with_mode(name, kind | 0o777, b"/etc/passwd"))


def test_a_plain_file_with_its_mode_is_read() -> None:
    assert report_artifact.read(with_mode("number", stat.S_IFREG | 0o644)).number == 7


@pytest.mark.parametrize("packing", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_an_unusual_packing_is_refused(packing: int) -> None:
    info = zipfile.ZipInfo("report.md")
    info.compress_type = packing

    with pytest.raises(RefusedError, match="report.md is no plain file"):
        report_artifact.read(
            archive(*((name, there) for name, there in FILES.items() if name != "report.md"), (info, b"x"))
        )


@pytest.mark.parametrize("name", ["report.md", "number"])
def test_a_bomb_is_not_unpacked(name: str) -> None:
    bomb = zipped({**FILES, name: bytes(50 << 20)})
    assert len(bomb) < report_artifact.ARCHIVE_LIMIT
    tracemalloc.start()

    with pytest.raises(RefusedError, match=f"artifact: {name} has more than"):
        report_artifact.read(bomb)

    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


def test_a_size_that_lies_does_not_lift_the_limit() -> None:
    whole = zipped({**FILES, "report.md": bytes(2 << 20)})
    lying = whole.replace((2 << 20).to_bytes(4, "little"), (5).to_bytes(4, "little"))
    assert lying != whole

    with pytest.raises(RefusedError, match="artifact: "):
        report_artifact.read(lying)


@pytest.mark.parametrize("damage", [b"", b"PK", b"not a zip", zipped(FILES)[:-30], zipped(FILES)[40:]])
def test_what_is_no_archive_is_refused(damage: bytes) -> None:
    with pytest.raises(RefusedError, match="artifact: not a readable zip archive"):
        report_artifact.read(damage)


def test_damaged_bytes_are_refused() -> None:
    whole = archive((zipfile.ZipInfo("report.md"), b"text"), *((n, c) for n, c in FILES.items() if n != "report.md"))

    with pytest.raises(RefusedError, match=r"artifact: not a readable zip archive \(BadZipFile\)"):
        report_artifact.read(whole.replace(b"text", b"txet", 1))


def test_a_text_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"artifact: report\.md is not UTF-8"):
        report_artifact.read(zipped({**FILES, "report.md": b"\xff\xfe"}))


def test_an_empty_report_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"artifact: report\.md is empty"):
        report_artifact.read(zipped({**FILES, "report.md": b" \n"}))
