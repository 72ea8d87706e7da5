"""A template that isn't safe is refused with its reason, at the deploy and by the settings alike."""

import re

import pytest
import yaml

from remediator.errors import SettingsError
from remediator.link_template import DEFAULT, MOST, PATTERN, LinkTemplate, read_templates
from remediator.settings import Settings
from simulator.paths import ROOT
from tests.unit.test_settings import GOOD

SAFE = [
    *(DEFAULT, "https://host/api/report?apiKey={key}&fixCode={code}", "https://a.test:8443/{code}/x{key}.json/"),
    *("https://1.2.3.4/{key}/{code}", "https://localhost:1/{key}/{code}", "https://a.b:65535/{key}/{code}"),
    *(
        "https://xn--80ak6aa92e.example/{key}/{code}",
        "https://0xa.example/{key}-{code}",
        "https://a--b.c0m/{key}/{code}",
    ),
    *("https://h/a?x=1&y={key};z&w={code}", "https://h/a@b:c/{key}~{code}", f"https://h/{'a' * 250}/{{key}}/{{code}}"),
    f"https://{'.'.join(['a' * 62] * 4)}.a/{{key}}/{{code}}",
]
BRACES, ONCE = "it holds braces besides {key} and {code}", "{key} and {code} both have to stand in it"
TWICE, NEXT = "{key} or {code} stands in it twice", "a placeholder isn't followed by a sign, or by the end"
NAME, DOTS = (
    "a placeholder stands in a query, and not in a value of it",
    "its path has a part that is empty, or of dots",
)
HOST, CHARACTER = "its host, or its port, is none", "it holds a character that no link holds"
UNSAFE = {
    "https://{key}.test/{code}/x": "a placeholder stands in its host",
    "https://h:{key}/{code}": "a placeholder stands in its host",
    "https://u@h/{key}/{code}": "it names a user",
    "https://u:p@h/{key}/{code}": "it names a user",
    "https://h/api/report": ONCE,
    "https://h/api/support/0f1e2d/report/{code}": ONCE,
    "https://h/{KEY}/{code}": BRACES,
    "https://h/{key}/{code}/{id}": BRACES,
    "https://h/{key}/{code}}": BRACES,
    "https://h/{key}/x": ONCE,
    "https://h/{{key}}/{code}": BRACES,
    "https://h/{key}/of/{key}/{code}": TWICE,
    "https://h/{key}/{code}?c={code}": TWICE,
    "https://h/{key}{code}": NEXT,
    "https://h/{key}a/{code}": NEXT,
    "https://h/{key}/{code}0": NEXT,
    "https://h/{key}9/{code}": NEXT,
    "https://h/a?{key}={code}": NAME,
    "https://h/a?b={key}&{code}": NAME,
    "https://h/a?{code}/{key}": NAME,
    "https://h/a?b{key}=c&d={code}": NAME,
    "https://h/../{key}/{code}": DOTS,
    "https://h/./{key}/{code}": DOTS,
    "https://h/{key}/{code}/..": DOTS,
    "https://h/{key}/{code}/.?x": DOTS,
    "https://h//{key}/{code}": DOTS,
    "https://h/{key}//{code}": DOTS,
    "https://h/https://u@h{key}/{code}": DOTS,
    **dict.fromkeys(("", "h/{key}/{code}", "http://h/{key}/{code}", "HTTPS://h/{key}/{code}"), "it doesn't begin with"),
    **{f"https://h/{sign}{{key}}/{{code}}": CHARACTER for sign in "\"'\\%,#<>^`|[]\té\x00\u2028\uff0f"},
    "https://h": CHARACTER,
    "https:///{key}/{code}": HOST,
    "https://H/.a?b=https://u@h{key}//../c&d={code}": HOST,
    "https://h/{key}/{code}\n": CHARACTER,
    f"https://host/{'a' * 300}{{key}}/{{code}}": "its path is longer than 300 characters",
    **{
        f"https://{host}/{{key}}/{{code}}": HOST
        for host in (
            *(
                "H",
                "*",
                "*.h",
                "h.",
                ".h",
                "a..h",
                "-h",
                "h-",
                "a.-h",
                "a_b",
                "clic\u212a",
                "a" * 64,
                "[::1]",
                "::1",
            ),
            *(
                "h:",
                "h:0",
                "h:0443",
                "h:443",
                "h:65536",
                "h:123456",
                "h:x",
                "h:1:2",
                "127.1",
                "0177.0.0.1",
                "0x7f000001",
            ),
            *(
                "2130706433",
                "1.2.3.256",
                "1.2.3.4.5",
                "a.0x1",
                "a.9",
                "0x",
                "01.2.3.4",
                f"{'.'.join(['a' * 62] * 4)}.aa",
            ),
        )
    },
}


@pytest.mark.parametrize("text", SAFE)
def test_safe_template_is_read_and_its_pattern_fits_no_other_link(text: str) -> None:
    template = LinkTemplate.read(text)
    link = text.replace("{key}", "k" * 64).replace("{code}", "Z9")

    assert f"https://{template.address}{template.path}" == template.text == text
    assert template.pattern.fullmatch(link)
    for other in (f"{link}/x", f"{link}0" * 2, link.replace("k", ""), link.replace("kk", "k-", 1), f"{link}\n"):
        assert not template.pattern.fullmatch(other)


@pytest.mark.parametrize(("text", "why"), UNSAFE.items(), ids=ascii)
def test_unsafe_template_is_refused_with_its_reason_by_settings_and_deploy(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        LinkTemplate.read(text)
    for listed in (text, f"{DEFAULT} {text}", f"{text} {DEFAULT}"):
        with pytest.raises(SettingsError, match="ALLOWED_REPORT_LINKS"):
            Settings.of(GOOD | {"ALLOWED_REPORT_LINKS": listed})
        assert not re.fullmatch(PATTERN, listed)


def test_as_many_templates_as_a_deploy_takes_the_settings_take() -> None:
    for listed in ([DEFAULT], SAFE[:MOST], [DEFAULT] * MOST):
        assert re.fullmatch(PATTERN, " ".join(listed))
        assert len(read_templates(" ".join(listed))) == len(listed)
    for text in (" ".join([DEFAULT] * (MOST + 1)), f"{DEFAULT} ", f" {DEFAULT}", f"{DEFAULT}  {DEFAULT}"):
        assert not re.fullmatch(PATTERN, text)
        with pytest.raises(ValueError, match="template"):
            read_templates(text)


def test_deploys_pattern_and_default_are_the_settings_own() -> None:
    class Loader(yaml.SafeLoader):
        """Takes CloudFormation's short functions for plain values."""

    Loader.add_multi_constructor("!", lambda *_: None)
    parameter = yaml.load((ROOT / "template.yaml").read_text(), Loader)["Parameters"]["AllowedReportLinks"]  # noqa: S506 - a safe one

    assert (parameter["AllowedPattern"], parameter["Default"]) == (PATTERN, DEFAULT)
