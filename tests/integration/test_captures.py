"""The stand-in shop against the captures of the real one, and the symptom that each answer shows."""

from datetime import UTC, datetime
from functools import cache

import pytest
import requests

from remediator.diagnosis import WITH_LINK, diagnose
from remediator.jwt import Keys, read_keys
from remediator.sample import Sample
from simulator.paths import ROOT
from simulator.shop import Shop
from tests.support.replay import ROWS, Visitor, captured, shown

CAPTURES = ROOT.parent / "shared" / "contract" / "captures"
SYMPTOMS = {
    ("badjwt", 200): "order-200-chaos-badjwt",
    ("fail", 500): """
        factory-direct-500-chaos-fail order-500-chaos-0items-fast order-500-chaos-fail-2 order-500-chaos-fail-3
        order-500-chaos-fail-4 order-500-chaos-fail-realhost order-500-chaos-fail order-500-still-chaos
    """,
    ("healthy", 200): """
        order-200-after-fix order-200-after-head order-200-chaos-rescheduled order-200-chaos-scheduled-not-started
        order-200 order-bogus-franchise-store-200 order-lowercase-bearer-200
    """,
    ("no_link", 400): """
        auth-login-badjson auth-login-wrong-method-post auth-register-missing-400 chaos-initiate-badtype-400
        factory-order-missing-400 order-badjson-400 report-get-stale-code-400 report-get-wrongcode-400
    """,
    ("no_link", 403): "factory-verify-badjwt-403",
    ("no_link", 500): """
        auth-login-emptybody auth-login-no-content-type order-0items-500-slow order-21items-500-slow
        order-500-factory-badkey order-500-factory-down order-nobody-500 order-nofranchise-500
    """,
    ("throttle", 200): "order-200-chaos-throttle",
    ("unauthorized", 401): """
        auth-logout-401 chaos-initiate-noauth-401 factory-order-badkey-401 order-401-chaos-noauth
        order-after-logout-401 order-badsig-401 order-badtoken-401 order-list-401 order-noauth-401
        order-token-without-bearer-401
    """,
    ("unreachable", 200): """
        auth-login-200 auth-login-500-db-down-root auth-login-nopassword auth-logout-200 auth-register-200
        chaos-initiate-200 chaos-vendor-view factory-order-200 franchise-200 menu-200 order-list-200
        report-get-200-resolved-badjwt report-get-200-resolved-throttle report-get-200-resolved
        report-get-again-200-nochaos report-get-again-wrongcode-200-nochaos report-get-wrongkey-200-nochaos
        report-head-resolves report-options root-200 user-me-200
    """,
    ("unreachable", 404): """
        auth-login-unknown auth-login-wrongpw order-put-404 report-delete-404 report-get-nocode-404 report-post-404
        report-put-404 unknown-404
    """,
}
SHOWN = {name: shown for shown, names in SYMPTOMS.items() for name in names.split()}


@cache
def replayed(name: str) -> tuple[requests.Response, Keys]:
    """A fresh shop's answer, and the keys that its JWT is to be verified by."""
    with Shop(slow_seconds=0, **ROWS[name].shop) as shop:
        visitor = Visitor(shop)
        answer = ROWS[name].send(visitor)
        if answer.status_code != 200:  # a failed order holds no JWT to judge
            return answer, {}
        return answer, read_keys(visitor.send("GET", "/.well-known/jwks.json", server="factory").content)


@pytest.mark.parametrize("name", ROWS)
def test_an_answer_of_the_shop_shows_its_symptom(name: str) -> None:
    answer, keys = replayed(name)

    found = diagnose([Sample(datetime.now(UTC), 0.0, answer.status_code, answer.content)], keys)

    assert (found.symptom, answer.status_code) == SHOWN[name], found
    assert bool(found.links) == (found.symptom in WITH_LINK)


@pytest.mark.skipif(not CAPTURES.exists(), reason="the captures of the real shop aren't beside this checkout")
@pytest.mark.parametrize("name", ROWS)
def test_the_stand_in_answers_as_the_real_shop_did(name: str) -> None:
    assert shown(replayed(name)[0]) == captured((CAPTURES / f"{name}.txt").read_text())


@pytest.mark.skipif(not CAPTURES.exists(), reason="the captures of the real shop aren't beside this checkout")
def test_every_capture_is_replayed() -> None:
    assert {path.stem for path in CAPTURES.glob("*.txt")} == ROWS.keys()
