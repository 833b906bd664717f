"""`EslTelephony`: callbackq's telephony over FreeSWITCH's event socket."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

from callbackq.adapters.freeswitch import ordering, reading, words
from callbackq.adapters.freeswitch.client import EslClient, ReplyLost
from callbackq.adapters.freeswitch.desk import KILL, Desk
from callbackq.adapters.freeswitch.framing import Event
from callbackq.adapters.freeswitch.hearing import Hearing
from callbackq.adapters.freeswitch.pacing import Pace
from callbackq.adapters.freeswitch.settings import EslSettings
from callbackq.adapters.freeswitch.tracks import Track
from callbackq.adapters.switchboard import Switchboard
from callbackq.effects import Bridge, ConnectCall, Dial, HangUp, Play, SendDigits, StopPlay
from callbackq.errors import AdapterError, DialRefused, DialUncertain, TelephonyDown
from callbackq.ids import LegId
from callbackq.model import Cause, LegSnapshot, LegState, TelephonySnapshot

logger = logging.getLogger("callbackq")

_PLACED_S: Final = 2.0
"""A channel, or a refusal, is there within milliseconds. What is neither by then is being dialed."""
_PARKED_S: Final = 2.0
_LATE_S: Final = 0.05
"""A job's result may come before the event of the channel that it is about."""
_TOO_FAST: Final = "DESTINATION_OUT_OF_ORDER"
"""What a job says, without any channel, of one session too many in a second; and of one that is there already."""
_AT_ONCE_MAX: Final = 200
_THEN: Final = "set:hangup_after_bridge=true^set:continue_on_fail=true^bridge:{}^park"


class EslTelephony:
    """
    Places and moves legs in FreeSWITCH: an `AsyncTelephony` that can also say which legs there are.

    Each leg is a channel whose id follows from the leg id, so that it is found again after any restart. It is parked
    when it is answered, and joined by `uuid_bridge`. Before a leg is dialed FreeSWITCH is asked whether it has that
    channel: it would take a second `originate` of the same id without a word, and ring twice.

    Open it as an async context manager, in the loop of the runner, after `attach`::

        telephony = EslTelephony(EslSettings.from_env(os.environ))
        runner = AsyncRunner(service, telephony)
        telephony.attach(runner)
        async with runner, telephony:
            ...

    A FreeSWITCH that cannot be reached is no error: it is tried again, with waits that grow, and the runner is told
    when it is there. It belongs to one loop; nothing of it is to be called from another thread.

    Args:
        chance: for the waits between tries.
    """

    def __init__(self, settings: EslSettings, *, chance: random.Random | None = None) -> None:
        self._settings: Final = settings
        self._client: Final = EslClient(
            settings, heard=self._hear, went_up=self._went_up, went_down=self._went_down, chance=chance
        )
        self._desk: Final = Desk(settings, self._client)
        self._hearing: Final = Hearing(self._desk)
        self._pace: Final = Pace(settings.dials_per_s_max)
        self._strangers: Final[set[str]] = set()

    # ------------------------------------------------------------------ opening and closing

    def attach(self, switchboard: Switchboard) -> None:
        """Say to whom reports go: a runner. Do so before it is opened."""
        self._desk.attach(switchboard)

    @property
    def is_up(self) -> bool:
        """Whether FreeSWITCH can be reached now."""
        return self._client.is_up

    async def open(self) -> None:
        """
        Connect, and stay connected. Twice changes nothing.

        Raises:
            LoginRefused: FreeSWITCH was reached, and refuses the password or this machine. Nothing is left running.
            RuntimeError: nobody is attached.
        """
        switchboard = self._desk.switchboard
        if self._client.is_open:
            return
        switchboard.telephony_down()  # Until it is there.
        await self._client.open()

    async def close(self) -> None:
        """End the connection. Calls go on in FreeSWITCH, and are found again."""
        await self._client.close()
        await self._desk.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # ------------------------------------------------------------------ placing

    async def dial(self, order: Dial) -> None:
        """See `Telephony.dial`."""
        if not self._desk.book.begin(order.leg_id, role=order.role):
            return
        try:
            await self._place(order)
        except (DialRefused, words.NotSayable) as error:
            self._was_not_dialed(order.leg_id)
            raise DialRefused(str(error)) from None

    def _was_not_dialed(self, leg_id: LegId) -> None:
        self._desk.book.refused(leg_id)
        track = self._desk.tracks.of_leg(leg_id)
        if track is not None:
            self._desk.tracks.close(track)

    async def _place(self, order: Dial) -> None:
        command = ordering.originate(order, self._settings)
        track = self._desk.tracks.open(order.leg_id)
        track.detects, track.records = order.detect, order.record
        try:
            await self._pace.turn()
            is_there = await self._client.api(f"uuid_exists {track.channel}")
        except TelephonyDown as error:
            raise DialRefused(f"not dialed: {error}") from None
        except asyncio.CancelledError:
            self._was_not_dialed(order.leg_id)
            raise
        if is_there == "true":  # An earlier process of ours has dialed it.
            track.placed.set()
            return
        leg = self._desk.book.get(order.leg_id)
        if leg is not None and leg.hanging_up:
            raise DialRefused("not dialed: it was told to end before its turn")
        track.is_dialing = True
        try:
            job = await self._client.job(command)
        except BaseException as error:
            track.is_dialing = False
            if isinstance(error, ReplyLost):
                raise DialUncertain(f"it may ring: {error}") from None
            if isinstance(error, TelephonyDown):
                raise DialRefused(f"not dialed: {error}") from None
            raise
        await self._first_sign(track, job)

    async def _first_sign(self, track: Track, job: asyncio.Future[str]) -> None:
        """Wait until there is a channel, or none was made. Raises: DialRefused, DialUncertain."""
        placed: asyncio.Future[Any] = asyncio.ensure_future(track.placed.wait())
        signs: set[asyncio.Future[Any]] = {placed, job}
        try:
            await asyncio.wait(signs, timeout=_PLACED_S, return_when=asyncio.FIRST_COMPLETED)
            if job.done() and not placed.done():
                await asyncio.wait({placed}, timeout=_LATE_S)
        finally:
            job.add_done_callback(lambda done: self._job_over(track, done))
            placed.cancel()
        if job.done() and not track.placed.is_set():
            await self._check_refused(track, job)

    async def _check_refused(self, track: Track, job: asyncio.Future[str]) -> None:
        """
        Look at a job that is over without a channel. Where the network says something of the phone, that is its end.

        Raises:
            DialRefused: no channel was made.
            DialUncertain: nobody knows.
        """
        if job.exception() is not None:
            raise DialUncertain("it may ring: the connection to FreeSWITCH was lost")
        said = job.result()
        if not said.startswith("-"):
            return
        try:
            is_there = await self._client.api(f"uuid_exists {track.channel}")
        except TelephonyDown as error:
            raise DialUncertain(f"it may ring: {error}") from None
        if is_there == "true":  # Another process of ours was quicker by a moment.
            track.placed.set()
            return
        why, raw_cause = reading.why_ended(said)
        if raw_cause == _TOO_FAST or why(rang=False, answered=False, by_us=False) in (
            Cause.FAILED,
            Cause.UNKNOWN,
        ):
            hint = ", as when more than sessions-per-second begin" if raw_cause == _TOO_FAST else ""
            raise DialRefused(f"FreeSWITCH refuses the leg: {raw_cause}{hint}")

    def _job_over(self, track: Track, job: asyncio.Future[str]) -> None:
        """An `originate` has its result. What became of it, where the result is lost, is asked on reconnecting."""
        track.is_dialing = False
        if job.exception() is not None or not self._desk.book.is_live(track.leg_id):
            return
        said = job.result()
        if said.startswith("-"):
            self._desk.end_if_gone(track, *reading.why_ended(said))
        elif said.startswith("+OK") and said.removeprefix("+OK").strip() != track.channel:
            logger.error(
                "FreeSWITCH placed a leg under another id than the one that was asked for: it is hung up"
            )
            other = words.channel_id(said.removeprefix("+OK").strip())
            self._desk.soon(self._client.api(f"uuid_kill {other} {KILL}"))

    # ------------------------------------------------------------------ moving

    async def bridge(self, order: Bridge) -> None:
        """See `Telephony.bridge`. It does not wait for the end of what is played."""
        agent, customer = self._hearable(order.agent_leg_id), self._hearable(order.customer_leg_id)
        if agent is None or customer is None or self._are_joined(agent, customer):
            return
        for track in (agent, customer):
            await self._when_parked(track)
        if customer.records or agent.records:
            await self._record(customer, name=order.attempt_id)
        job = await self._client.job(f"uuid_bridge {agent.channel} {customer.channel}")
        said = await job
        if said.startswith("-"):
            logger.info("FreeSWITCH does not join two legs: %s", said[:80])

    async def hang_up(self, order: HangUp) -> None:
        """See `Telephony.hang_up`."""
        leg, track = self._desk.book.get(order.leg_id), self._desk.tracks.of_leg(order.leg_id)
        if leg is not None and leg.is_over:
            return
        self._desk.book.hanging_up(order.leg_id)
        sound = None
        if order.prompt is not None and leg is not None and leg.can_hear:
            sound = self._settings.sound_of(order.prompt, text=order.text, language=order.language)
        if track is None or sound is None:
            await self._desk.kill(order.leg_id)
            return
        track.goodbye, was_playing = True, track.playing is not None
        if was_playing:
            await self._client.api(f"uuid_break {track.channel} all")
        await self._when_parked(track)
        await self._desk.start_playing(track, sound)

    async def play(self, order: Play) -> None:
        """See `Telephony.play`."""
        track = self._hearable(order.leg_id)
        if track is None:
            return
        sound = self._settings.sound_of(order.prompt, text=order.text, language=order.language)
        if sound is None:
            self._desk.played(track)
        else:
            await self._when_parked(track)
            await self._desk.start_playing(track, sound)

    async def stop_play(self, order: StopPlay) -> None:
        """See `Telephony.stop_play`."""
        track = self._hearable(order.leg_id)
        if track is not None and track.playing is not None:
            await self._desk.stop_playing(track)

    async def send_digits(self, order: SendDigits) -> None:
        """See `Telephony.send_digits`."""
        track = self._hearable(order.leg_id)
        pressed = ordering.keys(order.digits, after_s=self._settings.digits_after.total_seconds())
        if track is not None and pressed.strip("w"):
            await self._when_parked(track)
            await self._client.api(f"uuid_send_dtmf {track.channel} {pressed}")

    async def connect_call(self, order: ConnectCall) -> None:
        """
        Connect a live caller, whose call id is the id of the channel, to the phone of an agent.

        Where the agent does not answer, the caller is parked: say `call_returned` then.

        Raises:
            AdapterError: the caller is gone, or the id is none of FreeSWITCH's.
        """
        caller, contact = words.channel_id(order.call_id), self._settings.contact_of(order)
        said = await self._client.api(f"uuid_transfer {caller} 'm:^:{_THEN.format(contact)}' inline")
        if said.startswith("-"):
            raise AdapterError(f"the caller was not connected: {said[:80]}")

    def _hearable(self, leg_id: LegId) -> Track | None:
        """Return the track of a leg that somebody is on, and that we do not end; None for any other."""
        leg = self._desk.book.get(leg_id)
        return self._desk.tracks.of_leg(leg_id) if leg is not None and leg.can_hear else None

    def _are_joined(self, one: Track, other: Track) -> bool:
        leg = self._desk.book.get(one.leg_id)
        return leg is not None and leg.joined_to == other.leg_id

    async def _when_parked(self, track: Track) -> None:
        """Wait until a leg waits for orders: one that came before would be forgotten. It comes with the answer."""
        try:
            async with asyncio.timeout(_PARKED_S):
                await track.parked.wait()
        except TimeoutError:
            logger.info("FreeSWITCH does not say that a leg is parked; it is taken for that")

    async def _record(self, track: Track, *, name: str) -> None:
        folder = self._settings.recordings
        if folder is None:
            return
        file = f"{words.address_part(name, what='the attempt id')}.{self._settings.recording_format}"
        path = f"{folder.rstrip('/')}/{file}"
        said = await self._client.api(f"uuid_record {track.channel} start {path}")
        if said.startswith("-"):
            logger.warning("FreeSWITCH does not record: %s", said[:80])
        else:
            self._desk.book.recorded(track.leg_id, path)

    # ------------------------------------------------------------------ knowing

    async def snapshot(self) -> TelephonySnapshot:
        """
        See `CanSnapshot.snapshot`. Legs that we had not heard of are followed from now on.

        Raises:
            TelephonyDown: there is no connection.
            AdapterError: FreeSWITCH does not say which channels it has.

        Cost: `list_lag` of waiting, so that what another process has just dialed is in the list; one command, and one
        more for each leg and each channel that was never asked about.
        """
        asked_at, asked_of = datetime.now(UTC), self._desk.book.live()
        await asyncio.sleep(self._settings.list_lag.total_seconds())
        listed = reading.channels_listed(await self._client.api("show channels as json"))
        ours = [words.channel_of(leg.leg_id) for leg in asked_of]
        found = await self._dumped(dict.fromkeys([*ours, *await self._unknown_of_ours(listed, known=ours)]))
        legs = self._as_legs(found.values())
        joined = {
            one.leg_id: found[one.partner].leg_id
            for one in found.values()
            if one.partner is not None
            and one.partner in found
            and one.leg_id in legs
            and legs[one.leg_id].joined
        }
        self._desk.book.found(legs, asked_of=asked_of, joined=joined)
        self._follow(found.values())
        self._let_go()
        return TelephonySnapshot(legs=legs, as_of=asked_at)

    async def _unknown_of_ours(self, listed: Iterable[str], *, known: Iterable[str]) -> list[str]:
        """Return the channels that an earlier process of ours, or another one, has dialed. A stranger is asked once."""
        there = {channel for channel in listed if words.is_channel_id(channel)}
        self._strangers.intersection_update(there)
        unknown = list(there - self._strangers - set(known))
        said = await self._ask_all(f"uuid_getvar {channel} {words.LEG_VARIABLE}" for channel in unknown)
        of_us = [one for one, leg in zip(unknown, said, strict=True) if words.channel_of(LegId(leg)) == one]
        self._strangers.update(set(unknown) - set(of_us))
        return of_us

    async def _dumped(self, channels: Iterable[str]) -> Mapping[str, reading.Channel]:
        said = await self._ask_all(f"uuid_dump {channel} json" for channel in channels)
        dumped = (reading.channel_dumped(text) for text in said)
        return {one.channel: one for one in dumped if one is not None}

    async def _ask_all(self, commands: Iterable[str]) -> list[str]:
        """Give many commands, some at once: their answers come in order."""
        left, said = list(commands), list[str]()
        for at in range(0, len(left), _AT_ONCE_MAX):
            said += await asyncio.gather(*(self._client.api(one) for one in left[at : at + _AT_ONCE_MAX]))
        return said

    def _as_legs(self, found: Iterable[reading.Channel]) -> dict[LegId, LegSnapshot]:
        there = {one.channel: one for one in found}
        legs = {one.leg_id: one.as_leg(joined=_is_partner(one, there)) for one in there.values()}
        for track in self._desk.tracks.all():
            if track.is_dialing and self._desk.book.is_live(track.leg_id):
                legs.setdefault(track.leg_id, LegSnapshot(state=LegState.RINGING))
        for leg_id in [leg_id for leg_id in legs if self._is_over(leg_id)]:
            del legs[leg_id]
        return legs

    def _is_over(self, leg_id: LegId) -> bool:
        leg = self._desk.book.get(leg_id)
        return leg is not None and leg.is_over

    def _follow(self, found: Iterable[reading.Channel]) -> None:
        """Have a track of each leg that is there; end again those that we had told to end."""
        for one in found:
            leg = self._desk.book.get(one.leg_id)
            if leg is None or leg.is_over:
                continue
            track = self._desk.tracks.open(one.leg_id)
            track.placed.set()
            track.records = track.records or one.records
            if one.answered:
                track.parked.set()
            if leg.hanging_up and not track.goodbye:
                self._desk.soon(self._desk.kill(one.leg_id))

    def _let_go(self) -> None:
        """Forget the tracks of what is over."""
        for track in self._desk.tracks.all():
            if self._is_over(track.leg_id):
                self._desk.tracks.close(track)

    # ------------------------------------------------------------------ what the connection says

    def _hear(self, event: Event) -> None:
        self._hearing.hear(event)

    def _went_up(self) -> None:
        self._desk.switchboard.telephony_up()

    def _went_down(self) -> None:
        self._desk.tracks.connection_lost()
        self._desk.switchboard.telephony_down()


def _is_partner(one: reading.Channel, there: Mapping[str, reading.Channel]) -> bool:
    """Whether the channel to which this one is bound is there, and is bound to it."""
    partner = there.get(one.partner or "")
    return partner is not None and partner.partner == one.channel
