from datetime import UTC, datetime

import pytest

from remediator.alarms import AlarmVerdict
from tests.unit.alarms.examples import event, keys, only, states

BEGAN = datetime(2026, 11, 20, 17, 31, 5, 377_000, UTC)


def notice(**more: object) -> dict[str, object]:
    """The SNS message, bare, of the first years: without an ARN."""
    return {
        "AlarmName": "ovens-cold",
        "AWSAccountId": "210987654321",
        "Region": "EU (Frankfurt)",
        "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed",
        "StateChangeTime": "2017-03-01T10:15:00.000+0000",
        **more,
    }


def happening(state: dict[str, object], **detail: object) -> dict[str, object]:
    """An EventBridge event."""
    state = {"value": "ALARM", "timestamp": "2026-11-20T17:31:05.377+0000", **state}
    return {
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "time": "2026-11-20T17:31:05Z",
        "resources": ["arn:aws:cloudwatch:eu-central-1:210987654321:alarm:ovens-cold"],
        "detail": {"alarmName": "ovens-cold", "state": state, **detail},
    }


@pytest.mark.parametrize("name", ["cloudwatch-alarm", "eventbridge-alarm", "cloudwatch-direct"])
def test_one_transition_has_one_key_whichever_way_it_comes(name: str) -> None:
    delivery = only(event(name))
    (alarm,) = delivery.alarms

    assert (delivery.verdict, alarm.source, alarm.state) == ("trigger", "cloudwatch", "firing")
    assert (alarm.name, alarm.identity[-1]) == ("pizza-orders-failing", str(BEGAN))
    assert keys(event(name)) == keys(event("cloudwatch-alarm"))


def test_an_alarm_that_is_ok_stands_down() -> None:
    assert only(event("cloudwatch-ok")).verdict is AlarmVerdict.STAND_DOWN


@pytest.mark.parametrize(
    ("word", "state", "verdict"),
    [
        ("ALARM", "firing", "trigger"),
        ("INSUFFICIENT_DATA", "no_data", "trigger"),
        ("OK", "resolved", "stand_down"),
        ("ok", "firing", "trigger"),
        (None, "firing", "trigger"),
        (["OK"], "firing", "trigger"),
    ],
)
def test_only_the_exact_word_ok_stands_down(word: object, state: str, verdict: str) -> None:
    for delivery in (only(notice(NewStateValue=word)), only(happening({"value": word}))):
        assert (delivery.verdict, states(delivery)) == (verdict, [state])


@pytest.mark.parametrize("written", ["date", "2023-08-04T12: 36: 15+0000", "", 5, None, "9" * 99])
def test_a_time_nobody_can_read_stops_nothing(written: object) -> None:
    assert only(notice(StateChangeTime=written)).verdict == "trigger"


def test_other_transitions_contributors_alarms_and_accounts_have_other_keys() -> None:
    given = [
        notice(),
        notice(StateChangeTime="2017-03-01T10:45:00.000+0000"),
        notice(NewStateValue="OK"),
        notice(AlarmName="ovens-hot"),
        notice(AWSAccountId="109876543210"),
        notice(AlarmContributorId="4be71c02aa9d5f36"),
        notice(AlarmContributorId="5be71c02aa9d5f37"),
    ]

    assert len(set.union(*map(keys, given))) == len(given)


def test_a_repeat_has_the_same_key() -> None:
    assert keys(notice(NewStateReason="still")) == keys(notice())


def test_a_contributor_is_told_from_others() -> None:
    assert keys(event("sqs-sns-contributor")).isdisjoint(keys(event("cloudwatch-alarm")))


def test_a_contributor_event_is_an_alarm() -> None:
    given = happening({}, alarmContributor={"id": "4be71c02", "attributes": {"oven": "oven-4"}})

    assert only(given).verdict == "trigger"
    assert keys(given).isdisjoint(keys(happening({})))


@pytest.mark.parametrize("by", ["WaitPeriod", "ExtensionPeriod", "Alarm"])
def test_an_alarm_that_is_suppressed_now_is_ignored(by: str) -> None:
    assert only(happening({"actionsSuppressedBy": by})).verdict == "ignore"
    assert only(happening({}, previousState={"actionsSuppressedBy": by})).verdict == "trigger"


def test_an_alarm_that_is_muted_now_is_ignored() -> None:
    assert only(happening({}, muteDetail={"mutedByArn": "arn:mute"})).verdict == "ignore"
    assert only(happening({}, muteDetail=None)).verdict == "trigger"
    assert only(notice(ActionExecutedAfterMuteWindow=True)).verdict == "trigger"


@pytest.mark.parametrize("operation", ["create", "update", "delete"])
def test_a_configuration_change_is_ignored(operation: str) -> None:
    change = {"detail-type": "CloudWatch Alarm Configuration Change"}

    assert only({**happening({}, operation=operation), **change}).verdict == "ignore"


@pytest.mark.parametrize(
    ("more", "verdict"),
    [
        ({"source": "aws.ec2"}, "ignore"),
        ({"source": "aws.ec2", "detail": {"alarmName": "ovens-cold"}}, "trigger"),
        ({"source": "aws.cloudwatch"}, "trigger"),
        ({"source": "pizza.kitchen"}, "trigger"),
    ],
)
def test_only_an_event_of_another_aws_service_is_ignored(more: dict[str, str], verdict: str) -> None:
    given = {"detail-type": "Something Happened", "detail": {"state": "terminated"}, **more}

    assert only(given).verdict == verdict


def test_the_detail_alone_is_an_alarm() -> None:
    assert only(happening({"value": "OK"})["detail"]).verdict == "stand_down"
