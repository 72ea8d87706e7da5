"""`make invoke EVENT=…`: one event to the built function, in the runtime emulator, beside `make local`."""

import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from remediator_cli.files import read_input
from remediator_cli.stack import local_stack
from remediator_cli.terminal import say, say_json
from simulator.asking import ask
from simulator.emulator import Emulator

SECONDS = 130.0
LINES_OF_THE_LOG = 20
BY_THE_EMULATOR = "(rapid)"  # its own lines in the function's log


@click.command()
@click.argument("event")
def invoke(event: str) -> None:
    """Hand the event in EVENT to the built function, and print what it answers. Exit code 1 if it raised."""
    handed = _read_event(event)
    up = local_stack()
    if up is None:
        raise click.ClickException("nothing is up to invoke it against: run `make local` in another terminal")
    access = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": up["region"]}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "emulator.log"
        try:
            with Emulator(Path(up["built"]), "Remediate", {**up["variables"], **access}, log) as emulator:
                ended = ask("the function", emulator.url, handed, SECONDS)
        except click.ClickException:
            _show_end(log)
            raise
        if isinstance(ended, dict) and "errorType" in ended:
            _show_end(log)
    say_json(ended)
    sys.exit(1 if isinstance(ended, dict) and "errorType" in ended else 0)


def _read_event(file: str) -> Any:
    try:
        return sent_now(json.loads(read_input(file)))
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{file} holds no event: it isn't JSON ({error})") from None


def _show_end(log: Path) -> None:
    """The last lines that the function wrote, on standard error."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    for line in [each for each in lines if BY_THE_EMULATOR not in each][-LINES_OF_THE_LOG:]:
        say(f"log: {line}", err=True)


def sent_now(event: Any) -> Any:
    """The event with SNS's time stamps set to now: an old alarm would be covered by a newer check."""
    records = event.get("Records") if isinstance(event, dict) else None
    for record in records if isinstance(records, list) else []:
        if isinstance(record, dict) and isinstance(record.get("Sns"), dict):
            record["Sns"]["Timestamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return event
