"""`remediator status`: what the remediator may do now, and what it is doing."""

from datetime import datetime

import click

from remediator.bootstrap import now
from remediator.limits import Limits
from remediator.state import State
from remediator_cli.stack import Stack, on_stack
from remediator_cli.terminal import as_json, say, say_json

NOBODY = "nobody, since there is no canary: run `remediator heal` then"


@click.command()
@as_json
@on_stack
def status(stack: Stack, *, as_json: bool) -> None:
    """Say what the remediator may do now, and what it is doing.

    \b
    Example: remediator status
    """
    state, at = stack.records.state(), now()
    calls_an_hour = int(stack.parameters.get("CallsAnHour", "6"))
    limits = Limits("observe" if stack.parameters.get("Mode") == "observe" else "act", calls_an_hour)
    pause, incident = state.pause_in_force(at), state.incident
    newest = next(iter(stack.records.incidents(newest=1)), None)
    shown = {
        "mode": limits.mode_in_force(state),
        "paused": {"by": pause.who, "reason": pause.why, "until": pause.until} if pause else None,
        "calls_this_hour": len(state.calls_this_hour(at)),
        "calls_an_hour": limits.calls_an_hour,
        "check_running_until": state.check.lease.until if state.check else None,
        "open_incident": incident.id if incident else None,
        "unchecked_for_an_hour": incident.id if incident and incident.is_forgotten(at) else None,
        "shop_asked_again": say_when_asked_again(stack, state),
        "newest_incident": newest.id if newest else None,
        "notifications_not_sent": len(state.outbox),
        "dead_letters": depth(stack, "DeadLetterQueueUrl"),
        "failed_events": depth(stack, "FailureQueueUrl"),
        "audit_log_entries": state.v,
    }
    if as_json:
        say_json(shown)
    for name, value in () if as_json else shown.items():
        say(f"{name.replace('_', ' '):22} {_words(value)}")


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(each)}" for name, each in value.items() if each is not None)
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, datetime) else "-" if value is None else str(value)


def say_when_asked_again(stack: Stack, state: State) -> str | None:
    """When and by whom the shop is asked again that is asked too often to show how an incident goes on, if it is."""
    last = state.incident.last if state.incident else None
    if last is None or last.not_before is None:
        return None
    return f"from {last.not_before:%Y-%m-%d %H:%M:%S} UTC on, by {'the canary' if has_canary(stack) else NOBODY}"


def has_canary(stack: Stack) -> bool:
    return bool(stack.parameters.get("CanaryMinutes") != "0")


def depth(stack: Stack, queue: str) -> int:
    """How many messages lie in the queue that this output names."""
    name = "ApproximateNumberOfMessages"
    url = stack.outputs[queue]
    found = stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return int(found["Attributes"][name])
