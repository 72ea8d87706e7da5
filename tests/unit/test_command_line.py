"""What holds for every command."""

import pytest
from click.testing import CliRunner

from console.main import COMMANDS, main


def shown(*words: str) -> str:
    found = CliRunner().invoke(main, [*words, "--help"], terminal_width=80)
    assert found.exit_code == 0, found.output
    return found.output


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_json_and_shows_an_example(command: str) -> None:
    text = shown(command)

    assert "--json" in text
    assert f"remediator {command}" in text.split("Example", 1)[1]


def test_help_lists_every_command_in_one_line_and_the_exit_codes() -> None:
    text = shown()

    assert "..." not in text.split("Commands:")[1]
    assert all(f"\n  {command} " in text for command in COMMANDS)
    assert "Exit codes:" in text
    assert len(COMMANDS) <= 16
