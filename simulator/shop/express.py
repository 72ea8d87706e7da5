"""What the two servers have in common, since both of the real ones are Express programs.

Headers, messages and the order of the steps were observed on the service of 2025-10-14 and the
factory of 2026-03-11. Stack traces are invented but for their first line.
"""

import json
import re
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from remediator.report_link import find_links

type Json = dict[str, Any]

BODY = web.RequestKey("body", dict)  # the parsed JSON; empty when none was sent

_POWERED = {"X-Powered-By": "Express", "Keep-Alive": "timeout=5"}
HEADERS = _POWERED | {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Content-Type, Authorization",
    "Access-Control-Allow-Credentials": "true",
}
NO_ANSWER = 444  # nginx's number for a connection that is closed without an answer


class AnswerError(Exception):
    """Ends a request early, with this status and JSON body."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(status)
        self.status, self.body = status, body


def thrown(kind: str, message: str, status: int = 500) -> AnswerError:
    """What becomes of a JavaScript error that nobody caught."""
    return AnswerError(status, {"message": message, "stack": f"{kind}: {message}\n    at standIn (shop.js:1:1)"})


def compact(value: object) -> str:
    """As JSON.stringify: no spaces, no escapes that aren't needed."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def answer(status: int, body: object, headers: dict[str, str] = HEADERS) -> web.Response:
    text = compact(body)
    return web.Response(status=status, text=text, content_type="application/json", headers=headers)


def too_many(body: str | Json, headers: dict[str, str]) -> web.Response:
    """As express-rate-limit refuses a request: text is sent as HTML, an object as JSON."""
    refusal = answer(429, body, HEADERS | headers)
    if isinstance(body, str):
        refusal.text, refusal.content_type = body, "text/html"
    return refusal


def no_answer(request: web.Request) -> web.Response:
    """Close the connection; the response returned reaches nobody but the record."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=NO_ANSWER)


def parse_json(text: str) -> Any:
    """As JSON.parse; raises AnswerError with the words of Node 22."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text) or error.msg.startswith("Unterminated"):
            message = "Unexpected end of JSON input"
        else:
            start = f'"{text[:10]}"... is not valid JSON'
            message = f"Unexpected token '{text[error.pos]}', {start}"
        raise thrown("SyntaxError", message) from None


def bearer(request: web.Request) -> str | None:
    """The second word of the header, whatever the first: so do both of the real servers."""
    words = request.headers.get("Authorization", "").split(" ")
    return words[1] if len(words) > 1 else None


@web.middleware
async def express(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Parse the body, then route: broken JSON comes before auth, and without CORS headers."""
    try:
        request[BODY] = await _body(request)
    except AnswerError as error:
        return answer(400, error.body, _POWERED)
    try:
        return await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        return answer(404, {"message": "unknown endpoint"})
    except AnswerError as error:
        return answer(error.status, error.body)


async def _body(request: web.Request) -> Json:
    text = await request.text()
    if request.content_type != "application/json" or not text:
        return {}
    body = parse_json(text)
    return body if isinstance(body, dict) else {}


@dataclass(frozen=True, slots=True)
class Record:
    """One request: seconds since the epoch at its arrival, its path without key and code."""

    time: float
    server: str
    method: str
    path: str
    status: int
    link: bool  # whether the answer held a report link


def recorder(server: str, records: list[Record]) -> Middleware:
    """Appends each request when it is answered; a list's append is safe between threads."""

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        arrived = time.time()
        response = await handler(request)
        body = response.body if isinstance(response, web.Response) else None
        link = isinstance(body, bytes) and bool(find_links(body))
        resource = request.match_info.route.resource
        path = resource.canonical if resource and "key" in request.match_info else _masked(request.path)
        records.append(Record(arrived, server, request.method, path, response.status, link))
        return response

    return record


def _masked(path: str) -> str:
    path = re.sub(r"(/api/support/)[^/]+", r"\1<key>", path)
    return re.sub(r"(/report/)[^/]+", r"\1<code>", path)
