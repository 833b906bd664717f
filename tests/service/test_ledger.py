"""G9: at most so many attempts per number in any period, over all queues and all callbacks."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from callbackq import (
    CallbackState,
    Caps,
    Disposition,
    Duplicates,
    HoldReason,
    Mode,
    NumberChoice,
    Outcome,
    RandomIds,
    RetryRule,
    Store,
)
from callbackq.testing import NEVER_ANSWERS, START, Behaviour, VirtualHost
from service.scenes import BOB, EVE, HOUR, MINUTE, SECOND, house, promised, rung, sign_in

TWO_A_DAY = Caps(attempts_per_number_max=2)
AGAIN_AND_AGAIN = {Disposition.NO_ANSWER: RetryRule(retries_max=50, rest=HOUR)}


def dialed_at(host: VirtualHost, number: str = BOB) -> list[timedelta]:
    """Return when a number was dialed, from the start."""
    return [at - START for at, who in rung(host) if who == number]


def test_number_is_dialed_so_often_over_two_queues_and_all_callbacks(store: Store) -> None:
    """G9: one attempt for each of two callbacks in two queues; the third is held, and explain says until when."""
    host = house(store, caps=TWO_A_DAY, attempts_max=1)
    host.telephony.person(BOB, NEVER_ANSWERS)
    promised(host)
    host.run_for(5 * MINUTE)
    in_sales = promised(host, queue="sales")
    host.run_for(MINUTE)
    assert host.service.get(in_sales).state is CallbackState.RESTING
    host.service.cancel(in_sales)
    third = promised(host)
    host.run_for(HOUR)
    held = host.service.get(third)
    assert (held.state, held.hold_reason) == (CallbackState.HELD, HoldReason.NUMBER_LIMIT)
    assert held.attempts_count == 0
    explained = host.service.explain(third)
    assert explained.rule == "number_limit"
    assert explained.next_change_at == START + timedelta(hours=24)
    assert dialed_at(host) == [timedelta(0), 5 * MINUTE]


@pytest.mark.parametrize("mode", Mode)
def test_number_is_free_again_exactly_when_the_oldest_attempt_is_out_of_the_period(
    store: Store, mode: Mode
) -> None:
    """G9: a rolling period, to the microsecond: nobody is dialed a moment too early, nor later."""
    caps = Caps(attempts_per_number_max=3, number_period=10 * HOUR)
    host = house(
        store,
        mode=mode,
        caps=caps,
        attempts_max=100,
        retry_rules=AGAIN_AND_AGAIN,
        callback_life=timedelta(days=7),
        response_window=None,
    )
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promised(host)
    host.run_for(10 * HOUR - timedelta(microseconds=1))
    first = dialed_at(host)
    assert len(first) == 3
    assert host.service.get(callback_id).hold_reason is HoldReason.NUMBER_LIMIT
    host.run_for(20 * HOUR)
    times = dialed_at(host)
    assert times[3] == first[0] + 10 * HOUR
    for earlier, later in zip(times, times[3:], strict=False):
        assert later - earlier >= 10 * HOUR
    assert len(times) == 9


def test_limit_of_one_queue_counts_its_own_attempts(store: Store) -> None:
    """G9: a cap of the queue beside the one over all: what other queues dialed is not counted there."""
    host = house(store, attempts_max=100, retry_rules=AGAIN_AND_AGAIN, caps=Caps(attempts_per_number_max=4))
    own = house_with_own_cap(store, host)
    own.telephony.person(BOB, NEVER_ANSWERS)
    in_sales = promised(own, queue="sales")
    own.run_for(2 * HOUR)
    assert own.service.get(in_sales).outcome is Outcome.UNREACHED
    assert len(dialed_at(own)) == 2
    in_support = promised(own)
    own.run_for(3 * HOUR)
    assert own.service.get(in_support).hold_reason is HoldReason.NUMBER_LIMIT
    assert len(dialed_at(own)) == 3
    again = promised(own, queue="sales")
    own.run_for(HOUR)
    assert own.service.get(again).hold_reason is HoldReason.NUMBER_LIMIT
    assert len(dialed_at(own)) == 4


def house_with_own_cap(store: Store, host: VirtualHost) -> VirtualHost:
    """Open the same house with a limit of its own for the queue `support`."""
    policies = list(host.service.policies.values())
    own = attrs.evolve(policies[0], caps=Caps(attempts_per_number_max=1))
    opened = VirtualHost(store, [own, policies[1]], caps=host.service.caps, ids=RandomIds())
    sign_in(opened, "ann")
    return opened


def test_each_number_of_a_person_is_counted_by_itself(store: Store) -> None:
    """G9/C6: it is the phone that is not to ring so often: the other number may."""
    rules = {Disposition.NO_ANSWER: RetryRule(retries_max=50, rest=MINUTE, number=NumberChoice.NEXT)}
    host = house(store, caps=TWO_A_DAY, attempts_max=100, retry_rules=rules)
    for number in (BOB, EVE):
        host.telephony.person(number, NEVER_ANSWERS)
    callback_id = promised(host, alternatives=[EVE])
    host.run_for(2 * HOUR)
    assert (len(dialed_at(host)), len(dialed_at(host, EVE))) == (2, 2)
    assert host.service.get(callback_id).hold_reason is HoldReason.NUMBER_LIMIT


def test_attempts_that_dialed_nobody_are_not_counted(store: Store) -> None:
    """G9: agents who declined before the customer's phone rang cost the customer nothing."""
    host = house(store, caps=Caps(attempts_per_number_max=1))
    host.telephony.agent("ann", NEVER_ANSWERS, NEVER_ANSWERS, Behaviour())
    callback_id = promised(host)
    host.run_for(5 * MINUTE)
    assert [who for _, who in rung(host)].count("ann") == 3
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_a_held_callback_passes_nobody_and_holds_nobody_up(store: Store) -> None:
    """G9: who stands behind is served; when the limit is over it has its old place again."""
    host = house(store, caps=Caps(attempts_per_number_max=1, number_period=HOUR), duplicates=Duplicates.ALLOW)
    promised(host)
    host.run_for(5 * MINUTE)
    held = promised(host)
    host.clock.advance(SECOND)
    behind = promised(host, EVE)
    host.run_for(5 * MINUTE)
    assert host.service.get(behind).outcome is Outcome.COMPLETED
    assert host.service.get(held).state is CallbackState.HELD
    host.service.agent_unavailable("ann")
    host.service.call_joined("support", call_id="later")
    host.run_until(START + HOUR)
    position = host.service.position(held)
    assert position is not None
    assert position.number == 1
    sign_in(host, "ann")
    host.run_for(SECOND)
    assert host.service.get(held).outcome is Outcome.COMPLETED
