"""
The accounts of a fleet, and the checks that hold them against each other: DESIGN's invariants, for several nodes.

What the checkers of a storm and of the outbox and of slots ask of one node holds for several as well. Times in the
history are those of several clocks: the checks see it in true time, as it was committed. That changes no order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any, Final

import attrs

from callbackq.core.history import KEYS, fold
from callbackq.events import AttemptTakenOver, CallbackMerged, CallbackRequested, Event
from callbackq.ids import LegId, QueueName
from callbackq.model import Entity
from callbackq.policy import FixedSeats, QueuePolicy
from callbackq.ports import Transaction
from callbackq.simulation.fleet.network import LATE_MAX
from callbackq.simulation.fleet.plan import TALK_TIME_MAX
from callbackq.simulation.fleet.world import Fleet, Written
from callbackq.simulation.storm_parts import FOLD
from callbackq.simulation.storm_people import ATTEMPTS_MAX
from callbackq.simulation.world import Happened, WorldLine
from callbackq.testing.checkers import (
    ENTRY,
    LOST,
    NUMBER_TWICE,
    Finding,
    dialed_after_hours,
    entries_rewritten,
)
from callbackq.testing.outbox_checkers import END_UNTRUE, UNACCOUNTED, OutboxEvidence, check_outbox
from callbackq.testing.slot_checkers import APART, SlotEvidence, check_slots
from callbackq.testing.storm_checkers import HANGING, StormEvidence, check_storm, legs_called_off
from callbackq.testing.telephony import Carried

_AT_THE_END: Final = (LOST, HANGING, UNACCOUNTED, END_UNTRUE, APART)
TAKEN_OVER_TWICE: Final = "attempt taken over twice"
STUCK_AFTER: Final = 2
_SLACK: Final = timedelta(seconds=30)
_NEW_YORK: Final = "America/New_York"
BOOKED: Final = -1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CREDIT_MAX: Final = timedelta(days=366) * 255.5
_EVERY_DAY: Final = {day: [(time(8), time(21))] for day in range(7)}
"""When one may be called in every state of the United States, for what one has asked for."""


@attrs.frozen(kw_only=True)
class Rows:
    """Every row, as it is at the end."""

    history: Sequence[Event]
    by_key: Mapping[tuple[Entity, str], Any]
    counters: Sequence[Any]

    def of(self, entity: Entity) -> list[Any]:
        """Return the rows of one kind."""
        return [row for (kind, _), row in self.by_key.items() if kind is entity]


def rows_of(fleet: Fleet) -> Rows:
    """Read every row that the history tells of."""
    with fleet.read() as tx:
        history = tx.history.all()
        keys = dict.fromkeys((event.entity, str(getattr(event, KEYS[event.entity]))) for event in history)
        counters = [
            counter
            for policy in fleet.policies
            if policy.slots is not None
            for counter in tx.slots.between(
                policy.queue,
                from_at=fleet.plan.starts_at - timedelta(days=1),
                until_at=fleet.plan.starts_at + timedelta(days=3),
            )
        ]
        return Rows(
            history=history,
            by_key={key: row for key in keys if (row := _row(tx, *key)) is not None},
            counters=counters,
        )


def _row(tx: Transaction, entity: Entity, key: Any) -> Any:
    """Return one row; None if there is none."""
    ways: dict[Entity, Callable[[Any], Any]] = {
        Entity.CALLBACK: tx.callbacks.get,
        Entity.CALL: tx.calls.find,
        Entity.AGENT: tx.agents.find,
        Entity.ATTEMPT: tx.attempts.get,
        Entity.QUEUE: tx.queues.find,
        Entity.BOOKING: tx.bookings.get,
        Entity.OPT_OUT: tx.opt_outs.find,
        Entity.MESSAGE: tx.messages.get,
    }
    return ways[entity](key)


# ---------------------------------------------------------------------------- after every step


def look(tx: Transaction, events: Sequence[Event]) -> list[Finding]:
    """Hold the last event of each record that a transaction tells of against its row, before the commit."""
    last: dict[tuple[Entity, str], dict[str, Any]] = {}
    for event in events:
        told = last.setdefault((event.entity, str(getattr(event, KEYS[event.entity]))), {})
        told.update(attrs.asdict(event, recurse=False))
    findings: list[Finding] = []
    for (entity, key), told in last.items():
        row = _row(tx, entity, key)
        wrong = [
            name
            for name, value in told.items()
            if row is None or (hasattr(row, name) and getattr(row, name) != value)
        ]
        if wrong:
            what = f"the history says otherwise of {', '.join(sorted(wrong))}"
            findings.append(Finding(check=FOLD, what=what, which=key, at=events[-1].at))
    return findings


# ---------------------------------------------------------------------------- at the end


def findings_of(fleet: Fleet, rows: Rows) -> list[Finding]:
    """
    Run every check that holds for several nodes.

    In a world that was left before its end nothing is said of what should have been over by then.
    """
    true = [attrs.evolve(one.event, at=one.at) for one in fleet.written]
    found = [
        *_storm_findings(fleet, rows, true),
        *_entries(rows),
        *_outbox_findings(fleet, rows, true),
        *_slot_findings(fleet, rows, true),
        *_fold_findings(rows),
        *_after_hours(fleet),
        *taken_over_twice(fleet.written),
    ]
    return [one for one in found if fleet.plan.ends_after is None or one.check not in _AT_THE_END]


def _storm_findings(fleet: Fleet, rows: Rows, true: Sequence[Event]) -> Iterable[Finding]:
    """
    Run the checks of a storm.

    Two things are beyond what can be promised. A leg that the network does not hang up, however often it is told, is
    on the line whatever we think of it. And a node that stands still after its last look, and then dials, dials what
    may be wanted no longer: it looks again at once, and hangs up.
    """
    attempts = rows.of(Entity.ATTEMPT)
    looked_up = {row.customer_leg_id: row.connected_at for row in attempts if row.connected_at is not None}
    known: dict[LegId, datetime] = {**looked_up, **fleet.heard}
    beyond: set[str] = {leg_id for leg_id, count in fleet.pbx.stuck.items() if count >= STUCK_AFTER}
    beyond |= fleet.pbx.late
    evidence = StormEvidence(
        carrier=fleet.pbx.log,
        world=[*fleet.crowd.journal.lines(), *_conversations(fleet, known), *_cuts(fleet, known)],
        history=with_booked_apart(true),
        callbacks=rows.of(Entity.CALLBACK),
        ended_at=fleet.clock.now(),
        attempts_max=ATTEMPTS_MAX,
        attempts_max_of={policy.queue: policy.attempts_max for policy in fleet.policies},
        attempts=attempts,
        agents=rows.of(Entity.AGENT),
        told=fleet.rings,
        notices=[],
        alone_max=None,
        calm=False,
        called_off=legs_called_off(true),
    )
    return [
        finding
        for finding in check_storm(evidence).all
        if finding.check != ENTRY
        if not (finding.check == NUMBER_TWICE and beyond.intersection((finding.which, *finding.what.split())))
    ]


def with_booked_apart(history: Iterable[Event]) -> list[Any]:
    """
    Return the history, in which places of bookings have a priority of their own: they are a class of their own.

    A live call of a customer who calls in stands at the booking's place. So it is told by the rank: no priority has
    so much of a head start.
    """
    priorities: dict[str, int] = {}
    told: list[Any] = []
    for event in history:
        said: Any = event
        if event.entity not in (Entity.CALLBACK, Entity.CALL) or not hasattr(said, "ranked_at"):
            told.append(event)
            continue
        key = said.callback_id if event.entity is Entity.CALLBACK else said.call_id
        priorities[key] = getattr(said, "priority", priorities.get(key, 0))
        credit = (said.ranked_at - _EPOCH) / timedelta(microseconds=1) - said.rank
        if credit > _CREDIT_MAX / timedelta(microseconds=1):
            fields = attrs.asdict(event, recurse=False) | {"priority": BOOKED}
            told.append(SimpleNamespace(entity=event.entity, kind=event.kind, **fields))
        elif hasattr(said, "priority"):
            told.append(event)
        else:
            fields = attrs.asdict(event, recurse=False) | {"priority": priorities[key]}
            told.append(SimpleNamespace(entity=event.entity, kind=event.kind, **fields))
    return told


def _entries(rows: Rows) -> list[Finding]:
    """`entered_at` is never rewritten; what it is at first a clock of the fleet has said, which may be ahead."""
    return entries_rewritten(rows.history, callbacks=rows.of(Entity.CALLBACK), world=())


def _conversations(fleet: Fleet, known: Mapping[LegId, datetime]) -> list[WorldLine]:
    """Who was joined, of whom a node could know it. Without a leg where it was a machine: that is called again."""
    return [
        WorldLine(
            at=line.at,
            what=Happened.CONNECTED,
            call_id="",
            number=line.number or "",
            callback_id=line.callback_id,
            leg_id=line.leg_id if line.leg_id in fleet.crowd.persons and line.leg_id in known else None,
            agent_id=line.agent_id,
        )
        for line in fleet.pbx.log
        if line.what is Carried.BRIDGED and line.leg_id is not None
    ]


def _cuts(fleet: Fleet, known: Mapping[LegId, datetime]) -> list[WorldLine]:
    """Which conversations were cut short that were known as such by then, and of whose end nobody was told."""
    return [
        line
        for line in fleet.pbx.cuts
        if line.leg_id is not None
        for since in (known.get(LegId(line.leg_id)),)
        if since is not None and since <= line.at < since + TALK_TIME_MAX - fleet.plan.skew_max
        if fleet.pbx.attempt_of(LegId(line.leg_id)) not in fleet.parted
    ]


def _outbox_findings(fleet: Fleet, rows: Rows, true: Sequence[Event]) -> Iterable[Finding]:
    evidence = OutboxEvidence(
        provider=fleet.provider.lines,
        history=true,
        messages=rows.of(Entity.MESSAGE),
        ended_at=fleet.clock.now() - fleet.plan.skew_max - _SLACK,
        in_flight_max=fleet.longest_stall * 2 + _SLACK,
    )
    return check_outbox(evidence).all


def _slot_findings(fleet: Fleet, rows: Rows, true: Sequence[Event]) -> Iterable[Finding]:
    seats = {policy.queue: _seats(policy) for policy in fleet.policies}
    began_at = fleet.plan.starts_at
    always = [(began_at - timedelta(days=1), began_at + timedelta(days=3))]
    evidence = SlotEvidence(
        history=true,
        callbacks=rows.of(Entity.CALLBACK),
        counters=rows.counters,
        open=dict.fromkeys(seats, always),
        capacity=lambda queue, _at: seats[QueueName(queue)],
    )
    return check_slots(evidence).all


def _seats(policy: QueuePolicy) -> int:
    if policy.slots is None:
        return 0
    assert isinstance(policy.slots.seats, FixedSeats)
    return policy.slots.seats.seats


def _fold_findings(rows: Rows) -> list[Finding]:
    """The history is a second account of every row: folded, it is the row."""
    folded = fold(rows.history)
    return [
        Finding(check=FOLD, what="the history says otherwise", which=key[1], at=None)
        for key, row in rows.by_key.items()
        if folded.get(key) != row
    ]


def _after_hours(fleet: Fleet) -> list[Finding]:
    """
    Nobody is dialed while the clock on their wall forbids it.

    A node knows the time by its own clock, and may stand still between its decision and the dial: so only what is
    forbidden for that long before and after is a finding. Who asks for a call is called, whatever the hour: by the
    clocks of two nodes it may still be the moment in which they ask.
    """
    if all(policy.calling is None for policy in fleet.policies):
        return []
    weeks = {
        line.number: {_NEW_YORK: _EVERY_DAY}
        for line in fleet.pbx.log
        if line.what is Carried.DIALED and line.number is not None
    }
    near = fleet.plan.skew_max + fleet.longest_stall + _SLACK
    asked: defaultdict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for one in fleet.written:
        if isinstance(one.event, CallbackRequested | CallbackMerged):
            asked[one.event.callback_id].append((one.at - near, one.at + near))
    margin = near + LATE_MAX
    found: list[dict[str, Finding]] = []
    for shift in (timedelta(0), -margin, margin):
        carrier = [
            attrs.evolve(line, at=line.at + shift) for line in fleet.pbx.log if line.what is Carried.DIALED
        ]
        found.append({one.which: one for one in dialed_after_hours(carrier, weeks=weeks, asked=asked)})
    return [one for which, one in found[0].items() if which in found[1] and which in found[2]]


def taken_over_twice(written: Iterable[Written]) -> list[Finding]:
    """Whoever takes an attempt over takes it from the node that has it: so each node loses it to one other, once."""
    owner: dict[str, str] = {}
    findings: list[Finding] = []
    for one in written:
        event: Any = one.event
        if event.entity is not Entity.ATTEMPT or not hasattr(event, "node_id"):
            continue
        before = owner.get(event.attempt_id)
        owner[event.attempt_id] = event.node_id
        if isinstance(event, AttemptTakenOver) and event.from_node_id != before:
            what = f"{event.node_id} took it from {event.from_node_id}, while {before} had it"
            findings.append(Finding(check=TAKEN_OVER_TWICE, what=what, which=event.attempt_id, at=one.at))
    return findings
