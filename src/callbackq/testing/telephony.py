"""
A telephone network of scripted people, in the time of a manual clock. Nothing here needs pytest.

It keeps a log of its own of everything that it was asked and that happened, for checks that trust nobody. It is
honest: what it says is so, at once and one time. `faults.FaultyTelephony` is the one that is not.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

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
from callbackq.errors import DialRefused
from callbackq.ids import AgentId, AttemptId, CallbackId, CallId, LegId
from callbackq.masking import repr_masked
from callbackq.model import (
    AnsweredBy,
    Cause,
    LegSnapshot,
    LegState,
    Report,
    ReportKind,
    Role,
    TelephonySnapshot,
)
from callbackq.testing.clock import ManualClock

ZERO: Final = timedelta(0)
PROMPT_TIME: Final = timedelta(seconds=4)
"""How long a prompt plays, unless `play_time_of` says otherwise."""

_BETWEEN_KEYS: Final = timedelta(seconds=0.5)
_FORWARD: Final = tuple(LegState)


@attrs.frozen(kw_only=True)
class Behaviour:
    """
    What happens on one leg.

    Args:
        rings_after: when RINGING is reported; never if None.
        answers_after: when it is answered; never if None.
        answered_by: who answers, as ANSWERED says it.
        detected_as: what DETECTED says, `detected_after` the answer, where the order asks for detection.
        presses: the keys that are pressed, one DIGIT each, beginning `presses_after` the answer.
        hangs_up_after: hangs up so long after the answer, unless joined by then; never for this reason if None.
        extension: the digits that put one through to the person. Until they are sent, nobody presses a key, is
            detected, or talks.
        cause: how it ends when it is not answered: at `fails_after`, or when the ring time is over.
        refused: the PBX refuses the leg: dial raises `DialRefused`, and nothing is placed.
        talks_for: the customer hangs up so long after the bridge; never by themselves if None.
    """

    rings_after: timedelta | None = ZERO
    answers_after: timedelta | None = ZERO
    answered_by: AnsweredBy = AnsweredBy.HUMAN
    detected_as: AnsweredBy | None = None
    detected_after: timedelta = timedelta(seconds=2)
    presses: str = ""
    presses_after: timedelta = timedelta(seconds=2)
    hangs_up_after: timedelta | None = None
    extension: str | None = None
    fails_after: timedelta | None = None
    cause: Cause = Cause.NO_ANSWER
    refused: bool = False
    talks_for: timedelta | None = timedelta(minutes=3)


ANSWERS: Final = Behaviour()
NEVER_ANSWERS: Final = Behaviour(answers_after=None)
IS_BUSY: Final = Behaviour(
    rings_after=None, answers_after=None, fails_after=timedelta(seconds=1), cause=Cause.BUSY
)
DECLINES: Final = Behaviour(answers_after=None, fails_after=timedelta(seconds=3), cause=Cause.REJECTED)
IS_MACHINE: Final = Behaviour(answered_by=AnsweredBy.UNKNOWN, detected_as=AnsweredBy.MACHINE)
ACCEPTS: Final = Behaviour(answered_by=AnsweredBy.UNKNOWN, presses="1")
"""Answers, and presses 1 when asked to."""


class Carried(enum.StrEnum):
    """What the network did or was asked."""

    DIALED = "dialed"
    REFUSED = "refused"
    RINGING = "ringing"
    ANSWERED = "answered"
    DETECTED = "detected"
    PRESSED = "pressed"
    PLAYED = "played"
    STOPPED = "stopped"
    DIGITS = "digits"
    BRIDGED = "bridged"
    UNBRIDGED = "unbridged"
    ENDED = "ended"
    RESERVED = "reserved"
    RELEASED = "released"
    CONNECTED_CALL = "connected_call"


@attrs.frozen(kw_only=True)
class CarrierEntry:
    """One line of the network's own log. `digits` are what was pressed, or what was sent."""

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
    digits: str | None = attrs.field(default=None, repr=False)


@attrs.define(kw_only=True, eq=False)
class Leg:
    """
    One leg as the network knows it.

    Args:
        reached: nobody stands between us and the person: there is no extension, or it was sent.
        playing: counts what was played; `is_playing` whether something is.
        joining: the bridge that waits until nothing is played to this leg.
        joined_to: the leg that it is in a bridge with.
    """

    order: Dial
    behaviour: Behaviour
    state: LegState = LegState.INTENDED
    reached: bool = False
    playing: int = 0
    is_playing: bool = False
    joining: Bridge | None = None
    joined_to: Leg | None = None

    @property
    def leg_id(self) -> LegId:
        """Return its id."""
        return self.order.leg_id

    @property
    def is_up(self) -> bool:
        """Whether it was answered, and has not ended."""
        return self.state is LegState.ANSWERED


class FakeTelephony:
    """
    The telephony port over scripted people, with a snapshot and agents who can be reserved.

    Args:
        clock: reports are planned on it, and delivered when it is moved.

    Attributes:
        log: everything, in order.
        reserved: the agents who are reserved now, and for which attempt.
        on_report: who is told of reports; `VirtualHost` sets it.
        on_connection: who is told that the connection was lost (False) or is back (True); `VirtualHost` sets it.
            An honest network never loses it.
        on_entry: who is told of each line of the log as it is written: the truth, whatever is reported.
        on_connect_call: who is told that a live caller was connected to an agent.
        behaviour_of: chooses the behaviour of each leg, from the order and how often that number or agent was
            dialed before; scripts set by `person` and `agent` unless replaced.
        play_time_of: says how long a prompt plays; None is until it is stopped.
    """

    def __init__(self, clock: ManualClock) -> None:
        self._clock: Final = clock
        self._legs: dict[LegId, Leg] = {}
        self._scripts: dict[str, list[Behaviour]] = {}
        self._dialed_count: dict[str, int] = {}
        self.log: list[CarrierEntry] = []
        self.reserved: dict[AgentId, AttemptId] = {}
        self.on_report: Callable[[Report], object] = lambda _report: None
        self.on_connection: Callable[[bool], object] = lambda _is_up: None
        self.on_entry: Callable[[CarrierEntry], object] = lambda _entry: None
        self.on_connect_call: Callable[[ConnectCall], object] = lambda _order: None
        self.behaviour_of: Callable[[Dial, int], Behaviour] = self._scripted
        self.play_time_of: Callable[[Play], timedelta | None] = lambda _order: PROMPT_TIME

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

    def joined_to(self, leg_id: LegId) -> LegId | None:
        """Return the leg that this one is in a bridge with."""
        leg = self._legs.get(leg_id)
        return leg.joined_to.leg_id if leg is not None and leg.joined_to is not None else None

    def dialed(self, number: str) -> int:
        """Return how often *number* was dialed."""
        return sum(
            entry.what is Carried.DIALED and entry.role is Role.CUSTOMER and entry.number == number
            for entry in self.log
        )

    # ------------------------------------------------------------------ the port

    def dial(self, order: Dial) -> None:
        """Place a leg. A leg id that comes again is logged, and placed no second time."""
        if order.leg_id in self._legs:
            self._note(Carried.DIALED, order)
            return
        who = _who(order)
        count = self._dialed_count[who] = self._dialed_count.get(who, 0) + 1
        behaviour = self.behaviour_of(order, count - 1)
        if behaviour.refused:
            self._note(Carried.REFUSED, order)
            raise DialRefused("the network refused the leg")
        self._note(Carried.DIALED, order)
        leg = self._legs[order.leg_id] = Leg(order=order, behaviour=behaviour)
        if behaviour.rings_after is not None:
            self._later(behaviour.rings_after, lambda: self._ring(leg))
        if behaviour.answers_after is not None and behaviour.answers_after <= order.ring_time:
            self._later(behaviour.answers_after, lambda: self._answer(leg))
        elif behaviour.fails_after is not None:
            self._later(behaviour.fails_after, lambda: self._fail(leg, behaviour.cause))
        else:
            self._later(order.ring_time, lambda: self._fail(leg, behaviour.cause))

    def bridge(self, order: Bridge) -> None:
        """
        Join two legs that are both up; otherwise nothing happens, as on a real PBX.

        While something is played to one of them, the bridge waits for its end, as on Asterisk.
        """
        customer, agent = self._legs.get(order.customer_leg_id), self._legs.get(order.agent_leg_id)
        if customer is None or agent is None or not (customer.is_up and agent.is_up):
            return
        for leg in (customer, agent):
            if leg.is_playing and leg.joined_to is None:
                leg.joining = order
                return
        self._later(ZERO, lambda: self._join(customer, agent))

    def hang_up(self, order: HangUp) -> None:
        """End a leg; one that is gone, or was never there, is no error. What it hears first takes no time."""
        leg = self._legs.get(order.leg_id)
        if leg is None or leg.state is LegState.ENDED:
            return
        self._end(leg, Cause.NORMAL if leg.is_up else Cause.CANCELLED, prompt=order.prompt)

    def play(self, order: Play) -> None:
        """Play a prompt to a leg that is up, in place of what was played to it."""
        leg = self._legs.get(order.leg_id)
        if leg is None or not leg.is_up:
            return
        self._note(Carried.PLAYED, leg.order, prompt=order.prompt)
        if leg.is_playing:
            self._played(leg)
        leg.playing += 1
        leg.is_playing = True
        this, time = leg.playing, self._play_time(order)
        if time is not None:
            self._later(time, lambda: self._played(leg) if leg.playing == this else None)

    def stop_play(self, order: StopPlay) -> None:
        """End what is played to a leg."""
        leg = self._legs.get(order.leg_id)
        if leg is not None and leg.is_playing:
            self._note(Carried.STOPPED, leg.order)
            self._played(leg)

    def send_digits(self, order: SendDigits) -> None:
        """Press keys on a leg that is up. The extension, if there is one, puts through to the person."""
        leg = self._legs.get(order.leg_id)
        if leg is None or not leg.is_up:
            return
        self._note(Carried.DIGITS, leg.order, digits=order.digits)
        if not leg.reached and order.digits == leg.behaviour.extension:
            self._reach(leg)

    def connect_call(self, order: ConnectCall) -> None:
        """Connect a live caller to an agent."""
        now, what = self._clock.now(), Carried.CONNECTED_CALL
        self._write(CarrierEntry(at=now, what=what, call_id=order.call_id, agent_id=order.agent_id))
        self.on_connect_call(order)

    def reserve_agent(self, order: ReserveAgent) -> None:
        """Keep other queues from giving this agent calls."""
        self.reserved[order.agent_id] = order.attempt_id
        self._note_agent(Carried.RESERVED, order)

    def release_agent(self, order: ReleaseAgent) -> None:
        """Let other queues give this agent calls again."""
        self.reserved.pop(order.agent_id, None)
        self._note_agent(Carried.RELEASED, order)

    def snapshot(self) -> TelephonySnapshot:
        """Return the legs that are up or ringing."""
        legs = {
            leg_id: LegSnapshot(
                state=LegState.ANSWERED if leg.is_up else LegState.RINGING, joined=leg.joined_to is not None
            )
            for leg_id, leg in self._legs.items()
            if leg.state is not LegState.ENDED
        }
        return TelephonySnapshot(legs=legs, as_of=self._clock.now())

    # ------------------------------------------------------------------ what people do, at a test's word

    def answer_by(self, number_or_agent: str) -> None:
        """The person at this number, or this agent, picks up now, if the phone rings."""
        leg = self._live(number_or_agent)
        if leg is not None:
            self._answer(leg)

    def press_by(self, number_or_agent: str, digits: str) -> None:
        """The person at this number, or this agent, presses keys now."""
        leg = self._live(number_or_agent)
        if leg is not None:
            self._press(leg, digits)

    def hang_up_by(self, number_or_agent: str) -> None:
        """The person at this number, or this agent, hangs up; or declines, if the phone still rings."""
        leg = self._live(number_or_agent)
        if leg is not None:
            self._end(leg, Cause.NORMAL if leg.is_up else Cause.REJECTED)

    def fail_by(self, number_or_agent: str, cause: Cause) -> None:
        """The leg to this number or agent ends now for *cause*."""
        leg = self._live(number_or_agent)
        if leg is not None:
            self._end(leg, cause)

    def part(self, number_or_agent: str) -> None:
        """The leg to this number or agent leaves its bridge. Both stay up, each alone, in silence."""
        leg = self._live(number_or_agent)
        if leg is not None and leg.joined_to is not None:
            other = leg.joined_to
            self._unjoin(leg)
            self._note(Carried.UNBRIDGED, leg.order)
            for parted in (leg, other):
                self._report(Report(leg_id=parted.leg_id, kind=ReportKind.UNBRIDGED))

    # ------------------------------------------------------------------ inside

    def _scripted(self, order: Dial, dialed_before: int) -> Behaviour:
        script = self._scripts.get(_who(order))
        return script[min(dialed_before, len(script) - 1)] if script else ANSWERS

    def _live(self, number_or_agent: str) -> Leg | None:
        leg_id = self.leg_of(number_or_agent)
        leg = self._legs[leg_id] if leg_id is not None else None
        return leg if leg is not None and leg.state is not LegState.ENDED else None

    def _later(self, after: timedelta, action: Callable[[], None]) -> None:
        self._clock.plan(self._clock.now() + after, action)

    def _report(self, report: Report) -> None:
        """Tell the host. Every report goes through here."""
        self.on_report(report)

    def _moves(self, leg: Leg, state: LegState) -> bool:
        """Move a leg on; say whether it did: it never goes back."""
        if _FORWARD.index(state) <= _FORWARD.index(leg.state):
            return False
        leg.state = state
        return True

    def _ring(self, leg: Leg) -> None:
        if self._moves(leg, LegState.RINGING):
            self._note(Carried.RINGING, leg.order)
            self._report(Report(leg_id=leg.leg_id, kind=ReportKind.RINGING))

    def _answer(self, leg: Leg) -> None:
        if not self._moves(leg, LegState.ANSWERED):
            return
        behaviour = leg.behaviour
        self._note(Carried.ANSWERED, leg.order)
        if behaviour.hangs_up_after is not None:
            self._later(behaviour.hangs_up_after, lambda: self._lose_patience(leg))
        if behaviour.extension is None:
            self._reach(leg)
        self._report(Report(leg_id=leg.leg_id, kind=ReportKind.ANSWERED, answered_by=behaviour.answered_by))

    def _reach(self, leg: Leg) -> None:
        """Somebody, or a machine, listens: plan what they do."""
        leg.reached = True
        behaviour = leg.behaviour
        if behaviour.detected_as is not None and leg.order.detect:
            self._later(behaviour.detected_after, partial(self._detect, leg, behaviour.detected_as))
        for index, key in enumerate(behaviour.presses):
            after = behaviour.presses_after + index * _BETWEEN_KEYS
            self._later(after, partial(self._press, leg, key))
        if leg.joined_to is not None:
            self._talk(leg)

    def _detect(self, leg: Leg, by: AnsweredBy) -> None:
        if leg.is_up:
            self._note(Carried.DETECTED, leg.order)
            self._report(Report(leg_id=leg.leg_id, kind=ReportKind.DETECTED, answered_by=by))

    def _press(self, leg: Leg, digits: str) -> None:
        if leg.is_up:
            self._note(Carried.PRESSED, leg.order, digits=digits)
            self._report(Report(leg_id=leg.leg_id, kind=ReportKind.DIGIT, digits=digits))

    def _play_time(self, order: Play) -> timedelta | None:
        return self.play_time_of(order)

    def _lose_patience(self, leg: Leg) -> None:
        if leg.is_up and leg.joined_to is None:
            self._end(leg, Cause.NORMAL)

    def _played(self, leg: Leg) -> None:
        """What was played is over: tell it, and join the leg if that waited for it."""
        if not leg.is_playing:
            return
        leg.is_playing = False
        self._later(ZERO, lambda: self._report(Report(leg_id=leg.leg_id, kind=ReportKind.PLAYED)))
        waiting, leg.joining = leg.joining, None
        if waiting is not None:
            self.bridge(waiting)

    def _join(self, customer: Leg, agent: Leg) -> None:
        if not (customer.is_up and agent.is_up):
            return
        if customer.joined_to is not agent:
            customer.joined_to, agent.joined_to = agent, customer
            self._note(Carried.BRIDGED, customer.order)
            if customer.reached:
                self._talk(customer)
        self._tell_joined(customer)

    def _tell_joined(self, customer: Leg) -> None:
        self._report(Report(leg_id=customer.leg_id, kind=ReportKind.BRIDGED))

    def _talk(self, customer: Leg) -> None:
        if customer.behaviour.talks_for is not None:
            self._later(customer.behaviour.talks_for, lambda: self._fail(customer, Cause.NORMAL))

    def _unjoin(self, leg: Leg) -> None:
        if leg.joined_to is not None:
            leg.joined_to.joined_to = None
            leg.joined_to = None

    def _fail(self, leg: Leg, cause: Cause) -> None:
        """The leg ends by itself, if it has not."""
        if leg.state is not LegState.ENDED:
            self._end(leg, cause)

    def _end(self, leg: Leg, cause: Cause, *, prompt: Prompt | None = None) -> None:
        """The leg ends, and that is told."""
        self._close(leg, cause, prompt=prompt)
        self._later(ZERO, partial(self._report, ended(leg, cause)))

    def _close(self, leg: Leg, cause: Cause, *, prompt: Prompt | None = None) -> None:
        """The leg ends; nobody is told."""
        leg.state = LegState.ENDED
        leg.is_playing, leg.joining = False, None
        self._unjoin(leg)
        self._note(Carried.ENDED, leg.order, cause=cause, prompt=prompt)

    def _note(self, what: Carried, order: Dial, **details: Any) -> None:
        entry = CarrierEntry(
            at=self._clock.now(),
            what=what,
            leg_id=order.leg_id,
            role=order.role,
            number=order.number if order.role is Role.CUSTOMER else None,
            attempt_id=order.attempt_id,
            callback_id=order.callback_id,
            agent_id=order.agent_id,
            **details,
        )
        self._write(entry)

    def _note_agent(self, what: Carried, order: ReserveAgent | ReleaseAgent) -> None:
        now = self._clock.now()
        self._write(CarrierEntry(at=now, what=what, agent_id=order.agent_id, attempt_id=order.attempt_id))

    def _write(self, entry: CarrierEntry) -> None:
        self.log.append(entry)
        self.on_entry(entry)


def ended(leg: Leg, cause: Cause) -> Report:
    """Return the report that a leg has ended."""
    return Report(leg_id=leg.leg_id, kind=ReportKind.ENDED, cause=cause)


def _who(order: Dial) -> str:
    return order.agent_id if order.role is Role.AGENT and order.agent_id else order.number
