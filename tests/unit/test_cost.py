"""What AWS bills, from what was counted and what the template makes."""

import pytest

from benchmarks.cost import ALARM, FAST_ALARM, METRICS, CanaryRun, Item, idle_month, incident, total
from benchmarks.stubs import RequestRecord, write_units
from remediator_cli.backtest.replay import PRICES
from simulator.paths import ROOT
from tests.support.alarm_rules import template

RUN = CanaryRun(seconds=0.2, cpu=0.04, logged=3000)


def test_idle_month_stays_below_its_limits_with_the_canary_and_without() -> None:
    assert total(idle_month(template(), None)) <= 1.50
    assert total(idle_month(template(), RUN)) <= 5


def test_every_alarm_that_a_default_deployment_makes_is_billed() -> None:
    alarms = [r for r in template()["Resources"].values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    for canary, left_out in ((RUN, 1), (None, 2)):  # the load balancer's, and the canary's
        billed = sum(item.units for item in idle_month(template(), canary) if "alarms" in item.name)
        assert billed == len(alarms) - left_out


def test_canary_is_billed_by_its_runs_their_seconds_and_their_lines() -> None:
    bill = {item.name: item for item in idle_month(template(), RUN)}

    assert bill["canary: metrics"].units == METRICS == 9
    assert bill["canary: runs"].units == 43_200
    assert bill["canary: GB-seconds"].units == pytest.approx(43_200 * (0.2 + 0.04 * (1769 / 512 - 1)) * 512 / 1024)
    assert bill["canary: GB of log"].units == pytest.approx(0.1296)


def test_incident_is_billed_by_what_it_asked() -> None:
    asked = [
        RequestRecord("aws", "TransactWriteItems", 200, False, 0, 1, units=6),
        RequestRecord("aws", "Publish", 200, False, 1, 2),
    ]

    bill = {item.name: item.units for item in incident(asked, seconds=2.0, memory=512)}

    assert bill["Lambda, the start included: GB-seconds"] == 1.0
    assert bill["DynamoDB: write units"] == 6
    assert bill["SNS: publishes, the alarm's among them"] == 2
    assert total([Item("x", 3, 0.5)]) == 1.5


def test_transaction_is_billed_twice_and_each_begun_kilobyte_counts() -> None:
    small, large = {"Item": {"a": {"S": "x"}}}, {"Item": {"a": {"S": "x" * 1500}}}

    assert write_units("PutItem", small) == 1
    assert write_units("PutItem", large) == 2
    assert write_units("TransactWriteItems", {"TransactItems": [{"Put": small}, {"Put": large}]}) == 6


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("wiring", f"| the shop publishes a metric | ${FAST_ALARM:.2f} for the alarm |"),
        ("wiring", f"| a parameter | ${ALARM:.2f} for the alarm |"),
        ("backtest", f"the alarm (${FAST_ALARM:.2f} below a minute, else ${ALARM:.2f}; us-east-1)"),
    ],
)
def test_an_alarm_has_the_same_price_wherever_it_is_told(page: str, words: str) -> None:
    assert (FAST_ALARM, ALARM) == PRICES
    assert words in (ROOT / f"docs/{page}.md").read_text()
