"""`remediator report`: one incident's report, for the team to read and to complete."""

from pathlib import Path

import click

from remediator_cli.files import write_output
from remediator_cli.incidents import find_incident, which_incident
from remediator_cli.report import page, text
from remediator_cli.report.facts import gather
from remediator_cli.stack import Stack, on_stack
from remediator_cli.terminal import as_json, say_json, stdout_console

FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command()
@which_incident
@click.option("--markdown", type=FILE, metavar="FILE", help="Write it there as Markdown.")
@click.option("--html", type=FILE, metavar="FILE", help="Write it there as one HTML file that loads nothing.")
@as_json
@on_stack
def report(stack: Stack, *, incident: str, markdown: Path | None, html: Path | None, as_json: bool) -> None:
    """Write the report of one incident.

    INCIDENT is an id, or the beginning of one: then it is the newest that begins so. Without one it is the newest of
    all, as with `latest`. Without a FILE the report is printed as text. It is made from the audit log and, if they can
    be read, the shop's metrics. What the remediator can't know is marked TODO, for a person.

    \b
    Examples: remediator report
              remediator report 20261123T0800 --html report.html
    """
    facts = gather(stack, find_incident(stack, incident))
    for file, written in ((markdown, page.markdown), (html, page.html)):
        if file:
            write_output(file, written(facts))
    if as_json:
        say_json(page.plain(facts))
    elif not markdown and not html:
        text.show(facts, stdout_console())
