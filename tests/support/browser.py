"""What holds for a page in a browser."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WIDE, PHONE = {"width": 1100, "height": 900}, {"width": 340, "height": 700}


def everybody_can_read(page: Page) -> None:
    """Assert that nothing keeps anybody from reading it, and that it is no wider than the screen."""
    found = Axe().run(page)

    assert found.response["violations"] == []
    checked = {rule["id"] for rule in found.response["passes"]}
    assert {"color-contrast", "landmark-one-main", "region", "html-has-lang", "document-title"} <= checked
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
