"""The files in grafana/ against what Grafana's provisioning reads, and against each other.

The models below know every field that our files use and no other, by grafana/grafana pkg/services/provisioning
(alerting/rules_types.go, contact_point_types.go, notification_policy_types.go, dashboards/types.go) and
grafana/alerting receivers/{sns,webhook}/v1/config.go. A misspelt field, which Grafana would pass over, fails here.
"""

import json
import re
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from console.places import ROOT
from remediator import webhook

FOLDER = ROOT / "grafana"
# A Prometheus duration, as Grafana parses it; group_wait alone may be nothing.
Duration = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(s|m|h)$")]
Wait = Annotated[str, StringConstraints(pattern=r"^[0-9]+(s|m|h)$")]
Uid = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
Variable = Annotated[str, StringConstraints(pattern=r"^\$\{PIZZA_[A-Z_]+\}$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Span(Strict):
    from_: Annotated[int, Field(alias="from")]
    to: int


class Model(Strict):
    ref: Annotated[str, Field(alias="refId")]
    expr: str | None = None
    instant: bool | None = None
    range: bool | None = None
    queryType: Literal["instant"] | None = None  # noqa: N815 - Grafana's name
    type: Literal["math"] | None = None
    expression: str | None = None


class Query(Strict):
    ref: Annotated[str, Field(alias="refId", pattern="^[A-Za-z]+$")]  # the lexer of math knows letters alone
    queryType: Literal["instant"] | None = None  # noqa: N815
    source: Annotated[Variable | Literal["__expr__"], Field(alias="datasourceUid")]
    span: Annotated[Span, Field(alias="relativeTimeRange")]
    model: Model


class Rule(Strict):
    uid: Uid
    title: str
    condition: str
    for_: Annotated[Wait, Field(alias="for")]
    keep: Annotated[Duration, Field(alias="keepFiringFor")]
    no_data: Annotated[Literal["NoData", "Alerting", "OK", "KeepLast"], Field(alias="noDataState")]
    error: Annotated[Literal["Error", "Alerting", "OK", "KeepLast"], Field(alias="execErrState")]
    labels: dict[str, str]
    annotations: dict[str, str]
    data: list[Query]


class Group(Strict):
    org: Annotated[Literal[1], Field(alias="orgId")]
    name: str
    folder: str
    interval: Duration
    rules: list[Rule]


class Sigv4(Strict):
    region: Variable


class Sns(Strict):
    topic_arn: Variable
    sigv4: Sigv4
    subject: Annotated[str, StringConstraints(max_length=100, pattern=r"^[ -~]+$")]  # SNS's limits of a subject
    message: str


class Hmac(Strict):
    secret: Variable
    header: str
    timestamp: Annotated[str, Field(alias="timestampHeader")]


class Webhook(Strict):
    url: Variable
    method: Annotated[Literal["POST"], Field(alias="httpMethod")]
    hmac: Annotated[Hmac, Field(alias="hmacConfig")]


class Receiver[Settings](Strict):
    uid: Uid
    type: Literal["sns", "webhook"]
    mute_resolved: Annotated[Literal[False], Field(alias="disableResolveMessage")]
    settings: Settings


class ContactPoint[Settings](Strict):
    org: Annotated[Literal[1], Field(alias="orgId")]
    name: str
    receivers: list[Receiver[Settings]]


class Route(Strict):
    receiver: str
    object_matchers: list[tuple[str, Literal["="], str]]
    group_by: list[str]
    group_wait: Wait
    group_interval: Duration
    repeat_interval: Duration


class Root(Strict):
    org: Annotated[Literal[1], Field(alias="orgId")]
    receiver: str
    group_by: list[str]
    routes: list[Route]


class Options(Strict):
    path: Annotated[str, StringConstraints(pattern="^/")]


class Provider(Strict):
    name: str
    org: Annotated[Literal[1], Field(alias="orgId")]
    folder: str
    type: Literal["file"]
    disableDeletion: bool  # noqa: N815
    allowUiUpdates: bool  # noqa: N815
    options: Options


class File(Strict):
    version: Annotated[Literal[1], Field(alias="apiVersion")]


class Rules(File):
    groups: list[Group]


class SnsFile(File):
    points: Annotated[list[ContactPoint[Sns]], Field(alias="contactPoints")]


class WebhookFile(File):
    points: Annotated[list[ContactPoint[Webhook]], Field(alias="contactPoints")]


class Policies(File):
    policies: list[Root]


class Dashboards(File):
    providers: list[Provider]


def read[Kind: File](kind: type[Kind], name: str) -> Kind:
    return kind.model_validate(yaml.safe_load((FOLDER / name).read_text()), strict=False)


RULES = [rule for group in read(Rules, "alert-rules.yaml").groups for rule in group.rules]
SNS = read(SnsFile, "contact-point-sns.yaml").points[0]
WEBHOOK = read(WebhookFile, "contact-point-webhook.yaml").points[0]
ROUTE = read(Policies, "policies.yaml").policies[0].routes[0]
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())


def test_every_file_in_the_folder_is_read_here() -> None:
    names = {path.name for path in FOLDER.iterdir()}

    read(Dashboards, "dashboards.yaml")
    assert names == {
        *("alert-rules.yaml", "contact-point-sns.yaml", "contact-point-webhook.yaml"),
        *("policies.yaml", "dashboards.yaml", "dashboard.json"),
    }


def test_uids_are_unique() -> None:
    uids = [rule.uid for rule in RULES] + [r.uid for point in (SNS, WEBHOOK) for r in point.receivers]
    uids.append(DASHBOARD["uid"])

    assert len(uids) == len(set(uids))


def test_rules_are_evaluated_every_ten_seconds_and_fire_at_once() -> None:
    (group,) = read(Rules, "alert-rules.yaml").groups

    assert group.interval == "10s"
    assert {rule.for_ for rule in RULES} == {"0s"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.uid)
def test_rule_asks_for_a_number_and_a_share_of_what_it_queries(rule: Rule) -> None:
    queries = {query.ref: query for query in rule.data}
    condition = queries[rule.condition]

    assert all(query.model.ref == query.ref for query in rule.data)
    assert condition.source == "__expr__"
    assert re.fullmatch(r"\$failed >= 2 && \$failed >= 0\.67 \* \$orders", str(condition.model.expression))
    assert set(queries) == {"failed", "orders", rule.condition}
    for name in ("failed", "orders"):
        assert "[70s]" in str(queries[name].model.expr)
        assert str(queries[name].model.expr).endswith("or vector(0)")
        assert queries[name].span.from_ == 70


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.uid)
def test_model_holds_no_environment_variable_since_grafana_fills_none_in_there(rule: Rule) -> None:
    assert all("${" not in query.model.model_dump_json() for query in rule.data)


def test_rules_go_by_the_policy_to_either_contact_point_without_waiting() -> None:
    ((name, _, value),) = ROUTE.object_matchers

    assert all(rule.labels[name] == value for rule in RULES)
    assert {ROUTE.receiver} == {SNS.name, WEBHOOK.name}
    assert ROUTE.group_wait == "0s"


def test_sns_gets_json_by_grafanas_own_template_and_no_keys() -> None:
    (receiver,) = SNS.receivers

    assert receiver.type == "sns"
    assert receiver.settings.message == '{{ template "webhook.default.payload" . }}'


def test_webhook_signs_with_the_headers_that_ingest_reads() -> None:
    (receiver,) = WEBHOOK.receivers

    assert receiver.type == "webhook"
    assert receiver.settings.hmac.header.lower() == webhook.SIGNATURE
    assert receiver.settings.hmac.timestamp.lower() == webhook.TIMESTAMP


def test_every_variable_is_told_of_in_the_documentation() -> None:
    used = {name for path in FOLDER.glob("*.yaml") for name in re.findall(r"\$\{(\w+)\}", path.read_text())}
    told = set(re.findall(r"PIZZA_[A-Z_]+", (ROOT / "docs/grafana.md").read_text()))

    assert used == told


def test_panels_are_distinct_side_by_side_and_on_variables_of_the_dashboard() -> None:
    panels, names = DASHBOARD["panels"], {each["name"] for each in DASHBOARD["templating"]["list"]}
    taken = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]

    assert len({panel["id"] for panel in panels}) == len(set(taken)) == len(panels)
    for panel in panels:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"]
            assert panel["datasource"]["uid"].strip("${}") in names


def test_dashboard_shows_no_body_since_it_holds_the_report_link() -> None:
    (logs,) = [panel for panel in DASHBOARD["panels"] if panel["type"] == "logs"]

    for target in logs["targets"]:
        assert re.search(r'\| line_format "[^"]*" \| drop resBody, reqBody$', target["expr"])
        assert "Body" not in target["expr"].split("line_format")[1].split("|")[0]


def test_dashboard_is_whole_to_grafanas_own_library() -> None:
    models = pytest.importorskip("grafana_foundation_sdk.models.dashboard")
    encoder = pytest.importorskip("grafana_foundation_sdk.cog.encoder").JSONEncoder
    pytest.importorskip("grafana_foundation_sdk.cog.plugins").register_default_plugins()

    known = json.loads(encoder(sort_keys=True).encode(models.Dashboard.from_json(DASHBOARD)))

    assert _without(known, DASHBOARD) == []


def _without(known: Any, told: Any, at: str = "") -> list[str]:
    """Where what was told is lost or changed in what is known."""
    if isinstance(told, dict):
        lost = [f"{at}/{key}" for key in told if key not in known]
        return lost + [miss for key in told if key in known for miss in _without(known[key], told[key], f"{at}/{key}")]
    if isinstance(told, list):
        pairs = enumerate(zip(known, told, strict=True))
        return [miss for index, (left, right) in pairs for miss in _without(left, right, f"{at}/{index}")]
    return [] if known == told else [at]
