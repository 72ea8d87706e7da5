"""The built template, as far as the local AWS is blind: what only AWS would enforce is read here."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from remediator.adapters.metrics import EmbeddedMetrics
from remediator.canary import SECONDS_TO_TRIGGER, ProbeReport
from remediator.diagnosis import LATENCY_BUDGET
from remediator.endpoints import PROBES
from remediator.outcome import Outcome, Result
from remediator.sample import Sample
from remediator.settings import CanarySettings, Environment, IngestSettings, Settings, least_seconds
from simulator.embedded import metrics

SECONDS_TO_START = 5  # a cold start may count

Template = dict[str, Any]


def properties(template: Template, name: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


def of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    return {n: r for n, r in template["Resources"].items() if r["Type"] == kind}


def environment(template: Template, function: str) -> dict[str, Any]:
    found: dict[str, Any] = properties(template, function)["Environment"]["Variables"]
    return found


def same(some: list[dict[str, str]], others: list[dict[str, str]]) -> bool:
    """Whether two lists of dimensions are the same set."""
    return {each["Name"]: each["Value"] for each in some} == {each["Name"]: each["Value"] for each in others}


def statements(template: Template) -> list[dict[str, Any]]:
    """Every statement of every role and of every topic's and queue's policy."""
    documents = [
        p["PolicyDocument"] for r in of_type(template, "AWS::IAM::Role").values() for p in r["Properties"]["Policies"]
    ]
    for kind in ("AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"):
        documents += [r["Properties"]["PolicyDocument"] for r in of_type(template, kind).values()]
    return [statement for document in documents for statement in document["Statement"]]


def test_there_are_at_most_17_parameters_each_described_and_checked(template: Template) -> None:
    parameters = template["Parameters"]

    assert len(parameters) <= 17
    for name, parameter in parameters.items():
        assert parameter.get("Description"), name
        assert {"AllowedPattern", "AllowedValues", "MinValue"} & set(parameter), name


def test_only_what_nobody_else_can_know_has_no_default_and_the_defaults_do_the_least(template: Template) -> None:
    defaults = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}

    needed = {name for name, default in defaults.items() if default is None}
    assert needed == {"ShopUrl", "DinerSecretArn", "NotificationEmail"}
    assert (defaults["Mode"], defaults["GrafanaIngest"], defaults["GameDayCa"]) == ("observe", "off", "")


SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"


def takes(template: Template, parameter: str, value: str) -> bool:
    """Whether CloudFormation would take the value: a pattern has to match the whole of it."""
    return bool(re.fullmatch(template["Parameters"][parameter]["AllowedPattern"], value))


@pytest.mark.parametrize(
    ("parameter", "value", "taken"),
    [
        ("ShopUrl", "https://pizza-service.example.com", True),
        ("ShopUrl", "https://pizza-service.example.com:8443", True),
        ("ShopUrl", "http://127.0.0.1:3000", True),  # a game day's
        ("ShopUrl", "http://pizza-service.example.com", False),  # the password in clear
        ("ShopUrl", "http://127.0.0.1.example.com", False),
        ("ShopUrl", "https://pizza-service.example.com/", False),
        ("DinerSecretArn", f"{SECRET}pizza-diner-a1B2c3", True),
        ("DinerSecretArn", f"{SECRET}pizza-diner", False),  # without its suffix it matches nothing in IAM
        ("CanaryMinutes", "0", True),
        ("CanaryMinutes", "60", True),
        ("CanaryMinutes", "0.5", False),
        ("CanaryMinutes", "61", False),
        ("CallsAnHour", "1", True),
        ("CallsAnHour", "0", False),
        ("CallsAnHour", "1.5", False),
    ],
)
def test_a_parameter_takes_what_the_function_can_use_and_nothing_else(
    template: Template, parameter: str, value: str, *, taken: bool
) -> None:
    assert takes(template, parameter, value) == taken


def test_no_parameter_takes_a_fraction(template: Template) -> None:
    """CloudFormation's Number is an integer or a float (user guide, "Parameters")."""
    numbers = {name: each for name, each in template["Parameters"].items() if each["Type"] == "Number"}

    assert all("AllowedValues" in each for each in numbers.values()), numbers


def test_nothing_has_a_name_that_another_stack_of_the_account_could_have(translated: Template) -> None:
    """One name twice ends the second stack's deploy, or both write to one thing.

    An account has one dashboard of a name in all regions (CloudWatch user guide, "Using Amazon CloudWatch dashboards").
    """
    names = {
        f"{logical}.{key}": json.dumps(value)
        for logical, resource in translated["Resources"].items()
        for key, value in resource.get("Properties", {}).items()
        if key.endswith("Name") and key not in ("MetricName", "DisplayName")
    }

    assert "Core" in json.dumps(names)  # SAM names a layer, which alone shows that the search finds names
    fixed = {each: name for each, name in names.items() if not re.search(r'AWS::StackName|"(Ref|Fn::GetAtt)"', name)}
    assert fixed == {}
    assert "AWS::Region" in names["Dashboard.DashboardName"]


def test_no_statement_names_every_resource_or_every_action(template: Template) -> None:
    for statement in statements(template):
        assert statement["Resource"] != "*", statement
        assert "*" not in json.dumps(statement["Action"]), statement


CLOUDWATCH = ("cloudwatch", "sns:Publish", "alarm:*")
# Amazon Managed Service for Prometheus user guide, "Giving … permission to send messages to your Amazon SNS topic"
PROMETHEUS = ("aps", ["sns:Publish", "sns:GetTopicAttributes"], "workspace/*")


@pytest.mark.parametrize(
    ("topic", "senders"), [("AlarmTopic", [CLOUDWATCH, PROMETHEUS]), ("NotificationTopic", [CLOUDWATCH])]
)
def test_a_topic_takes_what_alarms_and_workspaces_of_this_account_alone_send(
    template: Template, topic: str, senders: list[Any]
) -> None:
    """EventBridge has no statement: SNS takes no condition for it, so any account's rule could publish.

    (EventBridge user guide, "Using resource-based policies for Amazon EventBridge".)
    """
    given = properties(template, f"{topic}Policy")["PolicyDocument"]["Statement"]

    for statement, (service, action, source) in zip(given, senders, strict=True):
        assert statement["Principal"]["Service"] == f"{service}.amazonaws.com"
        assert statement["Action"] == action
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        arn = statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"]
        assert arn.endswith(f":{service}:${{AWS::Region}}:${{AWS::AccountId}}:{source}")
    assert "KmsMasterKeyId" not in properties(template, topic)  # CloudWatch couldn't publish to an encrypted one


# Decrypting is done by Secrets Manager in the role's name (its user guide, "Permissions for the KMS key").
THROUGH_THE_SECRET = {
    "StringEquals": {
        "kms:ViaService": {"Fn::Sub": "secretsmanager.${AWS::Region}.${AWS::URLSuffix}"},
        "kms:EncryptionContext:SecretARN": {"Ref": "DinerSecretArn"},
    }
}


def test_a_customers_key_decrypts_by_way_of_the_diners_secret_alone(template: Template) -> None:
    given = [each for each in statements(template) if "kms:" in json.dumps(each["Action"])]

    assert len(given) == len([each for each in statements(template) if each["Resource"] == {"Ref": "DinerSecretArn"}])
    for statement in given:
        assert statement["Action"] == "kms:Decrypt"
        assert statement["Resource"] == {"Fn::Sub": "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"}
        assert statement["Condition"] == THROUGH_THE_SECRET


def test_the_dead_letter_queue_takes_what_sns_cannot_deliver(template: Template) -> None:
    policy = properties(template, "DeadLetterQueuePolicy")
    (statement,) = policy["PolicyDocument"]["Statement"]

    assert policy["Queues"] == [{"Ref": "DeadLetterQueue"}]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "AlarmTopic"}}}
    for queue in of_type(template, "AWS::SQS::Queue").values():
        assert queue["Properties"] == {"MessageRetentionPeriod": 1209600, "SqsManagedSseEnabled": True}  # two weeks


def test_the_alarm_topic_alone_invokes_the_function(template: Template) -> None:
    events = properties(template, "Remediate")["Events"]

    assert {name: event["Type"] for name, event in events.items()} == {"Alarm": "SNS"}
    assert events["Alarm"]["Properties"]["Topic"] == {"Ref": "AlarmTopic"}
    for name, permission in of_type(template, "AWS::Lambda::Permission").items():
        assert permission["Properties"]["FunctionName"] != {"Ref": "Remediate"}, name
    for name, url in of_type(template, "AWS::Lambda::Url").items():
        assert url["Properties"]["TargetFunctionArn"] != {"Fn::GetAtt": ["Remediate", "Arn"]}, name


def test_alarms_about_the_remediator_notify_and_never_trigger_it(template: Template) -> None:
    alarms = {name: each["Properties"] for name, each in of_type(template, "AWS::CloudWatch::Alarm").items()}

    assert len(alarms) == 7
    for name, alarm in alarms.items():
        topic = {"Ref": "AlarmTopic" if name in ("OrdersFailing", "TargetsFailing") else "NotificationTopic"}
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic], name
        assert alarm["TreatMissingData"] == ("breaching" if name == "CanarySilent" else "notBreaching"), name


def test_the_tables_name_is_cloudformations_since_a_deleted_stacks_table_stays(template: Template) -> None:
    assert "TableName" not in properties(template, "Table")


# What only AWS enforces: where among resources and conditions it is said, and how.
GIVEN = {
    "an alarm that SNS cannot deliver is kept": (
        "Remediate.Events.Alarm.RedrivePolicy.deadLetterTargetArn", {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}),
    "an event that raises is tried twice more": ("Remediate.EventInvokeConfig.MaximumRetryAttempts", 2),
    "an event that raised three times is kept": (
        "Remediate.EventInvokeConfig.DestinationConfig.OnFailure.Destination", {"Fn::GetAtt": ["FailureQueue", "Arn"]}),
    "the table outlives the stack": ("Table.DeletionPolicy", "RetainExceptOnCreate"),
    "the table outlives its replacement": ("Table.UpdateReplacePolicy", "Retain"),
    "the table's rows expire": ("Table.TimeToLiveSpecification", {"AttributeName": "expires_at", "Enabled": True}),
    "the table can be recovered": ("Table.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled", True),
    "the log group is the function's own": ("Remediate.LoggingConfig", {"LogGroup": {"Ref": "RemediateLogs"}}),
    "the log expires": ("RemediateLogs.RetentionInDays", {"Ref": "KeepDays"}),
    "the function has the layer's Python": ("Remediate.Runtime", "python3.13"),
    "the function has the layer's processor": ("Remediate.Architectures", ["x86_64"]),
    # A rate counts from the second of its creation and promises the minute alone (EventBridge Scheduler user guide,
    # "Schedule types"), so a run could come twice in one minute of the clock and not at all in the next.
    "the canary runs each minute": ("Canary.Events.EachMinute.ScheduleExpression", "cron(* * * * ? *)"),
    "the canary runs unless it is off": (
        "Canary.Events.EachMinute.State", {"Fn::If": ["CanaryScheduled", "ENABLED", "DISABLED"]}),
    "a run that cannot start is not scheduled again": ("Canary.Events.EachMinute.RetryPolicy.MaximumRetryAttempts", 0),
    "a run that raises is not tried again": ("Canary.EventInvokeConfig.MaximumRetryAttempts", 0),
    "zero minutes mean no canary": ("CanaryOn", {"Fn::Not": [{"Fn::Equals": [{"Ref": "CanaryMinutes"}, "0"]}]}),
    "a game day's canary has no schedule": (
        "CanaryScheduled", {"Fn::And": [{"Condition": "CanaryOn"}, {"Fn::Equals": [{"Ref": "GameDayCa"}, ""]}]}),
    "without a canary no alarm is about its silence": ("CanarySilent.Condition", "CanaryOn"),
    "without a load balancer there is no alarm on one": ("TargetsFailing.Condition", "LoadBalancerNamed"),
    "an empty name is no load balancer": (
        "LoadBalancerNamed", {"Fn::Not": [{"Fn::Equals": [{"Ref": "LoadBalancer"}, ""]}]}),
    "its alarm reads what the targets of the named one answered": (
        "TargetsFailing.Dimensions", [{"Name": "LoadBalancer", "Value": {"Ref": "LoadBalancer"}}]),
    "the stack's own alarms trigger whatever others are named": ("Remediate.Environment.Variables.OWN_ALARMS",
        {"Fn::If": ["LoadBalancerNamed", {"Fn::Sub": "${OrdersFailing},${TargetsFailing}"}, {"Ref": "OrdersFailing"}]}),
    "the URL of ingest needs no IAM": ("IngestUrl.AuthType", "NONE"),
}  # fmt: skip


@pytest.mark.parametrize(("place", "value"), GIVEN.values(), ids=GIVEN)
def test_the_template_says_what_only_aws_enforces(template: Template, place: str, value: object) -> None:
    found: Any = template["Resources"] | template["Conditions"]
    for step in place.split("."):
        found = found[step] if step in found else found["Properties"][step]

    assert found == value


def test_the_function_has_the_core_and_the_time_that_it_needs(template: Template) -> None:
    function = properties(template, "Remediate")
    order_seconds = float(function["Environment"]["Variables"]["ORDER_SECONDS"])

    assert function["MemorySize"] >= 1769  # a whole core (developer guide, "Configure Lambda function memory")
    assert function["Timeout"] - SECONDS_TO_START >= least_seconds(order_seconds)
    assert "ReservedConcurrentExecutions" not in function


@pytest.mark.parametrize(
    ("function", "settings"), [("Remediate", Settings), ("Canary", CanarySettings), ("Ingest", IngestSettings)]
)
def test_a_function_gets_every_setting_and_no_other(
    template: Template, function: str, settings: type[Environment]
) -> None:
    given = {name.lower() for name in environment(template, function) if not name.startswith("POWERTOOLS")}

    assert given == set(settings.model_fields) - {"aws_region"}  # which Lambda sets


def test_the_canarys_order_has_the_latency_budget_and_its_run_less_than_a_minute(template: Template) -> None:
    canary = properties(template, "Canary")

    assert float(canary["Environment"]["Variables"]["ORDER_SECONDS"]) == LATENCY_BUDGET
    assert 2 * LATENCY_BUDGET + SECONDS_TO_TRIGGER < canary["Timeout"] < 60


LEADING_KEY = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [{"Ref": "AWS::StackName"}]}}
LOGS = (["logs:CreateLogStream", "logs:PutLogEvents"], None)
MAY = {
    "CanaryRole": {
        "StateToRead": ("dynamodb:GetItem", LEADING_KEY),
        "Credentials": ("secretsmanager:GetSecretValue", None),
        "CredentialsKey": ("kms:Decrypt", THROUGH_THE_SECRET),
        "Alarms": ("sns:Publish", None),
        "Logs": LOGS,
    },
    "IngestRole": {
        "Secret": ("secretsmanager:GetSecretValue", None),
        "Alarms": ("sns:Publish", None),
        "Logs": LOGS,
    },
}


@pytest.mark.parametrize("role", MAY)
def test_canary_and_ingest_may_read_what_they_need_and_publish_alarms_and_nothing_else(
    template: Template, role: str
) -> None:
    (policy,) = properties(template, role)["Policies"]

    assert {s["Sid"]: (s["Action"], s.get("Condition")) for s in policy["PolicyDocument"]["Statement"]} == MAY[role]


def test_the_canary_is_silent_after_three_minutes_without_a_finished_run(
    template: Template, capsys: pytest.CaptureFixture[str]
) -> None:
    alarm = properties(template, "CanarySilent")
    EmbeddedMetrics("stack", "canary").probes(ProbeReport(dict.fromkeys(("canary login", *PROBES), True), {}))

    put = [metric for _, data in metrics(capsys.readouterr().out) for metric in data]

    assert alarm["Namespace"] == environment(template, "Canary")["TARGET"] == {"Ref": "AWS::StackName"}
    read = [m for m in put if m["MetricName"] == alarm["MetricName"] and same(m["Dimensions"], alarm["Dimensions"])]
    assert len(read) == 1  # a metric of each run: its SampleCount is the number of runs that ended
    rule = (alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"])
    assert rule == ("SampleCount", "LessThanThreshold", 1)
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (60, 3)


def test_an_event_that_is_healed_at_its_third_try_raises_no_alarm_about_the_remediator(template: Template) -> None:
    errors, oldest = properties(template, "OwnErrors"), properties(template, "OldestEvent")
    tries = 1 + properties(template, "Remediate")["EventInvokeConfig"]["MaximumRetryAttempts"]
    longest = (tries - 1) * properties(template, "Remediate")["Timeout"] + 60 + 120  # Lambda waits 1 and 2 minutes

    assert errors["Threshold"] > tries - 1
    assert oldest["MetricName"] == "AsyncEventAge"
    assert oldest["Threshold"] == 600 * 1000 > longest * 1000


def test_the_dashboard_shows_metrics_that_are_printed_and_every_alarm(
    template: Template, capsys: pytest.CaptureFixture[str]
) -> None:
    text, given = properties(template, "Dashboard")["DashboardBody"]["Fn::Sub"]
    shown_if = {part: each["Fn::If"] for part, each in given.items()}
    assert {each[0] for each in shown_if.values()} == {"CanaryOn", "LoadBalancerNamed"}
    bare = full = text
    for part, (_, of_alarm, nothing) in shown_if.items():
        bare, full = bare.replace(f"${{{part}}}", nothing), full.replace(f"${{{part}}}", of_alarm["Fn::Sub"])
    json.loads(bare)
    body = json.loads(full)
    shown = json.dumps(body)
    failed = Sample(datetime.now(UTC), 0.02, 500)
    EmbeddedMetrics("stack", "canary").probes(ProbeReport({"menu": True}, {"order": "500"}, failed))
    EmbeddedMetrics("stack", "remediate").result(Result(Outcome.HEALED, "good", "i-1", {"call": 16}, 5))
    put = {metric["MetricName"] for _, data in metrics(capsys.readouterr().out) for metric in data}

    assert {"OrderFailed", "Ended", "Took", "CallsLeft"} <= put
    assert all(name in shown for name in ("OrderFailed", " Ended", " Took", "CallsLeft"))
    for name in of_type(template, "AWS::CloudWatch::Alarm"):
        assert f"${{{name}.Arn}}" in shown, name
    for queue in of_type(template, "AWS::SQS::Queue"):
        assert f"${{{queue}.QueueName}}" in shown, queue
    spots = [(w["x"], w["y"]) for w in body["widgets"]]
    assert len(set(spots)) == len(spots)


def test_all_of_ingest_goes_with_its_switch(template: Template) -> None:
    mine = {name: r for name, r in template["Resources"].items() if name.startswith("Ingest")}

    assert len(mine) == 7
    assert {r["Condition"] for r in mine.values()} == {"IngestOn"}
    assert {template["Outputs"][name]["Condition"] for name in ("IngestUrl", "IngestSecretArn")} == {"IngestOn"}
    assert mine["IngestSecret"]["Properties"]["GenerateSecretString"]["PasswordLength"] >= 32


def test_ingest_is_called_by_its_url_alone(template: Template) -> None:
    """A URL without IAM needs both (Lambda developer guide, "Control access to Lambda function URLs")."""
    may = [each["Properties"] for each in of_type(template, "AWS::Lambda::Permission").values()]
    everybody = {"FunctionName": {"Ref": "Ingest"}, "Principal": "*"}

    assert may == [
        everybody | {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
        everybody | {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
    ]


def test_no_function_has_a_url_by_sam_whose_guided_deploy_would_ask_about_it(template: Template) -> None:
    for name, function in of_type(template, "AWS::Serverless::Function").items():
        assert "FunctionUrlConfig" not in function["Properties"], name
