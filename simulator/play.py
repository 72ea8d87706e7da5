"""One game day, from an empty machine to the result: the real template in a local AWS, a shop, diners, chaos."""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import click
from click.testing import CliRunner

from remediator.audit import Entry, verify_chain
from remediator.outcome import Outcome
from remediator_cli.incidents import find_incident
from remediator_cli.main import main
from remediator_cli.records import Records
from remediator_cli.report.facts import gather
from remediator_cli.report.page import html
from remediator_cli.waiting import poll
from simulator import hostile, interrupts
from simulator.days import GameDay, Stage
from simulator.diners import Diners
from simulator.environment import METRIC, NAMESPACE, STACK, ExistingShop, GameDayEnvironment, emulate
from simulator.local_aws import REGION
from simulator.result import GOOD_ORDERS_AFTER, GameDayResult
from simulator.shop import Shop
from simulator.shop.conditions import CONDITIONS

SECONDS_TO_TRIGGER = 240.0
SECONDS_FOR_A_PERSON = 600.0
SECONDS_TO_END = 300.0
SECONDS_OF_A_STAMP = 1.0  # the local SNS cuts its time stamps to the second; AWS's are to the millisecond


@dataclass(frozen=True, slots=True)
class Options:
    """How a game day is played. `enforce`: IAM is enforced. `emulator`: the function runs in AWS's runtime emulator.

    `copies`: how many copies of the alarm reach the topic at once, and `again`: one after the other.
    `elsewhere`: a shop that runs already, in place of our own. `report`: the incident's report is made, too.
    """

    enforce: bool = False
    emulator: bool = False
    copies: int = 0
    again: int = 0
    slow_seconds: float = 32.0
    elsewhere: ExistingShop | None = None
    report: bool = False


def play(day: GameDay, options: Options, step: Callable[[str], None]) -> GameDayResult:
    """Play the day; `step` is called with what is being done. Everything started is ended, also on an interrupt."""
    result = GameDayResult(day)
    with interrupts.first_ends(), ExitStack() as stack:
        try:
            _play(stack, result, options, step)
            step("ending what was started")
        finally:
            interrupts.ignore()
    return result


def _play(stack: ExitStack, result: GameDayResult, options: Options, step: Callable[[str], None]) -> None:
    day = result.day
    step("starting the shop and the local AWS")
    shop = options.elsewhere or interrupts.enter(stack, _shop(day, options))
    environment = stack.enter_context(GameDayEnvironment(shop, day, enforce=options.enforce))
    step("building the template and deploying it")
    environment.deploy()
    if options.emulator:
        step("starting the runtime emulator")
        emulate(stack, environment)
    diners = Diners(shop.url, environment.aws.client("cloudwatch"), NAMESPACE, METRIC)
    if day.diners:
        interrupts.enter(stack, diners)
    run = _begin(environment, diners, options, step)
    result.confirmed = _break_and_wait(run, step)
    step("triggered: it checks the shop, and acts if it may")
    over = f"the outcome {' or '.join(day.expected)}"
    _until(lambda: _is_over(environment.records, run.seen, len(day.stages)), SECONDS_TO_END, over)
    ended = time.time()
    if not day.diners and Outcome.HEALED in day.expected:
        step("over: letting diners order")
        interrupts.enter(stack, diners)
    _settle(run, ended)
    _collect(result, run, ended)
    if options.report:
        result.report = _report(environment, result.log[run.seen :])


def _shop(day: GameDay, options: Options) -> Shop:
    return Shop(slow_seconds=options.slow_seconds, report=day.report, key_length=day.key_length)


@dataclass(frozen=True, slots=True)
class GameDayRun:
    """A day under way, its deliveries those since `opened`.

    `seen` log entries and `delivered` records were there before the shop broke, at `began`.
    """

    environment: GameDayEnvironment
    diners: Diners
    options: Options
    seen: int
    delivered: int
    opened: datetime
    began: datetime


def _begin(
    environment: GameDayEnvironment, diners: Diners, options: Options, step: Callable[[str], None]
) -> GameDayRun:
    """Check the shop while it is healthy, and note what is there before it breaks."""
    seen, delivered, opened = 0, 0, datetime.now(UTC)
    if isinstance(environment.shop, Shop) and not environment.day.is_set_wrong:
        _check_while_healthy(environment, step)
        seen, delivered = len(environment.records.log()), len(environment.records.deliveries(opened))
    return GameDayRun(environment, diners, options, seen, delivered, opened, datetime.now(UTC))


def _break_and_wait(run: GameDayRun, step: Callable[[str], None]) -> datetime | None:
    """Break the shop and wait for the alarm. When the canary confirmed the failure, if that is the one."""
    environment, shop, confirmed = run.environment, run.environment.shop, None
    if isinstance(shop, Shop):
        confirmed = _break(environment, shop, run.seen, step)
    else:
        step("waiting for orders to fail: start the chaos")
    patience = SECONDS_TO_TRIGGER if isinstance(shop, Shop) else SECONDS_FOR_A_PERSON
    _until(lambda: len(environment.records.log()) > run.seen, patience, "the alarm")
    for number in range(run.options.copies):
        environment.publish(f"A copy of the alarm, number {number + 1}")
    return confirmed


def _settle(run: GameDayRun, ended: float) -> None:
    """Send the late copies; wait for the outcome of every delivery, for diners' orders, and for their metric."""
    environment, diners, options = run.environment, run.diners, run.options
    for number in range(options.again):
        environment.publish(f"A late copy of the alarm, number {number + 1}")
    copies = len(environment.day.stages) + options.copies + options.again
    _until(lambda: _triggered(run) >= copies, SECONDS_TO_END, "the outcome of every copy")
    if not environment.day.diners and Outcome.HEALED not in environment.day.expected:
        return
    # Of one kind: on a busy machine a good order may come too late for its diner.
    _until(lambda: max(diners.good(ended), diners.failed(ended)) >= GOOD_ORDERS_AFTER, SECONDS_TO_END, "the diners")
    placed = len(diners.orders)
    _until(lambda: diners.published >= placed, SECONDS_TO_END, "the diners' metric")


def _triggered(run: GameDayRun) -> int:
    """Deliveries since the shop broke, without the alarm's own end, which may come among the copies."""
    found = run.environment.records.deliveries(run.opened)[run.delivered :]
    return sum(each["outcome"] != Outcome.STOOD_DOWN for each in found)


def _check_while_healthy(environment: GameDayEnvironment, step: Callable[[str], None]) -> None:
    """A first trigger, and if nobody orders a run of the canary, which triggers nothing."""
    step("triggering it while the shop is healthy")
    environment.publish("A first check, while the shop is healthy")
    _until(
        lambda: bool(environment.records.log() and environment.records.state().check is None),
        SECONDS_TO_END,
        "the first check",
    )
    if not environment.day.diners:
        step("running the canary while the shop is healthy, as its schedule would each minute")
        report = environment.run_canary()
        if report["failed"] or report["triggered"]:
            raise click.ClickException(f"the canary found a fault in a healthy shop: {report}")
    time.sleep(SECONDS_OF_A_STAMP)


def _break(environment: GameDayEnvironment, shop: Shop, seen: int, step: Callable[[str], None]) -> datetime | None:
    """Break the shop and see to it that an alarm fires. When the canary confirmed the failure, if that is the one."""
    day = environment.day
    step(f"breaking the shop: {day.about}")
    if not day.diners:
        return _by_canary(environment, shop, seen, step)
    _change(shop, day.first)
    if day.is_hostile:
        environment.publish(json.dumps(hostile_alarm(shop)))
    if day.only_ours:
        environment.publish("Our own orders fail, and nobody else's: no metric shows it")
    step("orders fail; waiting for the alarm to trigger it")
    return None


def _by_canary(environment: GameDayEnvironment, shop: Shop, seen: int, step: Callable[[str], None]) -> datetime | None:
    """Stage after stage, a run of the canary in each. When the failure of the first was confirmed."""
    confirmed = None
    for number, stage in enumerate(environment.day.stages):
        if number:
            _until(partial(_is_over, environment.records, seen, number), SECONDS_TO_END, "the check's end")
            time.sleep(SECONDS_OF_A_STAMP)
        _change(shop, stage)
        about = CONDITIONS[stage.condition].about if stage.condition else f"chaos {stage.chaos}"
        step(f"the canary's run, as on its schedule, at a shop where {about}")
        report = environment.run_canary()
        if not report["triggered"]:
            raise click.ClickException(f"the canary didn't trigger the remediator: {report}")
        confirmed = confirmed or report["confirmed"]
    return datetime.fromisoformat(confirmed) if confirmed else None


def hostile_alarm(shop: Shop) -> dict[str, Any]:
    """The alarm of a stranger who knows the shop's secrets."""
    return hostile.alarm(shop.secrets, shop.report_links.format(key=shop.vendor_token, code="q7w8e9r1"))


def _change(shop: Shop, stage: Stage) -> None:
    shop.condition(stage.condition)
    shop.chaos(stage.chaos)


def _report(environment: GameDayEnvironment, log: list[Entry]) -> str | None:
    """As HTML, None if there was no incident."""
    incident = next((entry.incident for entry in log if entry.incident), None)
    return html(gather(environment.stack, find_incident(environment.stack, incident))) if incident else None


def _intents(result: GameDayResult) -> int:
    """At a shop that isn't ours only the audit log shows how often it was called."""
    return sum(entry.kind == "intent" for entry in result.log)


def _is_over(records: Records, seen: int, checks: int = 1) -> bool:
    """Whether that many checks have finished, and every notification was sent."""
    found = [entry for entry in records.log()[seen:] if entry.kind == "finished"]
    return len(found) >= checks and not records.state().outbox


def _collect(result: GameDayResult, run: GameDayRun, ended: float) -> None:
    environment, diners, shop = run.environment, run.diners, run.environment.shop
    _read_log(result, run)
    result.deliveries = environment.records.deliveries(run.opened)[run.delivered :]
    result.orders_failed = diners.failed(run.began.timestamp())  # the canary's own aren't counted
    result.orders_good_after = diners.good(ended)
    result.report_calls = sum(shop.report_calls.values()) if isinstance(shop, Shop) else _intents(result)
    result.notifications = environment.notifications()
    result.actions = sorted(environment.recorder.actions)
    result.state_bytes = environment.state_bytes()
    if environment.day.is_hostile:
        result.commands_failed = _try_commands(environment, result.log)
    if isinstance(shop, Shop):
        written = environment.written() + repr(result)
        result.leaks = sum(worn in written for secret in shop.secrets for worn in hostile.clothes(secret))


def _try_commands(environment: GameDayEnvironment, log: list[Entry]) -> list[str]:
    """Those of the commands that read what was written which can't show it, or let a character of it act."""
    where = ["--stack", STACK, "--region", REGION]
    incident = next((entry.incident for entry in log if entry.incident), "")
    failed = []
    for command in ("status", "incidents", "incidents --stats", f"show {incident}", f"report {incident}", "verify"):
        for words in (command, f"{command} --json"):
            done = CliRunner().invoke(main, [*words.split(), *where], env=environment.aws.environment())
            if done.exit_code or "\x1b" in done.output or "\u202e" in done.output:
                failed.append(words)
    return failed


def _read_log(result: GameDayResult, run: GameDayRun) -> None:
    state = run.environment.records.state()
    result.log = run.environment.records.log()
    result.log_fault = verify_chain(result.log, datetime.now(UTC), state.v, state.last)
    mine = result.log[run.seen :]
    finished = [entry for entry in mine if entry.kind == "finished"]
    # A late copy has a check of its own, which finds the shop healthy and belongs to no incident.
    endings = [json.loads(entry.data) for entry in finished if entry.incident] or [
        json.loads(each.data) for each in finished
    ]
    result.outcome = endings[-1]["outcome"] if endings else "NOTHING"
    result.phases = {
        "failing until triggered": _milliseconds(run.began, mine[0].at) if mine else 0,
        **({"confirmed until triggered": _milliseconds(result.confirmed, mine[0].at)} if result.confirmed else {}),
        **(endings[-1]["phases"] if endings else {}),
    }
    holders = [json.loads(entry.data)["holder"] for entry in mine if entry.kind == "claimed"]
    result.retries = len(holders) - len(set(holders))


def _milliseconds(began: datetime, at: datetime) -> int:
    return round((at - began).total_seconds() * 1000)


def _until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    for _ in poll(seconds, every=0.1):
        if condition():
            return
    raise click.ClickException(f"{what} didn't come within {seconds:.0f} s")
