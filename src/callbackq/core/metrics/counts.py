"""
What is counted of stories: integers alone, so that what is added can be taken away again and nothing is lost.

Times are whole microseconds, scores are millionths. The rule: `count_call` and `count_callback` say what one story
adds, with sign +1; the same with sign -1 takes exactly that away. No figure is computed here: see `definitions`.

A story is counted by its gist, a bare tuple: of a million there is no time to make objects. `gist_of` takes it out of
facts, and a database may give it as it is.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

import attrs

from callbackq.model.figures import AttemptGist, CallbackFacts, CallbackGist, CallFacts, CallGist
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
_QUOTES_FROM_US: Final = tuple(minutes * 60 * MILLION for minutes in QUOTES_FROM_MIN)
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


def gist_of_call(facts: CallFacts) -> CallGist:
    """Return what counts of a live call."""
    return (
        facts.call_id,
        facts.entered_at,
        facts.offers_count,
        facts.taken_at,
        facts.outcome,
        facts.ended_at,
        facts.callback_id is not None,
        facts.returns_for_id is not None,
        facts.overtook_calls_count,
        facts.overtook_callbacks_count,
    )


def gist_of_callback(facts: CallbackFacts) -> CallbackGist:
    """Return what counts of a callback, its attempts included."""
    attempts = tuple(
        (
            one.started_at,
            one.is_announcement,
            one.customer_dialed,
            one.customer_answered_at,
            one.connected_at,
            one.ended_at,
            one.disposition,
        )
        for one in facts.attempts
    )
    return (
        facts.callback_id,
        facts.requested_at,
        facts.channel,
        facts.call_id is not None,
        facts.scheduled_at,
        facts.is_booked,
        facts.follows_id is not None,
        facts.quoted_wait_s,
        facts.quoted_wait_low_s,
        facts.quoted_wait_high_s,
        facts.outcome,
        facts.ended_at,
        facts.score,
        facts.resolved,
        facts.overtook_calls_count,
        facts.overtook_callbacks_count,
        attempts,
    )


def _span_us(begin: datetime, end: datetime) -> int:
    """Return the time between in microseconds; none where clocks of two nodes make it less."""
    if end <= begin:
        return 0
    span = end - begin
    return (span.days * 86_400 + span.seconds) * MILLION + span.microseconds


# ---------------------------------------------------------------------------- live calls


def count_call(counts: Counts, call: CallGist, *, sign: int) -> None:
    """Add what one live call counts, or take it away."""
    _, entered_at, offers_count, taken_at, outcome, ended_at, converted, returned, calls, callbacks = call
    counts.inbound += sign
    if not converted and not returned:
        counts.call_contacts += sign
    is_converted = outcome is CallOutcome.CONVERTED
    if offers_count:
        counts.offered += sign
        if is_converted:
            counts.accepted += sign
    if is_converted:
        counts.converted += sign
    if taken_at is not None:
        counts.decided += sign
        counts.served += sign
        counts.started += sign
        _count_answer(counts, _span_us(entered_at, taken_at), sign=sign)
        if outcome is CallOutcome.SERVED and ended_at is not None:
            counts.call_talks += sign
            counts.call_talk_us += sign * _span_us(taken_at, ended_at)
        if calls or callbacks:
            _count_overtakes(counts, calls + callbacks, sign=sign)
    elif outcome is not None:
        counts.decided += sign
        counts.queued += sign
        if is_converted:
            counts.adopted += sign
        elif outcome is CallOutcome.ABANDONED:
            counts.abandoned += sign
        else:
            counts.lost += sign


def _count_answer(counts: Counts, wait_us: int, *, sign: int) -> None:
    counts.answer_wait_us += sign * wait_us
    if wait_us > _QUEUED_AFTER_US:
        counts.queued += sign
    if wait_us <= _WITHIN_US:
        counts.answered_within += sign


def _count_overtakes(counts: Counts, passed: int, *, sign: int) -> None:
    counts.overtaking += sign
    counts.overtakes += sign * passed


# ---------------------------------------------------------------------------- callbacks


def count_callback(counts: Counts, callback: CallbackGist, *, hour_of: HourOf, sign: int) -> None:
    """Add what one callback counts with all its attempts, or take it away."""
    _, requested_at, _, _, scheduled_at, is_booked, _, _, _, _, outcome, _, score, _, _, _, attempts = (
        callback
    )
    if outcome is Outcome.REPLACED:
        counts.merged += sign
        return
    counts.callbacks += sign
    if scheduled_at is not None:
        counts.scheduled += sign
    if is_booked:
        counts.booked += sign
    if attempts:
        first_dial, was_tried, was_answered = _count_attempts(counts, attempts, hour_of=hour_of, sign=sign)
        if was_tried:
            counts.started += sign
            if callback[14] or callback[15]:
                _count_overtakes(counts, callback[14] + callback[15], sign=sign)
        if first_dial is not None:
            _count_executed(counts, is_settled=outcome is not None, was_answered=was_answered, sign=sign)
            if scheduled_at is None:
                counts.immediate_executed += sign
                counts.first_calls += sign
                counts.first_call_us += sign * _span_us(requested_at, first_dial)
    if outcome is not None:
        counts.settled += sign
        if outcome is Outcome.COMPLETED:
            _count_completed(counts, callback, sign=sign)
        else:
            name = _OF_OUTCOME[outcome]
            setattr(counts, name, getattr(counts, name) + sign)
    if score is not None:
        counts.scored += sign
        counts.score_millionths += sign * round(score * MILLION)


def _count_executed(counts: Counts, *, is_settled: bool, was_answered: bool, sign: int) -> None:
    counts.executed += sign
    if is_settled:
        counts.executed_settled += sign
    if was_answered:
        counts.answered += sign
        if is_settled:
            counts.answered_settled += sign


def _count_completed(counts: Counts, callback: CallbackGist, *, sign: int) -> None:
    _, requested_at, _, was_call, scheduled_at, _, follows, quoted_s, low_s, high_s, _, ended_at, *_ = (
        callback
    )
    resolved = callback[13]
    counts.completed += sign
    if resolved is not None:
        counts.resolution_known += sign
        if resolved:
            counts.resolved += sign
            if not follows:
                counts.resolved_at_first += sign
    if ended_at is None:
        return
    if scheduled_at is not None:
        late_us = (ended_at - scheduled_at) // _MICROSECOND
        counts.timed += sign
        counts.late_us += sign * late_us
        if abs(late_us) <= _PUNCTUAL_US:
            counts.punctual += sign
        return
    wait_us = _span_us(requested_at, ended_at)
    counts.waits += sign
    counts.wait_us += sign * wait_us
    if was_call:
        counts.hold_saved_us += sign * wait_us
    if quoted_s is not None and math.isfinite(quoted_s):
        _count_quote(counts, round(quoted_s * MILLION), low_s, high_s, wait_us, sign=sign)


def _count_quote(
    counts: Counts, quoted_us: int, low_s: float | None, high_s: float | None, wait_us: int, *, sign: int
) -> None:
    error_us = quoted_us - wait_us
    counts.quoted += sign
    counts.quote_error_us += sign * error_us
    counts.quote_distance_us += sign * abs(error_us)
    bins, place = counts.bins, QUOTE_BINS + BIN_WIDTH * max(0, bisect_right(_QUOTES_FROM_US, quoted_us) - 1)
    bins[place] = bins.get(place, 0) + sign
    bins[place + 2] = bins.get(place + 2, 0) + sign * quoted_us
    bins[place + 3] = bins.get(place + 3, 0) + sign * wait_us
    if low_s is not None and high_s is not None:
        counts.ranged += sign
        if low_s * MILLION <= wait_us <= high_s * MILLION:
            counts.within_range += sign
            bins[place + 1] = bins.get(place + 1, 0) + sign


# ---------------------------------------------------------------------------- attempts


def _count_attempts(
    counts: Counts, attempts: Iterable[AttemptGist], *, hour_of: HourOf, sign: int
) -> tuple[datetime | None, bool, bool]:
    """Count attempts; return when the customer was first dialed, whether there was any try, and any answer."""
    bins = counts.bins
    first_dial: datetime | None = None
    number, was_tried, was_answered = 0, False, False
    for started_at, is_announcement, dialed, answered_at, connected_at, ended_at, disposition in attempts:
        if answered_at is not None and ended_at is not None:
            counts.line_us += sign * _span_us(answered_at, ended_at)
        if is_announcement:
            continue
        was_tried = True
        counts.attempts += sign
        until_at = connected_at or ended_at
        if until_at is not None:  # How long an agent was kept before a conversation, or in vain.
            counts.connecting_us += sign * _span_us(started_at, until_at)
        if connected_at is not None and ended_at is not None and disposition is Disposition.CONNECTED:
            counts.callback_talks += sign
            counts.callback_talk_us += sign * _span_us(connected_at, ended_at)
        if not dialed:
            continue
        number += 1
        first_dial = first_dial or started_at
        counts.dials += sign
        place = ATTEMPT_BINS + BIN_WIDTH * min(number, ATTEMPTS_SHOWN)
        hour_place = HOUR_BINS + BIN_WIDTH * hour_of(started_at) + (0 if number == 1 else 2)
        bins[place] = bins.get(place, 0) + sign
        bins[hour_place] = bins.get(hour_place, 0) + sign
        if answered_at is not None and disposition not in _NOT_THE_CUSTOMER:
            was_answered = True
            bins[place + 1] = bins.get(place + 1, 0) + sign
            bins[hour_place + 1] = bins.get(hour_place + 1, 0) + sign
            if connected_at is not None:
                bins[place + 2] = bins.get(place + 2, 0) + sign
    return first_dial, was_tried, was_answered
