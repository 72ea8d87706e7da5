"""How a command reaches the deployed stack: one in an account, or the one that `make local` keeps up."""

import fcntl
import functools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import boto3
import click
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from remediator.errors import RemediatorError
from remediator_cli.files import read_input
from remediator_cli.records import Records
from remediator_cli.terminal import know_links, say

NAME = "pizza-remediator"
LOCAL_STACK = Path(".local/stack.json")  # in a checkout: what `make local` keeps up
WRITTEN = ("stack", "region", "endpoint", "shop_control", "built", "variables")  # what stands in it
CONFIG = Config(connect_timeout=5, read_timeout=130, retries={"mode": "standard", "total_max_attempts": 3})


class Outputs(dict[str, str]):
    """A stack's outputs. Raises click.ClickException for one that isn't there."""

    def __missing__(self, name: str) -> NoReturn:
        raise click.ClickException(
            f"the stack has no output {name}: is it the remediator's, and was its deployment finished? "
            "`remediator doctor` says more"
        )


@dataclass(frozen=True, slots=True)
class Stack:
    """One deployed stack, its outputs and parameters. `endpoint`: the local AWS's address, None for AWS itself."""

    name: str
    session: Any
    outputs: dict[str, str]
    parameters: dict[str, str]
    endpoint: str | None = None
    account: str = ""

    def client(self, service: str) -> Any:
        """A client of one AWS service, in the stack's account and region."""
        return self.session.client(service, endpoint_url=self.endpoint, config=CONFIG)

    @property
    def records(self) -> Records:
        """Its table."""
        return Records(self.client("dynamodb"), self.outputs["TableName"], self.name)


def find(profile: str | None, region: str | None, name: str | None) -> Stack:
    """The stack of that name; without any of the three, the one of `make local` if it is up.

    Raises click.ClickException saying what to do.
    """
    up = None if profile or region or name else local_stack()
    if up:
        say("(the stack of `make local`; name another with --stack, --region or --profile)", err=True)
    name, endpoint = (up["stack"], up["endpoint"]) if up else (name or NAME, None)
    try:
        session = (
            boto3.Session("test", "test", region_name=up["region"])
            if up
            else boto3.Session(profile_name=profile, region_name=region)
        )
        cloudformation = session.client("cloudformation", config=CONFIG, endpoint_url=endpoint)
        shown = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except (BotoCoreError, ClientError, ValueError) as error:  # ValueError: an endpoint's URL that is none
        raise click.ClickException(
            f"stack {name} can't be found: {error}\nGive --profile, --region and --stack as you deployed it."
        ) from None
    outputs = Outputs({o["OutputKey"]: o["OutputValue"] for o in shown.get("Outputs", [])})
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in shown.get("Parameters", [])}
    know_links(parameters.get("AllowedReportLinks", ""))
    return Stack(name, session, outputs, parameters, endpoint, shown["StackId"].split(":")[4])


def local_stack() -> dict[str, Any] | None:
    """What `make local` keeps up in this folder, None if nothing is up. One that was killed leaves its file behind.

    Raises click.ClickException if it is starting, or if the file can't be read as what `make local` writes.
    """
    if not LOCAL_STACK.exists() or not _is_held(LOCAL_STACK.parent):
        return None
    try:
        found: dict[str, Any] = json.loads(read_input(str(LOCAL_STACK)))
        if found.keys() == {"pid", "since"}:
            raise click.ClickException("`make local` is still starting: wait until it says what to do")
        return {name: found[name] for name in WRITTEN}
    except (ValueError, TypeError, LookupError, AttributeError):
        raise click.ClickException(f"{LOCAL_STACK} is damaged: end `make local`, and start it again") from None


def _is_held(folder: Path) -> bool:
    """Whether a `make local` runs, which holds its folder."""
    look = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(look, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(look)
    return False


def stack_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that name a stack, and their values as `profile`, `region` and `name`."""
    named = click.option("--stack", "name", envvar="REMEDIATOR_STACK", help=f"The stack's name.  [default: {NAME}]")
    region = click.option("--region", envvar="AWS_REGION", help="AWS region.")
    return click.option("--profile", envvar="AWS_PROFILE", help="AWS profile.")(region(named(command)))


def on_stack(command: Callable[..., Any], *, changes: bool = False) -> Callable[..., Any]:
    """Give a command those options, and the stack as its first argument. If it `changes` it, that is said first."""

    @stack_options
    @functools.wraps(command)
    def wrapped(profile: str | None, region: str | None, name: str | None, **options: Any) -> Any:
        try:
            stack = find(profile, region, name)
            if changes and not stack.endpoint:  # of the local one it is said in any case
                say(f"stack {stack.name} in {stack.session.region_name}, account {stack.account}", err=True)
            return command(stack, **options)
        except (BotoCoreError, ClientError, RemediatorError) as error:
            raise click.ClickException(f"{error}\nYour credentials may lack that permission.") from None

    return wrapped


changes_stack = functools.partial(on_stack, changes=True)
