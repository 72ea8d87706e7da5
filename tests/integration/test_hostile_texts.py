"""Text given to an interpreter: whatever strangers wrote into the records, each command prints it as words."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from remediator import decisions, overrides
from remediator.adapters.dynamodb import DynamoStore
from remediator.outcome import DeliveryRecord, Outcome
from remediator.outcome import Result as Ended
from remediator.report_link import fingerprint
from remediator.state import Change, State
from remediator_cli import stack as stacks
from remediator_cli.doctor.command import line
from remediator_cli.doctor.target import Answer
from remediator_cli.main import main
from remediator_cli.redrive import QUEUES
from remediator_cli.stack import Stack
from remediator_cli.terminal import stdout_console
from simulator.local_aws import REGION, LocalAws
from tests.support.builders import BEGAN, KEY, LATER, LINK, RUN, create_table, finish, intend, trigger

TABLE = "hostile"
WORDS = "orders of [/shop] failing [link=https://x.example]y[/link] [bold]:pizza: @team"
HOSTILE = f"{WORDS} \x1b[2J\x9b31m\x07\x00\u202egnp\u2066\u200f\r\n\x85\u2028# HEALED: <b>all|good</b> {LINK}"
# What a text may not do to a terminal, of what rich and we don't print ourselves.
ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
COMMANDS = ["incidents", "incidents --stats", "show 2", "show 2 --follow", "report 2", "status", "verify", "redrive"]


@pytest.fixture(scope="module")
def stack(aws: LocalAws) -> Stack:
    """A stack with a healed incident, a pause and a letter of each kind, every text of which is hostile."""
    create_table(aws.client("dynamodb"), TABLE)
    urls = {name: aws.client("sqs").create_queue(QueueName=f"hostile-{name}")["QueueUrl"] for name in QUEUES}
    topic = aws.client("sns").create_topic(Name="hostile")["TopicArn"]
    _fill(DynamoStore(aws.client("dynamodb"), TABLE, "hostile", timedelta(days=4000)))
    failed = {"requestContext": {"condition": HOSTILE}, "requestPayload": 1}
    letters = ({"Subject": HOSTILE, "Message": HOSTILE}, failed)
    for (queue, url), letter in zip(urls.items(), letters, strict=True):
        aws.client("sqs").purge_queue(QueueUrl=url)
        aws.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(letter), MessageGroupId=queue)
    session = boto3.Session("test", "test", region_name=REGION)
    outputs = {**urls, "TableName": TABLE, "AlarmTopicArn": topic}
    return Stack("hostile", session, outputs, {"AlarmNamespace": HOSTILE, "AlarmMetric": "x"}, aws.url)


def _fill(store: DynamoStore) -> None:
    def write(decided: object) -> State:
        assert isinstance(decided, Change)
        written = store.commit(store.state(), decided)
        assert written
        return written

    by = replace(trigger(), alarm=HOSTILE, reason=HOSTILE)
    state = write(decisions.claim(State(), by, BEGAN, BEGAN + timedelta(seconds=125)))
    state = write(intend(state, HOSTILE))
    says = {"says": HOSTILE, "status": 200, "fault": HOSTILE}
    state = write(decisions.record_answer(state, RUN, LATER, says))
    state = write(overrides.pause(state, LATER, HOSTILE, HOSTILE, None))
    state = write(finish(state))
    incident = store.state().last_healed
    store.record(DeliveryRecord(BEGAN, HOSTILE, "trigger", (HOSTILE,), Ended(Outcome.HEALED, HOSTILE, incident)))


@pytest.fixture
def run(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setattr(stacks, "find", lambda *_: stack)
    return lambda *words, **options: CliRunner().invoke(main, words, **options)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_prints_what_strangers_wrote_and_nothing_of_it_acts(
    run: Callable[..., Result], command: str
) -> None:
    done = run(*command.split(), input="n\n")

    assert done.exit_code == 0, done.output
    assert not ACTING.findall(done.output)
    assert "\nHEALED" not in done.output
    assert LINK not in done.output
    if command not in ("incidents --stats", "verify"):
        assert WORDS in done.output


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_prints_it_as_json_in_ascii(run: Callable[..., Result], command: str) -> None:
    done = run(*command.split(), "--json")

    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines() if "--follow" in command else [done.stdout]
    assert all(isinstance(json.loads(each), dict) for each in lines)
    assert done.stdout.isascii()
    assert "\x7f" not in done.stdout
    assert LINK not in done.stdout


def test_terminal_of_another_encoding_gets_signs_in_place_of_what_it_lacks(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "find", lambda *_: stack)

    done = CliRunner(charset="ascii").invoke(main, ["show", "2"])

    assert done.exit_code == 0, done.output
    assert WORDS in done.output


def test_reports_files_hold_nothing_that_acts(run: Callable[..., Result], tmp_path: Path) -> None:
    files = [tmp_path / "report.md", tmp_path / "report.html"]

    assert run("report", "2", "--markdown", str(files[0]), "--html", str(files[1])).exit_code == 0

    for file in files:
        assert not ACTING.findall(file.read_text(encoding="utf-8"))


def test_doctors_line_is_words(capsys: pytest.CaptureFixture[str]) -> None:
    stdout_console().print(line("alarm", Answer("broken", HOSTILE, HOSTILE)))

    printed = capsys.readouterr().out
    assert printed.count(WORDS) == 2
    assert len(printed.splitlines()) == 1
    assert not ACTING.findall(printed)


def test_question_of_redrive_comes_after_nothing_that_acts(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("redrive", "terminal"):
        monkeypatch.setattr(f"remediator_cli.{module}.has_person", lambda: True)
    before, asked, _ = run("redrive", input="n\n").output.partition("send 1 again?")

    assert asked
    assert not ACTING.findall(before)


def test_timeline_takes_lists_and_objects_where_a_text_is_expected(run: Callable[..., Result], stack: Stack) -> None:
    store = DynamoStore(stack.client("dynamodb"), TABLE, "hostile", timedelta(days=4000))
    seen = store.state()
    strange: Any = {"alarm": [HOSTILE, {}], "why": {"a": [HOSTILE]}, "run": "r", "holder": "h", "sent": "s"}
    assert store.commit(seen, Change(seen).with_entry(None, LATER, "claimed", strange))

    assert run("show", "2").exit_code == 0
    assert run("verify").exit_code == 0


@pytest.mark.parametrize("words", ["pause", "mode observe", "mode act --yes"])
def test_what_a_person_types_is_masked_before_it_is_kept(run: Callable[..., Result], stack: Stack, words: str) -> None:
    assert run(*words.split(), "--reason", f"the vendor asks not to call {LINK}\x1b[2J").exit_code == 0

    kept = repr((stack.records.state(), stack.records.log()[-1]))
    assert f"not to call <link factory.test {fingerprint(LINK)}>" in kept
    assert KEY not in kept
    assert not ACTING.findall(kept)
