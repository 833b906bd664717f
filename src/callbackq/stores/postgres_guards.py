"""
The tables of one transaction in PostgreSQL that are about people: persons, and what guards them.

The rule: as in `postgres_tables`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from callbackq.errors import NotFound, VerificationNotFound
from callbackq.ids import SubjectId, VerificationId
from callbackq.model import OptOut, Subject, Tally, Verification
from callbackq.stores import postgres_statements as sql
from callbackq.stores.postgres_session import TALLY, Part, present
from callbackq.stores.rows import as_utc


class Subjects(Part):
    """The persons of one tenant."""

    __slots__ = ()

    def get(self, subject_id: SubjectId) -> Subject:
        """Return one person. O(log n). Raises: NotFound."""
        found = self._session.row(sql.SUBJECTS, subject_id)
        return present(found, NotFound, "subject", subject_id)

    def by_identity(self, identity: str) -> Subject | None:
        """Return the person known by *identity*. O(log n)."""
        return self._session.record(sql.SUBJECTS, sql.BY_IDENTITY, identity)

    def by_customer(self, customer_id: str) -> Subject | None:
        """Return the person whom the host knows by *customer_id*. O(log n)."""
        return self._session.record(sql.SUBJECTS, sql.BY_CUSTOMER, customer_id)

    def holding(self, number: str) -> list[Subject]:
        """Return the persons in whose record *number* stands, by id. O(n)."""
        return self._session.records(sql.SUBJECTS, sql.HOLDING, number)

    def unseen_since(self, at: datetime, *, limit: int) -> list[Subject]:
        """Return persons who were seen last before *at*, the longest unseen first, then by id. O(limit + log n)."""
        return self._session.records(sql.SUBJECTS, sql.UNSEEN, as_utc(at), limit)


class Tallies(Part):
    """What was counted lately."""

    __slots__ = ()

    def locked(self, keys: Sequence[str]) -> dict[str, Tally]:
        """
        Return those of these tallies that exist, and keep others from all of them until the end. O(keys · log n).

        As the first verb of a transaction it waits before anything is seen; see `SlotTable.locked`.

        Raises:
            StaleVersion: somebody else has changed one since this transaction began to look.
            StoreUnavailable: somebody else keeps one for too long.
            Conflict: two wait for each other.
        """
        session = self._session
        session.refuse_if_over()
        if not keys:
            return {}
        if session.only_reads:
            found = session.records(sql.TALLIES, sql.TALLIES_OF, list(keys))
        else:
            session.keep(*((TALLY, key) for key in keys))
            found = session.records(sql.TALLIES, sql.TALLIES_LOCKED, list(keys))
        return {tally.key: tally for tally in found}

    def forget(self, *, over_before: datetime, limit: int) -> int:
        """Delete tallies whose `over_at` is before *over_before*; return how many. O(log n) each."""
        return self._session.forget(sql.FORGET_TALLIES, over_before, limit)


class Verifications(Part):
    """The one-time codes of one tenant."""

    __slots__ = ()

    def get(self, verification_id: VerificationId) -> Verification:
        """Return one code. O(log n). Raises: VerificationNotFound."""
        found = self._session.record(sql.VERIFICATIONS, sql.VERIFICATIONS.get, verification_id)
        return present(found, VerificationNotFound, "one-time code", verification_id)

    def forget(self, *, expired_before: datetime, limit: int) -> int:
        """Delete codes whose `expires_at` is before *expired_before*; return how many. O(log n) each."""
        return self._session.forget(sql.FORGET_VERIFICATIONS, expired_before, limit)


class OptOuts(Part):
    """Who wants no calls or messages."""

    __slots__ = ()

    def find(self, number_key: str) -> OptOut | None:
        """Return what is known of a number, or None. O(log n)."""
        session = self._session
        if session.only_reads:
            return session.row(sql.OPT_OUTS, number_key)
        session.refuse_if_undone()
        if not session.seen.knows(sql.OPT_OUTS, number_key):
            # Who asks that is about to call there.
            found = session.all(sql.OPT_OUT_WITH_ATTEMPT, number_key)
            opt_out, attempt = session.rows_beside(sql.OF_NUMBER, found[0][1:]) if found else (None, None)
            session.seen.add(sql.OPT_OUTS, opt_out, number_key)
            if attempt is None:
                session.seen.add_idle(number_key)
        return session.seen.find(sql.OPT_OUTS, number_key)
