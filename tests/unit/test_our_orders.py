"""How many orders our own checks place while a failure goes on that nobody can heal, step by step through the time."""

from collections import defaultdict
from datetime import datetime, timedelta

import pytest

from remediator.canary import Canary
from remediator.deadline import Deadline
from remediator.endpoints import ENDPOINTS
from remediator.report_link import FIELD_NAMES
from remediator.sample import Sample
from tests.support.alarm_rules import CloudWatchAlarm
from tests.support.builders import BEGAN, GOOD, LOGIN, NO_LINK, Harness, alarm, answer, failing, sns
from tests.support.fakes import MemoryShop

ALARM = CloudWatchAlarm.of_template("OrdersFailing")
DEAD = answer(500, {"message": "connect ECONNREFUSED"})
STEP = int(ALARM.period)
RETRIES = (60, 120)  # seconds until Lambda's second and third try (developer guide, "Asynchronous invocation")


class Failure:
    """A shop that fails from second 0 on, without diners from then on: its metric counts our own orders alone."""

    def __init__(self, order: Sample, menu: Sample, canary_minutes: int) -> None:
        self.harness = Harness(order)
        self.harness.shop.probes = {ENDPOINTS["menu"].path: [menu]}
        self.harness.shop.meanwhile = self._count
        self.counted: dict[int, list[bool]] = defaultdict(list, {0: [True] * 3})  # by period; the last diners'
        self.due: list[tuple[int, str, object, int]] = []
        self.second, self.failed = 0, order is not GOOD
        shop = MemoryShop([order], [LOGIN], probes=self.harness.shop.probes, meanwhile=self._count)
        self.canary = Canary(
            shop=shop,
            keys=lambda _deadline: {},
            store=self.harness.store,
            publish=lambda text: self._send(sns(text, self.now())),
            minutes=canary_minutes,
            link_names=FIELD_NAMES,
            clock=self.now,
            pool=self.harness.remediator.pool,
            mask=self.harness.remediator.mask,
            sleep=lambda _seconds: None,
        )

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.second)

    def orders_after(self, seconds: int, *, canary: bool) -> int:
        """How many orders the checks placed until then."""
        state = "OK"
        for self.second in range(0, seconds, STEP):
            if canary and self.second % 60 == 0:
                self.canary.run(self.now(), Deadline.after(30))
            new = ALARM.state(self._points()) if self.failed else "OK"
            if new != state:
                self._send(alarm(new, sent=self.now()))
            state = new
            for each in [each for each in self.due if each[0] <= self.second]:
                self.due.remove(each)
                self._deliver(*each[1:])
        return self.harness.shop.orders

    def _count(self) -> None:
        self.counted[self.second // STEP].append(self.failed)

    def _points(self) -> list[float | None]:
        last = self.second // STEP
        found = [self.counted.get(index, []) for index in range(last - ALARM.reach, last + 1)]
        return [float(sum(each)) if each else None for each in found]

    def _send(self, event: object) -> None:
        self.due.append((self.second, f"r-{self.second}-{len(self.due)}", event, 0))

    def _deliver(self, request: str, event: object, tries: int) -> None:
        self.harness.clock.now = self.now()
        if self.harness.handle(event, request) is None and tries < len(RETRIES):
            self.due.append((self.second + RETRIES[tries], request, event, tries + 1))


@pytest.mark.parametrize("order", [NO_LINK, failing()], ids=["without a link", "with a link that doesn't help"])
@pytest.mark.parametrize("canary_minutes", [None, 1, 5])
def test_at_most_16_orders_in_the_first_hour_of_a_failure_of_orders(order: Sample, canary_minutes: int | None) -> None:
    failure = Failure(order, answer(200, []), canary_minutes or 1)
    if not canary_minutes:
        failure.counted.update({-1: [True], -2: [True]})  # the diners' orders that made the alarm fire

    assert 2 <= failure.orders_after(3600, canary=bool(canary_minutes)) <= 16


def test_at_most_35_orders_in_a_day_in_which_the_menu_is_down() -> None:
    assert 20 <= Failure(GOOD, DEAD, 5).orders_after(24 * 3600, canary=True) <= 35
