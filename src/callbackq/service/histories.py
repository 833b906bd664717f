"""The history as a chain: verified, and taken elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Final

import attrs

from callbackq.core.histories import Link, check_chain, export_line, heads_of, link_of
from callbackq.errors import CallbackqError, InvalidText, SchemaMismatch, StoreError
from callbackq.model import ChainHead, HistoryCheck, PrunedHeads
from callbackq.ports import Commit, HistoryLink, Transaction
from callbackq.service.base import ServiceBase

_PAGE: Final = 1_000
_NUMBER_MAX: Final = 2**63 - 1


class HistoryCommands(ServiceBase):
    """What can be done with the whole history. Nothing is changed."""

    def verify_history(
        self, *, heads: Iterable[ChainHead] | None = None, pruned: Iterable[PrunedHeads] | None = None
    ) -> HistoryCheck:
        """
        Say whether the history is as it was written: each event against its digest, each chain against itself.

        It finds an event that was changed, taken out, put in or moved within its record. Whoever may write to the
        database can also reckon a whole chain anew, or take its end away: that is found by *heads* alone.

        Args:
            heads: what `history_heads` returned earlier, and you kept where nobody can change both.
            pruned: what `prune` handed out since, and you kept there too: chains that it removed are not missed.

        Returns:
            How many chains and events there are, and the first thing that is wrong in each chain.

        Raises:
            StoreError: an event cannot be read at all. Says behind which one it stands.

        Cost: O(events), some tens of microseconds each, in pages of 1,000; memory O(records). Others go on working.
        """
        known, gone = tuple(heads or ()), tuple(pruned or ())
        found = check_chain(self._links(), heads=known, pruned=gone)
        if found.is_whole:
            return found
        # An event that is committed late stands among those that were read already: what is wrong is so twice.
        again = check_chain(self._links(), heads=known, pruned=gone)
        wrong = {(one.entity, one.record_id, one.event_number) for one in found.broken}
        lasting = (one for one in again.broken if (one.entity, one.record_id, one.event_number) in wrong)
        return attrs.evolve(again, broken=tuple(lasting))

    def history_heads(self) -> list[ChainHead]:
        """
        Return the last digest of every chain, by entity and record id. Keep them where the store's owner cannot write.

        Given to `verify_history` later, they tell whether anything that is there now was taken away or rewritten.

        Cost: O(events), half of what `verify_history` costs; memory O(records).
        """
        return heads_of(self._kept())

    def export_history(self, *, after: int = 0) -> Iterator[str]:
        """
        Give the history out as JSON Lines, oldest first: one event each, with its digest and the text it is over.

        A line has `number`, `entity`, `record_id`, `event_number`, `digest` and `text`, and names nobody: no phone
        number, no name. `callbackq.core.histories.check_chain` checks such a file without a store.

        Args:
            after: go on behind the line with this `number`; from the first event if 0. On PostgreSQL an event that is
                committed late may have a lower number than one that you have: go back a little, by as many events as
                are written in a minute, and drop the numbers that you have.

        Returns:
            Lines without their ends. No transaction is open while you write one.

        Raises:
            InvalidText: *after* is no number of a line.
            StoreError: an event cannot be read at all. Says behind which one it stands, once you have those before it.
        """
        if not isinstance(after, int) or not 0 <= after <= _NUMBER_MAX:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidText(f"after is no number of a line; allowed: a whole number, 0 to {_NUMBER_MAX:,}")
        return (export_line(link) for link in self._links(after=after))

    def _links(self, *, after: int = 0) -> Iterator[Link]:
        for kept in self._kept(after=after):
            try:
                link = link_of(kept)
            except (TypeError, ValueError) as error:
                raise _unreadable(behind=after) from error
            yield link
            after = kept.history_number

    def _kept(self, *, after: int = 0) -> Iterator[HistoryLink]:
        """Read all that the history keeps, page by page, each in a transaction of its own."""
        while page := self._run(Commit.READ_ONLY, partial(_page, after=after)):
            yield from page
            after = page[-1].history_number


def _page(tx: Transaction, _now: datetime, *, after: int) -> list[HistoryLink]:
    """Return the next links. Raises: StoreError, if one of them is no event that this release knows."""
    try:
        return tx.history.links(after=after, limit=_PAGE)
    except Exception as error:
        if not _is_about_an_event(error):
            raise
        raise _unreadable(behind=_last_readable(tx, after=after)) from error


def _last_readable(tx: Transaction, *, after: int) -> int:
    """Return the number of the last event before the first that cannot be read."""
    try:
        while page := tx.history.links(after=after, limit=1):
            after = page[-1].history_number
    except Exception as error:
        if not _is_about_an_event(error):
            raise
    return after


def _is_about_an_event(error: Exception) -> bool:
    """Whether an event cannot be read, and not the store: what was tampered with may fail in any way."""
    return isinstance(error, SchemaMismatch) or not isinstance(error, CallbackqError)


def _unreadable(*, behind: int) -> StoreError:
    return StoreError(
        f"the event of the history behind number {behind} cannot be read: it was changed, or another release of "
        f"callbackq wrote it"
    )
