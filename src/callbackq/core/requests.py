"""What a person asks for, read and checked, and what they are told in return."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, cast

import attrs

from callbackq.core.estimate import expected_at
from callbackq.core.instants import (
    CONTEXT_FIELDS_MAX,
    CONTEXT_TEXT_MAX,
    check_instant,
    check_name,
    check_text,
    optional_text,
    read_member,
)
from callbackq.core.numbers import PhoneNumber, number_key, read_number
from callbackq.core.placing import AGENT_SKILL
from callbackq.errors import InvalidNumber, InvalidText, InvalidTime, RequestKeyReused
from callbackq.ids import QueueName, SubjectId, TenantId
from callbackq.masking import mask_number
from callbackq.model import Callback, Channel, Position, Receipt, Subject, Wait

CONTEXTS_KEPT_MAX: Final = 20
SKILLS_MAX: Final = 50
_CALL_KEY: Final = "call:"
_EVENT_KEY: Final = "event:"
_RATE_MIN: Final = 0.001
_RATE_MAX: Final = 100_000
_NO_FIELDS: Final[Mapping[str, str]] = MappingProxyType({})
SCHEDULE_HORIZON: Final = timedelta(days=366)


@attrs.frozen(kw_only=True)
class Wish:
    """What came with a request besides the number: for the agent, and for talking to the person."""

    name: str | None = attrs.field(default=None, repr=False)
    language: str | None = None
    context: Mapping[str, str] = attrs.field(repr=False)
    alternatives: tuple[str, ...] = attrs.field(default=(), repr=False)
    record_number: str | None = attrs.field(default=None, repr=False)


ALTERNATIVES_MAX: Final = 5
SEEN_EVERY: Final = timedelta(days=1)
"""It is not written more often that a person was heard of."""


def read_numbers(
    wish: Wish, *, alternatives: object, record_number: str | None, main: PhoneNumber | None, region: str
) -> Wish:
    """
    Add the person's other numbers, and the one in the host's records, read and checked.

    Raises:
        InvalidNumber: one of them is none, or has an extension.
        InvalidText: the alternatives are no list, or more than five.
    """
    if isinstance(alternatives, str) or not isinstance(alternatives, Sequence):
        raise InvalidText(f"alternatives is {type(alternatives).__name__}; allowed: a list of numbers")
    given = cast("Sequence[str]", alternatives)
    if len(given) > ALTERNATIVES_MAX:
        raise InvalidText(f"alternatives has {len(given)} numbers; allowed: at most {ALTERNATIVES_MAX}")
    read = [read_number(number, region=region) for number in given]
    if any(number.extension for number in read):
        raise InvalidNumber("an alternative number has an extension; allowed: one that rings by itself")
    others = dict.fromkeys(number.e164 for number in read if main is None or number.e164 != main.e164)
    on_record = read_number(record_number, region=region).e164 if record_number is not None else None
    return attrs.evolve(wish, alternatives=tuple(others), record_number=on_record)


def read_wish(*, name: str | None, language: str | None, context: object) -> Wish:
    """
    Check what is free text.

    Raises:
        InvalidText: a text is too long, unprintable or no text. The text itself is not shown.
    """
    if not isinstance(context, Mapping):
        raise InvalidText(f"context is {type(context).__name__}; allowed: a mapping of texts")
    given = cast("Mapping[object, object]", context)
    if len(given) > CONTEXT_FIELDS_MAX:
        raise InvalidText(f"context has {len(given)} fields; allowed: at most {CONTEXT_FIELDS_MAX}")
    fields = {
        check_text(key, "a context field's name"): _check_context_value(value) for key, value in given.items()
    }
    return Wish(
        name=check_name(name) if name is not None else None,
        language=optional_text(language, "language", length_max=35),
        context=fields,
    )


def _check_context_value(value: object) -> str:
    if not isinstance(value, str) or len(value) > CONTEXT_TEXT_MAX:
        raise InvalidText(f"a context field is no text of at most {CONTEXT_TEXT_MAX} characters")
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidText("a context field holds a NUL or half a character; allowed: text")
    return value


_EMAIL: Final = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\]{1,189}")


def read_email(email: object) -> str:
    """
    Return an e-mail address as it is, with its domain in small letters. Whether it exists is not known.

    Raises:
        InvalidText: it is none. It is not shown.

    >>> read_email("Ada@Example.COM")
    'Ada@example.com'
    """
    text = check_text(email, "email", length_max=254)
    if _EMAIL.fullmatch(text) is None:
        raise InvalidText("email is no address; allowed: name@domain")
    name, _, domain = text.rpartition("@")
    return f"{name}@{domain.lower()}"


def read_channel(channel: object) -> Channel:
    """Return *channel* as a member. Raises: InvalidText."""
    return read_member(channel, "channel", Channel)


def read_skills(skills: object) -> tuple[str, ...]:
    """
    Return *skills* sorted, each once.

    Raises:
        InvalidText: one is no proper text; there are too many; or one text was given instead of a list.
    """
    if isinstance(skills, str):
        raise InvalidText("skills is one text; allowed: a list of texts")
    if not isinstance(skills, Collection):
        raise InvalidText(f"skills is {type(skills).__name__}; allowed: a list of texts")
    given = cast("Collection[object]", skills)
    if len(given) > SKILLS_MAX:
        raise InvalidText(f"skills has {len(given)} entries; allowed: at most {SKILLS_MAX}")
    checked = {check_text(skill, "a skill") for skill in given}
    if any(skill.startswith(AGENT_SKILL) for skill in checked):
        raise InvalidText(
            f"a skill begins with {AGENT_SKILL!r}, as the skills that are made here do; allowed: others"
        )
    return tuple(sorted(checked))


def read_schedule(scheduled_at: object, *, now: datetime) -> datetime | None:
    """
    Return the chosen time in UTC.

    Raises:
        InvalidTime: it is naive, not after *now*, or more than 366 days away.
    """
    if scheduled_at is None:
        return None
    at = check_instant(scheduled_at, "scheduled_at")
    if not now < at <= now + SCHEDULE_HORIZON:
        raise InvalidTime(
            f"scheduled_at is {at.isoformat()}; allowed: after now, {now.isoformat()}, within 366 days"
        )
    return at


def request_key_of(request_key: str | None, call_id: str | None) -> str | None:
    """
    Return the key of a request: the host's; or one made of the live call, for a call gives one place only.

    Raises:
        InvalidText: a key of the host is no proper text, or begins like those that are made here.
    """
    if request_key is None:
        return f"{_CALL_KEY}{check_text(call_id, 'call_id')}" if call_id is not None else None
    for taken, whose in ((_CALL_KEY, "live calls"), (_EVENT_KEY, "events")):
        if str(request_key).startswith(taken):
            raise InvalidText(
                f"request_key begins with {taken!r}, as the keys of {whose} do; allowed: another one"
            )
    return check_text(request_key, "request_key")


def event_key_of(event_key: object) -> str:
    """Return the name of a business event. Raises: InvalidText."""
    return check_text(event_key, "event_key", length_max=100)


def request_key_of_event(event_key: str, identity: str, *, tenant_id: str, pepper: bytes) -> str:
    """Return the key of the request of one person because of one event. Without *pepper* it tells no number."""
    digest = number_key(identity, tenant_id=tenant_id, pepper=pepper)
    return f"{_EVENT_KEY}{event_key}:{digest}"


def read_rate(rate_per_minute: object) -> timedelta | None:
    """
    Return the time between two, or None for no limit.

    Raises:
        InvalidText: it is no number from 0.001 to 100,000.
    """
    if rate_per_minute is None:
        return None
    if isinstance(rate_per_minute, bool) or not isinstance(rate_per_minute, int | float):
        raise InvalidText(f"rate_per_minute is {type(rate_per_minute).__name__}; allowed: a number")
    if not _RATE_MIN <= rate_per_minute <= _RATE_MAX:
        raise InvalidText(f"rate_per_minute is out of bounds; allowed: {_RATE_MIN} to {_RATE_MAX:,}")
    return timedelta(minutes=1) / rate_per_minute


def check_same_request(
    known: Callback,
    subject: Subject,
    *,
    queue: QueueName,
    call_id: str | None,
    number: PhoneNumber | None,
    customer_id: str | None = None,
) -> None:
    """
    Check that a request under a known key asks for the same thing.

    Args:
        customer_id: where the host gave one; the number tells for a person of whom it gave none before.

    Raises:
        RequestKeyReused: queue, live call, customer or number differ.
    """
    same = known.queue == queue and (call_id is None or known.call_id == call_id)
    if subject.erased_at is not None:
        pass  # Nobody knows any more who had asked.
    elif customer_id is not None and (subject.customer_id is not None or number is None):
        same = same and customer_id == subject.customer_id
    elif number is not None:
        same = same and is_number_of(subject, number)
    if not same:
        raise RequestKeyReused(
            f"the request key of callback {known.callback_id} came again with another queue, live call, customer or "
            "number; allowed: the same request, or another key"
        )


def is_number_of(subject: Subject, number: PhoneNumber) -> bool:
    """Whether the person is known by this number, or called at it."""
    return number.identity == subject.identity or (
        (number.e164, number.extension) == (subject.number, subject.extension)
    )


def new_subject(
    number: PhoneNumber, wish: Wish, *, tenant_id: TenantId, subject_id: SubjectId, ref: str, now: datetime
) -> Subject:
    """Return the record of a person seen for the first time."""
    return Subject(
        tenant_id=tenant_id,
        subject_id=subject_id,
        identity=number.identity,
        number=number.e164,
        extension=number.extension,
        name=wish.name,
        language=wish.language,
        alternatives=wish.alternatives,
        record_number=wish.record_number,
        contexts={ref: wish.context} if wish.context else {},
        created_at=now,
        seen_at=now,
    )


def renewed_subject(
    subject: Subject,
    wish: Wish,
    *,
    ref: str,
    now: datetime,
    customer_id: str | None = None,
    tier: str | None = None,
    moved_from: str | None = None,
    in_use: Collection[str] = (),
) -> Subject:
    """
    Return the record of a known person with what is new, or the same record if nothing is.

    Args:
        ref: the callback or call to which the context belongs.
        moved_from: the call whose context the callback inherits.
        in_use: the callbacks and calls that have not ended; of the others the newest 20 contexts are kept.
    """
    contexts = dict(subject.contexts)
    inherited = contexts.pop(moved_from, _NO_FIELDS) if moved_from else _NO_FIELDS
    fields = {**inherited, **wish.context}
    if fields:
        contexts[ref] = {**contexts.get(ref, {}), **fields}
    for oldest in list(contexts)[:-CONTEXTS_KEPT_MAX]:
        if oldest not in in_use and oldest != ref:
            del contexts[oldest]
    is_seen_again = subject.seen_at is None or now - subject.seen_at >= SEEN_EVERY
    renewed = attrs.evolve(
        subject,
        customer_id=subject.customer_id or customer_id,
        tier=tier or subject.tier,
        seen_at=now if is_seen_again else subject.seen_at,
        name=wish.name or subject.name,
        language=wish.language or subject.language,
        alternatives=wish.alternatives or subject.alternatives,
        record_number=wish.record_number or subject.record_number,
        contexts=contexts,
    )
    return subject if renewed == subject else attrs.evolve(renewed, version=subject.version + 1)


def receipt_of(callback: Callback, subject: Subject, *, zone: str | None = None) -> Receipt:
    """
    Return what the customer was told. It depends on the promise alone, so it is the same every time.

    Args:
        zone: of the callback's booking, if it has one.
    """
    position = None
    if callback.quoted_position is not None:
        position = Position(number=callback.quoted_position, exact=callback.quoted_position_exact)
    wait = Wait(
        mean_s=callback.quoted_wait_s,
        low_s=callback.quoted_wait_low_s,
        high_s=callback.quoted_wait_high_s,
        estimator=callback.quoted_by,
    )
    return Receipt(
        callback_id=callback.callback_id,
        queue=callback.queue,
        number_masked=mask_number(subject.number),
        position=position,
        wait=wait,
        expected_at=callback.scheduled_at or expected_at(callback.requested_at, wait),
        entered_at=callback.entered_at,
        requested_at=callback.requested_at,
        expires_at=callback.expires_at,
        booking_id=callback.booking_id,
        zone=zone,
    )
