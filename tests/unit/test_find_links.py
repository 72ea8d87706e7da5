"""The link is found wherever an answer holds it."""

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.growth import LINKS, links
from remediator.report_link import FIELD_NAMES, MOST_LINKS, MOST_TOKENS, find_links
from tests.support.work import growth

LINK = "https://pizza-factory.cs329.click/api/support/9f0c41d87ab6e2359f0c41d87ab6e235/report/q7w8e9r1"
OTHER = LINK[:-1] + "2"
NAME = "followLinkToEndChaos"


def body(value: object) -> bytes:
    return json.dumps(value).encode()


def wrapped(value: object, times: int) -> object:
    """`value` as JSON in a string in JSON, `times` over."""
    for _ in range(times):
        value = {"message": json.dumps(value)}
    return value


DEPLOYED = """
    reportUrl reportErrorToPizzaFactoryUrl reportPizzaCreationErrorToPizzaFactoryUrl
    reportSlowPizzaToFactoryUrl followLinkToEndChaos
"""


@pytest.mark.parametrize("name", DEPLOYED.split())
def test_a_link_is_found_under_each_name_that_deployments_carry(name: str) -> None:
    assert find_links(body({"message": "Failed to fulfill order at factory", name: LINK})) == (LINK,)


def test_a_link_under_a_further_name_is_found_if_it_is_asked_for() -> None:
    assert find_links(body({"fixIt": LINK}), FIELD_NAMES | {"fixIt"}) == (LINK,)
    assert find_links(body({"fixIt": LINK})) == ()


@pytest.mark.parametrize(
    "answer",
    [
        {"order": {"items": [{"menuId": 1}]}, NAME: LINK, "jwt": "deadxe6M"},
        {"a": {"b": [{"c": {NAME: LINK}}]}},
        [[[{NAME: LINK}]]],
        {NAME: [LINK]},
        {NAME: [LINK, LINK]},
        {NAME: [1, None, {"href": OTHER}, [OTHER], LINK]},
        {NAME: LINK, "reportUrl": LINK},
        {NAME: None, "reportUrl": LINK},
        {NAME: 5, "x": OTHER, "reportUrl": LINK},
        {NAME: {"href": OTHER}, "reportUrl": LINK},
        {NAME: {NAME: LINK}},
        {NAME: [], "x": OTHER, "reportUrl": LINK},
        {NAME: [], "x": [OTHER], "reportUrl": LINK},
        {NAME: [[OTHER], LINK, {"x": [OTHER]}]},
        {"x": NAME, "y": OTHER, NAME: LINK},
        {"x": [NAME, OTHER], NAME: LINK},
        {"escaped": 'say "hi" \\', NAME: LINK},
        wrapped({NAME: LINK}, 4),
        json.dumps({NAME: LINK}),
        [json.dumps([{NAME: LINK}])],
        {"message": "upstream said: " + json.dumps({NAME: LINK})},
    ],
)
def test_the_one_link_is_found_and_nothing_else(answer: object) -> None:
    assert find_links(body(answer)) == (LINK,)


@pytest.mark.parametrize(
    "answer",
    [
        {NAME: LINK, "reportUrl": OTHER},
        {NAME: [LINK, OTHER]},
        {NAME: [{"x": 1}, LINK, OTHER]},
        {NAME: LINK, "message": json.dumps({NAME: OTHER})},
        {"message": json.dumps({NAME: LINK}), NAME: OTHER},
        [{NAME: LINK}, {NAME: OTHER}],
        {NAME: [LINK], "x": {NAME: OTHER}},
    ],
)
def test_different_links_are_all_found_in_their_order(answer: object) -> None:
    assert find_links(body(answer)) == (LINK, OTHER)


@pytest.mark.parametrize(
    "raw",
    [
        b'\xef\xbb\xbf{"%s":"%s"}',
        b'{"x":NaN,"y":-Infinity,"%s":"%s"}',
        b'{"x":"\\ud800","%s":"%s"}',
        b'{"x":"\xff\xfe\xe9","%s":"%s"}',
        b'{"x":"\\q","%s":"%s"}',
        b'{"x":"a\nb\tc","%s":"%s"}',
        b'<html>502</html>{"%s":"%s"}',
        b'{"%s" \r\n\t : "%s"',
        b']}]}{"%s":"%s"}',
        b"[" * 200_000 + b'{"%s":"%s"}',
        b'{"a":' * 200_000 + b'{"%s":"%s"}' + b"}" * 200_000,
        b'{"%s":"%s","cut":"off',
        b'{"%s":"%s","cut":"off\\',
        b'{"%s":"%s"}\x00\x00',
        b'{"%s": ^ "%s"}',
    ],
    ids=lambda raw: repr(raw[:30]),
)
def test_odd_json_is_survived_and_the_link_found(raw: bytes) -> None:
    assert find_links(raw.replace(b"%s", NAME.encode(), 1).replace(b"%s", LINK.encode())) == (LINK,)


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"null", b"{}", b'"', b"\\", b'"\\', b"\x00\xff", b"[" * 100_000, b'{"%s"', b'{"%s":'),
        *(b'{"%s":null}', b'{"%s":{}}', b'{"%s":[]}', b'{"%s":5}', b'{"%s":[1,[2],{"x":"y"}]}'),
        *(b'{"%sX":"y"}', b'{"x%s":"y"}', b'{"x":"%s"}', b'["%s","y"]', b'{"%s":"https://cut.off'),
        b'{"%s":["https://cut.off',
    ],
)
def test_an_answer_without_a_whole_link_has_none(raw: bytes) -> None:
    assert find_links(raw.replace(b"%s", NAME.encode())) == ()


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (rb'{"reportUrl":"https://\ud800"}', ("https://\ud800",)),
        (rb'{"reportUrl":"https://\q"}', (r"https://\q",)),
        (b'{"reportUrl":"a:\\/\\/b\n\xc3\xa9+AOk-"}', ("a://b\n\u00e9+AOk-",)),
        (rf'{{"follow\u004cinkToEndChaos":"{LINK.replace("/", r"\/")}"}}'.encode(), (LINK,)),
        (f'{{"{NAME}":"{LINK}","{NAME}":"{OTHER}"}}'.encode(), (LINK, OTHER)),
        (body(wrapped({NAME: LINK}, 5)), ()),
    ],
    ids=["half a character", "odd escape", "odd characters", "escaped name and link", "repeated key", "JSON five deep"],
)
def test_names_and_links_are_read_as_json_does_and_handed_on_however_odd_they_are(
    raw: bytes, found: tuple[str, ...]
) -> None:
    assert find_links(raw) == found


@pytest.mark.parametrize("value", ["", "none", "n/a", "/api/report", "mailto:x@y.example", "http:", None, 7])
def test_a_value_that_is_no_url_is_no_offer(value: object) -> None:
    assert find_links(body({NAME: value})) == ()
    assert find_links(body({NAME: [value, LINK]})) == (LINK,)


def test_work_on_a_strangers_count_ends_at_a_bound() -> None:
    many = [f"{LINK}{number}" for number in range(116_000)]

    assert find_links(body({NAME: many})) == tuple(many[:MOST_LINKS])
    assert find_links(b"[" * (MOST_TOKENS - 3) + body({NAME: LINK})) == (LINK,)
    assert find_links(b"[" * MOST_TOKENS + body({NAME: LINK})) == ()


@pytest.mark.parametrize(("start", "repeated"), LINKS)
def test_work_grows_with_the_length_and_no_faster(start: str, repeated: str) -> None:
    assert growth(links, start, repeated) <= 10


KEYS = st.one_of(st.sampled_from([NAME, "reportUrl", "x"]), st.text(max_size=5))
TREES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.integers().map("x://{}".format)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=2).map(json.dumps),
    ),
    max_leaves=20,
)


def walked(value: object, nesting: int = 4) -> Iterator[str]:
    """What a walk over the tree that the standard library parses would find."""
    if isinstance(value, dict):
        for key, inner in value.items():
            strings = inner if isinstance(inner, list) else [inner]
            yield from (text for text in strings if key in FIELD_NAMES and isinstance(text, str))
            yield from walked(inner, nesting)
    elif isinstance(value, list):
        for inner in value:
            yield from walked(inner, nesting)
    elif isinstance(value, str) and nesting and value[:1] in "{[":
        with suppress(ValueError):
            yield from walked(json.loads(value), nesting - 1)


@given(TREES)
def test_the_scan_finds_what_a_walk_over_the_parsed_tree_finds(tree: object) -> None:
    found = find_links(body(tree))

    assert len(found) == MOST_LINKS or {text for text in walked(tree) if "://" in text} <= set(found)


@given(st.binary())
def test_no_bytes_are_too_odd(raw: bytes) -> None:
    find_links(raw)
    find_links(b'{"reportUrl":"' + raw)
