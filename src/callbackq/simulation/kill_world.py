"""
The world around nodes that are killed: it keeps time, the telephone network, the provider, and what people were told.

One seed is one world: its queues, its people, how many nodes there are, and at which points they are killed. The nodes
are processes (`kill_node`) on one store; the world is the process that nobody kills. It gives each order to a node that
lives, answers what the node asks of the telephony and the others, and learns of a death as a host does: no answer
comes. Then it does what hosts do: it starts another process on the same store, and asks again.
"""

from __future__ import annotations

import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, Final

import attrs

from callbackq.effects import Dial
from callbackq.ids import LegId
from callbackq.model import AnsweredBy, Report, ReportKind, Role
from callbackq.policy import QueuePolicy
from callbackq.simulation.kill_draws import Nature, draw_point
from callbackq.simulation.kill_node import Asks, Birth, Did, Dies, Order, Place, chance, give_birth
from callbackq.simulation.storm_parts import CrashingTelephony, SeenNotices
from callbackq.simulation.storm_people import draw_behaviour
from callbackq.testing.checkers import Finding
from callbackq.testing.clock import ManualClock
from callbackq.testing.faults import Fault, Pbx
from callbackq.testing.telephony import Behaviour

KILLED: Final = "killed at another point than it said"
FAILED: Final = "the engine failed"
STUCK: Final = "a node does not answer"
ANY_MOMENT: Final = "any moment"
"""Killed from outside, wherever it is."""
AN_ANSWER: Final = "an answer that was given"
"""Killed from outside, as soon as somebody was told that something is kept."""
_PROMISES: Final = (
    "request",
    ".request_many",
    ".request_together",
    "cancel",
    "hold_slot",
    "reschedule",
    "delivery",
)
"""Orders whose answers somebody relies upon."""
ANSWERS_WITHIN_S: Final = 60.0
_ANY_MOMENT_RATIO: Final = 0.08
_AN_ANSWER_RATIO: Final = 0.12
_TRIES_MAX: Final = 100
_DEPLOY_TIME: Final = timedelta(seconds=40)
LEASE: Final = timedelta(minutes=10)
_SECOND: Final = timedelta(seconds=1)
_MILD: Final = (Fault.REPORT_TWICE, Fault.REPORT_LATE, Fault.DIAL_ANSWERED_EARLY, Fault.HANG_UP_ANSWERED)


class Unanswered(Exception):
    """No answer came: the node died, or none is up, or the store could not. Ask again."""


class RefusedBy(Exception):
    """The engine refused, by an error of its own."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error: Final = error


@attrs.define(eq=False, kw_only=True)
class Node:
    """
    One place for a process, and the process that has it now.

    Attributes:
        pid: of the process; None while there is none.
        wake_at: when it wants to be stepped though nobody said anything.
        kill_at: the point at which it is to die, and at its how many-th passing; told with the next order.
        doom_s: it is killed so many seconds after the next order, if it has not answered by then.
        answers_left: it is killed when it has given so many more answers on which somebody relies.
        dying: where it is killed, if that is known.
        is_busy: it has an order, and has not answered. `order` is the last one.
    """

    name: str
    pipe: Connection | None = None
    pid: int | None = None
    wake_at: datetime | None = None
    kill_at: tuple[str, int] | None = None
    doom_s: float | None = None
    answers_left: int | None = None
    dying: str | None = None
    is_busy: bool = False
    order: str = ""

    @property
    def is_up(self) -> bool:
        """Whether there is a process."""
        return self.pid is not None


@attrs.frozen(kw_only=True)
class Kill:
    """One death."""

    at: datetime
    node: str
    point: str


class KillWorld:
    """
    Time, nodes and the telephone network of one world. What people do in it is `kill_people.People`.

    Args:
        target: where the first node is killed first; drawn if None.
    """

    def __init__(
        self, seed: int, place: Place, *, policies: Sequence[QueuePolicy], nature: Nature, target: str | None
    ) -> None:
        self.seed: Final = seed
        self.nature: Final = nature
        self.policies: Final = policies
        self.place: Final = place
        self.clock: Final = ManualClock()
        self.findings: Final[list[Finding]] = []
        self.kills: Final[list[Kill]] = []
        self.passed: Final[set[str]] = set()
        self.rings: Final[dict[str, datetime]] = {}
        self.heard: Final[dict[LegId, datetime]] = {}
        self.parted_at: Final[set[datetime]] = set()
        self.persons: Final[set[LegId]] = set()
        self.asked: Final[Counter[str]] = Counter()
        self.ports: Final[dict[str, Any]] = {}
        self.birth_parts: dict[str, Any] = {}
        self._random: Final = chance(seed, "world")
        self._habits: Final = chance(seed, "people")
        self._target = target
        self._first_target: Final = target
        self._lives_count = 0
        self._kills_begun = 0
        self._faults_over = False
        self._is_over = False
        self._changed = True
        self._waiting_reports: Final[deque[Report]] = deque()
        self.nodes: Final = [Node(name=f"node-{number}") for number in range(1, nature.nodes + 1)]
        self.telephony: Final = CrashingTelephony(
            self.clock,
            random=chance(seed, "pbx"),
            ratios={fault: self._random.choice((0.0, 0.1)) for fault in _MILD},
            pbx=Pbx.FREESWITCH,
            late_max=5 * _SECOND,
            outage_max=_SECOND,
        )
        self.telephony.behaviour_of = self._behaviour
        self.telephony.on_report = self._hear
        self.notices: Final = SeenNotices(lambda _notice: None)
        self.ports["telephony"], self.ports["notices"] = self.telephony, self.notices

    # ------------------------------------------------------------------ time

    def run(self, end_at: datetime) -> None:
        """Let time pass until then. The first nodes are born now."""
        for node in self.nodes:
            self._be_born(node)
        self._plan_kill(timedelta(0))
        while True:
            at = min(self._times(), default=end_at)
            if at >= end_at:
                self.clock.move_to(end_at)
                return
            planned_at = self.clock.next_planned_at()
            if planned_at is not None and planned_at <= at:
                self.clock.run_next()
            else:
                self.clock.move_to(at)
                self._changed = True
            if self._changed:
                self._changed = False
                self._step()

    def plan(self, after: timedelta, action: Callable[[], object]) -> None:
        """Do *action* after so long, unless all is over by then."""

        def act() -> None:
            if not self._is_over:
                action()

        self.clock.plan(self.clock.now() + after, act)

    def again(self, action: Callable[[], object], *, tries: int = 0) -> None:
        """Do it now, and again soon as long as no answer comes. What is refused is left."""
        try:
            action()
        except Unanswered:
            if tries >= _TRIES_MAX:
                self.found(STUCK, what=f"no answer {tries} times", which="the nodes")
                return
            tries += bool(self.up)  # While none is up there is nobody to ask.
            self.plan(_SECOND * self._random.choice((1, 1, 2, 7)), lambda: self.again(action, tries=tries))
        except RefusedBy:
            pass

    def _times(self) -> list[datetime]:
        found = [node.wake_at for node in self.nodes if node.is_up and node.wake_at is not None]
        planned_at = self.clock.next_planned_at()
        return found if planned_at is None else [*found, planned_at]

    # ------------------------------------------------------------------ orders

    @property
    def up(self) -> list[Node]:
        """The nodes that have a process."""
        return [node for node in self.nodes if node.is_up]

    def say(self, what: str, *args: Any, wants: bool = True, **kwargs: Any) -> Any:
        """
        Give an order to any node that is up, and return what it says.

        Raises:
            Unanswered: it died first, or none is up, or the store could not.
            RefusedBy: an error of the engine.
        """
        free = [node for node in self.up if not node.is_busy]
        if not free:
            raise Unanswered
        node = self._random.choice(free)
        return self.say_to(node, what, *args, wants=wants, **kwargs)

    def say_to(self, node: Node, what: str, *args: Any, wants: bool = True, **kwargs: Any) -> Any:
        """Give an order to one node."""
        did = self.serve({node.name: (node, self._order(what, args, kwargs, wants=wants))})[node.name]
        return self._value(what, did)

    def _value(self, what: str, did: Did | None) -> Any:
        if did is None:
            raise Unanswered
        if did.error is None:
            return did.value
        if not did.is_ours and not did.may_try:
            self.found(FAILED, what=f"{what}: {did.detail}", which=did.error)
        if did.may_try:
            raise Unanswered
        raise RefusedBy(did.error)

    def _order(self, what: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, wants: bool) -> Order:
        return Order(now=self.clock.now(), what=what, args=args, kwargs=kwargs, wants=wants)

    def serve(self, orders: Mapping[str, tuple[Node, Order]]) -> dict[str, Did | None]:
        """Give each node its order, at once, and answer what they ask, until each is done (or None: dead)."""
        answers: dict[str, Did | None] = {}
        busy: dict[Connection, Node] = {}
        for node, order in orders.values():
            assert node.pipe is not None
            told, node.kill_at = attrs.evolve(order, kill_at=node.kill_at), None
            node.order = order.what
            try:
                node.pipe.send(told)
            except OSError:
                self._bury(node)
                answers[node.name] = None
            else:
                busy[node.pipe], node.is_busy = node, True
        while busy:
            doomed = [node for node in busy.values() if node.doom_s is not None]
            patience_s = min((node.doom_s or 0.0 for node in doomed), default=ANSWERS_WITHIN_S)
            ready = wait(list(busy), timeout=patience_s)
            if not ready:
                self._kill_from_outside(doomed or list(busy.values()), is_planned=bool(doomed))
                continue
            for pipe in ready:
                assert isinstance(pipe, Connection)
                done, did = self._listen(busy[pipe], pipe)
                if done:
                    answers[busy[pipe].name] = did
                    del busy[pipe]
        return answers

    def _listen(self, node: Node, pipe: Connection) -> tuple[bool, Did | None]:
        """Hear one word of a node; say whether it is done, and what it did."""
        try:
            word = pipe.recv()
        except (EOFError, OSError):
            self._bury(node)
            return True, None
        if isinstance(word, Asks):
            self._answer(pipe, word)
            return False, None
        if isinstance(word, Dies):
            node.dying = word.point
            return False, None
        assert isinstance(word, Did)
        node.doom_s, node.is_busy = None, False
        self.passed.update(word.passed)
        self.findings.extend(word.findings)
        if node.answers_left is not None and node.order in _PROMISES and word.error is None:
            node.answers_left -= 1
            if node.answers_left <= 0:
                self._kill_answered(node)
        return True, word

    def _answer(self, pipe: Connection, asks: Asks) -> None:
        """Do what a node asks of the world. That it dies meanwhile changes nothing: it was done."""
        error, value = None, None
        self.asked[f"{asks.port}.{asks.method}"] += 1
        try:
            value = getattr(self.ports[asks.port], asks.method)(*asks.args)
        except BaseException as raised:
            if isinstance(raised, AssertionError | NameError | AttributeError):
                raise
            error = type(raised).__name__
        try:
            pipe.send((error, value))
        except OSError:
            return

    # ------------------------------------------------------------------ steps

    def note_change(self) -> None:
        """Something changed: nodes step."""
        self._changed = True

    def _step(self) -> None:
        """Step one node, or all at once; and those whose time has come."""
        now, up = self.clock.now(), self.up
        if not up:
            return
        all_at_once = self.nature.at_once and self._random.random() < 0.4
        chosen = up if all_at_once else [self._random.choice(up)]
        chosen = [node for node in up if node in chosen or (node.wake_at is not None and node.wake_at <= now)]
        order = self._order(".step", (), {}, wants=True)
        if self.nature.at_once:
            self._take_steps(chosen, self.serve({node.name: (node, order) for node in chosen}))
            return
        for node in chosen:
            if node.is_up:  # One that steps may have another one do something, at which that dies.
                self._take_steps([node], self.serve({node.name: (node, order)}))

    def _take_steps(self, nodes: Sequence[Node], answers: Mapping[str, Did | None]) -> None:
        floor = self.clock.now() + timedelta(milliseconds=50)
        for node in nodes:
            did = answers[node.name]
            if did is None:
                continue
            try:
                wake_at = self._value("step", did)
            except (Unanswered, RefusedBy):
                wake_at = self.clock.now() + _SECOND
            node.wake_at = max(wake_at, floor) if wake_at is not None else None

    # ------------------------------------------------------------------ birth and death

    def _be_born(self, node: Node) -> None:
        self._lives_count += 1
        pair: Any = Pipe()
        ours: Connection
        theirs: Connection
        ours, theirs = pair
        birth = Birth(
            place=self.place,
            seed=self.seed,
            life=self._lives_count,
            node_id=f"{node.name}.{self._lives_count}",
            policies=self.policies,
            can_snapshot=self.nature.can_snapshot,
            lease=LEASE,
            **self.birth_parts,
        )
        others = [one.pipe for one in self.nodes if one.pipe is not None]
        node.pid = give_birth(theirs, birth, close=[ours, *others])
        theirs.close()
        node.pipe, node.wake_at = ours, self.clock.now()
        did = self.serve({node.name: (node, self._order(".be_born", (), {}, wants=False))})[node.name]
        if did is not None and did.error is not None:
            self._value("be born", did)
        self._changed = True

    def _bury(self, node: Node) -> None:
        """A process is gone: note where, and have another one come."""
        assert node.pid is not None
        _, status = os.waitpid(node.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        point = node.dying or ANY_MOMENT
        if code != -signal.SIGKILL:
            self.found(KILLED, what=f"it ended with {code}", which=node.name)
        self.kills.append(Kill(at=self.clock.now(), node=node.name, point=point))
        self.passed.add(point)
        self._lay_down(node)
        self.plan(self._downtime(), lambda: self._be_born(node))
        self._plan_kill(_SECOND * self._random.choice((0, 0, 5, 60, 300)))

    def _lay_down(self, node: Node) -> None:
        node.is_busy = False
        if node.pipe is not None:
            node.pipe.close()
        node.pipe = node.pid = node.wake_at = node.dying = None
        node.kill_at = node.doom_s = node.answers_left = None

    def _downtime(self) -> timedelta:
        if self._faults_over:
            return timedelta(0)
        return _SECOND * self._random.choice((0, 0, 0, 1, 3, 30, 120, 900))

    def _kill_from_outside(self, nodes: Sequence[Node], *, is_planned: bool) -> None:
        for node in nodes:
            if not is_planned:
                self.found(STUCK, what="killed after a minute", which=node.name)
            assert node.pid is not None
            node.doom_s = None
            os.kill(node.pid, signal.SIGKILL)

    def _kill_answered(self, node: Node) -> None:
        """It has said that something is kept; so it is, whatever happens now."""
        assert node.pid is not None
        os.kill(node.pid, signal.SIGKILL)
        node.dying = AN_ANSWER
        self._bury(node)

    def deploy(self) -> None:
        """Have every node end in peace, one after the other, and another one take its place."""
        for number, node in enumerate(self.nodes):
            self.plan(number * _DEPLOY_TIME, partial(self._drain, node))

    def _drain(self, node: Node) -> None:
        if self._is_told(node, ".drain"):
            self.note_change()
            self.plan(_DEPLOY_TIME, lambda: self._replace(node, node.pid))

    def _replace(self, node: Node, pid: int | None) -> None:
        if node.pid == pid and self._is_told(node, ".leave") and self._is_told(node, ".stop"):
            self._wait_for(node)
            self._be_born(node)

    def _is_told(self, node: Node, what: str) -> bool:
        """Tell a node something, and say whether it lived to do it."""
        if not node.is_up:
            return False
        try:
            self.say_to(node, what, wants=False)
        except Unanswered:
            return node.is_up
        except RefusedBy:
            return True
        return True

    def _wait_for(self, node: Node) -> None:
        assert node.pid is not None
        os.waitpid(node.pid, 0)
        self._lay_down(node)

    def _plan_kill(self, after: timedelta) -> None:
        if self._kills_begun < self.nature.kills and not self._faults_over:
            self._kills_begun += 1
            self.plan(after, self._arm)

    def _arm(self) -> None:
        """Tell a node where it is to die. If it does not come there soon, at an earlier passing."""
        up = self.up
        if not up or self._faults_over:
            if not self._faults_over:
                self.plan(_SECOND, self._arm)
            return
        node, random = self._random.choice(up), self._random
        target, self._target = self._target, None
        how = random.random() if target is None else 1.0
        if how < _ANY_MOMENT_RATIO:
            node.doom_s = 0.0001 * 2 ** (random.random() * 6)
            return
        if how < _ANY_MOMENT_RATIO + _AN_ANSWER_RATIO:
            node.answers_left = random.choice((1, 1, 2, 4))
            return
        point = target or draw_point(random)
        times = 1 if random.random() < 0.4 else int(2 ** (random.random() * 7))
        node.kill_at = point, times
        self.plan(timedelta(minutes=4), lambda: self._arm_sooner(node, point, times, len(self.kills)))

    def _arm_sooner(self, node: Node, point: str, times: int, kills: int) -> None:
        """It has not died yet: ask for less."""
        if len(self.kills) != kills or self._faults_over:
            return
        up = self.up
        if not up:
            return
        if times == 1:  # It does not come there any more.
            point, times = draw_point(self._random), 8
        times = max(times // 4, 1)
        if not node.is_up or self._random.random() < 0.5:
            node = self._random.choice(up)
        for other in up:  # At one of them only.
            other.kill_at = (point, times) if other is node else ("nowhere", 1)
        self.plan(timedelta(minutes=4), lambda: self._arm_sooner(node, point, times, kills))

    def begin_anew(self, at: datetime, work: Callable[[], object]) -> None:
        """
        Let a long time pass in which nobody is there; then one node comes, and *work* is done, at which it is killed.

        It is killed once, where its world was to be and was not, or where chance will have it.
        """
        self._is_over = True  # Nobody does now what was planned then.
        self.clock.move_to(at)
        self._is_over = False
        node = self.nodes[0]
        self._be_born(node)
        missed = self._first_target if all(kill.point != self._first_target for kill in self.kills) else None
        node.kill_at = missed or draw_point(self._random), self._random.choice((1, 1, 2, 5))
        work()
        while not node.is_up:
            self.clock.run_next()
        self.end()

    def end_faults(self) -> None:
        """Nobody is killed from now on."""
        self._faults_over = True
        for node in self.nodes:
            node.kill_at, node.doom_s, node.answers_left = ("nowhere", 1), None, None

    def end(self) -> None:
        """Let every node end in peace."""
        for node in self.up:
            if self._is_told(node, ".leave") and self._is_told(node, ".stop"):
                self._wait_for(node)

    def abandon(self) -> None:
        """Leave no process behind, whatever happened."""
        for node in self.up:
            assert node.pid is not None
            os.kill(node.pid, signal.SIGKILL)
            os.waitpid(node.pid, 0)
            self._lay_down(node)

    # ------------------------------------------------------------------ the telephone network

    def _behaviour(self, order: Dial, _dialed_before: int) -> Behaviour:
        drawn = draw_behaviour(order, self._habits)
        found_out = drawn.detected_as if drawn.answered_by is AnsweredBy.UNKNOWN else drawn.answered_by
        if order.role is Role.CUSTOMER and found_out not in (AnsweredBy.MACHINE, AnsweredBy.FAX):
            self.persons.add(order.leg_id)
        return drawn

    def _hear(self, report: Report) -> None:
        """Tell a node what a leg does: until one has heard, or only once."""
        if report.kind is ReportKind.UNBRIDGED:
            self.parted_at.add(self.clock.now())
        if self.up and all(node.is_busy for node in self.up):
            # It comes while the order to dial is still under way: so it is heard right after that.
            self.plan(timedelta(0), lambda: self._hear(report))
            return
        if self.nature.repeats:
            self.again(lambda: self._tell(report))
            return
        try:
            self._tell(report)
        except (Unanswered, RefusedBy):
            return

    def _tell(self, report: Report) -> None:
        self._changed = True
        changed = self.say(".report", report)
        if report.kind in (ReportKind.RINGING, ReportKind.ANSWERED):
            self.rings.setdefault(report.leg_id, self.clock.now())
        if report.kind is ReportKind.BRIDGED and changed:
            self.heard.setdefault(report.leg_id, self.clock.now())

    # ------------------------------------------------------------------ findings

    def found(self, check: str, *, what: str, which: str) -> None:
        """Note what must not be."""
        self.findings.append(Finding(check=check, what=what, which=which, at=self.clock.now()))
