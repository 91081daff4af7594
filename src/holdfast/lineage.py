"""What a version is made of, who let it in and on what grounds, where it runs, and how to make it again.

Facts in one object, and the two ways to say them: text for people, JSON for programs. What is not known is left out
of the text and null in JSON; what should be known and is not stands under `problems`.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from holdfast.bundle import SHORT, Gate
from holdfast.deployments import Deployment
from holdfast.figures import measured
from holdfast.logged import Prediction
from holdfast.strict import Strict

FORMAT = 1
INDENT = 2
LABEL = 13
SECOND = "%Y-%m-%d %H:%M:%S"


class Commit(Strict):
    """The commit that a model was made from; what Git knows of it is null where this clone does not have it."""

    hash: str
    subject: str | None = None
    author_date: datetime | None = None
    changed: bool = False  # files beside data.dvc, dvc.lock and params.yaml were not as committed

    def lines(self) -> Iterator[str]:
        """Say it."""
        known = f"{self.author_date:%Y-%m-%d}, {self.subject}" if self.author_date else "not in this clone"
        yield f"{self.hash[:SHORT]} ({known})"
        if self.changed:
            yield "other files of the tree were changed and not committed when it was published"


class Data(Strict):
    """The data version, with the partitions that went in."""

    hash: str
    partitions: tuple[str, ...] = ()
    rows: int | None = None
    training_window: str = ""
    fitted_rows: int | None = None

    def lines(self) -> Iterator[str]:
        """Say it."""
        names = [name.rpartition("/")[2].removesuffix(".parquet") for name in self.partitions]
        span = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}" if names else ""
        count = f": {len(names)} partition{'s' if len(names) > 1 else ''}, {span}, {self.rows:,} rows" if names else ""
        yield f"{self.hash}{count}"
        fitted = f"; fitted on {self.fitted_rows:,} rows, those of validation among them" if self.fitted_rows else ""
        yield f"training rows: {self.training_window or 'not said'}{fitted}"


class Training(Strict):
    """The estimator, with the settings that were the best on the validation rows."""

    estimator: str
    settings: Mapping[str, float | int | str]
    threshold: float | None = None

    def lines(self) -> Iterator[str]:
        """Say it."""
        settings = ", ".join(f"{name} {value}" for name, value in self.settings.items())
        yield f"{self.estimator}{f': {settings}' if settings else ''}"
        if self.threshold is not None:
            yield f"positive from a score of {self.threshold:g}"


class Measured(Strict):
    """What was measured on the holdout."""

    first: date | None = None
    last: date | None = None
    metrics: Mapping[str, float | int | None]

    def lines(self) -> Iterator[str]:
        """Say it, four numbers a line."""
        rows = self.metrics.get("rows")
        count = f"{rows:,.0f} rows" if rows is not None else "rows"
        yield f"{count}{f', {self.first} to {self.last}' if self.first else ''}"
        said = [f"{name} {measured(name, value)}" for name, value in self.metrics.items() if name != "rows"]
        for place in range(0, len(said), 4):
            yield ", ".join(said[place : place + 4])


class Validation(Strict):
    """What the data was held to before it was trained on; each broken promise and each leak is a line."""

    partitions: int
    judged: int
    broken: tuple[str, ...]
    leaks: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Say it."""
        kept = f"{len(self.broken)} broken" if self.broken else "all kept"
        yield f"contract: {self.judged:,} promises of {self.partitions} partitions, {kept}"
        yield from (f"  {one}" for one in self.broken)
        yield f"leaks: {len(self.leaks) or 'none'}"
        yield from (f"  {one}" for one in self.leaks)


class Verdict(Strict):
    """What the judge said."""

    verdict: str | None
    against: str | None
    gates: tuple[Gate, ...]

    def lines(self) -> Iterator[str]:
        """Say it, a gate a line."""
        yield f"{self.verdict}, against {self.against or 'nobody'}" if self.verdict else "not judged yet"
        yield from (f"  {one.code} {'passed' if one.passed else 'FAILED'}: {one.text}" for one in self.gates)


class Scored(Strict):
    """A folder of scores, as its manifest tells of it."""

    folder: str
    started_at: str
    version: str
    sha256: str
    counts: Mapping[str, int]

    def line(self) -> str:
        """Say it on one line."""
        partitions, rows = self.counts.get("scored", 0), self.counts.get("rows", 0)
        return f"{self.folder}: {partitions} partition{'s' * (partitions != 1)}, {rows:,} rows, begun {self.started_at}"


class Reign(Strict):
    """From when to when a version was champion; `until` is null for the champion."""

    since: datetime
    until: datetime | None
    kind: str
    by: str
    approved_by: tuple[str, ...]
    verdict: str | None

    def line(self) -> str:
        """Say it."""
        until = f"{self.until:{SECOND}}" if self.until else "now"
        approved = f", approved by {', '.join(self.approved_by)}" if self.approved_by else ""
        return f"{self.since:{SECOND}} UTC to {until}: {self.kind} by {self.by}{approved}"


class Environment(Strict):
    """Where it was made, and with what; `packages` is the hash of the lock of packages."""

    name: str
    python: str
    packages: str
    run: str

    def lines(self) -> Iterator[str]:
        """Say it."""
        yield f"{self.name}, Python {self.python or 'not said'}, packages {self.packages[:SHORT] or 'not said'}"
        yield f"MLflow run {self.run}"


class Lineage(Strict):
    """All that is known of a version."""

    format: int = FORMAT
    name: str
    version: int
    aliases: tuple[str, ...]
    sha256: str
    same_model: tuple[int, ...]  # other versions with the same bytes
    prediction: Prediction | None = None
    scored: Scored | None = None
    commit: Commit
    data: Data
    training: Training | None
    holdout: Measured
    validation: Validation | None
    verdict: Verdict
    champion: tuple[Reign, ...]
    environment: Environment
    deployments: tuple[Deployment, ...]
    rebuild: str
    problems: tuple[str, ...]

    def text(self) -> str:
        """Say all of it, each thing under its label."""
        aliases = f" ({', '.join(self.aliases)})" if self.aliases else ""
        lines = [f"{self.name}, version {self.version}{aliases}"]
        for label, said in self._parts():
            labels = [label, *[""] * len(said)]
            lines += [f"{'':{INDENT}}{name:{LABEL}}{one}".rstrip() for name, one in zip(labels, said, strict=False)]
        return "\n".join(lines)

    def _parts(self) -> Iterator[tuple[str, list[str]]]:
        if self.prediction:
            yield "prediction", [self.prediction.line()]
        if self.scored:
            yield "scores", [self.scored.line()]
        twins = f" (also version {', '.join(map(str, self.same_model))})" if self.same_model else ""
        yield "model", [f"{self.sha256}{twins}"]
        yield "commit", [*self.commit.lines()]
        yield "data", [*self.data.lines()]
        if self.training:
            yield "training", [*self.training.lines()]
        yield "holdout", [*self.holdout.lines()]
        if self.validation:
            yield "validation", [*self.validation.lines()]
        yield "verdict", [*self.verdict.lines()]
        yield "champion", [one.line() for one in reversed(self.champion)] or ["never"]
        yield "deployed", [one.line() for one in self.deployments] or ["nowhere that anybody noted"]
        yield "environment", [*self.environment.lines()]
        yield "rebuild", [self.rebuild]
        if self.problems:
            yield "problems", list(self.problems)
