"""
A telephone network of scripted people, in the time of a manual clock. Nothing here needs pytest.

It keeps a log of its own of everything that it was asked and that happened, for checks that trust nobody.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.effects import Bridge, ConnectCall, Dial, HangUp, Prompt
from callbackq.ids import AgentId, AttemptId, CallbackId, CallId, LegId
from callbackq.masking import repr_masked
from callbackq.model import AnsweredBy, Cause, LegState, Report, ReportKind, Role
from callbackq.testing.clock import ManualClock

ZERO: Final = timedelta(0)


@attrs.frozen(kw_only=True)
class Behaviour:
    """
    What happens on one leg.

    Args:
        rings_after: when RINGING is reported; never if None.
        answers_after: when it is answered; never if None.
        cause: how it ends when it is not answered: at `fails_after`, or when the ring time is over.
        talks_for: the customer hangs up so long after the bridge; never by themselves if None.
    """

    rings_after: timedelta | None = ZERO
    answers_after: timedelta | None = ZERO
    answered_by: AnsweredBy = AnsweredBy.HUMAN
    fails_after: timedelta | None = None
    cause: Cause = Cause.NO_ANSWER
    talks_for: timedelta | None = timedelta(minutes=3)


ANSWERS: Final = Behaviour()
NEVER_ANSWERS: Final = Behaviour(answers_after=None)
IS_BUSY: Final = Behaviour(
    rings_after=None, answers_after=None, fails_after=timedelta(seconds=1), cause=Cause.BUSY
)
DECLINES: Final = Behaviour(answers_after=None, fails_after=timedelta(seconds=3), cause=Cause.REJECTED)


class Carried(enum.StrEnum):
    """What the network did or was asked."""

    DIALED = "dialed"
    RINGING = "ringing"
    ANSWERED = "answered"
    BRIDGED = "bridged"
    ENDED = "ended"
    CONNECTED_CALL = "connected_call"


@attrs.frozen(kw_only=True)
class CarrierEntry:
    """One line of the network's own log."""

    at: datetime
    what: Carried
    leg_id: LegId | None = None
    role: Role | None = None
    number: str | None = attrs.field(default=None, repr=repr_masked)
    attempt_id: AttemptId | None = None
    callback_id: CallbackId | None = None
    agent_id: AgentId | None = None
    call_id: CallId | None = None
    cause: Cause | None = None
    prompt: Prompt | None = None


@attrs.define(kw_only=True)
class _Leg:
    order: Dial
    behaviour: Behaviour
    state: LegState = LegState.INTENDED


class FakeTelephony:
    """
    The telephony port over scripted people.

    Args:
        clock: reports are planned on it, and delivered when it is moved.

    Attributes:
        log: everything, in order.
        on_report: who is told of reports; `VirtualHost` sets it.
        on_connect_call: who is told that a live caller was connected to an agent.
        behaviour_of: chooses the behaviour of each leg, from the order and how often that number or agent was
            dialed before; scripts set by `person` and `agent` unless replaced.
    """

    def __init__(self, clock: ManualClock) -> None:
        self._clock: Final = clock
        self._legs: dict[LegId, _Leg] = {}
        self._scripts: dict[str, list[Behaviour]] = {}
        self._dialed_count: dict[str, int] = {}
        self.log: list[CarrierEntry] = []
        self.on_report: Callable[[Report], object] = lambda _report: None
        self.on_connect_call: Callable[[ConnectCall], object] = lambda _order: None
        self.behaviour_of: Callable[[Dial, int], Behaviour] = self._scripted

    # ------------------------------------------------------------------ scripts

    def person(self, number: str, *behaviours: Behaviour) -> None:
        """Say what the person at *number* (E.164) does at the first, second … dialing; then the last again."""
        self._scripts[number] = list(behaviours)

    def agent(self, agent_id: str, *behaviours: Behaviour) -> None:
        """Say what an agent does at the first, second … reservation; the last one again after that."""
        self._scripts[agent_id] = list(behaviours)

    def live_legs(self, role: Role | None = None) -> list[LegId]:
        """Return the legs that are up or ringing."""
        return [
            leg_id
            for leg_id, leg in self._legs.items()
            if leg.state is not LegState.ENDED and role in (None, leg.order.role)
        ]

    def leg_of(self, number_or_agent: str) -> LegId | None:
        """Return the latest leg to a number or an agent."""
        for leg_id, leg in reversed(self._legs.items()):
            if _who(leg.order) == number_or_agent:
                return leg_id
        return None

    def dialed(self, number: str) -> int:
        """Return how often *number* was dialed."""
        return sum(
            entry.what is Carried.DIALED and entry.role is Role.CUSTOMER and entry.number == number
            for entry in self.log
        )

    # ------------------------------------------------------------------ the port

    def dial(self, order: Dial) -> None:
        """Place a leg. A leg id that comes again is logged, and placed no second time."""
        self._note(Carried.DIALED, order)
        if order.leg_id in self._legs:
            return
        who = _who(order)
        count = self._dialed_count[who] = self._dialed_count.get(who, 0) + 1
        behaviour = self.behaviour_of(order, count - 1)
        self._legs[order.leg_id] = _Leg(order=order, behaviour=behaviour)
        if behaviour.rings_after is not None:
            self._plan(behaviour.rings_after, order.leg_id, ReportKind.RINGING)
        if behaviour.answers_after is not None and behaviour.answers_after <= order.ring_time:
            self._plan(behaviour.answers_after, order.leg_id, ReportKind.ANSWERED)
        elif behaviour.fails_after is not None:
            self._plan(behaviour.fails_after, order.leg_id, ReportKind.ENDED, behaviour.cause)
        else:
            self._plan(order.ring_time, order.leg_id, ReportKind.ENDED, Cause.NO_ANSWER)

    def bridge(self, order: Bridge) -> None:
        """Join two legs that are both up; otherwise nothing happens, as on a real PBX."""
        customer, agent = self._legs[order.customer_leg_id], self._legs[order.agent_leg_id]
        if customer.state is not LegState.ANSWERED or agent.state is not LegState.ANSWERED:
            return
        self._note(Carried.BRIDGED, customer.order)
        self._clock.plan(self._clock.now(), lambda: self._bridged(customer))

    def hang_up(self, order: HangUp) -> None:
        """End a leg; one that is gone, or was never there, is no error."""
        leg = self._legs.get(order.leg_id)
        if leg is None or leg.state is LegState.ENDED:
            return
        answered = leg.state is LegState.ANSWERED
        self._end(leg, Cause.NORMAL if answered else Cause.CANCELLED, prompt=order.prompt)

    def connect_call(self, order: ConnectCall) -> None:
        """Connect a live caller to an agent."""
        self.log.append(
            CarrierEntry(
                at=self._clock.now(),
                what=Carried.CONNECTED_CALL,
                call_id=order.call_id,
                agent_id=order.agent_id,
            )
        )
        self.on_connect_call(order)

    def hang_up_by(self, number_or_agent: str) -> None:
        """The person at this number, or this agent, hangs up."""
        leg_id = self.leg_of(number_or_agent)
        if leg_id is not None and self._legs[leg_id].state is not LegState.ENDED:
            self._end(self._legs[leg_id], Cause.NORMAL)

    # ------------------------------------------------------------------ inside

    def _scripted(self, order: Dial, dialed_before: int) -> Behaviour:
        script = self._scripts.get(_who(order))
        return script[min(dialed_before, len(script) - 1)] if script else ANSWERS

    def _plan(self, after: timedelta, leg_id: LegId, kind: ReportKind, cause: Cause = Cause.UNKNOWN) -> None:
        self._clock.plan(self._clock.now() + after, lambda: self._happen(leg_id, kind, cause))

    def _happen(self, leg_id: LegId, kind: ReportKind, cause: Cause) -> None:
        leg = self._legs[leg_id]
        if leg.state is LegState.ENDED:
            return
        if kind is ReportKind.ENDED:
            self._end(leg, cause)
            return
        leg.state = LegState.ANSWERED if kind is ReportKind.ANSWERED else LegState.RINGING
        self._note(Carried(kind.value), leg.order)
        self.on_report(Report(leg_id=leg_id, kind=kind, answered_by=leg.behaviour.answered_by))

    def _bridged(self, customer: _Leg) -> None:
        if customer.state is LegState.ENDED:
            return
        if customer.behaviour.talks_for is not None:
            self._plan(customer.behaviour.talks_for, customer.order.leg_id, ReportKind.ENDED, Cause.NORMAL)
        self.on_report(Report(leg_id=customer.order.leg_id, kind=ReportKind.BRIDGED))

    def _end(self, leg: _Leg, cause: Cause, *, prompt: Prompt | None = None) -> None:
        leg.state = LegState.ENDED
        self._note(Carried.ENDED, leg.order, cause=cause, prompt=prompt)
        report = Report(leg_id=leg.order.leg_id, kind=ReportKind.ENDED, cause=cause)

        def tell() -> None:
            self.on_report(report)

        self._clock.plan(self._clock.now(), tell)

    def _note(
        self, what: Carried, order: Dial, *, cause: Cause | None = None, prompt: Prompt | None = None
    ) -> None:
        self.log.append(
            CarrierEntry(
                at=self._clock.now(),
                what=what,
                leg_id=order.leg_id,
                role=order.role,
                number=order.number if order.role is Role.CUSTOMER else None,
                attempt_id=order.attempt_id,
                callback_id=order.callback_id,
                agent_id=order.agent_id,
                cause=cause,
                prompt=prompt,
            )
        )


def _who(order: Dial) -> str:
    return order.agent_id if order.role is Role.AGENT and order.agent_id else order.number
