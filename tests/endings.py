"""An incident of every outcome that has one, played on in-memory adapters, and its facts as a report takes them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from console.orders import Orders
from console.records import broken
from console.report.facts import Facts
from remediator.errors import RemediatorError, SecretError
from remediator.head import Head, Policy, Wake, claim, pause
from remediator.outcome import Outcome
from remediator.sample import Deadline, Fault, Sample
from tests.memory import MemoryShop
from tests.scenes import BEGAN, ELSEWHERE, GOOD, UNKNOWN_USER, Scene, alarm, answer, failing, fault

UNMEASURED = "The shop's metric can't be read: AccessDenied."
INCIDENT_OF_2025 = Orders(60, BEGAN - timedelta(hours=2), 160, 155)


class NoSecret(MemoryShop):
    """A shop whose diner's secret can't be read."""

    def login(self, deadline: Deadline) -> Sample:
        raise SecretError("the diner's secret can't be read: GetSecretValue: AccessDeniedException")


def _paused() -> Scene:
    scene = Scene(failing())
    scene.store.commit(Head(), pause(Head(), BEGAN, "release 42", "ana", None))
    return scene


def _failed() -> Scene:
    scene = Scene(GOOD)
    scene.remediator = replace(scene.remediator, shop=NoSecret([GOOD], []))
    return scene


ENDINGS: dict[Outcome, Callable[[], Scene]] = {
    Outcome.HEALED: lambda: Scene(failing(), failing(), GOOD),
    Outcome.UNRESOLVED: lambda: Scene(failing()),
    Outcome.ALREADY_HEALTHY: lambda: Scene(GOOD),
    Outcome.BLOCKED: lambda: Scene(failing(ELSEWHERE)),
    Outcome.NO_LINK: lambda: Scene(answer(500, {"message": "Chaos monkey", "stack": "Error"})),
    Outcome.NO_ACCESS: lambda: Scene(GOOD, logins=[UNKNOWN_USER]),
    Outcome.UNREACHABLE: lambda: Scene(fault(Fault.TIMEOUT)),
    Outcome.PAUSED: _paused,
    Outcome.LIMITED: lambda: Scene(failing(), policy=Policy(calls_an_hour=0)),
    Outcome.OBSERVED: lambda: Scene(failing(), policy=Policy(mode="observe")),
    Outcome.FAILED: _failed,
}


def played(outcome: Outcome, name: str = "OrdersFailing") -> Scene:
    """The scene after an alarm of that name ended in the outcome."""
    scene = ENDINGS[outcome]()
    with suppress(RemediatorError):
        scene.remediator.handle(alarm(name=name), "r-1", Deadline.after(100))
    return scene


def facts(scene: Scene, orders: Orders | str = UNMEASURED) -> Facts:
    """What a report would know of the scene's latest incident."""
    log = [entry for entry in scene.store.log if entry.incident or entry.kind == "told"]
    summary = list(scene.store.summaries.values())[-1]
    alarms = [{"outcome": e.ending.outcome, "incident": e.ending.incident} for e in scene.store.events.values()]
    return Facts("pizza-remediator", summary, tuple(log), tuple(alarms), orders, broken(log), scene.clock())


def at_work() -> Scene:
    """A scene in which the first run is still looking."""
    scene = Scene(failing())
    change = claim(Head(), Wake("r-1#0", "aaaa1111", BEGAN, "OrdersFailing", "it fires"), BEGAN, BEGAN)
    scene.store.commit(Head(), change)  # type: ignore[arg-type] # a first wake always opens
    return scene
