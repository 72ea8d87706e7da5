"""CloudWatch's evaluation by its user guide's tables, and how a rule is written."""

import random

import pytest

from remediator_cli.backtest.rules import (
    ALARM,
    BREACHING,
    COMPARISONS,
    IGNORE,
    INSUFFICIENT,
    MISSING,
    NOT_BREACHING,
    OK,
    STATISTICS,
    AlarmRule,
    Count,
    parse_rule,
)
from tests.support.alarm_rules import CloudWatchAlarm

POINTS = {"0": 0.0, "X": 1.0, ".": None}
TREATMENTS = (MISSING, IGNORE, BREACHING, NOT_BREACHING)
BEFORE = "as before"
# "How alarm state is evaluated when data is missing", its two tables: 3 of 3, then 2 of 3; five periods are in reach.
# Below each, the examples in words of "Avoiding premature transitions to alarm state". "." is a missing point.
TABLES = [
    (3, "0.X.X", (OK, OK, OK, OK)),
    (3, "0....", (OK, OK, OK, OK)),
    (3, ".....", (INSUFFICIENT, BEFORE, ALARM, OK)),
    (3, "0XX.X", (ALARM, ALARM, ALARM, ALARM)),
    (3, "..X..", (ALARM, BEFORE, ALARM, OK)),
    (3, "....X", (INSUFFICIENT, BEFORE, ALARM, OK)),
    (3, "...X.", (INSUFFICIENT, BEFORE, ALARM, OK)),
    (3, "...X0", (OK, OK, OK, OK)),
    (3, "..X.0", (OK, OK, OK, OK)),
    (2, "0.X.X", (ALARM, ALARM, ALARM, ALARM)),
    (2, "00X0X", (ALARM, ALARM, ALARM, ALARM)),
    (2, "0.X..", (OK, OK, ALARM, OK)),
    (2, "....0", (OK, OK, ALARM, OK)),
    (2, "...X.", (ALARM, BEFORE, ALARM, OK)),
]


@pytest.mark.parametrize("before", [OK, ALARM, INSUFFICIENT])
@pytest.mark.parametrize(("m", "points", "states"), TABLES)
def test_state_is_as_in_the_user_guides_tables(m: int, points: str, states: tuple[str, ...], before: str) -> None:
    values = [POINTS[point] for point in points]

    found = [CloudWatchAlarm(300, 3, m, 0.5, 5, missing=each).state(values, before) for each in TREATMENTS]

    assert found == [before if state == BEFORE else state for state in states]


def random_history(seed: int) -> tuple[CloudWatchAlarm, list[Count]]:
    chance = random.Random(seed)
    n = chance.randint(1, 6)
    rule = CloudWatchAlarm(
        10, n, chance.randint(1, n), chance.choice([0.5, 1, 0]), n + chance.choice([0, 2, 7]),
        chance.choice([*STATISTICS]), chance.choice([*COMPARISONS]), chance.choice(TREATMENTS),
    )  # fmt: skip
    at, counts = 1_000.0, []
    for _ in range(60):
        at += chance.choice([0, 3, 10, 10, 20, 100])
        placed = chance.randint(0, 2)
        counts.append((at, placed, chance.randint(0, placed)))
    return rule, counts


def fired_by_each_period(rule: CloudWatchAlarm, counts: list[Count]) -> list[float]:
    """The firings by the rule's own definition: the state after every period from the first data point on."""
    periods: dict[int, list[tuple[int, int]]] = {}
    for at, placed, failed in counts:
        periods.setdefault(int(at // rule.period), []).append((placed, failed))
    points = {
        index: STATISTICS[rule.statistic](*map(sum, zip(*each, strict=True)))
        for index, each in periods.items()
        if any(placed for placed, _ in each)
    }
    found, state = [], OK
    for now in range(min(points), max(periods) + 1):
        window = [points.get(index) for index in range(max(min(points), now - rule.reach + 1), now + 1)]
        new = rule.state(window, state)
        found += [(now + 1.0) * rule.period] if new == ALARM != state else []
        state = new
    return found


def test_firings_are_those_of_a_state_judged_after_every_period() -> None:
    histories = [random_history(seed) for seed in range(1_500)]

    fired = [rule.firings(counts) for rule, counts in histories]

    assert fired == [fired_by_each_period(rule, counts) for rule, counts in histories]
    assert sum(map(len, fired)) > 1_500  # it isn't that nothing fires


def test_rule_over_no_order_never_fires() -> None:
    assert AlarmRule(10, 3, 3, 0.5, 3, missing=BREACHING).firings([]) == []
    assert AlarmRule(10, 3, 3, 0.5, 3, missing=BREACHING).firings([(0.0, 0, 0), (500.0, 0, 0)]) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("3 of 18 x 10s, Average >= 0.5", AlarmRule(10, 18, 3, 0.5, 18)),
        (" 1 OF 6×10 s ,sum>=1 ", AlarmRule(10, 6, 1, 1, 6, "Sum")),  # noqa: RUF001 - people write it
        ("2 of 3 x 1m, Maximum > 0", AlarmRule(60, 3, 2, 0, 3, "Maximum", ">")),
        ("1 of 1 x 5min, SampleCount<2, missing breaching", AlarmRule(300, 1, 1, 2, 1, "SampleCount", "<", BREACHING)),
        ("24 of 24 x 1h, Minimum <= 0.25 , Missing NOTBREACHING", AlarmRule(3600, 24, 24, 0.25, 24, "Minimum", "<=")),
    ],
)  # fmt: skip
def test_rule_is_read_as_it_is_written_and_written_as_it_is_read(text: str, rule: AlarmRule) -> None:
    assert parse_rule(text) == rule
    assert parse_rule(str(rule)) == rule


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "at its end: how many periods must breach"),
        ("three of 18 x 10s, Sum >= 1", "at character 1, 'three of 18 '"),
        ("0 of 1 x 10s, Sum >= 1", "at character 1, "),
        ("3 out of 18 x 10s, Sum >= 1", "at character 3, 'out of 18 x ': `of` is expected"),
        ("3 of 18 * 10s, Sum >= 1", "at character 9, '* 10s, Sum >': `x` is expected"),
        ("3 of 18 x 10, Sum >= 1", "at character 11, '10, Sum >= 1': the length of a period"),
        ("3 of 18 x 10 sec, Sum >= 1", "at character 11, "),
        ("3 of 18 x 10s Sum >= 1", "at character 15, 'Sum >= 1': a comma"),
        ("3 of 18 x 10s, p99 >= 1", "at character 16, 'p99 >= 1': one of Average, Sum"),
        ("3 of 18 x 10s, Sum = 1", "at character 20, '= 1': one of >=, >, <=, <"),
        ("3 of 18 x 10s, Sum >= -1", "at character 23, '-1': the threshold"),
        ("3 of 18 x 10s, Sum >= 1.2.3", "at character 23, "),
        ("3 of 18 x 10s, Sum >=", "at its end: the threshold"),
        ("3 of 18 x 10s, Sum >= 1 or so", "at character 25, 'or so': the end, or"),
        ("3 of 18 x 10s, Sum >= 1, missing data", "at character 24, "),
        ("4 of 3 x 10s, Sum >= 1", "at character 1, '4 of 3 x 10s': 4 of 3 periods can't breach"),
        ("1 of 1 x 15s, Sum >= 1", "at character 10, '15s, Sum >= ': CloudWatch knows periods of 10"),
        ("1 of 9999 x 1m, Sum >= 1", "at character 6, '9999 x 1m, S': CloudWatch looks back for a day"),
        ("1 of 169 x 1h, Sum >= 1", "at character 6, "),
    ],
)
def test_wrong_rule_is_refused_at_the_character_where_it_is_wrong(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"^at ") as refused:
        parse_rule(text)

    assert str(refused.value).startswith(told)
