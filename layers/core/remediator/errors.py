"""Failures that have a name. Whatever ends a run as expected is an `Outcome`, not one of these."""


class RemediatorError(Exception):
    """Caught in the pipeline, on record as FAILED, and raised again."""


class SettingsError(RemediatorError):
    """The function's environment doesn't describe a target it can work for."""


class StateError(RemediatorError):
    """The state or the audit log can't be read or written; nothing may be called without them."""


class UnreadableState(StateError):
    """The state is there and isn't of a format this version knows."""


class SecretError(RemediatorError):
    """The diner's credentials, or the secret of the webhooks, can't be read."""


class NotificationError(RemediatorError):
    """A notification couldn't be sent. It never changes an outcome: the notification stays in the state."""


class PublishError(RemediatorError):
    """An alarm couldn't be handed to the alarm topic: whoever sent it is to send it again."""


class Failed(RemediatorError):
    """Something that has no name failed. Its words are masked."""


class DeadlineOver(RemediatorError):
    """The time of this run is used up."""


class Blind(RemediatorError):
    """The shop has looked at no order of the canary for half an hour, since it is asked too often."""


class Unhealed(RemediatorError):
    """The run ended as it should and the shop isn't healed: raised so that Lambda tries again."""


def named(error: Exception, masked: str) -> RemediatorError:
    """The error as Lambda may log it: itself if it is one of these, else one with its masked words."""
    return error if isinstance(error, RemediatorError) else Failed(masked).with_traceback(error.__traceback__)
