"""The one place that knows which adapter stands behind which port."""

import logging
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial

from aws_lambda_powertools import Logger

from remediator.adapters.aws import new_client
from remediator.adapters.dynamodb import DynamoStore
from remediator.adapters.http import Caller, HttpFactory, HttpShop
from remediator.adapters.pinned import system_resolver
from remediator.adapters.secrets import DinerSecret
from remediator.adapters.sns import SnsPeople
from remediator.head import Policy
from remediator.pipeline import Remediator
from remediator.report_link import FIELD_NAMES, LinkPolicy
from remediator.settings import Settings

logger = Logger()


def now() -> datetime:
    """UTC, to the millisecond, as the log writes it."""
    at = datetime.now(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def hush() -> None:
    """Keep the libraries' own lines out of the log: they hold paths, and so links, and what AWS answered."""
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    logging.getLogger("botocore").setLevel(logging.WARNING)


@lru_cache
def bootstrap() -> Remediator:
    """The remediator of this function's environment. Raises SettingsError."""
    settings = Settings.from_environment()
    hush()
    aws = partial(new_client, endpoint=settings.game_day_aws or None)
    caller = Caller(now, b64decode(settings.game_day_ca) or None)
    secret = DinerSecret(aws("secretsmanager"), settings.diner_secret_arn)
    keep = timedelta(days=settings.keep_days)
    return Remediator(
        shop=HttpShop(caller, settings, secret),
        factory=HttpFactory(caller, settings.allowed_report_hosts[0]),
        store=DynamoStore(aws("dynamodb"), settings.table, settings.target, keep),
        people=SnsPeople(aws("sns"), settings.people_topic_arn),
        policy=Policy(settings.mode, settings.calls_an_hour),
        links=LinkPolicy(frozenset(settings.allowed_report_hosts), allow_private=bool(settings.game_day_ca)),
        names=FIELD_NAMES | frozenset(settings.link_fields),
        resolve=system_resolver,
        clock=now,
        pool=ThreadPoolExecutor(max_workers=4, thread_name_prefix="remediate"),
        warn=logger.warning,
    )
