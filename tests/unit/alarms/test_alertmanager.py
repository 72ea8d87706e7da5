import json

import pytest

from remediator.alarms import filter_by_name
from tests.unit.alarms import senders
from tests.unit.alarms.examples import event, keys, only, sns, states


def alert(status: object = "firing", **labels: object) -> dict[str, object]:
    labels = {"alertname": "OrdersFailing", **labels}
    return {"status": status, "labels": labels, "startsAt": "2026-11-20T17:30:40Z"}


def group(*alerts: object, **more: object) -> dict[str, object]:
    return {"receiver": "remediator", "alerts": list(alerts), **more}


OVER = json.loads(senders.amp(False, {"alertname": "OrdersFailing"}))


@pytest.mark.parametrize(
    ("name", "source", "verdict", "found"),
    [
        ("alertmanager", "alertmanager", "trigger", ["firing", "resolved"]),
        ("alertmanager-resolved", "alertmanager", "stand_down", ["resolved"]),
        ("grafana-webhook", "grafana", "trigger", ["firing"]),
    ],
)
def test_each_alert_of_a_group_is_an_alarm(name: str, source: str, verdict: str, found: list[str]) -> None:
    delivery = only(event(name))

    assert (delivery.verdict, states(delivery)) == (verdict, found)
    assert {(alarm.source, alarm.name) for alarm in delivery.alarms} == {(source, "OrdersFailing")}
    assert len(keys(event(name))) == len(found)
    assert delivery.reason.startswith(f"{found.count('firing')} of {len(found)} alarms")


@pytest.mark.parametrize("mark", ["orgId", "title", "state", "appVersion", "version"])
def test_a_group_that_bears_a_mark_of_grafana_is_grafanas(mark: str) -> None:
    assert [one.source for one in only(group(alert(), **{mark: "1"})).alarms] == ["grafana"]
    assert [one.source for one in only(group(alert(), **{f"{mark}s": "1"})).alarms] == ["alertmanager"]


def test_an_alert_keeps_its_key_in_every_template_and_envelope() -> None:
    plain = alert(oven="oven-4", number=4)
    written = (
        "2026-11-20 17:30:40 +0000 UTC",
        "2026-11-20 17:30:40 +0000",
        "2026-11-20 17:30:40",
        "2026-11-20T19:30:40+02:00",
    )
    in_go = [group(plain | {"startsAt": each}) for each in written]

    for other in (*in_go, group(plain, status="firing"), sns(group(plain), Timestamp="x")):
        assert keys(other) == keys(group(plain))
    later = {**plain, "startsAt": "2026-11-20T19:00:00Z"}
    for other in (
        alert("resolved", oven="oven-4", number=4),
        alert(oven="oven-5", number=4),
        later,
        plain | {"fingerprint": "5a1c"},
    ):
        assert keys(group(other)).isdisjoint(keys(group(plain)))


@pytest.mark.parametrize(
    ("given", "verdict", "found"),
    [
        *((group(alert(word)), "trigger", ["firing"]) for word in (None, "Resolved", "", 0, {"state": "resolved"})),
        (group(None, 5, alert("resolved")), "trigger", ["firing", "firing", "resolved"]),
        (group(alert("resolved"), status="firing", truncatedAlerts=3), "trigger", ["resolved", "firing"]),
        (group(status="firing"), "trigger", ["firing"]),
        (group(status=None), "trigger", ["firing"]),
        (group(status="resolved"), "stand_down", ["resolved"]),
        (OVER | {"source": "prometheus"}, "stand_down", ["resolved"]),
        (sns({"receiver": "x", "source": "prometheus", **OVER}), "stand_down", ["resolved"]),
        *((OVER | more, "trigger", ["resolved", "firing"]) for more in ({"receiver": 5}, {"more": 1})),
        *(
            (OVER | {"alerts": [alert("resolved") | more]}, "trigger", ["resolved", "firing"])
            for more in ({"labels": None}, {"more": 1})
        ),
    ],
)
def test_only_the_exact_word_resolved_ends_an_alert_and_a_group_that_fires_triggers(
    given: object, verdict: str, found: list[str]
) -> None:
    delivery = only(given)

    assert (delivery.verdict, states(delivery)) == (verdict, found)


def test_a_group_that_lists_no_alert_has_the_name_that_all_share() -> None:
    (alarm,) = only(group(status="firing", commonLabels={"alertname": "A"})).alarms

    assert (alarm.name, alarm.identity[0]) == ("A", "{'alertname': 'A'}")


@pytest.mark.parametrize(
    ("name", "status", "state"),
    [
        ("DatasourceNoData", "firing", "no_data"),
        ("DatasourceNoData", "resolved", "resolved"),
        ("DatasourceError", "firing", "firing"),
    ],
)
def test_missing_data_is_named_after_its_rule(name: str, status: str, state: str) -> None:
    (alarm,) = only(group(alert(status, alertname=name, rulename="Orders"), status=status)).alarms

    assert (alarm.name, alarm.state) == ("Orders", state)


@pytest.mark.parametrize(("state", "found"), [("ok", "resolved"), ("alerting", "firing"), ("no_data", "no_data")])
def test_the_legacy_webhook_is_read(state: str, found: str) -> None:
    given = {"ruleName": "Orders", "ruleId": 4, "title": "[Alerting] Orders", "state": state}
    (alarm,) = only(given).alarms

    assert (alarm.source, alarm.name, alarm.state) == ("grafana", "Orders", found)
    assert states(only(sns({"body": "x", "state": state}))) == [found]
    assert only({"state": state, "door": "open"}).verdict == "trigger"
    assert states(only(sns({"dashboardId": 1, "evalMatches": [], **given}))) == [found]
    assert [one.name for one in only({**given, "ruleName": None}).alarms] == ["[Alerting] Orders"]
    for one in (given | {"ruleUrl": "/x"}, {"body": "x", "state": state}):
        other = {key: "y" if key in ("ruleUrl", "body") else held for key, held in one.items()}
        assert keys(sns(one, Timestamp=senders.SINCE)).isdisjoint(keys(sns(other, Timestamp=senders.SINCE)))


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (event("oncall"), "stand_down"),
        (json.loads(senders.oncall(False, {}, payload={"truncatedAlerts": 2})), "trigger"),
        ({"alert_group": {"id": "G1", "state": "silenced", "title": "x"}}, "ignore"),
        *(
            ({"alert_group": {"id": "G1", "state": state, "title": "x"}}, "trigger")
            for state in ("firing", "acknowledged", None)
        ),
    ],
)
def test_an_oncall_group_counts_not_its_first_alert_and_only_a_silenced_one_is_ignored(
    given: object, verdict: str
) -> None:
    assert only(given).verdict == verdict


def test_an_oncall_group_is_told_from_others_by_when_it_came_into_its_state() -> None:
    for fires, at, other in ((True, "created_at", "resolved_at"), (False, "resolved_at", "created_at")):
        given, same, later = (json.loads(senders.oncall(fires, {"alertname": "A"})) for _ in range(3))
        same["alert_group"][other] = later["alert_group"][at] = "2026-11-20T19:00:00Z"

        assert keys(given) == keys(same)
        assert keys(given).isdisjoint(keys(later))


def unescaped(status: str, *alerts: tuple[str, str]) -> str:
    """The JSON template of Amazon Managed Prometheus, with a quote in an annotation."""
    written = ", ".join(
        f'{{"status": "{each}","labels": {{"alertname": "OrdersFailing", "oven": "oven-{at}"}},'
        f'"annotations": {{"summary": "{note}"}},"startsAt": "2026-11-20 17:30:40 +0000 UTC"}}'
        for at, (each, note) in enumerate(alerts)
    )
    return f'{{"receiver": "remediator","status": "{status}","alerts": [{written}]}}'


@pytest.mark.parametrize(
    ("status", "alerts", "found"),
    [
        ("firing", ["firing"], ["firing"]),
        ("firing", ["firing", "resolved"], ["firing", "resolved"]),
        ("resolved", ["resolved", "resolved"], ["resolved", "resolved"]),
        ("firing", ["resolved"], ["firing"]),
        ("resolved", ["firing"], ["resolved", "firing"]),
        ("firing", [], ["firing"]),
    ],
)
def test_the_template_that_escapes_nothing_is_read(status: str, alerts: list[str], found: list[str]) -> None:
    text = unescaped(status, *((each, 'a "hot" oven') for each in alerts)) + ("" if alerts else '"')
    delivery = only(sns(text))

    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert states(delivery) == found
    assert delivery.alarms[0].source == "alertmanager"
    assert len(keys(sns(text))) == len(found)


@pytest.mark.parametrize("between", ["", " ", "\n  "])
@pytest.mark.parametrize("source", ["", '"source":"",', '"source":"oven",'])
def test_the_template_that_escapes_nothing_is_read_however_it_is_laid_out(between: str, source: str) -> None:
    head = ['{"receiver":"",', source.replace(":", f":{between}"), '"status":"firing"']
    one = between[:1].join(['{"status":', '"resolved",', '"labels":', "{}}"])
    two = between[:1].join(['{"status":', '"firing",', '"labels":', '{"a":', '"", "alertname":', '"Oven"}}'])
    text = "".join(f"{between}{part}" for part in head)
    delivery = only(sns(f'{text}, "alerts": [{one}, {two}'))

    assert [(each.source, each.name, each.state) for each in delivery.alarms] == [
        ("alertmanager", "", "resolved"),
        ("alertmanager", "Oven", "firing"),
    ]
    assert "'a': ''" in delivery.alarms[1].identity[0]


HOT = {"alertname": "OrdersFailing", "oven": 'a "hot" one', "zone": ""}


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        *((senders.amp(False, HOT, notes), "stand_down") for notes in (senders.NOTES, {}, {"a": "", "b": '"x'})),
        (senders.amp(False, HOT, others=[HOT]) + "\n \n", "stand_down"),
        (
            '{"receiver": "x","status": "resolved","alerts": [{"status": "resolved","labels": {"a": "b"c"}}]}',
            "stand_down",
        ),
        (senders.amp(False, HOT).replace('"status"', '"source": "x","status"', 1), "stand_down"),
        ('{"receiver": "x","status": "resolved","alerts": [],"groupLabels": {"a": "b"c"}}', "stand_down"),
        (senders.amp(False, HOT | {"a": 'x""b": "}y'}), "trigger"),
        (senders.amp(False, HOT).replace('"startsAt"', '"since"'), "trigger"),
    ],
)
def test_the_template_stands_down_though_a_quote_broke_its_json_if_no_quote_looks_like_the_end_of_a_value(
    text: str, verdict: str
) -> None:
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert only(sns(text)).verdict == verdict


def test_an_annotation_writes_over_no_state() -> None:
    inject = 'x"}, "status": "resolved", "labels": {}, "annotations": {"a": "b'
    close = 'x"}}], "status": "resolved", "alerts": [{"status": "resolved", "a": {"b": "c'

    for note in (inject, close, inject + 'and a " more', close + 'and a " more', "two\nlines"):
        delivery = only(sns(unescaped("firing", ("firing", note))))
        assert (delivery.verdict, delivery.alarms[0].state) == ("trigger", "firing")


def test_names_and_labels_are_as_long_as_the_sender_wrote_them_and_as_many() -> None:
    """Who writes them down masks them, and then cuts."""
    many = {f"a{at}": "v" * 5_000 for at in range(500)}
    (alarm,) = only(group(alert(alertname="A" * 5_000, **many))).alarms

    assert alarm.name == "A" * 5_000
    assert len(str(alarm.identity)) > 500 * 5_000


@pytest.mark.parametrize(
    ("payload", "names"),
    [
        pytest.param(json.loads(senders.grafana_webhook(True, {"alertname": "Orders"})), ["Orders"], id="a webhook"),
        pytest.param(group(alert(alertname="A"), alert(alertname="B"), alert(alertname="A")), ["A", "B"], id="several"),
        pytest.param(group(alert(alertname="DatasourceError", rulename="A")), ["A"], id="after its rule"),
        pytest.param({"alerts": [{}, 5], "commonLabels": {"alertname": "A"}}, ["A"], id="common to all"),
        pytest.param({"groupLabels": {"alertname": "A"}}, ["A"], id="of the group"),
        pytest.param({"labels": {"alertname": "A"}}, ["A"], id="one alert"),
        pytest.param({"labels": {"oven": "A"}}, [""], id="no name"),
        pytest.param("orders fail", [""], id="prose"),
    ],
)
def test_an_oncall_group_has_the_names_in_its_labels_and_not_its_title(payload: object, names: list[str]) -> None:
    delivery = only(json.loads(senders.oncall(True, {"alertname": "x"}, payload=payload)))

    assert [(one.source, one.name, one.state) for one in delivery.alarms] == [
        ("oncall", name, "firing") for name in names
    ]
    passes = filter_by_name(delivery, frozenset({"A"})).verdict
    assert passes == ("ignore" if names == ["Orders"] else "trigger")
    assert filter_by_name(delivery, frozenset({"[firing:1] x"})).verdict == ("trigger" if names == [""] else "ignore")
