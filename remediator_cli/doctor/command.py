"""`remediator doctor`: is it safe to leave on?"""

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict

import click
from rich.table import Table
from rich.text import Text

from remediator.outcome import CONSEQUENCES, Outcome
from remediator_cli.controls import ask_for_check
from remediator_cli.doctor.checks import CHECKS, DoctorCheck, examine
from remediator_cli.doctor.target import Answer, Grade, Target
from remediator_cli.heal import wait_for_outcome
from remediator_cli.stack import Stack, on_stack
from remediator_cli.terminal import as_json, confirm, say_json, shown, stdout_console

MARKS: dict[Grade, str] = {"ok": "green", "note": "yellow", "broken": "red"}
GOOD: dict[Outcome, Grade] = {Outcome.HEALED: "ok", Outcome.ALREADY_HEALTHY: "ok", Outcome.OBSERVED: "note"}


@click.command()
@click.option("--live", is_flag=True, help="Send a test alarm through everything too. It may heal: it asks first.")
@click.option("--yes", is_flag=True, help="Send the test alarm without asking; as JSON nobody is asked.")
@as_json
@on_stack
def doctor(stack: Stack, *, live: bool, yes: bool, as_json: bool) -> None:
    """Say whether it is safe to leave on.

    A line for each check, and what to do if one isn't ok. It places one order, logs out again, and calls no report
    link. Exit code 0 if nothing is broken, else 1.

    \b
    Examples: remediator doctor
              remediator doctor --live
    """
    if live:
        confirm("Send a test alarm? If orders fail, it may call a report link.", yes=yes, as_json=as_json)
    rows, console = [], stdout_console()
    for check, answer in examine(Target(stack), (*CHECKS, LIVE) if live else CHECKS):
        rows.append({"name": check.name, **asdict(answer), "do": answer.do or None})
        if not as_json:
            console.print(line(check.name, answer))
    count = Counter(row["grade"] for row in rows)
    safe = not count["broken"]
    if as_json:
        say_json({"healthy": safe, "checks": rows})
    else:
        console.print(conclude(count))
    sys.exit(0 if safe else 1)


def line(name: str, answer: Answer) -> Table:
    """A check's row: what it found, folded below itself if the terminal is narrow."""
    do = f" - do: {answer.do}" if answer.do else ""
    made = Table.grid(padding=(0, 1))
    for width in (7, 17):
        made.add_column(width=width)
    made.add_column(overflow="fold")
    made.add_row(Text(answer.grade, MARKS[answer.grade]), name, shown(" ".join(answer.found.split()) + do))
    return made


def conclude(count: Mapping[str, int]) -> str:
    """The answer, by how many checks of each grade there are."""
    counted = {"broken": "broken", "ok": "ok", "note": "note" if count["note"] == 1 else "notes"}
    told = ", ".join(f"{count[grade]} {word}" for grade, word in counted.items() if count[grade])
    return f"{'Not safe' if count['broken'] else 'Safe'} to leave on: {told}."


def _live(target: Target) -> Answer:
    """A person's alarm, followed through everything to its outcome."""
    try:
        delivery = wait_for_outcome(target.stack, ask_for_check(target.stack, "doctor"))
    except click.ClickException as error:
        return Answer("broken", error.message)
    outcome = Outcome(delivery["outcome"])
    return Answer(GOOD.get(outcome, "broken"), f"{outcome}: {delivery['reason']}", CONSEQUENCES[outcome].ask)


LIVE = DoctorCheck("live alarm", _live, "see the function's log and both queues", ("outputs",))
