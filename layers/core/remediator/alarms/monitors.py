"""Monitors whose webhook says the state of one alarm, and the shop's own word: a row each, and one reader.

Datadog (its page "Webhooks" doesn't say whether what it fills in is escaped, so our payload puts the state first; its
own has none but in the title, and always triggers), Uptime Kuma (`notification-providers/webhook.js`), UptimeRobot
("Webhook Integration"), Better Stack ("Incidents API").
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from . import fields
from .alarm import AlarmState, IncomingMessage, Reading, Source
from .shapes import Shape

TRANSITION = re.compile(r"\[(?:Re-)?(?:Triggered|Recovered|Warn|No Data)(?:\]|( on \{))")


@dataclass(frozen=True, slots=True)
class Monitor:
    """Under which keys it says what, a dot before each level below. Only the state `over` is resolved, none if None."""

    source: Source
    name: str
    state: str
    over: str | None
    since: str


MONITORS: Mapping[Shape | None, Monitor] = {
    Shape.DATADOG: Monitor(Source.DATADOG, "title", "alert_transition", "Recovered", "alert_cycle_key"),
    Shape.KUMA: Monitor(Source.KUMA, "monitor.name", "heartbeat.status", "1", "heartbeat.time"),
    Shape.ROBOT: Monitor(Source.ROBOT, "monitorFriendlyName", "alertType", "2", "alertDateTime"),
    Shape.BETTER: Monitor(
        Source.BETTER, "data.attributes.name", "data.attributes.status", "Resolved", "data.attributes.started_at"
    ),
    Shape.SHOP: Monitor(Source.SHOP, "shop", "status", None, ""),
}


def read(message: IncomingMessage) -> Reading:
    row = MONITORS[message.shape]
    name, state, since = (_plain_at(message.content, keys) for keys in (row.name, row.state, row.since))
    if row.source is Source.DATADOG:
        name = _name_in(name)
    found = AlarmState.RESOLVED if state == row.over else AlarmState.FIRING
    return message.delivery((message.alarm(row.source, name, found, name, since=since),), whole=bool(name and state))


def _plain_at(content: object, keys: str) -> str:
    for key in keys.split("."):
        content = fields.mapping(content).get(key)
    return fields.plain(content)


def _name_in(title: str) -> str:
    """The monitor's name, without the `[Triggered on {host:oven-4}]` before it; "" if a tag hides where it begins."""
    found = TRANSITION.search(title)
    name = title[found.end() :] if found else title
    if found and found[1]:
        name = name.partition("}]")[2]
    return "" if "}]" in name else name.strip()
