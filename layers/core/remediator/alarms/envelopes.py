"""What AWS put around a message: taken off here, so that the readers see content alone.

SNS to Lambda and over HTTP, SQS (raw, or with SNS inside), what EventBridge Pipes makes of either, EventBridge,
CloudWatch's direct action, a function's result, the bare message. AWS Lambda developer guide: "Invoking Lambda
functions with Amazon SNS notifications", "Using Lambda with Amazon SQS", "Capturing records of Lambda asynchronous
invocations"; Amazon SNS developer guide: "Parsing Amazon SNS message formats"; Amazon EventBridge user guide: "Pipes
batching and concurrency".
"""

from collections.abc import Mapping
from datetime import datetime

from . import fields
from .alarm import AlarmVerdict, Delivery, IncomingMessage
from .shapes import Shape, is_sound, shape_of

MAX_LAYERS = 8  # SNS in SQS, a function's result, JSON in a text: real ones have four
# The key that each envelope keeps its message under.
INNER: Mapping[Shape | None, str] = {
    Shape.RECORD: "Sns",
    Shape.SNS: "Message",
    Shape.BODY: "body",
    Shape.DESTINATION: "responsePayload",
}
RESULT = "Lambda Function Invocation Result"
CONFIRMATIONS = {"SubscriptionConfirmation", "UnsubscribeConfirmation"}


def unpack(event: object, function_arn: str) -> list[IncomingMessage | Delivery]:
    """One message for each record of the event, or what it asks for unread, in order."""
    if not isinstance(event, dict | list) or not event:
        return [_refused("There is no envelope: no whole JSON object or array, or an empty one.")]
    given = event if isinstance(event, list) else [event]
    records = [record for each in given for record in _records(each)]
    return [_record(each, function_arn) for each in records] or [_refused("The envelope holds no record.")]


def _records(event: object) -> list[object]:
    """The event's records, or the event as its only one. A text, which only an array can hold, is a message."""
    if isinstance(event, str) and event.strip():
        return [{"Message": event}]
    held = fields.mapping(event)
    if shape_of(held) is not Shape.RECORDS or not is_sound(held):
        return [event]
    records = held["Records"]
    return records if isinstance(records, list) else [records if len(held) == 1 else event]


def _record(record: object, function_arn: str) -> IncomingMessage | Delivery:
    if not isinstance(record, dict) or not record:
        return _refused("The record is no JSON object, or an empty one.")
    return _opened(record, function_arn)


def _refused(reason: str) -> Delivery:
    return Delivery(AlarmVerdict.REFUSE, (), reason)


def _opened(content: object, function_arn: str) -> IncomingMessage | Delivery:
    """The content below all layers. Its time is the first SNS layer's, or else the outermost's."""
    subject, sent_at, published_at, sound = "", None, None, True
    for _ in range(MAX_LAYERS):
        written = fields.text(content)
        content, unique = _parsed(content)
        if not isinstance(content, dict):
            break
        sound = sound and unique and is_sound(content, written)
        if sound:
            sent_at = sent_at or _time(content)
        if reason := _needless(content, function_arn):
            return IncomingMessage(content, subject, published_at or sent_at, None, sound).ignored(reason)
        inner = _inner(content)
        if inner not in content:
            break
        if inner == "Message" and sound:
            published_at = published_at or fields.moment(content.get("Timestamp"))
            subject = fields.text(content.get("Subject")) or subject
        content = content[inner]
    else:
        sound = False
    kept = content if isinstance(content, dict) else fields.text(content)
    return IncomingMessage(kept, subject, published_at or sent_at, shape_of(fields.mapping(kept)), sound)


def _parsed(content: object) -> tuple[object, bool]:
    """The value of a JSON object or text written as a text, and whether no key came twice; all else as it is."""
    unique = True
    for _ in range(2):  # some senders encode twice
        if not isinstance(content, str) or content.lstrip()[:1] not in ("{", '"'):
            break
        try:
            content, once = fields.parse(content)
        except (ValueError, RecursionError):
            break
        unique = unique and once
    return content, unique


def _inner(content: Mapping[str, object]) -> str | None:
    """The key of what the envelope holds."""
    shape = shape_of(content)
    if shape is Shape.EVENT and fields.text(content.get("detail-type")).startswith(RESULT):
        return "detail"
    if content.keys() == {"body", "state"}:  # Amazon Managed Grafana's alert
        return None
    return INNER.get(shape)


def _needless(content: Mapping[str, object], function_arn: str) -> str:
    """Why nobody need read it, or ""."""
    if fields.text(content.get("Type")) in CONFIRMATIONS and {"Token", "SubscribeURL"} & content.keys():
        return "SNS asks to confirm a subscription, which is not an alarm."
    written_by = fields.text(fields.mapping(content.get("requestContext")).get("functionArn"))
    ours = function_arn and written_by.split(":")[:7] == function_arn.split(":")[:7]  # an eighth is a version
    dead = "A dead letter came round again: its alarm was delivered before."
    return dead if ours and "requestPayload" in content else ""


def _time(content: Mapping[str, object]) -> datetime | None:
    """SQS's time of sending, or the `time` of EventBridge and of CloudWatch's direct action."""
    sent = fields.mapping(content.get("attributes")).get("SentTimestamp")
    written = content.get("time") if "source" in content else None
    return fields.since_epoch(sent) or fields.moment(written)
