"""How decisions are written down: records and their history, together, in the transaction they were taken in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeGuard

import attrs

from callbackq.core import agents, attempt, bookings, calls, lifecycle
from callbackq.core.consequences import After, corrected, follow
from callbackq.core.decision import Decision
from callbackq.core.legs import Context, first_leg_id, number_at, numbers_of
from callbackq.core.numbers import number_key
from callbackq.core.placing import opened
from callbackq.core.retry import Failures
from callbackq.core.seats import given_back
from callbackq.core.slots import may_be_of
from callbackq.effects import Effect
from callbackq.errors import UnknownQueue
from callbackq.events import (
    CallbackEnded,
    CallbackRenumbered,
    CallbackReopened,
    CallbackRested,
    CallOpened,
)
from callbackq.facts import (
    all_declined,
    lanes_for,
    no_shows_count,
    open_lane,
    past_attempts,
    past_callbacks,
    skills_of,
)
from callbackq.ids import AttemptId, BookingId, CallbackId, LegId, QueueName
from callbackq.model import (
    Attempt,
    AttemptState,
    Booking,
    BookingEnd,
    BookingState,
    Callback,
    CallbackState,
    CallState,
    Disposition,
    DueReason,
    LegState,
    LiveCall,
    Mode,
    NoticeKind,
    Outcome,
    Place,
    Subject,
)
from callbackq.policy import AGENT_PRESENCE_MAX, AllDeclined, QueuePolicy
from callbackq.ports import CanSaveAll, CanWorkAhead, Transaction


def write(tx: Transaction, decision: Decision) -> None:
    """Save every record of a decision and append its events."""
    _save(tx, decision)
    for record in decision.records:
        if isinstance(record, Callback) and record.booking_id is not None and record.ended_at is not None:
            _close_booking(tx, record, record.booking_id, now=decision.events[-1].at)


def _save(tx: Transaction, decision: Decision) -> None:
    """Save a decision: at once, where the store can."""
    if _can_save_all(tx):
        tx.save_all(decision.records, decision.events)
        return
    for record in decision.records:
        tx.save(record)
    if decision.events:
        tx.history.append(decision.events)


def _can_save_all(tx: Transaction) -> TypeGuard[CanSaveAll]:
    kind = type(tx)
    if kind not in _CAN_SAVE_ALL:
        _CAN_SAVE_ALL[kind] = isinstance(tx, CanSaveAll)  # Once for each kind: it takes its time.
    return _CAN_SAVE_ALL[kind]


_CAN_SAVE_ALL: Final[dict[type[Transaction], bool]] = {}


def work_ahead(tx: Transaction, legs: Collection[LegId] = ()) -> None:
    """Let several decisions of one transaction be read for, and written, in few journeys, where the store can."""
    if isinstance(tx, CanWorkAhead):
        tx.work_ahead([one for leg_id in legs for one in (leg_id, first_leg_id(leg_id)) if one is not None])


def _close_booking(tx: Transaction, callback: Callback, booking_id: BookingId, *, now: datetime) -> None:
    """End the booking of a callback that is over, or let its series go on; before its time the seat is free again."""
    booking = tx.bookings.get(booking_id)
    if booking.state is not BookingState.BOOKED or booking.callback_id != callback.callback_id:
        return
    if booking.repeats is not None and callback.outcome is not Outcome.CANCELLED:
        write(tx, bookings.wake(booking, now=now))
    else:
        end_booking(tx, booking, bookings.end_of(booking, now=now, turn_at=callback.turn_at), now=now)


def end_booking(tx: Transaction, booking: Booking, how: BookingEnd, *, now: datetime) -> None:
    """End a booking. One that was not used gives its seat back."""
    write(tx, bookings.end(booking, how, now=now))
    if how is not BookingEnd.USED:
        give_back(tx, booking)


def give_back(tx: Transaction, booking: Booking) -> None:
    """Give back the seat that a booking has, or had. Its day may be full no more: that is counted anew."""
    count = tx.slots.locked(booking.queue, booking.slot_at)
    assert count is not None
    tx.save(given_back(count, kind=booking.seat))
    first, last = (booking.slot_at + shift for shift in _DATES)
    for day in tx.slots.days(
        booking.queue, from_day=first.date().isoformat(), until_day=last.date().isoformat()
    ):
        if may_be_of(day, booking.slot_at):
            # Also one that says nothing: whoever counts it now does not see this seat, and must not be the last word.
            zone = day.rules.partition(" ")[0]
            tx.save(attrs.evolve(day, version=day.version + 1, rules=f"{zone} " if zone else ""))


_DATES: Final = (timedelta(hours=-12), timedelta(hours=14))
"""So far from UTC clocks are, at most: the date of a slot in its queue's zone is one of these or between them."""


def policy_of(policies: Mapping[QueueName, QueuePolicy], queue: object) -> QueuePolicy:
    """Return the policy of a queue. Raises: UnknownQueue."""
    policy = policies.get(QueueName(queue)) if isinstance(queue, str) else None
    if policy is None:
        shown = repr(queue[:64]) if isinstance(queue, str) else type(queue).__name__
        known = ", ".join(sorted(policies)) or "none"
        raise UnknownQueue(f"queue {shown} is not configured; known: {known}")
    return policy


def policy_or_default(policies: Mapping[QueueName, QueuePolicy], queue: QueueName) -> QueuePolicy:
    """Return the policy of a queue, or the defaults: what was begun is wound up though the queue is gone."""
    return policies.get(queue) or QueuePolicy(queue=queue)


def attempt_context(
    tx: Transaction,
    of: Attempt,
    *,
    policies: Mapping[QueueName, QueuePolicy],
    pepper: bytes = b"",
    now: datetime,
) -> Context:
    """Read what the rules of an attempt look at. The past is read only where an agent may be rung next."""
    callback = tx.callbacks.get(of.callback_id)
    context = Context(
        callback=callback,
        subject=tx.subjects.get(of.subject_id),
        policy=policy_or_default(policies, of.queue),
        now=now,
        pepper=pepper,
    )
    rings_next = of.mode is Mode.CUSTOMER_FIRST and of.agent_leg is LegState.NONE and of.announces is None
    return with_past(tx, context) if rings_next else context


def attempt_of_leg(tx: Transaction, leg_id: LegId) -> Attempt | None:
    """Return the attempt that has, or had, this leg: of the customer, or of any of its agents."""
    found = tx.attempts.by_leg(leg_id)
    if found is not None:
        return found
    first = first_leg_id(leg_id)
    return tx.attempts.by_leg(first) if first is not None else None


def with_past(tx: Transaction, context: Context) -> Context:
    """Add what an agent is shown of the customer's past."""
    callback = context.callback
    return attrs.evolve(context, past=past_callbacks(tx, callback), attempts=past_attempts(tx, callback))


def move_attempt(
    tx: Transaction, before: Attempt, decision: Decision, context: Context, *, by: str | None = None
) -> tuple[Effect, ...]:
    """Write a decision about an attempt, and what follows from it for callback and agent; return the effects."""
    after = next((record for record in decision.records if isinstance(record, Attempt)), before)
    if may_have_failed(after):
        # The rules for failed attempts look at the history, which is to have this one.
        write(tx, decision)
        consequence = follow(_after(tx, before, after, context, by=by), context)
        write(tx, consequence)
    else:
        consequence = follow(_after(tx, before, after, context, by=by), context)
        write(tx, decision + consequence)
    if after.state is not before.state:
        _mark_subject(tx, after, consequence, context)
        _open_if_declined(tx, after, context)
    return decision.effects + consequence.effects


def may_have_failed(attempt: Attempt) -> bool:
    """Whether an attempt is over, and was no conversation."""
    return attempt.state is AttemptState.ENDED and attempt.disposition is not Disposition.CONNECTED


def correct_attempt(tx: Transaction, ended: Attempt, context: Context, *, by: str) -> tuple[Effect, ...]:
    """Write what follows from a person's word about an attempt that is over."""
    consequence = corrected(_after(tx, ended, ended, context, by=by), context)
    write(tx, consequence)
    _mark_subject(tx, ended, consequence, context)
    return consequence.effects


def _after(tx: Transaction, before: Attempt, after: Attempt, context: Context, *, by: str | None) -> After:
    agent_id = before.agent_id or after.agent_id
    moved = After(
        before=before,
        after=after,
        agent=tx.agents.get(agent_id) if agent_id else None,
        by=by,
    )
    if not may_have_failed(after):
        return moved
    callback = context.callback
    if callback.called_in_id is not None and after.disposition is Disposition.CANCELLED_BY_US:
        # The phone rang while its owner was calling us: that is no failure, and the place is kept.
        moved = attrs.evolve(moved, after=attrs.evolve(after, customer_rang=False))
    held_by = None
    if callback.state is CallbackState.ENDED and callback.dedup_key is not None:
        held_by = tx.callbacks.active_by_dedup_key(callback.dedup_key)
    return attrs.evolve(
        moved,
        failures=failures_of(tx, after, context),
        no_shows_count=no_shows_count(
            tx, callback, disposition=after.disposition, policy=context.policy, now=context.now
        ),
        dedup_held_by=held_by,
    )


def failures_of(tx: Transaction, ended: Attempt, context: Context) -> Failures:
    """Read what the rules for failed attempts look at."""
    callback, subject, disposition = context.callback, context.subject, ended.disposition
    same_count = failures_count(tx, callback.callback_id, disposition) if callback.attempts_count else 0
    wrong = {*subject.wrong_numbers}
    if disposition is Disposition.WRONG_PERSON:
        wrong.update(_dialed_number(ended, subject, context))
    usable = tuple(index for index, number in enumerate(numbers_of(subject)) if number not in wrong)
    declined = (
        disposition is Disposition.AGENT_UNAVAILABLE
        and ended.announces is None
        and context.policy.all_declined is not AllDeclined.KEEP_WAITING
        and all_declined(tx, callback)
    )
    return Failures(same_count=same_count, usable=usable, all_declined=declined)


def _dialed_number(of: Attempt, subject: Subject, context: Context) -> tuple[str, ...]:
    """Return the number that was dialed, if the person has it still: their numbers may have changed since."""
    if not context.pepper:
        return (number_at(subject, of.number_index),)
    keys = {
        number_key(number, tenant_id=of.tenant_id, pepper=context.pepper): number
        for number in numbers_of(subject)
    }
    return (keys[of.number_key],) if of.number_key in keys else ()


def _mark_subject(tx: Transaction, attempt: Attempt, consequence: Decision, context: Context) -> None:
    """Keep what was learned of the person: a number that is somebody else's, or too many times missed."""
    subject = tx.subjects.get(attempt.subject_id)
    marked = subject
    over = attempt.state is AttemptState.ENDED
    if over and attempt.disposition is Disposition.WRONG_PERSON:
        dialed = _dialed_number(attempt, subject, context)
        marked = attrs.evolve(marked, wrong_numbers=tuple(dict.fromkeys((*subject.wrong_numbers, *dialed))))
    flagged = any(
        isinstance(event, CallbackEnded) and NoticeKind.CUSTOMER_FLAGGED in event.notices
        for event in consequence.events
    )
    if flagged:
        marked = attrs.evolve(marked, flagged_at=context.now)
    if marked != subject:
        tx.save(attrs.evolve(marked, version=subject.version + 1))


def _open_if_declined(tx: Transaction, attempt: Attempt, context: Context) -> None:
    """The preferred agent did not take it, or has gone meanwhile: it waits for nobody any more."""
    if attempt.state is not AttemptState.ENDED:
        return
    callback = tx.callbacks.get(attempt.callback_id)
    if attempt.disposition is not Disposition.AGENT_UNAVAILABLE:
        open_if_left(tx, callback, policy=context.policy, now=context.now)
    elif callback.state is CallbackState.WAITING and callback.preferred_until_at is not None:
        open_places(tx, [callback], policy=context.policy, now=context.now)


def open_if_left(tx: Transaction, place: Place, *, policy: QueuePolicy, now: datetime) -> None:
    """Let any agent serve a place that is in line again, if its preferred one went, or cannot serve it any more."""
    if place.state not in (CallbackState.WAITING, CallState.WAITING) or place.preferred_until_at is None:
        return
    lanes = lanes_for(tx, skills_of(tx, place), place.preferred_agent_id, queue=place.queue)
    if lanes.own is None:
        open_places(tx, [place], policy=policy, now=now)


def open_places(
    tx: Transaction,
    places: Iterable[Place],
    *,
    policy: QueuePolicy | None = None,
    now: datetime,
    policies: Mapping[QueueName, QueuePolicy] | None = None,
) -> None:
    """Let any agent serve these places who has the skills: their preferred agent is not to be waited for."""
    for place in places:
        of = policy or policy_or_default(policies or {}, place.queue)
        stand = opened(place, lane=open_lane(tx, place))
        if isinstance(place, Callback):
            write(tx, lifecycle.open_to_all(place, stand=stand, policy=of, now=now))
        else:
            write(tx, calls.place(place, CallOpened, stand=stand, policy=of, now=now))


def presence_max_of(policies: Mapping[QueueName, QueuePolicy], queues: Sequence[QueueName]) -> timedelta:
    """Return how long an agent of these queues is believed to be there when nothing is heard."""
    known = (policies[queue].agent_presence_max for queue in queues if queue in policies)
    return min(known, default=AGENT_PRESENCE_MAX)


def free_agent_of_call(
    tx: Transaction,
    call: LiveCall,
    *,
    policies: Mapping[QueueName, QueuePolicy],
    cooled_down: bool,
    now: datetime,
) -> None:
    """Free the agent whom *call*, as it was before, had taken; after a cool-down, or after the wrap-up."""
    agent = tx.agents.find(call.agent_id) if call.state is CallState.TAKEN and call.agent_id else None
    if agent is None or agent.call_id != call.call_id:
        return
    policy = policy_or_default(policies, call.queue)
    decision = agents.freed(
        agent,
        pause=policy.agent_cool_down if cooled_down else policy.wrap_up,
        reason=DueReason.COOL_DOWN_OVER if cooled_down else DueReason.WRAP_UP_OVER,
        presence_max=presence_max_of(policies, agent.queues),
        now=now,
    )
    write(tx, decision)


def call_off(
    tx: Transaction, attempt_id: AttemptId, *, policies: Mapping[QueueName, QueuePolicy], now: datetime
) -> None:
    """End an attempt before its time, if it can still be. Its legs are hung up by the next step."""
    before = tx.attempts.get(attempt_id)
    if attempt.may_call_off(before):
        context = attempt_context(tx, before, policies=policies, now=now)
        by_us = Disposition.CANCELLED_BY_US
        move_attempt(tx, before, attempt.call_off(before, by_us, context), context)


def write_end(
    tx: Transaction,
    callback: Callback,
    decision: Decision,
    *,
    policies: Mapping[QueueName, QueuePolicy],
    now: datetime,
) -> None:
    """Write the end of a promise that somebody else than its attempt makes, and call that off, if one is under way."""
    write(tx, decision)
    if callback.state is CallbackState.ATTEMPTING and callback.attempt_id is not None:
        call_off(tx, callback.attempt_id, policies=policies, now=now)


def is_unanswered(tx: Transaction, callback: Callback) -> bool:
    """Whether the attempt under way can still be called off without cutting anybody short: nobody has answered yet."""
    if callback.attempt_id is None:
        return False
    under_way = tx.attempts.get(callback.attempt_id)
    return attempt.may_call_off(under_way) and under_way.customer_leg is not LegState.ANSWERED


def agent_left(
    tx: Transaction, attempt_id: AttemptId, *, policies: Mapping[QueueName, QueuePolicy], now: datetime
) -> None:
    """The agent of an attempt goes away: it ends, or looks for another, if it was not accepted yet."""
    before = tx.attempts.get(attempt_id)
    context = attempt_context(tx, before, policies=policies, now=now)
    move_attempt(tx, before, attempt.agent_left(before, context), context)


def failures_count(tx: Transaction, callback_id: CallbackId, disposition: Disposition | None) -> int:
    """Count the attempts of a callback that counted and ended so, at the number that it has now."""
    count = 0
    for event in tx.history.of_callback(callback_id):
        if isinstance(event, CallbackRenumbered) and event.attempts_count == 0:
            count = 0
        elif isinstance(event, CallbackRested | CallbackReopened):
            count += event.last_disposition is disposition
    return count
