"""The default texts of Grafana ("default.message") and Alertmanager ("sns.default.message").

Both list what fires before what is resolved, each under a header, and put labels and annotations
in as they are: a value may hold line breaks, and so whatever looks like structure. So a header or
a list of labels counts only where the template can put one, whatever fires decides, and only a
text whose every line is the template's stands down. Grafana 11.1 breaks off after `Value: `
(grafana/grafana issue 91943).
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
CUT_AT = 200_000  # bytes. SNS takes 256 KiB: a longer text may have lost its end
MAX_LABELS = 50  # lines

_LISTS = r"Labels:\n(?:- [^=\n]+=.*\n)*+Annotations:\n(?:- [^=\n]+=.*\n)*+"
_GRAFANA = rf"(?:(?:Value:.*\n)?{_LISTS}(?:(?:{'|'.join(LINKS)}).*\n)*+)++"
_ALERTMANAGER = rf"(?:{_LISTS}Source:.*\n)++"
# Every line of a text, without blank ones. The annotations all alerts share make Alertmanager's first line.
TEMPLATES = {
    Source.GRAFANA: re.compile(
        rf"(?:\*\*Firing\*\*\n{_GRAFANA})?(?:\*\*Resolved\*\*\n{_GRAFANA})?|\*\*(?:Firing|Resolved)\*\*\nValue:\n"
    ),
    Source.ALERTMANAGER: re.compile(
        rf"(?:.*\n)?(?:Alerts Firing:\n{_ALERTMANAGER})?(?:Alerts Resolved:\n{_ALERTMANAGER})?"
    ),
}


def read(message: IncomingMessage) -> Reading:
    body = fields.text(message.content)
    lines = [line for each in body.splitlines() if (line := each.strip())]
    headers = [(at, *HEADERS[line]) for at, line in enumerate(lines) if line in HEADERS]
    if not headers:
        return None
    firing = (header for header in headers if header[2] is AlarmState.FIRING)
    start, source, first = next(firing, headers[0])
    whole = _is_whole(body, lines, source)
    found: list[Alarm] = []
    for listed, labels in _blocks(lines[start:], source):
        # The first alert below a firing header fires, whatever its text made of the others.
        later = bool(found) and first is AlarmState.FIRING and listed is AlarmState.RESOLVED
        ended = first is AlarmState.RESOLVED and whole
        name, state = name_and_state(labels, resolved=ended or later)
        found.append(message.alarm(source, name, state, str(labels) if labels else message.subject))
    return message.delivery(tuple(found), whole=whole)


def _is_whole(body: str, lines: list[str], source: Source) -> bool:
    """Whether the template accounts for every line, and none was cut off."""
    known = TEMPLATES[source].fullmatch("\n".join([*lines, ""]))
    return known is not None and len(body.encode(errors="replace")) < CUT_AT


def _blocks(lines: list[str], source: Source) -> list[tuple[AlarmState, dict[str, str]]]:
    """State and labels of each alert; one without labels if the text breaks off before any.

    A header or a list of labels counts only after a header, or after the links that end an alert.
    """
    blocks, state, expected = [], AlarmState.FIRING, True
    for at, line in enumerate(lines):
        if expected and line in HEADERS and HEADERS[line][0] is source:
            state = HEADERS[line][1]
        elif expected and line == "Labels:":
            blocks.append((state, _labels(lines[at + 1 : at + 1 + MAX_LABELS])))
            expected = False
        elif not (expected and line.startswith("Value:")):
            expected = line.startswith(LINKS)
    return blocks or [(state, {})]


def _labels(lines: list[str]) -> dict[str, str]:
    """The labels at the top of the lines; of a name that comes again the first value counts."""
    listed = takewhile(lambda line: line != "Annotations:", lines)
    pairs = [line[2:].partition(" =") for line in listed if line.startswith("- ")]
    return fields.labels({name: value.strip() for name, _, value in reversed(pairs)})
