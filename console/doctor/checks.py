"""What `remediator doctor` looks at: one row a check. A check reads, or places one order; none calls a report link."""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Final, Literal

from botocore.exceptions import BotoCoreError, ClientError

from console.brakes import depth
from console.stack import Stack
from remediator import head as judge
from remediator.adapters.dynamodb import named
from remediator.adapters.http import Caller, HttpFactory, HttpShop
from remediator.adapters.pinned import system_resolver
from remediator.adapters.secrets import DinerSecret
from remediator.bootstrap import now
from remediator.diagnosis import Diagnosis, Verdict, diagnose, judge_login
from remediator.errors import RemediatorError
from remediator.head import Head, Policy
from remediator.masking import Mask
from remediator.report_link import FIELD_NAMES, LinkPolicy, Refusal, Resolver, guard
from remediator.sample import Deadline
from remediator.settings import Settings, least_seconds

State = Literal["ok", "note", "broken"]

OUTPUTS: Final = (
    *("AlarmTopicArn", "PeopleTopicArn", "TableName", "FunctionName", "CanaryName"),
    *("DeadLetterQueueUrl", "FailureQueueUrl"),
)
SECONDS_OFF: Final = 5.0  # less than that is the network, and a header's whole seconds
A_REPORT: Final = f"/api/support/{'0' * 32}/report/0"  # nobody's: only what is judged like a report link
EQUALITIES: Final = ("StringEquals", "StringLike", "ArnEquals", "ArnLike")
DENIED: Final = ("AccessDenied", "AuthorizationError", "UnauthorizedOperation")
ALLOW_IT: Final = "your credentials lack that permission: docs/security.md lists those of the command line"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `do` stands in for the row's own, where more is known."""

    state: State
    found: str
    do: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One row. `needs`: the rows without which this one can't be looked at; where one of them is broken, it isn't."""

    name: str
    look: Callable[["Patient"], Finding]
    do: str
    needs: tuple[str, ...] = ()


class Patient:
    """One stack, and what several checks need of it, read once. `clock` tells UTC; `resolve` is the guard's."""

    def __init__(self, stack: Stack, clock: Callable[[], datetime] = now, resolve: Resolver = system_resolver) -> None:
        self.stack, self.clock, self.resolve = stack, clock, resolve
        self.mask = Mask()

    @cached_property
    def function(self) -> Any:
        """The function's configuration."""
        return self.stack.client("lambda").get_function_configuration(FunctionName=self.stack.outputs["FunctionName"])

    @cached_property
    def settings(self) -> Settings:
        """What the deployed function runs with, read as it reads it. Raises SettingsError."""
        return Settings.of(self.function["Environment"]["Variables"])

    @cached_property
    def head(self) -> Head:
        """Raises StateError, UnreadableHead."""
        return self.stack.records.head()

    @cached_property
    def caller(self) -> Caller:
        """Asks the shop as the function does."""
        return Caller(self.clock, b64decode(self.settings.game_day_ca) or None)

    @contextmanager
    def logged_in(self, deadline: Deadline) -> Iterator[tuple[HttpShop, str | Diagnosis]]:
        """The shop, and a token of the diner or why there is none. Logged out at the end. Raises SecretError."""
        secret = DinerSecret(self.stack.client("secretsmanager"), self.settings.diner_secret_arn)
        shop = HttpShop(self.caller, self.settings, secret, self.mask)
        token = judge_login(shop.login(deadline))
        if isinstance(token, Diagnosis):
            yield shop, token
            return
        self.mask.add(token)
        try:
            yield shop, token
        finally:
            shop.logout(token, deadline)


def examine(patient: Patient, checks: Sequence[Check]) -> Iterator[tuple[Check, Finding]]:
    """Look at each row in turn; each with what it found, masked, and what to do where that isn't ok."""
    blind: set[str] = set()  # the rows of which nothing is known
    for check in checks:
        missing = [name for name in check.needs if name in blind]
        if missing:
            finding = Finding("note", "not looked at", f"put right first: {', '.join(missing)}")
        else:
            finding = _looked(check, patient)
        if missing or finding.state == "broken":
            blind.add(check.name)
        do = "" if finding.state == "ok" else finding.do or check.do
        yield check, Finding(finding.state, patient.mask.text(finding.found), patient.mask.text(do))


def _looked(check: Check, patient: Patient) -> Finding:
    """An error of AWS is a finding: the other rows have theirs all the same."""
    try:
        return check.look(patient)
    except (ClientError, BotoCoreError) as error:
        words = named(error)
    except RemediatorError as error:
        words = str(error)
    return Finding("broken", words, ALLOW_IT if any(code in words for code in DENIED) else "")


def _stack(patient: Patient) -> Finding:
    shown = patient.stack.client("cloudformation").describe_stacks(StackName=patient.stack.name)
    status = shown["Stacks"][0]["StackStatus"]
    good = status.endswith("_COMPLETE") and "ROLLBACK" not in status and "DELETE" not in status
    return Finding("ok" if good else "broken", status)


def _outputs(patient: Patient) -> Finding:
    missing = [name for name in OUTPUTS if name not in patient.stack.outputs]
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
    chosen, timeout = patient.settings, patient.function["Timeout"]
    least = least_seconds(chosen.order_seconds)
    if timeout < least:
        return Finding("broken", f"the time-out is {timeout} s, orders of that length need {least:.0f}")
    return Finding("ok", f"shop {chosen.shop_url}, time-out {timeout} s")


def _role(patient: Patient) -> Finding:
    """Each action that the template gives, on its own resource."""
    outputs, chosen = patient.stack.outputs, patient.settings
    _, partition, _, region, account, *_ = patient.function["FunctionArn"].split(":")
    queue = outputs["FailureQueueUrl"].rpartition("/")[2]
    needed = {
        f"arn:{partition}:dynamodb:{region}:{account}:table/{chosen.table}": (
            *("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
        ),
        chosen.diner_secret_arn: ("secretsmanager:GetSecretValue",),
        chosen.people_topic_arn: ("sns:Publish",),
        f"arn:{partition}:sqs:{region}:{account}:{queue}": ("sqs:SendMessage",),
    }
    simulate, role = patient.stack.client("iam").simulate_principal_policy, patient.function["Role"]
    results = [
        result
        for resource, actions in needed.items()
        for result in simulate(PolicySourceArn=role, ActionNames=actions, ResourceArns=[resource])["EvaluationResults"]
    ]
    lacking = [result["EvalActionName"] for result in results if result["EvalDecision"] != "allowed"]
    return Finding("broken", f"lacks {', '.join(lacking)}") if lacking else Finding("ok", f"{len(results)} actions")


def _topic(patient: Patient) -> Finding:
    topic = patient.stack.outputs["AlarmTopicArn"]
    policy = patient.stack.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"].get("Policy", "{}")
    if lets_cloudwatch_publish(json.loads(policy), topic):
        return Finding("ok", "CloudWatch may publish")
    return Finding("broken", "its policy doesn't let cloudwatch.amazonaws.com publish")


def lets_cloudwatch_publish(policy: Mapping[str, Any], topic: str) -> bool:
    """Whether an alarm of the topic's own account and region may publish to it: allowed, and nowhere denied.

    A statement with a condition that isn't known here counts as if it weren't there.
    """
    _, partition, _, region, account, _ = topic.split(":")
    alarm = f"arn:{partition}:cloudwatch:{region}:{account}:alarm:any"
    facts = {"aws:sourceaccount": account, "aws:sourceowner": account, "aws:sourcearn": alarm}
    fitting = {each["Effect"] for each in _listed(policy.get("Statement")) if _fits(each, facts)}
    return fitting == {"Allow"}


def _fits(statement: Mapping[str, Any], facts: Mapping[str, str]) -> bool:
    principal = statement.get("Principal")
    who = {
        name for each in (principal.values() if isinstance(principal, dict) else [principal]) for name in _listed(each)
    }
    publishes = any(fnmatchcase("sns:publish", action.lower()) for action in _listed(statement.get("Action")))
    met = all(
        operator.startswith(EQUALITIES) and any(fnmatchcase(facts.get(key.lower(), ""), v) for v in _listed(values))
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )
    return bool(who & {"*", "cloudwatch.amazonaws.com"}) and publishes and met


def _listed(value: Any) -> list[Any]:
    """A policy's element, which may stand alone or in a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _subscriptions(patient: Patient, output: str) -> list[Any]:
    pages = patient.stack.client("sns").get_paginator("list_subscriptions_by_topic")
    return [one for page in pages.paginate(TopicArn=patient.stack.outputs[output]) for one in page["Subscriptions"]]


def _wakes(patient: Patient) -> Finding:
    name = patient.stack.outputs["FunctionName"]
    hearing = {one["Endpoint"] for one in _subscriptions(patient, "AlarmTopicArn") if one["Protocol"] == "lambda"}
    if any(name in endpoint.split(":") for endpoint in hearing):
        return Finding("ok", "the function is subscribed to the alarm topic")
    return Finding("broken", "the function isn't subscribed to the alarm topic: no alarm reaches it")


def _people(patient: Patient) -> Finding:
    found = _subscriptions(patient, "PeopleTopicArn")
    confirmed = [one["Protocol"] for one in found if one["SubscriptionArn"].startswith("arn:")]
    waiting = [one["Protocol"] for one in found if one["SubscriptionArn"] == "PendingConfirmation"]
    words = f"confirmed: {', '.join(confirmed) or 'none'}"
    if waiting:
        words += f"; not confirmed: {', '.join(waiting)}"
    return Finding("broken" if not confirmed else "note" if waiting else "ok", words)


def _alarm(patient: Patient) -> Finding:
    topic = patient.stack.outputs["AlarmTopicArn"]
    pages = patient.stack.client("cloudwatch").get_paginator("describe_alarms")
    # The local AWS doesn't know the prefix, and a prefix may be a longer topic's too.
    every = pages.paginate(ActionPrefix=topic, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    alarms = [one for page in every for one in (*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ()))]
    ours = {one["AlarmName"]: one["ActionsEnabled"] for one in alarms if topic in one["AlarmActions"]}
    off = [name for name, enabled in ours.items() if not enabled]
    if not ours:
        return Finding("broken", "no alarm has the alarm topic as its action")
    words = f"actions disabled: {', '.join(off)}" if off else f"with actions enabled: {', '.join(ours)}"
    return Finding("broken" if len(off) == len(ours) else "note" if off else "ok", words)


def _canary(patient: Patient) -> Finding:
    name = patient.stack.outputs["CanaryName"]
    pages = patient.stack.client("scheduler").get_paginator("list_schedules").paginate()
    found = [one for page in pages for one in page["Schedules"] if name in one["Target"]["Arn"].split(":")]
    if any(one["State"] == "ENABLED" for one in found):
        return Finding("ok", "its schedule is enabled")
    if found:
        return Finding("broken", "its schedule is disabled")
    if patient.settings.game_day_ca:
        return Finding("note", "it has no schedule", "nothing on a game day, which runs the canary itself")
    return Finding("broken", "it has no schedule")


def _login(patient: Patient) -> Finding:
    with patient.logged_in(_deadline(patient)) as (_, token):
        if isinstance(token, Diagnosis):
            return Finding("broken", token.evidence)
        return Finding("ok", "the shop took the diner's credentials")


def _sample(patient: Patient) -> Finding:
    deadline, chosen = _deadline(patient), patient.settings
    with patient.logged_in(deadline) as (shop, token):
        if isinstance(token, Diagnosis):
            return Finding("broken", token.evidence)
        answer = shop.order(token, deadline)
        keys = HttpFactory(patient.caller, chosen.allowed_report_hosts[0]).keys(deadline)
    shown = diagnose([answer], keys, FIELD_NAMES | frozenset(chosen.link_fields))
    words = f"{shown.verdict}: {shown.evidence}"
    if shown.verdict is not Verdict.HEALTHY:
        return Finding("broken", words)
    if not keys:
        return Finding("note", words, "the factory's key set can't be had: look whether it answers")
    return Finding("ok", words)


def _deadline(patient: Patient) -> Deadline:
    return Deadline.after(least_seconds(patient.settings.order_seconds))


def _hosts(patient: Patient) -> Finding:
    """The guard itself judges a link that nobody gave out: list, look-up, addresses."""
    chosen = patient.settings
    private = bool(chosen.game_day_ca)
    try:
        policy = LinkPolicy(frozenset(chosen.allowed_report_hosts), allow_private=private)
    except ValueError as error:
        return Finding("broken", str(error))
    hosts = sorted(policy.allowed_hosts)
    judged = {host: guard(f"https://{host}{A_REPORT}", policy, patient.resolve) for host in hosts}
    wrong = [f"{host}: {said.reason}" for host, said in judged.items() if isinstance(said, Refusal)]
    if wrong:
        return Finding("broken", "; ".join(wrong))
    if private:
        return Finding("note", f"{', '.join(hosts)}; private addresses may be called", "empty GameDayCa in an account")
    return Finding("ok", f"{', '.join(hosts)}: public")


def _table(patient: Patient) -> Finding:
    return Finding("ok", f"the head is at entry {patient.head.v}")


def _messages(patient: Patient) -> Finding:
    overdue = [message.subject for message in patient.head.outbox if message.until <= patient.clock()]
    if overdue:
        return Finding("broken", f"people weren't told: {', '.join(overdue)}")
    return Finding("ok", f"{len(patient.head.outbox)} on their way")


def _mode(patient: Patient) -> Finding:
    pause, lowered = patient.head.pause, patient.head.mode == "observe"
    if pause and (pause.until is None or pause.until > patient.clock()):
        until = f"until {pause.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if pause.until else "without an end"
        return Finding("broken", f"paused by {pause.who} {until}: {pause.why}")
    if patient.settings.mode == "observe":
        return Finding("note", "observe, by the template: it calls nothing", "when it was right for a week: Mode=act")
    if lowered:
        return Finding("note", "observe, by a person: it calls nothing", "`remediator mode act --reason …`")
    return Finding("ok", "act, not paused")


def _calls(patient: Patient) -> Finding:
    most = patient.settings.calls_an_hour
    left = judge.calls_left(patient.head, patient.clock(), Policy(calls_an_hour=most))
    return Finding("ok" if left else "broken", f"{left} of {most} left in this hour")


def _queues(patient: Patient) -> Finding:
    dead, failed = (depth(patient.stack, name) for name in ("DeadLetterQueueUrl", "FailureQueueUrl"))
    return Finding("broken" if dead or failed else "ok", f"{dead} dead letters, {failed} failed events")


def _clock(patient: Patient) -> Finding:
    before = patient.clock()
    shown = patient.stack.client("cloudformation").describe_stacks(StackName=patient.stack.name)
    said = parsedate_to_datetime(shown["ResponseMetadata"]["HTTPHeaders"]["date"])
    off = seconds_off(before, said, patient.clock())
    return Finding("broken" if off > SECONDS_OFF else "ok", f"{off:.0f} s from AWS's")


def seconds_off(before: datetime, said: datetime, after: datetime) -> float:
    """How far a clock is off at least, which showed `before` and `after` around an answer of the second `said`."""
    return max(0.0, (before - said).total_seconds() - 1, (said - after).total_seconds())


LOGIN, TABLE = "secret and login", "table and head"
DEPLOYED, RUNS = ("outputs",), ("outputs", "settings")

CHECKS: Final = (
    Check("stack", _stack, "look at the stack's events in CloudFormation, and deploy again"),
    Check("outputs", _outputs, "deploy this version"),
    Check("function", _function, "look at it in Lambda, and deploy again", DEPLOYED),
    Check("settings", _settings, "deploy again; the README lists the settings", DEPLOYED),
    Check("role", _role, "deploy again: the template gives them; else look for a boundary or a policy of the "
          "organization", RUNS),
    Check("alarm topic", _topic, "deploy again: the template's policy allows it", DEPLOYED),
    Check("wake", _wakes, "deploy again", DEPLOYED),
    Check("people", _people, "click the link that AWS mailed, or subscribe somebody else to the people's topic",
          DEPLOYED),
    Check("alarm", _alarm, "enable the actions, or deploy again; keep it beside Grafana's rules, which can't be seen "
          "from here", DEPLOYED),
    Check("canary", _canary, "enable its schedule, or deploy again", RUNS),
    Check(LOGIN, _login, "put the diner's email and password into the secret; then look at the shop", RUNS),
    Check("sample", _sample, "`remediator heal --follow`", (*RUNS, LOGIN)),
    Check("report hosts", _hosts, "correct AllowedReportHosts and deploy, or ask who runs the name", RUNS),
    Check(TABLE, _table, "deploy the version that wrote it, into the stack that has the table", DEPLOYED),
    Check("messages", _messages, "`remediator heal` sends them; look at the people's topic", (TABLE,)),
    Check("mode and pause", _mode, "`remediator resume`", (*RUNS, TABLE)),
    Check("calls left", _calls, "find out why it fails so often; heal by hand meanwhile", (*RUNS, TABLE)),
    Check("queues", _queues, "`remediator redrive`", DEPLOYED),
    Check("clock", _clock, "set this machine's clock: alarms are judged by when they were sent"),
)  # fmt: skip
