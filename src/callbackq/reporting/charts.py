"""
The charts: waits over the day, promise against reality, the funnel, attempts per success, first calls and retries.

Each is a picture, a sentence that says what it shows, and the table of what was drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs

from callbackq.model.figures import AttemptBin, FiguresReport, HourBin, QuoteBin, WaitBin
from callbackq.reporting.dashboard import Step, funnel_steps, outcomes_of
from callbackq.reporting.drawing import WIDTH, Drawing, Scale, count_ticks, minute_ticks
from callbackq.reporting.formats import NOTHING, clock, count, duration, percent

LEFT: Final = 46
RIGHT: Final = 14
TOP: Final = 40
BOTTOM: Final = 34
HEIGHT: Final = 310
_DOT_MAX: Final = 15
_HOURS: Final = 24
_STYLE_OF_ENDING: Final = {"Talked to an agent": "back-fill", "Not ended yet": "back-open"}
_ENDINGS: Final = {1: "st", 2: "nd", 3: "rd"}

Cells = tuple[str, ...]


@attrs.frozen(kw_only=True)
class Chart:
    """
    One chart.

    Args:
        name: of it in the page: what ids begin with.
        says: what can be seen, in a sentence; that there is nothing to see, if `drawing` is None.
        key: what the styles mean, as pairs of the mark's style and words.
        columns: the headings of the table; the first is that of the rows' own names.
        rows: what was drawn.
    """

    name: str
    title: str
    says: str
    drawing: Drawing | None
    key: tuple[tuple[str, str], ...] = ()
    columns: Cells
    rows: tuple[Cells, ...]


def charts(report: FiguresReport) -> tuple[Chart, ...]:
    """Draw all charts of a report."""
    return (
        waits(report.waits_of_day),
        funnel(funnel_steps(report.whole)),
        endings(outcomes_of(report.whole)),
        promises(report.quotes),
        attempts(report.attempts),
        hours(report.hours_of_day),
    )


def draw_mark(drawing: Drawing, style: str) -> None:
    """Draw the mark of a style as it stands in a key: 28 wide, 16 high."""
    if style in {"hold", "back"}:
        drawing.line(((1, 8), (27, 8)), f"line {style}-line")
        _dot(drawing, 14, 8, style)
    else:
        drawing.bar(7, 1, 14, 14, style)


# ---------------------------------------------------------------------------- waits over the day


def waits(bins: Sequence[WaitBin]) -> Chart:
    """Draw how long callers waited, by the hour in which they came: on hold, and called back."""
    kinds: tuple[tuple[str, str, Callable[[WaitBin], float | None]], ...] = (
        ("hold", "served on hold", lambda one: one.mean_wait_live_s),
        ("back", "called back", lambda one: one.mean_wait_callback_s),
    )
    known = [one for one in bins if one.calls_count or one.called_back_count]
    drawing = None
    if any(value(one) is not None for one in known for _, _, value in kinds):
        drawing = Drawing(height=HEIGHT)
        first, last = known[0].hour, known[-1].hour + 1
        across = Scale(low=first, high=last, start=LEFT, end=WIDTH - RIGHT)
        up = _minutes_axis(drawing, max(value(one) or 0 for one in known for _, _, value in kinds))
        _hours_axis(drawing, across, first, last)
        for style, _, value in kinds:
            places = ((one.hour, value(one)) for one in known)
            _broken_line(drawing, ((hour, wait) for hour, wait in places), across, up, style)
    return Chart(
        name="waits",
        title="Waits over the day",
        says=_waits_said(known),
        drawing=drawing,
        key=tuple((style, words) for style, words, _ in kinds),
        columns=(
            "Hour", "Live calls", "Served on hold", "Mean wait on hold", "Called back", "Mean wait called back",
        ),
        rows=tuple(
            (
                _hour(one.hour),
                count(one.calls_count),
                count(one.served_live_count),
                clock(one.mean_wait_live_s),
                count(one.called_back_count),
                clock(one.mean_wait_callback_s),
            )
            for one in known
        ),
    )  # fmt: skip


def _waits_said(bins: Sequence[WaitBin]) -> str:
    parts: list[str] = []
    for words, waited in (
        ("on hold", [(one.mean_wait_live_s, one.hour) for one in bins if one.mean_wait_live_s is not None]),
        (
            "called back",
            [(one.mean_wait_callback_s, one.hour) for one in bins if one.mean_wait_callback_s is not None],
        ),
    ):
        if waited:
            longest, hour = max(waited)
            parts.append(f"{duration(longest)} {words} ({_hour(hour)})")
    if not parts:
        return "Nobody was served in this time."
    return f"The longest mean waits of an hour: {', '.join(parts)}."


def _broken_line(
    drawing: Drawing, places: Iterable[tuple[int, float | None]], across: Scale, up: Scale, style: str
) -> None:
    """Draw a line with a mark in the middle of each hour, and a gap where nothing is known."""
    run: list[tuple[float, float]] = []
    runs = [run]
    previous = None
    for hour, value in places:
        if value is None or (previous is not None and hour != previous + 1):
            run = []
            runs.append(run)
        if value is not None:
            run.append((across.at(hour + 0.5), up.at(value / 60)))
        previous = hour
    for points in runs:
        if len(points) > 1:
            drawing.line(points, f"line {style}-line")
    for x, y in (point for points in runs for point in points):
        _dot(drawing, x, y, style)


def _dot(drawing: Drawing, x: float, y: float, style: str) -> None:
    if style == "hold":
        drawing.dot(x, y, 4, "hold-mark")
    else:
        drawing.diamond(x, y, 5.5, "back-mark")


def _minutes_axis(drawing: Drawing, longest_s: float) -> Scale:
    ticks = minute_ticks(longest_s)
    up = Scale(low=0, high=ticks[-1], start=HEIGHT - BOTTOM, end=TOP)
    drawing.text("minutes", 4, 18, "label")
    for tick in ticks:
        y = up.at(tick)
        drawing.line(((LEFT, y), (WIDTH - RIGHT, y)), "axis" if tick == 0 else "grid")
        drawing.text(f"{tick:,g}", LEFT - 8, y + 4, anchor="end")
    return up


def _hours_axis(drawing: Drawing, across: Scale, first: int, last: int, *, y: float = HEIGHT - 12) -> None:
    step = 1 if last - first <= 8 else 2 if last - first <= 14 else 3
    for index, hour in enumerate(range(first, last + 1, step)):
        drawing.text(
            f"{hour}:00",
            across.at(hour),
            y,
            "label fine" if index % 2 else "label",
            anchor=_at_edge(hour, last),
        )


def _at_edge(hour: int, last: int) -> str:
    return "end" if hour == last else "middle"


# ---------------------------------------------------------------------------- the funnel

_STEP_HEIGHT: Final = 52


def funnel(flights: Sequence[Sequence[Step]]) -> Chart:
    """Draw how many came how far: of live calls, and of callbacks. A step is a share of the one before it."""
    known = [
        (kind, words, number, number / before[1] if before is not None and before[1] else None)
        for kind, steps in enumerate(flights)
        for (words, number), before in zip(steps, (None, *steps), strict=False)
    ]
    most = max((number for _, _, number, _ in known), default=0)
    drawing = None
    if most:
        drawing = Drawing(height=_STEP_HEIGHT * len(known) + 6)
        across = Scale(low=0, high=most, start=0, end=WIDTH)
        for index, (kind, words, number, share) in enumerate(known):
            y = index * _STEP_HEIGHT
            of_before = f" ({percent(share, places=0)})" if share is not None else ""
            drawing.text(words, 0, y + 18, "words")
            drawing.text(f"{count(number)}{of_before}", WIDTH, y + 18, "value", anchor="end")
            drawing.bar(0, y + 27, WIDTH, 15, "trough")
            if number:
                drawing.bar(0, y + 27, max(across.at(number), 1.5), 15, "back-fill" if kind else "hold-fill")
    return Chart(
        name="funnel",
        title="From a call to a conversation",
        says=_funnel_said(flights) if most else "Nobody called in this time.",
        drawing=drawing,
        key=(
            ("hold-fill", "live calls"),
            ("back-fill", "callbacks"),
            ("", "in brackets: of the step before"),
        ),
        columns=("Step", "How many", "Of the step before"),
        rows=tuple((words, count(number), percent(share)) for _, words, number, share in known),
    )


def _funnel_said(flights: Sequence[Sequence[Step]]) -> str:
    said: list[str] = []
    for steps in flights:
        if len(steps) > 1 and steps[0][1]:
            (first, of), (last, number) = steps[0], steps[-1]
            said.append(f"{first}: {count(of)}; {last.lower()}: {count(number)}, {percent(number / of)}.")
    return " ".join(said)


# ---------------------------------------------------------------------------- how callbacks ended

_ROW_HEIGHT: Final = 41


def endings(outcomes: Sequence[Step]) -> Chart:
    """Draw what became of all callbacks: the parts add up to them."""
    total = sum(number for _, number in outcomes)
    drawing = None
    if total:
        drawing = Drawing(height=_ROW_HEIGHT * len(outcomes) + 6)
        across = Scale(low=0, high=total, start=0, end=WIDTH)
        for index, (words, number) in enumerate(outcomes):
            y = index * _ROW_HEIGHT
            drawing.text(words, 0, y + 18, "words")
            drawing.text(
                f"{count(number)} ({percent(number / total, places=0)})", WIDTH, y + 18, "value", anchor="end"
            )
            drawing.bar(0, y + 26, WIDTH, 9, "trough")
            if number:
                style = _STYLE_OF_ENDING.get(words, "other-fill")
                drawing.bar(0, y + 26, max(across.at(number), 1.5), 9, style)
    says = "Nobody was promised a callback in this time."
    if total:
        words, number = max(outcomes, key=lambda one: one[1])
        says = f"Of {count(total)} callbacks, {percent(number / total)}: {words.lower()}."
    return Chart(
        name="endings",
        title="What became of the callbacks",
        says=says,
        drawing=drawing,
        columns=("Outcome", "Callbacks", "Of all"),
        rows=tuple(
            (words, count(number), percent(number / total if total else None)) for words, number in outcomes
        ),
    )


# ---------------------------------------------------------------------------- promise against reality


def promises(bins: Sequence[QuoteBin]) -> Chart:
    """Draw how long callers waited against how long they were told; a mark is the larger, the more there were."""
    known = [one for one in bins if one.count]
    drawing = None
    if known:
        drawing = Drawing(height=HEIGHT + 10)
        bottom = HEIGHT + 10 - BOTTOM - 14
        ticks = minute_ticks(max(max(one.mean_quoted_s, one.mean_wait_s) for one in known))
        across = Scale(low=0, high=ticks[-1], start=LEFT, end=WIDTH - RIGHT)
        up = Scale(low=0, high=ticks[-1], start=bottom, end=TOP)
        _equal_axes(drawing, across, up, ticks)
        largest = max(one.count for one in known)
        for one in sorted(known, key=lambda each: -each.count):
            radius = max(4.0, _DOT_MAX * math.sqrt(one.count / largest))
            drawing.dot(across.at(one.mean_quoted_s / 60), up.at(one.mean_wait_s / 60), radius, "back-bubble")
    total, within = sum(one.count for one in known), sum(one.within_range_count for one in known)
    return Chart(
        name="promises",
        title="Promise against reality",
        says=(
            f"Of {count(total)} callbacks to which a wait was quoted,"
            f" {percent(within / total)} waited within the range that they were told."
            if total
            else "No wait was quoted to anybody who has been called back."
        ),
        drawing=drawing,
        columns=("Quoted", "Callbacks", "Mean quoted", "Mean wait", "Within the range"),
        rows=tuple(
            (
                f"{clock(one.quoted_from_s)} to {clock(one.quoted_until_s)}",
                count(one.count),
                clock(one.mean_quoted_s),
                clock(one.mean_wait_s),
                percent(one.within_range_count / one.count),
            )
            for one in known
        ),
    )


def _equal_axes(drawing: Drawing, across: Scale, up: Scale, ticks: Sequence[float]) -> None:
    left, right, bottom, top = across.start, across.end, up.start, up.end
    drawing.area(((left, bottom), (left, top), (right, top)), "late-area")
    drawing.text("waited, minutes", 4, 18)
    drawing.text("told, minutes", right, bottom + 40, anchor="end")
    for tick in ticks:
        x, y = across.at(tick), up.at(tick)
        drawing.line(((left, y), (right, y)), "axis" if tick == 0 else "grid")
        drawing.text(f"{tick:,g}", left - 8, y + 4, anchor="end")
        drawing.text(f"{tick:,g}", x, bottom + 20, anchor="middle")
    drawing.line(((left, bottom), (right, top)), "exact")
    drawing.text("longer than told", left + 12, top + 20, "hint")
    drawing.text("sooner than told", right - 4, bottom - 12, "hint", anchor="end")


# ---------------------------------------------------------------------------- attempts per success


def attempts(bins: Sequence[AttemptBin]) -> Chart:
    """Draw what came of the first, second, third ... attempts."""
    known = [one for one in bins if one.count]
    drawing = None
    if known:
        drawing = Drawing(height=_STEP_HEIGHT * len(known) + 6)
        across = Scale(low=0, high=max(one.count for one in known), start=0, end=WIDTH)
        for index, one in enumerate(known):
            y = index * _STEP_HEIGHT
            drawing.text(f"{_ordinal(one.number)} attempt", 0, y + 18, "words")
            drawing.text(
                f"{count(one.connected_count)} of {count(one.count)} connected",
                WIDTH,
                y + 18,
                "value",
                anchor="end",
            )
            _stack(
                drawing,
                across,
                y + 27,
                (
                    ("back-fill", one.connected_count),
                    ("back-open", one.answered_count - one.connected_count),
                    ("none-open", one.count - one.answered_count),
                ),
            )
    total, connected = sum(one.count for one in known), sum(one.connected_count for one in known)
    says = "Nobody was called back in this time."
    if connected:
        says = f"{count(total / connected)} attempts for each conversation: {count(total)} for {count(connected)}."
    elif total:
        says = f"{count(total)} attempts, and no conversation."
    return Chart(
        name="attempts",
        title="Attempts per success",
        says=says,
        drawing=drawing,
        key=(
            ("back-fill", "connected"),
            ("back-open", "answered, not connected"),
            ("none-open", "not answered"),
        ),
        columns=("Attempt", "How many", "Answered", "Connected", "Connected of them"),
        rows=tuple(
            (
                _ordinal(one.number),
                count(one.count),
                count(one.answered_count),
                count(one.connected_count),
                percent(one.connected_count / one.count),
            )
            for one in known
        ),
    )


def _stack(drawing: Drawing, across: Scale, y: float, pieces: Sequence[tuple[str, int]]) -> None:
    """Draw pieces of a bar, one behind the other."""
    done = 0
    for style, number in pieces:
        if number > 0:
            start, end = across.at(done), across.at(done + number)
            drawing.bar(start + 0.5, y, max(end - start - 1, 1), 15, style)
            done += number


def _ordinal(number: int) -> str:
    ending = "th" if number // 10 % 10 == 1 else _ENDINGS.get(number % 10, "th")
    return f"{number}{ending}"


# ---------------------------------------------------------------------------- first calls and retries by hour


def hours(bins: Sequence[HourBin]) -> Chart:
    """Draw first calls upwards and retries downwards, by the hour in which they began."""
    known = [one for one in bins if one.first_count or one.retries_count]
    drawing = None
    if known:
        drawing = Drawing(height=HEIGHT)
        first, last = known[0].hour, known[-1].hour + 1
        across = Scale(low=first, high=last, start=LEFT, end=WIDTH - RIGHT)
        ups = count_ticks(max(one.first_count for one in known), wanted=3)
        most = max(one.retries_count for one in known)
        downs = [-tick for tick in ups if 0 < tick <= most]
        up = Scale(low=-1.15 * most, high=ups[-1], start=HEIGHT - BOTTOM, end=TOP)
        _two_way_axis(drawing, up, [*downs, *ups])
        _hours_axis(drawing, across, first, last)
        width = across.at(1) - across.at(0)
        for one in known:
            x = across.at(one.hour) + width * 0.14
            _two_way_bar(drawing, up, (x, width * 0.72), one)
        drawing.line(((LEFT, up.at(0)), (WIDTH - RIGHT, up.at(0))), "axis")
    return Chart(
        name="hours",
        title="First calls and retries by hour",
        says=_hours_said(known),
        drawing=drawing,
        key=(
            ("back-fill", "answered"),
            ("back-open", "not answered"),
        ),
        columns=("Hour", "First calls", "Answered", "Retries", "Retries answered"),
        rows=tuple(
            (
                _hour(one.hour),
                count(one.first_count),
                _part(one.first_answered_count, one.first_count),
                count(one.retries_count),
                _part(one.retries_answered_count, one.retries_count),
            )
            for one in known
        ),
    )


def _two_way_axis(drawing: Drawing, up: Scale, ticks: Sequence[float]) -> None:
    drawing.text("first calls up, retries down" if up.low else "first calls", 4, 18)
    for tick in ticks:
        y = up.at(tick)
        if tick:
            drawing.line(((LEFT, y), (WIDTH - RIGHT, y)), "grid")
        drawing.text(f"{abs(tick):,g}", LEFT - 8, y + 4, anchor="end")


def _two_way_bar(drawing: Drawing, up: Scale, across: tuple[float, float], one: HourBin) -> None:
    x, width = across
    zero = up.at(0)
    for answered, number in (
        (one.first_answered_count, one.first_count),
        (-one.retries_answered_count, -one.retries_count),
    ):
        inner, outer = up.at(answered), up.at(number)
        for style, near, far in (("back-fill", zero, inner), ("back-open", inner, outer)):
            if near != far:
                drawing.bar(x, min(near, far), width, abs(far - near), style)


def _hours_said(known: Sequence[HourBin]) -> str:
    first, retries = sum(one.first_count for one in known), sum(one.retries_count for one in known)
    if not first and not retries:
        return "Nobody was called back in this time."
    answered = sum(one.first_answered_count for one in known)
    again = sum(one.retries_answered_count for one in known)
    said = f"{count(first)} first calls, {_part(answered, first)} answered; {count(retries)} retries"
    return f"{said}, {_part(again, retries)} answered." if retries else f"{said}."


def _hour(hour: int) -> str:
    return f"{hour % _HOURS}:00"


def _part(number: int, of: int) -> str:
    return percent(number / of) if of else NOTHING
