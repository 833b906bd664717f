"""Limits of requests: what counting costs, what a request costs with all four, and how many a second are refused."""

from __future__ import annotations

import itertools
from datetime import timedelta

from harness import median_us, table
from line import STORES

from callbackq import CallbackService, Limit, QueuePolicy, RequestLimits, Store, TooManyRequests
from callbackq.core.limits import Reached, count
from callbackq.ids import DEFAULT_TENANT
from callbackq.model import Tally
from callbackq.testing import ManualClock

BATCH = 200
GOAL_PER_MIN = 100_000
PER_MIN = (10, 64, 1_000, 100_000)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PLENTY = 10_000_000


# ---------------------------------------------------------------------------- counting alone


def counting(per_min: int) -> list[str]:
    """Count for a while at this rate; then go on, and be refused by a limit that is reached just so."""
    now, gap = ManualClock().now(), MINUTE / per_min
    kept: Tally | None = None
    for _ in range(min(2 * per_min, 20_000)):
        now += gap
        after = count(kept, [Limit(PLENTY, MINUTE)], tenant_id=DEFAULT_TENANT, key="all", now=now)
        assert isinstance(after, Tally)
        kept = after

    def counted() -> int:
        tally, at = kept, now
        for _ in range(BATCH):
            at += gap
            after = count(tally, [Limit(PLENTY, MINUTE)], tenant_id=DEFAULT_TENANT, key="all", now=at)
            assert isinstance(after, Tally)
            tally = after
        return BATCH

    def refused() -> int:
        limits = [Limit(min(per_min, 20_000), MINUTE)]
        for _ in range(BATCH):
            after = count(kept, limits, tenant_id=DEFAULT_TENANT, key="all", now=now)
            assert isinstance(after, Reached)
        return BATCH

    assert kept is not None
    costs = [median_us(work, runs=21) for work in (counted, refused)]
    return [f"{per_min:,}", f"{len(kept.moments)}", *(f"{cost:.1f}" for cost in costs)]


# ---------------------------------------------------------------------------- requests


class Desk:
    """One queue with these limits, on one store. Each request is another person's, a microsecond after the last."""

    def __init__(self, store: Store, queue: str, most: int, *, is_limited: bool = True) -> None:
        self.clock, self.queue = ManualClock(), queue
        self.numbers = itertools.count()
        each = (Limit(most, MINUTE), Limit(most, DAY))
        limits = RequestLimits(per_number=each, per_source=each, in_queue=each)
        self.service = CallbackService(
            store,
            [
                QueuePolicy(
                    queue=queue, limits=limits if is_limited else RequestLimits(), pending_max=1_000_000
                )
            ],
            clock=self.clock,
            tenant_id=queue,
            limits=each if is_limited else (),
        )

    def request(self, key: str | None = None) -> None:
        """Ask for one callback."""
        number = next(self.numbers)
        self.clock.advance(timedelta(microseconds=1))
        self.service.request(
            self.queue, number=f"+1212{2_000_000 + number:07d}", source="192.0.2.1", request_key=key
        )

    def taken(self) -> int:
        for _ in range(BATCH):
            self.request()
        return BATCH

    def refused(self, *, has_key: bool) -> int:
        """Ask as often for what is exhausted; with a request key the store has to be asked."""
        for number in range(BATCH):
            try:
                self.request(f"form:{number}" if has_key else None)
            except TooManyRequests:
                continue
            raise AssertionError("taken")
        return BATCH


def on_store(name: str) -> list[str]:
    """Return the row of one store."""
    opened, _ = STORES[name]
    with opened() as store:
        plain, limited = Desk(store, "plain", PLENTY, is_limited=False), Desk(store, "limited", PLENTY)
        full = Desk(store, "full", 1)
        full.request()
        plain_us, limited_us = (median_us(desk.taken, runs=9) for desk in (plain, limited))
        flood_us = median_us(lambda: full.refused(has_key=False), runs=9)
        keyed_us = median_us(lambda: full.refused(has_key=True), runs=9)
    return [
        name,
        f"{plain_us:.0f}",
        f"{limited_us:.0f}",
        f"{limited_us / plain_us:.2f}",
        *(f"{1e6 / cost:,.0f}" for cost in (flood_us, keyed_us)),
        f"{60e6 / flood_us / GOAL_PER_MIN:.1f}",
    ]


def run() -> str:
    alone = table(
        "Counting one more, against one limit of a minute",
        ["a minute", "moments kept", "counted us", "refused us"],
        map(counting, PER_MIN),
    )
    heads = ["store", "no limit us", "four us", "times", "refused/s", "with a key /s", "of 100,000/min"]
    title = "Requests under four limits, of two periods each; and a flood of them that is refused"
    return f"{alone}\n{table(title, heads, map(on_store, STORES))}"
