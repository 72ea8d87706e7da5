"""SNS: the people's topic, and the alarm topic."""

from contextlib import suppress
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from remediator.adapters.dynamodb import named
from remediator.errors import MessageError, PublishError
from remediator.head import Message

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

SUBJECT_LIMIT = 100  # characters, says SNS's Publish


class SnsPeople:
    """Tells people by a topic."""

    def __init__(self, client: "SNSClient", topic_arn: str) -> None:
        self._client = client
        self._topic = topic_arn

    def ready(self) -> None:
        with suppress(BotoCoreError):  # telling meets it again, and says so
            self._client.meta.service_model  # noqa: B018 - a late client is made by its first use

    def tell(self, message: Message) -> None:
        try:
            self._client.publish(
                TopicArn=self._topic,
                Subject=message.subject[:SUBJECT_LIMIT],
                Message=message.text,
            )
        except (ClientError, BotoCoreError) as error:
            raise MessageError(f"{message.id}: {named(error)}") from None


class SnsAlarms:
    """Hands alarms that came by webhook to the alarm topic, as they came."""

    def __init__(self, client: "SNSClient", topic_arn: str) -> None:
        self._client = client
        self._topic = topic_arn

    def publish(self, text: str) -> None:
        """Raises PublishError."""
        try:
            self._client.publish(TopicArn=self._topic, Message=text)
        except (ClientError, BotoCoreError) as error:
            raise PublishError(f"the alarm can't be published: {named(error)}") from None
