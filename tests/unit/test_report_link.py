"""The guard lets reports pass and nothing else.

GUARD_EXAMPLES sets how many examples each property tries (1,000 unless set).
"""

import copy
import os
import pickle
import string
from collections.abc import Sequence
from dataclasses import FrozenInstanceError

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remediator.report_link import (
    LinkPolicy,
    Refusal,
    ReportLink,
    Resolver,
    fingerprint,
    guard,
    readable_host,
)

HOST = "pizza-factory.cs329.click"
KEY = "9f0c41d87ab6e2359f0c41d87ab6e235"
CODE = "q7w8e9r1"
PATH = f"/api/support/{KEY}/report/{CODE}"
GOOD = f"https://{HOST}{PATH}"
LEGACY = f"https://cs329.cs.byu.edu/api/report?apiKey={KEY}&fixCode={KEY[::-1]}"
POLICY = LinkPolicy(frozenset({HOST, "factory.test:8443", "93.184.216.34", "127.0.0.1:8443"}))
GAME_DAY = LinkPolicy(frozenset({"127.0.0.1:8443", "127.0.0.1"}), allow_private=True)
WITH_LEGACY = LinkPolicy(frozenset({HOST, "cs329.cs.byu.edu"}))

SHAPE = "it is not https://host/api/support/<key>/report/<code> and nothing more"
UNLISTED = "its host and port are not on the allow-list"
ODD = "it holds a character that no report link has"
LONG = "it is longer than 512 characters"
SCHEME = "its scheme is not https"
USER = "it names a user"

HOSTILE: dict[str, dict[str, str]] = {
    "user part": {
        f"https://evil@{HOST}{PATH}": USER,
        f"https://evil:pw@{HOST}{PATH}": USER,
        f"https://{HOST}@evil.example{PATH}": USER,
        f"https://@{HOST}{PATH}": USER,
        f"https://{HOST}:443@evil.example{PATH}": USER,
        f"https://{HOST}%40evil.example{PATH}": SHAPE,
    },
    "scheme": {
        f"http://{HOST}{PATH}": SCHEME,
        f"HTTPS://{HOST}{PATH}": SCHEME,
        f"//{HOST}{PATH}": SCHEME,
        f"ftp://{HOST}{PATH}": SCHEME,
        f"file://{HOST}{PATH}": SCHEME,
        f"https:/{HOST}{PATH}": SCHEME,
        f"https:{HOST}{PATH}": SCHEME,
        f"x{GOOD}": SCHEME,
        PATH: SCHEME,
    },
    "other host": {
        f"https://evil.example{PATH}": UNLISTED,
        f"https://cs329.click{PATH}": UNLISTED,
        f"https://localhost{PATH}": UNLISTED,
        f"https://pizza-service.cs329.click{PATH}": UNLISTED,
        f"https://{PATH}": SHAPE,
    },
    "prefix and suffix": {
        f"https://{HOST}.evil.example{PATH}": UNLISTED,
        f"https://evil-{HOST}{PATH}": UNLISTED,
        f"https://evil.{HOST}{PATH}": UNLISTED,
        f"https://{HOST}s{PATH}": UNLISTED,
        f"https://{HOST[1:]}{PATH}": UNLISTED,
        f"https://{HOST[:-1]}{PATH}": UNLISTED,
        f"https://pizza-factoryxcs329.click{PATH}": UNLISTED,
    },
    "upper case": {
        f"https://{HOST.upper()}{PATH}": SHAPE,
        f"https://Pizza-factory.cs329.click{PATH}": SHAPE,
        f"https://{HOST}{PATH.replace('api', 'API')}": SHAPE,
        f"https://{HOST}/api/support/{KEY.upper()}/report/{CODE}": SHAPE,
        f"https://{HOST}/api/support/{KEY}/report/{CODE.upper()}": SHAPE,
    },
    "IDNA and homographs": {
        f"https://xn--pizza-factry-cmh.cs329.click{PATH}": UNLISTED,
        f"https://pizza-fact\u043ery.cs329.click{PATH}": ODD,
        f"https://pizza-factory.cs329.cl\u0131ck{PATH}": ODD,
        f"https://pizza-factory.cs329.clic\u212a{PATH}": ODD,
        f"https://p\u00edzza-factory.cs329.click{PATH}": ODD,
        f"https://pizza\u00ad-factory.cs329.click{PATH}": ODD,
        f"https://pizza-factory.cs\u0663\u0662\u0669.click{PATH}": ODD,
    },
    "full-width": {
        f"https://\uff50izza-factory.cs329.click{PATH}": ODD,
        f"https://pizza-factory\uff0ecs329.click{PATH}": ODD,
        f"https://pizza-factory\u3002cs329.click{PATH}": ODD,
        f"https://{HOST}\uff0f{PATH}": ODD,
        f"https:\uff0f\uff0f{HOST}{PATH}": ODD,
        f"https://{HOST}/api/support/{KEY[:-1]}\uff11/report/{CODE}": ODD,
    },
    "IPv4 in octal, hex and short": {
        f"https://0177.0.0.1:8443{PATH}": UNLISTED,
        f"https://0x7f.0.0.1:8443{PATH}": UNLISTED,
        f"https://0x7f000001:8443{PATH}": UNLISTED,
        f"https://2130706433:8443{PATH}": UNLISTED,
        f"https://127.1:8443{PATH}": UNLISTED,
        f"https://127.0.1:8443{PATH}": UNLISTED,
        f"https://0:8443{PATH}": UNLISTED,
        f"https://127.0.0.01:8443{PATH}": UNLISTED,
        f"https://127.0.0.1.:8443{PATH}": UNLISTED,
    },
    "IPv4 loopback and private": {
        f"https://127.0.0.1:8443{PATH}": "its host leads to 127.0.0.1, no public address",
        f"https://127.0.0.1{PATH}": UNLISTED,
        f"https://127.0.0.2{PATH}": UNLISTED,
        f"https://0.0.0.0{PATH}": UNLISTED,
        f"https://10.0.0.1{PATH}": UNLISTED,
    },
    "IPv6 and mapped": {
        f"https://[::1]{PATH}": SHAPE,
        f"https://[::ffff:127.0.0.1]{PATH}": SHAPE,
        f"https://[::ffff:7f00:1]:8443{PATH}": SHAPE,
        f"https://[64:ff9b::7f00:1]{PATH}": SHAPE,
        f"https://[fe80::1%25eth0]{PATH}": SHAPE,
        f"https://[::]{PATH}": SHAPE,
        f"https://[{HOST}]{PATH}": SHAPE,
        f"https://::1{PATH}": SHAPE,
    },
    "link-local and metadata": {
        f"https://169.254.169.254{PATH}": UNLISTED,
        "https://169.254.169.254/latest/meta-data/": SHAPE,
        f"https://169.254.170.2{PATH}": UNLISTED,
        f"https://[fd00:ec2::254]{PATH}": SHAPE,
        f"https://instance-data{PATH}": UNLISTED,
        f"https://169.254.169.254.nip.io{PATH}": UNLISTED,
    },
    "ports": {
        f"https://{HOST}:80{PATH}": UNLISTED,
        f"https://{HOST}:8443{PATH}": UNLISTED,
        f"https://{HOST}:{PATH}": SHAPE,
        f"https://{HOST}:0443{PATH}": SHAPE,
        f"https://{HOST}:65979{PATH}": UNLISTED,
        f"https://{HOST}:4294967739{PATH}": SHAPE,
        f"https://{HOST}:-443{PATH}": SHAPE,
        f"https://{HOST}:443:443{PATH}": SHAPE,
        f"https://{HOST}:443443{PATH}": SHAPE,
        f"https://{HOST}:\u0664\u0664\u0663{PATH}": ODD,
        f"https://factory.test{PATH}": UNLISTED,
        f"https://factory.test:443{PATH}": UNLISTED,
        f"https://factory.test:8444{PATH}": UNLISTED,
        f"https://127.0.0.1:84430{PATH}": UNLISTED,
    },
    "trailing dots": {
        f"https://{HOST}.{PATH}": UNLISTED,
        f"https://{HOST}..{PATH}": UNLISTED,
        f"https://{HOST}.:443{PATH}": UNLISTED,
        f"https://.{HOST}{PATH}": UNLISTED,
        f"https://pizza-factory..cs329.click{PATH}": UNLISTED,
        f"{GOOD}.": SHAPE,
    },
    "backslashes": {
        f"https://evil.example\\@{HOST}{PATH}": ODD,
        f"https://{HOST}\\@evil.example{PATH}": ODD,
        f"https:\\\\{HOST}{PATH}": ODD,
        f"https://{HOST}\\{PATH[1:]}": ODD,
        f"{GOOD}\\": ODD,
        GOOD.replace("/", "\\"): ODD,
    },
    "tabs and line ends": {
        f"{GOOD}\n": ODD,
        f"\n{GOOD}": ODD,
        f"{GOOD}\r\nHost: evil.example": ODD,
        f"https://{HOST}\t{PATH}": ODD,
        f" {GOOD}": ODD,
        f"{GOOD} ": ODD,
        f"https://{HOST}/api/support/{KEY}/report/xxu7\nyk81": ODD,
        f"{GOOD}\u2028": ODD,
        f"{GOOD}\x0b": ODD,
        f"{GOOD}\x7f": ODD,
        f"ht\ntps://{HOST}{PATH}": ODD,
    },
    "dot segments": {
        f"https://{HOST}/x/..{PATH}": SHAPE,
        f"https://{HOST}/.{PATH}": SHAPE,
        f"https://{HOST}/api/support/{KEY}/report/..": SHAPE,
        f"https://{HOST}/api/support/{KEY}/report/../report/{CODE}": SHAPE,
        f"https://{HOST}/api/support/../support/{KEY}/report/{CODE}": SHAPE,
        f"https://{HOST}/api/support/./{KEY}/report/{CODE}": SHAPE,
        f"{GOOD}/../../../../order": SHAPE,
        f"{GOOD}/..": SHAPE,
    },
    "percent signs": {
        f"https://{HOST}/api%2fsupport/{KEY}/report/{CODE}": SHAPE,
        f"https://{HOST}/api/support/{KEY}%2Freport%2F{CODE}": SHAPE,
        f"{GOOD}%00": SHAPE,
        f"https://{HOST}%00.evil.example{PATH}": SHAPE,
        f"https://{HOST}/api/support/{KEY}/report/%78xu7yk81": SHAPE,
        f"https://{HOST}/%2e%2e{PATH}": SHAPE,
        f"{GOOD}%0d%0aHost:%20evil.example": SHAPE,
        f"{GOOD}%252f": SHAPE,
    },
    "nothing bytes": {
        f"{GOOD}\x00": ODD,
        f"\x00{GOOD}": ODD,
        f"https://{HOST}\x00.evil.example{PATH}": ODD,
        f"https://{HOST}/api/support/{KEY}/report/\x00{CODE}": ODD,
        f"{GOOD}\ud800": ODD,
        f"\ufeff{GOOD}": ODD,
    },
    "double slash": {
        f"https://{HOST}/{PATH}": SHAPE,
        f"https:///{HOST}{PATH}": SHAPE,
        f"https://{HOST}/api//support/{KEY}/report/{CODE}": SHAPE,
        f"https://{HOST}/api/support/{KEY}//report/{CODE}": SHAPE,
        f"https://{HOST}/api/support/{KEY}/report//{CODE}": SHAPE,
        f"https://{HOST}/api/support//{KEY}/report/{CODE}": SHAPE,
    },
    "extra path": {
        f"{GOOD}/": SHAPE,
        f"{GOOD}/x": SHAPE,
        f"https://{HOST}/x{PATH}": SHAPE,
        f"{GOOD};x=1": SHAPE,
        f"{GOOD}-": SHAPE,
        f"{GOOD}{PATH}": SHAPE,
        f"{GOOD},{GOOD}": SHAPE,
        f"{GOOD}/https://u@x": SHAPE,
    },
    "query": {
        f"{GOOD}?": SHAPE,
        f"{GOOD}?x=1": SHAPE,
        f"{GOOD}?apiKey={KEY}&fixCode={KEY}": SHAPE,
        f"https://{HOST}?{PATH}": SHAPE,
        f"https://evil.example?@{HOST}{PATH}": SHAPE,
        f"{GOOD}&x": SHAPE,
    },
    "fragment": {
        f"{GOOD}#": SHAPE,
        f"{GOOD}#x": SHAPE,
        f"https://{HOST}#{PATH}": SHAPE,
        f"https://evil.example#@{HOST}{PATH}": SHAPE,
        f"https://{HOST}/api/support/{KEY}/report/#{CODE}": SHAPE,
    },
    "other paths of the same host": {
        f"https://{HOST}": SHAPE,
        f"https://{HOST}/": SHAPE,
        f"https://{HOST}/api/order": SHAPE,
        f"https://{HOST}/api/support/{KEY}": SHAPE,
        f"https://{HOST}/api/support/{KEY}/report": SHAPE,
        f"https://{HOST}/api/support/{KEY}/report/": SHAPE,
        f"https://{HOST}/api/support/{KEY}/chaos/{CODE}": SHAPE,
        f"https://{HOST}/api/admin/{KEY}/report/{CODE}": SHAPE,
        f"https://{HOST}/api/support/{KEY[1:]}/report/{CODE}": SHAPE,
        f"https://{HOST}/api/support/{KEY}0/report/{CODE}": SHAPE,
        f"https://{HOST}/api/support/g{KEY[1:]}/report/{CODE}": SHAPE,
        f"https://{HOST}/api/support//report/{CODE}": SHAPE,
        f"https://{HOST}/api/support/{KEY}/report/x_y": SHAPE,
    },
    "the shape of 2025 at another host": {
        LEGACY.replace("cs329.cs.byu.edu", HOST): "it is of the shape of 2025, which one host alone had",
        LEGACY: "its host and port are not on the allow-list",
        LEGACY + "&x=1": SHAPE,
        LEGACY.replace("https", "http"): SCHEME,
    },
    "over-long": {
        f"{GOOD}{'a' * 25}": SHAPE,
        f"https://{HOST}/api/support/{KEY}/report/{'a' * 10_000}": LONG,
        f"https://{'a' * 1_000_000}{PATH}": UNLISTED,
        f"{GOOD}?{'x' * 513}": LONG,
        " " * 513: LONG,
        " " * 512: ODD,
        f"{GOOD}/{'\n' * 600}": LONG,
    },
    "empty": {
        "": "it is empty",
        " ": ODD,
        "\n": ODD,
        "null": SCHEME,
        "https://": SHAPE,
        "https:///": SHAPE,
    },
    "other kinds of link": {
        "javascript:alert(1)": SCHEME,
        "data:text/html,x": SCHEME,
        f"gopher://{HOST}{PATH}": SCHEME,
        f"blob:{GOOD}": SCHEME,
        f"<{GOOD}>": SCHEME,
        f'"{GOOD}"': SCHEME,
    },
}
ROWS = [
    pytest.param(link, why, id=f"{kind}-{number}")
    for kind, links in HOSTILE.items()
    for number, (link, why) in enumerate(links.items())
]

ALLOWED = {
    "as of today": (GOOD, POLICY),
    "with a short code": (GOOD[:-7], POLICY),
    "with a long code": (GOOD + "0" * 24, POLICY),
    "with the port that https has anyway": (f"https://{HOST}:443{PATH}", POLICY),
    "with a listed port": (f"https://factory.test:8443{PATH}", POLICY),
    "of a public address on the list": (f"https://93.184.216.34{PATH}", POLICY),
    "of a game day": (f"https://127.0.0.1:8443{PATH}", GAME_DAY),
    "of a game day without a port": (f"https://127.0.0.1{PATH}", GAME_DAY),
    "of 2025, where allowed": (LEGACY, WITH_LEGACY),
    "of today, where 2025 is allowed too": (GOOD, WITH_LEGACY),
}


ALLOWED |= {
    f"with port {port}": (
        f"https://factory.test:{port}{PATH}",
        LinkPolicy(frozenset({f"factory.test:{port}"})),
    )
    for port in (1, 9, 20, 999, 65535)
}


def answers(*addresses: str) -> Resolver:
    def resolve(name: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


def not_asked(name: str, port: int) -> Sequence[str]:
    raise AssertionError(f"{name}:{port} was looked up")


def passed(candidate: str, policy: LinkPolicy = POLICY) -> ReportLink:
    link = guard(candidate, policy, answers("93.184.216.34"))
    assert isinstance(link, ReportLink)
    return link


@pytest.mark.parametrize(("candidate", "why"), ROWS)
def test_a_hostile_link_is_refused_with_its_reason_and_never_looked_up(candidate: str, why: str) -> None:
    refusal = guard(candidate, POLICY, not_asked)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == why
    assert not refusal.lookup_failed


@pytest.mark.parametrize(("candidate", "why"), ROWS)
def test_a_refusal_never_holds_the_link_its_key_or_its_code(candidate: str, why: str) -> None:
    shown = repr(guard(candidate, POLICY, not_asked))
    assert candidate not in shown or len(candidate) <= len("https://")
    assert KEY not in shown.lower()
    assert CODE not in shown
    assert shown.isascii()
    assert "\n" not in shown


@pytest.mark.parametrize("kind", HOSTILE)
def test_each_class_of_hostile_links_has_four_or_more(kind: str) -> None:
    assert len(HOSTILE[kind]) >= 4


@pytest.mark.parametrize(("candidate", "policy"), ALLOWED.values(), ids=ALLOWED)
def test_a_good_link_passes_as_it_is(candidate: str, policy: LinkPolicy) -> None:
    link = passed(candidate, policy)
    assert link.reveal() == candidate
    assert requests.Request("GET", link.reveal()).prepare().url == candidate


def test_a_link_carries_host_port_fingerprint_and_the_addresses_that_were_judged() -> None:
    link = guard(f"https://factory.test:8443{PATH}", POLICY, answers("1.1.1.1", "2606:4700::1111"))
    assert isinstance(link, ReportLink)
    assert (link.host, link.port) == ("factory.test", 8443)
    assert link.addresses == ("1.1.1.1", "2606:4700::1111")
    assert link.fingerprint == fingerprint(link.reveal())
    assert fingerprint("abc") == "ba7816bf8f01"
    assert fingerprint("\u00e9") == "4a99557e4033"


def test_a_link_without_a_port_has_port_443() -> None:
    assert passed(GOOD).port == 443


def test_the_resolver_is_asked_for_the_host_and_port_of_the_link() -> None:
    asked = []

    def resolve(name: str, port: int) -> Sequence[str]:
        asked.append((name, port))
        return ["1.1.1.1"]

    guard(GOOD, POLICY, resolve)
    guard(f"https://factory.test:8443{PATH}", POLICY, resolve)
    assert asked == [(HOST, 443), ("factory.test", 8443)]


def test_without_a_resolver_a_name_passes_and_has_no_addresses() -> None:
    link = guard(GOOD, POLICY, None)
    assert isinstance(link, ReportLink)
    assert link.addresses == ()


def test_without_a_resolver_a_literal_address_is_judged_all_the_same() -> None:
    assert isinstance(guard(f"https://127.0.0.1:8443{PATH}", POLICY, None), Refusal)
    link = guard(f"https://93.184.216.34{PATH}", POLICY, None)
    assert isinstance(link, ReportLink)
    assert link.addresses == ("93.184.216.34",)


def test_a_literal_address_is_never_looked_up() -> None:
    assert isinstance(guard(f"https://93.184.216.34{PATH}", POLICY, not_asked), ReportLink)


def test_a_name_system_that_fails_is_told_from_a_bad_link() -> None:
    def fails(name: str, port: int) -> Sequence[str]:
        raise OSError(f"no answer about {name}")

    refusal = guard(GOOD, POLICY, fails)
    assert refusal == Refusal("its host could not be looked up", HOST, fingerprint(GOOD), lookup_failed=True)
    assert refusal == guard(GOOD, POLICY, answers())


def test_one_private_address_among_public_ones_refuses_the_link() -> None:
    for addresses in (("1.1.1.1", "10.0.0.1"), ("10.0.0.1", "1.1.1.1")):
        refusal = guard(GOOD, POLICY, answers(*addresses))
        assert isinstance(refusal, Refusal)
        assert refusal.reason == "its host leads to 10.0.0.1, no public address"
        assert refusal.host == HOST


def test_what_is_no_address_refuses_the_link_and_is_shown_in_part() -> None:
    refusal = guard(GOOD, POLICY, answers("x" * 1000))
    assert isinstance(refusal, Refusal)
    assert refusal.reason == f"its host leads to {'x' * 45}, no public address"


def test_private_addresses_pass_where_the_policy_says_so() -> None:
    policy = LinkPolicy(frozenset({HOST}), allow_private=True)
    assert isinstance(guard(GOOD, policy, answers("10.0.0.1", "::1")), ReportLink)
    assert isinstance(guard(GOOD, policy, answers("169.254.169.254")), Refusal)


def test_an_allow_list_of_nothing_allows_nothing() -> None:
    assert isinstance(guard(GOOD, LinkPolicy(frozenset()), not_asked), Refusal)


# --- the policy


def test_the_allow_list_is_lower_cased() -> None:
    policy = LinkPolicy(frozenset({"Pizza-Factory.CS329.click:8443"}))
    assert policy.allowed_hosts == {"pizza-factory.cs329.click:8443"}


def test_an_entry_with_port_443_allows_the_link_with_and_without_it() -> None:
    policy = LinkPolicy(frozenset({f"{HOST}:443"}))
    passed(GOOD, policy)
    passed(f"https://{HOST}:443{PATH}", policy)


def test_private_addresses_and_the_shape_of_2025_are_off_unless_set() -> None:
    assert POLICY.allow_private is False


@pytest.mark.parametrize(
    "entry",
    [
        *("", " ", "*", "*.cs329.click", f"https://{HOST}", f"{HOST}/", f"{HOST}.", f".{HOST}"),
        *(f"{HOST}:", f"{HOST}:0", f"{HOST}:0443", f"{HOST}:65536", f"{HOST}:123456"),
        *(f"{HOST}:x", f"user@{HOST}", f"{HOST}\n", f" {HOST}", f"{HOST},evil.example"),
        *("pizza..click", "-pizza.click", "pizza-.click", "pizza.-click", "pizza.click-"),
        *("clic\u212a.example", "piz\u00e4a.click", f"{'a' * 64}.click", "a_b.click"),
        *("127.1", "0177.0.0.1", "0x7f000001", "0x7f.0.0.1", "2130706433", "1.2.3.256", "a.0x1"),
        *("127.9", "127.1:8443", "a.0x9", "9", "a" * 64, f"a.{'a' * 64}"),
        *("1.2.3.4.5", "example.0x", "[::1]", "::1", "[::1]:443", ".".join(["a" * 62] * 4) + ".aa"),
    ],
)
def test_an_entry_that_is_no_host_is_refused_with_what_to_write(entry: str) -> None:
    with pytest.raises(ValueError, match="write a name") as caught:
        LinkPolicy(frozenset({entry}))
    assert str(caught.value) == (
        f"The allow-list entry {entry!r} is not a host: write a name or a four-part IPv4 "
        "address, with :port unless it is 443, such as pizza-factory.cs329.click."
    )


@pytest.mark.parametrize(
    "entry",
    [
        *(
            "localhost",
            "localhost:1",
            f"{HOST}:65535",
            "a.b",
            "xn--80ak6aa92e.example",
            "3com.example",
        ),
        *("0xa.example", "1.2.3.4", "1.2.3.4:80", f"{'a' * 63}.click", "a--b.click", "0.example"),
        *("shop2", "shop.example9", "shop.c0m", "a" * 63, "a.b:9", "a.b:99", "a.b:10"),
        ".".join(["a" * 62] * 4) + ".a",
    ],
)
def test_a_name_or_a_four_part_address_is_an_entry(entry: str) -> None:
    assert LinkPolicy(frozenset({entry})).allowed_hosts == {entry}


# --- the type


def test_nobody_but_the_guard_makes_a_link() -> None:
    with pytest.raises(TypeError, match=r"^Only report_link\.guard makes a ReportLink\.$"):
        ReportLink(object(), GOOD, HOST, 443, ())
    with pytest.raises(TypeError, match=r"^Only report_link\.guard makes a ReportLink\.$"):
        type("Own", (ReportLink,), {})


def test_a_link_shows_itself_as_host_and_fingerprint_only() -> None:
    link = passed(GOOD)
    expected = f"<link {HOST} {fingerprint(GOOD)}>"
    assert repr(link) == str(link) == f"{link}" == "%s" % link == expected  # noqa: UP031
    assert repr([link]) == f"[{expected}]"


def test_a_link_is_neither_pickled_nor_copied() -> None:
    link = passed(GOOD)
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match=r"neither pickled nor copied: it holds a credential\.$"):
            way(link)
    with pytest.raises(TypeError):
        vars(link)


def test_a_link_does_not_change() -> None:
    link = passed(GOOD)
    with pytest.raises(AttributeError, match=r"it doesn't change\.$"):
        link.addresses = ("127.0.0.1",)
    with pytest.raises(AttributeError, match=r"it doesn't change\.$"):
        del link.addresses
    assert link.addresses == ("93.184.216.34",)


def test_links_are_equal_by_the_link_whatever_their_addresses() -> None:
    link, same = passed(GOOD), guard(GOOD, POLICY, answers("1.1.1.1"))
    assert link == same
    assert hash(link) == hash(same)
    assert link != passed(GOOD + "x")
    assert link != GOOD


def test_policy_and_refusal_do_not_change_either() -> None:
    refusal = Refusal("reason", "host", "fingerprint")
    assert not refusal.lookup_failed
    assert not hasattr(refusal, "__dict__")
    for record, name in ((refusal, "reason"), (POLICY, "allow_private")):
        with pytest.raises(FrozenInstanceError):
            setattr(record, name, "x")


# --- what people see of a host


@pytest.mark.parametrize(
    ("url", "host"),
    [
        (GOOD, HOST),
        ("http://evil.example:81/x", "evil.example:81"),
        (f"https://{HOST}@evil.example/", "evil.example"),
        ("https://a:b@c@evil.example?x", "evil.example"),
        ("https://evil.example#@x", "evil.example"),
        ("https://evil.example\\@x", "evil.example"),
        ("https://evil.example/@x", "evil.example"),
        ("https://[::1]:80/", "unreadable"),
        ("https://[::1]/", "::1"),
        ("https://EVIL.example/", "unreadable"),
        ("https://ev\u0131l.example/", "unreadable"),
        ("https://evil.example\n", "unreadable"),
        (f"https://{KEY}.evil.example/", "unreadable"),
        (f"https://evil.example:{KEY}/", "unreadable"),
        (f"https://{'x' * 253}/", "x" * 253),
        (f"https://{'x' * 254}/", "unreadable"),
        ("x https://evil.example/", "unreadable"),
        ("https://10.0.0.9/", "10.0.0.9"),
        ("https://a/", "a"),
        ("https:///x", "unreadable"),
        ("https://evil.example?@x.example/", "evil.example"),
        (f"https://{KEY}@evil.example/", "evil.example"),
        (f"https://{KEY[1:]}.example/", f"{KEY[1:]}.example"),
        ("https://[::1", "::1"),
        ("", "unreadable"),
    ],
)
def test_a_host_is_shown_only_when_it_is_plain(url: str, host: str) -> None:
    assert readable_host(url) == host


# --- properties

EXAMPLES = int(os.environ.get("GUARD_EXAMPLES", "1000"))
thorough = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
KEYS = st.text("0123456789abcdef", min_size=32, max_size=32)
CODES = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=32)
GOOD_LINKS = st.builds(
    lambda host, key, code: f"https://{host}/api/support/{key}/report/{code}",
    st.sampled_from([HOST, f"{HOST}:443", "factory.test:8443", "93.184.216.34"]),
    KEYS,
    CODES,
)
NASTY = st.one_of(
    st.sampled_from([*"/\\@:?#%.\n\r\t \x00;&=[]\uff0f\u3002\u212a\ud800", "..", "//", "%2f", "%00"]),
    st.sampled_from([HOST, "evil.example", "127.0.0.1", "[::1]", ":8443", "@", "http", "443", PATH]),
    st.characters(),
)


@st.composite
def twisted(draw: st.DrawFn) -> str:
    """A good link with one to three pieces put in, taken out or replaced."""
    link = draw(GOOD_LINKS)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(link)))
        end = start + draw(st.sampled_from([0, 0, 1, 1, 2, 8]))
        link = link[:start] + draw(st.one_of(NASTY, st.just(""))) + link[end:]
    return link


COMPOSED = st.builds(
    lambda *parts: "".join(parts),
    st.sampled_from(["https://", "https://", "http://", "https:/", "HTTPS://", "", "//"]),
    st.sampled_from(["", "", "", "@", "u@", "u:p@", "evil.example\\@", "evil.example#@"]),
    st.sampled_from([HOST, HOST, f"{HOST}.", f"x{HOST}", f"{HOST}.evil.example", "127.0.0.1"]),
    st.sampled_from(["", "", "", ":", ":443", ":8443", ":80", ":0443", ":443:443", ":443@x"]),
    st.sampled_from(["/api/support/", "/api/support/", "/api//support/", "/API/support/", "/"]),
    st.one_of(KEYS, st.text(max_size=40)),
    st.sampled_from(["/report/", "/report/", "/report", "/chaos/", "//report/", "/../report/"]),
    st.one_of(CODES, st.text(max_size=40)),
    st.sampled_from(["", "", "", "/", "?", "#", "?a=b", "#x", "\n", " ", "/..", "%00"]),
)


def is_report(link: str) -> bool:
    """The same rule said in another way: split, then look at each part."""
    parts = link.split("/")
    if len(parts) != 8:
        return False
    scheme, nothing, place, api, support, key, report, code = parts
    return (
        (scheme, nothing, api, support, report) == ("https:", "", "api", "support", "report")
        and place in {HOST, f"{HOST}:443", "factory.test:8443", "93.184.216.34", "93.184.216.34:443"}
        and len(key) == 32
        and set(key) <= set("0123456789abcdef")
        and 1 <= len(code) <= 32
        and set(code) <= set(string.ascii_lowercase + string.digits)
    )


@thorough
@given(st.one_of(twisted(), COMPOSED, GOOD_LINKS, st.text()))
def test_nothing_passes_but_a_report_of_a_listed_host(candidate: str) -> None:
    verdict = guard(candidate, POLICY, answers("93.184.216.34"))
    assert isinstance(verdict, ReportLink) == is_report(candidate)
    if isinstance(verdict, ReportLink):
        assert verdict.reveal() == candidate
        assert requests.Request("GET", candidate).prepare().url == candidate


@thorough
@given(st.one_of(twisted(), COMPOSED, st.text()))
def test_a_refusal_can_always_be_shown(candidate: str) -> None:
    verdict = guard(candidate, POLICY, answers("10.0.0.1"))
    assert isinstance(verdict, Refusal) or "93.184.216.34" in verdict.host
    assert repr(verdict).isascii()
    assert KEY not in repr(verdict)
