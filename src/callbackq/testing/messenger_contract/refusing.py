"""What messengers do that can be told no: named errors for what was certainly not sent, and no others for that."""

from __future__ import annotations

from contextlib import suppress

import pytest

from callbackq.errors import MessageImpossible, MessageRefused, RecipientOptedOut
from callbackq.testing.messenger_contract.base import (
    Inbox,
    MessageFarEnd,
    MessengerContractBase,
    arrived,
    order,
    refusal,
    sent,
    tells,
)


class RefusalContract(MessengerContractBase):
    """For providers that refuse: now (REFUSES), or for good (IMPOSSIBLE)."""

    def test_refused_for_now(self, message_end: MessageFarEnd) -> None:
        """It may be tried again, and so it is no `MessageImpossible`. Nothing arrives."""
        given = order(message_end, Inbox.REFUSES)
        error = refusal(message_end, given)
        assert type(error) is MessageRefused
        assert error.retry_safe
        assert not arrived(message_end, given)

    def test_refused_for_good(self, message_end: MessageFarEnd) -> None:
        """Another channel may do. Nothing arrives."""
        given = order(message_end, Inbox.IMPOSSIBLE)
        error = refusal(message_end, given)
        assert type(error) is MessageImpossible
        assert not arrived(message_end, given)

    @pytest.mark.parametrize("inbox", [Inbox.REFUSES, Inbox.IMPOSSIBLE])
    def test_a_refusal_holds_up_nobody_else(self, message_end: MessageFarEnd, inbox: Inbox) -> None:
        """What is sent next arrives: also the same text, by the next send, to an inbox that takes it."""
        refused = order(message_end, inbox)
        refusal(message_end, refused)
        given = order(message_end, text=refused.text)
        sent(message_end, given)
        assert [found.to for found in arrived(message_end, given)] == [given.to]


class KnownOptOutContract(MessengerContractBase):
    """For providers that keep opt-outs themselves (OPTED_OUT)."""

    def test_an_opt_out_has_a_name(self, message_end: MessageFarEnd) -> None:
        """For then no channel is tried any more. Nothing arrives."""
        given = order(message_end, Inbox.OPTED_OUT)
        assert type(refusal(message_end, given)) is RecipientOptedOut
        assert not arrived(message_end, given)


class UncertaintyContract(MessengerContractBase):
    """For providers behind a connection that can break (BREAKS)."""

    def test_what_nobody_knows_is_no_refusal(self, message_end: MessageFarEnd) -> None:
        """A refusal would be sent again, and arrive twice. The error shows neither the address nor the text."""
        given = order(message_end, Inbox.BREAKS)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - any error but the named ones
            message_end.messenger.send(given)
        assert not isinstance(caught.value, MessageRefused)
        assert not tells(str(caught.value), given)

    def test_what_nobody_knows_is_not_sent_again(self, message_end: MessageFarEnd) -> None:
        """Whatever is said of the same send id afterwards; and the next message arrives."""
        given = order(message_end, Inbox.BREAKS)
        for _ in range(2):
            with suppress(Exception):
                message_end.messenger.send(given)
        assert len(arrived(message_end, given)) <= 1
        then = order(message_end)
        sent(message_end, then)
        assert len(arrived(message_end, then)) == 1
