"""What holds for every command."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from remediator_cli.main import COMMANDS, main


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
