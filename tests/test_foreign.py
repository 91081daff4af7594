"""Foreign tables: encodings, delimiters, headers, and what is refused."""

import csv
import gzip
import io
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import files, foreign, guessing
from holdfast.errors import UserError

CELL = st.text(st.sampled_from('ab1 ,"\n'), max_size=4)
TEXT = "größe,farbe\n1.5,grün\n2.5,rot\n"


def written(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"]
)  # fmt: skip
def test_every_usual_encoding_gives_the_same_table(tmp_path: Path, encoding: str) -> None:
    table = foreign.read([written(tmp_path, TEXT.encode(encoding))])

    assert table.rows.to_dict("list") == {"größe": ["1.5", "2.5"], "farbe": ["grün", "rot"]}
    assert bool(table.notes) == (encoding != "utf-8")


@pytest.mark.parametrize("mark", list(",;\t|:^ "))
def test_cells_are_parted_by_what_gives_every_line_as_many_as_the_header(tmp_path: Path, mark: str) -> None:
    text = f'a{mark}b{mark}c\n1{mark}"x{mark}y"{mark}3\n4{mark}z{mark}6\n'

    table = foreign.read([written(tmp_path, text)])

    assert table.delimiter == mark
    assert table.rows["b"].tolist() == [f"x{mark}y".strip(), "z"]


def test_a_decimal_comma_parts_no_cells(tmp_path: Path) -> None:
    table = foreign.read([written(tmp_path, "a;b\n1,5;2,5\n3,5;4,5\n")])

    assert table.delimiter == ";"
    assert table.rows["a"].tolist() == ["1,5", "3,5"]


def test_line_ends_of_all_systems_and_a_line_for_spreadsheets_are_read(tmp_path: Path) -> None:
    found = [
        foreign.read([written(tmp_path, text)]).rows.to_dict("list")
        for text in ("a,b\r\n1,2\r\n", "a,b\r1,2\r", "sep=;\na;b\n1;2\n", "\na,b\n\n1,2\n\n")
    ]

    assert found == [{"a": ["1"], "b": ["2"]}] * 4


def test_a_mark_in_front_that_was_written_twice_is_in_no_name(tmp_path: Path) -> None:
    table = foreign.read([written(tmp_path, '\ufeff\ufeff"a",b\n1,2\n')])

    assert list(table.rows) == ["a", "b"]


def test_names_that_repeat_or_are_missing_are_made_and_told(tmp_path: Path) -> None:
    table = foreign.read([written(tmp_path, "x,x,,x_2, y \n1,2,3,4,5\n")])

    assert list(table.rows) == ["x", "x_3", "column_3", "x_2", "y"]
    assert table.notes == (
        "table.csv: column 2 is named 'x', as another is: it is called 'x_3'",
        "table.csv: column 3 has no name: it is called 'column_3'",
    )


def test_a_first_line_of_numbers_is_a_row_but_one_that_counts_is_a_header(tmp_path: Path) -> None:
    without = foreign.read([written(tmp_path, "5.1,3.5\n4.9,3.0\n")])
    counted = foreign.read([written(tmp_path, "0,1\n4.9,3.0\n")])

    assert (list(without.rows), len(without.rows)) == (["column_1", "column_2"], 2)
    assert (list(counted.rows), len(counted.rows)) == (["0", "1"], 1)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('a,"b\nc"\n1,2\n3,4\n5,6\n', ["a", "b c"]),
        ('\n\n"a\n\nb","c\r\nd"\r\n1,2\r\n\r\n3,4\r\n5,6', ["a b", "c d"]),
        ('sep=,\n"a\nb",c\n1,2\n3,4\n5,6\n', ["a b", "c"]),
    ],
)
def test_a_name_of_several_lines_costs_no_row(tmp_path: Path, text: str, names: list[str]) -> None:
    table = foreign.read([written(tmp_path, text)])

    assert table.rows.to_dict("list") == dict(zip(names, [["1", "3", "5"], ["2", "4", "6"]], strict=True))


@given(st.lists(CELL, min_size=2, max_size=4), st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6))
def test_every_row_that_a_program_writes_is_read(names: list[str], rows: list[tuple[str, str]]) -> None:
    cells = [[f"x{first}", *[second] * (len(names) - 1)] for first, second in rows]
    text = io.StringIO()
    csv.writer(text).writerows([[f"n{name}" for name in names], *cells])
    with tempfile.TemporaryDirectory() as folder:
        table = foreign.read([written(Path(folder), text.getvalue())])

    assert table.rows.to_numpy().tolist() == [[cell.strip() for cell in row] for row in cells]


def test_rows_that_end_with_a_delimiter_keep_the_names_of_their_columns(tmp_path: Path) -> None:
    table = foreign.read([written(tmp_path, "a,b,c\n1,2,3,\n4,5,6, \n")])

    assert table.rows.to_dict("list") == {"a": ["1", "4"], "b": ["2", "5"], "c": ["3", "6"]}
    assert "its rows end with a delimiter" in table.notes[0]


def test_a_text_of_which_two_readers_see_different_rows_is_refused(tmp_path: Path) -> None:
    text = 'a,b\n\ufeff",\n3,4"\n5,6\n'  # two files with marks in front, one behind the other

    with pytest.raises(UserError, match="not CSV: 3 rows or 2, as quotation marks are understood"):
        foreign.read([written(tmp_path, text)])


def test_names_of_rows_without_a_header_are_a_column(tmp_path: Path) -> None:
    table = foreign.read([written(tmp_path, "a,b\nfirst,1,2\nsecond,3,4\n")])

    assert table.rows.to_dict("list") == {"row": ["first", "second"], "a": ["1", "3"], "b": ["2", "4"]}
    assert "lacks a name" in table.notes[0]


def test_files_of_one_table_are_put_together_whatever_the_order_of_their_columns(tmp_path: Path) -> None:
    paths = [written(tmp_path, "a,b\n1,2\n", "one.csv"), written(tmp_path, "b;a\n4;3\n", "two.csv")]

    table = foreign.read(paths)

    assert table.rows.to_dict("list") == {"a": ["1", "3"], "b": ["2", "4"]}


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    rows = pd.DataFrame({"a": [1, 2], "b": [True, False], "c": pd.to_datetime(["2024-01-01", "2024-01-02"])})
    files.write(tmp_path / "table.parquet", rows)

    table = foreign.read([tmp_path / "table.parquet"])

    assert (table.delimiter, table.notes) == ("", ())
    assert [kind.kind for kind in table.rows.dtypes] == ["i", "b", "M"]


def test_large_whole_numbers_in_parquet_are_not_rounded_where_some_are_missing(tmp_path: Path) -> None:
    large, small = (pd.array(values, dtype="Int64") for values in ([2**60 + 1, None, 2**60 + 2], [1, None, 2]))
    rows = pd.DataFrame({"a": large, "b": small, "c": [0.5, None, 2.0**60]}, index=[9, 8, 7])
    rows.to_parquet(tmp_path / "table.parquet")

    found = foreign.read([tmp_path / "table.parquet"]).rows

    assert found["a"].dropna().tolist() == [2**60 + 1, 2**60 + 2]
    assert found["a"].isna().tolist() == [False, True, False]
    assert [str(kind) for kind in found.dtypes] == ["object", "object", "float64"]


SMALL = [
    [5, 7],
    [5.0, None],
    *(pd.array([5, None], dtype=kind) for kind in ("Int8", "Int32", "Int64", "UInt64")),
    pd.array([2**63 + 5, 7], dtype="UInt64"),
]


@pytest.mark.parametrize("small", SMALL, ids=lambda values: str(pd.Series(values).dtype))
@pytest.mark.parametrize("missing", [True, False])
def test_large_whole_numbers_are_not_rounded_beside_a_file_of_other_ones(
    tmp_path: Path, small: Any, missing: bool
) -> None:
    large = [2**60 + 1, None if missing else 9, 2**60 + 3]
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, values in zip(paths, [pd.array(large, dtype="Int64"), small], strict=True):
        pd.DataFrame({"user": values}).to_parquet(path)

    for order in (paths, paths[::-1]):
        (found,) = guessing.table(foreign.read(order).rows, "")

        assert found.kind == "category"
        assert set(found.values.dropna()) == {str(int(one)) for one in [*large, *small] if not pd.isna(one)}


def test_numbers_of_which_one_file_has_whole_ones_alone_are_numbers(tmp_path: Path) -> None:
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, values in zip(paths, [[1, 2], [0.5, None]], strict=True):
        files.write(path, pd.DataFrame({"self": values}))

    (found,) = guessing.table(foreign.read(paths).rows, "")

    assert (found.kind, str(found.values.dtype), found.values.dropna().tolist()) == ("number", "float64", [1, 2, 0.5])


@pytest.mark.parametrize(
    ("words", "kind"), [(["a", None], "category"), (["1", "2"], "number"), ([date(2024, 1, 2), None], "category")]
)
def test_where_a_parquet_file_has_numbers_in_place_of_words_of_another_the_words_decide(
    tmp_path: Path, words: list[Any], kind: str
) -> None:
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, values in zip(paths, [words, [4, 5]], strict=True):
        files.write(path, pd.DataFrame({"code": values}))

    (found,) = guessing.table(foreign.read(paths).rows, "")

    assert (found.kind, found.values.iloc[-2:].tolist()) == (kind, ["4", "5"] if kind == "category" else [4, 5])
    assert found.out == ("values of the type date" if isinstance(words[0], date) else "")


def test_small_whole_numbers_some_of_which_are_missing_are_numbers(tmp_path: Path) -> None:
    pd.DataFrame({"rooms": pd.array([5, None, 7], dtype="UInt64")}).to_parquet(tmp_path / "a.parquet")

    found = guessing.table(foreign.read([tmp_path / "a.parquet"]).rows, "")[0]

    assert (found.kind, str(found.values.dtype), found.values.dropna().tolist()) == ("number", "float64", [5, 7])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04 and more", "found a spreadsheet or an archive, expected CSV or Parquet"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "found a compressed file"),
        (b"", "found nothing in it"),
        (b"a,b\0c\n1,2\n", "found no text in it"),
        (b"a,b\n", "found no rows"),
        (b"a\n1\n2\n", "found one column"),
        (b"a,b\n1,2\n1,2,3\n1,2\n", "line 3: found 3 cells, expected 2"),
        (b'a,b\n1,"2\n', "not CSV|found one column"),
        (b"\xff\xfea\x00\xd8", "found bytes that are no UTF-16"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_with_a_remedy(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message) as refused:
        foreign.read([written(tmp_path, content)])

    assert refused.value.fix


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not readable: No such file"):
        foreign.read([tmp_path / "nothing.csv"])


def test_files_of_different_tables_are_refused(tmp_path: Path) -> None:
    one, two = written(tmp_path, "a,b\n1,2\n", "one.csv"), written(tmp_path, "a,c\n1,2\n", "two.csv")
    files.write(tmp_path / "three.parquet", pd.DataFrame({"a": [1], "b": [2]}))

    with pytest.raises(UserError, match=r"two.csv: found no column 'b', expected the columns of one.csv"):
        foreign.read([one, two])
    with pytest.raises(UserError, match="CSV and Parquet together"):
        foreign.read([one, tmp_path / "three.parquet"])


def test_a_parquet_file_without_rows_is_refused(tmp_path: Path) -> None:
    files.write(tmp_path / "empty.parquet", pd.DataFrame({"a": [1]}).head(0))

    with pytest.raises(UserError, match="found no rows"):
        foreign.read([tmp_path / "empty.parquet"])
