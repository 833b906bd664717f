"""Many worlds whose nodes are killed, one after the other or on several processors, added up."""

from __future__ import annotations

import importlib
import sys
import tempfile
import traceback
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import count, islice
from multiprocessing import get_context
from multiprocessing.util import Finalize
from pathlib import Path
from random import Random
from typing import Any, Final

import attrs

from callbackq.model import Entity
from callbackq.simulation.kill_checks import check_kills, read_rows
from callbackq.simulation.kill_draws import draw_nature, points_to_die_at
from callbackq.simulation.kill_node import Place, Seats, chance
from callbackq.simulation.kill_parts import policies_of
from callbackq.simulation.kill_people import FAULTS_END, People
from callbackq.simulation.kill_world import KillWorld
from callbackq.stores.sqlite import Flush, SQLiteStore
from callbackq.testing.checkers import Finding
from callbackq.testing.clock import START, ManualClock
from callbackq.testing.faultpoints import at_points, protocols, store_at_points
from callbackq.testing.host import VirtualHost

PEOPLE: Final = 10
"""So many come by themselves; some more come in every world, for what only they do."""
BAD_WORLDS_MAX: Final = 10
"""So many worlds in which something was found are enough to look at: no more are begun."""
_OVER_AFTER: Final = FAULTS_END * 2.4
_LONG_AFTER: Final = timedelta(days=120)
_AHEAD: Final = 2
_TURNS_MAX: Final = 4
"""So many worlds are played for a point before it is left."""
_here: Final[dict[str, Any]] = {}
"""What a process that plays worlds has."""


@attrs.frozen(kw_only=True)
class KillsOfWorld:
    """
    What came of one world.

    Args:
        target: where the first node was to be killed first, if it was not its turn.
        kills: at which points processes died.
        passed: the points that were passed.
        error: a traceback, if the world itself failed.
    """

    seed: int
    target: str | None = None
    kills: tuple[str, ...] = ()
    passed: frozenset[str] = frozenset()
    nodes_count: int = 0
    callbacks_count: int = 0
    attempts_count: int = 0
    dialed_count: int = 0
    messages_count: int = 0
    outcomes: Counter[str] = attrs.field(factory=Counter[str])
    findings: tuple[Finding, ...] = ()
    error: str | None = None

    @property
    def is_well(self) -> bool:
        """Whether it came to its end, and nothing was found."""
        return self.error is None and not self.findings


@attrs.frozen(kw_only=True)
class KillsReport:
    """What came of all worlds. `bad` are those in which something was found."""

    seed: int
    kills_asked: int
    worlds_count: int = 0
    kills: Counter[str] = attrs.field(factory=Counter[str])
    passed: frozenset[str] = frozenset()
    callbacks_count: int = 0
    attempts_count: int = 0
    dialed_count: int = 0
    messages_count: int = 0
    outcomes: Counter[str] = attrs.field(factory=Counter[str])
    bad: tuple[KillsOfWorld, ...] = ()

    @property
    def kills_count(self) -> int:
        """How many processes were killed."""
        return self.kills.total()

    @property
    def is_over(self) -> bool:
        """Whether no further world is needed."""
        return self.kills_count >= self.kills_asked or len(self.bad) >= BAD_WORLDS_MAX

    @property
    def findings_count(self) -> int:
        """How many things were found. A world that ended by an error is one."""
        return sum(len(world.findings) or 1 for world in self.bad)

    def plus(self, world: KillsOfWorld) -> KillsReport:
        """Count one more world."""
        return attrs.evolve(
            self,
            worlds_count=self.worlds_count + 1,
            kills=self.kills + Counter(world.kills),
            passed=self.passed | world.passed,
            callbacks_count=self.callbacks_count + world.callbacks_count,
            attempts_count=self.attempts_count + world.attempts_count,
            dialed_count=self.dialed_count + world.dialed_count,
            messages_count=self.messages_count + world.messages_count,
            outcomes=self.outcomes + world.outcomes,
            bad=self.bad if world.is_well else (*self.bad, world),
        )


def first_target(seed: int) -> str:
    """
    Return where the first node of a world is killed first: as the seeds go on, each point has its turn.

    >>> {first_target(seed) for seed in range(1000)} == set(points_to_die_at())
    True
    """
    points = list(points_to_die_at())
    Random("kills").shuffle(points)
    return points[seed % len(points)]


# ---------------------------------------------------------------------------- places


class _Ground:
    """Where worlds find an empty store each: a folder, or a schema."""

    def __init__(self, postgres: str | None, folder: Path) -> None:
        self._postgres: Final = postgres
        self._folder: Final = folder
        self._empty: bytes | None = None
        self._schema: Final = f"callbackq_kills_{folder.name.rpartition('-')[2].lower()}"

    def place(self, seed: int) -> Place:
        """Return the place of a world, with nothing in it."""
        if self._postgres is not None:
            return self._schema_emptied(self._postgres)
        path = self._folder / "callbacks.db"
        place = Place(kind="sqlite", where=str(path), waits=chance(seed, "disk").random() < 0.05)
        for found in self._folder.iterdir():
            found.unlink()
        if self._empty is None:
            place.open().close()
            self._empty = path.read_bytes()
        else:
            path.write_bytes(self._empty)
        return place

    def _schema_emptied(self, conninfo: str) -> Place:
        place = Place(kind="postgres", where=conninfo, schema=self._schema)
        if self._empty is None:
            place.open().close()
            self._empty = b""
        with self._connected(conninfo) as connection:
            rows = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", [self._schema]
            ).fetchall()
            names = [name for (name,) in rows if name not in ("callbackq_meta", "callbackq_migrations")]
            connection.execute("; ".join(f'DELETE FROM "{self._schema}"."{name}"' for name in names))
        return place

    def clear(self) -> None:
        """Leave nothing behind."""
        if self._postgres is not None and self._empty is not None:
            with self._connected(self._postgres) as connection:
                connection.execute(f'DROP SCHEMA IF EXISTS "{self._schema}" CASCADE')

    @contextmanager
    def _connected(self, conninfo: str) -> Generator[Any]:
        psycopg: Any = importlib.import_module("psycopg")
        with closing(psycopg.connect(conninfo, autocommit=True)) as connection:
            connection.execute("SET client_min_messages = warning")
            yield connection


@contextmanager
def ground(postgres: str | None) -> Generator[_Ground]:
    """Give empty stores: in a temporary folder, or in a schema of the database at *postgres*."""
    with tempfile.TemporaryDirectory(prefix="callbackq-kills-") as folder:
        _warm_up(Path(folder), postgres)
        made = _Ground(postgres, Path(folder))
        try:
            yield made
        finally:
            made.clear()


def _warm_up(folder: Path, postgres: str | None) -> None:
    """Load and make, once and not in each process, what a node needs: modules, texts, what is known of numbers."""
    if postgres is not None:
        for name in ("psycopg", "callbackq.stores.postgres_session"):
            importlib.import_module(name)
    for protocol in protocols():
        at_points(None, protocol, hit=_here.get)
    policies = policies_of(1)
    with closing(SQLiteStore(folder / "warm.db", flush=Flush.RELAXED)) as store:
        host = VirtualHost(store_at_points(store, _here.get), policies, capacity=Seats(ManualClock()))
        service, queue = host.service, policies[0].queue
        service.agent_available("agent", queues=[queue])
        service.call_joined(queue, call_id="call", number="+12015550101")
        service.request(queue, call_id="call")
        (slot,) = service.free_slots(queue, limit=1)
        held = service.hold_slot(queue, slot_at=slot.starts_at, number="+12015550102")
        service.request(queue, number="+12015550102", booking_id=held.booking_id, request_key="key")
        host.run_for(timedelta(minutes=15))
        host.reply("9")
        service.doctor(thorough=True)


# ---------------------------------------------------------------------------- one world


def play(seed: int, place: Place, *, target: str | None = None, people_count: int = PEOPLE) -> KillsOfWorld:
    """
    Play one world to its end, and check it.

    Args:
        target: where a node is killed first; by turns if None.

    Cost: some 0.5 s on a file, and 1 s on a server.
    """
    policies = policies_of(seed)
    nature = draw_nature(chance(seed, "nature"))
    world = KillWorld(seed, place, policies=policies, nature=nature, target=target or first_target(seed))
    people = People(world, count=people_count)
    people.plan()
    try:
        world.run(START + _OVER_AFTER)
        world.end()
        rows = read_rows(world, people)
        found = check_kills(world, people, rows)
        world.findings.clear()
        world.begin_anew(world.clock.now() + _LONG_AFTER, people.prune)
    finally:
        world.abandon()
    callbacks = rows.of(Entity.CALLBACK)
    return KillsOfWorld(
        seed=seed,
        target=target,
        kills=tuple(kill.point for kill in world.kills),
        passed=frozenset(world.passed),
        nodes_count=nature.nodes,
        callbacks_count=len(callbacks),
        attempts_count=len(rows.of(Entity.ATTEMPT)),
        dialed_count=world.asked["telephony.dial"],
        messages_count=len(people.provider.lines),
        outcomes=Counter(str(row.outcome) for row in callbacks),
        findings=(*found, *world.findings),
    )


def one_world(seed: int, place: Place, *, target: str | None = None) -> KillsOfWorld:
    """Play one world. Never raises: an error is part of what came of it."""
    try:
        return play(seed, place, target=target)
    except Exception:
        return KillsOfWorld(seed=seed, target=target, error=traceback.format_exc())


# ---------------------------------------------------------------------------- many


def many_kills(
    seed: int,
    *,
    kills: int,
    postgres: str | None = None,
    processes: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> KillsReport:
    """
    Play the worlds *seed*, *seed* + 1 … until so many processes were killed.

    Args:
        kills: at least so many, unless too much is found before; 1 or more.
        postgres: the database; files of SQLite if None.
        processes: how many worlds at once. Each is a process that makes the nodes of its worlds.
        progress: told how many kills are counted, and of how many.
    """
    report = KillsReport(seed=seed, kills_asked=kills)
    with players(postgres, processes) as play_all:
        for world in play_all((one, None) for one in count(seed)):
            report = report.plus(world)
            progress(min(report.kills_count, kills), kills)
            if report.is_over:
                break
    return report


def every_point(
    seed: int,
    *,
    points: Sequence[str] | None = None,
    postgres: str | None = None,
    processes: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> KillsReport:
    """
    Play worlds until processes were killed at every point, or several worlds did not come there.

    Args:
        points: these; all if None.
    """
    left = list(points_to_die_at() if points is None else points)
    total = len(left)
    report = KillsReport(seed=seed, kills_asked=sys.maxsize)
    with players(postgres, processes) as play_all:
        for turn in range(_TURNS_MAX):
            tasks = [(seed + turn * total + index, point) for index, point in enumerate(left)]
            for world in play_all(iter(tasks)):
                report = report.plus(world)
                left = [point for point in left if point not in report.kills]
                progress(total - len(left), total)
                if report.is_over:
                    return report
            if not left:
                break
    return report


_Task = tuple[int, str | None]
"""A seed, and where the first node is killed first; by turns if None."""


@contextmanager
def players(
    postgres: str | None, processes: int
) -> Generator[Callable[[Iterator[_Task]], Iterator[KillsOfWorld]]]:
    """Give what plays worlds in other processes, and says what came of each, in their order."""
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(postgres,)) as pool:

        def play_all(tasks: Iterator[_Task]) -> Iterator[KillsOfWorld]:
            begun = deque(pool.submit(_one, *task) for task in islice(tasks, _AHEAD * processes))
            while begun:
                yield begun.popleft().result()
                begun.extend(pool.submit(_one, *task) for task in islice(tasks, 1))

        try:
            yield play_all
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(postgres: str | None) -> None:
    """Make the ground of a process that plays worlds. It is cleared when the process ends."""
    context = ground(postgres)
    _here["ground"] = context.__enter__()
    Finalize(None, context.__exit__, args=(None, None, None), exitpriority=10)


def _one(seed: int, target: str | None) -> KillsOfWorld:
    stores: _Ground = _here["ground"]
    return one_world(seed, stores.place(seed), target=target)
