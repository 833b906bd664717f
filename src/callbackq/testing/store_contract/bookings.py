"""Bookings and slots: seats by slot, by agent and by callback, never one too many, and how many are taken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.errors import Conflict, StaleVersion, UniquenessViolated
from callbackq.ids import AgentId, BookingId, CallbackId, QueueName
from callbackq.model import Booking, BookingEnd, BookingState, SlotCount
from callbackq.ports import Commit, Store, Transaction
from callbackq.testing.builders import (
    QUEUE,
    SLOT_AT,
    make_attempt,
    make_booking,
    make_call,
    make_slot_count,
    make_slot_day,
    next_version,
)
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import (
    EXAMPLES,
    TENANT,
    THREADS,
    ContractBase,
    PlannedError,
    Row,
    ask,
    at_once,
    fail_after,
    fresh_tenant,
    put,
)

SALES: Final = QueueName("sales")
MIA: Final = AgentId("mia")
NOA: Final = AgentId("noa")
MOMENT: Final = timedelta(microseconds=1)
HOUR: Final = timedelta(hours=1)
TOKYO: Final = timezone(timedelta(hours=9))

each_living_state = pytest.mark.parametrize(
    "state", [state for state in BookingState if state is not BookingState.ENDED]
)
USED: Final[dict[str, Any]] = {"state": BookingState.ENDED, "ended_as": BookingEnd.USED}
RELEASED: Final[dict[str, Any]] = {"state": BookingState.ENDED, "ended_as": BookingEnd.RELEASED}


def between(
    store: Store,
    queue: QueueName | None = QUEUE,
    *,
    from_at: datetime = SLOT_AT - 24 * HOUR,
    until_at: datetime = SLOT_AT + 24 * HOUR,
    agent_id: AgentId | None = None,
    limit: int = 99,
) -> list[str]:
    """Return the ids of the bookings in a stretch of time."""
    found = ask(
        store,
        lambda tx: tx.bookings.between(
            queue, from_at=from_at, until_at=until_at, agent_id=agent_id, limit=limit
        ),
    )
    return [booking.booking_id for booking in found]


def of_slot(store: Store, queue: QueueName = QUEUE, slot_at: datetime = SLOT_AT) -> list[str]:
    """Return the ids of the bookings of one slot."""
    return [booking.booking_id for booking in ask(store, lambda tx: tx.bookings.of_slot(queue, slot_at))]


class BookingContract(ContractBase):
    """A seat is one callback's, and an agent is in one place at a time."""

    # ------------------------------------------------------------------------ never two

    @each_living_state
    def test_a_callback_has_one_booking(self, store: Store, state: BookingState) -> None:
        """A second booking for a callback is refused until the first has ended."""
        first = make_booking("bk_1", callback_id=CallbackId("cb_1"), state=state)
        second = make_booking("bk_2", callback_id=CallbackId("cb_1"), slot_at=SLOT_AT + HOUR)
        put(store, first)
        with pytest.raises(UniquenessViolated, match=r"bk_2: another booking .* this callback"):
            put(store, second)
        put(store, next_version(first, state=BookingState.ENDED), second)
        assert ask(store, lambda tx: tx.bookings.get(BookingId("bk_2"))) == second

    @each_living_state
    def test_an_agent_has_one_booking_at_a_time(self, store: Store, state: BookingState) -> None:
        """Whatever the queue, and whatever the zone in which the time is given."""
        first = make_booking("bk_1", agent_id=MIA, state=state)
        put(store, first)
        for changes in ({}, {"queue": SALES}, {"slot_at": SLOT_AT.astimezone(TOKYO)}):
            with pytest.raises(UniquenessViolated, match=r"bk_2: another booking .* this agent"):
                put(store, make_booking("bk_2", agent_id=MIA, **changes))
        put(store, make_booking("bk_3", agent_id=NOA))
        put(store, make_booking("bk_4", agent_id=MIA, slot_at=SLOT_AT + MOMENT))
        put(store, next_version(first, **USED), make_booking("bk_2", agent_id=MIA))
        assert ask(store, lambda tx: tx.bookings.get(BookingId("bk_2"))).agent_id == MIA

    def test_seats_of_nobody_do_not_collide(self, store: Store) -> None:
        """A seat that is only held has no callback, and most stand in nobody's calendar."""
        put(store, *(make_booking(f"bk_{n}", callback_id=None) for n in range(3)))
        assert of_slot(store) == ["bk_0", "bk_1", "bk_2"]

    def test_ended_bookings_may_share_everything(self, store: Store) -> None:
        """Only the living hold keys."""
        same: dict[str, Any] = {"callback_id": CallbackId("cb_1"), "agent_id": MIA, **USED}
        put(store, *(make_booking(f"bk_{n}", **same) for n in range(3)))
        assert between(store, agent_id=MIA) == ["bk_0", "bk_1", "bk_2"]

    def test_a_key_cannot_be_taken_over_by_a_change(self, store: Store) -> None:
        """The rules hold for later versions too, and the refused change leaves the row."""
        first = make_booking("bk_1", agent_id=MIA, callback_id=CallbackId("cb_1"))
        second = make_booking("bk_2", agent_id=MIA, callback_id=None, slot_at=SLOT_AT + HOUR)
        put(store, first, second)
        with pytest.raises(UniquenessViolated, match="this agent"):
            put(store, next_version(second, slot_at=SLOT_AT))
        with pytest.raises(UniquenessViolated, match="this callback"):
            put(store, next_version(second, callback_id=CallbackId("cb_1")))
        assert ask(store, lambda tx: tx.bookings.get(BookingId("bk_2"))) == second
        assert of_slot(store) == ["bk_1"]

    def test_a_key_given_up_by_a_change_is_free(self, store: Store) -> None:
        """Whoever is moved frees the time, and holds the new one."""
        first = make_booking("bk_1", agent_id=MIA)
        put(store, first, next_version(first, slot_at=SLOT_AT + HOUR))
        put(store, make_booking("bk_2", agent_id=MIA))
        with pytest.raises(UniquenessViolated, match="this agent"):
            put(store, make_booking("bk_3", agent_id=MIA, slot_at=SLOT_AT + HOUR))

    def test_attempts_and_bookings_of_one_callback_do_not_collide(self, store: Store) -> None:
        """The same callback stands in both tables, and each refusal names its own rule."""
        mine = CallbackId("cb_1")
        put(store, make_attempt("at_1", callback_id=mine), make_booking("bk_1", callback_id=mine))
        with pytest.raises(UniquenessViolated, match="another attempt"):
            put(store, make_attempt("at_2", callback_id=mine))
        with pytest.raises(UniquenessViolated, match="another booking"):
            put(store, make_booking("bk_2", callback_id=mine))

    # ------------------------------------------------------------------------ by callback

    def test_the_booking_of_a_callback_is_the_living_one(self, store: Store) -> None:
        """Also where another was made later."""
        mine = CallbackId("cb_1")
        living = make_booking("bk_1", callback_id=mine, held_at=START)
        later = make_booking("bk_2", callback_id=mine, held_at=START + HOUR, **RELEASED)
        put(store, living, later, make_booking("bk_3"))
        assert ask(store, lambda tx: tx.bookings.of_callback(mine)) == living
        moved = next_version(living, slot_at=SLOT_AT + HOUR)
        put(store, moved)
        assert ask(store, lambda tx: tx.bookings.of_callback(mine)) == moved

    def test_of_ended_bookings_the_one_made_last_is_found(self, store: Store) -> None:
        """By the time at which its seat was taken, then by the highest id."""
        mine = CallbackId("cb_1")
        held = {"bk_1": START, "bk_2": START + HOUR, "bk_3": START + HOUR, "bk_4": START}
        rows = {
            booking_id: make_booking(booking_id, callback_id=mine, held_at=held_at, **RELEASED)
            for booking_id, held_at in held.items()
        }
        put(store, *rows.values())
        assert ask(store, lambda tx: tx.bookings.of_callback(mine)) == rows["bk_3"]
        assert ask(store, lambda tx: tx.bookings.of_callback(CallbackId("cb_2"))) is None

    # ------------------------------------------------------------------------ by slot

    def test_a_slot_has_its_own_bookings_by_id(self, store: Store) -> None:
        """Neither those of a moment before or after, nor those of another queue, nor what has ended."""
        put(
            store,
            *(make_booking(f"bk_{n}") for n in (3, 1, 2)),
            make_booking("bk_4", slot_at=SLOT_AT + MOMENT),
            make_booking("bk_5", slot_at=SLOT_AT - MOMENT),
            make_booking("bk_6", queue=SALES),
            make_booking("bk_7", **USED),
            make_booking("bk_8", **RELEASED),
            make_booking("bk_9", state=BookingState.HELD),
        )
        assert of_slot(store) == ["bk_1", "bk_2", "bk_3", "bk_9"]
        assert of_slot(store, SALES) == ["bk_6"]
        assert of_slot(store, slot_at=SLOT_AT.astimezone(TOKYO)) == ["bk_1", "bk_2", "bk_3", "bk_9"]
        assert of_slot(store, QueueName("none")) == []

    def test_a_stretch_of_time_has_its_first_moment_and_not_its_last(self, store: Store) -> None:
        """In the order of their slots, then of their ids."""
        times = {"bk_1": 2, "bk_2": 1, "bk_3": 1, "bk_4": 0, "bk_5": 3}
        put(store, *(make_booking(key, slot_at=SLOT_AT + hour * HOUR) for key, hour in times.items()))
        bounds: dict[str, Any] = {"from_at": SLOT_AT + HOUR, "until_at": SLOT_AT + 3 * HOUR}
        assert between(store, **bounds) == ["bk_2", "bk_3", "bk_1"]
        assert between(store, limit=3) == ["bk_4", "bk_2", "bk_3"]
        assert between(store, from_at=SLOT_AT + HOUR + MOMENT, until_at=SLOT_AT + 3 * HOUR) == ["bk_1"]
        zoned: dict[str, Any] = {name: at.astimezone(TOKYO) for name, at in bounds.items()}
        assert between(store, **zoned) == ["bk_2", "bk_3", "bk_1"]
        assert between(store, from_at=SLOT_AT, until_at=SLOT_AT) == []

    def test_ended_bookings_are_left_out_but_for_those_that_were_used(self, store: Store) -> None:
        """Their seats are free again; what was used is told."""
        put(
            store,
            make_booking("bk_0"),
            *(
                make_booking(f"bk_{n}", agent_id=AgentId(f"a{n}"), state=BookingState.ENDED, ended_as=end)
                for n, end in enumerate(BookingEnd, start=1)
            ),
        )
        used = f"bk_{list(BookingEnd).index(BookingEnd.USED) + 1}"
        assert between(store) == ["bk_0", used]
        calendars = [between(store, None, agent_id=AgentId(f"a{n}")) for n in range(1, len(BookingEnd) + 1)]
        assert [found for found in calendars if found] == [[used]]

    def test_an_agent_s_calendar_is_over_all_queues(self, store: Store) -> None:
        """Or of one queue, where one is named too."""
        put(
            store,
            make_booking("bk_1", agent_id=MIA, slot_at=SLOT_AT + HOUR),
            make_booking("bk_2", agent_id=MIA, queue=SALES),
            make_booking("bk_3", agent_id=NOA),
            make_booking("bk_4"),
            make_booking("bk_5", agent_id=MIA, slot_at=SLOT_AT + 2 * HOUR),
        )
        assert between(store, None, agent_id=MIA) == ["bk_2", "bk_1", "bk_5"]
        assert between(store, None, agent_id=MIA, limit=2) == ["bk_2", "bk_1"]
        assert between(store, None, agent_id=MIA, until_at=SLOT_AT + 2 * HOUR) == ["bk_2", "bk_1"]
        assert between(store, QUEUE, agent_id=MIA) == ["bk_1", "bk_5"]
        assert between(store, QUEUE, agent_id=MIA, limit=1) == ["bk_1"]
        assert between(store, SALES, agent_id=NOA) == []

    def test_the_bookings_of_everybody_are_not_asked_for(self, store: Store) -> None:
        """No index would answer that."""
        with pytest.raises(ValueError, match="agent"):
            between(store, None)

    def test_a_booking_that_changes_is_found_where_it_is_now(self, store: Store) -> None:
        """Another slot, another agent, and in the end nowhere; all seen by the block itself."""
        booking = make_booking("bk_1", agent_id=MIA)
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            tx.save(booking)
            moved = next_version(booking, slot_at=SLOT_AT + HOUR, agent_id=NOA)
            tx.save(moved)
            stretch: dict[str, Any] = {"from_at": SLOT_AT, "until_at": SLOT_AT + 2 * HOUR, "limit": 9}
            assert tx.bookings.of_slot(QUEUE, SLOT_AT) == []
            assert tx.bookings.of_slot(QUEUE, SLOT_AT + HOUR) == [moved]
            assert tx.bookings.between(None, agent_id=MIA, **stretch) == []
            assert tx.bookings.between(None, agent_id=NOA, **stretch) == [moved]
            used = next_version(moved, **USED)
            tx.save(used)
            assert tx.bookings.of_slot(QUEUE, SLOT_AT + HOUR) == []
            assert tx.bookings.between(QUEUE, **stretch) == [used]
            assert tx.bookings.of_callback(CallbackId("cb_bk_1")) == used
        assert between(store) == ["bk_1"]

    @EXAMPLES
    @given(
        drawn=st.lists(
            st.tuples(
                st.integers(0, 3),
                st.sampled_from([QUEUE, SALES]),
                st.sampled_from([None, MIA, NOA]),
                st.sampled_from([{}, USED, RELEASED]),
            ),
            max_size=12,
        ),
        first=st.integers(0, 3),
        last=st.integers(0, 4),
        limit=st.integers(1, 13),
        queue=st.sampled_from([None, QUEUE, SALES]),
        agent_id=st.sampled_from([None, MIA]),
    )
    def test_what_is_between_is_a_plain_sort(
        self,
        store: Store,
        drawn: list[tuple[int, QueueName, AgentId | None, dict[str, Any]]],
        first: int,
        last: int,
        limit: int,
        queue: QueueName | None,
        agent_id: AgentId | None,
    ) -> None:
        """What is found equals a naive filter and sort."""
        if queue is None and agent_id is None:
            agent_id = NOA
        tenant_id = fresh_tenant()
        rows: list[Booking] = []
        for n, (hour, of, whose, changes) in enumerate(drawn):
            slot_at = SLOT_AT + hour * HOUR
            is_busy = any((row.agent_id, row.slot_at) == (whose, slot_at) for row in rows)
            changed = {"queue": of, "agent_id": None if is_busy else whose, "slot_at": slot_at, **changes}
            rows.append(make_booking(f"bk_{n:02}", tenant_id=tenant_id, **changed))
        put(store, *rows, tenant_id=tenant_id)
        from_at, until_at = SLOT_AT + first * HOUR, SLOT_AT + last * HOUR
        wanted = [
            row
            for row in sorted(rows, key=lambda row: (row.slot_at, row.booking_id))
            if from_at <= row.slot_at < until_at
            and queue in {None, row.queue}
            and agent_id in {None, row.agent_id}
            and (row.state is not BookingState.ENDED or row.ended_as is BookingEnd.USED)
        ]
        found = ask(
            store,
            lambda tx: tx.bookings.between(
                queue, from_at=from_at, until_at=until_at, agent_id=agent_id, limit=limit
            ),
            tenant_id=tenant_id,
        )
        assert found == wanted[:limit]

    def test_an_exception_undoes_what_was_booked(self, store: Store) -> None:
        """Slots, calendars, callbacks, times and counters answer as before the block, and keys are free."""
        booking, count, day = (
            make_booking("bk_1", agent_id=MIA, due_at=START),
            make_slot_count(),
            make_slot_day(),
        )
        put(store, booking, count, day)

        def write_everywhere(tx: Transaction) -> None:
            tx.save(next_version(booking, **RELEASED))
            tx.save(make_booking("bk_2", agent_id=MIA, callback_id=CallbackId("cb_bk_1")))
            tx.save(make_booking("bk_3", agent_id=NOA, due_at=START - HOUR))
            tx.save(next_version(count, usual_count=1))
            tx.save(make_slot_count(slot_at=SLOT_AT + HOUR))
            tx.save(next_version(day, full_count=1))
            tx.save(make_slot_day(day="2026-01-06"))

        with pytest.raises(PlannedError):
            fail_after(store, write_everywhere)
        with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
            assert tx.bookings.of_slot(QUEUE, SLOT_AT) == [booking]
            assert tx.bookings.of_callback(CallbackId("cb_bk_1")) == booking
            assert tx.bookings.due(now=START, limit=9) == [booking]
            assert tx.next_due_at() == START
            assert tx.slots.between(QUEUE, from_at=SLOT_AT, until_at=SLOT_AT + 2 * HOUR) == [count]
            assert tx.slots.days(QUEUE, from_day="2026-01-01", until_day="2026-12-31") == [day]
        assert between(store, None, agent_id=MIA) == ["bk_1"]
        assert between(store, None, agent_id=NOA) == []
        with pytest.raises(UniquenessViolated):
            put(store, make_booking("bk_2", agent_id=MIA))
        put(store, make_booking("bk_2", agent_id=NOA))


class SlotContract(ContractBase):
    """Seats are counted exactly, however many want one."""

    def test_a_slot_without_a_counter_has_none(self, store: Store) -> None:
        """Nobody has taken a seat of it yet; the same for whoever only reads."""
        for commit in Commit:
            with store.transaction(TENANT, commit=commit) as tx:
                assert tx.slots.locked(QUEUE, SLOT_AT) is None
                assert tx.slots.between(QUEUE, from_at=SLOT_AT, until_at=SLOT_AT + HOUR) == []
                assert tx.slots.days(QUEUE, from_day="2026-01-01", until_day="2026-12-31") == []

    def test_a_counter_is_found_by_its_queue_and_its_time(self, store: Store) -> None:
        """Whatever the zone in which the time is given, and also by whoever only reads."""
        count = make_slot_count(usual_count=3, kept_count=2)
        put(store, count, make_slot_count(SALES), make_slot_count(slot_at=SLOT_AT + HOUR))
        for commit in Commit:
            with store.transaction(TENANT, commit=commit) as tx:
                assert tx.slots.locked(QUEUE, SLOT_AT) == count
                assert tx.slots.locked(QUEUE, SLOT_AT.astimezone(TOKYO)) == count
                assert tx.slots.locked(SALES, SLOT_AT) == make_slot_count(SALES)
                assert tx.slots.locked(QUEUE, SLOT_AT + MOMENT) is None

    def test_a_counter_is_written_over_the_version_that_was_read(self, store: Store) -> None:
        """Within the block that keeps it, and over several blocks."""
        with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            assert tx.slots.locked(QUEUE, SLOT_AT) is None
            first = make_slot_count(usual_count=1)
            tx.save(first)
            assert tx.slots.locked(QUEUE, SLOT_AT) == first
            second = next_version(first, usual_count=2)
            tx.save(second)
            assert tx.slots.locked(QUEUE, SLOT_AT) == second
        with pytest.raises(StaleVersion, match=QUEUE):
            put(store, next_version(first, usual_count=9))
        with pytest.raises(UniquenessViolated, match=QUEUE):
            put(store, make_slot_count(usual_count=9))
        assert ask(store, lambda tx: tx.slots.locked(QUEUE, SLOT_AT)) == second

    def test_counters_come_in_the_order_of_their_slots(self, store: Store) -> None:
        """From the first moment to before the last, of one queue."""
        counts = [make_slot_count(slot_at=SLOT_AT + n * HOUR, usual_count=n) for n in range(4)]
        put(store, *reversed(counts), make_slot_count(SALES, slot_at=SLOT_AT + HOUR))
        found = ask(
            store,
            lambda tx: tx.slots.between(QUEUE, from_at=SLOT_AT + HOUR, until_at=SLOT_AT + 3 * HOUR),
        )
        assert found == counts[1:3]
        assert ask(store, lambda tx: tx.slots.between(QUEUE, from_at=SLOT_AT, until_at=SLOT_AT)) == []

    def test_days_come_in_order_and_the_last_one_is_among_them(self, store: Store) -> None:
        """Of one queue."""
        days = [make_slot_day(day=f"2026-01-{n:02}", full_count=n, rules="a") for n in (8, 9, 10, 11)]
        put(store, *reversed(days), make_slot_day(SALES, day="2026-01-09"))
        found = ask(store, lambda tx: tx.slots.days(QUEUE, from_day="2026-01-09", until_day="2026-01-10"))
        assert found == days[1:3]
        assert ask(store, lambda tx: tx.slots.days(SALES, from_day="2026", until_day="2027")) == [
            make_slot_day(SALES, day="2026-01-09")
        ]

    @pytest.mark.parametrize(
        "broken",
        [make_slot_count(usual_count=-1), make_slot_count(kept_count=-1), make_slot_day(full_count=-1)],
        ids=["usual", "kept", "full"],
    )
    def test_fewer_than_none_cannot_be_taken(self, store: Store, broken: Row) -> None:
        """A seat that is given back twice would let two people in."""
        with pytest.raises(ValueError, match="cannot count -1"):
            put(store, broken)
        assert ask(store, lambda tx: tx.slots.locked(QUEUE, SLOT_AT)) is None

    def test_counters_are_never_due(self, store: Store) -> None:
        """Time alone does not change them."""
        put(store, make_slot_count(), make_slot_day())
        assert ask(store, lambda tx: tx.next_due_at()) is None
        assert ask(store, lambda tx: tx.next_due_at(queues=(QUEUE,))) is None

    # ------------------------------------------------------------------------ many who want one

    @pytest.mark.parametrize("is_first", [True, False], ids=["asked for first", "asked for later"])
    @pytest.mark.parametrize("commit", [Commit.RELAXED, Commit.FLUSHED])
    def test_seats_never_exceed_the_limit(self, store: Store, commit: Commit, is_first: bool) -> None:
        """Of many threads that want seats of one slot at once, exactly as many get one as there are."""
        put(store, make_call("call_1"))
        limit = 20

        def look(tx: Transaction) -> None:
            if not is_first:
                tx.calls.open(QUEUE)

        taken = at_once(
            lambda _: [take_seat(store, limit=limit, commit=commit, before=look) for _ in range(3)]
        )
        assert sum(map(sum, taken)) == limit
        count = ask(store, lambda tx: tx.slots.locked(QUEUE, SLOT_AT))
        assert count == make_slot_count(version=limit, usual_count=limit)

    def test_seats_given_back_are_taken_again(self, store: Store) -> None:
        """Half give back what they took: in the end the counter says who has one."""
        limit = 5

        def come_and_go(number: int) -> int:
            has_seat = take_seat(store, limit=limit)
            if has_seat and number % 2:
                change_seats(store, lambda count: next_version(count, usual_count=count.usual_count - 1))
                return 0
            return int(has_seat)

        kept = sum(at_once(come_and_go))
        count = ask(store, lambda tx: tx.slots.locked(QUEUE, SLOT_AT))
        assert count is not None
        assert count.usual_count == kept <= limit

    def test_slots_do_not_wait_for_each_other_s_counters(self, store: Store) -> None:
        """Each has its own, and all are right."""
        slots = [SLOT_AT + n * HOUR for n in range(4)]
        at_once(
            lambda number: [take_seat(store, limit=99, slot_at=slots[(number + n) % 4]) for n in range(4)]
        )
        counts = ask(store, lambda tx: tx.slots.between(QUEUE, from_at=SLOT_AT, until_at=SLOT_AT + 4 * HOUR))
        assert [count.count for count in counts] == [THREADS] * 4


def take_seat(
    store: Store,
    *,
    limit: int,
    slot_at: datetime = SLOT_AT,
    commit: Commit = Commit.RELAXED,
    before: Callable[[Transaction], object] = lambda _tx: None,
) -> bool:
    """Take a seat if there is one: look at the counter, and raise it. Who is late tries again."""
    while True:
        try:
            with store.transaction(TENANT, commit=commit) as tx:
                before(tx)
                count = tx.slots.locked(QUEUE, slot_at)
                if count is None:
                    tx.save(make_slot_count(slot_at=slot_at.astimezone(UTC), usual_count=1))
                    return True
                if count.count >= limit:
                    return False
                tx.save(next_version(count, usual_count=count.usual_count + 1))
                return True
        except Conflict:
            continue


def change_seats(store: Store, change: Callable[[SlotCount], SlotCount]) -> None:
    """Change a counter that is there. Who is late tries again."""
    while True:
        try:
            with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
                count = tx.slots.locked(QUEUE, SLOT_AT)
                assert count is not None
                tx.save(change(count))
        except Conflict:
            continue
        return
