"""Listeners in the process: told after the commit, of every transaction once, and unable to change anything."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from callbackq import (
    CallbackService,
    Commit,
    CommitUncertain,
    ConfigurationError,
    Conflict,
    Dispatcher,
    MemoryStore,
    QueuePolicy,
    RequestRefused,
    SQLiteStore,
    Store,
    Transaction,
)
from callbackq.aio import AsyncCallbackService
from callbackq.events import AgentSignedIn, CallbackEnded, CallbackRequested, Event
from callbackq.testing import ManualClock, VirtualHost
from stores.slow_disk import SlowDisk

ADA, BOB = "+12125550101", "+12125550102"


class Ear:
    """Remembers what it heard, transaction by transaction."""

    def __init__(self) -> None:
        self.heard: list[tuple[Event, ...]] = []

    def __call__(self, events: tuple[Event, ...]) -> None:
        self.heard.append(events)

    @property
    def kinds(self) -> list[list[str]]:
        return [[event.kind for event in events] for events in self.heard]


def service_on(store: Store, *listeners: Callable[[tuple[Event, ...]], object]) -> CallbackService:
    """Return a service on a clock that stands still."""
    policy = QueuePolicy(queue="support", calling=None)
    return CallbackService(store, [policy], clock=ManualClock(), listeners=listeners)


def history_of(store: Store, service: CallbackService) -> list[Event]:
    with store.transaction(service.tenant_id, commit=Commit.READ_ONLY) as tx:
        return tx.history.all()


def test_a_listener_hears_the_whole_history_in_its_order(store: Store) -> None:
    """What commands, the dispatcher and the reports of a whole callback write: every event once, by transaction."""
    ear = Ear()
    host = VirtualHost(store, [QueuePolicy(queue="support", calling=None)], listeners=[ear])
    host.service.agent_available("ann", queues=["support"])
    receipt = host.service.request("support", number=ADA)
    host.run_until(lambda: host.service.get(receipt.callback_id).outcome is not None)
    told = [event for events in ear.heard for event in events]
    assert told == history_of(store, host.service)
    assert all(ear.heard)
    assert [type(event) for event in ear.heard[0]] == [AgentSignedIn]
    assert any(isinstance(event, CallbackEnded) for event in told)


def test_what_is_told_is_committed_and_no_transaction_is_open(store: Store) -> None:
    """The listener reads what it was told of, in a transaction of its own, and in another thread."""
    states: list[str] = []

    def hear(events: tuple[Event, ...]) -> None:
        for event in events:
            if isinstance(event, CallbackRequested):
                read = lambda: states.append(service.get(event.callback_id).state)  # noqa: B023, E731
                read()
                other = threading.Thread(target=read)
                other.start()
                other.join(timeout=30)

    service = service_on(store, hear)
    service.request("support", number=ADA)
    assert states == ["waiting", "waiting"]


def test_what_is_refused_or_only_read_is_told_to_nobody(store: Store) -> None:
    """Nothing was written."""
    ear = Ear()
    service = service_on(store, ear)
    receipt = service.request("support", number=ADA)
    del ear.heard[:]
    with pytest.raises(RequestRefused):
        service.request("support", number=ADA)
    service.position(receipt.callback_id)
    assert ear.heard == []


def test_a_listener_that_fails_changes_nothing_and_no_number_is_logged(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """The others hear, the command answers; the log has the type and the place, and not the text."""

    class Gone(BaseException):
        pass

    def fail(events: tuple[Event, ...]) -> None:
        raise ValueError(ADA)

    def fail_badly(events: tuple[Event, ...]) -> None:
        raise Gone(ADA)

    ear = Ear()
    service = service_on(store, fail, fail_badly, ear)
    with caplog.at_level(logging.ERROR, logger="callbackq"):
        receipt = service.request("support", number=ADA)
    assert service.get(receipt.callback_id).state == "waiting"
    assert ear.kinds == [["callback_requested"]]
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("a listener failed: ValueError at ")
    assert "test_listeners.py" in first
    assert second.startswith("a listener failed: Gone at ")
    assert ADA not in caplog.text


def test_what_is_meant_for_the_process_reaches_it() -> None:
    """And the listener is asked again the next time."""
    calls: list[int] = []

    def interrupted(events: tuple[Event, ...]) -> None:
        calls.append(len(events))
        if len(calls) == 1:
            raise KeyboardInterrupt

    service = service_on(MemoryStore(), interrupted)
    with pytest.raises(KeyboardInterrupt):
        service.request("support", number=ADA)
    service.request("support", number=BOB)
    assert calls == [1, 1]


def test_a_listener_may_give_commands_and_all_hear_in_order(store: Store) -> None:
    """What its command wrote is told when everybody has heard what it heard."""
    before, after = Ear(), Ear()

    def cancel(events: tuple[Event, ...]) -> None:
        for event in events:
            if isinstance(event, CallbackRequested):
                service.cancel(event.callback_id)

    service = service_on(store, before, cancel, after)
    service.request("support", number=ADA)
    assert before.kinds == after.kinds == [["callback_requested"], ["callback_ended"]]


def test_a_transaction_that_is_tried_again_is_told_once() -> None:
    """After a Conflict at the commit, and with the events of the try that went well."""

    class Contested(MemoryStore):
        """Refuses the first two commits."""

        refusals = 2

        def transaction(self, tenant_id: Any, *, commit: Commit) -> Any:
            return self._contested(super().transaction(tenant_id, commit=commit))

        def _contested(self, behind: Any) -> Any:
            outer = self

            class Wrapped:
                def __enter__(self) -> Transaction:
                    entered: Transaction = behind.__enter__()
                    return entered

                def __exit__(self, kind: Any, error: Any, trace: Any) -> Any:
                    if kind is None and outer.refusals:
                        outer.refusals -= 1
                        refused = Conflict("somebody else was first")
                        behind.__exit__(Conflict, refused, None)
                        raise refused
                    return behind.__exit__(kind, error, trace)

            return Wrapped()

    ear, store = Ear(), Contested()
    service = service_on(store, ear)
    receipt = service.request("support", number=ADA)
    assert store.refusals == 0
    assert ear.kinds == [["callback_requested"]]
    assert ear.heard[0][0].callback_id == receipt.callback_id  # type: ignore[attr-defined]


def test_what_the_dispatcher_does_is_told_before_its_effects_are_given_out(store: Store) -> None:
    """So a listener knows of an attempt before the phone rings."""
    ear = Ear()
    service = service_on(store, ear)
    service.agent_available("ann", queues=["support"])
    service.request("support", number=ADA)
    del ear.heard[:]
    effects = Dispatcher(service).step(service.now())
    assert effects
    assert [sorted(kinds) for kinds in ear.kinds] == [
        ["agent_reserved", "attempt_started", "callback_attempted"]
    ]


def test_without_listeners_a_transaction_is_the_stores_own() -> None:
    """It costs nothing then."""
    service = service_on(MemoryStore())
    with service.transaction(Commit.FLUSHED) as tx:
        assert type(tx).__name__ == "MemoryTransaction"


@pytest.mark.parametrize("wrong", [["not a function"], [None]])
def test_what_cannot_be_called_is_no_listener(wrong: Sequence[Any]) -> None:
    """It is said when the service is made."""
    with pytest.raises(ConfigurationError, match="listeners"):
        CallbackService(MemoryStore(), [QueuePolicy(queue="support")], clock=ManualClock(), listeners=wrong)


# ---------------------------------------------------------------------------- flushes that are shared


def test_what_shares_a_flush_is_told_when_it_is_on_the_disk(tmp_path: Path) -> None:
    """Thirty at once, in their order; none while the disk is waited for."""
    ear, store = Ear(), SQLiteStore(tmp_path / "callbacks.db")
    disk = SlowDisk(store)

    async def work() -> list[str]:
        async with AsyncCallbackService(service_on(store, ear)) as service:
            disk.hold()
            asked = [
                asyncio.ensure_future(service.request("support", number=f"+1212555{n:04d}"))
                for n in range(30)
            ]
            await asyncio.to_thread(disk.is_reached.wait)
            assert ear.heard == []
            disk.let_go()
            return [receipt.callback_id for receipt in await asyncio.gather(*asked)]

    promised = asyncio.run(work())
    assert [getattr(event, "callback_id", None) for events in ear.heard for event in events] == promised
    store.close()


def test_what_a_failed_flush_undid_is_told_to_nobody(tmp_path: Path) -> None:
    """The first command has its own flush, and is told."""
    ear, store = Ear(), SQLiteStore(tmp_path / "callbacks.db")
    disk = SlowDisk(store)

    async def work() -> list[object]:
        async with AsyncCallbackService(service_on(store, ear)) as service:
            await service.request("support", number=ADA)
            disk.failure = sqlite3.SQLITE_IOERR_FSYNC
            asked = [service.request("support", number=f"+1212555{n:04d}") for n in range(5)]
            ends = await asyncio.gather(*asked, return_exceptions=True)
            disk.failure = None
            return ends

    assert all(isinstance(end, CommitUncertain) for end in asyncio.run(work()))
    assert len(ear.heard) == 1
    store.close()


def test_a_listener_may_use_the_store_after_a_shared_flush(tmp_path: Path) -> None:
    """No transaction is open in the thread any more, and it may share a flush itself."""
    store = SQLiteStore(tmp_path / "callbacks.db")
    cancelled: list[str] = []

    def hear(events: tuple[Event, ...]) -> None:
        for event in events:
            if isinstance(event, CallbackRequested):
                assert store.together([lambda: service.cancel(event.callback_id)]) == [None]  # noqa: B023
                cancelled.append(event.callback_id)

    service = service_on(store, hear)
    ask = [lambda: service.request("support", number=ADA), lambda: service.request("support", number=BOB)]
    assert store.together(ask) == [None, None]
    assert len(cancelled) == 2
    assert service.line("support") == []
    store.close()


def test_a_service_that_joins_nothing_has_nothing_to_say_committed() -> None:
    """`committed` is for a transaction of the host's."""
    with pytest.raises(RuntimeError, match="within no transaction"):
        service_on(MemoryStore()).committed()
