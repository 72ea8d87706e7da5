"""The make targets that play a list: one that fails ends them, and so does a list that can't be had."""

import subprocess
import sys
from pathlib import Path

import pytest

from simulator.paths import ROOT

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
