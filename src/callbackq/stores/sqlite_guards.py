"""
The tables of one SQLite transaction that are about people: persons, and what guards them.

The rule: as in `sqlite_tables`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from callbackq.errors import NotFound, VerificationNotFound
from callbackq.ids import SubjectId, VerificationId
from callbackq.model import OptOut, Subject, Tally, Verification
from callbackq.stores import sqlite_statements as sql
from callbackq.stores.rows import encode_instant
from callbackq.stores.sqlite_session import Part, present


class Subjects(Part):
    """The persons of one tenant."""

    __slots__ = ()

    def get(self, subject_id: SubjectId) -> Subject:
        """Return one person. O(log n). Raises: NotFound."""
        found = self._session.record(sql.SUBJECTS, sql.SUBJECTS.get, subject_id)
        return present(found, NotFound, "subject", subject_id)

    def by_identity(self, identity: str) -> Subject | None:
        """Return the person known by *identity*. O(log n)."""
        return self._session.record(sql.SUBJECTS, sql.BY_IDENTITY, identity)

    def by_customer(self, customer_id: str) -> Subject | None:
        """Return the person whom the host knows by *customer_id*. O(log n)."""
        return self._session.record(sql.SUBJECTS, sql.BY_CUSTOMER, customer_id)

    def holding(self, number: str) -> list[Subject]:
        """Return the persons in whose record *number* stands, by id. O(n)."""
        return self._session.records(sql.SUBJECTS, sql.HOLDING, *[number] * 4)

    def unseen_since(self, at: datetime, *, limit: int) -> list[Subject]:
        """Return persons who were seen last before *at*, the longest unseen first, then by id. O(limit + log n)."""
        return self._session.records(sql.SUBJECTS, sql.UNSEEN, encode_instant(at), limit)


class Tallies(Part):
    """What was counted lately."""

    __slots__ = ()

    def locked(self, keys: Sequence[str]) -> dict[str, Tally]:
        """Return those of these tallies that exist. O(keys). Who may write is alone since the block began."""
        found = self._session.records(sql.TALLIES, sql.TALLIES_OF, json.dumps(list(keys)))
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
        return self._session.record(sql.OPT_OUTS, sql.OPT_OUTS.get, number_key)
