"""What a wallboard shows: the values of this moment, by queue. What was, the figures tell (`model.figures`)."""

from __future__ import annotations

import enum
from datetime import datetime

import attrs

from callbackq.ids import CallbackId, QueueName, TenantId
from callbackq.model.values import Wait


class PromiseKind(enum.StrEnum):
    """Which promise of a callback it is. `core.board` says when each is kept."""

    QUOTED = "quoted"
    """The end of the range of the wait that was quoted."""
    CHOSEN = "chosen"
    """A chosen time without a slot, and five minutes more."""
    BOOKED = "booked"
    """The time of a slot, or the end of the customer's window, and what the slot's policy tolerates."""
    WINDOW = "window"
    """The end of the response window: how long it may take from its turn on."""
    EXPIRY = "expiry"
    """The end of its life."""


@attrs.frozen(kw_only=True)
class PromiseAtRisk:
    """
    A promise that will not be kept, as it looks now.

    Args:
        until_at: by when it was to be kept.
        expected_at: when it is expected to be kept at the earliest; None if nobody can say.
        is_missed: *until_at* has passed.
    """

    callback_id: CallbackId
    kind: PromiseKind
    until_at: datetime
    expected_at: datetime | None
    is_missed: bool


@attrs.frozen(kw_only=True)
class StaffCounts:
    """
    What the agents do who serve a queue. Who serves several queues counts in each of them.

    Args:
        free_count: they can be given a live call or an attempt.
        reserved_count: held for an attempt that is being connected.
        talking_count: with a customer, of a live call or of a callback.
        wrap_up_count: at the work after a call.
        away_count: signed in and given nothing for a while, because they did not answer.
    """

    free_count: int = 0
    reserved_count: int = 0
    talking_count: int = 0
    wrap_up_count: int = 0
    away_count: int = 0

    @property
    def staffed_count(self) -> int:
        """All who are signed in."""
        busy = self.reserved_count + self.talking_count + self.wrap_up_count
        return self.free_count + busy + self.away_count


@attrs.frozen(kw_only=True)
class BoardPlace:
    """
    One of the first places of a line. It names no person, and no live call: a PBX may put numbers into its ids.

    Args:
        callback_id: None if it is a live call.
    """

    number: int
    callback_id: CallbackId | None
    priority: int
    entered_at: datetime
    attempts_count: int = 0
    at_risk: PromiseKind | None = None


@attrs.frozen(kw_only=True)
class QueueBoard:
    """
    One queue, now.

    Args:
        calls_waiting_count, callbacks_waiting_count: places in line.
        callbacks_scheduled_count, callbacks_resting_count, callbacks_held_count, callbacks_attempting_count: callbacks
            in the other states that are not the end.
        is_exact: whether these counts are. Each is exact up to `POSITION_EXACT_MAX`; of more callbacks that are not in
            line only so many are counted, and the line is estimated from there on.
        calls_longest_wait_s, callbacks_longest_wait_s: since the one entered the queue who waits in line for longest,
            whatever the ranks; None where nobody waits.
        wait: the EWT: what a caller of the usual priority would be told who came now; unknown if nobody is staffed.
        attempts_in_flight_count: attempts that have begun, and where the two do not hear each other yet.
        attempts_connected_count: attempts whose customer and agent talk.
        attempts_in_doubt_count: attempts, of either kind, whose customer's leg may or may not ring still.
        bookings_due_count: bookings whose slot begins within the hour.
        promises_at_risk_count: callbacks that will probably or certainly miss a promise, or have done so; see
            `core.board`. Each counts once.
        promises_missed_count: those of them whose time has passed.
        is_risk_exact: false where there are more callbacks than were looked at: then it is at least as many.
        at_risk: the first of them: missed ones, then by when the promise was to be kept.
        offering_paused, dialing_paused: whether no callback is offered, and nobody is called back.
        paused_reason: for people.
        first: the first places of the line, in order.
    """

    queue: QueueName
    calls_waiting_count: int = 0
    callbacks_waiting_count: int = 0
    callbacks_scheduled_count: int = 0
    callbacks_resting_count: int = 0
    callbacks_held_count: int = 0
    callbacks_attempting_count: int = 0
    is_exact: bool = True
    calls_longest_wait_s: float | None = None
    callbacks_longest_wait_s: float | None = None
    wait: Wait
    agents: StaffCounts
    attempts_in_flight_count: int = 0
    attempts_connected_count: int = 0
    attempts_in_doubt_count: int = 0
    bookings_due_count: int = 0
    promises_at_risk_count: int = 0
    promises_missed_count: int = 0
    is_risk_exact: bool = True
    at_risk: tuple[PromiseAtRisk, ...] = ()
    offering_paused: bool = False
    dialing_paused: bool = False
    paused_reason: str | None = None
    first: tuple[BoardPlace, ...] = ()


@attrs.frozen(kw_only=True)
class Board:
    """
    All queues, now. One transaction has seen it all.

    Args:
        at: when.
        queues: in the order of their names, or as they were asked for.
        messages_in_doubt_count: messages of which nobody knows whether they were sent; at most 1,000 are counted.
        next_wakeup_at: the next moment at which time alone changes something in these queues, or to an agent. One that
            has passed waits for a dispatcher.
    """

    tenant_id: TenantId
    at: datetime
    queues: tuple[QueueBoard, ...]
    messages_in_doubt_count: int = 0
    next_wakeup_at: datetime | None = None

    def queue(self, name: str) -> QueueBoard:
        """Return one queue. Raises: KeyError."""
        for queue in self.queues:
            if queue.queue == name:
                return queue
        raise KeyError(name)
