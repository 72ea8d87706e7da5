"""A moment as a person gives it: a length of time from now, or a time in UTC."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import click

UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class MomentType(click.ParamType[datetime]):
    """`24h`, `7d`: so long ago, or so long from now on. `2026-11-23`, `2026-11-23T18:00`: in UTC, without an offset."""

    name = "time"

    def __init__(self, direction: Literal[-1, 1]) -> None:
        self.direction = direction

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        length = re.fullmatch(r"(\d{1,9})([smhdw])", value, re.ASCII)
        try:
            if length:
                return datetime.now(UTC) + self.direction * timedelta(**{UNITS[length[2]]: int(length[1])})
            at = datetime.fromisoformat(value)
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            said = f"{value} isn't a time: give 24h or 7d, or a time in UTC as 2026-11-23 or 2026-11-23T18:00."
            raise click.BadParameter(said, ctx, param) from None
