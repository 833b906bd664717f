"""`CallcenterTelephony` and `CallcenterQueues`: callers and agents of `mod_callcenter`, and agents held back there."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from callbackq.adapters.freeswitch import words
from callbackq.adapters.freeswitch.callcenter_reading import (
    IN_A_CALL,
    ON_BREAK,
    WAITING,
    CcCaller,
    CcQueue,
    caller,
    caller_of,
    queue_of,
    reserved_name,
    table,
    takes_calls,
)
from callbackq.adapters.freeswitch.framing import Event
from callbackq.adapters.freeswitch.settings import EslSettings
from callbackq.adapters.freeswitch.telephony import EslTelephony
from callbackq.adapters.legs import Seen
from callbackq.aio import AsyncCallbackService
from callbackq.effects import ReleaseAgent, ReserveAgent
from callbackq.errors import (
    AdapterError,
    AgentNotFound,
    CallbackqError,
    CallHasEnded,
    CallNotFound,
    Conflict,
    StoreError,
    TelephonyDown,
)
from callbackq.model import AgentState, CallSnapshot

logger = logging.getLogger("callbackq")

Api = Callable[[str], Awaitable[str]]
OnExit = Callable[[CcCaller], Coroutine[Any, Any, None]]
"""What is done for a caller who left the queue with a key."""
_REFRESH_DEFAULT: Final = timedelta(minutes=5)
_AGAIN_S: Final = 2.0


class CallcenterQueues:
    """
    Tells callbackq of the callers and the agents of `mod_callcenter`, and holds agents back there.

    The queues must have `acd=Acd.HOST`: `mod_callcenter` goes on giving live callers to agents. When it is connected,
    and every now and then, both sides are brought together (`resync_calls`); in between events are followed.

    Args:
        service: who is told. An agent is known by the name there, such as `1000@default`.
        queues: queues there, and what each is called here: `{"support@default": "support"}`.
        on_exit: is awaited when a caller has left with a key of `cc_exit_keys`. The place is kept until it is over:
            ask there for the promise, with the `call_id` of the caller. The caller's channel goes on in the dialplan.
            None: whoever leaves so has left.
        refresh_every: how often both sides are brought together. 1 s to 1 day.
    """

    def __init__(
        self,
        service: AsyncCallbackService,
        queues: Mapping[str, str],
        *,
        on_exit: OnExit | None = None,
        refresh_every: timedelta = _REFRESH_DEFAULT,
    ) -> None:
        self._service: Final = service
        self._names: Final = dict(queues)
        self._on_exit: Final = on_exit
        self._refresh_s: Final = min(max(refresh_every.total_seconds(), 1.0), 86_400.0)
        self._api: Api | None = None
        self._queues: dict[str, CcQueue] = {}
        self._staff: dict[str, list[str]] = {}
        self._talks_to: Final[dict[str, str]] = {}
        self._away: Final[set[str]] = set()
        self._ended: Final = Seen(kept_max=20_000)
        self._reserved: Final[set[str]] = set()
        self._turn: Final = asyncio.Lock()
        self._expected: Final[dict[str, deque[str]]] = {}
        self._orders: Final[asyncio.Queue[Coroutine[Any, Any, object]]] = asyncio.Queue()
        self._tasks: Final[list[asyncio.Task[None]]] = []
        self._exits: Final[set[asyncio.Task[None]]] = set()

    # ------------------------------------------------------------------ the connection

    def connected(self, api: Api) -> None:
        """Follow what the other side says from now on. In the loop of the adapter."""
        self.lost()
        self._api = api
        self._tasks[:] = [
            asyncio.create_task(self._work()),
            asyncio.create_task(self._refresh_now_and_then()),
        ]

    def lost(self) -> None:
        """The connection is lost: what was heard is told to nobody any more; all is asked for when it is back."""
        self._api = None
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        self._expected.clear()
        while not self._orders.empty():
            self._orders.get_nowait().close()

    async def close(self) -> None:
        """Let go; wait for what is being done for callers who left with a key."""
        tasks = [*self._tasks, *self._exits]
        self.lost()
        if tasks:
            await asyncio.wait(tasks, timeout=_AGAIN_S)

    async def refresh(self) -> None:
        """
        Bring both sides together: who waits, who talks to whom, and which agents take calls.

        Raises:
            TelephonyDown: there is no connection.
            CallbackqError: the service could not be told.
        """
        api = self._connected()
        await self._look_at_queues(api)
        tiers = table(await api("callcenter_config tier list"))
        staff: dict[str, list[str]] = {}
        for row in tiers:
            name = self._names.get(row.get("queue", ""))
            if name is not None and name not in staff.setdefault(row.get("agent", ""), []):
                staff[row.get("agent", "")].append(name)
        staff_before, self._staff = self._staff, staff
        over = set(self._talks_to)
        for name in self._names:
            over -= await self._bring_callers_together(api, name)
        for call_id in over:
            self._talks_to.pop(call_id, None)
        for row in table(await api("callcenter_config agent list")):
            agent = row.get("name", "")
            status = await self._settled(agent, row.get("status", ""))
            if not await self._is_wrapping_up(agent):
                await self._tell_agent(agent, status=status, state=row.get("state", ""))
        for agent in staff_before.keys() - staff.keys():
            with suppress(AgentNotFound):
                await self._service.agent_unavailable(agent)

    async def _look_at_queues(self, api: Api) -> None:
        said = await api("callcenter_config queue list")
        if said.startswith("-"):
            raise AdapterError(f"mod_callcenter says {said[:60]!r}: is it loaded?")
        before = self._queues
        self._queues = {queue.name: queue for queue in map(queue_of, table(said))}
        for name in self._names:
            queue = self._queues.get(name)
            if queue is None:
                if not before or name in before:
                    logger.error("mod_callcenter has no queue %r: nothing is known of its callers", name)
            elif queue.abandoned_resume_allowed and (
                name not in before or not before[name].abandoned_resume_allowed
            ):
                logger.warning(
                    "the queue %r of mod_callcenter has abandoned-resume-allowed: the next caller with the same number "
                    "takes the place of one who left for a callback. Set it to false in callcenter.conf.xml",
                    name,
                )

    async def _bring_callers_together(self, api: Api, name: str) -> set[str]:
        """Bring the callers of one queue together; return the calls that are there."""
        asked_at = datetime.now(UTC)
        rows = table(
            await api(f"callcenter_config queue list members {words.address_part(name, what='the queue')}")
        )
        callers = [found for row in rows if (found := caller_of(row)) is not None]
        for one in callers:
            if one.agent is not None:
                self._talks_to[one.call_id] = one.agent
        await self._service.resync_calls(
            self._names[name], calls=[_snapshot(one) for one in callers], as_of=asked_at
        )
        return {one.call_id for one in callers}

    async def _refresh_now_and_then(self) -> None:
        while True:
            try:
                await self.refresh()
            except TelephonyDown:
                return
            except CallbackqError as error:
                said = str(error) if isinstance(error, AdapterError) else type(error).__name__
                logger.warning("mod_callcenter and callbackq were not brought together: %s", said)
            await asyncio.sleep(self._refresh_s)

    # ------------------------------------------------------------------ what happens there

    def hear(self, event: Event) -> None:
        """Take one event `callcenter::info`."""
        action = event["CC-Action"]
        if action == "agent-status-change":
            self._soon(self._status_changed(event["CC-Agent"], event["CC-Agent-Status"]))
        elif action == "agent-state-change":
            self._soon(self._state_changed(event["CC-Agent"], event["CC-Agent-State"]))
        elif event["CC-Queue"] in self._names and event["CC-Member-UUID"]:
            one = caller(event, self._queues)
            if action in ("member-queue-start", "member-queue-resume"):
                self._soon(self._joined(one))
            elif action == "bridge-agent-start":
                self._soon(self._served(one))
            elif action == "member-queue-end":
                reason = event["CC-Cancel-Reason"]
                self._soon(self._left(one, by_key=reason == "EXIT_WITH_KEY"))

    async def _joined(self, one: CcCaller) -> None:
        if not self._ended.is_new(("joined", one.call_id)):
            return
        await self._service.call_joined(
            self._names[one.queue],
            call_id=one.call_id,
            number=one.number,
            entered_at=_not_ahead(one.entered_at),
            name=_name_of(one),
            context={"channel": one.channel},
        )

    async def _served(self, one: CcCaller) -> None:
        agent = one.agent or ""
        self._talks_to[one.call_id] = agent
        await self._service.call_served(one.call_id, agent_id=agent or None)
        if agent in self._reserved:  # It was quicker than we were.
            self._away.add(agent)
            await self._service.agent_unavailable(agent)

    async def _left(self, one: CcCaller, *, by_key: bool) -> None:
        self._ended.is_new(("joined", one.call_id))  # Its beginning may come later, and is none any more.
        self._talks_to.pop(one.call_id, None)
        if by_key and self._on_exit is not None:
            task = asyncio.create_task(self._leave_by_key(one, self._on_exit))
            self._exits.add(task)
            task.add_done_callback(self._exits.discard)
        else:
            await self._service.call_left(one.call_id)

    async def _leave_by_key(self, one: CcCaller, on_exit: OnExit) -> None:
        try:
            await on_exit(one)
        except Exception as error:
            logger.error(  # noqa: TRY400 - a traceback may hold a number
                "a caller left with a key, and that failed: %s", type(error).__name__
            )
        with suppress(CallNotFound, StoreError, Conflict):
            await self._service.call_left(one.call_id)  # Changes nothing where it became a callback.

    # ------------------------------------------------------------------ agents

    async def _status_changed(self, agent: str, status: str) -> None:
        expected = self._expected.get(agent)
        if expected and expected[0] == status:
            expected.popleft()  # We did it.
            return
        if agent in self._reserved:  # Somebody decides for themselves: that stands, whatever was before.
            self._reserved.discard(agent)
            await self._connected()(f"global_setvar {reserved_name(agent)}=")
        await self._tell_agent(agent, status=status, state=WAITING)

    async def _state_changed(self, agent: str, state: str) -> None:
        if state == IN_A_CALL and agent not in self._talks_to.values():
            self._away.add(agent)
            await self._service.agent_unavailable(agent)
        elif state == WAITING and agent in self._away:
            self._away.discard(agent)
            status = await self._connected()(f"callcenter_config agent get status {_agent(agent)}")
            await self._tell_agent(agent, status=status, state=state)

    async def _tell_agent(self, agent: str, *, status: str, state: str) -> None:
        if agent not in self._staff or agent in self._reserved:
            return
        if takes_calls(status) and (state != IN_A_CALL or agent in self._talks_to.values()):
            await self._service.agent_available(agent, queues=self._staff[agent])
        elif not await self._is_ours(agent, status):
            with suppress(AgentNotFound):
                await self._service.agent_unavailable(agent)

    async def _is_wrapping_up(self, agent: str) -> bool:
        """Whether an agent is left alone after a call: to call them available would end that."""
        with suppress(AgentNotFound):
            return (await self._service.agent(agent)).state in (AgentState.WRAP_UP, AgentState.COOLING_DOWN)
        return False

    async def _is_ours(self, agent: str, status: str) -> bool:
        """Whether an agent is on a break because we said so, maybe before a restart of ours."""
        if status != ON_BREAK:
            return False
        if (await self._connected()(f"global_getvar {reserved_name(agent)}")).startswith("Available"):
            self._reserved.add(agent)
        return agent in self._reserved

    async def reserve(self, agent: str) -> None:
        """
        Have an agent given no calls, until `release`. One who takes none anyway is left as they are.

        The queues hang up on an agent whose phone they ring, and go on with somebody else. What the agent's status was
        is kept in FreeSWITCH, so that it is known after a restart of ours.
        """
        api, known = self._connected(), _agent(agent)
        async with self._turn:
            status = await api(f"callcenter_config agent get status {known}")
            if not takes_calls(status):
                return
            await api(f"global_setvar {reserved_name(agent)}={status}")
            self._reserved.add(agent)
            await self._set_status(api, agent, ON_BREAK)

    async def release(self, agent: str) -> None:
        """Have an agent given calls again whom we held back; a break of their own is left."""
        async with self._turn:
            await self._release(self._connected(), agent)

    async def _release(self, api: Api, agent: str) -> str:
        """End a break of ours; return what the agent's status was before it."""
        before = await api(f"global_getvar {reserved_name(agent)}")
        self._reserved.discard(agent)
        if takes_calls(before):
            if await api(f"callcenter_config agent get status {_agent(agent)}") == ON_BREAK:
                await self._set_status(api, agent, before)
            await api(f"global_setvar {reserved_name(agent)}=")
        return before

    async def _settled(self, agent: str, status: str) -> str:
        """End a break of ours that no attempt needs: its release was lost, or we crashed. Return the status now."""
        if status != ON_BREAK or agent not in self._staff:
            return status
        async with self._turn:
            with suppress(AgentNotFound):
                if (await self._service.agent(agent)).attempt_id is not None:
                    return status
            before = await self._release(self._connected(), agent)
        return before if takes_calls(before) else status

    async def _set_status(self, api: Api, agent: str, status: str) -> None:
        expected = self._expected.setdefault(agent, deque(maxlen=8))
        expected.append(status)
        said = await api(f"callcenter_config agent set status {_agent(agent)} '{status}'")
        if said.startswith("-"):
            with suppress(ValueError):
                expected.remove(status)
            raise AdapterError(f"mod_callcenter does not set the status of an agent: {said[:60]}")

    # ------------------------------------------------------------------ callers who left with a key

    async def put_back(self, one: CcCaller) -> None:
        """
        Put a caller who left with a key back into the queue, in the place that it was.

        It enters under a new call id, with the old time of entry: `mod_callcenter` is told the seconds that it waited.

        Raises:
            AdapterError: the caller has gone, or there is no connection.
        """
        api, channel = self._connected(), words.channel_id(one.channel)
        queue = self._queues.get(one.queue)
        waited = 0 if one.entered_at is None else int((datetime.now(UTC) - one.entered_at).total_seconds())
        if queue is not None and queue.counts_from_answer:
            waited = 0  # It counts all of the call by itself.
        await api(f"uuid_setvar {channel} cc_base_score {max(0, waited)}")
        name = words.address_part(one.queue, what="the queue")
        said = await api(f"uuid_transfer {channel} 'm:^:callcenter:{name}' inline")
        if said.startswith("-"):
            raise AdapterError(f"the caller is not put back: {said[:60]}")

    async def say_goodbye(self, one: CcCaller, sound: str | None = None) -> None:
        """Say something to a caller who left with a key, such as `speak::flite|slt|We will call you.`; then hang up."""
        api, channel = self._connected(), words.channel_id(one.channel)
        if sound is None:
            await api(f"uuid_kill {channel} NORMAL_CLEARING")
            return
        name, found, rest = words.one_line(sound).partition("::")
        play = f"{name}:{rest}" if found else f"playback:{sound}"
        kept = play.replace("^", " ").replace("'", "’")
        await api(f"uuid_transfer {channel} 'm:^:{kept}^hangup' inline")

    # ------------------------------------------------------------------ inside

    def _connected(self) -> Api:
        if self._api is None:
            raise TelephonyDown("no connection to FreeSWITCH")
        return self._api

    def _soon(self, doing: Coroutine[Any, Any, object]) -> None:
        """Let things be told in the order in which they were heard."""
        if self._api is None:
            doing.close()
        else:
            self._orders.put_nowait(doing)

    async def _work(self) -> None:
        while True:
            doing = await self._orders.get()
            try:
                await doing
            except (CallNotFound, CallHasEnded, AgentNotFound, TelephonyDown):
                continue  # It came too late, or is brought together later.
            except (StoreError, Conflict) as error:
                logger.warning("something of mod_callcenter was not taken: %s", type(error).__name__)
                asyncio.get_running_loop().call_later(_AGAIN_S, self._refresh_soon)
            except Exception as error:
                logger.error(  # noqa: TRY400 - a traceback may hold a number
                    "something of mod_callcenter was not taken: %s", type(error).__name__
                )

    def _refresh_soon(self) -> None:
        if self._api is not None:
            self._soon(self.refresh())


class CallcenterTelephony(EslTelephony):
    """
    `EslTelephony` for a FreeSWITCH with `mod_callcenter`: it also tells of callers and agents, and reserves agents.

    Args:
        queues: see `CallcenterQueues`. One for each telephony.
        settings, chance: see `EslTelephony`.
    """

    def __init__(
        self, settings: EslSettings, queues: CallcenterQueues, *, chance: random.Random | None = None
    ) -> None:
        super().__init__(settings, chance=chance)
        self._queues: Final = queues

    async def reserve_agent(self, order: ReserveAgent) -> None:
        """See `CanReserve.reserve_agent`."""
        await self._queues.reserve(order.agent_id)

    async def release_agent(self, order: ReleaseAgent) -> None:
        """See `CanReserve.release_agent`."""
        await self._queues.release(order.agent_id)

    async def close(self) -> None:
        """End the connection. Calls go on in FreeSWITCH, and are found again."""
        await self._queues.close()
        await super().close()

    def _hear(self, event: Event) -> None:
        if event["Event-Subclass"] == "callcenter::info":
            self._queues.hear(event)
        else:
            super()._hear(event)

    def _went_up(self) -> None:
        super()._went_up()
        self._queues.connected(self._client.api)

    def _went_down(self) -> None:
        self._queues.lost()
        super()._went_down()


def _agent(name: str) -> str:
    return words.address_part(name, what="the name of an agent")


def _name_of(one: CcCaller) -> str | None:
    return (words.harmless(one.name or "") or None) if one.name != one.number else None


def _not_ahead(at: datetime | None) -> datetime | None:
    """Return the time of entry, or now, where the clock of FreeSWITCH is ahead of ours."""
    return None if at is None else min(at, datetime.now(UTC))


def _snapshot(one: CcCaller) -> CallSnapshot:
    return CallSnapshot(
        call_id=one.call_id,
        number=one.number,
        name=_name_of(one),
        entered_at=_not_ahead(one.entered_at),
        agent_id=one.agent,
        context={"channel": one.channel},
    )
