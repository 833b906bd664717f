"""
The last call of a callback that nobody takes: the customer is called, is told so, and it is over.

When every agent has declined a callback, and its policy says TELL, it is HELD, *to be told*: out of the line, so it
overtakes nobody and nobody overtakes it. As soon as every rule permits a call it is ATTEMPTING: an attempt that has the
customer's leg alone, for which no agent is reserved, ever. That call is tried once, whatever comes of it: it tells the
customer, and connects nobody, so it is no attempt that counts. Then the callback ends as declined by agents, and who
was not told by the call is told by a notice. So is who cannot be called before the callback expires.

Only a call that we take back ourselves, as when the customer calls us meanwhile, is put off.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from callbackq.core.decision import Decision, told
from callbackq.core.legs import numbers_of
from callbackq.core.lifecycle import Command, attempt_time_max, end, expiry, move
from callbackq.core.notices import FOLLOW_UP_WITHIN, Told, notices
from callbackq.core.retry import declined
from callbackq.events import CallbackAnnounced, CallbackHeld
from callbackq.ids import AttemptId
from callbackq.model import Callback, DueReason, HoldReason, NoticeKind, Subject
from callbackq.policy import QueuePolicy

AGAIN_AFTER: Final = timedelta(minutes=1)
"""So long until it is asked again whether a call is possible, where nobody knows when it will be."""


def is_to_be_told(callback: Callback) -> bool:
    """Whether the customer is to be called and told that nobody can take it, and the call has not begun."""
    return callback.hold_reason is HoldReason.TO_BE_TOLD


def put_off(callback: Callback, *, until: datetime, now: datetime) -> Decision:
    """The customer cannot be called now: it is tried again at *until*, while the callback lives."""
    due = min((until, DueReason.TO_BE_TOLD), expiry(callback))
    record = move(callback, Command.HOLD, due=due)
    return Decision(records=(record,), events=(told(CallbackHeld, record, at=now),))


def begin(callback: Callback, attempt_id: AttemptId, *, policy: QueuePolicy, now: datetime) -> Decision:
    """The customer is called and told: `core.attempt.announce` makes the attempt."""
    record = move(
        callback,
        Command.TELL,
        due=(now + attempt_time_max(policy), DueReason.ATTEMPT_OVERDUE),
        attempt_id=attempt_id,
        hold_reason=None,
    )
    return Decision(records=(record,), events=(told(CallbackAnnounced, record, at=now),))


def untold(callback: Callback, subject: Subject, *, now: datetime) -> Decision:
    """
    End it without a call: no rule permits one in time, or at all.

    The customer is told by a notice, unless all of their numbers are known to be somebody else's.
    """
    is_reachable = any(number not in subject.wrong_numbers for number in numbers_of(subject))
    to_customer = (NoticeKind.NO_AGENT,) if is_reachable else ()
    said = Told(
        kinds=(*to_customer, NoticeKind.TICKET_NOTE, NoticeKind.FOLLOW_UP),
        follow_up_due_at=now + FOLLOW_UP_WITHIN,
    )
    step = declined(told_by_call=False)
    more = said.as_fields()
    decision = end(callback, Command.GIVE_UP, outcome=step.outcome, reason=step.reason, more=more, now=now)
    (record,) = decision.records
    assert isinstance(record, Callback)
    return decision + Decision(effects=notices(record, subject, said))
