"""`callbackq export`: a table of a store as a file, for a spreadsheet, a notebook or a warehouse."""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from itertools import islice
from pathlib import Path
from typing import Any, Final

import attrs

from callbackq.cli.columns import Column, columns_of, history_columns, history_row, number_column
from callbackq.cli.common import page, print_json, refuse
from callbackq.cli.kept import Kept, service_of
from callbackq.cli.moments import iso, read_moment, read_zone
from callbackq.cli.sinks import sink
from callbackq.ids import SubjectId
from callbackq.model import Attempt, Booking, Callback, LiveCall, Message, Subject
from callbackq.ports import Commit
from callbackq.service import CallbackService

_TOGETHER: Final = 1_000
"""So many rows are read, and told of, at once."""


class What(enum.StrEnum):
    """What can be exported."""

    CALLBACKS = "callbacks"
    ATTEMPTS = "attempts"
    CALLS = "calls"
    BOOKINGS = "bookings"
    MESSAGES = "messages"
    HISTORY = "history"


_KINDS: Final[dict[What, type[Any]]] = {
    What.CALLBACKS: Callback,
    What.ATTEMPTS: Attempt,
    What.CALLS: LiveCall,
    What.BOOKINGS: Booking,
    What.MESSAGES: Message,
}
_NAMELESS: Final = frozenset({What.HISTORY, What.BOOKINGS})
"""What is about a callback, and says nobody's number."""


@attrs.frozen(kw_only=True)
class Asked:
    """What is to be exported."""

    target: Path
    what: What
    since: str | None
    zone: str | None
    with_numbers: bool
    overwrite: bool
    as_json: bool


def run(kept: Kept, asked: Asked) -> None:
    """Write the file, row by row, and say how many there are."""
    if asked.with_numbers and asked.what in _NAMELESS:
        refuse(
            f"--with-numbers: the {asked.what} say nobody's number; export callbacks, and join them by their ids."
        )
    zone = read_zone(asked.zone) or UTC
    with service_of(kept) as service:
        since = read_moment(asked.since, "--since", zone=zone, now=service.now())
        export = _Export(service=service, what=asked.what, since=since, with_numbers=asked.with_numbers)
        count = 0
        with sink(asked.target, export.columns, overwrite=asked.overwrite) as write:
            for rows in export.pages():
                for row in rows:
                    write(row)
                count += len(rows)
                _progress(count)
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    _say(asked, count, since, zone)


def _progress(count: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{count:,} rows")
        sys.stderr.flush()


def _say(asked: Asked, count: int, since: datetime | None, zone: tzinfo) -> None:
    if asked.as_json:
        print_json(
            {
                "file": str(asked.target),
                "what": asked.what.value,
                "since_at": iso(since),
                "rows": count,
                "with_numbers": asked.with_numbers,
            }
        )
        return
    began = f" since {since.astimezone(zone):%Y-%m-%d %H:%M}" if since is not None else ""
    page().print(
        f"Written: {count:,} rows of {asked.what}{began}, to {asked.target}", markup=False, soft_wrap=True
    )


@attrs.define(kw_only=True)
class _Export:
    """Reads one table, page by page. Hosts go on working meanwhile."""

    service: CallbackService
    what: What
    since: datetime | None
    with_numbers: bool
    columns: tuple[Column, ...] = ()
    _persons: dict[SubjectId, Subject] = attrs.field(factory=dict[SubjectId, Subject])

    def __attrs_post_init__(self) -> None:
        if self.what is What.HISTORY:
            self.columns = history_columns()
            return
        self.columns = columns_of(_KINDS[self.what])
        if self.with_numbers:
            self.columns = (*self.columns, number_column(self._persons))

    def pages(self) -> Iterator[list[list[Any]]]:
        """Give the rows, some at a time: no transaction is open while they are written."""
        found = self._history() if self.what is What.HISTORY else self._records()
        while some := list(islice(found, _TOGETHER)):
            if self.with_numbers:
                self._read_persons(some)
            yield [[column.value_of(one) for column in self.columns] for one in some]

    def _records(self) -> Iterator[Any]:
        return self.service.records(_KINDS[self.what], since=self.since)

    def _history(self) -> Iterator[Any]:
        rows = (history_row(line) for line in self.service.export_history())
        return (row for row in rows if self.since is None or row["at"] >= self.since)

    def _read_persons(self, records: list[Any]) -> None:
        wanted = {one.subject_id for one in records if one.subject_id is not None}
        self._persons.clear()
        with self.service.transaction(Commit.READ_ONLY) as tx:
            self._persons.update((subject_id, tx.subjects.get(subject_id)) for subject_id in wanted)
