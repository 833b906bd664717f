"""The channels of a FreeSWITCH that is not there: what each is, and the events that it makes."""

from __future__ import annotations

import asyncio
import enum
import math
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final
from uuid import UUID

import attrs

Event = dict[str, str]

_Q850: Final[Mapping[str, int]] = {
    "UNALLOCATED_NUMBER": 1,
    "NO_ROUTE_DESTINATION": 3,
    "NORMAL_CLEARING": 16,
    "USER_BUSY": 17,
    "NO_USER_RESPONSE": 18,
    "NO_ANSWER": 19,
    "SUBSCRIBER_ABSENT": 20,
    "CALL_REJECTED": 21,
    "NORMAL_TEMPORARY_FAILURE": 41,
    "CHAN_NOT_IMPLEMENTED": 66,
    "RECOVERY_ON_TIMER_EXPIRE": 102,
}
_SIP: Final[Mapping[str, int]] = {
    "USER_BUSY": 486,
    "CALL_REJECTED": 603,
    "NO_ANSWER": 487,
    "NO_USER_RESPONSE": 480,
    "UNALLOCATED_NUMBER": 404,
    "NORMAL_TEMPORARY_FAILURE": 503,
    "RECOVERY_ON_TIMER_EXPIRE": 408,
}


@attrs.frozen(kw_only=True)
class EslPhone:
    """
    What there is at the end of a leg, and what it does by itself. A test may steer it besides.

    Args:
        rings: whether it ever rings. early_media: it is heard to ring, as 183 and not as 180.
        answers_after_s: after ringing so long; None: when the test says so.
        ends_after_s, cause: it ends the call before an answer, after so long and for this cause.
        talks_s: it hangs up so long after it was joined to somebody; None: when the test says so.
        refused: no channel is made, and the job says `-ERR` with this cause.
        presses: keys, a moment after the answer.
        amd: what `mod_amd` would say of it. beeps: `mod_avmd` hears a beep.
    """

    rings: bool = True
    early_media: bool = False
    answers_after_s: float | None = None
    ends_after_s: float | None = None
    cause: str = "NO_USER_RESPONSE"
    talks_s: float | None = None
    refused: str | None = None
    presses: str = ""
    amd: str = "HUMAN"
    beeps: bool = False


class ChannelState(enum.StrEnum):
    """As far as a channel came."""

    DIALING = "dialing"
    RINGING = "ringing"
    ANSWERED = "answered"
    GONE = "gone"


@attrs.define(eq=False, kw_only=True)
class EslChannel:
    """One channel."""

    channel: str
    address: str
    phone: EslPhone
    variables: dict[str, str]
    job: str
    placed_at_s: float = 0.0
    state: ChannelState = ChannelState.DIALING
    parked: bool = False
    partner: str | None = None
    progress_at: int = 0
    media_at: int = 0
    answered_at: int = 0
    bridged_at: int = 0
    heard: str = ""
    playing: str | None = None
    queued: deque[str] = attrs.field(factory=deque[str])
    recordings: list[str] = attrs.field(factory=list[str])
    timers: dict[str, asyncio.TimerHandle] = attrs.field(factory=dict[str, asyncio.TimerHandle])

    @property
    def leg_id(self) -> str:
        """The leg of callbackq that this is."""
        return self.variables.get("callbackq_leg_id", "")

    @property
    def is_live(self) -> bool:
        """Whether the phone rings or is off the hook, or is about to."""
        return self.state is not ChannelState.GONE

    def stop(self, *names: str) -> None:
        """Let what was to happen later not happen; all of it, if nothing is named."""
        for name in names or tuple(self.timers):
            timer = self.timers.pop(name, None)
            if timer is not None:
                timer.cancel()

    def data(self) -> Event:
        """Return the headers that every event of this channel has."""
        answer = {ChannelState.ANSWERED: "answered", ChannelState.GONE: "hangup"}.get(self.state, "ringing")
        core_state = "CS_EXCHANGE_MEDIA" if self.partner else "CS_PARK" if self.parked else "CS_CONSUME_MEDIA"
        found = {
            "Unique-ID": self.channel,
            "Caller-Unique-ID": self.channel,
            "Channel-Name": self.address,
            "Call-Direction": "outbound",
            "Channel-State": "CS_HANGUP" if not self.is_live else core_state,
            "Answer-State": answer,
            "Caller-Channel-Progress-Time": str(self.progress_at),
            "Caller-Channel-Progress-Media-Time": str(self.media_at),
            "Caller-Channel-Answered-Time": str(self.answered_at),
            "Caller-Channel-Bridged-Time": str(self.bridged_at),
        }
        if self.bridged_at and self.partner:
            found["variable_bridge_to"] = self.partner
        return found | {f"variable_{name}": value for name, value in self.variables.items()}


class EslChannels:
    """
    All channels, and what happens to them. Belongs to one event loop.

    Args:
        fire: is given each event, without the headers that all events have.
        job_over: is given the id of a job, and its result.
        chance: decides what the real one leaves to chance.
    """

    def __init__(
        self,
        *,
        fire: Callable[[str, Event], None],
        job_over: Callable[[str, str], None],
        chance: random.Random,
    ) -> None:
        self._fire: Final = fire
        self._job_over: Final = job_over
        self._chance: Final = chance
        self.channels: dict[str, EslChannel] = {}
        self.placed: Final[list[EslChannel]] = []
        self.prompt_s = 0.15
        self.ring_time_ratio = 1.0
        """How much of the time that it may ring a phone rings."""
        self.list_lag_s = 0.0
        """So long a new channel is not in the list of all channels, as it is with the real one."""
        self.sessions_left: float = math.inf
        """So many channels can still be placed: `sessions-per-second` is over then."""
        self.missing: Final[set[str]] = set()
        """Sounds that cannot be played."""
        self.played: Final[list[tuple[str, str]]] = []
        """What was played: channel, sound."""

    def live(self) -> Iterator[EslChannel]:
        """Give the channels that are there."""
        return (one for one in self.channels.values() if one.is_live)

    def listed(self) -> Iterator[EslChannel]:
        """Give the channels that the list of channels knows of by now."""
        known_s = asyncio.get_running_loop().time() - self.list_lag_s
        return (one for one in self.live() if one.placed_at_s <= known_s)

    def of_leg(self, leg_id: str) -> EslChannel | None:
        """Return the last channel that was placed for a leg."""
        return next((one for one in reversed(self.placed) if one.leg_id == leg_id), None)

    def get(self, channel: str) -> EslChannel | None:
        """Return a channel that is there."""
        found = self.channels.get(channel)
        return found if found is not None and found.is_live else None

    # ------------------------------------------------------------------ placing

    def place(self, address: str, phone: EslPhone, variables: Mapping[str, str], *, job: str) -> None:
        """
        Do what `originate` does.

        An id that is in use makes sofia refuse, without any event of a channel; a loopback channel has silently another
        id. So many at once as there may be, any more are refused too.
        """
        kept = dict(variables)
        channel = kept.get("origination_uuid") or self._new_id()
        refused = phone.refused
        if self.sessions_left <= 0 or (channel in self.channels and not address.startswith("loopback/")):
            refused = "DESTINATION_OUT_OF_ORDER"
        if refused is not None:
            self._later(None, "job", 0.001, lambda: self._job_over(job, f"-ERR {refused}\n"))
            return
        self.sessions_left -= 1
        if channel in self.channels:
            channel = self._new_id()
        one = EslChannel(channel=channel, address=address, phone=phone, variables=kept, job=job)
        one.placed_at_s = asyncio.get_running_loop().time()
        self.channels[channel] = one
        self.placed.append(one)
        self._say("CHANNEL_CREATE", one)
        ring_max_s = float(kept.get("originate_timeout", "60")) * self.ring_time_ratio
        self._later(one, "ring", ring_max_s, lambda: self.end(one, "NO_ANSWER"))
        if phone.rings:
            self._later(one, "progress", 0.002, lambda: self._progress(one))
        if phone.ends_after_s is not None:
            self._later(one, "end", phone.ends_after_s, lambda: self.end(one, phone.cause))

    def _new_id(self) -> str:
        return str(UUID(int=self._chance.getrandbits(128), version=4))

    def _progress(self, one: EslChannel) -> None:
        one.state = ChannelState.RINGING
        if one.phone.early_media:
            one.media_at = _now_us()
            self._say("CHANNEL_PROGRESS_MEDIA", one)
        else:
            one.progress_at = _now_us()
            self._say("CHANNEL_PROGRESS", one)
        if one.phone.answers_after_s is not None:
            self._later(one, "answer", one.phone.answers_after_s, lambda: self.answer(one))

    def answer(self, one: EslChannel) -> None:
        """The phone is picked up. A moment later the channel is parked, and the job is over."""
        if one.state not in (ChannelState.DIALING, ChannelState.RINGING):
            return
        one.stop("ring", "end", "answer", "progress")
        one.state, one.answered_at = ChannelState.ANSWERED, _now_us()
        self._say("CHANNEL_ANSWER", one)
        self._later(one, "park", 0.004, lambda: self._park_first(one))

    def _park_first(self, one: EslChannel) -> None:
        job, one.job = one.job, ""
        self._job_over(job, f"+OK {one.channel}\n")
        self._park(one)
        for at, key in enumerate(one.phone.presses, 1):
            self._later(one, f"press {at}", 0.01 * at, partial(self.press, one, key))

    def _park(self, one: EslChannel) -> None:
        one.parked = True
        self._say("CHANNEL_PARK", one)
        self._play_next(one)

    # ------------------------------------------------------------------ ending

    def end(self, one: EslChannel, cause: str, *, by: str = "") -> None:
        """A channel ends, whoever ends it. Who was joined to it is parked again."""
        if not one.is_live:
            return
        if one.playing is not None:
            self._stop_playing(one)
        one.stop()
        was_answered = one.answered_at > 0
        one.state = ChannelState.GONE
        one.variables["hangup_cause"] = cause
        sip = 200 if was_answered else _SIP.get(cause)
        if sip is not None:
            one.variables["sip_term_status"] = str(sip)
        if by:
            one.variables["sip_hangup_disposition"] = by
        if one.job:  # Also where the answer was seen a moment ago.
            job, one.job = one.job, ""
            self._job_over(job, f"-ERR {cause}\n")
        said = {"Hangup-Cause": cause, "variable_hangup_cause_q850": str(_Q850.get(cause, 16))}
        names = ["CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"]
        if self._chance.random() < 0.5:
            names.reverse()
        for name in names:
            self._say(name, one, **said)
        self._part(one)
        self.channels.pop(one.channel, None)

    def _part(self, one: EslChannel) -> None:
        partner = self.get(one.partner or "")
        if partner is None:
            return
        self._say("CHANNEL_UNBRIDGE", one, **_both(one, partner))
        one.partner = partner.partner = None
        self._later(partner, "park", 0.002, lambda: self._park(partner))

    # ------------------------------------------------------------------ joining, playing, keys

    def bridge(self, one: EslChannel, other: EslChannel) -> bool:
        """Do what `uuid_bridge` does; say whether it can be done. A phone that rings does both of them harm."""
        if one is other:
            return False
        if any(each.state is not ChannelState.ANSWERED for each in (one, other)):
            for each in (one, other):
                answered = each.state is ChannelState.ANSWERED
                self.end(each, "ORIGINATOR_CANCEL" if answered else "DESTINATION_OUT_OF_ORDER")
            return True
        if one.job or other.job:
            return True  # Too early: it is parked a moment later, and the bridge is forgotten.
        for each in (one, other):
            if each.playing is not None:
                each.queued.clear()
                self._stop_playing(each)
            if each.parked:
                each.parked = False
                self._say("CHANNEL_UNPARK", each)
        one.partner, other.partner = other.channel, one.channel
        self._later(one, "bridge", 0.002, lambda: self._bridged(one, other))
        return True

    def _bridged(self, one: EslChannel, other: EslChannel) -> None:
        if one.partner != other.channel or not other.is_live:
            return
        for each, with_whom in ((one, other), (other, one)):
            each.bridged_at = _now_us()
            for name in (
                "signal_bond",
                "bridge_uuid",
                "last_bridge_to",
            ):  # All of them stay when they are parted.
                each.variables[name] = with_whom.channel
        self._say("CHANNEL_BRIDGE", one, **_both(one, other), **{"Other-Leg-Unique-ID": other.channel})
        for each in (one, other):
            if each.phone.talks_s is not None:
                self._later(each, "talk", each.phone.talks_s, partial(self.hang_up, each))

    def part(self, one: EslChannel) -> None:
        """Somebody at the console parks a channel: both stay up, each alone."""
        partner = self.get(one.partner or "")
        self._part(one)
        if partner is not None:
            self._later(one, "park", 0.002, lambda: self._park(one))

    def broadcast(self, one: EslChannel, what: str) -> None:
        """Do what `uuid_broadcast` does: play, or run an application, as soon as the channel waits for orders."""
        one.queued.append(what)
        self._play_next(one)

    def _play_next(self, one: EslChannel) -> None:
        if one.playing is not None or not one.queued or not one.is_live or not (one.parked or one.partner):
            return
        one.playing = what = one.queued.popleft()
        application, data = _application(what)
        if application == "amd":
            self._later(one, "play", 0.02, lambda: self._done(one, amd_result=one.phone.amd))
        elif application == "avmd_start":
            if one.phone.beeps:
                beep = {"Event-Subclass": "avmd::beep", "Beep-Status": "DETECTED"}
                self._later(one, "beep", 0.02, lambda: self._say("CUSTOM", one, **beep))
            self._done(one)
        elif data in self.missing:
            self._done(one)
        else:
            self.played.append((one.channel, data))
            self._later(one, "play", self.prompt_s, lambda: self._stop_playing(one, status="done"))

    def stop(self, one: EslChannel) -> None:
        """Do what `uuid_break … all` does."""
        one.queued.clear()
        if one.playing is not None:
            self._stop_playing(one)

    def _stop_playing(self, one: EslChannel, *, status: str = "break") -> None:
        application, data = _application(one.playing or "")
        if application == "playback":
            self._say("PLAYBACK_STOP", one, **{"Playback-File-Path": data, "Playback-Status": status})
        self._done(one)

    def _done(self, one: EslChannel, **variables: str) -> None:
        application, data = _application(one.playing or "")
        one.stop("play")
        one.playing = None
        one.variables.update(variables)
        self._say("CHANNEL_EXECUTE_COMPLETE", one, **{"Application": application, "Application-Data": data})
        self._play_next(one)

    def press(self, one: EslChannel, key: str) -> None:
        """Somebody presses a key."""
        if one.state is ChannelState.ANSWERED:
            self._fire("DTMF", {"Unique-ID": one.channel, "DTMF-Digit": key, "DTMF-Duration": "2000"})

    def hang_up(self, one: EslChannel) -> None:
        """Somebody hangs up, or declines what rings."""
        answered = one.state is ChannelState.ANSWERED
        self.end(one, "NORMAL_CLEARING" if answered else "CALL_REJECTED", by="recv_bye" if answered else "")

    def forget_all(self) -> None:
        """The PBX has crashed: every channel is gone, and no event says so."""
        for one in self.channels.values():
            one.stop()
            one.state = ChannelState.GONE
        self.channels.clear()

    # ------------------------------------------------------------------ inside

    def _say(self, name: str, one: EslChannel, **headers: str) -> None:
        self._fire(name, one.data() | headers)

    def _later(self, one: EslChannel | None, name: str, after_s: float, action: Callable[[], object]) -> None:
        def act() -> None:
            if one is None or one.is_live:
                action()

        timer = asyncio.get_running_loop().call_later(after_s, act)
        if one is not None:
            one.stop(name)
            one.timers[name] = timer


def _application(what: str) -> tuple[str, str]:
    application, found, data = what.partition("::")
    return (application, data) if found else ("playback", what)


def _both(one: EslChannel, other: EslChannel) -> Event:
    return {"Bridge-A-Unique-ID": one.channel, "Bridge-B-Unique-ID": other.channel}


def _now_us() -> int:
    return int(time.time() * 1_000_000)
