"""F11: trunks and rates, of a queue and in all; besides, never more attempts than free agents."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from callbackq import CallbackState, Caps, ConfigurationError, Dispatcher, QueuePolicy, Store
from callbackq.testing import START, VirtualHost

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def host_with(store: Store, *, queue: Caps | None = None, over_all: Caps | None = None) -> VirtualHost:
    """Return a host with two queues, six agents, and three callbacks in each queue."""
    policies = [QueuePolicy(queue="support", caps=queue or Caps()), QueuePolicy(queue="sales")]
    host = VirtualHost(store, policies, caps=over_all or Caps())
    for index in range(6):
        host.service.agent_available(f"agent-{index}", queues=["support", "sales"])
        host.service.request(("support", "sales")[index % 2], number=f"+1212555{index + 100:04d}")
    return host


def attempting(host: VirtualHost) -> list[str]:
    """Return the queues of the callbacks under way."""
    callbacks = [host.service.get(f"cb_{index:06d}") for index in range(1, 7)]
    return sorted(one.queue for one in callbacks if one.state is CallbackState.ATTEMPTING)


def test_attempts_at_once_are_capped_by_queue(store: Store) -> None:
    """As many as it has trunks; the other queue is not touched."""
    host = host_with(store, queue=Caps(attempts_at_once_max=1))
    Dispatcher(host.service).step(START)
    assert attempting(host) == ["sales", "sales", "sales", "support"]
    why = host.service.explain("cb_000003")
    assert (why.rule, why.values["cap"], why.values["cap_limit"]) == (
        "cap_reached",
        "attempts_at_once_max",
        "1",
    )


def test_attempts_at_once_are_capped_in_all(store: Store) -> None:
    """Over all queues of the service; a live caller needs no line, and is served past."""
    host = host_with(store, over_all=Caps(attempts_at_once_max=2))
    host.clock.advance(SECOND)
    host.service.call_joined("support", call_id="live")
    Dispatcher(host.service).step(host.clock.now())
    assert len(attempting(host)) == 2
    assert host.service.call_position("live") is None
    host.run_for(timedelta(0))
    assert len(attempting(host)) == 2, "a conversation needs its line too"


def test_a_rate_per_minute_opens_by_itself(store: Store) -> None:
    """The dispatcher knows when, and explain says so."""
    host = host_with(store, queue=Caps(attempts_per_minute_max=1))
    dispatcher = Dispatcher(host.service)
    host.run_for(timedelta(0))
    why = host.service.explain("cb_000003")
    assert (why.rule, why.next_change_at) == ("cap_reached", START + MINUTE)
    host.run_for(30 * SECOND)
    assert dispatcher.next_wakeup() == START + MINUTE
    host.run_for(MINUTE * 5)
    starts = [
        event.at
        for number in (1, 3, 5)
        for event in host.service.history(f"cb_{number:06d}")
        if event.kind == "attempt_started"
    ]
    assert starts == [START, START + MINUTE, START + 2 * MINUTE]


@pytest.mark.parametrize("bad", [0, -1, True, 1.5, "3", 10**7])
def test_caps_out_of_range_are_refused(bad: Any) -> None:
    """When they are built."""
    with pytest.raises(ConfigurationError, match="attempts_at_once_max"):
        Caps(attempts_at_once_max=bad)
    with pytest.raises(ConfigurationError, match="attempts_per_minute_max"):
        Caps(attempts_per_minute_max=bad)
    with pytest.raises(ConfigurationError, match="caps"):
        QueuePolicy(queue="support", caps=bad)
