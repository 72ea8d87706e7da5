import json
from datetime import UTC, datetime

import pytest

from remediator.alarms import read
from remediator.deadline import Deadline
from tests.support.builders import GOOD, Harness
from tests.unit.alarms import senders
from tests.unit.alarms.examples import event, keys, only, sns

ALARM = {
    "AlarmName": "ovens-cold",
    "NewStateValue": "ALARM",
    "StateChangeTime": "2026-11-20T08:00Z",
}
SNS = {
    "Type": "Notification",
    "MessageId": "m-1",
    "Message": json.dumps(ALARM),
    "Timestamp": "2026-11-20T08:00:01.500Z",
}
SQS = {"eventSource": "aws:sqs", "attributes": {"SentTimestamp": "1795161602000"}}
BY_SNS = datetime(2026, 11, 20, 8, 0, 1, 500_000, UTC)
FAR = datetime(5138, 11, 16, 9, 46, 39, 999_000, UTC)
BY_SQS = datetime(2026, 11, 20, 8, 0, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "sent_at"),
    [
        ({"Records": [{"Sns": SNS}]}, BY_SNS),
        ({"Records": [{"Sns": {"Message": SNS["Message"]}}]}, None),
        ({"Records": [{"Sns": {**SNS, "Subject": None, "MessageAttributes": {}}}]}, BY_SNS),
        ({"Records": [{"Sns": {**SNS, "SigningCertURL": "a", "UnsubscribeURL": "b"}}]}, BY_SNS),
        ({"Records": [{"Sns": {**SNS, "SigningCertUrl": "a", "UnsubscribeUrl": "b"}}]}, BY_SNS),
        ({"Records": [{**SQS, "body": json.dumps(SNS)}]}, BY_SNS),
        ({"Records": [{**SQS, "body": json.dumps(ALARM)}]}, BY_SQS),
        ({"Records": [{**SQS, "body": json.dumps({"text": "x"} | SNS | {"Timestamp": "2001-01-01T00:00Z"})}]}, BY_SQS),
        ({"Records": [{"body": json.dumps(ALARM)}]}, None),
        ({"Records": [{"body": json.dumps(ALARM), "attributes": {"SentTimestamp": "9" * 15}}]}, None),
        ({"Records": [{"body": json.dumps(ALARM), "attributes": {"SentTimestamp": "9" * 14}}]}, FAR),
        ({"Records": [{"body": json.dumps(json.dumps(ALARM))}]}, None),
        ({"Records": {"Sns": SNS}}, BY_SNS),
        (SNS, BY_SNS),
        (ALARM, None),
    ],
)
def test_the_same_alarm_is_read_out_of_every_envelope(given: object, sent_at: datetime | None) -> None:
    delivery = only(given)

    assert (delivery.verdict, delivery.sent_at) == ("trigger", sent_at)
    assert [alarm.name for alarm in delivery.alarms] == ["ovens-cold"]
    assert keys(given) == keys(ALARM)


def test_an_event_keeps_its_key_when_a_rule_sends_it_through_sns() -> None:
    direct = event("eventbridge-alarm")
    at = "2026-11-20T17:31:09Z"

    assert keys(direct) == keys(sns(direct, Timestamp=at))
    assert only(direct).sent_at == datetime(2026, 11, 20, 17, 31, 5, tzinfo=UTC)
    assert only(sns(direct, Timestamp=at)).sent_at == datetime(2026, 11, 20, 17, 31, 9, tzinfo=UTC)


def test_one_bad_record_spoils_no_other() -> None:
    given = {"Records": [None, {"Sns": SNS}, {}, "text", {"Sns": {**SNS, "Message": None}}]}

    assert [one.verdict for one in read(given)] == ["refuse", "trigger", "refuse", "refuse", "trigger"]


@pytest.mark.parametrize("given", [None, 7, float("nan"), "text", [], [7], {}, {"Records": []}])
def test_what_is_no_envelope_is_refused(given: object) -> None:
    delivery = only(given)

    assert (delivery.verdict, delivery.alarms) == ("refuse", ())
    assert delivery.reason.endswith(".")


@pytest.mark.parametrize("message", ["", "a pizza, please", '{"cut": "o', "[1]", None, 5, {"x": 1}])
def test_a_readable_envelope_triggers_whatever_its_text(message: object) -> None:
    delivery = only({"Records": [{"Sns": {"Message": message, "Subject": "hello"}}]})

    assert delivery.verdict == "trigger"
    assert [(one.source, one.name, one.state) for one in delivery.alarms] == [("unknown", "hello", "firing")]


NAMED = {"alertname": "OrdersFailing"}
DEAD_LETTER = json.loads(senders.result(senders.OURS, {"errorMessage": "boom"}))
THEIRS = json.loads(senders.result(f"{senders.OURS}-too", json.loads(senders.grafana_webhook(True, NAMED))))
FAILED = json.loads(senders.result(f"{senders.OURS}-too", {"errorMessage": "boom"}))
OVER = json.loads(senders.result(f"{senders.OURS}-too", senders.amp(False, NAMED)))
CONFIRMATION = {"Token": "0a", "SubscribeURL": "https://sns.example", "Message": "Hi"}


NO_ALARMS = """
    aws.autoscaling aws.codebuild aws.codepipeline aws.ec2 aws.ecr aws.ecs aws.guardduty aws.health aws.rds aws.s3
"""


def by_rule(letter: object) -> object:
    return json.loads(senders.event("lambda", "Lambda Function Invocation Result - Failure", detail=letter))


@pytest.mark.parametrize(
    ("given", "verdict", "names"),
    [
        pytest.param(DEAD_LETTER, "ignore", [], id="our dead letter"),
        pytest.param(sns(DEAD_LETTER), "ignore", [], id="our dead letter by SNS"),
        pytest.param({"Records": [{**SQS, "body": json.dumps(DEAD_LETTER)}]}, "ignore", [], id="by SQS"),
        pytest.param(by_rule(DEAD_LETTER), "ignore", [], id="our dead letter by EventBridge"),
        pytest.param(sns({"x": 1} | DEAD_LETTER), "trigger", [""], id="dead letter after a key of its own"),
        pytest.param(sns(THEIRS), "trigger", ["OrdersFailing"], id="another function's result holds an alarm"),
        pytest.param(by_rule(THEIRS), "trigger", ["OrdersFailing"], id="another function's result by EventBridge"),
        pytest.param(FAILED, "trigger", [""], id="another function failed"),
        pytest.param(OVER, "stand_down", ["OrdersFailing"], id="another function's result says that all is over"),
        pytest.param({**CONFIRMATION, "Type": "SubscriptionConfirmation"}, "ignore", [], id="subscribed"),
        pytest.param({**CONFIRMATION, "Type": "UnsubscribeConfirmation"}, "ignore", [], id="unsubscribed"),
        *(
            pytest.param({"Type": "SubscriptionConfirmation", key: "x"}, "ignore", [], id=f"subscribed with {key}")
            for key in ("Token", "SubscribeURL")
        ),
        pytest.param(
            {**SNS, "Type": "SubscriptionConfirmation"}, "trigger", ["ovens-cold"], id="alarm says subscribed"
        ),
        pytest.param(
            {**SNS, "Type": "UnsubscribeConfirmation"}, "trigger", ["ovens-cold"], id="alarm says unsubscribed"
        ),
        pytest.param(event("manual-test"), "trigger", [""], id="test event by hand"),
        *(
            pytest.param(give(json.loads(senders.event(source))), "ignore", [], id=f"{source} {give.__name__}")
            for source in NO_ALARMS.split()
            for give in (dict, sns)
        ),
        *(
            pytest.param(give(json.loads(senders.event(source, kind))), "trigger", [""], id=f"{source} {give.__name__}")
            for source, kind in {
                "aws.partner/monitor.example/shop": "Monitor Alert",
                "aws.synthetics": "Synthetics Canary TestRun Failure",
                "aws.scheduler": "Scheduled Event",
                "aws.events": "Scheduled Event",
                "aws.ec2.example": "x",
                "pizza.kitchen": "x",
            }.items()
            for give in (dict, sns)
        ),
        pytest.param(sns(senders.event("aws.ec2", more="x")), "trigger", [""], id="aws.ec2 with a key of its own"),
    ],
)
def test_only_what_is_known_to_be_no_alarm_is_ignored(given: object, verdict: str, names: list[str]) -> None:
    (delivery,) = read(given, f"{senders.OURS}:live")

    assert (delivery.verdict, [alarm.name for alarm in delivery.alarms]) == (verdict, names)


@pytest.mark.parametrize(("layers", "verdict"), [(7, "stand_down"), (8, "trigger")])
def test_what_lies_beneath_too_many_layers_is_not_believed(layers: int, verdict: str) -> None:
    given = json.loads(senders.notice(False, NAMED))
    for _ in range(layers):
        given = json.loads(senders.result("arn:x", given))

    assert only(given).verdict == verdict


@pytest.mark.parametrize("given", [{"": ALARM}, {"x": ALARM}, {"Records": ALARM, "x": 1}])
def test_what_stands_under_no_envelopes_key_is_no_message(given: object) -> None:
    assert [one.source for one in only(given).alarms] == ["unknown"]


def test_who_knows_of_no_function_of_its_own_takes_no_dead_letter_for_its_own() -> None:
    assert only(DEAD_LETTER).verdict == "trigger"
    assert only(json.loads(senders.result("", {}))).verdict == "trigger"


def test_what_is_ignored_unread_keeps_its_time() -> None:
    (delivery,) = read(sns(DEAD_LETTER, Timestamp=SNS["Timestamp"]), senders.OURS)

    assert delivery.sent_at == BY_SNS


def test_the_remediator_ignores_the_dead_letters_of_its_own_function() -> None:
    remediator, deadline = Harness(GOOD).remediator, Deadline.after(100)

    (ours,) = remediator.handle(sns(DEAD_LETTER), "r-1", deadline, senders.OURS)
    (theirs,) = remediator.handle(sns(DEAD_LETTER), "r-2", deadline, f"{senders.OURS}-too")

    assert (ours.outcome, theirs.outcome) == ("IGNORED", "ALREADY_HEALTHY")


@pytest.mark.parametrize(
    ("given", "verdicts"),
    [
        ([{**SQS, "body": json.dumps(SNS)}], ["trigger"]),
        ([ALARM, event("cloudwatch-ok"), event("eventbridge-alarm")], ["trigger", "stand_down", "trigger"]),
        ([{"Records": [{"Sns": SNS}, {"Sns": SNS}]}, 7, [], "**Resolved**", " "],
         ["trigger", "trigger", "refuse", "refuse", "trigger", "refuse"]),
        ([{"Records": []}], ["refuse"]),
        ([senders.grafana_text(False, NAMED), senders.notice(False, NAMED)], ["stand_down", "stand_down"]),
    ],
)  # fmt: skip
def test_an_array_is_a_list_of_records(given: object, verdicts: list[str]) -> None:
    assert [one.verdict for one in read(given)] == verdicts


def test_unknown_messages_share_a_key_only_when_they_are_the_same() -> None:
    at = {"Timestamp": "2026-11-20T08:00:01Z"}

    assert keys(sns("hello", **at)) == keys(sns("hello", **at))
    assert keys(sns("hello", **at)).isdisjoint(keys(sns("good evening", **at)))
    assert keys(sns({"a": 1, "b": 2}, **at)) == keys(sns({"b": 2, "a": 1}, **at))
    assert keys(sns({"a": 1, "b": 2}, **at)).isdisjoint(keys(sns({"a": 1, "b": 3}, **at)))
