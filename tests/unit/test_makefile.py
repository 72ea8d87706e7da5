"""Make targets: what they install and remove, and what ends those that play a list."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.paths import ROOT

ALERTMANAGER = ".tools/alertmanager/usr/bin/prometheus-alertmanager"
LISTED = '[{"name": "good"}, {"name": "bad"}, {"name": "later"}]'


@pytest.mark.parametrize(
    ("listing", "bad", "code", "played"),
    [
        pytest.param(f"echo '{LISTED}'", "exit 0", 0, ["good", "bad", "later"], id="all pass"),
        pytest.param(f"echo '{LISTED}'", "exit 1", 2, ["good"], id="one fails"),
        pytest.param("exit 1", "exit 0", 2, [], id="no list"),
    ],
)
def test_a_game_day_that_fails_ends_make_gamedays(
    listing: str, bad: str, code: int, played: list[str], tmp_path: Path
) -> None:
    programs = tmp_path / ".venv/bin"
    programs.mkdir(parents=True)
    (tmp_path / ".tools").mkdir()
    (programs / "python").symlink_to(sys.executable)
    remediator = programs / "remediator"
    remediator.write_text(f'#!/bin/sh\ncase "$2" in --list) {listing};; bad) echo bad; {bad};; *) echo "$2";; esac\n')
    remediator.chmod(0o755)

    words = ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), "-o", "setup", "gamedays"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == code, done.stderr
    assert done.stdout.split() == played


class Machine:
    """A folder with the Makefile's rules, and a system where only what is named here can be called."""

    def __init__(self, folder: Path, *, user: int, apt: str | None) -> None:
        self.folder, self.log, self.chromium = folder / "checkout", folder / "called", folder / "chromium"
        self._programs = folder / "bin"
        for made in (self.folder, self._programs):
            made.mkdir()
        self.log.touch()
        for name in ("cut", "dirname", "du", "find", "mkdir", "flock", "rm", "touch", "true"):
            (self._programs / name).symlink_to(shutil.which(name) or name)
        self._program("id", f"echo {user}")
        self._program("dpkg", f"mkdir -p usr/bin && touch {ALERTMANAGER.removeprefix('.tools/alertmanager/')}")
        self._program("sudo", f'echo "sudo $*" >> {self.log}; "$@"')
        if apt is not None:
            self._program("apt-get", f'echo "$*" >> {self.log}; case "$*" in {apt} *) exit 0;; esac')

    def _program(self, name: str, does: str) -> None:
        (self._programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (self._programs / name).chmod(0o755)

    def make(self, *targets: str) -> subprocess.CompletedProcess[str]:
        make = shutil.which("make") or "make"
        words = [make, "--no-print-directory", "-f", str(ROOT / "Makefile"), f"CHROMIUM={self.chromium}", *targets]
        alone = {"PATH": str(self._programs), "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            words, cwd=self.folder, env=alone, capture_output=True, text=True, timeout=60, check=False
        )

    def called(self) -> list[str]:
        """The first word of each call of apt-get, or `sudo`."""
        return [line.split()[0] for line in self.log.read_text().splitlines()]


GOOD, REFUSED, OLD = "", "*) exit 100;;", "download*) test -e lists || { touch lists; exit 100; };;"
NO_ROOT = "on this system: nothing, without root and apt-get; tests in a browser are skipped until you install"
APT_GETS = (
    "on this system: Debian's chromium, by apt-get, about 0.8 GB with all it needs, to look at pages in a browser"
)


@pytest.mark.parametrize(
    ("user", "apt", "said", "called"),
    [
        pytest.param(0, GOOD, [APT_GETS], ["update", "install"], id="root"),
        pytest.param(
            0, REFUSED, [APT_GETS, "can't be had: the tests that need it are skipped"], ["update"], id="refused"
        ),
        pytest.param(0, None, [NO_ROOT], [], id="another system"),
        pytest.param(1000, GOOD, [NO_ROOT], [], id="no root"),
    ],
)
def test_make_test_installs_a_browser_as_root_alone_and_says_so_before(
    user: int, apt: str | None, said: list[str], called: list[str], tmp_path: Path
) -> None:
    machine = Machine(tmp_path, user=user, apt=apt)

    before = machine.make("on-this-system")
    assert machine.called() == []
    done = machine.make(str(machine.chromium))

    assert (before.returncode, done.returncode) == (0, 0)
    assert all(words in before.stdout + done.stdout for words in said)
    assert "in this checkout: .venv, .tools and .aws-sam" in before.stdout
    assert machine.called() == called


def test_make_test_installs_no_browser_where_one_is(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=0, apt=GOOD)
    machine.chromium.touch()

    done = machine.make("on-this-system", str(machine.chromium))

    assert "on this system: nothing, since Chromium is there" in done.stdout
    assert machine.called() == []


def test_make_test_says_first_what_it_will_install() -> None:
    words = ["make", "--no-print-directory", "--dry-run", "test"]
    planned = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert planned.startswith('echo "make test installs in this checkout')
    assert planned.index("on this system") < planned.index(".venv/bin/")


@pytest.mark.parametrize(
    ("user", "apt", "had", "called"),
    [
        pytest.param(1000, GOOD, True, ["download"], id="no root"),
        pytest.param(0, OLD, True, ["download", "update", "download"], id="a bare machine, as root"),
        pytest.param(1000, OLD, False, ["download"], id="a bare machine, no root"),
        pytest.param(0, None, False, [], id="another system"),
    ],
)
def test_alertmanager_is_unpacked_in_the_checkout_and_never_installed(
    user: int, apt: str | None, had: bool, called: list[str], tmp_path: Path
) -> None:
    machine = Machine(tmp_path, user=user, apt=apt)

    done = machine.make(ALERTMANAGER)

    assert done.returncode == 0
    assert (machine.folder / ALERTMANAGER).exists() is had
    assert ("can't be had: its test is skipped" in done.stdout) is not had
    assert machine.called() == called


@pytest.mark.parametrize(("user", "apt"), [(1000, GOOD), (0, None)], ids=["no root", "another system"])
def test_make_container_does_nothing_where_it_may_not_install_an_engine(
    user: int, apt: str | None, tmp_path: Path
) -> None:
    machine = Machine(tmp_path, user=user, apt=apt)

    done = machine.make("container")

    assert done.returncode != 0
    assert "make container installs Debian's podman and runc on this system, by apt-get as root" in done.stderr
    assert machine.called() == []
    assert list(machine.folder.iterdir()) == []


@pytest.fixture
def used(tmp_path: Path) -> Machine:
    """A machine whose checkout was set up, with a person's own files in it."""
    machine = Machine(tmp_path, user=1000, apt=None)
    for name in (".venv/a", ".tools/a", ".aws-sam/a", ".local/stack.json", ".mypy_cache/a", "x/__pycache__/a", *OWN):
        (machine.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (machine.folder / name).write_bytes(bytes(1_000_000))
    return machine


OWN = ("samconfig.user.toml", "x/a.py")


def test_make_clean_removes_what_was_made_and_nothing_else(used: Machine) -> None:
    done = used.make("clean")

    assert done.returncode == 0, done.stderr
    assert {str(file.relative_to(used.folder)) for file in used.folder.rglob("*")} == {*OWN, "x"}
    assert done.stdout.split(maxsplit=1)[0] in {"5", "6"}  # du's megabytes are of 1,048,576 bytes


def test_make_clean_refuses_while_make_local_is_up(used: Machine) -> None:
    held = os.open(used.folder / ".local", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)

    done = used.make("clean")

    os.close(held)
    assert done.returncode != 0
    assert "make local is up: end it first" in done.stderr
    assert (used.folder / ".venv/a").exists()
