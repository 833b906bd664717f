"""
What is counted of stories: integers alone, so that what is added can be taken away again and nothing is lost.

Times are whole microseconds, scores are millionths. The rule: `count_call` and `count_callback` say what one story
adds, with sign +1; the same with sign -1 takes exactly that away. No figure is computed here: see `definitions`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

import attrs

from callbackq.model.figures import AttemptFacts, CallbackFacts, CallFacts
from callbackq.model.words import CallOutcome, Disposition, Outcome

QUEUED_AFTER: Final = timedelta(seconds=10)
"""Whom an agent takes within this time has not queued."""
ANSWERED_WITHIN: Final = timedelta(seconds=20)
"""The threshold of the service level."""
PUNCTUAL_WITHIN: Final = timedelta(minutes=5)
"""How far from the time that was chosen is punctual, before or after."""
ATTEMPTS_SHOWN: Final = 20
"""The n-th attempts are told apart up to here; the last of them holds all later ones."""
QUOTES_FROM_MIN: Final = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120)
"""Where the groups of quoted waits begin, in minutes. The last one has no end."""
MILLION: Final = 1_000_000

_MICROSECOND: Final = timedelta(microseconds=1)
_QUEUED_AFTER_US: Final = QUEUED_AFTER // _MICROSECOND
_WITHIN_US: Final = ANSWERED_WITHIN // _MICROSECOND
_PUNCTUAL_US: Final = PUNCTUAL_WITHIN // _MICROSECOND
_NOT_THE_CUSTOMER: Final = frozenset({Disposition.MACHINE, Disposition.FAX, Disposition.WRONG_PERSON})

# Places in `Counts.bins`: of attempts by number, of attempts by hour of the day, and of quotes.
BIN_WIDTH: Final = 8
ATTEMPT_BINS: Final = 0
HOUR_BINS: Final = 1_000
QUOTE_BINS: Final = 2_000

HourOf = Callable[[datetime], int]
"""Says which hour of the day an instant is in, 0 to 23, where the queue is."""


@attrs.define(slots=True)
class Counts:
    """
    What was counted of some stories.

    A name that ends in `_us` is a sum of microseconds. "Settled" callbacks have ended; nothing here counts callbacks
    that were merged into another one, but `merged`.
    """

    # ------------------------------------------------------------ live calls
    inbound: int = 0
    call_contacts: int = 0
    """Calls that are a contact of their own: they became no callback, and nobody who waited for one came back."""
    decided: int = 0
    """Calls whose wait is over: an agent came, or they ended."""
    queued: int = 0
    offered: int = 0
    accepted: int = 0
    converted: int = 0
    adopted: int = 0
    served: int = 0
    abandoned: int = 0
    lost: int = 0
    """Calls that ended, and nobody knows how: they expired, or the telephony lost them."""
    answered_within: int = 0
    answer_wait_us: int = 0
    call_talks: int = 0
    call_talk_us: int = 0

    # ------------------------------------------------------------ callbacks
    callbacks: int = 0
    merged: int = 0
    settled: int = 0
    scheduled: int = 0
    booked: int = 0
    executed: int = 0
    immediate_executed: int = 0
    executed_settled: int = 0
    answered: int = 0
    answered_settled: int = 0
    completed: int = 0
    cancelled: int = 0
    expired: int = 0
    unreached: int = 0
    declined_by_agents: int = 0
    refused_by_rule: int = 0
    served_elsewhere: int = 0
    first_calls: int = 0
    first_call_us: int = 0
    waits: int = 0
    wait_us: int = 0
    hold_saved_us: int = 0
    scored: int = 0
    score_millionths: int = 0
    resolution_known: int = 0
    resolved: int = 0
    resolved_at_first: int = 0
    timed: int = 0
    punctual: int = 0
    late_us: int = 0
    quoted: int = 0
    quote_error_us: int = 0
    quote_distance_us: int = 0
    ranged: int = 0
    within_range: int = 0

    # ------------------------------------------------------------ attempts, and both
    attempts: int = 0
    dials: int = 0
    callback_talks: int = 0
    callback_talk_us: int = 0
    line_us: int = 0
    """Time that calls of ours to customers took on a line, from the answer on."""
    connecting_us: int = 0
    """Time that agents were kept for attempts before anybody talked."""
    started: int = 0
    """Live calls that an agent took, and callbacks that were attempted."""
    overtaking: int = 0
    overtakes: int = 0
    bins: dict[int, int] = attrs.field(factory=dict[int, int])

    def add(self, other: Counts) -> None:
        """Add what was counted elsewhere."""
        for name, value in zip(NAMES, _ALL(other), strict=True):
            if value:
                setattr(self, name, getattr(self, name) + value)
        for place, value in other.bins.items():
            self.bins[place] = self.bins.get(place, 0) + value

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not any(_ALL(self)) and not any(self.bins.values())

    def without_zeros(self) -> Counts:
        """Return the same counts without bins that are empty again. To compare."""
        return attrs.evolve(self, bins={place: count for place, count in self.bins.items() if count})


NAMES: Final = tuple(name for name in attrs.fields_dict(Counts) if name != "bins")
_ALL: Final = attrgetter(*NAMES)
_OF_OUTCOME: Final = {
    Outcome.CANCELLED: "cancelled",
    Outcome.EXPIRED: "expired",
    Outcome.UNREACHED: "unreached",
    Outcome.DECLINED_BY_AGENTS: "declined_by_agents",
    Outcome.REFUSED_BY_RULE: "refused_by_rule",
    Outcome.SERVED_ELSEWHERE: "served_elsewhere",
}


def _span_us(begin: datetime, end: datetime) -> int:
    """Return the time between in microseconds; none where clocks of two nodes make it less."""
    span = end - begin
    return max(0, (span.days * 86_400 + span.seconds) * MILLION + span.microseconds)


# ---------------------------------------------------------------------------- live calls


def count_call(counts: Counts, facts: CallFacts, *, sign: int) -> None:
    """Add what one live call counts, or take it away."""
    counts.inbound += sign
    if facts.callback_id is None and facts.returns_for_id is None:
        counts.call_contacts += sign
    if facts.offers_count:
        counts.offered += sign
        if facts.outcome is CallOutcome.CONVERTED:
            counts.accepted += sign
    if facts.outcome is CallOutcome.CONVERTED:
        counts.converted += sign
    if facts.taken_at is not None:
        _count_taken(counts, facts, facts.taken_at, sign=sign)
    elif facts.outcome is not None:
        counts.decided += sign
        counts.queued += sign
        match facts.outcome:
            case CallOutcome.CONVERTED:
                counts.adopted += sign
            case CallOutcome.ABANDONED:
                counts.abandoned += sign
            case _:
                counts.lost += sign


def _count_taken(counts: Counts, facts: CallFacts, taken_at: datetime, *, sign: int) -> None:
    wait_us = _span_us(facts.entered_at, taken_at)
    counts.decided += sign
    counts.served += sign
    counts.started += sign
    counts.answer_wait_us += sign * wait_us
    if wait_us > _QUEUED_AFTER_US:
        counts.queued += sign
    if wait_us <= _WITHIN_US:
        counts.answered_within += sign
    if facts.outcome is CallOutcome.SERVED and facts.ended_at is not None:
        counts.call_talks += sign
        counts.call_talk_us += sign * _span_us(taken_at, facts.ended_at)
    _count_overtakes(counts, facts, sign=sign)


def _count_overtakes(counts: Counts, facts: CallFacts | CallbackFacts, *, sign: int) -> None:
    passed = facts.overtook_calls_count + facts.overtook_callbacks_count
    if passed:
        counts.overtaking += sign
        counts.overtakes += sign * passed


# ---------------------------------------------------------------------------- callbacks


def count_callback(counts: Counts, facts: CallbackFacts, *, hour_of: HourOf, sign: int) -> None:
    """Add what one callback counts with all its attempts, or take it away."""
    if facts.outcome is Outcome.REPLACED:
        counts.merged += sign
        return
    counts.callbacks += sign
    if facts.scheduled_at is not None:
        counts.scheduled += sign
    if facts.is_booked:
        counts.booked += sign
    if facts.attempts:
        _count_attempts(counts, facts, hour_of=hour_of, sign=sign)
    if facts.outcome is not None:
        counts.settled += sign
        if facts.outcome is Outcome.COMPLETED:
            _count_completed(counts, facts, sign=sign)
        else:
            name = _OF_OUTCOME[facts.outcome]
            setattr(counts, name, getattr(counts, name) + sign)
    if facts.score is not None:
        counts.scored += sign
        counts.score_millionths += sign * round(facts.score * MILLION)


def _count_executed(
    counts: Counts, facts: CallbackFacts, first_dial: datetime, *, was_answered: bool, sign: int
) -> None:
    counts.executed += sign
    if facts.scheduled_at is None:
        counts.immediate_executed += sign
        counts.first_calls += sign
        counts.first_call_us += sign * _span_us(facts.requested_at, first_dial)
    if facts.outcome is not None:
        counts.executed_settled += sign
    if was_answered:
        counts.answered += sign
        if facts.outcome is not None:
            counts.answered_settled += sign


def _count_completed(counts: Counts, facts: CallbackFacts, *, sign: int) -> None:
    counts.completed += sign
    if facts.resolved is not None:
        counts.resolution_known += sign
        if facts.resolved:
            counts.resolved += sign
            if facts.follows_id is None:
                counts.resolved_at_first += sign
    if facts.ended_at is None:
        return
    if facts.scheduled_at is not None:
        late = facts.ended_at - facts.scheduled_at
        late_us = late // _MICROSECOND
        counts.timed += sign
        counts.late_us += sign * late_us
        if abs(late_us) <= _PUNCTUAL_US:
            counts.punctual += sign
        return
    wait_us = _span_us(facts.requested_at, facts.ended_at)
    counts.waits += sign
    counts.wait_us += sign * wait_us
    if facts.call_id is not None:
        counts.hold_saved_us += sign * wait_us
    if facts.quoted_wait_s is not None and math.isfinite(facts.quoted_wait_s):
        _count_quote(counts, facts, round(facts.quoted_wait_s * MILLION), wait_us, sign=sign)


def _count_quote(counts: Counts, facts: CallbackFacts, quoted_us: int, wait_us: int, *, sign: int) -> None:
    error_us = quoted_us - wait_us
    counts.quoted += sign
    counts.quote_error_us += sign * error_us
    counts.quote_distance_us += sign * abs(error_us)
    bins, place = counts.bins, QUOTE_BINS + BIN_WIDTH * _quote_group(quoted_us)
    bins[place] = bins.get(place, 0) + sign
    bins[place + 2] = bins.get(place + 2, 0) + sign * quoted_us
    bins[place + 3] = bins.get(place + 3, 0) + sign * wait_us
    low_s, high_s = facts.quoted_wait_low_s, facts.quoted_wait_high_s
    if low_s is not None and high_s is not None:
        counts.ranged += sign
        if low_s * MILLION <= wait_us <= high_s * MILLION:
            counts.within_range += sign
            bins[place + 1] = bins.get(place + 1, 0) + sign


def _quote_group(quoted_us: int) -> int:
    """Return the number of the group that a quoted wait is in."""
    return max(0, bisect_right(QUOTES_FROM_MIN, quoted_us // (60 * MILLION)) - 1)


# ---------------------------------------------------------------------------- attempts


def _count_attempts(counts: Counts, facts: CallbackFacts, *, hour_of: HourOf, sign: int) -> None:
    bins = counts.bins
    first_dial: datetime | None = None
    number, was_tried, was_answered = 0, False, False
    for attempt in facts.attempts:
        if attempt.customer_answered_at is not None and attempt.ended_at is not None:
            counts.line_us += sign * _span_us(attempt.customer_answered_at, attempt.ended_at)
        if attempt.is_announcement:
            continue
        was_tried = True
        counts.attempts += sign
        _count_talk(counts, attempt, sign=sign)
        if not attempt.customer_dialed:
            continue
        number += 1
        first_dial = first_dial or attempt.started_at
        answered = attempt.customer_answered_at is not None and attempt.disposition not in _NOT_THE_CUSTOMER
        was_answered = was_answered or answered
        counts.dials += sign
        place = ATTEMPT_BINS + BIN_WIDTH * min(number, ATTEMPTS_SHOWN)
        hour_place = HOUR_BINS + BIN_WIDTH * hour_of(attempt.started_at) + (0 if number == 1 else 2)
        bins[place] = bins.get(place, 0) + sign
        bins[hour_place] = bins.get(hour_place, 0) + sign
        if answered:
            bins[place + 1] = bins.get(place + 1, 0) + sign
            bins[hour_place + 1] = bins.get(hour_place + 1, 0) + sign
            if attempt.connected_at is not None:
                bins[place + 2] = bins.get(place + 2, 0) + sign
    if was_tried:
        counts.started += sign
        _count_overtakes(counts, facts, sign=sign)
    if first_dial is not None:
        _count_executed(counts, facts, first_dial, was_answered=was_answered, sign=sign)


def _count_talk(counts: Counts, attempt: AttemptFacts, *, sign: int) -> None:
    """Count a conversation, and how long an agent was kept before it, or in vain."""
    until_at = attempt.connected_at or attempt.ended_at
    if until_at is not None:
        counts.connecting_us += sign * _span_us(attempt.started_at, until_at)
    if (
        attempt.connected_at is not None
        and attempt.ended_at is not None
        and attempt.disposition is Disposition.CONNECTED
    ):
        counts.callback_talks += sign
        counts.callback_talk_us += sign * _span_us(attempt.connected_at, attempt.ended_at)
