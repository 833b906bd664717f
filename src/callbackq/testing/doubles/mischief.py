"""What a phone system does to its own events on a bad day: says them twice, late, and in another order. By a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import attrs

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Rates:
    """
    How often what happens, each from 0 to 1, and within which time.

    Args:
        doubled_ratio: of all events, how many come twice.
        delayed_ratio: how many come late, by up to *delay_max_s*.
        shuffled_ratio: how many come a little after others that happened later, by up to *shuffle_max_s*.
    """

    doubled_ratio: float = 0.0
    delayed_ratio: float = 0.0
    shuffled_ratio: float = 0.0
    delay_max_s: float = 0.2
    shuffle_max_s: float = 0.01


HONEST: Final = Rates()
BAD_DAY: Final = Rates(doubled_ratio=0.05, delayed_ratio=0.05, shuffled_ratio=1.0)
"""Every event may come after later ones, and one in twenty comes twice, another one late."""


class Mischief:
    """
    Says when each event is sent, and how often. The same seed and events give the same answers.

    Args:
        seed: of the chance.
        rates: how bad the day is.

    >>> Mischief(1).times_s()
    (0.0,)
    """

    def __init__(self, seed: int, *, rates: Rates = HONEST) -> None:
        self._chance: Final = random.Random(seed)
        self.rates = rates
        self.doubled_count = 0
        self.delayed_count = 0

    def times_s(self) -> tuple[float, ...]:
        """Return after which times an event is sent, in seconds from now: mostly one, and 0."""
        chance, rates = self._chance, self.rates
        wait_s = 0.0
        if chance.random() < rates.shuffled_ratio:
            wait_s += chance.random() * rates.shuffle_max_s
        if chance.random() < rates.delayed_ratio:
            self.delayed_count += 1
            wait_s += chance.random() * rates.delay_max_s
        if chance.random() < rates.doubled_ratio:
            self.doubled_count += 1
            return (wait_s, wait_s + chance.random() * rates.delay_max_s)
        return (wait_s,)

    def send(self, event: T, *, now: Callable[[T], None], later: Callable[[float, T], object]) -> None:
        """Send one event: *now*, if it is on time, and *later* after so many seconds."""
        for wait_s in self.times_s():
            if wait_s:
                later(wait_s, event)
            else:
                now(event)

    def shuffled(self, events: Iterable[T]) -> list[T]:
        """Return events in an order by chance, where the rates shuffle at all."""
        found = list(events)
        if self.rates.shuffled_ratio:
            self._chance.shuffle(found)
        return found
