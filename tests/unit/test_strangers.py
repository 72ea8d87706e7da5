"""What strangers write, wherever a text is expected: it ends on record and masked, and nobody goes blind by it."""

from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from remediator import pipeline
from remediator.canary import Canary
from remediator.deadline import Deadline
from remediator.errors import Failed, SecretError, StateError, Unhealed
from remediator.notifications import LONGEST_NAME
from remediator.outcome import Outcome
from remediator.plain import LONGEST
from remediator.report_link import FIELD_NAMES
from remediator.state import State
from tests.support.builders import (
    BEGAN,
    GOOD,
    KEY,
    LINK,
    NO_LINK,
    PASSWORD,
    TOKEN,
    Harness,
    alarm,
    answer,
    failing,
    jwt,
    sns,
)
from tests.support.fakes import MemoryStore

SECRETS = (PASSWORD, TOKEN, LINK, KEY)
SOON = Deadline.after(3600)
NO_TEXTS = (["k1"], {"k1": 1}, 7, None, True, "€", "пицца", "\ud800", "k\n1", "", "x" * 100_000)


def knowing(harness: Harness) -> Harness:
    """The harness, whose diner's secret holds PASSWORD."""
    mask = harness.remediator.mask
    harness.remediator = replace(harness.remediator, learn_secrets=lambda: mask.add(PASSWORD))
    return harness


def canary_of(harness: Harness, published: list[str]) -> Canary:
    """A canary at the same shop."""
    parts = harness.remediator
    return Canary(
        shop=parts.shop,
        keys=parts.factory.keys,
        store=parts.store,
        publish=published.append,
        minutes=1,
        link_names=FIELD_NAMES,
        clock=parts.clock,
        pool=parts.pool,
        mask=parts.mask,
        sleep=parts.sleep,
    )


def test_exception_that_is_not_ours_no_token_of_an_order_makes_one() -> None:
    tokens = [
        *(jwt({"alg": "RS256", "kid": kid}) for kid in NO_TEXTS),
        *(jwt({"alg": algorithm, "kid": "k1"}) for algorithm in NO_TEXTS),
        *(jwt(header) for header in NO_TEXTS),
        *(jwt({"alg": "RS256", "kid": "k1"}, payload) for payload in NO_TEXTS),
        *NO_TEXTS,
    ]
    for token in tokens:
        harness, published = Harness(answer(200, {"order": {"id": 7}, "jwt": token})), list[str]()

        report = canary_of(harness, published).run(BEGAN, SOON)
        with suppress(Unhealed):
            harness.remediator.handle(alarm(), "r-1", SOON)

        assert "FAILED" not in harness.outcomes
        assert bool(report.failed) == bool(published) == (harness.outcomes != ["ALREADY_HEALTHY"])


@pytest.mark.parametrize("token", [each for each in NO_TEXTS if each != "k1"], ids=lambda each: repr(each)[:12])
def test_exception_that_is_not_ours_what_no_header_can_carry_is_no_login(token: object) -> None:
    harness, published = Harness(GOOD, logins=[answer(200, {"token": token})]), list[str]()
    harness.shop.order = None  # type: ignore[assignment,method-assign] # nobody orders with it

    canary_of(harness, published).run(BEGAN, SOON)
    with suppress(Unhealed):
        harness.remediator.handle(alarm(), "r-1", SOON)

    assert harness.outcomes == ["UNREACHABLE"]
    assert (len(published), harness.shop.logged_out) == (1, 0)
    (names_login,) = published
    of_diner = Harness(GOOD)
    of_diner.shop.canary_logins = harness.shop.logins
    with suppress(Unhealed):
        of_diner.remediator.handle(sns(names_login), "r-1", SOON)
    assert (of_diner.outcomes, of_diner.shop.canary_logged_in, of_diner.shop.logged_out) == (["UNREACHABLE"], 2, 1)


@pytest.mark.parametrize("year", [1970, 2027, 9999])
def test_exception_that_is_not_ours_no_time_of_an_alarm_makes_one(year: int) -> None:
    """The record stands on a day that has been; a clock that is a little ahead changes nothing."""
    harness = Harness(failing(), failing(), GOOD)
    sent = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)

    (result,) = harness.remediator.handle(alarm(sent=sent), "r-1", SOON)

    assert result.outcome is Outcome.HEALED
    assert [record.sent <= harness.clock.now for record in harness.store.records.values()] == [True]


def test_time_of_a_clock_a_little_ahead_is_kept_so_that_each_try_has_the_same_record() -> None:
    harness = Harness(NO_LINK)
    ahead = alarm(sent=BEGAN + timedelta(seconds=30))

    for _ in range(2):
        harness.remediator.handle(ahead, "r-1", SOON)

    assert list(harness.store.records) == [(BEGAN + timedelta(seconds=30), "r-1#0")]


PLACES = (
    "shop.login", "shop.order", "shop.logout", "factory.keys", "factory.call", "notifier.send",
    "store.state", "store.commit", "store.record", "resolve", "measure", "learn_secrets", "clock",
)  # fmt: skip
CARRIES_ON = ("notifier.send", "learn_secrets")


@pytest.mark.parametrize("place", PLACES)
def test_exception_that_is_not_ours_is_on_record_masked_and_raised_wherever_it_comes_from(place: str) -> None:
    harness = knowing(Harness(failing(), failing(), GOOD))

    def fail(*_: object) -> Any:
        raise LookupError(f"no {LINK} with {PASSWORD}") from ValueError(KEY)

    owner, _, name = place.rpartition(".")
    if owner:
        setattr(getattr(harness, owner), name, fail)
    elif place != "clock":
        parts: dict[str, Any] = {place: fail}
        harness.remediator = replace(harness.remediator, **parts)
    else:
        times = iter([BEGAN] * 3)
        harness.remediator = replace(harness.remediator, clock=lambda: next(times, None) or fail())

    with nullcontext() if place in CARRIES_ON else pytest.raises(Failed) as raised:
        harness.remediator.handle(alarm(), "r-1", SOON)

    if raised:
        assert raised.value.__suppress_context__ or not raised.value.__context__
    written = repr((harness.store, harness.notifier, harness.warnings, raised))
    assert not [secret for secret in SECRETS if secret in written]
    if place not in ("store.record", "clock"):  # the time of a record is the clock's
        assert harness.outcomes == ["HEALED" if place in (*CARRIES_ON, "shop.logout", "measure") else "FAILED"]
    if place not in ("store.commit", "clock"):
        assert harness.store.current.check is None


@pytest.mark.parametrize("place", ["shop.login_as_canary", "shop.order", "shop.probe", "shop.logout", "factory.keys"])
def test_exception_that_is_not_ours_ends_a_run_of_the_canary_in_masked_words(place: str) -> None:
    harness = Harness(failing())

    def fail(*_: object) -> Any:
        raise LookupError(f"no {LINK} with {PASSWORD}")

    owner, _, name = place.rpartition(".")
    setattr(getattr(harness, owner), name, fail)
    canary = canary_of(harness, [])
    canary.memory.token, canary.memory.logged_in_at = "held-for-too-long", BEGAN - timedelta(minutes=20)

    with pytest.raises(Failed, match=r"LookupError: no <link factory\.test") as raised:
        canary.run(BEGAN, SOON)

    assert raised.value.__suppress_context__


def test_exception_that_is_not_ours_in_reading_an_event_is_a_reason_to_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Any:
        raise OverflowError(LINK)

    monkeypatch.setattr(pipeline, "read", fail)
    harness = Harness(failing(), failing(), GOOD)
    harness.remediator = replace(harness.remediator, alarm_names=frozenset({"OrdersFailing"}))

    (result,) = harness.remediator.handle(alarm(), "r-1", SOON)

    assert result.outcome is Outcome.HEALED
    assert LINK not in repr(harness.store)


@dataclass
class UnreadableStore(MemoryStore):
    """A store whose state can't be read."""

    def state(self) -> State:
        raise StateError("the state can't be read")


@pytest.mark.parametrize("state", ["ALARM", "OK"])
@pytest.mark.parametrize("names", [frozenset(), frozenset({"another"})])
@pytest.mark.parametrize("store", [MemoryStore, UnreadableStore])
def test_secrets_in_other_clothes_are_known_before_the_alarms_words_are_written(
    state: str, names: frozenset[str], store: type[MemoryStore]
) -> None:
    """Before the login; also of an alarm that is ignored, and in what is recorded of a failure."""
    harness = knowing(Harness(NO_LINK, store=store()))
    harness.remediator = replace(harness.remediator, alarm_names=names)

    with suppress(StateError):
        harness.remediator.handle(alarm(state, name=f"{PASSWORD} orders fail"), "r-1", SOON)

    (record,) = harness.store.records.values()
    assert record.alarms[0].startswith("<secret> orders fail ")
    assert PASSWORD not in repr((harness.store, harness.notifier))


def test_secrets_that_cannot_be_read_change_nothing_before_the_login() -> None:
    harness = Harness(failing(), failing(), GOOD)

    def fail() -> None:
        raise SecretError("the diner's secret can't be read")

    harness.remediator = replace(harness.remediator, learn_secrets=fail)

    assert [each.outcome for each in harness.remediator.handle(alarm(), "r-1", SOON)] == [Outcome.HEALED]


def test_mask_forgets_no_secret_while_another_event_is_under_way() -> None:
    """One event ends while another's order runs: what that one writes afterwards is masked all the same."""
    harness = knowing(Harness(failing(), failing(), GOOD, report=answer(200, {"message": f"{TOKEN} {PASSWORD}"})))

    def another_event() -> None:
        harness.remediator.handle(alarm("OK"), "r-2", SOON)

    harness.shop.meanwhile = another_event

    harness.remediator.handle(alarm(), "r-1", SOON)

    assert harness.remediator.mask.text(PASSWORD) == PASSWORD  # once the last one has ended
    assert harness.outcomes.count("HEALED") == 1
    assert not [secret for secret in SECRETS if secret in repr((harness.store, harness.notifier))]


@pytest.mark.parametrize("secret", [LINK, PASSWORD, f"apiKey={KEY}"])
@pytest.mark.parametrize("before", range(0, 90, 4))
def test_cut_first_masked_afterwards_leaves_nothing_of_a_secret_wherever_the_cut_is(before: int, secret: str) -> None:
    """In the factory's answer, in an alarm's name, in its record, and in what is sent of it."""
    said = f"{'x' * before} {secret} and more"
    harness = knowing(Harness(failing(), failing(), GOOD, report=answer(404, {"message": said})))

    for longest in (0, LONGEST_NAME, LONGEST, 1000):
        name = f"{'z' * max(0, longest - 90)}{said}"
        harness.remediator.handle(alarm(name=name, sent=harness.clock.now), f"r-{longest}", SOON)
        harness.shop.orders = 0
        harness.clock.now += timedelta(hours=1)

    written = repr((harness.store, harness.notifier, harness.warnings))
    for hidden in (KEY, PASSWORD):
        assert max(size for size in range(len(hidden) + 1) if hidden[:size] in written) < 6
