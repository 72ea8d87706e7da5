"""Files and arguments: what a command reads is a regular file or standard input, up to a bound."""

import json
import os
from pathlib import Path
from typing import NoReturn

import click
import pytest
import trustme
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from remediator_cli.files import LARGEST
from remediator_cli.main import main
from remediator_cli.redrive import opened
from simulator import gameday
from simulator.environment import ExistingShop
from tests.unit.alarms.test_hostile import EXAMPLES, json_values

ANSWER = b"HTTP/1.1 500 Internal Server Error\r\n\r\n{}"
READING = ["alarm", "diagnose"]
BROKEN = [
    b"", b"\xff\xfe", b"HTTP/1.1", b"HTTP/1.1 ", b"HTTP/1.1 OK", b"HTTP/1.1 5000", b"HTTP/1.1 099", b"HTTP/1.1 -500",
    b"HTTP/1.1 " + b"9" * 5_000, b"HTTP/1.1\n500", "HTTP/1.1 \u0665\u0660\u0660".encode(),
]  # fmt: skip


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize("kind", ["device", "fifo", "folder", "missing", "large", "link to a fifo"])
def test_what_is_no_regular_file_up_to_the_bound_is_refused_in_a_sentence(
    tmp_path: Path, command: str, kind: str
) -> None:
    fifo, large = tmp_path / "fifo", tmp_path / "large"
    os.mkfifo(fifo)
    large.write_bytes(b"x" * (LARGEST + 1))
    (tmp_path / "link").symlink_to(fifo)
    files = {"device": "/dev/zero", "folder": tmp_path, "missing": tmp_path / "none"}
    files |= {"fifo": fifo, "large": large, "link to a fifo": tmp_path / "link"}

    done = CliRunner().invoke(main, [command, str(files[kind])])

    assert done.exit_code == 2
    assert str(files[kind]) in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("command", READING)
def test_standard_input_is_read_up_to_the_same_bound(command: str) -> None:
    content = ANSWER + b" " * (LARGEST - len(ANSWER))

    assert CliRunner().invoke(main, [command, "-"], input=content).exit_code == 0
    assert CliRunner().invoke(main, [command, "-"], input=content + b" ").exit_code == 2


@pytest.mark.parametrize("answer", BROKEN, ids=lambda answer: repr(answer[:20]))
def test_broken_answer_is_an_error_in_a_sentence(answer: bytes) -> None:
    done = CliRunner().invoke(main, ["diagnose", "-"], input=answer)

    assert done.exit_code == 2
    assert "- has no status line" in done.output


@settings(EXAMPLES)
@given(st.sampled_from([200, 401, 404, 500]), st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_answer_of_any_body_is_diagnosed(status: int, body: bytes) -> None:
    done = CliRunner().invoke(main, ["diagnose", "-"], input=b"HTTP/1.1 %d X\n\n%b" % (status, body))

    assert done.exit_code == 0, done.output
    assert set(json.loads(done.stdout)) == {"diagnosis", "reason", "link"}


@settings(EXAMPLES)
@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_file_of_any_content_is_an_alarm_or_refused(content: bytes) -> None:
    done = CliRunner().invoke(main, ["alarm", "-"], input=content)

    assert done.exit_code in (0, 2), done.output
    assert set(json.loads(done.stdout)) == {"verdict", "alarms", "reason"}


@settings(EXAMPLES)
@given(st.text() | st.builds(lambda a, b: json.dumps({"requestContext": a, "requestPayload": b}), *[json_values] * 2))
def test_letter_of_any_body_is_opened(body: str) -> None:
    alarms, why = opened(body)

    assert isinstance(why, str)
    assert all(isinstance(word, str) for alarm in alarms for word in alarm)


SHOP = ["fail", "--shop", "https://s.test", "--factory", "https://f.test", "--email", "d@x.test"]


@pytest.mark.parametrize(("told", "typed"), [("from the environment", None), (None, "typed by a person")])
def test_diners_password_comes_from_the_environment_or_a_prompt_and_never_from_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: str | None, typed: str | None
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    passwords: list[str] = []

    def at(*given: str) -> NoReturn:
        passwords.append(given[-1])
        raise click.ClickException("enough")

    monkeypatch.setattr(ExistingShop, "at", at)
    words = [*SHOP, "--ca", str(tmp_path / "ca.pem")]

    done = CliRunner().invoke(gameday.gameday, words, input=f"{typed}\n", env={gameday.PASSWORD: told})
    refused = CliRunner().invoke(gameday.gameday, [*words, "--password", "in the process list"])

    assert passwords == [told or typed]
    assert str(typed) not in done.output
    assert refused.exit_code == 2
    assert gameday.PASSWORD in CliRunner().invoke(gameday.gameday, ["--help"]).output
