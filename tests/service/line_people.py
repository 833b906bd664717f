"""
Who can be in a house of the stateful tests, in which states, and what places are sorted by.

The words are the specification's own; nothing of the engine is used but a queue's policy.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from callbackq import Disposition, QueuePolicy

STRICT = timedelta(days=366)

WAITING, TAKEN, ENDED = "waiting", "taken", "ended"
SCHEDULED, ATTEMPTING, RESTING, HELD = "scheduled", "attempting", "resting", "held"
AVAILABLE, RESERVED, BUSY, PAUSED, OUT = "available", "reserved", "busy", "paused", "signed_out"
RINGING, DIALING, JOINING, TALKING, ENDING = "ringing", "dialing", "joining", "talking", "ending"

COMPLETED, CANCELLED, EXPIRED = "completed", "cancelled", "expired"
UNREACHED, REPLACED, SERVED_ELSEWHERE = "unreached", "replaced", "served_elsewhere"


@attrs.define(kw_only=True, eq=False)
class Place:
    """Whoever holds a place: what it needs, and from when it is ranked."""

    key: str
    place_id: str
    queue: str
    priority: int
    skills: frozenset[str]
    prefers: str | None
    entered_at: datetime
    ranked_from: datetime
    number: str | None
    state: str = WAITING
    only: str | None = None
    only_until: datetime | None = None


@attrs.define(kw_only=True, eq=False)
class Caller(Place):
    """A live call."""

    until: datetime
    agent: str | None = None
    passed: int = 0
    lost: bool = False
    gave_up: bool = False
    ended_at: datetime | None = None
    returns_for: Promise | None = None

    def is_in(self, queue: str) -> bool:
        """Whether this caller is on the line, in a queue."""
        return self.queue == queue and self.state != ENDED


@attrs.define(kw_only=True, eq=False)
class Promise(Place):
    """A callback."""

    requested_at: datetime
    expires_at: datetime
    was_call: bool = False
    scheduled_at: datetime | None = None
    again_at: datetime | None = None
    marked: bool = False
    turn_at: datetime | None = None
    failed: list[Disposition] = attrs.field(factory=list)
    called_in: Caller | None = None
    outcome: str | None = None
    ended_at: datetime | None = None

    @property
    def is_on_the_line(self) -> bool:
        """Whether the customer has called in, and is on the line still."""
        return self.called_in is not None and self.called_in.state != ENDED


@attrs.define(kw_only=True, eq=False)
class Attempt:
    """One try: the agent rings, the customer is dialed, they are joined, they talk."""

    promise: Promise
    agent: str
    until: datetime
    phase: str = RINGING
    rang: bool = False
    answered: bool = False
    answered_at: datetime | None = None
    disposition: Disposition | None = None
    attempt_id: str = ""
    agent_leg: str = ""
    customer_leg: str = ""


@attrs.define(kw_only=True, eq=False)
class Agent:
    """Who takes calls."""

    agent_id: str
    queues: tuple[str, ...]
    skills: frozenset[str]
    since: datetime
    state: str = AVAILABLE
    cools_down: bool = False
    back_at: datetime | None = None
    attempt: Attempt | None = None
    caller: str | None = None
    leaving: bool = False

    def serves(self, place: Place) -> bool:
        """Whether this agent may be given the place."""
        return (
            place.queue in self.queues and place.skills <= self.skills and place.only in (None, self.agent_id)
        )


def standing(
    policy: QueuePolicy, *, priority: int, ranked_from: datetime, place_id: str
) -> tuple[object, ...]:
    """
    Return what places of one queue are sorted by.

    Strict: the better priority first; within one, who is ranked from the earlier instant; then the lower id.
    Ageing: each step of priority is worth a fixed time, and no more.
    """
    if policy.priority_credit >= STRICT:
        return priority, ranked_from, place_id
    return ranked_from + priority * policy.priority_credit, place_id
