"""
The line as the history tells it: every event of a tenant is followed, and each one is held against the rules.

Nothing of the engine's rules is used here, and nothing of the model. Followed are
live calls, callbacks and agents; what is found wrong is an `AssertionError` that names the event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import attrs

from callbackq import Acd, Duplicates, PlaceAfter, QueuePolicy, RetryRule
from service.line_people import STRICT, standing

JOINED, REQUESTED = "call_joined", "callback_requested"
SERVED = ("call_taken", "callback_attempted")

MAY_CHANGE: Mapping[str, frozenset[str]] = {
    "callback_ready": frozenset({"ranked_at", "lane"}),
    "callback_requeued": frozenset({"ranked_at"}),
    "callback_reranked": frozenset({"ranked_at"}),
    "call_reranked": frozenset({"ranked_at"}),
    "callback_prioritized": frozenset({"priority"}),
    "call_prioritized": frozenset({"priority"}),
    "callback_moved": frozenset({"queue", "priority", "lane"}),
    "call_moved": frozenset({"queue", "priority", "lane"}),
    "callback_merged": frozenset({"ranked_at", "priority", "lane"}),
    "callback_opened": frozenset({"lane"}),
    "call_opened": frozenset({"lane"}),
}
"""The named events, and what each may change of where a place stands. No other event changes anything of it."""

_STAND = ("queue", "priority", "lane", "ranked_at")


@attrs.define(kw_only=True, eq=False)
class Seen:
    """What the history has said of one place so far."""

    key: str
    is_call: bool
    place_id: str
    queue: str
    priority: int
    lane: int
    ranked_at: datetime
    entered_at: datetime
    subject: str | None
    state: str
    rested_after: Any = None
    taken: bool = False
    ended: bool = False
    outcome: Any = None
    passed_calls: int = 0
    passed_callbacks: int = 0

    @property
    def class_(self) -> tuple[str, int, int]:
        """Those with the same queue, priority and needs."""
        return self.queue, self.priority, self.lane


class Account:
    """
    Follows one tenant's history.

    Args:
        policies: of all queues.
        skills_of: the skills of a lane.
    """

    def __init__(self, policies: Iterable[QueuePolicy], skills_of: Callable[[int], Iterable[str]]) -> None:
        self.policies: Mapping[str, QueuePolicy] = {policy.queue: policy for policy in policies}
        self.skills_of = skills_of
        self.places: dict[str, Seen] = {}
        self.agents: dict[str, tuple[tuple[str, ...], frozenset[str]]] = {}
        self.paused: set[str] = set()
        self.count: Counter[str] = Counter()

    def read(self, events: Iterable[Any], *, host_chose: bool = False) -> None:
        """
        Follow what is new.

        Args:
            host_chose: the host's own ACD served these callers, not callbackq.
        """
        for event in events:
            self.count[event.kind] += 1
            if event.entity in ("call", "callback"):
                self._place(event, host_chose=host_chose)
            elif event.kind == "agent_signed_in":
                self.agents[event.agent_id] = tuple(event.queues), frozenset(event.skills)
            elif event.kind == "queue_switched":
                (self.paused.add if event.dialing_paused else self.paused.discard)(event.queue)
        self._nobody_twice()

    def ready(self, queue: str) -> list[Seen]:
        """Return who waits in a queue."""
        return [one for one in self.places.values() if one.queue == queue and one.state == "waiting"]

    def stands(self, seen: Seen) -> tuple[object, ...]:
        """Return what places of one queue are sorted by."""
        policy = self.policies[seen.queue]
        return standing(policy, priority=seen.priority, ranked_from=seen.ranked_at, place_id=seen.place_id)

    def passed(self, queue: str) -> tuple[int, int, int]:
        """Count the live calls of a queue that were served, and the live calls and callbacks that they passed."""
        calls = [one for one in self.places.values() if one.is_call and one.taken and one.queue == queue]
        by_calls = sum(one.passed_calls for one in calls)
        return len(calls), by_calls, sum(one.passed_callbacks for one in calls)

    # ------------------------------------------------------------------ one event

    def _place(self, event: Any, *, host_chose: bool) -> None:
        key = event.call_id if event.entity == "call" else event.callback_id
        if event.kind in (JOINED, REQUESTED):
            self._first(key, event)
            return
        seen = self.places[key]
        missed = seen.outcome == "unreached" and event.kind == "callback_called_in"
        assert not seen.ended or missed or event.kind == "call_rejoined", f"{key} was over: {event}"
        if event.kind in SERVED and seen.state != "taken":
            self._served(seen, event, host_chose=host_chose)
        before = attrs.evolve(seen)
        for name in _STAND:
            said = getattr(event, name, getattr(seen, name))
            if said != getattr(seen, name):
                assert name in MAY_CHANGE.get(event.kind, ()), f"{name} of {key} is changed by {event}"
                setattr(seen, name, said)
        seen.state = str(event.state)
        if event.kind == "callback_ready":
            self._after_rest(before, seen, event)
        seen.taken = seen.taken and event.kind not in ("call_returned", "call_rejoined")
        if event.kind == "callback_rested":
            seen.rested_after = event.last_disposition
        seen.ended = missed or event.kind in ("call_ended", "callback_ended")
        seen.outcome = getattr(event, "outcome", seen.outcome)

    def _first(self, key: str, event: Any) -> None:
        assert key not in self.places, f"{key} is there twice: {event}"
        call = self.places.get(event.call_id or "") if event.kind == REQUESTED else None
        if call is not None:
            assert event.entered_at == call.entered_at, f"{key} entered as live call at {call.entered_at}"
        self.places[key] = Seen(
            key=key,
            is_call=event.entity == "call",
            place_id=event.place_id,
            queue=event.queue,
            priority=event.priority,
            lane=event.lane,
            ranked_at=event.ranked_at,
            entered_at=event.entered_at,
            subject=event.subject_id,
            state=str(event.state),
        )

    def _served(self, seen: Seen, event: Any, *, host_chose: bool) -> None:
        """Count who is passed: nobody of its class, and nobody of a better priority, unless for a stated reason."""
        assert seen.state == "waiting", f"{seen.key} was not in line: {event}"
        seen.taken = True
        line, own = self.ready(seen.queue), self.stands(seen)
        passed = [one for one in line if one.class_ == seen.class_ and self.stands(one) < own]
        seen.passed_calls += sum(one.is_call for one in passed)
        seen.passed_callbacks += sum(not one.is_call for one in passed)
        told = (event.overtook_calls_count, event.overtook_callbacks_count)
        assert told == (seen.passed_calls, seen.passed_callbacks), f"passed {passed}: {event}"
        if host_chose:
            return
        policy = self.policies[seen.queue]
        assert not (seen.is_call and policy.acd is Acd.HOST), f"the host's ACD gives out {seen.key}: {event}"
        paused = bool(self.paused & {seen.queue, "*"})
        assert seen.is_call or not paused, f"dialing is paused: {event}"
        assert self._can(event.agent_id, seen), f"{event.agent_id} cannot serve {seen}: {event}"
        could = [one for one in line if one.is_call or not paused]
        assert not [one for one in could if one in passed], f"passed {passed}: {event}"
        better = [one for one in could if self._goes_before(one, seen) and self._can(event.agent_id, one)]
        assert not better, f"{event.agent_id} could serve {better}, and has: {event}"

    def _goes_before(self, one: Seen, other: Seen) -> bool:
        if self.policies[one.queue].priority_credit >= STRICT and one.priority != other.priority:
            return one.priority < other.priority
        return self.stands(one) < self.stands(other)

    def _can(self, agent_id: str, seen: Seen) -> bool:
        queues, skills = self.agents[agent_id]
        needs = frozenset(self.skills_of(seen.lane)) if seen.lane else frozenset[str]()
        return seen.queue in queues and needs <= skills | {f"agent:{agent_id}"}

    def _after_rest(self, before: Seen, seen: Seen, event: Any) -> None:
        """It stands where the rule for its last disposition says; after anything else where it stood."""
        rules = self.policies[seen.queue].retry_rules
        rested = before.state == "resting"
        where = rules.get(before.rested_after, RetryRule()).place if rested else PlaceAfter.KEEP
        strict = self.policies[seen.queue].priority_credit >= STRICT
        others = [one for one in self.ready(seen.queue) if one is not seen]
        peers = [one for one in others if not strict or one.priority == seen.priority]
        ahead = [one for one in peers if self.stands(one) < self.stands(seen)]
        if where is PlaceAfter.KEEP:
            assert seen.ranked_at == before.ranked_at, f"the place is not kept: {event}"
        elif where is PlaceAfter.FRONT:
            assert not ahead, f"{ahead} stand before the front: {event}"
            assert seen.ranked_at <= before.ranked_at, f"the front is behind: {event}"
        else:
            assert seen.ranked_at >= max(before.ranked_at, event.at), f"not at the end: {event}"
            kept = seen.ranked_at == before.ranked_at
            behind = [one for one in peers if one not in ahead and one.ranked_at < event.at]
            assert kept or not (strict and behind), f"{behind} stand behind the end: {event}"

    # ------------------------------------------------------------------ all of it

    def _nobody_twice(self) -> None:
        """No place is held by two, and no person has two callbacks in a queue that allows one."""
        held = Counter(one.place_id for one in self.places.values() if not one.ended)
        assert not [place_id for place_id, count in held.items() if count > 1], held
        active = Counter(
            (one.queue, one.subject)
            for one in self.places.values()
            if not one.is_call and not one.ended and self.policies[one.queue].duplicates is Duplicates.REFUSE
        )
        assert not [person for person, count in active.items() if count > 1], active
