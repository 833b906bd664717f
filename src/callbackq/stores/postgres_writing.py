"""
How one decision is written to PostgreSQL: all its records and events in one statement, one journey.

The rule: each part writes exactly what it would have written by itself. Parts of one statement do not see each other,
so what must see another part is written after it: two records of one table, or two events of one record.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any, Final

import attrs

from callbackq.errors import Conflict, StaleVersion, UniquenessViolated
from callbackq.events import Event, ReportIgnored
from callbackq.model import SlotDay
from callbackq.stores import postgres_statements as sql
from callbackq.stores.postgres_ready import Later
from callbackq.stores.postgres_session import DAY, Session
from callbackq.stores.postgres_statements import Numbered, Statements
from callbackq.stores.rows import UNIQUE_RULES, Saved, check_record

EventRow = Sequence[Any]
"""The columns of an event, its record's id, and its text."""


@attrs.frozen(kw_only=True)
class _Written:
    """One record that is to be written."""

    record: Saved
    statements: Statements[Any]
    statement: Numbered
    values: list[Any]

    @property
    def parameters(self) -> list[Any]:
        return self.statement.of(self.values)


def save(session: Session, record: Saved) -> None:
    """Write one record. See `PostgresTransaction.save`."""
    session.refuse_if_read_only()
    written = _read(session, record)
    try:
        changed = session.put(written.statement.text, written.parameters)
    except (StaleVersion, UniquenessViolated) as refusal:
        raise _named(refusal, written) from None
    if changed != 1:
        raise _refusal(session, written)
    session.seen.saved(written.statements, record, written.values)


def save_together(session: Session, records: Sequence[Saved], events: Sequence[EventRow]) -> None:
    """
    Write the records and the events of one decision, in one journey.

    Args:
        events: each of another record than the others.

    Raises:
        ValueError, InvalidText: as `save`; nothing was written.
        StaleVersion, UniquenessViolated: as `save`; nothing else can be done in this transaction.
    """
    session.refuse_if_read_only()
    all_written = [_read(session, record) for record in records]
    statement = _together(tuple(written.statement for written in all_written), len(events))
    parameters = [value for written in all_written for value in written.parameters]
    parameters.extend(value for event in events for value in event)
    later = Later(
        statement=statement,
        parameters=parameters,
        check=partial(_check, session, all_written),
        named=partial(_named_if_alone, all_written),
    )
    if session.writes_behind:
        session.put_later(later)
    else:
        try:
            counts = session.put_together(statement, parameters)
        except (StaleVersion, UniquenessViolated) as refusal:
            raise later.named(refusal) from None
        later.check(counts)
    for written in all_written:
        session.seen.saved(written.statements, written.record, written.values)


def _check(session: Session, all_written: Sequence[_Written], counts: Sequence[Any]) -> None:
    """Make sure that each record was written. Raises: StaleVersion, UniquenessViolated."""
    for written, changed in zip(all_written, counts, strict=True):
        if changed != 1:
            failure = _refusal(session, written)
            session.undo(failure)
            raise failure


def _named_if_alone(all_written: Sequence[_Written], refusal: Exception) -> Exception:
    """Return a refusal with the name of the record, if there is no other."""
    if len(all_written) == 1 and isinstance(refusal, StaleVersion | UniquenessViolated):
        return _named(refusal, all_written[0])
    return refusal


def fit_together(records: Sequence[Saved], events: Sequence[Event]) -> bool:
    """Whether none of these need see another: they may be written in one statement."""
    if not records or len(records) + len(events) > _PARTS_MAX:
        return False
    if len({type(record) for record in records}) < len(records):
        return False
    return not any(isinstance(event, ReportIgnored) for event in events)


_PARTS_MAX: Final = 12


def _read(session: Session, record: Saved) -> _Written:
    check_record(record, tenant_id=session.tenant_id)
    if isinstance(record, SlotDay):
        session.wanted_next |= {(DAY, record.queue, record.day)}
    statements: Statements[Any] = sql.OF_CLASS[type(record)]
    values = statements.rows.encode(record)
    before = session.seen.row(statements, *values[1 : 1 + len(statements.rows.key)])
    statement = statements.writing(before, values)
    return _Written(record=record, statements=statements, statement=statement, values=values)


def _named(refusal: Conflict, written: _Written) -> Conflict:
    return type(refusal)(f"{written.statements.rows.key_of(written.values)}: {refusal}")


def _refusal(session: Session, written: _Written) -> Conflict:
    """Find out why a row was not written: the same transaction sees the same."""
    statements, version = written.statements, written.record.version
    row_id = statements.rows.key_of(written.values)
    stored, *taken = session.fetch(statements.refusal.text, statements.refusal.of(written.values))[0]
    if version == 1 and stored is not None:
        return UniquenessViolated(f"{row_id}: {UNIQUE_RULES['id']}")
    if version != 1 and stored != version - 1:
        found = "none" if stored is None else f"version {stored}"
        return StaleVersion(f"{row_id}: version {version} was to be written, but {found} is stored")
    rule = next((rule for rule, is_taken in zip(statements.rules, taken, strict=True) if is_taken), None)
    if rule is None:  # Within a transaction of the host's the next question may see more.
        return StaleVersion(f"{row_id}: another row was in the way, and is not any more")
    return UniquenessViolated(f"{row_id}: {UNIQUE_RULES[rule]}")


# ---------------------------------------------------------------------------- the statement


@cache
def _together(statements: tuple[Numbered, ...], events_count: int) -> str:
    """Return the statement that does these, in this order, and writes so many events; it counts the rows of each."""
    parts: list[str] = []
    marks_count = 0
    for number, part in enumerate(statements):
        parts.append(f"saved_{number} AS ({part.text_after(marks_count)} RETURNING 1)")
        marks_count += part.count
    if events_count:
        parts.append(f"told AS ({sql.insert_events(events_count, after=marks_count)})")
    counts = ", ".join(f"(SELECT count(*) FROM saved_{number})" for number in range(len(statements)))
    return f"WITH {', '.join(parts)} SELECT {counts}"
