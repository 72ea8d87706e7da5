"""The built template, and the command line as a person runs it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.gameday.local_aws import build
from console.places import ROOT


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="session")
def template(built: Path) -> dict[str, Any]:
    """The template as SAM built it."""
    found: dict[str, Any] = yaml.safe_load((built / "template.yaml").read_text())
    return found


def gameday(*words: str) -> tuple[dict[str, Any], int]:
    """What `remediator gameday … --json` prints, and its exit code."""
    done = subprocess.run(
        [str(ROOT / ".venv/bin/remediator"), "gameday", *words, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout:
        raise AssertionError(done.stderr)
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown, done.returncode
