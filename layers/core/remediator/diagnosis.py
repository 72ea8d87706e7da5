"""What a set of samples shows: a pure function, and the table it reads.

The facts are those observed of the service of 2025-10-14 and the factory of 2026-03-11.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from remediator.outcome import Outcome
from remediator.report_link import find_links
from remediator.sample import Sample


class Verdict(StrEnum):
    """What samples of the order endpoint, or one login, can show."""

    HEALTHY = "healthy"
    FAILING = "failing"
    NO_LINK = "no_link"
    UNAUTHORIZED = "unauthorized"
    UNREACHABLE = "unreachable"
    DISAGREE = "disagree"


# What a verdict that asks for no call ends in.
ENDINGS = {
    Verdict.NO_LINK: Outcome.NO_LINK,
    Verdict.UNAUTHORIZED: Outcome.NO_ACCESS,
    Verdict.UNREACHABLE: Outcome.UNREACHABLE,
    Verdict.DISAGREE: Outcome.UNRESOLVED,
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A verdict, its evidence in one sentence, and the raw links that the samples offer."""

    verdict: Verdict
    evidence: str
    links: tuple[str, ...] = ()


def diagnose(samples: Sequence[Sample]) -> Diagnosis:
    """The one verdict on which all samples agree; samples that differ decide nothing."""
    found = [_judge(sample) for sample in samples]
    if len({each.verdict for each in found}) > 1:
        shown = ", ".join(each.verdict for each in found)
        return Diagnosis(Verdict.DISAGREE, f"the samples disagree: {shown}")
    links = tuple(dict.fromkeys(link for each in found for link in each.links))
    evidence = found[0].evidence if len(found) == 1 else f"{len(found)} of {len(found)}: {found[0].evidence}"
    return Diagnosis(found[0].verdict, evidence, links)


def judge_login(answer: Sample) -> Diagnosis | str:
    """The token, or why there is none. An unknown user or a wrong password is a 404."""
    token = answer.text("token")
    if answer.status == 200 and token:
        return token
    if answer.fault:
        return Diagnosis(Verdict.UNREACHABLE, f"login: {answer.fault}")
    message = answer.text("message")
    if not message or message == "unknown endpoint":
        return Diagnosis(Verdict.UNREACHABLE, f"login answered {answer.status} and is not the shop's")
    return Diagnosis(Verdict.UNAUTHORIZED, f"login refused: {answer.status} {message[:80]}")


def _judge(sample: Sample) -> Diagnosis:
    """One order's verdict, by its status first, then by what the body offers."""
    if sample.fault:
        return Diagnosis(Verdict.UNREACHABLE, f"the order got no answer: {sample.fault}")
    shown = f"the order answered {sample.status} after {sample.elapsed:.2f} s"
    if sample.json is None or sample.status == 404:
        return Diagnosis(Verdict.UNREACHABLE, f"{shown} and is not the shop's")
    if sample.status == 401:
        return Diagnosis(Verdict.UNAUTHORIZED, f"{shown}: unauthorized")
    links = find_links(sample.body)
    if links:
        return Diagnosis(Verdict.FAILING, f"{shown} with a report link", links)
    if sample.status == 200:
        return Diagnosis(Verdict.HEALTHY, f"{shown} without a report link")
    return Diagnosis(Verdict.NO_LINK, f"{shown} without a report link: {sample.text('message')[:80]}")
