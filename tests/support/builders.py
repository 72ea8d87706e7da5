"""Ready-made parts for tests: answers of the shop, alarms, and a remediator on in-memory adapters."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from remediator import decisions
from remediator.deadline import Deadline
from remediator.decisions import Attempt, Finding, Unchanged
from remediator.endpoints import ORDER
from remediator.errors import Unhealed
from remediator.limits import Limits
from remediator.link_template import read_templates
from remediator.masking import Mask
from remediator.outcome import Outcome, Result
from remediator.pipeline import Remediator
from remediator.report_link import FIELD_NAMES, LinkPolicy
from remediator.sample import Fault, Sample
from remediator.state import Change, State
from remediator.trigger import Trigger
from tests.support.fakes import MemoryFactory, MemoryNotifier, MemoryShop, MemoryStore

BEGAN = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
KEY, CODE = "0123456789abcdef0123456789abcdef", "a1b2c3d4"
SHAPE = "https://factory.test/api/support/{key}/report/{code}"
LINK = f"https://factory.test/api/support/{KEY}/report/{CODE}"
FRESH_LINK = f"https://factory.test/api/support/{KEY}/report/e5f6a7b8"
ELSEWHERE = f"https://elsewhere.test/api/support/{KEY}/report/{CODE}"
TOKEN, PASSWORD = "the-diners-own-token", "margherita-4711"


def answer(status: int, body: object, elapsed: float = 0.02, retry_after: int = 0) -> Sample:
    """An answer with a JSON body."""
    return Sample(BEGAN, elapsed, status, json.dumps(body).encode(), retry_after=retry_after)


def fault(kind: Fault) -> Sample:
    """A request that got no whole answer."""
    return Sample(BEGAN, 1.0, fault=kind)


def failing(link: str = LINK) -> Sample:
    """The 500 of the incident of 2025-04-08."""
    return answer(500, {"message": "Failed to fulfill order at factory", "followLinkToEndChaos": link})


def jwt(header: object, payload: object = None, signature: bytes = b"s") -> str:
    """A token that nobody signed."""
    parts = (json.dumps(header).encode(), json.dumps(payload or {}).encode(), signature)
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


JWT = jwt({"alg": "RS256", "kid": "k1"})
GOOD = answer(200, {"order": {"id": 7}, "jwt": JWT})
LOGIN = answer(200, {"user": {"id": 2}, "token": TOKEN})
UNKNOWN_USER = answer(404, {"message": "unknown user"})
UNAUTHORIZED = answer(401, {"message": "unauthorized"})
RESOLVED = answer(200, {"message": "Problem resolved. Pizza is back on the menu!"})
LIMITED = answer(429, {"message": "Too many requests"}, retry_after=611)
NO_LINK = answer(500, {"message": "Chaos monkey", "stack": "Error: Chaos monkey"})


HOLDER, RUN = "r-1#0", "aaaa1111"
LATER = BEGAN + timedelta(seconds=30)
LEASE_ENDS = BEGAN + timedelta(seconds=125)


def trigger(holder: str = HOLDER, run: str = RUN, sent: datetime = BEGAN, **said: Any) -> Trigger:
    """An alarm that asks for a check, and says that."""
    return Trigger(holder, run, sent, "OrdersFailing", "it fires", **said)


def claim(
    state: State | None = None, by: Trigger | None = None, now: datetime = BEGAN, until: datetime = LEASE_ENDS
) -> Change:
    """A check that begins or continues; by default the first of a target."""
    change = decisions.claim(state or State(), by or trigger(), now, until)
    assert isinstance(change, Change)
    return change


def intend(
    state: State, fingerprint: str = "f00d", *, run: str = RUN, now: datetime = LATER, limits: Limits | None = None
) -> Change | Unchanged:
    """What becomes of a call that a failing sample of that time asks for."""
    attempt = Attempt(
        fingerprint, {"host": "factory.test", "link": fingerprint, "diagnosis": "fail", "evidence": "500"}
    )
    finding = Finding(
        Outcome.UNRESOLVED, "2 of 2 orders: 500, with a report link", now, (ORDER,), (ORDER,), offered=True
    )
    return decisions.intend(state, run, now, limits or Limits(), attempt, finding, {}, gives_way=True)


def finish(
    state: State,
    outcome: Outcome = Outcome.ALREADY_HEALTHY,
    *,
    run: str = RUN,
    began: datetime = LATER,
    now: datetime = LATER,
    gives_way: bool = True,
    failing: tuple[str, ...] = (ORDER,),
    **found: Any,
) -> Change | Unchanged:
    """What becomes of a check that began then and found that; whatever isn't healthy was a failing sample."""
    failed = () if outcome is Outcome.ALREADY_HEALTHY else failing
    finding = Finding(outcome, "as the samples show", began, failed, failing, **found)
    return decisions.finish(state, run, now, finding, {"total": 1}, gives_way=gives_way)


def changed(decided: Change | Unchanged) -> State:
    """The state after a decision that asks for a change."""
    assert isinstance(decided, Change)
    return decided.new


def create_table(client: Any, name: str) -> None:
    """The table of the template, as far as DynamoDB needs to know it."""
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )


class Clock:
    """UTC that moves on by 10 ms each time it is asked."""

    def __init__(self) -> None:
        self.now = BEGAN

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=10)
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Harness:
    """A remediator on in-memory adapters, and what it did."""

    def __init__(
        self,
        *orders: Sample,
        logins: Sequence[Sample] = (LOGIN,),
        report: Sample | Sequence[Sample] = RESOLVED,
        limits: Limits | None = None,
        store: MemoryStore | None = None,
    ) -> None:
        self.shop = MemoryShop(orders, logins)
        self.factory = MemoryFactory([report] if isinstance(report, Sample) else report)
        self.store = store or MemoryStore()
        self.notifier = MemoryNotifier()
        self.clock = Clock()
        self.warnings: list[str] = []
        self.remediator = Remediator(
            shop=self.shop,
            factory=self.factory,
            store=self.store,
            notifier=self.notifier,
            limits=limits or Limits(),
            links=LinkPolicy(read_templates(SHAPE)),
            link_names=FIELD_NAMES,
            alarm_names=frozenset(),
            resolve=lambda _name, _port: ("93.184.216.34",),
            clock=self.clock,
            pool=ThreadPoolExecutor(2),
            mask=Mask(),
            warn=self.warnings.append,
            sleep=self.clock.sleep,
        )

    def handle(
        self, event: object | None = None, request: str = "r-1", *, after: timedelta = timedelta()
    ) -> Result | None:
        """One event's only result, so long after the one before; None if it raised Unhealed.

        What is sampled begins at the harness's own time.
        """
        self.clock.now += after
        self.shop.clock = self.clock
        try:
            (result,) = self.remediator.handle(event or alarm(sent=self.clock.now), request, Deadline.after(100))
        except Unhealed:
            return None
        return result

    @property
    def outcomes(self) -> list[str]:
        """Outcomes on record, in the order of the deliveries."""
        return [record.result.outcome for record in self.store.records.values()]

    @property
    def kinds(self) -> list[str]:
        """The kinds of the audit log's entries, oldest first."""
        return [entry.kind for entry in self.store.log]


def alarm(state: str = "ALARM", sent: datetime = BEGAN, name: str = "OrdersFailing") -> dict[str, Any]:
    """A CloudWatch alarm as SNS hands it to Lambda."""
    message = {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}",
        "NewStateValue": state,
        "OldStateValue": "OK" if state == "ALARM" else "ALARM",
        "NewStateReason": "2 datapoints were at or above the threshold",
        "StateChangeTime": "2026-11-23T07:59:59.000+0000",
    }
    return sns(json.dumps(message), sent)


def sns(message: str, sent: datetime = BEGAN) -> dict[str, Any]:
    """Any message as SNS hands it to Lambda."""
    timestamp = sent.strftime("%Y-%m-%dT%H:%M:%S.") + f"{sent.microsecond // 1000:03d}Z"
    record = {"Type": "Notification", "MessageId": "m-1", "Message": message, "Timestamp": timestamp}
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": record}]}
