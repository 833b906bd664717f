"""How long it will take: measured from the queue's own rows, by the estimator that the data allows, and scored."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from callbackq import QueueLength, QueuePolicy, Store, UnknownQueue, Wait
from callbackq.testing import START, Behaviour, FakeEstimator, VirtualHost

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
BOB, EVE = "+12125550101", "+12125550102"


def serve(host: VirtualHost, count: int, *, talk: timedelta, prefix: str = "served") -> None:
    """Let so many callers be served by ann, one after the other."""
    for index in range(count):
        call_id = f"{prefix}-{index}"
        host.service.call_joined("support", call_id=call_id)
        host.run_for(timedelta(0))
        host.clock.advance(talk)
        host.service.call_left(call_id)
        host.run_for(timedelta(0))


def wait_of(host: VirtualHost, call_id: str = "bob") -> Wait:
    """Return what a caller is told now."""
    return host.service.offer(call_id, asked=True).wait


def test_unknown_when_nobody_is_staffed(make_host: Callable[..., VirtualHost]) -> None:
    """E1: nor where nobody has the skills."""
    host = make_host()
    host.service.call_joined("support", call_id="bob", number=BOB)
    assert not wait_of(host).known
    host.service.agent_available("ann", queues=["support"])
    host.service.call_joined("support", call_id="german", skills=["german"])
    assert wait_of(host).known
    assert not wait_of(host, "german").known


def test_callbacks_and_live_calls_ahead_are_counted(host: VirtualHost) -> None:
    """E1: and agents, and the policy's handle time as long as nothing was measured."""
    host.service.call_joined("support", call_id="one")
    host.service.request("support", number=EVE)
    host.clock.advance(SECOND)
    host.service.call_joined("support", call_id="bob", number=BOB)
    alone = wait_of(host)
    assert alone.mean_s is not None
    assert (alone.estimator, alone.mean_s) == ("ql", pytest.approx(900, rel=0.05))
    host.service.agent_available("ben", queues=["support"])
    halved = wait_of(host)
    assert halved.mean_s is not None
    assert halved.mean_s < alone.mean_s


def test_rates_are_measured_from_the_queues_own_history(make_host: Callable[..., VirtualHost]) -> None:
    """E1: handle time and patience; shrunk towards the policy's while there is little; anew every 30 s."""
    host = make_host(handle_time=timedelta(minutes=5))
    host.service.agent_available("ann", queues=["support"])
    assert host.service.rates("support").handle_time_s == 300
    serve(host, 60, talk=MINUTE)
    rates = host.service.rates("support")
    assert rates.samples_count == 60
    assert 60 < rates.handle_time_s < 100
    host.service.call_joined("support", call_id="busy")
    host.run_for(timedelta(0))
    for index in range(30):
        host.service.call_joined("support", call_id=f"gone-{index}")
    host.clock.advance(MINUTE)
    for index in range(30):
        host.service.call_left(f"gone-{index}")
    host.clock.advance(31 * SECOND)
    assert host.service.rates("support").patience_rate == pytest.approx(1 / 60, rel=0.1)


def test_the_estimator_follows_the_data(make_host: Callable[..., VirtualHost]) -> None:
    """E2: plain queue length at first; refined for abandonment when patience is known."""
    host = make_host(served_soon_wait=timedelta(0))
    host.service.agent_available("ann", queues=["support"])
    serve(host, 40, talk=MINUTE)
    host.service.call_joined("support", call_id="busy")
    host.run_for(timedelta(0))
    for index in range(30):
        host.service.call_joined("support", call_id=f"gone-{index}")
    host.clock.advance(MINUTE)
    for index in range(30):
        host.service.call_left(f"gone-{index}")
    for index in range(5):
        host.service.call_joined("support", call_id=f"ahead-{index}")
    host.clock.advance(SECOND)
    host.service.call_joined("support", call_id="bob", number=BOB)
    host.clock.advance(31 * SECOND)
    refined = wait_of(host)
    assert refined.estimator == "qlm"
    handle_s = host.service.rates("support").handle_time_s
    assert refined.mean_s is not None
    assert refined.mean_s < 6 * handle_s, "who gives up is not waited for"


def test_the_host_may_bring_its_own(store: Store) -> None:
    """E2: behind one protocol; its name is kept with the quote."""
    mine = FakeEstimator(Wait(mean_s=100.0, low_s=50.0, high_s=200.0, estimator="fake"))
    host = VirtualHost(store, [QueuePolicy(queue="support")], estimator=mine)
    host.service.agent_available("ann", queues=["support"])
    host.service.call_joined("support", call_id="busy")
    host.run_for(timedelta(0))
    receipt = host.service.request("support", number=BOB)
    assert receipt.wait.mean_s == 100
    callback = host.service.get(receipt.callback_id)
    assert (callback.quoted_by, callback.quoted_wait_high_s) == ("fake", 200)
    assert mine.asked[-1].agents == 1


@pytest.mark.parametrize(
    "nonsense",
    [
        ZeroDivisionError(),
        Wait(mean_s=math.nan, low_s=0.0, high_s=1.0),
        Wait(mean_s=-5.0, low_s=-6.0, high_s=1.0),
        Wait(mean_s=5.0, low_s=6.0, high_s=7.0),
        Wait(mean_s=math.inf, low_s=1.0, high_s=math.inf),
        Wait(mean_s=None, low_s=1.0, high_s=None),
        "soon",
    ],
)
def test_an_estimator_that_fails_is_stood_in_for(
    store: Store, nonsense: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """E2: it raises, or answers nonsense: reported, and the caller hears the usual estimate."""
    mine = FakeEstimator()
    if isinstance(nonsense, Exception):
        mine.error = nonsense
    else:
        mine.wait = nonsense
    host = VirtualHost(store, [QueuePolicy(queue="support")], estimator=mine)
    host.service.agent_available("ann", queues=["support"])
    host.service.call_joined("support", call_id="busy")
    host.run_for(timedelta(0))
    receipt = host.service.request("support", number=BOB)
    assert receipt.wait.mean_s == 300
    assert "estimator" in caplog.text


def test_a_named_estimator_is_taken_as_it_is(store: Store) -> None:
    """E2: every one that is shipped can be chosen."""
    host = VirtualHost(store, [QueuePolicy(queue="support")], estimator=QueueLength())
    host.service.agent_available("ann", queues=["support"])
    assert host.service.request("support", number=BOB).wait.mean_s == 0


def test_the_reconnect_time_is_part_of_what_a_callback_is_told(host: VirtualHost) -> None:
    """E4: measured from the attempts of this queue; nothing is added while it is unknown."""
    service = host.service
    host.telephony.person(BOB, Behaviour(answers_after=12 * SECOND, talks_for=MINUTE))
    before = service.request("support", number=BOB)
    assert service.rates("support").reconnect_s is None
    service.call_left("busy")
    host.run_for(timedelta(minutes=2))
    assert service.rates("support").reconnect_s == 12
    service.call_joined("support", call_id="busy again")
    host.run_for(timedelta(0))
    after = service.request("support", number=EVE)
    assert before.wait.mean_s == 300
    ratio = service.rates("support").handle_time_s
    assert after.wait.mean_s == pytest.approx(ratio + 12)


def test_every_quote_is_stored_and_scored(host: VirtualHost) -> None:
    """E5: error, coverage, by estimator and hour of the week; of callers who held the line too."""
    service = host.service
    service.call_joined("support", call_id="eve", number=EVE)
    offer = service.offer("eve", asked=True)
    service.offer_declined("eve")
    host.clock.advance(SECOND)
    receipt = service.request("support", number=BOB)
    host.clock.advance(99 * SECOND)
    service.call_left("busy")
    host.run_for(timedelta(0))
    host.clock.advance(100 * SECOND)
    service.call_left("eve")
    host.run_for(timedelta(0))
    report = service.quotes("support", zone=ZoneInfo("America/New_York"))
    assert report.overall is not None
    assert report.overall.count == 2
    assert offer.wait.mean_s is not None
    assert receipt.wait.mean_s is not None
    errors = [offer.wait.mean_s - 100, receipt.wait.mean_s - 199]
    assert report.overall.bias_s == pytest.approx(sum(errors) / 2)
    assert set(report.by_estimator) == {"ql"}
    assert set(report.by_hour) == {3}, "Monday, 3 in the morning in New York"
    row = service.call_left("eve")
    assert (row.quoted_wait_s, row.quoted_by, row.quoted_at) == (offer.wait.mean_s, "ql", START)


def test_a_chosen_time_is_scored_for_punctuality(host: VirtualHost) -> None:
    """E5: how late both could hear each other."""
    host.service.request("support", number=BOB, scheduled_at=START + timedelta(hours=1))
    host.run_for(timedelta(hours=1))
    host.clock.advance(40 * SECOND)
    host.service.call_left("busy")
    host.run_for(MINUTE)
    punctuality = host.service.quotes("support").punctuality
    assert punctuality is not None
    assert (punctuality.count, punctuality.late_s, punctuality.punctual_ratio) == (1, 40, 1)


def test_questions_need_a_queue_that_is_there(host: VirtualHost) -> None:
    """Each of them."""
    service = host.service
    for question in (service.rates, service.quotes, service.overtakes, service.line, service.control):
        with pytest.raises(UnknownQueue):
            question("nowhere")


def test_the_line_can_be_listed(host: VirtualHost) -> None:
    """First to be served first, as many as asked for."""
    for index in range(5):
        host.service.call_joined("support", call_id=f"c{index}", priority=5 - index)
    assert [place.priority for place in host.service.line("support", limit=3)] == [1, 2, 3]
    assert host.service.line("support", limit=0) == []
    assert host.service.line("support", limit=-1) == []
