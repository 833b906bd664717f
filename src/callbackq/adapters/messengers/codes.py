"""`CodesByMessage`: one-time codes in the words of the catalogue, through a messenger."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from callbackq.core.texts import TextFacts, text_of
from callbackq.effects import SendMessage
from callbackq.ids import MessageId
from callbackq.model import SMS, CodeOrder, MessageKind
from callbackq.policy import QueuePolicy, check_policies
from callbackq.ports import Messenger


class CodesByMessage:
    """
    Sends the one-time codes of a service by the same messenger as its messages: give it as `codes=`.

    A code goes out by itself, and not through the outbox: what stands in the store must not tell it. It is sent once;
    a code that did not arrive is asked for again.

    Args:
        messenger: what sends it. What it raises becomes `CodeNotSent`, and the code is void.
        policies: those of the service: their company, language and texts.
        channel: by which the codes go.

    >>> from datetime import UTC, datetime
    >>> from callbackq import CodeOrder, QueueName, QueuePolicy, VerificationId
    >>> from callbackq.adapters.messengers import CodesByMessage, ConsoleMessenger
    >>> codes = CodesByMessage(ConsoleMessenger(), [QueuePolicy(queue="support", company="Acme")])
    >>> codes.send(
    ...     CodeOrder(
    ...         verification_id=VerificationId("vf_1"),
    ...         queue=QueueName("support"),
    ...         number="+12125550123",
    ...         code="000042",
    ...         expires_at=datetime(2026, 3, 10, tzinfo=UTC),
    ...     )
    ... )
    sms to +1…23: verification (en, 1 segment)
    Subject: Your code from Acme
    000042 is your Acme code. It proves that this is your number. Please do not pass it on.
    <BLANKLINE>
    """

    def __init__(self, messenger: Messenger, policies: Iterable[QueuePolicy], *, channel: str = SMS) -> None:
        self._messenger: Final = messenger
        self._policies: Final = {policy.queue: policy for policy in check_policies(policies)}
        self._channel: Final = channel

    def send(self, order: CodeOrder) -> None:
        """Send one code. Raises: whatever the messenger raises."""
        policy = self._policies.get(order.queue) or QueuePolicy(queue=order.queue)
        facts = TextFacts(code=order.code)
        text = text_of(MessageKind.VERIFICATION, facts, policy=policy, language=order.language)
        self._messenger.send(
            SendMessage(
                send_id=f"{order.verification_id}.1",
                message_id=MessageId(order.verification_id),
                kind=MessageKind.VERIFICATION,
                channel=self._channel,
                queue=order.queue,
                to=order.number,
                text=text.text,
                title=text.title,
                segments_count=text.segments_count,
                language=text.language,
                is_answer=True,
            )
        )
