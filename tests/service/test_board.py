"""The board: what is there now, by queue, in one look; and it looks at no more than it must."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from callbackq import (
    CallbackService,
    Commit,
    FixedSeats,
    MemoryStore,
    QueuePolicy,
    SlotPolicy,
    Store,
    UnknownQueue,
)
from callbackq.aio import AsyncCallbackService
from callbackq.model.board import Board, PromiseKind, QueueBoard
from callbackq.service import board as board_service
from callbackq.testing import NEVER_ANSWERS, START, VirtualHost
from callbackq.testing.builders import make_call, make_callback

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def look(host: VirtualHost, queue: str = "support") -> QueueBoard:
    """Return how one queue stands."""
    return host.service.board().queue(queue)


def convert(host: VirtualHost, call_id: str) -> str:
    """Let a caller take a callback."""
    host.service.offer(call_id, asked=True)
    return host.service.request("support", call_id=call_id).callback_id


def test_a_day_in_which_nothing_happened(make_host: Callable[..., VirtualHost]) -> None:
    """Every queue with a policy is there, and nothing is in it."""
    board = make_host().service.board()
    assert [queue.queue for queue in board.queues] == ["sales", "support"]
    assert (board.at, board.next_wakeup_at, board.messages_in_doubt_count) == (START, None, 0)
    queue = board.queue("sales")
    assert (queue.calls_waiting_count, queue.calls_longest_wait_s, queue.wait.known) == (0, None, False)
    assert (queue.agents.staffed_count, queue.first, queue.is_exact, queue.is_risk_exact) == (
        0,
        (),
        True,
        True,
    )
    with pytest.raises(KeyError):
        board.queue("unheard-of")


def test_who_waits_and_for_how_long(make_host: Callable[..., VirtualHost]) -> None:
    """Live calls and callbacks apart, whatever their ranks; agents by what they do."""
    host = make_host()
    host.service.call_joined("support", call_id="old", priority=200)
    host.service.call_joined("support", call_id="back", number="+12125550101")
    host.clock.advance(MINUTE)
    host.service.call_joined("support", call_id="vip", priority=1)
    callback_id = convert(host, "back")
    host.clock.advance(30 * SECOND)
    queue = look(host)
    assert (queue.calls_waiting_count, queue.callbacks_waiting_count) == (2, 1)
    assert (queue.calls_longest_wait_s, queue.callbacks_longest_wait_s) == (90.0, 90.0)
    assert [(place.number, place.callback_id, place.priority) for place in queue.first] == [
        (1, None, 1),
        (2, callback_id, 100),
        (3, None, 200),
    ]
    host.service.agent_available("ann", queues=["support"])
    host.service.agent_available("ben", queues=["support", "sales"])
    host.run_for(timedelta(0))
    board = host.service.board(queues=["support"])
    assert [one.queue for one in board.queues] == ["support"]
    queue = board.queue("support")
    assert (queue.agents.talking_count, queue.agents.free_count) == (2, 0)
    assert (queue.attempts_connected_count, queue.attempts_in_flight_count) == (1, 0)
    assert look(host, "sales").agents.talking_count == 1
    assert queue.wait.mean_s is not None
    assert queue.wait.mean_s > 0
    assert board.next_wakeup_at is not None


def test_callbacks_are_counted_by_state(make_host: Callable[..., VirtualHost]) -> None:
    """Each in one of them: scheduled, being called, resting."""
    host = make_host()
    host.telephony.person("+12125550101", NEVER_ANSWERS)
    host.service.request("support", number="+12125550102", scheduled_at=START + 3 * HOUR)
    host.service.request("support", number="+12125550101")
    host.service.agent_available("ann", queues=["support"])
    host.run_for(5 * SECOND)
    queue = look(host)
    assert (queue.callbacks_attempting_count, queue.attempts_in_flight_count) == (1, 1)
    assert (queue.callbacks_scheduled_count, queue.callbacks_waiting_count) == (1, 0)
    assert queue.agents.reserved_count + queue.agents.talking_count == 1
    host.run_for(MINUTE)
    queue = look(host)
    assert (queue.callbacks_resting_count, queue.callbacks_attempting_count) == (1, 0)
    assert (queue.callbacks_held_count, queue.attempts_in_doubt_count) == (0, 0)


def test_promises_at_risk_are_found_in_line_and_out_of_it(make_host: Callable[..., VirtualHost]) -> None:
    """Who was told minutes, and stands behind many; who was told, and nobody came."""
    host = make_host(handle_time=5 * MINUTE)
    host.service.agent_available("ann", queues=["support"])
    host.service.call_joined("support", call_id="served")
    host.run_for(SECOND)
    host.service.call_joined("support", call_id="back", number="+12125550101")
    callback_id = convert(host, "back")
    assert look(host).promises_at_risk_count == 0
    for number in range(20):
        host.service.call_joined("support", call_id=f"vip-{number}", priority=1)
    queue = look(host)
    [risk] = queue.at_risk
    assert (risk.callback_id, risk.kind, risk.is_missed) == (callback_id, PromiseKind.QUOTED, False)
    assert risk.expected_at is not None
    assert risk.expected_at > risk.until_at
    assert (queue.promises_at_risk_count, queue.promises_missed_count) == (1, 0)
    host.clock.advance(risk.until_at - host.clock.now())
    queue = look(host)
    assert (queue.promises_at_risk_count, queue.promises_missed_count) == (1, 1)
    assert queue.at_risk[0].is_missed


def test_a_booked_time_that_passed_is_a_missed_promise(make_host: Callable[..., VirtualHost]) -> None:
    """Bookings that are due within the hour are counted; a customer's window is waited for."""
    slots = SlotPolicy(seats=FixedSeats(seats=5), tolerance=3 * MINUTE)
    host = make_host(slots=slots)
    slot_at = host.service.free_slots("support", from_at=START + 2 * HOUR)[0].starts_at
    held = host.service.hold_slot("support", slot_at=slot_at).booking_id
    host.service.request("support", number="+12125550101", booking_id=held)
    host.clock.advance(slot_at - host.clock.now() - 59 * MINUTE)
    assert look(host).bookings_due_count == 1
    host.clock.advance(61 * MINUTE)  # No dispatcher is at work.
    queue = look(host)
    assert (queue.at_risk, queue.bookings_due_count) == ((), 0)
    host.clock.advance(2 * MINUTE)
    [risk] = look(host).at_risk
    assert (risk.kind, risk.is_missed) == (PromiseKind.BOOKED, True)
    board = host.service.board()
    assert board.next_wakeup_at is not None
    assert board.next_wakeup_at < board.at


def test_what_is_paused_is_said(make_host: Callable[..., VirtualHost]) -> None:
    """By the queue itself, or by all of them."""
    host = make_host()
    host.service.pause("support", dialing=True, reason="fire drill")
    host.service.pause(None, offering=True)
    queue = look(host)
    assert (queue.dialing_paused, queue.offering_paused, queue.paused_reason) == (True, True, "fire drill")
    other = look(host, "sales")
    assert (other.dialing_paused, other.offering_paused) == (False, True)


def test_a_queue_without_a_policy_is_on_the_board_while_something_is_in_it(store: Store) -> None:
    """As for whoever looks into a store by the command line: by the default policy."""
    host = VirtualHost(store, [QueuePolicy(queue="support", calling=None)])
    host.service.agent_available("ann", queues=["support"])
    host.service.call_joined("support", call_id="one")
    host.service.call_joined("support", call_id="two")
    stranger = CallbackService(store, [], clock=host.clock)
    board = stranger.board()
    assert [queue.queue for queue in board.queues] == ["support"]
    assert board.queue("support").wait == look(host).wait
    assert board == stranger.board(queues=["support", "support"])
    with pytest.raises(UnknownQueue):
        stranger.board(queues=["sales"])


def test_the_board_is_there_awaited(host: VirtualHost) -> None:
    """By the same name."""

    async def ask() -> Board:
        async with AsyncCallbackService(host.service) as service:
            return await service.board(queues=["support"])

    assert asyncio.run(ask()) == host.service.board(queues=["support"])


def test_a_long_line_is_looked_at_as_far_as_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more rows are read than the bound, and the counts say that they are no more than that."""
    store = MemoryStore()
    host = VirtualHost(store, [QueuePolicy(queue="support", calling=None)])
    late = START - HOUR
    with store.transaction(host.service.tenant_id, commit=Commit.RELAXED) as tx:
        for number in range(40):
            fields: dict[str, Any] = {"requested_at": late, "quoted_wait_high_s": 60.0, "rank": number}
            tx.save(make_callback(f"cb_{number:02}", **fields))
        tx.save(make_call("call_1", rank=99))
    queue = look(host)
    assert (queue.promises_missed_count, queue.is_risk_exact, len(queue.at_risk), len(queue.first)) == (
        40,
        True,
        10,
        10,
    )
    monkeypatch.setattr(board_service, "LOOKED_AT_MAX", 20)
    queue = look(host)
    assert (queue.promises_missed_count, queue.is_risk_exact) == (20, False)
    assert (queue.callbacks_waiting_count, queue.calls_waiting_count, queue.is_exact) == (40, 1, True)
