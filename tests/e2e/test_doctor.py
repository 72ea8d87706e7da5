"""`remediator doctor` at a deployed stack: green where all is well; each thing that is broken is found and named."""

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

from console.brakes import commit
from console.doctor.checks import CHECKS, examine
from console.doctor.command import line
from console.doctor.patient import Patient
from console.gameday.days import GameDay
from console.gameday.local_aws import REGION, hold_port, number
from console.gameday.play import SECONDS_OF_A_STAMP
from console.gameday.proxy import Proxy
from console.gameday.scene import KEPT_OF_THE_ALARM, STACK, Scene
from console.gameday.shop import Shop
from console.heal import ending
from console.places import ROOT
from console.stack import Stack
from remediator import head as judge
from remediator.adapters.dynamodb import HEADS
from remediator.bootstrap import ACCESS, now
from remediator.head import Head, Message
from tests.scenes import alarm

NO_CALLS = {"GET": 0, "HEAD": 0}
BEGAN = now()


@dataclass(frozen=True, slots=True)
class World:
    """A shop that is well, and a good stack deployed for it."""

    shop: Shop
    scene: Scene
    stack: Stack

    def patient(self, **told: Any) -> Patient:
        return Patient(self.stack, **told)

    def heard(self, event: str, handler: Callable[..., Any]) -> Patient:
        """A patient whose AWS answers differently: `handler` hears botocore's event."""
        session = boto3.Session("test", "test", region_name=REGION)
        session.events.register(event, handler)
        return Patient(replace(self.stack, session=session))

    def client(self, service: str) -> Any:
        return self.scene.aws.client(service)


Break = Callable[[World], AbstractContextManager[Patient]]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    day = GameDay("doctor", "whatever a test breaks", "off", ())
    with Shop(slow_seconds=0.1) as shop, Scene(shop, day, enforce=True) as scene:
        scene.deploy()
        session = boto3.Session("test", "test", region_name=REGION)
        yield World(shop, scene, Stack(STACK, session, scene.outputs, {}, scene.aws.url))


def undone[**P, T](steps: Callable[P, Iterator[T]]) -> Callable[P, AbstractContextManager[T]]:
    """How to break it, up to the `yield`, and how to put it right again after, whatever came between."""

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
    iam, role = world.client("iam"), world.patient().function["Role"].rpartition("/")[2]
    name = {"RoleName": role, "PolicyName": "Remediate"}
    policy = json.dumps(iam.get_role_policy(**name)["PolicyDocument"])
    assert written in policy
    iam.put_role_policy(**name, PolicyDocument=policy.replace(written, instead))
    yield
    iam.put_role_policy(**name, PolicyDocument=policy)


def role_lacks(action: str) -> Break:
    @undone
    def broken(world: World) -> Iterator[Patient]:
        with role_policy(world, action, "dynamodb:Query"):
            yield world.patient()

    return broken


@undone
def secret_without_its_suffix(world: World) -> Iterator[Patient]:
    """As a stack deployed with such a parameter has it: in the role, and in the environment."""
    arn = world.scene.parameters["DinerSecretArn"]
    with role_policy(world, arn, arn[:-7]), environment(world, DINER_SECRET_ARN=arn[:-7]):
        yield world.patient()


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
    secrets, arn = world.client("secretsmanager"), world.scene.parameters["DinerSecretArn"]
    key: str = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    secrets.update_secret(SecretId=arn, KmsKeyId=key)
    yield key
    secrets.update_secret(SecretId=arn, KmsKeyId="alias/aws/secretsmanager")


@undone
def key_denies(world: World) -> Iterator[Patient]:
    with customer_key(world), KeyDenies(world.scene.aws.url) as aws, environment(world, GAME_DAY_AWS=aws.url):
        yield world.patient()


@undone
def cannot_start(world: World) -> Iterator[Patient]:
    """Its layer is gone, and with it all that it imports."""
    name = {"FunctionName": world.stack.outputs["FunctionName"]}
    layers = [layer["Arn"] for layer in world.patient().function["Layers"]]
    for chosen in ([], layers):
        world.client("lambda").update_function_configuration(**name, Layers=chosen)
        world.client("lambda").get_waiter("function_updated_v2").wait(**name, WaiterConfig={"Delay": 0.1})
        if not chosen:
            yield world.patient()


def denied(event: str, code: str = "AccessDenied") -> Break:
    """AWS's answer to somebody who lacks a permission."""

    @undone
    def broken(world: World) -> Iterator[Patient]:
        def answer(**_: object) -> tuple[Any, Any]:
            return SimpleNamespace(status_code=403), {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {}}

        yield world.heard(f"before-call.{event}", answer)

    return broken


@undone
def unanswered(world: World) -> Iterator[Patient]:
    def never(**_: object) -> NoReturn:
        raise EndpointConnectionError(endpoint_url="https://monitoring.example")

    yield world.heard("before-call.cloudwatch.DescribeAlarms", never)


def shown(event: str, change: Callable[[Any], None]) -> Break:
    """A state that the local AWS can't be brought into: its answer is changed."""

    @undone
    def broken(world: World) -> Iterator[Patient]:
        def handler(parsed: Any, **_: object) -> None:
            change(parsed)

        yield world.heard(f"after-call.{event}", handler)

    return broken


@undone
def output_missing(world: World) -> Iterator[Patient]:
    left = {name: value for name, value in world.stack.outputs.items() if name != "FailureQueueUrl"}
    yield Patient(replace(world.stack, outputs=left))


@undone
def unconfirmed(world: World) -> Iterator[Patient]:
    """Nobody but an address that never confirmed. The local AWS lists that as if it had: told as AWS tells it."""
    topics, topic = world.client("sns"), world.stack.outputs["PeopleTopicArn"]
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

    yield world.heard("after-call.sns.ListSubscriptionsByTopic", as_aws)
    for one in topics.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        topics.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    for one in before:
        topics.subscribe(TopicArn=topic, Protocol=one["Protocol"], Endpoint=one["Endpoint"])
    held.close()


@undone
def nobody_subscribed(world: World) -> Iterator[Patient]:
    """As SNS leaves it after 48 hours, if nobody clicked the link."""
    topics, topic = world.client("sns"), world.stack.outputs["PeopleTopicArn"]
    before = topics.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    for one in before:
        topics.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    yield Patient(replace(world.stack, parameters={"PeopleEmail": "on-call@example.com"}))
    for one in before:
        topics.subscribe(TopicArn=topic, Protocol=one["Protocol"], Endpoint=one["Endpoint"])


@undone
def unsubscribed(world: World) -> Iterator[Patient]:
    topics, topic = world.client("sns"), world.stack.outputs["AlarmTopicArn"]
    found = topics.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]
    topics.unsubscribe(SubscriptionArn=found["SubscriptionArn"])
    yield world.patient()
    topics.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=found["Endpoint"])


@undone
def policy_of_others(world: World) -> Iterator[Patient]:
    topics, topic = world.client("sns"), world.stack.outputs["AlarmTopicArn"]
    before = topics.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    other = before.replace("cloudwatch.amazonaws.com", "events.amazonaws.com")
    topics.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=other)
    yield world.patient()
    topics.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=before)


@undone
def actions_disabled(world: World) -> Iterator[Patient]:
    watch, names = world.client("cloudwatch"), [world.stack.outputs["OrdersFailingAlarm"]]
    watch.disable_alarm_actions(AlarmNames=names)
    yield world.patient()
    watch.enable_alarm_actions(AlarmNames=names)


@undone
def actions_elsewhere(world: World) -> Iterator[Patient]:
    watch, name = world.client("cloudwatch"), world.stack.outputs["OrdersFailingAlarm"]
    alarm = watch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    kept = {key: value for key, value in alarm.items() if key in KEPT_OF_THE_ALARM} | {"EvaluationPeriods": 1}
    watch.put_metric_alarm(**kept | {"AlarmActions": [world.stack.outputs["PeopleTopicArn"]]})
    yield world.patient()
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
def schedule_disabled(world: World) -> Iterator[Patient]:
    with schedule(world, "DISABLED"):
        yield world.patient()


def secret(text: str) -> Break:
    @undone
    def broken(world: World) -> Iterator[Patient]:
        secrets, name = world.client("secretsmanager"), "pizza-diner"
        before = secrets.get_secret_value(SecretId=name)["SecretString"]
        secrets.put_secret_value(SecretId=name, SecretString=text.replace("EMAIL", world.shop.email))
        yield world.patient()
        secrets.put_secret_value(SecretId=name, SecretString=before)

    return broken


@undone
def environment(world: World, **changes: str) -> Iterator[None]:
    functions, before = world.client("lambda"), world.scene.variables()
    name = world.stack.outputs["FunctionName"]
    updated = functions.get_waiter("function_updated_v2").wait
    for chosen in (before | changes, before):
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": chosen})
        updated(FunctionName=name, WaiterConfig={"Delay": 0.1})
        if chosen is not before:
            yield


def variables(**changes: str) -> Break:
    @undone
    def broken(world: World) -> Iterator[Patient]:
        with environment(world, **changes):
            yield world.patient()

    return broken


@undone
def shop_gone(world: World) -> Iterator[Patient]:
    with hold_port() as held, environment(world, SHOP_URL=f"http://127.0.0.1:{number(held)}"):
        yield world.patient()


@undone
def never_allowed(world: World) -> Iterator[Patient]:
    with environment(world, ALLOWED_REPORT_HOSTS="169.254.169.254"):
        yield world.patient()


@undone
def unknown_host(world: World) -> Iterator[Patient]:
    def resolve(name: str, port: int) -> NoReturn:
        raise OSError

    with environment(world, ALLOWED_REPORT_HOSTS=f"{world.shop.factory_host},factory.example"):
        yield world.patient(resolve=resolve)


def chaos(kind: str) -> Break:
    @undone
    def broken(world: World) -> Iterator[Patient]:
        world.shop.chaos(kind)
        yield world.patient()
        world.shop.chaos("off")

    return broken


def condition(name: str) -> Break:
    @undone
    def broken(world: World) -> Iterator[Patient]:
        world.shop.condition(name)
        yield world.patient()
        world.shop.condition(None)

    return broken


def head(change: Callable[[], Head], form: str = "1") -> Break:
    """The table's head as somebody left it."""

    @undone
    def broken(world: World) -> Iterator[Patient]:
        tables, table = world.client("dynamodb"), world.stack.outputs["TableName"]
        key = {"pk": {"S": STACK}, "sk": {"S": "HEAD"}}
        before = tables.get_item(TableName=table, Key=key).get("Item")
        state = {"S": HEADS.dump_json(change(), exclude_defaults=True).decode()}
        tables.put_item(TableName=table, Item={**key, "format": {"N": form}, "state": state})
        yield world.patient()
        if before:
            tables.put_item(TableName=table, Item=before)
        else:
            tables.delete_item(TableName=table, Key=key)

    return broken


@undone
def paused(world: World) -> Iterator[Patient]:
    commit(world.stack, lambda head: judge.pause(head, now(), "release 42", "ada", None))
    yield world.patient()
    commit(world.stack, lambda head: judge.resume(head, now(), "ada"))


@undone
def table_gone(world: World) -> Iterator[Patient]:
    tables, table = world.client("dynamodb"), world.stack.outputs["TableName"]
    found = tables.describe_table(TableName=table)["Table"]
    tables.delete_table(TableName=table)
    yield world.patient()
    kept = {name: found[name] for name in ("AttributeDefinitions", "KeySchema")}
    tables.create_table(TableName=table, BillingMode="PAY_PER_REQUEST", **kept)


def letter(queue: str) -> Break:
    @undone
    def broken(world: World) -> Iterator[Patient]:
        queues, url = world.client("sqs"), world.stack.outputs[queue]
        queues.send_message(QueueUrl=url, MessageBody="a letter")
        yield world.patient()
        queues.purge_queue(QueueUrl=url)

    return broken


@undone
def clock_slow(world: World) -> Iterator[Patient]:
    yield world.patient(clock=lambda: now() - timedelta(hours=1))


def overdue() -> Head:
    return Head(outbox=(Message("i/HEALED", "HEALED i", "text", "somebody", now() - timedelta(minutes=9)),))


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
    Case("function not subscribed", unsubscribed, "wake", ("isn't subscribed",)),
    Case("unconfirmed subscription only", unconfirmed, "people", ("confirmed: none", "not confirmed: http", "link")),
    Case("subscription gone", nobody_subscribed, "people",
         ("48 hours", "`aws sns subscribe --topic-arn arn:aws:sns:", "--notification-endpoint on-call@example.com`")),
    Case("alarm's actions disabled", actions_disabled, "alarm", ("actions disabled", "OrdersFailing")),
    Case("alarm's name may not wake it", variables(ALARM_NAMES="-,another"), "alarm", ("not among AlarmNames",)),
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
    Case("head of a newer format", head(Head, "2"), "table and head", ("format 2",)),
    Case("table gone", table_gone, "table and head", ("ResourceNotFoundException",)),
    Case("message overdue", head(overdue), "messages", ("HEALED i",)),
    Case("paused", paused, "mode and pause", ("ada", "release 42", "remediator resume")),
    Case("calls used up", head(lambda: Head(calls=(now(),) * 6)), "calls left", ("0 of 6",)),
    Case("dead letter", letter(DLQ), "queues", ("dead letters: 1", "remediator redrive")),
    Case("failed event", letter(FAILED), "queues", ("failed events: 1", "remediator redrive")),
    Case("clock is slow", clock_slow, "clock", ("s from AWS's", "set this machine's clock")),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_broken_is_found_and_named_and_nothing_else_is(world: World, case: Case) -> None:
    with case.breaking(world) as patient:
        found = {check.name: finding for check, finding in examine(patient, CHECKS)}

    broken = [name for name, finding in found.items() if finding.state == "broken"]
    lines = {name: line(name, finding).plain for name, finding in found.items()}
    assert broken == [case.check]
    assert all(words in lines[case.check] for words in case.words), lines[case.check]
    assert found[case.check].do
    assert not any(secret in text for secret in world.shop.secrets for text in lines.values())
    assert world.shop.report_calls == NO_CALLS


def doctor(world: World, *words: str, stdin: int = subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it; without a terminal, unless `stdin` is one."""
    return subprocess.run(
        [str(ROOT / ".venv/bin/remediator"), "doctor", "--stack", STACK, "--region", REGION, *words],
        env=world.scene.aws.environment(),
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
    noted = {check["name"]: check["do"] for check in shown["checks"] if check["state"] != "ok"}
    assert set(noted) == {"canary", "report hosts"}, "a game day has no schedule, and its factory is this machine"
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
    before = (world.scene.records.head(), events(world), len(world.shop.requests))

    with customer_key(world):
        said = world.patient().asked()

    assert said == {"secret": "ok", "state": "ok"}
    assert (world.scene.records.head(), events(world), len(world.shop.requests)) == before


def test_question_that_comes_by_the_topic_is_an_alarm_like_any_text(world: World) -> None:
    topic, name = world.stack.outputs["AlarmTopicArn"], "asked by the topic"

    world.client("sns").publish(TopicArn=topic, Subject=name, Message=json.dumps(ACCESS))

    assert ending(world.stack, name)["outcome"] == "ALREADY_HEALTHY"


def test_observe_is_no_fault_and_the_way_to_act_is_said(world: World) -> None:
    with environment(world, MODE="observe"):
        found = {check.name: finding for check, finding in examine(world.patient(), CHECKS)}

    assert found["mode and pause"].state == "note"
    assert "Mode=act" in found["mode and pause"].do


def test_stacks_own_alarm_may_wake_it_whatever_others_are_named(world: World) -> None:
    own = world.stack.outputs["OrdersFailingAlarm"]
    with environment(world, ALARM_NAMES="another"):
        found = {check.name: finding for check, finding in examine(world.patient(), CHECKS)}
        outcomes = [woken(world, name) for name in (own, "another", "a third")]
    with environment(world, ALARM_NAMES="-,another"):
        without = [woken(world, name) for name in (own, "another", "a third")]

    assert (found["alarm"].state, found["alarm"].found) == ("ok", f"wakes it: {own}")
    assert outcomes == ["ALREADY_HEALTHY", "ALREADY_HEALTHY", "IGNORED"]
    assert without == ["IGNORED", "ALREADY_HEALTHY", "IGNORED"]


def woken(world: World, name: str) -> str:
    """The outcome of an alarm of that name, handed to the function as SNS would."""
    event = json.dumps(alarm(name=name, sent=now()))
    answer = world.client("lambda").invoke(FunctionName=world.stack.outputs["FunctionName"], Payload=event)
    (ending,) = json.load(answer["Payload"])
    return str(ending["outcome"])


def test_sampling_logs_in_and_out_again_whatever_the_order_was(world: World) -> None:
    before = len(world.shop.requests)
    with chaos("fail")(world) as patient:
        list(examine(patient, CHECKS))

    asked = [(r.method, r.path) for r in world.shop.requests[before:] if r.path == "/api/auth"]
    assert asked == [("PUT", "/api/auth"), ("DELETE", "/api/auth")] * 2


def test_live_alarm_goes_through_everything_to_its_outcome(world: World) -> None:
    time.sleep(SECONDS_OF_A_STAMP)  # else the alarm could seem to be from before another test's last look
    done = doctor(world, "--live", "--yes", "--json")

    live = json.loads(done.stdout)["checks"][-1]
    assert done.returncode == 0, done.stdout + done.stderr
    assert (live["name"], live["state"]) == ("live alarm", "ok")
    assert live["found"].startswith("ALREADY_HEALTHY")
    assert any(alarm.startswith("a person") for event in events(world) for alarm in event["alarms"])


@pytest.mark.parametrize("words", [["--live"], ["--live", "--json"]], ids=["at no terminal", "as JSON"])
def test_live_alarm_is_not_sent_where_nobody_can_be_asked(world: World, words: list[str]) -> None:
    before = events(world)

    done = doctor(world, *words)

    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert done.stdout == ""
    assert events(world) == before


def test_at_a_terminal_a_no_sends_nothing(world: World) -> None:
    before = events(world)
    ours, theirs = pty.openpty()
    os.write(ours, b"n\n")

    done = doctor(world, "--live", stdin=theirs)

    os.close(ours)
    os.close(theirs)
    assert (done.returncode, "Aborted" in done.stderr) == (1, True), done.stderr
    assert "Send a test alarm?" in done.stderr
    assert events(world) == before


def events(world: World) -> list[dict[str, Any]]:
    return world.scene.records.events(BEGAN)
