"""What asks for a check: one delivered alarm, as the decisions see it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from remediator.alarms import AlarmState, AlarmVerdict, Delivery, Source
from remediator.endpoints import NAMED_BY, ORDER, in_order

CLOCKS_DIFFER: Final = timedelta(hours=1)
MOST_ALARMS: Final = 20  # of a delivery that its record names

type Sender = Literal["alarm", "canary", "person"]


@dataclass(frozen=True, slots=True)
class Trigger:
    """One delivered alarm that asks for a check. `sent` is the time the topic took it, never later than now.

    `endpoints`: those that it says have failed; `offers_link`: and whether it says that one offers a report link.
    `recovery`: it says that something is over, and so may only continue an incident.
    """

    holder: str
    run: str
    sent: datetime
    alarm: str
    reason: str
    endpoints: tuple[str, ...] = (ORDER,)
    offers_link: bool = False
    sender: Sender = "alarm"
    recovery: bool = False


def sent_time(delivery: Delivery, now: datetime) -> datetime:
    """When the topic took it; now if that isn't said, or is anybody's word: further ahead than clocks differ."""
    sent = delivery.sent_at or now
    return sent if sent - now < CLOCKS_DIFFER else now


def read_trigger(delivery: Delivery, holder: str, run: str, sent: datetime, words: Callable[[str], str]) -> Trigger:
    """The delivery as a trigger: the canary's alarms name their endpoints, any other means the order."""
    recovery = delivery.verdict is AlarmVerdict.STAND_DOWN
    alarms = [each for each in delivery.alarms if recovery or each.state is not AlarmState.RESOLVED]
    rows = [NAMED_BY.get(each.name, (ORDER, False)) for each in alarms] or [(ORDER, False)]
    return Trigger(
        holder,
        run,
        sent,
        words(next((each.name for each in alarms if each.name), "an unnamed alarm")),
        words(delivery.reason),
        in_order(name for name, _ in rows),
        any(offers for _, offers in rows),
        _sender(delivery),
        recovery,
    )


def list_alarms(delivery: Delivery, words: Callable[[str], str]) -> tuple[str, ...]:
    """Its alarms as its record names them, in `words` fit for that, and how many more there are."""
    named = [f"{words(each.name)} {each.state}" for each in delivery.alarms[:MOST_ALARMS]]
    more = len(delivery.alarms) - len(named)
    return (*named, *([f"and {more} more"] if more else []))


def _sender(delivery: Delivery) -> Sender:
    if any(each.source is Source.PERSON for each in delivery.alarms):
        return "person"
    of_canary = bool(delivery.alarms) and all(each.name in NAMED_BY for each in delivery.alarms)
    return "canary" if of_canary else "alarm"
