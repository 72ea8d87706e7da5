"""Every game day's row, by the real pipeline and HTTP adapters at the shop, on the in-memory store."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
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
from remediator.pipeline import Remediator
from remediator.report_link import FIELD_NAMES, LinkPolicy
from remediator.settings import Settings
from remediator.state import Limits
from simulator.days import DAYS, GameDay
from simulator.shop import Shop
from tests.support.builders import alarm
from tests.support.fakes import KnownSecret, MemoryNotifier, MemoryStore


def remediator(shop: Shop, day: GameDay, store: MemoryStore, notifier: MemoryNotifier) -> Remediator:
    settings = Settings.model_validate(
        {
            "target": "t",
            "shop_url": shop.url,
            "allowed_report_hosts": shop.factory_host,
            "diner_secret_arn": "a",
            "table": "t",
            "notification_topic_arn": "a",
            "order": day.order,
        }
    )
    client = HttpClient(now, PEM_cert_to_DER_cert(Path(shop.ca_file).read_text()))
    return Remediator(
        shop=HttpShop(client, settings, KnownSecret(shop.email, day.password or shop.password), Mask()),
        factory=HttpFactory(client, shop.factory_host),
        store=store,
        notifier=notifier,
        limits=Limits(),
        links=LinkPolicy(frozenset({shop.factory_host}), allow_private=True),
        link_names=FIELD_NAMES,
        alarm_names=frozenset(),
        resolve=system_resolver,
        clock=now,
        pool=ThreadPoolExecutor(4),
        mask=Mask(),
        warn=lambda _: None,
    )


@pytest.mark.parametrize("name", sorted(DAYS))
def test_row_ends_as_it_says_with_no_call_too_many(name: str) -> None:
    day, store, notifier = DAYS[name], MemoryStore(), MemoryNotifier()
    with Shop(slow_seconds=0.3) as shop:
        shop.condition(day.condition)
        shop.chaos(day.chaos)
        with suppress(Unhealed):
            remediator(shop, day, store, notifier).handle(alarm(), "r-1", Deadline.after(60))
        calls = sum(shop.report_calls.values())
        secrets = [shop.password, shop.vendor_token]

    (record,) = store.records.values()
    assert record.result.outcome in day.expected, record
    assert calls <= day.calls
    reported = CONSEQUENCES[record.result.outcome].tone != "none" and record.result.outcome != "ALREADY_HEALTHY"
    assert len(notifier.sent) == reported
    written = json.dumps([repr(store), repr(notifier)])
    assert not [secret for secret in secrets if secret in written]
