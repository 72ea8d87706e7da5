"""An incident's part of the audit log as people read it."""

from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from remediator import overrides
from remediator.outcome import Outcome
from remediator.state import Change, State
from remediator_cli import timeline
from remediator_cli.timeline import KINDS, TimelineLine
from tests.support.builders import BEGAN
from tests.support.outcomes import OUTCOMES, facts, played


def shown(outcome: Outcome) -> list[tuple[str, str]]:
    return [(line.who, line.what) for line in facts(played(outcome)).lines]


def printed(lines: list[TimelineLine], width: int) -> str:
    out = StringIO()
    Console(file=out, width=width).print(timeline.table(lines, width))
    return out.getvalue()


def test_healing_shows_who_did_what() -> None:
    assert shown(Outcome.HEALED) == [
        ("OrdersFailing", "triggered a check"),
        ("remediator", "opened the incident"),
        ("remediator", "decided to call the report link"),
        ("factory", "answered the report: 200"),
        ("remediator", "finished the check: HEALED"),
        ("remediator", "sent notifications"),
    ]


def test_check_that_heals_nothing_shows_its_reason() -> None:
    line = facts(played(Outcome.NO_LINK)).lines[2]

    assert (line.who, line.what) == ("remediator", "finished the check: NO_LINK")
    assert "500" in line.evidence


def test_notification_is_named_without_the_incident_that_all_lines_are_of() -> None:
    line = facts(played(Outcome.HEALED)).lines[-1]

    assert (line.what, line.evidence) == ("sent notifications", "HEALED/order/1")


def test_controls_name_the_person() -> None:
    first = overrides.pause(State(), BEGAN, "release 42", "ana", None)
    second = overrides.set_mode(first.new, BEGAN, "observe", "careful", "ben")
    third = overrides.resume(second.new, BEGAN, "ana")
    assert isinstance(third, Change)
    entries = [*first.entries, *second.entries, *third.entries]

    found = timeline.read_entries(entries, BEGAN + timedelta(seconds=1))

    assert [(line.who, line.what, line.evidence) for line in found] == [
        ("ana", "paused it", "release 42"),
        ("ben", "set the mode", "observe; careful"),
        ("ana", "resumed it", ""),
    ]
    assert found[0].seconds == -1


def test_every_kind_of_entry_that_is_written_has_words() -> None:
    written = {entry.kind for outcome in OUTCOMES for entry in played(outcome).store.log}

    assert written <= set(KINDS)


@pytest.mark.parametrize("width", [40, 80, 260])
def test_timeline_folds_to_any_width_and_loses_no_word(width: int) -> None:
    lines = list(facts(played(Outcome.BLOCKED)).lines)

    text = printed(lines, width)

    assert max(len(line) for line in text.splitlines()) <= width
    if width == 260:
        assert all(line.evidence in text for line in lines)
