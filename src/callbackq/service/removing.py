"""
How what ended long ago leaves the store: found by walking the history from its beginning, and removed batch by batch.

The rule: what goes, goes as a whole in one transaction, with its chains, and the history tells of it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.core import pruning
from callbackq.core.pruning import PRUNED, Cuts, Key, Leaving
from callbackq.errors import NotFound
from callbackq.ids import (
    AttemptId,
    BookingId,
    CallbackId,
    CallId,
    MessageId,
    QueueName,
    SubjectId,
    TenantId,
)
from callbackq.model import Booking, Callback, ChainHead, Entity, LiveCall, Pruned
from callbackq.ports import HistoryTrace, Transaction

_PAGE: Final = 2_000
_WITH_CALLBACK: Final = (Entity.CALLBACK, Entity.ATTEMPT, Entity.BOOKING, Entity.MESSAGE)
_MOMENT: Final = timedelta(microseconds=1)
_DATES_APART: Final = timedelta(days=2)
"""So far is the date of a slot from the same one elsewhere, at most."""


_NOTHING: Final = Pruned(subjects_count=0)


@attrs.frozen(kw_only=True)
class Family:
    """What goes together: a callback with all that is about it, or one record that is about no callback."""

    root: Key
    records: tuple[Leaving, ...]
    chains: tuple[Key, ...]


@attrs.frozen(kw_only=True)
class Batch:
    """
    What is to be removed in one transaction: whole families, with the last links of their chains.

    `cut` are the last events to go of chains that go on. `walk` goes on behind it; None at the end.
    """

    families: tuple[Family, ...]
    heads: tuple[ChainHead, ...]
    cut: tuple[ChainHead, ...]
    walk: Walk | None


@attrs.frozen(kw_only=True)
class Step:
    """What one batch has done, and where it goes on. `was_late`: something of it has changed, and nothing was done."""

    done: Pruned = _NOTHING
    walk: Walk | None = None
    was_late: bool = False


@attrs.frozen(kw_only=True)
class Walk:
    """
    The walk through the history, from its oldest event on.

    Attributes:
        before: what has ended before it may go.
        by: who wants it.
        tenant_id: whose history it is.
        after: the last event that was passed.
    """

    before: datetime
    by: str | None
    tenant_id: TenantId
    after: int = 0
    cuts: Cuts = attrs.field(factory=Cuts)

    def remove_next(self, tx: Transaction, now: datetime, *, most: int) -> Step:
        """Find the next batch, and remove it."""
        return self._remove(tx, now, self.next_batch(tx, now, most=most))

    # ------------------------------------------------------------------ finding

    def next_batch(self, tx: Transaction, _now: datetime, *, most: int) -> Batch:
        """Find the next records that may be removed: at most so many callbacks and live calls."""
        traces = tx.history.traces(after=self.after, limit=_PAGE)
        families: dict[Key, Family | None] = {}
        passed: list[HistoryTrace] = []
        found_count = 0
        for trace in traces:
            if found_count >= most:
                break
            passed.append(trace)
            if trace.at >= self.before:  # By a clock that was ahead, or all that follows is as young.
                continue
            root = _root_of(tx, trace)
            if root is not None and root not in families:
                families[root] = _family(tx, root, before=self.before)
                found_count += families[root] is not None
        cuts = self.cuts.walked(passed, before=self.before)
        is_young = all(trace.at >= self.before for trace in passed)
        is_over = found_count < most and (len(traces) < _PAGE or is_young)
        after = passed[-1].history_number if passed else self.after
        going = [family for family in families.values() if family is not None]
        return Batch(
            families=tuple(going),
            heads=_heads(tx, going),
            cut=tuple(cuts.found.values()),
            walk=None if is_over else attrs.evolve(self, after=after, cuts=cuts),
        )

    # ------------------------------------------------------------------ removing

    def remove(self, tx: Transaction, now: datetime, *, batch: Batch) -> Step:
        """Remove a batch, if it is as it was found, and tell so in the history."""
        again = [_family(tx, family.root, before=self.before) for family in batch.families]
        if again != [*batch.families] or _heads(tx, batch.families) != batch.heads:
            return Step(was_late=True, walk=batch.walk)
        return self._remove(tx, now, batch)

    def _remove(self, tx: Transaction, now: datetime, batch: Batch) -> Step:
        if not batch.heads and not batch.cut:
            return Step(walk=batch.walk)
        events_count = tx.history.remove((*batch.heads, *batch.cut))
        records = [record for family in batch.families for record in family.records]
        for record in records:
            tx.remove(record)
        _forget_contexts(tx, records)
        counters_count = _forget_slots(tx, records, before=self.before)
        known = tx.history.heads([(Entity.HISTORY, PRUNED)])
        told = pruning.told(
            batch.heads,
            batch.cut,
            tenant_id=self.tenant_id,
            number=1 + sum(head.events_count for head in known),
            events_count=events_count,
            before=self.before,
            by=self.by,
            now=now,
        )
        tx.history.append([told])
        callbacks_count = sum(isinstance(record, Callback) for record in records)
        calls_count = sum(isinstance(record, LiveCall) for record in records)
        done = Pruned(
            subjects_count=0,
            callbacks_count=callbacks_count,
            calls_count=calls_count,
            rows_count=len(records) - callbacks_count - calls_count + counters_count,
            events_count=events_count,
        )
        return Step(done=done, walk=batch.walk)


def _heads(tx: Transaction, families: Iterable[Family]) -> tuple[ChainHead, ...]:
    return tuple(tx.history.heads([chain for family in families for chain in family.chains]))


# ---------------------------------------------------------------------------- what goes together


def _root_of(tx: Transaction, trace: HistoryTrace) -> Key | None:
    """Return that with which a record goes: its callback, or itself; None if it never goes as a whole."""
    if trace.entity is Entity.CALL:
        return Entity.CALL, trace.record_id
    if trace.entity not in _WITH_CALLBACK:
        return None
    callback_id = trace.callback_id
    if callback_id is None:  # A seat that is held may be the booking of a callback later on.
        record = _read(tx, (trace.entity, trace.record_id))
        callback_id = None if record is None else _callback_of(record)
    if callback_id is None:
        return trace.entity, trace.record_id
    return Entity.CALLBACK, callback_id


def _family(tx: Transaction, root: Key, *, before: datetime) -> Family | None:
    """Return what goes with *root*, if all of it may go."""
    first = _read(tx, root)
    if first is None or not pruning.is_over(first, before=before):
        return None
    if not isinstance(first, Callback):
        # What has become part of a callback since goes with that.
        is_part = not isinstance(first, LiveCall) and _callback_of(first) is not None
        return None if is_part else Family(root=root, records=(first,), chains=(root,))
    found: dict[Key, Leaving] = {root: first}
    for key in tx.history.records_of(first.callback_id):
        record = _read(tx, key)
        if record is None:
            return None  # It is not as it should be: that is for the doctor.
        if _callback_of(record) == first.callback_id:
            found[key] = record
    if not all(pruning.is_over(record, before=before) for record in found.values()):
        return None
    return Family(root=root, records=tuple(found.values()), chains=tuple(found))


def _callback_of(record: Leaving) -> CallbackId | None:
    return record.callback_id


def _read(tx: Transaction, key: Key) -> Leaving | None:
    """Return the row of a chain, or None."""
    entity, record_id = key
    try:
        match entity:
            case Entity.CALLBACK:
                return tx.callbacks.get(CallbackId(record_id))
            case Entity.CALL:
                return tx.calls.get(CallId(record_id))
            case Entity.ATTEMPT:
                return tx.attempts.get(AttemptId(record_id))
            case Entity.BOOKING:
                return tx.bookings.get(BookingId(record_id))
            case _:
                return tx.messages.get(MessageId(record_id))
    except NotFound:
        return None


# ---------------------------------------------------------------------------- what it leaves behind


def _forget_contexts(tx: Transaction, records: Sequence[Leaving]) -> None:
    """Let the persons' free fields go with the callbacks and live calls that they came with."""
    ids: dict[SubjectId, set[str]] = {}
    for record in records:
        if isinstance(record, Callback):
            ids.setdefault(record.subject_id, set()).add(record.callback_id)
        elif isinstance(record, LiveCall) and record.subject_id is not None:
            ids.setdefault(record.subject_id, set()).add(record.call_id)
    for subject_id in sorted(ids):
        try:
            subject = tx.subjects.get(subject_id)
        except NotFound:  # It is not as it should be, but nothing is left to go.
            continue
        if not ids[subject_id].isdisjoint(subject.contexts):
            left = pruning.without_contexts(subject.contexts, ids[subject_id])
            tx.save(attrs.evolve(subject, version=subject.version + 1, contexts=left))


def _forget_slots(tx: Transaction, records: Sequence[Leaving], *, before: datetime) -> int:
    """Remove the counters of slots that are over and have no booking any more; return how many."""
    past = {
        (record.queue, record.slot_at)
        for record in records
        if isinstance(record, Booking) and record.slot_at < before
    }
    counters_count = 0
    for queue, slot_at in sorted(past):
        until_at = slot_at + _MOMENT
        if tx.bookings.between(queue, from_at=slot_at, until_at=until_at, limit=1):
            continue
        for count in tx.slots.between(queue, from_at=slot_at, until_at=until_at):
            tx.remove(count)
            counters_count += 1
    return counters_count + sum(_forget_days(tx, *day, before=before) for day in sorted(_days_of(past)))


def _days_of(slots: Iterable[tuple[QueueName, datetime]]) -> set[tuple[QueueName, str, str]]:
    """Return the dates that slots may have, by queue: the first and the last."""
    return {
        (queue, (at - _DATES_APART).date().isoformat(), (at + _DATES_APART).date().isoformat())
        for queue, at in slots
    }


def _forget_days(tx: Transaction, queue: QueueName, first: str, last: str, *, before: datetime) -> int:
    """Remove the counters of days that are over; return how many."""
    over = (before - 2 * _DATES_APART).date().isoformat()
    days = [day for day in tx.slots.days(queue, from_day=first, until_day=last) if day.day < over]
    for day in days:
        tx.remove(day)
    return len(days)
