"""Tables as they come: each ugly in a way of its own, and drawn without chance."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd


def plain(rows: int = 200, seed: int = 0) -> pd.DataFrame:
    """A table without faults: two numbers, two columns of words, and an outcome that depends on the first number."""
    random = np.random.default_rng(seed)
    size = random.normal(50, 10, rows).round(2)
    return pd.DataFrame(
        {
            "size": size,
            "weight": random.integers(1, 900, rows),
            "colour": random.choice(["red", "green", "blue"], rows),
            "shape": random.choice(["round", "long"], rows),
            "outcome": np.where(size + random.normal(0, 5, rows) > 50, "yes", "no"),
        }
    )


def semicolons_and_decimal_commas(path: Path) -> Path:
    plain().to_csv(path, sep=";", decimal=",", index=False)
    return path


def byte_order_mark(path: Path) -> Path:
    plain().to_csv(path, index=False, encoding="utf-8-sig")
    return path


def mixed_types(path: Path) -> Path:
    rows = plain().astype({"size": "object"})
    rows.loc[::40, "size"] = "broken"
    rows["level"] = ["high", "7", "low", "3.5"] * 50
    rows[["size", "level", "weight", "colour", "shape", "outcome"]].to_csv(path, index=False)
    return path


def wide(path: Path) -> Path:
    random = np.random.default_rng(1)
    rows = pd.DataFrame(random.normal(size=(200, 299)).round(3), columns=[f"sensor {n}" for n in range(299)])
    rows.assign(outcome=np.where(rows["sensor 0"] > 0, "bad", "good")).to_csv(path, index=False)
    return path


def unicode_headers(path: Path) -> Path:
    names = {"size": "Größe (cm)", "weight": "重量", "colour": "цвет 'a\"b<c>", "shape": "شكل", "outcome": "výsledek"}
    plain().rename(columns=names).to_csv(path, index=False)
    return path


def duplicate_headers(path: Path) -> Path:
    plain().set_axis(["x", "x", "", "x_2", "outcome"], axis="columns").to_csv(path, index=False)
    return path


def constant_and_empty(path: Path) -> Path:
    plain().assign(country="CZ", nothing="", outcome=plain()["outcome"]).to_csv(path, index=False)
    return path


def three_formats(path: Path) -> Path:
    days = pd.Series(pd.date_range("2024-01-01", periods=200, freq="D"))
    iso, european, american = (days.dt.strftime(one) for one in ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"))
    mixed = [one[place] for place, one in enumerate([iso, european, american] * 66 + [iso, iso])]
    rows = plain().assign(seen=mixed, delivered=european, billed=american)
    rows[["seen", "delivered", "billed", "size", "weight", "colour", "shape", "outcome"]].to_csv(path, index=False)
    return path


def much_missing(path: Path) -> Path:
    rows, random = plain().astype("object"), np.random.default_rng(2)
    for name in ("size", "weight", "colour", "shape"):
        rows.loc[random.random(200) < 0.4, name] = random.choice(["", "NA", "?"])
    rows.to_csv(path, index=False)
    return path


def five_of_one_class(path: Path) -> Path:
    rows = plain()
    rows["outcome"] = "good"
    rows.loc[rows["size"].nlargest(5).index, "outcome"] = "broken"
    rows.to_csv(path, index=False)
    return path


def fifty_rows(path: Path) -> Path:
    plain(50).to_csv(path, index=False)
    return path


def repeated_ids(path: Path) -> Path:
    rows = plain()
    rows.insert(0, "id", range(1, 201))
    rows.loc[190:, "id"] = 7
    rows.to_csv(path, index=False)
    return path


TABLES: dict[str, Callable[[Path], Path]] = {
    make.__name__: make
    for make in (
        semicolons_and_decimal_commas, byte_order_mark, mixed_types, wide, unicode_headers, duplicate_headers,
        constant_and_empty, three_formats, much_missing, five_of_one_class, fifty_rows, repeated_ids,
    )
}  # fmt: skip
