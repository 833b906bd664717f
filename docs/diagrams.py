"""
The pictures of these pages, drawn from the tables of the code.

Where a box stands and where a line runs is placed by hand, here. Which lines there are and what stands beside
them is read from `core.lifecycle.TRANSITIONS`, and from trying every rule and deadline of `core.attempt`. A pair
of states that the code joins and this file has no line for is an error: place it.

The pictures are self-contained SVG. They bring their own background, so they can be read on a light and on a dark
page. `generate.py` writes them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from html import escape
from itertools import product

import attrs

from callbackq import (
    DEFAULT_TENANT,
    AnsweredBy,
    Attempt,
    AttemptState,
    CallbackService,
    Cause,
    Commit,
    Dial,
    Dispatcher,
    Disposition,
    Effect,
    MemoryStore,
    QueuePolicy,
    Report,
    ReportKind,
)
from callbackq.core import attempt as rules
from callbackq.core.lifecycle import TRANSITIONS
from callbackq.core.ordering import rank
from callbackq.testing import START, ManualClock

# ---------------------------------------------------------------------------- what the code does


@dataclass(frozen=True)
class Move:
    """One way of an attempt from one state to the next: by a report, by a deadline, or called off."""

    before: AttemptState
    why: str
    answered_by: AnsweredBy | None
    after: AttemptState
    effects: tuple[str, ...]
    key: object
    """Its key in RULES or in DEADLINES; None if it was called off."""


CALLED_OFF = "called off"


@cache
def attempt_moves() -> tuple[Move, ...]:
    """Try every report and every deadline on every attempt that can be reached from a new one."""
    first, context = new_attempt()
    moves: dict[Move, None] = {}
    seen, waiting = {_shape(first)}, [first]
    while waiting:
        before = waiting.pop()
        for why, answered_by, key, decision in _decisions(before, context):
            for after in decision.records:
                assert isinstance(after, Attempt)
                effects = tuple(sorted({_effect_words(effect, before) for effect in decision.effects}))
                moves[Move(before.state, why, answered_by, after.state, effects, key)] = None
                if _shape(after) not in seen:
                    seen.add(_shape(after))
                    waiting.append(after)
    return tuple(moves)


@cache
def new_attempt() -> tuple[Attempt, rules.Context]:
    """Return an attempt that has just started, and what its rules look at."""
    store, clock, policy = MemoryStore(), ManualClock(), QueuePolicy(queue="support")
    service = CallbackService(store, [policy], clock=clock)
    receipt = service.request("support", number="+12125550101")
    service.agent_available("ann", queues=["support"])
    (dial,) = Dispatcher(service).step(clock.now())
    assert isinstance(dial, Dial)
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        callback = tx.callbacks.get(receipt.callback_id)
        context = rules.Context(
            callback=callback, subject=tx.subjects.get(callback.subject_id), policy=policy, now=clock.now()
        )
        return tx.attempts.get(dial.attempt_id), context


def _shape(attempt: Attempt) -> object:
    """What the rules can tell apart: not when things happened, nor how often."""
    return attrs.evolve(attempt, version=1, due_at=None, connected_at=None, ended_at=None)


def _decisions(
    before: Attempt, context: rules.Context
) -> Iterator[tuple[str, AnsweredBy | None, object, rules.Decision]]:
    legs = ((before.agent_leg_id, "agent"), (before.customer_leg_id, "customer"))
    for (leg_id, role), kind in product(legs, ReportKind):
        for cause in Cause if kind is ReportKind.ENDED else [Cause.UNKNOWN]:
            for answered_by in AnsweredBy if kind is ReportKind.ANSWERED else [AnsweredBy.UNKNOWN]:
                said = Report(leg_id=leg_id, kind=kind, cause=cause, answered_by=answered_by)
                who = "customer" if kind is ReportKind.BRIDGED else role
                asked = answered_by if kind is ReportKind.ANSWERED else None
                key = (before.state, who, kind)
                why = str(kind) if kind is ReportKind.BRIDGED else f"{who} {kind}"
                yield why, asked, key, rules.report(before, said, context)
    if before.due_reason is not None:
        yield before.due_reason, None, before.due_reason, rules.deadline(before, context)
    if before.state in {AttemptState.INTENDED, AttemptState.AGENT_ON_LINE, AttemptState.JOINING}:
        yield CALLED_OFF, None, None, rules.call_off(before, Disposition.CANCELLED_BY_US, context)


def _effect_words(effect: Effect, attempt: Attempt) -> str:
    words = {"Dial": "dial", "Bridge": "bridge", "HangUp": "hang up"}[type(effect).__name__]
    leg_id = getattr(effect, "leg_id", None)
    return f"{words} {'agent' if leg_id == attempt.agent_leg_id else 'customer'}" if leg_id else words


def attempt_moves_in_order() -> list[Move]:
    """Return the moves as the tables of the code have them: reports, then deadlines, then called off."""
    order = [*rules.RULES, *rules.DEADLINES, None]
    return sorted(attempt_moves(), key=lambda move: order.index(move.key))


@cache
def attempt_labels() -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Return what stands beside the line from one state of an attempt to another, or in its box."""
    who: dict[tuple[str, str, str], set[AnsweredBy]] = defaultdict(set)
    for move in attempt_moves_in_order():
        who[move.before, move.after, move.why].update([move.answered_by] if move.answered_by else [])
    labels: dict[tuple[str, str], list[str]] = {}
    for (before, after, why), answered_by in who.items():
        elsewhere = any(a != after and b == before and w == why for b, a, w in who)
        only = ", ".join(sorted(answered_by))
        label = f"{why} ({only})" if elsewhere and only else why
        labels.setdefault((before, after), []).append(label)
    return {pair: tuple(lines) for pair, lines in labels.items()}


@cache
def callback_labels() -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Return the commands that take a callback from one state to another."""
    labels: dict[tuple[str, str], tuple[str, ...]] = {}
    for (before, command), after in TRANSITIONS.items():
        pair = (before or BEGIN, str(after))
        labels[pair] = (*labels.get(pair, ()), str(command))
    return labels


# ---------------------------------------------------------------------------- boxes and lines

BEGIN = ""
LABEL_PX, LETTER_PX, LINE_PX = 12, 7.25, 15
"""The labels are monospaced, so how wide they are is known: at most `LETTER_PX` for each letter."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A state."""

    x: float
    y: float
    width: float = 132
    height: float = 56


@dataclass(frozen=True)
class Line:
    """How to get from one state to another, and where the labels stand."""

    points: tuple[Point, ...]
    at: Point
    """The middle of the left end of the first label; of the right end, with `from_right`."""
    from_right: bool = False


@dataclass(frozen=True)
class Text:
    """One line of text as drawn, with the room that it takes."""

    text: str
    x: float
    y: float
    style: str = "label"
    from_right: bool = False
    centered: bool = False

    @property
    def room(self) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom."""
        width = len(self.text) * LETTER_PX
        left = self.x - width * (1 if self.from_right else 0.5 if self.centered else 0)
        return left, self.y - LABEL_PX * 0.6, left + width, self.y + LABEL_PX * 0.6


@dataclass
class Picture:
    """What is drawn. The tests look at this, and not at the text of the SVG."""

    title: str
    width: int
    height: int
    boxes: Mapping[str, Box]
    lines: list[Sequence[Point]] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    dots: list[Point] = field(default_factory=list)
    rings: list[Point] = field(default_factory=list)
    grid: list[tuple[Point, Point]] = field(default_factory=list)


def _picture(
    title: str,
    size: tuple[int, int],
    boxes: Mapping[str, Box],
    lines: Mapping[tuple[str, str], Line],
    labels: Mapping[tuple[str, str], Sequence[str]],
    *,
    inside: Iterable[str] = (),
    deadlines: Iterable[str] = (),
) -> Picture:
    picture = Picture(title, *size, boxes)
    timed = set(deadlines)
    kept: dict[str, Sequence[str]] = {pair[0]: names for pair, names in labels.items() if pair[0] == pair[1]}
    for pair, names in labels.items():
        if pair[0] == pair[1] and pair[0] in set(inside):
            continue
        if pair not in lines:
            raise KeyError(f"{title}: no line is placed from {pair[0] or 'the beginning'} to {pair[1]}")
        line = lines[pair]
        picture.lines.append(line.points)
        if pair[0] == BEGIN:
            picture.dots.append(line.points[0])
        for number, name in enumerate(names):
            style = "time" if name in timed else "off" if name == CALLED_OFF else "label"
            y = line.at[1] + number * LINE_PX
            picture.texts.append(Text(name, line.at[0], y, style, from_right=line.from_right))
    for name, box in boxes.items():
        stays = kept.get(name, ())
        top = box.y + box.height / 2 - (len(stays) + bool(stays)) * LINE_PX / 2
        middle = box.x + box.width / 2
        picture.texts.append(Text(name.upper(), middle, top, "state", centered=True))
        for number, label in enumerate(["stays on", *stays] if stays else []):
            style = "hint" if number == 0 else "time" if label in timed else "label"
            y = top + (number + 1) * LINE_PX + 3
            picture.texts.append(Text(label, middle, y, style, centered=True))
    return picture


def callback_picture() -> Picture:
    """The life of a callback, from `core.lifecycle.TRANSITIONS`."""
    boxes = {
        "scheduled": Box(24, 54, height=80),
        "held": Box(150, 252, height=80),
        "waiting": Box(320, 54, height=128),
        "resting": Box(480, 252, height=80),
        "attempting": Box(620, 54, height=128),
        "ended": Box(24, 416, width=742, height=44),
    }
    lines = {
        (BEGIN, "scheduled"): Line(((90, 16), (90, 54)), (98, 32)),
        (BEGIN, "waiting"): Line(((386, 16), (386, 54)), (394, 32)),
        ("scheduled", "waiting"): Line(((156, 94), (320, 94)), (216, 84)),
        ("scheduled", "ended"): Line(((90, 134), (90, 416)), (98, 356)),
        ("waiting", "attempting"): Line(((452, 80), (620, 80)), (510, 70)),
        ("attempting", "waiting"): Line(((620, 106), (452, 106)), (504, 96)),
        ("waiting", "held"): Line(((346, 182), (346, 292), (282, 292)), (298, 282)),
        ("held", "waiting"): Line(((216, 252), (216, 150), (320, 150)), (240, 162)),
        ("waiting", "ended"): Line(((400, 182), (400, 416)), (408, 356)),
        ("attempting", "resting"): Line(((646, 182), (646, 292), (612, 292)), (654, 240)),
        ("resting", "waiting"): Line(((546, 252), (546, 150), (452, 150)), (496, 162)),
        ("resting", "ended"): Line(((546, 332), (546, 416)), (554, 356)),
        ("held", "ended"): Line(((216, 332), (216, 416)), (224, 356)),
        ("attempting", "ended"): Line(((700, 182), (700, 416)), (708, 356)),
    }
    return _picture("The life of a callback", (790, 480), boxes, lines, callback_labels(), inside=boxes)


def attempt_picture() -> Picture:
    """The life of an attempt, from trying `core.attempt.RULES` and `DEADLINES`."""
    width = 172
    boxes = {
        "intended": Box(112, 50, width, 74),
        "agent_on_line": Box(112, 196, width, 74),
        "joining": Box(112, 374, width, 56),
        "connected": Box(112, 502, width, 56),
        "ending": Box(586, 50, width, 508),
        "ended": Box(112, 634, width, 56),
    }
    left, middle, right, far = 112, 198, 284, 586
    lines = {
        (BEGIN, "intended"): Line(((middle, 12), (middle, 50)), (206, 26)),
        ("intended", "agent_on_line"): Line(((middle, 124), (middle, 196)), (206, 158)),
        ("agent_on_line", "joining"): Line(((middle, 270), (middle, 374)), (206, 308)),
        ("joining", "connected"): Line(((middle, 430), (middle, 502)), (206, 466)),
        ("intended", "ending"): Line(((right, 87), (far, 87)), (330, 87)),
        ("agent_on_line", "ending"): Line(((right, 233), (far, 233)), (330, 233)),
        ("joining", "ending"): Line(((right, 402), (far, 402)), (330, 402)),
        ("connected", "ending"): Line(((right, 530), (far, 530)), (330, 530)),
        ("ending", "ended"): Line(((672, 558), (672, 662), (right, 662)), (330, 603)),
        ("intended", "ended"): Line(
            ((left, 87), (92, 87), (92, 662), (left, 662)), (84, 350), from_right=True
        ),
    }
    labels = {(BEGIN, "intended"): ("started",), **attempt_labels()}
    lines = _around_the_line(lines, labels)
    picture = _picture(
        "The life of an attempt, agent first",
        (782, 748),
        boxes,
        lines,
        labels,
        inside=boxes,
        deadlines=rules.DEADLINES,
    )
    legend = (
        (112, "a report", "label"),
        (240, "a deadline", "time"),
        (382, "called off: cancelled, or no agent", "off"),
    )
    picture.texts += [Text(text, x, 726, style) for x, text, style in legend]
    return picture


def _around_the_line(
    lines: Mapping[tuple[str, str], Line], labels: Mapping[tuple[str, str], Sequence[str]]
) -> dict[tuple[str, str], Line]:
    """Put the labels of the level lines above them, so that the last one stands close."""
    placed = dict(lines)
    for pair, line in lines.items():
        level = len(line.points) == 2 and line.points[0][1] == line.points[1][1]
        if level and pair in labels:
            y = line.points[0][1] - 11 - (len(labels[pair]) - 1) * LINE_PX
            placed[pair] = Line(line.points, (line.at[0], y))
    return placed


# ---------------------------------------------------------------------------- the order of a line


@dataclass(frozen=True)
class Place:
    """Somebody in line, for the picture of the order."""

    name: str
    priority: int
    entered_at: datetime


PLACES = tuple(
    Place(name, priority, datetime(2026, 1, 5, 8, minute, tzinfo=UTC))
    for name, priority, minute in (("Ann", 5, 0), ("Bob", 2, 10), ("Eve", 1, 20))
)
AGEING = QueuePolicy(queue="support", priority_credit=timedelta(minutes=4))
STRICT = QueuePolicy(queue="support")


def order(policy: QueuePolicy) -> list[str]:
    """Return who is served first, second and third under *policy*."""
    by_rank = sorted(PLACES, key=lambda p: rank(p.entered_at, priority=p.priority, policy=policy))
    return [place.name for place in by_rank]


def order_picture() -> Picture:
    """Three places, their credits, and what becomes of their order; from `core.ordering.rank`."""
    picture = Picture("Rank is the time of entry, less a credit for priority", 776, 256, {})
    base = max(place.priority for place in PLACES)
    zero = rank(PLACES[0].entered_at, priority=base, policy=AGEING)

    def x_of(microseconds: int) -> float:
        return 270 + microseconds / 60_000_000 * 21

    for minute in range(-5, 25, 5):
        x = x_of(minute * 60_000_000)
        picture.grid.append(((x, 34), (x, 186)))
        at = START + timedelta(minutes=minute)
        picture.texts.append(Text(at.strftime("%H:%M"), x, 20, "hint", centered=True))
    ranks = order(AGEING)
    for number, place in enumerate(PLACES):
        y = 62 + number * 48
        entered = x_of((place.entered_at - PLACES[0].entered_at) // timedelta(microseconds=1))
        ranked = x_of(rank(place.entered_at, priority=place.priority, policy=AGEING) - zero)
        picture.texts.append(Text(f"{place.name}, priority {place.priority}", 16, y))
        picture.rings.append((entered, y))
        if ranked < entered:
            picture.lines.append(((entered - 6, y), (ranked + 5, y)))
            credit = (base - place.priority) * AGEING.priority_credit // timedelta(minutes=1)
            picture.texts.append(
                Text(f"{credit} min of credit", (entered + ranked) / 2, y - 12, centered=True)
            )
        picture.dots.append((ranked, y))
        served = ("first", "second", "third")[ranks.index(place.name)]
        picture.texts.append(Text(served, ranked, y + 16, "time", centered=True))
    picture.texts += [
        Text(f"ageing, 4 min a step:      {', '.join(ranks)}", 16, 212),
        Text(f"strict, 366 days a step:   {', '.join(order(STRICT))}", 16, 234),
        Text("ring: entered_at    dot: rank, against priority 5", 400, 212, "hint"),
    ]
    return picture


# ---------------------------------------------------------------------------- SVG

_MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_STYLE = f"""
.page {{ fill: #ffffff; stroke: #d0d7de }}
.box {{ fill: #eef4fb; stroke: #4a6fa5; stroke-width: 1.5 }}
.line {{ fill: none; stroke: #57606a; stroke-width: 1.3 }}
.head, .dot {{ fill: #57606a }}
.ring {{ fill: none; stroke: #57606a; stroke-width: 1.5 }}
.grid {{ stroke: #d8dee4; stroke-width: 1 }}
text {{ font: {LABEL_PX}px {_MONO}; fill: #24292f }}
.state {{ font-weight: 700; fill: #1f3a5f }}
.time {{ fill: #953800; font-style: italic }}
.off {{ fill: #6639ba }}
.hint {{ fill: #6e7781 }}
@media (prefers-color-scheme: dark) {{
  .page {{ fill: #161b22; stroke: #30363d }}
  .box {{ fill: #1f2d42; stroke: #79a7e3 }}
  .line, .ring {{ stroke: #9da7b3 }}
  .head, .dot {{ fill: #9da7b3 }}
  .grid {{ stroke: #30363d }}
  text {{ fill: #e6edf3 }}
  .state {{ fill: #cfe3ff }}
  .time {{ fill: #ffa657 }}
  .off {{ fill: #d2a8ff }}
  .hint {{ fill: #9198a1 }}
}}
""".strip()
_ROUND = 9.0


def svg(picture: Picture) -> str:
    """Return the picture as the text of an SVG file."""
    width, height = picture.width, picture.height
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img">',
        f"<title>{escape(picture.title)}</title>",
        f"<style>\n{_STYLE}\n</style>",
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8"'
        ' orient="auto"><path class="head" d="M0 1 L10 5 L0 9 z"/></marker></defs>',
        f'<rect class="page" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>',
    ]
    for (x1, y1), (x2, y2) in picture.grid:
        parts.append(f'<path class="grid" d="M{x1:g} {y1:g} L{x2:g} {y2:g}"/>')
    parts += [
        f'<rect class="box" x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="9"/>'
        for box in picture.boxes.values()
    ]
    parts += [f'<path class="line" d="{_path(points)}" marker-end="url(#head)"/>' for points in picture.lines]
    parts += [f'<circle class="dot" cx="{x:g}" cy="{y:g}" r="4.5"/>' for x, y in picture.dots]
    parts += [f'<circle class="ring" cx="{x:g}" cy="{y:g}" r="5"/>' for x, y in picture.rings]
    for text in picture.texts:
        anchor = "middle" if text.centered else "end" if text.from_right else "start"
        parts.append(
            f'<text class="{text.style}" x="{text.x:g}" y="{text.y:g}" dy="0.35em" text-anchor="{anchor}"'
            f' xml:space="preserve">{escape(text.text)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _path(points: Sequence[Point]) -> str:
    """Return a line through *points* with rounded corners."""
    steps = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        into, out = _toward(corner, before), _toward(corner, after)
        steps.append(f"L{into[0]:g} {into[1]:g} Q{corner[0]:g} {corner[1]:g} {out[0]:g} {out[1]:g}")
    return " ".join([*steps, f"L{points[-1][0]:g} {points[-1][1]:g}"])


def _toward(corner: Point, other: Point) -> Point:
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    part = _ROUND / max(abs(dx), abs(dy))
    return corner[0] + dx * part, corner[1] + dy * part


def pictures() -> dict[str, Picture]:
    """Return every picture by the name of its file."""
    return {
        "callback.svg": callback_picture(),
        "attempt.svg": attempt_picture(),
        "order.svg": order_picture(),
    }
