"""Lambda entry point: the alarm topic invokes this function."""

import gc

gc.disable()  # what is imported stays: looking through it over and over costs a twentieth of a cold start

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from remediator.bootstrap import ACCESS, access, bootstrap, deadline

gc.freeze()
gc.enable()
logger = Logger()


@logger.inject_lambda_context
def handler(event: object, context: LambdaContext) -> list[dict[str, str | None]] | dict[str, str]:
    """End every alarm of the event in one outcome. Raises what the platform is to try again."""
    if event == ACCESS:
        return access()
    budget = deadline(context.get_remaining_time_in_millis())
    endings = bootstrap().handle(event, context.aws_request_id, budget)
    shown = [{"outcome": e.outcome, "reason": e.reason, "incident": e.incident} for e in endings]
    logger.info("event ended", extra={"endings": shown})
    return shown
