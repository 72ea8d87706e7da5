"""What the tests of the alarm readers build their messages from."""

import json
from pathlib import Path

from remediator.alarms import Delivery, read
from remediator_cli.alarm import alarm_key

EVENTS = Path(__file__).parents[3] / "events"


def event(name: str) -> dict[str, object]:
    """An event of the folder events/, as Lambda would hand it over."""
    found = json.loads((EVENTS / f"{name}.json").read_text())
    assert isinstance(found, dict)
    return found


def sns(message: object, subject: str | None = None, **more: object) -> dict[str, object]:
    """SNS to Lambda, with one record."""
    written = message if isinstance(message, str) else json.dumps(message)
    return {"Records": [{"Sns": {"Message": written, "Subject": subject, **more}}]}


def only(given: object) -> Delivery:
    """The one delivery of an event."""
    (delivery,) = read(given)
    return delivery


def keys(given: object) -> set[str]:
    return {alarm_key(alarm) for alarm in only(given).alarms}


def states(delivery: Delivery) -> list[str]:
    return [alarm.state.value for alarm in delivery.alarms]
