"""What samples show: a pure function, and the tables it reads.

The facts are those observed of the service of 2025-10-14 and the factory of 2026-03-11.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from remediator.endpoints import CANARY_LOGIN, ENDPOINTS, ORDER, Endpoint
from remediator.jwt import Keys, verifies
from remediator.outcome import Outcome
from remediator.report_link import FIELD_NAMES, find_links
from remediator.sample import Sample

LATENCY_BUDGET: Final = 5.0  # seconds; a healthy order took 0.04 s, a throttled one 32
TOKEN: Final = re.compile(r"[!-~]{1,8192}")  # what a header can carry
SLOW_REFUSAL: Final = 20.0  # seconds; the factory takes 32 to refuse an order of 0 or more than 20 items


class Symptom(StrEnum):
    """What one sample, or a set of them, can show; the worst first."""

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
    (0, "ECONNREFUSED", 0.0, "the service can't reach its database"),
    (0, "fetch failed", 0.0, "the service can't reach the factory"),
    (0, "Unexpected token", 0.0, "the factory answers the service with something that is no JSON"),
    (0, "Unexpected end of JSON input", 0.0, "the factory answers the service with nothing"),
    (0, "Failed to fulfill order", SLOW_REFUSAL, "the factory refuses the order's size: see the setting Order"),
    (0, "Failed to fulfill order", 0.0, "the factory refuses the order, or the service's key"),
    (0, "No ID found", 0.0, "the menu has no such pizza: see the setting Order"),
    (0, "Bind parameters", 0.0, "the order lacks something: see the setting Order"),
    (0, "", 0.0, "a failure we know nothing of"),
)


DATABASE: Final = "Repair the shop's database: without it no login and no order succeeds."
CREDENTIALS: Final[Mapping[str, str]] = {
    ORDER: "Check the diner's email and password in the secret.",
    CANARY_LOGIN: "Check the canary's email and password in the secret.",
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A symptom, its evidence in one sentence, and the raw links that the samples offer.

    `failing`: the endpoints that aren't healthy. `ask`: what it asks of a person, if more is known than the outcome.
    """

    symptom: Symptom
    evidence: str
    links: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    ask: str = ""

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
    is_wanted: bool
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
    (Symptom.UNREACHABLE, "what is no order", lambda f: not f.is_wanted),
    (Symptom.NO_LINK, "with a JWT that doesn't verify, without a report link",
     lambda f: f.token_verifies is False),
    (Symptom.NO_LINK, "later than the latency budget, without a report link",
     lambda f: f.elapsed > LATENCY_BUDGET),
    (Symptom.HEALTHY, "with a JWT that verifies", lambda f: f.token_verifies is True),
    (Symptom.HEALTHY, "with a JWT that couldn't be checked", lambda f: f.is_order),
    (Symptom.HEALTHY, "as it should be", lambda _: True),
)  # fmt: skip


def diagnose(
    samples: Sequence[Sample], keys: Keys, names: frozenset[str] = FIELD_NAMES, endpoint: Endpoint = ENDPOINTS[ORDER]
) -> Diagnosis:
    """What the samples of one endpoint show, at least one.

    If all fail with a link, or none offers one, the worst of them counts. If some offer a link and others don't, they
    disagree: that decides nothing.
    """
    found = [judge_answer(endpoint, sample, keys, names) for sample in samples]
    links = tuple(dict.fromkeys(link for each in found for link in each.links))
    failing = [each for each in found if each.symptom in WITH_LINK]
    if 0 < len(failing) < len(found):
        shown = "; ".join(each.evidence for each in found)
        return Diagnosis(Symptom.DISAGREE, f"the samples disagree: {shown}")
    worst = min(found, key=lambda each: list(Symptom).index(each.symptom))
    alike = sum(each.symptom is worst.symptom for each in found)
    count = f"{alike} of {len(found)} {'orders' if endpoint.name == ORDER else 'samples'}: " if len(found) > 1 else ""
    return Diagnosis(worst.symptom, f"{count}{worst.evidence}", links, ask=worst.ask)


def combine(found: Mapping[str, Diagnosis]) -> Diagnosis:
    """What the endpoints show together, at least one: the first that isn't healthy counts, in the order of the table.

    One that offers a report link comes before those that don't: a call may end that failure, and is verified by all.
    """
    failing = {name: each for name, each in found.items() if each.symptom is not Symptom.HEALTHY}
    if not failing:
        first = next(iter(found.values()))
        return Diagnosis(first.symptom, first.evidence)
    linked = [each for each in failing.values() if each.symptom in WITH_LINK]
    first = next(iter(linked or failing.values()))
    evidence = "; ".join(
        each.evidence if name == ORDER else f"{name}: {each.evidence}" for name, each in failing.items()
    )
    links = tuple(dict.fromkeys(link for each in linked for link in each.links))
    return Diagnosis(first.symptom, evidence, links, tuple(failing), first.ask)


def judge_answer(endpoint: Endpoint, sample: Sample, keys: Keys, names: frozenset[str] = FIELD_NAMES) -> Diagnosis:
    """What one answer shows."""
    if endpoint.asked == "login":
        found = judge_login(sample, endpoint.name, names)
        return found if isinstance(found, Diagnosis) else Diagnosis(Symptom.HEALTHY, "the login was accepted")
    if sample.fault or sample.status is None:
        return Diagnosis(Symptom.UNREACHABLE, f"no whole answer after {sample.elapsed:.1f} s: {sample.fault}")
    facts = _facts(endpoint, sample, sample.status, keys, names)
    symptom, words, _ = next(row for row in ROWS if row[2](facts))
    after = f" after {facts.elapsed:.2f} s" if facts.elapsed else ""
    hint = f": {_hint(facts)}" if symptom is Symptom.NO_LINK and facts.status >= 400 else ""
    return Diagnosis(symptom, f"{facts.status}{after}, {words}{hint}", facts.links)


def judge_login(answer: Sample, who: str = ORDER, names: frozenset[str] = FIELD_NAMES) -> Diagnosis | str:
    """The token, or why there is none: an unknown user or a wrong password is a 404, a dead database a 500.

    `who`: the endpoint that needs the token, the order for the diner's own.
    """
    token, status = answer.text("token"), answer.status
    if status == 200 and TOKEN.fullmatch(token):
        return token
    if answer.fault or status is None:
        return Diagnosis(Symptom.UNREACHABLE, f"no answer to the login: {answer.fault}")
    if links := find_links(answer.body, names):
        return Diagnosis(Symptom.FAIL, f"the login was answered {status}, with a report link", links)
    body = answer.json
    if not isinstance(body, dict) or "message" not in body or body["message"] == "unknown endpoint":
        return Diagnosis(Symptom.UNREACHABLE, f"the login was answered {status}, what the shop doesn't answer")
    if status >= 500:
        return Diagnosis(Symptom.UNAUTHORIZED, f"the login failed with {status}: the shop's database", ask=DATABASE)
    refused = f"the login was refused with {status}: wrong credentials"
    return Diagnosis(Symptom.UNAUTHORIZED, refused, ask=CREDENTIALS[who])


def found_nothing_to_end(answer: Sample) -> bool:
    """Whether the factory answers a report that no chaos was executing: somebody else had ended it."""
    return answer.text("message") == "No chaos currently executing"


def _hint(facts: Facts) -> str:
    return next(
        hint
        for status, text, least, hint in HINTS
        if status in (0, facts.status) and text in facts.message and facts.elapsed >= least
    )


def _facts(endpoint: Endpoint, sample: Sample, status: int, keys: Keys, names: frozenset[str]) -> Facts:
    """Of a GET any JSON is wanted, and none of them holds a JWT."""
    body, is_order = sample.json, endpoint.asked == "order"
    return Facts(
        status=status,
        elapsed=sample.elapsed,
        is_json=isinstance(body, dict) or (not is_order and isinstance(body, list)),
        message=sample.text("message"),
        links=find_links(sample.body, names),
        is_order=is_order,
        is_wanted=not is_order or (isinstance(body, dict) and isinstance(body.get("order"), dict)),
        token_verifies=verifies(sample.text("jwt"), keys) if is_order else None,
    )
