"""`remediator verify`: is the audit log intact?"""

import sys

import click

from remediator.audit import verify_chain
from remediator.bootstrap import now
from remediator_cli.stack import Stack, on_stack
from remediator_cli.terminal import as_json, say, say_json


@click.command()
@as_json
@on_stack
def verify(stack: Stack, *, as_json: bool) -> None:
    """Say whether the audit log is intact.

    Names the first entry that was altered, dropped or moved, also at its ends. Exit code 1 if there is one.

    \b
    Example: remediator verify
    """
    state = stack.records.state()  # first: what is written between is in the log, and follows
    log = stack.records.log()
    fault = verify_chain(log, now(), state.v, state.last)
    if not fault and log and log[-1].v > state.v:
        state = stack.records.state()
        fault = f"the log goes on to entry {log[-1].v}, the state to {state.v}" if log[-1].v > state.v else None
    first = log[0].v if log else 0
    older = f" (older ones have expired; it begins at {first})" if first > 1 else ""
    value = {"intact": not fault, "fault": fault, "first": first, "last": state.v, "hash": state.hash}
    words = fault or f"{len(log)} entries, intact{older}; last hash {state.hash}"
    say_json(value) if as_json else say(words)
    sys.exit(1 if fault else 0)
