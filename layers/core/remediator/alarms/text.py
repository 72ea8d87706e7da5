"""The default texts of Grafana ("default.message") and Alertmanager ("sns.default.message").

Both list what fires before what is resolved, each under a header, and put labels and annotations
in as they are: a value may hold line breaks, and so whatever looks like structure. So a header or
a list of labels counts only where the template can put one, whatever fires decides, and only a
text that can't be firing stands down. Grafana 11.1 breaks off after `Value: ` (grafana/grafana
issue 91943).
"""

import re
from itertools import takewhile

from . import fields
from .alarm import Alarm, AlarmState, IncomingMessage, Reading, Source
from .alertmanager import name_and_state

HEADERS = {
    "**Firing**": (Source.GRAFANA, AlarmState.FIRING),
    "Alerts Firing:": (Source.ALERTMANAGER, AlarmState.FIRING),
    "**Resolved**": (Source.GRAFANA, AlarmState.RESOLVED),
    "Alerts Resolved:": (Source.ALERTMANAGER, AlarmState.RESOLVED),
}
LINKS = ("Source:", "Silence:", "Dashboard:", "Panel:")  # the last lines of an alert
COUNTS = re.compile(r"\[FIRING:(\d{1,4})(?:, RESOLVED:(\d{1,4}))?\]")  # Grafana's subject
CUT_AT = 200_000  # characters. SNS takes 256 KiB: a longer text may have lost its end


def read(message: IncomingMessage) -> Reading:
    if not isinstance(message.content, str):
        return None
    lines = [line for each in message.content.splitlines() if (line := each.strip())]
    start = _start(lines)
    if start is None:
        return None
    source, first = HEADERS[lines[start]]
    ended = first is AlarmState.RESOLVED and _ended(message, source, lines)
    found: list[Alarm] = []
    for listed, labels in _counted(_blocks(lines[start:], source), message.subject, source):
        # The first alert below a firing header fires, whatever its text made of the others.
        later = bool(found) and first is AlarmState.FIRING and listed is AlarmState.RESOLVED
        name, state = name_and_state(labels, resolved=ended or later)
        identity = str(labels) if labels else message.subject
        found.append(message.alarm(source, name, state, identity))
    return tuple(found)


def _start(lines: list[str]) -> int | None:
    """The line at which the alerts begin: a firing header wherever it stands, or else a resolved one
    at the place its template puts it. Only Alertmanager's has annotations before it."""
    firing = {header for header, (_, state) in HEADERS.items() if state is AlarmState.FIRING}
    start = next((at for at, line in enumerate(lines) if line in firing), None)
    if start is not None:
        return start
    if "\n".join(lines[:2]).startswith(("**Resolved**\nValue:", "**Resolved**\nLabels:")):
        return 0
    at = lines.index("Alerts Resolved:") if "Alerts Resolved:" in lines else len(lines)
    return at if lines[at + 1 : at + 2] == ["Labels:"] else None


def _ended(message: IncomingMessage, source: Source, lines: list[str]) -> bool:
    """Whether no firing part can be missing: the subject says so, or else the text is whole."""
    if message.subject.startswith(("[FIRING", "[RESOLVED")):
        return message.subject.startswith("[RESOLVED")
    whole = source is Source.GRAFANA or lines[-1].startswith("Source:")
    return whole and len(message.content) < CUT_AT


def _blocks(lines: list[str], source: Source) -> list[tuple[AlarmState, dict[str, str]]]:
    """State and labels of each alert; one without labels if the text breaks off before any.

    A header or a list of labels counts only after a header, or after the links that end an alert.
    """
    blocks, state, expected = [], HEADERS[lines[0]][1], True
    for at, line in enumerate(lines):
        if expected and line in HEADERS and HEADERS[line][0] is source:
            state = HEADERS[line][1]
        elif expected and line == "Labels:":
            blocks.append((state, _labels(lines[at + 1 : at + 1 + fields.MAX_LABELS])))
            expected = False
        elif not (expected and line.startswith("Value:")):
            expected = line.startswith(LINKS)
    return blocks or [(state, {})]


def _labels(lines: list[str]) -> dict[str, str]:
    """The labels at the top of the lines; of a name that comes again the first value counts."""
    listed = takewhile(lambda line: line != "Annotations:", lines)
    pairs = [line[2:].partition(" =") for line in listed if line.startswith("- ")]
    return fields.labels({name: value.strip() for name, _, value in reversed(pairs)})


def _counted[T](blocks: list[T], subject: str, source: Source) -> list[T]:
    """As many alerts as Grafana's own subject counts: one more would be forged."""
    counts = COUNTS.match(subject) if source is Source.GRAFANA else None
    return blocks[: max(1, int(counts[1]) + int(counts[2] or 0))] if counts else blocks
