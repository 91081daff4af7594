"""What the card says of single classes and of errors: which is taken for which, how many rows are missed by what."""

from holdfast.confusions import each
from holdfast.figures import counting, number
from holdfast.model_card import About
from holdfast.model_card_blocks import Block, Grid, Said
from holdfast.model_card_words import UNDEFINED, share, unit_of

PARTS = (0.5, 0.8, 0.9, 0.95, 1.0)  # of the rows


def classes(about: About) -> tuple[Block, ...]:
    """Say which classes it finds, and what it takes the others for."""
    if about.outcomes.confusion is None:
        return ()
    rows = about.facts.data.noun[1]
    table = [
        [
            one.name,
            f"{one.rows:,}",
            share(one.recall),
            UNDEFINED if one.precision is None else share(one.precision),
            f"{one.taken_for} ({one.mistaken:,})" if one.taken_for else "",
        ]
        for one in each(about.outcomes.confusion)
    ]
    said = (
        f"Of the {rows} of each class, how many it finds; of those that it calls so, how many are; and what it takes "
        "the others for most often."
    )
    return Said(said), Grid([["class", rows, "found", "rightly called so", "mostly taken for"], *table], (1, 2, 3))


def errors(about: About) -> tuple[Block, ...]:
    """Say how many rows are missed by how much."""
    curve, unit, rows = about.outcomes.errors, unit_of(about.facts.data), about.facts.data.noun[1]
    if curve is None:
        return ()
    known = dict(zip(curve["share"].round(6), curve["error"], strict=True))
    digits = max(counting(max(known.values())) - 1, 0)
    table = [[f"{part:.0%}", number(float(known[part]), digits)] for part in PARTS]
    of_unit = f", {unit}" if unit else ""
    return (
        Said(f"By how much it misses: so many of the {rows} by so much at most."),
        Grid([[f"of the {rows}", f"missed by at most{of_unit}"], *table], (1,)),
    )
