"""The one place that masks: by what a secret looks like, and by the run's actual secrets.

Whatever leaves the process in words passes through a `Mask`: log lines, audit entries, delivery records,
notifications, errors and their causes. Each rule takes time linear in the text.
"""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from urllib.parse import quote, unquote

from remediator.report_link import fingerprint, readable_host

SHORTEST = 6  # a shorter secret would blot out ordinary words; its looks still give it away
_CHAIN = 8

# As it is, escaped in JSON or HTML, percent-encoded up to four times over.
_SLASH = r"(?:\\{0,7}(?:/|u002f)|%(?:25){0,3}2F|&#(?:x2f|47);)"
_PART = r"[^\s\"'<>/\\?#%&]"
_HOST = rf"https?(?::|%(?:25){{0,3}}3A){_SLASH}{{2}}{_PART}{{1,255}}"
_REPORT = rf"(?:{_HOST})?{_SLASH}api{_SLASH}support{_SLASH}{_PART}{{1,128}}{_SLASH}report{_SLASH}"
_QUERY = rf"{_HOST}(?:{_SLASH}{_PART}{{0,128}}){{0,8}}\?[^\s\"'<>]{{0,128}}?(?:apiKey|fixCode)="
_NAME = (
    r"(?:passw(?:or)?d|passphrase|pwd|secret(?:[-_]?key)?|token|api[-_]?key|access[-_]?key|fix[-_]?code"
    r"|authorization)"
)
_IS = rf"{_NAME}(?:\\{{0,7}}[\"'])?\s{{0,8}}[=:]\s{{0,8}}"
_BARE = r"([^\s\"'&,;<>\\)}\]]+)"


def _link(text: str) -> str:
    plain = unquote(text.replace("\\", ""))
    whole = plain.lower().startswith("http")  # else the path alone, as urllib3 words its errors
    return f"<link {readable_host(plain)} {fingerprint(plain)}>" if whole else "<link>"


# What is masked is the last group that took part, or the whole match if there is none.
_RULES: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = tuple(
    (re.compile(pattern, re.ASCII | flags), shown)
    for pattern, flags, shown in (
        (rf"{_REPORT}[\w-]+|{_QUERY}[^\s\"'<>\\]*", re.I, _link),
        # From the first eyJ on; the look-ahead keeps a run without a dot from being tried at each
        # eyJ in it. What precedes may be a spoilt header, or the n of an escaped line end.
        (
            r"(?<![\w-])(?=[\w-]+\.[\w-])[\w-]*?(eyJ[\w-]*(?:\.[\w-]+)+)",
            re.NOFLAG,
            lambda token: f"<jwt {fingerprint(token)}>",
        ),
        # A key of 32, or up to six more: %3D or \u003d before it ends in hex digits of its own.
        (
            r"(?<![0-9a-f])[0-9a-f]{32,38}(?![0-9a-f])",
            re.I,
            lambda key: f"<key {fingerprint(key)}>",
        ),
        (r"\bbearer\s{1,8}([\w.~+/=-]{8,})", re.I, lambda _: "<token>"),
        (r"https?://[^\s/:@]{1,64}:([^\s/@]{1,256})@", re.I, lambda _: "<secret>"),
        (r"(?:AKIA|ASIA)[0-9A-Z]{16}", re.NOFLAG, lambda _: "<aws key>"),
        (
            rf"""{_IS}(?:"((?:[^"\\]|\\.)*+)|'((?:[^'\\]|\\.)*+)|\\{{1,7}}["']([^"'\\]*+))""",
            re.I | re.S,
            lambda _: "<secret>",
        ),
        (rf"{_NAME}(?:\\{{0,7}}[\"'])?\s{{0,8}}=\s{{0,8}}{_BARE}", re.I, lambda _: "<secret>"),
        (
            rf"(?:passw(?:or)?d|pwd|api[-_]?key|authorization)[\"']?\s{{0,8}}:\s{{0,8}}"
            rf"(?:(?:basic|bearer)\s{{1,8}})?{_BARE}",
            re.I,
            lambda _: "<secret>",
        ),
    )
)
# A dot within a name, a slash after a scheme: what mail and chat programs take for the sign of a link.
_CLICKABLE = re.compile(r"(?<=[\w-])\.(?=[\w-]*[^\W\d_])|:(?=//)")


def unclickable(text: str) -> str:
    """The text with hosts and links written so that no program makes them clickable: `factory[.]example[.]com`."""
    return _CLICKABLE.sub(lambda sign: f"[{sign[0]}]", text)


class Mask:
    """Masks texts; `add` tells it a secret, which it knows while somebody is `remembering`."""

    def __init__(self) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._users = 0
        self._lock = Lock()

    def add(self, secret: str) -> None:
        """Mask `secret` from now on, in the forms it takes in URLs, JSON and base64 too.

        One shorter than `SHORTEST` is passed over.
        """
        if len(secret) >= SHORTEST:
            with self._lock:
                self._secrets |= {form for form in _forms(secret) if len(form) >= SHORTEST}

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Know what is added until the last such block ends; what looks like a secret is masked all the same."""
        with self._lock:
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._secrets = frozenset()

    def text(self, text: str) -> str:
        """`text` with each secret replaced; if several overlap, all they cover is."""
        out: list[str] = []
        end = 0
        for start, stop, shown in sorted(self._spans(text), key=lambda span: (span[0], -span[1])):
            if start >= end:
                out += [text[end:start], shown]
            end = max(end, stop)
        # Lone surrogates, which JSON can spell, are no UTF-8: neither a hash nor a table takes them.
        return ("".join(out) + text[end:]).encode("utf-8", "replace").decode()

    def _spans(self, text: str) -> Iterator[tuple[int, int, str]]:
        for pattern, shown in _RULES:
            for match in pattern.finditer(text):
                group = match.lastindex or 0
                if match[group]:
                    yield *match.span(group), shown(match[group])
        for secret in self._secrets:
            start = text.find(secret)
            while start >= 0:
                yield start, start + len(secret), "<secret>"
                start = text.find(secret, start + 1)

    def exception(self, error: BaseException) -> str:
        """Type and message of `error` and of what caused it, masked, in one line."""
        words: list[str] = []
        cause: BaseException | None = error
        while cause and len(words) < _CHAIN:
            words.append(f"{type(cause).__name__}: {self.text(str(cause))}")
            cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
        return " ".join(" <- ".join(words).split())


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="", errors="surrogatepass")
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    raw = secret.encode("utf-8", "surrogatepass")
    for encode in (b64encode, urlsafe_b64encode):
        for before in range(3):  # base64 looks different by what precedes: "user:" + password
            code = encode(bytes(before) + raw).decode()
            yield code[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
