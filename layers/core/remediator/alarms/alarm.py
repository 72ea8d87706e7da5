"""The one form that every alarm is read into, and what a delivery of alarms asks for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from . import fields
from .shapes import Shape

DOUBT = "Not all of this message is known: when in doubt, check the shop."


class Source(StrEnum):
    CLOUDWATCH = "cloudwatch"
    GRAFANA = "grafana"
    ALERTMANAGER = "alertmanager"
    ONCALL = "oncall"
    DATADOG = "datadog"
    KUMA = "uptime_kuma"
    ROBOT = "uptimerobot"
    BETTER = "better_stack"
    SHOP = "shop"
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
    """One alarm's state out of a message, its name as long as the sender wrote it. `identity` tells it from others, and
    may hold secrets: whose it is, and since when it is so. Repeats share it; other transitions and other contributors
    don't.
    """

    source: Source
    name: str
    state: AlarmState
    identity: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one record of an envelope asks for, with its alarms and the reason, one sentence.

    `sent_at` is the envelope's own time (SNS, SQS, EventBridge), None if it carries none; `whole`: no alarm can be in
    the message but those read.
    """

    verdict: AlarmVerdict
    alarms: tuple[Alarm, ...]
    reason: str
    sent_at: datetime | None = None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """What an envelope held, a JSON object or a text, with the envelope's subject and time.

    `shape`: whose object it is; `sound`: no free text can have made it look so, nor any layer around it.
    """

    content: Mapping[str, object] | str
    subject: str
    sent_at: datetime | None
    shape: Shape | None
    sound: bool

    def alarm(self, source: Source, name: str, state: AlarmState, *identity: str, since: object = None) -> Alarm:
        """One of the message's alarms, in this state since then.

        A time nobody can read counts as its text. Without any the envelope's counts, so that a repeat passes for news:
        that costs a sample, the opposite would miss a relapse.
        """
        began = fields.moment(since) or fields.text(since) or self.sent_at
        return Alarm(source, name, state, (*identity, str(began)))

    def ignored(self, reason: str) -> Delivery:
        return Delivery(AlarmVerdict.IGNORE, (), reason, self.sent_at) if self._is_calm else self.doubted()

    def delivery(self, alarms: tuple[Alarm, ...], *, whole: bool) -> Delivery:
        """The alarms that a reader found; `whole`: there can be no other. It stands down only if that is sure."""
        firing = sum(each.state is not AlarmState.RESOLVED for each in alarms)
        if not firing and not (whole and self._is_calm):
            return self.doubted(alarms)
        verdict = AlarmVerdict.TRIGGER if firing else AlarmVerdict.STAND_DOWN
        reason = f"{firing} of {len(alarms)} alarms fire or lack data."
        return Delivery(verdict, alarms, reason, self.sent_at, whole and self.sound)

    def doubted(self, alarms: tuple[Alarm, ...] = ()) -> Delivery:
        """Those alarms, and one that nobody can name."""
        written = self.content if isinstance(self.content, str) else _words(self.content)
        unnamed = self.alarm(Source.UNKNOWN, self.subject, AlarmState.FIRING, written, self.subject)
        return Delivery(AlarmVerdict.TRIGGER, (*alarms, unnamed), DOUBT, self.sent_at, whole=False)

    @property
    def _is_calm(self) -> bool:
        """Whether it is sound, and its subject doesn't say that something fires."""
        return self.sound and not self.subject.startswith("[FIRING")


def _words(content: Mapping[str, object]) -> str:
    try:
        return json.dumps(content, sort_keys=True)
    except (RecursionError, ValueError):
        return "nested too deeply, or its numbers too long, to tell from others"


type Reading = Delivery | None  # None: not this reader's
