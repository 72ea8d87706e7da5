"""Text that only says something: whatever prints it, no character in it does anything."""

import re
from typing import Final

LONGEST: Final = 250  # bytes of a reason, so that a full outbox leaves the state below 20,000

# Control characters (C0, DEL, C1), what ends a line or turns the direction of writing, and halves of a character, which
# JSON can spell and no stream can write.
_ACTING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def readable(text: str) -> str:
    """`text` on one line: a blank for whatever ends a line or is one, and U+FFFD for any other of those characters."""
    return _ACTING.sub(lambda found: " " if found[0].isspace() else "\ufffd", text)


def shorten(text: str, most: int = LONGEST) -> str:
    """`text` on one line, of so many bytes. What may hold a secret is masked before: no mask knows half of one."""
    line = " ".join(readable(text).split()).encode(errors="replace")
    return line.decode() if len(line) <= most else f"{line[:most].decode(errors='ignore')}..."
