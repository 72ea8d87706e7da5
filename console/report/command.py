"""`remediator report`: one incident's report, for the team to read and to complete."""

import json
from pathlib import Path

import click

from console.incidents import known
from console.report import page
from console.report.facts import gather
from console.stack import Stack, on_stack
from console.terminal import as_json

FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command()
@click.argument("incident")
@click.option("--markdown", type=FILE, metavar="FILE", help="Write it there as Markdown.")
@click.option("--html", type=FILE, metavar="FILE", help="Write it there as one HTML file that asks nothing of anybody.")
@as_json
@on_stack
def report(stack: Stack, *, incident: str, markdown: Path | None, html: Path | None, as_json: bool) -> None:
    """Write the report of one incident.

    INCIDENT may be the beginning of its id, and means the newest then. Without a FILE: Markdown, here. It is made
    from the log and, where they can be read, the shop's metrics. What the machine can't know is marked TODO, for a
    person.

    \b
    Example: remediator report 20261123T0800 --html report.html
    """
    facts = gather(stack, known(stack, incident))
    for file, written in ((markdown, page.markdown), (html, page.html)):
        if file:
            file.write_text(written(facts), encoding="utf-8")
            click.echo(f"written to {file}", err=True)
    if as_json:
        click.echo(json.dumps(page.plain(facts)))
    elif not markdown and not html:
        click.echo(page.markdown(facts), nl=False)
