"""What all nodes share: one telephone network with a connection to each node, and one provider of messages."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import attrs

from callbackq.effects import Bridge, Dial, HangUp, Play, SendMessage
from callbackq.errors import MessageRefused
from callbackq.ids import AttemptId, LegId
from callbackq.model import Delivery, DeliveryKind, Report, Role
from callbackq.simulation.fleet.chance import Chance
from callbackq.simulation.fleet.plan import Ill
from callbackq.simulation.storm_parts import CrashingTelephony
from callbackq.testing.clock import ManualClock
from callbackq.testing.faults import Fault, Pbx
from callbackq.testing.telephony import Leg

LATE_MAX: Final = timedelta(seconds=5)


class SharedPbx(CrashingTelephony):
    """
    One network for all nodes. What goes wrong with a leg follows from whose leg it is, and not from any other.

    Attributes:
        owners: by which node each leg was dialed.
        late: the legs that were dialed so late after their node had asked whether they are wanted that they may no
            longer have been. Nothing can keep a process from standing still just there.
        stuck: how often each leg was not hung up, though it was told to be.
        lost: the legs of which a report never came, and when.
    """

    def __init__(
        self, clock: ManualClock, chance: Chance, *, pbx: Pbx, name_of: Callable[[str], str]
    ) -> None:
        super().__init__(clock, random=chance, pbx=pbx, late_max=LATE_MAX)
        self._chance: Final = chance
        self._name_of: Final = name_of
        self.owners: Final[dict[LegId, str]] = {}
        self.late: Final[set[LegId]] = set()
        self.stuck: Final[Counter[LegId]] = Counter()
        self.lost: Final[list[tuple[LegId, datetime]]] = []

    def dial(self, order: Dial) -> None:
        """Place a leg."""
        self._speak_of(order)
        super().dial(order)

    def hang_up(self, order: HangUp) -> None:
        """End a leg."""
        self._speak_of_leg(order.leg_id)
        try:
            super().hang_up(order)
        except BaseException:
            if order.leg_id in self.live_legs():
                self.stuck[order.leg_id] += 1
            raise

    def bridge(self, order: Bridge) -> None:
        """Join two legs."""
        self._speak_of_leg(order.customer_leg_id)
        super().bridge(order)

    def play(self, order: Play) -> None:
        """Play a prompt to a leg."""
        self._speak_of_leg(order.leg_id)
        super().play(order)

    def attempt_of(self, leg_id: LegId) -> AttemptId | None:
        """Return whose leg it is; None if it was never dialed."""
        leg = self._legs.get(leg_id)
        return leg.order.attempt_id if leg is not None else None

    def _report(self, report: Report) -> None:
        self._speak_of_leg(report.leg_id)
        if self.is_down:
            self.lost.append((report.leg_id, self._clock.now()))
        super()._report(report)

    def _deliver(self, report: Report) -> None:
        self._speak_of_leg(report.leg_id)
        super()._deliver(report)

    def _answer(self, leg: Leg) -> None:
        self._speak_of(leg.order)
        super()._answer(leg)

    def _end(self, leg: Leg, *more: Any, **how: Any) -> None:
        self._speak_of(leg.order)
        super()._end(leg, *more, **how)

    def _join(self, customer: Leg, agent: Leg) -> None:
        self._speak_of(customer.order)
        super()._join(customer, agent)

    def _hits(self, fault: Fault) -> bool:
        hit = self._chance.hits(fault, self._chance.topic)
        self.happened[fault] += hit
        return hit

    def _speak_of(self, order: Dial) -> None:
        """What is drawn from now on is drawn about this agent or person."""
        to_agent = order.role is Role.AGENT and order.agent_id is not None
        self._chance.topic = str(order.agent_id) if to_agent else self._name_of(order.number)

    def _speak_of_leg(self, leg_id: LegId) -> None:
        leg = self._legs.get(leg_id)
        if leg is not None:
            self._speak_of(leg.order)


class Took(enum.StrEnum):
    """What a provider did with a message."""

    TAKEN = "taken"
    UNDELIVERED = "undelivered"


@attrs.frozen(kw_only=True)
class ProviderLine:
    """One line of the provider's own account."""

    at: datetime
    what: Took
    send_id: str


class Provider:
    """
    One provider of messages for all nodes, that takes a message twice if it is given twice.

    Args:
        tell: takes the receipts, and says whether anybody heard.

    Attributes:
        lines: what it did, in order.
    """

    def __init__(self, clock: ManualClock, chance: Chance, *, tell: Callable[[Delivery], object]) -> None:
        self._clock: Final = clock
        self._chance: Final = chance
        self._tell: Final = tell
        self._receipts_count = 0
        self.lines: Final[list[ProviderLine]] = []
        self.on_line: Callable[[ProviderLine], object] = lambda _line: None

    def send(self, order: SendMessage) -> str:
        """Take a message, or not, and say so, or something else."""
        about = f"{order.kind} {order.callback_id}"
        if self._chance.hits(Ill.SEND_REFUSED, about):
            raise MessageRefused("refused", problem="by_chance")
        if self._chance.hits(Ill.SEND_FAILS_BEFORE, about):
            raise ConnectionError("the connection was lost")
        self._write(Took.TAKEN, order)
        provider_id = f"provider-{len(self.lines)}"
        if self._chance.hits(Ill.UNDELIVERED, about):
            self._receipt(about, order, provider_id, DeliveryKind.UNDELIVERED)
        elif not self._chance.hits(Ill.RECEIPT_LOST, about):
            self._receipt(about, order, provider_id, DeliveryKind.DELIVERED)
            if self._chance.hits(Ill.RECEIPT_TWICE, about):
                self._receipt(about, order, provider_id, DeliveryKind.DELIVERED)
        if self._chance.hits(Ill.SEND_FAILS_AFTER, about):
            raise ConnectionError("the connection was lost")
        return provider_id

    def _receipt(self, about: str, order: SendMessage, provider_id: str, kind: DeliveryKind) -> None:
        told = Delivery(kind=kind, provider_id=provider_id, channel=order.channel)
        self._receipts_count += 1
        after = LATE_MAX * self._chance.share(f"receipt/{about}/{self._receipts_count}")
        self._clock.plan(self._clock.now() + after, partial(self._send_receipt, order, told))

    def _send_receipt(self, order: SendMessage, told: Delivery) -> None:
        if told.kind is DeliveryKind.UNDELIVERED:
            self._write(Took.UNDELIVERED, order)
        self._tell(told)

    def _write(self, what: Took, order: SendMessage) -> None:
        line = ProviderLine(at=self._clock.now(), what=what, send_id=order.send_id)
        self.lines.append(line)
        self.on_line(line)
