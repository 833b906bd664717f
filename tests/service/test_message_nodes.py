"""
Several nodes share one outbox: each message is given out by one of them, once.

Started as a program, this file is one of the nodes.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, Lock, Thread
from typing import Any, Final

import attrs
import pytest

from callbackq import CallbackService, Conflict, Dispatcher, MemoryStore, QueuePolicy, Store, StoreError
from callbackq.effects import SendMessage
from callbackq.model import Delivery, DeliveryKind, MessageEnd, MessageState
from callbackq.policy import Messages
from callbackq.runners import Driver
from callbackq.system import RandomIds
from callbackq.testing import START, FakeMessenger, FakeTelephony, ManualClock
from callbackq.testing.outbox_checkers import OutboxEvidence, check_outbox
from service.fighters import open_place, together, wait_for_the_others
from service.message_child import history_and_rows
from stores.postgres_server import conninfo, fresh_schema

DUE: Final = 200
AT_ONCE: Final = 20
"""So few are given out in one step that the nodes meet often."""
MESSAGES: Final = Messages(quiet_from=None, quiet_until=None, slip_margin=None)
POLICY: Final = QueuePolicy(queue="support", calling=None, pending_max=10_000, messages=MESSAGES)


@attrs.frozen(kw_only=True)
class Line:
    """One line of the provider's account."""

    at: datetime
    what: str
    send_id: str


class Account:
    """A provider whom all nodes share, and who takes a message twice if it is given twice."""

    def __init__(self) -> None:
        self.send_ids: list[str] = []

    def send(self, order: SendMessage) -> str:
        self.send_ids.append(order.send_id)
        return f"SM-{order.send_id}"


def service_of(store: Store, clock: ManualClock | None = None) -> CallbackService:
    return CallbackService(store, [POLICY], clock=clock or ManualClock(), ids=RandomIds())


def fill(service: CallbackService, count: int = DUE) -> None:
    """Let so many people ask: each is owed a confirmation."""
    for who in range(count):
        service.request("support", number=f"+1212{2_000_000 + who}")


def node_of(service: CallbackService, messenger: Any, *, batch_max: int = AT_ONCE) -> Driver:
    return Driver(
        service,
        Dispatcher(service, batch_max=batch_max),
        FakeTelephony(ManualClock()),
        messenger=messenger,
    )


def run_dry(service: CallbackService, node: Driver) -> None:
    """Step, as a node does, until nothing is due; whatever other nodes are in the way."""
    while True:
        try:
            node.step(service.now())
            at = node.next_wakeup()
        except (StoreError, Conflict):
            continue
        if at is None or at > service.now():
            return


def at_once(*works: Callable[[], object]) -> None:
    """Let threads begin at the same moment. Raises: what the first of them raised that failed."""
    together, lock = Barrier(len(works)), Lock()
    errors: list[Exception] = []

    def run(work: Callable[[], object]) -> None:
        together.wait()
        try:
            work()
        except Exception as error:
            with lock:
                errors.append(error)

    threads = [Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def check_each_once(store: Store, send_ids: Sequence[str]) -> None:
    """Every message was taken once, and stands so."""
    history, rows = history_and_rows(store)
    assert Counter(send_ids) == dict.fromkeys((f"{row.message_id}.1" for row in rows), 1)
    assert Counter(row.state for row in rows) == {MessageState.SENT: DUE}
    lines = [Line(at=START, what="taken", send_id=send_id) for send_id in send_ids]
    found = check_outbox(OutboxEvidence(provider=lines, history=history, messages=rows, ended_at=START))
    assert found.all == ()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store for threads, of each kind."""
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "sqlite":
        with closing(open_place("sqlite", str(tmp_path / "callbacks.db"))) as opened:
            yield opened
    else:
        with fresh_schema() as schema, closing(open_place("postgres", f"{conninfo()} {schema}")) as opened:
            yield opened


# ---------------------------------------------------------------------------- threads


@pytest.mark.parametrize("count", [2, 4])
def test_threads_step_over_one_outbox(shared: Store, count: int) -> None:
    """However many step at once, each message is sent once."""
    service, account = service_of(shared), Account()
    fill(service)
    nodes = [node_of(service, account) for _ in range(count)]
    at_once(*(lambda node=node: run_dry(service, node) for node in nodes))
    check_each_once(shared, account.send_ids)


@pytest.mark.parametrize("is_noted", [False, True])
def test_receipts_race_with_deadlines(shared: Store, *, is_noted: bool) -> None:
    """A receipt that comes as the time is over counts, or comes too late: each message ends once, and well."""
    clock = ManualClock()
    service = service_of(shared, clock)
    fill(service, 30)
    orders: list[SendMessage] = []
    while given := Dispatcher(service).step(clock.now()):
        orders += [effect for effect in given if isinstance(effect, SendMessage)]
    if is_noted:
        for order in orders:
            service.delivery(Delivery(kind=DeliveryKind.ACCEPTED, send_id=order.send_id))
    clock.advance(MESSAGES.receipt_time_max if is_noted else MESSAGES.send_time_max)
    waking = node_of(service, Account(), batch_max=2)

    def receipts() -> None:
        for order in orders:
            receipt = Delivery(kind=DeliveryKind.DELIVERED, send_id=order.send_id)
            while True:
                try:
                    service.delivery(receipt)
                except (StoreError, Conflict):
                    continue
                break

    at_once(receipts, lambda: run_dry(service, waking))
    history, rows = history_and_rows(shared)
    ended = Counter(event.message_id for event in history if event.kind == "message_ended")
    assert ended == dict.fromkeys((row.message_id for row in rows), 1)
    allowed = {MessageEnd.DELIVERED, MessageEnd.SENT} if is_noted else {MessageEnd.DELIVERED}
    assert {row.ended_as for row in rows} <= allowed


# ---------------------------------------------------------------------------- nodes that send nothing


def test_a_node_without_a_messenger_leaves_messages_to_others(store: Store) -> None:
    """It gives out none, and none is refused or lost by it."""
    service, messenger = service_of(store), FakeMessenger()
    fill(service, 3)
    silent, speaking = node_of(service, None), node_of(service, messenger)
    assert silent.step(service.now()) == 0
    assert speaking.step(service.now()) == 3
    _, rows = history_and_rows(store)
    assert [row.sends_count for row in rows] == [1, 1, 1]
    assert len(messenger.sent) == 3


def test_a_node_without_a_messenger_sees_what_another_left_in_doubt(store: Store) -> None:
    """However many messages wait for the other, which is gone: what it had given out becomes uncertain here."""
    clock = ManualClock()
    service = service_of(store, clock)
    fill(service, 70)
    given_out = Dispatcher(service, batch_max=3).step(clock.now())  # Its node dies here.
    clock.advance(MESSAGES.send_time_max)
    silent = node_of(service, None, batch_max=500)
    silent.step(clock.now())
    assert {row.message_id for row in service.uncertain_messages()} == {
        effect.message_id for effect in given_out if isinstance(effect, SendMessage)
    }


def test_a_node_without_a_messenger_withdraws_what_comes_too_late(store: Store) -> None:
    """Where nobody sends, what nobody needs any more is ended all the same."""
    clock = ManualClock()
    service = service_of(store, clock)
    fill(service, 3)
    clock.advance(MESSAGES.message_life + timedelta(seconds=1))
    node_of(service, None).step(clock.now())
    _, rows = history_and_rows(store)
    assert [(row.ended_as, row.problem) for row in rows] == [(MessageEnd.WITHDRAWN, "too_late")] * 3


# ---------------------------------------------------------------------------- processes


@pytest.mark.parametrize("count", [2, 4])
def test_processes_step_over_one_outbox(place: tuple[str, str], count: int) -> None:
    """What holds between threads holds between nodes."""
    with closing(open_place(*place)) as store:
        fill(service_of(store))
        answers = together(__file__, [place] * count)
        check_each_once(store, [send_id for answer in answers for send_id in json.loads(answer)])


def be_one_of_several(kind: str, where: str) -> None:
    """Open the store, wait for the others, send what is due, and say what that was."""
    with closing(open_place(kind, where)) as store:
        service, account = service_of(store), Account()
        node = node_of(service, account)
        wait_for_the_others()
        run_dry(service, node)
        print(json.dumps(account.send_ids))


if __name__ == "__main__":
    be_one_of_several(*sys.argv[1:3])
