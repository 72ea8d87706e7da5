"""The deployed function, asked what its role lets it read."""

import json
from base64 import b64decode
from typing import Any, Final

from remediator.bootstrap.remediate import ACCESS
from remediator_cli.stack import Stack

LINES: Final = 3  # of its log that are shown
OF_LAMBDA: Final = ("START ", "END ", "REPORT ", "INIT_START ")  # what such a line tells nobody


def ask_function(stack: Stack) -> tuple[dict[str, str], str]:
    """What the function says to `bootstrap.remediate.access`, by name; and in a sentence why it can't say, or "".

    One that can't even start says so in the end of its log (Lambda, Invoke: `LogType`).
    """
    asked = {"FunctionName": stack.outputs["FunctionName"], "Payload": json.dumps(ACCESS), "LogType": "Tail"}
    answer = stack.client("lambda").invoke(**asked)
    said: Any = json.load(answer["Payload"])
    if isinstance(said, dict) and said.keys() == {"secret", "state"}:
        return said, ""
    trouble = said.get("errorMessage", "") if isinstance(said, dict) else "another version's answer"
    log = b64decode(answer.get("LogResult", "")).decode(errors="replace").splitlines()
    lines = [line.strip() for line in log if line.strip() and not line.startswith(OF_LAMBDA)][-LINES:]
    return {}, f"the function can't say: {trouble}" + (f". Its log ends: {' / '.join(lines)}" if lines else "")
