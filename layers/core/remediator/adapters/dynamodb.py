"""DynamoDB: state, audit log, summaries and delivery records of one target in one table.

Partition `<target>`: `HEAD` (the state), `LOG#<v, 10 digits>`, `INCIDENT#<id>`. Partition `<target>#DELIVERIES#<day>`:
one record per delivered alarm. No index, no scan. What conditions read of the state are attributes of their own; the
rest is one JSON string.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import TypeAdapter, ValidationError

from remediator.adapters.aws import error_code
from remediator.audit import Entry, format_timestamp
from remediator.errors import StateError, UnreadableState
from remediator.outcome import DeliveryRecord, Outcome, supersedes
from remediator.state import FORMAT, Change, State, Summary

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

STATES = TypeAdapter(State)
SUMMARIES = TypeAdapter(Summary)
UNWRITTEN = {"last_trigger", "keep"}
# Answers after which the write may or may not have happened, or somebody else was first: the state tells.
ASK_THE_STATE = frozenset(
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
    """The store of one target. `keep`: how long everything but the state is kept."""

    def __init__(self, client: "DynamoDBClient", table: str, target: str, keep: timedelta) -> None:
        self._client = client
        self._table = table
        self._target = target
        self._keep = keep

    def state(self) -> State:
        try:
            found = self._client.get_item(TableName=self._table, Key=self._key("HEAD"), ConsistentRead=True).get("Item")
        except (ClientError, BotoCoreError) as error:
            raise StateError(f"the state can't be read: {error_code(error)}") from None
        return replace(_read(found) if found else State(), keep=self._keep)

    def commit(self, seen: State, change: Change) -> State | None:
        items = [self._entry(entry) for entry in change.entries]
        items.append({"Update": self._update(seen, change.new, change.unless_triggered_after)})
        if change.summary:
            items.append({"Put": {"TableName": self._table, "Item": self._summary(change.summary)}})
        try:
            self._client.transact_write_items(TransactItems=items)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ASK_THE_STATE:
                raise StateError(f"the state can't be written: {error_code(error)}") from None
        except BotoCoreError:
            pass  # a time-out or a lost connection: the write may have happened, the state tells
        else:
            return change.new
        current = self.state()
        return replace(change.new, last_trigger=current.last_trigger) if current.hash == change.new.hash else None

    def join(self, holder: str, sent: datetime) -> bool:
        try:
            self._client.update_item(
                TableName=self._table,
                Key=self._key("HEAD"),
                UpdateExpression="SET last_trigger = :sent",
                ConditionExpression="holder = :holder AND (attribute_not_exists(last_trigger) OR last_trigger < :sent)",
                ExpressionAttributeValues={":holder": {"S": holder}, ":sent": {"S": format_timestamp(sent)}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                # Our alarm is no news if another copy was noted first, as long as the holder is still there.
                item: Any = error.response.get("Item", {})
                return bool(item.get("holder") == {"S": holder})
            if error.response["Error"]["Code"] in ASK_THE_STATE:
                return False
            raise StateError(f"the alarm can't be noted: {error_code(error)}") from None
        except BotoCoreError as error:
            raise StateError(f"the alarm can't be noted: {error_code(error)}") from None
        return True

    def record(self, record: DeliveryRecord) -> None:
        result = record.result
        item: dict[str, Any] = {
            "pk": {"S": f"{self._target}#DELIVERIES#{record.sent:%Y-%m-%d}"},
            "sk": {"S": f"{format_timestamp(record.sent)}#{record.holder}"},
            "verdict": {"S": record.verdict},
            "alarms": {"L": [{"S": alarm} for alarm in record.alarms]},
            "outcome": {"S": result.outcome},
            "reason": {"S": result.reason},
            **({"incident": {"S": result.incident}} if result.incident else {}),
            **_expiry(record.sent + self._keep),
        }
        replaceable = {f":{known}": {"S": known} for known in Outcome if supersedes(record, known)}
        try:
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression=f"attribute_not_exists(pk) OR outcome IN ({', '.join(replaceable)})",
                ExpressionAttributeValues=replaceable,
            )
        except (ClientError, BotoCoreError) as error:
            if error_code(error).endswith("ConditionalCheckFailedException"):
                return  # what is on record says more
            raise StateError(f"the delivery can't be recorded: {error_code(error)}") from None

    def _key(self, sort: str) -> dict[str, Any]:
        return {"pk": {"S": self._target}, "sk": {"S": sort}}

    def _entry(self, entry: Entry) -> "TransactWriteItemTypeDef":
        before = entry.before
        item = {
            **self._key(f"LOG#{entry.v:010d}"),
            "kind": {"S": entry.kind},
            "at": {"S": format_timestamp(entry.at)},
            "data": {"S": entry.data},
            "hash": {"S": entry.hash},
            **({"incident": {"S": entry.incident}} if entry.incident else {}),
            **_expiry(entry.until),
        }
        if before:
            told = (before.hash, format_timestamp(before.at), format_timestamp(before.until))
            item |= {f"before_{name}": {"S": text} for name, text in zip(("hash", "at", "until"), told, strict=True)}
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
            **_expiry(summary.opened_at + self._keep),
        }

    def _update(self, seen: State, new: State, unless_triggered_after: datetime | None) -> Any:
        """Write the whole state but `last_trigger`, which belongs to those who join, and `keep`, which is ours."""
        values: dict[str, Any] = {
            ":v": {"N": str(new.v)},
            ":hash": {"S": new.hash},
            ":format": {"N": str(FORMAT)},
            ":state": {"S": STATES.dump_json(new, exclude=UNWRITTEN, exclude_defaults=True).decode()},
        }
        condition = "attribute_not_exists(pk)"
        if seen.v:
            values[":seen"] = {"N": str(seen.v)}
            condition = "v = :seen"
        if unless_triggered_after:
            values[":latest"] = {"S": format_timestamp(unless_triggered_after)}
            condition += " AND (attribute_not_exists(last_trigger) OR last_trigger <= :latest)"
        holder = " REMOVE holder"
        if new.check:
            values[":holder"] = {"S": new.check.lease.holder}
            holder = ", holder = :holder"
        return {
            "TableName": self._table,
            "Key": self._key("HEAD"),
            "UpdateExpression": f"SET v = :v, #hash = :hash, #format = :format, #state = :state{holder}",
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#hash": "hash", "#format": "format", "#state": "state"},
            "ExpressionAttributeValues": values,
        }


def _expiry(at: datetime) -> dict[str, Any]:
    return {"expires_at": {"N": str(int(at.timestamp()))}}


def _read(item: Mapping[str, Any]) -> State:
    found = item.get("format", {}).get("N")
    if found != str(FORMAT):
        raise UnreadableState(f"the state is of format {found}, this version knows {FORMAT}")
    try:
        state = STATES.validate_json(item["state"]["S"])
        last = item.get("last_trigger", {}).get("S")
        return replace(state, last_trigger=datetime.fromisoformat(last) if last else None)
    except (ValidationError, KeyError, TypeError, ValueError):
        raise UnreadableState("the state is there and can't be read") from None
