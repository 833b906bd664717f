"""
What others watch the queues with: structured logs, metrics for Prometheus and OpenTelemetry, and traces.

* `callbackq.adapters.telemetry.logs`: each event as one line of a log. Needs nothing.
* `callbackq.adapters.telemetry.measures`: what is measured: the board, and figures that grow. Needs nothing.
* `callbackq.adapters.telemetry.prometheus`: a collector for `prometheus_client`. Needs the extra `prometheus`.
* `callbackq.adapters.telemetry.metrics`: the same for OpenTelemetry. Needs the extra `otel`.
* `callbackq.adapters.telemetry.traces`: each callback as a trace of OpenTelemetry. Needs the extra `otel`.

Nothing here defines a figure: all of them are those of `core.metrics` and of `model.board`, under the same names.
"""

from callbackq.adapters.telemetry.logs import EventLog
from callbackq.adapters.telemetry.measures import Measures, Totals

__all__ = ["EventLog", "Measures", "Totals"]
