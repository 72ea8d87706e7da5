"""`remediator alarm FILE`: what an alarm in a file would ask for, as one JSON object."""

import json
from pathlib import Path

import click

from console.terminal import always_json
from remediator import alarms
from remediator.alarms import Verdict, fields

# What a file asks for as a whole: the first of these that one of its records asks for.
WEIGHT = (Verdict.WAKE, Verdict.STAND_DOWN, Verdict.IGNORE, Verdict.REFUSE)


def describe(raw: bytes) -> tuple[dict[str, object], int]:
    """What to print, and the exit code: 0, or 2 where the file is refused.

    Printed: {"verdict", "alarms": [{"source", "name", "state", "key"}], "reason"}.
    """
    deliveries = alarms.read(_event(raw.decode("utf-8-sig", errors="replace")))
    verdict = min((one.verdict for one in deliveries), key=WEIGHT.index)
    parts = ("source", "name", "state", "key")
    found = [alarm for one in deliveries for alarm in one.alarms]
    listed = [{part: getattr(alarm, part) for part in parts} for alarm in found]
    reason = next(one.reason for one in deliveries if one.verdict is verdict)
    answer: dict[str, object] = {"verdict": verdict, "alarms": listed, "reason": reason}
    return answer, 2 if verdict is Verdict.REFUSE else 0


def _event(content: str) -> object:
    """The file's JSON; or the file as a bare message, which plain text and damaged JSON are, or
    None where JSON is cut off and where there is no text."""
    try:
        return fields.parse(content)
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
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def alarm(context: click.Context, *, file: Path) -> None:
    """Say what the alarm in FILE would ask for.

    FILE is an event as Lambda gets it, or a bare message. Prints one JSON object: `verdict` (`wake`, `stand_down`,
    `ignore`, `refuse`), `alarms`, `reason`. Exit code 2 where it is refused.

    \b
    Example: remediator alarm events/grafana-text.json
    """
    answer, code = describe(file.read_bytes())
    click.echo(json.dumps(answer))
    context.exit(code)
