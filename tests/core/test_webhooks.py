"""What is sent of an event, how it is signed, and what follows from an answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq import events
from callbackq.core import webhooks
from callbackq.core.webhooks import Told, Verdict
from callbackq.events import (
    AttemptEnded,
    BookingHeld,
    CallbackEnded,
    CallbackReady,
    CallEnded,
    Event,
    MessageSent,
)
from callbackq.events.chain import record_id_of
from callbackq.ids import QueueName, TenantId
from callbackq.model import WebhookAnswer, WebhookState
from callbackq.ports import HistoryLink
from callbackq.testing.builders import make_event, make_webhook
from callbackq.testing.clock import START
from callbackq.testing.webhooks import SECRET, FakeReceiver, make_endpoint

ENDPOINT = make_endpoint(jitter_ratio=0, rests=[timedelta(seconds=5), timedelta(minutes=1)], behind_max=2)
KINDS = sorted(
    (kind for name in events.__all__ if hasattr(kind := getattr(events, name), "kind")),
    key=lambda kind: kind.kind,
)
SENT = frozenset(
    [
        "agent_id",
        "agent_leg",
        "agents_rung_count",
        "announces",
        "answered_by",
        "at",
        "attempt_id",
        "attempts_count",
        "booked_at",
        "booking_id",
        "by",
        "call_id",
        "callback_id",
        "called_in_id",
        "cause",
        "changed_at",
        "channel",
        "channels_over",
        "chains_count",
        "confirmation",
        "connected_at",
        "consent_at",
        "consent_ref",
        "created_at",
        "best_before_at",
        "customer_answered_at",
        "customer_leg",
        "customer_rang",
        "declined_at",
        "declined_offer_id",
        "declines_count",
        "delivery",
        "dialing_paused",
        "disposition",
        "ended_as",
        "ended_at",
        "ended_before_at",
        "entered_at",
        "events_count",
        "expires_at",
        "fold",
        "follow_up_due_at",
        "follows_id",
        "from_node_id",
        "held_at",
        "history_id",
        "hold_reason",
        "is_answer",
        "last_disposition",
        "late_at",
        "leaving",
        "leg_cause",
        "length",
        "merged_id",
        "merged_into_id",
        "message_id",
        "message_kind",
        "messages_at",
        "calls_at",
        "mode",
        "moves_count",
        "no_shows_count",
        "node_id",
        "notice",
        "notices",
        "number_index",
        "offer_id",
        "offer_until_at",
        "offering_paused",
        "offers_count",
        "outcome",
        "overtook_callbacks_count",
        "overtook_calls_count",
        "owner_id",
        "preferred_agent_id",
        "preferred_until_at",
        "priority",
        "purpose",
        "queue",
        "queues",
        "quoted_at",
        "quoted_by",
        "quoted_position",
        "quoted_position_exact",
        "quoted_wait_high_s",
        "quoted_wait_low_s",
        "quoted_wait_s",
        "reason",
        "reminded_at",
        "repeats",
        "report",
        "requested_at",
        "resolved",
        "returns_for_id",
        "role",
        "scheduled_at",
        "score",
        "seat",
        "segments_count",
        "sends_count",
        "sent_at",
        "series_id",
        "since_at",
        "skills",
        "slot_at",
        "started_at",
        "state",
        "subject_id",
        "taken_at",
        "ticket_id",
        "tries_count",
        "turn_at",
        "version",
        "waited_long_at",
        "wall_at",
        "window_until_at",
        "zone",
    ]
)
"""What may leave: no number, nothing by which one is found, and nothing of the engine's inside."""


def link_of(event: Event, *, number: int = 7, digest: str = "ab" * 32) -> HistoryLink:
    return HistoryLink(
        history_number=number,
        entity=event.entity,
        record_id=record_id_of(event),
        event_number=3,
        digest=digest,
        event=event,
    )


def ended(callback_id: str = "cb_1", *, number: int = 7) -> HistoryLink:
    return link_of(make_event(CallbackEnded, callback_id=callback_id), number=number, digest=f"{number:064x}")


def at(**after: Any) -> datetime:
    return START + timedelta(**after)


# ---------------------------------------------------------------------------- what is sent


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_of_every_field_it_is_decided_whether_it_leaves(kind: type[Event]) -> None:
    """A field that is added later must be put into one of the two lists."""
    names = {field.name for field in attrs.fields(kind)}
    assert names <= SENT | webhooks.WITHHELD
    assert not SENT & webhooks.WITHHELD


def test_the_payload_is_a_cloud_event() -> None:
    """With all that one must have; and the same bytes at every try."""
    link = ended(number=42)
    body = webhooks.payload(link, source="/callbackq/default")
    event = json.loads(body)
    data = event.pop("data")
    assert event == {
        "specversion": "1.0",
        "id": webhooks.webhook_id(link),
        "source": "/callbackq/default",
        "type": "callbackq.callback_ended.v1",
        "subject": "cb_1",
        "time": "2026-01-05T08:00:00.000000Z",
        "datacontenttype": "application/json",
        "sequence": "00000000000000000042",
    }
    assert (data["kind"], data["entity"], data["record_id"]) == ("callback_ended", "callback", "cb_1")
    assert (data["event_number"], data["history_number"]) == (3, 42)
    assert "due_at" not in data
    assert webhooks.payload(link, source="/callbackq/default") == body


@pytest.mark.parametrize(
    ("event", "about", "subject"),
    [
        (make_event(AttemptEnded, callback_id="cb_2"), "callback cb_2", "cb_2"),
        (make_event(MessageSent, callback_id="cb_2"), "callback cb_2", "cb_2"),
        (make_event(MessageSent, callback_id=None, message_id="ms_1"), "message ms_1", "ms_1"),
        (make_event(BookingHeld, callback_id=None, booking_id="bk_1"), "booking bk_1", "bk_1"),
        (make_event(CallEnded, call_id="c_1", callback_id="cb_2"), "call c_1", "c_1"),
    ],
)
def test_whose_order_an_event_belongs_to(event: Event, about: str, subject: str) -> None:
    """The callback's, for all that is part of its story; else its own record's."""
    assert webhooks.about_of(event) == about
    assert json.loads(webhooks.payload(link_of(event), source="s"))["subject"] == subject


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("call 212-555-0123 after 5", "call 2…23 after 5"),
        ("+12125550123", "+1…23"),
        ("(212) 555-0123", "(2…23"),
        ("order 123456, 17:30", "order 123456, 17:30"),
        (None, None),
    ],
)
def test_a_number_that_somebody_wrote_into_a_reason_is_masked(said: str | None, told: str | None) -> None:
    """Short ones are no phone numbers."""
    link = link_of(make_event(CallbackReady, reason=said, by=said))
    data = json.loads(webhooks.payload(link, source="s"))["data"]
    assert (data.get("reason"), data.get("by")) == (told, told)


def test_an_event_is_wanted_by_kind_and_queue() -> None:
    """Where queues are named, what concerns none is not wanted."""
    event = make_event(CallbackEnded)
    sales = make_endpoint(queues=["sales"])
    assert webhooks.is_wanted(event, endpoint=make_endpoint(), queue=None)
    assert webhooks.is_wanted(event, endpoint=sales, queue=QueueName("sales"))
    assert not webhooks.is_wanted(event, endpoint=sales, queue=QueueName("support"))
    assert not webhooks.is_wanted(event, endpoint=sales, queue=None)
    assert not webhooks.is_wanted(event, endpoint=make_endpoint(kinds=["call_*"]), queue=None)


def test_a_tenant_s_name_makes_a_source_that_is_a_reference() -> None:
    """Whatever it is."""
    assert webhooks.source_of(TenantId("acme.example")) == "/callbackq/acme.example"
    assert webhooks.source_of(TenantId("a b/é")) == "/callbackq/a%20b%2F%C3%A9"


def test_a_request_is_signed_with_every_secret_and_says_when() -> None:
    """The receiver checks it as the standard says; the try has a time of its own, the event one id."""
    endpoint = make_endpoint(secrets=["whsec_" + "Z" * 32, SECRET])
    order = webhooks.order(ended(), endpoint=endpoint, source="s", sent_at=at(seconds=1.9))
    assert FakeReceiver().send(order).status == 204
    assert order.headers["webhook-timestamp"] == str(int(START.timestamp()) + 1)
    assert order.headers["content-type"].startswith("application/cloudevents+json")
    with pytest.raises(AssertionError, match="no signature"):
        FakeReceiver(["whsec_" + "Y" * 32]).send(order)
    with pytest.raises(AssertionError, match="which event"):
        FakeReceiver().send(attrs.evolve(order, webhook_id="ev_2"))


# ---------------------------------------------------------------------------- answers and rests


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (WebhookAnswer(status=200), webhooks.DELIVERED),
        (WebhookAnswer(status=299, retry_after="60"), webhooks.DELIVERED),
        (WebhookAnswer(status=199), Verdict(problem="answered 199")),
        (WebhookAnswer(status=301), Verdict(problem="answered 301")),
        (WebhookAnswer(status=404), Verdict(problem="answered 404")),
        (WebhookAnswer(status=410), Verdict(problem="answered 410", is_gone=True)),
        (
            WebhookAnswer(status=429, retry_after="60"),
            Verdict(problem="answered 429", rest=timedelta(minutes=1)),
        ),
        (
            WebhookAnswer(status=503, retry_after="9" * 9),
            Verdict(problem="answered 503", rest=timedelta(hours=6)),
        ),
    ],
)
def test_what_an_answer_means(answer: WebhookAnswer, verdict: Verdict) -> None:
    """2xx and nothing else is a delivery."""
    assert webhooks.read_answer(answer, endpoint=ENDPOINT, now=START) == verdict


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("0", None),
        ("1.5", None),
        (" 30 ", timedelta(seconds=30)),
        ("Mon, 05 Jan 2026 08:10:00 GMT", timedelta(minutes=10)),
        ("Mon, 05 Jan 2026 08:10:00 -0000", timedelta(minutes=10)),
        ("Mon, 05 Jan 2026 07:59:00 GMT", None),
    ],
)
def test_a_rest_that_is_asked_for_is_read(text: str | None, rest: timedelta | None) -> None:
    """In seconds, or as a date; what cannot be read is not there."""
    assert webhooks.retry_after(text, now=START) == rest


@settings(max_examples=50, deadline=None, derandomize=True)
@given(tries=st.integers(1, 30), name=st.text(max_size=5), ratio=st.floats(0, 1))
def test_a_rest_is_the_policys_step_and_a_bounded_part_more(tries: int, name: str, ratio: float) -> None:
    """The same for the same try; after the last step as after the last."""
    endpoint = attrs.evolve(ENDPOINT, jitter_ratio=ratio)
    rest = webhooks.rest_after(endpoint, tries_count=tries, name=name)
    step = ENDPOINT.rests[0 if tries == 1 else 1]
    assert step <= rest <= step * (1 + ratio)
    assert webhooks.rest_after(endpoint, tries_count=tries, name=name) == rest


def test_two_that_failed_together_are_not_tried_together() -> None:
    """By how much a rest is longer follows from the event."""
    endpoint = attrs.evolve(ENDPOINT, jitter_ratio=1)
    assert len({webhooks.rest_after(endpoint, tries_count=1, name=f"ev_{n}") for n in range(50)}) == 50


# ---------------------------------------------------------------------------- what follows

FAILED = Verdict(problem="answered 500")


def fail(told: Told, link: HistoryLink, verdict: Verdict = FAILED, *, now: datetime = START) -> Told:
    return webhooks.failed(told, link, verdict, endpoint=ENDPOINT, now=now)


NEW = Told(own=make_webhook(position=3), behind={})


def test_an_event_that_failed_is_what_its_record_is_behind_with() -> None:
    """From just before it; the endpoint itself says since when, and why."""
    told = fail(NEW, ended("cb_1", number=7))
    (row,) = told.behind.values()
    assert (row.about, row.callback_id, row.state) == ("callback cb_1", "cb_1", WebhookState.BEHIND)
    assert (row.position, row.tries_count, row.version) == (6, 1, 0)
    assert (row.failing_since_at, row.rests_until_at) == (START, at(seconds=5))
    assert (told.own.failing_since_at, told.own.last_error) == (START, "answered 500")
    assert told.own.rests_until_at is None
    again = fail(told, ended("cb_1", number=7), now=at(seconds=5))
    (row,) = again.behind.values()
    assert (row.tries_count, row.failing_since_at, row.rests_until_at) == (2, START, at(seconds=65))
    assert again.own.failing_since_at == START
    assert again.own.tries_count == 2


def test_the_next_event_of_a_record_begins_anew() -> None:
    """What failed before is taken: the one behind it has its own tries."""
    told = webhooks.delivered(fail(NEW, ended(number=7)), ended(number=7), now=at(seconds=5))
    (row,) = told.behind.values()
    assert (row.position, row.tries_count, row.failing_since_at, row.last_error) == (7, 0, None, None)
    assert (told.own.delivered_at, told.own.last_error) == (at(seconds=5), None)
    assert webhooks.caught_up(told, "callback cb_1").behind == {}
    assert webhooks.caught_up(told, "callback cb_2") == told


def test_an_event_is_set_aside_when_it_was_tried_for_long_enough() -> None:
    """Only then; and its record goes on behind it."""
    told = fail(NEW, ended(number=7))
    almost = fail(told, ended(number=7), now=at(days=3, microseconds=-1))
    assert almost.undelivered == ()
    over = fail(told, ended(number=7), now=at(days=3))
    (given_up,) = over.undelivered
    assert (given_up.about, given_up.position) == ("event 00000000000000000007", 7)
    assert (given_up.state, given_up.tries_count) == (WebhookState.UNDELIVERED, 2)
    assert (given_up.callback_id, given_up.failing_since_at) == ("cb_1", START)
    (row,) = over.behind.values()
    assert (row.position, row.tries_count, row.rests_until_at) == (7, 0, None)


def test_what_failed_while_the_endpoint_was_down_is_tried_at_once_when_it_is_back() -> None:
    """It took nothing since then. Where it did, the event is at fault, and keeps its rest."""
    told = fail(fail(NEW, ended("cb_1")), ended("cb_1"), now=at(minutes=1))
    back = webhooks.delivered(told, ended("cb_2", number=9), now=at(minutes=1, seconds=1))
    assert back.behind["callback cb_1"].rests_until_at is None
    at_fault = fail(back, ended("cb_1"), now=at(minutes=2))
    later = webhooks.delivered(at_fault, ended("cb_3", number=11), now=at(minutes=2, seconds=1))
    assert later.behind["callback cb_1"].rests_until_at == at_fault.behind["callback cb_1"].rests_until_at
    once = webhooks.delivered(fail(NEW, ended("cb_1")), ended("cb_2", number=9), now=at(seconds=1))
    assert once.behind["callback cb_1"].rests_until_at == at(seconds=5)


def test_too_many_that_fail_mean_that_the_endpoint_is_down() -> None:
    """As many as its policy says."""
    one = fail(NEW, ended("cb_1"))
    assert not webhooks.is_down(one, endpoint=ENDPOINT)
    assert webhooks.is_down(fail(one, ended("cb_2")), endpoint=ENDPOINT)


def test_the_cursor_only_goes_on() -> None:
    """Never back."""
    assert webhooks.passed(NEW, 9).own.position == 9
    assert webhooks.passed(NEW, 2).own.position == 3


def test_when_something_is_due_again() -> None:
    """The earliest of what rests; but not before the endpoint's own rest is over, and never if it is closed."""
    assert webhooks.due_at(NEW, now=START) is None
    told = fail(fail(NEW, ended("cb_1")), ended("cb_2"), now=at(seconds=2))
    assert webhooks.due_at(told, now=START) == at(seconds=5)
    asked = fail(told, ended("cb_2"), Verdict(problem="answered 429", rest=timedelta(hours=1)))
    assert webhooks.due_at(asked, now=START) == at(hours=1)
    assert webhooks.due_at(asked, now=at(hours=1)) == at(seconds=5)
    gone = fail(told, ended("cb_2"), Verdict(problem="answered 410", is_gone=True))
    assert gone.own.state is WebhookState.DISABLED
    assert webhooks.due_at(gone, now=START) is None
    ready = webhooks.delivered(told, ended("cb_1"), now=START)
    assert webhooks.due_at(ready, now=START) == START


def test_a_new_endpoint_is_told_what_comes_after_its_position() -> None:
    """Its own row is about itself."""
    row = webhooks.new_row(TenantId("t"), "crm", position=5)
    assert (row.about, row.position, row.state, row.version) == ("", 5, WebhookState.OPEN, 1)
    assert START.tzinfo is UTC
