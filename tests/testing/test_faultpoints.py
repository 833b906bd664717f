"""Fault points: none is forgotten, each is passed before and after, and nothing is changed by passing them."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from datetime import timedelta
from typing import Protocol

import pytest

from callbackq import DEFAULT_TENANT, CallbackService, Commit, MemoryStore, QueuePolicy
from callbackq.ports import (
    CanReserve,
    CanSnapshot,
    CanTellHealth,
    Store,
    Telephony,
    Tickets,
    Transaction,
)
from callbackq.testing import FakeTelephony, ManualClock, VirtualHost
from callbackq.testing.faultpoints import (
    LEFT_OUT,
    abilities_of,
    at_points,
    fault_points,
    members,
    places_of,
    protocols,
    saved_kinds,
    store_at_points,
)
from callbackq.testing.store_contract.base import TENANT


def test_every_method_of_every_protocol_is_a_point() -> None:
    """Whatever a protocol has, and is not a way to another one, is passed before and after."""
    points = set(fault_points())
    for protocol in protocols():
        for name, value in vars(protocol).items():
            if name.startswith("_") or not (inspect.isfunction(value) or isinstance(value, property)):
                continue
            (member,) = (one for one in members(protocol) if one.name == name)
            places = places_of(member)
            assert places or (member.is_value and member.gives is not None)
            if protocol.__name__ not in LEFT_OUT:
                assert {f"{when} {place}" for place in places for when in ("before", "after")} <= points


def test_what_is_left_out_is_the_same_boundary_under_another_name() -> None:
    """Each protocol without points has the methods of one that has them."""
    by_name = {protocol.__name__: protocol for protocol in protocols()}
    for name in LEFT_OUT:
        same = by_name[name.removeprefix("Async")]
        assert [one.name for one in members(by_name[name])] == [one.name for one in members(same)]
        assert same.__name__ not in LEFT_OUT


def test_each_kind_of_commit_and_of_record_has_points_of_its_own() -> None:
    points = set(fault_points())
    for commit in Commit:
        assert f"before Store.commit {commit.value}" in points
        assert f"after Store.begin {commit.value}" in points
    assert {"Callback", "Attempt", "Agent", "Message", "Booking", "Tally"} <= {
        kind.__name__ for kind in saved_kinds()
    }
    assert all(f"after Transaction.save {kind.__name__}" in points for kind in saved_kinds())
    assert len(points) == len(fault_points())


class _Later(Protocol):
    async def fetch(self, key: str) -> str: ...


class _Slow:
    async def fetch(self, key: str) -> str:
        await asyncio.sleep(0)
        return key.upper()


def test_a_coroutine_is_passed_when_it_is_over() -> None:
    passed: list[str] = []
    given = at_points(_Slow(), _Later, hit=passed.append).fetch("a")
    assert passed == ["before _Later.fetch"]
    assert asyncio.run(given) == "A"
    assert passed == ["before _Later.fetch", "after _Later.fetch"]


class _NoDesk:
    def open(self, order: object) -> str:
        raise ConnectionError


def test_what_raises_is_passed_as_well() -> None:
    passed: list[str] = []
    with pytest.raises(ConnectionError):
        at_points(_NoDesk(), Tickets, hit=passed.append).open(None)
    assert passed == ["before Tickets.open", "after Tickets.open"]


def test_who_dies_before_does_nothing() -> None:
    """What is told of a point may raise: then nothing behind it is called."""

    class _DiesError(Exception):
        pass

    def die(point: str) -> None:
        raise _DiesError(point)

    store = store_at_points(MemoryStore(), die)
    with pytest.raises(_DiesError, match=r"before Store\.begin flushed"):
        store.transaction(TENANT, commit=Commit.FLUSHED).__enter__()


def test_an_ability_is_only_there_where_it_was_given() -> None:
    telephony = FakeTelephony(ManualClock())
    assert set(abilities_of(telephony)) == {CanReserve, CanSnapshot}
    passing = at_points(telephony, Telephony, CanReserve, hit=str)
    assert isinstance(passing, CanReserve)
    store = store_at_points(MemoryStore(), str)
    assert isinstance(store, CanTellHealth) == isinstance(MemoryStore(), CanTellHealth)


def test_a_host_at_points_does_the_same() -> None:
    """The same people and the same time: the same history, through points and without."""

    def history(*, at: Counter[str] | None) -> list[str]:
        behind = MemoryStore(pepper=bytes(range(32)))
        store: Store = behind if at is None else store_at_points(behind, lambda point: at.update([point]))
        host = VirtualHost(store, [QueuePolicy(queue="support", calling=None)])
        host.service.agent_available("ann", queues=["support"])
        host.service.request("support", number="+12125550101", request_key="a")
        host.run_for(timedelta(hours=1))
        with behind.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            return [repr(event) for event in tx.history.all()]

    counted: Counter[str] = Counter()
    assert history(at=counted) == history(at=None)
    assert counted["before Store.commit flushed"] == counted["after Store.commit flushed"] > 3
    assert counted["after Transaction.save Callback"]


def test_a_transaction_that_is_undone_passes_no_commit() -> None:
    passed: list[str] = []
    store = store_at_points(MemoryStore(), passed.append)
    service = CallbackService(store, [QueuePolicy(queue="support", calling=None)], clock=ManualClock())
    passed.clear()
    with pytest.raises(LookupError):
        service.get("cb_nobody")
    assert "after Store.begin read_only" in passed
    assert not any("commit" in point for point in passed)
    with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        assert {one.name for one in members(Transaction)} <= set(dir(tx))
