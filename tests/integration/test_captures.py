"""What each answer of the contract shows when it is taken for an order: a table of names and verdicts."""

from datetime import UTC, datetime

import pytest

from console.gameday.shop import Shop
from remediator.diagnosis import diagnose
from remediator.jwt import Keys, read_keys
from remediator.sample import Sample
from tests.replay import ROWS, Visitor

VERDICTS = {
    "badjwt": """
        order-200-chaos-badjwt
    """,
    "fail": """
        factory-direct-500-chaos-fail order-500-chaos-0items-fast order-500-chaos-fail-2
        order-500-chaos-fail-3 order-500-chaos-fail-4 order-500-chaos-fail-realhost order-500-chaos-fail
        order-500-still-chaos
    """,
    "healthy": """
        order-200-after-fix order-200-after-head order-200-chaos-rescheduled
        order-200-chaos-scheduled-not-started order-200 order-bogus-franchise-store-200
        order-lowercase-bearer-200
    """,
    "no_link": """
        auth-login-badjson auth-login-emptybody auth-login-no-content-type auth-login-wrong-method-post
        auth-register-missing-400 chaos-initiate-badtype-400 factory-order-missing-400
        factory-verify-badjwt-403 order-0items-500-slow order-21items-500-slow order-500-factory-badkey
        order-500-factory-down order-badjson-400 order-nobody-500 order-nofranchise-500
        report-get-stale-code-400 report-get-wrongcode-400
    """,
    "throttle": """
        order-200-chaos-throttle
    """,
    "unauthorized": """
        auth-logout-401 chaos-initiate-noauth-401 factory-order-badkey-401 order-401-chaos-noauth
        order-after-logout-401 order-badsig-401 order-badtoken-401 order-list-401 order-noauth-401
        order-token-without-bearer-401
    """,
    "unreachable": """
        auth-login-200 auth-login-500-db-down-root auth-login-nopassword auth-login-unknown auth-login-wrongpw
        auth-logout-200 auth-register-200 chaos-initiate-200 chaos-vendor-view factory-order-200 franchise-200
        menu-200 order-list-200 order-put-404 report-delete-404 report-get-200-resolved-badjwt
        report-get-200-resolved-throttle report-get-200-resolved report-get-again-200-nochaos
        report-get-again-wrongcode-200-nochaos report-get-nocode-404 report-get-wrongkey-200-nochaos
        report-head-resolves report-options report-post-404 report-put-404 root-200 unknown-404 user-me-200
    """,
}
NAMED = {name: verdict for verdict, names in VERDICTS.items() for name in names.split()}


def test_every_capture_has_its_verdict() -> None:
    assert set(NAMED) == set(ROWS)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_answer_shows(name: str) -> None:
    with Shop(slow_seconds=0, **ROWS[name].shop or {}) as shop:
        visitor = Visitor(shop)
        answer = ROWS[name].send(visitor)
        keys: Keys = {}
        if answer.status_code == 200:  # a failed order holds no JWT to judge
            keys = read_keys(visitor.send("factory", "GET", "/.well-known/jwks.json").content)

    shown = diagnose([Sample(datetime.now(UTC), 0.0, answer.status_code, answer.content)], keys)

    assert shown.verdict == NAMED[name], shown
    assert bool(shown.links) == (shown.verdict in ("fail", "badjwt", "throttle"))
    assert shown.evidence.startswith(f"{answer.status_code}, ")
