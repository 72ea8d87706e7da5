"""The canary over real sockets, against the stand-in shop."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import pytest

from remediator.adapters.http import HttpClient, HttpFactory, HttpShop
from remediator.bootstrap import now
from remediator.canary import Canary
from remediator.deadline import Deadline
from remediator.diagnosis import LATENCY_BUDGET
from remediator.masking import Mask
from remediator.report_link import FIELD_NAMES
from remediator.settings import CanarySettings
from simulator.days import DAYS
from simulator.shop import Shop
from tests.support.fakes import KnownSecret, MemoryStore


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with Shop() as running:
        yield running


def canary(shop: Shop, published: list[str]) -> Canary:
    settings = CanarySettings.model_validate(
        {
            "target": "t",
            "shop_url": shop.url,
            "allowed_report_links": shop.report_links,
            "diner_secret_arn": "a",
            "table": "t",
            "alarm_topic_arn": "a",
            "order": DAYS["fail"].order,
            "order_seconds": LATENCY_BUDGET,
        }
    )
    client = HttpClient(now, PEM_cert_to_DER_cert(Path(shop.ca_file).read_text()))
    return Canary(
        shop=HttpShop(client, settings, KnownSecret(shop.email, shop.password), Mask()),
        keys=HttpFactory(client, shop.factory_host).keys,
        store=MemoryStore(),
        publish=published.append,
        minutes=1,
        link_names=FIELD_NAMES,
        clock=now,
        pool=ThreadPoolExecutor(8),
        mask=Mask(),
    )


@pytest.mark.parametrize(
    ("chaos", "condition", "failed"),
    [
        ("off", None, set()),
        ("fail", None, {"order"}),
        ("badjwt", None, {"order"}),
        ("off", "factory-down", {"order"}),
        ("off", "db-down", {"canary login", "menu", "franchises"}),
        ("off", "html", {"canary login", "process", "menu", "franchises"}),
    ],
)
def test_canary_names_what_fails_calls_no_report_link_and_keeps_one_token(
    shop: Shop, chaos: str, condition: str | None, failed: set[str]
) -> None:
    published: list[str] = []
    shop.chaos(chaos)
    shop.condition(condition)
    logins, logouts = asked(shop, "PUT"), asked(shop, "DELETE")

    mine = canary(shop, published)
    report = mine.run(now(), Deadline.after(30))

    assert set(report.failed) == failed
    assert len(published) == bool(failed)
    assert shop.report_calls == {"GET": 0, "HEAD": 0}
    assert asked(shop, "PUT") - logins == bool(mine.memory.token)
    assert asked(shop, "DELETE") == logouts
    assert not [secret for secret in shop.secrets if secret in repr([report, published])]


def test_run_after_the_shop_closed_idle_connections_asks_each_thing_once(shop: Shop) -> None:
    shop.chaos("off")
    shop.condition(None)
    mine = canary(shop, [])
    mine.run(now(), Deadline.after(30))
    shop.close_connections()
    before = len(shop.requests)

    assert mine.run(now(), Deadline.after(30)).failed == {}
    # Five endpoints, an order, and the factory's key set.
    assert len(shop.requests) - before == 7


def asked(shop: Shop, method: str) -> int:
    """Logins or logouts that were answered well."""
    found = [record for record in shop.requests.copy() if (record.method, record.path) == (method, "/api/auth")]
    return sum(record.status == 200 for record in found)
