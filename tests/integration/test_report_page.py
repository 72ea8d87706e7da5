"""The report in a browser: what it asks for, and whether everybody can read it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page

from remediator.outcome import Outcome
from remediator_cli.report import page as written
from remediator_cli.report.facts import IncidentFacts
from tests.support.browser import PHONE, WIDE, everybody_can_read
from tests.support.outcomes import INCIDENT_OF_2025, OUTCOMES, at_work, facts, played


def found(outcome: Outcome | None) -> IncidentFacts:
    """What is known of an incident of that outcome; None: under its first check."""
    return facts(played(outcome) if outcome else at_work(), INCIDENT_OF_2025)


@pytest.fixture
def open_page(open_html: Any) -> Any:
    """Opens an outcome's report."""

    def opened(outcome: Outcome | None, viewport: dict[str, int] = WIDE, scheme: str = "light") -> Page:
        page: Page = open_html(written.html(found(outcome)), viewport, scheme, outcome or "open")
        return page

    return opened


@pytest.mark.parametrize(
    ("outcome", "viewport", "scheme"),
    [
        *((Outcome.HEALED, WIDE, scheme) for scheme in ("light", "dark")),
        *((outcome, PHONE, scheme) for outcome in [*OUTCOMES, None] for scheme in ("light", "dark")),
    ],
)
def test_report_of_each_outcome_can_be_read_by_everybody_on_a_screen_and_printed(
    open_page: Any, outcome: Outcome | None, viewport: dict[str, int], scheme: str
) -> None:
    page = open_page(outcome, viewport, scheme)

    everybody_can_read(page)
    page.emulate_media(media="print", color_scheme=scheme)
    everybody_can_read(page)


def test_report_of_days_fits_a_phone(open_html: Any) -> None:
    healed = found(Outcome.HEALED)
    log = (*healed.log[:-1], replace(healed.log[-1], at=healed.log[-1].at + timedelta(days=40)))

    page = open_html(written.html(replace(healed, log=log)), PHONE, "light", "days")

    everybody_can_read(page)


def test_badge_has_the_colour_of_its_outcome_and_bars_of_the_repair_can_be_seen(open_page: Any) -> None:
    colour = "element => getComputedStyle(element).backgroundColor"
    badges = [Outcome.HEALED, Outcome.FAILED, Outcome.NO_LINK, None]

    assert len({open_page(each).locator(".outcome").evaluate(colour) for each in badges}) == len(badges)
    page = open_page(Outcome.HEALED)
    unnoticed, *repair = page.locator(".track b").all()
    assert unnoticed.evaluate(colour) != repair[0].evaluate(colour)
    drawn = sum(each.bounding_box()["width"] for each in repair)
    assert drawn > unnoticed.bounding_box()["width"] / 2, "two hours leave the repair its room"


def test_bars_have_words_in_place_of_pictures(open_page: Any) -> None:
    page = open_page(Outcome.HEALED)

    pictures = page.get_by_role("img")
    assert pictures.count() >= len(written.phases(found(Outcome.HEALED)))
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
    assert page.locator(".track b").first.is_visible()
    assert page.pdf().startswith(b"%PDF")
