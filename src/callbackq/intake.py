"""How a request is taken: which person it is, which place they have, and what they are quoted."""

from __future__ import annotations

from datetime import datetime

import attrs

from callbackq.core.calls import check_waiting
from callbackq.core.estimate import queue_length_wait
from callbackq.core.explain import ExplainFacts
from callbackq.core.lifecycle import Asked, dedup_key, spot_of
from callbackq.core.numbers import PhoneNumber, read_number
from callbackq.core.ordering import check_priority
from callbackq.core.requests import (
    CONTEXTS_KEPT_MAX,
    Wish,
    check_same_request,
    new_subject,
    read_schedule,
    receipt_of,
    renewed_subject,
)
from callbackq.errors import CallbackNotFound, InvalidNumber, RequestRefused
from callbackq.ids import CallbackId, CallId, OfferId, QueueName, SubjectId, TenantId
from callbackq.model import (
    Callback,
    CallbackState,
    CallState,
    Channel,
    LiveCall,
    Place,
    Position,
    Receipt,
    Subject,
    Wait,
)
from callbackq.policy import Duplicates, QueuePolicy
from callbackq.ports import IdSource, Transaction


@attrs.frozen(kw_only=True)
class Request:
    """One request, read and checked, before the store was asked anything."""

    policy: QueuePolicy
    call_id: CallId | None
    number: PhoneNumber | None
    request_key: str | None
    offer_id: OfferId | None
    channel: Channel
    priority: int
    skills: tuple[str, ...]
    entered_at: datetime
    scheduled_at: object
    wish: Wish


def read_target(number: str | None, policy: QueuePolicy) -> PhoneNumber | None:
    """Return the number to call, if one is given. Raises: InvalidNumber."""
    return read_number(number, region=policy.default_region) if number is not None else None


def read_caller_id(number: str | None, policy: QueuePolicy) -> PhoneNumber | None:
    """Return the number of a caller; None for one that cannot be dialed, as if it were withheld."""
    try:
        return read_target(number, policy)
    except InvalidNumber:
        return None


def read_priority(priority: int | None, policy: QueuePolicy) -> int:
    """Return the priority that is given, or the queue's. Raises: InvalidPriority."""
    return policy.priority_default if priority is None else check_priority(priority)


def person(
    tx: Transaction,
    number: PhoneNumber,
    wish: Wish,
    *,
    tenant_id: TenantId,
    ids: IdSource,
    ref: str,
    now: datetime,
) -> Subject:
    """Return the person behind *number*, made or renewed in this transaction."""
    known = tx.subjects.by_identity(number.identity)
    if known is not None:
        return renew(tx, known, wish, ref=ref)
    subject = new_subject(
        number,
        wish,
        tenant_id=tenant_id,
        subject_id=SubjectId(ids.new("su", now=now)),
        ref=ref,
        now=now,
    )
    tx.save(subject)
    return subject


def renew(tx: Transaction, known: Subject, wish: Wish, *, ref: str, moved_from: str | None = None) -> Subject:
    """Return a known person with what is new, saved if anything is."""
    crowded = len(known.contexts) >= CONTEXTS_KEPT_MAX
    in_use = [other for other in known.contexts if _is_open(tx, other)] if crowded else ()
    renewed = renewed_subject(known, wish, ref=ref, moved_from=moved_from, in_use=in_use)
    if renewed is not known:
        tx.save(renewed)
    return renewed


def _is_open(tx: Transaction, ref: str) -> bool:
    call = tx.calls.find(CallId(ref))
    if call is not None:
        return call.state is not CallState.ENDED
    try:
        return tx.callbacks.get(CallbackId(ref)).state is not CallbackState.ENDED
    except CallbackNotFound:
        return False


def requester(
    tx: Transaction,
    request: Request,
    call: LiveCall | None,
    *,
    tenant_id: TenantId,
    ids: IdSource,
    callback_id: CallbackId,
    now: datetime,
) -> Subject:
    """
    Return the person to call back: of the number given, or else of the live call's caller id.

    Raises:
        InvalidNumber: there is neither.
    """
    caller = tx.subjects.get(call.subject_id) if call and call.subject_id else None
    moved_from = call.call_id if call else None
    if request.number is not None and (caller is None or caller.identity != request.number.identity):
        wish = request.wish
        if caller is not None and moved_from is not None:
            wish = attrs.evolve(wish, context={**caller.contexts.get(moved_from, {}), **wish.context})
        return person(tx, request.number, wish, tenant_id=tenant_id, ids=ids, ref=callback_id, now=now)
    if caller is None:
        raise InvalidNumber("no number: the caller id is withheld and none was given; ask for one")
    return renew(tx, caller, request.wish, ref=callback_id, moved_from=moved_from)


def waiting_call(tx: Transaction, request: Request) -> LiveCall | None:
    """
    Return the live call that gives its place.

    Raises:
        CallHasEnded: it waits no longer.
        RequestRefused: it waits in another queue.
    """
    if request.call_id is None:
        return None
    call = tx.calls.get(request.call_id)
    check_waiting(call)
    if call.queue != request.policy.queue:
        raise RequestRefused(
            f"live call {call.call_id} waits in queue {call.queue!r}, not in {request.policy.queue!r}"
        )
    return call


def active_duplicate(tx: Transaction, subject_id: SubjectId | None, policy: QueuePolicy) -> Callback | None:
    """Return the callback that forbids this person another one in this queue."""
    if subject_id is None or policy.duplicates is not Duplicates.REFUSE:
        return None
    return tx.callbacks.active_by_dedup_key(dedup_key(subject_id, policy=policy))


def known_receipt(tx: Transaction, request: Request) -> Receipt | None:
    """
    Return the receipt that was given for this request already.

    Raises:
        RequestKeyReused: the key was used for another one.
    """
    known = tx.callbacks.by_request_key(request.request_key) if request.request_key else None
    if known is None:
        return None
    subject = tx.subjects.get(known.subject_id)
    check_same_request(
        known, subject, queue=request.policy.queue, call_id=request.call_id, number=request.number
    )
    return receipt_of(known, subject)


def position_of(tx: Transaction, place: Place) -> Position:
    """Return how many stand ahead of a place, plus one."""
    ahead = tx.line.count_ahead(place.queue, rank=place.rank, place_id=place.place_id)
    return Position(number=ahead + 1)


def explain_facts(tx: Transaction, callback: Callback, *, queue_is_known: bool) -> ExplainFacts:
    """Return what an explanation looks at besides the callback."""
    return ExplainFacts(
        ahead=position_of(tx, callback).number - 1,
        agents_available=free_agents_count(tx, callback.queue, lane=callback.lane),
        agents_staffed=tx.agents.staffed_count(callback.queue),
        attempt=tx.attempts.get(callback.attempt_id) if callback.attempt_id else None,
        queue_is_known=queue_is_known,
    )


def free_agents_count(tx: Transaction, queue: QueueName, *, lane: int) -> int:
    """Count the agents without work who serve *queue* and have the skills of *lane*."""
    return sum(
        queue in agent.queues and lane in tx.lanes.served_by(agent.skills) for agent in tx.agents.available()
    )


def asked_for(
    tx: Transaction,
    request: Request,
    call: LiveCall | None,
    subject: Subject,
    *,
    tenant_id: TenantId,
    callback_id: CallbackId,
    now: datetime,
) -> Asked:
    """
    Return the facts of the promise: the place it has, and what is quoted for it.

    Raises:
        InvalidTime: the chosen time cannot be promised.
    """
    scheduled_at = read_schedule(request.scheduled_at, now=now)
    policy = request.policy
    entered_at = call.entered_at if call else request.entered_at
    priority = call.priority if call else request.priority
    spot = spot_of(call, callback_id, ranked_at=entered_at, priority=priority, policy=policy)
    lane = call.lane if call else tx.lanes.intern(request.skills)
    position, wait = None, Wait(mean_s=None, low_s=None, high_s=None)
    if scheduled_at is None:
        ahead = tx.line.count_ahead(policy.queue, rank=spot.rank, place_id=spot.place_id)
        position = Position(number=ahead + 1)
        wait = queue_length_wait(
            ahead=ahead,
            agents=tx.agents.staffed_count(policy.queue),
            free=free_agents_count(tx, policy.queue, lane=lane),
            handle_time=policy.handle_time,
        )
    return Asked(
        tenant_id=tenant_id,
        callback_id=callback_id,
        subject_id=subject.subject_id,
        channel=request.channel,
        request_key=request.request_key,
        priority=priority,
        lane=lane,
        entered_at=entered_at,
        scheduled_at=scheduled_at,
        call=call,
        offer_id=request.offer_id,
        position=position,
        wait=wait,
    )
