"""
Fixtures for the tests of a host. Loaded by pytest itself; the fakes are imported when a fixture is asked for.

Override `callback_policies` in a `conftest.py` to test with your own queues.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from callbackq.policy import QueuePolicy
    from callbackq.service import CallbackService
    from callbackq.stores.memory import MemoryStore
    from callbackq.testing.clock import ManualClock
    from callbackq.testing.fakes import FakeCodes, FakeMessenger, FakeNotices
    from callbackq.testing.host import VirtualHost
    from callbackq.testing.telephony import FakeTelephony


@pytest.fixture
def callback_policies() -> list[QueuePolicy]:
    """The queues of the test: one, named `support`, with the defaults."""
    from callbackq.policy import QueuePolicy

    return [QueuePolicy(queue="support")]


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock that stands still until it is moved: Monday 2026-01-05, 08:00 UTC."""
    from callbackq.testing.clock import ManualClock

    return ManualClock()


@pytest.fixture
def callback_store() -> Iterator[MemoryStore]:
    """An empty store in memory."""
    from callbackq.stores.memory import MemoryStore

    store = MemoryStore()
    yield store
    store.close()


@pytest.fixture
def fake_notices() -> FakeNotices:
    """Keeps what customers and the company's own systems are to be told."""
    from callbackq.testing.fakes import FakeNotices

    return FakeNotices()


@pytest.fixture
def fake_messenger(manual_clock: ManualClock) -> FakeMessenger:
    """The provider of messages: it takes everything, unless the test says otherwise."""
    from callbackq.testing.fakes import FakeMessenger

    return FakeMessenger(manual_clock)


@pytest.fixture
def fake_codes() -> FakeCodes:
    """Keeps the one-time codes that were sent."""
    from callbackq.testing.fakes import FakeCodes

    return FakeCodes()


@pytest.fixture
def virtual_host(
    callback_store: MemoryStore,
    callback_policies: list[QueuePolicy],
    manual_clock: ManualClock,
    fake_notices: FakeNotices,
    fake_messenger: FakeMessenger,
    fake_codes: FakeCodes,
) -> VirtualHost:
    """The service, a dispatcher, a driver, a fake network and a fake provider, in the time of `manual_clock`."""
    from callbackq.testing.host import VirtualHost

    return VirtualHost(
        callback_store,
        callback_policies,
        clock=manual_clock,
        notices=fake_notices,
        messenger=fake_messenger,
        codes=fake_codes,
    )


@pytest.fixture
def callback_service(virtual_host: VirtualHost) -> CallbackService:
    """The service under test, on `manual_clock`."""
    return virtual_host.service


@pytest.fixture
def fake_telephony(virtual_host: VirtualHost) -> FakeTelephony:
    """The network of scripted people that the service dials through."""
    return virtual_host.telephony


@pytest.fixture
def run_until(virtual_host: VirtualHost) -> Callable[[datetime | Callable[[], bool]], None]:
    """Let time pass until an instant, or until a condition holds."""
    return virtual_host.run_until
