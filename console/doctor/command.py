"""`remediator doctor`: is it safe to leave on?"""

import json
import sys
from dataclasses import asdict

import click
from rich.text import Text

from console.doctor.checks import CHECKS, Check, examine
from console.doctor.patient import Finding, Patient, State
from console.heal import ending, ring
from console.stack import Stack, on_stack
from console.terminal import as_json, paper
from remediator.outcome import CONSEQUENCES, Outcome

MARKS: dict[State, str] = {"ok": "green", "note": "yellow", "broken": "red"}
GOOD: dict[Outcome, State] = {Outcome.HEALED: "ok", Outcome.ALREADY_HEALTHY: "ok", Outcome.OBSERVED: "note"}


@click.command()
@click.option("--live", is_flag=True, help="Send a test alarm through everything too. It may heal: it asks first.")
@click.option("--yes", is_flag=True, help="Send the test alarm without asking; as JSON nobody is asked.")
@as_json
@on_stack
def doctor(stack: Stack, *, live: bool, yes: bool, as_json: bool) -> None:
    """Say whether it is safe to leave on.

    A line for each check, and what to do where one isn't ok. It places one order, logs out again, and calls no report
    link. Exit code 0 where nothing is broken, else 1.

    \b
    Examples: remediator doctor
              remediator doctor --live
    """
    if live and not yes:
        if as_json or not sys.stdin.isatty():
            raise click.UsageError("--live may call a report link: say --yes where nobody can be asked")
        click.confirm("Send a test alarm? Where orders fail it may call a report link.", abort=True, err=True)
    shown, page = [], paper()
    for check, finding in examine(Patient(stack), (*CHECKS, LIVE) if live else CHECKS):
        shown.append({"name": check.name, **asdict(finding)})
        if not as_json:
            page.print(line(check.name, finding))
    healthy = all(row["state"] != "broken" for row in shown)
    if as_json:
        click.echo(json.dumps({"healthy": healthy, "checks": shown}))
    sys.exit(0 if healthy else 1)


def line(name: str, finding: Finding) -> Text:
    """A check's one line."""
    do = f" - do: {finding.do}" if finding.do else ""
    mark = (f"{finding.state:7}", MARKS[finding.state])
    return Text.assemble(mark, f" {name:17} {' '.join(finding.found.split())}{do}")


def _alive(patient: Patient) -> Finding:
    """A person's alarm, followed through everything to its outcome."""
    try:
        event = ending(patient.stack, ring(patient.stack))
    except click.ClickException as error:
        return Finding("broken", error.message)
    outcome = Outcome(event["outcome"])
    return Finding(GOOD.get(outcome, "broken"), f"{outcome}: {event['reason']}", CONSEQUENCES[outcome].ask)


LIVE = Check("live alarm", _alive, "look at the function's log and both queues", ("outputs",))
