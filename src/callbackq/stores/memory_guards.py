"""
The tables of one transaction in memory that are about people: persons, and what guards them.

The rule: as in `memory_tables`; and what is deleted goes through `MemoryTransaction.delete`, so that it can come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, cast

from callbackq.errors import NotFound, VerificationNotFound
from callbackq.ids import SubjectId, VerificationId
from callbackq.model import OptOut, Subject, Tally, Verification

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callbackq.stores.memory import MemoryTransaction


class Guard:
    """What these tables share."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: MemoryTransaction) -> None:
        self._transaction = transaction

    def _before(self, cls: type[Any], at: datetime, limit: int) -> list[Any]:
        """Return the oldest rows of a class whose moment is before *at*."""
        tenant = self._transaction.tenant
        old = takewhile(lambda age: age[0] < at, tenant.by_age[cls])
        return [tenant.rows[cls][row_id] for _, row_id in islice(old, limit)]

    def _forget(self, cls: type[Any], before: datetime, limit: int) -> int:
        self._transaction.refuse_if_read_only()
        found = self._before(cls, before, limit)
        for row in found:
            self._transaction.delete(row)
        return len(found)


class Subjects(Guard):
    """The persons of one tenant."""

    __slots__ = ()

    def get(self, subject_id: SubjectId) -> Subject:
        """Return one person. O(1). Raises: NotFound."""
        subject: Subject | None = self._transaction.tenant.rows[Subject].get(subject_id)
        if subject is None:
            raise NotFound(f"tenant {self._transaction.tenant_id!r} has no subject {subject_id!r}")
        return subject

    def by_identity(self, identity: str) -> Subject | None:
        """Return the person known by *identity*. O(1)."""
        return self._holder("identity", identity)

    def by_customer(self, customer_id: str) -> Subject | None:
        """Return the person whom the host knows by *customer_id*. O(1)."""
        return self._holder("customer_id", customer_id)

    def _holder(self, rule: str, key: str) -> Subject | None:
        tenant = self._transaction.tenant
        subject_id = tenant.keys.get((rule, key))
        return None if subject_id is None else cast("Subject", tenant.rows[Subject][subject_id])

    def holding(self, number: str) -> list[Subject]:
        """Return the persons in whose record *number* stands, by id. O(n)."""
        subjects: Mapping[str, Subject] = self._transaction.tenant.rows[Subject]
        found = [
            subject
            for subject in subjects.values()
            if number
            in {subject.number, subject.preferred_number, subject.record_number, subject.pending_number}
            or number in subject.identity
            or number in subject.alternatives
            or number in subject.wrong_numbers
        ]
        return sorted(found, key=lambda subject: subject.subject_id)

    def unseen_since(self, at: datetime, *, limit: int) -> list[Subject]:
        """Return persons who were seen last before *at*, the longest unseen first, then by id. O(limit)."""
        return self._before(Subject, at, limit)


class Tallies(Guard):
    """What was counted lately."""

    __slots__ = ()

    def locked(self, keys: Sequence[str]) -> dict[str, Tally]:
        """Return those of these tallies that exist, by key. O(keys). Who has a transaction is alone."""
        rows: Mapping[str, Tally] = self._transaction.tenant.rows[Tally]
        return {key: rows[key] for key in sorted(set(keys)) if key in rows}

    def forget(self, *, over_before: datetime, limit: int) -> int:
        """Delete tallies whose `over_at` is before *over_before*; return how many. O(log n) each."""
        return self._forget(Tally, over_before, limit)


class Verifications(Guard):
    """The one-time codes of one tenant."""

    __slots__ = ()

    def get(self, verification_id: VerificationId) -> Verification:
        """Return one code. O(1). Raises: VerificationNotFound."""
        found: Verification | None = self._transaction.tenant.rows[Verification].get(verification_id)
        if found is None:
            raise VerificationNotFound(
                f"tenant {self._transaction.tenant_id!r} has no one-time code {verification_id!r}"
            )
        return found

    def forget(self, *, expired_before: datetime, limit: int) -> int:
        """Delete codes whose `expires_at` is before *expired_before*; return how many. O(log n) each."""
        return self._forget(Verification, expired_before, limit)


class OptOuts(Guard):
    """Who wants no calls or messages."""

    __slots__ = ()

    def find(self, number_key: str) -> OptOut | None:
        """Return what is known of a number, or None. O(1)."""
        return cast("OptOut | None", self._transaction.tenant.rows[OptOut].get(number_key))
