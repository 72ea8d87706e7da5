"""What the template tells the function: the only module that reads the environment."""

import os
from collections.abc import Mapping
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from remediator.errors import SettingsError
from remediator.link_template import LinkTemplate, read_templates
from remediator.state import Mode

SECONDS_FOR_LOGIN = 10.0
SECONDS_FOR_THE_REST = 30.0  # a login, a call, the last writes


def least_seconds(order_seconds: float) -> float:
    """What the function's time-out has to leave: two orders in series that take their full time, and the rest."""
    return 2 * order_seconds + SECONDS_FOR_THE_REST


def _listed(text: object) -> object:
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


Listed = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Environment(BaseModel):
    """Each field is the environment variable of its name in capitals."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def from_environment(cls) -> Self:
        """The settings of this function. Raises SettingsError."""
        return cls.of(os.environ)

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Self:
        """The settings in these variables. Raises SettingsError naming each one that is wrong, never its value."""
        found = {name: variables[name.upper()] for name in cls.model_fields if name.upper() in variables}
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            wrong = ", ".join(f"{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
            raise SettingsError(f"the function's environment is wrong: {wrong}") from None


class IngestSettings(Environment):
    """What the function URL needs, and no more."""

    ingest_secret_arn: Annotated[str, Field(min_length=1)]
    alarm_topic_arn: Annotated[str, Field(min_length=1)]


class ShopSettings(Environment):
    """What whoever orders at the shop needs."""

    target: Annotated[str, Field(min_length=1)]
    game_day_ca: str = ""  # before the URL, which is judged by it
    shop_url: Annotated[str, Field(pattern=r"^https?://[^/?#@\s]+/?$")]
    allowed_report_links: Annotated[tuple[LinkTemplate, ...], BeforeValidator(read_templates)]
    link_fields: Listed = ()
    diner_secret_arn: Annotated[str, Field(min_length=1)]
    table: Annotated[str, Field(min_length=1)]
    order: Json[dict[str, Any]]
    order_seconds: Annotated[float, Field(gt=0)] = 40.0
    game_day_aws: str = ""

    @field_validator("shop_url")
    @classmethod
    def _keeps_the_password_secret(cls, url: str, known: ValidationInfo) -> str:
        if url.startswith("http:") and not (known.data.get("game_day_ca") or urlsplit(url).hostname == "127.0.0.1"):
            raise ValueError("it has to begin with https:// - the diner's password goes there")
        return url


class Settings(ShopSettings):
    """One stack, one target."""

    alarm_names: Listed = ()
    own_alarms: Listed = ()
    aws_region: str = "us-east-1"  # which Lambda sets
    notification_topic_arn: Annotated[str, Field(min_length=1)]
    mode: Mode = "act"
    calls_an_hour: Annotated[int, Field(ge=0)] = 6
    keep_days: Annotated[int, Field(ge=1)] = 400

    @property
    def triggering_alarms(self) -> tuple[str, ...]:
        """Whose alarms trigger if AlarmNames is set: those, and the stack's own unless the list begins with "-"."""
        first, *others = self.alarm_names or ("-",)
        named = (first[1:].strip(), *others) if first.startswith("-") else (*self.own_alarms, first, *others)
        return tuple(name for name in named if name)


class CanarySettings(ShopSettings):
    """What the canary needs: `canary_minutes` from one order of its own to the next."""

    alarm_topic_arn: Annotated[str, Field(min_length=1)]
    canary_minutes: Annotated[int, Field(ge=1, le=60)] = 5
