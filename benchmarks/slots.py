"""Slots on every store: a week with 5,000 bookings, the next free slots after a full month, a seat booked and held."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, time, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from harness import median_us, ratio, table
from line import STORES

from callbackq import CallbackService, Commit, QueuePolicy, Slot, Store, Transaction
from callbackq.ids import TenantId
from callbackq.policy import FixedSeats, SlotPolicy, Span, StaffedSeats, WeekHours
from callbackq.testing import ManualClock

BATCH = 100
BOOKED = 5_000
FREE = 20
FULL_DAYS = 30
OPENS, CLOSES = time(9), time(17)
ZONE = "America/New_York"
DAY = timedelta(days=1)
WEEK = 7 * DAY
HALF_HOUR, FIVE_MINUTES = timedelta(minutes=30), timedelta(minutes=5)
MANY_AGENTS = 1_000
TURNS = 41


# ---------------------------------------------------------------------------- what is read


class _Counted:
    """Passes everything on to one table of a transaction, and counts the calls and the rows that they return."""

    def __init__(self, table: Any, read: Counter[str]) -> None:
        self._table = table
        self._read = read

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._table, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            found = method(*args, **kwargs)
            self._read["calls"] += 1
            self._read["rows"] += len(found) if isinstance(found, list) else 1
            return found

        return counted


class _CountedTransaction:
    """A transaction whose table of slots is counted."""

    def __init__(self, tx: Transaction, read: Counter[str]) -> None:
        self._tx = tx
        self.slots = _Counted(tx.slots, read)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)


class CountingStore:
    """Any store; `read` says how often its slots were asked for, and how many rows came back."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.read = Counter[str]()

    @property
    def pepper(self) -> bytes:
        return self._store.pepper

    def transaction(self, tenant_id: TenantId, *, commit: Commit) -> AbstractContextManager[Transaction]:
        return self._transaction(tenant_id, commit)

    @contextmanager
    def _transaction(self, tenant_id: TenantId, commit: Commit) -> Generator[Any]:
        with self._store.transaction(tenant_id, commit=commit) as tx:
            yield _CountedTransaction(tx, self.read)

    def close(self) -> None:
        self._store.close()


# ---------------------------------------------------------------------------- a queue with slots


def policy(queue: str, grid: timedelta, *, seats: FixedSeats | StaffedSeats) -> QueuePolicy:
    """A queue that is open from nine to five, every day."""
    hours = WeekHours(zone=ZONE, week=dict.fromkeys(range(7), (Span(OPENS, CLOSES),)))
    slots = SlotPolicy(
        seats=seats, length=grid, lead_min=timedelta(0), horizon=60 * DAY, hold_time=timedelta(hours=1)
    )
    return QueuePolicy(queue=queue, hours=hours, slots=slots)


class Bench:
    """The queues of this benchmark, on one store. Time stands still; so no hold ends."""

    def __init__(self, store: Store) -> None:
        self.counting = CountingStore(store)
        self.clock = ManualClock()
        one, many = FixedSeats(seats=1), FixedSeats(seats=10_000)
        policies = [
            QueuePolicy(queue="plain"),
            policy("empty", HALF_HOUR, seats=FixedSeats(seats=50)),
            policy("booked", HALF_HOUR, seats=FixedSeats(seats=50)),
            policy("staffed-empty", HALF_HOUR, seats=StaffedSeats(agents=MANY_AGENTS)),
            policy("staffed-booked", HALF_HOUR, seats=StaffedSeats(agents=MANY_AGENTS)),
            policy("empty-30", HALF_HOUR, seats=one),
            policy("full-30", HALF_HOUR, seats=one),
            policy("empty-5", FIVE_MINUTES, seats=one),
            policy("full-5", FIVE_MINUTES, seats=one),
            policy("wide", HALF_HOUR, seats=many),
        ]
        self.plain = CallbackService(store, policies, clock=self.clock)
        self.counted = CallbackService(self.counting, policies, clock=self.clock)
        self._numbers = itertools.count(2_000_000)

    def request(self, queue: str, at: datetime) -> None:
        """Promise a callback at a time: of a person who has none yet."""
        self.plain.request(queue, number=f"+1212{next(self._numbers):07d}", scheduled_at=at)

    def week(self, queue: str) -> list[Slot]:
        """List a week."""
        now = self.clock.now()
        return self.plain.slots(queue, from_at=now, until_at=now + WEEK)

    def fill_week(self, queue: str) -> None:
        """Book 5,000, one after the other through the slots of a week."""
        slots = self.week(queue)
        for number in range(BOOKED):
            self.request(queue, slots[number % len(slots)].starts_at)
        assert sum(slot.taken_count for slot in self.week(queue)) == BOOKED

    def fill_month(self, queue: str) -> None:
        """Take every seat of a month."""
        now = self.clock.now()
        for slot in self.plain.slots(queue, from_at=now, until_at=now + FULL_DAYS * DAY):
            self.plain.hold_slot(queue, slot_at=slot.starts_at, zone=ZONE)

    def read(self, queue: str) -> Counter[str]:
        """Return what is read for the next free slots."""
        self.counting.read.clear()
        assert len(self.counted.free_slots(queue, limit=FREE)) == FREE
        return Counter(self.counting.read)


def bare_week(now: datetime) -> Callable[[], int]:
    """Return work that does no more than compute when the slots of a week begin."""
    zone = ZoneInfo(ZONE)

    def work() -> int:
        found: list[datetime] = []
        day = now.astimezone(zone).date()
        for shift in range(7):
            local = datetime.combine(day + shift * DAY, OPENS, zone)
            at, until_at = local.astimezone(UTC), datetime.combine(local.date(), CLOSES, zone).astimezone(UTC)
            while at + HALF_HOUR <= until_at:
                found.append(at)
                at += HALF_HOUR
        assert len(found) == 7 * 16
        return 1

    return work


# ---------------------------------------------------------------------------- what is timed


def beside_us(first: Callable[[], int], second: Callable[[], int]) -> tuple[float, float]:
    """Return the median costs of two works that take turns: what else the machine does slows down both."""
    costs = [(median_us(first, runs=1), median_us(second, runs=1)) for _ in range(TURNS)]
    return median(one for one, _ in costs), median(other for _, other in costs)


def week_rows(name: str, bench: Bench) -> Iterator[list[str]]:
    bare_us = median_us(bare_week(bench.clock.now()))
    for shown, prefix in (("fixed", ""), ("staffed", "staffed-")):
        empty, booked = f"{prefix}empty", f"{prefix}booked"
        bench.fill_week(booked)

        def listed(queue: str) -> Callable[[], int]:
            return lambda: bool(bench.week(queue))

        empty_us, booked_us = beside_us(listed(empty), listed(booked))
        yield [
            name,
            shown,
            str(len(bench.week(booked))),
            f"{empty_us:.0f}",
            f"{booked_us:.0f}",
            f"{booked_us / empty_us:.2f}",
            ratio(bare_us, booked_us),
        ]


def free_rows(name: str, bench: Bench) -> Iterator[list[str]]:
    for grid in ("30", "5"):
        empty, full = f"empty-{grid}", f"full-{grid}"
        bench.fill_month(full)

        def asked(queue: str) -> Callable[[], int]:
            return lambda: len(bench.plain.free_slots(queue, limit=FREE)) // FREE

        empty_us, full_us = beside_us(asked(empty), asked(full))
        read_empty, read_full = bench.read(empty), bench.read(full)
        yield [
            name,
            f"{grid} min",
            f"{empty_us:.0f}",
            f"{full_us:.0f}",
            f"{full_us / empty_us:.1f}",
            f"{(full_us - empty_us) / FULL_DAYS:.0f}",
            f"{read_empty['calls']} / {read_empty['rows']}",
            f"{read_full['calls']} / {read_full['rows']}",
        ]


def seat_row(name: str, bench: Bench) -> list[str]:
    at = bench.plain.free_slots("wide", limit=1)[0].starts_at

    def requested(queue: str) -> Callable[[], int]:
        def work() -> int:
            for _ in range(BATCH):
                bench.request(queue, at)
            return BATCH

        return work

    def held() -> int:
        for _ in range(BATCH):
            hold = bench.plain.hold_slot("wide", slot_at=at, zone=ZONE)
            bench.plain.release_slot(hold.booking_id)
        return BATCH

    plain_us, booked_us = median_us(requested("plain")), median_us(requested("wide"))
    held_us = median_us(held)
    return [
        name,
        f"{plain_us:.0f}",
        f"{booked_us:.0f}",
        ratio(plain_us, booked_us),
        f"{held_us:.0f}",
        ratio(plain_us, held_us),
    ]


def run() -> str:
    weeks: list[list[str]] = []
    free: list[list[str]] = []
    seats: list[list[str]] = []
    for name, (opener, _) in STORES.items():
        with opener() as store:
            bench = Bench(store)
            seats.append(seat_row(name, bench))
            free += free_rows(name, bench)
            weeks += week_rows(name, bench)
    return "\n".join(
        [
            table(
                "A week's slots, with no booking and with 5,000 (of bare: of the loop that computes their starts)",
                ["store", "seats", "slots", "empty us", "5,000 us", "times empty", "of bare"],
                weeks,
            ),
            table(
                f"The next {FREE} free slots, after {FULL_DAYS} full days (read: calls / rows of counters)",
                [
                    "store",
                    "grid",
                    "empty us",
                    "full us",
                    "times empty",
                    "us a day",
                    "read empty",
                    "read full",
                ],
                free,
            ),
            table(
                "A booked seat, and a hold with its release, beside a request for a time without slots",
                ["store", "plain us", "booked us", "of plain", "hold+release us", "of plain"],
                seats,
            ),
        ]
    )
