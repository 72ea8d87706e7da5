"""The table as people read it: log, incidents and events of one target, each by a query, never by a scan."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from remediator.adapters.dynamodb import SUMMARIES, DynamoStore
from remediator.head import Entry, Head, Summary, chained


@dataclass(frozen=True, slots=True)
class Records:
    """One target's records. `client`: a DynamoDB client."""

    client: Any
    table: str
    target: str

    def head(self) -> Head:
        """The head. Raises StateError, UnreadableHead."""
        return DynamoStore(self.client, self.table, self.target, timedelta(0)).head()

    def log(self, incident: Summary | None = None) -> list[Entry]:
        """The whole log, or one incident's part of it, oldest first."""
        if incident is None:
            return [_entry(item) for item in self._query(self.target, "LOG#")]
        found = self._query(self.target, "LOG#", between=(incident.first_v, incident.last_v))
        return [entry for entry in map(_entry, found) if entry.incident == incident.id]

    def incident(self, name: str) -> Summary | None:
        """One incident by its id, or by how that begins; None where there is none."""
        found = next(iter(self._query(self.target, f"INCIDENT#{name}", limit=1)), None)
        return SUMMARIES.validate_json(found["summary"]["S"]) if found else None

    def incidents(self, newest: int = 50) -> list[Summary]:
        """The newest incidents, newest first."""
        found = self._query(self.target, "INCIDENT#", forward=False, limit=newest)
        return [SUMMARIES.validate_json(item["summary"]["S"]) for item in found]

    def events(self, day: datetime) -> list[dict[str, Any]]:
        """The event records of one UTC day, oldest first."""
        found = self._query(f"{self.target}#EVENTS#{day.astimezone(UTC):%Y-%m-%d}", "")
        return [
            {
                "sent": item["sk"]["S"].split("#")[0],
                "outcome": item["outcome"]["S"],
                "reason": item["reason"]["S"],
                "incident": item.get("incident", {}).get("S"),
                "alarms": [alarm["S"] for alarm in item["alarms"]["L"]],
            }
            for item in found
        ]

    def _query(
        self,
        partition: str,
        prefix: str,
        *,
        forward: bool = True,
        limit: int | None = None,
        between: tuple[int, int] | None = None,
    ) -> Iterator[Any]:
        condition, values = "pk = :pk", {":pk": {"S": partition}}
        if between:
            condition += " AND sk BETWEEN :first AND :last"
            first, last = (f"{prefix}{v:010d}" for v in between)
            values |= {":first": {"S": first}, ":last": {"S": last}}
        elif prefix:
            condition += " AND begins_with(sk, :prefix)"
            values[":prefix"] = {"S": prefix}
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ScanIndexForward=forward,
            ConsistentRead=True,
            PaginationConfig={"MaxItems": limit, "PageSize": limit} if limit else {},
        )
        for page in pages:
            yield from page["Items"]


def broken(entries: Sequence[Entry]) -> str | None:
    """What is wrong with a log, at its first wrong entry; None where it is whole. Older entries may have expired."""
    for before, entry in zip([None, *entries], entries, strict=False):
        if before and entry.v != before.v + 1:
            return f"entry {entry.v} follows entry {before.v}"
        previous = before.hash if before else ""
        if (before or entry.v == 1) and entry.hash != chained(
            previous, entry.v, entry.kind, entry.incident, entry.at, entry.data
        ):
            return f"entry {entry.v} isn't what was written"
    return None


def plain(entry: Entry) -> dict[str, Any]:
    """A log entry as JSON shows it."""
    return {
        "v": entry.v,
        "at": entry.at.isoformat(timespec="milliseconds"),
        "kind": entry.kind,
        "incident": entry.incident,
        "data": json.loads(entry.data),
        "hash": entry.hash,
    }


def _entry(item: Any) -> Entry:
    return Entry(
        v=int(item["sk"]["S"].removeprefix("LOG#")),
        kind=item["kind"]["S"],
        incident=item.get("incident", {}).get("S"),
        at=datetime.fromisoformat(item["at"]["S"]),
        data=item["data"]["S"],
        hash=item["hash"]["S"],
    )
