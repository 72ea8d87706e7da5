"""The shapes that report links may have: the URL templates of the setting `AllowedReportLinks`.

In a template all but `{key}` and `{code}` is literal. One regular expression says what a template is, for the settings
here and for the deploy (`AllowedPattern` in template.yaml, held to it by a test), so that what one takes the other
doesn't refuse.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

DEFAULT: Final = "https://pizza-factory.cs329.click/api/support/{key}/report/{code}"  # the factory of 2026
MOST: Final = 8

_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
# Systems read a name whose last label is a number as an address: only one of four plain parts may be listed.
_HOST = (
    r"(?=[^:/]{1,253}[:/])"
    rf"(?:{_BYTE}(?:\.{_BYTE}){{3}}|(?!(?:[^:/]*\.)?(?:[0-9]+|0x[0-9a-f]*)[:/]){_LABEL}(?:\.{_LABEL})*)(?=[:/])"
)
_PORT = (
    r"(?::(?!443/)(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}"
    r"|6(?:[0-4][0-9]{3}|5(?:[0-4][0-9]{2}|5(?:[0-2][0-9]|3[0-5]))))(?=/))?"
)
# Of the characters of a path and a query (RFC 3986) those that no client writes otherwise, without quote and comma.
_CHARACTERS = r"[A-Za-z0-9._~!$&()*+;=:@/?-]"
_ONCE = "".join(rf"(?=[^ ]*\{{{n}\}}(?![A-Za-z0-9{{]))(?![^ ]*\{{{n}\}}[^ ]*\{{{n}\}})" for n in ("key", "code"))
# A client would resolve "." and "..", and drop an empty part at the beginning; a name in a query is literal.
_PLAIN = r"(?![^ ?]*(?://|/\.\.?(?:[/? ]|$)))(?![^ ]*\?(?:[^ ]*&)?[^= &]*\{)"
_TEMPLATE = rf"https://{_HOST}{_PORT}{_ONCE}{_PLAIN}/(?:{_CHARACTERS}|\{{key\}}|\{{code\}}){{1,300}}"
PATTERN: Final = rf"^(?:{_TEMPLATE}(?:$| (?=h))){{1,{MOST}}}$"

_VALUE = "[A-Za-z0-9]{1,64}"
_PLACEHOLDER = re.compile(r"\{key\}|\{code\}")
_WHOLE = re.compile(_TEMPLATE)
_ORIGIN = re.compile(r"https://([^:/]*):?([^/]*)")

# Only words: none of these lets a template pass. The first that applies is given.
_WHY_NOT = (
    (re.compile(r"\A(?!https://)"), "it doesn't begin with https://"),
    (re.compile(r"\Ahttps://[^/]*@"), "it names a user"),
    (re.compile(r"\Ahttps://[^/]*[{}]"), "a placeholder stands in its host"),
    (re.compile(rf"(?s)\A(?!https://[^/]*/(?:{_CHARACTERS}|[{{}}])*\Z)"), "it holds a character that no link holds"),
    (re.compile(r"\{(?!key\}|code\})|(?<!\{key)(?<!\{code)\}"), "it holds braces besides {key} and {code}"),
    (re.compile(r"\A(?!.*\{key\})|\A(?!.*\{code\})"), "{key} and {code} both have to stand in it"),
    (re.compile(r"\{key\}.*\{key\}|\{code\}.*\{code\}"), "{key} or {code} stands in it twice"),
    (re.compile(r"\}[A-Za-z0-9{]"), "a placeholder isn't followed by a sign, or by the end"),
    (re.compile(r"\?(?:.*&)?[^=&]*\{"), "a placeholder stands in a query, and not in a value of it"),
    (re.compile(r"\Ahttps://[^?]*(?://|/\.\.?(?:[/?]|\Z))"), "its path has a part that is empty, or of dots alone"),
    (re.compile(r"https://[^/]*/.{301}"), "its path is longer than 300 characters"),
    (re.compile(""), "its host, or its port, is none that a link can have: lower case, and no :443"),
)


@dataclass(frozen=True, slots=True)
class LinkTemplate:
    """One shape of report links. `pattern` fits a link whole; `text` is what was written in the settings."""

    text: str
    host: str
    port: int
    pattern: re.Pattern[str]

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises ValueError saying what is wrong with the template."""
        if not _WHOLE.fullmatch(text):
            why = next(why for rule, why in _WHY_NOT if rule.search(text))
            raise ValueError(f"a template can't be used: {why}. One that can: {DEFAULT}")
        origin = _ORIGIN.match(text)
        assert origin is not None
        pattern = _VALUE.join(map(re.escape, _PLACEHOLDER.split(text)))
        return cls(text, origin[1], int(origin[2] or 443), re.compile(pattern))

    @property
    def address(self) -> str:
        """Host, and the port unless it is 443."""
        return self.host if self.port == 443 else f"{self.host}:{self.port}"

    @property
    def path(self) -> str:
        """What follows host and port."""
        return self.text.removeprefix(f"https://{self.address}")


def read_templates(text: str) -> tuple[LinkTemplate, ...]:
    """The templates of the setting, separated by spaces. Raises ValueError."""
    listed = text.split(" ")
    if len(listed) > MOST:
        raise ValueError(f"{len(listed)} templates are more than {MOST}")
    return tuple(map(LinkTemplate.read, listed))
