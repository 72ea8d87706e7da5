"""The command line, `remediator`. Each command is a row here, and its module is imported when it is called."""

import signal
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Any, NoReturn

import click

# Command: the module that holds a function of that name, and one line of help. A module without a dot is an entry
# point's, which the simulator registers in a checkout.
ENTRY_POINTS = "remediator.commands"
COMMANDS = {
    "heal": ("remediator_cli.heal", "Trigger the remediator now."),
    "doctor": ("remediator_cli.doctor.command", "Say whether it is safe to leave on."),
    "status": ("remediator_cli.status", "Say what the remediator may do now, and what it is doing."),
    "incidents": ("remediator_cli.incidents", "List the newest incidents."),
    "show": ("remediator_cli.incidents", "Show one incident's timeline."),
    "report": ("remediator_cli.report.command", "Write the report of one incident."),
    "pause": ("remediator_cli.controls", "Stop the remediator from calling anything."),
    "resume": ("remediator_cli.controls", "End a pause, and have the shop checked."),
    "mode": ("remediator_cli.controls", "Lower the mode to observe, or give back the template's."),
    "verify": ("remediator_cli.verify", "Say whether the audit log is intact."),
    "redrive": ("remediator_cli.redrive", "List the dead letters, and send their alarms again."),
    "diagnose": ("remediator_cli.diagnose", "Say what answers of the shop to orders show."),
    "link": ("remediator_cli.link", "Say whether the report link URL would be called. Nothing is called."),
    "backtest": ("remediator_cli.backtest.command", "Replay alarm rules over a history of orders."),
    "alarm": ("remediator_cli.alarm", "Say what the alarm in FILE would ask for."),
    "gameday": (ENTRY_POINTS, "Play a game day on this machine (needs the checkout)."),
    "chaos": (ENTRY_POINTS, "Start or end chaos at the shop of `make local` (needs the checkout)."),
}
EXIT_CODES = """\b
Exit codes:
  0  all is as it should be
  1  it isn't, or it couldn't be done, or it was interrupted
  2  the command was given wrong arguments; `alarm`: the file is refused
  3  `link`: the link is refused
"""


class CommandTable(click.Group):
    """A group made of the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        found: click.Command = _registered(cmd_name) if module == ENTRY_POINTS else _imported(module, cmd_name)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command. Whatever goes wrong is said in a sentence that was masked, and does nothing else."""
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except click.ClickException as error:
            error.message = _told(error.message)  # type: ignore[misc] # final in its annotation alone
            raise
        except Exception as error:  # noqa: BLE001 - a traceback would print others' words as they are
            raise click.ClickException(f"nobody expected that: {_told(f'{type(error).__name__}: {error}')}") from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in COMMANDS.items()])


def _told(words: str) -> str:
    from remediator_cli.terminal import shown

    return "\n".join(map(shown, words.split("\n")))


def _imported(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


def _registered(name: str) -> Any:
    from importlib.metadata import entry_points

    for found in entry_points(group=ENTRY_POINTS, name=name):
        return found.load()
    raise click.UsageError(f"`{name}` is part of the checkout: clone the repository, run `make setup`, and call "
                           f"`.venv/bin/remediator {name}` there")  # fmt: skip


@click.group(
    cls=CommandTable,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="pizza-remediator")
def main() -> None:
    """Heal the pizza shop's failed orders, and answer for it."""
    end_on_signals()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # an alarm's name may hold what a terminal's encoding lacks


def end_on_signals() -> None:
    """Let an interrupt and a termination end a command the same way, with all that it started."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
