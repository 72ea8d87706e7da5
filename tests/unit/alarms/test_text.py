from collections.abc import Callable

import pytest

from tests.unit.alarms.examples import event, keys, only, sns, states

LABELS = "Labels:\n - alertname = OrdersFailing\n - oven = oven-4\n"
TAIL = "Source: https://grafana.pizza.example/alerting/view\nSilence: https://grafana.pizza.example/s\n"
FORGED = [
    "\n\n**Resolved**\n\nValue: A=0\nLabels:\n - alertname = Forged\nAnnotations:\n",
    "\n\n\n**Resolved**\n",
    "\r\n**Resolved**\r\n",
    "\u2028**Resolved**\u2028Labels:\u2028",
    "\n\nAlerts Resolved:\nLabels:\n - alertname = Forged\n",
    "\nLabels:\n - alertname = Forged\nStatus: resolved",
    "\nSource: x\nand\n**Resolved**\nLabels:\n - alertname = Forged\n",
]
# A forgery that copies the end of an alert, too: without a subject, what it adds to the list
# looks like any other alert, but the verdict stands.
WHOLE = f"\n{TAIL}\n\n**Resolved**\n\nValue: A=0\n{LABELS}Annotations:\n{TAIL}"
WHOLE_TOO = f"\nSource: x\n\nAlerts Resolved:\n{LABELS}Annotations:\nSource: x\n"


def grafana(header: str, *, label: str = "", note: str = "") -> str:
    return (
        f"**{header}**\n\nValue: A=12\n{LABELS} - team = kitchen{label}\n"
        f"Annotations:\n - summary = orders fail{note}\n{TAIL}"
    )


def alertmanager(header: str, *, note: str = "") -> str:
    return (
        f"orders fail{note}\n\nAlerts {header}:\n{LABELS}"
        f"Annotations:\n - summary = orders fail{note}\nSource: http://prometheus.pizza.example\n\n"
    )


@pytest.mark.parametrize(
    ("name", "source", "verdict", "found"),
    [
        ("grafana-text", "grafana", "trigger", ["firing"]),
        ("grafana-text-mixed", "grafana", "trigger", ["firing", "firing", "resolved"]),
        ("grafana-text-resolved", "grafana", "stand_down", ["resolved"]),
        ("alertmanager-text", "alertmanager", "trigger", ["firing"]),
        ("alertmanager-text-resolved", "alertmanager", "stand_down", ["resolved"]),
    ],
)
def test_the_default_texts_are_read(name: str, source: str, verdict: str, found: list[str]) -> None:
    delivery = only(event(name))

    assert (delivery.verdict, states(delivery)) == (verdict, found)
    assert {(alarm.source, alarm.name) for alarm in delivery.alarms} == {(source, "OrdersFailing")}
    assert "oven-4" in delivery.alarms[0].identity[0]
    assert len(keys(event(name))) == len(found)


@pytest.mark.parametrize("subject", [None, "[FIRING:1] OrdersFailing (oven-4 kitchen)"])
@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_header_changes_nothing(forged: str, subject: str | None) -> None:
    texts = (
        (grafana("Firing"), grafana("Firing", note=forged)),
        (grafana("Firing"), grafana("Firing", label=forged)),
        (alertmanager("Firing"), alertmanager("Firing", note=forged)),
    )
    for plain, hostile in texts:
        before, after = only(sns(plain, subject)), only(sns(hostile, subject))
        assert (after.verdict, states(after)) == (before.verdict, states(before))
        assert after.alarms[0].name == "OrdersFailing"


@pytest.mark.parametrize("subject", [None, "hello", "[FIRING:1] x", "[FIRING:1, RESOLVED:1] x"])
@pytest.mark.parametrize("forged", [*FORGED, WHOLE, WHOLE_TOO])
def test_nothing_forged_in_a_firing_text_stands_down(forged: str, subject: str | None) -> None:
    for text in (grafana("Firing", note=forged), grafana("Firing", label=forged)):
        assert {only(sns(text[:cut], subject)).verdict for cut in range(len(text))} == {"trigger"}
    assert only(sns(alertmanager("Firing", note=forged), subject)).verdict == "trigger"


@pytest.mark.parametrize("forged", [*FORGED, WHOLE, WHOLE_TOO])
def test_a_subject_that_fires_triggers_though_the_firing_part_is_lost(forged: str) -> None:
    text = alertmanager("Firing", note=forged)

    for cut in range(len(text)):
        assert only(sns(text[:cut], "[FIRING:1] OrdersFailing")).verdict == "trigger"


def test_a_text_is_read_from_its_first_header_on_unless_a_later_one_fires() -> None:
    delivery = only(sns(grafana("Resolved", note="\n**Resolved**\n")))

    assert [alarm.name for alarm in delivery.alarms] == ["OrdersFailing"]


@pytest.mark.parametrize(
    "text",
    [
        grafana("Resolved"),
        alertmanager("Resolved"),
        f"**Resolved**\n\n{LABELS}Annotations:\n",
        "**Resolved**\n\nValue: ",
        "**Resolved**\nLabels:\nAnnotations:\nDashboard: x\nPanel: y\n",
        "Alerts Resolved:\nLabels:\nAnnotations:\nSource:\n",
        grafana("Resolved") + grafana("Resolved").partition("\n\n")[2],
        alertmanager("Resolved") + alertmanager("Resolved").partition("Resolved:\n")[2],
        grafana("Resolved").replace("\n", "\r\n"),
    ],
)
def test_a_resolved_text_stands_down_unless_its_subject_fires(text: str) -> None:
    assert only(sns(text)).verdict == "stand_down"
    assert only(sns(text, "[RESOLVED] OrdersFailing")).verdict == "stand_down"
    assert only(sns(text, "[FIRING:1] OrdersFailing")).verdict == "trigger"


@pytest.mark.parametrize("text", [grafana, alertmanager])
def test_a_firing_text_of_which_every_line_is_known_is_whole(text: Callable[[str], str]) -> None:
    fires, over = text("Firing"), text("Resolved")

    for whole in (fires, fires + over.removeprefix("orders fail"), fires.removeprefix("orders fail")):
        assert only(sns(whole)).whole
        assert not only(sns(f"{whole}and so on")).whole


@pytest.mark.parametrize(
    "text",
    [
        "**Resolved**",
        "The kitchen says:\n**Resolved**\n\nValue: A=0\n" + LABELS,
        "Alerts Resolved:\nby nobody",
        alertmanager("Resolved")[:-40],
        grafana("Resolved") + "x" * 300_000,
        grafana("Resolved", note="\n**Firing**\n"),
        "State: ok\nall is well",
    ],
)
def test_a_text_that_may_be_firing_triggers(text: str) -> None:
    assert only(sns(text)).verdict == "trigger"


def test_a_text_that_breaks_off_after_the_header_is_read_by_the_header() -> None:
    """Grafana 11.1 sends no more than this."""
    first = sns("**Firing**\n\nValue: ", "[FIRING:1] Orders", Timestamp="2026-11-20T17:31:05Z")
    other = sns("**Firing**\n\nValue: ", "[FIRING:1] Ovens", Timestamp="2026-11-20T17:31:05Z")

    assert [(one.source, one.name) for one in only(first).alarms] == [("grafana", "")]
    assert (only(first).verdict, only(first).whole) == ("trigger", True)
    assert keys(first).isdisjoint(keys(other))


def test_missing_data_is_named_after_its_rule_in_text_too() -> None:
    text = grafana("Firing").replace("OrdersFailing", "DatasourceNoData")
    (alarm,) = only(sns(text.replace("oven = ", "rulename = "))).alarms

    assert (alarm.name, alarm.state) == ("oven-4", "no_data")


def test_a_text_delivered_twice_has_one_key() -> None:
    text = grafana("Firing")
    one, later = "2026-11-20T17:31:05Z", "2026-11-20T21:31:05Z"

    assert keys(sns(text, Timestamp=one)) == keys(sns(text, MessageId="b", Timestamp=one))
    assert keys(sns(text, Timestamp=one)) == keys(sns(grafana("Firing", note=" still"), Timestamp=one))
    assert keys(sns(text, Timestamp=one)).isdisjoint(keys(sns(text, Timestamp=later)))
