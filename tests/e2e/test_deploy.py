"""The deploy as a person meets it: SAM's own questions in a terminal, into the local AWS."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from remediator.link_template import DEFAULT
from simulator.local_aws import LocalAws, alone
from simulator.paths import ROOT, SAM
from tests.e2e.conftest import run

NO_DEFAULT = {"ShopUrl": "http://127.0.0.1:9", "NotificationEmail": "on-call@example.com"}
NOBODY = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"}
BALANCER = "app/pizza/50dc6c495c0c9188"
KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
QUESTION = r"(?:\x1b\[0m|\?) \[[^\n]*\]: "  # SAM's, which are bold, or end with a mark; its default is in brackets
SECONDS_TO_DEPLOY = 600


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with LocalAws() as running:
        yield running


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """A folder in which SAM finds its configuration and what it built."""
    shutil.copy(ROOT / "samconfig.toml", tmp_path)
    shutil.copytree(built, tmp_path / ".aws-sam" / "build")
    return tmp_path


def answers(aws: LocalAws) -> dict[str, str]:
    """The answers that no default can give."""
    text = json.dumps({"email": "diner@example.com", "password": "p"})
    secret = aws.client("secretsmanager").create_secret(Name="d", SecretString=text)
    return {**NO_DEFAULT, "DinerSecretArn": secret["ARN"]}


def deployed(aws: LocalAws, words: list[str], cwd: Path, given: dict[str, str]) -> list[str]:
    """Deploy in a terminal: each of `given` is typed at its question, Enter at all others. Returns what was asked."""
    terminal: pexpect.spawn[str] = pexpect.spawn(
        words[0], words[1:], env=aws.environment(), cwd=str(cwd), encoding="utf-8", timeout=SECONDS_TO_DEPLOY
    )
    asked, shown = [], ""
    while terminal.expect([QUESTION, pexpect.EOF]) == 0:
        question = (str(terminal.before) + str(terminal.after)).rpartition("\n")[2]
        shown += str(terminal.before) + str(terminal.after)
        asked.append(question)
        terminal.sendline(next((value for name, value in given.items() if name in question), ""))
    shown += str(terminal.before)
    terminal.close()
    assert terminal.exitstatus == 0, shown
    return asked


def stack(aws: LocalAws) -> dict[str, Any]:
    found = aws.client("cloudformation").describe_stacks(StackName="pizza-remediator")["Stacks"][0]
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in found["Parameters"]}
    return {"status": found["StackStatus"], **parameters}


def test_make_deploy_asks_for_parameters_once_and_from_then_on_for_the_change_set_alone(
    aws: LocalAws, tmp_path: Path
) -> None:
    given, file = {**answers(aws), "changeset": "y"}, tmp_path / "answers.toml"
    words = ["make", "deploy", f"ANSWERS={file}"]

    with alone("build"):
        first = deployed(aws, words, ROOT, given)
        assert sum("Parameter " in question for question in first) > len(NO_DEFAULT)
        assert not any("Is this okay" in question for question in first)
        assert stack(aws)["status"] == "CREATE_COMPLETE"
        assert deployed(aws, words, ROOT, {}) == []
        file.write_text(file.read_text().replace(r"Mode=\"observe\"", r"Mode=\"act\""))
        (question,) = deployed(aws, words, ROOT, given)

    assert "Deploy this changeset?" in question
    assert stack(aws)["Mode"] == "act"
    assert json.loads(stack(aws)["Order"])["franchiseId"] == 1  # read back from the file as it was typed into it


def test_a_guided_deploy_by_sam_alone_takes_its_defaults_too(aws: LocalAws, folder: Path) -> None:
    asked = deployed(aws, [str(SAM), "deploy", "--guided"], folder, {**answers(aws), "changeset": "y"})

    assert not any("Is this okay" in question for question in asked)
    assert stack(aws)["status"] == "CREATE_COMPLETE"
    assert "parameter_overrides" in (folder / "samconfig.toml").read_text()


def test_a_deploy_without_a_terminal_needs_what_has_no_default_and_asks_nothing(aws: LocalAws, folder: Path) -> None:
    overrides = [f"{name}={value}" for name, value in answers(aws).items()]

    links = f"{DEFAULT} https://host.example/api/report?apiKey={{key}}&fixCode={{code}}"
    overrides += [f'AllowedReportLinks="{links}"', f"LoadBalancer={BALANCER}", "FailedOrdersToTrigger=2"]

    words = [str(SAM), "deploy", "--no-confirm-changeset", "--parameter-overrides", *overrides]
    done = run(words, cwd=folder, env=aws.environment(), stdin=subprocess.DEVNULL)

    assert done.returncode == 0, done.stderr
    assert stack(aws)["status"] == "CREATE_COMPLETE"
    assert stack(aws)["AllowedReportLinks"] == links
    alarms = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    (of_balancer,) = [each for each in alarms if each["Namespace"] == "AWS/ApplicationELB"]
    assert of_balancer["Dimensions"] == [{"Name": "LoadBalancer", "Value": BALANCER}]
    thresholds = {each["AlarmName"].split("-")[-2]: each["Threshold"] for each in alarms}
    assert thresholds["OrdersFailing"] == thresholds["TargetsFailing"] == 2


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "Unable to locate credentials"),
        ({"AWS_PROFILE": "nobody"}, "profile (nobody) could not be found"),
        ({**KEYS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "Could not connect"),
    ],
)
def test_make_deploy_without_credentials_ends_with_one_line_before_it_builds_or_asks(
    variables: dict[str, str], message: str, tmp_path: Path
) -> None:
    words = ["make", "deploy", f"ANSWERS={tmp_path / 'answers.toml'}"]
    done = run(words, env={**NOBODY, **variables}, stdin=subprocess.DEVNULL)

    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("make: ")]
    assert message in line
    assert "AWS_PROFILE=… make deploy" in line
    assert done.stdout == ""
    assert done.returncode
    assert list(tmp_path.iterdir()) == []
