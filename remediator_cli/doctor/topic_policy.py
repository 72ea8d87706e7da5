"""May CloudWatch publish to a topic? Its policy in, an answer out (IAM reference, "JSON policy elements")."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

EQUALITIES: Final = ("StringEquals", "StringLike", "ArnEquals", "ArnLike")


def lets_cloudwatch_publish(policy: Mapping[str, Any], topic: str) -> bool:
    """Whether an alarm of the topic's own account and region may publish to it: allowed, and nowhere denied.

    A statement with a condition that isn't known here counts as if it weren't there.
    """
    _, partition, _, region, account, _ = topic.split(":")
    alarm = f"arn:{partition}:cloudwatch:{region}:{account}:alarm:any"
    facts = {"aws:sourceaccount": account, "aws:sourceowner": account, "aws:sourcearn": alarm}
    return {each["Effect"] for each in _listed(policy.get("Statement")) if _fits(each, facts)} == {"Allow"}


def _fits(statement: Mapping[str, Any], facts: Mapping[str, str]) -> bool:
    principal = statement.get("Principal")
    principals = principal.values() if isinstance(principal, dict) else [principal]
    who = {name for each in principals for name in _listed(each)}
    publishes = any(fnmatchcase("sns:publish", action.lower()) for action in _listed(statement.get("Action")))
    met = all(
        operator.startswith(EQUALITIES) and any(fnmatchcase(facts.get(key.lower(), ""), v) for v in _listed(values))
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )
    return bool(who & {"*", "cloudwatch.amazonaws.com"}) and publishes and met


def _listed(value: Any) -> list[Any]:
    """An element of a policy, which may stand alone or in a list."""
    return value if isinstance(value, list) else [] if value is None else [value]
