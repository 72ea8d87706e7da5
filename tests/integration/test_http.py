"""The HTTP adapters against the shop on loopback."""

import io
import logging
from datetime import UTC, datetime
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import pytest
from aws_lambda_powertools import Logger

from remediator.adapters.http import HttpClient, HttpFactory, HttpShop
from remediator.adapters.pinned import system_resolver
from remediator.bootstrap import new_mask
from remediator.deadline import Deadline
from remediator.diagnosis import Symptom, diagnose, judge_login
from remediator.link_template import read_templates
from remediator.masking import Mask
from remediator.report_link import LinkPolicy, ReportLink, guard
from remediator.sample import Fault
from remediator.settings import Settings
from simulator.local_aws import hold_port, number
from simulator.shop import Shop
from tests.support.fakes import KnownSecret

SOON = Deadline.after(3600)


def adapter(shop: Shop, url: str | None = None) -> HttpShop:
    settings = Settings.model_validate(
        {
            "target": "t",
            "shop_url": url or shop.url,
            "allowed_report_links": shop.report_links,
            "diner_secret_arn": "a",
            "table": "t",
            "notification_topic_arn": "a",
            "order": '{"franchiseId":1,"storeId":1,"items":[{"menuId":1,"description":"Veggie","price":0.0038}]}',
        }
    )
    secret = KnownSecret(shop.email, shop.password)
    return HttpShop(HttpClient(lambda: datetime.now(UTC)), settings, secret, Mask())


def factory(shop: Shop, *, known: bool = True) -> HttpFactory:
    ca = PEM_cert_to_DER_cert(Path(shop.ca_file).read_text()) if known else None
    return HttpFactory(HttpClient(lambda: datetime.now(UTC), ca), shop.factory_host)


def link_of(shop: Shop) -> ReportLink:
    service = adapter(shop)
    token = judge_login(service.login(SOON))
    assert isinstance(token, str)
    shown = diagnose([service.order(token, SOON)], factory(shop).keys(SOON))
    assert shown.symptom is Symptom.FAIL
    policy = LinkPolicy(read_templates(shop.report_links), allow_private=True)
    link = guard(shown.links[0], policy, system_resolver)
    assert isinstance(link, ReportLink), link
    return link


@pytest.fixture(autouse=True)
def _without_chaos(shop: Shop) -> None:
    shop.chaos("off")


def test_a_good_order_is_healthy_and_the_token_is_given_back(shop: Shop) -> None:
    service = adapter(shop)
    token = judge_login(service.login(SOON))
    assert isinstance(token, str)

    assert diagnose([service.order(token, SOON)], factory(shop).keys(SOON)).symptom is Symptom.HEALTHY
    service.logout(token, SOON)
    assert diagnose([service.order(token, SOON)], factory(shop).keys(SOON)).symptom is Symptom.UNAUTHORIZED


def test_a_call_of_the_link_ends_the_failure(shop: Shop) -> None:
    shop.chaos("fail")
    link = link_of(shop)

    answer = factory(shop).call(link, SOON)

    assert answer.status == 200
    assert shop.state()["chaos"] == "off"


def test_a_factory_with_an_unknown_certificate_is_not_called(shop: Shop) -> None:
    shop.chaos("fail")

    answer = factory(shop, known=False).call(link_of(shop), SOON)

    assert answer.fault is Fault.TLS
    assert shop.state()["chaos"] == "fail"


def test_a_shop_that_is_not_there_is_a_refused_connection(shop: Shop) -> None:
    with hold_port() as held:  # and nobody listens
        assert adapter(shop, url=f"http://127.0.0.1:{number(held)}").login(SOON).fault is Fault.REFUSED


def test_a_request_without_time_left_is_not_sent(shop: Shop) -> None:
    before = len(shop.requests)

    assert adapter(shop).login(Deadline.after(0)).fault is Fault.TIMEOUT
    assert len(shop.requests) == before


def test_environment_leads_no_request_elsewhere(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert adapter(shop).login(SOON).status == 200


def test_no_secret_is_in_what_the_http_libraries_log(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    new_mask(Logger(service="test_http", stream=io.StringIO()))  # as each function does first
    shop.chaos("fail")
    with caplog.at_level(logging.DEBUG):
        factory(shop).call(link_of(shop), SOON)

    assert shop.vendor_token not in caplog.text
    assert shop.password not in caplog.text
