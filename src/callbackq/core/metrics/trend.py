"""
Whether something grows or shrinks: the slope of Theil and Sen.

The slope is the median of the slopes between all pairs of points. Its range is P. K. Sen's ("Estimates of the
regression coefficient based on Kendall's tau", JASA 63, 1968): the number of pairs that go up is, without a trend,
about normal with the variance n (n - 1) (2 n + 5) / 18, which says how many of the sorted slopes lie on either side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, median
from typing import Final

import attrs

POINTS_MIN: Final = 6
"""With fewer points the range says next to nothing."""


@attrs.frozen(kw_only=True)
class Slope:
    """A slope per unit of the abscissa, its range, and the height of the line at 0: the median of what is left."""

    per_unit: float
    low: float
    high: float
    at_zero: float

    @property
    def is_clear(self) -> bool:
        """Whether its range leaves out zero."""
        return self.low > 0 or self.high < 0


def theil_sen(points: Sequence[tuple[float, float]], *, coverage_ratio: float) -> Slope | None:
    """
    Return the slope through some points (x, y), no two of the same x; None with fewer than `POINTS_MIN`.

    The ends of the range are rounded outwards to the next slope that was seen.

    Cost: O(n^2 log n).

    >>> theil_sen([(week, 100 + 2 * week) for week in range(8)], coverage_ratio=0.9).per_unit
    2.0
    >>> theil_sen([(0, 1), (1, 2)], coverage_ratio=0.9) is None
    True
    """
    count = len(points)
    if count < POINTS_MIN:
        return None
    slopes = sorted(
        (y - other_y) / (x - other_x) for at, (x, y) in enumerate(points) for other_x, other_y in points[:at]
    )
    half = NormalDist().inv_cdf((1 + coverage_ratio) / 2) * math.sqrt(
        count * (count - 1) * (2 * count + 5) / 18
    )
    low_at = math.floor((len(slopes) - half) / 2)
    slope = median(slopes)
    return Slope(
        per_unit=slope,
        low=slopes[low_at - 1] if low_at > 0 else -math.inf,
        high=slopes[-low_at] if low_at > 0 else math.inf,
        at_zero=median(y - slope * x for x, y in points),
    )
