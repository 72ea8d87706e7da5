"""The one form that every alarm is read into, and what a delivery of alarms asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from . import fields

MAX_TEXT = 1_000  # characters of a name


class Source(StrEnum):
    CLOUDWATCH = "cloudwatch"
    GRAFANA = "grafana"
    ALERTMANAGER = "alertmanager"
    ONCALL = "oncall"
    PERSON = "person"
    UNKNOWN = "unknown"


class AlarmState(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"
    NO_DATA = "no_data"


class AlarmVerdict(StrEnum):
    TRIGGER = "trigger"
    STAND_DOWN = "stand_down"
    IGNORE = "ignore"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm's state out of a message. `identity` tells it from others, and may hold secrets: whose it is, and since
    when it is so. Repeats share it; other transitions and other contributors don't.
    """

    source: Source
    name: str
    state: AlarmState
    identity: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one record of an envelope asks for, with its alarms and the reason, one sentence.

    `sent_at` is the envelope's own time (SNS, SQS, EventBridge), None if it carries none.
    """

    verdict: AlarmVerdict
    alarms: tuple[Alarm, ...]
    reason: str
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """What an envelope held, a JSON object or a text, with the envelope's subject and time."""

    content: Mapping[str, object] | str
    subject: str
    sent_at: datetime | None

    def ignored(self, reason: str) -> Delivery:
        return Delivery(AlarmVerdict.IGNORE, (), reason, self.sent_at)

    def alarm(self, source: Source, name: str, state: AlarmState, *identity: str, since: object = None) -> Alarm:
        """One of the message's alarms, in this state since then.

        A time nobody can read counts as its text. Without any the envelope's counts, so that a repeat passes for news:
        that costs a sample, the opposite would miss a relapse.
        """
        began = fields.moment(since) or fields.text(since) or self.sent_at
        return Alarm(source, name[:MAX_TEXT], state, (*identity, str(began)))


type Reading = tuple[Alarm, ...] | Delivery | None  # None: not this reader's
