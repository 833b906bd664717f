"""The codec: plain, readable columns that give back exactly what was put in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq import events
from callbackq.errors import SchemaMismatch
from callbackq.events import Event
from callbackq.model import (
    Agent,
    Attempt,
    Booking,
    Callback,
    CallbackState,
    Conversation,
    Disposition,
    LiveCall,
    Message,
    Node,
    OptOut,
    Outcome,
    SlotCount,
    SlotDay,
    Subject,
    Tally,
    Verification,
    Webhook,
)
from callbackq.stores import rows
from callbackq.stores.rows import (
    EVENT_COLUMNS,
    RecordRows,
    decode_event,
    decode_instant,
    encode_event,
    encode_instant,
    event_classes,
)
from callbackq.testing.builders import (
    make_agent,
    make_attempt,
    make_booking,
    make_call,
    make_callback,
    make_conversation,
    make_event,
    make_message,
    make_node,
    make_opt_out,
    make_slot_count,
    make_slot_day,
    make_subject,
    make_tally,
    make_verification,
    make_webhook,
)
from callbackq.testing.clock import START

CODECS: list[tuple[RecordRows[Any], type[Any], Any]] = [
    (rows.CALLBACK_ROWS, Callback, make_callback),
    (rows.CALL_ROWS, LiveCall, make_call),
    (rows.AGENT_ROWS, Agent, make_agent),
    (rows.ATTEMPT_ROWS, Attempt, make_attempt),
    (rows.BOOKING_ROWS, Booking, make_booking),
    (rows.SLOT_ROWS, SlotCount, make_slot_count),
    (rows.SLOT_DAY_ROWS, SlotDay, make_slot_day),
    (rows.SUBJECT_ROWS, Subject, make_subject),
    (rows.TALLY_ROWS, Tally, make_tally),
    (rows.VERIFICATION_ROWS, Verification, make_verification),
    (rows.OPT_OUT_ROWS, OptOut, make_opt_out),
    (rows.MESSAGE_ROWS, Message, make_message),
    (rows.CONVERSATION_ROWS, Conversation, make_conversation),
    (rows.NODE_ROWS, Node, make_node),
    (rows.WEBHOOK_ROWS, Webhook, make_webhook),
]
each_codec = pytest.mark.parametrize(
    ("codec", "cls", "make"), CODECS, ids=lambda value: getattr(value, "__name__", "")
)
each_event_class = pytest.mark.parametrize("event_class", event_classes(), ids=lambda cls: cls.kind)

INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


def as_dict(event: Event) -> dict[str, Any]:
    """Return the columns of *event* by name."""
    return dict(zip(EVENT_COLUMNS, encode_event(event), strict=True))


# ---------------------------------------------------------------------------- instants


def test_an_instant_is_utc_text_of_one_width() -> None:
    """It reads as it sorts."""
    assert encode_instant(START) == "2026-01-05T08:00:00.000000Z"
    assert encode_instant(START.astimezone(timezone(timedelta(hours=9)))) == "2026-01-05T08:00:00.000000Z"


@settings(max_examples=200, derandomize=True)
@given(first=INSTANTS, second=INSTANTS)
def test_texts_of_instants_sort_as_time_does(first: datetime, second: datetime) -> None:
    """Every instant has the same width, comes back exactly, and sorts as text."""
    texts = encode_instant(first), encode_instant(second)
    assert [len(text) for text in texts] == [27, 27]
    assert (decode_instant(texts[0]), decode_instant(texts[1])) == (first, second)
    assert (texts[0] < texts[1]) == (first < second)


def test_a_naive_instant_is_refused() -> None:
    """A time without a zone is no instant."""
    with pytest.raises(ValueError, match="aware"):
        encode_instant(datetime(2026, 1, 5))  # noqa: DTZ001


def test_both_readings_of_a_repeated_hour_are_kept_apart() -> None:
    """When clocks go back, the same wall time names two instants."""
    from zoneinfo import ZoneInfo

    first = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    second = first.replace(fold=1)
    assert encode_instant(first) == "2026-10-25T00:30:00.000000Z"
    assert encode_instant(second) == "2026-10-25T01:30:00.000000Z"


# ---------------------------------------------------------------------------- records


@each_codec
def test_columns_are_the_fields(codec: RecordRows[Any], cls: type[Any], make: Any) -> None:
    """A column has the name of its field, and tenant, key and version come first."""
    assert codec.columns == tuple(field.name for field in attrs.fields(cls))
    keys = {
        SlotCount: ("queue", "slot_at"),
        SlotDay: ("queue", "day"),
        Webhook: ("endpoint", "about"),
    }
    assert codec.key == keys.get(cls, (codec.columns[1],))
    assert codec.columns[1].endswith(("_id", "key")) or cls in keys
    assert codec.columns[: 2 + len(codec.key)] == ("tenant_id", *codec.key, "version")
    assert codec.key_of(codec.encode(make("x_1"))).startswith("x_1")


@each_codec
def test_a_record_is_made_of_plain_values_and_comes_back(
    codec: RecordRows[Any], cls: type[Any], make: Any
) -> None:
    """SQLite and any other database is given exact plain types only."""
    record = make("x_1")
    row = codec.encode(record)
    assert {type(value) for value in row} <= {str, int, float, type(None)}
    assert codec.decode(row) == record
    assert codec.decode(tuple(row)) == record


def test_values_are_what_a_person_would_write() -> None:
    """Enums by value, booleans as 0 or 1, lists and mappings as JSON."""
    callback = make_callback(state=CallbackState.HELD, last_disposition=Disposition.NO_ANSWER)
    row = dict(zip(rows.CALLBACK_ROWS.columns, rows.CALLBACK_ROWS.encode(callback), strict=True))
    assert (row["state"], row["last_disposition"], row["outcome"]) == ("held", "no_answer", None)
    agent = make_agent(queues=("support", "sales"), leaving=True)
    row = dict(zip(rows.AGENT_ROWS.columns, rows.AGENT_ROWS.encode(agent), strict=True))
    assert (row["queues"], row["skills"], row["leaving"]) == ('["support","sales"]', "[]", 1)
    subject = make_subject(contexts={"cb_1": {"Straße": "“Hügel”"}})
    row = dict(zip(rows.SUBJECT_ROWS.columns, rows.SUBJECT_ROWS.encode(subject), strict=True))
    assert row["contexts"] == '{"cb_1":{"Straße":"“Hügel”"}}'


def test_a_length_is_whole_microseconds() -> None:
    """Exact, and a number to whoever reads it."""
    booking = make_booking(length=timedelta(minutes=15, microseconds=1))
    row = dict(zip(rows.BOOKING_ROWS.columns, rows.BOOKING_ROWS.encode(booking), strict=True))
    assert row["length"] == 900_000_001
    assert rows.BOOKING_ROWS.decode(tuple(row.values())) == booking


def test_a_type_without_a_plain_form_is_refused_when_the_class_is_read() -> None:
    """The mistake shows at once, not when a row is written."""

    @attrs.frozen
    class Odd:
        tenant_id: str
        odd_id: str
        bad: set[str]

    with pytest.raises(TypeError, match="no column can hold"):
        RecordRows(Odd)  # type: ignore[type-var]


# ---------------------------------------------------------------------------- events


@each_event_class
def test_every_event_comes_back(event_class: type[Event]) -> None:
    """Encoding and decoding is the identity, and the class is found by its kind."""
    event = make_event(event_class)
    row = encode_event(event)
    assert {type(value) for value in row} <= {str, int, float, type(None)}
    assert len(row) == len(EVENT_COLUMNS)
    assert decode_event(row) == event
    assert type(decode_event(row)) is event_class


@each_event_class
def test_every_field_stands_in_one_place(event_class: type[Event]) -> None:
    """A field has its own column, or stands in `detail`, never in both."""
    row = as_dict(make_event(event_class))
    detail = set(json.loads(row["detail"] or "{}"))
    fields = {field.name for field in attrs.fields(event_class)}
    assert detail.isdisjoint(EVENT_COLUMNS)
    assert fields - detail <= set(EVENT_COLUMNS)
    assert (row["entity"], row["kind"]) == (event_class.entity.value, event_class.kind)


def test_the_columns_that_reports_ask_for_stand_by_themselves() -> None:
    """Queue, people, dispositions and outcomes need no JSON."""
    row = as_dict(make_event(events.CallbackEnded, outcome=Outcome.EXPIRED, reason="late"))
    assert (row["kind"], row["outcome"], row["reason"]) == ("callback_ended", "expired", "late")
    row = as_dict(make_event(events.AttemptEnded, disposition=Disposition.BUSY))
    assert (row["disposition"], row["callback_id"], row["attempt_id"]) == (
        "busy",
        "callback_id_1",
        "attempt_id_1",
    )


def test_an_event_without_other_fields_has_no_detail() -> None:
    """Nothing is not written as an empty object."""
    assert as_dict(make_event(events.CallbackWatched))["detail"] is None


def test_a_field_that_an_older_version_did_not_write_has_its_default() -> None:
    """Old history can be read after an event class has grown."""
    event = make_event(events.AttemptMoved, raw_cause="Q.850 17")
    row = encode_event(event)
    detail = json.loads(str(row[-1]))
    del detail["raw_cause"]
    row[-1] = json.dumps(detail)
    assert decode_event(row) == attrs.evolve(event, raw_cause=None)


def test_an_unknown_kind_says_that_a_newer_version_wrote_it() -> None:
    """Nothing is guessed."""
    row = encode_event(make_event(events.CallbackReady))
    row[EVENT_COLUMNS.index("kind")] = "callback_sang"
    with pytest.raises(SchemaMismatch, match="callback_sang"):
        decode_event(row)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_know_is_refused(value: float) -> None:
    """What other programs could not read is not written."""
    with pytest.raises(ValueError, match="JSON"):
        encode_event(make_event(events.CallOffered, quoted_wait_s=value))


def test_event_classes_are_the_concrete_ones() -> None:
    """Bases are left out, and no kind is said twice."""
    classes = event_classes()
    assert events.CallbackRequested in classes
    assert events.CallbackEvent not in classes
    assert Event not in classes
    kinds = [cls.kind for cls in classes]
    assert kinds == sorted(set(kinds))


LATER = """
from datetime import datetime, timedelta
from collections.abc import Mapping
import enum, json
import attrs
from callbackq.events import CallbackEvent
from callbackq.model import Role
from callbackq.stores.rows import EVENT_COLUMNS, decode_event, encode_event, event_classes
from callbackq.testing.builders import make_event

class Size(enum.IntEnum):
    SMALL = 1

@attrs.frozen(kw_only=True)
class CallbackSang(CallbackEvent):
    queue: str
    reason: int
    size: Size
    songs: tuple[tuple[str, ...], ...]
    by_role: Mapping[str, Role | None]
    length: timedelta
    loud: bool
    pitch: float
    sung_at: datetime | None
    attempt_id: None = None

event = make_event(CallbackSang)
row = dict(zip(EVENT_COLUMNS, encode_event(event)))
assert CallbackSang in event_classes()
assert row["kind"] == "callback_sang" and row["queue"] == "queue_1" and row["reason"] is None
assert json.loads(row["detail"])["reason"] == 1
assert decode_event(list(row.values())) == event
sparse = attrs.evolve(event, sung_at=None, by_role={"a": None}, songs=())
assert decode_event(encode_event(sparse)) == sparse
print("understood")
"""


def test_an_event_class_that_is_added_later_needs_no_change() -> None:
    """Types decide alone. In a process of its own, so that no other test meets the class."""
    done = subprocess.run(
        [sys.executable, "-c", LATER],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("understood", "")
