"""The canary function."""

from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import lru_cache, partial

from aws_lambda_powertools import Logger

from remediator.adapters.aws import new_client
from remediator.adapters.dynamodb import DynamoStore
from remediator.adapters.http import HttpClient, HttpFactory, HttpShop
from remediator.adapters.metrics import EmbeddedMetrics
from remediator.adapters.secrets import DinerSecret
from remediator.adapters.sns import SnsAlarmTopic
from remediator.bootstrap import new_mask, now
from remediator.canary import SECONDS_TO_TRIGGER, Canary, ProbeReport
from remediator.deadline import Deadline
from remediator.report_link import FIELD_NAMES
from remediator.settings import CanarySettings

logger = Logger()


def deadline(milliseconds: int) -> Deadline:
    """The budget of one run, of which Lambda leaves so much; the time to trigger the remediator is kept back."""
    return Deadline.after(milliseconds / 1000 - SECONDS_TO_TRIGGER)


@lru_cache
def canary() -> tuple[Callable[[datetime, Deadline], ProbeReport], Callable[[ProbeReport], None]]:
    """The canary's run of this function's environment, and where its metrics go. Raises SettingsError."""
    chosen = CanarySettings.from_environment()
    aws = partial(new_client, endpoint=chosen.game_day_aws or None)
    mask = new_mask(logger, chosen.allowed_report_links)
    client = HttpClient(now, b64decode(chosen.game_day_ca) or None)
    shop = HttpShop(client, chosen, DinerSecret(aws("secretsmanager"), chosen.diner_secret_arn), mask)
    made = Canary(
        shop=shop,
        keys=HttpFactory(client, chosen.allowed_report_links[0].address).keys,
        store=DynamoStore(aws("dynamodb"), chosen.table, chosen.target, timedelta()),
        publish=SnsAlarmTopic(aws("sns"), chosen.alarm_topic_arn).publish,
        minutes=chosen.canary_minutes,
        link_names=FIELD_NAMES | frozenset(chosen.link_fields),
        clock=now,
        pool=ThreadPoolExecutor(max_workers=8, thread_name_prefix="canary"),
        mask=mask,
        learn_secrets=shop.read_secret,
    )
    return made.run, EmbeddedMetrics(chosen.target, "canary").probes
