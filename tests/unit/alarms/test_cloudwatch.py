import json
from datetime import UTC, datetime

import pytest

from tests.unit.alarms.examples import event, keys, only, sns, states

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


def test_other_transitions_contributors_alarms_and_accounts_have_other_keys() -> None:
    given = [
        happening({}),
        happening({}, alarmContributor={"id": "4be71c02", "attributes": {"oven": "oven-4"}}),
        event("cloudwatch-alarm"),
        event("sqs-sns-contributor"),
        notice(),
        notice(StateChangeTime="2017-03-01T10:45:00.000+0000"),
        notice(NewStateValue="OK"),
        notice(AlarmName="ovens-hot"),
        notice(AWSAccountId="109876543210"),
        notice(Region="EU (Ireland)"),
        notice(AlarmContributorId="4be71c02aa9d5f36"),
        notice(AlarmContributorId="5be71c02aa9d5f37"),
    ]

    assert len(set.union(*map(keys, given))) == len(given)


def test_a_repeat_has_the_same_key() -> None:
    assert keys(notice(NewStateReason="still")) == keys(notice())
    arns = ["arn:aws:cloudwatch:eu-central-1:210987654321:alarm:ovens-cold", "arn:x"]
    assert keys(happening({}) | {"resources": arns}) == keys(happening({}))
    no_time = happening({"timestamp": None})
    assert keys(no_time) == keys(sns(no_time, Timestamp="2026-11-20T17:41:10Z"))


def test_of_a_key_that_comes_twice_the_first_value_counts() -> None:
    twice = '{"AlarmName": "ovens-cold", "AlarmName": "x", "NewStateValue": "ALARM", "NewStateValue": "OK"}'
    (alarm,) = only(sns(twice)).alarms

    assert (alarm.name, alarm.state) == ("ovens-cold", "firing")


SUPPRESSED: dict[str, object] = {"actionsSuppressedBy": "WaitPeriod"}
CHANGED = {"detail-type": "CloudWatch Alarm Configuration Change"}
MUTED = {"detail-type": "CloudWatch Alarm State Change", "source": "aws.cloudwatch"}
QUIET = {"muteDetail": {"mutedByArn": "arn:mute"}}
OTHER = {"detail-type": "Something Happened", "detail": {"state": "terminated"}}
EXAMPLES = {
    "that is OK": (event("cloudwatch-ok"), "stand_down"),
    "with a line break as it is": (sns(json.dumps(notice(NewStateValue="OK")).replace("d C", "d\nC")), "stand_down"),
    "whose detail alone comes by SNS": (sns(happening({"value": "OK"})["detail"]), "stand_down"),
    "that starts with the account": (sns({"AWSAccountId": "2"} | notice(NewStateValue="OK")), "stand_down"),
    "whose detail alone comes": (happening({"value": "OK"})["detail"], "stand_down"),
    "of a contributor": (happening({}, alarmContributor={"id": "4be71c02"}), "trigger"),
    "suppressed to wait": (happening(SUPPRESSED), "ignore"),
    "suppressed a while longer": (happening({"actionsSuppressedBy": "ExtensionPeriod"}), "ignore"),
    "suppressed by another alarm": (happening({"actionsSuppressedBy": "Alarm"}), "ignore"),
    "suppressed before": (happening({}, previousState=SUPPRESSED), "trigger"),
    "muted": (happening({}, muteDetail={"mutedByArn": "arn:mute"}), "ignore"),
    "muted, without a name": ({**MUTED, "detail": {"state": {"value": "OK"}, **QUIET}}, "ignore"),
    "muted, without a state": ({**MUTED, "detail": {"alarmName": "ovens-cold", **QUIET}}, "ignore"),
    "of a name alone, and muted": ({"alarmName": "ovens-cold", **QUIET}, "trigger"),
    "that is OK for somebody else": ({**happening({"value": "OK"}), "source": "pizza.kitchen"}, "trigger"),
    "that is OK since nobody knows when": (happening({"value": "OK", "timestamp": None}), "trigger"),
    "without resources": ({**happening({}), "resources": []}, "trigger"),
    "not muted": (happening({}, muteDetail=None), "trigger"),
    "muted before": (notice(ActionExecutedAfterMuteWindow=True), "trigger"),
    "created": ({**happening({}, operation="create"), **CHANGED}, "ignore"),
    "updated": ({**happening({}, operation="update"), **CHANGED}, "ignore"),
    "deleted": ({**happening({}, operation="delete"), **CHANGED}, "ignore"),
    "of another AWS service": ({**OTHER, "source": "aws.ec2"}, "ignore"),
    "of another AWS service, played again": ({**OTHER, "source": "aws.ec2", "replay-name": "x"}, "ignore"),
    "of another AWS service by its source": ({"source": "aws.ec2", "detail": {"alarmName": "ovens-cold"}}, "trigger"),
    "of CloudWatch by its source": ({**OTHER, "source": "aws.cloudwatch"}, "trigger"),
    "of somebody's own": ({**OTHER, "source": "pizza.kitchen"}, "trigger"),
    **{
        f"of the time {time!r}": (notice(StateChangeTime=time), "trigger")
        for time in ("date", "2023-08-04T12: 36: 15+0000", "", 5, None, "9" * 99)
    },
}


@pytest.mark.parametrize(("given", "verdict"), EXAMPLES.values(), ids=EXAMPLES)
def test_only_what_is_suppressed_or_muted_now_or_is_no_alarm_is_ignored(given: object, verdict: str) -> None:
    assert only(given).verdict == verdict
