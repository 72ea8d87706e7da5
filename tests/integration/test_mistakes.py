"""What people do wrong, one row each: it is said in a sentence, with its exit code, and never as a traceback."""

import fcntl
import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from remediator_cli import stack
from remediator_cli.main import COMMANDS, main
from simulator.local_aws import LocalAws
from simulator.paths import ROOT

REMEDIATOR = str(ROOT / ".venv/bin/remediator")
OFFLINE = ("diagnose", "link", "alarm", "gameday", "chaos")
NEEDED = {
    "pause": ["--reason", "because"],
    "mode": ["observe", "--reason", "because"],
    "backtest": ["--metric", "a/b"],
}  # else it goes on without a stack
OF_A_STACK = [[name, *NEEDED.get(name, [])] for name in COMMANDS if name not in OFFLINE]
NO_AWS = {
    "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "HOME": "/nonexistent",
}  # fmt: skip
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
US = {**NO_AWS, **KEYS, "AWS_REGION": "us-east-1"}

# A mistake: its words, its exit code, and a part of the sentence. FOLDER is an empty one, FILE in it holds no JSON.
WRONG_WORDS = {
    "no such command": ("heel", 2, "No such command"),
    "no such option": ("status --verbos", 2, "No such option"),
    "no argument": ("link", 2, "Missing argument"),
    "too many arguments": ("status now", 2, "unexpected extra argument"),
    "no reason": ("pause", 2, "Missing option '--reason'"),
    "a mode that is none": ("mode heal --reason x", 2, "'heal' is not one of"),
    "negative --newest": ("incidents --newest -1", 2, "-1 is not in the range"),
    "--newest in words": ("incidents --newest all", 2, "not a valid integer"),
    "--since in words": ("incidents --since yesterday", 2, "yesterday isn't a time: give 24h"),
    "--since before all years": ("incidents --since 999999999w", 2, "isn't a time"),
    "--until in words": ("pause --reason x --until 18", 2, "18 isn't a time"),
    "an alarm that isn't there": ("alarm FOLDER/none", 2, "none can't be read: No such file"),
    "an alarm that is a folder": ("alarm FOLDER", 2, "is no regular file"),
    "an alarm that is no text": ("alarm FOLDER/BYTES", 2, '"verdict": "refuse"'),
    "an alarm that is too large": ("alarm FOLDER/LARGE", 2, "is larger than 2097152 bytes"),
    "an alarm that is a pipe": ("alarm FOLDER/PIPE", 2, "is no regular file"),
    "an answer that is none": ("diagnose FOLDER/FILE", 2, "nothing else that can be read"),
    "an answer that isn't there": ("diagnose FOLDER/none", 2, "can't be read: No such file"),
    "an answer that took no time": ("diagnose --elapsed soon FOLDER/FILE", 2, "not a valid float"),
    "a template that is none": ("link https://a.example/ --allow a.example", 2, "Invalid value for '--allow'"),
    "a link that is none": ("link pizza --no-resolve", 3, '"allowed": false'),
    "two histories": ("backtest --incident --csv -", 2, "Name one history"),
    "a history that isn't there": ("backtest --csv FOLDER/none", 2, "can't be read: No such file"),
    "a history that is none": ("backtest --csv FOLDER/FILE", 2, "FILE: "),
    "an empty history": ("backtest --log FOLDER/EMPTY", 2, "EMPTY: "),
    "a rule that is none": ("backtest --incident --rule often", 2, "A rule reads like 3 of 18 x 10s"),
    "days that are none": ("backtest --days 0", 2, "0.0 is not in the range"),
    "a metric without a namespace": ("backtest --metric Orders", 2, "--metric reads NAMESPACE/NAME"),
    "a page in no folder": ("backtest --incident --html FOLDER/none/page.html", 2, "No such file or directory"),
    "a page that is a folder": ("backtest --incident --html FOLDER", 2, "is a directory"),
    "a page on a full disk": ("backtest --incident --html /dev/full", 2, "can't be written: No space left on device"),
    "a game day that is none": ("gameday fial", 2, "there is no game day fial"),
    "chaos that is none": ("chaos fial", 2, "'fial' is not one of"),
    "chaos without a shop": ("chaos fail", 1, "run `make local` in another terminal"),
}
# What keeps any command from its stack: the environment, and a part of the sentence.
NO_STACK: Mapping[str, tuple[Mapping[str, str], str]] = {
    "no region": (NO_AWS | KEYS, "You must specify a region"),
    "a region that is none": (US | {"AWS_REGION": "the moon"}, "doesn't match a supported format"),
    "a profile that is none": (US | {"AWS_PROFILE": "ada"}, "profile (ada) could not be found"),
    "no credentials": (NO_AWS | {"AWS_REGION": "us-east-1"}, "Unable to locate credentials"),
    "a damaged configuration": (US | {"AWS_CONFIG_FILE": f"{ROOT}/LICENSE"}, "Unable to parse config file"),
    "an endpoint that is none": (US | {"AWS_ENDPOINT_URL": "moon"}, "Invalid endpoint: moon"),
    "an endpoint that is gone": (
        US | {"AWS_ENDPOINT_URL": "http://127.0.0.1:GONE"},
        "Could not connect to the endpoint",
    ),
    "a stack that is none": (US | {"AWS_ENDPOINT_URL": "AWS", "REMEDIATOR_STACK": "none"}, "none does not exist"),
    "a stack of others": (US | {"AWS_ENDPOINT_URL": "AWS", "REMEDIATOR_STACK": "others"}, "the stack has no output"),
}
# What `make local` left in its folder, and a part of the sentence.
LEFT = {
    "cut off": ('{"pid": 1, "sta', "is damaged"),
    "another's": ("[]", "is damaged"),
    "without a field": ('{"pid": 1}', "is damaged"),
    "it is starting": ('{"pid": 1, "since": "2026-11-23T08:00:00.000Z"}', "still starting"),
    "its AWS is gone": (json.dumps(dict.fromkeys(stack.WRITTEN, "x") | {"endpoint": "ENDPOINT"}), "Could not connect"),
}  # fmt: skip


def call(words: list[str], env: Mapping[str, str] = NO_AWS) -> Result:
    cleared = dict.fromkeys([name for name in os.environ if name.startswith(("AWS_", "REMEDIATOR_"))])
    return CliRunner(env=cleared | dict(env)).invoke(main, words)


def is_said(done: Result, code: int, words: str) -> bool:
    assert "nobody expected that" not in done.output
    assert "Traceback" not in done.output
    assert (done.exit_code, words in done.output) == (code, True), done.output
    return True


@pytest.fixture
def gone() -> str:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        return str(made.getsockname()[1])


@pytest.fixture(scope="module")
def others(aws: LocalAws) -> Iterator[None]:
    """A stack that isn't the remediator's."""
    template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    aws.client("cloudformation").create_stack(StackName="others", TemplateBody=template)
    yield
    aws.client("cloudformation").delete_stack(StackName="others")


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # no `make local` is up here


@pytest.mark.parametrize(("words", "code", "part"), WRONG_WORDS.values(), ids=WRONG_WORDS)
def test_wrong_words_are_said_in_a_sentence(words: str, code: int, part: str, tmp_path: Path) -> None:
    (tmp_path / "FILE").write_text("no JSON, and no answer")
    (tmp_path / "BYTES").write_bytes(bytes(range(256)))
    (tmp_path / "LARGE").write_bytes(b" " * (2 * 1024 * 1024 + 1))
    (tmp_path / "EMPTY").touch()
    os.mkfifo(tmp_path / "PIPE")

    assert is_said(call(words.replace("FOLDER", str(tmp_path)).split()), code, part)


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize("command", OF_A_STACK, ids=" ".join)
@pytest.mark.parametrize(("env", "part"), NO_STACK.values(), ids=NO_STACK)
def test_no_command_reaches_a_stack_that_it_cannot_and_each_says_why(
    command: list[str], env: Mapping[str, str], part: str, aws: LocalAws, gone: str
) -> None:
    if "has no output" in part and command[0] in ("backtest", "doctor"):
        part = "the metric a/b" if command[0] == "backtest" else "Not safe to leave on"  # neither needs one
    places = {"http://127.0.0.1:GONE": f"http://127.0.0.1:{gone}", "AWS": aws.url}

    assert is_said(call(command, {name: places.get(value, value) for name, value in env.items()}), 1, part)


@pytest.mark.parametrize("command", OF_A_STACK, ids=" ".join)
@pytest.mark.parametrize(("left", "part"), LEFT.values(), ids=LEFT)
def test_no_command_trusts_what_a_make_local_left_that_was_damaged_or_is_gone(
    command: list[str], left: str, part: str, tmp_path: Path, gone: str
) -> None:
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local/stack.json").write_text(left.replace("ENDPOINT", f"http://127.0.0.1:{gone}"))
    held = os.open(tmp_path / ".local", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)

    assert is_said(call(command), 1, part)
    os.close(held)  # as when it is killed
    assert is_said(call(command), 1, "You must specify a region")


@pytest.mark.parametrize(
    ("shell", "code", "said"),
    [
        pytest.param(
            "remediator gameday --list > /dev/full", 1, "the output can't be written: No space left", id="disk"
        ),
        pytest.param(
            "remediator link https://a.b/ > /dev/full", 1, "the output can't be written: No space left", id="json"
        ),
        pytest.param("remediator alarm - <&-", 2, "standard input is closed", id="no input"),
        pytest.param("remediator alarm <&-", 2, "Missing argument", id="no file"),
        pytest.param("remediator gameday --list >&-", 0, "", id="no output"),
        pytest.param("remediator gameday --list | head -c 1", 0, "", id="a pipe that ends"),
        pytest.param("env -i remediator alarm none", 2, "can't be read", id="no environment"),
        pytest.param("remediator --debug alarm none", 2, "Traceback", id="debug before"),
        pytest.param("remediator alarm none --debug", 2, "Traceback", id="debug behind"),
    ],
)
def test_streams_that_fail_are_said_in_a_sentence(shell: str, code: int, said: str, tmp_path: Path) -> None:
    words = shell.replace("remediator", REMEDIATOR)

    done = subprocess.run(["bash", "-c", words], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "Exception ignored" not in done.stderr
    assert ("Traceback" in done.stderr) is ("--debug" in shell)
