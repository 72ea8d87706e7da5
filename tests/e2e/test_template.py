"""The built template, where the local AWS is blind: what only AWS would enforce is read here."""

import json
from typing import Any

import pytest

from remediator.settings import IngestSettings, Settings, least_seconds

SECONDS_TO_START = 5  # a cold start may count

Template = dict[str, Any]


def properties(template: Template, name: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


def of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    return {n: r for n, r in template["Resources"].items() if r["Type"] == kind}


def statements(template: Template) -> list[dict[str, Any]]:
    documents = [
        *(
            p["PolicyDocument"]
            for r in of_type(template, "AWS::IAM::Role").values()
            for p in r["Properties"]["Policies"]
        ),
        *(r["Properties"]["PolicyDocument"] for r in of_type(template, "AWS::SNS::TopicPolicy").values()),
        *(r["Properties"]["PolicyDocument"] for r in of_type(template, "AWS::SQS::QueuePolicy").values()),
    ]
    return [statement for document in documents for statement in document["Statement"]]


def test_there_are_at_most_15_parameters_each_described_and_checked(template: Template) -> None:
    parameters = template["Parameters"]

    assert len(parameters) <= 15
    for name, parameter in parameters.items():
        assert parameter.get("Description"), name
        assert {"AllowedPattern", "AllowedValues", "MinValue"} & set(parameter), name


def test_only_what_nobody_else_can_know_has_no_default(template: Template) -> None:
    without = {name for name, parameter in template["Parameters"].items() if "Default" not in parameter}

    assert without == {"ShopUrl", "DinerSecretArn", "PeopleEmail"}


def test_mode_is_observe_unless_a_person_says_act(template: Template) -> None:
    assert template["Parameters"]["Mode"]["Default"] == "observe"


def test_no_statement_names_every_resource_or_every_action(template: Template) -> None:
    for statement in statements(template):
        assert statement["Resource"] != "*", statement
        assert "*" not in json.dumps(statement["Action"]), statement


def test_topics_take_alarms_of_this_account_alone(template: Template) -> None:
    for name in ("AlarmTopicPolicy", "PeopleTopicPolicy"):
        (statement,) = properties(template, name)["PolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        source = statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"]
        assert source.endswith(":${AWS::AccountId}:alarm:*")


def test_topics_are_unencrypted_so_that_cloudwatch_can_publish(template: Template) -> None:
    assert "KmsMasterKeyId" not in properties(template, "AlarmTopic")
    assert "KmsMasterKeyId" not in properties(template, "PeopleTopic")


def test_dead_letter_queue_of_the_subscription_takes_what_sns_sends(template: Template) -> None:
    event = properties(template, "Remediate")["Events"]["Alarm"]["Properties"]
    policy = properties(template, "DeadLetterQueuePolicy")
    (statement,) = policy["PolicyDocument"]["Statement"]

    assert event["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
    assert policy["Queues"] == [{"Ref": "DeadLetterQueue"}]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "AlarmTopic"}}}


def test_alarm_topic_alone_invokes_the_function(template: Template) -> None:
    events = properties(template, "Remediate")["Events"]

    assert {name: event["Type"] for name, event in events.items()} == {"Alarm": "SNS"}
    assert events["Alarm"]["Properties"]["Topic"] == {"Ref": "AlarmTopic"}
    assert of_type(template, "AWS::Lambda::Permission") == {}
    assert "FunctionUrlConfig" not in properties(template, "Remediate")


def test_event_that_raises_is_tried_twice_more_and_then_kept(template: Template) -> None:
    config = properties(template, "Remediate")["EventInvokeConfig"]

    assert config["MaximumRetryAttempts"] == 2
    assert config["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["FailureQueue", "Arn"]}


def test_dead_letters_are_encrypted_and_kept_for_two_weeks(template: Template) -> None:
    for queue in of_type(template, "AWS::SQS::Queue").values():
        assert queue["Properties"] == {"MessageRetentionPeriod": 1209600, "SqsManagedSseEnabled": True}


@pytest.mark.parametrize(
    ("alarm", "topic", "missing"),
    [
        ("OrdersFailing", "AlarmTopic", "ignore"),
        ("AlarmsUndelivered", "PeopleTopic", "notBreaching"),
        ("RemediationsFailed", "PeopleTopic", "notBreaching"),
    ],
)
def test_alarms_about_ourselves_tell_people_and_never_wake_the_machine(
    template: Template, alarm: str, topic: str, missing: str
) -> None:
    assert properties(template, alarm)["AlarmActions"] == [{"Ref": topic}]
    assert properties(template, alarm)["OKActions"] == [{"Ref": topic}]
    assert properties(template, alarm)["TreatMissingData"] == missing


def test_there_are_at_most_six_alarms(template: Template) -> None:
    assert len(of_type(template, "AWS::CloudWatch::Alarm")) <= 6


def test_table_expires_recovers_and_outlives_the_stack(template: Template) -> None:
    table = template["Resources"]["Table"]

    assert table["DeletionPolicy"] == "RetainExceptOnCreate"
    assert table["UpdateReplacePolicy"] == "Retain"
    assert "TableName" not in table["Properties"]
    assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_log_group_is_the_functions_own_and_expires(template: Template) -> None:
    assert properties(template, "Remediate")["LoggingConfig"] == {"LogGroup": {"Ref": "RemediateLogs"}}
    assert properties(template, "RemediateLogs")["RetentionInDays"] == {"Ref": "KeepDays"}


def test_function_has_the_runtime_and_the_time_that_its_settings_need(template: Template) -> None:
    function = properties(template, "Remediate")
    order_seconds = float(function["Environment"]["Variables"]["ORDER_SECONDS"])

    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["x86_64"]
    assert function["Timeout"] - SECONDS_TO_START >= least_seconds(order_seconds)
    assert "ReservedConcurrentExecutions" not in function


def test_function_gets_every_setting_and_no_other(template: Template) -> None:
    variables = set(properties(template, "Remediate")["Environment"]["Variables"])

    assert {name.lower() for name in variables if not name.startswith("POWERTOOLS")} == set(Settings.model_fields)


def test_ingest_is_off_unless_a_person_says_so_and_all_of_it_goes_with_the_switch(template: Template) -> None:
    mine = {name: r for name, r in template["Resources"].items() if name.startswith("Ingest")}

    assert template["Parameters"]["GrafanaIngest"]["Default"] == "off"
    assert set(mine) == {"Ingest", "IngestSecret", "IngestLogs", "IngestRole"}
    assert {r["Condition"] for r in mine.values()} == {"IngestOn"}
    assert {template["Outputs"][name]["Condition"] for name in ("IngestUrl", "IngestSecretArn")} == {"IngestOn"}


def test_ingest_gets_every_setting_and_no_other(template: Template) -> None:
    variables = set(properties(template, "Ingest")["Environment"]["Variables"])

    assert {name.lower() for name in variables if not name.startswith("POWERTOOLS")} == set(IngestSettings.model_fields)


def test_ingest_may_write_signatures_and_publish_alarms_and_nothing_else(template: Template) -> None:
    (policy,) = properties(template, "IngestRole")["Policies"]
    may = {s["Sid"]: (s["Action"], s.get("Condition")) for s in policy["PolicyDocument"]["Statement"]}
    keys = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [{"Fn::Sub": "${AWS::StackName}#WEBHOOKS"}]}}

    assert may == {
        "SignaturesAlone": (["dynamodb:PutItem", "dynamodb:DeleteItem"], keys),
        "Secret": ("secretsmanager:GetSecretValue", None),
        "Alarms": ("sns:Publish", None),
        "Logs": (["logs:CreateLogStream", "logs:PutLogEvents"], None),
    }


def test_secret_of_the_webhooks_is_made_by_the_stack_and_long(template: Template) -> None:
    made = properties(template, "IngestSecret")["GenerateSecretString"]

    assert made == {"PasswordLength": 64, "ExcludePunctuation": True}
