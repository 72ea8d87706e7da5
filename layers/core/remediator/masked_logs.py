"""Log records, masked before any formatter sees them."""

import logging
from typing import ClassVar

from remediator.masking import Mask

_CHAIN = 8


class MaskFilter(logging.Filter):
    """Masks a record whole: message, extras, traceback. Goes on each *handler*.

    A logger's own filter doesn't see the records of the loggers below it, such as urllib3's.
    """

    _USUAL: ClassVar = logging.makeLogRecord({}).__dict__.keys() - {"exc_text", "stack_info"}

    def __init__(self, mask: Mask) -> None:
        super().__init__()
        self._mask = mask

    def filter(self, record: logging.LogRecord) -> bool:
        """Change `record` in place, and let it pass."""
        if isinstance(record.msg, dict):  # a structured logger's message stays one
            record.msg = self._mask.value(record.msg)
        else:
            record.msg, record.args = self._mask.text(_message(record)), None
        extras = {name: record.__dict__[name] for name in record.__dict__.keys() - self._USUAL}
        for name, value in extras.items():
            # By way of a dict: an extra called "password" is one, whatever it looks like.
            record.__dict__[name] = next(iter(_dict(self._mask.value({name: value})).values()))
        if isinstance(record.exc_info, tuple) and record.exc_info[1]:
            shadow = self._shadow(record.exc_info[1], _CHAIN)
            record.exc_info = (type(shadow), shadow, shadow.__traceback__)
        return True

    def _shadow(self, error: BaseException, depth: int) -> BaseException:
        """An error that prints like `error` and its causes, but for the secrets in them.

        Formatters print from `exc_info` themselves, so a masked text beside it isn't enough.
        """
        kind = type(error)
        named = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
        shadow: Exception = type(kind.__name__, (Exception,), named)(self._mask.text(str(error)))
        for note in getattr(error, "__notes__", ()):
            shadow.add_note(self._mask.text(str(note)))
        if error.__cause__ and depth:
            shadow.__cause__ = self._shadow(error.__cause__, depth - 1)
        elif error.__context__ and depth and not error.__suppress_context__:
            shadow.__context__ = self._shadow(error.__context__, depth - 1)
        return shadow.with_traceback(error.__traceback__)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # arguments that don't fit: no reason to fail a run
        return f"{record.msg} {record.args}"


def _dict(value: object) -> dict[object, object]:
    return value if isinstance(value, dict) else {}
