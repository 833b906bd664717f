"""
From events of channels to what is known of legs.

Events may come twice, late and in another order, so each says all that follows from it: what is parked, or in a bridge,
was answered; what has ended may have rung and been answered before, and its last event says whether.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final

from callbackq.adapters.freeswitch import reading
from callbackq.adapters.freeswitch.desk import KILL, Desk
from callbackq.adapters.freeswitch.framing import Event
from callbackq.adapters.freeswitch.settings import Detector
from callbackq.adapters.freeswitch.tracks import Track
from callbackq.adapters.freeswitch.words import LEG_VARIABLE, channel_of
from callbackq.errors import TelephonyDown
from callbackq.ids import LegId

logger = logging.getLogger("callbackq")

_APPLICATIONS: Final[Mapping[Detector, str]] = {Detector.AMD: "amd::", Detector.AVMD: "avmd_start::"}
_KEYS: Final = frozenset("0123456789*#ABCD")
_KEYS_EARLY_MAX: Final = 100


class Hearing:
    """Takes the events of channels. What is not of a leg of ours is left alone."""

    def __init__(self, desk: Desk) -> None:
        self._desk: Final = desk
        self._takes: Final[Mapping[str, Callable[[Track, Event], None]]] = {
            "CHANNEL_CREATE": self._created,
            "CHANNEL_PROGRESS": self._rang,
            "CHANNEL_PROGRESS_MEDIA": self._heard_media,
            "CHANNEL_ANSWER": self._answered,
            "CHANNEL_PARK": self._parked,
            "CHANNEL_HANGUP": self._ending,
            "CHANNEL_HANGUP_COMPLETE": self._ended,
            "CHANNEL_EXECUTE_COMPLETE": self._done,
            "PLAYBACK_STOP": self._done,
            "CUSTOM": self._done,
            "DTMF": self._pressed,
        }

    def hear(self, event: Event) -> None:
        """Take one event."""
        if event.name == "CHANNEL_BRIDGE":
            self._joined(event)
        elif event.name == "CHANNEL_UNBRIDGE":
            self._parted(event)
        elif (take := self._takes.get(event.name)) is not None:
            track = self._desk.tracks.of_channel(event.channel)
            if track is not None:
                track.placed.set()
                take(track, event)
            elif event.name == "CHANNEL_CREATE":
                self._check_stranger(event)

    # ------------------------------------------------------------------ one leg

    def _created(self, track: Track, event: Event) -> None:  # noqa: ARG002 - as the others
        self._end_if_unwanted(track)

    def _rang(self, track: Track, event: Event) -> None:  # noqa: ARG002
        self._desk.tell(self._desk.book.rang(track.leg_id))

    def _heard_media(self, track: Track, event: Event) -> None:
        if self._desk.settings.progress_is_ringing:
            self._rang(track, event)

    def _answered(self, track: Track, event: Event) -> None:
        self._tell_rung(track, event)
        self._was_answered(track)
        self._end_if_unwanted(track)

    def _parked(self, track: Track, event: Event) -> None:
        self._answered(track, event)
        detector = self._desk.settings.detector
        if track.detects and detector is not None and not track.parked.is_set():
            listen = f"uuid_broadcast {track.channel} {_APPLICATIONS[detector]} aleg"
            self._desk.soon(self._desk.client.api(listen))
        track.parked.set()

    def _pressed(self, track: Track, event: Event) -> None:
        leg = self._desk.book.get(track.leg_id)
        if leg is not None and not leg.answered:
            if event["DTMF-Digit"] in _KEYS and len(track.keys) < _KEYS_EARLY_MAX:
                track.keys.append(event["DTMF-Digit"])
        else:
            self._tell_key(track, event["DTMF-Digit"])

    def _done(self, track: Track, event: Event) -> None:
        played = reading.played(event)
        if played is not None and track.playing is not None and played.endswith(track.playing):
            self._desk.played(track)
        who = reading.detected(event)
        if who is not None and not track.detected:
            track.detected = True
            self._desk.tell(self._desk.book.detected(track.leg_id, who))

    def _ending(self, track: Track, event: Event) -> None:
        self._before_the_end(track, event)
        self._desk.end_late(track, *reading.ending(event))

    def _ended(self, track: Track, event: Event) -> None:
        self._before_the_end(track, event)
        self._desk.end(track, *reading.ending(event))

    # ------------------------------------------------------------------ two legs

    def _joined(self, event: Event) -> None:
        one, other = self._both(event)
        if one is None or other is None or reading.sequence(event) < max(one.parted_at, other.parted_at):
            return
        self._were_joined(one, other)

    def _parted(self, event: Event) -> None:
        for track in self._both(event):
            if track is not None:
                track.parted_at = max(track.parted_at, reading.sequence(event))
                self._desk.tell(self._desk.book.parted(track.leg_id))

    def _both(self, event: Event) -> tuple[Track | None, Track | None]:
        one, other = reading.bridged(event)
        return self._desk.tracks.of_channel(one), self._desk.tracks.of_channel(other)

    # ------------------------------------------------------------------ inside

    def _was_answered(self, track: Track) -> None:
        self._desk.tell(self._desk.book.answered(track.leg_id))
        keys, track.keys = track.keys, []
        for key in keys:
            self._tell_key(track, key)

    def _were_joined(self, one: Track, other: Track) -> None:
        for track in (one, other):
            self._was_answered(track)
            track.was_joined = True
        self._desk.tell(self._desk.book.joined(one.leg_id, other.leg_id))

    def _tell_key(self, track: Track, key: str) -> None:
        if key in _KEYS:
            self._desk.tell(self._desk.book.pressed(track.leg_id, key))

    def _tell_rung(self, track: Track, event: Event) -> None:
        """A phone that was answered, or has gone silent, had rung: the event of that may come later."""
        if reading.had_rung(event, early_media=self._desk.settings.progress_is_ringing):
            self._desk.tell(self._desk.book.rang(track.leg_id))

    def _before_the_end(self, track: Track, event: Event) -> None:
        self._tell_rung(track, event)
        if reading.was_answered(event):
            self._was_answered(track)
        partner = self._desk.tracks.of_channel(reading.was_joined_to(event) or "")
        if partner is not None and not track.was_joined:
            self._were_joined(track, partner)

    def _end_if_unwanted(self, track: Track) -> None:
        """A leg that was told to end before it was there, or as it was answered, is told again."""
        leg = self._desk.book.get(track.leg_id)
        if leg is not None and leg.hanging_up and not track.goodbye:
            self._desk.soon(self._desk.kill(track.leg_id))

    def _check_stranger(self, event: Event) -> None:
        """
        End a second channel of a leg of ours.

        FreeSWITCH may place one where the id is in use already: it has another id, and the one that it was to have. The
        far half of a loopback channel has the same variables, and is a part of the leg.
        """
        leg_id = event.variable(LEG_VARIABLE)
        ours = channel_of(LegId(leg_id)) if leg_id else ""
        name = event["Channel-Name"]
        is_far_half = name.startswith("loopback/") and name.endswith("-b")
        if not ours or event.variable("origination_uuid") != ours or is_far_half:
            return
        if self._desk.tracks.of_channel(ours) is not None:
            logger.error("FreeSWITCH placed a leg a second time, under another id: it is hung up")
            self._desk.soon(self._kill_stranger(event.channel))

    async def _kill_stranger(self, channel: str) -> None:
        said = await self._desk.client.api(f"uuid_kill {channel} {KILL}")
        if said.startswith("-"):
            raise TelephonyDown("it is gone")
