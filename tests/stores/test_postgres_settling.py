"""Up to which number the history in PostgreSQL is settled, while transactions overlap: numbers come before commits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq import CallbackService, Commit, QueuePolicy, TenantId
from callbackq.events import CallJoined
from callbackq.stores import PostgresStore
from callbackq.stores.postgres_settling import Settling
from callbackq.testing import ManualClock
from callbackq.testing.builders import make_event
from callbackq.testing.store_contract.base import (
    OTHER_TENANT,
    TENANT,
    PlannedError,
    append,
    ask,
    fail_after,
)
from stores.postgres_server import conninfo, fresh_store

TIMEOUT_S = 30.0


@pytest.fixture
def store() -> Iterator[PostgresStore]:
    with fresh_store() as store:
        yield store


def settled(store: PostgresStore) -> int:
    """Ask as often as it takes, if nobody is writing."""
    for _ in range(3):
        found = ask(store, lambda tx: tx.history.settled_number())
    return found


def numbers(store: PostgresStore) -> list[int]:
    return [link.history_number for link in ask(store, lambda tx: tx.history.links(limit=99))]


@contextmanager
def writing(
    store: PostgresStore, call_id: str, *, tenant_id: TenantId = TENANT
) -> Iterator[Callable[[], None]]:
    """Write an event in another thread, whose transaction stays open until the block ends, or it is told to end."""
    wrote, may_end = threading.Event(), threading.Event()

    def write() -> None:
        with store.transaction(tenant_id, commit=Commit.RELAXED) as tx:
            tx.history.append([make_event(CallJoined, call_id=call_id, tenant_id=tenant_id)])
            wrote.set()
            assert may_end.wait(TIMEOUT_S)

    thread = threading.Thread(target=write)
    thread.start()

    def end() -> None:
        may_end.set()
        thread.join(TIMEOUT_S)

    try:
        assert wrote.wait(TIMEOUT_S)
        yield end
    finally:
        end()


def test_what_was_written_earlier_and_is_committed_later_is_waited_for(store: PostgresStore) -> None:
    """The first has the lower number, and is not there yet: nothing is settled, though the second is seen."""
    with writing(store, "first") as end:
        append(store, make_event(CallJoined, call_id="second"))
        assert len(numbers(store)) == 1
        assert settled(store) == 0
        end()
        assert len(numbers(store)) == 2
        assert settled(store) == numbers(store)[-1]


def test_what_is_known_of_those_who_have_ended_is_not_lost_behind_those_who_write_now(
    store: PostgresStore,
) -> None:
    """There is always somebody who writes: what was there before they began is settled all the same."""
    append(store, make_event(CallJoined, call_id="zeroth"))
    with writing(store, "first") as end_first:
        append(store, make_event(CallJoined, call_id="second"))
        assert settled(store) == 0
        with writing(store, "third"):
            end_first()
            settled(store)
            assert settled(store) == numbers(store)[-1]
            assert len(numbers(store)) == 3


def test_a_transaction_that_is_undone_is_waited_for_no_longer(store: PostgresStore) -> None:
    """Its number stays empty."""
    with pytest.raises(PlannedError):
        fail_after(store, lambda tx: tx.history.append([make_event(CallJoined, call_id="undone")]))
    append(store, make_event(CallJoined))
    assert settled(store) == numbers(store)[-1]
    assert len(numbers(store)) == 1


def test_a_snapshot_that_is_older_than_the_news_does_not_believe_it(store: PostgresStore) -> None:
    """It would be told of a number below which it cannot see all."""
    with writing(store, "first") as end:
        append(store, make_event(CallJoined, call_id="second"))
        assert settled(store) == 0
        with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
            assert [link.event for link in tx.history.links(limit=9)]
            end()
            news = threading.Thread(target=settled, args=(store,))
            news.start()
            news.join(TIMEOUT_S)
            assert tx.history.settled_number() == 0
            assert len(tx.history.links(limit=9)) == 1
        assert settled(store) == numbers(store)[-1]


def test_those_who_only_read_are_not_waited_for_and_other_tenants_writers_are(store: PostgresStore) -> None:
    """They share the numbers; later it is known."""
    append(store, make_event(CallJoined))
    with psycopg.connect(conninfo()) as reader:
        reader.execute(f"SET search_path = {store._schema}")
        reader.execute("SELECT count(*) FROM callbackq_history")
        first = numbers(store)[-1]
        assert settled(store) == first
        with writing(store, "theirs", tenant_id=OTHER_TENANT):
            append(store, make_event(CallJoined, call_id="mine"))
            assert settled(store) == first
        assert settled(store) == numbers(store)[-1]


def test_in_a_transaction_of_the_hosts_nothing_is_said(store: PostgresStore) -> None:
    """What it can see began before anybody asked."""
    service = CallbackService(store, [QueuePolicy(queue="support")], clock=ManualClock())
    service.request("support", number="+12125550101")
    with psycopg.connect(conninfo()) as host:
        joined = store.joined(host)
        with joined.transaction(service.tenant_id, commit=Commit.READ_ONLY) as tx:
            assert tx.history.settled_number() == 0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_nothing_ever_appears_below_a_number_that_was_said_to_be_settled(data: st.DataObject) -> None:
    """Any interleaving of transactions that take numbers, commit, are undone; and of looks in between."""
    settling = Settling()
    open_ones: dict[str, list[int]] = {}
    committed: set[int] = set()
    last_number = transactions = 0
    for _ in range(data.draw(st.integers(1, 25))):
        action = data.draw(st.sampled_from(["begin", "write", "commit", "undo", "look", "look"]))
        if action == "begin":
            transactions += 1
            open_ones[f"t{transactions}"] = []
        elif action == "look":
            seen = set(committed)
            known = settling.known(TENANT)
            assert all(number > known for taken in open_ones.values() for number in taken)
            # Between what is seen and who is writing some may end.
            if open_ones and data.draw(st.booleans()):
                committed |= set(open_ones.pop(data.draw(st.sampled_from(sorted(open_ones)))))
            writers = frozenset(name for name, taken in open_ones.items() if taken)
            settling.look(TENANT, max(seen, default=0), writers)
        elif open_ones:
            name = data.draw(st.sampled_from(sorted(open_ones)))
            if action == "write":
                last_number += 1
                open_ones[name].append(last_number)
            elif action == "commit":
                committed |= set(open_ones.pop(name))
            else:
                del open_ones[name]
    open_ones.clear()
    for _ in range(2):
        settling.look(TENANT, max(committed, default=0), frozenset())
    assert settling.known(TENANT) == max(committed, default=0)
