"""Runners send messages: each one time, and what is told of it is never better than what is known."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import attrs
import pytest

from callbackq import (
    CallbackService,
    ConfigurationError,
    Dispatcher,
    Driver,
    HangUp,
    LegId,
    MemoryStore,
    MessageId,
    QueueName,
    QueuePolicy,
    StoreUnavailable,
    SystemClock,
    ThreadRunner,
)
from callbackq.effects import Delivered, Heard, SendMessage
from callbackq.errors import MessageImpossible, MessageNotFound, MessageRefused, RecipientOptedOut
from callbackq.model import Delivery, DeliveryKind, Inbound, MessageEnd, MessageKind, MessageState
from callbackq.policy import Messages
from callbackq.runners import AsyncRunner
from callbackq.runners.lines import Host, Lines
from callbackq.runners.sending import Messengers
from callbackq.runners.threads import Pools
from callbackq.testing import FakeMessenger, FakeTelephony, ManualClock, Reaction, VirtualHost, make_send
from service.hosts_network import PATIENCE_S, wait_for

BOB, EVE = "+12125550101", "+12125550102"
SOON = timedelta(milliseconds=10)
SHORT = timedelta(milliseconds=400)
"""Shorter than anything that hangs, and longer than a busy machine takes to begin a thread."""
ELSEWHERE = QueueName("elsewhere")
"""A queue without a policy here: its messages may take as long as any other call."""
HOSTS = ("threads", "asyncio")
KINDS = ("blocking", "awaiting")

# ---------------------------------------------------------------------------- a service that notes what it is told


class Desk(CallbackService):
    """
    Asks and tells for single orders, without an outbox.

    Attributes:
        told: every delivery, in order.
        asked: every send id that it was asked for.
        is_wanted: what it answers; an error is raised.
        answers: the effects of what a customer writes.
    """

    def __init__(self, *policies: QueuePolicy, clock: Any = None) -> None:
        super().__init__(
            MemoryStore(), policies or [QueuePolicy(queue="support")], clock=clock or SystemClock()
        )
        self.told: list[Delivery] = []
        self.asked: list[str] = []
        self.is_wanted: bool | Exception | Callable[[str], bool] = True
        self.tell_error: Exception | None = None
        self.answers: tuple[SendMessage, ...] = ()

    def message_is_wanted(self, send_id: str) -> bool:
        self.asked.append(send_id)
        if isinstance(self.is_wanted, Exception):
            raise self.is_wanted
        return self.is_wanted if isinstance(self.is_wanted, bool) else self.is_wanted(send_id)

    def delivery(self, report: Delivery) -> Delivered:
        self.told.append(report)
        if self.tell_error is not None:
            raise self.tell_error
        return Delivered(message_id=MessageId("ms_1"), changed=True)

    def message_received(self, inbound: Inbound) -> Heard:
        return Heard(wish=None, changed=False, effects=self.answers)

    def kinds(self, send_id: str | None = None) -> list[DeliveryKind]:
        return [told.kind for told in list(self.told) if send_id in (None, told.send_id)]


class Answers:
    """A messenger that answers one thing, or raises it."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.orders: list[SendMessage] = []

    def send(self, order: SendMessage) -> Any:
        self.orders.append(order)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def performed(messenger: Any, order: SendMessage | None = None, desk: Desk | None = None) -> Desk:
    """Perform one order in this thread, and return who was told."""
    desk = desk or Desk()
    telephony = FakeTelephony(ManualClock())
    Driver(desk, Dispatcher(desk), telephony, messenger=messenger).perform([order or make_send("ms_1.1")])
    return desk


# ---------------------------------------------------------------------------- what is told


@pytest.mark.parametrize("provider_id", ["SM123", None, "x" * 200, "über 7"])
def test_what_was_taken_is_accepted(provider_id: str | None) -> None:
    """With the provider's own id of it, where it has one, and the channel."""
    desk = performed(Answers(provider_id), make_send("ms_1.3", channel="whatsapp"))
    assert desk.told == [
        Delivery(kind=DeliveryKind.ACCEPTED, send_id="ms_1.3", provider_id=provider_id, channel="whatsapp")
    ]


@pytest.mark.parametrize("value", [7, b"SM1", "", "x" * 201, "a\nb", True, ["SM1"], {"sid": "SM1"}], ids=repr)
def test_what_cannot_be_an_id_is_left_out(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The message was taken all the same; the log says what came, and not its value."""
    with caplog.at_level(logging.WARNING):
        desk = performed(Answers(value))
    assert [(told.kind, told.provider_id) for told in desk.told] == [(DeliveryKind.ACCEPTED, None)]
    assert "no provider's id: send of ms_1.1 returned" in caplog.text
    assert "SM1" not in caplog.text


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MessageRefused("no", problem="30001"), DeliveryKind.REFUSED),
        (MessageImpossible("no", problem="30001"), DeliveryKind.IMPOSSIBLE),
        (RecipientOptedOut("no", problem="30001"), DeliveryKind.OPTED_OUT),
    ],
)
def test_named_errors_say_that_it_was_not_sent(error: MessageRefused, kind: DeliveryKind) -> None:
    """Each is told by its name, with the provider's code, and nothing is logged: it is expected."""
    desk = performed(Answers(error))
    assert desk.told == [Delivery(kind=kind, send_id="ms_1.1", channel="sms", problem="30001")]


@pytest.mark.parametrize(
    "problem",
    [
        None,
        "",
        "x" * 65,
        "a\nb",
        21610,
        f"no {BOB}",
        "2125550101 +1",
        "no (212) 555-01-01 in 12125550101",
        b"x",
    ],
    ids=repr,
)
def test_a_problem_that_cannot_be_kept_is_left_out(problem: Any) -> None:
    """Too long, no text, or with the number in it, however it is written: it would stand in history."""
    order = make_send("ms_1.1", to=BOB if problem != "2125550101 +1" else "2125550101")
    desk = performed(Answers(MessageRefused("no", problem=problem)), order)
    assert [(told.kind, told.problem) for told in desk.told] == [(DeliveryKind.REFUSED, None)]


def test_a_problem_without_the_address_is_kept() -> None:
    """Digits in a code are no number; an address is one, whatever its case."""
    by_mail = make_send("ms_1.1", to="Bob@Example.org")
    kept = performed(Answers(MessageRefused("no", problem="550 5.1.1")), by_mail)
    assert kept.told[0].problem == "550 5.1.1"
    dropped = performed(Answers(MessageRefused("no", problem="unknown: bob@example.ORG")), by_mail)
    assert dropped.told[0].problem is None
    by_customer = make_send("ms_1.1", to=None)
    assert performed(Answers(MessageRefused("no", problem="x1")), by_customer).told[0].problem == "x1"


def test_an_error_of_a_host_need_not_have_a_problem() -> None:
    """A class of its own that forgets the base class's constructor."""

    class Odd(MessageRefused):
        def __init__(self) -> None:
            Exception.__init__(self, "odd")

    assert performed(Answers(Odd())).kinds() == [DeliveryKind.REFUSED]


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(f"lost {BOB}"),
        TimeoutError(BOB),
        ConnectionResetError(BOB),
        asyncio.CancelledError(BOB),
        StoreUnavailable(BOB),
        StopIteration(BOB),
    ],
    ids=lambda error: type(error).__name__,
)
def test_any_other_error_leaves_it_uncertain(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """It is not repeated. The log names the type and the send, and neither the number nor the text."""
    with caplog.at_level(logging.WARNING):
        desk = performed(Answers(error))
    assert desk.told == [Delivery(kind=DeliveryKind.UNCERTAIN, send_id="ms_1.1", channel="sms")]
    assert "failed: send of ms_1.1" in caplog.text
    assert type(error).__name__ in caplog.text
    assert "5550101" not in caplog.text
    assert make_send().text not in caplog.text


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_what_asks_the_process_to_end_ends_it(error: BaseException) -> None:
    """In the thread of the host. The store finds the send when its time is over."""
    with pytest.raises(type(error)):
        performed(Answers(error))


def test_an_awaitable_where_nobody_awaits_is_uncertain(caplog: pytest.LogCaptureFixture) -> None:
    """A plain method that returns a coroutine: nobody here can tell what it has done already."""

    async def later() -> str:
        return "SM1"

    class Hidden:
        def send(self, order: SendMessage) -> Any:
            return later()

    with caplog.at_level(logging.WARNING):
        assert performed(Hidden()).kinds() == [DeliveryKind.UNCERTAIN]
    assert "TypeError" in caplog.text


def test_what_is_not_wanted_is_not_sent() -> None:
    """It was withdrawn, or its time is over: certainly not sent, for nothing was called."""
    desk, messenger = Desk(), Answers()
    desk.is_wanted = False
    performed(messenger, desk=desk)
    assert messenger.orders == []
    assert desk.told == [
        Delivery(kind=DeliveryKind.REFUSED, send_id="ms_1.1", channel="sms", problem="not_wanted")
    ]


def test_a_store_that_cannot_say_sends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Before a send doubt means no."""
    desk, messenger = Desk(), Answers()
    desk.is_wanted = desk.tell_error = StoreUnavailable()
    with caplog.at_level(logging.WARNING):
        performed(messenger, desk=desk)
    assert messenger.orders == []
    assert desk.kinds() == [DeliveryKind.REFUSED]
    assert "message_is_wanted of ms_1.1" in caplog.text
    assert "delivery of ms_1.1" in caplog.text


@pytest.mark.parametrize("error", [StoreUnavailable(), MessageNotFound()])
def test_a_result_that_cannot_be_told_keeps_none_of_the_others(error: Exception) -> None:
    """What the store did not learn becomes uncertain when its time is over; the next one is sent."""
    desk, messenger = Desk(), Answers("SM1")
    desk.tell_error = error
    driver = Driver(desk, Dispatcher(desk), FakeTelephony(ManualClock()), messenger=messenger)
    driver.perform([make_send("ms_1.1"), make_send("ms_2.1")])
    assert [order.send_id for order in messenger.orders] == ["ms_1.1", "ms_2.1"]


# ---------------------------------------------------------------------------- who sends


def test_messengers_by_channel() -> None:
    """Each order goes to the one of its channel; a channel that nobody serves here is impossible."""
    sms, email = Answers("1"), Answers("2")
    by_channel = {"sms": sms, "email": email}
    desk = Desk()
    driver = Driver(desk, Dispatcher(desk), FakeTelephony(ManualClock()), messenger=by_channel)
    by_channel.clear()  # It is the host's own.
    driver.perform([make_send(f"{channel}.1", channel=channel) for channel in ("email", "push", "sms")])
    assert [order.send_id for order in (*sms.orders, *email.orders)] == ["sms.1", "email.1"]
    assert [(told.send_id, told.kind, told.problem) for told in desk.told] == [
        ("email.1", DeliveryKind.ACCEPTED, None),
        ("push.1", DeliveryKind.IMPOSSIBLE, "no_messenger"),
        ("sms.1", DeliveryKind.ACCEPTED, None),
    ]


@pytest.mark.parametrize("nobody", [None, {}])
def test_an_order_that_nobody_here_can_send_is_left_to_others(nobody: Any) -> None:
    """Such as the answer to a message that this node has heard: it was certainly not sent."""
    desk = performed(nobody)
    assert [(told.kind, told.problem) for told in desk.told] == [(DeliveryKind.REFUSED, "no_messenger")]
    assert desk.asked == []


@pytest.mark.parametrize("wrong", [object(), {"sms": object()}, {"sms": None}, "sms"])
def test_what_cannot_send_is_refused(wrong: Any) -> None:
    """When it is given, and not with the first message."""
    desk = Desk()
    with pytest.raises(ConfigurationError, match="send"):
        Driver(desk, Dispatcher(desk), FakeTelephony(ManualClock()), messenger=wrong)
    with pytest.raises(ConfigurationError, match="send"):
        ThreadRunner(desk, FakeTelephony(ManualClock()), messenger=wrong)


def test_a_driver_takes_no_messenger_that_must_be_awaited() -> None:
    """It says so when it is built."""

    class Awaiting:
        async def send(self, order: SendMessage) -> None: ...

    desk = Desk()
    for messenger in (Awaiting(), {"sms": Answers(), "email": Awaiting()}):
        with pytest.raises(ConfigurationError, match="send"):
            Driver(desk, Dispatcher(desk), FakeTelephony(ManualClock()), messenger=messenger)  # type: ignore[arg-type]


def with_messages(**settings: Any) -> QueuePolicy:
    return QueuePolicy(queue="support", messages=Messages(**settings))


@pytest.mark.parametrize(
    ("messenger", "channels", "said"),
    [
        (None, ("sms",), "no messenger on this node: the messages of ['support'] wait"),
        ({}, ("sms",), "no messenger on this node"),
        ({"sms": Answers()}, ("sms", "push", "email"), "no messenger for ['email', 'push'] on this node"),
        ({"sms": Answers()}, ("sms",), None),
        (Answers(), ("sms", "push"), None),
    ],
)
def test_what_is_missing_is_said_once(
    messenger: Any, channels: tuple[str, ...], said: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """It is no error, for another node may send: but who forgot the messenger must be able to find out."""
    desk = Desk(with_messages(channels=channels))
    with caplog.at_level(logging.INFO):
        driver = Driver(desk, Dispatcher(desk), FakeTelephony(ManualClock()), messenger=messenger)
        for _ in range(3):
            driver.step(desk.now())
        by_driver = [record.getMessage() for record in caplog.records]
        caplog.clear()
        with ThreadRunner(desk, Phones(), messenger=messenger, idle_max=SOON):  # type: ignore[arg-type]
            pass
        by_runner = [record.getMessage() for record in caplog.records]
    for lines in (by_driver, by_runner):
        assert len(lines) == (said is not None)
        assert said is None or lines[0].startswith(said)


def test_a_node_without_policies_that_have_messages_misses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """No messages, no messenger, no word."""
    desk = Desk()
    with caplog.at_level(logging.INFO):
        Driver(desk, Dispatcher(desk), FakeTelephony(ManualClock()))
    assert caplog.text == ""


# ---------------------------------------------------------------------------- runners in real time


class Provider:
    """
    A provider in real time, blocking or awaited.

    Attributes:
        orders: what it was asked for.
        waits: by send id, or for all (`*`), the event that it waits for.
        answers: by send id, what it returns or raises.
    """

    def __init__(self) -> None:
        self.orders: list[SendMessage] = []
        self.waits: dict[str, threading.Event] = {}
        self.answers: dict[str, Any] = {}
        self.cancelled: list[str] = []

    def _wait_for(self, order: SendMessage) -> threading.Event | None:
        self.orders.append(order)
        return self.waits.get(order.send_id) or self.waits.get("*")

    def _end(self, order: SendMessage) -> Any:
        answer = self.answers.get(order.send_id, f"id of {order.send_id}")
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def sent(self) -> list[str]:
        return [order.send_id for order in list(self.orders)]


class Blocking(Provider):
    def send(self, order: SendMessage) -> Any:
        event = self._wait_for(order)
        if event is not None:
            event.wait(PATIENCE_S)
        return self._end(order)


class Awaiting(Provider):
    async def send(self, order: SendMessage) -> Any:
        event = self._wait_for(order)
        try:
            while event is not None and not event.is_set():
                await asyncio.sleep(0.002)
        except asyncio.CancelledError:
            self.cancelled.append(order.send_id)
            raise
        return self._end(order)


def provider(kind: str) -> Blocking | Awaiting:
    return Blocking() if kind == "blocking" else Awaiting()


class Phones:
    """A telephony that only notes what it is told to hang up."""

    def __init__(self) -> None:
        self.hung_up: list[str] = []

    def hang_up(self, order: HangUp) -> None:
        self.hung_up.append(order.leg_id)


@attrs.frozen
class Running:
    """A runner that runs, called from this thread."""

    perform: Callable[[Any], None]
    message_received: Callable[[Inbound], Heard]
    delivery: Callable[[Delivery], Delivered]
    phones: Phones


@contextmanager
def running(host: str, service: CallbackService, messenger: Any, **settings: Any) -> Iterator[Running]:
    """Run a host until the end of the block."""
    phones: Any = Phones()
    settings = {"idle_max": SOON, "messenger": messenger, **settings}
    if host == "threads":
        with ThreadRunner(service, phones, **settings) as runner:
            yield Running(runner.perform, runner.message_received, runner.delivery, phones)
        return
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="host", daemon=True)
    thread.start()

    def in_loop(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(PATIENCE_S)

    async def open_() -> AsyncRunner:
        return await AsyncRunner(service, phones, **settings).__aenter__()

    awaited = in_loop(open_())
    try:
        yield Running(
            awaited.perform,
            lambda inbound: in_loop(awaited.message_received(inbound)),
            lambda report: in_loop(awaited.delivery(report)),
            phones,
        )
    finally:
        in_loop(awaited.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()


def elsewhere(send_id: str, **changes: Any) -> SendMessage:
    """Return an order of a queue that has no limits of its own."""
    return make_send(send_id, **{"queue": ELSEWHERE, "to": None, **changes})


everywhere = pytest.mark.parametrize(("host", "kind"), [(host, kind) for host in HOSTS for kind in KINDS])


@everywhere
def test_every_host_sends(host: str, kind: str) -> None:
    """Blocking or awaited, in threads or in an event loop: each is sent once, and told."""
    desk, messenger = Desk(), provider(kind)
    messenger.answers = {"b.1": MessageImpossible("no"), "c.1": RuntimeError(BOB)}
    with running(host, desk, messenger) as runner:
        runner.perform([make_send(f"{name}.1", to=None) for name in "abc"])
        wait_for(lambda: len(desk.told) == 3, "three results")
    assert sorted(messenger.sent()) == ["a.1", "b.1", "c.1"]
    assert [desk.kinds(f"{name}.1") for name in "abc"] == [
        [DeliveryKind.ACCEPTED],
        [DeliveryKind.IMPOSSIBLE],
        [DeliveryKind.UNCERTAIN],
    ]


@everywhere
def test_messages_of_one_callback_and_to_one_address_are_sent_in_order(host: str, kind: str) -> None:
    """Though the first takes its time; those to others go on meanwhile."""
    desk, messenger = Desk(), provider(kind)
    go_on = messenger.waits["a.1"] = threading.Event()
    with running(host, desk, messenger) as runner:
        runner.perform(
            [
                make_send("a.1", callback_id="cb_1", to=BOB),
                make_send("b.1", callback_id="cb_1", to="bob@example.org", channel="email"),
                make_send("c.1", callback_id="cb_2", to=BOB),
                make_send("d.1", callback_id="cb_3", to=EVE),
            ]
        )
        wait_for(lambda: desk.kinds("d.1") == [DeliveryKind.ACCEPTED], "the message to somebody else")
        assert messenger.sent() == ["a.1", "d.1"]
        go_on.set()
        wait_for(lambda: len(desk.told) == 4, "the others")
    assert messenger.sent()[:2] == ["a.1", "d.1"]
    assert sorted(messenger.sent()[2:]) == ["b.1", "c.1"]


@everywhere
def test_one_that_takes_too_long_is_uncertain(host: str, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is named in the log. A coroutine is cancelled; a thread cannot be, and what it brings late settles it."""
    desk, messenger = Desk(), provider(kind)
    go_on = messenger.waits["a.1"] = threading.Event()
    with caplog.at_level(logging.WARNING), running(host, desk, messenger, call_time_max=SHORT) as runner:
        runner.perform([elsewhere("a.1", to=BOB), elsewhere("b.1", to=BOB)])
        wait_for(lambda: desk.kinds("b.1") == [DeliveryKind.ACCEPTED], "the next one in line")
        assert desk.kinds("a.1") == [DeliveryKind.UNCERTAIN]
        go_on.set()
        if kind == "blocking":
            wait_for(lambda: len(desk.kinds("a.1")) == 2, "the late result")
    late = [DeliveryKind.ACCEPTED] if kind == "blocking" else []
    assert desk.kinds("a.1") == [DeliveryKind.UNCERTAIN, *late]
    assert messenger.cancelled == ([] if kind == "blocking" else ["a.1"])
    assert "late: send of a.1 takes more than 0.4 s" in caplog.text
    assert "5550101" not in caplog.text


@pytest.mark.parametrize(
    ("answer", "then"),
    [
        (MessageRefused("no"), [DeliveryKind.REFUSED]),
        (RuntimeError("lost"), []),
        (7, [DeliveryKind.ACCEPTED]),
    ],
)
def test_what_comes_late_is_told_if_it_is_certain(
    answer: Any, then: list[DeliveryKind], caplog: pytest.LogCaptureFixture
) -> None:
    """A second word that nobody knows would say nothing."""
    desk, messenger = Desk(), Blocking()
    go_on = messenger.waits["a.1"] = threading.Event()
    messenger.answers["a.1"] = answer
    with running("threads", desk, messenger, call_time_max=SHORT) as runner:
        runner.perform([elsewhere("a.1")])
        wait_for(lambda: desk.kinds() == [DeliveryKind.UNCERTAIN], "the time that it may take")
        go_on.set()
        wait_for(lambda: len(desk.told) > 1 or "failed: send of a.1" in caplog.text, "the late end")
    assert desk.kinds() == [DeliveryKind.UNCERTAIN, *then]


def test_a_send_may_take_as_long_as_its_policy_says() -> None:
    """Longer than other calls: half a minute is nothing for a mail server."""
    desk, messenger = Desk(with_messages(send_time_max=timedelta(seconds=1))), Blocking()
    go_on = messenger.waits["a.1"] = threading.Event()
    never = messenger.waits["b.1"] = threading.Event()
    with running("threads", desk, messenger, call_time_max=SHORT) as runner:
        runner.perform([elsewhere("b.1"), make_send("a.1")])
        wait_for(lambda: desk.kinds("b.1") == [DeliveryKind.UNCERTAIN], "one without a policy")
        assert desk.kinds("a.1") == []
        wait_for(lambda: desk.kinds("a.1") == [DeliveryKind.UNCERTAIN], "the time of the policy")
        go_on.set()
        never.set()


@pytest.mark.parametrize("host", HOSTS)
def test_a_messenger_that_hangs_stalls_no_call(host: str) -> None:
    """All sends that may block do: what the telephony is told is told at once, and so are other commands."""
    desk, messenger = Desk(), Blocking()
    go_on = messenger.waits["*"] = threading.Event()
    with running(host, desk, messenger, threads_max=2) as runner:
        runner.perform([make_send(f"{n}.1", to=None) for n in range(6)])
        wait_for(lambda: len(messenger.orders) == 2, "as many sends as may block")
        runner.perform([HangUp(leg_id=LegId("leg_1"))])
        wait_for(lambda: runner.phones.hung_up == ["leg_1"], "the call")
        assert len(messenger.orders) == 2
        assert len(desk.asked) == 2  # Who waits for a thread asks when it has one.
        desk.is_wanted = False
        go_on.set()
        wait_for(lambda: len(desk.told) == 6, "the others, which nobody wants any more")
    assert sorted(desk.kinds()) == [DeliveryKind.ACCEPTED] * 2 + [DeliveryKind.REFUSED] * 4


def test_awaited_sends_need_no_thread() -> None:
    """A hundred at once, though only one call may block."""
    desk, messenger = Desk(), Awaiting()
    go_on = messenger.waits["*"] = threading.Event()
    with running("asyncio", desk, messenger, threads_max=1) as runner:
        runner.perform([make_send(f"{n}.1", to=None) for n in range(100)])
        wait_for(lambda: len(messenger.orders) == 100, "all of them")
        go_on.set()
        wait_for(lambda: len(desk.told) == 100, "all results")


@pytest.mark.parametrize("host", HOSTS)
def test_answers_and_receipts_go_through_the_runner(host: str) -> None:
    """What a customer writes is answered; a receipt is taken."""
    desk, messenger = Desk(), Blocking()
    desk.answers = (make_send("a.1", is_answer=True),)
    receipt = Delivery(kind=DeliveryKind.DELIVERED, provider_id="id of a.1", channel="sms")
    with running(host, desk, messenger) as runner:
        heard = runner.message_received(inbound())
        wait_for(lambda: desk.kinds() == [DeliveryKind.ACCEPTED], "the answer")
        assert runner.delivery(receipt).changed
    assert heard.effects == desk.answers
    assert desk.told[-1] == receipt


def inbound() -> Inbound:
    return Inbound(inbound_id="in-1", sender=BOB, text="status", queue="support")


def test_answers_and_receipts_from_other_threads() -> None:
    """For adapters of an event loop that have threads of their own; and nobody who was never started takes any."""
    desk, messenger = Desk(), Blocking()
    desk.answers = (make_send("a.1", is_answer=True),)
    receipt = Delivery(kind=DeliveryKind.DELIVERED, send_id="a.1")

    async def story() -> None:
        runner = AsyncRunner(desk, Phones(), messenger=messenger, idle_max=SOON)  # type: ignore[arg-type]
        with pytest.raises(RuntimeError, match="never started"):
            runner.message_received_from_thread(inbound())
        with pytest.raises(RuntimeError, match="never started"):
            await runner.delivery(receipt)
        async with runner:
            await asyncio.to_thread(runner.message_received_from_thread, inbound())
            while not desk.told:
                await asyncio.sleep(0.001)
            assert (await asyncio.to_thread(runner.delivery_from_thread, receipt)).changed

    asyncio.run(story())
    assert desk.kinds() == [DeliveryKind.ACCEPTED, DeliveryKind.DELIVERED]


def test_who_goes_takes_no_answer_back() -> None:
    """A web request that is cancelled: what it brought is heard, and answered."""
    desk, messenger = Desk(), Blocking()
    desk.answers = (make_send("a.1", is_answer=True),)

    async def story() -> None:
        async with AsyncRunner(desk, Phones(), messenger=messenger, idle_max=SOON) as runner:  # type: ignore[arg-type]
            asking = asyncio.ensure_future(runner.message_received(inbound()))
            await asyncio.sleep(0)
            asking.cancel()
            while not desk.told:
                await asyncio.sleep(0.001)

    asyncio.run(story())
    assert messenger.sent() == ["a.1"]


def test_answers_after_the_end_are_still_sent() -> None:
    """A thread runner that was stopped takes what comes late, as it takes reports."""
    desk, messenger = Desk(with_messages()), Blocking()
    desk.answers = (make_send("a.1", is_answer=True),)
    runner = ThreadRunner(desk, Phones(), messenger=messenger)  # type: ignore[arg-type]
    runner.message_received(inbound())
    wait_for(lambda: desk.kinds() == [DeliveryKind.ACCEPTED], "the answer")


def test_a_runner_that_comes_up_waits_for_no_message() -> None:
    """A provider that hangs is no reason not to dial: what is sent has nothing to do with legs."""
    desk, messenger = Desk(), Awaiting()
    messenger.waits["*"] = threading.Event()

    async def story() -> None:
        host = Host(
            telephony=Phones(),  # type: ignore[arg-type]
            notices=None,
            messengers=Messengers(messenger),
            idle_max=SOON,
            call_time_max=timedelta(seconds=60),
            threads_max=1,
        )
        pools = Pools(threads_max=1)

        async def ask(command: Callable[[], Any]) -> Any:
            return command()

        lines = Lines(desk, host, ask=ask, pools=pools, owns_loop=False, lost=lambda _now: None)
        lines.add([make_send("a.1")])
        assert await lines.calm(timeout_s=PATIENCE_S)
        assert not await lines.drained(timeout_s=0.01)
        with lines.held():
            assert not await lines.calm(timeout_s=0.01)
        messenger.waits["*"].set()
        assert await lines.drained(timeout_s=PATIENCE_S)
        pools.close()

    asyncio.run(story())


# ---------------------------------------------------------------------------- with the outbox


def house(messenger: FakeMessenger | None = None, **messages: Any) -> VirtualHost:
    """Return a host in virtual time whose one queue has messages, at any hour."""
    policy = QueuePolicy(
        queue="support",
        calling=None,
        messages=Messages(**{"quiet_from": None, "quiet_until": None, **messages}),
    )
    return VirtualHost(MemoryStore(), [policy], messenger=messenger)


def only_message(host: VirtualHost, callback_id: str) -> Any:
    (message,) = host.service.messages_of(callback_id)
    return message


def test_a_host_in_virtual_time_sends_and_hears() -> None:
    """The confirmation is sent once, its receipt ends it, and the customer's answer cancels the callback."""
    host = house()
    callback_id = host.service.request("support", number=BOB).callback_id
    host.run_for(timedelta(minutes=1))
    assert host.messenger.kinds(callback_id) == ["confirmation"]
    assert [order.to for order in host.messenger.sent] == [BOB]
    host.messenger.receipt(host.messenger.last)
    assert only_message(host, callback_id).state is MessageState.ENDED
    assert host.reply("9").changed
    host.run_for(timedelta(minutes=1))
    assert host.service.get(callback_id).outcome == "cancelled"
    assert host.messenger.kinds(callback_id) == ["confirmation", "cancelled"]
    assert len(host.messenger.texts(BOB)) == 2


def test_receipts_by_themselves() -> None:
    """A provider that says after a while that it arrived."""
    clock = ManualClock()
    policy = QueuePolicy(queue="support", calling=None, messages=Messages(quiet_from=None, quiet_until=None))
    messenger = FakeMessenger(clock, receipt_after=timedelta(seconds=3))
    host = VirtualHost(MemoryStore(), [policy], clock=clock, messenger=messenger)
    callback_id = host.service.request("support", number=BOB).callback_id
    host.run_for(timedelta(seconds=2))
    assert only_message(host, callback_id).state is MessageState.SENT
    host.run_for(timedelta(seconds=2))
    assert only_message(host, callback_id).state is MessageState.ENDED


def test_what_is_refused_is_tried_again_and_goes_by_the_next_channel() -> None:
    """Only the core repeats: by another send id each time."""
    host = house(channels=("whatsapp", "sms"), tries_max=2)
    host.messenger.does(BOB, Reaction.REFUSES, Reaction.REFUSES, Reaction.ACCEPTS)
    host.service.request("support", number=BOB)
    host.run_for(timedelta(minutes=10))
    assert [order.channel for order in host.messenger.orders] == ["whatsapp", "whatsapp", "sms"]
    assert len({order.send_id for order in host.messenger.orders}) == 3
    assert [order.channel for order in host.messenger.sent] == ["sms"]


@pytest.mark.parametrize("reaction", [Reaction.FAILS, Reaction.FAILS_AFTER])
def test_what_nobody_knows_is_not_repeated(reaction: Reaction) -> None:
    """Whether it was sent or not."""
    host = house()
    host.messenger.does(BOB, reaction)
    callback_id = host.service.request("support", number=BOB).callback_id
    host.run_for(timedelta(hours=2))
    assert len(host.messenger.orders) == 1
    assert only_message(host, callback_id).state is MessageState.UNCERTAIN


def test_a_message_that_is_withdrawn_while_it_waits_for_its_turn_is_not_sent() -> None:
    """The callback is cancelled between the step and the send."""
    host = house()
    callback_id = host.service.request("support", number=BOB).callback_id
    effects = Dispatcher(host.service).step(host.clock.now())
    assert [type(effect) for effect in effects] == [SendMessage]
    host.service.cancel(callback_id)
    host.driver.perform(effects)
    assert host.messenger.orders == []
    host.run_for(timedelta(hours=1))
    assert host.messenger.kinds() == ["cancelled"]
    ends = {message.message_kind: message.ended_as for message in host.service.messages_of(callback_id)}
    assert ends[MessageKind.CONFIRMATION] is MessageEnd.WITHDRAWN


def test_a_node_without_a_messenger_leaves_them_to_another() -> None:
    """It claims none, does not step without rest for what it cannot do, and the other node sends."""
    host = house()
    alone = Driver(host.service, Dispatcher(host.service, node_id="mute"), FakeTelephony(host.clock))
    callback_id = host.service.request("support", number=BOB).callback_id
    assert alone.step(host.clock.now()) == 0
    assert only_message(host, callback_id).state is MessageState.WAITING
    due_at = alone.next_wakeup()
    assert due_at is not None
    assert due_at > host.clock.now()
    host.run_for(timedelta(seconds=1))
    assert host.messenger.kinds(callback_id) == ["confirmation"]
    assert alone.next_wakeup() == host.driver.next_wakeup()


def test_a_runner_without_a_messenger_rests() -> None:
    """A message that is due, which only others can send, makes no loop without rest."""
    service = CallbackService(
        MemoryStore(),
        [QueuePolicy(queue="support", messages=Messages(quiet_from=None, quiet_until=None))],
        clock=SystemClock(),
    )
    service.request("support", number=BOB)
    steps = 0

    class Counting(Dispatcher):
        def step(self, now: Any, **can: Any) -> Any:
            nonlocal steps
            steps += 1
            return super().step(now, **can)

    runner = ThreadRunner(service, Phones(), idle_max=timedelta(milliseconds=200))  # type: ignore[arg-type]
    runner._dispatcher = Counting(service)  # type: ignore[misc]
    with runner:
        wait_for(lambda: steps >= 2, "two steps")
        before, pause = steps, threading.Event()
        pause.wait(0.4)
        assert steps - before <= 4


def test_two_nodes_send_each_message_once() -> None:
    """Both have a messenger, of one provider: a hundred confirmations, none twice."""
    service = CallbackService(
        MemoryStore(),
        [QueuePolicy(queue="support", messages=Messages(quiet_from=None, quiet_until=None))],
        clock=SystemClock(),
    )
    messenger = FakeMessenger()
    with (
        running("threads", service, messenger, node_id="one"),
        running("asyncio", service, messenger, node_id="two"),
    ):
        for n in range(100):
            service.request("support", number=f"+1212555{n:04}")
        wait_for(lambda: len(messenger.sent) == 100, "all confirmations")
    assert len(messenger.orders) == 100
    assert len({order.to for order in messenger.sent}) == 100


# ---------------------------------------------------------------------------- the fake


def test_the_fake_can_hang() -> None:
    """Until it is released; then it takes what it was given, once."""
    messenger = FakeMessenger()
    messenger.does(BOB, Reaction.HANGS)
    ends: list[Any] = []
    threads = [
        threading.Thread(target=lambda: ends.append(messenger.send(make_send(to=BOB)))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(messenger.orders) == 2, "both orders")
    assert ends == []
    messenger.release()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert ends == ["provider-1", "provider-1"]
    assert messenger.last.to == BOB
    assert len(messenger.sent) == 1


def test_the_fake_has_a_script_for_all_others() -> None:
    """And one for each that is named."""
    messenger = FakeMessenger()
    messenger.does(None, Reaction.OPTED_OUT)
    messenger.does(BOB, Reaction.ACCEPTS)
    messenger.send(make_send("a.1", to=BOB))
    with pytest.raises(RecipientOptedOut):
        messenger.send(make_send("b.1", to=EVE))
    with pytest.raises(RecipientOptedOut):
        messenger.send(make_send("c.1", to=None))
    assert messenger.sent_to(EVE) == []


def test_nothing_was_sent_yet() -> None:
    """There is no last one, and nobody to answer for."""
    host = house()
    with pytest.raises(LookupError, match="no message"):
        host.reply("9")
    assert host.reply("hello", sender=BOB).changed is False
