"""Alertmanager-shaped JSON, whoever writes it.

Grafana's webhook and its JSON template, Grafana's legacy webhook, Amazon Managed Grafana's `body`
and `state`, Alertmanager's webhook, Amazon Managed Prometheus's JSON template (page
AMP-alertmanager-receiver-JSON), which escapes nothing and so is not always JSON, and Grafana
OnCall's outgoing webhook.
"""

import re
from collections.abc import Mapping

from . import fields
from .alarm import Alarm, AlarmState, IncomingMessage, Reading, Source

GRAFANA_MARKS = {"orgId", "title", "state", "appVersion"}
LEGACY_MARKS = {"ruleName", "ruleId", "ruleUrl", "evalMatches"}
LEGACY_STATES = {"ok": AlarmState.RESOLVED, "no_data": AlarmState.NO_DATA}  # all else fires
# The template puts receiver and status before all labels and annotations: they can't be forged.
UNESCAPED = re.compile(
    r'\s*+\{\s*+"receiver":\s*+"[^"]{0,500}",\s*+(?:"source":\s*+"[^"]{0,99}",\s*+)?'
    r'"status":\s*+"(firing|resolved)"'
)
UNESCAPED_ALERT = re.compile(r'\{"status":\s?"(firing|resolved)",\s?"labels":\s?\{([^}]{0,1999}+)\}')
UNESCAPED_LABEL = re.compile(r'"([^"]{1,199}+)":\s?"([^"]{0,999}+)"')


def read(message: IncomingMessage) -> Reading:
    body = message.content
    if isinstance(body, str):
        return _unescaped(message, body)
    if isinstance(body.get("alert_group"), dict):
        return _oncall(message, body)
    if isinstance(alerts := body.get("alerts"), list):
        return _group(message, body, alerts)
    legacy = LEGACY_MARKS & body.keys() or body.keys() == {"body", "state"}
    return _legacy(message, body) if legacy and isinstance(body.get("state"), str) else None


def name_and_state(labels: Mapping[str, str], *, resolved: bool) -> tuple[str, AlarmState]:
    """An alert's name and state. Missing data and failed queries are alerts of their own, with
    the rule's name in a label (Grafana documentation, "State and health of alerts")."""
    name = labels.get("alertname", "")
    missing = name == "DatasourceNoData" and not resolved
    if name in ("DatasourceNoData", "DatasourceError"):
        name = labels.get("rulename", name)
    return name, AlarmState.NO_DATA if missing else AlarmState.RESOLVED if resolved else AlarmState.FIRING


def _group(message: IncomingMessage, body: Mapping[str, object], alerts: list[object]) -> Reading:
    grafana = GRAFANA_MARKS & body.keys() or body.get("version") == "1"
    source = Source.GRAFANA if grafana else Source.ALERTMANAGER
    found = tuple(_alert(message, source, fields.mapping(alert)) for alert in alerts)
    ended = body.get("status", body.get("state", "resolved")) in ("resolved", "ok")
    if found and (ended or any(alarm.state is not AlarmState.RESOLVED for alarm in found)):
        return found
    # The group fires, yet nothing listed does: the list was cut (`max_alerts`), or it is empty.
    labels = fields.labels(body.get("commonLabels"))
    name, state = name_and_state(labels, resolved=ended and "status" in body)
    return (*found, message.alarm(source, name, state, str(labels)))


def _alert(message: IncomingMessage, source: Source, alert: Mapping[str, object]) -> Alarm:
    labels = fields.labels(alert.get("labels"))
    name, state = name_and_state(labels, resolved=alert.get("status") == "resolved")
    identity = (fields.text(alert.get("fingerprint")), str(labels))
    return message.alarm(source, name, state, *identity, since=alert.get("startsAt"))


def _unescaped(message: IncomingMessage, body: str) -> Reading:
    """The template's text if a quote in a value broke the JSON: the group's status decides."""
    group = UNESCAPED.match(body)
    if group is None:
        return None
    listed = UNESCAPED_ALERT.findall(body, group.end()) or [(group[1], "")]
    ended = group[1] == "resolved"
    mixed = any(status == "firing" for status, _ in listed)
    found = []
    for status, written in listed:
        labels = fields.labels(dict(UNESCAPED_LABEL.findall(written)))
        name, state = name_and_state(labels, resolved=ended or (mixed and status == "resolved"))
        found.append(message.alarm(Source.ALERTMANAGER, name, state, str(labels)))
    return tuple(found)


def _legacy(message: IncomingMessage, body: Mapping[str, object]) -> Reading:
    name = fields.text(body.get("ruleName")) or fields.text(body.get("title"))
    state = LEGACY_STATES.get(fields.text(body.get("state")), AlarmState.FIRING)
    identity = (name, fields.text(body.get("ruleUrl")), fields.text(body.get("body")))
    return (message.alarm(Source.GRAFANA, name, state, *identity),)


def _oncall(message: IncomingMessage, body: Mapping[str, object]) -> Reading:
    """The group's state counts: `alert_payload` is its first alert, as that was when it came."""
    group = fields.mapping(body.get("alert_group"))
    if group.get("state") == "silenced":
        return message.ignored("The alert group is silenced now.")
    ended = group.get("state") == "resolved"
    state = AlarmState.RESOLVED if ended else AlarmState.FIRING
    labels = fields.labels(fields.mapping(body.get("alert_payload")).get("labels"))
    name = fields.text(group.get("title")) or labels.get("alertname", "")
    since = group.get("resolved_at" if ended else "created_at")
    return (message.alarm(Source.ONCALL, name, state, fields.text(group.get("id")), name, since=since),)
