"""What each sender writes, one firing or resolved group at a time, in its own layout, with values of our own."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

type Labels = Mapping[str, str]

SINCE, UNTIL = "2026-11-20T17:30:40Z", "2026-11-20T17:41:10Z"
ACCOUNT, REGION = "210987654321", "eu-central-1"
ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:OrdersFailing"
OURS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:remediate"
SOURCE = "https://prometheus.pizza.example/graph"
NOTES = {"summary": "orders fail"}


def word(fires: bool) -> str:
    return "firing" if fires else "resolved"


def amp(fires: bool, labels: Labels, notes: Labels = NOTES, others: Sequence[Labels] = ()) -> str:
    """Amazon Managed Prometheus's JSON template, which escapes nothing."""

    def listed(pairs: Labels) -> str:
        return "{" + ", ".join(f'"{name}": "{value}"' for name, value in pairs.items()) + "}"

    alerts = ", ".join(
        f'{{"status": "{word(fires)}","labels": {listed(each)},"annotations": {listed(notes)},'
        f'"startsAt": "2026-11-20 17:30:40 +0000 UTC","endsAt": "0001-01-01 00:00:00 +0000 UTC",'
        f'"generatorURL": "{SOURCE}","fingerprint": "5a1c7be09d3f{at:04x}"}}'
        for at, each in enumerate([labels, *others])
    )
    common = labels if not others else {"alertname": labels["alertname"]}
    return (
        f'{{"receiver": "remediator","status": "{word(fires)}","alerts": [{alerts}],'
        f'"groupLabels": {listed({"alertname": labels["alertname"]})},"commonLabels": {listed(common)},'
        f'"commonAnnotations": {listed(notes)}}}'
    )


def _lists(labels: Labels, notes: Labels) -> str:
    listed = ["".join(f" - {name} = {value}\n" for name, value in pairs.items()) for pairs in (labels, notes)]
    return f"Labels:\n{listed[0]}Annotations:\n{listed[1]}"


def alertmanager_text(fires: bool, labels: Labels, notes: Labels = NOTES) -> str:
    shared = " ".join(notes.values())
    return f"{shared}\n\n\nAlerts {word(fires).title()}:\n{_lists(labels, notes)}Source: {SOURCE}\n\n"


def grafana_text(fires: bool, labels: Labels, notes: Labels = NOTES) -> str:
    links = "Source: https://grafana.pizza.example/a\nSilence: https://grafana.pizza.example/s\n"
    return f"**{word(fires).title()}**\n\nValue: A=12, C=1\n{_lists(labels, notes)}{links}"


def _group(fires: bool, labels: Labels, notes: Labels) -> dict[str, object]:
    alert = {"status": word(fires), "labels": labels, "annotations": notes, "startsAt": SINCE, "endsAt": UNTIL}
    shared = {"groupLabels": {"alertname": labels["alertname"]}, "commonLabels": labels, "commonAnnotations": notes}
    alert |= {"generatorURL": SOURCE, "fingerprint": "5a1c7be09d3f2468"}
    more = {"externalURL": "https://pizza.example", "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0}
    return {"receiver": "remediator", "status": word(fires), "alerts": [alert], **shared, **more}


def alertmanager_webhook(fires: bool, labels: Labels, notes: Labels = NOTES) -> str:
    return json.dumps(_group(fires, labels, notes) | {"routeLabels": {"team": "kitchen"}, "reason": "repeat"})


def grafana_webhook(fires: bool, labels: Labels, notes: Labels = NOTES) -> str:
    more = {"version": "1", "orgId": 1, "title": "x", "state": "alerting" if fires else "ok", "message": "x"}
    return json.dumps(_group(fires, labels, notes) | more)


def grafana_json(fires: bool, labels: Labels, notes: Labels = NOTES) -> str:
    """Grafana's template of JSON: the webhook's keys, sorted."""
    return json.dumps(json.loads(grafana_webhook(fires, labels, notes)), sort_keys=True, indent=1)


def notice(fires: bool, labels: Labels, notes: Labels = NOTES) -> str:
    """CloudWatch's message by SNS."""
    said = {"AlarmName": labels["alertname"], "AlarmDescription": " ".join(notes.values()), "AWSAccountId": ACCOUNT}
    said |= {"NewStateValue": "ALARM" if fires else "OK", "NewStateReason": "12 orders failed"}
    return json.dumps(said | {"StateChangeTime": SINCE, "Region": REGION, "AlarmArn": ARN, "Trigger": {"Period": 10}})


def _detail(fires: bool, labels: Labels) -> dict[str, object]:
    state = {"value": "ALARM" if fires else "OK", "reason": "12 orders failed", "timestamp": SINCE}
    return {"alarmName": labels["alertname"], "state": state, "configuration": {"metrics": [{"id": "m1"}]}}


def event(source: str = "aws.cloudwatch", kind: str = "CloudWatch Alarm State Change", **more: object) -> str:
    """An event of EventBridge."""
    known = {"version": "0", "id": "0c5ad2ba", "detail-type": kind, "source": source, "account": ACCOUNT}
    return json.dumps({**known, "time": SINCE, "region": REGION, "resources": [ARN], "detail": {}, **more})


def cloudwatch_event(fires: bool, labels: Labels, notes: Labels = NOTES) -> str:
    return event(detail=_detail(fires, labels))


def action(fires: bool, labels: Labels, notes: Labels = NOTES) -> str:
    """CloudWatch's direct action."""
    data = {"alarmData": _detail(fires, labels), "region": REGION, "source": "aws.cloudwatch", "time": SINCE}
    return json.dumps({"accountId": ACCOUNT, "alarmArn": ARN, **data})


def oncall(fires: bool, labels: Labels, notes: Labels = NOTES, payload: object = None) -> str:
    """The webhook of Grafana OnCall and IRM."""
    group = {"id": "G4OVEN77", "state": word(fires), "created_at": SINCE, "resolved_at": UNTIL, "title": "[firing:1] x"}
    payload = payload or _group(True, labels, notes)
    return json.dumps({"event": {"type": "x"}, "user": None, "alert_group": group, "alert_payload": payload})


def legacy(fires: bool, labels: Labels, notes: Labels = NOTES) -> str:
    said = {"evalMatches": [], "message": " ".join(notes.values()), "ruleId": 4, "ruleName": labels["alertname"]}
    return json.dumps({**said, "ruleUrl": SOURCE, "state": "alerting" if fires else "ok", "title": "Orders"})


def amg(fires: bool, labels: Labels, notes: Labels = NOTES) -> str:
    """Amazon Managed Grafana's JSON, in its legacy form."""
    return json.dumps({"body": " ".join(notes.values()), "state": "alerting" if fires else "ok"}, indent=4)


def result(function_arn: str, response: object, **more: object) -> str:
    """What a function's destination is handed."""
    context = {"requestId": "r-1", "functionArn": f"{function_arn}:$LATEST", "condition": "RetriesExhausted"}
    known = {"version": "1.0", "timestamp": SINCE, "requestContext": context, "requestPayload": {"Records": []}}
    return json.dumps({**known, "responseContext": {"statusCode": 200}, "responsePayload": response, **more})


WIRING = (Path(__file__).parents[3] / "docs/wiring.md").read_text()


def documented(start: str) -> str:
    """The example of docs/wiring.md that starts so."""
    (found,) = (each for each in re.findall(r"```\w+\n(.*?)\n```", WIRING, re.DOTALL) if each.startswith(start))
    return str(found)


def filled(template: str, **values: str) -> str:
    """The template with `$NAME` or `*name*` as its sender fills them in, for all we know without escaping anything."""
    return re.sub(r"\$([A-Z_]+)|\*(\w+)\*", lambda found: values[found[1] or found[2]], template)


def datadog(fires: bool, labels: Labels, notes: Labels = NOTES) -> str:
    """Datadog's webhook with our payload. A monitor's tags stand in the title."""
    tags = ",".join(f"{name}:{value}" for name, value in {**labels, **notes}.items() if name != "alertname")
    transition = "Triggered" if fires else "Recovered"
    title = f"[{transition} on {{{tags}}}] {labels['alertname']}"
    template = documented('{"alert_transition"')
    return filled(template, ALERT_TRANSITION=transition, ALERT_CYCLE_KEY="8137104255", EVENT_TITLE=title)


def datadog_default(fires: bool, labels: Labels, notes: Labels = NOTES) -> str:
    """Datadog's webhook with its own payload, which says the state in the title alone."""
    title = f"[{'Triggered' if fires else 'Recovered'}] {labels['alertname']}"
    said = {"body": " ".join(notes.values()), "last_updated": "1795195840000", "event_type": "query_alert_monitor"}
    return json.dumps({**said, "title": title, "date": "1795195840000", "org": {"id": "4", "name": "x"}, "id": "9"})


def uptime_kuma(fires: bool, labels: Labels, notes: Labels = NOTES) -> str:
    why = " ".join(notes.values())
    beat = {
        "monitorID": 4,
        "status": 0 if fires else 1,
        "time": "2026-11-20 17:30:40.120",
        "msg": why,
        "important": True,
    }
    monitor = {"id": 4, "name": labels["alertname"], "url": "https://pizza.example/api/order/menu", "tags": []}
    return json.dumps({"heartbeat": beat, "monitor": monitor, "msg": f"[{labels['alertname']}] {why}"})


def uptimerobot(fires: bool, labels: Labels, notes: Labels = NOTES) -> str:
    values = {"alertType": "1" if fires else "2", "alertDateTime": "1795195840"}
    return filled(documented('{"alertType"'), **values, monitorFriendlyName=labels["alertname"])


def better_stack(fires: bool, labels: Labels, notes: Labels = NOTES) -> str:
    said = {"name": labels["alertname"], "cause": " ".join(notes.values()), "started_at": SINCE}
    ends = {"resolved_at": None if fires else UNTIL, "status": "Started" if fires else "Resolved"}
    return json.dumps({"data": {"id": "77", "type": "incident", "attributes": {**said, **ends}, "relationships": {}}})


def shop(fires: bool, labels: Labels, notes: Labels = NOTES) -> str:
    """The shop's own word, which is given of failures alone."""
    return json.dumps({"shop": labels["alertname"], "status": 500, "link": fires}, separators=(",", ":"))


type Sender = Callable[[bool, Labels, Labels], str]
SENDERS: Sequence[Sender] = (
    *(amp, alertmanager_text, grafana_text, alertmanager_webhook, grafana_webhook, grafana_json),
    *(notice, cloudwatch_event, oncall, legacy, amg, datadog, uptime_kuma, uptimerobot, better_stack),
)
# What only AWS hands over, as an object.
DIRECT: Sequence[Sender] = (action,)
