"""
Laws of slots, through the real service: any hours, any zone, any instant of twenty years.

What is open is found out here by reading the clock on the wall minute by minute; who has which seat, by the
checkers. Neither knows the code that is tested.
"""

from __future__ import annotations

import re
from calendar import month_name
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq import (
    DEFAULT_TENANT,
    CallbackqError,
    CallbackService,
    Commit,
    MemoryStore,
    NotPossibleNow,
    QueueName,
    QueuePolicy,
    SlotUnavailable,
    Store,
    TenantId,
    Transaction,
)
from callbackq.events import CallbackRequested
from callbackq.model import Slot
from callbackq.policy import FixedSeats, SlotPolicy, Span, WeekHours
from callbackq.testing import ANSWERS, NEVER_ANSWERS, ManualClock, VirtualHost
from callbackq.testing.slot_checkers import SlotEvidence, check_slots

D, H, M = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
ZONES = sorted(key for key in available_timezones() if key not in ("Factory", "localtime", "posixrules"))
FROM, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 12, 1, tzinfo=UTC)
LAW = settings(max_examples=40, deadline=None, derandomize=True, database=None)

zones = st.sampled_from(ZONES)


# ---------------------------------------------------------------------------- random hours and instants


def a_time(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)


@st.composite
def weeks(draw: Callable[..., Any], unit: int = 30) -> Mapping[int, tuple[Span, ...]]:
    """Hours of a week: up to three spans on each day, that begin and end at multiples of so many minutes."""
    found: dict[int, tuple[Span, ...]] = {}
    ends = st.lists(st.integers(0, 1440 // unit), unique=True, max_size=6)
    for day in range(7):
        points = [point * unit for point in sorted(draw(ends))]
        pairs = list(zip(points[::2], points[1::2], strict=False))
        found[day] = tuple(Span(a_time(opens), a_time(closes)) for opens, closes in pairs)
    if not any(found.values()):
        found[draw(st.integers(0, 6))] = (Span(time(9), time(17)),)
    return found


@cache
def changes(zone: str, year: int) -> tuple[datetime, ...]:
    """Return the hours of a year, in UTC, before which clocks of a zone are changed."""
    rules, at = ZoneInfo(zone), datetime(year, 1, 1, tzinfo=UTC)
    days = [at + number * D for number in range(367)]
    found: list[datetime] = []
    for day, after in pairwise(days):
        if day.astimezone(rules).utcoffset() != after.astimezone(rules).utcoffset():
            hours = [day + number * H for number in range(25)]
            found += [
                later
                for hour, later in pairwise(hours)
                if hour.astimezone(rules).utcoffset() != later.astimezone(rules).utcoffset()
            ]
    return tuple(found)


@st.composite
def instants(draw: Callable[..., Any], zone: str) -> datetime:
    """An instant of twenty years; often one within a day of a change of clocks."""
    anywhere: datetime = FROM + draw(st.integers(0, (UNTIL - FROM) // M)) * M
    near = changes(zone, anywhere.year)
    if not near or draw(st.booleans()):
        return anywhere
    at: datetime = draw(st.sampled_from(near)) + draw(st.integers(-1440, 1440)) * M
    return at


# ---------------------------------------------------------------------------- when it is open, minute by minute


@attrs.frozen
class Wall:
    """What the clock of a zone shows, for each minute from an instant on. All clocks change at whole minutes."""

    begin: datetime
    shown: tuple[datetime, ...]

    def first(self, wall_at: datetime) -> int:
        """Return the first minute at which the clock shows this or more."""
        return next(number for number, shown in enumerate(self.shown) if shown >= wall_at)

    def last(self, wall_at: datetime) -> int:
        """Return the minute from which on the clock shows this or more, for good."""
        back = enumerate(reversed(self.shown))
        return len(self.shown) - next(number for number, shown in back if shown < wall_at)

    def at(self, minute: int) -> datetime:
        """Return the instant of a minute."""
        return self.begin + minute * M


def a_wall(zone: str, begin: datetime, end: datetime) -> Wall:
    rules = ZoneInfo(zone)
    count = (end - begin) // M
    return Wall(begin, tuple((begin + m * M).astimezone(rules).replace(tzinfo=None) for m in range(count)))


def open_minutes(wall: Wall, hours: WeekHours, days: list[date]) -> list[bool]:
    """Return whether it is open in each minute: from the opening first shown until the closing last not shown."""
    found = [False] * len(wall.shown)
    for day in days:
        for span in hours.week.get(day.weekday(), ()):
            closing = day + D if span.closes <= span.opens else day
            begin = wall.first(datetime.combine(day, span.opens))
            end = wall.last(datetime.combine(closing, span.closes))
            found[begin:end] = [True] * max(end - begin, 0)
    return found


def intervals_of(wall: Wall, opened: list[bool]) -> list[tuple[datetime, datetime]]:
    """Return from when until when it is open."""
    edges = [False, *opened, False]
    turns = [number for number, (before, after) in enumerate(pairwise(edges)) if before != after]
    return [(wall.at(begin), wall.at(end)) for begin, end in zip(turns[::2], turns[1::2], strict=True)]


def a_service(now: datetime, **slots: Any) -> CallbackService:
    """A service of one queue with slots, in memory."""
    hours = slots.pop("hours", None)
    fields: dict[str, Any] = {"seats": FixedSeats(seats=1), "lead_min": 0 * M, "horizon": 30 * D}
    policy = QueuePolicy(queue="support", hours=hours, slots=SlotPolicy(**(fields | slots)))
    return CallbackService(MemoryStore(), [policy], clock=ManualClock(now))


# ---------------------------------------------------------------------------- hours


@given(week=weeks(), zone=zones, length=st.sampled_from([5, 10, 15, 30]), data=st.data())
@LAW
def test_the_slots_of_whole_days_are_all_of_the_open_time_and_nothing_else(
    week: Mapping[int, tuple[Span, ...]], zone: str, length: int, data: st.DataObject
) -> None:
    """Where the length divides the spans: the slots cover each open minute once, and no other, whatever clocks do."""
    check_whole_days(WeekHours(zone=zone, week=week), now=data.draw(instants(zone)), length=length * M)


def check_whole_days(hours: WeekHours, *, now: datetime, length: timedelta) -> None:
    """The slots of tomorrow and the day after cover each open minute once, and no other."""
    wall = a_wall(hours.zone, now - 2 * D, now + 5 * D)
    today = now.astimezone(ZoneInfo(hours.zone)).date()
    opened = open_minutes(wall, hours, [today + shift * D for shift in range(4)])
    begin, end = (wall.first(datetime.combine(today + shift * D, time())) for shift in (1, 3))
    service = a_service(now, hours=hours, length=length)
    slots = service.slots("support", from_at=wall.at(begin), until_at=wall.at(end))
    covered = Counter[int]()
    for slot in slots:
        first, last = ((at - wall.begin) // M for at in (slot.starts_at, slot.ends_at))
        covered.update(range(first, last))
    assert covered == Counter(minute for minute in range(begin, end) if opened[minute])
    assert sum((slot.ends_at - slot.starts_at for slot in slots), 0 * M) == sum(opened[begin:end]) * M


HALF_HOURS = (*(Span(time(hour), time(hour, 30)) for hour in (*range(6), 22)), Span(time(23, 30), time(0)))
EVERY_NIGHT = (Span(time(0), time(1, 30)), Span(time(1, 30), time(2)), Span(time(22), time(0)))
TO_TWO = (Span(time(0), time(1)), Span(time(1, 30), time(2)), Span(time(21), time(23)))


@pytest.mark.parametrize("spans", [HALF_HOURS, EVERY_NIGHT, TO_TWO])
def test_whole_days_beside_every_change_of_clocks(spans: tuple[Span, ...]) -> None:
    """With hours that open and close in what is skipped and in what comes twice: in every kind of zone."""
    kinds = {
        (changes(zone, 2027), datetime(2027, 1, 1, tzinfo=ZoneInfo(zone)).utcoffset()): zone for zone in ZONES
    }
    changed = [(zone, at) for (found, _), zone in kinds.items() for at in found]
    for zone, at in changed:
        hours = WeekHours(zone=zone, week=dict.fromkeys(range(7), spans))
        check_whole_days(hours, now=at - D, length=30 * M)
    assert len(changed) > 30


@given(
    week=weeks(unit=5),
    zone=zones,
    length=st.integers(1, 480),
    grid=st.none() | st.integers(1, 480),
    data=st.data(),
)
@LAW
def test_no_slot_is_outside_the_hours(
    week: Mapping[int, tuple[Span, ...]], zone: str, length: int, grid: int | None, data: st.DataObject
) -> None:
    """From its begin to its end, for every length and grid; slots are in order, and within what was asked for."""
    now: datetime = data.draw(instants(zone))
    hours = WeekHours(zone=zone, week=week)
    step = None if grid is None else grid * M
    service = a_service(now, hours=hours, length=length * M, grid=step)
    slots = service.slots("support", until_at=now + 2 * D)
    wall = a_wall(zone, now - 3 * D, now + 5 * D)
    today = now.astimezone(ZoneInfo(zone)).date()
    opened = open_minutes(wall, hours, [today + shift * D for shift in range(-2, 4)])
    for slot in slots:
        first, last = ((at - wall.begin) // M for at in (slot.starts_at, slot.ends_at))
        assert slot.starts_at == wall.at(first)
        assert all(opened[first:last])
        assert (slot.ends_at - slot.starts_at, slot.free_count) == (length * M, 1)
        assert now <= slot.starts_at < now + 2 * D
    starts = [slot.starts_at for slot in slots]
    assert starts == sorted(set(starts))
    assert [slot.starts_at for slot in service.free_slots("support", limit=len(slots) or 1)][
        : len(slots)
    ] == starts


# ---------------------------------------------------------------------------- what is shown

_MONTHS = {name: number for number, name in enumerate(month_name) if name}
_ENGLISH = re.compile(
    r"(?:[A-Z][a-z]+day(?:, | )(?:(?P<month>[A-Z]\w+) (?P<day>\d+)|(?P<day2>\d+) (?P<month2>[A-Z]\w+))"
    r"(?:,? (?P<year>\d{4}))?, )?(?P<hour>\d+):(?P<minute>\d\d)(?: (?P<half>AM|PM))? (?P<label>.+)"
)
_ISO = re.compile(
    r"(?:(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d), )?(?P<hour>\d\d):(?P<minute>\d\d) (?P<label>.+)"
)


def read_as_shown(text: str, *, zone: str, fold: int, now: datetime) -> datetime:
    """Return the instant that a customer reads in a text: what is left out is today's, or this year's."""
    match = _ENGLISH.fullmatch(text) or _ISO.fullmatch(text)
    assert match is not None, text
    parts = match.groupdict()
    today = now.astimezone(ZoneInfo(zone)).date()
    month, day = parts["month"] or parts.get("month2"), parts["day"] or parts.get("day2")
    hour = int(parts["hour"])
    if parts.get("half"):
        assert 1 <= hour <= 12, text
        hour = hour % 12 + (12 if parts["half"] == "PM" else 0)
    on = date(
        int(parts["year"] or today.year),
        today.month if month is None else _MONTHS[month] if month in _MONTHS else int(month),
        today.day if day is None else int(day),
    )
    shown = datetime.combine(on, time(hour, int(parts["minute"])), ZoneInfo(zone)).replace(fold=fold)
    return shown.astimezone(UTC)


@given(
    zone=zones,
    language=st.sampled_from(["en", "en-GB", "de", None]),
    ahead=st.integers(0, 1919),
    data=st.data(),
)
@LAW
def test_a_time_that_is_shown_is_the_instant_that_was_booked(
    zone: str, language: str | None, ahead: int, data: st.DataObject
) -> None:
    """Its text, the zone and the fold say the same instant, in every zone and beside every change of clocks."""
    now: datetime = data.draw(instants(zone))
    service = a_service(now, length=15 * M)
    slot_at = service.free_slots("support", limit=ahead // 15 + 1)[-1].starts_at
    made = service.request(
        "support", number="+12125550123", scheduled_at=slot_at, zone=zone, language=language
    )
    (line,) = service.booked("support", from_at=slot_at, until_at=slot_at + M)
    assert (line.callback_id, line.slot_at, line.zone) == (made.callback_id, slot_at, zone)
    assert read_as_shown(line.customer_time, zone=zone, fold=line.fold, now=now) == slot_at
    assert read_as_shown(line.agent_time, zone="UTC", fold=0, now=now) == slot_at


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Africa/Casablanca"]
)
def test_two_slots_that_read_alike_are_told_apart(zone: str) -> None:
    """Where clocks go back, both are booked: by the clock and the fold each is itself, and their texts differ."""
    rules = ZoneInfo(zone)
    back = next(
        at
        for at in changes(zone, 2027)
        if (at - H).astimezone(rules).utcoffset() > at.astimezone(rules).utcoffset()  # type: ignore[operator]
    )
    service = a_service(back - 5 * H, length=30 * M)
    slots = service.slots("support", from_at=back - 3 * H, until_at=back + 3 * H)
    for number, slot in enumerate(slots):
        service.request("support", number=f"+121255501{number:02}", scheduled_at=slot.starts_at, zone=zone)
    lines = service.booked("support", from_at=back - 3 * H, until_at=back + 3 * H)
    now = service.clock.now()
    read = [read_as_shown(line.customer_time, zone=zone, fold=line.fold, now=now) for line in lines]
    assert read == [slot.starts_at for slot in slots]
    assert sum(line.fold for line in lines) in (1, 2)
    assert len({line.customer_time for line in lines}) == len(lines)


# ---------------------------------------------------------------------------- seats


@attrs.define
class People:
    """Does what customers do, at random; counts what came of it."""

    host: VirtualHost
    draw: Callable[..., Any]
    seen: Counter[str]
    number: int = 0
    callbacks: list[str] = attrs.field(factory=list[str])
    holds: list[str] = attrs.field(factory=list[str])

    def act(self) -> None:
        """Do one thing."""
        what: str = self.draw(st.sampled_from(sorted(WHAT)))
        try:
            WHAT[what](self)
        except SlotUnavailable as error:
            self.refused(error)
        except NotPossibleNow:
            self.seen["not possible"] += 1
        except CallbackqError as error:  # pragma: no cover
            raise AssertionError(f"{what}: {error}") from error
        else:
            self.seen[what] += 1

    def refused(self, error: SlotUnavailable) -> None:
        """What is proposed instead can be booked."""
        self.seen[str(error.reason)] += 1
        free = {slot.starts_at for slot in self.host.service.slots("support", priority=5) if slot.free_count}
        assert {*error.alternatives} <= free

    def slot(self) -> datetime:
        """Choose a time: mostly one of the first slots, so that they are wanted by many."""
        slots = self.host.service.slots("support")
        if not slots:
            return self.host.clock.now() + H
        at: datetime = slots[self.draw(st.integers(0, 7)) % len(slots)].starts_at
        off: int = self.draw(st.sampled_from([0, 0, 0, 0, 0, 0, 7, 24 * 60]))
        return at + off * M

    def priority(self) -> int:
        priority: int = self.draw(st.sampled_from([5, 100, 100]))
        return priority

    def who(self, ids: list[str]) -> str | None:
        return self.draw(st.sampled_from(ids)) if ids else None

    def book(self, **more: Any) -> None:
        self.number += 1
        number = f"+1212555{self.number:04}"
        self.host.telephony.person(number, self.draw(st.sampled_from([ANSWERS, NEVER_ANSWERS])))
        chosen = more or {"scheduled_at": self.slot(), "priority": self.priority()}
        made = self.host.service.request("support", number=number, **chosen)
        self.callbacks.append(made.callback_id)

    def book_series(self) -> None:
        self.book(scheduled_at=self.slot(), repeats="FREQ=DAILY")

    def hold(self) -> None:
        held = self.host.service.hold_slot(
            "support", slot_at=self.slot(), zone="UTC", priority=self.priority()
        )
        self.holds.append(held.booking_id)

    def book_held(self) -> None:
        booking_id = self.who(self.holds)
        if booking_id is not None:
            self.book(booking_id=booking_id)

    def release(self) -> None:
        booking_id = self.who(self.holds)
        if booking_id is not None:
            self.host.service.release_slot(booking_id)

    def move(self) -> None:
        callback_id = self.who(self.callbacks)
        if callback_id is not None:
            self.host.service.reschedule(callback_id, scheduled_at=self.slot())

    def move_to_held(self) -> None:
        callback_id, booking_id = self.who(self.callbacks), self.who(self.holds)
        if callback_id is not None and booking_id is not None:
            self.host.service.reschedule(callback_id, booking_id=booking_id)

    def cancel(self) -> None:
        callback_id = self.who(self.callbacks)
        if callback_id is not None:
            self.host.service.cancel(callback_id)

    def wait_unseen(self) -> None:
        """Time passes, and no dispatcher steps: what is due by then is still to be done."""
        self.host.clock.advance(self.draw(st.sampled_from([1, 31, 600])) * timedelta(seconds=1))

    def wait(self) -> None:
        self.host.run_for(self.draw(st.sampled_from([10, 31, 600, 3_600, 20_000])) * timedelta(seconds=1))


WHAT: Mapping[str, Callable[[People], None]] = {
    "book": People.book,
    "book a held one": People.book_held,
    "book another": lambda people: people.book(),
    "cancel": People.cancel,
    "hold": People.hold,
    "hold another": lambda people: people.hold(),
    "move": People.move,
    "move to a held one": People.move_to_held,
    "release": People.release,
    "repeat": People.book_series,
    "wait": People.wait,
    "wait unseen": People.wait_unseen,
}


def evidence_of(
    host: VirtualHost, *, hours: WeekHours, start: datetime, seats: int, kept: int
) -> SlotEvidence:
    """Return the accounts of a run; what was open is found out minute by minute."""
    now = host.clock.now()
    wall = a_wall(hours.zone, start - 3 * D, now + 6 * D)
    today = start.astimezone(ZoneInfo(hours.zone)).date()
    days = [today + shift * D for shift in range(-1, (now - start).days + 5)]
    with host.service.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        history = tx.history.all()
        told = [event.callback_id for event in history if isinstance(event, CallbackRequested)]
        return SlotEvidence(
            history=history,
            callbacks=[tx.callbacks.get(callback_id) for callback_id in told],
            counters=tx.slots.between(QueueName("support"), from_at=FROM, until_at=UNTIL + 400 * D),
            open={"support": intervals_of(wall, open_minutes(wall, hours, days))},
            capacity=lambda _queue, _at: seats,
            kept=lambda _queue, _at: kept,
        )


def run_people(data: st.DataObject, seen: Counter[str]) -> None:
    """Let customers do thirty things, and the time go by; then hold all accounts against each other."""
    zone: str = data.draw(zones)
    start: datetime = data.draw(instants(zone))
    hours = WeekHours(zone=zone, week=data.draw(weeks()))
    slots = SlotPolicy(
        seats=FixedSeats(seats=data.draw(st.integers(1, 3))),
        length=30 * M,
        grid=data.draw(st.sampled_from([None, 15 * M])),
        lead_min=data.draw(st.sampled_from([0 * M, 15 * M])),
        horizon=2 * D,
        kept_seats=data.draw(st.integers(0, 1)),
        closing_ratio=None,
    )
    host = VirtualHost(
        MemoryStore(), [QueuePolicy(queue="support", hours=hours, slots=slots)], clock=ManualClock(start)
    )
    host.service.agent_available("ann", queues=["support"])
    people = People(host, data.draw, seen)
    assert isinstance(slots.seats, FixedSeats)
    for _ in range(data.draw(st.integers(1, 30))):
        people.act()
    host.run_for(M)
    findings = check_slots(
        evidence_of(host, hours=hours, start=start, seats=slots.seats.seats, kept=slots.kept_seats)
    )
    assert findings.all == ()
    listed = host.service.slots("support", priority=100)
    free = [slot for slot in listed if slot.free_count > 0]
    assert free_of(host.service, len(free)) == free
    assert all(slot.taken_count <= slot.seats_count for slot in listed)


def free_of(service: CallbackService, count: int) -> list[Slot]:
    found = service.free_slots("support", priority=100, limit=count + 10)
    until_at = service.clock.now() + 2 * D
    return [slot for slot in found if slot.starts_at < until_at]


def test_no_seat_is_given_twice_and_none_is_lost() -> None:
    """
    Whatever customers do, in whatever order: seats, hours, counters, callbacks and bookings agree.

    And most of what can happen has: seats were refused, moved, passed on and given back.
    """
    seen = Counter[str]()

    @given(data=st.data())
    @settings(LAW, max_examples=50, report_multiple_bugs=False)
    def law(data: st.DataObject) -> None:
        run_people(data, seen)

    law()
    assert {*WHAT, "full", "off_grid"} <= {*seen}


# ---------------------------------------------------------------------------- what is read


class CountedTable:
    """Passes everything on to a table, and notes each call and how many rows it returned."""

    def __init__(self, name: str, table: Any, read: Counter[str]) -> None:
        self._name, self._table, self._read = name, table, read

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._table, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            found = method(*args, **kwargs)
            self._read[f"{self._name}.{name}"] += 1
            self._read[f"rows of {self._name}.{name}"] += len(found) if isinstance(found, list) else 1
            return found

        return counted


TABLES = ("attempts", "bookings", "callbacks", "calls", "history", "line", "slots", "subjects")


class CountedTransaction:
    """A transaction, all of whose tables are counted."""

    def __init__(self, tx: Transaction, read: Counter[str]) -> None:
        self._tx, self._read = tx, read

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tx, name)
        return CountedTable(name, found, self._read) if name in TABLES else found


class CountingStore:
    """Any store; `read` is what was read since it was cleared."""

    def __init__(self, store: Store) -> None:
        self.behind = store
        self.read = Counter[str]()

    @property
    def pepper(self) -> bytes:
        return self.behind.pepper

    def transaction(self, tenant_id: TenantId, *, commit: Commit) -> AbstractContextManager[Transaction]:
        return self._transaction(tenant_id, commit)

    @contextmanager
    def _transaction(self, tenant_id: TenantId, commit: Commit) -> Generator[Any]:
        with self.behind.transaction(tenant_id, commit=commit) as tx:
            yield CountedTransaction(tx, self.read)

    def close(self) -> None:
        self.behind.close()


NINE_TO_FIVE = WeekHours(zone="America/New_York", week=dict.fromkeys(range(7), (Span(time(9), time(17)),)))


def a_counted(store: CountingStore, **slots: Any) -> CallbackService:
    hours = slots.pop("hours", NINE_TO_FIVE)
    fields: dict[str, Any] = {"seats": FixedSeats(seats=50), "horizon": 60 * D, "hold_time": H}
    policy = QueuePolicy(queue="support", hours=hours, slots=SlotPolicy(**(fields | slots)))
    return CallbackService(store, [policy], clock=ManualClock())


def test_a_week_with_five_thousand_bookings_reads_one_row_for_each_slot() -> None:
    """No booking, no callback and no person is read; and nothing more often than for a week without any."""
    store = CountingStore(MemoryStore())
    service = a_counted(store)
    now = service.clock.now()
    empty = service.slots("support", until_at=now + 7 * D)
    calls_of_empty = {name: count for name, count in store.read.items() if not name.startswith("rows")}
    for number in range(5_000):
        at = empty[number % len(empty)].starts_at
        service.request("support", number=f"+1212{2_000_000 + number}", scheduled_at=at)
    store.read.clear()
    booked = service.slots("support", until_at=now + 7 * D)
    assert sum(slot.taken_count for slot in booked) == 5_000
    assert len(booked) == 7 * 16
    assert {
        name: count for name, count in store.read.items() if not name.startswith("rows")
    } == calls_of_empty
    assert store.read == Counter({"slots.between": 1, "rows of slots.between": 7 * 16})


def fill(service: CallbackService, days: int) -> None:
    """Take every seat of so many days."""
    now = service.clock.now()
    for slot in service.slots("support", until_at=now + days * D):
        for _ in range(slot.free_count):
            service.hold_slot("support", slot_at=slot.starts_at, zone="UTC")


@pytest.mark.parametrize(("length", "days"), [(30, 30), (5, 30), (30, 58)])
def test_the_next_free_slots_after_full_days_cost_a_row_for_each_day(length: int, days: int) -> None:
    """No counter of a slot is read on a day that is full; and the rows of days are read many at once."""
    store = CountingStore(MemoryStore())
    service = a_counted(store, seats=FixedSeats(seats=1), length=length * M)
    fill(service, days)
    store.read.clear()
    found = service.free_slots("support", limit=20)
    assert len(found) == 20
    assert found[0].starts_at >= service.clock.now() + (days - 1) * D
    assert store.read["rows of slots.between"] == 0
    assert store.read["rows of slots.days"] == days
    assert store.read["slots.days"] <= 7
    assert {name.split(".")[0] for name in store.read if not name.startswith("rows")} == {"slots"}


def test_a_day_that_is_full_no_more_is_looked_at_again() -> None:
    """One seat that comes back on the fifteenth of thirty full days is the next free slot."""
    store = CountingStore(MemoryStore())
    service = a_counted(store, seats=FixedSeats(seats=1))
    fill(service, 14)
    held = service.hold_slot(
        "support", slot_at=service.free_slots("support", limit=1)[0].starts_at, zone="UTC"
    )
    fill(service, 30)
    service.release_slot(held.booking_id)
    assert service.free_slots("support", limit=1)[0].starts_at == held.slot_at


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "UTC"])
def test_a_seat_that_comes_back_and_goes_again_leaves_every_day_known_to_be_full(zone: str) -> None:
    """In any order of the days, and in every zone: no counter of a slot is read on the thirty full days."""
    store = CountingStore(MemoryStore())
    whole_days = WeekHours(zone=zone, week=dict.fromkeys(range(7), (Span(time(0), time(0)),)))
    service = a_counted(store, hours=whole_days, seats=FixedSeats(seats=1), length=4 * H)
    first = service.free_slots("support", limit=1)[0].starts_at
    fill(service, 30)
    for number in range(7 * 29):
        at = first + number * 43 % (6 * 29) * 4 * H
        with service.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            (held,) = tx.bookings.of_slot(QueueName("support"), at)
        service.release_slot(held.booking_id)
        assert service.free_slots("support", limit=1)[0].starts_at == at
        service.hold_slot("support", slot_at=at, zone="UTC")
    store.read.clear()
    assert len(service.free_slots("support", limit=20)) == 20
    assert store.read["rows of slots.between"] <= 2 * 6
