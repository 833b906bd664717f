"""What is said to the service of live calls, and how what it has is made to agree with what Asterisk has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final

from callbackq.adapters.asterisk.queue_callers import (
    Caller,
    CallerBook,
    Joined,
    Left,
    Moved,
    Served,
    Stay,
    Word,
)
from callbackq.adapters.asterisk.queue_telling import Command
from callbackq.aio import AsyncCallbackService
from callbackq.errors import AgentNotFound, CallHasEnded, CallNotFound, NotPossibleNow, RequestRefused
from callbackq.ids import QueueName
from callbackq.model import AgentState, CallOutcome, CallSnapshot, CallState, LiveCall, Resynced

logger = logging.getLogger("callbackq")

SOMEBODY: Final = "asterisk"
"""Who serves a caller, where the member is nobody whom callbackq knows."""
_TOGETHER: Final = 100


class CallTeller:
    """Tells the service of live calls."""

    def __init__(self, service: AsyncCallbackService, callers: CallerBook) -> None:
        self._service: Final = service
        self._callers: Final = callers
        self._is_new = True

    def command(self, word: Joined | Moved | Served | Left) -> Command:
        """Return the command that says it."""
        say = {Joined: self._joined, Moved: self._moved, Served: self._served, Left: self._left}[type(word)]
        return partial(say, word.caller)

    # ------------------------------------------------------------------ one word

    async def _joined(self, caller: Caller) -> None:
        try:
            await self._service.call_joined(
                caller.queue,
                call_id=caller.call_id,
                number=caller.number,
                name=caller.name,
                entered_at=caller.entered_at,
            )
        except CallHasEnded:  # This channel was in a queue before we came.
            again = self._callers.get(caller.uniqueid)
            if again is not None and again.call_id == caller.call_id:
                await self._joined(self._callers.again(again))
        except RequestRefused as error:
            # A name that cannot be shown, or another clock: nobody loses a place by it.
            logger.warning(
                "a caller of queue %s was told without details: %s", caller.queue, type(error).__name__
            )
            await self._service.call_joined(caller.queue, call_id=caller.call_id)

    async def _moved(self, caller: Caller) -> None:
        try:
            await self._service.move_call(caller.call_id, queue=caller.queue, reason="asterisk")
        except CallHasEnded:
            pass
        except CallNotFound:
            await self._joined(caller)

    async def _served(self, caller: Caller) -> None:
        agent_id = caller.agent_id or SOMEBODY
        try:
            await self._service.call_served(caller.call_id, agent_id=agent_id)
        except CallHasEnded:
            await self._served_who_has_a_callback(caller)
        except CallNotFound:
            return
        if caller.agent_id is None:
            return
        try:
            agent = await self._service.agent(caller.agent_id)
        except AgentNotFound:
            return
        if agent.state is AgentState.RESERVED:  # App_queue was quicker: the reservation is called off.
            await self._service.agent_unavailable(caller.agent_id)

    async def _served_who_has_a_callback(self, caller: Caller) -> None:
        """Whoever is being served needs no callback."""
        call = await self._service.call(caller.call_id)
        if call.callback_id is None:
            return
        try:
            await self._service.cancel(call.callback_id, reason="served in the queue", by="asterisk")
        except NotPossibleNow:
            logger.info("callback %s is over, and its caller was served in the queue", call.callback_id)

    async def _left(self, caller: Caller) -> None:
        try:
            await self._service.call_left(caller.call_id)
        except CallNotFound:
            logger.info("live call %s left before it joined", caller.call_id)

    # ------------------------------------------------------------------ the whole account

    async def find_those_of_before(self, on_line: Mapping[str, str]) -> list[Word]:
        """
        Take over those of whom an earlier process told, who are on the line and in no queue: once.

        Args:
            on_line: the name of each channel, by its id.
        """
        words = list[Word]()
        if not self._is_new:
            return words
        unknown = [uniqueid for uniqueid in on_line if uniqueid and self._callers.get(uniqueid) is None]
        for begin in range(0, len(unknown), _TOGETHER):
            some = unknown[begin : begin + _TOGETHER]
            for uniqueid, call in zip(some, await asyncio.gather(*map(self._call, some)), strict=True):
                if call is None or call.state is CallState.ENDED:
                    continue
                words += self._callers.found(_of_before(uniqueid, call, channel=on_line[uniqueid]))
        self._is_new = False
        return words

    async def resync(self, queue: QueueName, *, asked_at: datetime) -> Resynced:
        """Make the service agree with what Asterisk has in one queue."""
        callers = self._callers.of_queue(queue)
        done = await self._service.resync_calls(
            queue, calls=[_snapshot(caller) for caller in callers], as_of=asked_at
        )
        for call_id in done.unresolved:
            await self._unresolved(call_id)
        return done

    async def _unresolved(self, call_id: str) -> None:
        """Asterisk has a caller whose live call is over here."""
        caller = self._callers.of_call(call_id)
        if caller is None or caller.stay is not Stay.WAITING:
            return
        call = await self._service.call(call_id)
        if call.outcome is not CallOutcome.CONVERTED:  # Who has a callback is on the way out.
            await self._joined(self._callers.again(caller))

    async def _call(self, call_id: str) -> LiveCall | None:
        try:
            return await self._service.call(call_id)
        except CallNotFound:
            return None


def _of_before(uniqueid: str, call: LiveCall, *, channel: str) -> Caller:
    return Caller(
        uniqueid=uniqueid,
        call_id=call.call_id,
        channel=channel,
        queue=call.queue,
        pbx_queue="",
        entered_at=call.entered_at,
        stay=Stay.TALKING if call.state is CallState.TAKEN else Stay.OUT,
        agent_id=call.agent_id,
    )


def _snapshot(caller: Caller) -> CallSnapshot:
    return CallSnapshot(
        call_id=caller.call_id,
        number=caller.number,
        name=caller.name,
        entered_at=caller.entered_at,
        agent_id=(caller.agent_id or SOMEBODY) if caller.stay is Stay.TALKING else None,
    )
