"""
The plan of a fleet: everything that one world is made of, as data.

A seed draws a plan, and the plan is played (`world`). What is left out of a plan is left out of the world, and the
rest stays as it was: that is what `shrinking` does.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Final

import attrs

from callbackq.policy import (
    CallingPolicy,
    FixedSeats,
    Messages,
    QueuePolicy,
    SlotPolicy,
    Span,
    WeekHours,
)
from callbackq.simulation.storm_parts import draw_ratios
from callbackq.simulation.storm_people import (
    Wisher,
    Worker,
    draw_policies,
    draw_wishers,
    draw_workers,
    seconds,
    some,
)
from callbackq.testing.faults import Fault, Pbx

PEOPLE: Final = 10
"""So many people live in one world, unless told otherwise."""
ASK_FOR: Final = timedelta(minutes=10)
"""So long people come."""
FAULTS_FOR: Final = timedelta(minutes=14)
"""So long things go wrong. After that nothing does any more, and all must come to an end."""
SKEW_MAX: Final = timedelta(minutes=3)
TALK_TIME_MAX: Final = timedelta(minutes=10)
"""After that a conversation is ended, whoever talks. Nobody talks half as long."""
STALL_MAX: Final = timedelta(seconds=90)
_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)


class Ill(enum.StrEnum):
    """What goes wrong at a border of a process: at a call of the store, of the telephony, or of a provider."""

    CRASH = "crash"
    """The process ends, before or after the call."""
    STALL = "stall"
    """The process stands still, before or after the call; everything else goes on."""
    TURN = "turn"
    """Another node steps just then, in the same instant."""
    STORE_GONE = "store_gone"
    """The store cannot be reached for one transaction."""
    LOST_REPLY = "lost_reply"
    """It is committed, and nobody is told."""
    CONFLICT = "conflict"
    """Somebody else was first, says the store; nothing is written."""
    REPORT_ELSEWHERE = "report_elsewhere"
    """A report goes to another node than the one that dialed."""
    REPORT_TO_ALL = "report_to_all"
    """A report goes to every node."""
    SEND_REFUSED = "send_refused"
    """The provider takes a message not, and says so."""
    SEND_FAILS_BEFORE = "send_fails_before"
    """The provider fails, and has not taken it."""
    SEND_FAILS_AFTER = "send_fails_after"
    """The provider fails, and has taken it."""
    RECEIPT_LOST = "receipt_lost"
    """No receipt comes."""
    RECEIPT_TWICE = "receipt_twice"
    """A receipt comes twice, the second time late."""
    UNDELIVERED = "undelivered"
    """The provider took a message, and says later for certain that it did not arrive."""


class Trouble(enum.StrEnum):
    """What befalls one node, or all, at a planned time, and for how long."""

    KILLED = "killed"
    """The process ends; a new one begins when the time is over."""
    GONE = "gone"
    """The process ends, and none comes in its place."""
    CUT_FROM_STORE = "cut_from_store"
    CUT_FROM_PBX = "cut_from_pbx"
    CUT_UNNOTICED = "cut_from_pbx_unnoticed"
    """The same, and the node is told only when the connection is there again."""
    CUT_FROM_BOTH = "cut_from_both"
    PAUSED = "paused"
    """The process stands still at its next border."""
    DEPLOYED = "deployed"
    """A new node begins, and this one is drained."""
    STORE_OUT = "store_out"
    """Nobody reaches the store."""
    NO_AGENTS = "no_agents"
    """All agents go, and come back."""


@attrs.frozen(kw_only=True)
class ProcessPlan:
    """
    One process of the fleet: a node, or a web process that only takes requests.

    Args:
        skew: how far its clock is ahead of true time when the world begins.
        drift_ratio: how much faster than true time it goes; below 0 slower.
        polls_every: how often a node looks whether another process has changed something.
    """

    name: str
    skew: timedelta = timedelta(0)
    drift_ratio: float = 0.0
    polls_every: timedelta = _SECOND
    lease: timedelta | None = None


@attrs.frozen(kw_only=True)
class PersonPlan:
    """
    One person.

    Args:
        wisher: who they are, and what they want.
        asks_again_after: asks for the same a second time, so long after the first; not if None.
        books: takes a seat in a slot.
        opts_out_after: writes that no more messages are wanted, so long after having asked.
    """

    name: str
    wisher: Wisher
    asks_again_after: timedelta | None = None
    books: bool = False
    opts_out_after: timedelta | None = None


@attrs.frozen(kw_only=True)
class Incident:
    """Something that befalls a process, or all, at a time that is planned."""

    at: timedelta
    what: Trouble
    who: str = ""
    length: timedelta = timedelta(0)


class Word(enum.StrEnum):
    """What somebody who knows better says about the callback of a person."""

    CANCEL = "cancel"
    CALL_NOW = "call_now"
    MARK_DONE = "mark_done"
    SETTLE = "settle"
    CORRECT = "correct"
    RESCHEDULE = "reschedule"


@attrs.frozen(kw_only=True)
class Meddling:
    """Somebody who knows better says something about the callback of a person."""

    at: timedelta
    what: Word
    whose: str


@attrs.frozen(kw_only=True)
class FleetPlan:
    """
    Everything that one world is made of.

    Args:
        starts_at: when it begins.
        calm: processes, store and connections hold, and clocks agree.
        ratios: how often chance hits, by kind.
        only: what of it hits, by name; None: as the ratios say.
        faults_for: so long things go wrong.
        ends_after: the world is left there, whatever is still open; None: when nothing is left to happen.
    """

    seed: int
    starts_at: datetime
    calm: bool
    policies: tuple[QueuePolicy, ...]
    nodes: tuple[ProcessPlan, ...]
    webs: tuple[ProcessPlan, ...]
    workers: tuple[Worker, ...]
    people: tuple[PersonPlan, ...]
    incidents: tuple[Incident, ...] = ()
    meddlings: tuple[Meddling, ...] = ()
    ratios: Mapping[str, float] = attrs.field(factory=dict[str, float])
    only: frozenset[str] | None = None
    pbx: Pbx = Pbx.ASTERISK
    faults_for: timedelta = FAULTS_FOR
    ends_after: timedelta | None = None

    @property
    def skew_max(self) -> timedelta:
        """How far two clocks of the fleet may be apart, drift and all."""
        skews = [one.skew for one in (*self.nodes, *self.webs)]
        return max(skews) - min(skews) + _SECOND * 20


def draw_plan(seed: int, *, people: int = PEOPLE) -> FleetPlan:
    """Draw everything that the world of a seed is made of."""
    random = Random(f"fleet {seed}")
    calm = random.random() < 0.1
    starts_at = random.choice(_STARTS)
    policies = tuple(_policy(one, random, starts_at=starts_at) for one in draw_policies(random))
    queues = [policy.queue for policy in policies]
    wishers = draw_wishers(random, count=people, queues=queues, span=ASK_FOR)
    if starts_at != _AT_ANY_HOUR:
        wishers = _in_one_place(wishers)
    nodes = tuple(
        _process(f"node-{index}", random, calm=calm) for index in range(1, random.randint(2, 5) + 1)
    )
    webs = tuple(_process(f"web-{index}", random, calm=calm) for index in range(1, random.randint(1, 2) + 1))
    workers = tuple(draw_workers(random, queues))
    persons = tuple(_person(index, wisher, random) for index, wisher in enumerate(wishers))
    return FleetPlan(
        seed=seed,
        starts_at=starts_at,
        calm=calm,
        policies=policies,
        nodes=nodes,
        webs=webs,
        workers=workers,
        people=persons,
        incidents=() if calm else _incidents(random, nodes, webs),
        meddlings=_meddlings(random, persons),
        ratios=_ratios(random, calm=calm),
        pbx=random.choice(tuple(Pbx)),
    )


_STARTS: Final = (
    datetime(2026, 1, 5, 8, 0, tzinfo=UTC),
    datetime(2026, 1, 5, 8, 0, tzinfo=UTC),
    datetime(2026, 1, 5, 12, 55, tzinfo=UTC),
    datetime(2026, 1, 6, 1, 54, tzinfo=UTC),
)
"""In the last two the hours begin or end in New York while the world lasts: eight and twenty-one o'clock there."""
_AT_ANY_HOUR: Final = _STARTS[0]
ALL_WEEK: Final = WeekHours(zone="UTC", week={day: [Span(time(0), time(0))] for day in range(7)})
_LIVES: Final = (10 * _MINUTE, 20 * _MINUTE)


def _in_one_place(wishers: Sequence[Wisher]) -> list[Wisher]:
    """Let all of them live in New York, so that the hours begin or end for all at once."""
    known: dict[str, str] = {}

    def there(number: str) -> str:
        plain, mark, extension = number.partition(";")
        return known.setdefault(plain, f"+1212555{100 + len(known):04d}") + mark + extension

    return [
        attrs.evolve(wisher, number=there(wisher.number), alternatives=tuple(map(there, wisher.alternatives)))
        for wisher in wishers
    ]


def _policy(policy: QueuePolicy, random: Random, *, starts_at: datetime) -> QueuePolicy:
    """Shorten lives and rests, so that all is over soon; and let there be slots, messages and calling hours."""
    life = random.choice(_LIVES)
    slots = SlotPolicy(
        seats=FixedSeats(seats=random.randint(1, 2)),
        length=random.choice((2, 5)) * _MINUTE,
        lead_min=random.choice((0, 1)) * _MINUTE,
        horizon=15 * _MINUTE,
        hold_time=random.choice((5, 30)) * _SECOND,
        closing_ratio=None,
        remind_before=random.choice((None, 2 * _MINUTE)),
        feed_max=random.choice((0, 60)) * _SECOND,
    )
    messages = Messages(
        quiet_from=None,
        quiet_until=None,
        slip_margin=random.choice((None, 3 * _MINUTE)),
        opt_out_confirmed=random.random() < 0.5,
        rest=5 * _SECOND,
        send_time_max=30 * _SECOND,
        receipt_time_max=5 * _MINUTE,
        uncertain_life=10 * _MINUTE,
        message_life=10 * _MINUTE,
    )
    return attrs.evolve(
        policy,
        callback_life=life,
        talk_time_max=TALK_TIME_MAX,
        calling=None if starts_at == _AT_ANY_HOUR else CallingPolicy(asked_life=timedelta(0)),
        hours=ALL_WEEK,
        slots=slots if random.random() < 0.6 else None,
        messages=messages if random.random() < 0.6 else None,
    )


def _process(name: str, random: Random, *, calm: bool) -> ProcessPlan:
    skew = random.choice((timedelta(0), _SECOND, SKEW_MAX)) * random.uniform(-0.5, 0.5)
    drift = random.choice((0.0, 0.002)) * random.uniform(-1, 1)
    return ProcessPlan(
        name=name,
        skew=timedelta(0) if calm else timedelta(milliseconds=round(skew.total_seconds() * 1000)),
        drift_ratio=0.0 if calm else drift,
        polls_every=random.choice((0.2, 1.0, 2.0)) * _SECOND,
        lease=random.choice((30, 60, 120)) * _SECOND,
    )


def _person(index: int, wisher: Wisher, random: Random) -> PersonPlan:
    scheduled_in = wisher.scheduled_in
    if scheduled_in is not None:
        wisher = attrs.evolve(wisher, scheduled_in=scheduled_in / 4)
    books = random.random() < 0.3
    again = random.choice((timedelta(milliseconds=20), _SECOND, _MINUTE)) * random.random()
    return PersonPlan(
        name=f"person-{index}",
        wisher=wisher,
        asks_again_after=again if random.random() < 0.3 else None,
        books=books,
        opts_out_after=seconds(random, 5, 300) if random.random() < 0.1 else None,
    )


def _meddlings(random: Random, people: Sequence[PersonPlan]) -> tuple[Meddling, ...]:
    if not people:
        return ()
    return tuple(
        Meddling(
            at=seconds(random, 30, FAULTS_FOR.total_seconds()),
            what=some(
                random,
                {
                    Word.CANCEL: 3,
                    Word.CALL_NOW: 3,
                    Word.MARK_DONE: 2,
                    Word.SETTLE: 3,
                    Word.CORRECT: 5,
                    Word.RESCHEDULE: 3,
                },
            ),
            whose=random.choice(people).name,
        )
        for _ in range(random.randint(0, 6))
    )


def _incidents(
    random: Random, nodes: Sequence[ProcessPlan], webs: Sequence[ProcessPlan]
) -> tuple[Incident, ...]:
    found: list[Incident] = []
    for _ in range(random.randint(0, 7)):
        what = random.choice(tuple(Trouble))
        if what in (Trouble.STORE_OUT, Trouble.NO_AGENTS):
            who = ""
        elif what in (Trouble.KILLED, Trouble.PAUSED, Trouble.CUT_FROM_STORE):
            who = random.choice((*nodes, *webs)).name
        else:
            who = random.choice(nodes).name
        found.append(
            Incident(
                at=seconds(random, 1, FAULTS_FOR.total_seconds() - 60),
                what=what,
                who=who,
                length=seconds(random, 0.1, random.choice((3, 60, 180))),
            )
        )
    return tuple(sorted(found, key=lambda one: one.at))


def _ratios(random: Random, *, calm: bool) -> dict[str, float]:
    """Draw how often chance hits: in about half of the worlds never, of each kind."""
    ratios = {str(fault): ratio for fault, ratio in draw_ratios(random, calm=calm).items()}
    for never in (Fault.OUTAGE, Fault.OUTAGE_UNNOTICED):
        ratios.pop(str(never), None)
    ratios[Fault.HANG_UP_FAILS] = min(ratios.get(Fault.HANG_UP_FAILS, 0.0), 0.3)
    for kind in Ill:
        ratios[kind] = random.choice((0.0, _MOST[kind] * random.random()))
    if calm:
        for kind in _HARD:
            ratios[kind] = 0.0
    return {kind: ratio for kind, ratio in ratios.items() if ratio > 0}


_MOST: Final[Mapping[Ill, float]] = {
    Ill.CRASH: 0.004,
    Ill.STALL: 0.02,
    Ill.TURN: 0.1,
    Ill.STORE_GONE: 0.01,
    Ill.LOST_REPLY: 0.02,
    Ill.CONFLICT: 0.02,
    Ill.SEND_REFUSED: 0.3,
    Ill.SEND_FAILS_BEFORE: 0.3,
    Ill.SEND_FAILS_AFTER: 0.3,
    Ill.RECEIPT_LOST: 0.3,
    Ill.RECEIPT_TWICE: 0.3,
    Ill.UNDELIVERED: 0.3,
    Ill.REPORT_ELSEWHERE: 0.8,
    Ill.REPORT_TO_ALL: 0.3,
}
_HARD: Final = (Ill.CRASH, Ill.STALL, Ill.STORE_GONE, Ill.LOST_REPLY, Ill.CONFLICT)
