"""
How a message is sent: asked for once more, given to its messenger one time, and told.

The rule: what is told is never better than what is known. Only where nothing was called, or where the messenger says
so by a named error, was a message certainly not sent; whatever else goes wrong, nobody knows, and it is not repeated.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Final

from callbackq.core.outbox import NOT_WANTED
from callbackq.effects import SendMessage
from callbackq.errors import (
    CallbackqError,
    ConfigurationError,
    MessageImpossible,
    MessageRefused,
    RecipientOptedOut,
)
from callbackq.model import Delivery, DeliveryKind
from callbackq.policy import QueuePolicy
from callbackq.ports import AsyncMessenger
from callbackq.runners.hands import Act, Done, Hands, log_failure
from callbackq.service import CallbackService

logger = logging.getLogger("callbackq")

NO_MESSENGER: Final = "no_messenger"
_PROVIDER_ID_MAX: Final = 200
_PROBLEM_MAX: Final = 64
_DIGITS_OF_A_NUMBER: Final = 6
"""So many digits of a number, in a provider's code, would tell whose it is."""


class Messengers:
    """
    Who sends on this node: one for all channels, one for each, or nobody.

    Raises:
        ConfigurationError: what was given cannot send.
    """

    def __init__(self, given: AsyncMessenger | Mapping[str, AsyncMessenger] | None) -> None:
        by_channel = dict(given) if isinstance(given, Mapping) else {}
        self._by_channel: Final[Mapping[str, AsyncMessenger]] = MappingProxyType(by_channel)
        self._for_all: Final = None if isinstance(given, Mapping) else given
        for one in self.all():
            if not callable(getattr(one, "send", None)):
                raise ConfigurationError("messenger", type(one).__name__, "an object with a method `send`")

    @property
    def can_send(self) -> bool:
        """Whether there is anybody."""
        return self._for_all is not None or bool(self._by_channel)

    def leaves_some(self, policies: Iterable[QueuePolicy]) -> bool:
        """Whether messages of these queues are left to other nodes: then what is due may have to wait for those."""
        return not self.can_send and any(policy.messages is not None for policy in policies)

    def all(self) -> tuple[AsyncMessenger, ...]:
        """Return everybody."""
        return tuple(self._by_channel.values()) if self._for_all is None else (self._for_all,)

    def of(self, channel: str) -> AsyncMessenger | None:
        """Return who sends by this channel."""
        return self._by_channel.get(channel) if self._for_all is None else self._for_all

    def log_what_is_missing(self, policies: Iterable[QueuePolicy]) -> None:
        """Say once which channels nobody serves here. It is no error: another node may send."""
        wanted = {
            policy.queue: policy.messages.channels for policy in policies if policy.messages is not None
        }
        if not wanted:
            return
        if not self.can_send:
            logger.warning(
                "no messenger on this node: the messages of %s wait for another one", sorted(wanted)
            )
            return
        missing = {
            channel for channels in wanted.values() for channel in channels if self.of(channel) is None
        }
        if missing:
            logger.warning(
                "no messenger for %s on this node: other channels are tried instead", sorted(missing)
            )


class Sending:
    """The program of one message."""

    def __init__(self, service: CallbackService, messengers: Messengers, *, hands: Hands) -> None:
        self._service: Final = service
        self._messengers: Final = messengers
        self._hands: Final = hands

    async def send(self, order: SendMessage) -> int:
        """
        Send one message, if it is still wanted, and tell what became of it. Never raises what the messenger raises.

        Returns:
            How often the service learned something by it.
        """
        messenger = self._messengers.of(order.channel)
        if messenger is None:
            # A node that sends nothing at all leaves it to others; one that has other channels lets it go by those.
            kind = DeliveryKind.IMPOSSIBLE if self._messengers.can_send else DeliveryKind.REFUSED
            return await self._tell(order, Delivery(kind=kind, problem=NO_MESSENGER))
        act = Act(
            owner=messenger,
            method="send",
            args=(order,),
            which=order.send_id,
            time_max=send_time_max(self._service, order),
            is_message=True,
        )
        changes_count, told_late = 0, False

        async def when_late() -> None:
            nonlocal changes_count, told_late
            told_late = True
            changes_count += await self._tell(order, Delivery(kind=DeliveryKind.UNCERTAIN))

        async with self._hands.turn(act):
            wanted = await self._is_wanted(order)
            done = await self._hands.act(act, when_late=when_late) if wanted else None
        if done is None:
            return await self._tell(order, Delivery(kind=DeliveryKind.REFUSED, problem=NOT_WANTED))
        found = _delivery(order, done)
        if told_late and found.kind is DeliveryKind.UNCERTAIN:
            return changes_count
        # Where it came late, this settles what was told before.
        return changes_count + await self._tell(order, found)

    async def _is_wanted(self, order: SendMessage) -> bool:
        """Ask the store. Where it cannot say, nothing is sent."""
        try:
            return await self._hands.ask(partial(self._service.message_is_wanted, order.send_id))
        except CallbackqError as error:
            log_failure("message_is_wanted", order.send_id, error)
            return False

    async def _tell(self, order: SendMessage, found: Delivery) -> int:
        report = Delivery(
            kind=found.kind,
            send_id=order.send_id,
            provider_id=found.provider_id,
            channel=order.channel,
            problem=found.problem,
        )
        try:
            delivered = await self._hands.ask(partial(self._service.delivery, report))
        except CallbackqError as error:
            # Its time to send ends, and then nobody knows: what the store did not learn is not repeated either.
            log_failure("delivery", order.send_id, error)
            return 0
        return int(delivered.changed)


def send_time_max(service: CallbackService, order: SendMessage) -> timedelta | None:
    """Return how long a message of this queue may take; None where its policy does not say."""
    policy = service.policies.get(order.queue)
    return policy.messages.send_time_max if policy is not None and policy.messages is not None else None


# ---------------------------------------------------------------------------- what a messenger said


def _delivery(order: SendMessage, done: Done) -> Delivery:
    """Return what is known of a call."""
    match done.error:
        case None:
            return Delivery(kind=DeliveryKind.ACCEPTED, provider_id=_provider_id(order, done.value))
        case RecipientOptedOut():
            kind = DeliveryKind.OPTED_OUT
        case MessageImpossible():
            kind = DeliveryKind.IMPOSSIBLE
        case MessageRefused():
            kind = DeliveryKind.REFUSED
        case error:
            log_failure("send", order.send_id, error)
            return Delivery(kind=DeliveryKind.UNCERTAIN)
    return Delivery(kind=kind, problem=_problem(order, getattr(done.error, "problem", None)))


def _provider_id(order: SendMessage, value: object) -> str | None:
    """Return the provider's id as it can be kept. What cannot be an id changes nothing: the message was taken."""
    if value is None:
        return None
    if isinstance(value, str) and 1 <= len(value) <= _PROVIDER_ID_MAX and value.isprintable():
        return str(value)
    what = f"a text of {len(value)} characters" if isinstance(value, str) else type(value).__name__
    logger.warning("no provider's id: send of %s returned %s", order.send_id, what)
    return None


def _problem(order: SendMessage, value: object) -> str | None:
    """Return the provider's code as it can be kept: short, and without the address."""
    if not isinstance(value, str) or not 1 <= len(value) <= _PROBLEM_MAX or not value.isprintable():
        return None
    digits = "".join(filter(str.isdigit, order.to or ""))
    shows_number = len(digits) >= _DIGITS_OF_A_NUMBER and digits in "".join(filter(str.isdigit, value))
    shows_address = order.to is not None and order.to.casefold() in value.casefold()
    return None if shows_number or shows_address else str(value)
