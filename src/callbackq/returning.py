"""
A customer who waits for a callback, or has just missed one, calls in: which callback it is, and what becomes of it.

The policy of the queue says (`CalledIn`). Whoever is on the line is not dialed meanwhile, whatever it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import attrs

from callbackq.core import calls, settling
from callbackq.core.placing import Stand, again
from callbackq.ids import CallId, QueueName, SubjectId
from callbackq.model import (
    Callback,
    CallbackState,
    CallOutcome,
    CallState,
    Disposition,
    LiveCall,
    Outcome,
)
from callbackq.policy import CalledIn, QueuePolicy
from callbackq.ports import Commit, Transaction
from callbackq.writing import call_off, is_unanswered, write

_LATEST: Final = 50
_WAITS: Final = (CallbackState.WAITING, CallbackState.RESTING, CallbackState.HELD)


class PromiseConcerned(Exception):
    """A transaction that waits for no flush would change a promise: it is undone, and done again with a flush."""


def _check_flushed(commit: Commit) -> None:
    if commit is Commit.RELAXED:
        raise PromiseConcerned


class Returning:
    """Looks for the callback that a caller returns for, within one transaction."""

    def __init__(
        self,
        tx: Transaction,
        policy: QueuePolicy,
        *,
        policies: Mapping[QueueName, QueuePolicy],
        commit: Commit,
        now: datetime,
    ) -> None:
        self._commit: Final = commit
        self._tx: Final = tx
        self._policy: Final = policy
        self._policies: Final = policies
        self._now: Final = now

    def callback_of(self, subject_id: SubjectId | None) -> Callback | None:
        """Return the person's open callback, of this queue first; else the latest that they missed lately."""
        if subject_id is None:
            return None
        latest = self._tx.callbacks.of_subject(subject_id, limit=_LATEST)
        active = [one for one in latest if one.state is not CallbackState.ENDED]
        here = [one for one in active if one.queue == self._policy.queue]
        return next(iter((*here, *active, *filter(self._is_missed, latest))), None)

    def joining(self, caller: calls.Joining, callback: Callback | None) -> calls.Joining:
        """Return how the caller joins: linked to the callback, and at its place where policy gives it."""
        if callback is None:
            return caller
        stand = self._stand(caller.stand, callback) if self._gives_place(callback) else caller.stand
        return attrs.evolve(caller, stand=stand, returns_for_id=callback.callback_id)

    def joined(self, callback: Callback, call_id: CallId) -> None:
        """Write what the return means for the callback, and for others of the person: none is dialed meanwhile."""
        _check_flushed(self._commit)
        for other in self._tx.callbacks.of_subject(callback.subject_id, limit=_LATEST):
            if other.state is not CallbackState.ENDED and other.callback_id != callback.callback_id:
                write(self._tx, settling.called_in(other, call_id, now=self._now))
                self._stop_ringing(other)
        if callback.state is CallbackState.ENDED:
            write(self._tx, settling.called_in(callback, call_id, now=self._now))
            return
        if self._policy.called_in is CalledIn.RESTORE and self._gives_place(callback):
            handed_on = settling.served_elsewhere(
                callback, outcome=Outcome.REPLACED, reason="called_in", now=self._now
            )
            write(self._tx, handed_on)
        else:
            write(self._tx, settling.called_in(callback, call_id, now=self._now))
        self._stop_ringing(callback)

    def _stop_ringing(self, callback: Callback) -> None:
        """Whoever calls us is not at the phone that we ring."""
        under_way = callback.attempt_id if callback.state is CallbackState.ATTEMPTING else None
        if under_way is not None and is_unanswered(self._tx, callback):
            call_off(self._tx, under_way, policies=self._policies, now=self._now)

    def _is_missed(self, callback: Callback) -> bool:
        """A missed callback gives its place once: to the first call after it that is not given up in line."""
        if callback.outcome is not Outcome.UNREACHED or callback.ended_at is None:
            return False
        if self._had_place(callback.called_in_id, after=callback.ended_at):
            return False
        return self._now - callback.ended_at < self._policy.missed_life

    def _had_place(self, call_id: CallId | None, *, after: datetime) -> bool:
        """Whether a call that was there after then has had the place: not if its caller gave up in line."""
        call = self._tx.calls.find(call_id) if call_id is not None else None
        if call is None or (call.ended_at is not None and call.ended_at <= after):
            return False
        return call.outcome is not CallOutcome.ABANDONED or call.callback_id is not None

    def _gives_place(self, callback: Callback) -> bool:
        """One for a chosen time that has not come, or of another queue, or being answered now, keeps its place."""
        if self._policy.called_in is CalledIn.TELL or callback.queue != self._policy.queue:
            return False
        if callback.state is CallbackState.SCHEDULED:
            return False
        return callback.state is not CallbackState.ATTEMPTING or is_unanswered(self._tx, callback)

    def _stand(self, stand: Stand, callback: Callback) -> Stand:
        """The better of the two places, for the skills that the caller needs now."""
        held = again(callback, policy=self._policy)
        if (held.rank, held.priority) >= (stand.rank, stand.priority):
            return stand
        return attrs.evolve(stand, priority=held.priority, ranked_at=held.ranked_at, rank=held.rank)


def close_returned(
    tx: Transaction, call: LiveCall, *, policy: QueuePolicy, commit: Commit, now: datetime
) -> None:
    """
    The caller was served: the callback that they were waiting for, in the same queue, is done as well.

    Not before the conversation is over: an agent who could not be connected has served nobody.
    """
    if call.state is not CallState.TAKEN or call.returns_for_id is None or policy.called_in is CalledIn.TELL:
        return
    callback = tx.callbacks.get(call.returns_for_id)
    if callback.called_in_id != call.call_id or callback.queue != call.queue:
        return
    if callback.state not in _WAITS and not _is_called_off(tx, callback):
        return
    _check_flushed(commit)
    decision = settling.served_elsewhere(
        callback, outcome=Outcome.SERVED_ELSEWHERE, reason="called_in", now=now
    )
    write(tx, decision)


def _is_called_off(tx: Transaction, callback: Callback) -> bool:
    """Whether an attempt is under way only because a phone has not stopped ringing yet."""
    if callback.state is not CallbackState.ATTEMPTING or callback.attempt_id is None:
        return False
    under_way = tx.attempts.get(callback.attempt_id)
    return under_way.disposition is Disposition.CANCELLED_BY_US
