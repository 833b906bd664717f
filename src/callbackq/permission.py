"""
Whether a person may be called at a number now: what is asked before every attempt, and what the answer is.

Some rules are about a number: it is known to be somebody else's, its owner opted out, a list forbids it, the policy
does not dial it. Then the person's next number is asked about; where none is left, the promise is over. The other
rules are about now: then the promise waits until they permit a call, and they are asked again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, cast

import attrs

from callbackq.core.calling import limits_of, may_call
from callbackq.core.customer_hours import open_at
from callbackq.core.explain import ClosedHours
from callbackq.core.legs import numbers_of
from callbackq.core.limits import Reached, count
from callbackq.core.number_rules import cost_of, problem_of
from callbackq.core.numbers import kind_of, number_key
from callbackq.core.zones import check_zone, zones_of_number
from callbackq.errors import InvalidText
from callbackq.facts import is_being_called, is_on_the_line, limits_free_at, number_free_at
from callbackq.ids import QueueName
from callbackq.masking import repr_masked
from callbackq.model import Callback, HoldReason, Mode, Purpose, Subject, Tally
from callbackq.policy import CallingPolicy, Caps, Limit, QueuePolicy
from callbackq.ports import DoNotCall, Transaction

logger = logging.getLogger("callbackq")

OPTED_OUT: Final = "opted_out"
DO_NOT_CALL: Final = "do_not_call"
COST_PERIOD: Final = timedelta(hours=24)
_HOLD_MIN: Final = timedelta(seconds=1)
"""A rule that says "again" for a moment that has come is asked again a little later, and does not stop the line."""


# ---------------------------------------------------------------------------- the answers


@attrs.frozen(kw_only=True)
class May:
    """Call: `callback` knows which of the person's numbers. `tally` is to be saved with the attempt."""

    callback: Callback
    number: str = attrs.field(repr=repr_masked)
    number_key: str
    tally: Tally | None = None


@attrs.frozen(kw_only=True)
class Wait:
    """Not now: for this reason, and until then."""

    reason: HoldReason
    until: datetime


@attrs.frozen(kw_only=True)
class Never:
    """Not at any number of this person. `reason` names the rule that forbids the first of them."""

    reason: str


# ---------------------------------------------------------------------------- what the person wants


def asked_at(callback: Callback) -> datetime:
    """Return when the customer asked for it last: another request of theirs may have been merged into it."""
    return max(callback.consent_at or callback.requested_at, callback.requested_at)


def is_opted_out(tx: Transaction, key: str, *, purpose: Purpose, asked_at: datetime | None) -> bool:
    """Whether the owner of a number wants no such call. Who asks for one afterwards wants that one."""
    opt_out = tx.opt_outs.find(key)
    if opt_out is None or opt_out.calls_at is None:
        return False
    return purpose is not Purpose.REQUESTED or asked_at is None or asked_at <= opt_out.calls_at


def is_listed(lists: DoNotCall | None, number: str, purpose: Purpose) -> bool | str:
    """Return whether a do-not-call list has the number; a text that says why not, if it cannot say."""
    if lists is None:
        return False
    try:
        listed = cast("object", lists.is_listed(number, purpose))
    except Exception as error:
        return f"the do-not-call list cannot be asked: {type(error).__name__}"
    if isinstance(listed, bool):
        return listed
    return f"the do-not-call list answers {type(listed).__name__}; allowed: True, False"


# ---------------------------------------------------------------------------- hours


def late_max(policy: QueuePolicy, mode: Mode | None = None) -> timedelta:
    """Return how long after an attempt was started the customer's phone may begin to ring: the agent's goes first."""
    if (mode or policy.mode) is not Mode.AGENT_FIRST:
        return timedelta(0)
    return policy.agent_ring_time + policy.hang_up_time_max


def closed_by(
    callback: Callback, subject: Subject, number: str, *, policy: QueuePolicy, now: datetime
) -> ClosedHours | None:
    """
    Return the hours that forbid an attempt now; None: it may begin.

    The hours must be open now, and also when the customer's phone begins to ring at the latest.
    """
    late = late_max(policy, callback.mode)
    moments = (now, now + late) if late else (now,)
    found = (_closed_at(callback, subject, number, policy=policy, at=at) for at in moments)
    return next((closed for closed in found if closed is not None), None)


def _closed_at(
    callback: Callback, subject: Subject, number: str, *, policy: QueuePolicy, at: datetime
) -> ClosedHours | None:
    if policy.calling is not None:
        if is_asked_for(callback, asked_life=policy.calling.asked_life, at=at):
            return None
        closed = _closed_by_rule(callback, subject, number, calling=policy.calling, at=at)
        if closed is not None:
            return closed
    return _closed_by_customer(subject, number, at=at)


def is_asked_for(callback: Callback, *, asked_life: timedelta, at: datetime) -> bool:
    """Whether the customer asked for a call at about this time: just now, or by choosing it. Then any hour will do."""
    if callback.purpose is not Purpose.REQUESTED:
        return False
    if callback.scheduled_at is None:
        return at < asked_at(callback) + asked_life
    return abs(at - callback.scheduled_at) < asked_life


def _closed_by_rule(
    callback: Callback, subject: Subject, number: str, *, calling: CallingPolicy, at: datetime
) -> ClosedHours | None:
    permission = may_call(
        number,
        region=kind_of(number).region,
        purpose=callback.purpose,
        zone=subject.zone,
        calling=calling,
        now=at,
    )
    if permission.allowed:
        return None
    return ClosedHours(
        reason=HoldReason.CALLING_HOURS,
        rule_key=permission.rule_key or None,
        zone=permission.zone or None,
        opens_at=permission.opens_at,
    )


def _closed_by_customer(subject: Subject, number: str, *, at: datetime) -> ClosedHours | None:
    """Their own hours are those of their own clock: without one, and at a number of many zones, they say nothing."""
    if not subject.hours:
        return None
    zone = _known_zone(subject)
    zones = [zone] if zone is not None else sorted(zones_of_number(number))
    opens_at = open_at(subject.hours, zone=zones[0], now=at) if len(zones) == 1 else None
    if opens_at is None:
        return None
    return ClosedHours(reason=HoldReason.CUSTOMER_HOURS, rule_key=None, zone=zones[0], opens_at=opens_at)


def _known_zone(subject: Subject) -> str | None:
    """Return the person's zone; None where this machine does not know it: then every zone of the number counts."""
    try:
        return check_zone(subject.zone) if subject.zone is not None else None
    except InvalidText:
        return None


# ---------------------------------------------------------------------------- all rules


@attrs.define(kw_only=True)
class Asker:
    """
    Asks all rules, within one transaction.

    Args:
        caps: over all queues.
        do_not_call: None: there is no such list.

    Attributes:
        unknown_count: how often that list could not be asked.
    """

    tx: Transaction
    policies: Mapping[QueueName, QueuePolicy]
    caps: Caps
    do_not_call: DoNotCall | None
    pepper: bytes = attrs.field(repr=False)
    now: datetime
    unknown_count: int = attrs.field(default=0, init=False)

    def ask(self, callback: Callback, subject: Subject, *, policy: QueuePolicy) -> May | Wait | Never:
        """
        Say whether an attempt may be started now for *callback*, which stands in line in the queue of *policy*.

        The cost of a May is counted as soon as its tally is saved.

        Cost: one look at the person's callbacks, at live attempts and opt-outs, one for each limit, and one at the
            tally where there is a cost ceiling; some microseconds for the hours.
        """
        chosen = self._choose(callback, subject, policy=policy)
        if not isinstance(chosen, May):
            return chosen
        wait = (
            self._in_use(chosen, policy=policy)
            or self._capped(chosen, policy=policy)
            or self._closed(chosen, subject, policy=policy)
            or self._limited(chosen, policy=policy)
        )
        return wait if wait is not None else self._paid(chosen, policy=policy)

    # ------------------------------------------------------------------ at which number

    def _choose(self, callback: Callback, subject: Subject, *, policy: QueuePolicy) -> May | Wait | Never:
        """
        Return the first number, from the one whose turn it is, that no rule forbids.

        Who opted out of calls to the main number is not called at another one instead.
        """
        numbers = numbers_of(subject)
        first = callback.number_index % len(numbers)
        order = (*range(first, len(numbers)), *range(first))
        right = [index for index in order if numbers[index] not in subject.wrong_numbers]
        keys = {index: self._key(numbers[index], callback) for index in right}
        if 0 in keys and self._opted_out(keys[0], callback):
            return Never(reason=OPTED_OUT)
        forbidden: str | None = None
        for index, key in keys.items():
            if index and self._opted_out(key, callback):
                forbidden = forbidden or OPTED_OUT
                continue
            reason = self._forbids(numbers[index], callback, subject, policy=policy)
            if isinstance(reason, Wait):
                return reason
            if reason is None:
                is_same = index == callback.number_index
                of_it = callback if is_same else attrs.evolve(callback, number_index=index)
                return May(callback=of_it, number=numbers[index], number_key=key)
            forbidden = forbidden or reason
        if forbidden is None or len(right) < len(numbers):
            return Wait(reason=HoldReason.WRONG_NUMBER, until=callback.expires_at)
        return Never(reason=forbidden)

    def _key(self, number: str, callback: Callback) -> str:
        return number_key(number, tenant_id=callback.tenant_id, pepper=self.pepper)

    def _forbids(
        self, number: str, callback: Callback, subject: Subject, *, policy: QueuePolicy
    ) -> str | Wait | None:
        """Return the name of the rule that forbids a number; Wait if nobody can say; None if none does."""
        listed = is_listed(self.do_not_call, number, callback.purpose)
        if isinstance(listed, str):
            self._say(listed)
            until = self.now + policy.number_in_use_hold
            return Wait(reason=HoldReason.DO_NOT_CALL_UNKNOWN, until=until)
        if listed:
            return DO_NOT_CALL
        problem = problem_of(number, policy=policy.numbers, tier=subject.tier)
        return f"number_{problem.problem}" if problem is not None else None

    def _opted_out(self, key: str, callback: Callback) -> bool:
        return is_opted_out(self.tx, key, purpose=callback.purpose, asked_at=asked_at(callback))

    def _say(self, problem: str) -> None:
        """The log says once in a step that a list cannot be asked."""
        if not self.unknown_count:
            logger.error("%s", problem)
        self.unknown_count += 1

    # ------------------------------------------------------------------ now

    def _in_use(self, chosen: May, *, policy: QueuePolicy) -> Wait | None:
        """Nobody's phone rings twice at once."""
        in_use = (
            self.tx.attempts.live_by_number(chosen.number_key) is not None
            or is_being_called(self.tx, chosen.callback)
            or is_on_the_line(self.tx, chosen.callback)
        )
        if not in_use:
            return None
        return Wait(reason=HoldReason.NUMBER_IN_USE, until=self.now + policy.number_in_use_hold)

    def _capped(self, chosen: May, *, policy: QueuePolicy) -> Wait | None:
        caps = (policy.caps, self.caps)
        key, queue = chosen.number_key, chosen.callback.queue
        free_at = number_free_at(self.tx, key, caps=caps, queue=queue, now=self.now)
        return self._until(HoldReason.NUMBER_LIMIT, free_at)

    def _closed(self, chosen: May, subject: Subject, *, policy: QueuePolicy) -> Wait | None:
        callback = chosen.callback
        closed = closed_by(callback, subject, chosen.number, policy=policy, now=self.now)
        return self._until(closed.reason, closed.opens_at or callback.expires_at) if closed else None

    def _limited(self, chosen: May, *, policy: QueuePolicy) -> Wait | None:
        """How often a number may be called: by the rules of its places, over all queues."""
        if policy.calling is None:
            return None
        limits = limits_of(
            chosen.number,
            region=kind_of(chosen.number).region,
            purpose=chosen.callback.purpose,
            calling=policy.calling,
        )
        if not limits:
            return None
        late = max(map(late_max, self.policies.values()))
        free_at = limits_free_at(self.tx, chosen.number_key, limits=limits, late_max=late, now=self.now)
        return self._until(HoldReason.NUMBER_LIMIT, free_at)

    def _until(self, reason: HoldReason, at: datetime | None) -> Wait | None:
        return Wait(reason=reason, until=max(at, self.now + _HOLD_MIN)) if at is not None else None

    def _paid(self, chosen: May, *, policy: QueuePolicy) -> May | Wait:
        """Count what the attempt may cost. It is counted whether the phone is reached or not."""
        most, callback = policy.numbers.cost_day_max, chosen.callback
        cost = cost_of(chosen.number, policy=policy.numbers) if most is not None else 0
        if most is None or not cost:
            return chosen
        key = f"cost/{callback.queue}"
        counted = count(
            self.tx.tallies.locked([key]).get(key),
            (Limit(most, COST_PERIOD),),
            tenant_id=callback.tenant_id,
            key=key,
            weight=cost,
            now=self.now,
        )
        if isinstance(counted, Reached):
            until = callback.expires_at if counted.never else counted.again_at
            return Wait(reason=HoldReason.COST_CEILING, until=until)
        return attrs.evolve(chosen, tally=counted)
