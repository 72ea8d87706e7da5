"""README's `sam local invoke`, as it stands there, in a real container engine, beside what `make local` keeps up."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from remediator_cli.waiting import poll
from simulator.interrupts import end
from simulator.paths import ROOT, SAM, TOOLS
from tests.e2e.conftest import run

IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"
SECONDS_TO_START = 120
# By the very client that SAM has: the address at which the engine's containers reach this computer.
ASK = f"""
import docker
engine = docker.from_env()
engine.images.get("{IMAGE}")
print(engine.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"])
"""


@pytest.fixture
def address() -> str:
    """The engine's bridge. Skips if no engine answers, or it hasn't the runtime's image: no test pulls that."""
    asked = run([str(SAM.with_name("python")), "-c", ASK])
    if asked.returncode:
        pytest.skip(f"no container engine that has {IMAGE}: {asked.stderr.strip().splitlines()[-1]}")
    return asked.stdout.strip()


@pytest.fixture
def checkout(address: str, tmp_path: Path) -> Iterator[Path]:
    """A folder in which README's command finds what it names, of a `make local` of its own."""
    words = [sys.executable, "-m", "simulator", "local", "--address", address, "--folder", str(tmp_path / ".local")]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
    try:
        event = tmp_path / ".local" / "event.json"
        for _ in poll(SECONDS_TO_START, every=0.2):
            if event.exists() or process.poll() is not None:
                break
        assert event.exists(), (tmp_path / "log").read_text()
        (tmp_path / ".tools").symlink_to(TOOLS)
        (tmp_path / ".aws-sam").mkdir()
        (tmp_path / ".aws-sam" / "build").symlink_to(up(tmp_path)["built"])
        yield tmp_path
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert list((tmp_path / ".local").iterdir()) == []
    finally:
        end(process)


def up(checkout: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((checkout / ".local" / "stack.json").read_text())
    return found


def control(checkout: Path, wanted: dict[str, str] | None = None) -> dict[str, Any]:
    """The stand-in shop's state, once it is as wanted."""
    url = f"{up(checkout)['shop_control']}/_control"
    if wanted:
        requests.post(url, json=wanted, timeout=10).raise_for_status()
    found: dict[str, Any] = requests.get(url, timeout=10).json()
    return found


def test_readmes_sam_local_invoke_heals_in_a_container_each_time_it_is_run(checkout: Path) -> None:
    (command,) = re.findall(r"^AWS_[^`]*sam local invoke [^`]*Remediate$", (ROOT / "README.md").read_text(), re.M)
    incidents = set()
    for chaos in ("fail", "badjwt"):
        control(checkout, {"chaos": chaos})

        done = run(["sh", "-c", command], cwd=checkout, env=os.environ | {"SAM_CLI_TELEMETRY": "0"})

        assert done.returncode == 0, done.stderr
        (result,) = json.loads(done.stdout)
        assert result["outcome"] == "HEALED", (result, done.stderr)
        incidents.add(result["incident"])
    assert len(incidents) == 2
    assert control(checkout)["report_calls"] == {"GET": 2, "HEAD": 0}
