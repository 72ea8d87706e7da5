"""The shop's own word: the very lines of docs/wiring.md, run by Node, and the stand-in shop's, at the same factory."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import playwright
import pytest
import requests
from aiohttp import web

from remediator_cli.waiting import poll
from simulator.paths import ROOT
from simulator.proxy import Proxy
from simulator.shop import CONDITIONS, Shop, Word
from tests.support.replay import ORDER
from tests.unit.alarms import senders

NODE = Path(playwright.__file__).parent / "driver/node"  # what drives the browser in other tests
ROUTE = ROOT / "tests/support/order_route.js"
SECRET = "of-64-characters"
OURS, CANARYS, ANA = "d@jwt.com", "canary@jwt.com", "ana@pizza.example"

type Orders = list[tuple[str, float]]  # whose, and at which second
type Answers = list[tuple[int, bool]]  # status, and whether a link is in it
type Player = Callable[["Webhook", str, Orders, Path], Answers]


class Webhook(Proxy):
    """An address that keeps what it is told, and withholds its answer until it is `released`."""

    def __init__(self, status: int = 202) -> None:
        self.status, self.released = status, threading.Event()
        self.shown: list[str] = []
        self.told: list[dict[str, Any]] = []

    async def pass_on(self, request: web.Request) -> web.Response:
        self.shown.append(request.headers["Authorization"])
        self.told.append(json.loads(await request.text()))
        await asyncio.to_thread(self.released.wait, 120)
        return web.Response(status=self.status)


@contextmanager
def open_shop(state: str, word: Word | None = None) -> Iterator[Shop]:
    """A shop with this chaos or condition."""
    with Shop(slow_seconds=0, word=word) as shop:
        if state in CONDITIONS:
            shop.condition(state)
        else:
            shop.chaos(state)
        yield shop


def by_the_documents(
    webhook: Webhook, state: str, orders: Orders, folder: Path, config: str = senders.documented("remediator:")
) -> Answers:
    """The answers, all given before the webhook's own; what the lines logged is in the file `said`."""
    for word, value in {
        "<IngestUrl>": webhook.url,
        "<secret>": SECRET,
        "<email>": OURS,
        "<canary_email>": CANARYS,
    }.items():
        config = config.replace(word, value)
    (folder / "config.js").write_text(f"module.exports = {{ {config} }};")
    (folder / "remediator.js").write_text(senders.documented("const { url"))
    before = len(webhook.told)
    with open_shop(state) as shop, (folder / "said").open("w") as said:
        given = {"factory": shop.factory_url, "key": shop.vendor_token, "orders": orders}
        trusted = {"NODE_EXTRA_CA_CERTS": shop.ca_file}
        with Popen([NODE, ROUTE, json.dumps(given)], stdout=PIPE, stderr=said, cwd=folder, env=trusted) as process:
            assert process.stdout
            stuck = threading.Timer(60, process.kill)
            stuck.start()
            answers = [tuple(json.loads(process.stdout.readline())) for _ in orders]
            webhook.released.set()
            timeouts = json.loads(process.stdout.read())
            stuck.cancel()
    assert set(timeouts) == {5_000} or len(webhook.told) == before
    return answers


def by_the_stand_in(webhook: Webhook, state: str, orders: Orders, folder: Path) -> Answers:
    seconds, answers = [0.0], []
    word = Word(webhook.url, SECRET, (OURS, CANARYS), clock=lambda: seconds[0])
    with open_shop(state, word) as shop:
        tokens = {email: token(shop, email) for email, _ in orders}
        for email, at in orders:
            seconds[0] = at
            bearing = {"Authorization": f"Bearer {tokens[email]}"}
            answer = requests.post(f"{shop.url}/api/order", json=ORDER, headers=bearing, timeout=60)
            answers.append((answer.status_code, "followLinkToEndChaos" in answer.json()))
        webhook.released.set()
        for _ in poll(60, every=0.01):
            if not word.posts:
                break
    return answers


def token(shop: Shop, email: str) -> str:
    """Of a diner, who is new unless the shop has it."""
    body = {"name": "a diner", "email": email, "password": shop.password}
    answer = requests.request("PUT" if email == OURS else "POST", f"{shop.url}/api/auth", json=body, timeout=60)
    return str(answer.json()["token"])


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as running:
        yield running


BOTH = pytest.mark.parametrize("play", [by_the_documents, by_the_stand_in])


@BOTH
@pytest.mark.parametrize(
    ("state", "answer", "status", "link"),
    [
        ("fail", (500, True), 500, True),
        ("badjwt", (200, True), 200, True),
        ("throttle", (200, True), 200, True),
        ("factory-down", (500, False), 0, False),
        ("factory-db-down", (500, False), 500, False),
    ],
)
def test_each_failure_is_told_once_it_is_answered_and_says_its_status_and_whether_there_is_a_link_and_no_more(
    play: Player, state: str, answer: Any, status: int, link: bool, webhook: Webhook, tmp_path: Path
) -> None:
    assert play(webhook, state, [(ANA, 0)], tmp_path) == [answer]

    (told,) = webhook.told
    assert told.pop("shop")
    assert told == {"status": status, "link": link}
    assert webhook.shown == [f"Bearer {SECRET}"]


@pytest.mark.parametrize("state", ["factory-html", "factory-empty"])
def test_an_answer_that_is_no_json_is_told(state: str, webhook: Webhook, tmp_path: Path) -> None:
    assert by_the_documents(webhook, state, [(ANA, 0)], tmp_path) == [(500, False)]
    assert webhook.told == [{"shop": "JWT Pizza", "status": 200, "link": False}]


@BOTH
@pytest.mark.parametrize(
    ("state", "orders"),
    [("off", [(ANA, 0.0)] * 3), ("fail", [(OURS, 0.0), (CANARYS, 20.0)]), ("badjwt", [(OURS, 0.0)])],
)
def test_good_orders_and_the_remediators_own_are_not_told(
    play: Player, state: str, orders: Orders, webhook: Webhook, tmp_path: Path
) -> None:
    assert len(play(webhook, state, orders, tmp_path)) == len(orders)
    assert webhook.told == []


@BOTH
def test_a_hundred_failures_in_ten_seconds_are_told_once_and_the_next_after_it(
    play: Player, webhook: Webhook, tmp_path: Path
) -> None:
    orders = [(OURS, 0.0), *((ANA, number / 10) for number in range(100)), (ANA, 10.0)]

    assert play(webhook, "fail", orders[:-1], tmp_path) == [(500, True)] * 101
    assert len(webhook.told) == 1
    play(webhook, "fail", orders, tmp_path)
    assert len(webhook.told) == 1 + 2


@BOTH
@pytest.mark.parametrize("state", ["fail", "badjwt", "factory-down"])
def test_a_webhook_that_refuses_or_is_gone_changes_no_answer(play: Player, state: str, tmp_path: Path) -> None:
    with Webhook(status=401) as refusing, Webhook() as gone:
        expected = play(refusing, state, [(ANA, 0)], tmp_path)
    assert len(refusing.told) == 1

    assert play(gone, state, [(ANA, 0)], tmp_path) == expected


@pytest.mark.parametrize(("status", "said"), [(202, ""), (401, "The remediator was not told: status 401\n")])
def test_the_shops_log_says_why_the_remediator_was_not_told_and_never_with_what_secret(
    status: int, said: str, tmp_path: Path
) -> None:
    with Webhook(status=status) as webhook:
        by_the_documents(webhook, "fail", [(ANA, 0)], tmp_path)
        assert (tmp_path / "said").read_text() == said
    by_the_documents(webhook, "fail", [(ANA, 0)], tmp_path)
    assert (tmp_path / "said").read_text() == "The remediator was not told: ECONNREFUSED\n"
    config = senders.documented("remediator:").replace("<secret>", f"{SECRET}\\n{SECRET}")
    by_the_documents(webhook, "fail", [(ANA, 0)], tmp_path, config)
    assert SECRET not in (tmp_path / "said").read_text()


@pytest.mark.parametrize("config", ["", "remediator: {}"])
def test_a_shop_that_is_told_no_address_says_nothing(config: str, webhook: Webhook, tmp_path: Path) -> None:
    assert by_the_documents(webhook, "fail", [(ANA, 0)], tmp_path, config) == [(500, True)]
    assert (webhook.told, (tmp_path / "said").read_text()) == ([], "")
