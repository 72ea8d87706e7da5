"""`remediator pause`, `resume` and `mode`: what a person may tell the remediator."""

import getpass
import json
import os
import secrets
import time
from datetime import datetime, timedelta
from typing import get_args

import click

from remediator import commit, overrides
from remediator.adapters.dynamodb import DynamoStore
from remediator.alarms import person
from remediator.bootstrap import now
from remediator.deadline import Deadline
from remediator.errors import DeadlineOver
from remediator.state import Change, Mode, State
from remediator_cli.moments import MomentType
from remediator_cli.stack import Stack, changes_stack
from remediator_cli.terminal import as_json, confirm, say, say_json, words

SECONDS_TO_WRITE = 20.0


def commit_decision(stack: Stack, decide: commit.Decide, nothing: str = "there is nothing to change") -> State:
    """Write a person's decision as any other change is written. Returns the state afterwards.

    Raises click.ClickException, also in the words of `nothing` if there was nothing to do.
    """
    keep = timedelta(days=int(stack.parameters.get("KeepDays", "400")))
    store = DynamoStore(stack.client("dynamodb"), stack.outputs["TableName"], stack.name, keep)
    deadline = Deadline.after(SECONDS_TO_WRITE)
    try:
        state, written = commit.commit(store, store.state(), decide, now, deadline, time.sleep)
    except DeadlineOver:
        raise click.ClickException("others kept writing; nothing was changed, try again") from None
    if not isinstance(written, Change):
        raise click.ClickException(nothing)
    return state


def who() -> str:
    """Who gives the command, as it may be kept."""
    try:
        return words(getpass.getuser())
    except OSError:  # as in a container whose user has no name
        return f"user {os.getuid()}"


def ask_for_check(stack: Stack, command: str) -> str:
    """Ask for a check of the shop, as an alarm does. Returns the name that the request bears in its delivery record."""
    request = (command, who(), secrets.token_hex(3))
    message = json.dumps(person.write(*request))
    stack.client("sns").publish(TopicArn=stack.outputs["AlarmTopicArn"], Message=message)
    return person.name(*request)


@click.command()
@click.option("--reason", required=True, help="Why; it goes into the audit log and into notifications.")
@click.option("--until", type=MomentType(1), help="2h, or a UTC time; without it it holds until `remediator resume`.")
@as_json
@changes_stack
def pause(stack: Stack, *, reason: str, until: datetime | None, as_json: bool) -> None:
    """Stop the remediator from calling anything.

    It still checks the shop, and notifies you of what it finds.

    \b
    Example: remediator pause --reason "release 42" --until 2h
    """
    if until and until <= now():
        raise click.UsageError("--until is over already; it is taken as UTC")
    why, name = words(reason), who()
    state = commit_decision(stack, lambda state, at: overrides.pause(state, at, why, name, until))
    _say(as_json, state, f"paused until {until:%Y-%m-%d %H:%M:%S} UTC" if until else "paused until `remediator resume`")


@click.command()
@as_json
@changes_stack
def resume(stack: Stack, *, as_json: bool) -> None:
    """End a pause, and have the shop checked.

    An outage that began during the pause raises no second alarm. If nothing is paused it says so, and does nothing.

    \b
    Example: remediator resume
    """
    name, nothing = who(), "it isn't paused: nothing to resume; `remediator heal` triggers a check"
    state = commit_decision(stack, lambda state, at: overrides.resume(state, at, name), nothing)
    ask_for_check(stack, "resume")
    _say(as_json, state, "resumed, and a check of the shop triggered")


@click.command()
@click.argument("wanted", type=click.Choice(get_args(Mode)), metavar="observe|act")
@click.option("--reason", required=True, help="Why; it goes into the audit log.")
@click.option("--yes", is_flag=True, help="Let it act without asking.")
@as_json
@changes_stack
def mode(stack: Stack, *, wanted: Mode, reason: str, yes: bool, as_json: bool) -> None:
    """Lower the mode to observe, or give back the template's.

    The template's parameter Mode is the ceiling: `act` under a template of observe changes nothing. `act` asks first.

    \b
    Examples: remediator mode observe --reason "the factory moves house"
              remediator mode act --reason "it has moved" --yes
    """
    if wanted == "act":
        confirm("From the next alarm on it may call report links again. Go on?", yes=yes, as_json=as_json)
    why, name = words(reason), who()
    state = commit_decision(stack, lambda state, at: overrides.set_mode(state, at, wanted, why, name))
    ceiling = stack.parameters.get("Mode", "act")
    held = " (the template says observe, and it is the ceiling)" if (ceiling, wanted) == ("observe", "act") else ""
    _say(as_json, state, f"mode is {wanted}{held}")


def _say(as_json: bool, state: State, said: str) -> None:
    say_json({"said": said, "v": state.v}) if as_json else say(f"{said} (audit log entry {state.v})")
