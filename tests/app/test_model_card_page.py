"""The model card as a page, as a browser shows it: on a phone and a desktop, in light and dark, of any data."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from strangers import EVIL, TAG, make_strange

from conftest import ROOT, MakeRows, made
from holdfast import model_card
from holdfast.model_card_markdown import markdown
from holdfast.model_card_page import page as written

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

Show = Callable[..., "Page"]


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory, make_rows: MakeRows) -> model_card.About:
    folder = tmp_path_factory.mktemp("strange")
    make_strange(folder, make_rows)
    return model_card.of_tree(folder)


@pytest.fixture
def show(browser: "Browser", tmp_path: Path) -> Iterator[Show]:
    """Show the card of a model; whatever the page asks for is noted, and refused."""
    contexts = []

    def show(about: model_card.About, width: int = 1280, **options: Any) -> "Page":
        path = tmp_path / "card.html"
        path.write_text(written(about), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: asked.append(message.text))
        asked.clear()
        page.goto(path.as_uri())
        assert asked == [path.as_uri()]
        return page

    asked: list[str] = []
    yield show
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def real() -> model_card.About:
    made(ROOT / "artifacts" / "evaluate" / "bundle")
    return model_card.of_tree(ROOT)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_card_fits_its_screen_and_axe_finds_no_violation(
    show: Show, real: model_card.About, width: int, scheme: str
) -> None:
    page = show(real, width, color_scheme=scheme)

    assert page.evaluate("document.documentElement.scrollWidth") == width
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()


def test_the_card_on_paper_loses_nothing_at_its_right_edge(show: Show, real: model_card.About) -> None:
    page = show(real, 760)
    page.emulate_media(media="print")

    reach = (
        "Math.max(...[...document.querySelectorAll('td, th, svg, dd')].map((one) => one.getBoundingClientRect().right))"
    )

    assert page.evaluate(reach) <= 760


@pytest.mark.parametrize("width", [390, 1280])
def test_markup_in_strange_data_stays_words(show: Show, strange: model_card.About, width: int) -> None:
    page = show(strange, width)

    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("main b, main script").count() == 0
    assert EVIL in page.locator("main").inner_text()
    assert TAG in page.locator("main").inner_text()
    said = markdown(strange)
    assert "<script" not in said
    assert "<b onmouseover" not in said
