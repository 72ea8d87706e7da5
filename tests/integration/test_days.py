"""Every game day's row, by the real pipeline and HTTP adapters at the shop, on the in-memory store."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import pytest

from remediator.adapters.http import HttpClient, HttpFactory, HttpShop
from remediator.adapters.pinned import system_resolver
from remediator.bootstrap import now
from remediator.deadline import Deadline
from remediator.errors import Unhealed
from remediator.masking import Mask
from remediator.outcome import CONSEQUENCES
from remediator.report_link import LinkPolicy
from remediator.settings import Settings
from simulator.days import DAYS, GameDay
from simulator.shop import Shop
from tests.support.builders import Harness, alarm
from tests.support.fakes import KnownSecret


def at(shop: Shop, day: GameDay) -> Harness:
    """A remediator on the in-memory store, with the real HTTP adapters at the shop."""
    arns = dict.fromkeys(("target", "table", "diner_secret_arn", "notification_topic_arn"), "a")
    given = {"shop_url": shop.url, "allowed_report_hosts": shop.factory_host, "order": day.order}
    client = HttpClient(now, PEM_cert_to_DER_cert(Path(shop.ca_file).read_text()))
    secret = KnownSecret(shop.email, day.password or shop.password)
    harness = Harness()
    harness.remediator = replace(
        harness.remediator,
        shop=HttpShop(client, Settings.model_validate(arns | given), secret, Mask()),
        factory=HttpFactory(client, shop.factory_host),
        links=LinkPolicy(frozenset({shop.factory_host}), allow_private=True),
        resolve=system_resolver,
        clock=now,
    )
    return harness


@pytest.mark.parametrize("name", sorted(DAYS))
def test_row_ends_as_it_says_with_no_call_too_many(name: str) -> None:
    day = DAYS[name]
    with Shop(slow_seconds=0.3) as shop:
        harness = at(shop, day)
        shop.condition(day.condition)
        shop.chaos(day.chaos)
        with suppress(Unhealed):
            harness.remediator.handle(alarm(), "r-1", Deadline.after(60))
        calls = sum(shop.report_calls.values())
        secrets = [shop.password, shop.vendor_token]

    (record,) = harness.store.records.values()
    assert record.result.outcome in day.expected, record
    assert calls <= day.calls
    reported = CONSEQUENCES[record.result.outcome].tone != "none" and record.result.outcome != "ALREADY_HEALTHY"
    assert len(harness.notifier.sent) == reported
    written = repr((harness.store, harness.notifier))
    assert not [secret for secret in secrets if secret in written]
