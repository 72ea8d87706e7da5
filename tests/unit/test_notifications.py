"""What a notification says in each form: mail, SMS, chat."""

import json
import re
import unicodedata
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from remediator import decisions
from remediator.decisions import Finding
from remediator.diagnosis import COOKIE_ALONE, CREDENTIALS, DATABASE
from remediator.endpoints import ENDPOINTS, ORDER
from remediator.masking import unclickable
from remediator.notifications import LONGEST_SMS, full_text, with_refusal, write_message
from remediator.outcome import CONSEQUENCES, Outcome
from remediator.state import Change, Notification, State
from simulator.paths import ROOT
from tests.support.builders import BEGAN, HOLDER, LATER, LEASE_ENDS, RUN, claim
from tests.support.chat_schema import CustomNotification
from tests.support.outcomes import OUTCOMES, played

STACK, REGION, INCIDENT = "pizza-remediator", "us-east-1", "20261123T080000Z-aaaa"
TOPIC = re.compile(r"NotificationTopic:\n    Type: AWS::SNS::Topic\n    Properties:\n      DisplayName: (.+)")
# How an SMS of a topic begins, says AWS's "Publishing SMS messages to an Amazon SNS topic".
DISPLAYED = f"{TOPIC.findall((ROOT / 'template.yaml').read_text())[0].upper()}> "
GSM_7 = re.compile(r"[A-Za-z0-9 @$_!\"#%&'()*+,./:;<=>?-]*")  # of its alphabet what ASCII has, a septet each
PLAIN = {"text", "softbreak"}
SLACK = re.compile(r"[*~`<>&@!]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:[a-z]+:")  # its marks, mentions and emojis
HOSTILE = "<!channel> @here [pizza](https://factory.test/x) *b* __u__ _i_ ~s~ `c` # h | > & :fire: <@U1> \\"


def forms(notification: Notification) -> dict[str, str]:
    found: dict[str, str] = json.loads(write_message(notification, STACK, REGION))
    return found


def chat(notification: Notification) -> CustomNotification:
    return CustomNotification.model_validate_json(forms(notification)["https"])


def finished(outcome: Outcome, reason: str, failing: tuple[str, ...] = (ORDER,), ask: str = "") -> Notification:
    """The notification of a check that ended so."""
    finding = Finding(outcome, reason, BEGAN, failing, failing, ask=ask)
    change = decisions.finish(claim().new, RUN, LATER, finding, {}, gives_way=True)
    assert isinstance(change, Change)
    return change.new.outbox[0]


def refusal() -> Notification:
    return with_refusal(Change(State()), HOLDER, BEGAN, LEASE_ENDS, "a push to a repository").new.outbox[0]


TOLD = [
    each for each in OUTCOMES if each is not Outcome.FAILED
]  # CloudWatch's alarm on the function's errors tells of it
EVERY = [*TOLD, Outcome.REFUSED]


def told(outcome: Outcome) -> Notification:
    return refusal() if outcome is Outcome.REFUSED else played(outcome).notifier.sent[-1]


@pytest.mark.parametrize("outcome", EVERY)
def test_each_outcome_is_told_by_mail_by_sms_and_in_a_chat(outcome: Outcome) -> None:
    notification = told(outcome)
    found, shown = forms(notification), chat(notification)

    assert found.keys() == {"default", "sms", "https"}
    assert found["default"] == full_text(notification, STACK, REGION)
    assert shown.content.title.removeprefix("URGENT ").startswith(f"{outcome}: ")
    assert shown.content.next_steps[0] in found["default"].splitlines()[0]
    assert shown.content.next_steps[0] not in shown.content.description
    assert shown.content.next_steps[1].replace("`", "") == found["default"].splitlines()[-1]
    assert "More: " not in shown.content.description
    assert found["sms"].startswith(f"{shown.content.title}. {shown.content.next_steps[0].split('. ')[0]}")


def test_notifications_of_one_incident_are_one_thread_and_a_refusal_is_another() -> None:
    sent = played(Outcome.ALREADY_HEALTHY).notifier.sent
    incident = sent[0].command.removeprefix("show ")

    assert [chat(each).metadata.thread_id for each in sent] == [incident] * 2
    assert chat(refusal()).metadata.thread_id == "REFUSED/20261123T080000Z"


ASKS = [COOKIE_ALONE, DATABASE, *CREDENTIALS.values(), *(then.ask for then in CONSEQUENCES.values() if then.ask)]
LONG_ASKS = [*ASKS, "Place an order yourself. The canary asks for a check after 2026-11-23 08:10:11 UTC.", "word " * 99]


LONGEST = f"URGENT OBSERVED (reminder 2): the diner's account and 6 more ... {INCIDENT}"


@pytest.mark.parametrize("subject", [f"URGENT NO_ACCESS: login failed {INCIDENT}", LONGEST])
@pytest.mark.parametrize("ask", LONG_ASKS)
def test_sms_is_one_line_that_fits_one_message_behind_the_topics_name(subject: str, ask: str) -> None:
    sms = forms(replace(finished(Outcome.NO_LINK, "500"), subject=subject, ask=ask))["sms"]

    assert len(sms) <= LONGEST_SMS
    assert GSM_7.fullmatch(sms)
    assert sms.startswith(subject.removesuffix(INCIDENT).rstrip(" ."))
    assert sms.endswith(f" {INCIDENT}")
    assert unclickable(sms) == sms


def test_sms_leaves_room_for_the_topics_display_name() -> None:
    assert len(DISPLAYED) + LONGEST_SMS <= 160


@pytest.mark.parametrize("outcome", TOLD)
def test_nothing_that_strangers_wrote_acts_in_a_chat_or_can_be_clicked(outcome: Outcome) -> None:
    notification = played(outcome, name=HOSTILE).notifier.sent[-1]
    found, shown = forms(notification), chat(notification)

    description = shown.content.description
    assert not SLACK.search(description)
    assert {
        each.type for each in MarkdownIt("gfm-like", {"linkify": False}).parseInline(description)[0].children or ()
    } <= PLAIN
    assert (
        unicodedata.normalize("NFKC", description).count(HOSTILE.replace("://f", "[:]//f").replace("y.t", "y[.]t")) == 1
    )
    for form in found.values():
        assert not [sign for sign in ("factory.test", "elsewhere.test", "://") if sign in form]
    assert HOSTILE[:10] not in "".join([shown.content.title, *shown.content.next_steps, found["sms"]])


def test_time_and_the_name_of_an_outcome_stay_as_they_are_in_a_chat() -> None:
    shown = chat(finished(Outcome.NO_LINK, "429 until 08:10:11 UTC")).content

    assert "NO_LINK: orders fail" in shown.description
    assert "08:10:11 UTC" in shown.description


def test_largest_notification_is_far_below_what_sns_takes() -> None:
    largest = finished(Outcome.BLOCKED, '"\\\x00é' * 900, tuple(ENDPOINTS))

    assert len(write_message(replace(largest, lost=10), "s" * 128, REGION).encode()) < 16_384  # of 262,144


def test_notification_that_an_older_version_left_in_the_outbox_is_sent_in_every_form() -> None:
    old = replace(finished(Outcome.NO_LINK, "500"), ask="")

    assert chat(old).content.next_steps == [f"More: `remediator show {INCIDENT} --stack {STACK} --region {REGION}`"]
    assert forms(old)["sms"] == f"URGENT NO_LINK: orders fail, no report link. {INCIDENT}"


def test_document_shows_what_arrives() -> None:
    notification = finished(Outcome.NO_LINK, "2 of 2 orders: 500 after 0.02 s, without a report link")
    notification = replace(notification, text=re.sub(r"[0-9a-f]{64}", "5bf52984…bb47aac2", notification.text))
    found = forms(notification)
    pretty = json.dumps(json.loads(found["https"]), indent=2, ensure_ascii=False)

    document = (ROOT / "docs/notifications.md").read_text()

    for example in (notification.subject, found["default"], f"{DISPLAYED}{found['sms']}", pretty):
        assert f"\n{example.strip()}\n" in document
