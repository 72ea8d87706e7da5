"""The one place that knows which adapter stands behind which port."""

import logging
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, Final

from aws_lambda_powertools import Logger

from remediator.adapters.aws import LateClient, new_client
from remediator.adapters.dynamodb import DynamoStore
from remediator.adapters.http import Caller, HttpFactory, HttpShop
from remediator.adapters.metrics import EmbeddedMetrics
from remediator.adapters.pinned import system_resolver
from remediator.adapters.secrets import CanarySecret, DinerSecret
from remediator.adapters.sns import SnsAlarms, SnsPeople
from remediator.canary import ALARMS, SECONDS_FOR_WAKING, Canary, Report
from remediator.errors import RemediatorError, SettingsError
from remediator.head import Policy
from remediator.masked_logs import MaskFilter
from remediator.masking import Mask
from remediator.pipeline import SECONDS_FOR_ENDING, Remediator
from remediator.report_link import FIELD_NAMES, LinkPolicy
from remediator.sample import Deadline
from remediator.settings import CanarySettings, Settings, ShopSettings, least_seconds

logger = Logger()

# The doctor's question. Only who may invoke the function can ask it: SNS puts a record in. No version takes it for an
# alarm, since an envelope without a record is refused.
ACCESS: Final = {"Records": [], "doctor": "access"}


def now() -> datetime:
    """UTC, to the millisecond, as the log writes it."""
    at = datetime.now(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def hush() -> None:
    """Keep the libraries' own lines out of the log: they hold paths, and so links, and what AWS answered."""
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    logging.getLogger("botocore").setLevel(logging.WARNING)


@lru_cache
def settings() -> Settings:
    """The settings of this function's environment. Raises SettingsError."""
    return Settings.from_environment()


def deadline(milliseconds: int) -> Deadline:
    """The budget of one event, of which the platform leaves so much. Raises SettingsError where it can't be enough."""
    seconds, least = milliseconds / 1000, least_seconds(settings().order_seconds)
    if seconds < least:
        raise SettingsError(f"the function's time-out leaves {seconds:.0f} s, orders of that length need {least:.0f}")
    return Deadline.after(seconds - SECONDS_FOR_ENDING)


@lru_cache
def bootstrap() -> Remediator:
    """The remediator of this function's environment. Raises SettingsError."""
    chosen = settings()
    hush()
    aws = partial(_aws, chosen)
    mask = _masked()
    ca = b64decode(chosen.game_day_ca) or None
    secret = DinerSecret(aws("secretsmanager"), chosen.diner_secret_arn)
    keep = timedelta(days=chosen.keep_days)
    return Remediator(
        shop=HttpShop(Caller(now, ca), chosen, secret, mask),
        factory=HttpFactory(Caller(now, ca), chosen.allowed_report_hosts[0]),
        store=DynamoStore(aws("dynamodb"), chosen.table, chosen.target, keep),
        people=SnsPeople(aws("sns"), chosen.people_topic_arn),
        policy=Policy(chosen.mode, chosen.calls_an_hour),
        links=LinkPolicy(frozenset(chosen.allowed_report_hosts), allow_private=bool(chosen.game_day_ca)),
        link_names=FIELD_NAMES | frozenset(chosen.link_fields),
        alarm_names=frozenset((*chosen.heeded, *ALARMS.values())) if chosen.alarm_names else frozenset(),
        resolve=system_resolver,
        clock=now,
        pool=ThreadPoolExecutor(max_workers=4, thread_name_prefix="remediate"),
        mask=mask,
        warn=logger.warning,
        measure=EmbeddedMetrics(chosen.target, "remediate").ending,
    )


def access() -> dict[str, str]:
    """What this function's role lets it read, "ok" or why not, never a value. Reads anew, and does nothing else.

    Raises SettingsError.
    """
    chosen = settings()
    hush()
    secret = DinerSecret(_aws(chosen, "secretsmanager"), chosen.diner_secret_arn)
    store = DynamoStore(_aws(chosen, "dynamodb"), chosen.table, chosen.target, timedelta())
    return {"secret": _said(secret.read), "state": _said(store.head)}


def _said(read: Callable[[], object]) -> str:
    try:
        read()
    except RemediatorError as error:
        return str(error)
    return "ok"


def canary_deadline(milliseconds: int) -> Deadline:
    """The budget of one run of the canary, of which the platform leaves so much; the time to wake is kept back."""
    return Deadline.after(milliseconds / 1000 - SECONDS_FOR_WAKING)


@lru_cache
def canary() -> tuple[Callable[[datetime, Deadline], Report], Callable[[Report], None]]:
    """The canary's run of this function's environment, and where its metrics go. Raises SettingsError."""
    chosen = CanarySettings.from_environment()
    hush()
    aws = partial(_aws, chosen)
    mask = _masked()
    caller = Caller(now, b64decode(chosen.game_day_ca) or None)
    secret = CanarySecret(aws("secretsmanager"), chosen.diner_secret_arn)
    made = Canary(
        shop=HttpShop(caller, chosen, secret, mask),
        keys=HttpFactory(caller, chosen.allowed_report_hosts[0]).keys,
        store=DynamoStore(aws("dynamodb"), chosen.table, chosen.target, timedelta()),
        publish=SnsAlarms(aws("sns"), chosen.alarm_topic_arn).publish,
        minutes=chosen.canary_minutes,
        link_names=FIELD_NAMES | frozenset(chosen.link_fields),
        clock=now,
        pool=ThreadPoolExecutor(max_workers=8, thread_name_prefix="canary"),
        mask=mask,
    )
    return made.run, EmbeddedMetrics(chosen.target, "canary").report


def _aws(chosen: ShopSettings, service: str) -> Any:
    return LateClient(partial(new_client, service, chosen.game_day_aws or None))


def _masked() -> Mask:
    """A mask that all of the log's handlers put on."""
    mask = Mask()
    for handler in logger.handlers:
        handler.addFilter(MaskFilter(mask))
    return mask
