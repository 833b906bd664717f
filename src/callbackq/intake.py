"""How a request is taken: which person it is, which place they have, and what they are quoted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.booking import book_seat, held_seat, receipt_for, slot_wish
from callbackq.core import calls, promising
from callbackq.core.bookings import Seat
from callbackq.core.calls import check_waiting
from callbackq.core.instants import check_name, check_text
from callbackq.core.lifecycle import dedup_key
from callbackq.core.numbers import PhoneNumber, read_number
from callbackq.core.ordering import check_priority
from callbackq.core.placing import Stand, stand_at, stand_of
from callbackq.core.promising import Asked
from callbackq.core.requests import (
    Wish,
    check_same_request,
    read_schedule,
    read_skills,
    read_wish,
    request_key_of,
    request_key_of_event,
)
from callbackq.core.series import read_rule
from callbackq.errors import (
    DuplicateCallback,
    InvalidNumber,
    InvalidText,
    InvalidTime,
    NoShowsTooMany,
    NumberNeeded,
    RequestRefused,
)
from callbackq.events import CallbackRequested
from callbackq.facts import lanes_for, skills_of
from callbackq.gauge import UNKNOWN, Gauge, with_reconnect
from callbackq.ids import (
    AgentId,
    BookingId,
    CallbackId,
    CallId,
    OfferId,
    PlaceId,
    QueueName,
    SubjectId,
    TenantId,
)
from callbackq.model import (
    Callback,
    CallSnapshot,
    Channel,
    LiveCall,
    Person,
    Receipt,
    Subject,
)
from callbackq.people import person, renew, right_again
from callbackq.policy import Duplicates, PlaceFrom, QueuePolicy
from callbackq.ports import IdSource, Transaction
from callbackq.seating import Seating
from callbackq.writing import write

LEAD_MAX: Final = timedelta(seconds=30)
"""A callback for a chosen time is begun so much earlier at most, however long the phones rang lately."""


_NOT_BY_THE_PERSON: Final = (Channel.AGENT, Channel.EVENT)
"""Somebody else asks that they be called, at the number in the records."""


@attrs.frozen(kw_only=True)
class Request:
    """One request, read and checked, before the store was asked anything."""

    policy: QueuePolicy
    call_id: CallId | None
    number: PhoneNumber | None
    request_key: str | None
    offer_id: OfferId | None
    channel: Channel
    priority: int
    skills: tuple[str, ...]
    entered_at: datetime
    scheduled_at: object
    preferred_agent_id: AgentId | None = None
    owner_id: AgentId | None = None
    ticket_id: str | None = None
    caller_id: str | None = None
    media: str | None = None
    confirmed: bool = False
    wish: Wish
    windows: Sequence[object] = ()
    booking_id: BookingId | None = None
    zone: str | None = None
    repeats: object = None

    @property
    def wants_slot(self) -> bool:
        """Whether a slot is asked for: in a queue that has slots a chosen time is one, but for business events."""
        if self.booking_id is not None or self.windows or self.repeats is not None:
            return True
        return (
            self.scheduled_at is not None
            and self.policy.slots is not None
            and self.channel is not Channel.EVENT
        )


@attrs.frozen(kw_only=True)
class JoiningCall:
    """A live call that joins, read and checked, before the store was asked anything."""

    call_id: CallId
    caller: PhoneNumber | None
    priority: int
    skills: tuple[str, ...]
    preferred_agent_id: AgentId | None
    entered_at: datetime | None
    wish: Wish


def read_joining(said: CallSnapshot, *, policy: QueuePolicy) -> JoiningCall:
    """
    Read what a PBX says of a call.

    Raises:
        InvalidText, InvalidPriority, InvalidTime: it cannot be so.
    """
    return JoiningCall(
        call_id=CallId(check_text(said.call_id, "call_id")),
        caller=read_caller_id(said.number, policy),
        priority=read_priority(said.priority, policy),
        skills=read_skills(said.skills),
        preferred_agent_id=read_agent(said.preferred_agent),
        entered_at=said.entered_at,
        wish=read_wish(name=_readable(said.name), language=said.language, context=said.context),
    )


def _readable(name: str | None) -> str | None:
    """Return the name that a PBX gives; None for one that cannot be shown: nobody loses a place by it."""
    try:
        return check_name(name) if name is not None else None
    except InvalidText:
        return None


def read_agent(agent_id: str | None) -> AgentId | None:
    """Return the agent whom a place prefers, if one is named. Raises: InvalidText."""
    return AgentId(check_text(agent_id, "preferred_agent")) if agent_id is not None else None


def request_of_call(call: LiveCall, *, policy: QueuePolicy, channel: Channel) -> Request:
    """Return the request that a live call stands for, though nobody spoke it."""
    return Request(
        policy=policy,
        call_id=call.call_id,
        number=None,
        request_key=request_key_of(None, call.call_id),
        offer_id=None,
        channel=channel,
        priority=call.priority,
        skills=(),
        entered_at=call.entered_at,
        scheduled_at=None,
        wish=Wish(context={}),
    )


def request_for(
    person: Person, *, policy: QueuePolicy, desk: Desk, event_key: str, at: datetime | None, now: datetime
) -> Request:
    """
    Return the request to call one person because of a business event.

    Raises:
        InvalidNumber, InvalidPriority, InvalidText: it cannot be so.
    """
    number = read_number(person.number, region=policy.default_region)
    return Request(
        policy=policy,
        call_id=None,
        number=number,
        request_key=request_key_of_event(
            event_key, number.identity, tenant_id=desk.tenant_id, pepper=desk.pepper
        ),
        offer_id=None,
        channel=Channel.EVENT,
        priority=read_priority(person.priority, policy),
        skills=read_skills(person.skills),
        entered_at=now,
        scheduled_at=at,
        preferred_agent_id=read_agent(person.preferred_agent),
        wish=read_wish(name=person.name, language=person.language, context=person.context),
    )


@attrs.frozen(kw_only=True)
class Desk:
    """Where requests are taken: what every one of them needs besides the store."""

    tenant_id: TenantId
    ids: IdSource
    gauge: Gauge
    seating: Seating
    pepper: bytes = attrs.field(repr=False)


def read_target(number: str | None, policy: QueuePolicy) -> PhoneNumber | None:
    """Return the number to call, if one is given. Raises: InvalidNumber."""
    return read_number(number, region=policy.default_region) if number is not None else None


def read_caller_id(number: str | None, policy: QueuePolicy) -> PhoneNumber | None:
    """Return the number of a caller; None for one that cannot be dialed, as if it were withheld."""
    try:
        return read_target(number, policy)
    except InvalidNumber:
        return None


def read_priority(priority: int | None, policy: QueuePolicy) -> int:
    """Return the priority that is given, or the queue's. Raises: InvalidPriority."""
    return check_priority(policy.priority_default if priority is None else priority)


def promise(
    tx: Transaction, request: Request, *, desk: Desk, now: datetime, abandoned: bool = False
) -> Receipt:
    """
    Make the promise, once for each request key.

    Args:
        abandoned: the live caller hung up without asking; counted as abandoned.

    Raises:
        InvalidNumber, InvalidTime, CallHasEnded, RequestRefused, DuplicateCallback, RequestKeyReused: nothing was
            written.
    """
    known = known_receipt(tx, request)
    if known is not None:
        return known
    call = waiting_call(tx, request)
    caller = _caller(tx, request, call)
    seat = _seat(tx, request, call, caller, desk=desk, now=now) if request.wants_slot else None
    scheduled_at = seat.slot_at if seat is not None else _chosen_time(request, now=now)
    duplicate = active_duplicate(tx, caller.subject_id if caller else None, request.policy)
    if duplicate is not None:
        raise DuplicateCallback(duplicate.callback_id)
    check_no_shows(
        caller,
        scheduled_at,
        confirmed=request.confirmed or request.channel is Channel.EVENT,
        policy=request.policy,
        now=now,
    )
    callback_id = CallbackId(desk.ids.new("cb", now=now))
    subject = _requester(tx, request, call, caller, desk=desk, callback_id=callback_id, now=now)
    if request.channel not in _NOT_BY_THE_PERSON:
        subject = right_again(tx, subject)
    asked = _asked_for(
        tx,
        request,
        call,
        subject,
        desk=desk,
        callback_id=callback_id,
        scheduled_at=scheduled_at,
        booked=seat is not None,
        now=now,
    )
    write(tx, promising.request(asked, policy=request.policy, now=now))
    if seat is not None and asked.booking_id is not None:
        repeats = None
        if request.repeats is not None:
            repeats = read_rule(request.repeats, from_wall=seat.wall.wall_at)
        booked = tx.callbacks.get(callback_id)
        book_seat(
            tx,
            seat,
            callback=booked,
            booking_id=asked.booking_id,
            repeats=repeats,
            seating=desk.seating,
            now=now,
        )
    if call is not None:
        write(tx, calls.convert(call, callback_id, abandoned=abandoned, now=now))
    return receipt_for(tx, tx.callbacks.get(callback_id), subject)


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
        zone=request.zone,
        number=request.number.e164 if request.number is not None else caller.number if caller else None,
        agent_id=request.owner_id,
        priority=priority,
        seating=seating,
    )
    return seating.find(tx, queue, wish, now=now)


def _booking_id(request: Request, *, desk: Desk, now: datetime) -> BookingId:
    return request.booking_id or BookingId(desk.ids.new("bk", now=now))


def _caller(tx: Transaction, request: Request, call: LiveCall | None) -> Subject | None:
    """
    Return the known person to call back: of the number given, or else of the live call's caller id.

    Raises:
        InvalidNumber: there is neither number nor caller id.
    """
    if request.number is not None:
        return tx.subjects.by_identity(request.number.identity)
    if call is None or call.subject_id is None:
        raise NumberNeeded
    return tx.subjects.get(call.subject_id)


def _requester(
    tx: Transaction,
    request: Request,
    call: LiveCall | None,
    known: Subject | None,
    *,
    desk: Desk,
    callback_id: CallbackId,
    now: datetime,
) -> Subject:
    """Return the person to call back, with what came with the request and with the live call."""
    wish = request.wish
    caller = tx.subjects.get(call.subject_id) if call is not None and call.subject_id else None
    if call is not None and caller is not None:
        if known is not None and known.subject_id == caller.subject_id:
            return renew(tx, known, wish, ref=callback_id, moved_from=call.call_id)
        wish = attrs.evolve(wish, context={**caller.contexts.get(call.call_id, {}), **wish.context})
    if known is not None:
        return renew(tx, known, wish, ref=callback_id)
    assert request.number is not None
    return person(tx, request.number, wish, tenant_id=desk.tenant_id, ids=desk.ids, ref=callback_id, now=now)


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


def active_duplicate(tx: Transaction, subject_id: SubjectId | None, policy: QueuePolicy) -> Callback | None:
    """Return the callback that forbids this person another one in this queue."""
    if subject_id is None or policy.duplicates is not Duplicates.REFUSE:
        return None
    return tx.callbacks.active_by_dedup_key(dedup_key(subject_id, policy=policy))


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
    check_same_request(
        attrs.evolve(known, queue=queue),
        subject,
        queue=request.policy.queue,
        call_id=request.call_id,
        number=request.number,
    )
    return receipt_for(tx, known, subject)


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
