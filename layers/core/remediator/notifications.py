"""Notifications: when one goes into the outbox, and what it says, in each form in which it is sent.

Short, and with nothing in it that a mail program, a chat or a phone makes a link of: it could lead to the factory.
"""

import json
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from remediator.endpoints import CANARY_LOGIN, ENDPOINTS
from remediator.masking import unclickable
from remediator.outcome import CONSEQUENCES, Outcome
from remediator.plain import shorten
from remediator.state import Change, Incident, Lease, Notification, Reported

LONGEST_NAME: Final = 100  # and of an alarm's name
LONGEST_OUTBOX: Final = 10
MOST_REPORTED: Final = 10  # of an incident that are kept
LONGEST_SUBJECT: Final = 60  # characters before the id, what the lock screen of a phone shows
LONGEST_SMS: Final = 142  # of the 160 that one holds: before it SNS puts the topic's display name and "> "
# How long after the first report of an outcome it is reported again, after the second, and after each later one.
REMINDERS: Final = (timedelta(hours=1), timedelta(hours=4), timedelta(days=1))
# What formats, links or mentions in Slack's or Teams's markdown; an underscore within a word and a time don't.
_ACTING: Final = re.compile(r"[*~`|#\[\]<>&@!\\]|(?<![^\W_])_|_(?![^\W_])|(?<!\d):(?=[^\s:]+:)")
_FULL_WIDTH: Final = 0xFEE0  # from a sign of ASCII to its twin, which looks the same and does nothing


@dataclass(frozen=True, slots=True)
class NotificationFacts:
    """What a notification tells of, beside the outcome: the incident as it was, the endpoints that fail or failed.

    `healed`: the endpoints that a call healed while others still fail. `ask`: in place of the outcome's own. `times`:
    how many healings there were within the hour, if they are too many.
    """

    incident: Incident
    endpoints: tuple[str, ...]
    healed: tuple[str, ...] = ()
    ask: str = ""
    times: int = 0


def with_notification(change: Change, facts: NotificationFacts, lease: Lease, now: datetime) -> Change:
    """The change, which finishes a check of this incident, with its notification in the outbox, if there is to be one.

    An outcome at the same endpoints is reported once, and again as `REMINDERS` says while checks still find it. That
    the shop is healthy again is reported only if a failure was reported, or a link called.
    """
    outcome, incident = change.outcome, facts.incident
    assert outcome is not None
    tone = CONSEQUENCES[outcome].tone
    key = (outcome, facts.endpoints)
    before = next((each for each in incident.reported if (each.outcome, each.endpoints) == key), None)
    known = bool(incident.reported or incident.calls)
    silent = not known if outcome is Outcome.ALREADY_HEALTHY else not _is_due(before, now)
    if tone == "none" or silent:
        return change
    reported = Reported(outcome, facts.endpoints, now, before.count + 1 if before else 1)
    ask = _ask(outcome, facts)
    notification = Notification(
        id=f"{incident.id}/{outcome}/{'+'.join(facts.endpoints).replace(' ', '-')}/{reported.count}",
        subject=f"{_subject(outcome, facts, reported.count)} {incident.id}",
        text=unclickable(_text(change, outcome, facts, now, reported.count, ask)),
        command=f"show {incident.id}",
        holder=lease.holder,
        until=lease.until,
        ask=ask,
    )
    still_open = change.new.incident
    others = tuple(each for each in incident.reported if each is not before)
    noted = replace(still_open, reported=(*others, reported)[-MOST_REPORTED:]) if still_open else None
    return put(replace(change, new=replace(change.new, incident=noted)), notification)


def with_refusal(change: Change, holder: str, now: datetime, until: datetime, reason: str) -> Change:
    """The change with the notification that an event held no alarm."""
    then = CONSEQUENCES[Outcome.REFUSED]
    notification = Notification(
        id=f"{Outcome.REFUSED}/{now:%Y%m%dT%H%M%SZ}",
        subject=f"URGENT {Outcome.REFUSED}: {then.brief}",
        text=unclickable(f"{Outcome.REFUSED}: {then.happened} {then.ask}\nSeen: {shorten(reason)}\n"),
        command="doctor",
        holder=holder,
        until=until,
        ask=then.ask,
    )
    return put(change, notification)


def full_text(notification: Notification, stack: str, region: str) -> str:
    """The text as it is mailed: with the stack, and the command that shows more of it."""
    more = f"More: remediator {notification.command} --stack {stack} --region {region}"
    lost = f"{notification.lost} other notifications couldn't be sent.\n" if notification.lost else ""
    return f"{notification.text}{lost}Stack: {stack} in {region}\n{more}\n"


def write_message(notification: Notification, stack: str, region: str) -> str:
    """The text for each protocol, as SNS's Publish takes them with MessageStructure "json".

    `https` is for chats: the event schema of "Custom notifications using Amazon Q Developer in chat applications"
    (docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html), a thread an incident.
    """
    text, ask = full_text(notification, stack, region), notification.ask
    told, _, command = text.rstrip().rpartition("\nMore: ")
    incident = notification.command.partition(" ")[2]
    title = notification.subject.removesuffix(f" {incident}")
    event = {
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": title,
            "description": _inert(told.replace(f" {ask}\n", "\n", 1)),
            "nextSteps": [*filter(None, [ask]), f"More: `{command}`"],
            "keywords": [stack, region],
        },
        "metadata": {"threadId": incident or notification.id, "summary": title},
    }
    return json.dumps({"default": text, "sms": _one_line(title, ask, incident), "https": json.dumps(event)})


def _inert(text: str) -> str:
    """The text with all that would act in a chat written full-width: what strangers said in it formats nothing."""
    return _ACTING.sub(lambda sign: chr(ord(sign[0]) + _FULL_WIDTH), text)


def _one_line(title: str, ask: str, incident: str) -> str:
    """What fits one SMS: title, the first sentence of what is asked, or its beginning, and incident."""
    after = f" {incident}".rstrip()
    sentence = ask.replace("`", "'").replace(". ", ".\n").partition("\n")[0]
    line = f"{title.rstrip('.')}. {sentence}"
    return textwrap.shorten(line, LONGEST_SMS - len(after), placeholder="...") + after


def put(change: Change, notification: Notification) -> Change:
    """The change with it in the outbox. If that is full the oldest goes that isn't urgent, or else the oldest."""
    waiting = [*change.new.outbox, notification]
    if len(waiting) > LONGEST_OUTBOX:
        gone = waiting.pop(waiting.index(min(waiting, key=lambda each: each.is_urgent)))
        waiting[0] = replace(waiting[0], lost=waiting[0].lost + gone.lost + 1)
    return replace(change, new=replace(change.new, outbox=tuple(waiting)))


def _is_due(before: Reported | None, now: datetime) -> bool:
    return before is None or now - before.at >= REMINDERS[min(before.count, len(REMINDERS)) - 1]


def _ask(outcome: Outcome, facts: NotificationFacts) -> str:
    """What is asked of the reader."""
    flapping = f"Find out why it keeps failing: this was healing {facts.times} within the hour." if facts.times else ""
    return unclickable(flapping or facts.ask or CONSEQUENCES[outcome].ask)


def _subject(outcome: Outcome, facts: NotificationFacts, count: int) -> str:
    then = CONSEQUENCES[outcome]
    urgent = "URGENT " if then.tone == "urgent" or facts.times else ""
    reminder = f" (reminder {count - 1})" if count > 1 else ""
    subject = f"{urgent}{outcome}{reminder}: {_said(then.brief, facts.endpoints)}"
    return subject if len(subject) <= LONGEST_SUBJECT else f"{subject[: LONGEST_SUBJECT - 3]}..."


def _text(change: Change, outcome: Outcome, facts: NotificationFacts, now: datetime, count: int, ask: str) -> str:
    incident, then, took = facts.incident, CONSEQUENCES[outcome], _took(now - facts.incident.opened_at)
    when = f" after {took}" if change.new.incident is None else f", still after {took}" if count > 1 else ""
    happened = _said(then.happened, facts.endpoints)
    part = f"The report link was called, and ended the failure of: {', '.join(facts.healed)}.\n" if facts.healed else ""
    relapse = f", a relapse of {incident.relapse_of}" if incident.relapse_of else ""
    return (
        f"{outcome}{when}: {happened} {ask}\n"
        f"{part}"
        f"Seen: {shorten(change.reason)}\n"
        f"Incident {incident.id}{relapse}, opened {took} ago, triggered by {shorten(incident.alarm, LONGEST_NAME)}.\n"
        f"Audit log: {change.new.hash}\n"
    )


def _said(words: str, endpoints: Sequence[str]) -> str:
    """The words of an outcome, with what fails in them."""
    first, others = ENDPOINTS[endpoints[0]].fails, len(endpoints) - 1
    fails = f"{first.rpartition(' ')[0]} and {others} more fail" if others else first
    of_canary = endpoints == (CANARY_LOGIN,)
    unseen = "" if of_canary else ", so that nobody can tell if orders succeed"
    return words.format(fails=fails, login="canary's login" if of_canary else "login", unseen=unseen)


def _took(length: timedelta) -> str:
    """A length of time as people say it."""
    seconds = round(length.total_seconds())
    if seconds < 10:
        return f"{length.total_seconds():.1f} s"
    if seconds < 120:
        return f"{seconds} s"
    minutes, hours = divmod(seconds, 60)[0], seconds // 3600
    return f"{minutes} min" if hours < 2 else f"{hours} h {minutes % 60} min"
