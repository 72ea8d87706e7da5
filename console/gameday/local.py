"""`make local`: a shop and the deployed stack that stay until Ctrl-C, for a second terminal to play with."""

import json
import os
import time
from pathlib import Path
from typing import Any

import click

from console.gameday.days import GameDay
from console.gameday.local_aws import REGION
from console.gameday.scene import STACK, Scene
from console.gameday.shop import Shop
from console.main import interruptible
from console.places import LOCAL

ENVIRONMENT = "env.json"  # for the built function: `make invoke`, `sam local invoke --env-vars`
STANDING = "stack.json"  # for the command line in another terminal


@click.command()
@click.option(
    "--address",
    default="127.0.0.1",
    show_default=True,
    help="The name by which a container reaches this machine, e.g. host.docker.internal.",
)
@click.option("--slow", default=32.0, show_default=True, help="Seconds that a throttled order takes.")
def local(address: str, slow: float) -> None:
    """Keep a shop and the deployed stack up until Ctrl-C."""
    interruptible()
    day = GameDay("local", "whatever the second terminal does", "off", ())
    click.echo("starting: about 15 s")
    with Shop(slow_seconds=slow, factory_name=address) as shop, Scene(shop, day) as scene:
        scene.deploy()
        LOCAL.mkdir(exist_ok=True)
        kept = [LOCAL / ENVIRONMENT, LOCAL / STANDING]
        kept[0].write_text(json.dumps(variables(scene, address), indent=2))
        kept[1].write_text(json.dumps(standing(scene, shop), indent=2))
        try:
            _tell(scene, shop)
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            click.echo("\nending what was started")
        finally:
            for file in kept:
                file.unlink(missing_ok=True)


def variables(scene: Scene, address: str) -> dict[str, dict[str, str]]:
    """The function's variables, as SAM's `--env-vars` takes them, with addresses that a container can reach."""
    found = scene.variables()
    for name in ("SHOP_URL", "GAME_DAY_AWS"):
        found[name] = (found[name] or scene.aws.url).replace("127.0.0.1", address)
    return {"Remediate": found}


def standing(scene: Scene, shop: Shop) -> dict[str, Any]:
    """What the command line in another terminal needs of us. The credentials are the local AWS's own, no secrets."""
    return {
        "pid": os.getpid(),
        "stack": STACK,
        "region": REGION,
        "endpoint": scene.aws.url,
        "shop_control": shop.control_url,
        "built": str(scene.built),
    }


def _tell(scene: Scene, shop: Shop) -> None:
    rows = {
        "shop": shop.url,
        "factory": shop.factory_url,
        "local AWS": scene.aws.url,
        "table": scene.outputs["TableName"],
        "alarm topic": scene.outputs["AlarmTopicArn"],
        "variables": str((LOCAL / ENVIRONMENT).relative_to(Path.cwd(), walk_up=True)),
    }
    for name, value in rows.items():
        click.echo(f"{name:12} {value}")
    click.echo(
        "\nin a second terminal:\n"
        "  .venv/bin/remediator chaos fail\n"
        "  make invoke EVENT=events/cloudwatch-alarm.json\n"
        "  .venv/bin/remediator heal --follow\n"
        "Ctrl-C here ends it all."
    )


if __name__ == "__main__":
    local()
