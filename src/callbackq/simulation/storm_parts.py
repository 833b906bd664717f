"""The parts that a storm is built of: a network at which the process ends by chance, and how much goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from callbackq.core.history import fold
from callbackq.effects import Bridge, Dial, HangUp, Notice
from callbackq.ids import LegId
from callbackq.model import Role
from callbackq.policy import QueuePolicy
from callbackq.simulation.world import Happened, WorldLine
from callbackq.testing.checkers import Finding
from callbackq.testing.clock import ManualClock
from callbackq.testing.fakes import FakeNotices
from callbackq.testing.faults import Cancelled, Fault, FaultyTelephony
from callbackq.testing.storm_checkers import StormEvidence
from callbackq.testing.telephony import Leg

FOLD: Final = "history does not fold to the row"
_MILD: Final = (
    Fault.REPORT_TWICE,
    Fault.REPORT_LATE,
    Fault.DIAL_ANSWERED_EARLY,
    Fault.HANG_UP_ANSWERED,
    Fault.HANG_UP_ERROR,
    Fault.UNSURE,
)
"""What a PBX does on a good day."""


_SELDOM: Final = (
    Fault.HANG_UP_FAILS,
    Fault.HANG_UP_LATE,
    Fault.BRIDGE_SILENT,
    Fault.LEFT_ALONE,
)
"""What has few occasions to happen."""


def draw_ratios(random: Random, *, calm: bool) -> dict[Fault, float]:
    """Draw how often each fault happens: in half of the worlds never, else up to one time in eight, or in two."""
    ratios = {fault: random.choice((0.0, 0.125 * random.random())) for fault in Fault}
    for fault in _SELDOM:
        ratios[fault] *= 4
    ratios[Fault.HANG_UP_FAILS] *= (
        2  # A leg that cannot be hung up at all is on the line, whatever we think of it.
    )
    ratios[Fault.OUTAGE] /= 25
    ratios[Fault.OUTAGE_UNNOTICED] = random.choice((0.0, 0.5))
    return {fault: ratio for fault, ratio in ratios.items() if fault in _MILD} if calm else ratios


class CrashingTelephony(FaultyTelephony):
    """A network at whose methods the host's process ends by chance, before or after they did anything."""

    crash_ratio = 0.0
    on_fault: Callable[[Fault], object] | None = None

    def __init__(self, clock: ManualClock, **how: Any) -> None:
        super().__init__(clock, **how)
        self.cuts: Final[list[WorldLine]] = []
        self.outages: Final[list[tuple[datetime, datetime]]] = []
        self._down_since: datetime | None = None

    def disconnect(self, *, noticed: bool = True) -> None:
        """Lose the connection."""
        self._down_since = self._down_since or self._clock.now()
        super().disconnect(noticed=noticed)

    def reconnect(self) -> None:
        """The connection is back."""
        if self._down_since is not None:
            self.outages.append((self._down_since, self._clock.now()))
            self._down_since = None
        super().reconnect()

    def dial(self, order: Dial) -> None:
        """Place a leg."""
        self._may_crash()
        super().dial(order)
        self._may_crash()

    def bridge(self, order: Bridge) -> None:
        """Join two legs."""
        self._may_crash()
        super().bridge(order)

    def hang_up(self, order: HangUp) -> None:
        """End a leg."""
        self._may_crash()
        self._note_cut(order.leg_id)
        super().hang_up(order)

    def _note_cut(self, leg_id: LegId) -> None:
        """Write it down if it ends a conversation; what is known of that conversation is looked at afterwards."""
        other = self.joined_to(leg_id)
        for leg in (self._legs[one] for one in (leg_id, other) if other is not None and one is not None):
            if leg.order.role is Role.CUSTOMER:
                line = WorldLine(
                    at=self._clock.now(),
                    what=Happened.PARTED,
                    call_id="",
                    number=leg.order.number,
                    leg_id=leg.leg_id,
                    note="hung up while they talked",
                )
                self.cuts.append(line)

    def _played(self, leg: Leg) -> None:
        # A bridge that waited for the end of a prompt is the network's own affair: nobody is there to be told.
        with suppress(Exception, Cancelled):
            super()._played(leg)

    def _hits(self, fault: Fault) -> bool:
        hit = super()._hits(fault)
        if hit and self.on_fault is not None:
            self.on_fault(fault)
        return hit

    def _may_crash(self) -> None:
        if self.crash_ratio and self._random.random() < self.crash_ratio:
            raise SystemExit


class SeenNotices(FakeNotices):
    """Notices that are seen as they are told."""

    def __init__(self, see: Callable[[Notice], object]) -> None:
        super().__init__()
        self._see: Final = see

    def tell(self, order: Notice) -> None:
        """Keep one notice."""
        self._see(order)
        super().tell(order)


def alone_max(policies: Sequence[QueuePolicy], *, late_max: timedelta) -> timedelta:
    """
    Return how long a customer may be on the line without being joined, at most, by the settings.

    They are asked to press a key, hold, and are joined; and what is told of each comes late.
    """
    settings = (
        policy.confirm_time_max + policy.customer_hold_max + policy.join_time_max for policy in policies
    )
    return max(settings) + 2 * late_max


def was_hidden(outages: Iterable[tuple[datetime, datetime]], *, since: datetime, until: datetime) -> bool:
    """
    Whether an outage hid anything of what happened *since* then, and *until* then.

    >>> noon = datetime(2026, 1, 5, 12)
    >>> outage = (noon, noon + timedelta(seconds=30))
    >>> was_hidden([outage], since=noon - timedelta(seconds=9), until=noon + timedelta(seconds=1))
    True
    >>> was_hidden([outage], since=noon - timedelta(seconds=9), until=noon)
    False
    """
    return any(start < until and end >= since for start, end in outages)


def histories_that_do_not_fold(evidence: StormEvidence) -> list[Finding]:
    """The history is a second account of every row: folded, it is the row."""
    rows: dict[tuple[str, str], Any] = {
        **{("callback", row.callback_id): row for row in evidence.callbacks},
        **{("attempt", row.attempt_id): row for row in evidence.attempts},
        **{("agent", row.agent_id): row for row in evidence.agents},
    }
    told = {(str(entity), key): record for (entity, key), record in fold(evidence.history).items()}
    return [
        Finding(check=FOLD, what="the history says otherwise", which=key[1], at=evidence.ended_at)
        for key, row in rows.items()
        if told.get(key) != row
    ]
