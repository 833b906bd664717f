"""What all parts of the messenger contract use: the inboxes at the other end, and orders to send to them."""

from __future__ import annotations

import enum
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import uuid4

import attrs
import pytest

from callbackq.effects import SendMessage
from callbackq.errors import MessageRefused
from callbackq.model import SMS
from callbackq.ports import Messenger
from callbackq.testing.fakes import make_send

PROVIDER_ID_MAX: Final = 200
PROBLEM_MAX: Final = 64
_DIGITS_THAT_TELL: Final = 6


class Inbox(enum.StrEnum):
    """What there is at the other end of a message."""

    TAKES = "takes"
    """It takes everything."""
    REFUSES = "refuses"
    """The provider refuses it now: certainly not sent."""
    IMPOSSIBLE = "impossible"
    """There is no such address, or it can receive nothing by this channel."""
    OPTED_OUT = "opted_out"
    """The provider knows that its owner opted out."""
    BREAKS = "breaks"
    """The connection to the provider is lost while it has the message: nobody knows."""


@attrs.frozen(kw_only=True)
class Received:
    """A message as it arrived."""

    to: str | None
    text: str
    title: str | None = None
    """None where the channel has no titles."""


class MessageFarEnd(ABC):
    """
    Your messenger, and the inboxes that it writes to, as the contract needs them. Implement it for your provider.

    Attributes:
        channel: what the orders name.
    """

    channel: str = SMS

    @property
    @abstractmethod
    def messenger(self) -> Messenger:
        """The messenger."""

    @property
    @abstractmethod
    def received(self) -> Sequence[Received]:
        """All that has arrived by now, in any order. What was sent is there when `send` has returned."""

    @abstractmethod
    def prepare(self, order: SendMessage, inbox: Inbox) -> SendMessage:
        """
        Return the order as it must be to reach such an inbox, each time another one; most change `to`.

        You are asked for TAKES only, unless you use the contracts that ask for more.
        """

    def close(self) -> None:  # noqa: B027 - need not be implemented
        """Let go of what the test used."""


class MessengerContractBase:
    """Opens the far end for each test, and afterwards checks that the log tells nothing of what was sent."""

    def open_message_end(self) -> MessageFarEnd:
        """Return a messenger that has sent nothing, with its inboxes. The subclass says how."""
        raise NotImplementedError

    @pytest.fixture
    def message_end(self, caplog: pytest.LogCaptureFixture) -> Iterator[MessageFarEnd]:
        """Give one test a messenger and its inboxes; check the log afterwards."""
        message_end = self.open_message_end()
        with caplog.at_level(logging.INFO):
            yield message_end
        message_end.close()
        check_log(caplog.text, message_end.received)


# ---------------------------------------------------------------------------- steps


def order(message_end: MessageFarEnd, inbox: Inbox = Inbox.TAKES, **changes: Any) -> SendMessage:
    """Return an order to send, under a send id that was never used, with a text that never was either."""
    plain = make_send(
        f"ms_{uuid4().hex}.1",
        channel=message_end.channel,
        text=f"We call you back. {uuid4().hex}",
        title=f"Your callback {uuid4().hex}",
    )
    return attrs.evolve(message_end.prepare(plain, inbox), **changes)


def sent(message_end: MessageFarEnd, given: SendMessage) -> str | None:
    """Send, and check that what was returned can be an id."""
    value: object = message_end.messenger.send(given)
    if value is None:
        return None
    assert isinstance(value, str), "a provider's id is a text"
    assert 1 <= len(value) <= PROVIDER_ID_MAX, f"a provider's id has 1 to {PROVIDER_ID_MAX} characters"
    assert value.isprintable(), "a provider's id can be shown"
    return value


def refusal(message_end: MessageFarEnd, given: SendMessage) -> MessageRefused:
    """Send, and return the named error that says that it was certainly not sent."""
    with pytest.raises(MessageRefused) as caught:
        message_end.messenger.send(given)
    error = caught.value
    for shown in (str(error), error.problem or ""):
        assert not tells(shown, given), "an error shows neither the address nor the text"
    if error.problem is not None:
        assert 1 <= len(error.problem) <= PROBLEM_MAX, f"a problem has 1 to {PROBLEM_MAX} characters"
        assert error.problem.isprintable(), "a problem can be shown"
    return error


def arrived(message_end: MessageFarEnd, given: SendMessage) -> list[Received]:
    """Return what arrived of one order: its text is its own."""
    return [found for found in message_end.received if as_lines(found.text) == as_lines(given.text)]


def as_lines(text: str) -> list[str]:
    """Return the lines of a text. How a channel ends its lines, and whether it ends the last, is its own affair."""
    return text.rstrip().splitlines()


def tells(shown: str, given: SendMessage | Received) -> bool:
    """Whether something shows the address, the text or the title of a message."""
    digits = "".join(filter(str.isdigit, given.to or ""))
    if len(digits) >= _DIGITS_THAT_TELL and digits in "".join(filter(str.isdigit, shown)):
        return True
    secrets = (given.to, given.title, *as_lines(given.text))
    return any(secret is not None and secret.strip() != "" and secret in shown for secret in secrets)


def check_log(log: str, received: Sequence[Received]) -> None:
    """Check that nothing that was sent can be read in the log, at INFO or above."""
    for found in received:
        assert not tells(log, found), "the log shows no address, no text and no title"
