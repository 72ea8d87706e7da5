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

from console.gameday.days import DAYS
from console.gameday.local import variables
from console.gameday.local_aws import REGION, end, hold_port, number
from console.gameday.play import SECONDS_OF_A_STAMP
from console.gameday.scene import Scene
from console.gameday.shop import Shop
from console.places import ROOT, TOOLS

UNPACKED = TOOLS / "alertmanager"
BEGAN = datetime.now(UTC)
ALERTMANAGER = UNPACKED / "usr" / "bin" / "prometheus-alertmanager"


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with Shop() as running:
        yield running


@pytest.fixture(scope="module")
def scene(shop: Shop) -> Iterator[Scene]:
    with Scene(shop, DAYS["fail"]) as standing:
        standing.deploy()
        yield standing


def until(condition: Callable[[], bool], seconds: float = 300.0) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if condition():
            return True
        time.sleep(0.2)
    return False


def test_three_copies_of_grafanas_text_make_one_report_call(scene: Scene, shop: Shop) -> None:
    record = json.loads((ROOT / "events" / "grafana-text.json").read_text())["Records"][0]["Sns"]
    time.sleep(SECONDS_OF_A_STAMP)  # else they could seem to be from before another test's healing
    shop.chaos("fail")
    topic, before = scene.outputs["AlarmTopicArn"], len(events(scene))
    for _ in range(3):
        scene.aws.client("sns").publish(TopicArn=topic, Subject=record["Subject"], Message=record["Message"])

    assert until(lambda: len(events(scene)) == before + 3)
    outcomes = sorted(event["outcome"] for event in events(scene)[before:])
    assert outcomes.count("HEALED") == 1, outcomes
    assert set(outcomes) <= {"HEALED", "JOINED", "ALREADY_HEALTHY"}
    assert sum(shop.report_calls.values()) == 1


@pytest.mark.skipif(not ALERTMANAGER.exists(), reason="Alertmanager is a Debian package, and this is no Debian")
def test_real_alertmanager_wakes_the_deployed_function(scene: Scene, tmp_path: Path) -> None:
    held = hold_port()
    topic = {
        "topic_arn": scene.outputs["AlarmTopicArn"],
        "api_url": scene.aws.url,
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
        woken = until(lambda: any("PizzaOrdersFail firing" in event["alarms"] for event in events(scene)))
        assert woken, ((tmp_path / "log").read_text(), events(scene))
    finally:
        end(started)
        held.close()


def events(scene: Scene) -> list[dict[str, Any]]:
    return scene.records.events(BEGAN)


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


def test_variables_for_sams_local_invoke_are_those_the_template_declares(
    scene: Scene, template: dict[str, Any]
) -> None:
    declared = template["Resources"]["Remediate"]["Properties"]["Environment"]["Variables"]

    given = variables(scene, "host.docker.internal")

    assert set(given) == set(declared)
    assert given["SHOP_URL"].startswith("http://host.docker.internal:")
    assert given["ALLOWED_REPORT_HOSTS"].startswith("host.docker.internal:")
    assert given["GAME_DAY_AWS"].startswith("http://host.docker.internal:")
    assert not any("127.0.0.1" in value for value in given.values())
