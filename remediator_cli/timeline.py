"""An incident's part of the audit log as people read it: when, who, what, and on what evidence."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from rich.table import Table

from remediator.audit import Entry
from remediator.state import Summary
from remediator_cli.terminal import PIPED_WIDTH, stdout_console

REMEDIATOR = "remediator"
OF_AN_INCIDENT = re.compile(r"\b\d{8}T\d{6}Z-[0-9a-f]{4}/")  # how a notification's id begins
NARROW = 100  # characters, below which who, what and evidence share a column
WIDE = 160  # from which on only the evidence has more room
# Each kind of entry: who did it (a field of its data, or the remediator), what, and the fields its evidence is in.
KINDS: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    "claimed": ("alarm", "triggered a check", ("why",)),
    "opened": (REMEDIATOR, "opened the incident", ("endpoints",)),
    "intent": (REMEDIATOR, "decided to call the report link", ("evidence",)),
    "answer": ("factory", "answered the report", ("says", "fault")),
    "finished": (REMEDIATOR, "finished the check", ("evidence",)),
    "notified": (REMEDIATOR, "sent notifications", ("notifications",)),
    "paused": ("who", "paused it", ("why",)),
    "resumed": ("who", "resumed it", ()),
    "mode": ("who", "set the mode", ("mode", "why")),
    "refused": (REMEDIATOR, "refused an event that holds no alarm", ("why",)),
}


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One line of a timeline. `seconds` after the incident was opened; before it they are negative."""

    at: datetime
    seconds: float
    who: str
    what: str
    evidence: str


def read_entries(log: Iterable[Entry], opened: datetime) -> tuple[TimelineLine, ...]:
    """The entries of an incident as people read them, oldest first."""
    return tuple(_line(entry, opened) for entry in log)


def table(lines: Sequence[TimelineLine], width: int, *, header: bool = True) -> Table:
    """The lines as a table for so many characters; without `header` one that goes on below another."""
    made = Table(box=None, pad_edge=False, show_header=header)
    made.add_column("UTC", no_wrap=True, width=8)
    made.add_column("seconds", no_wrap=True, width=9, justify="right")
    narrow, piped = width < NARROW, width == PIPED_WIDTH
    for name, part in (("what", 0.0),) if narrow else (("who", 0.22), ("what", 0.25), ("evidence", 0.0)):
        least = round(part * min(width, WIDE)) or None
        made.add_column(name, overflow="fold", min_width=least, width=None if piped else least)
    for each in lines:
        words = (each.who, each.what, each.evidence)
        shown = (f"{each.who} {each.what}" + (f": {each.evidence}" if each.evidence else ""),) if narrow else words
        made.add_row(f"{each.at:%H:%M:%S}", f"{each.seconds:+.2f}", *shown)
    return made


def show(incident: Summary, log: Iterable[Entry]) -> None:
    """Print an incident's timeline."""
    console = stdout_console()
    console.print(f"incident {incident.id}, triggered by {incident.alarm}")
    console.print(table(read_entries(log, incident.opened_at), console.width))


def _line(entry: Entry, opened: datetime) -> TimelineLine:
    data = json.loads(entry.data)
    doer, what, fields = KINDS.get(entry.kind, (REMEDIATOR, entry.kind, ()))
    if "outcome" in data:
        what = f"{what}: {data['outcome']}"
    if "status" in data:
        what = f"{what}: {data['status']}" if data["status"] else "gave no answer to the report"
    evidence = [OF_AN_INCIDENT.sub("", _text(data[name])) for name in fields if data.get(name)]
    if data.get("relapse_of"):
        evidence.append(f"a relapse of {data['relapse_of']}")
    if "link" in data:
        evidence.append(f"link {data.get('host', '')} {data['link']}".replace("  ", " "))
    who = _text(data.get(doer, doer)) if doer != REMEDIATOR else REMEDIATOR
    return TimelineLine(entry.at, (entry.at - opened).total_seconds(), who, what, "; ".join(evidence))


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
