"""Which adapter stands behind which port: a module for each function. What they share is here."""

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger

from remediator.link_template import LinkTemplate
from remediator.masking import Mask


def now() -> datetime:
    """UTC, to the millisecond, as the audit log writes it."""
    at = datetime.now(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def new_mask(logger: Logger, templates: Sequence[LinkTemplate] = ()) -> Mask:
    """A mask that every finished line of this function's log passes through.

    The libraries' own lines are kept out of the log: they hold paths, and so links, and what AWS answered.
    """
    mask = Mask(templates)

    def masked(line: dict[str, Any]) -> str:
        return mask.text(json.dumps(line, default=str, skipkeys=True))

    logger.registered_formatter.json_serializer = masked  # type: ignore[attr-defined] # Powertools' own formatter has it
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    return mask
