"""CloudWatch's alarms: metric, math, anomaly, composite, and contributors of many time series.

Three shapes: the SNS message, a notice (`NewStateValue`; 2017 to 2026, with an ARN since 2021), the
EventBridge event (`detail`) and the direct Lambda action (`alarmData`). Amazon CloudWatch user
guide: "Alarm events and EventBridge", "Invoke a Lambda function from an alarm".
"""

from collections.abc import Mapping

from . import fields
from .alarm import AlarmState, IncomingMessage, Reading, Source

STATES = {"OK": AlarmState.RESOLVED, "INSUFFICIENT_DATA": AlarmState.NO_DATA}  # all else fires
CHANGE = "CloudWatch Alarm Configuration Change"
# Whose events are no alarms, as the EventBridge reference names their sources. Any other may be somebody's alarm.
NO_ALARMS = {f"aws.{name}" for name in ("autoscaling", "codebuild", "codepipeline", "ec2", "ecr", "ecs", "guardduty")}
NO_ALARMS |= {"aws.health", "aws.rds", "aws.s3"}
OF_EVENT = {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail", "replay-name"}


def read_notice(message: IncomingMessage) -> Reading:
    """An alarm's SNS message. Before 2021 account and region stand for the ARN."""
    body = fields.mapping(message.content)
    place = " ".join(fields.text(body.get(key)) for key in ("AWSAccountId", "Region"))
    arn = fields.text(body.get("AlarmArn")) or place
    name, value, since = (body.get(key) for key in ("AlarmName", "NewStateValue", "StateChangeTime"))
    contributor = fields.text(body.get("AlarmContributorId"))
    alarm = message.alarm(
        Source.CLOUDWATCH, fields.text(name), _state(value), arn, fields.text(name), contributor, since=since
    )
    return message.delivery((alarm,), whole=fields.are_texts(name, value, since, body.get("NewStateReason")))


def read_event(message: IncomingMessage) -> Reading:
    """An event, a direct action, or an event's detail that a rule passed on alone."""
    body = fields.mapping(message.content)
    detail = _detail(body)
    if detail is None:
        return _other(message, body)
    ours = detail is body or body.get("source") == "aws.cloudwatch"
    if ours and body.get("detail-type") == CHANGE and "operation" in detail:
        return message.ignored("A configuration change says nothing of the alarm's state.")
    if ours and _quiet(detail):
        return message.ignored("The alarm's actions are suppressed or muted now.")
    state, contributor = (fields.mapping(detail.get(key)) for key in ("state", "alarmContributor"))
    resources = body.get("resources")
    arn = resources[0] if isinstance(resources, list) and resources else body.get("alarmArn")
    name, value, since = detail.get("alarmName"), state.get("value"), state.get("timestamp")
    identity = (fields.text(each) for each in (arn, name, contributor.get("id")))
    alarm = message.alarm(
        Source.CLOUDWATCH, fields.text(name), _state(value), *identity, since=since or body.get("time")
    )
    return message.delivery((alarm,), whole=ours and fields.are_texts(name, value, since))


def _state(value: object) -> AlarmState:
    return STATES.get(fields.text(value), AlarmState.FIRING)


def _detail(body: Mapping[str, object]) -> Mapping[str, object] | None:
    """The alarm of an event: below `detail` or `alarmData`, or passed on alone by a rule."""
    for below in (fields.mapping(body.get("detail")), fields.mapping(body.get("alarmData"))):
        if "alarmName" in below or "value" in fields.mapping(below.get("state")):
            return below
    return body if "alarmName" in body and isinstance(body.get("state"), dict) else None


def _quiet(detail: Mapping[str, object]) -> bool:
    """Whether the present state, not the previous one, is suppressed or muted."""
    state, mute = (fields.mapping(detail.get(key)) for key in ("state", "muteDetail"))
    marks = (state.get("actionsSuppressedBy"), mute.get("mutedByArn"))
    return any(fields.text(mark).strip() for mark in marks)


def _other(message: IncomingMessage, body: Mapping[str, object]) -> Reading:
    no_alarm = fields.text(body.get("source")) in NO_ALARMS
    if no_alarm and {"detail-type", "detail"} <= body.keys() <= OF_EVENT:
        return message.ignored("An EventBridge event of this service is not an alarm.")
    return None
