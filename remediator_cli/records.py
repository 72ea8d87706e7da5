"""The table as people read it: audit log, incidents and deliveries of one target, each by a query, never by a scan."""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from remediator.adapters.dynamodb import SUMMARIES, DynamoStore
from remediator.audit import Entry, Predecessor
from remediator.state import State, Summary


@dataclass(frozen=True, slots=True)
class Records:
    """One target's records. `client`: a DynamoDB client."""

    client: Any
    table: str
    target: str

    def state(self) -> State:
        """The state. Raises StateError, UnreadableState."""
        return DynamoStore(self.client, self.table, self.target, timedelta(0)).state()

    def log(self, incident: Summary | None = None) -> list[Entry]:
        """The whole audit log, or one incident's part of it, oldest first.

        That part has no gap, and so holds pauses and modes too; it reaches to the log's end while the incident is open,
        else to the notification of its end, if that follows at once.
        """
        if incident:
            return part_of(incident, self.log_around(incident))
        return [_entry(item) for item in self._query(self.target, "LOG#", "LOG#~")]

    def log_around(self, incident: Summary) -> list[Entry]:
        """The same part with one entry before it, and with those after it that hold its end."""
        first, last = (f"LOG#{v:010d}" for v in (incident.first_v - 1, incident.last_v + 1))
        found = [*self._query(self.target, first, last if incident.ended_at else "LOG#~")]
        after = self._query(self.target, f"{last}#", "LOG#~", limit=1) if incident.ended_at else ()
        return [_entry(item) for item in (*found, *after)]

    def newest_entry(self) -> Entry | None:
        """The newest entry of the audit log."""
        newest = self._query(self.target, "LOG#", "LOG#~", forward=False, limit=1)
        return next(map(_entry, newest), None)

    def incident(self, name: str) -> Summary | None:
        """One incident by its id, or the newest whose id begins so; None if there is none."""
        prefix = f"INCIDENT#{name}"
        found = next(iter(self._query(self.target, prefix, f"{prefix}~", forward=False, limit=1)), None)
        return SUMMARIES.validate_json(found["summary"]["S"]) if found else None

    def incidents(self, newest: int = 50, since: datetime | None = None) -> list[Summary]:
        """The newest incidents, newest first; with `since` those opened from then on."""
        first = f"INCIDENT#{since.astimezone(UTC):%Y%m%dT%H%M%SZ}" if since else "INCIDENT#"
        found = self._query(self.target, first, "INCIDENT#~", forward=False, limit=newest)
        return [SUMMARIES.validate_json(item["summary"]["S"]) for item in found]

    def deliveries(self, first: datetime, last: datetime | None = None) -> list[dict[str, Any]]:
        """The delivery records of the UTC days from that of `first` to that of `last`, or of now; oldest first."""
        began, ended = first.astimezone(UTC), (last or datetime.now(UTC)).astimezone(UTC)
        days = [began + timedelta(days=day) for day in range((ended.date() - began.date()).days + 1)]
        return [
            {
                "sent": item["sk"]["S"].split("#")[0],
                "outcome": item["outcome"]["S"],
                "reason": item["reason"]["S"],
                "incident": item.get("incident", {}).get("S"),
                "alarms": [alarm["S"] for alarm in item["alarms"]["L"]],
            }
            for day in days
            for item in self._query(f"{self.target}#DELIVERIES#{day:%Y-%m-%d}", "2", "3")
        ]

    def _query(
        self, partition: str, first: str, last: str, *, forward: bool = True, limit: int | None = None
    ) -> Iterator[Any]:
        """The items of a partition whose sort keys lie from `first` to `last`."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={":pk": {"S": partition}, ":first": {"S": first}, ":last": {"S": last}},
            ScanIndexForward=forward,
            ConsistentRead=True,
            PaginationConfig={"MaxItems": limit, "PageSize": limit} if limit else {},
        )
        for page in pages:
            yield from page["Items"]


def part_of(incident: Summary, log: Iterable[Entry]) -> list[Entry]:
    """The entries that are an incident's part of the log."""
    last = incident.last_v if incident.ended_at else math.inf
    return [entry for entry in log if incident.first_v <= entry.v <= last + (entry.kind == "notified")]


def plain(entry: Entry) -> dict[str, Any]:
    """An entry of the audit log as JSON shows it."""
    return {
        "v": entry.v,
        "at": entry.at,
        "until": entry.until,
        "kind": entry.kind,
        "incident": entry.incident,
        "data": json.loads(entry.data),
        "before": entry.before and asdict(entry.before),
        "hash": entry.hash,
    }


def _entry(item: Any) -> Entry:
    def time(name: str) -> datetime:
        return datetime.fromisoformat(item[name]["S"])

    before = (
        Predecessor(item["before_hash"]["S"], time("before_at"), time("before_until"))
        if "before_hash" in item
        else None
    )
    return Entry(
        v=int(item["sk"]["S"].removeprefix("LOG#")),
        kind=item["kind"]["S"],
        incident=item.get("incident", {}).get("S"),
        at=time("at"),
        until=datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC),
        data=item["data"]["S"],
        before=before,
        hash=item["hash"]["S"],
    )
