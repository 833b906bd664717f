"""
Who is let in: what must hold before a promise is made, besides a place to give.

The number can and may be dialed, it was proved where that is asked for, the person may be called, and no limit of
requests is reached.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from callbackq import permission
from callbackq.asking import Desk, Request, number_of
from callbackq.core.number_rules import check_dialable
from callbackq.core.numbers import number_key
from callbackq.errors import CallForbidden, NumberNeeded
from callbackq.ids import VerificationId
from callbackq.limiting import LimitKey, count_all, keys_of
from callbackq.model import Callback, LiveCall, Purpose, Subject
from callbackq.people import Who, known_person
from callbackq.policy import QueuePolicy
from callbackq.ports import Transaction
from callbackq.verifying import proof_needed, use_proof

logger = logging.getLogger("callbackq")


def who_asks(tx: Transaction, request: Request, call: LiveCall | None) -> tuple[Who, Subject | None]:
    """
    Return who is to be called back, and their record if they are known: by customer id, number or caller id.

    Raises:
        NumberNeeded: nothing says at which number.
    """
    caller = tx.subjects.get(call.subject_id) if call is not None and call.subject_id else None
    customer_id = request.who.customer_id or (caller.customer_id if caller is not None else None)
    who = Who(number=request.number, customer_id=customer_id, tier=request.who.tier)
    known = known_person(tx, who)
    if known is None and request.number is None:
        known = caller
    if request.number is None and (known is None or not known.number):
        raise NumberNeeded
    if request.is_by_the_person and call is None and known is not None and not _has_number(request, known):
        raise NumberNeeded
    return who, known


def _has_number(request: Request, known: Subject) -> bool:
    """Whether the person has a number that is not known to be somebody else's. One that they say is theirs."""
    if request.number is not None:
        return True
    numbers = (number_of(request, known), *known.alternatives, *request.wish.alternatives)
    return any(number not in known.wrong_numbers for number in numbers)


def admit(tx: Transaction, request: Request, *, known: Subject | None, desk: Desk) -> None:
    """
    Check the number, and that the person may be called.

    Raises:
        NumberRefused: the number, or an alternative one, must not be dialed.
        CallForbidden: this person must not be called.
    """
    number = number_of(request, known)
    tier = request.who.tier or (known.tier if known is not None else None)
    check_numbers((number, *request.wish.alternatives), policy=request.policy, tier=tier)
    check_allowed(tx, number, purpose=request.purpose, desk=desk)


def limit_keys(request: Request, number: str | None, *, desk: Desk) -> tuple[LimitKey, ...]:
    """Return the counters that a request falls under."""
    return keys_of(
        limits=request.policy.limits,
        all_limits=desk.limits,
        queue=request.policy.queue,
        number=number,
        source=request.source,
        tenant_id=desk.tenant_id,
        pepper=desk.pepper,
    )


def count_request(
    tx: Transaction, request: Request, *, known: Subject | None, desk: Desk, now: datetime
) -> None:
    """Count the request under every limit. Raises: TooManyRequests."""
    keys = limit_keys(request, number_of(request, known), desk=desk)
    count_all(tx, keys, tenant_id=desk.tenant_id, now=now)


def check_numbers(numbers: Sequence[str], *, policy: QueuePolicy, tier: str | None) -> None:
    """Check that each number may be dialed from this queue. Raises: NumberRefused."""
    for number in numbers:
        check_dialable(number, policy=policy.numbers, tier=tier)


def check_allowed(
    tx: Transaction, number: str, *, purpose: Purpose, desk: Desk, asked_at: datetime | None = None
) -> None:
    """
    Check that the person may be called. Who asks for a call has not opted out of that one.

    Args:
        asked_at: when they asked for it; now, if None.

    Raises:
        CallForbidden: a do-not-call list has the number, or cannot be asked; or they opted out, and did not ask since.
    """
    if purpose is not Purpose.REQUESTED or asked_at is not None:
        key = number_key(number, tenant_id=desk.tenant_id, pepper=desk.pepper)
        if permission.is_opted_out(tx, key, purpose=purpose, asked_at=asked_at):
            raise CallForbidden("opted out")
    listed = permission.is_listed(desk.do_not_call, number, purpose)
    if isinstance(listed, str):
        logger.warning("%s", listed)
        raise CallForbidden("the do-not-call list cannot be asked now: try again")
    if listed:
        raise CallForbidden("on a do-not-call list")


def admit_number(
    tx: Transaction,
    callback: Callback,
    number: str,
    *,
    policy: QueuePolicy,
    tier: str | None,
    verification_id: VerificationId | None,
    is_by_the_person: bool,
    desk: Desk,
    now: datetime,
) -> None:
    """
    Check another number for a callback that was promised. The customer proves it, where the first one had to be proved.

    Raises:
        NumberRefused: it must not be dialed.
        CallForbidden: the person must not be called there.
        NotVerified: it must be proved, and is not.
    """
    check_numbers((number,), policy=policy, tier=tier)
    asked_at = permission.asked_at(callback)
    check_allowed(tx, number, purpose=callback.purpose, desk=desk, asked_at=asked_at)
    is_typed = callback.call_id is not None
    needed = is_by_the_person and proof_needed(policy, channel=callback.channel, is_typed=is_typed)
    if verification_id is not None or needed:
        key = number_key(number, tenant_id=desk.tenant_id, pepper=desk.pepper)
        use_proof(
            tx, verification_id, number_key=key, callback_id=callback.callback_id, policy=policy, now=now
        )


def check_proof(
    tx: Transaction,
    request: Request,
    *,
    call: LiveCall | None,
    known: Subject | None,
    callback_id: str,
    desk: Desk,
    now: datetime,
) -> None:
    """
    Use up the proof that the number is the customer's, where the policy asks for one.

    Raises:
        NotVerified: it asks, and there is none, or not for this number.
    """
    number = number_of(request, known)
    is_typed = call is not None and not _is_callers(tx, call, number)
    if request.verification_id is None and not proof_needed(
        request.policy, channel=request.channel, is_typed=is_typed
    ):
        return
    use_proof(
        tx,
        request.verification_id,
        number_key=number_key(number, tenant_id=desk.tenant_id, pepper=desk.pepper),
        callback_id=callback_id,
        policy=request.policy,
        now=now,
    )


def _known_by(person: Subject) -> str:
    """Return the number that a person is known by; an id or nothing, if it is none."""
    return person.identity.removeprefix("tel:").partition(";")[0]


def _is_callers(tx: Transaction, call: LiveCall, number: str) -> bool:
    """Whether it is the number that the live caller is called at, or known by: not one that is typed in its place."""
    caller = tx.subjects.get(call.subject_id) if call.subject_id is not None else None
    return caller is not None and number in (caller.number, _known_by(caller))
