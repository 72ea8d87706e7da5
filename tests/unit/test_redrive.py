"""Dead letters of both shapes, as the alarms in them."""

import json

import pytest

from remediator_cli.redrive import opened
from tests.support.builders import alarm

NOTE = {"Type": "Notification", "Subject": "OrdersFailing", "Message": "orders fail", "MessageId": "m-1"}


def test_notification_that_sns_could_not_deliver_holds_its_alarm() -> None:
    assert opened(json.dumps(NOTE)) == ((("OrdersFailing", "orders fail"),), "SNS couldn't hand it to the function")


def test_event_that_failed_three_times_holds_its_alarms() -> None:
    event = alarm()
    letter = {
        "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": event,
        "responsePayload": {"errorMessage": "UNREACHABLE"},
    }

    alarms, why = opened(json.dumps(letter))

    assert alarms == (("", event["Records"][0]["Sns"]["Message"]),)
    assert why == "RetriesExhausted after 3 tries"


@pytest.mark.parametrize(
    "body", ["no JSON", "[" * 100_000, "[]", "{}", '{"requestPayload": 3}', '{"Records": [{"Sns": null}]}']
)
def test_what_is_no_letter_holds_no_alarm(body: str) -> None:
    assert opened(body)[0] == ()
