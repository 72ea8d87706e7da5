"""The built template, and the command line as a person runs it."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator.local_aws import build
from simulator.paths import ROOT, SAM

REMEDIATOR = str(ROOT / ".venv/bin/remediator")
COUNTED = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_PROCESS")}  # its lines, too


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="session")
def template(built: Path) -> dict[str, Any]:
    """The template as SAM built it."""
    found: dict[str, Any] = yaml.safe_load((built / "template.yaml").read_text())
    return found


TRANSLATE = """
import json, sys
from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform
print(json.dumps(transform(json.load(sys.stdin), {}, ManagedPolicyLoader(None))))
"""


@pytest.fixture(scope="session")
def translated(template: dict[str, Any]) -> dict[str, Any]:
    """The template as CloudFormation deploys it: translated by the transform that SAM's own command line carries."""
    template = json.loads(json.dumps(template))
    for name, place in (("Core", "ContentUri"), ("Remediate", "CodeUri"), ("Canary", "CodeUri"), ("Ingest", "CodeUri")):
        template["Resources"][name]["Properties"][place] = "s3://bucket/key"  # as `sam package` would
    alone = {"PATH": "/usr/bin:/bin", "AWS_DEFAULT_REGION": "us-east-1"}
    done = run([str(SAM.with_name("python")), "-c", TRANSLATE], input=json.dumps(template), env=alone)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def run(words: Sequence[str], **told: Any) -> subprocess.CompletedProcess[str]:
    """A program run to its end in the checkout, whatever its exit code. `told`: as subprocess.run takes it."""
    if told.get("env") is not None:
        told["env"] = {**COUNTED, **told["env"]}
    return subprocess.run(words, **{"cwd": ROOT, **told}, capture_output=True, text=True, check=False)


def gameday(*words: str) -> tuple[dict[str, Any], int]:
    """What `remediator gameday … --json` prints, and its exit code."""
    done = run([REMEDIATOR, "gameday", *words, "--json"])
    if not done.stdout:
        raise AssertionError(done.stderr)
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown, done.returncode
