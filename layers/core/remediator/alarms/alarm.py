"""The one form that every alarm is read into, and what a delivery of alarms asks for."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from . import fields

MAX_TEXT = 1_000  # characters of a name or a reason


class Source(StrEnum):
    CLOUDWATCH = "cloudwatch"
    GRAFANA = "grafana"
    ALERTMANAGER = "alertmanager"
    ONCALL = "oncall"
    UNKNOWN = "unknown"


class State(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"
    NO_DATA = "no_data"


class Verdict(StrEnum):
    WAKE = "wake"
    STAND_DOWN = "stand_down"
    IGNORE = "ignore"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm's state out of a message. Times are in UTC; labels and reason may hold secrets.

    `key` names the state transition: repeats of it share the key, other transitions and other
    contributors do not.
    """

    source: Source
    name: str
    state: State
    key: str
    labels: Mapping[str, str]
    started_at: datetime | None
    sent_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one record of an envelope asks for, with its alarms and the reason, one sentence.

    `sent_at` is the envelope's own time (SNS, SQS, EventBridge), None where it carries none.
    """

    verdict: Verdict
    alarms: tuple[Alarm, ...]
    reason: str
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What an envelope held, a JSON object or a text, with the envelope's subject and time."""

    content: Mapping[str, object] | str
    subject: str
    sent_at: datetime | None

    def ignored(self, reason: str) -> Delivery:
        return Delivery(Verdict.IGNORE, (), reason, self.sent_at)

    def alarm(
        self,
        source: Source,
        name: str,
        state: State,
        *identity: str,
        labels: Mapping[str, str],
        started: object = None,
        reason: str = "",
    ) -> Alarm:
        """One of the message's alarms. Its key tells source, identity, state and when that began.

        A time nobody can read counts by its words; where there is none the envelope's counts, so
        that a repeat passes for news: that costs a sample, the opposite would miss a relapse.
        """
        started_at = fields.moment(started)
        began = started_at or fields.text(started) or self.sent_at
        told = json.dumps([source, *identity, state, str(began)])
        key = f"{source}-{hashlib.sha256(told.encode()).hexdigest()[:32]}"
        name, reason = name[:MAX_TEXT], reason[:MAX_TEXT]
        return Alarm(source, name, state, key, labels, started_at, self.sent_at, reason)


type Reading = tuple[Alarm, ...] | Delivery | None  # None: not this reader's
