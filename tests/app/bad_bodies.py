"""Bodies that no service may take, stumble over or spend time on: what is sent, and why it is bad.

The rows are those of the small project: scheduled_departure (a time with an offset), carrier, origin (words), distance
(a number from 0 to 6000) and humidity (a number from 0 to 100, or null).
"""

import gzip
import json
import zlib
from typing import NamedTuple

JSON = "application/json"
GOOD = {
    "scheduled_departure": "2013-04-02T08:00:00-04:00",
    "carrier": "UA",
    "origin": "EWR",
    "distance": 1400.0,
    "humidity": 57.5,
}
ROW = json.dumps(GOOD)
REQUEST = f'{{"rows": [{ROW}]}}'


class Bad(NamedTuple):
    """A body, what it is called in the test, and the headers that come with it."""

    name: str
    body: bytes
    headers: dict[str, str] = {"Content-Type": JSON}  # noqa: RUF012


def _with(name: str, **values: str) -> list[Bad]:
    """Make a request whose row holds a piece of JSON in the place of a good value."""
    made = []
    for column, text in values.items():
        pieces = [f'"{key}": {text if key == column else json.dumps(value)}' for key, value in GOOD.items()]
        made.append(Bad(f"{column} is {name}", f'{{"rows": [{{{", ".join(pieces)}}}]}}'.encode()))
    return made


def _everywhere(name: str, text: str) -> list[Bad]:
    return _with(name, **dict.fromkeys(GOOD, text))


NUMBERS = ("distance", "humidity")
WORDS = ("carrier", "origin")


# What may stand in the place of a value, and is right nowhere, or only for some columns.
IN_EVERY_COLUMN = [
    *_everywhere("true", "true"),
    *_everywhere("false", "false"),
    *_everywhere("a list", "[1]"),
    *_everywhere("an empty list", "[]"),
    *_everywhere("an object", '{"value": 1}'),
    *_everywhere("an empty text", '""'),
    *_everywhere("NaN", "NaN"),
    *_everywhere("Infinity", "Infinity"),
    *_everywhere("-Infinity", "-Infinity"),
    *_everywhere("beyond doubles", "1e999"),
    *_everywhere("far below zero", "-1e308"),
    *_everywhere("a huge integer", "9" * 400),
    *_everywhere("an integer of 5,000 digits", "9" * 5_000),
    *_everywhere("NUL", '"\\u0000"'),
    *_everywhere("half a surrogate pair", '"\\ud800"'),
    *_everywhere("in single quotes", "'UA'"),
    *_everywhere("an unfinished text", '"UA'),
    *_everywhere("nothing", ""),
    *_everywhere("a bare word", "UA"),
    *_everywhere("undefined", "undefined"),
    *_everywhere("hexadecimal", "0x10"),
    *_everywhere("a leading zero", "007"),
    *_everywhere("a number with a plus", "+1"),
    *_everywhere("half a number", "1."),
    *_everywhere("deeply nested", "[" * 500 + "]" * 500),
    *_everywhere("a very long text", f'"{"x" * 100_000}"'),
]
IN_SOME_COLUMNS = [
    *[bad for column in (*WORDS, "distance", "scheduled_departure") for bad in _with("null", **{column: "null"})],
    *[bad for column in (*WORDS, "scheduled_departure") for bad in _with("a number", **{column: "5"})],
    *[bad for column in WORDS for bad in _with("a line break", **{column: '"U\\nA"'})],
    *[bad for column in WORDS for bad in _with("201 characters", **{column: f'"{"x" * 201}"'})],
    *[bad for column in NUMBERS for bad in _with("a number in quotes", **{column: '"5"'})],
    *[bad for column in NUMBERS for bad in _with("below its range", **{column: "-0.001"})],
    *[bad for column in NUMBERS for bad in _with("above its range", **{column: "6000.001"})],
    *[
        bad
        for text in (
            "2013-04-02",
            "2013-04-02T08:00:00",
            "2013-02-30T08:00:00Z",
            "2013-04-02T25:00:00Z",
            "2013-04-02T08:00:00+99:00",
            "1364889600",
            "yesterday",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "1699-12-31T00:00:00Z",
            "2200-01-02T00:00:00Z",
            "20130402T080000Z",
            "2013-W14-2T08:00:00Z",
            "٢٠١٣-04-02T08:00:00Z",
        )
        for bad in _with(text, scheduled_departure=json.dumps(text))
    ],
]

# The body as a whole.
SHAPES = [
    Bad(f"body {number} is {text[:40]!r}", text.encode())
    for number, text in enumerate(
        (
            "",
            " ",
            "\n\n",
            "null",
            "true",
            "0",
            "-1",
            "1e999",
            "NaN",
            '"rows"',
            "[]",
            "{}",
            "[[]]",
            "[[[]], [[]]]",
            "[1, 2, 3]",
            f"[{ROW}]",
            ROW,
            f"{REQUEST}{REQUEST}",
            f"{REQUEST},",
            f"{REQUEST} x",
            f"// rows\n{REQUEST}",
            f"/* rows */ {REQUEST}",
            f"callback({REQUEST})",
            f")]}}',\n{REQUEST}",
            f"{REQUEST}\x00",
            "rows=1&x=2",
            "<rows/>",
            "rows:\n  - carrier: UA",
            "[" * 100_000,
            "[" * 100_000 + "]" * 100_000,
            '{"rows":' * 50_000,
            '{"rows":' * 50_000 + "1" + "}" * 50_000,
            "{" * 100_000,
            '"' * 99_999,
            '{"rows": null}',
            '{"rows": []}',
            '{"rows": {}}',
            '{"rows": "all"}',
            '{"rows": 1}',
            '{"rows": true}',
            '{"rows": [null]}',
            '{"rows": [1]}',
            '{"rows": ["UA"]}',
            '{"rows": [[]]}',
            '{"rows": [[[[]]]]}',
            f'{{"rows": [[{ROW}]]}}',
            '{"rows": [{}]}',
            f'{{"rows": {ROW}}}',
            f'{{"row": [{ROW}]}}',
            f'{{"Rows": [{ROW}]}}',
            f'{{"rows": [{ROW},]}}',
            f'{{"rows": [{ROW} {ROW}]}}',
            f'{{"rows": [{ROW}]',
            f'{{"rows": [{ROW}], }}',
            f'{{"rows": [{ROW}], "rows2": []}}',
            f'{{"rows": [{ROW}], "explain": 1}}',
            f'{{"rows": [{ROW}], "explain": "false"}}',
            f'{{"rows": [{ROW}], "explain": null}}',
            f'{{"rows": [{ROW}], "bad_rows": "ignore"}}',
            f'{{"rows": [{ROW}], "bad_rows": null}}',
            f'{{"rows": [{ROW}], "bad_rows": ["skip"]}}',
            f'{{"rows": [{ROW}], "bad_rows": NaN}}',
            f'{{"rows": [{ROW}], "__proto__": {{}}}}',
            f'{{"rows": [{ROW}, {{}}]}}',
            f'{{"rows": [{ROW}, null], "bad_rows": "refuse"}}',
        )
    )
]
TWINS = [
    Bad(name, body.encode())
    for name, body in {
        "rows twice": f'{{"rows": [{ROW}], "rows": [{ROW}]}}',
        "rows twice, first bad": f'{{"rows": 1, "rows": [{ROW}]}}',
        "explain twice": f'{{"rows": [{ROW}], "explain": false, "explain": false}}',
        "bad_rows twice": f'{{"rows": [{ROW}], "bad_rows": "skip", "bad_rows": "refuse"}}',
        "a number twice": f'{{"rows": [{ROW[:-1]}, "distance": 5}}]}}',
        "a number twice, equal": f'{{"rows": [{ROW[:-1]}, "distance": 1400.0}}]}}',
        "a word twice": f'{{"rows": [{ROW[:-1]}, "carrier": "UA"}}]}}',
        "a word twice, once null": f'{{"rows": [{{"humidity": null, {ROW[1:]}]}}',
        "a word twice, escaped": f'{{"rows": [{ROW[:-1]}, "\\u0063arrier": "AA"}}]}}',
        "a time twice": f'{{"rows": [{ROW[:-1]}, "scheduled_departure": "2013-04-02T09:00:00-04:00"}}]}}',
        "the id twice": f'{{"rows": [{{"flight_id": "a", "flight_id": "b", {ROW[1:]}]}}',
        "twice in the last of many rows": f'{{"rows": [{", ".join([ROW] * 99)}, {ROW[:-1]}, "distance": 5}}]}}',
        "twice, and rows to be skipped": f'{{"rows": [{{}}, {ROW[:-1]}, "distance": 5}}], "bad_rows": "skip"}}',
        "twice in an unknown key": f'{{"rows": [{ROW[:-1]}, "x": {{"a": 1, "a": 2}}}}]}}',
    }.items()
]
UNKNOWN_KEYS = [
    Bad(f"{name}", f'{{"rows": [{ROW[:-1]}, {pair}}}]}}'.encode())
    for name, pair in {
        "an unknown key": '"weather": 1',
        "a mistyped key": '"distanse": 1',
        "another case": '"Carrier": "UA"',
        "the target": '"arrival": "late"',
        "an empty key": '"": 1',
        "a key with a space": '"carrier ": "UA"',
        "a key of 100,000 characters": f'"{"k" * 100_000}": 1',
        "a key that is NUL": '"\\u0000": 1',
        "a key that is no text": "1: 1",
        "a dunder": '"__class__": "x"',
        "the id is a number": '"flight_id": 5',
        "the id is null": '"flight_id": null',
        "the id is empty": '"flight_id": ""',
        "the id is a list": '"flight_id": []',
        "25 unknown keys": ", ".join(f'"key{number}": 1' for number in range(25)),
        "10,000 unknown keys": ", ".join(f'"key{number}": 1' for number in range(10_000)),
    }.items()
]
ENCODINGS = [
    Bad("UTF-8 with a byte order mark", b"\xef\xbb\xbf" + REQUEST.encode()),
    Bad("UTF-16", REQUEST.encode("utf-16")),
    Bad("UTF-16, little end first", REQUEST.encode("utf-16-le")),
    Bad("UTF-16, big end first", REQUEST.encode("utf-16-be")),
    Bad("UTF-32", REQUEST.encode("utf-32")),
    Bad("Latin-1", REQUEST.replace("UA", "Ü").encode("latin-1")),
    Bad("UTF-7", REQUEST.replace("UA", "+ANw-").encode().replace(b'"', b"+ACI-")),
    Bad("a lone continuation byte", REQUEST.encode().replace(b"UA", b"\x80")),
    Bad("an overlong NUL", REQUEST.encode().replace(b"UA", b"\xc0\x80")),
    Bad("an encoded surrogate", REQUEST.encode().replace(b"UA", b"\xed\xa0\x80")),
    Bad("beyond Unicode", REQUEST.encode().replace(b"UA", b"\xf5\x80\x80\x80")),
    Bad("a cut character", REQUEST.encode().replace(b"UA", b"\xe2\x82")),
    Bad("invalid UTF-8 in a key", REQUEST.encode().replace(b"carrier", b"carr\xffer")),
    Bad("only 0xFF", b"\xff" * 1_000),
    Bad("random bytes", bytes(range(256)) * 100),
    Bad("gzip without saying so", gzip.compress(REQUEST.encode())),
    Bad("gzip", gzip.compress(REQUEST.encode()), {"Content-Type": JSON, "Content-Encoding": "gzip"}),
    Bad("deflate", zlib.compress(REQUEST.encode()), {"Content-Type": JSON, "Content-Encoding": "deflate"}),
    Bad("plain, said to be gzip", REQUEST.encode(), {"Content-Type": JSON, "Content-Encoding": "gzip"}),
    Bad("plain, said to be br", REQUEST.encode(), {"Content-Type": JSON, "Content-Encoding": "br"}),
    Bad("a gzip bomb", gzip.compress(b"0" * 10_000_000), {"Content-Type": JSON, "Content-Encoding": "gzip"}),
]
CONTENT_TYPES = [
    Bad(f"content type is {said!r}", REQUEST.encode(), {"Content-Type": said} if said is not None else {})
    for said in (
        None,
        "",
        " ",
        "json",
        "text/plain",
        "text/json",
        "application/x-json",
        "application/json5",
        "application/jsonlines",
        "application/vnd.api+json",
        "application/problem+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/json; charset=utf-7",
        "application/json; version=2",
        "application/json, text/plain",
        "*/*",
        "a" * 5_000,
    )
]
MEGABYTES_5 = 5_900_000
LARGE = [
    Bad(name, body if isinstance(body, bytes) else str(body).encode())
    for name, body in {
        "50 MB": b" " * 50_000_000,
        "50 MB of rows": b'{"rows": [' + ROW.encode() + b"," * 49_000_000,
        "one byte too many": REQUEST.encode() + b" " * (6_000_001 - len(REQUEST)),
        "6 MB of spaces": " " * MEGABYTES_5,
        "6 MB of numbers": '{"rows": [' + "1," * (MEGABYTES_5 // 2) + "1]}",
        "6 MB of lists": '{"rows": [' + "[]," * (MEGABYTES_5 // 3) + "1]}",
        "6 MB of objects": '{"rows": [' + "{}," * (MEGABYTES_5 // 3) + "1]}",
        "6 MB of small objects": '{"rows": [' + '{"a":1},' * (MEGABYTES_5 // 8) + "1]}",
        "6 MB of keys in the request": "{" + ",".join(f'"{number}":1' for number in range(500_000)) + "}",
        "6 MB of keys in a row": '{"rows": [{' + ",".join(f'"{number}":1' for number in range(500_000)) + "}]}",
        "6 MB of nested lists": '{"rows": [' + ("[" * 100 + "]" * 100 + ",") * (MEGABYTES_5 // 201) + "1]}",
        "6 MB of brackets": "[" * MEGABYTES_5,
        "6 MB of braces": '{"a":' * (MEGABYTES_5 // 5),
        "6 MB of quotation marks": '"' * MEGABYTES_5,
        "6 MB of backslashes": '"' + "\\" * MEGABYTES_5,
        "6 MB of escapes": '{"rows": ["' + "\\u0041" * (MEGABYTES_5 // 6) + '"]}',
        "6 MB of words": '{"rows": [' + '"a",' * (MEGABYTES_5 // 4) + '"a"]}',
        "6 MB in one word": REQUEST.replace("UA", "x" * MEGABYTES_5),
        "6 MB in one integer": REQUEST.replace("1400.0", "1" * MEGABYTES_5),
        "6 MB in one fraction": REQUEST.replace("1400.0", "7000." + "1" * MEGABYTES_5),
        "6 MB in one exponent": REQUEST.replace("1400.0", "1e" + "1" * MEGABYTES_5),
        "6 MB in one key": REQUEST.replace("carrier", "x" * MEGABYTES_5),
        "10,001 rows": '{"rows": [' + ",".join([ROW] * 10_001) + "]}",
        "10,000 empty rows": '{"rows": [' + ",".join(["{}"] * 10_000) + "]}",
        "10,000 empty rows to be skipped": '{"rows": [' + ",".join(["{}"] * 10_000) + '], "bad_rows": "skip"}',
        "10,000 rows of unknown keys": '{"rows": [' + ",".join(f'{{"k{n}": 1}}' for n in range(10_000)) + "]}",
        "100 rows of many mistyped keys": '{"rows": ['
        + ",".join("{" + ",".join(f'"distance{n}_{m}": 1' for m in range(20)) + "}" for n in range(100))
        + "]}",
        "2,000 rows, one bad": '{"rows": [' + ",".join([ROW] * 1_999) + ", {}]}",
        "101 rows with explain": '{"explain": true, "rows": [' + ",".join([ROW] * 101) + "]}",
    }.items()
]

# A row that is half right is refused before the right half is looked at.
MISSING = [
    Bad(f"{column} is left out", f'{{"rows": [{json.dumps({k: v for k, v in GOOD.items() if k != column})}]}}'.encode())
    for column in GOOD
    if column != "humidity"
]

BODIES = [
    *IN_EVERY_COLUMN,
    *IN_SOME_COLUMNS,
    *SHAPES,
    *TWINS,
    *UNKNOWN_KEYS,
    *ENCODINGS,
    *CONTENT_TYPES,
    *LARGE,
    *MISSING,
]
