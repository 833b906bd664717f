"""Rates measured from a queue's own rows: each figure by hand, and nothing from rows that tell nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.rates import ABANDONS_MIN, ANSWER_RATIO_PRIOR, PASSED_ROWS_MIN, PRIOR_WEIGHT, measure
from callbackq.ids import AttemptId, CallId
from callbackq.model import (
    AnsweredBy,
    Attempt,
    CallOutcome,
    Disposition,
    LegState,
    LiveCall,
    Rates,
)
from callbackq.policy import STRICT_CREDIT, QueuePolicy
from core.samples import LAW, START, SUPPORT, H, M, S, a_call, an_attempt

NOW = START + H
POLICY = QueuePolicy(queue=SUPPORT, handle_time=5 * M, wrap_up=20 * S)


def rates(
    *,
    taken: Sequence[LiveCall] = (),
    ended: Sequence[LiveCall] = (),
    attempts: Sequence[Attempt] = (),
    policy: QueuePolicy = POLICY,
    priority: int = 100,
) -> Rates:
    return measure(taken=taken, ended=ended, attempts=attempts, now=NOW, policy=policy, priority=priority)


def served(number: int = 0, *, waited: float = 60, talked: float = 100, **changes: Any) -> LiveCall:
    """Return a live call that waited, was taken, and is over."""
    taken_at = START + timedelta(seconds=waited)
    fields: dict[str, Any] = {
        "call_id": CallId(f"served-{number}"),
        "taken_at": taken_at,
        "ended_at": taken_at + timedelta(seconds=talked),
        "outcome": CallOutcome.SERVED,
    }
    return a_call(**{**fields, **changes})


def gone(number: int = 0, *, waited: float = 60, **changes: Any) -> LiveCall:
    """Return a live call that waited and left: it gave up, if nothing else is said."""
    fields: dict[str, Any] = {
        "call_id": CallId(f"gone-{number}"),
        "ended_at": START + timedelta(seconds=waited),
        "outcome": CallOutcome.ABANDONED,
    }
    return a_call(**{**fields, **changes})


def attempt(number: int = 0, **changes: Any) -> Attempt:
    """Return an attempt that rang the customer for nothing."""
    fields: dict[str, Any] = {
        "attempt_id": AttemptId(f"at_{number}"),
        "customer_leg": LegState.ENDED,
        "customer_rang": True,
        "disposition": Disposition.NO_ANSWER,
        "ended_at": START + 50 * S,
    }
    return an_attempt(**{**fields, **changes})


def connected(number: int = 0, *, after: float = 15, talked: float = 100, **changes: Any) -> Attempt:
    """Return an attempt that connected and is over."""
    connected_at = START + timedelta(seconds=after)
    fields: dict[str, Any] = {
        "answered_by": AnsweredBy.HUMAN,
        "disposition": Disposition.CONNECTED,
        "connected_at": connected_at,
        "ended_at": connected_at + timedelta(seconds=talked),
    }
    return attempt(number, **{**fields, **changes})


def test_with_no_rows_all_is_as_the_policy_says() -> None:
    """Or as the priors do."""
    assert rates() == Rates(
        handle_time_s=300.0,
        patience_rate=0.0,
        answer_ratio=ANSWER_RATIO_PRIOR,
        reconnect_s=None,
        overtaking_rate=0.0,
        overtaking_max_s=math.inf,
        samples_count=0,
    )


# ---------------------------------------------------------------------------- handle time


def test_the_handle_time_is_the_talk_and_the_wrap_up() -> None:
    """Of served calls and of connected attempts: (8 x 300 + 120 + 240 + 60) / 11."""
    found = rates(ended=[served(1, talked=100), served(2, talked=220)], attempts=[connected(talked=40)])
    assert found.handle_time_s == pytest.approx((PRIOR_WEIGHT * 300 + 120 + 240 + 60) / (PRIOR_WEIGHT + 3))
    assert found.samples_count == 3


def test_many_rows_outweigh_the_policy() -> None:
    """Three hundred calls of 80 s and 20 s of wrap-up: 105 s, and no longer 300 s."""
    found = rates(ended=[served(number, talked=80) for number in range(300)])
    assert found.handle_time_s == pytest.approx((8 * 300 + 300 * 100) / 308)
    assert found.samples_count == 300


def test_a_call_in_both_lists_counts_once() -> None:
    """It was taken of late, and it ended of late."""
    call = served(1, talked=100)
    assert rates(taken=[call], ended=[call]) == rates(taken=[call]) == rates(ended=[call])
    assert rates(taken=[call]).samples_count == 1


@pytest.mark.parametrize(
    "call",
    [
        served(taken_at=None),
        served(ended_at=None),
        served(talked=-1),
        served(outcome=None),
        served(outcome=CallOutcome.LOST),
        gone(),
    ],
)
def test_a_call_of_which_no_talk_is_known_tells_none(call: LiveCall) -> None:
    """One that is still going on, one that ended before it began, one that was not served."""
    found = rates(taken=[call], ended=[call])
    assert (found.handle_time_s, found.samples_count) == (300.0, 0)


@pytest.mark.parametrize(
    "odd",
    [
        attempt(),
        connected(connected_at=None),
        connected(ended_at=None),
        connected(talked=-1),
        connected(disposition=Disposition.ANSWERED_THEN_LEFT),
    ],
)
def test_an_attempt_of_which_no_talk_is_known_tells_none(odd: Attempt) -> None:
    """It did not connect, or is not over, or ended before it began."""
    assert rates(attempts=[odd]).samples_count == 0


# ---------------------------------------------------------------------------- patience


def test_patience_is_who_gave_up_per_second_waited() -> None:
    """6 of 10 gave up; all of them waited 6 x 40 + 2 x 60 + 2 x 30 = 420 s."""
    ended = [
        *(gone(number, waited=40) for number in range(6)),
        *(served(number, waited=60) for number in range(2)),
        *(gone(number, waited=30, outcome=CallOutcome.CONVERTED) for number in (7, 8)),
    ]
    assert rates(ended=ended).patience_rate == pytest.approx(6 / 420)


@pytest.mark.parametrize("outcome", [CallOutcome.EXPIRED, CallOutcome.LOST])
def test_of_calls_that_were_lost_nobody_knows_how_long_they_waited(outcome: CallOutcome) -> None:
    """They are left out, however long they stand in the rows."""
    ended = [gone(number, waited=40) for number in range(6)]
    found = rates(ended=[*ended, gone(9, waited=3_000, outcome=outcome)])
    assert found.patience_rate == rates(ended=ended).patience_rate == pytest.approx(1 / 40)


def test_a_few_who_gave_up_are_no_measure() -> None:
    """Then nobody is taken to give up."""
    few = [gone(number) for number in range(ABANDONS_MIN - 1)]
    assert rates(ended=few).patience_rate == 0.0
    assert rates(ended=[*few, gone(99)]).patience_rate == pytest.approx(1 / 60)
    assert rates(ended=[gone(number, waited=0) for number in range(9)]).patience_rate == 0.0


def test_taken_calls_tell_nothing_of_patience() -> None:
    """They reach further back than those that ended, and nobody among them gave up."""
    ended = [gone(number) for number in range(ABANDONS_MIN)]
    with_taken = rates(ended=ended, taken=[served(number) for number in range(50)])
    assert with_taken.patience_rate == rates(ended=ended).patience_rate


# ---------------------------------------------------------------------------- answers and reconnecting


def test_the_answer_ratio_is_shrunk_towards_what_is_known_of_others() -> None:
    """2 of 4: (8 x .93 + 2) / 12."""
    attempts = [
        connected(1),
        connected(2, answered_by=AnsweredBy.UNKNOWN),
        attempt(3),
        attempt(4, answered_by=AnsweredBy.MACHINE, disposition=Disposition.MACHINE),
    ]
    assert rates(attempts=attempts).answer_ratio == pytest.approx((8 * 0.93 + 2) / 12)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"answered_by": AnsweredBy.FAX, "disposition": Disposition.FAX}, 0),
        ({"disposition": Disposition.BUSY}, 0),
        ({"disposition": Disposition.UNKNOWN}, 0),
        ({"answered_by": AnsweredBy.HUMAN, "disposition": Disposition.ANSWERED_THEN_LEFT}, 1),
        ({"answered_by": AnsweredBy.HUMAN, "disposition": Disposition.CANCELLED_BY_US}, 1),
        ({"disposition": Disposition.CANCELLED_BY_US}, None),
        ({"disposition": Disposition.AGENT_UNAVAILABLE}, None),
        ({"customer_leg": LegState.NONE}, None),
        ({"customer_leg": LegState.INTENDED}, None),
        ({"ended_at": None}, None),
    ],
)
def test_only_who_was_called_could_answer(changes: dict[str, Any], told: int | None) -> None:
    """And what we ended ourselves before an answer, or what is not over, tells nothing."""
    expected = 0.93 if told is None else (8 * 0.93 + told) / 9
    assert rates(attempts=[attempt(**changes)]).answer_ratio == pytest.approx(expected)


def test_the_reconnect_time_is_from_the_start_to_the_bridge() -> None:
    """(10 + 20) / 2; one that connected before it started is left out, and so is one that did not connect."""
    attempts = [connected(1, after=10), connected(2, after=20), connected(3, after=-5), attempt(4)]
    assert rates(attempts=attempts).reconnect_s == pytest.approx(15.0)
    assert rates(attempts=[connected(1, after=-5), attempt(2)]).reconnect_s is None


# ---------------------------------------------------------------------------- overtaking


def test_who_has_a_better_priority_overtakes() -> None:
    """Of 30 taken in the last 3,590 s 10 went before; of 20 who gave up in the last 3,580 s, 5."""
    taken = [served(number, waited=10 + number, priority=10 if number < 10 else 100) for number in range(30)]
    ended = [gone(number, waited=20 + number, priority=10 if number < 5 else 200) for number in range(20)]
    found = rates(taken=taken, ended=ended)
    assert found.overtaking_rate == pytest.approx(10 / 3_590 + 5 / 3_580)
    assert found.overtaking_max_s == math.inf
    assert rates(taken=taken, ended=ended, priority=10).overtaking_rate == 0.0
    assert rates(taken=taken, priority=200).overtaking_rate == pytest.approx(30 / 3_590)


def test_a_call_that_was_taken_and_is_over_overtook_once() -> None:
    """It stands in both lists."""
    calls = [served(number, waited=10 + number, priority=10) for number in range(30)]
    assert rates(taken=calls, ended=calls).overtaking_rate == rates(taken=calls).overtaking_rate


def test_a_head_start_is_the_mean_of_theirs() -> None:
    """Ten with two steps and five with eight, of 30 s each: (20 + 40) / 15 steps, 120 s."""
    policy = attrs.evolve(POLICY, priority_credit=30 * S)
    taken = [
        *(served(number, priority=98) for number in range(10)),
        *(served(10 + number, priority=92) for number in range(5)),
        *(served(20 + number, priority=100) for number in range(5)),
    ]
    found = rates(taken=taken, policy=policy)
    assert found.overtaking_max_s == pytest.approx(120.0)
    assert found.overtaking_rate == pytest.approx(15 / 3_540)
    assert rates(policy=policy).overtaking_max_s == 0.0
    level = attrs.evolve(POLICY, priority_credit=timedelta(0))
    assert rates(taken=taken, policy=level).overtaking_max_s == 0.0
    assert policy.priority_credit < STRICT_CREDIT == POLICY.priority_credit


@pytest.mark.parametrize(
    ("waited", "span_s"), [(3_600 - 1, 300), (3_600 - 299, 300), (3_600 - 301, 301), (3_600, 300)]
)
def test_who_leaves_all_at_once_says_no_more_than_five_minutes_would(waited: int, span_s: int) -> None:
    """When the agents sign in, the first who leave come in one second: that is no rate for the hours after."""
    taken = [served(number, waited=waited, priority=10) for number in range(30)]
    assert rates(taken=taken).overtaking_rate == pytest.approx(30 / span_s)


def test_a_few_rows_tell_nothing_of_overtaking() -> None:
    """Nor do rows without the instant, or from after now."""
    few = [served(number, priority=10) for number in range(PASSED_ROWS_MIN - 1)]
    assert rates(taken=few).overtaking_rate == 0.0
    assert rates(taken=[*few, served(99, taken_at=None, priority=10)]).overtaking_rate == 0.0
    assert rates(taken=[*few, served(99, priority=10)]).overtaking_rate == pytest.approx(20 / 3_540)
    later = [served(number, waited=7_200, priority=10) for number in range(30)]
    assert rates(taken=later).overtaking_rate == 0.0


# ---------------------------------------------------------------------------- whatever the rows hold

KNOWN = st.timedeltas(-2 * H, 2 * H).map(lambda after: START + after)
INSTANTS = st.none() | KNOWN
CALLS = st.lists(
    st.builds(
        a_call,
        call_id=st.sampled_from("abcdefgh"),
        priority=st.integers(0, 255),
        entered_at=KNOWN,
        taken_at=INSTANTS,
        ended_at=INSTANTS,
        outcome=st.none() | st.sampled_from(CallOutcome),
    ),
    max_size=6,
).map(lambda rows: 5 * rows)
ATTEMPTS = st.lists(
    st.builds(
        an_attempt,
        started_at=KNOWN,
        connected_at=INSTANTS,
        ended_at=INSTANTS,
        answered_by=st.none() | st.sampled_from(AnsweredBy),
        disposition=st.none() | st.sampled_from(Disposition),
        customer_leg=st.sampled_from(LegState),
    ),
    max_size=4,
)


@LAW
@given(CALLS, CALLS, ATTEMPTS, st.integers(0, 255))
def test_odd_rows_make_no_odd_rates(
    taken: list[LiveCall], ended: list[LiveCall], attempts: list[Attempt], priority: int
) -> None:
    """Each rate is what an estimator can use."""
    found = rates(taken=taken, ended=ended, attempts=attempts, priority=priority)
    assert 0 < found.handle_time_s < math.inf
    assert 0 <= found.patience_rate < math.inf
    assert 0 < found.answer_ratio < 1
    assert found.reconnect_s is None or found.reconnect_s >= 0
    assert 0 <= found.overtaking_rate < math.inf
    assert found.overtaking_max_s == math.inf
    assert 0 <= found.samples_count <= len(taken) + len(ended) + len(attempts)
