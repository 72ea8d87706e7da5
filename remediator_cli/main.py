"""The command line, `remediator`. Each command is a row here, and its module is imported when it is called."""

import errno
import os
import signal
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

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
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
EPILOG = """\b
Environment:
  AWS_PROFILE       as --profile
  AWS_REGION        as --region
  REMEDIATOR_STACK  as --stack
  Without any of them it is the stack of `make local`, if that is up.
\b
Exit codes:
  0    all is as it should be
  1    it isn't, or it couldn't be done
  2    it was given wrong arguments; `alarm`: the file is refused
  3    `link`: the link is refused
  130  Ctrl-C (another signal: 128 and its number)
\b
Completion, for this shell; in ~/.bashrc or ~/.zshrc for all:
  bash: eval "$(_REMEDIATOR_COMPLETE=bash_source remediator)"
  zsh:  eval "$(_REMEDIATOR_COMPLETE=zsh_source remediator)"
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

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take --debug anywhere, before the command or behind it."""
        others = [each for each in args if each != "--debug"]
        return super().parse_args(ctx, ["--debug", *others] if len(others) < len(args) else args)

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command. Whatever goes wrong is said in a sentence that was masked, and does nothing else: with
        --json as {"error"} on standard output.
        """
        wants_json = "--json" in ctx.args
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, BrokenPipeError):
            raise
        except (click.Abort, KeyboardInterrupt) as error:
            ctx.exit(_abort(error))
        except Exception as error:  # noqa: BLE001 - a traceback would print others' words as they are
            if ctx.params["debug"]:
                _show_origin(error)
            said = _sentence(error)
            if not wants_json:
                raise said from None
            _imported("remediator_cli.terminal", "say_json")({"error": said.format_message()})
            ctx.exit(said.exit_code)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command's name without importing it."""
        named = [CompletionItem(name, help=told) for name, (_, told) in COMMANDS.items() if name.startswith(incomplete)]
        return named or click.Command.shell_complete(self, ctx, incomplete)


def _abort(error: BaseException) -> int:
    """Say that it ended, and by which exit code: an answer of no is 1, a signal 128 and its number."""
    cause = error if isinstance(error, KeyboardInterrupt) else error.__context__  # of a prompt that was interrupted
    _imported("remediator_cli.terminal", "say")("Aborted!", err=True)
    return 128 + (cause.args or (signal.SIGINT,))[0] if isinstance(cause, KeyboardInterrupt) else 1


def _sentence(error: Exception) -> click.ClickException:
    """The error as a masked sentence."""
    if isinstance(error, click.ClickException):
        error.message = _told(error.message)  # type: ignore[misc] # final in its annotation alone
        return error
    if isinstance(error, OSError) and error.errno in UNWRITABLE:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # at its end Python would try once more to print the rest
        return click.ClickException(_told(f"{error.filename or 'the output'} can't be written: {error.strerror}"))
    return click.ClickException(
        f"nobody expected that: {_told(f'{type(error).__name__}: {error}')}\n--debug shows where it comes from."
    )


def _show_origin(error: Exception) -> None:
    """Print the traceback, with what it was raised from, masked line by line."""
    from traceback import format_exception

    error.__suppress_context__ = False
    for line in "".join(format_exception(error)).splitlines():
        _imported("remediator_cli.terminal", "say")(line, err=True)


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
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option("--debug", is_flag=True, help="Show where an error comes from; may stand anywhere.")
@click.version_option(package_name="pizza-remediator")
def main(*, debug: bool) -> None:  # noqa: ARG001 - CommandTable.invoke reads it
    """Heal the pizza shop's failed orders, and account for it."""
    end_on_signals()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # an alarm's name may hold what a terminal's encoding lacks


def end_on_signals() -> None:
    """Let an interrupt, a termination and the end of its window end a command with all that it started."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup wants it ignored
            signal.signal(number, _interrupt)


def _interrupt(number: int, _: object) -> NoReturn:
    raise KeyboardInterrupt(number)


if __name__ == "__main__":
    main()
