"""Real parts: a local AWS, a shop on loopback."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from simulator.local_aws import LocalAws
from simulator.shop import Shop

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    with LocalAws() as running:
        yield running


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with Shop(slow_seconds=0.2) as open_for_orders:
        yield open_for_orders


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Chromium isn't installed, and not ours to install without root: package chromium")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def open_html(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    """Opens a page; fails if it logs anything, or loads anything but itself."""
    contexts, heard = [], []

    def opened(html: str, viewport: dict[str, int], scheme: str, name: str) -> Page:
        file = tmp_path / "page.html"
        file.write_text(html)
        context = browser.new_context(viewport=viewport, color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type] # str
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda asked: heard.append(asked.url) if asked.url != file.as_uri() else None)
        page.goto(file.as_uri())
        if pictures := os.environ.get("REPORT_PICTURES"):  # a folder, to look at them
            page.screenshot(path=f"{pictures}/{name}-{scheme}-{viewport['width']}.png", full_page=True)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [each for each in heard if not each.startswith("data:,")] == []
