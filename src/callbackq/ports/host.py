"""What a host plugs in: clock, ids, opening hours, estimates, tickets, telephony, notices."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from callbackq.effects import (
    Bridge,
    ConnectCall,
    Dial,
    HangUp,
    Notice,
    Play,
    ReleaseAgent,
    ReserveAgent,
    SendDigits,
    SendMessage,
    StopPlay,
)
from callbackq.events import Event
from callbackq.ids import (
    QueueName,
)
from callbackq.model import (
    CodeOrder,
    EstimateFacts,
    Opening,
    Purpose,
    TelephonySnapshot,
    TicketOrder,
    Wait,
)

# ---------------------------------------------------------------------------- time and ids


class Clock(Protocol):
    """Says what time it is."""

    def now(self) -> datetime:
        """Return the present instant, aware, in any zone."""
        ...


class IdSource(Protocol):
    """Makes ids that are never made again."""

    def new(self, prefix: str, *, now: datetime) -> str:
        """Return a new id that starts with *prefix* and sorts after those made at an earlier *now*."""
        ...


# ---------------------------------------------------------------------------- opening hours, estimates, tickets


class Hours(Protocol):
    """
    Says when a queue is open. The offers of a queue ask it; nothing is offered where it raises.

    >>> from datetime import UTC, datetime, time
    >>> from callbackq import Opening
    >>> class NineToFive:
    ...     def opening(self, queue, at):
    ...         closes_at = at.replace(hour=17, minute=0, second=0, microsecond=0)
    ...         is_open = 9 <= at.hour < 17
    ...         return Opening(is_open=is_open, changes_at=closes_at if is_open else None)
    >>> NineToFive().opening("support", datetime(2026, 1, 5, 10, tzinfo=UTC)).is_open
    True
    """

    def opening(self, queue: QueueName, at: datetime) -> Opening:
        """Return whether *queue* is open at *at* (aware, UTC), and when that changes next."""
        ...


class SlotCapacity(Protocol):
    """
    Says how many callbacks a slot can take: from a staffing plan, or from workforce management.

    >>> class TwoForEach:
    ...     def seats(self, queue, starts, length):
    ...         return [2 for _ in starts]
    >>> TwoForEach().seats("support", [], None)
    []
    """

    def seats(self, queue: QueueName, starts: Sequence[datetime], length: timedelta) -> Sequence[int]:
        """
        Return the number of seats of each slot that begins at one of *starts* (aware, UTC, in order), 0 or more.

        Must return soon, and answer from what it has at hand. Where it raises, or answers nonsense, there are no
        seats, and the log says so; what is booked already stays booked.
        """
        ...


class Estimator(Protocol):
    """Estimates how long a place will wait, from what is known of the line. Pure: the same facts, the same answer."""

    @property
    def name(self) -> str:
        """A short name, such as `"ql"`: it is kept with what was quoted."""
        ...

    def estimate(self, facts: EstimateFacts) -> Wait | None:
        """
        Return the wait in seconds, with `Wait.estimator` set to the name.

        None where its data is missing: then the usual estimate is taken. What it raises is logged, and so is it.
        """
        ...


class Tickets(Protocol):
    """Opens tickets in a help desk."""

    def open(self, order: TicketOrder) -> str:
        """
        Open a ticket, and return its id: 1 to 200 characters.

        The same `order.callback_id` again must give the same ticket. What it raises is logged, and the promise
        stands without a ticket; the same request again asks for the ticket again.
        """
        ...


# ---------------------------------------------------------------------------- who must not be called, one-time codes


class DoNotCall(Protocol):
    """
    Knows who must not be called: a register, or the company's own list.

    >>> class Nobody:
    ...     def is_listed(self, number, purpose):
    ...         return False
    >>> Nobody().is_listed("+12125550123", "requested")
    False
    """

    def is_listed(self, number: str, purpose: Purpose) -> bool:
        """
        Return whether *number*, in E.164, must not be called for this purpose.

        Asked when a callback is requested, and at every attempt, within a transaction: it must return soon, and answer
        from what it has at hand. Where it raises, nobody is called: a request is refused as a store that is
        unavailable would refuse it, and an attempt is held and asked again.
        """
        ...


class Messenger(Protocol):
    """
    Sends messages to customers: SMS, WhatsApp, e-mail, push, or whatever the host has. It decides nothing, no retry.

    What becomes of a message later is told to `CallbackService.delivery`, and what customers write to
    `CallbackService.message_received`, both through the runner, at any time, from any thread.
    `callbackq.testing.contracts.MessengerContract` says exactly what is asked.
    """

    def send(self, order: SendMessage) -> str | None:
        """
        Send one message, and return the provider's own id of it, if it has one.

        A second call with the same `order.send_id` must not send twice. No transaction is open; it may take its
        time, up to `Messages.send_time_max`.

        Raises:
            MessageRefused: certainly not sent; it is tried again.
            MessageImpossible: certainly not sent, and never will be by this channel.
            RecipientOptedOut: the provider knows of an opt-out. Any other exception means that nobody knows whether
                it was sent: it is not repeated.
        """
        ...


class AsyncMessenger(Protocol):
    """`Messenger` for runners: `send` may be a coroutine function, or a plain one, which may block."""

    def send(self, order: SendMessage) -> Awaitable[str | None] | str | None:
        """See `Messenger.send`."""
        ...


class CodeSender(Protocol):
    """Sends one-time codes, by message or by a call that speaks them."""

    def send(self, order: CodeOrder) -> None:
        """
        Send `order.code` to `order.number`. No transaction is open; it may take its time.

        What it raises becomes `CodeNotSent`, and the code is void.
        """
        ...


# ---------------------------------------------------------------------------- what happened


class Listener(Protocol):
    """
    Is told what happened, in this process: any function of one argument. See `CallbackService`.

    >>> from callbackq.events import CallbackEnded
    >>> ended = []
    >>> def hear(events):
    ...     ended.extend(event.callback_id for event in events if isinstance(event, CallbackEnded))
    >>> hear(())
    """

    def __call__(self, events: tuple[Event, ...], /) -> object:
        """
        Hear the events of one transaction, one or more, in their order. They are committed.

        It is called in the thread that gave the command, before the command returns, outside any transaction and lock:
        it must return soon, and may use the service. What it raises is logged by type, and changes nothing.
        """
        ...


# ---------------------------------------------------------------------------- telephony


class Telephony(Protocol):
    """
    Moves legs. It decides nothing: no order, no timer, no retry.

    What happens to a leg is reported to `CallbackService.report` (through the runner), at any time, from any
    thread, also before these methods return. Every leg that was dialed ends with one ENDED report.
    """

    def dial(self, order: Dial) -> None:
        """
        Place one leg. Must return soon; must not wait for an answer.

        A second call with the same `order.leg_id` must not place a second call.

        Raises:
            DialRefused: certainly not placed.
            DialUncertain: it may ring. Any other exception is taken for this.
        """
        ...

    def bridge(self, order: Bridge) -> None:
        """Join two answered legs, and report BRIDGED when they can hear each other."""
        ...

    def hang_up(self, order: HangUp) -> None:
        """End a leg, saying `order.prompt` first if it was answered. A leg that is gone is no error."""
        ...

    def play(self, order: Play) -> None:
        """Play a prompt to an answered leg, and report its end as PLAYED. A leg that is gone is no error."""
        ...

    def stop_play(self, order: StopPlay) -> None:
        """End what is played to a leg, so that a bridge need not wait. Nothing to end is no error."""
        ...

    def send_digits(self, order: SendDigits) -> None:
        """Press keys on an answered leg. A leg that is gone is no error."""
        ...

    def connect_call(self, order: ConnectCall) -> None:
        """Connect a live caller to an agent."""
        ...


class AsyncTelephony(Protocol):
    """
    `Telephony` for runners: each method may be a coroutine function, which is awaited, or a plain one, which may block.

    So is every `Telephony` one. A coroutine that takes too long is cancelled, and counts as uncertain; what blocks
    is called in a thread. The same holds for the methods of `CanSnapshot` and `CanReserve`.
    """

    def dial(self, order: Dial) -> Awaitable[None] | None:
        """See `Telephony.dial`."""
        ...

    def bridge(self, order: Bridge) -> Awaitable[None] | None:
        """See `Telephony.bridge`."""
        ...

    def hang_up(self, order: HangUp) -> Awaitable[None] | None:
        """See `Telephony.hang_up`."""
        ...

    def play(self, order: Play) -> Awaitable[None] | None:
        """See `Telephony.play`."""
        ...

    def stop_play(self, order: StopPlay) -> Awaitable[None] | None:
        """See `Telephony.stop_play`."""
        ...

    def send_digits(self, order: SendDigits) -> Awaitable[None] | None:
        """See `Telephony.send_digits`."""
        ...

    def connect_call(self, order: ConnectCall) -> Awaitable[None] | None:
        """See `Telephony.connect_call`."""
        ...


@runtime_checkable
class CanSnapshot(Protocol):
    """Telephony that can say which legs it has. Runners ask it when they start and after every lost connection."""

    def snapshot(self) -> TelephonySnapshot:
        """
        Return every leg that it has now, of those that any node of this tenant had dialed.

        Ask the PBX at each call, and not a copy that is kept: a leg that was there when the call began is in it.
        A leg that is missing is believed to be gone: nodes of one tenant that reach different PBXs must not share a
        store. Legs that are somebody else's do no harm.

        Raises:
            TelephonyDown: it cannot say; it is asked again.
        """
        ...


@runtime_checkable
class CanReserve(Protocol):
    """Telephony with queues of its own, which can be kept from giving calls to an agent."""

    def reserve_agent(self, order: ReserveAgent) -> None:
        """Give this agent no calls of your own until `release_agent`. Twice is no error."""
        ...

    def release_agent(self, order: ReleaseAgent) -> None:
        """This agent may be given calls again. One who was not reserved is no error."""
        ...


class Notices(Protocol):
    """Tells customers and the company's own systems what happened: messages, notes, follow-up tasks."""

    def tell(self, order: Notice) -> None:
        """
        Take one notice over. Must return soon.

        It is given out once; what it raises is logged. The history says what was to be told (`notice`, `notices`).
        """
        ...


class AsyncNotices(Protocol):
    """`Notices` for runners: `tell` may be a coroutine function, or a plain one."""

    def tell(self, order: Notice) -> Awaitable[None] | None:
        """See `Notices.tell`."""
        ...
