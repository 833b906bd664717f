"""
The world of a fleet: several nodes over one store, in virtual time, and everything goes wrong that the plan says.

The rule is the storm's (`storm`): the world is a host like any other. What happens to people it writes into a journal
of its own, and the checkers hold the accounts against each other. Everything follows from the plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import attrs

from callbackq.events import AttemptMoved, AttemptStarted, Event
from callbackq.ids import AttemptId, LegId, TenantId
from callbackq.model import AttemptState, Delivery, Report, ReportKind
from callbackq.policy import QueuePolicy
from callbackq.ports import Commit, IdSource, Store, Transaction
from callbackq.simulation.fleet.chance import Chance
from callbackq.simulation.fleet.crowd import Crowd
from callbackq.simulation.fleet.network import Provider, SharedPbx
from callbackq.simulation.fleet.plan import FleetPlan, Ill, Incident, PersonPlan, Trouble
from callbackq.simulation.fleet.processes import TENANT, Node, Process
from callbackq.simulation.storm_log import EngineLog
from callbackq.stores.memory import MemoryStore
from callbackq.testing.checkers import Finding
from callbackq.testing.clock import ManualClock, SequentialIds
from callbackq.testing.telephony import Carried, CarrierEntry

ERROR: Final = "the engine raised an error"
NO_INTENT: Final = "leg dialed before its intent was durable"
_STEPS_MAX: Final = 60_000
_DEPTH_MAX: Final = 5
_TRIES_MAX: Final = 60
_OVER_AFTER: Final = timedelta(minutes=70)
_LOOK_EVERY: Final = timedelta(seconds=30)
_SECOND: Final = timedelta(seconds=1)
_BACK_MAX: Final = timedelta(seconds=60)


@attrs.frozen(kw_only=True)
class Seen:
    """One thing that happened in the world, in true time: an event, a line of an account, a report, or words."""

    at: datetime
    who: str
    what: Any


@attrs.frozen(kw_only=True)
class Written:
    """One event of the history, when it was committed in true time, and by which process."""

    at: datetime
    by: str
    event: Event


class Fleet:
    """
    One world. Play it once.

    Args:
        plan: everything follows from it.
        store: where the rows are, empty; a new one in memory if None.
        taped: keep all that happens in its order, for who wants to read it.

    Attributes:
        written: the history in true time.
        findings: what was found while the world went on.
        longest_stall: so long a process stood still at most.
    """

    def __init__(self, plan: FleetPlan, *, store: Store | None = None, taped: bool = False) -> None:
        self.plan: Final = plan
        self.clock = ManualClock(plan.starts_at)
        self.chance = Chance(plan.seed, plan.ratios, only=plan.only, when=self._when)
        self.store: Store = store if store is not None else MemoryStore(pepper=bytes(32))
        self.ids: IdSource = SequentialIds()
        self.policies: Sequence[QueuePolicy] = plan.policies
        self.look: Callable[[Transaction, Sequence[Event]], None] = lambda _tx, _events: None
        self.log: Final = EngineLog()
        self.went_wrong: Final[Counter[str]] = Counter()
        self.written: Final[list[Written]] = []
        self.findings: Final[list[Finding]] = []
        self.tape: Final[list[Seen] | None] = [] if taped else None
        self.rings: Final[dict[str, datetime]] = {}
        self.heard: Final[dict[LegId, datetime]] = {}
        self.parted: Final[set[AttemptId | None]] = set()
        self.is_calm = False
        self._names: Final = _names_of(plan.people)
        self.transactions_count = 0
        self.longest_stall = timedelta(0)
        self._intended: Final[set[LegId]] = set()
        self._depth = 0
        self._store_outs = 0
        self.pbx = SharedPbx(self.clock, self.chance, pbx=plan.pbx, name_of=self.name_of)
        self.provider = Provider(self.clock, self.chance, tell=self._deliver_receipt)
        self._processes: Final[list[Process]] = []
        self._born: Final[Counter[str]] = Counter()
        self.crowd: Final = Crowd(self, plan)
        self.pbx.behaviour_of = self.crowd.behaviour
        self.pbx.on_report = self._route
        self.pbx.on_connect_call = self.crowd.talk
        self.pbx.on_entry = self._look_at_entry
        self.pbx.on_fault = lambda fault: self.see("network", f"fault: {fault.replace('_', ' ')}")
        self.provider.on_line = lambda line: self.see("provider", line)

    # ------------------------------------------------------------------ playing

    def play(self) -> None:
        """
        Let everything happen that the plan says, until faults have stopped and nothing is left to happen.

        Raises:
            TimeoutError: time stands still; a bug.
        """
        plan = self.plan
        with self.log.attached():
            for process_plan in plan.webs:
                self._processes.append(Process(self, process_plan, name=process_plan.name))
            for process_plan in plan.nodes:
                self._start(process_plan.name)
            for worker in plan.workers:
                self.later(timedelta(0), partial(self.crowd.sign_in, worker))
            for person in plan.people:
                self.later(person.wisher.after, partial(self.crowd.come, person))
            for incident in plan.incidents:
                self.later(incident.at, partial(self._befall, incident))
            for meddling in plan.meddlings:
                self.later(meddling.at, partial(self.crowd.meddle, meddling))
            self.later(plan.faults_for, self._calm_down)
            self._drive()
        self.findings.extend(self.log.findings)
        self.went_wrong.update(name.split("/", maxsplit=1)[0] for name in self.chance.happened)

    def _drive(self) -> None:
        ends_after = self.plan.ends_after
        end_at = self.clock.now() + (self.plan.faults_for + _OVER_AFTER if ends_after is None else ends_after)
        look_at = self.clock.now() + self.plan.faults_for
        for _ in range(_STEPS_MAX):
            at = self.clock.next_planned_at()
            if at is None or at > end_at:
                self.clock.move_to(end_at)
                return
            if self.is_calm and at >= look_at:
                if self._is_over():
                    return
                look_at = self.clock.now() + _LOOK_EVERY
            self.clock.run_next()
        raise TimeoutError(f"the fleet {self.plan.seed} does not come to an end")

    def _is_over(self) -> bool:
        """Whether nothing is open any more."""
        if self.pbx.live_legs():
            return False
        with self.read() as tx:
            return all(
                tx.callbacks.open_count(queue, limit=1) == 0
                and tx.attempts.open_count(queue, limit=1) == 0
                and not tx.calls.open(queue)
                for queue in (policy.queue for policy in self.policies)
            ) and not tx.messages.due(now=self.clock.now() + timedelta(minutes=20), limit=1)

    def read(self) -> Any:
        """Read what is in the store, past all faults."""
        return self.store.transaction(TenantId(TENANT), commit=Commit.READ_ONLY)

    def pass_time(self, length: timedelta) -> None:
        """Let everything else go on for so long, while a process stands still."""
        began_at = self.clock.now()
        until = began_at + length
        self._depth += 1
        try:
            while (at := self.clock.next_planned_at()) is not None and at <= until:
                self.clock.run_next()
            self.clock.move_to(until)
        finally:
            self._depth -= 1
            # Another process may have stood still for longer, within this one.
            self.longest_stall = max(self.longest_stall, self.clock.now() - began_at)

    def can_go_deeper(self) -> bool:
        """Whether one more process may stand still inside the others that do."""
        return self._depth < _DEPTH_MAX and not self.transactions_count

    def let_another_step(self, process: Process) -> None:
        """Let another node step in the same instant, or the next second come, in the middle of what one does."""
        if not self.can_go_deeper():
            return
        name = self.chance.happened[-1]
        others = [one for one in self._alive() if isinstance(one, Node) and one is not process]
        if others and self.chance.share(f"{name}/who") < 1 / 2:
            other = others[int(self.chance.share(f"{name}/which") * len(others))]
            self._depth += 1
            try:
                other.step()
            finally:
                self._depth -= 1
        else:
            self.pass_time(self.chance.length(name, _SECOND))

    def _when(self) -> str:
        """What time it is, for the names of bad luck: how long the world has gone on."""
        return str(self.clock.now() - self.plan.starts_at)

    def see(self, who: str, what: object) -> None:
        """Take down what happened."""
        if self.tape is not None:
            self.tape.append(Seen(at=self.clock.now(), who=who, what=what))

    def count(self, what: str) -> None:
        """Count one more of it."""
        self.went_wrong[what] += 1

    def failed(self, what: str, which: str) -> None:
        """The engine raised what it never should."""
        lines = [line for line in what.strip().splitlines() if line.strip()]
        self.findings.append(Finding(check=ERROR, what=lines[-1][:200], which=which, at=self.clock.now()))
        self.see(which, f"!! {lines[-1]}")

    def committed(self, process: Process, events: Sequence[Event]) -> None:
        """A process has written: others find out when they look."""
        now = self.clock.now()
        for event in events:
            self.written.append(Written(at=now, by=process.name, event=event))
            if isinstance(event, AttemptStarted):
                self._intended.update((event.agent_leg_id, event.customer_leg_id))
            self.see(process.name, event)
        for other in self._processes:
            if other is not process and isinstance(other, Node) and other.is_alive:
                other.poll()

    def _look_at_entry(self, entry: CarrierEntry) -> None:
        """Nobody is dialed for whom the intent is not durable."""
        self.see("network", entry)
        if (
            entry.what is Carried.DIALED
            and entry.leg_id is not None
            and _first(entry.leg_id) not in self._intended
        ):
            what = "dialed, and the intent is not committed"
            self.findings.append(Finding(check=NO_INTENT, what=what, which=entry.leg_id, at=entry.at))

    def later(self, after: timedelta, action: Callable[[], None]) -> None:
        """Plan an action."""
        self.clock.plan(self.clock.now() + after, action)

    def name_of(self, number: str) -> str:
        """Return whose number it is."""
        return self._names.get(number, "somebody")

    # ------------------------------------------------------------------ processes

    def _alive(self) -> list[Process]:
        return [process for process in self._processes if process.is_alive]

    def _of(self, host: str) -> Process | None:
        """Return the process that runs on a host now."""
        return next((one for one in reversed(self._alive()) if one.plan.name == host), None)

    def _start(self, host: str, *, is_new: bool = False) -> None:
        """
        Begin a new process on a host.

        Args:
            is_new: with a name of its own, beside the one that is there.
        """
        plans = {plan.name: plan for plan in (*self.plan.nodes, *self.plan.webs)}
        self._born[host] += 1
        plan = plans[host]
        if host.startswith("web"):
            self._processes.append(Process(self, plan, name=host))
            return
        # Half of the hosts give a process the name of the one before, the others a new one.
        renames = is_new or (self.chance.share(f"{host}/renames") < 1 / 2 and self._born[host] > 1)
        node = Node(self, plan, name=f"{host}.{self._born[host]}" if renames else host)
        self._processes.append(node)
        node.store_is_cut = self._store_outs > 0
        self.see(node.name, "begins")
        self.look_at_connections()
        node.begin()

    def ended(self, process: Process) -> None:
        """It was not meant to: another one begins in its place."""
        if not self.is_calm:
            after = self.chance.length(f"{process.name}/back/{self._born[process.plan.name]}", _BACK_MAX)
            self.later(after, partial(self._restart, process.plan.name))

    def _restart(self, host: str) -> None:
        if self._of(host) is None:
            self._start(host)

    def look_at_connections(self) -> None:
        """The network has nobody to talk to while no node is connected."""
        self.pbx.is_down = not any(isinstance(one, Node) and not one.pbx_is_cut for one in self._alive())

    # ------------------------------------------------------------------ what befalls them

    def _befall(self, incident: Incident) -> None:
        what, process = incident.what, self._of(incident.who)
        self.count(what)
        self.see(
            incident.who or "all", f"!! {what.replace('_', ' ')}, for {incident.length.total_seconds():.0f} s"
        )
        if what is Trouble.STORE_OUT:
            self._store_outs += 1
            self._set_store()
            self.later(incident.length, self._store_is_back)
        elif what is Trouble.NO_AGENTS:
            for worker in self.plan.workers:
                self.crowd.sign_out(worker, rests_for=incident.length)
        elif process is None:
            return
        elif what is Trouble.KILLED:
            process.end("is killed")
        elif what is Trouble.GONE and self._may_go(process):
            process.retire("ends for good")
        elif what is Trouble.PAUSED:
            process.pause = incident.length
        elif what is Trouble.DEPLOYED and isinstance(process, Node):
            self._start(process.plan.name, is_new=True)
            process.drain(incident.length)
        else:
            self._cut(process, what, incident.length)

    def _may_go(self, process: Process) -> bool:
        return any(isinstance(one, Node) and one is not process for one in self._alive())

    def _cut(self, process: Process, what: Trouble, length: timedelta) -> None:
        store = what in (Trouble.CUT_FROM_STORE, Trouble.CUT_FROM_BOTH)
        pbx = what in (Trouble.CUT_FROM_PBX, Trouble.CUT_UNNOTICED, Trouble.CUT_FROM_BOTH)
        if store:
            process.store_is_cut = True
        if pbx and isinstance(process, Node):
            process.connection(is_up=False, is_told=what is not Trouble.CUT_UNNOTICED)
        self.look_at_connections()

        def mend() -> None:
            if store:
                process.store_is_cut = self._store_outs > 0
            if pbx and isinstance(process, Node):
                process.connection(is_up=True)
            self.look_at_connections()

        self.later(length, mend)

    def _store_is_back(self) -> None:
        self._store_outs -= 1
        self._set_store()

    def _set_store(self) -> None:
        for process in self._alive():
            process.store_is_cut = self._store_outs > 0

    def _calm_down(self) -> None:
        """Faults stop: whatever ended is there again, whatever was cut is joined."""
        self.is_calm = True
        self.see("all", "!! from now on nothing goes wrong")
        self.chance.calm()
        self.pbx.ratios = {}
        self._store_outs = 0
        self._set_store()
        for process in self._alive():
            process.pause = None
            if isinstance(process, Node) and process.pbx_is_cut:
                process.connection(is_up=True)
        self.look_at_connections()
        if not any(isinstance(one, Node) for one in self._alive()):
            self._start(self.plan.nodes[0].name)

    # ------------------------------------------------------------------ somebody asks a process to do something

    def ask(
        self,
        about: str,
        action: Callable[[Process], object],
        *,
        tries: int = _TRIES_MAX,
        nodes_only: bool = False,
        of: Process | None = None,
    ) -> None:
        """
        Let some process do something, and another one soon if it could not: people and PBX do not give up at once.

        Args:
            of: this process, as long as it lives.
        """
        able = [one for one in self._alive() if isinstance(one, Node) or not nodes_only]
        if of is not None and of.is_alive:
            able = [of]
        share = self.chance.share(f"{about}/asks/{tries}")
        if able:
            process = able[int(share * len(able))]
            if process.try_to(partial(action, process)):
                return
        if tries:
            again = partial(self.ask, about, action, tries=tries - 1, nodes_only=nodes_only, of=of)
            self.later(_SECOND * (1 + share), again)

    # ------------------------------------------------------------------ reports and receipts

    def _route(self, report: Report) -> None:
        """Bring a report to the node that dialed, or to another, or to all; to nobody if that one is not there."""
        owner = self.pbx.owners.get(report.leg_id, "")
        there = [one for one in self._alive() if isinstance(one, Node) and not one.pbx_is_cut]
        about = self.chance.topic
        targets = [one for one in there if one.name == owner]
        if self.chance.hits(Ill.REPORT_TO_ALL, about):
            targets = there
        elif there and (self.chance.hits(Ill.REPORT_ELSEWHERE, about) or not targets):
            share = self.chance.share(f"{about}/where/{self.clock.now().isoformat()}")
            targets = [there[int(share * len(there))]]
        if not targets:
            self.pbx.lost.append((report.leg_id, self.clock.now()))
            self.see("network", "a report is told to nobody")
        for node in targets:
            self.ask(node.name, partial(self._tell, report), nodes_only=True, of=node)

    def _tell(self, report: Report, process: Process) -> None:
        assert isinstance(process, Node)
        self.see(process.name, report)
        if report.kind is ReportKind.UNBRIDGED:
            self.parted.add(self.pbx.attempt_of(report.leg_id))
        told_at, written_count = self.clock.now(), len(self.written)
        try:
            process.driver.report(report)
        except LookupError:
            self.count("report of no leg")
        finally:
            mine = [one.event for one in self.written[written_count:] if one.by == process.name]
            if report.kind in (ReportKind.RINGING, ReportKind.ANSWERED) and mine:
                self.rings.setdefault(report.leg_id, told_at)
            if report.kind is ReportKind.BRIDGED and any(_is_connected(one) for one in mine):
                self.heard.setdefault(report.leg_id, told_at)

    def _deliver_receipt(self, told: Delivery) -> None:
        self.ask(f"{told.provider_id}", lambda process: process.service.delivery(told))


def _first(leg_id: LegId) -> LegId:
    """Return the id of the first agent's leg, of that of a later one."""
    return LegId(leg_id.split(".", maxsplit=1)[0])


def _is_connected(event: Event) -> bool:
    return isinstance(event, AttemptMoved) and event.state is AttemptState.CONNECTED


def _names_of(people: Sequence[PersonPlan]) -> dict[str, str]:
    """Return whose each number is; of one that several have, the first one's."""
    names: dict[str, str] = {}
    for person in people:
        for number in (person.wisher.number.split(";", maxsplit=1)[0], *person.wisher.alternatives):
            names.setdefault(number, person.name)
    return names
