"""
The processes of a fleet: nodes, which step and talk to the telephony, and web processes, which only take requests.

A process that stands still stands inside a call, and the rest of the world goes on meanwhile. When one ends nothing
of it goes on, and what begins in its place knows nothing but what the store says.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

from callbackq.dispatcher import Dispatcher
from callbackq.effects import Dial
from callbackq.errors import CallbackqError, Conflict, StoreError
from callbackq.events import Event
from callbackq.policy import QueuePolicy
from callbackq.ports import IdSource, Store
from callbackq.runners import Driver
from callbackq.runners.performing import DIAL_TIME_MAX
from callbackq.service import CallbackService
from callbackq.simulation.fleet.chance import Chance
from callbackq.simulation.fleet.network import Provider, SharedPbx
from callbackq.simulation.fleet.plan import STALL_MAX, Ill, ProcessPlan
from callbackq.simulation.fleet.views import (
    LookAt,
    MadeConflict,
    MessengerView,
    OwnClock,
    PbxView,
    ProcessEnded,
    StoreView,
    later,
)
from callbackq.testing.clock import ManualClock

TENANT: Final = "default"
_STEPS_AT_ONCE_MAX: Final = 40
_SECOND: Final = timedelta(seconds=1)


class Ground(Protocol):
    """What all processes stand on."""

    clock: ManualClock
    chance: Chance
    store: Store
    pbx: SharedPbx
    provider: Provider
    ids: IdSource
    policies: Sequence[QueuePolicy]
    look: LookAt
    transactions_count: int

    def see(self, who: str, what: object) -> None:
        """Take down what happened."""
        ...

    def pass_time(self, length: timedelta) -> None:
        """Let everything else go on for so long."""
        ...

    def can_go_deeper(self) -> bool:
        """Whether one more process may stand still inside the others that do."""
        ...

    def let_another_step(self, process: Process) -> None:
        """Let another node step, in the same instant."""
        ...

    def look_at_connections(self) -> None:
        """A node has come or gone."""
        ...

    def ended(self, process: Process) -> None:
        """It was not meant to."""
        ...

    def committed(self, process: Process, events: Sequence[Event]) -> None:
        """A process has written these events."""
        ...

    def count(self, what: str) -> None:
        """Count one more of it."""
        ...

    def failed(self, what: str, which: str) -> None:
        """The engine raised what it never should."""
        ...


class Process:
    """
    One running process: a service over its own view of the store, with its own clock.

    Attributes:
        is_alive: it has not ended.
        is_paused: it stands still: what is told to it waits.
        pause: how long it is to stand still at its next border.
    """

    def __init__(self, ground: Ground, plan: ProcessPlan, *, name: str) -> None:
        self.ground: Final = ground
        self.plan: Final = plan
        self.name: Final = name
        self.is_alive = True
        self.is_paused = False
        self.pause: timedelta | None = None
        self.store_is_cut = False
        self.pbx_is_cut = False
        self._looked_at = ground.clock.now()
        self.clock: Final = OwnClock(ground.clock, plan)
        self.store: Final = StoreView(ground.store, self, look=ground.look)
        self.service: Final = CallbackService(
            self.store, ground.policies, clock=self.clock, ids=ground.ids, tenant_id=TENANT
        )

    # ------------------------------------------------------------------ what it is asked to do

    def try_to(self, action: Callable[[], object]) -> bool:
        """
        Do something in this process, as a host does.

        Returns:
            False if it is to be tried again, here or in another process: there was an error that says so, or no answer.
        """
        if not self.is_alive or self.is_paused:
            return False
        try:
            action()
        except ProcessEnded:
            return False
        except (StoreError, Conflict) as error:
            self.ground.count("told to try again")
            self.ground.see(self.name, f"gets {type(error).__name__}")
            return False
        except CallbackqError:
            return True
        except Exception:
            self.ground.failed(traceback.format_exc(), self.name)
        return True

    # ------------------------------------------------------------------ borders

    def check_alive(self) -> None:
        """Raises: ProcessEnded: it has ended meanwhile."""
        if not self.is_alive:
            raise ProcessEnded

    def hits(self, ill: Ill, where: str) -> bool:
        """Whether this goes wrong now."""
        hit = self.ground.chance.hits(ill, f"{self.name} {where}")
        if hit:
            self.ground.see(self.name, f"!! {ill.replace('_', ' ')}: {where}")
        return hit

    def border(self, where: str) -> None:
        """A call begins or is over: here a process may end, stand still, or be overtaken. Raises: ProcessEnded."""
        self.check_alive()
        chance = self.ground.chance
        if self.pause is not None:
            length, self.pause = self.pause, None
            self._stand_still(length, where)
        if not chance.ratios:
            return
        about = f"{self.name} {where}"
        if self.hits(Ill.CRASH, where):
            self.end(f"ends {where}")
            raise ProcessEnded
        if chance.hits(Ill.STALL, about):
            self._stand_still(chance.length(chance.happened[-1], STALL_MAX), where)
        elif chance.hits(Ill.TURN, about):
            self.ground.let_another_step(self)
        self.check_alive()

    def _stand_still(self, length: timedelta, where: str) -> None:
        if self.is_paused or not self.ground.can_go_deeper():
            return
        self.ground.see(self.name, f"!! stands still for {length.total_seconds():.1f} s {where}")
        self.is_paused = True
        self.ground.pass_time(length)
        self.is_paused = False
        self.check_alive()
        self.ground.see(self.name, "goes on")
        self.go_on()

    def go_on(self) -> None:
        """It stood still, and goes on."""

    def end(self, why: str) -> None:
        """The process ends, and nobody meant it to."""
        if self.is_alive:
            self.retire(why)
            self.ground.count("process ended")
            self.ground.ended(self)

    def retire(self, why: str) -> None:
        """The process ends, and none begins in its place because of that."""
        self.is_alive = False
        self.ground.see(self.name, f"!! {why}")
        self.ground.look_at_connections()

    def committed(self, events: Sequence[Event]) -> None:
        """These events are in the history now."""
        self.ground.committed(self, events)

    def looks(self) -> None:
        """It has just looked into the store: what it knows is of now."""
        self._looked_at = self.ground.clock.now()

    @contextmanager
    def within_transaction(self) -> Generator[None]:
        """Inside it nobody else can go on: the store is ours. A conflict that nobody made is counted."""
        self.ground.transactions_count += 1
        try:
            yield
        except Conflict as error:
            if not isinstance(error, MadeConflict):
                self.ground.count(f"conflict of its own: {type(error).__name__}")
            raise
        finally:
            self.ground.transactions_count -= 1


class Node(Process):
    """A process that steps, and that the telephony reports to."""

    def __init__(self, ground: Ground, plan: ProcessPlan, *, name: str) -> None:
        super().__init__(ground, plan, name=name)
        self.telephony: Final = PbxView(ground.pbx, self, dials=self._dials)
        dispatcher = Dispatcher(self.service, node_id=name, lease=plan.lease)
        self.driver: Final = Driver(
            self.service,
            dispatcher,
            self.telephony,
            messenger=MessengerView(ground.provider.send, self),
        )
        self._is_stepping = False
        self._is_to_step = False
        self._wakes_at: datetime | None = None
        self.service.when_changed(self._change)

    def _dials(self, order: Dial) -> None:
        self.ground.pbx.owners[order.leg_id] = self.name
        if self.ground.clock.now() - self._looked_at > DIAL_TIME_MAX:
            self.ground.pbx.late.add(order.leg_id)

    def begin(self) -> None:
        """The process begins: it asks the telephony which legs there are, and steps."""
        self._tell_connection(is_up=True)
        self.wake(timedelta(0))

    def _change(self) -> None:
        self._is_to_step = True
        if not self._is_stepping:
            self.wake(timedelta(0))

    def go_on(self) -> None:
        """It stood still, and goes on: there may be something to do."""
        self._change()

    # ------------------------------------------------------------------ steps

    def wake(self, after: timedelta) -> None:
        """Step so long from now, or earlier if that was planned."""
        self._wake_at(self.ground.clock.now() + after)

    def poll(self) -> None:
        """Another process has written something: find out when looking next."""
        every, now = self.plan.polls_every, self.ground.clock.now()
        phase = timedelta(milliseconds=37 * (ord(self.name[-1]) % 7))
        past = (now - _EPOCH - phase) % every
        self._wake_at(now + every - past)

    def _wake_at(self, at: datetime) -> None:
        if self._wakes_at is None or at < self._wakes_at:
            self._wakes_at = at
            self.ground.clock.plan(at, partial(self._awake, at))

    def _awake(self, at: datetime) -> None:
        if self.is_alive and at == self._wakes_at:
            self._wakes_at = None
            self.step()

    def step(self) -> None:
        """Step until nothing more is to be done now, and find out when to step again."""
        if self._is_stepping or self.is_paused or not self.is_alive:
            return
        self._is_stepping = True
        try:
            for _ in range(_STEPS_AT_ONCE_MAX):
                self._is_to_step = False
                if not self.try_to(self._step):
                    self.wake(_SECOND)
                    return
                if not self._is_to_step or self.is_paused:
                    return
            self.ground.failed("a node does not come to rest", self.name)
        finally:
            self._is_stepping = False

    def _step(self) -> None:
        self.driver.step(self.service.now())
        due_at = self.driver.next_wakeup()
        if due_at is not None:
            at = self.clock.true_at(due_at)
            self._wake_at(max(at, self.ground.clock.now() + timedelta(milliseconds=50)))

    def drain(self, time_max: timedelta) -> None:
        """Begin nothing more; end when nothing is left of what was begun, or hand it over when the time is over."""
        self.driver.drain()
        self._change()
        self._leave_by(self.ground.clock.now() + time_max)

    def _leave_by(self, at: datetime) -> None:
        if not self.is_alive:
            return
        is_late, is_drained = self.ground.clock.now() >= at, False

        def look() -> None:
            nonlocal is_drained
            is_drained = self.driver.is_drained()
            if is_drained or is_late:
                self.driver.leave()

        if self.try_to(look) and (is_drained or is_late):
            self.retire("leaves: nothing is left" if is_drained else "leaves, and hands over")
        else:
            later(self.ground.clock, _SECOND, lambda: self._leave_by(at))

    # ------------------------------------------------------------------ the connection

    def connection(self, *, is_up: bool, is_told: bool = True) -> None:
        """The connection to the telephony is lost, or there again."""
        self.pbx_is_cut = not is_up
        if is_told:
            self._tell_connection(is_up=is_up)

    def _tell_connection(self, *, is_up: bool) -> None:
        """Let the node know, when it goes on if it stands still now."""
        if not self.is_alive or self.pbx_is_cut == is_up:
            return
        if self.try_to(self.driver.telephony_up if is_up else self.driver.telephony_down):
            self._change()
        else:
            later(self.ground.clock, _SECOND, lambda: self._tell_connection(is_up=is_up))


_EPOCH: Final = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
