"""Asking what listens on loopback, past every proxy that a person's environment names."""

import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import click

DIRECT = build_opener(ProxyHandler({}))


def ask(who: str, url: str, value: object, seconds: float) -> Any:
    """The JSON that is answered to this one, with whatever status. Raises click.ClickException, which names `who`."""
    asked = Request(url, json.dumps(value).encode(), {"Content-Type": "application/json"})  # noqa: S310 - loopback
    try:
        with _answer(asked, seconds) as answer:
            text = answer.read().decode(errors="replace")
    except (OSError, HTTPException) as error:
        raise click.ClickException(f"{who} doesn't answer at {url}: {getattr(error, 'reason', error)}") from None
    try:
        return json.loads(text)
    except ValueError:
        raise click.ClickException(f"{who} answers at {url}, but not in JSON: {text[:200]!r}") from None


def _answer(asked: Request, seconds: float) -> Any:
    try:
        return DIRECT.open(asked, timeout=seconds)
    except HTTPError as answer:
        return answer
