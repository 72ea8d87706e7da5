"""Is the stand-in shop faithful? Replays the request behind every capture of a folder against it.

`python -m tests.replay FOLDER` starts a fresh shop for each capture, at the full delay,
brings it to the state the capture was taken in, and compares status, content type and body. What
varies by run (ids, times, tokens, keys, links, the depth of a stack) is compared by its shape.
"""

import argparse
import base64
import json
import re
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from console.gameday.shop import Shop

VEGGIE = {"menuId": 1, "description": "Veggie", "price": 0.0038}
ORDER = {"franchiseId": 1, "storeId": 1, "items": [VEGGIE]}
BOGUS = {"franchiseId": 777, "storeId": 888, "items": [VEGGIE | {"price": 0.05}]}
DIRECT = {"diner": {"id": 2, "name": "d", "email": "d@jwt.com"}, "order": ORDER | {"id": 1}}
REPORT = "/api/support/{key}/report/{code}"
_TIMEOUT_SECONDS = 60.0


class Visitor:
    """A diner, and the owner of the vendor, at one shop; remembers its token and its links."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.links: list[str] = []
        self.order: dict[str, Any] = {}
        self.token = self.send("service", "PUT", "/api/auth", _login(self)).json()["token"]

    def send(
        self, server: str, method: str, path: str, body: Any = None, bearer: str | None = None
    ) -> requests.Response:
        """`body` is sent as JSON; a str is sent as it is, named JSON; bytes have no type."""
        origin = {"service": self.shop.url, "factory": self.shop.factory_url}[server]
        headers = {"Authorization": bearer} if bearer else {}
        if isinstance(body, dict | str):
            headers["Content-Type"] = "application/json"
        return requests.request(
            method,
            origin + path,
            data=json.dumps(body) if isinstance(body, dict) else body,
            headers=headers,
            verify=self.shop.ca_file,
            timeout=_TIMEOUT_SECONDS,
        )

    def place(self, order: object = ORDER) -> None:
        bearer = f"Bearer {self.token}"
        self.order = self.send("service", "POST", "/api/order", order, bearer).json()
        if link := self.order.get("followLinkToEndChaos"):
            self.links.append(link)

    def report(self, method: str) -> None:
        self.send("factory", method, self.links[-1].partition(self.shop.factory_host)[2])


type Step = Callable[[Visitor], object]


@dataclass(frozen=True)
class Row:
    """One request, and the steps that bring a fresh shop to where it was made.

    `bearer` is a row of BEARERS; {key} and {code} in the path are those of link number `link`.
    """

    server: str
    method: str
    path: str
    body: object = None
    bearer: str | None = None
    steps: tuple[Step, ...] = ()
    link: int = -1
    shop: Mapping[str, Any] | None = None

    def send(self, visitor: Visitor) -> requests.Response:
        for step in self.steps:
            step(visitor)
        path = self.path
        if visitor.links:
            key, _, code = visitor.links[self.link].split("/")[-3:]
            path = path.format(key=key, code=code)
        body = self.body(visitor) if callable(self.body) else self.body
        bearer = BEARERS[self.bearer](visitor) if self.bearer else None
        return visitor.send(self.server, self.method, path, body, bearer)


BEARERS: dict[str, Callable[[Visitor], str]] = {
    "diner": lambda visitor: f"Bearer {visitor.token}",
    "lowercase": lambda visitor: f"bearer {visitor.token}",
    "bare": lambda visitor: visitor.token,
    "garbage": lambda _: "Bearer not.a.token",
    "forged": lambda visitor: f"Bearer {visitor.token[:-8]}AAAAAAAA",
    "vendor": lambda visitor: f"Bearer {visitor.shop.vendor_token}",
    "stranger": lambda _: f"Bearer {'0' * 32}",
}


def chaos(kind: str) -> Step:
    return lambda visitor: visitor.shop.chaos(kind)


def condition(name: str) -> Step:
    return lambda visitor: visitor.shop.condition(name)


def orders(order: object) -> Step:
    return lambda visitor: visitor.place(order)


def reports(method: str = "GET") -> Step:
    return lambda visitor: visitor.report(method)


def ordered(visitor: Visitor) -> None:
    visitor.place()


def logged_out(visitor: Visitor) -> None:
    visitor.send("service", "DELETE", "/api/auth", bearer=f"Bearer {visitor.token}")


def scheduled(visitor: Visitor) -> None:
    bearer = f"Bearer {visitor.shop.vendor_token}"
    visitor.send("factory", "PUT", "/api/vendor/chaos/fail", {}, bearer)


def auth(method: str, body: object = None, bearer: str | None = None, *steps: Step) -> Row:
    return Row("service", method, "/api/auth", body, bearer, steps)


def order(body: object = ORDER, bearer: str | None = "diner", *steps: Step) -> Row:
    return Row("service", "POST", "/api/order", body, bearer, steps)


def after(*steps: Step) -> Row:
    """A good order after these steps."""
    return order(ORDER, "diner", *steps)


def look(path: str, bearer: str | None = None, *steps: Step) -> Row:
    return Row("service", "GET", path, None, bearer, steps)


def report(method: str, *steps: Step, path: str = REPORT, link: int = -1) -> Row:
    return Row("factory", method, path, steps=steps, link=link)


def factory(path: str, body: object = None, bearer: str | None = None, *steps: Step, method: str = "POST") -> Row:
    return Row("factory", method, path, body, bearer, steps)


def _login(visitor: Visitor) -> object:
    return {"email": visitor.shop.email, "password": visitor.shop.password}


FAIL = (chaos("fail"), ordered)
BADJWT = (chaos("badjwt"), ordered)
THROTTLE = (chaos("throttle"), ordered)
HEALED = (*FAIL, reports())
WRONG_CODE = "/api/support/{key}/report/wrong000"
WRONG_KEY = f"/api/support/{'0' * 32}/report/{{code}}"
TRUNCATED = '{"email":'
REAL_HOST = {"factory_name": "pizza-factory.test", "link_port": False}

ROWS = {
    "auth-login-200": auth("PUT", _login),
    "auth-login-500-db-down-root": look("/", None, condition("db-down")),
    "auth-login-badjson": auth("PUT", TRUNCATED),
    "auth-login-emptybody": auth("PUT", {}),
    "auth-login-no-content-type": auth("PUT", b'{"email":"d@jwt.com"}'),
    "auth-login-nopassword": auth("PUT", {"email": "d@jwt.com"}),
    "auth-login-unknown": auth("PUT", {"email": "nobody@jwt.com", "password": "a"}),
    "auth-login-wrong-method-post": auth("POST", _login),
    "auth-login-wrongpw": auth("PUT", {"email": "d@jwt.com", "password": "wrong"}),
    "auth-logout-200": auth("DELETE", None, "diner"),
    "auth-logout-401": auth("DELETE", None, "diner", logged_out),
    "auth-register-200": auth("POST", {"name": "cap user", "email": "u1@jwt.com", "password": "a"}),
    "auth-register-missing-400": auth("POST", {"name": "cap user"}),
    "chaos-initiate-200": factory("/api/vendor/chaos/fail", {}, "vendor", method="PUT"),
    "chaos-initiate-badtype-400": factory("/api/vendor/chaos/flood", {}, "vendor", method="PUT"),
    "chaos-initiate-noauth-401": factory("/api/vendor/chaos/fail", {}, method="PUT"),
    "chaos-vendor-view": factory("/api/vendor", None, "vendor", scheduled, method="GET"),
    "factory-direct-500-chaos-fail": factory("/api/order", DIRECT, "vendor", chaos("fail")),
    "factory-order-200": factory("/api/order", DIRECT, "vendor"),
    "factory-order-badkey-401": factory("/api/order", DIRECT, "stranger"),
    "factory-order-missing-400": factory("/api/order", {"order": ORDER}, "vendor"),
    "factory-verify-badjwt-403": factory(
        "/api/order/verify", lambda visitor: {"jwt": visitor.order["jwt"]}, None, *BADJWT
    ),
    "franchise-200": look("/api/franchise"),
    "menu-200": look("/api/order/menu"),
    "order-0items-500-slow": order(ORDER | {"items": []}),
    "order-200-after-fix": after(*HEALED),
    "order-200-after-head": after(*FAIL, reports("HEAD")),
    "order-200-chaos-badjwt": after(chaos("badjwt")),
    "order-200-chaos-rescheduled": after(chaos("throttle"), scheduled),
    "order-200-chaos-scheduled-not-started": after(scheduled),
    "order-200-chaos-throttle": after(chaos("throttle")),
    "order-200": order(),
    "order-21items-500-slow": order(ORDER | {"items": [VEGGIE] * 21}),
    "order-401-chaos-noauth": order(ORDER, None, chaos("fail")),
    "order-500-chaos-0items-fast": order(ORDER | {"items": []}, "diner", chaos("fail")),
    "order-500-chaos-fail-2": after(*HEALED, chaos("fail")),
    "order-500-chaos-fail-3": after(*FAIL, reports("HEAD"), chaos("fail")),
    "order-500-chaos-fail-4": after(scheduled, chaos("fail")),
    "order-500-chaos-fail-realhost": Row(
        "service", "POST", "/api/order", ORDER, "diner", (chaos("fail"),), shop=REAL_HOST
    ),
    "order-500-chaos-fail": after(chaos("fail")),
    "order-500-factory-badkey": after(condition("factory-badkey")),
    "order-500-factory-down": after(condition("factory-down")),
    "order-500-still-chaos": after(*FAIL, reports("POST"), reports("PUT"), reports("DELETE")),
    "order-after-logout-401": after(logged_out),
    "order-badjson-400": order(TRUNCATED),
    "order-badsig-401": order(ORDER, "forged"),
    "order-badtoken-401": order(ORDER, "garbage"),
    "order-bogus-franchise-store-200": order(BOGUS),
    "order-list-200": look(
        "/api/order",
        "diner",
        ordered,
        ordered,
        orders(ORDER | {"items": [VEGGIE | {"menuId": 99}]}),
        orders({"franchiseId": 1, "storeId": 1}),
        orders(BOGUS),
    ),
    "order-list-401": look("/api/order"),
    "order-lowercase-bearer-200": order(ORDER, "lowercase"),
    "order-noauth-401": order(ORDER, None),
    "order-nobody-500": order(None),
    "order-nofranchise-500": order({"storeId": 1, "items": [VEGGIE]}),
    "order-put-404": Row("service", "PUT", "/api/order", ORDER, "diner"),
    "order-token-without-bearer-401": order(ORDER, "bare"),
    "report-delete-404": report("DELETE", *FAIL),
    "report-get-200-resolved-badjwt": report("GET", *BADJWT),
    "report-get-200-resolved-throttle": report("GET", *THROTTLE),
    "report-get-200-resolved": report("GET", *FAIL),
    "report-get-again-200-nochaos": report("GET", *HEALED),
    "report-get-again-wrongcode-200-nochaos": report("GET", *HEALED, path=WRONG_CODE),
    "report-get-nocode-404": report("GET", *FAIL, path="/api/support/{key}/report"),
    "report-get-stale-code-400": report("GET", *HEALED, *FAIL, link=0),
    "report-get-wrongcode-400": report("GET", *FAIL, path=WRONG_CODE),
    "report-get-wrongkey-200-nochaos": report("GET", *FAIL, path=WRONG_KEY),
    "report-head-resolves": report("HEAD", *FAIL),
    "report-options": report("OPTIONS", *FAIL),
    "report-post-404": report("POST", *FAIL),
    "report-put-404": report("PUT", *FAIL),
    "root-200": look("/"),
    "unknown-404": look("/api/nothing"),
    "user-me-200": look("/api/user/me", "diner"),
}

type Answer = tuple[int, str, Any]  # status, content type, shape of the body


def played(name: str, slow_seconds: float) -> Answer:
    """The answer of a fresh shop to one row, as `normal` shows it."""
    row = ROWS[name]
    with Shop(slow_seconds=slow_seconds, **row.shop or {}) as shop:
        response = row.send(Visitor(shop))
    return response.status_code, response.headers["Content-Type"], normal(response.text)


def captured(text: str) -> Answer:
    """A capture file's last answer; that of a HEAD ends without a body."""
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    fields = dict(line.lower().split(": ", 1) for line in head.split("\n")[1:])
    shown = "" if body.startswith("HTTP/1.1") else body.strip()
    return int(head.split()[1]), fields["content-type"], normal(shown)


def normal(body: str) -> Any:
    """The JSON with what varies by run replaced by its kind; other text as it is."""
    try:
        return _normal("", json.loads(body))
    except ValueError:
        return body


def _normal(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _normal(key, part) for key, part in value.items()}
    if isinstance(value, list):
        return [_normal(name, part) for part in value]
    if name in ("id", "iat"):
        return f"<{type(value).__name__}>"
    return _normal_text(name, value) if isinstance(value, str) else value


def _normal_text(name: str, value: str) -> Any:
    if name in ("jwt", "token"):
        return _claims(value)
    if name == "stack":
        return value.partition("\n")[0]
    if name in ("email", "website"):
        return re.sub(r"\d+", "<digits>", value)
    for kind, pattern in _KINDS.items():
        value = re.sub(pattern, kind, value)
    return value


_KINDS = {
    "<link>": r"^https://[\w.-]+(:\d+)?/api/support/[0-9a-f]{32}/report/[0-9a-z]{1,11}$",
    "<instant>": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
    "<hex>": r"^[0-9a-f]{32}$",
}


def _claims(token: str) -> Any:
    """The names in header and payload of a JWT, and its algorithm; or how a broken one begins."""
    try:
        header, claims = (_part(part) for part in token.split(".")[:2])
    except ValueError:
        return f"{token[:8]}... of {token.count('.') + 1} parts"
    return header["alg"], sorted(header), {key: _names(claims[key]) for key in sorted(claims)}


def _part(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _names(value: Any) -> list[str] | str:
    return sorted(value) if isinstance(value, dict) else type(value).__name__


def mismatches(folder: Path, slow_seconds: float) -> list[str]:
    """A line for each capture that differs, is unknown, or is expected and absent."""
    texts = {path.stem: path.read_text() for path in sorted(folder.glob("*.txt"))}
    lines = [f"{name}: no such capture" for name in ROWS.keys() - texts.keys()]
    lines += [f"{name}: no request is known for it" for name in texts.keys() - ROWS.keys()]
    names = [name for name in texts if name in ROWS]
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda name: played(name, slow_seconds), names)
        for name, got in zip(names, answers, strict=True):
            wanted = captured(texts[name])
            if got != wanted:
                lines.append(f"{name}: wanted {wanted}, got {got}")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the captures, one answer a file")
    parser.add_argument("--slow", type=float, default=32.0, help="seconds of a throttled order")
    options = parser.parse_args()
    total = len(list(options.folder.glob("*.txt")))
    lines = mismatches(options.folder, options.slow)
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.write(f"{max(total, len(ROWS)) - len(lines)} of {max(total, len(ROWS))}\n")
    return 1 if lines or not total else 0


if __name__ == "__main__":
    sys.exit(main())
