"""The one place that masks: by what a secret looks like, and by the run's actual secrets.

Whatever leaves the process in words passes through a `Mask`: log lines, audit entries, delivery records,
notifications, errors and their causes. Each rule takes time linear in the text.
"""

import html
import re
import threading
import unicodedata
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import unquote_to_bytes

from remediator.link_template import DEFAULT, LinkTemplate, read_templates
from remediator.plain import LONGEST, shorten
from remediator.report_link import fingerprint, readable_host

SHORTEST = 6  # a shorter secret would blot out ordinary words; its looks still give it away
SHORTEST_KEY = 8  # of a report link, outside its place
LAYERS = 5  # the text as it is, and what lies beneath up to four escapes: JSON in JSON, percent-encoding
_CHAIN = 8
KNOWN = read_templates(f"{DEFAULT} https://cs329.cs.byu.edu/api/report?apiKey={{key}}&fixCode={{code}}")

_PART = r"[^\s\"'<>/\\?#%&=]"
_VALUE = r"[\w-]{1,128}"
_HOST = rf"https?://{_PART}{{1,255}}"
_NAME = (
    r"(?:passw(?:or)?d|passphrase|pwd|secret(?:[-_]?key)?|token|api[-_]?key|access[-_]?key|fix[-_]?code"
    r"|authorization)"
)
_IS = rf"{_NAME}(?:\\{{0,7}}[\"'])?\s{{0,8}}[=:]\s{{0,8}}"
_BARE = r"([^\s\"'&,;<>\\)}\]]+)"


type Rule = tuple[re.Pattern[str], Callable[[str], str]]


def _link(text: str) -> str:
    # else the path alone, as urllib3 words its errors
    return f"<link {readable_host(text)} {fingerprint(text)}>" if text.lower().startswith("http") else "<link>"


def _link_rules(template: LinkTemplate) -> Iterator[Rule]:
    """Links of that shape, at any host; and the key in its place, in one that was cut.

    A path that says next to nothing before the key counts at its own host alone.
    """
    before, _, after = template.path.partition("{key}")
    says = len(re.findall(r"\w", before.replace("{code}", ""))) > 3
    origin = f"(?:{_HOST})?" if says else re.escape(f"https://{template.address}")
    before, after = (_VALUE.join(map(re.escape, piece.split("{code}"))) for piece in (before, after))
    key = f"{_PART}{{1,128}}" if after else _VALUE
    yield re.compile(f"{origin}{before}{key}{after}", re.I | re.A), _link
    yield re.compile(f"{origin}{before}({_VALUE})", re.I | re.A), lambda key: f"<key {fingerprint(key)}>"


# What is masked is the last group that took part, or the whole match if there is none.
_RULES: tuple[Rule, ...] = tuple(
    (re.compile(pattern, re.ASCII | flags), shown)
    for pattern, flags, shown in (
        (rf"{_HOST}(?:/{_PART}{{0,128}}){{0,8}}\?[^\s\"'<>]{{0,128}}?(?:apiKey|fixCode)=[^\s\"'<>\\]*", re.I, _link),
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
        (r"https?://[^\s/:@]{0,64}:([^\s/@]{1,256})@", re.I, lambda _: "<secret>"),
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
# With IDNA's other dots, which some programs take for one.
_CLICKABLE = re.compile(r"(?<=[\w-])[.\u3002\uff0e\uff61](?=[\w-]*[^\W\d_])|:(?=//)")


def unclickable(text: str) -> str:
    """The text with hosts and links written so that no program makes them clickable: `factory[.]example[.]com`."""
    return _CLICKABLE.sub(lambda sign: f"[{sign[0]}]", text)


class Mask:
    """Masks texts; `add` tells it a secret, which it knows until the last of the `remembering` blocks has ended.

    `templates`: the shapes of report links in the settings, beside those that are known.
    """

    def __init__(self, templates: Sequence[LinkTemplate] = ()) -> None:
        links = [rule for each in (*templates, *KNOWN) for rule in _link_rules(each)]
        self._keys = [pattern for pattern, _ in links if pattern.groups]
        self._rules = (*links, *_RULES)
        self._secrets: dict[str, None] = {}
        self._lock, self._blocks = threading.Lock(), 0

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Know the secrets that are added until the block ends, and with it all others that run beside it."""
        with self._lock:
            self._blocks += 1
        try:
            yield
        finally:
            with self._lock:
                self._blocks -= 1
                if not self._blocks:
                    self._secrets = {}

    def add(self, secret: str) -> None:
        """Mask `secret` from now on, however it is escaped, and in base64; of a report link the key, too.

        One shorter than `SHORTEST` is passed over.
        """
        keys = [
            match[1] for pattern in self._keys for match in pattern.finditer(secret) if len(match[1]) >= SHORTEST_KEY
        ]
        for each in (secret, *keys):
            if len(each) >= SHORTEST:
                known = {form: None for form in (_folded(each), *_in_base64(each)) if len(form) >= SHORTEST}
                with self._lock:
                    self._secrets = {**self._secrets, **known}

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

    def words(self, text: str, most: int = LONGEST) -> str:
        """`text` masked, and only then on one line, readable, of so many bytes."""
        return shorten(self.text(text), most)

    def _spans(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Where each secret begins and ends in the text, found beneath each layer of escapes."""
        plain = text
        places: Sequence[int] = range(len(text) + 1)
        for _ in range(LAYERS):
            for start, stop, shown in self._spans_of(plain):
                yield places[start], places[stop], shown
            if not _ESCAPED.search(plain):
                break
            plain, places = _unescaped(plain, places)

    def _spans_of(self, text: str) -> Iterator[tuple[int, int, str]]:
        for pattern, shown in self._rules:
            for match in pattern.finditer(text):
                group = match.lastindex or 0
                if match[group]:
                    yield *match.span(group), shown(match[group])
        folded = text.replace("+", " ")
        places: Sequence[int] = range(len(text) + 1)
        if not text.isascii():
            folded, places = _decomposed(folded)
        for secret in self._secrets:
            start = folded.find(secret)
            while start >= 0:
                yield places[start], places[start + len(secret)], "<secret>"
                start = folded.find(secret, start + 1)

    def exception(self, error: BaseException) -> str:
        """Type and message of `error` and of what caused it, masked, in one line."""
        words: list[str] = []
        cause: BaseException | None = error
        while cause and len(words) < _CHAIN:
            words.append(f"{type(cause).__name__}: {self.text(str(cause))}")
            cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
        return " ".join(" <- ".join(words).split())


_ESCAPED = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)|(?P<unicode>(?:\\u[0-9A-Fa-f]{4})+)|\\(?P<plain>.)"
    r"|(?P<entity>&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});)",
    re.DOTALL,
)


def _unescaped(text: str, places: Sequence[int]) -> tuple[str, Sequence[int]]:
    """The text without its outermost layer of escapes; `places`: where each character, and the end, first stood."""
    plain: list[str] = []
    found: list[int] = []
    end = 0
    for match in _ESCAPED.finditer(text):
        plain.append(text[end : match.start()])
        found += places[end : match.start()]
        at, end = match.span()
        for meant, length in _meant(match):
            plain.append(meant)
            found.append(places[at])
            at += length
    return "".join(plain) + text[end:], [*found, *places[end:]]


def _meant(match: re.Match[str]) -> Iterator[tuple[str, int]]:
    """The characters that escapes stand for, each with the length of its own."""
    if match["percent"]:
        for char in unquote_to_bytes(match[0]).decode("utf-8", "surrogateescape"):
            yield char, 3 * len(char.encode("utf-8", "surrogateescape"))
    elif match["unicode"]:
        units = bytes.fromhex(match[0].replace("\\u", ""))
        for char in units.decode("utf-16-be", "surrogatepass"):
            yield char, 3 * len(char.encode("utf-16-be", "surrogatepass"))
    elif match["entity"]:
        char = html.unescape(match[0])
        yield from [(char, len(match[0]))] if len(char) == 1 else ((each, 1) for each in match[0])
    else:
        yield {"n": "\n", "r": "\r", "t": "\t"}.get(match["plain"], match["plain"]), 2


def _folded(text: str) -> str:
    """As secrets are compared: letters decomposed, and a plus for a space, as forms write it."""
    return unicodedata.normalize("NFD", text.replace("+", " "))


def _decomposed(text: str) -> tuple[str, Sequence[int]]:
    """The text with its letters decomposed, and where each character, and the end, stood."""
    plain = [unicodedata.normalize("NFD", char) for char in text]
    return "".join(plain), [*(at for at, piece in enumerate(plain) for _ in piece), len(text)]


def _in_base64(secret: str) -> Iterator[str]:
    """The secret in base64, which looks different by what precedes: "user:" + password."""
    raw = secret.encode("utf-8", "surrogatepass")
    for encode in (b64encode, urlsafe_b64encode):
        for before in range(3):
            code = encode(bytes(before) + raw).decode()
            yield code[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6].replace("+", " ")
