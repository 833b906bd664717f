"""
Webhooks, pure: what is sent of an event, how it is signed, and what follows from an answer.

What is sent is a CloudEvent (1.0, JSON, structured mode), signed as the Standard Webhooks say. It holds no personal
data: what could tell a number, or is of no use outside, is withheld.

The order that is kept is that of one record at a time: of a callback, with its attempts, bookings and messages; or of
one live call, agent or queue. Where an event cannot be delivered, the later ones of the same record wait behind it, and
those of others go on.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import attrs

from callbackq.events import AttemptEvent, BookingEvent, CallbackEvent, Event, MessageEvent
from callbackq.events.chain import record_id_of, text_of
from callbackq.ids import CallbackId, QueueName, TenantId
from callbackq.masking import mask_number
from callbackq.model import Entity, Webhook, WebhookAnswer, WebhookOrder, WebhookState
from callbackq.policy.webhooks import WebhookEndpoint
from callbackq.ports import HistoryLink

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
ITSELF: Final = ""
"""What the own row of an endpoint is about."""

WITHHELD: Final = frozenset(
    {
        # Digests and keys of numbers and addresses, and what may hold a number.
        "number_key",
        "address_key",
        "provider_key",
        "dedup_key",
        "request_key",
        "caller_id",
        "raw_cause",
        "recording_id",
        "problem",
        "choices",
        "media",
        # The inside of the engine.
        "tenant_id",
        "due_at",
        "due_reason",
        "lane",
        "rank",
        "ranked_at",
        "place_id",
        "leg_id",
        "agent_leg_id",
        "customer_leg_id",
        "agent_until_at",
        "customer_until_at",
        "verification_id",
        "heads_digest",
        "cut",
    }
)
"""Fields of events that are never sent."""

_NUMBER: Final = re.compile(r"\+?\d(?:[\s().\-/]{0,3}\d){6,}")
_BY_HAND: Final = ("reason", "by")
"""What people may have written."""


# ---------------------------------------------------------------------------- what is sent


def about_of(event: Event) -> str:
    """
    Return whose order an event belongs to.

    >>> from callbackq.testing.builders import make_event
    >>> about_of(make_event(CallbackEvent, callback_id="cb_1"))
    'callback cb_1'
    """
    callback_id = callback_of(event)
    if callback_id is not None:
        return f"{Entity.CALLBACK} {callback_id}"
    return f"{event.entity} {record_id_of(event)}"


def callback_of(event: Event) -> CallbackId | None:
    """Return the callback whose story an event is part of, if it is one's."""
    if isinstance(event, CallbackEvent | AttemptEvent | BookingEvent | MessageEvent):
        return event.callback_id
    return None


def is_wanted(event: Event, *, endpoint: WebhookEndpoint, queue: QueueName | None) -> bool:
    """
    Say whether an endpoint is sent an event.

    Args:
        queue: the queue that it concerns; None where it concerns none, as an agent does.
    """
    return endpoint.wants_kind(event) and (not endpoint.queues or queue in endpoint.queues)


def webhook_id(link: HistoryLink) -> str:
    """Return the id under which an event is sent, the same at every try: what it says, and all before it, is in it."""
    return f"ev_{link.digest[:32]}"


def source_of(tenant_id: TenantId) -> str:
    """Return where events come from, unless the host says it: a reference, as CloudEvents want one."""
    safe = re.sub(
        r"[^A-Za-z0-9._~-]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), tenant_id
    )
    return f"/callbackq/{safe}"


def payload(link: HistoryLink, *, source: str) -> bytes:
    """
    Return an event as it is sent: a CloudEvent, in JSON, always the same.

    `sequence` sorts as text in the order of the history; `data.event_number` counts the events of one record from 1
    without a gap.
    """
    event = link.event
    told: dict[str, Any] = json.loads(text_of(event))
    data = {name: _told(name, value) for name, value in told.items() if name not in WITHHELD}
    data |= {
        "record_id": link.record_id,
        "event_number": link.event_number,
        "history_number": link.history_number,
    }
    callback_id = callback_of(event)
    cloud_event = {
        "specversion": "1.0",
        "id": webhook_id(link),
        "source": source,
        "type": f"callbackq.{event.kind}.v1",
        "subject": callback_id if callback_id is not None else link.record_id,
        "time": told["at"],
        "datacontenttype": "application/json",
        "sequence": f"{link.history_number:020d}",
        "data": data,
    }
    return json.dumps(cloud_event, separators=(",", ":"), sort_keys=True).encode("ascii")


def _told(name: str, value: Any) -> Any:
    if name in _BY_HAND and isinstance(value, str):
        return _NUMBER.sub(lambda found: mask_number(found[0]), value)
    return value


# ---------------------------------------------------------------------------- how it is signed


def sign(body: bytes, *, name: str, sent_at: datetime, keys: Iterable[bytes]) -> str:
    """
    Return the signatures of a request, one for each key: HMAC-SHA256, as the Standard Webhooks say.

    Args:
        name: the id of the event.
        sent_at: when this try is made; whole seconds, parts of one are cut off.

    >>> at = datetime(2021, 2, 25, 15, 2, 10, tzinfo=UTC)
    >>> key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    >>> sign(b'{"test": 2432232314}', name="msg_p5jXN8AQM9LWM0D4loKWxJek", sent_at=at, keys=[key])
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    signed = f"{name}.{int(sent_at.timestamp())}.".encode() + body
    digests = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode('ascii')}" for digest in digests)


def order(link: HistoryLink, *, endpoint: WebhookEndpoint, source: str, sent_at: datetime) -> WebhookOrder:
    """Return the request by which an event is sent now."""
    name, body = webhook_id(link), payload(link, source=source)
    return WebhookOrder(
        endpoint=endpoint.name,
        webhook_id=name,
        url=endpoint.url,
        headers={
            "content-type": CONTENT_TYPE,
            "webhook-id": name,
            "webhook-timestamp": str(int(sent_at.timestamp())),
            "webhook-signature": sign(body, name=name, sent_at=sent_at, keys=endpoint.keys),
        },
        body=body,
        time_max=endpoint.time_max,
    )


# ---------------------------------------------------------------------------- what an answer means


@attrs.frozen(kw_only=True)
class Verdict:
    """
    What an answer means.

    Attributes:
        problem: why it is no delivery, in words without the endpoint's own; None if it was delivered.
        is_gone: the endpoint does not want to be asked again.
        rest: how long the endpoint wants to be left alone.
    """

    problem: str | None = None
    is_gone: bool = False
    rest: timedelta | None = None


DELIVERED: Final = Verdict()


def read_answer(answer: WebhookAnswer, *, endpoint: WebhookEndpoint, now: datetime) -> Verdict:
    """
    Say what an answer means: 2xx is a delivery, 410 the end of the endpoint, and all others are tried again.

    >>> from callbackq.testing.webhooks import make_endpoint
    >>> read_answer(WebhookAnswer(status=503), endpoint=make_endpoint(), now=datetime(2026, 1, 5, tzinfo=UTC))
    Verdict(problem='answered 503', is_gone=False, rest=None)
    """
    if 200 <= answer.status < 300:
        return DELIVERED
    rest = retry_after(answer.retry_after, now=now)
    if rest is not None:
        rest = min(rest, endpoint.retry_after_max)
    return Verdict(problem=f"answered {answer.status}", is_gone=answer.status == 410, rest=rest)


def retry_after(text: str | None, *, now: datetime) -> timedelta | None:
    """
    Read a `Retry-After`: seconds, or a date of HTTP. None where it says nothing that can be read, or no time to come.

    >>> retry_after("120", now=datetime(2026, 1, 5, tzinfo=UTC))
    datetime.timedelta(seconds=120)
    """
    if text is None:
        return None
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return timedelta(seconds=int(text)) or None
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    rest = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - now
    return rest if rest > timedelta(0) else None


def rest_after(endpoint: WebhookEndpoint, *, tries_count: int, name: str) -> timedelta:
    """
    Return how long an event rests after so many tries: the policy's step, and up to `jitter_ratio` of it more.

    By how much follows from the event and the try, so that no two that failed together are tried together again.

    Args:
        tries_count: 1 or more.
        name: the id of the event.
    """
    rest = endpoint.rests[min(tries_count, len(endpoint.rests)) - 1]
    digest = hashlib.sha256(f"{name} {tries_count}".encode()).digest()
    return rest + rest * (endpoint.jitter_ratio * int.from_bytes(digest[:4]) / 2**32)


# ---------------------------------------------------------------------------- what follows


@attrs.frozen(kw_only=True)
class Told:
    """
    How far an endpoint is: its own row, and those of the records that it is behind with, by what they are about.

    Attributes:
        undelivered: the events that were given up just now.
    """

    own: Webhook
    behind: Mapping[str, Webhook]
    undelivered: tuple[Webhook, ...] = ()


def new_row(tenant_id: TenantId, endpoint: str, *, position: int) -> Webhook:
    """Return the own row of an endpoint that is told what comes after *position*."""
    return Webhook(
        tenant_id=tenant_id,
        endpoint=endpoint,
        about=ITSELF,
        version=1,
        state=WebhookState.OPEN,
        position=position,
    )


def passed(told: Told, number: int) -> Told:
    """Return how far the endpoint is once everything up to a number was sent, or waits behind its own record."""
    return attrs.evolve(told, own=attrs.evolve(told.own, position=max(number, told.own.position)))


def caught_up(told: Told, about: str) -> Told:
    """Return how far the endpoint is once it has all events of a record that it was behind with."""
    return attrs.evolve(told, behind={name: row for name, row in told.behind.items() if name != about})


def delivered(told: Told, link: HistoryLink, *, now: datetime) -> Told:
    """
    Return how far the endpoint is once an event was taken.

    If it took nothing while the events of other records failed more than once, it was down: these are tried again at
    once.
    """
    own, about = told.own, about_of(link.event)
    behind = {
        name: attrs.evolve(row, rests_until_at=None) if _failed_while_down(row, own) else row
        for name, row in told.behind.items()
    }
    if about in behind:
        behind[about] = _forward(behind[about], link.history_number, now=now)
    own = attrs.evolve(
        own, delivered_at=now, failing_since_at=None, last_error=None, tries_count=0, rests_until_at=None
    )
    return attrs.evolve(told, own=own, behind=behind)


def _failed_while_down(row: Webhook, own: Webhook) -> bool:
    since = row.failing_since_at
    has_failed_twice = row.tries_count > 1 and since is not None
    return has_failed_twice and (own.delivered_at is None or since is None or own.delivered_at < since)


def _forward(row: Webhook, number: int, *, now: datetime | None) -> Webhook:
    return attrs.evolve(
        row,
        position=number,
        tries_count=0,
        failing_since_at=None,
        rests_until_at=None,
        last_error=None,
        delivered_at=now if now is not None else row.delivered_at,
    )


def failed(
    told: Told, link: HistoryLink, verdict: Verdict, *, endpoint: WebhookEndpoint, now: datetime
) -> Told:
    """
    Return how far the endpoint is once an event was not taken: its record rests, and what comes later waits behind it.

    An event that was tried for `give_up_after` is set aside; those that waited behind it are next.
    """
    about, number, name = about_of(link.event), link.history_number, webhook_id(link)
    own = attrs.evolve(
        told.own,
        tries_count=told.own.tries_count + 1,
        failing_since_at=told.own.failing_since_at or now,
        last_error=verdict.problem,
        rests_until_at=now + verdict.rest if verdict.rest is not None else told.own.rests_until_at,
        state=WebhookState.DISABLED if verdict.is_gone else told.own.state,
    )
    before = told.behind.get(about)
    if before is None:
        before = attrs.evolve(
            new_row(own.tenant_id, own.endpoint, position=number - 1),
            about=about,
            version=0,
            state=WebhookState.BEHIND,
            callback_id=callback_of(link.event),
        )
    tries_count = before.tries_count + 1
    row = attrs.evolve(
        before,
        tries_count=tries_count,
        failing_since_at=before.failing_since_at or now,
        rests_until_at=now + rest_after(endpoint, tries_count=tries_count, name=name),
        last_error=verdict.problem,
    )
    assert row.failing_since_at is not None
    undelivered = told.undelivered
    if now - row.failing_since_at >= endpoint.give_up_after:
        undelivered = (*undelivered, _set_aside(row, number))
        row = _forward(row, number, now=None)
    return attrs.evolve(told, own=own, behind={**told.behind, about: row}, undelivered=undelivered)


def _set_aside(row: Webhook, number: int) -> Webhook:
    return attrs.evolve(
        row,
        about=f"event {number:020d}",
        version=1,
        state=WebhookState.UNDELIVERED,
        position=number,
        rests_until_at=None,
    )


def is_down(told: Told, *, endpoint: WebhookEndpoint) -> bool:
    """Whether so many fail that nothing new is sent until one of them is taken."""
    return len(told.behind) >= endpoint.behind_max


def due_at(told: Told, *, now: datetime) -> datetime | None:
    """Return when something that has failed is tried again; None if nothing rests. What is new is due at once."""
    own = told.own
    if own.state is not WebhookState.OPEN:
        return None
    if own.rests_until_at is not None and own.rests_until_at > now:
        return own.rests_until_at
    return min((row.rests_until_at or now for row in told.behind.values()), default=None)
