"""
What goes wrong between the parts, seeded. Nothing here needs pytest.

`ShuffledReports` stands before who takes reports. `FaultyTelephony` is a network that does all that real PBXs were
measured to do.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from random import Random
from types import MappingProxyType
from typing import Final

import attrs

from callbackq.effects import (
    Bridge,
    ConnectCall,
    Dial,
    HangUp,
    Play,
    Prompt,
    ReleaseAgent,
    ReserveAgent,
    SendDigits,
    StopPlay,
)
from callbackq.errors import AttemptNotFound, DialRefused, DialUncertain, TelephonyDown
from callbackq.ids import LegId
from callbackq.model import AnsweredBy, Cause, LegState, Report, ReportKind, TelephonySnapshot
from callbackq.testing.clock import ManualClock
from callbackq.testing.telephony import NEVER_ANSWERS, ZERO, Carried, FakeTelephony, Leg, ended


class ShuffledReports:
    """
    Lets reports come twice, late, and so in another order. None is lost.

    Put it between the network and who takes its reports:
    `telephony.on_report = ShuffledReports(telephony.on_report, clock=clock, random=Random(7))`.

    Args:
        deliver: who takes the reports.
        clock: late ones are planned on it.
        random: where chance comes from.
        twice_ratio: the share of reports that come twice. 0 to 1.
        late_ratio: the share of deliveries that are late. 0 to 1.
        late_max: how late at most; uniform.

    >>> clock, heard = ManualClock(), []
    >>> report = ShuffledReports(heard.append, clock=clock, random=Random(7), twice_ratio=1)
    >>> report("answered")
    >>> clock.advance(timedelta(minutes=1))
    >>> heard
    ['answered', 'answered']
    """

    def __init__(
        self,
        deliver: Callable[[Report], object],
        *,
        clock: ManualClock,
        random: Random,
        twice_ratio: float = 0.2,
        late_ratio: float = 0.3,
        late_max: timedelta = timedelta(seconds=20),
    ) -> None:
        self._deliver: Final = deliver
        self._clock: Final = clock
        self._random: Final = random
        self._twice_ratio: Final = twice_ratio
        self._late_ratio: Final = late_ratio
        self._late_max: Final = late_max

    def __call__(self, report: Report) -> None:
        """Deliver *report*, once or twice, now or later."""

        def deliver() -> None:
            self._deliver(report)

        for _ in range(2 if self._random.random() < self._twice_ratio else 1):
            if self._random.random() < self._late_ratio:
                self._clock.plan(self._clock.now() + self._late_max * self._random.random(), deliver)
            else:
                deliver()


# ---------------------------------------------------------------------------- telephony


class Pbx(enum.Enum):
    """What becomes of a leg that answers while nobody is connected to the PBX."""

    ASTERISK = "asterisk"
    """It is hung up, and nobody is ever told."""
    FREESWITCH = "freeswitch"
    """It stays up, parked in silence, until somebody looks for it."""


class Fault(enum.StrEnum):
    """What real PBXs and adapters were measured, or are known, to do to who dials through them."""

    DIAL_REFUSED = "dial_refused"
    """dial raises `DialRefused`, and no event ever comes (Asterisk: status 500, no such endpoint)."""
    DIAL_FAILS_BEFORE = "dial_fails_before"
    """dial raises anything else, and nothing was placed."""
    DIAL_FAILS_AFTER = "dial_fails_after"
    """dial raises `DialUncertain` or anything else, and the phone rings all the same."""
    DIAL_ANSWERED_EARLY = "dial_answered_early"
    """The leg rings, and answers if it ever does, before dial returns (Asterisk: 1 ms before the reply)."""
    DIAL_TWICE = "dial_twice"
    """A second dial of one leg id rings the person a second time (FreeSWITCH: under another uuid, no error)."""
    HANG_UP_ANSWERED = "hang_up_answered"
    """A leg that is hung up while it rings is answered, and then ends (Asterisk: 18 of 24 at the answer)."""
    HANG_UP_ERROR = "hang_up_error"
    """The same, and ENDED says that it was never answered (FreeSWITCH: the job says -ERR, 7 of 24)."""
    HANG_UP_LATE = "hang_up_late"
    """A hang-up is accepted, and done only later (Asterisk: status 204 means "will die")."""
    HANG_UP_FAILS = "hang_up_fails"
    """hang_up raises, before or after it was done."""
    BRIDGE_TO_DEAD = "bridge_to_dead"
    """A leg dies as it is joined: BRIDGED and ENDED come together, or only ENDED (Asterisk: status 204)."""
    BRIDGE_SILENT = "bridge_silent"
    """The two are joined, and BRIDGED never comes."""
    BRIDGE_NEVER = "bridge_never"
    """Nothing is done, and nothing comes."""
    BRIDGE_SLOW = "bridge_slow"
    """The two are joined late."""
    BRIDGE_FAILS = "bridge_fails"
    """bridge raises, before or after it was done."""
    LEFT_ALONE = "left_alone"
    """One leaves the bridge: UNBRIDGED of the other comes, and ENDED of who left late or never. The other stays."""
    PLAY_FOR_EVER = "play_for_ever"
    """What is played does not end by itself, and a bridge waits for it (Asterisk: an unknown medium)."""
    UNSURE = "unsure"
    """What answered is looked for five seconds longer, and stays unknown (Asterisk: `NOTSURE`)."""
    REPORT_TWICE = "report_twice"
    """A report comes twice (Asterisk: an endpoint that was subscribed to as well)."""
    REPORT_LATE = "report_late"
    """A report comes late, and so in another order (FreeSWITCH: HANGUP and HANGUP_COMPLETE in either order)."""
    REPORT_LOST = "report_lost"
    """A report never comes."""
    NONSENSE = "nonsense"
    """Before a true report comes one that makes no sense: of an unknown leg, out of order, a key that is none."""
    OTHER_FAILS = "other_fails"
    """Any other method raises, before or after it was done; `snapshot` and `connect_call` before."""
    OUTAGE = "outage"
    """The connection is lost, at an order or at a report, and comes back by itself."""
    OUTAGE_UNNOTICED = "outage_unnoticed"
    """Of an outage the host is told only when it is over."""


CALM: Final[Mapping[Fault, float]] = MappingProxyType({})
"""Nothing goes wrong."""

STORM: Final[Mapping[Fault, float]] = MappingProxyType(
    dict.fromkeys(Fault, 0.05) | {Fault.OUTAGE: 0.01, Fault.REPORT_LATE: 0.2, Fault.OUTAGE_UNNOTICED: 0.3}
)
"""A little of everything."""

_DETECTION_TIME_MAX: Final = timedelta(seconds=5)


class Cancelled(BaseException):
    """Stands for a cancelled task of the adapter, which is no `Exception` either."""


_ERRORS: Final[tuple[type[BaseException], ...]] = (
    RuntimeError,
    OSError,
    TimeoutError,
    KeyError,
    Cancelled,
)
_NOT_KEYS: Final = ("", "x", "12ab", "٣", "one")


class FaultyTelephony(FakeTelephony):
    """
    A network that does to the host all that real ones do. Its log is the truth, whatever it reports.

    What goes wrong, and when, follows from the seed, the clock and what it was asked, and from nothing else. Give it
    to a `VirtualHost`: `telephony=lambda clock: FaultyTelephony(clock, random=Random(7), ratios=STORM)`.

    Args:
        random: where chance comes from.
        ratios: the share of occasions at which each fault happens, 0 to 1; one that is missing never does.
        pbx: what becomes of a leg that answers during an outage.
        late_max: how late what is late comes at most; uniform.
        outage_max: how long an outage lasts at most; uniform.

    Attributes:
        ratios: may be changed at any time; `calm` ends all faults.
        happened: how often each fault did.
        is_down: whether the connection is lost now. Every method raises then, and no report comes.

    >>> clock = ManualClock()
    >>> telephony = FaultyTelephony(clock, random=Random(7))
    >>> telephony.disconnect()
    >>> telephony.snapshot()
    Traceback (most recent call last):
    ...
    callbackq.errors.TelephonyDown: not connected
    >>> telephony.reconnect()
    >>> len(telephony.snapshot().legs)
    0
    """

    def __init__(
        self,
        clock: ManualClock,
        *,
        random: Random,
        ratios: Mapping[Fault, float] = CALM,
        pbx: Pbx = Pbx.ASTERISK,
        late_max: timedelta = timedelta(seconds=20),
        outage_max: timedelta = timedelta(minutes=2),
    ) -> None:
        super().__init__(clock)
        self._random: Final = random
        self._pbx: Final = pbx
        self._late_max: Final = late_max
        self._outage_max: Final = outage_max
        self._outages_count = 0
        self._dying: set[LegId] = set()
        self.ratios = dict(ratios)
        self.happened: Counter[Fault] = Counter()
        self.is_down = False

    # ------------------------------------------------------------------ the weather

    def calm(self) -> None:
        """From now on nothing more goes wrong. What went wrong stays so; the connection comes back, if it is lost."""
        self.ratios = {}
        self.reconnect()

    def disconnect(self, *, noticed: bool = True) -> None:
        """
        Lose the connection. What is reported while it is lost never comes.

        Args:
            noticed: the host is told so.
        """
        if not self.is_down:
            self.is_down = True
            self._outages_count += 1
            if noticed:
                self.on_connection(False)

    def reconnect(self) -> None:
        """The connection is back, and the host is told so."""
        if self.is_down:
            self.is_down = False
            self.on_connection(True)

    # ------------------------------------------------------------------ the port

    def dial(self, order: Dial) -> None:
        """Place a leg, or not, or twice, and say so, or something else."""
        self._may_lose_connection()
        if self.is_down:
            raise self._random.choice((DialRefused, TelephonyDown))("not connected")
        if self._hits(Fault.DIAL_REFUSED):
            raise DialRefused("allocation failed")
        if self._hits(Fault.DIAL_FAILS_BEFORE):
            raise self._error()
        again = order.leg_id in self._legs
        super().dial(order)
        if again and self._hits(Fault.DIAL_TWICE):
            self._dial_again(order)
        if self._hits(Fault.DIAL_ANSWERED_EARLY):
            leg = self._legs[order.leg_id]
            if leg.behaviour.rings_after is not None:
                self._ring(leg)
            if leg.behaviour.answers_after is not None:
                self._answer(leg)
        if self._hits(Fault.DIAL_FAILS_AFTER):
            raise self._random.choice((DialUncertain("no reply"), self._error()))

    def hang_up(self, order: HangUp) -> None:
        """End a leg, now or later, or after it has answered."""
        leg = self._legs.get(order.leg_id)
        self._shaky(Fault.HANG_UP_FAILS, lambda: self._hang_up(leg, order))

    def bridge(self, order: Bridge) -> None:
        """Join two legs, now or later or never."""
        self._shaky(Fault.BRIDGE_FAILS, lambda: self._bridge(order))

    def play(self, order: Play) -> None:
        """Play a prompt."""
        self._shaky(Fault.OTHER_FAILS, lambda: super(FaultyTelephony, self).play(order))

    def stop_play(self, order: StopPlay) -> None:
        """End what is played to a leg."""
        self._shaky(Fault.OTHER_FAILS, lambda: super(FaultyTelephony, self).stop_play(order))

    def send_digits(self, order: SendDigits) -> None:
        """Press keys on a leg."""
        self._shaky(Fault.OTHER_FAILS, lambda: super(FaultyTelephony, self).send_digits(order))

    def reserve_agent(self, order: ReserveAgent) -> None:
        """Keep other queues from giving this agent calls."""
        self._shaky(Fault.OTHER_FAILS, lambda: super(FaultyTelephony, self).reserve_agent(order))

    def release_agent(self, order: ReleaseAgent) -> None:
        """Let other queues give this agent calls again."""
        self._shaky(Fault.OTHER_FAILS, lambda: super(FaultyTelephony, self).release_agent(order))

    def connect_call(self, order: ConnectCall) -> None:
        """Connect a live caller to an agent; if it raises, nothing was done."""
        self._may_fail(Fault.OTHER_FAILS)
        super().connect_call(order)

    def snapshot(self) -> TelephonySnapshot:
        """Return the legs that are up or ringing. Raises: TelephonyDown, or anything."""
        self._may_fail(Fault.OTHER_FAILS)
        return super().snapshot()

    # ------------------------------------------------------------------ what goes wrong with a leg

    def _dial_again(self, order: Dial) -> None:
        """A second call to the same person, of which nobody ever hears."""
        leg_id = LegId(f"{order.leg_id}~{len(self._legs)}")
        leg = self._legs[leg_id] = Leg(order=attrs.evolve(order, leg_id=leg_id), behaviour=NEVER_ANSWERS)
        self._note(Carried.DIALED, leg.order)
        self._moves(leg, LegState.RINGING)
        self._note(Carried.RINGING, leg.order)
        self._later(order.ring_time, lambda: self._close(leg, Cause.NO_ANSWER))

    def _hang_up(self, leg: Leg | None, order: HangUp) -> None:
        if leg is None or leg.leg_id in self._dying:
            return
        rings = leg.state in (LegState.INTENDED, LegState.RINGING)
        if rings and self._hits(Fault.HANG_UP_ANSWERED):
            self._die_answering(leg, Cause.NORMAL)
        elif rings and self._hits(Fault.HANG_UP_ERROR):
            self._die_answering(leg, Cause.CANCELLED)
        elif leg.state is not LegState.ENDED and self._hits(Fault.HANG_UP_LATE):
            self._later(self._late(), lambda: super(FaultyTelephony, self).hang_up(order))
        else:
            super().hang_up(order)

    def _die_answering(self, leg: Leg, cause: Cause) -> None:
        """The leg answers before it dies; hanging it up again changes nothing."""
        self._dying.add(leg.leg_id)
        self._later(ZERO, lambda: self._answer(leg))
        self._later(ZERO, lambda: self._fail(leg, cause))

    def _bridge(self, order: Bridge) -> None:
        if self._hits(Fault.BRIDGE_NEVER):
            return
        if self._hits(Fault.BRIDGE_SLOW):
            self._later(self._late(), lambda: super(FaultyTelephony, self).bridge(order))
        else:
            super().bridge(order)

    def _join(self, customer: Leg, agent: Leg) -> None:
        both = customer.is_up and agent.is_up
        if both and customer.joined_to is None and self._hits(Fault.BRIDGE_TO_DEAD):
            if self._coin():
                super()._join(customer, agent)
            self._fail(self._random.choice((customer, agent)), Cause.NORMAL)
        else:
            super()._join(customer, agent)

    def _tell_joined(self, customer: Leg) -> None:
        if not self._hits(Fault.BRIDGE_SILENT):
            super()._tell_joined(customer)

    def _answer(self, leg: Leg) -> None:
        rang = leg.state in (LegState.INTENDED, LegState.RINGING)
        super()._answer(leg)
        if rang and self.is_down and self._pbx is Pbx.ASTERISK:
            self._fail(leg, Cause.NORMAL)

    def _detect(self, leg: Leg, by: AnsweredBy) -> None:
        if self._hits(Fault.UNSURE):
            unsure = partial(super()._detect, leg, AnsweredBy.UNKNOWN)
            self._later(_DETECTION_TIME_MAX, unsure)
        else:
            super()._detect(leg, by)

    def _play_time(self, order: Play) -> timedelta | None:
        return None if self._hits(Fault.PLAY_FOR_EVER) else super()._play_time(order)

    def _end(self, leg: Leg, cause: Cause, *, prompt: Prompt | None = None) -> None:
        other = leg.joined_to
        if other is None or not self._hits(Fault.LEFT_ALONE):
            super()._end(leg, cause, prompt=prompt)
            return
        self._close(leg, cause, prompt=prompt)
        alone = Report(leg_id=other.leg_id, kind=ReportKind.UNBRIDGED)
        self._later(ZERO, lambda: self._report(alone))
        if self._coin():
            self._later(self._late(), lambda: self._report(ended(leg, cause)))

    # ------------------------------------------------------------------ what goes wrong with a report

    def _report(self, report: Report) -> None:
        self._may_lose_connection()
        if self.is_down:
            return
        if self._hits(Fault.NONSENSE):
            self._talk_nonsense(self._legs[report.leg_id])
        if self._hits(Fault.REPORT_LOST):
            return
        for _ in range(2 if self._hits(Fault.REPORT_TWICE) else 1):
            if self._hits(Fault.REPORT_LATE):
                self._later(self._late(), lambda: self._deliver(report))
            else:
                self._deliver(report)

    def _deliver(self, report: Report) -> None:
        if not self.is_down:
            self.on_report(report)

    def _talk_nonsense(self, leg: Leg) -> None:
        """Say what cannot be of this leg, or something of a leg that nobody knows."""
        if leg.state in (LegState.INTENDED, LegState.RINGING):
            kinds = (ReportKind.BRIDGED, ReportKind.UNBRIDGED, ReportKind.DETECTED, ReportKind.DIGIT)
        elif leg.state is LegState.ENDED:
            kinds = (ReportKind.RINGING, ReportKind.ANSWERED, ReportKind.DIGIT, ReportKind.PLAYED)
        elif leg.joined_to is None:
            kinds = (ReportKind.RINGING, ReportKind.DIGIT, ReportKind.UNBRIDGED, ReportKind.UNCERTAIN)
        else:
            kinds = (ReportKind.RINGING, ReportKind.DIGIT, ReportKind.PLAYED, ReportKind.UNCERTAIN)
        unknown = self._random.random() < 1 / 4
        leg_id = LegId("leg_that_nobody_knows") if unknown else leg.leg_id
        digits = self._random.choice(_NOT_KEYS)
        kind = self._random.choice(tuple(ReportKind) if unknown else kinds)
        with suppress(AttemptNotFound):  # As the host is right to say.
            self._deliver(Report(leg_id=leg_id, kind=kind, digits=digits))

    # ------------------------------------------------------------------ chance

    def _hits(self, fault: Fault) -> bool:
        ratio = self.ratios.get(fault, 0.0)
        hit = ratio > 0 and self._random.random() < ratio
        self.happened[fault] += hit
        return hit

    def _coin(self) -> bool:
        return self._random.random() < 1 / 2

    def _late(self) -> timedelta:
        return self._late_max * self._random.random()

    def _error(self) -> BaseException:
        return self._random.choice(_ERRORS)("the line to +12125550199 broke")

    def _may_lose_connection(self) -> None:
        if not self.is_down and self._hits(Fault.OUTAGE):
            time = self._outage_max * self._random.random()
            self.disconnect(noticed=not self._hits(Fault.OUTAGE_UNNOTICED))
            this = self._outages_count
            self._later(time, lambda: self.reconnect() if self._outages_count == this else None)

    def _check_connection(self) -> None:
        self._may_lose_connection()
        if self.is_down:
            raise TelephonyDown("not connected")

    def _may_fail(self, fault: Fault) -> None:
        self._check_connection()
        if self._hits(fault):
            raise self._error()

    def _shaky(self, fault: Fault, action: Callable[[], None]) -> None:
        """Do *action*, unless the fault comes first; then raise, or raise although it was done."""
        self._check_connection()
        fails = self._hits(fault)
        if fails and self._coin():
            raise self._error()
        action()
        if fails:
            raise self._error()
