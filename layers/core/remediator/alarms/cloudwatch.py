"""CloudWatch's alarms: metric, math, anomaly, composite, and contributors of many time series.

Three shapes: the SNS message (`NewStateValue`; 2017 to 2026, with an ARN since 2021), the
EventBridge event (`detail`) and the direct Lambda action (`alarmData`). Amazon CloudWatch user
guide: "Alarm events and EventBridge", "Invoke a Lambda function from an alarm".
"""

from collections.abc import Mapping

from . import fields
from .alarm import AlarmState, IncomingMessage, Reading, Source

STATES = {"OK": AlarmState.RESOLVED, "INSUFFICIENT_DATA": AlarmState.NO_DATA}  # all else fires
CHANGE = "CloudWatch Alarm Configuration Change"


def read(message: IncomingMessage) -> Reading:
    body = message.content
    if isinstance(body, str):
        return None
    if "NewStateValue" in body or "AlarmName" in body:
        body = _as_event(body)
    detail = _detail(body)
    if detail is None:
        return _other(message, body)
    if body.get("detail-type") == CHANGE and "operation" in detail:
        return message.ignored("A configuration change says nothing of the alarm's state.")
    if _quiet(detail):
        return message.ignored("The alarm's actions are suppressed or muted now.")
    state, contributor = (fields.mapping(detail.get(key)) for key in ("state", "alarmContributor"))
    resources = body.get("resources")
    arn = resources[0] if isinstance(resources, list) and resources else body.get("alarmArn")
    name = fields.text(detail.get("alarmName"))
    found = message.alarm(
        Source.CLOUDWATCH,
        name,
        STATES.get(fields.text(state.get("value")), AlarmState.FIRING),
        *(fields.text(arn), name, fields.text(contributor.get("id"))),
        since=state.get("timestamp") or body.get("time"),
    )
    return (found,)


def _as_event(body: Mapping[str, object]) -> Mapping[str, object]:
    """The SNS message in the event's words. Before 2021 account and region stand for the ARN."""
    state = {"value": "NewStateValue", "timestamp": "StateChangeTime"}
    detail = {
        "alarmName": body.get("AlarmName"),
        "state": {key: body.get(name) for key, name in state.items()},
        "alarmContributor": {"id": body.get("AlarmContributorId")},
    }
    place = " ".join(fields.text(body.get(key)) for key in ("AWSAccountId", "Region"))
    return {"alarmArn": body.get("AlarmArn") or place, "detail": detail}


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
    source = fields.text(body.get("source"))
    foreign = source.startswith("aws.") and source != "aws.cloudwatch"
    if foreign and {"detail-type", "detail"} <= body.keys():
        return message.ignored("An EventBridge event of another service is not an alarm.")
    return None
