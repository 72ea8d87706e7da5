"""The incident report: nine sections for every outcome, made from the log, never a guess, never a secret."""

import json
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from remediator.canary import write_alarm
from remediator.diagnosis import Diagnosis, Symptom
from remediator.endpoints import ENDPOINTS
from remediator.notifications import full_text
from remediator.outcome import CONSEQUENCES, Outcome
from remediator_cli.orders import Orders, Point, find_stretch, fullest
from remediator_cli.report import page
from remediator_cli.report.facts import IncidentFacts
from remediator_cli.report.sections import Todo, sections
from tests.support.builders import BEGAN, CODE, GOOD, KEY, NO_LINK, PASSWORD, TOKEN, Harness, sns
from tests.support.outcomes import INCIDENT_OF_2025, OUTCOMES, UNMEASURED, at_work, facts, played

TEAMS_HEADINGS = [
    "Summary", "Detection", "Impact", "Timeline", "Response", "Root cause", "Resolution", "Prevention", "Action items",
]  # fmt: skip


def told(title: str, found: IncidentFacts) -> str:
    """The sentences of one section."""
    section = next(each for each in sections(found) if each.title == title)
    return " ".join(each.text if isinstance(each, Todo) else each for each in section.told)


def test_every_outcome_that_is_reported_has_an_example() -> None:
    assert set(OUTCOMES) == {each for each in Outcome if CONSEQUENCES[each].tone != "none"} | {Outcome.FAILED}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_report_of_each_outcome_has_the_nine_headings_names_it_and_leaves_to_people_what_it_cannot_know(
    outcome: Outcome,
) -> None:
    found = facts(played(outcome))

    text, shown = page.markdown(found), page.plain(found)

    assert [section["title"] for section in shown["sections"]] == TEAMS_HEADINGS
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == TEAMS_HEADINGS
    assert found.outcome is outcome
    assert f"Incident {found.incident.id}: {outcome}" in text
    assert all(section["sentences"] for section in shown["sections"])
    assert "**TODO (a person):** Who was affected" in text
    assert "**TODO (a person):** Why did it begin?" in text
    assert CONSEQUENCES[outcome].ask in told("Action items", found)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_no_report_holds_a_secret(outcome: Outcome) -> None:
    found = facts(played(outcome))

    written = page.markdown(found) + page.html(found) + json.dumps(page.plain(found))

    assert not [secret for secret in (KEY, CODE, TOKEN, PASSWORD, "https://") if secret in written]


def test_healed_report_states_the_figures_of_the_log_and_of_the_metric() -> None:
    found = facts(played(Outcome.HEALED), INCIDENT_OF_2025)
    seconds = (found.incident.ended_at - found.incident.opened_at).total_seconds()  # type: ignore[operator] # it ended

    assert f"It ended HEALED after {seconds:.2f} s" in told("Summary", found)
    assert "called the report link once" in told("Summary", found)
    assert "2 h until the trigger" in told("Detection", found)
    assert "155 orders failed, of 160 placed" in told("Impact", found)
    assert "at most 155 people" in told("Impact", found)
    assert "27 min, and 2 h 27 min" in told("Response", found)
    assert "The answer was 200, “Problem resolved" in told("Resolution", found)
    assert "of the audit log, which is intact" in told("Timeline", found)


def point(minute: int, placed: int, failed: int) -> Point:
    return Point(BEGAN + timedelta(minutes=minute), placed, failed)


def healed(orders: Orders | str = UNMEASURED, **changes: Any) -> IncidentFacts:
    return replace(facts(played(Outcome.HEALED), orders), **changes)


def paused() -> IncidentFacts:
    harness = played(Outcome.PAUSED)
    return replace(facts(harness), log=tuple(harness.store.log))


EVERY_ORDER_FAILED = find_stretch([point(-9, 2, 2), point(-1, 2, 2)], BEGAN, 60)
SENTENCES: dict[str, tuple[IncidentFacts, str, str]] = {
    "the metric cannot be read": (healed(), "Impact", UNMEASURED),
    "how many orders failed is asked": (healed(), "Impact", "How many orders failed?"),
    "when the first order failed is asked": (healed(), "Detection", "When did the first order fail"),
    "it may have begun earlier": (healed(EVERY_ORDER_FAILED), "Detection", "It may have begun earlier"),
    "the link is shown by its fingerprint": (healed(), "Resolution", "the link at factory.test, fingerprint "),
    "it is under check": (facts(at_work()), "Summary", "It is still open"),
    "what ended a failure under check is asked": (facts(at_work()), "Resolution", "What ended the failure"),
    "a person paused it": (paused(), "Response", "ana paused it (release 42)"),
    "the log is broken": (healed(fault="entry 3 isn't as written"), "Timeline", "altered: entry 3 isn't as written"),
    "the log has expired": (healed(log=()), "Timeline", "Its part of the audit log has expired."),
    "a call outlives its entry in the log": (healed(log=()), "Resolution", "It called the report link once."),
}


@pytest.mark.parametrize(("found", "title", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_report_says_what_is_known_and_asks_what_is_not(found: IncidentFacts, title: str, sentence: str) -> None:
    assert sentence in told(title, found)
    assert sentence in unescape(page.html(found))


def test_beginning_and_end_are_told_only_where_they_are_known() -> None:
    assert healed(EVERY_ORDER_FAILED).lines[0].evidence == "or earlier"
    assert "this one, with the time to notice" not in page.html(healed())
    assert ": open" in page.markdown(facts(at_work())).splitlines()[0]


def test_call_whose_answer_was_lost_is_not_paired_with_the_answer_of_the_next() -> None:
    found = healed()
    intent = next(entry for entry in found.log if entry.kind == "intent")
    twice = replace(found, log=(found.log[0], intent, *found.log[1:]))

    assert [answer is None for _, answer in twice.calls] == [True, False]
    assert "whether the call went out isn't known" in told("Resolution", twice)
    assert "It called the report link once." in told("Summary", twice)


@pytest.mark.parametrize("outcome", [each for each in OUTCOMES if each not in (Outcome.HEALED, Outcome.UNRESOLVED)])
def test_call_of_an_earlier_run_is_not_denied_by_a_later_outcome(outcome: Outcome) -> None:
    later = facts(played(outcome))
    both = replace(later, log=(*healed().log[:4], *later.log))

    text = page.markdown(both)

    assert "It called the report link once." in text
    assert "No report link was called" not in text
    assert "No report link was called" in page.markdown(later)


def test_words_from_outside_mean_nothing_in_markdown_and_in_html() -> None:
    found = facts(played(Outcome.BLOCKED, name="<script>alert(1)</script> | [x](y) `*`"))

    assert "<script>" not in page.html(found)
    assert "&lt;script&gt;" in page.html(found)
    assert r"\<script\>alert(1)\</script\> \| \[x\](y) \`\*\`" in page.markdown(found)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("https://evil.test/x?a=1", "https\\[:\\]//evil\\[.\\]test/x?a=1"),
        ("www.evil.test ftp://x", "www\\[.\\]evil\\[.\\]test ftp\\[:\\]//x"),
        ("mail a@b.test", "mail a@&#8203;b\\[.\\]test"),
        ("@team @org/team", "@&#8203;team @&#8203;org/team"),
        ("#12 !3 org/shop#4", "\\#&#8203;12 \\!&#8203;3 org/shop\\#&#8203;4"),
        ("&#64;team &lt;b&gt;", "\\&\\#&#8203;64;team \\&&#8203;lt;b\\&&#8203;gt;"),
        ("1. one", "1\\. one"),
        ("20) two", "20\\) two"),
        ("- [ ] task", "\\- \\[ \\] task"),
        ("+ x", "\\+ x"),
        ("=== x", "\\=== x"),
        ("# title\n> quote", "\\# title \\> quote"),
        ("***", "\\*\\*\\*"),
        ("a | b `c` _d_ ~e~ $f$", "a \\| b \\`c\\` \\_d\\_ \\~&#8203;e\\~ \\$&#8203;f\\$"),
        ("<!-- x --> <a href=x>", "\\<\\!-- x --\\> \\<a href=x\\>"),
        ("a\x1b[31m\u202eb\x07\u2028c", "a\ufffd\\[31m\ufffdb\ufffd c"),
    ],
)
def test_forge_acts_on_nothing_in_a_report(name: str, written: str) -> None:
    """At the beginning of a line too: the detection begins with the alarm's name."""
    text = page.markdown(facts(played(Outcome.BLOCKED, name=name)))

    assert f"\n{written} noticed it" in text


@settings(max_examples=500)
@given(st.text(st.sampled_from(list("@#!$%&~^.:/\\`*_[]()<>|-+=1aw \t\n\r\u202e\x1b\"'{}é")), max_size=20))
def test_markdown_of_any_text_is_one_paragraph_of_text(name: str) -> None:
    """Behind words of ours, and at the beginning of a line."""
    for words in (name, f"seen: {name}"):
        tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(page._md(words))

        assert [token.type for token in tokens] in ([], ["paragraph_open", "inline", "paragraph_close"])
        assert {part.type for token in tokens for part in token.children or ()} <= {"text"}


@pytest.mark.parametrize("outcome", [Outcome.HEALED, Outcome.NO_LINK])
def test_html_asks_nothing_of_anybody(outcome: Outcome) -> None:
    written = page.html(facts(played(outcome), INCIDENT_OF_2025))

    assert not [word for word in ("http:", "https:", "<script", "url(", "@import", "src=") if word in written.lower()]


def test_stretch_of_failure_begins_after_the_last_good_period_before_the_trigger() -> None:
    points = [point(-9, 1, 1), point(-8, 3, 0), point(-5, 2, 2), point(-4, 0, 0), point(-3, 2, 1), point(0, 4, 1)]

    found = find_stretch(points, BEGAN, 60)

    assert found == Orders(60, BEGAN - timedelta(minutes=5), placed=8, failed=4)


def test_of_counts_that_know_no_good_period_the_finest_is_told_that_lost_no_failure() -> None:
    failed_by_period = ((10, 4), (60, 7), (3600, 7))
    fine, coarse, coarsest = (Orders(period, BEGAN, 9, failed, exact=False) for period, failed in failed_by_period)

    assert fullest([fine, coarse, coarsest]) == coarse
    assert fullest([coarse, coarsest]) == coarse


def test_period_of_the_trigger_may_be_good_at_its_end() -> None:
    assert find_stretch([point(-1, 5, 0), point(0, 9, 3)], BEGAN + timedelta(seconds=30), 60).failed == 3


def test_no_failed_order_leaves_the_beginning_unknown() -> None:
    assert find_stretch([point(-2, 5, 0), point(0, 9, 0)], BEGAN, 60) == Orders(60, None, 0, 0)


def test_notification_of_each_outcome_says_what_to_do_and_where_to_see_more() -> None:
    for outcome in set(OUTCOMES) - {Outcome.FAILED}:  # CloudWatch's alarm on the function's errors reports that
        harness = played(outcome)
        message = harness.notifier.sent[-1]
        first, *_, last, stack, more = full_text(message, "pizza", "eu-west-1").splitlines()
        assert first.startswith(outcome)
        assert len(message.subject.removesuffix(facts(harness).incident.id)) <= 61
        assert " s ago, triggered by OrdersFailing." in message.text
        assert last.removeprefix("Audit log: ") in {entry.hash for entry in harness.store.log}
        assert stack == "Stack: pizza in eu-west-1"
        assert more == f"More: remediator show {facts(harness).incident.id} --stack pizza --region eu-west-1"
        assert len(message.text) < 900


@pytest.mark.parametrize("outcome", [Outcome.OBSERVED, Outcome.BLOCKED, Outcome.LIMITED])
def test_no_notification_holds_what_a_mail_program_makes_a_link_of(outcome: Outcome) -> None:
    (message,) = played(outcome, name="see https://factory.test/x or factory.test").notifier.sent

    assert "[.]test" in message.text
    assert not [sign for sign in ("factory.test", "elsewhere.test", "://") if sign in message.text]


@pytest.mark.parametrize("name", ["x\nAudit log: 0000\nMore: call 555", "x" * 5000], ids=["several lines", "long"])
def test_alarm_name_makes_no_line_of_ours_and_no_long_message(name: str) -> None:
    (message,) = played(Outcome.NO_LINK, name=name).notifier.sent

    assert len(message.text.splitlines()) == 4
    assert len(message.text) < 900


@pytest.mark.parametrize(("named", "said"), [("menu", "The menu failed without"), ("order", "Orders failed without")])
def test_report_says_what_failed(named: str, said: str) -> None:
    harness = Harness(GOOD if named == "menu" else NO_LINK)
    harness.shop.probes = {ENDPOINTS["menu"].path: [NO_LINK]}
    harness.handle(sns(write_alarm({named: Diagnosis(Symptom.NO_LINK, "500")}, BEGAN)))

    assert said in told("Summary", facts(harness))
