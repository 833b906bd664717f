"""
Storms: small worlds in which nearly everything goes wrong, around the real service, dispatcher, driver and store.

One seed is one world: its queues and their modes, its agents, its people, and what goes wrong between the parts. The
rule is the center's (`center`): the storm is a host like any other, what happens to people it writes into a journal of
its own, and the checkers (`testing.checkers`) hold the accounts against each other. The seed replays the world.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Final

import attrs

from callbackq.dispatcher import Dispatcher
from callbackq.effects import ConnectCall, Dial
from callbackq.errors import CallbackqError, CommitUncertain, Conflict, StoreError
from callbackq.events import AttemptStarted, Event
from callbackq.ids import AgentId, CallbackId, LegId, TenantId
from callbackq.model import (
    Agent,
    AnsweredBy,
    Attempt,
    Callback,
    Disposition,
    HoldReason,
    Report,
    ReportKind,
    Role,
)
from callbackq.ports import Commit, Store
from callbackq.runners import Driver
from callbackq.service import CallbackService
from callbackq.simulation.people import fictional_number
from callbackq.simulation.storm_log import EngineLog
from callbackq.simulation.storm_parts import (
    CrashingTelephony,
    SeenNotices,
    alone_max,
    draw_ratios,
    histories_that_do_not_fold,
    was_hidden,
)
from callbackq.simulation.storm_people import (
    ATTEMPTS_MAX,
    Wisher,
    Worker,
    draw_behaviour,
    draw_policies,
    draw_wishers,
    draw_workers,
    seconds,
    some,
)
from callbackq.simulation.storm_tape import Incident, Seen, Tape
from callbackq.simulation.world import Happened, Journal, WorldLine
from callbackq.stores.memory import MemoryStore
from callbackq.testing.checkers import Findings
from callbackq.testing.clock import START, ManualClock, SequentialIds
from callbackq.testing.faults import Pbx
from callbackq.testing.store_faults import FlakyStore
from callbackq.testing.storm_checkers import StormEvidence, check_storm
from callbackq.testing.telephony import Behaviour, Carried, CarrierEntry

TENANT: Final = "default"
LATE_MAX: Final = timedelta(seconds=5)
PEOPLE: Final = 120
"""So many people live in one world, who are dialed about twice each."""
_SPAN: Final = timedelta(hours=1)
_MEDDLE_EVERY: Final = timedelta(seconds=20)
_OVER_AFTER: Final = timedelta(hours=13)
_MEDDLING_TIME: Final = timedelta(hours=3)
_STEPS_MAX: Final = 400_000
_TALKS_AT_MOST: Final = timedelta(hours=1)
_STEPS_AT_ONCE_MAX: Final = 1000


@attrs.frozen(kw_only=True)
class StormReport:
    """
    What became of one world.

    Args:
        findings: what must not happen, and did. None of it is to be there.
        modes, dispositions: of the attempts; the last word about each.
        outcomes: of the callbacks.
        went_wrong: how often each fault was let loose.
    """

    seed: int
    attempts_count: int
    callbacks_count: int
    findings: Findings
    modes: Counter[str]
    dispositions: Counter[str]
    outcomes: Counter[str]
    went_wrong: Counter[str]


class Storm:
    """
    One world.

    Args:
        seed: everything follows from it.
        people: how many live in it.
        store: where the rows are, empty; a new one in memory if None. It makes no difference to what happens.
        taped: keep a tape of all that happens in its order (`storm_tape`), for who wants to read it afterwards.

    Cost: some 0.3 s for 120 people in memory.

    >>> Storm(7, people=5).run().findings.all
    ()
    """

    def __init__(
        self, seed: int, *, people: int = PEOPLE, store: Store | None = None, taped: bool = False
    ) -> None:
        self.seed: Final = seed
        random = Random(f"storm {seed}")
        self._random: Final = random
        self.clock: Final = ManualClock()
        self.policies: Final = draw_policies(random)
        queues = [policy.queue for policy in self.policies]
        self.calm: Final = random.random() < 0.3
        self.store: Final = FlakyStore(
            store if store is not None else MemoryStore(),
            random=Random(f"store {seed}"),
            gone_ratio=0.0 if self.calm else random.choice((0.0, 0.002, 0.01)),
            lost_reply_ratio=0.0 if self.calm else random.choice((0.0, 0.002, 0.01)),
        )
        self.service: Final = CallbackService(
            self.store, self.policies, clock=self.clock, ids=SequentialIds(), tenant_id=TENANT
        )
        self.telephony: Final = CrashingTelephony(
            self.clock,
            random=Random(f"pbx {seed}"),
            ratios=draw_ratios(random, calm=self.calm),
            pbx=random.choice(tuple(Pbx)),
            late_max=LATE_MAX,
            outage_max=timedelta(minutes=2),
        )
        self.telephony.crash_ratio = 0.0 if self.calm else random.choice((0.0, 0.0, 0.002))
        self.notices: Final = SeenNotices(self._see)
        self.journal: Final = Journal()
        self.went_wrong: Final[Counter[str]] = Counter()
        self._workers: Final = draw_workers(random, queues)
        self._people: Final = draw_wishers(random, count=people, queues=queues, span=_SPAN)
        self._promised: Final[dict[CallbackId, Wisher]] = {}
        self._persons: Final[set[LegId]] = set()
        self._parted_at: Final[set[datetime]] = set()
        self._ends: Final[dict[str, datetime]] = {}
        self._rings: Final[dict[str, datetime]] = {}
        self._heard: Final[dict[LegId, datetime]] = {}
        self._renumbered_count = 0
        self._changed = True
        self._log: Final = EngineLog()
        self.tape: Final = Tape(self.clock.now, self._history) if taped else None
        self.driver = self._new_driver()
        self._habits: Final = Random(f"people {seed}")
        self.telephony.behaviour_of = self._behaviour
        self.telephony.on_report = self._hear
        self.telephony.on_connect_call = self._talk
        self.telephony.on_connection = self._connection
        self.service.when_changed(self._note_change)
        if self.tape is not None:
            self._record(self.tape)

    def _record(self, tape: Tape) -> None:
        """Let everything that can be seen from outside be taken down."""
        self.telephony.on_entry = tape.see
        self.telephony.on_fault = lambda fault: tape.see(Incident(what=f"fault: {fault}", serious=False))
        self.store.on_failure = lambda error: tape.see(Incident(what=f"the store: {error}", serious=False))
        self._log.on_line = lambda line: tape.see(Incident(what=f"log: {line}", serious=False))

    # ------------------------------------------------------------------ running

    def run(self) -> StormReport:
        """
        Let it rage until nothing is left to happen, and check everything.

        Raises:
            TimeoutError: time stands still; a bug.
        """
        for worker in self._workers:
            self._plan(timedelta(0), partial(self._sign_in, worker))
        for index, wisher in enumerate(self._people):
            self._plan(wisher.after, partial(self._wish, f"call-{index:04d}", wisher))
        self._plan(_MEDDLE_EVERY, self._meddle)
        with self._log.attached():
            self._drive()
        return self._report()

    def _new_driver(self) -> Driver:
        dispatcher = Dispatcher(self.service, node_id="node")
        return Driver(self.service, dispatcher, self.telephony, notices=self.notices)

    def _drive(self) -> None:
        end_at = self.clock.now() + _OVER_AFTER
        wake_at: datetime | None = self.clock.now()
        for _ in range(_STEPS_MAX):
            planned_at = self.clock.next_planned_at()
            at = min((when for when in (planned_at, wake_at) if when is not None), default=end_at)
            if at >= end_at:
                self.clock.move_to(end_at)
                return
            if planned_at is not None and planned_at <= at:
                self._try(self.clock.run_next)
            else:
                self.clock.move_to(at)
                self._changed = True
            if self._changed:
                self._step_until_quiet()
                wake_at = self._wakeup()
        raise TimeoutError(f"storm {self.seed} does not come to an end at {self.clock.now().isoformat()}")

    def _step_until_quiet(self) -> None:
        """Step, and again at once when what was performed changed something: as runners do."""
        for _ in range(_STEPS_AT_ONCE_MAX):
            if not self._changed:
                return
            self._changed = False
            self._try(lambda: self.driver.step(self.clock.now()))
        raise TimeoutError(f"storm {self.seed} does not come to rest at {self.clock.now().isoformat()}")

    def _wakeup(self) -> datetime | None:
        try:
            due_at = self.driver.next_wakeup()
        except StoreError:
            return self.clock.now() + timedelta(seconds=1)
        floor = self.clock.now() + timedelta(milliseconds=50)
        return max(due_at, floor) if due_at is not None else None

    def _try(self, work: Callable[[], object]) -> None:
        """Do something as a host would, whom a store that is gone, or the end of the process, does not stop."""
        try:
            work()
        except StoreError:
            self.went_wrong["store"] += 1
            self._changed = True
        except SystemExit:
            self.went_wrong["crash"] += 1
            self._see(Incident(what="the process ends, and begins anew", serious=True))
            self.telephony.outages.append((self.clock.now(), self.clock.now()))
            self.driver = self._new_driver()
            self._try(self.driver.telephony_up)
            self._changed = True

    def _note_change(self) -> None:
        self._changed = True

    def _plan(self, after: timedelta, action: Callable[[], object]) -> None:
        self.clock.plan(self.clock.now() + after, lambda: self._try(action))

    def _again(self, action: Callable[[], object], *, tries: int = 20) -> None:
        """Do it now, and again soon if the store was gone: people and PBX do not give up at once."""
        try:
            action()
        except StoreError:
            self.went_wrong["store"] += 1
            if tries:
                self._plan(timedelta(seconds=1), lambda: self._again(action, tries=tries - 1))
        except Conflict:
            raise
        except CallbackqError:
            pass

    def _behaviour(self, order: Dial, _dialed_before: int) -> Behaviour:
        drawn = draw_behaviour(order, self._habits)
        found_out = drawn.detected_as if drawn.answered_by is AnsweredBy.UNKNOWN else drawn.answered_by
        if order.role is Role.CUSTOMER and found_out not in (AnsweredBy.MACHINE, AnsweredBy.FAX):
            self._persons.add(order.leg_id)
        return drawn

    # ------------------------------------------------------------------ agents

    def _sign_in(self, worker: Worker) -> None:
        def available() -> None:
            self.service.agent_available(worker.agent_id, queues=worker.queues, skills=worker.skills)

        self._again(available)
        self._plan(worker.works_for, partial(self._sign_out, worker))

    def _sign_out(self, worker: Worker) -> None:
        self._again(lambda: self.service.agent_unavailable(worker.agent_id))
        self._plan(worker.rests_for, partial(self._sign_in, worker))

    # ------------------------------------------------------------------ people

    def _wish(self, call_id: str, wisher: Wisher) -> None:
        if wisher.calls:
            self._write(Happened.JOINED, wisher, call_id=call_id)
            self._again(partial(self._join, call_id, wisher, self.clock.now()))
        else:
            self._again(partial(self._ask, call_id, wisher, None))

    def _join(self, call_id: str, wisher: Wisher, at: datetime) -> None:
        self.service.call_joined(
            wisher.queue, call_id=call_id, number=wisher.number, skills=wisher.skills, entered_at=at
        )
        stays = seconds(self._random, 1, 120)
        if wisher.converts:
            self._plan(stays, lambda: self._again(partial(self._ask, call_id, wisher, call_id)))
        else:
            self._plan(stays, lambda: self._again(partial(self._leave_if_waiting, call_id)))

    def _leave_if_waiting(self, call_id: str) -> None:
        if self.service.call(call_id).agent_id is None:
            self.service.call_left(call_id)

    def _ask(self, key: str, wisher: Wisher, call_id: str | None) -> None:
        now = self.clock.now()
        receipt = self.service.request(
            wisher.queue,
            call_id=call_id,
            number=wisher.number,
            request_key=f"wish-{key}",
            skills=wisher.skills,
            alternatives=wisher.alternatives,
            preferred_agent=None if self.calm else wisher.preferred,
            scheduled_at=now + wisher.scheduled_in if wisher.scheduled_in and call_id is None else None,
            confirmed=True,
        )
        self._promised[receipt.callback_id] = wisher
        if call_id is None:
            self._write(Happened.JOINED, wisher, call_id=receipt.callback_id)
        self._write(Happened.PROMISED, wisher, call_id=key, callback_id=receipt.callback_id)

    def _talk(self, order: ConnectCall) -> None:
        """A live caller is with an agent, and talks for a while."""
        talks = seconds(self._random, 5, 200)
        self._plan(talks, lambda: self._again(lambda: self.service.call_left(order.call_id)))

    def _hear(self, report: Report) -> None:
        """Tell the engine what a leg does; again and again, until it has heard."""
        self._again(lambda: self._tell(report))

    def _tell(self, report: Report) -> None:
        self._see(report)
        if report.kind is ReportKind.UNBRIDGED:
            self._parted_at.add(self.clock.now())
        try:
            reported = self.driver.report(report)
        except LookupError:
            self.went_wrong["report of no leg"] += 1
            return
        if report.kind is ReportKind.ENDED:
            self._ends.setdefault(report.leg_id, self.clock.now())
        if report.kind in (ReportKind.RINGING, ReportKind.ANSWERED):
            self._rings.setdefault(report.leg_id, self.clock.now())
        if report.kind is ReportKind.BRIDGED and reported.changed:
            self._heard.setdefault(report.leg_id, self.clock.now())

    def _connection(self, is_up: bool) -> None:
        """The connection to the PBX is lost, or there again."""
        words = "the connection is there again" if is_up else "the connection is lost"
        self._see(Incident(what=words, serious=True))
        if is_up:
            self.driver.telephony_up()
        else:
            self.driver.telephony_down()
        self._changed = True

    # ------------------------------------------------------------------ people who know better

    def _meddle(self) -> None:
        """Somebody does something to one of the promises, now and then."""
        if self.clock.now() - START > _MEDDLING_TIME:
            return
        self._plan(_MEDDLE_EVERY * (0.5 + self._random.random()), self._meddle)
        if not self._promised:
            return
        callback_id = self._random.choice(list(self._promised))
        what = some(
            self._random,
            {
                self._cancel: 3,
                self._call_now: 3,
                self._mark_done: 2,
                self._settle: 3,
                self._correct: 6,
                self._renumber: 5,
                self._score: 1,
            },
        )
        self._again(lambda: what(callback_id))

    def _cancel(self, callback_id: CallbackId) -> None:
        self.service.cancel(callback_id)

    def _call_now(self, callback_id: CallbackId) -> None:
        self.service.call_now(callback_id, by="boss")

    def _mark_done(self, callback_id: CallbackId) -> None:
        self.service.mark_done(callback_id, by="boss", reason="met in the hall")

    def _settle(self, callback_id: CallbackId) -> None:
        said = self._random.choice((Disposition.NO_ANSWER, Disposition.UNKNOWN, Disposition.BUSY))
        with self._noting(Happened.SETTLED, callback_id):
            settled = self.service.settle(callback_id, said, by="boss")
        self.driver.perform(settled.effects)

    def _correct(self, callback_id: CallbackId) -> None:
        said = self._random.choice((Disposition.WRONG_PERSON, Disposition.MACHINE))
        with self._noting_correction(callback_id, wrong=said is Disposition.WRONG_PERSON):
            settled = self.service.set_disposition(callback_id, said, by="agent")
        self.driver.perform(settled.effects)

    def _renumber(self, callback_id: CallbackId) -> None:
        person = self.service.get(callback_id)
        if person.hold_reason is not HoldReason.WRONG_NUMBER:
            return
        self._renumbered_count += 1
        number = fictional_number(20_000 + self._renumbered_count)
        of_person = [
            one for one in map(self.service.get, self._promised) if one.subject_id == person.subject_id
        ]
        with ExitStack() as stack:
            for one in of_person:
                if one.hold_reason is HoldReason.WRONG_NUMBER:
                    stack.enter_context(self._noting_correction(one.callback_id))
            self.service.change_number(callback_id, number, by="boss")

    def _noting_correction(
        self, callback_id: CallbackId, *, wrong: bool | None = None
    ) -> AbstractContextManager[None]:
        """
        Write down that what was taken for a conversation was none, or that the number is another one.

        Args:
            wrong: what is said of the last conversation is that it was with somebody else; None if nothing is.
        """
        talk = self._last_talk(callback_id)
        return self._noting(
            Happened.CORRECTED,
            callback_id,
            leg_id=talk.leg_id if talk is not None and wrong is not None else None,
            note=talk.number if talk is not None and wrong else None,
        )

    @contextmanager
    def _noting(self, what: Happened, callback_id: CallbackId, **details: str | None) -> Generator[None]:
        """Write down a person's word, also where the store could not say that it was kept."""
        line = partial(self._write, what, self._promised[callback_id], callback_id=callback_id, **details)
        try:
            yield
        except CommitUncertain:
            line()
            raise
        line()

    def _last_talk(self, callback_id: CallbackId) -> CarrierEntry | None:
        """Return when a leg of the callback was joined to an agent last."""
        talks = (line for line in reversed(self.telephony.log) if line.what is Carried.BRIDGED)
        return next((line for line in talks if line.callback_id == callback_id), None)

    def _score(self, callback_id: CallbackId) -> None:
        self.service.report_score(callback_id, score=4, resolved=True)

    # ------------------------------------------------------------------ what came of it

    def _write(self, what: Happened, wisher: Wisher, **ids: str | None) -> None:
        line = WorldLine(
            at=self.clock.now(),
            what=what,
            call_id=ids.pop("call_id", None) or "",
            number=wisher.number,
            skills=wisher.skills,
            **ids,
        )
        self.journal.write(line)
        self._see(line)

    def _see(self, what: Seen) -> None:
        if self.tape is not None:
            self.tape.see(what)

    def _history(self) -> list[Event]:
        with self.store.behind.transaction(TenantId(TENANT), commit=Commit.READ_ONLY) as tx:
            return tx.history.all()

    def evidence(self) -> StormEvidence:
        """Return the accounts of the world."""
        history, callbacks, attempts, agents = self._rows()
        known = self._known(attempts)
        return StormEvidence(
            carrier=self.telephony.log,
            world=[*self.journal.lines(), *self._conversations(known), *self._cuts(known)],
            history=history,
            callbacks=callbacks,
            ended_at=self.clock.now(),
            attempts_max=ATTEMPTS_MAX,
            attempts_max_of={policy.queue: policy.attempts_max for policy in self.policies},
            attempts=attempts,
            agents=agents,
            told=self._rings,
            notices=self.notices.told,
            alone_max=alone_max(self.policies, late_max=LATE_MAX) if self.calm else None,
            calm=self.calm,
        )

    def _rows(self) -> tuple[list[Event], list[Callback], list[Attempt], list[Agent]]:
        with self.store.behind.transaction(TenantId(TENANT), commit=Commit.READ_ONLY) as tx:
            history = tx.history.all()
            started = [event.attempt_id for event in history if isinstance(event, AttemptStarted)]
            found = (tx.agents.find(AgentId(worker.agent_id)) for worker in self._workers)
            return (
                history,
                [tx.callbacks.get(callback_id) for callback_id in self._promised],
                [tx.attempts.get(attempt_id) for attempt_id in started],
                [agent for agent in found if agent is not None],
            )

    def _known(self, attempts: Sequence[Attempt]) -> dict[LegId, datetime]:
        """Return since when it is known of a customer's leg that it was joined: by a report, or looked up."""
        looked_up = {
            row.customer_leg_id: row.connected_at for row in attempts if row.connected_at is not None
        }
        return {**looked_up, **self._heard}

    def _cuts(self, known: Mapping[LegId, datetime]) -> list[WorldLine]:
        """
        Return which conversations were cut short that were known as such by then.

        Where nobody was reached behind an extension the agent may listen for hours: that may be ended. And who is
        told that the two were parted, true or not, must believe it.
        """
        cuts = ((line, known.get(LegId(line.leg_id or ""))) for line in self.telephony.cuts)
        return [
            line
            for line, since in cuts
            if since is not None and since <= line.at < since + _TALKS_AT_MOST
            if line.at not in self._parted_at
        ]

    def _conversations(self, known: Mapping[LegId, datetime]) -> list[WorldLine]:
        """
        Who was joined, as the network has it. Without a leg where it was a machine: that is called again.

        A bridge of which nothing is reported, or only after the end of the attempt, is none that anybody can know
        of, unless it was looked up; but in an outage, or a crash, it must be taken for one.
        """
        ends = {line.leg_id: line.at for line in self.telephony.log if line.what is Carried.ENDED}
        return [
            WorldLine(
                at=line.at,
                what=Happened.CONNECTED,
                call_id="",
                number=line.number or "",
                callback_id=line.callback_id,
                leg_id=line.leg_id if line.leg_id in self._persons else None,
                agent_id=line.agent_id,
            )
            for line in self.telephony.log
            if line.what is Carried.BRIDGED
            if line.leg_id is not None
            if line.leg_id in known or self._was_out(line.leg_id, line.at, ends.get(line.leg_id))
        ]

    def _was_out(self, leg_id: LegId, bridged_at: datetime, ended_at: datetime | None) -> bool:
        """
        Whether the host heard nothing at some time between the bridge and the end of the leg, or soon after.

        Of a leg whose end it was told before that, an outage has hidden nothing.
        """
        told_at = self._ends.get(leg_id)
        return was_hidden(
            self.telephony.outages,
            since=bridged_at,
            until=told_at or (ended_at or self.clock.now()) + LATE_MAX,
        )

    def _report(self) -> StormReport:
        evidence = self.evidence()
        findings = [
            *check_storm(evidence).all,
            *histories_that_do_not_fold(evidence),
            *self._log.findings,
        ]
        happened = self.telephony.happened.items()
        return StormReport(
            seed=self.seed,
            attempts_count=len(evidence.attempts),
            callbacks_count=len(evidence.callbacks),
            findings=Findings(tuple(findings)),
            modes=Counter(str(row.mode) for row in evidence.attempts),
            dispositions=Counter(str(row.disposition) for row in evidence.attempts),
            outcomes=Counter(str(row.outcome) for row in evidence.callbacks),
            went_wrong=self.went_wrong + Counter({str(fault): n for fault, n in happened if n}),
        )
