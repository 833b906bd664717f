"""
One transaction in PostgreSQL: the verbs of `ports.Transaction`, as the statements of `postgres_statements`.

The rule: a verb is one statement wherever it can be, for each is a journey to the server and back.

A verb that looks for work, such as `due`, `available`, `wanting_agent` or `head`, takes the tenant's turn when it is
the first of a transaction that writes: see `postgres`. The tables that are about people are in `postgres_guards`, those
about messages in `postgres_messages`, the history in `postgres_history`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final

from callbackq.errors import (
    AgentNotFound,
    AttemptNotFound,
    BookingNotFound,
    CallbackNotFound,
    CallNotFound,
)
from callbackq.events import Event
from callbackq.ids import (
    AgentId,
    AttemptId,
    BookingId,
    CallbackId,
    CallId,
    LegId,
    NodeId,
    QueueName,
    SubjectId,
)
from callbackq.model import (
    Agent,
    AgentState,
    Attempt,
    Booking,
    BookingState,
    Callback,
    CallbackState,
    LiveCall,
    QueueControl,
    SlotCount,
    SlotDay,
)
from callbackq.ports import Ended, ListedT
from callbackq.stores import postgres_counting as counting
from callbackq.stores import postgres_statements as sql
from callbackq.stores.postgres_figures import Facts
from callbackq.stores.postgres_guards import OptOuts, Subjects, Tallies, Verifications
from callbackq.stores.postgres_history import History
from callbackq.stores.postgres_lanes import LaneCache, Lanes
from callbackq.stores.postgres_line import Line
from callbackq.stores.postgres_messages import Conversations, Messages
from callbackq.stores.postgres_nodes import Nodes
from callbackq.stores.postgres_paging import page, queues_with_callbacks, requested
from callbackq.stores.postgres_pruning import queues_in_use, remove_record
from callbackq.stores.postgres_session import LINE, SLOT, Part, Session, present
from callbackq.stores.postgres_settling import Settling
from callbackq.stores.postgres_webhooks import Webhooks
from callbackq.stores.postgres_writing import fit_together, save, save_together
from callbackq.stores.rows import (
    Saved,
    as_utc,
    check_between,
    encode_instant,
    from_json,
)

# ---------------------------------------------------------------------------- tables


_NOTHING: Final = (0,) * len(counting.COUNTED_STATES)


class _Callbacks(Part):
    """The callbacks of one tenant."""

    __slots__ = ()

    def get(self, callback_id: CallbackId) -> Callback:
        """Return one callback. O(log n). Raises: CallbackNotFound."""
        found = self._session.row(sql.CALLBACKS, callback_id)
        return present(found, CallbackNotFound, "callback", callback_id)

    def by_request_key(self, request_key: str) -> Callback | None:
        """Return the callback that was made under this key, ended or not. O(log n)."""
        return self._session.record(sql.CALLBACKS, sql.BY_REQUEST_KEY, request_key)

    def active_by_dedup_key(self, dedup_key: str) -> Callback | None:
        """Return the callback that holds this key and has not ended. O(log n)."""
        return self._session.record(sql.CALLBACKS, sql.BY_DEDUP_KEY, dedup_key)

    def due(
        self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None
    ) -> list[Callback]:
        """Return those due at *now*, earliest first, then by id. O(limit + log n + due in other queues)."""
        return self._session.due_in(sql.CALLBACKS, now=now, limit=limit, queues=queues)

    def open_count(self, queue: QueueName, *, limit: int) -> int:
        """Count the callbacks of *queue* that have not ended; stops at *limit*. O(counted)."""
        return self._session.numbers(sql.OPEN_COUNT, queue, limit)[0]

    def counts(self, queue: QueueName, *, limit: int) -> dict[CallbackState, int]:
        """Count the callbacks of *queue* in each state but ENDED; each stops at *limit*. O(log n + counted)."""
        found = self._session.all(counting.CALLBACKS_COUNTS, queue, limit)
        return dict(zip(counting.COUNTED_STATES, found[0] if found else _NOTHING, strict=True))

    def in_state(self, queue: QueueName, state: CallbackState, *, limit: int) -> list[Callback]:
        """Return callbacks of *queue* in one state, the earliest entered first, then by id. O(limit + log n)."""
        return self._session.records(sql.CALLBACKS, counting.CALLBACKS_IN_STATE, queue, str(state), limit)

    def last_ended(self, queue: QueueName, *, limit: int) -> list[Callback]:
        """Return the callbacks of *queue* that ended last, the latest first. O(limit + log n)."""
        return self._session.records(sql.CALLBACKS, sql.LAST_ENDED_CALLBACKS, queue, limit)

    def of_subject(self, subject_id: SubjectId, *, limit: int) -> list[Callback]:
        """Return the callbacks of one person, in any queue, the latest requested first. O(limit + log n)."""
        alone = self._session.alone(subject_id)
        if alone is not None and limit > 0:
            return [alone]
        return self._session.records(sql.CALLBACKS, sql.CALLBACKS_OF_SUBJECT, subject_id, limit)

    def of_ticket(self, ticket_id: str, *, limit: int) -> list[Callback]:
        """Return the callbacks of one ticket, in any queue, the latest requested first. O(limit + log n)."""
        return self._session.records(sql.CALLBACKS, sql.CALLBACKS_OF_TICKET, ticket_id, limit)

    def requested(
        self,
        queue: QueueName,
        *,
        from_at: datetime,
        before: tuple[datetime, str],
        states: Collection[CallbackState] | None = None,
        limit: int,
    ) -> list[Callback]:
        """Return callbacks of *queue*, the latest requested first. O(limit + log n + those of other states)."""
        return requested(self._session, queue, from_at=from_at, before=before, states=states, limit=limit)


class _Calls(Part):
    """The live calls of one tenant."""

    __slots__ = ()

    def get(self, call_id: CallId) -> LiveCall:
        """Return one live call. O(log n). Raises: CallNotFound."""
        return present(self.find(call_id), CallNotFound, "live call", call_id)

    def find(self, call_id: CallId) -> LiveCall | None:
        """Return one live call, or None. O(log n)."""
        return self._session.row(sql.CALLS, call_id)

    def due(
        self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None
    ) -> list[LiveCall]:
        """Return those due at *now*, earliest first, then by id. O(limit + log n + due in other queues)."""
        return self._session.due_in(sql.CALLS, now=now, limit=limit, queues=queues)

    def open(self, queue: QueueName) -> list[LiveCall]:
        """Return the live calls of *queue* that have not ended, by id. O(found + log n)."""
        return self._session.records(sql.CALLS, sql.OPEN_CALLS, queue)

    def last_taken(self, queue: QueueName, *, limit: int) -> list[LiveCall]:
        """Return the live calls of *queue* that were taken last, the latest first. O(limit + log n)."""
        return self._session.records(sql.CALLS, sql.LAST_TAKEN_CALLS, queue, limit)

    def last_ended(self, queue: QueueName, *, limit: int) -> list[LiveCall]:
        """Return the live calls of *queue* that ended last, the latest first. O(limit + log n)."""
        return self._session.records(sql.CALLS, sql.LAST_ENDED_CALLS, queue, limit)


class _Agents(Part):
    """The agents of one tenant."""

    __slots__ = ()

    def get(self, agent_id: AgentId) -> Agent:
        """Return one agent. O(log n). Raises: AgentNotFound."""
        return present(self.find(agent_id), AgentNotFound, "agent", agent_id)

    def find(self, agent_id: AgentId) -> Agent | None:
        """Return one agent, or None. O(log n)."""
        return self._session.row(sql.AGENTS, agent_id)

    def available(self) -> list[Agent]:
        """Return the agents in state AVAILABLE, longest first, then by id. O(available)."""
        session = self._session
        session.take_turn(LINE)
        look = session.seen.look
        if look is not None and look.has_available is False:
            session.refuse_if_undone()
            return []
        found = session.kept_records(sql.AGENTS, sql.AVAILABLE)
        session.seen.free_count = len(found)
        return found

    def staffed_count(self, queue: QueueName) -> int:
        """Count the agents that serve *queue* and are not SIGNED_OUT. O(counted)."""
        return self._session.numbers(sql.STAFFED_COUNT, queue)[0]

    def counts(self, queue: QueueName) -> dict[AgentState, int]:
        """Count the agents that serve *queue* by what they do. O(counted)."""
        rows = self._session.all(counting.STAFFED_STATES, queue)
        return {AgentState(state): count for state, count in rows}

    def staffed_by_skills(self, queue: QueueName) -> dict[tuple[str, ...], int]:
        """Count the same agents by their skills. O(counted)."""
        rows = self._session.all(sql.STAFFED_SKILLS, queue)
        return {tuple(from_json(skills)): count for skills, count in rows}

    def due(self, *, now: datetime, limit: int) -> list[Agent]:
        """Return those with `due_at` at or before *now*, earliest first, then by id. O(limit + log n)."""
        return self._session.due_in(sql.AGENTS, now=now, limit=limit, queues=None)


class _Attempts(Part):
    """The attempts of one tenant."""

    __slots__ = ()

    def get(self, attempt_id: AttemptId) -> Attempt:
        """Return one attempt. O(log n). Raises: AttemptNotFound."""
        found = self._session.row(sql.ATTEMPTS, attempt_id)
        return present(found, AttemptNotFound, "attempt", attempt_id)

    def by_leg(self, leg_id: LegId) -> Attempt | None:
        """Return the attempt that has this leg, ended or not. O(log n)."""
        session = self._session
        if session.only_reads:
            return session.record(sql.ATTEMPTS, sql.BY_LEG, leg_id)
        known = session.seen.attempt_of(leg_id)
        if known is not None:
            return session.row(sql.ATTEMPTS, known)
        found = session.all(sql.BY_LEG_WITH_ALL, leg_id)
        if not found:
            return None
        session.rows_beside(sql.OF_LEG, found[0])
        return session.row(sql.ATTEMPTS, found[0][1])

    def live_by_number(self, number_key: str) -> Attempt | None:
        """Return the attempt that has not ended for this number. O(log n)."""
        if self._session.is_idle(number_key):
            return None
        return self._session.record(sql.ATTEMPTS, sql.BY_NUMBER_KEY, number_key)

    def open_count(self, queue: QueueName, *, limit: int) -> int:
        """Count the attempts of *queue* that have not ended; stops at *limit*. O(counted)."""
        return self._session.numbers(sql.OPEN_ATTEMPTS_COUNT, queue, limit)[0]

    def open(self, queue: QueueName) -> list[Attempt]:
        """Return the attempts of *queue* that have not ended, by id. O(found + log n)."""
        return self._session.records(sql.ATTEMPTS, sql.OPEN_ATTEMPTS, queue)

    def of_node(self, node_id: NodeId, *, after: AttemptId | None = None, limit: int) -> list[Attempt]:
        """Return the attempts of one node that have not ended, by id, behind *after*. O(limit + log n)."""
        return self._session.records(sql.ATTEMPTS, sql.ATTEMPTS_OF_NODE, node_id, after or "", limit)

    def wanting_agent(self, *, queues: Collection[QueueName] | None = None) -> list[Attempt]:
        """Return the attempts without an agent that go on, by id. O(n log n) in those."""
        self._session.take_turn(LINE)
        look = self._session.seen.look
        if look is not None and look.has_wanting is False:
            self._session.refuse_if_undone()
            return []
        if queues is None:
            found = self._session.records(sql.ATTEMPTS, sql.WANTING_ATTEMPTS)
        else:
            found = self._session.records(sql.ATTEMPTS, sql.WANTING_ATTEMPTS_IN, list(queues))
        return sorted(found, key=attrgetter("attempt_id"))

    def dialed_to(self, number_key: str, *, since: datetime, limit: int) -> list[Attempt]:
        """Return the attempts that dialed this number after *since*, the latest first. O(limit + log n)."""
        return self._session.records(sql.ATTEMPTS, sql.DIALED_ATTEMPTS, number_key, as_utc(since), limit)

    def last_started(self, queue: QueueName, *, limit: int) -> list[Attempt]:
        """Return the attempts of *queue* that were started last, the latest first. O(limit + log n)."""
        return self._session.records(sql.ATTEMPTS, sql.LAST_STARTED_ATTEMPTS, queue, limit)

    def due(self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None) -> list[Attempt]:
        """Return those due at *now*, earliest first, then by id. O(limit + log n + due in other queues)."""
        return self._session.due_in(sql.ATTEMPTS, now=now, limit=limit, queues=queues)


class _Bookings(Part):
    """The bookings of one tenant."""

    __slots__ = ()

    def get(self, booking_id: BookingId) -> Booking:
        """Return one booking. O(log n). Raises: BookingNotFound."""
        found = self._session.row(sql.BOOKINGS, booking_id)
        return present(found, BookingNotFound, "booking", booking_id)

    def of_callback(self, callback_id: CallbackId) -> Booking | None:
        """Return the booking of a callback that has not ended, or the one that was held last. O(log n)."""
        found = self._session.records(sql.BOOKINGS, sql.BOOKINGS_OF_CALLBACK, callback_id)
        standing = (booking for booking in found if booking.state is not BookingState.ENDED)
        return next(standing, found[0] if found else None)

    def of_slot(self, queue: QueueName, slot_at: datetime) -> list[Booking]:
        """Return the bookings of one slot that have not ended, by id. O(log n + those of the slot)."""
        return self._session.records(sql.BOOKINGS, sql.BOOKINGS_OF_SLOT, queue, as_utc(slot_at))

    def between(
        self,
        queue: QueueName | None,
        *,
        from_at: datetime,
        until_at: datetime,
        agent_id: AgentId | None = None,
        limit: int,
    ) -> list[Booking]:
        """
        Return the bookings in a stretch of time that stand or were used, by slot, then by id.

        O(log n + limit), and with both a queue and an agent, those of the agent in other queues.

        Raises:
            ValueError: neither a queue nor an agent is given.
        """
        check_between(queue, agent_id)
        rest = as_utc(from_at), as_utc(until_at), limit
        if agent_id is None:
            return self._session.records(sql.BOOKINGS, sql.BOOKINGS_BETWEEN, queue, *rest)
        if queue is None:
            return self._session.records(sql.BOOKINGS, sql.BOOKINGS_OF_AGENT, agent_id, *rest)
        return self._session.records(sql.BOOKINGS, sql.BOOKINGS_OF_AGENT_IN, agent_id, *rest, queue)

    def due(self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None) -> list[Booking]:
        """Return those due at *now*, earliest first, then by id. O(limit + log n + due in other queues)."""
        return self._session.due_in(sql.BOOKINGS, now=now, limit=limit, queues=queues)


class _Slots(Part):
    """How many seats are taken, by slot and by day."""

    __slots__ = ()

    def locked(self, queue: QueueName, slot_at: datetime) -> SlotCount | None:
        """
        Return the counter of one slot, or None, and keep others from it until the end. O(log n).

        As the first verb of a transaction it waits before anything is seen: so it finds the newest counter, also one
        that was just made. Later on it finds the one of the moment that the transaction sees, or is told that it is
        late; then the next transaction of the same thread waits before anything is seen.

        Raises:
            StaleVersion: somebody else has changed it since this transaction began to look.
            StoreUnavailable: somebody else keeps it for too long.
        """
        session = self._session
        slot_at = as_utc(slot_at)
        if session.only_reads:
            return session.record(sql.SLOTS, sql.SLOTS.get, queue, slot_at)
        session.keep((SLOT, queue, encode_instant(slot_at)))
        return session.record(sql.SLOTS, sql.SLOT_LOCKED, queue, slot_at)

    def between(self, queue: QueueName, *, from_at: datetime, until_at: datetime) -> list[SlotCount]:
        """Return the counters of the slots in a stretch of time, by slot. O(log n + found)."""
        stretch = as_utc(from_at), as_utc(until_at)
        return self._session.records(sql.SLOTS, sql.SLOTS_BETWEEN, queue, *stretch)

    def days(self, queue: QueueName, *, from_day: str, until_day: str) -> list[SlotDay]:
        """Return the counters of these days, the last one included, in order. O(log n + found)."""
        return self._session.records(sql.SLOT_DAYS, sql.DAYS_BETWEEN, queue, from_day, until_day)


class _Queues(Part):
    """What is switched for the queues of one tenant."""

    __slots__ = ()

    def find(self, queue: QueueName) -> QueueControl | None:
        """Return what is switched for *queue* itself, or None if nothing ever was. O(log n)."""
        session = self._session
        session.refuse_if_over()
        look = session.seen.look
        if look is not None and not look.has_controls and not session.seen.knows(sql.QUEUES, queue):
            session.seen.add(sql.QUEUES, None, queue)
        return session.row(sql.QUEUES, queue)

    def in_use(self) -> list[QueueName]:
        """Return the queues in which a callback, a live call or an attempt has not ended, in order. O(log n) each."""
        return queues_in_use(self._session)

    def with_callbacks(self) -> list[QueueName]:
        """Return the queues of which there is a callback, ended or not, in order. O(log n) each."""
        return queues_with_callbacks(self._session)


# ---------------------------------------------------------------------------- transaction


class PostgresTransaction:
    """One tenant's rows, seen as they were when the first question was asked, and as changed since by itself."""

    __slots__ = (
        "_session",
        "agents",
        "attempts",
        "bookings",
        "callbacks",
        "calls",
        "conversations",
        "history",
        "lanes",
        "line",
        "messages",
        "nodes",
        "opt_outs",
        "queues",
        "slots",
        "subjects",
        "tallies",
        "verifications",
        "webhooks",
    )

    def __init__(self, session: Session, lane_cache: LaneCache, settling: Settling | None = None) -> None:
        self.callbacks = _Callbacks(session)
        self.calls = _Calls(session)
        self.agents = _Agents(session)
        self.attempts = _Attempts(session)
        self.bookings = _Bookings(session)
        self.slots = _Slots(session)
        self.subjects = Subjects(session)
        self.tallies = Tallies(session)
        self.verifications = Verifications(session)
        self.opt_outs = OptOuts(session)
        self.messages = Messages(session)
        self.conversations = Conversations(session)
        self.nodes = Nodes(session)
        self.webhooks = Webhooks(session)
        self.queues = _Queues(session)
        self.lanes = Lanes(session, lane_cache)
        self.line = Line(session)
        self.history = History(session, settling)
        self._session = session

    @property
    def facts(self) -> Facts:
        """What figures are counted from."""
        return Facts(self._session)

    def save(self, record: Saved) -> None:
        """
        Write a record: version 1 is inserted, version n takes the place of version n-1. O(log n).

        Raises:
            StaleVersion: the stored version is not n-1, or another transaction has changed the row meanwhile.
            UniquenessViolated: another row holds one of its keys; the message names which.
            ValueError: the record is another tenant's, or `due_at` does not fit its state, or it counts
                fewer than none.
            InvalidText: a text holds what PostgreSQL cannot store.
            RuntimeError: the transaction is READ_ONLY.
            StoreUnavailable: nothing can be written now.
        """
        save(self._session, record)

    def save_all(self, records: Sequence[Saved], events: Sequence[Event]) -> None:
        """
        Write the records and the events of one decision, as `save` and `history.append` would. One journey, mostly.

        Raises:
            StaleVersion, UniquenessViolated: as `save`; the transaction can only be undone then.
            ValueError, InvalidText, RuntimeError, StoreUnavailable: as `save`.
        """
        if self.history.may_join(events) and fit_together(records, events):
            save_together(self._session, records, self.history.rows_of(events))
            self.history.was_written(events)
            return
        for record in records:
            self.save(record)
        if events:
            self.history.append(events)

    def work_ahead(self, legs: Collection[LegId] = ()) -> None:
        """
        Read what reports of these legs look at, and write several decisions in one journey: see `ports.CanWorkAhead`.

        Raises:
            RuntimeError: the transaction is READ_ONLY.
            StoreUnavailable, Conflict: as any question.
        """
        session = self._session
        session.refuse_if_read_only()
        session.writes_behind = True
        if not legs:
            return
        for leg_id, attempt_id, *columns in session.all(sql.BY_LEGS_WITH_ALL, list(legs)):
            session.rows_beside(sql.OF_LEG, columns)
            session.seen.add_leg(leg_id, attempt_id)

    def remove(self, record: Ended) -> None:
        """Delete a record that has ended, or a counter of seats. O(log n). Raises: StaleVersion, ValueError."""
        remove_record(self._session, record)

    def page(
        self, kind: type[ListedT], *, after: str = "", since: datetime | None = None, limit: int
    ) -> list[ListedT]:
        """Return records of one kind by their ids, behind *after*. O(limit + log n + older ones between)."""
        return page(self._session, kind, after=after, since=since, limit=limit)

    def next_due_at(self, *, queues: Collection[QueueName] | None = None) -> datetime | None:
        """Return the earliest `due_at` of these queues and of all agents. O(log n + due in other queues)."""
        if queues is None:
            rows = self._session.all(sql.NEXT_DUE_AT)
        else:
            rows = self._session.all(sql.NEXT_DUE_AT_IN, list(queues))
        found: datetime | None = rows[0][0] if rows else None  # No row: a name that cannot be stored.
        return found
