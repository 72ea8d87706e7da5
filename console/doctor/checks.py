"""The checks of `remediator doctor`: one row each. They read, and place one order; none calls a report link."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from console.brakes import depth
from console.doctor.patient import Finding, Patient
from console.doctor.topic_policy import lets_cloudwatch_publish
from remediator.adapters.dynamodb import named
from remediator.adapters.http import HttpFactory
from remediator.diagnosis import ENDINGS, Diagnosis, Verdict, diagnose
from remediator.errors import RemediatorError
from remediator.head import Policy, calls_left
from remediator.outcome import CONSEQUENCES
from remediator.report_link import FIELD_NAMES, LinkPolicy, Refusal, guard
from remediator.settings import least_seconds

OUTPUTS: Final = (
    *("AlarmTopicArn", "PeopleTopicArn", "TableName", "FunctionName", "CanaryName"),
    *("DeadLetterQueueUrl", "FailureQueueUrl"),
)
SECONDS_OFF: Final = 5.0  # less than that is the network, and a header's whole seconds
A_REPORT: Final = f"/api/support/{'0' * 32}/report/0"  # nobody's: only so that it is judged like a report link
AWS_KEY: Final = "alias/aws/secretsmanager"  # lets everybody in the account by whom Secrets Manager does
DENIED: Final = ("AccessDenied", "AuthorizationError", "UnauthorizedOperation")
ALLOW_IT: Final = "your credentials lack that permission: docs/security.md lists what the command line needs"


@dataclass(frozen=True, slots=True)
class Check:
    """One row. `needs`: the rows without which this one can't be looked at; where one of them is broken, it isn't."""

    name: str
    look: Callable[[Patient], Finding]
    do: str
    needs: tuple[str, ...] = ()


def examine(patient: Patient, checks: Sequence[Check]) -> Iterator[tuple[Check, Finding]]:
    """Look at each row in turn. Gives each with what it found, masked, and what to do where that isn't ok."""
    blind: set[str] = set()  # the rows of which nothing is known
    for check in checks:
        missing = [name for name in check.needs if name in blind]
        wait = Finding("note", "not looked at", f"put right first: {', '.join(missing)}")
        finding = wait if missing else _looked(check, patient)
        if missing or finding.state == "broken":
            blind.add(check.name)
        do = "" if finding.state == "ok" else finding.do or check.do
        yield check, Finding(finding.state, patient.mask.text(finding.found), patient.mask.text(do))


def _looked(check: Check, patient: Patient) -> Finding:
    """An error is a finding: the other rows have theirs all the same."""
    try:
        return check.look(patient)
    except BotoCoreError as error:
        return Finding("broken", named(error), "see whether this machine reaches AWS, then ask again")
    except ClientError as error:
        words = named(error)
    except RemediatorError as error:
        words = str(error)
    return Finding("broken", words, ALLOW_IT if _denied(words) else "")


def _stack(patient: Patient) -> Finding:
    status = patient.client("cloudformation").describe_stacks(StackName=patient.stack.name)["Stacks"][0]["StackStatus"]
    return Finding("ok" if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE") else "broken", status)


def _outputs(patient: Patient) -> Finding:
    missing = [name for name in OUTPUTS if name not in patient.outputs]
    return Finding("broken", f"missing: {', '.join(missing)}") if missing else Finding("ok", f"all {len(OUTPUTS)}")


def _function(patient: Patient) -> Finding:
    found = patient.function
    state, update = found["State"], found["LastUpdateStatus"]
    why = found.get("StateReason") or found.get("LastUpdateStatusReason")
    words = f"{state}, last update {update}{f': {why}' if why else ''}"
    if update == "InProgress":
        return Finding("note", words, "ask again in a minute")
    return Finding("ok" if (state, update) == ("Active", "Successful") else "broken", words)


def _settings(patient: Patient) -> Finding:
    timeout, least = patient.function["Timeout"], least_seconds(patient.settings.order_seconds)
    if timeout < least:
        return Finding("broken", f"the time-out is {timeout} s, orders of that length need {least:.0f}")
    return Finding("ok", f"shop {patient.settings.shop_url}, time-out {timeout} s")


def _role(patient: Patient) -> Finding:
    """Each action that the template gives and `access` can't try, on its own resource."""
    chosen, queue = patient.settings, patient.outputs["FailureQueueUrl"].rpartition("/")[2]
    _, partition, _, region, account, *_ = patient.function["FunctionArn"].split(":")
    needed = {
        f"arn:{partition}:dynamodb:{region}:{account}:table/{chosen.table}": ["PutItem", "UpdateItem"],
        chosen.people_topic_arn: ["Publish"],
        f"arn:{partition}:sqs:{region}:{account}:{queue}": ["SendMessage"],
    }
    lacking = [action for resource, names in needed.items() for action in _lacking(patient, resource, names)]
    return Finding("broken", f"lacks {', '.join(lacking)}") if lacking else Finding("ok", "allows what it needs")


def _lacking(patient: Patient, resource: str, names: Sequence[str]) -> list[str]:
    """Which of these actions the function's role doesn't allow; the local AWS knows one resource a question."""
    said = patient.client("iam").simulate_principal_policy(
        PolicySourceArn=patient.function["Role"],
        ActionNames=[f"{resource.split(':')[2]}:{name}" for name in names],
        ResourceArns=[resource],
    )
    return [one["EvalActionName"] for one in said["EvaluationResults"] if one["EvalDecision"] != "allowed"]


def _access(patient: Patient) -> Finding:
    """Secret and state by the function's own eyes. What isn't a matter of permission has a row that says more."""
    said = patient.asked()
    if not isinstance(said, dict) or said.keys() != {"secret", "state"}:
        trouble = said.get("errorMessage", "") if isinstance(said, dict) else "another version's answer"
        return Finding("broken", f"the function can't say: {trouble}", "look at its log, then deploy this version")
    wrong = "; ".join(words for words in said.values() if words != "ok")
    if not wrong:
        return Finding("ok", "the function reads its secret and its state")
    if _denied(said["secret"]):
        return _why(patient, wrong)
    if _denied(said["state"]):
        return Finding("broken", wrong)
    return Finding("note", wrong, f"see {LOGIN}, and {TABLE}")


def _why(patient: Patient, denied: str) -> Finding:
    """What keeps the function from its secret. IAM compares ARNs whole, and Secrets Manager decrypts on behalf of who
    asks (Secrets Manager user guide, "Secret encryption and decryption"); without KmsKeyId the key is AWS's, for all.
    """
    arn = patient.settings.diner_secret_arn
    secret = patient.client("secretsmanager").describe_secret(SecretId=arn)
    if secret["ARN"] != arn:
        lacks = f"{denied}: DinerSecretArn lacks the six random characters at the end of the secret's ARN"
        return Finding("broken", lacks, f"deploy with DinerSecretArn={secret['ARN']}")
    if _lacking(patient, arn, ["GetSecretValue"]):
        return Finding("broken", f"{denied}: the role lacks secretsmanager:GetSecretValue")
    key = secret.get("KmsKeyId", AWS_KEY)
    if not key.endswith(AWS_KEY):
        role = patient.function["Role"]
        let = f"let the key's policy allow kms:Decrypt to {role}, or to the account, as KMS's default policy does"
        return Finding("broken", f"{denied}: the policy of the secret's key {key} denies it", let)
    return Finding("broken", f"{denied}: the secret's own policy or the organization's denies it")


def _denied(words: str) -> bool:
    return any(code in words for code in DENIED)


def _topic(patient: Patient) -> Finding:
    topic = patient.outputs["AlarmTopicArn"]
    policy = patient.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"].get("Policy", "{}")
    if lets_cloudwatch_publish(json.loads(policy), topic):
        return Finding("ok", "CloudWatch may publish to it")
    return Finding("broken", "its policy doesn't let cloudwatch.amazonaws.com publish")


def _subscriptions(patient: Patient, output: str) -> list[Any]:
    return patient.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=patient.outputs[output])


def _wake(patient: Patient) -> Finding:
    name = patient.outputs["FunctionName"]
    if any(name in one["Endpoint"].split(":") for one in _subscriptions(patient, "AlarmTopicArn")):
        return Finding("ok", "the function is subscribed to the alarm topic")
    return Finding("broken", "the function isn't subscribed to the alarm topic: no alarm reaches it")


def _people(patient: Patient) -> Finding:
    found = _subscriptions(patient, "PeopleTopicArn")
    confirmed = [one["Protocol"] for one in found if one["SubscriptionArn"].startswith("arn:")]
    waiting = [one["Protocol"] for one in found if one["SubscriptionArn"] == "PendingConfirmation"]
    also = f"; not confirmed: {', '.join(waiting)}" if waiting else ""
    words = f"confirmed: {', '.join(confirmed) or 'none'}{also}"
    if not confirmed and not waiting:
        # SNS developer guide, "Deleting an Amazon SNS topic and subscription"; the stack takes its own for still there.
        words += "; AWS deletes what isn't confirmed within 48 hours, and no deploy brings it back"
        who = patient.stack.parameters.get("PeopleEmail", "you@example.com")
        by_hand = f"aws sns subscribe --topic-arn {patient.outputs['PeopleTopicArn']} --protocol email"
        return Finding(
            "broken", words, f"`{by_hand} --notification-endpoint {who}`, then click the link that AWS mails"
        )
    return Finding("broken" if not confirmed else "note" if waiting else "ok", words)


def _alarm(patient: Patient) -> Finding:
    """Of the alarms at the topic one has to have its actions enabled, and a name that may wake the function."""
    topic, chosen = patient.outputs["AlarmTopicArn"], patient.settings
    kinds = {"MetricAlarm": "MetricAlarms", "CompositeAlarm": "CompositeAlarms"}
    # The prefix may be a longer topic's too, and the local AWS doesn't know it.
    alarms = [
        one
        for kind, part in kinds.items()
        for one in patient.pages("cloudwatch", "describe_alarms", part, ActionPrefix=topic, AlarmTypes=[kind])
        if topic in one["AlarmActions"]
    ]
    off = [one["AlarmName"] for one in alarms if not one["ActionsEnabled"]]
    unheard = [one["AlarmName"] for one in alarms if chosen.alarm_names and one["AlarmName"] not in chosen.heeded]
    good = [one["AlarmName"] for one in alarms if one["AlarmName"] not in (*off, *unheard)]
    parts = (("wakes it", good), ("actions disabled", off), ("not among AlarmNames", unheard))
    words = "; ".join(f"{what}: {', '.join(which)}" for what, which in parts if which)
    words = words or "no alarm has the alarm topic as its action"
    return Finding("broken" if not good else "note" if off else "ok", words)


def _canary(patient: Patient) -> Finding:
    name = patient.outputs["CanaryName"]
    every = patient.pages("scheduler", "list_schedules", "Schedules")
    states = {one["State"] for one in every if name in one["Target"]["Arn"].split(":")}
    if "ENABLED" in states:
        return Finding("ok", "its schedule is enabled")
    if patient.stack.parameters.get("CanaryMinutes") == "0":
        return Finding("note", "none, by the template", "give CanaryMinutes where nobody may order for hours")
    if not states and patient.settings.game_day_ca:
        return Finding("note", "it has no schedule", "nothing on a game day, which runs the canary itself")
    return Finding("broken", "its schedule is disabled" if states else "it has no schedule")


def _login(patient: Patient) -> Finding:
    with patient.logged_in() as (_, token, _):
        return _ill(token) if isinstance(token, Diagnosis) else Finding("ok", "the shop took the diner's credentials")


def _sample(patient: Patient) -> Finding:
    chosen = patient.settings
    with patient.logged_in() as (shop, token, deadline):
        if isinstance(token, Diagnosis):
            return _ill(token)
        answer = shop.order(token, deadline)
    keys = HttpFactory(patient.caller, chosen.allowed_report_hosts[0]).keys(deadline)
    shown = diagnose([answer], keys, FIELD_NAMES | frozenset(chosen.link_fields))
    if shown.verdict is not Verdict.HEALTHY:
        return _ill(shown)
    return Finding("ok" if keys else "note", f"{shown.verdict}: {shown.evidence}", "look at the factory's key set")


def _ill(shown: Diagnosis) -> Finding:
    """What the machine itself would ask of a person, where it wouldn't call a link."""
    ending = ENDINGS.get(shown.verdict)
    return Finding("broken", f"{shown.verdict}: {shown.evidence}", CONSEQUENCES[ending].ask if ending else "")


def _hosts(patient: Patient) -> Finding:
    """The guard itself judges a link that nobody gave out: list, look-up, addresses."""
    private = bool(patient.settings.game_day_ca)
    try:
        policy = LinkPolicy(frozenset(patient.settings.allowed_report_hosts), allow_private=private)
    except ValueError as error:
        return Finding("broken", str(error))
    hosts = sorted(policy.allowed_hosts)
    judged = [(host, guard(f"https://{host}{A_REPORT}", policy, patient.resolve)) for host in hosts]
    wrong = [f"{host}: {said.reason}" for host, said in judged if isinstance(said, Refusal)]
    if wrong:
        return Finding("broken", "; ".join(wrong))
    if private:
        return Finding("note", f"{', '.join(hosts)}; private addresses pass too", "empty GameDayCa in an account")
    return Finding("ok", f"public: {', '.join(hosts)}")


def _table(patient: Patient) -> Finding:
    return Finding("ok", f"the head is at entry {patient.head.v}")


def _messages(patient: Patient) -> Finding:
    overdue = [message.subject for message in patient.head.outbox if message.until <= patient.clock()]
    if overdue:
        return Finding("broken", f"people weren't told: {', '.join(overdue)}")
    return Finding("ok", f"{len(patient.head.outbox)} on their way")


def _mode(patient: Patient) -> Finding:
    pause = patient.head.pause
    if pause and (pause.until is None or pause.until > patient.clock()):
        until = f"until {pause.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if pause.until else "without an end"
        return Finding("broken", f"paused by {pause.who} {until}: {pause.why}")
    if patient.settings.mode == "observe":
        return Finding("note", "observe, by the template: it calls nothing", "deploy with Mode=act when it was right")
    if patient.head.mode == "observe":
        return Finding("note", "observe, by a person: it calls nothing", "`remediator mode act --reason …`")
    return Finding("ok", "act, not paused")


def _calls(patient: Patient) -> Finding:
    most = patient.settings.calls_an_hour
    left = calls_left(patient.head, patient.clock(), Policy(calls_an_hour=most))
    return Finding("ok" if left else "broken", f"{left} of {most} left in this hour")


def _queues(patient: Patient) -> Finding:
    dead, failed = (depth(patient.stack, name) for name in ("DeadLetterQueueUrl", "FailureQueueUrl"))
    return Finding("broken" if dead or failed else "ok", f"dead letters: {dead}, failed events: {failed}")


def _clock(patient: Patient) -> Finding:
    before = patient.clock()
    shown = patient.client("cloudformation").describe_stacks(StackName=patient.stack.name)
    off = seconds_off(before, shown["ResponseMetadata"]["HTTPHeaders"]["date"], patient.clock())
    return Finding("broken" if off > SECONDS_OFF else "ok", f"{off:.0f} s from AWS's")


def seconds_off(before: datetime, date: str, after: datetime) -> float:
    """How far off a clock is at least, that showed `before` and `after` around an answer with this Date header."""
    said = parsedate_to_datetime(date)
    return max(0.0, (before - said).total_seconds() - 1, (said - after).total_seconds())


LOGIN, TABLE = "secret and login", "table and head"
MADE, RUNS = ("outputs",), ("outputs", "settings")

# A deploy puts nothing back that was changed by hand, where the template is as it was.
CHECKS: Final = (
    Check("stack", _stack, "look at the stack's events in CloudFormation, then deploy again"),
    Check("outputs", _outputs, "deploy this version"),
    Check("function", _function, "look at it in Lambda, then deploy again", MADE),
    Check("settings", _settings, "correct it and deploy; the README lists the settings", MADE),
    Check("role", _role, "give it what RemediateRole has in template.yaml", RUNS),
    Check("access", _access, "give the role what RemediateRole has in template.yaml", (*RUNS, "function")),
    Check("alarm topic", _topic, "give it the policy AlarmTopicPolicy of template.yaml", MADE),
    Check("wake", _wake, "subscribe the function to the alarm topic", MADE),
    Check("people", _people, "click the link that AWS mailed, within 48 hours", MADE),
    Check("alarm", _alarm, "enable one, and AlarmNames has to let it through; Grafana's can't be seen from here", RUNS),
    Check("canary", _canary, "enable it, as EachMinute is in template.yaml", RUNS),
    Check(LOGIN, _login, "put the diner's email and password into the secret", RUNS),
    Check("sample", _sample, "`remediator heal --follow`", (*RUNS, LOGIN)),
    Check("report hosts", _hosts, "correct AllowedReportHosts and deploy, or ask whose name it is", RUNS),
    Check(TABLE, _table, "deploy the version that wrote the head; bring back a table that is gone", MADE),
    Check("messages", _messages, "`remediator heal` sends them; see that the people's topic takes them", (TABLE,)),
    Check("mode and pause", _mode, "`remediator resume`", (*RUNS, TABLE)),
    Check("calls left", _calls, "find out why it fails so often; heal by hand meanwhile", (*RUNS, TABLE)),
    Check("queues", _queues, "`remediator redrive`", MADE),
    Check("clock", _clock, "set this machine's clock: alarms are judged by when they were sent"),
)
