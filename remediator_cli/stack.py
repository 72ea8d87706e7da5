"""How a command reaches the deployed stack: one in an account, or the one that `make local` keeps up."""

import functools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
CONFIG = Config(connect_timeout=5, read_timeout=130, retries={"mode": "standard", "total_max_attempts": 3})


@dataclass(frozen=True, slots=True)
class Stack:
    """One deployed stack, its outputs and parameters. `endpoint`: the local AWS's address, None for AWS itself."""

    name: str
    session: Any
    outputs: dict[str, str]
    parameters: dict[str, str]
    endpoint: str | None = None

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
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(
            f"stack {name} can't be found: {error}\nGive --profile, --region and --stack as you deployed it."
        ) from None
    outputs = {o["OutputKey"]: o["OutputValue"] for o in shown.get("Outputs", [])}
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in shown.get("Parameters", [])}
    know_links(parameters.get("AllowedReportLinks", ""))
    return Stack(name, session, outputs, parameters, endpoint)


def local_stack() -> dict[str, Any] | None:
    """What `make local` keeps up in this folder, None if nothing is up. One that was killed leaves its file behind."""
    if not LOCAL_STACK.exists():
        return None
    found: dict[str, Any] = json.loads(read_input(str(LOCAL_STACK)))
    try:
        os.kill(found["pid"], 0)
    except ProcessLookupError:
        return None
    return found


def on_stack(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that name a stack, and the stack as its first argument."""

    @click.option("--profile", help="AWS profile.")
    @click.option("--region", help="AWS region.")
    @click.option("--stack", "name", help=f"The stack's name.  [default: {NAME}]")
    @functools.wraps(command)
    def wrapped(profile: str | None, region: str | None, name: str | None, **options: Any) -> Any:
        try:
            return command(find(profile, region, name), **options)
        except (BotoCoreError, ClientError, RemediatorError) as error:
            raise click.ClickException(f"{error}\nYour credentials may lack that permission.") from None

    return wrapped
