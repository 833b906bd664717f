"""Webhooks: how far each endpoint was told what happened, and what is sent to it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import attrs

from callbackq.ids import CallbackId, NodeId, TenantId


class WebhookState(enum.StrEnum):
    """What a row of an endpoint stands for. `core.webhooks` says what follows."""

    OPEN = "open"
    """The endpoint itself: it is sent what happens."""
    DISABLED = "disabled"
    """The endpoint itself: it said that it is gone, or somebody closed it. Nothing is sent until it is opened again."""
    BEHIND = "behind"
    """One callback, or another record: one of its events could not be delivered yet, and the later ones wait for it."""
    UNDELIVERED = "undelivered"
    """One event that could not be delivered for too long. It is sent by a replay, and not otherwise."""


@attrs.frozen(kw_only=True)
class Webhook:
    """
    How far an endpoint was told: one row for itself, and one for each record whose events it has not taken yet.

    `about` is empty for the endpoint itself; else it says whose events these are, or which one. `position` is the
    `history_number` up to which everything is settled; of an event that was not delivered, its own. An endpoint is
    served by the node that has its lease, and rests until `rests_until_at`. There is no history of these rows.
    """

    tenant_id: TenantId
    endpoint: str
    about: str
    version: int
    state: WebhookState
    position: int
    callback_id: CallbackId | None = None
    tries_count: int = 0
    failing_since_at: datetime | None = None
    rests_until_at: datetime | None = None
    last_error: str | None = None
    delivered_at: datetime | None = None
    node_id: NodeId | None = None
    lease_until_at: datetime | None = None


def _host_of(url: str) -> str:
    """Show no more of an address than its host: the rest may hold a secret."""
    return repr(urlsplit(url).hostname)


@attrs.frozen(kw_only=True)
class WebhookOrder:
    """
    One request that a `WebhookSender` is to make: POST `body` to `url` with these headers.

    Args:
        time_max: how long it may take in all.
    """

    endpoint: str
    webhook_id: str
    url: str = attrs.field(repr=_host_of)
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    time_max: timedelta


@attrs.frozen(kw_only=True)
class WebhookAnswer:
    """
    What an endpoint answered.

    Args:
        status: of HTTP, 100 to 599.
        retry_after: the header of that name, as it came.
    """

    status: int
    retry_after: str | None = None
