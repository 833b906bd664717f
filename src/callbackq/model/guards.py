"""
What guards people and the company: counters of rolling windows, one-time codes, and who wants to be left alone.

None of them holds a number: a `number_key` is a keyed digest of one. They outlive the erasure of a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from callbackq.ids import CallbackId, QueueName, TenantId, VerificationId
from callbackq.masking import repr_masked


@attrs.frozen(kw_only=True)
class Tally:
    """
    What was counted lately under one key, for a limit over a rolling window.

    `moments` are instants in microseconds since 1970, in order, and `weights` how much was counted at each. After
    `over_at` none of them counts any more, and the row can be forgotten.
    """

    tenant_id: TenantId
    key: str
    version: int = 1
    moments: tuple[int, ...] = ()
    weights: tuple[int, ...] = ()
    over_at: datetime


@attrs.frozen(kw_only=True)
class Verification:
    """
    A one-time code that was sent to a number, to prove that it is the customer's.

    `code_hash` is a keyed digest of the code; it is gone once the code was used, or was tried too often. `tries_count`
    counts the wrong ones. `callback_id` is the callback for which it was used: it serves once.
    """

    tenant_id: TenantId
    verification_id: VerificationId
    version: int = 1
    number_key: str
    queue: QueueName
    code_hash: str | None = attrs.field(default=None, repr=False)
    tries_count: int = 0
    sent_at: datetime
    expires_at: datetime
    verified_at: datetime | None = None
    used_at: datetime | None = None
    callback_id: CallbackId | None = None


@attrs.frozen(kw_only=True)
class OptOut:
    """
    Who wants no calls, or no messages, at one number. Calls and messages share it.

    `calls_at` and `messages_at` are since when; None: they may be made, or sent. `by` is who said so, or how.
    """

    tenant_id: TenantId
    number_key: str
    version: int
    calls_at: datetime | None = None
    messages_at: datetime | None = None
    by: str | None = None
    changed_at: datetime


# ---------------------------------------------------------------------------- what a host is given


@attrs.frozen(kw_only=True)
class CodeOrder:
    """A one-time code that the host is to send to a number. The only place where the code itself stands."""

    verification_id: VerificationId
    queue: QueueName
    number: str = attrs.field(repr=repr_masked)
    code: str = attrs.field(repr=False)
    language: str | None = None
    expires_at: datetime


@attrs.frozen(kw_only=True)
class CodeSent:
    """A one-time code was sent: give its id with the code that the customer enters."""

    verification_id: VerificationId
    number_masked: str
    expires_at: datetime
    code_length: int


@attrs.frozen(kw_only=True)
class Preferences:
    """What one customer prefers, on every channel. See `CallbackService.set_preferences`."""

    number_masked: str | None = None
    language: str | None = None
    zone: str | None = attrs.field(default=None, repr=False)
    channel: str | None = None
    hours: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    tier: str | None = None
    email_masked: str | None = None


@attrs.frozen(kw_only=True)
class OptedOut:
    """What is known of a number: since when it wants no calls, or no messages."""

    calls_at: datetime | None = None
    messages_at: datetime | None = None


@attrs.frozen(kw_only=True)
class Erased:
    """What `erase` or `prune` did: how many persons have no data any more, and which callbacks it cancelled."""

    subjects_count: int
    cancelled: tuple[CallbackId, ...] = ()
    more: bool = False


@attrs.frozen(kw_only=True)
class Pruned(Erased):
    """
    What `prune` did.

    Besides the persons: how many callbacks and live calls were removed for good, with how many other rows (attempts,
    bookings, messages, counters of seats), and how many events of the history.
    """

    callbacks_count: int = 0
    calls_count: int = 0
    rows_count: int = 0
    events_count: int = 0
