"""`remediator heal`: trigger the remediator by hand."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from remediator.outcome import CONSEQUENCES, Outcome
from remediator_cli import timeline
from remediator_cli.controls import ask_for_check
from remediator_cli.function import ask_function
from remediator_cli.incidents import find_incident
from remediator_cli.stack import Stack, changes_stack
from remediator_cli.terminal import as_json, say, say_json
from remediator_cli.waiting import Steps, poll

SECONDS = 150.0
TURNS_TO_BEGIN = 40  # a cold start takes a few seconds
DELIVERY, RECORD = "waiting until the alarm reaches the function", "it writes the record of this alarm"
WAITING_FOR = {  # by the newest entry of the audit log
    "claimed": "the remediator places orders to see for itself",
    "intent": "it calls the report link",
    "answer": "the link was answered, and an order verifies it",
}


@click.command()
@click.option("--follow", is_flag=True, help="Wait for the outcome, and show the timeline.")
@as_json
@changes_stack
def heal(stack: Stack, *, follow: bool, as_json: bool) -> None:
    """Trigger the remediator now.

    By a message to the alarm topic. It checks the shop itself and acts only on what it finds, as with any alarm. With
    --follow the exit code is 0 if the shop is healthy now, else 1.

    \b
    Example: remediator heal --follow
    """
    name = ask_for_check(stack, "heal")
    if not follow:
        return say_json({"alarm": name}) if as_json else say("triggered; see `remediator incidents`")
    with Steps() as steps:
        delivery = wait_for_outcome(stack, name, steps.next)
    if as_json:
        say_json(delivery)
    else:
        if delivery["incident"]:
            found = find_incident(stack, delivery["incident"])
            timeline.show(found, stack.records.log(found))
        again = " (it is tried again in a minute)" if CONSEQUENCES[Outcome(delivery["outcome"])].raises else ""
        say(f"{delivery['outcome']}: {delivery['reason']}{again}")
    sys.exit(0 if delivery["outcome"] in (Outcome.HEALED, Outcome.ALREADY_HEALTHY) else 1)


def wait_for_outcome(stack: Stack, name: str, show: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """The delivery record of the alarm of that name, just sent. `show` is given what is waited for.

    Raises click.ClickException if none is written, with what the function says if it can't start.
    """
    began, before, why = datetime.now(UTC), stack.records.state().v, ""
    for turn, _ in enumerate(poll(SECONDS, every=0.5)):
        for delivery in stack.records.deliveries(began):
            if any(alarm.startswith(name) for alarm in delivery["alarms"]):
                return delivery
        newest = stack.records.newest_entry()
        has_begun = newest is not None and newest.v > before
        show(WAITING_FOR.get(newest.kind, RECORD) if newest and has_begun else DELIVERY)
        if turn == TURNS_TO_BEGIN and not has_begun and (why := _why_not(stack)):
            break
    raise click.ClickException(f"no outcome: {why or _why_not(stack) or 'see `remediator redrive` and its log'}")


def _why_not(stack: Stack) -> str:
    """Why the function can't start, if so."""
    try:
        return ask_function(stack)[1]
    except (BotoCoreError, ClientError) as error:
        return f"the function can't be asked: {error}"
