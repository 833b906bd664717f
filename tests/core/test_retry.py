"""What follows a failed attempt: the figures of the support document S2, and where they end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from callbackq.core.retry import End, GoBack, NextStep, Rest, counts, next_step
from callbackq.model import AnsweredBy, Disposition, Outcome
from callbackq.policy import QueuePolicy, RetryRule
from core.samples import SUPPORT, M, a_callback, an_attempt

S2 = QueuePolicy(queue=SUPPORT)
PATIENT = QueuePolicy(
    queue=SUPPORT,
    attempts_max=10,
    retry_rules={
        Disposition.NO_ANSWER: RetryRule(retries_max=3, rest=7 * M),
        Disposition.UNKNOWN: RetryRule(retries_max=2, rest=20 * M),
    },
)
_D = Disposition


def step_after(
    disposition: Disposition,
    *,
    attempts_count: int = 0,
    failures_count: int = 0,
    rang: bool = True,
    answered_by: AnsweredBy | None = None,
    policy: QueuePolicy = S2,
) -> NextStep:
    attempt = an_attempt(disposition=disposition, customer_rang=rang, answered_by=answered_by)
    callback = a_callback(attempts_count=attempts_count)
    return next_step(callback, attempt, failures_count=failures_count, policy=policy)


def no_retry(disposition: Disposition) -> End:
    return End(Outcome.UNREACHED, f"no_retry_after_{disposition.value}")


USED_UP = End(Outcome.UNREACHED, "attempts_used_up")

AFTER_THE_FIRST: dict[Disposition, NextStep] = {
    _D.NO_ANSWER: Rest(2 * M),
    _D.BUSY: Rest(3 * M),
    _D.UNREACHABLE: Rest(5 * M),
    _D.CONGESTED: Rest(5 * M),
    _D.NETWORK_FAILURE: Rest(5 * M),
    _D.UNKNOWN: Rest(5 * M),
    _D.ANSWERED_THEN_LEFT: Rest(2 * M),
    _D.AGENT_UNAVAILABLE: Rest(timedelta(0)),
    _D.MACHINE: End(Outcome.UNREACHED, "no_retry_after_machine"),
    _D.FAX: End(Outcome.UNREACHED, "no_retry_after_fax"),
    _D.REJECTED: End(Outcome.UNREACHED, "no_retry_after_rejected"),
    _D.INVALID_NUMBER: End(Outcome.UNREACHED, "no_retry_after_invalid_number"),
    _D.WRONG_PERSON: End(Outcome.UNREACHED, "no_retry_after_wrong_person"),
    _D.DECLINED_BY_CUSTOMER: End(Outcome.UNREACHED, "no_retry_after_declined_by_customer"),
    _D.CANCELLED_BY_US: End(Outcome.UNREACHED, "no_retry_after_cancelled_by_us"),
    _D.CONNECTED: End(Outcome.UNREACHED, "no_retry_after_connected"),
}


def test_the_table_knows_every_disposition() -> None:
    """None is forgotten."""
    assert set(AFTER_THE_FIRST) == set(Disposition)


@pytest.mark.parametrize(("disposition", "expected"), AFTER_THE_FIRST.items())
def test_after_the_first_attempt(disposition: Disposition, expected: NextStep) -> None:
    """S2: no answer again after 2 minutes, busy after 3, unreachable after 5; what is not named ends."""
    assert step_after(disposition) == expected


@pytest.mark.parametrize("disposition", list(Disposition))
def test_after_the_second_attempt_it_is_over(disposition: Disposition) -> None:
    """S2: at most two attempts in all, whatever became of them."""
    assert step_after(disposition, attempts_count=1) == USED_UP
    assert step_after(disposition, attempts_count=1, failures_count=1) == USED_UP


@pytest.mark.parametrize(
    ("attempts_count", "failures_count", "expected"),
    [
        (0, 0, Rest(7 * M)),
        (1, 1, Rest(7 * M)),
        (2, 2, Rest(7 * M)),
        (3, 3, no_retry(_D.NO_ANSWER)),
        (5, 2, Rest(7 * M)),
        (8, 2, Rest(7 * M)),
        (9, 2, USED_UP),
        (9, 0, USED_UP),
        (20, 0, USED_UP),
    ],
)
def test_both_limits_hold(attempts_count: int, failures_count: int, expected: NextStep) -> None:
    """Three retries after no answer, ten attempts in all: whichever comes first ends it."""
    step = step_after(
        _D.NO_ANSWER, attempts_count=attempts_count, failures_count=failures_count, policy=PATIENT
    )
    assert step == expected


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
    step = step_after(disposition, rang=False, attempts_count=attempts_count, failures_count=attempts_count)
    assert step == GoBack()


@pytest.mark.parametrize("answered_by", [AnsweredBy.UNKNOWN, AnsweredBy.HUMAN])
@pytest.mark.parametrize("policy", [S2, PATIENT])
def test_what_was_answered_is_not_dialed_again_in_doubt(answered_by: AnsweredBy, policy: QueuePolicy) -> None:
    """The customer answered, and nobody knows what was said: a person decides, not the machine."""
    step = step_after(_D.UNKNOWN, answered_by=answered_by, policy=policy)
    assert step == End(Outcome.UNREACHED, "in_doubt_after_answer")
    assert step_after(_D.ANSWERED_THEN_LEFT, answered_by=answered_by) == Rest(2 * M)


def test_what_was_not_answered_is_dialed_again_after_doubt() -> None:
    """Unknown without an answer rests longer than any ringing, and goes on."""
    assert step_after(_D.UNKNOWN, policy=PATIENT, attempts_count=1, failures_count=1) == Rest(20 * M)
    assert step_after(_D.UNKNOWN, policy=PATIENT, attempts_count=2, failures_count=2) == no_retry(_D.UNKNOWN)
