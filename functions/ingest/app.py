"""Lambda entry point: the function URL that takes webhooks."""

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from remediator.bootstrap.ingest import ingest

logger = Logger()


@logger.inject_lambda_context
def handler(event: object, context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Answer one request by a status alone. Raises only if the environment is wrong."""
    status, reason = ingest().answer(event)
    logger.info("webhook", extra={"status": status, "reason": reason})
    return {"statusCode": status}
