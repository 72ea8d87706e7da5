"""The report link: found in an error body, judged once, and shown to nobody.

`find_links` reads the candidates off an answer. `guard` judges one of them, on the very string that
will be sent: nothing is trimmed, decoded or lower-cased on the way. It alone makes a `ReportLink`,
and a `ReportLink` is all the caller takes. Names: the contract page of JWT Pizza; shapes: link_template.py.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, final

from remediator.addresses import is_literal, may_connect
from remediator.link_template import LinkTemplate

FIELD_NAMES: Final = frozenset(
    {
        "reportUrl",
        "reportErrorToPizzaFactoryUrl",
        "reportPizzaCreationErrorToPizzaFactoryUrl",
        "reportSlowPizzaToFactoryUrl",
        "followLinkToEndChaos",
    }
)

Resolver = Callable[[str, int], Sequence[str]]
"""Name and port to the addresses a connection may go to; raises OSError when it can't tell."""

# One string or bracket of JSON. The closing quote is optional, so that a string cut off by the
# read limit ends the scan instead of making each escaped quote in it a new beginning.
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*+)("?)(\s*:)?|([\[\]{}])', re.DOTALL)
_NESTING = 4  # JSON inside a string inside JSON: each level is scanned once more, so it is bounded
_SHORTEST = 15  # characters of the shortest JSON that holds a link, its quotes escaped
MOST_TOKENS: Final = 500_000  # strings and brackets read of one answer; an error body has about a hundred
MOST_LINKS: Final = 8  # different ones read of one answer: from two on none is called

_AUTHORITY = re.compile(r"https?://(?:[^/?#\\]*@)?\[?([a-z0-9.:-]{1,253})\]?(?=[/?#\\]|\Z)")
_KEY = re.compile(r"[0-9a-f]{32}")

# Only words: none of these lets a link pass. The first that applies is given.
_WHY_NOT = (
    (re.compile(r"\A\Z"), "it is empty"),
    (re.compile(r".{513}", re.DOTALL), "it is longer than 512 characters"),
    (re.compile(r"[^!-~]|\\"), "it holds a character that no report link has"),
    (re.compile(r"\A(?!https://)"), "its scheme is not https"),
    (re.compile(r"\Ahttps://[^/?#]*@"), "it names a user"),
)


def fingerprint(text: str) -> str:
    """The first 12 hex digits of the SHA-256 of `text`; lone surrogates are no obstacle."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def readable_host(url: str) -> str:
    """The host `url` would lead to, for people; "unreadable" unless plain and free of keys."""
    found = _AUTHORITY.match(url)
    return found[1] if found and not _KEY.search(found[1]) else "unreadable"


def find_links(body: bytes, names: frozenset[str] = FIELD_NAMES) -> tuple[str, ...]:
    """The distinct links under `names`, at any depth, in order, at most `MOST_LINKS`; never raises.

    Scans tokens instead of building a tree, so that depth, duplicate keys, NaN, a BOM, bytes that
    aren't UTF-8 and a cut-off end need no care. A list of strings counts each of them; other
    values that aren't strings, and texts that are no URL, are passed over.
    """
    found: dict[str, None] = {}
    for value in _scan(body.decode("utf-8", "replace"), names, _NESTING, iter(range(MOST_TOKENS))):
        if "://" in value:
            found[value] = None
        if len(found) == MOST_LINKS:
            break
    return tuple(found)


def _scan(text: str, names: frozenset[str], nesting: int, budget: Iterator[int]) -> Iterator[str]:
    named = False  # the key just read is one of the names
    link_lists: list[bool] = []  # of each open bracket: is it the list under such a key?
    for token, _ in zip(_TOKEN.finditer(text), budget, strict=False):
        raw, closed, colon, bracket = token.groups()
        if bracket:
            if bracket in ("[", "{"):
                link_lists.append(named and bracket == "[")
            elif link_lists:
                link_lists.pop()
            named = False
        elif closed and colon:
            named = _unescape(raw) in names
        elif closed:
            if named or (link_lists and link_lists[-1]):
                yield _unescape(raw)
            if nesting and len(raw) > _SHORTEST and '\\"' in raw:  # without an escaped quote there is no JSON in it
                yield from _scan(_unescape(raw), names, nesting - 1, budget)


def _unescape(raw: str) -> str:
    if "\\" not in raw:
        return raw
    try:
        return str(json.loads(f'"{raw}"', strict=False))
    except ValueError:  # an escape that JSON doesn't know
        return raw


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """What may be called: links of these shapes. `allow_private` lets private addresses pass (game days)."""

    templates: tuple[LinkTemplate, ...]
    allow_private: bool = False

    def template_of(self, candidate: str) -> LinkTemplate | None:
        """The template that fits the whole candidate."""
        return next((each for each in self.templates if each.pattern.fullmatch(candidate)), None)

    def why_not(self, candidate: str) -> str:
        """In words, why no template fits."""
        addresses = {each.address for each in self.templates}
        if candidate.removeprefix("https://").partition("/")[0].partition("?")[0] in addresses:
            return "its host is allowed, and its shape is not"
        return "its host and port are in no template of AllowedReportLinks"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a candidate won't be called. `lookup_failed`: the name system failed, not the link."""

    reason: str
    host: str
    fingerprint: str
    lookup_failed: bool = False


@final
@dataclass(frozen=True, slots=True)
class ReportLink:
    """A link that passed the guard, which alone makes one. `addresses` are the judged ones, none if not looked up.

    Shows itself as host and fingerprint only; the link is had by `reveal()`, to be sent and never to be written down.
    """

    _url: str = field(repr=False)
    host: str
    port: int
    addresses: tuple[str, ...] = field(repr=False)
    fingerprint: str

    def reveal(self) -> str:
        return self._url


def guard(candidate: str, policy: LinkPolicy, resolve: Resolver | None) -> ReportLink | Refusal:
    """Judge `candidate`; the only maker of a `ReportLink`.

    Without `resolve`, names aren't looked up and the link has no addresses to connect to; a
    literal address is judged always. A host off the list is never looked up.
    """
    template = policy.template_of(candidate)
    if template is None:
        plain = next((why for rule, why in _WHY_NOT if rule.search(candidate)), None)
        return _refuse(candidate, plain or policy.why_not(candidate))
    host, port = template.host, template.port
    try:
        addresses = _look_up(host, port, resolve)
    except OSError:
        return _refuse(candidate, "its host could not be looked up", lookup_failed=True)
    for address in addresses:
        if not may_connect(address, allow_private=policy.allow_private):
            return _refuse(candidate, f"its host leads to {address[:45]}, no public address")
    return ReportLink(candidate, host, port, addresses, fingerprint(candidate))


def guard_offered(candidates: Sequence[str], policy: LinkPolicy, resolve: Resolver | None) -> ReportLink | Refusal:
    """Judge what the samples offer together, at least one: several different links are a reason to call none."""
    first = guard(candidates[0], policy, resolve)
    if len(candidates) == 1:
        return first
    many = f"{MOST_LINKS} or more" if len(candidates) >= MOST_LINKS else len(candidates)
    return Refusal(f"the samples offer {many} different links", first.host, first.fingerprint)


def _refuse(candidate: str, reason: str, *, lookup_failed: bool = False) -> Refusal:
    return Refusal(reason, readable_host(candidate), fingerprint(candidate), lookup_failed)


def _look_up(host: str, port: int, resolve: Resolver | None) -> tuple[str, ...]:
    if is_literal(host):
        return (host,)
    addresses = tuple(resolve(host, port)) if resolve else ()
    if resolve and not addresses:
        raise OSError
    return addresses
