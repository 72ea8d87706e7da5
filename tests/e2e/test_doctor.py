"""`remediator doctor` at a deployed stack: green if all is well; each thing that is broken is found and named."""

import json
import os
import pty
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from aiohttp import web
from botocore.exceptions import EndpointConnectionError

from remediator import overrides
from remediator.adapters.dynamodb import STATES
from remediator.bootstrap import now
from remediator.bootstrap.remediate import ACCESS
from remediator.state import FORMAT, Incident, Notification, State
from remediator_cli.controls import commit_decision
from remediator_cli.doctor.checks import CHECKS, examine
from remediator_cli.doctor.target import Answer, Target
from remediator_cli.function import ask_function
from remediator_cli.heal import wait_for_outcome
from simulator.days import BACK, GameDay
from simulator.environment import KEPT_OF_THE_ALARM, STACK, GameDayEnvironment
from simulator.local_aws import REGION, hold_port, number
from simulator.play import SECONDS_OF_A_STAMP
from simulator.proxy import Proxy
from simulator.shop import Shop
from tests.e2e.conftest import REMEDIATOR, run
from tests.support.builders import alarm

NO_CALLS = {"GET": 0, "HEAD": 0}
METADATA = "https://169.254.169.254/{key}/{code}"
BEGAN = now()


@dataclass(frozen=True, slots=True)
class World:
    """A shop that is well, a good stack deployed for it, and the repairs of what a test breaks."""

    shop: Shop
    environment: GameDayEnvironment
    repairs: ExitStack

    @property
    def outputs(self) -> dict[str, str]:
        return self.environment.outputs

    def client(self, service: str) -> Any:
        return self.environment.aws.client(service)

    def target(self, **told: Any) -> Target:
        return Target(self.environment.stack, **told)

    def answering(self, event: str, handler: Callable[..., Any]) -> Target:
        """A target whose AWS answers differently: `handler` gets botocore's event."""
        stack = self.environment.stack
        stack.session.events.register(event, handler)
        return Target(stack)

    def examined(self, target: Target | None = None) -> dict[str, Answer]:
        return {check.name: answer for check, answer in examine(target or self.target(), CHECKS)}

    def deliveries(self) -> list[dict[str, Any]]:
        return self.environment.records.deliveries(BEGAN)


@pytest.fixture(scope="module")
def deployed() -> Iterator[World]:
    day = GameDay("doctor", "whatever a test breaks", BACK, ())
    with Shop(slow_seconds=0.1) as shop, GameDayEnvironment(shop, day, enforce=True) as environment:
        environment.deploy()
        yield World(shop, environment, ExitStack())


@pytest.fixture
def world(deployed: World) -> Iterator[World]:
    with deployed.repairs:
        yield deployed
        deployed.shop.chaos("off")
        deployed.shop.condition(None)


Break = Callable[[World], Target | None]  # a target if what is broken shows in that one alone


def change_role(world: World, written: str, instead: str) -> None:
    iam, role = world.client("iam"), world.target().function["Role"].rpartition("/")[2]
    name = {"RoleName": role, "PolicyName": "Remediate"}
    policy = json.dumps(iam.get_role_policy(**name)["PolicyDocument"])
    assert written in policy
    iam.put_role_policy(**name, PolicyDocument=policy.replace(written, instead))
    world.repairs.callback(iam.put_role_policy, **name, PolicyDocument=policy)


def role_lacks(action: str) -> Break:
    return lambda world: change_role(world, action, "dynamodb:Query")


def configure(world: World, **chosen: Any) -> None:
    functions, name = world.client("lambda"), world.outputs["FunctionName"]
    functions.update_function_configuration(FunctionName=name, **chosen)
    functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1})


def change_variables(world: World, **changes: str) -> None:
    before = world.environment.variables()
    configure(world, Environment={"Variables": before | changes})
    world.repairs.callback(configure, world, Environment={"Variables": before})


def variables(**changes: str) -> Break:
    return lambda world: change_variables(world, **changes)


def cannot_start(world: World) -> None:
    """Its layer is gone, and with it all that it imports."""
    layers = [layer["Arn"] for layer in world.target().function["Layers"]]
    configure(world, Layers=[])
    world.repairs.callback(configure, world, Layers=layers)


def secret_without_its_suffix(world: World) -> None:
    """As a stack deployed with such a parameter has it: in the role, and in the environment."""
    arn = world.environment.parameters["DinerSecretArn"]
    change_role(world, arn, arn[:-7])
    change_variables(world, DINER_SECRET_ARN=arn[:-7])


class KeyDenies(Proxy):
    """Answers as Secrets Manager does to somebody whom its key's policy doesn't let decrypt."""

    def __init__(self, target: str) -> None:
        self.target = target

    async def pass_on(self, request: web.Request) -> web.Response:
        if request.headers.get("X-Amz-Target") != "secretsmanager.GetSecretValue":
            return await self.forward(request, self.target + request.path_qs)
        denied = {"__type": "AccessDeniedException", "Message": "Access to KMS is not allowed"}
        return web.json_response(denied, status=400)


def customer_key(world: World) -> None:
    """The secret lies under a key of one's own."""
    update = partial(world.client("secretsmanager").update_secret, SecretId="pizza-diner")
    update(KmsKeyId=world.client("kms").create_key()["KeyMetadata"]["Arn"])
    world.repairs.callback(update, KmsKeyId="alias/aws/secretsmanager")


def key_denies(world: World) -> None:
    customer_key(world)
    aws = world.repairs.enter_context(KeyDenies(world.environment.aws.url))
    change_variables(world, GAME_DAY_AWS=aws.url)


def denied(event: str, code: str = "AccessDenied") -> Break:
    """AWS's answer to somebody who lacks a permission."""
    answer = SimpleNamespace(status_code=403), {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {}}
    return lambda world: world.answering(f"before-call.{event}", lambda **_: answer)


def unanswered(**_: object) -> NoReturn:
    raise EndpointConnectionError(endpoint_url="https://monitoring.example")


def shown(event: str, change: Callable[..., None]) -> Break:
    """A state that the local AWS can't be brought into: its answer is changed."""
    return lambda world: world.answering(f"after-call.{event}", change)


def rolled_back(parsed: Any, **_: object) -> None:
    parsed["Stacks"][0]["StackStatus"] = "UPDATE_ROLLBACK_COMPLETE"


def update_failed(parsed: Any, **_: object) -> None:
    parsed |= {"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "the layer is gone"}


def unconfirmed(parsed: Any, **_: object) -> None:
    """Nobody clicked the link yet. The local AWS lists every address as if it had confirmed."""
    for one in parsed["Subscriptions"]:
        if one["Protocol"] != "lambda":
            one["SubscriptionArn"] = "PendingConfirmation"


def output_missing(world: World) -> Target:
    left = {name: value for name, value in world.outputs.items() if name != "FailureQueueUrl"}
    return Target(replace(world.environment.stack, outputs=left))


def nobody_subscribed(output: str) -> Break:
    """As SNS leaves a topic after 48 hours, if nobody clicked the link."""

    def broken(world: World) -> None:
        topics, topic = world.client("sns"), world.outputs[output]
        for one in topics.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
            topics.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
            again = {"TopicArn": topic, "Protocol": one["Protocol"], "Endpoint": one["Endpoint"]}
            world.repairs.callback(topics.subscribe, **again)

    return broken


def policy_of_others(world: World) -> None:
    topics, topic = world.client("sns"), world.outputs["AlarmTopicArn"]
    before = topics.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    give = partial(topics.set_topic_attributes, TopicArn=topic, AttributeName="Policy")
    give(AttributeValue=before.replace("cloudwatch.amazonaws.com", "events.amazonaws.com"))
    world.repairs.callback(give, AttributeValue=before)


def actions_disabled(world: World) -> None:
    watch, names = world.client("cloudwatch"), [world.outputs["OrdersFailingAlarm"]]
    watch.disable_alarm_actions(AlarmNames=names)
    world.repairs.callback(watch.enable_alarm_actions, AlarmNames=names)


def actions_elsewhere(world: World) -> None:
    watch, name = world.client("cloudwatch"), world.outputs["OrdersFailingAlarm"]
    alarm = watch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    kept = {key: value for key, value in alarm.items() if key in KEPT_OF_THE_ALARM} | {"EvaluationPeriods": 1}
    watch.put_metric_alarm(**kept | {"AlarmActions": [world.outputs["NotificationTopicArn"]]})
    world.repairs.callback(watch.put_metric_alarm, **kept)


def schedule_disabled(world: World) -> None:
    """A schedule of the canary's that never runs it."""
    schedules, name = world.client("scheduler"), world.outputs["CanaryName"]
    arn = world.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
    target = {"Arn": arn, "RoleArn": "arn:aws:iam::000000000000:role/any"}
    each = {"ScheduleExpression": "rate(300 days)", "FlexibleTimeWindow": {"Mode": "OFF"}}
    schedules.create_schedule(Name="doctor", **each, State="DISABLED", Target=target)
    world.repairs.callback(schedules.delete_schedule, Name="doctor")


def secret(text: str) -> Break:
    def broken(world: World) -> None:
        secrets, name = world.client("secretsmanager"), {"SecretId": "pizza-diner"}
        before = secrets.get_secret_value(**name)["SecretString"]
        filled = text.replace("EMAIL", world.shop.email).replace("PASSWORD", world.shop.password)
        secrets.put_secret_value(**name, SecretString=filled)
        world.repairs.callback(secrets.put_secret_value, **name, SecretString=before)

    return broken


def shop_gone(world: World) -> None:
    held = world.repairs.enter_context(hold_port())
    change_variables(world, SHOP_URL=f"http://127.0.0.1:{number(held)}")


def unknown_host(world: World) -> Target:
    def resolve(name: str, port: int) -> NoReturn:
        raise OSError

    change_variables(world, ALLOWED_REPORT_LINKS=f"{world.shop.report_links} https://factory.example/{{key}}/{{code}}")
    return world.target(resolve=resolve)


def leave_state(world: World, state: State, form: str = str(FORMAT)) -> None:
    """The state as somebody left it."""
    tables, table = world.client("dynamodb"), {"TableName": world.outputs["TableName"]}
    key = {"pk": {"S": STACK}, "sk": {"S": "HEAD"}}
    before = tables.get_item(**table, Key=key).get("Item")
    text = STATES.dump_json(state, exclude_defaults=True).decode()
    tables.put_item(**table, Item={**key, "format": {"N": form}, "state": {"S": text}})
    if before:
        world.repairs.callback(tables.put_item, **table, Item=before)
    else:
        world.repairs.callback(tables.delete_item, **table, Key=key)


def overdue() -> State:
    until = now() - timedelta(minutes=9)
    return State(outbox=(Notification("i/HEALED", "HEALED i", "text", "show i", "somebody", until),))


def forgotten() -> State:
    return State(incident=Incident("20261123T080000Z-aaaa", "OrdersFailing", now() - timedelta(hours=2), 1, ("order",)))


def paused(world: World) -> None:
    stack = world.environment.stack
    commit_decision(stack, lambda state, at: overrides.pause(state, at, "release 42", "ada", None))
    world.repairs.callback(commit_decision, stack, lambda state, at: overrides.resume(state, at, "ada"))


def table_gone(world: World) -> None:
    tables, table = world.client("dynamodb"), {"TableName": world.outputs["TableName"]}
    found = tables.describe_table(**table)["Table"]
    tables.delete_table(**table)
    kept = {name: found[name] for name in ("AttributeDefinitions", "KeySchema")}
    world.repairs.callback(tables.create_table, **table, BillingMode="PAY_PER_REQUEST", **kept)


def letter(queue: str) -> Break:
    def broken(world: World) -> None:
        queues, url = world.client("sqs"), world.outputs[queue]
        queues.send_message(QueueUrl=url, MessageBody="no alarm")
        world.repairs.callback(queues.purge_queue, QueueUrl=url)

    return broken


WRONG_FOR_CANARY = (
    '{"email": "EMAIL", "password": "PASSWORD", "canary_email": "EMAIL", "canary_password": "marinara-4711"}'
)
WRONG = '{"email": "EMAIL", "password": "quattro-stagioni-4711"}'
# One thing that is broken each: how, the check that finds it, and words that name it.
BROKEN: dict[str, tuple[Break, str, tuple[str, ...]]] = {
    "last deployment rolled back": (shown("cloudformation.DescribeStacks", rolled_back), "stack", ("ROLLBACK",)),
    "output missing": (output_missing, "outputs", ("FailureQueueUrl",)),
    "update failed": (shown("lambda.GetFunctionConfiguration", update_failed), "function", ("the layer is gone",)),
    "setting wrong": (variables(MODE="maybe"), "settings", ("MODE",)),
    "time-out too short": (variables(ORDER_SECONDS="60"), "settings", ("120 s", "150")),
    "role lacks a permission": (role_lacks("dynamodb:UpdateItem"), "role", ("dynamodb:UpdateItem",)),
    "role may not read the secret": (role_lacks("secretsmanager:GetSecretValue"), "access",
        ("lacks secretsmanager:GetSecretValue", "RemediateRole")),
    "role may not read the state": (role_lacks("dynamodb:GetItem"), "access", ("GetItem: AccessDenied",)),
    "secret's ARN without its six random characters": (secret_without_its_suffix, "access",
        ("six random characters", "deploy with DinerSecretArn=arn:aws:secretsmanager:")),
    "key of the secret denies": (key_denies, "access",
        ("policy of the secret's key arn:aws:kms:", "kms:Decrypt")),
    "function cannot start": (cannot_start, "access", ("No module named", "log")),
    "caller may not invoke": (denied("lambda.Invoke", "AccessDeniedException"), "access",
        ("Invoke: AccessDenied", "permission")),
    "caller lacks one": (denied("sns.GetTopicAttributes", "AuthorizationError"), "alarm topic",
        ("GetTopicAttributes", "permission")),
    "caller may not simulate": (denied("iam.SimulatePrincipalPolicy"), "role",
        ("SimulatePrincipalPolicy: AccessDenied", "permission")),
    "caller may not read the secret": (denied("secrets-manager.GetSecretValue", "AccessDeniedException"),
        "secret and login", ("GetSecretValue", "permission")),
    "no answer of CloudWatch": (lambda world: world.answering("before-call.cloudwatch.DescribeAlarms", unanswered),
        "alarm", ("EndpointConnectionError", "reaches AWS")),
    "topic's policy without CloudWatch": (policy_of_others, "alarm topic", ("cloudwatch.amazonaws.com",)),
    "function not subscribed": (nobody_subscribed("AlarmTopicArn"), "trigger", ("isn't subscribed",)),
    "unconfirmed subscription only": (shown("sns.ListSubscriptionsByTopic", unconfirmed), "notifications",
        ("confirmed: none", "not confirmed: email", "link")),
    "subscription gone": (nobody_subscribed("NotificationTopicArn"), "notifications",
        ("48 hours", "`aws sns subscribe --topic-arn arn:aws:sns:", "--notification-endpoint on-call@example.com`")),
    "alarm's actions disabled": (actions_disabled, "alarm", ("actions disabled", "OrdersFailing")),
    "alarm's name may not trigger it": (variables(ALARM_NAMES="-,another"), "alarm", ("not among AlarmNames",)),
    "no alarm at the topic": (actions_elsewhere, "alarm", ("no alarm",)),
    "canary's schedule disabled": (schedule_disabled, "canary", ("disabled",)),
    "wrong password": (secret(WRONG), "secret and login", ("404", "credentials")),
    "wrong password of the canary": (secret(WRONG_FOR_CANARY), "secret and login", ("the canary's login", "404")),
    "secret is no JSON": (secret("margherita-4711"), "secret and login", ("JSON object",)),
    "shop is down": (shop_gone, "secret and login", ("refused",)),
    "shop shows a page": (lambda world: world.shop.condition("html"), "secret and login", ("503",)),
    "chaos fail": (lambda world: world.shop.chaos("fail"), "sample", ("fail: 500", "heal --follow")),
    "chaos badjwt": (lambda world: world.shop.chaos("badjwt"), "sample", ("badjwt: 200",)),
    "chaos throttle": (lambda world: world.shop.chaos("throttle"), "sample", ("throttle: 200",)),
    "orders refused without a link": (lambda world: world.shop.condition("no-link"), "sample", ("no_link",)),
    "host with an address that is no supplier's": (variables(ALLOWED_REPORT_LINKS=METADATA), "report hosts",
        ("169.254", "no public address")),
    "host that doesn't resolve": (unknown_host, "report hosts", ("factory.example", "looked up")),
    "state of a newer format": (lambda world: leave_state(world, State(), "99"), "table and state", ("format 99",)),
    "table gone": (table_gone, "table and state", ("ResourceNotFoundException",)),
    "notification overdue": (lambda world: leave_state(world, overdue()), "outbox", ("HEALED i",)),
    "incident that nothing checks": (lambda world: leave_state(world, forgotten()), "open incident",
        ("20261123T080000Z-aaaa", "for an hour", "remediator heal --follow")),
    "paused": (paused, "mode and pause", ("ada", "release 42", "remediator resume")),
    "calls used up": (lambda world: leave_state(world, State(calls=(now(),) * 6)), "calls left", ("0 of 6",)),
    "dead letter": (letter("DeadLetterQueueUrl"), "queues", ("dead letters: 1", "remediator redrive")),
    "failed event": (letter("FailureQueueUrl"), "queues", ("failed events: 1", "remediator redrive")),
    "clock is slow": (lambda world: world.target(clock=lambda: now() - timedelta(hours=1)), "clock",
        ("s from AWS's", "set this computer's clock")),
}  # fmt: skip


@pytest.mark.parametrize(("breaking", "check", "words"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_found_and_named_and_nothing_else_is(
    world: World, breaking: Break, check: str, words: tuple[str, ...]
) -> None:
    found = world.examined(breaking(world))

    lines = {name: f"{answer.grade} {name} {answer.found} {answer.do}" for name, answer in found.items()}
    assert [name for name, answer in found.items() if answer.grade == "broken"] == [check]
    assert all(part in lines[check] for part in words), lines[check]
    assert found[check].do
    assert not any(secret in text for secret in world.shop.secrets for text in lines.values())
    assert world.shop.report_calls == NO_CALLS


def doctor(world: World, *words: str, stdin: int = subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it; without a terminal, unless `stdin` is one."""
    command = [REMEDIATOR, "doctor", "--stack", STACK, "--region", REGION, *words]
    return run(command, env=world.environment.aws.environment(), stdin=stdin)


def test_good_stack_is_safe_to_leave_on(world: World) -> None:
    done = doctor(world, "--json")

    shown = json.loads(done.stdout)
    assert (done.returncode, shown["healthy"]) == (0, True), done.stdout + done.stderr
    assert [check["name"] for check in shown["checks"]] == [check.name for check in CHECKS]
    noted = {check["name"]: check["do"] for check in shown["checks"] if check["grade"] != "ok"}
    assert set(noted) == {"canary", "report hosts"}, "a game day has no schedule, and its factory is on this computer"
    assert all(noted.values())


def test_each_check_is_one_plain_line_off_a_terminal_and_a_broken_one_makes_the_exit_code_1(world: World) -> None:
    paused(world)

    done = doctor(world)

    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert [text[:7].strip() for text in lines if "mode and pause" in text] == ["broken"]
    assert len(lines) == len(CHECKS) + 1
    assert re.fullmatch(r"Not safe to leave on: 1 broken, \d+ ok, 2 notes\.", lines[-1])
    assert "\x1b" not in done.stdout


def test_function_says_what_it_may_read_and_does_nothing_else(world: World) -> None:
    customer_key(world)
    before = (world.environment.records.state(), world.deliveries(), len(world.shop.requests))

    said = ask_function(world.environment.stack)

    assert said == ({"secret": "ok", "state": "ok"}, "")
    assert (world.environment.records.state(), world.deliveries(), len(world.shop.requests)) == before


def test_question_that_comes_by_the_topic_is_an_alarm_like_any_text(world: World) -> None:
    topic, name = world.outputs["AlarmTopicArn"], "asked by the topic"

    world.client("sns").publish(TopicArn=topic, Subject=name, Message=json.dumps(ACCESS))

    assert wait_for_outcome(world.environment.stack, name)["outcome"] == "ALREADY_HEALTHY"


def test_observe_is_no_fault_and_the_way_to_act_is_said(world: World) -> None:
    change_variables(world, MODE="observe")

    found = world.examined()["mode and pause"]

    assert found.grade == "note"
    assert "Mode=act" in found.do


def test_stacks_own_alarm_triggers_whatever_others_are_named(world: World) -> None:
    own = world.outputs["OrdersFailingAlarm"]
    change_variables(world, ALARM_NAMES="another")
    found = world.examined()["alarm"]
    outcomes = [outcome_of_alarm(world, name) for name in (own, "another", "a third")]
    change_variables(world, ALARM_NAMES="-,another")
    without = [outcome_of_alarm(world, name) for name in (own, "another", "a third")]

    assert (found.grade, found.found) == ("ok", f"triggers it: {own}")
    assert outcomes == ["ALREADY_HEALTHY", "ALREADY_HEALTHY", "IGNORED"]
    assert without == ["IGNORED", "ALREADY_HEALTHY", "IGNORED"]


def outcome_of_alarm(world: World, name: str) -> str:
    """The outcome of an alarm of that name, handed to the function as SNS would."""
    event = json.dumps(alarm(name=name, sent=now()))
    answer = world.client("lambda").invoke(FunctionName=world.outputs["FunctionName"], Payload=event)
    (result,) = json.load(answer["Payload"])
    return str(result["outcome"])


def test_sampling_logs_in_and_out_again_whatever_the_order_was(world: World) -> None:
    before = len(world.shop.requests)
    world.shop.chaos("fail")

    world.examined()

    asked = [(r.method, r.path) for r in world.shop.requests[before:] if r.path == "/api/auth"]
    assert asked == [("PUT", "/api/auth"), ("DELETE", "/api/auth")] * 3  # both logins are tried, then one orders


def test_live_alarm_goes_through_everything_to_its_outcome(world: World) -> None:
    time.sleep(SECONDS_OF_A_STAMP)  # else the alarm could seem to be from before another test's last check
    done = doctor(world, "--live", "--yes", "--json")

    live = json.loads(done.stdout)["checks"][-1]
    assert done.returncode == 0, done.stdout + done.stderr
    assert (live["name"], live["grade"]) == ("live alarm", "ok")
    assert live["found"].startswith("ALREADY_HEALTHY")
    assert any(alarm.startswith("remediator doctor by ") for each in world.deliveries() for alarm in each["alarms"])


@pytest.mark.parametrize("words", [["--live"], ["--live", "--json"]], ids=["at no terminal", "as JSON"])
def test_live_alarm_is_not_sent_if_nobody_can_be_asked(world: World, words: list[str]) -> None:
    before = world.deliveries()

    done = doctor(world, *words)

    assert done.returncode == 2
    assert "--yes" in done.stdout + done.stderr
    assert done.stdout == "" or json.loads(done.stdout).keys() == {"error"}
    assert world.deliveries() == before


def test_at_a_terminal_a_no_sends_nothing(world: World) -> None:
    before = world.deliveries()
    ours, theirs = pty.openpty()
    os.write(ours, b"n\n")

    done = doctor(world, "--live", stdin=theirs)

    os.close(ours)
    os.close(theirs)
    assert (done.returncode, "Aborted" in done.stderr) == (1, True), done.stderr
    assert "Send a test alarm?" in done.stderr
    assert world.deliveries() == before
