"""A receiver of webhooks in memory, and endpoints for tests. Nothing here needs pytest."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from callbackq.model import WebhookAnswer, WebhookOrder
from callbackq.policy.webhooks import WebhookEndpoint

SECRET: Final = "whsec_" + base64.b64encode(bytes(range(32))).decode("ascii")


def make_endpoint(name: str = "crm", **changes: Any) -> WebhookEndpoint:
    """
    Build an endpoint with a secret that everybody knows.

    >>> make_endpoint().url
    'https://crm.example.com/hook'
    """
    fields: dict[str, Any] = {"name": name, "url": f"https://{name}.example.com/hook", "secrets": [SECRET]}
    return WebhookEndpoint(**{**fields, **changes})


@attrs.frozen(kw_only=True)
class ReceivedWebhook:
    """One request that a receiver has taken, read."""

    endpoint: str
    webhook_id: str
    event: dict[str, Any] = attrs.field(repr=False)

    @property
    def kind(self) -> str:
        """The kind of the event."""
        kind: str = self.event["data"]["kind"]
        return kind

    @property
    def subject(self) -> str:
        """What it is about."""
        subject: str = self.event["subject"]
        return subject

    @property
    def number(self) -> int:
        """Where it stands in the history."""
        number: int = self.event["data"]["history_number"]
        return number


class FakeReceiver:
    """
    A `ports.WebhookSender` whose requests arrive at once, and are checked as a receiver checks them.

    Args:
        secrets: what requests are verified with: one of their signatures must be made with one of these.

    Attributes:
        received: what was taken, in order, also twice.
        orders: every request that was made, taken or not.
        answers: what the next requests are answered: an answer, or an exception, which is raised. 204 when there is
            none. It may be filled at any time.
        decide: instead, says what each request is answered; None: as `answers` say.

    >>> receiver = FakeReceiver()
    >>> receiver.answers.append(WebhookAnswer(status=500))
    """

    def __init__(self, secrets: Sequence[str] = (SECRET,)) -> None:
        self.secrets: Final = tuple(secrets)
        self.received: list[ReceivedWebhook] = []
        self.orders: list[WebhookOrder] = []
        self.answers: deque[WebhookAnswer | Exception] = deque()
        self.decide: Callable[[WebhookOrder], WebhookAnswer | Exception] | None = None

    def send(self, order: WebhookOrder) -> WebhookAnswer:
        """Take a request, or answer it as was planned. Raises: AssertionError, if it is not signed as it must be."""
        self.orders.append(order)
        self._verify(order)
        answer: WebhookAnswer | Exception = WebhookAnswer(status=204)
        if self.decide is not None:
            answer = self.decide(order)
        elif self.answers:
            answer = self.answers.popleft()
        if isinstance(answer, Exception):
            raise answer
        if 200 <= answer.status < 300:
            event = json.loads(order.body)
            self.received.append(
                ReceivedWebhook(endpoint=order.endpoint, webhook_id=order.webhook_id, event=event)
            )
        return answer

    def _verify(self, order: WebhookOrder) -> None:
        headers = order.headers
        assert headers["webhook-id"] == order.webhook_id, "the header does not say which event it is"
        signed = b".".join(
            [headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), order.body]
        )
        wanted = {
            "v1," + base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode("ascii")
            for secret in self.secrets
        }
        assert wanted & set(headers["webhook-signature"].split(" ")), "no signature is right"


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"))
