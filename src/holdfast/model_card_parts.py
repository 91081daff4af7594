"""What the card of a model says, part by part, before it is known whether it becomes markdown or a page.

A part is a title and blocks: sentences, lists, pairs, tables, commands. Whoever writes them down escapes every word,
for tags and labels are words of others.
"""

from holdfast import model_card_classes, model_card_figures
from holdfast.figures import percent
from holdfast.headline import heading
from holdfast.model_card import About
from holdfast.model_card_blocks import Block, Code, Commands, Grid, Items, Pairs, Part, Said
from holdfast.model_card_limits import limits
from holdfast.model_card_words import (
    UNDEFINED,
    amount,
    answers_of,
    ends,
    label,
    positive_of,
    share,
    span,
    together,
    unit_of,
    within,
    worded,
)
from holdfast.outcomes import Numbers
from holdfast.schema import Schema
from holdfast.targets import Kind

SHORT = 12
FEW = 0.001  # fewer missing values than that are not worth a line
FOR = ("purpose", "intended_use", "out_of_scope")
BY = ("owner", "contact")
OF_DATA = ("data_source", "data_licence", "personal_data")
ETHICS = ("ethics", "risk_class", "intended_use", "personal_data")
CAME_TRUE: dict[Kind, str] = {
    "binary": "Calibration",
    "classes": "Calibration",
    "number": "What came of its predictions",
}
KNOWN = {*FOR, *BY, *OF_DATA, *ETHICS, "limits"}


def title(about: About) -> str:
    """Name the model."""
    if about.name:
        return f"Model card: {about.name}{f', version {about.number}' if about.number else ''}"
    return f"Model card: {about.release.version or about.sha256[:SHORT]}"


def lead(about: About) -> str:
    """Say in two sentences what it answers, and what it is made of."""
    schema, card = about.facts.data, about.card
    rows, asked = schema.noun[1], schema.target.question or _question(schema)
    learned, judged = (
        f" of {days}" if days else ""
        for days in (span(about.learned.first, about.learned.last), span(card.holdout_first, card.holdout_last))
    )
    return (
        f"{asked} It learned from {about.facts.fitted_rows:,} {rows}{learned}, and was judged on {card.holdout_rows:,}"
        f"{judged}, none of which it had seen."
    )


def _question(schema: Schema) -> str:
    """Ask what it answers, where nobody has put it into words."""
    target = schema.target
    if target.kind == "binary":
        return f"Is {target.title} {positive_of(schema)}?"
    return f"Which {target.title} is it?" if target.kind == "classes" else f"How much is {target.title}?"


def parts(about: About) -> tuple[Part, ...]:
    """Return all parts, in the order in which they are read."""
    classes, errors = model_card_classes.classes(about), model_card_classes.errors(about)
    return (
        Part("What it is for", _purpose(about)),
        Part("Who answers for it", _tags(about, BY)),
        Part("Data", _data(about)),
        Part("Metrics", model_card_figures.metrics(about)),
        *([Part("Classes", classes)] if classes else []),
        *([Part("Errors", errors)] if errors else []),
        Part("Slices", model_card_figures.slices(about)),
        Part(CAME_TRUE[about.kind], model_card_figures.calibration(about)),
        Part("What moves it most", model_card_figures.importance(about)),
        Part("Limits", (Items(tuple(limits(about))),)),
        Part("Ethics", _ethics(about)),
        Part("Verdict", _verdict(about)),
        Part("Where it comes from", _origin(about)),
    )


def _purpose(about: About) -> tuple[Block, ...]:
    others = tuple(name for name in about.card.tags if name not in KNOWN)
    said = f"{_score(about)} {about.facts.data.target.help}"
    return *_tags(about, (*FOR, *others)), Said(said.strip())


def _score(about: About) -> str:
    """Say what a score is, and which answer follows from it."""
    schema, row = about.facts.data, about.facts.data.noun[0]
    if about.kind == "number":
        target, unit = schema.target, unit_of(schema)
        return f"A score is the {within(target.title)} that it predicts for a {row}{f', in {unit}' if unit else ''}."
    if about.facts.threshold is None:
        names = answers_of(schema)
        return (
            f"Its scores are the probabilities that a {row} is each of {len(names):,} classes, and add up to 1; it "
            f"names the class with the highest. They are {together(names, 20)}."
        )
    positive = positive_of(schema)
    return (
        f"A score is the probability that a {row} is {positive}. From {about.facts.threshold:g} on, it is called "
        f"{positive}."
    )


def _tags(about: About, names: tuple[str, ...]) -> tuple[Block, ...]:
    found = _said(about, names)
    return (Pairs(found),) if found else (Said("Nothing is said of it under `tags:` in params.yaml."),)


def _said(about: About, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the tags that there are; of one that must be and is not, that it is not."""
    found = {name: about.card.tags.get(name, "").strip() for name in names}
    return tuple(
        (heading(worded(name)), words or "not said") for name, words in found.items() if words or name in about.required
    )


def _data(about: About) -> tuple[Block, ...]:
    card, rows = about.card, about.facts.data.noun[1]
    learned, judged = span(about.learned.first, about.learned.last), span(card.holdout_first, card.holdout_last)
    before, now = _answers(about)
    figures = (
        ("Learned from", f"{about.learned.rows:,} {rows}{f', {learned}' if learned else ''}"),
        before,
        ("Judged on", f"{card.holdout_rows:,} {rows}{f', {judged}' if judged else ''}"),
        now,
        ("Validation", _validation(about)),
        ("Leaks", together([one.text for one in about.leaks], 3) if about.leaks else "none found"),
    )
    return Pairs((*_said(about, OF_DATA), *figures)), *_missing(about)


def _answers(about: About) -> tuple[tuple[str, str], tuple[str, str]]:
    """Say what was to be predicted: where it learned, and in the holdout."""
    schema, found, confidence = about.facts.data, about.intervals.answers, percent(about.intervals.confidence)
    theirs = f"Their {within(schema.target.title)}"
    if about.outcomes.numbers:
        (before, now), unit = about.outcomes.numbers, unit_of(schema)
        interval = ends(found[0], amount)
        of_mean = f" ({confidence} interval {interval})" if interval else ""
        return (theirs, _numbers(before, unit)), (theirs, _numbers(now, unit, of_mean))
    if about.kind == "classes":
        names, learned = answers_of(schema), about.outcomes.learned.values()
        pairs = [zip(names, some, strict=True) for some in (learned, (one.value for one in found))]
        before_that, in_holdout = (together([f"{share(part)} {name}" for name, part in one], 20) for one in pairs)
        return (theirs, before_that), (theirs, in_holdout)
    positive, sure = positive_of(schema), ends(found[0], share)
    return (
        (f"Of them {positive}", share(about.facts.positive_share)),
        (f"Of those {positive}", f"{share(found[0].value)}{f' ({confidence} interval {sure})' if sure else ''}"),
    )


def _numbers(found: Numbers, unit: str, of_mean: str = "") -> str:
    return f"{amount(found.mean, unit)} on average{of_mean}, 80 of 100 from {amount(found.low)} to {amount(found.high)}"


def _validation(about: About) -> str:
    if not about.contract:
        return UNDEFINED
    judged = sorted({one.judged for one in about.contract})
    broken = sum(len(one.broken) for one in about.contract)
    each = f"{judged[0]}" if len(judged) == 1 else f"{judged[0]} to {judged[-1]}"
    return (
        f"{len(about.contract):,} partitions of {sum(one.rows for one in about.contract):,} rows in all, {each} "
        f"promises each: {f'{broken:,} broken, as warnings' if broken else 'all kept'}"
    )


def _missing(about: About) -> tuple[Block, ...]:
    schema = about.facts.data
    shares = {name: max(both) for name, both in about.gaps.items() if max(both) > 0}
    shown = sorted((name for name in shares if shares[name] >= FEW), key=lambda name: -shares[name])
    rest = len(shares) - len(shown)
    if not shown:
        return (Said("Hardly any value is missing, in any column." if rest else "No value is missing, in any column."),)
    rows = [[label(schema, name), *map(share, about.gaps[name])] for name in shown]
    grid = Grid([["missing values of", "where it learned", "in the holdout"], *rows], (1, 2))
    few = f"Of {rest:,} more columns, {share(FEW / 2)} is missing; of the others, nothing."
    return (grid, Said(few)) if rest else (grid, Said("Of the other columns, nothing is missing."))


def _ethics(about: About) -> tuple[Block, ...]:
    schema = about.facts.data
    cuts = list(dict.fromkeys(one.label for one in about.intervals.slices))
    looked = (
        f"Whether it serves some worse than others was looked at by {together(cuts)}, and by nothing else."
        if cuts
        else "Whether it serves some worse than others was not looked at: no slice is declared."
    )
    logged = [column.label for column in schema.columns.values() if column.loggable]
    which = "every column" if len(logged) == len(schema.columns) else together(logged, 30) or "no column"
    return *_tags(about, ETHICS), Said(looked), Said(f"A service may write what it is asked to a log: {which}.")


def _verdict(about: About) -> tuple[Block, ...]:
    release = about.release
    if not release.verdict:
        said = "None yet: no judge has compared it with a champion. This asks for it:"
        return Said(said), Commands(("python -m holdfast report",))
    against = f", against {release.against}" if release.against else ""
    table = [[gate.code, "passed" if gate.passed else "not passed", gate.text] for gate in release.gates]
    grid = (Grid([["gate", "said", "found"], *table], ()),) if table else ()
    return Said(f"{heading(release.verdict)}{against}."), *grid


def _origin(about: About) -> tuple[Block, ...]:
    release, origin, facts = about.release, about.origin, about.facts
    commit = release.commit or (f"not committed; changed since {origin.commit[:SHORT]}" if origin.commit else "")
    hashes = (
        ("Model", about.sha256),
        ("Commit", commit),
        ("Data", release.data or origin.data),
        ("dvc.lock", origin.lock),
        ("Environment", origin.environment),
        ("params.yaml", origin.params),
    )
    settings = ", ".join(f"{worded(name)} {value:g}" for name, value in facts.settings.items())
    entries = (
        ("Registered as", f"{about.name}, version {about.number}" if about.name and about.number else "not registered"),
        *((what, Code(found) if found else "not known") for what, found in hashes),
        ("Made of", f"{worded(facts.estimator)}{f': {settings}' if settings else ''}"),
        ("Seed", str(about.seed)),
    )
    return Pairs(entries), *_again(about)


def _again(about: About) -> tuple[Block, ...]:
    """Say how to make it again."""
    if about.number:
        command = f"python -m holdfast restore {about.number}"
    elif about.release.commit:
        command = f"python -m holdfast rebuild-check {about.release.commit}"
    else:
        return (Said("It cannot be made again until dvc.lock, params.yaml and data.dvc are committed."),)
    said = "To make it again from its commit and its data, and to be shown that it has the same hash:"
    return Said(said), Commands((command,))
