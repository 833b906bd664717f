"""What follows a failed attempt: the one place where a disposition meets the policy's rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, assert_never
from zoneinfo import ZoneInfo

import attrs

from callbackq.ids import AttemptId
from callbackq.model import AnsweredBy, Attempt, Callback, Confirmation, Disposition, NoticeKind, Outcome
from callbackq.policy import (
    AllDeclined,
    ExponentialRest,
    NextBusinessDay,
    NumberChoice,
    QueuePolicy,
    RetryRule,
    SteppedRest,
)
from callbackq.policy import (
    Rest as RestRule,
)
from callbackq.policy.retries import REST_MAX


@attrs.frozen
class GoBack:
    """The attempt did not count: the place is as it was."""


@attrs.frozen
class Rest:
    """Try again after a rest, with one of the person's numbers; the customer may be told."""

    rest: timedelta
    number_index: int = 0
    notice: NoticeKind | None = None


@attrs.frozen
class Correct:
    """Somebody else answered: nobody is dialed before the number is corrected."""


@attrs.frozen
class Tell:
    """Nobody can take it: the customer is called and told so, and then it is over. See `core.announcing`."""


@attrs.frozen
class End:
    """
    No more attempts; who is told, and by when somebody should see to the customer.

    `told_by_call` says that the customer has just been called and told so: there is no notice for them.
    """

    outcome: Outcome
    reason: str
    notice: NoticeKind | None = None
    follow_up_within: timedelta | None = None
    told_by_call: bool = False


NextStep = GoBack | Rest | Correct | Tell | End

_NO_RULE: Final = RetryRule()
_UNCOUNTED: Final = (Disposition.AGENT_UNAVAILABLE, Disposition.CANCELLED_BY_US)


@attrs.frozen(kw_only=True)
class Failures:
    """
    What the rules look at besides the two records.

    Args:
        same_count: earlier attempts of this callback that ended with the same disposition and counted.
        usable: the indexes of the person's numbers that are not known to be wrong; 0 is the main one.
        all_declined: every agent who could serve it has declined it.
    """

    same_count: int = 0
    usable: tuple[int, ...] = (0,)
    all_declined: bool = False


NO_FAILURES: Final = Failures()


def counts(attempt: Attempt) -> bool:
    """
    Whether the attempt counts against `attempts_max`: always, unless we were the cause and no phone rang.

    A call that only tells the customer something tries to connect nobody: it never counts.
    """
    if attempt.announces is not None:
        return False
    return attempt.disposition not in _UNCOUNTED or attempt.customer_rang


def next_step(
    callback: Callback, attempt: Attempt, *, failures: Failures, policy: QueuePolicy, now: datetime
) -> NextStep:
    """
    Decide what follows an attempt that ended without a conversation.

    Returns:
        GoBack if it does not count; Tell or End instead if policy says so and all agents have declined. After the
        call that tells the customer, End; Tell again if we took that call back ourselves. End if the attempts
        are used up, if the rule for this disposition is, if there is no number that it allows, if the rest would
        outlive the callback, if the customer asked for it by key, or if the customer had answered and nobody knows
        what was said: that is never dialed again automatically. Correct instead of those if somebody else answered:
        the person was never tried. Rest else.
    """
    disposition = attempt.disposition
    assert disposition is not None
    rule = policy.retry_rules.get(disposition, _NO_RULE)
    if attempt.announces is not None:
        taken_back = disposition is Disposition.CANCELLED_BY_US
        return Tell() if taken_back else declined(told_by_call=is_told(attempt))
    if failures.all_declined:
        return Tell() if policy.all_declined is AllDeclined.TELL else declined(told_by_call=False)
    if not counts(attempt):
        return GoBack()
    if attempt.confirmation is Confirmation.CANCEL:
        return End(Outcome.CANCELLED, "cancelled_by_key")
    in_doubt = attempt.answered_by not in (None, AnsweredBy.MACHINE)
    if disposition is Disposition.UNKNOWN and in_doubt:
        return _last("in_doubt_after_answer", rule)
    index = _next_number(attempt.number_index, rule.number, failures.usable)
    used_up = callback.attempts_count + 1 >= policy.attempts_max
    if used_up or index is None or failures.same_count >= rule.retries_max:
        reason = "attempts_used_up" if used_up else f"no_retry_after_{disposition}"
    else:
        rest = rest_of(rule, failures.same_count, attempt_id=attempt.attempt_id, now=now)
        if now + rest < callback.expires_at:
            return Rest(rest, index, rule.notice)
        reason = "no_time_left"
    return Correct() if disposition is Disposition.WRONG_PERSON else _last(reason, rule)


def _next_number(index: int, choice: NumberChoice, usable: tuple[int, ...]) -> int | None:
    """Return which number is dialed next; None if there is none to be dialed."""
    later = [other for other in usable if other > index]
    match choice:
        case NumberChoice.SAME:
            return index if index in usable else None
        case NumberChoice.NEXT:
            return next(iter((*later, *usable)), None)
        case NumberChoice.OTHER:
            return next(iter(later), None)
        case _:
            assert_never(choice)


def _last(reason: str, rule: RetryRule) -> End:
    return End(Outcome.UNREACHED, reason, rule.last_notice, rule.follow_up_within)


# ---------------------------------------------------------------------------- declined by all agents

_HEARD: Final = (Disposition.AGENT_UNAVAILABLE, Disposition.MACHINE)


def is_told(attempt: Attempt) -> bool:
    """Whether the customer, or their machine, was told by the call what the attempt announces."""
    heard = attempt.customer_answered_at is not None and attempt.disposition in _HEARD
    return attempt.announces is not None and heard


def declined(*, told_by_call: bool) -> End:
    """Return the end of a callback that nobody takes. The notice for the customer is for who was not told by a call."""
    to_customer = None if told_by_call else NoticeKind.NO_AGENT
    within = timedelta(hours=24)
    return End(Outcome.DECLINED_BY_AGENTS, "all_declined", to_customer, within, told_by_call)


# ---------------------------------------------------------------------------- rests


def rest_of(rule: RetryRule, failures_count: int, *, attempt_id: AttemptId, now: datetime) -> timedelta:
    """
    Return the rest after the next failure of its kind, with its jitter, never longer than 30 days.

    The jitter follows from the attempt's id: by chance, and the same every time it is asked for.

    >>> from datetime import UTC
    >>> rule = RetryRule(retries_max=9, rest=ExponentialRest(first=timedelta(minutes=1), factor=3))
    >>> now = datetime(2026, 1, 5, tzinfo=UTC)
    >>> [rest_of(rule, n, attempt_id=AttemptId("at_1"), now=now).seconds // 60 for n in range(3)]
    [1, 3, 9]
    """
    rest = _plain_rest(rule.rest, failures_count, now)
    jitter = rest * (rule.jitter_ratio * _chance(attempt_id)) if rule.jitter_ratio else timedelta(0)
    return min(rest + jitter, REST_MAX)


def _plain_rest(rest: RestRule, failures_count: int, now: datetime) -> timedelta:
    match rest:
        case timedelta():
            return rest
        case SteppedRest(rests=rests):
            return rests[min(failures_count, len(rests) - 1)]
        case ExponentialRest(first=first, factor=factor, rest_max=rest_max):
            return _grown(first, factor, failures_count, rest_max)
        case NextBusinessDay():
            return next_business_day(rest, now) - now
        case _:
            assert_never(rest)


def _grown(first: timedelta, factor: float, failures_count: int, rest_max: timedelta) -> timedelta:
    rest = first
    for _ in range(failures_count):
        rest = min(rest * factor, rest_max)
        if rest == rest_max:
            break
    return min(rest, rest_max)


def next_business_day(rule: NextBusinessDay, now: datetime) -> datetime:
    """
    Return when the next day of work begins, in the zone of *now*.

    Where that time of day is missing (clocks go forward) it is as much later; where it comes twice, the first.

    >>> from datetime import UTC, time
    >>> friday = datetime(2026, 1, 9, 15, tzinfo=UTC)
    >>> next_business_day(NextBusinessDay(at=time(9)), friday).isoformat()
    '2026-01-12T09:00:00+00:00'
    """
    zone = ZoneInfo(rule.zone)
    day = now.astimezone(zone).date() + timedelta(days=1)
    while day.weekday() not in rule.weekdays:
        day += timedelta(days=1)
    return datetime.combine(day, rule.at.replace(fold=0), tzinfo=zone).astimezone(now.tzinfo)


def _chance(attempt_id: AttemptId) -> float:
    """Return a number from 0 to below 1 that is as good as random."""
    return int.from_bytes(blake2b(attempt_id.encode(), digest_size=6).digest()) / 2**48
