"""The function's environment: what is wrong is named, its value never shown."""

import pytest

from remediator.errors import SettingsError
from remediator.settings import Settings, least_seconds

TEMPLATES = (
    "https://pizza.example/api/support/{key}/report/{code}",
    "https://other.example:8443/api/report?apiKey={key}&fixCode={code}",
)
GOOD = {
    "TARGET": "pizza-remediator",
    "SHOP_URL": "https://shop.example.com",
    "ALLOWED_REPORT_LINKS": " ".join(TEMPLATES),
    "DINER_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:x",
    "TABLE": "t",
    "NOTIFICATION_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:p",
    "ORDER": '{"items":[]}',
    "LINK_FIELDS": "",
}


def test_lists_are_read_in_their_order() -> None:
    settings = Settings.of(GOOD)

    assert tuple(each.text for each in settings.allowed_report_links) == TEMPLATES
    assert settings.link_fields == ()
    assert settings.mode == "act"


@pytest.mark.parametrize(
    ("names", "triggering"),
    [
        ("", ()),
        ("Mine", ("Own", "Mine")),
        ("Mine, Other", ("Own", "Mine", "Other")),
        ("-,Mine", ("Mine",)),
        ("-Mine,Other", ("Mine", "Other")),
        ("-", ()),
    ],
)
def test_the_listed_alarms_and_the_stacks_own_trigger_unless_the_list_begins_with_a_dash(
    names: str, triggering: tuple[str, ...]
) -> None:
    assert Settings.of(GOOD | {"ALARM_NAMES": names, "OWN_ALARMS": "Own"}).triggering_alarms == triggering


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHOP_URL", "what?"),
        ("SHOP_URL", "http://shop.example.com"),
        ("MODE", "maybe"),
        ("ORDER", "[]"),
        ("CALLS_AN_HOUR", "-1"),
        ("ALLOWED_REPORT_LINKS", ""),
        ("ALLOWED_REPORT_LINKS", "https://shop.example/api/support/0123456789abcdef/report/abc"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        Settings.of(GOOD | {name: value})

    assert value == "" or value not in str(caught.value).replace("'observe' or 'act'", "")


def test_the_time_out_has_to_hold_two_slow_orders_and_the_rest() -> None:
    assert least_seconds(40) == 110
