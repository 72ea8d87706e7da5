"""SNS: the notification topic, and the alarm topic."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from remediator.adapters.aws import error_code
from remediator.errors import NotificationError, PublishError
from remediator.state import Notification

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

LONGEST_SUBJECT = 100  # characters, says SNS's Publish


class SnsNotifier:
    """Notifies by a topic."""

    def __init__(self, client: "SNSClient", topic_arn: str) -> None:
        self._client = client
        self._topic = topic_arn

    def send(self, notification: Notification) -> None:
        try:
            self._client.publish(
                TopicArn=self._topic, Subject=notification.subject[:LONGEST_SUBJECT], Message=notification.text
            )
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
