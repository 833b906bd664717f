"""
`AsteriskQueues`: what app_queue does, told to callbackq; and agents kept for callbackq's own calls.

App_queue goes on to serve live callers. callbackq watches their line, so that a caller who asks for a callback keeps
the place, and rings an agent for a callback as soon as no live caller stands before it (`Acd.HOST`).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from types import MappingProxyType, TracebackType
from typing import Final, Self

from callbackq.adapters.asterisk.agents import Member, MemberBook
from callbackq.adapters.asterisk.ami import Ami, AmiRefused
from callbackq.adapters.asterisk.ami_framing import Message
from callbackq.adapters.asterisk.ami_settings import AmiSettings
from callbackq.adapters.asterisk.queue_agents import AgentTeller
from callbackq.adapters.asterisk.queue_callers import Caller, CallerBook, Doubt, Left, Stay, WentOut, Word
from callbackq.adapters.asterisk.queue_settings import QueueSettings, queue_arguments
from callbackq.adapters.asterisk.queue_telling import Lines
from callbackq.adapters.asterisk.queue_words import CallTeller
from callbackq.adapters.connection import Waits
from callbackq.aio import AsyncCallbackService
from callbackq.effects import ReleaseAgent, ReserveAgent
from callbackq.errors import AdapterError, CallNotFound
from callbackq.ids import QueueName
from callbackq.model import Resynced

__all__ = [
    "AmiRefused",
    "AmiSettings",
    "AsteriskQueues",
    "Caller",
    "Member",
    "QueueSettings",
    "queue_arguments",
]

logger = logging.getLogger("callbackq")

_SOON_S: Final = 1.0
"""Between two readings of the whole account, where something is in doubt, at least this."""
_TRIES: Final = Waits(first_s=1.0, max_s=30.0)
_CLOCK_OFF_MAX: Final = timedelta(minutes=1)
_DRAIN_S: Final = 5.0


class AsteriskQueues:
    """
    The queues of one Asterisk. Belongs to the loop in which it is opened; `async with` opens and closes it.

    It is the part of the telephony that can reserve (`CanReserve`); legs are moved by another adapter, over ARI.
    Several nodes may each have one for the same Asterisk and store: what is said twice changes nothing.

    Args:
        ami: where the manager interface is.
        service: is told who waits, who is served, and who is available.
        queues: which queues, and who their members are.

    Raises:
        ConfigurationError: a queue has no policy, or its policy does not say `Acd.HOST`.
    """

    def __init__(self, ami: AmiSettings, service: AsyncCallbackService, *, queues: QueueSettings) -> None:
        plain = service.sync
        queues.check_policies(plain.policies)
        self._settings: Final = queues
        self._now: Final = plain.now
        self._ami: Final = Ami(
            ami,
            on_event=self._heard,
            on_up=self._came_up,
            on_down=self._went_down,
            now_s=lambda: plain.now().timestamp(),
        )
        self._members: Final = MemberBook(
            queues=queues.queues,
            agent_of=self._agent_of,
            wrap_up_s={name: int(pause.total_seconds()) for name, pause in queues.wrap_up.items()},
            pause_reason=queues.pause_reason,
        )
        self._callers: Final = CallerBook(queues.queues)
        self._lines: Final = Lines(lost=self._in_doubt)
        self._agents: Final = AgentTeller(
            service, self._ami, self._members, self._callers, queues, lines=self._lines
        )
        self._calls: Final = CallTeller(service, self._callers)
        self._timers: Final[set[asyncio.TimerHandle]] = set()
        self._doubts: Final = asyncio.Event()
        self._syncing: asyncio.Task[None] | None = None
        self._synced: Final = asyncio.Event()
        self._stale: asyncio.TimerHandle | None = None
        self._chance: Final = random.Random()
        self._on_event: Final[Mapping[str, Callable[[Message], None]]] = self._handlers()

    # ------------------------------------------------------------------ life

    @property
    def is_up(self) -> bool:
        """Whether Asterisk can be reached, and what it has is known."""
        return self._ami.is_up and self._synced.is_set()

    @property
    def version(self) -> int | None:
        """The first number of Asterisk's version; None while it is not known."""
        return self._ami.version

    async def open(self) -> None:
        """
        Connect, and tell the service what there is. A PBX that cannot be reached yet is tried again.

        Raises:
            LoginRefused: it was reached, and refused the login. Nothing is left running.
        """
        if self._syncing is not None:
            return
        self._syncing = asyncio.create_task(self._keep_in_step())
        try:
            await self._ami.open()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Disconnect. What was heard is told first, for a few seconds; nobody is said to have left."""
        await self._ami.close()
        self._agents.close()
        for timer in (*self._timers, self._stale):
            if timer is not None:
                timer.cancel()
        self._timers.clear()
        syncing, self._syncing = self._syncing, None
        if syncing is not None:
            syncing.cancel()
            with suppress(asyncio.CancelledError):
                await syncing
        await self._lines.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def in_step(self) -> None:
        """Wait until the service knows all that Asterisk has said until now; while it is away, until it is back."""
        await self._synced.wait()
        await self._lines.drained(time_max_s=_DRAIN_S)

    # ------------------------------------------------------------------ reserving

    async def reserve_agent(self, order: ReserveAgent) -> None:
        """
        Pause the agent in every queue of this Asterisk, with a reason that names the attempt.

        Who is in a call of app_queue by then, or whose phone rings for one, is said to be unavailable: the attempt is
        called off, and the callback keeps its place. Never raises: where Asterisk cannot be reached, the agent is
        paused once it can.
        """
        await self._agents.reserve(order.agent_id, order.attempt_id)

    async def release_agent(self, order: ReleaseAgent) -> None:
        """
        End our pause, once the wrap-up that callbackq's policy asks for is over.

        A pause of somebody else stays, also one that was made meanwhile.
        """
        await self._agents.release(order.agent_id, order.attempt_id)

    # ------------------------------------------------------------------ callers

    def call_id_of(self, channel_id: str) -> str:
        """
        Return callbackq's id of the live call of a channel, for `request(..., call_id=...)`.

        It is the id of the channel (ARI's `channel.id`, AMI's `Uniqueid`), unless the channel was in a queue before,
        and that live call is over.
        """
        return self._callers.call_id_of(channel_id)

    def waiting(self, queue: str) -> Sequence[Caller]:
        """Return the callers of one of callbackq's queues who wait in app_queue, in the order in which they entered."""
        return tuple(
            caller for caller in self._callers.of_queue(QueueName(queue)) if caller.stay is Stay.WAITING
        )

    async def withdraw(self, call_id: str, *, info: str = "callback") -> None:
        """
        Take a waiting caller out of app_queue: the dialplan goes on, with WITHDRAW in `QUEUESTATUS`.

        Make the promise before, so that the place is kept: `request(queue, call_id=call_id)`. Who was withdrawn before
        is no error. Needs Asterisk 16.25, 18.11, 19.3 or newer.

        Args:
            info: what `QUEUE_WITHDRAW_INFO` holds for the dialplan. No number.

        Raises:
            CallNotFound: this caller waits in no queue.
            TelephonyDown, AmiRefused: nothing was done. AdapterError: it may have been done.
        """
        caller = self._waiting(call_id)
        try:
            await self._ami.act(
                "QueueWithdrawCaller", Queue=caller.pbx_queue, Caller=caller.channel, WithdrawInfo=info
            )
        except AmiRefused as error:
            if "Already requested" not in str(error):
                raise

    async def put_back(self, call_id: str, *, position: int | None = None) -> None:
        """
        Send a caller who left a queue back into it, at the place of before.

        The channel goes to `QueueSettings.put_back`, with the arguments for `Queue()` in `CALLBACKQ_QUEUE`, which fit
        this version of Asterisk.

        Args:
            position: which place to take, from 1; the one by the time of entering if not given.

        Raises:
            CallNotFound: nobody with this id is on the line.
            TelephonyDown, AmiRefused: nothing was done. AdapterError: it may have been done.
        """
        caller = self._callers.of_call(call_id)
        if caller is None or caller.stay is Stay.TALKING:
            raise CallNotFound(
                f"live call {call_id} is not on the line, or with an agent; it has no place to go back to"
            )
        place = position if position is not None else self._callers.position(caller)
        wanted = queue_arguments(caller.pbx_queue, position=max(1, place), version=self.version)
        await self._ami.act("Setvar", Channel=caller.channel, Variable="CALLBACKQ_QUEUE", Value=wanted)
        context, exten, priority = self._settings.put_back.split(",")
        await self._ami.act(
            "Redirect", Channel=caller.channel, Context=context, Exten=exten, Priority=priority
        )

    def _agent_of(self, member: Member) -> str | None:
        """Ask the host who a member is. Where it fails, they are nobody."""
        try:
            return self._settings.agents(member)
        except Exception as error:
            # The type only: an error's text may hold a number.
            logger.error("a member of queue %s has no agent: %s", member.queue, type(error).__name__)  # noqa: TRY400
            return None

    def _waiting(self, call_id: str) -> Caller:
        caller = self._callers.of_call(call_id)
        if caller is None or caller.stay is not Stay.WAITING:
            raise CallNotFound(f"live call {call_id} waits in no queue of Asterisk")
        return caller

    # ------------------------------------------------------------------ what is heard

    def _handlers(self) -> Mapping[str, Callable[[Message], None]]:
        def callers(read: Callable[[Message], list[Word]]) -> Callable[[Message], None]:
            return lambda event: self._say(read(event))

        return MappingProxyType(
            {
                "QueueCallerJoin": lambda event: self._say(self._callers.joined(event, at=self._at(event))),
                "QueueCallerLeave": callers(self._callers.left),
                "Hangup": callers(self._callers.hung_up),
                "AgentCalled": self._agent_called,
                "AgentRingNoAnswer": self._agent_did_not_answer,
                "AgentConnect": self._agent_connected,
                "AgentComplete": self._agent_completed,
                "QueueMemberStatus": self._member,
                "QueueMemberAdded": self._member,
                "QueueMemberPause": self._member,
                "QueueMemberPenalty": self._member,
                "QueueMemberRinginuse": self._member,
                "QueueMemberRemoved": self._member_removed,
                "FullyBooted": lambda _event: self._in_doubt(),
                "Reload": lambda _event: self._in_doubt(),
            }
        )

    def _heard(self, event: Message) -> None:
        handle = self._on_event.get(event.event)
        if handle is None:
            return
        try:
            handle(event)
        except Exception as error:  # The host's own function failed, or it is no event of Asterisk.
            # The type only: an error's text may hold a number.
            logger.error("an event of Asterisk was not understood: %s", type(error).__name__)  # noqa: TRY400
            self._in_doubt()

    def _agent_called(self, event: Message) -> None:
        self._members.called(event.get("queue"), event.get("interface"))

    def _agent_did_not_answer(self, event: Message) -> None:
        self._agents.look(self._members.rings_no_more(event.get("queue"), event.get("interface")))

    def _agent_connected(self, event: Message) -> None:
        agent_id = self._members.rings_no_more(event.get("queue"), event.get("interface"))
        self._say(self._callers.connected(event, agent_id, at=self._at(event)))
        self._agents.look(agent_id)

    def _agent_completed(self, event: Message) -> None:
        self._say(self._callers.completed(event))
        now_s = self._now().timestamp() + self._ami.clock_ahead_s
        self._agents.look(self._members.completed(event.get("queue"), event.get("interface"), at_s=now_s))

    def _member(self, event: Message) -> None:
        member = Member.read(event)
        if member is not None:
            self._agents.changed(member)

    def _member_removed(self, event: Message) -> None:
        member = Member.read(event)
        if member is not None:
            self._agents.look(self._members.remove(member))

    def _say(self, words: Sequence[Word]) -> None:
        for word in words:
            if isinstance(word, Doubt):
                self._in_doubt()
            elif isinstance(word, WentOut):
                self._watch(word.caller)
            else:
                self._lines.put(f"call {word.caller.call_id}", self._calls.command(word))
                if isinstance(word, Left):
                    self._agents.look(word.caller.agent_id)

    def _watch(self, caller: Caller) -> None:
        """Take the place away from who is out for too long."""
        loop = asyncio.get_running_loop()

        def over() -> None:
            self._timers.discard(timer)
            self._say(self._callers.away_too_long(caller))

        timer = loop.call_later(self._settings.exit_time_max.total_seconds(), over)
        self._timers.add(timer)

    def _at(self, event: Message) -> datetime:
        """Return when an event happened: as Asterisk says (`timestampevents`), by our clock; now, if it does not."""
        now = self._now()
        try:
            at = datetime.fromtimestamp(float(event.get("timestamp")) - self._ami.clock_ahead_s, UTC)
        except (ValueError, OverflowError, OSError):
            return now
        return min(at, now) if abs(at - now) < _CLOCK_OFF_MAX else now

    # ------------------------------------------------------------------ keeping in step

    def _came_up(self) -> None:
        if self._stale is not None:
            self._stale.cancel()
            self._stale = None
        self._in_doubt()

    def _went_down(self) -> None:
        self._synced.clear()
        with suppress(RuntimeError):  # The loop is closing.
            loop = asyncio.get_running_loop()
            self._stale = loop.call_later(self._settings.stale_after.total_seconds(), self._agents.all_gone)

    def _in_doubt(self) -> None:
        self._doubts.set()

    async def _keep_in_step(self) -> None:
        """Read the whole account when it is in doubt, and now and then; with growing waits where that fails."""
        every_s = self._settings.resync_every.total_seconds()
        failures_count = 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await self._doubts.wait()
            self._doubts.clear()
            if not self._ami.is_up:
                continue
            error = await self._try_to_resync()
            if error is None:
                failures_count = 0
                await asyncio.sleep(min(_SOON_S, every_s))
                continue
            failures_count += 1
            if failures_count & (failures_count - 1) == 0:  # The 1st, 2nd, 4th, 8th … time.
                logger.warning(
                    "the queues of Asterisk could not be taken over: %s. It is tried again.", error
                )
            self._in_doubt()
            await asyncio.sleep(_TRIES.after(failures_count, chance=self._chance.random()))

    async def _try_to_resync(self) -> str | None:
        """Read the whole account; return what went wrong, if anything did, as it can be logged."""
        try:
            await self.resync()
        except AdapterError as error:
            return str(error)
        except Exception as error:
            return type(error).__name__  # The type only: an error's text may hold a number.
        return None

    async def resync(self) -> Mapping[str, Resynced]:
        """
        Read who waits and who is a member, and make the service agree. Done by itself after each connection.

        Returns:
            What was different, for each queue.

        Raises:
            TelephonyDown, AdapterError: Asterisk could not say. StoreError: the service could not be told.
        """
        asked_at = self._now()
        await self._ami.read_list("QueueStatus", take=partial(self._take_queues, asked_at=asked_at))
        on_line: dict[str, str] = {}
        with suppress(AmiRefused):  # Without write=reporting we cannot know who hung up unheard.
            await self._ami.read_list("CoreShowChannels", take=partial(self._take_channels, found=on_line))
        self._say(await self._calls.find_those_of_before(on_line))
        await self._lines.drained(time_max_s=_DRAIN_S)
        done: dict[str, Resynced] = {}
        for queue in dict.fromkeys(self._settings.queues.values()):
            done[queue] = await self._calls.resync(queue, asked_at=asked_at)
        await self._agents.settle_all()
        self._synced.set()
        return done

    def _take_queues(self, entries: list[Message], *, asked_at: datetime) -> None:
        members = (Member.read(entry) for entry in entries if entry.event == "QueueMember")
        agents = self._members.replace(member for member in members if member is not None)
        callers = [entry for entry in entries if entry.event == "QueueEntry"]
        self._say(self._callers.waiting(callers, asked_at=asked_at))
        for agent_id in agents:
            self._agents.look(agent_id, renews=True)

    def _take_channels(self, entries: list[Message], *, found: dict[str, str]) -> None:
        found.update((entry.get("uniqueid"), entry.get("channel")) for entry in entries)
        self._say(self._callers.on_line(found))
