"""`make local`: a shop and the deployed stack that stay until Ctrl-C, for a second terminal to play with."""

import errno
import json
import re
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NoReturn

import click

from remediator.addresses import is_literal, may_connect
from remediator_cli.terminal import say
from simulator import interrupts
from simulator.days import BACK, GameDay
from simulator.environment import STACK, GameDayEnvironment
from simulator.holding import ENVIRONMENT, EVENT, STACK_FILE, Held, hold
from simulator.invoke import sent_now
from simulator.listening import LOOPBACK
from simulator.local_aws import REGION
from simulator.paths import LOCAL, ROOT
from simulator.shop import Shop

ALARM = ROOT / "events" / "cloudwatch-alarm.json"
SIZES = "10 to 30 s, 300 MB of memory, and 70 MB of the temporary folder"
SLOW = "Seconds that a throttled order takes."
IN_A_SECOND_TERMINAL = """
in a second terminal:
  .venv/bin/remediator chaos fail
  .venv/bin/remediator heal --follow
  .venv/bin/remediator incidents
  .venv/bin/remediator report
Ctrl-C here ends it all.
"""


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
@click.option("--slow", type=click.IntRange(0, 3600), default=32, show_default=True, help=SLOW)
@click.option("--folder", default=LOCAL, hidden=True, type=click.Path(path_type=Path, resolve_path=True))
def local(address: str, slow: int, folder: Path) -> None:
    """Keep a shop and the deployed stack up until Ctrl-C."""
    with hold(folder) as held:
        with ExitStack() as stack:
            try:
                _keep_up(stack, held, address, slow)
            except KeyboardInterrupt:
                _tell("")  # behind the terminal's ^C
                _tell("ending what was started")
            finally:
                interrupts.ignore()
        _tell(f"ended: no process of it runs, and nothing of it is left in {_shown(folder)} or the temporary folder")


def _tell(text: str) -> None:
    """Print it, if the window is still there."""
    with suppress(OSError):
        say(text)


def _keep_up(stack: ExitStack, held: Held, address: str, slow: int) -> NoReturn:
    say(f"starting a shop and a local AWS: it takes {SIZES}")
    shop = interrupts.enter(stack, Shop(slow_seconds=slow, address=address))
    day = GameDay("local", "whatever the second terminal does", BACK, ())
    environment = stack.enter_context(GameDayEnvironment(shop, day, address=address))
    environment.deploy()
    held.write(ENVIRONMENT, {"Remediate": variables(environment, address)})
    held.write(STACK_FILE, held.who | describe(environment, shop))
    _show(environment, shop, address, held.folder)
    while True:  # an event of now, so that each invocation by it is by an alarm of its own
        held.write(EVENT, sent_now(json.loads(ALARM.read_text())))
        interrupts.heed()
        time.sleep(1)


def variables(environment: GameDayEnvironment, address: str = LOOPBACK) -> dict[str, str]:
    """The function's variables, leading to `address` for all that the stack reaches on loopback."""
    found = environment.variables() | {"GAME_DAY_AWS": environment.recorder.url}
    for name in ("SHOP_URL", "ALLOWED_REPORT_LINKS", "GAME_DAY_AWS"):
        found[name] = found[name].replace(LOOPBACK, address)
    return found


def describe(environment: GameDayEnvironment, shop: Shop) -> dict[str, Any]:
    """What the command line in another terminal needs of us. The credentials are the local AWS's own, no secrets."""
    return {
        "stack": STACK,
        "region": REGION,
        "endpoint": environment.aws.url,
        "shop": shop.url,
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
        "variables": _shown(folder / ENVIRONMENT),
        "event": _shown(folder / EVENT),
        "containers": f"find shop, factory and local AWS at {address}",
    }
    if address == LOOPBACK:
        del rows["containers"]
    for name, value in rows.items():
        say(f"{name:12} {value}")
    if _is_missing(address):
        say(f"{address} is no address of this machine yet. Podman's bridge comes with the first container.")
    for line in IN_A_SECOND_TERMINAL.splitlines():
        say(line)


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd(), walk_up=True))


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
