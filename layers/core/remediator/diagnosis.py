"""What samples show: a pure function, and the tables it reads.

The facts are those observed of the service of 2025-10-14 and the factory of 2026-03-11.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from remediator.jwt import Keys, verifies
from remediator.outcome import Outcome
from remediator.report_link import FIELD_NAMES, find_links
from remediator.sample import Sample

LATENCY_BUDGET: Final = 5.0  # seconds; a healthy order took 0.04 s, a throttled one 32
SLOW_REFUSAL: Final = 20.0  # seconds; the factory takes 32 to refuse an order of 0 or more than 20 items


class Symptom(StrEnum):
    """What one order, or a set of them, can show; the worst first."""

    DISAGREE = "disagree"
    FAIL = "fail"
    BADJWT = "badjwt"
    THROTTLE = "throttle"
    NO_LINK = "no_link"
    UNAUTHORIZED = "unauthorized"
    UNREACHABLE = "unreachable"
    HEALTHY = "healthy"


WITH_LINK: Final = frozenset({Symptom.FAIL, Symptom.BADJWT, Symptom.THROTTLE})

# What a symptom that asks for no call ends in.
OUTCOMES: Final = {
    Symptom.HEALTHY: Outcome.ALREADY_HEALTHY,
    Symptom.NO_LINK: Outcome.NO_LINK,
    Symptom.UNAUTHORIZED: Outcome.NO_ACCESS,
    Symptom.UNREACHABLE: Outcome.UNREACHABLE,
    Symptom.DISAGREE: Outcome.UNRESOLVED,
}

# What a failure without a link most likely is, by status (0: any), message and least seconds: the first row that fits.
HINTS: Final[tuple[tuple[int, str, float, str], ...]] = (
    (400, "", 0.0, "the shop can't read the order: see the setting Order"),
    (408, "", 0.0, "the shop's own time-out on the factory"),
    (0, "Chaos monkey", 0.0, "the service's own practice chaos"),
    (0, "fetch failed", 0.0, "the service can't reach the factory"),
    (0, "Unexpected token", 0.0, "the factory answers the service with something that is no JSON"),
    (0, "Unexpected end of JSON input", 0.0, "the factory answers the service with nothing"),
    (0, "Failed to fulfill order", SLOW_REFUSAL, "the factory refuses the order's size: see the setting Order"),
    (0, "Failed to fulfill order", 0.0, "the factory refuses the order, or the service's key"),
    (0, "No ID found", 0.0, "the menu has no such pizza: see the setting Order"),
    (0, "Bind parameters", 0.0, "the order lacks something: see the setting Order"),
    (0, "", 0.0, "a failure we know nothing of"),
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A symptom, its evidence in one sentence, and the raw links that the samples offer."""

    symptom: Symptom
    evidence: str
    links: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome | None:
        """What a check with this diagnosis ends in; None if a report link is to be called."""
        return OUTCOMES.get(self.symptom)


@dataclass(frozen=True, slots=True)
class Facts:
    """What one answer shows before it is judged."""

    status: int
    elapsed: float
    is_json: bool
    message: str
    links: tuple[str, ...]
    is_order: bool
    token_verifies: bool | None


Row = tuple[Symptom, str, Callable[[Facts], bool]]

# The first row that fits an answer is its symptom.
ROWS: Final[tuple[Row, ...]] = (
    (Symptom.BADJWT, "with a JWT that doesn't verify, and a report link",
     lambda f: bool(f.links) and f.status < 300 and f.token_verifies is False),
    (Symptom.THROTTLE, "with a report link", lambda f: bool(f.links) and f.status < 300),
    (Symptom.FAIL, "with a report link", lambda f: bool(f.links)),
    (Symptom.UNAUTHORIZED, "unauthorized: the token, or the shop's database", lambda f: f.status == 401),
    (Symptom.UNREACHABLE, "what the shop doesn't answer", lambda f: not f.is_json or f.status in (404, 405)),
    (Symptom.UNREACHABLE, "a redirect, which isn't followed", lambda f: 300 <= f.status < 400),
    (Symptom.NO_LINK, "without a report link", lambda f: f.status >= 400),
    (Symptom.UNREACHABLE, "what is no order", lambda f: not f.is_order),
    (Symptom.NO_LINK, "with a JWT that doesn't verify, without a report link",
     lambda f: f.token_verifies is False),
    (Symptom.NO_LINK, "later than the latency budget, without a report link",
     lambda f: f.elapsed > LATENCY_BUDGET),
    (Symptom.HEALTHY, "with a JWT that verifies", lambda f: f.token_verifies is True),
    (Symptom.HEALTHY, "with a JWT that couldn't be checked", lambda _: True),
)  # fmt: skip


def diagnose(samples: Sequence[Sample], keys: Keys, names: frozenset[str] = FIELD_NAMES) -> Diagnosis:
    """What a set of orders shows, at least one.

    If all fail with a link, or none offers one, the worst of them counts. If some offer a link and others don't, they
    disagree: that decides nothing.
    """
    found = [judge_order(sample, keys, names) for sample in samples]
    links = tuple(dict.fromkeys(link for each in found for link in each.links))
    failing = [each for each in found if each.symptom in WITH_LINK]
    if 0 < len(failing) < len(found):
        shown = "; ".join(each.evidence for each in found)
        return Diagnosis(Symptom.DISAGREE, f"the orders disagree: {shown}")
    worst = min(found, key=lambda each: list(Symptom).index(each.symptom))
    alike = sum(each.symptom is worst.symptom for each in found)
    count = f"{alike} of {len(found)} orders: " if len(found) > 1 else ""
    return Diagnosis(worst.symptom, f"{count}{worst.evidence}", links)


def judge_order(sample: Sample, keys: Keys, names: frozenset[str] = FIELD_NAMES) -> Diagnosis:
    """What one order shows."""
    if sample.fault or sample.status is None:
        return Diagnosis(Symptom.UNREACHABLE, f"no whole answer after {sample.elapsed:.1f} s: {sample.fault}")
    facts = _facts(sample, sample.status, keys, names)
    symptom, words, _ = next(row for row in ROWS if row[2](facts))
    after = f" after {facts.elapsed:.2f} s" if facts.elapsed else ""
    hint = f": {_hint(facts)}" if symptom is Symptom.NO_LINK and facts.status >= 400 else ""
    return Diagnosis(symptom, f"{facts.status}{after}, {words}{hint}", facts.links)


def judge_login(answer: Sample) -> Diagnosis | str:
    """The token, or why there is none. An unknown user or a wrong password is a 404, a dead database a 500."""
    token = answer.text("token")
    if answer.status == 200 and token:
        return token
    if answer.fault:
        return Diagnosis(Symptom.UNREACHABLE, f"no answer to the login: {answer.fault}")
    message = answer.text("message")
    if not message or message == "unknown endpoint":
        return Diagnosis(Symptom.UNREACHABLE, f"the login was answered {answer.status}, what the shop doesn't answer")
    words = "the credentials, or the shop's database"
    return Diagnosis(Symptom.UNAUTHORIZED, f"the login was refused with {answer.status}: {words}")


def _hint(facts: Facts) -> str:
    return next(
        hint
        for status, text, least, hint in HINTS
        if status in (0, facts.status) and text in facts.message and facts.elapsed >= least
    )


def _facts(sample: Sample, status: int, keys: Keys, names: frozenset[str]) -> Facts:
    body = sample.json
    return Facts(
        status=status,
        elapsed=sample.elapsed,
        is_json=isinstance(body, dict),
        message=sample.text("message"),
        links=find_links(sample.body, names),
        is_order=isinstance(body, dict) and isinstance(body.get("order"), dict),
        token_verifies=verifies(sample.text("jwt"), keys),
    )
