"""`remediator diagnose`: what raw HTTP responses in files show."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import click

from remediator.diagnosis import diagnose as judge
from remediator.link_template import LinkTemplate
from remediator.report_link import LinkPolicy, ReportLink, guard
from remediator.sample import Sample
from remediator_cli.files import read_input
from remediator_cli.link import allow_links
from remediator_cli.terminal import always_json, say_json

STATUS_LINE = re.compile(rb"HTTP/\S* +([1-9]\d\d)(?!\S)")


@click.command()
@always_json
@click.argument("files", nargs=-1, required=True)
@click.option("--elapsed", default=0.0, help="Seconds until the answer was whole.  [default: quick]")
@allow_links
def diagnose(files: tuple[str, ...], elapsed: float, templates: tuple[LinkTemplate, ...]) -> None:
    """Say what raw HTTP responses of orders show.

    One a FILE, `-` is standard input: status line, headers, body. Several files are diagnosed as one set, as samples
    are. Nothing is called, and no name is looked up. Prints one JSON object: `diagnosis` (`healthy`, `fail`, `badjwt`,
    `throttle`, `no_link`, `unauthorized`, `unreachable`, `disagree`), `reason`, `link` (`host`, `fingerprint`,
    `allowed`, or null).

    \b
    Example: remediator diagnose order-500.txt --allow "https://factory.example.com/api/support/{key}/report/{code}"
    """
    samples = [replace(response(read_input(file), file), elapsed=elapsed) for file in files]
    shown = judge(samples, {})
    link = None
    if shown.links:
        judged = guard(shown.links[0], LinkPolicy(templates), None)
        link = {
            "host": judged.host,
            "fingerprint": judged.fingerprint,
            "allowed": isinstance(judged, ReportLink) and len(shown.links) == 1,
        }
    say_json({"diagnosis": shown.symptom, "reason": shown.evidence, "link": link})


def response(raw: bytes, name: str) -> Sample:
    """A raw HTTP response as a sample. Raises click.UsageError if it has no status line."""
    lines, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    line = STATUS_LINE.match(lines)
    if line is None:
        raise click.UsageError(f"{name} has no status line; it must begin like HTTP/1.1 500 Internal Server Error")
    return Sample(datetime.now(UTC), 0.0, int(line[1]), body)
