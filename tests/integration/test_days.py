"""Every game day's row, by the real pipeline, canary and HTTP adapters at the shop, on the in-memory store."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import pytest

from remediator.adapters.dynamodb import STATES
from remediator.adapters.http import HttpClient, HttpFactory, HttpShop
from remediator.adapters.pinned import system_resolver
from remediator.bootstrap import now
from remediator.canary import Canary
from remediator.deadline import Deadline
from remediator.errors import Unhealed
from remediator.limits import Limits
from remediator.masking import Mask
from remediator.outcome import CONSEQUENCES
from remediator.pipeline import Remediator
from remediator.report_link import FIELD_NAMES, LinkPolicy
from remediator.settings import Settings
from simulator.days import DAYS, GameDay, Stage
from simulator.hostile import clothes
from simulator.play import hostile_alarm
from simulator.result import STATE_BYTES
from simulator.shop import Shop
from tests.support.builders import alarm, sns
from tests.support.fakes import KnownSecret, MemoryNotifier, MemoryStore


class DayInMemory:
    """A remediator and a canary at the shop, as that game day sets them."""

    def __init__(self, shop: Shop, day: GameDay) -> None:
        self.shop, self.day, self.store, self.notifier = shop, day, MemoryStore(), MemoryNotifier()
        settings = Settings.model_validate(
            {
                "target": "t",
                "shop_url": shop.url,
                "allowed_report_links": shop.report_links,
                "diner_secret_arn": "a",
                "table": "t",
                "notification_topic_arn": "a",
                "order": day.order,
            }
        )
        client = HttpClient(now, PEM_cert_to_DER_cert(Path(shop.ca_file).read_text()))
        secret = KnownSecret(shop.email, day.password or shop.password, day.canary_password)
        mask = Mask(settings.allowed_report_links)
        at_shop, factory = HttpShop(client, settings, secret, mask), HttpFactory(client, shop.factory_host)
        pool = ThreadPoolExecutor(8)
        self.remediator = Remediator(
            shop=at_shop,
            factory=factory,
            store=self.store,
            notifier=self.notifier,
            limits=Limits(day.mode),
            links=LinkPolicy(settings.allowed_report_links, allow_private=True),
            link_names=FIELD_NAMES,
            alarm_names=frozenset(),
            resolve=system_resolver,
            clock=now,
            pool=pool,
            mask=mask,
            warn=lambda _: None,
            learn_secrets=at_shop.read_secret,
        )
        self.canary = Canary(
            shop=at_shop,
            keys=factory.keys,
            store=self.store,
            publish=lambda text: self.handle(sns(text, now())),
            minutes=1,
            link_names=FIELD_NAMES,
            clock=now,
            pool=pool,
            mask=mask,
        )

    def handle(self, event: object) -> None:
        with suppress(Unhealed):
            self.remediator.handle(event, f"r-{len(self.store.records)}", Deadline.after(110))

    def play(self, stage: Stage) -> None:
        self.shop.condition(stage.condition)
        self.shop.chaos(stage.chaos)
        if self.day.is_hostile:
            self.handle(sns(json.dumps(hostile_alarm(self.shop)), now()))
        elif self.day.diners:
            self.handle(alarm(sent=now()))
        else:
            self.canary.run(now(), Deadline.after(30))


@pytest.mark.parametrize("name", sorted(DAYS))
def test_row_ends_and_is_reported_as_it_says_with_no_call_too_many(name: str) -> None:
    row = DAYS[name]
    with Shop(slow_seconds=0.3, report=row.report, key_length=row.key_length) as shop:
        day = DayInMemory(shop, row)
        for stage in row.stages:
            day.play(stage)
        calls = sum(shop.report_calls.values())
        secrets = shop.secrets

    outcomes = [record.result.outcome for record in day.store.records.values()]
    first_lines = [each.text.splitlines()[0] for each in day.notifier.sent]
    assert outcomes[-1] in row.expected, day.store.records
    assert len(outcomes) == len(row.stages)
    assert calls <= row.calls
    if row.reports is None:
        reported = [one for one in outcomes if CONSEQUENCES[one].tone != "none" and one != "ALREADY_HEALTHY"]
        assert len(first_lines) == len(reported)
    else:
        assert len(first_lines) == len(row.reports)
        assert all(line.startswith(begins) for line, begins in zip(first_lines, row.reports, strict=True)), first_lines
    written = json.dumps([repr(day.store), repr(day.notifier)])
    assert not [secret for secret in secrets for worn in clothes(secret) if worn in written]
    assert len(STATES.dump_json(day.store.current)) < STATE_BYTES
