"""In memory: does the cost of a position and of a claim stay O(log n), and how far from the bare structure is it?"""

from __future__ import annotations

import itertools
import os
import random
from datetime import timedelta
from typing import Any

from harness import median_us, ratio, table
from sortedcontainers import SortedList

from callbackq import CallbackService, Dispatcher, MemoryStore, QueuePolicy
from callbackq.testing import ManualClock

SIZES = (1_000, 10_000, 100_000, 1_000_000)
CALLBACKS_MAX = 100_000
"""Above it the line is filled up with live calls, which are made faster."""
BATCH = 200


class Bare:
    """The limit: a sorted list of (priority, sequence, id), and dicts for ids and for duplicates."""

    def __init__(self, size: int) -> None:
        self.counter = itertools.count()
        self.line: Any = SortedList()
        self.rows: dict[str, tuple[int, int, str]] = {}
        self.phones: dict[str, str] = {}
        for _ in range(size):
            self.enqueue()

    def enqueue(self) -> str:
        sequence = next(self.counter)
        key = os.urandom(16).hex()
        entry = (100, sequence, key)
        self.phones[f"+1212{sequence:07d}"] = key
        self.rows[key] = entry
        self.line.add(entry)
        return key

    def position(self, key: str) -> int:
        return int(self.line.bisect_left(self.rows[key])) + 1

    def claim(self) -> str:
        entry = self.line.pop(0)
        del self.rows[entry[2]]
        return str(entry[2])


class Full:
    """The library: the same line, with history, subjects, duplicates and due times."""

    def __init__(self, size: int) -> None:
        self.clock = ManualClock()
        policy = QueuePolicy(queue="support", offer_wait_min=timedelta(0))
        self.service = CallbackService(MemoryStore(), [policy], clock=self.clock)
        self.dispatcher = Dispatcher(self.service)
        self.counter = itertools.count()
        self.ids: list[str] = [self.enqueue() for _ in range(size)]

    def enqueue(self) -> str:
        number = next(self.counter)
        self.clock.advance(timedelta(microseconds=1))
        e164 = f"+1212{2_000_000 + number:07d}"
        return self.service.request("support", number=e164).callback_id

    def join(self) -> None:
        number = next(self.counter)
        self.clock.advance(timedelta(microseconds=1))
        self.service.call_joined("support", call_id=f"call-{number}")

    def claim(self) -> None:
        self.service.agent_available(f"agent-{next(self.counter)}", queues=["support"])
        assert self.dispatcher.step(self.clock.now())


def measured(size: int) -> list[str]:
    """Return the row of one size."""
    bare, full = Bare(size), Full(min(size, CALLBACKS_MAX))
    for _ in range(size - CALLBACKS_MAX):
        full.join()
    chance = random.Random(1)
    bare_keys = chance.sample(list(bare.rows), BATCH)
    full_keys = chance.sample(full.ids, BATCH)
    position_bare = median_us(lambda: sum(bool(bare.position(key)) for key in bare_keys))
    position_full = median_us(lambda: sum(bool(full.service.position(key)) for key in full_keys))
    enqueue_bare = median_us(lambda: sum(bool(bare.enqueue()) for _ in range(BATCH)))
    enqueue_full = median_us(lambda: sum(bool(full.enqueue()) for _ in range(BATCH)))
    claim_bare = median_us(lambda: sum(bool(bare.claim()) for _ in range(BATCH)))
    claim_full = median_us(lambda: len([full.claim() for _ in range(BATCH)]))
    return [
        f"{size:,}",
        *(f"{cost:.1f}" for cost in (enqueue_full, position_full, claim_full)),
        ratio(enqueue_bare, enqueue_full),
        ratio(position_bare, position_full),
        ratio(claim_bare, claim_full),
    ]


def run() -> str:
    heads = ["waiting", "request us", "position us", "sign in + claim us", "of bare", "of bare", "of bare"]
    title = "In memory (claim: an agent signs in, and a step starts an attempt)"
    return table(title, heads, map(measured, SIZES))
