"""The files in grafana/ against Grafana's names and limits, against each other, and against what ingest reads."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from remediator import webhook
from simulator.paths import ROOT

FOLDER = ROOT / "grafana"
# Every name that Grafana's provisioning reads and our files use: it passes over a misspelt one in silence.
# grafana/grafana pkg/services/provisioning (alerting/*_types.go, dashboards/types.go), grafana/alerting receivers/*/v1.
NAMES = """
apiVersion orgId name folder interval type options path disableDeletion allowUiUpdates providers
groups rules uid title condition for noDataState execErrState labels annotations
data refId queryType datasourceUid relativeTimeRange from to model expr instant range expression
contactPoints receivers disableResolveMessage settings topic_arn sigv4 region subject message
url httpMethod hmacConfig secret header timestampHeader
policies receiver group_by routes object_matchers group_wait group_interval repeat_interval
"""
DURATION = r"[1-9][0-9]*[smh]"
FREE = ("labels", "annotations")  # what is below them is named by whoever writes the rule

FILES: dict[str, Any] = {path.name: yaml.safe_load(path.read_text()) for path in FOLDER.glob("*.yaml")}
(GROUP,) = FILES["alert-rules.yaml"]["groups"]
RULES: list[dict[str, Any]] = GROUP["rules"]
((SNS,), (WEBHOOK,)) = (FILES[f"contact-point-{kind}.yaml"]["contactPoints"] for kind in ("sns", "webhook"))
(ROUTE,) = FILES["policies.yaml"]["policies"][0]["routes"]
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())


def names(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        yield from (name for key, below in value.items() if key not in FREE for name in names(below))
    elif isinstance(value, list):
        yield from (name for each in value for name in names(each))


def settings(point: dict[str, Any], kind: str) -> dict[str, Any]:
    """Of the point's one receiver, which says so when an alarm is resolved too."""
    (receiver,) = point["receivers"]
    assert (receiver["type"], receiver["disableResolveMessage"]) == (kind, False)
    found: dict[str, Any] = receiver["settings"]
    return found


@pytest.mark.parametrize("file", FILES)
def test_grafana_knows_every_name_in_the_file(file: str) -> None:
    assert FILES[file]["apiVersion"] == 1
    assert set(names(FILES[file])) <= set(NAMES.split())


def test_uids_are_unique_and_such_as_grafana_takes() -> None:
    uids = [*(rule["uid"] for rule in RULES), *(r["uid"] for point in (SNS, WEBHOOK) for r in point["receivers"])]
    uids.append(DASHBOARD["uid"])

    assert len(uids) == len(set(uids))
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,40}", uid) for uid in uids)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["uid"])
def test_a_rule_fires_at_once_on_the_number_that_it_queries_and_ends_without_waiting(rule: dict[str, Any]) -> None:
    queries = {query["refId"]: query for query in rule["data"]}
    condition = queries.pop(rule["condition"])

    assert (GROUP["interval"], rule["for"]) == ("10s", "0s")
    assert (rule["noDataState"], rule["execErrState"]) == ("KeepLast", "KeepLast")
    assert "keepFiringFor" not in rule
    assert (condition["datasourceUid"], condition["model"]["type"]) == ("__expr__", "math")
    assert condition["model"]["expression"] == "$failed >= 1"
    assert queries.keys() == {"failed"}
    for name, query in queries.items():
        assert query["model"]["refId"] == name
        assert "[60s]" in query["model"]["expr"]
        assert query["model"]["expr"].endswith("or vector(0)")
        assert query["relativeTimeRange"] == {"from": 60, "to": 0}
        assert re.fullmatch(r"\$\{PIZZA_[A-Z]+_UID\}", query["datasourceUid"])
        assert "${" not in json.dumps(query["model"])  # Grafana puts no variable in there


def test_alerts_go_by_the_policy_to_either_contact_point_without_waiting() -> None:
    ((name, _, value),) = ROUTE["object_matchers"]

    assert all(rule["labels"][name] == value for rule in RULES)
    assert {ROUTE["receiver"]} == {SNS["name"], WEBHOOK["name"]}
    assert ROUTE["group_wait"] == "0s"
    assert all(re.fullmatch(DURATION, ROUTE[each]) for each in ("group_interval", "repeat_interval"))


def test_sns_gets_json_by_grafanas_own_template_and_no_keys() -> None:
    given = settings(SNS, "sns")

    assert given["message"] == '{{ template "webhook.default.payload" . }}'
    assert given["sigv4"].keys() == {"region"}
    assert re.fullmatch(r"[ -~]{1,100}", given["subject"])  # SNS's limits


def test_the_webhook_signs_with_the_headers_that_ingest_reads() -> None:
    given = settings(WEBHOOK, "webhook")

    assert given["httpMethod"] == "POST"
    assert given["hmacConfig"]["header"].lower() == webhook.SIGNATURE
    assert given["hmacConfig"]["timestampHeader"].lower() == webhook.TIMESTAMP


def test_every_variable_is_explained_in_the_documentation() -> None:
    used = {name for path in FOLDER.glob("*.yaml") for name in re.findall(r"\$\{(\w+)\}", path.read_text())}

    assert used == set(re.findall(r"PIZZA_[A-Z_]+", (ROOT / "docs/grafana.md").read_text()))


def test_panels_are_distinct_side_by_side_and_on_variables_of_the_dashboard() -> None:
    panels, variables = DASHBOARD["panels"], {each["name"] for each in DASHBOARD["templating"]["list"]}
    taken = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}

    assert len({panel["id"] for panel in panels}) == len(taken) == len(panels)
    for panel in panels:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert panel["datasource"]["uid"].strip("${}") in variables
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])


def test_the_dashboard_shows_no_body_since_it_holds_the_report_link() -> None:
    (logs,) = [panel for panel in DASHBOARD["panels"] if panel["type"] == "logs"]

    for target in logs["targets"]:
        assert re.search(r'\| line_format "[^"]*" \| drop resBody, reqBody$', target["expr"])
        assert "Body" not in target["expr"].split("line_format")[1].split("|")[0]


def test_grafanas_own_library_loses_nothing_of_the_dashboard() -> None:
    register_default_plugins()

    known = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(DASHBOARD)))

    assert list(lost(DASHBOARD, known)) == []


def lost(given: Any, known: Any, at: str = "") -> Iterator[str]:
    """The paths of what was given and isn't known, or differs."""
    if isinstance(given, dict):
        for key, value in given.items():
            yield from lost(value, known.get(key), f"{at}/{key}")
    elif isinstance(given, list):
        for index, (left, right) in enumerate(zip(given, known, strict=True)):
            yield from lost(left, right, f"{at}/{index}")
    elif given != known:
        yield at
