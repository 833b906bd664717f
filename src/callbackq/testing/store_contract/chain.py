"""History as a chain: the events of each record are numbered without a gap, and each digest seals those before it."""

from __future__ import annotations

from typing import Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq import events
from callbackq.errors import UniquenessViolated
from callbackq.events import Event
from callbackq.events.chain import digest_of, record_id_of
from callbackq.ids import AgentId, AttemptId, CallbackId, CallId
from callbackq.model import DueReason, Entity
from callbackq.ports import Commit, HistoryLink, Store, Transaction
from callbackq.stores.rows import event_classes
from callbackq.testing.builders import make_event
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import (
    EXAMPLES,
    TENANT,
    THREADS,
    ContractBase,
    PlannedError,
    append,
    ask,
    at_once,
    fail_after,
    fresh_tenant,
    values_of,
)

_ALL: Final = 10_000


def _links(store: Store) -> list[HistoryLink]:
    return ask(store, lambda tx: tx.history.links(limit=_ALL))


def _page(store: Store, after: int, limit: int) -> list[HistoryLink]:
    return ask(store, lambda tx: tx.history.links(after=after, limit=limit))


def check_chains(links: list[HistoryLink]) -> None:
    """Reckon every chain anew."""
    heads: dict[tuple[Entity, str], tuple[int, str]] = {}
    numbers = [link.history_number for link in links]
    assert numbers == sorted(set(numbers))
    for link in links:
        key = link.entity, link.record_id
        assert key == (link.event.entity, record_id_of(link.event))
        last, previous = heads.get(key, (0, ""))
        heads[key] = last + 1, digest_of(previous, link.event)
        assert (link.event_number, link.digest) == heads[key]


def _ready(number: int, **changes: object) -> Event:
    """Return an event of a callback by number."""
    return make_event(events.CallbackReady, callback_id=CallbackId(f"cb_{number}"), **changes)


class ChainContract(ContractBase):
    """What was written can be shown to be all, and unchanged."""

    @pytest.mark.parametrize("event_class", event_classes(), ids=lambda event_class: event_class.kind)
    def test_an_event_of_every_class_has_its_link(self, store: Store, event_class: type[Event]) -> None:
        """Read again, it has the digest that it had when it was written."""
        event = make_event(event_class)
        append(store, event, event)
        first, second = _links(store)
        assert (first.event, first.event_number, first.digest) == (event, 1, digest_of("", event))
        assert (second.event_number, second.digest) == (2, digest_of(first.digest, event))
        assert {(link.entity, link.record_id) for link in (first, second)} == {
            (event.entity, record_id_of(event))
        }

    @EXAMPLES
    @given(drawn=st.lists(st.one_of(*map(values_of, event_classes())), max_size=5))
    def test_any_event_keeps_its_digest(self, store: Store, drawn: list[Event]) -> None:
        """Whatever the types of the fields allow: what is read gives the same text as what was written."""
        tenant_id = fresh_tenant()
        written = [attrs.evolve(event, tenant_id=tenant_id) for event in drawn]
        append(store, *written, tenant_id=tenant_id)
        found = ask(store, lambda tx: tx.history.links(limit=_ALL), tenant_id=tenant_id)
        assert [link.event for link in found] == written
        check_chains(found)

    def test_each_record_has_a_chain_of_its_own(self, store: Store) -> None:
        """Interleaved in one append, over appends and over transactions; and the same id in another table."""
        ended = make_event(events.CallJoined, call_id=CallId("cb_1"))
        append(store, _ready(1), _ready(2), ended, _ready(1), _ready(1))
        with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            tx.history.append([_ready(2), _ready(3)])
            tx.history.append([_ready(1)])
            tx.history.append([ended, _ready(3)])
        found = _links(store)
        check_chains(found)
        assert [(link.record_id, link.event_number) for link in found] == [
            ("cb_1", 1),
            ("cb_2", 1),
            ("cb_1", 1),
            ("cb_1", 2),
            ("cb_1", 3),
            ("cb_2", 2),
            ("cb_3", 1),
            ("cb_1", 4),
            ("cb_1", 2),
            ("cb_3", 2),
        ]

    def test_an_attempt_s_chain_is_not_its_callback_s(self, store: Store) -> None:
        """Though its events are read with those of the callback."""
        mine = CallbackId("cb_1")
        append(
            store,
            make_event(events.CallbackAttempted, callback_id=mine, attempt_id=AttemptId("at_1")),
            make_event(events.AttemptStarted, callback_id=mine, attempt_id=AttemptId("at_1")),
            make_event(events.AgentReserved, agent_id=AgentId("mia"), attempt_id=AttemptId("at_1")),
            make_event(events.ReportIgnored, callback_id=mine, attempt_id=AttemptId("at_1")),
        )
        assert [(link.entity, link.record_id, link.event_number) for link in _links(store)] == [
            (Entity.CALLBACK, "cb_1", 1),
            (Entity.ATTEMPT, "at_1", 1),
            (Entity.AGENT, "mia", 1),
            (Entity.ATTEMPT, "at_1", 2),
        ]

    def test_what_is_undone_leaves_no_gap(self, store: Store) -> None:
        """The next event of the record has the number that was free again, and the digest goes on from before."""
        append(store, _ready(1))

        def write(tx: Transaction) -> None:
            tx.history.append([_ready(1, version=7), _ready(2), _ready(1, version=8)])

        with pytest.raises(PlannedError):
            fail_after(store, write)
        append(store, _ready(1, version=2), _ready(2))
        found = _links(store)
        check_chains(found)
        assert [(link.record_id, link.event_number) for link in found] == [
            ("cb_1", 1),
            ("cb_1", 2),
            ("cb_2", 1),
        ]

    def test_a_digest_tells_everything_apart(self, store: Store) -> None:
        """Any other field, another kind, another order, another beginning: another digest."""
        base = _ready(1, due_at=START, due_reason=DueReason.EXPIRES)
        others = [
            attrs.evolve(base, version=2),
            attrs.evolve(base, at=START.replace(microsecond=1)),
            attrs.evolve(base, due_at=None),
            _ready(2, due_at=START, due_reason=DueReason.EXPIRES),
            make_event(events.CallbackMoved, callback_id=CallbackId("cb_1")),
        ]
        append(store, base, *others)
        digests = {digest_of(previous, event) for previous in ("", "0") for event in (base, *others)}
        assert len(digests) == 2 * (1 + len(others))
        check_chains(_links(store))

    def test_links_come_in_pages(self, store: Store) -> None:
        """Behind a number, at most so many, in the order of writing; nothing behind the last."""
        append(store, *(_ready(number % 3) for number in range(7)))
        every = _links(store)
        assert len(every) == 7
        paged: list[HistoryLink] = []
        after = 0
        while page := _page(store, after, 3):
            assert len(page) <= 3
            paged += page
            after = page[-1].history_number
        assert paged == every
        assert _page(store, every[2].history_number, 1) == every[3:4]
        assert _page(store, 0, 0) == []

    def test_many_who_go_on_with_one_chain(self, store: Store) -> None:
        """Nobody writes the same number twice: who is told so tries again, and all is there."""

        def write(number: int) -> None:
            while True:
                try:
                    append(store, _ready(1, version=number + 1), _ready(number + 2))
                except UniquenessViolated:
                    continue
                return

        at_once(write)
        found = _links(store)
        check_chains(found)
        mine = [link for link in found if link.record_id == "cb_1"]
        assert [link.event_number for link in mine] == [*range(1, THREADS + 1)]
        assert sorted(link.event.version for link in mine) == [*range(1, THREADS + 1)]
        assert len(found) == 2 * THREADS
