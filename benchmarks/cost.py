"""What AWS bills: for an incident by what its heal was counted to ask, for an idle month by what the template makes.

Dollars in us-east-1 as of 2026, free tiers left out. A dashboard is free among an account's first three, else $3.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.stubs import RequestRecord
from remediator.endpoints import PROBES

MINUTES: Final = 30 * 24 * 60  # of a month: so often the canary runs
METRICS: Final = len(PROBES) + 1 + 3  # Healthy by endpoint and for the login, Ran, OrderFailed, OrderLatency
REQUEST, GB_SECOND = 0.20 / 1e6, 0.0000166667  # Lambda, x86; the time to start is billed too
READ_UNIT, WRITE_UNIT = 0.125 / 1e6, 0.625 / 1e6  # DynamoDB on demand
PUBLISHED, MAILED = 0.50 / 1e6, 2.00 / 1e5  # SNS
SECRET, SECRET_CALL = 0.40, 0.05 / 1e4
METRIC, ALARM, FAST_ALARM, LOGGED_GB = 0.30, 0.10, 0.30, 0.50  # CloudWatch
SCHEDULED = 1.00 / 1e6


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a bill: so many units at so many dollars."""

    name: str
    units: float
    each: float

    @property
    def dollars(self) -> float:
        return self.units * self.each


WHOLE_CORE = 1769  # megabytes (Lambda developer guide, "Configure Lambda function memory")


@dataclass(frozen=True, slots=True)
class CanaryRun:
    """What a run of the canary was measured to take on a whole core: seconds, those of the processor, bytes of log."""

    seconds: float
    cpu: float
    logged: float

    def billed(self, memory: int) -> float:
        """The seconds that it takes at so many megabytes, which give that share of a core."""
        return self.seconds + self.cpu * max(0.0, WHOLE_CORE / memory - 1)


def incident(asked: Iterable[RequestRecord], seconds: float, memory: int) -> list[Item]:
    """A heal's bill, by all it asked, the `seconds` it was billed for, and the function's megabytes."""
    known = list(asked)
    counts = Counter(record.what for record in known)
    return [
        Item("Lambda, the start included: GB-seconds", seconds * memory / 1024, GB_SECOND),
        Item("Lambda: requests", 1, REQUEST),
        Item("DynamoDB: write units", sum(record.units for record in known), WRITE_UNIT),
        Item("DynamoDB: read units", counts["GetItem"], READ_UNIT),
        Item("Secrets Manager: calls", counts["GetSecretValue"], SECRET_CALL),
        Item("SNS: publishes, the alarm's among them", 1 + counts["Publish"], PUBLISHED),
        Item("SNS: mails", counts["Publish"], MAILED),
    ]


def idle_month(template: Mapping[str, Any], canary: CanaryRun | None) -> list[Item]:
    """A month in which nothing fails, with the canary or without."""
    made = template["Resources"]
    alarms = [
        r["Properties"]
        for r in made.values()
        if r["Type"] == "AWS::CloudWatch::Alarm" and r.get("Condition") != "LoadBalancerNamed"
    ]
    fast = sum(alarm["Period"] < 60 for alarm in alarms)
    silent = made["CanarySilent"]["Properties"] in alarms and canary is None
    bill = [
        Item("secret", 1, SECRET),
        Item("alarms of ten-second resolution", fast, FAST_ALARM),
        Item("other alarms", len(alarms) - fast - silent, ALARM),
    ]
    if canary is None:
        return bill
    memory = made["Canary"]["Properties"]["MemorySize"]
    return [
        *bill,
        Item("canary: metrics", METRICS, METRIC),
        Item("canary: runs", MINUTES, REQUEST + SCHEDULED),
        Item("canary: read units, of the state", MINUTES, READ_UNIT),
        Item("canary: GB-seconds", MINUTES * canary.billed(memory) * memory / 1024, GB_SECOND),
        Item("canary: GB of log", MINUTES * canary.logged / 1e9, LOGGED_GB),
    ]


def total(bill: Iterable[Item]) -> float:
    return sum(item.dollars for item in bill)
