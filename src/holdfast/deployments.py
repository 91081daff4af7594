"""Where a version runs: notes in the registry that are only ever added to.

A note is a tag of the version, whose name ends in the moment, so that no note is written over another. It is made only
after the service itself has said which model it serves, and only where that is the champion of this environment.
"""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from holdfast import moves, registry, services, store
from holdfast.environments import Current
from holdfast.errors import RefusedError
from holdfast.registry import Version
from holdfast.services import Serving
from holdfast.strict import Strict

PREFIX = "holdfast.deployed."
MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Deployment(Strict):
    """When a version was found running, where, and who had asked; the commit and the run are those of a workflow."""

    at: datetime
    url: str
    by: str
    commit: str | None = None
    run: str | None = None

    def line(self) -> str:
        """Say it on one line."""
        workflow = f", {self.run}" if self.run else ""
        return f"{self.at:%Y-%m-%d %H:%M:%S} UTC: {self.url}, by {self.by}{workflow}"


def note(root: Path, environment: Current, url: str, token: str | None) -> tuple[Version, Deployment]:
    """Ask a service what it serves, and write down that it serves the champion.

    Raises: RefusedError where it is not ready or serves another model; UserError where it, or the registry, is not
    reached.
    """
    name = environment.settings.model
    serving = services.ask(url, token)
    opened = store.connect(root, environment.settings.tracking)
    known = registry.versions(opened, name)
    champion = moves.champion(moves.history(opened, name))
    found = which(known, serving, champion)
    _require_champion(environment, url, serving, found, champion)
    assert found is not None
    made = _made(services.address(url), free_moment(found.tags, datetime.now(UTC)))
    with store.asked(found.uri):
        content = made.model_dump_json(exclude={"at"}, exclude_none=True)
        opened.client.set_model_version_tag(name, str(found.number), f"{PREFIX}{made.at.strftime(MOMENT)}", content)
    return found, made


def of(version: Version) -> tuple[Deployment, ...]:
    """Return where a version was found running, the latest first."""
    return tuple(sorted(_parse(version.tags), key=lambda one: one.at, reverse=True))


def which(versions: Sequence[Version], serving: Serving, champion: int | None) -> Version | None:
    """Return the version that has a hash; of several the one that is called so, else the champion, else the newest.

    Two commits that make the same model are two versions; what was not fetched from the registry has no number.
    """
    same = [one for one in versions if one.sha256 == serving.sha256]
    called = [one for one in same if str(one.number) == serving.version]
    return next(reversed(called or [one for one in same if one.number == champion] or same), None)


def _require_champion(
    environment: Current, url: str, serving: Serving, found: Version | None, champion: int | None
) -> None:
    if found is not None and found.number == champion:
        return
    name = environment.settings.model
    is_champion = f"champion in {environment.name} is {f'version {champion}' if champion else 'nobody'}"
    if found is None:
        said = f"{serving.version} ({serving.sha256[: registry.SHORTEST]}…), which is no version of {name}"
    else:
        said = f"{name}, version {found.number}"
    remedy = "deploy the champion, or name the environment that it belongs to: HOLDFAST_ENV=prod"
    raise RefusedError(f"{url}: serves {said}; {is_champion}.", fix=remedy)


def _made(url: str, at: datetime) -> Deployment:
    """Return the note of this moment, with the workflow that makes it, if one does."""
    get = os.environ.get
    server, repository, run = get("GITHUB_SERVER_URL"), get("GITHUB_REPOSITORY"), get("GITHUB_RUN_ID")
    place = f"{server}/{repository}/actions/runs/{run}" if server and repository and run else None
    return Deployment(at=at, url=url, by=moves.who(), commit=get("GITHUB_SHA") or None, run=place)


def free_moment(tags: Mapping[str, str], moment: datetime) -> datetime:
    """Return a moment, or the next one that has no note yet."""
    while f"{PREFIX}{moment.strftime(MOMENT)}" in tags:
        moment += timedelta(microseconds=1)
    return moment


def _parse(tags: Mapping[str, str]) -> list[Deployment]:
    """Return the notes among tags; what is none of ours is left out."""
    found = []
    for tag, content in tags.items():
        if tag.startswith(PREFIX):
            try:
                moment = datetime.strptime(tag.removeprefix(PREFIX), MOMENT).replace(tzinfo=UTC)
                said = {key: value for key, value in json.loads(content).items() if key in Deployment.model_fields}
                found.append(Deployment.model_validate({**said, "at": moment}))
            except (ValueError, AttributeError):
                continue
    return found
