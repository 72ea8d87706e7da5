"""The notification as the local AWS's SNS delivers it, protocol by protocol."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any

import pytest

from remediator.adapters.sns import SnsNotifier
from remediator.notifications import full_text
from remediator.outcome import Outcome
from remediator.state import Notification
from remediator_cli.queues import received
from simulator.local_aws import REGION, LocalAws
from tests.support.chat_schema import CustomNotification
from tests.support.outcomes import played

NAME, STACK = "orders “fail” <!here> *è* https://factory.test/x", "pizza-remediator"
SECONDS = 30  # for what comes by a thread of the local AWS


@pytest.fixture
def endpoint() -> Iterator[tuple[str, Queue[dict[str, Any]]]]:
    """A URL that confirms its subscription as Amazon Q's does, and what was posted to it."""
    posted: Queue[dict[str, Any]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            posted.put(body)

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", posted
    server.shutdown()
    thread.join()
    server.server_close()


def make_queue(aws: LocalAws, topic: str, name: str) -> str:
    """A queue that gets what the topic delivers to queues, as it is."""
    url: str = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:000000000000:{name}"
    raw = {"RawMessageDelivery": "true"}
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
    return url


def bodies(aws: LocalAws, url: str) -> list[str]:
    return [each["Body"] for batch in received(aws.client("sqs"), url) for each in batch]


def send(aws: LocalAws, topic: str, notification: Notification) -> dict[str, str]:
    """Send it by the real adapter. Returns what was handed to Publish, by protocol."""
    client, handed = aws.client("sns"), []
    client.meta.events.register("provide-client-params.sns.Publish", lambda params, **_: handed.append(params))
    SnsNotifier(client, topic, STACK, REGION).send(notification)
    assert handed[0]["MessageStructure"] == "json"
    return dict(json.loads(handed[0]["Message"]))


@pytest.mark.parametrize("outcome", [Outcome.HEALED, Outcome.OBSERVED])
def test_queues_get_the_mails_text_and_an_https_subscription_gets_what_amazon_q_takes(
    aws: LocalAws, endpoint: tuple[str, Queue[dict[str, Any]]], outcome: Outcome
) -> None:
    sns, (url, posted) = aws.client("sns"), endpoint
    topic = sns.create_topic(Name=f"each-form-{outcome}")["TopicArn"]
    queue = make_queue(aws, topic, f"mail-{outcome}")
    sns.subscribe(TopicArn=topic, Protocol="https", Endpoint=url)
    for protocol, to in (("email", "on-call@example.com"), ("sms", "+15555550100")):
        sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=to)
    sns.confirm_subscription(TopicArn=topic, Token=posted.get(timeout=SECONDS)["Token"])
    notification = played(outcome, name=NAME).notifier.sent[-1]

    handed = send(aws, topic, notification)

    text = full_text(notification, STACK, REGION)
    assert bodies(aws, queue) == [text] == [handed.get("email", handed["default"])]
    arrived = posted.get(timeout=SECONDS)
    assert arrived["Message"] == handed["https"]
    assert arrived["Subject"] == notification.subject
    CustomNotification.model_validate_json(arrived["Message"])


def test_queue_for_each_protocol_holds_its_form(aws: LocalAws) -> None:
    """The local AWS delivers no mail and no SMS: what SNS would choose for each goes into a queue of its own."""
    sns = aws.client("sns")
    notification = played(Outcome.NO_LINK, name=NAME).notifier.sent[-1]
    handed = send(aws, sns.create_topic(Name="handed")["TopicArn"], notification)
    arrived: dict[str, str] = {}

    for protocol in ("email", "sms", "https"):
        topic = sns.create_topic(Name=f"only-{protocol}")["TopicArn"]
        queue = make_queue(aws, topic, f"only-{protocol}")
        form = handed.get(protocol, handed["default"])  # as Publish's MessageStructure says
        sns.publish(TopicArn=topic, Message=json.dumps({"default": form}), MessageStructure="json")
        (arrived[protocol],) = bodies(aws, queue)

    assert arrived["email"] == full_text(notification, STACK, REGION)
    assert "“fail”" in arrived["email"]
    assert arrived["sms"] == f"{notification.subject.rpartition(' ')[0]}. {notification.ask} {notification.id[:21]}"
    assert "“fail”" in CustomNotification.model_validate_json(arrived["https"]).content.description
