"""
How many requests are taken: one is counted against every limit that it falls under, or is refused.

Counters are kept under digests: no number and no source stands in the store. `Flood` remembers which are exhausted, so
that a flood of requests that are refused does not reach the store.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from typing import Final

import attrs

from callbackq.core.limits import Reached, count
from callbackq.core.numbers import number_key
from callbackq.errors import TooManyRequests
from callbackq.ids import QueueName, TenantId
from callbackq.model import Tally
from callbackq.policy import Limit, RequestLimits
from callbackq.ports import Transaction

KEYS_MAX: Final = 65_536
"""So many exhausted counters a service remembers."""


@attrs.frozen
class LimitKey:
    """One counter that a request falls under. `name` is what `TooManyRequests.limit` says."""

    name: str
    key: str
    limits: tuple[Limit, ...]


def keys_of(
    *,
    limits: RequestLimits,
    all_limits: tuple[Limit, ...],
    queue: QueueName,
    number: str | None,
    source: str | None,
    tenant_id: TenantId,
    pepper: bytes,
) -> tuple[LimitKey, ...]:
    """
    Return the counters that a request falls under: none, where nothing is limited.

    Args:
        number: in E.164; None if it is not known yet: then it is left out.
        source: where the request came from; None if nobody said: then it is left out.
    """
    keys: list[LimitKey] = []
    if limits.per_number and number is not None:
        digest = number_key(number, tenant_id=tenant_id, pepper=pepper)
        keys.append(LimitKey("per_number", f"number/{queue}/{digest}", limits.per_number))
    if limits.per_source and source is not None:
        digest = number_key(source, tenant_id=tenant_id, pepper=pepper)
        keys.append(LimitKey("per_source", f"source/{queue}/{digest}", limits.per_source))
    if limits.in_queue:
        keys.append(LimitKey("in_queue", f"queue/{queue}", limits.in_queue))
    if all_limits:
        keys.append(LimitKey("in_all", "all", all_limits))
    return tuple(keys)


def count_all(tx: Transaction, keys: Sequence[LimitKey], *, tenant_id: TenantId, now: datetime) -> None:
    """
    Count one more under each of *keys*, or under none. Call it early: see `TallyTable.locked`.

    Raises:
        TooManyRequests: a limit is reached, and nothing was counted. Of several it names the one that is waited for.

    Cost: without keys the store is not asked. Else once; and one write for each key, if it is counted.
    """
    if not keys:
        return
    held = tx.tallies.locked([one.key for one in keys])
    counted: list[Tally] = []
    reached: list[tuple[datetime, str]] = []
    for one in keys:
        after = count(held.get(one.key), one.limits, tenant_id=tenant_id, key=one.key, now=now)
        if isinstance(after, Reached):
            reached.append((after.again_at, one.name))
        else:
            counted.append(after)
    if reached:
        again_at, name = max(reached)
        raise TooManyRequests(name, again_at)
    for tally in counted:
        tx.save(tally)


class Flood:
    """
    Remembers which counters are exhausted, and until when, so that the store need not be asked.

    It knows only what was refused through it, and forgets the oldest when it is full: the store has the last word on
    every request that is let through. A counter that is exhausted stays so until its time, whatever other nodes do.
    Safe to share between threads; one for each service, since keys know no tenant.
    """

    def __init__(self, *, keys_max: int = KEYS_MAX) -> None:
        self._keys_max: Final = keys_max
        self._until: Final[dict[str, tuple[datetime, datetime]]] = {}
        self._lock: Final = Lock()

    def refusal(self, keys: Sequence[LimitKey], *, now: datetime) -> TooManyRequests | None:
        """
        Return why a request is refused, where it is known already.

        A request that was made before, under the same request key, has its receipt all the same: look for that first.
        Nothing is known before the time of the refusal that was seen: a clock that went back asks the store.

        Cost: a microsecond or two.
        """
        found: TooManyRequests | None = None
        for one in keys:
            seen_at, until_at = self._until.get(one.key, (now, now))
            if seen_at <= now < until_at and (found is None or until_at > found.again_at):
                found = TooManyRequests(one.name, until_at)
        return found

    @contextmanager
    def watch(self, keys: Sequence[LimitKey], *, now: datetime) -> Generator[None]:
        """Remember the counter that a transaction within this block finds exhausted. The block holds one request."""
        try:
            yield
        except TooManyRequests as error:
            self._remember(keys, error, now=now)
            raise

    def _remember(self, keys: Sequence[LimitKey], error: TooManyRequests, *, now: datetime) -> None:
        for one in keys:
            if one.name == error.limit:
                with self._lock:
                    self._until.pop(one.key, None)
                    while len(self._until) >= self._keys_max:
                        del self._until[next(iter(self._until))]
                    self._until[one.key] = (now, error.again_at)
