"""Alertmanager-shaped JSON, whoever writes it.

Grafana's webhook and its JSON template, Grafana's legacy webhook, Amazon Managed Grafana's `body`
and `state`, Alertmanager's webhook, Amazon Managed Prometheus's JSON template (page
AMP-alertmanager-receiver-JSON), which escapes nothing and so is not always JSON, and the outgoing
webhook of Grafana OnCall and IRM.
"""

import re
from collections.abc import Iterable, Mapping

from . import fields
from .alarm import Alarm, AlarmState, IncomingMessage, Reading, Source
from .shapes import has_firing_part

GRAFANA_MARKS = {"orgId", "title", "state", "appVersion"}
LEGACY_STATES = {"ok": AlarmState.RESOLVED, "no_data": AlarmState.NO_DATA}  # all else fires
# The keys of Amazon's template, and of an alert in it. The webhooks, which escape, have a version and may have more.
TEMPLATE = {"receiver", "source", "status", "alerts", "groupLabels", "commonLabels", "commonAnnotations"}
TEMPLATE_ALERT = {"status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"}
# The template puts receiver and status before all labels and annotations: they can't be forged.
UNESCAPED = re.compile(r'\s*\{\s*"receiver":\s*"[^"]*",\s*(?:"source":\s*"[^"]*",\s*)?"status":\s*"(firing|resolved)"')
UNESCAPED_ALERT = re.compile(r'\{"status":\s?"(firing|resolved)",\s?"labels":\s?\{([^}]{0,1999})\}')
UNESCAPED_LABEL = re.compile(r'"([^"]+)":\s?"([^"]*)"')
_VALUE = r'"(?:[^"]|"(?!, ?"|\}))*+"'  # it may hold quotes, but none that looks like its end
_PAIRS = rf'\{{(?:"[^"]+": {_VALUE}(?:, )?+)*+\}}'
_ALERT = (
    rf'\{{"status": "resolved","labels": {_PAIRS}(?:,"annotations": {_PAIRS})?+'
    rf'(?:,"(?:startsAt|endsAt|generatorURL|fingerprint)": {_VALUE})*+\}}'
)
# All behind the group's status, if the group is resolved.
OVER = re.compile(
    rf',"alerts": \[(?:{_ALERT}(?:, )?+)*+\](?:,"(?:groupLabels|commonLabels|commonAnnotations)": {_PAIRS})*+\}}\s*'
)


def name_and_state(labels: Mapping[str, str], *, resolved: bool) -> tuple[str, AlarmState]:
    """An alert's name and state. Missing data and failed queries are alerts of their own, with
    the rule's name in a label (Grafana documentation, "State and health of alerts")."""
    name = labels.get("alertname", "")
    missing = name == "DatasourceNoData" and not resolved
    if name in ("DatasourceNoData", "DatasourceError"):
        name = labels.get("rulename", name)
    return name, AlarmState.NO_DATA if missing else AlarmState.RESOLVED if resolved else AlarmState.FIRING


def read_group(message: IncomingMessage) -> Reading:
    body = fields.mapping(message.content)
    alerts = body.get("alerts")
    if not isinstance(alerts, list):
        return None
    grafana = GRAFANA_MARKS & body.keys() or body.get("version") == "1"
    source = Source.GRAFANA if grafana else Source.ALERTMANAGER
    listed = [fields.mapping(alert) for alert in alerts]
    found = tuple(_alert(message, source, alert) for alert in listed)
    ended = body.get("status") == "resolved"
    if not (found and (ended or any(alarm.state is not AlarmState.RESOLVED for alarm in found))):
        # The group fires, yet nothing listed does: the list was cut (`max_alerts`), or it is empty.
        labels = fields.labels(body.get("commonLabels"))
        name, state = name_and_state(labels, resolved=ended)
        found = (*found, message.alarm(source, name, state, str(labels)))
    return message.delivery(found, whole=_is_whole(body, listed))


def _is_whole(body: Mapping[str, object], alerts: list[Mapping[str, object]]) -> bool:
    """Whether the group was cut by nobody, and nobody's label can have hidden an alert in a key of its own making:
    such a key would have to hold a list of objects, as `alerts` does.
    """
    values = [held for key, held in body.items() if key != "alerts"]
    values += [held for alert in alerts for held in alert.values()]
    version = isinstance(body.get("version"), str)
    ours = version or (body.keys() <= TEMPLATE and all(alert.keys() <= TEMPLATE_ALERT for alert in alerts))
    named = all(isinstance(alert.get("labels"), dict) for alert in alerts)
    known = ours and named and isinstance(body.get("receiver"), str)
    return known and all(map(fields.is_flat, values)) and not body.get("truncatedAlerts")


def _alert(message: IncomingMessage, source: Source, alert: Mapping[str, object]) -> Alarm:
    labels = fields.labels(alert.get("labels"))
    name, state = name_and_state(labels, resolved=alert.get("status") == "resolved")
    identity = (fields.text(alert.get("fingerprint")), str(labels))
    return message.alarm(source, name, state, *identity, since=alert.get("startsAt"))


def read_unescaped(message: IncomingMessage) -> Reading:
    """The template's text if a quote in a value broke the JSON: the group's status decides."""
    body = fields.text(message.content)
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
    over = ended and OVER.fullmatch(body, group.end()) is not None and not has_firing_part(body)
    return message.delivery(tuple(found), whole=over)


def read_legacy(message: IncomingMessage) -> Reading:
    body = fields.mapping(message.content)
    written = body.get("state")
    if not isinstance(written, str):
        return None
    name = fields.text(body.get("ruleName")) or fields.text(body.get("title"))
    identity = (name, fields.text(body.get("ruleUrl")), fields.text(body.get("body")))
    alarm = message.alarm(Source.GRAFANA, name, LEGACY_STATES.get(written, AlarmState.FIRING), *identity)
    return message.delivery((alarm,), whole=bool(name) or body.keys() == {"body", "state"})


def read_oncall(message: IncomingMessage) -> Reading:
    """The group's state counts: `alert_payload` is its first alert, as that was when it came."""
    body = fields.mapping(message.content)
    group, payload = (fields.mapping(body.get(key)) for key in ("alert_group", "alert_payload"))
    state, id_ = group.get("state"), group.get("id")
    known = fields.are_texts(state, id_)
    if known and state == "silenced":
        return message.ignored("The alert group is silenced now.")
    ended = state == "resolved"
    since = group.get("resolved_at" if ended else "created_at")
    found = tuple(
        message.alarm(Source.ONCALL, name, found, fields.text(id_), name, since=since)
        for name, found in _names(payload, resolved=ended)
    )
    return message.delivery(found, whole=known and not payload.get("truncatedAlerts"))


def _names(payload: Mapping[str, object], *, resolved: bool) -> Iterable[tuple[str, AlarmState]]:
    """Each name in the labels of the payload, a webhook or an alert, or else "". The title is prose, and no name."""
    alerts = payload.get("alerts")
    listed = [fields.mapping(alert).get("labels") for alert in alerts] if isinstance(alerts, list) else []
    for labels in (listed, *([payload.get(key)] for key in ("labels", "commonLabels", "groupLabels"))):
        found = [name_and_state(fields.labels(each), resolved=resolved) for each in labels]
        if named := dict.fromkeys(each for each in found if each[0]):
            return named
    return [name_and_state({}, resolved=resolved)]
