"""
What one transaction in PostgreSQL knows already, so that it asks the server nothing twice.

The rule: a transaction sees one moment, and what it writes itself. So a row that was read or written is known until
the end, and so is that there was none. What is known is dropped where a statement writes rows that are not named here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, cast

import attrs

from callbackq.ids import AttemptId, CallbackId, LegId, QueueName, SubjectId
from callbackq.model import Agent, Attempt, Callback, CallbackState, LiveCall
from callbackq.stores.postgres_statements import CALLBACKS, Statements
from callbackq.stores.rows import RecordT, Saved

Key = tuple[Any, ...]
Row = Sequence[Any]

_ROWS_MAX: Final = 2_000
"""So many rows are kept. A transaction that goes through more is no command, and asks again."""


@attrs.define(kw_only=True)
class Look:
    """
    What there is to do, as one question tells it; None where this transaction has written something since.

    Attributes:
        due_at: by table the earliest `due_at` of all queues: nothing is due before it.
        lanes_count: how many sets of skills there are, with the empty one.
    """

    due_at: dict[str, datetime | None]
    has_callbacks: bool | None
    has_calls: bool | None
    has_wanting: bool | None
    has_available: bool | None
    has_controls: bool
    lanes_count: int

    def saved(self, record: Saved, table: str) -> None:
        """Take note of a row that was written."""
        due_at: datetime | None = getattr(record, "due_at", None)
        if table in self.due_at and due_at is not None:
            known = self.due_at[table]
            self.due_at[table] = due_at if known is None or due_at < known else known
        match record:
            case Callback():
                self.has_callbacks = None
            case LiveCall():
                self.has_calls = None
            case Attempt():
                self.has_wanting = None
            case Agent():
                self.has_available = None
            case _:
                pass


class Heads:
    """The first callbacks of a line, read at once: the next one is known when the first has gone."""

    __slots__ = ("_is_all", "_left")

    def __init__(self, found: Iterable[Callback], *, is_all: bool) -> None:
        self._left = list(found)
        self._is_all = is_all

    @property
    def is_known(self) -> bool:
        """Whether it is known who is first."""
        return bool(self._left) or self._is_all

    @property
    def first(self) -> Callback | None:
        """Who is first."""
        return self._left[0] if self._left else None

    def without(self, callback_id: CallbackId) -> None:
        """This one has gone."""
        self._left = [one for one in self._left if one.callback_id != callback_id]


class Seen:
    """The rows that a transaction has read or written by their key."""

    __slots__ = ("_alone", "_heads", "_idle", "_legs", "_records", "_rows", "free_count", "look")

    def __init__(self) -> None:
        self._rows: dict[Key, Row | None] = {}
        self._records: dict[Key, Any] = {}
        self._alone: dict[SubjectId, CallbackId] = {}
        self._heads: dict[tuple[QueueName, str], Heads] = {}
        self._idle: set[str] = set()
        self._legs: dict[LegId, AttemptId] = {}
        self.look: Look | None = None
        self.free_count = 1
        """How many agents were found free: so many callbacks may be started."""

    def clear(self) -> None:
        """Forget everything: something was written of which nobody here knows."""
        self._rows.clear()
        self._records.clear()
        self._alone.clear()
        self._heads.clear()
        self._idle.clear()
        self._legs.clear()
        self.look = None

    # ------------------------------------------------------------------------ rows

    def knows(self, of: Statements[Any], *key: Any) -> bool:
        """Whether it is known what has this key, if anything has."""
        return (of, *key) in self._rows

    def row(self, of: Statements[Any], *key: Any) -> Row | None:
        """Return the row that is known to have this key; None if it is not known, or none has."""
        return self._rows.get((of, *key))

    def find(self, of: Statements[RecordT], *key: Any) -> RecordT | None:
        """Return the record that is known to have this key, or None: it is known that none has."""
        place: Key = (of, *key)
        row = self._rows[place]
        if row is None:
            return None
        record = self._records.get(place)
        if record is None:
            record = self._records[place] = of.decode(row)
        return cast("RecordT", record)

    def add(self, of: Statements[Any], row: Row | None, *key: Any) -> None:
        """Keep what was read under this key: a row, or None."""
        if len(self._rows) >= _ROWS_MAX:
            self._rows.clear()
            self._records.clear()
            self._alone.clear()
        place: Key = (of, *key)
        self._rows[place] = row
        self._records.pop(place, None)

    def add_row(self, of: Statements[Any], row: Row) -> None:
        """Keep a row that was read, under its own key."""
        self.add(of, row, *row[1 : 1 + len(of.rows.key)])

    def saved(self, of: Statements[Any], record: Saved, row: Row) -> None:
        """Keep a row that was written, and what follows from it."""
        if self.look is not None:
            self.look.saved(record, of.table)
        kept = tuple(row)
        self.add_row(of, kept)
        of.remember(record, kept)
        if isinstance(record, Callback):
            self._saved_callback(record)
        elif isinstance(record, Attempt):
            self._idle.discard(record.number_key)

    def _saved_callback(self, record: Callback) -> None:
        if self._alone.get(record.subject_id, record.callback_id) != record.callback_id:
            del self._alone[record.subject_id]
        if record.state is CallbackState.WAITING:
            self._heads.clear()
        else:
            for heads in self._heads.values():
                heads.without(record.callback_id)

    # ------------------------------------------------------------------------ what stands together

    def alone(self, subject_id: SubjectId) -> Callback | None:
        """Return the only callback that a person ever had, if it is known to be."""
        callback_id = self._alone.get(subject_id)
        if callback_id is None or not self.knows(CALLBACKS, callback_id):
            return None
        return self.find(CALLBACKS, callback_id)

    def add_alone(self, subject_id: SubjectId, callback_id: CallbackId) -> None:
        """Keep that a person had no other callback than this."""
        self._alone[subject_id] = callback_id

    def heads(self, queue: QueueName, lanes: str) -> Heads | None:
        """Return the first callbacks of these lanes, if it is known who is first."""
        found = self._heads.get((queue, lanes))
        return found if found is not None and found.is_known else None

    def add_heads(self, queue: QueueName, lanes: str, heads: Heads) -> None:
        """Keep the first callbacks of these lanes."""
        self._heads[queue, lanes] = heads

    def attempt_of(self, leg_id: LegId) -> AttemptId | None:
        """Return the attempt that is known to have this leg: a leg is never another's."""
        return self._legs.get(leg_id)

    def add_leg(self, leg_id: LegId, attempt_id: AttemptId) -> None:
        """Keep whose leg this is."""
        self._legs[leg_id] = attempt_id

    # ------------------------------------------------------------------------ numbers

    def is_idle(self, number_key: str) -> bool:
        """Whether it is known that no attempt holds this number."""
        return number_key in self._idle

    def add_idle(self, number_key: str) -> None:
        """Keep that no attempt holds this number."""
        self._idle.add(number_key)
