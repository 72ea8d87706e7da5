"""`make invoke EVENT=…`: one event to the built function, in the runtime emulator, beside `make local`."""

import json
import sys
import tempfile
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from remediator_cli.stack import local_stack
from simulator.emulator import Emulator

SECONDS = 130


@click.command()
@click.argument("event", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def invoke(event: Path) -> None:
    """Hand the event in EVENT to the built function, and print what it answers. Exit code 1 if it raised."""
    up = local_stack()
    if up is None:
        raise click.ClickException("nothing is up to invoke it against: run `make local` in another terminal")
    region = up["region"]
    access = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": region,
    }
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "emulator.log"
        with Emulator(Path(up["built"]), "Remediate", {**up["variables"], **access}, log) as emulator:
            body = json.dumps(sent_now(json.loads(event.read_text()))).encode()
            asked = urllib.request.Request(emulator.url, data=body)  # noqa: S310 - loopback
            with urllib.request.urlopen(asked, timeout=SECONDS) as answer:  # noqa: S310 - as above
                ended = json.loads(answer.read())
    click.echo(json.dumps(ended, indent=2))
    if isinstance(ended, dict) and "errorType" in ended:
        sys.exit(1)


def sent_now(event: Any) -> Any:
    """The event with SNS's time stamps set to now: an old alarm would be covered by a newer check."""
    records = event.get("Records", []) if isinstance(event, dict) else []
    for record in records:
        if isinstance(record.get("Sns"), dict):
            record["Sns"]["Timestamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return event


if __name__ == "__main__":
    invoke()
