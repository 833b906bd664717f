"""How webhooks are sent, which a host may do its own way; and what a store keeps of them, provisional before 1.0."""

from __future__ import annotations

from typing import Protocol

from callbackq.model import Webhook, WebhookAnswer, WebhookOrder


class WebhookSender(Protocol):
    """
    Makes one HTTP request. It decides nothing: no retry, no order.

    >>> from callbackq.model import WebhookAnswer
    >>> class TakesAll:
    ...     def send(self, order):
    ...         return WebhookAnswer(status=204)
    >>> TakesAll().send(None).status
    204
    """

    def send(self, order: WebhookOrder) -> WebhookAnswer:
        """
        POST `order.body` to `order.url` with `order.headers`, and return the answer, whatever it is.

        It follows no redirect, and returns or raises within `order.time_max`. No transaction is open. It may be called
        from several threads at once.

        Raises:
            Exception: nobody knows whether it arrived. It is sent again.
        """
        ...


class WebhookTable(Protocol):
    """How far the endpoints of one tenant were told."""

    def of_endpoint(self, endpoint: str) -> list[Webhook]:
        """Return all rows of one endpoint by what they are about: its own is the first. O(log n + found)."""
        ...

    def endpoints(self) -> list[Webhook]:
        """Return the own row of every endpoint, by name. O(rows)."""
        ...

    def remove(self, row: Webhook) -> None:
        """
        Delete a row, whatever its version: who may, has the row of its endpoint. One that is not there is no error.

        Raises:
            RuntimeError: the transaction is READ_ONLY, or over.
        """
        ...
