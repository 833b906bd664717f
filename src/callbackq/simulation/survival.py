"""
How long something lasts, learned from cases of which some were still going on when last seen.

A caller who was served after 40 s would have held for more than 40 s, nobody knows how much more: the case is
*censored* at 40 s. To leave such cases out, or to take them for ended, makes everything look shorter than it is.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

import attrs


class Seen(NamedTuple):
    """
    One case.

    Args:
        for_s: how long it was seen to last, in seconds; 0 or more.
        ended: whether it ended then; else it was still going on.
    """

    for_s: float
    ended: bool


@attrs.frozen(kw_only=True)
class Lasting:
    """
    The law of how long something lasts, in seconds.

    It ends only at instants at which a case was seen to end. What lasts beyond the longest case goes on without
    memory: exponential, with the mean `tail_mean_s`.

    Args:
        cases, ended: how many there were, and how many of them were seen to end.
        times_s: when cases ended, rising.
        beyond_ratio: for each of those, the share that lasts longer; falling.
        longest_s: the longest case, ended or not.
        tail_mean_s: seen time in all over cases that ended; None if none did, and all last for ever.
    """

    cases: int
    ended: int
    times_s: tuple[float, ...]
    beyond_ratio: tuple[float, ...]
    longest_s: float
    tail_mean_s: float | None

    def share_beyond(self, after_s: float) -> float:
        """
        Return the share that lasts longer than *after_s*, 0 to 1. O(log n).

        >>> law = kaplan_meier([Seen(1, True), Seen(2, False), Seen(3, True)])
        >>> [round(law.share_beyond(after_s), 3) for after_s in (0, 1, 2.5, 3)]
        [1.0, 0.667, 0.667, 0.0]
        """
        index = bisect_right(self.times_s, after_s)
        share = self.beyond_ratio[index - 1] if index else 1.0
        if after_s > self.longest_s and self.tail_mean_s:
            return share * math.exp((self.longest_s - after_s) / self.tail_mean_s)
        return share

    def draw_s(self, chance: float, *, exceeding_s: float | None = None) -> float | None:
        """
        Return how long a case lasts, by inverting the law; for ever if None. O(log n).

        Args:
            chance: 0 to below 1, drawn evenly by the caller.
            exceeding_s: of a case that is known to last longer than this.

        >>> law = kaplan_meier([Seen(10, True), Seen(20, True), Seen(30, True), Seen(40, True)])
        >>> [law.draw_s(chance) for chance in (0, 0.24, 0.25, 0.99)]
        [10, 10, 20, 40]
        >>> [law.draw_s(chance, exceeding_s=20) for chance in (0, 0.49, 0.5)]
        [30, 30, 40]
        """
        left = 1.0 if exceeding_s is None else self.share_beyond(exceeding_s)
        wanted = left * (1 - chance)
        # The first time by which less than the wanted share is left: shares fall, so look for their negatives.
        index = bisect_right(self.beyond_ratio, -wanted, key=lambda share: -share)
        if exceeding_s is not None:
            index = max(index, bisect_right(self.times_s, exceeding_s))
        if index < len(self.times_s):
            return self.times_s[index]
        if self.tail_mean_s is None:
            return None
        tail_from_s = max(self.longest_s, exceeding_s or 0.0)
        share = self.share_beyond(tail_from_s)
        # Of none that were seen lasted so long: all that is known of this case is that it is in the tail.
        further = share / wanted if share else 1 / (1 - chance)
        return tail_from_s + self.tail_mean_s * math.log(further)

    def mean_of_ended_by_s(self, limit_s: float) -> float | None:
        """
        Return the mean of those that last *limit_s* at most; None if there are none. O(n).

        >>> kaplan_meier([Seen(4, True), Seen(6, True), Seen(300, True)]).mean_of_ended_by_s(60)
        5.0
        """
        weights: list[float] = []
        before = 1.0
        for time_s, share in zip(self.times_s, self.beyond_ratio, strict=True):
            if time_s > limit_s:
                break
            weights.append(before - share)
            before = share
        total = math.fsum(weights)
        if not total:
            return None
        return math.fsum(w * t for w, t in zip(weights, self.times_s, strict=False)) / total


def kaplan_meier(cases: Iterable[Seen]) -> Lasting:
    """
    Estimate the law from cases, some of them censored.

    At each instant at which d of the n cases that lasted so long end, the share that goes on falls by the factor
    1 - d/n (Kaplan and Meier, JASA 53, 1958, 457-481). A case that was last seen at the very instant counts among
    the n. The tail is that of an exponential law, whose mean is best estimated by seen time over endings
    (Brown et al., JASA 100, 2005, 36-50, for patience).

    >>> kaplan_meier([Seen(1, True), Seen(2, False), Seen(3, True), Seen(4, False)]).beyond_ratio
    (0.75, 0.375)

    Cost: O(n log n).
    """
    rows = sorted(cases)
    times_s: list[float] = []
    beyond: list[float] = []
    left, share = len(rows), 1.0
    for time_s, group in groupby(rows, key=lambda row: row.for_s):
        flags = [row.ended for row in group]
        if any(flags):
            share *= 1 - sum(flags) / left
            times_s.append(time_s)
            beyond.append(share)
        left -= len(flags)
    ended = sum(row.ended for row in rows)
    return Lasting(
        cases=len(rows),
        ended=ended,
        times_s=tuple(times_s),
        beyond_ratio=tuple(beyond),
        longest_s=rows[-1].for_s if rows else 0.0,
        tail_mean_s=exponential_mean_s(rows),
    )


def exponential_mean_s(cases: Iterable[Seen]) -> float | None:
    """
    Return the mean of an exponential law of these cases: seen time over endings; None if none ended.

    >>> exponential_mean_s([Seen(100, False), Seen(300, True), Seen(0, False)])
    400.0
    """
    rows = list(cases)
    ended = sum(row.ended for row in rows)
    return math.fsum(row.for_s for row in rows) / ended if ended else None
