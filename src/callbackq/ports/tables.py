"""The tables of a store, by noun: what can be asked of each. Provisional before 1.0: they may gain verbs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from callbackq.ids import (
    AgentId,
    AttemptId,
    BookingId,
    CallbackId,
    CallId,
    LegId,
    MessageId,
    NodeId,
    PlaceId,
    QueueName,
    SubjectId,
    VerificationId,
)
from callbackq.model import (
    Agent,
    AgentState,
    Ahead,
    Attempt,
    Booking,
    Callback,
    CallbackState,
    Conversation,
    LiveCall,
    Message,
    Node,
    OptOut,
    Place,
    QueueControl,
    SlotCount,
    SlotDay,
    Subject,
    Tally,
    Verification,
)


class CallbackTable(Protocol):
    """The callbacks of one tenant."""

    def get(self, callback_id: CallbackId) -> Callback:
        """Return one callback. Raises: CallbackNotFound."""
        ...

    def by_request_key(self, request_key: str) -> Callback | None:
        """Return the callback that was made under this key, ended or not."""
        ...

    def active_by_dedup_key(self, dedup_key: str) -> Callback | None:
        """Return the callback that holds this key and has not ended."""
        ...

    def due(
        self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None
    ) -> list[Callback]:
        """
        Return those with `due_at` at or before *now*, earliest first, then by id.

        Args:
            queues: only of these queues; of all if None.
        """
        ...

    def open_count(self, queue: QueueName, *, limit: int) -> int:
        """Count the callbacks of *queue* that have not ended; stops at *limit*. O(counted) at most."""
        ...

    def counts(self, queue: QueueName, *, limit: int) -> Mapping[CallbackState, int]:
        """
        Count the callbacks of *queue* in each state but ENDED; every one of these states is named.

        Each count stops at *limit*. O(counted) at most.
        """
        ...

    def in_state(self, queue: QueueName, state: CallbackState, *, limit: int) -> list[Callback]:
        """
        Return callbacks of *queue* in one state, not ENDED: the earliest `entered_at` first, then by id.

        O(limit + log n).
        """
        ...

    def last_ended(self, queue: QueueName, *, limit: int) -> list[Callback]:
        """Return the callbacks of *queue* that ended last: the latest `ended_at` first, then the highest id."""
        ...

    def of_subject(self, subject_id: SubjectId, *, limit: int) -> list[Callback]:
        """Return the callbacks of one person, in any queue: the latest `requested_at` first, then the highest id."""
        ...

    def of_ticket(self, ticket_id: str, *, limit: int) -> list[Callback]:
        """Return the callbacks of one ticket, in any queue: the latest `requested_at` first, then the highest id."""
        ...

    def requested(
        self,
        queue: QueueName,
        *,
        from_at: datetime,
        before: tuple[datetime, str],
        states: Collection[CallbackState] | None = None,
        limit: int,
    ) -> list[Callback]:
        """
        Return callbacks of *queue*, ended or not: the latest `requested_at` first, then the highest id.

        O(limit + log n), and those of other states that stand between; if only open states are asked for, O(open).

        Args:
            from_at: only those that were requested at this moment or later.
            before: only those that come behind this moment and id in this order.
            states: only those in one of these states; in any if None.
        """
        ...


class CallTable(Protocol):
    """The live calls of one tenant."""

    def get(self, call_id: CallId) -> LiveCall:
        """Return one live call. Raises: CallNotFound."""
        ...

    def find(self, call_id: CallId) -> LiveCall | None:
        """Return one live call, or None."""
        ...

    def due(
        self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None
    ) -> list[LiveCall]:
        """
        Return those with `due_at` at or before *now*, earliest first, then by id.

        Args:
            queues: only of these queues; of all if None.
        """
        ...

    def open(self, queue: QueueName) -> list[LiveCall]:
        """Return the live calls of *queue* that have not ended, by id."""
        ...

    def last_taken(self, queue: QueueName, *, limit: int) -> list[LiveCall]:
        """
        Return the live calls of *queue* that were taken last: the latest `taken_at` first, then the highest id.

        They may be over or not; those that have no `taken_at` are left out.
        """
        ...

    def last_ended(self, queue: QueueName, *, limit: int) -> list[LiveCall]:
        """Return the live calls of *queue* that ended last: the latest `ended_at` first, then the highest id."""
        ...


class AgentTable(Protocol):
    """The agents of one tenant."""

    def get(self, agent_id: AgentId) -> Agent:
        """Return one agent. Raises: AgentNotFound."""
        ...

    def find(self, agent_id: AgentId) -> Agent | None:
        """Return one agent, or None."""
        ...

    def available(self) -> list[Agent]:
        """Return the agents in state AVAILABLE, the one with the earliest `since_at` first, then by id."""
        ...

    def staffed_count(self, queue: QueueName) -> int:
        """Count the agents that serve *queue* and are not SIGNED_OUT."""
        ...

    def staffed_by_skills(self, queue: QueueName) -> Mapping[tuple[str, ...], int]:
        """Count the same agents by their skills, as they stand in the records. O(sets of skills) in memory."""
        ...

    def counts(self, queue: QueueName) -> Mapping[AgentState, int]:
        """Count the agents that serve *queue* by what they do; who is SIGNED_OUT serves none. O(those) at most."""
        ...

    def due(self, *, now: datetime, limit: int) -> list[Agent]:
        """Return those with `due_at` at or before *now*, earliest first, then by id."""
        ...


class AttemptTable(Protocol):
    """The attempts of one tenant."""

    def get(self, attempt_id: AttemptId) -> Attempt:
        """Return one attempt. Raises: AttemptNotFound."""
        ...

    def by_leg(self, leg_id: LegId) -> Attempt | None:
        """Return the attempt that has this leg, ended or not."""
        ...

    def live_by_number(self, number_key: str) -> Attempt | None:
        """Return the attempt that has not ended for this number."""
        ...

    def open_count(self, queue: QueueName, *, limit: int) -> int:
        """Count the attempts of *queue* that have not ended; stops at *limit*. O(counted) at most."""
        ...

    def open(self, queue: QueueName) -> list[Attempt]:
        """Return the attempts of *queue* that have not ended, by id."""
        ...

    def of_node(self, node_id: NodeId, *, after: AttemptId | None = None, limit: int) -> list[Attempt]:
        """
        Return the attempts of one node that have not ended, by id. O(limit + log n).

        Args:
            after: only those behind this id.
            limit: at most so many.
        """
        ...

    def wanting_agent(self, *, queues: Collection[QueueName] | None = None) -> list[Attempt]:
        """
        Return the attempts without an agent (`agent_id` is None) that are neither ENDING nor ENDED, by id.

        One that `announces` something has none, and wants none.

        Args:
            queues: only of these queues; of all if None. O(those returned).
        """
        ...

    def dialed_to(self, number_key: str, *, since: datetime, limit: int) -> list[Attempt]:
        """
        Return the attempts to this number, in any queue, that started after *since* and whose customer was dialed.

        The latest `started_at` first, then the highest id. "Dialed" is a `customer_leg` other than NONE.
        """
        ...

    def last_started(self, queue: QueueName, *, limit: int) -> list[Attempt]:
        """Return the attempts of *queue* that were started last: the latest `started_at` first, then the highest id."""
        ...

    def due(self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None) -> list[Attempt]:
        """
        Return those with `due_at` at or before *now*, earliest first, then by id.

        Args:
            queues: only of these queues; of all if None.
        """
        ...


class BookingTable(Protocol):
    """The bookings of one tenant."""

    def get(self, booking_id: BookingId) -> Booking:
        """Return one booking. Raises: BookingNotFound."""
        ...

    def of_callback(self, callback_id: CallbackId) -> Booking | None:
        """Return the booking of a callback that has not ended, or else the one that was made last."""
        ...

    def of_slot(self, queue: QueueName, slot_at: datetime) -> list[Booking]:
        """Return the bookings of one slot that have not ended, by id."""
        ...

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
        Return the bookings whose slot begins from *from_at* to before *until_at*, by `slot_at`, then by id.

        Ended ones are left out, but for those that were used. O(limit + log n) for a queue, and for an agent.

        Args:
            queue: of this queue; of all if None, and then an agent is given.
            agent_id: only those that stand in this agent's calendar.
        """
        ...

    def due(self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None) -> list[Booking]:
        """
        Return those with `due_at` at or before *now*, earliest first, then by id.

        Args:
            queues: only of these queues; of all if None.
        """
        ...


class SlotTable(Protocol):
    """How many seats are taken, by slot and by day."""

    def locked(self, queue: QueueName, slot_at: datetime) -> SlotCount | None:
        """
        Return the counter of one slot, or None if no seat of it was ever taken.

        Until the transaction ends nobody else changes it: others who ask for it wait. Where there is none yet, two
        may find none; the second to save one meets `UniquenessViolated`, and tries again.

        Ask for it before anything else, if you can: in some stores a transaction that has looked at something sees the
        moment at which it did, and whoever had to wait is then told that he is late. Who needs several asks for them
        in the order of their queues and times, so that no two wait for each other. Who only reads does not wait.

        Raises:
            StaleVersion: somebody else has changed it since this transaction began to look.
        """
        ...

    def between(self, queue: QueueName, *, from_at: datetime, until_at: datetime) -> list[SlotCount]:
        """Return the counters of the slots from *from_at* to before *until_at*, by `slot_at`. O(those returned)."""
        ...

    def days(self, queue: QueueName, *, from_day: str, until_day: str) -> list[SlotDay]:
        """Return the counters of the days from *from_day* to *until_day*, both included, in order."""
        ...


class SubjectTable(Protocol):
    """The persons of one tenant: the one table that holds personal data."""

    def get(self, subject_id: SubjectId) -> Subject:
        """Return one person. Raises: LookupError (a bug if it happens)."""
        ...

    def by_identity(self, identity: str) -> Subject | None:
        """Return the person known by *identity*."""
        ...

    def by_customer(self, customer_id: str) -> Subject | None:
        """Return the person whom the host knows by *customer_id*."""
        ...

    def holding(self, number: str) -> list[Subject]:
        """
        Return the persons in whose record *number* (E.164) stands, by id: as any of their numbers. O(n): rarely asked.

        These are `number`, `preferred_number`, `record_number`, `alternatives` and `wrong_numbers`; and `identity`, in
        which it may stand with something around it.
        """
        ...

    def unseen_since(self, at: datetime, *, limit: int) -> list[Subject]:
        """
        Return persons who were seen last before *at* and are not erased, the longest unseen first, then by id.

        Who has no `seen_at` was seen last when the record was made, at `created_at`. O(limit + log n).
        """
        ...


class TallyTable(Protocol):
    """What was counted lately, by key, for limits over rolling windows."""

    def locked(self, keys: Sequence[str]) -> dict[str, Tally]:
        """
        Return those of these tallies that exist, by key.

        Until the transaction ends nobody else changes them: others who ask for one of them wait; as for the counter
        of a slot (`SlotTable.locked`). Keys are locked in their own order, whatever the order in which they are given.

        Raises:
            StaleVersion: somebody else has changed one since this transaction began to look.
        """
        ...

    def forget(self, *, over_before: datetime, limit: int) -> int:
        """Delete tallies whose `over_at` is before *over_before*, at most *limit*; return how many."""
        ...


class VerificationTable(Protocol):
    """The one-time codes of one tenant."""

    def get(self, verification_id: VerificationId) -> Verification:
        """Return one code. Raises: VerificationNotFound."""
        ...

    def forget(self, *, expired_before: datetime, limit: int) -> int:
        """Delete codes whose `expires_at` is before *expired_before*, at most *limit*; return how many."""
        ...


class OptOutTable(Protocol):
    """Who wants no calls or messages, by the keyed digest of a number."""

    def find(self, number_key: str) -> OptOut | None:
        """Return what is known of a number, or None."""
        ...


class MessageTable(Protocol):
    """The outbox of one tenant: messages to customers."""

    def get(self, message_id: MessageId) -> Message:
        """Return one message. Raises: MessageNotFound."""
        ...

    def by_cause(self, cause: str) -> Message | None:
        """Return the message that tells of this cause, ended or not."""
        ...

    def by_provider(self, channel: str, provider_key: str) -> Message | None:
        """Return the message whose latest send by this channel the provider calls so; if several, the highest id."""
        ...

    def of_callback(self, callback_id: CallbackId, *, limit: int) -> list[Message]:
        """Return the messages about one callback: the latest `created_at` first, then the highest id."""
        ...

    def waiting_of(self, callback_id: CallbackId) -> list[Message]:
        """Return the messages about one callback that are WAITING, by id. O(those returned)."""
        ...

    def last_to(self, address_key: str, *, limit: int) -> list[Message]:
        """Return the messages that were sent last to this address: the latest `sent_at` first, then the highest id."""
        ...

    def uncertain(self, *, limit: int) -> list[Message]:
        """Return the messages in state UNCERTAIN, by `due_at`, then by id."""
        ...

    def due(self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None) -> list[Message]:
        """
        Return those with `due_at` at or before *now*, earliest first, then by id.

        Args:
            queues: only of these queues; of all if None.
        """
        ...


class ConversationTable(Protocol):
    """What was said last to and by each address."""

    def find(self, conversation_key: str) -> Conversation | None:
        """Return one conversation, or None."""
        ...

    def forget(self, *, over_before: datetime, limit: int) -> int:
        """Delete conversations whose `over_at` is before *over_before*, at most *limit*; return how many."""
        ...


class NodeTable(Protocol):
    """The processes that run a dispatcher for one tenant."""

    def find(self, node_id: NodeId) -> Node | None:
        """Return one node, or None."""
        ...

    def present(self) -> list[Node]:
        """Return the nodes that are not GONE, by id. O(those): they are few."""
        ...

    def all(self) -> list[Node]:
        """Return every node, also those that are GONE, by id. O(n): they are forgotten after a while."""
        ...

    def due(self, *, now: datetime, limit: int) -> list[Node]:
        """Return those with `due_at` at or before *now*, earliest first, then by id."""
        ...

    def forget(self, *, gone_before: datetime, limit: int) -> int:
        """
        Delete nodes that are GONE and whose `seen_at` is before *gone_before*, at most *limit*; return how many.

        The longest gone first. O(n), of few.
        """
        ...


class QueueTable(Protocol):
    """What is switched for the queues of one tenant."""

    def find(self, queue: QueueName) -> QueueControl | None:
        """Return what is switched for *queue* itself, or None if nothing ever was."""
        ...

    def in_use(self) -> list[QueueName]:
        """Return the queues in which a callback, a live call or an attempt has not ended, in order. O(log n) each."""
        ...

    def with_callbacks(self) -> list[QueueName]:
        """Return the queues of which there is a callback, ended or not, in order. O(log n) each."""
        ...


class Lanes(Protocol):
    """Sets of skills, interned as small numbers. Lane 0 needs no skill."""

    def skills_of(self, lane: int) -> tuple[str, ...]:
        """Return the skills of a lane, sorted. Raises: LookupError if nothing was interned under it."""
        ...

    def intern(self, skills: Sequence[str]) -> int:
        """Return the number of this set of skills, the same one every time."""
        ...

    def served_by(self, skills: Sequence[str]) -> tuple[int, ...]:
        """Return every lane whose skills are all among *skills*, lowest first; lane 0 always."""
        ...


class Line(Protocol):
    """The WAITING places, live calls and callbacks in one order: by `rank`, then by `place_id`."""

    def head(self, queue: QueueName, *, lanes: Sequence[int], calls_only: bool = False) -> Place | None:
        """
        Return the first place of *queue* in these lanes; the first live call if *calls_only*.

        O(log n) for each lane.
        """
        ...

    def count_ahead(self, queue: QueueName, *, rank: int, place_id: PlaceId) -> Ahead:
        """
        Count the places of *queue*, over all lanes, that stand before this one.

        Exact as long as there are no more than `model.POSITION_EXACT_MAX` of one kind. Beyond, a store may
        estimate: never fewer than that bound in all, and marked by `exact`.
        """
        ...

    def count_passed(
        self, queue: QueueName, *, lane: int, priority: int, rank: int, place_id: PlaceId
    ) -> Ahead:
        """
        Count the places of *queue*, of one lane and one priority, that stand before this one. Exact.

        These are the ones of its class that it passes if it is served now. O(log n + counted); near the head of
        its lane, where it is mostly asked, that is little.
        """
        ...

    def places(
        self, queue: QueueName, *, after: tuple[int, PlaceId] | None = None, limit: int
    ) -> list[Place]:
        """
        Return places of *queue*, over all lanes, in order.

        Args:
            after: only those behind this rank and place id; from the head if None.
            limit: at most so many. O(limit + log n).
        """
        ...

    def waiting_count(self, queue: QueueName) -> int:
        """Count the places of *queue*."""
        ...

    def oldest(self, queue: QueueName) -> tuple[datetime | None, datetime | None]:
        """
        Return the earliest `entered_at` of the live calls, and that of the callbacks, that wait in *queue*.

        Whatever their ranks; None where none waits. O(log n).
        """
        ...

    def is_empty(self) -> bool:
        """Whether no place waits in any queue."""
        ...
