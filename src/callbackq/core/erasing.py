"""What is left of a person who is erased, and of a record that loses one number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs

from callbackq.core.numbers import PhoneNumber
from callbackq.model import Subject


def erased(subject: Subject, *, now: datetime) -> Subject:
    """Return the record of a person without the person: the row stays, for callbacks and history name it."""
    return Subject(
        tenant_id=subject.tenant_id,
        subject_id=subject.subject_id,
        version=subject.version + 1,
        identity=f"erased:{subject.subject_id}",
        number="",
        created_at=subject.created_at,
        erased_at=now,
    )


def without_number(subject: Subject, e164: str) -> Subject:
    """Take a number that is somebody else's out of a person's record. What the person is called at stays."""
    return attrs.evolve(
        subject,
        version=subject.version + 1,
        preferred_number=None if subject.preferred_number == e164 else subject.preferred_number,
        record_number=None if subject.record_number == e164 else subject.record_number,
        pending_number=None if subject.pending_number == e164 else subject.pending_number,
        alternatives=tuple(other for other in subject.alternatives if other != e164),
        wrong_numbers=tuple(wrong for wrong in subject.wrong_numbers if wrong != e164),
    )


def whose(holders: Sequence[Subject], number: PhoneNumber) -> list[Subject]:
    """
    Return those of *holders* whose own number it is: they are known by it, or called at it.

    If nobody is, it is that of whoever prefers it. For all others it is a number of somebody else: an alternative, one
    that was wrong, or what the host had on record. With an extension, only those behind the same one count.
    """
    if number.extension is not None:
        return [one for one in holders if _is_at(one, number)]
    own = [one for one in holders if _is_at(one, number)]
    return own or [one for one in holders if one.preferred_number == number.e164]


def _is_at(subject: Subject, number: PhoneNumber) -> bool:
    if subject.identity == number.identity:
        return True
    if number.extension is not None:
        return (subject.number, subject.extension) == (number.e164, number.extension)
    return subject.number == number.e164 or subject.identity.startswith(f"{number.identity};")
