"""
Rows: the one codec between frozen records or events and plain columns.

The rule: a column has the name of its field, and holds what a person or a report can read. Instants are UTC
text of one width (`2026-01-05T08:00:00.000000Z`: it sorts as it reads), enums are their value, booleans are 0
or 1, durations are whole microseconds, tuples and mappings are JSON. What a field becomes follows from its
type alone, so a field or an event class that is added later needs no change here.

A database that has instants and booleans of its own is given them as they are: such a store asks for the
`native` rows. Inside JSON they are text and 0 or 1 there too.

Type hints are read once per class; after that a row costs a few microseconds.
"""

from __future__ import annotations

import enum
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar, cast

import attrs

from callbackq.errors import SchemaMismatch
from callbackq.events import Event
from callbackq.events.chain import json_writer, utc_text
from callbackq.ids import TenantId
from callbackq.model import (
    Agent,
    AgentState,
    Attempt,
    AttemptState,
    Booking,
    BookingState,
    Callback,
    CallbackState,
    CallState,
    Conversation,
    LiveCall,
    Message,
    MessageState,
    Node,
    NodeState,
    OptOut,
    QueueControl,
    Record,
    SlotCount,
    SlotDay,
    Subject,
    Tally,
    Verification,
    Webhook,
)
from callbackq.ports import Ended

Value = str | int | float | None
"""What a column can hold."""

NativeValue = Value | datetime
"""What a column can hold where the database knows instants and booleans."""

RecordT = TypeVar(
    "RecordT",
    Callback,
    LiveCall,
    Agent,
    Attempt,
    Booking,
    SlotCount,
    SlotDay,
    Subject,
    QueueControl,
    Tally,
    Verification,
    OptOut,
    Message,
    Conversation,
    Node,
    Webhook,
)

MOMENTS: Final[Mapping[type[Any], str]] = {
    Callback: "requested_at",
    LiveCall: "entered_at",
    Attempt: "started_at",
    Booking: "held_at",
    Message: "created_at",
}
"""The moment from which a record counts, where a part of all of them is listed."""

Saved = Record | Subject | SlotCount | SlotDay | Tally | Verification | Conversation | Node | Webhook
"""Whatever `Transaction.save` takes."""

_Convert = Callable[[Any], Any]

# ---------------------------------------------------------------------------- values


def encode_instant(instant: datetime) -> str:
    """
    Write *instant* as UTC text of one width.

    Raises:
        ValueError: it is naive.

    >>> encode_instant(datetime(2026, 1, 5, 8, tzinfo=UTC))
    '2026-01-05T08:00:00.000000Z'
    """
    return utc_text(instant if instant.tzinfo is UTC else as_utc(instant))


decode_instant: Final = datetime.fromisoformat
"""Read what `encode_instant` wrote."""

_MICROSECOND: Final = timedelta(microseconds=1)


def _encode_duration(duration: timedelta) -> int:
    return duration // _MICROSECOND


def _decode_duration(microseconds: int) -> timedelta:
    return timedelta(microseconds=microseconds)


to_json: Final = json_writer(
    json.JSONEncoder(
        ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"), default=dict
    )
)
"""Write a value as compact JSON; any mapping is an object. Raises: ValueError for NaN and infinity."""

from_json: Final[Callable[[str], Any]] = json.JSONDecoder().decode
"""Read what `to_json` wrote."""


def as_utc(instant: datetime) -> datetime:
    """
    Return *instant* in UTC.

    Raises:
        ValueError: it is naive.
    """
    if instant.tzinfo is UTC:
        return instant
    if instant.utcoffset() is None:
        msg = f"an instant must be aware: {instant!r}"
        raise ValueError(msg)
    return instant.astimezone(UTC)


@attrs.frozen
class _Codec:
    """How the values of one type become plain ones, and back. None stands for itself everywhere."""

    encode: _Convert | None = None
    decode: _Convert | None = None
    is_text: bool = False
    """The plain value is text, or always None."""
    is_structure: bool = False
    """The plain value is a list or an object: JSON when it has a column of its own."""
    is_list: bool = False


def _codec(hint: Any, *, native: bool = False) -> _Codec:
    """Find the codec of a type. Raises: TypeError where a type has no plain form."""
    if isinstance(hint, typing.NewType):
        return _codec(hint.__supertype__, native=native)
    arguments = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin is types.UnionType or origin is typing.Union:
        inner = [argument for argument in arguments if argument is not types.NoneType]
        if len(inner) == 1:
            return _codec(inner[0], native=native)
    elif origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return _tuple_codec(_codec(arguments[0]))
    elif isinstance(origin, type) and issubclass(origin, Mapping) and arguments[0] is str:
        return _mapping_codec(_codec(arguments[1]))
    elif isinstance(hint, type):
        found = (_NATIVE.get(hint) if native else None) or _class_codec(hint)
        if found is not None:
            return found
    msg = f"no column can hold a {hint!r}"
    raise TypeError(msg)


def _class_codec(cls: type) -> _Codec | None:
    if issubclass(cls, enum.Enum):
        members = {member: member.value for member in cls}
        values = {value: member for member, value in members.items()}
        return _Codec(encode=members.__getitem__, decode=values.__getitem__, is_text=issubclass(cls, str))
    return _PLAIN.get(cls)


_PLAIN: Final[Mapping[Any, _Codec]] = {
    str: _Codec(is_text=True),
    types.NoneType: _Codec(is_text=True),
    int: _Codec(),
    float: _Codec(),
    bool: _Codec(encode=int, decode=bool),
    datetime: _Codec(encode=encode_instant, decode=decode_instant, is_text=True),
    timedelta: _Codec(encode=_encode_duration, decode=_decode_duration),
}


_NATIVE: Final[Mapping[Any, _Codec]] = {bool: _Codec(), datetime: _Codec(encode=as_utc)}


def _optional(convert: _Convert | None) -> _Convert:
    """Let None through."""
    if convert is None:
        return lambda value: value
    return lambda value: None if value is None else convert(value)


def _tuple_codec(item: _Codec) -> _Codec:
    encode, decode = _optional(item.encode), _optional(item.decode)
    return _Codec(
        encode=lambda values: [encode(value) for value in values],
        decode=lambda values: tuple(decode(value) for value in values),
        is_structure=True,
        is_list=True,
    )


def _mapping_codec(item: _Codec) -> _Codec:
    encode, decode = _optional(item.encode), _optional(item.decode)
    return _Codec(
        encode=lambda values: {key: encode(value) for key, value in values.items()},
        decode=lambda values: {key: decode(value) for key, value in values.items()},
        is_structure=True,
    )


def _column_codec(codec: _Codec) -> _Codec:
    """Turn the codec of a structure into one that makes JSON text."""
    if not codec.is_structure:
        return codec
    encode, decode = _optional(codec.encode), _optional(codec.decode)
    empty = decode([]) if codec.is_list else None
    return _Codec(
        encode=lambda value: to_json(encode(value)),
        decode=lambda text: decode(from_json(text)) if text != "[]" else empty,
        is_text=True,
    )


def _codecs(cls: type[Any], *, native: bool = False) -> dict[str, _Codec]:
    """Find the codec of every field of an attrs class, in order."""
    hints = typing.get_type_hints(cls)
    return {field.name: _codec(hints[field.name], native=native) for field in attrs.fields(cls)}


def _steps(converters: Sequence[_Convert | None]) -> tuple[tuple[int, _Convert], ...]:
    """Keep the places where something must be done."""
    return tuple((index, convert) for index, convert in enumerate(converters) if convert is not None)


def _convert(values: list[Any], steps: tuple[tuple[int, _Convert], ...]) -> None:
    for index, convert in steps:
        value = values[index]
        if value is not None:
            values[index] = convert(value)


# ---------------------------------------------------------------------------- records


class RecordRows(Generic[RecordT]):
    """
    Reads and writes the rows of one record class. Its columns are the fields, in their order.

    The tenant comes first; what stands between it and the version names a row within its tenant: the key.

    Args:
        native: whether instants and booleans stay what they are. Instants that are read must be in UTC then.
    """

    def __init__(self, record_class: type[RecordT], *, native: bool = False) -> None:
        codecs = {name: _column_codec(codec) for name, codec in _codecs(record_class, native=native).items()}
        self.columns: Final = tuple(codecs)
        self.key: Final = self.columns[1 : self.columns.index("version")]
        self._record_class: Callable[..., RecordT] = record_class
        self._get: Callable[[RecordT], tuple[Any, ...]] = attrgetter(*codecs)
        self._encoders = _steps([codec.encode for codec in codecs.values()])
        self._decoders = _steps([codec.decode for codec in codecs.values()])

    def key_of(self, row: Sequence[NativeValue]) -> str:
        """Return the key of these columns, as a message may name it."""
        return " ".join(str(value) for value in row[1 : 1 + len(self.key)])

    def encode(self, record: RecordT) -> list[Any]:
        """Return the columns of *record*: each a `Value`, or a `NativeValue` where these were asked for."""
        values = list(self._get(record))
        _convert(values, self._encoders)
        return values

    def decode(self, row: Sequence[NativeValue]) -> RecordT:
        """Return the record of these columns, which stand in the order of `columns`."""
        values: list[Any] = list(row)
        _convert(values, self._decoders)
        return self._record_class(**dict(zip(self.columns, values, strict=True)))


CALLBACK_ROWS: Final = RecordRows(Callback)
CALL_ROWS: Final = RecordRows(LiveCall)
AGENT_ROWS: Final = RecordRows(Agent)
ATTEMPT_ROWS: Final = RecordRows(Attempt)
BOOKING_ROWS: Final = RecordRows(Booking)
SLOT_ROWS: Final = RecordRows(SlotCount)
SLOT_DAY_ROWS: Final = RecordRows(SlotDay)
SUBJECT_ROWS: Final = RecordRows(Subject)
QUEUE_ROWS: Final = RecordRows(QueueControl)
TALLY_ROWS: Final = RecordRows(Tally)
VERIFICATION_ROWS: Final = RecordRows(Verification)
OPT_OUT_ROWS: Final = RecordRows(OptOut)
MESSAGE_ROWS: Final = RecordRows(Message)
CONVERSATION_ROWS: Final = RecordRows(Conversation)
NODE_ROWS: Final = RecordRows(Node)
WEBHOOK_ROWS: Final = RecordRows(Webhook)

_LAST_STATES: Final = frozenset(
    {
        CallbackState.ENDED,
        CallState.ENDED,
        AgentState.SIGNED_OUT,
        AttemptState.ENDED,
        BookingState.ENDED,
        MessageState.ENDED,
        NodeState.GONE,
    }
)


def check_record(record: Saved, *, tenant_id: TenantId) -> None:
    """
    Refuse what no store may hold.

    Raises:
        ValueError: the record belongs to another tenant; or it has not ended and lacks `due_at` or
            `due_reason`; or it has ended and has one; or it counts fewer than none.
    """
    if record.tenant_id != tenant_id:
        msg = f"a record of tenant {record.tenant_id!r} in a transaction of tenant {tenant_id!r}"
        raise ValueError(msg)
    if isinstance(record, Subject | QueueControl | OptOut):
        return
    if isinstance(record, SlotCount | SlotDay | Tally | Verification | Conversation | Webhook):
        if (least := min(_counts_of(record), default=0)) < 0:
            msg = f"a {type(record).__name__} cannot count {least}"
            raise ValueError(msg)
        return
    ended = record.state in _LAST_STATES
    if (record.due_at is None) is not ended or (record.due_reason is None) is not ended:
        need = "no due_at and no due_reason" if ended else "a due_at with a due_reason"
        msg = f"a {type(record).__name__} in state {record.state.value!r} must have {need}"
        raise ValueError(msg)


def check_ended(record: Ended, *, tenant_id: TenantId) -> None:
    """
    Refuse to remove what goes on.

    Raises:
        ValueError: the record belongs to another tenant, or has not ended.
    """
    if record.tenant_id != tenant_id:
        msg = f"a record of tenant {record.tenant_id!r} in a transaction of tenant {tenant_id!r}"
        raise ValueError(msg)
    if not isinstance(record, SlotCount | SlotDay) and record.state not in _LAST_STATES:
        msg = f"a {type(record).__name__} in state {record.state.value!r} is not to be removed"
        raise ValueError(msg)


def _counts_of(
    record: SlotCount | SlotDay | Tally | Verification | Conversation | Webhook,
) -> tuple[int, ...]:
    """Return what a record counts."""
    if isinstance(record, SlotCount):
        return record.usual_count, record.kept_count
    if isinstance(record, SlotDay):
        return (record.full_count,)
    return record.weights if isinstance(record, Tally) else (record.tries_count,)


def check_between(queue: str | None, agent_id: str | None) -> None:
    """Refuse a question about the bookings of everybody. Raises: ValueError."""
    if queue is None and agent_id is None:
        msg = "bookings are asked for of a queue, of an agent, or of both"
        raise ValueError(msg)


def check_event(event: Event, *, tenant_id: TenantId) -> None:
    """Refuse another tenant's event. Raises: ValueError."""
    if event.tenant_id != tenant_id:
        msg = f"an event of tenant {event.tenant_id!r} in a transaction of tenant {tenant_id!r}"
        raise ValueError(msg)


# ---------------------------------------------------------------------------- what must be unique

UNIQUE_RULES: Final[Mapping[str, str]] = types.MappingProxyType(
    {
        "id": "another row has this id",
        "request_key": "another callback was made under this request key",
        "dedup_key": "another callback that has not ended holds this dedup key",
        "callback_id": "another attempt that has not ended holds this callback",
        "number_key": "another attempt that has not ended holds this number key",
        "leg_id": "another attempt has this leg id",
        "booking_callback_id": "another booking that has not ended is for this callback",
        "agent_slot": "another booking that has not ended has this agent at this time",
        "identity": "another subject has this identity",
        "customer_id": "another subject has this customer id",
        "cause": "another message tells of this cause",
        "chain": "another transaction has gone on with this history",
    }
)
"""What a `UniquenessViolated` says, by rule."""

# ---------------------------------------------------------------------------- events

EVENT_COLUMNS: Final = (
    "tenant_id",
    "entity",
    "kind",
    "version",
    "at",
    "state",
    "due_at",
    "due_reason",
    "queue",
    "callback_id",
    "call_id",
    "attempt_id",
    "booking_id",
    "agent_id",
    "subject_id",
    "disposition",
    "outcome",
    "reason",
    "detail",
)
"""The columns of an event. A field that has none of its own stands in `detail`, a JSON object."""

CHAIN_COLUMNS: Final = ("record_id", "event_number", "digest")
"""The columns of an event's place in the chain of its record."""

_NUMBER_COLUMNS: Final = frozenset({"version"})
_DERIVED_COLUMNS: Final = frozenset({"entity", "kind", "detail"})


class EventRows:
    """
    Reads and writes the rows of one event class.

    Args:
        native: whether instants that have a column of their own stay what they are.
    """

    def __init__(self, event_class: type[Event], *, native: bool = False) -> None:
        codecs = _codecs(event_class)
        names = [
            name
            for name, codec in codecs.items()
            if name in EVENT_COLUMNS
            and name not in _DERIVED_COLUMNS
            and (codec.is_text or name in _NUMBER_COLUMNS)
        ]
        own = _codecs(event_class, native=native)
        plain = {name: own[name] for name in names}
        detail = {name: codec for name, codec in codecs.items() if name not in plain}
        every = {**plain, **detail}
        self.event_class: Final = event_class
        self._names = tuple(every)
        self._head = (event_class.entity.value, event_class.kind)
        self._get: Callable[[Event], tuple[Any, ...]] = attrgetter(*every)
        self._encoders = _steps([codec.encode for codec in every.values()])
        self._decoders = _steps([codec.decode for codec in plain.values()])
        self._places = tuple((EVENT_COLUMNS.index(name), at) for at, name in enumerate(plain))
        self._plain_count = len(plain)
        self._detail_names = tuple(detail)
        self._detail_decoders = {name: codec.decode for name, codec in detail.items()}

    def encode(self, event: Event) -> list[Any]:
        """Return the columns of *event*, in the order of `EVENT_COLUMNS`."""
        values = list(self._get(event))
        _convert(values, self._encoders)
        row: list[Any] = [None] * len(EVENT_COLUMNS)
        row[1], row[2] = self._head
        for column, at in self._places:
            row[column] = values[at]
        if self._detail_names:
            row[-1] = to_json(dict(zip(self._detail_names, values[self._plain_count :], strict=True)))
        return row

    def decode(self, row: Sequence[NativeValue]) -> Event:
        """Return the event of these columns. A field that an older version did not write has its default."""
        values: list[Any] = [row[column] for column, _ in self._places]
        _convert(values, self._decoders)
        fields = dict(zip(self._names, values, strict=False))
        detail = row[-1]
        if detail is not None:
            for name, value in cast("dict[str, Any]", from_json(cast("str", detail))).items():
                decode = self._detail_decoders.get(name)
                fields[name] = value if value is None or decode is None else decode(value)
        return self.event_class(**fields)


def _attrs_classes_below(event_class: type[Event]) -> list[type[Event]]:
    """List the classes below one. A class that attrs has replaced by a slotted one is left out."""
    return [
        found
        for child in event_class.__subclasses__()
        if "__attrs_attrs__" in vars(child)
        for found in (child, *_attrs_classes_below(child))
    ]


def event_classes() -> list[type[Event]]:
    """Return every event class that is not a mere base of others, by kind. Cost: a walk over all of them."""
    below = _attrs_classes_below(Event)
    bases = {base for found in below for base in found.__mro__[1:]}
    return sorted((found for found in below if found not in bases), key=attrgetter("kind"))


class EventCodec:
    """
    Reads and writes the rows of every event class. The hints of a class are read when it is first met.

    Args:
        native: whether instants that have a column of their own stay what they are.
    """

    def __init__(self, *, native: bool = False) -> None:
        self._is_native = native
        self._by_class: dict[type[Event], EventRows] = {}
        self._by_kind: dict[str, EventRows] = {}

    def _rows_of(self, event_class: type[Event]) -> EventRows:
        rows = self._by_class.get(event_class)
        if rows is None:
            rows = self._by_class[event_class] = EventRows(event_class, native=self._is_native)
        return rows

    def encode(self, event: Event) -> list[Any]:
        """Return the columns of *event*, in the order of `EVENT_COLUMNS`."""
        return self._rows_of(type(event)).encode(event)

    def decode(self, row: Sequence[NativeValue]) -> Event:
        """
        Return the event of these columns, equal to the one that was written.

        Raises:
            SchemaMismatch: no event class has this kind: a newer version wrote it.
        """
        kind = cast("str", row[2])
        rows = self._by_kind.get(kind)
        if rows is None:
            self._by_kind.update((found.kind, self._rows_of(found)) for found in event_classes())
            rows = self._by_kind.get(kind)
            if rows is None:
                msg = f"the history holds a {kind!r} event, which this version does not know"
                raise SchemaMismatch(msg)
        return rows.decode(row)


_TEXT_EVENTS: Final = EventCodec()
encode_event: Final = _TEXT_EVENTS.encode
"""Return the columns of an event, in the order of `EVENT_COLUMNS`."""

decode_event: Final = _TEXT_EVENTS.decode
"""Return the event of these columns. Raises: SchemaMismatch where no event class has its kind."""
