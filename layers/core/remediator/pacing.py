"""When the next check of an open incident is due: the state paces checks, not whoever sends the alarms."""

from datetime import datetime, timedelta
from typing import Final

from remediator.state import Incident
from remediator.trigger import Trigger

MINUTE: Final = timedelta(minutes=1)
SLACK: Final = timedelta(seconds=20)  # who asks each minute shouldn't lose one to the second that a check begins later
MINUTES_AT_MOST: Final = 10
MINUTES_AT_MOST_IF_OFTEN: Final = 60  # by who asks as long as a failure lasts: the canary, an alarm on our own orders


def next_check(incident: Incident, trigger: Trigger) -> datetime:
    """From when on this trigger may check an open incident: after 1, 2, 4, 8 minutes and so on while all looks alike.

    At once if it says something new, a person asked, or Lambda tries its own event again. A recovery is news, until one
    was none: an alarm on a metric that counts our own orders fires and is over with each of our checks. The canary's is
    news unless the check before was a recovery's, too. Where the shop refused to look at something because it is asked
    too often, it decides.
    """
    last = incident.last
    if last is None or trigger.sender == "person" or trigger.holder == last.holder:
        return incident.opened_at
    if last.not_before:
        return last.not_before
    if trigger.recovery and (trigger.sender == "canary" or not last.refuted):
        return last.began + _pause(last.refuted if last.recovery else 0, MINUTES_AT_MOST_IF_OFTEN)
    new = set(trigger.endpoints) - {*incident.endpoints, *last.named}
    if new or (trigger.offers_link and not last.offered):
        return incident.opened_at
    often = trigger.sender == "canary" or last.refuted
    return last.began + _pause(last.alike, MINUTES_AT_MOST_IF_OFTEN if often else MINUTES_AT_MOST)


def _pause(before: int, at_most: int) -> timedelta:
    """How long after the last check, of which so many in a row saw the same."""
    return MINUTE * min(2 ** min(before - 1, 6), at_most) - SLACK if before else timedelta()
