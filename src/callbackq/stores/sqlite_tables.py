"""
One SQLite transaction: the verbs of `ports.Transaction`, run on the statements of `sqlite_statements`.

The rule: a verb runs as few statements as it can, and turns rows into records only when they are given out. The tables
that are about people are in `sqlite_guards`, those about messages in `sqlite_messages`, the history in
`sqlite_history`.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from operator import attrgetter
from typing import cast

from callbackq.errors import (
    AgentNotFound,
    AttemptNotFound,
    BookingNotFound,
    CallbackNotFound,
    CallNotFound,
    NotFound,
    StaleVersion,
    UniquenessViolated,
)
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
    TenantId,
)
from callbackq.model import (
    Agent,
    AgentState,
    Attempt,
    Booking,
    Callback,
    CallbackState,
    LiveCall,
    QueueControl,
    SlotCount,
    SlotDay,
)
from callbackq.ports import Commit, Ended, ListedT
from callbackq.stores import sqlite_statements as sql
from callbackq.stores.lane_index import LaneIndex
from callbackq.stores.rows import (
    Saved,
    check_between,
    check_record,
    decode_instant,
    encode_instant,
    from_json,
    to_json,
)
from callbackq.stores.sqlite_figures import Facts
from callbackq.stores.sqlite_guards import OptOuts, Subjects, Tallies, Verifications
from callbackq.stores.sqlite_history import History
from callbackq.stores.sqlite_line import Line
from callbackq.stores.sqlite_messages import Conversations, Messages
from callbackq.stores.sqlite_nodes import Nodes
from callbackq.stores.sqlite_paging import page, queues_with_callbacks, requested
from callbackq.stores.sqlite_pruning import queues_in_use, remove_record
from callbackq.stores.sqlite_session import LaneCache, Part, Session, present
from callbackq.stores.sqlite_webhooks import Webhooks

# ---------------------------------------------------------------------------- tables


class _Callbacks(Part):
    """The callbacks of one tenant."""

    __slots__ = ()

    def get(self, callback_id: CallbackId) -> Callback:
        """Return one callback. O(log n). Raises: CallbackNotFound."""
        found = self._session.record(sql.CALLBACKS, sql.CALLBACKS.get, callback_id)
        return present(found, CallbackNotFound, "callback", callback_id)

    def by_request_key(self, request_key: str) -> Callback | None:
        """Return the callback that was made under this key, ended or not. O(log n)."""
        return self._session.record(sql.CALLBACKS, sql.BY_REQUEST_KEY, request_key)

    def active_by_dedup_key(self, dedup_key: str) -> Callback | None:
        """Return the callback that holds this key and has not ended. O(log n)."""
        return self._session.record(sql.CALLBACKS, sql.BY_DEDUP_KEY, dedup_key)

    def open_count(self, queue: QueueName, *, limit: int) -> int:
        """Count the callbacks of *queue* that have not ended; stops at *limit*. O(log n + counted)."""
        return self._session.number(sql.CALLBACKS_OPEN_COUNT, self._session.tenant_id, queue, limit)

    def counts(self, queue: QueueName, *, limit: int) -> dict[CallbackState, int]:
        """Count the callbacks of *queue* in each state but ENDED; each stops at *limit*. O(log n + counted)."""
        each = (self._session.tenant_id, queue, limit)
        row = self._session.one(sql.CALLBACKS_COUNTS, *(each * len(sql.COUNTED_STATES)))
        assert row is not None
        return dict(zip(sql.COUNTED_STATES, cast("tuple[int, ...]", row), strict=True))

    def in_state(self, queue: QueueName, state: CallbackState, *, limit: int) -> list[Callback]:
        """Return callbacks of *queue* in one state, the earliest entered first, then by id. O(log n + limit)."""
        return self._session.records(sql.CALLBACKS, sql.CALLBACKS_IN_STATE, queue, state, limit)

    def last_ended(self, queue: QueueName, *, limit: int) -> list[Callback]:
        """Return the callbacks of *queue* that ended last, the latest first. O(log n + limit)."""
        return self._session.records(sql.CALLBACKS, sql.CALLBACKS_ENDED, queue, limit)

    def of_subject(self, subject_id: SubjectId, *, limit: int) -> list[Callback]:
        """Return the callbacks of one person, in any queue, the latest requested first. O(log n + limit)."""
        return self._session.records(sql.CALLBACKS, sql.CALLBACKS_OF_SUBJECT, subject_id, limit)

    def of_ticket(self, ticket_id: str, *, limit: int) -> list[Callback]:
        """Return the callbacks of one ticket, in any queue, the latest requested first. O(log n + limit)."""
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

    def due(
        self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None
    ) -> list[Callback]:
        """Return those due at *now*, earliest first, then by id. O(limit + log n + due in other queues)."""
        return self._session.due_in(sql.CALLBACKS, now=now, limit=limit, queues=queues)


class _Calls(Part):
    """The live calls of one tenant."""

    __slots__ = ()

    def get(self, call_id: CallId) -> LiveCall:
        """Return one live call. O(log n). Raises: CallNotFound."""
        return present(self.find(call_id), CallNotFound, "live call", call_id)

    def find(self, call_id: CallId) -> LiveCall | None:
        """Return one live call, or None. O(log n)."""
        return self._session.record(sql.CALLS, sql.CALLS.get, call_id)

    def open(self, queue: QueueName) -> list[LiveCall]:
        """Return the live calls of *queue* that have not ended, by id. O(log n + found)."""
        return self._session.records(sql.CALLS, sql.CALLS_OPEN, queue)

    def last_taken(self, queue: QueueName, *, limit: int) -> list[LiveCall]:
        """Return the live calls of *queue* that were taken last, the latest first. O(log n + limit)."""
        return self._session.records(sql.CALLS, sql.CALLS_TAKEN, queue, limit)

    def last_ended(self, queue: QueueName, *, limit: int) -> list[LiveCall]:
        """Return the live calls of *queue* that ended last, the latest first. O(log n + limit)."""
        return self._session.records(sql.CALLS, sql.CALLS_ENDED, queue, limit)

    def due(
        self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None
    ) -> list[LiveCall]:
        """Return those due at *now*, earliest first, then by id. O(limit + log n + due in other queues)."""
        return self._session.due_in(sql.CALLS, now=now, limit=limit, queues=queues)


class _Agents(Part):
    """The agents of one tenant."""

    __slots__ = ()

    def get(self, agent_id: AgentId) -> Agent:
        """Return one agent. O(log n). Raises: AgentNotFound."""
        return present(self.find(agent_id), AgentNotFound, "agent", agent_id)

    def find(self, agent_id: AgentId) -> Agent | None:
        """Return one agent, or None. O(log n)."""
        return self._session.record(sql.AGENTS, sql.AGENTS.get, agent_id)

    def available(self) -> list[Agent]:
        """Return the agents in state AVAILABLE, longest first, then by id. O(available)."""
        return self._session.records(sql.AGENTS, sql.AVAILABLE)

    def staffed_count(self, queue: QueueName) -> int:
        """Count the agents that serve *queue* and are not SIGNED_OUT. O(counted)."""
        return self._session.number(sql.STAFFED_COUNT, self._session.tenant_id, queue)

    def counts(self, queue: QueueName) -> dict[AgentState, int]:
        """Count the agents that serve *queue* by what they do. O(counted)."""
        rows = self._session.all(sql.STAFFED_STATES, self._session.tenant_id, queue)
        return dict(Counter(AgentState(state) for (state,) in rows))

    def staffed_by_skills(self, queue: QueueName) -> dict[tuple[str, ...], int]:
        """Count the same agents by their skills. O(counted)."""
        rows = Counter(self._session.all(sql.STAFFED_SKILLS, self._session.tenant_id, queue))
        return {tuple(from_json(skills)): count for (skills,), count in rows.items()}

    def due(self, *, now: datetime, limit: int) -> list[Agent]:
        """Return those with `due_at` at or before *now*, earliest first, then by id. O(limit + log n)."""
        return self._session.records(sql.AGENTS, sql.AGENTS.due, encode_instant(now), limit)


class _Attempts(Part):
    """The attempts of one tenant."""

    __slots__ = ()

    def get(self, attempt_id: AttemptId) -> Attempt:
        """Return one attempt. O(log n). Raises: AttemptNotFound."""
        found = self._session.record(sql.ATTEMPTS, sql.ATTEMPTS.get, attempt_id)
        return present(found, AttemptNotFound, "attempt", attempt_id)

    def by_leg(self, leg_id: LegId) -> Attempt | None:
        """Return the attempt that has this leg, ended or not. O(log n)."""
        found = self._session.record(sql.ATTEMPTS, sql.BY_CUSTOMER_LEG, leg_id)
        return found or self._session.record(sql.ATTEMPTS, sql.BY_AGENT_LEG, leg_id)

    def live_by_number(self, number_key: str) -> Attempt | None:
        """Return the attempt that has not ended for this number. O(log n)."""
        return self._session.record(sql.ATTEMPTS, sql.BY_NUMBER_KEY, number_key)

    def open_count(self, queue: QueueName, *, limit: int) -> int:
        """Count the attempts of *queue* that have not ended; stops at *limit*. O(log n + counted)."""
        return self._session.number(sql.ATTEMPTS_OPEN_COUNT, self._session.tenant_id, queue, limit)

    def open(self, queue: QueueName) -> list[Attempt]:
        """Return the attempts of *queue* that have not ended, by id. O(log n + found)."""
        return self._session.records(sql.ATTEMPTS, sql.ATTEMPTS_OPEN, queue)

    def of_node(self, node_id: NodeId, *, after: AttemptId | None = None, limit: int) -> list[Attempt]:
        """Return the attempts of one node that have not ended, by id, behind *after*. O(log n + limit)."""
        return self._session.records(sql.ATTEMPTS, sql.ATTEMPTS_OF_NODE, node_id, after or "", limit)

    def wanting_agent(self, *, queues: Collection[QueueName] | None = None) -> list[Attempt]:
        """Return the attempts without an agent that go on, by id. O(n log n) in those."""
        if queues is None:
            found = self._session.records(sql.ATTEMPTS, sql.ATTEMPTS_WANTING)
        else:
            found = self._session.records(sql.ATTEMPTS, sql.ATTEMPTS_WANTING_IN, json.dumps(list(queues)))
        return sorted(found, key=attrgetter("attempt_id"))

    def dialed_to(self, number_key: str, *, since: datetime, limit: int) -> list[Attempt]:
        """Return the attempts that dialed this number after *since*, the latest first. O(log n + limit)."""
        after = encode_instant(since)
        return self._session.records(sql.ATTEMPTS, sql.ATTEMPTS_DIALED, number_key, after, limit)

    def last_started(self, queue: QueueName, *, limit: int) -> list[Attempt]:
        """Return the attempts of *queue* that were started last, the latest first. O(log n + limit)."""
        return self._session.records(sql.ATTEMPTS, sql.ATTEMPTS_STARTED, queue, limit)

    def due(self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None) -> list[Attempt]:
        """Return those due at *now*, earliest first, then by id. O(limit + log n + due in other queues)."""
        return self._session.due_in(sql.ATTEMPTS, now=now, limit=limit, queues=queues)


class _Bookings(Part):
    """The bookings of one tenant."""

    __slots__ = ()

    def get(self, booking_id: BookingId) -> Booking:
        """Return one booking. O(log n). Raises: BookingNotFound."""
        found = self._session.record(sql.BOOKINGS, sql.BOOKINGS.get, booking_id)
        return present(found, BookingNotFound, "booking", booking_id)

    def of_callback(self, callback_id: CallbackId) -> Booking | None:
        """Return the booking of a callback that has not ended, or the one that was held last. O(log n)."""
        found = self._session.record(sql.BOOKINGS, sql.BOOKING_OPEN, callback_id)
        if found is not None:
            return found
        latest = self._session.records(sql.BOOKINGS, sql.BOOKINGS_OF_CALLBACK, callback_id, 1)
        return latest[0] if latest else None

    def of_slot(self, queue: QueueName, slot_at: datetime) -> list[Booking]:
        """Return the bookings of one slot that have not ended, by id. O(log n + those of the slot)."""
        return self._session.records(sql.BOOKINGS, sql.BOOKINGS_OF_SLOT, queue, encode_instant(slot_at))

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
        stretch = encode_instant(from_at), encode_instant(until_at)
        if agent_id is None:
            return self._session.records(sql.BOOKINGS, sql.BOOKINGS_BETWEEN, queue, *stretch, limit)
        if queue is None:
            return self._session.records(sql.BOOKINGS, sql.BOOKINGS_OF_AGENT, agent_id, *stretch, limit)
        both = (agent_id, *stretch, queue, limit)
        return self._session.records(sql.BOOKINGS, sql.BOOKINGS_OF_AGENT_IN, *both)

    def due(self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None) -> list[Booking]:
        """Return those due at *now*, earliest first, then by id. O(limit + log n + due in other queues)."""
        return self._session.due_in(sql.BOOKINGS, now=now, limit=limit, queues=queues)


class _Slots(Part):
    """How many seats are taken, by slot and by day."""

    __slots__ = ()

    def locked(self, queue: QueueName, slot_at: datetime) -> SlotCount | None:
        """Return the counter of one slot, or None. O(log n). Who may write is alone since the block began."""
        return self._session.record(sql.SLOTS, sql.SLOTS.get, queue, encode_instant(slot_at))

    def between(self, queue: QueueName, *, from_at: datetime, until_at: datetime) -> list[SlotCount]:
        """Return the counters of the slots in a stretch of time, by slot. O(log n + found)."""
        stretch = encode_instant(from_at), encode_instant(until_at)
        return self._session.records(sql.SLOTS, sql.SLOTS_BETWEEN, queue, *stretch)

    def days(self, queue: QueueName, *, from_day: str, until_day: str) -> list[SlotDay]:
        """Return the counters of these days, the last one included, in order. O(log n + found)."""
        return self._session.records(sql.SLOT_DAYS, sql.DAYS_BETWEEN, queue, from_day, until_day)


class _Queues(Part):
    """What is switched for the queues of one tenant."""

    __slots__ = ()

    def find(self, queue: QueueName) -> QueueControl | None:
        """Return what is switched for *queue* itself, or None if nothing ever was. O(log n)."""
        return self._session.record(sql.QUEUES, sql.QUEUES.get, queue)

    def in_use(self) -> list[QueueName]:
        """Return the queues in which a callback, a live call or an attempt has not ended, in order. O(log n) each."""
        return queues_in_use(self._session)

    def with_callbacks(self) -> list[QueueName]:
        """Return the queues of which there is a callback, ended or not, in order. O(log n) each."""
        return queues_with_callbacks(self._session)


class _Lanes(Part):
    """The sets of skills of one tenant."""

    __slots__ = ()

    def skills_of(self, lane: int) -> tuple[str, ...]:
        """Return the skills of a lane, sorted. O(log n). Raises: NotFound."""
        skills = self._known().skills_of(lane)
        if skills is None:
            raise NotFound(f"this tenant has no lane {lane}")
        return skills

    def intern(self, skills: Sequence[str]) -> int:
        """Return the number of this set of skills, the same one every time. O(log n)."""
        known = self._known()
        found = known.lane_of.get(frozenset(skills))
        if found is not None:
            return found
        session = self._session
        session.refuse_if_read_only()
        lane = len(known)
        session.write(sql.INSERT_LANE, (session.tenant_id, lane, to_json(sorted(set(skills)))))
        return lane

    def served_by(self, skills: Sequence[str]) -> tuple[int, ...]:
        """Return every lane whose skills are all among *skills*, lowest first. O(lanes with one of them)."""
        return self._known().served_by(skills) if skills else (0,)

    def _known(self) -> LaneIndex:
        """Return all sets of skills. O(log n + new ones)."""
        session = self._session
        known = session.lane_cache.get(session.tenant_id)
        if known is None:
            known = session.lane_cache[session.tenant_id] = LaneIndex()
        for (skills,) in session.all(sql.LANES_AFTER, session.tenant_id, len(known) - 1):
            known.add(from_json(skills))
        return known


# ---------------------------------------------------------------------------- transaction


class SQLiteTransaction:
    """One tenant's rows, while the store's lock is held and SQLite's own transaction is open."""

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

    def __init__(
        self,
        connection: sqlite3.Connection,
        tenant_id: TenantId,
        *,
        commit: Commit,
        lane_cache: LaneCache,
        path: str,
    ) -> None:
        session = Session(connection, tenant_id, commit=commit, lane_cache=lane_cache, path=path)
        self._session = session
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
        self.lanes = _Lanes(session)
        self.line = Line(session)
        self.history = History(session)

    @property
    def tenant_id(self) -> TenantId:
        """Whose rows these are."""
        return self._session.tenant_id

    @property
    def facts(self) -> Facts:
        """What figures are counted from."""
        return Facts(self._session)

    def save(self, record: Saved) -> None:
        """
        Write a record: version 1 is inserted, version n takes the place of version n-1. O(log n).

        Raises:
            StaleVersion: the stored version is not n-1.
            UniquenessViolated: another row holds one of its keys; the message names which.
            ValueError: the record is another tenant's, or `due_at` does not fit its state, or it counts
                fewer than none.
            RuntimeError: the transaction is READ_ONLY.
            StoreUnavailable: the file cannot be written now.
        """
        session = self._session
        session.refuse_if_read_only()
        check_record(record, tenant_id=session.tenant_id)
        statements = sql.OF_CLASS[type(record)]
        values = statements.rows.encode(record)
        own = values[: 1 + len(statements.rows.key)]
        name = statements.rows.key_of(values)
        try:
            if record.version == 1:
                session.write(statements.insert, values)
                return
            changed = session.write(statements.update, (*values[len(own) :], *own, record.version - 1))
        except UniquenessViolated as error:
            raise UniquenessViolated(f"{name}: {error}") from error.__cause__
        if changed != 1:
            found = session.one(statements.version, *own)
            stored = "none" if found is None else f"version {found[0]}"
            raise StaleVersion(f"{name}: version {record.version} was to be written, but {stored} is stored")

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
        session = self._session
        if queues is None:
            row = session.one(sql.NEXT_DUE_AT, *[session.tenant_id] * (1 + len(sql.QUEUED)))
        else:
            of_queues = (session.tenant_id, json.dumps(list(queues)))
            row = session.one(sql.NEXT_DUE_AT_IN, session.tenant_id, *of_queues * len(sql.QUEUED))
        return None if row is None or row[0] is None else decode_instant(row[0])

    def end(self) -> None:
        """Let go of the connection."""
        self._session.end()
