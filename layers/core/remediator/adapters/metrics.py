"""Metrics in CloudWatch's embedded format: JSON lines of the function's log that CloudWatch reads metrics out of.

Each has the dimension `service`, as Powertools names it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from remediator.canary import ProbeReport
from remediator.outcome import Result


@dataclass(frozen=True, slots=True)
class EmbeddedMetrics:
    """Prints what the dashboard shows, and what the alarm on a silent canary reads.

    `namespace`: the stack's name. `service`: which of its functions, remediate or canary.
    """

    namespace: str
    service: str

    def result(self, result: Result) -> None:
        """How a delivered alarm ended, its phases in milliseconds, the calls left in the hour."""
        self._print("Ended", MetricUnit.Count, 1, {"Outcome": result.outcome})
        for phase, milliseconds in result.phases.items():
            self._print("Took", MetricUnit.Milliseconds, milliseconds, {"Phase": phase})
        if result.calls_left is not None:
            self._print("CallsLeft", MetricUnit.Count, result.calls_left, {})

    def probes(self, report: ProbeReport) -> None:
        """That the canary ran, what it saw, 1 or 0 by endpoint, and its order if one was looked at."""
        self._print("Ran", MetricUnit.Count, 1, {})
        for name, good in report.healthy.items():
            self._print("Healthy", MetricUnit.Count, int(good), {"Endpoint": name})
        if report.order:
            self._print("OrderFailed", MetricUnit.Count, int(not report.order_good), {})
            self._print("OrderLatency", MetricUnit.Milliseconds, round(report.order.elapsed * 1000), {})

    def _print(self, name: str, unit: MetricUnit, value: float, dimensions: Mapping[str, str]) -> None:
        with single_metric(name, unit, value, namespace=self.namespace) as metric:
            for dimension, told in {"service": self.service, **dimensions}.items():
                metric.add_dimension(dimension, told)
