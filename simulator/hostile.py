"""What a stranger could write to silence, hang, blind or mislead the remediator, or to have it leak a secret."""

import html
import json
import re
from collections.abc import Collection
from typing import Any
from urllib.parse import quote, quote_plus

LINKS = 116_000  # in one answer, each hundredth a URL: it stays below the megabyte that is read
MARKUP = (
    "orders of [/shop] failing [link=https://away.example]here[/link] :pizza: \x1b[2J\x1b[31m\x07 \u202eolleh\u2066"
    " @team <b onclick=x> | `code` ![i](https://elsewhere.example/i) # 1. ${7*7} {{7*7}} %s%n \ud800"
)


def clothes(secret: str) -> tuple[str, ...]:
    """The secret as it is, and as it could slip past whoever looks for it as it is."""
    return (
        secret,
        *(quote(secret, safe=""), quote_plus(secret), quote(quote(secret, safe=""), safe="")),
        "".join(f"%{byte:02x}" for byte in secret.encode()),
        "".join(f"&#{ord(char)};" for char in secret),
        re.sub("(....)", r"\\u\1", secret.encode("utf-16-be").hex()),
        *(html.escape(secret), json.dumps(secret)[1:-1].replace("/", r"\/")),
    )


def alarm(secrets: Collection[str], link: str) -> dict[str, Any]:
    """An alarm of CloudWatch, with all of that where its author is free to write: its name, its reason."""
    disguised = " ".join(worn for secret in sorted(secrets) for worn in clothes(secret))
    text = f"{MARKUP} {disguised} Cannot GET {link[:-20]}"
    return {
        "AlarmName": f"{text} {'x' * (990 - len(text) % 990)} {link}",  # one lies across the place where a name is cut
        "NewStateValue": "ALARM",
        "NewStateReason": f'{text}","NewStateValue":"OK","x":"',
        "StateChangeTime": "9999-12-31T23:59:59.999+0000",
        "AWSAccountId": "123456789012",
        "Region": "US East (N. Virginia)",
    }


def body(link: str) -> dict[str, Any]:
    """What an answer holds besides: more links than anybody may count one by one, and words that act in some places."""
    written = MARKUP.encode("utf-8", "replace").decode()  # half a character can't be sent
    links = (f"{'' if number % 100 else 'x://'}{number:x}" for number in range(LINKS))
    return {"reportUrl": [link, *links], "message": written, "stack": written}
