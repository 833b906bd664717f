"""The receiver of the example, which verifies with the public package: what a network and an outage do to it."""

from __future__ import annotations

import importlib.util
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, tzinfo
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
import standardwebhooks.webhooks
from standardwebhooks import Webhook, WebhookVerificationError

from callbackq import CallbackService, QueuePolicy, SQLiteStore
from callbackq.core.webhooks import about_of, webhook_id
from callbackq.model import WebhookAnswer, WebhookOrder
from callbackq.ports import Commit
from callbackq.testing import ManualClock
from callbackq.testing.clock import SequentialIds
from callbackq.testing.webhooks import SECRET, FakeReceiver, make_endpoint
from callbackq.webhooks import Webhooks, replay

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "webhook_receiver.py"
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("webhook_receiver", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """The time by which the package judges whether a request is too old, as well as our own."""
    clock = ManualClock()

    class Now(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return clock.now().astimezone(tz)

    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", Now)
    return clock


class Network:
    """Brings requests to a receiver: twice, late and so out of order; or loses them, or the answer, or is down."""

    def __init__(self, clock: ManualClock, random: Random, inbox: Any) -> None:
        self.clock, self.random, self.inbox = clock, random, inbox
        self.down_until_at = clock.now()
        self.late: list[WebhookOrder] = []

    def send(self, order: WebhookOrder) -> WebhookAnswer:
        if self.clock.now() < self.down_until_at:
            raise ConnectionRefusedError
        if self.late and self.random.random() < 0.5:
            self.take(self.late.pop(self.random.randrange(len(self.late))))
        fate = self.random.choice(["well", "well", "twice", "late", "lost", "answer lost", "copied"])
        if fate in {"late", "copied"}:
            self.late.append(order)
        if fate in {"late", "lost"}:
            raise TimeoutError
        status = self.take(order)
        if fate == "twice":
            assert self.take(order) == status
        if fate == "answer lost":
            raise TimeoutError
        return WebhookAnswer(status=status)

    def take(self, order: WebhookOrder) -> int:
        status: int = self.inbox.take(order.headers, order.body)
        return status


def services(path: Path, clock: ManualClock, ids: SequentialIds) -> Iterator[CallbackService]:
    """Open the store anew each time, as a process that starts does."""
    while True:
        store = SQLiteStore(path)
        policy = QueuePolicy(queue="support", calling=None)
        yield CallbackService(store, [policy], clock=clock, ids=ids)
        store.close()


@pytest.mark.parametrize("seed", range(2))
def test_every_event_is_applied_once_and_in_order_through_an_outage_and_restarts(
    tmp_path: Path, example: ModuleType, clock: ManualClock, seed: int
) -> None:
    """Duplicates, late copies, lost answers, an hour without the receiver, and both ends started again."""
    random, crm = Random(seed), tmp_path / "crm.db"
    network = Network(clock, random, example.Inbox(crm, SECRET))
    opened = services(tmp_path / "callbacks.db", clock, SequentialIds())
    service = next(opened)
    webhooks = Webhooks(service, [make_endpoint()], sender=network)
    asked: list[str] = []
    for turn in range(30):
        if turn == 8:
            network.down_until_at = clock.now() + HOUR
        if turn in {5, 15}:  # In the middle of an outage too: the sender, and then the receiver.
            service = next(opened)
            webhooks = Webhooks(service, [make_endpoint()], sender=network)
            network.inbox = example.Inbox(crm, SECRET)
        asked.append(service.request("support", number=f"+1212555{turn:04d}").callback_id)
        if turn % 3:
            service.cancel(random.choice(asked[-2:]))
        webhooks.deliver_due(clock.now())
        clock.advance(timedelta(minutes=4))
    while (at := webhooks.next_wakeup()) is not None:
        clock.move_to(max(at, clock.now() + timedelta(seconds=1)))
        webhooks.deliver_due(clock.now())
    with service.store.transaction(service.tenant_id, commit=Commit.READ_ONLY) as tx:
        links = [link for link in tx.history.links(limit=9_999) if make_endpoint().wants_kind(link.event)]
    with sqlite3.connect(crm) as database:
        applied = database.execute("SELECT webhook_id, subject FROM seen ORDER BY rowid").fetchall()
        known = database.execute("SELECT subject, state, outcome FROM callbacks").fetchall()
    database.close()
    assert sorted(one for one, _ in applied) == sorted(webhook_id(link) for link in links)
    for callback_id in asked:
        story = [webhook_id(link) for link in links if about_of(link.event) == f"callback {callback_id}"]
        assert [one for one, subject in applied if subject == callback_id] == story
    assert {row[0]: row[1:] for row in known} == {
        callback_id: (callback.state.value, callback.outcome and callback.outcome.value)
        for callback_id in asked
        for callback in [service.get(callback_id)]
    }
    opened.close()  # type: ignore[attr-defined]
    service.store.close()


def test_what_somebody_else_sends_is_refused(tmp_path: Path, example: ModuleType, clock: ManualClock) -> None:
    """With another secret, with another body, too late, or without any signature."""
    inbox = example.Inbox(tmp_path / "crm.db", SECRET)
    order = one_order(tmp_path, clock)
    forged = {**order.headers, "webhook-signature": "v1," + "A" * 44}
    assert inbox.take(forged, order.body) == 401
    assert inbox.take(order.headers, order.body.replace(b"support", b"suppord")) == 401
    assert inbox.take({}, order.body) == 401
    assert inbox.take(order.headers, order.body) == 204
    clock.advance(timedelta(minutes=6))
    assert inbox.take(order.headers, order.body) == 401


def test_the_public_package_verifies_each_signature_while_a_secret_is_changed(
    tmp_path: Path, clock: ManualClock
) -> None:
    """By the new secret and by the old one, and by no other."""
    old, new = "whsec_" + "B" * 32, "whsec_" + "C" * 32
    order = one_order(tmp_path, clock, secrets=[new, old])
    for secret in (old, new):
        event = Webhook(secret).verify(order.body, dict(order.headers))
        assert (event["specversion"], event["type"]) == ("1.0", "callbackq.callback_requested.v1")
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "D" * 32).verify(order.body, dict(order.headers))


def test_a_replay_of_everything_is_taken_for_what_it_is(
    tmp_path: Path, example: ModuleType, clock: ManualClock
) -> None:
    """An event that comes after a later one does not set the callback back."""
    inbox, receiver = example.Inbox(tmp_path / "crm.db", SECRET), FakeReceiver()
    service = next(services(tmp_path / "callbacks.db", clock, SequentialIds()))
    webhooks = Webhooks(service, [make_endpoint()], sender=receiver)
    receipt = service.request("support", number="+12125550101")
    service.cancel(receipt.callback_id)
    webhooks.deliver_due(clock.now())
    replay(service, "crm", from_number=1)
    webhooks.deliver_due(clock.now())
    assert len(receiver.orders) == 4
    for order in reversed(receiver.orders):
        assert inbox.take(order.headers, order.body) == 204
    with sqlite3.connect(tmp_path / "crm.db") as database:
        assert database.execute("SELECT state, outcome FROM callbacks").fetchall() == [("ended", "cancelled")]
        assert database.execute("SELECT count(*) FROM seen").fetchone() == (2,)
    database.close()
    service.store.close()


def one_order(folder: Path, clock: ManualClock, **endpoint: Any) -> WebhookOrder:
    """Return one request as it is sent."""
    receiver = FakeReceiver([endpoint["secrets"][0]] if endpoint else [SECRET])
    service = next(services(folder / "callbacks.db", clock, SequentialIds()))
    webhooks = Webhooks(service, [make_endpoint(**endpoint)], sender=receiver)
    service.request("support", number="+12125550101")
    webhooks.deliver_due(clock.now())
    service.store.close()
    return receiver.orders[0]


def test_a_stranger_cannot_fill_the_memory_of_a_receiver(example: ModuleType, tmp_path: Path) -> None:
    """What is larger than any event is refused before it is read; what is not signed, after."""
    found: list[int] = []
    with example.server(example.Inbox(tmp_path / "crm.db")) as crm:
        thread = threading.Thread(target=crm.serve_forever, args=(0.01,))
        thread.start()
        try:
            for size, body in (("999999999999", b""), ("2", b"{}"), (None, b"")):
                headers = {} if size is None else {"content-length": size}
                with closing(HTTPConnection("127.0.0.1", crm.server_port, timeout=30)) as connection:
                    connection.putrequest("POST", "/")
                    for name, value in headers.items():
                        connection.putheader(name, value)
                    connection.endheaders(body or None)
                    found.append(connection.getresponse().status)
        finally:
            crm.shutdown()
            thread.join(30)
    assert found == [413, 401, 401]
