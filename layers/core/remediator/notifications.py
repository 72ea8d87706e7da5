"""Notifications: when one goes into the outbox, and what it says.

Short, and with nothing in it that a mail program makes a link of: a host in it could be the factory's.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from remediator.masking import unclickable
from remediator.outcome import CONSEQUENCES, Outcome
from remediator.state import Change, Incident, Lease, Notification

LONGEST_PART: Final = 300  # characters of a reason or an alarm's name


def with_notification(change: Change, incident: Incident, lease: Lease, now: datetime, *, flapping: bool) -> Change:
    """The change, which finishes a check of this incident, with its notification in the outbox, if there is to be one.

    An outcome is reported once an incident; that the shop is healthy again, only if a failure was reported or healed.
    """
    outcome = change.outcome
    assert outcome is not None
    tone = CONSEQUENCES[outcome].tone
    silent = not incident.notified if outcome is Outcome.ALREADY_HEALTHY else outcome in incident.notified
    if tone == "none" or silent:
        return change
    urgent = tone == "urgent" or flapping
    subject = f"{'URGENT ' if urgent else ''}{outcome} {incident.id}"
    text = unclickable(_text(change, outcome, incident, now))
    notification = Notification(f"{incident.id}/{outcome}", subject, text, lease.holder, lease.until)
    still_open = change.new.incident
    noted = replace(still_open, notified=(*still_open.notified, outcome)) if still_open else None
    return replace(change, new=replace(change.new, incident=noted, outbox=(*change.new.outbox, notification)))


def _text(change: Change, outcome: Outcome, incident: Incident, now: datetime) -> str:
    relapse = f", a relapse of {incident.relapse_of}" if incident.relapse_of else ""
    return (
        f"{outcome}: {_short(change.reason)}\n"
        f"Incident {incident.id}{relapse}, triggered {(now - incident.opened_at).total_seconds():.1f} s ago by "
        f"{_short(incident.alarm)}.\n"
        f"{CONSEQUENCES[outcome].ask}\n"
        f"More: remediator show {incident.id}\n"
        f"Audit log: {change.new.hash}\n"
    )


def _short(text: str) -> str:
    """On one line: an alarm's name is anybody's words, and must not pass for a line of ours."""
    return " ".join(text.split())[:LONGEST_PART]
