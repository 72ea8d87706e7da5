"""What the doctor decides by itself: a topic's policy, a clock, the order of its rows; and its question."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from remediator.alarms import AlarmVerdict, read
from remediator.bootstrap.remediate import ACCESS
from remediator_cli.doctor.checks import CHECKS
from remediator_cli.doctor.deployment import seconds_off
from remediator_cli.doctor.topic_policy import lets_cloudwatch_publish

TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
OURS: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudwatch.amazonaws.com"},
    "Action": "sns:Publish",
    "Resource": TOPIC,
    "Condition": {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:*"},
    },
}
# What SNS itself gives a new topic (SNS developer guide, "Default policy").
DEFAULT = {
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": ["SNS:GetTopicAttributes", "SNS:Publish"],
    "Condition": {"StringEquals": {"AWS:SourceOwner": "123456789012"}},
}
NO_PLAIN_HTTP = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sns:Publish",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


@pytest.mark.parametrize(
    ("statements", "lets"),
    [
        ([OURS], True),
        ([DEFAULT], True),
        (OURS, True),  # a single one may stand without a list
        ([OURS | {"Condition": {}}], True),
        ([OURS | {"Principal": {"Service": ["events.amazonaws.com", "cloudwatch.amazonaws.com"]}}], True),
        ([OURS | {"Action": "sns:*"}], True),
        ([OURS, NO_PLAIN_HTTP], True),
        ([], False),
        ([OURS | {"Action": "sns:Subscribe"}], False),
        ([OURS | {"Principal": {"Service": "events.amazonaws.com"}}], False),
        ([OURS | {"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}}], False),
        ([OURS | {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:*:alarm:*"}}}], False),
        ([OURS | {"Condition": {"StringNotEquals": {"aws:SourceAccount": "123456789012"}}}], False),
        ([OURS, OURS | {"Effect": "Deny", "Condition": {}}], False),
    ],
)
def test_cloudwatch_may_publish_only_where_a_statement_of_this_account_allows_it_and_none_denies_it(
    statements: object, lets: bool
) -> None:
    assert lets_cloudwatch_publish({"Statement": statements}, TOPIC) is lets


@pytest.mark.parametrize(("ahead", "off"), [(0.0, 0.0), (0.4, 0.0), (-20.0, 19.1), (20.0, 19.5)])
def test_clock_is_off_by_what_neither_the_wait_nor_the_headers_whole_seconds_explain(ahead: float, off: float) -> None:
    before = datetime.fromisoformat("2026-11-23T08:00:00.500+00:00") + timedelta(seconds=ahead)
    after = before + timedelta(seconds=0.4)

    assert seconds_off(before, "Mon, 23 Nov 2026 08:00:00 GMT", after) == pytest.approx(off)


def test_question_what_the_function_may_read_is_refused_as_an_alarm() -> None:
    (delivery,) = read(ACCESS)

    assert delivery.verdict is AlarmVerdict.REFUSE


def test_each_check_comes_after_those_it_needs() -> None:
    names = [check.name for check in CHECKS]

    assert len(set(names)) == len(names)
    assert all(set(check.needs) <= set(names[:at]) for at, check in enumerate(CHECKS))
