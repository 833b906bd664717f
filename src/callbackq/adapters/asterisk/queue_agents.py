"""What is said to the service of agents, and how they are kept for callbackq's own calls: paused, with a reason."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

from callbackq.adapters.asterisk.agents import Member, MemberBook, Mood, Say, View, what_to_say
from callbackq.adapters.asterisk.ami import Ami, AmiRefused
from callbackq.adapters.asterisk.queue_callers import CallerBook
from callbackq.adapters.asterisk.queue_settings import QueueSettings
from callbackq.adapters.asterisk.queue_telling import Lines
from callbackq.aio import AsyncCallbackService
from callbackq.errors import AdapterError, AgentNotFound, CallbackqError
from callbackq.model import Agent, AgentState

logger = logging.getLogger("callbackq")

_A_MOMENT_S: Final = 0.01


class AgentTeller:
    """
    Tells the service who is available, and pauses whom it reserved.

    It decides by what the service has, and remembers little: a second node, or this one after a crash, goes on as if
    nothing had happened.
    """

    def __init__(
        self,
        service: AsyncCallbackService,
        ami: Ami,
        members: MemberBook,
        callers: CallerBook,
        settings: QueueSettings,
        *,
        lines: Lines,
    ) -> None:
        self._service: Final = service
        self._now: Final = service.sync.now
        self._ami: Final = ami
        self._members: Final = members
        self._callers: Final = callers
        self._settings: Final = settings
        self._lines: Final = lines
        self._held: Final[dict[str, str]] = {}
        self._wanted: Final[dict[str, bool]] = {}
        self._at_work_since_s: Final[dict[str, float]] = {}
        self._looks: Final[dict[str, asyncio.TimerHandle]] = {}
        self._rests: Final[dict[str, asyncio.TimerHandle]] = {}
        self._rests_ended: Final[set[str]] = set()

    def close(self) -> None:
        """Set no timer off any more."""
        for timer in (*self._looks.values(), *self._rests.values()):
            timer.cancel()
        self._looks.clear()
        self._rests.clear()

    # ------------------------------------------------------------------ what the PBX says

    def changed(self, member: Member) -> None:
        """Take over how a member is now."""
        agent_id = self._members.note(member)
        if agent_id is None:
            return
        if not member.is_paused and agent_id in self._held:
            # Somebody ended our pause, or added a member: app_queue must not ring them.
            self._lines.put(f"agent {agent_id}", partial(self._pause, agent_id))
        elif not member.is_paused and agent_id in self._rests:
            # The agent wants calls before the pause after a callback is over.
            self._rests.pop(agent_id).cancel()
            self._rests_ended.add(agent_id)
            self._lines.put(f"agent {agent_id}", partial(self._settle, agent_id, rests=False))
        self.look(agent_id)

    def look(self, agent_id: str | None, *, renews: bool = False) -> None:
        """Let the service be told what follows for an agent, soon."""
        if agent_id is None:
            return
        if agent_id in self._wanted:
            self._wanted[agent_id] |= renews
            return
        self._wanted[agent_id] = renews
        self._lines.put(f"agent {agent_id}", partial(self._tell, agent_id))

    def all_gone(self) -> None:
        """Asterisk was not reached for too long: who has no work of callbackq's is not available."""
        logger.warning("Asterisk (AMI) cannot be reached: its agents are taken for unavailable")
        for agent_id in self._members.agents:
            self._lines.put(f"agent {agent_id}", partial(self._gone, agent_id))

    # ------------------------------------------------------------------ telling

    async def _tell(self, agent_id: str) -> None:
        renews = self._wanted.pop(agent_id, False)
        view = self._members.view(agent_id, now_s=self._pbx_now_s())
        skills = tuple(self._settings.skills(agent_id))
        known = await self._agent(agent_id)
        grace_s = self._grace_s(agent_id, view, known)
        say = what_to_say(
            view,
            known,
            skills=skills,
            is_steady=grace_s <= 0,
            has_call=self._callers.is_talking(agent_id),
            ends_rest=agent_id in self._rests_ended,
            renew_at=self._now() + 2 * self._settings.resync_every + timedelta(minutes=1) if renews else None,
        )
        self._rests_ended.discard(agent_id)
        if say is Say.AVAILABLE:
            await self._service.agent_available(agent_id, queues=view.queues, skills=skills)
        elif say is Say.UNAVAILABLE:
            await self._service.agent_unavailable(agent_id)
        self._look_again(agent_id, view, say, wait_s=grace_s)

    def _grace_s(self, agent_id: str, view: View, known: Agent | None) -> float:
        """
        Return for how long a phone that is in use may still be so because of a call that callbackq knows of.

        One that begins, and is not told yet; or ours, which is over, while the phone is not yet idle.
        """
        loop_s = asyncio.get_running_loop().time()
        if view.mood is not Mood.AT_WORK:
            self._at_work_since_s.pop(agent_id, None)
            return 0.0
        used_s = loop_s - self._at_work_since_s.setdefault(agent_id, loop_s)
        idle_s = (self._now() - known.since_at).total_seconds() if known is not None else used_s
        return self._settings.busy_after.total_seconds() - min(used_s, idle_s)

    def _look_again(self, agent_id: str, view: View, say: Say, *, wait_s: float) -> None:
        """Look once more when time alone will have changed something."""
        if view.until_s is not None:
            wait_s = view.until_s - self._pbx_now_s()
        elif say is not Say.LATER:
            return
        before = self._looks.pop(agent_id, None)
        if before is not None:
            before.cancel()

        def again() -> None:
            self._looks.pop(agent_id, None)
            self.look(agent_id)

        self._looks[agent_id] = _later(wait_s, again)

    async def _gone(self, agent_id: str) -> None:
        known = await self._agent(agent_id)
        if known is not None and known.state in (
            AgentState.AVAILABLE,
            AgentState.WRAP_UP,
            AgentState.COOLING_DOWN,
        ):
            await self._service.agent_unavailable(agent_id)

    # ------------------------------------------------------------------ reserving

    async def reserve(self, agent_id: str, attempt_id: str) -> None:
        """Pause an agent for an attempt; call it off if app_queue has them."""
        self._held[agent_id] = attempt_id
        rest = self._rests.pop(agent_id, None)
        if rest is not None:
            rest.cancel()
        await self._pause(agent_id)
        if self._is_taken(agent_id):
            logger.info(
                "app_queue has the agent who was reserved for attempt %s: it is called off", attempt_id
            )
            try:
                await self._service.agent_unavailable(agent_id)
            except CallbackqError as error:  # Both phones may ring then; nobody is lost.
                logger.warning("attempt %s could not be called off: %s", attempt_id, type(error).__name__)

    async def release(self, agent_id: str, attempt_id: str) -> None:
        """End the pause of an attempt, if there is no newer one."""
        if self._held.get(agent_id, attempt_id) != attempt_id:
            return
        self._held.pop(agent_id, None)
        await self._settle(agent_id)

    async def settle_all(self) -> None:
        """After a connection was made: pause whom we hold, and end pauses of ours that no attempt has."""
        for agent_id in list(self._held):
            known = await self._agent(agent_id)
            if known is None or known.state in (AgentState.RESERVED, AgentState.BUSY):
                await self._pause(agent_id)
            else:
                self._held.pop(agent_id, None)
        for agent_id in self._members.agents:
            if any(self._members.is_ours(member) for member in self._members.members_of(agent_id)):
                await self._settle(agent_id)

    def _is_taken(self, agent_id: str) -> bool:
        """Whether app_queue has, or is about to have, the agent. Another phone call is said before one is reserved."""
        if self._members.is_called(agent_id) or self._callers.is_talking(agent_id):
            return True
        return self._members.view(agent_id, now_s=self._pbx_now_s()).mood is Mood.WRAPPING_UP

    async def _pause(self, agent_id: str) -> None:
        """Pause the agent in every queue, wherever nobody else did. Never raises."""
        attempt_id = self._held.get(agent_id)
        if attempt_id is None:
            return
        reason = self._members.reason_for(attempt_id)
        await asyncio.gather(
            *(
                self._set_pause(member, is_paused=True, reason=reason)
                for member in self._members.members_of(agent_id)
                if not member.is_paused or (self._members.is_ours(member) and member.reason != reason)
            )
        )

    async def _settle(self, agent_id: str, *, rests: bool = True) -> None:
        """End the pauses of ours that nothing needs any more. Never raises what Asterisk says."""
        ours = [member for member in self._members.members_of(agent_id) if self._members.is_ours(member)]
        if not ours or agent_id in self._held:
            return
        known = await self._agent(agent_id)
        if agent_id in self._held:
            return  # Since a moment ago.
        if known is not None and known.attempt_id is not None and known.state is not AgentState.SIGNED_OUT:
            return  # Another attempt has them, perhaps of another node.
        if rests and known is not None and known.state is AgentState.WRAP_UP and known.due_at is not None:
            self._rest(agent_id, wait_s=(known.due_at - self._now()).total_seconds())
            return
        await asyncio.gather(
            *(
                self._set_pause(
                    member, is_paused=member.others_reason is not None, reason=member.others_reason or ""
                )
                for member in ours
            )
        )

    def _rest(self, agent_id: str, *, wait_s: float) -> None:
        """App_queue does not know of our calls: keep the agent from its calls for the wrap-up after ours."""
        before = self._rests.pop(agent_id, None)
        if before is not None:
            before.cancel()

        def over() -> None:
            self._rests.pop(agent_id, None)
            self._lines.put(f"agent {agent_id}", partial(self._settle, agent_id, rests=False))

        self._rests[agent_id] = _later(wait_s, over)

    async def _set_pause(self, member: Member, *, is_paused: bool, reason: str) -> None:
        try:
            await self._ami.act(
                "QueuePause",
                then=partial(self._members.set_pause, member, is_paused=is_paused, reason=reason),
                Queue=member.queue,
                Interface=member.interface,
                Paused="true" if is_paused else "false",
                Reason=reason,
            )
        except AmiRefused as error:  # No member any more, or no permission: the next account tells.
            logger.warning("a member of queue %s could not be paused: %s", member.queue, error)
        except AdapterError as error:  # Done once it can be reached again.
            logger.info("a member of queue %s is not paused yet: %s", member.queue, error)

    # ------------------------------------------------------------------ inside

    async def _agent(self, agent_id: str) -> Agent | None:
        try:
            return await self._service.agent(agent_id)
        except AgentNotFound:
            return None

    def _pbx_now_s(self) -> float:
        return self._now().timestamp() + self._ami.clock_ahead_s


def _later(wait_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(max(0.0, wait_s) + _A_MOMENT_S, call)
