"""A queue, read to its end."""

from collections.abc import Iterator
from typing import Any

# Without a wait SQS asks some of its servers, and says nothing of what lies on the others. Any wait asks all of them:
# the shortest, since an empty queue takes that long (SQS developer guide, "Amazon SQS short and long polling").
WAIT_SECONDS = 1


def received(queues: Any, url: str, hidden: int = 30) -> Iterator[list[dict[str, Any]]]:
    """The messages as they come, up to ten at a time, until a wait brings none. Hidden from others for that long."""
    asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": WAIT_SECONDS, "VisibilityTimeout": hidden}
    while got := queues.receive_message(**asked).get("Messages"):
        yield got
