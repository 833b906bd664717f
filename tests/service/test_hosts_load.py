"""Many attempts at once in one process: 200 in real time, in each host; 2,000 in virtual time."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from callbackq import CallbackState, Commit, Dial, MemoryStore, Outcome, QueuePolicy, Role
from callbackq.testing import Behaviour, Carried, VirtualHost
from callbackq.testing.checkers import (
    attempts_above_agents,
    legs_dialed_twice,
    numbers_on_two_legs,
    places_overtaken,
)
from service.hosts import Trouble, open_house
from service.hosts_network import Does, wait_for

AT_ONCE = 200
MINUTE = timedelta(minutes=1)
PATIENT = {"agent_ring_time": 4 * MINUTE, "ring_time": 4 * MINUTE, "join_time_max": 5 * MINUTE}


@pytest.mark.parametrize("adapter", ["blocking", "awaiting"])
@pytest.mark.parametrize("host", ["threads", "asyncio"])
def test_200_attempts_at_once_in_real_time(host: str, adapter: str) -> None:
    """All 200 phones ring at the same time; then all answer, and all are connected. No leg is dialed twice."""
    numbers = [f"+1212555{n:04d}" for n in range(AT_ONCE)]
    with open_house(host, adapter, **PATIENT) as house:
        for number in numbers:
            house.network.person(number, Does(answers_after=None, talks_for=None))
        ids = [house.request(number) for number in numbers]
        house.agents(*(f"agent-{n}" for n in range(AT_ONCE)))
        wait_for(lambda: house.network.count(Carried.DIALED, Role.CUSTOMER) == AT_ONCE, "200 phones")
        assert house.open_attempts() == AT_ONCE
        assert len(house.network.live_legs()) == 2 * AT_ONCE
        for number in numbers:
            house.network.answer(number)
        house.until_ended(*ids)
        for number in numbers:
            house.network.hang_up_by(number)
        house.until_quiet()
        assert {house.outcome(one) for one in ids} == {Outcome.COMPLETED}
        assert house.network.count(Carried.BRIDGED) == AT_ONCE
        assert house.network.count(Carried.DIALED) == 2 * AT_ONCE


@pytest.mark.parametrize("host", ["threads", "asyncio"])
def test_when_all_threads_are_blocked_the_rest_waits_in_line(host: str) -> None:
    """
    Four threads, four dials that block: the fifth is not begun, but commands, reports and steps go on.

    When they come back the fifth is dialed; and one who was cancelled meanwhile is not.
    """
    free = threading.Event()
    trouble = Trouble()

    def blocks(method: str, order: object) -> threading.Event | None:
        customer = isinstance(order, Dial) and order.role is Role.CUSTOMER
        return free if method == "dial" and customer else None

    trouble.blocks = blocks
    short = timedelta(milliseconds=20)
    settings = {**PATIENT, "hang_up_time_max": timedelta(seconds=1)}
    with open_house(
        host, "blocking", trouble=trouble, threads_max=4, call_time_max=short, **settings
    ) as house:
        ids = [house.request(f"+121255502{n:02d}") for n in range(4)]
        house.agents("a", "b", "c", "d")
        wait_for(lambda: trouble.blocked_count == 4)
        fifth, sixth = house.request("+12125550301"), house.request("+12125550302")
        house.agents("e", "f")
        wait_for(lambda: house.open_attempts() == 6)
        assert house.network.dialed("e") == house.network.dialed("f") == 0
        house.do("cancel", sixth)
        free.set()
        house.until_ended(*ids, fifth, sixth)
        house.until_quiet()
        assert {house.outcome(one) for one in (*ids, fifth)} == {Outcome.COMPLETED}
        assert house.outcome(sixth) is Outcome.CANCELLED
        assert house.network.dialed("+12125550302") == 0


def test_2000_attempts_at_once_in_virtual_time() -> None:
    """All in flight in one process, then all connected, each leg dialed once, in order."""
    count = 2_000
    store = MemoryStore()
    host = VirtualHost(store, [QueuePolicy(queue="support", ring_time=2 * MINUTE)])
    host.telephony.behaviour_of = lambda order, _before: Behaviour(
        answers_after=timedelta(seconds=2 if order.role is Role.AGENT else 60)
    )
    ids = [host.service.request("support", number=f"+1212{5550000 + n}").callback_id for n in range(count)]
    for n in range(count):
        host.service.agent_available(f"agent-{n}", queues=["support"])
    host.run_for(timedelta(seconds=30))
    assert len(host.telephony.live_legs(Role.CUSTOMER)) == count
    assert {host.service.get(one).state for one in ids} == {CallbackState.ATTEMPTING}
    host.run_for(10 * MINUTE)
    assert {host.service.get(one).outcome for one in ids} == {Outcome.COMPLETED}
    assert host.telephony.live_legs() == []
    log = host.telephony.log
    assert sum(entry.what is Carried.DIALED for entry in log) == 2 * count
    assert legs_dialed_twice(log) == []
    assert numbers_on_two_legs(log) == []
    with store.transaction(host.service.tenant_id, commit=Commit.READ_ONLY) as tx:
        history = tx.history.all()
    assert places_overtaken(history) == []
    assert attempts_above_agents(history) == []
