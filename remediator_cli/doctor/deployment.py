"""The doctor's checks of what is deployed."""

import json
from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from remediator.settings import least_seconds
from remediator_cli.doctor.target import LOGIN, TABLE, Answer, Target
from remediator_cli.doctor.topic_policy import lets_cloudwatch_publish
from remediator_cli.function import ask_function
from remediator_cli.status import depth, has_canary

OUTPUTS: Final = (
    *("AlarmTopicArn", "NotificationTopicArn", "TableName", "FunctionName", "CanaryName"),
    *("DeadLetterQueueUrl", "FailureQueueUrl"),
)
SECONDS_OFF: Final = 5.0  # less than that is the network, and a header's whole seconds
AWS_KEY: Final = "alias/aws/secretsmanager"  # lets everybody in the account by whom Secrets Manager does
DENIED: Final = ("AccessDenied", "AuthorizationError", "UnauthorizedOperation")


def check_stack(target: Target) -> Answer:
    status = target.client("cloudformation").describe_stacks(StackName=target.stack.name)["Stacks"][0]["StackStatus"]
    return Answer("ok" if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE") else "broken", status)


def check_outputs(target: Target) -> Answer:
    missing = [name for name in OUTPUTS if name not in target.outputs]
    return Answer("broken", f"missing: {', '.join(missing)}") if missing else Answer("ok", f"all {len(OUTPUTS)}")


def check_function(target: Target) -> Answer:
    found = target.function
    state, update = found["State"], found["LastUpdateStatus"]
    why = found.get("StateReason") or found.get("LastUpdateStatusReason")
    words = f"{state}, last update {update}{f': {why}' if why else ''}"
    if update == "InProgress":
        return Answer("note", words, "ask again in a minute")
    return Answer("ok" if (state, update) == ("Active", "Successful") else "broken", words)


def check_settings(target: Target) -> Answer:
    timeout, least = target.function["Timeout"], least_seconds(target.settings.order_seconds)
    if timeout < least:
        return Answer("broken", f"the time-out is {timeout} s, orders of that length need {least:.0f}")
    return Answer("ok", f"shop {target.settings.shop_url}, time-out {timeout} s")


def check_role(target: Target) -> Answer:
    """Each action that the template gives and `access` can't try, on its own resource."""
    chosen, queue = target.settings, target.outputs["FailureQueueUrl"].rpartition("/")[2]
    _, partition, _, region, account, *_ = target.function["FunctionArn"].split(":")
    needed = {
        f"arn:{partition}:dynamodb:{region}:{account}:table/{chosen.table}": ["PutItem", "UpdateItem"],
        chosen.notification_topic_arn: ["Publish"],
        f"arn:{partition}:sqs:{region}:{account}:{queue}": ["SendMessage"],
    }
    lacking = [action for resource, names in needed.items() for action in _lacking(target, resource, names)]
    return Answer("broken", f"lacks {', '.join(lacking)}") if lacking else Answer("ok", "allows what it needs")


def _lacking(target: Target, resource: str, names: Sequence[str]) -> list[str]:
    """Which of these actions the function's role doesn't allow; the local AWS knows one resource a question."""
    said = target.client("iam").simulate_principal_policy(
        PolicySourceArn=target.function["Role"],
        ActionNames=[f"{resource.split(':')[2]}:{name}" for name in names],
        ResourceArns=[resource],
    )
    return [one["EvalActionName"] for one in said["EvaluationResults"] if one["EvalDecision"] != "allowed"]


def check_access(target: Target) -> Answer:
    """Secret and state as the function reads them. What isn't a matter of permission has a row that says more."""
    said, silent = ask_function(target.stack)
    if silent:
        return Answer("broken", silent, "look at its log, then deploy this version")
    wrong = "; ".join(words for words in said.values() if words != "ok")
    if not wrong:
        return Answer("ok", "the function reads its secret and its state")
    if is_denied(said["secret"]):
        return _why(target, wrong)
    if is_denied(said["state"]):
        return Answer("broken", wrong)
    return Answer("note", wrong, f"see {LOGIN}, and {TABLE}")


def _why(target: Target, denied: str) -> Answer:
    """What keeps the function from its secret. IAM compares ARNs whole, and Secrets Manager decrypts on behalf of who
    asks (Secrets Manager user guide, "Secret encryption and decryption"); without KmsKeyId the key is AWS's, for all.
    """
    arn = target.settings.diner_secret_arn
    secret = target.client("secretsmanager").describe_secret(SecretId=arn)
    if secret["ARN"] != arn:
        lacks = f"{denied}: DinerSecretArn lacks the six random characters at the end of the secret's ARN"
        return Answer("broken", lacks, f"deploy with DinerSecretArn={secret['ARN']}")
    if _lacking(target, arn, ["GetSecretValue"]):
        return Answer("broken", f"{denied}: the role lacks secretsmanager:GetSecretValue")
    key = secret.get("KmsKeyId", AWS_KEY)
    if not key.endswith(AWS_KEY):
        role = target.function["Role"]
        let = f"let the key's policy allow kms:Decrypt to {role}, or to the account, as KMS's default policy does"
        return Answer("broken", f"{denied}: the policy of the secret's key {key} denies it", let)
    return Answer("broken", f"{denied}: the secret's own policy or the organization's denies it")


def is_denied(words: str) -> bool:
    return any(code in words for code in DENIED)


def check_topic(target: Target) -> Answer:
    topic = target.outputs["AlarmTopicArn"]
    policy = target.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"].get("Policy", "{}")
    if lets_cloudwatch_publish(json.loads(policy), topic):
        return Answer("ok", "CloudWatch may publish to it")
    return Answer("broken", "its policy doesn't let cloudwatch.amazonaws.com publish")


def _subscriptions(target: Target, output: str) -> list[Any]:
    return target.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=target.outputs[output])


def check_trigger(target: Target) -> Answer:
    name = target.outputs["FunctionName"]
    if any(name in one["Endpoint"].split(":") for one in _subscriptions(target, "AlarmTopicArn")):
        return Answer("ok", "the function is subscribed to the alarm topic")
    return Answer("broken", "the function isn't subscribed to the alarm topic: no alarm reaches it")


def check_notifications(target: Target) -> Answer:
    found = _subscriptions(target, "NotificationTopicArn")
    confirmed = [one["Protocol"] for one in found if one["SubscriptionArn"].startswith("arn:")]
    waiting = [one["Protocol"] for one in found if one["SubscriptionArn"] == "PendingConfirmation"]
    also = f"; not confirmed: {', '.join(waiting)}" if waiting else ""
    words = f"confirmed: {', '.join(confirmed) or 'none'}{also}"
    if not confirmed and not waiting:
        # SNS developer guide, "Deleting an Amazon SNS topic and subscription"; the stack takes its own for still there.
        words += "; AWS deletes what isn't confirmed within 48 hours, and no deploy brings it back"
        who = target.stack.parameters.get("NotificationEmail", "you@example.com")
        by_hand = f"aws sns subscribe --topic-arn {target.outputs['NotificationTopicArn']} --protocol email"
        return Answer("broken", words, f"`{by_hand} --notification-endpoint {who}`, then click the link that AWS mails")
    return Answer("broken" if not confirmed else "note" if waiting else "ok", words)


def check_alarm(target: Target) -> Answer:
    """Of the alarms at the topic one has to have its actions enabled, and a name that may trigger the remediator."""
    topic, chosen = target.outputs["AlarmTopicArn"], target.settings
    kinds = {"MetricAlarm": "MetricAlarms", "CompositeAlarm": "CompositeAlarms"}
    # The prefix may be a longer topic's too, and the local AWS doesn't know it.
    alarms = [
        one
        for kind, part in kinds.items()
        for one in target.pages("cloudwatch", "describe_alarms", part, ActionPrefix=topic, AlarmTypes=[kind])
        if topic in one["AlarmActions"]
    ]
    names = [one["AlarmName"] for one in alarms]
    off = [one["AlarmName"] for one in alarms if not one["ActionsEnabled"]]
    ignored = [name for name in names if chosen.alarm_names and name not in chosen.triggering_alarms]
    good = [name for name in names if name not in (*off, *ignored)]
    parts = (("triggers it", good), ("actions disabled", off), ("not among AlarmNames", ignored))
    words = "; ".join(f"{what}: {', '.join(which)}" for what, which in parts if which)
    none = "no alarm has the alarm topic as its action"
    return Answer("broken" if not good else "note" if off else "ok", words or none)


def check_canary(target: Target) -> Answer:
    name = target.outputs["CanaryName"]
    every = target.pages("scheduler", "list_schedules", "Schedules")
    states = {one["State"] for one in every if name in one["Target"]["Arn"].split(":")}
    if "ENABLED" in states:
        return Answer("ok", "its schedule is enabled")
    if not has_canary(target.stack):
        return Answer("note", "none, by the template", "set CanaryMinutes if hours may pass without an order")
    if not states and target.settings.game_day_ca:
        return Answer("note", "it has no schedule", "nothing on a game day, which runs the canary itself")
    return Answer("broken", "its schedule is disabled" if states else "it has no schedule")


def check_queues(target: Target) -> Answer:
    dead, failed = (depth(target.stack, name) for name in ("DeadLetterQueueUrl", "FailureQueueUrl"))
    return Answer("broken" if dead or failed else "ok", f"dead letters: {dead}, failed events: {failed}")


def check_clock(target: Target) -> Answer:
    before = target.clock()
    shown = target.client("cloudformation").describe_stacks(StackName=target.stack.name)
    off = seconds_off(before, shown["ResponseMetadata"]["HTTPHeaders"]["date"], target.clock())
    return Answer("broken" if off > SECONDS_OFF else "ok", f"{off:.0f} s from AWS's")


def seconds_off(before: datetime, date: str, after: datetime) -> float:
    """How far off a clock is at least, if it showed `before` and `after` around an answer with this Date header."""
    said = parsedate_to_datetime(date)
    return max(0.0, (before - said).total_seconds() - 1, (said - after).total_seconds())
