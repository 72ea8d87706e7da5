"""The secrets: read once; the diner's again after a refusal."""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from remediator.adapters.http import HttpShop
from remediator.adapters.secrets import DinerSecret, WebhookSecret
from remediator.errors import SecretError
from remediator.masking import Mask


@dataclass
class CountingClient:
    """A client of Secrets Manager that answers from a list, the last answer for ever."""

    answers: list[Any]
    asked: list[str] = field(default_factory=list)

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - boto3's own name
        self.asked.append(SecretId)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return {"SecretString": answer}


def secret(*answers: Any) -> tuple[DinerSecret, CountingClient]:
    client: Any = CountingClient(list(answers))
    return DinerSecret(client, "arn"), client


def test_credentials_are_read_once_and_again_after_a_refusal() -> None:
    diner, client = secret('{"email":"a@b.c","password":"old-one"}', '{"email":"a@b.c","password":"new-one"}')

    assert diner.read() == diner.read()
    assert len(client.asked) == 1
    diner.forget()
    assert diner.read().password.get_secret_value() == "new-one"


@pytest.mark.parametrize("text", ["no JSON", "{}", '{"email":"a@b.c"}', '{"email":"a@b.c","password":7}'])
def test_a_secret_of_another_form_is_refused_without_its_content(text: str) -> None:
    with pytest.raises(SecretError, match='"email" and "password"') as caught:
        secret(text)[0].read()

    assert caught.value.__cause__ is None
    assert "a@b.c" not in str(caught.value)


def test_a_secret_that_cannot_be_read_names_the_call_that_failed() -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "who are you"}}, "GetSecretValue")

    with pytest.raises(SecretError, match="GetSecretValue: AccessDenied"):
        secret(denied)[0].read()


def test_all_that_the_secret_holds_is_masked_before_anybody_logs_in() -> None:
    held = {"email": "a@b.example", "password": "old-one", "canary_email": "c@d.example", "canary_password": "canarys"}
    settings: Any = SimpleNamespace(shop_url="https://shop.test", order={}, order_seconds=1)
    client: Any = None
    mask = Mask()

    HttpShop(client, settings, secret(json.dumps(held))[0], mask).read_secret()

    assert mask.text(" ".join(held.values())) == "<secret> <secret> <secret> <secret>"


def test_a_password_does_not_show_itself() -> None:
    assert "old-one" not in repr(secret('{"email":"a@b.c","password":"old-one"}')[0].read())


def test_the_webhooks_secret_is_read_once_and_never_empty() -> None:
    client: Any = CountingClient(["s3cret"])
    webhooks = WebhookSecret(client, "arn")

    assert [webhooks.read(), webhooks.read()] == [b"s3cret", b"s3cret"]
    assert client.asked == ["arn"]
    empty: Any = CountingClient([""])
    with pytest.raises(SecretError, match="is empty"):
        WebhookSecret(empty, "arn").read()
