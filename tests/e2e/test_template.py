"""The built template, as far as the local AWS is blind: what only AWS would enforce is read here."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from remediator.adapters.metrics import EmbeddedMetrics
from remediator.canary import PROBES, SECONDS_TO_TRIGGER, ProbeReport
from remediator.diagnosis import LATENCY_BUDGET
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


def test_there_are_at_most_15_parameters_each_described_and_checked(template: Template) -> None:
    parameters = template["Parameters"]

    assert len(parameters) <= 15
    for name, parameter in parameters.items():
        assert parameter.get("Description"), name
        assert {"AllowedPattern", "AllowedValues", "MinValue"} & set(parameter), name


def test_only_what_nobody_else_can_know_has_no_default_and_the_defaults_do_the_least(template: Template) -> None:
    defaults = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}

    assert {name for name, default in defaults.items() if default is None} == {
        *("ShopUrl", "DinerSecretArn", "NotificationEmail")
    }
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


SENDERS = {
    "cloudwatch.amazonaws.com": ("sns:Publish", ":cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"),
    # Amazon Managed Service for Prometheus user guide, "Giving … permission to send messages to your Amazon SNS topic"
    "aps.amazonaws.com": (
        ["sns:Publish", "sns:GetTopicAttributes"],
        ":aps:${AWS::Region}:${AWS::AccountId}:workspace/*",
    ),
}


@pytest.mark.parametrize(
    ("topic", "senders"), [("AlarmTopic", ["cloudwatch", "aps"]), ("NotificationTopic", ["cloudwatch"])]
)
def test_a_topic_takes_what_alarms_and_workspaces_of_this_account_alone_send(
    template: Template, topic: str, senders: list[str]
) -> None:
    """EventBridge has no statement: SNS takes no condition for it, so any account's rule could publish.

    (EventBridge user guide, "Using resource-based policies for Amazon EventBridge".)
    """
    given = properties(template, f"{topic}Policy")["PolicyDocument"]["Statement"]

    assert [each["Principal"]["Service"] for each in given] == [f"{sender}.amazonaws.com" for sender in senders]
    for statement in given:
        action, source = SENDERS[statement["Principal"]["Service"]]
        assert statement["Action"] == action
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(source)
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
    event = properties(template, "Remediate")["Events"]["Alarm"]["Properties"]
    policy = properties(template, "DeadLetterQueuePolicy")
    (statement,) = policy["PolicyDocument"]["Statement"]

    assert event["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
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


def test_an_event_that_raises_is_tried_twice_more_and_then_kept(template: Template) -> None:
    config = properties(template, "Remediate")["EventInvokeConfig"]

    assert config["MaximumRetryAttempts"] == 2
    assert config["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["FailureQueue", "Arn"]}


@pytest.mark.parametrize(
    ("alarm", "topic", "missing"),
    [
        ("OrdersFailing", "AlarmTopic", "notBreaching"),
        ("AlarmsUndelivered", "NotificationTopic", "notBreaching"),
        ("RemediationsFailed", "NotificationTopic", "notBreaching"),
        ("CanarySilent", "NotificationTopic", "breaching"),
        ("OwnErrors", "NotificationTopic", "notBreaching"),
        ("OldestEvent", "NotificationTopic", "notBreaching"),
    ],
)
def test_alarms_about_the_remediator_notify_and_never_trigger_it(
    template: Template, alarm: str, topic: str, missing: str
) -> None:
    assert properties(template, alarm)["AlarmActions"] == [{"Ref": topic}]
    assert properties(template, alarm)["OKActions"] == [{"Ref": topic}]
    assert properties(template, alarm)["TreatMissingData"] == missing
    assert len(of_type(template, "AWS::CloudWatch::Alarm")) <= 6


def test_the_table_expires_recovers_and_outlives_the_stack(template: Template) -> None:
    table = template["Resources"]["Table"]

    assert table["DeletionPolicy"] == "RetainExceptOnCreate"
    assert table["UpdateReplacePolicy"] == "Retain"
    assert "TableName" not in table["Properties"]
    assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_the_log_group_is_the_functions_own_and_expires(template: Template) -> None:
    assert properties(template, "Remediate")["LoggingConfig"] == {"LogGroup": {"Ref": "RemediateLogs"}}
    assert properties(template, "RemediateLogs")["RetentionInDays"] == {"Ref": "KeepDays"}


def test_the_function_has_the_runtime_the_core_and_the_time_that_it_needs(template: Template) -> None:
    function = properties(template, "Remediate")
    order_seconds = float(function["Environment"]["Variables"]["ORDER_SECONDS"])

    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["x86_64"]
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

    assert given == set(settings.model_fields)


def test_the_canarys_order_has_the_latency_budget_and_its_run_less_than_a_minute(template: Template) -> None:
    canary = properties(template, "Canary")

    assert float(canary["Environment"]["Variables"]["ORDER_SECONDS"]) == LATENCY_BUDGET
    assert 2 * LATENCY_BUDGET + SECONDS_TO_TRIGGER < canary["Timeout"] < 60


def test_the_schedule_runs_the_canary_each_minute_without_retries(template: Template) -> None:
    canary = properties(template, "Canary")
    (event,) = canary["Events"].values()

    assert event["Type"] == "ScheduleV2"
    # A rate counts from the second of its creation and promises the minute alone (EventBridge Scheduler user guide,
    # "Schedule types"), so a run could come twice in one minute of the clock and not at all in the next.
    assert event["Properties"]["ScheduleExpression"] == "cron(* * * * ? *)"
    assert event["Properties"]["State"] == {"Fn::If": ["CanaryScheduled", "ENABLED", "DISABLED"]}
    assert template["Conditions"]["CanaryScheduled"] == {
        "Fn::And": [{"Condition": "CanaryOn"}, {"Fn::Equals": [{"Ref": "GameDayCa"}, ""]}]
    }
    assert event["Properties"]["RetryPolicy"]["MaximumRetryAttempts"] == 0
    assert canary["EventInvokeConfig"]["MaximumRetryAttempts"] == 0


def test_zero_minutes_mean_no_canary_and_no_alarm_on_its_silence(template: Template) -> None:
    assert takes(template, "CanaryMinutes", "0")
    assert template["Conditions"]["CanaryOn"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "CanaryMinutes"}, "0"]}]}
    assert template["Resources"]["CanarySilent"]["Condition"] == "CanaryOn"


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
    EmbeddedMetrics("stack", "canary").probes(ProbeReport(dict.fromkeys(("login", *PROBES), True), {}))

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
    name, of_canary, nothing = given["OfTheCanary"]["Fn::If"]
    assert (name, nothing) == ("CanaryOn", "")
    json.loads(text.replace("${OfTheCanary}", nothing))
    body = json.loads(text.replace("${OfTheCanary}", of_canary["Fn::Sub"]))
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

    assert set(mine) == {
        *("Ingest", "IngestSecret", "IngestLogs", "IngestRole"),
        *("IngestUrl", "IngestUrlForAll", "IngestByUrlAlone"),
    }
    assert {r["Condition"] for r in mine.values()} == {"IngestOn"}
    assert {template["Outputs"][name]["Condition"] for name in ("IngestUrl", "IngestSecretArn")} == {"IngestOn"}
    assert mine["IngestSecret"]["Properties"]["GenerateSecretString"]["PasswordLength"] >= 32


def test_ingest_is_called_by_its_url_alone(template: Template) -> None:
    """A URL without IAM needs both (Lambda developer guide, "Control access to Lambda function URLs")."""
    may = [each["Properties"] for each in of_type(template, "AWS::Lambda::Permission").values()]
    everybody = {"FunctionName": {"Ref": "Ingest"}, "Principal": "*"}

    assert properties(template, "IngestUrl")["AuthType"] == "NONE"
    assert may == [
        everybody | {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
        everybody | {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
    ]


def test_no_function_has_a_url_by_sam_whose_guided_deploy_would_ask_about_it(template: Template) -> None:
    for name, function in of_type(template, "AWS::Serverless::Function").items():
        assert "FunctionUrlConfig" not in function["Properties"], name
