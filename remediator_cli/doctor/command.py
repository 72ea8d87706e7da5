"""`remediator doctor`: is it safe to leave on?"""

import sys
from dataclasses import asdict

import click
from rich.text import Text

from remediator.outcome import CONSEQUENCES, Outcome
from remediator_cli.controls import ask_for_check
from remediator_cli.doctor.checks import CHECKS, DoctorCheck, examine
from remediator_cli.doctor.target import Answer, Grade, Target
from remediator_cli.heal import wait_for_outcome
from remediator_cli.stack import Stack, on_stack
from remediator_cli.terminal import as_json, say_json, shown, stdout_console

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
    if live and not yes:
        if as_json or not sys.stdin.isatty():
            raise click.UsageError("--live may call a report link: give --yes if nobody can be asked")
        click.confirm("Send a test alarm? If orders fail, it may call a report link.", abort=True, err=True)
    rows, console = [], stdout_console()
    for check, answer in examine(Target(stack), (*CHECKS, LIVE) if live else CHECKS):
        rows.append({"name": check.name, **asdict(answer)})
        if not as_json:
            console.print(line(check.name, answer))
    healthy = all(row["grade"] != "broken" for row in rows)
    if as_json:
        say_json({"healthy": healthy, "checks": rows})
    sys.exit(0 if healthy else 1)


def line(name: str, answer: Answer) -> Text:
    """A check's one line."""
    do = f" - do: {answer.do}" if answer.do else ""
    mark = (f"{answer.grade:7}", MARKS[answer.grade])
    return Text.assemble(mark, f" {name:17} {shown(' '.join(answer.found.split()) + do)}")


def _live(target: Target) -> Answer:
    """A person's alarm, followed through everything to its outcome."""
    try:
        delivery = wait_for_outcome(target.stack, ask_for_check(target.stack, "doctor"))
    except click.ClickException as error:
        return Answer("broken", error.message)
    outcome = Outcome(delivery["outcome"])
    return Answer(GOOD.get(outcome, "broken"), f"{outcome}: {delivery['reason']}", CONSEQUENCES[outcome].ask)


LIVE = DoctorCheck("live alarm", _live, "see the function's log and both queues", ("outputs",))
