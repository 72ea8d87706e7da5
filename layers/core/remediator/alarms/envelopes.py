"""What AWS put around a message: taken off here, so that the readers see content alone.

SNS to Lambda and over HTTP, SQS (raw, or with SNS inside), EventBridge, CloudWatch's direct
action, the bare message. AWS Lambda developer guide: "Invoking Lambda functions with
Amazon SNS notifications", "Using Lambda with Amazon SQS", "Capturing records of Lambda
asynchronous invocations"; Amazon SNS developer guide: "Parsing Amazon SNS message formats".
"""

from collections.abc import Mapping
from datetime import datetime

from . import fields
from .alarm import AlarmVerdict, Delivery, IncomingMessage

MAX_LAYERS = 6  # SNS in SQS, JSON in a text: real ones have three
# The key an envelope keeps its message under, and the keys that mark it: any one of them will do.
LAYERS = (
    ("Message", {"TopicArn", "MessageId", "Type", "Signature"}),
    ("body", {"receiptHandle", "md5OfBody", "eventSource"}),
)
CONFIRMATIONS = {"SubscriptionConfirmation", "UnsubscribeConfirmation"}


def unpack(event: object) -> list[IncomingMessage | Delivery]:
    """One message for each record of the event, or what it asks for unread, in order."""
    if not isinstance(event, dict) or not event:
        return [_refused("There is no envelope: no whole JSON object, or an empty one.")]
    records = event.get("Records")
    if not isinstance(records, list) and event.keys() != {"Records"}:
        return [_opened(event)]
    records = records if isinstance(records, list) else [records]
    return [_record(record) for record in records] or [_refused("The envelope holds no record.")]


def _record(record: object) -> IncomingMessage | Delivery:
    if not isinstance(record, dict) or not record:
        return _refused("The record is no JSON object, or an empty one.")
    sns = fields.mapping(record.get("Sns"))
    return _opened({"Type": "Notification", **sns} if sns else {"eventSource": "", **record})


def _refused(reason: str) -> Delivery:
    return Delivery(AlarmVerdict.REFUSE, (), reason)


def _opened(content: object) -> IncomingMessage | Delivery:
    """The content below all layers. Its time is the first SNS layer's, or else the outermost's."""
    subject, sent_at, published_at = "", None, None
    for _ in range(MAX_LAYERS):
        content = _value(_value(content))  # some senders encode twice
        if not isinstance(content, dict):
            break
        sent_at = sent_at or _time(content)
        if reason := _needless(content):
            return Delivery(AlarmVerdict.IGNORE, (), reason, published_at or sent_at)
        inner = next((key for key, marks in LAYERS if key in content and marks & content.keys()), "")
        if not inner:
            break
        if inner == "Message":
            published_at = published_at or fields.moment(content.get("Timestamp"))
            subject = fields.text(content.get("Subject")) or subject
        content = content[inner]
    kept = content if isinstance(content, dict) else fields.text(content)
    return IncomingMessage(kept, subject, published_at or sent_at)


def _value(content: object) -> object:
    """A JSON object, or a text, that is written as a text: read. All else as it is."""
    if not isinstance(content, str) or content.lstrip()[:1] not in ("{", '"'):
        return content
    try:
        return fields.parse(content)
    except (ValueError, RecursionError):
        return content


def _needless(content: Mapping[str, object]) -> str:
    """Why nobody need read it, or "". It takes two marks: one alone may be a damaged alarm's."""
    if fields.text(content.get("Type")) in CONFIRMATIONS and {"Token", "SubscribeURL"} & content.keys():
        return "SNS asks to confirm a subscription, which is not an alarm."
    for letter in (content, fields.mapping(content.get("detail"))):
        if "requestPayload" in letter and isinstance(letter.get("requestContext"), dict):
            return "A dead letter came round again: its alarm was delivered before."
    return ""


def _time(content: Mapping[str, object]) -> datetime | None:
    """SQS's time of sending, or the `time` of EventBridge and of CloudWatch's direct action."""
    sent = fields.mapping(content.get("attributes")).get("SentTimestamp")
    written = content.get("time") if "source" in content else None
    return fields.since_epoch(sent) or fields.moment(written)
