import json
from datetime import UTC, datetime

import pytest

from remediator.alarms import read
from tests.unit.alarms.examples import event, keys, only, sns

ALARM = {
    "AlarmName": "ovens-cold",
    "NewStateValue": "ALARM",
    "StateChangeTime": "2026-11-20T08:00Z",
}
SNS = {
    "Type": "Notification",
    "Message": json.dumps(ALARM),
    "Timestamp": "2026-11-20T08:00:01.500Z",
}
SQS = {"eventSource": "aws:sqs", "attributes": {"SentTimestamp": "1795161602000"}}
BY_SNS = datetime(2026, 11, 20, 8, 0, 1, 500_000, UTC)
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
        ({"Records": [{"body": json.dumps(ALARM)}]}, None),
        ({"Records": [{"body": json.dumps(json.dumps(ALARM))}]}, None),
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


@pytest.mark.parametrize("given", [None, 7, float("nan"), "text", [], [ALARM], {}, {"Records": []}])
def test_what_is_no_envelope_is_refused(given: object) -> None:
    delivery = only(given)

    assert (delivery.verdict, delivery.alarms) == ("refuse", ())
    assert delivery.reason.endswith(".")


@pytest.mark.parametrize("message", ["", "a pizza, please", '{"cut": "o', "[1]", None, 5, {"x": 1}])
def test_a_readable_envelope_triggers_whatever_its_text(message: object) -> None:
    delivery = only({"Records": [{"Sns": {"Message": message, "Subject": "hello"}}]})

    assert delivery.verdict == "trigger"
    assert [(one.source, one.name, one.state) for one in delivery.alarms] == [("unknown", "hello", "firing")]


DEAD_LETTER = {
    "version": "1.0",
    "requestContext": {"requestId": "r-1", "condition": "RetriesExhausted"},
    "requestPayload": event("cloudwatch-alarm"),
    "responsePayload": {"errorMessage": "boom"},
}


CONFIRMATION = {"Token": "0a", "SubscribeURL": "https://sns.example", "Message": "Hi"}
RESULT = {"detail-type": "Lambda Function Invocation Result - Failure", "detail": DEAD_LETTER}


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        pytest.param(DEAD_LETTER, "ignore", id="dead letter"),
        pytest.param(sns(DEAD_LETTER), "ignore", id="dead letter by SNS"),
        pytest.param({"Records": [{**SQS, "body": json.dumps(DEAD_LETTER)}]}, "ignore", id="dead letter by SQS"),
        pytest.param(RESULT, "ignore", id="dead letter by EventBridge"),
        pytest.param({**CONFIRMATION, "Type": "SubscriptionConfirmation"}, "ignore", id="subscribed"),
        pytest.param({**CONFIRMATION, "Type": "UnsubscribeConfirmation"}, "ignore", id="unsubscribed"),
        pytest.param({**SNS, "Type": "SubscriptionConfirmation"}, "trigger", id="alarm that says subscribed"),
        pytest.param({**SNS, "Type": "UnsubscribeConfirmation"}, "trigger", id="alarm that says unsubscribed"),
        pytest.param(event("manual-test"), "trigger", id="test event by hand"),
    ],
)
def test_only_a_dead_letter_that_comes_round_again_and_a_confirmation_are_ignored(given: object, verdict: str) -> None:
    assert only(given).verdict == verdict


def test_unknown_messages_share_a_key_only_when_they_are_the_same() -> None:
    at = {"Timestamp": "2026-11-20T08:00:01Z"}

    assert keys(sns("hello", **at)) == keys(sns("hello", **at))
    assert keys(sns("hello", **at)).isdisjoint(keys(sns("good evening", **at)))
