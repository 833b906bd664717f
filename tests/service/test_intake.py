"""Every way in: web and app, an agent's follow-up, business events in bulk, callers who hung up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from callbackq import (
    CallbackState,
    CallOutcome,
    Channel,
    ConnectCall,
    Dispatcher,
    DuplicateCallback,
    InvalidNumber,
    InvalidPriority,
    InvalidText,
    MemoryStore,
    Person,
    QueuePolicy,
    Store,
    UnknownQueue,
)
from callbackq.testing import START, Behaviour, FakeTickets, VirtualHost
from service.scenes import dials

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
BOB, EVE = "+12125550101", "+12125550102"


def number(index: int) -> str:
    """Return one of many numbers that are valid in form."""
    return f"+1212555{index:04d}"


# ---------------------------------------------------------------------------- web and app


def test_a_web_request_joins_the_end_of_the_line_and_opens_a_ticket(store: Store) -> None:
    """B2: name, number, issue; a ticket through its port, kept with the promise."""
    tickets = FakeTickets()
    host = VirtualHost(store, [QueuePolicy(queue="support")], tickets=tickets)
    host.service.call_joined("support", call_id="before")
    host.clock.advance(SECOND)
    receipt = host.service.request(
        "support", number="(212) 555-0101", name="Bob", context={"issue": "invoice"}, request_key="form-1"
    )
    assert receipt.position is not None
    assert receipt.position.number == 2
    callback = host.service.get(receipt.callback_id)
    assert (callback.channel, callback.ticket_id) == (Channel.WEB, "ticket-1")
    (order,) = tickets.orders
    assert (order.number, order.name, order.context) == (BOB, "Bob", {"issue": "invoice"})
    assert "5550101" not in repr(order)
    assert host.service.request("support", number=BOB, request_key="form-1") == receipt
    assert len(tickets.orders) == 1


def test_a_help_desk_that_fails_costs_no_promise(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """B2: it is logged without the person; the same request again asks again."""
    tickets = FakeTickets()
    tickets.error = ConnectionError(BOB)
    host = VirtualHost(store, [QueuePolicy(queue="support")], tickets=tickets)
    with caplog.at_level(logging.WARNING):
        receipt = host.service.request("support", number=BOB, request_key="form-1")
    assert host.service.get(receipt.callback_id).ticket_id is None
    assert "ConnectionError" in caplog.text
    assert "5550101" not in caplog.text
    tickets.error = None
    host.service.request("support", number=BOB, request_key="form-1")
    assert host.service.get(receipt.callback_id).ticket_id == "ticket-1"


def test_a_ticket_that_is_known_is_kept(store: Store) -> None:
    """B4, B7: no second one is opened; and none for a live caller."""
    tickets = FakeTickets()
    host = VirtualHost(store, [QueuePolicy(queue="support")], tickets=tickets)
    receipt = host.service.request("support", number=BOB, ticket_id="T-42")
    assert host.service.get(receipt.callback_id).ticket_id == "T-42"
    host.service.call_joined("support", call_id="eve", number=EVE)
    host.service.request("support", call_id="eve")
    assert tickets.orders == []


def test_a_web_request_for_a_chosen_time(host: VirtualHost) -> None:
    """B2: in the customer's own zone; kept in UTC."""
    from zoneinfo import ZoneInfo

    at = (START + timedelta(hours=3)).astimezone(ZoneInfo("America/New_York"))
    receipt = host.service.request("support", number=BOB, scheduled_at=at)
    assert receipt.expected_at == START + timedelta(hours=3)
    assert host.service.get(receipt.callback_id).state is CallbackState.SCHEDULED


def test_a_scheduled_callback_is_begun_by_the_measured_reconnect_time_earlier(host: VirtualHost) -> None:
    """E4: how long it took of late to ring and answer is fed back into when to dial."""
    service = host.service
    host.telephony.person(BOB, Behaviour(answers_after=timedelta(seconds=8)))
    service.request("support", number=BOB)
    service.call_left("busy")
    host.run_for(MINUTE)
    reconnect_s = service.rates("support").reconnect_s
    assert reconnect_s == 8
    receipt = service.request("support", number=EVE, scheduled_at=START + timedelta(hours=2))
    due_at = service.get(receipt.callback_id).due_at
    assert due_at == START + timedelta(hours=2) - timedelta(seconds=reconnect_s)


# ---------------------------------------------------------------------------- agents


def test_a_follow_up_belongs_to_the_agent_who_books_it(host: VirtualHost) -> None:
    """B4: owned and preferred; with the ticket, the context whole at that agent."""
    service = host.service
    service.agent_available("uwe", queues=["support"])
    receipt = service.request(
        "support",
        number=BOB,
        owner="uwe",
        ticket_id="T-7",
        context={"account": "A-1", "recording": "s3://x"},
        scheduled_at=START + timedelta(hours=1),
    )
    callback = service.get(receipt.callback_id)
    assert (callback.channel, callback.owner_id, callback.preferred_agent_id) == (Channel.AGENT, "uwe", "uwe")
    service.call_left("busy")
    host.clock.advance(timedelta(hours=1))
    (dial,) = dials(Dispatcher(service).step(host.clock.now()))
    assert dial.agent_id == "uwe"
    assert dial.context == {"account": "A-1", "recording": "s3://x"}


def test_an_owner_who_is_away_holds_nothing_up(host: VirtualHost) -> None:
    """B4: the next agent calls, with the whole context."""
    receipt = host.service.request("support", number=BOB, owner="uwe", context={"account": "A-1"})
    host.service.call_left("busy")
    (dial,) = dials(Dispatcher(host.service).step(host.clock.now()))
    assert (dial.callback_id, dial.agent_id, dial.context) == (receipt.callback_id, "ann", {"account": "A-1"})


# ---------------------------------------------------------------------------- business events


def test_a_thousand_people_in_one_call_and_only_once(host: VirtualHost) -> None:
    """B5: idempotent by event and person; nobody without a receipt or a reason."""
    people = [Person(number=number(index)) for index in range(100, 1_100)]
    people.insert(3, Person(number="not a number"))
    people.append(Person(number=number(100)))
    done = host.service.request_many("support", people=people, event_key="outage-7")
    assert len(done.receipts) + len(done.refused) == len(people)
    assert len({receipt.callback_id for receipt in done.receipts.values()}) == 1_000
    assert done.receipts[0] == done.receipts[len(people) - 1], "the same person twice"
    assert [(at, type(error)) for at, error in done.refused.items()] == [(3, InvalidNumber)]
    again = host.service.request_many("support", people=people, event_key="outage-7")
    assert again.receipts == done.receipts
    other = host.service.request_many("support", people=people[:2], event_key="outage-8")
    assert [type(error) for error in other.refused.values()] == [DuplicateCallback] * 2
    callback = host.service.get(done.receipts[0].callback_id)
    assert callback.channel is Channel.EVENT
    assert callback.request_key is not None
    assert number(100).lstrip("+") not in callback.request_key


def test_a_rate_spreads_them_over_time(host: VirtualHost) -> None:
    """B5: thirty a minute come due two seconds apart, in the order given."""
    people = [Person(number=number(index)) for index in range(100, 130)]
    done = host.service.request_many("support", people=people, event_key="recall", rate_per_minute=30)
    expected = [done.receipts[index].expected_at for index in range(1, 30)]
    assert expected == [START + index * 2 * SECOND for index in range(1, 30)]
    assert host.service.get(done.receipts[0].callback_id).state is CallbackState.WAITING


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), True, "5", 1e9])
def test_rates_out_of_range_are_refused(host: VirtualHost, rate: Any) -> None:
    """B5: before anything is stored."""
    with pytest.raises(InvalidText, match="rate_per_minute"):
        host.service.request_many("support", people=[Person(number=BOB)], event_key="x", rate_per_minute=rate)
    with pytest.raises(UnknownQueue):
        host.service.request_many("nowhere", people=[Person(number=BOB)], event_key="x")
    with pytest.raises(InvalidText):
        host.service.request_many("support", people=[Person(number=BOB)], event_key="")


def test_each_person_is_refused_for_a_reason_of_their_own(host: VirtualHost) -> None:
    """B5: one who cannot be called keeps nobody else from it."""
    people = [
        Person(number=BOB, priority=999),
        Person(number=EVE, name="x" * 300),
        Person(number=number(150), skills=["agent:ann"]),
        Person(number=number(151), name="Joe", context={"order": "17"}, priority=5),
    ]
    done = host.service.request_many("support", people=people, event_key="order")
    assert [type(done.refused[index]) for index in range(3)] == [InvalidPriority, InvalidText, InvalidText]
    assert host.service.get(done.receipts[3].callback_id).priority == 5


def test_request_keys_of_events_are_not_for_hosts(host: VirtualHost) -> None:
    """Nobody can collide with them."""
    with pytest.raises(InvalidText, match="event:"):
        host.service.request("support", number=BOB, request_key="event:x")


# ---------------------------------------------------------------------------- who hung up


def test_an_abandoned_call_becomes_a_callback_by_policy(make_host: Callable[..., VirtualHost]) -> None:
    """B6: with the place of the call; counted as abandoned all the same."""
    host = make_host(abandoned_wait_min=timedelta(seconds=30))
    host.service.call_joined("support", call_id="short", number=EVE)
    host.service.call_joined("support", call_id="bob", number=BOB, context={"menu": "billing"})
    host.clock.advance(29 * SECOND)
    assert host.service.call_left("short").callback_id is None
    host.clock.advance(SECOND)
    call = host.service.call_left("bob")
    assert call.outcome is CallOutcome.ABANDONED
    assert call.callback_id is not None
    callback = host.service.get(call.callback_id)
    assert (callback.channel, callback.entered_at, callback.rank) == (
        Channel.ABANDONED,
        call.entered_at,
        call.rank,
    )
    assert host.service.call_left("bob") == call
    host.service.agent_available("ann", queues=["support"])
    (dial,) = dials(Dispatcher(host.service).step(host.clock.now()))
    assert dial.context == {"menu": "billing"}


def test_who_cannot_be_called_back_is_only_counted(make_host: Callable[..., VirtualHost]) -> None:
    """B6: no number, a callback already, or served: no promise is made."""
    host = make_host(abandoned_wait_min=timedelta(0))
    host.service.call_joined("support", call_id="withheld")
    assert host.service.call_left("withheld").callback_id is None
    host.service.request("support", number=BOB)
    host.service.call_joined("support", call_id="bob", number=BOB)
    left = host.service.call_left("bob")
    assert (left.callback_id, left.outcome) == (None, CallOutcome.ABANDONED)
    host.service.call_joined("sales", call_id="sales", number=EVE)
    assert host.service.call_left("sales").callback_id is None, "not the policy of that queue"


def test_an_agent_sees_the_context_of_a_live_call(make_host: Callable[..., VirtualHost]) -> None:
    """B7: number, name, language and fields come with the order to connect; masked when shown."""
    host = make_host()
    host.service.call_joined(
        "support", call_id="bob", number=BOB, name="Bob", language="de", context={"menu": "billing"}
    )
    host.service.agent_available("ann", queues=["support"])
    (order,) = Dispatcher(host.service).step(host.clock.now())
    assert isinstance(order, ConnectCall)
    assert (order.number, order.name, order.language, order.context) == (
        BOB,
        "Bob",
        "de",
        {"menu": "billing"},
    )
    assert "5550101" not in repr(order)


def test_the_keys_of_an_event_tell_no_number(store: Store) -> None:
    """B5: the digest is keyed by the store's own secret."""
    keys: set[str | None] = set()
    for secret_store in (store, MemoryStore()):
        host = VirtualHost(secret_store, [QueuePolicy(queue="support")])
        done = host.service.request_many("support", people=[Person(number=BOB)], event_key="outage")
        keys.add(host.service.get(done.receipts[0].callback_id).request_key)
    assert len(keys) == 2
