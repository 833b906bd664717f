"""Who wants to be left alone. Everything that changes an `OptOut` is in this file."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import attrs

from callbackq.core.decision import Decision, told
from callbackq.events import OptOutChanged
from callbackq.ids import TenantId
from callbackq.model import Medium, OptOut


def not_opted_out(tenant_id: TenantId, number_key: str, *, now: datetime) -> OptOut:
    """Return what is known of a number of which nothing was ever said. It is not stored: its version is 0."""
    return OptOut(tenant_id=tenant_id, number_key=number_key, version=0, changed_at=now)


def change(
    before: OptOut, media: Collection[Medium], *, wanted: bool, by: str | None, now: datetime
) -> Decision:
    """
    Let no calls or messages go to a number any more, or let them go again. What changes nothing writes nothing.

    Args:
        media: of what; the rest stays as it is.
        wanted: whether they are wanted again. Who is opted out already stays so since then.
    """
    calls_at, messages_at = before.calls_at, before.messages_at
    if Medium.CALLS in media:
        calls_at = None if wanted else calls_at or now
    if Medium.MESSAGES in media:
        messages_at = None if wanted else messages_at or now
    if (calls_at, messages_at) == (before.calls_at, before.messages_at):
        return Decision()
    record = attrs.evolve(
        before,
        version=before.version + 1,
        calls_at=calls_at,
        messages_at=messages_at,
        by=by,
        changed_at=now,
    )
    event = told(OptOutChanged, record, at=now, due_at=None, due_reason=None)
    return Decision(records=(record,), events=(event,))
