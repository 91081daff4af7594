import errno
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from conftest import MakeRows
from holdfast import files
from holdfast.errors import UserError
from holdfast.files import Workspace


def test_rows_come_back_as_they_were_written(tmp_path: Path, make_rows: MakeRows) -> None:
    rows = make_rows()

    files.write(tmp_path / "rows.parquet", rows)

    pd.testing.assert_frame_equal(files.read(tmp_path / "rows.parquet"), rows)


def test_the_same_rows_give_the_same_bytes(tmp_path: Path, make_rows: MakeRows) -> None:
    for name in ("a.parquet", "b.parquet"):
        files.write(tmp_path / name, make_rows())

    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_any_flipped_bit_in_the_pages_is_noticed(tmp_path: Path, make_rows: MakeRows) -> None:
    path = tmp_path / "rows.parquet"
    files.write(path, make_rows())
    whole = path.read_bytes()

    for place in range(100, len(whole) // 2, 997):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(UserError, match="not a whole Parquet file"):
            files.read(path)


def test_a_block_that_fails_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "artifacts"
    with files.replacing(folder) as draft:
        files.write_json(draft / "good.json", 1)

    with pytest.raises(ZeroDivisionError), files.replacing(folder) as draft:
        files.write_json(draft / "good.json", 1 / 0)

    assert [path.name for path in tmp_path.rglob("*")] == ["artifacts", "good.json"]
    assert (folder / "good.json").read_text() == "1\n"


def test_a_new_folder_that_cannot_take_its_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, rename = tmp_path / "artifacts", Path.rename
    with files.replacing(folder) as draft:
        files.write_json(draft / "a.json", 1)

    def refuse_the_draft(self: Path, target: Path) -> Path:
        if self.name.endswith(".partial"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_the_draft)
    with pytest.raises(UserError, match="not written: No space left on device"), files.replacing(folder) as draft:
        files.write_json(draft / "a.json", 2)

    assert [path.name for path in tmp_path.rglob("*")] == ["artifacts", "a.json"]
    assert (folder / "a.json").read_text() == "1\n"


def test_what_is_not_written_again_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "artifacts"
    for name in ("old.json", "new.json"):
        with files.replacing(folder) as draft:
            files.write_json(draft / name, 1)

    assert [path.name for path in folder.iterdir()] == ["new.json"]


def test_a_number_that_is_none_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "metrics.json", float("nan"))


def test_files_that_are_no_partitions_are_refused(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with pytest.raises(UserError, match="data/: found no partition"):
        workspace.partitions()

    workspace.data.mkdir()
    (workspace.data / "2013-01.csv").write_text("a,b")
    with pytest.raises(UserError, match=r"data/2013-01\.csv: found a file of type '\.csv', expected only Parquet"):
        workspace.partitions()


WRITE_TWICE = """
import sys
from pathlib import Path
from holdfast import files
from holdfast.errors import exit_code

def write(megabytes):
    with files.replacing(Path("artifacts")) as draft:
        files.write_bytes(draft / "model", b"x" * (megabytes << 20))
    return 0

sys.exit(write(1) or exit_code(lambda: write(4)))
"""


def check_that_the_first_write_survived(done: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert done.returncode == 2, done.stderr
    assert "artifacts: not written: " in done.stderr
    assert "fix: make room on the disk" in done.stderr
    assert [(path.name, path.stat().st_size) for path in folder.rglob("*") if path.is_file()] == [("model", 1 << 20)]


def test_a_file_that_outgrows_its_limit_leaves_the_last_good_one(tmp_path: Path) -> None:
    limit = (resource.RLIMIT_FSIZE, (2 << 20, 2 << 20))

    done = subprocess.run(
        [sys.executable, "-c", WRITE_TWICE], cwd=tmp_path, text=True, capture_output=True,
        preexec_fn=lambda: resource.setrlimit(*limit),
    )  # fmt: skip

    check_that_the_first_write_survived(done, tmp_path)


def test_a_full_disk_leaves_the_last_good_artifacts(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    script = f"mount -t tmpfs -o size=3m none disk && cd disk && {sys.executable} -c '{WRITE_TWICE}'; echo $? > ../code"
    script += "; cp -r . ../copy"
    unshare = ["unshare", "-m" if os.geteuid() == 0 else "-rm"]
    if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("needs unshare(1) and the right to mount a small disk in a namespace")

    done = subprocess.run([*unshare, "sh", "-c", script], cwd=tmp_path, text=True, capture_output=True)

    done.returncode = int((tmp_path / "code").read_text())
    check_that_the_first_write_survived(done, tmp_path / "copy")
    assert "No space left on device" in done.stderr


def test_some_columns_are_read_and_checked_alone(tmp_path: Path) -> None:
    files.write(tmp_path / "rows.parquet", pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}))

    assert files.read(tmp_path / "rows.parquet", ["b"]).to_dict("list") == {"b": ["x", "y"]}


def test_an_outline_gives_rows_and_types_of_what_is_read(tmp_path: Path) -> None:
    rows = pd.DataFrame({"a": [1, 2], "b": ["x", None]}, index=[7, 9])
    rows.to_parquet(tmp_path / "rows.parquet")

    count, types = files.outline(tmp_path / "rows.parquet")

    assert (count, types) == (2, {"a": "int64", "b": "string"})
    assert list(files.read(tmp_path / "rows.parquet")) == list(types)


def test_an_outline_of_what_is_no_parquet_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_bytes(b"a,b\n1,2\n")

    with pytest.raises(UserError, match="found 8 bytes that are not a whole Parquet file"):
        files.outline(tmp_path / "rows.parquet")
