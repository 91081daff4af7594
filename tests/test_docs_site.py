"""The site: what the code says of itself is up to date, every link leads somewhere, and nothing comes from elsewhere."""

import argparse
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urldefrag

import pytest
from nbclient.exceptions import CellExecutionError
from pydantic import BaseModel, Field

from conftest import ENVIRONMENT, ROOT, Project
from docs._ext import navigation, notebook_pages, notebooks, pictures
from docs._ext.flowchart import parse
from docs._ext.layers import arrange
from docs._ext.reference import commands, layout, params
from docs._ext.reference.__main__ import FOLDER, pages
from docs._ext.repository import Repository
from holdfast import leaks
from holdfast.command_line import parser
from holdfast.comparison import TITLES

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


# --- What is made from the code


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.md")))
def test_a_page_of_the_reference_says_what_the_code_does(name: str, made: dict[str, str]) -> None:
    found = (FOLDER / name).read_text(encoding="utf-8")

    assert found == made[name], f"docs/reference/{name}: is not up to date. fix: python -m docs._ext.reference"


def test_the_reference_has_every_command_gate_leak_and_kind_of_problem(made: dict[str, str]) -> None:
    (group,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    raised = {
        kind for path in (ROOT / "app").rglob("*.py") for kind in re.findall(r'kind="([a-z-]+)"', path.read_text())
    }

    assert set(made) == {path.name for path in FOLDER.iterdir()}
    assert set(re.findall(r"^## (\S+)$", made["commands.md"], re.MULTILINE)) >= {
        action.dest for action in group._choices_actions
    }
    assert set(re.findall(r"^\| (G\d) ", made["gates.md"], re.MULTILINE)) == set(TITLES)
    assert set(re.findall(r"^\| (L\d) ", made["codes.md"], re.MULTILINE)) == set(
        re.findall(r"`(L\d)`", leaks.__doc__ or "")
    )
    assert {kind for kind in raised if kind != "stable"} == set(re.findall(r"urn:holdfast:([a-z-]+)", made["codes.md"]))


def test_a_command_is_described_with_its_usage_its_arguments_and_its_examples() -> None:
    top = argparse.ArgumentParser(prog="python -m holdfast")
    group = top.add_subparsers(metavar="COMMAND")
    tutorial = group.add_parser("tutorial", help="learn it", epilog="examples: tutorial one; tutorial two")
    start = tutorial.add_subparsers(metavar="COMMAND").add_parser("start", help="begin in a folder")
    start.add_argument("folder", metavar="DIR", help="where to")
    either = start.add_mutually_exclusive_group(required=True)
    either.add_argument("--all", action="store_true", help="every chapter")
    either.add_argument("--from", dest="chapter", choices=["1", "2"], help="from this one on")
    start.add_argument("-q", "--quiet", action="append", required=True, help="say less of it")

    described = [commands._described(command, said) for command, said in commands._commands(top)]

    assert "python -m holdfast tutorial COMMAND" in described[0]
    assert "Examples:\n\n```text\ntutorial one\ntutorial two\n```" in described[0]
    assert "tutorial start (--all | --from {1,2}) -q QUIET DIR" in described[1]
    assert "| `-q` or `--quiet` `QUIET` | say less of it; required; may be repeated |" in described[1]


class Left(BaseModel):
    """The one."""

    by: Literal["left"]
    share: float = Field(default=0.5, gt=0, le=1, description="how much")


class Right(BaseModel):
    """The other. It has more to say."""

    by: Literal["right"]
    words: tuple[str, ...] = Field(default=(), min_length=1)


class Choices(BaseModel):
    """All."""

    side: Left | Right
    sides: dict[str, Right]


def test_a_parameter_is_described_with_its_type_its_bounds_its_default_and_its_value() -> None:
    values = {"side": {"by": "left", "share": 0.25}, "sides": {"first": {"by": "right", "words": ["a|b"]}}}

    described = [section.markdown() for section in params._sections(Choices, "", values)]

    assert [text.splitlines()[0] for text in described] == [
        "## `side` with `by: left`", "## `side` with `by: right`", "## `sides.NAME`",
    ]  # fmt: skip
    assert "| `share` | number, above 0, at most 1 | `0.5` | How much. | `0.25` |" in described[0]
    assert r"| `words` | list of text, at least 1 of them |  | `[a\|b]` |" in described[2]
    assert params._row("side", Choices.model_fields["sides"], values)[3] == "The other."


def test_a_cell_of_a_table_stays_on_its_line_and_a_column_without_words_is_left_out() -> None:
    made = layout.table(("a", "b", "c"), [["one\ntwo", "", "x|y"]])

    assert made.splitlines()[-1] == r"| one two | x\|y |"


# --- What the pages link to


def targets(path: Path) -> Iterator[str]:
    """Give what a page of markdown links to inside of the repository."""
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    yield from (target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target)


def anchors(path: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {layout.anchor(heading.replace("`", "")) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_link_leads_to_a_file_of_the_repository_and_to_a_heading_that_it_has(path: Path) -> None:
    repository = Repository(ROOT)
    broken = []
    for target in targets(path):
        name, anchor = urldefrag(target)
        found = (path.parent / name).resolve() if name else path
        known = found == path or repository.has(found.relative_to(ROOT).as_posix())
        if not known or (anchor and found.suffix == ".md" and f"#{anchor}" not in anchors(found)):
            broken.append(target)

    assert broken == []


def test_every_page_is_reached_from_the_front_page() -> None:
    front = ROOT / "docs" / "index.md"
    linked = {(front.parent / target.partition("#")[0]).resolve() for target in targets(front)}
    chapters = {path for path in PAGES if path.with_name("README.md") in linked and path.parent != ROOT}
    sources = {*PAGES, *notebooks.sources()} - {front}

    lost = [path.relative_to(ROOT).as_posix() for path in sources - linked - chapters]

    assert lost == [], "fix: link to it from docs/index.md"


def test_a_folder_of_pages_is_listed_by_the_names_of_its_files() -> None:
    found = ["docs/a/README", "docs/a/10-last", "docs/a/1-first", "docs/a/b/deeper", "docs/other", "README"]

    assert navigation.pages_below("docs/a/README", found) == ["docs/a/1-first", "docs/a/10-last"]
    assert navigation.pages_below("README", found) == navigation.pages_below("docs/other", found) == []


def test_the_repository_has_what_git_has() -> None:
    repository = Repository(ROOT)

    assert repository.has("docs/conf.py")
    assert repository.has("src/holdfast")
    assert not repository.has("reports")
    assert "stages/" in repository.inside("src/holdfast")
    assert "params.py" in repository.inside("src/holdfast")


# --- Pictures


FLOWCHART = """
flowchart LR
    subgraph git ["What Git has"]
        code["<b>code</b><br>and more"]
    end
    code & data[(data)] -->|makes| model([model])
    model -- serves --> app{ready?}
    app -.-> code
    data --> app
    classDef odd fill:#fff
"""


def test_a_flowchart_is_read_with_its_nodes_edges_labels_and_frames() -> None:
    chart = parse(FLOWCHART)

    assert chart.words == {"code": "<b>code</b><br>and more", "data": "data", "model": "model", "app": "ready?"}
    assert [(edge.start, edge.end, edge.label, edge.dotted) for edge in chart.edges] == [
        ("code", "model", "makes", False),
        ("data", "model", "makes", False),
        ("model", "app", "serves", False),
        ("app", "code", "", True),
        ("data", "app", "", False),
    ]
    assert chart.frames == {"What Git has": ["code"]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flowchart RL\na --> b", "only flowcharts LR, TD and TB are drawn, found 'flowchart RL'"),
        ("flowchart LR\na --> ", "expected a node after 'a -->'"),
        ("flowchart LR\na[open", r"no '\]' in"),
        ("flowchart LR\na ~~~ b", "not understood: ' ~~~ b'"),
    ],
)
def test_a_flowchart_that_is_not_understood_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse(text)


def test_boxes_stand_in_layers_clear_of_each_other_and_long_edges_run_around_them() -> None:
    sizes = dict.fromkeys("abcd", (100.0, 30.0))
    edges = [("a", "b"), ("a", "c"), ("b", "d"), ("a", "d"), ("d", "a")]

    found = arrange(sizes, edges, [], [0.0] * len(edges))

    assert found.along["a"] < found.along["b"] == found.along["c"] < found.along["d"]
    assert abs(found.across["b"] - found.across["c"]) > 30
    (passing,) = found.routes[3][1:-1]
    assert all(abs(found.across[passing] - found.across[name]) > 15 for name in "bc")


def test_a_picture_has_the_colours_of_the_page_and_words_that_are_no_markup() -> None:
    drawn = pictures.draw(parse('flowchart TD\na["1 < 2 & <script>"] --> b'))

    assert "<script" not in drawn
    assert "1 &lt; 2 &amp;" in drawn
    assert not re.search(r"#[0-9a-f]{3,6}\b|fill=|stroke=", drawn)
    assert 'aria-label="' in drawn


def test_a_flowchart_that_is_too_wide_for_a_page_goes_downwards() -> None:
    wide = "flowchart LR\n" + " --> ".join(f"n{number}[{'word ' * 5}]" for number in range(9))

    width, height = map(float, re.findall(r' (?:width|height)="([\d.]+)"', pictures.draw(parse(wide)))[:2])

    assert height > width


# --- Notebooks


def test_an_output_is_shown_in_the_richest_form_that_a_page_has(tmp_path: Path) -> None:
    table = '<style scoped>td {color: red}</style><table border="1"><td>0.5</td><td>NaN</td><td>word</td></table>'
    both = {"output_type": "execute_result", "data": {"text/html": table, "text/plain": "a table"}}

    shown = notebook_pages._shown(both, tmp_path / "1.png", "")

    assert "style" not in shown
    assert '<td class="number">0.5</td><td class="number"></td><td>word</td>' in shown
    assert notebook_pages._shown({"output_type": "stream", "text": "said\n"}, tmp_path, "") == "```text\nsaid\n```"


@pytest.fixture(scope="module")
def small(finished_project: Project) -> Path:
    return finished_project.workspace.root


@pytest.mark.slow
@pytest.mark.parametrize("source", notebooks.sources(), ids=lambda path: path.stem)
def test_a_notebook_runs_on_other_data_and_keeps_what_it_printed(source: Path, small: Path, tmp_path: Path) -> None:
    notebooks.run(source, tmp_path, small)

    written = json.loads((tmp_path / f"{source.stem}.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in written["cells"] if cell["cell_type"] == "code"]
    outputs = [output for cell in code for output in cell["outputs"]]
    assert all(cell["execution_count"] for cell in code)
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3
    assert not {output["output_type"] for output in outputs} & {"error", "stream"}


@pytest.mark.slow
def test_a_notebook_ends_where_what_it_reads_is_not_what_was_measured(small: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(small, tmp_path / "copy"))
    path = copied / "artifacts" / "evaluate" / "metrics.json"
    metrics = json.loads(path.read_text())
    path.write_text(json.dumps(metrics | {"roc_auc": metrics["roc_auc"] + 0.01}))

    with pytest.raises(CellExecutionError, match="AssertionError"):
        notebooks.run(notebooks.SOURCES / "reading_an_evaluation.py", tmp_path, copied)


# --- The site


def build(folder: Path, into: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of a folder as `make docs` does."""
    planned = subprocess.run(["make", "--dry-run", "docs"], cwd=ROOT, text=True, capture_output=True, check=True)
    (command,) = (line for line in planned.stdout.splitlines() if line.startswith("sphinx-build"))
    words = (
        command.replace("reports/doctrees", str(into / "doctrees")).replace("reports/site", str(into / "site")).split()
    )
    return subprocess.run(words, cwd=folder, env=ENVIRONMENT, text=True, capture_output=True)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (ROOT / "artifacts" / "evaluate" / "scores.parquet").is_file():
        pytest.skip("the notebooks read the artifacts: dvc repro")
    into = tmp_path_factory.mktemp("site")
    done = build(ROOT, into)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return into / "site"


class Read(HTMLParser):
    """What a page loads, links to, and can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids.add(found.get("id", ""))
        if tag == "a":
            self.links.append(found.get("href", ""))
        elif tag == "link" and found.get("rel") not in {"index", "search", "next", "prev"}:
            self.loaded.append(found.get("href", ""))
        self.loaded += [found[name] for name in ("src", "srcset", "data", "poster") if found.get(name) and tag != "a"]


@pytest.mark.slow
def test_no_page_and_no_style_of_the_site_loads_anything_from_elsewhere(site: Path) -> None:
    loaded = {source for path in site.rglob("*.html") for source in Read(path).loaded}
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))

    assert len(loaded) > 5
    assert [source for source in loaded if re.match(r"(?:[a-z]+:)?//", source)] == []
    assert re.findall(r"@import[^;]*|url\(\s*['\"]?(?:https?:)?//[^)]*\)", styles) == []


@pytest.mark.slow
def test_every_link_of_the_site_leads_to_a_page_and_a_place_on_it(site: Path) -> None:
    pages = {path: Read(path) for path in site.rglob("*.html")}
    broken = set()
    for path, page in pages.items():
        for link in (unquote(link) for link in page.links if link and not re.match(r"[a-z]+:", link)):
            name, anchor = urldefrag(link)
            found = (path.parent / name).resolve() if name else path
            if found not in pages or (anchor and anchor not in pages[found].ids):
                broken.add((path.relative_to(site).as_posix(), link))

    assert broken == set()


@pytest.mark.slow
def test_the_site_has_the_readme_the_notebooks_and_the_files_that_pages_link_to(site: Path) -> None:
    front = (site / "docs" / "index.html").read_text()

    assert 'href="../README.html"' in front
    assert "docs/index.html" in (site / "index.html").read_text()
    assert "<svg" in (site / "README.html").read_text()
    assert len(list((site / "_images").glob("*.png"))) >= 6
    assert "The judge, who decides" in (site / "files" / "src" / "holdfast" / "comparison.py.html").read_text()


@pytest.mark.slow
def test_the_search_answers_from_a_folder_without_a_network_by_day_and_by_night(site: Path, browser: "Browser") -> None:
    asked = []
    page = browser.new_page(color_scheme="dark", viewport={"width": 390, "height": 800})
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.as_uri()}/search.html?q=holdout")

    page.wait_for_selector(".search li a", timeout=20_000)

    assert page.locator(".search li").count() > 3
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    page.close()


FAULTS = {
    "a page that is not there": ("[x](nowhere.md)", "cross-reference target not found: 'nowhere.md'"),
    "a heading that is not there": ("[x](page.md#nowhere)", "local id not found in doc 'docs/page': 'nowhere'"),
    "a heading of its own that is not there": ("[x](#nowhere)", "'nowhere'"),
    "a file that Git does not have": ("[x](../untracked.txt)", "links to untracked.txt, which is not in Git"),
    "a picture that is not there": ("![x](nowhere.png)", "image file not readable"),
    "a flowchart that is not understood": ("```mermaid\nflowchart LR\na ~~~ b\n```", "mermaid: not understood"),
    "code of an unknown language": ("```klingon\nx\n```", "Pygments lexer name 'klingon' is not known"),
}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a repository with what makes the site, a front page and one more."""
    folder = tmp_path / "repository"
    for name in ("docs/_ext", "docs/_extra", "docs/_static"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "docs" / "conf.py", folder / "docs")
    (folder / "LICENSE").write_text("Do as you like.")
    (folder / "docs" / "page.md").write_text("# A page\n\n## Its part\n")
    (folder / "docs" / "index.md").write_text(
        "# Front\n\n## Pages\n\n- [A page](page.md#its-part), [law](../LICENSE)\n"
    )
    for command in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *command], cwd=folder, env=ENVIRONMENT, check=True)
    (folder / "untracked.txt").write_text("x")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_page_fails_the_build(fault: str, copied: Path, tmp_path: Path) -> None:
    text, said = FAULTS[fault]
    with (copied / "docs" / "page.md").open("a") as page:
        page.write(f"\n{text}\n")

    done = build(copied, tmp_path)

    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.slow
def test_a_chapter_that_is_added_is_found_and_a_page_that_nothing_links_to_fails(copied: Path, tmp_path: Path) -> None:
    book = copied / "docs" / "book"
    book.mkdir()
    (book / "README.md").write_text("# A book\n")
    with (copied / "docs" / "index.md").open("a") as front:
        front.write("- [A book](book/README.md)\n")
    first = build(copied, tmp_path)
    (book / "1-one.md").write_text("# Chapter one\n")
    second = build(copied, tmp_path)
    (copied / "docs" / "lost.md").write_text("# Lost\n")
    third = build(copied, tmp_path)

    assert (first.returncode, first.stderr, second.returncode, second.stderr) == (0, "", 0, "")
    assert "Chapter one" in (tmp_path / "site" / "docs" / "index.html").read_text()
    assert third.returncode == 1
    assert "lost.md: WARNING: document isn't included in any toctree" in third.stderr


# --- The files around it


def test_the_container_for_development_sets_up_with_commands_that_exist() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    script, make = container["postCreateCommand"].split(" && ")

    assert (ROOT / script).is_file()
    assert make.removeprefix("make ") in targets
    assert container["image"].startswith("mcr.microsoft.com/devcontainers/python:3.13")
    assert set(map(str, container["forwardPorts"])) == set(container["portsAttributes"])


def test_whoever_cites_it_cites_the_version_and_the_licence_of_the_package() -> None:
    import tomllib

    import yaml

    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())

    assert (str(cited["version"]), cited["license"]) == (package["version"], package["license"])
    assert package["license"] in (ROOT / "LICENSE").read_text().splitlines()[0]


def test_the_files_that_contributors_are_sent_to_exist() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    named = {name for name in re.findall(r"`((?:src|tests|app|scripts)/[\w/.]+)`", guide) if "NAME" not in name}
    modules = set(re.findall(r"`(\w+\.py)`", guide))
    known = {path.name for folder in ("src", "app", "tests") for path in (ROOT / folder).rglob("*.py")}

    assert [name for name in named if not (ROOT / name).exists()] == []
    assert modules <= known
