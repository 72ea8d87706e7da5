"""Alarms of any sender, read into one form: what they ask for, and why.

A readable envelope triggers a check unless it clearly stands down or needs no reading: the alarm only triggers, the
samples decide.
"""

import json
from collections.abc import Callable

from . import alertmanager, cloudwatch, envelopes, person, text
from .alarm import Alarm, AlarmState, AlarmVerdict, Delivery, IncomingMessage, Reading, Source

__all__ = ["Alarm", "AlarmState", "AlarmVerdict", "Delivery", "Source", "filter_by_name", "read"]

# An alarm shape is a row; the first that knows the message reads it.
READERS: tuple[Callable[[IncomingMessage], Reading], ...] = (person.read, cloudwatch.read, alertmanager.read, text.read)

PASS_ALWAYS = (Source.UNKNOWN, Source.PERSON)


def read(event: object) -> list[Delivery]:
    """One delivery for each record of the event's envelope, in order; at least one.

    The event is any JSON value, as Lambda hands it over. Never raises.
    """
    messages = envelopes.unpack(event)
    return [one if isinstance(one, Delivery) else _delivery(one) for one in messages]


def filter_by_name(delivery: Delivery, names: frozenset[str]) -> Delivery:
    """The delivery, ignored if names are set and none of its alarms has one.

    What can't be read passes always, and so does a person.
    """
    strangers = (alarm.source not in PASS_ALWAYS and alarm.name not in names for alarm in delivery.alarms)
    if delivery.verdict not in (AlarmVerdict.TRIGGER, AlarmVerdict.STAND_DOWN) or not names or not all(strangers):
        return delivery
    reason = "No alarm in it is one that the settings name."
    return Delivery(AlarmVerdict.IGNORE, delivery.alarms, reason, delivery.sent_at)


def _delivery(message: IncomingMessage) -> Delivery:
    readings = (reader(message) for reader in READERS)
    found = next((reading for reading in readings if reading is not None), None)
    if isinstance(found, Delivery):
        return found
    if found is None:
        reason = "No reader knows this message: when in doubt, check the shop."
        return Delivery(AlarmVerdict.TRIGGER, (_unknown(message),), reason, message.sent_at)
    firing = sum(alarm.state is not AlarmState.RESOLVED for alarm in found)
    verdict = AlarmVerdict.TRIGGER if firing else AlarmVerdict.STAND_DOWN
    reason = f"{firing} of {len(found)} alarms fire or lack data."
    return Delivery(verdict, found, reason, message.sent_at)


def _unknown(message: IncomingMessage) -> Alarm:
    content, name = message.content, message.subject
    try:
        words = content if isinstance(content, str) else json.dumps(content, sort_keys=True)
    except RecursionError:
        words = "nested too deeply to tell from others"
    return message.alarm(Source.UNKNOWN, name, AlarmState.FIRING, words, name)
