"""The incident report: nine sections for every outcome, made from the log, never a guess, never a secret."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from io import StringIO
from itertools import pairwise
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
from remediator_cli.report import page, text
from remediator_cli.report.facts import IncidentFacts
from remediator_cli.report.figures import badge, figures
from remediator_cli.report.hashes import without_hashes
from remediator_cli.report.sections import Todo, sections
from remediator_cli.terminal import PIPED_WIDTH, PlainConsole
from tests.support.builders import BEGAN, CODE, GOOD, KEY, NO_LINK, PASSWORD, TOKEN, Harness, sns
from tests.support.outcomes import INCIDENT_OF_2025, OUTCOMES, UNMEASURED, at_work, facts, played

TEAMS_HEADINGS = [
    "Summary", "Detection", "Impact", "Timeline", "Response", "Root cause", "Resolution", "Prevention", "Action items",
]  # fmt: skip


def told(title: str, found: IncidentFacts) -> str:
    """The sentences of one section."""
    section = next(each for each in sections(found) if each.title == title)
    return " ".join(each.text if isinstance(each, Todo) else each for each in section.told)


def printed(found: IncidentFacts, width: int = PIPED_WIDTH) -> str:
    """What a terminal of that width shows, or a pipe gets."""
    out = StringIO()
    text.show(found, PlainConsole(file=out, width=width, highlight=False, markup=False, emoji=False))
    return out.getvalue()


def test_every_outcome_that_is_reported_has_an_example() -> None:
    assert set(OUTCOMES) == {each for each in Outcome if CONSEQUENCES[each].tone != "none"} | {Outcome.FAILED}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_report_of_each_outcome_has_the_nine_headings_names_it_and_leaves_to_people_what_it_cannot_know(
    outcome: Outcome,
) -> None:
    found = facts(played(outcome))

    written, shown = page.markdown(found), page.plain(found)

    assert [section["title"] for section in shown["sections"]] == TEAMS_HEADINGS
    assert [line[3:] for line in written.splitlines() if line.startswith("## ")] == TEAMS_HEADINGS
    assert [line for line in printed(found).splitlines() if line in TEAMS_HEADINGS] == TEAMS_HEADINGS
    assert found.outcome is outcome
    assert f"Incident {found.incident.id}: {outcome}" in written
    assert all(section["sentences"] for section in shown["sections"])
    assert "**TODO (a person):** Who was affected" in written
    assert "**TODO (a person):** Why did it begin?" in written
    assert CONSEQUENCES[outcome].ask in told("Action items", found)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_no_report_holds_a_secret(outcome: Outcome) -> None:
    found = facts(played(outcome))

    written = page.markdown(found) + page.html(found) + json.dumps(page.plain(found)) + printed(found)

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
    "the link is shown by its host": (healed(), "Resolution", "It called the link at factory.test. The answer was"),
    "it is under check": (facts(at_work()), "Summary", "It is still open"),
    "what ended a failure under check is asked": (facts(at_work()), "Resolution", "What ended the failure"),
    "a person paused it": (paused(), "Response", "ana paused it (release 42)"),
    "the log is broken": (healed(fault="entry 3 isn't as written"), "Timeline", "altered: entry 3 isn't as written"),
    "the log has expired": (healed(log=()), "Timeline", "Its part of the audit log has expired."),
    "an expired log counts nothing": (healed(log=()), "Response", "How often it was triggered, and how many"),
    "a call outlives its entry in the log": (healed(log=()), "Resolution", "It called the report link once."),
}


@pytest.mark.parametrize(("found", "title", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_report_says_what_is_known_and_asks_what_is_not(found: IncidentFacts, title: str, sentence: str) -> None:
    assert sentence in told(title, found)
    assert sentence in unescape(page.html(found))


UNREAD, UNREACHED = "the shop's metric can't be read", Orders(60, None, 9, 0)
FIGURES: dict[str, tuple[IncidentFacts, dict[str, float | None], list[str]]] = {
    "healed": (
        healed(INCIDENT_OF_2025),
        {"orders_failed": 155, "seconds_to_notice": 7200.03, "seconds_to_heal": 0.07, "seconds_open": 0.07},
        [
            "155, of 160 placed",
            "2 h, from the first failed order to the trigger, known to 60 seconds",
            "0.07 s, from the trigger to the healthy order",
        ],
    ),
    "healthy again": (
        facts(played(Outcome.ALREADY_HEALTHY), UNREACHED),
        {"orders_failed": 0, "seconds_to_notice": None, "seconds_to_heal": 60.11, "seconds_open": 60.11},
        [
            "0, by the shop's metric",
            "unknown, the shop's metric shows no failed order",
            "1 min, by itself or by a person",
        ],
    ),
    "open": (
        facts(played(Outcome.FAILED)),
        {"orders_failed": None, "seconds_to_notice": None, "seconds_to_heal": None, "seconds_open": 60.15},
        [f"unknown, {UNREAD}", f"unknown, {UNREAD}", "not healed, open for 1 min"],
    ),
    "running": (
        facts(at_work()),
        {"orders_failed": None, "seconds_to_notice": None, "seconds_to_heal": None, "seconds_open": 0.01},
        [f"unknown, {UNREAD}", f"unknown, {UNREAD}", "not healed, open for 0.01 s"],
    ),
    "of an unknown beginning": (
        healed(EVERY_ORDER_FAILED),
        {"orders_failed": 4, "seconds_to_notice": 540.03, "seconds_to_heal": 0.07, "seconds_open": 0.07},
        [
            "4, or more, of 4 placed",
            "9 min, or more, from the first failed order to the trigger, known to 60 seconds",
            "0.07 s, from the trigger to the healthy order",
        ],
    ),
}


@pytest.mark.parametrize(("found", "numbers", "words"), FIGURES.values(), ids=FIGURES)
def test_report_leads_with_three_figures_or_an_honest_word(
    found: IncidentFacts, numbers: dict[str, float | None], words: list[str]
) -> None:
    assert page.plain(found)["figures"] == numbers
    assert [figure.told for figure in figures(found)] == words
    for written in (page.markdown(found), page.html(found), printed(found)):
        lead = unescape(written.replace("\\", "")).partition("Detection")[0]
        assert all(figure.value in lead and figure.note in lead for figure in figures(found))


@pytest.mark.parametrize("outcome", [*OUTCOMES, None])
def test_badge_says_in_a_word_what_its_colour_says(outcome: Outcome | None) -> None:
    found = facts(played(outcome) if outcome else at_work())
    word, colour = badge(outcome)

    good = {Outcome.HEALED, Outcome.ALREADY_HEALTHY}
    assert (word == "good") is (outcome in good)
    assert (
        len({badge(each)[0] for each in [*OUTCOMES, None]}) == len({badge(each)[1] for each in [*OUTCOMES, None]}) == 4
    )
    assert f'<span class="outcome {colour}">{outcome or "open"}: {word}</span>' in page.html(found)
    assert page.markdown(found).splitlines()[0].endswith(f": {outcome or 'open'} ({word})")
    assert printed(found).splitlines()[0].endswith(f": {outcome or 'open'} ({word})")


@pytest.mark.parametrize("outcome", [*OUTCOMES, None])
def test_no_sentence_holds_a_hash_and_each_form_has_them_in_a_table(outcome: Outcome | None) -> None:
    found = facts(played(outcome) if outcome else at_work(), INCIDENT_OF_2025)
    compared = [found.log[-1].hash, *(intent["link"] for intent, _ in found.calls)]

    shown = page.plain(found)

    assert not re.findall(r"\b(?=\w*\d)[0-9a-f]{12,}\b|f00d", json.dumps(shown["sections"]))
    assert [each["hash"] for each in shown["hashes"]] == compared
    for written in (page.markdown(found), page.html(found), printed(found)):
        assert all(each in written for each in compared)


SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.mark.parametrize(
    ("sentence", "readable"),
    [
        ("fails (500; the link to factory.test is c996430d2ba4).", "fails (500; the link to factory.test)."),
        ("says <link factory.test c996430d2ba4>, <jwt c996430d2ba4>", "says <link factory.test>, <jwt>"),
        (f"a key: {SHA[:32]}", "a key: <key>"),
        (f"deploy {SHA[:40]} and {SHA.upper()}.", "deploy 9f86d08… and 9F86D08…."),
        (f"at https://{SHA[:24]}.example.com", f"at https://{SHA[:24]}.example.com"),
        ("by arn:aws:iam::123456789012:user/ana", "by arn:aws:iam::123456789012:user/ana"),
        ("of incident 20261123T080000Z-33df", "of incident 20261123T080000Z-33df"),
    ],
)
def test_hash_from_anywhere_leaves_a_sentence_and_nothing_else_does(sentence: str, readable: str) -> None:
    assert without_hashes(sentence) == readable


def spread(*seconds: float, orders: Orders | str = UNMEASURED) -> list[page.Step]:
    """The bars of a timeline whose entries lie so many seconds after the trigger."""
    log = healed().log
    opened = healed().incident.opened_at
    return page.steps(
        healed(orders, log=[replace(log[0], at=opened + timedelta(seconds=each)) for each in seconds])  # as entries
    )


SPREADS = {
    "noticed after two hours": spread(0, 3.1, 3.1, 3.6, 5.1, 5.4, orders=INCIDENT_OF_2025),
    "two checks days apart": spread(0, 0.5, 0.9, 259200, 259200.5, 259201),
    "clocks that differ": spread(0, 2, 1, 3),
}


@pytest.mark.parametrize("steps", SPREADS.values(), ids=SPREADS)
def test_each_step_of_a_timeline_has_a_bar_that_can_be_seen_and_longer_waits_have_longer_ones(
    steps: list[page.Step],
) -> None:
    waits = [later.line.seconds - step.line.seconds for step, later in pairwise(steps)]
    bars = sorted(zip(waits, (step.share for step in steps[1:]), strict=True))

    assert all(share > 5 for wait, share in bars if wait > 0)
    assert [share for wait, share in bars if wait > 0] == sorted(share for wait, share in bars if wait > 0)
    assert all(share == 0 for wait, share in bars if wait <= 0)
    assert steps[-1].begin + steps[-1].share == pytest.approx(100)
    assert [step.begin for step in steps] == sorted(step.begin for step in steps)


def test_waits_are_written_and_what_went_unnoticed_is_marked() -> None:
    steps = SPREADS["noticed after two hours"]

    assert [step.told for step in steps] == ["", "2 h", "3.10 s", "0.00 s", "0.50 s", "1.50 s", "0.30 s"]
    assert [step.unnoticed for step in steps] == [False, True, False, False, False, False, False]


@pytest.mark.parametrize(("seconds", "bars"), [((), []), ((0,), [(0, 0)]), ((1, 1, 1), [(0, 0)] * 3)])
def test_timeline_of_nothing_of_a_line_and_of_one_moment_is_drawn(
    seconds: tuple[float, ...], bars: list[tuple[float, float]]
) -> None:
    assert [(step.begin, step.share) for step in spread(*seconds)] == bars


def test_caption_explains_bars_where_there_are_some_and_dates_show_where_days_differ() -> None:
    found = healed()
    later = replace(found, log=(*found.log[:-1], replace(found.log[-1], at=BEGAN + timedelta(days=3))))
    lone = replace(found, log=found.log[:1])

    assert "Each bar is" in page.html(found)
    assert "went unnoticed" not in page.html(found)
    assert "went unnoticed" in page.html(healed(INCIDENT_OF_2025))
    assert "Each bar is" not in page.html(lone)
    for written in (page.html, page.markdown):
        assert f"{BEGAN:%Y-%m-%d %H:%M:%S}</td>" not in written(found)
        assert f"{BEGAN + timedelta(days=3):%Y-%m-%d %H:%M:%S}" in written(later)


def test_first_failed_order_stands_where_it_belongs_in_the_timeline() -> None:
    after = Orders(10, BEGAN + timedelta(seconds=9), 1, 1)

    assert [line.who for line in healed(INCIDENT_OF_2025).lines].index("diners") == 0
    assert [line.who for line in healed(after).lines].index("diners") == len(healed().log)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("outcome", [*OUTCOMES, None])
def test_report_in_a_terminal_is_text_that_fits(outcome: Outcome | None, width: int) -> None:
    found = facts(played(outcome) if outcome else at_work(), INCIDENT_OF_2025)

    shown = printed(found, width)

    assert max(map(len, shown.splitlines())) <= width
    assert not re.findall(r"^#|\*\*|\\|^- \[|\|", shown, re.M)
    words = " ".join(shown.split())
    for section in page.plain(found)["sections"]:
        assert all(" ".join(sentence.split()) in words for sentence in section["sentences"])
        assert all(f"TODO (a person): {todo}" in words for todo in section["todo"])


def test_report_in_a_pipe_has_whole_sentences_and_no_colour() -> None:
    found = healed(INCIDENT_OF_2025)

    lines = printed(found).splitlines()

    assert all(sentence in lines for section in page.plain(found)["sections"] for sentence in section["sentences"])
    assert "\x1b" not in "".join(lines)


def test_nothing_of_what_strangers_wrote_acts_on_a_terminal() -> None:
    shown = printed(facts(played(Outcome.BLOCKED, name=f"[red]x[/red] :pizza: \x1b[2J\u202e {KEY}")), 120)

    assert "[red]x[/red] :pizza: \ufffd[2J\ufffd <key" in shown
    assert KEY not in shown


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

    written = page.markdown(both)

    assert "It called the report link once." in written
    assert "No report link was called" not in written
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
    assert f"\n{written} noticed it" in page.markdown(facts(played(Outcome.BLOCKED, name=name)))


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
