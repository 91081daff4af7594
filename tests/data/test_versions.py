"""Past data is read under real Git and DVC, and what is wrong with it is said with its remedy."""

import json
import shutil
from pathlib import Path

import pytest

from conftest import ROOT, MakeRows, Project, run
from holdfast import files, versions
from holdfast.errors import UserError
from holdfast.files import Workspace

pytestmark = pytest.mark.slow

JANUARY, FEBRUARY, MARCH = (f"flights/2013-0{month}.parquet" for month in (1, 2, 3))


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory, make_rows: MakeRows) -> Path:
    """A repository whose data grew: no data, then January and February (tag v1), then another February, and March."""
    root = tmp_path_factory.mktemp("versions") / "origin"
    project = Project(root)
    project.partition().parent.mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, root / name)
    (root / ".gitignore").write_text("/data\n")
    run("git init --quiet --initial-branch main", root)
    run("dvc init --quiet", root)
    run("dvc config core.analytics false", root)
    run("dvc remote add --quiet --default embedded dvc-remote", root)
    run("dvc remote modify embedded verify true", root)
    commit(root, "code")
    for month in ("2013-01", "2013-02"):
        files.write(project.partition(month), make_rows(month=month))
    run("dvc add --quiet data", root)
    commit(root, "first")
    run("git tag v1", root)
    run("dvc push --quiet", root)
    files.write(project.partition("2013-02"), make_rows(month="2013-02", seed=1))
    files.write(project.partition("2013-03"), make_rows(month="2013-03"))
    run("dvc add --quiet data", root)
    run("git add data.dvc", root)
    run("git commit --quiet --message second", root)
    run("dvc push --quiet", root)  # with --all-commits, DVC would take the remote's address for one below /
    commit(root, "pushed")
    return root


def commit(root: Path, message: str) -> None:
    run("git add --all", root)
    run(f"git commit --quiet --message {message}", root)


@pytest.fixture
def repository(origin: Path, tmp_path: Path) -> Path:
    """A copy with its data and its cache."""
    return Path(shutil.copytree(origin, tmp_path / "repository", symlinks=True))


@pytest.fixture
def clone(origin: Path, tmp_path: Path) -> Path:
    """A fresh clone: nothing but what Git holds."""
    run(f"git clone --quiet {origin} {tmp_path / 'clone'}", tmp_path)
    return tmp_path / "clone"


def commit_tracked(root: Path, content: str) -> None:
    """Commit a `data.dvc` with other content."""
    (root / "data.dvc").write_text(content)
    commit(root, "changed")


def place(folder: Path, md5: str) -> Path:
    return folder / "files" / "md5" / md5[:2] / md5[2:]


def damage(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-9] + b"different")


def commit_object(root: Path, name: str, content: bytes) -> str:
    """Commit a data version with one more file, through DVC, and return the file's hash."""
    path = root / "data" / name
    path.write_bytes(content)
    run("dvc add --quiet data", root)
    commit(root, "odd")
    listed = json.loads(place(root / ".dvc" / "cache", tracked(root)).read_text())
    return next(str(file["md5"]) for file in listed if file["relpath"] == name)


def tracked(root: Path) -> str:
    """Return the hash in `data.dvc`."""
    return (root / "data.dvc").read_text().split("md5: ")[1].split()[0]


def test_a_past_version_is_read_and_the_working_tree_stays_as_it_is(repository: Path, make_rows: MakeRows) -> None:
    found = versions.at(repository, "v1")

    assert list(found.hashes) == [JANUARY, FEBRUARY]
    assert found.name.startswith("v1 (")
    assert found.rows(JANUARY) == 300
    assert found.read(FEBRUARY, ["distance"])["distance"].equals(make_rows(month="2013-02")["distance"])
    assert run("git status --porcelain", repository) == ""
    assert run("dvc status data.dvc", repository) == "Data and pipelines are up to date.\n"


def test_a_clone_fetches_what_its_cache_lacks(clone: Path) -> None:
    found = versions.at(clone, "v1")

    assert found.rows(JANUARY) == 300
    assert not (clone / "data").exists()
    assert run("git status --porcelain", clone) == ""


def test_the_data_that_is_here_has_the_hashes_that_dvc_gives_it(repository: Path) -> None:
    assert versions.here(Workspace(repository)).hashes == versions.at(repository, "HEAD").hashes


def test_a_revision_is_found_in_a_folder_of_a_larger_repository(repository: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    shutil.copytree(repository, outer / "inner", ignore=shutil.ignore_patterns(".git"), symlinks=True)
    run("git init --quiet", outer)
    run("dvc config core.no_scm true", outer / "inner")
    commit(outer, "inner")

    assert list(versions.at(outer / "inner", "HEAD").hashes) == [JANUARY, FEBRUARY, MARCH]


def test_an_unknown_revision_is_refused_with_a_name_like_it(repository: Path) -> None:
    run("git branch release", repository)

    with pytest.raises(UserError, match="REV: found no revision 'relaese', did you mean 'release'") as refused:
        versions.at(repository, "relaese")
    assert "git fetch --all --tags" in refused.value.fix


def test_a_revision_that_a_shallow_clone_lacks_can_be_fetched(origin: Path, tmp_path: Path) -> None:
    run(f"git clone --quiet --depth 1 file://{origin} {tmp_path / 'shallow'}", tmp_path)

    with pytest.raises(UserError, match="no revision 'HEAD~2'") as refused:
        versions.at(tmp_path / "shallow", "HEAD~2")
    assert "git fetch --unshallow --tags" in refused.value.fix
    run("git fetch --quiet --unshallow --tags", tmp_path / "shallow")
    assert versions.at(tmp_path / "shallow", "HEAD~2").rows(JANUARY) == 300


@pytest.mark.parametrize("revision", ["--all", "", "HEAD:data.dvc", "v1..HEAD", "a b", "HEAD^{tree}"])
def test_what_is_no_commit_is_refused(repository: Path, revision: str) -> None:
    with pytest.raises(UserError, match="REV: found no revision"):
        versions.at(repository, revision)


def test_a_revision_without_data_is_refused(repository: Path) -> None:
    with pytest.raises(UserError, match=r"v1~1 \(\w{7}\): found no data.dvc at this revision") as refused:
        versions.at(repository, "v1~1")
    assert "git log --oneline -- data.dvc" in refused.value.fix


@pytest.mark.parametrize(
    "content",
    ["", "outs: [", "outs:\n- md5: ../../../etc\n", "outs: []", "5", "outs:\n- path: data\n", "\x00", "a: 2013-99-99"],
    ids=repr,
)
def test_a_data_dvc_that_is_none_is_refused(repository: Path, content: str) -> None:
    commit_tracked(repository, content)

    with pytest.raises(UserError, match=r"data.dvc at HEAD \(\w{7}\): not a file that `dvc add data` writes"):
        versions.at(repository, "HEAD")


def test_an_object_that_is_nowhere_is_missed_with_its_remedy(clone: Path) -> None:
    january = versions.at(clone, "v1").hashes[JANUARY]
    place(clone / ".dvc" / "cache", january).unlink()
    place(clone / "dvc-remote", january).unlink()

    with pytest.raises(UserError, match=rf"data at v1 \(\w+\): object {january} is in neither") as refused:
        versions.at(clone, "v1")
    assert "dvc push" in refused.value.fix


def test_the_remedy_of_a_version_that_was_not_pushed_pushes_it(repository: Path) -> None:
    cache, remote, aside = repository / ".dvc" / "cache", repository / "dvc-remote", repository / ".dvc" / "aside"
    shutil.rmtree(remote)
    shutil.move(cache, aside)
    with pytest.raises(UserError, match="is in neither DVC's cache nor the remote") as refused:
        versions.at(repository, "v1")
    shutil.rmtree(cache, ignore_errors=True)
    shutil.move(aside, cache)

    for command in refused.value.fix.split("`")[1].split(" && "):
        run(command, repository)

    assert all(place(remote, md5).is_file() for md5 in versions.at(repository, "v1").hashes.values())
    assert run("git status --porcelain data.dvc", repository) == ""


def test_a_list_of_files_that_is_nowhere_is_missed_with_its_remedy(clone: Path) -> None:
    listed = tracked(clone)
    place(clone / "dvc-remote", listed).unlink()

    with pytest.raises(UserError, match=rf"object {listed} is in neither DVC's cache nor the remote") as refused:
        versions.at(clone, "HEAD")
    assert "dvc push" in refused.value.fix


def test_an_object_that_is_damaged_in_the_remote_is_not_read(clone: Path) -> None:
    listed = json.loads(place(clone / "dvc-remote", tracked(clone)).read_text())
    damage(place(clone / "dvc-remote", listed[0]["md5"]))

    with pytest.raises(UserError, match="or is damaged there"):
        versions.at(clone, "HEAD")
    assert run("python -m holdfast data-diff HEAD", clone, expected=2).count("error") == 1


@pytest.mark.parametrize("part", ["list", "partition"])
def test_an_object_that_is_damaged_in_the_cache_is_fetched_again_once_it_is_removed(clone: Path, part: str) -> None:
    md5 = tracked(clone) if part == "list" else versions.at(clone, "HEAD").hashes[JANUARY]
    versions.at(clone, "HEAD")
    damage(place(clone / ".dvc" / "cache", md5))

    with pytest.raises(UserError, match=f"found damaged bytes, expected those with the hash {md5}") as refused:
        versions.at(clone, "HEAD")
    run(refused.value.fix.split(",")[0], clone)

    assert versions.at(clone, "HEAD").rows(JANUARY) == 300


def test_a_partition_that_was_committed_unreadable_is_named(repository: Path) -> None:
    commit_object(repository, "flights/2013-04.parquet", b"no Parquet")
    found = versions.at(repository, "HEAD")

    with pytest.raises(UserError, match=r"flights/2013-04.parquet at HEAD .* not a whole Parquet file") as refused:
        found.rows(JANUARY)
    assert "compare with another revision" in refused.value.fix


def test_a_version_of_other_files_is_refused(repository: Path) -> None:
    commit_object(repository, "notes.csv", b"a,b\n")

    with pytest.raises(UserError, match=r"data at HEAD .* found notes.csv, expected only Parquet files"):
        versions.at(repository, "HEAD")


def test_a_folder_that_is_no_git_repository_is_refused(project: Project) -> None:
    with pytest.raises(UserError, match="not a git repository") as refused:
        versions.at(project.workspace.root, "HEAD")
    assert "git init" in refused.value.fix


def test_a_repository_without_dvc_is_refused(repository: Path) -> None:
    shutil.rmtree(repository / ".dvc")

    with pytest.raises(UserError, match="not in DVC's cache, and not fetched: .*not inside of a DVC repository"):
        versions.at(repository, "v1")


def test_a_clone_without_a_remote_is_told_so(clone: Path) -> None:
    run("dvc remote remove embedded", clone)

    with pytest.raises(UserError, match="not fetched: .*no remote") as refused:
        versions.at(clone, "v1")
    assert "dvc remote list" in refused.value.fix


def test_a_remote_that_cannot_be_reached_is_told(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    run("dvc remote modify embedded url s3://nowhere/data", clone)
    run("dvc remote modify embedded endpointurl http://127.0.0.1:1", clone)
    run("dvc remote modify --local embedded access_key_id a", clone)
    run("dvc remote modify --local embedded secret_access_key b", clone)

    with pytest.raises(UserError, match="not in DVC's cache, and not fetched: .*127.0.0.1"):
        versions.at(clone, "v1")


def test_the_command_says_it_and_exits_with_0_though_there_are_differences(repository: Path) -> None:
    said = run("python -m holdfast data-diff v1", repository)

    assert said.startswith("comparing the data of v1 with data/ now\n\n300 rows more; ")
    assert "1 added, 1 changed, 1 the same" in said
    assert "comparing" not in run("python -m holdfast data-diff v1 HEAD --markdown", repository)
    assert "have the same data, byte for byte" in run("python -m holdfast data-diff HEAD~1 HEAD", repository)


def test_the_command_exits_with_2_at_a_mistake(repository: Path) -> None:
    assert "error: REV: found no revision 'v2'" in run("python -m holdfast data-diff v2", repository, expected=2)


def test_a_file_that_is_not_readable_here_is_a_mistake(repository: Path) -> None:
    (repository / "data" / JANUARY).unlink()
    (repository / "data" / JANUARY).write_bytes(b"PAR1 but no more")

    said = run("python -m holdfast data-diff v1", repository, expected=2)

    assert "data/flights/2013-01.parquet: found 16 bytes that are not a whole Parquet file" in said
    assert "Traceback" not in said
