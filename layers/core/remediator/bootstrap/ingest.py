"""The ingest function: a public address shouldn't load the shop's client to say no."""

from functools import lru_cache

from remediator.adapters.aws import new_client
from remediator.adapters.secrets import WebhookSecret
from remediator.adapters.sns import SnsAlarmTopic
from remediator.bootstrap import now
from remediator.ingest import Ingest
from remediator.settings import IngestSettings


@lru_cache
def ingest() -> Ingest:
    """The ingest of this function's environment. Raises SettingsError."""
    chosen = IngestSettings.from_environment()
    secret = WebhookSecret(new_client("secretsmanager"), chosen.ingest_secret_arn)
    return Ingest(secret.read, SnsAlarmTopic(new_client("sns"), chosen.alarm_topic_arn).publish, now)
