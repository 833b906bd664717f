"""
Which messages an event gives rise to, and whether one is still true.

A message is born from what the history says, in the transaction that says it: `births` is the rule. Its `cause` is the
record, its version and the kind of message, so one event never gives two, however often it is looked at.

What was true when it was born may not be when it is sent: quiet hours, a refused send or a stopped node lie in between.
`untrue` is asked before each send, and whenever the callback has changed:

=========================================== ==========================================================================
Kind                                        is true as long as
=========================================== ==========================================================================
CONFIRMATION, NUMBER_CHANGED, MISSED        the callback has not ended
REMINDER, AGENT_CHANGED                     it is to be begun at the time that is booked, which is the same and to come
LATE                                        nobody was dialed, and the time that was booked is the same
SLIPPED                                     nobody was dialed, and it was not given a time
OTHER_TIMES                                 it is neither being called nor given a time, nor well ended
UNREACHED, NO_SHOWS, NO_AGENT               it has ended without anybody having been reached
CANCELLED, EXPIRED, SURVEY                  it has ended so: cancelled, expired, completed
answers to what the customer wrote          always: they were asked for
=========================================== ==========================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from callbackq.core.outbox import Born
from callbackq.effects import Effect, Notice
from callbackq.events import (
    AttemptEnded,
    BookingEvent,
    BookingLate,
    BookingReminded,
    CallbackEnded,
    CallbackRenumbered,
    CallbackReopened,
    CallbackRequested,
    CallbackRequeued,
    CallbackRescheduled,
    CallbackRested,
    CallbackWaitedLong,
    Event,
)
from callbackq.ids import QueueName
from callbackq.model import (
    Booking,
    BookingState,
    Callback,
    CallbackState,
    Disposition,
    Message,
    MessageKind,
    NoticeKind,
    Outcome,
    Purpose,
)
from callbackq.policy import Messages, QueuePolicy

_K = MessageKind
CUSTOMER_NOTICES: Final[Mapping[NoticeKind, MessageKind]] = MappingProxyType(
    {
        NoticeKind.MISSED: _K.MISSED,
        NoticeKind.UNREACHED: _K.UNREACHED,
        NoticeKind.OTHER_TIME: _K.OTHER_TIMES,
        NoticeKind.NO_SHOWS: _K.NO_SHOWS,
        NoticeKind.NO_AGENT: _K.NO_AGENT,
        NoticeKind.SURVEY: _K.SURVEY,
        NoticeKind.REMINDER: _K.REMINDER,
        NoticeKind.BACKUP_AGENT: _K.AGENT_CHANGED,
        NoticeKind.LATE: _K.LATE,
    }
)
"""The notices that are for the customer, and the message by which callbackq says the same. All others are for you."""

ZONE_RULES: Final = "zone_rules"
"""The reason of a booking that was moved so that its wall-clock time stays: there is nothing to tell the customer."""

PASSING: Final = frozenset({"being_called", "held"})
"""
Why a message is untrue just now, and may be true again: an attempt that does not count gives the callback back.

What is untrue for another reason is to be withdrawn; for one of these, it is only not to be sent now.
"""

SUPERSEDED: Final = "superseded"
"""The problem of a message that was withdrawn because a newer one says it."""


# ---------------------------------------------------------------------------- birth


def births(event: Event, *, callback: Callback | None, policy: QueuePolicy) -> tuple[Born, ...]:
    """
    Return the messages that *event* gives rise to, of the kinds that the policy sends.

    Who is called for sales has asked for nothing: they are sent nothing.

    Args:
        callback: the one that it is about, as it is now; None if it is about none.
        policy: of the queue of that callback.
    """
    messages = policy.messages
    if messages is None or callback is None or callback.purpose is Purpose.SALES:
        return ()
    told = [_born(kind, event, callback, messages) for kind in _kinds_of(event, callback, policy)]
    if isinstance(event, CallbackRequested):
        told += _slipped(event, callback, messages)
    return tuple(born for born in told if born.kind in messages.kinds)


def _kinds_of(event: Event, callback: Callback, policy: QueuePolicy) -> list[MessageKind]:
    """Return what is to be told now."""
    match event:
        case CallbackRequested():
            return [_K.CONFIRMATION]
        case CallbackRescheduled():
            return [_K.CONFIRMATION] if event.reason != ZONE_RULES else []
        case CallbackRenumbered():
            return [_K.NUMBER_CHANGED] if callback.state is not CallbackState.ENDED else []
        case BookingReminded() | BookingLate():
            return _said(event.notices)
        case CallbackRested():
            return _said([event.notice] if event.notice is not None else [])
        case CallbackReopened():
            return _said(_notices_of_rest(event, policy))
        case CallbackWaitedLong() | CallbackRequeued():
            return [_K.OTHER_TIMES] if policy.slots is not None else []
        case CallbackEnded():
            return _at_the_end(event)
        case AttemptEnded():
            return [_K.SURVEY] if policy.survey and _was_kept(event, callback) else []
        case _:
            return []


def _said(notices: Iterable[NoticeKind]) -> list[MessageKind]:
    return [CUSTOMER_NOTICES[kind] for kind in notices if kind in CUSTOMER_NOTICES]


def _notices_of_rest(event: CallbackReopened, policy: QueuePolicy) -> list[NoticeKind]:
    """What the customer is told of a callback that was taken for done, and is tried again."""
    rule = policy.retry_rules.get(event.last_disposition)
    if rule is None or rule.notice is None or event.state is not CallbackState.RESTING:
        return []
    return [rule.notice]


def _at_the_end(event: CallbackEnded) -> list[MessageKind]:
    said = _said(event.notices)
    if event.outcome is Outcome.CANCELLED:
        return [_K.CANCELLED]
    if event.outcome is Outcome.EXPIRED and not said:
        return [_K.EXPIRED]
    # Other times are offered for a callback that goes on; who answers this one is offered times for a new one.
    return [_K.UNREACHED if kind is _K.OTHER_TIMES else kind for kind in said]


def _was_kept(event: AttemptEnded, callback: Callback) -> bool:
    """Whether the two talked, and nobody said otherwise."""
    own = callback.outcome is Outcome.COMPLETED and callback.attempt_id == event.attempt_id
    return own and event.disposition is Disposition.CONNECTED


_UNTIL_ITS_TIME: Final = frozenset({_K.CONFIRMATION, _K.REMINDER, _K.AGENT_CHANGED})
"""These are of no use once the time has come that the customer chose."""


def _born(kind: MessageKind, event: Event, callback: Callback, messages: Messages) -> Born:
    best_before_at = event.at + messages.message_life
    if kind in _UNTIL_ITS_TIME and callback.scheduled_at is not None:
        best_before_at = min(best_before_at, callback.scheduled_at)
    return Born(
        kind=kind,
        cause=f"{_record_of(event, callback)}.{event.version}.{kind}",
        queue=callback.queue,
        callback_id=callback.callback_id,
        booking_id=event.booking_id if isinstance(event, BookingEvent) else callback.booking_id,
        subject_id=callback.subject_id,
        due_at=event.at,
        best_before_at=best_before_at,
    )


def _record_of(event: Event, callback: Callback) -> str:
    match event:
        case BookingEvent():
            return event.booking_id
        case AttemptEnded():
            return event.attempt_id
        case _:
            return callback.callback_id


def _slipped(event: CallbackRequested, callback: Callback, messages: Messages) -> list[Born]:
    """Return the message that it takes longer, for the time by which it should have been the customer's turn."""
    quoted_s = event.quoted_wait_high_s if event.quoted_wait_high_s is not None else event.quoted_wait_s
    if messages.slip_margin is None or quoted_s is None or event.scheduled_at is not None:
        return []
    due_at = event.requested_at + timedelta(seconds=quoted_s) + messages.slip_margin
    born = Born(
        kind=_K.SLIPPED,
        cause=f"{callback.callback_id}.{_K.SLIPPED}",
        queue=callback.queue,
        callback_id=callback.callback_id,
        subject_id=callback.subject_id,
        due_at=due_at,
        best_before_at=due_at + messages.message_life,
    )
    return [born]


def untold(effects: Iterable[Effect], *, policies: Mapping[QueueName, QueuePolicy]) -> tuple[Effect, ...]:
    """
    Return the effects without the notices for customers that callbackq itself sends as messages.

    So nobody is told twice. Notices for the company stay, and those of kinds that the queue does not send.
    """
    return tuple(effect for effect in effects if not _is_told(effect, policies))


def _is_told(effect: Effect, policies: Mapping[QueueName, QueuePolicy]) -> bool:
    policy = policies.get(effect.queue) if isinstance(effect, Notice) else None
    messages = policy.messages if policy is not None else None
    if not isinstance(effect, Notice) or messages is None:
        return False
    return CUSTOMER_NOTICES.get(effect.kind) in messages.kinds


# ---------------------------------------------------------------------------- truth


def untrue(
    message: Message, *, callback: Callback | None, booking: Booking | None, now: datetime
) -> str | None:
    """
    Return why a message is not true any more, as one word; None if it still is. Some reasons are PASSING.

    Args:
        callback: the one that it is about, as it is now. None: it is about none, or there is none any more.
        booking: of that callback, as it is now; None if it has none.

    Returns:
        `ended`, `reopened`, `other_outcome`, `moved`, `time_passed`, `being_called`, `called`, `held`,
        `given_a_time` or `gone`.
    """
    if message.is_answer or message.callback_id is None:
        return None
    if callback is None:
        return "gone"
    match message.message_kind:
        case _K.CONFIRMATION | _K.NUMBER_CHANGED | _K.MISSED:
            return "ended" if callback.state is CallbackState.ENDED else None
        case _K.REMINDER | _K.AGENT_CHANGED:
            return _not_at_that_time(message, callback, booking, now=now)
        case _K.LATE:
            return _begun(callback) or _not_late(message, booking)
        case _K.SLIPPED:
            return _begun(callback) or ("given_a_time" if callback.scheduled_at is not None else None)
        case _K.OTHER_TIMES:
            return _not_to_be_chosen(callback)
        case kind:
            return _ended_otherwise(callback, _OUTCOMES.get(kind))


_NOT_REACHED: Final = frozenset({Outcome.UNREACHED, Outcome.EXPIRED, Outcome.DECLINED_BY_AGENTS})
_OUTCOMES: Final[Mapping[MessageKind, frozenset[Outcome]]] = MappingProxyType(
    {
        _K.UNREACHED: _NOT_REACHED,
        _K.NO_SHOWS: _NOT_REACHED,
        _K.NO_AGENT: _NOT_REACHED,
        _K.CANCELLED: frozenset({Outcome.CANCELLED}),
        _K.EXPIRED: frozenset({Outcome.EXPIRED}),
        _K.SURVEY: frozenset({Outcome.COMPLETED}),
    }
)
"""What these say of a callback is that it ended so."""


def _begun(callback: Callback) -> str | None:
    """Why nobody can be told any more that they were not called."""
    if callback.state is CallbackState.ENDED:
        return "ended"
    if callback.state is CallbackState.ATTEMPTING:
        return "being_called"
    return "called" if callback.attempts_count > 0 else None


def _is_same(message: Message, booking: Booking | None) -> bool:
    """Whether the booking that the message tells of is the callback's, and stands."""
    if booking is None or booking.booking_id != message.booking_id:
        return False
    return booking.state is BookingState.BOOKED


def _not_late(message: Message, booking: Booking | None) -> str | None:
    """Why the time that was booked was not missed. A booking that is moved is not late any more."""
    same = _is_same(message, booking)
    return None if booking is not None and same and booking.late_at is not None else "moved"


def _not_at_that_time(
    message: Message, callback: Callback, booking: Booking | None, *, now: datetime
) -> str | None:
    """Why nobody is called at the time that was booked. A booking that is moved has not been reminded of."""
    begun = _begun(callback)
    if begun is not None:
        return begun
    if callback.state not in (CallbackState.SCHEDULED, CallbackState.WAITING):
        return str(callback.state)
    if booking is None or not _is_same(message, booking) or booking.reminded_at is None:
        return "moved"
    return "time_passed" if now >= booking.slot_at else None


def _not_to_be_chosen(callback: Callback) -> str | None:
    """Why no other time is to be chosen: it has one, or needs none. Who was not reached may ask for one."""
    match callback.state:
        case CallbackState.SCHEDULED:
            return "given_a_time"
        case CallbackState.ATTEMPTING:
            return "being_called"
        case CallbackState.ENDED:
            return None if callback.outcome in _NOT_REACHED else "ended"
        case _:
            return None


def _ended_otherwise(callback: Callback, outcomes: frozenset[Outcome] | None) -> str | None:
    if outcomes is None:
        return None
    if callback.state is not CallbackState.ENDED:
        return "reopened"
    return None if callback.outcome in outcomes else "other_outcome"


def supersedes(kind: MessageKind) -> frozenset[MessageKind]:
    """
    Return the kinds of older messages about the same callback that a new one makes needless while they wait.

    The older one of the same kind; and where the callback is cancelled, all, but for what is about the person's
    messages as such.

    >>> sorted(supersedes(MessageKind.REMINDER))
    [<MessageKind.REMINDER: 'reminder'>]
    """
    if kind is _K.CANCELLED:
        return frozenset(MessageKind) - {_K.OPTED_OUT, _K.OPTED_IN}
    return frozenset({kind})
