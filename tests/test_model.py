import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier

from conftest import MakeRows, Project
from holdfast import persistence
from holdfast.errors import UserError
from holdfast.features import Featurizer
from holdfast.model import Model


@pytest.fixture
def model(finished_project: Project) -> Model:
    return Model.load(finished_project.workspace.train / "model")


def test_one_row_chunks_and_all_rows_get_the_same_scores(model: Model, make_rows: MakeRows) -> None:
    rows = make_rows(month="2013-05")

    together = model.score(rows)
    alone = np.concatenate([model.score(rows.iloc[[place]]) for place in range(len(rows))])
    chunks = np.concatenate([model.score(rows.iloc[start : start + 77]) for start in range(0, len(rows), 77)])

    assert together.tobytes() == alone.tobytes() == chunks.tobytes()
    assert len(np.unique(together)) > 10


def test_scores_do_not_depend_on_the_order_of_rows_and_columns(model: Model, make_rows: MakeRows) -> None:
    rows = make_rows(month="2013-05")
    shuffled = rows.sample(frac=1, random_state=1)[sorted(map(str, rows))]

    assert (model.score(shuffled) == model.score(rows)[shuffled.index]).all()


def test_scoring_changes_neither_the_rows_nor_the_next_score(model: Model, make_rows: MakeRows) -> None:
    rows = make_rows(month="2013-05")
    before = rows.copy()

    first = model.score(rows)
    model.score(rows.assign(carrier="unknown"))

    assert rows.equals(before)
    assert (model.score(rows) == first).all()


def test_a_label_is_positive_from_the_threshold_on(model: Model) -> None:
    threshold = model.facts.threshold
    assert threshold is not None

    assert model.label(np.array([threshold, np.nextafter(threshold, 0)])).tolist() == ["late", "on_time"]


def test_a_model_comes_back_from_disk_and_saves_the_same_bytes(
    model: Model, make_rows: MakeRows, tmp_path: Path
) -> None:
    model.save(tmp_path / "a")
    back = Model.load(tmp_path / "a")
    back.save(tmp_path / "b")

    assert (back.score(make_rows()) == model.score(make_rows())).all()
    assert back.facts == model.facts
    for name in ("model.skops", "model.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_model_file_holds_no_date_and_no_address(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path)

    with zipfile.ZipFile(tmp_path / "model.skops") as archive:
        members = archive.infolist()
        ids = json.loads(archive.read("schema.json"))["__id__"]
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert {member.compress_type for member in members} == {zipfile.ZIP_STORED}
    assert [member.filename for member in members[:3]] == ["0.npy", "1.npy", "2.npy"]
    assert ids < 100_000


def test_a_changed_byte_is_refused_before_anything_is_loaded(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path)
    path = tmp_path / "model.skops"
    path.write_bytes(path.read_bytes()[:-1] + b"!")

    with pytest.raises(UserError, match="its hash is not the one in model.json"):
        Model.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"format": 3}, "found model format 3, expected 1 or 2"),
        ({"facts": {}}, "model.json: not the file that was saved"),
        ({"sha256": None}, "its hash is not the one"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(
    model: Model, tmp_path: Path, change: dict[str, object], problem: str
) -> None:
    model.save(tmp_path)
    path = tmp_path / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))

    with pytest.raises(UserError, match=problem):
        Model.load(tmp_path)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model\.json: not found"):
        Model.load(tmp_path)


def test_a_type_that_is_not_trusted_is_not_constructed(tmp_path: Path) -> None:

    content = skops.io.dumps({"harmless": RandomForestClassifier(), "trap": Featurizer([], [], [], 2)})

    with pytest.raises(UserError, match=r"asks for types that are not trusted: .*holdfast\.features\.Featurizer"):
        persistence.loads(content, [], where=tmp_path / "model.skops")


@pytest.mark.slow
def test_skops_trusts_no_estimator_that_models_do_not_need() -> None:
    content = persistence.dumps(RandomForestClassifier())
    code = (
        "import sys\nfrom pathlib import Path\nfrom holdfast import persistence\n"
        "from holdfast.errors import UserError\n"
        "try:\n    persistence.loads(sys.stdin.buffer.read(), [], where=Path('x'))\n"
        "except UserError as error:\n    print(error.problem, 'sklearn.utils._testing' in sys.modules)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], input=content, stdout=subprocess.PIPE, check=True)

    assert "RandomForestClassifier" in done.stdout.decode()
    assert done.stdout.strip().endswith(b"False")  # nor was all of scikit-learn loaded


def test_a_pickle_with_the_right_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a whole skops file"):
        persistence.loads(b"\x80\x04\x95", [Featurizer], where=tmp_path / "model.skops")
