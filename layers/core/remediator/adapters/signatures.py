"""DynamoDB: signatures of webhooks that were accepted, in the partition `<target>#WEBHOOKS` of the stack's table."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from remediator.adapters.dynamodb import named
from remediator.errors import StateError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoSignatures:
    """Notes each signature once, whichever copy of the function it reaches."""

    def __init__(self, client: "DynamoDBClient", table: str, target: str) -> None:
        self._client = client
        self._table = table
        self._partition = f"{target}#WEBHOOKS"

    def note(self, fingerprint: str, until: datetime) -> bool:
        by = {"S": uuid4().hex}  # the client may try again after a lost answer: its own note is no replay
        item = {**self._key(fingerprint), "by": by, "expires_at": {"N": str(int(until.timestamp()))}}
        try:
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(pk) OR #by = :by",
                ExpressionAttributeNames={"#by": "by"},
                ExpressionAttributeValues={":by": by},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        except (ClientError, BotoCoreError) as error:
            raise StateError(f"the signature can't be noted: {named(error)}") from None
        return True

    def forget(self, fingerprint: str) -> None:
        try:
            self._client.delete_item(TableName=self._table, Key=self._key(fingerprint))
        except (ClientError, BotoCoreError) as error:
            raise StateError(f"the signature can't be forgotten: {named(error)}") from None

    def _key(self, fingerprint: str) -> dict[str, Any]:
        return {"pk": {"S": self._partition}, "sk": {"S": fingerprint}}
