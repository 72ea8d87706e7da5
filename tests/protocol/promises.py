"""What has to be true of every world of the model once nobody is left in it.

The log is intact, has no gap and is written by whoever holds the lease; no call without its intent, no link intended
twice without a sample between, or once it was answered, no intent under a pause, the limit kept; every notification
sent, none twice within the hour, no alarm lost. Where there is a canary, no outage that two of its runs saw goes
unreported, and none is open after a run that saw everything good.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from remediator.audit import Entry, verify_chain
from remediator.endpoints import ORDER
from remediator.outcome import CONSEQUENCES, Outcome
from remediator.state import HOUR

if TYPE_CHECKING:
    from tests.protocol.model import World

# Outcomes after which a person has been notified of the failure and nobody comes again.
REPORTED = frozenset(
    outcome
    for outcome, then in CONSEQUENCES.items()
    if then.tone != "none" and not then.raises and outcome not in (Outcome.HEALED, Outcome.ALREADY_HEALTHY)
)


def check(world: "World", *, watched: bool) -> None:
    """All promises; `watched`: there is a canary. Raises AssertionError."""
    check_calls(world)
    check_log(world)
    check_notifications(world)
    check_alarms(world)
    if watched:
        check_outages(world)


def check_calls(world: "World") -> None:
    """Each call has its intent; each intent of a link follows a sample; the limit is kept."""
    intents = [(json.loads(entry.data)["link"], entry.at) for entry in world.store.log if entry.kind == "intent"]
    calls = [(link, at) for act, link, at in world.acts if act == "call"]
    for link, at in calls:
        assert any(link == wanted and intended < at for wanted, intended in intents), "a call without an intent"
    assert len(calls) <= len(intents)
    # Judged at the intents, which are fenced: a twin that slept past its own can't be called back.
    samples = [("", at) for act, _, at in world.acts if act == "sample"]
    for step, after in pairwise(sorted([*samples, *intents], key=lambda step: step[1])):
        assert not step[0] or step[0] != after[0], "a link intended twice without a sample between"
    for _, at in intents:
        within = sum(timedelta(0) <= at - other < HOUR for _, other in intents)
        assert within <= world.limit, "over the limit"


def check_log(world: "World") -> None:
    """It is intact, and nobody wrote what wasn't theirs to write."""
    log = world.store.log
    state = world.store.current
    fault = verify_chain(log, datetime.min.replace(tzinfo=UTC), state.v, state.last)
    assert fault is None, fault
    assert [entry.v for entry in log] == list(range(1, len(log) + 1))
    assert not world.unheld, f"{world.unheld} of a run that doesn't hold the lease"
    paused, answered = False, set()
    for entry in log:
        data = json.loads(entry.data)
        paused = entry.kind == "paused" or (paused and entry.kind != "resumed")
        if entry.kind == "intent":
            assert not paused, "an intent under a pause"
            assert (entry.incident, data["link"]) not in answered, "a link intended again that was answered"
        if entry.kind == "answer" and not data["fault"] and data["status"] < 500:
            answered.add((entry.incident, data["link"]))


def check_notifications(world: "World") -> None:
    """Each was sent, or whoever had to is in the failure queue; none says the same within the hour."""
    for waiting in world.store.current.outbox:
        known = waiting.id in world.notified or _request_of(waiting.holder) in world.failure_queue
        assert known, "a notification was never sent"
    last: dict[str, datetime] = {}
    for name, at in world.reported:
        what, _, _ = name.rpartition("/")
        assert at - last.get(what, at - HOUR) >= HOUR, f"{what} was reported twice within the hour"
        last[what] = at


def check_alarms(world: "World") -> None:
    """No alarm was lost while orders fail: without a canary, nothing else tells of them.

    Either a check that began after it ended in an outcome that was reported; or its request is in the failure queue, or
    came before the next check of a reported incident was due; or that whose run it joined, or that which took such a
    run over.
    """
    if ORDER not in world.failing:
        return
    incident, queue = world.store.current.incident, world.failure_queue
    since = [entry for entry in world.store.log if incident and entry.v >= incident.first_v]
    told = incident and (incident.reported or any(request in queue for request in _claimants(since)))
    reported = [began for began, outcome in _finishes(world.store.log) if outcome in REPORTED] + world.left_to_pace
    leads_to = defaultdict(set)
    for request, other in [*world.joined, *_taken_over(world.store.log)]:
        leads_to[request].add(other)
    for request, sent in world.alarms:
        if sent >= world.failing_since and not any(began >= sent for began in reported):
            known = queue | world.paced if told else queue
            assert _reach(request, leads_to) & known, f"the alarm of {request} is lost, the shop fails"


def _claimants(log: Sequence[Entry]) -> list[str]:
    """The requests that claimed a check."""
    return [_request_of(json.loads(entry.data)["holder"]) for entry in log if entry.kind == "claimed"]


def _finishes(log: Sequence[Entry]) -> list[tuple[datetime, str]]:
    """When each check began that was finished, and its outcome."""
    found = [json.loads(entry.data) for entry in log if entry.kind == "finished"]
    return [(datetime.fromisoformat(data["began"]), data["outcome"]) for data in found]


def _taken_over(log: Sequence[Entry]) -> list[tuple[str, str]]:
    """The requests whose run lost its check to another's, each with that one."""
    steps = [entry for entry in log if entry.kind in ("claimed", "finished")]
    return [
        (_request_of(json.loads(entry.data)["holder"]), _request_of(json.loads(after.data)["holder"]))
        for entry, after in pairwise(steps)
        if entry.kind == after.kind == "claimed"
    ]


def _reach(request: str, leads_to: dict[str, set[str]]) -> set[str]:
    """The request, and all that follow from it."""
    found: set[str] = set()
    new = {request}
    while new:
        found |= new
        new = {other for each in new for other in leads_to[each]} - found
    return found


def check_outages(world: "World") -> None:
    """Each that two runs of the canary saw was reported while it lasted, or whoever had to is in the failure queue."""
    ends = [*(outage.began for outage in world.outages[1:]), world.now()]
    for number, (outage, end) in enumerate(zip(world.outages, ends, strict=False)):
        told = [each for each, at in world.reported if outage.began <= at <= end and "/ALREADY_HEALTHY/" not in each]
        lost = [request for request, sent in world.alarms if sent >= outage.began and request in world.failure_queue]
        seen = outage.noticed >= 2 if world.calm else outage.checked >= 1
        assert told or lost or outage.excused or not seen, f"outage {number} was reported to nobody"
    assert world.store.current.incident is None or world.failing, "an incident is open, and all is healthy"


def _request_of(holder: str) -> str:
    return holder.partition("#")[0]
