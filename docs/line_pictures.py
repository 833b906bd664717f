"""
The pictures of the pages on order and on estimates: who stands where, who passes whom, and what a quote is worth.

Each picture is drawn from a run of the code, or from the line in virtual time of `callbackq.simulation`, with a fixed
seed; only the last one shows figures of a log that is no part of the project. Where a thing stands on the page is
placed by hand, here. The pictures are self-contained SVG in the colours of `diagrams.py`. `generate.py` writes them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from heapq import heappop, heappush
from html import escape
from itertools import islice
from random import Random
from statistics import fmean

from diagrams import _STYLE, AGEING, PLACES, STRICT, Place, Point, Text

from callbackq import DEFAULT_TENANT, CallId, CallState, Commit, MemoryStore, QueuePolicy
from callbackq.core.estimate import QueueLength, QueueLengthMarkov
from callbackq.core.ordering import rank
from callbackq.model import Ahead, Callback, EstimateFacts, Rates, Wait
from callbackq.simulation.baselines import Discipline, Turn, serve
from callbackq.simulation.line_model import MINUTE_US, Outcome, draw_newcomers, keep_place, overtakes
from callbackq.testing import VirtualHost

# ---------------------------------------------------------------------------- what is drawn on


@dataclass(frozen=True)
class Bar:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    style: str
    round: float = 0


@dataclass(frozen=True)
class Stroke:
    """A line through points; filled if its style says so."""

    points: Sequence[Point]
    style: str


@dataclass
class Drawing:
    """What is drawn, from the back to the front. The tests look at this, and not at the text of the SVG."""

    title: str
    width: int
    height: int
    areas: list[Stroke] = field(default_factory=list)
    grid: list[Stroke] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    dots: list[tuple[Point, str]] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)

    def text(self, words: str, x: float, y: float, style: str = "label", *, at: str = "left") -> None:
        """Write words with their left end, middle or right end at *x*."""
        self.texts.append(Text(words, x, y, style, from_right=at == "right", centered=at == "middle"))

    def rule(self, start: Point, end: Point, style: str = "grid") -> None:
        """Draw a straight line behind all else."""
        self.grid.append(Stroke((start, end), style))


_MARKS = """
.one { fill: #2f6db5 }
.two { fill: #c2570c }
.three { fill: #6e7781 }
.line-one, .line-two, .line-three { fill: none; stroke-width: 2.2 }
.line-one { stroke: #2f6db5 }
.line-two { stroke: #c2570c; stroke-dasharray: 7 3 }
.line-three { stroke: #6e7781; stroke-dasharray: 2 3 }
.band { fill: #2f6db5; fill-opacity: 0.14 }
.axis { stroke: #57606a; stroke-width: 1 }
.mark { stroke: #57606a; stroke-width: 1.2; stroke-dasharray: 4 3 }
.live { fill: #eef4fb; stroke: #4a6fa5; stroke-width: 1.5 }
.promise { fill: #fdf1e4; stroke: #c2570c; stroke-width: 1.8; stroke-dasharray: 5 3 }
.head-line { font-weight: 700 }
.text-one { fill: #1f5a9e }
.text-two { fill: #953800 }
@media (prefers-color-scheme: dark) {
  .one { fill: #79a7e3 }
  .two { fill: #ffa657 }
  .three { fill: #9198a1 }
  .line-one { stroke: #79a7e3 }
  .line-two { stroke: #ffa657 }
  .line-three { stroke: #9198a1 }
  .band { fill: #79a7e3; fill-opacity: 0.2 }
  .axis, .mark { stroke: #9da7b3 }
  .live { fill: #1f2d42; stroke: #79a7e3 }
  .promise { fill: #3a2a1a; stroke: #ffa657 }
  .text-one { fill: #a5c8f5 }
  .text-two { fill: #ffa657 }
}
""".strip()


def svg(drawing: Drawing) -> str:
    """Return the drawing as the text of an SVG file."""
    width, height = drawing.width, drawing.height
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img">',
        f"<title>{escape(drawing.title)}</title>",
        f"<style>\n{_STYLE}\n{_MARKS}\n</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>',
    ]
    parts += [f'<path class="{it.style}" d="{_path(it.points)} Z"/>' for it in drawing.areas]
    parts += [f'<path class="{it.style}" d="{_path(it.points)}"/>' for it in drawing.grid]
    parts += [
        f'<rect class="{bar.style}" x="{bar.x:.4g}" y="{bar.y:.4g}" width="{bar.width:.4g}"'
        f' height="{bar.height:.4g}" rx="{bar.round:g}"/>'
        for bar in drawing.bars
    ]
    parts += [f'<path class="{it.style}" d="{_path(it.points)}"/>' for it in drawing.strokes]
    parts += [f'<circle class="{style}" cx="{x:.4g}" cy="{y:.4g}" r="4"/>' for (x, y), style in drawing.dots]
    for text in drawing.texts:
        anchor = "middle" if text.centered else "end" if text.from_right else "start"
        parts.append(
            f'<text class="{text.style}" x="{text.x:.4g}" y="{text.y:.4g}" dy="0.35em" text-anchor="{anchor}"'
            f' xml:space="preserve">{escape(text.text)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _path(points: Sequence[Point]) -> str:
    return "M" + " L".join(f"{x:.4g} {y:.4g}" for x, y in points)


def _clock(seconds: float) -> str:
    """
    Return a duration as people read it.

    >>> _clock(48.2), _clock(133)
    ('48 s', '2:13 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} min" if minutes else f"{rest} s"


# ---------------------------------------------------------------------------- one line, and a place that stays


@dataclass(frozen=True)
class Moment:
    """The line after something happened: (who, whether as a callback), the first to be served first."""

    at: datetime
    what: str
    line: tuple[tuple[str, bool], ...]
    left: tuple[tuple[str, str], ...]
    """Who is in line no more since the moment before, and why."""


@cache
def moments() -> tuple[Moment, ...]:
    """Let four callers wait, and one of them hang up for a callback; from a run of the engine."""
    host = VirtualHost(MemoryStore(), [QueuePolicy(queue="support")])
    service, promised = host.service, ""
    found: list[Moment] = []

    def now(what: str) -> None:
        host.run_for(timedelta(0))
        places = service.line("support")
        line = tuple((str(place.call_id), isinstance(place, Callback)) for place in places)
        before = found[-1].line if found else ()
        names = {name for name, _ in line}
        left = tuple((name, why(name)) for name, _ in before if name not in names)
        found.append(Moment(host.clock.now(), what, line, left))

    def why(name: str) -> str:
        with service.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            call = tx.calls.get(CallId(name))
        if call.callback_id is not None:
            return "called back"
        return "served" if call.state is CallState.TAKEN else "gave up"

    def wait(minutes: int) -> None:
        host.run_for(timedelta(minutes=minutes))

    service.agent_available("agent", queues=["support"])
    service.call_joined("support", call_id="before")
    for name in ("Ann", "Bob", "Cat", "Dan"):
        wait(1)
        service.call_joined("support", call_id=name)
    now("four callers wait on the line")
    wait(2)
    promised = service.request("support", call_id="Bob", number="+12125550101").callback_id
    now("Bob takes a callback, and hangs up")
    wait(1)
    service.call_left("Dan")
    service.call_joined("support", call_id="Eve")
    now("Dan gives up, and Eve joins")
    wait(2)
    service.call_left("before")
    now("an agent is free: Ann is next")
    wait(4)
    service.call_left("Ann")
    now("an agent is free: Bob is next")
    assert service.get(promised).attempt_id is not None
    return tuple(found)


_ORDINALS = ("first", "second", "third", "fourth")


def place_picture() -> Drawing:
    """Draw the line at five moments: a caller hangs up, and the place stays."""
    column, box, pitch, top = 110, (96, 40), 76, 44
    drawing = Drawing("A caller hangs up, and the place in line stays", 776, top + 5 * pitch + 24)

    def x_of(index: int) -> float:
        return 376 + index * column

    for index, word in enumerate(_ORDINALS):
        drawing.text(word, x_of(index), 24, "hint", at="middle")
    before: dict[str, Point] = {}
    for number, moment in enumerate(moments()):
        y = top + number * pitch
        drawing.text(f"{moment.at:%H:%M}", 16, y + 12, "state")
        drawing.text(moment.what, 16, y + 29)
        here: dict[str, Point] = {}
        for index, (name, called_back) in enumerate(moment.line):
            x = x_of(index)
            style = "promise" if called_back else "live"
            drawing.bars.append(Bar(x - box[0] / 2, y, *box, style, round=20 if called_back else 6))
            drawing.text(name, x, y + 13, "head-line", at="middle")
            drawing.text("callback" if called_back else "on the line", x, y + 28, "hint", at="middle")
            here[name] = (x, y + box[1])
            if name in before:
                drawing.strokes.append(
                    Stroke((before[name], (x, y)), "line" if name != "Bob" else "line-two")
                )
        for name, words in moment.left:
            drawing.text(words, before[name][0], before[name][1] + 12, "time", at="middle")
        before = here
    drawing.text(
        "square: on the line      round: a callback; nobody is on the line", 16, drawing.height - 16, "hint"
    )
    return drawing


# ---------------------------------------------------------------------------- rank over time

_LINES = ("line-three", "line-two", "line-one")
_DOTS = ("three", "two", "one")


def _standing(place: Place, policy: QueuePolicy, at: datetime) -> timedelta:
    """Return the head start of a place over the lowest priority drawn, and how long it has waited: now less rank."""
    microsecond = timedelta(microseconds=1)
    base = max(one.priority for one in PLACES)
    zero = rank(at, priority=base, policy=policy)
    return (zero - rank(place.entered_at, priority=place.priority, policy=policy)) * microsecond


def rank_picture() -> Drawing:
    """Draw how three places rise, under ageing and under strict priority: none ever crosses another."""
    drawing = Drawing("Head start and time waited: ageing, and strict", 776, 404)
    _ageing_panel(drawing, left=52, bottom=336)
    _strict_panel(drawing, left=482, bottom=336)
    drawing.text(
        "The highest line is served first. All rise alike, so no line ever crosses another.", 16, 384
    )
    return drawing


_SINCE = min(place.entered_at for place in PLACES)
_UNTIL = _SINCE + timedelta(minutes=30)


def _minutes(value: timedelta) -> float:
    return value / timedelta(minutes=1)


def _clock_axis(drawing: Drawing, *, x_of: Callable[[datetime], float], top: float, bottom: float) -> None:
    for minute in (0, 10, 20, 30):
        at = _SINCE + timedelta(minutes=minute)
        drawing.rule((x_of(at), top), (x_of(at), bottom))
        drawing.text(f"{at:%H:%M}", x_of(at), bottom + 16, "hint", at="middle")


def _by_standing(policy: QueuePolicy) -> list[str]:
    return [one.name for one in sorted(PLACES, key=lambda one: _standing(one, policy, _UNTIL), reverse=True)]


def _ageing_panel(drawing: Drawing, *, left: float, bottom: float) -> None:
    scale = 7.9

    def x_of(at: datetime) -> float:
        return left + _minutes(at - _SINCE) * scale

    def y_of(minutes: float) -> float:
        return bottom - minutes * scale

    drawing.text("ageing: a step is worth 4 minutes", left, 24, "head-line")
    drawing.text("minutes of head start and waiting", left, 42, "hint")
    _clock_axis(drawing, x_of=x_of, top=y_of(34), bottom=bottom)
    for minutes in (0, 10, 20, 30):
        drawing.rule((left, y_of(minutes)), (x_of(_UNTIL), y_of(minutes)))
        drawing.text(str(minutes), left - 8, y_of(minutes), "hint", at="right")
    order = _by_standing(AGEING)
    for place, line, dot in zip(PLACES, _LINES, _DOTS, strict=True):
        start = _minutes(_standing(place, AGEING, place.entered_at))
        end = _minutes(_standing(place, AGEING, _UNTIL))
        x, y = x_of(place.entered_at), y_of(start)
        drawing.strokes.append(Stroke(((x, y), (x_of(_UNTIL), y_of(end))), line))
        drawing.dots.append(((x, y), dot))
        turn = order.index(place.name)
        words = f"{_ORDINALS[turn]}: {place.name}, priority {place.priority}"
        drawing.text(words, x_of(_UNTIL) + 8, y_of(end), "time")
        if turn == 0:
            drawing.text(f"+{start:g} min", x - 6, y - 12, at="right")
        else:
            drawing.text(f"+{start:g} min", x + (14 if start else 20), y + (6 if start else -3))


def _strict_panel(drawing: Drawing, *, left: float, bottom: float) -> None:
    across, up, band = 6.2, 2.0, 94

    def x_of(at: datetime) -> float:
        return left + _minutes(at - _SINCE) * across

    drawing.text("strict: a step is worth 366 days", left, 24, "head-line")
    _clock_axis(drawing, x_of=x_of, top=bottom - 3 * band + 4, bottom=bottom)
    order = _by_standing(STRICT)
    for place, line, dot in zip(PLACES, _LINES, _DOTS, strict=True):
        turn = order.index(place.name)
        start = _standing(place, STRICT, place.entered_at)
        floor = bottom - (len(PLACES) - 1 - turn) * band
        drawing.rule((left, floor), (x_of(_UNTIL), floor), "mark" if start else "grid")
        x, end = x_of(place.entered_at), _minutes(_UNTIL - place.entered_at) * up
        drawing.strokes.append(Stroke(((x, floor - 6), (x_of(_UNTIL), floor - 6 - end)), line))
        drawing.dots.append(((x, floor - 6), dot))
        drawing.text(f"{_ORDINALS[turn]}: {place.name}", x_of(_UNTIL) + 8, floor - 6 - end, "time")
        head = f"+{start.days:,} days" if start else "+0 days"
        drawing.text(f"{place.name}, priority {place.priority}: {head}", left + 4, floor - 82)


# ---------------------------------------------------------------------------- fairness


@dataclass(frozen=True)
class Group:
    """What became of the live callers who were served, or of the callbacks."""

    wait_s: float
    passed_ratio: float
    passed_mean: float
    passed_most: int


@dataclass(frozen=True)
class Fairness:
    """One way to serve a line."""

    live: Group
    callbacks: Group
    gave_up_ratio: float


FAIRNESS_CALLERS = 200_000
FAIRNESS_AGENTS = 10
FAIRNESS_CALLS_PER_MIN = 1.9
FAIRNESS_TALK_MIN = 5.0
FAIRNESS_PATIENCE_MIN = 10.0
FAIRNESS_ACCEPT = 0.37


@cache
def fairness() -> dict[Discipline, Fairness]:
    """Serve the same callers by entry, callbacks first, and callbacks last. Takes some seconds."""
    drawn = draw_newcomers(
        arrivals_per_min=FAIRNESS_CALLS_PER_MIN,
        service_mean_min=FAIRNESS_TALK_MIN,
        patience_mean_min=FAIRNESS_PATIENCE_MIN,
        accept_ratio=FAIRNESS_ACCEPT,
        random=Random("fairness"),
    )
    people = list(islice(drawn, FAIRNESS_CALLERS))
    return {
        discipline: _fairness(serve(people, agents=FAIRNESS_AGENTS, discipline=discipline))
        for discipline in Discipline
    }


def _fairness(turns: Sequence[Turn]) -> Fairness:
    passed = overtakes(
        joined_us=[turn.newcomer.joins_us for turn in turns],
        ended_us=[turn.ends_us for turn in turns],
        served=[turn.outcome is not Outcome.ABANDONED for turn in turns],
    )

    def group(outcome: Outcome) -> Group:
        those = [(turn, count) for turn, count in zip(turns, passed, strict=True) if turn.outcome is outcome]
        return Group(
            wait_s=fmean(turn.wait_us for turn, _ in those) / 1e6,
            passed_ratio=fmean(count > 0 for _, count in those),
            passed_mean=fmean(count for _, count in those),
            passed_most=max(count for _, count in those),
        )

    return Fairness(
        live=group(Outcome.SERVED_LIVE),
        callbacks=group(Outcome.CALLED_BACK),
        gave_up_ratio=fmean(turn.outcome is Outcome.ABANDONED for turn in turns),
    )


_DISCIPLINES = {
    Discipline.BY_ENTRY: "keep place",
    Discipline.CALLBACKS_FIRST: "callbacks first",
    Discipline.CALLBACKS_LAST: "callbacks last",
}


def fairness_picture() -> Drawing:
    """Draw who waits how long, and who is passed, in three ways to serve the same callers."""
    pitch, top = 84, 66
    drawing = Drawing("Keep place, callbacks first, callbacks last: who waits, and who is passed", 776, 356)
    bars, shares = 214, 500
    drawing.text("mean wait of those who were served", bars, 24, "head-line")
    drawing.text("passed by a later one", shares, 24, "head-line")
    longest = max(one.callbacks.wait_s for one in fairness().values())
    for number, (discipline, name) in enumerate(_DISCIPLINES.items()):
        found, y = fairness()[discipline], top + number * pitch
        drawing.text(name, 16, y, "state")
        drawing.text(f"{found.gave_up_ratio:.1%} give up".replace("%", " %"), 16, y + 20, "hint")
        for row, (kind, group, style) in enumerate(
            (("live", found.live, "one"), ("callback", found.callbacks, "two"))
        ):
            at = y + row * 28
            width = max(group.wait_s / longest * 190, 1)
            drawing.text(kind, bars - 8, at, "hint", at="right")
            drawing.bars.append(Bar(bars, at - 9, width, 18, style))
            drawing.text(_clock(group.wait_s), bars + width + 8, at)
            share = group.passed_ratio * 110
            if group.passed_most:
                drawing.bars.append(Bar(shares, at - 9, share, 18, style))
            most = f"{group.passed_ratio:.0%}, up to {group.passed_most} times".replace("%", " %")
            drawing.text(most if group.passed_most else "nobody", shares + share + 8, at)
    for x in (bars, shares):
        drawing.rule((x, 44), (x, top + 2 * pitch + 44), "axis")
    drawing.text(
        f"{FAIRNESS_CALLERS:,} simulated callers, {FAIRNESS_CALLS_PER_MIN} a minute; {FAIRNESS_AGENTS} agents;"
        f" calls of {FAIRNESS_TALK_MIN:g} min;",
        16,
        top + 3 * pitch + 2,
        "hint",
    )
    drawing.text(
        f"patience of {FAIRNESS_PATIENCE_MIN:g} min; {FAIRNESS_ACCEPT:.0%} of those who must wait".replace(
            "%", " %"
        )
        + " take a callback. Times are means.",
        16,
        top + 3 * pitch + 20,
        "hint",
    )
    return drawing


# ---------------------------------------------------------------------------- estimate and truth

BUSY_AGENTS = 10
BUSY_TALK_S = 300.0
BUSY_PATIENCE_S = 300.0
BUSY_CALLS_PER_MIN = 2.8
BUSY_CALLERS = 200_000
BUSY_AHEAD_MAX = 15
BUSY_SEEN_MIN = 100


def quoted(ahead: int) -> tuple[Wait, Wait]:
    """Return what QL and QLm say in the busy center of the picture."""
    facts = EstimateFacts(
        ahead=Ahead(calls=ahead),
        agents=BUSY_AGENTS,
        rates=Rates(handle_time_s=BUSY_TALK_S, patience_rate=1 / BUSY_PATIENCE_S),
    )
    ql, qlm = QueueLength().estimate(facts), QueueLengthMarkov().estimate(facts)
    assert ql is not None
    assert qlm is not None
    return ql, qlm


@cache
def came() -> dict[int, list[float]]:
    """Return, by how many waited ahead, the seconds until each place came up; of 200,000 simulated callers."""
    drawn = draw_newcomers(
        arrivals_per_min=BUSY_CALLS_PER_MIN,
        service_mean_min=BUSY_TALK_S / 60,
        patience_mean_min=BUSY_PATIENCE_S / 60,
        accept_ratio=0.0,
        random=Random("estimate"),
    )
    waiting: list[int] = []
    found: defaultdict[int, list[float]] = defaultdict(list)
    for passage in keep_place(islice(drawn, BUSY_CALLERS), agents=BUSY_AGENTS):
        while waiting and waiting[0] <= passage.newcomer.joins_us:
            heappop(waiting)
        if passage.free_in_us > 0:
            found[len(waiting)].append(passage.free_in_us / MINUTE_US * 60)
        heappush(waiting, passage.ends_us)
    return dict(found)


def within_ratio() -> float:
    """Return the share of all waits that lay in the range that QLm gives."""
    inside = total = 0
    for ahead, waits in came().items():
        _, qlm = quoted(ahead)
        assert qlm.low_s is not None
        assert qlm.high_s is not None
        inside += sum(qlm.low_s <= wait <= qlm.high_s for wait in waits)
        total += len(waits)
    return inside / total


def estimate_picture() -> Drawing:
    """Draw the two estimates by the number ahead, against the waits that came."""
    drawing = Drawing("Estimated wait by places ahead, and the wait that came", 776, 416)
    left, right, top, bottom, minutes_most = 64, 528, 44, 336, 8.5

    def x_of(ahead: float) -> float:
        return left + ahead / BUSY_AHEAD_MAX * (right - left)

    def y_of(seconds: float) -> float:
        return bottom - seconds / 60 / minutes_most * (bottom - top)

    drawing.text("minutes until the place comes up", 16, 24, "hint")
    for minutes in range(0, math.ceil(minutes_most), 2):
        drawing.rule((left, y_of(minutes * 60)), (right, y_of(minutes * 60)))
        drawing.text(str(minutes), left - 10, y_of(minutes * 60), "hint", at="right")
    for ahead in range(0, BUSY_AHEAD_MAX + 1, 5):
        drawing.text(str(ahead), x_of(ahead), bottom + 16, "hint", at="middle")
    drawing.text("places ahead", (left + right) / 2, bottom + 34, "hint", at="middle")
    both = [quoted(ahead) for ahead in range(BUSY_AHEAD_MAX + 1)]
    lows = [(x_of(ahead), y_of(qlm.low_s or 0)) for ahead, (_, qlm) in enumerate(both)]
    highs = [(x_of(ahead), y_of(qlm.high_s or 0)) for ahead, (_, qlm) in enumerate(both)]
    drawing.areas.append(Stroke((*lows, *reversed(highs)), "band"))
    ql_points = [(x_of(ahead), y_of(ql.mean_s or 0)) for ahead, (ql, _) in enumerate(both)]
    qlm_points = [(x_of(ahead), y_of(qlm.mean_s or 0)) for ahead, (_, qlm) in enumerate(both)]
    drawing.strokes += [Stroke(ql_points, "line-two"), Stroke(qlm_points, "line-one")]
    for ahead, waits in sorted(came().items()):
        if len(waits) >= BUSY_SEEN_MIN and ahead <= BUSY_AHEAD_MAX:
            drawing.dots.append(((x_of(ahead), y_of(fmean(waits))), "dot"))
    ql, qlm = both[-1]
    x = right + 12
    drawing.text("QL says", x, y_of(ql.mean_s or 0), "text-two")
    drawing.text(_clock(ql.mean_s or 0), x, y_of(ql.mean_s or 0) + 16, "text-two")
    drawing.text("QLm says", x, y_of(qlm.mean_s or 0), "text-one")
    drawing.text(_clock(qlm.mean_s or 0), x, y_of(qlm.mean_s or 0) + 16, "text-one")
    last = fmean(came()[BUSY_AHEAD_MAX])
    percent = f"{within_ratio():.0%}".replace("%", " %")
    y = y_of(qlm.mean_s or 0)
    for line, words in enumerate(
        (
            "dots: the waits that came,",
            f"on average; {_clock(last)}",
            "shaded: the range of QLm;",
            f"{percent} of the waits lay in it",
        )
    ):
        drawing.text(words, x, y + 42 + 16 * line + 8 * (line > 1))
    drawing.text(
        f"{BUSY_CALLERS:,} simulated callers, {BUSY_CALLS_PER_MIN} a minute; {BUSY_AGENTS} agents; calls of"
        f" {BUSY_TALK_S / 60:g} min; patience of {BUSY_PATIENCE_S / 60:g} min.",
        16,
        drawing.height - 16,
        "hint",
    )
    return drawing


# ---------------------------------------------------------------------------- estimates on a real log

REAL_MONTHS = {"January, 13,297 calls": 0, "August, 16,876 calls": 1}
REAL_ERRORS = {
    "QL": (92.6, 146.2),
    "QL by rank": (82.1, 128.9),
    "LES": (78.0, 124.4),
    "QLm": (73.3, 110.3),
    "HOL": (73.0, 121.6),
    "QLm by rank": (68.2, 103.7),
}
REAL_CONSTANT = (66.4, 119.5)
"""
Root mean square errors in seconds, over the calls that queued and were served, without the internet desk.

Computed for this project from the call log "Anonymous Bank", Technion, 1999 (I. Guedj and A. Mandelbaum, 2000; see
Brown et al., JASA 100, 2005), which is no part of it. The constant is the best that can be said without looking at
the line: always the month's own mean, known only afterwards.
"""


def real_picture() -> Drawing:
    """Draw how far each estimate was from what came, in two months of a real center."""
    drawing = Drawing("Errors of the estimates in two months of a real center", 776, 308)
    pitch, top, scale = 30, 76, 1.55
    ordered = sorted(REAL_ERRORS, key=lambda name: -REAL_ERRORS[name][1])
    for name, month in REAL_MONTHS.items():
        left = 126 + month * 334
        drawing.text(name, left, 24, "head-line")
        constant = left + REAL_CONSTANT[month] * scale
        values = left + max(errors[month] for errors in REAL_ERRORS.values()) * scale + 46
        drawing.rule((constant, 54), (constant, top + len(ordered) * pitch - 14), "mark")
        drawing.text(f"always the mean: {REAL_CONSTANT[month]:.0f} s", constant, 44, "hint", at="middle")
        for row, estimator in enumerate(ordered):
            error, y = REAL_ERRORS[estimator][month], top + row * pitch
            style = "two" if estimator == "QL" else "one" if estimator == "QLm by rank" else "three"
            drawing.bars.append(Bar(left, y - 9, error * scale, 18, style))
            drawing.text(f"{error:.0f} s", values, y, at="right")
            if not month:
                drawing.text(estimator, left - 10, y, at="right")
    drawing.text("Root mean square error of what would have been quoted, against what came.", 16, 272, "hint")
    drawing.text(
        'Data: "Anonymous Bank" call log, 1999, Technion (I. Guedj and A. Mandelbaum, 2000).', 16, 290, "hint"
    )
    return drawing


def drawings() -> dict[str, Drawing]:
    """Return every drawing by the name of its file."""
    return {
        "place.svg": place_picture(),
        "rank.svg": rank_picture(),
        "fairness.svg": fairness_picture(),
        "estimate.svg": estimate_picture(),
        "real-errors.svg": real_picture(),
    }
