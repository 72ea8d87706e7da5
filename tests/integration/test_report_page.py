"""The report in a browser: what it asks for, and whether everybody can read it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from remediator.outcome import Outcome
from remediator_cli.report import page as written
from tests.support.outcomes import INCIDENT_OF_2025, OUTCOMES, facts, played

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDE, PHONE = {"width": 1100, "height": 900}, {"width": 340, "height": 700}

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="Chromium isn't installed, and not ours to install without root: package chromium"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    """Opens an outcome's report; fails if it logs anything, or loads anything but itself."""
    contexts, heard = [], []

    def opened(outcome: Outcome, viewport: dict[str, int] = WIDE, scheme: str = "light") -> Page:
        file = tmp_path / "report.html"
        file.write_text(written.html(facts(played(outcome), INCIDENT_OF_2025)))
        context = browser.new_context(viewport=viewport, color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type] # str
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda asked: heard.append(asked.url) if asked.url != file.as_uri() else None)
        page.goto(file.as_uri())
        if pictures := os.environ.get("REPORT_PICTURES"):  # a folder, to look at them
            page.screenshot(path=f"{pictures}/{outcome}-{scheme}-{viewport['width']}.png", full_page=True)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [each for each in heard if not each.startswith("data:,")] == []


@pytest.mark.parametrize(
    ("outcome", "viewport", "scheme"),
    [
        *((Outcome.HEALED, viewport, scheme) for viewport in (WIDE, PHONE) for scheme in ("light", "dark")),
        *((outcome, PHONE, "dark") for outcome in OUTCOMES if outcome is not Outcome.HEALED),
    ],
)
def test_report_of_each_outcome_can_be_read_by_everybody(
    open_page: Any, outcome: Outcome, viewport: dict[str, int], scheme: str
) -> None:
    page = open_page(outcome, viewport, scheme)

    found = Axe().run(page)

    assert found.response["violations"] == []
    checked = {rule["id"] for rule in found.response["passes"]}
    assert {"color-contrast", "landmark-one-main", "region", "html-has-lang", "document-title"} <= checked
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_bars_have_words_in_place_of_pictures(open_page: Any) -> None:
    page = open_page(Outcome.HEALED)

    pictures = page.get_by_role("img")
    assert pictures.count() >= len(written.phases(facts(played(Outcome.HEALED))))
    assert all(pictures.nth(number).get_attribute("aria-label") for number in range(pictures.count()))


def test_landmarks_and_headings_lead_through_it(open_page: Any) -> None:
    page = open_page(Outcome.HEALED)

    assert [page.get_by_role(role).count() for role in ("banner", "navigation", "main", "contentinfo")] == [1, 1, 1, 1]
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("heading", level=2).count() == 9
    for link in page.locator("nav a").all():
        assert page.locator(str(link.get_attribute("href"))).count() == 1


def test_dark_is_dark_and_light_is_light(open_page: Any) -> None:
    background = "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)"

    assert max(open_page(Outcome.HEALED, scheme="dark").evaluate(background)) < 64
    assert min(open_page(Outcome.HEALED, scheme="light").evaluate(background)) > 192


def test_print_is_black_on_white_without_the_navigation_and_with_the_bars(open_page: Any) -> None:
    page = open_page(Outcome.HEALED, scheme="dark")

    page.emulate_media(media="print", color_scheme="dark")

    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert not page.locator("nav").is_visible()
    assert page.locator(".bars b").first.is_visible()
    assert page.pdf().startswith(b"%PDF")
