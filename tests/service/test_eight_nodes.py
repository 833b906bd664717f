"""
M8, N6: eight node processes on one PostgreSQL serve one queue; three of them are killed in the middle of it.

The processes are told what time it is, so nothing here depends on how fast they are. The dials of all of them stand in
one file, which is the phone system that outlives each of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callbackq import DEFAULT_TENANT, Callback, CallbackState, Commit, Outcome, Store
from callbackq.events import AttemptTakenOver, CallbackAttempted, Event
from callbackq.model import NodeState
from callbackq.service import CallbackService
from callbackq.testing import ManualClock
from service import eight_nodes
from service.conftest import check_fold
from service.eight_nodes import DEATHS, LEASE, POLICY, PhoneSystem
from service.fighters import open_place
from stores.postgres_server import conninfo, fresh_schema

NODES = 8
AGENTS = 8
TIMEOUT_S = 120


class Center:
    """Eight processes on one store, and who gives them orders."""

    def __init__(self, where: str, phones: Path) -> None:
        self.store: Store = open_place("postgres", where)
        self.clock = ManualClock()
        self.service = CallbackService(self.store, [POLICY], clock=self.clock)
        self.phones = PhoneSystem(phones)
        self.callback_ids: list[str] = []
        self.processes = {
            f"node-{number}": subprocess.Popen(
                [sys.executable, eight_nodes.__file__, "postgres", where, f"node-{number}", str(phones)],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(NODES)
        }
        for process in self.processes.values():
            assert _heard(process) == "ready"

    def asked(self, count: int) -> None:
        """So many people ask for a callback, one after the other."""
        for _ in range(count):
            self.clock.advance(timedelta(milliseconds=1))
            number = f"+1212{2_000_000 + len(self.callback_ids)}"
            self.callback_ids.append(self.service.request("support", number=number).callback_id)

    def agents(self, name: str) -> None:
        """Agents come to work."""
        for number in range(AGENTS):
            self.service.agent_available(f"{name}-{number}", queues=["support"])

    def order(self, names: Iterable[str], words: str) -> dict[str, str]:
        """Give the same order to some processes at once; return what those say that live to say it."""
        ordered = list(names)
        for name in ordered:
            said_to = self.processes[name].stdin
            assert said_to is not None
            said_to.write(f"{words}\n")
            said_to.flush()
        answers = {name: _heard(self.processes[name]) for name in ordered}
        return {name: answer for name, answer in answers.items() if answer}

    def run(self, names: Iterable[str], seconds: float) -> None:
        """Let processes work at this time until none of them finds anything more to do."""
        left = list(names)
        while any(int(done) for done in self.order(left, f"run {seconds}").values()):
            left = [name for name in left if self.processes[name].poll() is None]

    def callbacks(self) -> list[Callback]:
        """Return all promises, in the order in which they were made."""
        with self.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            return [tx.callbacks.get(callback_id) for callback_id in self.callback_ids]  # type: ignore[arg-type]

    def events(self, *kinds: type[Event]) -> list[Any]:
        """Return what happened of these kinds, in order."""
        with self.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            return [event for event in tx.history.all() if isinstance(event, kinds)]

    def dialed(self, role: str) -> Counter[str]:
        """Return how often the agent's or the customer's leg of each callback was dialed."""
        return Counter(line[3] for line in self.phones.lines() if line[0] == "dial" and line[2] == role)

    def check_calls(self) -> None:
        """Nobody was dialed twice, and whatever was dialed is over."""
        legs = Counter(line[1] for line in self.phones.lines() if line[0] == "dial")
        assert set(legs.values()) <= {1}
        assert self.phones.legs() == {}
        assert self.dialed("customer") == Counter(self.callback_ids)
        check_fold(self.store)

    def close(self) -> None:
        """End the processes that are left."""
        for process in self.processes.values():
            with suppress(BrokenPipeError, subprocess.TimeoutExpired):
                process.communicate(timeout=TIMEOUT_S)
            process.kill()
            process.wait()
        self.store.close()


def _heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Center]:
    """Eight processes that are ready."""
    with fresh_schema() as schema, closing(Center(f"{conninfo()} {schema}", tmp_path / "phones")) as made:
        yield made


def is_over(center: Center) -> Callable[[Callback], bool]:
    """Whether a promise was kept."""
    return lambda callback: callback.state is CallbackState.ENDED and callback.outcome is Outcome.COMPLETED


def test_eight_processes_serve_one_queue_and_three_are_killed(center: Center) -> None:
    """Each is dialed once, in the order of the line; what the dead had begun goes on when their lease is over."""
    names = list(center.processes)
    center.agents("first")
    center.asked(40)
    center.run(names, 1)
    assert all(map(is_over(center), center.callbacks()))
    claimed = [event.callback_id for event in center.events(CallbackAttempted)]
    assert claimed == center.callback_ids
    center.check_calls()

    dying = dict(zip(names[:3], DEATHS, strict=True))
    for name, when in dying.items():
        assert center.order([name], f"die {when}") == {name: "will"}
    for number in range(30):
        center.agents(f"more-{number}")
        center.asked(2 * AGENTS)
        center.order([name for name in names if center.processes[name].poll() is None], "run 2")
        for name in dying:
            with suppress(subprocess.TimeoutExpired):
                center.processes[name].wait(0.2)
        if all(center.processes[name].poll() is not None for name in dying):
            break
    assert [center.processes[name].returncode for name in dying] == [-9, -9, -9]
    claimed = [event.callback_id for event in center.events(CallbackAttempted)]
    assert claimed == center.callback_ids[: len(claimed)]

    living = names[3:]
    lease_s = LEASE.total_seconds()
    for seconds in (2 + lease_s / 3, 2 + lease_s * 2 / 3):
        center.run(living, seconds)
    assert center.events(AttemptTakenOver) == []
    begun = [one for one in center.callbacks() if one.state is CallbackState.ATTEMPTING]
    assert begun
    for seconds in (2 + lease_s, 2 + lease_s * 4 / 3):
        center.run(living, seconds)
    taken_over = Counter(event.callback_id for event in center.events(AttemptTakenOver))
    assert taken_over == Counter(callback.callback_id for callback in begun)
    with center.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        assert {node.node_id for node in tx.nodes.all() if node.state is NodeState.GONE} == set(dying)

    for minutes in range(1, 60):
        if all(map(is_over(center), center.callbacks())):
            break
        center.run(living, 60 * minutes)
    assert all(map(is_over(center), center.callbacks()))
    assert len({line[4] for line in center.phones.lines() if line[0] == "dial"}) > 3
    center.check_calls()
