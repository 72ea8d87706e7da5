"""No secret gets past the mask, however it is wrapped."""

import base64
import html
import io
import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from unicodedata import normalize
from urllib.parse import quote, quote_plus
from uuid import uuid4

import pytest
from aws_lambda_powertools import Logger
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.growth import SECRETS, mask
from remediator.bootstrap import new_mask
from remediator.link_template import read_templates
from remediator.masking import SHORTEST, Mask, unclickable
from remediator.report_link import fingerprint, readable_host
from tests.support.work import growth

HOST = "pizza-factory.cs329.click"
KEY = "9f0c41d87ab6e2359f0c41d87ab6e235"
CODE = "q7w8e9r1"
LINK = f"https://{HOST}/api/support/{KEY}/report/{CODE}"
LEGACY = f"https://cs329.cs.byu.edu/api/report?apiKey={KEY}&fixCode={KEY[::-1]}"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6MiwiaWF0IjoxfQ.7aayl55t0CBbWhPAgqTm-r6oVKCZ_gfY"
PASSWORD = 'hun"ter+2/\u00e9 &=x'
SHOWN = f"<link {HOST} {fingerprint(LINK)}>"


def masked(text: str, *secrets: str) -> str:
    mask = Mask()
    for secret in secrets:
        mask.add(secret)
    return mask.text(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (LINK, SHOWN),
        (f"see {LINK}.", f"see {SHOWN}."),
        (f"({LINK}), {LINK}", f"({SHOWN}), {SHOWN}"),
        (json.dumps({"followLinkToEndChaos": LINK}), f'{{"followLinkToEndChaos": "{SHOWN}"}}'),
        (LINK.replace("/", r"\/"), SHOWN),
        (quote(LINK, safe=""), SHOWN),
        (f"url: /api/support/{KEY}/report/{CODE} (Caused by", "url: <link> (Caused by"),
        (f"http://u:p@{HOST}:80/api/support/a/report/b", f"<link {HOST}:80 "),
        (f"https://{HOST}/x/api/support/{KEY}/report/{CODE}", f"https://{HOST}/x<link>"),
        (LINK.replace("/", r"\u002f"), SHOWN),
        (LINK.replace("/", "&#x2F;"), SHOWN),
        (LINK.upper(), "<link unreadable "),
        (LEGACY, f"<link cs329.cs.byu.edu {fingerprint(LEGACY)}>"),
        ("https://h.example/a/b?x=1&fixCode=abc z", "<link h.example "),
    ],
)
def test_a_report_link_is_shown_as_host_and_fingerprint(text: str, shown: str) -> None:
    result = masked(text)
    assert shown in result
    assert KEY not in result.lower()
    assert CODE not in result.lower()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (JWT, f"<jwt {fingerprint(JWT)}>"),
        (f'"jwt":"{JWT}"', f'"jwt":"<jwt {fingerprint(JWT)}>"'),
        (f"a\\n{JWT}", f"a\\n<jwt {fingerprint(JWT)}>"),
        (f"a%20{JWT}", f"a%20<jwt {fingerprint(JWT)}>"),
        (f"deadxe6M.{JWT.split('.', 1)[1]}", "deadxe6M.<jwt "),
        (f"Bearer {JWT}", f"Bearer <jwt {fingerprint(JWT)}>"),
        ("authorization: bearer abc.def-ghi=", "authorization: bearer <"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic <secret>"),
        ("Bearer 0123456789", "Bearer <token>"),
        (KEY, f"<key {fingerprint(KEY)}>"),
        (KEY.upper(), f"<key {fingerprint(KEY.upper())}>"),
        (f"apiKey%3D{KEY}%26", "<key "),
        (f"x\\u003d{KEY}\\u0026", "<key "),
        ("AKIAIOSFODNN7EXAMPLE", "<aws key>"),
        ("ASIAIOSFODNN7EXAMPLE.", "<aws key>."),
        ('{"password": "hunter2"}', '{"password": "<secret>"}'),
        ('{"password":"hun\\"ter2","x":1}', '{"password":"<secret>","x":1}'),
        ('{\\"password\\":\\"hunter2\\",', '{\\"password\\":\\"<secret>\\",'),
        ("{'userPassword': 'hunter2'}", "{'userPassword': '<secret>'}"),
        ('{"password": 12345, "x": 1}', '{"password": <secret>, "x": 1}'),
        ("password=hunter2&x=1", "password=<secret>&x=1"),
        ("DB_PASSWORD = hunter2 x", "DB_PASSWORD = <secret> x"),
        ("password: hunter2", "password: <secret>"),
        ('"token":"abcdefgh"', '"token":"<secret>"'),
        ("x-api-key: hunter2", "x-api-key: <secret>"),
        ('"secretKey": "hunter2"', '"secretKey": "<secret>"'),
        ("https://user:hunter2@h.example/", "https://user:<secret>@h.example/"),
        ("api_key=abc", "api_key=<secret>"),
        ("fixCode=abc;", "fixCode=<secret>;"),
        ('"apiKey":"abc"', '"apiKey":"<secret>"'),
        ('"password":"cut o', '"password":"<secret>'),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, shown: str) -> None:
    result = masked(text)
    assert result.startswith(shown) or shown in result
    for secret in (JWT, KEY, "hunter2", 'hun\\"ter2', "abc.def", "dXNlcjpwYXNz", "12345"):
        assert secret not in result


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *((f"x{JWT} y", f"x<jwt {fingerprint(JWT)}> y"), (f"xyz{JWT}", f"xyz<jwt {fingerprint(JWT)}>")),
        *((f"eyJ{JWT}", f"<jwt {fingerprint('eyJ' + JWT)}>"), (f"{KEY}abcdef", f"<key {fingerprint(KEY + 'abcdef')}>")),
        *(("Bearer 01234567", "Bearer <token>"), ("Bearer abc+defghij z", "Bearer <token> z")),
        *(("http://u:p@h.example/", "http://u:<secret>@h.example/"), ("https://:pw@h/", "https://:<secret>@h/")),
        ("AKIA0123456789ABCDEF,", "<aws key>,"),
        ("a \ud800 b", "a ? b"),
        *(
            (f"{url} z", f"<link h.example {fingerprint(url)}> z")
            for query in ("apiKey=abc", "x=1&fixCode=abc&y=2")
            for url in (f"https://h.example?{query}", f"https://h.example/a/b?{query}")
        ),
    ],
)
def test_of_what_looks_like_a_secret_no_more_and_no_less_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


NAMES = """
    password passwd pwd passphrase secret secretKey secret-key secret_key token apiKey api-key api_key accessKey
    access-key access_key fixCode fix-code fix_code authorization PASSWORD userToken
"""


@pytest.mark.parametrize("name", NAMES.split())
def test_what_bears_a_secrets_name_is_masked(name: str) -> None:
    for quote_ in ("", '"', "'"):
        assert masked(f"{quote_}{name}{quote_}=hunter2 z") == f"{quote_}{name}{quote_}=<secret> z"
    assert masked(f'{{"{name}" : "hunter2"}}') == f'{{"{name}" : "<secret>"}}'
    assert masked(f"{{'{name}': 'hun ter2'}}") == f"{{'{name}': '<secret>'}}"
    assert masked(f'{name}="hun ter2"') == f'{name}="<secret>"'


@pytest.mark.parametrize("size", [1, 64, 128])
def test_a_key_of_any_length_is_masked_in_its_place(size: int) -> None:
    key = "k" * size
    assert masked(f"GET /api/support/{key}/report/{CODE} z") == "GET <link> z"
    assert masked(f"GET /api/support/{key} z") == f"GET /api/support/<key {fingerprint(key)}> z"
    assert masked(f"GET /api/support/{key[1:]}!/report/{CODE} z") == "GET <link> z"
    assert masked(f"GET /api/support/{key}?a/report/b") == f"GET /api/support/<key {fingerprint(key)}>?a/report/b"


@pytest.mark.parametrize(
    "text",
    [
        *("", "the order failed with 500 after 32.05 s", "healed: bad token, verified at 15:00"),
        *("2026-11-23T08:24:53.021Z", "INCIDENT#20261123T082453Z-ab12", "550e8400-e29b-41d4-a716-446655440000"),
        *("a" * 64, "0123456789abcdef" * 4, "ab12" * 7, "v1.2.3", "boto3.session.py", "https://pizza.cs329.click/menu"),
        *(
            KEY[1:],
            f"{KEY}abcdef0",
            "bearer 0123456",
            "bearerofgoodnews",
            "bearer of news",
            "the password was refused",
            '{"password": ""}',
            SHOWN,
            "PUT /api/auth",
        ),
        *(
            "/api/support/",
            f"/api/support//report/{CODE}",
            "arn:aws:sns:us-east-1:123456789012:alarms",
            "1-5759e988-bd862e3fe1be46a994272793",
        ),
    ],
)
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert masked(text) == text


FORMS = {
    "as it is": PASSWORD,
    "percent-encoded": quote(PASSWORD, safe=""),
    "in JSON": json.dumps(PASSWORD),
    "in JSON as UTF-8": json.dumps(PASSWORD, ensure_ascii=False),
    "in base64": base64.b64encode(PASSWORD.encode()).decode(),
    "in base64 after one byte": base64.b64encode(b":" + PASSWORD.encode()).decode(),
    "in base64 after two and before more": base64.b64encode(b"u:" + PASSWORD.encode() + b"!!").decode(),
    "in base64 for URLs": base64.urlsafe_b64encode(b"??>" + PASSWORD.encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_secret_of_the_run_is_masked_in_each_of_its_forms(form: str) -> None:
    core = form.strip('"').rstrip("=")[4:-4]
    result = masked(f"x {form} y", PASSWORD)
    assert "<secret>" in result
    assert core not in result
    assert result.startswith("x ")
    assert result.endswith(" y")


def test_a_plus_is_found_in_base64() -> None:
    assert "fn5" not in masked("x fn5+fn5+fn4= y", "~~~~~~~~")


@given(st.text(min_size=SHORTEST, max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_a_secret_of_the_run_never_shows(secret: str, before: str, after: str) -> None:
    result = masked(f"{before}\x00{secret}\x00{after}", secret)
    # What follows a masked piece may, with the mask's own words, spell the secret by accident.
    assert f"\x00{secret}\x00" not in result


def test_secrets_that_overlap_are_masked_with_all_they_cover() -> None:
    assert masked("x abcdefghij y", "abcdefg", "efghij") == "x <secret> y"
    assert masked("x abababab y", "ababab") == "x <secret> y"
    assert masked(f"password={LINK[:9]}hunter2 y", f"{LINK[:9]}hunter2 y") == "password=<secret>"
    assert masked("password=ab&cd;ef.", "ab&cd;ef") == "password=<secret>."


def test_a_key_of_the_run_inside_a_link_leaves_the_link_recognisable() -> None:
    assert masked(LINK, KEY, CODE) == SHOWN
    assert masked(f"{KEY} {CODE}", KEY, CODE) == f"<key {fingerprint(KEY)}> <secret>"


def test_a_secret_too_short_to_tell_from_a_word_is_masked_by_its_looks_only() -> None:
    assert masked('"password":"diner" for the diner', "diner") == '"password":"<secret>" for the diner'
    assert masked("", "") == ""


def test_secrets_are_known_until_the_last_of_the_runs_beside_each_other_ends() -> None:
    mask = Mask()
    with mask.remembering():
        mask.add("hunter22")
        with mask.remembering():
            pass
        assert mask.text("hunter22") == "<secret>"
    assert mask.text("hunter22") == "hunter22"
    assert mask.text(LINK) == SHOWN


def test_a_path_that_says_nothing_before_the_key_counts_at_its_own_host() -> None:
    mask = Mask(read_templates("https://errors.example/{code}/{key}/x"))

    assert mask.text("see https://pizza.example/menu/veggie/x") == "see https://pizza.example/menu/veggie/x"
    assert KEY[:20] not in mask.text(f"see https://errors.example/menu/{KEY[:20]}/x")


def each(secret: str, written: Callable[[str], str]) -> str:
    return "".join(map(written, secret))


CLOTHES: dict[str, Callable[[str], str]] = {
    "slashes escaped": lambda s: json.dumps(s).replace("/", r"\/"),
    "percent, lower case": lambda s: re.sub("%..", lambda m: m[0].lower(), quote(s, safe="")),
    "percent, every character": lambda s: "".join(f"%{byte:02x}" for byte in s.encode()),
    "percent, every other character": lambda s: "".join(
        quote(c, safe="") if at % 2 else f"%{ord(c):02X}" if c.isascii() else c for at, c in enumerate(s)
    ),
    "a form's plus": quote_plus,
    "HTML": lambda s: html.escape(s, quote=True),
    "HTML by numbers": lambda s: each(s, lambda c: f"&#{ord(c)};"),
    "HTML by hexadecimal numbers": lambda s: each(s, lambda c: f"&#X{ord(c):x};"),
    "JSON by numbers": lambda s: re.sub("(....)", r"\\u\1", s.encode("utf-16-be").hex().upper()),
    "JSON in JSON in JSON": lambda s: json.dumps(json.dumps(json.dumps(s))),
    "JSON, percent-encoded": lambda s: quote(json.dumps(s)),
    "percent four times": lambda s: quote(quote(quote(quote(s, safe=""), safe=""), safe=""), safe=""),
    "letters decomposed": lambda s: normalize("NFD", s),
    "letters decomposed, percent": lambda s: quote(normalize("NFD", s), safe=""),
    "letters decomposed, JSON": lambda s: json.dumps(normalize("NFD", s)),
}


@pytest.mark.parametrize("written", CLOTHES.values(), ids=CLOTHES)
@pytest.mark.parametrize(
    "secret", [PASSWORD, "crème brûlée/42", 'Größe 10" & <ok>', "Việt/Nam+7", "p\U0001f355zza/1&2"]
)
def test_secrets_in_other_clothes(written: Callable[[str], str], secret: str) -> None:
    shown = masked(f"x {written(secret)} y", secret)

    assert re.sub(r'["\\]|%22', "", shown) == "x <secret> y"  # but for the quotes around it


ELSEWHERE = read_templates(
    "https://errors.example/v2/fix-{code}.json/of-{key}/ https://errors.example/{key}/{code} "
    "https://errors.example/report?code={code}&who={key}"
)
CUT = [
    *(f"Cannot GET https://{HOST}/api/support/{KEY}/report/{CODE}"[:80], f"{LINK[: LINK.index(KEY)]}{KEY[:23]}"),
    *(
        f"GET /api/support/{KEY[:9]}",
        quote(LINK, safe="")[: -len(CODE) - 22],
        LINK.replace("/", r"\/")[: -len(CODE) - 12],
    ),
    *(f"https://errors.example/v2/fix-{CODE}.json/of-{KEY[:20]}", f"/v2/fix-{CODE}.json/of-{KEY[:12]}"),
    *(f"https://errors.example/{KEY[:16]}", f"https://errors.example/report?code={CODE}&who={KEY[:16]}"),
]


@pytest.mark.parametrize("text", CUT)
def test_a_link_that_others_cut_leaves_no_digit_of_the_key(text: str) -> None:
    shown = Mask(ELSEWHERE).text(text)

    assert not [at for at in range(len(KEY) - 3) if KEY[at : at + 4] in shown], shown


@pytest.mark.parametrize(
    "link",
    [
        f"https://errors.example/v2/fix-{CODE}.json/of-abcd1234/",
        "https://errors.example/abcd1234/x",
        "https://cs329.cs.byu.edu/api/report?apiKey=abcd1234&fixCode=x",
    ],
)
def test_the_key_of_an_offered_link_is_masked_elsewhere_from_eight_characters_on(link: str) -> None:
    mask = Mask(ELSEWHERE)
    mask.add(link)
    mask.add(link.replace("abcd1234", "abcd123"))

    assert mask.text("the key abcd1234 is refused, abcd123 isn't") == "the key <secret> is refused, abcd123 isn't"
    assert mask.text(f"see {link} z") == f"see <link {readable_host(link)} {fingerprint(link)}> z"


def test_an_error_and_its_causes_are_one_masked_line() -> None:
    first, second, last = KeyError(LINK), ValueError(f"no\n{KEY}"), RuntimeError("at the end")
    second.__cause__, last.__context__ = first, second

    assert Mask().exception(last) == (
        f"RuntimeError: at the end <- ValueError: no <key {fingerprint(KEY)}> <- KeyError: '{SHOWN}'"
    )


def test_a_ring_of_causes_ends() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert Mask().exception(one).split(" <- ") == ["ValueError: one", "ValueError: two"] * 4


def test_a_suppressed_context_is_left_out() -> None:
    error = ValueError("one")
    error.__context__ = KeyError("two")
    error.__suppress_context__ = True
    assert Mask().exception(error) == "ValueError: one"


EVERYTHING = f"{LINK} {JWT} {PASSWORD}"


def log_with_a_field_of_each_line(log: Logger) -> None:
    log.append_keys(link=EVERYTHING)
    log.info("got it")


def log_an_exception(log: Logger) -> None:
    """Log an error whose text, cause and note hold secrets."""
    try:
        try:
            raise KeyError(EVERYTHING)
        except KeyError as error:
            error.add_note(EVERYTHING)
            raise ValueError(EVERYTHING) from error
    except ValueError:
        log.exception("the call failed")


WAYS: dict[str, Callable[[Logger], None]] = {
    "message": lambda log: log.info(EVERYTHING),
    "argument of the message": lambda log: log.info("got %s", EVERYTHING),
    "message that is no text": lambda log: log.info({"body": [EVERYTHING]}),
    "field": lambda log: log.info("got it", extra={"link": EVERYTHING}),
    "field of each line": log_with_a_field_of_each_line,
    "nested field": lambda log: log.info("got it", extra={"a": [{"b": ({"c": EVERYTHING}, 1, None)}]}),
    "name of a field": lambda log: log.info("got it", extra={"a": {EVERYTHING: 1}}),
    "object": lambda log: log.info("got it", extra={"a": [SimpleNamespace(text=EVERYTHING)]}),
    "JSON in a text": lambda log: log.info("got it", extra={"body": json.dumps({"a": f"{LINK} {JWT}"})}),
    "bytes": lambda log: log.info("got it", extra={"raw": f"{LINK} {JWT}".encode()}),
    "exception with its cause and note": log_an_exception,
}


def logged(way: Callable[[Logger], None]) -> str:
    """What comes out of Powertools' own logger, as a function has it, in a run that knows the password."""
    lines = io.StringIO()
    logger = Logger(service=uuid4().hex, stream=lines, level="INFO")
    new_mask(logger).add(PASSWORD)
    way(logger)
    (line,) = lines.getvalue().splitlines()
    return line


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_no_secret_comes_out_of_a_functions_log_whichever_way_it_goes_in(way: Callable[[Logger], None]) -> None:
    line = logged(way)

    shown = line + str(json.loads(line))
    assert SHOWN in shown
    assert "<jwt" in shown
    for secret in (KEY, CODE, JWT.split(".")[1], JWT.split(".")[2], "hun", "ter+2"):
        assert secret not in shown


def test_a_field_with_a_secrets_name_is_masked_whatever_it_holds() -> None:
    login = {"password": "p4ss", "userToken": "t0ken", "count": 3}

    line = logged(lambda log: log.info("x", extra={"login": login}))

    assert json.loads(line)["login"] == {"password": "<secret>", "userToken": "<secret>", "count": 3}


def test_a_traceback_keeps_its_lines() -> None:
    line = json.loads(logged(log_an_exception))

    assert line["exception_name"] == "ValueError"
    for part in (f"KeyError: '{SHOWN}", "direct cause", "test_masking.py", f"ValueError: {SHOWN}"):
        assert part in line["exception"]


@pytest.mark.parametrize(("start", "repeated"), SECRETS)
def test_work_grows_with_the_length_and_no_faster(start: str, repeated: str) -> None:
    assert growth(mask, start, repeated) <= 10


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see factory.example.com/x.", "see factory[.]example[.]com/x."),
        ("https://h/x and http://h2", "https[:]//h/x and http[:]//h2"),
        *((f"factory{dot}test", f"factory[{dot}]test") for dot in "\u3002\uff0e\uff61"),
        *((same, same) for same in ("0.5 s", "10.0.0.1", "a: b", "no. Then", "e.", ".x", "a :/b")),
    ],
)
def test_nothing_is_left_that_a_mail_program_makes_a_link_of(text: str, shown: str) -> None:
    assert unclickable(text) == shown


def test_words_are_masked_then_made_readable_and_only_then_cut() -> None:
    said = Mask().words(f"one\n\x1b two {LINK} {'x' * 90}", 70)

    assert said.startswith(f"one \ufffd two {SHOWN} x")
    assert said.endswith("x...")
    assert len(said.encode()) == 73
    assert Mask().words("short") == "short"


def test_what_is_no_text_hides_no_secret_beside_it() -> None:
    assert masked(r"%ff%fe%61hunter22%ff \ud800hunter22", "hunter22") == r"%ff%fe%61<secret>%ff \ud800<secret>"
    assert masked("x hun\ud800ter y", "hun\ud800ter") == "x <secret> y"
    assert masked("&#9;hun&#9;ter&#xA;hun&#xa;ter", "hun\tter\nhun\nter") == "&#9;<secret>"
