"""Callbacks that come again by a rule, and times that stay on the wall clock when the rules of a zone change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from callbackq import CallbackState, NoticeKind, Outcome, Store, WeekHours
from callbackq.core import zones
from callbackq.policy import Span
from callbackq.policy.hours import weekdays
from callbackq.system import RandomIds
from callbackq.testing import IS_BUSY, FakeNotices, ManualClock, VirtualHost
from service.scenes import BOB, DAN, EVE, HOUR, KIM, MINUTE, SECOND
from service.test_slots import DAY, NY, at, book, check_books, in_ny, opened_store, slot_house, taken

WEEKLY = "FREQ=WEEKLY;BYDAY=MO"
MONDAYS = [in_ny(f"{day} 10:00") for day in ("2026-02-23", "2026-03-02", "2026-03-09", "2026-03-16")]
BEGIN = MONDAYS[0] - HOUR
WEEK = 7 * DAY
OFFICE = WeekHours(zone=NY, week=weekdays(Span(time(9), time(17))))


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    with opened_store(request.param, tmp_path) as opened:
        yield opened


def mondays(store: Store, *, agents: bool = True, **changed: Any) -> VirtualHost:
    """Open a house with office hours in New York, on a Monday at nine."""
    policy = {"hours": OFFICE, "agent_presence_max": 7 * DAY, **changed.pop("policy", {})}
    host = slot_house(store, policy=policy, clock=ManualClock(BEGIN), **{"horizon": 8 * DAY, **changed})
    if agents:
        host.service.agent_available("ann", queues=["support"])
    return host


def to_come(host: VirtualHost) -> list[Any]:
    """Return what is booked from now on, for as long as a series may have a gap."""
    now = host.clock.now()
    return host.service.booked("support", from_at=now, until_at=now + 5 * WEEK)


def pass_to(host: VirtualHost, when: datetime) -> None:
    """Let time pass; the agent gives a sign of life each day."""
    while host.clock.now() < when:
        host.run_until(min(when, host.clock.now() + DAY))
        host.service.agent_available("ann", queues=["support"])


# ---------------------------------------------------------------------------- again and again


def test_every_monday_at_ten_stays_ten_when_clocks_change(store: Store) -> None:
    """H15, H12: 15:00 in UTC before the eighth of March, 14:00 after it; each is begun at its time."""
    host = mondays(store)
    book(host, MONDAYS[0], zone=NY, repeats=WEEKLY)
    begun = []
    for monday in MONDAYS:
        (line,) = to_come(host)
        assert (line.slot_at, line.state) == (monday, CallbackState.SCHEDULED)
        assert line.customer_time.startswith(("10:00", "Monday"))
        pass_to(host, monday + 10 * MINUTE)
        callback = host.service.get(line.callback_id)
        assert callback.outcome is Outcome.COMPLETED
        begun.append(callback.turn_at)
    assert begun == MONDAYS
    assert [f"{when:%H:%M}" for when in begun if when] == ["15:00", "15:00", "14:00", "14:00"]
    (following,) = to_come(host)
    assert following.slot_at == MONDAYS[3] + WEEK
    assert host.telephony.dialed(BOB) == 4


def test_the_next_is_booked_when_one_is_over_and_not_before(store: Store) -> None:
    """H15: whatever became of it, but for a cancelled one."""
    host = mondays(store)
    host.telephony.person(BOB, *[IS_BUSY] * 20)
    first = book(host, MONDAYS[0], zone=NY, repeats=WEEKLY)
    pass_to(host, MONDAYS[0] + 2 * MINUTE)
    assert [line.slot_at for line in host.service.booked("support", from_at=MONDAYS[0])] == [MONDAYS[0]]
    assert to_come(host) == []
    pass_to(host, MONDAYS[0] + 2 * DAY)
    assert host.service.get(first).outcome in (Outcome.UNREACHED, Outcome.EXPIRED)
    (line,) = to_come(host)
    assert line.slot_at == MONDAYS[1]


def test_what_was_known_of_the_first_is_known_of_the_next(store: Store) -> None:
    """H15: person, context, owner, ticket, priority; the seat is kept for the owner."""
    host = mondays(store, seats=2, kept_seats=1)
    first = book(
        host,
        MONDAYS[0],
        zone=NY,
        repeats=WEEKLY,
        owner="ann",
        ticket_id="T-1",
        priority=5,
        name="Bob",
        language="de",
        context={"issue": "bill"},
    )
    pass_to(host, MONDAYS[0] + 10 * MINUTE)
    (line,) = to_come(host)
    assert line.callback_id != first
    assert (line.agent_id, line.ticket_id, line.priority) == ("ann", "T-1", 5)
    assert (line.name, line.language, line.context) == ("Bob", "de", {"issue": "bill"})
    assert (line.zone, line.number_masked, line.repeats) == (NY, "+1…01", host_rule(host, first))
    before, after = host.service.get(first), host.service.get(line.callback_id)
    assert (after.owner_id, after.preferred_agent_id) == ("ann", "ann")
    assert after.subject_id == before.subject_id
    assert [one.slot_at for one in host.service.booked(agent="ann", until_at=MONDAYS[2])] == [MONDAYS[1]]


def host_rule(host: VirtualHost, callback_id: str) -> str | None:
    """Return the rule of a series."""
    line = host.service.booking(callback_id)
    assert line is not None
    return line.repeats


def test_a_full_slot_becomes_the_nearest_of_the_day(store: Store) -> None:
    """H15: and the one after it is at ten again."""
    host = mondays(store)
    book(host, MONDAYS[0], zone=NY, repeats=WEEKLY)
    book(host, MONDAYS[1], EVE)
    pass_to(host, MONDAYS[0] + 10 * MINUTE)
    assert [line.slot_at for line in to_come(host)] == [MONDAYS[1] - HOUR / 2, MONDAYS[1]]
    pass_to(host, MONDAYS[1] + HOUR)
    (line,) = to_come(host)
    assert line.slot_at == MONDAYS[2]


@pytest.mark.parametrize("why", ["holiday", "full"])
def test_a_day_without_a_seat_is_told_and_left_out(store: Store, why: str) -> None:
    """H15: the company hears of it, and the next week has its callback."""
    notices = FakeNotices()
    short = WeekHours(
        zone=NY,
        week={0: (Span(time(10), time(11)),)},
        holidays=frozenset({date(2026, 3, 2)} if why == "holiday" else ()),
    )
    host = mondays(store, notices=notices, policy={"hours": short})
    first = book(host, MONDAYS[0], zone=NY, repeats=WEEKLY)
    if why == "full":
        book(host, MONDAYS[1], EVE)
        book(host, MONDAYS[1] + HOUR / 2, KIM)
    pass_to(host, MONDAYS[0] + 10 * MINUTE)
    missed = [told for told in notices.told if told.kind is NoticeKind.NOT_REPEATED]
    assert [told.callback_id for told in missed] == [first]
    assert [line.slot_at for line in to_come(host) if line.repeats] == [MONDAYS[2]]


def test_a_series_without_any_seat_ends_and_says_so(store: Store) -> None:
    """H15: it does not look for ever: ten times in a row, each told once."""
    notices = FakeNotices()
    once = WeekHours(zone=NY, week={}, special={date(2026, 2, 23): [Span(time(10), time(11))]})
    host = mondays(store, notices=notices, policy={"hours": once})
    book(host, MONDAYS[0], zone=NY, repeats=WEEKLY)
    pass_to(host, MONDAYS[0] + 10 * MINUTE)
    missed = [told for told in notices.told if told.kind is NoticeKind.NOT_REPEATED]
    assert len({told.notice_id for told in missed}) == len(missed) == 10
    assert to_come(host) == []


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("FREQ=WEEKLY;BYDAY=MO;COUNT=2", 2),
        ("FREQ=WEEKLY;BYDAY=MO;UNTIL=20260309", 3),
        ("FREQ=WEEKLY;BYDAY=MO;UNTIL=20260309T095900", 2),
    ],
)
def test_a_series_ends_by_its_rule(store: Store, rule: str, count: int) -> None:
    """H15: after so many times, or with a date; quietly."""
    notices = FakeNotices()
    host = mondays(store, notices=notices)
    book(host, MONDAYS[0], zone=NY, repeats=rule)
    pass_to(host, MONDAYS[3] + DAY)
    assert host.telephony.dialed(BOB) == count
    assert to_come(host) == []
    assert NoticeKind.NOT_REPEATED not in notices.kinds()


def test_cancel_ends_the_series(store: Store) -> None:
    """H15: the one to come is cancelled, and none follows; its seat is free."""
    host = mondays(store)
    book(host, MONDAYS[0], zone=NY, repeats=WEEKLY)
    pass_to(host, MONDAYS[0] + 10 * MINUTE)
    (line,) = to_come(host)
    host.service.cancel(line.callback_id)
    assert taken(host, MONDAYS[1]) == 0
    pass_to(host, MONDAYS[2])
    assert to_come(host) == []
    assert host.telephony.dialed(BOB) == 1


def test_one_that_was_done_otherwise_is_followed_by_the_next(store: Store) -> None:
    """H15: before its time: its seat is free again, and the next one is that of the week after."""
    host = mondays(store)
    first = book(host, MONDAYS[1], zone=NY, repeats=WEEKLY)
    host.service.mark_done(first, by="eva")
    host.run_for(SECOND)
    assert taken(host, MONDAYS[1]) == 0
    assert [line.slot_at for line in to_come(host)] == [MONDAYS[2]]


def test_one_that_was_moved_leaves_the_others_where_they_are(store: Store) -> None:
    """H15: on Tuesday for once."""
    host = mondays(store)
    first = book(host, MONDAYS[0], zone=NY, repeats=WEEKLY)
    host.service.reschedule(first, scheduled_at=MONDAYS[0] + DAY)
    pass_to(host, MONDAYS[0] + DAY + 10 * MINUTE)
    assert host.service.get(first).outcome is Outcome.COMPLETED
    assert [line.slot_at for line in to_come(host)] == [MONDAYS[1]]


def test_a_series_out_of_a_hold(store: Store) -> None:
    """H15, H3: the seat that was kept is its first."""
    host = mondays(store)
    held = host.service.hold_slot("support", slot_at=MONDAYS[0], zone=NY).booking_id
    host.service.request("support", number=BOB, booking_id=held, repeats=WEEKLY)
    pass_to(host, MONDAYS[1] + 10 * MINUTE)
    assert [line.slot_at for line in to_come(host)] == [MONDAYS[2]]
    assert host.telephony.dialed(BOB) == 2


def test_a_series_survives_a_restart(store: Store) -> None:
    """H15: another process on the same store goes on with it, as often as need be."""
    host = mondays(store)
    book(host, MONDAYS[0], zone=NY, repeats=WEEKLY)
    for number in range(3):
        again = mondays(store, agents=False, ids=RandomIds())
        again.clock.move_to(host.clock.now())
        again.service.agent_available("ann", queues=["support"])
        pass_to(again, MONDAYS[number] + 10 * MINUTE)
        assert again.telephony.dialed(BOB) == 1
        assert [line.slot_at for line in to_come(again)] == [MONDAYS[number + 1]]
        host = again


def test_a_night_call_in_the_hour_that_is_left_out(store: Store) -> None:
    """H15, H12: half past two each night: at three on the night without it, and half past two again the next."""
    always = WeekHours(zone=NY, week={day: (Span(time(0), time(0)),) for day in range(7)})
    host = slot_house(
        store,
        policy={"hours": always, "agent_presence_max": 7 * DAY},
        clock=ManualClock(in_ny("2026-03-07 01:00")),
        horizon=DAY,
    )
    host.service.agent_available("ann", queues=["support"])
    book(host, in_ny("2026-03-07 02:30"), zone=NY, repeats="FREQ=DAILY")
    found = []
    for day in (8, 9):
        host.run_until(in_ny(f"2026-03-0{day - 1} 05:00"))
        (line,) = to_come(host)
        found.append(line.slot_at)
    assert found == [in_ny("2026-03-08 03:00"), in_ny("2026-03-09 02:30")]


def test_the_person_may_have_another_callback_beside_the_series(store: Store) -> None:
    """H15: a second one is no reason to end the series."""
    host = mondays(store)
    book(host, MONDAYS[0], zone=NY, repeats=WEEKLY)
    host.run_until(MONDAYS[0] + SECOND)
    other = book(host, MONDAYS[0] + DAY, zone=NY)
    pass_to(host, MONDAYS[0] + 10 * MINUTE)
    assert {line.slot_at for line in to_come(host)} == {MONDAYS[0] + DAY, MONDAYS[1]}
    assert host.service.get(other).state is CallbackState.SCHEDULED


# ---------------------------------------------------------------------------- rules that change

TEN_NY, NEW_TEN = at("15:00"), at("14:00")


@pytest.fixture
def summer_for_ever(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what gives New York summer time all year: ten o'clock is an hour earlier."""
    real = zones._rules

    def rules(key: str) -> ZoneInfo:
        return ZoneInfo("Etc/GMT+4") if key == NY else real(key)

    return lambda: monkeypatch.setattr(zones, "_rules", rules)


def test_a_booking_keeps_its_wall_clock_time(store: Store, summer_for_ever: Callable[[], None]) -> None:
    """H12: ten o'clock stays ten o'clock: callback, booking and seats move, and history says why."""
    host = slot_house(store, horizon=DAY, remind_before=15 * MINUTE)
    moved, other = book(host, TEN_NY, zone=NY), book(host, at("16:00"), EVE, zone="UTC")
    summer_for_ever()
    unmoved = host.service.get(other)
    again = slot_house(store, horizon=DAY, remind_before=15 * MINUTE, clock=host.clock, ids=RandomIds())
    again.run_for(timedelta(0))
    callback, line = again.service.get(moved), again.service.booking(moved)
    assert line is not None
    assert (callback.scheduled_at, line.slot_at) == (NEW_TEN, NEW_TEN)
    assert line.customer_time.startswith("10:00 AM")
    assert [taken(again, when) for when in (TEN_NY, NEW_TEN)] == [0, 1]
    last: Any = again.service.history(moved)[-1]
    assert (last.kind, last.reason, last.by) == ("booking_moved", "zone_rules", None)
    assert again.service.get(other) == unmoved
    again.service.agent_available("ann", queues=["support"])
    again.run_until(NEW_TEN + SECOND)
    assert again.service.get(moved).outcome is Outcome.COMPLETED


def test_it_is_done_once_in_a_process(store: Store, summer_for_ever: Callable[[], None]) -> None:
    """H12: by its first step; by hand at any time; a second time changes nothing."""
    host = slot_house(store, horizon=DAY)
    callback_id = book(host, TEN_NY, zone=NY)
    host.run_for(SECOND)
    summer_for_ever()
    host.run_for(HOUR)
    assert host.service.get(callback_id).scheduled_at == TEN_NY
    assert host.service.keep_wall_clock() == 1
    assert host.service.keep_wall_clock() == 0
    assert host.service.get(callback_id).scheduled_at == NEW_TEN


def test_a_full_slot_is_crowded_rather_than_the_promise_broken(
    store: Store, summer_for_ever: Callable[[], None]
) -> None:
    """H12: the seat is taken all the same, and the slot shows as crowded."""
    host = slot_house(store, horizon=DAY)
    callback_id, there = book(host, TEN_NY, zone=NY), book(host, NEW_TEN, EVE, zone="UTC")
    summer_for_ever()
    assert host.service.keep_wall_clock() == 1
    assert taken(host, NEW_TEN) == 2
    (crowded,) = host.service.crowded_slots("support", until_at=TEN_NY)
    assert {line.callback_id for line in crowded.over} <= {callback_id, there}
    assert len(crowded.over) == 1


def test_two_bookings_of_an_agent_that_meet_are_both_kept(
    store: Store, summer_for_ever: Callable[[], None]
) -> None:
    """H12, B4: she cannot do both: the one that moved is anybody's then; and the dispatcher goes on."""
    host = slot_house(store, horizon=DAY, seats=2)
    moved = book(host, TEN_NY, zone=NY, owner="ann")
    there = book(host, NEW_TEN, EVE, zone="UTC", owner="ann")
    third = book(host, at("15:30"), KIM, zone=NY)
    summer_for_ever()
    again = slot_house(store, horizon=DAY, seats=2, clock=host.clock, ids=RandomIds())
    again.run_for(timedelta(0))
    assert again.service.get(moved).scheduled_at == NEW_TEN
    assert again.service.get(third).scheduled_at == at("14:30")
    assert [line.callback_id for line in again.service.booked(agent="ann")] == [there]
    assert taken(again, NEW_TEN) == 2


def test_an_agents_bookings_make_room_for_each_other(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """H12, B4: all of them move on by the length of a slot, or back: each stays in the agent's calendar."""
    host = slot_house(store, horizon=DAY, length=HOUR)
    numbers = [BOB, EVE, KIM]
    for number, when in zip(numbers, (at("15:00"), at("16:00"), at("17:00")), strict=True):
        book(host, when, number, zone=NY, owner="ann")
    real = zones._rules
    for offset, hours in (("Etc/GMT+6", (16, 17, 18)), ("Etc/GMT+5", (15, 16, 17))):
        monkeypatch.setattr(
            zones, "_rules", lambda key, now=offset: ZoneInfo(now) if key == NY else real(key)
        )
        assert host.service.keep_wall_clock() == 3
        lines = host.service.booked(agent="ann")
        assert [line.slot_at.hour for line in lines] == list(hours)


def test_a_time_that_would_be_past_stands(store: Store, summer_for_ever: Callable[[], None]) -> None:
    """H12: nobody is called in the past: it is called when it was to be."""
    host = slot_house(store, horizon=DAY)
    callback_id = book(host, TEN_NY, zone=NY)
    host.clock.move_to(NEW_TEN + MINUTE)
    summer_for_ever()
    assert host.service.keep_wall_clock() == 0
    host.service.agent_available("ann", queues=["support"])
    host.run_until(TEN_NY + SECOND)
    assert host.service.get(callback_id).turn_at == TEN_NY


def test_an_hour_later_or_into_a_gap(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """H12: a zone that goes back an hour moves its bookings on; those who wait in line stay."""
    host = slot_house(store, horizon=DAY)
    callback_id = book(host, TEN_NY, zone=NY)
    waiting = host.service.request("support", number=DAN).callback_id
    real = zones._rules
    monkeypatch.setattr(zones, "_rules", lambda key: ZoneInfo("Etc/GMT+6") if key == NY else real(key))
    assert host.service.keep_wall_clock() == 1
    assert host.service.get(callback_id).scheduled_at == at("16:00")
    assert host.service.get(callback_id).expires_at == at("16:00") + DAY
    assert host.service.get(waiting).state is CallbackState.WAITING
    check_books(store)
