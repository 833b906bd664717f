"""The calls of a `TwilioDouble`: they ring, are answered, and do what TwiML says."""

from __future__ import annotations

from collections.abc import Mapping
from threading import RLock
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4
from xml.etree import ElementTree as ET

import attrs

if TYPE_CHECKING:
    from callbackq.testing.doubles.twilio_clock import DoubleClock

SAY_S: Final = 3.0
_KEY_S: Final = 0.1
FINAL: Final = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})


def new_sid(prefix: str) -> str:
    """Return an id as Twilio makes them."""
    return prefix + uuid4().hex


@attrs.define(eq=False)
class DoubleCall:
    """One call, and the phone at its far end."""

    sid: str
    to: str
    from_: str
    fields: Mapping[str, str]
    events: frozenset[str]
    status: str = "queued"
    sequence: int = 0
    epoch: int = 0
    program: list[ET.Element] = attrs.field(factory=list[ET.Element])
    gather: ET.Element | None = None
    room: DoubleRoom | None = None
    heard: str = ""
    said: list[str] = attrs.field(factory=list[str])

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status in FINAL

    @property
    def leg_id(self) -> str:
        """The leg of which the URL of its events speaks; empty for a call of somebody else's."""
        query = parse_qs(urlsplit(self.fields.get("StatusCallback", "")).query)
        return query.get("leg", [""])[0]


@attrs.define(eq=False)
class DoubleRoom:
    """A conference."""

    sid: str
    name: str
    url: str
    events: frozenset[str]
    recording_url: str | None
    ending: set[str] = attrs.field(factory=set[str])
    """The calls whose exit ends it."""
    labels: dict[str, str] = attrs.field(factory=dict[str, str])
    sequence: int = 0
    recording_sid: str | None = None


class World(Protocol):
    """What is around the calls."""

    def call_fields(self, call: DoubleCall, /) -> dict[str, str]:
        """Return what Twilio says of a call in every request."""
        ...

    def send_event(self, url: str, fields: Mapping[str, str], /) -> None:
        """Send an event to the web app, soon."""
        ...

    def ask(self, url: str, fields: Mapping[str, str], /) -> list[ET.Element]:
        """Ask the web app what to do."""
        ...

    def rings(self, call: DoubleCall, /) -> bool:
        """Whether there is a phone that rings."""
        ...

    def went_out(self, call: DoubleCall, /) -> None:
        """A call is under way."""
        ...

    def ended(self, call: DoubleCall, /) -> None:
        """A call is over."""
        ...

    def talks(self, call: DoubleCall, /) -> None:
        """Two people can hear each other; one of them has this call."""
        ...

    def detected(self, call: DoubleCall, url: str, /) -> None:
        """It is known who answered."""
        ...

    def dial_agent(self, call: DoubleCall, verb: ET.Element, /) -> None:
        """Connect a call to another phone."""
        ...


class Calls:
    """Moves calls on. The lock is held while they are changed, and never while the web app is asked."""

    def __init__(self, world: World, clock: DoubleClock) -> None:
        self._world: Final = world
        self._clock: Final = clock
        self.lock: Final = RLock()
        self.by_sid: Final[dict[str, DoubleCall]] = {}
        self.rooms: Final[dict[str, DoubleRoom]] = {}

    # ------------------------------------------------------------------ what happens at the far end

    def place(self, call: DoubleCall) -> None:
        """Let a new call go out."""
        with self.lock:
            self.by_sid[call.sid] = call
        self._clock.later(0, lambda: self._go_out(call))

    def answer(self, call: DoubleCall) -> None:
        """The phone is picked up."""
        with self.lock:
            if call.status not in ("queued", "initiated", "ringing"):
                return
            call.status = "in-progress"
            self._event(call, "answered")
            detects = call.fields.get("AsyncAmdStatusCallback") if "MachineDetection" in call.fields else None
        if detects:
            self._clock.later(2.0, lambda: self._world.detected(call, detects))
        self._fetch_later(call, call.fields.get("Url", ""), {})

    def finish(self, call: DoubleCall, status: str, *, sip: str | None = None) -> None:
        """A call is over."""
        with self.lock:
            if call.is_over:
                return
            self._leave(call)
            call.status = status
            call.epoch += 1
            call.gather = None
            self._event(call, "completed", {"SipResponseCode": sip} if sip else {})
            self._world.ended(call)

    def press(self, call: DoubleCall, digit: str) -> None:
        """Somebody presses a key. Without a `<Gather>` nobody hears it."""
        with self.lock:
            gather, call.gather = call.gather, None
            if gather is None or call.is_over:
                return
            call.epoch += 1
        self._fetch_later(call, gather.get("action", ""), {"Digits": digit})

    def part(self, call: DoubleCall) -> None:
        """A call is taken out of its conference, and goes on with its next verb."""
        with self.lock:
            if call.room is not None:
                self._leave(call)
                self._go_on(call)

    # ------------------------------------------------------------------ what the API asks for

    def redirect(self, call: DoubleCall, *, twiml: str | None, url: str | None) -> bool:
        """Let a call do something else. False: it is not answered, or over."""
        with self.lock:
            if call.status != "in-progress":
                return False
            self._leave(call)
            call.epoch += 1
            call.gather = None
            epoch = call.epoch
            if twiml is not None:
                call.program = list(ET.fromstring(twiml))
        if twiml is not None:
            self._clock.later(0, lambda: self._step(call, epoch))
        elif url is not None:
            self._fetch_later(call, url, {})
        return True

    def end(self, call: DoubleCall, status: str) -> bool:
        """End a call, as `Status=completed` or `canceled` asks. False: it is over."""
        with self.lock:
            if call.is_over:
                return False
            is_up = call.status == "in-progress"
        if is_up and status == "canceled":
            return True
        self.finish(call, "completed" if is_up else "canceled")
        return True

    # ------------------------------------------------------------------ inside

    def _go_out(self, call: DoubleCall) -> None:
        with self.lock:
            if call.is_over:
                return
            if call.status == "queued":
                call.status = "initiated"
                self._event(call, "initiated")
            rings = self._world.rings(call)
            if rings and call.status == "initiated":
                call.status = "ringing"
                self._event(call, "ringing")
        timeout_s = float(call.fields.get("Timeout", "60"))
        self._clock.later(timeout_s, lambda: self._rang_out(call))
        self._world.went_out(call)

    def _rang_out(self, call: DoubleCall) -> None:
        if call.status in ("initiated", "ringing"):
            self.finish(call, "no-answer")

    def _event(self, call: DoubleCall, event: str, more: Mapping[str, str] | None = None) -> None:
        call.sequence += 1
        url = call.fields.get("StatusCallback")
        if url and event in call.events:
            fields = self._world.call_fields(call) | {
                "CallbackSource": "call-progress-events",
                "SequenceNumber": str(call.sequence - 1),
            }
            self._world.send_event(url, {**fields, **(more or {})})

    def _fetch_later(self, call: DoubleCall, url: str, more: Mapping[str, str]) -> None:
        epoch = call.epoch
        self._clock.later(0, lambda: self._fetch(call, epoch, url, more))

    def _fetch(self, call: DoubleCall, epoch: int, url: str, more: Mapping[str, str]) -> None:
        """Ask the web app what to do. One that cannot say ends the call, as at Twilio."""
        with self.lock:
            if call.epoch != epoch or call.is_over:
                return
            fields = {**self._world.call_fields(call), **more}
        program = self._world.ask(url, fields)
        with self.lock:
            if call.epoch != epoch or call.is_over:
                return
            call.program = program
        self._step(call, epoch)

    def _step(self, call: DoubleCall, epoch: int) -> None:
        """Do the next verb; the time that it takes goes by in the clock."""
        with self.lock:
            if call.epoch != epoch or call.is_over:
                return
            call.gather = None
            if not call.program:
                self.finish(call, "completed")
                return
            verb = call.program.pop(0)
            if verb.tag == "Hangup":
                self.finish(call, "completed")
            elif verb.tag == "Redirect":
                self._fetch_later(call, verb.text or "", {})
            elif verb.tag == "Gather":
                call.gather = verb
                spoken_s = sum(self._said(call, one) for one in verb)
                self._clock.later(spoken_s + float(verb.get("timeout", "5")), lambda: self._step(call, epoch))
            elif verb.tag == "Dial" and verb.find("Conference") is not None:
                self._join(call, verb[0])
            elif verb.tag == "Dial":
                self._world.dial_agent(call, verb)
            else:
                self._clock.later(self._said(call, verb), lambda: self._step(call, epoch))

    def _said(self, call: DoubleCall, verb: ET.Element) -> float:
        """Say or play something; return how many seconds that takes."""
        digits = verb.get("digits")
        if digits is not None:
            call.heard += digits.replace("w", "").replace("W", "")
            return _KEY_S
        if verb.tag == "Pause":
            return float(verb.get("length", "1"))
        call.said.append(verb.text or "")
        return SAY_S

    def _join(self, call: DoubleCall, noun: ET.Element) -> None:
        name = noun.text or ""
        room = self.rooms.get(name)
        if room is None:
            room = self.rooms[name] = DoubleRoom(
                sid=new_sid("CF"),
                name=name,
                url=noun.get("statusCallback", ""),
                events=frozenset(noun.get("statusCallbackEvent", "").split()),
                recording_url=noun.get("recordingStatusCallback") if noun.get("record") else None,
            )
        room.labels[call.sid] = noun.get("participantLabel", "")
        if noun.get("endConferenceOnExit") == "true":
            room.ending.add(call.sid)
        call.room = room
        self._room_event(room, "participant-join", call)
        if len(room.labels) == 2:
            self._world.talks(call)
        if len(room.labels) == 2 and room.recording_url and room.recording_sid is None:
            room.recording_sid = new_sid("RE")
            self._recorded(room, "in-progress")

    def _leave(self, call: DoubleCall) -> None:
        """Take a call out of its conference, which is then over if the call says so, or nobody is left."""
        room, call.room = call.room, None
        if room is None:
            return
        room.labels.pop(call.sid, None)
        self._room_event(room, "participant-leave", call)
        if room.labels and call.sid not in room.ending:
            return
        self.rooms.pop(room.name, None)
        for sid in tuple(room.labels):
            other = self.by_sid[sid]
            room.labels.pop(sid)
            other.room = None
            self._room_event(room, "participant-leave", other)
            self._go_on(other)
        self._room_event(room, "conference-end", None)
        if room.recording_sid is not None:
            self._recorded(room, "completed")

    def _go_on(self, call: DoubleCall) -> None:
        call.epoch += 1
        epoch = call.epoch
        self._clock.later(0, lambda: self._step(call, epoch))

    def _room_event(self, room: DoubleRoom, event: str, call: DoubleCall | None) -> None:
        room.sequence += 1
        short = event.removeprefix("participant-").removeprefix("conference-")
        if not room.url or short not in room.events:
            return
        fields = {
            "ConferenceSid": room.sid,
            "FriendlyName": room.name,
            "StatusCallbackEvent": event,
            "SequenceNumber": str(room.sequence),
        }
        if call is not None:
            fields |= {"CallSid": call.sid, "ParticipantLabel": call.leg_id}
        self._world.send_event(room.url, fields)

    def _recorded(self, room: DoubleRoom, status: str) -> None:
        fields = {
            "ConferenceSid": room.sid,
            "RecordingSid": room.recording_sid or "",
            "RecordingStatus": status,
        }
        self._world.send_event(room.recording_url or "", fields)
