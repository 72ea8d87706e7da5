"""`remediator pause`, `resume`, `mode`, `status`: what a person may tell the machine, and what it is told."""

import getpass
import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import get_args

import click

from console.stack import Stack, on_stack
from console.terminal import as_json
from remediator import head as judge
from remediator.adapters.dynamodb import DynamoStore
from remediator.bootstrap import now
from remediator.errors import StateError
from remediator.head import HOUR, Change, Head, Mode

TRIES = 20


def commit(stack: Stack, decide: Callable[[Head], Change | None]) -> Head:
    """Write a person's decision to the head's log, as any other change is written. Returns the head after it."""
    keep = timedelta(days=int(stack.parameters.get("KeepDays", "400")))
    store = DynamoStore(stack.client("dynamodb"), stack.outputs["TableName"], stack.name, keep)
    try:
        for _ in range(TRIES):
            head = store.head()
            change = decide(head)
            if change is None:
                return head
            new = store.commit(head, change)
            if new is not None:
                return new
            time.sleep(random.uniform(0.05, 0.2))  # noqa: S311 - jitter keeps no secret
    except StateError as error:
        raise click.ClickException(str(error)) from None
    raise click.ClickException("others kept writing; nothing was changed, try again")


def wake(stack: Stack, why: str) -> None:
    """Send the machine to have a look."""
    topic = stack.outputs["AlarmTopicArn"]
    stack.client("sns").publish(TopicArn=topic, Subject=why[:100], Message="A person asks: look at the shop now.")


@click.command()
@click.option("--reason", required=True, help="Why; it goes into the log and into messages.")
@click.option("--until", type=click.DateTime(), help="UTC; without it the pause holds until `remediator resume`.")
@as_json
@on_stack
def pause(stack: Stack, *, reason: str, until: datetime | None, as_json: bool) -> None:
    """Stop the machine from calling anything.

    It still looks, and tells people what it sees.

    \b
    Example: remediator pause --reason "release 42" --until 2026-11-23T18:00:00
    """
    ends = until.replace(tzinfo=UTC) if until else None
    if ends and ends <= now():
        raise click.UsageError("--until is over already; it is taken as UTC")
    head = commit(stack, lambda head: judge.pause(head, now(), reason, getpass.getuser(), ends))
    _say(as_json, head, f"paused until {ends:%Y-%m-%d %H:%M:%S} UTC" if ends else "paused until `remediator resume`")


@click.command()
@as_json
@on_stack
def resume(stack: Stack, *, as_json: bool) -> None:
    """End a pause, and send the machine to look.

    An outage that began meanwhile raises no alarm again.

    \b
    Example: remediator resume
    """
    head = commit(stack, lambda head: judge.resume(head, now(), getpass.getuser()))
    wake(stack, "resumed")
    _say(as_json, head, "resumed, and woken to have a look")


@click.command()
@click.argument("wanted", type=click.Choice(get_args(Mode)), metavar="observe|act")
@click.option("--reason", required=True, help="Why; it goes into the log.")
@click.option("--yes", is_flag=True, help="Let it act without asking.")
@as_json
@on_stack
def mode(stack: Stack, *, wanted: Mode, reason: str, yes: bool, as_json: bool) -> None:
    """Lower it to observe, or give it back the template's mode.

    The template's parameter Mode is the ceiling: `act` under a template of observe changes nothing. `act` asks first.

    \b
    Examples: remediator mode observe --reason "the factory moves house"
              remediator mode act --reason "it has moved" --yes
    """
    if wanted == "act" and not yes:
        click.confirm("from the next alarm on it may call report links again; go on?", abort=True, err=True)
    head = commit(stack, lambda head: judge.set_mode(head, now(), wanted, reason, getpass.getuser()))
    ceiling = stack.parameters.get("Mode", "act")
    held = " (the template says observe, and it is the ceiling)" if (ceiling, wanted) == ("observe", "act") else ""
    _say(as_json, head, f"mode is {wanted}{held}")


@click.command()
@as_json
@on_stack
def status(stack: Stack, *, as_json: bool) -> None:
    """Say what the machine may do now, and what it is doing.

    \b
    Example: remediator status
    """
    head = stack.records.head()
    ceiling = stack.parameters.get("Mode", "act")
    at = now()
    paused = head.pause if head.pause and (head.pause.until is None or head.pause.until > at) else None
    calls = sum(at - call < HOUR for call in head.calls)
    queues = {name: depth(stack, name) for name in ("DeadLetterQueueUrl", "FailureQueueUrl")}
    shown = {
        "mode": "observe" if "observe" in (ceiling, head.mode) else "act",
        "paused": f"by {paused.who}: {paused.why}" if paused else None,
        "calls this hour": f"{calls} of {stack.parameters.get('CallsAnHour', '6')}",
        "open incident": head.incident.id if head.incident else None,
        "worked on until": str(head.incident.lease.until) if head.incident and head.incident.lease else None,
        "last incident": head.last_incident,
        "messages not yet sent": len(head.outbox),
        "dead letters": queues["DeadLetterQueueUrl"],
        "failed events": queues["FailureQueueUrl"],
        "log entries": head.v,
    }
    if as_json:
        click.echo(json.dumps(shown))
        return
    for name, value in shown.items():
        click.echo(f"{name:22} {'-' if value is None else value}")


def depth(stack: Stack, queue: str) -> int:
    """How many letters lie in the queue that this output names."""
    name = "ApproximateNumberOfMessages"
    url = stack.outputs[queue]
    found = stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return int(found["Attributes"][name])


def _say(as_json: bool, head: Head, words: str) -> None:
    click.echo(json.dumps({"said": words, "v": head.v}) if as_json else f"{words} (log entry {head.v})")
