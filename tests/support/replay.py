"""The request behind each capture of the real shop, to be sent to a stand-in, and how the two answers are compared.

What varies by run (ids, times, tokens, keys, links, the depth of a stack) is compared by its shape.
"""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from simulator.shop import Shop

VEGGIE = {"menuId": 1, "description": "Veggie", "price": 0.0038}
ORDER = {"franchiseId": 1, "storeId": 1, "items": [VEGGIE]}
ORDERS: dict[str, dict[str, Any]] = {
    "order": ORDER,
    "order-bogus": {"franchiseId": 777, "storeId": 888, "items": [VEGGIE | {"price": 0.05}]},
    "order-unknown": ORDER | {"items": [VEGGIE | {"menuId": 99}]},
    "order-no-items": {"franchiseId": 1, "storeId": 1},
}
DIRECT = {"diner": {"id": 2, "name": "d", "email": "d@jwt.com"}, "order": ORDER | {"id": 1}}
TRUNCATED = '{"email":'
LOGIN, JWT = "the diner's login", "the JWT of the last order"  # bodies that are known once there is a shop
REPORT = "/api/support/{key}/report/{code}"
_TIMEOUT_SECONDS = 60.0


class Visitor:
    """A diner, and the owner of the vendor, at one shop; remembers its token, its links and its last order."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.links: list[str] = []
        self.order: dict[str, Any] = {}
        self.token = ""
        self.token = self.send("PUT", "/api/auth", self.body(LOGIN)).json()["token"]

    def send(
        self, method: str, path: str, body: Any = None, bearer: str | None = None, *, server: str = "service"
    ) -> requests.Response:
        """`body` is sent as JSON; a str is sent as it is, as broken JSON; bytes have no type."""
        origin = {"service": self.shop.url, "factory": self.shop.factory_url}[server]
        headers = {"Authorization": self.authorization(bearer)} if bearer else {}
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

    def authorization(self, bearer: str) -> str:
        return {
            "diner": f"Bearer {self.token}",
            "lowercase": f"bearer {self.token}",
            "bare": self.token,
            "garbage": "Bearer not.a.token",
            "forged": f"Bearer {self.token[:-8]}AAAAAAAA",
            "vendor": f"Bearer {self.shop.vendor_token}",
            "stranger": f"Bearer {'0' * 32}",
        }[bearer]

    def body(self, body: object) -> object:
        if body == LOGIN:
            return {"email": self.shop.email, "password": self.shop.password}
        return {"jwt": self.order["jwt"]} if body == JWT else body

    def place(self, order: object = ORDER) -> requests.Response:
        """Place an order, and remember the link that its answer offers."""
        answer = self.send("POST", "/api/order", order, "diner")
        self.order = answer.json() if "json" in answer.headers["Content-Type"] else {}
        self.links += [self.order["followLinkToEndChaos"]] if "followLinkToEndChaos" in self.order else []
        return answer

    def report(self, method: str = "GET", link: str | None = None) -> requests.Response:
        """Call a link, or the last one that was offered."""
        return self.send(method, (link or self.links[-1]).partition(self.shop.factory_host)[2], server="factory")

    def schedule(self, body: object = None) -> requests.Response:
        """Initiate chaos as the vendor's owner does."""
        return self.send("PUT", "/api/vendor/chaos/fail", body or {}, "vendor", server="factory")

    def take(self, step: str) -> None:
        """One step to the state that a capture was taken in."""
        match step:
            case "fail" | "badjwt" | "throttle":
                self.shop.chaos(step)
            case "GET" | "HEAD" | "POST" | "PUT" | "DELETE":
                self.report(step)
            case "schedule":
                self.schedule()
            case "log-out":
                self.send("DELETE", "/api/auth", None, "diner")
            case _ if step in ORDERS:
                self.place(ORDERS[step])
            case _:
                self.shop.condition(step)


@dataclass(frozen=True)
class Row:
    """One request, and the steps that bring a fresh shop to where it was made.

    `bearer` as in `authorization`; {key} and {code} in the path are those of link number `link`; `shop`: its settings.
    """

    method: str
    path: str
    body: object = None
    bearer: str | None = None
    steps: str = ""
    server: str = "service"
    link: int = -1
    shop: Mapping[str, Any] = field(default_factory=dict)

    def send(self, visitor: Visitor) -> requests.Response:
        for step in self.steps.split():
            visitor.take(step)
        path = self.path
        if visitor.links:
            key, _, code = visitor.links[self.link].split("/")[-3:]
            path = path.format(key=key, code=code)
        return visitor.send(self.method, path, visitor.body(self.body), self.bearer, server=self.server)


def get(path: str, bearer: str | None = None, steps: str = "") -> Row:
    return Row("GET", path, None, bearer, steps)


def order(steps: str = "", body: object = ORDER, bearer: str | None = "diner") -> Row:
    return Row("POST", "/api/order", body, bearer, steps)


def report(method: str, steps: str = "fail order", path: str = REPORT, link: int = -1) -> Row:
    return Row(method, path, steps=steps, server="factory", link=link)


def factory(method: str, path: str, body: object, bearer: str | None = None, steps: str = "") -> Row:
    """A request of the factory, without the service between."""
    return Row(method, path, body, bearer, steps, "factory")


ROWS = {
    "auth-login-200": Row("PUT", "/api/auth", LOGIN),
    "auth-login-500-db-down-root": get("/", None, "db-down"),
    "auth-login-badjson": Row("PUT", "/api/auth", TRUNCATED),
    "auth-login-emptybody": Row("PUT", "/api/auth", {}),
    "auth-login-no-content-type": Row("PUT", "/api/auth", b'{"email":"d@jwt.com"}'),
    "auth-login-nopassword": Row("PUT", "/api/auth", {"email": "d@jwt.com"}),
    "auth-login-unknown": Row("PUT", "/api/auth", {"email": "nobody@jwt.com", "password": "a"}),
    "auth-login-wrong-method-post": Row("POST", "/api/auth", LOGIN),
    "auth-login-wrongpw": Row("PUT", "/api/auth", {"email": "d@jwt.com", "password": "wrong"}),
    "auth-logout-200": Row("DELETE", "/api/auth", None, "diner"),
    "auth-logout-401": Row("DELETE", "/api/auth", None, "diner", "log-out"),
    "auth-register-200": Row("POST", "/api/auth", {"name": "cap user", "email": "u1@jwt.com", "password": "a"}),
    "auth-register-missing-400": Row("POST", "/api/auth", {"name": "cap user"}),
    "chaos-initiate-200": factory("PUT", "/api/vendor/chaos/fail", {}, "vendor"),
    "chaos-initiate-badtype-400": factory("PUT", "/api/vendor/chaos/flood", {}, "vendor"),
    "chaos-initiate-noauth-401": factory("PUT", "/api/vendor/chaos/fail", {}),
    "chaos-vendor-view": factory("GET", "/api/vendor", None, "vendor", "schedule"),
    "factory-direct-500-chaos-fail": factory("POST", "/api/order", DIRECT, "vendor", "fail"),
    "factory-order-200": factory("POST", "/api/order", DIRECT, "vendor"),
    "factory-order-badkey-401": factory("POST", "/api/order", DIRECT, "stranger"),
    "factory-order-missing-400": factory("POST", "/api/order", {"order": ORDER}, "vendor"),
    "factory-verify-badjwt-403": factory("POST", "/api/order/verify", JWT, steps="badjwt order"),
    "franchise-200": get("/api/franchise"),
    "menu-200": get("/api/order/menu"),
    "order-0items-500-slow": order(body=ORDER | {"items": []}),
    "order-200-after-fix": order("fail order GET"),
    "order-200-after-head": order("fail order HEAD"),
    "order-200-chaos-badjwt": order("badjwt"),
    "order-200-chaos-rescheduled": order("throttle schedule"),
    "order-200-chaos-scheduled-not-started": order("schedule"),
    "order-200-chaos-throttle": order("throttle"),
    "order-200": order(),
    "order-21items-500-slow": order(body=ORDER | {"items": [VEGGIE] * 21}),
    "order-401-chaos-noauth": order("fail", bearer=None),
    "order-500-chaos-0items-fast": order("fail", ORDER | {"items": []}),
    "order-500-chaos-fail-2": order("fail order GET fail"),
    "order-500-chaos-fail-3": order("fail order HEAD fail"),
    "order-500-chaos-fail-4": order("schedule fail"),
    "order-500-chaos-fail-realhost": Row(
        *("POST", "/api/order", ORDER, "diner", "fail"), shop={"factory_name": "pizza-factory.test", "link_port": False}
    ),
    "order-500-chaos-fail": order("fail"),
    "order-500-factory-badkey": order("factory-badkey"),
    "order-500-factory-down": order("factory-down"),
    "order-500-still-chaos": order("fail order POST PUT DELETE"),
    "order-after-logout-401": order("log-out"),
    "order-badjson-400": order(body=TRUNCATED),
    "order-badsig-401": order(bearer="forged"),
    "order-badtoken-401": order(bearer="garbage"),
    "order-bogus-franchise-store-200": order(body=ORDERS["order-bogus"]),
    "order-list-200": get("/api/order", "diner", "order order order-unknown order-no-items order-bogus"),
    "order-list-401": get("/api/order"),
    "order-lowercase-bearer-200": order(bearer="lowercase"),
    "order-noauth-401": order(bearer=None),
    "order-nobody-500": order(body=None),
    "order-nofranchise-500": order(body={"storeId": 1, "items": [VEGGIE]}),
    "order-put-404": Row("PUT", "/api/order", ORDER, "diner"),
    "order-token-without-bearer-401": order(bearer="bare"),
    "report-delete-404": report("DELETE"),
    "report-get-200-resolved-badjwt": report("GET", "badjwt order"),
    "report-get-200-resolved-throttle": report("GET", "throttle order"),
    "report-get-200-resolved": report("GET"),
    "report-get-again-200-nochaos": report("GET", "fail order GET"),
    "report-get-again-wrongcode-200-nochaos": report("GET", "fail order GET", "/api/support/{key}/report/wrong000"),
    "report-get-nocode-404": report("GET", path="/api/support/{key}/report"),
    "report-get-stale-code-400": report("GET", "fail order GET fail order", link=0),
    "report-get-wrongcode-400": report("GET", path="/api/support/{key}/report/wrong000"),
    "report-get-wrongkey-200-nochaos": report("GET", path=f"/api/support/{'0' * 32}/report/{{code}}"),
    "report-head-resolves": report("HEAD"),
    "report-options": report("OPTIONS"),
    "report-post-404": report("POST"),
    "report-put-404": report("PUT"),
    "root-200": get("/"),
    "unknown-404": get("/api/nothing"),
    "user-me-200": get("/api/user/me", "diner"),
}


def says(answer: requests.Response) -> tuple[int, str]:
    """Status and message."""
    return answer.status_code, answer.json().get("message", "")


type Answer = tuple[int, str, Any]  # status, content type, shape of the body


def shown(answer: requests.Response) -> Answer:
    return answer.status_code, answer.headers["Content-Type"], normal(answer.text)


def captured(text: str) -> Answer:
    """A capture file's last answer; that of a HEAD ends without a body."""
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    fields = dict(line.lower().split(": ", 1) for line in head.split("\n")[1:])
    body = "" if body.startswith("HTTP/1.1") else body.strip()
    return int(head.split()[1]), fields["content-type"], normal(body)


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
    """The names in header and payload of a JWT, and its algorithm; or how a damaged one begins."""
    try:
        header, claims = (json.loads(urlsafe_b64decode(part + "===")) for part in token.split(".")[:2])
    except ValueError:
        return f"{token[:8]}... of {token.count('.') + 1} parts"
    return header["alg"], sorted(header), {key: _names(claims[key]) for key in sorted(claims)}


def _names(value: Any) -> list[str] | str:
    return sorted(value) if isinstance(value, dict) else type(value).__name__
