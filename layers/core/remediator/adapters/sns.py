"""SNS: the notification topic, and the alarm topic."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from remediator.adapters.aws import error_code
from remediator.errors import NotificationError, PublishError
from remediator.notifications import write_message
from remediator.state import Notification

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

LONGEST_SUBJECT = 100  # characters, says SNS's Publish


class SnsNotifier:
    """Notifies by a topic, in the name of a stack in a region."""

    def __init__(self, client: "SNSClient", topic_arn: str, stack: str, region: str) -> None:
        self._client = client
        self._topic = topic_arn
        self._stack, self._region = stack, region

    def send(self, notification: Notification) -> None:
        try:
            message = write_message(notification, self._stack, self._region)
            subject = notification.subject[:LONGEST_SUBJECT]
            self._client.publish(TopicArn=self._topic, Subject=subject, Message=message, MessageStructure="json")
        except (ClientError, BotoCoreError) as error:
            raise NotificationError(f"{notification.id}: {error_code(error)}") from None


class SnsAlarmTopic:
    """Hands alarms to the alarm topic, as they came."""

    def __init__(self, client: "SNSClient", topic_arn: str) -> None:
        self._client = client
        self._topic = topic_arn

    def publish(self, text: str) -> None:
        """Raises PublishError."""
        try:
            self._client.publish(TopicArn=self._topic, Message=text)
        except (ClientError, BotoCoreError) as error:
            raise PublishError(f"the alarm can't be published: {error_code(error)}") from None
