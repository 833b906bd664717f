"""What a store must do that gives the facts of figures cheaply: the same as its rows and its history say."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from callbackq.events import Event
from callbackq.ids import AttemptId, CallbackId, CallId, PlaceId, QueueName, TenantId
from callbackq.model import AttemptState
from callbackq.model.figures import CallbackFacts, CallFacts
from callbackq.ports import CanGiveFacts, Commit, FactsTable, Store, Transaction
from callbackq.service import CallbackService
from callbackq.testing.builders import make_attempt, make_call, make_callback
from callbackq.testing.clock import START
from callbackq.testing.host_contract.telling import a_day
from callbackq.testing.store_contract.base import ContractBase, fresh_tenant, put

_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_QUEUE: Final = QueueName("support")


class FactsContract(ContractBase):
    """
    For stores whose transactions give facts (`callbackq.ports.CanGiveFacts`): figures are counted from them.

    Say how a fresh store is made, as for `StoreContract`.
    """

    def test_a_transaction_gives_facts(self, store: Store) -> None:
        """Of an empty store too."""
        with _facts(store, fresh_tenant()) as facts:
            assert facts.queues() == []
            assert facts.count(_QUEUE, from_at=START, until_at=START + _DAY) == 0
            assert not facts.calls(_QUEUE, from_at=START, until_at=START + _DAY, limit=9)

    def test_a_stretch_has_a_beginning_and_an_end(self, store: Store) -> None:
        """Who stands on its beginning is in it, who stands on its end is not; of this queue and this tenant alone."""
        tenant_id = _minutes(store)
        stretch: dict[str, Any] = {"from_at": START, "until_at": START + 3 * _MINUTE}
        with _facts(store, tenant_id) as facts:
            assert facts.queues() == ["billing", "support"]
            assert facts.count(_QUEUE, **stretch) == 8
            assert facts.count(QueueName("nowhere"), **stretch) == 0
            assert _ids(facts.calls(_QUEUE, **stretch, limit=9)) == ["a", "b", "c", "d"]
            assert _ids(facts.callbacks(_QUEUE, **stretch, limit=9)) == ["cb_a", "cb_b", "cb_c", "cb_d"]
        with _facts(store, fresh_tenant()) as facts:
            assert facts.queues() == []
            assert facts.count(_QUEUE, **stretch) == 0

    def test_pages_follow_one_another(self, store: Store) -> None:
        """By moment, then by id, whatever their length: each row once."""
        tenant_id = _minutes(store)
        stretch: dict[str, Any] = {"from_at": START, "until_at": START + _DAY}
        with _facts(store, tenant_id) as facts:
            for limit in (1, 2, 3, 9):
                assert list(_calls(facts, limit, **stretch)) == ["a", "b", "c", "d", "e"]
                assert list(_callbacks(facts, limit, **stretch)) == [f"cb_{name}" for name in "abcde"]

    def test_attempts_come_with_their_callback(self, store: Store) -> None:
        """By their start, whatever their ids; and no attempt of another one."""
        tenant_id = fresh_tenant()
        put(store, *_of(tenant_id, make_callback("cb_1")), tenant_id=tenant_id)
        put(store, *_of(tenant_id, make_callback("cb_2", place_id=PlaceId("p2"))), tenant_id=tenant_id)
        for number, (callback_id, minutes) in enumerate([("cb_1", 2), ("cb_2", 0), ("cb_1", 1)]):
            put(
                store,
                _attempt(tenant_id, number, callback_id, START + minutes * _MINUTE),
                tenant_id=tenant_id,
            )
        with _facts(store, tenant_id) as facts:
            one, two = facts.callbacks(_QUEUE, from_at=START - _DAY, until_at=START + _DAY, limit=2)
        assert [attempt.attempt_id for attempt in one.attempts] == ["at_2", "at_0"]
        assert [attempt.attempt_id for attempt in two.attempts] == ["at_1"]

    def test_figures_are_those_of_the_history(self, store: Store) -> None:
        """A day in it, with a bit of everything: counted from facts, and from every event, they are the same."""
        host = a_day(_unheard, store=store)
        asked: dict[str, Any] = {"from_at": START - _DAY, "until_at": START + _DAY}
        with_facts = host.service.figures(**asked)
        narrow: Any = _WithoutFacts(store)
        slowly = CallbackService(narrow, host.service.policies.values(), clock=host.clock)
        assert slowly.figures(**asked) == with_facts
        assert with_facts.calls_count > 0
        assert with_facts.callbacks_count > 0


def _unheard(_events: tuple[Event, ...]) -> None:
    """Hear nothing."""


@contextmanager
def _facts(store: Store, tenant_id: TenantId) -> Generator[FactsTable]:
    with store.transaction(tenant_id, commit=Commit.READ_ONLY) as tx:
        assert isinstance(tx, CanGiveFacts), "a transaction that gives facts"
        yield tx.facts


def _minutes(store: Store) -> TenantId:
    """Store five live calls and five callbacks, two of them of one moment, and a call of another queue."""
    tenant_id = fresh_tenant()
    for name, minute in {"b": 0, "a": 0, "c": 1, "d": 2, "e": 3}.items():
        at = START + minute * _MINUTE
        call = make_call(name, entered_at=at, place_id=PlaceId(name))
        callback = make_callback(f"cb_{name}", requested_at=at, place_id=PlaceId(f"p{name}"))
        put(store, *_of(tenant_id, call, callback), tenant_id=tenant_id)
    put(store, *_of(tenant_id, make_call("x", queue="billing", entered_at=START)), tenant_id=tenant_id)
    return tenant_id


def _of(tenant_id: TenantId, *records: Any) -> list[Any]:
    return [attrs.evolve(record, tenant_id=tenant_id) for record in records]


def _attempt(tenant_id: TenantId, number: int, callback_id: str, at: datetime) -> Any:
    return make_attempt(
        AttemptId(f"at_{number}"),
        tenant_id=tenant_id,
        callback_id=CallbackId(callback_id),
        state=AttemptState.ENDED,
        number_key=f"key {number}",
        agent_leg_id=f"a{number}",
        customer_leg_id=f"c{number}",
        started_at=at,
    )


def _ids(found: list[CallFacts] | list[CallbackFacts]) -> list[CallId | CallbackId]:
    return [one.call_id if isinstance(one, CallFacts) else one.callback_id for one in found]


def _calls(facts: FactsTable, limit: int, **stretch: Any) -> Iterator[str]:
    after = None
    while page := facts.calls(_QUEUE, **stretch, after=after, limit=limit):
        assert len(page) <= limit
        yield from (one.call_id for one in page)
        after = (page[-1].entered_at, page[-1].call_id)


def _callbacks(facts: FactsTable, limit: int, **stretch: Any) -> Iterator[str]:
    after = None
    while page := facts.callbacks(_QUEUE, **stretch, after=after, limit=limit):
        assert len(page) <= limit
        yield from (one.callback_id for one in page)
        after = (page[-1].requested_at, page[-1].callback_id)


class _WithoutFacts:
    """A store whose transactions give their history alone."""

    def __init__(self, store: Store) -> None:
        self._store: Final = store
        self.pepper: Final = store.pepper

    def transaction(self, tenant_id: TenantId, *, commit: Commit) -> AbstractContextManager[Any]:
        return self._transaction(tenant_id, commit)

    @contextmanager
    def _transaction(self, tenant_id: TenantId, commit: Commit) -> Generator[Any]:
        with self._store.transaction(tenant_id, commit=commit) as tx:
            yield _History(tx)


class _History:
    def __init__(self, tx: Transaction) -> None:
        self.history: Final = tx.history
