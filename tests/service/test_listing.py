"""Lists: whoever looks for callbacks finds them page by page, and whoever wants all records has them one by one."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq import (
    Callback,
    CallbackNotFound,
    CallbackState,
    InvalidNumber,
    InvalidText,
    InvalidTime,
    LiveCall,
    MemoryStore,
    QueueName,
    QueuePolicy,
)
from callbackq.aio import AsyncCallbackService
from callbackq.model import Attempt, Booking, Message
from callbackq.testing import NEVER_ANSWERS, VirtualHost
from service.scenes import BOB, EVE, HOUR, KIM, MINUTE

QUEUES = ("billing", "sales", "support")


@pytest.fixture(scope="module")
def host() -> VirtualHost:
    """Six callbacks, a minute apart, in three queues; the first two have ended, and one is tried in vain."""
    host = VirtualHost(MemoryStore(), [QueuePolicy(queue=QueueName(queue), calling=None) for queue in QUEUES])
    host.telephony.person(KIM, NEVER_ANSWERS)
    for index, (queue, number) in enumerate(
        (
            ("support", BOB),
            ("sales", EVE),
            ("support", EVE),
            ("billing", BOB),
            ("support", BOB),
            ("sales", KIM),
        )
    ):
        host.service.request(queue, number=number, customer_id="crm-1" if number == BOB else None)
        if index < 2:
            host.service.cancel(f"cb_{index + 1:06}", reason="found it", by="ann")
        host.run_for(MINUTE)
    host.service.agent_available("ann", queues=["sales"])
    host.service.call_joined("support", call_id="c-1")
    host.run_for(MINUTE)
    return host


def ids(found: list[Callback]) -> list[int]:
    """Return the numbers of callbacks, which were given in the order of their requests."""
    return [int(one.callback_id.removeprefix("cb_")) for one in found]


# ---------------------------------------------------------------------------- find


def test_callbacks_are_found_the_latest_request_first(host: VirtualHost) -> None:
    """Of all queues, open or not; also of queues without a policy here."""
    assert ids(host.service.find()) == [6, 5, 4, 3, 2, 1]
    assert ids(host.service.find(queues=["support", "nowhere"])) == [5, 3, 1]
    assert ids(host.service.find(queues=["sales", "billing", "sales"])) == [6, 4, 2]
    assert host.service.find(queues=[]) == []


def test_callbacks_are_found_by_state(host: VirtualHost) -> None:
    """By its word, or by its name."""
    assert ids(host.service.find(states=["ended"])) == [2, 1]
    assert ids(host.service.find(states=[CallbackState.ENDED, "waiting"], queues=["support"])) == [5, 3, 1]
    assert ids(host.service.find(states={CallbackState.RESTING})) == [6]
    with pytest.raises(InvalidText, match="state"):
        host.service.find(states=["asleep"])


def test_callbacks_are_found_by_when_they_were_requested(host: VirtualHost) -> None:
    """The first moment is in it, and the last one is not."""
    first = host.service.get("cb_000002").requested_at
    last = host.service.get("cb_000005").requested_at
    assert ids(host.service.find(from_at=first, until_at=last)) == [4, 3, 2]
    assert ids(host.service.find(from_at=last + HOUR)) == []
    with pytest.raises(InvalidTime, match="from_at"):
        host.service.find(from_at=datetime(2026, 1, 5))  # noqa: DTZ001


def test_callbacks_of_a_person_are_found(host: VirtualHost) -> None:
    """By the number by which they are known, by one that they are called at, by the customer id, or by both."""
    assert ids(host.service.find(number=EVE)) == [3, 2]
    assert ids(host.service.find(number=BOB)) == ids(host.service.find(customer_id="crm-1")) == [5, 4, 1]
    assert ids(host.service.find(customer_id="crm-1", number=BOB, queues=["support"], limit=1)) == [5]
    assert host.service.find(customer_id="crm-1", number=EVE) == []
    assert host.service.find(customer_id="crm-9") == []
    assert host.service.find(number="+12125550177") == []


def test_a_number_that_cannot_be_read_is_refused_without_being_shown(host: VirtualHost) -> None:
    """It says what is allowed."""
    with pytest.raises(InvalidNumber, match=r"begins with \+") as refused:
        host.service.find(number="212 555 0101")
    assert "555" not in str(refused.value)


def test_a_page_cannot_begin_behind_a_callback_that_is_not_there(host: VirtualHost) -> None:
    """It may have been pruned."""
    with pytest.raises(CallbackNotFound):
        host.service.find(after="cb_999999")


@settings(max_examples=20)
@given(
    limit=st.integers(1, 4),
    queues=st.none() | st.sets(st.sampled_from(QUEUES)),
    states=st.none() | st.sets(st.sampled_from(CallbackState)),
    whose=st.sampled_from([None, BOB, EVE]),
)
def test_the_pages_together_are_everything_once(
    host: VirtualHost,
    limit: int,
    queues: set[str] | None,
    states: set[CallbackState] | None,
    whose: str | None,
) -> None:
    """Whatever is looked for: in order, and nothing is missed or told twice."""
    found: list[Callback] = []
    after = None
    while True:
        page = host.service.find(queues=queues, states=states, number=whose, after=after, limit=limit)
        found += page
        if len(page) < limit:
            break
        after = page[-1].callback_id
    theirs = {one.callback_id for one in host.service.callbacks_of(number=whose)} if whose else None
    wanted = [
        one
        for one in host.service.find(limit=1_000)
        if (queues is None or one.queue in queues)
        and (states is None or one.state in states)
        and (theirs is None or one.callback_id in theirs)
    ]
    assert found == wanted


# ---------------------------------------------------------------------------- all records


def test_all_records_of_a_kind_come_one_by_one(host: VirtualHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their ids, over more than one page; or those since a moment."""
    monkeypatch.setattr("callbackq.service.listing._PAGE", 2)
    found = [one.callback_id for one in host.service.records(Callback)]
    assert found == [f"cb_{number:06}" for number in range(1, 7)]
    since = host.service.get("cb_000004").requested_at
    assert [one.callback_id for one in host.service.records(Callback, since=since)] == found[3:]
    assert [one.call_id for one in host.service.records(LiveCall)] == ["c-1"]
    assert [one.callback_id for one in host.service.records(Attempt)] == ["cb_000006"]
    assert list(host.service.records(Booking)) == list(host.service.records(Message)) == []
    with pytest.raises(InvalidTime, match="since"):
        host.service.records(Callback, since=datetime(2026, 1, 5))  # noqa: DTZ001


def test_lists_can_be_awaited(host: VirtualHost) -> None:
    """The same pages, and the same records."""

    async def listed() -> tuple[list[Callback], list[Callback]]:
        async with AsyncCallbackService(host.service) as service:
            since = host.clock.now() - timedelta(days=1)
            return await service.find(limit=2), [one async for one in service.records(Callback, since=since)]

    page, everything = asyncio.run(listed())
    assert ids(page) == [6, 5]
    assert ids(everything) == [1, 2, 3, 4, 5, 6]


# ---------------------------------------------------------------------------- cancel


def test_who_cancelled_is_kept(host: VirtualHost) -> None:
    """With the reason, in history."""
    ended = host.service.history("cb_000001")[-1]
    assert (getattr(ended, "reason", None), getattr(ended, "by", None)) == ("found it", "ann")
