"""An incident's log as people read it."""

from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from console import timeline
from console.timeline import KINDS, Line
from remediator import head as judge
from remediator.head import Head
from remediator.outcome import Outcome
from tests.endings import ENDINGS, facts, played
from tests.scenes import BEGAN


def shown(outcome: Outcome) -> list[tuple[str, str]]:
    return [(line.who, line.what) for line in facts(played(outcome)).lines]


def printed(told: list[Line], width: int) -> str:
    out = StringIO()
    Console(file=out, width=width).print(timeline.table(told, width))
    return out.getvalue()


def test_healing_is_told_by_who_did_what() -> None:
    assert shown(Outcome.HEALED) == [
        ("OrdersFailing", "woke the machine"),
        ("remediator", "decided to call the report link"),
        ("factory", "answered the report: 200"),
        ("remediator", "ended it: HEALED"),
        ("remediator", "told people"),
    ]


def test_letting_go_is_told_with_its_reason() -> None:
    line = facts(played(Outcome.NO_LINK)).lines[1]

    assert (line.who, line.what) == ("remediator", "let go, still open: NO_LINK")
    assert "500" in line.evidence


def test_brakes_name_the_person() -> None:
    first = judge.pause(Head(), BEGAN, "release 42", "ana", None)
    second = judge.set_mode(first.new, BEGAN, "observe", "careful", "ben")
    entries = [*first.entries, *second.entries, *judge.resume(second.new, BEGAN, "ana").entries]  # type: ignore[union-attr]

    found = timeline.lines(entries, BEGAN + timedelta(seconds=1))

    assert [(line.who, line.what, line.evidence) for line in found] == [
        ("ana", "paused it", "release 42"),
        ("ben", "set the mode", "observe; careful"),
        ("ana", "resumed it", ""),
    ]
    assert found[0].seconds == -1


def test_every_kind_of_entry_that_is_written_has_words() -> None:
    written = {entry.kind for outcome in ENDINGS for entry in played(outcome).store.log}

    assert written <= set(KINDS)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_timeline_folds_to_any_width_and_loses_no_word(width: int) -> None:
    told = list(facts(played(Outcome.BLOCKED)).lines)

    text = printed(told, width)

    assert max(len(line) for line in text.splitlines()) <= width
    if width == 200:
        assert all(line.evidence in text for line in told)
