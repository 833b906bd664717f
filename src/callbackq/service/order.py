"""The commands that change the order of the line. What they do stands in history, and no entry time is rewritten."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from callbackq import duplicates
from callbackq.core import calls, lifecycle, placing
from callbackq.core.instants import check_text, optional_text
from callbackq.core.ordering import check_head_start, check_priority
from callbackq.core.requests import read_skills
from callbackq.errors import DuplicateCallback, RequestRefused
from callbackq.events import (
    CallbackMoved,
    CallbackPrioritized,
    CallbackReranked,
    CallMoved,
    CallPrioritized,
    CallReranked,
)
from callbackq.facts import first_rank, open_lane, places_in
from callbackq.ids import CallId
from callbackq.model import Callback, CallbackState, CallState, LiveCall, Place, Reranked
from callbackq.policy import PlaceAfter, QueuePolicy
from callbackq.ports import Commit, Transaction
from callbackq.service.base import ServiceBase
from callbackq.service.promises import read_callback_id
from callbackq.writing import policy_of, write

logger = logging.getLogger("callbackq")

BATCH: Final = 500
"""So many places are re-ranked in one transaction."""

HeadStart = Callable[[Place, timedelta], timedelta]
"""A host's function: how much earlier a place is to count as entered, from its row and how long it has waited."""


class OrderCommands(ServiceBase):
    """The commands that change the order of the line."""

    def prioritize(self, callback_id: str, *, priority: int) -> Callback:
        """
        Give a callback another priority, 0 (first) to 255. It is ranked from the same instant. Durable on return.

        Raises:
            CallbackNotFound: there is no such callback.
            InvalidPriority: nothing was changed.
            UnknownQueue: no policy is configured here for its queue.
            NotPossibleNow: it is being attempted, or has ended.
        """
        key, wanted = read_callback_id(callback_id), check_priority(priority)

        def prioritized(tx: Transaction, now: datetime) -> Callback:
            callback = tx.callbacks.get(key)
            policy = policy_of(self.policies, callback.queue)
            stand = placing.prioritized(callback, priority=wanted, policy=policy)
            write(tx, lifecycle.place(callback, CallbackPrioritized, stand=stand, policy=policy, now=now))
            return tx.callbacks.get(key)

        return self._run(Commit.FLUSHED, prioritized)

    def prioritize_call(self, call_id: str, *, priority: int) -> LiveCall:
        """
        Give a waiting caller another priority, 0 (first) to 255.

        Raises:
            CallNotFound: this call never joined.
            InvalidPriority: nothing was changed.
            UnknownQueue: no policy is configured here for its queue.
            CallHasEnded: it waits no longer.
        """
        key, wanted = CallId(check_text(call_id, "call_id")), check_priority(priority)

        def prioritized(tx: Transaction, now: datetime) -> LiveCall:
            call = tx.calls.get(key)
            policy = policy_of(self.policies, call.queue)
            stand = placing.prioritized(call, priority=wanted, policy=policy)
            write(tx, calls.place(call, CallPrioritized, stand=stand, policy=policy, now=now))
            return tx.calls.get(key)

        return self._run(Commit.RELAXED, prioritized)

    def put_first(self, callback_id: str) -> Callback:
        """
        Put a callback before all that wait, except those of a better priority where priority is strict.

        The word for a VIP, or for a person whom we failed. Durable on return.

        Raises:
            CallbackNotFound: there is no such callback.
            NotPossibleNow: it is being attempted, or has ended.
        """
        key = read_callback_id(callback_id)

        def first(tx: Transaction, now: datetime) -> Callback:
            callback = tx.callbacks.get(key)
            policy = policy_of(self.policies, callback.queue)
            rank = first_rank(tx, callback, policy=policy, now=now)
            stand = placing.put(callback, PlaceAfter.FRONT, first_rank=rank, policy=policy, now=now)
            reason = "put first"
            write(
                tx,
                lifecycle.place(
                    callback, CallbackReranked, stand=stand, policy=policy, reason=reason, now=now
                ),
            )
            return tx.callbacks.get(key)

        return self._run(Commit.FLUSHED, first)

    def move(
        self,
        callback_id: str,
        *,
        queue: str,
        priority: int | None = None,
        skills: Sequence[str] | None = None,
        reason: str | None = None,
    ) -> Callback:
        """
        Move a callback to another queue. Its entry time stays: it stands there by when it entered here.

        Args:
            priority: another one there; the same if not given.
            skills: what an agent must know there; the same if not given.

        Raises:
            CallbackNotFound, UnknownQueue, InvalidPriority, InvalidText: nothing was changed.
            NotPossibleNow: it is being attempted, or has ended.
            DuplicateCallback: this person has a callback there already; `merge` the two.
        """
        key, policy = read_callback_id(callback_id), policy_of(self.policies, queue)
        why = optional_text(reason, "reason")
        wanted = check_priority(priority) if priority is not None else None
        needed = read_skills(skills) if skills is not None else None

        def moved(tx: Transaction, now: datetime) -> Callback:
            callback = tx.callbacks.get(key)
            there = duplicates.active_duplicate(tx, callback.subject_id, policy)
            if there is not None and there.callback_id != key:
                raise DuplicateCallback(there.callback_id)
            stand = _moved(tx, callback, policy, wanted, needed)
            write(
                tx, lifecycle.place(callback, CallbackMoved, stand=stand, policy=policy, reason=why, now=now)
            )
            return tx.callbacks.get(key)

        return self._run(Commit.FLUSHED, moved)

    def move_call(
        self,
        call_id: str,
        *,
        queue: str,
        priority: int | None = None,
        skills: Sequence[str] | None = None,
        reason: str | None = None,
    ) -> LiveCall:
        """
        Move a waiting caller to another queue. The entry time stays.

        Raises:
            CallNotFound, UnknownQueue, InvalidPriority, InvalidText: nothing was changed.
            CallHasEnded: it waits no longer.
        """
        key, policy = CallId(check_text(call_id, "call_id")), policy_of(self.policies, queue)
        why = optional_text(reason, "reason")
        wanted = check_priority(priority) if priority is not None else None
        needed = read_skills(skills) if skills is not None else None

        def moved(tx: Transaction, now: datetime) -> LiveCall:
            call = tx.calls.get(key)
            stand = _moved(tx, call, policy, wanted, needed)
            write(tx, calls.place(call, CallMoved, stand=stand, policy=policy, reason=why, now=now))
            return tx.calls.get(key)

        return self._run(Commit.RELAXED, moved)

    def merge(self, callback_id: str, *, into: str) -> Callback:
        """
        Merge two callbacks of one person: *callback_id* ends as REPLACED, *into* goes on.

        The one that goes on has the better priority of the two, the earlier place if both are in one queue, the
        skills and context fields of both, the longer life, the consent that was given last, and the ticket and owner of
        the other if it has none; its own entry time and preferred agent stay. Durable on return. Merging twice changes
        nothing.

        Returns:
            The one that goes on.

        Raises:
            CallbackNotFound: there is no such callback.
            NotPossibleNow: one of them is being attempted, or has ended.
            RequestRefused: they are of two persons, or one and the same; or one that stands in line was to be merged
                into one for a chosen time.
        """
        gone, stays = read_callback_id(callback_id), read_callback_id(into)
        if gone == stays:
            raise RequestRefused(f"callback {gone} cannot be merged into itself")

        def merged(tx: Transaction, now: datetime) -> Callback:
            callback, kept = tx.callbacks.get(gone), tx.callbacks.get(stays)
            if callback.merged_into_id == stays:
                return kept
            if callback.subject_id != kept.subject_id:
                raise RequestRefused(f"callbacks {gone} and {stays} are of two persons")
            if kept.state is CallbackState.SCHEDULED and callback.state is not CallbackState.SCHEDULED:
                raise RequestRefused(
                    f"callback {gone} has a place in line, and {stays} has none: merge that into it"
                )
            policy_of(self.policies, kept.queue)
            return duplicates.merge_into(tx, callback, kept, policies=self.policies, now=now)

        return self._run(Commit.FLUSHED, merged)

    def rerank(self, queue: str, *, head_start: HeadStart | None = None) -> Reranked:
        """
        Rank the waiting places of a queue anew: by the host's function, or by the credits of the present policy.

        Args:
            head_start: called once for each waiting live call or callback with its row and how long it has
                waited, outside any transaction. Returns how much earlier the place is to count as entered, from
                -7 to 7 days; the same answer again gives the same rank. What raises or answers nonsense leaves
                the place its last good rank, and is reported. If None, ranks follow the policy's credits.

        Returns:
            How many were looked at and re-ranked, and which failed.

        Raises:
            UnknownQueue: no policy is configured for it.

        Cost: O(n log n) for n waiting places, 500 to a transaction. Who leaves the line meanwhile is left alone.
        """
        policy = policy_of(self.policies, queue)
        places = self._run(Commit.READ_ONLY, lambda tx, _now: places_in(tx, policy.queue))
        now = self.now()
        failed: dict[str, str] = {}
        wanted: list[tuple[Place, timedelta | None]] = []
        for place in places:
            try:
                start = head_start(place, now - place.entered_at) if head_start is not None else None
                wanted.append((place, check_head_start(start) if head_start is not None else None))
            except Exception as error:
                failed[_id_of(place)] = f"{type(error).__name__}"
        if failed:
            logger.warning(
                "queue %s: %d places keep their rank, for the host's function failed", queue, len(failed)
            )
        reranked_count = 0
        for first in range(0, len(wanted), BATCH):
            some = partial(_rerank_some, policy, wanted[first : first + BATCH])
            reranked_count += self._run(Commit.FLUSHED, some)
        return Reranked(looked_at_count=len(places), reranked_count=reranked_count, failed=failed)


def _moved(
    tx: Transaction, place: Place, policy: QueuePolicy, priority: int | None, skills: tuple[str, ...] | None
) -> placing.Stand:
    lane = tx.lanes.intern(skills) if skills is not None else open_lane(tx, place)
    wanted = place.priority if priority is None else priority
    return placing.moved(place, priority=wanted, lane=lane, policy=policy)


def _id_of(place: Place) -> str:
    return place.callback_id if isinstance(place, Callback) else place.call_id


def _rerank_some(
    policy: QueuePolicy, wanted: list[tuple[Place, timedelta | None]], tx: Transaction, now: datetime
) -> int:
    return sum(_rerank(tx, place, head_start, policy, now=now) for place, head_start in wanted)


def _rerank(
    tx: Transaction, seen: Place, head_start: timedelta | None, policy: QueuePolicy, *, now: datetime
) -> bool:
    """Give one place its new rank, if it still waits in this queue; say whether that changed anything."""
    place: Place | None
    place = tx.callbacks.get(seen.callback_id) if isinstance(seen, Callback) else tx.calls.find(seen.call_id)
    if place is None or place.queue != policy.queue:
        return False
    if place.state not in (CallbackState.WAITING, CallState.WAITING):
        return False
    stand = (
        placing.again(place, policy=policy)
        if head_start is None
        else placing.with_head_start(place, head_start, policy=policy)
    )
    if stand == placing.stand_of(place):
        return False
    if isinstance(place, Callback):
        write(tx, lifecycle.place(place, CallbackReranked, stand=stand, policy=policy, now=now))
    else:
        write(tx, calls.place(place, CallReranked, stand=stand, policy=policy, now=now))
    return True
