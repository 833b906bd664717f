"""Tenants: whatever one has, no other can see, take, count or spoil."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest

from callbackq import events
from callbackq.ids import (
    AgentId,
    AttemptId,
    CallbackId,
    CallId,
    LegId,
    NodeId,
    PlaceId,
    QueueName,
    SubjectId,
)
from callbackq.model import (
    SMS,
    Ahead,
    BookingState,
    CallbackState,
    CallState,
    LegState,
    MessageState,
    NodeState,
)
from callbackq.ports import Commit, Store, Transaction
from callbackq.testing.builders import (
    QUEUE,
    SLOT_AT,
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
    make_queue_control,
    make_slot_count,
    make_slot_day,
    make_subject,
    make_tally,
    make_verification,
    make_webhook,
    next_version,
)
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import (
    KINDS,
    OTHER_TENANT,
    TENANT,
    ContractBase,
    Kind,
    PlannedError,
    append,
    ask,
    each_kind,
    fail_after,
    put,
)

_EARLY: Final = START - timedelta(days=30)
_LATE: Final = START + timedelta(days=30)

VERBS: Final[dict[str, tuple[Callable[[Transaction], object], object]]] = {
    "callbacks.by_request_key": (lambda tx: tx.callbacks.by_request_key("r"), None),
    "callbacks.active_by_dedup_key": (lambda tx: tx.callbacks.active_by_dedup_key("d"), None),
    "callbacks.due": (lambda tx: tx.callbacks.due(now=_LATE, limit=9), []),
    "callbacks.open_count": (lambda tx: tx.callbacks.open_count(QUEUE, limit=9), 0),
    "callbacks.counts": (lambda tx: sum(tx.callbacks.counts(QUEUE, limit=9).values()), 0),
    "callbacks.in_state": (lambda tx: tx.callbacks.in_state(QUEUE, CallbackState.WAITING, limit=9), []),
    "callbacks.last_ended": (lambda tx: tx.callbacks.last_ended(QUEUE, limit=9), []),
    "callbacks.of_subject": (lambda tx: tx.callbacks.of_subject(SubjectId("su_1"), limit=9), []),
    "callbacks.of_ticket": (lambda tx: tx.callbacks.of_ticket("ticket 1", limit=9), []),
    "calls.find": (lambda tx: tx.calls.find(CallId("call_1")), None),
    "calls.due": (lambda tx: tx.calls.due(now=_LATE, limit=9), []),
    "calls.open": (lambda tx: tx.calls.open(QUEUE), []),
    "calls.last_taken": (lambda tx: tx.calls.last_taken(QUEUE, limit=9), []),
    "calls.last_ended": (lambda tx: tx.calls.last_ended(QUEUE, limit=9), []),
    "agents.find": (lambda tx: tx.agents.find(AgentId("mia")), None),
    "agents.available": (lambda tx: tx.agents.available(), []),
    "agents.staffed_count": (lambda tx: tx.agents.staffed_count(QUEUE), 0),
    "agents.staffed_by_skills": (lambda tx: dict(tx.agents.staffed_by_skills(QUEUE)), {}),
    "agents.counts": (lambda tx: dict(tx.agents.counts(QUEUE)), {}),
    "agents.due": (lambda tx: tx.agents.due(now=_LATE, limit=9), []),
    "attempts.by_leg of the agent": (lambda tx: tx.attempts.by_leg(LegId("a")), None),
    "attempts.by_leg of the customer": (lambda tx: tx.attempts.by_leg(LegId("c")), None),
    "attempts.live_by_number": (lambda tx: tx.attempts.live_by_number("n"), None),
    "attempts.open_count": (lambda tx: tx.attempts.open_count(QUEUE, limit=9), 0),
    "attempts.open": (lambda tx: tx.attempts.open(QUEUE), []),
    "attempts.wanting_agent": (lambda tx: tx.attempts.wanting_agent(), []),
    "attempts.wanting_agent of queues": (lambda tx: tx.attempts.wanting_agent(queues=(QUEUE,)), []),
    "attempts.of_node": (lambda tx: tx.attempts.of_node(NodeId("node_1"), limit=9), []),
    "attempts.dialed_to": (lambda tx: tx.attempts.dialed_to("n", since=_EARLY, limit=9), []),
    "attempts.last_started": (lambda tx: tx.attempts.last_started(QUEUE, limit=9), []),
    "attempts.due": (lambda tx: tx.attempts.due(now=_LATE, limit=9), []),
    "bookings.of_callback": (lambda tx: tx.bookings.of_callback(CallbackId("cb_bk_1")), None),
    "bookings.of_callback, ended": (lambda tx: tx.bookings.of_callback(CallbackId("cb_bk_2")), None),
    "bookings.of_slot": (lambda tx: tx.bookings.of_slot(QUEUE, SLOT_AT), []),
    "bookings.between": (
        lambda tx: tx.bookings.between(QUEUE, from_at=_EARLY, until_at=_LATE, limit=9),
        [],
    ),
    "bookings.between of an agent": (
        lambda tx: tx.bookings.between(
            None, from_at=_EARLY, until_at=_LATE, agent_id=AgentId("mia"), limit=9
        ),
        [],
    ),
    "bookings.between of both": (
        lambda tx: tx.bookings.between(
            QUEUE, from_at=_EARLY, until_at=_LATE, agent_id=AgentId("mia"), limit=9
        ),
        [],
    ),
    "bookings.due": (lambda tx: tx.bookings.due(now=_LATE, limit=9), []),
    "slots.locked": (lambda tx: tx.slots.locked(QUEUE, SLOT_AT), None),
    "slots.between": (lambda tx: tx.slots.between(QUEUE, from_at=_EARLY, until_at=_LATE), []),
    "slots.days": (lambda tx: tx.slots.days(QUEUE, from_day="2026", until_day="2027"), []),
    "subjects.by_identity": (lambda tx: tx.subjects.by_identity("i"), None),
    "subjects.by_customer": (lambda tx: tx.subjects.by_customer("c"), None),
    "subjects.holding": (lambda tx: tx.subjects.holding("+12125550123"), []),
    "subjects.unseen_since": (lambda tx: tx.subjects.unseen_since(_LATE, limit=9), []),
    "tallies.locked": (lambda tx: tx.tallies.locked(["k"]), {}),
    "opt_outs.find": (lambda tx: tx.opt_outs.find("n"), None),
    "messages.by_cause": (lambda tx: tx.messages.by_cause("cause_ms_1"), None),
    "messages.by_provider": (lambda tx: tx.messages.by_provider(SMS, "p"), None),
    "messages.of_callback": (lambda tx: tx.messages.of_callback(CallbackId("cb_1"), limit=9), []),
    "messages.waiting_of": (lambda tx: tx.messages.waiting_of(CallbackId("cb_1")), []),
    "messages.last_to": (lambda tx: tx.messages.last_to("ann", limit=9), []),
    "messages.uncertain": (lambda tx: tx.messages.uncertain(limit=9), []),
    "messages.due": (lambda tx: tx.messages.due(now=_LATE, limit=9), []),
    "conversations.find": (lambda tx: tx.conversations.find("k"), None),
    "nodes.find": (lambda tx: tx.nodes.find(NodeId("node_1")), None),
    "nodes.present": (lambda tx: tx.nodes.present(), []),
    "nodes.all": (lambda tx: tx.nodes.all(), []),
    "nodes.due": (lambda tx: tx.nodes.due(now=_LATE, limit=9), []),
    "queues.find": (lambda tx: tx.queues.find(QUEUE), None),
    "lanes.served_by": (lambda tx: tx.lanes.served_by(("fr",)), (0,)),
    "line.head": (lambda tx: tx.line.head(QUEUE, lanes=(0, 1)), None),
    "line.head of calls": (lambda tx: tx.line.head(QUEUE, lanes=(0, 1), calls_only=True), None),
    "line.count_ahead": (
        lambda tx: tx.line.count_ahead(QUEUE, rank=2**53, place_id=PlaceId("z")),
        Ahead(),
    ),
    "line.count_passed": (
        lambda tx: tx.line.count_passed(QUEUE, lane=0, priority=100, rank=2**53, place_id=PlaceId("z")),
        Ahead(),
    ),
    "line.places": (lambda tx: tx.line.places(QUEUE, limit=9), []),
    "line.oldest": (lambda tx: tx.line.oldest(QUEUE), (None, None)),
    "line.waiting_count": (lambda tx: tx.line.waiting_count(QUEUE), 0),
    "line.is_empty": (lambda tx: tx.line.is_empty(), True),
    "history.all": (lambda tx: tx.history.all(), []),
    "history.of_callback": (lambda tx: tx.history.of_callback(CallbackId("callback_id_1")), []),
    "history.of_call": (lambda tx: tx.history.of_call(CallId("call_id_1")), []),
    "history.of_agent": (lambda tx: tx.history.of_agent(AgentId("agent_id_1")), []),
    "history.of_queue": (lambda tx: tx.history.of_queue(QueueName("queue_1")), []),
    "history.last_number": (lambda tx: tx.history.last_number(), 0),
    "history.links": (lambda tx: tx.history.links(limit=9), []),
    "webhooks.of_endpoint": (lambda tx: tx.webhooks.of_endpoint("crm"), []),
    "webhooks.endpoints": (lambda tx: tx.webhooks.endpoints(), []),
    "next_due_at": (lambda tx: tx.next_due_at(), None),
}
"""Every verb that reads without raising, with its answer when there is nothing."""


def _fill(store: Store) -> None:
    """Give the first tenant something that every verb finds."""
    with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
        tx.save(make_callback("cb_1", request_key="r", dedup_key="d", ticket_id="ticket 1"))
        tx.save(make_callback("cb_2", state=CallbackState.ENDED, ended_at=START))
        tx.save(make_call("call_1"))
        tx.save(make_call("call_2", state=CallState.ENDED, taken_at=START, ended_at=START))
        tx.save(make_agent("mia"))
        legs = {"agent_leg_id": LegId("a"), "customer_leg_id": LegId("c"), "customer_leg": LegState.RINGING}
        tx.save(make_attempt("at_1", number_key="n", **legs))
        tx.save(make_attempt("at_2", agent_id=None))
        tx.save(make_booking("bk_1", agent_id=AgentId("mia")))
        tx.save(make_booking("bk_2", state=BookingState.ENDED))
        tx.save(make_slot_count(usual_count=1))
        tx.save(make_slot_day(full_count=1))
        tx.save(make_subject("su_1", identity="i", customer_id="c", number="+12125550123"))
        tx.save(make_tally("k"))
        tx.save(make_verification("vf_1"))
        tx.save(make_opt_out("n"))
        tx.save(make_message("ms_1"))
        sent = {"channel": SMS, "provider_key": "p", "address_key": "ann", "sent_at": START}
        tx.save(make_message("ms_2", state=MessageState.UNCERTAIN, **sent))
        tx.save(make_conversation("k"))
        tx.save(make_node("node_1"))
        tx.save(make_node("node_2", state=NodeState.GONE))
        tx.save(make_webhook("crm"))
        tx.save(make_queue_control(QUEUE, dialing_paused=True))
        tx.lanes.intern(("fr",))
        tx.history.append(
            [
                make_event(events.CallbackReady),
                make_event(events.CallJoined),
                make_event(events.AgentAvailable),
                make_event(events.QueueSwitched),
            ]
        )


class TenantContract(ContractBase):
    """A tenant reaches no row of another."""

    @pytest.mark.parametrize("verb", VERBS)
    def test_no_verb_sees_another_tenant_s_rows(self, store: Store, verb: str) -> None:
        """What one tenant's verb finds, another tenant's does not."""
        question, nothing = VERBS[verb]
        _fill(store)
        assert ask(store, question) != nothing
        assert ask(store, question, tenant_id=OTHER_TENANT) == nothing

    @each_kind
    def test_no_id_finds_another_tenant_s_row(self, store: Store, kind: Kind) -> None:
        """The same id is not found in another tenant."""
        put(store, kind.make("x_1"))
        with pytest.raises(kind.not_found):
            ask(store, lambda tx: kind.get(tx, "x_1"), tenant_id=OTHER_TENANT)

    @each_kind
    def test_tenants_may_use_the_same_ids(self, store: Store, kind: Kind) -> None:
        """Each has its own row, at its own version."""
        mine, other = kind.make("x_1"), kind.make("x_1", tenant_id=OTHER_TENANT)
        put(store, mine)
        put(store, other, tenant_id=OTHER_TENANT)
        later = next_version(other, **kind.change)
        put(store, later, tenant_id=OTHER_TENANT)
        assert ask(store, lambda tx: kind.get(tx, "x_1")) == mine
        assert ask(store, lambda tx: kind.get(tx, "x_1"), tenant_id=OTHER_TENANT) == later

    def test_tenants_may_use_the_same_keys(self, store: Store) -> None:
        """Request, dedup and number keys, legs, seats, identities and causes collide within a tenant only."""
        for tenant_id in (TENANT, OTHER_TENANT):
            put(
                store,
                make_callback("cb_1", tenant_id=tenant_id, request_key="r", dedup_key="d"),
                make_attempt(
                    "at_1",
                    tenant_id=tenant_id,
                    number_key="n",
                    callback_id=CallbackId("cb_1"),
                    agent_leg_id=LegId("a"),
                    customer_leg_id=LegId("c"),
                ),
                make_booking("bk_1", tenant_id=tenant_id, agent_id=AgentId("mia")),
                make_subject("su_1", tenant_id=tenant_id, identity="i", customer_id="c"),
                make_tally("k", tenant_id=tenant_id),
                make_opt_out("n", tenant_id=tenant_id),
                make_message("ms_1", tenant_id=tenant_id, cause="c"),
                make_conversation("k", tenant_id=tenant_id),
                tenant_id=tenant_id,
            )
        for tenant_id in (TENANT, OTHER_TENANT):
            found = ask(store, lambda tx: tx.attempts.live_by_number("n"), tenant_id=tenant_id)
            assert found is not None
            assert (found.tenant_id, found.attempt_id) == (tenant_id, AttemptId("at_1"))

    @each_kind
    def test_another_tenant_s_row_cannot_be_written(self, store: Store, kind: Kind) -> None:
        """A transaction refuses a row of another tenant, new or changed."""
        row = kind.make("x_1", tenant_id=OTHER_TENANT)
        put(store, row, tenant_id=OTHER_TENANT)
        for foreign in (kind.make("x_2", tenant_id=OTHER_TENANT), next_version(row, **kind.change)):
            with pytest.raises(ValueError, match="tenant"):
                put(store, foreign)
        assert ask(store, lambda tx: kind.get(tx, "x_1"), tenant_id=OTHER_TENANT) == row

    def test_each_tenant_has_a_line_of_its_own(self, store: Store) -> None:
        """Places are served and counted within the tenant."""
        for tenant_id, ranks in ((TENANT, (4, 5)), (OTHER_TENANT, (1, 2, 3))):
            put(
                store,
                *(make_callback(f"cb_{rank}", tenant_id=tenant_id, rank=rank) for rank in ranks),
                tenant_id=tenant_id,
            )
        head = ask(store, lambda tx: tx.line.head(QUEUE, lanes=(0,)))
        assert head is not None
        assert head.place_id == "cb_4"
        ahead = ask(store, lambda tx: tx.line.count_ahead(QUEUE, rank=5, place_id=PlaceId("cb_5")))
        assert ahead == Ahead(callbacks=1)

    def test_each_tenant_has_lanes_of_its_own(self, store: Store) -> None:
        """A number means what its own tenant interned."""
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            fr = tx.lanes.intern(("fr",))
        with store.transaction(OTHER_TENANT, commit=Commit.RELAXED) as tx:
            vip = tx.lanes.intern(("vip",))
        assert ask(store, lambda tx: tx.lanes.served_by(("fr", "vip"))) == (0, fr)
        assert ask(store, lambda tx: tx.lanes.served_by(("fr", "vip")), tenant_id=OTHER_TENANT) == (0, vip)
        assert ask(store, lambda tx: tx.lanes.skills_of(fr)) == ("fr",)
        assert ask(store, lambda tx: tx.lanes.skills_of(vip), tenant_id=OTHER_TENANT) == ("vip",)

    def test_nobody_forgets_for_another_tenant(self, store: Store) -> None:
        """What is deleted is the tenant's own."""
        _fill(store)
        with store.transaction(OTHER_TENANT, commit=Commit.RELAXED) as tx:
            assert tx.tallies.forget(over_before=_LATE, limit=9) == 0
            assert tx.verifications.forget(expired_before=_LATE, limit=9) == 0
            assert tx.nodes.forget(gone_before=_LATE, limit=9) == 0
        assert list(ask(store, lambda tx: tx.tallies.locked(["k"]))) == ["k"]

    def test_each_tenant_has_chains_of_its_own(self, store: Store) -> None:
        """The same record of another tenant is another record."""
        for tenant_id in (TENANT, OTHER_TENANT):
            append(store, make_event(events.CallbackReady, tenant_id=tenant_id), tenant_id=tenant_id)
        mine = ask(store, lambda tx: tx.history.links(limit=9))
        theirs = ask(store, lambda tx: tx.history.links(limit=9), tenant_id=OTHER_TENANT)
        assert [link.event_number for link in (*mine, *theirs)] == [1, 1]
        assert mine[0].digest != theirs[0].digest

    def test_undoing_one_tenant_s_block_leaves_the_others(self, store: Store) -> None:
        """A failure in one tenant costs the others nothing."""
        callback = make_callback("cb_1", tenant_id=OTHER_TENANT)
        put(store, callback, tenant_id=OTHER_TENANT)
        append(store, make_event(events.CallbackReady, tenant_id=OTHER_TENANT), tenant_id=OTHER_TENANT)

        def write(tx: Transaction) -> None:
            tx.save(make_callback("cb_1", state=CallbackState.HELD))
            tx.history.append([make_event(events.CallbackReady)])

        with pytest.raises(PlannedError):
            fail_after(store, write)
        assert ask(store, lambda tx: tx.line.head(QUEUE, lanes=(0,)), tenant_id=OTHER_TENANT) == callback
        assert len(ask(store, lambda tx: tx.history.all(), tenant_id=OTHER_TENANT)) == 1
        assert ask(store, lambda tx: tx.history.all()) == []

    def test_a_tenant_s_name_is_not_read_as_anything_else(self, store: Store) -> None:
        """Names with quotes, wildcards and other scripts are names like any other."""
        names = ["o'hara", 'a"b', "%", "_", "東京", "a;b", " "]
        for name in names:
            tenant_id = type(TENANT)(name)
            put(store, *(kind.make("x_1", tenant_id=tenant_id) for kind in KINDS), tenant_id=tenant_id)
        for name in names:
            assert ask(store, lambda tx: tx.line.waiting_count(QUEUE), tenant_id=type(TENANT)(name)) == 2
