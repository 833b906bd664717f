"""How booked times are kept: reminders, joining the line in time, being late, and the next callback of a series."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.asking import Desk
from callbackq.booking import book_seat, other_times
from callbackq.core import bookings, promising
from callbackq.core.bookings import FeedFacts, Seat, feed_at, wall_of_booking
from callbackq.core.notices import one_notice
from callbackq.core.placing import stand_at
from callbackq.core.promising import Asked
from callbackq.core.series import next_wall
from callbackq.core.slots import day_of
from callbackq.core.zones import instant_of, wall_of
from callbackq.daybook import booked_callback
from callbackq.effects import Effect, Notice
from callbackq.errors import InvalidText, InvalidTime, SlotUnavailable
from callbackq.facts import agents_able_count, lanes_for, open_lane, skills_of
from callbackq.gauge import UNKNOWN
from callbackq.ids import AgentId, BookingId, CallbackId, PlaceId, QueueName
from callbackq.model import (
    AgentState,
    Booking,
    Callback,
    CallbackState,
    DueReason,
    NoticeKind,
    WallTime,
)
from callbackq.policy import Duplicates, QueuePolicy, SlotPolicy
from callbackq.ports import Transaction
from callbackq.seating import SlotWish
from callbackq.writing import end_booking, policy_or_default, write

_DEFAULT: Final = SlotPolicy(seats=None)
_SKIPPED_MAX: Final = 10
"""So many times of a series in a row may be full before it ends."""


@attrs.frozen(kw_only=True)
class Keeper:
    """Keeps the booked times of one service, in one transaction."""

    tx: Transaction
    desk: Desk
    policies: Mapping[QueueName, QueuePolicy]
    now: datetime

    # ------------------------------------------------------------------ what is due

    def booking_due(self, booking: Booking) -> tuple[Effect, ...]:
        """Do what time alone does to a booking; return the notices."""
        callback = self.tx.callbacks.get(booking.callback_id) if booking.callback_id is not None else None
        over = callback is not None and callback.state is CallbackState.ENDED
        if callback is not None and over and booking.repeats is not None:
            return self._go_on(booking, booking.repeats, callback)
        policy = policy_or_default(self.policies, booking.queue).slots or _DEFAULT
        decision, kinds = bookings.due(
            booking,
            callback=callback,
            owner_is_there=self._owner_is_there(booking, callback),
            policy=policy,
            now=self.now,
        )
        (after,) = decision.records
        assert isinstance(after, Booking)
        if after.ended_as is not None:
            end_booking(self.tx, booking, after.ended_as, now=self.now)
            return ()
        write(self.tx, decision)
        assert callback is not None
        return tuple(self._notice(kind, after, callback) for kind in kinds)

    def _owner_is_there(self, booking: Booking, callback: Callback | None) -> bool | None:
        """Whether the agent who shall call is signed in; None if it may be anybody, or nobody else is there yet."""
        wanted = booking.agent_id or (callback.preferred_agent_id if callback is not None else None)
        if wanted is None:
            return None
        agent = self.tx.agents.find(AgentId(wanted))
        if agent is not None and agent.state is not AgentState.SIGNED_OUT and not agent.leaving:
            return True
        others = agents_able_count(self.tx, booking.queue, skills_of(self.tx, callback) if callback else ())
        return False if others > 0 else None

    def _notice(self, kind: NoticeKind, booking: Booking, callback: Callback) -> Notice:
        subject = self.tx.subjects.get(callback.subject_id)
        others: tuple[datetime, ...] = ()
        if kind in (NoticeKind.LATE, NoticeKind.OTHER_TIME):
            others = other_times(self.tx, callback, seating=self.desk.seating, now=self.now)
        return attrs.evolve(
            one_notice(kind, callback, subject),
            notice_id=f"{booking.booking_id}.{booking.version}.{kind}",
            owner_id=booking.agent_id or callback.owner_id,
            booking=booked_callback(self.tx, booking, zone=self._zone(booking.queue), now=self.now),
            alternatives=others,
        )

    def _zone(self, queue: QueueName) -> str:
        return self.desk.seating.zone(queue) if queue in self.policies else "UTC"

    # ------------------------------------------------------------------ the line

    def joins_at(self, callback: Callback, *, policy: QueuePolicy) -> datetime:
        """
        Return when a booking must join the line, to be begun at its time.

        A time that has come means now.
        """
        assert callback.scheduled_at is not None
        gauge, lane = self.desk.gauge, open_lane(self.tx, callback)
        rates = gauge.rates(self.tx, policy=policy, priority=callback.priority, now=self.now)
        facts = FeedFacts(
            agents_free=gauge.agents_free(self.tx, callback.queue, lane=lane, now=self.now),
            agents=agents_able_count(self.tx, callback.queue, skills_of(self.tx, callback)),
            reconnect=timedelta(seconds=rates.reconnect_s or 0.0),
            handle_time=policy.handle_time,
        )
        return feed_at(callback.scheduled_at, facts=facts, policy=policy.slots or _DEFAULT)

    def other_time(self, callback: Callback) -> tuple[Effect, ...]:
        """
        Offer another time to a customer who waits long, or could not be reached in time; none without slots.

        Args:
            callback: as it was when it was due.
        """
        waits = callback.due_reason in (DueReason.WAITED_LONG, DueReason.WINDOW_OVER)
        others = other_times(self.tx, callback, seating=self.desk.seating, now=self.now) if waits else ()
        if not others:
            return ()
        now_is = self.tx.callbacks.get(callback.callback_id)
        subject = self.tx.subjects.get(callback.subject_id)
        return (attrs.evolve(one_notice(NoticeKind.OTHER_TIME, now_is, subject), alternatives=others),)

    # ------------------------------------------------------------------ series

    def _go_on(self, booking: Booking, repeats: str, callback: Callback) -> tuple[Effect, ...]:
        """Book the next callback of a series, and end the booking of the one that is over."""
        ended_at = callback.ended_at or self.now
        end_booking(
            self.tx, booking, bookings.end_of(booking, now=ended_at, turn_at=callback.turn_at), now=self.now
        )
        ended = self.tx.bookings.get(booking.booking_id)
        not_repeated = self._notice(NoticeKind.NOT_REPEATED, ended, callback)
        try:
            now_wall = wall_of(self.now, zone=booking.zone).wall_at
        except InvalidText:  # A node with other zone data booked it: it cannot be read here.
            return (not_repeated,)
        if self._slots(booking.queue) is None:
            return (not_repeated,)
        missed = self._passed(repeats, after=wall_of_booking(booking).wall_at, until=now_wall)
        after = max(wall_of_booking(booking).wall_at, now_wall)
        for _ in range(_SKIPPED_MAX):
            wall_at = next_wall(repeats, after=after)
            if wall_at is None:
                break
            wall = WallTime(wall_at=wall_at, zone=booking.zone)
            seat = self._seat_for(booking, wall, priority=callback.priority)
            if seat is not None:
                self._repeat(booking, callback, seat)
                break
            missed.append(wall_at)
            after = wall_at
        return tuple(
            attrs.evolve(not_repeated, notice_id=f"{not_repeated.notice_id}.{wall_at:%Y%m%dT%H%M}")
            for wall_at in missed
        )

    def _passed(self, repeats: str, *, after: datetime, until: datetime) -> list[datetime]:
        """Return the times of a series that have passed while its callback was still open; at most ten."""
        found: list[datetime] = []
        while len(found) < _SKIPPED_MAX:
            wall_at = next_wall(repeats, after=found[-1] if found else after)
            if wall_at is None or wall_at > until:
                break
            found.append(wall_at)
        return found

    def _slots(self, queue: QueueName) -> SlotPolicy | None:
        return self.policies[queue].slots if queue in self.policies else None

    def _seat_for(self, booking: Booking, wall: WallTime, *, priority: int) -> Seat | None:
        """Take a seat at that time, or else near it on the same day; None if there is none."""
        seating, queue = self.desk.seating, booking.queue
        at = instant_of(wall)
        wish = SlotWish(at=at, zone=booking.zone, agent_id=booking.agent_id, priority=priority, again=True)
        seat = self._taken(queue, wish)
        if seat is not None:
            return attrs.evolve(seat, wall=wall)
        zone = seating.zone(queue)
        near = seating.near(self.tx, queue, at=at, priority=priority, now=self.now)
        same_day = (other for other in near if day_of(other, zone=zone) == day_of(at, zone=zone))
        found = (self._taken(queue, attrs.evolve(wish, at=other)) for other in same_day)
        return next((seat for seat in found if seat is not None), None)

    def _taken(self, queue: QueueName, wish: SlotWish) -> Seat | None:
        """Take the seat that is wanted; None if it cannot be had."""
        seating = self.desk.seating
        try:
            seat = seating.find(self.tx, queue, wish, now=self.now)
            return seating.take(self.tx, seat, priority=wish.priority, now=self.now)
        except (SlotUnavailable, InvalidTime):
            return None

    def _repeat(self, booking: Booking, before: Callback, seat: Seat) -> None:
        """Promise the next callback of a series, as the one before was promised."""
        policy = self.policies[booking.queue]
        callback_id = CallbackId(self.desk.ids.new("cb", now=self.now))
        booking_id = BookingId(self.desk.ids.new("bk", now=self.now))
        lanes = lanes_for(self.tx, skills_of(self.tx, before), None, queue=booking.queue)
        stand = stand_at(
            seat.slot_at, priority=before.priority, lanes=lanes, policy=policy, now=self.now, booked=True
        )
        asked = Asked(
            tenant_id=before.tenant_id,
            callback_id=callback_id,
            subject_id=before.subject_id,
            channel=before.channel,
            request_key=None,
            stand=stand,
            place_id=PlaceId(callback_id),
            entered_at=self.now,
            scheduled_at=seat.slot_at,
            booking_id=booking_id,
            preferred_agent_id=before.preferred_agent_id,
            owner_id=before.owner_id,
            ticket_id=before.ticket_id,
            caller_id=before.caller_id,
            media=before.media,
            purpose=before.purpose,
            consent_at=before.consent_at,
            consent_ref=before.consent_ref,
            position=None,
            wait=UNKNOWN,
        )
        # The person may have asked for another callback meanwhile: the series goes on beside it.
        free = attrs.evolve(policy, duplicates=Duplicates.ALLOW)
        write(self.tx, promising.request(asked, policy=free, now=self.now))
        subject = self.tx.subjects.get(before.subject_id)
        fields = subject.contexts.get(before.callback_id)
        if fields:
            contexts = {**subject.contexts, callback_id: fields}
            self.tx.save(attrs.evolve(subject, version=subject.version + 1, contexts=contexts))
        book_seat(
            self.tx,
            seat,
            is_taken=True,
            callback=self.tx.callbacks.get(callback_id),
            booking_id=booking_id,
            repeats=booking.repeats,
            series_id=booking.series_id or booking.booking_id,
            seating=self.desk.seating,
            now=self.now,
        )
