"""What is old: found by its record, and removed with its history, so that what is left is as it was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import attrs
import pytest

from callbackq import events
from callbackq.errors import StaleVersion
from callbackq.events import Event
from callbackq.events.chain import digest_of
from callbackq.ids import (
    AgentId,
    AttemptId,
    BookingId,
    CallbackId,
    CallId,
    LegId,
    MessageId,
    QueueName,
    TenantId,
)
from callbackq.model import (
    AttemptState,
    BookingState,
    CallbackState,
    CallState,
    ChainHead,
    Entity,
    MessageState,
)
from callbackq.ports import Commit, Ended, Store, Transaction
from callbackq.testing.builders import (
    make_attempt,
    make_booking,
    make_call,
    make_callback,
    make_event,
    make_message,
    make_slot_count,
    make_slot_day,
)
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import (
    OTHER_TENANT,
    TENANT,
    ContractBase,
    PlannedError,
    append,
    ask,
    fail_after,
    put,
)
from callbackq.testing.store_contract.chain import check_chains

_ALL = 1_000
_ENDED: Final[dict[str, Any]] = {"due_at": None, "due_reason": None, "ended_at": START}
_REMOVABLE: tuple[Ended, ...] = (
    make_callback(state=CallbackState.ENDED, **_ENDED),
    make_call(state=CallState.ENDED, **_ENDED),
    make_attempt(state=AttemptState.ENDED, **_ENDED),
    make_booking(state=BookingState.ENDED, **_ENDED),
    make_message(state=MessageState.ENDED, **_ENDED),
    make_slot_count(),
    make_slot_day(),
)


def _ready(number: int, count: int = 1, *, tenant_id: TenantId = TENANT) -> list[Event]:
    """Return events of one callback."""
    callback_id = CallbackId(f"cb_{number}")
    return [
        make_event(events.CallbackReady, callback_id=callback_id, tenant_id=tenant_id, version=version)
        for version in range(1, count + 1)
    ]


def _heads(store: Store, *record_ids: str) -> list[ChainHead]:
    keys = [(Entity.CALLBACK, record_id) for record_id in record_ids]
    return ask(store, lambda tx: tx.history.heads(keys))


def _remove(store: Store, *heads: ChainHead) -> int:
    with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
        return tx.history.remove(heads)


class OldContract(ContractBase):
    """Rows that have ended, and the events of chains, can be removed for good."""

    # ------------------------------------------------------------------------ rows

    @pytest.mark.parametrize("record", _REMOVABLE, ids=lambda record: type(record).__name__)
    def test_a_row_that_has_ended_is_removed_once(self, store: Store, record: Ended) -> None:
        """By whoever has seen it as it is; after that it is not there."""
        put(store, record)
        with (
            store.transaction(TENANT, commit=Commit.RELAXED) as tx,
            pytest.raises(StaleVersion, match="is not stored"),
        ):
            tx.remove(attrs.evolve(record, version=2))
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            tx.remove(record)
        with (
            store.transaction(TENANT, commit=Commit.RELAXED) as tx,
            pytest.raises(StaleVersion, match="is not stored"),
        ):
            tx.remove(record)
        put(store, record)

    def test_what_goes_on_is_not_removed(self, store: Store) -> None:
        """Nor what belongs to another tenant, nor anything by who only reads."""
        open_one, ended = make_callback(), _REMOVABLE[0]
        put(store, open_one)
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            with pytest.raises(ValueError, match="is not to be removed"):
                tx.remove(open_one)
            with pytest.raises(ValueError, match="tenant"):
                tx.remove(attrs.evolve(ended, tenant_id=OTHER_TENANT))
        with (
            store.transaction(TENANT, commit=Commit.READ_ONLY) as tx,
            pytest.raises(RuntimeError, match="READ_ONLY"),
        ):
            tx.remove(ended)
        assert ask(store, lambda tx: tx.callbacks.get(open_one.callback_id)) == open_one

    def test_a_removed_row_lets_go_of_its_keys(self, store: Store) -> None:
        """The request key, the legs and the cause can be had again; and nothing finds it any more."""
        callback = make_callback(state=CallbackState.ENDED, request_key="key", **_ENDED)
        attempt = make_attempt(state=AttemptState.ENDED, **_ENDED)
        message = make_message(state=MessageState.ENDED, **_ENDED)
        put(store, callback, attempt, message)
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            for record in (callback, attempt, message):
                tx.remove(record)

        def found(tx: Transaction) -> list[object]:
            return [
                tx.callbacks.by_request_key("key"),
                tx.attempts.by_leg(attempt.customer_leg_id),
                tx.attempts.by_leg(attempt.agent_leg_id),
                tx.messages.by_cause(message.cause),
                *tx.callbacks.last_ended(callback.queue, limit=9),
                *tx.callbacks.of_subject(callback.subject_id, limit=9),
                *tx.attempts.last_started(attempt.queue, limit=9),
            ]

        assert ask(store, found) == [None] * 4
        put(
            store,
            attrs.evolve(callback, callback_id=CallbackId("cb_new")),
            attrs.evolve(attempt, attempt_id=AttemptId("at_new")),
            attrs.evolve(message, message_id=MessageId("ms_new")),
        )
        assert len([one for one in ask(store, found) if one is not None]) == 7

    def test_which_queues_are_in_use(self, store: Store) -> None:
        """Those in which a callback, a live call or an attempt has not ended, once each, in order."""
        put(
            store,
            make_callback(queue=QueueName("sales")),
            make_callback(callback_id=CallbackId("cb_2"), queue=QueueName("sales")),
            make_callback(
                callback_id=CallbackId("cb_3"), queue=QueueName("old"), state=CallbackState.ENDED, **_ENDED
            ),
            make_call(queue=QueueName("zoo")),
            make_call(call_id=CallId("c2"), queue=QueueName("support")),
            make_call(call_id=CallId("c3"), queue=QueueName("older"), state=CallState.ENDED, **_ENDED),
            make_attempt(queue=QueueName("billing")),
            make_attempt(
                attempt_id=AttemptId("at_2"),
                queue=QueueName("oldest"),
                state=AttemptState.ENDED,
                agent_leg_id=LegId("l3"),
                customer_leg_id=LegId("l4"),
                **_ENDED,
            ),
        )
        put(store, make_call(tenant_id=OTHER_TENANT, queue=QueueName("theirs")), tenant_id=OTHER_TENANT)
        assert ask(store, lambda tx: tx.queues.in_use()) == ["billing", "sales", "support", "zoo"]

    # ------------------------------------------------------------------------ history

    def test_the_events_of_one_record_with_their_places(self, store: Store) -> None:
        """As `links` gives them, and no other ones; nothing of a record that is not there."""
        append(store, *_ready(1, 2), *_ready(2, 1), make_event(events.AgentAvailable), *_ready(1, 1))
        every = ask(store, lambda tx: tx.history.links(limit=_ALL))
        found = ask(store, lambda tx: tx.history.chain(Entity.CALLBACK, "cb_1"))
        assert found == [link for link in every if link.record_id == "cb_1"]
        assert [link.event_number for link in found] == [1, 2, 3]
        assert ask(store, lambda tx: tx.history.chain(Entity.CALL, "cb_1")) == []

    def test_the_heads_of_chains(self, store: Store) -> None:
        """In the order in which they are asked for; those that are not there are left out."""
        append(store, *_ready(1, 3), *_ready(2, 1))
        keys = [(Entity.CALLBACK, name) for name in ("cb_2", "cb_9", "cb_1")] + [(Entity.CALL, "cb_1")]
        last = {link.record_id: link for link in ask(store, lambda tx: tx.history.links(limit=_ALL))}
        assert ask(store, lambda tx: tx.history.heads(keys)) == [
            ChainHead(
                entity=Entity.CALLBACK,
                record_id=name,
                events_count=last[name].event_number,
                digest=last[name].digest,
            )
            for name in ("cb_2", "cb_1")
        ]
        assert ask(store, lambda tx: tx.history.heads([])) == []

    def test_where_events_stand(self, store: Store) -> None:
        """Page by page, as `links` has them, with what they are about."""
        written = [
            make_event(events.AgentSignedIn, agent_id=AgentId("ann")),
            *_ready(1, 2),
            make_event(events.QueueSwitched, at=START + timedelta(minutes=1)),
        ]
        append(store, *written)
        append(store, *_ready(1, tenant_id=OTHER_TENANT), tenant_id=OTHER_TENANT)
        traces = ask(store, lambda tx: tx.history.traces(limit=_ALL))
        links = ask(store, lambda tx: tx.history.links(limit=_ALL))
        assert [(one.history_number, one.entity, one.record_id, one.event_number) for one in traces] == [
            (one.history_number, one.entity, one.record_id, one.event_number) for one in links
        ]
        assert [(one.kind, one.state, one.callback_id, one.at) for one in traces] == [
            (event.kind, getattr(event, "state", None), getattr(event, "callback_id", None), event.at)
            for event in written
        ]
        second = traces[1].history_number
        assert ask(store, lambda tx: tx.history.traces(after=second, limit=1)) == traces[2:3]
        assert ask(store, lambda tx: tx.history.traces(after=traces[-1].history_number, limit=9)) == []

    def test_which_records_events_name_a_callback(self, store: Store) -> None:
        """Its own, its attempts', its bookings' and its messages'; each once."""
        mine, other = CallbackId("cb_1"), CallbackId("cb_2")
        append(
            store,
            make_event(events.CallbackRequested, callback_id=mine),
            make_event(events.BookingMade, callback_id=mine, booking_id=BookingId("bk_1")),
            make_event(events.BookingMade, callback_id=other, booking_id=BookingId("bk_2")),
            make_event(events.AttemptStarted, callback_id=mine, attempt_id=AttemptId("at_2")),
            make_event(events.AttemptStarted, callback_id=mine, attempt_id=AttemptId("at_1")),
            make_event(events.AttemptEnded, callback_id=mine, attempt_id=AttemptId("at_1")),
            make_event(events.MessageQueued, callback_id=mine, message_id=MessageId("ms_1")),
            make_event(events.CallJoined),
        )
        assert ask(store, lambda tx: tx.history.records_of(mine)) == [
            (Entity.ATTEMPT, "at_1"),
            (Entity.ATTEMPT, "at_2"),
            (Entity.BOOKING, "bk_1"),
            (Entity.CALLBACK, "cb_1"),
            (Entity.MESSAGE, "ms_1"),
        ]
        assert ask(store, lambda tx: tx.history.records_of(CallbackId("cb_9"))) == []

    def test_a_chain_is_removed_and_the_others_stay(self, store: Store) -> None:
        """With their numbers, digests and order; and a new one of the same record begins from nothing."""
        append(store, *_ready(1, 3), *_ready(2, 2), *_ready(3, 1))
        before = ask(store, lambda tx: tx.history.links(limit=_ALL))
        assert _remove(store, *_heads(store, "cb_1", "cb_3")) == 4
        left = ask(store, lambda tx: tx.history.links(limit=_ALL))
        assert left == [link for link in before if link.record_id == "cb_2"]
        assert ask(store, lambda tx: tx.history.all()) == [link.event for link in left]
        assert ask(store, lambda tx: tx.history.of_callback(CallbackId("cb_1"))) == []
        assert ask(store, lambda tx: tx.history.records_of(CallbackId("cb_3"))) == []
        assert _heads(store, "cb_1", "cb_3") == []
        assert [one.record_id for one in ask(store, lambda tx: tx.history.traces(limit=_ALL))] == ["cb_2"] * 2
        append(store, *_ready(1, 1))
        assert [head.events_count for head in _heads(store, "cb_1")] == [1]
        check_chains(ask(store, lambda tx: tx.history.links(limit=_ALL)))

    def test_the_beginning_of_a_chain_is_removed_and_the_rest_goes_on(self, store: Store) -> None:
        """What is appended then is linked to the last event, as if nothing had happened."""
        append(store, *_ready(1, 5))
        every = ask(store, lambda tx: tx.history.chain(Entity.CALLBACK, "cb_1"))
        cut = ChainHead(entity=Entity.CALLBACK, record_id="cb_1", events_count=3, digest=every[2].digest)
        assert _remove(store, cut) == 3
        assert _remove(store, cut) == 0
        assert ask(store, lambda tx: tx.history.chain(Entity.CALLBACK, "cb_1")) == every[3:]
        append(store, *_ready(1, 1))
        (head,) = _heads(store, "cb_1")
        digest = ""
        for event in (*(link.event for link in every), *_ready(1, 1)):
            digest = digest_of(digest, event)
        assert (head.events_count, head.digest) == (6, digest)

    def test_a_removal_that_is_undone_leaves_all_as_it_was(self, store: Store) -> None:
        """Rows and events, also those that the same transaction has written before and after it."""
        ended = make_callback(state=CallbackState.ENDED, **_ENDED)
        put(store, ended)
        append(store, *_ready(1, 3), *_ready(2, 2))
        before = ask(store, lambda tx: tx.history.links(limit=_ALL))
        heads = _heads(store, "cb_1", "cb_2")

        def work(tx: Transaction) -> None:
            tx.history.append(_ready(2, 1))
            tx.history.remove([heads[0], attrs.evolve(heads[1], events_count=1)])
            tx.remove(ended)
            tx.history.append([*_ready(1, 1), *_ready(2, 1)])
            tx.history.remove(tx.history.heads([(Entity.CALLBACK, "cb_2")]))
            assert [event.version for event in tx.history.all()] == [1]

        with pytest.raises(PlannedError):
            fail_after(store, work)
        assert ask(store, lambda tx: tx.history.links(limit=_ALL)) == before
        assert ask(store, lambda tx: tx.history.of_callback(CallbackId("cb_2"))) == _ready(2, 2)
        assert ask(store, lambda tx: tx.callbacks.get(ended.callback_id)) == ended
        append(store, *_ready(1, 1))
        check_chains(ask(store, lambda tx: tx.history.links(limit=_ALL)))

    def test_who_only_reads_removes_nothing_from_the_history(self, store: Store) -> None:
        """And the chains of other tenants are out of reach."""
        append(store, *_ready(1, 2, tenant_id=OTHER_TENANT), tenant_id=OTHER_TENANT)
        theirs = ask(store, lambda tx: tx.history.heads([(Entity.CALLBACK, "cb_1")]), tenant_id=OTHER_TENANT)
        with (
            store.transaction(TENANT, commit=Commit.READ_ONLY) as tx,
            pytest.raises(RuntimeError, match="READ_ONLY"),
        ):
            tx.history.remove(theirs)
        assert _remove(store, *theirs) == 0
        assert len(ask(store, lambda tx: tx.history.all(), tenant_id=OTHER_TENANT)) == 2
