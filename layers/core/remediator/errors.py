"""Failures that have a name. Whatever ends a run as expected is an `Outcome`, not one of these.

* RemediatorError
  - SettingsError     the function's environment doesn't describe a target it can work for
  - StateError        the head or log can't be read or written; nothing may be called without it
    - UnreadableHead  the head is there and isn't of a format this version knows
  - SecretError       the diner's credentials, or the webhooks' secret, can't be read
  - MessageError      people couldn't be told
  - PublishError      an alarm that came by webhook couldn't be handed to the alarm topic
  - DeadlineOver      the time of this run is used up
  - Unhealed          the run ended well and the target isn't healed: raised so that the platform tries again
"""


class RemediatorError(Exception):
    """Caught in the pipeline, on record as FAILED, and raised again."""


class SettingsError(RemediatorError):
    """The function's environment doesn't describe a target it can work for."""


class StateError(RemediatorError):
    """The head or log can't be read or written; nothing may be called without it."""


class UnreadableHead(StateError):
    """The head is there and isn't of a format this version knows."""


class SecretError(RemediatorError):
    """The diner's credentials, or the webhooks' secret, can't be read."""


class MessageError(RemediatorError):
    """People couldn't be told. Never changes an outcome: the message stays in the head."""


class PublishError(RemediatorError):
    """An alarm that came by webhook couldn't be handed to the alarm topic: whoever sent it is to send it again."""


class DeadlineOver(RemediatorError):
    """The time of this run is used up."""


class Unhealed(RemediatorError):
    """The run ended well and the target isn't healed: raised so that the platform tries again."""
