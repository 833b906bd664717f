"""Who is told what when a callback is tried again or ends: the customer, the ticket, the one who should follow up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from callbackq.core.legs import number_at
from callbackq.core.retry import End
from callbackq.effects import Notice
from callbackq.model import Callback, Disposition, HoldReason, NoticeKind, Outcome, Subject
from callbackq.policy import QueuePolicy

FOLLOW_UP_WITHIN: Final = timedelta(hours=24)
"""By when somebody should reach out to a customer for whom no rule says it (S2: within 24 hours)."""


@attrs.frozen(kw_only=True)
class Told:
    """
    Who is to be told of an end.

    Args:
        kinds: in the order in which they are given out.
        follow_up_due_at: by when somebody should see to the customer; nobody if None.
        no_shows_count: how many chosen times the customer has missed, this one included; None if this was none.
        flagged: the customer has just missed as many as the policy bears.
        told_by_call: the customer was called and told; the note for the ticket says so.
    """

    kinds: tuple[NoticeKind, ...] = ()
    follow_up_due_at: datetime | None = None
    no_shows_count: int | None = None
    flagged: bool = False
    told_by_call: bool = False

    def as_fields(self) -> Mapping[str, Any]:
        """Return what the event of the end says of it."""
        return {
            "notices": self.kinds,
            "follow_up_due_at": self.follow_up_due_at,
            "no_shows_count": self.no_shows_count,
        }


def told_of(end: End, *, no_shows_count: int | None, policy: QueuePolicy, now: datetime) -> Told:
    """
    Return who is to be told that a callback ends after an attempt.

    Args:
        no_shows_count: chosen times that the customer has missed lately, this one included; None if this is none.
    """
    if end.outcome is Outcome.CANCELLED:
        return Told(kinds=(NoticeKind.TICKET_NOTE,))
    if end.outcome is not Outcome.UNREACHED:  # It was not the customer who missed it.
        no_shows_count = None
    flagged = no_shows_count is not None and no_shows_count >= policy.no_shows_max
    within = FOLLOW_UP_WITHIN if flagged else end.follow_up_within
    to_customer = NoticeKind.NO_SHOWS if flagged else end.notice
    kinds = [to_customer] if to_customer is not None else []
    kinds.append(NoticeKind.TICKET_NOTE)
    if within is not None:
        kinds.append(NoticeKind.FOLLOW_UP)
    if flagged:
        kinds.append(NoticeKind.CUSTOMER_FLAGGED)
    return Told(
        kinds=tuple(kinds),
        follow_up_due_at=now + within if within is not None else None,
        no_shows_count=no_shows_count,
        flagged=flagged,
        told_by_call=end.told_by_call,
    )


def told_of_expiry(callback: Callback, *, now: datetime) -> Told:
    """Return who is to be told that a callback expires: nobody, if the customer was never tried."""
    if callback.attempts_count == 0 and callback.hold_reason is not HoldReason.WRONG_NUMBER:
        return Told()
    wrong = callback.hold_reason is HoldReason.WRONG_NUMBER
    to_customer = () if wrong else (NoticeKind.UNREACHED,)
    kinds = (*to_customer, NoticeKind.TICKET_NOTE, NoticeKind.FOLLOW_UP)
    return Told(kinds=kinds, follow_up_due_at=now + FOLLOW_UP_WITHIN)


def notices(callback: Callback, subject: Subject, told: Told) -> tuple[Notice, ...]:
    """Return the effects. Each has the same id every time, so who is told twice can drop the second."""
    return tuple(_notice(kind, callback, subject, told) for kind in told.kinds)


def one_notice(kind: NoticeKind, callback: Callback, subject: Subject) -> Notice:
    """Return the effect for one notice by itself."""
    return _notice(kind, callback, subject, Told())


def _notice(kind: NoticeKind, callback: Callback, subject: Subject, told: Told) -> Notice:
    return Notice(
        notice_id=f"{callback.callback_id}.{callback.version}.{kind}",
        kind=kind,
        callback_id=callback.callback_id,
        queue=callback.queue,
        number=number_at(subject, callback.number_index),
        name=subject.name,
        language=subject.language,
        ticket_id=callback.ticket_id,
        owner_id=callback.owner_id,
        attempts_count=callback.attempts_count,
        last_disposition=callback.last_disposition,
        follow_up_due_at=told.follow_up_due_at if kind is NoticeKind.FOLLOW_UP else None,
        note=_note(callback, told) if kind is NoticeKind.TICKET_NOTE else None,
    )


def _note(callback: Callback, told: Told) -> str:
    if told.flagged:
        return f"Missed {told.no_shows_count} callbacks at times of their choice: switched to outbound."
    last = callback.last_disposition or Disposition.UNKNOWN
    tries = "1 attempt" if callback.attempts_count == 1 else f"{callback.attempts_count} attempts"
    outcome = callback.outcome.value.replace("_", " ") if callback.outcome is not None else "open"
    said = " The customer was called and told so." if told.told_by_call else ""
    return f"Callback {outcome} after {tries}; the last ended as {last.value.replace('_', ' ')}.{said}"
