"""G8: a customer who waits for a callback, or has just missed one, calls in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from callbackq import (
    CallbackState,
    CalledIn,
    CallSnapshot,
    CallState,
    Disposition,
    Duplicates,
    HoldReason,
    Mode,
    Outcome,
    Role,
    Store,
)
from callbackq.testing import ANSWERS, NEVER_ANSWERS, START, Behaviour, VirtualHost
from service.scenes import (
    BOB,
    EVE,
    HOUR,
    MINUTE,
    SECOND,
    ZERO,
    attempt_of,
    events,
    house,
    promised,
    sign_in,
)


def calls_in(
    host: VirtualHost, number: str = BOB, call_id: str = "again", queue: str = "support"
) -> int | None:
    """Let a customer call in; return the position."""
    host.service.call_joined(queue, call_id=call_id, number=number)
    position = host.service.call_position(call_id)
    return position.number if position is not None else None


def waiting(host: VirtualHost, **fields: object) -> str:
    """Let BOB wait for a callback, and two live callers after him."""
    callback_id = promised(host, **fields)  # type: ignore[arg-type]
    for name in ("second", "third"):
        host.clock.advance(MINUTE)
        host.service.call_joined("support", call_id=name)
    host.clock.advance(MINUTE)
    return callback_id


# ---------------------------------------------------------------------------- the three policies


def test_caller_has_the_place_of_the_callback_and_keeps_both(store: Store) -> None:
    """G8, KEEP_BOTH, by default: linked, and first in line; the callback ends when the conversation is over."""
    host = house(store, agents=())
    callback_id = waiting(host)
    assert calls_in(host) == 1
    assert host.service.call("again").returns_for_id == callback_id
    callback = host.service.get(callback_id)
    assert (callback.state, callback.called_in_id) == (CallbackState.WAITING, "again")
    assert [event.called_in_id for event in events(host, callback_id, "callback_called_in")] == ["again"]
    sign_in(host, "ann")
    host.run_for(ZERO)
    assert host.service.call("again").state is CallState.TAKEN
    assert host.service.get(callback_id).outcome is None
    host.run_for(MINUTE)
    assert host.telephony.dialed(BOB) == 0
    host.service.call_left("again")
    done = host.service.get(callback_id)
    assert done.outcome is Outcome.SERVED_ELSEWHERE
    assert events(host, callback_id, "callback_ended")[0].reason == "called_in"
    host.run_for(HOUR)
    assert host.telephony.dialed(BOB) == 0


def test_caller_whose_agent_cannot_be_connected_keeps_the_callback(store: Store) -> None:
    """G8: an agent who was to have the call, and could not, has served nobody."""
    host = house(store, agents=())
    callback_id = waiting(host)
    calls_in(host)
    sign_in(host, "ann")
    host.run_for(ZERO)
    host.service.call_returned("again")
    host.service.call_left("again")
    assert host.service.get(callback_id).outcome is None
    host.run_for(HOUR)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_caller_who_hangs_up_again_keeps_the_callback(store: Store) -> None:
    """G8, KEEP_BOTH: the callback is where it was, and is dialed when its turn comes."""
    host = house(store, agents=())
    callback_id = waiting(host)
    before = host.service.get(callback_id)
    calls_in(host)
    host.clock.advance(MINUTE)
    host.service.call_left("again")
    after = host.service.get(callback_id)
    assert (after.state, after.rank, after.place_id) == (before.state, before.rank, before.place_id)
    sign_in(host, "ann")
    host.run_for(SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert host.telephony.dialed(BOB) == 1


def test_customer_on_the_line_is_not_dialed_meanwhile(store: Store) -> None:
    """G8: though the callback's turn has come: an agent who can only serve the callback leaves it held."""
    host = house(store, agents=())
    callback_id = promised(host, skills=["german"])
    host.clock.advance(MINUTE)
    host.service.call_joined("support", call_id="again", number=BOB, skills=["dutch"])
    host.service.agent_available("eva", queues=["support"], skills=["german"])
    host.run_for(SECOND)
    held = host.service.get(callback_id)
    assert (held.state, held.hold_reason) == (CallbackState.HELD, HoldReason.NUMBER_IN_USE)
    host.run_for(5 * MINUTE)
    assert host.telephony.dialed(BOB) == 0
    host.service.call_left("again")
    host.run_for(MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_caller_takes_the_place_and_the_callback_is_closed(store: Store) -> None:
    """G8, RESTORE: the live call stands there, the callback is over at once, and says why; hanging up is hanging up."""
    host = house(store, agents=(), called_in=CalledIn.RESTORE)
    callback_id = waiting(host)
    assert calls_in(host) == 1
    callback = host.service.get(callback_id)
    assert (callback.state, callback.outcome) == (CallbackState.ENDED, Outcome.REPLACED)
    assert events(host, callback_id, "callback_ended")[0].reason == "called_in"
    assert host.service.call("again").returns_for_id == callback_id
    host.service.call_left("again")
    sign_in(host, "ann")
    host.run_for(HOUR)
    assert host.telephony.dialed(BOB) == 0


def test_host_is_only_told_of_the_callback(store: Store) -> None:
    """G8, TELL: the caller stands at the end like anybody; the callback goes on, also when an agent took the call."""
    host = house(store, agents=(), called_in=CalledIn.TELL)
    callback_id = waiting(host)
    assert calls_in(host) == 4
    assert host.service.call("again").returns_for_id == callback_id
    sign_in(host, "ann", "ben", "eva")
    host.run_for(ZERO)
    assert host.service.call("again").state is CallState.TAKEN
    assert host.service.get(callback_id).state is CallbackState.HELD
    host.service.call_left("again")
    host.run_for(MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


# ---------------------------------------------------------------------------- which callback


@pytest.mark.parametrize("called_in", [CalledIn.KEEP_BOTH, CalledIn.RESTORE])
def test_caller_who_missed_a_callback_has_its_place_again(store: Store, called_in: CalledIn) -> None:
    """G8: after a missed callback: linked, and before all who came later; the callback stays unreached."""
    host = house(store, attempts_max=1, called_in=called_in)
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promised(host)
    host.run_for(MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.UNREACHED
    host.service.agent_unavailable("ann")
    host.service.call_joined("support", call_id="later")
    host.clock.advance(HOUR)
    assert calls_in(host) == 1
    call = host.service.call("again")
    assert (call.returns_for_id, call.ranked_at, call.entered_at) == (callback_id, START, host.clock.now())
    assert host.service.get(callback_id).outcome is Outcome.UNREACHED


def test_missed_callback_is_remembered_for_so_long(store: Store) -> None:
    """G8: `missed_life` after its end, to the microsecond; then the caller is a new one."""
    host = house(store, attempts_max=1, missed_life=HOUR)
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promised(host)
    host.run_for(MINUTE)
    ended_at = host.service.get(callback_id).ended_at
    assert ended_at is not None
    host.service.agent_unavailable("ann")
    host.clock.move_to(ended_at + HOUR - timedelta(microseconds=1))
    calls_in(host, call_id="in time")
    host.clock.move_to(ended_at + HOUR)
    calls_in(host, call_id="too late")
    assert host.service.call("in time").returns_for_id == callback_id
    assert host.service.call("too late").returns_for_id is None


@pytest.mark.parametrize("called_in", CalledIn)
def test_callback_for_a_chosen_time_is_kept(store: Store, called_in: CalledIn) -> None:
    """G8: its time has not come: the caller stands where a new one stands, in every policy, and is told of it."""
    host = house(store, agents=(), called_in=called_in)
    callback_id = waiting(host, scheduled_at=START + HOUR)
    assert calls_in(host) == 3
    assert host.service.call("again").returns_for_id == callback_id
    assert host.service.get(callback_id).state is CallbackState.SCHEDULED
    sign_in(host, "ann", "ben", "eva")
    host.run_for(MINUTE)
    host.service.call_left("again")
    host.run_for(2 * HOUR)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


@pytest.mark.parametrize("called_in", CalledIn)
def test_callback_of_another_queue_is_kept(store: Store, called_in: CalledIn) -> None:
    """G8: another matter: linked, no place is given, and it is not dialed while its customer is on the line."""
    host = house(store, agents=(), called_in=called_in)
    callback_id = promised(host, queue="sales")
    host.clock.advance(MINUTE)
    host.service.call_joined("support", call_id="second")
    host.clock.advance(MINUTE)
    assert calls_in(host) == 2
    assert host.service.call("again").returns_for_id == callback_id
    sign_in(host, "ann", "ben", "eva")
    host.run_for(MINUTE)
    assert host.service.call("again").state is CallState.TAKEN
    assert host.telephony.dialed(BOB) == 0
    host.service.call_left("again")
    host.run_for(MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_callback_of_this_queue_goes_before_one_of_another(store: Store) -> None:
    """G8: it is that one that the caller returns for; no callback of theirs is dialed meanwhile."""
    host = house(store, agents=())
    here = promised(host)
    host.clock.advance(MINUTE)
    elsewhere = promised(host, queue="sales")
    calls_in(host)
    assert host.service.call("again").returns_for_id == here
    host.service.agent_available("ann", queues=["sales"])
    host.run_for(5 * MINUTE)
    assert host.telephony.dialed(BOB) == 0
    assert host.service.get(elsewhere).hold_reason is HoldReason.NUMBER_IN_USE
    host.service.call_left("again")
    host.run_for(MINUTE)
    assert host.service.get(elsewhere).outcome is Outcome.COMPLETED


def test_latest_callback_of_the_queue_is_meant_where_there_are_several(store: Store) -> None:
    """G8: a person with two callbacks in one queue: the latest is linked, and neither is dialed meanwhile."""
    host = house(store, agents=(), duplicates=Duplicates.ALLOW, called_in=CalledIn.TELL)
    promised(host)
    host.clock.advance(MINUTE)
    latest = promised(host)
    calls_in(host)
    assert host.service.call("again").returns_for_id == latest
    sign_in(host, "ann", "ben", "eva")
    host.run_for(5 * MINUTE)
    assert host.telephony.dialed(BOB) == 0


def test_callers_without_a_callback_or_a_number_are_new(store: Store) -> None:
    """G8: another number, or none; one whose callback was completed or cancelled."""
    host = house(store, agents=())
    host.service.cancel(promised(host))
    promised(host, EVE)
    host.clock.advance(MINUTE)
    assert calls_in(host, BOB, "cancelled") == 2
    host.service.call_joined("support", call_id="withheld")
    for call_id in ("cancelled", "withheld"):
        assert host.service.call(call_id).returns_for_id is None


def test_the_better_of_two_places_is_given(store: Store) -> None:
    """G8: a caller of a better priority does not stand behind with the callback's."""
    host = house(store, agents=())
    callback_id = waiting(host)
    host.service.call_joined("support", call_id="vip", number=BOB, priority=1)
    assert host.service.call("vip").priority == 1
    host.service.call_left("vip")
    host.service.prioritize(callback_id, priority=5)
    host.service.call_joined("support", call_id="usual", number=BOB)
    assert host.service.call("usual").priority == 5


# ---------------------------------------------------------------------------- while the phone rings


@pytest.mark.parametrize("mode", Mode)
def test_customer_who_calls_in_while_we_ring_is_rung_no_more(store: Store, mode: Mode) -> None:
    """G8: the attempt is called off and does not count; the call has the place, the agent is free for it."""
    host = house(store, mode=mode)
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    assert len(host.telephony.live_legs(Role.CUSTOMER)) == 1
    calls_in(host)
    host.run_for(SECOND)
    assert host.telephony.live_legs() == []
    assert attempt_of(host, store, callback_id).disposition is Disposition.CANCELLED_BY_US
    assert host.service.call("again").state is CallState.TAKEN
    host.service.call_left("again")
    callback = host.service.get(callback_id)
    assert (callback.outcome, callback.attempts_count) == (Outcome.SERVED_ELSEWHERE, 0)


@pytest.mark.parametrize("mode", Mode)
def test_customer_who_called_in_while_we_rang_and_hung_up_keeps_the_callback(
    store: Store, mode: Mode
) -> None:
    """G8: it has its place, no attempt is used up though the phone had rung, and it is tried again."""
    host = house(store, mode=mode, attempts_max=1)
    host.telephony.person(BOB, NEVER_ANSWERS, ANSWERS)
    callback_id = promised(host)
    before = host.service.get(callback_id)
    host.run_for(5 * SECOND)
    calls_in(host)
    host.service.call_left("again")
    host.service.agent_unavailable("ann")
    host.run_for(SECOND)
    after = host.service.get(callback_id)
    assert (after.state, after.rank, after.attempts_count) == (CallbackState.WAITING, before.rank, 0)
    sign_in(host, "ben")
    host.run_for(MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert host.telephony.dialed(BOB) == 2


def test_customer_who_calls_in_while_we_ring_takes_the_place(store: Store) -> None:
    """G8, RESTORE: the callback is over, the phone stops."""
    host = house(store, called_in=CalledIn.RESTORE)
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    calls_in(host)
    host.run_for(SECOND)
    assert host.service.get(callback_id).outcome is Outcome.REPLACED
    assert host.telephony.live_legs() == []
    assert host.service.call("again").state is CallState.TAKEN


@pytest.mark.parametrize("called_in", CalledIn)
def test_second_caller_of_a_number_disturbs_no_talk(store: Store, called_in: CalledIn) -> None:
    """G8: somebody else in the same house calls while the customer holds for us: the attempt goes on."""
    host = house(store, mode=Mode.CUSTOMER_FIRST, called_in=called_in)
    host.telephony.agent("ann", Behaviour(answers_after=15 * SECOND))
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    calls_in(host)
    host.run_for(15 * SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert host.service.call("again").state is CallState.WAITING


# ---------------------------------------------------------------------------- the place of a missed callback, once


def missed(store: Store, **policy: Any) -> tuple[VirtualHost, str]:
    """Let BOB miss a callback, and another caller wait; no agent is there any more."""
    host = house(store, attempts_max=1, **policy)
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promised(host)
    host.run_for(MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.UNREACHED
    host.service.agent_unavailable("ann")
    host.service.call_joined("support", call_id="other")
    host.clock.advance(MINUTE)
    return host, callback_id


@pytest.mark.parametrize("called_in", CalledIn)
def test_missed_callback_gives_its_place_to_one_call(store: Store, called_in: CalledIn) -> None:
    """G8: to the first after it; a second call has none while that waits, nor when that was served."""
    host, callback_id = missed(store, called_in=called_in)
    calls_in(host, call_id="first")
    assert calls_in(host, call_id="meanwhile") == 3
    sign_in(host, "ann", "ben", "eva")
    host.run_for(ZERO)
    host.service.call_left("first")
    calls_in(host, call_id="afterwards")
    returns = [host.service.call(one).returns_for_id for one in ("first", "meanwhile", "afterwards")]
    assert returns == [callback_id, None, None]
    assert host.service.get(callback_id).called_in_id == "first"


def test_caller_who_gave_up_leaves_the_place_of_a_missed_callback_to_the_next(store: Store) -> None:
    """G8: who hung up before being served has it again."""
    host, callback_id = missed(store)
    assert calls_in(host, call_id="gave up") == 1
    host.service.call_left("gave up")
    host.clock.advance(MINUTE)
    assert calls_in(host) == 1
    assert host.service.call("again").returns_for_id == callback_id


def test_caller_who_is_called_back_for_hanging_up_has_the_place_no_more(store: Store) -> None:
    """G8: the place goes on in the callback of the call that was given up, and is not given twice."""
    host, _ = missed(store, abandoned_wait_min=SECOND)
    calls_in(host, call_id="gave up")
    host.clock.advance(MINUTE)
    called_back = host.service.call_left("gave up").callback_id
    assert called_back is not None
    host.service.cancel(called_back)
    assert calls_in(host) == 2
    assert host.service.call("again").returns_for_id is None


def test_call_before_a_callback_was_missed_takes_nothing_from_it(store: Store) -> None:
    """G8: who called at noon, was served, and misses the call at the chosen time, is known when calling once more."""
    host = house(store, attempts_max=1)
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promised(host, scheduled_at=START + HOUR)
    calls_in(host, call_id="before")
    host.run_for(ZERO)
    host.service.call_left("before")
    host.run_for(2 * HOUR)
    assert host.service.get(callback_id).outcome is Outcome.UNREACHED
    host.service.agent_unavailable("ann")
    host.service.call_joined("support", call_id="other")
    host.clock.advance(MINUTE)
    assert calls_in(host) == 1
    assert host.service.call("again").returns_for_id == callback_id


# ---------------------------------------------------------------------------- in line again, and the agent has gone


def test_caller_in_line_again_waits_for_no_agent_who_went(store: Store) -> None:
    """D7: an agent could not be connected, and went: any other one serves the caller, at once."""
    host = house(store, preferred_agent_time=HOUR)
    host.service.call_joined("support", call_id="hers", preferred_agent="ann")
    host.run_for(ZERO)
    assert host.service.call("hers").agent_id == "ann"
    host.service.agent_unavailable("ann")
    host.service.call_returned("hers")
    assert host.service.call("hers").preferred_until_at is None
    sign_in(host, "ben")
    host.run_for(ZERO)
    assert host.service.call("hers").agent_id == "ben"


def test_caller_found_again_waits_for_no_agent_who_went(store: Store) -> None:
    """D7: the PBX has a call again that it had lost: its agent went meanwhile."""
    host = house(store, preferred_agent_time=HOUR)
    host.service.call_joined("support", call_id="hers", preferred_agent="ann")
    host.service.resync_calls("support", calls=[])
    host.service.agent_unavailable("ann")
    host.service.resync_calls("support", calls=[CallSnapshot(call_id="hers")])
    call = host.service.call("hers")
    assert (call.state, call.preferred_until_at) == (CallState.WAITING, None)
    sign_in(host, "ben")
    host.run_for(ZERO)
    assert host.service.call("hers").agent_id == "ben"


def test_held_callback_waits_for_no_agent_who_went(store: Store) -> None:
    """D7: while its customer was on the line; an agent who is there still is waited for."""
    host = house(store, agents=("ann", "eva"), preferred_agent_time=HOUR)
    ids = {
        agent: promised(host, number, preferred_agent=agent) for agent, number in (("ann", BOB), ("eva", EVE))
    }
    for number, call_id in ((BOB, "bob"), (EVE, "eve")):
        host.service.call_joined("sales", call_id=call_id, number=number, skills=["dutch"])
    host.run_for(ZERO)
    assert {host.service.get(one).state for one in ids.values()} == {CallbackState.HELD}
    host.service.agent_unavailable("ann")
    sign_in(host, "ben")
    for call_id in ("bob", "eve"):
        host.service.call_left(call_id)
    host.run_for(5 * MINUTE)
    assert {agent: attempt_of(host, store, one).agent_id for agent, one in ids.items()} == {
        "ann": "ben",
        "eva": "eva",
    }


def test_callback_that_was_called_off_waits_for_no_agent_who_went(store: Store) -> None:
    """D7: its customer called in while we rang, and its agent went."""
    host = house(store, preferred_agent_time=HOUR)
    host.telephony.person(BOB, NEVER_ANSWERS, ANSWERS)
    callback_id = promised(host, preferred_agent="ann")
    host.run_for(5 * SECOND)
    host.service.agent_unavailable("ann")
    calls_in(host)
    host.service.call_left("again")
    host.run_for(SECOND)
    callback = host.service.get(callback_id)
    assert (callback.state, callback.preferred_until_at) == (CallbackState.WAITING, None)
    sign_in(host, "ben")
    host.run_for(MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_merged_callback_waits_for_no_agent_who_has_not_the_skills_of_both(store: Store) -> None:
    """D7, D13: the agent could serve the one, and cannot serve the two."""
    host = house(store, preferred_agent_time=HOUR, duplicates=Duplicates.ALLOW)
    hers = promised(host, preferred_agent="ann")
    other = promised(host, skills=["dutch"])
    assert host.service.get(hers).preferred_until_at is not None
    host.service.merge(other, into=hers)
    assert host.service.get(hers).preferred_until_at is None
    host.service.agent_available("ben", queues=["support"], skills=["dutch"])
    host.run_for(MINUTE)
    assert attempt_of(host, store, hers).agent_id == "ben"
