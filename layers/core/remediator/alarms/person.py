"""What a person asks for by the command line: `remediator heal`, or the check that follows a `resume`."""

from . import fields
from .alarm import AlarmState, IncomingMessage, Reading, Source

KEYS = ("remediator", "by", "request")


def write(command: str, who: str, request: str) -> dict[str, str]:
    """The message of a person's command, to be sent as JSON. `request` tells it from the same person's others."""
    return {"remediator": command, "by": who, "request": request}


def name(command: str, who: str, request: str) -> str:
    """The name that such a message bears as an alarm."""
    return f"remediator {command} by {who}, {request}"


def read(message: IncomingMessage) -> Reading:
    if isinstance(message.content, str) or message.content.keys() != set(KEYS):
        return None
    found = name(*(fields.text(message.content[key]) for key in KEYS))
    return message.delivery((message.alarm(Source.PERSON, found, AlarmState.FIRING, found),), whole=True)
