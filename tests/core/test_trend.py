"""The slope of Theil and Sen, and its range."""

from __future__ import annotations

import math
import random

import pytest

from callbackq.core.metrics.trend import POINTS_MIN, theil_sen


def test_a_straight_line_is_found_and_some_outliers_do_not_bend_it() -> None:
    """Two of eight weeks were anything."""
    points = [(float(week), 100.0 + 2 * week) for week in range(8)]
    points[2] = (2.0, 900.0)
    points[5] = (5.0, 0.0)
    found = theil_sen(points, coverage_ratio=0.9)
    assert found is not None
    assert (found.per_unit, found.at_zero) == (2.0, 100.0)
    assert found.low <= 2.0 <= found.high


def test_the_range_is_that_of_the_sorted_slopes() -> None:
    """Six points: 15 slopes, of which 3 lie outside on either side, by Sen's rule."""
    heights = [0.0, 1.0, 0.5, 3.0, 2.0, 4.0]
    slopes = sorted((heights[j] - heights[i]) / (j - i) for j in range(6) for i in range(j))
    found = theil_sen([(float(x), y) for x, y in enumerate(heights)], coverage_ratio=0.9)
    assert found is not None
    assert (found.low, found.high) == (slopes[2], slopes[-3])
    assert found.is_clear is (slopes[2] > 0)


def test_too_few_points_have_no_slope_and_too_much_certainty_has_no_end() -> None:
    """With six points nobody knows 99.9 %."""
    points = [(float(week), float(week)) for week in range(POINTS_MIN)]
    assert theil_sen(points[1:], coverage_ratio=0.9) is None
    found = theil_sen(points, coverage_ratio=0.999)
    assert found is not None
    assert (found.low, found.high, found.is_clear) == (-math.inf, math.inf, False)


@pytest.mark.parametrize("slope", [0.0, 3.0, -3.0])
def test_the_range_holds_as_often_as_it_says(slope: float) -> None:
    """Ten weeks of noise, 400 times: at least 88 % of ranges of 90 %, within two standard errors (1.5 %)."""
    chance = random.Random(12)
    held = 0
    for _ in range(400):
        points = [(float(week), 500 + slope * week + chance.gauss(0, 22)) for week in range(10)]
        found = theil_sen(points, coverage_ratio=0.9)
        assert found is not None
        held += found.low <= slope <= found.high
    assert held / 400 >= 0.88
