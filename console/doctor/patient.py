"""What `remediator doctor` examines: one stack, and what several checks need of it, read once."""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from console.stack import Stack
from remediator.adapters.http import Caller, HttpShop
from remediator.adapters.pinned import system_resolver
from remediator.adapters.secrets import DinerSecret
from remediator.bootstrap import ACCESS, now
from remediator.diagnosis import Diagnosis, judge_login
from remediator.head import Head
from remediator.masking import Mask
from remediator.report_link import Resolver
from remediator.sample import Deadline
from remediator.settings import Settings, least_seconds

State = Literal["ok", "note", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `do` stands in for its row's own, where more is known."""

    state: State
    found: str
    do: str = ""


class Patient:
    """`clock` tells UTC; `resolve` looks names up, as for the guard. The shop is asked as the function asks it."""

    def __init__(self, stack: Stack, clock: Callable[[], datetime] = now, resolve: Resolver = system_resolver) -> None:
        self.stack, self.clock, self.resolve = stack, clock, resolve
        self.outputs, self.client = stack.outputs, stack.client
        self.mask = Mask()

    def pages(self, service: str, operation: str, part: str, **asked: Any) -> list[Any]:
        """All that a listing of AWS holds under `part`."""
        pages = self.client(service).get_paginator(operation).paginate(**asked)
        return [one for page in pages for one in page.get(part, ())]

    @cached_property
    def function(self) -> Any:
        """The function's configuration (Lambda, GetFunctionConfiguration)."""
        return self.client("lambda").get_function_configuration(FunctionName=self.outputs["FunctionName"])

    @cached_property
    def settings(self) -> Settings:
        """The function's environment, read as the function does. Raises SettingsError."""
        return Settings.of(self.function["Environment"]["Variables"])

    def asked(self) -> Any:
        """What the function says that its role lets it read (bootstrap, `access`), or Lambda of what it raised."""
        name = self.outputs["FunctionName"]
        return json.load(self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(ACCESS))["Payload"])

    @cached_property
    def head(self) -> Head:
        """Raises StateError, UnreadableHead."""
        return self.stack.records.head()

    @cached_property
    def caller(self) -> Caller:
        """Connections that trust what the function trusts."""
        return Caller(self.clock, b64decode(self.settings.game_day_ca) or None)

    @contextmanager
    def logged_in(self) -> Iterator[tuple[HttpShop, str | Diagnosis, Deadline]]:
        """The shop with the diner's token, or why there is none; logged out at the end, always. Raises SecretError."""
        deadline = Deadline.after(least_seconds(self.settings.order_seconds))
        secret = DinerSecret(self.client("secretsmanager"), self.settings.diner_secret_arn)
        shop = HttpShop(self.caller, self.settings, secret, self.mask)
        token = judge_login(shop.login(deadline))
        try:
            if isinstance(token, str):
                self.mask.add(token)
            yield shop, token, deadline
        finally:
            if isinstance(token, str):
                shop.logout(token, deadline)
