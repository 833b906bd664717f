"""
The pictures of these pages, drawn from the tables of the code.

Where a box stands and where a line runs is placed by hand, here. Which lines there are and what stands beside
them is read from `core.lifecycle.TRANSITIONS`, and from trying every rule and deadline of `core.attempt` in every
mode. A pair of states that the code joins and this file has no line for is an error: place it.

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
    Bridge,
    CallbackService,
    Cause,
    Commit,
    Dial,
    Dispatcher,
    Disposition,
    Effect,
    HangUp,
    MemoryStore,
    Mode,
    QueuePolicy,
    Report,
    ReportKind,
)
from callbackq.core import attempt as rules
from callbackq.core import legs
from callbackq.core.lifecycle import TRANSITIONS
from callbackq.core.ordering import rank
from callbackq.effects import LookUp, Play, ReserveAgent, StopPlay
from callbackq.ids import AgentId
from callbackq.model import DueReason, LegState
from callbackq.policy import Confirm
from callbackq.testing import START, ManualClock

# ---------------------------------------------------------------------------- what the code does


@dataclass(frozen=True)
class Move:
    """One way of an attempt from one state to the next: by a report, by a deadline, or at a word."""

    before: AttemptState
    why: str
    answered_by: AnsweredBy | None
    given: str
    """What else decides where it leads, as words; empty if nothing does."""
    after: AttemptState
    effects: tuple[str, ...]
    key: object
    """Its key in RULES or in DEADLINES; None if somebody said so."""


CALLED_OFF = "called off"
AT_A_WORD = (CALLED_OFF, "agent left", "agent found")
OF_BOTH = (ReportKind.BRIDGED, ReportKind.UNBRIDGED)
WHO_ANSWERED = (ReportKind.ANSWERED, ReportKind.DETECTED)
UNTIL = ("agent_until_at", "customer_until_at")
KEYS = "1239"
"""Three that mean something, and one that does not."""


@cache
def attempt_moves() -> tuple[Move, ...]:
    """Try every report and deadline on every attempt that can be reached from a new one, in every mode."""
    moves: dict[Move, None] = {}
    for mode, confirm in product(Mode, Confirm):
        first, context = new_attempt(QueuePolicy(queue="support", mode=mode, confirm=confirm))
        seen, waiting = {_shape(first)}, [first]
        while waiting:
            before = waiting.pop()
            for tried, decision in _decisions(before, context):
                for after in decision.records:
                    assert isinstance(after, Attempt)
                    effects = tuple(sorted({_effect_words(effect, before) for effect in decision.effects}))
                    moves[Move(before.state, *tried[:3], after.state, effects, tried[3])] = None
                    if _shape(after) not in seen:
                        seen.add(_shape(after))
                        waiting.append(after)
    return tuple(moves)


@cache
def new_attempt(policy: QueuePolicy | None = None) -> tuple[Attempt, rules.Context]:
    """Return an attempt that has just started, and what its rules look at."""
    store, clock, policy = MemoryStore(), ManualClock(), policy or QueuePolicy(queue="support")
    service = CallbackService(store, [policy], clock=clock)
    receipt = service.request("support", number="+12125550101")
    service.agent_available("ann", queues=["support"])
    dialed = [effect for effect in Dispatcher(service).step(clock.now()) if isinstance(effect, Dial)]
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        callback = tx.callbacks.get(receipt.callback_id)
        context = rules.Context(
            callback=callback, subject=tx.subjects.get(callback.subject_id), policy=policy, now=clock.now()
        )
        return tx.attempts.get(dialed[0].attempt_id), context


def _shape(attempt: Attempt) -> object:
    """What the rules can tell apart: not when things happened, nor how often."""
    times = ("customer_answered_at", "connected_at", "ended_at", "due_at")
    until = {name: getattr(attempt, name) and START for name in UNTIL}
    rung = min(attempt.agents_rung_count, 1)
    return attrs.evolve(attempt, version=1, agents_rung_count=rung, **until, **dict.fromkeys(times))


Tried = tuple[str, AnsweredBy | None, str, object]


def _decisions(before: Attempt, context: rules.Context) -> Iterator[tuple[Tried, rules.Decision]]:
    for said in _reports(before):
        role = str(legs.role_of(before, said.leg_id))
        who = "customer" if said.kind in OF_BOTH else role
        why = str(said.kind) if said.kind in OF_BOTH else f"{who} {said.kind}"
        by = said.answered_by if said.kind in WHO_ANSWERED and role == "customer" else None
        given = _given(before, said, role, context)
        yield (why, by, given, (before.state, who, said.kind)), rules.report(before, said, context)
    for reason in _deadlines(before):
        at_that = attrs.evolve(before, due_reason=reason)
        yield (str(reason), None, "", reason), rules.deadline(at_that, context)
    if rules.may_call_off(before):
        called_off = rules.call_off(before, Disposition.CANCELLED_BY_US, context)
        yield (CALLED_OFF, None, "", None), called_off
    if rules.wants_agent(before):
        yield ("agent found", None, "", None), rules.found_agent(before, AgentId("bob"), context)
    yield ("agent left", None, "", None), rules.agent_left(before, context)


def _reports(before: Attempt) -> Iterator[Report]:
    for leg_id, kind in product((legs.agent_leg_id(before), before.customer_leg_id), ReportKind):
        for cause in Cause if kind is ReportKind.ENDED else [Cause.UNKNOWN]:
            for answered_by in AnsweredBy if kind in WHO_ANSWERED else [AnsweredBy.UNKNOWN]:
                for digits in KEYS if kind is ReportKind.DIGIT else [None]:
                    yield Report(
                        leg_id=leg_id, kind=kind, cause=cause, answered_by=answered_by, digits=digits
                    )


def _deadlines(before: Attempt) -> list[DueReason]:
    """Return every clock that can be the first one: that of either leg, however long its times are."""
    alone = (
        attrs.evolve(before, **{name: None})
        for name, other in (UNTIL, UNTIL[::-1])
        if getattr(before, other) is not None
    )
    reasons = {before.due_reason, *(legs.clocked(one).due_reason for one in alone)}
    return [reason for reason in DueReason if reason in reasons]


def _given(before: Attempt, said: Report, role: str, context: rules.Context) -> str:
    machine = said.answered_by in {AnsweredBy.MACHINE, AnsweredBy.FAX}
    alone = not legs.is_live(before.agent_leg)
    match role, said.kind:
        case "customer", ReportKind.ANSWERED:
            return str(said.answered_by) if machine else ""
        case "customer", ReportKind.DETECTED:
            return str(said.answered_by)
        case "customer", ReportKind.DIGIT:
            return str(context.policy.confirm_keys.get(said.digits or "", "another"))
        case "customer", ReportKind.ENDED if rules.may_call_off(before):
            return "no agent" if alone else "agent rung"
        case "agent", ReportKind.ENDED if before.state is AttemptState.CONFIRMING:
            return "had accepted" if before.agent_leg is LegState.ANSWERED else "declined"
        case _:
            return ""


_EFFECTS = {
    Dial: "dial",
    HangUp: "hang up",
    Play: "play to",
    StopPlay: "stop playing to",
    ReserveAgent: "reserve",
    Bridge: "bridge",
    LookUp: "look up",
}


def _effect_words(effect: Effect, attempt: Attempt) -> str:
    words = _EFFECTS[type(effect)]
    if isinstance(effect, ReserveAgent):
        return f"{words} agent"
    leg_id = getattr(effect, "leg_id", None)
    return f"{words} {legs.role_of(attempt, leg_id)}" if leg_id else words


def attempt_moves_in_order() -> list[Move]:
    """Return the moves as the tables of the code have them: reports, then deadlines, then what is said."""
    order = [*rules.RULES, *rules.DEADLINES, None]
    said = ["", *AT_A_WORD]
    return sorted(
        attempt_moves(), key=lambda move: (order.index(move.key), said.index("" if move.key else move.why))
    )


@cache
def attempt_labels() -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Return what stands beside the line from one state of an attempt to another, or in its box."""
    given: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for move in attempt_moves_in_order():
        given[move.before, move.after, move.why].add(move.given)
    labels: dict[tuple[str, str], list[str]] = {}
    for (before, after, why), words in given.items():
        others = [its for (b, a, w), its in given.items() if (b, w) == (before, why) and a != after]
        only = ", ".join(sorted(words - {""}))
        told = only and any(its != words for its in others)
        labels.setdefault((before, after), []).append(f"{why} ({only})" if told else why)
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
            style = "time" if name in timed else "off" if name in AT_A_WORD else "label"
            y = line.at[1] + number * LINE_PX
            picture.texts.append(Text(name, line.at[0], y, style, from_right=line.from_right))
    for name, box in boxes.items():
        stays = kept.get(name, ())
        top = box.y + box.height / 2 - (len(stays) + bool(stays)) * LINE_PX / 2
        middle = box.x + box.width / 2
        picture.texts.append(Text(name.upper(), middle, top, "state", centered=True))
        for number, label in enumerate(["stays on", *stays] if stays else []):
            style = "hint" if number == 0 else "time" if label in timed else "label"
            style = "off" if label in AT_A_WORD else style
            y = top + (number + 1) * LINE_PX + 3
            picture.texts.append(Text(label, middle, y, style, centered=True))
    return picture


def callback_picture() -> Picture:
    """The life of a callback, from `core.lifecycle.TRANSITIONS`."""
    boxes = {
        "scheduled": Box(24, 54, height=150),
        "held": Box(150, 286, height=124),
        "waiting": Box(320, 54, height=170),
        "resting": Box(480, 300, height=110),
        "attempting": Box(620, 54, height=170),
        "ended": Box(24, 534, width=742, height=84),
    }
    lines = {
        (BEGIN, "scheduled"): Line(((90, 16), (90, 54)), (98, 32)),
        (BEGIN, "waiting"): Line(((386, 16), (386, 54)), (394, 32)),
        ("scheduled", "waiting"): Line(((156, 94), (320, 94)), (216, 84)),
        ("scheduled", "ended"): Line(((70, 204), (70, 534)), (78, 446)),
        ("waiting", "scheduled"): Line(((320, 126), (156, 126)), (202, 116)),
        ("held", "scheduled"): Line(((150, 330), (100, 330), (100, 204)), (108, 284)),
        ("resting", "scheduled"): Line(((500, 300), (500, 262), (138, 262), (138, 204)), (412, 252)),
        ("waiting", "attempting"): Line(((452, 80), (620, 80)), (510, 70)),
        ("attempting", "waiting"): Line(((620, 106), (452, 106)), (504, 96)),
        ("waiting", "held"): Line(((346, 224), (346, 355), (282, 355)), (298, 345)),
        ("held", "waiting"): Line(((216, 286), (216, 190), (320, 190)), (240, 202)),
        ("waiting", "ended"): Line(((400, 224), (400, 534)), (408, 446)),
        ("attempting", "resting"): Line(((634, 224), (634, 355), (612, 355)), (642, 290)),
        ("attempting", "held"): Line(((680, 224), (680, 428), (262, 428), (262, 410)), (688, 290)),
        ("held", "attempting"): Line(
            ((282, 396), (312, 396), (312, 418), (742, 418), (742, 224)), (750, 344)
        ),
        ("resting", "waiting"): Line(((546, 300), (546, 190), (452, 190)), (496, 202)),
        ("resting", "ended"): Line(((510, 410), (510, 534)), (518, 446)),
        ("held", "ended"): Line(((216, 410), (216, 534)), (224, 446)),
        ("attempting", "ended"): Line(((726, 224), (726, 534)), (734, 446)),
        ("ended", "resting"): Line(((596, 534), (596, 410)), (604, 510)),
        ("ended", "held"): Line(((170, 534), (170, 410)), (164, 514), from_right=True),
    }
    return _picture("The life of a callback", (806, 640), boxes, lines, callback_labels(), inside=boxes)


def attempt_picture() -> Picture:
    """The life of an attempt, from trying `core.attempt.RULES` and `DEADLINES`."""
    left, right, far = 336, 536, 824
    width, down, lane = right - left, left + 16, right + 14
    boxes = {
        "intended": Box(left, 50, width, 142),
        "agent_on_line": Box(left, 252, width, 66),
        "confirming": Box(left, 368, width, 176),
        "customer_on_line": Box(left, 608, width, 142),
        "joining": Box(left, 800, width, 66),
        "connected": Box(left, 916, width, 56),
        "ending": Box(far, 50, 168, 922),
        "ended": Box(16, 50, 80, 922),
    }
    lines = {
        (BEGIN, "intended"): Line(((436, 12), (436, 50)), (444, 26)),
        ("intended", "agent_on_line"): Line(((down, 192), (down, 252)), (down + 8, 222)),
        ("agent_on_line", "confirming"): Line(((down, 318), (down, 368)), (down + 8, 343)),
        ("confirming", "customer_on_line"): Line(((down, 544), (down, 608)), (down + 8, 568)),
        ("customer_on_line", "joining"): Line(((down, 750), (down, 800)), (down + 8, 775)),
        ("joining", "connected"): Line(((down, 866), (down, 916)), (down + 8, 891)),
        # Past one or two states: to the right, and to the left.
        ("intended", "confirming"): Line(
            ((right, 168), (lane, 168), (lane, 390), (right, 390)), (lane + 8, 202)
        ),
        ("confirming", "joining"): Line(
            ((right, 524), (lane, 524), (lane, 820), (right, 820)), (lane + 8, 562)
        ),
        ("intended", "customer_on_line"): Line(
            ((left, 168), (left - 20, 168), (left - 20, 630), (left, 630)), (left - 28, 222), from_right=True
        ),
        ("agent_on_line", "joining"): Line(
            ((left, 294), (left - 38, 294), (left - 38, 820), (left, 820)), (left - 46, 340), from_right=True
        ),
        # To the right, where the legs are hung up.
        **{
            (state, "ending"): Line(((right, y), (far, y)), (right + 44, y))
            for state, y in (
                ("intended", 134),
                ("agent_on_line", 306),
                ("confirming", 478),
                ("customer_on_line", 690),
                ("joining", 852),
                ("connected", 952),
            )
        },
        # To the left, where no leg is left.
        ("intended", "ended"): Line(((left, 120), (96, 120)), (106, 120)),
        ("confirming", "ended"): Line(((left, 456), (96, 456)), (106, 456)),
        ("customer_on_line", "ended"): Line(((left, 690), (96, 690)), (106, 690)),
        ("ending", "ended"): Line(((908, 972), (908, 1052), (56, 1052), (56, 972)), (down + 8, 992)),
    }
    labels = {(BEGIN, "intended"): ("started",), **attempt_labels()}
    lines = _around_the_line(lines, labels)
    picture = _picture(
        "The life of an attempt",
        (1008, 1104),
        boxes,
        lines,
        labels,
        inside=boxes,
        deadlines=rules.DEADLINES,
    )
    legend = (
        (106, "a report", "label"),
        (234, "a deadline", "time"),
        (376, "a word: called off; an agent went away, or was found", "off"),
    )
    picture.texts += [Text(text, x, 1082, style) for x, text, style in legend]
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
