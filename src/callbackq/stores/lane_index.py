"""
Sets of skills as small numbers, kept in memory, so that the lanes which an agent can serve are found quickly.

The rule: each set stands in the list of one of its own skills, the one with the shortest list. Whoever has the
whole set has that skill too, so the lists of an agent's own skills lead to every lane that the agent can serve. A
skill that only one lane has, such as a preferred agent, keeps that lane out of everybody else's lists.
"""

from __future__ import annotations

from collections.abc import Iterable


class LaneIndex:
    """The sets of skills of one tenant. Lane 0 needs no skill; sets are only ever added, or the last taken back."""

    __slots__ = ("by_skill", "lane_of", "sets")

    def __init__(self) -> None:
        self.sets: list[frozenset[str]] = [frozenset()]
        self.lane_of: dict[frozenset[str], int] = {frozenset(): 0}
        self.by_skill: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self.sets)

    def add(self, skills: Iterable[str]) -> int:
        """Give a new set the next number. O(its skills)."""
        needed = frozenset(skills)
        lane = self.lane_of[needed] = len(self.sets)
        self.sets.append(needed)
        rarest = min(sorted(needed), key=lambda skill: len(self.by_skill.get(skill, ())))
        self.by_skill.setdefault(rarest, []).append(lane)
        return lane

    def take_back(self) -> None:
        """Undo the last `add`. O(its skills)."""
        needed = self.sets.pop()
        lane = self.lane_of.pop(needed)
        for skill in needed:
            lanes = self.by_skill.get(skill)
            if lanes is not None and lanes[-1] == lane:
                lanes.pop()
                if not lanes:
                    del self.by_skill[skill]

    def skills_of(self, lane: int) -> tuple[str, ...] | None:
        """Return the skills of a lane, sorted, or None where it is not known. O(its skills)."""
        return tuple(sorted(self.sets[lane])) if 0 <= lane < len(self.sets) else None

    def served_by(self, skills: Iterable[str]) -> tuple[int, ...]:
        """Return every lane whose skills are all among *skills*, lowest first. O(lanes in the lists of these)."""
        had = frozenset(skills)
        found = [lane for skill in had for lane in self.by_skill.get(skill, ()) if self.sets[lane] <= had]
        found.append(0)
        found.sort()
        return tuple(found)
