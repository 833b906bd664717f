"""Fakes of the small ports: hours, estimates, tickets, notices. Each remembers what it was asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from callbackq.effects import Notice
from callbackq.ids import CallbackId, QueueName
from callbackq.model import EstimateFacts, NoticeKind, Opening, Purpose, TicketOrder, Wait


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
