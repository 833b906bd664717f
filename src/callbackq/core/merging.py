"""Two promises to one person become one: which ends, and what the other takes over."""

from __future__ import annotations

from datetime import datetime

import attrs

from callbackq.core.decision import Decision
from callbackq.core.lifecycle import Command, dedup_key_or_none, end, place
from callbackq.core.placing import Stand
from callbackq.events import CallbackMerged
from callbackq.model import Callback, Outcome, Purpose
from callbackq.policy import QueuePolicy


def merge(
    callback: Callback, into: Callback, *, stand: Stand, policy: QueuePolicy, now: datetime
) -> Decision:
    """
    Let one promise to a person take up another: *callback* ends as REPLACED, *into* has the better place.

    Raises:
        NotPossibleNow: one of them is being attempted, or has ended.
    """
    ended = end(
        callback,
        Command.MERGE,
        outcome=Outcome.REPLACED,
        now=now,
        reason="merged",
        merged_into_id=into.callback_id,
    )
    asked = _asked_last(callback, into)
    both = attrs.evolve(
        into,
        owner_id=into.owner_id or callback.owner_id,
        ticket_id=into.ticket_id or callback.ticket_id,
        dedup_key=into.dedup_key or _key_left(callback, into, policy=policy),
        expires_at=max(into.expires_at, callback.expires_at),
        number_index=min(into.number_index, callback.number_index),
        purpose=asked.purpose,
        consent_at=asked.consent_at,
        consent_ref=asked.consent_ref,
    )
    more = {"merged_id": callback.callback_id}
    return ended + place(
        both, CallbackMerged, stand=stand, policy=policy, reason="merged", now=now, more=more
    )


def _asked_last(callback: Callback, into: Callback) -> Callback:
    """Return which of the two the customer agreed to last; the one that goes on, if they asked for neither."""
    asked = [one for one in (into, callback) if one.purpose is Purpose.REQUESTED] or [into]
    return max(asked, key=lambda one: max(one.consent_at or one.requested_at, one.requested_at))


def _key_left(callback: Callback, into: Callback, *, policy: QueuePolicy) -> str | None:
    """The key that the other one lets go of, where it is the one that would have been this one's."""
    own = dedup_key_or_none(into.subject_id, policy=policy)
    return own if own == callback.dedup_key else None
