"""`make local`: a shop and the deployed stack that stay until Ctrl-C, for a second terminal to play with."""

import errno
import json
import os
import re
import socket
import time
from pathlib import Path
from typing import Any

import click

from console.gameday.days import GameDay
from console.gameday.invoke import sent_now
from console.gameday.listening import LOOPBACK
from console.gameday.local_aws import REGION
from console.gameday.scene import STACK, Scene
from console.gameday.shop import Shop
from console.main import interruptible
from console.places import LOCAL, ROOT
from remediator.addresses import is_literal, may_connect

ENVIRONMENT = "env.json"  # the function's variables in a container: `sam local invoke --env-vars`
EVENT = "event.json"  # an alarm that is sent now, whenever it is read
STANDING = "stack.json"  # for `make invoke` and the command line in another terminal
ALARM = ROOT / "events" / "cloudwatch-alarm.json"


def _reachable(_: click.Context, __: click.Parameter, address: str) -> str:
    never = is_literal(address) and not may_connect(address, allow_private=True)
    if never or not re.fullmatch("[a-z0-9.-]+", address):
        raise click.BadParameter(f"{address} is neither a name nor an IPv4 address that a report link may lead to.")
    return address


@click.command()
@click.option(
    "--address",
    default=LOOPBACK,
    show_default=True,
    callback=_reachable,
    help="Where a container reaches this machine: an IPv4 address, to listen there too, or a name of its loopback.",
)
@click.option("--slow", default=32.0, show_default=True, help="Seconds that a throttled order takes.")
@click.option("--folder", default=LOCAL, hidden=True, type=click.Path(path_type=Path, resolve_path=True))
def local(address: str, slow: float, folder: Path) -> None:
    """Keep a shop and the deployed stack up until Ctrl-C."""
    interruptible()
    day = GameDay("local", "whatever the second terminal does", "off", ())
    click.echo("starting: about 15 s")
    with Shop(slow_seconds=slow, address=address) as shop, Scene(shop, day, address=address) as scene:
        scene.deploy()
        folder.mkdir(exist_ok=True)
        (folder / STANDING).write_text(json.dumps(standing(scene, shop), indent=2))
        (folder / ENVIRONMENT).write_text(json.dumps({"Remediate": variables(scene, address)}, indent=2))
        try:
            _tell(scene, shop, address, folder)
            while True:
                _renew(folder)
                time.sleep(1)
        except KeyboardInterrupt:
            click.echo("\nending what was started")
        finally:
            for name in (STANDING, ENVIRONMENT, EVENT, f"{EVENT}.new"):
                (folder / name).unlink(missing_ok=True)


def _renew(folder: Path) -> None:
    """Set the event's time to now, so that each invocation by it is by an alarm of its own."""
    new = folder / f"{EVENT}.new"
    new.write_text(json.dumps(sent_now(json.loads(ALARM.read_text())), indent=2))
    new.replace(folder / EVENT)  # whoever reads it finds a whole one


def variables(scene: Scene, address: str = LOOPBACK) -> dict[str, str]:
    """The function's variables, leading to `address` for all that the stack reaches on loopback."""
    found = scene.variables() | {"GAME_DAY_AWS": scene.recorder.url}
    for name in ("SHOP_URL", "ALLOWED_REPORT_HOSTS", "GAME_DAY_AWS"):
        found[name] = found[name].replace(LOOPBACK, address)
    return found


def standing(scene: Scene, shop: Shop) -> dict[str, Any]:
    """What the command line in another terminal needs of us. The credentials are the local AWS's own, no secrets."""
    return {
        "pid": os.getpid(),
        "stack": STACK,
        "region": REGION,
        "endpoint": scene.aws.url,
        "shop_control": shop.control_url,
        "built": str(scene.built),
        "variables": variables(scene),
    }


def _tell(scene: Scene, shop: Shop, address: str, folder: Path) -> None:
    rows = {
        "shop": shop.url,
        "factory": shop.factory_url,
        "local AWS": scene.aws.url,
        "table": scene.outputs["TableName"],
        "alarm topic": scene.outputs["AlarmTopicArn"],
        "variables": str((folder / ENVIRONMENT).relative_to(Path.cwd(), walk_up=True)),
        "event": str((folder / EVENT).relative_to(Path.cwd(), walk_up=True)),
        "containers": f"find shop, factory and local AWS at {address}",
    }
    if address == LOOPBACK:
        del rows["containers"]
    for name, value in rows.items():
        click.echo(f"{name:12} {value}")
    if _is_missing(address):
        click.echo(f"{address} is no address of this machine yet. Podman's bridge comes with the first container.")
    click.echo(
        "\nin a second terminal:\n"
        "  .venv/bin/remediator chaos fail\n"
        "  make invoke EVENT=events/cloudwatch-alarm.json\n"
        "  .venv/bin/remediator heal --follow\n"
        "Ctrl-C here ends it all."
    )


def _is_missing(address: str) -> bool:
    """Whether it is an IPv4 address, and none of this machine's now."""
    if not is_literal(address):
        return False
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            return error.errno == errno.EADDRNOTAVAIL
    return False


if __name__ == "__main__":
    local()
