"""When anything last began in a store: on every store, of calls and of callbacks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from callbackq import MemoryStore, QueueName, QueuePolicy, SQLiteStore
from callbackq.testing import VirtualHost

POLICIES = [QueuePolicy(queue=QueueName(name), calling=None) for name in ("support", "sales")]


@pytest.fixture(params=["memory", "sqlite"])
def host(request: pytest.FixtureRequest) -> VirtualHost:
    """A host in whose store nothing has happened."""
    return VirtualHost(MemoryStore() if request.param == "memory" else SQLiteStore(":memory:"), POLICIES)


def test_the_last_beginning_is_that_of_a_call_or_of_a_callback(host: VirtualHost) -> None:
    """Whether it is open, was taken or has ended; in any queue. Nothing else counts."""
    service = host.service
    assert service.last_began_at() is None
    began = service.now()
    receipt = service.request("support", number="+12125550101")
    assert service.last_began_at() == began
    host.run_for(timedelta(hours=1))
    began = service.now()
    service.call_joined("sales", call_id="call-1", number="+12125550102")
    assert service.last_began_at() == began
    host.run_for(timedelta(minutes=1))
    service.call_left("call-1")
    service.cancel(receipt.callback_id)
    assert service.last_began_at() == began
