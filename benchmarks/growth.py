"""What strangers write, made to be slow to read: how the time grows with its length.

The tests count steps of byte code, which don't show what a regular expression does; these ratios do.
The texts are the tests' as well.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from remediator.alarms import read
from remediator.masking import Mask
from remediator.report_link import find_links

LEAST = 0.004  # seconds; less is noise
SHORT, LONG = 32 << 10, 256 << 10

LINKS: Sequence[tuple[str, str]] = tuple(
    (opening, piece)
    for opening in ("", '"', '{"followLinkToEndChaos":"', '{"x":"')
    for piece in ('"', '\\"', '"\\', "[", '{"', '"a":', '" ', '"\\u005c', '":"', "\\", '[{"\\"')
)
_SECRETS = (
    *("a", "eyJ", "eyJ.", "eyJa.", "a.", "-.", "a" * 31 + "g", "0", "f%3D", "https://", "http://a/", "https://a/b?"),
    *("https:\\/\\/", "\\", "\\/", "%25", "%2525252F", "/api/support/", "?apiKey", "/api/support/a/report/"),
    *("https://h/api/support/x", "password", 'password="', "password='", "password =", "password:        "),
    *('"password":"\\', 'token\\"', "bearer ", "Bearer  a", "AKIA", "hunter", "hunter22", "secret=", "api-", "\n"),
    *("https://a/api/report?", "/" * 7, "'\"", "pass"),
)
SECRETS: Sequence[tuple[str, str]] = tuple(("", piece) for piece in _SECRETS)
_UNESCAPED = '{"receiver": "x","status": "firing","alerts": ['
_OVER = '{"receiver": "x","status": "resolved","alerts": ['
ALARMS: Sequence[tuple[str, str]] = (
    ("**Firing**\n", "Labels:\n - a = b\nSource: x\n"),
    ("**Firing**\n\nLabels:\n", " - a = b\n"),
    ("", "Alerts Resolved:\nLabels:\nSource: x\n"),
    ("", "\n"),
    (_UNESCAPED, '{"status": "firing","labels": {'),
    (_UNESCAPED, '{"status": "firing","labels": {"alertname": "x"}'),
    (_UNESCAPED + '{"status": "firing","labels": {', '"'),
    (_OVER, '{"status": "resolved","labels": {"a": "b"}}, '),
    (_OVER, '{"status": "resolved","labels": {"a": "b", '),
    (_OVER + '{"status": "resolved","labels": {"a": "', 'b", "'),
    ("**Resolved**\n", "Value: A=1\nLabels:\nAnnotations:\n"),
    ("Alerts Resolved:\n", "- a"),
    ('{"receiver": "x",', " "),
    ("", '"'),
    ("", '[{"'),
    ("", '{"a":'),
    ("", "["),
    ('"', '\\"'),
    ("", "pizza "),
)


def mask(text: str) -> object:
    """Mask a text with two secrets known, one of which the texts hold."""
    known = Mask()
    known.add("hunter22")
    known.add("a" * 40)
    return known.text(text)


def links(text: str) -> object:
    """Look for links in an answer."""
    return find_links(text.encode())


def alarm(text: str) -> object:
    """Read an alarm as SNS hands it over."""
    return read({"Records": [{"EventSource": "aws:sns", "Sns": {"Type": "Notification", "Message": text}}]})


READERS: Mapping[str, tuple[Callable[[str], object], Sequence[tuple[str, str]]]] = {
    "links in an answer": (links, LINKS),
    "secrets in a text": (mask, SECRETS),
    "an alarm": (alarm, ALARMS),
}


def growth(reader: Callable[[str], object], start: str, repeated: str) -> float:
    """How much longer eight times as much text takes, least times of three."""
    short, long = (min(_seconds(reader, (start + repeated * size)[:size]) for _ in range(3)) for size in (SHORT, LONG))
    return long / max(short, LEAST)


def _seconds(reader: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    reader(text)
    return time.process_time() - began
