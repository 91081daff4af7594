"""What the featurizer makes of rows that a reader can follow by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import MONTHS, MakeRows, Project
from holdfast import files, persistence
from holdfast.features import Featurizer
from holdfast.model import Model
from holdfast.params import Params


@pytest.fixture(scope="module")
def featurizer(params: Params, make_rows: MakeRows) -> Featurizer:
    return Featurizer.of(params.data, max_categories=254).fit(make_rows())


def test_one_row_has_the_features_that_it_has_among_others(featurizer: Featurizer, make_rows: MakeRows) -> None:
    rows = make_rows(seed=1)

    together = featurizer.transform(rows)
    alone = np.vstack([featurizer.transform(rows.iloc[[place]]) for place in range(len(rows))])

    assert together.shape == (len(rows), len(featurizer.names))
    assert together.tobytes() == alone.tobytes()


def test_unknown_and_missing_words_are_missing(params: Params, make_rows: MakeRows) -> None:
    rows = make_rows(rows=3)
    featurizer = Featurizer.of(params.data, max_categories=254).fit(rows.assign(carrier=["UA", "AA", "UA"]))

    codes = featurizer.transform(rows.assign(carrier=pd.Series(["AA", "ZZ", None])))[
        :, featurizer.names.index("carrier")
    ]

    assert codes[0] == 0
    assert np.isnan(codes[1:]).all()


def test_beyond_the_limit_the_rarest_words_are_left_out(params: Params, make_rows: MakeRows) -> None:
    rows = make_rows(rows=6).assign(carrier=["AA", "AA", "UA", "UA", "B6", "US"])

    featurizer = Featurizer.of(params.data, max_categories=3).fit(rows)

    assert featurizer.words_["carrier"] == ["AA", "B6", "UA"]


def test_time_is_read_by_the_local_clock_through_both_changes_of_the_clock(
    params: Params, featurizer: Featurizer, make_rows: MakeRows
) -> None:
    instants = ["2013-03-10 06:59", "2013-03-10 07:00", "2013-11-03 05:30", "2013-11-03 06:30"]
    clock = pd.Series(pd.to_datetime(instants)).dt.tz_localize("UTC").dt.tz_convert("America/New_York")
    rows = make_rows(rows=4).assign(scheduled_departure=clock.dt.as_unit("us"))

    features = pd.DataFrame(featurizer.transform(rows), columns=featurizer.names)

    # 01:59 is followed by 03:00 in March, and 01:30 comes twice in November, on Sundays all of them.
    assert features["scheduled_departure.minute_of_day"].tolist() == [119, 180, 90, 90]
    assert features["scheduled_departure.day_of_week"].tolist() == [6, 6, 6, 6]


def test_the_featurizer_learns_from_training_rows_only(project: Project) -> None:
    for month in MONTHS[:2]:
        rows = files.read(project.partition(month))
        files.write(project.partition(month), rows.assign(carrier=rows["carrier"].replace("9E", "AA")))

    project.run("prepare", "featurize", "train")

    words = Model.load(project.workspace.train / "model").pipeline["featurizer"].words_["carrier"]
    assert "AA" in words
    assert "9E" not in words  # validation and holdout rows have it


def test_a_leap_day_is_a_day_between_its_neighbours(
    params: Params, featurizer: Featurizer, make_rows: MakeRows
) -> None:
    noons = pd.date_range("2012-02-28 12:00", periods=3, tz="America/New_York", unit="us")
    rows = make_rows(rows=3).assign(scheduled_departure=noons)

    features = pd.DataFrame(featurizer.transform(rows), columns=featurizer.names)

    assert rows["scheduled_departure"].dt.day.tolist() == [28, 29, 1]
    assert features["scheduled_departure.day_of_week"].tolist() == [1, 2, 3]
    assert features["scheduled_departure.minute_of_day"].tolist() == [720, 720, 720]


def test_month_and_day_of_the_month_are_no_features(featurizer: Featurizer, make_rows: MakeRows) -> None:
    rows = make_rows(rows=50)
    later = rows.assign(scheduled_departure=rows["scheduled_departure"] + pd.Timedelta(weeks=4))

    assert featurizer.transform(rows).tobytes() == featurizer.transform(later).tobytes()


def test_a_featurizer_comes_back_from_its_bytes(featurizer: Featurizer, make_rows: MakeRows) -> None:
    content = persistence.dumps(featurizer)

    back = persistence.loads(content, [Featurizer], where=Path("featurizer.skops"))

    assert back.transform(make_rows()).tobytes() == featurizer.transform(make_rows()).tobytes()
    assert persistence.dumps(back) == content
