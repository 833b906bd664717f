"""What follows a failed attempt: every preset sentence by sentence, every kind of rest, and which number is next."""

from __future__ import annotations

import math
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.retry import (
    Correct,
    End,
    Failures,
    GoBack,
    NextStep,
    Rest,
    counts,
    next_business_day,
    next_step,
    rest_of,
)
from callbackq.ids import AttemptId
from callbackq.model import AnsweredBy, Confirmation, Disposition, NoticeKind, Outcome
from callbackq.policy import (
    RETRY_PRESETS,
    ExponentialRest,
    NextBusinessDay,
    NumberChoice,
    QueuePolicy,
    RetryRule,
    SteppedRest,
)
from core.samples import ATTEMPT_ID, LAW, START, SUPPORT, D, H, M, S, a_callback, an_attempt

_D = Disposition
EXPIRES = START + D
S2 = QueuePolicy(queue=SUPPORT)
PATIENT = QueuePolicy(
    queue=SUPPORT,
    attempts_max=10,
    retry_rules={
        _D.NO_ANSWER: RetryRule(retries_max=3, rest=7 * M),
        _D.UNKNOWN: RetryRule(retries_max=2, rest=20 * M),
        _D.WRONG_PERSON: RetryRule(retries_max=1, number=NumberChoice.OTHER),
    },
)


def preset(name: str) -> QueuePolicy:
    settings: Any = RETRY_PRESETS[name].settings()
    return QueuePolicy(queue=SUPPORT, **settings)


def step_after(
    disposition: Disposition,
    *,
    attempts_count: int = 0,
    same: int = 0,
    usable: tuple[int, ...] = (0,),
    index: int = 0,
    all_declined: bool = False,
    policy: QueuePolicy = S2,
    expires_at: datetime = EXPIRES,
    **attempt: Any,
) -> NextStep:
    fields = {"customer_rang": True, "number_index": index, **attempt}
    return next_step(
        a_callback(attempts_count=attempts_count, expires_at=expires_at),
        an_attempt(disposition=disposition, **fields),
        failures=Failures(same_count=same, usable=usable, all_declined=all_declined),
        policy=policy,
        now=START,
    )


def unreached(reason: str) -> End:
    """S2: a message "we tried to reach you", and somebody follows up within 24 hours."""
    return End(Outcome.UNREACHED, reason, NoticeKind.UNREACHED, 24 * H)


def no_retry(disposition: Disposition) -> End:
    return unreached(f"no_retry_after_{disposition.value}")


USED_UP = unreached("attempts_used_up")
LAST: dict[Disposition, NextStep] = {
    _D.WRONG_PERSON: Correct(),
    # The customer's phone rang, and the agent went away: they are told that nobody could take it.
    _D.AGENT_UNAVAILABLE: End(Outcome.UNREACHED, "attempts_used_up", NoticeKind.NO_AGENT, 24 * H),
}
"""What follows the last attempt, where it is not that."""
AT_ONCE = Rest(timedelta(0))
NEVER = (_D.FAX, _D.REJECTED, _D.INVALID_NUMBER, _D.CANCELLED_BY_US, _D.CONNECTED)
OURS: dict[Disposition, NextStep] = {
    _D.AGENT_UNAVAILABLE: AT_ONCE,
    _D.DECLINED_BY_CUSTOMER: Rest(15 * M),
    _D.WRONG_PERSON: Correct(),
    **{disposition: no_retry(disposition) for disposition in NEVER},
}
"""The same in every preset, for a person with one number."""

EITHER_FIVE_MINUTES: dict[Disposition, NextStep] = {
    **OURS,
    _D.NO_ANSWER: Rest(5 * M),
    _D.BUSY: Rest(5 * M),
    _D.MACHINE: Rest(5 * M),
    _D.UNREACHABLE: Rest(5 * M),
    _D.CONGESTED: Rest(5 * M),
    _D.NETWORK_FAILURE: Rest(5 * M),
    _D.ANSWERED_THEN_LEFT: Rest(5 * M),
    _D.UNKNOWN: Rest(5 * M),
}
AFTER_THE_FIRST: dict[str, dict[Disposition, NextStep]] = {
    "s2": {
        **OURS,
        _D.NO_ANSWER: Rest(2 * M),  # "Retry after 2 minutes (1 retry max)"
        _D.BUSY: Rest(3 * M),  # "If busy signal: Retry once after 3 minutes"
        _D.MACHINE: no_retry(_D.MACHINE),  # "If voicemail: Leave brief message"
        _D.UNREACHABLE: Rest(5 * M),  # "One retry within 5 minutes, then SMS follow-up"
        _D.CONGESTED: Rest(5 * M),
        _D.NETWORK_FAILURE: Rest(5 * M),
        _D.UNKNOWN: Rest(5 * M),
        _D.ANSWERED_THEN_LEFT: Rest(2 * M),
    },
    "genesys": EITHER_FIVE_MINUTES,
    "mindful": EITHER_FIVE_MINUTES,
}
ATTEMPTS = {"s2": 2, "genesys": 3, "mindful": 3}
CASES = [(name, *case) for name, table in AFTER_THE_FIRST.items() for case in table.items()]

# ---------------------------------------------------------------------------- presets


def test_the_tables_know_every_preset_and_disposition() -> None:
    """None is forgotten."""
    assert AFTER_THE_FIRST.keys() == ATTEMPTS.keys() == RETRY_PRESETS.keys()
    for table in AFTER_THE_FIRST.values():
        assert set(table) == set(Disposition)


@pytest.mark.parametrize(("name", "disposition", "expected"), CASES)
def test_after_the_first_attempt(name: str, disposition: Disposition, expected: NextStep) -> None:
    """G1, G2: one rule for each disposition; what is not named ends, with a message and a follow-up within 24 h."""
    assert step_after(disposition, policy=preset(name)) == expected


@pytest.mark.parametrize(("name", "disposition", "first"), CASES)
def test_how_often_in_all(name: str, disposition: Disposition, first: NextStep) -> None:
    """G6: as many attempts as the preset has, each failing the same way; then the message, and never one more."""
    policy, steps = preset(name), [first]
    for earlier in range(1, ATTEMPTS[name]):
        step = step_after(disposition, attempts_count=earlier, same=earlier, policy=policy)
        steps.append(step)
    rests = [step for step in steps if isinstance(step, Rest)]
    kept = 0 if not isinstance(first, Rest) else 1 if disposition in OURS else ATTEMPTS[name] - 1
    assert rests == [first] * kept
    assert steps[-1] == LAST.get(disposition, USED_UP)


@pytest.mark.parametrize("disposition", list(Disposition))
def test_after_the_second_attempt_of_s2_it_is_over(disposition: Disposition) -> None:
    """S2: at most two attempts in all, whatever became of them; but a wrong number is asked for."""
    for same in (0, 1):
        step = step_after(disposition, attempts_count=1, same=same)
        assert step == LAST.get(disposition, USED_UP)


def test_s2_in_a_row() -> None:
    """S2: nobody answers; 2 minutes later it is busy; the customer gets a message, and the agent a day to follow up."""
    assert step_after(_D.NO_ANSWER) == Rest(2 * M, 0, None)
    end = step_after(_D.BUSY, attempts_count=1)
    assert end == End(Outcome.UNREACHED, "attempts_used_up", NoticeKind.UNREACHED, timedelta(days=1))


# ---------------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("attempts_count", "same", "expected"),
    [
        (0, 0, Rest(7 * M)),
        (1, 1, Rest(7 * M)),
        (2, 2, Rest(7 * M)),
        (3, 3, no_retry(_D.NO_ANSWER)),
        (5, 2, Rest(7 * M)),
        (8, 2, Rest(7 * M)),
        (9, 2, USED_UP),
        (9, 0, USED_UP),
        (9, 3, USED_UP),
        (20, 0, USED_UP),
    ],
)
def test_both_limits_hold(attempts_count: int, same: int, expected: NextStep) -> None:
    """Three retries after no answer, ten attempts in all: whichever comes first ends it."""
    assert step_after(_D.NO_ANSWER, attempts_count=attempts_count, same=same, policy=PATIENT) == expected


def test_a_disposition_without_a_rule_ends() -> None:
    """Attempts that are left do not help where there is no rule."""
    assert step_after(_D.BUSY, policy=PATIENT) == no_retry(_D.BUSY)


def test_one_attempt_means_one() -> None:
    """With one attempt in all nothing is tried again."""
    once = QueuePolicy(queue=SUPPORT, attempts_max=1)
    assert step_after(_D.NO_ANSWER, policy=once) == USED_UP


@pytest.mark.parametrize(
    ("disposition", "rang", "expected"),
    [
        *((disposition, True, True) for disposition in Disposition),
        *(
            (disposition, False, disposition not in {_D.AGENT_UNAVAILABLE, _D.CANCELLED_BY_US})
            for disposition in Disposition
        ),
    ],
)
def test_what_counts(disposition: Disposition, rang: bool, expected: bool) -> None:
    """All count, but what we caused before the customer's phone rang."""
    assert counts(an_attempt(disposition=disposition, customer_rang=rang)) is expected


@pytest.mark.parametrize("disposition", [_D.AGENT_UNAVAILABLE, _D.CANCELLED_BY_US])
@pytest.mark.parametrize("attempts_count", [0, 1, 50])
def test_what_does_not_count_gives_the_place_back(disposition: Disposition, attempts_count: int) -> None:
    """However often: the customer noticed nothing."""
    step = step_after(disposition, customer_rang=False, attempts_count=attempts_count, same=attempts_count)
    assert step == GoBack()


@pytest.mark.parametrize("attempts_count", [0, 7])
def test_what_all_agents_declined_ends_if_policy_says_so(attempts_count: int) -> None:
    """F5: the customer hears that nobody could take it, and somebody follows up within a day."""
    end = step_after(
        _D.AGENT_UNAVAILABLE, customer_rang=False, all_declined=True, attempts_count=attempts_count
    )
    assert end == End(Outcome.DECLINED_BY_AGENTS, "all_declined", NoticeKind.NO_AGENT, 24 * H)


def test_what_rang_and_all_agents_declined_ends_too() -> None:
    """F5: also where the customer's phone rang meanwhile, as when the customer is dialed first."""
    end = step_after(_D.AGENT_UNAVAILABLE, all_declined=True)
    assert end == End(Outcome.DECLINED_BY_AGENTS, "all_declined", NoticeKind.NO_AGENT, 24 * H)


@pytest.mark.parametrize("rang", [False, True])
@pytest.mark.parametrize("left", [D, M, timedelta(0), -M])
def test_all_declined_ends_before_any_other_rule(rang: bool, left: timedelta) -> None:
    """F5: whatever rang, however much time and however many attempts are left, and whatever the rule would allow."""
    end = End(Outcome.DECLINED_BY_AGENTS, "all_declined", NoticeKind.NO_AGENT, 24 * H)
    patient = ruled_by(NumberChoice.NEXT, _D.AGENT_UNAVAILABLE)
    for policy in (S2, PATIENT, patient):
        for attempts_count in (0, policy.attempts_max - 1, 50):
            step = step_after(
                _D.AGENT_UNAVAILABLE,
                customer_rang=rang,
                all_declined=True,
                attempts_count=attempts_count,
                expires_at=START + left,
                policy=policy,
            )
            assert step == end


# ---------------------------------------------------------------------------- the life that is left


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (D, Rest(7 * M)),
        (7 * M + timedelta(microseconds=1), Rest(7 * M)),
        (7 * M, unreached("no_time_left")),
        (M, unreached("no_time_left")),
        (timedelta(0), unreached("no_time_left")),
        (-M, unreached("no_time_left")),
    ],
)
def test_a_rest_that_outlives_the_promise_is_its_end(left: timedelta, expected: NextStep) -> None:
    """G6: it would only expire later, with nobody told: the rule's last message goes out now."""
    assert step_after(_D.NO_ANSWER, policy=PATIENT, expires_at=START + left) == expected


def test_the_rest_is_measured_with_its_steps_and_its_jitter() -> None:
    """G3: the one that would be taken: longer after each failure, and by chance."""
    rule = RetryRule(retries_max=9, rest=SteppedRest(rests=(M, 10 * M)), jitter_ratio=0.5)
    policy = QueuePolicy(queue=SUPPORT, attempts_max=50, retry_rules={_D.BUSY: rule})
    for same in (0, 1):
        rest = rest_of(rule, same, attempt_id=ATTEMPT_ID, now=START)
        assert rest > rule.rest.rests[same]  # type: ignore[union-attr]
        kept = step_after(_D.BUSY, same=same, policy=policy, expires_at=START + rest + S)
        assert kept == Rest(rest)
        over = step_after(_D.BUSY, same=same, policy=policy, expires_at=START + rest)
        assert over == unreached("no_time_left")


def test_what_ends_anyway_says_why_it_ends() -> None:
    """The life is looked at last: what is used up, or has no rule, is called that."""
    assert step_after(_D.NO_ANSWER, attempts_count=1, expires_at=START) == USED_UP
    assert step_after(_D.MACHINE, expires_at=START) == no_retry(_D.MACHINE)
    in_doubt = step_after(_D.UNKNOWN, answered_by=AnsweredBy.HUMAN, expires_at=START)
    assert in_doubt == unreached("in_doubt_after_answer")
    cancelled = step_after(_D.DECLINED_BY_CUSTOMER, confirmation=Confirmation.CANCEL, expires_at=START)
    assert cancelled == End(Outcome.CANCELLED, "cancelled_by_key", None, None)
    assert step_after(_D.CANCELLED_BY_US, customer_rang=False, expires_at=START) == GoBack()


def test_without_time_the_rule_says_who_is_told() -> None:
    """G6: its last message and its follow-up, as where the attempts are used up."""
    told = (NoticeKind.OTHER_TIME, 2 * H)
    assert step_after(_D.BUSY, policy=RULED, expires_at=START + S) == End(
        Outcome.UNREACHED, "no_time_left", *told
    )
    gone = step_after(_D.AGENT_UNAVAILABLE, expires_at=START)
    assert gone == End(Outcome.UNREACHED, "no_time_left", NoticeKind.NO_AGENT, 24 * H)


@pytest.mark.parametrize("left", [timedelta(0), 4 * M, 5 * M])
def test_a_wrong_number_is_asked_for_where_no_time_is_left_for_the_next(left: timedelta) -> None:
    """C9: the person was never tried, and nobody writes to the number that is somebody else's."""
    rule = RetryRule(retries_max=5, rest=5 * M, number=NumberChoice.OTHER)
    policy = QueuePolicy(queue=SUPPORT, attempts_max=9, retry_rules={_D.WRONG_PERSON: rule})
    step = step_after(_D.WRONG_PERSON, usable=(1,), policy=policy, expires_at=START + left)
    assert step == Correct()
    later = step_after(_D.WRONG_PERSON, usable=(1,), policy=policy, expires_at=START + left + 6 * M)
    assert later == Rest(5 * M, 1)


# ---------------------------------------------------------------------------- what the customer said


def test_who_asked_to_be_called_later_is() -> None:
    """Key 2: after 15 minutes, once; then it ends as any other."""
    pressed = {"confirmation": Confirmation.LATER}
    assert step_after(_D.DECLINED_BY_CUSTOMER, **pressed) == Rest(15 * M)
    assert step_after(_D.DECLINED_BY_CUSTOMER, attempts_count=1, same=1, **pressed) == USED_UP


@pytest.mark.parametrize("attempts_count", [0, 1, 9])
@pytest.mark.parametrize("policy", [S2, PATIENT])
def test_who_cancelled_by_key_is_not_called_again(attempts_count: int, policy: QueuePolicy) -> None:
    """Key 3: cancelled, with no message to the customer, who knows, and nobody who follows up."""
    step = step_after(
        _D.DECLINED_BY_CUSTOMER,
        confirmation=Confirmation.CANCEL,
        attempts_count=attempts_count,
        policy=policy,
    )
    assert step == End(Outcome.CANCELLED, "cancelled_by_key", None, None)


@pytest.mark.parametrize("confirmation", [None, Confirmation.ACCEPTED, Confirmation.SILENT])
def test_other_keys_change_nothing(confirmation: Confirmation | None) -> None:
    """What was pressed before decides nothing of how the attempt ended."""
    assert step_after(_D.ANSWERED_THEN_LEFT, confirmation=confirmation) == Rest(2 * M)


SOMEBODY = [by for by in AnsweredBy if by is not AnsweredBy.MACHINE]


@pytest.mark.parametrize("answered_by", SOMEBODY)
@pytest.mark.parametrize("policy", [S2, PATIENT])
def test_what_was_answered_is_not_dialed_again_in_doubt(answered_by: AnsweredBy, policy: QueuePolicy) -> None:
    """The customer answered, and nobody knows what was said: a person decides, not the machine."""
    step = step_after(_D.UNKNOWN, answered_by=answered_by, policy=policy)
    assert step == unreached("in_doubt_after_answer")
    assert step_after(_D.ANSWERED_THEN_LEFT, answered_by=answered_by) == Rest(2 * M)


@pytest.mark.parametrize(("policy", "rest"), [(S2, 5 * M), (PATIENT, 20 * M)])
def test_a_machine_leaves_no_doubt(policy: QueuePolicy, rest: timedelta) -> None:
    """Nobody talked to anybody: it goes on as after doubt without an answer, for as often as its rule says."""
    step = step_after(_D.UNKNOWN, answered_by=AnsweredBy.MACHINE, policy=policy)
    assert step == step_after(_D.UNKNOWN, answered_by=None, policy=policy) == Rest(rest)
    assert step_after(_D.ANSWERED_THEN_LEFT, answered_by=AnsweredBy.MACHINE) == Rest(2 * M)
    last = step_after(_D.UNKNOWN, answered_by=AnsweredBy.MACHINE, policy=policy, same=2)
    assert last == no_retry(_D.UNKNOWN)


def test_what_was_not_answered_is_dialed_again_after_doubt() -> None:
    """Unknown without an answer rests longer than any ringing, and goes on."""
    assert step_after(_D.UNKNOWN, policy=PATIENT, attempts_count=1, same=1) == Rest(20 * M)
    assert step_after(_D.UNKNOWN, policy=PATIENT, attempts_count=2, same=2) == no_retry(_D.UNKNOWN)


# ---------------------------------------------------------------------------- what a rule says of notices


RULED = QueuePolicy(
    queue=SUPPORT,
    attempts_max=3,
    retry_rules={
        _D.BUSY: RetryRule(
            retries_max=1,
            rest=S,
            notice=NoticeKind.MISSED,
            last_notice=NoticeKind.OTHER_TIME,
            follow_up_within=2 * H,
        ),
        _D.FAX: RetryRule(last_notice=None, follow_up_within=None),
    },
)


def test_a_rule_says_who_is_told() -> None:
    """G6: the customer at each retry, another message at the end, and by when somebody follows up; or nobody."""
    assert step_after(_D.BUSY, policy=RULED) == Rest(S, 0, NoticeKind.MISSED)
    told = (NoticeKind.OTHER_TIME, 2 * H)
    assert step_after(_D.BUSY, policy=RULED, attempts_count=1, same=1) == End(
        Outcome.UNREACHED, "no_retry_after_busy", *told
    )
    assert step_after(_D.BUSY, policy=RULED, attempts_count=2) == End(
        Outcome.UNREACHED, "attempts_used_up", *told
    )
    assert step_after(_D.FAX, policy=RULED) == End(Outcome.UNREACHED, "no_retry_after_fax", None, None)
    # Without a rule, as S2 says.
    assert step_after(_D.MACHINE, policy=RULED) == no_retry(_D.MACHINE)


# ---------------------------------------------------------------------------- numbers


def ruled_by(choice: NumberChoice, disposition: Disposition = _D.BUSY) -> QueuePolicy:
    rule = RetryRule(retries_max=5, rest=M, number=choice)
    return QueuePolicy(queue=SUPPORT, attempts_max=9, retry_rules={disposition: rule})


@pytest.mark.parametrize(
    ("choice", "index", "usable", "expected"),
    [
        (NumberChoice.SAME, 0, (0,), 0),
        (NumberChoice.SAME, 1, (0, 1, 2), 1),
        (NumberChoice.SAME, 1, (0, 2), None),
        (NumberChoice.SAME, 0, (), None),
        (NumberChoice.NEXT, 0, (0,), 0),
        (NumberChoice.NEXT, 0, (0, 1, 2), 1),
        (NumberChoice.NEXT, 1, (0, 1, 2), 2),
        (NumberChoice.NEXT, 2, (0, 1, 2), 0),
        (NumberChoice.NEXT, 0, (0, 2), 2),  # the wrong one between them is skipped
        (NumberChoice.NEXT, 2, (1, 2), 1),
        (NumberChoice.NEXT, 1, (0,), 0),
        (NumberChoice.NEXT, 7, (0, 1), 0),  # the person has fewer numbers by now
        (NumberChoice.NEXT, 0, (), None),
        (NumberChoice.OTHER, 0, (0,), None),
        (NumberChoice.OTHER, 0, (0, 1, 2), 1),
        (NumberChoice.OTHER, 1, (0, 1, 2), 2),
        (NumberChoice.OTHER, 2, (0, 1, 2), None),
        (NumberChoice.OTHER, 0, (0, 2), 2),
        (NumberChoice.OTHER, 0, (1,), 1),
        (NumberChoice.OTHER, 0, (), None),
    ],
)
def test_which_number_is_next(
    choice: NumberChoice, index: int, usable: tuple[int, ...], expected: int | None
) -> None:
    """C6: the same, the next in turn, or one that was not tried; never one that is known to be wrong."""
    step = step_after(_D.BUSY, policy=ruled_by(choice), index=index, usable=usable)
    assert step == (no_retry(_D.BUSY) if expected is None else Rest(M, expected))


@LAW
@given(
    st.sampled_from(NumberChoice),
    st.integers(0, 9),
    st.sets(st.integers(0, 9)).map(lambda found: tuple(sorted(found))),
)
def test_only_a_usable_number_is_dialed(choice: NumberChoice, index: int, usable: tuple[int, ...]) -> None:
    """C6: and there is a next one whenever any is left; `OTHER` goes up only, so it comes to an end."""
    step = step_after(_D.BUSY, policy=ruled_by(choice), index=index, usable=usable)
    if isinstance(step, Rest):
        assert step.number_index in usable
        if choice is NumberChoice.OTHER:
            assert step.number_index > index
        if choice is NumberChoice.NEXT and len(usable) > 1:
            assert step.number_index != index
    else:
        assert step == no_retry(_D.BUSY)
        assert choice is not NumberChoice.NEXT or not usable


@pytest.mark.parametrize(
    ("attempts_count", "same", "index", "usable", "expected"),
    [
        # The next one of the person's numbers is tried at once,
        (0, 0, 0, (1, 2), Rest(timedelta(0), 1)),
        (0, 0, 0, (2,), Rest(timedelta(0), 2)),
        # and where there is none, or no attempt is left for it, the right one is asked for:
        (0, 0, 0, (), Correct()),
        (0, 0, 1, (0,), Correct()),
        (9, 0, 0, (1, 2), Correct()),
        # also when somebody else answers again, and a third number would be there.
        (1, 1, 1, (2,), Correct()),
        (1, 1, 1, (), Correct()),
    ],
)
def test_somebody_else_answered(
    attempts_count: int, same: int, index: int, usable: tuple[int, ...], expected: NextStep
) -> None:
    """C9: the promise is never given up for that. The person was not tried."""
    step = step_after(
        _D.WRONG_PERSON, attempts_count=attempts_count, same=same, index=index, usable=usable, policy=PATIENT
    )
    assert step == expected


@pytest.mark.parametrize("name", RETRY_PRESETS)
def test_presets_try_another_number_after_a_wrong_one(name: str) -> None:
    """C9, C6: nobody else's number, and one that does not exist, are not dialed twice."""
    for disposition in (_D.WRONG_PERSON, _D.INVALID_NUMBER):
        assert step_after(disposition, usable=(0, 1), policy=preset(name)) == Rest(timedelta(0), 1)
    assert step_after(_D.NO_ANSWER, usable=(0, 1), policy=preset(name)) == (
        Rest(2 * M, 0) if name == "s2" else Rest(5 * M, 0)
    )


def test_a_wrong_number_without_a_rule_is_asked_for() -> None:
    """C9: a mapping of rules that forgets it loses nobody."""
    none = QueuePolicy(queue=SUPPORT, retry_rules={})
    for usable in ((), (0,), (1,)):
        assert step_after(_D.WRONG_PERSON, usable=usable, policy=none) == Correct()


# ---------------------------------------------------------------------------- kinds of rest


def rests(rule: RetryRule, count: int) -> list[timedelta]:
    return [rest_of(rule, earlier, attempt_id=ATTEMPT_ID, now=START) for earlier in range(count)]


STEPPED = SteppedRest(rests=(2 * M, 10 * M, H))
GROWING = ExponentialRest(first=M, factor=3)


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (timedelta(0), [0, 0, 0]),
        (2 * M, [120, 120, 120]),
        (30 * D, [2_592_000, 2_592_000]),
        (STEPPED, [120, 600, 3600, 3600, 3600]),
        (SteppedRest(rests=(S,)), [1, 1]),
        (SteppedRest(rests=(H, M)), [3600, 60, 60]),
        (GROWING, [60, 180, 540, 1620, 4860, 14_580, 43_740, 86_400, 86_400]),
        (ExponentialRest(first=M, factor=1), [60, 60, 60]),
        (ExponentialRest(first=S, factor=1.5, rest_max=3 * S), [1, 1.5, 2.25, 3, 3]),
        (ExponentialRest(first=H, factor=2, rest_max=H), [3600, 3600]),
        (ExponentialRest(first=S, factor=100, rest_max=30 * D), [1, 100, 10_000, 1_000_000, 2_592_000]),
        (NextBusinessDay(), [90_000, 90_000]),  # from Monday 8:00 to Tuesday 9:00
    ],
)
def test_how_long_it_rests(rest: Any, expected: list[float]) -> None:
    """G3: after the first failure of its kind, the second, and so on; bounded above."""
    found = rests(RetryRule(retries_max=9, rest=rest), len(expected))
    assert [each.total_seconds() for each in found] == expected


def test_growing_is_quick_however_often() -> None:
    """G3: a hundred times a hundred does not overflow."""
    rule = RetryRule(retries_max=100, rest=ExponentialRest(first=S, factor=100, rest_max=30 * D))
    assert rest_of(rule, 100_000_000, attempt_id=ATTEMPT_ID, now=START) == 30 * D


@pytest.mark.parametrize("rest", [timedelta(0), 2 * M, STEPPED, GROWING, NextBusinessDay()])
def test_the_step_rests_by_its_rule(rest: Any) -> None:
    """G3: as many earlier failures of the same kind, as many steps; the attempt's id gives the jitter."""
    rule = RetryRule(retries_max=9, rest=rest, jitter_ratio=0.5)
    policy = QueuePolicy(queue=SUPPORT, attempts_max=50, callback_life=30 * D, retry_rules={_D.BUSY: rule})
    for same in range(4):
        step = step_after(
            _D.BUSY,
            same=same,
            attempts_count=9,
            policy=policy,
            attempt_id=AttemptId("at_9"),
            expires_at=START + 30 * D,
        )
        assert step == Rest(rest_of(rule, same, attempt_id=AttemptId("at_9"), now=START))


def jittered(ratio: float, number: int, rest: timedelta = 100 * S) -> timedelta:
    rule = RetryRule(retries_max=1, rest=rest, jitter_ratio=ratio)
    return rest_of(rule, 0, attempt_id=AttemptId(f"at_{number}"), now=START)


def test_jitter_is_the_same_for_the_same_attempt() -> None:
    """G3: asked again after a crash it gives the same moment; and it is the same on every machine."""
    assert jittered(1, 7) == jittered(1, 7)
    assert jittered(1, 7) != jittered(1, 8)
    assert jittered(0.5, 7) - 100 * S == (jittered(1, 7) - 100 * S) / 2
    assert jittered(1, 1) == timedelta(seconds=145, microseconds=495_356)


def test_no_jitter_unless_asked_for() -> None:
    """G3: and a rest of nothing stays nothing."""
    assert jittered(0, 7) == 100 * S
    assert jittered(1, 7, timedelta(0)) == timedelta(0)


def test_jitter_is_uniform() -> None:
    """G3: over 10,000 attempts from nothing to the ratio; mean and shares within four standard errors."""
    count, ratio = 10_000, 0.2
    shares = [(jittered(ratio, number) - 100 * S) / (100 * S * ratio) for number in range(count)]
    assert all(0 <= share < 1 for share in shares)
    error_of_mean = math.sqrt(1 / 12 / count)
    assert error_of_mean < 0.02 * 0.5  # at most 2 % of the value
    assert abs(sum(shares) / count - 0.5) < 4 * error_of_mean
    tenths = [sum(tenth <= share * 10 < tenth + 1 for share in shares) for tenth in range(10)]
    error_of_tenth = math.sqrt(count * 0.1 * 0.9)  # 30 of 1,000
    assert all(abs(tenth - count / 10) < 4 * error_of_tenth for tenth in tenths)
    # Attempts that follow one another are not alike: their correlation is that of chance.
    pairs = pairwise(shares)
    correlation = sum((one - 0.5) * (other - 0.5) for one, other in pairs) / count * 12
    assert abs(correlation) < 4 / math.sqrt(count)


@LAW
@given(
    st.timedeltas(min_value=timedelta(0), max_value=30 * D),
    st.floats(0, 1),
    st.text(min_size=1, max_size=20).filter(lambda text: text.isascii()),
)
def test_a_rest_with_jitter_stays_within_its_bounds(rest: timedelta, ratio: float, name: str) -> None:
    """G3: never shorter than the rest, never longer than its share more, never longer than 30 days."""
    rule = RetryRule(retries_max=1, rest=rest, jitter_ratio=ratio)
    found = rest_of(rule, 0, attempt_id=AttemptId(name), now=START)
    assert rest <= found <= min(rest * (1 + ratio) + timedelta(microseconds=1), 30 * D)


# ---------------------------------------------------------------------------- the next day of work


def next_day(now: str, at: str, zone: str = "UTC", weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)) -> str:
    """Return when the next day of work begins, in the zone of the rule, with its offset."""
    here = ZoneInfo(zone)
    rule = NextBusinessDay(at=time.fromisoformat(at), zone=zone, weekdays=weekdays)
    instant = datetime.fromisoformat(now).replace(tzinfo=here).astimezone(UTC)
    found = next_business_day(rule, instant)
    assert found.tzinfo is UTC
    return found.astimezone(here).isoformat(timespec="minutes")


NEW_YORK, BERLIN, LORD_HOWE = "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"


@pytest.mark.parametrize(
    ("now", "at", "zone", "weekdays", "expected"),
    [
        # Every day of a week; also on the day itself, before the time has come.
        ("2026-01-05T08:00", "09:00", "UTC", (0, 1, 2, 3, 4), "2026-01-06T09:00+00:00"),
        ("2026-01-08T23:59", "09:00", "UTC", (0, 1, 2, 3, 4), "2026-01-09T09:00+00:00"),
        ("2026-01-09T00:00", "09:00", "UTC", (0, 1, 2, 3, 4), "2026-01-12T09:00+00:00"),
        ("2026-01-10T12:00", "09:00", "UTC", (0, 1, 2, 3, 4), "2026-01-12T09:00+00:00"),
        ("2026-01-11T23:59", "00:00", "UTC", (0, 1, 2, 3, 4), "2026-01-12T00:00+00:00"),
        # Other weeks: Sunday to Thursday, one day, every day.
        ("2026-01-08T12:00", "08:30", "Asia/Riyadh", (6, 0, 1, 2, 3), "2026-01-11T08:30+03:00"),
        ("2026-01-07T10:00", "09:00", "UTC", (2,), "2026-01-14T09:00+00:00"),
        ("2026-01-10T10:00", "09:00", "UTC", (0, 1, 2, 3, 4, 5, 6), "2026-01-11T09:00+00:00"),
        # The day is that of the zone: it is Friday evening there, and Saturday in UTC.
        ("2026-01-08T23:00", "09:00", NEW_YORK, (0, 1, 2, 3, 4), "2026-01-09T09:00-05:00"),
        ("2026-01-09T23:00", "09:00", NEW_YORK, (0, 1, 2, 3, 4), "2026-01-12T09:00-05:00"),
        # Over the ends of a month and a year, and a leap day.
        ("2026-12-31T18:00", "09:00", BERLIN, (0, 1, 2, 3, 4), "2027-01-01T09:00+01:00"),
        ("2027-12-31T18:00", "09:00", BERLIN, (0, 1, 2, 3, 4), "2028-01-03T09:00+01:00"),
        ("2028-02-28T18:00", "09:00", BERLIN, (0, 1, 2, 3, 4), "2028-02-29T09:00+01:00"),
        # Over a change of the clocks the wall-clock time stays, and the rest is an hour shorter or longer.
        ("2026-03-27T09:00", "09:00", BERLIN, (0, 1, 2, 3, 4), "2026-03-30T09:00+02:00"),
        ("2026-10-23T09:00", "09:00", BERLIN, (0, 1, 2, 3, 4), "2026-10-26T09:00+01:00"),
        # A time that is missing is as much later; on the day of the change.
        ("2026-03-28T12:00", "02:30", BERLIN, (6,), "2026-03-29T03:30+02:00"),
        ("2026-03-07T12:00", "02:00", NEW_YORK, (6,), "2026-03-08T03:00-04:00"),
        ("2026-10-03T12:00", "02:15", LORD_HOWE, (6,), "2026-10-04T02:45+11:00"),
        # A time that comes twice: the first.
        ("2026-10-24T12:00", "02:30", BERLIN, (6,), "2026-10-25T02:30+02:00"),
        ("2026-10-31T12:00", "01:30", NEW_YORK, (6,), "2026-11-01T01:30-04:00"),
    ],
)
def test_when_the_next_day_of_work_begins(
    now: str, at: str, zone: str, weekdays: tuple[int, ...], expected: str
) -> None:
    """G3: by the wall clock of the zone, over weekends, ends of years, and changes of the clocks."""
    assert next_day(now, at, zone, weekdays) == expected


def test_a_time_that_comes_twice_is_the_first_however_it_is_written() -> None:
    """G3: two rules that are equal do the same: `fold` is no part of a time of day."""
    saturday = datetime(2026, 10, 24, 12, tzinfo=UTC)
    rules = [
        NextBusinessDay(at=time(2, 30, fold=fold), zone=BERLIN, weekdays=tuple(range(7))) for fold in (0, 1)
    ]
    assert rules[0] == rules[1]
    assert {next_business_day(rule, saturday) for rule in rules} == {
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    }


ZONES = sorted(available_timezones() - {"Factory", "localtime", "posixrules"})
ALL_DAYS = tuple(range(7))


def test_there_are_zones_to_try() -> None:
    """The law below is tried on all of them."""
    assert len(ZONES) > 400


def _check_next_day(rule: NextBusinessDay, now: datetime) -> None:
    zone, found = ZoneInfo(rule.zone), next_business_day(rule, now)
    local, here = found.astimezone(zone), now.astimezone(zone)
    days = [here.date() + timedelta(days=number) for number in range(1, 8)]
    wanted = datetime.combine(next(day for day in days if day.weekday() in rule.weekdays), rule.at)
    twice = [wanted.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    there = [at for at in twice if at.astimezone(zone).replace(tzinfo=None, fold=0) == wanted]
    assert found > now
    if there:  # It is at that time by the wall clock; the first, where it comes twice.
        assert found == min(there)
        assert local.date().weekday() in rule.weekdays
    else:  # It is missing on that day: it is as much later as the clocks went forward.
        gap = local.replace(tzinfo=None) - wanted
        assert gap == local.utcoffset() - (found - 3 * H).astimezone(zone).utcoffset()  # type: ignore[operator]
        assert timedelta(0) < gap <= 2 * H
    # Eight days by the clock on the wall; where the clocks went back in between, as much longer.
    shift = here.utcoffset() - local.utcoffset()  # type: ignore[operator]
    assert found - now - shift < 8 * D
    assert abs(shift) <= 3 * H


INSTANTS = st.datetimes(datetime(2015, 1, 1), datetime(2099, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
WEEKS = st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days)))


@LAW
@given(st.sampled_from(ZONES), INSTANTS, st.times(), WEEKS)
def test_the_next_day_of_work_anywhere_and_at_any_time(
    zone: str, now: datetime, at: time, weekdays: tuple[int, ...]
) -> None:
    """G3: later than now, on a day of work with none between, at that time by the wall clock, within eight days."""
    _check_next_day(NextBusinessDay(at=at, zone=zone, weekdays=weekdays), now)


def changes_of(zone: str, year: int) -> list[datetime]:
    """Return the hours of *year* in which the clocks of *zone* change."""
    here, first = ZoneInfo(zone), datetime(year, 1, 1, tzinfo=UTC)

    def changes(at: datetime, within: timedelta) -> bool:
        return at.astimezone(here).utcoffset() != (at + within).astimezone(here).utcoffset()

    days = [day for number in range(365) if changes(day := first + number * D, D)]
    return [hour for day in days for number in range(24) if changes(hour := day + number * H, H)]


@pytest.mark.parametrize("zone", ZONES)
def test_the_next_day_of_work_where_the_clocks_change(zone: str) -> None:
    """G3: in every zone, each quarter of an hour around each change of its clocks in 2026, from days before."""
    for change in changes_of(zone, 2026):
        local = change.astimezone(ZoneInfo(zone)).replace(tzinfo=None, minute=0)
        for number in range(-12, 13):
            for weekdays in (ALL_DAYS, (local.weekday(),), (0, 1, 2, 3, 4)):
                rule = NextBusinessDay(at=(local + number * 15 * M).time(), zone=zone, weekdays=weekdays)
                for days in (1, 2, 7):
                    _check_next_day(rule, change - days * D)


def test_clocks_that_change_at_midnight() -> None:
    """G3: in Nuuk the last hour of a Saturday is missing, in Beirut the first one of a Sunday."""
    every_day = tuple(range(7))
    assert next_day("2026-03-27T12:00", "23:30", "America/Nuuk", every_day) == "2026-03-29T00:30-01:00"
    assert next_day("2026-03-28T12:00", "00:30", "Asia/Beirut", every_day) == "2026-03-29T01:30+03:00"


def test_the_zones_tried_have_changes() -> None:
    """Else the law above would say nothing."""
    assert len(changes_of(BERLIN, 2026)) == len(changes_of(LORD_HOWE, 2026)) == 2
    assert sum(bool(changes_of(zone, 2026)) for zone in ZONES) > 100
