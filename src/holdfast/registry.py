"""Names for models: versions in the MLflow registry, and the aliases that point at them.

DVC owns the bytes, MLflow the names. A version is written down together with the hashes of its files, and what is
fetched under its name later is refused unless it has them.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from holdfast import bundle, files
from holdfast.bundle import Gate, Release
from holdfast.errors import UserError, nearest
from holdfast.store import Store, asked

SCHEME = "models:/"
MODEL = "model"  # the folder of a run that holds the model
COMMIT, DATA, SHA256, FILES = "holdfast.commit", "holdfast.data", "holdfast.sha256", "holdfast.files"
VERDICT, AGAINST, GATES = "holdfast.verdict", "holdfast.against", "holdfast.gates"
CARD = "holdfast.card"  # what its card lacks
SHORTEST = 7  # characters of a hash that name one


class Version(NamedTuple):
    """A registered version; `sha256` is that of its model.json, `files` that of all files of its bundle together."""

    name: str
    number: int
    run: str
    commit: str
    data: str
    sha256: str
    files: str
    tags: Mapping[str, str]
    aliases: tuple[str, ...]
    created: int  # milliseconds since 1970, UTC

    @property
    def uri(self) -> str:
        """Its name for ever: an alias may be moved."""
        return f"{SCHEME}{self.name}/{self.number}"

    def release(self) -> Release:
        """Return what is known of it, as a bundle says it.

        Raises: UserError where somebody has changed what was written down.
        """
        gates = tuple(self.told(GATES, Gate, "[]"))
        verdict, against = self.tags.get(VERDICT), self.tags.get(AGAINST)
        return Release(
            version=str(self.number), commit=self.commit, data=self.data, verdict=verdict, against=against, gates=gates
        )

    def told(self, tag: str, kind: Any, default: str) -> list[Any]:
        """Return the list that a tag holds, each entry of a kind.

        Raises: UserError where it holds something else, for anybody may edit a tag.
        """
        try:
            return list(TypeAdapter(list[kind]).validate_json(self.tags.get(tag, default)))
        except ValueError as error:
            problem = f"{self.uri}: the tag {tag} is not as Holdfast wrote it: {str(error).splitlines()[0]}."
            raise UserError(problem, fix="put it back, or publish another commit and name that version") from error


def register(store: Store, name: str, run: str, tags: Mapping[str, str]) -> Version:
    """Register the model of a run, and return its version; a run has one, however often this is asked.

    Raises: UserError where the store does not take it.
    """
    with asked(store.address):
        make(store, name)
        known = next((one for one in versions(store, name) if one.run == run), None)
        if known:
            return known
        store.client.create_model_version(name, f"runs:/{run}/{MODEL}", run, tags=dict(tags))
    # The first one of the run: where a request was sent again, for its answer was lost, there are two.
    return next(one for one in versions(store, name) if one.run == run)


def make(store: Store, name: str, description: str = "") -> None:
    """Make a registered model unless it is there."""
    from mlflow.exceptions import MlflowException

    if not store.client.search_registered_models(f"name = '{name}'"):
        try:
            store.client.create_registered_model(name, description=description or None)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":  # another process was quicker
                raise


def point(store: Store, name: str, alias: str, number: int) -> None:
    """Let an alias point at a version."""
    with asked(store.address):
        store.client.set_registered_model_alias(name, alias, str(number))


def versions(store: Store, name: str) -> list[Version]:
    """Return all versions of a model, the oldest first; none where there is no such model."""
    with asked(store.address):
        found, token = list[Any](), None
        while True:
            page = store.client.search_model_versions(f"name = '{name}'", page_token=token)
            found += page
            token = page.token
            if not token:
                break
        aliases: dict[int, list[str]] = {}
        for registered in store.client.search_registered_models(f"name = '{name}'"):
            for alias, number in registered.aliases.items():
                aliases.setdefault(int(number), []).append(alias)
    return sorted((_version(one, aliases) for one in found), key=lambda one: one.number)


def find(store: Store, name: str, what: str) -> Version:
    """Return the version that people mean: by an alias, a number, or the first characters of the model's hash.

    Raises: UserError where there is none, or the characters begin several hashes.
    """
    known = versions(store, name)
    if not known:
        problem = f"{name}: the registry at {store.address} has no version of it."
        raise UserError(problem, fix="publish one with `python -m holdfast publish` (which HOLDFAST_ENV is it in?)")
    same = [one for one in known if what in one.aliases or what == str(one.number)]
    if not same and len(what) >= SHORTEST:
        same = [one for one in known if one.sha256.startswith(what)]
    if len({one.sha256 for one in same}) == 1:
        return same[-1]
    aliases = sorted({alias for one in known for alias in one.aliases})
    numbers = f"{known[0].number} to {known[-1].number}"
    if same:
        raise UserError(f"{what}: begins the hash of several versions of {name}.", fix="give more of its characters")
    problem = f"{name}: found no version '{what}'{nearest(what, aliases)}; there are {numbers}"
    remedy = f"name one of these{', or ' + ', '.join(aliases) if aliases else ''}; a hash by {SHORTEST} characters"
    raise UserError(f"{problem}.", fix=remedy)


def download(store: Store, version: Version, into: Path) -> Path:
    """Return the folder of a version's bundle, fetched into another folder.

    Raises: UserError where it is not to be had, or a byte of it is another than when it was registered.
    """
    with asked(version.uri):
        folder = _downloaded(store, version, into)
    found = next((path.parent for path in sorted(folder.rglob("model.json"))), None)
    if found is None or not version.files:
        problem = f"{version.uri}: found no model of Holdfast with its hashes in it, expected one."
        raise UserError(problem, fix="name a version that `python -m holdfast publish` registered")
    if digest(found) != version.files:
        problem = f"{version.uri}: the files are not those that were registered: their hash is another."
        remedy = f"restore the artifacts of run {version.run} from a backup, or publish another commit"
        raise UserError(problem, fix=remedy)
    files.write_json(found / bundle.RELEASE, version.release().model_dump(mode="json"))
    return found


def _downloaded(store: Store, version: Version, into: Path) -> Path:
    """Fetch the files of a version.

    From where its run keeps them: the client's own way to ask for the files of a run hides why they do not come.
    """
    from mlflow.artifacts import download_artifacts

    place = store.client.get_run(version.run).info.artifact_uri
    tracked = store.client.tracking_uri
    return Path(download_artifacts(artifact_uri=f"{place}/{MODEL}", dst_path=str(into), tracking_uri=tracked))


def split(uri: str) -> tuple[str, str]:
    """Return the two parts of a name of the registry: the model, and the alias or number.

    Raises: UserError where it has another form.
    """
    name, _, what = uri.removeprefix(SCHEME).replace("@", "/").partition("/")
    if not name or not what or "/" in what:
        problem = f"{uri}: found neither an alias nor a number, expected {SCHEME}NAME@ALIAS or {SCHEME}NAME/NUMBER."
        raise UserError(problem, fix="name the version by one of them")
    return name, what


def digest(folder: Path) -> str:
    """Return one hash for all files of a bundle, except what it is called there."""
    whole = hashlib.sha256()
    for name in sorted(bundle.FILES):
        path = folder / name
        content = path.read_bytes() if path.is_file() else b""
        whole.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()


def _version(found: Any, aliases: Mapping[int, list[str]] | None = None) -> Version:
    tags, number = dict(found.tags), int(found.version)
    return Version(
        found.name,
        number,
        found.run_id or "",
        tags.get(COMMIT, ""),
        tags.get(DATA, ""),
        tags.get(SHA256, ""),
        tags.get(FILES, ""),
        tags,
        tuple(sorted((aliases or {}).get(number, ()))),
        found.creation_timestamp or 0,
    )
