"""What the rules look at beyond the record, read from the store in the transaction that decides."""

from __future__ import annotations

from datetime import datetime

import attrs

from callbackq.core.lifecycle import DueFacts, where_after
from callbackq.core.ordering import RANK_MAX
from callbackq.core.placing import Lanes, for_agent, front_from, open_skills, own_skill, put
from callbackq.ids import AgentId, PlaceId, QueueName
from callbackq.model import (
    ALL_QUEUES,
    Agent,
    AgentState,
    Ahead,
    Callback,
    DueReason,
    Place,
    Position,
    QueueControl,
)
from callbackq.policy import PlaceAfter, QueuePolicy
from callbackq.ports import Transaction

# ---------------------------------------------------------------------------- lanes


def lanes_of_agent(tx: Transaction, agent: Agent) -> tuple[int, ...]:
    """Return the lanes that an agent can serve: those of the skills, and those of places that wait for this one."""
    return tx.lanes.served_by((*agent.skills, own_skill(agent.agent_id)))


def lanes_for(
    tx: Transaction, skills: tuple[str, ...], preferred: AgentId | None, *, queue: QueueName
) -> Lanes:
    """Return the lanes of a place. It has one of its own if its preferred agent is signed in and can serve it."""
    open_lane = tx.lanes.intern(skills)
    agent = tx.agents.find(preferred) if preferred is not None else None
    if agent is None or agent.state is AgentState.SIGNED_OUT or agent.leaving:
        return Lanes(open=open_lane)
    if queue not in agent.queues or not set(skills) <= set(agent.skills):
        return Lanes(open=open_lane)
    return Lanes(open=open_lane, own=tx.lanes.intern((*skills, own_skill(agent.agent_id))))


def skills_of(tx: Transaction, place: Place) -> tuple[str, ...]:
    """Return the skills that a place needs, whoever it prefers."""
    return open_skills(tx.lanes.skills_of(place.lane)) if place.lane else ()


def open_lane(tx: Transaction, place: Place) -> int:
    """Return the lane of its skills alone."""
    return place.lane if place.preferred_until_at is None else tx.lanes.intern(skills_of(tx, place))


# ---------------------------------------------------------------------------- the line


def position_of(tx: Transaction, place: Place) -> Position:
    """Return how many stand ahead of a place, plus one."""
    return position_behind(tx.line.count_ahead(place.queue, rank=place.rank, place_id=place.place_id))


def position_behind(ahead: Ahead) -> Position:
    """Return the position of a place behind so many."""
    return Position(number=ahead.count + 1, exact=ahead.exact)


def line_length(tx: Transaction, queue: QueueName) -> int:
    """Return how many places the line of a queue has; an estimate where there are very many."""
    return tx.line.count_ahead(queue, rank=RANK_MAX, place_id=PlaceId("")).count


def passed_by(tx: Transaction, place: Place) -> Ahead:
    """Return which places of its class stand before it: those that it passes if it is served now."""
    return tx.line.count_passed(
        place.queue, lane=place.lane, priority=place.priority, rank=place.rank, place_id=place.place_id
    )


def first_rank(tx: Transaction, place: Place, *, policy: QueuePolicy, now: datetime) -> int | None:
    """Return the rank of the first place at the front of its priority, or None if nobody waits there."""
    start = front_from(place.priority, policy=policy, now=now)
    found = tx.line.places(place.queue, after=(start, place.place_id), limit=1)
    return found[0].rank if found else None


def free_agents_count(tx: Transaction, queue: QueueName, *, lane: int) -> int:
    """Count the agents without work who serve *queue* and have the skills of *lane*."""
    return sum(queue in agent.queues and lane in lanes_of_agent(tx, agent) for agent in tx.agents.available())


# ---------------------------------------------------------------------------- time


def due_facts(tx: Transaction, callback: Callback, *, policy: QueuePolicy, now: datetime) -> DueFacts:
    """Return where a callback stands when time has done its work."""
    where = PlaceAfter.KEEP
    if callback.due_reason is DueReason.WINDOW_OVER:
        where = policy.place_after_window
    elif callback.due_reason is DueReason.REST_OVER:
        where = where_after(callback, policy=policy)
    first = first_rank(tx, callback, policy=policy, now=now) if where is PlaceAfter.FRONT else None
    skills = skills_of(tx, callback)
    lanes = lanes_for(tx, skills, callback.preferred_agent_id, queue=callback.queue)
    stand = put(callback, where, first_rank=first, policy=policy, now=now)
    return DueFacts(
        lane=lanes.open,
        stand=for_agent(stand, lanes=lanes, policy=policy, now=now),
        first_rank=first,
    )


# ---------------------------------------------------------------------------- switches


def control_of(tx: Transaction, queue: QueueName) -> QueueControl | None:
    """Return what is switched for a queue: by its own row, or by the one for all queues; None if nothing is."""
    own, every = tx.queues.find(queue), tx.queues.find(ALL_QUEUES)
    if own is None or every is None:
        return own or every
    return attrs.evolve(
        own,
        offering_paused=own.offering_paused or every.offering_paused,
        dialing_paused=own.dialing_paused or every.dialing_paused,
        reason=every.reason if every.dialing_paused or every.offering_paused else own.reason,
    )


def dialing_paused(tx: Transaction, queue: QueueName) -> bool:
    """Whether no callback of the queue may be started now."""
    control = control_of(tx, queue)
    return control is not None and control.dialing_paused


# ---------------------------------------------------------------------------- why


def agents_able_count(tx: Transaction, queue: QueueName, skills: tuple[str, ...]) -> int:
    """Count the agents signed in for *queue* who have all of *skills*."""
    needed = frozenset(skills)
    return sum(count for had, count in tx.agents.staffed_by_skills(queue).items() if needed.issubset(had))
