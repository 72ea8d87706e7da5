"""Dead letters in real queues: listed, and sent to the alarm topic again."""

import json
from typing import Any

import boto3
import pytest

from console.gameday.local_aws import REGION, LocalAws
from console.redrive import QUEUES, _again, _letters
from console.stack import Stack
from tests.scenes import alarm


@pytest.fixture
def stack(aws: LocalAws) -> Stack:
    """A stack's queues and topic, with a queue that hears what the topic is told."""
    queues, topics = aws.client("sqs"), aws.client("sns")
    urls = {name: queues.create_queue(QueueName=f"redrive-{name}")["QueueUrl"] for name in (*QUEUES, "heard")}
    arn = queues.get_queue_attributes(QueueUrl=urls["heard"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = topics.create_topic(Name="redrive")["TopicArn"]
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    session = boto3.Session("test", "test", region_name=REGION)
    return Stack("redrive", session, {**urls, "AlarmTopicArn": topic}, {}, aws.url)


def received(stack: Stack, queue: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        stack.client("sqs")
        .receive_message(QueueUrl=stack.outputs[queue], MaxNumberOfMessages=10, VisibilityTimeout=0)
        .get("Messages", [])
    )
    return found


def test_letters_of_both_shapes_are_sent_again_and_leave_their_queues(stack: Stack) -> None:
    note = {"Type": "Notification", "Subject": "OrdersFailing", "Message": "orders fail", "MessageId": "m-1"}
    event = {"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": alarm()}
    sqs = stack.client("sqs")
    sqs.send_message(QueueUrl=stack.outputs[QUEUES[0]], MessageBody=json.dumps(note))
    sqs.send_message(QueueUrl=stack.outputs[QUEUES[1]], MessageBody=json.dumps(event))

    letters = [letter for queue in QUEUES for letter in _letters(stack, queue)]
    for letter in letters:
        _again(stack, letter)

    assert len(letters) == 2
    heard = [message["Body"] for message in received(stack, "heard")]
    assert sorted(heard) == sorted(["orders fail", alarm()["Records"][0]["Sns"]["Message"]])
    assert [received(stack, queue) for queue in QUEUES] == [[], []]
