"""Far ends of the fakes, and of what is ours: for the contracts of the small protocols."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from callbackq import (
    Closure,
    QueuePolicy,
    Span,
    TicketOrder,
    WeekHours,
)
from callbackq.adapters.messengers import CodesByMessage
from callbackq.model import MessageKind
from callbackq.policy.hours import weekdays
from callbackq.testing import (
    FakeCodes,
    FakeMessenger,
    FakeNotices,
    FakeTickets,
    Reaction,
)
from callbackq.testing.contracts import (
    CodeFarEnd,
    HelpDesk,
    NoticeFarEnd,
)

LONDON = ZoneInfo("Europe/London")
BEFORE_THE_CHANGE = datetime(2026, 3, 23, tzinfo=UTC)


def week() -> WeekHours:
    """With a lunch break, a closed Friday, an evening that ends after midnight, and a change of clocks."""
    day = (Span(time(9), time(12, 30)), Span(time(13), time(17)))
    return WeekHours(
        zone="Europe/London",
        week=weekdays(*day),
        closures=(
            Closure(
                from_at=datetime(2026, 3, 27, tzinfo=LONDON),
                until_at=datetime(2026, 3, 28, tzinfo=LONDON),
            ),
        ),
    )


class FakeCodeEnd(CodeFarEnd):
    """The fake, and whom it sends to."""

    def __init__(self, sender: Any = None) -> None:
        self.fake = FakeCodes()
        self._sender = sender(self.fake) if sender is not None else self.fake

    @property
    def sender(self) -> Any:
        return self._sender

    def heard(self, number: str) -> list[str]:
        return [order.code for order in self.fake.orders if order.number == number]


class MessageEnd(CodeFarEnd):
    """Codes in the words of the catalogue, through a messenger."""

    def __init__(self) -> None:
        self.messenger = FakeMessenger()
        self._sender = CodesByMessage(self.messenger, [QueuePolicy(queue="support", company="Acme")])

    @property
    def sender(self) -> CodesByMessage:
        return self._sender

    def heard(self, number: str) -> list[str]:
        found = self.messenger.sent_to(number)
        assert all(one.kind is MessageKind.VERIFICATION for one in found)
        return [one.text for one in found]

    def refusing(self) -> str:
        self.messenger.does("+12125550199", Reaction.IMPOSSIBLE)
        return "+12125550199"


class FakeDesk(HelpDesk):
    """The fake: it keeps its tickets itself."""

    def __init__(self, tickets: Any = FakeTickets) -> None:
        self._tickets = tickets()

    @property
    def tickets(self) -> Any:
        return self._tickets

    @property
    def ticket_ids(self) -> list[str]:
        return list(self._tickets._opened.values())


class KeyedDesk(HelpDesk):
    """A help desk that is given a key with each ticket, and keeps one for each, as several do."""

    def __init__(self, tickets: Any = None) -> None:
        self.kept: dict[str, str] = {}
        self.lock = threading.Lock()
        self.breaks = False
        self._make = tickets or KeyedTickets
        self._tickets = self._make(self)

    @property
    def tickets(self) -> Any:
        return self._tickets

    @property
    def ticket_ids(self) -> list[str]:
        return list(self.kept.values())

    def post(self, key: str, subject: str) -> str:
        with self.lock:
            ticket_id = self.kept.setdefault(key, str(1000 + len(self.kept)))
        if self.breaks:
            self.breaks = False
            raise ConnectionError("the connection was lost")
        return ticket_id

    def another_process(self) -> Any:
        return self._make(self)

    def lose_the_next_reply(self) -> None:
        self.breaks = True


class KeyedTickets:
    """Opens tickets there."""

    def __init__(self, desk: KeyedDesk) -> None:
        self._desk = desk

    def open(self, order: TicketOrder) -> str:
        return self._desk.post(order.callback_id, f"Call back: {order.queue}")


class FakeNoticeEnd(NoticeFarEnd):
    """The fake, and what it was told."""

    def __init__(self, notices: Any = None) -> None:
        self.fake = FakeNotices()
        self._notices = notices(self.fake) if notices is not None else self.fake

    @property
    def notices(self) -> Any:
        return self._notices

    @property
    def told(self) -> list[str]:
        return [notice.notice_id for notice in self.fake.told]
