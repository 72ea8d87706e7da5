"""One game day, from an empty machine to the result: the real template in a local AWS, a shop, diners, chaos."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from console.gameday.days import GameDay
from console.gameday.diners import Diners
from console.gameday.emulator import Emulator, Pool
from console.gameday.local_aws import LocalAws, build
from console.gameday.recorder import Recorder
from console.gameday.shop import Shop
from console.records import Records, broken, plain
from remediator.outcome import Outcome

STACK = "pizza-remediator"
NAMESPACE, METRIC = "PizzaShop", "OrdersFailed"
SECONDS_TO_END = 150.0
GOOD_ORDERS_AFTER = 5
SECONDS_OF_A_STAMP = 1.0  # the local SNS cuts its time stamps to the second; AWS's are to the millisecond


@dataclass(frozen=True, slots=True)
class Way:
    """How a game day is played. `enforce`: IAM enforced. `emulator`: the function runs in AWS's runtime emulator.

    `copies`: how many copies of the alarm reach the topic at once, and `again`: one after the other.
    """

    enforce: bool = False
    emulator: bool = False
    copies: int = 0
    again: int = 0
    slow_seconds: float = 32.0


@dataclass(slots=True)
class Result:
    """What a game day showed."""

    day: GameDay
    outcome: str = "NOTHING"
    phases: dict[str, int] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    log_fault: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    orders_failed: int = 0
    orders_good_after: int = 0
    report_calls: int = 0
    retries: int = 0
    actions: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Ended as the row says, with no call too many, a whole log, and orders good again where it healed."""
        good = self.orders_good_after >= GOOD_ORDERS_AFTER or self.outcome != Outcome.HEALED
        within = self.report_calls <= self.day.calls
        return self.outcome == self.day.expected and within and good and not self.log_fault

    def plain(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "gameday": self.day.name,
            "outcome": self.outcome,
            "expected": self.day.expected,
            "passed": self.passed,
            "phases": self.phases,
            "log": self.log,
            "log_whole": self.log_fault is None,
            "events": self.events,
            "messages": self.messages,
            "orders": {"failed": self.orders_failed, "good_after": self.orders_good_after},
            "report_calls": self.report_calls,
            "retries": self.retries,
            "actions": self.actions,
        }


def play(day: GameDay, way: Way, step: Callable[[str], None]) -> Result:
    """Play the day; `step` is told what is being done. Everything started is ended, also on an interrupt."""
    result = Result(day)
    with ExitStack() as stack:
        step("starting the shop and the local AWS")
        shop = stack.enter_context(Shop(slow_seconds=way.slow_seconds))
        recorder = stack.enter_context(Recorder())
        aws = stack.enter_context(LocalAws(enforce=way.enforce, functions_see=recorder.url))
        recorder.target = aws.url
        step("building the template")
        built = build(aws.folder)
        step("deploying it")
        outputs = aws.deploy(built, STACK, parameters(aws, shop))
        mailbox = _mailbox(aws, outputs["PeopleTopicArn"])
        if way.emulator:
            step("starting the runtime emulator")
            _emulated(stack, aws, built, outputs["FunctionName"], recorder.url)
        records = Records(aws.client("dynamodb"), outputs["TableName"], STACK)
        diners = stack.enter_context(Diners(shop.url, aws.client("cloudwatch"), NAMESPACE, METRIC))

        step("waking it while all is well")
        publish = _publisher(aws, outputs["AlarmTopicArn"])
        publish("A first look, while all is well")
        _until(lambda: _ended(records, Outcome.ALREADY_HEALTHY), 60.0, "the first look")

        time.sleep(SECONDS_OF_A_STAMP)

        step(f"starting the chaos: {day.about}")
        seen, heard = len(records.log()), len(records.events(datetime.now(UTC)))
        began = datetime.now(UTC)
        shop.chaos(day.chaos)
        step("orders fail; waiting for the alarm to wake it")
        _until(lambda: len(records.log()) > seen, 60.0, "the alarm")
        for number in range(way.copies):
            publish(f"A copy of the alarm, number {number + 1}")
        step("woken: it samples, calls the report link, verifies")
        _until(lambda: _over(records, seen), SECONDS_TO_END, f"the outcome {day.expected}")
        ended = time.time()
        step("over: letting diners order")
        for number in range(way.again):
            publish(f"A late copy of the alarm, number {number + 1}")
        copies = heard + 1 + way.copies + way.again
        _until(lambda: len(records.events(began)) >= copies, 30.0, "the end of every copy")
        _until(
            lambda: diners.good(ended) >= GOOD_ORDERS_AFTER or diners.failed(ended) >= GOOD_ORDERS_AFTER,
            30.0,
            "diners",
        )
        _collect(result, records, seen, heard, began)
        result.orders_failed = diners.failed(began.timestamp())
        result.orders_good_after = diners.good(ended)
        result.report_calls = sum(shop.report_calls.values())
        result.messages = _read(aws, mailbox)
        result.actions = sorted(recorder.actions)
        step("ending what was started")
    return result


def parameters(aws: LocalAws, shop: Shop, mode: str = "act") -> dict[str, str]:
    """The template's parameters for a shop on this machine; makes the diner's secret."""
    text = json.dumps({"email": shop.email, "password": shop.password})
    secret = aws.client("secretsmanager").create_secret(Name="pizza-diner", SecretString=text)
    return {
        "ShopUrl": shop.url,
        "DinerSecretArn": secret["ARN"],
        "AllowedReportHosts": shop.factory_host,
        "AlarmNamespace": NAMESPACE,
        "AlarmMetric": METRIC,
        "Mode": mode,
        "PeopleEmail": "on-call@example.com",
        "GameDayCa": shop.ca_file,
    }


def _emulated(stack: ExitStack, aws: LocalAws, built: Path, function: str, endpoint: str) -> None:
    """Let the local AWS hand the deployed function's events to a runtime emulator with the same variables."""
    functions = aws.client("lambda")
    variables = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    access = {**aws.environment(), "AWS_ENDPOINT_URL": endpoint}
    emulator = Emulator(built, "Remediate", {**variables, **access}, aws.folder / "emulator.log")
    pool = stack.enter_context(Pool([stack.enter_context(emulator)]))
    variables["MINISTACK_LAMBDA_PROXY_URL"] = f"{pool.url}/2015-03-31/functions/function/invocations"
    functions.update_function_configuration(FunctionName=function, Environment={"Variables": variables})


def _publisher(aws: LocalAws, topic: str) -> Callable[[str], None]:
    sns = aws.client("sns")
    return lambda text: sns.publish(TopicArn=topic, Message=text, Subject="game day")


def _mailbox(aws: LocalAws, topic: str) -> str:
    """A queue beside the e-mail subscription, in which the messages to people can be read."""
    queues = aws.client("sqs")
    url: str = queues.create_queue(QueueName="people")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn["QueueArn"],
            }
        ],
    }
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    aws.client("sns").subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn["QueueArn"],
        Attributes={"RawMessageDelivery": "true"},
    )
    return url


def _read(aws: LocalAws, mailbox: str) -> list[str]:
    queues = aws.client("sqs")
    found: list[str] = []
    while True:
        got = queues.receive_message(QueueUrl=mailbox, MaxNumberOfMessages=10).get("Messages", [])
        if not got:
            return found
        for message in got:
            found.append(message["Body"])
            queues.delete_message(QueueUrl=mailbox, ReceiptHandle=message["ReceiptHandle"])


def _ended(records: Records, outcome: Outcome) -> bool:
    return any(event["outcome"] == outcome for event in records.events(datetime.now(UTC)))


def _over(records: Records, seen: int) -> bool:
    """Whether the incident ended or was let go of, and its message was sent."""
    log = records.log()[seen:]
    return any(e.kind in ("closed", "released") for e in log) and not records.head().outbox


def _collect(result: Result, records: Records, seen: int, heard: int, began: datetime) -> None:
    log = records.log()
    result.log = [plain(entry) for entry in log]
    result.log_fault = broken(log)
    mine = result.log[seen:]
    endings = [e["data"] for e in mine if e["kind"] in ("closed", "released")]
    result.outcome = endings[-1]["outcome"] if endings else "NOTHING"
    result.phases = {
        "failing until woken": _milliseconds(began, mine[0]["at"]) if mine else 0,
        **(endings[-1]["phases"] if endings else {}),
    }
    result.retries = sum(entry["kind"] == "continued" for entry in mine)
    result.events = records.events(began)[heard:]


def _milliseconds(began: datetime, at: str) -> int:
    return round((datetime.fromisoformat(at) - began).total_seconds() * 1000)


def _until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    for _ in _patience(seconds):
        if condition():
            return
    raise click.ClickException(f"{what} didn't come within {seconds:.0f} s")


def _patience(seconds: float) -> Iterator[None]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
        time.sleep(0.1)
