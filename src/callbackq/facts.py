"""What the rules look at beyond the record, read from the store in the transaction that decides."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.core import switches
from callbackq.core.announcing import is_to_be_told
from callbackq.core.capping import Capped, capped
from callbackq.core.lifecycle import DueFacts, where_after
from callbackq.core.ordering import RANK_MAX
from callbackq.core.placing import Lanes, for_agent, front_from, open_skills, own_skill, put
from callbackq.errors import CallbackNotFound
from callbackq.events import AttemptEnded, AttemptProgress, AttemptStarted, CallbackReady
from callbackq.ids import AgentId, AttemptId, CallbackId, PlaceId, QueueName
from callbackq.model import (
    ALL_QUEUES,
    Agent,
    AgentState,
    Ahead,
    Callback,
    CallbackState,
    CallState,
    Cause,
    Channel,
    Disposition,
    DueReason,
    LegState,
    Outcome,
    PastAttempt,
    PastCallback,
    Place,
    Position,
    QueueControl,
    ReportKind,
    Role,
)
from callbackq.policy import Caps, Limit, PlaceAfter, QueuePolicy
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


def lane_of_both(tx: Transaction, kept: Callback, other: Callback) -> int:
    """Return the lane of *kept*, with the skills of *other* too."""
    more = skills_of(tx, other)
    if set(more) <= set(skills_of(tx, kept)):
        return kept.lane
    return tx.lanes.intern(sorted({*tx.lanes.skills_of(kept.lane), *more}))


def open_lane(tx: Transaction, place: Place) -> int:
    """Return the lane of its skills alone."""
    return place.lane if place.preferred_until_at is None else tx.lanes.intern(skills_of(tx, place))


# ---------------------------------------------------------------------------- the line


def waiting_for(tx: Transaction, agent: Agent) -> list[Place]:
    """Return the places that wait for this agent alone."""
    own = own_skill(agent.agent_id)
    lanes = [lane for lane in lanes_of_agent(tx, agent) if own in tx.lanes.skills_of(lane)]
    if not lanes:
        return []
    return [place for queue in agent.queues for place in places_in(tx, queue) if place.lane in lanes]


def places_in(tx: Transaction, queue: QueueName) -> list[Place]:
    """Return every place of a queue's line, in order. O(n)."""
    places: list[Place] = []
    after: tuple[int, PlaceId] | None = None
    while page := tx.line.places(queue, after=after, limit=_PAGE):
        places += page
        after = (page[-1].rank, page[-1].place_id)
    return places


_PAGE: Final = 500


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
    """Return the rank of the first place at the front of its priority, or None if nobody stands before it there."""
    start = front_from(place.priority, policy=policy, now=now)
    found = tx.line.places(place.queue, after=(start, place.place_id), limit=1)
    if not found or (found[0].rank, found[0].place_id) >= (place.rank, place.place_id):
        return None
    return found[0].rank


# ---------------------------------------------------------------------------- time


def due_facts(tx: Transaction, callback: Callback, *, policy: QueuePolicy, now: datetime) -> DueFacts:
    """Return where a callback stands when time has done its work."""
    where = PlaceAfter.KEEP
    if callback.due_reason is DueReason.WINDOW_OVER:
        where = policy.place_after_window
    elif callback.due_reason is DueReason.REST_OVER:
        where = where_after(callback, policy=policy)
    first = first_rank(tx, callback, policy=policy, now=now) if where is PlaceAfter.FRONT else None
    lanes = lanes_for(tx, skills_of(tx, callback), callback.preferred_agent_id, queue=callback.queue)
    stand = put(callback, where, first_rank=first, policy=policy, now=now)
    if callback.state is not CallbackState.HELD or lanes.own is None:
        stand = for_agent(stand, lanes=lanes, policy=policy, now=now)
    return DueFacts(lane=lanes.open, stand=stand, first_rank=first)


def due_without_telephony(
    tx: Transaction, *, queues: Collection[QueueName], limit: int, now: datetime
) -> list[Callback]:
    """Return the callbacks that are due, but for those that are left until the telephony can be reached."""
    looked_at, found = limit, list[Callback]()
    while len(found) < limit:
        # Those that are left are due first, and must not stand before all others.
        looked_at *= 4
        due = tx.callbacks.due(now=now, limit=looked_at, queues=queues)
        found = [one for one in due if not _needs_telephony(one, now=now)]
        if len(due) < looked_at:
            break
    return found[:limit]


def _needs_telephony(callback: Callback, *, now: datetime) -> bool:
    to_be_told = is_to_be_told(callback) and now < callback.expires_at
    return callback.state is CallbackState.ATTEMPTING or to_be_told


# ---------------------------------------------------------------------------- caps and switches


def capped_now(
    tx: Transaction,
    queue: QueueName,
    *,
    policies: Mapping[QueueName, QueuePolicy],
    caps: Caps,
    now: datetime,
) -> Capped | None:
    """Return the cap that forbids one more attempt in a queue: its own, or the one over all queues known here."""
    own = _capped(tx, [queue], policies[queue].caps, now=now)
    return own or _capped(tx, list(policies), caps, now=now)


def caps_over_at(
    tx: Transaction, *, policies: Mapping[QueueName, QueuePolicy], caps: Caps, now: datetime
) -> list[datetime]:
    """Return when time alone lets the queues start an attempt again, of those with a cap that is reached."""
    found: list[datetime] = []
    for queue, policy in policies.items():
        if caps.attempts_per_minute_max is None and policy.caps.attempts_per_minute_max is None:
            continue
        reached = capped_now(tx, queue, policies=policies, caps=caps, now=now)
        if reached is not None and reached.until_at is not None:
            found.append(reached.until_at)
    return found


def _capped(tx: Transaction, queues: Sequence[QueueName], caps: Caps, *, now: datetime) -> Capped | None:
    at_once, per_min = caps.attempts_at_once_max, caps.attempts_per_minute_max
    open_count, starts = 0, list[datetime]()
    if at_once is not None:
        open_count = sum(tx.attempts.open_count(queue, limit=at_once) for queue in queues)
    if per_min is not None:
        latest = (tx.attempts.last_started(queue, limit=per_min) for queue in queues)
        starts = sorted((attempt.started_at for found in latest for attempt in found), reverse=True)
    return capped(caps, open_count=open_count, starts=starts, now=now)


def control_of(tx: Transaction, queue: QueueName) -> QueueControl | None:
    """Return what is switched for a queue: by its own row, or by the one for all queues; None if nothing is."""
    return switches.both(queue, tx.queues.find(queue), tx.queues.find(ALL_QUEUES))


def dialing_paused(tx: Transaction, queue: QueueName) -> bool:
    """Whether no callback of the queue may be started now."""
    control = control_of(tx, queue)
    return control is not None and control.dialing_paused


# ---------------------------------------------------------------------------- why


def agents_able_count(tx: Transaction, queue: QueueName, skills: tuple[str, ...]) -> int:
    """Count the agents signed in for *queue* who have all of *skills*."""
    needed = frozenset(skills)
    return sum(count for had, count in tx.agents.staffed_by_skills(queue).items() if needed.issubset(had))


@attrs.frozen(kw_only=True)
class _Asked:
    """Who was asked last in an attempt, and whether they had accepted, or gone away by themselves."""

    agent_id: AgentId | None = None
    is_out: bool = False

    def after(self, event: AttemptStarted | AttemptProgress) -> _Asked:
        """Return the same after one more event of the attempt."""
        if event.agent_id != self.agent_id:
            return _Asked(agent_id=event.agent_id)
        left = isinstance(event, AttemptProgress) and event.cause == "agent left"
        is_out = self.is_out or left or event.agent_leg is LegState.ANSWERED
        return _Asked(agent_id=self.agent_id, is_out=is_out)


def _is_declined(event: AttemptStarted | AttemptProgress, before: _Asked) -> bool:
    """Whether the agent of an attempt has just declined it, or let it pass; not one who had accepted, or went away."""
    if not isinstance(event, AttemptProgress) or before.is_out or event.cause == "agent left":
        return False
    if event.agent_id is None:
        return True
    return event.disposition is Disposition.AGENT_UNAVAILABLE and event.cause in _DECLINES


_DECLINES: Final = frozenset(
    f"{Role.AGENT} {ReportKind.ENDED} {cause}" for cause in Cause if cause is not Cause.NORMAL
) | {str(DueReason.AGENT_RING_OVER)}
"""What the history says of an attempt that an agent declined, or did not answer."""


def all_declined(tx: Transaction, callback: Callback) -> bool:
    """Whether every agent who is signed in and could serve the callback has declined it, or let it pass."""
    skills = skills_of(tx, callback)
    events = tx.history.of_callback(callback.callback_id)
    declined: set[AgentId] = set()
    asked: dict[AttemptId, _Asked] = {}
    for event in events:
        if isinstance(event, CallbackReady):
            declined.clear()  # It was out of the line since.
        if isinstance(event, AttemptStarted | AttemptProgress):
            before = asked.get(event.attempt_id, _Asked())
            if before.agent_id is not None and _is_declined(event, before):
                declined.add(before.agent_id)
            asked[event.attempt_id] = before.after(event)
    there = 0
    for agent_id in declined:
        agent = tx.agents.find(agent_id)
        if agent is not None and agent.state is not AgentState.SIGNED_OUT and not agent.leaving:
            there += callback.queue in agent.queues and set(skills) <= set(agent.skills)
    return there > 0 and there >= agents_able_count(tx, callback.queue, skills)


def callback_if_there(tx: Transaction, callback_id: CallbackId) -> Callback | None:
    """Return a callback that something names; None if it was pruned since."""
    try:
        return tx.callbacks.get(callback_id)
    except CallbackNotFound:
        return None


# ---------------------------------------------------------------------------- a person's past

PAST_MAX: Final = 5
"""So many earlier callbacks an agent is shown."""
PAST_ATTEMPTS_MAX: Final = 20
"""So many earlier attempts of the callback, the latest."""
_LOOKED_AT_MAX: Final = 200


def past_callbacks(tx: Transaction, callback: Callback) -> tuple[PastCallback, ...]:
    """Return the person's other callbacks, the newest first."""
    latest = tx.callbacks.of_subject(callback.subject_id, limit=PAST_MAX + 1)
    return tuple(
        PastCallback(
            callback_id=other.callback_id,
            queue=other.queue,
            requested_at=other.requested_at,
            outcome=other.outcome,
            ticket_id=other.ticket_id,
        )
        for other in latest
        if other.callback_id != callback.callback_id
    )[:PAST_MAX]


def past_attempts(tx: Transaction, callback: Callback) -> tuple[PastAttempt, ...]:
    """Return the attempts of a callback that are over, the earliest first."""
    if callback.last_disposition is None:
        return ()
    # A person may have said otherwise of one that was over: its last word is kept.
    ended = {
        event.attempt_id: PastAttempt(at=event.ended_at, disposition=event.disposition)
        for event in tx.history.of_callback(callback.callback_id)
        if isinstance(event, AttemptEnded) and event.disposition is not None
    }
    return tuple(ended.values())[-PAST_ATTEMPTS_MAX:]


MISSED: Final = frozenset(
    {
        Disposition.NO_ANSWER,
        Disposition.BUSY,
        Disposition.MACHINE,
        Disposition.FAX,
        Disposition.REJECTED,
        Disposition.UNREACHABLE,
        Disposition.ANSWERED_THEN_LEFT,
    }
)
"""How the last attempt ends at a chosen time that the customer missed."""


def no_shows_count(
    tx: Transaction,
    callback: Callback,
    *,
    disposition: Disposition | None,
    policy: QueuePolicy,
    now: datetime,
) -> int | None:
    """
    Count the chosen times that the person has missed lately, this one included.

    None if no time was chosen, or if it was not missed: who asks for another time by key, or cannot be reached
    because the network is down, has not stayed away.
    """
    if callback.scheduled_at is None or callback.channel is Channel.EVENT or disposition not in MISSED:
        return None
    since = now - policy.no_shows_window
    earlier = sum(
        other.scheduled_at is not None
        and other.channel is not Channel.EVENT
        and other.outcome is Outcome.UNREACHED
        and other.last_disposition in MISSED
        and other.ended_at is not None
        and other.ended_at > since
        for other in tx.callbacks.of_subject(callback.subject_id, limit=_LOOKED_AT_MAX)
        if other.callback_id != callback.callback_id
    )
    return earlier + 1


def number_free_at(
    tx: Transaction, number_key: str, *, caps: Sequence[Caps], queue: QueueName, now: datetime
) -> datetime | None:
    """Return when a number may be dialed again that was dialed as often as is allowed; None if it may be now."""
    free_at: datetime | None = None
    for cap, own in zip(caps, (True, False), strict=True):
        most = cap.attempts_per_number_max
        if most is None:
            continue
        since = now - cap.number_period
        limit = most + _LOOKED_AT_MAX if own else most
        dialed = tx.attempts.dialed_to(number_key, since=since, limit=limit)
        dialed = [one for one in dialed if not own or one.queue == queue][:most]
        if len(dialed) >= most:
            again_at = dialed[-1].started_at + cap.number_period
            free_at = max(free_at or again_at, again_at)
    return free_at


def limits_free_at(
    tx: Transaction, number_key: str, *, limits: Sequence[Limit], late_max: timedelta, now: datetime
) -> datetime | None:
    """
    Return when a number may be dialed again, in any queue, by all of these limits; None if it may be now.

    Args:
        late_max: the phone may ring so long after its attempt was started: each counts until that is long ago too.
    """
    free_at: datetime | None = None
    for limit in limits:
        counts = limit.period + late_max
        dialed = tx.attempts.dialed_to(number_key, since=now - counts, limit=limit.most)
        if len(dialed) >= limit.most:
            again_at = dialed[-1].started_at + counts
            free_at = max(free_at or again_at, again_at)
    return free_at


def is_on_the_line(tx: Transaction, callback: Callback) -> bool:
    """Whether the customer called in while waiting, and is on the line now."""
    call = tx.calls.find(callback.called_in_id) if callback.called_in_id is not None else None
    return call is not None and call.state is not CallState.ENDED


def is_being_called(tx: Transaction, callback: Callback) -> bool:
    """Whether the person is being called for another of their callbacks, at whichever number."""
    others = tx.callbacks.of_subject(callback.subject_id, limit=_LOOKED_AT_MAX)
    return any(
        other.state is CallbackState.ATTEMPTING and other.callback_id != callback.callback_id
        for other in others
    )
