"""What all parts of the adapter share: the connection, what is known of the legs, and what can be done with one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from callbackq.adapters.freeswitch import reading
from callbackq.adapters.freeswitch.client import EslClient
from callbackq.adapters.freeswitch.settings import EslSettings
from callbackq.adapters.freeswitch.tracks import Track, Tracks
from callbackq.adapters.freeswitch.words import channel_of
from callbackq.adapters.legs import LegBook, WhyEnded
from callbackq.adapters.switchboard import Switchboard, Teller
from callbackq.errors import TelephonyDown
from callbackq.ids import LegId
from callbackq.model import Report

logger = logging.getLogger("callbackq")

_END_S: Final = 0.5
"""So long an end waits for the event that says more of it."""
_BREAK_S: Final = 2.0
"""So long after it was stopped the end of what is played is believed without an event."""
KILL_RINGING: Final = "ORIGINATOR_CANCEL"
KILL: Final = "NORMAL_CLEARING"


class Desk:
    """The legs of one adapter, and its connection. Belongs to one loop."""

    def __init__(self, settings: EslSettings, client: EslClient) -> None:
        self.settings: Final = settings
        self.client: Final = client
        self.book: Final = LegBook()
        self.tracks: Final = Tracks()
        self._teller: Teller | None = None
        self._tasks: Final[set[asyncio.Task[None]]] = set()

    def attach(self, switchboard: Switchboard) -> None:
        """Say to whom reports go."""
        self._teller = Teller(switchboard)

    @property
    def switchboard(self) -> Switchboard:
        """To whom reports go. Raises: RuntimeError: nobody is attached."""
        if self._teller is None:
            raise RuntimeError(
                "attach a runner before the telephony is opened: its reports must go somewhere"
            )
        return self._teller.switchboard

    async def close(self) -> None:
        """Let go of what is under way, and let the last reports arrive."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self.tracks.connection_lost()
        if self._teller is not None:
            await self._teller.close()

    # ------------------------------------------------------------------ saying

    def tell(self, report: Report | None) -> None:
        """Give a report, if it is one."""
        if self._teller is not None:
            self._teller.tell(report)

    def end(self, track: Track, why: WhyEnded, raw_cause: str) -> None:
        """A leg is over."""
        self.tracks.close(track)
        self.tell(self.book.ended(track.leg_id, why, raw_cause=raw_cause or None))

    def end_late(self, track: Track, why: WhyEnded, raw_cause: str) -> None:
        """A leg is over, and an event may come that says more of it."""
        if "end" not in track.timers:
            self.later(track, "end", _END_S, lambda: self.end(track, why, raw_cause))

    def end_if_gone(self, track: Track, why: WhyEnded, raw_cause: str) -> None:
        """A leg was not placed, or is over, by what a job says; but another job may have placed it before."""

        async def ask() -> None:
            said = await self.client.api(f"uuid_exists {track.channel}")
            if said != "true" and self.book.is_live(track.leg_id):
                self.end(track, why, raw_cause)

        if "end" not in track.timers:
            after_s = _END_S if track.placed.is_set() else 0.0
            self.later(track, "end", after_s, lambda: self.soon(ask()))

    def played(self, track: Track) -> None:
        """What was played to a leg is over; the leg too, if that was all that it waited for."""
        track.playing = None
        track.stop_timer("play")
        if "end" in track.timers:
            return  # It was over because the leg is.
        if track.goodbye:
            self.soon(self.kill(track.leg_id))
        else:
            self.tell(self.book.played(track.leg_id))

    # ------------------------------------------------------------------ doing

    async def kill(self, leg_id: LegId) -> None:
        """End a channel. One that is gone is no error; one that is being placed is ended when it is there."""
        leg = self.book.get(leg_id)
        cause = KILL_RINGING if leg is not None and not leg.answered else KILL
        said = await self.client.api(f"uuid_kill {channel_of(leg_id)} {cause}")
        track = self.tracks.of_leg(leg_id)
        if said.startswith("-") and track is not None and track.placed.is_set() and not track.is_dialing:
            self.end_late(track, *reading.why_ended(""))

    async def start_playing(self, track: Track, sound: str) -> None:
        """Play something to a leg. What cannot be played is over at once."""
        quoted = f"'{sound}'" if " " in sound else sound
        track.playing = sound.partition("::")[2] or sound
        self.later(
            track,
            "play",
            self.settings.prompt_time_max.total_seconds(),
            lambda: self.soon(self.stop_playing(track)),
        )
        said = await self.client.api(f"uuid_broadcast {track.channel} {quoted} aleg")
        if said.startswith("-"):
            self.played(track)

    async def stop_playing(self, track: Track) -> None:
        """End what is played to a leg."""
        await self.client.api(f"uuid_break {track.channel} all")
        self.later(track, "play", _BREAK_S, lambda: self.played(track))

    def later(self, track: Track, name: str, after_s: float, action: Callable[[], None]) -> None:
        """Do something later, unless the leg is over by then; it takes the place of what has the same *name*."""
        track.stop_timer(name)

        def act() -> None:
            track.timers.pop(name, None)
            action()

        track.timers[name] = asyncio.get_running_loop().call_later(after_s, act)

    def soon(self, doing: Coroutine[Any, Any, object]) -> None:
        """Let something be done that nobody waits for. Without a connection it is left: a snapshot follows."""

        async def do() -> None:
            try:
                await doing
            except TelephonyDown:
                return
            except Exception as error:
                logger.error(  # noqa: TRY400 - a traceback may hold a number
                    "FreeSWITCH: something was left undone: %s", type(error).__name__
                )

        task = asyncio.get_running_loop().create_task(do())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
