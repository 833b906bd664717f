"""The people behind requests: found, made and renewed in the transaction of whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from callbackq.core import lifecycle, placing, settling
from callbackq.core.instants import CONTEXT_FIELDS_MAX
from callbackq.core.numbers import PhoneNumber
from callbackq.core.requests import CONTEXTS_KEPT_MAX, Wish, new_subject, renewed_subject
from callbackq.errors import CallbackNotFound, NumberNeeded
from callbackq.ids import CallbackId, CallId, QueueName, SubjectId, TenantId
from callbackq.model import Callback, CallbackState, CallState, HoldReason, Subject
from callbackq.policy import QueuePolicy
from callbackq.ports import IdSource, Transaction
from callbackq.writing import policy_or_default, write

_LATEST: Final = 100


@attrs.frozen(kw_only=True)
class Who:
    """
    Who asks, as far as they are known: by a number, by the host's own customer id, or by both.

    `tier` is what the host calls the customer's class of service.
    """

    number: PhoneNumber | None = None
    customer_id: str | None = attrs.field(default=None, repr=False)
    tier: str | None = None

    @property
    def identity(self) -> str:
        """A text that is the same for the same person, and for no other; empty for nobody."""
        if self.customer_id is not None:
            return f"customer:{self.customer_id}"
        return self.number.identity if self.number is not None else ""


def known_person(tx: Transaction, who: Who) -> Subject | None:
    """
    Return the person who asks, if they are known.

    The host's customer id goes before the number: two customers may share a number. Whoever is known by the number
    alone becomes that customer.
    """
    if who.customer_id is not None:
        known = tx.subjects.by_customer(who.customer_id)
        if known is not None:
            return known
    by_number = tx.subjects.by_identity(who.number.identity) if who.number is not None else None
    if by_number is not None and who.customer_id is not None and by_number.customer_id is not None:
        return None
    return by_number


def person(
    tx: Transaction,
    who: Who,
    wish: Wish,
    *,
    tenant_id: TenantId,
    ids: IdSource,
    ref: str,
    now: datetime,
) -> Subject:
    """
    Return the person who asks, made or renewed in this transaction.

    Raises:
        NumberNeeded: they are not known, and there is no number.
    """
    known = known_person(tx, who)
    if known is not None:
        return renew(tx, known, wish, who=who, ref=ref, now=now)
    if who.number is None:
        raise NumberNeeded
    subject_id = SubjectId(ids.new("su", now=now))
    subject = new_subject(who.number, wish, tenant_id=tenant_id, subject_id=subject_id, ref=ref, now=now)
    subject = attrs.evolve(
        subject,
        identity=_free_identity(tx, subject_id, who.number),
        customer_id=who.customer_id,
        tier=who.tier,
    )
    tx.save(subject)
    return subject


def _free_identity(tx: Transaction, subject_id: SubjectId, number: PhoneNumber) -> str:
    """Return what the person is known by: the number, unless somebody else is already."""
    other = tx.subjects.by_identity(number.identity)
    taken = other is not None and other.subject_id != subject_id
    return f"id:{subject_id}" if taken else number.identity


def renew(
    tx: Transaction,
    known: Subject,
    wish: Wish,
    *,
    ref: str,
    now: datetime,
    who: Who | None = None,
    moved_from: str | None = None,
) -> Subject:
    """Return a known person with what is new, saved if anything is."""
    crowded = len(known.contexts) >= CONTEXTS_KEPT_MAX
    in_use = [other for other in known.contexts if _is_open(tx, other)] if crowded else ()
    renewed = renewed_subject(
        known,
        wish,
        ref=ref,
        customer_id=who.customer_id if who is not None else None,
        tier=who.tier if who is not None else None,
        moved_from=moved_from,
        in_use=in_use,
        now=now,
    )
    if renewed is not known:
        tx.save(renewed)
    return renewed


def renumber(tx: Transaction, subject: Subject, new: PhoneNumber) -> Subject:
    """Give the person the number, saved if it is new. They are known by it, unless somebody else is already."""
    if (subject.number, subject.extension) == (
        new.e164,
        new.extension,
    ) and new.e164 not in subject.wrong_numbers:
        return subject
    return _saved(
        tx,
        subject,
        number=new.e164,
        extension=new.extension,
        identity=_free_identity(tx, subject.subject_id, new),
        wrong_numbers=_others(subject.wrong_numbers, new.e164),
        alternatives=_others(subject.alternatives, new.e164),
    )


def called_at(tx: Transaction, subject: Subject, number: PhoneNumber) -> Subject:
    """Let the person be called at this number from now on. What they are known by stays as it is."""
    return _saved(tx, subject, number=number.e164, extension=number.extension)


def numbers_in_order(tx: Transaction, subject: Subject, *, is_theirs: bool) -> Subject:
    """
    Return the person with a main number that is none of the alternative ones.

    Args:
        is_theirs: they ask to be called at the main number: it is right, whoever answered there once.
    """
    wrong = _others(subject.wrong_numbers, subject.number) if is_theirs else subject.wrong_numbers
    return _saved(
        tx, subject, wrong_numbers=wrong, alternatives=_others(subject.alternatives, subject.number)
    )


def _others(numbers: tuple[str, ...], e164: str) -> tuple[str, ...]:
    return tuple(number for number in numbers if number != e164)


def _saved(tx: Transaction, subject: Subject, **changes: Any) -> Subject:
    """Return the person with these changes, saved if there are any."""
    changed = attrs.evolve(subject, **changes)
    if changed == subject:
        return subject
    changed = attrs.evolve(changed, version=subject.version + 1)
    tx.save(changed)
    return changed


def take_up(
    tx: Transaction,
    subject: Subject,
    *,
    policies: Mapping[QueueName, QueuePolicy],
    by: str | None = None,
    now: datetime,
) -> None:
    """Let the person's callbacks stand in line again that waited for another number, if they have a right one now."""
    if subject.number in subject.wrong_numbers:
        return
    for callback in tx.callbacks.of_subject(subject.subject_id, limit=_LATEST):
        if callback.hold_reason is HoldReason.WRONG_NUMBER:
            dial_main_number(tx, callback, policies=policies, by=by, now=now)


def dial_main_number(
    tx: Transaction,
    callback: Callback,
    *,
    policies: Mapping[QueueName, QueuePolicy],
    by: str | None = None,
    now: datetime,
) -> None:
    """
    Let a callback be dialed at the person's main number; one that waited for another one stands in line again.

    Raises:
        NotPossibleNow: it is being attempted, or has ended.
    """
    write(tx, settling.renumber(callback, dedup_key=callback.dedup_key, by=by, now=now))
    if callback.hold_reason is HoldReason.WRONG_NUMBER:
        policy = policy_or_default(policies, callback.queue)
        again = tx.callbacks.get(callback.callback_id)
        stand = placing.again(again, policy=policy)
        write(tx, lifecycle.ready(again, stand=stand, policy=policy, now=now, by=by))


def _is_open(tx: Transaction, ref: str) -> bool:
    call = tx.calls.find(CallId(ref))
    if call is not None:
        return call.state is not CallState.ENDED
    try:
        return tx.callbacks.get(CallbackId(ref)).state is not CallbackState.ENDED
    except CallbackNotFound:
        return False


def merge_contexts(tx: Transaction, gone: Callback, kept: Callback) -> None:
    """Give the callback that goes on the context fields of the one that was merged into it; its own win."""
    subject = tx.subjects.get(kept.subject_id)
    contexts = dict(subject.contexts)
    fields = {**contexts.pop(gone.callback_id, {}), **contexts.get(kept.callback_id, {})}
    if fields:
        own_first = {**contexts.get(kept.callback_id, {}), **fields}
        contexts[kept.callback_id] = dict(list(own_first.items())[:CONTEXT_FIELDS_MAX])
    if contexts != subject.contexts:
        tx.save(attrs.evolve(subject, version=subject.version + 1, contexts=contexts))
