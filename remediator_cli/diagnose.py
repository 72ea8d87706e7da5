"""`remediator diagnose`: what answers of the shop show, as people have them in hand."""

from dataclasses import replace

import click

from remediator.diagnosis import diagnose as judge
from remediator.link_template import LinkTemplate
from remediator.report_link import LinkPolicy, ReportLink, guard
from remediator_cli.evidence import read_evidence
from remediator_cli.files import read_input
from remediator_cli.link import allow_links
from remediator_cli.terminal import always_json, has_person, say_json


@click.command()
@always_json
@click.argument("files", nargs=-1)
@click.option("--elapsed", type=float, help="Seconds until the answer was whole.  [default: as a HAR says, or quick]")
@allow_links
def diagnose(files: tuple[str, ...], elapsed: float | None, templates: tuple[LinkTemplate, ...]) -> None:
    """Say what answers of the shop to orders show.

    A FILE holds a raw response (status line, headers, body: what `curl -i` shows), log lines of the shop (JSON with
    `statusCode` and `resBody`, also as Loki and Grafana export them), a HAR or an entry of it, or a body alone. `-`, or
    none, is standard input. Several answers are diagnosed as one set, as samples are. Nothing is called, and no name is
    looked up. Prints one JSON object: `diagnosis` (`healthy`, `fail`, `badjwt`, `throttle`, `no_link`, `unauthorized`,
    `unreachable`, `rate_limited`, `disagree`), `reason`, `link` (`host`, `fingerprint`, `allowed`, or null).

    \b
    Example: remediator diagnose order-500.txt --allow "https://factory.example.com/api/support/{key}/report/{code}"
    """
    if not files and has_person():
        raise click.UsageError("Name a FILE, or pipe an answer into it.")
    found = [read_evidence(read_input(file), file) for file in files or ("-",)]
    samples = [sample if elapsed is None else replace(sample, elapsed=elapsed) for each, _ in found for sample in each]
    shown = judge(samples, {})
    link = None
    if shown.links:
        judged = guard(shown.links[0], LinkPolicy(templates), None)
        link = {
            "host": judged.host,
            "fingerprint": judged.fingerprint,
            "allowed": isinstance(judged, ReportLink) and len(shown.links) == 1,
        }
    supposed = "".join(dict.fromkeys(f"{words}: " for _, words in found if words))
    say_json({"diagnosis": shown.symptom, "reason": supposed + shown.evidence, "link": link})
