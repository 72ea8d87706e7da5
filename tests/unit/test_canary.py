"""The canary: when it wakes the machine, and when it keeps quiet."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from remediator.adapters.metrics import EmbeddedMetrics
from remediator.adapters.secrets import Credentials
from remediator.alarms import Verdict, read
from remediator.canary import ALARMS, PROBES, Canary, Report
from remediator.diagnosis import LATENCY_BUDGET
from remediator.errors import PublishError, StateError
from remediator.head import Head, Incident, Lease
from remediator.masking import Mask
from remediator.outcome import Ending, Outcome
from remediator.report_link import FIELD_NAMES
from remediator.sample import Deadline, Fault, Sample
from tests.memory import MemoryShop, MemoryStore
from tests.scenes import (
    BEGAN,
    GOOD,
    KEY,
    LINK,
    LOGIN,
    PASSWORD,
    TOKEN,
    UNAUTHORIZED,
    UNKNOWN_USER,
    Clock,
    answer,
    failing,
    fault,
    sns,
)

MENU = PROBES["menu"].path
DEAD = answer(500, {"message": "connect ECONNREFUSED"})


class UnreadableStore(MemoryStore):
    """A table that doesn't answer."""

    def head(self) -> Head:
        raise StateError("the head can't be read: GetItem: AccessDenied")


class Scene:
    """A canary on in-memory adapters, and what it published."""

    def __init__(
        self,
        *orders: Sample,
        logins: Sequence[Sample] = (LOGIN,),
        probes: Mapping[str, Sequence[Sample]] | None = None,
        store: MemoryStore | None = None,
        minutes: int = 5,
    ) -> None:
        self.shop = MemoryShop(orders or (GOOD,), logins, probes=probes or {})
        self.published: list[str] = []
        self.slept: list[float] = []
        self.canary = Canary(
            shop=self.shop,
            keys=lambda _deadline: {},
            store=store or MemoryStore(),
            publish=self.published.append,
            minutes=minutes,
            link_names=FIELD_NAMES,
            clock=Clock(),
            pool=ThreadPoolExecutor(4),
            mask=Mask(),
            sleep=self.slept.append,
        )

    def run(self, minute: int = 0) -> Report:
        return self.canary.run(BEGAN + timedelta(minutes=minute), Deadline.after(30))

    @property
    def names(self) -> list[str]:
        """The names of the alarms that were published, as the machine reads them."""
        deliveries = [delivery for text in self.published for delivery in read(sns(text))]
        assert all(delivery.verdict is Verdict.WAKE for delivery in deliveries)
        return [alarm.name for delivery in deliveries for alarm in delivery.alarms]


def with_lease(until: timedelta) -> MemoryStore:
    """A store whose incident is worked on until then."""
    lease = Lease("r-1#0", "run", BEGAN + until)
    return MemoryStore(Head(v=1, incident=Incident("i-1", "OrdersFailing", BEGAN, 1, lease)))


def test_healthy_shop_wakes_nobody_and_all_of_it_is_asked_once() -> None:
    scene = Scene()

    report = scene.run()

    assert (report.failed, report.confirmed, scene.published) == ({}, None, [])
    assert report.healthy == dict.fromkeys(["login", *PROBES], True)
    assert sorted(path for path, _ in scene.shop.probed) == sorted(probe.path for probe in PROBES.values())
    assert (scene.shop.orders, scene.shop.logged_in, scene.shop.logged_out) == (1, 1, 1)


def test_order_that_fails_twice_wakes_the_machine_by_a_firing_alarm_named_after_it() -> None:
    scene = Scene(failing())

    report = scene.run()

    assert scene.names == ["canary: order"]
    assert (scene.shop.orders, report.silent) == (2, None)
    assert report.confirmed is not None


@pytest.mark.parametrize("order", [fault(Fault.TIMEOUT), answer(200, {"order": {}, "jwt": "x", "report": LINK}), DEAD])
def test_each_kind_of_failed_order_wakes(order: Sample) -> None:
    scene = Scene(order)
    scene.run()

    assert scene.names == ["canary: order"]


def test_order_that_is_good_at_the_second_try_wakes_nobody() -> None:
    scene = Scene(failing(), GOOD)

    report = scene.run()

    assert (scene.published, report.failed, report.order) == ([], {}, GOOD)


def test_endpoint_that_is_good_at_the_second_try_wakes_nobody_and_the_others_are_asked_once() -> None:
    scene = Scene(probes={MENU: [DEAD, answer(200, [])]})

    report = scene.run()

    assert (scene.published, report.healthy["menu"]) == ([], True)
    assert len(scene.shop.probed) == len(PROBES) + 1


def test_endpoint_that_fails_twice_wakes_by_its_name() -> None:
    scene = Scene(probes={MENU: [DEAD]})

    report = scene.run()

    assert scene.names == ["canary: menu"]
    assert report.healthy == {**dict.fromkeys(["login", *PROBES], True), "menu": False}


def test_page_in_the_shops_place_is_a_failure_though_it_is_a_200() -> None:
    scene = Scene(probes={"/": [Sample(BEGAN, 0.01, 200, b"<html>")]})
    scene.run()

    assert scene.names == ["canary: process"]


def test_nobody_is_woken_while_a_lease_is_live() -> None:
    scene = Scene(failing(), store=with_lease(timedelta(minutes=2)))

    report = scene.run()

    assert scene.published == []
    assert report.silent == "incident i-1 is being worked on"


def test_each_run_wakes_again_while_the_failure_lasts_and_no_lease_is_live() -> None:
    scene = Scene(failing(), store=with_lease(timedelta(seconds=-1)), minutes=1)
    for minute in range(3):
        scene.run(minute)

    assert scene.names == ["canary: order"] * 3


def test_head_that_cannot_be_read_is_no_reason_to_keep_quiet() -> None:
    scene = Scene(failing(), store=UnreadableStore())
    scene.run()

    assert scene.names == ["canary: order"]


def test_login_that_is_refused_twice_wakes_and_what_needs_a_token_is_not_asked() -> None:
    scene = Scene(logins=[UNKNOWN_USER])

    report = scene.run()

    assert scene.names == ["canary: login"]
    assert {token for _, token in scene.shop.probed} == {None}
    assert (scene.shop.orders, scene.shop.logged_in, scene.shop.logged_out) == (0, 2, 0)
    assert report.order is None


def test_login_that_is_good_at_the_second_try_wakes_nobody() -> None:
    scene = Scene(logins=[UNKNOWN_USER, LOGIN])
    scene.run()

    assert (scene.published, scene.shop.orders) == ([], 1)


def test_token_that_somebody_elses_logout_ended_is_asked_for_anew_in_a_later_second() -> None:
    scene = Scene(UNAUTHORIZED, GOOD, probes={PROBES["diner"].path: [UNAUTHORIZED, answer(200, {})]})
    scene.run()

    assert (scene.published, scene.slept, scene.shop.logged_in) == ([], [1.0], 2)


@pytest.mark.parametrize(("minutes", "orders"), [(1, 60), (5, 12), (7, 8), (60, 1)])
def test_order_is_placed_each_so_many_minutes_and_the_endpoints_are_asked_each_minute(
    minutes: int, orders: int
) -> None:
    scene = Scene(minutes=minutes)
    for minute in range(60):
        scene.run(minute)

    assert abs(scene.shop.orders - orders) <= 1
    assert len(scene.shop.probed) == 60 * len(PROBES)


def test_token_is_given_back_before_the_machine_is_woken_which_may_share_it() -> None:
    scene = Scene(failing())
    given_back: list[int] = []
    canary = replace(scene.canary, publish=lambda _: given_back.append(scene.shop.logged_out))
    canary.run(BEGAN, Deadline.after(30))

    assert given_back == [1]


def test_no_secret_is_in_message_or_report() -> None:
    scene = Scene(failing(), probes={MENU: [answer(500, {"message": f"Bearer {TOKEN}", "password": PASSWORD})]})

    written = json.dumps([scene.run().plain(), scene.published])

    assert "canary: menu" in written
    assert not [secret for secret in (TOKEN, PASSWORD, KEY, LINK) if secret in written]


def test_run_that_cannot_wake_raises_and_so_counts_as_silent() -> None:
    def refuse(_: str) -> None:
        raise PublishError("the alarm can't be published: Publish: AuthorizationError")

    scene = Scene(failing())
    with pytest.raises(PublishError):
        replace(scene.canary, publish=refuse).run(BEGAN, Deadline.after(30))


def test_latency_budget_is_what_an_order_is_given() -> None:
    scene = Scene(Sample(BEGAN, LATENCY_BUDGET + 0.1, 200, GOOD.body))
    scene.run()

    assert scene.names == ["canary: order"]


def test_canary_has_a_diner_of_its_own_where_the_secret_names_one_and_else_the_diners() -> None:
    both = {"email": "d@x", "password": "p", "canary_email": "c@x", "canary_password": "q"}
    own, half = Credentials.model_validate(both), Credentials.model_validate({**both, "canary_password": None})

    assert own.of_canary.email == "c@x"
    assert own.of_canary.password.get_secret_value() == "q"
    assert (half.of_canary.email, half.of_canary.password.get_secret_value()) == ("d@x", "p")


# The embedded metric format, as CloudWatch's user guide has it: "Specification: Embedded metric format".
UNITS = {"Count", "Milliseconds"}


def printed(capsys: pytest.CaptureFixture[str]) -> Iterator[dict[str, object]]:
    return (json.loads(line) for line in capsys.readouterr().out.splitlines())


def test_lines_are_metrics_by_the_embedded_formats_published_rules(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = EmbeddedMetrics("pizza-remediator", "canary")
    metrics.report(Scene(failing()).run())
    metrics.ending(Ending(Outcome.HEALED, "good", "i-1", {"call": 16, "total": 112}, 5))

    found = list(printed(capsys))

    names = []
    for line in found:
        told = line["_aws"]
        assert isinstance(told, dict)
        assert isinstance(told["Timestamp"], int)  # milliseconds since the epoch
        assert told["Timestamp"] > 1_700_000_000_000
        assert len(json.dumps(line)) <= 1024 * 1024
        for directive in told["CloudWatchMetrics"]:
            assert directive.keys() == {"Namespace", "Dimensions", "Metrics"}
            assert 1 <= len(directive["Namespace"]) <= 1024
            for dimensions in directive["Dimensions"]:
                assert len(dimensions) <= 30
                assert all(isinstance(line[name], str) and 1 <= len(str(line[name])) <= 1024 for name in dimensions)
            assert 1 <= len(directive["Metrics"]) <= 100
            for metric in directive["Metrics"]:
                assert metric["Unit"] in UNITS
                assert metric.get("StorageResolution", 60) in (1, 60)
                value = line[metric["Name"]]
                values = value if isinstance(value, list) else [value]
                assert 1 <= len(values) <= 100
                assert all(isinstance(each, int | float) for each in values)
                names.append(metric["Name"])
    assert set(names) == {"Healthy", "OrderFailed", "OrderLatency", "Ended", "Took", "CallsLeft"}


def test_metrics_tell_each_endpoint_and_whether_the_order_failed(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = EmbeddedMetrics("pizza-remediator", "canary")
    metrics.report(Scene(failing(), probes={MENU: [DEAD]}).run())

    found = list(printed(capsys))

    healthy = {line["Endpoint"]: line["Healthy"] for line in found if "Healthy" in line}
    assert healthy == {**{name: [1.0] for name in ("login", *PROBES)}, "menu": [0.0]}
    assert [line["OrderFailed"] for line in found if "OrderFailed" in line] == [[1.0]]
    assert [line["OrderLatency"] for line in found if "OrderLatency" in line] == [[20.0]]


def test_names_of_its_alarms_are_few_and_all_different() -> None:
    assert len(set(ALARMS.values())) == len(ALARMS) == len(PROBES) + 2
