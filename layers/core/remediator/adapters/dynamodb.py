"""DynamoDB: head, log, summaries and event records of one target in one table.

Partition `<target>`: `HEAD`, `LOG#<v, 10 digits>`, `INCIDENT#<id>`. Partition `<target>#EVENTS#<day>`: one record per
delivered alarm. No index, no scan. The head's fields that conditions read are attributes; the rest is one JSON string.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import TypeAdapter, ValidationError

from remediator.errors import StateError, UnreadableHead
from remediator.head import FORMAT, Change, Entry, Head, Summary, stamp
from remediator.outcome import Event, Outcome, supersedes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

HEADS = TypeAdapter(Head)
SUMMARIES = TypeAdapter(Summary)
# Answers after which the write may or may not have happened, or somebody else was first: the head tells.
ASK_THE_HEAD = frozenset(
    {
        "TransactionCanceledException",
        "TransactionConflictException",
        "TransactionInProgressException",
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
        "InternalServerError",
        "ServiceUnavailable",
        "500",
        "503",
    }
)


class DynamoStore:
    """The store of one target. `keep`: how long everything but the head is kept."""

    def __init__(self, client: "DynamoDBClient", table: str, target: str, keep: timedelta) -> None:
        self._client = client
        self._table = table
        self._target = target
        self._keep = keep
        self._seen: Head | None = None

    def seen(self) -> Head:
        return self._seen or self.head()

    def head(self) -> Head:
        try:
            found = self._client.get_item(TableName=self._table, Key=self._key("HEAD"), ConsistentRead=True).get("Item")
        except (ClientError, BotoCoreError) as error:
            raise StateError(f"the head can't be read: {named(error)}") from None
        self._seen = _read(found) if found else Head()
        return self._seen

    def commit(self, seen: Head, change: Change) -> Head | None:
        items = [self._entry(entry) for entry in change.entries]
        items.append({"Update": self._update(seen, change.new, change.unless_woken_after)})
        if change.summary:
            items.append({"Put": {"TableName": self._table, "Item": self._summary(change.summary)}})
        try:
            self._client.transact_write_items(TransactItems=items)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ASK_THE_HEAD:
                raise StateError(f"the head can't be written: {named(error)}") from None
        except BotoCoreError:
            pass  # a time-out or a lost connection: the write may have happened, the head tells
        else:
            self._seen = change.new
            return change.new
        current = self.head()
        return replace(change.new, last_wake=current.last_wake) if current.hash == change.new.hash else None

    def join(self, owner: str, sent: datetime) -> bool:
        try:
            self._client.update_item(
                TableName=self._table,
                Key=self._key("HEAD"),
                UpdateExpression="SET last_wake = :sent",
                ConditionExpression="#owner = :owner AND (attribute_not_exists(last_wake) OR last_wake < :sent)",
                ExpressionAttributeNames={"#owner": "owner"},
                ExpressionAttributeValues={":owner": {"S": owner}, ":sent": {"S": stamp(sent)}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                # Our wake is no news where another copy was noted first, as long as the owner is still there.
                item: Any = error.response.get("Item", {})
                return bool(item.get("owner") == {"S": owner})
            if error.response["Error"]["Code"] in ASK_THE_HEAD:
                return False
            raise StateError(f"the wake can't be noted: {named(error)}") from None
        except BotoCoreError as error:
            raise StateError(f"the wake can't be noted: {named(error)}") from None
        return True

    def record(self, event: Event) -> None:
        ending = event.ending
        item: dict[str, Any] = {
            "pk": {"S": f"{self._target}#EVENTS#{event.sent:%Y-%m-%d}"},
            "sk": {"S": f"{stamp(event.sent)}#{event.owner}"},
            "verdict": {"S": event.verdict},
            "alarms": {"L": [{"S": alarm} for alarm in event.alarms]},
            "outcome": {"S": ending.outcome},
            "reason": {"S": ending.reason},
            **({"incident": {"S": ending.incident}} if ending.incident else {}),
            **self._expiry(event.sent),
        }
        replaceable = {f":{known}": {"S": known} for known in Outcome if supersedes(event, known)}
        try:
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression=f"attribute_not_exists(pk) OR outcome IN ({', '.join(replaceable)})",
                ExpressionAttributeValues=replaceable,
            )
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and named(error).endswith("ConditionalCheckFailedException"):
                return  # what is on record says more
            raise StateError(f"the event can't be recorded: {named(error)}") from None

    def _key(self, sort: str) -> dict[str, Any]:
        return {"pk": {"S": self._target}, "sk": {"S": sort}}

    def _expiry(self, at: datetime) -> dict[str, Any]:
        return {"expires_at": {"N": str(int((at + self._keep).timestamp()))}}

    def _entry(self, entry: Entry) -> "TransactWriteItemTypeDef":
        item = {
            **self._key(f"LOG#{entry.v:010d}"),
            "kind": {"S": entry.kind},
            "at": {"S": stamp(entry.at)},
            "data": {"S": entry.data},
            "hash": {"S": entry.hash},
            **({"incident": {"S": entry.incident}} if entry.incident else {}),
            **self._expiry(entry.at),
        }
        return {
            "Put": {
                "TableName": self._table,
                "Item": item,
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def _summary(self, summary: Summary) -> dict[str, Any]:
        return {
            **self._key(f"INCIDENT#{summary.id}"),
            "outcome": {"S": summary.outcome or "OPEN"},
            "summary": {"S": SUMMARIES.dump_json(summary).decode()},
            **self._expiry(summary.opened_at),
        }

    def _update(self, seen: Head, new: Head, unless_woken_after: datetime | None) -> Any:
        """Write the whole head but `last_wake`, which belongs to those who join."""
        lease = new.incident.lease if new.incident else None
        plain = replace(new, last_wake=None)
        values: dict[str, Any] = {
            ":v": {"N": str(new.v)},
            ":hash": {"S": new.hash},
            ":format": {"N": str(FORMAT)},
            ":state": {"S": HEADS.dump_json(plain, exclude_defaults=True).decode()},
        }
        sets = "v = :v, #hash = :hash, #format = :format, #state = :state"
        condition = "attribute_not_exists(pk)"
        if seen.v:
            values[":seen"] = {"N": str(seen.v)}
            condition = "v = :seen"
        if unless_woken_after:
            values[":latest"] = {"S": stamp(unless_woken_after)}
            condition += " AND (attribute_not_exists(last_wake) OR last_wake <= :latest)"
        if lease:
            values[":owner"] = {"S": lease.owner}
            owner = ", #owner = :owner"
        else:
            owner = " REMOVE #owner"
        return {
            "TableName": self._table,
            "Key": self._key("HEAD"),
            "UpdateExpression": f"SET {sets}{owner}",
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {
                "#hash": "hash",
                "#format": "format",
                "#state": "state",
                "#owner": "owner",
            },
            "ExpressionAttributeValues": values,
        }


def named(error: Exception) -> str:
    """An AWS error by its code, or by its kind: its text may hold what was sent."""
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {error.response['Error']['Code']}"
    return type(error).__name__


def _read(item: Mapping[str, Any]) -> Head:
    found = item.get("format", {}).get("N")
    if found != str(FORMAT):
        raise UnreadableHead(f"the head is of format {found}, this version knows {FORMAT}")
    try:
        head = HEADS.validate_json(item["state"]["S"])
        wake = item.get("last_wake", {}).get("S")
        return replace(head, last_wake=datetime.fromisoformat(wake) if wake else None)
    except (ValidationError, KeyError, TypeError, ValueError):
        raise UnreadableHead("the head is there and can't be read") from None
