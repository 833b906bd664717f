"""What happens at the booked time: reminders, the head of the line, the agent, and what is said when it is late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callbackq import CallbackState, NoticeKind, Outcome, Store
from callbackq.testing import IS_BUSY, Behaviour, FakeNotices, VirtualHost
from service.scenes import BOB, EVE, HOUR, KIM, MINUTE, SECOND, rung
from service.test_slots import (
    at,
    book,
    check_alternatives,
    opened_store,
    refusal,
    slot_house,
    taken,
    window,
)

NINE, HALF_PAST, TEN = at("09:00"), at("09:30"), at("10:00")
QUARTER = 15 * MINUTE


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    with opened_store(request.param, tmp_path) as opened:
        yield opened


def first_dialed(host: VirtualHost, number: str) -> Any:
    """Return when a customer's phone was first dialed."""
    return next(when for when, who in rung(host) if who == number)


def busy_agents(host: VirtualHost, count: int, *, free_at: Any, apart: timedelta) -> None:
    """Let agents be busy with live calls that end one after the other, each *apart* from the last."""
    for number in range(count):
        call_id = f"busy-{number}"
        host.service.agent_available(f"agent-{number}", queues=["support"])
        host.service.call_joined("support", call_id=call_id)
        host.run_for(timedelta(0))
        host.clock.plan(free_at + number * apart, lambda gone=call_id: host.service.call_left(gone))  # type: ignore[misc]


# ---------------------------------------------------------------------------- begun at its time


def test_with_a_free_agent_it_is_begun_at_its_time(store: Store) -> None:
    """H6: not a second before nor after: the phones were answered at once lately."""
    host = slot_house(store)
    callback_id = book(host, NINE)
    host.service.agent_available("ann", queues=["support"])
    host.run_until(TEN)
    assert first_dialed(host, BOB) == NINE
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    seen = host.service.punctuality("support", from_at=NINE, until_at=TEN)
    assert (seen.booked_count, seen.begun_count, seen.not_begun_count, seen.on_time_count) == (1, 1, 0, 1)
    assert (seen.on_time_ratio, seen.mean_delay_s, seen.delay_max_s) == (1.0, 0.0, 0.0)


def test_it_is_begun_earlier_by_the_time_that_phones_take(store: Store) -> None:
    """H6: agents and customers took 20 seconds to answer lately: so it is begun 20 seconds early."""
    host = slot_house(store)
    host.telephony.agent("ann", Behaviour(answers_after=5 * SECOND))
    for number in range(12):
        who = f"+121255502{number:02}"
        host.telephony.person(who, Behaviour(answers_after=15 * SECOND, talks_for=30 * SECOND))
        host.service.request("support", number=who)
    host.telephony.person(BOB, Behaviour(answers_after=15 * SECOND))
    callback_id = book(host, NINE)
    host.service.agent_available("ann", queues=["support"])
    host.run_until(NINE - 3 * MINUTE)
    host.run_until(TEN)
    turn_at = host.service.get(callback_id).turn_at
    assert turn_at == NINE - 20 * SECOND
    assert first_dialed(host, BOB) == NINE - 15 * SECOND


def test_it_stands_first_in_a_long_line_and_is_begun_in_time(store: Store) -> None:
    """H6: 50 callers and callbacks wait, all agents are busy: the next one who is free takes it, near its time."""
    host = slot_house(store)
    callback_id = book(host, HALF_PAST)
    for number in range(2):
        host.service.agent_available(f"agent-{number}", queues=["support"])
        host.service.call_joined("support", call_id=f"busy-{number}")
    host.run_for(timedelta(0))
    for number in range(25):
        host.service.call_joined("support", call_id=f"call-{number}", priority=50)
        host.service.request("support", number=f"+121255502{number:02}", priority=50)
    host.run_until(HALF_PAST - 2 * MINUTE - SECOND)
    assert host.service.get(callback_id).state is CallbackState.SCHEDULED
    host.run_until(HALF_PAST - 2 * MINUTE)
    assert host.service.get(callback_id).state is CallbackState.WAITING
    position = host.service.position(callback_id)
    assert position is not None
    assert position.number == 1
    host.run_until(HALF_PAST + MINUTE)
    host.service.call_left("busy-1")
    host.run_for(SECOND)
    assert first_dialed(host, BOB) == HALF_PAST + MINUTE
    assert len(rung(host)) == 2, "nobody else of the line was called"
    seen = host.service.punctuality("support", from_at=HALF_PAST, until_at=TEN)
    assert (seen.on_time_count, seen.on_time_ratio, seen.mean_delay_s) == (1, 1.0, 60.0)


def test_it_is_never_begun_earlier_than_the_policy_says(store: Store) -> None:
    """H6: all agents are busy, and one is free three minutes before: somebody else's turn."""
    host = slot_house(store)
    book(host, HALF_PAST)
    busy_agents(host, 2, free_at=HALF_PAST - 3 * MINUTE, apart=MINUTE + 30 * SECOND)
    host.service.call_joined("support", call_id="eve", number=EVE)
    host.run_until(TEN)
    assert first_dialed(host, BOB) == HALF_PAST - MINUTE - 30 * SECOND


@pytest.mark.parametrize(
    ("agents_count", "mean_s", "most_s"), [(1, 0.0, 120.0), (2, -12.0, 60.0), (4, 24.0, 120.0)]
)
def test_bookings_are_punctual_though_the_line_never_ends(
    store: Store, agents_count: int, mean_s: float, most_s: float
) -> None:
    """H6: a caller each minute, each of them talks five: every booking is begun within what is tolerated."""
    host = slot_house(store, policy={"wrap_up": timedelta(0)})
    slots = [NINE + number * 30 * MINUTE for number in range(5)]
    for number, when in enumerate(slots):
        book(host, when, f"+121255503{number:02}")
    for number in range(agents_count):
        host.service.agent_available(f"agent-{number}", queues=["support"])
    connect = host.telephony.connect_call

    def connected(order: Any) -> None:
        connect(order)
        host.clock.plan(host.clock.now() + 5 * MINUTE, lambda: host.service.call_left(order.call_id))

    host.telephony.connect_call = connected  # type: ignore[method-assign]
    for minute in range(40, 200):
        call_id = f"call-{minute}"
        host.clock.plan(
            at("08:00") + minute * MINUTE,
            lambda key=call_id: host.service.call_joined("support", call_id=key),  # type: ignore[misc]
        )
    host.run_until(slots[-1] + 10 * MINUTE)
    seen = host.service.punctuality("support", from_at=NINE, until_at=slots[-1] + SECOND)
    assert (seen.booked_count, seen.begun_count, seen.on_time_count, seen.on_time_ratio) == (5, 5, 5, 1.0)
    assert (seen.mean_delay_s, seen.delay_max_s) == (mean_s, most_s)


# ---------------------------------------------------------------------------- reminders


def test_agent_and_customer_are_reminded_a_quarter_before(store: Store) -> None:
    """H7, H8: once, with both times, the masked number and the context."""
    notices = FakeNotices()
    host = slot_house(store, notices=notices, remind_before=QUARTER)
    callback_id = book(
        host, TEN, zone="Asia/Tokyo", owner="ann", name="Bob", ticket_id="T-1", context={"issue": "bill"}
    )
    host.service.agent_available("ann", queues=["support"])
    host.run_until(TEN - QUARTER - SECOND)
    assert notices.told == []
    host.run_until(TEN - QUARTER)
    assert notices.kinds() == [NoticeKind.AGENT_REMINDER, NoticeKind.REMINDER]
    for told in notices.told:
        line = told.booking
        assert line is not None
        assert (told.owner_id, told.ticket_id, told.number) == ("ann", "T-1", BOB)
        assert (line.slot_at, line.customer_time, line.agent_time) == (TEN, "7:00 PM JST", "10:00 AM UTC")
        assert (line.number_masked, line.context, line.name) == ("+1…01", {"issue": "bill"}, "Bob")
    assert len({told.notice_id for told in notices.told}) == 2
    host.run_until(TEN - SECOND)
    assert len(notices.told) == 2
    host.run_until(TEN + SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_nobody_is_reminded_of_what_was_just_booked(store: Store) -> None:
    """H8: booked when the time to remind was over: they know."""
    notices = FakeNotices()
    host = slot_house(store, notices=notices, remind_before=45 * MINUTE, lead_min=5 * MINUTE)
    book(host, at("08:30"))
    host.run_until(at("08:31"))
    assert notices.kinds() == []


def test_who_is_given_another_time_is_reminded_again(store: Store) -> None:
    """H8: of the new time; nobody is reminded of what was cancelled."""
    notices = FakeNotices()
    host = slot_house(store, notices=notices, remind_before=QUARTER)
    callback_id = book(host, NINE)
    gone = book(host, HALF_PAST, EVE)
    host.run_until(NINE - QUARTER)
    host.service.reschedule(callback_id, scheduled_at=TEN)
    host.service.cancel(gone)
    host.run_until(TEN - SECOND)
    assert [(told.callback_id, told.kind) for told in notices.told] == [
        (callback_id, NoticeKind.AGENT_REMINDER),
        (callback_id, NoticeKind.REMINDER),
    ] * 2
    assert [told.booking.slot_at for told in notices.told if told.booking] == [NINE, NINE, TEN, TEN]


def test_the_customer_hears_that_somebody_else_calls(store: Store) -> None:
    """B4: ann is not signed in when it is reminded of; any agent takes it at its time."""
    notices = FakeNotices()
    host = slot_house(store, notices=notices, remind_before=QUARTER)
    callback_id = book(host, TEN, owner="ann")
    host.service.agent_available("ben", queues=["support"])
    host.run_until(TEN - QUARTER)
    assert notices.kinds() == [NoticeKind.AGENT_REMINDER, NoticeKind.REMINDER, NoticeKind.BACKUP_AGENT]
    host.run_until(TEN + SECOND)
    assert [who for _, who in rung(host)] == ["ben", BOB]
    assert first_dialed(host, BOB) == TEN
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_its_owner_calls_and_if_busy_somebody_else_in_time(store: Store) -> None:
    """B4, H6: it waits for its owner for two minutes from its time on, and is begun within what is tolerated."""
    host = slot_house(store)
    book(host, NINE, owner="ann")
    host.service.agent_available("ben", queues=["support"])
    host.run_for(SECOND)
    host.service.agent_available("ann", queues=["support"])
    book(host, HALF_PAST, EVE, owner="ann")
    host.run_until(HALF_PAST - 5 * MINUTE)
    assert [who for _, who in rung(host)] == ["ann", BOB], "though ben was free for longer"
    host.service.call_joined("support", call_id="long", preferred_agent="ann")
    host.run_until(TEN)
    assert first_dialed(host, EVE) == HALF_PAST + 2 * MINUTE
    assert rung(host)[2][1] == "ben"
    seen = host.service.punctuality("support", from_at=NINE, until_at=TEN)
    assert (seen.on_time_count, seen.on_time_ratio, seen.delay_max_s) == (2, 1.0, 120.0)


# ---------------------------------------------------------------------------- late


def test_without_an_agent_the_customer_hears_once_that_it_is_late(store: Store) -> None:
    """D10: at the slot and what is tolerated, with other times that can be booked; the promise stays."""
    notices = FakeNotices()
    host = slot_house(store, notices=notices)
    callback_id = book(host, NINE)
    host.run_until(NINE + 3 * MINUTE - SECOND)
    assert notices.kinds() == []
    host.run_until(NINE + 3 * MINUTE)
    (late,) = notices.told
    assert (late.kind, late.callback_id) == (NoticeKind.LATE, callback_id)
    assert late.booking is not None
    assert late.booking.slot_at == NINE
    assert len(late.alternatives) == 4
    for other in late.alternatives:
        host.service.release_slot(host.service.hold_slot("support", slot_at=other).booking_id)
    host.run_until(NINE + HOUR)
    assert notices.kinds(callback_id).count(NoticeKind.LATE) == 1
    seen = host.service.punctuality("support", from_at=NINE, until_at=TEN)
    assert (seen.begun_count, seen.not_begun_count, seen.on_time_ratio) == (0, 1, 0.0)
    host.service.reschedule(callback_id, scheduled_at=late.alternatives[-1])
    host.service.agent_available("ann", queues=["support"])
    host.run_until(late.alternatives[-1] + SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_a_failed_attempt_is_not_late(store: Store) -> None:
    """D10: they were called in time: what follows is what follows a failed attempt."""
    notices = FakeNotices()
    host = slot_house(store, notices=notices)
    host.telephony.person(BOB, IS_BUSY)
    callback_id = book(host, NINE)
    host.service.agent_available("ann", queues=["support"])
    host.run_until(NINE + MINUTE)
    assert host.service.get(callback_id).attempts_count == 1
    host.service.agent_unavailable("ann")
    host.run_until(NINE + HOUR)
    assert NoticeKind.LATE not in notices.kinds()


def test_a_window_is_late_only_when_it_is_over(store: Store) -> None:
    """H5, D10: any time of the window was promised."""
    notices = FakeNotices()
    host = slot_house(store, notices=notices)
    receipt = host.service.request("support", number=BOB, windows=[window("09:00", "10:00")])
    assert receipt.expected_at == NINE
    host.run_until(TEN + 3 * MINUTE - SECOND)
    assert NoticeKind.LATE not in notices.kinds()
    host.run_until(TEN + 3 * MINUTE)
    assert notices.kinds().count(NoticeKind.LATE) == 1


def test_one_that_waits_too_long_is_offered_a_time(store: Store) -> None:
    """D9: past the longest virtual wait the customer is sent times that can be booked, once."""
    notices = FakeNotices()
    host = slot_house(store, notices=notices)
    book(host, NINE, EVE)
    callback_id = host.service.request("support", number=KIM).callback_id
    host.run_until(at("08:45") - SECOND)
    assert notices.kinds(callback_id) == []
    host.run_until(at("08:45"))
    (told,) = [one for one in notices.told if one.callback_id == callback_id]
    assert told.kind is NoticeKind.OTHER_TIME
    assert NINE not in told.alternatives
    assert len(told.alternatives) == 4
    host.service.reschedule(callback_id, scheduled_at=told.alternatives[0])
    assert taken(host, told.alternatives[0]) == 1
    assert check_alternatives(host, refusal(lambda: book(host, NINE))) is None
