"""What people have in hand of the shop's answers, read as samples: one row a form.

As `curl -i`, a browser (HAR 1.2), Loki, Grafana's downloads, logcli and Docker show them.
"""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import click

from remediator.hints import NAMES
from remediator.report_link import find_links
from remediator.sample import Fault, Sample, read_retry_after

STATUS_LINE = re.compile(rb"HTTP/\S* +([1-9]\d\d)(?!\S)")
ORDERS = re.compile(r"/api/order/?(?:[?#]|\Z)")
NESTING = 8  # of a log line in what wraps it, JSON in strings included
NUMBER = re.compile(r"[0-9]{1,19}(\.[0-9]{1,9})?", re.ASCII).fullmatch
TIMES = ("timestamp", "time", "date", "ts", "@timestamp")
LARGEST_SECONDS = 1e11  # a number above it counts something smaller
BEGINNING_OF_2100 = 4_102_444_800
UNKNOWN = "its status isn't known, {} is supposed"

Answers = Iterator[tuple[Sample, bool]]  # each with whether it may answer an order


def read_evidence(raw: bytes, name: str) -> tuple[list[Sample], str]:
    """The samples in a file of that name, of several those of orders; and what is supposed of them.

    Raises click.UsageError.
    """
    values = _values(raw.decode("utf-8-sig", "replace"))
    for _, supposed, read in FORMS:
        try:
            found = list(read(raw, values))
        except (ValueError, RecursionError) as error:
            raise click.UsageError(f"{name} can't be read: {error}") from None
        orders = [sample for sample, may_be_order in found if may_be_order or len(found) == 1]
        if orders:  # an export may hold one line twice
            unlike = {(one.elapsed, one.status, one.body): one for one in orders}
            return list(unlike.values()), supposed.format(orders[0].status)
        if found:
            raise click.UsageError(f"{name} holds {len(found)} answers, and none to POST /api/order")
    forms = "; ".join(form for form, _, _ in FORMS)
    raise click.UsageError(f"{name} has no status line, and is nothing else that can be read. These can: {forms}")


def _read_response(raw: bytes, _: list[object]) -> Answers:
    """The last response: `curl -i` shows a `100 Continue`, and a proxy's answer to CONNECT, before it."""
    text, head, start = raw.replace(b"\r\n", b"\n").lstrip(), b"", 0
    while STATUS_LINE.match(text, start):
        end = text.find(b"\n\n", start)
        head, start = (text[start:end], end + 2) if end >= 0 else (text[start:], len(text))
    if line := STATUS_LINE.match(head):
        headers = (each.partition(":")[::2] for each in head.decode("latin-1").split("\n"))
        yield _sample(int(line[1]), text[start:], headers=headers), True


def _read_har(_: bytes, values: list[object]) -> Answers:
    for value in values:
        for entry in _list(_at(value, "log", "entries")) or [value]:
            response, took = _at(entry, "response"), _at(entry, "time")
            if (status := _status(_at(response, "status"))) is None:
                continue
            body = _body(_at(response, "content", "text"))
            if _at(response, "content", "encoding") == "base64":
                body = b64decode(body)
            elapsed = took / 1000 if isinstance(took, int | float) and 0 <= took < 1e9 else 0.0
            headers = ((_at(each, "name"), _at(each, "value")) for each in _list(_at(response, "headers")))
            yield _sample(status, body, elapsed, headers), _may_answer_order(_at(entry, "request"), "url")


def _read_log(_: bytes, values: list[object]) -> Answers:
    for line, _at_time in log_lines(values):
        yield read_line(line), _may_answer_order(line, "path")


def log_lines(
    value: object, at: float | None = None, nesting: int = NESTING
) -> Iterator[tuple[dict[str, object], float | None]]:
    """The shop's log lines in a value, whatever wraps them: Loki's `values`, an export's `line`, Docker's `log`.

    Each with its time, in seconds since the epoch, if one stands in it or beside it.
    """
    if isinstance(value, dict) and _status(value.get("statusCode")) and value.keys() & {"resBody", "message"}:
        yield value, _time_in(value.get(name) for name in TIMES) or at
    elif nesting and isinstance(value, dict):
        at = _time_in(value.get(name) for name in TIMES) or at
        for each in value.values():
            yield from log_lines(each, at, nesting - 1)
    elif nesting and isinstance(value, list):
        at = _time_in(value[:1]) or at
        for each in value:
            yield from log_lines(each, at, nesting - 1)
    elif nesting and isinstance(value, str) and "{" in value:
        for before, each in _split(value):
            yield from log_lines(each, _time_in(before) or at, nesting - 1)


def read_line(line: dict[str, object]) -> Sample:
    """The answer that a log line tells of."""
    return _sample(_status(line["statusCode"]) or 0, _body(line.get("resBody", line)))


def is_order(line: dict[str, object]) -> bool:
    """Whether it tells of an order."""
    return line.get("method") == "POST" and isinstance(line.get("path"), str) and _may_answer_order(line, "path")


def _read_body(_: bytes, values: list[object]) -> Answers:
    """A shop that fails says so, or offers a link; else an order is what it answers with a 200."""
    value = values[0] if len(values) == 1 and isinstance(values[0], dict) else {}
    body, names = _body(value), value.keys() & {"order", *NAMES}
    if names or find_links(body):
        failed = 401 if _at(value, "message") == "unauthorized" else 500
        yield _sample(200 if names == {"order"} else failed, body), True


# A form, what is supposed of it, and how it is read. The first in which something is found counts.
FORMS: tuple[tuple[str, str, Callable[[bytes, list[object]], Answers]], ...] = (
    ("a raw response that begins like HTTP/1.1 500 Internal Server Error, as `curl -i` shows it", "", _read_response),
    ("a HAR, or one of its entries", "", _read_har),
    ("log lines of the shop, JSON with statusCode and resBody", "", _read_log),
    ("a body alone, a JSON object with an order, a message or a link", UNKNOWN, _read_body),
)


def _sample(status: int, body: bytes, elapsed: float = 0.0, headers: Iterable[tuple[object, object]] = ()) -> Sample:
    """Of status 0, which is how a browser writes down that no answer came, a fault."""
    now = datetime.now(UTC)
    if not status:
        return Sample(now, elapsed, fault=Fault.RESET)
    texts = {name.lower(): text.strip() for name, text in headers if isinstance(name, str) and isinstance(text, str)}
    return Sample(now, elapsed, status, body, retry_after=read_retry_after(texts.get("retry-after", ""), now))


def _may_answer_order(told: object, url: str) -> bool:
    path = _at(told, url)
    return _at(told, "method") in ("POST", None) and not (isinstance(path, str) and not ORDERS.search(path))


def _values(text: str) -> list[object]:
    return [value for _, value in _split(text)]


def _split(text: str) -> Iterator[tuple[list[str], object]]:
    """The JSON that a text is; or what each line has from its first `{"` on, with the words before: a time, labels."""
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
        yield from _split(value) if isinstance(value, str) else [([], value)]
        return
    decode = json.JSONDecoder().raw_decode
    for line in text.split("\n"):
        with suppress(ValueError, RecursionError):
            at = line.index('{"')
            words = line[:at].split(maxsplit=2)[:2]
            yield [" ".join(words), *words], decode(line, at)[0]


def _time_in(told: Iterable[object]) -> float | None:
    return next((at for at in map(read_time, told) if at is not None), None)


def read_time(told: object) -> float | None:
    """Seconds since 1970, until 2100, that a text or a number stands for; None if it is no such time.

    A text by ISO 8601 without an offset is taken as UTC; a large number as milli-, micro- or nanoseconds.
    """
    text = str(told) if isinstance(told, str | float) or (type(told) is int and 0 <= told < 1e19) else ""
    if NUMBER(text):
        seconds = float(text)
        while seconds > LARGEST_SECONDS:
            seconds /= 1000
    else:
        try:
            found = datetime.fromisoformat(text)
            seconds = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    return seconds if 0 <= seconds < BEGINNING_OF_2100 else None


def _at(value: object, *names: str) -> object:
    """What stands under these names in objects within objects, or None."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _status(value: object) -> int | None:
    """A status, also in a string, or the 0 of no answer; None if it is no such thing."""
    told = str(value) if isinstance(value, int | str) else ""
    return int(told) if re.fullmatch("0|[1-9][0-9]{2}", told) else None


def _body(value: object) -> bytes:
    """A body that was logged as an object, as a string, or as JSON of a string."""
    for _ in range(2):
        with suppress(ValueError, RecursionError):
            value = json.loads(value) if isinstance(value, str) and value.startswith('"') else value
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "replace")
