"""What follows a failed attempt: the one place where a disposition meets the policy's rules."""

from __future__ import annotations

from datetime import timedelta

import attrs

from callbackq.model import Attempt, Callback, Disposition, Outcome
from callbackq.policy import QueuePolicy, RetryRule


@attrs.frozen
class GoBack:
    """The attempt did not count: the place is as it was."""


@attrs.frozen
class Rest:
    """Try again after a rest."""

    rest: timedelta


@attrs.frozen
class End:
    """No more attempts."""

    outcome: Outcome
    reason: str


NextStep = GoBack | Rest | End

_NO_RULE = RetryRule()
_UNCOUNTED = (Disposition.AGENT_UNAVAILABLE, Disposition.CANCELLED_BY_US)


def counts(attempt: Attempt) -> bool:
    """Whether the attempt counts against `attempts_max`: always, unless we were the cause and no phone rang."""
    return attempt.disposition not in _UNCOUNTED or attempt.customer_rang


def next_step(callback: Callback, attempt: Attempt, *, failures_count: int, policy: QueuePolicy) -> NextStep:
    """
    Decide what follows an attempt that ended without a connection.

    Args:
        failures_count: earlier attempts of this callback that ended with the same disposition and counted.

    Returns:
        GoBack if it does not count. End if the attempts are used up, if the rule for this disposition is, or if
        the customer had answered and nobody knows what was said: that is never dialed again automatically.
    """
    disposition = attempt.disposition
    assert disposition is not None
    if not counts(attempt):
        return GoBack()
    if disposition is Disposition.UNKNOWN and attempt.answered_by is not None:
        return End(Outcome.UNREACHED, "in_doubt_after_answer")
    if callback.attempts_count + 1 >= policy.attempts_max:
        return End(Outcome.UNREACHED, "attempts_used_up")
    rule = policy.retry_rules.get(disposition, _NO_RULE)
    if failures_count >= rule.retries_max:
        return End(Outcome.UNREACHED, f"no_retry_after_{disposition}")
    return Rest(rule.rest)
