"""`remediator verify`: is the log what was written?"""

import json
import sys

import click

from console.records import broken
from console.stack import Stack, on_stack
from console.terminal import as_json


@click.command()
@as_json
@on_stack
def verify(stack: Stack, *, as_json: bool) -> None:
    """Say whether the log is what was written.

    Names the first entry that was altered, dropped or reordered. Exit code 1 if there is one.

    \b
    Example: remediator verify
    """
    log, head = stack.records.log(), stack.records.head()
    fault = broken(log)
    if not fault and (log[-1].v if log else 0, log[-1].hash if log else "") != (head.v, head.hash):
        fault = f"the head is at entry {head.v}, the log ends at {log[-1].v if log else 0}, or with another hash"
    first = log[0].v if log else 0
    if as_json:
        click.echo(json.dumps({"whole": not fault, "fault": fault, "first": first, "last": head.v, "hash": head.hash}))
    else:
        older = f" (older ones have expired; it begins at {first})" if first > 1 else ""
        click.echo(fault or f"{len(log)} entries, whole{older}; last hash {head.hash}")
    sys.exit(1 if fault else 0)
