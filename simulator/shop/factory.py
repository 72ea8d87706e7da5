"""The supplier: signs orders, and holds one vendor's chaos and the report link that ends it.

Observed on the factory of 2026-03-11.
"""

import asyncio
import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, timezone
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.typedefs import Handler
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from simulator.shop.conditions import ActiveCondition
from simulator.shop.express import (
    BODY,
    HEADERS,
    AnswerError,
    Json,
    answer,
    bearer,
    compact,
    no_answer,
)

KINDS = ("fail", "badjwt", "throttle")
_BUSY = {"message": "Service Unavailable"}
_REPORT_SECONDS = 0.05  # three reports within it all read the chaos before the first ends it
_LOST = 500, {"message": "connect ECONNREFUSED 127.0.0.1:3306"}
_WITHOUT_DATABASE = ("/api/order/verify", "/.well-known/")
_UTAH = timezone(timedelta(hours=-7))  # whose calendar says which day is the next
_STRANGER = {"message": "invalid authentication"}
_VENDOR = {
    "id": "student1",
    "name": "Test Student",
    "gitHubUrl": "https://github.com/student1",
    "website": "http://127.0.0.1:3000",
    "email": "student1@byu.edu",
}
# The header also carries iat, exp and iss, which a strict registry would refuse.
_REGISTRY = jws.JWSRegistry(algorithms=["RS256"], strict_check_header=False)


@dataclass(frozen=True, slots=True)
class Chaos:
    """`kind` is one of KINDS, or "none" once it has been resolved."""

    kind: str
    code: str
    initiated: datetime
    start: datetime
    fixed: datetime | None = None


def new_code(length: int = 8) -> str:
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(length))


class StandInFactory:
    """The factory as one vendor sees it; `origin` is what its links begin with.

    `elsewhere`: what they begin with for orders placed at these hosts, from which `origin` leads nowhere.
    """

    def __init__(
        self,
        active: ActiveCondition,
        slow_seconds: float,
        origin: str,
        elsewhere: Mapping[str, str],
        report: str,
        api_key: str,
    ) -> None:
        self.active, self.slow_seconds, self.origin, self.elsewhere = active, slow_seconds, origin, elsewhere
        self.api_key = api_key
        self.report = report
        self.slow_orders = 0  # that began to be slow
        self.created = datetime.now(UTC)
        self.chaos: Chaos | None = None
        self._key = RSAKey.generate_key(2048)
        self._kid = self._key.thumbprint()

    def initiate(self, kind: str, now: datetime, start: datetime | None = None) -> None:
        """Chaos that starts now, or at `start`."""
        self.chaos = Chaos(kind, new_code(), now, start or now)

    def end(self) -> None:
        if self.chaos:
            self.chaos = replace(self.chaos, kind="none", fixed=datetime.now(UTC))

    def running(self) -> Chaos | None:
        """The chaos that has started and not ended."""
        chaos = self.chaos
        return chaos if chaos and chaos.kind in KINDS and chaos.start <= datetime.now(UTC) else None

    def link(self, code: str, host: str = "") -> str:
        """The report link, for an order that was placed at `host`."""
        return self.elsewhere.get(host, self.origin) + self.report.format(key=self.api_key, code=code)

    async def receive(self, key: str | None, body: Json, host: str = "") -> tuple[int, Json]:
        """An order: status and body. Chaos comes before the order is read."""
        if self.active.condition.factory_database_down:
            return _LOST
        if key != self.api_key:
            return 401, _STRANGER
        reply: Json = {}
        if chaos := self._chaos_for_this_order():
            reply["reportUrl"] = self.link(chaos.code, host)
            if chaos.kind == "fail":
                return 500, {"message": "chaos monkey"} | reply
            if chaos.kind == "badjwt":
                return 200, {"jwt": "deadxe6M" + self._signed(body)[8:]} | reply
            await self._wait_as_if_throttled()
        if not (body.get("diner") and body.get("order")):
            return 400, {"message": "Missing required parameters"}
        if not 1 <= len(body["order"].get("items", [])) <= 20:
            await self._wait_as_if_throttled()
            return 503, {"message": "Unable to satisfy pizza order. The oven is full."}
        return 200, {"jwt": self._signed(body)} | reply

    async def _wait_as_if_throttled(self) -> None:
        """Take the time of a throttled order."""
        self.slow_orders += 1
        await asyncio.sleep(self.slow_seconds)

    def _chaos_for_this_order(self) -> Chaos | None:
        chaos, active = self.running(), self.active
        if active.condition.menu_chaos:
            return None
        if chaos and active.condition.flapping:
            active.last_order_failed = not active.last_order_failed
            return chaos if active.last_order_failed else None
        return chaos

    def _signed(self, body: Json) -> str:
        now = int(datetime.now(UTC).timestamp())
        issued = {"iat": now, "exp": now + 24 * 60 * 60, "iss": "cs329.click"}
        header = issued | {"alg": "RS256", "kid": self._kid}
        vendor = {key: _VENDOR[key] for key in ("id", "name")}
        payload = {"vendor": vendor, "diner": body.get("diner"), "order": body.get("order")}
        return jws.serialize_compact(header, compact(payload), self._key, registry=_REGISTRY)

    async def resolve(self, key: str, code: str) -> tuple[int, Json]:
        """A report: status and body. Any initiated chaos counts, started or not; a foreign key finds none."""
        if self.active.condition.ended_by_others:
            self.end()
        if self.active.condition.reinitiated and (running := self.running()):  # with a new code, as by its owner
            self.initiate(running.kind, now := datetime.now(UTC), next_day(now))
        chaos = self.chaos
        if key != self.api_key or chaos is None or chaos.kind not in KINDS:
            return 200, {"message": "No chaos currently executing"}
        if not self.active.code_is_fresh:
            self.active.code_is_fresh = True
            chaos = self.chaos = replace(chaos, code=new_code())
        if code != chaos.code:
            return 400, {"message": "Problem unresolved"}
        await asyncio.sleep(_REPORT_SECONDS)
        if not self.active.condition.unfixable:
            self.end()
        return 200, {"message": "Problem resolved. Pizza is back on the menu!"}

    # The HTTP side, one method a route.

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/order", self._order),
            web.post("/api/order/verify", self._verify),
            web.get("/.well-known/jwks.json", self._key_set),
            web.get(self.report.partition("?")[0], self._report),
            web.options(self.report.partition("?")[0], self._report_options),
            web.put("/api/vendor/chaos/{kind}", self._initiate),
            web.get("/api/vendor", self._vendor),
            web.delete("/api/admin/vendor", self._remove),
        ]

    @web.middleware
    async def outage(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A factory that is down, or answers nonsense, does so at every path."""
        if self.active.condition.factory_down:
            return no_answer(request)
        if self.active.condition.factory_text is not None:
            return web.Response(text=self.active.condition.factory_text, content_type="text/html")
        if self.active.condition.factory_database_down and not request.path.startswith(_WITHOUT_DATABASE):
            return answer(*_LOST)
        return await handler(request)

    async def _order(self, request: web.Request) -> web.Response:
        return answer(*await self.receive(bearer(request), request[BODY]))

    async def _verify(self, request: web.Request) -> web.Response:
        token = str(request[BODY].get("jwt"))
        try:
            signed = jws.deserialize_compact(token, self._key, registry=_REGISTRY)
        except (JoseError, ValueError):
            raise AnswerError(403, {"message": "invalid"}) from None
        return answer(200, {"message": "valid", "payload": json.loads(signed.payload)})

    async def _key_set(self, _: web.Request) -> web.Response:
        return answer(200, {"keys": [self._key.as_dict(private=False) | {"kid": self._kid}]})

    async def _report(self, request: web.Request) -> web.Response:
        if self.active.is_busy:
            self.active.is_busy = False
            return answer(503, _BUSY, HEADERS | {"Retry-After": "6"})
        held = {**request.match_info}
        for name, value in parse_qsl(self.report.partition("?")[2]):
            held[value.strip("{}")] = request.query.get(name, "")
        reply = await self.resolve(held["key"], held["code"])
        return no_answer(request) if self.active.condition.lost_answer else answer(*reply)

    async def _report_options(self, _: web.Request) -> web.Response:
        headers = HEADERS | {"Allow": "GET,HEAD"}
        return web.Response(text="GET,HEAD", content_type="text/html", headers=headers)

    async def _initiate(self, request: web.Request) -> web.Response:
        self._authorize(request)
        kind = request.match_info["kind"]
        if kind not in KINDS:
            raise AnswerError(400, {"message": "Invalid chaos type"})
        now = datetime.now(UTC)
        self.initiate(kind, now, _start_asked(request[BODY], now))
        return answer(200, {"message": "Chaos initiated"})

    async def _vendor(self, request: web.Request) -> web.Response:
        """The vendor as its owner sees it; the code of its chaos is left out."""
        self._authorize(request)
        view: Json = _VENDOR | {"apiKey": self.api_key, "created": _instant(self.created)}
        if self.chaos:
            dates = {"initiatedDate": self.chaos.initiated, "startDate": self.chaos.start, "fixDate": self.chaos.fixed}
            shown = {name: _instant(date) for name, date in dates.items() if date}
            view["chaos"] = {"type": self.chaos.kind} | shown
        return answer(200, view | {"roles": ["vendor"], "connections": {}})

    async def _remove(self, request: web.Request) -> web.Response:
        """Ends chaos from outside, and forgets it. The only vendor is its own administrator here."""
        self._authorize(request)
        if request[BODY].get("deleteType") != "chaos":
            raise AnswerError(400, {"message": "Missing required parameter"})
        self.chaos = None
        return web.Response(status=204, headers=HEADERS)

    def _authorize(self, request: web.Request) -> None:
        if bearer(request) != self.api_key:
            raise AnswerError(401, _STRANGER)


def _start_asked(body: Json, now: datetime) -> datetime:
    """A `startDate` in the body is this stand-in's own addition."""
    if isinstance(body.get("startDate"), str):
        return datetime.fromisoformat(body["startDate"]).astimezone(UTC)
    return next_day(now)


def next_day(now: datetime) -> datetime:
    """When chaos begins that is initiated now: at a random minute of the next day, 15:00 to 20:59 UTC."""
    tomorrow = now.astimezone(_UTAH).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(15), UTC) + timedelta(minutes=secrets.randbelow(6 * 60))


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
