"""
Real processes are killed by SIGKILL at the boundaries of the engine, and others go on: nothing is lost or done twice.

The long run is a command, `callbackq kills`. Here are a few of its worlds, in which each fault point is passed; and
worlds that lie on purpose, so that the checkers are known to see.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from itertools import islice
from multiprocessing import get_context
from typing import Final

import attrs
import pytest

from callbackq.effects import SendMessage
from callbackq.errors import MessageRefused
from callbackq.ids import CallbackId
from callbackq.model import Receipt
from callbackq.ports import CanListen, CanSaveAll, CanWorkAhead
from callbackq.simulation.kill_checks import NOBODYS
from callbackq.simulation.kill_draws import NEVER_PASSED, draw_nature, points_to_die_at
from callbackq.simulation.kill_node import chance
from callbackq.simulation.kill_parts import Provider
from callbackq.simulation.kill_people import People
from callbackq.simulation.kills import KillsOfWorld, ground, one_world
from callbackq.simulation.storm_people import Wisher
from callbackq.testing.checkers import LOST
from callbackq.testing.faultpoints import fault_points
from callbackq.testing.outbox_checkers import SENT_TWICE
from stores.postgres_server import conninfo

WORLDS: Final = (8, 36)
"""In these worlds of one node on a file nearly everything is passed. What is not is looked for in the next ones."""
WORLDS_MAX: Final = 12
ON_A_SERVER: Final = 1
"""A world of two nodes."""
OF_A_SERVER: Final = {
    f"{when} {ability.__name__}.{method}"
    for when in ("before", "after")
    for ability, method in ((CanSaveAll, "save_all"), (CanWorkAhead, "work_ahead"), (CanListen, "tell"))
}
"""What only PostgresStore can do."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[ProcessPoolExecutor]:
    """A process without threads, that makes those that are killed."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        yield pool


def play(seed: int, target: str | None, postgres: str | None) -> KillsOfWorld:
    with ground(postgres) as stores:
        return one_world(seed, stores.place(seed), target=target)


def check(world: KillsOfWorld) -> None:
    """Nothing was found, and it was a world in which something happened."""
    assert world.error is None, world.error
    assert world.findings == (), f"world {world.seed}, killed at {world.kills}"
    assert world.kills
    assert world.callbacks_count > 5
    assert world.dialed_count > 5


# ---------------------------------------------------------------------------- deaths


def test_nothing_is_lost_on_a_file_and_every_point_is_passed(elsewhere: ProcessPoolExecutor) -> None:
    """A boundary to which no world comes has a reason that is written down."""
    alone = (seed for seed in range(1, 500) if draw_nature(chance(seed, "nature")).nodes == 1)
    further = (seed for seed in alone if seed not in WORLDS)
    missing = set(points_to_die_at()) - OF_A_SERVER
    for played, seed in enumerate((*WORLDS, *islice(further, WORLDS_MAX))):
        if not missing and played >= len(WORLDS):
            break
        world = elsewhere.submit(play, seed, None, None).result()
        check(world)
        missing -= world.passed
    assert not missing
    assert set(NEVER_PASSED) <= {point.partition(" ")[2] for point in fault_points()}


def test_nothing_is_lost_on_a_server(elsewhere: ProcessPoolExecutor) -> None:
    """There too every point is passed that no file has. Time decides who is killed: nobody is, once in a while."""
    for _ in range(WORLDS_MAX):
        world = elsewhere.submit(play, ON_A_SERVER, None, conninfo()).result()
        assert world.findings == ()
        if world.kills:
            break
    check(world)
    assert world.nodes_count == 2
    assert world.passed >= OF_A_SERVER


def test_a_process_is_killed_where_it_is_asked_to_be(elsewhere: ProcessPoolExecutor) -> None:
    world = elsewhere.submit(play, 13, "before Telephony.dial", None).result()
    check(world)
    assert "before Telephony.dial" in world.kills


# ---------------------------------------------------------------------------- a world that lies


def lie() -> KillsOfWorld:
    """Play a world whose provider is given each message twice, and whose receipts are for nothing."""
    take, given = Provider.send, People._given

    def send(self: Provider, order: SendMessage) -> str:
        with suppress(MessageRefused):
            take(self, order)
        return take(self, order)

    def give(self: People, key: str, wisher: Wisher, receipt: Receipt, *, call_id: str | None = None) -> bool:
        nobodys = attrs.evolve(receipt, callback_id=CallbackId("cb_nobody"))
        return given(self, key, wisher, nobodys, call_id=call_id)

    Provider.send = send  # type: ignore[method-assign]
    People._given = give  # type: ignore[method-assign]
    return play(4, None, None)


def test_a_lie_is_found() -> None:
    """In a process of its own, which believes nothing else."""
    with ProcessPoolExecutor(1, get_context("spawn")) as liar:
        world = liar.submit(lie).result()
    assert world.error is None, world.error
    assert {SENT_TWICE, LOST, NOBODYS} <= {finding.check for finding in world.findings}
