"""Plays plans and adds up what came of them: one, or many, on one processor or several."""

from __future__ import annotations

import traceback
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import attrs

from callbackq.model import Entity
from callbackq.ports import Store
from callbackq.simulation.fleet.accounts import Rows, findings_of, look, rows_of
from callbackq.simulation.fleet.plan import PEOPLE, FleetPlan, draw_plan
from callbackq.simulation.fleet.world import ERROR, Fleet
from callbackq.stores.memory import MemoryStore
from callbackq.stores.sqlite import Flush, SQLiteStore
from callbackq.testing.checkers import Finding
from callbackq.testing.telephony import Carried

BAD_MAX: Final = 20
"""So many worlds in which something was found are enough to look at: no more are begun."""
_AHEAD: Final = 8
"""So many worlds are begun for each process before they are counted."""


@attrs.frozen(kw_only=True)
class FleetReport:
    """
    What became of one world.

    Args:
        findings: what must not happen, and did. None of it is to be there.
        happened: the bad luck that hit, by name, in order.
        counts: of what there was: callbacks, attempts, dials, messages, take-overs.
        outcomes, dispositions: of the callbacks, and of the attempts.
        went_wrong: how often each kind of bad luck hit.
        error: the traceback of an error that ended the world.
    """

    seed: int
    findings: tuple[Finding, ...]
    happened: tuple[str, ...] = ()
    counts: Counter[str] = attrs.field(factory=Counter[str])
    outcomes: Counter[str] = attrs.field(factory=Counter[str])
    dispositions: Counter[str] = attrs.field(factory=Counter[str])
    went_wrong: Counter[str] = attrs.field(factory=Counter[str])
    error: str | None = None


def play(plan: FleetPlan, *, store: Store | None = None, taped: bool = False) -> tuple[Fleet, FleetReport]:
    """
    Play a plan, and check what came of it. An error of the engine's own is a finding.

    Args:
        store: where the rows are, empty; a new one in memory if None. It makes no difference to what happens.

    Cost: some 0.1 s in memory.

    >>> _, report = play(draw_plan(7, people=3))
    >>> report.findings
    ()
    """
    fleet = Fleet(plan, store=store, taped=taped)
    fleet.look = lambda tx, events: fleet.findings.extend(look(tx, events))
    try:
        fleet.play()
        rows = rows_of(fleet)
        found = (*fleet.findings, *findings_of(fleet, rows))
    except Exception as error:
        told = Finding(check=ERROR, what=f"{type(error).__name__}: {error}"[:200], which="the world", at=None)
        report = FleetReport(
            seed=plan.seed,
            findings=(*fleet.findings, told),
            happened=tuple(fleet.chance.happened),
            error=traceback.format_exc(),
        )
        return fleet, report
    return fleet, _report(fleet, rows, found)


def _report(fleet: Fleet, rows: Rows, found: tuple[Finding, ...]) -> FleetReport:
    attempts, callbacks = rows.of(Entity.ATTEMPT), rows.of(Entity.CALLBACK)
    kinds = Counter(one.event.kind for one in fleet.written)
    counts = Counter(
        {
            "callbacks": len(callbacks),
            "attempts": len(attempts),
            "dials": sum(line.what is Carried.DIALED for line in fleet.pbx.log),
            "messages taken": len(fleet.provider.lines),
            "bookings": kinds["booking_made"],
            "attempts taken over": kinds["attempt_taken_over"],
        }
    )
    happened = {str(fault): n for fault, n in fleet.pbx.happened.items() if n}
    return FleetReport(
        seed=fleet.plan.seed,
        findings=found,
        happened=tuple(fleet.chance.happened),
        counts=counts,
        outcomes=Counter(str(row.outcome) for row in callbacks),
        dispositions=Counter(str(row.disposition) for row in attempts),
        went_wrong=Counter({str(what): n for what, n in fleet.went_wrong.items() if what not in happened})
        + Counter(happened),
    )


# ---------------------------------------------------------------------------- stores


@contextmanager
def opened(kind: str) -> Generator[Store]:
    """
    Give an empty store, and close it: `memory`, or `sqlite` in a file of its own.

    Raises:
        ValueError: there is no such kind.
    """
    if kind == "memory":
        yield MemoryStore(pepper=bytes(32))
    elif kind == "sqlite":
        with TemporaryDirectory(prefix="callbackq-") as folder:
            store = SQLiteStore(Path(folder) / "fleet.db", flush=Flush.RELAXED, pepper=bytes(32))
            with closing(store):
                yield store
    else:
        raise ValueError(f"store is {kind!r}; allowed: memory, sqlite")


# ---------------------------------------------------------------------------- many


@attrs.frozen(kw_only=True)
class FleetsReport:
    """
    What came of all worlds.

    Args:
        worlds_asked: so many there should be; there are fewer if too much was found before.
        found: how often each check found something, in how many worlds.
        bad: the worlds with findings.
    """

    seed: int
    worlds_asked: int
    worlds_count: int = 0
    counts: Counter[str] = attrs.field(factory=Counter[str])
    outcomes: Counter[str] = attrs.field(factory=Counter[str])
    dispositions: Counter[str] = attrs.field(factory=Counter[str])
    went_wrong: Counter[str] = attrs.field(factory=Counter[str])
    found: Counter[str] = attrs.field(factory=Counter[str])
    bad: tuple[FleetReport, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether no further world is needed."""
        return self.worlds_count >= self.worlds_asked or len(self.bad) >= BAD_MAX

    def plus(self, world: FleetReport) -> FleetsReport:
        """Count one more world."""
        return attrs.evolve(
            self,
            worlds_count=self.worlds_count + 1,
            counts=self.counts + world.counts,
            outcomes=self.outcomes + world.outcomes,
            dispositions=self.dispositions + world.dispositions,
            went_wrong=self.went_wrong + world.went_wrong,
            found=self.found + Counter({finding.check for finding in world.findings}),
            bad=(*self.bad, world) if world.findings else self.bad,
        )


def one_fleet(seed: int, *, people: int = PEOPLE, store: str = "memory") -> FleetReport:
    """Play the world of a seed, on a store of a kind. Its report names what hit only if something was found."""
    with opened(store) as place:
        report = play(draw_plan(seed, people=people), store=place)[1]
    return report if report.findings else attrs.evolve(report, happened=())


def many_fleets(
    seed: int,
    *,
    worlds: int,
    processes: int = 1,
    store: str = "memory",
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> FleetsReport:
    """
    Play the worlds of *seed* and the seeds that follow it.

    Args:
        worlds: so many, unless too much is found before; 1 or more.
        processes: how many run at once; 1 runs all in this process. It makes no difference to what is found.
        progress: told how many worlds are counted, and of how many.

    Cost: about 0.1 s for each world and process.
    """
    report = FleetsReport(seed=seed, worlds_asked=worlds)
    with closing(_worlds(range(seed, seed + worlds), processes, store)) as every:
        for world in every:
            report = report.plus(world)
            progress(report.worlds_count, worlds)
            if report.is_over:
                break
    return report


def _worlds(seeds: range, processes: int, store: str) -> Generator[FleetReport]:
    """Give what came of each seed, in their order."""
    if processes == 1:
        for seed in seeds:
            yield one_fleet(seed, store=store)
        return
    left: Iterator[int] = iter(seeds)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        begun: deque[Future[FleetReport]] = deque()
        try:
            while True:
                for seed in islice(left, _AHEAD * processes - len(begun)):
                    begun.append(pool.submit(one_fleet, seed, store=store))
                if not begun:
                    return
                yield begun.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
