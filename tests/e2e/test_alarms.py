"""Alarms of real senders through the local SNS to the deployed function."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from remediator_cli.waiting import poll
from simulator.days import DAYS
from simulator.environment import GameDayEnvironment
from simulator.interrupts import end
from simulator.local import variables
from simulator.local_aws import REGION, hold_port, number
from simulator.paths import ROOT, TOOLS
from simulator.play import SECONDS_OF_A_STAMP
from simulator.shop import Shop

UNPACKED = TOOLS / "alertmanager"
BEGAN = datetime.now(UTC)
ALERTMANAGER = UNPACKED / "usr" / "bin" / "prometheus-alertmanager"


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with Shop() as running:
        yield running


@pytest.fixture(scope="module")
def environment(shop: Shop) -> Iterator[GameDayEnvironment]:
    with GameDayEnvironment(shop, DAYS["fail"]) as standing:
        standing.deploy()
        yield standing


def until(condition: Callable[[], bool], seconds: float = 300.0) -> bool:
    return any(condition() for _ in poll(seconds, every=0.2))


def test_three_copies_of_grafanas_text_make_one_report_call(environment: GameDayEnvironment, shop: Shop) -> None:
    record = json.loads((ROOT / "events" / "grafana-text.json").read_text())["Records"][0]["Sns"]
    time.sleep(SECONDS_OF_A_STAMP)  # else they could seem to be older than another test's healing
    shop.chaos("fail")
    topic, before = environment.outputs["AlarmTopicArn"], len(deliveries(environment))
    for _ in range(3):
        environment.aws.client("sns").publish(TopicArn=topic, Subject=record["Subject"], Message=record["Message"])

    assert until(lambda: len(deliveries(environment)) == before + 3)
    outcomes = sorted(each["outcome"] for each in deliveries(environment)[before:])
    assert outcomes.count("HEALED") == 1, outcomes
    assert set(outcomes) <= {"HEALED", "JOINED", "ALREADY_HEALTHY"}
    assert sum(shop.report_calls.values()) == 1


@pytest.mark.skipif(not ALERTMANAGER.exists(), reason="Debian's prometheus-alertmanager couldn't be downloaded")
def test_a_real_alertmanager_triggers_the_deployed_function(environment: GameDayEnvironment, tmp_path: Path) -> None:
    held = hold_port()
    topic = {
        "topic_arn": environment.outputs["AlarmTopicArn"],
        "api_url": environment.aws.url,
        "sigv4": {"region": REGION, "access_key": "test", "secret_key": "test"},
    }
    configuration = {
        "route": {"receiver": "topic", "group_wait": "0s"},
        "receivers": [{"name": "topic", "sns_configs": [topic]}],
    }
    (tmp_path / "alertmanager.yml").write_text(json.dumps(configuration))  # JSON is YAML
    words = [
        f"mount --bind {UNPACKED}/usr/share /usr/share && exec {ALERTMANAGER}",
        f"--config.file={tmp_path / 'alertmanager.yml'} --storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{number(held)} --cluster.listen-address=",
    ]
    # It reads its templates from /usr/share: in a mount namespace of its own that is the unpacked one.
    with (tmp_path / "log").open("wb") as log:
        started = subprocess.Popen(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", " ".join(words)],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        assert until(lambda: posted(number(held))), (tmp_path / "log").read_text()
        triggered = until(lambda: any("PizzaOrdersFail firing" in each["alarms"] for each in deliveries(environment)))
        assert triggered, ((tmp_path / "log").read_text(), deliveries(environment))
    finally:
        end(started)
        held.close()


def deliveries(environment: GameDayEnvironment) -> list[dict[str, Any]]:
    return environment.records.deliveries(BEGAN)


def posted(port: int) -> bool:
    """Whether Alertmanager took our alert."""
    alert = [
        {"labels": {"alertname": "PizzaOrdersFail", "severity": "page"}, "annotations": {"summary": "orders fail"}}
    ]
    url = f"http://127.0.0.1:{port}/api/v2/alerts"
    asked = urllib.request.Request(url, json.dumps(alert).encode(), {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(asked, timeout=2).close()  # noqa: S310 - loopback
    except OSError:
        return False
    return True


def test_the_variables_for_sams_local_invoke_are_those_the_template_declares(
    environment: GameDayEnvironment, template: dict[str, Any]
) -> None:
    declared = template["Resources"]["Remediate"]["Properties"]["Environment"]["Variables"]

    given = variables(environment, "host.docker.internal")

    assert set(given) == set(declared)
    assert given["SHOP_URL"].startswith("http://host.docker.internal:")
    assert given["ALLOWED_REPORT_LINKS"].startswith("https://host.docker.internal:")
    assert given["GAME_DAY_AWS"].startswith("http://host.docker.internal:")
    assert not any("127.0.0.1" in value for value in given.values())
