"""The checks of `remediator doctor`: one row each. They read, and place one order; none calls a report link."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from remediator.adapters.aws import error_code
from remediator.errors import RemediatorError
from remediator_cli.doctor.deployment import (
    check_access,
    check_alarm,
    check_canary,
    check_clock,
    check_function,
    check_notifications,
    check_outputs,
    check_queues,
    check_role,
    check_settings,
    check_stack,
    check_topic,
    check_trigger,
    is_denied,
)
from remediator_cli.doctor.remediation import (
    check_calls,
    check_hosts,
    check_incident,
    check_limits,
    check_login,
    check_mode,
    check_outbox,
    check_sample,
    check_table,
)
from remediator_cli.doctor.target import LOGIN, TABLE, Answer, Target

ALLOW_IT: Final = "your credentials lack that permission: docs/security.md lists what the command line needs"


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """One row. `needs`: the rows that this one depends on; if one of them is broken, this one is skipped."""

    name: str
    run: Callable[[Target], Answer]
    do: str
    needs: tuple[str, ...] = ()


def examine(target: Target, checks: Sequence[DoctorCheck]) -> Iterator[tuple[DoctorCheck, Answer]]:
    """Run each check in turn. Yields each with what it found, masked, and what to do if that isn't ok."""
    unknown: set[str] = set()  # the rows of which nothing is known
    for check in checks:
        missing = [name for name in check.needs if name in unknown]
        skipped = Answer("note", "skipped", f"repair first: {', '.join(missing)}")
        answer = skipped if missing else _run(check, target)
        if missing or answer.grade == "broken":
            unknown.add(check.name)
        do = "" if answer.grade == "ok" else answer.do or check.do
        yield check, Answer(answer.grade, target.mask.text(answer.found), target.mask.text(do))


def _run(check: DoctorCheck, target: Target) -> Answer:
    """An error is a answer: the other rows have theirs all the same."""
    try:
        return check.run(target)
    except BotoCoreError as error:
        return Answer("broken", error_code(error), "see if this computer reaches AWS, then ask again")
    except ClientError as error:
        words = error_code(error)
    except RemediatorError as error:
        words = str(error)
    return Answer("broken", words, ALLOW_IT if is_denied(words) else "")


MADE, RUNS = ("outputs",), ("outputs", "settings")

# A deploy repairs nothing that was changed by hand while the template stayed the same.
CHECKS: Final = (
    DoctorCheck("stack", check_stack, "look at the stack's events in CloudFormation, then deploy again"),
    DoctorCheck("outputs", check_outputs, "deploy this version"),
    DoctorCheck("function", check_function, "look at it in Lambda, then deploy again", MADE),
    DoctorCheck("settings", check_settings, "correct it and deploy; docs/settings.md lists them", MADE),
    DoctorCheck("role", check_role, "give it what RemediateRole has in template.yaml", RUNS),
    DoctorCheck("access", check_access, "give the role what RemediateRole has in template.yaml", (*RUNS, "function")),
    DoctorCheck("alarm topic", check_topic, "give it the policy AlarmTopicPolicy of template.yaml", MADE),
    DoctorCheck("trigger", check_trigger, "subscribe the function to the alarm topic", MADE),
    DoctorCheck(
        "notifications",
        check_notifications,
        "email: click the link that AWS mailed, within 48 hours; https: docs/notifications.md",
        MADE,
    ),
    DoctorCheck(
        "alarm",
        check_alarm,
        "enable one that AlarmNames lets through (`aws cloudwatch enable-alarm-actions`); Grafana's can't be seen here",
        RUNS,
    ),
    DoctorCheck("canary", check_canary, "enable it, as EachMinute is in template.yaml", RUNS),
    DoctorCheck(LOGIN, check_login, "put the diner's email and password into the secret", RUNS),
    DoctorCheck("rate limits", check_limits, "deploy with what fits, or let the shop allow more", (*RUNS, LOGIN)),
    DoctorCheck("sample", check_sample, "`remediator heal --follow`", (*RUNS, LOGIN)),
    DoctorCheck("report hosts", check_hosts, "correct AllowedReportLinks and deploy, or ask whose name it is", RUNS),
    DoctorCheck(TABLE, check_table, "deploy the version that wrote the state; restore a table that is gone", MADE),
    DoctorCheck(
        "outbox",
        check_outbox,
        "`remediator heal` sends them; see that the notification topic takes them",
        (TABLE,),
    ),
    DoctorCheck("mode and pause", check_mode, "`remediator resume`", (*RUNS, TABLE)),
    DoctorCheck("open incident", check_incident, "`remediator heal --follow`; let alarms send their OK too", (TABLE,)),
    DoctorCheck("calls left", check_calls, "find out why it fails so often; heal by hand meanwhile", (*RUNS, TABLE)),
    DoctorCheck("queues", check_queues, "`remediator redrive`", MADE),
    DoctorCheck("clock", check_clock, "set this computer's clock: alarms are judged by when they were sent"),
)
