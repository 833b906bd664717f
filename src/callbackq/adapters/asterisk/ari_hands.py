"""
What is done to the channels of Asterisk: played, pressed, joined, listened to, ended. One request or two each.

A channel that is gone is no error. What must go on after an order has returned is a task here, and ends with it.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import attrs

from callbackq.adapters.asterisk.ari_client import AriClient
from callbackq.adapters.asterisk.ari_holding import Meeting, Meetings, Sounds
from callbackq.adapters.asterisk.ari_settings import AriSettings
from callbackq.adapters.legs import LegBook
from callbackq.causes import ari_cause
from callbackq.effects import HangUp, Play
from callbackq.errors import AdapterError
from callbackq.ids import LegId
from callbackq.masking import without_text
from callbackq.model import Cause, Report, ReportKind, Role

logger = logging.getLogger("callbackq")

Speak = Callable[[Play | HangUp], Awaitable[str | None] | str | None]
"""Returns the media URI of what an order says, such as speech that was made of its text; None: as the settings say."""

GONE: Final = 404
NOT_HERE: Final = (404, 409, 412)
"""The channel is gone, is not in our application any more, or is in no state for it: somebody else has it."""
_GRACE_S: Final = 1.0
"""So long the event of an end may come after the reply that there is no such channel; and so long a close may take."""
_LISTEN_S: Final = 8.0
"""`AMD()` needs 5 s at most by default."""


@attrs.define
class Wish:
    """
    What the order of a leg asked for that matters later, and how far it came.

    Args:
        record, detect: as in the order.
        is_dialing: a request for it is on its way.
        is_placed: Asterisk has, or had, the channel for certain.
        is_up: it was answered, whether or not it came into our application.
        listening: the dialplan is finding out who answered. detected: it has.
    """

    record: bool = False
    detect: bool = False
    is_dialing: bool = False
    is_placed: bool = False
    is_up: bool = False
    listening: bool = False
    detected: bool = False


class Hands:
    """
    Does things to channels.

    Args:
        tell: who is given the reports that come of it.
        speak: makes a sound of an order; None: sounds are those of the settings.

    Attributes:
        book, sounds, meetings: what is known.
        wishes: of the legs that are live.
        listen_time_max_s: so long it is waited for what the dialplan finds out, where nobody knows whether it listens.
    """

    def __init__(
        self,
        settings: AriSettings,
        client: AriClient,
        *,
        tell: Callable[[Report | None], None],
        speak: Speak | None,
    ) -> None:
        self.settings: Final = settings
        self.client: Final = client
        self.book: Final = LegBook()
        self.sounds: Final = Sounds()
        self.meetings: Final = Meetings(f"{settings.app}-")
        self.wishes: Final[dict[LegId, Wish]] = {}
        self.tell: Final = tell
        self.listen_time_max_s = _LISTEN_S
        self._speak: Final = speak
        self._tasks: Final[set[asyncio.Task[object]]] = set()
        self._timers: Final[set[asyncio.TimerHandle]] = set()

    # ------------------------------------------------------------------ later

    def begin(self, work: Coroutine[Any, Any, object], what: str) -> None:
        """Do something beside. What it raises is logged; of an error that is none of ours, the type."""

        def over(task: asyncio.Task[object]) -> None:
            self._tasks.discard(task)
            error = None if task.cancelled() else task.exception()
            if error is not None:
                said = str(error) if isinstance(error, AdapterError) else without_text(error)
                logger.warning("Asterisk (ARI): %s: %s", what, said)

        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(over)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after a while, if the adapter is still open then."""

        def fire() -> None:
            self._timers.discard(timer)
            action()

        timer = asyncio.get_running_loop().call_later(seconds, fire)
        self._timers.add(timer)

    async def close(self) -> None:
        """Wait a little for what goes on beside, and end the rest."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_GRACE_S)
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    # ------------------------------------------------------------------ one leg

    async def say(self, order: Play | HangUp, *, goodbye: bool = False) -> bool:
        """
        Play what an order says, in place of what was played. Return whether it is being played.

        Where it is not, and the leg is there, that is reported as its end.
        """
        leg_id = order.leg_id
        media = await self._media_of(order)
        await self.silence(leg_id, forget=True)
        if media is None:
            self._not_said(leg_id, goodbye=goodbye)
            return False
        return await self.play(leg_id, media, language=order.language, goodbye=goodbye)

    async def play(
        self, channel: str, media: str, *, language: str | None = None, goodbye: bool = False
    ) -> bool:
        """Play a media URI to a channel. Return whether it is being played."""
        sound = self.sounds.begin(channel, goodbye=goodbye)
        body: dict[str, object] = {"media": media}
        if language:
            body["lang"] = language.replace("-", "_")
        try:
            reply = await self.client.request("POST", "channels", channel, "play", sound.playback, body=body)
        except BaseException:
            self.sounds.over(sound.playback)
            raise
        if reply.is_good:
            time_max_s = self.settings.prompt_time_max.total_seconds()
            self.after(time_max_s, lambda: self._too_long(sound.playback))
            return True
        known = self.sounds.over(sound.playback) is not None
        if reply.status != GONE:
            logger.warning("Asterisk (ARI): a sound was not played to %s: %s", channel, reply.problem)
            if known:
                self._not_said(channel, goodbye=goodbye)
        return False

    async def silence(self, channel: str, *, forget: bool = False) -> None:
        """End what is played to a channel. *forget*: its end is not reported."""
        sound = self.sounds.of(channel)
        if sound is None:
            return
        if forget:
            self.sounds.forget(channel)
        await self.client.request("DELETE", "playbacks", sound.playback)

    def played(self, playback: str) -> None:
        """What was played is over."""
        sound = self.sounds.over(playback)
        if sound is None:
            return
        if sound.goodbye:
            self.begin(self.delete(sound.channel), "hang-up")
        else:
            self.tell(self.book.played(LegId(sound.channel)))

    async def delete(self, channel: str) -> None:
        """
        End a channel. One that is gone is no error.

        Raises:
            AdapterError: it may be there still.
        """
        leg = self.book.get(LegId(channel))
        rings_agent = leg is not None and leg.role is Role.AGENT and not leg.answered
        # A phone that stops ringing for this reason shows no missed call.
        reason = "answered_elsewhere" if rings_agent else "normal"
        reply = await self.client.request("DELETE", "channels", channel, query={"reason": reason})
        if reply.status == GONE:
            self.after(_GRACE_S, lambda: self._gone_unheard(LegId(channel)))
        elif not reply.is_good:
            raise AdapterError(f"{channel} was not hung up: {reply.problem}")

    async def listen(self, leg_id: LegId) -> None:
        """Let the dialplan find out who answered: the channel comes back with what it found."""
        assert self.settings.amd is not None
        context, _, extension = self.settings.amd.partition(",")
        place = {"context": context.strip(), "extension": extension.strip() or "s", "priority": 1}
        try:
            reply = await self.client.request("POST", "channels", leg_id, "continue", body=place)
        except AdapterError:
            # It may listen all the same. Where it does not, whoever answered must not wait in silence.
            self.after(self.listen_time_max_s, lambda: self._nothing_found(leg_id))
            raise
        if not reply.is_good and reply.status != GONE:
            logger.warning("Asterisk (ARI): nobody listens who answered %s: %s", leg_id, reply.problem)
            self.tell(self.book.answered(leg_id))

    def _nothing_found(self, leg_id: LegId) -> None:
        wish = self.wishes.get(leg_id)
        if wish is not None and wish.listening:
            wish.listening = wish.detect = False
            self.tell(self.book.answered(leg_id))

    # ------------------------------------------------------------------ two legs

    async def join(self, meeting: Meeting) -> None:
        """
        Put both into their bridge. It is done when Asterisk says of both that they are in it.

        Raises:
            AdapterError: one of them cannot be.
        """
        made = await self.client.request("POST", "bridges", meeting.bridge, body={"type": "mixing"})
        if not made.is_good and made.status != 409:  # 409: it is there.
            raise AdapterError(f"there is no bridge: {made.problem}")
        await asyncio.gather(*(self._add(meeting.bridge, leg_id) for leg_id in meeting.missing()))

    async def record(self, meeting: Meeting) -> None:
        """Record a conversation, and say under which name."""
        name = meeting.bridge
        body = {"name": name, "format": self.settings.recording_format, "ifExists": "overwrite"}
        reply = await self.client.request("POST", "bridges", meeting.bridge, "record", body=body)
        if not reply.is_good:
            logger.warning("Asterisk (ARI): %s is not recorded: %s", meeting.bridge, reply.problem)
            return
        meeting.recording = name
        for leg_id in meeting.legs:
            self.book.recorded(leg_id, name)
        leg = self.book.get(meeting.customer)
        if leg is not None and leg.can_hear and leg.joined_to is not None:
            self.tell(Report(leg_id=meeting.customer, kind=ReportKind.BRIDGED, recording_id=name))

    async def clear(self, bridge: str, *, recording: str | None = None) -> None:
        """Let a bridge go in which nobody is left."""
        if recording is not None:
            await self.client.request("POST", "recordings", "live", recording, "stop")
        await self.client.request("DELETE", "bridges", bridge)

    # ------------------------------------------------------------------ inside

    async def _add(self, bridge: str, leg_id: LegId) -> None:
        reply = await self.client.request("POST", "bridges", bridge, "addChannel", body={"channel": leg_id})
        if not reply.is_good:
            raise AdapterError(f"{leg_id} was not joined: {reply.problem}")

    async def _media_of(self, order: Play | HangUp) -> str | None:
        if order.prompt is None:
            return None
        if self._speak is not None:
            try:
                made = self._speak(order)
                found = await made if inspect.isawaitable(made) else made
            except Exception as error:
                logger.warning("Asterisk (ARI): no speech for %s: %s", order.prompt, without_text(error))
                found = None
            if found is not None:
                return found
        return self.settings.sound_of(order.prompt)

    def _not_said(self, channel: str, *, goodbye: bool) -> None:
        if not goodbye:
            self.tell(self.book.played(LegId(channel)))

    def _too_long(self, playback: str) -> None:
        """Asterisk says nothing of the end of a medium that it does not know."""
        sound = self.sounds.over(playback)
        if sound is None:
            return
        self.begin(self._end_sound(sound.playback), "end of a sound")
        if sound.goodbye:
            self.begin(self.delete(sound.channel), "hang-up")
        else:
            self.tell(self.book.played(LegId(sound.channel)))

    async def _end_sound(self, playback: str) -> None:
        await self.client.request("DELETE", "playbacks", playback)

    def _gone_unheard(self, leg_id: LegId) -> None:
        """Asterisk has no such channel, and never said so: it is over. One that was never placed is only forgotten."""
        wish = self.wishes.get(leg_id)
        if wish is None or wish.is_dialing:
            return
        if not wish.is_placed:
            self.wishes.pop(leg_id, None)
            self.book.refused(leg_id)
            return

        def read(*, rang: bool, answered: bool, by_us: bool) -> Cause:
            return ari_cause(None, rang=rang, answered=answered or wish.is_up, by_us=by_us)

        self.wishes.pop(leg_id, None)
        self.tell(self.book.ended(leg_id, read, raw_cause="no such channel"))
