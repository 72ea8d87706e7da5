"""`make storm`: many copies of one alarm, at once, over ten seconds, and through the deployed stack.

In a tenth of the commits of the first two another transaction gets in the way; half of these took effect all the same.
"""

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from remediator.audit import verify_chain
from remediator.bootstrap import now
from remediator.deadline import Deadline
from remediator.errors import RemediatorError
from remediator.examiner import SAMPLES
from remediator.run import SECONDS_BETWEEN_CHECKS
from remediator_cli.records import Records
from simulator.days import DAYS
from simulator.environment import GameDayEnvironment, emulate
from simulator.local_aws import LocalAws
from simulator.shop import Shop
from simulator.shop.express import Record
from tests.protocol.faults import conflict, takes_effect
from tests.protocol.real_parts import Parts, far_shop, furnish, is_order, is_report
from tests.support.builders import alarm

AT_ONCE = 50
SECONDS = 60.0  # of a run
EVERY = 10  # of so many commits one conflicts
ORDERS_A_SECOND = 2
EMULATORS = 2
SECONDS_TO_END = 60.0
A_BATCH = 10  # messages, says SNS's PublishBatch


@dataclass(frozen=True, slots=True)
class Figure:
    """One count, and the most or the exact number it may be."""

    name: str
    count: int
    at_most: int
    at_least: int = 0

    @property
    def fits(self) -> bool:
        return self.at_least <= self.count <= self.at_most


def exactly(name: str, count: int, expected: int) -> Figure:
    return Figure(name, count, expected, expected)


@contextmanager
def disturbed(client: Any) -> Iterator[Counter[str]]:
    """A client whose commits conflict now and then. Yields how often each operation was asked for."""
    counts: Counter[str] = Counter()
    lock = Lock()

    def count(model: Any, **_: object) -> None:
        with lock:
            counts[model.name] += 1

    first = random.randrange(5)

    def disturb(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        with lock:
            counts["commits"] += 1
            if counts["commits"] % EVERY != first + 1:
                return None
            counts["conflicts"] += 1
            unheard = counts["conflicts"] % 2 == first % 2
        if unheard:
            takes_effect(request)
        return conflict(request)

    hooks = (("before-call.dynamodb", count), ("before-send.dynamodb.TransactWriteItems", disturb))
    for event, hook in hooks:
        client.meta.events.register(event, hook)
    try:
        yield counts
    finally:
        for event, hook in hooks:
            client.meta.events.unregister(event, hook)


def storm(parts: Parts, copies: int, seconds: float) -> list[Figure]:
    """Copies of one alarm, so many at a time: with one timestamp, or published one after the other."""
    target, began, sent = f"storm of {copies} in {seconds:.0f} s", time.time(), now()
    remediator = parts.remediator(target)
    parts.shop.chaos("fail")

    def deliver(number: int) -> str:
        time.sleep(max(0.0, began + number * seconds / copies - time.time()))
        event = alarm(sent=now() if seconds else sent)
        try:
            (result,) = remediator.handle(event, f"r-{number}", Deadline.after(SECONDS))
        except RemediatorError as error:
            return f"{type(error).__name__}: {error}"
        return result.outcome

    with disturbed(parts.clients["dynamodb"]) as counts, ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = Counter(pool.map(deliver, range(copies)))
    took = time.time() - began
    records, requests = parts.records(target), parts.shop.requests(began)
    orders = sum(map(is_order, requests))
    checks = int(took / SECONDS_BETWEEN_CHECKS)  # after the healing, which takes three orders
    counted = [
        *common_figures(records, sent, requests, outcomes, copies),
        # Who is under way while a check ends may note itself with that run in vain, and once more with the next.
        Figure("alarms noted", counts["UpdateItem"], copies + AT_ONCE * (checks + 1)),
        exactly("writes of delivery records", counts["PutItem"], copies),
        Figure("conflicts", counts["conflicts"], counts["commits"] // EVERY + 1, 1),
    ]
    return [*counted, Figure("orders", orders, SAMPLES + 1 + SAMPLES * checks if seconds else 4)]


def common_figures(
    records: Records, since: datetime, requests: Sequence[Record], outcomes: Counter[str], copies: int
) -> list[Figure]:
    """What holds of every storm: one call, one healing, each copy on record, the log intact, nothing left to do."""
    state, log = records.state(), records.log()
    joined = sum(outcomes[outcome] for outcome in ("HEALED", "JOINED", "ALREADY_HEALTHY"))
    return [
        exactly("report calls", sum(map(is_report, requests)), 1),
        exactly("copies that healed", outcomes["HEALED"], 1),
        exactly("copies that ended well", joined, copies),
        exactly("incidents", len(records.incidents()), 1),
        exactly("delivery records", len(records.deliveries(since)), copies),
        exactly("faults of the log", int(verify_chain(log, now(), state.v, state.last) is not None), 0),
        exactly("checks under way", int(state.check is not None), 0),
        exactly("open incidents and notifications not sent", int(state.incident is not None) + len(state.outbox), 0),
    ]


def deployed(copies: int) -> list[Figure]:
    """A burst through topic, subscription and built function, on a pool of runtime emulators."""
    with ExitStack() as stack:
        shop = stack.enter_context(Shop())
        environment = stack.enter_context(GameDayEnvironment(shop, DAYS["fail"]))
        environment.deploy()
        emulate(stack, environment, EMULATORS)
        shop.chaos("fail")
        topic, began, sent = environment.outputs["AlarmTopicArn"], time.monotonic(), now()
        numbers = list(range(copies))
        for batch in (numbers[at : at + A_BATCH] for at in range(0, copies, A_BATCH)):
            entries = [{"Id": str(number), "Message": f"copy {number}", "Subject": "a storm"} for number in batch]
            environment.aws.client("sns").publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
        while len(environment.records.deliveries(sent)) < copies and time.monotonic() - began < SECONDS_TO_END:
            time.sleep(0.2)
        took = time.monotonic() - began
        outcomes = Counter(each["outcome"] for each in environment.records.deliveries(sent))
        orders = sum(map(is_order, shop.requests))
        return [
            *common_figures(environment.records, sent, shop.requests, outcomes, copies),
            Figure("orders", orders, 3 + round(ORDERS_A_SECOND * took)),
            exactly("notifications", len(environment.notifications()), 1),
        ]


def show(name: str, figures: Sequence[Figure], say: Callable[[str], object]) -> int:
    """One line a figure. Returns how many are off."""
    say(name)
    for figure in figures:
        bounds = f"{figure.at_most}" if figure.at_least == figure.at_most else f"at most {figure.at_most}"
        say(f"  {'ok  ' if figure.fits else 'FAIL'} {figure.name}: {figure.count} ({bounds})")
    return sum(not figure.fits for figure in figures)


def main() -> None:
    off = 0

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    with ExitStack() as stack:
        aws = stack.enter_context(LocalAws())
        parts = furnish(aws, stack.enter_context(far_shop()), AT_ONCE)
        off += show("(a) 1,000 copies with one timestamp, 50 at a time", storm(parts, 1000, 0.0), say)
        off += show("(b) 1,000 published over 10 s", storm(parts, 1000, 10.0), say)
    off += show("(c) 200 through the deployed stack, on two runtime emulators", deployed(200), say)
    say("all as they have to be" if not off else f"{off} figures are off")
    sys.exit(bool(off))


if __name__ == "__main__":
    main()
