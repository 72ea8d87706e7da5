"""The tables of the documents that repeat code or template: `make tables` writes each between its markers,

    <!-- table: NAME -->
    <!-- end of table -->

A cell that is None is written by hand: it is kept, by the first cell of its row, and is TODO in a new one.
"""

import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, Final

from remediator.diagnosis import LATENCY_BUDGET
from remediator.endpoints import ALARMS, ROWS
from remediator.outcome import CONSEQUENCES
from remediator_cli.doctor.checks import CHECKS
from remediator_cli.doctor.command import LIVE
from remediator_cli.main import COMMANDS
from simulator.paths import ROOT
from tests.support.alarm_rules import template

Row = tuple[str | None, ...]
MARKED: Final = re.compile(r"(<!-- table: ([a-z-]+) -->\n)(.*?)(<!-- end of table -->)", re.DOTALL)


def _code(*words: Any) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _linked(words: str) -> str:
    return re.sub(r"docs/((\w+)\.md(#[a-z-]+)?)", r"[\2](\1)", words)


def parameters() -> Iterator[Row]:
    """In the order in which SAM asks."""
    for name, given in template()["Parameters"].items():
        default = {None: "none", "": "empty"}.get(given.get("Default"), f"`{given.get('Default')}`")
        others = [value for value in given.get("AllowedValues", ()) if value != given.get("Default")]
        yield _code(name), f"{default}, or {_code(*others)}" if others else default, _linked(given["Description"])


def outcomes() -> Iterator[Row]:
    """REFUSED alone has words but no tone: it belongs to no incident, and is always urgent."""
    for outcome, then in CONSEQUENCES.items():
        notification = then.tone if then.tone != "none" else "urgent" if then.brief else "none"
        yield _code(outcome), None, then.ask or "Nothing.", notification, "yes" if then.raises else "no"


def probes() -> Iterator[Row]:
    for row in ROWS:
        token = ", with a token" if row.needs_token else ""
        order = f"an order: refused, with a report link, or not good within {LATENCY_BUDGET:g} s"
        asked = {"get": f"`GET {row.path}`{token}", "order": order, "login": "its login"}[row.asked]
        yield _code(ALARMS[row.name, False]), asked, None


def own_alarms() -> Iterator[Row]:
    for name, made in template()["Resources"].items():
        if made["Properties"].get("AlarmActions") == ["NotificationTopic"]:
            yield _code(name), made["Properties"]["AlarmDescription"], None, None


def targets() -> Iterator[Row]:
    found = re.findall(r"^([a-z-]+):.*## (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return ((_code(name), told) for name, told in found)


def permissions() -> Iterator[Row]:
    """Each statement of the template: whose it is, what is allowed, on what, and under which conditions."""
    for name, made in template()["Resources"].items():
        given = made["Properties"]
        documents = [given.get("PolicyDocument"), *(each["PolicyDocument"] for each in given.get("Policies", ()))]
        for said in chain.from_iterable(document["Statement"] for document in documents if document):
            who = said.get("Principal", {}).get("Service", name)
            actions = re.findall(r"\w+:\w+", str(said["Action"]))
            on = said["Resource"].removesuffix(".Arn").removesuffix(".Id").rpartition(":")[2]
            limits = chain.from_iterable(said.get("Condition", {}).values())
            yield _code(who), _code(*actions), _code(on), _code(*limits)


def costs() -> Iterator[Row]:
    """The totals that `make bench` counted, then the parts of the last."""
    bills = (ROOT / "benchmarks/RESULTS.md").read_text().partition("## What it costs")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \|[^|]*\| \**\$?([\d.]+)", bills, re.MULTILINE)
    totals = [at for at, (what, _) in enumerate(rows) if what.startswith("*")]
    for what, dollars in (rows[at] for at in (*totals, *range(totals[-2] + 1, totals[-1]))):
        yield what, f"${float(dollars):.{2 if float(dollars) >= 0.001 else 5}f}"


TABLES: Final[dict[str, tuple[str, Callable[[], Iterator[Row]]]]] = {
    "parameters": ("parameter | default | what it is", parameters),
    "outcomes": ("outcome | what it means | what is asked of you | notification | retried", outcomes),
    "checks": (
        "check | it is broken if | what to do",
        lambda: ((_code(check.name), None, _linked(check.do)) for check in (*CHECKS, LIVE)),
    ),
    "probes": ("alarm | what failed twice | what to look at", probes),
    "own-alarms": ("alarm | its mail says | what it means | what to do", own_alarms),
    "commands": ("`remediator …` | what it does", lambda: ((_code(name), told[1]) for name, told in COMMANDS.items())),
    "targets": ("`make …` | what it does", targets),
    "permissions": ("who | may | on | under conditions on", permissions),
    "costs": ("what | costs", costs),
}


def written(text: str) -> str:
    """The text with each marked table as the code has it."""
    return MARKED.sub(lambda found: found[1] + _table(found[2], found[3]) + found[4], text)


def _table(name: str, before: str) -> str:
    columns, rows = TABLES[name]
    width = columns.count(" | ") + 1
    kept = {cells[0]: cells for line in before.splitlines() if len(cells := line.strip("| ").split(" | ")) == width}
    text = f"| {columns} |\n|{'|'.join(['---'] * width)}|\n"
    for row in rows():
        by_hand = kept.get(str(row[0]), ["TODO"] * width)
        text += f"| {' | '.join(by_hand[at] if cell is None else cell for at, cell in enumerate(row))} |\n"
    return text


if __name__ == "__main__":
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        page.write_text(written(page.read_text()))
