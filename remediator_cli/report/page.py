"""The report as Markdown, as one HTML file, and as JSON: the same sections, written three ways."""

import math
import re
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Final

from remediator.masking import unclickable
from remediator_cli.pages import render
from remediator_cli.report.facts import IncidentFacts
from remediator_cli.report.figures import badge, figures, numbers
from remediator_cli.report.hashes import hashes
from remediator_cli.report.sections import Todo, sections, when
from remediator_cli.stats import BY_HAND, HEALED_BY_HAND, PHASES, format_duration
from remediator_cli.timeline import TimelineLine

SHORTEST = 0.001  # seconds: where the logarithmic scale begins
OTHERS_MEDIAN: Final = 17 * 60.0  # of seventeen public reports of the same failure
# What Markdown reads anywhere, and at the beginning of a line; and what a forge makes a reference of: @team, #12, !3.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~!&$])")
_LEADING = re.compile(r"^(\d*)(?=[-+=.)])")
_NAMING = re.compile(r"[@#!$%&~^](?=\w)")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart. `share`: how far across it reaches, 0 to 100."""

    name: str
    told: str
    share: float


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the timeline, and a bar for the time since the line before it: `told`, "" for the first.

    `begin` and `share`: where the bar begins and how long it is, 0 to 100. `unnoticed`: it lies before the trigger.
    """

    line: TimelineLine
    told: str
    begin: float
    share: float
    unnoticed: bool


def markdown(facts: IncidentFacts) -> str:
    """The report as GitHub's Markdown. What came from outside is escaped."""
    return _written("report.md.j2", facts)


def html(facts: IncidentFacts) -> str:
    """The report as one HTML file: no script, no request to anywhere. What came from outside is escaped."""
    return _written("report.html.j2", facts)


def plain(facts: IncidentFacts) -> dict[str, Any]:
    """The report as JSON shows it; docs/json.md says what stands in it."""
    return {
        "incident": facts.incident.id,
        "outcome": facts.outcome,
        "figures": numbers(facts),
        "sections": [
            {
                "title": section.title,
                "sentences": [told for told in section.told if isinstance(told, str)],
                "todo": [told.text for told in section.told if isinstance(told, Todo)],
            }
            for section in sections(facts)
        ],
        "hashes": [{"of": name, "hash": each} for name, each in hashes(facts)],
    }


def phases(facts: IncidentFacts) -> list[Bar]:
    """What the last run did, each step as a share of the longest."""
    took = {name: ms for name, ms in (facts.incident.phases or {}).items() if name in PHASES}
    longest = max([*took.values(), 1])
    return [Bar(name, f"{ms} ms", 100 * ms / longest) for name, ms in took.items()]


def compare_by_hand(facts: IncidentFacts) -> list[Bar]:
    """This incident's length beside those ended by hand, on a logarithmic scale from a millisecond to the longest."""
    noticed = facts.seconds_to_notice
    times = {
        "this incident": facts.seconds_open,
        **({"this one, with the time to notice": facts.seconds_open + noticed} if noticed is not None else {}),
        "public reports, median": OTHERS_MEDIAN,
        "by hand, 2025-04-08": HEALED_BY_HAND,
        "by hand, with the time to notice": BY_HAND,
    }
    longest = max(times.values())
    return [Bar(name, format_duration(seconds), _log_share(seconds, longest)) for name, seconds in times.items()]


def steps(facts: IncidentFacts) -> list[Step]:
    """The timeline as bars, each from the line before to this one: as long as the logarithm of the time between."""
    lines = facts.lines
    before = (*lines[:1], *lines[:-1])
    waits = [max(0.0, (line.at - earlier.at).total_seconds()) for earlier, line in zip(before, lines, strict=True)]
    ends = [0.0, *accumulate(math.log1p(wait / SHORTEST) for wait in waits)]
    whole = ends[-1] or 1.0
    return [
        Step(
            line,
            "" if line is earlier else format_duration(wait),
            100 * begin / whole,
            100 * (end - begin) / whole,
            unnoticed=earlier.seconds < min(0, line.seconds),
        )
        for earlier, line, wait, (begin, end) in zip(before, lines, waits, pairwise(ends), strict=True)
    ]


def _log_share(seconds: float, longest: float) -> float:
    reach = math.log(max(seconds, SHORTEST) / SHORTEST) / math.log(longest / SHORTEST)
    return 100 * max(reach, 0.01)


def _written(template: str, facts: IncidentFacts) -> str:
    return render(
        f"report/{template}",
        {"when": when, "md": _md},
        facts=facts,
        sections=sections(facts),
        is_todo=lambda told: isinstance(told, Todo),
        badge=badge(facts.outcome),
        figures=figures(facts),
        steps=steps(facts),
        clock="%H:%M:%S" if len({line.at.date() for line in facts.lines}) < 2 else "%Y-%m-%d %H:%M:%S",
        hashes=hashes(facts),
        phases=phases(facts),
        by_hand=compare_by_hand(facts) if facts.outcome == "HEALED" else [],
    )


def _md(text: str) -> str:
    """Text that means nothing in Markdown, on one line, and nothing to a forge: a blank of no width parts a sign from
    what it would name, since a forge looks for names in what Markdown made.
    """
    escaped = _SPECIAL.sub(r"\\\1", unclickable(" ".join(text.split())))
    return _LEADING.sub(r"\1\\", _NAMING.sub(r"\g<0>&#8203;", escaped), count=1)
