"""The kind: the format is chosen by keys that free text can add. A label forges what it likes, and silences nothing."""

import json
import random
import string
from collections.abc import Mapping

import pytest

from remediator.alarms import AlarmVerdict, Delivery, filter_by_name, read
from tests.unit.alarms import senders
from tests.unit.alarms.examples import sns

OK = senders.notice(False, {"alertname": "a"})
NAMED = frozenset({"OrdersFailing"})
DETAIL = json.loads(senders.cloudwatch_event(False, {"alertname": "a"}))["detail"]
MUTED = {"alarmName": "a", "state": {"value": "ALARM", "timestamp": "x"}, "muteDetail": {"mutedByArn": "arn:x"}}
GROUP = {"id": "G1", "state": "resolved", "title": "x"}
TOKEN = {"Type": "SubscriptionConfirmation", "Token": "0a", "SubscribeURL": "https://sns.example", "Message": "x"}
# What a label adds to the message's own keys, each enough to silence it if it were believed.
FORGED: Mapping[str, Mapping[str, object]] = {
    "CloudWatch's OK": {"AlarmName": "a", "NewStateValue": "OK"},
    "all of CloudWatch's OK": json.loads(OK),
    "OnCall resolved": {"alert_group": GROUP},
    "OnCall silenced": {"alert_group": GROUP | {"state": "silenced"}},
    "a subscription": TOKEN,
    "our dead letter": json.loads(senders.result(senders.OURS, {})),
    "another's result": {"requestContext": {"functionArn": "arn:x"}, "responsePayload": json.loads(OK)},
    "another service": {"detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2", "detail": {}},
    "an event": {"detail-type": "x", "source": "aws.cloudwatch", "detail": DETAIL},
    "a mute": {"source": "aws.cloudwatch", "detail": MUTED},
    "a direct action": {"alarmArn": "a", "source": "aws.cloudwatch", "alarmData": DETAIL},
    "a change": json.loads(senders.event(kind="CloudWatch Alarm Configuration Change", detail={"operation": "x"})),
    "Message": {"Type": "Notification", "MessageId": "m", "TopicArn": "t", "Message": OK},
    "body": {"eventSource": "aws:sqs", "md5OfBody": "x", "body": OK},
    "Records": {"Records": [{"Sns": {"Type": "Notification", "Message": OK}}]},
    "legacy": json.loads(senders.legacy(False, {"alertname": "a"})),
    "Datadog recovered": json.loads(senders.datadog(False, {"alertname": "a"})),
    "Uptime Kuma up": json.loads(senders.uptime_kuma(False, {"alertname": "a"})),
    "UptimeRobot up": json.loads(senders.uptimerobot(False, {"alertname": "a"})),
    "Better Stack resolved": json.loads(senders.better_stack(False, {"alertname": "a"})),
    "the shop's word": json.loads(senders.shop(False, {"alertname": "a"})),
    "a version and a state": {"version": "1", "state": "ok", "title": "x"},
    "the status again": {"status": "resolved"},
}


def closing(forged: Mapping[str, object], closed: str, opened: str) -> str:
    """A value that ends the string it stands in and what is around it, adds keys, and opens as much again."""
    return f'x"{closed},{json.dumps(forged)[1:-1]},"z":{opened}"'


def in_an_alert(forged: Mapping[str, object]) -> str:
    return closing(forged, "}}]", '[{"y":{"q":')


def judged(text: object) -> Delivery:
    """What becomes of a message once the settings name the alarms that count."""
    (delivery,) = read(text, senders.OURS)
    return filter_by_name(delivery, NAMED)


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_no_key_that_a_label_adds_silences_the_template_that_escapes_nothing(forged: Mapping[str, object]) -> None:
    for at in ("oven", "zone"):
        labels = {"alertname": "OrdersFailing", at: in_an_alert(forged)}
        text = senders.amp(True, labels, others=[{"alertname": "OrdersFailing", "oven": "oven-5"}])
        later = senders.amp(True, {"alertname": "Others", at: in_an_alert(forged)}, others=[labels])

        for event in (sns(text), sns(later), json.loads(text), {"Records": [{"body": text}]}, [{"body": text}]):
            assert judged(event).verdict == "trigger"


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_once_all_is_over_a_key_that_the_template_does_not_write_asks_for_a_check(
    forged: Mapping[str, object],
) -> None:
    text = senders.amp(False, {"alertname": "OrdersFailing", "oven": in_an_alert(forged)})

    (delivery,) = read(sns(text))
    assert delivery.verdict == "trigger"


def test_whatever_keys_are_forged_wherever_nothing_that_fires_is_silenced() -> None:
    """A thousand at random: any shape's keys, in any label or annotation, of each sender that escapes nothing."""
    chance = random.Random(13)
    templates = (senders.amp, senders.amp, senders.alertmanager_text, senders.grafana_text, senders.datadog)
    for _ in range(1_000):
        forged = dict(item for each in chance.sample(list(FORGED.values()), 2) for item in each.items())
        forged = dict(chance.sample(list(forged.items()), chance.randint(1, len(forged))))
        way = chance.choice([in_an_alert(forged), closing(forged, "}", '{"q":'), json.dumps(forged), OK, word(chance)])
        hostile = {"a": chance.choice(["\n", ""]) + way}
        labels = {"alertname": "OrdersFailing", "oven": "oven-4"} | (hostile if chance.random() < 0.5 else {})
        notes = senders.NOTES if "a" in labels else hostile
        text = chance.choice(templates)(True, labels, notes)
        for event in (sns(text), {"Records": [{"body": text}]}):
            assert judged(event).verdict == "trigger", text


def word(chance: random.Random) -> str:
    """A value as people write them: letters of any script, spaces, and signs."""
    letters = string.ascii_letters + string.digits + " .:/-_()%,;äßщ中"
    return "".join(chance.choices(letters, k=chance.randint(1, 30))).strip() or "x"


@pytest.mark.parametrize("sender", [*senders.SENDERS, *senders.DIRECT], ids=lambda sender: sender.__name__)
def test_what_a_sender_writes_once_all_is_over_stands_down(sender: senders.Sender) -> None:
    chance = random.Random(sender.__name__)
    for _ in range(200):
        labels = {"alertname": word(chance)} | {f"k{at}": word(chance) for at in range(chance.randint(0, 5))}
        notes = {f"n{at}": word(chance) for at in range(chance.randint(1, 3))}
        fires, over = (sender(each, labels, notes) for each in (True, False))
        ways = [sns(over, "[RESOLVED] x"), sns(over), {"Records": [{"body": over}]}]
        bare = [json.loads(over)] if over.startswith("{") else []
        for event in bare if sender in senders.DIRECT else ways + bare:
            assert [each.verdict for each in read(event)] == ["stand_down"], over
        assert [each.verdict for each in read(sns(fires))] == ["trigger"]
        assert [each.verdict for each in read(sns(over, "[FIRING:1] x"))] == ["trigger"]


@pytest.mark.parametrize("sender", [senders.alertmanager_webhook, senders.grafana_webhook, senders.notice])
def test_a_key_that_is_new_is_no_doubt_if_the_sender_escapes(sender: senders.Sender) -> None:
    over = json.loads(sender(False, {"alertname": "OrdersFailing"}, senders.NOTES))

    assert read(sns(over | {"newIn2027": ["a"]}))[0].verdict == "stand_down"
    for other in FORGED["OnCall resolved"], FORGED["another service"], FORGED["Records"]:
        assert read(sns({**over, **other}))[0].verdict == "trigger"


HEADS = """
    Records Sns Type TopicArn Message SubscribeURL body requestContext requestPayload responsePayload detail-type
    detail alarmData alarmName alarmArn AlarmName NewStateValue receiver alerts alert_group alert_payload ruleName
    ruleId ruleUrl evalMatches remediator
"""


@pytest.mark.parametrize("key", HEADS.split())
def test_a_key_that_heads_another_shape_is_in_doubt(key: str) -> None:
    for sender in senders.alertmanager_webhook, senders.notice:
        over = json.loads(sender(False, {"alertname": "OrdersFailing"}, senders.NOTES))

        assert key in over or read(sns(over | {key: "x"}))[0].verdict == "trigger"
        assert read(sns(over | {f"{key}s": "x"}))[0].verdict == "stand_down"


UNSURE = {
    "an unknown header": "**Resolved**\n\nLabels:\n - a = b\nAnnotations:\nSource: x\n\n**🔥 Firing**\n",
    "a state after free text": '{"alerts": [{"labels": {"a": "b"}, "status": "resolved"}], "status": "resolved"}',
    "a key of its own first": json.dumps({"text": "x", **json.loads(OK)}),
    "a status of its own": json.dumps({"status": "resolved", "receiver": "r", "alerts": []}),
    "a state twice": OK.replace('"Region"', '"NewStateValue": "ALARM", "Region"'),
    "a state of another type": OK.replace('"OK"', '["OK"]'),
    "no time": OK.replace("StateChangeTime", "When"),
    "the template cut off": senders.amp(False, {"alertname": "a", "b": 'a "hot" oven'})[:-9],
    "Alertmanager's cut off": senders.alertmanager_text(False, {"alertname": "a"})[:-50],
    "an annotation that heads the text": senders.alertmanager_text(
        True, {"alertname": "OrdersFailing"}, {"a": '{"receiver": "x","status": "resolved"', "z": "}"}
    ).replace(senders.SOURCE, "}"),
    "an annotation that makes it JSON": senders.alertmanager_text(
        True, {"alertname": "OrdersFailing"}, {"a": OK[:-1] + ',"z":"'}
    ).replace("summary", "s"),
    "a cut of many bytes": senders.grafana_text(False, {"alertname": "a", "b": "中" * 70_000}),
}


@pytest.mark.parametrize("text", UNSURE.values(), ids=UNSURE)
def test_a_text_of_which_not_all_is_known_asks_for_a_check(text: str) -> None:
    for event in (sns(text), {"Records": [{"body": text}]}, [text]):
        (delivery,) = read(event)
        assert delivery.verdict is AlarmVerdict.TRIGGER
        assert filter_by_name(delivery, NAMED) == delivery  # whatever names are listed


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        *((line, "trigger") for line in ("**Firing**", "Alerts Firing:", " \t**Firing**\t ", "  Alerts Firing:")),
        *((line, "stand_down") for line in ("x Alerts Firing:", "**Firing** x", "Alerts Firing: 1", "xAlerts Firing:")),
    ],
)
def test_a_line_that_heads_what_fires_is_believed_in_any_json(line: str, verdict: str) -> None:
    hot = {"alertname": "a", "b": f'a "hot" one\n{line}\n'}

    for text in (f'{OK[:-1]},"z":"\n{line}\n"}}', senders.amp(False, hot)):
        assert read(sns(text))[0].verdict == verdict


def test_an_alert_that_a_label_pushed_out_of_the_count_passes_whatever_names_are_listed() -> None:
    forged = f"x\n{senders.grafana_text(True, {'alertname': 'Forged'}).partition('Value')[2]}"
    first = senders.grafana_text(True, {"alertname": "Others", "oven": "x"}, {"summary": forged})
    second = senders.grafana_text(True, {"alertname": "OrdersFailing"}).partition("\n\n")[2]

    assert judged(sns(f"{first}\n{second}", "[FIRING:2] x")).verdict == "trigger"


@pytest.mark.parametrize("cut", [1, 9])
def test_a_group_of_which_alerts_were_cut_passes_whatever_names_are_listed(cut: int) -> None:
    for sender in senders.grafana_webhook, senders.grafana_json, senders.alertmanager_webhook:
        group = json.loads(sender(True, {"alertname": "Others"}, senders.NOTES))

        assert judged(sns(group)).verdict == "ignore"
        assert judged(sns(group | {"truncatedAlerts": cut})).verdict == "trigger"
