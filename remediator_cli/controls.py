"""`remediator pause`, `resume` and `mode`: what a person may tell the remediator."""

import getpass
import json
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import get_args

import click

from remediator import commit, overrides
from remediator.adapters.dynamodb import DynamoStore
from remediator.alarms import person
from remediator.bootstrap import now
from remediator.deadline import Deadline
from remediator.errors import DeadlineOver
from remediator.state import Mode, State
from remediator_cli.stack import Stack, on_stack
from remediator_cli.terminal import as_json, say, say_json, words

SECONDS_TO_WRITE = 20.0


def commit_decision(stack: Stack, decide: commit.Decide) -> State:
    """Write a person's decision as any other change is written. Returns the state afterwards."""
    keep = timedelta(days=int(stack.parameters.get("KeepDays", "400")))
    store = DynamoStore(stack.client("dynamodb"), stack.outputs["TableName"], stack.name, keep)
    deadline = Deadline.after(SECONDS_TO_WRITE)
    try:
        state, _ = commit.commit(store, store.state(), decide, now, deadline, time.sleep)
    except DeadlineOver:
        raise click.ClickException("others kept writing; nothing was changed, try again") from None
    return state


def ask_for_check(stack: Stack, command: str) -> str:
    """Ask for a check of the shop, as an alarm does. Returns the name that the request bears in its delivery record."""
    request = (command, getpass.getuser(), secrets.token_hex(3))
    message = json.dumps(person.write(*request))
    stack.client("sns").publish(TopicArn=stack.outputs["AlarmTopicArn"], Message=message)
    return person.name(*request)


@click.command()
@click.option("--reason", required=True, help="Why; it goes into the audit log and into notifications.")
@click.option("--until", type=click.DateTime(), help="UTC; without it the pause holds until `remediator resume`.")
@as_json
@on_stack
def pause(stack: Stack, *, reason: str, until: datetime | None, as_json: bool) -> None:
    """Stop the remediator from calling anything.

    It still checks the shop, and notifies you of what it finds.

    \b
    Example: remediator pause --reason "release 42" --until 2026-11-23T18:00:00
    """
    ends = until.replace(tzinfo=UTC) if until else None
    if ends and ends <= now():
        raise click.UsageError("--until is over already; it is taken as UTC")
    why, who = words(reason), words(getpass.getuser())
    state = commit_decision(stack, lambda state, at: overrides.pause(state, at, why, who, ends))
    _say(as_json, state, f"paused until {ends:%Y-%m-%d %H:%M:%S} UTC" if ends else "paused until `remediator resume`")


@click.command()
@as_json
@on_stack
def resume(stack: Stack, *, as_json: bool) -> None:
    """End a pause, and have the shop checked.

    An outage that began during the pause raises no second alarm.

    \b
    Example: remediator resume
    """
    state = commit_decision(stack, lambda state, at: overrides.resume(state, at, words(getpass.getuser())))
    ask_for_check(stack, "resume")
    _say(as_json, state, "resumed, and a check of the shop triggered")


@click.command()
@click.argument("wanted", type=click.Choice(get_args(Mode)), metavar="observe|act")
@click.option("--reason", required=True, help="Why; it goes into the audit log.")
@click.option("--yes", is_flag=True, help="Let it act without asking.")
@as_json
@on_stack
def mode(stack: Stack, *, wanted: Mode, reason: str, yes: bool, as_json: bool) -> None:
    """Lower the mode to observe, or give back the template's.

    The template's parameter Mode is the ceiling: `act` under a template of observe changes nothing. `act` asks first.

    \b
    Examples: remediator mode observe --reason "the factory moves house"
              remediator mode act --reason "it has moved" --yes
    """
    if wanted == "act" and not yes:
        click.confirm("From the next alarm on it may call report links again. Go on?", abort=True, err=True)
    why, who = words(reason), words(getpass.getuser())
    state = commit_decision(stack, lambda state, at: overrides.set_mode(state, at, wanted, why, who))
    ceiling = stack.parameters.get("Mode", "act")
    held = " (the template says observe, and it is the ceiling)" if (ceiling, wanted) == ("observe", "act") else ""
    _say(as_json, state, f"mode is {wanted}{held}")


def _say(as_json: bool, state: State, said: str) -> None:
    say_json({"said": said, "v": state.v}) if as_json else say(f"{said} (audit log entry {state.v})")
