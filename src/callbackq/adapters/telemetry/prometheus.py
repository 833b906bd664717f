"""A collector for `prometheus_client`: the board at each scrape, and the figures that grow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import attrs

from callbackq.adapters.telemetry.measures import Family, Kind, Measures
from callbackq.adapters.telemetry.needed import missing

try:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily
    from prometheus_client.registry import Collector
except ModuleNotFoundError as error:
    raise missing(error, package="prometheus_client", extra="prometheus") from None

if TYPE_CHECKING:
    from prometheus_client import Metric

PREFIX: Final = "callbackq_"


class BoardCollector(Collector):
    """
    Gives Prometheus what `Measures` measures. Register it once: `REGISTRY.register(BoardCollector(measures))`.

    A value of this moment is a gauge, such as `callbackq_calls_waiting`; a figure that counts is a counter, such as
    `callbackq_completed_total`; a mean or a share is a summary: `rate(callbackq_answer_rate_sum[1h]) /
    rate(callbackq_answer_rate_count[1h])` is the answer rate of an hour. Every node shows the whole store: so ask one,
    or take the maximum over the nodes, never the sum.

    Args:
        measures: those of one service or of several, one for each tenant.
    """

    def __init__(self, *measures: Measures) -> None:
        self._measures: Final = measures

    def describe(self) -> list[Metric]:
        """Say nothing: to be registered must not look into the store."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Look, and give all measures. Raises nothing: see `Measures.look`."""
        found: dict[str, Family] = {}
        for measures in self._measures:
            for family in measures.look():
                before = found.get(family.name)
                samples = (*before.samples, *family.samples) if before is not None else family.samples
                found[family.name] = attrs.evolve(family, samples=samples)
        for family in found.values():
            yield _metric(family)


def _metric(family: Family) -> Metric:
    names = list(family.samples[0].labels) if family.samples else []
    name = PREFIX + family.name + (f"_{family.unit}" if family.unit else "")
    if family.kind is Kind.SUMMARY:
        summary = SummaryMetricFamily(name, family.text, labels=names)
        for sample in family.samples:
            summary.add_metric(
                list(sample.labels.values()), count_value=round(sample.count or 0), sum_value=sample.value
            )
        return summary
    of_kind = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    metric = of_kind(name, family.text, labels=names)
    for sample in family.samples:
        metric.add_metric(list(sample.labels.values()), sample.value)
    return metric
