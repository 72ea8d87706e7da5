"""Evidence as people have it in hand: whatever wraps an answer, `diagnose` judges the answer."""

import json
from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from remediator.report_link import fingerprint
from remediator_cli.evidence import FORMS, read_evidence
from remediator_cli.files import LARGEST
from remediator_cli.main import main
from tests.support.builders import FRESH_LINK, JWT, LINK, SHAPE
from tests.support.fuzz import EXAMPLES, TEXTS, VALUES, objects

REFUSED = {"message": "Failed to fulfill order at factory", "followLinkToEndChaos": LINK}
ORDER = {"order": {"id": 7}, "jwt": JWT}
POST, MENU = {"method": "POST", "path": "/api/order"}, {"method": "GET", "path": "/api/order/menu"}
RECORD = {"authorized": True, **POST, "statusCode": 500, "reqBody": "{}", "resBody": json.dumps(REFUSED)}
LINE = json.dumps(RECORD)
TIME = "1787755857348"


def entry(status: object = 500, text: object = json.dumps(REFUSED), method: str = "POST", **more: object) -> object:
    request = {"method": method, "url": "https://shop.test/api/order?x=1"}
    return {"request": request, "response": {"status": status, "content": {"text": text, **more}}, "time": 29_012.5}


def har(*entries: object) -> object:
    return {"log": {"version": "1.2", "entries": entries}}


def raw(*heads: str, body: object = REFUSED, ends: str = "\r\n") -> str:
    return "".join(head + ends * 2 for head in heads) + json.dumps(body)


def run(*inputs: object, words: tuple[str, ...] = ()) -> Result:
    """The command, given files of these, each a text or what JSON it is."""
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"f{number}" for number in range(len(inputs))]
        for file, given in zip(files, inputs, strict=True):
            file.write_text(given if isinstance(given, str) else json.dumps(given), encoding="utf-8", newline="")
        return CliRunner().invoke(main, ["diagnose", *map(str, files), "--allow", SHAPE, *words])


def judged(*inputs: object, words: tuple[str, ...] = ()) -> dict[str, Any]:
    done = run(*inputs, words=words)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    assert set(found) == {"diagnosis", "reason", "link"}
    return found


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(raw("HTTP/1.1 500 Internal Server Error\r\nX: y"), id="raw"),
        pytest.param(raw("HTTP/2 500 \nx: y", ends="\n"), id="HTTP/2"),
        pytest.param(raw("HTTP/1.1 100 Continue", "HTTP/1.1 500 X"), id="100 Continue"),
        pytest.param(raw("HTTP/1.1 200 Connection established", "HTTP/2 500"), id="proxy"),
        pytest.param("\ufeff" + LINE, id="log line with a BOM"),
        pytest.param(RECORD | {"resBody": REFUSED, "statusCode": "500"}, id="body as an object, status as a text"),
        pytest.param(RECORD | {"resBody": json.dumps(json.dumps(REFUSED))}, id="body encoded twice"),
        pytest.param(f"2026-11-23T08:00:00.123Z {LINE}", id="time before it"),
        pytest.param(f'2026-11-23T08:00:00Z {{component="jwt-pizza-service"}} {LINE}\n', id="logcli"),
        pytest.param({"labels": {"type": "http"}, "line": LINE, "timestamp": "2026"}, id="logcli jsonl"),
        pytest.param(f'Common labels: {{"a":"b"}}\n\n\n{TIME}\t2026-11-23T08:00:00Z\t{LINE}', id="Grafana's text"),
        pytest.param([{"line": LINE, "timestamp": TIME, "fields": RECORD}], id="Grafana's JSON, with parsed fields"),
        pytest.param([TIME, LINE], id="a pair of Loki's values"),
        pytest.param({"data": {"result": [{"stream": {}, "values": [[TIME, LINE]]}]}}, id="Loki's answer"),
        pytest.param({"log": LINE + "\n", "stream": "stdout"}, id="Docker"),
        pytest.param("\n".join([LINE, json.dumps(RECORD | MENU), LINE]), id="lines of other requests, one twice"),
        pytest.param(entry(), id="HAR entry"),
        pytest.param(har(entry()), id="HAR"),
        pytest.param(har(entry(text=b64encode(json.dumps(REFUSED).encode()).decode(), encoding="base64")), id="base64"),
        pytest.param(har(entry(204, "", "OPTIONS"), entry()), id="HAR with a preflight"),
        pytest.param(REFUSED, id="body alone"),
        pytest.param({"reportUrl": LINK}, id="link alone"),
        pytest.param(json.dumps(REFUSED), id="body as a text"),
        pytest.param({"statusCode": 500, **REFUSED}, id="body with its status"),
    ],
)  # fmt: skip
def test_a_failed_order_is_seen_in_every_form_it_comes_in(given: object) -> None:
    found = judged(given)

    assert found["diagnosis"] == "fail"
    assert "500" in found["reason"]
    assert "orders" not in found["reason"], "one order is one sample"
    assert found["link"] == {"host": "factory.test", "fingerprint": fingerprint(LINK), "allowed": True}


@pytest.mark.parametrize(
    ("body", "diagnosis", "status"),
    [
        (ORDER, "healthy", 200),
        (ORDER | {"followLinkToEndChaos": LINK}, "throttle", 200),
        ({"message": "fetch failed"}, "no_link", 500),
        ({"error": "x", "order": {"id": 7}}, "no_link", 500),
        ({"message": "unauthorized"}, "unauthorized", 401),
    ],
)
def test_a_body_alone_is_judged_by_what_it_holds_and_its_status_is_said_to_be_supposed(
    body: object, diagnosis: str, status: int
) -> None:
    found = judged(body)

    assert found["diagnosis"] == diagnosis
    assert found["reason"].startswith(f"its status isn't known, {status} is supposed: {status}")
    assert "isn't known" not in judged(RECORD)["reason"]


def test_several_orders_of_a_file_are_judged_as_one_set() -> None:
    fresh = RECORD | {"resBody": REFUSED | {"followLinkToEndChaos": FRESH_LINK}}
    healthy = RECORD | {"statusCode": 200, "resBody": ORDER}

    assert judged([RECORD, fresh])["reason"].startswith("2 of 2 orders")
    assert judged([RECORD, healthy])["diagnosis"] == judged(RECORD, healthy)["diagnosis"] == "disagree"
    assert judged(har(entry(), entry(200, json.dumps(ORDER))))["diagnosis"] == "disagree"


def test_a_har_tells_the_time_and_the_option_overrules_it() -> None:
    cut_off = entry(504, "<html>")

    assert "after 29.01 s, what the shop doesn't answer: most likely a throttled" in judged(cut_off)["reason"]
    assert "after 3.00 s" in str(judged(cut_off, words=("--elapsed", "3"))["reason"])
    assert (
        judged(entry(0, ""))["reason"] == "no whole answer after 29.0 s: connection closed before the answer was whole"
    )


@pytest.mark.parametrize(
    "given",
    [
        raw("HTTP/1.1 503 X\r\nRetry-After:  611", body={}),
        {"response": {"status": 503, "headers": [{"name": "Retry-After", "value": "611"}, {"name": []}, 7]}},
    ],
)
def test_retry_after_is_handed_on(given: object) -> None:
    samples, _ = read_evidence((given if isinstance(given, str) else json.dumps(given)).encode(), "f")

    assert [sample.retry_after for sample in samples] == [611]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nothing of this", "no status line"),
        ("{}", "no status line"),
        ('{"status":"firing","alerts":[]}', "no status line"),
        (json.dumps({**RECORD, "statusCode": 5000, "resBody": "{}"}), "no status line"),
        (json.dumps([RECORD | MENU, RECORD | MENU]), "f0 holds 2 answers, and none to POST /api/order"),
        (json.dumps(entry(encoding="base64", text="a")), "f0 can't be read"),
    ],
)
def test_what_is_no_evidence_is_refused_in_a_sentence_that_says_what_is(given: str, said: str) -> None:
    done = run(given)

    assert done.exit_code == 2
    assert said in done.output
    assert all(form in " ".join(done.output.split()) for form, *_ in FORMS) is (said == "no status line")


def test_standard_input_is_read_if_no_file_is_named_and_no_person_would_have_to_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = CliRunner().invoke(main, ["diagnose"], input=LINE)
    assert json.loads(done.stdout)["diagnosis"] == "fail"

    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    with pytest.raises(click.UsageError, match="pipe"):
        main(["diagnose"], standalone_mode=False)


ODD = VALUES | objects("request", "response", "status", "content", "text", "headers", "log", "entries", "statusCode")
PARTS = st.fixed_dictionaries(
    {"response": st.fixed_dictionaries({"status": st.sampled_from([0, 200, 500, "504"]) | VALUES}, optional={
        "content": objects("text", "encoding") | st.fixed_dictionaries({"text": TEXTS, "encoding": st.just("base64")}),
        "headers": st.lists(objects("name", "value")) | VALUES})},
    optional={"request": objects("method", "url") | VALUES, "time": VALUES},
)  # fmt: skip
RECORDS = st.fixed_dictionaries(
    {"statusCode": st.sampled_from([200, 500, "429"]) | VALUES}, optional={key: VALUES for key in ("resBody", *POST)}
)
HARS = st.lists(PARTS | ODD, max_size=3).map(lambda entries: {"log": {"entries": entries}})


@EXAMPLES
@given(RECORDS | PARTS | HARS | ODD | st.binary())
def test_evidence_of_any_content_is_judged_or_refused(value: object) -> None:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()

    for wrapped in (content, json.dumps({"line": content.decode("latin-1")}).encode(), b"time " + content):
        done = CliRunner().invoke(main, ["diagnose", "-"], input=wrapped)

        assert done.exit_code in (0, 2), done.output
        assert done.exit_code or set(json.loads(done.stdout)) == {"diagnosis", "reason", "link"}


@pytest.mark.parametrize("start", [b"", b'{"log":{"entries":', b'{"statusCode":500,"resBody":', b'"'])
@pytest.mark.parametrize("repeated", [b"[", b'{"a":', b'{"\n', b"HTTP/1.1 200\n\n", b'\\"', b"9"])
def test_hostile_evidence_is_read_or_refused(start: bytes, repeated: bytes) -> None:
    content = (start + repeated * LARGEST)[: LARGEST >> 3]

    assert CliRunner().invoke(main, ["diagnose", "-"], input=content).exit_code in (0, 2)
