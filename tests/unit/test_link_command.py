"""What the command says of a link, without looking a name up."""

import json

import pytest
from click.testing import CliRunner

from remediator.report_link import fingerprint
from remediator_cli.link import link

TODAY = "https://{}/api/support/{{key}}/report/{{code}}"
KEY = "9f0c41d87ab6e2359f0c41d87ab6e235"
PATH = f"/api/support/{KEY}/report/q7w8e9r1"
GOOD = f"https://pizza-factory.cs329.click{PATH}"
OTHER = f"https://factory.test:8443{PATH}"
LOCAL = f"https://127.0.0.1:8443{PATH}"


def run(*arguments: str) -> tuple[int, dict[str, object]]:
    result = CliRunner().invoke(link, arguments)
    assert KEY not in result.output
    return result.exit_code, json.loads(result.output)


def test_a_good_link_would_be_called() -> None:
    code, shown = run(GOOD, "--no-resolve")

    assert (code, shown["allowed"], shown["reason"]) == (0, True, "it fits an allowed template, whole")
    assert (shown["host"], shown["fingerprint"]) == ("pizza-factory.cs329.click", fingerprint(GOOD))


@pytest.mark.parametrize("url", ["", "https://", GOOD + "/", GOOD.replace("https", "http"), LOCAL])
def test_another_link_would_not(url: str) -> None:
    code, shown = run(url, "--no-resolve")
    assert code == 3
    assert shown.keys() == {"allowed", "reason", "host", "fingerprint"}
    assert shown["allowed"] is False
    assert shown["fingerprint"] == fingerprint(url)


@pytest.mark.parametrize(
    ("url", "options", "code"),
    [
        (OTHER, f"--no-resolve --allow https://a.test/{{key}}/{{code}} --allow {TODAY.format('factory.test:8443')}", 0),
        (GOOD, f"--no-resolve --allow {TODAY.format('factory.test:8443')}", 3),
        (f"https://a.test/{KEY}/x", "--no-resolve --allow https://a.test/{key}/{code}", 0),
        (LOCAL, f"--no-resolve --allow {TODAY.format('127.0.0.1:8443')}", 3),
        (LOCAL, f"--allow {TODAY.format('127.0.0.1:8443')}", 3),  # an address needs no look-up
        (LOCAL, f"--allow {TODAY.format('127.0.0.1:8443')} --allow-private", 0),
    ],
)
def test_the_templates_given_take_the_place_of_the_usual_one(url: str, options: str, code: int) -> None:
    assert run(url, *options.split())[0] == code


def test_a_template_that_is_none_is_a_wrong_option() -> None:
    result = CliRunner().invoke(link, [GOOD, "--allow", "https://u@factory.test/{key}/{code}"])

    assert result.exit_code == 2
    assert "it names a user" in " ".join(result.output.split())
