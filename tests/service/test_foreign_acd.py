"""A host that keeps its own ACD tells who joined, left and was served; and a restart is resynced in one call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from callbackq import (
    Acd,
    AgentState,
    CallbackState,
    CallHasEnded,
    CallNotFound,
    CallSnapshot,
    CallState,
    ConnectCall,
    Dispatcher,
    InvalidPriority,
    InvalidTime,
)
from callbackq.testing import START, VirtualHost

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
BOB, EVE = "+12125550101", "+12125550102"


@pytest.fixture
def acd_host(make_host: Callable[..., VirtualHost]) -> VirtualHost:
    """A host whose own ACD gives out live calls."""
    return make_host(acd=Acd.HOST)


def test_callbackq_gives_out_no_live_call(acd_host: VirtualHost) -> None:
    """The agent is left to the ACD as long as an earlier live caller waits."""
    acd_host.service.call_joined("support", call_id="early")
    acd_host.clock.advance(SECOND)
    receipt = acd_host.service.request("support", number=BOB)
    acd_host.service.agent_available("ann", queues=["support"])
    assert Dispatcher(acd_host.service).step(acd_host.clock.now()) == ()
    assert acd_host.service.explain(receipt.callback_id).rule == "earlier_live_call"
    assert acd_host.service.call_served("early").state is CallState.TAKEN
    Dispatcher(acd_host.service).step(acd_host.clock.now())
    assert acd_host.service.get(receipt.callback_id).state is CallbackState.ATTEMPTING


def test_an_agent_is_reserved_as_soon_as_no_earlier_live_caller_waits(acd_host: VirtualHost) -> None:
    """A later live caller does not keep the callback waiting."""
    receipt = acd_host.service.request("support", number=BOB)
    acd_host.clock.advance(SECOND)
    acd_host.service.call_joined("support", call_id="late")
    acd_host.service.agent_available("ann", queues=["support"])
    effects = Dispatcher(acd_host.service).step(acd_host.clock.now())
    assert not [effect for effect in effects if isinstance(effect, ConnectCall)]
    assert acd_host.service.get(receipt.callback_id).state is CallbackState.ATTEMPTING


def test_what_the_acd_overtakes_is_counted(acd_host: VirtualHost) -> None:
    """Of its class alone, live calls and callbacks apart; on the row, in history and in the figures."""
    service = acd_host.service
    for call_id in ("one", "two"):
        service.call_joined("support", call_id=call_id)
    service.request("support", number=BOB)
    service.call_joined("support", call_id="other priority", priority=7)
    service.call_joined("support", call_id="other skills", skills=["german"])
    acd_host.clock.advance(SECOND)
    service.call_joined("support", call_id="last")
    served = service.call_served("last", agent_id="unknown agent")
    assert (served.overtook_calls_count, served.overtook_callbacks_count) == (2, 1)
    assert service.call_served("last") == served
    acd_host.service.cancel("cb_000001")
    service.call_served("one")
    figures = service.overtakes("support")
    assert (figures.calls_count, figures.calls_passed_by_calls, figures.callbacks_passed_by_calls) == (
        2,
        2,
        1,
    )


def test_the_agent_whom_the_acd_chose_is_busy(acd_host: VirtualHost) -> None:
    """Until the call is left; then free for a callback."""
    service = acd_host.service
    service.agent_available("ann", queues=["support"])
    service.call_joined("support", call_id="one")
    service.call_served("one", agent_id="ann")
    receipt = service.request("support", number=BOB)
    acd_host.run_for(SECOND)
    assert service.get(receipt.callback_id).state is CallbackState.WAITING
    assert service.call_left("one").outcome == "served"
    Dispatcher(service).step(acd_host.clock.now())
    assert service.get(receipt.callback_id).state is CallbackState.ATTEMPTING


def test_an_agent_at_work_for_callbackq_is_left_at_work(acd_host: VirtualHost) -> None:
    """The ACD gave a call to an agent who is being rung for a callback: the reservation ends by its own reports."""
    service = acd_host.service
    service.agent_available("ann", queues=["support"])
    service.request("support", number=BOB)
    Dispatcher(service).step(acd_host.clock.now())
    service.call_joined("support", call_id="one")
    assert service.call_served("one", agent_id="ann").agent_id == "ann"
    assert service.agent_available("ann", queues=["support"]).state is AgentState.RESERVED
    service.agent_unavailable("ann")
    acd_host.run_for(MINUTE)
    assert service.call_left("one").outcome == "served"


def test_served_needs_a_call_that_waits(acd_host: VirtualHost) -> None:
    """One that is over, or became a callback, is said so by name."""
    service = acd_host.service
    with pytest.raises(CallNotFound):
        service.call_served("nobody")
    service.call_joined("support", call_id="bob", number=BOB)
    receipt = service.request("support", call_id="bob")
    with pytest.raises(CallHasEnded, match=receipt.callback_id):
        service.call_served("bob")


def test_resync_makes_both_sides_agree_in_one_call(host: VirtualHost) -> None:
    """Joined here, lost here, given back, served there: all in one transaction, with the places of before."""
    service = host.service
    for call_id in ("gone", "waits", "connected"):
        service.call_joined("support", call_id=call_id, number=BOB)
        host.clock.move_to(host.clock.now() + SECOND)
    service.agent_available("ben", queues=["support"])
    done = service.resync_calls(
        "support",
        calls=[
            CallSnapshot(call_id="waits"),
            CallSnapshot(call_id="busy"),
            CallSnapshot(call_id="connected", agent_id="ben"),
            CallSnapshot(call_id="new", entered_at=START - MINUTE, number=EVE, priority=100),
        ],
    )
    assert (done.joined_count, done.returned_count, done.served_count, done.ended_count) == (1, 1, 1, 1)
    line: list[Any] = service.line("support")
    assert [call.call_id for call in line] == ["new", "busy", "waits"]
    assert service.call_left("gone").outcome == "lost"
    assert service.call_left("connected").outcome == "served"
    again = service.resync_calls("support", calls=[CallSnapshot(call_id=call.call_id) for call in line])
    assert (again.joined_count, again.returned_count, again.served_count, again.ended_count) == (0, 0, 0, 0)


def test_resync_of_a_queue_leaves_the_others(host: VirtualHost) -> None:
    """And what is wrong in one snapshot changes nothing."""
    host.service.call_joined("sales", call_id="elsewhere")
    host.service.resync_calls("support", calls=[])
    assert host.service.call_position("elsewhere") is not None
    assert host.service.line("support") == []
    late = CallSnapshot(call_id="late", entered_at=START + timedelta(hours=1))
    good = CallSnapshot(call_id="good")
    for bad, error in ((late, InvalidTime), (CallSnapshot(call_id="p", priority=300), InvalidPriority)):
        with pytest.raises(error):
            host.service.resync_calls("support", calls=[good, bad])
        assert host.service.line("support") == []


def test_resync_takes_thousands(host: VirtualHost) -> None:
    """One call after a restart, whatever the size of the line."""
    snapshots = [CallSnapshot(call_id=f"call-{n:05d}") for n in range(2_000)]
    assert host.service.resync_calls("support", calls=snapshots).joined_count == 2_000
    assert host.service.resync_calls("support", calls=[]).ended_count == 2_000


def test_resync_settles_what_the_two_sides_see_differently(host: VirtualHost) -> None:
    """Taken for lost here, in another queue here, with another agent there; and what only the host can settle."""
    service = host.service
    for call_id, queue in (("lost", "support"), ("elsewhere", "sales"), ("other agent", "support")):
        service.call_joined(queue, call_id=call_id, number=EVE)
        host.clock.move_to(host.clock.now() + SECOND)
    service.call_joined("support", call_id="converted", number=BOB)
    service.request("support", call_id="converted")
    service.agent_available("ben", queues=["support"])
    host.run_for(timedelta(0))
    assert service.call("lost").agent_id == "ben"
    service.call_left("lost")
    service.agent_unavailable("ben")
    service.call_joined("support", call_id="gone", entered_at=START)
    service.resync_calls("support", calls=[CallSnapshot(call_id="busy"), CallSnapshot(call_id="other agent")])
    assert service.call("gone").outcome == "lost"
    service.agent_available("cat", queues=["sales"])
    done = service.resync_calls(
        "support",
        calls=[
            CallSnapshot(call_id="gone"),
            CallSnapshot(call_id="elsewhere"),
            CallSnapshot(call_id="other agent"),
            CallSnapshot(call_id="busy", agent_id="cat"),
            CallSnapshot(call_id="converted", agent_id="cat"),
        ],
    )
    counts = (done.joined_count, done.moved_count, done.served_count, done.unresolved)
    assert counts == (1, 1, 1, ("converted",))
    busy = service.call("busy")
    assert (busy.state, busy.agent_id) == (CallState.TAKEN, "cat")
    assert service.call("gone").state is CallState.WAITING
    assert service.call("gone").entered_at == START
    assert service.call("elsewhere").queue == "support"
