"""Diners who order while a game day lasts, and the metric that the shop makes of it."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any, Self

import click
import requests

SECONDS_BETWEEN = 0.2
PATIENCE_SECONDS = 5.0
PIZZA = {
    "franchiseId": 1,
    "storeId": 1,
    "items": [{"menuId": 2, "description": "Pepperoni", "price": 0.0042}],
}


@dataclass
class Diners:
    """Order five times a second and publish a sample an order, 1 if it failed, as the shop's own metric would.

    A failure is a 5xx, an answer that holds a report link, or none within 5 s. `cloudwatch`: where the metric goes.
    An order counts from its answer on: one that was under way when the shop broke is one of the failed.
    """

    url: str
    cloudwatch: Any
    namespace: str
    metric: str
    orders: list[tuple[float, bool]] = field(default_factory=list)
    published: int = 0  # orders that the metric holds
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._session = requests.Session()
        self._session.trust_env = False
        who = {
            "name": "a diner",
            "email": f"diner{time.time_ns()}@example.com",
            "password": "pepperoni",
        }
        try:
            answer = self._session.post(f"{self.url}/api/auth", json=who, timeout=PATIENCE_SECONDS)
            self._session.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        except (requests.RequestException, LookupError, TypeError) as error:
            self._session.close()
            raise click.ClickException(f"no diner can register at {self.url} as at a shop: {error}") from None
        self._threads = [threading.Thread(target=self._eat), threading.Thread(target=self._count)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._session.close()

    def failed(self, since: float = 0.0) -> int:
        """Orders that failed since then, in seconds since the epoch."""
        return sum(not good for at, good in list(self.orders) if at >= since)

    def good(self, since: float = 0.0) -> int:
        """Orders that were good since then, in seconds since the epoch."""
        return sum(good for at, good in list(self.orders) if at >= since)

    def _eat(self) -> None:
        while not self._over.wait(SECONDS_BETWEEN):
            try:
                answer = self._session.post(f"{self.url}/api/order", json=PIZZA, timeout=PATIENCE_SECONDS)
                good = answer.status_code == 200 and "/report/" not in answer.text
            except requests.RequestException:
                good = False
            self.orders.append((time.time(), good))

    def _count(self) -> None:
        counted = 0
        while not self._over.wait(1.0):
            seen = self.orders[counted:]
            counted += len(seen)
            samples = [
                {"MetricName": self.metric, "Timestamp": at, "Value": float(not good), "StorageResolution": 1}
                for at, good in seen
            ]
            if samples:
                self.cloudwatch.put_metric_data(Namespace=self.namespace, MetricData=samples)
            self.published = counted
