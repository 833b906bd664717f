"""The commands of slots: which there are, hold and release one, move a booking, and what is booked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Final

import attrs

from callbackq import asking
from callbackq.booking import book_seat, held_seat, instant_kept, receipt_for, slot_wish
from callbackq.core import bookings, promising
from callbackq.core.bookings import Seat, seat_of
from callbackq.core.instants import check_instant, check_text, optional_text
from callbackq.core.placing import stand_at
from callbackq.daybook import booked_callback
from callbackq.errors import InvalidText, InvalidTime, NotPossibleNow
from callbackq.facts import lanes_for, skills_of
from callbackq.ids import AgentId, BookingId, CallId, QueueName
from callbackq.model import (
    BookedCallback,
    Booking,
    BookingEnd,
    BookingState,
    Callback,
    CallbackState,
    Crowded,
    ExpectedRange,
    Punctuality,
    Receipt,
    Slot,
    SlotHold,
    TimeWindow,
)
from callbackq.ports import Commit, Transaction
from callbackq.seating import SlotWish, own_windows
from callbackq.service.base import ServiceBase
from callbackq.service.promises import read_callback_id
from callbackq.writing import give_back, policy_of, write

LISTED_MAX: Final = 10_000
_PAST: Final = timedelta(days=30)
_COVERAGE_RATIO: Final = 0.9
_YEAR: Final = timedelta(days=366)
_TO_COME_MAX: Final = 1_000_000


class SlotCommands(ServiceBase):
    """The commands of slots."""

    # ------------------------------------------------------------------ which there are

    def slots(
        self,
        queue: str,
        *,
        from_at: datetime | None = None,
        until_at: datetime | None = None,
        priority: int | None = None,
    ) -> list[Slot]:
        """
        Return all slots that begin in a range, in order, full or not, each with what is free.

        Args:
            from_at: now, if not given.
            until_at: not in it; to the horizon of the queue, if not given. At most 366 days after *from_at*.
            priority: of the one who asks, as in `request`: some seats may be kept for the better ones.

        Raises:
            UnknownQueue, InvalidTime, InvalidPriority: it cannot be so.
            NotPossibleNow: the queue has no slots.

        Cost: O(slots), whatever is booked.
        """
        policy = policy_of(self.policies, queue)
        asked = asking.read_priority(priority, policy)
        now = self.now()
        begin = check_instant(from_at, "from_at") if from_at is not None else now
        horizon = self.seating.policy(policy.queue).horizon
        end = check_instant(until_at, "until_at") if until_at is not None else now + horizon
        if end - begin > _YEAR:
            raise InvalidTime("the range is too long; allowed: up to 366 days")

        def read(tx: Transaction, now: datetime) -> list[Slot]:
            return self.seating.slots(tx, policy.queue, from_at=begin, until_at=end, priority=asked, now=now)

        return self._run(Commit.READ_ONLY, read)

    def free_slots(
        self,
        queue: str,
        *,
        limit: int = 4,
        from_at: datetime | None = None,
        windows: Sequence[TimeWindow] = (),
        priority: int | None = None,
    ) -> list[Slot]:
        """
        Return the next slots that can be booked, in order. They are not held.

        Args:
            limit: at most so many. 1 to 10,000.
            from_at: those that begin then or later.
            windows: only those that begin in one of them.

        Raises:
            UnknownQueue, InvalidTime, InvalidText, InvalidPriority: it cannot be so.
            NotPossibleNow: the queue has no slots.

        Cost: O(limit + days that are full). Days without a free seat are passed over.
        """
        policy = policy_of(self.policies, queue)
        asked = asking.read_priority(priority, policy)
        most = _read_limit(limit)
        begin = check_instant(from_at, "from_at") if from_at is not None else None
        spans = self.seating.read_windows(policy.queue, own_windows(windows), zone=None)

        def read(tx: Transaction, now: datetime) -> list[Slot]:
            free = self.seating.free(tx, policy.queue, priority=asked, now=now, from_at=begin)
            suited = (slot for slot in free if not spans or any(span.has(slot.starts_at) for span in spans))
            return list(islice(suited, most))

        return self._run(Commit.READ_ONLY, read)

    # ------------------------------------------------------------------ hold, release, move

    def hold_slot(
        self,
        queue: str,
        *,
        slot_at: datetime | None = None,
        windows: Sequence[TimeWindow] = (),
        zone: str | None = None,
        number: str | None = None,
        call_id: str | None = None,
        owner: str | None = None,
        priority: int | None = None,
    ) -> SlotHold:
        """
        Keep a seat for somebody who decides, for `hold_time`; book it with `request(booking_id=…)`.

        Args:
            slot_at: the slot's start; aware, or a time on the wall of *zone*.
            windows: or any slot within these, the first window first.
            zone: the customer's. Where it is not given the *number* may tell.
            owner: the agent in whose own calendar it shall stand: not beside another booking of theirs.

        Returns:
            The hold. It ends by itself; release it if the customer does not want it.

        Raises:
            SlotUnavailable: it cannot be had; with others that can.
            UnknownQueue, InvalidTime, InvalidText, InvalidNumber, InvalidPriority, NotPossibleNow: nothing was stored.
        """
        policy = policy_of(self.policies, queue)
        asked = asking.read_priority(priority, policy)
        target = asking.read_target(number, policy)
        live = CallId(check_text(call_id, "call_id")) if call_id is not None else None
        agent_id = AgentId(check_text(owner, "owner")) if owner is not None else None
        slots, spans = self.seating.policy(policy.queue), own_windows(windows)

        def held(tx: Transaction, now: datetime) -> SlotHold:
            wish = slot_wish(
                policy.queue,
                at=slot_at,
                windows=spans,
                zone=zone,
                number=target.e164 if target is not None else None,
                agent_id=agent_id,
                priority=asked,
                seating=self.seating,
            )
            seat = self.seating.find(tx, policy.queue, wish, now=now)
            seat = self.seating.take(tx, seat, priority=asked, now=now)
            booking_id = BookingId(self.ids.new("bk", now=now))
            decision = bookings.hold(
                seat, tenant_id=self.tenant_id, booking_id=booking_id, call_id=live, policy=slots, now=now
            )
            write(tx, decision)
            return SlotHold(
                booking_id=booking_id,
                queue=policy.queue,
                slot_at=seat.slot_at,
                ends_at=seat.slot_at + seat.length,
                expires_at=now + slots.hold_time,
            )

        return self._run(Commit.RELAXED, held)

    def release_slot(self, booking_id: str) -> None:
        """
        Give back a seat that is held. Releasing twice, or after the hold is over, changes nothing.

        Raises:
            BookingNotFound: there is no such hold.
            NotPossibleNow: it is booked: cancel the callback.
        """
        key = BookingId(check_text(booking_id, "booking_id"))

        def released(tx: Transaction, now: datetime) -> None:
            booking = tx.bookings.get(key)
            if booking.state is BookingState.ENDED:
                return
            if booking.state is BookingState.BOOKED:
                raise NotPossibleNow("release", str(booking.state), str(BookingState.HELD))
            write(tx, bookings.end(booking, BookingEnd.RELEASED, now=now))
            give_back(tx, booking)

        self._run(Commit.RELAXED, released)

    def reschedule(
        self,
        callback_id: str,
        *,
        scheduled_at: datetime | None = None,
        windows: Sequence[TimeWindow] = (),
        booking_id: str | None = None,
        zone: str | None = None,
        by: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """
        Give a promise another time: the new seat is taken and the old one given back at once, or nothing changes.

        One that waits in line, rests or is held can be given a time as well; it leaves the line until then. Its
        attempts are counted anew. Durable on return.

        Args:
            scheduled_at, windows, booking_id, zone: as in `request`. If no zone is given it stays the same; a hold
                has its own.
            by: who asked for it; kept in history with *reason*.

        Raises:
            CallbackNotFound, BookingNotFound, InvalidTime, InvalidText: nothing was changed.
            SlotUnavailable: the slot cannot be had; with others that can. The old time stands.
            NotPossibleNow: it is being attempted or has ended, or its queue has no slots.
        """
        key = read_callback_id(callback_id)
        held_id = BookingId(check_text(booking_id, "booking_id")) if booking_id is not None else None
        who = optional_text(by, "by")
        why, spans = optional_text(reason, "reason"), own_windows(windows)
        if held_id is not None and (scheduled_at is not None or spans):
            raise InvalidTime("a slot needs booking_id, or scheduled_at, or windows, and only one of them")

        def moved(tx: Transaction, now: datetime) -> Receipt:
            callback = tx.callbacks.get(key)
            queue = policy_of(self.policies, callback.queue).queue
            self.seating.policy(queue)
            if held_id is not None:
                seat = held_seat(tx, held_id, queue=queue, zone=zone, now=now)
            else:
                seat = self._seat_instead(tx, callback, at=scheduled_at, windows=spans, zone=zone, now=now)
            self._move_to(tx, callback, seat, held_id=held_id, by=who, reason=why, now=now)
            return self._receipt(tx, tx.callbacks.get(key))

        return self._run(Commit.FLUSHED, moved)

    def _seat_instead(
        self,
        tx: Transaction,
        callback: Callback,
        *,
        at: datetime | None,
        windows: Sequence[object] = (),
        zone: str | None = None,
        now: datetime,
    ) -> Seat:
        """Return a seat for another time of a callback. Raises: SlotUnavailable, InvalidTime, InvalidText."""
        old = tx.bookings.of_callback(callback.callback_id)
        wish = slot_wish(
            callback.queue,
            at=at,
            windows=windows,
            zone=zone if zone is not None or old is None else old.zone,
            number=tx.subjects.get(callback.subject_id).number,
            agent_id=callback.owner_id,
            priority=callback.priority,
            seating=self.seating,
        )
        wish = attrs.evolve(wish, instead_of=old.booking_id if old is not None else None)
        return self.seating.find(tx, callback.queue, wish, now=now)

    def _move_to(
        self,
        tx: Transaction,
        callback: Callback,
        seat: Seat,
        *,
        held_id: BookingId | None,
        by: str | None,
        reason: str | None,
        now: datetime,
    ) -> None:
        """Take the new seat, give back the old one if there is one, and schedule the callback again."""
        old = tx.bookings.of_callback(callback.callback_id)
        if old is None or old.state is not BookingState.BOOKED:
            booking_id = held_id or BookingId(self.ids.new("bk", now=now))
            after = self._schedule(tx, callback, seat, booking_id, by=by, reason=reason, now=now)
            book_seat(tx, seat, callback=after, booking_id=booking_id, seating=self.seating, now=now)
            return
        if seat.agent_id is not None and held_id is None:
            self.seating.lock_agent(tx, seat.agent_id)  # Before the slots, as everywhere.
        slots = {(old.queue, old.slot_at), (seat.queue, seat.slot_at)}
        for queue, at in sorted(slots):  # In one order everywhere, so that no two wait for each other.
            tx.slots.locked(queue, at)
        stays = held_id is None and len(slots) == 1
        if stays:
            seat = attrs.evolve(seat, kind=old.seat)
        elif held_id is None:
            seat = self.seating.take(tx, seat, priority=callback.priority, now=now)
        else:
            # The seat of the hold passes on: it is not given back.
            write(tx, bookings.end(tx.bookings.get(held_id), BookingEnd.USED, now=now))
        self._reseat(tx, callback, old, seat, stays=stays, by=by, reason=reason, now=now)

    def _reseat(
        self,
        tx: Transaction,
        callback: Callback,
        old: Booking,
        seat: Seat,
        *,
        stays: bool = False,
        by: str | None = None,
        reason: str | None = None,
        now: datetime,
    ) -> None:
        """Move a booking to a seat that was taken for it, and give back the one that it had, unless it stays."""
        after = self._schedule(tx, callback, seat, old.booking_id, by=by, reason=reason, now=now)
        if not stays:
            give_back(tx, old)
        policy = self.seating.policy(seat.queue)
        moved = bookings.move(
            old, seat, expires_at=after.expires_at, policy=policy, by=by, reason=reason, now=now
        )
        write(tx, moved)

    def _schedule(
        self,
        tx: Transaction,
        callback: Callback,
        seat: Seat,
        booking_id: BookingId,
        *,
        by: str | None,
        reason: str | None,
        now: datetime,
    ) -> Callback:
        policy = self.policies[callback.queue]
        lanes = lanes_for(tx, skills_of(tx, callback), None, queue=callback.queue)
        stand = stand_at(
            seat.slot_at, priority=callback.priority, lanes=lanes, policy=policy, now=now, booked=True
        )
        decision = promising.reschedule(
            callback,
            scheduled_at=seat.slot_at,
            booking_id=booking_id,
            stand=stand,
            policy=policy,
            by=by,
            reason=reason,
            now=now,
        )
        write(tx, decision)
        return tx.callbacks.get(callback.callback_id)

    def _receipt(self, tx: Transaction, callback: Callback) -> Receipt:
        return receipt_for(tx, callback, tx.subjects.get(callback.subject_id))

    # ------------------------------------------------------------------ what is booked

    def booked(
        self,
        queue: str | None = None,
        *,
        agent: str | None = None,
        from_at: datetime | None = None,
        until_at: datetime | None = None,
        limit: int = 1_000,
    ) -> list[BookedCallback]:
        """
        Return what is booked for a queue, or in an agent's own calendar, in order: the view of a day.

        Args:
            queue: of this queue; of all if None, and then an agent must be given.
            agent: only what stands in this agent's calendar.
            from_at, until_at: 24 hours from now, if not given.
            limit: at most so many. 1 to 10,000.

        Raises:
            UnknownQueue, InvalidText, InvalidTime: it cannot be so.

        Cost: O(limit + log n).
        """
        if queue is None and agent is None:
            raise InvalidText("neither queue nor agent is given; allowed: one of them, or both")
        most = _read_limit(limit)
        name = policy_of(self.policies, queue).queue if queue is not None else None
        agent_id = AgentId(check_text(agent, "agent")) if agent is not None else None
        now = self.now()
        begin = check_instant(from_at, "from_at") if from_at is not None else now
        end = check_instant(until_at, "until_at") if until_at is not None else begin + timedelta(days=1)

        def read(tx: Transaction, now: datetime) -> list[BookedCallback]:
            found = tx.bookings.between(name, from_at=begin, until_at=end, agent_id=agent_id, limit=most)
            return [self._shown(tx, one, now=now) for one in found if one.callback_id is not None]

        return self._run(Commit.READ_ONLY, read)

    def booking(self, callback_id: str) -> BookedCallback | None:
        """
        Return what is booked for a callback, also if it was called off; None if it never had a booking.

        Raises:
            CallbackNotFound: there is no such callback.
        """
        key = read_callback_id(callback_id)

        def read(tx: Transaction, now: datetime) -> BookedCallback | None:
            tx.callbacks.get(key)
            found = tx.bookings.of_callback(key)
            return self._shown(tx, found, now=now) if found is not None else None

        return self._run(Commit.READ_ONLY, read)

    def _shown(self, tx: Transaction, booking: Booking, *, now: datetime) -> BookedCallback:
        zone = self.seating.zone(booking.queue) if booking.queue in self.policies else "UTC"
        return booked_callback(tx, booking, zone=zone, now=now)

    def crowded_slots(
        self, queue: str, *, from_at: datetime | None = None, until_at: datetime | None = None
    ) -> list[Crowded]:
        """
        Return the slots in which more is booked than there are seats by now: an agent is ill, a setting has changed.

        Nothing is cancelled for it. The bookings that were made last are named, with other slots to offer them.

        Raises:
            UnknownQueue, InvalidTime, NotPossibleNow: as `slots`.

        Cost: O(slots + bookings of the crowded ones).
        """
        slots = self.slots(queue, from_at=from_at, until_at=until_at)
        crowded = [slot for slot in slots if slot.taken_count > slot.seats_count]
        name = policy_of(self.policies, queue).queue

        def read(tx: Transaction, now: datetime) -> list[Crowded]:
            return [self._crowded(tx, name, slot, now=now) for slot in crowded]

        return self._run(Commit.READ_ONLY, read)

    def _crowded(self, tx: Transaction, queue: QueueName, slot: Slot, *, now: datetime) -> Crowded:
        booked = [one for one in tx.bookings.of_slot(queue, slot.starts_at) if one.callback_id is not None]
        over = sorted(booked, key=lambda one: (one.booked_at or one.held_at, one.booking_id))[
            slot.seats_count :
        ]
        priority = self.policies[queue].priority_default
        others = self.seating.alternatives(tx, queue, at=slot.starts_at, priority=priority, now=now)
        return Crowded(
            slot=slot,
            over=tuple(self._shown(tx, one, now=now) for one in over),
            alternatives=others,
        )

    def punctuality(self, queue: str, *, from_at: datetime, until_at: datetime) -> Punctuality:
        """
        Return how well booked times were kept: bookings whose slot began in a range.

        Raises:
            UnknownQueue, InvalidTime: it cannot be so.
            NotPossibleNow: the queue has no slots.

        Cost: O(bookings of the range), at most 10,000.
        """
        policy = policy_of(self.policies, queue)
        slots = self.seating.policy(policy.queue)
        begin, end = check_instant(from_at, "from_at"), check_instant(until_at, "until_at")

        def read(tx: Transaction, now: datetime) -> Punctuality:
            begun = _turns(tx, policy.queue, from_at=begin, until_at=end)
            return bookings.punctuality(begun, policy=slots, now=now)

        return self._run(Commit.READ_ONLY, read)

    def expected_between(self, callback_id: str) -> ExpectedRange | None:
        """
        Return between when a booked callback is expected to be begun: "between 2:10 and 2:25".

        Calibrated on the bookings of its queue that were begun in the last 30 days: the next one is begun within it
        with a probability of 90 %. Those that were never begun are left out: `punctuality` counts them.

        Returns:
            The range; None where it has no booking, or fewer than 19 are known.

        Raises:
            CallbackNotFound: there is no such callback.

        Cost: O(bookings of 30 days), at most 10,000.
        """
        key = read_callback_id(callback_id)

        def read(tx: Transaction, now: datetime) -> ExpectedRange | None:
            tx.callbacks.get(key)
            booking = tx.bookings.of_callback(key)
            if booking is None:
                return None
            delays = [
                (turn_at - one.slot_at).total_seconds()
                for one, turn_at in _turns(tx, booking.queue, from_at=now - _PAST, until_at=now)
                if turn_at is not None and one.window_until_at is None
            ]
            found = bookings.delay_range(delays, coverage_ratio=_COVERAGE_RATIO)
            if found is None:
                return None
            return ExpectedRange(
                from_at=booking.slot_at + timedelta(seconds=found[0]),
                until_at=booking.slot_at + timedelta(seconds=found[1]),
                coverage_ratio=_COVERAGE_RATIO,
                sample_count=len(delays),
            )

        return self._run(Commit.READ_ONLY, read)

    # ------------------------------------------------------------------ zones that change

    def keep_wall_clock(self) -> int:
        """
        Move the bookings whose zone has got other rules, so that their wall-clock times stay; return how many.

        A dispatcher does it when it first steps: zone data comes with a new process. Each is moved in a transaction
        of its own. Where the slot of the kept time has no seat left, the seat is taken all the same, and the slot
        shows as crowded. Where the agent whose calendar it stands in has another booking then, any agent may call.

        Cost: O(bookings to come).
        """
        earlier: list[BookingId] = []
        later: list[BookingId] = []
        for booking in self._to_come():
            at = instant_kept(booking)
            if at != booking.slot_at:
                (earlier if at < booking.slot_at else later).append(booking.booking_id)
        # So that none moves to where another one of its agent's is about to leave.
        in_order = (*earlier, *reversed(later))
        return sum(self._run(Commit.FLUSHED, partial(self._keep_wall, key)) for key in in_order)

    def _to_come(self) -> list[Booking]:
        now = self.now()

        def read(tx: Transaction, _now: datetime) -> list[Booking]:
            return [
                one
                for queue, policy in self.policies.items()
                if policy.slots is not None
                for one in tx.bookings.between(
                    queue, from_at=now, until_at=now + 2 * _YEAR, limit=_TO_COME_MAX
                )
                if one.state is BookingState.BOOKED
            ]

        return self._run(Commit.READ_ONLY, read)

    def _keep_wall(self, key: BookingId, tx: Transaction, now: datetime) -> int:
        booking = tx.bookings.get(key)
        at = instant_kept(booking)
        if booking.state is not BookingState.BOOKED or booking.callback_id is None or at <= now:
            return 0
        callback = tx.callbacks.get(booking.callback_id)
        movable = callback.state is CallbackState.SCHEDULED and callback.booking_id == key
        if not movable or at == booking.slot_at or booking.queue not in self.policies:
            return 0
        seat = attrs.evolve(seat_of(booking), slot_at=at)
        wish = SlotWish(
            at=at, zone=booking.zone, agent_id=seat.agent_id, priority=callback.priority, instead_of=key
        )
        if self.seating.agent_is_busy(tx, booking.queue, wish, at):
            seat = attrs.evolve(seat, agent_id=None)
        seat = self.seating.take(tx, seat, priority=callback.priority, now=now, crowd=True)
        self._reseat(tx, callback, booking, seat, reason="zone_rules", now=now)
        return 1


def _read_limit(limit: object) -> int:
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= LISTED_MAX:
        raise InvalidText(f"limit is no whole number; allowed: 1 to {LISTED_MAX:,}")
    return limit


def _turns(
    tx: Transaction, queue: QueueName, *, from_at: datetime, until_at: datetime
) -> list[tuple[Booking, datetime | None]]:
    """Return the bookings of a range, each with when its customer's turn came; None where it has not."""
    found = tx.bookings.between(queue, from_at=from_at, until_at=until_at, limit=LISTED_MAX)
    return [(one, tx.callbacks.get(one.callback_id).turn_at) for one in found if one.callback_id is not None]
