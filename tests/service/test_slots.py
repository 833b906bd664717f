"""Which slots there are, which are free, and what is said of a time that cannot be booked."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from callbackq import (
    DEFAULT_TENANT,
    Booking,
    BookingEnd,
    BookingState,
    Choice,
    Commit,
    ConfigurationError,
    Entity,
    FixedSeats,
    GapPolicy,
    Hours,
    InvalidText,
    InvalidTime,
    MemoryStore,
    NoOffer,
    NoOfferReason,
    NotPossibleNow,
    OverlapPolicy,
    QueueName,
    QueuePolicy,
    SlotPolicy,
    SlotProblem,
    SlotUnavailable,
    SQLiteStore,
    StaffedSeats,
    Store,
    TimeWindow,
    WeekHours,
)
from callbackq.core.history import fold
from callbackq.policy import Span
from callbackq.policy.hours import weekdays
from callbackq.service import CallbackService
from callbackq.system import RandomIds
from callbackq.testing import START, FakeHours, ManualClock, SequentialIds, VirtualHost
from service.scenes import BOB, DAN, EVE, HOUR, KIM, MINUTE, SECOND
from stores.postgres_server import fresh_store

NY = "America/New_York"
DAY = timedelta(days=1)
OFFICE = WeekHours(zone=NY, week=weekdays(Span(time(9), time(17))))
SEATS = SlotPolicy(seats=FixedSeats(seats=1), remind_before=None)


# ---------------------------------------------------------------------------- what these tests share


@contextmanager
def opened_store(kind: str, folder: Path) -> Iterator[Store]:
    """Open an empty store; at the end its counters and bookings agree, and history, folded, gives every row."""
    if kind == "postgres":
        with fresh_store() as made:
            yield made
            check_books(made)
        return
    opened: Store = MemoryStore() if kind == "memory" else SQLiteStore(folder / "callbacks.db")
    yield opened
    check_books(opened)
    opened.close()


def check_books(store: Store) -> None:
    """Check that the counters are the seats that bookings have, and that history gives the rows."""
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        folded = fold(tx.history.all())
        tables: dict[Entity, Any] = {Entity.CALLBACK: tx.callbacks, Entity.BOOKING: tx.bookings}
        for (entity, key), record in folded.items():
            if entity in tables:
                assert tables[entity].get(key) == record
        booked = [record for record in folded.values() if isinstance(record, Booking)]
        seats = Counter((one.queue, one.slot_at, str(one.seat)) for one in booked if has_seat(one))
        counted: Counter[tuple[QueueName, datetime, str]] = Counter()
        for queue in map(QueueName, ("support", "sales")):
            for count in tx.slots.between(queue, from_at=START - 366 * DAY, until_at=START + 3_660 * DAY):
                counted[queue, count.slot_at, "usual"] += count.usual_count
                counted[queue, count.slot_at, "kept"] += count.kept_count
        assert +counted == +seats


def has_seat(booking: Booking) -> bool:
    """Say whether a booking has not given its seat back. A hold that was used for a move has passed it on."""
    if booking.state is BookingState.ENDED:
        return booking.ended_as is BookingEnd.USED and booking.callback_id is not None
    return True


def at(text: str) -> datetime:
    """Return a time of the first day, a Monday, or of a date: "10:00", "2026-03-08 10:00"; in UTC."""
    return datetime.fromisoformat(text if len(text) > 5 else f"{START:%Y-%m-%d} {text}").replace(tzinfo=UTC)


def in_ny(text: str) -> datetime:
    """Return a time on the wall of New York as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(NY)).astimezone(UTC)


def window(from_at: str, until_at: str) -> TimeWindow:
    """Return a stretch of time."""
    return TimeWindow(from_at=at(from_at), until_at=at(until_at))


def slot_house(
    store: Store,
    *,
    seats: int = 1,
    policy: dict[str, Any] | None = None,
    clock: ManualClock | None = None,
    ids: Any = None,
    notices: Any = None,
    hours: Hours | None = None,
    **slots: Any,
) -> VirtualHost:
    """Open a house whose queue `support` has slots, one each half hour, as the queue `sales` has; `plain` has none."""
    slots = {"seats": FixedSeats(seats=seats), **slots}
    queues = [
        QueuePolicy(
            queue=QueueName("support"), slots=attrs.evolve(SEATS, **slots), calling=None, **(policy or {})
        ),
        QueuePolicy(queue=QueueName("sales"), slots=attrs.evolve(SEATS, **slots), calling=None),
        QueuePolicy(queue=QueueName("plain"), calling=None),
    ]
    return VirtualHost(store, queues, clock=clock, ids=ids, notices=notices, hours=hours)


def book(host: VirtualHost, when: datetime, number: str = BOB, **fields: Any) -> str:
    """Book a slot and return the callback's id."""
    return host.service.request("support", number=number, scheduled_at=when, **fields).callback_id


def starts(slots: Sequence[Any]) -> list[str]:
    """Return when slots begin, as text."""
    return [f"{slot.starts_at:%H:%M}" for slot in slots]


def taken(host: VirtualHost, when: datetime, queue: str = "support") -> int:
    """Return how many seats of a slot are taken."""
    (slot,) = host.service.slots(queue, from_at=when, until_at=when + SECOND)
    return slot.taken_count


def refusal(work: Callable[[], object]) -> SlotUnavailable:
    """Return what a refused booking says."""
    with pytest.raises(SlotUnavailable) as refused:
        work()
    return refused.value


def check_alternatives(
    host: VirtualHost, refused: SlotUnavailable, *, queue: str = "support", owner: str | None = None
) -> None:
    """Check that every other time that is offered can really be booked; each is given back at once."""
    assert refused.alternatives
    for other in refused.alternatives:
        host.service.release_slot(host.service.hold_slot(queue, slot_at=other, owner=owner).booking_id)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    with opened_store(request.param, tmp_path) as opened:
        yield opened


# ---------------------------------------------------------------------------- which there are


def test_slots_begin_after_the_lead_time_and_within_the_horizon(store: Store) -> None:
    """H1: the next four hours, half an hour each, none sooner than 15 minutes; both ends are in it."""
    host = slot_house(store)
    free = host.service.free_slots("support", limit=99)
    assert starts(free) == [f"{hour:02}:{half}" for hour in (8, 9, 10, 11, 12) for half in ("00", "30")][1:-1]
    assert [slot.ends_at - slot.starts_at for slot in free] == [30 * MINUTE] * 8
    host.clock.move_to(at("08:15"))
    assert starts(host.service.free_slots("support", limit=1)) == ["08:30"]
    host.clock.move_to(at("08:15") + SECOND)
    assert starts(host.service.free_slots("support", limit=1)) == ["09:00"]


def test_the_grid_counts_from_each_opening_in_the_zone_of_the_queue(store: Store) -> None:
    """H1: nine o'clock in New York; no slot runs into the break or over closing."""
    hours = WeekHours(zone=NY, week=weekdays(Span(time(9), time(10, 15)), Span(time(10, 40), time(12))))
    host = slot_house(store, policy={"hours": hours}, horizon=12 * HOUR, grid=20 * MINUTE)
    assert starts(host.service.free_slots("support", limit=99)) == (
        ["14:00", "14:20", "14:40", "15:40", "16:00", "16:20"]
    )


def test_all_slots_are_listed_full_ones_as_well(store: Store) -> None:
    """H1: of each: seats, what is taken, what is free for the one who asks; past and far ones have nothing free."""
    host = slot_house(store, seats=2)
    book(host, at("09:00"))
    book(host, at("09:00"), EVE)
    book(host, at("09:30"), KIM)
    listed = host.service.slots("support", from_at=at("08:00"), until_at=at("10:30"))
    assert [(slot.seats_count, slot.taken_count, slot.free_count) for slot in listed] == [
        (2, 0, 0),
        (2, 0, 2),
        (2, 2, 0),
        (2, 1, 1),
        (2, 0, 2),
    ]
    assert starts(host.service.free_slots("support", limit=2, from_at=at("08:45"))) == ["09:30", "10:00"]
    assert host.service.slots("support", from_at=at("12:30"), until_at=at("13:00"))[0].free_count == 0


def test_free_slots_are_found_in_windows_and_from_a_time_on(store: Store) -> None:
    """H5: only those that begin within; the end of a window is not in it."""
    host = slot_house(store)
    both = [window("09:00", "09:30"), window("11:00", "11:31")]
    assert starts(host.service.free_slots("support", limit=9, windows=both)) == ["09:00", "11:00", "11:30"]
    later = host.service.free_slots("support", limit=9, windows=both, from_at=at("11:10"))
    assert starts(later) == ["11:30"]


def test_seats_are_kept_for_better_priorities_and_for_retries(store: Store) -> None:
    """H13: of five seats two are for priority 9 and better, and one is nobody's: the time of second attempts."""
    host = slot_house(store, seats=5, kept_seats=2, retry_seats=1)
    free = host.service.free_slots
    assert (free("support")[0].free_count, free("support", priority=9)[0].free_count) == (2, 4)
    book(host, at("09:00"))
    book(host, at("09:00"), EVE)
    assert refusal(lambda: book(host, at("09:00"), KIM)).reason == SlotProblem.FULL
    book(host, at("09:00"), KIM, priority=9)
    book(host, at("09:00"), DAN, priority=0)
    refused = refusal(lambda: book(host, at("09:00"), "+12125550105", priority=0))
    assert refused.reason == SlotProblem.FULL
    assert taken(host, at("09:00")) == 4


def test_nothing_is_booked_that_cannot_begin_before_closing(store: Store) -> None:
    """H13: with one agent and calls of 15 minutes the last hour takes so many that all will begin, most likely."""
    hours = WeekHours(zone="UTC", week=weekdays(Span(time(7), time(10))))
    staffed = attrs.evolve(
        SEATS, seats=StaffedSeats(agents=1, share_ratio=1.0), length=HOUR, horizon=2 * HOUR, lead_min=MINUTE
    )
    policy = QueuePolicy(queue=QueueName("support"), hours=hours, handle_time=15 * MINUTE, slots=staffed)
    host = VirtualHost(store, [policy], ids=SequentialIds())
    (last,) = host.service.free_slots("support")
    assert (last.starts_at, last.seats_count) == (at("09:00"), 4)
    assert 0 < last.free_count < 4
    for number in range(last.free_count):
        book(host, at("09:00"), f"+1212555010{number}")
    refused = refusal(lambda: book(host, at("09:00"), "+12125550109"))
    assert refused.reason == SlotProblem.NOT_BEFORE_CLOSING
    assert host.service.slots("support", from_at=at("09:00"), until_at=at("10:00"))[0].free_count == 0


def test_full_days_are_passed_over(store: Store) -> None:
    """H4: the next free slot is days away, and is free as soon as somebody before it cancels."""
    hours = WeekHours(zone="UTC", week={day: (Span(time(9), time(10)),) for day in range(7)})
    host = slot_house(store, policy={"hours": hours}, horizon=10 * DAY)
    first = [book(host, slot.starts_at, f"+121255502{n:02}") for n, slot in enumerate(_next(host, 12))]
    assert host.service.free_slots("support", limit=1)[0].starts_at == at("09:00") + 6 * DAY
    host.service.cancel(first[3])
    assert host.service.free_slots("support", limit=2)[0].starts_at == at("09:30") + DAY
    book(host, at("09:30") + DAY, KIM)
    assert host.service.free_slots("support", limit=1)[0].starts_at == at("09:00") + 6 * DAY


def _next(host: VirtualHost, limit: int) -> list[Any]:
    return host.service.free_slots("support", limit=limit)


def test_a_full_day_is_not_passed_over_by_those_who_may_use_kept_seats(store: Store) -> None:
    """H13: the day is full for everybody else only; and a change of the seats counts at once."""
    hours = WeekHours(zone="UTC", week={day: (Span(time(9), time(10)),) for day in range(7)})
    host = slot_house(store, policy={"hours": hours}, horizon=3 * DAY, seats=2, kept_seats=1)
    for number, slot in enumerate(_next(host, 2)):
        book(host, slot.starts_at, f"+121255502{number:02}")
    assert _next(host, 1)[0].starts_at == at("09:00") + DAY
    assert host.service.free_slots("support", limit=1, priority=1)[0].starts_at == at("09:00")
    more = slot_house(store, policy={"hours": hours}, horizon=3 * DAY, seats=3, kept_seats=1)
    assert _next(more, 1)[0].starts_at == at("09:00")


def test_a_queue_without_slots_says_so(store: Store) -> None:
    """H1: every verb of slots; a chosen time without slots is still possible there."""
    service = slot_house(store).service
    soon = at("09:00")
    for work in (
        lambda: service.slots("plain"),
        lambda: service.free_slots("plain"),
        lambda: service.hold_slot("plain", slot_at=soon),
        lambda: service.crowded_slots("plain"),
        lambda: service.punctuality("plain", from_at=START, until_at=soon),
        lambda: service.request("plain", number=BOB, windows=[window("09:00", "10:00")]),
        lambda: service.request("plain", number=BOB, scheduled_at=soon, repeats="FREQ=DAILY"),
    ):
        with pytest.raises(NotPossibleNow, match="without slots"):
            work()
    receipt = service.request("plain", number=BOB, scheduled_at=soon)
    assert receipt.booking_id is None
    with pytest.raises(NotPossibleNow, match="without slots"):
        service.reschedule(receipt.callback_id, scheduled_at=at("10:00"))


# ---------------------------------------------------------------------------- the host's word


class Capacity:
    """A plan that answers what a test sets: a number for each slot, or anything at all, or an error."""

    def __init__(self, answer: Any = 1) -> None:
        self.answer = answer

    def seats(self, queue: QueueName, starts: Sequence[datetime], length: timedelta) -> Any:
        """Return what the test set."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer(starts) if callable(self.answer) else [self.answer for _ in starts]


def planned(store: Store, capacity: Capacity) -> CallbackService:
    """Return a service whose slots have the seats that a plan says."""
    policy = QueuePolicy(queue=QueueName("support"), slots=attrs.evolve(SEATS, seats=None))
    return CallbackService(store, [policy], clock=ManualClock(), ids=SequentialIds(), capacity=capacity)


def test_the_hosts_plan_says_how_many_seats_there_are(store: Store) -> None:
    """H2: a number for each slot, as many as it says today."""
    capacity = Capacity(lambda starts: [2 if start.hour == 9 else 0 for start in starts])
    service = planned(store, capacity)
    assert starts(service.free_slots("support", limit=9)) == ["09:00", "09:30"]
    service.request("support", number=BOB, scheduled_at=at("09:00"))
    assert service.free_slots("support", limit=1)[0].free_count == 1
    capacity.answer = 0
    assert service.free_slots("support") == []


@pytest.mark.parametrize(
    "nonsense",
    [
        RuntimeError(f"no plan for {BOB}"),
        lambda starts: [1] * (len(starts) - 1),
        lambda starts: [1] * (len(starts) + 1),
        lambda _starts: None,
        lambda _starts: 7,
        True,
        -1,
        1.0,
        "many",
        None,
    ],
    ids=["raises", "too few", "too many", "none", "no list", "bools", "negative", "float", "text", "nones"],
)
def test_a_plan_that_fails_means_no_seats(
    store: Store, nonsense: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """H2: there are no seats then, the log says so without personal data, and what is booked stays."""
    capacity = Capacity()
    service = planned(store, capacity)
    booked = service.request("support", number=BOB, scheduled_at=at("09:00")).callback_id
    capacity.answer = nonsense
    with caplog.at_level(logging.WARNING, logger="callbackq"):
        assert service.free_slots("support") == []
        refused = refusal(lambda: service.request("support", number=EVE, scheduled_at=at("09:30")))
    assert (refused.reason, refused.alternatives) == (SlotProblem.FULL, ())
    assert "the capacity of queue support" in caplog.text
    assert "555" not in caplog.text
    assert [line.callback_id for line in service.booked("support")] == [booked]
    (crowded,) = service.crowded_slots("support")
    assert [line.callback_id for line in crowded.over] == [booked]
    service.cancel(booked)
    capacity.answer = 1
    assert len(service.free_slots("support", limit=99)) == 8


def test_a_queue_that_leaves_its_seats_to_nobody_is_refused() -> None:
    """H2: a policy without seats needs a plan."""
    policy = QueuePolicy(queue=QueueName("support"), slots=SlotPolicy(seats=None))
    with pytest.raises(ConfigurationError, match="SlotCapacity"):
        CallbackService(MemoryStore(), [policy], clock=ManualClock())


def test_hours_that_raise_mean_closed(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """H1: nothing is booked into hours that nobody knows; the log says so, and what is booked stays."""
    hours = FakeHours()
    host = slot_house(store, hours=hours)
    booked = book(host, at("09:00"))
    hours.error = RuntimeError(f"no hours for {BOB}")
    with caplog.at_level(logging.WARNING, logger="callbackq"):
        assert host.service.free_slots("support") == []
        refused = refusal(lambda: book(host, at("09:30"), EVE))
    assert (refused.reason, refused.alternatives) == (SlotProblem.CLOSED, ())
    assert "the hours of queue support failed: RuntimeError" in caplog.text
    assert "555" not in caplog.text
    assert host.service.booked("support")[0].callback_id == booked
    hours.error = None
    assert len(host.service.free_slots("support", limit=99)) == 7


# ---------------------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ("2026-01-05 07:30", SlotProblem.PAST),
        ("2020-01-06 15:00", SlotProblem.PAST),
        ("2026-01-05 08:10", SlotProblem.TOO_SOON),
        ("2026-01-12 15:00", SlotProblem.BEYOND_HORIZON),
        ("2099-01-05 15:00", SlotProblem.BEYOND_HORIZON),
        ("2026-01-05 13:30", SlotProblem.CLOSED),
        ("2026-01-05 21:45", SlotProblem.CLOSED),
        ("2026-01-10 15:00", SlotProblem.CLOSED),
        ("2026-01-05 14:10", SlotProblem.OFF_GRID),
        ("2026-01-05 14:30", SlotProblem.FULL),
    ],
)
def test_each_time_that_cannot_be_has_its_reason_and_others_that_can(
    store: Store, when: str, problem: SlotProblem
) -> None:
    """H4: past, too soon, too far, closed, between two slots, full: told apart; nothing is stored."""
    host = slot_house(store, policy={"hours": OFFICE}, horizon=6 * DAY, lead_min=15 * MINUTE)
    book(host, at("14:30"))
    for ask in (
        lambda: book(host, at(when), EVE),
        lambda: host.service.hold_slot("support", slot_at=at(when)),
    ):
        refused = refusal(ask)
        assert refused.reason == problem
        assert len(refused.alternatives) == 4
        check_alternatives(host, refused)
    assert len(host.service.booked("support", until_at=at("14:30") + 6 * DAY)) == 1


def test_alternatives_are_the_nearest_ones_before_and_after(store: Store) -> None:
    """H4: two before, two after, in order of time; as many as the policy says."""
    host = slot_house(store)
    book(host, at("10:00"))
    refused = refusal(lambda: book(host, at("10:00"), EVE))
    assert [f"{other:%H:%M}" for other in refused.alternatives] == ["09:00", "09:30", "10:30", "11:00"]
    assert "2026-01-05T09:30:00+00:00" in str(refused)
    assert "555" not in str(refused)
    none = slot_house(store, ids=RandomIds(), alternatives_max=0)
    assert refusal(lambda: book(none, at("10:00"), EVE)).alternatives == ()


def test_no_slot_in_the_windows_names_others(store: Store) -> None:
    """H5: NONE_IN_WINDOW: full, closed, in the past, beyond the horizon."""
    host = slot_house(store)
    book(host, at("09:00"))
    for tight in (
        window("09:00", "09:30"),
        window("09:01", "09:30"),
        window("07:00", "08:15"),
        window("12:30", "15:00"),
    ):
        refused = refusal(lambda asked=tight: host.service.request("support", number=EVE, windows=[asked]))
        assert refused.reason == SlotProblem.NONE_IN_WINDOW
        check_alternatives(host, refused)


def test_a_caller_who_is_offered_no_callback_hears_of_slots(store: Store) -> None:
    """A6, D9: the wait is too long, or the queue is closed: a chosen time is the next best, and it can be booked."""
    shut = WeekHours(zone="UTC", week=weekdays(Span(time(9), time(17))))
    for hours, reason, first in (
        (shut, NoOfferReason.QUEUE_CLOSED, "09:00"),
        (None, NoOfferReason.WAIT_TOO_LONG, "08:30"),
    ):
        host = slot_house(store, ids=RandomIds(), policy={"hours": hours}, horizon=2 * HOUR)
        for number in range(30):
            host.service.call_joined("support", call_id=f"{reason}-{number}", number=f"+121255503{number:02}")
            if not number:
                host.service.agent_available("ann", queues=["support"])
                host.run_for(timedelta(0))
        answer = host.service.offer(f"{reason}-29")
        assert isinstance(answer, NoOffer)
        assert (answer.reason, answer.next_best) == (reason, (Choice.SCHEDULE, Choice.STAY))
        assert len(answer.slots) == 4 - (hours is shut)
        assert answer.slots[0] == at(first)
        receipt = host.service.request("support", call_id=f"{reason}-29", scheduled_at=answer.slots[0])
        assert receipt.expected_at == at(first)
        host.service.cancel(receipt.callback_id)


# ---------------------------------------------------------------------------- clocks that change


SPRING = in_ny("2026-03-07 12:00")
AUTUMN = in_ny("2026-10-31 12:00")


def clocks_change(store: Store, now: datetime, **slots: Any) -> VirtualHost:
    """Open a house that never closes, in New York, the day before clocks change."""
    always = WeekHours(zone=NY, week={day: (Span(time(0), time(0)),) for day in range(7)})
    return slot_house(store, policy={"hours": always}, clock=ManualClock(now), horizon=2 * DAY, **slots)


def test_a_time_that_clocks_leave_out_is_refused_or_becomes_the_next(store: Store) -> None:
    """H12: 2:30 does not exist that night: refused with the reason, or by policy the first moment after."""
    gap = datetime(2026, 3, 8, 2, 30)  # noqa: DTZ001
    host = clocks_change(store, SPRING)
    with pytest.raises(InvalidTime, match=r"02:30 does not exist in America/New_York on 2026-03-08"):
        book(host, gap, zone=NY)
    offered = host.service.free_slots("support", limit=99, from_at=in_ny("2026-03-08 01:30"))
    assert [f"{slot.starts_at.astimezone(ZoneInfo(NY)):%H:%M}" for slot in offered[:3]] == (
        ["01:30", "03:00", "03:30"]
    )
    later = clocks_change(store, SPRING, missing_time=GapPolicy.LATER)
    booked = later.service.booking(book(later, gap, zone=NY))
    assert booked is not None
    assert booked.slot_at == in_ny("2026-03-08 03:00")
    assert booked.customer_time.endswith("EDT")


@pytest.mark.parametrize(
    ("policy", "fold", "hour"),
    [
        (OverlapPolicy.FIRST, 0, 5),
        (OverlapPolicy.FIRST, 1, 6),
        (OverlapPolicy.SECOND, 0, 6),
        (OverlapPolicy.SECOND, 1, 6),
        (OverlapPolicy.REFUSE, 1, 6),
    ],
)
def test_a_time_that_comes_twice_is_the_one_that_was_meant(
    store: Store, policy: OverlapPolicy, fold: int, hour: int
) -> None:
    """H12: by policy the first or the second; `fold=1` always means the second. What is kept says which."""
    host = clocks_change(store, AUTUMN, double_time=policy)
    booked = host.service.booking(book(host, datetime(2026, 11, 1, 1, 30, fold=fold), zone=NY))  # noqa: DTZ001
    assert booked is not None
    assert booked.slot_at == datetime(2026, 11, 1, hour, 30, tzinfo=UTC)
    assert booked.fold == hour - 5
    assert booked.customer_time.endswith(("EDT", "EST")[hour - 5])


def test_a_time_that_comes_twice_may_be_refused(store: Store) -> None:
    """H12: by policy; an aware time is always clear."""
    host = clocks_change(store, AUTUMN, double_time=OverlapPolicy.REFUSE)
    with pytest.raises(InvalidTime, match="comes twice in America/New_York"):
        book(host, datetime(2026, 11, 1, 1, 30), zone=NY)  # noqa: DTZ001
    first = host.service.booking(book(host, in_ny("2026-11-01 01:30"), zone=NY))
    assert first is not None
    assert (first.fold, first.slot_at.hour) == (0, 5)


def test_a_night_on_which_clocks_change_has_its_own_number_of_slots(store: Store) -> None:
    """H12: 46 half hours in spring, 50 in autumn, each of them once."""
    for now, day, count in ((SPRING, "2026-03-08", 46), (AUTUMN, "2026-11-01", 50)):
        host = clocks_change(store, now)
        begin = in_ny(f"{day} 00:00")
        listed = host.service.slots("support", from_at=begin, until_at=begin + count * 30 * MINUTE)
        assert len({slot.starts_at for slot in listed}) == len(listed) == count
        assert in_ny(f"{day} 23:30") == listed[-1].starts_at


# ---------------------------------------------------------------------------- nonsense


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "EST5EDT7", "../etc/passwd", "America", 5])
def test_a_zone_that_nobody_knows_is_refused(store: Store, zone: Any) -> None:
    """H11: nothing is stored."""
    host = slot_house(store)
    with pytest.raises(InvalidText, match="zone"):
        book(host, at("09:00"), zone=zone)
    assert host.service.booked("support") == []


def test_a_naive_time_needs_a_zone(store: Store) -> None:
    """H11: without one nobody knows which instant it is."""
    host = slot_house(store)
    with pytest.raises(InvalidTime, match="scheduled_at"):
        book(host, datetime(2026, 1, 5, 9))  # noqa: DTZ001


@pytest.mark.parametrize(
    "asked",
    [
        {"scheduled_at": at("09:00"), "windows": [window("09:00", "10:00")]},
        {"windows": [window("10:00", "09:00")]},
        {"windows": [window("10:00", "10:00")]},
        {"windows": [window("2026-01-05 09:00", "2026-02-05 09:01")]},
        {"windows": [window("09:00", "10:00")] * 11},
        {"windows": ["09:00-10:00"]},
        {"windows": [(at("09:00"), at("10:00"))]},
        {"windows": [TimeWindow(from_at=datetime(2026, 1, 5, 9), until_at=at("10:00"))]},  # noqa: DTZ001
        {"scheduled_at": "09:00"},
        {"scheduled_at": 1767600000},
        {"repeats": "FREQ=DAILY"},
    ],
    ids=[
        "both",
        "reversed",
        "empty",
        "too long",
        "too many",
        "text",
        "tuple",
        "naive",
        "text time",
        "number",
        "no time",
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(store: Store, asked: dict[str, Any]) -> None:
    """H5: one start, or up to ten windows of up to 31 days; nothing is stored."""
    host = slot_house(store)
    with pytest.raises(InvalidTime):
        host.service.request("support", number=BOB, **asked)
    assert host.service.booked("support") == []


@pytest.mark.parametrize(
    "repeats",
    [
        "every Monday",
        "",
        "FREQ=HOURLY",
        "FREQ=WEEKLY;BYDAY=XX",
        "BYDAY=MO",
        "FREQ=WEEKLY;FREQ=DAILY",
        "FREQ=DAILY;COUNT=1",
        "FREQ=DAILY;UNTIL=20200101",
        "FREQ=DAILY;INTERVAL=0",
        "RRULE:FREQ=DAILY",
        "FREQ=DAILY;X=" + "1" * 300,
        5,
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(store: Store, repeats: Any) -> None:
    """H15: and with it the whole request: no seat is taken."""
    host = slot_house(store)
    with pytest.raises(InvalidText, match="repeats"):
        book(host, at("09:00"), repeats=repeats)
    assert host.service.booked("support") == []
    assert taken(host, at("09:00")) == 0


@pytest.mark.parametrize("limit", [0, -1, 10_001, True, 2.0, "4", None])
def test_a_limit_that_makes_no_sense_is_refused(store: Store, limit: Any) -> None:
    """H7: 1 to 10,000."""
    service = slot_house(store).service
    with pytest.raises(InvalidText, match="limit"):
        service.free_slots("support", limit=limit)
    with pytest.raises(InvalidText, match="limit"):
        service.booked("support", limit=limit)


def test_a_range_that_makes_no_sense_is_refused(store: Store) -> None:
    """H1: naive, or longer than a leap year; one that ends before it begins is empty."""
    service = slot_house(store).service
    with pytest.raises(InvalidTime, match="366"):
        service.slots("support", from_at=START, until_at=START + 366 * DAY + SECOND)
    with pytest.raises(InvalidTime, match="from_at"):
        service.slots("support", from_at=datetime(2026, 1, 5))  # noqa: DTZ001
    assert service.slots("support", from_at=at("10:00"), until_at=at("09:00")) == []
    with pytest.raises(InvalidText, match="neither"):
        service.booked()


@pytest.mark.parametrize(
    "make",
    [
        lambda: SlotPolicy(seats=FixedSeats(seats=2), kept_seats=2, retry_seats=1),
        lambda: SlotPolicy(seats=FixedSeats(seats=1), lead_min=4 * HOUR),
        lambda: SlotPolicy(seats=FixedSeats(seats=1), length=timedelta(0)),
        lambda: WeekHours(zone=NY, week=weekdays(Span(time(9), time(12)), Span(time(11), time(17)))),
        lambda: WeekHours(zone=NY, week={}),
        lambda: WeekHours(zone="Mars/Olympus", week=weekdays(Span(time(9), time(17)))),
        lambda: WeekHours(zone=NY, week={0: (Span(time(22), time(6)),), 1: (Span(time(5), time(9)),)}),
    ],
    ids=["more kept than seats", "lead", "length", "overlap", "never open", "zone", "over night"],
)
def test_settings_that_contradict_each_other_are_refused(make: Callable[[], object]) -> None:
    """H1: when they are made, by name."""
    with pytest.raises(ConfigurationError):
        make()


# ---------------------------------------------------------------------------- fewer seats than before


def test_seats_that_fall_below_what_is_booked_take_nothing_away(store: Store) -> None:
    """H2: all keep their time; the last ones are named, with others to offer them, which can really be booked."""
    host = slot_house(store, seats=3)
    booked = []
    for number in (BOB, EVE, KIM):
        booked.append(book(host, at("09:00"), number, name="A", context={"issue": "x"}))
        host.clock.advance(SECOND)
    fewer = slot_house(store, seats=1, clock=host.clock, ids=RandomIds())
    (crowded,) = fewer.service.crowded_slots("support")
    assert (crowded.slot.starts_at, crowded.slot.seats_count, crowded.slot.taken_count) == (at("09:00"), 1, 3)
    assert crowded.slot.free_count == 0
    assert [line.callback_id for line in crowded.over] == booked[1:]
    assert at("09:00") not in crowded.alternatives
    assert len(crowded.alternatives) == 4
    fewer.service.reschedule(booked[2], scheduled_at=crowded.alternatives[0])
    fewer.service.reschedule(booked[1], scheduled_at=crowded.alternatives[1])
    assert fewer.service.crowded_slots("support") == []
    assert refusal(lambda: book(fewer, at("09:00"), DAN)).reason == SlotProblem.FULL
