"""Where a game day is played: a shop, a local AWS with our own template in it, and the ways to reach both."""

import json
from base64 import b64decode, b64encode
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from ssl import PEM_cert_to_DER_cert
from typing import Any, Self
from urllib.parse import urlsplit

import boto3
import click

from remediator_cli.queues import received
from remediator_cli.stack import Stack
from simulator import embedded
from simulator.days import GameDay
from simulator.emulator import Emulator, Pool
from simulator.interrupts import enter
from simulator.listening import LOOPBACK
from simulator.local_aws import REGION, LocalAws, build
from simulator.recorder import Recorder
from simulator.shop import Shop
from simulator.shop.conditions import REPORT

STACK = "pizza-remediator"
NAMESPACE, METRIC = "PizzaShop", "OrdersFailed"
KEPT_OF_THE_ALARM = {
    *("AlarmName", "AlarmActions", "OKActions", "Namespace", "MetricName", "Statistic", "Period"),
    *("Threshold", "ComparisonOperator", "TreatMissingData"),
}


@dataclass(frozen=True, slots=True)
class ExistingShop:
    """A shop that runs already; whoever runs it starts the chaos. Its links are `https://host/…`, without a port."""

    url: str
    report_links: str
    ca_file: str
    email: str
    password: str

    @classmethod
    def at(cls, shop: str, factory: str, ca: str, email: str, password: str) -> Self:
        """By what the command line is given: two URLs, a CA file, the diner's credentials."""
        host = urlsplit(factory).hostname or factory
        return cls(shop.rstrip("/"), f"https://{host}{REPORT}", ca, email, password)


class GameDayEnvironment:
    """A local AWS for one shop and one game day. Everything it started ends with the `with` block.

    `address`: where its recorder listens besides loopback.
    """

    def __init__(
        self, shop: Shop | ExistingShop, day: GameDay, *, enforce: bool = False, address: str = LOOPBACK
    ) -> None:
        self.shop = shop
        self.day = day
        self.recorder = Recorder(address)
        self._enforce = enforce
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            enter(stack, self.recorder)
            aws = LocalAws(enforce=self._enforce, functions_see=self.recorder.url)
            self.aws = stack.enter_context(aws)
            self.recorder.target = self.aws.url
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def deploy(self) -> None:
        """Build and deploy the template, for this shop. Sets `built`, `parameters`, `outputs`, `records`."""
        self.built = build(self.aws.folder)
        self.parameters = self._parameters()
        self.outputs = self.aws.deploy(self.built, STACK, self.parameters)
        self.records = self.stack.records
        self._mailbox = self._subscribe()
        self._stop_the_schedule()
        self._shorten_the_alarm()

    @property
    def stack(self) -> Stack:
        """The deployed stack, as the command line finds it."""
        session = boto3.Session("test", "test", region_name=REGION)
        return Stack(STACK, session, self.outputs, self.parameters, self.aws.url)

    def publish(self, text: str) -> None:
        """Send any text to the alarm topic."""
        topic = self.outputs["AlarmTopicArn"]
        self.aws.client("sns").publish(TopicArn=topic, Message=text, Subject="game day")

    def run_canary(self) -> dict[str, Any]:
        """Invoke the canary, as its schedule would. Returns its report.

        The metrics that its log holds are put to CloudWatch, which the local one doesn't do by itself.
        """
        functions, name = self.aws.client("lambda"), self.outputs["CanaryName"]
        answer = functions.invoke(FunctionName=name, LogType="Tail")
        found = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise click.ClickException(f"the canary failed: {found}")
        embedded.put(self.aws.client("cloudwatch"), b64decode(answer.get("LogResult", "")).decode())
        return dict(found)

    def notifications(self) -> list[str]:
        """The remediator's notifications sent since the last call, without what CloudWatch's own alarms say there."""
        queues = self.aws.client("sqs")
        found: list[str] = []
        for batch in received(queues, self._mailbox):
            for message in batch:
                found += [] if message["Body"].startswith("{") else [message["Body"]]
                queues.delete_message(QueueUrl=self._mailbox, ReceiptHandle=message["ReceiptHandle"])
        return found

    def written(self) -> str:
        """All that was written where somebody could read it: the functions' logs, table, dead letters, our own logs.

        Raises click.ClickException if the function's log isn't part of it: nothing would have been searched.
        """
        logs, queues = self.aws.client("logs"), self.aws.client("sqs")
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        lines = [event for group in groups for event in logs.filter_log_events(logGroupName=group)["events"]]
        rows = self.aws.client("dynamodb").scan(TableName=self.outputs["TableName"])["Items"]
        letters = [list(received(queues, self.outputs[name])) for name in ("DeadLetterQueueUrl", "FailureQueueUrl")]
        files = [file.read_text(errors="replace") for file in self.aws.folder.glob("*.log")]
        found = json.dumps([lines, rows, letters, files], default=str)
        if "event ended" not in found:
            raise click.ClickException("the function's log can't be found, so it can't be searched for secrets")
        return found

    def state_bytes(self) -> int:
        """How long the state is as it is stored."""
        key = {"pk": {"S": STACK}, "sk": {"S": "HEAD"}}
        item = self.aws.client("dynamodb").get_item(TableName=self.outputs["TableName"], Key=key)["Item"]
        return len(item["state"]["S"].encode())

    def variables(self) -> dict[str, str]:
        """The environment of the deployed function."""
        functions = self.aws.client("lambda")
        found = functions.get_function_configuration(FunctionName=self.outputs["FunctionName"])
        return dict(found["Environment"]["Variables"])

    def _parameters(self) -> dict[str, str]:
        password = self.day.password or self.shop.password
        text = {"email": self.shop.email, "password": password}
        if self.day.canary_password:
            text |= {"canary_email": self.shop.email, "canary_password": self.day.canary_password}
        secret = self.aws.client("secretsmanager").create_secret(Name="pizza-diner", SecretString=json.dumps(text))
        return {
            "ShopUrl": self.shop.url,
            "DinerSecretArn": secret["ARN"],
            "AllowedReportLinks": self.shop.report_links,
            "AlarmNamespace": NAMESPACE,
            "AlarmMetric": METRIC,
            "Mode": self.day.mode,
            "NotificationEmail": "on-call@example.com",
            "Order": self.day.order,
            "CanaryMinutes": "1",
            "GameDayCa": b64encode(PEM_cert_to_DER_cert(Path(self.shop.ca_file).read_text())).decode(),
        }

    def _stop_the_schedule(self) -> None:
        """A game day runs the canary itself: if the schedule did so too, no two days would be alike."""
        schedules = self.aws.client("scheduler")
        for found in schedules.list_schedules()["Schedules"]:
            schedules.delete_schedule(Name=found["Name"], GroupName=found["GroupName"])

    def _shorten_the_alarm(self) -> None:
        """Let one period decide: the local AWS takes all periods for one, and the healthy minutes outweigh the rest."""
        watch, name = self.aws.client("cloudwatch"), self.outputs["OrdersFailingAlarm"]
        alarm = watch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
        kept = {key: value for key, value in alarm.items() if key in KEPT_OF_THE_ALARM}
        watch.put_metric_alarm(**kept, EvaluationPeriods=1)

    def _subscribe(self) -> str:
        """A queue beside the e-mail subscription, in which the notifications can be read."""
        queues, topic = self.aws.client("sqs"), self.outputs["NotificationTopicArn"]
        url: str = queues.create_queue(QueueName="notifications")["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        raw = {"RawMessageDelivery": "true"}
        self.aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
        return url


def emulate(stack: ExitStack, environment: GameDayEnvironment, count: int = 1) -> None:
    """Let the local AWS hand the function's events to so many runtime emulators with the same variables."""
    variables: dict[str, Any] = environment.variables()
    access = {**environment.aws.environment(), "AWS_ENDPOINT_URL": environment.recorder.url}
    logs = [environment.aws.folder / f"emulator-{number}.log" for number in range(count)]
    each = [Emulator(environment.built, "Remediate", {**variables, **access}, log) for log in logs]
    pool = enter(stack, Pool([stack.enter_context(emulator) for emulator in each]))
    variables["MINISTACK_LAMBDA_PROXY_URL"] = f"{pool.url}/2015-03-31/functions/function/invocations"
    environment.aws.client("lambda").update_function_configuration(
        FunctionName=environment.outputs["FunctionName"], Environment={"Variables": variables}
    )
