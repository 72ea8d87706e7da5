"""Game days as a person plays them: SAM, a local AWS, a shop, diners, an alarm by the metric."""

from pathlib import Path
from typing import Any

import pytest

from remediator_cli.stats import PHASES
from tests.e2e.conftest import gameday
from tests.support.shapes import differences, examples

# What the function's role is allowed and the platform uses in its name, not our code.
BY_THE_PLATFORM = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage", "kms:Decrypt"}


def test_incident_of_2025_04_08_is_healed_by_one_call_and_its_report_states_the_figures_measured(
    tmp_path: Path,
) -> None:
    file = tmp_path / "report.html"
    result, code = gameday("fail", "--html", str(file))

    assert code == 0
    assert (result["outcome"], result["log_intact"], result["retries"]) == ("HEALED", True, 0)
    assert result["report_calls"] == 1
    assert result["orders"]["failed"] > 0
    assert len(result["notifications"]) == 1
    assert [*differences(examples()["gameday NAME"], result)] == []
    assert [e["kind"] for e in result["log"]][-6:] == ["claimed", "opened", "intent", "answer", "finished", "notified"]
    report, failed = file.read_text(), result["orders"]["failed"]
    assert f"{failed} order{'s' if failed > 1 else ''} failed, of " in report
    assert "called the report link once" in report
    assert "2 h 27 min" in report
    assert all(f"{result['phases'][phase]} ms" in report for phase in PHASES)
    assert result["log"][-1]["hash"] in report


def test_copies_of_the_alarm_make_one_call_under_the_runtime_emulator() -> None:
    result, code = gameday("fail", "--emulator", "--copies", "2", "--again", "2")

    assert code == 0, result
    # The alarm's own end, which orders that are good again bring, may have come already.
    outcomes = [each["outcome"] for each in result["deliveries"] if each["outcome"] != "STOOD_DOWN"]
    assert outcomes.count("HEALED") == 1
    assert set(outcomes) <= {"HEALED", "JOINED", "ALREADY_HEALTHY"}
    assert len(outcomes) == 5
    assert result["report_calls"] == 1


def test_role_allows_what_the_function_needs_and_nothing_else(
    template: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    result, code = gameday("fail", "--iam")

    policies = template["Resources"]["RemediateRole"]["Properties"]["Policies"]
    statements = [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]
    allowed = {action for each in statements for action in listed(each["Action"])}
    with capsys.disabled():
        print(f"\nallowed by the role: {sorted(allowed)}\nneeded by a game day: {result['actions']}")  # noqa: T201 - to be read
    assert code == 0
    assert allowed - BY_THE_PLATFORM == set(result["actions"])


def test_throttled_orders_are_healed_at_full_delay() -> None:
    result, code = gameday("throttle")

    assert code == 0, result
    assert (result["outcome"], result["report_calls"]) == ("HEALED", 1)
    assert result["phases"]["sample"] > 32_000


def test_orders_whose_jwt_does_not_verify_are_healed() -> None:
    result, code = gameday("badjwt")

    assert (code, result["outcome"], result["report_calls"]) == (0, "HEALED", 1)


def test_nobody_orders_and_the_canary_triggers_the_remediator() -> None:
    result, code = gameday("nobody-orders", "--iam")

    assert (code, result["outcome"], result["report_calls"]) == (0, "HEALED", 1), result
    assert result["orders"]["failed"] == 0
    assert "confirmed_until_triggered" in result["phases"]
    assert any("canary: order" in alarm for each in result["deliveries"] for alarm in each["alarms"])


def test_canarys_next_run_brings_the_healing_if_the_first_remediation_failed() -> None:
    result, code = gameday("canary-again")

    assert (code, result["outcome"], result["report_calls"]) == (0, "HEALED", 1), result
    # What comes after is the metric's own alarm, which the diners' good orders bring to OK.
    assert [each["outcome"] for each in result["deliveries"]][:2] == ["UNREACHABLE", "HEALED"]


def test_second_outage_is_reported_as_the_first_was_and_the_recovery_between_them() -> None:
    result, code = gameday("second-outage")

    assert (code, result["report_calls"]) == (0, 0), result
    firsts = [text.splitlines()[0] for text in result["notifications"]]
    assert [line.split()[0] for line in firsts] == ["NO_ACCESS:", "ALREADY_HEALTHY", "NO_ACCESS:"]
    assert all("--stack pizza-remediator --region us-east-1" in text for text in result["notifications"])


def listed(action: str | list[str]) -> list[str]:
    return [action] if isinstance(action, str) else action
