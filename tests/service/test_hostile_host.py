"""What a host may do wrong, or at the wrong moment: nobody loses a promise or a place by it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from callbackq import (
    CallbackState,
    CallSnapshot,
    CallState,
    Caps,
    ConfigurationError,
    InvalidText,
    Offer,
    Opening,
    Person,
    QueuePolicy,
    RequestRefused,
    Store,
    StoreUnavailable,
    UniquenessViolated,
    Wait,
)
from callbackq import intake as taking
from callbackq.testing import DECLINES, START, FakeEstimator, FakeHours, FakeTickets, VirtualHost

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
BOB, EVE = "+12125550101", "+12125550102"


def people(count: int) -> list[Person]:
    """Return so many persons."""
    return [Person(number=f"+1212555{index + 100:04d}") for index in range(count)]


def test_a_batch_that_is_tried_again_gives_no_receipt_twice_or_in_vain(
    host: VirtualHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A conflict undoes a batch: what it had promised is not said, and each person is asked for alone."""
    original, calls = taking.promise, 0

    def promise(*args: Any, **rest: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise UniquenessViolated
        return original(*args, **rest)

    monkeypatch.setattr(taking, "promise", promise)
    done = host.service.request_many("support", people=people(6), event_key="outage")
    assert sorted(done.receipts) == list(range(6))
    assert done.refused == {}
    for receipt in done.receipts.values():
        assert host.service.get(receipt.callback_id).state is CallbackState.WAITING


def test_a_rate_refuses_nobody_because_time_goes_by(
    host: VirtualHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose time has come while others were stored is called now."""
    original = taking.promise

    def slow(*args: Any, **rest: Any) -> Any:
        host.clock.advance(SECOND)
        return original(*args, **{**rest, "now": host.clock.now()})

    monkeypatch.setattr(taking, "promise", slow)
    done = host.service.request_many("support", people=people(10), event_key="outage", rate_per_minute=600)
    assert (len(done.receipts), done.refused) == (10, {})


def test_the_store_that_fails_after_the_promise_costs_no_answer(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """The promise is durable: its receipt is given, though no ticket could be looked after."""

    class Failing(FakeTickets):
        def open(self, order: Any) -> str:
            raise StoreUnavailable

    host = VirtualHost(store, [QueuePolicy(queue="support")], tickets=Failing())
    receipt = host.service.request("support", number=BOB)
    assert host.service.get(receipt.callback_id).ticket_id is None
    assert "no ticket" in caplog.text


def test_a_preferred_agent_who_declines_is_not_asked_again(make_host: Callable[..., VirtualHost]) -> None:
    """F4, D7: the next agent is, at once."""
    host = make_host(preferred_agent_time=timedelta(minutes=30))
    host.telephony.agent("uwe", DECLINES)
    host.service.agent_available("uwe", queues=["support"])
    receipt = host.service.request("support", number=BOB, preferred_agent="uwe")
    host.service.agent_available("ann", queues=["support"])
    host.run_for(10 * SECOND)
    assert host.service.get(receipt.callback_id).state is CallbackState.ENDED
    agents = [
        event.agent_id
        for event in host.service.history(receipt.callback_id)
        if event.kind == "attempt_started"
    ]  # type: ignore[attr-defined]
    assert agents == ["uwe", "ann"]


@pytest.mark.parametrize("change", [{"skills": []}, {"queues": ["sales"]}, None])
def test_a_preferred_agent_who_cannot_any_more_is_not_waited_for(
    make_host: Callable[..., VirtualHost], change: dict[str, Any] | None
) -> None:
    """D7: other skills, other queues, or nothing heard for too long."""
    host = make_host(preferred_agent_time=timedelta(hours=2), agent_presence_max=timedelta(hours=1))
    uwe: dict[str, Any] = {"queues": ["support"], "skills": ["french"]}
    host.service.agent_available("uwe", **uwe)
    host.service.call_joined("support", call_id="busy", skills=["french"])
    host.run_for(timedelta(0))
    receipt = host.service.request("support", number=BOB, skills=["french"], preferred_agent="uwe")
    assert host.service.get(receipt.callback_id).preferred_until_at is not None
    if change is not None:
        host.service.agent_available("uwe", **{**uwe, **change})
    else:
        host.service.call_left("busy")
        host.service.pause("support", dialing=True)
        host.run_for(timedelta(hours=1, minutes=1))
    assert host.service.get(receipt.callback_id).preferred_until_at is None


def test_nobody_is_waited_for_as_long_as_a_promise_lives() -> None:
    """Refused when the policy is built."""
    with pytest.raises(ConfigurationError, match="preferred_agent_time"):
        QueuePolicy(
            queue="support", preferred_agent_time=timedelta(hours=2), callback_life=timedelta(hours=2)
        )


def test_resync_of_one_queue_ends_no_conversation_of_another(host: VirtualHost) -> None:
    """A call that the PBX has in another queue goes there, with its agent."""
    call = CallSnapshot(call_id="busy", agent_id="ann")
    assert host.service.resync_calls("sales", calls=[call]).moved_count == 1
    assert host.service.resync_calls("support", calls=[]).ended_count == 0
    assert host.service.call("busy").state is CallState.TAKEN
    assert host.service.agent("ann").call_id == "busy"


def test_a_snapshot_knows_nothing_of_what_came_after_it(host: VirtualHost) -> None:
    """Who joined, or was given to an agent, after the PBX was asked is left alone."""
    asked_at = START
    host.clock.advance(SECOND)
    host.service.call_joined("support", call_id="late", number=EVE)
    done = host.service.resync_calls(
        "support", calls=[CallSnapshot(call_id="busy", agent_id="ann")], as_of=asked_at
    )
    assert (done.ended_count, host.service.call("late").state) == (0, CallState.WAITING)
    host.service.agent_available("ben", queues=["support"])
    host.run_for(timedelta(0))
    snapshots = [CallSnapshot(call_id="busy", agent_id="ann"), CallSnapshot(call_id="late")]
    assert host.service.resync_calls("support", calls=snapshots, as_of=asked_at).returned_count == 0
    assert host.service.call("late").agent_id == "ben"


def test_a_name_that_cannot_be_shown_costs_nobody_the_place(host: VirtualHost) -> None:
    """As with a number that is none."""
    assert host.service.call_joined("support", call_id="tab", name="Bob\tBrown").state is CallState.WAITING


def test_numbers_of_the_hosts_own_kind_are_plain_numbers(store: Store) -> None:
    """An IntEnum is kept as what it is worth."""

    class Level(enum.IntEnum):
        VIP = 3

    host = VirtualHost(store, [QueuePolicy(queue="support", priority_default=Level.VIP)])
    assert type(host.service.call_joined("support", call_id="a").priority) is int
    receipt = host.service.request("support", number=BOB, priority=Level.VIP)
    assert host.service.get(receipt.callback_id).priority == 3


@pytest.mark.parametrize("name", [object(), ["ql"], "x" * 65, "\ud800", "tab\t"])
def test_an_estimator_with_an_impossible_name_is_stood_in_for(store: Store, name: Any) -> None:
    """It would stand in the row."""
    mine = FakeEstimator(Wait(mean_s=1.0, low_s=1.0, high_s=1.0, estimator=name))
    host = VirtualHost(store, [QueuePolicy(queue="support")], estimator=mine)
    host.service.agent_available("ann", queues=["support"])
    assert host.service.request("support", number=BOB).wait.estimator == "ql"


def test_while_a_cap_is_reached_no_time_is_promised(store: Store) -> None:
    """F11: a free agent is not enough."""
    host = VirtualHost(store, [QueuePolicy(queue="support", caps=Caps(attempts_at_once_max=1))])
    for agent in ("ann", "ben"):
        host.service.agent_available(agent, queues=["support"])
    host.service.request("support", number=BOB)
    host.run_for(timedelta(0))
    assert not host.service.request("support", number=EVE).wait.known


def test_a_place_in_line_is_not_merged_away(host: VirtualHost) -> None:
    """D12: into one that has none yet."""
    here = host.service.request("support", number=BOB)
    later = host.service.request("sales", number=BOB, scheduled_at=START + timedelta(hours=3))
    with pytest.raises(RequestRefused, match="merge that into it"):
        host.service.merge(here.callback_id, into=later.callback_id)
    assert host.service.merge(later.callback_id, into=here.callback_id).state is CallbackState.WAITING


def test_hours_that_never_close_or_open_at_no_time(store: Store) -> None:
    """A8: an instant that cannot be is nonsense; an empty calendar is a calendar."""

    class Empty(FakeHours):
        def __len__(self) -> int:
            return 0

    hours = Empty({"support": Opening(is_open=False)})
    host = VirtualHost(store, [QueuePolicy(queue="support")], hours=hours)
    host.service.agent_available("ann", queues=["support"])
    host.service.call_joined("support", call_id="bob", number=BOB)
    answer = host.service.offer("bob", asked=True)
    assert not isinstance(answer, Offer)
    assert answer.reason == "queue_closed"
    with pytest.raises(InvalidText, match="segments"):
        host.service.offer("bob", segments="gold")
