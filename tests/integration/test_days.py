"""Every game day's row, by the real pipeline and HTTP adapters at the shop, on the in-memory store."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import pytest

from console.gameday.days import DAYS, GameDay
from console.gameday.shop import Shop
from remediator.adapters.http import Caller, HttpFactory, HttpShop
from remediator.adapters.pinned import system_resolver
from remediator.bootstrap import now
from remediator.errors import Unhealed
from remediator.head import Policy
from remediator.masking import Mask
from remediator.outcome import CONSEQUENCES
from remediator.pipeline import Remediator
from remediator.report_link import FIELD_NAMES, LinkPolicy
from remediator.sample import Deadline
from remediator.settings import Settings
from tests.memory import KnownSecret, MemoryPeople, MemoryStore
from tests.scenes import alarm


def remediator(shop: Shop, day: GameDay, store: MemoryStore, people: MemoryPeople) -> Remediator:
    settings = Settings.model_validate(
        {
            "target": "t",
            "shop_url": shop.url,
            "allowed_report_hosts": shop.factory_host,
            "diner_secret_arn": "a",
            "table": "t",
            "people_topic_arn": "a",
            "order": day.order,
        }
    )
    caller = Caller(now, PEM_cert_to_DER_cert(Path(shop.ca_file).read_text()))
    return Remediator(
        shop=HttpShop(caller, settings, KnownSecret(shop.email, day.password or shop.password), Mask()),
        factory=HttpFactory(caller, shop.factory_host),
        store=store,
        people=people,
        policy=Policy(),
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
    day, store, people = DAYS[name], MemoryStore(), MemoryPeople()
    with Shop(slow_seconds=0.3) as shop:
        shop.condition(day.condition)
        shop.chaos(day.chaos)
        with suppress(Unhealed):
            remediator(shop, day, store, people).handle(alarm(), "r-1", Deadline.after(60))
        calls = sum(shop.report_calls.values())
        secrets = [shop.password, shop.vendor_token]

    (event,) = store.events.values()
    assert event.ending.outcome in day.expected, event
    assert calls <= day.calls
    told = CONSEQUENCES[event.ending.outcome].tone != "none" and event.ending.outcome != "ALREADY_HEALTHY"
    assert len(people.told) == told
    written = json.dumps([repr(store), repr(people)])
    assert not [secret for secret in secrets if secret in written]
