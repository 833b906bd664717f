"""When people call: a rate that changes over the day, thinned to a Poisson stream. Chance is an argument."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random

import attrs

from callbackq.errors import ConfigurationError

_HOUR_S = 3600.0


def _points(points: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    return tuple(points)


@attrs.frozen
class RateCurve:
    """
    Calls per hour over a day, straight between its points and level beyond them.

    Args:
        points: (hours since the start, calls per hour), in order of time; at least one.

    Raises:
        ConfigurationError: no points, points out of order, or a rate below zero.

    >>> RateCurve([(0, 60), (2, 180)]).at(1)
    120.0
    """

    points: tuple[tuple[float, float], ...] = attrs.field(converter=_points)

    def __attrs_post_init__(self) -> None:
        hours = [hour for hour, _ in self.points]
        if not hours or hours != sorted(set(hours)) or min(rate for _, rate in self.points) < 0:
            raise ConfigurationError("points", self.points, "(hour, rate) pairs, hours rising, rates from 0")

    @property
    def rate_max(self) -> float:
        """The highest rate of the day."""
        return max(rate for _, rate in self.points)

    def at(self, hour: float) -> float:
        """Return the calls per hour at that time of day."""
        after = bisect_right(self.points, hour, key=lambda point: point[0])
        if after in (0, len(self.points)):
            return float(self.points[min(after, len(self.points) - 1)][1])
        (left, low), (right, high) = self.points[after - 1], self.points[after]
        return low + (high - low) * (hour - left) / (right - left)


def poisson_arrivals(
    curve: RateCurve, *, starts_at: datetime, length: timedelta, random: Random
) -> list[datetime]:
    """
    Return the instants at which people call, in order: a Poisson stream of the curve's rate, by thinning.

    Exact for any curve (Lewis and Shedler): candidates come at the highest rate, and each is kept with the
    probability by which the rate of its moment falls short of it. Cost: O(candidates).
    """
    arrivals: list[datetime] = []
    highest = curve.rate_max
    if highest <= 0:
        return arrivals
    hour, end = 0.0, length.total_seconds() / _HOUR_S
    while (hour := hour + random.expovariate(highest)) < end:
        if random.random() * highest < curve.at(hour):
            arrivals.append(starts_at + timedelta(hours=hour))
    return arrivals
