"""What `remediator doctor` examines: one stack, and what several checks need of it, read once."""

from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from remediator.adapters.http import HttpClient, HttpShop
from remediator.adapters.pinned import system_resolver
from remediator.adapters.secrets import DinerSecret
from remediator.bootstrap import now
from remediator.deadline import Deadline
from remediator.diagnosis import Diagnosis, judge_login
from remediator.endpoints import CANARY_LOGIN, ORDER
from remediator.masking import Mask
from remediator.report_link import Resolver
from remediator.settings import Settings, least_seconds
from remediator.state import State
from remediator_cli.stack import Stack

LOGIN, TABLE = "secret and login", "table and state"  # two rows that another one names
Grade = Literal["ok", "note", "broken"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check found. `do` replaces its row's own if more is known."""

    grade: Grade
    found: str
    do: str = ""


class Target:
    """`clock` tells UTC; `resolve` looks names up, as for the guard. The shop is called as the function calls it."""

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

    @cached_property
    def state(self) -> State:
        """Raises StateError, UnreadableState."""
        return self.stack.records.state()

    @cached_property
    def http(self) -> HttpClient:
        """Connections that trust what the function trusts."""
        return HttpClient(self.clock, b64decode(self.settings.game_day_ca) or None)

    @contextmanager
    def logged_in(self, who: str = ORDER) -> Iterator[tuple[HttpShop, str | Diagnosis, Deadline]]:
        """The shop with the token of diner or canary, or why there is none; logged out again. Raises SecretError."""
        deadline = Deadline.after(least_seconds(self.settings.order_seconds))
        secret = DinerSecret(self.client("secretsmanager"), self.settings.diner_secret_arn)
        shop = HttpShop(self.http, self.settings, secret, self.mask)
        login = shop.login_as_canary if who == CANARY_LOGIN else shop.login
        token = judge_login(login(deadline), who)
        try:
            if isinstance(token, str):
                self.mask.add(token)
            yield shop, token, deadline
        finally:
            if isinstance(token, str):
                shop.logout(token, deadline)
