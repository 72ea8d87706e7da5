"""The guard lets reports pass and nothing else.

GUARD_EXAMPLES sets how many examples each property tries (1,000 unless set).
"""

import os
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remediator.link_template import read_templates
from remediator.report_link import (
    LinkPolicy,
    Refusal,
    ReportLink,
    Resolver,
    fingerprint,
    guard,
    guard_offered,
    readable_host,
)
from simulator.paths import ROOT

HOST = "pizza-factory.cs329.click"
KEY = "9f0c41d87ab6e2359f0c41d87ab6e235"
CODE = "q7w8e9r1"
PATH = f"/api/support/{KEY}/report/{CODE}"
GOOD = f"https://{HOST}{PATH}"
TODAY = "https://{}/api/support/{{key}}/report/{{code}}"
OF_2025 = "https://cs329.cs.byu.edu/api/report?apiKey={key}&fixCode={code}"
OWN = f"https://{HOST}/v2/errors-{{code}}.json/of/x{{key}}/"
TEMPLATES = f"{TODAY.format(HOST)} {OWN} {OF_2025} " + " ".join(
    TODAY.format(host) for host in ("factory.test:8443", "93.184.216.34", "127.0.0.1:8443")
)


def allowing(templates: str, *, private: bool = False) -> LinkPolicy:
    return LinkPolicy(read_templates(templates), allow_private=private)


POLICY = allowing(TEMPLATES)
GAME_DAY = allowing(f"{TODAY.format('127.0.0.1:8443')} {TODAY.format('127.0.0.1')}", private=True)

SHAPE = "its host is allowed, and its shape is not"
UNLISTED = "its host and port are in no template of AllowedReportLinks"
ODD = "it holds a character that no report link has"
LONG = "it is longer than 512 characters"
SCHEME = "its scheme is not https"
USER = "it names a user"
NO_ANSWER = "its host could not be looked up"

# Between https:// and a report's path.
HOSTS = {
    UNLISTED: """
        evil.example cs329.click localhost pizza-service.cs329.click xn--pizza-factry-cmh.cs329.click
        HOST.evil.example evil-HOST evil.HOST HOSTs izza-factory.cs329.click pizza-factory.cs329.clic
        pizza-factoryxcs329.click HOST. HOST.. HOST.:443 .HOST pizza-factory..cs329.click
        0177.0.0.1:8443 0x7f.0.0.1:8443 0x7f000001:8443 2130706433:8443 127.1:8443 127.0.1:8443 0:8443
        127.0.0.01:8443 127.0.0.1.:8443 127.0.0.1 127.0.0.2 0.0.0.0 10.0.0.1
        169.254.169.254 169.254.170.2 instance-data 169.254.169.254.nip.io
        HOST:80 HOST:443 HOST:8443 HOST:65979 factory.test factory.test:443 factory.test:8444 127.0.0.1:84430
        PIZZA-FACTORY.CS329.CLICK Pizza-factory.cs329.click HOST%40evil.example HOST%00.evil.example
        [::1] [::ffff:127.0.0.1] [::ffff:7f00:1]:8443 [64:ff9b::7f00:1] [fe80::1%25eth0] [::] [HOST] ::1 [fd00:ec2::254]
        HOST: HOST:0443 HOST:4294967739 HOST:-443 HOST:443:443 HOST:443443 /HOST
        HOST# evil.example?@HOST evil.example#@HOST cs329.cs.byu.edu.evil.example 93.184.216.34:8443
    """,
    SHAPE: "HOST? HOST/x/.. HOST/. HOST/%2e%2e HOST/ HOST/x",
    USER: "evil@HOST evil:pw@HOST HOST@evil.example @HOST HOST:443@evil.example",
    ODD: """
        pizza-fact\u043ery.cs329.click pizza-factory.cs329.cl\u0131ck pizza-factory.cs329.clic\u212a
        p\u00edzza-factory.cs329.click pizza\u00ad-factory.cs329.click pizza-factory.cs\u0663\u0662\u0669.click
        \uff50izza-factory.cs329.click pizza-factory\uff0ecs329.click pizza-factory\u3002cs329.click HOST\uff0f
        HOST:\u0664\u0664\u0663 HOST\0.evil.example evil.example\\@HOST HOST\\@evil.example
    """,
}
# After the factory's host.
PATHS = {
    SHAPE: """
        / /api/order /api/support/KEY /api/support/KEY/report /api/support/KEY/report/ /api/support/KEY/chaos/CODE
        /api/admin/KEY/report/CODE /api/support/KEY-/report/CODE /api/support/g.KEY/report/CODE
        /api/support//report/CODE /api/support/KEY/report/x_y /api/support/KEYKEYK/report/CODE
        /API/support/KEY/report/CODE /api/support/KEY/report/..
        /api/support/KEY/report/../report/CODE /api/support/../support/KEY/report/CODE
        /api/support/./KEY/report/CODE /api%2fsupport/KEY/report/CODE /api/support/KEY%2Freport%2FCODE
        /api/support/KEY/report/%78xu7yk81 /api//support/KEY/report/CODE /api/support/KEY//report/CODE
        /api/support/KEY/report//CODE /api/support//KEY/report/CODE /api/support/KEY/report/#CODE
        /v2/errors-CODE.json/of/xKEY /v2/errors-CODExjson/of/xKEY/ /v2/errors-.json/of/xKEY/ /v2/errors-CODE.json/of/x/
        /v2/errors-{code}.json/of/x{key}/ /api/report?apiKey=KEY&fixCode=CODE
    """,
    ODD: """
        /api/support/9f0c41d87ab6e2359f0c41d87ab6e23\uff11/report/CODE /api/support/KEY/report/\0CODE
        \\api/support/KEY/report/CODE
    """,
}
# After a whole report link.
TAILS = {
    SHAPE: """
        . / /x /.. /../../../../order ;x=1 - PATH ,GOOD /https://u@x
        aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
       
        %00 %0d%0aHost:%20evil.example %252f ? ?x=1 ?apiKey=KEY&fixCode=KEY &x # #x
    """,
    ODD: "\\ \0 \x7f \ud800",
}
WHOLE = {
    SHAPE: """
        https://HOST https://cs329.cs.byu.edu/api/report?fixCode=CODE&apiKey=KEY
        https://cs329.cs.byu.edu/api/report?apiKey=KEY&fixCode=CODE&x=1 https://cs329.cs.byu.edu/api/report?apiKey=KEY
        https://cs329.cs.byu.edu/api/report?apiKey=KEY&amp;fixCode=CODE https://cs329.cs.byu.eduPATH
        https://cs329.cs.byu.edu/api/report?apiKey=KEY&fixCode=CODE#
    """,
    UNLISTED: [
        *("https://", "https:///", "https://PATH", "https://169.254.169.254/latest/meta-data/"),
        f"https://{'a' * 400}PATH",
    ],
    SCHEME: """
        http://HOSTPATH HTTPS://HOSTPATH //HOSTPATH ftp://HOSTPATH file://HOSTPATH gopher://HOSTPATH https:/HOSTPATH
        https:HOSTPATH xGOOD PATH blob:GOOD <GOOD> "GOOD" null javascript:alert(1) data:text/html,x
        http://cs329.cs.byu.edu/api/report?apiKey=KEY&fixCode=KEY
    """,
    ODD: [
        *("GOOD\n", "\nGOOD", " GOOD", "GOOD ", "GOOD\r\nHost: evil.example", "GOOD\u2028", "GOOD\x0b", " ", "\n"),
        *("https://HOST\tPATH", "ht\ntps://HOSTPATH", f"https://HOST/api/support/{KEY}/report/xxu7\nyk81", " " * 512),
        *("\0GOOD", "\ufeffGOOD", "https:\\\\HOSTPATH", "https:\uff0f\uff0fHOSTPATH", GOOD.replace("/", "\\")),
    ],
    LONG: [
        f"https://{'a' * 1_000_000}PATH",
        f"GOOD{'a' * 10_000}",
        f"GOOD?{'x' * 513}",
        f"GOOD/{'\n' * 600}",
        " " * 513,
    ],
    "it is empty": [""],
}


def filled(table: Mapping[str, Sequence[str]], before: str = "", after: str = "") -> Iterator[Any]:
    """Links, each with what is said of it: the reason why it is refused, or the host that is shown."""
    for what, listed in table.items():
        for text in listed.split() if isinstance(listed, str) else listed:
            link = before + text + after
            for name, value in {"GOOD": GOOD, "PATH": PATH, "HOST": HOST, "KEY": KEY, "CODE": CODE}.items():
                link = link.replace(name, value)
            yield pytest.param(link, what, id=ascii(text[:60]))


HOSTILE = [*filled(HOSTS, "https://", "PATH"), *filled(PATHS, "https://HOST"), *filled(TAILS, "GOOD"), *filled(WHOLE)]

ALLOWED = {
    "as of today": (GOOD, POLICY),
    "with a short code": (GOOD[:-7], POLICY),
    "with a long code": (GOOD + "0" * 24, POLICY),
    "of a public address on the list": (f"https://93.184.216.34{PATH}", POLICY),
    "of a game day": (f"https://127.0.0.1:8443{PATH}", GAME_DAY),
    "of a game day without a port": (f"https://127.0.0.1{PATH}", GAME_DAY),
    "of 2025": (f"https://cs329.cs.byu.edu/api/report?apiKey={KEY}&fixCode={KEY[::-1]}", POLICY),
    "of a vendor whose key is short": (f"https://{HOST}/api/support/aB3/report/Z9", POLICY),
    "with a key and a code of 64": (f"https://{HOST}/api/support/{KEY}{KEY}/report/{KEY}{KEY}", POLICY),
    "of a path of one's own": (f"https://{HOST}/v2/errors-{CODE}.json/of/x{KEY}/", POLICY),
    **{
        f"with port {port}": (f"https://factory.test:{port}{PATH}", allowing(TODAY.format(f"factory.test:{port}")))
        for port in (1, 9, 20, 999, 8443, 65535)
    },
}


def leads_to(*addresses: str) -> Resolver:
    return lambda name, port: addresses


def never_asked(name: str, port: int) -> Sequence[str]:
    raise AssertionError(f"{name}:{port} was looked up")


def fails(name: str, port: int) -> Sequence[str]:
    raise OSError(f"no answer about {name}")


PUBLIC = leads_to("93.184.216.34")


def passed(candidate: str, policy: LinkPolicy = POLICY, resolve: Resolver | None = PUBLIC) -> ReportLink:
    link = guard(candidate, policy, resolve)
    assert isinstance(link, ReportLink)
    return link


@pytest.mark.parametrize(("candidate", "why"), HOSTILE)
def test_a_hostile_link_is_refused_with_its_reason_never_looked_up_and_never_shown(candidate: str, why: str) -> None:
    refusal = guard(candidate, POLICY, never_asked)

    assert refusal == Refusal(why, readable_host(candidate), fingerprint(candidate))
    shown = repr(refusal)
    assert candidate not in shown or len(candidate) <= len("https://")
    assert KEY not in shown.lower()
    assert CODE not in shown
    assert shown.isascii()
    assert "\n" not in shown


@pytest.mark.parametrize(("candidate", "policy"), ALLOWED.values(), ids=ALLOWED)
def test_a_good_link_passes_as_it_is(candidate: str, policy: LinkPolicy) -> None:
    link = passed(candidate, policy)

    assert link.reveal() == candidate
    assert requests.Request("GET", link.reveal()).prepare().url == candidate


def test_a_link_carries_host_port_fingerprint_and_the_addresses_that_were_judged() -> None:
    candidate = f"https://factory.test:8443{PATH}"
    link = passed(candidate, resolve=leads_to("1.1.1.1", "2606:4700::1111"))

    assert (link.host, link.port) == ("factory.test", 8443)
    assert link.addresses == ("1.1.1.1", "2606:4700::1111")
    assert link.fingerprint == fingerprint(candidate)
    assert passed(GOOD).port == 443


def test_a_fingerprint_is_the_beginning_of_the_sha_256() -> None:
    assert (fingerprint("abc"), fingerprint("\u00e9")) == ("ba7816bf8f01", "4a99557e4033")


def test_the_resolver_is_asked_for_the_host_and_port_of_the_link() -> None:
    asked = []

    def resolve(name: str, port: int) -> Sequence[str]:
        asked.append((name, port))
        return ["1.1.1.1"]

    guard(GOOD, POLICY, resolve)
    guard(f"https://factory.test:8443{PATH}", POLICY, resolve)
    assert asked == [(HOST, 443), ("factory.test", 8443)]


def test_without_a_resolver_a_name_passes_without_addresses_and_a_literal_address_is_judged() -> None:
    assert passed(GOOD, resolve=None).addresses == ()
    for resolve in (None, never_asked):
        assert passed(f"https://93.184.216.34{PATH}", resolve=resolve).addresses == ("93.184.216.34",)


@pytest.mark.parametrize(
    ("candidate", "resolve", "why"),
    [
        (f"https://127.0.0.1:8443{PATH}", never_asked, "its host leads to 127.0.0.1, no public address"),
        (f"https://127.0.0.1:8443{PATH}", None, "its host leads to 127.0.0.1, no public address"),
        (GOOD, leads_to("1.1.1.1", "10.0.0.1"), "its host leads to 10.0.0.1, no public address"),
        (GOOD, leads_to("10.0.0.1", "1.1.1.1"), "its host leads to 10.0.0.1, no public address"),
        (GOOD, leads_to("x" * 1000), f"its host leads to {'x' * 45}, no public address"),
        (GOOD, leads_to(), NO_ANSWER),
        (GOOD, fails, NO_ANSWER),
    ],
)
def test_a_listed_host_is_refused_if_one_of_its_addresses_is_not_public_or_none_is_known(
    candidate: str, resolve: Resolver | None, why: str
) -> None:
    expected = Refusal(why, readable_host(candidate), fingerprint(candidate), lookup_failed=why == NO_ANSWER)

    assert guard(candidate, POLICY, resolve) == expected


def test_private_addresses_pass_if_the_policy_says_so_and_the_metadata_service_never_does() -> None:
    policy = allowing(TODAY.format(HOST), private=True)

    assert isinstance(guard(GOOD, policy, leads_to("10.0.0.1", "::1")), ReportLink)
    assert isinstance(guard(GOOD, policy, leads_to("169.254.169.254")), Refusal)
    assert LinkPolicy(()).allow_private is False


def test_an_allow_list_of_nothing_allows_nothing() -> None:
    assert isinstance(guard(GOOD, LinkPolicy(()), never_asked), Refusal)


def test_of_several_links_none_is_called() -> None:
    other = f"https://evil.example{PATH}"

    assert guard_offered([GOOD], POLICY, PUBLIC) == passed(GOOD)
    assert guard_offered([other], POLICY, PUBLIC) == guard(other, POLICY, PUBLIC)
    for first, host, second in ((GOOD, HOST, other), (GOOD, HOST, f"{GOOD}2"), (other, "evil.example", GOOD)):
        refusal = guard_offered([first, second], POLICY, PUBLIC)
        assert refusal == Refusal("the samples offer 2 different links", host, fingerprint(first))
    assert "8 or more" in repr(guard_offered([GOOD] * 8, POLICY, PUBLIC))


def test_a_link_shows_itself_as_host_port_and_fingerprint_only() -> None:
    link = passed(GOOD)

    for shown in (repr(link), str(link), f"{link}", repr([link])):
        assert f"ReportLink(host='{HOST}', port=443, fingerprint='{fingerprint(GOOD)}')" in shown


@pytest.mark.parametrize(
    ("record", "name"),
    [(passed(GOOD), "addresses"), (Refusal("reason", "host", "fingerprint"), "reason"), (POLICY, "allow_private")],
)
def test_what_was_judged_does_not_change(record: object, name: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(record, name, ("127.0.0.1",))
    assert record is POLICY or not hasattr(record, "__dict__")


def test_nobody_but_the_guard_makes_a_link() -> None:
    folders = ("layers", "functions", "remediator_cli", "simulator")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    makers = {path.name for path in sources if "ReportLink(" in path.read_text()}

    assert makers == {"report_link.py"}


SHOWN = {
    "evil.example": """
        https://HOST@evil.example/ https://a:b@c@evil.example?x https://evil.example#@x https://evil.example\\@x
        https://evil.example/@x https://evil.example?@x.example/ https://KEY@evil.example/
    """,
    "unreadable": [
        *("", "https:///x", "x https://evil.example/", "https://evil.example\n", f"https://{'x' * 254}/"),
        *("https://EVIL.example/", "https://ev\u0131l.example/", "https://[::1]:80/"),
        *("https://KEY.evil.example/", "https://evil.example:KEY/"),
    ],
    "evil.example:81": "http://evil.example:81/x",
    "::1": "https://[::1]/ https://[::1",
    **{host: f"https://{host}/" for host in (HOST, "a", "10.0.0.9", "x" * 253, f"{KEY[1:]}.example")},
}


@pytest.mark.parametrize(("url", "host"), [*filled(SHOWN)])
def test_a_host_is_shown_only_when_it_is_plain(url: str, host: str) -> None:
    assert readable_host(url) == host


EXAMPLES = int(os.environ.get("GUARD_EXAMPLES", "1000"))
thorough = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
LETTERS = string.ascii_letters + string.digits
PUBLIC_TEMPLATES = [text for text in TEMPLATES.split() if "127.0.0.1" not in text]
KEYS = st.text(LETTERS, min_size=1, max_size=64)
GOOD_LINKS = st.builds(
    lambda template, key, code: template.replace("{key}", key).replace("{code}", code),
    st.sampled_from(PUBLIC_TEMPLATES),
    KEYS,
    KEYS,
)
NASTY = st.one_of(
    st.sampled_from([*"/\\@:?#%.\n\r\t \x00;&=[]\uff0f\u3002\u212a\ud800", "..", "//", "%2f", "%00"]),
    st.sampled_from([HOST, "evil.example", "127.0.0.1", "[::1]", ":8443", "@", "http", "443", PATH]),
    st.characters(),
)


@st.composite
def twisted(draw: st.DrawFn) -> str:
    """A good link with one to three pieces put in, taken out or replaced."""
    link: str = draw(GOOD_LINKS)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(link)))
        end = start + draw(st.sampled_from([0, 0, 1, 1, 2, 8]))
        link = link[:start] + draw(st.one_of(NASTY, st.just(""))) + link[end:]
    return link


def is_report(link: str) -> bool:
    """The same rule said in another way: each template read along the link, from its beginning to its end."""
    return any(is_like(link, template) for template in PUBLIC_TEMPLATES)


def is_like(link: str, template: str) -> bool:
    parts = re.split(r"\{key\}|\{code\}", template)
    for part in parts[:-1]:
        if not link.startswith(part):
            return False
        after = link[len(part) :]
        link = after.lstrip(LETTERS)
        if not 1 <= len(after) - len(link) <= 64:
            return False
    return link == parts[-1]


@thorough
@given(st.one_of(twisted(), GOOD_LINKS, st.text()))
def test_nothing_passes_but_a_report_of_a_listed_host_and_a_refusal_can_always_be_shown(candidate: str) -> None:
    verdict, elsewhere = (guard(candidate, POLICY, resolve) for resolve in (PUBLIC, leads_to("10.0.0.1")))

    assert isinstance(verdict, ReportLink) == is_report(candidate)
    if isinstance(verdict, ReportLink):
        assert verdict.reveal() == candidate
        assert requests.Request("GET", candidate).prepare().url == candidate
    assert isinstance(elsewhere, Refusal) or "93.184.216.34" in elsewhere.host
    assert repr(elsewhere).isascii()
    assert KEY not in repr(elsewhere)
