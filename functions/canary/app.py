"""Lambda entry point: the schedule invokes this function each minute."""

import gc

gc.disable()  # what is imported stays: looking through it over and over costs a twentieth of a cold start

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from remediator.bootstrap import canary, canary_deadline, now

gc.freeze()
gc.enable()
logger = Logger()


@logger.inject_lambda_context
def handler(event: object, context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """One run. Raises where it can't do its work; nobody tries again, the next minute does."""
    run, measure = canary()
    report = run(now(), canary_deadline(context.get_remaining_time_in_millis()))
    measure(report)
    logger.info("canary ran", extra={"report": report.plain()})
    return report.plain()
