"""What the adapter keeps of each leg besides what `LegBook` knows: its channel, and what is under way on it."""

from __future__ import annotations

import asyncio
from typing import Final

import attrs

from callbackq.adapters.freeswitch.words import channel_of
from callbackq.ids import LegId


@attrs.define(eq=False, kw_only=True)
class Track:
    """
    One live leg.

    Attributes:
        placed: FreeSWITCH has said anything of the channel. parked: it was answered, and waits for orders.
        is_dialing: the job that places it has not ended.
        detects, records: what its order wished.
        playing: what is played to it. goodbye: it is ended when that is over.
        detected: who answered was found out.
        keys: what was pressed before we heard of the answer.
        was_joined: it was heard of in a bridge.
        parted_at: the number of the last event that said that it is in no bridge.
        timers: what would happen later.
    """

    leg_id: LegId
    channel: str
    placed: asyncio.Event = attrs.field(factory=asyncio.Event)
    parked: asyncio.Event = attrs.field(factory=asyncio.Event)
    is_dialing: bool = False
    detects: bool = False
    detected: bool = False
    records: bool = False
    playing: str | None = None
    goodbye: bool = False
    keys: list[str] = attrs.field(factory=list[str])
    was_joined: bool = False
    parted_at: int = 0
    timers: dict[str, asyncio.TimerHandle] = attrs.field(factory=dict[str, asyncio.TimerHandle])

    def stop_timer(self, name: str) -> None:
        """Let what is called *name* not happen."""
        timer = self.timers.pop(name, None)
        if timer is not None:
            timer.cancel()


class Tracks:
    """The live legs of one adapter, by channel and by leg."""

    def __init__(self) -> None:
        self._by_channel: Final[dict[str, Track]] = {}

    def open(self, leg_id: LegId) -> Track:
        """Return the track of a leg; a new one, if it has none."""
        channel = channel_of(leg_id)
        return self._by_channel.setdefault(channel, Track(leg_id=leg_id, channel=channel))

    def of_leg(self, leg_id: LegId) -> Track | None:
        """Return the track of a leg; None if it is none of ours, or over."""
        return self._by_channel.get(channel_of(leg_id))

    def of_channel(self, channel: str) -> Track | None:
        """Return the track of a channel; None if it is none of ours, or over."""
        return self._by_channel.get(channel)

    def close(self, track: Track) -> None:
        """Forget a leg that is over."""
        self._by_channel.pop(track.channel, None)
        self._quiet(track)
        track.parked.set()  # Nobody need wait for that any more.

    def connection_lost(self) -> None:
        """Let nothing happen later by itself: what is there is asked when the connection is back."""
        for track in self._by_channel.values():
            self._quiet(track)
            track.is_dialing = track.goodbye = False
            track.playing = None

    def all(self) -> tuple[Track, ...]:
        """Return all of them."""
        return tuple(self._by_channel.values())

    @staticmethod
    def _quiet(track: Track) -> None:
        for name in list(track.timers):
            track.stop_timer(name)
