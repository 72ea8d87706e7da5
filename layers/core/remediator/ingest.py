"""Ingest: a signed webhook becomes a message of the alarm topic, once. Anything else is a cheap 401.

Wired here and not in bootstrap.py: a public address shouldn't load the shop's client to say no.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from remediator.adapters.aws import new_client
from remediator.adapters.secrets import WebhookSecret
from remediator.adapters.signatures import DynamoSignatures
from remediator.adapters.sns import SnsAlarms
from remediator.alarms import fields
from remediator.errors import RemediatorError
from remediator.settings import IngestSettings
from remediator.webhook import Accepted, Refused, decode, judge

KEPT = timedelta(hours=1)  # longer than any signature is good for


@dataclass(frozen=True, slots=True)
class Ingest:
    """`note` keeps a signature until then, False where it was there; `forget` undoes it; `publish` hands on a text."""

    secret: Callable[[], bytes]
    note: Callable[[str, datetime], bool]
    forget: Callable[[str], None]
    publish: Callable[[str], None]
    clock: Callable[[], datetime]

    def answer(self, event: object) -> tuple[int, str]:
        """Status and reason for one event of a function URL (payload format 2.0). 503: Grafana is to send it again."""
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
            if not self.note(judged.fingerprint, judged.signed + KEPT):
                return 401, "seen before"
            self._publish(judged)
        except RemediatorError as error:
            return 503, str(error)
        return 202, "published"

    def _publish(self, judged: Accepted) -> None:
        try:
            self.publish(judged.text)
        except RemediatorError:
            self.forget(judged.fingerprint)  # sent again within the same second, it has the same signature
            raise


@lru_cache
def ingest() -> Ingest:
    """The ingest of this function's environment. Raises SettingsError."""
    chosen = IngestSettings.from_environment()
    secret = WebhookSecret(new_client("secretsmanager"), chosen.ingest_secret_arn)
    signatures = DynamoSignatures(new_client("dynamodb"), chosen.table, chosen.target)
    publish = SnsAlarms(new_client("sns"), chosen.alarm_topic_arn).publish
    return Ingest(secret.read, signatures.note, signatures.forget, publish, lambda: datetime.now(UTC))
