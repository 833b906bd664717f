"""N6: a node dies, is cut off, is drained, comes back or is started again: what it began is taken over once."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from callbackq import (
    AttemptState,
    CallbackState,
    ConfigurationError,
    Conflict,
    Dial,
    Dispatcher,
    Effect,
    LookUp,
    Messages,
    MessageState,
    Mode,
    NodeState,
    Outcome,
    QueuePolicy,
    Report,
    ReportKind,
    SendMessage,
    Store,
)
from callbackq.core import nodes
from callbackq.core.decision import Decision
from callbackq.ids import NodeId
from callbackq.model import Attempt, DueReason
from callbackq.service import CONFLICT_TRIES
from callbackq.testing import DECLINES, Behaviour, Carried
from service.fleet import BEAT, BOB, EVE, LEASE, MINUTE, SECOND, SUPPORT, Fleet, Process
from service.letters import COMPANY, IN_MEMORY, NOON

LONG = Behaviour(talks_for=90 * SECOND)
AGEING = QueuePolicy(queue="support", calling=None, priority_credit=MINUTE)
ZERO = timedelta(0)


@pytest.fixture
def fleet(store: Store) -> Fleet:
    """Nobody yet."""
    return Fleet(store)


def promised(node: Process) -> str:
    """Somebody wants to be called back, and an agent is free."""
    callback_id = node.service.request("support", number=BOB).callback_id
    node.service.agent_available("ann", queues=["support"])
    return callback_id


def test_nodes_know_of_one_another(fleet: Fleet) -> None:
    """Each has a row, that it beats three times in its lease, and says what it runs."""
    one, two = fleet.node("one"), fleet.node("two", lease=2 * LEASE)
    fleet.run_for(BEAT)
    rows = one.service.nodes()
    assert [(row.node_id, row.state, row.lease) for row in rows] == [
        ("one", NodeState.UP, LEASE),
        ("two", NodeState.UP, 2 * LEASE),
    ]
    assert [row.version for row in rows] == [2, 1]
    assert (rows[0].seen_at, rows[0].due_at) == (fleet.clock.now(), fleet.clock.now() + LEASE)
    assert rows[0].fingerprints.keys() == {"support"}
    fleet.run_for(MINUTE)
    assert {row.node_id: row.version for row in two.service.nodes()} == {"one": 14, "two": 7}
    assert fleet.taken_over() == []


@IN_MEMORY
def test_a_node_without_a_lease_is_unknown(fleet: Fleet) -> None:
    """It beats nothing, takes nothing over, and what it began is left to its deadlines, as it always was."""
    alone, other = fleet.node("alone", lease=None), fleet.node("other")
    callback_id = promised(alone)
    assert [type(effect) for effect in alone.give_out() if isinstance(effect, Dial)] == [Dial]
    alone.kill()
    fleet.run_for(10 * SECOND)
    assert list(fleet.nodes()) == ["other"]
    assert [attempt.node_id for attempt in fleet.attempts()] == ["alone"]
    fleet.run_for(MINUTE)
    assert fleet.taken_over() == []
    assert other.service.get(callback_id).outcome is Outcome.COMPLETED


def test_a_node_that_dies_before_the_dial_is_taken_over(fleet: Fleet) -> None:
    """The intent is durable, nobody was dialed: the other node looks it up within the lease, and then calls."""
    one, two = fleet.node("one"), fleet.node("two")
    fleet.run_for(ZERO)
    callback_id = promised(one)
    assert any(isinstance(effect, Dial) for effect in one.give_out())
    one.kill()
    fleet.run_for(LEASE - SECOND)
    assert fleet.taken_over() == []
    fleet.run_for(SECOND)
    assert [who for _, *who in fleet.taken_over()] == [["one", "two"]]
    assert fleet.nodes()["one"].state is NodeState.GONE
    fleet.run_for(4 * MINUTE)
    assert two.service.get(callback_id).outcome is Outcome.COMPLETED
    assert fleet.telephony.dialed(BOB) == 1


def test_a_node_that_dies_after_the_dial_is_taken_over(fleet: Fleet) -> None:
    """The customer's phone rings: they are not called a second time, and the call goes on at the other node."""
    one, two = fleet.node("one"), fleet.node("two")
    fleet.telephony.person(BOB, Behaviour(answers_after=25 * SECOND))
    callback_id = promised(one)
    fleet.run_for(SECOND)
    assert [attempt.customer_leg.value for attempt in fleet.attempts()] == ["ringing"]
    one.kill()
    fleet.run_for(LEASE)
    assert [attempt.node_id for attempt in fleet.attempts()] == ["two"]
    fleet.run_for(4 * MINUTE)
    assert two.service.get(callback_id).outcome is Outcome.COMPLETED
    assert fleet.telephony.dialed(BOB) == 1


def test_a_node_that_dies_during_the_conversation_is_taken_over(fleet: Fleet) -> None:
    """Nobody is cut off; the end of the call is heard by the other node."""
    one, two = fleet.node("one"), fleet.node("two")
    fleet.telephony.person(BOB, LONG)
    callback_id = promised(one)
    fleet.run_for(SECOND)
    assert [attempt.state for attempt in fleet.attempts()] == [AttemptState.CONNECTED]
    one.kill()
    fleet.run_for(MINUTE)
    taken = fleet.attempts()
    assert [(attempt.node_id, attempt.state) for attempt in taken] == [("two", AttemptState.CONNECTED)]
    assert len(fleet.telephony.live_legs()) == 2
    fleet.run_for(2 * MINUTE)
    assert two.service.get(callback_id).state is CallbackState.ENDED
    assert fleet.attempts() == []
    assert fleet.telephony.live_legs() == []


def test_one_of_three_takes_over(fleet: Fleet) -> None:
    """However many see that a node is lost, each attempt is taken over once."""
    one, *others = (fleet.node(name) for name in ("one", "two", "three", "four"))
    fleet.telephony.person(BOB, LONG)
    promised(one)
    fleet.run_for(SECOND)
    one.kill()
    fleet.run_for(MINUTE)
    assert len(fleet.taken_over()) == 1
    (attempt,) = fleet.attempts()
    assert attempt.node_id in {other.node_id for other in others}
    assert sum(isinstance(effect, LookUp) for other in others for effect in other.give_out()) == 0


def test_no_more_than_a_batch_is_taken_over_in_a_step(fleet: Fleet) -> None:
    """The next step goes on at once, and the lost node is gone when all is done."""
    one = fleet.node("one")
    for number in range(5):
        one.service.request("support", number=f"+1212555010{number}")
        one.service.agent_available(f"agent_{number}", queues=["support"])
    fleet.run_for(ZERO)
    one.kill()
    two = fleet.node("two", batch_max=2)
    counts = []
    for _ in range(3):
        two.give_out()
        fleet.clock.advance(BEAT)
    for _ in range(3):
        counts.append(sum(isinstance(effect, LookUp) for effect in two.give_out()))
        at = two.dispatcher.next_wakeup()
        assert (at == two.clock.now()) is (len(counts) < 3)
    assert counts == [2, 2, 1]
    assert fleet.nodes()["one"].state is NodeState.GONE
    assert sorted(who for who, *_ in fleet.taken_over()) == [f"at_00000{number}" for number in range(1, 6)]


def test_two_who_take_over_at_once_share_nothing(fleet: Fleet) -> None:
    """In the same moment, in two threads: each attempt goes to one of them."""
    dead = fleet.node("dead")
    for number in range(6):
        dead.service.request("support", number=f"+1212555010{number}")
        dead.service.agent_available(f"agent_{number}", queues=["support"])
    fleet.run_for(SECOND)
    dead.kill()
    takers = [fleet.node("two", batch_max=2), fleet.node("three", batch_max=2)]
    for _ in range(3):
        for taker in takers:
            taker.give_out()
        fleet.clock.advance(BEAT)
    start = Barrier(2)

    def take(taker: Process) -> list[Effect]:
        start.wait(30)
        return [effect for _ in range(5) for effect in taker.give_out() if isinstance(effect, LookUp)]

    with ThreadPoolExecutor(2) as threads:
        looked_up = list(threads.map(take, takers))
    taken = fleet.taken_over()
    assert sorted(who for who, *_ in taken) == [f"at_00000{number}" for number in range(1, 7)]
    assert sum(map(len, looked_up)) == 6
    assert {attempt.node_id for attempt in fleet.attempts()} <= {"two", "three"}
    assert fleet.nodes()["dead"].state is NodeState.GONE


@IN_MEMORY
def test_only_who_reaches_the_telephony_takes_over(fleet: Fleet) -> None:
    """The others see that a node is lost, and leave it; when the telephony is there again they do it."""
    one, two = fleet.node("one"), fleet.node("two")
    fleet.telephony.person(BOB, LONG)
    promised(one)
    fleet.run_for(SECOND)
    one.kill()
    two.driver.telephony_down()
    fleet.run_for(MINUTE)
    assert fleet.taken_over() == []
    assert fleet.nodes()["one"].state is NodeState.UP
    two.driver.telephony_up()
    fleet.run_for(SECOND)
    assert len(fleet.taken_over()) == 1


@IN_MEMORY
def test_attempts_of_a_queue_that_nobody_here_knows_are_left(fleet: Fleet) -> None:
    """A node has no policy for it: one that has takes them over later."""
    sales = QueuePolicy(queue="sales", calling=None)
    one = fleet.node("one", policies=[SUPPORT, sales])
    fleet.telephony.person(BOB, LONG)
    fleet.telephony.person(EVE, LONG)
    promised(one)
    one.service.request("sales", number=EVE)
    one.service.agent_available("ben", queues=["sales"])
    fleet.run_for(SECOND)
    one.kill()
    fleet.node("two")
    fleet.run_for(MINUTE)
    assert [(who, taker) for who, _, taker in fleet.taken_over()] == [("at_000001", "two")]
    assert fleet.nodes()["one"].state is NodeState.UP
    fleet.node("three", policies=[sales])
    fleet.run_for(LEASE)
    assert [(who, taker) for who, _, taker in fleet.taken_over()][1:] == [("at_000002", "three")]
    assert fleet.nodes()["one"].state is NodeState.GONE


@IN_MEMORY
def test_an_attempt_that_cannot_be_moved_stops_no_other(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are taken over one by one; it is named in the log, and tried again."""
    one, two = fleet.node("one"), fleet.node("two")
    for number in (BOB, EVE):
        fleet.telephony.person(number, LONG)
        one.service.request("support", number=number)
        one.service.agent_available(f"agent of {number[-1]}", queues=["support"])
    fleet.run_for(SECOND)
    one.kill()
    sound = nodes.take_over

    def broken(attempt: Attempt, node_id: NodeId, **more: object) -> Decision:
        if attempt.attempt_id == "at_000001":
            raise ZeroDivisionError
        return sound(attempt, node_id, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(nodes, "take_over", broken)
    fleet.run_for(LEASE)
    assert [who for who, *_ in fleet.taken_over()] == ["at_000002"]
    assert "at_000001 cannot be moved: ZeroDivisionError" in caplog.text
    assert fleet.nodes()["one"].state is NodeState.UP
    monkeypatch.undo()
    fleet.run_for(SECOND)
    assert [who for who, *_ in fleet.taken_over()] == ["at_000002", "at_000001"]
    assert two.service.nodes()[0].state is NodeState.GONE


@IN_MEMORY
@pytest.mark.parametrize("batch_max", [1, 500])
def test_what_its_own_name_began_and_cannot_be_moved_stops_no_node(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, batch_max: int
) -> None:
    """It is started again under the same name: the rest is taken over, and it begins; that one is left to deadlines."""
    one = fleet.node("same")
    for number in (BOB, EVE):
        fleet.telephony.person(number, LONG)
        one.service.request("support", number=number)
        one.service.agent_available(f"agent of {number[-1]}", queues=["support"])
    fleet.run_for(SECOND)
    one.kill()
    sound = nodes.take_over

    def broken(attempt: Attempt, node_id: NodeId, **more: object) -> Decision:
        if attempt.attempt_id == "at_000001":
            raise ZeroDivisionError
        return sound(attempt, node_id, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(nodes, "take_over", broken)
    again = fleet.node("same", batch_max=batch_max)
    again.service.request("support", number="+12125550103")
    again.service.agent_available("ben", queues=["support"])
    fleet.run_for(SECOND)
    assert [who for who, *_ in fleet.taken_over()] == ["at_000002"]
    assert fleet.telephony.dialed("+12125550103") == 1
    fleet.run_for(4 * MINUTE)
    assert fleet.attempts() == []


# ---------------------------------------------------------------------------- who comes back


def test_who_was_only_cut_off_does_no_harm(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    """Its dial comes too late, and is not made; its reports are ignored; and it goes on as a node like any other."""
    one, two = fleet.node("one"), fleet.node("two")
    fleet.run_for(ZERO)
    callback_id = promised(one)
    held = one.give_out()
    (dial,) = (effect for effect in held if isinstance(effect, Dial))
    one.kill()
    fleet.telephony.person(BOB, LONG)
    fleet.run_for(MINUTE)
    assert len(fleet.telephony.live_legs()) == 2
    one.come_back()
    one.driver.perform(held)
    one.driver.report(Report(leg_id=dial.leg_id, kind=ReportKind.ANSWERED))
    with caplog.at_level(logging.WARNING):
        fleet.run_for(MINUTE)
    assert "node one was taken for gone" in caplog.text
    assert dial.leg_id not in {entry.leg_id for entry in fleet.telephony.log if entry.what is Carried.DIALED}
    assert fleet.telephony.dialed(BOB) == 1
    assert {row.node_id: row.state for row in two.service.nodes()} == {
        "one": NodeState.UP,
        "two": NodeState.UP,
    }
    fleet.run_for(2 * MINUTE)
    assert two.service.get(callback_id).outcome is Outcome.COMPLETED
    assert len(fleet.taken_over()) == 1


@IN_MEMORY
def test_reports_that_only_the_cut_off_node_heard_come_late(fleet: Fleet) -> None:
    """The customer answered, and hung up, while nobody heard: what it says afterwards changes nothing twice."""
    one, two = fleet.node("one"), fleet.node("two")
    fleet.telephony.person(BOB, Behaviour(talks_for=20 * SECOND))
    callback_id = promised(one)
    fleet.run_for(SECOND)
    heard: list[Report] = []
    fleet.telephony.on_report = heard.append
    one.kill()
    fleet.run_for(MINUTE)
    assert [attempt.node_id for attempt in fleet.attempts()] in ([], ["two"])
    one.come_back()
    for report in (*heard, *heard):
        one.driver.report(report)
    fleet.telephony.on_report = fleet.hear
    fleet.run_for(MINUTE)
    assert two.service.get(callback_id).outcome is Outcome.COMPLETED
    assert fleet.attempts() == []
    assert fleet.telephony.dialed(BOB) == 1


@IN_MEMORY
def test_clocks_ten_minutes_apart_make_nobody_lost(fleet: Fleet) -> None:
    """Each beats by a clock of its own for an hour; then one dies, and is taken over once and in time."""
    fleet.node("behind", skew=-10 * MINUTE)
    fleet.node("ahead", skew=10 * MINUTE)
    true, nodes_here = fleet.node("true"), fleet.processes
    fleet.run_for(2 * MINUTE)
    assert fleet.taken_over() == []
    assert {row.state for row in true.service.nodes()} == {NodeState.UP}
    fleet.telephony.person(BOB, LONG)
    promised(true)
    fleet.run_for(SECOND)
    for count in (1, 2):
        (attempt,) = fleet.attempts()
        next(process for process in nodes_here if process.node_id == attempt.node_id).kill()
        fleet.run_for(LEASE + BEAT)
        assert len(fleet.taken_over()) == count
    assert len({taker for *_, taker in fleet.taken_over()}) == 2
    assert [row.state for row in true.service.nodes()].count(NodeState.UP) == 1


@IN_MEMORY
def test_a_clock_that_is_ahead_ends_no_attempt_of_another_node(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    """By its clock every ring time is over before it begins: it leaves the attempts to the node that they are of."""
    true, ahead = fleet.node("true"), fleet.node("ahead", skew=10 * MINUTE)
    fleet.telephony.agent("ann", Behaviour(answers_after=10 * SECOND))
    fleet.telephony.person(BOB, Behaviour(answers_after=20 * SECOND, talks_for=MINUTE))
    fleet.run_for(2 * BEAT)
    callback_id = promised(true)
    assert true.step() > 0
    fleet.run_for(25 * SECOND)
    assert [attempt.customer_leg.value for attempt in fleet.attempts()] == ["ringing"]
    assert ahead.dispatcher.next_wakeup() == ahead.clock.now() + SECOND
    fleet.run_for(MINUTE)
    assert true.service.get(callback_id).outcome is Outcome.COMPLETED
    assert fleet.telephony.dialed(BOB) == 1
    assert caplog.text.count("node true: its clock is 0:10:00 behind that of node ahead") == 1


@IN_MEMORY
def test_who_stood_still_takes_nobody_for_lost(fleet: Fleet) -> None:
    """A process that was frozen for a minute finds rows that are old, and looks again before it judges."""
    one, two = fleet.node("one"), fleet.node("two")
    fleet.telephony.person(BOB, LONG)
    promised(one)
    fleet.run_for(SECOND)
    fleet.clock.advance(MINUTE)  # Both stood still, as on a machine that was asleep.
    assert not any(isinstance(effect, LookUp) for effect in two.give_out())
    fleet.run_for(LEASE)
    assert fleet.taken_over() == []
    assert [attempt.node_id for attempt in fleet.attempts()] == [one.node_id]


def test_a_restart_under_the_same_name_takes_over_at_once(fleet: Fleet) -> None:
    """What its name had begun is its own: it is looked up in the first step, before anything new is begun."""
    old = fleet.node("one", batch_max=1)
    for number in (BOB, EVE):
        fleet.telephony.person(number, LONG)
        old.service.request("support", number=number)
        old.service.agent_available(f"agent of {number[-1]}", queues=["support"])
    fleet.run_for(SECOND)
    old.kill()
    new = fleet.node("one", batch_max=1)
    new.service.request("support", number="+12125550199")
    new.service.agent_available("free", queues=["support"])
    assert [type(effect) for effect in new.give_out()] == [LookUp]
    assert [type(effect) for effect in new.give_out()] == [LookUp]
    assert fleet.taken_over() == [("at_000001", "one", "one"), ("at_000002", "one", "one")]
    assert new.give_out() == ()
    assert any(isinstance(effect, Dial) for effect in new.give_out())
    assert [row.version for row in new.service.nodes()] == [2]


def test_the_older_of_two_with_one_name_begins_nothing(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    """It sees that it was superseded, says so once, and beats no more; what it began it may still finish."""
    old, new = fleet.node("one"), fleet.node("one")
    old.give_out()
    new.give_out()
    promised(old)
    fleet.clock.advance(BEAT)
    caplog.clear()
    for _ in range(3):
        assert old.give_out() == ()
        fleet.clock.advance(BEAT)
    assert caplog.text.count("another process has the name of node one") == 1
    assert old.dispatcher.is_going
    assert any(isinstance(effect, Dial) for effect in new.give_out())
    assert fleet.nodes()["one"].version == 3
    old.dispatcher.leave(fleet.clock.now())
    assert fleet.nodes()["one"].state is NodeState.UP


# ---------------------------------------------------------------------------- draining


def test_a_drained_node_finishes_what_it_began(fleet: Fleet) -> None:
    """It begins nothing more and takes no live call; the conversation goes on; when that is over it goes."""
    one = fleet.node("one")
    fleet.telephony.person(BOB, LONG)
    callback_id = promised(one)
    fleet.run_for(SECOND)
    one.driver.drain()
    waiting = one.service.request("support", number=EVE).callback_id
    one.service.agent_available("ben", queues=["support"])
    one.service.call_joined("support", call_id="live")
    fleet.run_for(MINUTE)
    assert fleet.nodes()["one"].state is NodeState.DRAINING
    assert not one.driver.is_drained()
    assert one.service.get(callback_id).state is CallbackState.ENDED
    assert one.service.get(waiting).state is CallbackState.WAITING
    fleet.run_for(2 * MINUTE)
    assert one.driver.is_drained()
    assert fleet.telephony.live_legs() == []
    assert one.driver.leave() is False
    assert fleet.nodes()["one"].state is NodeState.GONE
    assert one.dispatcher.next_wakeup() is None or one.give_out() == ()


@IN_MEMORY
def test_the_other_node_has_all_that_a_drained_one_leaves(fleet: Fleet) -> None:
    """Callers and callbacks that came meanwhile are served by it, in their order."""
    one, two = fleet.node("one"), fleet.node("two")
    fleet.run_for(ZERO)
    one.driver.drain()
    callback_id = promised(one)
    fleet.run_for(SECOND)
    assert [attempt.node_id for attempt in fleet.attempts()] == ["two"]
    fleet.run_for(2 * MINUTE)
    assert two.service.get(callback_id).outcome is Outcome.COMPLETED


def test_what_is_left_when_the_time_is_over_is_handed_over(fleet: Fleet) -> None:
    """The other nodes do not wait for the lease: they take it over when they look next."""
    one, two = fleet.node("one"), fleet.node("two")
    fleet.telephony.person(BOB, LONG)
    callback_id = promised(one)
    fleet.run_for(SECOND)
    one.driver.drain()
    fleet.run_for(SECOND)
    assert one.driver.leave() is True
    assert one.driver.leave() is True
    assert one.driver.next_wakeup() is None or one.give_out() == ()
    left = fleet.nodes()["one"]
    assert (left.state, left.due_reason) == (NodeState.DRAINING, DueReason.HANDED_OVER)
    one.kill()
    fleet.run_for(BEAT)
    assert [attempt.node_id for attempt in fleet.attempts()] == ["two"]
    assert len(fleet.telephony.live_legs()) == 2
    assert fleet.nodes()["one"].state is NodeState.GONE
    fleet.run_for(2 * MINUTE)
    assert two.service.get(callback_id).outcome is Outcome.COMPLETED


@IN_MEMORY
def test_a_node_that_left_can_come_again(fleet: Fleet) -> None:
    """Under its own name, with what nobody has taken over."""
    one = fleet.node("one")
    fleet.telephony.person(BOB, LONG)
    promised(one)
    fleet.run_for(SECOND)
    one.driver.leave()
    fleet.run_for(LEASE)
    assert fleet.nodes()["one"].due_reason is DueReason.HANDED_OVER
    one.dispatcher.register(one.clock.now())
    fleet.run_for(LEASE)
    row = fleet.nodes()["one"]
    assert (row.state, row.due_reason) == (NodeState.UP, DueReason.LEASE_OVER)
    assert [attempt.node_id for attempt in fleet.attempts()] == ["one"]
    assert fleet.taken_over() == []


@IN_MEMORY
def test_a_draining_node_finds_another_agent_for_its_own_attempt(fleet: Fleet) -> None:
    """The customer's phone rings: an agent who declines is followed by the next, and nobody is left alone."""
    policy = QueuePolicy(queue="support", calling=None, mode=Mode.CUSTOMER_FIRST)
    one = fleet.node("one", policies=[policy])
    fleet.telephony.agent("ann", DECLINES)
    callback_id = promised(one)
    fleet.run_for(SECOND)
    one.driver.drain()
    one.service.request("support", number=EVE)
    fleet.run_for(SECOND)
    one.service.agent_available("ben", queues=["support"])
    fleet.run_for(4 * MINUTE)
    assert one.service.get(callback_id).outcome is Outcome.COMPLETED
    assert fleet.telephony.dialed(EVE) == 0
    assert one.driver.is_drained()


@IN_MEMORY
def test_a_draining_node_gives_out_no_message(fleet: Fleet) -> None:
    """It waits for another node; the drained one does not look at it without rest."""
    policy = QueuePolicy(queue="support", calling=None, messages=Messages(), **COMPANY)
    fleet.clock.move_to(NOON)
    one = fleet.node("one", policies=[policy])
    one.give_out()
    one.driver.drain()
    callback_id = one.service.request("support", number=BOB).callback_id
    assert one.give_out() == ()
    (message,) = one.service.messages_of(callback_id)
    assert message.state is MessageState.WAITING
    assert one.dispatcher.next_wakeup() == fleet.clock.now() + SECOND
    two = fleet.node("two", policies=[policy])
    assert [type(effect) for effect in two.give_out()] == [SendMessage]


@IN_MEMORY
def test_one_that_is_superseded_waits_for_nothing_of_its_successor(fleet: Fleet) -> None:
    """What its name begins now is the other process's: it is drained at once, and hands nothing over."""
    old = fleet.node("same")
    old.give_out()
    promised(old)
    old.step()
    new = fleet.node("same")
    new.give_out()
    assert old.driver.is_drained() is False
    fleet.clock.advance(BEAT)
    old.give_out()
    assert fleet.attempts()[0].state is not AttemptState.ENDED
    assert (old.driver.is_drained(), old.driver.leave()) == (True, False)
    assert fleet.nodes()["same"].state is NodeState.UP
    assert new.driver.leave() is True


@IN_MEMORY
@pytest.mark.parametrize("is_known", [True, False])
def test_one_that_is_drained_while_it_beats_says_so_in_the_next_step(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, *, is_known: bool
) -> None:
    """And not a third of its lease later."""
    one = fleet.node("one")
    if is_known:
        one.give_out()
        fleet.clock.advance(BEAT)
    looked = nodes.look

    def drained_meanwhile(*arguments: Any, **options: Any) -> Any:
        one.driver.drain()
        return looked(*arguments, **options)

    monkeypatch.setattr(nodes, "look", drained_meanwhile)
    one.give_out()
    assert fleet.nodes()["one"].state is NodeState.UP
    one.give_out()
    assert fleet.nodes()["one"].state is NodeState.DRAINING


@IN_MEMORY
def test_a_node_that_is_drained_before_its_first_step_comes_as_draining(fleet: Fleet) -> None:
    """It was told so before it was there."""
    one = fleet.node("one")
    one.driver.drain()
    promised(one)
    assert one.give_out() == ()
    assert fleet.nodes()["one"].state is NodeState.DRAINING


@IN_MEMORY
def test_a_node_without_a_lease_can_be_drained_too(fleet: Fleet) -> None:
    """Nobody is told, and it finishes what it began."""
    one = fleet.node("one", lease=None)
    fleet.telephony.person(BOB, LONG)
    promised(one)
    fleet.run_for(SECOND)
    assert not one.driver.is_drained()
    one.driver.drain()
    one.service.request("support", number=EVE)
    one.service.agent_available("ben", queues=["support"])
    fleet.run_for(2 * MINUTE)
    assert one.driver.is_drained()
    assert one.driver.leave() is False
    assert one.service.nodes() == []
    assert fleet.telephony.dialed(EVE) == 0


# ---------------------------------------------------------------------------- who may serve one queue


def test_nodes_that_order_a_line_differently_do_not_share_it(fleet: Fleet) -> None:
    """The second one is not let in, and is told why; when the first has drained, it is."""
    one, two = fleet.node("one"), fleet.node("two", policies=[AGEING])
    one.give_out()
    with pytest.raises(ConfigurationError, match=r"priority_credit .* queue support.* node one, which is up"):
        two.dispatcher.register(fleet.clock.now())
    with pytest.raises(ConfigurationError):
        two.give_out()
    assert list(fleet.nodes()) == ["one"]
    one.driver.drain()
    one.give_out()
    two.give_out()
    assert fleet.nodes()["two"].state is NodeState.UP


@IN_MEMORY
def test_a_node_that_died_with_other_settings_is_in_the_way_for_its_lease(fleet: Fleet) -> None:
    """Nobody knows yet that it is dead."""
    one, two = fleet.node("one"), fleet.node("two", policies=[AGEING])
    one.give_out()
    one.kill()
    fleet.clock.advance(LEASE - SECOND)
    with pytest.raises(ConfigurationError):
        two.give_out()
    fleet.clock.advance(SECOND)
    two.give_out()
    assert fleet.nodes()["two"].state is NodeState.UP


@IN_MEMORY
def test_of_two_that_meet_later_the_newer_one_gives_way(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    """One was silent when the other came, and is there again: the other begins nothing in that queue, and says so."""
    sales = QueuePolicy(queue="sales", calling=None)
    one = fleet.node("one", policies=[SUPPORT])
    one.give_out()
    fleet.clock.advance(LEASE)
    two = fleet.node("two", policies=[AGEING, sales])
    two.give_out()
    one.give_out()
    fleet.clock.advance(BEAT)
    two.give_out()
    assert caplog.text.count("queue support: node one orders its line by another priority_credit") == 1
    two.service.request("support", number=BOB)
    two.service.request("sales", number=EVE)
    two.service.agent_available("ann", queues=["support", "sales"])
    dialed = [effect.callback_id for effect in two.give_out() if isinstance(effect, Dial)]
    assert [two.service.get(callback_id).queue for callback_id in dialed] == ["sales"]
    one.driver.drain()
    one.give_out()
    fleet.clock.advance(BEAT)
    two.service.agent_available("ben", queues=["support"])
    assert [type(effect) for effect in two.give_out() if isinstance(effect, Dial)] == [Dial]


@IN_MEMORY
def test_who_left_and_is_not_let_in_again_is_no_node(fleet: Fleet) -> None:
    """Its queue is ordered in another way by now: it steps no more until it is let in, and takes nothing away."""
    one = fleet.node("one")
    one.give_out()
    one.driver.leave()
    fleet.clock.advance(SECOND)
    two = fleet.node("two", policies=[AGEING])
    two.give_out()
    with pytest.raises(ConfigurationError, match="priority_credit"):
        one.dispatcher.register(fleet.clock.now())
    promised(two)
    with pytest.raises(ConfigurationError, match="priority_credit"):
        one.give_out()
    fleet.clock.advance(BEAT)
    with pytest.raises(ConfigurationError, match="priority_credit"):
        one.give_out()
    assert [type(effect) for effect in two.give_out() if isinstance(effect, Dial)] == [Dial]
    assert fleet.nodes()["one"].state is NodeState.GONE
    two.driver.leave()
    one.give_out()
    assert fleet.nodes()["one"].state is NodeState.UP


# ---------------------------------------------------------------------------- the rest


def test_nodes_of_other_tenants_are_not_seen(store: Store) -> None:
    """The same names, the same store: nobody takes over what is another tenant's."""
    acme, bolt = Fleet(store), Fleet(store)
    one = acme.node("one", tenant_id="acme")
    promised(one)
    acme.run_for(SECOND)
    bolt.node("two", tenant_id="bolt")
    other = bolt.node("one", tenant_id="bolt", policies=[AGEING])
    with pytest.raises(ConfigurationError):
        bolt.run_for(ZERO)
    other.kill()
    bolt.run_for(4 * MINUTE)
    assert [row.node_id for row in bolt.processes[0].service.nodes()] == ["two"]
    assert [row.node_id for row in one.service.nodes()] == ["one"]
    assert bolt.telephony.log == []


@IN_MEMORY
def test_a_beat_that_meets_another_is_tried_again(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again, up to a bound; then the step fails, and the next one beats."""
    one = fleet.node("one")
    one.give_out()
    fleet.clock.advance(BEAT)
    sound, refused = fleet.store.transaction, iter(range(CONFLICT_TRIES - 1))

    def contended(*arguments: Any, **options: Any) -> Any:
        if next(refused, None) is not None:
            raise Conflict("another one was first")
        return sound(*arguments, **options)

    monkeypatch.setattr(fleet.store, "transaction", contended)
    one.give_out()
    assert fleet.nodes()["one"].version == 2
    fleet.clock.advance(BEAT)
    refused = iter(range(CONFLICT_TRIES))
    with pytest.raises(Conflict):
        one.give_out()
    one.give_out()
    assert fleet.nodes()["one"].version == 3


@IN_MEMORY
def test_names_are_new_for_each_process(fleet: Fleet) -> None:
    """Containers all have the process id 1: a name that nobody gave says nothing of the machine, and is used once."""
    service = fleet.node("one").service
    names = {Dispatcher(service, lease=LEASE).node_id for _ in range(3)} | {Dispatcher(service).node_id}
    assert len(names) == 4
    assert all(name.startswith("node_") and str(os.getpid()) != name[5:] for name in names)


@IN_MEMORY
def test_a_dispatcher_with_a_lease_is_not_carried_over_a_fork(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes would beat under one name; without a lease nobody beats."""
    one = fleet.node("one")
    one.give_out()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(RuntimeError, match="made before a fork"):
        one.dispatcher.step(fleet.clock.now())
    with pytest.raises(RuntimeError, match="made before a fork"):
        one.dispatcher.register(fleet.clock.now())


@IN_MEMORY
@pytest.mark.parametrize("lease", [ZERO, -SECOND, timedelta(microseconds=1), timedelta(days=2)])
def test_a_lease_has_bounds(fleet: Fleet, lease: timedelta) -> None:
    """A node that is lost before it beats, or after everybody has gone home, is none."""
    with pytest.raises(ConfigurationError, match="lease"):
        fleet.node("one", lease=lease)


@IN_MEMORY
def test_nodes_that_went_long_ago_are_forgotten(fleet: Fleet) -> None:
    """For a day they are shown; names that are used once do not pile up."""
    one = fleet.node("one", lease=60 * MINUTE)
    gone = fleet.node("gone")
    gone.give_out()
    gone.driver.leave()
    gone.kill()
    fleet.run_for(timedelta(hours=23))
    assert list(fleet.nodes()) == ["gone", "one"]
    fleet.run_for(timedelta(hours=2))
    assert [row.node_id for row in one.service.nodes()] == ["one"]


@IN_MEMORY
def test_a_beat_is_among_what_wakes_a_node(fleet: Fleet) -> None:
    """Even if nothing else will ever happen; a clock that is set back makes it beat at once."""
    one = fleet.node("one")
    assert one.dispatcher.next_wakeup() == fleet.clock.now()
    one.give_out()
    assert one.dispatcher.next_wakeup() == fleet.clock.now() + BEAT
    one.clock.skew = -MINUTE
    one.give_out()
    assert fleet.nodes()["one"].version == 2
    assert one.dispatcher.next_wakeup() == fleet.clock.now() - MINUTE + BEAT
