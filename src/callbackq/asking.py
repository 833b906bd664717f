"""What is asked for, read and checked before the store is asked anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from callbackq.core.instants import check_instant, check_name, check_text, optional_text, read_member
from callbackq.core.numbers import PhoneNumber, read_number
from callbackq.core.ordering import check_priority
from callbackq.core.requests import (
    Wish,
    read_skills,
    read_wish,
    request_key_of,
    request_key_of_event,
)
from callbackq.errors import InvalidNumber, InvalidText, InvalidTime
from callbackq.gauge import Gauge
from callbackq.ids import AgentId, BookingId, CallId, OfferId, QueueName, TenantId, VerificationId
from callbackq.model import CallSnapshot, Channel, LiveCall, Person, Purpose, Subject
from callbackq.people import Who
from callbackq.policy import Duplicates, Limit, QueuePolicy
from callbackq.ports import DoNotCall, IdSource
from callbackq.seating import Seating

_NOT_BY_THE_PERSON = (Channel.AGENT, Channel.EVENT)
"""Somebody else asks that they be called, at the number in the records."""


@attrs.frozen(kw_only=True)
class Request:
    """One request, read and checked, before the store was asked anything."""

    policy: QueuePolicy
    call_id: CallId | None
    who: Who
    request_key: str | None
    offer_id: OfferId | None
    channel: Channel
    purpose: Purpose
    consent_at: datetime | None = None
    consent_ref: str | None = None
    verification_id: VerificationId | None = None
    source: str | None = attrs.field(default=None, repr=False)
    on_duplicate: Duplicates | None = None
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
    def number(self) -> PhoneNumber | None:
        """The number to call, where one was given."""
        return self.who.number

    @property
    def is_by_the_person(self) -> bool:
        """Whether the customer asks, and nobody else for them."""
        return self.channel not in _NOT_BY_THE_PERSON

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


def number_of(request: Request, known: Subject | None) -> str:
    """Return the number that would be dialed: the one that was given, or that the person prefers, or theirs."""
    if request.number is not None:
        return request.number.e164
    assert known is not None
    return known.preferred_number or known.number


@attrs.frozen(kw_only=True)
class JoiningCall:
    """A live call that joins, read and checked, before the store was asked anything."""

    call_id: CallId
    who: Who
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
        who=read_who(read_caller_id(said.number, policy), customer_id=said.customer_id, tier=said.tier),
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
        who=Who(),
        request_key=request_key_of(None, call.call_id),
        offer_id=None,
        channel=channel,
        purpose=Purpose.REQUESTED,
        priority=call.priority,
        skills=(),
        entered_at=call.entered_at,
        scheduled_at=None,
        wish=Wish(context={}),
    )


def request_for(
    person: Person,
    *,
    policy: QueuePolicy,
    desk: Desk,
    event_key: str,
    purpose: Purpose,
    at: datetime | None,
    now: datetime,
) -> Request:
    """
    Return the request to call one person because of a business event.

    Raises:
        InvalidNumber, InvalidPriority, InvalidText: it cannot be so.
    """
    number = read_number(person.number, region=policy.default_region)
    who = read_who(number, customer_id=person.customer_id, tier=person.tier)
    return Request(
        policy=policy,
        call_id=None,
        who=who,
        request_key=request_key_of_event(
            event_key, who.identity, tenant_id=desk.tenant_id, pepper=desk.pepper
        ),
        offer_id=None,
        channel=Channel.EVENT,
        purpose=purpose,
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
    policies: Mapping[QueueName, QueuePolicy]
    do_not_call: DoNotCall | None = None
    limits: tuple[Limit, ...] = ()


def read_who(number: PhoneNumber | None, *, customer_id: str | None, tier: str | None) -> Who:
    """Return who asks, as far as they are known. Raises: InvalidText."""
    return Who(
        number=number,
        customer_id=optional_text(customer_id, "customer_id"),
        tier=optional_text(tier, "tier", length_max=64),
    )


def read_purpose(purpose: object, *, channel: Channel) -> Purpose:
    """
    Return why the person is to be called: what they asked for, unless somebody else asks for them.

    Raises:
        InvalidText: it is no purpose; or another one, where the customer asks for the call.
    """
    by_the_person = channel not in _NOT_BY_THE_PERSON
    if purpose is None:
        return Purpose.REQUESTED if by_the_person else Purpose.SERVICE
    given = read_member(purpose, "purpose", Purpose)
    if by_the_person and given is not Purpose.REQUESTED:
        raise InvalidText(
            f"purpose is {given.value}; allowed where the customer asks: {Purpose.REQUESTED.value}"
        )
    return given


def read_consent(consent_at: object, *, purpose: Purpose, now: datetime) -> datetime | None:
    """
    Return when the customer agreed to be called: by asking for it now, unless it is said.

    Raises:
        InvalidTime: it is naive, or after *now*.
    """
    if consent_at is None:
        return now if purpose is Purpose.REQUESTED else None
    at = check_instant(consent_at, "consent_at")
    if at > now:
        raise InvalidTime(f"consent_at is {at.isoformat()}; allowed: not after now, {now.isoformat()}")
    return at


def read_duplicates(on_duplicate: object, *, policy: QueuePolicy) -> Duplicates | None:
    """
    Return what the customer wants done with the callback that they have already.

    Raises:
        InvalidText: it is no such choice, or the policy does not leave it to them.
    """
    if on_duplicate is None:
        return None
    given = read_member(on_duplicate, "on_duplicate", Duplicates, allowed=DUPLICATE_CHOICES)
    if policy.duplicates is not Duplicates.ASK:
        raise InvalidText(
            f"on_duplicate is {given.value}; allowed where the policy says {Duplicates.ASK.value}: "
            f"{', '.join(DUPLICATE_CHOICES)}"
        )
    return given


DUPLICATE_CHOICES = (Duplicates.MERGE, Duplicates.REPLACE, Duplicates.ALLOW)
"""What a customer can choose, who has a callback already."""


def read_verification_id(text: object) -> VerificationId | None:
    """Return the id of a one-time code, if one is given. Raises: InvalidText."""
    return VerificationId(check_text(text, "verification_id")) if text is not None else None


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
