"""What `make local`, `make invoke`, chaos and game days say of a mistake; one `make local` in a checkout."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from remediator.outcome import Outcome
from remediator_cli.main import main as remediator
from simulator import interrupts
from simulator.__main__ import main as simulator
from simulator.days import DAYS
from simulator.gameday import PASSWORD
from simulator.holding import STACK_FILE, hold
from simulator.local_aws import copy
from simulator.paths import ROOT
from simulator.result import GOOD_ORDERS_AFTER, GameDayResult

EVENT = str(ROOT / "events/cloudwatch-alarm.json")
MISTAKES = [
    ("local --address 0.0.0.0", 2, "neither a name nor an IPv4 address that a report link may lead to"),
    ("local --address 169.254.1.2", 2, "neither a name nor"),
    ("local --address ::1", 2, "neither a name nor"),
    ("local --address 10.88.0.1:80", 2, "neither a name nor"),
    ("local --address http://10.88.0.1", 2, "neither a name nor"),
    ("local --address=", 2, "neither a name nor"),
    ("local --slow -1", 2, "not in the range"),
    ("local --slow nan", 2, "'nan' is not a valid integer"),
    ("local --folder FILE", 1, "can't be written: File exists"),
    ("local --folder /proc/there", 1, "/proc/there can't be written: No such file or directory"),
    ("invoke no-such.json", 2, "no-such.json can't be read: No such file or directory"),
    ("invoke .", 2, ". is no regular file"),
    ("invoke FILE", 2, "FILE holds no event: it isn't JSON"),
    (f"invoke {EVENT}", 1, "run `make local` in another terminal"),
    ("chaos fail", 1, "run `make local` in another terminal"),
    ("chaos rain", 2, "'rain' is not one of 'fail', 'badjwt', 'throttle', 'off'"),
    ("gameday fial", 2, "there is no game day fial; did you mean fail"),
    ("gameday zzz", 2, "there is no game day zzz; `remediator gameday --list` lists them"),
    ("gameday fail --html no-such/report.html", 2, "no-such/report.html can't be written: No such file or directory"),
    ("gameday fail --html .", 2, "'.' is a directory"),
    ("gameday fail --html /proc/report.html", 2, "/proc/report.html can't be written"),
    ("gameday fail --copies -1", 2, "-1 is not in the range"),
    ("gameday fail --again -1", 2, "-1 is not in the range"),
    ("gameday fail --ca FILE", 2, "FILE holds no certificate in PEM's form"),
    ("gameday fail --ca no-such.pem", 2, "no-such.pem can't be read"),
    ("gameday fail --shop pizza", 2, "pizza is no URL like https://shop.example.com"),
    ("gameday fail --shop ftp://pizza.test", 2, "is no URL"),
    ("gameday fail --shop http://pizza.test:99999", 2, "is no URL"),
    ("gameday fail --factory https://", 2, "is no URL"),
    ("gameday fail --shop https://pizza.test", 2, "needs all of --shop --factory --ca --email"),
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in which nothing is up, and one file that is neither JSON nor a certificate."""
    monkeypatch.chdir(tmp_path)
    Path("FILE").write_text("Margherita")
    monkeypatch.setenv(PASSWORD, "not-it")


@pytest.mark.parametrize(("typed", "code", "said"), MISTAKES)
def test_a_mistake_is_said_in_a_sentence_before_anything_is_started(typed: str, code: int, said: str) -> None:
    command = simulator if typed.startswith(("local", "invoke")) else remediator

    done = CliRunner().invoke(command, typed.split())

    assert (done.exit_code, done.exception.__class__) == (code, SystemExit), done.output
    assert said in done.output
    assert "nobody expected" not in done.output
    assert Path("FILE").read_text() == "Margherita"


def test_the_report_of_a_day_that_is_not_played_overwrites_nothing() -> None:
    CliRunner().invoke(remediator, ["gameday", "fail", "--html", "FILE", "--shop", "https://pizza.test"])

    assert Path("FILE").read_text() == "Margherita"
    assert sorted(os.listdir()) == ["FILE"]


def test_one_of_many_that_start_at_the_same_moment_holds_the_folder_and_the_others_say_which(tmp_path: Path) -> None:
    with ExitStack() as stack:

        def start(_: int) -> str:
            try:
                stack.enter_context(hold(tmp_path / ".local"))
            except click.ClickException as error:
                return error.message
            return "it holds it"

        with ThreadPoolExecutor(8) as pool:
            said = sorted(pool.map(start, range(8)))

    assert said.count("it holds it") == 1
    refused = set(said) - {"it holds it"}
    assert all(f"up already in this checkout: process {os.getpid()}, since 2" in each for each in refused)
    assert [*(tmp_path / ".local").iterdir()] == []


@pytest.mark.parametrize("written", ["{", "[]", '{"pid": 1}', "\0"])
def test_one_whose_file_is_damaged_is_refused_all_the_same_and_its_file_stays(tmp_path: Path, written: str) -> None:
    with hold(tmp_path) as held:
        (tmp_path / STACK_FILE).write_text(written)
        with pytest.raises(click.ClickException, match="doesn't say by which process"), hold(tmp_path):
            pass
        assert (tmp_path / STACK_FILE).read_text() == written
        held.write(STACK_FILE, held.who | {"shop": "http://s", "endpoint": "http://a"})
        with pytest.raises(click.ClickException, match="shop http://s, local AWS http://a"), hold(tmp_path):
            pass


def test_one_that_was_killed_is_no_obstacle_and_neither_is_a_stranger_with_its_number(tmp_path: Path) -> None:
    code = "import sys, time, pathlib; from simulator.holding import hold\n" \
           "with hold(pathlib.Path(sys.argv[1])): print(flush=True); time.sleep(600)"  # fmt: skip
    words = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT) as killed:
        assert killed.stdout
        killed.stdout.readline()
        killed.kill()
    assert json.loads((tmp_path / STACK_FILE).read_text())["pid"] == killed.pid
    (tmp_path / STACK_FILE).write_text(json.dumps({"pid": os.getppid()}))

    with hold(tmp_path) as held:
        assert json.loads((tmp_path / STACK_FILE).read_text()) == held.who


def test_who_looks_whether_it_is_up_keeps_nobody_from_starting(tmp_path: Path) -> None:
    looks = "import fcntl, os, sys, time; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_SH)\n" \
            "print(flush=True); time.sleep(.2)"  # fmt: skip
    with subprocess.Popen([sys.executable, "-c", looks, str(tmp_path)], stdout=subprocess.PIPE) as looking:
        assert looking.stdout
        looking.stdout.readline()
        with hold(tmp_path):
            pass


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({}, "Game day 'fail' passed: HEALED."),
        ({"outcome": "UNRESOLVED"}, "Game day 'fail' failed: UNRESOLVED; it was to end HEALED."),
        ({"report_calls": 2}, "Game day 'fail' failed: HEALED; report calls were to be 1 at most: 2 were made."),
        ({"orders_good_after": 0}, "Game day 'fail' failed: HEALED; orders were to be good again, 5 of them: 0 were."),
        ({"log_fault": "gap"}, "Game day 'fail' failed: HEALED; the audit log was to be intact: gap."),
        ({"leaks": 1}, "Game day 'fail' failed: HEALED; no secret was to be written: 1 were."),
        ({"state_bytes": 20_000}, "Game day 'fail' failed: HEALED; the state was to be under 20000 bytes: 20000."),
        ({"commands_failed": ["show"]}, "Game day 'fail' failed: HEALED; these commands were to show it: show."),
    ],
)
def test_a_game_day_ends_with_how_it_ended_and_one_that_failed_with_what_was_expected(
    other: dict[str, Any], said: str
) -> None:
    good: dict[str, Any] = {"outcome": Outcome.HEALED, "report_calls": 1, "orders_good_after": GOOD_ORDERS_AFTER}
    result = GameDayResult(DAYS["fail"], **good | other)

    assert result.verdict == said
    assert (result.passed, bool(result.faults)) == (not other, bool(other))


def test_notifications_that_were_expected_are_named_beside_those_that_came() -> None:
    result = GameDayResult(DAYS["cookie-login"], outcome=Outcome.NO_ACCESS, notifications=["BLOCKED: why\nmore"])

    assert result.faults == ["notifications were to begin 'NO_ACCESS:': 'BLOCKED: why' came"]


def test_what_cannot_be_copied_is_one_sentence_however_much_it_is(tmp_path: Path) -> None:
    (tmp_path / "built").mkdir()
    for number in range(9):
        (tmp_path / "built" / str(number)).symlink_to("nowhere")

    with pytest.raises(click.ClickException, match=r"built can't be copied: [^,\n]*No such file[^,\n]*$"):
        copy(tmp_path / "built", tmp_path / "copied")


def test_an_interrupt_waits_for_what_is_undivided_and_another_leaves_the_ending_alone() -> None:
    before, done = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt) as raised, interrupts.first_ends(), ExitStack() as stack:  # noqa: PT012 - in it all happens
        stack.callback(lambda: done.append("ended as a whole"))
        stack.callback(signal.raise_signal, signal.SIGHUP)
        with interrupts.undivided():
            signal.raise_signal(signal.SIGTERM)
            done.append("started as a whole")

    assert (done, raised.value.args) == (["started as a whole", "ended as a whole"], (signal.SIGTERM,))
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_that_was_lost_in_a_finalizer_is_heeded_later(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unlucky:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGHUP)

    lost: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: lost.append(dropped.exc_type))
    with interrupts.first_ends():
        interrupts.heed()
        Unlucky()
        assert lost == [KeyboardInterrupt]
        with pytest.raises(KeyboardInterrupt):
            interrupts.heed()
