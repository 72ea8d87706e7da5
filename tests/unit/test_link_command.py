"""What the command says of a link, without looking a name up."""

import json

import pytest
from click.testing import CliRunner

from remediator.report_link import fingerprint
from remediator_cli.link import check_link, link

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

    assert (code, shown["allowed"], shown["reason"]) == (0, True, "it is a report of an allowed host")
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
        (OTHER, "--no-resolve --allow-host a.test --allow-host factory.test:8443", 0),
        (GOOD, "--no-resolve --allow-host factory.test:8443", 3),
        (LOCAL, "--no-resolve --allow-host 127.0.0.1:8443", 3),
        (LOCAL, "--allow-host 127.0.0.1:8443", 3),  # an address needs no look-up
        (LOCAL, "--allow-host 127.0.0.1:8443 --allow-private", 0),
    ],
)
def test_the_hosts_given_take_the_place_of_the_usual_one(url: str, options: str, code: int) -> None:
    assert run(url, *options.split())[0] == code


def test_the_shape_of_2025_passes_where_allowed() -> None:
    old = f"https://cs329.cs.byu.edu/api/report?apiKey={KEY}&fixCode={KEY}"
    assert check_link(old, ["pizza-factory.cs329.click"], False)[1] == 3
    assert check_link(old, ["cs329.cs.byu.edu"], False)[1] == 0


def test_a_host_that_is_none_is_a_wrong_option() -> None:
    result = CliRunner().invoke(link, [GOOD, "--allow-host", "https://x/"])
    assert result.exit_code == 2
    assert "write a name" in result.output
