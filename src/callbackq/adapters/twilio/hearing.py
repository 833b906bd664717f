"""What Twilio says of legs: facts, told to the `LegBook`, and what a leg is to do next. No request, no policy."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import RLock
from typing import Final

import attrs

from callbackq.adapters.legs import LegBook, Seen, why
from callbackq.adapters.twilio.lines import Line, Lines
from callbackq.adapters.twilio.script import Join, Leave, Script, Wait, hang_up
from callbackq.adapters.twilio.telling import Teller
from callbackq.causes import TWILIO, amd_answered_by, twilio_cause
from callbackq.effects import Bridge
from callbackq.ids import LegId
from callbackq.model import Cause, Report, ReportKind, Role

_ROOMS_MAX: Final = 10_000
_KEYS: Final = frozenset("0123456789*#ABCD")
_DIGITS_MAX: Final = 32


@attrs.frozen(kw_only=True)
class CallEvent:
    """One event of a call, read from what Twilio sent. Every text is Twilio's, short and printable."""

    sid: str
    status: str = ""
    sip: str | None = None
    error: str | None = None
    answered_by: str | None = None


@attrs.define(eq=False)
class _Room:
    """Who is in a conference: by leg, the number of the latest event, and whether it was a join."""

    latest: dict[LegId, tuple[int, bool]] = attrs.field(factory=dict[LegId, tuple[int, bool]])
    is_over: bool = False

    def note(self, leg_id: LegId, number: int, *, is_in: bool) -> None:
        if number >= self.latest.get(leg_id, (-1, False))[0]:
            self.latest[leg_id] = (number, is_in)

    def has(self, leg_id: LegId) -> bool:
        return not self.is_over and self.latest.get(leg_id, (-1, False))[1]


class Hearing:
    """
    Takes what Twilio says of legs, in any order and as often as it says it. Safe in threads.

    Args:
        ends: is told of a call that nobody wants: it is to be ended, soon, and not in this thread.
        is_wanted: whether a leg that is not known here is wanted by somebody.
    """

    def __init__(
        self,
        book: LegBook,
        lines: Lines,
        script: Script,
        teller: Teller,
        *,
        ends: Callable[[str], None],
        is_wanted: Callable[[LegId], bool],
    ) -> None:
        self._book: Final = book
        self._lines: Final = lines
        self._script: Final = script
        self._tell: Final = teller.tell
        self._ends: Final = ends
        self._is_wanted: Final = is_wanted
        self._seen: Final = Seen()
        self._rooms: Final[OrderedDict[str, _Room]] = OrderedDict()
        self._lock: Final = RLock()

    # ------------------------------------------------------------------ events of a call

    def status(self, leg_id: LegId, role: Role, event: CallEvent) -> None:
        """A call progressed, or is over."""
        line = self._meet(leg_id, role, event.sid)
        if line is not None:
            self.apply(line, event)

    def apply(self, line: Line, event: CallEvent) -> None:
        """Take the status of a call for what it says."""
        leg_id = line.leg_id
        if event.status == "ringing":
            self._say(line, lambda: self._book.rang(leg_id))
        elif event.status == "in-progress":
            self._answered(line)
        elif event.status in TWILIO:
            if event.status == "completed":
                self._answered(line)  # Nothing is completed that was not answered.
            self._over(line, event)

    def detected(self, leg_id: LegId, role: Role, event: CallEvent) -> None:
        """It was found out who answered."""
        line = self._meet(leg_id, role, event.sid)
        if line is not None and self._seen.is_new((leg_id, "amd")):
            self._answered(line)
            found = amd_answered_by(event.answered_by)
            self._say(line, lambda: self._book.detected(leg_id, found))

    # ------------------------------------------------------------------ what to do next

    def voice(
        self,
        leg_id: LegId,
        role: Role,
        event: CallEvent,
        *,
        played: str | None = None,
        left: str | None = None,
    ) -> str:
        """Twilio asks what a leg is to do. Return TwiML."""
        line = self._meet(leg_id, role, event.sid, asks=True)
        if line is None:
            return hang_up()
        if event.status in TWILIO:
            self.apply(line, event)
            return hang_up()
        self._answered(line)
        if played is not None:
            self._played(line, played)
        if left is not None and isinstance(line.wish, Join) and line.wish.bridge.attempt_id == left:
            line.wish = Wait()
            self._say(line, lambda: self._book.parted(leg_id))
        return self._next(line)

    def keys(
        self, leg_id: LegId, role: Role, event: CallEvent, digits: str, *, key: str, played: str | None = None
    ) -> str:
        """Somebody pressed keys. Return TwiML."""
        line = self._meet(leg_id, role, event.sid, asks=True)
        if line is None:
            return hang_up()
        self._answered(line)
        pressed = "".join(digit for digit in digits[:_DIGITS_MAX] if digit in _KEYS)
        if pressed and self._seen.is_new((leg_id, key)):
            self._say(line, lambda: self._book.pressed(leg_id, pressed))
        if played is not None:
            self._played(line, played)
        return self._next(line)

    # ------------------------------------------------------------------ conferences

    def leg_in(self, bridge: Bridge, label: LegId, sid: str) -> LegId | None:
        """Return the leg of a bridge that an event speaks of: by its label, or by the name of its call."""
        pair = (bridge.agent_leg_id, bridge.customer_leg_id)
        if label in pair:
            return label
        lines = (self._lines.get(leg_id) for leg_id in pair)
        return next((line.leg_id for line in lines if line is not None and sid and line.sid == sid), None)

    def joined(self, bridge: Bridge, leg_id: LegId, *, room: str, number: int, sid: str) -> None:
        """A leg is in a conference. When both are, they can hear each other."""
        role = Role.AGENT if leg_id == bridge.agent_leg_id else Role.CUSTOMER
        line = self._meet(leg_id, role, sid)
        if line is None:
            return
        self._answered(line)
        if isinstance(line.wish, Join) and line.wish.bridge.attempt_id == bridge.attempt_id:
            line.done = line.wish
        agent, customer = bridge.agent_leg_id, bridge.customer_leg_id
        told = self._lines.get(customer)
        with self._lock:
            found = self._room(room)
            found.note(leg_id, number, is_in=True)
            if told is not None and found.has(agent) and found.has(customer):
                told.note(lambda: self._book.joined(agent, customer))
        if told is not None:
            told.give(self._tell)

    def left(self, bridge: Bridge, leg_id: LegId, *, room: str, number: int) -> None:
        """A leg is no longer in a conference: whoever is still there is alone."""
        with self._lock:
            found = self._room(room)
            found.note(leg_id, number, is_in=False)
            if not found.has(leg_id):
                self._part(_other(bridge, leg_id))
        self._give(_other(bridge, leg_id))

    def closed(self, bridge: Bridge, *, room: str) -> None:
        """A conference is over."""
        with self._lock:
            self._room(room).is_over = True  # A join that comes later was earlier.
            self._part(bridge.customer_leg_id)
        self._give(bridge.customer_leg_id)

    def recorded(self, bridge: Bridge, recording_sid: str) -> None:
        """
        The conversation is recorded under this name: the next reports of its legs carry it.

        Where none will come, it is told alone, by a report that changes nothing else: RINGING of who was answered.
        """
        legs = [self._book.get(leg_id) for leg_id in (bridge.agent_leg_id, bridge.customer_leg_id)]
        if any(leg is not None and leg.recording_id == recording_sid for leg in legs):
            return
        for leg in legs:
            if leg is not None:
                self._book.recorded(leg.leg_id, recording_sid)
        is_late = all(leg is None or leg.is_over for leg in legs)
        if is_late and self._seen.is_new((bridge.attempt_id, recording_sid)):
            said = Report(
                leg_id=bridge.customer_leg_id,
                kind=ReportKind.RINGING,
                recording_id=recording_sid,
            )
            self._tell(said)

    # ------------------------------------------------------------------ inside

    def gone(self, line: Line, raw_cause: str) -> None:
        """Twilio knows no such call any more, and nobody said why it ended."""
        self._say(line, lambda: self._book.ended(line.leg_id, why(Cause.UNKNOWN), raw_cause=raw_cause))
        self._lines.close(line.leg_id)

    def stopped(self, line: Line) -> None:
        """What was played to a leg is played no more."""
        self._say(line, lambda: self._book.played(line.leg_id))

    def _meet(self, leg_id: LegId, role: Role, sid: str, *, asks: bool = False) -> Line | None:
        """
        Return the line of a leg that Twilio speaks of; None if it is over, or nobody wants it.

        A leg that is not known was dialed by an earlier process, or by another one.
        """
        leg = self._book.get(leg_id)
        if leg is not None and leg.is_over:
            return None
        if leg is None:
            if asks and not self._is_wanted(leg_id):
                return None
            self._book.begin(leg_id, role=role)
        line = self._lines.open(Line(leg_id, role))
        if leg is None and self._lines.is_unwanted(leg_id):
            self._book.hanging_up(leg_id)
            line.wish = Leave()
        was_known = line.sid is not None
        if not self._lines.learn(line, sid):
            self._ends(sid)  # Two calls of one leg: the one that came first is it.
            return None
        if sid and not was_known and isinstance(line.wish, Leave) and not asks:
            self._ends(sid)
        line.heard()
        return line

    def _answered(self, line: Line) -> None:
        line.quiet_max_s = 60.0
        self._say(line, lambda: self._book.answered(line.leg_id))

    def _over(self, line: Line, event: CallEvent) -> None:
        def read(*, rang: bool, answered: bool, by_us: bool) -> Cause:  # noqa: ARG001 - the status says it
            return twilio_cause(event.status, sip=event.sip, error=event.error, rang=rang, by_us=by_us)

        raw = [f"twilio {event.status}"]
        raw += [f"sip {event.sip}"] if event.sip else []
        raw += [f"error {event.error}"] if event.error else []
        self._say(line, lambda: self._book.ended(line.leg_id, read, raw_cause=", ".join(raw)))
        self._lines.close(line.leg_id)

    def _played(self, line: Line, token: str) -> None:
        if line.is_playing(token):
            line.wish = Wait()
            self.stopped(line)

    def _next(self, line: Line) -> str:
        leg = self._book.get(line.leg_id)
        if leg is None or leg.is_over:
            return hang_up()
        if leg.hanging_up and not isinstance(line.wish, Leave):
            return hang_up()
        wish = line.done = line.wish
        return self._script.document(line.leg_id, line.role, wish)

    def _say(self, line: Line, fact: Callable[[], Report | None]) -> None:
        line.note(fact)
        line.give(self._tell)

    def _part(self, leg_id: LegId) -> None:
        line = self._lines.get(leg_id)
        if line is not None:
            line.note(lambda: self._book.parted(leg_id))

    def _give(self, leg_id: LegId) -> None:
        line = self._lines.get(leg_id)
        if line is not None:
            line.give(self._tell)

    def _room(self, room: str) -> _Room:
        found = self._rooms.get(room)
        if found is None:
            found = self._rooms[room] = _Room()
            if len(self._rooms) > _ROOMS_MAX:
                self._rooms.popitem(last=False)
        return found


def _other(bridge: Bridge, leg_id: LegId) -> LegId:
    return bridge.customer_leg_id if leg_id == bridge.agent_leg_id else bridge.agent_leg_id
