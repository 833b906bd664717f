"""
Chance that can be taken back: every draw has a name, and what hit can be replayed one by one.

A stream of random numbers would change as a whole with the first thing that is left out. Here each draw follows from
the seed and from what it is about, so a smaller world meets the same bad luck where it meets any.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from hashlib import blake2b
from random import Random
from typing import Final

_BITS: Final = 53


class Chance(Random):
    """
    Draws by name. As a `Random` it draws in the name of the present topic.

    Args:
        seed: everything follows from it.
        ratios: how often each kind of bad luck hits, 0 to 1; one that is missing never does.
        only: the bad luck that hits, by the names in `happened`; None: as the ratios say.
        when: says what time it is. It is a part of every name: what is left out earlier changes no name.

    Attributes:
        happened: the names of what hit, in order.
        topic: what is being drawn about.

    >>> chance = Chance(7, {"crash": 1.0})
    >>> chance.hits("crash", "node-1")
    True
    >>> chance.happened
    ['crash/node-1//1']
    >>> Chance(7, {"crash": 1.0}, only=[]).hits("crash", "node-1")
    False
    """

    def __init__(
        self,
        seed: int,
        ratios: Mapping[str, float],
        *,
        only: Collection[str] | None = None,
        when: Callable[[], str] = str,
    ) -> None:
        super().__init__(0)
        self._name: Final = str(seed)
        self._when: Final = when
        self._only: Final = None if only is None else frozenset(only)
        self._counts: Final[Counter[str]] = Counter()
        self.ratios: Final = dict(ratios)
        self.happened: Final[list[str]] = []
        self.topic = ""

    def hits(self, kind: str, about: str) -> bool:
        """Whether it hits now. Each time that this is asked about something is another draw."""
        ratio = self.ratios.get(kind, 0.0)
        if ratio <= 0:
            return False
        name = self._next(f"{kind}/{about}/{self._when()}")
        hit = self.share(name) < ratio if self._only is None else name in self._only
        if hit:
            self.happened.append(name)
        return hit

    def share(self, name: str) -> float:
        """Draw between 0 and 1: the same for the same name."""
        digest = blake2b(f"{self._name}/{name}".encode(), digest_size=8).digest()
        return (int.from_bytes(digest) >> (64 - _BITS)) / (1 << _BITS)

    def length(self, name: str, most: timedelta) -> timedelta:
        """Draw a duration in whole milliseconds: short ones as often as long ones."""
        share = self.share(f"{name}/length")
        return timedelta(milliseconds=int(most.total_seconds() * 1000 * share**3) + 1)

    def random(self) -> float:
        """Draw between 0 and 1 in the name of the topic."""
        return self.share(self._next(f"/{self.topic}"))

    def calm(self) -> None:
        """From now on nothing hits."""
        self.ratios.clear()

    def _next(self, name: str) -> str:
        self._counts[name] += 1
        return f"{name}/{self._counts[name]}"
