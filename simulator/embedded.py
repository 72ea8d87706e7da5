"""CloudWatch's part in the embedded metric format, which the local one doesn't play: from log lines to metrics."""

import json
from collections.abc import Iterator
from typing import Any


def put(cloudwatch: Any, log: str) -> None:
    """Put the metrics of a log's lines, as CloudWatch would by itself."""
    for namespace, data in metrics(log):
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)


def metrics(log: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Namespaces with their metrics out of a log: each line that is JSON with a root member `_aws`."""
    for line in log.splitlines():
        at = line.find("{")
        try:
            told: Any = json.loads(line[at:]) if at >= 0 else {}
        except ValueError:
            continue
        for directive in told.get("_aws", {}).get("CloudWatchMetrics", []):
            yield directive["Namespace"], list(_data(told, directive))


def _data(told: dict[str, Any], directive: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for metric in directive["Metrics"]:
        value = told[metric["Name"]]
        values = value if isinstance(value, list) else [value]
        for names in directive["Dimensions"]:
            dimensions = [{"Name": name, "Value": told[name]} for name in names]
            unit = metric.get("Unit", "None")
            yield {"MetricName": metric["Name"], "Dimensions": dimensions, "Values": values, "Unit": unit}
