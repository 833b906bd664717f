"""History: every event comes back as it was, in the order of writing, under the record that it tells of."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq import events
from callbackq.events import Event
from callbackq.ids import AgentId, AttemptId, CallbackId, CallId, MessageId, QueueName
from callbackq.model import DueReason, Entity
from callbackq.ports import Commit, Store
from callbackq.stores.rows import event_classes
from callbackq.testing.builders import make_event
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import (
    EXAMPLES,
    OTHER_TENANT,
    TENANT,
    ContractBase,
    PlannedError,
    append,
    ask,
    exact,
    fail_after,
    fresh_tenant,
    put,
    values_of,
)


class HistoryContract(ContractBase):
    """Events are written once and never change."""

    def test_history_begins_empty(self, store: Store) -> None:
        """Nothing has happened yet."""
        assert ask(store, lambda tx: tx.history.all()) == []
        assert ask(store, lambda tx: tx.history.of_callback(CallbackId("cb_1"))) == []

    @pytest.mark.parametrize("event_class", event_classes(), ids=lambda event_class: event_class.kind)
    def test_an_event_of_every_class_comes_back(self, store: Store, event_class: type[Event]) -> None:
        """Every field of every class of event is kept, present or None."""
        event = make_event(event_class)
        optional = {
            field.name: None
            for field in attrs.fields(event_class)
            if field.name in {"due_at", "due_reason"} or field.default is None
        }
        sparse = make_event(event_class, **optional)
        append(store, event, sparse)
        found = ask(store, lambda tx: tx.history.all())
        assert [type(each) for each in found] == [event_class, event_class]
        assert [exact(each) for each in found] == [exact(event), exact(sparse)]

    @EXAMPLES
    @given(drawn=st.lists(st.one_of(*map(values_of, event_classes())), max_size=5))
    def test_any_event_comes_back_as_it_was(self, store: Store, drawn: list[Event]) -> None:
        """Whatever the types of the fields allow is kept exactly, and in order."""
        tenant_id = fresh_tenant()
        written = [attrs.evolve(event, tenant_id=tenant_id) for event in drawn]
        append(store, *written, tenant_id=tenant_id)
        found = ask(store, lambda tx: tx.history.all(), tenant_id=tenant_id)
        assert [exact(each) for each in found] == [exact(each) for each in written]

    def test_events_keep_the_order_of_writing(self, store: Store) -> None:
        """Within one append, over several of one transaction, and over transactions; not by time or version."""
        written = [
            make_event(events.CallbackReady, version=version, at=START.replace(minute=minute))
            for version, minute in ((5, 30), (4, 10), (9, 20), (1, 59), (2, 0))
        ]
        append(store, *written[:2])
        with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            tx.history.append(written[2:3])
            tx.history.append(written[3:])
        assert ask(store, lambda tx: tx.history.all()) == written
        assert ask(store, lambda tx: tx.history.of_callback(CallbackId("callback_id_1"))) == written

    def test_appending_nothing_is_no_error(self, store: Store) -> None:
        """A decision may have no event."""
        append(store)
        assert ask(store, lambda tx: tx.history.all()) == []

    def test_a_callback_s_history_has_its_attempts(self, store: Store) -> None:
        """Events of the callback and of all its attempts stand together; nobody else's do."""
        mine, other = CallbackId("cb_1"), CallbackId("cb_2")
        written: list[Event] = [
            make_event(events.CallbackRequested, callback_id=mine, call_id=CallId("call_1")),
            make_event(events.CallbackRequested, callback_id=other),
            make_event(events.CallbackAttempted, callback_id=mine, attempt_id=AttemptId("at_1")),
            make_event(events.AttemptStarted, callback_id=mine, attempt_id=AttemptId("at_1")),
            make_event(events.AttemptStarted, callback_id=other, attempt_id=AttemptId("at_2")),
            make_event(events.AgentReserved, attempt_id=AttemptId("at_1")),
            make_event(events.AttemptEnded, callback_id=mine, attempt_id=AttemptId("at_1")),
            make_event(events.CallEnded, call_id=CallId("call_1"), callback_id=mine),
        ]
        append(store, *written)
        assert ask(store, lambda tx: tx.history.of_callback(mine)) == [written[at] for at in (0, 2, 3, 6)]
        assert ask(store, lambda tx: tx.history.of_callback(other)) == [written[at] for at in (1, 4)]

    def test_a_callback_s_history_has_its_booking(self, store: Store) -> None:
        """In time order among its own; of a seat that nobody has asked for yet only `all` tells."""
        mine, other = CallbackId("cb_1"), CallbackId("cb_2")
        written: list[Event] = [
            make_event(events.BookingHeld, callback_id=None, call_id=CallId("call_1")),
            make_event(events.CallbackRequested, callback_id=mine),
            make_event(events.BookingMade, callback_id=mine, version=2),
            make_event(events.BookingMade, callback_id=other),
            make_event(events.CallbackReady, callback_id=mine),
            make_event(events.BookingMoved, callback_id=mine, agent_id=AgentId("mia")),
            make_event(events.AttemptStarted, callback_id=mine),
            make_event(events.BookingEnded, callback_id=mine),
            make_event(events.BookingEnded, callback_id=None),
        ]
        append(store, *written)
        assert ask(store, lambda tx: tx.history.of_callback(mine)) == [
            written[at] for at in (1, 2, 4, 5, 6, 7)
        ]
        assert ask(store, lambda tx: tx.history.of_callback(other)) == [written[3]]
        assert ask(store, lambda tx: tx.history.of_call(CallId("call_1"))) == []
        assert ask(store, lambda tx: tx.history.of_agent(AgentId("mia"))) == []
        assert ask(store, lambda tx: tx.history.all()) == written

    def test_a_callback_s_history_has_its_messages(self, store: Store) -> None:
        """Among its own; of a message that is about no callback only `all` tells."""
        mine, other = CallbackId("cb_1"), CallbackId("cb_2")
        written: list[Event] = [
            make_event(events.CallbackRequested, callback_id=mine),
            make_event(events.MessageQueued, callback_id=mine),
            make_event(events.MessageQueued, callback_id=other, message_id=MessageId("ms_2")),
            make_event(events.MessageSending, callback_id=mine),
            make_event(events.MessageSending, callback_id=None, message_id=MessageId("ms_3")),
            make_event(events.CallbackReady, callback_id=mine),
            make_event(events.MessageEnded, callback_id=mine),
        ]
        append(store, *written)
        assert ask(store, lambda tx: tx.history.of_callback(mine)) == [written[at] for at in (0, 1, 3, 5, 6)]
        assert ask(store, lambda tx: tx.history.of_callback(other)) == [written[2]]
        assert ask(store, lambda tx: tx.history.all()) == written
        links = ask(store, lambda tx: tx.history.links(limit=9))
        assert [(link.entity, link.record_id, link.event_number) for link in links[3:5]] == [
            (Entity.MESSAGE, "message_id_1", 2),
            (Entity.MESSAGE, "ms_3", 1),
        ]

    # ------------------------------------------------------------------------ what this transaction wrote

    def test_a_transaction_knows_what_it_has_written(self, store: Store) -> None:
        """The very events, in the order of writing, over several appends; those of earlier ones are not among them."""
        append(store, make_event(events.CallJoined))
        written = [make_event(events.CallbackReady, version=version) for version in range(1, 5)]
        with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            assert list(tx.history.appended()) == []
            tx.history.append(written[:1])
            tx.history.append(())
            tx.history.append(written[1:3])
            assert list(tx.history.appended()) == written[:3]
            tx.history.append(written[3:])
            assert list(tx.history.appended()) == written
            assert tx.history.all()[1:] == written
        assert list(ask(store, lambda tx: tx.history.appended())) == []
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            assert list(tx.history.appended()) == []

    def test_writing_on_does_not_change_what_was_given(self, store: Store) -> None:
        """Whoever goes through the events may append others meanwhile."""
        ready = [make_event(events.CallbackReady, version=version) for version in (1, 2)]
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            tx.history.append(ready)
            for event in tx.history.appended():
                tx.history.append([make_event(events.CallJoined, version=event.version)])
            assert [type(event) for event in tx.history.appended()] == [
                *[events.CallbackReady] * 2,
                *[events.CallJoined] * 2,
            ]

    def test_what_was_undone_is_not_known(self, store: Store) -> None:
        """A transaction that failed has written nothing for the next one."""
        with pytest.raises(PlannedError):
            fail_after(store, lambda tx: tx.history.append([make_event(events.CallbackReady)]))
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            assert list(tx.history.appended()) == []
            tx.history.append([make_event(events.CallJoined)])
            assert [type(event) for event in tx.history.appended()] == [events.CallJoined]

    def test_of_refused_events_none_is_written(self, store: Store) -> None:
        """If one of several is another tenant's; and the block may go on."""
        own, foreign = (
            make_event(events.CallbackReady),
            make_event(events.CallbackReady, tenant_id=OTHER_TENANT),
        )
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            with pytest.raises(ValueError, match="tenant"):
                tx.history.append([own, foreign])
            assert list(tx.history.appended()) == []
            tx.history.append([own])
            assert list(tx.history.appended()) == [own]
        assert ask(store, lambda tx: tx.history.all()) == [own]

    def test_what_was_written_is_asked_for_within_the_block(self, store: Store) -> None:
        """As everything else."""
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            tx.history.append([make_event(events.CallbackReady)])
            history = tx.history
        with pytest.raises(RuntimeError, match="over"):
            history.appended()

    # ------------------------------------------------------------------------ calls, agents, queues

    def test_a_call_s_history_is_its_own(self, store: Store) -> None:
        """An agent who took the call, and a callback made from it, have their own."""
        mine = CallId("call_1")
        written: list[Event] = [
            make_event(events.CallJoined, call_id=mine),
            make_event(events.CallJoined, call_id=CallId("call_2")),
            make_event(events.AgentTookCall, call_id=mine),
            make_event(events.CallbackRequested, call_id=mine),
            make_event(events.CallEnded, call_id=mine),
        ]
        append(store, *written)
        assert ask(store, lambda tx: tx.history.of_call(mine)) == [written[0], written[4]]

    def test_an_agent_s_history_is_its_own(self, store: Store) -> None:
        """Calls and attempts that name the agent have their own."""
        mine = AgentId("mia")
        written: list[Event] = [
            make_event(events.AgentSignedIn, agent_id=mine),
            make_event(events.AgentSignedIn, agent_id=AgentId("noa")),
            make_event(events.CallTaken, agent_id=mine),
            make_event(events.AttemptStarted, agent_id=mine),
            make_event(events.AgentSignedOut, agent_id=mine),
        ]
        append(store, *written)
        assert ask(store, lambda tx: tx.history.of_agent(mine)) == [written[0], written[4]]

    def test_a_queue_s_history_is_that_of_its_switches(self, store: Store) -> None:
        """Records that stand in the queue have their own."""
        mine = QueueName("support")
        written: list[Event] = [
            make_event(events.QueueSwitched, queue=mine, version=1),
            make_event(events.QueueSwitched, queue=QueueName("*"), version=1),
            make_event(events.CallJoined, queue=mine),
            make_event(events.AttemptStarted, queue=mine),
            make_event(events.QueueSwitched, queue=mine, version=2),
        ]
        append(store, *written)
        assert ask(store, lambda tx: tx.history.of_queue(mine)) == [written[0], written[4]]
        assert ask(store, lambda tx: tx.history.of_queue(QueueName("*"))) == [written[1]]
        assert ask(store, lambda tx: tx.history.of_queue(QueueName("sales"))) == []

    def test_equal_ids_of_different_records_do_not_mix(self, store: Store) -> None:
        """A call, an agent, a callback and a queue of one name each have their own history."""
        call = make_event(events.CallJoined, call_id=CallId("x"))
        agent = make_event(events.AgentAvailable, agent_id=AgentId("x"))
        callback = make_event(events.CallbackReady, callback_id=CallbackId("x"))
        queue = make_event(events.QueueSwitched, queue=QueueName("x"))
        append(store, call, agent, callback, queue)
        assert ask(store, lambda tx: tx.history.of_call(CallId("x"))) == [call]
        assert ask(store, lambda tx: tx.history.of_agent(AgentId("x"))) == [agent]
        assert ask(store, lambda tx: tx.history.of_callback(CallbackId("x"))) == [callback]
        assert ask(store, lambda tx: tx.history.of_queue(QueueName("x"))) == [queue]

    def test_events_need_no_row(self, store: Store) -> None:
        """History stands by itself: a second account of what the rows say."""
        event = make_event(events.CallbackReady, due_at=START, due_reason=DueReason.EXPIRES)
        append(store, event)
        put(store)
        assert ask(store, lambda tx: tx.history.all()) == [event]

    def test_what_was_read_is_the_reader_s_own(self, store: Store) -> None:
        """Changing the list that was given changes no history."""
        append(store, make_event(events.CallbackReady))
        ask(store, lambda tx: tx.history.all()).clear()
        ask(store, lambda tx: tx.history.of_callback(CallbackId("callback_id_1"))).clear()
        assert len(ask(store, lambda tx: tx.history.all())) == 1
        assert len(ask(store, lambda tx: tx.history.of_callback(CallbackId("callback_id_1")))) == 1

    def test_another_tenant_s_event_is_refused(self, store: Store) -> None:
        """A transaction writes its own tenant's history only, and the refused block leaves nothing."""
        own, foreign = (
            make_event(events.CallbackReady),
            make_event(events.CallbackReady, tenant_id=OTHER_TENANT),
        )
        with pytest.raises(ValueError, match="tenant"):
            append(store, own, foreign)
        assert ask(store, lambda tx: tx.history.all()) == []
        assert ask(store, lambda tx: tx.history.all(), tenant_id=OTHER_TENANT) == []
