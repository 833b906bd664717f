"""A person who has a callback already asks for one more: what becomes of the two."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import attrs

from callbackq.asking import DUPLICATE_CHOICES, Request, number_of
from callbackq.core import merging, placing, settling
from callbackq.core.lifecycle import dedup_key
from callbackq.errors import DuplicateCallback
from callbackq.facts import lane_of_both
from callbackq.ids import CallbackId, QueueName, SubjectId
from callbackq.model import Callback, CallbackState, Channel, HoldReason, Outcome, Subject
from callbackq.people import merge_contexts
from callbackq.policy import Duplicates, DuplicateScope, QueuePolicy
from callbackq.ports import Transaction
from callbackq.writing import is_unanswered, open_if_left, policy_or_default, write, write_end

_LATEST: Final = 5
_LOOKED_AT_MAX: Final = 50
_UNASKED: Final = (Channel.EVENT, Channel.ABANDONED)
"""Nobody asks for these callbacks. Who has one already keeps it as it is."""


def active_duplicate(tx: Transaction, subject_id: SubjectId | None, policy: QueuePolicy) -> Callback | None:
    """Return the callback of this person that has not ended, where the queue does not let them have several."""
    if subject_id is None or policy.duplicates is Duplicates.ALLOW:
        return None
    return tx.callbacks.active_by_dedup_key(dedup_key(subject_id, policy=policy))


@attrs.frozen(kw_only=True)
class Meeting:
    """A request meets a callback of the same person: what is to be done."""

    existing: Callback
    rule: Duplicates


def meet(
    tx: Transaction, request: Request, known: Subject | None, *, policies: Mapping[QueueName, QueuePolicy]
) -> Meeting | None:
    """
    Return what is to be done with the callback that the person has already; None where there is none.

    One that waits for another number is taken up by whoever asks with a number that is right, whatever the rule.

    Raises:
        DuplicateCallback: it stands, or is being attempted: the request is refused.
    """
    if known is None:
        return None
    policy = request.policy
    existing = active_duplicate(tx, known.subject_id, policy)
    if existing is None and policy.duplicates is Duplicates.ASK:
        existing = _allowed_before(tx, known.subject_id, policy, policies=policies)
    if existing is None:
        return None
    if request.channel in _UNASKED:
        raise DuplicateCallback(existing.callback_id)
    rule = request.on_duplicate if request.on_duplicate is not None else policy.duplicates
    if rule in (Duplicates.REFUSE, Duplicates.ASK) and _has_right_number(request, known, existing):
        rule = Duplicates.MERGE
    if rule is Duplicates.ASK:
        raise DuplicateCallback(existing.callback_id, choices=[str(choice) for choice in DUPLICATE_CHOICES])
    if rule is Duplicates.REFUSE or (rule is not Duplicates.ALLOW and not _gives_way(tx, existing, rule)):
        raise DuplicateCallback(existing.callback_id)
    return Meeting(existing=existing, rule=rule)


def _allowed_before(
    tx: Transaction,
    subject_id: SubjectId,
    policy: QueuePolicy,
    *,
    policies: Mapping[QueueName, QueuePolicy],
) -> Callback | None:
    """Return an open callback that the customer wanted beside another one: it holds no key, and is one all the same."""
    queues = {policy.queue}
    if policy.duplicates_over is DuplicateScope.EVERYWHERE:
        queues |= {one.queue for one in policies.values() if one.duplicates_over is DuplicateScope.EVERYWHERE}
    latest = tx.callbacks.of_subject(subject_id, limit=_LOOKED_AT_MAX)
    active = [one for one in latest if one.state is not CallbackState.ENDED and one.queue in queues]
    return min(active, key=lambda one: (one.requested_at, one.callback_id), default=None)


def _has_right_number(request: Request, known: Subject, existing: Callback) -> bool:
    """Whether the callback waits for another number than a wrong one, and the request comes with one."""
    if existing.hold_reason is not HoldReason.WRONG_NUMBER:
        return False
    says_it = request.is_by_the_person and (request.number is not None or request.call_id is not None)
    return says_it or number_of(request, known) not in known.wrong_numbers


def _gives_way(tx: Transaction, existing: Callback, rule: Duplicates) -> bool:
    """One that is being attempted can be replaced until the customer answers, and cannot be merged."""
    if existing.state is not CallbackState.ATTEMPTING:
        return True
    return rule is not Duplicates.MERGE and is_unanswered(tx, existing)


def make_room(
    tx: Transaction,
    meeting: Meeting,
    *,
    policies: Mapping[QueueName, QueuePolicy],
    now: datetime,
) -> None:
    """End the callback that is replaced, before the new one is made."""
    if meeting.rule is not Duplicates.REPLACE:
        return
    old = meeting.existing
    replaced = settling.served_elsewhere(old, outcome=Outcome.REPLACED, reason="replaced", now=now)
    write_end(tx, old, replaced, policies=policies, now=now)


def policy_for_new(policy: QueuePolicy, meeting: Meeting | None) -> QueuePolicy:
    """Return the policy under which the new callback is made: without the key, where the other one holds it."""
    if meeting is None or meeting.rule is Duplicates.REPLACE or meeting.existing.dedup_key is None:
        return policy
    return attrs.evolve(policy, duplicates=Duplicates.ALLOW)


def join_both(
    tx: Transaction,
    meeting: Meeting,
    new: Callback,
    *,
    policies: Mapping[QueueName, QueuePolicy],
    now: datetime,
) -> Callback:
    """
    Merge two callbacks of one person, and return the one that goes on: the older one.

    But one that stands in line goes on before one that does not: for a chosen time, resting, or held.
    """
    gone, kept = new, tx.callbacks.get(meeting.existing.callback_id)
    if new.state is CallbackState.WAITING and kept.state is not CallbackState.WAITING:
        gone, kept = kept, new
    return merge_into(tx, gone, kept, policies=policies, now=now)


def merge_into(
    tx: Transaction,
    gone: Callback,
    kept: Callback,
    *,
    policies: Mapping[QueueName, QueuePolicy],
    now: datetime,
) -> Callback:
    """
    End one callback of a person as REPLACED, and give the better place of the two to the other; return that.

    Raises:
        NotPossibleNow: one of them is being attempted, or has ended.
    """
    policy = policy_or_default(policies, kept.queue)
    lane = lane_of_both(tx, kept, gone)
    stand = placing.merged(kept, gone, lane=lane, policy=policy)
    write(tx, merging.merge(gone, kept, stand=stand, policy=policy, now=now))
    merge_contexts(tx, gone, kept)
    open_if_left(tx, tx.callbacks.get(kept.callback_id), policy=policy, now=now)
    return tx.callbacks.get(kept.callback_id)


def followed(
    tx: Transaction,
    subject_id: SubjectId | None,
    meeting: Meeting | None,
    *,
    policy: QueuePolicy,
    now: datetime,
) -> CallbackId | None:
    """Return the callback that is replaced; else the one of this person that ended last, if a short time ago."""
    if subject_id is None or not policy.follows_within:
        return None
    if meeting is not None and meeting.rule is Duplicates.REPLACE:
        return meeting.existing.callback_id
    latest = tx.callbacks.of_subject(subject_id, limit=_LATEST)
    ended = [one for one in latest if one.ended_at is not None and now - one.ended_at < policy.follows_within]
    last = max(ended, key=lambda one: (one.ended_at, one.callback_id), default=None)
    return last.callback_id if last is not None else None
