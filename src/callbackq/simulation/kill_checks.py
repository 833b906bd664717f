"""
What is found when a world of kills is over: the rows and the history against the accounts of those who were not killed.

The carrier's log, the provider's account and the people's own receipts are kept by the process that nobody kills. The
checkers are those of `callbackq.testing`, which share no code with the engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from callbackq.core.history import fold
from callbackq.ids import DEFAULT_TENANT, AgentId, LegId, QueueName
from callbackq.model import Entity
from callbackq.ports import Commit, Transaction
from callbackq.simulation.kill_node import SEATS
from callbackq.simulation.kill_people import People
from callbackq.simulation.kill_world import KillWorld
from callbackq.simulation.storm_parts import FOLD
from callbackq.simulation.world import Happened, WorldLine
from callbackq.testing.checkers import Finding
from callbackq.testing.clock import START
from callbackq.testing.outbox_checkers import OutboxEvidence, check_outbox
from callbackq.testing.slot_checkers import SlotEvidence, check_slots
from callbackq.testing.storm_checkers import StormEvidence, check_storm, legs_called_off
from callbackq.testing.telephony import Carried

NOBODYS: Final = "callback that nobody was promised"
UNKEPT: Final = "cancelled, and dialed afterwards"
NO_TICKET: Final = "promise without its ticket"
HELD: Final = "seat held for ever"
CHAIN: Final = "history that does not verify"
_TALKS_AT_MOST: Final = timedelta(minutes=25)
_ALWAYS: Final = [(START - timedelta(days=1), START + timedelta(days=2))]
_BOOKED, _SERVED_ELSEWHERE = -1, -2
"""Classes of places that no priority of the policies has."""


@attrs.frozen(kw_only=True)
class Rows:
    """Everything that stands in the store when all is over."""

    history: Sequence[Any]
    records: dict[tuple[Entity, str], Any]
    counters: Sequence[Any]
    agents: Sequence[Any]
    chain_problems: int

    def of(self, entity: Entity) -> list[Any]:
        """Return the rows of one kind."""
        return [row for (kind, _), row in self.records.items() if kind is entity]


def read_rows(world: KillWorld, people: People) -> Rows:
    """Read the store, as whoever opens it next finds it."""
    with (
        closing(world.place.open()) as store,
        store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx,
    ):
        history = tx.history.all()
        keys = fold(history).keys()
        slots = [
            count
            for policy in world.policies
            for count in tx.slots.between(
                policy.queue,
                from_at=world.clock.now() - timedelta(days=1),
                until_at=world.clock.now() + timedelta(days=1),
            )
        ]
        found = (tx.agents.find(AgentId(worker.agent_id)) for worker in people.workers)
        return Rows(
            history=history,
            records={(entity, key): _record(tx, entity, key) for entity, key in keys},
            counters=slots,
            agents=[agent for agent in found if agent is not None],
            chain_problems=_chain_problems(tx),
        )


def _record(tx: Transaction, entity: Entity, key: str) -> Any:
    if entity is Entity.QUEUE:
        return tx.queues.find(QueueName(key))
    if entity is Entity.OPT_OUT:
        return tx.opt_outs.find(key)
    tables: dict[Entity, Any] = {
        Entity.CALLBACK: tx.callbacks,
        Entity.CALL: tx.calls,
        Entity.AGENT: tx.agents,
        Entity.ATTEMPT: tx.attempts,
        Entity.BOOKING: tx.bookings,
        Entity.MESSAGE: tx.messages,
    }
    try:
        return tables[entity].get(key)
    except LookupError:
        return None


def _chain_problems(tx: Transaction) -> int:
    """Count the events whose number in the chain of their record is not the next one."""
    numbers: Counter[tuple[str, str]] = Counter()
    problems, after = 0, 0
    while links := tx.history.links(after=after, limit=1000):
        for link in links:
            numbers[str(link.entity), link.record_id] += 1
            problems += link.event_number != numbers[str(link.entity), link.record_id]
        after = links[-1].history_number
    return problems


# ---------------------------------------------------------------------------- checks


def check_kills(world: KillWorld, people: People, rows: Rows) -> list[Finding]:
    """Run every check."""
    evidence = _evidence(world, people, rows)
    slots = SlotEvidence(
        history=rows.history,
        callbacks=rows.of(Entity.CALLBACK),
        counters=rows.counters,
        open={world.policies[0].queue: _ALWAYS},
        capacity=lambda _queue, _at: SEATS,
    )
    outbox = OutboxEvidence(
        provider=people.provider.lines,
        history=rows.history,
        messages=rows.of(Entity.MESSAGE),
        ended_at=world.clock.now(),
        in_flight_max=timedelta(seconds=5),
    )
    return [
        *check_storm(evidence).all,
        *check_slots(slots).all,
        *check_outbox(outbox).all,
        *_not_folding(rows),
        *_of_nobody(people, rows),
        *_dialed_though_cancelled(world, people),
        *_without_ticket(people, rows),
        *_held(rows),
        *world.findings,
    ]


def _not_folding(rows: Rows) -> list[Finding]:
    """The history is a second account of every row, and whole."""
    findings = [
        Finding(check=FOLD, what=f"the history of this {entity} says otherwise", which=key, at=None)
        for (entity, key), record in fold(rows.history).items()
        if rows.records[entity, key] != record
    ]
    if rows.chain_problems:
        what = f"{rows.chain_problems} events that are not the next of their record"
        findings.append(Finding(check=CHAIN, what=what, which="the history", at=None))
    return findings


def _of_nobody(people: People, rows: Rows) -> list[Finding]:
    """
    Every callback belongs to somebody who was given its receipt: whoever got no answer has asked again.

    Who wrote a message, or called in again, was promised one without asking for it here.
    """
    told = {receipt.callback_id for receipt in people.receipts.values()}
    return [
        Finding(check=NOBODYS, what=str(row.channel), which=row.callback_id, at=row.requested_at)
        for row in rows.of(Entity.CALLBACK)
        if row.callback_id not in told and row.channel != "message"
    ]


def _dialed_though_cancelled(world: KillWorld, people: People) -> list[Finding]:
    """Who was told that the callback is cancelled is not dialed for it any more."""
    said = people.cancelled_at
    return [
        Finding(check=UNKEPT, what="dialed", which=line.callback_id, at=line.at)
        for line in world.telephony.log
        if line.what is Carried.DIALED and line.callback_id is not None
        if line.callback_id in said and line.at > said[line.callback_id]
    ]


def _without_ticket(people: People, rows: Rows) -> list[Finding]:
    """Who was given a receipt by the desk that opens tickets has a ticket, and the right one."""
    return [
        Finding(check=NO_TICKET, what=f"{row.ticket_id}", which=row.callback_id, at=row.requested_at)
        for row in rows.of(Entity.CALLBACK)
        if row.callback_id in people.ticketed and row.ticket_id != people.desk.opened.get(row.callback_id)
    ]


def _held(rows: Rows) -> list[Finding]:
    """No seat is held, or booked, when all is over."""
    return [
        Finding(check=HELD, what=str(row.state), which=row.booking_id, at=row.slot_at)
        for row in rows.of(Entity.BOOKING)
        if row.ended_at is None
    ]


# ---------------------------------------------------------------------------- evidence


def _evidence(world: KillWorld, people: People, rows: Rows) -> StormEvidence:
    attempts = rows.of(Entity.ATTEMPT)
    known = {
        **{row.customer_leg_id: row.connected_at for row in attempts if row.connected_at is not None},
        **world.heard,
    }
    return StormEvidence(
        carrier=world.telephony.log,
        world=[*people.journal.lines(), *_conversations(world), *_cuts(world, known)],
        history=_apart(rows.history, served_elsewhere=people.served_elsewhere),
        callbacks=rows.of(Entity.CALLBACK),
        ended_at=world.clock.now(),
        attempts_max=max(policy.attempts_max for policy in world.policies),
        attempts_max_of={policy.queue: policy.attempts_max for policy in world.policies},
        attempts=attempts,
        agents=rows.agents,
        told=world.rings,
        notices=world.notices.told,
        alone_max=None,
        calm=False,
        called_off=legs_called_off(rows.history),
    )


def _apart(history: Sequence[Any], *, served_elsewhere: Collection[str]) -> list[Any]:
    """
    Let those who may pass others be classes of their own.

    Booked callbacks go before every other place; whom the phone system serves by itself is out of our hands. The two
    have nothing to do with each other either.
    """
    booked = {event.callback_id for event in history if event.entity == "booking" and event.callback_id}

    def apart(event: Any) -> Any:
        if not hasattr(event, "priority"):
            return event
        if event.entity == "call" and event.call_id in served_elsewhere:
            return attrs.evolve(event, priority=_SERVED_ELSEWHERE)
        if event.entity == "callback" and event.callback_id in booked:
            return attrs.evolve(event, priority=_BOOKED)
        return event

    return [apart(event) for event in history]


def _conversations(world: KillWorld) -> Iterable[WorldLine]:
    """Who was joined, as the network has it. Without a leg where it was a machine: that is called again."""
    return [
        WorldLine(
            at=line.at,
            what=Happened.CONNECTED,
            call_id="",
            number=line.number or "",
            callback_id=line.callback_id,
            leg_id=line.leg_id if line.leg_id in world.persons else None,
            agent_id=line.agent_id,
        )
        for line in world.telephony.log
        if line.what is Carried.BRIDGED and line.leg_id is not None
    ]


def _cuts(world: KillWorld, known: dict[LegId, datetime]) -> list[WorldLine]:
    """Return which conversations were cut short that were known as such by then."""
    cuts = ((line, known.get(LegId(line.leg_id or ""))) for line in world.telephony.cuts)
    return [
        line
        for line, since in cuts
        if since is not None and since <= line.at < since + _TALKS_AT_MOST
        if line.at not in world.parted_at
    ]
