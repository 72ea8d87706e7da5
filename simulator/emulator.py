"""AWS's runtime emulator: the built function in the real runtime, without a container."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

import click
import requests
from aiohttp import web

from remediator_cli.waiting import poll
from simulator.interrupts import started
from simulator.local_aws import hold_port, number
from simulator.paths import EMULATOR, RUNTIME_PYTHON
from simulator.proxy import Proxy

SECONDS_TO_START = 120.0


class Emulator:
    """One runtime process of a built function. `environment`: the function's variables, credentials included.

    Only the built function, the built layer and the runtime client are on its path, on the runtime's own version.
    """

    def __init__(self, built: Path, function: str, environment: Mapping[str, str], log: Path) -> None:
        if not RUNTIME_PYTHON.exists() or not EMULATOR.exists():
            raise click.ClickException("the runtime emulator isn't set up: run `make runtime`")
        self._folder = built / function
        if not self._folder.is_dir():
            raise click.ClickException(f"there is no built function at {self._folder}: start `make local` again")
        self._layer = built / "Core" / "python"
        self._environment = dict(environment)
        self._ports = hold_port(), hold_port()
        self.log = log
        self.url = f"http://127.0.0.1:{number(self._ports[0])}/2015-03-31/functions/function/invocations"

    def __enter__(self) -> Self:
        interface, runtime = (f"127.0.0.1:{number(held)}" for held in self._ports)
        words = (EMULATOR, "--runtime-interface-emulator-address", interface, "--runtime-api-address", runtime)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{self._folder}:{self._layer}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_LAMBDA_FUNCTION_NAME": self._folder.name,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": "120",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
            **self._environment,
        }
        with ExitStack() as stack:
            for held in self._ports:
                stack.enter_context(held)
            log = stack.enter_context(self.log.open("wb"))
            self._process = stack.enter_context(
                started(
                    [*map(str, words), str(RUNTIME_PYTHON), "-m", "awslambdaric", "app.handler"],
                    cwd=self._folder,
                    env=environment,
                    stdout=log,
                    stderr=log,
                )
            )
            if not self._listens(f"http://{interface}/"):
                raise click.ClickException(f"the runtime emulator didn't start:\n{self.log.read_text()[-2000:]}")
            self._stack = stack.pop_all()
        return self

    def _listens(self, url: str) -> bool:
        for _ in poll(SECONDS_TO_START, every=0.05):
            if self._process.poll() is not None:
                break
            with suppress(requests.RequestException):
                requests.get(url, timeout=1)  # it listens, whatever it answers
                return True
        return False

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class Pool(Proxy):
    """Emulators in a row behind one address: each takes one request at a time, since two at once end it."""

    def __init__(self, emulators: Sequence[Emulator]) -> None:
        self._emulators = emulators
        self._free: asyncio.Queue[Emulator] | None = None

    async def pass_on(self, request: web.Request) -> web.Response:
        if self._free is None:
            self._free = asyncio.Queue()
            for emulator in self._emulators:
                self._free.put_nowait(emulator)
        emulator = await self._free.get()
        try:
            return await self.forward(request, emulator.url)
        finally:
            self._free.put_nowait(emulator)
