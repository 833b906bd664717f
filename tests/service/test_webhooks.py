"""Webhooks: every event reaches every endpoint, in order for one callback, whatever fails in between."""

from __future__ import annotations

import json
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import attrs
import pytest

from callbackq import (
    CallbackService,
    ConfigurationError,
    Conflict,
    MemoryStore,
    NotFound,
    QueueName,
    QueuePolicy,
    Store,
)
from callbackq.core.webhooks import about_of, webhook_id
from callbackq.model import WebhookAnswer, WebhookOrder
from callbackq.ports import Commit, HistoryLink, WebhookSender, WebhookTable
from callbackq.runners import WebhookRunner
from callbackq.stores.memory_history import History
from callbackq.testing import ManualClock
from callbackq.testing.clock import SequentialIds
from callbackq.testing.faultpoints import at_points, store_at_points
from callbackq.testing.webhooks import FakeReceiver, make_endpoint
from callbackq.webhooks import (
    WebhookRound,
    Webhooks,
    WebhookState,
    close_endpoint,
    open_endpoint,
    replay,
    webhook_rows,
)

HOUR = timedelta(hours=1)
DOWN = WebhookAnswer(status=503)
TIMEOUT_S = 30.0


def number(n: int) -> str:
    return f"+1212555{n:04d}"


class Desk:
    """A service whose events are sent to one receiver, in virtual time."""

    def __init__(self, store: Store, **endpoint: Any) -> None:
        self.store = store
        self.clock = ManualClock()
        self.ids = SequentialIds()
        self.service = self.service_on(store)
        self.receiver = FakeReceiver()
        self.endpoint = make_endpoint(jitter_ratio=0, **endpoint)
        self.webhooks = self.webhooks_on(self.service)

    def service_on(self, store: Store) -> CallbackService:
        policies = [QueuePolicy(queue="support", calling=None), QueuePolicy(queue="sales", calling=None)]
        return CallbackService(store, policies, clock=self.clock, ids=self.ids)

    def webhooks_on(self, service: CallbackService, sender: WebhookSender | None = None) -> Webhooks:
        return Webhooks(service, [self.endpoint], sender=sender or self.receiver)

    def happen(self, *people: int, queue: str = "support") -> list[str]:
        """Two events for each of these people: a callback is requested, and cancelled."""
        asked = [self.service.request(queue, number=number(one)).callback_id for one in people]
        for callback_id in asked:
            self.service.cancel(callback_id)
        return list(asked)

    def deliver(self) -> WebhookRound:
        """Deliver until there is nothing to do now."""
        done = self.webhooks.deliver_due(self.clock.now())
        while True:
            more = self.webhooks.deliver_due(self.clock.now())
            if more == WebhookRound():
                return done
            done += more

    def deliver_for(self, time: timedelta) -> None:
        """Deliver whenever it is time, for so long."""
        end = self.clock.now() + time
        self.deliver()
        while (at := self.webhooks.next_wakeup()) is not None and at <= end:
            self.clock.move_to(max(at, self.clock.now() + timedelta(milliseconds=1)))
            self.deliver()
        self.clock.move_to(end)

    def wanted(self) -> list[HistoryLink]:
        with self.store.transaction(self.service.tenant_id, commit=Commit.READ_ONLY) as tx:
            return [link for link in tx.history.links(limit=9_999) if self.endpoint.wants_kind(link.event)]

    def check_all_arrived(self, *, once: bool = False) -> None:
        """Every event, under its id; and the first arrivals of each record in its order."""
        wanted = self.wanted()
        arrived = [one.webhook_id for one in self.receiver.received]
        assert set(arrived) == {webhook_id(link) for link in wanted}
        if once:
            assert len(arrived) == len(wanted)
        by_record: dict[str, list[str]] = defaultdict(list)
        for link in wanted:
            by_record[about_of(link.event)].append(webhook_id(link))
        firsts = list(dict.fromkeys(arrived))
        for ids in by_record.values():
            assert [one for one in firsts if one in set(ids)] == ids

    def own(self) -> Any:
        return webhook_rows(self.service)[0]


@pytest.fixture
def each_desk(store: Store) -> Desk:
    """On every store."""
    return Desk(store)


@pytest.fixture
def desk() -> Desk:
    """What follows from the rules alone, and not from how rows are kept."""
    return Desk(MemoryStore())


# ---------------------------------------------------------------------------- when all goes well


def test_what_is_not_settled_is_not_sent_and_not_passed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below it an event may still be committed, under a lower number: it would never be sent."""
    settled = [1]
    monkeypatch.setattr(History, "settled_number", lambda _: settled[0])
    desk.happen(1, 2)
    assert desk.deliver().delivered_count == 1
    assert desk.own().position == 1
    settled[0] = 9
    assert desk.deliver().delivered_count == 3
    desk.check_all_arrived(once=True)


def test_what_happens_is_sent_in_order_and_once(each_desk: Desk) -> None:
    """On every store; what was there before the endpoint was known is not."""
    desk = each_desk
    desk.happen(1, 2)
    assert desk.deliver().delivered_count == 4
    desk.check_all_arrived(once=True)
    assert [one.number for one in desk.receiver.received] == [link.history_number for link in desk.wanted()]
    assert desk.deliver() == WebhookRound()
    desk.happen(3)
    assert desk.deliver().delivered_count == 2
    desk.check_all_arrived(once=True)
    assert desk.webhooks.next_wakeup() is None


def test_no_number_and_no_key_of_one_leaves(desk: Desk) -> None:
    """Not in a body, and not in a header; what people wrote by hand has its numbers masked."""
    receipt = desk.service.request(
        "support", number=number(7), request_key="key of +12125550007", caller_id="+18005550199", name="Ada"
    )
    desk.service.cancel(receipt.callback_id, reason="reach her at (212) 555-0007, said +1 212 555 0008")
    desk.deliver()
    said = b"".join(order.body + str(order.headers).encode() for order in desk.receiver.orders).decode()
    assert len(desk.receiver.orders) == 2
    for word in ("5550007", "555-0007", "555 0008", "5550199", "Ada", "number_key", "dedup_key", "_key"):
        assert word not in said
    assert json.loads(desk.receiver.orders[1].body)["data"]["reason"] == "reach her at (2…07, said +1…08"
    assert "+1212" not in repr(desk.receiver.orders[0])


def test_only_what_an_endpoint_wants_is_sent() -> None:
    """By kind, and by queue; also where the event does not say its queue itself."""
    desk = Desk(MemoryStore(), kinds=["callback_ended", "call_*"], queues=["sales"])
    desk.happen(1)
    desk.happen(2, queue="sales")
    desk.service.call_joined("sales", call_id="c1")
    desk.service.call_joined("support", call_id="c2")
    desk.service.call_left("c1")
    desk.service.agent_available("ann", queues=["sales"])
    desk.deliver()
    assert [one.kind for one in desk.receiver.received] == ["callback_ended", "call_joined", "call_ended"]
    assert desk.receiver.received[0].subject == desk.wanted()[1].record_id


def test_what_is_not_wanted_is_passed_and_not_read_for_ever(desk: Desk) -> None:
    """After some of it the cursor goes on, though nothing was sent."""
    for n in range(60):
        desk.service.call_joined("support", call_id=f"c{n}")
    desk.deliver()
    assert desk.receiver.orders == []
    assert desk.own().position >= 50


def test_several_secrets_give_several_signatures() -> None:
    """While a secret is changed, the old one and the new one are both right."""
    old, new = "whsec_" + "B" * 32, "whsec_" + "C" * 32
    desk = Desk(MemoryStore(), secrets=[new, old])
    desk.happen(1)
    for secret in (old, new):
        desk.receiver = FakeReceiver([secret])
        replay(desk.service, "crm", from_number=1)
        desk.webhooks = desk.webhooks_on(desk.service)
        assert desk.deliver().delivered_count == 2
    assert len(desk.receiver.orders[0].headers["webhook-signature"].split()) == 2


# ---------------------------------------------------------------------------- when something fails


def test_an_event_that_fails_delays_only_what_is_of_its_own_callback(each_desk: Desk) -> None:
    """The others go on; it is tried again after its rests, and then come those that waited behind it."""
    desk = each_desk
    poison, fine = desk.happen(1, 2)
    healthy = False

    def decide(order: WebhookOrder) -> WebhookAnswer:
        is_poison = poison in order.body.decode() and not healthy
        return WebhookAnswer(status=500 if is_poison else 200)

    desk.receiver.decide = decide
    desk.deliver()
    assert [one.subject for one in desk.receiver.received] == [fine, fine]
    behind = webhook_rows(desk.service)[1]
    assert (behind.state, behind.callback_id) == (WebhookState.BEHIND, poison)
    assert (behind.tries_count, behind.last_error) == (1, "answered 500")
    assert desk.webhooks.next_wakeup() == desk.clock.now() + timedelta(seconds=5)
    desk.deliver_for(timedelta(minutes=3))
    assert webhook_rows(desk.service)[1].tries_count == 4  # At once, after 5 s, after 30 s and after 2 min.
    healthy = True
    desk.happen(3)
    desk.deliver_for(HOUR)
    desk.check_all_arrived(once=True)
    assert [row.about for row in webhook_rows(desk.service)] == [""]


def test_an_outage_of_an_hour_loses_nothing_and_ends_at_once(desk: Desk) -> None:
    """While it lasts a few events are tried; the first that is taken lets all others follow."""
    up_at = desk.clock.now() + HOUR
    desk.receiver.decide = lambda _: TimeoutError() if desk.clock.now() < up_at else WebhookAnswer(status=200)
    for twelfth in range(12):
        desk.happen(*range(3 * twelfth, 3 * twelfth + 3))
        desk.deliver_for(timedelta(minutes=5))
    tries = len(desk.receiver.orders)
    assert desk.receiver.received == []
    assert tries < 20 * 12
    assert desk.own().last_error == "no answer: TimeoutError"
    desk.deliver_for(timedelta(minutes=40))
    desk.check_all_arrived(once=True)
    assert [row.about for row in webhook_rows(desk.service)] == [""]
    assert desk.own().last_error is None


def test_an_endpoint_that_asks_for_rest_gets_it_up_to_a_bound() -> None:
    """Nothing is sent before, also of others; and a rest of a year is one of six hours."""
    desk = Desk(MemoryStore())
    desk.happen(1, 2)
    desk.receiver.answers.append(WebhookAnswer(status=429, retry_after="90"))
    desk.deliver()
    assert len(desk.receiver.orders) == 1
    assert desk.webhooks.next_wakeup() == desk.clock.now() + timedelta(seconds=90)
    desk.clock.advance(timedelta(seconds=89))
    assert desk.deliver() == WebhookRound()
    desk.receiver.answers.append(WebhookAnswer(status=503, retry_after="99999999"))
    desk.clock.advance(timedelta(seconds=1))
    desk.deliver()
    assert desk.webhooks.next_wakeup() == desk.clock.now() + timedelta(hours=6)
    desk.deliver_for(timedelta(hours=7))
    desk.check_all_arrived(once=True)


def test_an_endpoint_that_is_gone_is_sent_nothing_until_it_is_opened(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """410: it says so itself. What happened meanwhile is sent then."""
    desk.happen(1, 2)
    desk.receiver.answers.append(WebhookAnswer(status=410))
    with caplog.at_level(logging.ERROR, logger="callbackq"):
        desk.deliver()
    assert "crm: the endpoint is gone" in caplog.text
    assert desk.own().state is WebhookState.DISABLED
    desk.happen(3)
    desk.deliver_for(HOUR)
    assert len(desk.receiver.orders) == 1
    assert desk.webhooks.next_wakeup() is None
    open_endpoint(desk.service, "crm")
    desk.deliver()
    desk.check_all_arrived(once=True)


def test_an_event_is_given_up_after_three_days_and_what_waited_behind_it_follows(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """It stays to be seen, and a replay sends it."""
    poison, fine = desk.happen(1, 2)
    bad = desk.wanted()[0]
    desk.receiver.decide = lambda order: (
        WebhookAnswer(status=400) if order.webhook_id == webhook_id(bad) else WebhookAnswer(status=204)
    )
    with caplog.at_level(logging.ERROR, logger="callbackq"):
        desk.deliver_for(timedelta(days=4))
    assert [one.subject for one in desk.receiver.received] == [fine, fine, poison]
    own, given_up = webhook_rows(desk.service)
    assert (given_up.state, given_up.callback_id) == (WebhookState.UNDELIVERED, poison)
    assert (given_up.position, given_up.last_error) == (bad.history_number, "answered 400")
    assert f"{webhook_id(bad)} is given up" in caplog.text
    assert own.state is WebhookState.OPEN
    desk.receiver.decide = None
    assert replay(desk.service, "crm", from_number=bad.history_number) == bad.history_number - 1
    desk.deliver()
    assert {one.webhook_id for one in desk.receiver.received} == {webhook_id(link) for link in desk.wanted()}
    assert [row.about for row in webhook_rows(desk.service)] == [""]


def test_a_failing_endpoint_stops_no_other() -> None:
    """Each has its own cursor."""
    desk = Desk(MemoryStore())
    both = Webhooks(
        desk.service, [make_endpoint("down", jitter_ratio=0), make_endpoint("up")], sender=desk.receiver
    )
    desk.receiver.decide = lambda order: DOWN if order.endpoint == "down" else WebhookAnswer(status=200)
    desk.happen(1, 2)
    done = both.deliver_due(desk.clock.now())
    assert (done.delivered_count, done.failed_count) == (4, 2)
    assert {one.endpoint for one in desk.receiver.received} == {"up"}
    assert both.next_wakeup(endpoint="up") is None
    assert both.next_wakeup(endpoint="down") == desk.clock.now() + timedelta(seconds=5)


def test_no_address_and_no_answer_stands_in_the_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """What an exception says may hold both."""
    desk.happen(1)
    desk.receiver.answers.append(OSError("https://crm.example.com/hook?token=secret said +12125550001"))
    with caplog.at_level(logging.WARNING, logger="callbackq"):
        desk.deliver()
    assert "was not delivered: OSError at " in caplog.text
    for word in ("token", "+1212", "example.com"):
        assert word not in caplog.text
    assert desk.own().last_error == "no answer: OSError"


# ---------------------------------------------------------------------------- several nodes, crashes


def test_one_node_at_a_time_delivers_for_an_endpoint(each_desk: Desk) -> None:
    """While one sends, another finds nothing to do; after the lease of one that died it goes on."""
    desk = each_desk
    desk.happen(1, 2)
    other = desk.webhooks_on(desk.service_on(desk.store))
    met: list[WebhookRound] = []

    def decide(order: WebhookOrder) -> WebhookAnswer:
        met.append(other.deliver_due(desk.clock.now()))
        met.append(desk.webhooks.deliver_due(desk.clock.now()))
        return WebhookAnswer(status=200)

    desk.receiver.decide = decide
    desk.webhooks.deliver_due(desk.clock.now())
    assert met == [WebhookRound()] * 8
    desk.check_all_arrived(once=True)

    class Died(BaseException):
        pass

    def die(order: WebhookOrder) -> WebhookAnswer:
        raise Died

    desk.happen(3)
    desk.receiver.decide = die
    with pytest.raises(Died):
        desk.webhooks.deliver_due(desk.clock.now())
    desk.receiver.decide = None
    assert other.deliver_due(desk.clock.now()) == WebhookRound()
    desk.clock.advance(timedelta(minutes=1))
    assert other.deliver_due(desk.clock.now()).delivered_count == 2
    desk.check_all_arrived(once=True)


def test_who_was_too_slow_changes_nothing_of_what_another_node_did(desk: Desk) -> None:
    """The lease is over, another one has sent it all: what the first one knows counts no more."""
    desk.happen(1)
    other = desk.webhooks_on(desk.service_on(desk.store), sender := FakeReceiver())

    def late(order: WebhookOrder) -> WebhookAnswer:
        desk.clock.advance(timedelta(minutes=2))
        assert other.deliver_due(desk.clock.now()).delivered_count == 2
        return DOWN

    desk.receiver.decide = late
    assert desk.webhooks.deliver_due(desk.clock.now()) == WebhookRound()
    assert len(sender.received) == 2
    assert [row.about for row in webhook_rows(desk.service)] == [""]


def test_a_slow_endpoint_does_not_outlast_its_lease(desk: Desk) -> None:
    """A round ends in time, and the next one goes on there."""
    desk.happen(*range(1, 9))

    def slow(order: WebhookOrder) -> WebhookAnswer:
        desk.clock.advance(timedelta(seconds=14))
        return WebhookAnswer(status=200)

    desk.receiver.decide = slow
    assert desk.webhooks.deliver_due(desk.clock.now()).delivered_count == 4
    assert desk.deliver().delivered_count == 12
    desk.check_all_arrived(once=True)


class CrashError(BaseException):
    """The end of a process."""


PLACES = (
    "WebhookSender.send",
    "WebhookTable.",
    "Store.commit flushed",
    "Store.commit relaxed",
    "Transaction.save Webhook",
    "HistoryTable.settled_number",
    "HistoryTable.links",
    "HistoryTable.chain",
    "HistoryTable.records_of",
)


def test_wherever_a_node_dies_every_event_arrives_and_none_overtakes() -> None:
    """It dies at the n-th fault point it passes, for every n; another one goes on when the lease is over."""
    passed_in_all = set[str]()
    for death in range(1, 200):
        desk = Desk(MemoryStore())
        desk.receiver.answers.extend([DOWN, WebhookAnswer(status=204), DOWN])
        desk.happen(1, 2)
        passed: list[str] = []

        def hit(point: str, passed: list[str] = passed, death: int = death) -> None:
            if any(place in point for place in PLACES):
                passed.append(point)
                if len(passed) == death:
                    raise CrashError

        has_died = False
        try:
            mortal = desk.webhooks_on(
                desk.service_on(store_at_points(desk.store, hit)),
                at_points(desk.receiver, WebhookSender, hit=hit),
            )
            for _ in range(5):
                mortal.deliver_due(desk.clock.now())
                desk.clock.advance(timedelta(seconds=40))
        except CrashError:
            has_died = True
        passed_in_all.update(passed)
        desk.clock.advance(timedelta(minutes=2))
        desk.webhooks = desk.webhooks_on(desk.service)
        desk.deliver_for(2 * HOUR)
        desk.check_all_arrived()
        assert [row.about for row in webhook_rows(desk.service)] == [""]
        if not has_died:
            break
    else:
        pytest.fail("it never lived through")
    named = {point.partition(" ")[2] for point in passed_in_all}
    assert {"WebhookSender.send", "WebhookTable.of_endpoint", "WebhookTable.remove"} <= named
    assert {"Transaction.save Webhook", "HistoryTable.records_of", "Store.commit flushed"} <= named


# ---------------------------------------------------------------------------- what people may say


def test_a_replay_begins_at_a_number_or_at_a_time(each_desk: Desk) -> None:
    """From a moment on, with a few minutes more, for the clocks of nodes differ."""
    desk = each_desk
    desk.happen(1)
    desk.clock.advance(HOUR)
    desk.happen(2)
    desk.clock.advance(HOUR)
    desk.happen(3)
    desk.deliver()
    numbers = [link.history_number for link in desk.wanted()]
    assert replay(desk.service, "crm", from_at=desk.clock.now() - HOUR) == numbers[2] - 1
    assert desk.deliver().delivered_count == 4
    assert replay(desk.service, "crm", from_at=desk.clock.now() + HOUR) == numbers[-1]
    assert desk.deliver() == WebhookRound()
    assert replay(desk.service, "crm", from_number=1) == 0
    assert desk.deliver().delivered_count == 6
    assert replay(desk.service, "crm", from_number=10_000_000) == numbers[-1]


def test_a_replay_passes_over_nothing_that_was_not_delivered_yet(desk: Desk) -> None:
    """What failed before the point stays behind, and is sent when it can be."""
    (poison,) = desk.happen(1)
    desk.receiver.decide = lambda order: DOWN if poison in order.body.decode() else WebhookAnswer(status=200)
    desk.happen(2)
    desk.deliver()
    replay(desk.service, "crm", from_number=desk.wanted()[2].history_number)
    assert [row.callback_id for row in webhook_rows(desk.service)] == [None, poison]
    replay(desk.service, "crm", from_number=desk.wanted()[0].history_number)
    assert [row.callback_id for row in webhook_rows(desk.service)] == [None]
    desk.receiver.decide = None
    desk.deliver()
    desk.check_all_arrived()


def test_an_endpoint_that_is_closed_is_sent_later_what_happened_meanwhile(desk: Desk) -> None:
    """By a person, on all nodes."""
    close_endpoint(desk.service, "crm")
    desk.happen(1)
    assert desk.deliver() == WebhookRound()
    open_endpoint(desk.service, "crm")
    desk.deliver()
    desk.check_all_arrived(once=True)


def test_opening_tries_at_once_what_rests(desk: Desk) -> None:
    """Somebody has mended it."""
    desk.happen(1)
    desk.receiver.answers.append(DOWN)
    desk.deliver()
    assert desk.receiver.received == []
    open_endpoint(desk.service, "crm")
    desk.deliver()
    desk.check_all_arrived(once=True)


def test_a_new_endpoint_is_told_what_happens_from_now_on(desk: Desk) -> None:
    """And the same one again goes on where it was."""
    desk.happen(1)
    desk.endpoint = attrs.evolve(desk.endpoint, name="desk")
    desk.webhooks = desk.webhooks_on(desk.service)
    desk.happen(2)
    desk.webhooks = desk.webhooks_on(desk.service)
    assert desk.deliver().delivered_count == 2


def test_what_cannot_be_is_refused() -> None:
    """Two of one name, none at all, one that nobody knows, and a replay from nowhere."""
    desk = Desk(MemoryStore())
    for endpoints in ([], [desk.endpoint, desk.endpoint]):
        with pytest.raises(ConfigurationError, match="endpoint"):
            Webhooks(desk.service, endpoints, sender=desk.receiver)
    with pytest.raises(NotFound, match="none"):
        desk.webhooks.deliver_due(desk.clock.now(), endpoint="none")
    with pytest.raises(NotFound, match="none"):
        close_endpoint(desk.service, "none")
    for point in ({}, {"from_number": 0}, {"from_number": 1, "from_at": desk.clock.now()}):
        with pytest.raises(ValueError, match="from_number"):
            replay(desk.service, "crm", **point)


def test_a_conflict_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node delivers in the moment in which somebody asks for a replay."""
    desk = Desk(MemoryStore())
    refusals = [Conflict("first"), Conflict("second")]
    behind = desk.store.transaction

    def contested(*args: Any, **kwargs: Any) -> Any:
        if refusals and kwargs["commit"] is Commit.FLUSHED:
            raise refusals.pop()
        return behind(*args, **kwargs)

    monkeypatch.setattr(desk.store, "transaction", contested)
    close_endpoint(desk.service, "crm")
    assert desk.own().state is WebhookState.DISABLED
    open_endpoint(desk.service, "crm")
    desk.happen(1)
    refusals.append(Conflict("somebody else has the lease"))
    assert desk.webhooks.deliver_due(desk.clock.now()) == WebhookRound()
    assert desk.deliver().delivered_count == 2


# ---------------------------------------------------------------------------- the runner


@pytest.fixture
def arrived() -> threading.Event:
    return threading.Event()


@pytest.fixture
def running(arrived: threading.Event) -> Iterator[Callable[..., tuple[Desk, Webhooks]]]:
    """Start a runner on a store in memory; the event is set when something has arrived."""
    runners: list[WebhookRunner] = []

    def run(
        answers: Callable[[WebhookOrder], WebhookAnswer | Exception], *names: str
    ) -> tuple[Desk, Webhooks]:
        desk = Desk(MemoryStore())
        desk.receiver.decide = answers
        hooks = Webhooks(
            desk.service, [make_endpoint(name, jitter_ratio=0) for name in names], sender=desk.receiver
        )
        runner = WebhookRunner(hooks, idle_max=timedelta(minutes=10))
        runners.append(runner)
        runner.start()
        with pytest.raises(RuntimeError, match="already"):
            runner.start()
        return desk, hooks

    yield run
    for runner in runners:
        assert runner.stop()
        assert runner.stop()


def test_a_runner_sends_as_soon_as_something_happens(
    running: Callable[..., tuple[Desk, Webhooks]], arrived: threading.Event
) -> None:
    """It waits for nothing else, and an endpoint that hangs delays no other."""
    hangs = threading.Event()

    def answer(order: WebhookOrder) -> WebhookAnswer:
        if order.endpoint == "slow":
            hangs.wait(TIMEOUT_S)
        else:
            arrived.set()
        return WebhookAnswer(status=200)

    desk, _ = running(answer, "slow", "fast")
    desk.service.request("support", number=number(1))
    assert arrived.wait(TIMEOUT_S)
    hangs.set()


def test_a_runner_outlives_a_store_and_a_sender_that_fail(
    running: Callable[..., tuple[Desk, Webhooks]], arrived: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on at the next occasion."""
    desk, hooks = running(lambda _: arrived.set() or WebhookAnswer(status=200), "crm")
    failures = [ValueError("a bug"), Conflict("later")]
    deliver = hooks.deliver_due
    failed = threading.Semaphore(0)

    def failing(*args: Any, **kwargs: Any) -> WebhookRound:
        if failures:
            failed.release()
            raise failures.pop()
        return deliver(*args, **kwargs)

    monkeypatch.setattr(hooks, "deliver_due", failing)
    desk.service.request("support", number=number(1))
    assert failed.acquire(timeout=TIMEOUT_S)
    desk.service.changed()
    assert failed.acquire(timeout=TIMEOUT_S)
    desk.service.changed()
    assert arrived.wait(TIMEOUT_S)


def test_a_runner_that_would_never_rest_is_refused() -> None:
    """It would load the store for nothing."""
    desk = Desk(MemoryStore())
    with pytest.raises(ConfigurationError, match="idle_max"):
        WebhookRunner(desk.webhooks, idle_max=timedelta(0))
    with WebhookRunner(desk.webhooks):
        pass


def test_fault_points_of_webhooks_are_known() -> None:
    """What the crash test above dies at is what the protocols have."""
    names = {
        name for kind in (WebhookSender, WebhookTable) for name in vars(kind) if not name.startswith("_")
    }
    assert names == {"send", "of_endpoint", "endpoints", "remove"}
    assert QueueName("support") in Desk(MemoryStore()).service.policies
