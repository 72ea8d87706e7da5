"""The report as text, for a terminal of any width."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from remediator_cli import timeline
from remediator_cli.report.facts import IncidentFacts
from remediator_cli.report.figures import badge, figures
from remediator_cli.report.hashes import hashes
from remediator_cli.report.page import phases
from remediator_cli.report.sections import Todo, sections, when


def show(facts: IncidentFacts, console: Console) -> None:
    """Print it."""
    word, colour = badge(facts.outcome)
    console.print(f"Incident {facts.incident.id}: {facts.outcome or 'open'} ({word})", style=f"bold {colour}")
    console.print(f"{facts.stack} · opened {when(facts.incident.opened_at)} · written {when(facts.written)}")
    console.print()
    console.print(_rows((each.name, each.value, each.note) for each in figures(facts)))
    for section in sections(facts):
        console.print()
        console.print(section.title, style="bold")
        for told in section.told:
            console.print(f"TODO (a person): {told.text}" if isinstance(told, Todo) else told)
        if section.title == "Timeline" and facts.lines:
            console.print()
            console.print(timeline.table(facts.lines, console.width))
        if section.title == "Response" and (took := phases(facts)):
            console.print()
            console.print(_rows((bar.name, bar.told) for bar in took))
    if found := hashes(facts):
        console.print()
        console.print(_rows(found))


def _rows(rows: Iterable[tuple[str, ...]]) -> Table:
    """Rows whose last column takes what room there is."""
    made = Table(box=None, pad_edge=False, show_header=False)
    for row in rows:
        made.add_row(*row)
    for column in made.columns:
        column.overflow = "fold"
    return made
