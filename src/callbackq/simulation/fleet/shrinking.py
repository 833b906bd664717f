"""
Makes a failing world small: leaves out people, nodes, agents, incidents and bad luck, as long as it fails alike.

The way is delta debugging: of each part of the plan first the halves are left out, then the quarters, down to the
single ones, and again until nothing can be left out. What hit by chance is first written down by name, so that each
piece of bad luck can be left out by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar

import attrs

from callbackq.simulation.fleet.plan import FleetPlan, PersonPlan, ProcessPlan
from callbackq.simulation.fleet.playing import FleetReport, play

T = TypeVar("T")
PLAYS_MAX: Final = 600
_ZERO: Final = timedelta(0)
_SECOND: Final = timedelta(seconds=1)


@attrs.frozen(kw_only=True)
class Shrunk:
    """
    A small world that fails as the large one does.

    Args:
        check: the check that finds something in both.
        plays_count: how many worlds were played to find it.
    """

    plan: FleetPlan
    report: FleetReport
    check: str
    plays_count: int


def shrink(
    plan: FleetPlan,
    report: FleetReport,
    *,
    check: str | None = None,
    plays_max: int = PLAYS_MAX,
    progress: Callable[[int, str], None] = lambda _plays, _words: None,
) -> Shrunk:
    """
    Return a small world in which the same check finds something.

    Args:
        report: what came of the plan, with findings.
        check: which check must find something still; the first that did if None.
        plays_max: so many worlds are played at most.
        progress: told how many were played, and how large the smallest is by now.

    Raises:
        ValueError: nothing was found, or not by this check.
    """
    checks = [finding.check for finding in report.findings]
    if not checks or (check is not None and check not in checks):
        raise ValueError("nothing was found, so there is nothing to be made small")
    search = _Search(
        plan=plan, report=report, check=check or checks[0], plays_max=plays_max, progress=progress
    )
    search.run()
    return Shrunk(plan=search.plan, report=search.report, check=search.check, plays_count=search.plays_count)


@attrs.define(kw_only=True)
class _Search:
    """The smallest world so far, and the way on."""

    plan: FleetPlan
    report: FleetReport
    check: str
    plays_max: int
    progress: Callable[[int, str], None]
    plays_count: int = 0

    def run(self) -> None:
        self._try(attrs.evolve(self.plan, only=frozenset(self.report.happened)))
        self._cut_short()
        before = None
        while before != self.plan and self.plays_count < self.plays_max:
            if before is None:
                self._drop_kinds()
            before = self.plan
            self._drop("people", least=0)
            self._drop("incidents", least=0)
            self._drop("nodes", least=1)
            self._drop("meddlings", least=0)
            self._drop_bad_luck()
            self._drop("webs", least=0)
            self._drop("workers", least=0)
            self._simplify()
            self._cut_short()

    def _cut_short(self) -> None:
        """Leave the world as soon as the check has found what it finds."""
        times = [one.at for one in self.report.findings if one.check == self.check and one.at is not None]
        if times:
            after = min(times) - self.plan.starts_at + _SECOND
            if after > _ZERO and (self.plan.ends_after is None or after < self.plan.ends_after):
                self._try(attrs.evolve(self.plan, ends_after=after))

    # ------------------------------------------------------------------ what is left out

    def _drop_kinds(self) -> None:
        """Leave out all bad luck of one kind."""
        if self.plan.only is None:
            return
        for kind in sorted({_kind_of(name) for name in self.plan.only}):
            kept = frozenset(name for name in self.plan.only if _kind_of(name) != kind)
            if kept != self.plan.only:
                self._try(attrs.evolve(self.plan, only=kept))

    def _drop_bad_luck(self) -> None:
        if self.plan.only is None:
            return
        met = set(self.report.happened)
        self._try(attrs.evolve(self.plan, only=self.plan.only & met))

        def with_only(names: Sequence[str]) -> FleetPlan:
            return attrs.evolve(self.plan, only=frozenset(names))

        self._drop_from(sorted(self.plan.only), with_only, least=0)

    def _drop(self, part: str, *, least: int) -> None:
        def with_only(kept: Sequence[Any]) -> FleetPlan:
            return _with(self.plan, part, kept)

        self._drop_from(getattr(self.plan, part), with_only, least=least)

    def _drop_from(
        self, parts: Sequence[T], with_only: Callable[[Sequence[T]], FleetPlan], *, least: int
    ) -> None:
        """Leave out as many as can be: in large pieces first, and then in ever smaller ones."""
        kept, size = list(parts), max(len(parts), 1)
        while size >= 1:
            start = 0
            while start < len(kept):
                rest = kept[:start] + kept[start + size :]
                if len(rest) >= least and len(rest) < len(kept) and self._try(with_only(rest)):
                    kept = rest
                else:
                    start += size
            size //= 2

    def _simplify(self) -> None:
        """Let clocks agree, and people do nothing besides."""
        for part in ("nodes", "webs"):
            for index, process in enumerate(getattr(self.plan, part)):
                plain: ProcessPlan = attrs.evolve(process, skew=_ZERO, drift_ratio=0.0)
                self._replace(part, index, plain)
        for index, person in enumerate(self.plan.people):
            for change in ({"asks_again_after": None}, {"opts_out_after": None}, {"books": False}):
                now_is: PersonPlan = self.plan.people[index]
                self._replace("people", index, attrs.evolve(now_is, **change))
            wisher = attrs.evolve(person.wisher, alternatives=(), skills=(), preferred=None)
            self._replace("people", index, attrs.evolve(self.plan.people[index], wisher=wisher))
        for index, policy in enumerate(self.plan.policies):
            if policy.messages is not None:
                self._replace("policies", index, attrs.evolve(policy, messages=None))

    def _replace(self, part: str, index: int, plain: Any) -> None:
        every = list(getattr(self.plan, part))
        if every[index] != plain:
            every[index] = plain
            self._try(_with(self.plan, part, every))

    # ------------------------------------------------------------------ whether it fails alike

    def _try(self, plan: FleetPlan) -> bool:
        """Keep the smaller plan if the same check finds something in it."""
        if self.plays_count >= self.plays_max:
            return False
        self.plays_count += 1
        _, report = play(plan)
        fails = any(finding.check == self.check for finding in report.findings)
        if fails:
            self.plan, self.report = plan, report
        self.progress(self.plays_count, size_of(self.plan))
        return fails


def _with(plan: FleetPlan, part: str, kept: Sequence[Any]) -> FleetPlan:
    changes: dict[str, Any] = {part: tuple(kept)}
    return attrs.evolve(plan, **changes)


def _kind_of(name: str) -> str:
    return name.split("/", maxsplit=1)[0]


def size_of(plan: FleetPlan) -> str:
    """Say in words how large a world is."""
    parts = [
        f"{len(plan.people)} people",
        f"{len(plan.nodes)} nodes",
        f"{len(plan.webs)} web processes",
        f"{len(plan.workers)} agents",
        f"{len(plan.incidents)} incidents",
    ]
    if plan.only is not None:
        parts.append(f"{len(plan.only)} pieces of bad luck")
    return ", ".join(parts)
