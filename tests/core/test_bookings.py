"""The life of a booking: the whole matrix, what time does to it, and how well booked times were kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core import bookings
from callbackq.core.bookings import EARLY_MAX, TRANSITIONS, WATCH_EVERY, Command, FeedFacts, Seat
from callbackq.core.decision import Decision
from callbackq.errors import NotPossibleNow
from callbackq.ids import DEFAULT_TENANT, AgentId, BookingId, CallId, QueueName
from callbackq.model import (
    Booking,
    BookingEnd,
    BookingState,
    Callback,
    CallbackState,
    Disposition,
    DueReason,
    Entity,
    NoticeKind,
    Outcome,
    Punctuality,
    SeatKind,
    WallTime,
)
from callbackq.policy import SlotPolicy
from core.samples import (
    ANN,
    BOOKING_ID,
    CALL_ID,
    CALLBACK_ID,
    LAW,
    START,
    SUPPORT,
    Book,
    D,
    H,
    M,
    S,
    a_booking,
    a_callback,
    changed,
    only_event,
    only_record,
)

US = timedelta(microseconds=1)
SLOT = START + 3 * H
LATER = START + 5 * H
REMIND_AT = SLOT - 15 * M
LATE_AT = SLOT + 3 * M
OVER_AT = SLOT + D
POLICY = SlotPolicy(seats=None, remind_before=15 * M, tolerance=3 * M, hold_time=30 * S)
SILENT = attrs.evolve(POLICY, remind_before=None)
WALL = WallTime(wall_at=datetime.fromisoformat("2026-01-05T06:00"), zone="America/New_York")
SEAT = Seat(queue=SUPPORT, slot_at=SLOT, length=30 * M, kind=SeatKind.USUAL, wall=WALL)
OTHER_SEAT = Seat(
    queue=QueueName("sales"),
    slot_at=LATER,
    length=20 * M,
    kind=SeatKind.KEPT,
    wall=WallTime(wall_at=datetime.fromisoformat("2026-10-25T02:30"), zone="Europe/Berlin", fold=1),
    window_until_at=LATER + H,
    agent_id=ANN,
)
PROMISE = a_callback(
    state=CallbackState.SCHEDULED, scheduled_at=SLOT, booking_id=BOOKING_ID, expires_at=OVER_AT
)
OVER = attrs.evolve(PROMISE, state=CallbackState.ENDED, outcome=Outcome.COMPLETED, attempts_count=1)
WEEKLY = "DTSTART:20260105T060000\nRRULE:FREQ=WEEKLY"
REMINDERS = (NoticeKind.AGENT_REMINDER, NoticeKind.REMINDER)


def held(now: datetime = START) -> Decision:
    return bookings.hold(
        SEAT, tenant_id=DEFAULT_TENANT, booking_id=BOOKING_ID, call_id=CALL_ID, policy=POLICY, now=now
    )


def booked(seat: Seat = SEAT, *, policy: SlotPolicy = POLICY, now: datetime = START, **more: Any) -> Decision:
    return bookings.book(
        seat,
        tenant_id=DEFAULT_TENANT,
        booking_id=BOOKING_ID,
        callback=PROMISE,
        policy=policy,
        now=now,
        **more,
    )


def confirmed(booking: Booking, now: datetime, **more: Any) -> Decision:
    return bookings.confirm(booking, callback=PROMISE, wall=WALL, policy=POLICY, now=now, **more)


def moved(booking: Booking, now: datetime, seat: Seat = OTHER_SEAT, **more: Any) -> Decision:
    return bookings.move(booking, seat, expires_at=seat.slot_at + D, policy=POLICY, now=now, **more)


def due(
    booking: Booking,
    now: datetime,
    *,
    callback: Callback | None = PROMISE,
    policy: SlotPolicy = POLICY,
    there: bool | None = None,
) -> tuple[Decision, tuple[NoticeKind, ...]]:
    return bookings.due(booking, callback=callback, owner_is_there=there, policy=policy, now=now)


def a_record(decision: Decision) -> Booking:
    record = only_record(decision)
    assert isinstance(record, Booking)
    return record


def in_state(state: BookingState) -> Booking:
    """Return a booking that got into *state* by commands."""
    match state:
        case BookingState.HELD:
            return a_record(held())
        case BookingState.BOOKED:
            return a_record(booked())
        case BookingState.ENDED:
            return a_record(bookings.end(a_record(booked()), BookingEnd.RELEASED, now=START))


# ---------------------------------------------------------------------------- the matrix

COLUMNS = "hold book move remind mark_late watch end"
MATRIX = """
    nothing  H B - - - - -
    held     - B - - - - E
    booked   - - B B B B E
    ended    - - - - - - -
"""
LETTERS = {"H": BookingState.HELD, "B": BookingState.BOOKED, "E": BookingState.ENDED}
COMMANDS: dict[Command, Callable[[Booking, datetime], Decision]] = {
    Command.BOOK: confirmed,
    Command.MOVE: moved,
    Command.REMIND: lambda booking, now: due(attrs.evolve(booking, due_reason=DueReason.REMINDER), now)[0],
    Command.MARK_LATE: lambda booking, _now: due(booking, LATE_AT)[0],
    Command.WATCH: lambda booking, now: bookings.wake(booking, now=now),
    Command.END: lambda booking, now: bookings.end(booking, BookingEnd.CALLED_OFF, now=now),
}
BY_TIME = (Command.REMIND, Command.MARK_LATE)


def matrix() -> dict[tuple[BookingState | None, Command], BookingState | None]:
    """Read MATRIX: (state, command) -> the state after it, or None where it is impossible."""
    commands = [Command[name.upper()] for name in COLUMNS.split()]
    read: dict[tuple[BookingState | None, Command], BookingState | None] = {}
    for line in MATRIX.strip().splitlines():
        name, *letters = line.split()
        state = None if name == "nothing" else BookingState(name)
        for command, letter in zip(commands, letters, strict=True):
            read[state, command] = LETTERS.get(letter)
    return read


def test_the_table_is_the_drawn_matrix() -> None:
    """Exactly the pairs that are drawn here are possible, with exactly these states after them."""
    assert set(matrix()) == {(state, command) for state in (None, *BookingState) for command in Command}
    assert dict(TRANSITIONS) == {pair: after for pair, after in matrix().items() if after is not None}
    assert set(COMMANDS) == set(Command) - {Command.HOLD}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("state", BookingState)
def test_a_command_is_possible_exactly_where_it_is_drawn(state: BookingState, command: Command) -> None:
    """Possible: the state is the one drawn. Impossible: refused, naming the command, the state, what is allowed."""
    booking, drawn = in_state(state), matrix()[state, command]
    if drawn is not None:
        record = a_record(COMMANDS[command](booking, START + M))
        assert (record.state, record.version) == (drawn, booking.version + 1)
        return
    if state is BookingState.HELD and command in BY_TIME:
        # Of what is held only its time can be over.
        assert a_record(COMMANDS[command](booking, START + M)).ended_as is BookingEnd.HOLD_OVER
        return
    with pytest.raises(NotPossibleNow) as caught:
        COMMANDS[command](booking, START + M)
    allowed = sorted(str(before) for before, possible in TRANSITIONS if possible is command and before)
    assert str(caught.value) == f"cannot {command} in state {str(state)!r}; allowed in: {', '.join(allowed)}"
    assert (caught.value.command, caught.value.state) == (command, state)


# ---------------------------------------------------------------------------- hold and book


def test_a_seat_is_held_for_somebody_who_decides() -> None:
    """For as long as policy says; nothing is promised yet."""
    decision = held()
    assert only_record(decision) == a_booking(
        state=BookingState.HELD,
        callback_id=None,
        call_id=CALL_ID,
        booked_at=None,
        due_at=START + 30 * S,
        due_reason=DueReason.SLOT_HOLD_OVER,
    )
    assert (only_event(decision).kind, decision.effects) == ("booking_held", ())
    (ended, kinds) = due(a_record(decision), START + 30 * S, callback=None)
    assert (a_record(ended).ended_as, a_record(ended).due_at, kinds) == (BookingEnd.HOLD_OVER, None, ())


def test_a_seat_is_booked_at_once() -> None:
    """For a callback, and for the live call that it comes from; the first one of a series names it."""
    assert only_record(booked()) == a_booking()
    assert only_event(booked()).kind == "booking_made"
    series = booked(repeats=WEEKLY, series_id=BookingId("bk_0"))
    assert only_record(series) == a_booking(repeats=WEEKLY, series_id="bk_0")


def test_a_seat_that_was_held_is_booked() -> None:
    """The wall-clock time is the one that was said last; what was held is known by its call still."""
    before = a_record(held())
    decision = bookings.confirm(
        before,
        callback=attrs.evolve(PROMISE, call_id=CallId("call-2")),
        wall=OTHER_SEAT.wall,
        policy=POLICY,
        now=START + 20 * S,
    )
    assert changed(before, only_record(decision)) == {
        "state": BookingState.BOOKED,
        "callback_id": CALLBACK_ID,
        "call_id": "call-2",
        "booked_at": START + 20 * S,
        "wall_at": "2026-10-25T02:30:00",
        "zone": "Europe/Berlin",
        "fold": 1,
        "due_at": REMIND_AT,
        "due_reason": DueReason.REMINDER,
    }
    assert a_record(confirmed(before, START)).call_id == CALL_ID
    series = a_record(confirmed(before, START, repeats=WEEKLY))
    assert (series.repeats, series.series_id) == (WEEKLY, BOOKING_ID)


@pytest.mark.parametrize("seat", [SEAT, OTHER_SEAT])
def test_what_was_promised_can_be_read_from_the_record(seat: Seat) -> None:
    """The seat, and the time on the customer's wall; `slot_at` is derived from them, and never they from it."""
    booking = a_record(booked(seat))
    assert bookings.seat_of(booking) == seat
    assert bookings.wall_of_booking(booking) == seat.wall


# ---------------------------------------------------------------------------- another slot


@pytest.mark.parametrize("moves", [0, 1, 7])
def test_a_booking_has_another_slot(moves: int) -> None:
    """It is reminded of again, and late only after its new time; how often it was moved is counted."""
    before = a_booking(moves_count=moves, reminded_at=REMIND_AT, late_at=LATE_AT, repeats=WEEKLY)
    decision = moved(before, LATE_AT + M, by="bob", reason="the customer asked")
    assert changed(before, only_record(decision)) == {
        "queue": "sales",
        "slot_at": LATER,
        "length": 20 * M,
        "seat": SeatKind.KEPT,
        "wall_at": "2026-10-25T02:30:00",
        "zone": "Europe/Berlin",
        "fold": 1,
        "window_until_at": LATER + H,
        "agent_id": ANN,
        "moves_count": moves + 1,
        "reminded_at": None,
        "late_at": None,
        "due_at": LATER - 15 * M,
    }
    event = only_event(decision)
    assert (event.kind, event.by, event.reason) == ("booking_moved", "bob", "the customer asked")


# ---------------------------------------------------------------------------- clocks


@pytest.mark.parametrize(
    ("booked_at", "policy", "seat", "due_at", "reason"),
    [
        (START, POLICY, SEAT, REMIND_AT, DueReason.REMINDER),
        (REMIND_AT - US, POLICY, SEAT, REMIND_AT, DueReason.REMINDER),
        # Whoever books so late needs no reminder.
        (REMIND_AT, POLICY, SEAT, LATE_AT, DueReason.SLOT_OVERDUE),
        (SLOT - US, POLICY, SEAT, LATE_AT, DueReason.SLOT_OVERDUE),
        (START, SILENT, SEAT, LATE_AT, DueReason.SLOT_OVERDUE),
        (START, attrs.evolve(SILENT, tolerance=0 * M), SEAT, SLOT, DueReason.SLOT_OVERDUE),
        # In a window nothing is late before its end.
        (
            START,
            SILENT,
            attrs.evolve(SEAT, window_until_at=SLOT + H),
            SLOT + H + 3 * M,
            DueReason.SLOT_OVERDUE,
        ),
        # A callback that lives shorter is looked at when it must be over.
        (
            START,
            SILENT,
            attrs.evolve(SEAT, window_until_at=OVER_AT),
            OVER_AT,
            DueReason.CALLBACK_OVER,
        ),
    ],
)
def test_what_a_new_booking_is_due_for(
    booked_at: datetime, policy: SlotPolicy, seat: Seat, due_at: datetime, reason: DueReason
) -> None:
    """The reminder, so long before; then lateness; then the end of its callback's life. The same by either way."""
    at_once = a_record(booked(seat, policy=policy, now=booked_at))
    held_first = bookings.hold(
        seat, tenant_id=DEFAULT_TENANT, booking_id=BOOKING_ID, call_id=None, policy=policy, now=booked_at - S
    )
    of_a_hold = bookings.confirm(
        a_record(held_first), callback=PROMISE, wall=WALL, policy=policy, now=booked_at
    )
    elsewhere = a_record(booked(OTHER_SEAT))
    of_a_move = bookings.move(elsewhere, seat, expires_at=OVER_AT, policy=policy, now=booked_at)
    for one in (at_once, a_record(of_a_hold), a_record(of_a_move)):
        assert (one.due_at, one.due_reason) == (due_at, reason)


WATCHED, REMINDED, LATE = "booking_watched", "booking_reminded", "booking_late"
DIALED = {"attempts_count": 1}
ATTEMPTING = {"state": CallbackState.ATTEMPTING}
ONE_LEFT = {"reminded_at": REMIND_AT}
EARLY = {"due_reason": DueReason.SLOT_OVERDUE, **ONE_LEFT}
BOTH_DONE = {"due_reason": DueReason.CALLBACK_OVER, "reminded_at": REMIND_AT, "late_at": LATE_AT}
IN_WINDOW = {**EARLY, "window_until_at": SLOT + H}


@pytest.mark.parametrize(
    ("booking", "callback", "now", "kind", "due_at", "reason"),
    [
        # A reminder, exactly when it is due, or a little late; but none when the time has come.
        ({}, {}, REMIND_AT, REMINDED, LATE_AT, DueReason.SLOT_OVERDUE),
        ({}, {}, SLOT - US, REMINDED, LATE_AT, DueReason.SLOT_OVERDUE),
        ({}, {}, SLOT, WATCHED, LATE_AT, DueReason.SLOT_OVERDUE),
        ({}, {}, LATE_AT, LATE, OVER_AT, DueReason.CALLBACK_OVER),
        # Late, exactly when its time and what is tolerated are over.
        (EARLY, {}, LATE_AT - US, WATCHED, LATE_AT, DueReason.SLOT_OVERDUE),
        (EARLY, {}, LATE_AT, LATE, OVER_AT, DueReason.CALLBACK_OVER),
        (EARLY, {"state": CallbackState.WAITING}, LATE_AT, LATE, OVER_AT, DueReason.CALLBACK_OVER),
        (EARLY, {"state": CallbackState.HELD}, LATE_AT, LATE, OVER_AT, DueReason.CALLBACK_OVER),
        (IN_WINDOW, {}, LATE_AT, WATCHED, LATE_AT + H, DueReason.SLOT_OVERDUE),
        (IN_WINDOW, {}, LATE_AT + H - US, WATCHED, LATE_AT + H, DueReason.SLOT_OVERDUE),
        (IN_WINDOW, {}, LATE_AT + H, LATE, OVER_AT, DueReason.CALLBACK_OVER),
        # An attempt was made: nobody is told that none was.
        (EARLY, DIALED, LATE_AT, WATCHED, OVER_AT, DueReason.CALLBACK_OVER),
        (EARLY, {**DIALED, **ATTEMPTING}, LATE_AT, WATCHED, OVER_AT, DueReason.CALLBACK_OVER),
        # One is under way, and may end without counting: it is looked at again soon.
        (EARLY, ATTEMPTING, LATE_AT, WATCHED, LATE_AT + M, DueReason.SLOT_OVERDUE),
        (EARLY, {}, LATE_AT + M, LATE, OVER_AT, DueReason.CALLBACK_OVER),
        # It was said once.
        (BOTH_DONE, {}, OVER_AT, WATCHED, OVER_AT + M, DueReason.CALLBACK_OVER),
        (BOTH_DONE, ATTEMPTING, OVER_AT + H, WATCHED, OVER_AT + H + M, DueReason.CALLBACK_OVER),
        # Settings that came later, and a step that comes too soon.
        (EARLY, {}, SLOT - M, WATCHED, LATE_AT, DueReason.SLOT_OVERDUE),
        ({"due_reason": DueReason.SLOT_OVERDUE}, {}, START, WATCHED, REMIND_AT, DueReason.REMINDER),
    ],
)
def test_what_time_does_to_a_booking(
    booking: dict[str, Any],
    callback: dict[str, Any],
    now: datetime,
    kind: str,
    due_at: datetime,
    reason: DueReason,
) -> None:
    """Who is told, and when it is looked at next: always later than now."""
    before = a_booking(**booking)
    decision, kinds = due(before, now, callback=attrs.evolve(PROMISE, **callback))
    record = a_record(decision)
    assert (only_event(decision).kind, record.due_at, record.due_reason) == (kind, due_at, reason)
    assert due_at > now
    told = {REMINDED: REMINDERS, LATE: (NoticeKind.LATE,), WATCHED: ()}[kind]
    assert kinds == told == getattr(only_event(decision), "notices", ())
    said = {REMINDED: {"reminded_at": now}, LATE: {"late_at": now}, WATCHED: {}}[kind]
    clocks = {"due_at", "due_reason"}
    assert {name: value for name, value in changed(before, record).items() if name not in clocks} == said


@pytest.mark.parametrize(
    ("there", "kinds"),
    [(None, REMINDERS), (True, REMINDERS), (False, (*REMINDERS, NoticeKind.BACKUP_AGENT))],
)
def test_a_customer_hears_that_somebody_else_calls(there: bool | None, kinds: tuple[NoticeKind, ...]) -> None:
    """With the reminder, if the agent who should call is not there; in history too."""
    decision, told = due(a_booking(), REMIND_AT, there=there)
    assert told == only_event(decision).notices == kinds


# ---------------------------------------------------------------------------- the end


@pytest.mark.parametrize(
    ("now", "turn_at", "how"),
    [
        (START, None, BookingEnd.CALLED_OFF),
        (SLOT - US, None, BookingEnd.CALLED_OFF),
        (SLOT, None, BookingEnd.USED),
        (OVER_AT, None, BookingEnd.USED),
        # Who is given to an agent a little early is called in time, and the seat is used.
        (SLOT - US, SLOT - 2 * M, BookingEnd.USED),
        (SLOT - US, SLOT - EARLY_MAX, BookingEnd.USED),
        (SLOT - US, SLOT - EARLY_MAX - US, BookingEnd.CALLED_OFF),
    ],
)
def test_how_a_booking_ends_with_its_callback(
    now: datetime, turn_at: datetime | None, how: BookingEnd
) -> None:
    """Before its time it was called off, and the seat is free again; else it was used."""
    before = a_booking()
    assert bookings.end_of(before, now=now, turn_at=turn_at) is how
    decision, kinds = due(before, now, callback=attrs.evolve(OVER, turn_at=turn_at))
    assert changed(before, only_record(decision)) == {
        "state": BookingState.ENDED,
        "ended_as": how,
        "ended_at": now,
        "due_at": None,
        "due_reason": None,
    }
    assert (only_event(decision).kind, kinds) == ("booking_ended", ())


def test_a_booking_of_a_series_is_woken_when_its_callback_is_over() -> None:
    """The next step looks at it. If a person took the callback up again meanwhile, it goes on as it was."""
    woken = bookings.wake(a_booking(repeats=WEEKLY), now=SLOT + M)
    record = a_record(woken)
    assert (record.due_at, record.due_reason) == (SLOT + M, DueReason.CALLBACK_OVER)
    assert only_event(woken).kind == "booking_watched"
    again, kinds = due(record, SLOT + M, callback=attrs.evolve(PROMISE, attempts_count=1))
    assert (a_record(again).due_at, kinds) == (LATE_AT, ())


# ---------------------------------------------------------------------------- when it joins the line


@pytest.mark.parametrize(
    ("free", "agents", "reconnect", "handle_time", "feed_max", "before"),
    [
        # With a free agent: so early as the phones take to be answered.
        (1, 1, 20 * S, 5 * M, 2 * M, 20 * S),
        (3, 9, 20 * S, 5 * M, 2 * M, 20 * S),
        (1, 1, 0 * S, 5 * M, 2 * M, 0 * S),
        (1, 1, 3 * M, 5 * M, 2 * M, 2 * M),
        # With none: earlier by the time until the next of them is free; but not earlier than policy says.
        (0, 10, 20 * S, 5 * M, 2 * M, 50 * S),
        (0, 3, 20 * S, 5 * M, 2 * M, 2 * M),
        (0, 1, 20 * S, 5 * M, 15 * M, 5 * M + 20 * S),
        (0, 1, 20 * S, 20 * M, 15 * M, 15 * M),
        (-1, 10, 20 * S, 5 * M, 2 * M, 50 * S),
        # With nobody there it waits for its time.
        (0, 0, 20 * S, 5 * M, 2 * M, 20 * S),
        (0, 9, 20 * S, 5 * M, 0 * M, 0 * S),
    ],
)
def test_when_a_booking_must_join_the_line(
    free: int,
    agents: int,
    reconnect: timedelta,
    handle_time: timedelta,
    feed_max: timedelta,
    before: timedelta,
) -> None:
    """So early that it is begun at its time."""
    facts = FeedFacts(agents_free=free, agents=agents, reconnect=reconnect, handle_time=handle_time)
    policy = attrs.evolve(POLICY, feed_max=feed_max)
    assert bookings.feed_at(SLOT, facts=facts, policy=policy) == SLOT - before


# ---------------------------------------------------------------------------- punctuality

BEGUN = a_booking()
IN_A_WINDOW = a_booking(window_until_at=SLOT + H)
TO_COME = a_booking(slot_at=LATER)


@pytest.mark.parametrize(
    ("begun", "figures"),
    [
        ([], (0, 0, 0, 0, None, None, None)),
        ([(TO_COME, None)], (1, 0, 0, 0, None, None, None)),
        ([(BEGUN, SLOT)], (1, 1, 0, 1, 1.0, 0.0, 0.0)),
        ([(BEGUN, SLOT - 30 * S)], (1, 1, 0, 1, 1.0, -30.0, -30.0)),
        # What is tolerated is in time, to the last microsecond.
        ([(BEGUN, LATE_AT)], (1, 1, 0, 1, 1.0, 180.0, 180.0)),
        ([(BEGUN, LATE_AT + US)], (1, 1, 0, 0, 0.0, 180.000001, 180.000001)),
        # Not begun: from the moment in which it is late.
        ([(a_booking(slot_at=SLOT + US), None)], (1, 0, 0, 0, None, None, None)),
        ([(BEGUN, None)], (1, 0, 1, 0, 0.0, None, None)),
        # In a window the delay counts from its end.
        ([(IN_A_WINDOW, SLOT + H + M)], (1, 1, 0, 1, 1.0, 60.0, 60.0)),
        ([(IN_A_WINDOW, SLOT + M)], (1, 1, 0, 1, 1.0, -3540.0, -3540.0)),
        ([(IN_A_WINDOW, None)], (1, 0, 0, 0, None, None, None)),
        (
            [(BEGUN, SLOT), (BEGUN, SLOT + 2 * M), (BEGUN, SLOT + 10 * M), (BEGUN, None), (TO_COME, None)],
            (5, 3, 1, 2, 0.5, 240.0, 600.0),
        ),
    ],
)
def test_how_well_booked_times_were_kept(
    begun: list[tuple[Booking, datetime | None]], figures: tuple[float | None, ...]
) -> None:
    """The share is of those that were, or should have been, begun; those to come are only counted."""
    found = bookings.punctuality(begun, policy=POLICY, now=LATE_AT)
    assert found == Punctuality(
        **dict(zip(attrs.fields_dict(Punctuality), figures, strict=True))  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("known", "ratio", "found"),
    [
        (0, 0.9, None),
        (18, 0.9, None),
        (19, 0.9, (0.0, 18.0)),
        (38, 0.9, (0.0, 37.0)),
        (39, 0.9, (1.0, 37.0)),
        (99, 0.9, (4.0, 94.0)),
        (3, 0.5, (0.0, 2.0)),
        (2, 0.5, None),
        (199, 0.99, (0.0, 198.0)),
    ],
)
def test_how_late_the_next_one_may_be(known: int, ratio: float, found: tuple[float, float] | None) -> None:
    """Between the k-th least and the k-th greatest of those that are known, in whatever order they came."""
    delays = [float(number * 7 % known) if known % 7 else float(number) for number in range(known)]
    assert bookings.delay_range(delays, coverage_ratio=ratio) == found


@LAW
@given(st.integers(0, 400), st.integers(50, 99))
def test_the_next_one_is_in_the_range_as_often_as_is_said(known: int, percent: int) -> None:
    """Each of the known + 1 gaps is as likely: as many as are needed lie in the range, and no two more."""
    found = bookings.delay_range([float(number) for number in range(known)], coverage_ratio=percent / 100)
    gaps = known + 1
    if found is None:
        assert (gaps - 2) * 100 < percent * gaps
        return
    inside = int(found[1] - found[0])
    assert inside * 100 >= percent * gaps > (inside - 2) * 100


# ---------------------------------------------------------------------------- laws

FAR = OTHER_SEAT.slot_at + D
SEATS = st.builds(
    Seat,
    queue=st.sampled_from([SUPPORT, QueueName("sales")]),
    slot_at=st.integers(0, 10 * 60).map(lambda minutes: START + minutes * M),
    length=st.sampled_from([15 * M, 30 * M]),
    kind=st.sampled_from(SeatKind),
    wall=st.sampled_from([WALL, OTHER_SEAT.wall]),
    agent_id=st.sampled_from([None, ANN, AgentId("bob")]),
)
WINDOWS = st.none() | st.integers(1, 300)
POLICIES = st.builds(
    SlotPolicy,
    seats=st.none(),
    hold_time=st.sampled_from([5 * S, M, H]),
    tolerance=st.sampled_from([0 * M, 3 * M, H]),
    remind_before=st.sampled_from([None, M, 15 * M, D]),
)
CALLBACKS = st.fixed_dictionaries(
    {
        "state": st.sampled_from([state for state in CallbackState if state is not CallbackState.ENDED]),
        "attempts_count": st.integers(0, 1),
        "call_id": st.sampled_from([None, CALL_ID]),
    }
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["confirm", "move", "due", "due", "due", "over", "wake", "end"]),
        st.integers(0, 2 * 3600),
        SEATS,
        WINDOWS,
        CALLBACKS,
        st.sampled_from([None, WEEKLY]),
    ),
    max_size=20,
)


def with_window(seat: Seat, minutes: int | None) -> Seat:
    return attrs.evolve(seat, window_until_at=None if minutes is None else seat.slot_at + minutes * M)


class Story:
    """Leads one booking through commands, and writes down what is decided; the book holds its laws."""

    def __init__(self, seat: Seat, policy: SlotPolicy) -> None:
        self.book, self.now = Book(), START
        self.seat, self.policy = seat, policy
        self.callback = PROMISE

    @property
    def booking(self) -> Booking:
        record = self.book.records[Entity.BOOKING, BOOKING_ID]
        assert isinstance(record, Booking)
        return record

    def begin(self, *, hold: bool, **more: Any) -> None:
        if hold:
            decision = bookings.hold(
                self.seat,
                tenant_id=DEFAULT_TENANT,
                booking_id=BOOKING_ID,
                call_id=CALL_ID,
                policy=self.policy,
                now=self.now,
            )
        else:
            decision = booked(self.seat, policy=self.policy, now=self.now, **more)
        self.book.write(decision)

    def step(self, what: str, seat: Seat, repeats: str | None) -> None:
        """Do one thing, or see it refused."""
        booking, policy, now = self.booking, self.policy, self.now
        match what:
            case "confirm":
                wall = seat.wall
                self._write(
                    Command.BOOK,
                    lambda: bookings.confirm(
                        booking,
                        callback=self.callback,
                        wall=wall,
                        repeats=repeats,
                        policy=policy,
                        now=now,
                    ),
                )
            case "move":
                self._write(
                    Command.MOVE,
                    lambda: bookings.move(booking, seat, expires_at=FAR, policy=policy, now=now),
                )
            case "wake":
                self._write(Command.WATCH, lambda: bookings.wake(booking, now=now))
            case "end":
                self._write(Command.END, lambda: bookings.end(booking, BookingEnd.RELEASED, now=now))
            case _:
                self._time(over=what == "over")

    def _write(self, command: Command, decide: Callable[[], Decision]) -> None:
        before = self.booking
        try:
            decision = decide()
        except NotPossibleNow:
            assert (before.state, command) not in TRANSITIONS
            return
        self.book.write(decision)
        assert self.booking.state is TRANSITIONS[before.state, command]
        assert self.booking.moves_count == before.moves_count + (command is Command.MOVE)

    def _time(self, *, over: bool) -> None:
        before = self.booking
        if before.due_at is None:
            return
        self.now = max(self.now, before.due_at)
        callback = None
        if before.callback_id is not None:
            state = CallbackState.ENDED if over else self.callback.state
            callback = attrs.evolve(self.callback, state=state)
        decision, kinds = bookings.due(before, callback=callback, policy=self.policy, now=self.now)
        self.book.write(decision)
        after = self.booking
        assert after.due_at is None or after.due_at > self.now  # Nothing that is looked at stands still.
        assert (NoticeKind.LATE in kinds) is (before.late_at is None and after.late_at is not None)
        assert (NoticeKind.REMINDER in kinds) is (
            before.reminded_at is None and after.reminded_at is not None
        )
        if NoticeKind.LATE in kinds:
            assert callback is not None
            assert self.now >= bookings.late_from(before, policy=self.policy)
            assert (callback.attempts_count, callback.state is CallbackState.ATTEMPTING) == (0, False)


@LAW
@given(SEATS, WINDOWS, POLICIES, st.booleans(), STEPS)
def test_along_any_sequence_of_commands(
    seat: Seat,
    window: int | None,
    policy: SlotPolicy,
    hold: bool,
    steps: list[tuple[str, int, Seat, int | None, dict[str, Any], str | None]],
) -> None:
    """Only what is drawn happens; history alone gives the record; nobody is reminded, or told of lateness, twice."""
    story = Story(with_window(seat, window), policy)
    story.begin(hold=hold, **({} if hold else {"repeats": WEEKLY, "series_id": BookingId("bk_0")}))
    for what, seconds, other, minutes, callback, repeats in steps:
        story.now += seconds * S
        story.callback = attrs.evolve(PROMISE, **callback)
        story.step(what, with_window(other, minutes), repeats)
        record = story.booking
        assert (record.due_at is None) is (record.ended_at is not None) is (record.ended_as is not None)
        assert (record.callback_id is None) is (record.booked_at is None)
        assert record.held_at == START


@LAW
@given(SEATS, WINDOWS, POLICIES, st.booleans(), st.booleans())
def test_no_booking_is_forgotten(
    seat: Seat, window: int | None, policy: SlotPolicy, hold: bool, dialed: bool
) -> None:
    """Each clock rings once: after three looks only the end of its callback is waited for, once a minute."""
    story = Story(with_window(seat, window), policy)
    story.begin(hold=hold)
    story.callback = attrs.evolve(PROMISE, attempts_count=int(dialed))
    for _ in range(4):
        story.step("due", seat, None)
    if hold:
        assert story.booking.ended_as is BookingEnd.HOLD_OVER
        return
    assert story.booking.due_reason is DueReason.CALLBACK_OVER
    late = story.now
    story.step("due", seat, None)
    assert story.booking.due_at is not None
    assert story.booking.due_at - story.now == WATCH_EVERY
    assert story.now >= max(late, OVER_AT)
    story.step("over", seat, None)
    assert story.booking.ended_as is BookingEnd.USED


def test_the_story_tells_every_field() -> None:
    """No field of the record is left at its default by the life that history tells here."""
    story = Story(OTHER_SEAT, POLICY)
    story.begin(hold=True)
    story.callback = attrs.evolve(PROMISE, call_id=CALL_ID, last_disposition=Disposition.NO_ANSWER)
    seen: set[str] = set()
    seat = attrs.evolve(OTHER_SEAT, slot_at=LATER + H)
    for what, repeats in [("confirm", WEEKLY), ("move", None), ("due", None), ("due", None), ("over", None)]:
        story.step(what, seat, repeats)
        values = attrs.asdict(story.booking, recurse=False)
        defaults = {field.name: field.default for field in attrs.fields(Booking)}
        seen |= {name for name, value in values.items() if value != defaults[name]}
    assert seen == set(attrs.fields_dict(Booking))
