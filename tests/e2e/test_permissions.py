"""What each command asks of AWS, held against the table of docs/security.md, both ways."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import botocore
import pytest
from click.testing import CliRunner

from remediator_cli.main import COMMANDS, main
from simulator.days import BACK, GameDay
from simulator.environment import STACK, GameDayEnvironment
from simulator.local_aws import REGION
from simulator.paths import ROOT
from simulator.shop import Shop

WRITES = {"dynamodb:PutItem", "dynamodb:UpdateItem"}  # DynamoDB developer guide, "Using IAM with DynamoDB transactions"
NEEDED = {
    "lambda:Invoke": {"lambda:InvokeFunction"},
    "dynamodb:TransactWriteItems": WRITES,
    "sqs:ChangeMessageVisibilityBatch": {"sqs:ChangeMessageVisibility"},
}
SOMETIMES = {"secretsmanager:DescribeSecret", "lambda:InvokeFunction"}  # to say why the function can't read or start
OFFLINE = {"diagnose", "link", "alarm", "gameday", "chaos"}
AS_CALLED = {
    "doctor --live": "doctor --live --yes",
    "show": "show 2",
    "report": "report 2",
    "pause": "pause --reason x",
    "resume": "pause --reason x; resume",
    "mode": "mode act --reason x --yes",
    "redrive": "redrive --json; redrive --yes",
    "backtest": "backtest --metric PizzaShop/OrdersFailed",
}
TABLE = dict(re.findall(r"^\| `([^|]+)` \| ([a-z].*|`.*) \|$", (ROOT / "docs/security.md").read_text(), re.MULTILINE))
ROWS = {
    words: set(re.findall(r"`(\w+:\w+)`", needs.replace("those of `doctor`", TABLE["doctor"])))
    for words, needs in TABLE.items()
    if words.split()[0] in COMMANDS
}


@pytest.fixture(scope="module")
def deployed() -> Iterator[GameDayEnvironment]:
    """A stack with an incident, an order in the shop's metric, and a dead letter."""
    with Shop(slow_seconds=0.1) as shop, GameDayEnvironment(shop, GameDay("asked", "", BACK, ())) as made:
        made.deploy()
        shop.chaos("fail")
        assert CliRunner(env=made.aws.environment()).invoke(main, ["heal", "--follow"]).exit_code == 0
        data = [{"MetricName": "OrdersFailed", "Value": 1}]
        made.aws.client("cloudwatch").put_metric_data(Namespace="PizzaShop", MetricData=data)
        letter = json.dumps({"Type": "Notification", "Message": "orders fail"})
        made.aws.client("sqs").send_message(QueueUrl=made.outputs["DeadLetterQueueUrl"], MessageBody=letter)
        yield made


@contextmanager
def asked() -> Iterator[set[str]]:
    """The operations that sessions made meanwhile call."""
    seen: set[str] = set()

    def note(model: Any, **_: Any) -> None:
        seen.add(f"{model.service_model.service_name}:{model.name}")

    def listen(session: Any) -> None:
        session.register("before-call", note)

    botocore.register_initializer(listen)
    yield seen
    botocore.unregister_initializer(listen)


def test_every_command_that_asks_aws_has_a_row() -> None:
    assert {words.split()[0] for words in ROWS} == set(COMMANDS) - OFFLINE


@pytest.mark.parametrize("words", ROWS)
def test_a_command_asks_for_what_its_row_says_and_for_nothing_else(words: str, deployed: GameDayEnvironment) -> None:
    runner = CliRunner(env=deployed.aws.environment())
    with asked() as seen:
        for called in AS_CALLED.get(words, words).split("; "):
            done = runner.invoke(main, [*called.split(), "--stack", STACK, "--region", REGION])
            assert done.exit_code < 2, done.output

    needed = {action for one in seen for action in NEEDED.get(one, {one})} - {"cloudformation:DescribeStacks"}
    assert ROWS[words] - needed <= SOMETIMES
    assert needed <= ROWS[words]
