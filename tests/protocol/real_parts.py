"""Real parts: a local AWS, a shop in a process of its own, the remediator on its real adapters."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from secrets import token_hex
from ssl import PEM_cert_to_DER_cert
from typing import Any

import boto3
import requests
from botocore.config import Config

from remediator.adapters.aws import CONFIG
from remediator.adapters.dynamodb import DynamoStore
from remediator.adapters.http import HttpClient, HttpFactory, HttpShop
from remediator.adapters.pinned import system_resolver
from remediator.adapters.secrets import DinerSecret
from remediator.adapters.sns import SnsNotifier
from remediator.bootstrap import now
from remediator.limits import Limits
from remediator.masking import Mask
from remediator.pipeline import Remediator
from remediator.report_link import FIELD_NAMES, LinkPolicy
from remediator.settings import Settings
from remediator_cli.records import Records
from simulator.days import DAYS
from simulator.interrupts import end
from simulator.local_aws import REGION, LocalAws
from simulator.paths import ROOT
from simulator.shop.express import Record

KEEP = timedelta(days=1)
TABLE = "protocol"


@dataclass(frozen=True, slots=True)
class FarShop:
    """A shop in another process, so that neither a kill nor fifty threads of ours disturb it."""

    addresses: Mapping[str, str]

    def chaos(self, kind: str) -> None:
        """Start a chaos with a link of its own, or end it by "off"."""
        requests.post(f"{self.addresses['control_url']}/_control", json={"chaos": kind}, timeout=10).raise_for_status()

    def is_healthy(self) -> bool:
        """Whether the chaos is over."""
        chaos: str = self._get("")["chaos"]
        return chaos == "off"

    def requests(self, since: float) -> list[Record]:
        """The requests that were answered, in the order of their arrival. `since`: seconds since the epoch."""
        found = [Record(**each) for each in self._get("/requests")]
        return sorted((record for record in found if record.time >= since), key=lambda record: record.time)

    def _get(self, path: str) -> Any:
        return requests.get(f"{self.addresses['control_url']}/_control{path}", timeout=10).json()


@contextmanager
def far_shop() -> Iterator[FarShop]:
    """A shop of one's own while the block lasts."""
    words = [sys.executable, "-m", "simulator.shop", "--json", "--slow", "1"]
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core'}"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=path, cwd=ROOT, start_new_session=True) as process:
        try:
            yield FarShop(json.loads(process.stdout.readline() if process.stdout else b""))
        finally:
            end(process)


def is_order(record: Record) -> bool:
    return (record.server, record.method, record.path) == ("service", "POST", "/api/order")


def is_report(record: Record) -> bool:
    return record.server == "factory" and record.path.endswith("/report/{code}")


@dataclass(frozen=True)
class Parts:
    """One shop, and the places in the local AWS that a remediator for it works with.

    `clients` are the remediator's, with the time-outs and retries it is deployed with; `reading` is the test's own.
    """

    shop: FarShop
    settings: Settings
    clients: Mapping[str, Any]
    reading: Any
    connect: Callable[[str], Any]

    def afresh(self, service: str) -> "Parts":
        """With a new client: one that met faults has used up some of the retries it may make."""
        return replace(self, clients={**self.clients, service: self.connect(service)})

    def records(self, target: str) -> Records:
        return Records(self.reading, TABLE, target)

    def store(self, target: str) -> DynamoStore:
        return DynamoStore(self.clients["dynamodb"], TABLE, target, KEEP)

    def remediator(self, target: str, clock: Callable[[], datetime] = now) -> Remediator:
        """As `bootstrap` makes it, for a target of its own."""
        authority = PEM_cert_to_DER_cert(Path(self.shop.addresses["ca_file"]).read_text())
        client, factory = HttpClient(clock, authority), self.settings.allowed_report_links[0].address
        mask = Mask()
        secret = DinerSecret(self.clients["secretsmanager"], self.settings.diner_secret_arn)
        return Remediator(
            shop=HttpShop(client, self.settings, secret, mask),
            factory=HttpFactory(client, factory),
            store=self.store(target),
            notifier=SnsNotifier(self.clients["sns"], self.settings.notification_topic_arn, target, "us-east-1"),
            limits=Limits(),
            links=LinkPolicy(self.settings.allowed_report_links, allow_private=True),
            link_names=FIELD_NAMES,
            alarm_names=frozenset(),
            resolve=system_resolver,
            clock=clock,
            pool=ThreadPoolExecutor(4),
            mask=mask,
            warn=lambda _: None,
        )


def furnish(aws: LocalAws, shop: FarShop, connections: int = 10) -> Parts:
    """The shop's secret and topic, and the table if it isn't there yet."""
    reading = aws.client("dynamodb")
    if TABLE not in reading.list_tables()["TableNames"]:
        reading.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
    known = json.dumps({name: shop.addresses[name] for name in ("email", "password")})
    name = f"protocol-{token_hex(8)}"
    settings = {
        "target": "t",
        "shop_url": shop.addresses["url"],
        "allowed_report_links": shop.addresses["report_links"],
        "diner_secret_arn": aws.client("secretsmanager").create_secret(Name=name, SecretString=known)["ARN"],
        "table": TABLE,
        "notification_topic_arn": aws.client("sns").create_topic(Name=name)["TopicArn"],
        "order": DAYS["fail"].order,
    }
    connect = partial(_client, aws, connections)
    clients = {name: connect(name) for name in ("dynamodb", "secretsmanager", "sns")}
    reading.close()  # processes that fork from here share no connection
    return Parts(shop, Settings.model_validate(settings), clients, reading, connect)


def _client(aws: LocalAws, connections: int, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=aws.url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=CONFIG.merge(Config(max_pool_connections=connections)),
    )
