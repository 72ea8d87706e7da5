"""`remediator doctor` at a deployed stack: green if all is well; each thing that is broken is found and named."""

import json
import os
import pty
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, NoReturn

import boto3
import pytest
from aiohttp import web
from botocore.exceptions import EndpointConnectionError

from remediator import decisions
from remediator.adapters.dynamodb import STATES
from remediator.bootstrap import now
from remediator.bootstrap.remediate import ACCESS
from remediator.state import FORMAT, Notification, State
from remediator_cli.controls import commit_decision
from remediator_cli.doctor.checks import CHECKS, examine
from remediator_cli.doctor.command import line
from remediator_cli.doctor.target import Target
from remediator_cli.heal import wait_for_outcome
from remediator_cli.stack import Stack
from simulator.days import GameDay
from simulator.environment import KEPT_OF_THE_ALARM, STACK, GameDayEnvironment
from simulator.local_aws import REGION, hold_port, number
from simulator.paths import ROOT
from simulator.play import SECONDS_OF_A_STAMP
from simulator.proxy import Proxy
from simulator.shop import Shop
from tests.support.builders import alarm

NO_CALLS = {"GET": 0, "HEAD": 0}
BEGAN = now()


@dataclass(frozen=True, slots=True)
class World:
    """A shop that is well, and a good stack deployed for it."""

    shop: Shop
    environment: GameDayEnvironment
    stack: Stack

    def target(self, **told: Any) -> Target:
        return Target(self.stack, **told)

    def changed_by(self, event: str, handler: Callable[..., Any]) -> Target:
        """A target whose AWS answers differently: `handler` gets botocore's event."""
        session = boto3.Session("test", "test", region_name=REGION)
        session.events.register(event, handler)
        return Target(replace(self.stack, session=session))

    def client(self, service: str) -> Any:
        return self.environment.aws.client(service)


Break = Callable[[World], AbstractContextManager[Target]]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    day = GameDay("doctor", "whatever a test breaks", "off", ())
    with Shop(slow_seconds=0.1) as shop, GameDayEnvironment(shop, day, enforce=True) as environment:
        environment.deploy()
        session = boto3.Session("test", "test", region_name=REGION)
        yield World(shop, environment, Stack(STACK, session, environment.outputs, {}, environment.aws.url))


def undone[**P, T](steps: Callable[P, Iterator[T]]) -> Callable[P, AbstractContextManager[T]]:
    """How to break it, up to the `yield`, and how to repair it afterwards, whatever came between."""

    @contextmanager
    def managed(*args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        running = steps(*args, **kwargs)
        try:
            yield next(running)
        finally:
            next(running, None)

    return managed


@undone
def role_policy(world: World, written: str, instead: str) -> Iterator[None]:
    iam, role = world.client("iam"), world.target().function["Role"].rpartition("/")[2]
    name = {"RoleName": role, "PolicyName": "Remediate"}
    policy = json.dumps(iam.get_role_policy(**name)["PolicyDocument"])
    assert written in policy
    iam.put_role_policy(**name, PolicyDocument=policy.replace(written, instead))
    yield
    iam.put_role_policy(**name, PolicyDocument=policy)


def role_lacks(action: str) -> Break:
    @undone
    def broken(world: World) -> Iterator[Target]:
        with role_policy(world, action, "dynamodb:Query"):
            yield world.target()

    return broken


@undone
def secret_without_its_suffix(world: World) -> Iterator[Target]:
    """As a stack deployed with such a parameter has it: in the role, and in the environment."""
    arn = world.environment.parameters["DinerSecretArn"]
    with role_policy(world, arn, arn[:-7]), changed_variables(world, DINER_SECRET_ARN=arn[:-7]):
        yield world.target()


class KeyDenies(Proxy):
    """Answers as Secrets Manager does to somebody whom its key's policy doesn't let decrypt."""

    def __init__(self, target: str) -> None:
        self.target = target

    async def pass_on(self, request: web.Request) -> web.Response:
        if request.headers.get("X-Amz-Target") != "secretsmanager.GetSecretValue":
            return await self.forward(request, self.target + request.path_qs)
        denied = {"__type": "AccessDeniedException", "Message": "Access to KMS is not allowed"}
        return web.json_response(denied, status=400)


@undone
def customer_key(world: World) -> Iterator[str]:
    """The secret lies under a key of one's own."""
    secrets, arn = world.client("secretsmanager"), world.environment.parameters["DinerSecretArn"]
    key: str = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    secrets.update_secret(SecretId=arn, KmsKeyId=key)
    yield key
    secrets.update_secret(SecretId=arn, KmsKeyId="alias/aws/secretsmanager")


@undone
def key_denies(world: World) -> Iterator[Target]:
    with (
        customer_key(world),
        KeyDenies(world.environment.aws.url) as aws,
        changed_variables(world, GAME_DAY_AWS=aws.url),
    ):
        yield world.target()


@undone
def cannot_start(world: World) -> Iterator[Target]:
    """Its layer is gone, and with it all that it imports."""
    name = {"FunctionName": world.stack.outputs["FunctionName"]}
    layers = [layer["Arn"] for layer in world.target().function["Layers"]]
    for chosen in ([], layers):
        world.client("lambda").update_function_configuration(**name, Layers=chosen)
        world.client("lambda").get_waiter("function_updated_v2").wait(**name, WaiterConfig={"Delay": 0.1})
        if not chosen:
            yield world.target()


def denied(event: str, code: str = "AccessDenied") -> Break:
    """AWS's answer to somebody who lacks a permission."""

    @undone
    def broken(world: World) -> Iterator[Target]:
        def answer(**_: object) -> tuple[Any, Any]:
            return SimpleNamespace(status_code=403), {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {}}

        yield world.changed_by(f"before-call.{event}", answer)

    return broken


@undone
def unanswered(world: World) -> Iterator[Target]:
    def never(**_: object) -> NoReturn:
        raise EndpointConnectionError(endpoint_url="https://monitoring.example")

    yield world.changed_by("before-call.cloudwatch.DescribeAlarms", never)


def shown(event: str, change: Callable[[Any], None]) -> Break:
    """A state that the local AWS can't be brought into: its answer is changed."""

    @undone
    def broken(world: World) -> Iterator[Target]:
        def handler(parsed: Any, **_: object) -> None:
            change(parsed)

        yield world.changed_by(f"after-call.{event}", handler)

    return broken


@undone
def output_missing(world: World) -> Iterator[Target]:
    left = {name: value for name, value in world.stack.outputs.items() if name != "FailureQueueUrl"}
    yield Target(replace(world.stack, outputs=left))


@undone
def unconfirmed(world: World) -> Iterator[Target]:
    """Nobody but an address that never confirmed. The local AWS lists that as if it had: shown as AWS shows it."""
    topics, topic = world.client("sns"), world.stack.outputs["NotificationTopicArn"]
    before = topics.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    for one in before:
        topics.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    held = hold_port()  # and nobody listens
    nobody = f"http://127.0.0.1:{number(held)}/"
    new = topics.subscribe(TopicArn=topic, Protocol="http", Endpoint=nobody, ReturnSubscriptionArn=True)
    assert new["SubscriptionArn"] == "pending confirmation"

    def as_aws(parsed: Any, **_: object) -> None:
        for one in parsed["Subscriptions"]:
            if one["Protocol"] == "http":
                one["SubscriptionArn"] = "PendingConfirmation"

    yield world.changed_by("after-call.sns.ListSubscriptionsByTopic", as_aws)
    for one in topics.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        topics.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    for one in before:
        topics.subscribe(TopicArn=topic, Protocol=one["Protocol"], Endpoint=one["Endpoint"])
    held.close()


@undone
def nobody_subscribed(world: World) -> Iterator[Target]:
    """As SNS leaves it after 48 hours, if nobody clicked the link."""
    topics, topic = world.client("sns"), world.stack.outputs["NotificationTopicArn"]
    before = topics.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    for one in before:
        topics.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    yield Target(replace(world.stack, parameters={"NotificationEmail": "on-call@example.com"}))
    for one in before:
        topics.subscribe(TopicArn=topic, Protocol=one["Protocol"], Endpoint=one["Endpoint"])


@undone
def unsubscribed(world: World) -> Iterator[Target]:
    topics, topic = world.client("sns"), world.stack.outputs["AlarmTopicArn"]
    found = topics.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]
    topics.unsubscribe(SubscriptionArn=found["SubscriptionArn"])
    yield world.target()
    topics.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=found["Endpoint"])


@undone
def policy_of_others(world: World) -> Iterator[Target]:
    topics, topic = world.client("sns"), world.stack.outputs["AlarmTopicArn"]
    before = topics.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    other = before.replace("cloudwatch.amazonaws.com", "events.amazonaws.com")
    topics.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=other)
    yield world.target()
    topics.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=before)


@undone
def actions_disabled(world: World) -> Iterator[Target]:
    watch, names = world.client("cloudwatch"), [world.stack.outputs["OrdersFailingAlarm"]]
    watch.disable_alarm_actions(AlarmNames=names)
    yield world.target()
    watch.enable_alarm_actions(AlarmNames=names)


@undone
def actions_elsewhere(world: World) -> Iterator[Target]:
    watch, name = world.client("cloudwatch"), world.stack.outputs["OrdersFailingAlarm"]
    alarm = watch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    kept = {key: value for key, value in alarm.items() if key in KEPT_OF_THE_ALARM} | {"EvaluationPeriods": 1}
    watch.put_metric_alarm(**kept | {"AlarmActions": [world.stack.outputs["NotificationTopicArn"]]})
    yield world.target()
    watch.put_metric_alarm(**kept)


@undone
def schedule(world: World, state: str) -> Iterator[None]:
    """A schedule of the canary's that never runs it."""
    schedules, name = world.client("scheduler"), world.stack.outputs["CanaryName"]
    arn = world.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
    target = {"Arn": arn, "RoleArn": "arn:aws:iam::000000000000:role/any"}
    each = {"ScheduleExpression": "rate(300 days)", "FlexibleTimeWindow": {"Mode": "OFF"}}
    schedules.create_schedule(Name="doctor", **each, State=state, Target=target)
    yield
    schedules.delete_schedule(Name="doctor")


@undone
def schedule_disabled(world: World) -> Iterator[Target]:
    with schedule(world, "DISABLED"):
        yield world.target()


def secret(text: str) -> Break:
    @undone
    def broken(world: World) -> Iterator[Target]:
        secrets, name = world.client("secretsmanager"), "pizza-diner"
        before = secrets.get_secret_value(SecretId=name)["SecretString"]
        secrets.put_secret_value(SecretId=name, SecretString=text.replace("EMAIL", world.shop.email))
        yield world.target()
        secrets.put_secret_value(SecretId=name, SecretString=before)

    return broken


@undone
def changed_variables(world: World, **changes: str) -> Iterator[None]:
    functions, before = world.client("lambda"), world.environment.variables()
    name = world.stack.outputs["FunctionName"]
    updated = functions.get_waiter("function_updated_v2").wait
    for chosen in (before | changes, before):
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": chosen})
        updated(FunctionName=name, WaiterConfig={"Delay": 0.1})
        if chosen is not before:
            yield


def variables(**changes: str) -> Break:
    @undone
    def broken(world: World) -> Iterator[Target]:
        with changed_variables(world, **changes):
            yield world.target()

    return broken


@undone
def shop_gone(world: World) -> Iterator[Target]:
    with hold_port() as held, changed_variables(world, SHOP_URL=f"http://127.0.0.1:{number(held)}"):
        yield world.target()


@undone
def never_allowed(world: World) -> Iterator[Target]:
    with changed_variables(world, ALLOWED_REPORT_HOSTS="169.254.169.254"):
        yield world.target()


@undone
def unknown_host(world: World) -> Iterator[Target]:
    def resolve(name: str, port: int) -> NoReturn:
        raise OSError

    with changed_variables(world, ALLOWED_REPORT_HOSTS=f"{world.shop.factory_host},factory.example"):
        yield world.target(resolve=resolve)


def chaos(kind: str) -> Break:
    @undone
    def broken(world: World) -> Iterator[Target]:
        world.shop.chaos(kind)
        yield world.target()
        world.shop.chaos("off")

    return broken


def condition(name: str) -> Break:
    @undone
    def broken(world: World) -> Iterator[Target]:
        world.shop.condition(name)
        yield world.target()
        world.shop.condition(None)

    return broken


def state(change: Callable[[], State], form: str = str(FORMAT)) -> Break:
    """The state as somebody left it."""

    @undone
    def broken(world: World) -> Iterator[Target]:
        tables, table = world.client("dynamodb"), world.stack.outputs["TableName"]
        key = {"pk": {"S": STACK}, "sk": {"S": "HEAD"}}
        before = tables.get_item(TableName=table, Key=key).get("Item")
        text = STATES.dump_json(change(), exclude_defaults=True).decode()
        tables.put_item(TableName=table, Item={**key, "format": {"N": form}, "state": {"S": text}})
        yield world.target()
        if before:
            tables.put_item(TableName=table, Item=before)
        else:
            tables.delete_item(TableName=table, Key=key)

    return broken


@undone
def paused(world: World) -> Iterator[Target]:
    commit_decision(world.stack, lambda state, at: decisions.pause(state, at, "release 42", "ada", None))
    yield world.target()
    commit_decision(world.stack, lambda state, at: decisions.resume(state, at, "ada"))


@undone
def table_gone(world: World) -> Iterator[Target]:
    tables, table = world.client("dynamodb"), world.stack.outputs["TableName"]
    found = tables.describe_table(TableName=table)["Table"]
    tables.delete_table(TableName=table)
    yield world.target()
    kept = {name: found[name] for name in ("AttributeDefinitions", "KeySchema")}
    tables.create_table(TableName=table, BillingMode="PAY_PER_REQUEST", **kept)


def letter(queue: str) -> Break:
    @undone
    def broken(world: World) -> Iterator[Target]:
        queues, url = world.client("sqs"), world.stack.outputs[queue]
        queues.send_message(QueueUrl=url, MessageBody="no alarm")
        yield world.target()
        queues.purge_queue(QueueUrl=url)

    return broken


@undone
def clock_slow(world: World) -> Iterator[Target]:
    yield world.target(clock=lambda: now() - timedelta(hours=1))


def overdue() -> State:
    return State(outbox=(Notification("i/HEALED", "HEALED i", "text", "somebody", now() - timedelta(minutes=9)),))


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is broken: the check that finds it, and words that name it."""

    name: str
    breaking: Break
    check: str
    words: tuple[str, ...]


def rolled_back(parsed: Any) -> None:
    parsed["Stacks"][0]["StackStatus"] = "UPDATE_ROLLBACK_COMPLETE"


def update_failed(parsed: Any) -> None:
    parsed |= {"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "the layer is gone"}


DLQ, FAILED = "DeadLetterQueueUrl", "FailureQueueUrl"
WRONG = '{"email": "EMAIL", "password": "quattro-stagioni-4711"}'
CASES = (
    Case("last deployment rolled back", shown("cloudformation.DescribeStacks", rolled_back), "stack", ("ROLLBACK",)),
    Case("output missing", output_missing, "outputs", (FAILED,)),
    Case("update failed", shown("lambda.GetFunctionConfiguration", update_failed), "function", ("the layer is gone",)),
    Case("setting wrong", variables(MODE="maybe"), "settings", ("MODE",)),
    Case("time-out too short", variables(ORDER_SECONDS="60"), "settings", ("120 s", "150")),
    Case("role lacks a permission", role_lacks("dynamodb:UpdateItem"), "role", ("dynamodb:UpdateItem",)),
    Case("role may not read the secret", role_lacks("secretsmanager:GetSecretValue"), "access",
         ("lacks secretsmanager:GetSecretValue", "RemediateRole")),
    Case("role may not read the state", role_lacks("dynamodb:GetItem"), "access", ("GetItem: AccessDenied",)),
    Case("secret's ARN without its six random characters", secret_without_its_suffix, "access",
         ("six random characters", "deploy with DinerSecretArn=arn:aws:secretsmanager:")),
    Case("key of the secret denies", key_denies, "access", ("policy of the secret's key arn:aws:kms:", "kms:Decrypt")),
    Case("function cannot start", cannot_start, "access", ("No module named", "log")),
    Case("caller may not invoke", denied("lambda.Invoke", "AccessDeniedException"), "access",
         ("Invoke: AccessDenied", "permission")),
    Case("caller lacks one", denied("sns.GetTopicAttributes", "AuthorizationError"), "alarm topic",
         ("GetTopicAttributes", "permission")),
    Case("caller may not simulate", denied("iam.SimulatePrincipalPolicy"), "role",
         ("SimulatePrincipalPolicy: AccessDenied", "permission")),
    Case("caller may not read the secret", denied("secrets-manager.GetSecretValue", "AccessDeniedException"),
         "secret and login", ("GetSecretValue", "permission")),
    Case("no answer of CloudWatch", unanswered, "alarm", ("EndpointConnectionError", "reaches AWS")),
    Case("topic's policy without CloudWatch", policy_of_others, "alarm topic", ("cloudwatch.amazonaws.com",)),
    Case("function not subscribed", unsubscribed, "trigger", ("isn't subscribed",)),
    Case("unconfirmed subscription only", unconfirmed, "notifications",
         ("confirmed: none", "not confirmed: http", "link")),
    Case("subscription gone", nobody_subscribed, "notifications",
         ("48 hours", "`aws sns subscribe --topic-arn arn:aws:sns:", "--notification-endpoint on-call@example.com`")),
    Case("alarm's actions disabled", actions_disabled, "alarm", ("actions disabled", "OrdersFailing")),
    Case("alarm's name may not trigger it", variables(ALARM_NAMES="-,another"), "alarm", ("not among AlarmNames",)),
    Case("no alarm at the topic", actions_elsewhere, "alarm", ("no alarm",)),
    Case("canary's schedule disabled", schedule_disabled, "canary", ("disabled",)),
    Case("wrong password", secret(WRONG), "secret and login", ("404", "credentials")),
    Case("secret is no JSON", secret("margherita-4711"), "secret and login", ("JSON object",)),
    Case("shop is down", shop_gone, "secret and login", ("refused",)),
    Case("shop shows a page", condition("html"), "secret and login", ("503",)),
    Case("chaos fail", chaos("fail"), "sample", ("fail: 500", "heal --follow")),
    Case("chaos badjwt", chaos("badjwt"), "sample", ("badjwt: 200",)),
    Case("chaos throttle", chaos("throttle"), "sample", ("throttle: 200",)),
    Case("orders refused without a link", condition("no-link"), "sample", ("no_link",)),
    Case("host with an address that is no supplier's", never_allowed, "report hosts", ("169.254", "no public address")),
    Case("host that doesn't resolve", unknown_host, "report hosts", ("factory.example", "looked up")),
    Case("state of a newer format", state(State, "99"), "table and state", ("format 99",)),
    Case("table gone", table_gone, "table and state", ("ResourceNotFoundException",)),
    Case("notification overdue", state(overdue), "outbox", ("HEALED i",)),
    Case("paused", paused, "mode and pause", ("ada", "release 42", "remediator resume")),
    Case("calls used up", state(lambda: State(calls=(now(),) * 6)), "calls left", ("0 of 6",)),
    Case("dead letter", letter(DLQ), "queues", ("dead letters: 1", "remediator redrive")),
    Case("failed event", letter(FAILED), "queues", ("failed events: 1", "remediator redrive")),
    Case("clock is slow", clock_slow, "clock", ("s from AWS's", "set this computer's clock")),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_broken_is_found_and_named_and_nothing_else_is(world: World, case: Case) -> None:
    with case.breaking(world) as target:
        found = {check.name: answer for check, answer in examine(target, CHECKS)}

    broken = [name for name, answer in found.items() if answer.grade == "broken"]
    lines = {name: line(name, answer).plain for name, answer in found.items()}
    assert broken == [case.check]
    assert all(words in lines[case.check] for words in case.words), lines[case.check]
    assert found[case.check].do
    assert not any(secret in text for secret in world.shop.secrets for text in lines.values())
    assert world.shop.report_calls == NO_CALLS


def doctor(world: World, *words: str, stdin: int = subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it; without a terminal, unless `stdin` is one."""
    return subprocess.run(
        [str(ROOT / ".venv/bin/remediator"), "doctor", "--stack", STACK, "--region", REGION, *words],
        env=world.environment.aws.environment(),
        stdin=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def test_good_stack_is_safe_to_leave_on(world: World) -> None:
    done = doctor(world, "--json")

    shown = json.loads(done.stdout)
    assert (done.returncode, shown["healthy"]) == (0, True), done.stdout + done.stderr
    assert [check["name"] for check in shown["checks"]] == [check.name for check in CHECKS]
    noted = {check["name"]: check["do"] for check in shown["checks"] if check["grade"] != "ok"}
    assert set(noted) == {"canary", "report hosts"}, "a game day has no schedule, and its factory is on this computer"
    assert all(noted.values())


def test_each_check_is_one_plain_line_off_a_terminal_and_a_broken_one_makes_the_exit_code_1(world: World) -> None:
    with paused(world):
        done = doctor(world)

    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert [text[:7].strip() for text in lines if "mode and pause" in text] == ["broken"]
    assert len(lines) == len(CHECKS)
    assert "\x1b" not in done.stdout


def test_function_says_what_it_may_read_and_does_nothing_else(world: World) -> None:
    before = (world.environment.records.state(), deliveries(world), len(world.shop.requests))

    with customer_key(world):
        said = world.target().ask_function()

    assert said == {"secret": "ok", "state": "ok"}
    assert (world.environment.records.state(), deliveries(world), len(world.shop.requests)) == before


def test_question_that_comes_by_the_topic_is_an_alarm_like_any_text(world: World) -> None:
    topic, name = world.stack.outputs["AlarmTopicArn"], "asked by the topic"

    world.client("sns").publish(TopicArn=topic, Subject=name, Message=json.dumps(ACCESS))

    assert wait_for_outcome(world.stack, name)["outcome"] == "ALREADY_HEALTHY"


def test_observe_is_no_fault_and_the_way_to_act_is_said(world: World) -> None:
    with changed_variables(world, MODE="observe"):
        found = {check.name: answer for check, answer in examine(world.target(), CHECKS)}

    assert found["mode and pause"].grade == "note"
    assert "Mode=act" in found["mode and pause"].do


def test_stacks_own_alarm_triggers_whatever_others_are_named(world: World) -> None:
    own = world.stack.outputs["OrdersFailingAlarm"]
    with changed_variables(world, ALARM_NAMES="another"):
        found = {check.name: answer for check, answer in examine(world.target(), CHECKS)}
        outcomes = [outcome_of_alarm(world, name) for name in (own, "another", "a third")]
    with changed_variables(world, ALARM_NAMES="-,another"):
        without = [outcome_of_alarm(world, name) for name in (own, "another", "a third")]

    assert (found["alarm"].grade, found["alarm"].found) == ("ok", f"triggers it: {own}")
    assert outcomes == ["ALREADY_HEALTHY", "ALREADY_HEALTHY", "IGNORED"]
    assert without == ["IGNORED", "ALREADY_HEALTHY", "IGNORED"]


def outcome_of_alarm(world: World, name: str) -> str:
    """The outcome of an alarm of that name, handed to the function as SNS would."""
    event = json.dumps(alarm(name=name, sent=now()))
    answer = world.client("lambda").invoke(FunctionName=world.stack.outputs["FunctionName"], Payload=event)
    (result,) = json.load(answer["Payload"])
    return str(result["outcome"])


def test_sampling_logs_in_and_out_again_whatever_the_order_was(world: World) -> None:
    before = len(world.shop.requests)
    with chaos("fail")(world) as target:
        list(examine(target, CHECKS))

    asked = [(r.method, r.path) for r in world.shop.requests[before:] if r.path == "/api/auth"]
    assert asked == [("PUT", "/api/auth"), ("DELETE", "/api/auth")] * 2


def test_live_alarm_goes_through_everything_to_its_outcome(world: World) -> None:
    time.sleep(SECONDS_OF_A_STAMP)  # else the alarm could seem to be from before another test's last check
    done = doctor(world, "--live", "--yes", "--json")

    live = json.loads(done.stdout)["checks"][-1]
    assert done.returncode == 0, done.stdout + done.stderr
    assert (live["name"], live["grade"]) == ("live alarm", "ok")
    assert live["found"].startswith("ALREADY_HEALTHY")
    assert any(alarm.startswith("a person") for each in deliveries(world) for alarm in each["alarms"])


@pytest.mark.parametrize("words", [["--live"], ["--live", "--json"]], ids=["at no terminal", "as JSON"])
def test_live_alarm_is_not_sent_if_nobody_can_be_asked(world: World, words: list[str]) -> None:
    before = deliveries(world)

    done = doctor(world, *words)

    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert done.stdout == ""
    assert deliveries(world) == before


def test_at_a_terminal_a_no_sends_nothing(world: World) -> None:
    before = deliveries(world)
    ours, theirs = pty.openpty()
    os.write(ours, b"n\n")

    done = doctor(world, "--live", stdin=theirs)

    os.close(ours)
    os.close(theirs)
    assert (done.returncode, "Aborted" in done.stderr) == (1, True), done.stderr
    assert "Send a test alarm?" in done.stderr
    assert deliveries(world) == before


def deliveries(world: World) -> list[dict[str, Any]]:
    return world.environment.records.deliveries(BEGAN)
