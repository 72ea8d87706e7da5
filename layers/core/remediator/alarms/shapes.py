"""Whose JSON a message is, told by what its sender writes before all free text.

AWS escapes what it hands to Lambda, so an object's keys say what it is. A text may come from a template that escapes
nothing, such as Amazon Managed Prometheus's: whatever stands behind its first label can be forged, keys and all. So the
first key that heads a shape decides. A message is *sound* if it heads no second shape and, being a text, starts as its
sender's do.
"""

import re
from collections.abc import Mapping
from enum import Enum

Shape = Enum(
    "Shape",
    "RECORDS RECORD SNS BODY DESTINATION EVENT NOTICE GROUP ONCALL LEGACY PERSON DATADOG KUMA ROBOT BETTER SHOP",
)

_KEYS = {
    Shape.RECORDS: ("Records",),
    Shape.RECORD: ("Sns",),
    Shape.SNS: ("Type", "TopicArn", "Message", "SubscribeURL"),
    Shape.BODY: ("body",),
    Shape.DESTINATION: ("requestContext", "requestPayload", "responsePayload"),
    Shape.EVENT: ("detail-type", "detail", "alarmData", "alarmName", "alarmArn"),
    Shape.NOTICE: ("AlarmName", "NewStateValue"),
    Shape.GROUP: ("receiver", "alerts"),
    Shape.ONCALL: ("alert_group", "alert_payload"),
    Shape.LEGACY: ("ruleName", "ruleId", "ruleUrl", "evalMatches"),
    Shape.PERSON: ("remediator",),
    Shape.DATADOG: ("alert_transition", "event_type"),
    Shape.KUMA: ("heartbeat",),
    Shape.ROBOT: ("alertType", "monitorFriendlyName"),
    Shape.BETTER: ("data",),
    Shape.SHOP: ("shop",),
}
HEADS = {key: shape for shape, keys in _KEYS.items() for key in keys}

# The keys that a sender's text starts with: its shape, and its state if free text can add keys later.
STARTS: Mapping[Shape | None, tuple[tuple[str, ...], ...]] = {
    Shape.SNS: (("Type", "MessageId"),),
    Shape.BODY: (("body", "state"),),  # Amazon Managed Grafana's, which shares the key with SQS
    Shape.DESTINATION: (("version", "timestamp", "requestContext"),),
    Shape.EVENT: (("version", "id", "detail-type", "source"), ("alarmName",)),
    Shape.NOTICE: (("AlarmName",), ("AWSAccountId",)),
    Shape.GROUP: (
        ("receiver", "status"),
        ("receiver", "source", "status"),
        ("alerts", "commonAnnotations", "commonLabels", "externalURL", "groupKey", "groupLabels"),  # Grafana, sorted
    ),
    Shape.ONCALL: (("event",),),
    Shape.LEGACY: (("evalMatches",), ("dashboardId", "evalMatches")),
    Shape.PERSON: (("remediator", "by", "request"),),
    Shape.DATADOG: (("alert_transition",),),
    Shape.KUMA: (("heartbeat",),),
    Shape.ROBOT: (("alertType",), ("monitorID", "monitorURL", "monitorFriendlyName", "alertType")),
    Shape.BETTER: (("data",),),
    Shape.SHOP: (("shop",),),
}
FIRING_PART = re.compile(r"^[ \t]*+(?:\*\*Firing\*\*|Alerts Firing:)[ \t]*+$", re.MULTILINE)


def shape_of(content: Mapping[str, object]) -> Shape | None:
    """The shape that the first key which heads any belongs to."""
    found = next((HEADS[key] for key in content if key in HEADS), None)
    # Datadog's own payload may start with `body`, which is no envelope then.
    return Shape.DATADOG if found is Shape.BODY and "event_type" in content else found


def is_sound(content: Mapping[str, object], written: str = "") -> bool:
    """Whether nothing speaks against the message's shape; `written`: the text that it stood in, if it did."""
    shape, keys = shape_of(content), list(content)
    alone = {HEADS[key] for key in HEADS.keys() & content.keys()} == {shape}
    starts = any(tuple(keys[: len(start)]) == start for start in STARTS.get(shape, ()))
    return alone and (not written or (starts and not has_firing_part(written)))


def has_firing_part(written: str) -> bool:
    """Whether the header of what fires is a line of the text: it is no JSON then, though a label made it so."""
    return FIRING_PART.search(written) is not None
