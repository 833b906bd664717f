"""
A process that queues and sends messages is killed at each of its steps, and another one goes on where it was.

Each send is taken at most once by a provider who would take it twice, each cause is told at most once unless the
provider said that it did not arrive, and no message is without account: what was not given out is sent after all, and
what was is seen as uncertain, until a receipt, a person or time settles it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from callbackq import Commit, Store
from callbackq.core.history import fold
from callbackq.model import Entity, MessageEnd, MessageKind, MessageState
from callbackq.system import RandomIds
from callbackq.testing import SequentialIds
from callbackq.testing.outbox_checkers import OutboxEvidence, check_outbox
from service import message_child
from service.fighters import open_place
from service.message_child import (
    CROWD,
    FROM_THREADS,
    MESSAGES,
    SCENARIOS,
    Steps,
    World,
    history_and_rows,
)
from stores.postgres_server import admin, conninfo, fresh_schema

KILLED: Final = -9
LIFE: Final = MESSAGES.receipt_time_max + MESSAGES.uncertain_life + timedelta(hours=2)
"""By then every message has ended, whoever said nothing."""
WAYS: Final = ("receipt", "person", "time")
"""Who settles what nobody knows."""


# ---------------------------------------------------------------------------- processes and places


@pytest.fixture(scope="module")
def children() -> Iterator[subprocess.Popen[str]]:
    """The program that makes processes."""
    with subprocess.Popen(
        [sys.executable, message_child.__file__],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        yield program
        assert program.stdin is not None
        program.stdin.close()
        assert program.wait(20) == 0


def let_live(children: subprocess.Popen[str], *order: object) -> int:
    """Let a process live, and return how it ended."""
    assert children.stdin is not None
    assert children.stdout is not None
    children.stdin.write(json.dumps(order) + "\n")
    children.stdin.flush()
    return int(children.stdout.readline())


@attrs.frozen
class Place:
    """Where processes find the store, and the folder of the world around it."""

    kind: str
    where: str
    folder: Path
    empty: bytes = b""
    """What stands in a file with nothing in its tables."""

    def open(self) -> Store:
        return open_place(self.kind, self.where)

    def clear(self) -> None:
        """Let nothing have happened yet."""
        for found in self.folder.iterdir():
            found.unlink()
        if self.kind == "sqlite":
            Path(self.where).write_bytes(self.empty)
        if self.kind == "postgres":
            schema = self.where.rpartition(" ")[2]
            tables = (
                admin().execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema]).fetchall()
            )
            names = [f'"{schema}".{name}' for (name,) in tables if name != "callbackq_meta"]
            admin().execute("; ".join(f"DELETE FROM {name}" for name in names))


@pytest.fixture
def sqlite_place(tmp_path: Path) -> Place:
    """A file."""
    folder = tmp_path / "world"
    folder.mkdir()
    path = folder / "callbacks.db"
    open_place("sqlite", str(path)).close()
    return Place("sqlite", str(path), folder, path.read_bytes())


@pytest.fixture
def postgres_place(tmp_path: Path) -> Iterator[Place]:
    """A schema."""
    with fresh_schema() as schema:
        place = Place("postgres", f"{conninfo()} {schema}", tmp_path)
        place.open().close()
        yield place


# ---------------------------------------------------------------------------- what must be true


@attrs.frozen(kw_only=True)
class Whole:
    """How a scenario goes where nobody is killed: its steps, and what the provider took."""

    steps: list[str]
    taken: Counter[tuple[str, str]]
    requests_count: int


def taken_of(world: World) -> Counter[tuple[str, str]]:
    return Counter((line.kind, line.to) for line in world.provider.lines("taken"))


def count(history: list[Any], kind: str) -> int:
    return sum(event.kind == kind for event in history)


def played_whole(children: subprocess.Popen[str], place: Place, scenario: str) -> Whole:
    """Let a process play a scenario to its end."""
    place.clear()
    assert let_live(children, place.kind, place.where, str(place.folder), scenario, 0) == 0
    with closing(place.open()) as store:
        history, rows = history_and_rows(store)
        assert all(row.state in (MessageState.ENDED, MessageState.SENT) for row in rows)
        world = World(store, place.folder, steps=Steps(), ids=SequentialIds())
        return Whole(
            steps=json.loads((place.folder / "steps.json").read_text()),
            taken=taken_of(world),
            requests_count=count(history, "callback_requested"),
        )


def go_on(place: Place, scenario: str, whole: Whole, *, way: str) -> int:
    """Go on where the process was killed, and check all; return how many messages were uncertain for a time."""
    with closing(place.open()) as store:
        _, at_death = history_and_rows(store)
        world = World(store, place.folder, steps=Steps(), ids=RandomIds(), names_sends=way == "receipt")
        had = {line.send_id for line in world.provider.lines("taken")}
        given_out = [row for row in at_death if row.state is MessageState.SENDING]
        world.play(scenario)
        # A receipt finds what was taken and not noted only where it names the send.
        lost = [row for row in given_out if row.send_id not in had or way != "receipt"]
        _check_told(world, whole, lost=Counter(str(row.message_kind) for row in lost))
        uncertain = _check_seen(world, store, {row.message_id for row in given_out})
        by_hand = _settle(world, uncertain, way=way)
        _pass_the_time(world, store)
        history, rows = history_and_rows(store)
        found = check_outbox(
            OutboxEvidence(
                provider=[line for line in world.provider.lines() if line.what != "refused"],
                history=history,
                messages=rows,
                ended_at=world.clock.now(),
                settled_by_hand=by_hand,
            )
        )
        assert found.all == ()
        assert all(row.state is MessageState.ENDED for row in rows)
        _check_ends(rows, uncertain, way=way)
        assert count(history, "callback_requested") == whole.requests_count
        folded = fold(history)
        assert all(folded[Entity.MESSAGE, row.message_id] == row for row in rows)
        return len(uncertain)


def _check_told(world: World, whole: Whole, *, lost: Counter[str]) -> None:
    """Whatever was not given out when the process died is told, once; and nothing else than without its death."""
    taken = taken_of(world)
    assert not taken - whole.taken
    missing = Counter(kind for kind, to in whole.taken - taken)
    if lost[MessageKind.VERIFICATION]:  # The customer has no code to write back.
        lost[MessageKind.NUMBER_CHANGED] += 1
    assert not missing - lost


def _check_seen(world: World, store: Store, given_out: set[str]) -> list[str]:
    """When the time to send is over, nothing is on its way, and all that nobody knows is listed."""
    world.clock.advance(MESSAGES.send_time_max)
    world.pump()
    _, rows = history_and_rows(store)
    uncertain = {row.message_id for row in rows if row.state is MessageState.UNCERTAIN}
    assert not any(row.state in (MessageState.SENDING, MessageState.WAITING) for row in rows)
    assert {row.message_id for row in world.service.uncertain_messages()} == uncertain
    assert uncertain <= given_out
    return sorted(uncertain)


def _settle(world: World, uncertain: list[str], *, way: str) -> frozenset[str]:
    """Let those speak who know; return of which messages a person did."""
    had = {line.send_id for line in world.provider.lines("taken")}
    if way == "receipt":
        world.receipts()
    if way != "person":
        return frozenset()
    for message_id in uncertain:
        sent = world.service.message(message_id).send_id in had
        world.service.settle_message(message_id, sent=sent, by="ann", reason="asked the provider")
    return frozenset(uncertain)


def _pass_the_time(world: World, store: Store) -> None:
    """Let time pass until no message is open."""
    end = world.clock.now() + LIFE
    while any(row.state is not MessageState.ENDED for row in history_and_rows(store)[1]):
        at = world.driver.next_wakeup()
        assert at is not None
        assert at <= end
        world.clock.move_to(at)
        world.pump()


def _check_ends(rows: list[Any], uncertain: list[str], *, way: str) -> None:
    """What was uncertain has ended as it was settled."""
    ends = {row.ended_as for row in rows if row.message_id in uncertain}
    allowed = {
        "receipt": {MessageEnd.DELIVERED, MessageEnd.UNCERTAIN},
        "person": {MessageEnd.SENT, MessageEnd.WITHDRAWN},
        "time": {MessageEnd.UNCERTAIN},
    }
    assert ends <= allowed[way]


# ---------------------------------------------------------------------------- killed at each step


def is_anything_given_out(place: Place) -> bool:
    """Whether a message was on its way when the process died: only then is there anything to settle."""
    with closing(place.open()) as store:
        return any(row.state is MessageState.SENDING for row in history_and_rows(store)[1])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_process_on_a_file_is_killed_at_each_step(
    children: subprocess.Popen[str], sqlite_place: Place, tmp_path: Path, scenario: str
) -> None:
    """After each death; what is uncertain then is settled by receipts, and another time by a person or by time."""
    whole = played_whole(children, sqlite_place, scenario)
    uncertain: Counter[str] = Counter()
    for step in range(1, len(whole.steps) + 1):
        sqlite_place.clear()
        order = (sqlite_place.kind, sqlite_place.where, str(sqlite_place.folder), scenario, step)
        assert let_live(children, *order) == KILLED
        ways = ("receipt", WAYS[1 + step % 2]) if is_anything_given_out(sqlite_place) else (WAYS[step % 3],)
        for way in ways:
            folder = tmp_path / f"{step}-{way}"
            shutil.copytree(sqlite_place.folder, folder)
            copy = Place("sqlite", str(folder / "callbacks.db"), folder)
            uncertain[way] += go_on(copy, scenario, whole, way=way)
    assert all(uncertain[way] for way in WAYS[1:])


@pytest.mark.parametrize("scenario", ["three ask", "cancel", "call me, and stop"])
def test_a_process_on_a_server_is_killed_at_each_step(
    children: subprocess.Popen[str], postgres_place: Place, scenario: str
) -> None:
    """The same on PostgreSQL, each death settled another way; but not around commits that write no message."""
    whole = played_whole(children, postgres_place, scenario)
    for step, name in enumerate(whole.steps, start=1):
        if str(Commit.RELAXED) in name:
            continue
        postgres_place.clear()
        order = (postgres_place.kind, postgres_place.where, str(postgres_place.folder), scenario, step)
        assert let_live(children, *order) == KILLED
        go_on(postgres_place, scenario, whole, way=WAYS[step % 3])


def test_a_runner_with_threads_is_killed(children: subprocess.Popen[str], sqlite_place: Place) -> None:
    """Several sends are under way at once when it dies, at one step or another."""
    whole = played_whole(children, sqlite_place, FROM_THREADS)
    uncertain = 0
    for step in range(7, 7 * CROWD, 7):  # Two steps for each who asks, and five for each message.
        sqlite_place.clear()
        order = (sqlite_place.kind, sqlite_place.where, str(sqlite_place.folder), FROM_THREADS, step)
        assert let_live(children, *order) == KILLED
        uncertain += go_on(sqlite_place, FROM_THREADS, whole, way=WAYS[step % 3])
    assert uncertain
