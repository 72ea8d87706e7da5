"""What a delivered alarm says to a check: which endpoints, who sent it, and whether something is over."""

import json
from typing import Any

import pytest

from remediator.alarms import filter_by_name, person, read
from remediator.endpoints import NAMED_BY
from remediator.trigger import Trigger, read_trigger
from tests.support.builders import BEGAN, alarm, sns


def group(*alerts: tuple[str, str]) -> dict[str, Any]:
    """Alerts in Alertmanager's shape, by status and name."""
    listed = [{"status": status, "labels": {"alertname": name}} for status, name in alerts]
    return sns(json.dumps({"receiver": "r", "status": alerts[0][0], "alerts": listed}))


def trigger_of(event: object) -> Trigger:
    (delivery,) = read(event)
    return read_trigger(delivery, "r-1#0", "aaaa1111", BEGAN, str)


FIRING, RESOLVED = "firing", "resolved"


@pytest.mark.parametrize(
    ("event", "endpoints", "offers_link", "sender", "recovery"),
    [
        pytest.param(alarm(), ("order",), False, "alarm", False, id="CloudWatch's means the order"),
        pytest.param(sns("orders fail"), ("order",), False, "alarm", False, id="any text means the order"),
        pytest.param(alarm("OK"), ("order",), False, "alarm", True, id="resolved"),
        pytest.param(
            group((FIRING, "canary: menu"), (FIRING, "canary: login")),
            ("canary login", "menu"), False, "canary", False, id="the canary's name endpoints",
        ),
        pytest.param(
            group((FIRING, "canary: menu, with a report link")), ("menu",), True, "canary", False, id="with a link",
        ),
        pytest.param(
            group((FIRING, "canary: menu"), (FIRING, "theirs")), ("order", "menu"), False, "alarm", False, id="mixed",
        ),
        pytest.param(
            group((FIRING, "canary: menu"), (RESOLVED, "canary: order")), ("menu",), False, "canary", False,
            id="what is resolved hasn't failed",
        ),
        pytest.param(group((RESOLVED, "canary: menu")), ("menu",), False, "canary", True, id="the canary's recovery"),
        pytest.param(
            sns('{"shop":"x","status":200,"link":true}'), ("order",), False, "alarm", False,
            id="the shop's word: its link is no news, since a check may not see that it is none",
        ),
        pytest.param(
            group((FIRING, "canary: /api/secret")), ("order",), False, "alarm", False, id="a path is no endpoint",
        ),
        pytest.param(
            sns(json.dumps(person.write("heal", "ana", "1f"))), ("order",), False, "person", False, id="a person",
        ),
        pytest.param(
            sns(json.dumps(person.write("heal", "ana", "1f") | {"x": 1})), ("order",), False, "alarm", False,
            id="not quite a person's",
        ),
    ],
)  # fmt: skip
def test_alarm_is_read_as_a_trigger(
    event: object, endpoints: tuple[str, ...], offers_link: bool, sender: str, recovery: bool
) -> None:
    found = trigger_of(event)

    assert (found.endpoints, found.offers_link, found.sender, found.recovery) == (
        endpoints, offers_link, sender, recovery,
    )  # fmt: skip


def test_persons_trigger_bears_command_and_name_and_passes_whatever_alarms_are_named() -> None:
    event = sns(json.dumps(person.write("heal", "ana", "1f")))

    (delivery,) = read(event)

    assert filter_by_name(delivery, frozenset(NAMED_BY)) == delivery
    assert trigger_of(event).alarm == person.name("heal", "ana", "1f") == "remediator heal by ana, 1f"
