"""`remediator link URL`: would this link be called?"""

import json
from collections.abc import Iterable

import click

from remediator.adapters.pinned import system_resolver
from remediator.report_link import LinkPolicy, Refusal, guard
from remediator.settings import FACTORY
from remediator_cli.terminal import always_json

REFUSED = 3


def check_link(
    url: str, allow_hosts: Iterable[str], resolve: bool, *, allow_private: bool = False
) -> tuple[dict[str, object], int]:
    """What the guard says of `url`, and the exit code.

    Raises ValueError for an allowed host that isn't one.
    """
    policy = LinkPolicy(frozenset(allow_hosts), allow_private)
    verdict = guard(url, policy, system_resolver if resolve else None)
    refused = isinstance(verdict, Refusal)
    shown: dict[str, object] = {
        "allowed": not refused,
        "reason": verdict.reason if isinstance(verdict, Refusal) else "it is a report of an allowed host",
        "host": verdict.host,
        "fingerprint": verdict.fingerprint,
    }
    return shown, REFUSED if refused else 0


@click.command()
@always_json
@click.argument("url")
@click.option("--allow-host", "hosts", multiple=True, default=(FACTORY,), show_default=True, help="host or host:port")
@click.option("--allow-private", is_flag=True, help="Let private addresses pass, as on game days.")
@click.option(
    "--no-resolve", is_flag=True, help="Don't look the host up; an address in the URL is judged all the same."
)
@click.pass_context
def link(context: click.Context, *, url: str, hosts: tuple[str, ...], allow_private: bool, no_resolve: bool) -> None:
    """Say whether the report link URL would be called. Nothing is called.

    Prints one JSON object, which never holds the link. Exit code 0: it would be called; 3: it would not.

    \b
    Example: remediator link "$URL" --allow-host factory.example.com
    """
    try:
        shown, code = check_link(url, hosts, not no_resolve, allow_private=allow_private)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--allow-host") from error
    click.echo(json.dumps(shown))
    context.exit(code)
