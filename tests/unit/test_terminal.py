"""Text given to an interpreter: what strangers wrote is masked, readable, and does nothing."""

import ast
import json
import unicodedata

import click
import pytest
from click.testing import CliRunner

from remediator.plain import readable
from remediator_cli import main as command_line
from remediator_cli import terminal
from remediator_cli.terminal import say, say_json, stdout_console
from simulator.paths import ROOT
from tests.support.builders import KEY, LINK

BIDIRECTIONAL = ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")
WORDS = "orders of [/shop] failing [link=https://x.example]y[/link] [bold red] :pizza:"


@pytest.mark.parametrize("text", ["", "Bestellungen für Ärzte 🍕", "סדר", "طلب", "family 👩‍👧", "a b", "%s {x}"])
def test_words_of_any_language_stay_as_they_are(text: str) -> None:
    assert readable(text) == text


def test_no_character_is_left_that_controls_turns_the_direction_ends_a_line_or_is_half_of_one() -> None:
    for number in range(0x110000):
        sign = chr(number)
        acts = unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp")
        acts |= unicodedata.bidirectional(sign) in BIDIRECTIONAL or sign in "\u200e\u200f\u061c"
        assert (readable(sign) != sign) is acts, hex(number)
        assert readable(readable(sign)) == readable(sign)


def test_line_of_others_makes_no_line_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    say("paused by x\r\nmode\tact\x85a\u2028b\x1b[2Jc")

    assert capsys.readouterr().out == "paused by x  mode act a b\ufffd[2Jc\n"


@pytest.mark.parametrize("text", [WORDS, "[/]", "[", "\\[x]", ":warning:"])
def test_console_takes_no_markup_and_no_emoji(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    stdout_console().print(text)

    assert capsys.readouterr().out == f"{text}\n"


def test_secret_is_masked_in_words_and_in_json_that_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = {"x": [f"\x7f\u202eä{KEY}", {"a": (LINK, 1, None)}]}
    say(LINK)
    stdout_console().print(LINK)
    say_json(hostile)

    printed = capsys.readouterr().out
    assert KEY not in printed
    assert printed.isascii()
    assert "\x7f" not in printed
    assert isinstance(json.loads(printed.splitlines()[-1]), dict)


def test_link_of_the_stacks_own_shape_is_masked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "MASK", terminal.MASK)
    link = "https://pizza.test/ends/Zw8kQ2mN/by/b1C2"

    for templates in ("https://pizza.test/ends/{key}/by/{code}", "no template", ""):
        terminal.know_links(templates)
        say(f"GET {link} failed")

        assert "Zw8kQ2mN" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (click.ClickException(f"AWS said {LINK}\x1b[2J\nask again"), "\ufffd[2J\nask again\n"),
        (click.BadParameter(f"{LINK}\x1b[2J"), "\ufffd[2J\n"),
        (KeyError(f"{LINK}\x1b[2J"), "nobody expected that: KeyError: "),
    ],
)
def test_error_of_a_command_is_a_masked_sentence_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, said: str
) -> None:
    @click.command()
    def verify() -> None:
        raise raised

    monkeypatch.setattr(command_line, "_imported", lambda *_: verify)

    done = CliRunner().invoke(command_line.main, ["verify"])

    assert done.exit_code == (2 if isinstance(raised, click.BadParameter) else 1)
    assert said in done.output
    assert "Error: " in done.output
    assert not {KEY, "\x1b", "Traceback"} & {each for each in (KEY, "\x1b", "Traceback") if each in done.output}


def test_commands_print_in_one_place() -> None:
    printing = {"echo", "secho", "print", "print_json", "Console"}
    found = set()
    for file in (ROOT / "remediator_cli").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            called = getattr(node, "func", None)
            name = getattr(called, "attr", getattr(called, "id", ""))
            on_console = getattr(getattr(called, "value", None), "id", "") == "console"
            if name in printing and not on_console and "stdout_console" not in ast.unparse(node):
                found.add(file.name)

    assert found == {"terminal.py"}
