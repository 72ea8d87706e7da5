"""Lambda entry point: the schedule invokes this function each minute."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from remediator.bootstrap import now
from remediator.bootstrap.canary import canary, deadline

logger = Logger()


@logger.inject_lambda_context
def handler(event: object, context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """One run. Raises if it can't do its work; nobody tries again, the next minute does."""
    run, measure = canary()
    report = run(now(), deadline(context.get_remaining_time_in_millis()))
    measure(report)
    logger.info("canary ran", extra={"report": report.plain()})
    return report.plain()
