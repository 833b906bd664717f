"""
What the adapter holds besides its legs: what is played to whom, and who is wanted, and is, in which bridge.

Pure: facts in, answers out. A bridge is joined when Asterisk said of both that they are in it, and not by any reply.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import uuid4

import attrs

from callbackq.ids import LegId


@attrs.frozen(kw_only=True)
class Sound:
    """One thing that is played. *goodbye*: the leg is hung up when it is over."""

    playback: str
    channel: str
    goodbye: bool = False


class Sounds:
    """What is played to whom: one thing to each. One that gives way to another is forgotten."""

    def __init__(self) -> None:
        self._of: Final[dict[str, Sound]] = {}
        self._by_playback: Final[dict[str, Sound]] = {}

    def begin(self, channel: str, *, goodbye: bool = False) -> Sound:
        """Note that something is going to be played."""
        self.forget(channel)
        sound = Sound(playback=f"cbq-{uuid4().hex}", channel=channel, goodbye=goodbye)
        self._of[channel] = self._by_playback[sound.playback] = sound
        return sound

    def of(self, channel: str) -> Sound | None:
        """Return what is played to a channel."""
        return self._of.get(channel)

    def over(self, playback: str) -> Sound | None:
        """It is over: return what it was; None if nobody cares, or knew it already."""
        sound = self._by_playback.get(playback)
        if sound is not None:
            self.forget(sound.channel)
        return sound

    def forget(self, channel: str) -> None:
        """Nobody cares any more."""
        sound = self._of.pop(channel, None)
        if sound is not None:
            del self._by_playback[sound.playback]

    def __len__(self) -> int:
        return len(self._of)


@attrs.define(kw_only=True, eq=False)
class Meeting:
    """A bridge that was asked for: who is to be in it, who is, and since which event."""

    bridge: str
    agent: LegId
    customer: LegId
    record: bool = False
    recording: str | None = None
    inside: set[LegId] = attrs.field(factory=set[LegId])
    heard_at: dict[LegId, datetime] = attrs.field(factory=dict[LegId, datetime])

    @property
    def legs(self) -> tuple[LegId, LegId]:
        """Return the two who are to be in it."""
        return self.agent, self.customer

    def other(self, leg_id: LegId) -> LegId:
        """Return the other one."""
        return self.customer if leg_id == self.agent else self.agent

    @property
    def is_full(self) -> bool:
        """Whether both are in it."""
        return self.inside == {self.agent, self.customer}

    def missing(self) -> tuple[LegId, ...]:
        """Return who is not in it yet."""
        return tuple(leg_id for leg_id in self.legs if leg_id not in self.inside)

    def came(self, channel: str, channels: Iterable[str], at: datetime | None) -> bool:
        """Somebody came in, and these are there now. Whether it is full by that; an older event changes nothing."""
        if self._is_old(channel, at):
            return False
        for leg_id in self.legs:
            later = at is not None and leg_id in self.heard_at and self.heard_at[leg_id] > at
            if leg_id == channel or (leg_id in channels and not later):
                self.inside.add(leg_id)
        return self.is_full

    def went(self, channel: str, at: datetime | None) -> LegId | None:
        """Somebody went out. Return who is left, if that one was in it with somebody; None if it changes nothing."""
        if self._is_old(channel, at):
            return None
        was_full = self.is_full
        leg_id = LegId(channel)
        self.inside.discard(leg_id)
        return self.other(leg_id) if was_full and leg_id in self.legs else None

    def _is_old(self, channel: str, at: datetime | None) -> bool:
        """Whether a later event of this one was heard before. Events of one millisecond count as they come."""
        leg_id = LegId(channel)
        if at is None:
            return False
        if leg_id in self.heard_at and at < self.heard_at[leg_id]:
            return True
        self.heard_at[leg_id] = at
        return False


class Meetings:
    """All bridges that were asked for, or found."""

    def __init__(self, prefix: str) -> None:
        self._prefix: Final = prefix
        self._by_bridge: Final[dict[str, Meeting]] = {}
        self._of: Final[dict[LegId, Meeting]] = {}

    def want(self, name: str, *, agent: LegId, customer: LegId, record: bool) -> Meeting:
        """Note that two are to be joined, in the bridge of this name. The same again is the same meeting."""
        bridge = f"{self._prefix}{name}"
        found = self._by_bridge.get(bridge)
        if found is not None and found.legs == (agent, customer):
            return found
        if found is not None:
            self.forget(found)
        meeting = Meeting(bridge=bridge, agent=agent, customer=customer, record=record)
        self._note(meeting)
        return meeting

    def found(self, bridge: str, channels: frozenset[str], legs: Mapping[LegId, object]) -> Meeting | None:
        """Take over a bridge of an earlier process of ours, with two legs in it; None if it is none."""
        known = self._by_bridge.get(bridge)
        inside = sorted(LegId(channel) for channel in channels if LegId(channel) in legs)
        if known is not None:
            known.inside = {leg_id for leg_id in inside if leg_id in known.legs}
            return known
        if not self.is_ours(bridge) or len(inside) != 2:
            return None
        meeting = Meeting(bridge=bridge, agent=inside[0], customer=inside[1], inside=set(inside))
        self._note(meeting)
        return meeting

    def at(self, bridge: str) -> Meeting | None:
        """Return what is known of a bridge."""
        return self._by_bridge.get(bridge)

    def of(self, leg_id: LegId) -> Meeting | None:
        """Return the bridge that a leg is, or is to be, in."""
        return self._of.get(leg_id)

    def is_ours(self, bridge: str) -> bool:
        """Whether it has such a name as we give."""
        return bridge.startswith(self._prefix)

    def forget(self, meeting: Meeting) -> None:
        """It is over."""
        self._by_bridge.pop(meeting.bridge, None)
        for leg_id in meeting.legs:
            if self._of.get(leg_id) is meeting:
                del self._of[leg_id]

    def __len__(self) -> int:
        return len(self._by_bridge)

    def _note(self, meeting: Meeting) -> None:
        self._by_bridge[meeting.bridge] = meeting
        for leg_id in meeting.legs:
            self._of[leg_id] = meeting
