"""
What is wrong with records that were read together: in doubt, stuck, or inconsistent.

The rule: whoever asks has read a record and all that it is held against in one transaction, so that what differs here
differs in the store. `TREATMENTS` says of each kind of finding how bad it is and what to do about it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import attrs

from callbackq.core.agents import AT_WORK
from callbackq.core.attempt import BEFORE_JOINING
from callbackq.core.histories import digest_of_text
from callbackq.core.history import KEYS, fold
from callbackq.events.chain import text_of
from callbackq.ids import QueueName
from callbackq.model import (
    Agent,
    Attempt,
    AttemptState,
    Booking,
    BookingEnd,
    BookingState,
    Callback,
    CallbackState,
    CallState,
    Disposition,
    DueReason,
    Entity,
    Finding,
    FindingKind,
    LiveCall,
    Message,
    MessageState,
    Node,
    NodeState,
    Outcome,
    Record,
    SeatKind,
    Severity,
    SlotCount,
    StoreHealth,
)
from callbackq.ports import HistoryLink


@attrs.frozen(kw_only=True)
class Treatment:
    """How bad a kind of finding is, and what to do about it."""

    severity: Severity
    remedy: str
    verb: str | None = None
    is_safe: bool = False


_N, _W, _E = Severity.NOTICE, Severity.WARNING, Severity.ERROR
_STEP: Final = "run a node that has a policy for its queue, and look at its log"
_FOUND: Final = "keep a copy of the store, and find out who wrote into it"
TREATMENTS: Final[Mapping[FindingKind, Treatment]] = MappingProxyType(
    {
        FindingKind.ATTEMPT_IN_DOUBT: Treatment(
            severity=_N,
            remedy="it is closed by itself when no phone can ring any more; who knows how it ended may say so before",
            verb="settle",
        ),
        FindingKind.CALLBACK_UNKNOWN: Treatment(
            severity=_N,
            remedy="ask whoever may have talked to the customer: mark it as done, or call the customer",
            verb="mark_done",
        ),
        FindingKind.MESSAGE_UNCERTAIN: Treatment(
            severity=_N,
            remedy="ask the provider, and say whether it was sent; it is not sent again by itself",
            verb="settle_message",
        ),
        FindingKind.OVERDUE: Treatment(severity=_W, remedy=_STEP, is_safe=True),
        FindingKind.AGENT_IDLE: Treatment(severity=_W, remedy=_STEP, is_safe=True),
        FindingKind.QUEUE_UNKNOWN: Treatment(
            severity=_W, remedy="give a node a policy for the queue, or move what waits there", verb="move"
        ),
        FindingKind.AGENT_HELD: Treatment(
            severity=_W,
            remedy="if the agent has gone, say so: they are signed out when the work is over",
            verb="agent_unavailable",
        ),
        FindingKind.ATTEMPT_TOO_LONG: Treatment(
            severity=_W,
            remedy="reconcile with a snapshot of the telephony; if it knows nothing, settle the attempt",
            verb="reconcile",
            is_safe=True,
        ),
        FindingKind.NODE_SILENT: Treatment(
            severity=_W,
            remedy="if it runs, set its clock; if not, run another one that reaches the telephony: that takes over",
            is_safe=True,
        ),
        FindingKind.NODE_LEFT_WORK: Treatment(
            severity=_W, remedy="run a node that reaches the telephony: it takes them over", is_safe=True
        ),
        FindingKind.CLOCKS_APART: Treatment(
            severity=_W,
            remedy="set the clocks of the machines; nothing is unsafe, but times are wrong",
            is_safe=True,
        ),
        FindingKind.POLICIES_DIFFER: Treatment(
            severity=_W, remedy="give all nodes the same policies, and rerank the queue", verb="rerank"
        ),
        FindingKind.ATTEMPT_LOST: Treatment(
            severity=_E,
            remedy="its own deadline takes it up again; if it does not, say how the attempt ended",
            verb="settle",
        ),
        FindingKind.ATTEMPT_ASTRAY: Treatment(
            severity=_E, remedy="hang up its legs at the telephony; it ends by its own deadlines"
        ),
        FindingKind.AGENT_ASTRAY: Treatment(
            severity=_E, remedy="sign the agent out, and in again", verb="agent_unavailable"
        ),
        FindingKind.BOOKING_ASTRAY: Treatment(
            severity=_E, remedy="its own deadline ends it and gives the seat back; run a node", is_safe=True
        ),
        FindingKind.SEATS_DIFFER: Treatment(
            severity=_E, remedy=f"{_FOUND}; until then the slot takes too many or too few"
        ),
        FindingKind.PERSON_MISSING: Treatment(
            severity=_E, remedy=f"{_FOUND}; restore the person from a backup"
        ),
        FindingKind.KEY_TWICE: Treatment(
            severity=_E,
            remedy="a unique index is missing: cancel one of the two, and make the index again",
            verb="cancel",
        ),
        FindingKind.HISTORY_DIFFERS: Treatment(severity=_E, remedy=_FOUND),
        FindingKind.HISTORY_MISSING: Treatment(severity=_E, remedy=_FOUND),
        FindingKind.ROW_MISSING: Treatment(severity=_E, remedy=f"{_FOUND}; restore the row from a backup"),
        FindingKind.CHAIN_BROKEN: Treatment(
            severity=_E, remedy=f"{_FOUND}; compare with an export", verb="verify_history", is_safe=True
        ),
        FindingKind.STORE: Treatment(severity=_W, remedy="look after the database"),
    }
)

_ORDER: Final = {severity: place for place, severity in enumerate(reversed(Severity))}


def found(
    kind: FindingKind,
    what: str,
    record: Record | None = None,
    *,
    name: str = "",
    others: Iterable[str] = (),
    since: datetime | None = None,
) -> Finding:
    """Return a finding about a record, or about what has a *name* only."""
    treatment = TREATMENTS[kind]
    entity = entity_of(record) if record is not None else None
    return Finding(
        kind=kind,
        severity=treatment.severity,
        entity=entity,
        record_id=str(getattr(record, KEYS[entity])) if entity is not None else name,
        others=tuple(others),
        what=what,
        since_at=since,
        remedy=treatment.remedy,
        verb=treatment.verb,
        is_safe=treatment.is_safe,
    )


_ENTITIES: Final[Mapping[type[Any], Entity]] = MappingProxyType(
    {
        Callback: Entity.CALLBACK,
        LiveCall: Entity.CALL,
        Agent: Entity.AGENT,
        Attempt: Entity.ATTEMPT,
        Booking: Entity.BOOKING,
        Message: Entity.MESSAGE,
    }
)


def entity_of(record: Record) -> Entity:
    """Return what kind of record it is."""
    return _ENTITIES[type(record)]


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings, each once: the worst first, then by kind and id."""
    every = {(one.kind, one.entity, one.record_id, one.what): one for one in findings}
    return tuple(
        sorted(every.values(), key=lambda one: (_ORDER[one.severity], one.kind, one.record_id, one.what))
    )


# ---------------------------------------------------------------------------- in doubt


def doubts_of_attempt(attempt: Attempt) -> list[Finding]:
    """Say whether nobody knows if the customer's phone rings still."""
    if attempt.due_reason is not DueReason.LEG_IN_DOUBT:
        return []
    since = attempt.customer_answered_at or attempt.started_at
    what = "nobody confirmed that the customer's leg is over"
    return [found(FindingKind.ATTEMPT_IN_DOUBT, what, attempt, others=(attempt.callback_id,), since=since)]


def doubts_of_callback(callback: Callback) -> list[Finding]:
    """Say whether it ended without anybody knowing if the customer was reached."""
    unknown = callback.last_disposition is Disposition.UNKNOWN and callback.outcome is Outcome.UNREACHED
    if not unknown:
        return []
    what = "it ended, and nobody knows how its last attempt did"
    others = () if callback.attempt_id is None else (callback.attempt_id,)
    return [found(FindingKind.CALLBACK_UNKNOWN, what, callback, others=others, since=callback.ended_at)]


def doubts_of_message(message: Message) -> list[Finding]:
    """Say whether nobody knows if it was sent."""
    if message.state is not MessageState.UNCERTAIN:
        return []
    others = () if message.callback_id is None else (message.callback_id,)
    what = f"nobody knows whether this {message.message_kind} was sent"
    return [found(FindingKind.MESSAGE_UNCERTAIN, what, message, others=others, since=message.sent_at)]


# ---------------------------------------------------------------------------- stuck


def overdue(record: Any, *, now: datetime, bound: timedelta) -> list[Finding]:
    """Say whether the time of a record that has not ended came longer ago than *bound*."""
    if record.due_at is None or record.due_at >= now - bound:
        return []
    what = f"{record.state}, and due since then for {record.due_reason}"
    return [found(FindingKind.OVERDUE, what, record, since=record.due_at)]


def unknown_queues(queues: Iterable[QueueName], *, known: Iterable[QueueName]) -> list[Finding]:
    """Name the queues in use that no policy here knows; none where nothing is known here at all."""
    here = set(known)
    what = "something waits here, and there is no policy for this queue"
    return [found(FindingKind.QUEUE_UNKNOWN, what, name=one) for one in queues if here and one not in here]


def idle(
    agent: Agent, place: Callback | LiveCall, *, ready_at: datetime, now: datetime, bound: timedelta
) -> list[Finding]:
    """Say whether an agent and the place that is next for them have been beside each other for longer than *bound*."""
    since = max(agent.since_at, ready_at)
    if since >= now - bound:
        return []
    which = place.callback_id if isinstance(place, Callback) else place.call_id
    what = "free, and the next place is ready"
    return [found(FindingKind.AGENT_IDLE, what, agent, others=(which,), since=since)]


def held_too_long(agent: Agent, *, presence_max: timedelta, now: datetime, bound: timedelta) -> list[Finding]:
    """Say whether an agent has been at work for twice as long as anybody is believed to be there."""
    if agent.state not in AT_WORK or agent.since_at + 2 * presence_max >= now - bound:
        return []
    work = agent.attempt_id or agent.call_id
    what = f"{agent.state} for longer than anybody stays"
    return [found(FindingKind.AGENT_HELD, what, agent, others=[work] if work else [], since=agent.since_at)]


def attempt_too_long(
    attempt: Attempt, *, time_max: timedelta, talk_max: timedelta, now: datetime, bound: timedelta
) -> list[Finding]:
    """Say whether an attempt goes on for longer than until it must be connected, or a conversation for too long."""
    longest = time_max if attempt.connected_at is None else time_max + talk_max
    doubtful = (
        attempt.state is AttemptState.ENDING
    )  # It may be told to hang up again, as long as anybody talks.
    if attempt.started_at + longest + (talk_max if doubtful else timedelta(0)) >= now - bound:
        return []
    what = f"{attempt.state} for longer than any attempt can be"
    others = (attempt.callback_id,)
    return [found(FindingKind.ATTEMPT_TOO_LONG, what, attempt, others=others, since=attempt.started_at)]


def ill_nodes(nodes: Sequence[Node], *, now: datetime, bound: timedelta) -> list[Finding]:
    """Name nodes that are silent, whose clock is ahead, or that order a line in another way than others do."""
    findings: list[Finding] = []
    digests: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for node in nodes:
        if node.seen_at > now + bound:
            what = "its clock is ahead of this one"
            findings.append(found(FindingKind.CLOCKS_APART, what, name=node.node_id, since=node.seen_at))
        if node.state is NodeState.GONE:
            continue
        if node.lease_until_at < now - bound:
            what = "by this clock its lease is over, and nobody has taken it over"
            findings.append(
                found(FindingKind.NODE_SILENT, what, name=node.node_id, since=node.lease_until_at)
            )
            continue
        if node.state is not NodeState.UP:  # It begins nothing more, and so orders nothing.
            continue
        for queue, digest in node.fingerprints.items():
            digests[queue].setdefault(digest, node.node_id)
    for queue, by_digest in sorted(digests.items()):
        if len(by_digest) > 1:
            what = "nodes order this queue by different settings"
            others = sorted(by_digest.values())
            findings.append(found(FindingKind.POLICIES_DIFFER, what, name=queue, others=others))
    return findings


def work_of_gone(node: Node, attempts: Iterable[Attempt]) -> list[Finding]:
    """Name the attempts that go on and belong to a node that is gone."""
    if node.state is not NodeState.GONE:
        return []
    what = "it is gone, and this attempt goes on"
    return [
        found(FindingKind.NODE_LEFT_WORK, what, one, others=(node.node_id,), since=node.seen_at)
        for one in attempts
    ]


# ---------------------------------------------------------------------------- inconsistent


def lost_attempt(callback: Callback, attempt: Attempt | None) -> list[Finding]:
    """Hold a callback that is being attempted against the attempt that it names."""
    if callback.state is not CallbackState.ATTEMPTING:
        return []
    if attempt is None:
        what = "being attempted, and there is no such attempt"
    elif attempt.callback_id != callback.callback_id:
        what = "being attempted, and its attempt is another callback's"
    elif attempt.state is AttemptState.ENDED:
        what = "being attempted, and its attempt is over"
    else:
        return []
    others = () if callback.attempt_id is None else (callback.attempt_id,)
    return [
        found(
            FindingKind.ATTEMPT_LOST,
            what,
            callback,
            others=others,
            since=attempt.ended_at if attempt else None,
        )
    ]


def astray_attempt(attempt: Attempt, callback: Callback | None) -> list[Finding]:
    """Hold an attempt that goes on against the callback that it is for."""
    if attempt.state is AttemptState.ENDED:
        return []
    going_on = attempt.state in (*BEFORE_JOINING, AttemptState.JOINING)
    if callback is None:
        what = "it goes on, and there is no such callback"
    elif going_on and callback.state is not CallbackState.ATTEMPTING:
        what = f"it goes on, and its callback is {callback.state}"
    elif going_on and callback.attempt_id != attempt.attempt_id:
        what = "it goes on, and its callback waits for another one"
    else:
        return []
    return [
        found(
            FindingKind.ATTEMPT_ASTRAY, what, attempt, others=(attempt.callback_id,), since=attempt.started_at
        )
    ]


def astray_agent(agent: Agent, attempt: Attempt | None, call: LiveCall | None) -> list[Finding]:
    """Hold an agent at work against the attempt or the live call that they are held for."""
    if agent.state not in AT_WORK:
        return []
    what = None
    if agent.attempt_id is not None:
        if attempt is None:
            what = "there is no such attempt"
        elif attempt.state is AttemptState.ENDED:
            what = "the attempt is over"
        elif attempt.agent_id != agent.agent_id:
            what = "the attempt is not theirs"
    elif agent.call_id is not None:
        if call is None:
            what = "there is no such live call"
        elif call.state is CallState.ENDED:
            what = "the live call is over"
        elif call.agent_id != agent.agent_id:
            what = "the live call is not theirs"
    else:
        what = "nothing says for what"
    if what is None:
        return []
    work = agent.attempt_id or agent.call_id
    others = [work] if work else []
    return [
        found(
            FindingKind.AGENT_ASTRAY, f"{agent.state}, and {what}", agent, others=others, since=agent.since_at
        )
    ]


def astray_booking(booking: Booking, callback: Callback | None) -> list[Finding]:
    """Hold a booking against the callback that it is for. A series outlives the callback until the next is booked."""
    if booking.state is not BookingState.BOOKED:
        return []
    if callback is None:
        what = "booked, and there is no such callback"
    elif callback.state is CallbackState.ENDED and booking.repeats is None:
        what = "booked, and its callback is over"
    else:
        return []
    others = () if booking.callback_id is None else (booking.callback_id,)
    return [
        found(
            FindingKind.BOOKING_ASTRAY,
            what,
            booking,
            others=others,
            since=callback.ended_at if callback else None,
        )
    ]


def has_seat(booking: Booking) -> bool:
    """Whether a booking has not given its seat back. A hold that was used for a move has passed it on."""
    if booking.state is not BookingState.ENDED:
        return True
    return booking.ended_as is BookingEnd.USED and booking.callback_id is not None


def seats_differ(
    queue: QueueName, slot_at: datetime, count: SlotCount | None, bookings: Iterable[Booking]
) -> list[Finding]:
    """Hold the counter of a slot against the seats that its bookings have."""
    seats = Counter(booking.seat for booking in bookings if has_seat(booking))
    counted = (count.usual_count, count.kept_count) if count is not None else (0, 0)
    taken = seats[SeatKind.USUAL], seats[SeatKind.KEPT]
    if counted == taken:
        return []
    what = f"counted are {counted[0]} usual and {counted[1]} kept seats, taken {taken[0]} and {taken[1]}"
    return [found(FindingKind.SEATS_DIFFER, what, name=f"{queue} {slot_at.isoformat()}", since=slot_at)]


def person_missing(record: Record, subject_id: str) -> list[Finding]:
    """Return what is found where the person behind a record is not there."""
    return [found(FindingKind.PERSON_MISSING, "there is no such person", record, others=(subject_id,))]


def keys_twice(callbacks: Iterable[Callback], attempts: Iterable[Attempt]) -> list[Finding]:
    """Name those that go on and hold a key that only one may have."""
    findings: list[Finding] = []
    holders: dict[tuple[str, str], Record] = {}
    keys: list[tuple[str, str | None, Record]] = [
        ("dedup key", callback.dedup_key, callback)
        for callback in callbacks
        if callback.state is not CallbackState.ENDED
    ]
    for attempt in attempts:
        if attempt.state is not AttemptState.ENDED:
            keys += [("number", attempt.number_key, attempt), ("callback", attempt.callback_id, attempt)]
    for name, key, record in keys:
        if key is None:
            continue
        first = holders.setdefault((name, key), record)
        if first is not record:
            other = str(getattr(first, KEYS[entity_of(first)]))
            what = f"it goes on under a {name} that another one holds"
            findings.append(found(FindingKind.KEY_TWICE, what, record, others=(other,)))
    return findings


# ---------------------------------------------------------------------------- history


def history_differs(
    entity: Entity,
    record_id: str,
    links: Sequence[HistoryLink],
    row: Record | None,
    *,
    before: Iterable[tuple[int, str]] = (),
) -> list[Finding]:
    """
    Hold the chain of one record against itself and against the row.

    Args:
        links: the whole chain, as far as it is left.
        before: the number and the digest of events that were pruned from the beginning of it.
    """

    def say(kind: FindingKind, what: str, since: datetime | None = None) -> list[Finding]:
        return [attrs.evolve(found(kind, what, name=record_id, since=since), entity=entity)]

    if not links:
        return say(FindingKind.HISTORY_MISSING, "no history tells of it") if row is not None else []
    broken = _broken_at(links, before=before)
    if broken is not None:
        return say(FindingKind.CHAIN_BROKEN, f"from event {broken} on its history is not as it was written")
    if entity is Entity.HISTORY:
        return []
    if row is None:
        return say(FindingKind.ROW_MISSING, "its history is there, and it is not", links[-1].event.at)
    cut = [(entity, record_id)] if links[0].event_number > 1 else []
    try:
        told = fold((link.event for link in links), cut=cut).get((entity, record_id))
    except (AssertionError, TypeError):  # A version is missing, or a field was never told.
        told = None
    if told == row:
        return []
    return say(
        FindingKind.HISTORY_DIFFERS,
        f"{_differing(told, row)} is not what the history says",
        links[-1].event.at,
    )


def unreadable(entity: Entity | None, record_id: str) -> Finding:
    """Return what is found where events cannot be read at all."""
    what = "its history cannot be read: it was changed, or another release wrote it"
    return attrs.evolve(found(FindingKind.CHAIN_BROKEN, what, name=record_id), entity=entity)


def _broken_at(links: Sequence[HistoryLink], *, before: Iterable[tuple[int, str]]) -> int | None:
    """Return the number of the first event that is not as it was written."""
    removed = dict(before)
    count = links[0].event_number - 1
    previous = removed.get(count) if count else ""
    if previous is None:
        return 1
    for number, link in enumerate(links, start=count + 1):
        if link.event_number != number or digest_of_text(previous, text_of(link.event)) != link.digest:
            return number
        previous = link.digest
    return None


def _differing(told: Record | None, row: Record) -> str:
    """Name the fields in which two accounts of a record differ; not what they say."""
    if told is None:
        return "all of it"
    names = [
        field.name
        for field in attrs.fields(type(row))
        if getattr(told, field.name) != getattr(row, field.name)
    ]
    return ", ".join(names)


# ---------------------------------------------------------------------------- the store itself


def ill_store(health: StoreHealth) -> list[Finding]:
    """Return what a store says of its own health as findings."""
    return [
        attrs.evolve(
            found(FindingKind.STORE, problem.what, name="store"),
            severity=problem.severity,
            remedy=problem.remedy,
        )
        for problem in health.problems
    ]
