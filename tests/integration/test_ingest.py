"""The deployed ingest: its URL, its secret, its signatures in the table, the alarm topic behind it."""

import hashlib
import hmac
import importlib.util
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from console.gameday.local_aws import REGION, LocalAws, build
from console.gameday.recorder import Recorder
from console.places import ROOT
from console.queues import received
from remediator.webhook import LIMIT

STACK = "ingested"
BODY = json.dumps({"receiver": "r", "status": "firing", "alerts": [{"status": "firing", "labels": {"a": "b"}}]})


@dataclass
class Deployed:
    """Our stack with ingest on, a queue in the remediator's place, and what of it could change."""

    aws: LocalAws
    recorder: Recorder
    outputs: dict[str, str]
    queue: str
    secret: bytes
    heard: list[str] = field(default_factory=list)

    @property
    def table(self) -> str:
        return self.outputs["TableName"]

    def items(self) -> list[Any]:
        """All that is in the table."""
        return list(self.aws.client("dynamodb").scan(TableName=self.table)["Items"])

    def messages(self) -> list[str]:
        """Everything that the alarm topic ever got."""
        queues = self.aws.client("sqs")
        for batch in received(queues, self.queue):
            for message in batch:
                self.heard.append(message["Body"])
                queues.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return self.heard

    def post(self, body: bytes, headers: dict[str, str], method: str = "POST") -> int:
        """The status that the URL answers with; the local AWS tells its functions by the URL's host."""
        host = urlsplit(self.outputs["IngestUrl"]).netloc
        headers = {"content-type": "application/json", **headers, "Host": host}
        asked = urllib.request.Request(f"{self.aws.url}/", body or None, headers, method=method)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(asked, timeout=30) as answered:  # noqa: S310 - loopback
                return int(answered.status)
        except urllib.error.HTTPError as refused:
            return refused.code

    def sign(self, body: bytes, *, seconds_ago: int = 0) -> dict[str, str]:
        """Headers as Grafana would set them."""
        stamp = str(int(time.time()) - seconds_ago)
        signature = hmac.new(self.secret, stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        return {"X-Grafana-Alerting-Timestamp": stamp, "X-Grafana-Alerting-Signature": signature}


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    with ExitStack() as stack:
        recorder = stack.enter_context(Recorder())
        aws = stack.enter_context(LocalAws(functions_see=recorder.url))
        recorder.target = aws.url
        diner = aws.client("secretsmanager").create_secret(
            Name="diner", SecretString='{"email":"a@b.c","password":"p"}'
        )
        settings = {
            "ShopUrl": "http://127.0.0.1:9",  # nobody there
            "DinerSecretArn": diner["ARN"],
            "PeopleEmail": "on-call@example.com",
            "GrafanaIngest": "on",
            "CanaryMinutes": "0",  # its schedule would publish to the topic that is listened to
        }
        outputs = aws.deploy(build(aws.folder), STACK, settings)
        secret = aws.client("secretsmanager").get_secret_value(SecretId=outputs["IngestSecretArn"])["SecretString"]
        yield Deployed(aws, recorder, outputs, listening(aws, outputs["AlarmTopicArn"]), secret.encode())


def listening(aws: LocalAws, topic: str) -> str:
    """A queue that gets what the topic gets, in place of the remediator, whose calls would be on record too."""
    for each in aws.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        aws.client("sns").unsubscribe(SubscriptionArn=each["SubscriptionArn"])
    queues = aws.client("sqs")
    url: str = queues.create_queue(QueueName="heard")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    return url


@pytest.fixture
def handler(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, Any], dict[str, int]]:
    """The function's own entry point, in this process, on the deployed stack."""
    variables = {
        "TARGET": STACK,
        "TABLE": deployed.table,
        "INGEST_SECRET_ARN": deployed.outputs["IngestSecretArn"],
        "ALARM_TOPIC_ARN": deployed.outputs["AlarmTopicArn"],
        "AWS_ENDPOINT_URL": deployed.recorder.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "POWERTOOLS_LOG_LEVEL": "ERROR",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("ingest_app", ROOT / "functions/ingest/app.py")
    assert spec
    assert spec.loader
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    app.ingest.cache_clear()
    entry: Callable[[Any, Any], dict[str, int]] = app.handler
    return entry


class Context:
    """What the logger reads of Lambda's context."""

    function_name = "ingest"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:ingest"
    aws_request_id = "r-1"


def bad(deployed: Deployed, number: int) -> tuple[str, bytes, dict[str, str]]:
    """A request that must be refused: method, body, headers; each kind in turn."""
    body = BODY.encode() + b" " * (number % 50)
    good = deployed.sign(body)
    signature, stamp = good["X-Grafana-Alerting-Signature"], good["X-Grafana-Alerting-Timestamp"]
    kinds: list[tuple[str, bytes, dict[str, str]]] = [
        ("POST", body + b" ", good),
        ("POST", body, deployed.sign(body, seconds_ago=301 + number)),
        ("POST", body, {"X-Grafana-Alerting-Signature": signature}),
        ("POST", body, {"X-Grafana-Alerting-Timestamp": stamp}),
        ("POST", body, {**good, "X-Grafana-Alerting-Signature": "0" * 64}),
        ("POST", body, {}),
        ("PUT", body, good),
        ("DELETE", b"", good),
    ]
    return kinds[number % len(kinds)]


def as_event(method: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    return {
        "version": "2.0",
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {"http": {"method": method}},
        "body": body.decode(),
        "isBase64Encoded": False,
    }


def test_signed_webhook_reaches_the_alarm_topic_once_and_its_replay_is_refused(deployed: Deployed) -> None:
    before, items = len(deployed.messages()), deployed.items()
    headers = deployed.sign(BODY.encode())

    assert deployed.post(BODY.encode(), headers) == 202
    assert deployed.post(BODY.encode(), headers) == 401
    assert deployed.messages()[before:] == [BODY]
    (kept,) = [item for item in deployed.items() if item not in items]
    assert kept["pk"] == {"S": f"{STACK}#WEBHOOKS"}
    assert int(kept["expires_at"]["N"]) > int(headers["X-Grafana-Alerting-Timestamp"]) + 300


def test_replay_is_refused_by_another_copy_of_the_function(deployed: Deployed, handler: Any) -> None:
    body = BODY.encode() + b"\n"
    headers = deployed.sign(body)

    assert handler(as_event("POST", body, headers), Context())["statusCode"] == 202
    assert deployed.post(body, headers) == 401


def test_two_hundred_bad_requests_to_the_url_change_nothing(deployed: Deployed) -> None:
    before = (deployed.messages().copy(), deployed.items())
    deployed.recorder.actions.clear()

    answers = {deployed.post(body, headers, method) for method, body, headers in (bad(deployed, n) for n in range(200))}

    assert answers == {401}
    assert (deployed.messages(), deployed.items()) == before
    assert deployed.recorder.actions <= {"secretsmanager:GetSecretValue"}


def test_body_too_large_is_refused_by_the_url(deployed: Deployed) -> None:
    before = len(deployed.messages())
    body = b'"' + b"x" * LIMIT + b'"'

    assert deployed.post(body, deployed.sign(body)) == 401
    assert len(deployed.messages()) == before


def test_five_thousand_bad_requests_to_the_handler_read_the_secret_once_and_change_nothing(
    deployed: Deployed, handler: Any
) -> None:
    before = (deployed.messages().copy(), deployed.items())
    deployed.recorder.actions.clear()

    answers = set()
    for number in range(5_000):
        method, body, headers = bad(deployed, number)
        answers.add(handler(as_event(method, body, headers), Context())["statusCode"])

    assert answers == {401}
    assert (deployed.messages(), deployed.items()) == before
    assert deployed.recorder.actions == {"secretsmanager:GetSecretValue"}


def test_url_is_open_to_everybody_by_both_permissions_and_the_second_by_the_url_alone(deployed: Deployed) -> None:
    functions = deployed.aws.client("lambda").list_functions()["Functions"]
    (name,) = [f["FunctionName"] for f in functions if "Ingest" in f["FunctionName"]]
    policy = json.loads(deployed.aws.client("lambda").get_policy(FunctionName=name)["Policy"])
    given = {statement["Action"]: statement.get("Condition") for statement in policy["Statement"]}

    assert set(given) == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
    assert given["lambda:InvokeFunction"] == {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
