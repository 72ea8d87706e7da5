"""Alarms of any sender, read into one form: what they ask for, and why.

A readable envelope triggers a check unless it clearly stands down or needs no reading: the alarm only triggers, the
samples decide.
"""

from collections.abc import Callable

from . import alertmanager, cloudwatch, envelopes, monitors, person, text
from .alarm import Alarm, AlarmState, AlarmVerdict, Delivery, IncomingMessage, Reading, Source
from .shapes import Shape

__all__ = ["Alarm", "AlarmState", "AlarmVerdict", "Delivery", "Source", "filter_by_name", "read"]

# A shape of JSON is a row; what is none of them is read as a text.
READERS: dict[Shape | None, Callable[[IncomingMessage], Reading]] = {
    Shape.PERSON: person.read,
    Shape.NOTICE: cloudwatch.read_notice,
    Shape.EVENT: cloudwatch.read_event,
    Shape.GROUP: alertmanager.read_group,
    Shape.ONCALL: alertmanager.read_oncall,
    Shape.LEGACY: alertmanager.read_legacy,
    Shape.BODY: alertmanager.read_legacy,
    **dict.fromkeys(monitors.MONITORS, monitors.read),
}
TEXTS: tuple[Callable[[IncomingMessage], Reading], ...] = (alertmanager.read_unescaped, text.read)


def read(event: object, function_arn: str = "") -> list[Delivery]:
    """One delivery for each record of the event's envelope, in order; at least one.

    The event is any JSON value, as Lambda hands it over. `function_arn`: whose dead letters are known to be ours; of
    none if it is empty. Never raises.
    """
    messages = envelopes.unpack(event, function_arn)
    return [one if isinstance(one, Delivery) else _delivery(one) for one in messages]


def filter_by_name(delivery: Delivery, names: frozenset[str]) -> Delivery:
    """The delivery, ignored if names are set and none of its alarms has one.

    What wasn't wholly read or has no name passes always, and so does a person.
    """
    passes = not delivery.whole or any(
        alarm.source is Source.PERSON or not alarm.name or alarm.name in names for alarm in delivery.alarms
    )
    if delivery.verdict not in (AlarmVerdict.TRIGGER, AlarmVerdict.STAND_DOWN) or not names or passes:
        return delivery
    reason = "No alarm in it is one that the settings name."
    return Delivery(AlarmVerdict.IGNORE, delivery.alarms, reason, delivery.sent_at)


def _delivery(message: IncomingMessage) -> Delivery:
    readers = TEXTS if isinstance(message.content, str) else filter(None, [READERS.get(message.shape)])
    readings = (reader(message) for reader in readers)
    return next((reading for reading in readings if reading is not None), None) or message.doubted()
