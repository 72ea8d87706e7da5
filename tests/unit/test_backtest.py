"""`remediator backtest`: histories, what rules do over them, and what is said of it."""

import dataclasses
import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from remediator_cli.backtest import cloudwatch, page
from remediator_cli.backtest.history import BEGAN, History, incident_of_2025, read_csv, read_log
from remediator_cli.backtest.replay import LIST, LISTED, Backtest, listed, replay
from remediator_cli.backtest.rules import Count, parse_rule
from remediator_cli.main import main
from remediator_cli.stack import Stack
from tests.support.fuzz import EXAMPLES, TEXTS, VALUES, objects
from tests.support.work import steps

FIRST = "1 of 6 x 10s, Sum >= 1"
THREE = "3 of 18 x 10s, Average >= 0.5"
NOON = datetime(2025, 4, 8, 12, tzinfo=UTC).timestamp()
NEVER = float("inf")


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def run(*words: str, given: bytes | str | None = None) -> Result:
    return CliRunner().invoke(main, ["backtest", *words], input=given)


def found(*words: str, given: bytes | str | None = None) -> Any:
    done = run(*words, "--json", given=given)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def one(history: History, rule: str) -> Any:
    return replay(history, parse_rule(rule), history.outages())


def points(step: int, *each: tuple[int, int]) -> History:
    return History([(NOON + step * number, *count) for number, count in enumerate(each)], step, ())


# 2025-04-08


def test_built_in_incident_is_155_orders_in_147_minutes_after_an_hour_of_good_ones_and_says_what_is_assumed() -> None:
    history = incident_of_2025()

    assert sum(failed for _, _, failed in history.counts) == 155
    assert history.failures[0][0] == BEGAN
    assert 0 < history.failures[-1][0] - BEGAN < 147 * 60
    assert 3_500 <= BEGAN - history.counts[0][0] <= 3_600
    assert "By assumption they are evenly spaced" in history.told[1]
    assert [outage.failed for outage in history.outages()] == [155]


def test_rule_of_that_evening_fires_after_two_hours_and_the_first_failed_order_after_ten_seconds() -> None:
    shown = {each["rule"]: each for each in found("--incident")["rules"]}

    assert [each["seconds"] for each in shown.values() if each["from"] == "2025-04-08"] == [[[7200, 7200]]]
    assert shown[FIRST]["seconds"] == [[10, 10]]
    assert shown[THREE]["seconds"] == [[120, 120]]
    assert shown["1 of 6 x 10s, Sum >= 2"]["seconds"] == [[None, None]]


def test_without_a_history_and_without_a_stack_the_incident_is_replayed_and_that_is_said() -> None:
    done = run()

    assert done.exit_code == 0
    assert done.output.startswith("The incident of 2025-04-08, built in")
    assert "No stack is reachable" in done.output
    assert f"Proposed: {FIRST}," in done.output


def test_rules_that_are_given_come_first_then_the_stacks_then_those_of_the_list() -> None:
    rules = found("--incident", "--rule", THREE, "--rule", "1 of 1 x 1h, Sum > 3")["rules"]

    assert [each["from"] for each in rules] == ["--rule", "--rule", "2025-04-08", *[LIST] * 12]
    assert [each["rule"] for each in rules[3:]] == list(LISTED)


def test_wrong_rule_and_two_histories_are_wrong_arguments() -> None:
    wrong, two = run("--rule", "3 of 18 x 10s, Averge >= 0.5"), run("--incident", "--csv", "orders.csv")

    assert (wrong.exit_code, two.exit_code) == (2, 2)
    assert {run(option, "").exit_code for option in ("--csv", "--log")} == {2}
    assert "at character 16, 'Averge >= 0.'" in wrong.output
    assert "Name one history" in two.output


# CSV

GOOD_ROWS = [
    ("time,orders,failed\n2025-04-08T12:00:00Z,3,1\n2025-04-08T12:01:00Z,2,0\n", 60.0),
    ("2025-04-08T12:00:00,3,1\n2025-04-08T12:01:00,2,0\n", 60.0),
    (f"Time;Placed;Failures\r\n{NOON:.0f};3;1\r\n{NOON + 60:.0f};2;0\r\n", 60.0),
    (f"failed\ttimestamp\torders\n1\t{NOON * 1000:.0f}\t3\n0\t{(NOON + 60) * 1000:.0f}\t2", 60.0),
    ("time,orders,failed\n2025-04-08 14:00:00+02:00,3,1\n\n2025-04-08T12:01Z,2.0,0\n", 60.0),
    ('"time","orders","failed","note"\n"2025-04-08T12:01:00Z","2","0","a, b"\n2025-04-08T12:00:00Z,3,1,\n', 60.0),
    (f"time,orders,failed\n{NOON + 60},2,0\n{NOON},1,0\n{NOON},2,1\n", 60.0),
    (f"time,orders,failed\n{NOON},3,1\n{NOON + 60},1,0\n{NOON + 60},1,0\n", 60.0),
]


@pytest.mark.parametrize(("text", "step"), GOOD_ROWS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_is_read_whatever_separates_dates_or_orders_it(text: str, step: float, encoding: str) -> None:
    history = read_csv(text.encode(encoding), "orders.csv")

    assert list(history.counts) == [(NOON, 3, 1), (NOON + 60, 2, 0)]
    assert history.step == step


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it holds no order"),
        ("time,orders,failed\n", "it holds no order"),
        ("time,orders,failed\n2025-04-08T12:00:00Z,0,0\n", "it holds no order"),
        ("when,what\n1,2\n", "line 1 has no column `time`"),
        ("time,orders\n1,2\n", "line 1 has no column `failed`"),
        ("time,orders,failed\n1,2,1\nyesterday,2,1\n", "line 3, column time: 'yesterday' is no time"),
        ("time,orders,failed\n\n1,-2,1\n", "line 3, column orders: '-2' is no whole number"),
        ("time,orders,failed\n1,2,\n", "line 2, column failed: '' is no whole number"),
        ("time,orders,failed\n1,2,0.5\n", "line 2, column failed: '0.5' is no whole number"),
        ("time,orders,failed\n1,2,3\n", "line 2, column failed: 3 of 2 orders can't have failed"),
        ("time,orders,failed\n1,2\n", "line 2, column failed: there is none"),
        ("1,2,1\n2,\u0665,1\n", "line 2, column orders: "),
        ('time,orders,failed\n"1\n', "line 2, column orders: there is none"),
        ("time,orders,failed\n9999999999999999999999,1,0\n", "line 2, column time: "),
        ("time,orders,failed\n" + "1" * 200_000 + ",1,0\n", "it is no CSV: field larger"),
    ],
)
def test_wrong_csv_is_refused_with_its_line_and_column(text: str, told: str) -> None:
    done = run("--csv", "-", given=text)

    assert done.exit_code == 2
    assert f"-: {told}" in done.output.replace("\n", " ")


def test_how_finely_a_csv_is_known_is_read_off_its_times() -> None:
    def step(counts: list[Count]) -> float:
        return read_csv("\n".join(",".join(map(str, count)) for count in counts).encode(), "x").step

    assert step([(NOON + 10 * each, 2, 0) for each in (0, 2, 7)]) == 10
    assert step([(NOON + 300 * each, 2, 0) for each in (0, 5, 9)]) == 300
    assert step([(NOON + 7 + 15 * each, 2, 0) for each in range(4)]) == 15  # off the minute, as a scrape may be
    assert step([(NOON + 57 * each, 1, 0) for each in range(4)]) == 0  # single orders
    assert step([(NOON, 5, 1)]) == step([(0, 5, 1), (NOON + 1, 5, 1)]) == 3600


def test_gap_is_said_and_no_order_is_taken_to_have_come_in_it() -> None:
    rows = [(NOON + 60 * each, 2, 2 * (each % 500 == 0)) for each in range(1_000) if not 300 < each < 480]
    history = read_csv("\n".join(",".join(map(str, row)) for row in rows).encode(), "x")

    assert history.told[-1].startswith("1 gaps, the longest 2 h 59 min from 2025-04-08 17:01:00 on")
    assert one(history, "2 of 2 x 1m, Sum >= 1").fired == (0, 0)


# The shop's log

LINE = {"method": "POST", "path": "/api/order", "statusCode": 200, "resBody": '{"order":{},"jwt":"x"}'}
LINK = "https://pizza-factory.cs329.click/api/support/0123456789abcdef/report/fedcba9876543210"
LINES = [
    LINE,
    LINE | {"statusCode": 500, "resBody": '{"message":"Failed to fulfill order at factory"}'},
    LINE | {"resBody": json.dumps({"order": {}, "followLinkToEndChaos": LINK})},
    LINE | {"method": "GET", "statusCode": 500},
    LINE | {"path": "/api/auth", "statusCode": 500},
    LINE | {"statusCode": 400, "resBody": '{"message":"bad"}'},
]
WRITTEN = [json.dumps(line) for line in LINES]
TIMES = [datetime.fromtimestamp(NOON + 7 * each, UTC) for each in range(len(LINES))]
NANOSECONDS = [f"{int(at.timestamp())}000000000" for at in TIMES]
LOGS = {
    "its own time": [json.dumps(line | {"time": at.isoformat()}) for line, at in zip(LINES, TIMES, strict=True)],
    "Docker": [json.dumps({"log": line, "time": at.isoformat()}) for line, at in zip(WRITTEN, TIMES, strict=True)],
    "logcli": [f"{at.isoformat()} {{type=http}} {line}" for line, at in zip(WRITTEN, TIMES, strict=True)],
    "logcli, jsonl": [
        json.dumps({"labels": {}, "line": line, "timestamp": at.isoformat()})
        for line, at in zip(WRITTEN, TIMES, strict=True)
    ],
    "a text with blanks": [f"{at:%Y-%m-%d %H:%M:%S} {line}" for line, at in zip(WRITTEN, TIMES, strict=True)],
    "Loki": [json.dumps({"data": {"result": [{"stream": {}, "values": [*zip(NANOSECONDS, WRITTEN, strict=True)]}]}})],
    "Grafana": [
        json.dumps([{"line": line, "timestamp": at} for line, at in zip(WRITTEN, NANOSECONDS, strict=True)], indent=1)
    ],
}


@pytest.mark.parametrize("form", LOGS)
def test_log_is_read_in_each_form_and_an_order_failed_by_its_status_or_by_a_link(form: str) -> None:
    history = read_log("\n".join(LOGS[form]).encode(), "shop.log")

    assert list(history.counts) == [(NOON, 1, 0), (NOON + 7, 1, 1), (NOON + 14, 1, 1), (NOON + 35, 1, 0)]
    assert history.step == 0


def test_log_without_an_order_or_without_a_time_is_refused_in_a_sentence() -> None:
    empty, timeless = run("--log", "-", given="nothing\n"), run("--log", "-", given="\n".join(WRITTEN))

    assert (empty.exit_code, timeless.exit_code) == (2, 2)
    assert "it holds no order" in empty.output
    assert "4 orders are in it, none with a time" in timeless.output
    assert "3 more have no time" in read_log("\n".join([LOGS["Docker"][0], *WRITTEN[1:]]).encode(), "x").told[1]


# What rules do


def test_firing_is_for_nothing_if_no_order_fails_in_the_two_minutes_after() -> None:
    def idle(*failures: float) -> tuple[float, float]:
        history = History([(NOON + at, 1, 1) for at in failures], 0, ())
        done = one(history, FIRST)
        return done.fired[0], done.idle[0]

    assert idle(0) == (1, 1)
    assert idle(0, 130) == (2, 1)  # fires at 10: 120 s later one fails
    assert idle(0, 131) == (2, 2)
    assert idle(0, 30) == (1, 0)


def test_outage_is_three_failed_orders_each_within_two_minutes_of_the_one_before() -> None:
    history = History([(NOON + at, 1, 1) for at in (0, 120, 240, 1_000, 1_100, 2_000, 2_121, 2_242)], 0, ())

    assert [(each.first - NOON, each.last - NOON, each.failed) for each in history.outages()] == [(0, 240, 3)]


def test_rule_that_fires_after_an_outage_or_not_at_all_has_not_noticed_it() -> None:
    history = History([(NOON + at, 1, 1) for at in (0, 20, 40)], 0, ())

    assert one(history, THREE).delays == [(50, 50)]
    assert one(history, "4 of 18 x 10s, Sum >= 1").delays == [(NEVER, NEVER)]
    assert one(history, "1 of 1 x 1h, Sum >= 1").delays == [(3600, 3600)]


def test_rule_as_coarse_as_the_history_has_one_figure_and_a_finer_one_a_range() -> None:
    history = points(60, (6, 0), (6, 1), (6, 6), (6, 6), (6, 0))

    coarse, fine = one(history, "1 of 1 x 1m, Sum >= 1"), one(history, THREE)
    assert coarse.exact
    assert coarse.delays == [(60, 60)]
    assert not fine.exact
    assert fine.delays == [(20, 80)]  # failed at 0, 60, 70 s; or at 50, 60, 70 s: each in ten seconds from then on
    assert all(isinstance(end, float | int) for end in fine.idle)


@pytest.mark.parametrize("seed", range(20))
def test_what_happened_lies_within_the_range_that_its_minutes_give(seed: int) -> None:
    """Orders that fail in a row within each minute, first or last: the two ends that the range is made of."""
    chance = random.Random(seed)
    minutes = [(each, 6, chance.choice([0, 0, 0, 6, 1, 2])) for each in range(200)]
    begins = chance.random() < 0.5
    orders = [
        (NOON + 60 * minute + 10 * place + 5, 1, int((place if begins else placed - 1 - place) < failed))
        for minute, placed, failed in minutes
        for place in range(placed)
    ]
    history = points(60, *((placed, failed) for _, placed, failed in minutes))

    for rule in (FIRST, THREE, "2 of 6 x 10s, Sum >= 1"):
        least, most = one(history, rule).fired
        assert least <= one(History(orders, 0, ()), rule).fired[0] <= most


def test_false_triggers_and_their_orders_are_told_by_the_month() -> None:
    history = History([(NOON + 86_400 * day, 1, int(day % 3 == 0)) for day in range(16)], 0, ())

    done = one(history, FIRST)
    assert done.idle == (6, 6)
    assert done.idle_a_month == (12, 12)
    assert page.plain(Backtest(history, [], [done]))["rules"][0]["orders_a_month"] == (24, 24)
    assert one(History([(NOON, 1, 1)], 0, ()), FIRST).idle_a_month == (30, 30)


def test_quickest_rule_below_five_false_triggers_a_month_is_proposed() -> None:
    outage = [(NOON + 86_400 * 20 + 12 * each, 1, 1) for each in range(100)]
    single = [(NOON + 86_400 * day, 1, 1) for day in range(5)]

    def proposed(counts: list[Count]) -> str:
        history = History([*counts, (NOON + 86_400 * 30, 1, 0)], 0, ())
        done = Backtest(history, history.outages(), [replay(history, each, history.outages()) for each in listed()])
        return str(done.proposed.rule) if done.proposed else ""

    assert proposed([*single[:4], *outage]) == FIRST
    assert proposed([*single, *outage]) == "2 of 6 x 10s, Sum >= 1"
    assert proposed(single[:4]) == "", "there is no outage to judge by"


def test_month_of_a_hundred_thousand_orders_and_a_year_of_minutes_take_work_that_grows_with_them_alone() -> None:
    def work(orders: int) -> int:
        chance = random.Random(7)
        text = "".join(f"{NOON + 26 * each},1,{int(chance.random() < 0.01)}\n" for each in range(orders)).encode()
        return steps(lambda: [replay(history := read_csv(text, "x"), each, history.outages()) for each in listed()])

    assert work(4_000) / work(500) < 9


# CloudWatch


class FakeAws:
    """Answers like CloudWatch, in pages."""

    def __init__(self, **pages: list[dict[str, Any]]) -> None:
        self.pages, self.asked = pages, dict[str, Any]()

    def client(self, *_: object, **__: object) -> "FakeAws":
        return self

    def get_paginator(self, name: str) -> Any:
        self.name = name
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.asked[self.name] = asked
        yield from self.pages[self.name]


def stack(**pages: list[dict[str, Any]]) -> Stack:
    parameters = {"AlarmNamespace": "PizzaShop", "AlarmMetric": "OrdersFailed"}
    return Stack("pizza", FakeAws(**pages), {"AlarmTopicArn": "arn:topic"}, parameters)


def series(name: str, *values: float) -> dict[str, Any]:
    times = [datetime.fromtimestamp(NOON + 60 * each, UTC) for each in range(len(values))]
    return {"Id": name, "Timestamps": times, "Values": list(values)}


def test_metric_is_read_in_pages_as_finely_as_cloudwatch_keeps_all_of_it() -> None:
    aws = stack(get_metric_data=[
        {"MetricDataResults": [series("sum", 0.0, 2.0), series("samplecount", 1.0)]},
        {"MetricDataResults": [series("samplecount", 1.0, 3.0)]},
    ])  # fmt: skip

    history = cloudwatch.read_metric(aws, "Shop/Orders/Failed", 14)

    assert list(history.counts) == [(NOON, 1, 0), (NOON + 60, 3, 2)]
    assert history.step == 60
    queries = aws.session.asked["get_metric_data"]["MetricDataQueries"]
    assert queries[0]["MetricStat"]["Metric"] == {"Namespace": "Shop/Orders", "MetricName": "Failed"}


@pytest.mark.parametrize(("days", "period"), [(0.1, 10), (0.2, 60), (15, 60), (16, 300), (64, 3600), (455, 3600)])
def test_period_of_the_metric_is_the_finest_that_is_kept_for_so_long(days: float, period: int) -> None:
    aws = stack(get_metric_data=[{"MetricDataResults": [series("sum", 0), series("samplecount", 1)]}])

    assert cloudwatch.read_metric(aws, "PizzaShop/OrdersFailed", days).step == period


@pytest.mark.parametrize(
    ("results", "told"),
    [
        ([], "knows no order of the last 14 days"),
        ([series("sum", 5), series("samplecount", 2)], "doesn't count orders"),
    ],
)
def test_metric_without_orders_or_of_something_else_is_said_in_a_sentence(results: list[Any], told: str) -> None:
    with pytest.raises(Exception, match=told):
        cloudwatch.read_metric(stack(get_metric_data=[{"MetricDataResults": results}]), "PizzaShop/OrdersFailed", 14)


ALARM = {
    "AlarmName": "OrdersFailing", "Namespace": "PizzaShop", "MetricName": "OrdersFailed", "Statistic": "Sum",
    "Period": 10, "EvaluationPeriods": 6, "DatapointsToAlarm": 1, "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching",
    "AlarmActions": ["arn:topic"],
}  # fmt: skip

ELSEWHERE = ALARM | {"AlarmName": "elsewhere", "AlarmActions": ["arn:topic-of-others"]}
COMPOSITE = {"AlarmName": "both", "AlarmRule": "ALARM(a) AND ALARM(b)", "AlarmActions": ["arn:topic"]}


def test_alarms_that_trigger_the_stack_are_rules_and_what_cannot_be_evaluated_is_named() -> None:
    others: dict[str, dict[str, Any]] = {
        "it is on metric math": {"Metrics": [{}]},
        "its metric has dimensions": {"Dimensions": [{"Name": "a", "Value": "b"}]},
        "it is on another metric, AWS/SQS/OrdersFailed": {"Namespace": "AWS/SQS"},
        "it compares p99 by GreaterThanThreshold": {
            "Statistic": None, "ExtendedStatistic": "p99", "ComparisonOperator": "GreaterThanThreshold",
        },
        "it compares Sum by GreaterThanUpperThreshold": {"ComparisonOperator": "GreaterThanUpperThreshold"},
    }  # fmt: skip
    aws = stack(describe_alarms=[
        {"MetricAlarms": [ALARM, ELSEWHERE, *(ALARM | {"AlarmName": each} | more for each, more in others.items())]},
        {"MetricAlarms": [], "CompositeAlarms": [COMPOSITE]},
    ])  # fmt: skip

    rules, skipped = cloudwatch.read_alarms(aws, "PizzaShop/OrdersFailed")

    assert [(str(each), each.origin) for each in rules] == [(FIRST, "OrdersFailing")]
    assert skipped == [*((each, each) for each in others), ("both", "it is composed of others")]
    shown = "\n".join(page.conclusions(Backtest(incident_of_2025(), [], [], skipped)))
    assert "Skipped, both: it is composed of others." in shown


def test_alarm_that_says_less_is_read_by_cloudwatchs_defaults() -> None:
    told = {name: value for name, value in ALARM.items() if name not in ("DatapointsToAlarm", "TreatMissingData")}

    assert str(cloudwatch.read_alarm(told, "PizzaShop/OrdersFailed")) == "6 of 6 x 10s, Sum >= 1, missing missing"


# What is printed


def test_table_has_a_cell_in_each_column_of_each_rule() -> None:
    for history in (incident_of_2025(), points(60, (6, 0), (6, 6)), points(60, (6, 0))):
        outages = history.outages()
        done = Backtest(history, outages, [replay(history, each, outages) for each in listed()])

        assert {len(row) for row in page.rows(done)} == {len(page.COLUMNS)}


def test_json_has_two_ends_to_each_figure_and_the_firings_of_each_play() -> None:
    text = "".join(f"{NOON + 60 * each:.0f},6,{6 * (5 < each < 9)}\n" for each in range(20))

    shown = found("--csv", "-", "--rule", THREE, given=text)

    assert shown["history"]["outages"] == [
        {"from": "2025-04-08T12:06:00.000Z", "to": "2025-04-08T12:09:00.000Z", "failed": 18}
    ]
    (rule, *_) = shown["rules"]
    assert not rule["exact"]
    assert rule["seconds"] == [[20, 30]]
    assert len(rule["firings"]) == 2
    assert rule["firings"][0] == [{"at": "2025-04-08T12:06:30.000Z", "for_nothing": False}]
    assert shown["proposed"] in LISTED


def test_html_is_written_and_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    file = tmp_path / "backtest.html"
    wrong = run("--incident", "--html", str(tmp_path / "none" / "backtest.html"))

    assert run("--incident", "--html", str(file)).exit_code == 0
    assert "<script" not in file.read_text()
    assert wrong.exit_code == 2
    assert "can't be written" in wrong.output


# Whatever is in a file


def replayed(read: Callable[[bytes, str], History], content: bytes) -> None:
    """Read, replay and write everything, unless it is refused."""
    with suppress(ValueError):
        history = read(content, "x")
        outages = history.outages()
        done = Backtest(history, outages, [replay(history, each, outages) for each in listed()])
        json.dumps(page.plain(done))
        assert page.html(done)
        assert list(page.rows(done))


NUMBERS = st.integers(0, 3).map(str) | TEXTS
ROWS = st.lists(
    st.lists(st.sampled_from(["1", "60", "2025-04-08", "time", "orders"]) | NUMBERS, max_size=4), max_size=6
)
SENSIBLE = st.lists(
    st.tuples(st.sampled_from(["0", "10", "60", "4102444799", "2025-04-08"]), *[st.integers(0, 3).map(str)] * 2)
)


@EXAMPLES
@given(st.binary() | (ROWS | SENSIBLE).map(lambda rows: "\n".join(map(",".join, rows)).encode("utf-8", "replace")))
def test_any_csv_is_replayed_or_refused_in_a_sentence(content: bytes) -> None:
    replayed(read_csv, content)


@EXAMPLES
@given(st.lists(objects("time", "timestamp").map(lambda more: LINE | more) | VALUES, max_size=4))
def test_any_log_is_replayed_or_refused_in_a_sentence(values: list[object]) -> None:
    replayed(read_log, "\n".join(map(json.dumps, values)).encode("utf-8", "replace"))


def test_history_of_hostile_words_shows_none_of_them_as_they_are(tmp_path: Path) -> None:
    name = "<b>\x1b[2J" + LINK
    history = History([(NOON, 1, 1)], 0, (f"{name}: 1 orders",))
    shown = page.html(
        Backtest(
            history, [], [replay(history, dataclasses.replace(parse_rule(FIRST), origin=name), [])], [(name, name)]
        )
    )

    assert "<b>" not in shown
    assert "\x1b" not in shown


def test_days_are_bounded() -> None:
    assert {run("--incident", "--days", days).exit_code for days in ("0", "456", "nan", "many")} == {2}
