"""
What goes wrong around one process that sends messages: the store, the provider, and the host that asks twice.

Whatever fails, and in whatever order word of it comes: each send is taken at most once, each cause is told at most
once unless the provider said that it did not arrive, and every message ends, or is seen as uncertain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, TypeVar

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq import (
    CallbackService,
    CommitUncertain,
    Conflict,
    Dispatcher,
    MemoryStore,
    MessageNotFound,
    QueuePolicy,
    RequestRefused,
    Store,
    StoreError,
    phrasing,
)
from callbackq.effects import SendMessage
from callbackq.errors import MessageImpossible, MessageRefused, RecipientOptedOut
from callbackq.model import Delivery, DeliveryKind, Inbound, MessageEnd, MessageState
from callbackq.policy import Messages
from callbackq.ports import Commit, Messenger
from callbackq.runners import Driver
from callbackq.testing import FakeTelephony, ManualClock, SequentialIds, VirtualHost
from callbackq.testing.outbox_checkers import OutboxEvidence, check_outbox
from callbackq.testing.store_faults import FlakyStore
from service.message_child import history_and_rows

T = TypeVar("T")
MESSAGES: Final = Messages(
    channels=("sms", "whatsapp"), quiet_from=None, quiet_until=None, slip_margin=None, opt_out_confirmed=True
)
POLICY: Final = QueuePolicy(
    queue="support", company="Acme", company_number="800-555-0100", calling=None, messages=MESSAGES
)
PEOPLE: Final = [f"+1212555{1000 + who}" for who in range(6)]
TEXTS: Final = ("9", "4", "3", "+12125559999", "hello", "thanks", "STOP", "START", "call me")
ACTS: Final = 40


@attrs.frozen(kw_only=True)
class Line:
    """One line of the provider's account."""

    at: datetime
    what: str
    send_id: str
    channel: str
    provider_id: str


# ---------------------------------------------------------------------------- one thing at a time


class FailsOnce:
    """A store whose n-th flushed commit fails: before it is done, or after it."""

    def __init__(self, behind: Store) -> None:
        self.behind: Final = behind
        self.fail_at: int | None = None
        self.is_done = False
        self._flushed = 0

    @property
    def pepper(self) -> bytes:
        return self.behind.pepper

    def fail_next(self, *, done: bool) -> None:
        self.fail_at, self.is_done = self._flushed + 1, done

    def transaction(self, tenant_id: Any, *, commit: Commit) -> Any:
        if commit is not Commit.FLUSHED:
            return self.behind.transaction(tenant_id, commit=commit)
        self._flushed += 1
        fails = self._flushed == self.fail_at
        return _Uncertain(self.behind.transaction(tenant_id, commit=commit), fails=fails, done=self.is_done)

    def scrub(self) -> bool:
        return self.behind.scrub()

    def close(self) -> None:
        self.behind.close()


@attrs.frozen
class _Uncertain:
    """A transaction that may end without anybody knowing whether it was committed."""

    inside: Any
    fails: bool = attrs.field(kw_only=True)
    done: bool = attrs.field(kw_only=True)

    def __enter__(self) -> Any:
        return self.inside.__enter__()

    def __exit__(self, *error: Any) -> Any:
        if not self.fails or error[0] is not None:
            return self.inside.__exit__(*error)
        if self.done:
            self.inside.__exit__(None, None, None)
        else:
            lost = CommitUncertain("rolled back, and the reply was lost")
            with suppress(CommitUncertain):
                self.inside.__exit__(CommitUncertain, lost, None)
        raise CommitUncertain("the reply was lost")


@attrs.frozen(kw_only=True)
class Scene:
    """A host whose store can fail, one promise made, its confirmation waiting."""

    host: VirtualHost
    store: FailsOnce

    def row(self) -> Any:
        _, (row,) = history_and_rows(self.store.behind)
        return row

    def sent(self) -> list[str]:
        return [order.send_id for order in self.host.messenger.sent]


@pytest.fixture
def scene(store: Store) -> Scene:
    """One promise, in the store of each kind."""
    failing = FailsOnce(store)
    host = VirtualHost(failing, [POLICY])
    host.service.request("support", number=PEOPLE[0])
    return Scene(host=host, store=failing)


def test_an_intent_that_was_committed_after_all_is_not_given_out_again(scene: Scene) -> None:
    """The step never learned that it was committed, so nobody sends: it is seen as uncertain."""
    scene.store.fail_next(done=True)
    with pytest.raises(CommitUncertain):
        scene.host.driver.step(scene.host.clock.now())
    scene.host.run_for(timedelta(minutes=2))
    assert scene.sent() == []
    assert scene.row().state is MessageState.UNCERTAIN
    assert scene.host.service.uncertain_messages() == [scene.row()]


def test_an_intent_that_was_not_committed_is_given_out_by_the_next_step(scene: Scene) -> None:
    """Nothing stands of it, and nothing was sent."""
    scene.store.fail_next(done=False)
    with pytest.raises(CommitUncertain):
        scene.host.driver.step(scene.host.clock.now())
    scene.host.run_for(timedelta(minutes=2))
    assert scene.sent() == ["ms_000001.1"]
    assert scene.row().state is MessageState.SENT


@pytest.mark.parametrize("done", [True, False])
def test_what_the_provider_took_and_the_store_did_not_note_is_not_sent_again(
    scene: Scene, *, done: bool
) -> None:
    """Either the note stands after all, or nobody knows, until the receipt says so."""
    messenger = scene.host.messenger
    send = messenger.send

    def take(order: SendMessage) -> str | None:
        scene.store.fail_next(done=done)
        return send(order)

    messenger.send = take  # type: ignore[method-assign]
    scene.host.run_for(timedelta(minutes=2))
    assert len(scene.sent()) == 1
    assert scene.row().state is (MessageState.SENT if done else MessageState.UNCERTAIN)
    scene.host.service.delivery(Delivery(kind=DeliveryKind.DELIVERED, send_id=scene.sent()[0]))
    assert scene.row().ended_as is MessageEnd.DELIVERED


def test_a_receipt_comes_before_the_send_returns(scene: Scene) -> None:
    """By the id of the send it counts at once; what the send returns afterwards changes nothing."""
    messenger = scene.host.messenger
    send = messenger.send

    def take(order: SendMessage) -> str | None:
        taken = send(order)
        scene.host.service.delivery(Delivery(kind=DeliveryKind.DELIVERED, send_id=order.send_id))
        assert scene.row().ended_as is MessageEnd.DELIVERED
        return taken

    messenger.send = take  # type: ignore[method-assign]
    scene.host.run_for(timedelta(minutes=2))
    assert len(scene.sent()) == 1
    assert scene.row().ended_as is MessageEnd.DELIVERED


def test_a_receipt_that_names_what_is_not_known_yet_is_refused_and_counts_when_it_comes_again(
    scene: Scene,
) -> None:
    """Before the send returns nobody knows the provider's own id."""
    messenger = scene.host.messenger
    send = messenger.send

    def take(order: SendMessage) -> str | None:
        taken = send(order)
        with pytest.raises(MessageNotFound):
            messenger.receipt(order)
        return taken

    messenger.send = take  # type: ignore[method-assign]
    scene.host.run_for(timedelta(minutes=2))
    messenger.receipt(messenger.last)
    assert scene.row().ended_as is MessageEnd.DELIVERED


def test_orders_that_are_performed_twice_are_sent_once(scene: Scene) -> None:
    """A host may perform what a runner has performed already: not even the next channel sends it again."""
    effects = Dispatcher(scene.host.service).step(scene.host.clock.now())
    scene.host.driver.perform(effects)
    scene.host.driver.perform(effects)
    scene.host.run_for(timedelta(minutes=5))
    assert len(scene.sent()) == 1
    assert scene.row().state is MessageState.SENT


def test_an_order_that_is_performed_twice_leaves_doubt_as_it_is(scene: Scene) -> None:
    """The provider has it, and nobody knows: that it is not wanted a second time does not say that it was not sent."""
    messenger = scene.host.messenger
    send = messenger.send

    def take(order: SendMessage) -> str | None:
        send(order)
        raise ConnectionError("the connection was lost")

    messenger.send = take  # type: ignore[method-assign]
    effects = Dispatcher(scene.host.service).step(scene.host.clock.now())
    scene.host.driver.perform(effects)
    scene.host.driver.perform(effects)
    scene.host.run_for(timedelta(minutes=5))
    assert len(scene.sent()) == 1
    assert scene.row().state is MessageState.UNCERTAIN


def test_with_more_than_a_slow_provider_takes_in_time_none_fails(store: Store) -> None:
    """What was given out and not begun in time is given out again, however often: nobody tried, and nobody failed."""
    clock = ManualClock()
    host = VirtualHost(store, [POLICY], clock=clock)
    send = host.messenger.send

    def take(order: SendMessage) -> str | None:
        clock.advance(timedelta(seconds=8))
        return send(order)

    host.messenger.send = take  # type: ignore[method-assign]
    for who in range(40):
        host.service.request("support", number=f"+1212556{1000 + who}")
    host.run_for(timedelta(minutes=20))
    _, rows = history_and_rows(store)
    assert Counter(row.state for row in rows) == {MessageState.SENT: 40}
    assert Counter(order.to for order in host.messenger.sent).most_common(1)[0][1] == 1
    assert max(row.sends_count for row in rows) > MESSAGES.tries_max


def test_a_crash_leaves_few_in_doubt_however_many_were_due(store: Store) -> None:
    """A step gives out no more than it can answer for."""
    host = VirtualHost(store, [POLICY])
    for who in range(120):
        host.service.request("support", number=f"+1212556{1000 + who}")
    orders = Dispatcher(host.service).step(host.clock.now())  # Its process dies here.
    assert len(orders) == 50
    host.run_for(timedelta(minutes=2))
    _, rows = history_and_rows(store)
    assert Counter(row.state for row in rows) == {MessageState.UNCERTAIN: 50, MessageState.SENT: 70}


@pytest.mark.parametrize("error", [ValueError, KeyError])
def test_what_cannot_be_put_into_words_stands_in_nobodys_way(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """It is withdrawn and says so; the others of the same step are sent."""
    scene.host.service.request("support", number=PEOPLE[1])
    texts = phrasing.text_of

    def failing(kind: Any, facts: Any, **more: Any) -> Any:
        if facts.number == PEOPLE[0]:
            raise error("no words")
        return texts(kind, facts, **more)

    monkeypatch.setattr(phrasing, "text_of", failing)
    scene.host.run_for(timedelta(minutes=1))
    _, rows = history_and_rows(scene.store.behind)
    assert {(row.ended_as, row.problem) for row in rows if row.ended_as} == {
        (MessageEnd.WITHDRAWN, "cannot_be_written")
    }
    assert [order.to for order in scene.host.messenger.sent] == [PEOPLE[1]]


# ---------------------------------------------------------------------------- everything at once


class WildProvider:
    """
    A provider who takes a message twice if it is given twice, and does with it whatever providers do.

    It refuses, fails before and after it took it, takes minutes, says nonsense, and tells its receipts early, late,
    twice and in any order.
    """

    def __init__(self, world: Wild) -> None:
        self._world: Final = world
        self.lines: Final[list[Line]] = []

    def send(self, order: SendMessage) -> Any:
        random, world = self._world.random, self._world
        if not world.is_calm:
            self._refuse(random)
            if random.random() < 0.1:
                world.pass_time(timedelta(seconds=random.randrange(20, 200)))
        if not world.is_calm and random.random() < 0.1:
            raise ConnectionError("never came there")
        provider_id = f"SM{len(self.lines)}"
        self._note(order, "taken", provider_id)
        if not world.is_calm:
            self._plan_receipts(order, provider_id)
            if random.random() < 0.1:
                raise ConnectionError("the reply was lost")
        return random.choice(["", "x" * 500, 7, None]) if random.random() < 0.1 else provider_id

    def _refuse(self, random: Random) -> None:
        chance = random.random()
        if chance < 0.15:
            raise MessageRefused("not now", problem="429")
        if chance < 0.18:
            raise MessageImpossible("never", problem="landline")
        if chance < 0.2:
            raise RecipientOptedOut("wants none", problem="21610")

    def _note(self, order: SendMessage, what: str, provider_id: str) -> None:
        line = Line(
            at=self._world.clock.now(),
            what=what,
            send_id=order.send_id,
            channel=order.channel,
            provider_id=provider_id,
        )
        self.lines.append(line)

    def _plan_receipts(self, order: SendMessage, provider_id: str) -> None:
        random, clock = self._world.random, self._world.clock
        arrives = random.random() < 0.8
        if not arrives:
            self._note(order, "undelivered", provider_id)
        last = DeliveryKind.DELIVERED if arrives else DeliveryKind.UNDELIVERED
        named = order.send_id if random.random() < 0.5 else None
        for kind in random.choices([DeliveryKind.ACCEPTED, last], k=random.randrange(4)):
            receipt = Delivery(kind=kind, send_id=named, provider_id=provider_id, channel=order.channel)
            tell = _told(self._world, receipt)
            if random.random() < 0.3:
                tell()
            else:
                clock.plan(clock.now() + timedelta(seconds=random.randrange(300)), tell)


def _told(world: Wild, receipt: Delivery) -> Callable[[], None]:
    def tell() -> None:
        with suppress(MessageNotFound, StoreError, Conflict):
            world.service.delivery(receipt)

    return tell


class Wild:
    """Two nodes on one store that fails by chance, and people who ask and write; all by one seed."""

    def __init__(self, behind: Store, seed: int) -> None:
        self.random: Final = Random(seed)
        self.behind: Final = behind
        self.store: Final = FlakyStore(behind, random=Random(seed), gone_ratio=0.05, lost_reply_ratio=0.05)
        self.clock: Final = ManualClock()
        self.is_calm = False
        self.provider: Final = WildProvider(self)
        self.service: Final = CallbackService(self.store, [POLICY], clock=self.clock, ids=SequentialIds())
        self.nodes: Final = [self._node(self.provider), self._node(self.provider), self._node(None)]
        self._is_passing = False

    def _node(self, messenger: Messenger | None) -> Driver:
        return Driver(self.service, Dispatcher(self.service), FakeTelephony(self.clock), messenger=messenger)

    def insist(self, command: Callable[[], T]) -> T:
        """Do it until it is known to be done, as a host does."""
        while True:
            try:
                return command()
            except (StoreError, Conflict):
                continue

    def step(self) -> int:
        with suppress(StoreError, Conflict):
            return self.random.choice(self.nodes).step(self.clock.now())
        return 1

    def pass_time(self, duration: timedelta) -> None:
        """Let time pass, also for the other nodes while one is stuck in a send; but not within that again."""
        if self._is_passing:
            return
        self._is_passing = True
        self.clock.advance(duration)
        for _ in range(3):
            self.step()
        self._is_passing = False

    def act(self, number: int) -> None:
        who, chance = self.random.choice(PEOPLE), self.random.random()
        if chance < 0.4:
            with suppress(RequestRefused):
                self.insist(lambda: self.service.request("support", number=who, request_key=f"form-{number}"))
        elif chance < 0.8:
            inbound = Inbound(
                inbound_id=f"in-{number}", sender=who, text=self.random.choice(TEXTS), queue="support"
            )
            node = self.nodes[0]
            self.insist(lambda: node.message_received(inbound))
            if self.random.random() < 0.2:  # The provider was not told in time, and delivers it again.
                self.insist(lambda: node.message_received(inbound))
        self.clock.advance(timedelta(seconds=self.random.randrange(60)))
        for _ in range(3):
            self.step()

    def calm_down(self) -> list[Any]:
        """Let nothing fail any more, and time pass until all is over; return what is uncertain by then."""
        self.is_calm = True
        service = CallbackService(self.behind, [POLICY], clock=self.clock, ids=self.service.ids)
        node = Driver(service, Dispatcher(service), FakeTelephony(self.clock), messenger=self.provider)
        self.clock.advance(timedelta(minutes=10))
        while node.step(self.clock.now()):
            pass
        uncertain = service.uncertain_messages(limit=1_000)
        while any(row.state is not MessageState.ENDED for row in history_and_rows(self.behind)[1]):
            at = node.next_wakeup()
            assert at is not None
            self.clock.move_to(at)
            while node.step(self.clock.now()):
                pass
        return uncertain


def check_wild(behind: Store, seed: int) -> Counter[str]:
    """Play by one seed, and check all; return how the messages ended."""
    world = Wild(behind, seed)
    for number in range(ACTS):
        world.act(number)
    uncertain = {row.message_id for row in world.calm_down()}
    history, rows = history_and_rows(behind)
    found = check_outbox(
        OutboxEvidence(
            provider=world.provider.lines,
            history=history,
            messages=rows,
            ended_at=world.clock.now(),
            in_flight_max=timedelta(minutes=5),
        )
    )
    assert found.all == ()
    ended_in_doubt = {row.message_id for row in rows if row.ended_as is MessageEnd.UNCERTAIN}
    assert ended_in_doubt <= uncertain
    asked = [event for event in history if event.kind == "callback_requested"]
    causes = {row.cause for row in rows}
    assert all(f"{event.callback_id}.1.confirmation" in causes for event in asked)
    return Counter(str(row.ended_as) for row in rows)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_whatever_fails_every_message_is_accounted_for(seed: int) -> None:
    """Seeds by chance, on the store in memory."""
    check_wild(MemoryStore(), seed)


def test_the_same_on_every_store(store: Store) -> None:
    """One seed; and it shows every end that a message can have."""
    assert set(check_wild(store, 5)) == {str(end) for end in MessageEnd}
