"""What those must do who are told what happened: notices, and listeners, through which metrics and CRMs are fed."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

import attrs
import pytest

from callbackq.effects import Notice
from callbackq.events import Event
from callbackq.ids import AgentId, CallbackId, QueueName
from callbackq.model import Disposition, Entity, NoticeKind
from callbackq.policy import FixedSeats, Messages, QueuePolicy, SlotPolicy
from callbackq.ports import Listener, Notices, Store
from callbackq.service import CallbackService
from callbackq.stores.memory import MemoryStore
from callbackq.testing.builders import make_event
from callbackq.testing.clock import START
from callbackq.testing.host import VirtualHost
from callbackq.testing.host_contract.base import FOREIGN, tells
from callbackq.testing.store_contract.base import at_once
from callbackq.testing.telephony import IS_BUSY, NEVER_ANSWERS

NUMBERS: Final = ("+12125550121", "+12125550122", "+12125550123")
_DAY: Final = timedelta(days=1)


class NoticeFarEnd(ABC):
    """Your `Notices`, and whoever they tell. Implement it for your systems."""

    @property
    @abstractmethod
    def notices(self) -> Notices:
        """What takes notices."""

    @property
    @abstractmethod
    def told(self) -> Sequence[str]:
        """The ids of the notices that were taken over so far (`Notice.notice_id`), in any order; wait for them."""

    def close(self) -> None:  # noqa: B027 - need not be implemented
        """Let go of what the test used."""


class NoticesContract:
    """
    The specification of `callbackq.ports.Notices`: subclass, and say how they are made. Needs a `NoticeFarEnd`.

    Attributes:
        kinds: those that yours tell anybody of; all others are taken as well, and go nowhere.
    """

    kinds: frozenset[NoticeKind] = frozenset(NoticeKind)

    def open_notice_end(self) -> NoticeFarEnd:
        """Return notices that nothing was told. The subclass says how."""
        raise NotImplementedError

    @pytest.fixture
    def notice_end(self) -> Iterator[NoticeFarEnd]:
        """Give one test some notices."""
        notice_end = self.open_notice_end()
        yield notice_end
        notice_end.close()

    def order(self, kind: NoticeKind, notice_id: str, **changes: Any) -> Notice:
        """Return a notice."""
        plain = Notice(
            notice_id=notice_id,
            kind=kind,
            callback_id=CallbackId("cb_1"),
            queue=QueueName("support"),
            number=NUMBERS[0],
            name=FOREIGN,
            language="en",
            ticket_id="ticket-1",
            owner_id=AgentId("ann"),
            attempts_count=2,
            last_disposition=Disposition.NO_ANSWER,
            follow_up_due_at=START + _DAY,
            note="called twice",
            alternatives=(START + _DAY,),
        )
        return attrs.evolve(plain, **changes)

    def test_every_kind_is_taken(self, notice_end: NoticeFarEnd) -> None:
        """Also those of which you tell nobody: they are no error."""
        for kind in NoticeKind:
            notice_end.notices.tell(self.order(kind, f"no_{kind}"))
        assert sorted(set(notice_end.told)) == sorted(f"no_{kind}" for kind in self.kinds)

    def test_a_notice_needs_little(self, notice_end: NoticeFarEnd) -> None:
        """No name, no ticket, no attempt."""
        for kind in NoticeKind:
            bare = Notice(
                notice_id=f"no_bare_{kind}",
                kind=kind,
                callback_id=CallbackId("cb_1"),
                queue=QueueName("support"),
                number=NUMBERS[1],
            )
            notice_end.notices.tell(bare)
        assert {f"no_bare_{kind}" for kind in self.kinds} == set(notice_end.told)

    def test_many_threads_tell(self, notice_end: NoticeFarEnd) -> None:
        """Nothing is lost."""
        kind = min(self.kinds)
        at_once(lambda number: notice_end.notices.tell(self.order(kind, f"no_{number}")), count=6)
        assert {f"no_{number}" for number in range(6)} == set(notice_end.told)

    def test_a_notice_is_left_as_it_is(self, notice_end: NoticeFarEnd) -> None:
        """It belongs to who gave it."""
        given = self.order(min(self.kinds), "no_1")
        before = attrs.asdict(given)
        notice_end.notices.tell(given)
        assert attrs.asdict(given) == before

    def test_nobody_is_named_in_the_log(
        self, notice_end: NoticeFarEnd, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Neither number nor name."""
        with caplog.at_level(logging.INFO):
            for kind in NoticeKind:
                notice_end.notices.tell(self.order(kind, f"no_{kind}"))
        assert not tells(caplog.text, (*NUMBERS, FOREIGN))


# ---------------------------------------------------------------------------- listeners


class SomethingNew(Event):
    """An event that a later release may have. No class of attrs: stores would take it for one of this release."""

    __slots__ = ()
    entity = Entity.CALLBACK


class _Ear:
    """Hears instead of the listener, hands on, and keeps what was heard and what went wrong."""

    def __init__(self, listener: Listener) -> None:
        self.listener: Final = listener
        self.heard: Final[list[tuple[Event, ...]]] = []
        self.errors: Final[list[Exception]] = []

    def __call__(self, events: tuple[Event, ...], /) -> None:
        self.heard.append(events)
        try:
            self.listener(events)
        except Exception as error:
            self.errors.append(error)


class ListenerContract:
    """
    The specification of `callbackq.ports.Listener`: whatever feeds a CRM, a dashboard or metrics from events.

    A day passes, in no time, and your listener hears of it: callers who wait, leave, and take a callback; who is busy,
    never there, calls off, or books a time; agents, messages and bookings.
    """

    def open_listener(self) -> Listener:
        """Return a listener that has heard nothing. The subclass says how."""
        raise NotImplementedError

    def store_of(self, listener: Listener) -> Store:
        """Return the store on which the day passes: a fresh one in memory, unless your listener reads its own."""
        return MemoryStore()

    def check_heard(self, listener: Listener, service: CallbackService) -> None:
        """Check what became of what was heard, if you can: `service` tells what happened. It is asked after a day."""

    @pytest.fixture
    def listener(self) -> Listener:
        """Give one test a listener."""
        return self.open_listener()

    def test_a_day_is_heard(self, listener: Listener) -> None:
        """All of it, from its beginning, with no error."""
        ear = _Ear(listener)
        host = a_day(ear, store=self.store_of(listener))
        assert ear.errors == []
        assert len({event.kind for events in ear.heard for event in events}) > 20
        self.check_heard(listener, host.service)

    def test_what_it_does_not_know_is_no_error(self, listener: Listener) -> None:
        """A later release has events that this one has not; and one tuple may hold several."""
        new = make_event(SomethingNew, at=START)
        listener((new,))
        listener((new, make_event(SomethingNew, version=2, at=START)))

    def test_threads_tell_it(self) -> None:
        """Each in its own order: commands come from any thread."""
        ear = _Ear(lambda _events: None)
        a_day(ear)
        listener = self.open_listener()
        at_once(lambda _: [listener(events) for events in ear.heard])

    def test_nobody_is_named_in_the_log(self, listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
        """What a listener writes down is read by more people than it should be."""
        with caplog.at_level(logging.DEBUG):
            a_day(_Ear(listener), store=self.store_of(listener))
        assert not tells(caplog.text, (*NUMBERS, FOREIGN))


def a_day(listener: Listener, *, store: Store | None = None) -> VirtualHost:
    """Let half a day pass on a fresh store, with a bit of everything, and a listener that hears it."""
    policy = QueuePolicy(
        queue="support", company="Acme", messages=Messages(), slots=SlotPolicy(seats=FixedSeats(seats=2))
    )
    host = VirtualHost(store or MemoryStore(), [policy], listeners=[listener])
    service, (one, two, three) = host.service, NUMBERS
    host.run_for(timedelta(hours=6))  # So late that messages may be sent in New York.
    service.agent_available("ann", queues=["support"])
    for number, call_id in enumerate(("call-1", "call-2", "call-3", "call-4")):
        service.call_joined("support", call_id=call_id, number=f"+1212555013{number}")
        host.run_for(timedelta(seconds=1))
    service.call_left("call-2")
    service.offer("call-3")
    service.request("support", call_id="call-3", name=FOREIGN)
    service.call_left("call-1")
    host.telephony.person(one, IS_BUSY)
    host.telephony.person(two, NEVER_ANSWERS)
    busy = service.request("support", number=one)
    service.request("support", number=two)
    booked = service.request("support", number=three, scheduled_at=service.slots("support")[2].starts_at)
    service.reschedule(booked.callback_id, scheduled_at=service.slots("support")[3].starts_at)
    host.run_for(timedelta(minutes=30))
    service.call_left("call-4")
    service.pause("support", dialing=True)
    host.run_for(timedelta(minutes=5))
    service.resume("support", dialing=True)
    host.run_for(timedelta(hours=2))
    if service.get(busy.callback_id).outcome is None:
        service.cancel(busy.callback_id)
    service.cancel(service.request("support", number="+12125550124").callback_id)
    host.run_for(timedelta(hours=4))
    service.agent_unavailable("ann")
    return host
