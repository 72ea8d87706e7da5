"""Secrets Manager: the diner's credentials, and the secret that webhooks are signed with."""

from threading import Lock
from typing import TYPE_CHECKING, Self

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from remediator.adapters.dynamodb import named
from remediator.errors import SecretError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class Credentials(BaseModel):
    """What the secret holds: a JSON object with `email` and `password`, and the canary's own where it has any."""

    model_config = ConfigDict(frozen=True)

    email: str
    password: SecretStr
    canary_email: str | None = None
    canary_password: SecretStr | None = None

    @property
    def of_canary(self) -> Self:
        """The canary's own, or else the diner's."""
        own = {"email": self.canary_email, "password": self.canary_password}
        return self.model_copy(update=own) if all(own.values()) else self


class DinerSecret:
    """Reads the diner's credentials once and keeps them, until told that they were refused."""

    def __init__(self, client: "SecretsManagerClient", arn: str) -> None:
        self._client = client
        self._arn = arn
        self._kept: Credentials | None = None
        self._reading = Lock()

    def read(self) -> Credentials:
        """The credentials, read once by however many ask at the same time. Raises SecretError."""
        with self._reading:
            return self._read()

    def _read(self) -> Credentials:
        if self._kept is None:
            try:
                text = self._client.get_secret_value(SecretId=self._arn)["SecretString"]
                self._kept = Credentials.model_validate_json(text)
            except (ClientError, BotoCoreError) as error:
                raise SecretError(f"the diner's secret can't be read: {named(error)}") from None
            except (KeyError, ValidationError):
                raise SecretError('the diner\'s secret must be a JSON object with "email" and "password"') from None
        return self._kept

    def forget(self) -> None:
        """The credentials were refused: read them again next time."""
        self._kept = None


class CanarySecret(DinerSecret):
    """The same secret, read for the canary."""

    def read(self) -> Credentials:
        return super().read().of_canary


class WebhookSecret:
    """Reads the secret that Grafana signs with once per process: after changing it, deploy again."""

    def __init__(self, client: "SecretsManagerClient", arn: str) -> None:
        self._client = client
        self._arn = arn
        self._kept = b""

    def read(self) -> bytes:
        """The secret, never an empty one, which anybody could sign with. Raises SecretError."""
        if not self._kept:
            try:
                self._kept = self._client.get_secret_value(SecretId=self._arn).get("SecretString", "").encode()
            except (ClientError, BotoCoreError) as error:
                raise SecretError(f"the webhooks' secret can't be read: {named(error)}") from None
            if not self._kept:
                raise SecretError("the webhooks' secret is empty")
        return self._kept
