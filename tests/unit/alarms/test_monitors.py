"""Datadog and uptime monitors: one alarm a message, its state in one place."""

import json
from collections.abc import Mapping

import pytest

from remediator.alarms import filter_by_name
from remediator_cli.alarm import describe
from tests.support.work import growth
from tests.unit.alarms import senders
from tests.unit.alarms.examples import keys, only, sns, states

ORDERS = {"alertname": "OrdersFailing"}
KUMA = json.loads(senders.uptime_kuma(False, ORDERS))


def datadog(transition: str, title: str) -> str:
    values = {"ALERT_TRANSITION": transition, "ALERT_CYCLE_KEY": "8137104255", "EVENT_TITLE": title}
    return senders.filled(senders.documented('{"alert_transition"'), **values)


@pytest.mark.parametrize(
    ("sender", "source"),
    [
        (senders.datadog, "datadog"),
        (senders.uptime_kuma, "uptime_kuma"),
        (senders.uptimerobot, "uptimerobot"),
        (senders.better_stack, "better_stack"),
    ],
)
def test_a_monitor_fires_and_stands_down_by_a_name_that_can_be_listed(sender: senders.Sender, source: str) -> None:
    fires, over = (only(sns(sender(each, ORDERS, senders.NOTES))) for each in (True, False))

    assert [(each.verdict, states(each)) for each in (fires, over)] == [
        ("trigger", ["firing"]),
        ("stand_down", ["resolved"]),
    ]
    assert {(alarm.source, alarm.name) for alarm in (*fires.alarms, *over.alarms)} == {(source, "OrdersFailing")}
    assert filter_by_name(fires, frozenset({"OrdersFailing"})) == fires
    assert filter_by_name(fires, frozenset({"Others"})).verdict == "ignore"


@pytest.mark.parametrize(
    ("sender", "when", "later"),
    [
        (senders.datadog, "8137104255", "8137104256"),
        (senders.uptime_kuma, "2026-11-20 17:30:40.120", "2026-11-20 18:30:40.120"),
        (senders.uptimerobot, "1795195840", "1795199440"),
        (senders.better_stack, senders.SINCE, "2026-11-21T09:00:00.000Z"),
    ],
)
def test_a_monitors_next_occurrence_has_another_key(sender: senders.Sender, when: str, later: str) -> None:
    message = sender(True, ORDERS, {})

    assert when in message
    assert keys(sns(message)).isdisjoint(keys(sns(message.replace(when, later))))


@pytest.mark.parametrize(
    ("transition", "verdict", "state"),
    [
        ("Recovered", "stand_down", "resolved"),
        *((each, "trigger", "firing") for each in ("Triggered", "Re-Triggered", "Warn", "No Data", "Renotify")),
        *((each, "trigger", "firing") for each in ("recovered", "Recovered ", "Warn Recovered", "Null", "")),
    ],
)
def test_of_datadogs_transitions_only_recovered_stands_down(transition: str, verdict: str, state: str) -> None:
    delivery = only(sns(datadog(transition, "[Triggered] OrdersFailing")))

    assert (delivery.verdict, delivery.alarms[0].state) == (verdict, state)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("OrdersFailing", "OrdersFailing"),
        ("[Triggered] OrdersFailing", "OrdersFailing"),
        ("[Re-Triggered on {pod:a[1],host:oven-4}] OrdersFailing", "OrdersFailing"),
        ("[P1] [No Data on {oven:4}] OrdersFailing", "OrdersFailing"),
        ("[Triggered] [prod] OrdersFailing", "[prod] OrdersFailing"),
        ("[prod] OrdersFailing [Warn]", ""),
        ("[Triggered on {oven:a}] Others}] OrdersFailing", ""),  # by a tag's value: whose name it is, nobody knows
        ("[Triggered on {oven:a", ""),
        ("", ""),
    ],
)
def test_a_name_is_read_out_of_datadogs_title_or_none_so_that_no_tag_hides_an_alarm(title: str, name: str) -> None:
    delivery = only(sns(datadog("Triggered", title)))

    assert delivery.alarms[0].name == name
    assert (filter_by_name(delivery, frozenset({"x"})) == delivery) == (not name)


@pytest.mark.parametrize("fires", [True, False])
@pytest.mark.parametrize("text", ["%%%\n**Orders** fail\n%%%", json.dumps(KUMA)])
def test_datadogs_own_payload_is_named_by_its_title_and_always_triggers(*, fires: bool, text: str) -> None:
    body_first = json.loads(senders.datadog_default(fires, ORDERS, {"a": text}))
    for given in (body_first, dict(reversed(body_first.items()))):
        delivery = only(sns(given))

        assert (delivery.verdict, delivery.alarms[0].name) == ("trigger", "OrdersFailing")
        assert filter_by_name(delivery, frozenset({"Others"})) == delivery


@pytest.mark.parametrize(
    "said",
    [
        *({"status": status, "link": link} for status in (0, 200, 500) for link in (True, False)),
        *({"status": status} for status in ("ok", "resolved", "", None, "None", [200])),
        {"state": "OK", "status": "resolved", "link": None},
        {},
    ],
)
def test_the_shops_word_always_triggers_and_is_named_after_the_shop(said: Mapping[str, object]) -> None:
    for text in json.dumps({"shop": "OrdersFailing", **said}), {**said, "shop": "OrdersFailing"}:
        delivery = only(sns(text, "[RESOLVED] x"))

        assert (delivery.verdict, delivery.alarms[0].source) == ("trigger", "shop")
        assert delivery.alarms[0].name == "OrdersFailing"
        assert filter_by_name(delivery, frozenset({"OrdersFailing"})) == delivery
    assert filter_by_name(only(sns(senders.shop(True, ORDERS))), frozenset({"Others"})).verdict == "ignore"


def test_each_word_of_the_shop_is_news() -> None:
    first, second = (sns(senders.shop(True, ORDERS), Timestamp=f"2026-11-20T17:30:{at}Z") for at in (40, 50))

    assert keys(first).isdisjoint(keys(second))


@pytest.mark.parametrize(
    "given",
    [
        *(KUMA | {"heartbeat": KUMA["heartbeat"] | {"status": each}} for each in (0, 2, 3, True, "up", [1], None)),
        KUMA | {"heartbeat": None, "monitor": None, "msg": "the certificate expires"},
        KUMA | {"monitor": {"id": 4}},
        KUMA | json.loads(senders.better_stack(False, ORDERS)),
        {"msg": "x", **KUMA},
        {"alertType": "2"},
        {"alertType": "3", "monitorFriendlyName": "OrdersFailing"},
        {"monitorFriendlyName": "OrdersFailing", "alertDetails": "x", "alertType": "2"},
        *(
            {"data": {"type": "incident", "attributes": {"name": "OrdersFailing", "status": each}}}
            for each in ("Started", "Acknowledged", "Validating", "Unconfirmed", "resolved", None)
        ),
        {"data": [{"attributes": {"name": "OrdersFailing", "status": "Resolved"}}]},
    ],
)
def test_whatever_else_a_monitor_says_triggers(given: Mapping[str, object]) -> None:
    assert only(sns(given)).verdict == "trigger"


def test_a_repeat_shares_its_key_and_the_next_occurrence_does_not() -> None:
    over = json.loads(senders.better_stack(False, ORDERS))
    again = json.loads(senders.better_stack(True, ORDERS))
    again["data"]["attributes"]["started_at"] = senders.UNTIL

    assert keys(sns(over, Timestamp="x")) == keys(sns(over))
    assert keys(sns(again)).isdisjoint(keys(sns(senders.better_stack(True, ORDERS))))


def test_the_time_that_a_title_takes_grows_with_its_length_alone() -> None:
    for repeated in ("[Triggered on {", "}]", "[Re-"):
        assert growth(lambda title: describe(datadog("Recovered", title).encode()), "", repeated) <= 10
