"""The examples of docs/json.md, and whether what a command prints has their shape."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from simulator.paths import ROOT

FREE: Final = ("data", "phases")  # their keys depend on what happened
TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")


def examples() -> dict[str, Any]:
    """Each example by the words of its heading."""
    found = re.findall(r"### `remediator (.+?)`.*?```json\n(.*?)```", (ROOT / "docs/json.md").read_text(), re.S)
    return {words: json.loads(text) for words, text in found}


def differences(example: Any, shown: Any, at: str = "") -> Iterator[str]:
    """Where what was printed has another shape than the example, or isn't written in the one style."""
    kinds = {type(each) if not isinstance(each, int | float) or isinstance(each, bool) else float
             for each in (example, shown)} - {type(None)}  # fmt: skip
    if len(kinds) > 1:
        yield f"{at}: {shown!r} where {example!r} was to be"
    elif isinstance(shown, dict) and isinstance(example, dict):
        free = at.rpartition(".")[2] in FREE
        if not free and shown.keys() != example.keys():
            yield f"{at}: {sorted(shown)} where {sorted(example)} was to be"
        for name, value in shown.items():
            yield from [] if re.fullmatch("[a-z][a-z0-9_]*", name) else [f"{at}.{name} isn't snake_case"]
            yield from differences(value if free else example.get(name), value, f"{at}.{name}")
    elif isinstance(shown, list):
        for each in shown:
            yield from differences((example or [each])[0], each, at)
    elif isinstance(shown, str):
        is_time = TIME.fullmatch(shown)
        if is_time and (len(shown) != 24 or not shown.endswith("Z") or not datetime.fromisoformat(shown)):
            yield f"{at}: {shown} isn't a time in UTC to the millisecond"
        if example and TIME.fullmatch(example) and not is_time:
            yield f"{at}: {shown} is no time"
