"""The commands of agents: who takes calls, of which queues, with which skills."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from callbackq.core import agents
from callbackq.core.instants import check_text
from callbackq.core.requests import read_skills
from callbackq.errors import InvalidText
from callbackq.facts import lanes_of_agent, waiting_for
from callbackq.ids import AgentId
from callbackq.model import Agent, AgentState
from callbackq.ports import Commit, Transaction
from callbackq.service.base import ServiceBase
from callbackq.writing import agent_left, open_places, policy_of, presence_max_of, write


class AgentCommands(ServiceBase):
    """The commands of agents."""

    def agent_available(self, agent_id: str, *, queues: Sequence[str], skills: Sequence[str] = ()) -> Agent:
        """
        An agent takes calls of these queues. Ends a wrap-up early.

        Say it again whenever queues or skills change, and at least once in `agent_presence_max`. For an agent
        who is at work or cooling down it changes queues and skills only; the work ends by `call_left` or by a
        report, the cool-down by itself.

        Raises:
            UnknownQueue, InvalidText: nothing was stored.
        """
        key = AgentId(check_text(agent_id, "agent_id"))
        if isinstance(queues, str):
            raise InvalidText("queues is one text; allowed: a list of texts")
        names = tuple(dict.fromkeys(policy_of(self.policies, queue).queue for queue in queues))
        presence = agents.Presence(
            tenant_id=self.tenant_id,
            agent_id=key,
            queues=names,
            skills=read_skills(skills),
            presence_max=presence_max_of(self.policies, names),
        )

        def available(tx: Transaction, now: datetime) -> Agent:
            before = tx.agents.find(key)
            waiting = waiting_for(tx, before) if before is not None else []
            write(tx, agents.sign_in(before, presence, now=now))
            agent = tx.agents.get(key)
            lanes = lanes_of_agent(tx, agent) if waiting else ()
            lost = [place for place in waiting if place.lane not in lanes or place.queue not in agent.queues]
            open_places(tx, lost, policies=self.policies, now=now)
            return agent

        return self._run(Commit.RELAXED, available)

    def agent_unavailable(self, agent_id: str) -> Agent:
        """
        An agent takes no more calls: at once, or after the present one.

        A reservation that was not accepted yet is called off, and the callback keeps its place. Places that waited
        for this agent alone are open to all. Saying it twice changes nothing.

        Raises:
            AgentNotFound: this agent never was available.
        """
        key = AgentId(check_text(agent_id, "agent_id"))

        def unavailable(tx: Transaction, now: datetime) -> Agent:
            agent = tx.agents.get(key)
            write(tx, agents.sign_out(agent, now=now))
            open_places(tx, waiting_for(tx, agent), policies=self.policies, now=now)
            if agent.state is AgentState.RESERVED and agent.attempt_id:
                agent_left(tx, agent.attempt_id, policies=self.policies, now=now)
            return tx.agents.get(key)

        return self._run(Commit.FLUSHED, unavailable)
