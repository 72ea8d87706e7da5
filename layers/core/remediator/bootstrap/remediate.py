"""The remediate function."""

from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

from aws_lambda_powertools import Logger

from remediator.adapters.aws import new_client
from remediator.adapters.dynamodb import DynamoStore
from remediator.adapters.http import HttpClient, HttpFactory, HttpShop
from remediator.adapters.metrics import EmbeddedMetrics
from remediator.adapters.pinned import system_resolver
from remediator.adapters.secrets import DinerSecret
from remediator.adapters.sns import SnsNotifier
from remediator.bootstrap import new_mask, now
from remediator.deadline import Deadline
from remediator.endpoints import NAMED_BY
from remediator.errors import RemediatorError, SettingsError
from remediator.limits import Limits
from remediator.pipeline import SECONDS_TO_FINISH, Remediator
from remediator.report_link import FIELD_NAMES, LinkPolicy
from remediator.settings import Settings, least_seconds

logger = Logger()

# The doctor's question. Only who may invoke the function can ask it: SNS puts a record in. No version takes it for an
# alarm, since an envelope without a record is refused.
ACCESS: Final = {"Records": [], "doctor": "access"}


@lru_cache
def settings() -> Settings:
    """The settings of this function's environment. Raises SettingsError."""
    return Settings.from_environment()


def deadline(milliseconds: int) -> Deadline:
    """The budget of one event, of which Lambda leaves so much. Raises SettingsError if it can't be enough."""
    seconds, least = milliseconds / 1000, least_seconds(settings().order_seconds)
    if seconds < least:
        raise SettingsError(f"the function's time-out leaves {seconds:.0f} s, orders of that length need {least:.0f}")
    return Deadline.after(seconds - SECONDS_TO_FINISH)


@lru_cache
def remediator() -> Remediator:
    """The remediator of this function's environment. Raises SettingsError."""
    chosen = settings()
    mask = new_mask(logger, chosen.allowed_report_links)
    ca = b64decode(chosen.game_day_ca) or None
    keep = timedelta(days=chosen.keep_days)
    secret = DinerSecret(_aws("secretsmanager"), chosen.diner_secret_arn)
    shop = HttpShop(HttpClient(now, ca), chosen, secret, mask)
    return Remediator(
        shop=shop,
        factory=HttpFactory(HttpClient(now, ca), chosen.allowed_report_links[0].address),
        store=DynamoStore(_aws("dynamodb"), chosen.table, chosen.target, keep),
        notifier=SnsNotifier(_aws("sns"), chosen.notification_topic_arn, chosen.target, chosen.aws_region),
        limits=Limits(chosen.mode, chosen.calls_an_hour),
        links=LinkPolicy(chosen.allowed_report_links, allow_private=bool(chosen.game_day_ca)),
        link_names=FIELD_NAMES | frozenset(chosen.link_fields),
        alarm_names=frozenset((*chosen.triggering_alarms, *NAMED_BY)) if chosen.alarm_names else frozenset(),
        resolve=system_resolver,
        clock=now,
        pool=ThreadPoolExecutor(max_workers=4, thread_name_prefix="remediate"),
        mask=mask,
        warn=logger.warning,
        learn_secrets=shop.read_secret,
        measure=EmbeddedMetrics(chosen.target, "remediate").result,
    )


def access() -> dict[str, str]:
    """What this function's role lets it read, "ok" or why not, never a value. Reads anew, and does nothing else.

    Raises SettingsError.
    """
    chosen = settings()
    secret = DinerSecret(_aws("secretsmanager"), chosen.diner_secret_arn)
    store = DynamoStore(_aws("dynamodb"), chosen.table, chosen.target, timedelta())
    return {"secret": _outcome_of(secret.read), "state": _outcome_of(store.state)}


def _outcome_of(read: Callable[[], object]) -> str:
    try:
        read()
    except RemediatorError as error:
        return str(error)
    return "ok"


def _aws(service: str) -> Any:
    return new_client(service, settings().game_day_aws or None)
