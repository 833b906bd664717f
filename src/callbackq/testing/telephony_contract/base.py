"""What all parts of the telephony contract use: the phones at the other end, and a word for what was reported."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

import attrs
import pytest

from callbackq.effects import Bridge, Dial, HangUp
from callbackq.ids import AgentId, AttemptId, CallbackId, LegId, QueueName
from callbackq.model import Cause, Channel, Report, ReportKind, Role
from callbackq.ports import Telephony

_KEYS: Final = frozenset("0123456789*#ABCD")
RING_TIME: Final = timedelta(seconds=30)


class Phone(enum.StrEnum):
    """What there is at the other end of a leg."""

    RINGS = "rings"
    """A phone that rings until somebody does something."""
    UNREACHABLE = "unreachable"
    """The network knows the number, and no phone ever rings."""
    REFUSED = "refused"
    """The PBX refuses to place the leg at all, such as for an endpoint that it does not have."""


class FarEnd(ABC):
    """
    Your adapter, and the phones that it dials, as the contract needs them. Implement it for your PBX.

    Attributes:
        patience: how long anything that must happen may take.
        quiet: how long the contract waits to see that nothing happens.
        tick: how often it looks whether something has.
        short: a ring time that is soon over, and long enough for a phone to begin to ring.
    """

    patience: timedelta = timedelta(seconds=5)
    quiet: timedelta = timedelta(seconds=0.5)
    tick: timedelta = timedelta(milliseconds=50)
    short: timedelta = timedelta(seconds=2)

    @property
    @abstractmethod
    def telephony(self) -> Telephony:
        """The adapter."""

    @property
    @abstractmethod
    def reports(self) -> Sequence[Report]:
        """All that the adapter has reported, in that order."""

    @abstractmethod
    def let_pass(self, duration: timedelta) -> None:
        """Let time pass: sleep, or move the clock."""

    @abstractmethod
    def prepare(self, order: Dial, phone: Phone) -> Dial:
        """Return the order as it must be dialed to reach such a phone; most change the number or the agent."""

    @abstractmethod
    def calls_count(self, leg_id: LegId) -> int:
        """Return how many calls have come to the phone of this leg, in all."""

    @abstractmethod
    def is_live(self, leg_id: LegId) -> bool:
        """Return whether the phone rings, or is off the hook, because of this leg."""

    @abstractmethod
    def are_joined(self, one: LegId, other: LegId) -> bool:
        """Return whether the two can hear each other."""

    @abstractmethod
    def answer(self, leg_id: LegId) -> None:
        """Let the phone be picked up. It rings."""

    @abstractmethod
    def be_busy(self, leg_id: LegId) -> None:
        """Let the phone say that it is busy."""

    @abstractmethod
    def reject(self, leg_id: LegId) -> None:
        """Let somebody decline the call. The phone rings."""

    @abstractmethod
    def press(self, leg_id: LegId, digits: str) -> None:
        """Let somebody press keys. The phone was answered."""

    @abstractmethod
    def heard_digits(self, leg_id: LegId) -> str:
        """Return the keys that were heard at the other end."""

    @abstractmethod
    def hang_up(self, leg_id: LegId) -> None:
        """Let somebody hang up. The phone was answered."""

    def close(self) -> None:  # noqa: B027 - need not be implemented
        """Let go of what the test used. Every leg that is left is told to end before."""

    # ------------------------------------------------------------------ what follows from these

    def wait_until(self, condition: Callable[[], bool], *, time_max: timedelta | None = None) -> bool:
        """Let time pass until *condition* holds, but no longer than the patience; say whether it does."""
        left = self.patience if time_max is None else time_max
        while not condition() and left > timedelta(0):
            self.let_pass(self.tick)
            left -= self.tick
        return condition()

    def kinds(self, leg_id: LegId) -> list[ReportKind]:
        """Return what was reported of one leg."""
        return [report.kind for report in self.reports if report.leg_id == leg_id]

    def course(self, leg_id: LegId) -> list[ReportKind]:
        """Return what was reported of one leg, each kind where it came first: a report may come twice."""
        return list(dict.fromkeys(self.kinds(leg_id)))

    def count(self, leg_id: LegId, kind: ReportKind) -> int:
        """Return how often something was reported of one leg."""
        return self.kinds(leg_id).count(kind)

    def causes(self, leg_id: LegId) -> list[Cause]:
        """Return the causes of all that was said of the end of one leg."""
        return [
            report.cause
            for report in self.reports
            if report.leg_id == leg_id and report.kind is ReportKind.ENDED
        ]


class ContractBase:
    """Opens the far end for each test, and afterwards checks that all that was reported makes sense."""

    def open_far_end(self) -> FarEnd:
        """Return an adapter that has no leg, with its phones. The subclass says how."""
        raise NotImplementedError

    @pytest.fixture
    def far_end(self) -> Iterator[FarEnd]:
        """Give one test an adapter and its phones; end its legs afterwards, and check what was reported."""
        far_end = self.open_far_end()
        yield far_end
        end_all(far_end)
        check_reports(far_end.reports)
        far_end.close()


# ---------------------------------------------------------------------------- steps


def order(
    far_end: FarEnd,
    *,
    role: Role = Role.CUSTOMER,
    phone: Phone = Phone.RINGS,
    ring_time: timedelta = RING_TIME,
) -> Dial:
    """Return an order to dial, under a leg id that was never used."""
    now = datetime.now(UTC)
    plain = Dial(
        leg_id=LegId(f"leg_{uuid4().hex}"),
        role=role,
        attempt_id=AttemptId(f"at_{uuid4().hex}"),
        callback_id=CallbackId(f"cb_{uuid4().hex}"),
        queue=QueueName("support"),
        agent_id=AgentId("ann"),
        number="+12125550101",
        entered_at=now,
        requested_at=now,
        channel=Channel.WEB,
        priority=100,
        attempt_number=1,
        ring_time=ring_time,
    )
    return far_end.prepare(plain, phone)


def ringing(far_end: FarEnd, *, role: Role = Role.CUSTOMER) -> LegId:
    """Dial, and wait until the phone rings."""
    dialed = order(far_end, role=role)
    far_end.telephony.dial(dialed)
    rings = far_end.wait_until(lambda: ReportKind.RINGING in far_end.kinds(dialed.leg_id))
    assert rings, "RINGING of a phone that rings"
    return dialed.leg_id


def answered(far_end: FarEnd, *, role: Role = Role.CUSTOMER) -> LegId:
    """Dial, let it be answered, and wait until that is reported."""
    leg_id = ringing(far_end, role=role)
    far_end.answer(leg_id)
    assert far_end.wait_until(lambda: ReportKind.ANSWERED in far_end.kinds(leg_id)), "ANSWERED"
    return leg_id


def both_answered(far_end: FarEnd) -> Bridge:
    """Have both legs answered, and return the order to join them."""
    agent_leg_id = answered(far_end, role=Role.AGENT)
    customer_leg_id = answered(far_end)
    return Bridge(
        attempt_id=AttemptId(f"at_{uuid4().hex}"), agent_leg_id=agent_leg_id, customer_leg_id=customer_leg_id
    )


def is_bridged(far_end: FarEnd, bridge: Bridge) -> bool:
    """Whether BRIDGED was reported, of either leg."""
    legs = (bridge.agent_leg_id, bridge.customer_leg_id)
    return any(far_end.count(leg_id, ReportKind.BRIDGED) for leg_id in legs)


def joined(far_end: FarEnd) -> Bridge:
    """Have both legs answered and joined."""
    bridge = both_answered(far_end)
    far_end.telephony.bridge(bridge)
    assert far_end.wait_until(lambda: is_bridged(far_end, bridge)), "BRIDGED"
    return bridge


def ended_once(far_end: FarEnd, leg_id: LegId) -> Cause:
    """Wait for the end of a leg; check that it is said one time and that the phone is left alone; return its cause."""
    assert far_end.wait_until(lambda: ReportKind.ENDED in far_end.kinds(leg_id)), "ENDED of every leg"
    far_end.let_pass(far_end.quiet)
    assert far_end.count(leg_id, ReportKind.ENDED) == 1, "one ENDED of each leg"
    assert far_end.kinds(leg_id)[-1] is ReportKind.ENDED, "nothing after ENDED"
    assert not far_end.is_live(leg_id), "a leg that has ended is gone"
    return far_end.causes(leg_id)[0]


def pressed(far_end: FarEnd, leg_id: LegId) -> str:
    """Return the keys that were reported of one leg, in that order."""
    said = [report for report in far_end.reports if report.leg_id == leg_id]
    return "".join(report.digits or "" for report in said if report.kind is ReportKind.DIGIT)


def end_all(far_end: FarEnd) -> None:
    """Hang up every leg of which anything was reported, and no end."""
    for leg_id in dict.fromkeys(report.leg_id for report in far_end.reports):
        if not far_end.causes(leg_id):
            far_end.telephony.hang_up(HangUp(leg_id=leg_id))
    far_end.let_pass(far_end.quiet)


@attrs.define
class _Seen:
    answered: bool = False
    ended: bool = False


def check_reports(reports: Sequence[Report]) -> None:
    """Check that the reports of each leg can be of one call."""
    seen: dict[LegId, _Seen] = {}
    for report in reports:
        leg = seen.setdefault(report.leg_id, _Seen())
        assert not leg.ended, f"{report.kind} after ENDED"
        if report.kind is ReportKind.ANSWERED:
            leg.answered = True
        elif report.kind is ReportKind.ENDED:
            leg.ended = True
        elif report.kind is ReportKind.RINGING:
            assert not leg.answered, "RINGING after ANSWERED"
        elif report.kind is not ReportKind.UNCERTAIN:
            assert leg.answered, f"{report.kind} before ANSWERED"
        if report.kind is ReportKind.DIGIT:
            assert report.digits, "DIGIT without a key"
            assert set(report.digits) <= _KEYS, "DIGIT with what is no key"
