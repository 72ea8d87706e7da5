"""Lambda entry point: the alarm topic invokes this function."""

import gc

gc.disable()  # what is imported stays: looking through it again and again takes 30 ms of a cold start

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from remediator.bootstrap.remediate import ACCESS, access, deadline, remediator

gc.freeze()
gc.enable()
logger = Logger()


@logger.inject_lambda_context
def handler(event: object, context: LambdaContext) -> list[dict[str, str | None]] | dict[str, str]:
    """End every alarm of the event in one outcome. Raises what Lambda is to try again."""
    if event == ACCESS:
        return access()
    budget = deadline(context.get_remaining_time_in_millis())
    results = remediator().handle(event, context.aws_request_id, budget, context.invoked_function_arn)
    shown = [{"outcome": each.outcome, "reason": each.reason, "incident": each.incident} for each in results]
    logger.info("event ended", extra={"results": shown})
    return shown
