"""The page of `ostinato report` in a real browser: it draws everything, loads nothing, and fits."""

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.product import Product
from tests.readers.browser import patient
from tests.samples.lived import live

SECTIONS = ("ranking", "priorities", "outcomes", "scores", "standing", "parked", "quarantined")
PHONE, DESKTOP = 390, 1280
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CUT_OFF = """
[...document.querySelectorAll("svg text")].filter(each => {
  const box = each.getBoundingClientRect();
  return box.left < -1 || box.right > document.documentElement.clientWidth + 1;
}).length
"""
Scheme = Literal["light", "dark"]


@dataclass
class Opened:
    """A page in the browser, with the errors that it logged and the URLs that it requested."""

    page: Page
    said: list[str] = field(default_factory=list[str])
    asked: list[str] = field(default_factory=list[str])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """The report of a store with the sample, spread over 60 days."""
    with Product(tmp_path_factory.mktemp("h")) as product:
        live(product.settings.store_address, upto=datetime.now(UTC))
        file = product.elsewhere / "report.html"
        assert 0 == product.cli("report", str(file)).code
        yield file


def opened(browser: Browser, file: Path, width: int = DESKTOP, scheme: Scheme = "light") -> Opened:
    """The report in a window of this width."""
    page = patient(browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)).new_page()
    found = Opened(page)
    page.on("console", lambda message: found.said.append(message.text))
    page.on("pageerror", lambda error: found.said.append(str(error)))
    page.on("request", lambda request: found.asked.append(request.url))
    page.goto(file.as_uri())
    return found


@pytest.mark.parametrize("width", [pytest.param(PHONE, marks=pytest.mark.long), DESKTOP])
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_it_is_whole_and_asks_for_nothing(browser: Browser, file: Path, width: int, scheme: Scheme) -> None:
    """Every section is visible, every visible drawing has a size, nothing is wider than the window."""
    found = opened(browser, file, width, scheme)
    page = found.page
    assert [*SECTIONS] == [name for name in SECTIONS if page.locator(f"#{name}").is_visible()]
    assert 0 == page.evaluate(TOO_WIDE)
    assert 0 == page.evaluate(CUT_OFF)
    drawings = [each for each in page.locator("svg").all() if each.is_visible()]
    assert 50 + 50 + 3 <= len(drawings)
    for each in drawings:
        box = each.bounding_box()
        assert box is not None
        assert (True, True) == (box["width"] > 40, box["height"] > 5)
    assert ([], [file.as_uri()]) == (found.said, found.asked)
    page.context.close()


def test_dark_is_dark(browser: Browser, file: Path) -> None:
    """Background and text swap dark and light."""
    pages = [opened(browser, file, scheme=scheme).page for scheme in ("light", "dark")]
    script = "['backgroundColor', 'color'].map(name => getComputedStyle(document.body)[name])"
    (ground, ink), (dark_ground, dark_ink) = [map(_bright, page.evaluate(script)) for page in pages]
    assert (True, True) == (min(ground, dark_ink) > 0.8, max(ink, dark_ground) < 0.2)
    for page in pages:
        page.context.close()


def _bright(colour: str) -> float:
    red, green, blue = (int(each) for each in colour.removeprefix("rgb(").removesuffix(")").split(", "))
    return (red + green + blue) / 3 / 255


def test_a_name_leads_to_its_scores(browser: Browser, file: Path) -> None:
    """Each point shows its numbers under the pointer."""
    page = opened(browser, file).page
    page.locator("#ranking tbody a").nth(4).click()
    card = page.locator("#pattern-5")
    assert page.evaluate("document.querySelector('#pattern-5').getBoundingClientRect().top < innerHeight")
    titles = card.locator("rect.strip title").all_text_contents()
    assert 60 == len(titles)
    assert "priority 0." in titles[-1]
    page.context.close()


def test_it_prints(browser: Browser, file: Path) -> None:
    """On white, in either colour scheme."""
    page = opened(browser, file, scheme="dark").page
    page.emulate_media(media="print", color_scheme="dark")
    assert "rgb(255, 255, 255)" == page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.context.close()
