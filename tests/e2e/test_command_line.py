"""The command line as a person has it: in a terminal narrow and wide, in a pipe, interrupted."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from remediator_cli.main import COMMANDS
from remediator_cli.waiting import poll
from simulator.days import BACK, GameDay
from simulator.environment import STACK, GameDayEnvironment
from simulator.local_aws import REGION
from simulator.paths import ROOT
from simulator.play import SECONDS_OF_A_STAMP
from simulator.shop import Shop
from tests.e2e.conftest import REMEDIATOR, run
from tests.support.builders import LINK
from tests.support.shapes import differences, examples

WHERE = ["--region", REGION, "--stack", STACK]
ESCAPE = "\x1b"


@pytest.fixture(scope="module")
def deployed() -> Iterator[GameDayEnvironment]:
    """A stack that has healed one incident."""
    day = GameDay("command line", "whatever the commands do", BACK, ())
    with Shop(slow_seconds=0.2) as shop, GameDayEnvironment(shop, day) as made:
        made.deploy()
        shop.chaos("fail")
        ended, code = piped(made, "heal", "--follow", "--json")
        assert (code, json.loads(ended)["outcome"]) == (0, "HEALED")
        time.sleep(SECONDS_OF_A_STAMP)  # else the next alarm could seem to be from before the healing
        yield made


def environment(deployed: GameDayEnvironment) -> dict[str, str]:
    return {**deployed.aws.environment(), "TERM": "xterm-256color"}


def piped(deployed: GameDayEnvironment, *words: str, where: Sequence[str] = WHERE) -> tuple[str, int]:
    """Standard output and exit code, without a terminal."""
    done = run([REMEDIATOR, *words, *where], env=environment(deployed))
    assert "Traceback" not in done.stderr
    return done.stdout, done.returncode


def in_terminal(deployed: GameDayEnvironment, width: int, *words: str, interrupt_at: str = "") -> tuple[str, int]:
    """What a terminal of that width shows, and the exit code; with Ctrl-C as soon as it shows `interrupt_at`."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    words = (REMEDIATOR, *words, *WHERE)
    process = subprocess.Popen(
        words, env=environment(deployed), cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    text = b""
    while True:
        try:
            got = os.read(ours, 4096)
        except OSError:  # what a terminal says once nobody writes to it any more
            got = b""
        if not got:
            break
        text += got
        if interrupt_at and interrupt_at.encode() in text:
            _wait_until_it_waits(process.pid)
            os.killpg(process.pid, signal.SIGINT)
            interrupt_at = ""
    os.close(ours)
    return text.decode().replace("\r\n", "\n"), process.wait(300)


def bare(text: str) -> list[str]:
    """The lines without type and colour, and without what a table fills them up with."""
    return [re.sub(rf"{ESCAPE}\[[0-9;]*m", "", line).rstrip() for line in text.splitlines()]


def _wait_until_it_waits(pid: int) -> None:
    """CPython loses a signal between a prompt and the system's read until a key comes. A person's Ctrl-C is later."""
    for _ in poll(60, every=0.02):
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S":
            return


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize(
    "command", ["incidents", "incidents --stats", "show", "show --follow", "status", "report", "backtest --incident"]
)
def test_no_line_of_a_table_is_wider_than_the_terminal_and_ids_stay_whole(
    deployed: GameDayEnvironment, width: int, command: str
) -> None:
    text, code = in_terminal(deployed, width, *command.split())

    lines = bare(text)
    assert code == 0, text
    assert max(map(len, lines)) <= width, text
    if command == "incidents":
        for incident in deployed.records.incidents():
            assert any(line.startswith(incident.id) for line in lines)
        assert len(lines) == 1 + len(deployed.records.incidents()), "one line each"
    if command == "show --follow":
        at_once = bare(in_terminal(deployed, width, "show")[0])
        assert lines == at_once[at_once.index(lines[0]) :], "columns as without it"


def test_colour_is_for_a_terminal_alone_and_a_pipe_gets_whole_lines(deployed: GameDayEnvironment) -> None:
    shown, _ = in_terminal(deployed, 80, "show", "2")
    text, code = piped(deployed, "show", "2")

    assert ESCAPE in shown
    assert ESCAPE not in text
    assert code == 0
    assert len(text.splitlines()) == 2 + len(deployed.records.log(deployed.records.incidents()[0]))


AS_JSON = {  # by the example's heading, where that isn't a command as it is typed
    "pause": "pause --reason because",
    "show --follow": "show 2 --follow",
    "diagnose": "diagnose ANSWER",
    "link": "link https://pizza.test/ --no-resolve",
    "alarm": f"alarm {ROOT / 'events/cloudwatch-ok.json'}",
}
OF_NO_STACK = ("diagnose", "link", "alarm", "gameday")
ELSEWHERE = ("chaos", "gameday NAME")  # of `make local`, and of a game day of its own


@pytest.mark.parametrize("words", [words for words in examples() if words not in ELSEWHERE])
def test_what_is_printed_as_json_has_the_shape_that_its_page_shows(
    deployed: GameDayEnvironment, words: str, tmp_path: Path
) -> None:
    (tmp_path / "answer").write_text(json.dumps({"message": "no pizza", "reportUrl": LINK}))
    command = [*AS_JSON.get(words, words).replace("ANSWER", str(tmp_path / "answer")).split(), "--json"]
    text, _ = piped(deployed, *command, where=[] if command[0] in OF_NO_STACK else WHERE)
    printed = text.splitlines()[-1] if "--follow" in words else text

    assert [*differences(examples()[words], json.loads(printed))] == []
    if words == "pause":
        piped(deployed, "resume")


def test_backtest_as_json_is_in_the_same_style(deployed: GameDayEnvironment) -> None:
    printed = json.loads(piped(deployed, "backtest", "--incident", "--json")[0])

    assert [*differences(printed, printed)] == []


def test_every_command_has_its_json_on_that_page() -> None:
    assert {words.split()[0] for words in examples()} | {"resume", "mode", "backtest"} == set(COMMANDS)


def test_following_an_ended_incident_prints_an_entry_a_line(deployed: GameDayEnvironment) -> None:
    text, code = piped(deployed, "show", deployed.records.incidents()[-1].id, "--follow", "--json")

    assert code == 0
    kinds = [json.loads(line)["kind"] for line in text.splitlines()]
    assert kinds == ["claimed", "opened", "intent", "answer", "finished", "notified"]


def test_interrupted_command_ends_at_once_without_a_traceback(deployed: GameDayEnvironment) -> None:
    deployed.shop.condition("no-link")  # type: ignore[union-attr] # ours, not one elsewhere
    piped(deployed, "heal", "--follow")

    text, code = in_terminal(deployed, 80, "show", "2", "--follow", interrupt_at="NO_LINK")

    deployed.shop.condition(None)  # type: ignore[union-attr] # as above
    assert (code, "Aborted!" in text, "Traceback" in text) == (130, True, False), text


def test_acting_again_asks_and_no_answer_changes_nothing(deployed: GameDayEnvironment) -> None:
    before = deployed.records.state().v

    _, refused = piped(deployed, "mode", "act", "--reason", "because")
    assert (refused, deployed.records.state().v) == (2, before)

    said, refused = piped(deployed, "mode", "act", "--reason", "because", "--json")
    assert (refused, "give --yes" in json.loads(said)["error"], deployed.records.state().v) == (2, True, before)

    _, done = piped(deployed, "mode", "act", "--reason", "because", "--yes")
    assert (done, deployed.records.state().v) == (0, before + 1)


def test_unknown_incident_and_unknown_stack_are_said_in_a_sentence(deployed: GameDayEnvironment) -> None:
    for words in (["show", "1999"], ["report", "1999"]):
        text, code = in_terminal(deployed, 120, *words)
        assert (code, "there is no incident 1999" in text) == (1, True)
    elsewhere = [REMEDIATOR, "status", "--region", REGION, "--stack", "no-such-stack"]
    done = run(elsewhere, env=environment(deployed))
    assert (done.returncode, "Give --profile, --region and --stack" in done.stderr) == (1, True)


def test_dead_letter_that_is_shown_and_not_sent_is_there_for_the_next_at_once(deployed: GameDayEnvironment) -> None:
    queues, url = deployed.aws.client("sqs"), deployed.outputs["DeadLetterQueueUrl"]
    queues.send_message(QueueUrl=url, MessageBody=json.dumps({"Type": "Notification", "Message": "orders fail"}))

    interrupted, code = in_terminal(deployed, 120, "redrive", interrupt_at="send 1 again?")
    assert (code, "Aborted!" in interrupted) == (130, True), interrupted
    for _ in range(2):
        listed, code = piped(deployed, "redrive", "--json")
        assert (code, len(json.loads(listed)["letters"])) == (0, 1)
    queues.purge_queue(QueueUrl=url)
