"""The outbox, emptied: what the decisions put there is sent, while there is time."""

from collections.abc import Callable, Iterable

from remediator.deadline import Deadline
from remediator.errors import DeadlineOver
from remediator.masking import Mask
from remediator.ports import Notifier
from remediator.state import Notification


def send(
    waiting: Iterable[Notification], notifier: Notifier, deadline: Deadline, mask: Mask, warn: Callable[[str], None]
) -> list[str]:
    """The ids of those that were sent. What can't be sent is told, and stays in the state; the rest goes on."""
    sent = []
    for notification in waiting:
        try:
            if not deadline.left:
                raise DeadlineOver("the time is up")
            notifier.send(notification)
        except Exception as error:  # noqa: BLE001 - one for all: whatever ails this one, the next is sent
            warn(f"{notification.id} is still pending: {mask.exception(error)}")
        else:
            sent.append(notification.id)
    return sent
