"""Fitted objects to bytes and back, with skops: no pickle is ever loaded.

The bytes depend on the object alone. Skops names the parts of an archive after memory addresses and
stamps them with the time of day; here parts are numbered in the order in which they are met and
carry a fixed date. Members are stored, not deflated, for zlib's output differs between its builds.

Besides what skops trusts by itself (numpy, scipy) and the few estimators of scikit-learn below, only the types that the
caller names are ever constructed, whatever a file asks for.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from holdfast import files
from holdfast.errors import UserError

# What skops and zipfile raise, in many places, for bytes that are not what skops wrote.
DAMAGED = (
    zipfile.BadZipFile, AttributeError, EOFError, ImportError, LookupError, NotImplementedError, OSError, TypeError,
    ValueError,
)  # fmt: skip
FIXED_DATE = (1980, 1, 1, 0, 0, 0)
SKLEARN = [
    f"sklearn.{name}"
    for name in (
        "compose._column_transformer.ColumnTransformer",
        "impute._base.MissingIndicator",
        "impute._base.SimpleImputer",
        "pipeline.Pipeline",
        "preprocessing._data.StandardScaler",
        "preprocessing._encoders.OneHotEncoder",
        "preprocessing._label.LabelEncoder",
    )
]


def dumps(fitted: Any) -> bytes:
    """Return a fitted object as bytes; the same object gives the same bytes."""
    return _settled(_skops().dumps(fitted))


def load(path: Path, trusted: list[type]) -> Any:
    """Read a fitted object.

    Raises: UserError where the file is missing, damaged, or asks for a type that is not trusted.
    """
    return loads(files.read_bytes(path), trusted, where=path)


def loads(content: bytes, trusted: list[type], *, where: Path) -> Any:
    """Return the fitted object of some bytes; `where` names them in errors.

    Raises: UserError where they are damaged, or ask for a type that is not trusted.
    """
    skops = _skops()
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return skops.loads(content, trusted=[*SKLEARN, *trusted])
    except UntrustedTypesFoundException as error:
        raise UserError(
            f"{files.shown(where)}: refused, because it asks for types that are not trusted: {error}.",
            fix="do not use this file; make the model again with `dvc repro`",
        ) from error
    except DAMAGED as error:
        raise UserError(
            f"{files.shown(where)}: not a whole skops file ({error}).", fix="`dvc checkout --force` or `dvc repro`"
        ) from error


@cache
def _skops() -> Any:
    """Load skops without its list of all estimators of scikit-learn, which it would trust.

    To make that list, all of scikit-learn is loaded, and what it tests itself with: a fifth of the start of a service.
    """
    from sklearn import utils

    survey, utils.all_estimators = utils.all_estimators, list
    try:
        import skops.io
    finally:
        utils.all_estimators = survey
    return skops.io


def _settled(archive: bytes) -> bytes:
    """Return the archive with its parts and objects numbered in the order of the schema, and fixed dates."""
    names: dict[str, str] = {}
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        schema = _numbered(json.loads(source.read("schema.json")), names, count())
        parts = {new: source.read(old) for old, new in names.items()}
    parts["schema.json"] = json.dumps(schema, separators=(",", ":")).encode()
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_STORED) as target:
        for name, content in parts.items():
            target.writestr(zipfile.ZipInfo(name, FIXED_DATE), content)
    return result.getvalue()


def _numbered(node: Any, names: dict[str, str], ids: Iterator[int]) -> Any:
    """Return a copy of the schema without memory addresses; new names of parts are added to `names`.

    Every object gets an id of its own: which equal numbers and words share one is the interpreter's affair.
    """
    if isinstance(node, list):
        return [_numbered(item, names, ids) for item in node]
    if not isinstance(node, dict):
        return node
    copy: dict[str, Any] = {}
    for key, value in node.items():
        if key == "__id__":
            copy[key] = next(ids)
        elif key == "file" and "__loader__" in node:
            copy[key] = names.setdefault(value, f"{len(names)}{Path(value).suffix}")
        else:
            copy[key] = _numbered(value, names, ids)
    return copy
