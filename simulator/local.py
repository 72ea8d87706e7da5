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

from remediator.addresses import is_literal, may_connect
from remediator_cli.main import end_on_signals
from simulator.days import BACK, GameDay
from simulator.environment import STACK, GameDayEnvironment
from simulator.invoke import sent_now
from simulator.listening import LOOPBACK
from simulator.local_aws import REGION
from simulator.paths import LOCAL, ROOT
from simulator.shop import Shop

ENVIRONMENT = "env.json"  # the function's variables in a container: `sam local invoke --env-vars`
EVENT = "event.json"  # an alarm that is sent now, whenever it is read
STACK_FILE = "stack.json"  # for `make invoke` and the command line in another terminal
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
    end_on_signals()
    day = GameDay("local", "whatever the second terminal does", BACK, ())
    click.echo("starting: about 15 s")
    with (
        Shop(slow_seconds=slow, address=address) as shop,
        GameDayEnvironment(shop, day, address=address) as environment,
    ):
        environment.deploy()
        folder.mkdir(exist_ok=True)
        (folder / STACK_FILE).write_text(json.dumps(describe(environment, shop), indent=2))
        (folder / ENVIRONMENT).write_text(json.dumps({"Remediate": variables(environment, address)}, indent=2))
        try:
            _show(environment, shop, address, folder)
            while True:
                _renew(folder)
                time.sleep(1)
        except KeyboardInterrupt:
            click.echo("\nending what was started")
        finally:
            for name in (STACK_FILE, ENVIRONMENT, EVENT, f"{EVENT}.new"):
                (folder / name).unlink(missing_ok=True)


def _renew(folder: Path) -> None:
    """Set the event's time to now, so that each invocation by it is by an alarm of its own."""
    new = folder / f"{EVENT}.new"
    new.write_text(json.dumps(sent_now(json.loads(ALARM.read_text())), indent=2))
    new.replace(folder / EVENT)  # whoever reads it finds a whole one


def variables(environment: GameDayEnvironment, address: str = LOOPBACK) -> dict[str, str]:
    """The function's variables, leading to `address` for all that the stack reaches on loopback."""
    found = environment.variables() | {"GAME_DAY_AWS": environment.recorder.url}
    for name in ("SHOP_URL", "ALLOWED_REPORT_LINKS", "GAME_DAY_AWS"):
        found[name] = found[name].replace(LOOPBACK, address)
    return found


def describe(environment: GameDayEnvironment, shop: Shop) -> dict[str, Any]:
    """What the command line in another terminal needs of us. The credentials are the local AWS's own, no secrets."""
    return {
        "pid": os.getpid(),
        "stack": STACK,
        "region": REGION,
        "endpoint": environment.aws.url,
        "shop_control": shop.control_url,
        "built": str(environment.built),
        "variables": variables(environment),
    }


def _show(environment: GameDayEnvironment, shop: Shop, address: str, folder: Path) -> None:
    rows = {
        "shop": shop.url,
        "factory": shop.factory_url,
        "local AWS": environment.aws.url,
        "table": environment.outputs["TableName"],
        "alarm topic": environment.outputs["AlarmTopicArn"],
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
