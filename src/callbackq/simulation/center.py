"""
A contact center that is run in virtual time: people and agents around the real service, dispatcher and store.

The rule: the center is a host like any other. It tells the service what happens, performs what the dispatcher
returns, and reads the store only when the run is over (and to see, when the last agent wants to go, whether
anybody is left). What happens to people it writes into a journal of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Any, Final

import attrs

from callbackq.effects import ConnectCall, Dial
from callbackq.events import Event
from callbackq.ids import CallbackId, LegId, TenantId
from callbackq.model import Callback, CallbackState, Cause, Offer, Report, ReportKind, Role
from callbackq.policy import QueuePolicy
from callbackq.ports import Commit, Store
from callbackq.simulation.people import Caller, Response, Try
from callbackq.simulation.report import SimulationReport, summarize
from callbackq.simulation.staffing import Shift
from callbackq.simulation.world import Happened, Journal, WorldLine
from callbackq.stores.rows import EVENT_COLUMNS, encode_event, from_json, to_json
from callbackq.testing.checkers import Evidence
from callbackq.testing.clock import START, ManualClock
from callbackq.testing.host import VirtualHost
from callbackq.testing.telephony import Behaviour

ACCEPT_RATIO: Final = 0.37
"""The share of offers that callers of a US bank accepted (Hathaway, Emadi and Deshpande, 2020)."""

_LOOKS_AGAIN_AFTER: Final = timedelta(seconds=30)
_STEPS_AT_ONE_INSTANT_MAX: Final = 100_000
_OVER_AFTER_MAX: Final = timedelta(days=62)
"""Twice the longest life of a callback: by then every promise has ended, and every call."""
_PROGRESS_EVERY: Final = 50
_ZERO: Final = timedelta(0)
_FAILURES: Final = {Response.IS_BUSY: Cause.BUSY, Response.REJECTS: Cause.REJECTED}


@attrs.define(kw_only=True)
class _Person:
    """Where one caller stands, as the world sees it."""

    caller: Caller
    waits: bool = True
    callback_id: str | None = None
    agents_rung: int = 0
    dialed: int = 0


class ContactCenter:
    """
    One run. Build it, `run` it, and read `report`, `evidence` and `log_lines`.

    A waiting caller is considered for an offer once, `offer_after` after joining: in a line that is served in
    order the expected wait only falls. Who accepts hangs up at once and is called back. Who does not, or is not
    offered one, holds until served or out of patience. A conversation takes as long on the phone as called back.

    Args:
        store: an empty one.
        policies: one for each queue that callers or shifts name; `calling` is `people.AT_ANY_HOUR` for drawn people.
        callers: in any order; their call ids must differ, and sort as they should stand in line when two join
            at one instant.
        shifts: who is on duty when.
        accept_ratio: the share of offers that are accepted.
        offer_after: when the service is asked for an offer; never if None.
        asked: callers ask for a callback themselves, so a short wait is no reason to refuse.
        pick_up: how long an agent takes to pick up.

    Attributes:
        host: the parts around which the center is built.
        deliver: who takes the telephony's reports; wrap it to let reports go astray.

    Raises:
        ConfigurationError: two policies for one queue.

    Cost: some 0.4 ms for each caller in memory, 1 to 2 ms on SQLite.
    """

    def __init__(
        self,
        store: Store,
        *,
        policies: Sequence[QueuePolicy],
        callers: Iterable[Caller],
        shifts: Iterable[Shift],
        accept_ratio: float = ACCEPT_RATIO,
        offer_after: timedelta | None = timedelta(seconds=30),
        asked: bool = False,
        pick_up: timedelta = timedelta(seconds=5),
        tenant_id: str = "default",
    ) -> None:
        self._callers: Final = sorted(callers, key=lambda caller: (caller.joins_at, caller.call_id))
        self._shifts: Final = sorted(shifts, key=lambda shift: (shift.starts_at, shift.agent_id))
        starts = [self._callers[0].joins_at] if self._callers else []
        starts += [self._shifts[0].starts_at] if self._shifts else []
        self.host: Final = VirtualHost(
            store, policies, clock=ManualClock(min(starts, default=START)), tenant_id=tenant_id
        )
        self.deliver: Callable[[Report], object] = self.host.driver.report
        self.journal: Final = Journal()
        self._store: Final = store
        self._tenant_id: Final = TenantId(tenant_id)
        self._attempts_max: Final = max((policy.attempts_max for policy in policies), default=0)
        self._accept_ratio: Final = accept_ratio
        self._offer_after: Final = offer_after
        self._asked: Final = asked
        self._pick_up: Final = pick_up
        self._people: Final[dict[str, _Person]] = {}
        self._promised: Final[dict[CallbackId, _Person]] = {}
        self._open: Final[dict[CallbackId, None]] = {}
        self._legs: Final[dict[LegId, tuple[Dial, _Person]]] = {}
        self._on_duty: Final[dict[str, Shift]] = {}
        self._newcomers: Final[list[_Person]] = []
        self._changed = False
        self.host.telephony.behaviour_of = self._behaviour
        self.host.telephony.on_report = self._hear
        self.host.telephony.on_connect_call = self._talk
        self.host.service.when_changed(self._note_change)

    # ------------------------------------------------------------------ running

    def run(self, *, progress: Callable[[int, int], None] | None = None) -> SimulationReport:
        """
        Let everything happen, until nothing is left to happen: every promise has ended, every agent gone home.

        Args:
            progress: told now and then how many callers have joined, of how many.

        Raises:
            TimeoutError: time stands still, or nothing comes to an end; a bug.
        """
        for shift in self._shifts:
            self.host.clock.plan(shift.starts_at, partial(self._sign_in, shift))
        self._plan_caller(0, progress)
        self._drive()
        if progress is not None:
            progress(len(self._callers), len(self._callers))
        return self.report()

    def _drive(self) -> None:
        """Do what comes next, and step the dispatcher whenever something changed or is due, as a host would."""
        clock, driver = self.host.clock, self.host.driver
        wake_at, here = driver.next_wakeup(), 0
        known = (*(shift.ends_at for shift in self._shifts), *(caller.joins_at for caller in self._callers))
        last_at = max(known, default=clock.now()) + _OVER_AFTER_MAX
        while True:
            planned_at = clock.next_planned_at()
            if planned_at is not None and (wake_at is None or planned_at <= wake_at):
                here = here + 1 if planned_at <= clock.now() else 0
                clock.run_next()
            elif wake_at is not None:
                here = here + 1 if wake_at <= clock.now() else 0
                clock.move_to(wake_at)
                self._changed = True
            else:
                return
            if here > _STEPS_AT_ONE_INSTANT_MAX or clock.now() > last_at:
                raise TimeoutError(f"the run does not come to an end at {clock.now().isoformat()}")
            if self._changed:
                self._changed = False
                driver.step(clock.now())
                wake_at = driver.next_wakeup()
            while self._newcomers:
                self._settle(self._newcomers.pop())

    def _note_change(self) -> None:
        self._changed = True

    def _plan(self, after: timedelta, action: Callable[[], None]) -> None:
        self.host.clock.plan(self.host.clock.now() + after, action)

    # ------------------------------------------------------------------ callers

    def _plan_caller(self, index: int, progress: Callable[[int, int], None] | None) -> None:
        if index >= len(self._callers):
            return
        if progress is not None and index % _PROGRESS_EVERY == 0:
            progress(index, len(self._callers))

        def join() -> None:
            self._plan_caller(index + 1, progress)
            self._join(self._callers[index])

        self.host.clock.plan(self._callers[index].joins_at, join)

    def _join(self, caller: Caller) -> None:
        person = self._people[caller.call_id] = _Person(caller=caller)
        self._write(person, Happened.JOINED, skills=caller.skills)
        self.host.service.call_joined(
            caller.queue,
            call_id=caller.call_id,
            number=caller.number,
            priority=caller.priority,
            skills=caller.skills,
        )
        self._newcomers.append(person)

    def _settle(self, person: _Person) -> None:
        """Who was not served at once gets ready to wait."""
        if not person.waits:
            return
        self._write(person, Happened.WAITS)
        if self._offer_after is not None:
            self._plan(self._offer_after, lambda: self._offer(person))
        if person.caller.patience is not None:
            self._plan(person.caller.patience, lambda: self._give_up(person))

    def _offer(self, person: _Person) -> None:
        if not person.waits:
            return
        caller = person.caller
        answer = self.host.service.offer(caller.call_id, asked=self._asked)
        if not isinstance(answer, Offer):
            self._write(person, Happened.TOLD, note=f"no callback: {answer.reason}")
            return
        self._write(person, Happened.TOLD, note=f"callback: about {answer.wait.mean_s} s")
        if caller.acceptance < self._accept_ratio:
            receipt = self.host.service.request(caller.queue, call_id=caller.call_id)
            person.waits = False
            person.callback_id = receipt.callback_id
            self._promised[receipt.callback_id] = person
            self._open[receipt.callback_id] = None
            self._write(person, Happened.PROMISED)

    def _give_up(self, person: _Person) -> None:
        if person.waits:
            person.waits = False
            self._write(person, Happened.HUNG_UP)
            self.host.service.call_left(person.caller.call_id)

    def _talk(self, order: ConnectCall) -> None:
        """A live caller is connected to an agent, who picks up and talks as long as it takes."""
        person = self._people[order.call_id]
        person.waits = False
        self._write(person, Happened.CONNECTED, after=self._pick_up, agent_id=order.agent_id)
        self._plan(self._pick_up + person.caller.service, lambda: self._part(person, order.agent_id))

    def _part(self, person: _Person, agent_id: str) -> None:
        self._write(person, Happened.PARTED, agent_id=agent_id)
        self.host.service.call_left(person.caller.call_id)

    # ------------------------------------------------------------------ callbacks

    def _behaviour(self, order: Dial, _dialed_before: int) -> Behaviour:
        person = self._promised[order.callback_id]
        tries = person.caller.tries
        if order.role is Role.AGENT:
            declines = person.agents_rung < len(tries) and tries[person.agents_rung].agent_declines
            person.agents_rung += 1
            if declines:
                return _fails(self._pick_up, Cause.REJECTED)
            return Behaviour(rings_after=None, answers_after=self._pick_up, talks_for=None)
        self._legs[order.leg_id] = order, person
        response = tries[min(person.dialed, len(tries) - 1)]
        person.dialed += 1
        return _reaction(response, talks_for=person.caller.service)

    def _hear(self, report: Report) -> None:
        """See what a leg does before the engine is told, and tell it."""
        dialed = self._legs.get(report.leg_id)
        if dialed is not None and report.kind is ReportKind.BRIDGED:
            order, person = dialed
            self._write(person, Happened.CONNECTED, leg_id=order.leg_id, agent_id=order.agent_id)
        self.deliver(report)

    # ------------------------------------------------------------------ agents

    def _sign_in(self, shift: Shift) -> None:
        self._on_duty[shift.agent_id] = shift
        self.host.service.agent_available(shift.agent_id, queues=shift.queues, skills=shift.skills)
        self.host.clock.plan(shift.ends_at, lambda: self._sign_out(shift))

    def _sign_out(self, shift: Shift) -> None:
        if self._on_duty.get(shift.agent_id) is not shift:
            return
        others = (other for other in self._on_duty.values() if other is not shift)
        if not any(set(other.queues) & set(shift.queues) for other in others) and self._is_work_left(shift):
            self._plan(_LOOKS_AGAIN_AFTER, lambda: self._sign_out(shift))
            return
        del self._on_duty[shift.agent_id]
        self.host.service.agent_unavailable(shift.agent_id)

    def _is_work_left(self, shift: Shift) -> bool:
        """Whether anybody is left, in line or with a promise not ended, whom the agent of *shift* can serve."""
        with self._store.transaction(self._tenant_id, commit=Commit.READ_ONLY) as tx:
            for callback_id in list(self._open):
                if tx.callbacks.get(callback_id).state is CallbackState.ENDED:
                    del self._open[callback_id]
            waiting = () if tx.line.is_empty() else self._people.values()
        left = chain(
            (self._promised[callback_id].caller for callback_id in self._open),
            (person.caller for person in waiting if person.waits),
        )
        return any(
            caller.queue in shift.queues and set(caller.skills) <= set(shift.skills) for caller in left
        )

    # ------------------------------------------------------------------ what came of it

    def report(self) -> SimulationReport:
        """Return the results so far. Runs every checker. Cost: O(n log n), some seconds for 100,000 callers."""
        return summarize(self.evidence())

    def evidence(self) -> Evidence:
        """Return the three accounts of the run: the carrier's, the world's and the store's."""
        return Evidence(
            carrier=self.host.telephony.log,
            world=self.journal.lines(),
            history=self.history(),
            callbacks=self.callbacks(),
            ended_at=self.host.clock.now(),
            attempts_max=self._attempts_max,
        )

    def history(self) -> list[Event]:
        """Return every event, oldest first."""
        with self._store.transaction(self._tenant_id, commit=Commit.READ_ONLY) as tx:
            return tx.history.all()

    def callbacks(self) -> list[Callback]:
        """Return the row of every callback that was promised, in that order."""
        with self._store.transaction(self._tenant_id, commit=Commit.READ_ONLY) as tx:
            return [tx.callbacks.get(callback_id) for callback_id in self._promised]

    def log_lines(self) -> list[str]:
        """
        Return the history as JSON, one line for each event: the same for the same seed, on every store.

        The digests of numbers, which each store keys with secret bytes of its own, are numbered instead.
        """
        digests: dict[str, str] = {}
        return [_log_line(event, digests) for event in self.history()]

    def _write(self, person: _Person, what: Happened, *, after: timedelta = _ZERO, **fields: Any) -> None:
        self.journal.write(
            WorldLine(
                at=self.host.clock.now() + after,
                what=what,
                call_id=person.caller.call_id,
                number=person.caller.number,
                callback_id=person.callback_id,
                **fields,
            )
        )


def _reaction(what: Try, *, talks_for: timedelta) -> Behaviour:
    if what.response is Response.ANSWERS:
        return Behaviour(answers_after=what.ring, talks_for=talks_for)
    if what.response is Response.MISSES:
        return Behaviour(answers_after=None)
    return _fails(what.ring, _FAILURES[what.response])


def _fails(after: timedelta, cause: Cause) -> Behaviour:
    return Behaviour(rings_after=None, answers_after=None, fails_after=after, cause=cause)


def _log_line(event: Event, digests: dict[str, str]) -> str:
    columns = {
        name: value
        for name, value in zip(EVENT_COLUMNS, encode_event(event), strict=True)
        if value is not None
    }
    detail = columns.pop("detail", None)
    if isinstance(detail, str):
        fields = from_json(detail)
        digest = fields.get("number_key")
        if digest is not None:
            fields["number_key"] = digests.setdefault(digest, f"number-{len(digests) + 1:06d}")
        return to_json({**columns, **fields})
    return to_json(columns)
