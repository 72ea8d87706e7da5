"""What holds for every command."""

import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pexpect
import pytest
from click.testing import CliRunner

from remediator_cli import main as command_line
from remediator_cli.controls import who
from remediator_cli.doctor.command import conclude
from remediator_cli.main import COMMANDS, main
from remediator_cli.moments import MomentType
from simulator.paths import ROOT


def shown(*words: str) -> str:
    found = CliRunner().invoke(main, [*words, "--help"], terminal_width=80)
    assert found.exit_code == 0, found.output
    return found.output


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_json_and_shows_an_example(command: str) -> None:
    text = shown(command)

    assert COMMANDS[command][1] in text.replace("\n  ", " "), "its help and the table's line differ"
    assert "--json" in text
    assert f"remediator {command}" in text.split("Example", 1)[1]


def test_help_lists_every_command_in_one_line_and_the_exit_codes() -> None:
    text = shown()

    assert "..." not in text.split("Commands:")[1]
    assert all(f"\n  {command} " in text for command in COMMANDS)
    assert "Exit codes:" in text
    assert len(COMMANDS) <= 17


def test_help_imports_no_library_but_click() -> None:
    code = (
        "import sys; from remediator_cli.main import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert not loaded & {"boto3", "botocore", "jinja2", "pydantic", "remediator", "requests", "rich", "simulator"}


def test_command_of_the_checkout_says_where_it_is_if_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: ())

    found = CliRunner().invoke(main, ["gameday", "--list"])

    assert found.exit_code == 2
    assert "clone the repository" in found.output


def test_profile_of_aws_login_is_read_and_a_session_that_is_over_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile ada]\nregion = us-east-1\nlogin_session = arn:aws:iam::123456789012:user/ada\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_LOGIN_CACHE_DIRECTORY", str(tmp_path))

    found = CliRunner().invoke(main, ["status", "--profile", "ada"])

    assert found.exit_code == 1
    assert "aws login" in found.output
    assert "Missing Dependency" not in found.output, "boto3 is installed without its crt"


def test_completion_in_bash_knows_commands_options_and_choices() -> None:
    environment = {"PATH": f"{ROOT}/.venv/bin:/usr/bin:/bin", "TERM": "dumb", "PS1": "$ ", "HOME": "/nonexistent"}
    bash = pexpect.spawn("bash --norc --noprofile -i", env=environment, encoding="utf-8", timeout=60)
    (line,) = re.findall(r"bash: (eval .*)", shown())

    bash.sendline(f"set +o history; bind 'set enable-bracketed-paste off'; {line}; echo READY''NOW")
    bash.expect("READYNOW")
    for typed, completed in (
        ("remediator inc\t", "incidents "),
        ("--stat\t", "--stats "),
        ("\x15remediator mode a\t", "act"),
    ):
        bash.send(typed)
        bash.expect_exact(completed)

    bash.close(force=True)


def test_completing_a_command_imports_no_library_but_click() -> None:
    words = [
        sys.executable,
        "-X",
        "importtime",
        "-c",
        "from remediator_cli.main import main; main(prog_name='remediator')",
    ]
    environment = {
        **os.environ,
        "_REMEDIATOR_COMPLETE": "zsh_complete",
        "COMP_WORDS": "remediator re",
        "COMP_CWORD": "1",
    }

    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.split("\n")[1::3] == ["report", "resume", "redrive"]
    assert not re.search(r"\| +(boto3|pydantic|rich|remediator)$", done.stderr, re.M)


@pytest.mark.parametrize(
    ("text", "direction", "expected"),
    [
        ("24h", -1, timedelta(hours=-24)),
        ("90m", 1, timedelta(minutes=90)),
        ("30s", 1, timedelta(seconds=30)),
        ("7d", -1, timedelta(days=-7)),
        ("2w", -1, timedelta(days=-14)),
        ("2026-11-23", -1, datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23T18:00", 1, datetime(2026, 11, 23, 18, tzinfo=UTC)),
        ("2026-11-23 18:00:01Z", 1, datetime(2026, 11, 23, 18, 0, 1, tzinfo=UTC)),
        ("2026-11-23T18:00+02:00", 1, datetime(2026, 11, 23, 16, tzinfo=UTC)),
    ],
)
def test_moment_is_a_length_of_time_from_now_or_a_time_in_utc(
    text: str, direction: int, expected: datetime | timedelta
) -> None:
    began = datetime.now(UTC)

    found = MomentType(direction).convert(text, None, None)  # type: ignore[arg-type] # of the two directions

    assert found.tzinfo is UTC
    if isinstance(expected, datetime):
        assert found == expected
    else:
        assert began + expected <= found <= datetime.now(UTC) + expected


@pytest.mark.parametrize(
    "text", ["", "24", "h", "24 h", "-1h", "1y", "today", "2026-13-01", "24:00", "99999999w", "٢h"]
)
def test_what_is_no_moment_is_said_with_what_is(text: str) -> None:
    with pytest.raises(click.BadParameter, match="isn't a time: give 24h or 7d"):
        MomentType(-1).convert(text, None, None)


@pytest.mark.parametrize(
    ("count", "answer"),
    [
        ({"ok": 22, "note": 0, "broken": 0}, "Safe to leave on: 22 ok."),
        ({"ok": 21, "note": 1, "broken": 0}, "Safe to leave on: 21 ok, 1 note."),
        ({"ok": 17, "note": 2, "broken": 0}, "Safe to leave on: 17 ok, 2 notes."),
        ({"ok": 17, "note": 4, "broken": 1}, "Not safe to leave on: 1 broken, 17 ok, 4 notes."),
    ],
)
def test_doctor_ends_with_its_answer(count: dict[str, int], answer: str) -> None:
    assert conclude(count) == answer


def test_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr("getpass.getuser", nameless)

    assert who() == f"user {os.getuid()}"


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        pytest.param(KeyboardInterrupt(signal.SIGINT), 130, id="Ctrl-C"),
        pytest.param(KeyboardInterrupt(signal.SIGHUP), 129, id="its window"),
        pytest.param(KeyboardInterrupt(signal.SIGTERM), 143, id="kill"),
        pytest.param(click.Abort(), 1, id="an answer of no"),
    ],
)
def test_exit_code_of_what_was_interrupted_names_the_signal(
    raised: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    def verify() -> None:
        raise raised

    monkeypatch.setattr(command_line, "_imported", lambda module, name: verify if name == "verify" else click.echo)

    assert CliRunner().invoke(main, ["verify"]).exit_code == code
