"""Metrics in CloudWatch's embedded metric format: members of a log line, which CloudWatch makes metrics of.

So a function makes no call for them and gets no grant. Specification: "CloudWatch embedded metric format", version 0.
"""

import time
from collections.abc import Mapping

DIMENSIONS = ("service", "operation")
"""Members of the line that tell whose metric it is. Each combination is a metric of its own, and paid for."""


def embedded(namespace: str, metrics: Mapping[str, tuple[float, str]]) -> dict[str, object]:
    """The members that make a log line carry `metrics`: name -> value and CloudWatch's unit of it."""
    directive = {
        "Namespace": namespace,
        "Dimensions": [DIMENSIONS],
        "Metrics": [{"Name": name, "Unit": unit} for name, (_, unit) in metrics.items()],
    }
    values = {name: value for name, (value, _) in metrics.items()}
    return {"_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]}, **values}
