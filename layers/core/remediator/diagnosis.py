"""What samples show: a pure function, and the tables it reads.

The facts are those observed of the service of 2025-10-14 and the factory of 2026-03-11.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from remediator.endpoints import CANARY_LOGIN, ENDPOINTS, ORDER, Endpoint
from remediator.hints import SEE_ORDER, read_hint
from remediator.jwt import Keys, verifies
from remediator.outcome import Outcome
from remediator.report_link import FIELD_NAMES, find_links
from remediator.sample import Sample

LATENCY_BUDGET: Final = 5.0  # seconds; a healthy order took 0.04 s, a throttled one 32
TOKEN: Final = re.compile(r"[!-~]{1,8192}")  # what a header can carry


class Symptom(StrEnum):
    """What one sample, or a set of them, can show; the worst first."""

    DISAGREE = "disagree"
    FAIL = "fail"
    BADJWT = "badjwt"
    THROTTLE = "throttle"
    NO_LINK = "no_link"
    UNAUTHORIZED = "unauthorized"
    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate_limited"
    HEALTHY = "healthy"


WITH_LINK: Final = frozenset({Symptom.FAIL, Symptom.BADJWT, Symptom.THROTTLE})

# What is said of a failure that no hint fits.
UNEXPLAINED: Final = {Symptom.NO_LINK: "a failure we know nothing of", Symptom.UNREACHABLE: ""}

# What a symptom that asks for no call ends in.
OUTCOMES: Final = {
    Symptom.HEALTHY: Outcome.ALREADY_HEALTHY,
    Symptom.NO_LINK: Outcome.NO_LINK,
    Symptom.UNAUTHORIZED: Outcome.NO_ACCESS,
    Symptom.UNREACHABLE: Outcome.UNREACHABLE,
    Symptom.RATE_LIMITED: Outcome.RATE_LIMITED,
    Symptom.DISAGREE: Outcome.UNRESOLVED,
}

DATABASE: Final = "Repair the shop's database: without it no login and no order succeeds."
COOKIE_ALONE: Final = "The shop's answer to a login has to hold `token`: one that sets a cookie alone isn't supported."
WRONG_ORDER: Final = "Correct the parameter Order: a franchise, a store and 1 to 20 pizzas that the shop has."
CREDENTIALS: Final[Mapping[str, str]] = {
    ORDER: "Check the diner's email and password in the secret.",
    CANARY_LOGIN: "Check the canary's email and password in the secret.",
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A symptom, its evidence in one sentence, and the raw links that the samples offer.

    `failing`: the endpoints that aren't healthy; `unseen`: those that the shop refused to look at because it is asked
    too often, and `not_before`: from when on they may be asked again. `ask`: what it asks of a person, if more is known
    than the outcome.
    """

    symptom: Symptom
    evidence: str
    links: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    ask: str = ""
    unseen: tuple[str, ...] = ()
    not_before: datetime | None = None

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

    What the shop refused to look at shows nothing beside another. If all fail with a link, or none offers one, the
    worst of them counts. If some offer a link and others don't, they disagree: that decides nothing.
    """
    judged = [judge_answer(endpoint, sample, keys, names) for sample in samples]
    found = [each for each in judged if each.symptom is not Symptom.RATE_LIMITED] or judged
    links = tuple(dict.fromkeys(link for each in found for link in each.links))
    failing = [each for each in found if each.symptom in WITH_LINK]
    if 0 < len(failing) < len(found):
        shown = "; ".join(each.evidence for each in found)
        return Diagnosis(Symptom.DISAGREE, f"the samples disagree: {shown}")
    worst = min(found, key=lambda each: list(Symptom).index(each.symptom))
    alike = sum(each.symptom is worst.symptom for each in found)
    count = f"{alike} of {len(found)} {'orders' if endpoint.name == ORDER else 'samples'}: " if len(found) > 1 else ""
    return replace(worst, evidence=f"{count}{worst.evidence}", links=links)


def combine(found: Mapping[str, Diagnosis]) -> Diagnosis:
    """What the endpoints show together, at least one: the first that isn't healthy counts, in the order of the table.

    One that offers a report link comes before those that don't: a call may end that failure, and is verified by all.
    What wasn't looked at comes last.
    """
    told = {name: each for name, each in found.items() if each.symptom is not Symptom.HEALTHY}
    if not told:
        first = next(iter(found.values()))
        return Diagnosis(first.symptom, first.evidence)
    linked = [each for each in told.values() if each.symptom in WITH_LINK]
    unseen = {name: each.not_before for name, each in told.items() if each.not_before}
    failing = tuple(name for name in told if name not in unseen)
    last = max(unseen, key=lambda name: unseen[name]) if unseen else None
    first = next(iter(linked or (told[name] for name in (*failing, last) if name)))
    evidence = "; ".join(each.evidence if name == ORDER else f"{name}: {each.evidence}" for name, each in told.items())
    links = tuple(dict.fromkeys(link for each in linked for link in each.links))
    again = unseen[last] if last else None
    return Diagnosis(first.symptom, evidence, links, failing, first.ask, tuple(unseen), again)


def judge_answer(endpoint: Endpoint, sample: Sample, keys: Keys, names: frozenset[str] = FIELD_NAMES) -> Diagnosis:
    """What one answer shows."""
    if endpoint.asked == "login":
        found = judge_login(sample, endpoint.name, names)
        return found if isinstance(found, Diagnosis) else Diagnosis(Symptom.HEALTHY, "the login was accepted")
    if sample.is_limited:
        return _limited(sample)
    if sample.fault or sample.status is None:
        return Diagnosis(Symptom.UNREACHABLE, f"no whole answer after {sample.elapsed:.1f} s: {sample.fault}")
    facts = _facts(endpoint, sample, sample.status, keys, names)
    symptom, words, _ = next(row for row in ROWS if row[2](facts))
    after = f" after {facts.elapsed:.2f} s" if facts.elapsed else ""
    is_failure = facts.status >= 400 and symptom in UNEXPLAINED
    hint = (read_hint(sample, is_order=facts.is_order) or UNEXPLAINED[symptom]) if is_failure else ""
    ask = WRONG_ORDER if hint.endswith(SEE_ORDER) else ""
    return Diagnosis(symptom, f"{facts.status}{after}, {words}{hint and ': '}{hint}", facts.links, ask=ask)


def judge_login(answer: Sample, who: str = ORDER, names: frozenset[str] = FIELD_NAMES) -> Diagnosis | str:
    """The token, or why there is none: an unknown user or a wrong password is a 404, a dead database a 500.

    `who`: the endpoint that needs the token, the order for the diner's own.
    """
    token, status = answer.text("token"), answer.status
    if status == 200 and TOKEN.fullmatch(token):
        return token
    if answer.is_limited:
        return _limited(answer, "the login was answered ")
    if answer.fault or status is None:
        return Diagnosis(Symptom.UNREACHABLE, f"no answer to the login: {answer.fault}")
    if links := find_links(answer.body, names):
        return Diagnosis(Symptom.FAIL, f"the login was answered {status}, with a report link", links)
    body = answer.json
    if status == 200 and isinstance(body, dict) and {"user", "message"} & body.keys():
        return Diagnosis(Symptom.UNAUTHORIZED, "the login was accepted, and gave no token", ask=COOKIE_ALONE)
    if not isinstance(body, dict) or "message" not in body or body["message"] == "unknown endpoint":
        return Diagnosis(Symptom.UNREACHABLE, f"the login was answered {status}, what the shop doesn't answer")
    if status >= 500:
        return Diagnosis(Symptom.UNAUTHORIZED, f"the login failed with {status}: the shop's database", ask=DATABASE)
    refused = f"the login was refused with {status}: wrong credentials"
    return Diagnosis(Symptom.UNAUTHORIZED, refused, ask=CREDENTIALS[who])


def found_nothing_to_end(answer: Sample) -> bool:
    """Whether the factory answers a report that no chaos was executing: somebody else had ended it."""
    return answer.text("message") == "No chaos currently executing"


def _limited(answer: Sample, asked: str = "") -> Diagnosis:
    """What a 429 shows: nothing but when the shop may be asked again."""
    again = answer.began + timedelta(seconds=answer.elapsed + answer.rest)
    evidence = f"{asked}429, too many requests; it may be asked again after {answer.rest} s"
    when = f"The canary asks for a check after {again:%Y-%m-%d %H:%M:%S} UTC; without a canary, run remediator heal."
    return Diagnosis(Symptom.RATE_LIMITED, evidence, ask=f"Place an order yourself. {when}", not_before=again)


def _facts(endpoint: Endpoint, sample: Sample, status: int, keys: Keys, names: frozenset[str]) -> Facts:
    """Of a GET any JSON is wanted, and none of them holds a JWT."""
    body, is_order = sample.json, endpoint.asked == "order"
    return Facts(
        status=status,
        elapsed=sample.elapsed,
        is_json=isinstance(body, dict) or (not is_order and isinstance(body, list)),
        links=find_links(sample.body, names),
        is_order=is_order,
        is_wanted=not is_order or (isinstance(body, dict) and isinstance(body.get("order"), dict)),
        token_verifies=verifies(sample.text("jwt"), keys) if is_order else None,
    )
