"""The backtest in a browser, and over what the local AWS knows."""

import dataclasses
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from remediator_cli.backtest import page
from remediator_cli.backtest.history import History, incident_of_2025
from remediator_cli.backtest.replay import Backtest, listed, replay
from remediator_cli.backtest.rules import parse_rule
from remediator_cli.main import main
from simulator.local_aws import LocalAws
from tests.support.browser import PHONE, WIDE, everybody_can_read

LONG_NAME = "A-name-that-somebody-gave-an-alarm-" + "and-that-never-ends-" * 6


def quarter_of_minutes() -> History:
    """Ninety days with an outage of two hours, and an order in a thousand that fails by itself."""
    chance, counts = random.Random(3), []
    for minute in range(0, 90 * 1440, 3):
        placed = chance.randint(0, 4)
        outage = 60_000 <= minute < 60_120
        counts.append(
            (60.0 * minute, placed, placed if outage else sum(chance.random() < 0.001 for _ in range(placed)))
        )
    return History(counts, 60, ("ninety days",))


def backtest(history: History) -> Backtest:
    rules, outages = (
        [dataclasses.replace(parse_rule("2 of 6 x 10s, Average >= 0.5"), origin=LONG_NAME), *listed()],
        history.outages(),
    )
    return Backtest(history, outages, [replay(history, each, outages) for each in rules], [(LONG_NAME, "it is long")])


HISTORIES = {
    "incident": incident_of_2025(),
    "quarter": quarter_of_minutes(),
    "healthy": History([(60.0 * at, 1, 0) for at in range(99)], 60, ("all is well",)),
}


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.parametrize(("viewport", "scheme"), [(WIDE, "light"), (WIDE, "dark"), (PHONE, "light"), (PHONE, "dark")])
def test_backtest_can_be_read_by_everybody(open_html: Any, name: str, viewport: dict[str, int], scheme: str) -> None:
    opened = open_html(page.html(backtest(HISTORIES[name])), viewport, scheme, f"backtest-{name}")

    everybody_can_read(opened)
    assert opened.get_by_role("heading", level=1).count() == 1
    assert opened.locator("figure").count() == (2 if name == "quarter" else 1)


def test_each_rule_has_a_row_and_a_drawing_that_says_how_often_it_fires(open_html: Any) -> None:
    done = backtest(HISTORIES["quarter"])
    opened = open_html(page.html(done), WIDE, "light", "rows")

    assert opened.locator(".rules tbody tr").count() == len(done.replays)
    fired = [sum(map(len, (play.firings for play in each.plays))) > 0 for each in done.replays]
    whole = opened.locator("figure").first.locator(".lane svg")
    assert [
        "fires 0 times, 0 of" not in whole.nth(at).get_attribute("aria-label") for at in range(whole.count())
    ] == fired
    assert opened.locator(".proposed th").inner_text().startswith(str(done.proposed and done.proposed.rule))


TEMPLATE = {
    "Parameters": {name: {"Type": "String"} for name in ("AlarmNamespace", "AlarmMetric")},
    "Resources": {"AlarmTopic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"AlarmTopicArn": {"Value": {"Ref": "AlarmTopic"}}},
}


def test_orders_of_the_stacks_own_metric_are_replayed_by_its_own_alarms(aws: LocalAws) -> None:
    metrics, stacks = aws.client("cloudwatch"), aws.client("cloudformation")
    given = {"AlarmNamespace": "Backtest", "AlarmMetric": "OrdersFailed"}
    parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()]
    stacks.create_stack(StackName="backtest", TemplateBody=json.dumps(TEMPLATE), Parameters=parameters)
    (output,) = stacks.describe_stacks(StackName="backtest")["Stacks"][0]["Outputs"]
    at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1)
    for minute, failed in enumerate([0, 0, 1, 1, 1, 0]):
        metrics.put_metric_data(Namespace="Backtest", MetricData=[
            {"MetricName": "OrdersFailed", "Timestamp": at + timedelta(minutes=minute, seconds=each), "Value": failed}
            for each in (1, 31)
        ])  # fmt: skip
    for name, action in (("ours", output["OutputValue"]), ("another", "arn:aws:sns:us-east-1:000000000000:other")):
        metrics.put_metric_alarm(
            AlarmName=name, Namespace="Backtest", MetricName="OrdersFailed", Statistic="Sum", Period=60,
            EvaluationPeriods=3, DatapointsToAlarm=2, Threshold=2, TreatMissingData="notBreaching",
            ComparisonOperator="GreaterThanOrEqualToThreshold", AlarmActions=[action],
        )  # fmt: skip

    done = CliRunner(env=aws.environment()).invoke(main, ["backtest", "--stack", "backtest", "--json"])
    unknown = CliRunner(env=aws.environment()).invoke(main, ["backtest", "--stack", "unknown", "--incident"])

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["history"]["told"][0] == "Backtest/OrdersFailed: 12 orders of the last 14 days, known by 60 s."
    assert [found["history"][name] for name in ("orders", "failed", "step")] == [12, 6, 60]
    rule = found["rules"][0]
    assert [rule[name] for name in ("rule", "from", "seconds")] == ["2 of 3 x 1m, Sum >= 2", "ours", [[120, 120]]]
    assert found["skipped"] == []
    assert unknown.exit_code == 1
