"""`remediator alarm FILE`: what an alarm in a file would ask for, as one JSON object."""

import hashlib
import json

import click

from remediator import alarms
from remediator.alarms import AlarmVerdict, fields
from remediator_cli.files import read_input
from remediator_cli.terminal import always_json, say_json

# What a file asks for as a whole is the first of these that one of its records asks for.
PRECEDENCE = (AlarmVerdict.TRIGGER, AlarmVerdict.STAND_DOWN, AlarmVerdict.IGNORE, AlarmVerdict.REFUSE)


def describe(raw: bytes) -> tuple[dict[str, object], int]:
    """What to print, and the exit code: 0, or 2 if the file is refused.

    Printed: {"verdict", "alarms": [{"source", "name", "state", "key"}], "reason"}.
    """
    deliveries = alarms.read(_event(raw.decode("utf-8-sig", errors="replace")))
    verdict = min((one.verdict for one in deliveries), key=PRECEDENCE.index)
    listed = [
        {"source": alarm.source, "name": alarm.name, "state": alarm.state, "key": alarm_key(alarm)}
        for one in deliveries
        for alarm in one.alarms
    ]
    reason = next(one.reason for one in deliveries if one.verdict is verdict)
    answer: dict[str, object] = {"verdict": verdict, "alarms": listed, "reason": reason}
    return answer, 2 if verdict is AlarmVerdict.REFUSE else 0


def alarm_key(alarm: alarms.Alarm) -> str:
    """What names the state transition: repeats of it share the key; other transitions and contributors don't."""
    parts = json.dumps([alarm.source, alarm.state, *alarm.identity])
    return f"{alarm.source}-{hashlib.sha256(parts.encode()).hexdigest()}"


def _event(content: str) -> object:
    """The file's JSON; or the file as a bare message if it is plain text or damaged JSON; None if its JSON is cut off,
    or it holds no text.
    """
    try:
        return fields.parse(content)[0]
    except RecursionError:
        cut = content.lstrip()[0] != "{"
    except ValueError as error:
        cut = isinstance(error, json.JSONDecodeError) and _cut(content.strip(), error)
    noise = sum(1 for one in content if one == "\ufffd" or not (one.isprintable() or one.isspace()))
    return None if cut or noise * 4 >= len(content.strip()) else {"Type": "", "Message": content}


def _cut(content: str, error: json.JSONDecodeError) -> bool:
    """Whether JSON lost its end. With a bracket there, or one wrong character, it is damaged."""
    json_like = content[:1] == "{" or (content[:1] == "[" and content[1:].lstrip()[:1] in '{["')
    past_end = error.pos >= len(error.doc.rstrip())
    damaged = error.msg == "Extra data" or ("delimiter" in error.msg and not past_end)
    return json_like and content[-1] not in "}]" and not damaged


@click.command()
@always_json
@click.argument("file")
@click.pass_context
def alarm(context: click.Context, *, file: str) -> None:
    """Say what the alarm in FILE would ask for.

    FILE is an event as Lambda gets it, or a bare message; `-` is standard input. Prints one JSON object: `verdict`
    (`trigger`, `stand_down`, `ignore`, `refuse`), `alarms`, `reason`. Exit code 2 if it is refused.
    No stack is asked: each dead letter counts as another function's.

    \b
    Example: remediator alarm events/grafana-text.json
    """
    answer, code = describe(read_input(file))
    say_json(answer)
    context.exit(code)
