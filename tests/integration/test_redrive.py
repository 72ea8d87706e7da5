"""Dead letters in real queues: listed, and sent to the alarm topic again."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from remediator_cli import stack as stacks
from remediator_cli.main import main
from remediator_cli.queues import received
from remediator_cli.redrive import QUEUES, _again, dead_letters
from remediator_cli.stack import Stack
from simulator.local_aws import REGION, LocalAws
from simulator.paths import ROOT
from tests.support.builders import alarm

NOTE = {"Type": "Notification", "Subject": "OrdersFailing", "Message": "orders fail", "MessageId": "m-1"}


@pytest.fixture
def stack(aws: LocalAws) -> Stack:
    """A stack's queues and topic, with a queue subscribed to the topic. The queues are empty."""
    queues, topics = aws.client("sqs"), aws.client("sns")
    urls = {name: queues.create_queue(QueueName=f"redrive-{name}")["QueueUrl"] for name in (*QUEUES, "heard")}
    for url in urls.values():
        queues.purge_queue(QueueUrl=url)
    arn = queues.get_queue_attributes(QueueUrl=urls["heard"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = topics.create_topic(Name="redrive")["TopicArn"]
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    session = boto3.Session("test", "test", region_name=REGION)
    return Stack("redrive", session, {**urls, "AlarmTopicArn": topic}, {}, aws.url)


def send(stack: Stack, queue: str, *letters: dict[str, Any]) -> None:
    for letter in letters:
        stack.client("sqs").send_message(QueueUrl=stack.outputs[queue], MessageBody=json.dumps(letter))


def bodies(stack: Stack, queue: str) -> list[str]:
    """What can be received from it now."""
    batches = received(stack.client("sqs"), stack.outputs[queue])
    return [message["Body"] for batch in batches for message in batch]


def short_sighted(stack: Stack) -> Stack:
    """The same stack where SQS does its worst: asked without a wait it looks where nothing lies."""

    def some_servers(params: Any, **_: object) -> tuple[Any, Any] | None:
        waits = json.loads(params["body"]).get("WaitTimeSeconds", 0)
        return None if waits else (SimpleNamespace(status_code=200), {"ResponseMetadata": {}})

    session = boto3.Session("test", "test", region_name=REGION)
    session.events.register("before-call.sqs.ReceiveMessage", some_servers)
    return replace(stack, session=session)


def test_letters_of_both_shapes_are_sent_again_and_leave_their_queues(stack: Stack) -> None:
    send(stack, QUEUES[0], NOTE)
    send(stack, QUEUES[1], {"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": alarm()})

    with dead_letters(stack) as letters:
        assert len(letters) == 2
        for letter in tuple(letters):
            _again(stack, letter)
            letters.remove(letter)

    assert sorted(bodies(stack, "heard")) == sorted(["orders fail", alarm()["Records"][0]["Sns"]["Message"]])
    assert [bodies(stack, queue) for queue in QUEUES] == [[], []]


def test_letter_that_cannot_be_published_is_told_and_the_others_are_sent(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = NOTE | {"Message": "x" * (256 * 1024 + 1), "Subject": "too large"}
    half = NOTE | {"Message": "half a character: \ud800"}
    send(stack, QUEUES[0], NOTE, refused, half, NOTE)
    monkeypatch.setattr(stacks, "find", lambda *_: stack)

    done = CliRunner().invoke(main, ["redrive", "--yes"])

    assert done.exit_code == 1
    assert done.stderr.count("not sent, it stays in DeadLetterQueue: ") == 2
    assert "sent 2 again" in done.stderr
    assert bodies(stack, "heard") == ["orders fail"] * 2
    assert len(bodies(stack, QUEUES[0])) == 2, "both are there for the next at once"


def test_all_letters_are_found_if_asking_without_a_wait_shows_none(stack: Stack) -> None:
    send(stack, QUEUES[0], *[NOTE] * 11)
    send(stack, QUEUES[1], NOTE)
    url, doubtful = stack.outputs[QUEUES[0]], short_sighted(stack)
    assert "Messages" not in doubtful.client("sqs").receive_message(QueueUrl=url)

    with dead_letters(doubtful) as letters:
        assert len(letters) == 12


def test_what_was_shown_and_not_sent_can_be_received_again_at_once_however_it_ended(stack: Stack) -> None:
    send(stack, QUEUES[0], *[NOTE] * 11)
    send(stack, QUEUES[1], NOTE)

    def interrupted() -> None:
        with dead_letters(stack) as letters:
            assert bodies(stack, QUEUES[0]) == []
            letters.remove(next(letter for letter in letters if letter.queue == QUEUES[1]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert len(bodies(stack, QUEUES[0])) == 11
    assert bodies(stack, QUEUES[1]) == [], "its letter went, as if it had been sent"


def test_queues_are_read_in_one_place_which_waits() -> None:
    folders = ("remediator_cli", "simulator", "tests", "benchmarks", "layers")
    sources = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    asking = {file.relative_to(ROOT).as_posix() for file in sources if ".receive_message(" in file.read_text()}

    warns = "tests/integration/test_redrive.py"  # it does once what it warns of
    assert asking == {"remediator_cli/queues.py", warns}
