"""
What may leave the store, and how the history tells of it.

What is over is removed as a whole: a callback with its attempts, bookings and messages, when all of them have ended
before a date; a live call; a seat that was only held; an answer to a stranger. An agent and a queue never end: of them
the events are removed before the last one that says all there is to say, so that what is left still builds the row.

Each removal is told by one `HistoryPruned`, which seals the last links of what it removed. So a chain that is gone was
pruned if somebody kept its last link (`PrunedHeads`), and the seal of a pruning is over it; all else was taken away.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Final

import attrs

from callbackq.events import AgentSignedIn, Event, HistoryPruned, QueueSwitched
from callbackq.ids import TenantId
from callbackq.model import (
    AgentState,
    Attempt,
    Booking,
    Callback,
    ChainHead,
    Entity,
    LiveCall,
    Message,
)
from callbackq.policy import Caps, QueuePolicy
from callbackq.policy.limits import PERIOD_MAX
from callbackq.ports import HistoryTrace

PRUNED: Final = "pruned"
"""The id of the chain of prunings."""

_WHOLE: Final[Mapping[str, str | None]] = MappingProxyType(
    {AgentSignedIn.kind: AgentState.AVAILABLE.value, QueueSwitched.kind: None}
)
"""The kinds of event that say all of their record, and in which state it must be for that."""

KEPT_MIN: Final = timedelta(days=7)
"""What ended so lately is never removed: messages, links and calls under way may speak of it."""

Key = tuple[Entity, str]
_ENDLESS: Final = (Entity.AGENT, Entity.QUEUE)

Leaving = Callback | LiveCall | Attempt | Booking | Message


def kept_min(policies: Iterable[QueuePolicy], *, caps: Caps) -> timedelta:
    """
    Return how long ago what is removed must have ended at least: as far as any rule looks back at it.

    Where no policy is known that is as far as rules about numbers can look.
    """
    known = list(policies)
    if not known:
        return PERIOD_MAX
    windows = [KEPT_MIN, *_number_period(caps)]
    for policy in known:
        windows += [policy.no_shows_window, policy.missed_life, policy.follows_within]
        windows += _number_period(policy.caps)
        for rule in policy.calling.rules if policy.calling is not None else ():
            windows += [limit.period for limits in rule.limits.values() for limit in limits]
    return max(windows)


def _number_period(caps: Caps) -> list[timedelta]:
    return [caps.number_period] if caps.attempts_per_number_max is not None else []


def is_over(record: Leaving, *, before: datetime) -> bool:
    """Whether a record has ended, and before a date."""
    return record.ended_at is not None and record.ended_at < before


def is_whole(trace: HistoryTrace) -> bool:
    """Whether an event says all of its record, so that those before it are not needed to build it."""
    return trace.kind in _WHOLE and trace.state == _WHOLE[trace.kind]


@attrs.frozen(kw_only=True)
class Cuts:
    """
    Which chains can be shortened, as far as the history was walked.

    `tails` is the last event of each agent and queue that was met, and is there; `found` are those that stand right
    before a whole event, which is left: the events up to there may go.
    """

    tails: Mapping[Key, ChainHead] = attrs.field(factory=dict[Key, ChainHead])
    found: Mapping[Key, ChainHead] = attrs.field(factory=dict[Key, ChainHead])

    def walked(self, traces: Iterable[HistoryTrace], *, before: datetime) -> Cuts:
        """Return the same after some more events, of which a chain may begin with one that is older than a date."""
        tails, found = dict(self.tails), dict[Key, ChainHead]()
        for one in traces:
            if one.entity not in _ENDLESS:
                continue
            key = one.entity, one.record_id
            if key in tails and is_whole(one) and one.at < before:
                found[key] = tails[key]
            tails[key] = ChainHead(
                entity=one.entity,
                record_id=one.record_id,
                events_count=one.event_number,
                digest=one.digest,
            )
        return Cuts(tails=tails, found=found)


def digest_of_heads(heads: Iterable[ChainHead]) -> str:
    """
    Seal the last links of chains: SHA-256, in hex, over one line of JSON for each, sorted. Their order is of no matter.

    >>> digest_of_heads([])[:16]
    'e3b0c44298fc1c14'
    """
    lines = sorted(
        json.dumps([one.entity.value, one.record_id, one.events_count, one.digest]) for one in heads
    )
    return sha256("\n".join(lines).encode("ascii")).hexdigest()


def name_of_chain(entity: Entity, record_id: str) -> str:
    """Return the name of a chain in `HistoryPruned.cut`."""
    return f"{entity.value} {record_id}"


def prunings_of(events: Iterable[Event]) -> dict[Key, set[tuple[int, str]]]:
    """Return of which chains the beginning was removed: up to which events, with their digests."""
    found: dict[Key, set[tuple[int, str]]] = {}
    for event in events:
        if isinstance(event, HistoryPruned):
            for name, place in event.cut.items():
                (entity, _, record_id), (count, _, digest) = name.partition(" "), place.partition(" ")
                found.setdefault((Entity(entity), record_id), set()).add((int(count), digest))
    return found


def told(
    heads: Sequence[ChainHead],
    cut: Sequence[ChainHead],
    *,
    tenant_id: TenantId,
    number: int,
    events_count: int,
    before: datetime,
    by: str | None,
    now: datetime,
) -> HistoryPruned:
    """Return what the history tells of one pruning: of whole chains, and of chains that go on."""
    return HistoryPruned(
        tenant_id=tenant_id,
        version=number,
        at=now,
        due_at=None,
        due_reason=None,
        history_id=PRUNED,
        ended_before_at=before,
        chains_count=len(heads),
        events_count=events_count,
        heads_digest=digest_of_heads(heads),
        cut={name_of_chain(one.entity, one.record_id): f"{one.events_count} {one.digest}" for one in cut},
        by=by,
    )


def without_contexts(
    contexts: Mapping[str, Mapping[str, str]], ids: Iterable[str]
) -> dict[str, Mapping[str, str]]:
    """Return a person's free fields without those of the callbacks and live calls that go."""
    gone = set(ids)
    return {key: fields for key, fields in contexts.items() if key not in gone}
