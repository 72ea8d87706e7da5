"""`make faults`: each AWS call of a run under each fault: its outcome, and never a call of the link without an intent.

A fault is put between the real client and the local AWS, for the first attempt or for all; retries and their pauses
are the deployed ones, a time-out comes at once.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from queue import SimpleQueue
from threading import Lock
from typing import Any

import requests
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from remediator.bootstrap import now
from remediator.deadline import Deadline
from remediator.errors import RemediatorError
from remediator.state import State
from simulator.local_aws import LocalAws
from tests.protocol.real_parts import Parts, far_shop, furnish, is_report
from tests.support.builders import alarm, claim, trigger

SECONDS = {"once": 60.0, "always": 6.0}  # of a run; what is always at fault is tried until they are over
SLOW_SECONDS = 1.0
WORKERS = 4  # most of the time is spent waiting

type Fault = Callable[[AWSPreparedRequest], AWSResponse | None]


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS call of a run: its service and operation, and for a transaction the kind of entry it writes."""

    name: str
    service: str
    operation: str
    kind: str = ""

    def matches(self, request: AWSPreparedRequest) -> bool:
        if not self.kind:
            return True
        puts = [item["Put"]["Item"] for item in json.loads(written(request))["TransactItems"] if "Put" in item]
        return self.kind in [put["kind"]["S"] for put in puts if "kind" in put]


KINDS = ("claimed", "intent", "answer", "finished", "notified")
JOIN = Call("UpdateItem last_trigger", "dynamodb", "UpdateItem")
CALLS = (
    Call("GetItem state", "dynamodb", "GetItem"),
    *(Call(f"TransactWriteItems {kind}", "dynamodb", "TransactWriteItems", kind) for kind in KINDS),
    JOIN,
    Call("PutItem delivery", "dynamodb", "PutItem"),
    Call("GetSecretValue", "secretsmanager", "GetSecretValue"),
    Call("Publish", "sns", "Publish"),
)


class Body:
    """The raw body of an answer that no server gave."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()

    def stream(self) -> Iterator[bytes]:
        yield self._text


def written(request: AWSPreparedRequest) -> bytes:
    return request.body if isinstance(request.body, bytes) else str(request.body).encode()


def refuse(request: AWSPreparedRequest, status: int, code: str, **more: object) -> AWSResponse:
    """An error answer of AWS, in the language that was spoken."""
    text = json.dumps({"__type": code, "message": "injected", "Message": "injected", **more})
    if request.headers.get("X-Amz-Target") is None:
        text = f"<ErrorResponse><Error><Code>{code}</Code><Message>injected</Message></Error></ErrorResponse>"
    return AWSResponse(request.url, status, HTTPHeaders.from_dict({"x-amzn-RequestId": "injected"}), Body(text))


def answer(status: int, code: str) -> Fault:
    return lambda request: refuse(request, status, code)


def conflict(request: AWSPreparedRequest) -> AWSResponse:
    """Somebody else's transaction is under way: of a transaction one reason, of a plain write the error itself."""
    if b"TransactItems" not in written(request):
        return refuse(request, 400, "TransactionConflictException")
    reasons = [{"Code": "None"}, {"Code": "TransactionConflict", "Message": "injected"}]
    return refuse(request, 400, "TransactionCanceledException", CancellationReasons=reasons)


def timed_out(request: AWSPreparedRequest) -> None:
    raise ReadTimeoutError(endpoint_url=request.url)


def reset(request: AWSPreparedRequest) -> None:
    raise ConnectionClosedError(endpoint_url=request.url)


def takes_effect(request: AWSPreparedRequest) -> None:
    """Let the local AWS do what was asked, unheard."""
    headers = {name: value if isinstance(value, str) else value.decode() for name, value in request.headers.items()}
    requests.request(request.method, request.url, headers=headers, data=written(request), timeout=10)


def unknown(request: AWSPreparedRequest) -> None:
    takes_effect(request)
    timed_out(request)


def slow(request: AWSPreparedRequest) -> None:
    time.sleep(SLOW_SECONDS)


FAULTS: dict[str, Fault] = {
    "throttled": answer(400, "ThrottlingException"),
    "500": answer(500, "InternalServerError"),
    "slow": slow,
    "timed out": timed_out,
    "reset": reset,
    "denied": answer(400, "AccessDeniedException"),
    "not found": answer(400, "ResourceNotFoundException"),
    "conflict": conflict,
    "unknown result": unknown,
}
HOW_OFTEN = {"once": 1, "always": sys.maxsize}
ALL = tuple(
    (call, fault, times)
    for call, fault, times in product(CALLS, FAULTS, HOW_OFTEN)
    if fault != "conflict" or call.service == "dynamodb"
)
type Row = tuple[Call, str, str]


def bearable(call: Call, fault: str, times: str) -> bool:
    """Whether it is to be got over. In AWS a conflict meets writes of the state alone, and isn't retried by the SDK."""
    if fault == "slow" or (fault == "unknown result" and call.kind):
        return True
    if fault == "conflict" and not call.kind and call is not JOIN:
        return False
    return times == "once" and fault not in ("denied", "not found")


@dataclass(frozen=True, slots=True)
class Played:
    """What a run under one fault showed; `wrong` is what may not be."""

    ended: str
    calls: int
    intents: int
    seconds: float
    wrong: str | None


@contextmanager
def injected(client: Any, call: Call, fault: Fault, times: int) -> Iterator[list[str]]:
    """The fault, in place of the first so many attempts of the call. Yields the attempts it met."""
    met: list[str] = []
    lock = Lock()

    def before_send(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        if not call.matches(request):
            return None
        with lock:
            met.append(call.name)
            if len(met) > times:
                return None
        return fault(request)

    event = f"before-send.{call.service}.{call.operation}"
    client.meta.events.register(event, before_send)
    try:
        yield met
    finally:
        client.meta.events.unregister(event, before_send)


def play(parts: Parts, row: Row) -> Played:
    """One run of a failing shop under one fault; to join, somebody else must hold the lease."""
    call, fault, times = row
    target, began, event = " ".join((call.name, fault, times)), time.time(), alarm(sent=now())
    parts.shop.chaos("fail")
    if call is JOIN:
        theirs = claim(by=trigger("r-9#0"), now=now(), until=now() + timedelta(minutes=5))
        parts.store(target).commit(State(), theirs)
    wrong, start = None, time.monotonic()
    with injected(parts.clients[call.service], call, FAULTS[fault], HOW_OFTEN[times]) as met:
        try:
            (result,) = parts.remediator(target).handle(event, "r-1", Deadline.after(SECONDS[times]))
            ended: str = result.outcome
        except RemediatorError as error:
            ended = f"{type(error).__name__}: {error}"
        except Exception as error:  # noqa: BLE001 - what escapes without a name of ours is what is looked for
            ended = wrong = f"{type(error).__name__} escaped"
    seconds = time.monotonic() - start
    calls = sum(map(is_report, parts.shop.requests(began)))
    intents = sum(entry.kind == "intent" for entry in parts.records(target).log())
    found = (
        (calls > intents, "a call has no intent"),
        (calls < intents and ended == "HEALED", "an intent has no call"),
        (not met, "the fault was never met"),
        (call.operation == "Publish" and ended != "HEALED", "a notification changed the outcome"),
        (call.kind == "notified" and ended != "HEALED", "a notification changed the outcome"),
        (bearable(call, fault, times) and ended not in ("HEALED", "JOINED"), "it wasn't borne"),
    )
    return Played(ended, calls, intents, seconds, wrong or next((what for bad, what in found if bad), None))


def table(rows: Sequence[Row], say: Callable[[str], object]) -> int:
    """Play the rows, one line each. Returns how many went wrong."""
    with ExitStack() as stack:
        aws = stack.enter_context(LocalAws())
        free: SimpleQueue[Parts] = SimpleQueue()
        for _ in range(WORKERS):
            free.put(furnish(aws, stack.enter_context(far_shop())))

        def played(row: Row) -> Played:
            parts = free.get()
            try:
                return play(parts.afresh(row[0].service), row)
            finally:
                free.put(parts)

        failed = 0
        with ThreadPoolExecutor(WORKERS) as pool:
            for (call, fault, times), result in zip(rows, pool.map(played, rows), strict=True):
                failed += result.wrong is not None
                figures = f"{result.calls} calls, {result.intents} intents, {result.seconds:4.1f} s"
                wrong = f" · FAIL: {result.wrong}" if result.wrong else ""
                say(f"{call.name:26} {fault:14} {times:6} {figures} · {result.ended}{wrong}")
        say(f"{len(rows) - failed} of {len(rows)}")
        return failed


def main() -> None:
    sys.exit(bool(table(ALL, lambda line: sys.stdout.write(line + "\n"))))


if __name__ == "__main__":
    main()
