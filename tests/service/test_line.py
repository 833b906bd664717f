"""One line for live calls and callbacks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from callbackq import AgentState, CallbackState, CallOutcome, CallState
from callbackq.testing import START, Carried, VirtualHost

BOB, EVE = "+12125550101", "+12125550102"


def served(host: VirtualHost) -> list[str]:
    """Return who was given to an agent, in order: call ids, and callback ids for attempts."""
    order = []
    for entry in host.telephony.log:
        if entry.what is Carried.CONNECTED_CALL:
            order.append(str(entry.call_id))
        elif entry.what is Carried.DIALED and entry.agent_id and entry.number is None:
            order.append(str(entry.callback_id))
    return order


def test_callback_is_served_when_its_live_call_would_have_been(host: VirtualHost) -> None:
    """D1: entry order holds across live calls and callbacks, however late the request came."""
    service = host.service
    for name in ("a", "b", "c", "d"):
        host.run_for(timedelta(seconds=10))
        service.call_joined("support", call_id=name, number=f"+1212555010{ord(name) - 96}")
    host.run_for(timedelta(minutes=1))
    callback = service.request("support", call_id="b").callback_id
    for name in ("busy", "a"):
        service.call_left(name)
        host.run_for(timedelta(0))
    host.run_for(timedelta(minutes=4))
    service.call_left("c")
    host.run_for(timedelta(0))
    assert served(host) == ["busy", "a", callback, "c", "d"]


def test_priority_is_strict_by_default(host: VirtualHost) -> None:
    """D2: priority 1 goes before 10 however long 10 has waited."""
    service = host.service
    ten = service.request("support", number=BOB, priority=10, entered_at=START - timedelta(days=3))
    service.call_joined("support", call_id="one", priority=1)
    position = service.position(ten.callback_id)
    assert position is not None
    assert position.number == 2
    service.call_left("busy")
    host.run_for(timedelta(0))
    assert served(host)[-1] == "one"


def test_position_counts_live_calls_and_callbacks_ahead(host: VirtualHost) -> None:
    """D5: exact, over both kinds, and falls as the line moves."""
    service = host.service
    service.call_joined("support", call_id="first")
    service.request("support", number=BOB)
    host.run_for(timedelta(seconds=1))
    receipt = service.request("support", number=EVE)
    service.call_joined("sales", call_id="elsewhere")

    def number() -> int | None:
        position = service.position(receipt.callback_id)
        return position.number if position else None

    assert number() == 3
    service.call_left("first")
    assert number() == 2
    service.call_left("busy")
    host.run_for(timedelta(0))
    assert number() == 1


def test_caller_who_leaves_is_abandoned_and_counted_no_more(host: VirtualHost) -> None:
    """A live call that leaves gives up its place; leaving twice is once."""
    host.service.call_joined("support", call_id="bob")
    left = host.service.call_left("bob")
    assert left.outcome is CallOutcome.ABANDONED
    assert host.service.call_left("bob") == left
    assert host.service.call_position("bob") is None


def test_caller_whom_nobody_said_goodbye_to_expires(make_host: Callable[..., VirtualHost]) -> None:
    """A live call of which nothing is heard does not stand in line for ever."""
    host = make_host(call_life=timedelta(hours=1))
    host.service.call_joined("support", call_id="lost")
    host.run_for(timedelta(hours=2))
    assert host.service.call_left("lost").outcome is CallOutcome.EXPIRED


def test_callback_expires_with_an_outcome(make_host: Callable[..., VirtualHost]) -> None:
    """No agent ever came: the promise ends at its time, and says so."""
    host = make_host()
    receipt = host.service.request("support", number=BOB)
    host.run_until(receipt.expires_at)
    callback = host.service.get(receipt.callback_id)
    assert callback.state is CallbackState.ENDED
    assert callback.outcome == "expired"


def test_skills_decide_who_may_serve_a_place(make_host: Callable[..., VirtualHost]) -> None:
    """Lanes: an agent is passed by a place that needs more than he knows; nobody who can be served waits for it."""
    host = make_host()
    service = host.service
    service.agent_available("ann", queues=["support"])
    german = service.call_joined("support", call_id="german", skills=["german"])
    host.run_for(timedelta(seconds=1))
    service.call_joined("support", call_id="any")
    host.run_for(timedelta(0))
    assert german.lane > 0
    assert served(host) == ["any"]
    service.agent_available("eva", queues=["support"], skills=["german", "dutch"])
    host.run_for(timedelta(0))
    assert served(host) == ["any", "german"]


def test_agent_of_two_queues_takes_the_earlier_place(make_host: Callable[..., VirtualHost]) -> None:
    """Shared agents merge the heads of their queues; others are left alone."""
    host = make_host()
    host.service.call_joined("sales", call_id="s")
    host.run_for(timedelta(seconds=1))
    host.service.call_joined("support", call_id="t")
    host.service.agent_available("only-support", queues=["support"])
    host.run_for(timedelta(0))
    host.service.agent_available("both", queues=["support", "sales"])
    host.run_for(timedelta(0))
    assert served(host) == ["t", "s"]


def test_longest_free_agent_is_chosen(make_host: Callable[..., VirtualHost]) -> None:
    """Work goes round."""
    host = make_host()
    for name in ("ann", "ben"):
        host.service.agent_available(name, queues=["support"])
        host.run_for(timedelta(seconds=1))
    host.service.call_joined("support", call_id="1")
    host.run_for(timedelta(0))
    assert host.telephony.log[-1].agent_id == "ann"


def test_call_that_could_not_be_connected_keeps_its_place(host: VirtualHost) -> None:
    """The caller stands in line as before; the agent is left alone for a while."""
    service = host.service
    host.run_for(timedelta(seconds=1))
    service.call_joined("support", call_id="bob")
    returned = service.call_returned("busy")
    assert returned.state is CallState.WAITING
    position = service.call_position("busy")
    assert position is not None
    assert position.number == 1
    host.run_for(timedelta(seconds=29))
    assert served(host) == ["busy"]
    host.run_for(timedelta(seconds=1))
    assert served(host) == ["busy", "busy"]
    assert service.call_returned("bob").state is CallState.WAITING


def test_wrap_up_comes_between_calls(make_host: Callable[..., VirtualHost]) -> None:
    """The agent is left alone for the wrap-up; saying available ends it early."""
    host = make_host(wrap_up=timedelta(seconds=60))
    service = host.service
    service.agent_available("ann", queues=["support"])
    for name in ("1", "2", "3"):
        service.call_joined("support", call_id=name)
    host.run_for(timedelta(seconds=1))
    service.call_left("1")
    host.run_for(timedelta(seconds=59))
    assert served(host) == ["1"]
    host.run_for(timedelta(seconds=1))
    assert served(host) == ["1", "2"]
    service.call_left("2")
    assert service.agent_available("ann", queues=["support"]).state is AgentState.AVAILABLE
    host.run_for(timedelta(0))
    assert served(host) == ["1", "2", "3"]


def test_agent_who_leaves_during_a_call_is_gone_after_it(host: VirtualHost) -> None:
    """Leaving waits for the call; coming back is possible."""
    service = host.service
    assert service.agent_unavailable("ann").leaving
    assert service.agent_unavailable("ann").state is AgentState.BUSY
    service.call_left("busy")
    service.call_joined("support", call_id="next")
    host.run_for(timedelta(minutes=1))
    assert served(host) == ["busy"]
    assert service.agent_unavailable("ann").state is AgentState.SIGNED_OUT
    service.agent_available("ann", queues=["support"])
    host.run_for(timedelta(0))
    assert served(host) == ["busy", "next"]


def test_agent_of_whom_nothing_is_heard_is_signed_out(make_host: Callable[..., VirtualHost]) -> None:
    """A presence that is never renewed ends; one that is renewed does not."""
    host = make_host(agent_presence_max=timedelta(hours=1))
    service = host.service
    service.agent_available("ann", queues=["support"])
    service.agent_available("ben", queues=["support"])
    host.run_for(timedelta(minutes=50))
    service.agent_available("ben", queues=["support"])
    host.run_for(timedelta(minutes=20))
    service.call_joined("support", call_id="1")
    service.call_joined("support", call_id="2")
    host.run_for(timedelta(0))
    assert [entry.agent_id for entry in host.telephony.log] == ["ben"]
