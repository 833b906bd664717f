"""
Which slots a queue has, who may take a seat, and how seats are taken and given back: the rules, read and written here.

The rule: a seat is taken under the lock of its slot's counter, so nobody gets the last one twice. What else is looked
at, the line before closing above all, is read without a lock: it is a probability, not a promise.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Final, SupportsIndex, cast

import attrs

from callbackq.core import bookings
from callbackq.core.bookings import Seat
from callbackq.core.instants import check_instant
from callbackq.core.seats import (
    free_for,
    seat_for,
    seats_of,
    taken,
    usual_free,
    with_overbooking,
)
from callbackq.core.slots import (
    Asker,
    DayPlan,
    OpenTimes,
    day_of,
    day_slots,
    days_between,
    full_count,
    in_zone,
    nearest,
    next_free,
    pieces_on,
    problem_with,
    rooms_before_closing,
    rules_of,
    starts_in,
)
from callbackq.core.zones import read_wall, wall_of
from callbackq.errors import InvalidTime, NotPossibleNow, SlotUnavailable
from callbackq.ids import AgentId, BookingId, QueueName, TenantId
from callbackq.model import (
    Booking,
    BookingEnd,
    BookingState,
    Interval,
    SeatKind,
    Slot,
    SlotCount,
    SlotDay,
    SlotProblem,
    TimeWindow,
)
from callbackq.policy import QueuePolicy, SlotPolicy, StaffedSeats
from callbackq.policy.slots import LENGTH_MAX, SEATS_MAX
from callbackq.ports import Hours, SlotCapacity, Transaction
from callbackq.times import PolicyHours, times_of
from callbackq.writing import give_back, write

logger = logging.getLogger("callbackq")

_DAY: Final = timedelta(days=1)
_BOOKINGS_LOOKED_AT: Final = 100
_HOLDS_ENDED: Final = 100


@attrs.frozen(kw_only=True)
class SlotWish:
    """
    What somebody wants to book, read and checked.

    Args:
        at: the slot's start; None where it is any within the windows.
        zone: the customer's zone.
        agent_id: in whose own calendar it shall stand.
        priority: of the one who asks.
        again: it is booked by ourselves, for a series or for a wall-clock time that moved: soon or far is as well.
        instead_of: the booking that moves: it is in nobody's way.
    """

    at: datetime | None
    windows: tuple[TimeWindow, ...] = ()
    zone: str
    agent_id: AgentId | None = None
    priority: int
    again: bool = False
    instead_of: BookingId | None = None


class Seating:
    """
    The slots of all queues of one service. Safe in threads.

    Args:
        hours: the host's; the policies' if None.
        capacity: the host's word on how many seats a slot has, where a policy leaves it to the host.
    """

    def __init__(
        self,
        policies: Mapping[QueueName, QueuePolicy],
        *,
        tenant_id: TenantId,
        hours: Hours | None,
        capacity: SlotCapacity | None,
    ) -> None:
        self._policies: Final = policies
        self._tenant_id: Final = tenant_id
        self._host_hours: Final = hours
        self._own_hours: Final = PolicyHours(policies)
        self._capacity: Final = capacity

    # ------------------------------------------------------------------ what there is

    def policy(self, queue: QueueName) -> SlotPolicy:
        """Return how the slots of a queue are cut. Raises: NotPossibleNow, where it has none."""
        found = self._policies[queue].slots
        if found is None:
            raise NotPossibleNow("book", f"queue {queue} without slots", "a queue whose policy has slots")
        return found

    def has_slots(self, queue: QueueName) -> bool:
        """Whether times of a queue can be booked here."""
        return queue in self._policies and self._policies[queue].slots is not None

    def zone(self, queue: QueueName) -> str:
        """Return the zone in which the days of a queue are counted."""
        hours = self._policies[queue].hours
        return "UTC" if hours is None else hours.zone

    def times(self, queue: QueueName) -> OpenTimes:
        """Return when a queue is open."""
        return times_of(queue, host=self._host_hours, policies=self._own_hours)

    def slots(
        self,
        tx: Transaction,
        queue: QueueName,
        *,
        from_at: datetime,
        until_at: datetime,
        priority: int,
        now: datetime,
    ) -> list[Slot]:
        """Return all slots that begin in a range, full or not. O(slots)."""
        asker = self._asker(queue, priority=priority, now=now)
        counts = _by_time(tx.slots.between(queue, from_at=from_at, until_at=until_at))
        found: list[Slot] = []
        for day in days_between(from_at, until_at=until_at, zone=self.zone(queue)):
            plan = self._plan(queue, day)
            found += day_slots(plan, counts=counts, asker=asker, rooms=self._rooms(tx, queue, plan))
        return [slot for slot in found if from_at <= slot.starts_at < until_at]

    def free(
        self,
        tx: Transaction,
        queue: QueueName,
        *,
        priority: int,
        now: datetime,
        from_at: datetime | None = None,
    ) -> Iterator[Slot]:
        """Return free slots in order, one day after the other; days that are known to be full are passed over."""
        asker = self._asker(queue, priority=priority, now=now)
        begin = max(now, from_at) if from_at is not None else now
        until_at = now + asker.policy.horizon + _DAY
        days = days_between(begin, until_at=until_at, zone=self.zone(queue))
        plans = (self._plan(queue, day, rows=rows) for day, rows in _with_rows(tx, queue, days))
        found = next_free(
            plans,
            asker=asker,
            counts_of=lambda plan: self._counts(tx, queue, plan),
            rooms_of=lambda plan, _counts: self._rooms(tx, queue, plan) or [SEATS_MAX] * len(plan.starts),
        )
        return (slot for slot in found if slot.starts_at >= begin)

    def alternatives(
        self,
        tx: Transaction,
        queue: QueueName,
        *,
        at: datetime,
        priority: int,
        wish: SlotWish | None = None,
        now: datetime,
    ) -> tuple[datetime, ...]:
        """Return the starts of free slots near a time, in order; where it is for an agent, that agent is free too."""

        def suits(slot: Slot) -> bool:
            return slot.free_count > 0 and not (
                wish is not None and self.agent_is_busy(tx, queue, wish, slot.starts_at)
            )

        limit = self.policy(queue).alternatives_max
        day_before = day_of(at, zone=self.zone(queue)) - _DAY
        before = [plan for day in (day_before, day_before + _DAY) for plan in [self._plan(queue, day)]]
        asker = self._asker(queue, priority=priority, now=now)
        near = [
            slot
            for plan in before
            for slot in day_slots(
                plan, counts=self._counts(tx, queue, plan), asker=asker, rooms=self._rooms(tx, queue, plan)
            )
        ]
        later = islice(filter(suits, self.free(tx, queue, priority=priority, now=now, from_at=at)), limit)
        both = {slot.starts_at: slot for slot in (*filter(suits, near), *later)}
        if not both:  # The time is far from all that can be booked.
            both = {
                slot.starts_at: slot
                for slot in islice(filter(suits, self.free(tx, queue, priority=priority, now=now)), limit)
            }
        return tuple(slot.starts_at for slot in nearest(both.values(), at=at, limit=limit))

    def near(
        self, tx: Transaction, queue: QueueName, *, at: datetime, priority: int, now: datetime
    ) -> tuple[datetime, ...]:
        """Return the starts of slots near a time, the nearest first, on that local day, however far it is from now."""
        plan = self._plan(queue, day_of(at, zone=self.zone(queue)))
        counts = self._counts(tx, queue, plan)
        policy = self.policy(queue)
        found = [
            start
            for start, seats in zip(plan.starts, plan.seats, strict=True)
            if start > now and free_for(counts.get(start), seats=seats, policy=policy, priority=priority) > 0
        ]
        return tuple(sorted(found, key=lambda start: abs(start - at))[:_NEAR_MAX])

    # ------------------------------------------------------------------ a day, and what is taken

    def _asker(self, queue: QueueName, *, priority: int, now: datetime) -> Asker:
        return Asker(queue=queue, policy=self.policy(queue), priority=priority, now=now)

    def _plan(self, queue: QueueName, day: date, *, rows: Mapping[str, SlotDay] | None = None) -> DayPlan:
        """
        Return the slots of one local day.

        Args:
            rows: the rows of days, by date; None where it does not matter whether the day is known to be full.
        """
        policy, zone = self.policy(queue), self.zone(queue)
        pieces = pieces_on(day, hours=self.times(queue), zone=zone)
        starts = [at for piece in pieces for at in starts_in(piece, policy=policy)]
        seats = self._seats(queue, starts)
        if rows is None:
            return DayPlan(day=day, starts=starts, seats=seats)
        named = rules_of(policy, seats=seats, zone=zone, hours_fingerprint=_digest(pieces))
        return DayPlan(
            day=day,
            starts=starts,
            seats=seats,
            known=rows.get(day.isoformat()),
            rules=in_zone(named, zone=zone),
        )

    def _seats(self, queue: QueueName, starts: Sequence[datetime]) -> list[int]:
        policy = self.policy(queue)
        same = seats_of(policy, handle_time=self._policies[queue].handle_time)
        if same is not None:
            return [same] * len(starts)
        return [with_overbooking(policy, seats=count) for count in self._provided(queue, starts, policy)]

    def _provided(self, queue: QueueName, starts: Sequence[datetime], policy: SlotPolicy) -> list[int]:
        """Return what the host's provider says. Where it raises, or answers nonsense, there are no seats."""
        assert self._capacity is not None
        try:
            answered = list(self._capacity.seats(queue, tuple(starts), policy.length))
            counts = [count for count in map(_count_of, answered) if count is not None]
            if len(counts) == len(answered) == len(starts):
                return [min(count, SEATS_MAX) for count in counts]
            logger.warning("the capacity of queue %s answered nonsense", queue)
        except Exception as error:
            logger.warning("the capacity of queue %s failed: %s", queue, type(error).__name__)
        return [0] * len(starts)

    def _counts(self, tx: Transaction, queue: QueueName, plan: DayPlan) -> Mapping[datetime, SlotCount]:
        if not plan.starts:
            return {}
        until_at = plan.starts[-1] + timedelta.resolution
        return _by_time(tx.slots.between(queue, from_at=plan.starts[0], until_at=until_at))

    def _rooms(self, tx: Transaction, queue: QueueName, plan: DayPlan) -> list[int] | None:
        """Return how many more each slot of a day can take before closing; None where nobody knows the agents."""
        policy = self.policy(queue)
        if not isinstance(policy.seats, StaffedSeats) or policy.closing_ratio is None or not plan.starts:
            return None
        rooms: dict[datetime, int] = {}
        for at in plan.starts:
            if at not in rooms:
                rooms |= self._rooms_of_opening(
                    tx, queue, at, agents=policy.seats.agents, ratio=policy.closing_ratio
                )
        return [rooms.get(at, 0) for at in plan.starts]

    def _rooms_of_opening(
        self, tx: Transaction, queue: QueueName, at: datetime, *, agents: int, ratio: float
    ) -> dict[datetime, int]:
        """Return the rooms of the slots from *at* to the end of the opening that it is in, on one local day."""
        hours, zone, policy = self.times(queue), self.zone(queue), self.policy(queue)
        opening = next(iter(hours.intervals(at, until_at=at + _DAY)), None)
        pieces = pieces_on(day_of(at, zone=zone), hours=hours, zone=zone)
        piece = next((piece for piece in pieces if piece.starts_at <= at < piece.ends_at), None)
        if opening is None or opening.starts_at > at or piece is None:
            return {at: 0}  # The host's hours say something else by now.
        starts = [start for start in starts_in(piece, policy=policy) if start >= at]
        if opening.length >= _DAY:
            return dict.fromkeys(starts, SEATS_MAX)
        counts = _by_time(tx.slots.between(queue, from_at=at, until_at=opening.ends_at))
        found = rooms_before_closing(
            starts,
            counts=counts,
            closes_at=opening.ends_at,
            agents=agents,
            handle_time=self._policies[queue].handle_time,
            kept_ratio=ratio,
        )
        return dict(zip(starts, found, strict=True))

    # ------------------------------------------------------------------ find, take, give back

    def find(self, tx: Transaction, queue: QueueName, wish: SlotWish, *, now: datetime) -> Seat:
        """
        Return a seat that is free now, and must be taken in this transaction.

        Holds that are over, and were not ended yet, are in nobody's way.

        Raises:
            SlotUnavailable: there is none; with others that are.
        """
        try:
            return self._find(tx, queue, wish, now=now)
        except SlotUnavailable:
            over = [one for one in tx.bookings.due(now=now, limit=_HOLDS_ENDED) if is_over(one, now=now)]
            if not over:
                raise
        for booking in over:
            self._end_hold(tx, booking, now=now)
        return self._find(tx, queue, wish, now=now)

    def _find(self, tx: Transaction, queue: QueueName, wish: SlotWish, *, now: datetime) -> Seat:
        if wish.at is not None:
            return self._exact(tx, queue, wish, wish.at, now=now)
        for window in wish.windows:
            free = self.free(tx, queue, priority=wish.priority, now=now, from_at=window.from_at)
            for slot in free:
                if slot.starts_at >= window.until_at:
                    break
                if not self.agent_is_busy(tx, queue, wish, slot.starts_at):
                    return self._seat(queue, wish, slot.starts_at, until_at=window.until_at)
        first = wish.windows[0].from_at
        raise SlotUnavailable(
            SlotProblem.NONE_IN_WINDOW,
            "no slot is free in these windows",
            alternatives=self.alternatives(
                tx, queue, at=max(first, now), priority=wish.priority, wish=wish, now=now
            ),
        )

    def _exact(
        self, tx: Transaction, queue: QueueName, wish: SlotWish, at: datetime, *, now: datetime
    ) -> Seat:
        plan = self._plan(queue, day_of(at, zone=self.zone(queue)))
        problem = problem_with(
            at, starts_that_day=plan.starts, hours=self.times(queue), policy=self.policy(queue), now=now
        )
        if problem in _ABOUT_TIME and wish.again and at > now:
            problem = None if at in plan.starts else SlotProblem.OFF_GRID
        if problem is None:
            rooms = self._rooms(tx, queue, plan)
            if rooms is not None and rooms[plan.starts.index(at)] <= 0:
                problem = SlotProblem.NOT_BEFORE_CLOSING
            elif self.agent_is_busy(tx, queue, wish, at):
                problem = SlotProblem.AGENT_BUSY
        if problem is not None:
            raise self._unavailable(tx, queue, problem, at, wish, now=now)
        return self._seat(queue, wish, at, until_at=None)

    def _seat(self, queue: QueueName, wish: SlotWish, at: datetime, *, until_at: datetime | None) -> Seat:
        return Seat(
            queue=queue,
            slot_at=at,
            length=self.policy(queue).length,
            kind=SeatKind.USUAL,
            wall=wall_of(at, zone=wish.zone),
            window_until_at=until_at,
            agent_id=wish.agent_id,
        )

    def _unavailable(
        self,
        tx: Transaction,
        queue: QueueName,
        problem: SlotProblem,
        at: datetime,
        wish: SlotWish,
        *,
        now: datetime,
    ) -> SlotUnavailable:
        near = min(max(at, now), now + self.policy(queue).horizon)
        return SlotUnavailable(
            problem,
            f"{at.isoformat()} in queue {queue}",
            slot_at=at,
            alternatives=self.alternatives(tx, queue, at=near, priority=wish.priority, wish=wish, now=now),
        )

    def agent_is_busy(self, tx: Transaction, queue: QueueName, wish: SlotWish, at: datetime) -> bool:
        """Return whether the agent of a wish has another booking that overlaps a slot, in any queue."""
        if wish.agent_id is None:
            return False
        length = self.policy(queue).length
        near = tx.bookings.between(
            None,
            from_at=at - LENGTH_MAX,
            until_at=at + length,
            agent_id=wish.agent_id,
            limit=_BOOKINGS_LOOKED_AT,
        )
        return any(
            one.slot_at + one.length > at
            for one in near
            if one.state is not BookingState.ENDED and one.booking_id != wish.instead_of
        )

    def lock_agent(self, tx: Transaction, agent_id: AgentId) -> None:
        """Let nobody else book for this agent meanwhile: two times may overlap though they are not the same."""
        queue = QueueName(f"!agent:{agent_id}")  # No queue has such a name.
        known = tx.slots.locked(queue, _AGENT_ROW_AT)
        row = known or SlotCount(tenant_id=self._tenant_id, queue=queue, slot_at=_AGENT_ROW_AT, version=0)
        tx.save(attrs.evolve(row, version=row.version + 1))

    def take(self, tx: Transaction, seat: Seat, *, priority: int, now: datetime, crowd: bool = False) -> Seat:
        """
        Take the seat, under the lock of its slot; holds that are over give theirs back first, if it is full.

        Args:
            crowd: take one though none is free.

        Raises:
            SlotUnavailable: the last one is gone.
        """
        queue, at, policy = seat.queue, seat.slot_at, self.policy(seat.queue)
        if seat.agent_id is not None:
            self.lock_agent(tx, seat.agent_id)
        (seats,) = self._seats(queue, [at])
        count = tx.slots.locked(queue, at)
        if free_for(count, seats=seats, policy=policy, priority=priority) <= 0:
            self._end_holds(tx, queue, at, now=now)
            count = tx.slots.locked(queue, at)
        if free_for(count, seats=seats, policy=policy, priority=priority) <= 0 and not crowd:
            wish = SlotWish(at=at, zone=seat.wall.zone, agent_id=seat.agent_id, priority=priority)
            raise self._unavailable(tx, queue, SlotProblem.FULL, at, wish, now=now)
        kind = seat_for(priority, count=count, policy=policy)
        after = taken(count, kind=kind, tenant_id=self._tenant_id, queue=queue, slot_at=at)
        tx.save(after)
        if usual_free(after, seats=seats, policy=policy) == 0:
            self._count_day(tx, queue, at)
        return attrs.evolve(seat, kind=kind)

    def _end_holds(self, tx: Transaction, queue: QueueName, at: datetime, *, now: datetime) -> None:
        for booking in tx.bookings.of_slot(queue, at):
            if is_over(booking, now=now):
                self._end_hold(tx, booking, now=now)

    def _end_hold(self, tx: Transaction, booking: Booking, *, now: datetime) -> None:
        write(tx, bookings.end(booking, BookingEnd.HOLD_OVER, now=now))
        give_back(tx, booking)

    def _count_day(self, tx: Transaction, queue: QueueName, at: datetime) -> None:
        """A slot is full now: count how many of its day are."""
        day = day_of(at, zone=self.zone(queue))
        ((_, rows),) = _with_rows(tx, queue, [day])
        plan = self._plan(queue, day, rows=rows)
        count = full_count(plan, counts=self._counts(tx, queue, plan), policy=self.policy(queue))
        known = plan.known or SlotDay(
            tenant_id=self._tenant_id, queue=queue, day=plan.day.isoformat(), version=0
        )
        tx.save(attrs.evolve(known, version=known.version + 1, full_count=count, rules=plan.rules))

    # ------------------------------------------------------------------ what was said

    def read_at(
        self, queue: QueueName, at: object, *, zone: str | None, name: str = "scheduled_at"
    ) -> datetime:
        """
        Return the instant that is meant: aware, or a time on the wall of *zone*, read by the queue's policy.

        Raises:
            InvalidTime: it is no instant, or a wall-clock time that does not exist, or is not clear.
        """
        if isinstance(at, datetime) and at.tzinfo is None and zone is not None:
            policy = self.policy(queue)
            wall, found = read_wall(
                at, zone=zone, fold=at.fold or None, gap=policy.missing_time, overlap=policy.double_time
            )
            del wall
            return found
        return check_instant(at, name)

    def read_windows(
        self, queue: QueueName, windows: Iterable[object], *, zone: str | None
    ) -> tuple[TimeWindow, ...]:
        """Return the windows in UTC, in the order given. Raises: InvalidTime."""
        found: list[TimeWindow] = []
        for window in windows:
            if not isinstance(window, TimeWindow) or len(found) >= _WINDOWS_MAX:
                raise InvalidTime(f"windows; allowed: at most {_WINDOWS_MAX} of TimeWindow")
            from_at = self.read_at(queue, window.from_at, zone=zone, name="from_at")
            until_at = self.read_at(queue, window.until_at, zone=zone, name="until_at")
            if not from_at < until_at <= from_at + _WINDOW_MAX:
                raise InvalidTime("a window ends before it begins, or is too long; allowed: up to 31 days")
            found.append(TimeWindow(from_at=from_at, until_at=until_at))
        return tuple(found)


_AGENT_ROW_AT: Final = datetime(2000, 1, 1, tzinfo=UTC)


def own_windows(windows: object) -> tuple[object, ...]:
    """Copy what shall be windows: a transaction that is tried again reads them again. Raises: InvalidTime."""
    if not isinstance(windows, Iterable):
        raise InvalidTime(f"windows are {type(windows).__name__}; allowed: a list of TimeWindow")
    return tuple(islice(cast("Iterable[object]", windows), _WINDOWS_MAX + 1))


_WINDOWS_MAX: Final = 10
_NEAR_MAX: Final = 8
_DAYS_READ_MAX: Final = 64
_WINDOW_MAX: Final = timedelta(days=31)
_ABOUT_TIME: Final = (SlotProblem.TOO_SOON, SlotProblem.BEYOND_HORIZON)


def is_over(booking: Booking, *, now: datetime) -> bool:
    """Return whether a seat was only held, and not for any longer."""
    return booking.state is BookingState.HELD and booking.due_at is not None and booking.due_at <= now


def _by_time(counts: Iterable[SlotCount]) -> dict[datetime, SlotCount]:
    return {count.slot_at: count for count in counts}


def _with_rows(
    tx: Transaction, queue: QueueName, days: Iterable[date]
) -> Iterator[tuple[date, Mapping[str, SlotDay]]]:
    """Return each day with rows of days, its own among them: one day is read at first, then 2, 4 … at once."""
    rows: Mapping[str, SlotDay] = {}
    last, ahead = date.min, 1
    for day in days:
        if day > last:
            last = day + (ahead - 1) * _DAY
            ahead = min(2 * ahead, _DAYS_READ_MAX)
            found = tx.slots.days(queue, from_day=day.isoformat(), until_day=last.isoformat())
            rows = {row.day: row for row in found}
        yield day, rows


def _count_of(value: object) -> int | None:
    """Return a whole number of any kind, 0 or more; None for anything else."""
    if isinstance(value, bool):
        return None
    try:
        found = operator.index(cast("SupportsIndex", value))
    except TypeError:
        return None
    return found if found >= 0 else None


def _digest(pieces: Sequence[Interval]) -> str:
    text = ",".join(f"{piece.starts_at.isoformat()}/{piece.ends_at.isoformat()}" for piece in pieces)
    return blake2b(text.encode(), digest_size=8).hexdigest()
