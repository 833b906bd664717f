"""Which numbers are dialed: what a policy says of their kind, their region and their range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callbackq.core.numbers import NumberKind, kind_of
from callbackq.errors import NumberRefused
from callbackq.masking import mask_number
from callbackq.model import NumberProblem, NumberType
from callbackq.policy import Access

if TYPE_CHECKING:
    from callbackq.policy import NumberPolicy

_OWN_PROBLEM: Final = {
    NumberType.PREMIUM_RATE: NumberProblem.PREMIUM_RATE,
    NumberType.SHARED_COST: NumberProblem.SHARED_COST,
    NumberType.SATELLITE: NumberProblem.SATELLITE,
}


def check_dialable(e164: str, *, policy: NumberPolicy, tier: str | None) -> NumberKind:
    """
    Return the kind of a number that may be dialed.

    Args:
        e164: a number as `read_number` returns it.
        tier: what the customer is, where the policy asks for it; None: nobody knows.

    Raises:
        NumberRefused: it must not be dialed. See `problem_of`.

    Cost: that of `kind_of`.

    >>> from callbackq.policy import NumberPolicy
    >>> check_dialable("+19005550123", policy=NumberPolicy(), tier=None)
    Traceback (most recent call last):
    ...
    callbackq.errors.NumberRefused: number refused (premium_rate): +1…23 is a premium_rate number
    """
    refused = problem_of(e164, policy=policy, tier=tier)
    if refused is not None:
        raise refused
    return kind_of(e164)


def problem_of(e164: str, *, policy: NumberPolicy, tier: str | None) -> NumberRefused | None:
    """
    Say why a number must not be dialed, as an error to be raised or read; None: it may.

    The first of these is told: the range is blocked; the type is refused; the region is not served, or not for
    customers of this tier. The last two come with what the policy offers instead.
    """
    if e164.startswith(policy.blocked):
        return NumberRefused(NumberProblem.BLOCKED, f"{mask_number(e164)} is in a blocked range")
    kind = kind_of(e164)
    if kind.type in policy.types_refused:
        problem = _OWN_PROBLEM.get(kind.type, NumberProblem.TYPE_REFUSED)
        return NumberRefused(problem, f"{mask_number(e164)} is a {kind.type} number")
    rule = policy.rule_of(kind.region)
    if rule.access is Access.REFUSE:
        said = f"numbers of {kind.region} are not called"
        return NumberRefused(NumberProblem.REGION_NOT_SERVED, said, alternatives=rule.alternatives)
    if rule.access is Access.TIERS and tier not in rule.tiers:
        said = f"numbers of {kind.region} are called for tiers {', '.join(rule.tiers)}"
        return NumberRefused(NumberProblem.TIER_NEEDED, said, alternatives=rule.alternatives)
    return None


def cost_of(e164: str, *, policy: NumberPolicy) -> int:
    """Return what one attempt to this number may cost, by the rule of its region, in the host's units."""
    return policy.rule_of(kind_of(e164).region).cost
