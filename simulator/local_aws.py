"""A local AWS of one's own: started on a free port, deployed into by SAM, ended with all it left behind.

What it doesn't do as AWS does is listed in ARCHITECTURE.md, "Green here is not green in AWS".
"""

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, STDOUT
from tempfile import TemporaryDirectory
from typing import Any, Self

import boto3
import click
import requests
from botocore.config import Config

from remediator_cli.waiting import poll
from simulator.interrupts import started
from simulator.paths import LAYER_PYTHON, MINISTACK, ROOT, SAM, SAMCONFIG

REGION = "us-east-1"
ACCOUNT = "000000000000"
SECONDS_TO_START = 120.0


def hold_port() -> socket.socket:
    """A loopback port for a program that can't be handed a socket: until this is closed, Linux gives it to nobody else.

    That program can listen there all the same: it says SO_REUSEADDR, as this does, and this doesn't listen (socket(7)).
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


def number(held: socket.socket) -> int:
    """The number of a port that is held."""
    port: int = held.getsockname()[1]
    return port


class LocalAws:
    """A ministack process. `enforce`: hold everybody to their IAM roles and the topics to their policies."""

    def __init__(self, *, enforce: bool = False, functions_see: str | None = None) -> None:
        if not MINISTACK.exists() or not SAM.exists():
            raise click.ClickException("the local AWS isn't set up: run `make setup` in the checkout")
        self._temporary = TemporaryDirectory(prefix="remediator-aws-", ignore_cleanup_errors=True)
        self.folder = Path(self._temporary.name)
        self._held = hold_port()
        self.url = f"http://127.0.0.1:{number(self._held)}"
        self.log = self.folder / "ministack.log"
        self._enforce = enforce
        self._functions_see = functions_see

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._temporary)
            stack.enter_context(self._held)
            log = stack.enter_context(self.log.open("wb"))
            self._process = stack.enter_context(
                started([str(MINISTACK)], env=self._own_environment(), stdout=log, stderr=log)
            )
            self._wait()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _own_environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "TMPDIR": str(self.folder),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(number(self._held)),
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "LAMBDA_EXECUTOR": "local",
            "IOT_MTLS_ENABLED": "0",
            "AWS_ENDPOINT_URL": self._functions_see or self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AUTH": "true" if self._enforce else "false",
        }

    def client(self, service: str, region: str = REGION) -> Any:
        """A client of one of its services, as the account's root."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - ministack's own, no secret
            config=Config(retries={"max_attempts": 1}, read_timeout=180),
        )

    def environment(self, region: str = REGION) -> dict[str, str]:
        """The environment in which AWS's tools find it."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "TMPDIR": str(self.folder),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.2",  # seconds between looks at a deployment (help of `sam deploy`), 5 by default
        }

    def deploy(self, built: Path, stack: str, parameters: Mapping[str, str], region: str = REGION) -> dict[str, str]:
        """Deploy a built template by SAM. Returns the stack's outputs by name."""
        overrides = [f"ParameterKey={name},ParameterValue='{value}'" for name, value in parameters.items()]
        run_sam(
            *("deploy", "--template-file", str(built / "template.yaml"), "--stack-name", stack),
            *("--config-file", str(SAMCONFIG), "--config-env", "local", "--parameter-overrides", *overrides),
            environment=self.environment(region),
        )
        found = self.client("cloudformation", region).describe_stacks(StackName=stack)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}

    def _wait(self) -> None:
        for _ in poll(SECONDS_TO_START, every=0.05):
            if self._process.poll() is not None:
                break
            with suppress(requests.RequestException):
                if requests.get(f"{self.url}/_ministack/ready", timeout=1).ok:
                    return
        raise click.ClickException(f"the local AWS didn't start:\n{self.log.read_text()[-2000:]}")


def run_sam(*words: str, environment: Mapping[str, str]) -> None:
    """Run one SAM command in the checkout; what it printed is shown only if it fails."""
    words = (str(SAM), *words)
    with started(words, cwd=ROOT, env=dict(environment), stdout=PIPE, stderr=STDOUT, text=True) as process:
        printed, _ = process.communicate()
    if process.returncode:
        raise click.ClickException(f"sam {words[1]} failed:\n{printed[-6000:]}")


def build(into: Path) -> Path:
    """Build the template by SAM, as `make build` does, and copy the result, since others may build meanwhile."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {"TMPDIR": str(into)}
    with alone("build"):
        here = {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION, "PYTHON": str(LAYER_PYTHON)}
        run_sam("build", "--cached", environment={**environment, **here})
        return copy(ROOT / ".aws-sam" / "build", into / "built")


def copy(folder: Path, into: Path) -> Path:
    """Copy a folder. Raises click.ClickException, with the first of what may be a thousand reasons."""
    try:
        return Path(shutil.copytree(folder, into))
    except shutil.Error as error:
        raise click.ClickException(f"{folder} can't be copied: {error.args[0][0][2]}") from None


@contextmanager
def alone(name: str) -> Iterator[None]:
    """One at a time: SAM's cache of built layers isn't made for two builds side by side."""
    place = ROOT / ".aws-sam"
    place.mkdir(exist_ok=True)
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
