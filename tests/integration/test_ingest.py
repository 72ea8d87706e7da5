"""The deployed ingest: its URL, its secret, the alarm topic behind it."""

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import yaml

from remediator.alarms import read
from remediator.webhook import LIMIT
from remediator_cli.queues import received
from remediator_cli.waiting import poll
from simulator.local_aws import LocalAws, build
from simulator.recorder import Recorder
from simulator.shop import Shop, Word
from tests.support.builders import sns
from tests.support.replay import Visitor
from tests.unit.alarms import senders

STACK = "ingested"
BODY = json.dumps({"receiver": "r", "status": "firing", "alerts": [{"status": "firing", "labels": {"a": "b"}}]})
TOO_LARGE = b'"' + b"x" * LIMIT + b'"'


@dataclass
class Deployed:
    """Our stack with ingest on, a queue in the remediator's place, and what a webhook could change."""

    aws: LocalAws
    recorder: Recorder
    outputs: dict[str, str]
    queue: str
    secret: bytes
    heard: list[str] = field(default_factory=list)

    def messages(self) -> list[str]:
        """Everything that the alarm topic ever got."""
        queues = self.aws.client("sqs")
        for batch in received(queues, self.queue):
            for message in batch:
                self.heard.append(message["Body"])
                queues.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return self.heard

    def post(self, body: bytes, headers: dict[str, str], method: str = "POST") -> int:
        """The status that the URL answers with; the local AWS finds a function by the URL's host."""
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
        signed_at = str(int(time.time()) - seconds_ago)
        signature = hmac.new(self.secret, signed_at.encode() + b":" + body, hashlib.sha256).hexdigest()
        return {"X-Grafana-Alerting-Timestamp": signed_at, "X-Grafana-Alerting-Signature": signature}

    def bear(self, body: bytes = b"") -> dict[str, str]:
        """The custom headers that docs/wiring.md names."""
        return self.fill(senders.documented('{"Authorization"'))

    def bear_by_alertmanager(self, body: bytes = b"") -> dict[str, str]:
        """The header that Alertmanager makes of the configuration in docs/wiring.md."""
        (receiver,) = yaml.safe_load(senders.documented("receivers:\n  - name: pizza-remediator\n    webhook"))[
            "receivers"
        ]
        chosen = receiver["webhook_configs"][0]["http_config"]["authorization"]
        return self.fill(json.dumps({"Authorization": f"{chosen['type']} {chosen['credentials']}"}))

    def fill(self, headers: str) -> dict[str, str]:
        given = self.secret.decode()  # not JSON's signs alone: the local AWS puts others into it, too
        return {name: value.replace("<secret>", given) for name, value in json.loads(headers).items()}


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
            "NotificationEmail": "on-call@example.com",
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


def bad(deployed: Deployed, number: int) -> tuple[str, bytes, dict[str, str]]:
    """A request that must be refused: method, body, headers; each kind in turn."""
    body = BODY.encode() + b" " * (number % 50)
    good, bearing = deployed.sign(body), deployed.bear()
    kinds: list[tuple[str, bytes, dict[str, str]]] = [
        ("POST", body + b" ", good),
        ("POST", body, deployed.sign(body, seconds_ago=301 + number)),
        *(("POST", body, {name: value}) for name, value in good.items()),
        ("POST", body, {**good, "X-Grafana-Alerting-Signature": "0" * 64}),
        ("POST", body, {}),
        ("PUT", body, good),
        ("PUT", body, bearing),
        ("POST", body, {**good, **bearing}),
        ("POST", body, {"Authorization": bearing["Authorization"][:-1]}),
        ("POST", body, {"Authorization": bearing["Authorization"].replace("Bearer", "Basic")}),
        ("DELETE", b"", good),
        ("POST", TOO_LARGE, deployed.sign(TOO_LARGE)),
    ]
    return kinds[number % len(kinds)]


@pytest.mark.parametrize(
    ("sender", "prove"),
    [
        (senders.grafana_webhook, Deployed.sign),
        (senders.grafana_webhook, Deployed.bear),
        (senders.oncall, Deployed.bear),  # Grafana IRM and Grafana OnCall
        (senders.alertmanager_webhook, Deployed.bear_by_alertmanager),
        (senders.datadog, Deployed.bear),
        (senders.datadog_default, Deployed.bear),
        (senders.uptime_kuma, Deployed.bear),
        (senders.uptimerobot, Deployed.bear),
        (senders.better_stack, Deployed.bear),
        (senders.shop, Deployed.bear),
    ],
)
def test_each_senders_webhook_triggers_as_it_came_by_one_proof_that_is_right_and_no_other(
    deployed: Deployed, sender: senders.Sender, prove: Callable[[Deployed, bytes], dict[str, str]]
) -> None:
    body = sender(True, {"alertname": "OrdersFailing"}, senders.NOTES)
    sent = body.encode()
    wrong = {name: value[:-1] + "é" for name, value in prove(deployed, sent).items()}
    before = len(deployed.messages())

    assert deployed.post(sent, wrong) == 401
    assert deployed.post(sent, {}) == 401
    assert deployed.post(sent, deployed.sign(sent) | deployed.bear()) == 401
    assert deployed.messages()[before:] == []
    assert deployed.post(sent, prove(deployed, sent)) == 202
    assert deployed.messages()[before:] == [body]
    (delivery,) = read(sns(body))
    assert (delivery.verdict, delivery.alarms[0].name) == ("trigger", "OrdersFailing")


@pytest.mark.parametrize("kind", ["fail", "badjwt", "throttle"])
def test_the_shops_first_failed_order_triggers_by_three_hops_and_is_answered_before_any(
    deployed: Deployed, kind: str
) -> None:
    word = Word(f"{deployed.aws.url}/", deployed.secret.decode(), host=urlsplit(deployed.outputs["IngestUrl"]).netloc)
    before = len(deployed.messages())
    deployed.recorder.actions.clear()

    with Shop(slow_seconds=0, word=word) as shop:
        diner = Visitor(shop)
        assert diner.place().ok
        shop.chaos(kind)
        placed = [diner.place().status_code for _ in range(2)]
        done = next((True for _ in poll(60, every=0.05) if not word.posts), False)

    assert (placed, done) == ([500 if kind == "fail" else 200] * 2, True)
    # The shop's POST, ingest's publish, and the topic's delivery, which the queue takes in the remediator's place.
    assert deployed.recorder.actions - {"secretsmanager:GetSecretValue"} == {"sns:Publish"}
    (message,) = deployed.messages()[before:]
    (delivery,) = read(sns(message))
    assert (delivery.verdict, delivery.alarms[0].source, json.loads(message)["link"]) == ("trigger", "shop", True)


def test_two_hundred_bad_requests_publish_nothing_and_ask_aws_for_the_secret_alone(deployed: Deployed) -> None:
    before = deployed.messages().copy()
    deployed.recorder.actions.clear()

    answers = {deployed.post(body, headers, method) for method, body, headers in (bad(deployed, n) for n in range(200))}

    assert answers == {401}
    assert deployed.messages() == before
    assert deployed.recorder.actions <= {"secretsmanager:GetSecretValue"}


def test_the_url_is_open_to_everybody_by_both_permissions_and_the_second_by_the_url_alone(deployed: Deployed) -> None:
    functions = deployed.aws.client("lambda").list_functions()["Functions"]
    (name,) = [f["FunctionName"] for f in functions if "Ingest" in f["FunctionName"]]
    policy = json.loads(deployed.aws.client("lambda").get_policy(FunctionName=name)["Policy"])
    given = {statement["Action"]: statement.get("Condition") for statement in policy["Statement"]}

    assert set(given) == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
    assert given["lambda:InvokeFunction"] == {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
