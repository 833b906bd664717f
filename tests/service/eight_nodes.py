"""
One of several node processes on one PostgreSQL, each told what time it is, and one phone system that outlives them all.

Started as a program, it is such a process: each line on stdin is an order, and is answered by a line on stdout.
`test_eight_nodes` starts them.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import deque
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Final

from callbackq import CallbackService, Dispatcher, QueuePolicy, Store
from callbackq.effects import Bridge, Dial, Effect, HangUp, LookUp
from callbackq.ids import DEFAULT_TENANT, LegId
from callbackq.model import (
    AnsweredBy,
    Cause,
    LegSnapshot,
    LegState,
    Report,
    ReportKind,
    Role,
    TelephonySnapshot,
)
from callbackq.ports import Commit
from callbackq.runners.performing import DIAL_TIME_MAX
from callbackq.testing import START, ManualClock
from service.fighters import open_place

LEASE: Final = timedelta(seconds=15)
POLICY: Final = QueuePolicy(queue="support", calling=None, wrap_up=timedelta(0), pending_max=10_000)
DEATHS: Final = ("before the dial", "after the agent was dialed", "after the customer was dialed")
_IDLE_MAX: Final = 8
_PAUSE_S: Final = 0.002


class PhoneSystem:
    """One phone system for all nodes: a file of lines, each written at once. Everybody answers, and at once."""

    def __init__(self, path: Path) -> None:
        self._path: Final = path

    def note(self, *words: str) -> None:
        """Write one line, behind those of all other processes."""
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(file, " ".join(words).encode() + b"\n")
        finally:
            os.close(file)

    def lines(self) -> list[list[str]]:
        """Return what was noted so far, in order."""
        return [line.split() for line in self._path.read_text().splitlines()] if self._path.exists() else []

    def legs(self) -> dict[LegId, LegSnapshot]:
        """Return the legs that are up."""
        up: dict[LegId, LegSnapshot] = {}
        for what, leg_id, *_ in self.lines():
            if what == "dial":
                up[LegId(leg_id)] = LegSnapshot(state=LegState.ANSWERED)
            else:
                up.pop(LegId(leg_id), None)
        return up


class NodeProcess:
    """A service and a dispatcher, and what performs its effects. What is reported piles up, and is taken together."""

    def __init__(self, store: Store, name: str, phones: PhoneSystem) -> None:
        self.clock = ManualClock()
        self.service = CallbackService(store, [POLICY], clock=self.clock)
        self.dispatcher = Dispatcher(self.service, node_id=name, lease=LEASE)
        self.phones = phones
        self.dies: str | None = None
        self.said: list[Report] = []

    def run(self, seconds: float) -> int:
        """Be at that time, and work until there is nothing more to do; return how many effects were performed."""
        self.clock.advance(START + timedelta(seconds=seconds) - self.clock.now())
        performed_count = idle_count = 0
        while idle_count < _IDLE_MAX:
            effects = deque(self.dispatcher.step(self.clock.now()))
            if effects and self.dies == DEATHS[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            performed_count += len(effects)
            idle_count = 0 if effects else idle_count + 1
            while effects:
                effects.extend(self.perform(effects.popleft()))
                if not effects:
                    effects.extend(self.take())
            if idle_count and self.is_dry():
                break
            if idle_count:
                time.sleep(_PAUSE_S)  # Those who wait for an agent may get one whom another process frees.
        return performed_count

    def is_dry(self) -> bool:
        """Whether nobody is in line."""
        with self.service.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            return tx.line.is_empty()

    def take(self) -> list[Effect]:
        """Take what was reported, and return what is to be done then."""
        said, self.said = self.said, []
        effects: list[Effect] = []
        for outcome in self.service.report_all(said):
            if isinstance(outcome, Exception):
                raise outcome
            effects.extend(outcome.effects)
        return effects

    def perform(self, effect: Effect) -> list[Effect]:
        """Perform one effect, put what is reported of it on the pile, and return what is to be done then."""
        match effect:
            case Dial():
                self._dial(effect)
            case Bridge():
                customer = effect.customer_leg_id
                self._report(customer, ReportKind.BRIDGED)
                self._report(customer, ReportKind.ENDED, Cause.NORMAL)
            case HangUp():
                self.phones.note("end", effect.leg_id)
                self._report(effect.leg_id, ReportKind.ENDED, Cause.NORMAL)
            case LookUp():
                # As runners do: what was intended just now may not have been dialed yet.
                account = TelephonySnapshot(legs=self.phones.legs(), as_of=self.clock.now() - DIAL_TIME_MAX)
                return list(self.service.reconcile(account, hang_up_ending=False).effects)
            case _:
                pass
        return []

    def _dial(self, order: Dial) -> None:
        if not self.service.leg_is_wanted(order.leg_id):
            return
        self.phones.note("dial", order.leg_id, order.role.value, order.callback_id, self.dispatcher.node_id)
        if self.dies == (DEATHS[1] if order.role is Role.AGENT else DEATHS[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        self._report(order.leg_id, ReportKind.ANSWERED)

    def _report(self, leg_id: LegId, kind: ReportKind, cause: Cause = Cause.UNKNOWN) -> None:
        if kind is ReportKind.ENDED:
            self.phones.note("end", leg_id)
        by = AnsweredBy.HUMAN if kind is ReportKind.ANSWERED else AnsweredBy.UNKNOWN
        self.said.append(Report(leg_id=leg_id, kind=kind, cause=cause, answered_by=by))


def be_one_of_several(kind: str, where: str, name: str, phones: str) -> None:
    """Open the store, and do what the lines say: `run <seconds>`, or `die <when>` at the next work that comes."""
    with closing(open_place(kind, where)) as store:
        node = NodeProcess(store, name, PhoneSystem(Path(phones)))
        print("ready", flush=True)
        for line in sys.stdin:
            order, _, rest = line.strip().partition(" ")
            if order == "die":
                node.dies = rest
                print("will", flush=True)
            else:
                print(node.run(float(rest)), flush=True)


if __name__ == "__main__":
    be_one_of_several(*sys.argv[1:5])
