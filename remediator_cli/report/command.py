"""`remediator report`: one incident's report, for the team to read and to complete."""

from pathlib import Path

import click

from remediator_cli.incidents import find_incident
from remediator_cli.report import page
from remediator_cli.report.facts import gather
from remediator_cli.stack import Stack, on_stack
from remediator_cli.terminal import as_json, say, say_json

FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command()
@click.argument("incident")
@click.option("--markdown", type=FILE, metavar="FILE", help="Write it there as Markdown.")
@click.option("--html", type=FILE, metavar="FILE", help="Write it there as one HTML file that loads nothing.")
@as_json
@on_stack
def report(stack: Stack, *, incident: str, markdown: Path | None, html: Path | None, as_json: bool) -> None:
    """Write the report of one incident.

    INCIDENT is an id, or the beginning of one: then it is the newest that begins so. Without a FILE it is printed as
    Markdown. It is made from the audit log and, if they can be read, the shop's metrics. What the remediator can't
    know is marked TODO, for a person.

    \b
    Example: remediator report 20261123T0800 --html report.html
    """
    facts = gather(stack, find_incident(stack, incident))
    for file, written in ((markdown, page.markdown), (html, page.html)):
        if file:
            file.write_text(written(facts), encoding="utf-8")
            say(f"written to {file}", err=True)
    if as_json:
        say_json(page.plain(facts))
    elif not markdown and not html:
        for line in page.markdown(facts).splitlines():
            say(line)
