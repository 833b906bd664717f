"""
The Asterisk that is not there: its channels, bridges and sounds, and the phones at the far end. No network.

It says what a real one was recorded to say (Asterisk 22.10.1), in that order. Whoever holds it gives the events on.
"""

from __future__ import annotations

from asyncio import Future, TimerHandle, get_running_loop
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import count
from types import MappingProxyType
from typing import Any, Final

import attrs

Json = dict[str, Any]

_REASONS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "normal": 16,
        "busy": 17,
        "timeout": 18,
        "no_answer": 19,
        "rejected": 21,
        "answered_elsewhere": 26,
        "congestion": 34,
        "failure": 38,
        "interworking": 127,
        "unallocated": 1,
    }
)
_WORDS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0: "Unknown",
        16: "Normal Clearing",
        17: "User busy",
        19: "User alerting, no answer",
        21: "Call Rejected",
    }
)
_DIALSTATUS: Final[Mapping[int, str]] = MappingProxyType({17: "BUSY", 20: "CHANUNAVAIL", 34: "CONGESTION"})


class HttpProblem(Exception):
    """A request that Asterisk refuses: its status, and its words."""

    def __init__(self, status: int, words: str, *, key: str = "message") -> None:
        super().__init__(status)
        self.status: Final = status
        self.body: Final[Json] = {key: words}


@attrs.frozen(kw_only=True)
class AriPhone:
    """
    What there is at the far end of a channel, and what it does by itself.

    Args:
        rings_after_s: None: it never rings.
        answers_after_s: None: it rings until a test does something.
        ends_after_s: it hangs up so long after its answer. talks_s: it hangs up so long after it was joined.
        fails_after_s: it ends without an answer, with *cause* and *sip*.
        presses: keys, pressed one after the other from the answer on.
        amd: what `AMD()` finds, and how long that takes.
        refused: Asterisk has no such endpoint.
        early_media: it has early media (SIP 183) in place of ringing.
    """

    rings_after_s: float | None = 0.0
    answers_after_s: float | None = None
    ends_after_s: float | None = None
    talks_s: float | None = None
    fails_after_s: float | None = None
    cause: int = 17
    sip: int | None = None
    presses: str = ""
    amd: str = "HUMAN"
    amd_after_s: float = 0.02
    refused: bool = False
    early_media: bool = False


@attrs.define(kw_only=True, eq=False)
class AriSound:
    """Something that is played to a channel."""

    playback: str
    media: str
    language: str | None = None
    is_stopped: bool = False
    timer: TimerHandle | None = None


@attrs.define(kw_only=True, eq=False)
class AriChannel:
    """
    One channel.

    Args:
        app: the application to which its events go. in_stasis: whether that one has it in its hands.
        args: the words with which it came there.
        said: the keys that were sent to its phone. sounds: what is played, the first one now.
    """

    channel: str
    endpoint: str
    app: str
    args: tuple[str, ...]
    phone: AriPhone
    number: str = ""
    variables: Mapping[str, str] = attrs.field(factory=dict[str, str])
    state: str = "Down"
    in_stasis: bool = False
    bridge: str | None = None
    music: bool = False
    said: str = ""
    place: tuple[str, str, int] = ("default", "s", 1)
    sounds: list[AriSound] = attrs.field(factory=list[AriSound])
    waiting: list[Future[None]] = attrs.field(factory=list["Future[None]"])
    timers: list[TimerHandle] = attrs.field(factory=list[TimerHandle])
    created_at: datetime = attrs.field(factory=lambda: datetime.now(UTC))

    @property
    def is_up(self) -> bool:
        """Whether it was answered."""
        return self.state == "Up"

    def json(self) -> Json:
        """Return it as ARI shows it."""
        words = ",".join((self.app, *self.args))
        return {
            "id": self.channel,
            "name": f"{self.endpoint}-00000001",
            "state": self.state,
            "protocol_id": "",
            "caller": {"name": "", "number": self.number},
            "connected": {"name": "", "number": ""},
            "accountcode": "",
            "dialplan": {
                "context": self.place[0],
                "exten": self.place[1],
                "priority": self.place[2],
                "app_name": "Stasis" if self.in_stasis else "AppDial2",
                "app_data": words if self.in_stasis else "(Outgoing Line)",
            },
            "creationtime": stamp(self.created_at),
            "language": "en",
        }


def stamp(at: datetime) -> str:
    """Write an instant as ARI does."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0000"


class AriWorld:
    """
    The channels of one Asterisk.

    Args:
        emit: is given each event, and the application it is for.
        listens: says whether an application has a websocket.

    Attributes:
        phone_of: what there is at an endpoint; phones that ring, unless you say otherwise.
        channels, bridges: those that are there now.
        over: channels that have ended. dialed: how often each channel id was placed.
        cancelled_is_answered: a channel that is deleted while it rings is answered, and then ends: what was measured
            in three of four tries at the very moment of the answer.
        play_time_s: how long a sound plays; `endless:` never ends by itself, and `sound:missing…` fails.
        recordings: the names that were recorded.
    """

    def __init__(self, emit: Callable[[str, Json], None], listens: Callable[[str], bool]) -> None:
        self._emit: Final = emit
        self._listens: Final = listens
        self.phone_of: Callable[[str, str], AriPhone] = lambda _endpoint, _channel: AriPhone()
        self.channels: dict[str, AriChannel] = {}
        self.over: dict[str, AriChannel] = {}
        self.bridges: dict[str, list[str]] = {}
        self.dialed: Counter[str] = Counter()
        self.orders: list[Json] = []
        self.recordings: list[str] = []
        self.cancelled_is_answered = False
        self.play_time_s = 0.3
        self.ring_time_ratio = 1.0
        self._numbers: Final = count(1)

    # ------------------------------------------------------------------ requests

    def originate(self, order: Json) -> Json:
        """`POST /channels`."""
        channel, endpoint = str(order.get("channelId") or f"1.{next(self._numbers)}"), str(order["endpoint"])
        if channel in self.channels:
            raise HttpProblem(409, "Channel with given unique ID already exists")
        phone = self.phone_of(endpoint, channel)
        if phone.refused:
            raise HttpProblem(500, "Allocation failed", key="error")
        self.dialed[channel] += 1
        self.orders.append(order)
        made = AriChannel(
            channel=channel,
            endpoint=endpoint,
            app=str(order.get("app", "")),
            args=tuple(str(order.get("appArgs", "")).split(",")),
            phone=phone,
            number=str(order.get("callerId") or ""),
            variables=order.get("variables") or {},
        )
        self.channels[channel] = made
        self._later(made, 0.0, lambda: self._dial(made, float(order.get("timeout") or 30)))
        return made.json()

    def delete(self, channel: str, *, reason: str = "normal") -> None:
        """`DELETE /channels/…`: it will end."""
        found = self._there(channel)
        if reason not in _REASONS:
            raise HttpProblem(400, "Invalid reason for hangup provided")
        if not found.is_up and self.cancelled_is_answered:
            self._answered(found)
        cause = 16 if found.is_up else _REASONS[reason]
        self._later(found, 0.0, lambda: self.end(channel, cause=cause, by_us=True))

    def go_on(self, channel: str, place: Json) -> None:
        """`POST /channels/…/continue`: into the dialplan, where only `AMD()` is known."""
        found = self._in_stasis(channel)
        context = str(place.get("context") or "")
        found.place = (context or found.place[0], str(place.get("extension") or "s"), 1)
        found.in_stasis = False
        self._say(found, "StasisEnd", channel=found.json())
        if "amd" in context:
            self._later(found, found.phone.amd_after_s, lambda: self._heard_out(found))

    def play(self, channel: str, playback: str, *, media: str, language: str | None = None) -> Json:
        """`POST /channels/…/play/…`: after what is played already."""
        found = self._in_stasis(channel)
        sound = AriSound(playback=playback, media=media, language=language)
        found.sounds.append(sound)
        if len(found.sounds) == 1:
            self._later(found, 0.0, lambda: self._start(found, sound))
        return self._sound_json(found, sound, "queued")

    def stop(self, playback: str) -> None:
        """`DELETE /playbacks/…`. Of one that waits for its turn, nothing is said before that."""
        for channel in self.channels.values():
            for sound in channel.sounds:
                if sound.playback == playback:
                    sound.is_stopped = True
                    if sound is not channel.sounds[0]:
                        return
                    self._later(channel, 0.0, partial(self._finish, channel, sound, "done"))
                    return
        raise HttpProblem(404, "Playback not found")

    def press_at_far_end(self, channel: str, keys: str) -> None:
        """`POST /channels/…/dtmf`: the phone hears these."""
        self._in_stasis(channel).said += keys

    def music(self, channel: str, *, on: bool) -> None:
        """`POST` and `DELETE /channels/…/moh`."""
        self._in_stasis(channel).music = on

    def make_bridge(self, bridge: str) -> Json:
        """`POST /bridges/…`."""
        if bridge in self.bridges:
            raise HttpProblem(409, f"Bridge with id '{bridge}' already exists")
        self.bridges[bridge] = []
        return self.bridge_json(bridge)

    def delete_bridge(self, bridge: str) -> None:
        """`DELETE /bridges/…`: who is in it stays in the application."""
        for channel in list(self._bridge(bridge)):
            self._leave(self.channels[channel])
        self.bridges.pop(bridge, None)

    def to_be_silent(self, bridge: str, channel: str) -> Future[None] | None:
        """Check a request to join. Return what must be waited for: the end of what is played; None: nothing."""
        self._bridge(bridge)
        found = self.channels.get(channel)
        if found is None:
            raise HttpProblem(400, "Channel not found")
        if not found.in_stasis:
            raise HttpProblem(422, "Channel not in Stasis application")
        if not found.sounds:
            return None
        silent: Future[None] = get_running_loop().create_future()
        found.waiting.append(silent)
        return silent

    def join(self, bridge: str, channel: str) -> None:
        """`POST /bridges/…/addChannel`, when nothing is played any more: status 204, whatever comes of it."""
        found = self.channels.get(channel) or self.over.get(channel)
        if found is None or bridge not in self.bridges or found.bridge == bridge:
            return
        if found.bridge is not None:
            self._leave(found)
        found.bridge = bridge
        self.bridges[bridge].append(channel)
        self._say(found, "ChannelEnteredBridge", bridge=self.bridge_json(bridge), channel=found.json())
        for one in self.bridges[bridge] if len(self.bridges[bridge]) == 2 else ():
            self._talk(self.channels.get(one))
        if channel in self.over:  # It has died as it was joined: both events come in the same millisecond.
            self._leave(found)

    def record(self, bridge: str, name: str) -> None:
        """`POST /bridges/…/record`."""
        self._bridge(bridge)
        self.recordings.append(name)

    def bridge_json(self, bridge: str) -> Json:
        """Return a bridge as ARI shows it."""
        return {"id": bridge, "bridge_type": "mixing", "channels": list(self.bridges.get(bridge, ()))}

    # ------------------------------------------------------------------ what people do

    def ring(self, channel: str) -> None:
        """The phone begins to ring."""
        found = self.channels[channel]
        if found.state != "Down":
            return
        if found.phone.early_media:
            self._say(found, "Dial", dialstatus="PROGRESS", peer=found.json())
            return
        found.state = "Ringing"
        self._say(found, "ChannelStateChange", channel=found.json())
        self._far_half(found, "ChannelStateChange", state="Ring")
        self._say(found, "Dial", dialstatus="RINGING", peer=found.json())

    def answer(self, channel: str) -> None:
        """Somebody picks up. Where nobody listens to the application, Asterisk hangs up."""
        found = self.channels.get(channel)
        if found is None or found.is_up:
            return
        self._answered(found)
        if not found.in_stasis:
            self.end(channel, cause=16)
            return
        for index, key in enumerate(found.phone.presses):
            self._later(found, 0.01 * (index + 1), partial(self.press, channel, key))
        if found.phone.ends_after_s is not None:
            self._later(found, found.phone.ends_after_s, lambda: self.end(channel, cause=16))

    def press(self, channel: str, keys: str) -> None:
        """Somebody presses keys."""
        found = self.channels.get(channel)
        if found is None or not found.is_up:
            return
        for key in keys:
            duration_ms = 100 + next(self._numbers)
            self._say(found, "ChannelDtmfReceived", digit=key, duration_ms=duration_ms, channel=found.json())

    def end(self, channel: str, *, cause: int, sip: int | None = None, by_us: bool = False) -> None:
        """A channel ends, for this cause."""
        found = self.channels.pop(channel, None)
        if found is None:
            return
        self.over[channel] = found
        for timer in found.timers:
            timer.cancel()
        request: Json = {"cause": 32, "soft": True} if by_us else {"cause": cause}
        self._say(found, "ChannelHangupRequest", channel=found.json(), **request)
        if not found.is_up and not (cause == 19 and sip == 480):
            self._say(found, "Dial", dialstatus=_DIALSTATUS.get(cause, "NOANSWER"), peer=found.json())
        for sound in tuple(found.sounds):
            self._finish(found, sound, "failed")
        self._leave(found)
        if found.in_stasis:
            found.in_stasis = False
            self._say(found, "StasisEnd", channel=found.json())
        code: Json = {"cause": cause, "cause_txt": _WORDS.get(cause, f"Cause {cause}")}
        if sip is not None:
            code["tech_cause"] = sip
        self._far_half(found, "ChannelDestroyed", **code)
        self._say(found, "ChannelDestroyed", channel=found.json(), **code)

    def part(self, channel: str) -> None:
        """Somebody takes a channel out of its bridge: it stays up, alone."""
        self._leave(self.channels[channel])

    def come_in(
        self, *args: str, app: str = "callbackq", number: str = "", channel: str | None = None
    ) -> str:
        """Somebody who called in comes into an application by the dialplan. Return the channel."""
        name = channel or f"in.{next(self._numbers)}"
        found = AriChannel(
            channel=name,
            endpoint="PJSIP/trunk",
            app=app,
            args=args,
            phone=AriPhone(),
            number=number,
            state="Up",
            in_stasis=self._listens(app),
        )
        self.channels[name] = found
        if found.in_stasis:
            self._say(found, "StasisStart", args=list(args), channel=found.json())
        return name

    def vanish(self) -> None:
        """Everything is gone at once, and nobody is told: Asterisk was killed."""
        for channel in self.channels.values():
            for timer in channel.timers:
                timer.cancel()
            for future in channel.waiting:
                future.cancel()
        self.over.update(self.channels)
        self.channels, self.bridges = {}, {}

    # ------------------------------------------------------------------ inside

    def _dial(self, made: AriChannel, timeout_s: float) -> None:
        phone, name = made.phone, made.channel
        self._say(made, "Dial", dialstatus="", peer=made.json())
        if phone.rings_after_s is not None:
            self._later(made, phone.rings_after_s, lambda: self.ring(name))
        if phone.answers_after_s is not None:
            self._later(made, phone.answers_after_s, lambda: self.answer(name))
        if phone.fails_after_s is not None:
            self._later(made, phone.fails_after_s, lambda: self.end(name, cause=phone.cause, sip=phone.sip))
        self._later(made, timeout_s * self.ring_time_ratio, lambda: self._rang_out(name))

    def _talk(self, found: AriChannel | None) -> None:
        if found is not None and found.phone.talks_s is not None:
            self._later(found, found.phone.talks_s, lambda: self.end(found.channel, cause=16))

    def _rang_out(self, name: str) -> None:
        found = self.channels.get(name)
        if found is not None and not found.is_up:
            self.end(name, cause=19, sip=480)

    def _answered(self, found: AriChannel) -> None:
        found.state = "Up"
        self._far_half(found, "ChannelStateChange", state="Up")
        self._say(found, "ChannelStateChange", channel=found.json())
        self._say(found, "Dial", dialstatus="ANSWER", peer=found.json())
        if self._listens(found.app):
            found.in_stasis = True
            self._say(found, "StasisStart", args=list(found.args), channel=found.json())

    def _heard_out(self, found: AriChannel) -> None:
        """`AMD()` is done, and the dialplan says `Stasis()` again."""
        if not self._listens(found.app):
            self.end(found.channel, cause=16)
            return
        found.args = ("amd", found.phone.amd, f"{found.phone.amd}-800-800")
        found.in_stasis = True
        self._say(found, "StasisStart", args=list(found.args), channel=found.json())

    def _start(self, found: AriChannel, sound: AriSound) -> None:
        if sound not in found.sounds:
            return
        if sound.is_stopped:
            self._finish(found, sound, "done")
            return
        self._say(found, "PlaybackStarted", playback=self._sound_json(found, sound, "playing"))
        if sound.media.startswith("sound:missing"):
            self._finish(found, sound, "failed")
        elif sound.media.startswith("sound:"):
            sound.timer = self._later(found, self.play_time_s, lambda: self._finish(found, sound, "done"))

    def _finish(self, found: AriChannel, sound: AriSound, state: str) -> None:
        if sound not in found.sounds:
            return
        if sound.timer is not None:
            sound.timer.cancel()
        was_first = found.sounds[0] is sound
        found.sounds.remove(sound)
        self._say(found, "PlaybackFinished", playback=self._sound_json(found, sound, state))
        if found.sounds:
            if was_first and state != "failed":
                self._start(found, found.sounds[0])
            return
        for future in found.waiting:
            if not future.done():
                future.set_result(None)
        found.waiting.clear()

    def _sound_json(self, found: AriChannel, sound: AriSound, state: str) -> Json:
        return {
            "id": sound.playback,
            "media_uri": sound.media,
            "target_uri": f"channel:{found.channel}",
            "language": sound.language or "en",
            "state": state,
        }

    def _leave(self, found: AriChannel) -> None:
        bridge, found.bridge = found.bridge, None
        if bridge is None or bridge not in self.bridges:
            return
        self.bridges[bridge].remove(found.channel)
        self._say(found, "ChannelLeftBridge", bridge=self.bridge_json(bridge), channel=found.json())

    def _far_half(self, found: AriChannel, kind: str, *, state: str | None = None, **details: Any) -> None:
        """Say the same of the far half of a `Local` channel, as Asterisk does to who has dialed the near one."""
        if found.endpoint.startswith("Local/"):
            half = {**found.json(), "id": f"{found.channel};2"}
            if state is not None:
                half["state"] = state
            self._say(found, kind, channel=half, **details)

    def _say(self, found: AriChannel, kind: str, **details: Any) -> None:
        event = {"type": kind, "timestamp": stamp(datetime.now(UTC)), "application": found.app, **details}
        self._emit(found.app, event)

    def _later(self, found: AriChannel, seconds: float, action: Callable[[], None]) -> TimerHandle:
        timer = get_running_loop().call_later(seconds, action)
        found.timers.append(timer)
        return timer

    def _there(self, channel: str) -> AriChannel:
        found = self.channels.get(channel)
        if found is None:
            raise HttpProblem(404, "Channel not found")
        return found

    def _in_stasis(self, channel: str) -> AriChannel:
        found = self._there(channel)
        if not found.in_stasis:
            raise HttpProblem(409, "Channel not in Stasis application")
        return found

    def _bridge(self, bridge: str) -> list[str]:
        found = self.bridges.get(bridge)
        if found is None:
            raise HttpProblem(404, "Bridge not found")
        return found
