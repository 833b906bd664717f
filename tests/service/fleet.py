"""Several nodes on one store and one network, in virtual time, each with a clock of its own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from callbackq import (
    DEFAULT_TENANT,
    Attempt,
    CallbackService,
    Commit,
    Dispatcher,
    Driver,
    Effect,
    Node,
    QueuePolicy,
    Report,
    Store,
)
from callbackq.events import AttemptTakenOver
from callbackq.testing import FakeTelephony, ManualClock, SequentialIds

BOB, EVE = "+12125550101", "+12125550102"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LEASE = 15 * SECOND
BEAT = LEASE / 3
SUPPORT = QueuePolicy(queue="support", calling=None)
_STEPS_MAX = 100


class SkewedClock:
    """A clock that is wrong by `skew`."""

    def __init__(self, true: ManualClock, skew: timedelta) -> None:
        self.true = true
        self.skew = skew

    def now(self) -> datetime:
        """Return what this clock shows."""
        return self.true.now() + self.skew


class Process:
    """One node: a service, a dispatcher and a driver, until it is killed or cut off."""

    def __init__(self, fleet: Fleet, node_id: str, *, skew: timedelta, **options: Any) -> None:
        self.fleet = fleet
        self.node_id = node_id
        self.clock = SkewedClock(fleet.clock, skew)
        policies = options.pop("policies", [SUPPORT])
        tenant_id = options.pop("tenant_id", DEFAULT_TENANT)
        self.service = CallbackService(
            fleet.store, policies, clock=self.clock, ids=fleet.ids, tenant_id=tenant_id
        )
        self.dispatcher = Dispatcher(self.service, node_id=node_id, **{"lease": LEASE, **options})
        self.driver = Driver(self.service, self.dispatcher, fleet.telephony)
        self.is_alive = True

    def step(self) -> int:
        """Step and perform, as often as that brings something."""
        count = 0
        for _ in range(_STEPS_MAX):
            done = self.driver.step(self.clock.now())
            if not done:
                break
            count += done
        return count

    def give_out(self) -> tuple[Effect, ...]:
        """Step, and return what should be performed now."""
        return self.dispatcher.step(self.clock.now())

    def next_at(self) -> datetime | None:
        """Return when it wants to step, by the true clock."""
        at = self.driver.next_wakeup()
        return None if at is None else max(self.fleet.clock.now(), at - self.clock.skew)

    def kill(self) -> None:
        """Step no more, and hear nothing."""
        self.is_alive = False

    def come_back(self) -> None:
        """It was not dead."""
        self.is_alive = True


class Fleet:
    """
    The nodes, and the world around them. Reports reach the first node that is alive.

    `lost` are the reports that nobody was there for.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = ManualClock()
        self.ids = SequentialIds()
        self.telephony = FakeTelephony(self.clock)
        self.telephony.on_report = self.hear
        self.processes: list[Process] = []
        self.lost: list[Report] = []

    def node(self, node_id: str, *, skew: timedelta = timedelta(0), **options: Any) -> Process:
        """Start one more node. It is not stepped before time passes."""
        process = Process(self, node_id, skew=skew, **options)
        self.processes.append(process)
        return process

    def alive(self) -> list[Process]:
        """Return the nodes that are alive, in the order in which they were started."""
        return [process for process in self.processes if process.is_alive]

    def hear(self, report: Report) -> None:
        """Give a report to the first node that is alive."""
        alive = self.alive()
        if alive:
            alive[0].driver.report(report)
        else:
            self.lost.append(report)

    def run_for(self, duration: timedelta) -> None:
        """Let time pass, and everybody do what is to be done."""
        end = self.clock.now() + duration
        self._step_all()
        while (at := self._next_at()) is not None and at <= end:
            self.clock.move_to(at)
            self._step_all()
        self.clock.move_to(end)
        self._step_all()

    def _step_all(self) -> None:
        for _ in range(_STEPS_MAX):
            if not sum(process.step() for process in self.alive()):
                return
        raise TimeoutError("the nodes never come to rest")

    def _next_at(self) -> datetime | None:
        known: Iterable[datetime | None] = (
            self.clock.next_planned_at(),
            *(process.next_at() for process in self.alive()),
        )
        at = min((one for one in known if one is not None), default=None)
        # What is due already, and was not done, waits for something else.
        return at if at is None or at > self.clock.now() else self.clock.now() + SECOND / 10

    # ------------------------------------------------------------------ what there is

    def attempts(self) -> list[Attempt]:
        """Return the attempts that are not over."""
        with self.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            return tx.attempts.open(SUPPORT.queue)

    def nodes(self) -> dict[str, Node]:
        """Return what the nodes say of themselves, by name."""
        return {node.node_id: node for node in self.processes[0].service.nodes()}

    def taken_over(self) -> list[tuple[str, str, str]]:
        """Return which attempt was taken over by whom from whom, in order."""
        with self.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            return [
                (event.attempt_id, event.from_node_id, event.node_id)
                for event in tx.history.all()
                if isinstance(event, AttemptTakenOver)
            ]
