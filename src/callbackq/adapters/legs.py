"""
What an adapter knows of the legs that it was told to dial: facts of a PBX in, reports out.

A PBX says things twice, late, and in another order than they happened. A `LegBook` makes of them what
`callbackq.ports.Telephony` promises: a leg id is dialed once, ANSWERED is not said of a leg that we are hanging up,
and each leg has one end, after which nothing is said of it. It does nothing by itself and keeps no time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from threading import RLock
from typing import Any, Final, Protocol

import attrs

from callbackq.ids import LegId
from callbackq.model import AnsweredBy, Cause, LegSnapshot, LegState, Report, ReportKind, Role

ENDED_KEPT_MAX: Final = 20_000
"""So many legs that are over are remembered, so that none of them is dialed again."""


class WhyEnded(Protocol):
    """Reads the PBX's cause of an end in the light of what is known of the leg; see `callbackq.causes`."""

    def __call__(self, *, rang: bool, answered: bool, by_us: bool) -> Cause:
        """Return the cause."""
        ...


def why(cause: Cause) -> WhyEnded:
    """Return a reading that gives *cause*, whatever is known of the leg."""

    def read(*, rang: bool, answered: bool, by_us: bool) -> Cause:  # noqa: ARG001 - a `WhyEnded`
        return cause

    return read


@attrs.frozen(kw_only=True)
class Leg:
    """
    What is known of one leg.

    Args:
        state: as far as it came; RINGING is jumped over where nobody said so.
        rang: RINGING was seen. answered: it was answered, whether or not that was reported.
        hanging_up: we asked for its end.
        joined_to: the leg with which it is in a bridge.
        recording_id: the PBX's name for the recording of the conversation.
    """

    leg_id: LegId
    role: Role | None = None
    state: LegState = LegState.INTENDED
    rang: bool = False
    answered: bool = False
    hanging_up: bool = False
    joined_to: LegId | None = None
    recording_id: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether its end is known."""
        return self.state is LegState.ENDED

    @property
    def can_hear(self) -> bool:
        """Whether there is somebody on it, and nobody told it to end."""
        return self.state is LegState.ANSWERED and not self.hanging_up


class LegBook:
    """
    The legs of one adapter. May be used from any thread; each method is O(1) but `live` and `found`.

    Methods that take a fact return the report that it makes, or None: it was known, comes too late, or is of a leg
    that nobody knows.

    Args:
        ended_kept_max: so many legs that are over are remembered.

    >>> book = LegBook()
    >>> book.begin(LegId("leg_1"), role=Role.CUSTOMER), book.begin(LegId("leg_1"), role=Role.CUSTOMER)
    (True, False)
    >>> book.answered(LegId("leg_1")).kind, book.rang(LegId("leg_1"))
    (<ReportKind.ANSWERED: 'answered'>, None)
    """

    def __init__(self, *, ended_kept_max: int = ENDED_KEPT_MAX) -> None:
        self._live: Final[dict[LegId, Leg]] = {}
        self._over: Final[OrderedDict[LegId, Leg]] = OrderedDict()
        self._kept_max: Final = ended_kept_max
        self._lock: Final = RLock()

    # ------------------------------------------------------------------ what we do

    def begin(self, leg_id: LegId, *, role: Role) -> bool:
        """Note that a leg is going to be dialed. False: it was dialed before, and must not be again."""
        with self._lock:
            if leg_id in self._live or leg_id in self._over:
                return False
            self._live[leg_id] = Leg(leg_id=leg_id, role=role)
            return True

    def refused(self, leg_id: LegId) -> None:
        """Note that the leg was certainly not placed. Its end is not reported: who dialed it is told by an error."""
        with self._lock:
            leg = self._live.get(leg_id)
            if leg is not None:
                self._close(leg)

    def hanging_up(self, leg_id: LegId) -> bool:
        """Note that we end a leg. False: it is over, or nobody knows it."""
        with self._lock:
            return self._change(leg_id, hanging_up=True) is not None

    # ------------------------------------------------------------------ what the PBX says

    def rang(self, leg_id: LegId) -> Report | None:
        """The phone rings."""
        with self._lock:
            leg = self._live.get(leg_id)
            if leg is None or leg.rang or leg.answered:
                return None
            self._change(leg_id, rang=True, state=LegState.RINGING)
            return None if leg.hanging_up else Report(leg_id=leg_id, kind=ReportKind.RINGING)

    def answered(self, leg_id: LegId, *, answered_by: AnsweredBy = AnsweredBy.UNKNOWN) -> Report | None:
        """Somebody, or something, answered. Of a leg that we are hanging up it is noted, and not reported."""
        with self._lock:
            leg = self._live.get(leg_id)
            if leg is None or leg.answered:
                return None
            self._change(leg_id, answered=True, state=LegState.ANSWERED)
            if leg.hanging_up:
                return None
            return Report(leg_id=leg_id, kind=ReportKind.ANSWERED, answered_by=answered_by)

    def detected(self, leg_id: LegId, answered_by: AnsweredBy) -> Report | None:
        """It was found out who answered. Who calls this says it once."""
        return self._said(leg_id, ReportKind.DETECTED, answered_by=answered_by)

    def pressed(self, leg_id: LegId, digits: str) -> Report | None:
        """Keys were pressed. A key that comes twice is pressed twice: see `Seen`."""
        return self._said(leg_id, ReportKind.DIGIT, digits=digits)

    def played(self, leg_id: LegId) -> Report | None:
        """What was played is over, or could not be played."""
        return self._said(leg_id, ReportKind.PLAYED)

    def joined(self, one: LegId, other: LegId) -> Report | None:
        """The two are in one bridge and can hear each other. Nothing, unless both were answered and are there."""
        with self._lock:
            legs = [self._live.get(leg_id) for leg_id in (one, other)]
            if any(leg is None or not leg.can_hear for leg in legs):
                return None
            if all(leg is not None and leg.joined_to in (one, other) for leg in legs):
                return None
            for leg in legs:
                if leg is not None:
                    self._leave(leg)  # Whoever it was joined to before is joined to nobody.
            self._change(one, joined_to=other)
            self._change(other, joined_to=one)
            return Report(leg_id=other, kind=ReportKind.BRIDGED, recording_id=self._recording(one, other))

    def parted(self, leg_id: LegId) -> Report | None:
        """The leg is no longer in a bridge with another one. Reported of whoever is still there."""
        with self._lock:
            leg = self._live.get(leg_id)
            if leg is None or leg.joined_to is None:
                return None
            self._leave(leg)
            return self._said(leg_id, ReportKind.UNBRIDGED)

    def recorded(self, leg_id: LegId, recording_id: str) -> None:
        """Note the PBX's name of a recording: the next reports of this leg that are of a conversation carry it."""
        with self._lock:
            self._change(leg_id, recording_id=recording_id)

    def ended(self, leg_id: LegId, cause: WhyEnded, *, raw_cause: str | None = None) -> Report | None:
        """The leg is gone, and the PBX says why."""
        with self._lock:
            leg = self._live.get(leg_id)
            if leg is None:
                return None
            self._leave(leg)
            self._close(leg)
            read = cause(rang=leg.rang, answered=leg.answered, by_us=leg.hanging_up)
            return Report(
                leg_id=leg_id,
                kind=ReportKind.ENDED,
                cause=read,
                raw_cause=raw_cause,
                recording_id=leg.recording_id,
            )

    # ------------------------------------------------------------------ what is there

    def get(self, leg_id: LegId) -> Leg | None:
        """Return what is known of a leg; None if nobody knows it."""
        with self._lock:
            return self._live.get(leg_id) or self._over.get(leg_id)

    def is_live(self, leg_id: LegId) -> bool:
        """Whether it was dialed and its end is not known."""
        return leg_id in self._live

    def live(self) -> tuple[Leg, ...]:
        """Return every leg whose end is not known. O(n)."""
        with self._lock:
            return tuple(self._live.values())

    def found(
        self,
        legs: Mapping[LegId, LegSnapshot],
        *,
        asked_of: tuple[Leg, ...],
        joined: Mapping[LegId, LegId] | None = None,
    ) -> None:
        """
        Take over what the PBX has, after a time in which it could not be heard.

        Nothing is reported: the snapshot says it.

        Args:
            legs: what it has, also legs of an earlier process of ours, or of another one.
            asked_of: `live()` as it was before the PBX was asked: of these, what it does not have is over. A leg
                that was dialed meanwhile may not be in its answer.
            joined: who is in a bridge with whom.
        """
        with self._lock:
            for leg in asked_of:
                if leg.leg_id in self._live and leg.leg_id not in legs:
                    self._close(self._live[leg.leg_id])
            for leg_id, there in legs.items():
                self._meet(leg_id, there, (joined or {}).get(leg_id))

    # ------------------------------------------------------------------ inside

    def _meet(self, leg_id: LegId, there: LegSnapshot, joined_to: LegId | None) -> None:
        leg = self._live.get(leg_id)
        if leg is None:
            if leg_id in self._over:
                return  # An answer from before its end.
            leg = self._live[leg_id] = Leg(leg_id=leg_id)
        answered = leg.answered or there.state is LegState.ANSWERED
        self._live[leg_id] = attrs.evolve(
            leg,
            rang=leg.rang or there.state is LegState.RINGING,
            answered=answered,
            state=LegState.ANSWERED if answered else there.state,
            joined_to=joined_to if there.joined else None,
        )

    def _said(
        self,
        leg_id: LegId,
        kind: ReportKind,
        *,
        answered_by: AnsweredBy = AnsweredBy.UNKNOWN,
        digits: str | None = None,
    ) -> Report | None:
        with self._lock:
            leg = self._live.get(leg_id)
            if leg is None or not leg.can_hear:
                return None
            return Report(
                leg_id=leg_id,
                kind=kind,
                answered_by=answered_by,
                digits=digits,
                recording_id=leg.recording_id,
            )

    def _recording(self, *leg_ids: LegId) -> str | None:
        found = (self._live[leg_id].recording_id for leg_id in leg_ids if leg_id in self._live)
        return next((recording_id for recording_id in found if recording_id is not None), None)

    def _change(self, leg_id: LegId, **changes: Any) -> Leg | None:
        leg = self._live.get(leg_id)
        if leg is not None:
            self._live[leg_id] = attrs.evolve(leg, **changes)
        return leg

    def _leave(self, leg: Leg) -> None:
        """Let a leg be joined to nobody, and whoever thinks to be joined to it."""
        other = self._live.get(leg.joined_to) if leg.joined_to is not None else None
        if other is not None and other.joined_to == leg.leg_id:
            self._change(other.leg_id, joined_to=None)
        self._change(leg.leg_id, joined_to=None)

    def _close(self, leg: Leg) -> None:
        self._live.pop(leg.leg_id, None)
        self._over[leg.leg_id] = attrs.evolve(leg, state=LegState.ENDED, joined_to=None)
        while len(self._over) > self._kept_max:
            self._over.popitem(last=False)


class Seen:
    """
    What was heard before, for facts that a PBX may say twice and that have no other mark: a key that was pressed.

    The last *kept_max* are remembered. May be used from any thread.

    >>> seen = Seen()
    >>> seen.is_new("a"), seen.is_new("a")
    (True, False)
    """

    def __init__(self, *, kept_max: int = 10_000) -> None:
        self._kept: Final[OrderedDict[Hashable, None]] = OrderedDict()
        self._kept_max: Final = kept_max
        self._lock: Final = RLock()

    def is_new(self, fact: Hashable) -> bool:
        """Whether it was never heard; from now on it was."""
        with self._lock:
            if fact in self._kept:
                return False
            self._kept[fact] = None
            if len(self._kept) > self._kept_max:
                self._kept.popitem(last=False)
            return True
