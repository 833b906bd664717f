"""How a request is taken: which person it is, which place they have, and what they are quoted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.admission import admit, check_proof, count_request, who_asks
from callbackq.asking import Desk, Request, read_consent
from callbackq.booking import book_seat, held_seat, receipt_for, slot_wish
from callbackq.core import calls, promising
from callbackq.core.bookings import Seat
from callbackq.core.calls import check_waiting
from callbackq.core.numbers import PhoneNumber
from callbackq.core.placing import Stand, stand_at, stand_of
from callbackq.core.promising import Asked
from callbackq.core.requests import check_same_request, is_number_of, read_schedule
from callbackq.core.series import read_rule
from callbackq.duplicates import followed, join_both, make_room, meet, policy_for_new
from callbackq.errors import DuplicateCallback, InvalidTime, NoShowsTooMany, RequestRefused
from callbackq.events import CallbackRenumbered, CallbackRequested
from callbackq.facts import callback_if_there, lanes_for, skills_of
from callbackq.gauge import UNKNOWN, with_reconnect
from callbackq.ids import AgentId, BookingId, CallbackId, PlaceId, QueueName
from callbackq.model import Callback, Channel, LiveCall, Receipt, Subject
from callbackq.people import Who, called_at, numbers_in_order, person, renew, take_up
from callbackq.policy import Duplicates, PlaceFrom, QueuePolicy
from callbackq.ports import Transaction
from callbackq.writing import write

_MERGES: Final = (Duplicates.MERGE, Duplicates.ASK)
LEAD_MAX: Final = timedelta(seconds=30)
"""A callback for a chosen time is begun so much earlier at most, however long the phones rang lately."""


def promise(
    tx: Transaction, request: Request, *, desk: Desk, now: datetime, abandoned: bool = False
) -> Receipt:
    """
    Make the promise, once for each request key.

    Args:
        abandoned: the live caller hung up without asking; counted as abandoned.

    Raises:
        InvalidNumber, InvalidTime, CallHasEnded, RequestRefused, DuplicateCallback, RequestKeyReused: nothing is
            promised; undo the transaction. Where nobody asks (an event, an abandoned call) nothing was written.
    """
    known = known_receipt(tx, request)
    if known is not None:
        return known
    call = waiting_call(tx, request)
    who, caller = who_asks(tx, request, call)
    admit(tx, request, known=caller, desk=desk)
    try:
        meeting = meet(tx, request, caller, policies=desk.policies)
    except DuplicateCallback as error:
        # Whoever has not proved the number does not hear what its owner has. This proof stays unused.
        check_proof(tx, request, call=call, known=caller, callback_id=error.existing_id, desk=desk, now=now)
        raise
    if meeting is not None:
        make_room(tx, meeting, policies=desk.policies, now=now)
    seat = _seat(tx, request, call, caller, desk=desk, now=now) if request.wants_slot else None
    scheduled_at = seat.slot_at if seat is not None else _chosen_time(request, now=now)
    check_no_shows(
        caller,
        scheduled_at,
        confirmed=request.confirmed or request.channel is Channel.EVENT,
        policy=request.policy,
        now=now,
    )
    callback_id = CallbackId(desk.ids.new("cb", now=now))
    check_proof(tx, request, call=call, known=caller, callback_id=callback_id, desk=desk, now=now)
    count_request(tx, request, known=caller, desk=desk, now=now)
    follows = followed(tx, caller.subject_id if caller else None, meeting, policy=request.policy, now=now)
    subject = _requester(tx, request, call, who, caller, desk=desk, callback_id=callback_id, now=now)
    asked = _asked_for(
        tx,
        request,
        call,
        subject,
        desk=desk,
        callback_id=callback_id,
        scheduled_at=scheduled_at,
        booked=seat is not None,
        follows_id=follows,
        now=now,
    )
    write(tx, promising.request(asked, policy=policy_for_new(request.policy, meeting), now=now))
    if seat is not None and asked.booking_id is not None:
        _book(tx, request, seat, callback_id, asked.booking_id, desk=desk, now=now)
    if call is not None:
        write(tx, calls.convert(call, callback_id, abandoned=abandoned, now=now))
    made = tx.callbacks.get(callback_id)
    if meeting is not None and meeting.rule is Duplicates.MERGE:
        made = join_both(tx, meeting, made, policies=desk.policies, now=now)
    return receipt_for(tx, made, tx.subjects.get(subject.subject_id))


def _book(
    tx: Transaction,
    request: Request,
    seat: Seat,
    callback_id: CallbackId,
    booking_id: BookingId,
    *,
    desk: Desk,
    now: datetime,
) -> None:
    """Book the seat for the callback that was just made. Raises: SlotUnavailable."""
    repeats = None
    if request.repeats is not None:
        repeats = read_rule(request.repeats, from_wall=seat.wall.wall_at)
    callback = tx.callbacks.get(callback_id)
    book_seat(
        tx,
        seat,
        callback=callback,
        booking_id=booking_id,
        repeats=repeats,
        seating=desk.seating,
        now=now,
    )


def check_no_shows(
    caller: Subject | None,
    scheduled_at: datetime | None,
    *,
    confirmed: bool,
    policy: QueuePolicy,
    now: datetime,
) -> None:
    """
    Check that a person who was flagged lately, for missing several chosen times, confirms the next one.

    Raises:
        NoShowsTooMany: they do not.
    """
    if caller is None or caller.flagged_at is None or scheduled_at is None or confirmed:
        return
    if now - caller.flagged_at < policy.no_shows_window:
        raise NoShowsTooMany("several chosen times were missed; allowed: one more with confirmed=True")


def _chosen_time(request: Request, *, now: datetime) -> datetime | None:
    """Return the chosen time. For one of many of a business event, a time that has come meanwhile means now."""
    at = request.scheduled_at
    if request.channel is Channel.EVENT and isinstance(at, datetime) and at <= now:
        return None
    return read_schedule(at, now=now)


# ---------------------------------------------------------------------------- a seat in a slot


def _seat(
    tx: Transaction,
    request: Request,
    call: LiveCall | None,
    caller: Subject | None,
    *,
    desk: Desk,
    now: datetime,
) -> Seat:
    """
    Return the seat that is wanted: free, or held for this request.

    Raises:
        NotPossibleNow: the queue has no slots.
        SlotUnavailable: it cannot be booked.
        BookingNotFound, InvalidTime, InvalidText: there is no such hold, or no such time or zone.
    """
    queue, seating = request.policy.queue, desk.seating
    seating.policy(queue)
    priority = call.priority if call is not None else request.priority
    if request.booking_id is not None:
        if request.scheduled_at is not None or request.windows:
            raise InvalidTime("a slot needs booking_id, or scheduled_at, or windows, and only one of them")
        return held_seat(tx, request.booking_id, queue=queue, zone=request.zone, now=now)
    wish = slot_wish(
        queue,
        at=request.scheduled_at,
        windows=request.windows,
        zone=request.zone if request.zone is not None or caller is None else caller.zone,
        number=request.number.e164 if request.number is not None else caller.number if caller else None,
        agent_id=request.owner_id,
        priority=priority,
        seating=seating,
    )
    return seating.find(tx, queue, wish, now=now)


def _booking_id(request: Request, *, desk: Desk, now: datetime) -> BookingId:
    return request.booking_id or BookingId(desk.ids.new("bk", now=now))


def _requester(
    tx: Transaction,
    request: Request,
    call: LiveCall | None,
    who: Who,
    known: Subject | None,
    *,
    desk: Desk,
    callback_id: CallbackId,
    now: datetime,
) -> Subject:
    """Return the person to call back, with what came with the request and with the live call."""
    wish = request.wish
    caller = tx.subjects.get(call.subject_id) if call is not None and call.subject_id else None
    moved_from = None
    if call is not None and caller is not None:
        if known is not None and known.subject_id == caller.subject_id:
            moved_from = call.call_id
        else:
            wish = attrs.evolve(wish, context={**caller.contexts.get(call.call_id, {}), **wish.context})
    if known is None:
        subject = person(tx, who, wish, tenant_id=desk.tenant_id, ids=desk.ids, ref=callback_id, now=now)
    else:
        subject = renew(tx, known, wish, who=who, ref=callback_id, moved_from=moved_from, now=now)
        if who.number is not None:
            subject = called_at(tx, subject, who.number)
        elif subject.preferred_number is not None:
            subject = called_at(tx, subject, PhoneNumber(subject.preferred_number))
    is_theirs = request.is_by_the_person and (request.number is not None or call is not None)
    subject = numbers_in_order(tx, subject, is_theirs=is_theirs)
    if known is not None and (is_theirs or subject.number != known.number):
        take_up(tx, subject, policies=desk.policies, now=now)
    return subject


def waiting_call(tx: Transaction, request: Request) -> LiveCall | None:
    """
    Return the live call that gives its place.

    Raises:
        CallHasEnded: it waits no longer.
        RequestRefused: it waits in another queue.
    """
    if request.call_id is None:
        return None
    call = tx.calls.get(request.call_id)
    check_waiting(call)
    if call.queue != request.policy.queue:
        raise RequestRefused(
            f"live call {call.call_id} waits in queue {call.queue!r}, not in {request.policy.queue!r}"
        )
    return call


def known_receipt(tx: Transaction, request: Request) -> Receipt | None:
    """
    Return the receipt that was given for this request already.

    Raises:
        RequestKeyReused: the key was used for another one.
    """
    known = tx.callbacks.by_request_key(request.request_key) if request.request_key else None
    if known is None:
        return None
    subject = tx.subjects.get(known.subject_id)
    queue = known.queue if known.queue == request.policy.queue else _first_queue(tx, known)
    number = request.number
    if number is not None and not is_number_of(subject, number) and _was_renumbered(tx, known):
        number = None  # Nobody knows any more which one it was asked for.
    check_same_request(
        attrs.evolve(known, queue=queue),
        subject,
        queue=request.policy.queue,
        call_id=request.call_id,
        number=number,
        customer_id=request.who.customer_id,
    )
    return receipt_for(tx, _that_goes_on(tx, known, policy=request.policy), subject)


def _was_renumbered(tx: Transaction, callback: Callback) -> bool:
    return any(
        isinstance(event, CallbackRenumbered) for event in tx.history.of_callback(callback.callback_id)
    )


def _that_goes_on(tx: Transaction, callback: Callback, *, policy: QueuePolicy) -> Callback:
    """Return what the callback was merged into, where a request did that; after a merge by hand it is itself."""
    while callback.merged_into_id is not None and (
        policy.duplicates in _MERGES or callback.ended_at == callback.requested_at
    ):
        into = callback_if_there(tx, callback.merged_into_id)
        if into is None:
            break
        callback = into
    return callback


def _first_queue(tx: Transaction, callback: Callback) -> QueueName:
    """Return the queue that a callback was asked for in: it may have been moved since."""
    events = tx.history.of_callback(callback.callback_id)
    return next((event.queue for event in events if isinstance(event, CallbackRequested)), callback.queue)


def _asked_for(
    tx: Transaction,
    request: Request,
    call: LiveCall | None,
    subject: Subject,
    *,
    desk: Desk,
    callback_id: CallbackId,
    scheduled_at: datetime | None,
    booked: bool,
    follows_id: CallbackId | None,
    now: datetime,
) -> Asked:
    """Return the facts of the promise: the place it has, and what is quoted for it."""
    policy = request.policy
    preferred = request.preferred_agent_id or (call.preferred_agent_id if call else None)
    stand, place_id = _stand(
        tx, request, call, callback_id, preferred=preferred, scheduled_at=scheduled_at, booked=booked, now=now
    )
    rates = desk.gauge.rates(tx, policy=policy, priority=stand.priority, now=now)
    position, wait = None, UNKNOWN
    if scheduled_at is None:
        position, wait, _ = desk.gauge.look(
            tx,
            rank=stand.rank,
            place_id=place_id,
            priority=stand.priority,
            lane=stand.lane,
            policy=policy,
            now=now,
        )
        if desk.gauge.is_closed(tx, policy.queue, now=now):
            wait = UNKNOWN
    return Asked(
        tenant_id=desk.tenant_id,
        callback_id=callback_id,
        subject_id=subject.subject_id,
        channel=request.channel,
        request_key=request.request_key,
        stand=stand,
        place_id=place_id,
        entered_at=call.entered_at if call else request.entered_at,
        scheduled_at=scheduled_at,
        booking_id=_booking_id(request, desk=desk, now=now) if booked else None,
        lead=min(timedelta(seconds=rates.reconnect_s or 0.0), LEAD_MAX),
        call_id=call.call_id if call else None,
        offer_id=request.offer_id,
        preferred_agent_id=preferred,
        owner_id=request.owner_id,
        ticket_id=request.ticket_id,
        caller_id=request.caller_id,
        media=request.media,
        purpose=request.purpose,
        consent_at=read_consent(request.consent_at, purpose=request.purpose, now=now),
        consent_ref=request.consent_ref,
        verification_id=request.verification_id,
        follows_id=follows_id,
        position=position,
        wait=with_reconnect(wait, rates),
    )


def _stand(
    tx: Transaction,
    request: Request,
    call: LiveCall | None,
    callback_id: CallbackId,
    *,
    preferred: AgentId | None,
    scheduled_at: datetime | None,
    booked: bool,
    now: datetime,
) -> tuple[Stand, PlaceId]:
    """Return where the promise stands: in the live call's own place, or in one by its time."""
    policy = request.policy
    keeps = call is not None and scheduled_at is None and policy.place_from is PlaceFrom.ENTERED
    if call is not None and keeps and preferred == call.preferred_agent_id:
        return stand_of(call), call.place_id
    skills = skills_of(tx, call) if call is not None else request.skills
    lanes = lanes_for(tx, skills, preferred if scheduled_at is None else None, queue=policy.queue)
    ranked_at = scheduled_at or (call.ranked_at if call is not None and keeps else request.entered_at)
    if call is not None and not keeps and scheduled_at is None:
        ranked_at = now
    stand = stand_at(
        ranked_at,
        priority=call.priority if call else request.priority,
        lanes=lanes,
        policy=policy,
        now=now,
        booked=booked,
    )
    return stand, call.place_id if call is not None and keeps else PlaceId(callback_id)
