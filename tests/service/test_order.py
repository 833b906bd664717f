"""Who is next: priority, ageing, premium queues, skills, preferred agents, and every way to change a place."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from callbackq import (
    CallbackService,
    CallbackState,
    CallHasEnded,
    CallState,
    Dispatcher,
    Disposition,
    DuplicateCallback,
    Duplicates,
    InvalidPriority,
    InvalidText,
    InvalidTime,
    LiveCall,
    NotPossibleNow,
    Outcome,
    Place,
    PlaceAfter,
    PlaceFrom,
    QueuePolicy,
    RequestRefused,
    RetryRule,
    Store,
)
from callbackq.testing import DECLINES, NEVER_ANSWERS, START, VirtualHost
from service.scenes import dials

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
BOB, EVE, JOE = "+12125550101", "+12125550102", "+12125550103"


def served(host: VirtualHost) -> list[str]:
    """Return who has been given to an agent, in order: live calls by id, callbacks by id."""
    order: list[str] = []
    for event in all_events(host):
        if event.kind == "call_taken":
            order.append(event.call_id)
        elif event.kind == "callback_attempted":
            order.append(event.callback_id)
    return order


def all_events(host: VirtualHost) -> list[Any]:
    """Return the whole history."""
    from callbackq import DEFAULT_TENANT, Commit

    with host.service.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        return tx.history.all()


def in_line(service: CallbackService, queue: str = "support") -> list[str]:
    """Return the line, first to be served first."""
    return [one.call_id if isinstance(one, LiveCall) else one.callback_id for one in service.line(queue)]


def join(host: VirtualHost, *call_ids: str, **fields: Any) -> None:
    """Let callers join one second apart."""
    for call_id in call_ids:
        host.service.call_joined(fields.pop("queue", "support"), call_id=call_id, **fields)
        host.clock.move_to(host.clock.now() + SECOND)


def test_strict_priority_goes_before_any_wait(make_host: Callable[..., VirtualHost]) -> None:
    """D2: priority 1 goes before 10, however long 10 has waited."""
    host = make_host()
    join(host, "regular", priority=10)
    host.clock.advance(timedelta(hours=7))
    join(host, "urgent", priority=1)
    assert in_line(host.service) == ["urgent", "regular"]


def test_ageing_priority_is_a_head_start(make_host: Callable[..., VirtualHost]) -> None:
    """D3: each step is worth a fixed head start, and no more."""
    host = make_host(priority_credit=MINUTE)
    join(host, "regular", priority=101)
    host.clock.advance(50 * SECOND)
    join(host, "within", priority=100)
    host.clock.advance(30 * SECOND)
    join(host, "beyond", priority=100)
    assert in_line(host.service) == ["within", "regular", "beyond"]


def test_place_from_request_is_a_setting(make_host: Callable[..., VirtualHost]) -> None:
    """D1: by default the place counts from entering; the setting takes request time."""
    for place_from, expected in (
        (PlaceFrom.ENTERED, ["cb", "second"]),
        (PlaceFrom.REQUESTED, ["second", "cb"]),
    ):
        host = make_host(place_from=place_from)
        for old in host.service.line("support"):
            if isinstance(old, LiveCall):
                host.service.call_left(old.call_id)
            else:
                host.service.cancel(old.callback_id)
        first, second = f"first {place_from}", f"second {place_from}"
        join(host, first, second, number=BOB)
        host.clock.advance(MINUTE)
        receipt = host.service.request("support", call_id=first)
        names = {receipt.callback_id: "cb", second: "second"}
        assert [names[one] for one in in_line(host.service)] == expected
        callback = host.service.get(receipt.callback_id)
        assert callback.entered_at == host.service.call_left(first).entered_at


def test_shared_agents_serve_the_premium_queue_first(store: Store) -> None:
    """D4: the queue with the lower `served_first` goes before, whoever came first."""
    policies = [QueuePolicy(queue="support"), QueuePolicy(queue="premium", served_first=10)]
    host = VirtualHost(store, policies)
    join(host, "early")
    join(host, "vip", queue="premium")
    host.service.agent_available("ann", queues=["support", "premium"])
    host.run_for(SECOND)
    assert served(host) == ["vip"]


def test_capacity_is_kept_for_the_premium_queue(store: Store) -> None:
    """D4: with one agent kept, the last free shared agent waits for a premium caller; explain says so."""
    policies = [QueuePolicy(queue="support"), QueuePolicy(queue="premium", served_first=10, agents_kept=1)]
    host = VirtualHost(store, policies)
    for agent in ("ann", "ben"):
        host.service.agent_available(agent, queues=["support", "premium"])
    join(host, "one", "two")
    waiting = host.service.request("support", number=BOB)
    host.run_for(SECOND)
    assert served(host) == ["one"]
    assert host.service.explain(waiting.callback_id).rule == "agents_kept"
    join(host, "vip", queue="premium")
    host.run_for(SECOND)
    assert served(host) == ["one", "vip"]
    host.service.agent_available("cat", queues=["support"])
    host.run_for(SECOND)
    assert served(host) == ["one", "vip", "two"], "an agent of support alone is kept for nobody"


def test_skills_and_language_are_lanes(make_host: Callable[..., VirtualHost]) -> None:
    """D7: an agent without the skill passes nobody of the same needs, and position counts over all lanes."""
    host = make_host()
    join(host, "german", skills=["german"])
    join(host, "any")
    position = host.service.call_position("any")
    assert position is not None
    assert position.number == 2
    host.service.agent_available("ann", queues=["support"])
    host.run_for(SECOND)
    host.service.agent_available("uwe", queues=["support"], skills=["german", "billing"])
    host.run_for(SECOND)
    assert served(host) == ["any", "german"]


def test_the_preferred_agent_is_tried_first_for_a_bounded_time(make_host: Callable[..., VirtualHost]) -> None:
    """D7: free agents leave the place to its agent for two minutes, and then serve it with its old place."""
    host = make_host()
    host.service.agent_available("uwe", queues=["support"])
    join(host, "busy")
    host.run_for(SECOND)
    receipt = host.service.request("support", number=BOB, preferred_agent="uwe")
    join(host, "later")
    host.service.agent_available("ann", queues=["support"])
    host.run_for(SECOND)
    assert served(host) == ["busy", "later"], "ann leaves bob to uwe"
    why = host.service.explain(receipt.callback_id)
    assert why.rule == "preferred_agent"
    assert why.next_change_at == START + SECOND + timedelta(minutes=2) + SECOND
    host.service.call_left("later")
    host.run_for(timedelta(minutes=3))
    attempted = [event for event in all_events(host) if event.kind == "callback_attempted"]
    assert attempted[0].agent_id == "ann"
    assert attempted[0].at == why.next_change_at


def test_the_preferred_agent_gets_the_place(make_host: Callable[..., VirtualHost]) -> None:
    """D7: even where another agent has been free for longer."""
    host = make_host()
    host.service.agent_available("ann", queues=["support"])
    host.clock.advance(MINUTE)
    host.service.agent_available("uwe", queues=["support"], skills=["german"])
    receipt = host.service.request("support", number=BOB, preferred_agent="uwe", skills=["german"])
    host.run_for(SECOND)
    (event,) = [event for event in all_events(host) if event.kind == "callback_attempted"]
    assert event.agent_id == "uwe"
    assert host.service.get(receipt.callback_id).preferred_agent_id == "uwe"


def test_a_preferred_agent_who_is_away_is_not_waited_for(make_host: Callable[..., VirtualHost]) -> None:
    """D7: not signed in, without the skill, or of another queue: anybody serves the place at once."""
    host = make_host()
    host.service.agent_available("kim", queues=["sales"])
    for number, preferred in ((BOB, "nobody"), (EVE, "kim")):
        receipt = host.service.request("support", number=number, preferred_agent=preferred)
        assert host.service.get(receipt.callback_id).preferred_until_at is None
    host.service.agent_available("ann", queues=["support"])
    host.run_for(SECOND)
    assert len(served(host)) == 1


def test_a_live_caller_waits_for_the_preferred_agent_too(make_host: Callable[..., VirtualHost]) -> None:
    """D7: and keeps that place as a callback."""
    host = make_host(preferred_agent_time=timedelta(seconds=30))
    host.service.agent_available("uwe", queues=["support"])
    join(host, "busy")
    host.run_for(SECOND)
    join(host, "bob", number=BOB, preferred_agent="uwe")
    host.service.agent_available("ann", queues=["support"])
    host.run_for(SECOND)
    assert served(host) == ["busy"]
    receipt = host.service.request("support", call_id="bob")
    assert host.service.get(receipt.callback_id).preferred_until_at == START + SECOND * 32
    host.run_for(timedelta(seconds=40))
    assert served(host) == ["busy", receipt.callback_id]


def test_no_skill_may_look_like_a_preferred_agent(host: VirtualHost) -> None:
    """The name is taken."""
    with pytest.raises(InvalidText, match="agent:"):
        host.service.call_joined("support", call_id="x", skills=["agent:ann"])


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (PlaceAfter.KEEP, ["first", "cb", "last"]),
        (PlaceAfter.FRONT, ["cb", "first", "last"]),
        (PlaceAfter.END, ["first", "last", "cb"]),
    ],
)
def test_place_after_a_failed_attempt(
    make_host: Callable[..., VirtualHost], place: PlaceAfter, expected: list[str]
) -> None:
    """D8: kept, put at the front, or at the end, by the rule for the disposition; the entry time stays."""
    rule = RetryRule(retries_max=1, rest=timedelta(minutes=2), place=place)
    host = make_host(retry_rules={Disposition.NO_ANSWER: rule})
    host.telephony.person(BOB, NEVER_ANSWERS)
    join(host, "first", skills=["rare"])
    receipt = host.service.request("support", number=BOB)
    host.service.agent_available("ann", queues=["support"])
    host.run_until(lambda: host.service.get(receipt.callback_id).state is CallbackState.RESTING)
    host.service.agent_unavailable("ann")
    host.service.call_joined("support", call_id="last")
    before = host.service.get(receipt.callback_id)
    host.run_until(lambda: host.service.get(receipt.callback_id).state is CallbackState.WAITING)
    names = {receipt.callback_id: "cb"}
    assert [names.get(one, one) for one in in_line(host.service)] == expected
    assert host.service.get(receipt.callback_id).entered_at == before.entered_at


def test_front_does_not_pass_a_better_priority(make_host: Callable[..., VirtualHost]) -> None:
    """D8: the front is that of its own priority; where priority ages it is the front of the line."""
    for number, credit, expected in (
        (BOB, timedelta(days=366), ["vip", "cb", "early"]),
        (EVE, MINUTE, ["cb", "vip", "early"]),
    ):
        host = make_host(priority_credit=credit)
        for old in host.service.line("support"):
            host.service.cancel(old.callback_id) if not isinstance(old, LiveCall) else host.service.call_left(
                old.call_id
            )
        at = f"{host.clock.now():%H%M%S}{number}"
        host.service.call_joined("support", call_id=f"early{at}")
        host.service.call_joined("support", call_id=f"vip{at}", priority=1)
        receipt = host.service.request("support", number=number)
        host.service.put_first(receipt.callback_id)
        names = {receipt.callback_id: "cb", f"early{at}": "early", f"vip{at}": "vip"}
        assert [names[one] for one in in_line(host.service)] == expected


def test_callbacks_move_between_queues_with_their_entry_time(host: VirtualHost) -> None:
    """D12: the place there is the one of the entry here; live callers too."""
    join(host, "sales-first", queue="sales")
    moved = host.service.request("support", number=BOB)
    join(host, "live")
    join(host, "sales-last", queue="sales")
    host.service.move(moved.callback_id, queue="sales", reason="wrong menu choice")
    host.service.move_call("live", queue="sales", priority=99)
    assert in_line(host.service, "sales") == ["live", "sales-first", moved.callback_id, "sales-last"]
    callback = host.service.get(moved.callback_id)
    assert (callback.queue, callback.entered_at) == ("sales", moved.entered_at)
    event = host.service.history(moved.callback_id)[-1]
    assert (event.kind, event.reason) == ("callback_moved", "wrong menu choice")  # type: ignore[attr-defined]


def test_moving_to_where_the_person_waits_already_is_refused(host: VirtualHost) -> None:
    """D12: two in one queue are a matter for merge."""
    here = host.service.request("support", number=BOB)
    there = host.service.request("sales", number=BOB)
    with pytest.raises(DuplicateCallback) as refused:
        host.service.move(here.callback_id, queue="sales")
    assert refused.value.existing_id == there.callback_id
    host.service.merge(here.callback_id, into=there.callback_id)


def test_merging_keeps_the_better_place_and_both_contexts(make_host: Callable[..., VirtualHost]) -> None:
    """D12: one goes on, the other ends as REPLACED and says by which; twice is once."""
    host = make_host(duplicates=Duplicates.ALLOW)
    first = host.service.request("support", number=BOB, context={"topic": "invoice", "menu": "1"})
    host.clock.advance(MINUTE)
    join(host, "between")
    second = host.service.request("support", number=BOB, priority=50, context={"topic": "refund"})
    kept = host.service.merge(first.callback_id, into=second.callback_id)
    assert (kept.priority, kept.ranked_at, kept.entered_at) == (50, START, second.entered_at)
    assert host.service.merge(first.callback_id, into=second.callback_id) == kept
    gone = host.service.get(first.callback_id)
    assert (gone.outcome, gone.merged_into_id) == (Outcome.REPLACED, second.callback_id)
    host.service.agent_available("ann", queues=["support"])
    (dial,) = dials(Dispatcher(host.service).step(host.clock.now()))
    assert dial.callback_id == second.callback_id
    assert dial.context == {"topic": "refund", "menu": "1"}


def test_two_persons_are_not_merged(host: VirtualHost) -> None:
    """D12: nor one with itself, nor what is over."""
    bob = host.service.request("support", number=BOB).callback_id
    eve = host.service.request("support", number=EVE).callback_id
    other = host.service.request("sales", number=BOB).callback_id
    with pytest.raises(RequestRefused, match="two persons"):
        host.service.merge(bob, into=eve)
    with pytest.raises(RequestRefused, match="itself"):
        host.service.merge(bob, into=bob)
    host.service.cancel(other)
    with pytest.raises(NotPossibleNow):
        host.service.merge(bob, into=other)
    assert host.service.get(bob).state is CallbackState.WAITING


def test_priority_is_changed_by_a_named_command(host: VirtualHost) -> None:
    """D12: of callbacks and live calls; an attempt under way forbids it; nonsense is refused."""
    join(host, "one", "two")
    host.service.prioritize_call("two", priority=7)
    assert in_line(host.service) == ["two", "one"]
    receipt = host.service.request("support", number=BOB)
    host.service.prioritize(receipt.callback_id, priority=0)
    assert in_line(host.service)[0] == receipt.callback_id
    for bad in (-1, 256, True, 1.5, "1"):
        with pytest.raises(InvalidPriority):
            host.service.prioritize(receipt.callback_id, priority=bad)  # type: ignore[arg-type]
    host.service.call_left("busy")
    host.run_for(SECOND)
    with pytest.raises(NotPossibleNow):
        host.service.prioritize(receipt.callback_id, priority=1)
    with pytest.raises(CallHasEnded):
        host.service.prioritize_call("busy", priority=1)


def test_a_host_function_ranks_the_line_anew(host: VirtualHost) -> None:
    """D13: by value, urgency and wait; the same answer again changes nothing."""
    join(host, "one", "two")
    host.service.request("support", number=BOB)
    values = {"two": timedelta(hours=1)}

    def head_start(place: Place, waited: timedelta) -> timedelta:
        assert waited >= timedelta(0)
        return values.get(getattr(place, "call_id", None) or "", timedelta(0))

    done = host.service.rerank("support", head_start=head_start)
    assert (done.looked_at_count, done.reranked_count, done.failed) == (3, 1, {})
    assert in_line(host.service)[0] == "two"
    assert host.service.rerank("support", head_start=head_start).reranked_count == 0


def test_a_host_function_that_fails_leaves_the_last_good_rank(
    host: VirtualHost, caplog: pytest.LogCaptureFixture
) -> None:
    """D13: it raises, or answers nonsense: bounded, reported, and the others are ranked."""
    join(host, "one", "two", "three", "four", "five")
    host.service.rerank("support", head_start=lambda place, _: timedelta(hours=place.call_id == "three"))
    answers: dict[str, Any] = {
        "one": 5,
        "two": timedelta(days=8),
        "four": timedelta(hours=2),
        "five": None,
    }

    def bad(place: Place, _waited: timedelta) -> timedelta:
        assert isinstance(place, LiveCall)
        if place.call_id == "three":
            raise ZeroDivisionError(BOB)
        answer: timedelta = answers[place.call_id]
        return answer

    with caplog.at_level(logging.WARNING):
        done = host.service.rerank("support", head_start=bad)
    assert done.failed == {
        "one": "ValueError",
        "two": "ValueError",
        "three": "ZeroDivisionError",
        "five": "ValueError",
    }
    assert in_line(host.service) == ["four", "three", "one", "two", "five"]
    assert "4 places keep their rank" in caplog.text
    assert "5550101" not in caplog.text


def test_changed_credits_rank_the_queue_anew_by_a_command(store: Store) -> None:
    """D3: the places that wait keep their order until the command is given."""
    strict = VirtualHost(store, [QueuePolicy(queue="support")])
    join(strict, "regular", priority=101)
    strict.clock.advance(timedelta(minutes=5))
    join(strict, "urgent", priority=100)
    ageing = CallbackService(
        store, [QueuePolicy(queue="support", priority_credit=MINUTE)], clock=strict.clock
    )
    assert in_line(ageing) == ["urgent", "regular"]
    assert ageing.rerank("support").reranked_count == 2
    assert in_line(ageing) == ["regular", "urgent"]


def test_who_waits_long_is_marked_and_keeps_the_place(make_host: Callable[..., VirtualHost]) -> None:
    """D9: past the longest virtual wait there is an event, once; the place is as it was."""
    host = make_host(virtual_wait_max=timedelta(minutes=45))
    receipt = host.service.request("support", number=BOB)
    rank = host.service.get(receipt.callback_id).rank
    host.run_for(timedelta(hours=2))
    marked = [e for e in host.service.history(receipt.callback_id) if e.kind == "callback_waited_long"]
    assert [event.at for event in marked] == [START + timedelta(minutes=45)]
    callback = host.service.get(receipt.callback_id)
    assert (callback.rank, callback.waited_long_at) == (rank, START + timedelta(minutes=45))


@pytest.mark.parametrize(("place", "first"), [(PlaceAfter.KEEP, "cb"), (PlaceAfter.END, "later")])
def test_a_turn_that_could_not_be_used_is_queued_again(
    make_host: Callable[..., VirtualHost], place: PlaceAfter, first: str
) -> None:
    """D10: ten minutes after its turn came; it keeps its place or goes to the end, by policy."""
    host = make_host(place_after_window=place)
    host.telephony.agent("ann", DECLINES)
    receipt = host.service.request("support", number=BOB)
    host.service.agent_available("ann", queues=["support"])
    host.run_for(SECOND)
    host.service.agent_unavailable("ann")
    host.run_for(MINUTE)
    join(host, "later")
    assert host.service.get(receipt.callback_id).turn_at == START
    host.run_for(timedelta(minutes=10))
    callback = host.service.get(receipt.callback_id)
    assert callback.turn_at is None
    assert callback.entered_at == START
    (event,) = [e for e in host.service.history(receipt.callback_id) if e.kind == "callback_requeued"]
    assert event.at == START + timedelta(minutes=10)
    assert {receipt.callback_id: "cb"}.get(in_line(host.service)[0], "later") == first


def test_nothing_ends_without_an_event(make_host: Callable[..., VirtualHost]) -> None:
    """D11: expiry has its own outcome, and stands in history with its reason."""
    host = make_host(callback_life=timedelta(hours=1))
    receipt = host.service.request("support", number=BOB)
    host.run_for(timedelta(hours=1))
    assert host.service.get(receipt.callback_id).outcome is Outcome.EXPIRED
    last: Any = host.service.history(receipt.callback_id)[-1]
    assert (last.kind, last.outcome, last.reason) == ("callback_ended", Outcome.EXPIRED, "callback_life")


def test_a_live_call_that_never_leaves_is_let_go(make_host: Callable[..., VirtualHost]) -> None:
    """Its life is bounded by policy, whether it prefers an agent or not."""
    host = make_host(call_life=timedelta(hours=1))
    host.service.agent_available("uwe", queues=["support"])
    join(host, "busy", "lost")
    join(host, "prefers", preferred_agent="uwe")
    host.run_for(timedelta(hours=2))
    assert host.service.call_left("lost").outcome == "expired"
    assert host.service.call_left("prefers").outcome == "expired"
    assert host.service.call_left("busy").state is CallState.ENDED


def test_places_are_open_to_all_when_the_preferred_agent_leaves(
    make_host: Callable[..., VirtualHost],
) -> None:
    """D7: callbacks and live callers; nobody waits for somebody who has gone."""
    host = make_host(preferred_agent_time=timedelta(hours=1))
    host.service.agent_available("uwe", queues=["support"])
    join(host, "busy")
    host.run_for(SECOND)
    receipt = host.service.request("support", number=BOB, preferred_agent="uwe")
    join(host, "live", preferred_agent="uwe")
    host.service.agent_available("ann", queues=["support"])
    host.run_for(SECOND)
    assert served(host) == ["busy"]
    host.service.agent_unavailable("uwe")
    assert host.service.get(receipt.callback_id).preferred_until_at is None
    host.run_for(SECOND)
    assert served(host) == ["busy", receipt.callback_id]
    assert host.service.call("live").preferred_until_at is None
    assert [event.kind for event in host.service.agent_history("uwe")][-1] == "agent_leaving"
    assert host.service.agent("uwe").leaving


def test_merging_keeps_skills_ticket_and_owner(make_host: Callable[..., VirtualHost]) -> None:
    """D12: what one of the two needs, the one that goes on needs."""
    host = make_host(duplicates=Duplicates.ALLOW)
    gone = host.service.request("support", number=BOB, skills=["french"], ticket_id="T-1", owner="uwe")
    kept = host.service.request("support", number=BOB, skills=["billing"], context={"a": "1"})
    host.service.merge(gone.callback_id, into=kept.callback_id)
    row = host.service.get(kept.callback_id)
    assert (row.ticket_id, row.owner_id) == ("T-1", "uwe")
    assert host.service.context(kept.callback_id) == {"a": "1"}
    for agent, skills in (("ann", ["billing"]), ("ben", ["billing", "french"])):
        host.service.agent_available(agent, queues=["support"], skills=skills)
    Dispatcher(host.service).step(host.clock.now())
    assert host.service.agent("ben").state == "reserved"


def test_a_request_is_the_same_after_its_callback_was_moved(host: VirtualHost) -> None:
    """D12, B8: pressing again gives the same callback."""
    host.service.call_joined("support", call_id="bob", number=BOB)
    receipt = host.service.request("support", call_id="bob")
    host.service.move(receipt.callback_id, queue="sales")
    assert host.service.request("support", call_id="bob").callback_id == receipt.callback_id


def test_a_clock_that_is_a_little_ahead_refuses_nobody(host: VirtualHost) -> None:
    """D1: up to five seconds are taken for now; more, or long ago, is a mistake."""
    service = host.service
    ahead = service.call_joined("support", call_id="a", entered_at=START + 5 * SECOND)
    assert ahead.entered_at == START
    for wrong in (START + 6 * SECOND, START - timedelta(days=31)):
        with pytest.raises(InvalidTime):
            service.call_joined("support", call_id="b", entered_at=wrong)
        with pytest.raises(InvalidTime):
            service.request("support", number=BOB, entered_at=wrong)
    assert (
        service.call_joined("support", call_id="c", entered_at=START - timedelta(days=29)).rank < ahead.rank
    )
