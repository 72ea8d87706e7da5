"""Ingest: a webhook whose sender knows the secret becomes a message of the alarm topic. Anything else is a cheap 401.

One that anybody sends again triggers again, if it counts still: that costs two orders, and the samples decide.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from remediator.alarms import fields
from remediator.errors import RemediatorError
from remediator.webhook import Refused, decode, judge


@dataclass(frozen=True, slots=True)
class Ingest:
    """`secret` is what senders sign with, or show; `publish` hands a text to the alarm topic."""

    secret: Callable[[], bytes]
    publish: Callable[[str], None]
    clock: Callable[[], datetime]

    def answer(self, event: object) -> tuple[int, str]:
        """Status and reason for one event of a function URL (payload format 2.0). 503: it is to be sent again."""
        request = fields.mapping(event)
        method = fields.text(fields.mapping(fields.mapping(request.get("requestContext")).get("http")).get("method"))
        headers = {name: fields.text(value) for name, value in fields.mapping(request.get("headers")).items()}
        body = decode(fields.text(request.get("body")), is_base64=request.get("isBase64Encoded") is True)
        if isinstance(body, Refused):
            return 401, body.reason
        try:
            judged = judge(method, headers, body, self.secret(), self.clock())
            if isinstance(judged, Refused):
                return 401, judged.reason
            self.publish(judged)
        except RemediatorError as error:
            return 503, str(error)
        return 202, "published"
