"""
What people say about a callback, afterwards or instead of the telephony.

It was no conversation, the number is another one, it is done, it went well. Nothing leaves ENDED but here, and only by
a person's word about a callback that was taken for COMPLETED.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import attrs

from callbackq.core.decision import Decision, head, told
from callbackq.core.lifecycle import Command, end, expiry, move
from callbackq.core.retry import Correct, End, NextStep, Rest
from callbackq.errors import NotPossibleNow
from callbackq.events import (
    CallbackCalledIn,
    CallbackRenumbered,
    CallbackReopened,
    CallbackScored,
    CallbackTicketReopened,
    Event,
)
from callbackq.ids import CallId
from callbackq.model import (
    Attempt,
    Callback,
    CallbackState,
    Disposition,
    DueReason,
    HoldReason,
    Outcome,
)

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
NO_CONVERSATION: Final = frozenset(
    {
        Disposition.MACHINE,
        Disposition.FAX,
        Disposition.WRONG_PERSON,
        Disposition.ANSWERED_THEN_LEFT,
        Disposition.UNKNOWN,
    }
)
"""What an agent may say of an attempt that was taken for a conversation."""


_NOT_REACHED: Final = (Outcome.UNREACHED, Outcome.EXPIRED)
"""How a callback ends of which a person may know better."""


def may_reopen(callback: Callback, attempt: Attempt) -> bool:
    """Whether the callback was taken for done by this attempt, of which it is known now that it was not."""
    return (
        callback.outcome is Outcome.COMPLETED
        and callback.attempt_id == attempt.attempt_id
        and attempt.disposition in NO_CONVERSATION
    )


def reopen(
    callback: Callback,
    attempt: Attempt,
    *,
    step: NextStep,
    held_by: Callback | None,
    by: str,
    life: timedelta,
    ending: Mapping[str, Any] = _NOTHING,
    now: datetime,
) -> Decision:
    """
    Take up a promise again that was not kept: rest, wait for another number, or end with the outcome that it had.

    Args:
        life: how long it lives from now on, at least.
        step: as `core.retry` found it.
        held_by: another callback that holds the same key by now: it stands for this one as well.
    """
    assert attempt.disposition is not None
    if held_by is not None:
        return _revise(
            callback,
            attempt,
            Outcome.REPLACED,
            "asked_again",
            now=now,
            more={"by": by},
            merged_into_id=held_by.callback_id,
        )
    if isinstance(step, End):
        return _revise(callback, attempt, step.outcome, step.reason, now=now, more={**ending, "by": by})
    callback = attrs.evolve(callback, expires_at=max(callback.expires_at, now + life))
    due, changes = expiry(callback), dict[str, Any](hold_reason=HoldReason.WRONG_NUMBER)
    command = Command.CORRECT
    if isinstance(step, Rest):
        command = Command.RETRY
        due = min((now + step.rest, DueReason.REST_OVER), expiry(callback))
        changes = {"number_index": step.number_index}
    else:
        assert isinstance(step, Correct)
    record = move(
        callback,
        command,
        due=due,
        attempt_id=None,
        last_disposition=attempt.disposition,
        outcome=None,
        ended_at=None,
        **changes,
    )
    event = told(CallbackReopened, record, at=now, by=by, reason=str(attempt.disposition))
    return Decision(records=(record,), events=(event,))


def _revise(
    callback: Callback,
    attempt: Attempt,
    outcome: Outcome,
    reason: str,
    *,
    now: datetime,
    more: Mapping[str, Any] = _NOTHING,
    **changes: Any,
) -> Decision:
    return end(
        callback,
        Command.REVISE,
        outcome=outcome,
        now=now,
        reason=reason,
        more=more,
        last_disposition=attempt.disposition,
        **changes,
    )


def renumber(callback: Callback, *, dedup_key: str | None, by: str | None, now: datetime) -> Decision:
    """
    The person has another number now. One that waited for it starts afresh; `lifecycle.ready` puts it in line.

    Raises:
        NotPossibleNow: it is being attempted, or has ended.
    """
    again = callback.hold_reason is HoldReason.WRONG_NUMBER
    record = move(
        callback,
        Command.RENUMBER,
        due=(callback.due_at, callback.due_reason),
        number_index=0,
        attempts_count=0 if again else callback.attempts_count,
        dedup_key=dedup_key,
    )
    return Decision(records=(record,), events=(told(CallbackRenumbered, record, at=now, by=by),))


def called_in(callback: Callback, call_id: CallId, *, now: datetime) -> Decision:
    """The customer called in: while waiting, or because of a call that was missed."""
    due = (callback.due_at, callback.due_reason)
    record = move(callback, Command.CALL_IN, due=due, called_in_id=call_id)
    event = CallbackCalledIn(**head(record, at=now), called_in_id=call_id)
    return Decision(records=(record,), events=(event,))


def served_elsewhere(callback: Callback, *, outcome: Outcome, reason: str, now: datetime) -> Decision:
    """The customer has what was promised in another way: as a live call, or has given the place to one."""
    return end(callback, Command.DONE, outcome=outcome, now=now, reason=reason)


def mark_done(callback: Callback, *, by: str, reason: str | None, now: datetime) -> Decision:
    """
    A person says that the customer was reached in another way. Marking it twice changes nothing.

    Raises:
        NotPossibleNow: it has ended in another way, but for one that was not reached, or of which nobody knows.
    """
    if callback.outcome is Outcome.SERVED_ELSEWHERE:
        return Decision()
    more = {"by": by}
    command = Command.REVISE if callback.outcome in _NOT_REACHED else Command.DONE
    return end(callback, command, outcome=Outcome.SERVED_ELSEWHERE, now=now, reason=reason, more=more)


def score(
    callback: Callback, *, score: float | None, resolved: bool | None, by: str | None, now: datetime
) -> Decision:
    """
    Keep what the host reports of a callback that is over. What is None stays as it was; what is known changes nothing.

    Raises:
        NotPossibleNow: it is not over.
    """
    if callback.state is not CallbackState.ENDED:
        raise NotPossibleNow(str(Command.SCORE), str(callback.state), str(CallbackState.ENDED))
    known = attrs.evolve(
        callback,
        score=callback.score if score is None else score,
        resolved=callback.resolved if resolved is None else resolved,
    )
    if known == callback:
        return Decision()
    record = move(known, Command.SCORE, due=(None, None))
    return Decision(records=(record,), events=(told(CallbackScored, record, at=now, by=by),))


def _resolved_at(told_of_it: Iterable[Event], *, default: datetime) -> datetime:
    """Return when it was said last that the matter is resolved, and was not known to be: other scores repeat it."""
    was, at = False, default
    for one in told_of_it:
        if isinstance(one, CallbackScored | CallbackTicketReopened):
            if one.resolved and not was:
                at = one.at
            was = bool(one.resolved)
    return at


def resolver_of(callbacks: Iterable[Callback], *, by_at: datetime) -> Callback | None:
    """Return the callback of a ticket that was thought to resolve it by then: the last one in which they talked."""
    talked = [(one.ended_at, one) for one in callbacks if one.outcome is Outcome.COMPLETED and one.ended_at]
    before = [(ended_at, one.callback_id, one) for ended_at, one in talked if ended_at <= by_at]
    return max(before)[-1] if before else None


def reopen_ticket(
    callback: Callback,
    told_of_it: Iterable[Event],
    *,
    reopened_at: datetime,
    by: str | None,
    reason: str | None,
    now: datetime,
) -> Decision:
    """
    Its ticket was opened again: the matter was not resolved in it after all.

    To hear it twice changes nothing, nor does it where the host has said after it that the matter is resolved.

    Args:
        told_of_it: the history of the callback.
        reopened_at: when the ticket was opened again.

    Raises:
        NotPossibleNow: they did not talk in it, so that it resolved nothing.
    """
    if callback.outcome is not Outcome.COMPLETED:
        raise NotPossibleNow(
            "reopen the ticket", str(callback.outcome or callback.state), str(Outcome.COMPLETED)
        )
    if callback.resolved is False or _resolved_at(told_of_it, default=reopened_at) > reopened_at:
        return Decision()
    record = move(attrs.evolve(callback, resolved=False), Command.SCORE, due=(None, None))
    event = told(CallbackTicketReopened, record, at=now, by=by, reason=reason)
    return Decision(records=(record,), events=(event,))
