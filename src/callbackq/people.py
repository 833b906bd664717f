"""The people behind requests: found, made and renewed in the transaction of whoever asks."""

from __future__ import annotations

from datetime import datetime

import attrs

from callbackq.core.instants import CONTEXT_FIELDS_MAX
from callbackq.core.numbers import PhoneNumber
from callbackq.core.requests import CONTEXTS_KEPT_MAX, Wish, new_subject, renewed_subject
from callbackq.errors import CallbackNotFound
from callbackq.ids import CallbackId, CallId, SubjectId, TenantId
from callbackq.model import Callback, CallbackState, CallState, Subject
from callbackq.ports import IdSource, Transaction


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


def right_again(tx: Transaction, subject: Subject) -> Subject:
    """Return the person, who asks to be called at this number: it is theirs, whoever answered there once."""
    right = tuple(number for number in subject.wrong_numbers if number != subject.number)
    if right == subject.wrong_numbers:
        return subject
    marked = attrs.evolve(subject, version=subject.version + 1, wrong_numbers=right)
    tx.save(marked)
    return marked
