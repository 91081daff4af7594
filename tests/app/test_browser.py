"""A person with a browser: a mouse or a keyboard, a desk or a phone, light or dark, with scripts or without."""

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from browser import serving
from strangers import EVIL, make_strange

import app as service
from app.config import Config
from app.words import words_of
from conftest import ROOT, MakeRows, Project, made
from holdfast.bundle import Bundle
from holdfast.files import Workspace
from holdfast.targets import Kind

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.slow

CHOICES: dict[str, Any] = {"prediction_log": False, "rate_limit": None, "secret_key": "only-for-these-tests"}
PHONE = {"width": 360, "height": 740}
PAGES = ("/", "/batch", "/card", "/nowhere")
FIELD = "[name='in.{}']"

NewPage = Callable[..., "Page"]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(made(Workspace(ROOT).evaluate / "bundle" / "model.json").parent)


@pytest.fixture(scope="module")
def address(bundle: Bundle) -> Iterator[str]:
    """The address of the service with the model of this repository."""
    uri = str(Workspace(ROOT).evaluate / "bundle")
    with serving(service.create_app(Config(model_uri=uri, **CHOICES))) as address:
        yield address


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory, make_rows: MakeRows) -> Iterator[str]:
    """The address of the service with a model of other data, with markup wherever a word can stand."""
    folder = tmp_path_factory.mktemp("strange")
    make_strange(folder, make_rows)
    uri = str(folder / "artifacts" / "evaluate" / "bundle")
    with serving(service.create_app(Config(model_uri=uri, **CHOICES))) as address:
        yield address


@pytest.fixture
def new_page(browser: "Browser", address: str) -> Iterator[NewPage]:
    """Open pages that may ask nobody else, whose scripts may not fail, and which no policy has to hold back."""
    complaints: list[str] = []

    def look(said: str, is_wrong: bool) -> None:
        if is_wrong:
            complaints.append(said)

    with ExitStack() as stack:

        def new(to: str = address, **choices: Any) -> "Page":
            context = browser.new_context(base_url=to, **choices)
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(10_000)
            page.on("request", lambda asked: look(asked.url, not asked.url.startswith((to, "blob:", "data:"))))
            page.on("pageerror", lambda error: look(str(error), is_wrong=True))
            page.on("console", lambda said: look(said.text, "Content Security" in said.text))
            page.add_init_script("window.alert = (said) => { throw new Error(`a word ran: ${said}`) }")
            return page

        yield new
    assert complaints == []


def ask(page: "Page", **words: str) -> None:
    """Open the form, fill some of its fields, and send it."""
    page.goto("/?example=highest")
    page.locator("summary").first.click()
    for name, word in words.items():
        page.fill(FIELD.format(name), word)
    with page.expect_navigation():
        page.click("button.main")


def rows_in(folder: Path, bundle: Bundle, repeats: int = 1) -> Path:
    """Write the golden rows into a file for upload."""
    schema, path = bundle.model.facts.data, folder / "some flights.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(schema.columns)
        lines.writerows(list(words_of(row, schema).values()) for row in bundle.golden.rows * repeats)
    return path


def scores_in(path: Path) -> list[float]:
    with path.open(encoding="utf-8", newline="") as file:
        return [float(line["score"]) for line in csv.DictReader(file)]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_person_describes_a_flight_and_reads_how_likely_it_is_to_be_late(
    new_page: NewPage, bundle: Bundle, scripts: bool
) -> None:
    page = new_page(java_script_enabled=scripts)
    page.goto("/")
    page.select_option(FIELD.format("carrier"), label="JetBlue Airways (B6)")
    page.fill(FIELD.format("scheduled_departure"), "2013-09-13T18:30")
    page.fill(FIELD.format("origin_overdue"), "30")
    page.click("button.main")

    score = page.locator("h1 .figure").inner_text()
    assert re.fullmatch(r"\d\d%", score)
    assert page.locator("h1").inner_text() == f"{score} likely to be late"
    assert "such flights" in page.locator(".answer .lead").inner_text()
    assert "flights of September 2013 with a score from" in page.locator(".result").inner_text()
    assert page.locator(".moved strong").count() == 3
    assert "Overdue departures" in page.locator(".moved").inner_text()
    assert "Airline: JetBlue Airways (B6)" in page.locator(".result table").inner_text()
    assert "Departure: 18:00 to 21:00" in page.locator(".result table").inner_text()
    assert page.input_value(FIELD.format("origin_overdue")) == "30"


def test_the_keyboard_is_enough(new_page: NewPage) -> None:
    page = new_page()
    page.goto("/")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.focus(FIELD.format("carrier"))
    page.keyboard.type("Unit")
    page.keyboard.press("Tab")
    assert page.input_value(FIELD.format("carrier")) == "UA"
    for _ in range(60):
        if page.evaluate("document.activeElement.matches('summary')"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('details') !== null")
    with page.expect_navigation():
        page.keyboard.press("Enter")

    assert page.locator("h1 .figure").is_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_the_result_and_the_mistakes_come_into_focus(new_page: NewPage, scripts: bool) -> None:
    page = new_page(java_script_enabled=scripts)
    ask(page)
    assert page.locator(":focus").get_attribute("id") == "result"

    ask(page, distance="far", visibility="11")
    assert page.locator(":focus").get_attribute("id") == "summary"
    page.click("text=Distance: found")
    assert page.locator(":focus").get_attribute("name") == "in.distance"
    assert page.locator(FIELD.format("distance")).is_visible()


def test_every_field_can_be_found_by_its_label(new_page: NewPage, bundle: Bundle) -> None:
    page = new_page()
    page.goto("/")
    page.locator("summary").first.click()

    for name, column in bundle.model.facts.data.columns.items():
        found = page.get_by_label(re.compile(f"^{re.escape(column.label)}( optional)?$"))
        assert found.get_attribute("name") == f"in.{name}"
        described = " ".join(found.evaluate("one => [...(one.ariaDescribedByElements || [])].map(e => e.textContent)"))
        assert column.help in described


def test_a_file_is_scored_with_its_progress_shown(new_page: NewPage, bundle: Bundle, tmp_path: Path) -> None:
    page = new_page()
    page.goto("/batch")
    page.evaluate(
        """() => { window.seen = []; new MutationObserver(() => window.seen.push([
             document.getElementById("doing").textContent, document.getElementById("bar").value]))
             .observe(document.getElementById("progress"), { attributes: true, childList: true, subtree: true }) }"""
    )
    page.set_input_files("#file", rows_in(tmp_path, bundle, repeats=30))
    page.click("button.main")
    link = page.locator("#done a")
    link.wait_for()

    seen = page.evaluate("window.seen")
    assert page.locator("#done").inner_text().startswith("3,000 rows are done.")
    assert not page.locator("#progress").is_visible()
    assert any(re.fullmatch(r"Scored [\d,]+ of 3,000 rows", text) for text, _ in seen)
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "some flights-scores.csv"
    scores = scores_in(download.value.path())
    assert scores[:100] == list(bundle.golden.scores)
    assert len(scores) == 3_000


def test_a_file_is_scored_without_scripts(new_page: NewPage, bundle: Bundle, tmp_path: Path) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/batch")
    page.set_input_files("#file", rows_in(tmp_path, bundle))

    with page.expect_download() as download:
        page.click("button.main")

    assert download.value.suggested_filename == "scores.csv"
    assert scores_in(download.value.path()) == list(bundle.golden.scores)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_file_that_cannot_be_scored_is_explained(new_page: NewPage, tmp_path: Path, scripts: bool) -> None:
    page = new_page(java_script_enabled=scripts)
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("carier\nUA\n")
    page.goto("/batch")
    page.set_input_files("#file", wrong)
    page.click("button.main")
    page.locator("#summary").wait_for()

    assert "did you mean 'carrier'?" in page.locator("#summary").inner_text()
    assert page.locator(":focus").get_attribute("id") == "summary"


def test_an_answer_that_breaks_off_is_no_result(new_page: NewPage, bundle: Bundle, tmp_path: Path) -> None:
    page = new_page()

    def break_off(route: "Route") -> None:
        headers = {"Content-Type": "text/csv; charset=utf-8", "X-Rows": "100"}
        route.fulfill(headers=headers, body="row,score\r\n1,0.5\r\n2,0.2")

    page.route("**/batch", lambda route: break_off(route) if route.request.method == "POST" else route.continue_())
    page.goto("/batch")
    page.set_input_files("#file", rows_in(tmp_path, bundle))
    page.click("button.main")
    page.locator("#summary").wait_for()

    assert "broke off" in page.locator("#summary").inner_text()
    assert page.locator("#done a").count() == 0
    assert page.locator("button.main").is_enabled()


def test_an_example_can_be_copied(new_page: NewPage) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto("/card")
    page.get_by_role("button", name="Copy the curl example").click()

    page.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("curl http://127.0.0.1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [*PAGES, "result", "mistakes", "refused file"])
def test_axe_finds_no_violation(new_page: NewPage, tmp_path: Path, path: str, scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    show(page, path, tmp_path)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")

    found = Axe().run(page, options={"resultTypes": ["violations"]})

    assert found.violations_count == 0, found.generate_report()
    # Where axe cannot decide about colours would be a gap; in a drawing, words have the colours of the page around it.
    undecided = [one for one in found.response["incomplete"] if one["id"] == "color-contrast"]
    assert [node["html"] for one in undecided for node in one["nodes"] if not node["html"].startswith("<text")] == []


def show(page: "Page", path: str, folder: Path) -> None:
    """Bring a page into one of its states."""
    if path == "result":
        ask(page, wind_gust="")
    elif path == "mistakes":
        ask(page, distance="far", origin_overdue="-1")
    elif path == "refused file":
        (folder / "wrong.csv").write_text("carier\nUA\n")
        page.goto("/batch")
        page.set_input_files("#file", folder / "wrong.csv")
        page.click("button.main")
        page.locator("#summary").wait_for()
    else:
        page.goto(path)


@pytest.mark.parametrize("path", [*PAGES, "result", "mistakes", "refused file"])
def test_a_phone_never_scrolls_sideways(new_page: NewPage, tmp_path: Path, path: str) -> None:
    page = new_page(viewport=PHONE)
    show(page, path, tmp_path)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_what_is_touched_is_large_enough(new_page: NewPage) -> None:
    page = new_page(viewport=PHONE)
    for path in ("/", "/batch"):
        page.goto(path)
        for target in page.locator("button, .box input, select, summary, nav a, .chip, .brand, input[type=file]").all():
            box = target.bounding_box()
            assert box is None or box["height"] >= 44, target.evaluate("one => one.outerHTML")


@pytest.mark.parametrize("path", ["/", "/?example=highest", "/batch", "/card", "/nowhere"])
def test_no_word_of_a_schema_runs(new_page: NewPage, strange: str, path: str) -> None:
    page = new_page(strange)
    page.goto(path)

    assert page.locator("main b, main script").count() == 0


def test_no_word_that_is_typed_runs(new_page: NewPage, strange: str) -> None:
    page = new_page(strange)
    page.goto("/")
    page.fill(FIELD.format("ward"), EVIL)
    page.click("button.main")
    assert EVIL in page.locator(".note.warn").inner_text()

    page.fill(FIELD.format("dose"), EVIL)
    page.click("button.main")
    assert page.input_value(FIELD.format("dose")) == EVIL
    assert page.locator("main b, main script").count() == 0


def test_any_other_data_gets_pages_without_violations_too(new_page: NewPage, strange: str) -> None:
    page = new_page(strange)
    for path in ("/", "/batch", "/card"):
        page.goto(path)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("kind", ["classes", "number"])
def test_each_kind_of_target_gets_pages_without_violations_that_fit_a_phone(
    new_page: NewPage, project_of: Callable[[Kind], Project], kind: Kind
) -> None:
    uri = str(project_of(kind).workspace.evaluate / "bundle")
    with serving(service.create_app(Config(model_uri=uri, **CHOICES))) as address:
        for choices in ({"color_scheme": "light"}, {"color_scheme": "dark", "viewport": PHONE}):
            page = new_page(address, **choices)
            for path in ("/batch", "/card", "/?example=highest"):
                page.goto(path)
                if "example" in path:
                    page.click("button.main")
                    page.locator("#result .figure").wait_for()
                found = Axe().run(page)
                assert found.violations_count == 0, found.generate_report()
                assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_the_page_that_describes_the_interface_asks_nobody_else(new_page: NewPage) -> None:
    page = new_page(viewport=PHONE)
    page.goto("/docs")

    page.get_by_text("/predict").first.wait_for()
    found = Axe().run(page, context={"exclude": [["#document"]]})
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
