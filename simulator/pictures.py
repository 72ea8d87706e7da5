"""`make pictures`: README's two, of a real heal: the terminal as docs/pictures/heal.svg, its report as report.png."""

import fcntl
import io
import os
import pty
import re
import struct
import sys
import tempfile
import termios
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL

import click
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from remediator_cli.waiting import poll
from simulator.holding import EVENT
from simulator.interrupts import started
from simulator.paths import ROOT

PICTURES, COLUMNS = ROOT / "docs" / "pictures", 100
CHROMIUM, SEEN, FINE = "/usr/bin/chromium", {"width": 880, "height": 560}, 1.5
TYPED = ("remediator chaos fail", "remediator heal --follow", "remediator incidents")
MONOSPACE = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace'
SVG = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>A terminal in which remediator heals the shop</title>
<style>.heal-matrix {{ font: {char_height}px/{line_height}px MONOSPACE; }} .heal-title {{ font: 18px sans-serif; }}
{styles}</style>
<defs><clipPath id="heal-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#heal-clip-terminal)">{backgrounds}
<g class="heal-matrix">{matrix}</g></g></svg>
""".replace("MONOSPACE", MONOSPACE)


@click.command()
def pictures() -> None:
    """Draw both, by a `make local` of their own and a game day."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = [sys.executable, "-m", "simulator", "local", "--folder", str(folder / ".local")]
        with started(words, cwd=ROOT, stdout=DEVNULL) as up:
            for _ in poll(180, every=0.2):
                if (folder / ".local" / EVENT).exists() or up.poll() is not None:
                    break
            screen = "\n".join(f"\x1b[1;32m$\x1b[0m {typed}\n{_on_a_terminal(typed, folder)}" for typed in TYPED)
        _on_a_terminal("remediator gameday fail --html report.html", folder)  # since diners order there
        console = Console(width=COLUMNS, record=True, file=io.StringIO())
        console.print(Text.from_ansi(screen))
        console.save_svg(str(PICTURES / "heal.svg"), title="remediator", theme=SVG_EXPORT_THEME, code_format=SVG,
                         unique_id="heal")  # fmt: skip
        with sync_playwright() as driver, driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]) as by:
            page = by.new_page(viewport=SEEN, device_scale_factor=FINE)  # type: ignore[arg-type] # a dict as it wants it
            page.goto((folder / "report.html").as_uri())
            page.screenshot(path=PICTURES / "report.png")


def _on_a_terminal(typed: str, folder: Path) -> str:
    """What stands there in the end, in colour. Raises click.ClickException if it fails."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    known = {"PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}", "HOME": str(folder), "LANG": "C.UTF-8"}
    environment = known | {"TERM": "xterm-256color", "LOGNAME": "ada"}
    text = b""
    with started(typed.split(), cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        with suppress(OSError):  # what a terminal says once nobody writes to it any more
            while got := os.read(ours, 4096):
                text += got
        os.close(ours)
        if process.wait():
            raise click.ClickException(f"{typed} failed:\n{text.decode()}")
    return _screen(text.decode())


def _screen(text: str) -> str:
    """The lines as they are left by what goes up and deletes, as a clock does that is drawn again."""
    rows, at = [""], 0
    for part in re.split(r"(\n|\r|\x1b\[\d*[AK]|\x1b\[\?25[lh])", text):
        if part == "\n":
            at += 1
            rows += [""] * (at + 1 - len(rows))
        elif re.fullmatch(r"\x1b\[\d*[AK]", part):
            at -= part.endswith("A")
            rows[at] = rows[at] if part.endswith("A") else ""
        elif not re.fullmatch(r"\r|\x1b\[\?25[lh]", part):
            rows[at] += part
    return "\n".join(rows)
