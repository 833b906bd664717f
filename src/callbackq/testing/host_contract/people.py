"""What a do-not-call list, a sender of one-time codes, and a help desk must do."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import attrs
import pytest

from callbackq.core.instants import TEXT_MAX, check_text
from callbackq.ids import CallbackId, QueueName, VerificationId
from callbackq.model import Channel, CodeOrder, Purpose, TicketOrder
from callbackq.ports import CodeSender, DoNotCall, Tickets
from callbackq.testing.clock import START
from callbackq.testing.host_contract.base import FOREIGN, tells
from callbackq.testing.store_contract.base import at_once

# ---------------------------------------------------------------------------- who must not be called

LISTED: Final = ("+12125550111", "+442079460111", "+4930555501115")
_NOT_LISTED: Final = ("+12125550112", "+1212555011", "+121255501111", "+442079460112", "+4930555501")


class DoNotCallContract:
    """
    The specification of `callbackq.ports.DoNotCall`: subclass, and say how a list is made.

    Attributes:
        purpose: for which the listed numbers must not be called.
    """

    purpose: Purpose = Purpose.SALES

    def open_do_not_call(self, listed: Iterable[str]) -> DoNotCall:
        """Return a list that has these numbers, and no others. The subclass says how."""
        raise NotImplementedError

    @pytest.fixture
    def do_not_call(self) -> DoNotCall:
        """Give one test a list."""
        return self.open_do_not_call(LISTED)

    def test_who_is_listed_is_found(self, do_not_call: DoNotCall) -> None:
        """Each of them, asked again and again, and in any thread. Nothing but True is true."""
        for number in LISTED * 2:
            assert do_not_call.is_listed(number, self.purpose) is True
        answers = at_once(lambda _: [do_not_call.is_listed(number, self.purpose) for number in LISTED])
        assert answers == [[True] * len(LISTED)] * len(answers)

    def test_who_is_not_listed_is_not_found(self, do_not_call: DoNotCall) -> None:
        """Also whose number is a part of a listed one, or the other way round. None is no answer."""
        for number in _NOT_LISTED * 2:
            assert do_not_call.is_listed(number, self.purpose) is False

    def test_every_purpose_has_an_answer(self, do_not_call: DoNotCall) -> None:
        """Which, is a matter of the law: a list against sales may say nothing of calls that were asked for."""
        for purpose in Purpose:
            for number in (*LISTED, *_NOT_LISTED):
                assert isinstance(do_not_call.is_listed(number, purpose), bool)

    def test_an_empty_list_has_nobody(self) -> None:
        """And is asked like any other."""
        empty = self.open_do_not_call(())
        assert not any(empty.is_listed(number, purpose) for number in LISTED for purpose in Purpose)

    def test_nobody_is_named_in_the_log(
        self, do_not_call: DoNotCall, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A list of who wants no calls is a list of numbers."""
        with caplog.at_level(logging.DEBUG):
            for number in (*LISTED, *_NOT_LISTED):
                do_not_call.is_listed(number, self.purpose)
        assert not tells(caplog.text, (*LISTED, *_NOT_LISTED))


# ---------------------------------------------------------------------------- one-time codes


class CodeFarEnd(ABC):
    """Your sender of codes, and the phones that it sends to. Implement it for your provider."""

    @property
    @abstractmethod
    def sender(self) -> CodeSender:
        """The sender."""

    @abstractmethod
    def heard(self, number: str) -> Sequence[str]:
        """Return what the owner of a number has read or heard so far, in order: texts with a code in them."""

    def refusing(self) -> str:
        """Return a number, in E.164, to which nothing can be sent. Only `CodeRefusalContract` asks."""
        raise NotImplementedError

    def close(self) -> None:  # noqa: B027 - need not be implemented
        """Let go of what the test used."""


class _CodeContractBase:
    def open_code_end(self) -> CodeFarEnd:
        """Return a sender that has sent nothing, with its phones. The subclass says how."""
        raise NotImplementedError

    @pytest.fixture
    def code_end(self) -> Iterator[CodeFarEnd]:
        """Give one test a sender and its phones."""
        code_end = self.open_code_end()
        yield code_end
        code_end.close()

    def order(self, code: str, *, number: str = LISTED[0], **changes: Any) -> CodeOrder:
        """Return an order to send a code."""
        plain = CodeOrder(
            verification_id=VerificationId(f"vf_{uuid4().hex}"),
            queue=QueueName("support"),
            number=number,
            code=code,
            expires_at=START + timedelta(minutes=10),
        )
        return attrs.evolve(plain, **changes)


class CodeSenderContract(_CodeContractBase):
    """The specification of `callbackq.ports.CodeSender`. Needs a `CodeFarEnd`."""

    def test_a_code_arrives_once(self, code_end: CodeFarEnd) -> None:
        """At its number, and at no other; whole, with the zeros that it begins with."""
        code_end.sender.send(self.order("000042"))
        (text,) = code_end.heard(LISTED[0])
        assert "000042" in text
        assert not code_end.heard(LISTED[1])

    def test_each_code_arrives(self, code_end: CodeFarEnd) -> None:
        """Who asks for a second one is sent it: the first is void by then. Short ones and long ones, in their order."""
        codes = ("1234", "987654", "0011223344")
        for code in codes:
            code_end.sender.send(self.order(code))
        heard = code_end.heard(LISTED[0])
        assert [code in text for code, text in zip(codes, heard, strict=True)] == [True] * len(codes)

    def test_any_language_is_taken(self, code_end: CodeFarEnd) -> None:
        """One that you have no words for is no error: the code is the same in all of them."""
        for number, language in zip(LISTED, (None, "en", "tlh-Latn"), strict=True):
            code_end.sender.send(self.order("135790", number=number, language=language))
            assert "135790" in code_end.heard(number)[-1]

    def test_many_threads_send(self, code_end: CodeFarEnd) -> None:
        """Nothing is lost or mixed up."""

        def send(number: int) -> None:
            code_end.sender.send(self.order(f"77{number:04}", number=f"+1212555014{number}"))

        for number, _ in enumerate(at_once(send)):
            (text,) = code_end.heard(f"+1212555014{number}")
            assert f"77{number:04}" in text

    def test_an_order_is_left_as_it_is(self, code_end: CodeFarEnd) -> None:
        """It belongs to who gave it."""
        given = self.order("246802", language="en")
        before = attrs.asdict(given)
        code_end.sender.send(given)
        assert attrs.asdict(given) == before

    def test_the_log_tells_no_code(self, code_end: CodeFarEnd, caplog: pytest.LogCaptureFixture) -> None:
        """Nor the number: who reads the log could prove that it is theirs."""
        with caplog.at_level(logging.INFO):
            code_end.sender.send(self.order("864209"))
        assert not tells(caplog.text, ("864209", LISTED[0]))


class CodeRefusalContract(_CodeContractBase):
    """For senders that learn at once that a code cannot be sent (`CodeFarEnd.refusing`)."""

    def test_what_was_not_sent_is_raised(
        self, code_end: CodeFarEnd, caplog: pytest.LogCaptureFixture
    ) -> None:
        """So that the customer is not told to wait for it. Neither the error nor the log shows the code or number."""
        given = self.order("975310", number=code_end.refusing())
        with caplog.at_level(logging.INFO), pytest.raises(Exception) as caught:  # noqa: PT011 - any error will do
            code_end.sender.send(given)
        assert not tells(f"{caught.value} {caplog.text}", (given.code, given.number))
        assert not code_end.heard(given.number)

    def test_a_refusal_holds_up_nobody_else(self, code_end: CodeFarEnd) -> None:
        """The next code arrives."""
        with pytest.raises(Exception):  # noqa: B017, PT011 - any error will do
            code_end.sender.send(self.order("975310", number=code_end.refusing()))
        code_end.sender.send(self.order("112233"))
        assert "112233" in code_end.heard(LISTED[0])[-1]


# ---------------------------------------------------------------------------- tickets


class HelpDesk(ABC):
    """Your `Tickets`, and the help desk behind them. Implement it for yours, or for a sandbox of it."""

    @property
    @abstractmethod
    def tickets(self) -> Tickets:
        """What opens tickets, as one process has it."""

    @property
    @abstractmethod
    def ticket_ids(self) -> Sequence[str]:
        """The ids of all tickets that exist by now, in any order, without those from before the test."""

    def another_process(self) -> Tickets:
        """Return what opens tickets at the same help desk, as it is after a restart. For `TicketsAgainContract`."""
        raise NotImplementedError

    def lose_the_next_reply(self) -> None:
        """Let the connection break when the next ticket has been opened. For `TicketsAgainContract`."""
        raise NotImplementedError

    def close(self) -> None:  # noqa: B027 - need not be implemented
        """Let go of what the test used."""


class _TicketsContractBase:
    def open_help_desk(self) -> HelpDesk:
        """Return a help desk without tickets. The subclass says how."""
        raise NotImplementedError

    @pytest.fixture
    def help_desk(self) -> Iterator[HelpDesk]:
        """Give one test a help desk."""
        help_desk = self.open_help_desk()
        yield help_desk
        help_desk.close()

    def order(self, **changes: Any) -> TicketOrder:
        """Return an order for a ticket of a callback that never had one."""
        plain = TicketOrder(
            callback_id=CallbackId(f"cb_{uuid4().hex}"),
            queue=QueueName("support"),
            channel=Channel.WEB,
            number=LISTED[0],
            name="Mary Example",
            requested_at=START,
            scheduled_at=START + timedelta(hours=2),
            context={"reason": "a broken pump", "order": "4711"},
        )
        return attrs.evolve(plain, **changes)


class TicketsContract(_TicketsContractBase):
    """The specification of `callbackq.ports.Tickets`. Needs a `HelpDesk`."""

    def test_a_ticket_is_opened(self, help_desk: HelpDesk) -> None:
        """One, and its id is what is returned: 1 to 200 characters that can be shown."""
        ticket_id = help_desk.tickets.open(self.order())
        assert check_text(ticket_id, "ticket_id") == ticket_id
        assert len(ticket_id) <= TEXT_MAX
        assert list(help_desk.ticket_ids) == [ticket_id]

    def test_a_callback_has_one_ticket(self, help_desk: HelpDesk) -> None:
        """Asked again it is the same, also when others were opened in between."""
        given = self.order()
        first = help_desk.tickets.open(given)
        help_desk.tickets.open(self.order())
        assert help_desk.tickets.open(given) == first
        assert len(help_desk.ticket_ids) == 2

    def test_each_callback_has_its_own(self, help_desk: HelpDesk) -> None:
        """Also two of one person, with the same words."""
        plain = self.order()
        made = [
            help_desk.tickets.open(attrs.evolve(plain, callback_id=CallbackId(f"cb_{uuid4().hex}")))
            for _ in range(3)
        ]
        assert sorted(made) == sorted(help_desk.ticket_ids)
        assert len(set(made)) == len(made)

    def test_a_ticket_needs_little(self, help_desk: HelpDesk) -> None:
        """No name, no time, no context; and a name in any alphabet."""
        help_desk.tickets.open(self.order(name=None, scheduled_at=None, context={}))
        help_desk.tickets.open(self.order(name=FOREIGN))
        for channel in Channel:
            help_desk.tickets.open(self.order(channel=channel))
        assert len(help_desk.ticket_ids) == 2 + len(Channel)

    def test_many_threads_open(self, help_desk: HelpDesk) -> None:
        """Requests come from any thread."""
        made = at_once(lambda _: help_desk.tickets.open(self.order()))
        assert sorted(made) == sorted(help_desk.ticket_ids)
        assert len(set(made)) == len(made)

    def test_an_order_is_left_as_it_is(self, help_desk: HelpDesk) -> None:
        """It belongs to who gave it."""
        given = self.order()
        before = attrs.asdict(given)
        help_desk.tickets.open(given)
        assert attrs.asdict(given) == before

    def test_nobody_is_named_in_the_log(self, help_desk: HelpDesk, caplog: pytest.LogCaptureFixture) -> None:
        """Neither number, name nor context."""
        with caplog.at_level(logging.INFO):
            given = self.order()
            help_desk.tickets.open(given)
        assert not tells(caplog.text, (given.number, given.name, given.context["reason"]))


class TicketsAgainContract(_TicketsContractBase):
    """
    For help desks that can be asked whether a callback has a ticket: they keep one ticket through every trouble.

    Needs a `HelpDesk` with `another_process` and `lose_the_next_reply`.
    """

    def test_another_process_finds_the_ticket(self, help_desk: HelpDesk) -> None:
        """It knows nothing but the help desk."""
        given = self.order()
        first = help_desk.tickets.open(given)
        assert help_desk.another_process().open(given) == first
        assert list(help_desk.ticket_ids) == [first]

    def test_a_lost_reply_opens_no_second_ticket(self, help_desk: HelpDesk) -> None:
        """The error shows neither number nor name; asked again, the ticket that was opened is found."""
        given = self.order()
        help_desk.lose_the_next_reply()
        with pytest.raises(Exception) as caught:  # noqa: PT011 - any error will do
            help_desk.tickets.open(given)
        assert not tells(str(caught.value), (given.number, given.name))
        (opened,) = help_desk.ticket_ids
        assert help_desk.tickets.open(given) == opened
        assert list(help_desk.ticket_ids) == [opened]
