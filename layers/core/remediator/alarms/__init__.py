"""Alarms of any sender, read into one form: what they ask for, and why.

A readable envelope wakes unless it clearly stands down or needs no reading: the alarm only wakes
us, the sample decides.
"""

import hashlib
import json
from collections.abc import Callable

from . import alertmanager, cloudwatch, envelopes, text
from .alarm import Alarm, Delivery, Message, Reading, Source, State, Verdict

__all__ = ["Alarm", "Delivery", "Source", "State", "Verdict", "heeded", "read"]

# An alarm shape is a row; the first that knows the message reads it.
READERS: tuple[Callable[[Message], Reading], ...] = (cloudwatch.read, alertmanager.read, text.read)


def read(event: object) -> list[Delivery]:
    """One delivery for each record of the event's envelope, in order; at least one.

    The event is any JSON value, as Lambda hands it over. Never raises.
    """
    messages = envelopes.unpack(event)
    return [one if isinstance(one, Delivery) else _delivery(one) for one in messages]


def heeded(delivery: Delivery, names: frozenset[str]) -> Delivery:
    """The delivery, ignored where names are set and none of its alarms has one. What can't be read is heeded always."""
    strangers = (alarm.source is not Source.UNKNOWN and alarm.name not in names for alarm in delivery.alarms)
    if delivery.verdict is not Verdict.WAKE or not names or not all(strangers):
        return delivery
    reason = "No alarm in it is one that the settings name."
    return Delivery(Verdict.IGNORE, delivery.alarms, reason, delivery.sent_at)


def _delivery(message: Message) -> Delivery:
    readings = (reader(message) for reader in READERS)
    found = next((reading for reading in readings if reading is not None), None)
    if isinstance(found, Delivery):
        return found
    if found is None:
        reason = "Nothing we know how to read: in doubt, wake."
        return Delivery(Verdict.WAKE, (_unknown(message),), reason, message.sent_at)
    awake = sum(alarm.state is not State.RESOLVED for alarm in found)
    verdict = Verdict.WAKE if awake else Verdict.STAND_DOWN
    reason = f"{awake} of {len(found)} alarms fire or lack data."
    return Delivery(verdict, found, reason, message.sent_at)


def _unknown(message: Message) -> Alarm:
    content, name = message.content, message.subject
    try:
        words = content if isinstance(content, str) else json.dumps(content, sort_keys=True)
    except RecursionError:
        words = "nested too deeply to tell from others"
    digest = hashlib.sha256(words.encode(errors="surrogatepass")).hexdigest()
    return message.alarm(Source.UNKNOWN, name, State.FIRING, digest, name, labels={})
