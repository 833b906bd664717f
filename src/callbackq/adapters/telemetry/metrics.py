"""The measures for OpenTelemetry: observable instruments that look once for each collection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from callbackq.adapters.telemetry.measures import Family, Kind, Measures, Sample
from callbackq.adapters.telemetry.needed import missing

try:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation
except ModuleNotFoundError as error:
    raise missing(error, package="opentelemetry", extra="otel") from None

PREFIX: Final = "callbackq."
FRESH_FOR: Final = timedelta(seconds=1)
"""Instruments that are asked so soon after one another are told of one look."""


def observe(meter: Meter, measures: Measures) -> None:
    """
    Make an instrument of *meter* for each measure. They look at the store whenever metrics are collected.

    The names are those of Prometheus with dots: `callbackq.calls_waiting`, `callbackq.completed`; of a mean or a share
    there are two that grow, `callbackq.answer_rate.sum` and `callbackq.answer_rate.count`. Attributes are `tenant`,
    `queue`, `channel`, `state`.

    Args:
        meter: such as `get_meter("callbackq")`.
    """
    look = _Look(measures)
    for family in measures.catalogue():
        name, unit, text = PREFIX + family.name, "s" if family.unit else "1", family.text
        values = [look.values_of(family.name)]
        if family.kind is Kind.GAUGE:
            meter.create_observable_gauge(name, values, unit=unit, description=text)
        elif family.kind is Kind.COUNTER:
            meter.create_observable_counter(name, values, unit=unit, description=text)
        else:
            meter.create_observable_counter(f"{name}.sum", values, unit=unit, description=text)
            meter.create_observable_counter(
                f"{name}.count", [look.counts_of(family.name)], unit="1", description=text
            )


_Observe = Callable[[CallbackOptions], Iterable[Observation]]


class _Look:
    """One look for all instruments that are asked together."""

    def __init__(self, measures: Measures) -> None:
        self._measures: Final = measures
        self._lock: Final = Lock()
        self._at: datetime | None = None
        self._families: dict[str, Family] = {}

    def values_of(self, name: str) -> _Observe:
        """Return what tells the values of one measure, or their sums."""

        def tell(_options: CallbackOptions) -> Iterable[Observation]:
            return [Observation(one.value, dict(one.labels)) for one in self._samples(name)]

        return tell

    def counts_of(self, name: str) -> _Observe:
        """Return what tells the counts of one mean or share."""

        def tell(_options: CallbackOptions) -> Iterable[Observation]:
            return [Observation(one.count or 0.0, dict(one.labels)) for one in self._samples(name)]

        return tell

    def _samples(self, name: str) -> tuple[Sample, ...]:
        with self._lock:
            now = self._measures.clock.now()
            if self._at is None or not timedelta(0) <= now - self._at < FRESH_FOR:
                self._families = {family.name: family for family in self._measures.look()}
                self._at = now
            found = self._families.get(name)
            return found.samples if found is not None else ()
