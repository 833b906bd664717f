"""
History as a chain: each event is sealed by a digest over itself and over the digest before it.

The rule: a digest depends on what an event says, never on how or when its class was written. So the text of an event
leaves out every field that has the default of its class: a class that gains a field with a default keeps the digests
of its old events. What a default is must not change any more, nor may a field that had none be given one.

A digest proves that nothing was changed as long as the last one is known from elsewhere: who can rewrite a whole
chain can reckon it anew, for there is no secret in it.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from hashlib import sha256
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, cast

import attrs

from callbackq.events.base import Event
from callbackq.model import Entity

SEPARATOR: Final = "\n"
"""What stands between the digest before and the text. Neither of them can hold it."""

RECORD_IDS: Final[Mapping[Entity, str]] = MappingProxyType(
    {
        Entity.CALLBACK: "callback_id",
        Entity.CALL: "call_id",
        Entity.AGENT: "agent_id",
        Entity.ATTEMPT: "attempt_id",
        Entity.QUEUE: "queue",
        Entity.BOOKING: "booking_id",
        Entity.OPT_OUT: "number_key",
        Entity.MESSAGE: "message_id",
        Entity.HISTORY: "history_id",
    }
)
"""By which field an event names the record that it is about."""

_MICROSECOND: Final = timedelta(microseconds=1)


def record_id_of(event: Event) -> str:
    """
    Return the id of the record that *event* is about: with its `entity`, the name of the chain.

    >>> from callbackq.events import OptOutChanged
    >>> from callbackq.testing.builders import make_event
    >>> record_id_of(make_event(OptOutChanged, number_key="5e8f"))
    '5e8f'
    """
    return cast("str", getattr(event, RECORD_IDS[event.entity]))


def text_of(event: Event) -> str:
    """
    Return *event* as JSON that is the same every time: fields in order, instants in UTC, enums by value, all ASCII.

    Raises:
        ValueError: an instant is naive, or a number is not finite.
        TypeError: a value has no plain form.

    Cost: about ten microseconds.

    >>> from callbackq.events import CallbackWatched
    >>> from callbackq.testing.builders import make_event
    >>> text_of(make_event(CallbackWatched, due_at=None, due_reason=None))[:44]
    '{"at":"2026-01-05T08:00:00.000000Z","callbac'
    """
    kind: Any = type(event)
    get, names, defaults = _shape(kind)
    fields = dict(zip(names, get(event), strict=True))
    for name, default in defaults:
        if fields[name] == default:
            del fields[name]
    fields["entity"] = kind.entity
    fields["kind"] = kind.kind
    return _to_json(fields)


@lru_cache(maxsize=1024)
def utc_text(instant: datetime) -> str:
    """
    Write an *instant* of UTC as text of one width. A record and its events mostly hold the same few.

    >>> utc_text(datetime(2026, 1, 5, 8, tzinfo=UTC))
    '2026-01-05T08:00:00.000000Z'
    """
    return instant.isoformat(timespec="microseconds")[:-6] + "Z"


def digest_of(previous: str, event: Event) -> str:
    """
    Return the digest of *event*: SHA-256, in hex, over the digest before it, a line feed, and its text.

    Args:
        previous: the digest of the event before it in the same chain; empty for the first.

    Raises:
        ValueError: an instant is naive, or a number is not finite.
    """
    return sha256(f"{previous}{SEPARATOR}{text_of(event)}".encode("ascii")).hexdigest()


@cache
def _shape(
    kind: Any,
) -> tuple[Callable[[Event], tuple[Any, ...]], tuple[str, ...], tuple[tuple[str, Any], ...]]:
    """Return how the fields of one class are read, their names, and which have what default."""
    names = tuple(field.name for field in attrs.fields(kind))
    defaults = tuple(
        (field.name, _default_of(field.default))
        for field in attrs.fields(kind)
        if field.default is not attrs.NOTHING
    )
    return attrgetter(*names), names, defaults


def _default_of(default: Any) -> Any:
    return default.factory() if hasattr(default, "factory") else default


def _plain(value: Any) -> Any:
    """Turn into something plain what JSON does not know."""
    if isinstance(value, datetime):
        if value.tzinfo is UTC:
            return utc_text(value)
        if value.utcoffset() is None:
            msg = f"an instant must be aware: {value!r}"
            raise ValueError(msg)
        return utc_text(value.astimezone(UTC))
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, timedelta):
        return value // _MICROSECOND
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    msg = f"an event cannot hold a {type(value).__name__}"
    raise TypeError(msg)


def json_writer(encoder: json.JSONEncoder) -> Callable[[Any], str]:
    """
    Return what writes JSON as *encoder* does, prepared once: an encoder prepares itself anew for each value.

    Args:
        encoder: one that writes without indents, and looks for no circles.
    """
    prepare = getattr(json.encoder, "c_make_encoder", None)
    if prepare is None or encoder.check_circular:
        return encoder.encode
    texts = json.encoder.encode_basestring_ascii if encoder.ensure_ascii else json.encoder.encode_basestring
    separators = encoder.key_separator, encoder.item_separator
    rules = encoder.sort_keys, encoder.skipkeys, encoder.allow_nan
    run = prepare(None, encoder.default, texts, None, *separators, *rules)
    return lambda value: "".join(run(value, 0))


_to_json: Final = json_writer(
    json.JSONEncoder(
        ensure_ascii=True,
        check_circular=False,
        allow_nan=False,
        sort_keys=True,
        separators=(",", ":"),
        default=_plain,
    )
)
