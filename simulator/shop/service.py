"""The shop's back end: logins, menu, franchises and orders, which it passes to the factory.

Observed on the service of 2025-10-14. The factory is called within the process, not by HTTP.
"""

import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from joserfc import jws
from joserfc.jwk import OctKey

from simulator import hostile
from simulator.shop.conditions import ActiveCondition
from simulator.shop.express import (
    BODY,
    HEADERS,
    AnswerError,
    Json,
    answer,
    bearer,
    compact,
    parse_json,
    thrown,
    too_many,
)
from simulator.shop.factory import StandInFactory, new_code
from simulator.shop.limits import Limit, Limiter
from simulator.shop.word import Word

_MENU = [
    {"id": 1, "title": "Veggie", "image": "pizza1.png", "price": 0.0038} | {"description": "A garden of delight"},
    {"id": 2, "title": "Pepperoni", "image": "pizza2.png", "price": 0.0042} | {"description": "Spicy treat"},
]
_FRANCHISES = [{"id": 1, "name": "pizzaPocket", "stores": [{"id": 1, "name": "SLC"}]}]
_VERSION = "20240518.154317"
_REFUSED = {"message": "Failed to fulfill order at factory"}
_UNBOUND = "Bind parameters must not contain undefined. To pass SQL NULL specify JS null"
_DATABASE = "127.0.0.1:3306"
_PAGE = "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"
_PER_PAGE = 10


class StandInService:
    """The service and its database's rows: users, tokens that live until a logout, orders."""

    def __init__(
        self, factory: StandInFactory, active: ActiveCondition, limits: Sequence[Limit] = (), word: Word | None = None
    ) -> None:
        self.factory, self.active, self.word = factory, active, word
        self._limiters = [Limiter(row) for row in limits]
        self.email, self.password = "d@jwt.com", secrets.token_urlsafe(12)
        self._users: dict[str, Json] = {}
        self._passwords: dict[str, str] = {}
        self._tokens: dict[str, Json] = {}
        self.issued: set[str] = set()
        self._orders: list[Json] = []
        self._items = 0
        self._secret = OctKey.generate_key(256)
        self._add_user("pizza diner", self.email, self.password)

    def _add_user(self, name: str, email: str, password: str) -> Json:
        user = {"name": name, "email": email, "roles": [{"role": "diner"}]}
        self._users[email] = {"id": len(self._users) + 2} | user
        self._passwords[email] = password
        return user | {"id": self._users[email]["id"]}

    def _add_token(self, user: Json) -> str:
        """Claims count whole seconds: two logins within one second share a token, and a row."""
        claims = user | {"iat": int(time.time())}
        header = {"alg": "HS256", "typ": "JWT"}
        token = jws.serialize_compact(header, compact(claims), self._secret)
        self._tokens[token] = claims
        self.issued.add(token)
        return token

    def _add_order(self, diner: int, order: Json) -> Json:
        """Stores the row, then its items; what fails midway leaves the row behind."""
        if "franchiseId" not in order or "storeId" not in order:
            raise thrown("TypeError", _UNBOUND)
        date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        row: Json = {"id": len(self._orders) + 1, "diner": diner, "date": date, "items": []}
        row |= {key: order[key] for key in ("franchiseId", "storeId")}
        self._orders.append(row)
        if not isinstance(order.get("items"), list):
            raise thrown("TypeError", "order.items is not iterable")
        for item in order["items"]:
            row["items"].append(self._item(item))
        return order | {"id": row["id"]}

    def _item(self, item: Any) -> Json:
        fields = ("menuId", "description", "price")
        known = item if isinstance(item, dict) else {}
        if "menuId" in known and known["menuId"] not in [dish["id"] for dish in _MENU]:
            raise thrown("Error", "No ID found")
        if any(field not in known for field in fields):
            raise thrown("TypeError", _UNBOUND)
        self._items += 1
        return {"id": self._items} | {field: known[field] for field in fields}

    def _diner(self, request: web.Request) -> Json:
        """The claims of a living token. Without its database the service knows no token."""
        claims = self._tokens.get(bearer(request) or "")
        if claims is None or self.active.condition.database_down:
            raise AnswerError(401, {"message": "unauthorized"})
        return claims

    def _need_database(self) -> None:
        if self.active.condition.database_down:
            raise thrown("Error", f"connect ECONNREFUSED {_DATABASE}")

    async def _ask_factory(self, body: Json, host: str) -> tuple[int, Json]:
        condition = self.active.condition
        if condition.factory_down:
            raise thrown("TypeError", "fetch failed")
        if condition.factory_text is not None:
            parse_json(condition.factory_text)
        if condition.refused:
            return 503, {}
        key = None if condition.wrong_key else self.factory.api_key
        return await self.factory.receive(key, body, host)

    # The HTTP side, one method a route.

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._root),
            web.get("/api/docs", self._docs),
            web.put("/api/auth", self._login),
            web.post("/api/auth", self._register),
            web.delete("/api/auth", self._logout),
            web.get("/api/user/me", self._me),
            web.get("/api/order/menu", self._menu),
            web.get("/api/franchise", self._franchises),
            web.get("/api/order", self._list_orders),
            web.post("/api/order", self._order),
        ]

    @web.middleware
    async def outage(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A page instead of the service, as a load balancer gives when nothing runs behind it."""
        if self.active.condition.html_page:
            return web.Response(status=503, text=_PAGE, content_type="text/html")
        return await self._limited(request, handler)

    async def _limited(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """What the condition and every limit let pass; of two that show their headers the latter's stand."""
        if seconds := self.active.seconds_to_wait:
            return too_many(Limit(0).body, {"Retry-After": str(seconds)})
        headers: dict[str, str] = {}
        for limiter in (each for each in self._limiters if each.row.covers(request.method, request.path)):
            now, address = time.time(), request.remote or ""
            wait = limiter.hit(now, address)
            headers |= limiter.headers(now, address)
            if wait is not None:
                return too_many(limiter.row.body, headers)
        response = await handler(request)
        response.headers.update(headers)
        return response

    async def _root(self, _: web.Request) -> web.Response:
        return answer(200, {"message": "welcome to JWT Pizza", "version": _VERSION})

    async def _docs(self, _: web.Request) -> web.Response:
        config = {"factory": self.factory.origin, "db": _DATABASE.partition(":")[0]}
        return answer(200, {"version": _VERSION, "endpoints": [], "config": config})

    async def _login(self, request: web.Request) -> web.Response:
        """A login without a password is let in, as the real one does."""
        self._need_database()
        if "email" not in request[BODY]:
            raise thrown("TypeError", _UNBOUND)
        email, password = str(request[BODY]["email"]), request[BODY].get("password")
        if email not in self._users or (password and password != self._passwords[email]):
            raise thrown("Error", "unknown user", 404)
        user, token = self._users[email], self._add_token(self._users[email])
        if self.active.condition.cookie_login:
            return answer(200, {"user": user}, HEADERS | {"Set-Cookie": f"token={token}; Path=/; HttpOnly"})
        return answer(200, {"user": user, "token": token})

    async def _register(self, request: web.Request) -> web.Response:
        fields = [request[BODY].get(field) for field in ("name", "email", "password")]
        if not all(fields):
            raise AnswerError(400, {"message": "name, email, and password are required"})
        self._need_database()
        user = self._add_user(*map(str, fields))
        return answer(200, {"user": user, "token": self._add_token(user)})

    async def _logout(self, request: web.Request) -> web.Response:
        self._diner(request)
        del self._tokens[bearer(request) or ""]
        return answer(200, {"message": "logout successful"})

    async def _me(self, request: web.Request) -> web.Response:
        return answer(200, self._diner(request))

    async def _menu(self, request: web.Request) -> web.Response:
        self._need_database()
        if self.active.condition.menu_down:
            raise thrown("Error", "the menu can't be read")
        if self.active.condition.menu_chaos and (chaos := self.factory.running()):
            link = self.factory.link(chaos.code, request.url.host or "")
            return answer(500, {"message": "the menu can't be read", "followLinkToEndChaos": link})
        return answer(200, _MENU)

    async def _franchises(self, _: web.Request) -> web.Response:
        self._need_database()
        return answer(200, {"franchises": _FRANCHISES, "more": False})

    async def _list_orders(self, request: web.Request) -> web.Response:
        diner = self._diner(request)["id"]
        mine = [order for order in self._orders if order["diner"] == diner]
        fields = ("id", "franchiseId", "storeId", "date", "items")
        orders = [{field: order[field] for field in fields} for order in mine[:_PER_PAGE]]
        return answer(200, {"dinerId": diner, "orders": orders, "page": 1})

    async def _order(self, request: web.Request) -> web.Response:
        if self.active.condition.practice_chaos and secrets.randbelow(2):
            raise thrown("Error", "Chaos monkey")
        claims = self._diner(request)
        order = self._add_order(claims["id"], request[BODY])
        diner = {field: claims[field] for field in ("id", "name", "email")}
        host = request.url.host or ""
        asked = self._ask_factory({"diner": diner, "order": order}, host)
        status, reply = await (self.word.watch(claims["email"], asked) if self.word else asked)
        link = {"followLinkToEndChaos": reply["reportUrl"]} if "reportUrl" in reply else {}
        if link and self.active.condition.two_links:
            link |= {"reportUrl": self.factory.link(new_code(), host)}
        if link and self.active.condition.hostile:
            link |= hostile.body(reply["reportUrl"])
        if status != 200:
            return answer(500, _REFUSED | link)
        return answer(200, {"order": order} | link | {"jwt": reply["jwt"]})
