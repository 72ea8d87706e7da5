"""`remediator verify`: is the audit log intact?"""

import json
import sys

import click

from remediator.audit import verify_chain
from remediator_cli.stack import Stack, on_stack
from remediator_cli.terminal import as_json


@click.command()
@as_json
@on_stack
def verify(stack: Stack, *, as_json: bool) -> None:
    """Say whether the audit log is intact.

    Names the first entry that was altered, dropped or moved. Exit code 1 if there is one.

    \b
    Example: remediator verify
    """
    log, state = stack.records.log(), stack.records.state()
    fault = verify_chain(log)
    last = (log[-1].v, log[-1].hash) if log else (0, "")
    if not fault and last != (state.v, state.hash):
        fault = f"the state is at entry {state.v}, the audit log ends at {last[0]}, or with another hash"
    first = log[0].v if log else 0
    if as_json:
        shown = {"intact": not fault, "fault": fault, "first": first, "last": state.v, "hash": state.hash}
        click.echo(json.dumps(shown))
    else:
        older = f" (older ones have expired; it begins at {first})" if first > 1 else ""
        click.echo(fault or f"{len(log)} entries, intact{older}; last hash {state.hash}")
    sys.exit(1 if fault else 0)
