"""`TwilioMessenger` over the double: the contract, receipts, opt-outs, and what customers write."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import attrs
import pytest

from adapters.twilio.far_end import PUBLIC_URL, settings_of
from callbackq import (
    CallbackService,
    Delivery,
    DeliveryKind,
    Inbound,
    MemoryStore,
    MessageImpossible,
    MessageNotFound,
    MessageRefused,
    Messages,
    QueuePolicy,
    SystemClock,
    ThreadRunner,
)
from callbackq.adapters.twilio import TwilioMessenger, TwilioTelephony, TwilioWebhooks
from callbackq.effects import SendMessage
from callbackq.testing import make_send
from callbackq.testing.contracts import (
    Inbox,
    KnownOptOutContract,
    MessageFarEnd,
    MessengerContract,
    Received,
    RefusalContract,
    UncertaintyContract,
)
from callbackq.testing.doubles.mischief import Rates
from callbackq.testing.doubles.twilio import NUMBER, Failure, TwilioDouble

BOB = "+12125550101"


class SmsEnd(MessageFarEnd):
    """A Twilio, and the phones behind it."""

    def __init__(self, channel: str = "sms") -> None:
        self.channel = channel
        # What is too long is refused by Twilio, and has its own test: here it is seen that nothing is cut.
        self._double = TwilioDouble(text_max=100_000)
        self._double.receipts = ()
        self._messenger = TwilioMessenger(settings_of(self._double))
        self._number = count(100)

    @property
    def messenger(self) -> TwilioMessenger:
        return self._messenger

    @property
    def received(self) -> Sequence[Received]:
        return [
            Received(to=message.to.removeprefix("whatsapp:"), text=message.body)
            for message in self._double.messages
        ]

    def prepare(self, order: SendMessage, inbox: Inbox) -> SendMessage:
        number = f"+121255{next(self._number):05}"
        if inbox is Inbox.REFUSES:
            self._double.refused[number] = 20429
        elif inbox is Inbox.IMPOSSIBLE:
            self._double.refused[number] = 21614
        elif inbox is Inbox.OPTED_OUT:
            self._double.opted_out.add(number)
        elif inbox is Inbox.BREAKS:
            self._double.broken.add(number)
        return attrs.evolve(order, to=number)

    def close(self) -> None:
        self._double.close()


class TestSms(MessengerContract, RefusalContract, KnownOptOutContract, UncertaintyContract):
    """Everything that is asked of a messenger."""

    def open_message_end(self) -> SmsEnd:
        return SmsEnd()


class TestWhatsApp(MessengerContract):
    """The same by WhatsApp."""

    def open_message_end(self) -> SmsEnd:
        return SmsEnd("whatsapp")


# ---------------------------------------------------------------------------- sending


@pytest.fixture
def double() -> Iterator[TwilioDouble]:
    """A Twilio without a web app."""
    with TwilioDouble() as double:
        double.receipts = ()
        yield double


def test_who_sends(double: TwilioDouble) -> None:
    """The number, or the messaging service, or the number of WhatsApp."""
    service = "MG" + "0" * 32
    TwilioMessenger(settings_of(double)).send(make_send("ms_1.1", to=BOB))
    TwilioMessenger(settings_of(double, messaging_service_sid=service)).send(make_send("ms_2.1", to=BOB))
    TwilioMessenger(settings_of(double)).send(make_send("ms_3.1", to=BOB, channel="whatsapp"))
    assert [message.from_ for message in double.messages] == [NUMBER, service, f"whatsapp:{NUMBER}"]
    assert double.messages[2].to == f"whatsapp:{BOB}"
    only = TwilioMessenger(settings_of(double, sms_from=None))
    for channel in ("sms", "email"):
        with pytest.raises(MessageImpossible):
            only.send(make_send("ms_4.1", to=BOB, channel=channel))


def test_too_long_is_refused_and_never_cut(double: TwilioDouble) -> None:
    """Twilio takes 1,600 characters (error 21617)."""
    with pytest.raises(MessageImpossible) as caught:
        TwilioMessenger(settings_of(double)).send(make_send("ms_1.1", to=BOB, text="x" * 1_601))
    assert caught.value.problem == "21617"
    assert not double.messages


@pytest.mark.parametrize(
    ("failure", "certain"),
    [
        (Failure(status=401, code=20003), True),
        (Failure(status=429, code=20429), True),
        (Failure(status=503, code=20503), True),
        (Failure(status=500), False),
        (Failure(status=504), False),
        (Failure(done=True), False),
        (Failure(), False),
    ],
)
def test_what_is_certain(double: TwilioDouble, failure: Failure, *, certain: bool) -> None:
    """A refusal is safe to try again; a failure of Twilio's own, or no answer, is not. It is asked once in any case."""
    double.failures.append(failure)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is seen below
        TwilioMessenger(settings_of(double)).send(make_send("ms_1.1", to=BOB))
    assert isinstance(caught.value, MessageRefused) is certain
    assert len(double.messages) == (1 if failure.done else 0)
    assert BOB not in str(caught.value)


def test_nobody_listens(double: TwilioDouble) -> None:
    """Certainly not sent."""
    messenger = TwilioMessenger(settings_of(double))
    double.go_away()
    with pytest.raises(MessageRefused, match="cannot be reached"):
        messenger.send(make_send("ms_1.1", to=BOB))


# ---------------------------------------------------------------------------- receipts, messages


class Desk:
    """A runner that keeps what it is told."""

    def __init__(self, *, known: bool = True) -> None:
        self.deliveries: list[Delivery] = []
        self.inbound: list[Inbound] = []
        self._known = known

    def delivery(self, report: Delivery) -> None:
        """Keep a receipt."""
        self.deliveries.append(report)
        if not self._known:
            raise MessageNotFound("none")

    def message_received(self, inbound: Inbound) -> None:
        """Keep a message."""
        self.inbound.append(inbound)


def webhooks_of(double: TwilioDouble, desk: Desk, **more: Any) -> TwilioWebhooks:
    """Give a double a web app that takes messages."""
    webhooks = TwilioWebhooks(settings_of(double), runner=desk, **{"queue": "support", **more})
    double.serve(webhooks)
    return webhooks


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        ("queued", 0, DeliveryKind.ACCEPTED),
        ("sent", 0, DeliveryKind.ACCEPTED),
        ("delivered", 0, DeliveryKind.DELIVERED),
        ("read", 0, DeliveryKind.DELIVERED),
        ("undelivered", 30003, DeliveryKind.UNDELIVERED),
        ("undelivered", 30006, DeliveryKind.IMPOSSIBLE),
        ("failed", 21610, DeliveryKind.OPTED_OUT),
        ("failed", 30007, DeliveryKind.UNDELIVERED),
    ],
)
def test_a_receipt_says_what_became_of_a_message(
    double: TwilioDouble, status: str, code: int, kind: DeliveryKind
) -> None:
    """By our own send id, which its URL has, and by Twilio's; with Twilio's error code."""
    desk = Desk()
    webhooks_of(double, desk)
    sid = TwilioMessenger(settings_of(double)).send(make_send("ms_1.1", to=BOB))
    double.send_receipt(double.messages[0], status, code=code)
    double.settle()
    (found,) = desk.deliveries
    assert (found.kind, found.send_id, found.provider_id, found.channel) == (kind, "ms_1.1", sid, "sms")
    assert found.problem == (str(code) if code else None)


def test_a_receipt_with_only_twilios_own_name(double: TwilioDouble) -> None:
    """As of a messaging service with a URL of its own: channel and SID are enough. One that is not known is a 404."""
    desk = Desk(known=False)
    webhooks_of(double, desk)
    sid = TwilioMessenger(settings_of(double)).send(make_send("ms_1.1", to=BOB, channel="whatsapp"))
    double.send_receipt(double.messages[0], "delivered", url=f"{PUBLIC_URL}/receipt")
    double.settle()
    (found,) = desk.deliveries
    assert (found.send_id, found.provider_id, found.channel) == (None, sid, "whatsapp")
    assert double.posted[-1].status == 404


def test_what_a_customer_writes_is_heard(double: TwilioDouble) -> None:
    """Sender as Twilio says it, the queue of the number that was written to, the channel, and what it answers."""
    desk = Desk()
    webhooks_of(double, desk, queues={"+15005550007": "sales"})
    double.receive(BOB, "STOP", public_url=PUBLIC_URL, OptOutType="STOP")
    double.receive(BOB, "2", public_url=PUBLIC_URL, to="+15005550007")
    double.receive(
        f"whatsapp:{BOB}",
        "Yes",
        public_url=PUBLIC_URL,
        to="whatsapp:+15005550007",
        OriginalRepliedMessageSid="SM9",
    )
    assert [(one.text, one.queue, one.channel, one.sender) for one in desk.inbound] == [
        ("STOP", "support", "sms", BOB),
        ("2", "sales", "sms", BOB),
        ("Yes", "sales", "whatsapp", BOB),
    ]
    assert desk.inbound[2].answers_id == "SM9"
    assert all(posted.status == 200 and posted.body.endswith(b"<Response />") for posted in double.posted)


def test_a_message_to_a_number_of_no_queue(double: TwilioDouble, caplog: pytest.LogCaptureFixture) -> None:
    """Is left alone, and said in the log, without a number."""
    desk = Desk()
    webhooks_of(double, desk, queue=None)
    assert double.receive(BOB, "STOP", public_url=PUBLIC_URL).status == 200
    assert not desk.inbound
    assert "left alone" in caplog.text
    assert BOB not in caplog.text


# ---------------------------------------------------------------------------- with the real service


def until(condition: Callable[[], bool]) -> bool:
    """Wait until something is so; say whether it is."""
    end_s = time.monotonic() + 20.0
    while not condition() and time.monotonic() < end_s:
        time.sleep(0.01)
    return condition()


def ends(service: CallbackService, callback_id: str) -> list[str | None]:
    """Return how the messages of a callback ended."""
    return [message.ended_as for message in service.messages_of(callback_id)]


def test_an_sms_from_promise_to_receipt_and_stop(caplog: pytest.LogCaptureFixture) -> None:
    """A confirmation goes out and is delivered, the receipts come twice and in any order; STOP ends all messages."""
    rates = Rates(doubled_ratio=0.5, delayed_ratio=0.5, shuffled_ratio=1.0, delay_max_s=0.05)
    with TwilioDouble(seed=3, rates=rates) as double, caplog.at_level(logging.INFO):
        settings = settings_of(double)
        service = CallbackService(
            MemoryStore(),
            [QueuePolicy(queue="support", company="Acme", messages=Messages(channels=("sms",)))],
            clock=SystemClock(),
        )
        telephony = TwilioTelephony(settings, agents={})
        runner = ThreadRunner(service, telephony, messenger=TwilioMessenger(settings))
        telephony.attach(runner, service=service)
        double.serve(TwilioWebhooks(settings, telephony=telephony, runner=runner, queue="support"))
        with telephony, runner:
            receipt = service.request("support", number=BOB)
            assert until(lambda: ends(service, receipt.callback_id) == ["delivered"])
            assert double.receive(BOB, "STOP", public_url=PUBLIC_URL).status == 200
            double.receive(BOB, "STOP", public_url=PUBLIC_URL)
            assert service.opted_out(BOB).messages_at is not None
        text = double.messages[0].body
    assert "Acme" in text
    assert BOB not in caplog.text
    assert text not in caplog.text
