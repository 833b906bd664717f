"""G8 in the words of the specification: whose callback a live caller returns for, and what becomes of the two."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from callbackq import CalledIn, Disposition, QueuePolicy
from service.line_people import (
    ATTEMPTING,
    DIALING,
    ENDED,
    HELD,
    RESTING,
    RINGING,
    SCHEDULED,
    UNREACHED,
    WAITING,
    Attempt,
    Caller,
    Promise,
)


def promises_of(caller: Caller, promises: Iterable[Promise]) -> list[Promise]:
    """Return the caller's callbacks, the latest first; none of who withholds the number."""
    own = [one for one in promises if one.number == caller.number and caller.number]
    return sorted(own, key=lambda promise: (promise.requested_at, promise.key), reverse=True)


def returned_for(caller: Caller, own: list[Promise], *, policy: QueuePolicy, now: datetime) -> Promise | None:
    """Return an open one, of this queue first; else the latest that was missed lately."""
    waits = [one for one in own if one.state != ENDED]
    here = [one for one in waits if one.queue == caller.queue]
    missed = [one for one in own if one.outcome == UNREACHED and _is_remembered(one, policy, now)]
    return next(iter((*here, *waits, *missed)), None)


def _is_remembered(promise: Promise, policy: QueuePolicy, now: datetime) -> bool:
    """For so long; and until the customer called in after it, unless that call was given up before being served."""
    assert promise.ended_at is not None
    call = promise.called_in
    before = call is not None and call.ended_at is not None and call.ended_at <= promise.ended_at
    if call is not None and not before and not call.gave_up:
        return False
    return now - promise.ended_at < policy.missed_life


def gives_place(
    promise: Promise, caller: Caller, *, attempts: Iterable[Attempt], policy: QueuePolicy
) -> bool:
    """Whether the caller has its place: not of another queue, a time to come, or one that is being answered."""
    if policy.called_in is CalledIn.TELL or promise.queue != caller.queue or promise.state == SCHEDULED:
        return False
    rings = any(one.promise is promise and one.phase in (RINGING, DIALING) for one in attempts)
    return promise.state != ATTEMPTING or rings


def is_done_with(
    promise: Promise, caller: Caller, *, attempts: Iterable[Attempt], policy: QueuePolicy
) -> bool:
    """Whether a callback is not needed any more, for an agent had its customer on the line: nor a last ring of it."""
    if policy.called_in is CalledIn.TELL or promise.queue != caller.queue or promise.called_in is not caller:
        return False
    called_off = Disposition.CANCELLED_BY_US
    rings_out = any(one.promise is promise and one.disposition is called_off for one in attempts)
    return promise.state in (WAITING, RESTING, HELD) or (promise.state == ATTEMPTING and rings_out)
