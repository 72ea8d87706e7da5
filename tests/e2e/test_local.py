"""`make local` as it is started and ended: once in a checkout, by each signal, at each moment, with nothing left."""

import fcntl
import json
import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from remediator_cli.waiting import poll
from simulator.holding import EVENT, STACK_FILE, hold
from simulator.interrupts import end
from simulator.paths import ROOT
from tests.e2e.conftest import REMEDIATOR, run

EVENT_FILE = str(ROOT / "events/cloudwatch-alarm.json")
# A program in a session of its own whose terminal is its standard input: what closing a window ends.
IN_A_WINDOW = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


# What make does with a SIGHUP, which it alone gets if it leads the session: it waits until its child has ended.
AS_MAKE = ("/bin/sh", "-c", 'trap : HUP; "$@"', "sh")


class Local:
    """One `make local` on a terminal of its own, in a checkout's folder and with a temporary folder of its own."""

    def __init__(self, place: Path, leader: Sequence[str] = ()) -> None:
        self.place, self.folder, self.temporary = place, place / ".local", place / "tmp"
        self.temporary.mkdir(exist_ok=True)
        self.window, theirs = pty.openpty()
        words = [sys.executable, "-c", IN_A_WINDOW, *leader, sys.executable, "-m", "simulator", "local"]
        self.process = subprocess.Popen(
            [*words, "--folder", str(self.folder)], cwd=ROOT, env=os.environ | {"TMPDIR": str(self.temporary)},
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        fcntl.fcntl(self.window, fcntl.F_SETFL, os.O_NONBLOCK)
        self.text = ""

    def until(self, condition: Callable[[], object], seconds: float = 120) -> None:
        """Wait for it while the terminal is read."""
        for _ in poll(seconds, every=0.02):
            self.read()
            if condition():
                return
        raise AssertionError(self.text)

    def read(self) -> None:
        with suppress(OSError):  # nothing to read now, or nobody writes any more
            self.text += os.read(self.window, 65536).decode()

    def stack(self) -> dict[str, Any]:
        """What its file says."""
        found: dict[str, Any] = json.loads((self.folder / STACK_FILE).read_text())
        return found

    def is_up(self) -> bool:
        return (self.folder / EVENT).exists()

    def is_over(self) -> bool:
        return self.process.poll() is not None

    def is_building(self) -> bool:
        """Whether one of its processes is SAM, or one that SAM started."""
        return any("/sam" in words for words in self.processes())

    def processes(self) -> list[str]:
        """The command lines of all that were started by it, those of other sessions too: by the temporary folder."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if str(self.temporary) in (process / "environ").read_text(errors="replace"):
                    found.append((process / "cmdline").read_text().replace("\0", " "))
            except OSError:  # it has ended
                pass
        return found

    def left(self) -> list[object]:
        return [*self.processes(), *self.temporary.iterdir(), *self.folder.iterdir()]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Local]]:
    started: list[Local] = []

    def one(leader: Sequence[str] = ()) -> Local:
        started.append(Local(tmp_path, leader))
        return started[-1]

    yield one
    for each in started:
        end(each.process)


def test_a_second_one_is_refused_and_the_first_is_undisturbed_until_two_interrupts_end_it(
    start: Callable[..., Local], tmp_path: Path
) -> None:
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / STACK_FILE).write_text(json.dumps({"pid": os.getpid()}))  # of one that was killed
    both = [start(), start()]
    both[0].until(lambda: any(each.is_over() for each in both))
    refused, first = sorted(both, key=Local.is_over, reverse=True)
    refused.read()
    assert refused.process.returncode == 1
    assert f"up already in this checkout: process {first.process.pid}, since 2" in refused.text

    first.until(first.is_up)
    before = first.stack()
    third = start()
    third.until(third.is_over)
    third.read()
    assert f"shop {before['shop']}, local AWS {before['endpoint']}" in third.text.replace("\r\n", " ")
    assert first.stack() == before
    chaos = run([REMEDIATOR, "chaos", "fail"], cwd=tmp_path)
    assert chaos.stdout == "chaos: fail. Orders fail until it is healed: `remediator heal --follow`\n", chaos.stderr
    assert json.loads(run([REMEDIATOR, "chaos", "off", "--json"], cwd=tmp_path).stdout) == {"chaos": "off"}

    os.killpg(first.process.pid, signal.SIGINT)
    first.until(lambda: "ending what was started" in first.text)
    os.killpg(first.process.pid, signal.SIGINT)
    first.until(first.is_over)
    first.read()
    assert (first.process.returncode, first.left()) == (0, [])
    assert "ended: no process of it runs" in first.text
    assert "Traceback" not in first.text


ENDS = ("SIGINT", "SIGTERM", "SIGHUP", "its window")


@pytest.mark.parametrize(
    ("ends", "when"),
    [*((ends, when) for ends in ENDS for when in ("it begins", "it builds")),
     *((ends, "it is up") for ends in ("SIGTERM", "its window", "make's window"))],
)  # fmt: skip
def test_however_and_whenever_it_is_ended_it_leaves_no_process_and_no_file(
    start: Callable[..., Local], ends: str, when: str
) -> None:
    one = start(AS_MAKE if ends == "make's window" else ())
    one.until({"it begins": lambda: "starting" in one.text, "it builds": one.is_building, "it is up": one.is_up}[when])

    if ends.endswith("window"):
        os.close(one.window)
    else:
        one.process.send_signal(getattr(signal, ends))
    one.until(one.is_over)

    assert one.left() == []
    assert "Traceback" not in one.text
    assert ends.endswith("window") or one.process.returncode == 0


def test_chaos_at_a_shop_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    with hold(tmp_path / ".local") as held, socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
        held.write(STACK_FILE, held.who | described(tmp_path, url))
        gone.close()
        done = run([REMEDIATOR, "chaos", "fail"], cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert f"the shop of `make local` doesn't answer at {url}/_control: [Errno 111] Connection refused" in done.stderr


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import pizza", "log: [ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module"),
        ("def handler(event, context", "log: [ERROR] Runtime.UserCodeSyntaxError: Syntax error in module 'app'"),
        ("def handler(*_): raise LookupError('Bearer c2VjcmV0LXNlY3JldC1zZWNyZXQ')", "log: [ERROR] LookupError: Be"),
        ("print('so far')\nimport os\nos._exit(3)", "log: so far"),
        (None, "there is no built function at"),
    ],
)  # fmt: skip
def test_a_function_that_fails_shows_the_end_of_its_log(tmp_path: Path, code: str | None, said: str) -> None:
    if code:
        (tmp_path / "Remediate").mkdir()
        (tmp_path / "Remediate" / "app.py").write_text(code)
    with hold(tmp_path / ".local") as held:
        held.write(STACK_FILE, held.who | described(tmp_path, "http://127.0.0.1:1"))
        done = run(
            [sys.executable, "-m", "simulator", "invoke", EVENT_FILE],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    assert done.returncode == 1
    assert said in done.stderr
    assert "(rapid)" not in done.stderr
    assert "c2VjcmV0" not in done.stdout + done.stderr
    assert "nobody expected" not in done.stderr


def described(built: Path, url: str) -> dict[str, Any]:
    where = {"stack": "pizza-remediator", "region": "us-east-1", "endpoint": url, "shop": url, "shop_control": url}
    return where | {"built": str(built), "variables": {}}
