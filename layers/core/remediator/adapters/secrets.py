"""Secrets Manager: the diner's credentials, and the secret of the webhooks."""

from threading import Lock
from typing import TYPE_CHECKING, Self

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from remediator.adapters.aws import error_code
from remediator.errors import SecretError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class Credentials(BaseModel):
    """What the secret holds: a JSON object with `email` and `password`, and the canary's own if it has any."""

    model_config = ConfigDict(frozen=True)

    email: str
    password: SecretStr
    canary_email: str | None = None
    canary_password: SecretStr | None = None

    @property
    def values(self) -> tuple[str, ...]:
        """All that it holds, to be masked."""
        passwords = (each.get_secret_value() for each in (self.password, self.canary_password) if each)
        return (*passwords, self.email, self.canary_email or "")

    @property
    def of_canary(self) -> Self:
        """The canary's own, or else the diner's."""
        own = {"email": self.canary_email, "password": self.canary_password}
        return self.model_copy(update=own) if all(own.values()) else self


class Secret:
    """One secret of Secrets Manager, read once by however many ask at the same time, and kept."""

    name: str  # in what is said of it

    def __init__(self, client: "SecretsManagerClient", arn: str) -> None:
        self._client = client
        self._arn = arn
        self._kept = ""
        self._reading = Lock()

    def text(self) -> str:
        """Its text, never an empty one. Raises SecretError."""
        with self._reading:
            if not self._kept:
                try:
                    self._kept = self._client.get_secret_value(SecretId=self._arn).get("SecretString", "")
                except (ClientError, BotoCoreError) as error:
                    raise SecretError(f"{self.name} can't be read: {error_code(error)}") from None
            if not self._kept:
                raise SecretError(f"{self.name} is empty")
            return self._kept

    def forget(self) -> None:
        """Read it again next time."""
        self._kept = ""


class DinerSecret(Secret):
    """The diner's credentials."""

    name = "the diner's secret"

    def read(self) -> Credentials:
        """The credentials. Raises SecretError."""
        try:
            return Credentials.model_validate_json(self.text())
        except ValidationError:
            self.forget()
            raise SecretError(f'{self.name} must be a JSON object with "email" and "password"') from None


class WebhookSecret(Secret):
    """What webhooks are signed with, or show. After changing it, deploy again: an empty one anybody would know."""

    name = "the webhooks' secret"

    def read(self) -> bytes:
        """The secret. Raises SecretError."""
        return self.text().encode()
