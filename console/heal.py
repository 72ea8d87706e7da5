"""`remediator heal`: run it now, which is what a woken person does first."""

import json
import secrets
import sys
import time
from datetime import UTC, datetime
from typing import Any

import click

from console import timeline
from console.brakes import wake
from console.incidents import known
from console.stack import Stack, on_stack
from console.terminal import as_json
from remediator.outcome import CONSEQUENCES, Outcome

SECONDS = 150.0


@click.command()
@click.option("--follow", is_flag=True, help="Wait for the outcome, and show the timeline.")
@as_json
@on_stack
def heal(stack: Stack, *, follow: bool, as_json: bool) -> None:
    """Wake the remediator now.

    By a message to the alarm topic. It looks for itself and acts only on what it sees, as with any alarm. With
    --follow the exit code is 0 where the shop is healthy now, else 1.

    \b
    Example: remediator heal --follow
    """
    name = ring(stack)
    if not follow:
        click.echo(json.dumps({"alarm": name}) if as_json else "it is woken; see `remediator incidents`")
        return
    event = ending(stack, name)
    if as_json:
        click.echo(json.dumps(event))
    else:
        if event["incident"]:
            found = known(stack, event["incident"])
            timeline.show(found, stack.records.log(found))
        again = " (it is tried again in a minute)" if CONSEQUENCES[Outcome(event["outcome"])].raises else ""
        click.echo(f"{event['outcome']}: {event['reason']}{again}")
    sys.exit(0 if event["outcome"] in (Outcome.HEALED, Outcome.ALREADY_HEALTHY) else 1)


def ring(stack: Stack) -> str:
    """Send a person's alarm to the alarm topic. Returns the name it goes by in the record of its event."""
    name = f"a person {secrets.token_hex(3)}"
    wake(stack, name)
    return name


def ending(stack: Stack, name: str) -> dict[str, Any]:
    """The record of the alarm of that name, just sent, once there is one. Raises click.ClickException if none comes."""
    began, until = datetime.now(UTC), time.monotonic() + SECONDS
    while time.monotonic() < until:
        for event in stack.records.events(began):
            if any(alarm.startswith(name) for alarm in event["alarms"]):
                return event
        time.sleep(0.5)
    raise click.ClickException(f"no outcome within {SECONDS:.0f} s: look at the function's log and both queues")
