"""An incident of each outcome, played on in-memory adapters, and its facts as a report takes them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from remediator import overrides
from remediator.audit import verify_chain
from remediator.deadline import Deadline
from remediator.errors import RemediatorError, SecretError
from remediator.limits import Limits
from remediator.outcome import Outcome
from remediator.sample import Fault, Sample
from remediator.state import Change, State
from remediator_cli.orders import Orders
from remediator_cli.report.facts import IncidentFacts
from tests.support.builders import (
    BEGAN,
    ELSEWHERE,
    GOOD,
    LIMITED,
    NO_LINK,
    UNKNOWN_USER,
    Harness,
    alarm,
    claim,
    failing,
    fault,
    intend,
)
from tests.support.fakes import MemoryShop

UNMEASURED = "The shop's metric can't be read: AccessDenied."
INCIDENT_OF_2025 = Orders(60, BEGAN - timedelta(hours=2), 160, 155)


@dataclass
class ForgetfulShop(MemoryShop):
    """A shop whose diner's secret can't be read again once the token has been refused."""

    def login(self, deadline: Deadline) -> Sample:
        if self.orders:
            raise SecretError("the diner's secret can't be read: GetSecretValue: AccessDeniedException")
        return super().login(deadline)


def _paused() -> Harness:
    harness = Harness(failing())
    harness.store.commit(State(), overrides.pause(State(), BEGAN, "release 42", "ana", None))
    return harness


def _failed() -> Harness:
    """An open incident, and a later check in which the secret can't be read."""
    harness = Harness(NO_LINK)
    shop = ForgetfulShop(harness.shop.answers, harness.shop.logins)
    harness.remediator = replace(harness.remediator, shop=shop)
    return harness


OUTCOMES: dict[Outcome, Callable[[], Harness]] = {
    Outcome.HEALED: lambda: Harness(failing(), failing(), GOOD),
    Outcome.UNRESOLVED: lambda: Harness(failing()),
    Outcome.ALREADY_HEALTHY: lambda: Harness(NO_LINK, NO_LINK, GOOD),
    Outcome.BLOCKED: lambda: Harness(failing(ELSEWHERE)),
    Outcome.NO_LINK: lambda: Harness(NO_LINK),
    Outcome.NO_ACCESS: lambda: Harness(GOOD, logins=[UNKNOWN_USER]),
    Outcome.UNREACHABLE: lambda: Harness(fault(Fault.TIMEOUT)),
    Outcome.RATE_LIMITED: lambda: Harness(LIMITED),
    Outcome.PAUSED: _paused,
    Outcome.LIMITED: lambda: Harness(failing(), limits=Limits(calls_an_hour=0)),
    Outcome.OBSERVED: lambda: Harness(failing(), limits=Limits(mode="observe")),
    Outcome.FAILED: _failed,
}
AT_THE_SECOND_ALARM = (Outcome.ALREADY_HEALTHY, Outcome.FAILED)  # the first opens the incident


def played(outcome: Outcome, name: str = "OrdersFailing") -> Harness:
    """The harness after an alarm of that name ended in the outcome."""
    harness = OUTCOMES[outcome]()
    for number in range(1 + (outcome in AT_THE_SECOND_ALARM)):
        harness.clock.now += timedelta(minutes=number)
        with suppress(RemediatorError):
            harness.remediator.handle(alarm(sent=harness.clock.now, name=name), f"r-{number}", Deadline.after(100))
    return harness


def facts(harness: Harness, orders: Orders | str = UNMEASURED) -> IncidentFacts:
    """What a report would know of the latest incident."""
    summary = list(harness.store.summaries.values())[-1]
    log = tuple(entry for entry in harness.store.log if entry.v >= summary.first_v)
    results = [record.result for record in harness.store.records.values()]
    alarms = tuple({"outcome": result.outcome, "incident": result.incident} for result in results)
    at = harness.clock()
    return IncidentFacts("pizza-remediator", summary, log, alarms, orders, verify_chain(harness.store.log, at), at)


def at_work() -> Harness:
    """A harness in which the first run has written its intent to call, and no more."""
    harness = Harness(failing())
    harness.store.commit(State(), claim())
    intent = intend(harness.store.state(), now=BEGAN)
    assert isinstance(intent, Change)
    harness.store.commit(harness.store.state(), intent)
    return harness
