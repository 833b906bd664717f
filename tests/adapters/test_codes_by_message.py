"""One-time codes through a messenger: in the customer's language, once, and void where they cannot be sent."""

from __future__ import annotations

import pytest

from callbackq import (
    CallbackService,
    Channel,
    CodeNotSent,
    CodeWrong,
    MessageKind,
    MessageRefused,
    QueuePolicy,
    RequestRefused,
    SendMessage,
    Verify,
)
from callbackq.adapters.messengers import CodesByMessage
from callbackq.stores.memory import MemoryStore
from callbackq.testing import FakeMessenger, ManualClock

NUMBER = "+12125550123"
POLICY = QueuePolicy(queue="support", company="Acme", language="de", verify=Verify(channels={Channel.WEB}))


class Refusing:
    """A messenger whose provider is down."""

    def send(self, order: SendMessage) -> str | None:
        raise MessageRefused("down")


def a_service(codes: CodesByMessage) -> CallbackService:
    return CallbackService(MemoryStore(), [POLICY], clock=ManualClock(), codes=codes)


@pytest.mark.parametrize(
    ("language", "word"), [(None, "Code"), ("en", "code"), ("fr", "code"), ("es", "clave")]
)
def test_a_code_comes_in_the_customers_language(language: str | None, word: str) -> None:
    """In that of the queue, if they have none; and it proves the number."""
    messenger = FakeMessenger()
    service = a_service(CodesByMessage(messenger, [POLICY]))
    sent = service.send_code("support", number=NUMBER, language=language)
    (order,) = messenger.sent_to(NUMBER)
    code = order.text.split()[0].strip(".,:")
    assert order.kind is MessageKind.VERIFICATION
    assert word.casefold() in order.text.casefold()
    service.enter_code(sent.verification_id, code=code)
    receipt = service.request("support", number=NUMBER, verification_id=sent.verification_id)
    assert receipt.callback_id.startswith("cb_")


def test_a_code_that_cannot_be_sent_is_void() -> None:
    """The customer asks for another one."""
    service = a_service(CodesByMessage(Refusing(), [POLICY]))
    with pytest.raises(CodeNotSent):
        service.send_code("support", number=NUMBER)
    with pytest.raises(RequestRefused):
        service.request("support", number=NUMBER)


def test_a_queue_of_somebody_else_has_plain_words() -> None:
    """It is known to the service, and was forgotten here: the code still goes out."""
    messenger = FakeMessenger()
    service = a_service(CodesByMessage(messenger, []))
    sent = service.send_code("support", number=NUMBER)
    (order,) = messenger.sent_to(NUMBER)
    assert order.language == "en"
    with pytest.raises(CodeWrong):
        service.enter_code(sent.verification_id, code="x")
