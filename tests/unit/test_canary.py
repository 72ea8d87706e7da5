"""The canary: when it triggers the remediator, and when it keeps quiet."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from remediator.adapters.metrics import EmbeddedMetrics
from remediator.adapters.secrets import Credentials
from remediator.alarms import AlarmVerdict, read
from remediator.canary import Canary, ProbeReport
from remediator.deadline import Deadline
from remediator.diagnosis import LATENCY_BUDGET
from remediator.endpoints import ALARMS, ENDPOINTS, PROBES
from remediator.errors import Blind, Failed, PublishError, StateError
from remediator.masking import Mask
from remediator.outcome import Outcome, Result
from remediator.report_link import FIELD_NAMES
from remediator.sample import Fault, Sample
from remediator.state import State
from tests.support.builders import (
    BEGAN,
    GOOD,
    KEY,
    LIMITED,
    LINK,
    LOGIN,
    PASSWORD,
    TOKEN,
    UNAUTHORIZED,
    UNKNOWN_USER,
    Clock,
    answer,
    changed,
    claim,
    failing,
    fault,
    finish,
    sns,
)
from tests.support.fakes import MemoryShop, MemoryStore

MENU = ENDPOINTS["menu"].path
DEAD = answer(500, {"message": "connect ECONNREFUSED"})


class UnreadableStore(MemoryStore):
    """A table that doesn't answer."""

    def state(self) -> State:
        raise StateError("the state can't be read: GetItem: AccessDenied")


class CanaryHarness:
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
        self.clock = self.shop.clock = Clock()
        self.store = store or MemoryStore()
        self.published: list[str] = []
        self.slept: list[float] = []
        self.canary = Canary(
            shop=self.shop,
            keys=lambda _deadline: {},
            store=self.store,
            publish=self.published.append,
            minutes=minutes,
            link_names=FIELD_NAMES,
            clock=self.clock,
            pool=ThreadPoolExecutor(4),
            mask=Mask(),
            sleep=self.slept.append,
        )

    def run(self, minute: int = 0) -> ProbeReport:
        self.clock.now = BEGAN + timedelta(minutes=minute)
        return self.canary.run(self.clock.now, Deadline.after(30))

    @property
    def names(self) -> list[str]:
        """The names of the alarms that were published, as the remediator reads them."""
        deliveries = [delivery for text in self.published for delivery in read(sns(text))]
        assert all(delivery.verdict is AlarmVerdict.TRIGGER for delivery in deliveries)
        return [alarm.name for delivery in deliveries for alarm in delivery.alarms]


def checked_until(seconds: float) -> MemoryStore:
    """A store with a check under way whose lease ends then."""
    return MemoryStore(claim(until=BEGAN + timedelta(seconds=seconds)).new)


def test_healthy_shop_triggers_nothing_and_all_of_it_is_asked_once() -> None:
    harness = CanaryHarness()

    report = harness.run()

    assert (report.failed, report.confirmed, harness.published) == ({}, None, [])
    assert report.healthy == dict.fromkeys(["canary login", *PROBES], True)
    assert sorted(path for path, _ in harness.shop.probed) == sorted(ENDPOINTS[name].path for name in PROBES)
    assert (harness.shop.orders, harness.shop.canary_logged_in, harness.shop.logged_out) == (1, 1, 0)


def test_order_that_fails_twice_triggers_by_a_firing_alarm_named_after_it() -> None:
    harness = CanaryHarness(failing())

    report = harness.run()

    assert harness.names == ["canary: order, with a report link"]
    assert (harness.shop.orders, report.silent) == (2, None)
    assert report.confirmed is not None


@pytest.mark.parametrize("order", [fault(Fault.TIMEOUT), answer(200, {"order": {}, "jwt": "x"}), DEAD])
def test_each_kind_of_failed_order_triggers(order: Sample) -> None:
    harness = CanaryHarness(order)
    harness.run()

    assert harness.names == ["canary: order"]


def test_order_that_is_good_at_the_second_try_triggers_nothing() -> None:
    harness = CanaryHarness(failing(), GOOD)

    report = harness.run()

    assert (harness.published, report.failed, report.order and report.order.status) == ([], {}, 200)


def test_endpoint_that_is_good_at_the_second_try_triggers_nothing_and_the_others_are_asked_once() -> None:
    harness = CanaryHarness(probes={MENU: [DEAD, answer(200, [])]})

    report = harness.run()

    assert (harness.published, report.healthy["menu"]) == ([], True)
    assert len(harness.shop.probed) == len(PROBES) + 1


def test_endpoint_that_fails_twice_triggers_by_its_name() -> None:
    harness = CanaryHarness(probes={MENU: [DEAD]})

    report = harness.run()

    assert harness.names == ["canary: menu"]
    assert report.healthy == {**dict.fromkeys(["canary login", *PROBES], True), "menu": False}


def test_page_in_the_shops_place_is_a_failure_though_it_is_a_200() -> None:
    harness = CanaryHarness(probes={"/": [Sample(BEGAN, 0.01, 200, b"<html>")]})
    harness.run()

    assert harness.names == ["canary: process"]


def test_nothing_is_triggered_while_a_lease_is_live() -> None:
    harness = CanaryHarness(failing(), store=checked_until(120))

    report = harness.run()

    assert harness.published == []
    assert report.silent == "a remediation is running"


def test_each_run_triggers_again_while_the_failure_lasts_and_no_lease_is_live() -> None:
    harness = CanaryHarness(DEAD, store=checked_until(-1), minutes=1)
    for minute in range(3):
        harness.run(minute)

    assert harness.names == ["canary: order"] * 3


def test_state_that_cannot_be_read_is_no_reason_to_keep_quiet() -> None:
    harness = CanaryHarness(DEAD, store=UnreadableStore())
    harness.run()

    assert harness.names == ["canary: order"]


def test_login_that_is_refused_twice_triggers_and_what_needs_a_token_is_not_asked() -> None:
    harness = CanaryHarness(logins=[UNKNOWN_USER])

    report = harness.run()

    assert harness.names == ["canary: login"]
    assert {token for _, token in harness.shop.probed} == {None}
    assert (harness.shop.orders, harness.shop.canary_logged_in, harness.shop.logged_out) == (0, 2, 0)
    assert report.order is None


def test_login_that_is_good_at_the_second_try_triggers_nothing() -> None:
    harness = CanaryHarness(logins=[UNKNOWN_USER, LOGIN])
    harness.run()

    assert (harness.published, harness.shop.orders) == ([], 1)


def test_token_that_somebody_elses_logout_ended_is_asked_for_anew_in_a_later_second() -> None:
    harness = CanaryHarness(UNAUTHORIZED, GOOD, probes={ENDPOINTS["diner"].path: [UNAUTHORIZED, answer(200, {})]})
    harness.run()

    assert (harness.published, harness.slept, harness.shop.canary_logged_in) == ([], [1.0], 2)


@pytest.mark.parametrize(("minutes", "orders"), [(1, 60), (5, 12), (7, 8), (60, 1)])
def test_order_is_placed_each_so_many_minutes_and_the_endpoints_are_asked_each_minute(
    minutes: int, orders: int
) -> None:
    harness = CanaryHarness(minutes=minutes)
    for minute in range(60):
        harness.run(minute)

    assert abs(harness.shop.orders - orders) <= 1
    assert len(harness.shop.probed) == 60 * len(PROBES)


def ran(harness: CanaryHarness, *minutes: int) -> list[ProbeReport]:
    return [harness.run(minute) for minute in minutes]


def test_token_is_kept_and_every_15_minutes_a_new_login_gives_the_old_one_back() -> None:
    logins = [answer(200, {"token": f"the-token-of-login-{number}"}) for number in range(9)]
    harness = CanaryHarness(logins=logins)

    reports = ran(harness, *range(60))

    assert (harness.shop.canary_logged_in, harness.shop.logged_out) == (4, 3)
    assert [minute for minute, each in enumerate(reports) if "canary login" in each.healthy] == [0, 15, 30, 45]
    assert [minute for minute, each in enumerate(reports) if each.first_login] == [0]
    assert {token for path, token in harness.shop.probed if path == ENDPOINTS["diner"].path} == {
        f"the-token-of-login-{number}" for number in range(4)
    }


def test_kept_token_and_password_are_masked_in_a_run_that_does_not_log_in() -> None:
    harness = CanaryHarness()
    canary = replace(harness.canary, learn_secrets=lambda: harness.canary.mask.add(PASSWORD))
    canary.run(BEGAN, Deadline.after(30))

    def fail(*_: object) -> Sample:
        raise LookupError(f"{TOKEN}, {PASSWORD}")

    setattr(harness.shop, "probe", fail)  # noqa: B010 - a shop that breaks
    with pytest.raises(Failed) as raised:
        canary.run(BEGAN + timedelta(minutes=1), Deadline.after(30))

    assert not [secret for secret in (TOKEN, PASSWORD) if secret in str(raised.value)]


def test_login_that_is_refused_later_is_named_and_the_kept_token_still_shows_the_rest() -> None:
    harness = CanaryHarness(logins=[LOGIN, UNKNOWN_USER])

    reports = ran(harness, 0, 15, 16)

    assert harness.names == ["canary: login"] * 2
    assert harness.shop.canary_logged_in == 5
    assert reports[1].healthy == {**dict.fromkeys(PROBES, True), "canary login": False}
    assert (harness.shop.orders, harness.shop.logged_out) == (2, 0)


def test_what_an_ended_token_cannot_show_is_not_called_a_failure_if_there_is_no_new_one() -> None:
    diner = {ENDPOINTS["diner"].path: [UNAUTHORIZED]}
    limited = CanaryHarness(UNAUTHORIZED, logins=[LOGIN, LIMITED], probes=diner)
    refused = CanaryHarness(UNAUTHORIZED, logins=[LOGIN, DEAD], probes=diner)

    (report,), _ = ran(limited, 5), ran(refused, 5)

    assert (limited.published, report.order, report.failed) == ([], None, {})
    assert report.healthy == dict.fromkeys(set(PROBES) - {"diner"}, True)
    assert refused.names == ["canary: login"]


@pytest.mark.parametrize("what", ["canary login", "order", *PROBES])
def test_429_of_an_endpoint_is_no_failure_and_it_is_left_alone_as_long_as_the_shop_asks(what: str) -> None:
    limited = [LIMITED] * 2 + [GOOD]
    harness = CanaryHarness(
        *(limited if what == "order" else [GOOD]),
        logins=[LIMITED, LIMITED, LOGIN] if what == "canary login" else [LOGIN],
        probes={ENDPOINTS[what].path: limited} if what in PROBES else {},
        minutes=1,
    )

    reports = [harness.run(minute) for minute in range(23)]

    assert harness.published == []
    assert all(report.failed == {} for report in reports)
    seen = [
        minute for minute, report in enumerate(reports) if what in report.healthy or (what == "order" and report.order)
    ]
    assert seen[0] == 22
    asked = {"canary login": harness.shop.canary_logged_in, "order": harness.shop.orders}
    assert asked.get(what, sum(path == ENDPOINTS[what].path for path, _ in harness.shop.probed)) == 3


def test_failure_whose_second_try_is_answered_429_is_neither_a_failure_nor_good() -> None:
    harness = CanaryHarness(failing(), LIMITED, probes={MENU: [DEAD, LIMITED]})

    report = harness.run()

    assert (harness.published, report.failed, report.order) == ([], {}, None)
    assert "menu" not in report.healthy


EVERYWHERE = {ENDPOINTS[name].path: [LIMITED] for name in PROBES}


@pytest.mark.parametrize(
    ("logins", "probes", "raises"),
    [
        pytest.param([LIMITED], EVERYWHERE, True, id="everything"),
        pytest.param([LOGIN], EVERYWHERE, True, id="all but the login"),
        pytest.param([LOGIN], {}, True, id="the order"),
        pytest.param([LIMITED], {}, True, id="the login, without which it places no order"),
        pytest.param([DEAD], EVERYWHERE, False, id="the login is seen to fail, and triggers"),
    ],
)
def test_canary_that_could_see_nothing_for_half_an_hour_raises_and_so_counts_as_silent(
    logins: list[Sample], probes: Mapping[str, Sequence[Sample]], raises: bool
) -> None:
    harness = CanaryHarness(LIMITED, logins=logins, probes=probes)
    raised = []
    for minute in range(40):
        try:
            harness.run(minute)
        except Blind:
            raised.append(minute)

    assert raised == (list(range(30, 40)) if raises else [])


def test_order_that_the_shop_did_not_look_at_is_placed_as_soon_as_it_may_be_and_ends_the_silence() -> None:
    harness = CanaryHarness(LIMITED, LIMITED, LIMITED, GOOD, minutes=60)
    ran(harness, *range(30))
    with pytest.raises(Blind):
        harness.run(30)

    assert [each.order and each.order.status for each in ran(harness, 33, 34)] == [200, None]


@pytest.mark.parametrize(
    ("probes", "logins", "named"),
    [
        pytest.param({}, [LOGIN], ["canary: menu"], id="all is good"),
        pytest.param({MENU: [LIMITED]}, [LOGIN], ["canary: menu"], id="it sees nothing itself"),
        pytest.param({MENU: [DEAD]}, [LOGIN], ["canary: menu"], id="it fails"),
        pytest.param({}, [UNKNOWN_USER], ["canary: login"], id="something else fails"),
    ],
)
def test_canary_triggers_once_the_shop_may_be_asked_again_whatever_it_sees_itself(
    probes: Mapping[str, Sequence[Sample]], logins: list[Sample], named: list[str]
) -> None:
    store = open_incident("menu", minutes=3, outcome=Outcome.RATE_LIMITED, not_before=BEGAN + timedelta(seconds=90))
    harness = CanaryHarness(store=store, probes=probes, logins=logins)

    early = harness.run()
    before = list(harness.published)
    harness.run(2)

    assert (before, early.silent is None) == ([], False)
    found = [alarm.name for text in harness.published for delivery in read(sns(text)) for alarm in delivery.alarms]
    assert found == named


def test_login_that_failed_beside_a_kept_token_is_tried_each_minute_and_its_end_is_seen_at_once() -> None:
    """As when the database is lost and comes back: the kept token shows the one, and the login the other."""
    diner = [answer(200, {}), UNAUTHORIZED, answer(200, {})]
    harness = CanaryHarness(logins=[LOGIN, DEAD, LOGIN], probes={ENDPOINTS["diner"].path: diner})
    ran(harness, 0, 1)
    harness.store.current = open_incident("canary login", minutes=-1.5).current

    harness.run(2)

    assert [alarm.name for text in harness.published for delivery in read(sns(text)) for alarm in delivery.alarms] == [
        "canary: login"
    ] * 2
    assert read(sns(harness.published[-1]))[0].verdict is AlarmVerdict.STAND_DOWN


def test_login_that_was_good_since_the_last_check_counts_for_the_end_of_its_incident() -> None:
    after = CanaryHarness(store=open_incident("canary login", minutes=0.5))
    before = CanaryHarness(store=open_incident("canary login", minutes=0.5))
    before.canary.memory.token, before.canary.memory.logged_in_at = TOKEN, BEGAN - timedelta(minutes=5)

    ran(after, 0, 1), ran(before, 0, 1)

    assert (len(after.published), before.published) == (2, [])


def test_no_secret_is_in_alarm_or_report() -> None:
    harness = CanaryHarness(
        failing(), probes={MENU: [answer(500, {"message": f"Bearer {TOKEN}", "password": PASSWORD})]}
    )

    written = json.dumps([harness.run().plain(), harness.published])

    assert "canary: menu" in written
    assert not [secret for secret in (TOKEN, PASSWORD, KEY, LINK) if secret in written]


def test_run_that_cannot_trigger_raises_and_so_counts_as_silent() -> None:
    def refuse(_: str) -> None:
        raise PublishError("the alarm can't be published: Publish: AuthorizationError")

    harness = CanaryHarness(failing())
    with pytest.raises(PublishError):
        replace(harness.canary, publish=refuse).run(BEGAN, Deadline.after(30))


def test_latency_budget_is_what_an_order_is_given() -> None:
    harness = CanaryHarness(Sample(BEGAN, LATENCY_BUDGET + 0.1, 200, GOOD.body))
    harness.run()

    assert harness.names == ["canary: order"]


def open_incident(*failing: str, minutes: float = 1, outcome: Outcome = Outcome.NO_LINK, **found: Any) -> MemoryStore:
    """A store with an incident of those endpoints, whose last check was so long ago."""
    began = BEGAN - timedelta(minutes=minutes)
    claimed = claim(now=began, until=began + timedelta(minutes=2)).new
    finished = finish(claimed, outcome, began=began, now=began, failing=failing, **found)
    return MemoryStore(changed(finished))


@pytest.mark.parametrize(("minutes", "asked"), [(0.5, False), (0.7, True)])
def test_failure_that_goes_on_is_checked_again_when_the_state_says_so(minutes: float, asked: bool) -> None:
    harness = CanaryHarness(DEAD, store=open_incident("order", minutes=minutes))

    report = harness.run()

    assert bool(harness.published) is asked
    assert (report.silent is None) is asked


def test_what_is_new_is_checked_at_once() -> None:
    another = CanaryHarness(DEAD, probes={MENU: [DEAD]}, store=open_incident("order", minutes=0.5))
    with_link = CanaryHarness(failing(), store=open_incident("order", minutes=0.5))
    another.run()
    with_link.run()

    assert another.names == ["canary: order", "canary: menu"]
    assert with_link.names == ["canary: order, with a report link"]


@pytest.mark.parametrize(
    ("failing", "minute", "asked"),
    [
        pytest.param(("menu",), 1, ["canary: menu"], id="all that it names was asked, and is good"),
        pytest.param(("order",), 1, [], id="the order wasn't asked this minute"),
        pytest.param(("order", "menu"), 0, ["canary: order", "canary: menu"], id="the order too"),
    ],
)
def test_incident_whose_endpoints_are_all_good_is_checked_by_a_resolved_alarm(
    failing: tuple[str, ...], minute: int, asked: list[str]
) -> None:
    harness = CanaryHarness(store=open_incident(*failing, minutes=0.5))
    harness.run(minute)

    deliveries = [delivery for text in harness.published for delivery in read(sns(text))]
    assert [alarm.name for delivery in deliveries for alarm in delivery.alarms] == asked
    assert all(delivery.verdict is AlarmVerdict.STAND_DOWN for delivery in deliveries)


def test_recovery_that_the_last_check_found_wrong_is_asked_for_again_only_when_due() -> None:
    harness = CanaryHarness(store=open_incident("menu", minutes=0.5, recovery=True))

    report = harness.run()

    assert harness.published == []
    assert "next check is due" in str(report.silent)


def test_canary_has_a_diner_of_its_own_if_the_secret_names_one_and_else_the_remediators() -> None:
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
    metrics.probes(CanaryHarness(failing()).run())
    metrics.result(Result(Outcome.HEALED, "good", "i-1", {"call": 16, "total": 112}, 5))

    found = list(printed(capsys))

    names = []
    for line in found:
        metadata = line["_aws"]
        assert isinstance(metadata, dict)
        assert isinstance(metadata["Timestamp"], int)  # milliseconds since the epoch
        assert metadata["Timestamp"] > 1_700_000_000_000
        assert len(json.dumps(line)) <= 1024 * 1024
        for directive in metadata["CloudWatchMetrics"]:
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
    assert set(names) == {"Ran", "Healthy", "OrderFailed", "OrderLatency", "Ended", "Took", "CallsLeft"}


def test_metrics_tell_each_endpoint_and_whether_the_order_failed(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = EmbeddedMetrics("pizza-remediator", "canary")
    metrics.probes(CanaryHarness(failing(), probes={MENU: [DEAD]}).run())

    found = list(printed(capsys))

    healthy = {line["Endpoint"]: line["Healthy"] for line in found if "Healthy" in line}
    assert healthy == {**{name: [1.0] for name in ("canary login", *PROBES)}, "menu": [0.0]}
    assert [line["OrderFailed"] for line in found if "OrderFailed" in line] == [[1.0]]
    assert [line["OrderLatency"] for line in found if "OrderLatency" in line] == [[20.0]]


def test_names_of_its_alarms_are_few_and_all_different() -> None:
    assert len(set(ALARMS.values())) == len(ALARMS) == 2 * (len(PROBES) + 2)
