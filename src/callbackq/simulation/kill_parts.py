"""What stands around the people in a world of kills: the settings of its queues, a provider, a help desk, phones."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Final

import attrs

from callbackq.effects import SendMessage
from callbackq.errors import MessageRefused
from callbackq.ids import CallbackId
from callbackq.model import CodeOrder, Delivery, DeliveryKind, TicketOrder
from callbackq.policy import Caps, Limit, Messages, QueuePolicy, RequestLimits, SlotPolicy
from callbackq.simulation.kill_node import chance
from callbackq.simulation.kill_world import KillWorld
from callbackq.simulation.storm_people import draw_policies, seconds

_MINUTE: Final = timedelta(minutes=1)
_MESSAGES: Final = Messages(
    quiet_from=None,
    quiet_until=None,
    opt_out_confirmed=True,
    receipt_time_max=30 * _MINUTE,
    uncertain_life=30 * _MINUTE,
    message_life=30 * _MINUTE,
    question_life=30 * _MINUTE,
)
_SLOTS: Final = SlotPolicy(
    seats=None,
    length=10 * _MINUTE,
    lead_min=_MINUTE,
    horizon=40 * _MINUTE,
    hold_time=_MINUTE,
    remind_before=2 * _MINUTE,
)
_LIFE: Final = timedelta(hours=1)
LIMITS: Final = (Limit(1000, timedelta(hours=1)),)
CAPS: Final = Caps(attempts_at_once_max=50)


def policies_of(seed: int) -> list[QueuePolicy]:
    """
    Return the settings of the queues of one world: with messages, and the first one with slots.

    >>> [policy.queue for policy in policies_of(7)][0]
    'support'
    """
    drawn = draw_policies(chance(seed, "policies"))
    return [
        attrs.evolve(
            policy,
            messages=_MESSAGES,
            slots=_SLOTS if policy.queue == drawn[0].queue else None,
            callback_life=_LIFE,
            talk_time_max=30 * _MINUTE,
            limits=RequestLimits(per_number=Limit(50, timedelta(hours=1))),
            offer_wait_min=None,
            offer_waited_min=None,
            company="Acme",
            company_number="800-555-0100",
        )
        for policy in drawn
    ]


@attrs.frozen(kw_only=True)
class ProviderLine:
    """One line of the provider's account."""

    at: datetime
    what: str
    send_id: str


class Provider:
    """A provider of messages who takes one twice if it is given twice, refuses some, and sends receipts."""

    def __init__(self, world: KillWorld, random: Random) -> None:
        self.lines: Final[list[ProviderLine]] = []
        self.orders: Final[list[SendMessage]] = []
        self._world: Final = world
        self._random: Final = random

    def send(self, order: SendMessage) -> str:
        """Take a message."""
        world = self._world
        world.note_change()
        if self._random.random() < 0.1:
            raise MessageRefused("too many just now", problem="busy")
        self.lines.append(ProviderLine(at=world.clock.now(), what="taken", send_id=order.send_id))
        self.orders.append(order)
        provider_id = f"SM-{order.send_id}"
        if self._random.random() < 0.8:
            named = order.send_id if world.nature.names_sends else None
            report = Delivery(
                kind=DeliveryKind.DELIVERED, send_id=named, provider_id=provider_id, channel=order.channel
            )
            world.plan(
                seconds(self._random, 1, 60),
                lambda: world.again(lambda: world.say("delivery", report, wants=False)),
            )
        return provider_id


class HelpDesk:
    """Opens one ticket for each callback, however often it is asked."""

    def __init__(self) -> None:
        self.opened: Final[dict[CallbackId, str]] = {}

    def open(self, order: TicketOrder) -> str:
        """Return the ticket of a callback."""
        return self.opened.setdefault(order.callback_id, f"ticket-{len(self.opened) + 1}")


class Phones:
    """Keeps the one-time codes that came to people's phones."""

    def __init__(self) -> None:
        self.codes: Final[dict[str, str]] = {}

    def send(self, order: CodeOrder) -> None:
        """Take a code."""
        self.codes[order.verification_id] = order.code
