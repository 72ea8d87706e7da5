"""`remediator chaos`: break the shop of `make local`, and repair it."""

import click

from remediator_cli.stack import local_stack
from remediator_cli.terminal import as_json, say, say_json
from simulator.asking import ask

SECONDS = 10.0


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
    now = ask("the shop of `make local`", up["shop_control"] + "/_control", {"chaos": kind}, SECONDS)
    if as_json:
        say_json({"chaos": now["chaos"]})
    elif kind == "off":
        say("chaos: off. Orders are good again.")
    else:
        say(f"chaos: {now['chaos']}. Orders fail until it is healed: `remediator heal --follow`")
