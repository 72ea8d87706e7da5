"""`remediator chaos`: break the shop of `make local`, and repair it."""

import json
import urllib.request

import click

from remediator_cli.stack import local_stack
from remediator_cli.terminal import as_json


@click.command()
@click.argument("kind", type=click.Choice(["fail", "badjwt", "throttle", "off"]))
@as_json
def chaos(kind: str, *, as_json: bool) -> None:
    """Start or end chaos at the shop of `make local` (needs the checkout).

    \b
    Example: remediator chaos fail
    """
    up = local_stack()
    if up is None:
        raise click.ClickException("there is no shop to break: run `make local` in another terminal")
    url = up["shop_control"] + "/_control"
    body = json.dumps({"chaos": kind}).encode()
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - as above
        now = {"chaos": json.loads(answer.read())["chaos"]}
    click.echo(json.dumps(now) if as_json else f"chaos: {now['chaos']}")
