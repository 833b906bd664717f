"""How a promise is made: from what was asked for to the record, its clocks, and its first event."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from callbackq.core import lifecycle, promising
from callbackq.core.ordering import booked_rank, rank
from callbackq.core.promising import Asked
from callbackq.errors import NotPossibleNow
from callbackq.ids import DEFAULT_TENANT, AgentId, BookingId, OfferId, PlaceId, SubjectId
from callbackq.model import Callback, CallbackState, Channel, DueReason, HoldReason, Mode, Position, Wait
from callbackq.policy import Duplicates, PlaceAfter, QueuePolicy, SlotPolicy
from core.samples import (
    ANN,
    BOOKING_ID,
    CALL_ID,
    CALLBACK_ID,
    START,
    SUPPORT,
    Book,
    D,
    H,
    M,
    S,
    a_callback,
    a_stand,
    asked_for,
    changed,
    only_event,
    only_record,
)

POLICY = QueuePolicy(queue=SUPPORT, place_after_window=PlaceAfter.END)
SALES = QueuePolicy(queue="sales", priority_credit=M, response_window=None, virtual_wait_max=2 * H)
STAND = a_stand(priority=50, lane=3, ranked_at=START - H)
PREFERRED = attrs.evolve(STAND, lane=9, preferred_until_at=START + 2 * M)
"""Until then the place waits for one agent alone."""
asked = asked_for(
    request_key="key-1",
    stand=STAND,
    entered_at=START - H,
    position=Position(number=4),
    wait=Wait(mean_s=90.0, low_s=30.0, high_s=180.0, estimator="ql"),
)
UNKNOWN_WAIT = Wait(mean_s=None, low_s=None, high_s=None)
SLOT = START + 3 * H
booked = attrs.evolve(
    asked,
    stand=a_stand(priority=50, lane=3, ranked_at=SLOT),
    scheduled_at=SLOT,
    position=None,
    wait=UNKNOWN_WAIT,
)


def requested(what: Asked = asked, *, policy: QueuePolicy = POLICY, now: datetime = START) -> Callback:
    record = only_record(promising.request(what, policy=policy, now=now))
    assert isinstance(record, Callback)
    return record


def test_a_promise_is_made_from_what_was_asked() -> None:
    """As soon as possible: WAITING where it stands, living from now, with what was quoted."""
    what = attrs.evolve(
        asked,
        call_id=CALL_ID,
        place_id=PlaceId(CALL_ID),
        channel=Channel.AGENT,
        offer_id=OfferId("of_1"),
        stand=PREFERRED,
        preferred_agent_id=ANN,
        owner_id=AgentId("bob"),
        ticket_id="T-1",
        position=Position(number=12_000, exact=False),
    )
    decision = promising.request(what, policy=POLICY, now=START)
    assert only_record(decision) == Callback(
        tenant_id=DEFAULT_TENANT,
        callback_id=CALLBACK_ID,
        version=1,
        state=CallbackState.WAITING,
        queue=SUPPORT,
        subject_id=SubjectId("su_1"),
        call_id=CALL_ID,
        channel=Channel.AGENT,
        mode=POLICY.mode,
        priority=50,
        lane=9,
        place_id=PlaceId(CALL_ID),
        entered_at=START - H,
        requested_at=START,
        ranked_at=START - H,
        rank=rank(START - H, priority=50, policy=POLICY),
        scheduled_at=None,
        expires_at=START + D,
        preferred_agent_id=ANN,
        preferred_until_at=START + 2 * M,
        owner_id=AgentId("bob"),
        ticket_id="T-1",
        dedup_key="support/su_1",
        request_key="key-1",
        offer_id=OfferId("of_1"),
        quoted_position=12_000,
        quoted_position_exact=False,
        quoted_wait_s=90.0,
        quoted_wait_low_s=30.0,
        quoted_wait_high_s=180.0,
        quoted_by="ql",
        due_at=START + 2 * M,
        due_reason=DueReason.PREFERENCE_OVER,
    )
    assert only_event(decision).kind == "callback_requested"
    assert decision.effects == ()
    Book().write(decision)


def test_a_live_call_gives_its_place() -> None:
    """What breaks its ties is the call's, and its rank is taken as it is: also one of another policy."""
    given_place = attrs.evolve(STAND, ranked_at=START - 3 * H, rank=-123)
    callback = requested(attrs.evolve(asked, stand=given_place, call_id=CALL_ID, place_id=PlaceId(CALL_ID)))
    assert (callback.call_id, callback.place_id) == (CALL_ID, CALL_ID)
    assert (callback.entered_at, callback.ranked_at, callback.rank) == (START - H, START - 3 * H, -123)


@pytest.mark.parametrize(
    ("lead", "due_at"),
    [(timedelta(0), SLOT), (30 * S, SLOT - 30 * S), (3 * H, START), (4 * H, START)],
)
def test_a_promise_for_a_chosen_time_stands_in_line_shortly_before(lead: timedelta, due_at: datetime) -> None:
    """SCHEDULED, living from the chosen time on; due so much earlier that the phone rings then, but not in the past."""
    decision = promising.request(attrs.evolve(booked, lead=lead), policy=POLICY, now=START)
    callback = only_record(decision)
    assert callback.state is CallbackState.SCHEDULED
    assert (callback.due_at, callback.due_reason) == (due_at, DueReason.SCHEDULED)
    assert (callback.scheduled_at, callback.expires_at) == (SLOT, SLOT + D)
    assert (callback.ranked_at, callback.rank) == (SLOT, rank(SLOT, priority=50, policy=POLICY))
    assert callback.entered_at == START - H
    assert (callback.quoted_position, callback.quoted_position_exact) == (None, True)
    Book().write(decision)
    assert requested(booked).due_at == SLOT  # unless it is said how much earlier


def test_duplicates_may_be_allowed() -> None:
    """Then no key forbids a second one."""
    policy = attrs.evolve(POLICY, duplicates=Duplicates.ALLOW)
    assert requested(policy=policy).dedup_key is None


def test_one_person_has_one_key_in_each_queue() -> None:
    """Equal for the same person and queue; different otherwise."""
    keys = [
        lifecycle.dedup_key(SubjectId(subject), policy=policy)
        for subject in ("su_1", "su_2")
        for policy in (POLICY, SALES)
    ]
    assert len(set(keys)) == 4
    assert lifecycle.dedup_key(SubjectId("su_1"), policy=POLICY) == keys[0]
    assert lifecycle.dedup_key_or_none(SubjectId("su_1"), policy=POLICY) == keys[0]


def test_the_sample_is_like_a_promise() -> None:
    """The sample that other tests use is a callback that the rules could have made."""
    policy = attrs.evolve(POLICY, virtual_wait_max=2 * D)
    what = attrs.evolve(
        asked, stand=a_stand(), entered_at=START, request_key=None, position=None, wait=UNKNOWN_WAIT
    )
    assert attrs.evolve(requested(what, policy=policy), dedup_key=None) == a_callback()


@pytest.mark.parametrize("what", [asked, booked, attrs.evolve(asked, stand=PREFERRED)])
def test_the_event_tells_every_field_of_the_promise(what: Asked) -> None:
    """History alone gives the record, in each of its two kinds; nothing is asked of the world yet."""
    decision = promising.request(what, policy=POLICY, now=START)
    told = attrs.asdict(only_event(decision), recurse=False)
    kept = attrs.asdict(only_record(decision), recurse=False)
    assert {name for name in kept if name not in told and kept[name] != _default(name)} == set()
    assert {name: told[name] for name in told.keys() & kept.keys()} == {
        name: kept[name] for name in told.keys() & kept.keys()
    }
    assert decision.effects == ()


def _default(name: str) -> Any:
    return attrs.fields_dict(Callback)[name].default


@pytest.mark.parametrize("mode", Mode)
def test_what_the_host_hands_to_the_telephony_is_kept_as_it_is(mode: Mode) -> None:
    """The number to show and the kind of call; and the mode is that of the policy."""
    what = attrs.evolve(asked, caller_id="+12125550100", media="video")
    callback = requested(what, policy=attrs.evolve(POLICY, mode=mode))
    assert (callback.caller_id, callback.media, callback.mode) == ("+12125550100", "video", mode)
    assert (requested().caller_id, requested().media) == (None, None)


def test_a_new_promise_has_nothing_behind_it() -> None:
    """No attempt, no score, the main number first."""
    callback = requested()
    assert (callback.attempts_count, callback.number_index, callback.attempt_id) == (0, 0, None)
    assert (callback.score, callback.resolved, callback.called_in_id, callback.outcome) == (None,) * 4


# ---------------------------------------------------------------------------- another time

SLOTTED = attrs.evolve(POLICY, slots=SlotPolicy(seats=None, feed_max=2 * M))
NOW = START + M
LATER = START + 30 * H
SEATED = a_stand(priority=50, lane=3, ranked_at=SLOT, rank=booked_rank(SLOT))


@pytest.mark.parametrize(
    ("policy", "booking_id", "lead", "at", "due_at"),
    [
        # A booking is looked at as early as it may be given to an agent, whatever the estimate says.
        (SLOTTED, BOOKING_ID, timedelta(0), SLOT, SLOT - 2 * M),
        (SLOTTED, BOOKING_ID, 30 * S, SLOT, SLOT - 2 * M),
        (SLOTTED, BOOKING_ID, timedelta(0), NOW + M, NOW),
        (SLOTTED, BOOKING_ID, timedelta(0), NOW - M, NOW),
        (SLOTTED, None, 30 * S, SLOT, SLOT - 30 * S),
        # What was booked before its queue had no slots any more.
        (POLICY, BOOKING_ID, 30 * S, SLOT, SLOT - 30 * S),
        (POLICY, None, timedelta(0), SLOT, SLOT),
        (POLICY, None, 4 * H, SLOT, NOW),
    ],
)
def test_when_a_chosen_time_is_looked_at(
    policy: QueuePolicy, booking_id: BookingId | None, lead: timedelta, at: datetime, due_at: datetime
) -> None:
    """The same for a new promise and for one that has another time; never before now."""
    what = attrs.evolve(booked, scheduled_at=at, booking_id=booking_id, lead=lead)
    new = requested(what, policy=policy, now=NOW)
    decision = promising.reschedule(
        requested(),
        scheduled_at=at,
        booking_id=booking_id,
        stand=SEATED,
        lead=lead,
        policy=policy,
        now=NOW,
    )
    for callback in (new, only_record(decision)):
        assert (callback.due_at, callback.due_reason) == (due_at, DueReason.SCHEDULED)
        assert (callback.state, callback.booking_id) == (CallbackState.SCHEDULED, booking_id)


def test_a_promise_has_another_time() -> None:
    """Scheduled again with all its attempts, at the time's own place; what was promised besides is kept."""
    before = a_callback(
        state=CallbackState.RESTING,
        attempts_count=2,
        number_index=1,
        turn_at=START,
        preferred_until_at=START,
        lane=9,
        expires_at=LATER,
        due_reason=DueReason.REST_OVER,
    )
    decision = promising.reschedule(
        before,
        scheduled_at=SLOT,
        booking_id=BOOKING_ID,
        stand=attrs.evolve(SEATED, lane=4, preferred_until_at=NOW + M),
        policy=SLOTTED,
        by="bob",
        reason="the customer asked",
        now=NOW,
    )
    assert changed(before, only_record(decision)) == {
        "state": CallbackState.SCHEDULED,
        "scheduled_at": SLOT,
        "booking_id": BOOKING_ID,
        "lane": 4,
        "ranked_at": SLOT,
        "rank": booked_rank(SLOT),
        "preferred_until_at": NOW + M,
        "attempts_count": 0,
        "number_index": 0,
        "turn_at": None,
        "due_at": SLOT - 2 * M,
        "due_reason": DueReason.SCHEDULED,
    }
    event = only_event(decision)
    assert (event.kind, event.by, event.reason) == ("callback_rescheduled", "bob", "the customer asked")
    assert decision.effects == ()


@pytest.mark.parametrize(("expires_at", "lives_until"), [(LATER, LATER), (START + D, SLOT + D)])
def test_a_promise_with_another_time_lives_from_that_time_on(
    expires_at: datetime, lives_until: datetime
) -> None:
    """But never shorter than was promised."""
    before = a_callback(state=CallbackState.HELD, hold_reason=HoldReason.NUMBER_IN_USE, expires_at=expires_at)
    decision = promising.reschedule(
        before, scheduled_at=SLOT, booking_id=None, stand=SEATED, policy=POLICY, now=NOW
    )
    assert (only_record(decision).expires_at, only_record(decision).hold_reason) == (lives_until, None)


@pytest.mark.parametrize("state", [CallbackState.ATTEMPTING, CallbackState.ENDED])
def test_what_is_being_attempted_or_over_keeps_its_time(state: CallbackState) -> None:
    """Refused, with what is allowed."""
    with pytest.raises(NotPossibleNow) as caught:
        promising.reschedule(
            a_callback(state=state),
            scheduled_at=SLOT,
            booking_id=None,
            stand=SEATED,
            policy=POLICY,
            now=NOW,
        )
    allowed = "held, resting, scheduled, waiting"
    assert str(caught.value) == f"cannot reschedule in state {str(state)!r}; allowed in: {allowed}"


def test_a_booking_that_need_not_join_the_line_yet_is_looked_at_again() -> None:
    """Nothing else of it changes; and only what is scheduled is watched so."""
    before = requested(attrs.evolve(booked, booking_id=BOOKING_ID), policy=SLOTTED)
    decision = promising.look_again(before, at=SLOT - M, now=SLOT - 2 * M)
    assert changed(before, only_record(decision)) == {"due_at": SLOT - M}
    assert only_event(decision).kind == "callback_watched"
    with pytest.raises(NotPossibleNow, match=r"cannot watch in state 'waiting'; allowed in: scheduled"):
        promising.look_again(requested(), at=SLOT, now=START)
