"""The report link: found in an error body, judged once, and shown to nobody.

`find_links` reads the candidates off an answer. `guard` judges one of them, on the very string that
will be sent: nothing is trimmed, decoded or lower-cased on the way. It alone makes a `ReportLink`,
and a `ReportLink` is all the caller takes. Names and shapes: the contract page of JWT Pizza.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, final

from remediator.addresses import is_literal, may_connect

FIELD_NAMES: Final = frozenset(
    {
        "reportUrl",
        "reportErrorToPizzaFactoryUrl",
        "reportPizzaCreationErrorToPizzaFactoryUrl",
        "reportSlowPizzaToFactoryUrl",
        "followLinkToEndChaos",
    }
)

LEGACY_HOST: Final = "cs329.cs.byu.edu"  # the query shape of 2025 is good there, if it is listed
Resolver = Callable[[str, int], Sequence[str]]
"""Name and port to the addresses a connection may go to; raises OSError when it can't tell."""

# One string or bracket of JSON. The closing quote is optional, so that a string cut off by the
# read limit ends the scan instead of making each escaped quote in it a new beginning.
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*+)("?)(\s*:)?|([\[\]{}])', re.DOTALL)
_NESTING = 4  # JSON inside a string inside JSON: each level is scanned once more, so it is bounded

_SHAPE = re.compile(
    r"https://([a-z0-9.-]+)(?::([1-9][0-9]{0,4}))?"
    r"(?:/api/support/[0-9a-f]{32}/report/[0-9a-z]{1,32}"
    r"|(/api/report\?apiKey=[0-9a-f]{32}&fixCode=[0-9a-f]{32}))"
)
_ENTRY = re.compile(r"((?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)*(?!-)[a-z0-9-]{1,63}(?<!-))(?::([1-9][0-9]{0,4}))?")
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")  # systems read such a name as an address
_AUTHORITY = re.compile(r"https?://(?:[^/?#\\]*@)?\[?([a-z0-9.:-]{1,253})\]?(?=[/?#\\]|\Z)")
_KEY = re.compile(r"[0-9a-f]{32}")

# Only words: none of these lets a link pass. The first that applies is given.
_WHY_NOT = (
    (re.compile(r"\A\Z"), "it is empty"),
    (re.compile(r".{513}", re.DOTALL), "it is longer than 512 characters"),
    (re.compile(r"[^!-~]|\\"), "it holds a character that no report link has"),
    (re.compile(r"\A(?!https://)"), "its scheme is not https"),
    (re.compile(r"\Ahttps://[^/?#]*@"), "it names a user"),
    (re.compile(r""), "it is not https://host/api/support/<key>/report/<code> and nothing more"),
)


def fingerprint(text: str) -> str:
    """The first 12 hex digits of the SHA-256 of `text`; lone surrogates are no obstacle."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def readable_host(url: str) -> str:
    """The host `url` would lead to, for people; "unreadable" unless plain and free of keys."""
    found = _AUTHORITY.match(url)
    return found[1] if found and not _KEY.search(found[1]) else "unreadable"


def find_links(body: bytes, names: frozenset[str] = FIELD_NAMES) -> tuple[str, ...]:
    """The distinct values under `names`, at any depth, in order; never raises.

    Scans tokens instead of building a tree, so that depth, duplicate keys, NaN, a BOM, bytes that
    aren't UTF-8 and a cut-off end need no care. A list of strings counts each of them; other
    values that aren't strings are passed over.
    """
    return tuple(dict.fromkeys(_scan(body.decode("utf-8", "replace"), names, _NESTING)))


def _scan(text: str, names: frozenset[str], nesting: int) -> Iterator[str]:
    named = False  # the key just read is one of the names
    link_lists: list[bool] = []  # of each open bracket: is it the list under such a key?
    for token in _TOKEN.finditer(text):
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
            value = _unescape(raw)
            if named or (link_lists and link_lists[-1]):
                yield value
            if nesting and "\\" in raw:  # without an escaped quote there is no JSON in it
                yield from _scan(value, names, nesting - 1)


def _unescape(raw: str) -> str:
    try:
        return str(json.loads(f'"{raw}"', strict=False))
    except ValueError:  # an escape that JSON doesn't know
        return raw


@dataclass(frozen=True)
class LinkPolicy:
    """What may be called: `allowed_hosts` are "name", meaning port 443, or "name:port".

    `allow_private` lets loopback and private addresses pass (game days). Raises ValueError for an
    entry that is neither a name nor an IPv4 address.
    """

    allowed_hosts: frozenset[str]
    allow_private: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "allowed_hosts", frozenset(map(_entry, self.allowed_hosts)))

    def allows(self, host: str, port: int) -> bool:
        listed = self.allowed_hosts
        return f"{host}:{port}" in listed or (port == 443 and host in listed)


def _entry(entry: str) -> str:
    lowered = entry.lower()
    # Only if ASCII: the lower case of the Kelvin sign is a plain k.
    parts = _ENTRY.fullmatch(lowered) if entry.isascii() else None
    if not parts or not _is_host(parts[1]) or int(parts[2] or 443) > 65535:
        raise ValueError(
            f"The allow-list entry {entry!r} is not a host: write a name or a four-part IPv4 "
            "address, with :port unless it is 443, such as pizza-factory.cs329.click."
        )
    return lowered


def _is_host(host: str) -> bool:
    return len(host) <= 253 and (is_literal(host) or not _NUMERIC.fullmatch(host))


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
    shape = _SHAPE.fullmatch(candidate)
    if shape is None:
        return _refuse(candidate, next(why for rule, why in _WHY_NOT if rule.search(candidate)))
    host, port = shape[1], int(shape[2] or 443)
    if shape[3] and host != LEGACY_HOST:
        return _refuse(candidate, "it is of the shape of 2025, which one host alone had")
    if not policy.allows(host, port):
        return _refuse(candidate, "its host and port are not on the allow-list")
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
    return Refusal(f"the samples offer {len(candidates)} different links", first.host, first.fingerprint)


def _refuse(candidate: str, reason: str, *, lookup_failed: bool = False) -> Refusal:
    return Refusal(reason, readable_host(candidate), fingerprint(candidate), lookup_failed)


def _look_up(host: str, port: int, resolve: Resolver | None) -> tuple[str, ...]:
    if is_literal(host):
        return (host,)
    addresses = tuple(resolve(host, port)) if resolve else ()
    if resolve and not addresses:
        raise OSError
    return addresses
