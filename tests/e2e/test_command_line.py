"""The command line as a person has it: in a terminal narrow and wide, in a pipe, interrupted."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator

import pytest

from console.gameday.days import GameDay
from console.gameday.local_aws import REGION
from console.gameday.play import SECONDS_OF_A_STAMP
from console.gameday.scene import STACK, Scene
from console.gameday.shop import Shop
from console.places import ROOT

REMEDIATOR = str(ROOT / ".venv/bin/remediator")
WHERE = ["--region", REGION, "--stack", STACK]
ESCAPE = "\x1b"


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """A stack that has healed one incident."""
    day = GameDay("command line", "whatever the commands do", "off", ())
    with Shop(slow_seconds=0.2) as shop, Scene(shop, day) as deployed:
        deployed.deploy()
        shop.chaos("fail")
        ended, code = piped(deployed, "heal", "--follow", "--json")
        assert (code, json.loads(ended)["outcome"]) == (0, "HEALED")
        time.sleep(SECONDS_OF_A_STAMP)  # else the next alarm could seem to be from before the healing
        yield deployed


def environment(scene: Scene) -> dict[str, str]:
    return {**scene.aws.environment(), "TERM": "xterm-256color"}


def piped(scene: Scene, *words: str) -> tuple[str, int]:
    """Standard output and exit code, without a terminal."""
    done = subprocess.run(
        [REMEDIATOR, *words, *WHERE], env=environment(scene), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done.stdout, done.returncode


def in_terminal(scene: Scene, width: int, *words: str, interrupt_at: str = "") -> tuple[str, int]:
    """What a terminal of that width shows, and the exit code; with Ctrl-C as soon as it shows `interrupt_at`."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    words = (REMEDIATOR, *words, *WHERE)
    process = subprocess.Popen(
        words, env=environment(scene), cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
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
            os.killpg(process.pid, signal.SIGINT)
            interrupt_at = ""
    os.close(ours)
    return text.decode().replace("\r\n", "\n"), process.wait(300)


@pytest.mark.parametrize("width", [50, 80, 160])
@pytest.mark.parametrize("command", ["incidents", "incidents --stats", "show 2", "status", "report 2"])
def test_no_line_of_a_table_is_wider_than_the_terminal_and_ids_stay_whole(
    scene: Scene, width: int, command: str
) -> None:
    text, code = in_terminal(scene, width, *command.split())

    lines = [line.replace(f"{ESCAPE}[1m", "").replace(f"{ESCAPE}[0m", "") for line in text.splitlines()]
    assert code == 0, text
    if not command.startswith(("report", "status")):  # sentences and values, for the terminal to wrap
        assert max(map(len, lines)) <= width, text
    if command == "incidents":
        for incident in scene.records.incidents():
            assert any(line.startswith(incident.id) for line in lines)


def test_colour_is_for_a_terminal_alone_and_a_pipe_gets_whole_lines(scene: Scene) -> None:
    shown, _ = in_terminal(scene, 80, "show", "2")
    text, code = piped(scene, "show", "2")

    assert ESCAPE in shown
    assert ESCAPE not in text
    assert code == 0
    assert len(text.splitlines()) == 2 + len(scene.records.log(scene.records.incidents()[0]))


def test_every_answer_about_the_stack_can_be_had_as_json(scene: Scene) -> None:
    for command in ("incidents", "incidents --stats", "show 2", "report 2", "status", "verify", "redrive"):
        text, code = piped(scene, *command.split(), "--json")
        assert (code, type(json.loads(text))) == (0, dict), command


def test_following_an_ended_incident_prints_an_entry_a_line(scene: Scene) -> None:
    text, code = piped(scene, "show", scene.records.incidents()[-1].id, "--follow", "--json")

    assert code == 0
    assert [json.loads(line)["kind"] for line in text.splitlines()] == ["opened", "intent", "answer", "closed", "told"]


def test_interrupted_command_ends_at_once_without_a_traceback(scene: Scene) -> None:
    scene.shop.condition("no-link")  # type: ignore[union-attr] # ours, not one elsewhere
    piped(scene, "heal", "--follow")

    text, code = in_terminal(scene, 80, "show", "2", "--follow", interrupt_at="NO_LINK")

    scene.shop.condition(None)  # type: ignore[union-attr] # as above
    assert (code, "Aborted!" in text, "Traceback" in text) == (1, True, False), text


def test_acting_again_asks_and_no_answer_changes_nothing(scene: Scene) -> None:
    before = scene.records.head().v

    _, refused = piped(scene, "mode", "act", "--reason", "because")
    assert (refused, scene.records.head().v) == (1, before)

    _, done = piped(scene, "mode", "act", "--reason", "because", "--yes")
    assert (done, scene.records.head().v) == (0, before + 1)


def test_unknown_incident_and_unknown_stack_are_said_in_a_sentence(scene: Scene) -> None:
    for words in (["show", "1999"], ["report", "1999"]):
        text, code = in_terminal(scene, 120, *words)
        assert (code, "there is no incident 1999" in text) == (1, True)
    done = subprocess.run(
        [REMEDIATOR, "status", "--region", REGION, "--stack", "no-such-stack"],
        env=environment(scene), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "Give --profile, --region and --stack" in done.stderr) == (1, True)


def test_dead_letter_that_is_shown_and_not_sent_is_there_for_the_next_at_once(scene: Scene) -> None:
    queues, url = scene.aws.client("sqs"), scene.outputs["DeadLetterQueueUrl"]
    queues.send_message(QueueUrl=url, MessageBody=json.dumps({"Type": "Notification", "Message": "orders fail"}))

    interrupted, code = in_terminal(scene, 120, "redrive", interrupt_at="send 1 again?")
    assert (code, "Aborted!" in interrupted) == (1, True), interrupted
    for _ in range(2):
        listed, code = piped(scene, "redrive", "--json")
        assert (code, len(json.loads(listed)["letters"])) == (0, 1)
    queues.purge_queue(QueueUrl=url)
