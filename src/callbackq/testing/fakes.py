"""Fakes of small ports: hours, seats, estimates, tickets, notices, messages, codes. Each keeps what it was asked."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from callbackq.effects import Notice, SendMessage
from callbackq.errors import MessageImpossible, MessageRefused, RecipientOptedOut
from callbackq.events import Event
from callbackq.ids import CallbackId, MessageId, QueueName
from callbackq.model import (
    SMS,
    CodeOrder,
    Delivery,
    DeliveryKind,
    EstimateFacts,
    MessageKind,
    NoticeKind,
    Opening,
    Purpose,
    TicketOrder,
    Wait,
)
from callbackq.testing.clock import ManualClock


class FakeHours:
    """
    Hours that a test sets.

    Attributes:
        openings: by queue; a queue that is not named is open for ever.
        error: raised instead of an answer, if set.

    >>> from datetime import UTC
    >>> hours = FakeHours({"support": Opening(is_open=False)})
    >>> hours.opening(QueueName("support"), datetime(2026, 1, 5, tzinfo=UTC)).is_open
    False
    """

    def __init__(self, openings: Mapping[str, Opening] | None = None) -> None:
        self.openings: dict[str, Opening] = dict(openings or {})
        self.error: Exception | None = None
        self.asked: list[tuple[QueueName, datetime]] = []

    def opening(self, queue: QueueName, at: datetime) -> Opening:
        """Return what the test set. Raises: `error`, if set."""
        self.asked.append((queue, at))
        if self.error is not None:
            raise self.error
        return self.openings.get(queue, Opening(is_open=True))


class FakeCapacity:
    """
    The seats of slots, as a test sets them.

    Attributes:
        seats_count: of every slot that is not named.
        by_start: seats by the start of a slot, an aware instant in any zone.
        error: raised instead of an answer, if set.
        asked: what it was asked, in order: the queue, the starts, and the length.

    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 5, 9, tzinfo=UTC)
    >>> FakeCapacity(2, by_start={at: 0}).seats("support", [at, at + timedelta(hours=1)], timedelta(hours=1))
    [0, 2]
    """

    def __init__(self, seats_count: int = 1, *, by_start: Mapping[datetime, int] | None = None) -> None:
        self.seats_count = seats_count
        self.by_start: dict[datetime, int] = dict(by_start or {})
        self.error: Exception | None = None
        self.asked: list[tuple[QueueName, tuple[datetime, ...], timedelta]] = []

    def seats(self, queue: QueueName, starts: Sequence[datetime], length: timedelta) -> list[int]:
        """Return what the test set. Raises: `error`, if set."""
        self.asked.append((queue, tuple(starts), length))
        if self.error is not None:
            raise self.error
        return [self.by_start.get(at, self.seats_count) for at in starts]


class FakeDoNotCall:
    """
    A do-not-call list that a test sets.

    Attributes:
        listed: the numbers that must not be called.
        error: raised instead of an answer, if set.
        asked: what it was asked, in order: number and purpose.

    >>> FakeDoNotCall(["+12125550123"]).is_listed("+12125550123", Purpose.SALES)
    True
    """

    def __init__(self, listed: Iterable[str] = ()) -> None:
        self.listed: set[str] = set(listed)
        self.error: Exception | None = None
        self.asked: list[tuple[str, Purpose]] = []

    def is_listed(self, number: str, purpose: Purpose) -> bool:
        """Return whether the test listed the number. Raises: `error`, if set."""
        self.asked.append((number, purpose))
        if self.error is not None:
            raise self.error
        return number in self.listed


class FakeEstimator:
    """
    An estimator that answers what a test sets.

    Attributes:
        wait: the answer; None for no data.
        error: raised instead, if set.
        asked: the facts it was given.
    """

    name = "fake"

    def __init__(self, wait: Wait | None = None) -> None:
        self.wait = wait
        self.error: Exception | None = None
        self.asked: list[EstimateFacts] = []

    def estimate(self, facts: EstimateFacts) -> Wait | None:
        """Return what the test set. Raises: `error`, if set."""
        self.asked.append(facts)
        if self.error is not None:
            raise self.error
        return self.wait


class FakeTickets:
    """
    A help desk that numbers its tickets, one for each callback.

    Attributes:
        orders: every order, in order; the same callback may be ordered twice and gets the same ticket.
        error: raised instead of opening a ticket, if set.
    """

    def __init__(self) -> None:
        self.orders: list[TicketOrder] = []
        self.error: Exception | None = None
        self._opened: dict[CallbackId, str] = {}

    def open(self, order: TicketOrder) -> str:
        """Return the ticket of this callback. Raises: `error`, if set."""
        self.orders.append(order)
        if self.error is not None:
            raise self.error
        return self._opened.setdefault(order.callback_id, f"ticket-{len(self._opened) + 1}")


class FakeNotices:
    """
    Keeps what it was told to tell.

    Attributes:
        told: every notice, in order; also those at which it raised.
        error: raised after that, if set.
    """

    def __init__(self) -> None:
        self.told: list[Notice] = []
        self.error: Exception | None = None

    def tell(self, order: Notice) -> None:
        """Keep one notice. Raises: `error`, if set."""
        self.told.append(order)
        if self.error is not None:
            raise self.error

    def kinds(self, callback_id: str | None = None) -> list[NoticeKind]:
        """Return the kinds of what was told, in order: of one callback, or of all."""
        return [told.kind for told in self.told if callback_id in (None, told.callback_id)]


class FakeListener:
    """
    Keeps what it was told. Safe in threads, as a list is.

    Attributes:
        heard: the events of each transaction, in the order in which they were told; also those at which it raised.
        error: raised after that, if set.

    >>> from callbackq.events import CallbackReady
    >>> from callbackq.testing.builders import make_event
    >>> listener = FakeListener()
    >>> listener((make_event(CallbackReady),))
    >>> listener.kinds()
    ['callback_ready']
    """

    def __init__(self) -> None:
        self.heard: list[tuple[Event, ...]] = []
        self.error: Exception | None = None

    def __call__(self, events: tuple[Event, ...], /) -> None:
        """Keep the events of one transaction. Raises: `error`, if set."""
        self.heard.append(events)
        if self.error is not None:
            raise self.error

    def kinds(self, callback_id: str | None = None) -> list[str]:
        """Return the kinds of all events, in order: of one callback, or of all."""
        return [
            event.kind
            for events in self.heard
            for event in events
            if callback_id is None or getattr(event, "callback_id", None) == callback_id
        ]


def make_send(send_id: str = "ms_1.1", **changes: Any) -> SendMessage:
    """
    Build an order to send a confirmation by SMS.

    >>> make_send("ms_7.1").message_id
    'ms_7'
    """
    fields: dict[str, Any] = {
        "send_id": send_id,
        "message_id": MessageId(send_id.rpartition(".")[0] or send_id),
        "kind": MessageKind.CONFIRMATION,
        "channel": SMS,
        "queue": QueueName("support"),
        "to": "+12125550101",
        "text": "We call you back when it is your turn.",
        "title": "Your callback",
        "segments_count": 1,
        "language": "en",
    }
    return SendMessage(**{**fields, **changes})


class Reaction(enum.StrEnum):
    """What a provider does with a message, in a test."""

    ACCEPTS = "accepts"
    REFUSES = "refuses"
    """Certainly not sent, now."""
    IMPOSSIBLE = "impossible"
    """Certainly not sent, and never will be."""
    OPTED_OUT = "opted_out"
    """Certainly not sent: its owner opted out."""
    FAILS = "fails"
    """Nobody knows; in truth it was not sent."""
    FAILS_AFTER = "fails_after"
    """Nobody knows; in truth it was sent."""
    HANGS = "hangs"
    """Waits until `FakeMessenger.release`, and accepts then. In virtual time nobody could say so."""


class FakeMessenger:
    """
    A provider of messages that a test scripts. It takes everything, unless told otherwise. Safe in threads.

    Args:
        clock: of the test, if receipts are to come by themselves.
        receipt_after: so long after a message was accepted a receipt says that it arrived; None: only those that the
            test tells (`receipt`).

    Attributes:
        orders: all that it was asked to send, in order: also what it refused, and what came twice.
        sent: what it sent, in order: each send id once.
        on_delivery: takes the receipts: `runner.delivery`.

    >>> messenger = FakeMessenger()
    >>> messenger.does("+12125550101", Reaction.REFUSES, Reaction.ACCEPTS)
    >>> messenger.send(make_send("msg_1.1", to="+12125550101"))
    Traceback (most recent call last):
    callbackq.errors.MessageRefused: refused
    >>> messenger.send(make_send("msg_1.2", to="+12125550101"))
    'provider-1'
    >>> [order.send_id for order in messenger.sent_to("+12125550101")]
    ['msg_1.2']
    """

    def __init__(self, clock: ManualClock | None = None, *, receipt_after: timedelta | None = None) -> None:
        self.orders: list[SendMessage] = []
        self.sent: list[SendMessage] = []
        self.on_delivery: Callable[[Delivery], object] = lambda _delivery: None
        self._clock = clock
        self._receipt_after = receipt_after
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._scripts: dict[str | None, list[Reaction]] = {}
        self._provider_ids: dict[str, str] = {}

    def does(self, to: str | None, *reactions: Reaction) -> None:
        """
        Say what happens to the next messages to one number or address; to the last one's end, then the last again.

        None stands for all that are not named.
        """
        with self._lock:
            self._scripts[to] = list(reactions)

    def release(self) -> None:
        """Let everything go on that hangs, and never hang again."""
        self._released.set()

    def send(self, order: SendMessage) -> str | None:
        """Do what the script says. A send id that was sent is not sent again. Raises: what the script says."""
        with self._lock:
            self.orders.append(order)
            known = self._provider_ids.get(order.send_id)
            reaction = Reaction.ACCEPTS if known is not None else self._next_reaction(order.to)
        if known is not None:
            return known
        if reaction is Reaction.HANGS:
            self._released.wait()
        _raise_if_not_sent(reaction)
        provider_id = self._take(order)
        if reaction is Reaction.FAILS_AFTER:
            raise ConnectionError("the connection was lost")
        return provider_id

    def provider_id_of(self, order: SendMessage) -> str:
        """Return what the provider calls this send. Raises: LookupError: it was not taken."""
        return self._provider_ids[order.send_id]

    def receipt(
        self, order: SendMessage, kind: DeliveryKind = DeliveryKind.DELIVERED, *, problem: str | None = None
    ) -> None:
        """Tell what became of a message that was sent, as the provider would: by its own id."""
        provider_id = self.provider_id_of(order)
        self.on_delivery(Delivery(kind=kind, provider_id=provider_id, channel=order.channel, problem=problem))

    def sent_to(self, to: str | None) -> list[SendMessage]:
        """Return what was sent to one number or address, in order."""
        return [order for order in self.sent if order.to == to]

    def texts(self, to: str | None = None) -> list[str]:
        """Return the texts that were sent, in order: to one number or address, or to all."""
        return [order.text for order in self.sent if to in (None, order.to)]

    def kinds(self, callback_id: str | None = None) -> list[MessageKind]:
        """Return the kinds of what was sent, in order: of one callback, or of all."""
        return [order.kind for order in self.sent if callback_id in (None, order.callback_id)]

    @property
    def last(self) -> SendMessage:
        """Return what was sent last. Raises: LookupError, if nothing was."""
        if not self.sent:
            raise LookupError("no message was sent")
        return self.sent[-1]

    def _next_reaction(self, to: str | None) -> Reaction:
        script = self._scripts.get(to) or self._scripts.get(None) or [Reaction.ACCEPTS]
        return script.pop(0) if len(script) > 1 else script[0]

    def _take(self, order: SendMessage) -> str:
        with self._lock:
            known = self._provider_ids.get(order.send_id)
            if known is not None:
                return known
            provider_id = self._provider_ids[order.send_id] = f"provider-{len(self.sent) + 1}"
            self.sent.append(order)
            if self._clock is not None and self._receipt_after is not None:
                self._clock.plan(self._clock.now() + self._receipt_after, partial(self.receipt, order))
        return provider_id


def _raise_if_not_sent(reaction: Reaction) -> None:
    match reaction:
        case Reaction.REFUSES:
            raise MessageRefused("refused", problem="fake_refused")
        case Reaction.IMPOSSIBLE:
            raise MessageImpossible("impossible", problem="fake_impossible")
        case Reaction.OPTED_OUT:
            raise RecipientOptedOut("opted out", problem="fake_opted_out")
        case Reaction.FAILS:
            raise ConnectionError("the connection was lost")
        case _:
            return


class FakeCodes:
    """
    Keeps the one-time codes that were sent, as the phones of their owners would.

    Attributes:
        orders: every order, in order; also those at which it raised.
        error: raised after that, if set.
    """

    def __init__(self) -> None:
        self.orders: list[CodeOrder] = []
        self.error: Exception | None = None

    def send(self, order: CodeOrder) -> None:
        """Keep one code. Raises: `error`, if set."""
        self.orders.append(order)
        if self.error is not None:
            raise self.error

    def code_for(self, number: str) -> str:
        """Return the latest code that was sent to a number. Raises: LookupError, if none was."""
        for order in reversed(self.orders):
            if order.number == number:
                return order.code
        raise LookupError("no code was sent to this number")
