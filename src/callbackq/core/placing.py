"""
Where a place stands in line, and every way in which that changes. The same for live calls and callbacks.

A `Stand` is what orders a place: queue, lane, priority, and the instant that it is ranked from. `entered_at` is no
part of it: it is never rewritten, whatever happens to the place.

The rule: a stand is changed by the named functions of this file only, and each change is an event in history.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.core.instants import from_microseconds, microseconds
from callbackq.core.ordering import booked_rank, credit_us, rank
from callbackq.ids import AgentId, QueueName
from callbackq.model import Callback, Place
from callbackq.policy import PlaceAfter, PlaceFrom, QueuePolicy

AGENT_SKILL: Final = "agent:"
"""A place that waits for one agent alone needs this and the agent's id besides its skills. No skill begins so."""

_SPAN: Final = timedelta(days=180)
"""Half of a strict step of priority. No two places of one priority that wait at once are so far apart."""


@attrs.frozen(kw_only=True)
class Stand:
    """What orders a place."""

    queue: QueueName
    priority: int
    lane: int
    ranked_at: datetime
    rank: int
    preferred_until_at: datetime | None = None
    """Until when it waits for its preferred agent alone; then its lane has that agent's own skill."""


@attrs.frozen(kw_only=True)
class Lanes:
    """
    The lanes of one place, as the store interned them.

    Args:
        open: of its skills alone.
        own: of its skills and its preferred agent; None if it has none, or that agent is not signed in.
    """

    open: int = 0
    own: int | None = None


def own_skill(agent_id: AgentId) -> str:
    """
    Return the skill that only this agent has.

    >>> own_skill(AgentId("ann"))
    'agent:ann'
    """
    return AGENT_SKILL + agent_id


def lanes_of_request(skills: tuple[str, ...], preferred: AgentId | None) -> tuple[tuple[str, ...], ...]:
    """
    Return the sets of skills that a place may need: its own, and those with its preferred agent.

    >>> lanes_of_request(("french",), AgentId("ann"))
    (('french',), ('agent:ann', 'french'))
    """
    if preferred is None:
        return (skills,)
    return (skills, tuple(sorted((*skills, own_skill(preferred)))))


def open_skills(skills: tuple[str, ...]) -> tuple[str, ...]:
    """
    Return the skills without that of a preferred agent.

    >>> open_skills(("agent:ann", "french"))
    ('french',)
    """
    return tuple(skill for skill in skills if not skill.startswith(AGENT_SKILL))


def stand_at(
    ranked_at: datetime,
    *,
    priority: int,
    lanes: Lanes,
    policy: QueuePolicy,
    now: datetime,
    booked: bool = False,
) -> Stand:
    """
    Return a stand ranked from *ranked_at*; alone for its preferred agent at first, if it has one who is there.

    Args:
        booked: it has a seat in a slot, and stands before all that have none.
    """
    stand = Stand(
        queue=policy.queue,
        priority=priority,
        lane=lanes.open,
        ranked_at=ranked_at,
        rank=booked_rank(ranked_at) if booked else rank(ranked_at, priority=priority, policy=policy),
    )
    return for_agent(stand, lanes=lanes, policy=policy, now=now)


def for_agent(stand: Stand, *, lanes: Lanes, policy: QueuePolicy, now: datetime) -> Stand:
    """Let it wait for its preferred agent alone, for `policy.preferred_agent_time`, if that agent is there."""
    if lanes.own is None or not policy.preferred_agent_time:
        return attrs.evolve(stand, lane=lanes.open, preferred_until_at=None)
    return attrs.evolve(stand, lane=lanes.own, preferred_until_at=now + policy.preferred_agent_time)


def stand_of(place: Place) -> Stand:
    """Return where a place stands now."""
    return Stand(
        queue=place.queue,
        priority=place.priority,
        lane=place.lane,
        ranked_at=place.ranked_at,
        rank=place.rank,
        preferred_until_at=place.preferred_until_at,
    )


def opened(place: Place, *, lane: int) -> Stand:
    """Let any agent serve it who has the skills of *lane*: the preferred one did not come in time."""
    return attrs.evolve(stand_of(place), lane=lane, preferred_until_at=None)


def moved(place: Place, *, priority: int, lane: int, policy: QueuePolicy) -> Stand:
    """Put it into the queue of *policy*, ranked from the same instant as before."""
    return attrs.evolve(
        stand_of(place),
        queue=policy.queue,
        priority=priority,
        lane=lane,
        rank=_rank_of(place, place.ranked_at, priority=priority, policy=policy),
        preferred_until_at=None,
    )


def prioritized(place: Place, *, priority: int, policy: QueuePolicy) -> Stand:
    """Give it another priority, ranked from the same instant."""
    return attrs.evolve(
        stand_of(place),
        priority=priority,
        rank=_rank_of(place, place.ranked_at, priority=priority, policy=policy),
    )


def with_head_start(place: Place, head_start: timedelta, *, policy: QueuePolicy) -> Stand:
    """
    Rank it as if it had entered the queue so much earlier; later, if negative.

    The same head start again gives the same rank: it counts from `entered_at`, or from the slot's time, or from
    asking where policy has a live caller's callback stand by that.
    """
    return _from(place, _starts_at(place, policy=policy) - head_start, policy=policy)


def again(place: Place, *, policy: QueuePolicy) -> Stand:
    """Rank it by the credits that the policy has now, from the same instant."""
    return _from(place, place.ranked_at, policy=policy)


def put(
    place: Place, where: PlaceAfter, *, first_rank: int | None, policy: QueuePolicy, now: datetime
) -> Stand:
    """
    Put it where policy says after it was out of the line, by the credits that policy has now.

    It never goes back to the front, nor forward to the end: a place that stands there already is kept; so is a
    booking at the front, for all bookings stand before it.

    Args:
        first_rank: the rank of the first place that waits at or behind `front_from`; None if none does.
    """
    kept = again(place, policy=policy)
    if where is PlaceAfter.END:
        return _from(place, max(now, place.ranked_at), policy=policy)
    if where is PlaceAfter.FRONT and first_rank is not None and first_rank <= kept.rank:
        credit = credit_us(place.priority, policy=policy)
        return _from(place, from_microseconds(first_rank - 1 + credit), policy=policy)
    return kept


def front_from(priority: int, *, policy: QueuePolicy, now: datetime) -> int:
    """
    Return the rank from which the front of a priority is looked for.

    Under strict priority better ones stand before it, and are not passed. Where priority ages, a head start is all
    that it is, and the front is the front of the whole line, as far as head starts are within 180 days.
    """
    return microseconds(now - _SPAN) - credit_us(priority, policy=policy)


def merged(into: Callback, other: Callback, *, lane: int, policy: QueuePolicy) -> Stand:
    """
    Give it the better of the two places: the better priority, and in one queue the earlier instant.

    Args:
        lane: of the skills of both.
    """
    priority = min(into.priority, other.priority)
    ranked_at = into.ranked_at
    if other.queue == into.queue and other.scheduled_at is None and into.scheduled_at is None:
        ranked_at = min(into.ranked_at, other.ranked_at)
    return attrs.evolve(
        stand_of(into),
        priority=priority,
        lane=lane,
        ranked_at=ranked_at,
        rank=_rank_of(into, ranked_at, priority=priority, policy=policy),
    )


def is_booked(place: Place) -> bool:
    """Whether it has a seat in a slot."""
    return isinstance(place, Callback) and place.booking_id is not None


def _rank_of(place: Place, ranked_at: datetime, *, priority: int, policy: QueuePolicy) -> int:
    return booked_rank(ranked_at) if is_booked(place) else rank(ranked_at, priority=priority, policy=policy)


def _starts_at(place: Place, *, policy: QueuePolicy) -> datetime:
    if not isinstance(place, Callback):
        return place.entered_at
    if place.scheduled_at is not None:
        return place.scheduled_at
    asked_counts = policy.place_from is PlaceFrom.REQUESTED and place.call_id is not None
    return place.requested_at if asked_counts else place.entered_at


def _from(place: Place, ranked_at: datetime, *, policy: QueuePolicy) -> Stand:
    return attrs.evolve(
        stand_of(place),
        ranked_at=ranked_at,
        rank=_rank_of(place, ranked_at, priority=place.priority, policy=policy),
    )
