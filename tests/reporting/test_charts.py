"""The charts: what is drawn is to scale, stands where it belongs, and is in the table beside it."""

from __future__ import annotations

import math
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from callbackq.model.figures import AttemptBin, HourBin, QuoteBin, WaitBin
from callbackq.reporting.charts import Chart, attempts, charts, endings, funnel, hours, promises, waits
from callbackq.reporting.drawing import WIDTH, count_ticks, minute_ticks
from reporting.made_up import empty, s2_week

SPACE = "{http://www.w3.org/2000/svg}"


def shapes(chart: Chart, tag: str, style: str) -> list[dict[str, str]]:
    assert chart.drawing is not None
    root = ElementTree.fromstring(
        chart.drawing.svg(name=chart.name, title=chart.title, description=chart.says)
    )
    return [dict(one.attrib) for one in root.iter(f"{SPACE}{tag}") if one.get("class") == style]


def numbers(chart: Chart, tag: str, style: str, name: str) -> list[float]:
    return [float(one[name]) for one in shapes(chart, tag, style)]


def waited(hour: int, live: float | None, back: float | None) -> WaitBin:
    return WaitBin(
        hour=hour,
        calls_count=3,
        served_live_count=2,
        mean_wait_live_s=live,
        called_back_count=1,
        mean_wait_callback_s=back,
    )


def test_waits_stand_over_their_hours_with_gaps_where_nobody_was_served() -> None:
    """A line is broken where there is no value, and where an hour is missing; each value has its mark."""
    chart = waits([waited(8, 60, 600), waited(9, 120, None), waited(10, 60, 300), waited(12, 0, 300)])
    xs, ys = (numbers(chart, "circle", "hold-mark", name) for name in ("cx", "cy"))
    steps = [after - before for before, after in pairwise(xs)]
    assert steps[0] == pytest.approx(steps[1], abs=0.2)
    assert steps[2] == pytest.approx(2 * steps[0], abs=0.2)
    assert ys[3] - ys[1] == pytest.approx(2 * (ys[3] - ys[0]), abs=0.2)
    lines = [one["points"].split() for one in shapes(chart, "polyline", "line hold-line")]
    assert [len(line) for line in lines] == [3]
    assert shapes(chart, "polyline", "line back-line") == []
    assert len(shapes(chart, "polygon", "back-mark")) == 3
    assert chart.rows[1] == ("9:00", "3", "2", "2:00", "1", "–")
    assert (
        chart.says
        == "The longest mean waits of an hour: 2:00 min on hold (9:00), 10:00 min called back (8:00)."
    )


def test_the_funnel_is_to_scale() -> None:
    """Each step is as long as its share of the largest one; a share is one of the step before."""
    chart = funnel(
        [[("Called", 200.0), ("Offered", 50.0), ("Accepted", 0.0)], [("Promised", 100.0), ("Kept", 25.0)]]
    )
    assert numbers(chart, "rect", "hold-fill", "width") == [WIDTH, WIDTH / 4]
    assert numbers(chart, "rect", "back-fill", "width") == [WIDTH / 2, WIDTH / 8]
    assert [row[2] for row in chart.rows] == ["–", "25.0 %", "0.0 %", "–", "25.0 %"]
    assert chart.says == "Called: 200; accepted: 0, 0.0 %. Promised: 100; kept: 25, 25.0 %."


def test_endings_are_parts_of_all_callbacks() -> None:
    """Their lengths add up to the whole width."""
    chart = endings(
        [("Talked to an agent", 60.0), ("Cancelled", 30.0), ("Expired", 0.0), ("Not ended yet", 10.0)]
    )
    widths = [
        width
        for style in ("back-fill", "other-fill", "back-open")
        for width in numbers(chart, "rect", style, "width")
    ]
    assert widths == [0.6 * WIDTH, 0.3 * WIDTH, 0.1 * WIDTH]
    assert chart.says == "Of 100 callbacks, 60.0 %: talked to an agent."


def quoted(told_s: float, waited_s: float, number: int) -> QuoteBin:
    return QuoteBin(
        quoted_from_s=told_s,
        quoted_until_s=told_s + 60,
        count=number,
        within_range_count=number // 2,
        mean_quoted_s=told_s,
        mean_wait_s=waited_s,
    )


def test_a_promise_that_was_kept_stands_on_the_line() -> None:
    """Later stands above it, sooner below; four times as many are twice as wide."""
    chart = promises([quoted(300, 300, 16), quoted(600, 900, 4), quoted(900, 450, 64)])
    (corners,) = (one["points"].split() for one in shapes(chart, "polyline", "exact"))
    (x0, y0), (x1, y1) = ((float(part) for part in corner.split(",")) for corner in corners)
    above = {}
    for one in shapes(chart, "circle", "back-bubble"):
        x, y, radius = (float(one[name]) for name in ("cx", "cy", "r"))
        above[radius] = y0 + (x - x0) / (x1 - x0) * (y1 - y0) - y
    assert sorted(above) == [4, 7.5, 15]
    assert above[7.5] == pytest.approx(0, abs=0.2)
    assert above[4] > 10
    assert above[15] < -10
    assert (
        chart.says
        == "Of 84 callbacks to which a wait was quoted, 50.0 % waited within the range that they were told."
    )


def test_attempts_are_split_by_what_came_of_them() -> None:
    """Connected, answered, not answered: one behind the other."""
    bins = [
        AttemptBin(number=number, count=count, answered_count=answered, connected_count=connected)
        for number, count, answered, connected in (
            (1, 100, 80, 70),
            (2, 20, 10, 10),
            (11, 1, 0, 0),
            (12, 0, 0, 0),
        )
    ]
    chart = attempts(bins)
    assert numbers(chart, "rect", "back-fill", "width") == pytest.approx([0.7 * WIDTH - 1, 0.1 * WIDTH - 1])
    assert numbers(chart, "rect", "back-open", "width") == pytest.approx([0.1 * WIDTH - 1])
    ends = numbers(chart, "rect", "none-open", "x")
    assert ends[0] == pytest.approx(0.8 * WIDTH + 0.5)
    assert [row[0] for row in chart.rows] == ["1st", "2nd", "11th"]
    assert chart.says == "1.51 attempts for each conversation: 121 for 80."


def test_retries_hang_below_the_line() -> None:
    """In the same scale as first calls; what was answered next to the line."""
    bin_ = HourBin(
        hour=9, first_count=40, first_answered_count=30, retries_count=20, retries_answered_count=5
    )
    chart = hours([bin_])
    up, down = shapes(chart, "rect", "back-fill"), shapes(chart, "rect", "back-open")
    zero = float(up[0]["y"]) + float(up[0]["height"])
    heights = [[float(one["height"]) for one in some] for some in (up, down)]
    unit = float(up[0]["height"]) / 30
    assert heights[0] == pytest.approx([30 * unit, 5 * unit], abs=0.2)
    assert heights[1] == pytest.approx([10 * unit, 15 * unit], abs=0.2)
    assert float(up[1]["y"]) == pytest.approx(zero, abs=0.2)
    assert chart.rows == (("9:00", "40", "75.0 %", "20", "25.0 %"),)
    assert chart.says == "40 first calls, 75.0 % answered; 20 retries, 25.0 % answered."


def test_everything_is_inside_of_its_drawing() -> None:
    """Whatever the numbers: no bar, mark or line leaves it."""
    for chart in charts(s2_week()):
        assert chart.drawing is not None
        height = chart.drawing.height
        root = ElementTree.fromstring(chart.drawing.svg(name="x", title="x", description="x"))
        for one in root:
            box = {
                name: float(value)
                for name, value in one.attrib.items()
                if name in {"x", "y", "width", "height"}
            }
            assert box.get("x", 0) >= -0.1
            assert box.get("x", 0) + box.get("width", 0) <= WIDTH + 0.1
            assert box.get("y", 0) >= -0.1
            assert box.get("y", 0) + box.get("height", 0) <= height + 0.1
            for point in (one.get("points") or "").split():
                x, y = (float(part) for part in point.split(","))
                assert 0 <= x <= WIDTH
                assert 0 <= y <= height


def test_without_numbers_a_chart_says_so() -> None:
    """And draws nothing; neither do zeros."""
    for chart in charts(empty()):
        assert chart.drawing is None
        assert chart.says.endswith(("in this time.", "called back."))
        assert chart.rows == ()
    assert waits([waited(9, None, None)]).drawing is None
    assert attempts([AttemptBin(number=1, count=2, answered_count=0, connected_count=0)]).says == (
        "2 attempts, and no conversation."
    )


@pytest.mark.parametrize("largest", [0.4, 1, 3, 7, 10, 99, 1_000, 123_456])
def test_ticks_are_round_and_reach_far_enough(largest: float) -> None:
    """Evenly apart, from 0, at most some six of them."""
    for ticks, reached in ((count_ticks(largest), largest), (minute_ticks(60 * largest), largest)):
        assert ticks[0] == 0
        assert ticks[-1] >= reached
        assert ticks[-2] < reached or len(ticks) == 2
        assert len(ticks) <= 7
        step = ticks[1]
        assert all(math.isclose(tick, index * step) for index, tick in enumerate(ticks))
