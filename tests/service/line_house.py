"""
A whole house that anything can happen to, for the stateful tests: each rule tells the service and the naive model.

Live callers join, ask, leave and are moved; callbacks are asked for, fail, rest and are moved; agents come, go,
decline and connect. Nothing is judged here but what a command itself answers or refuses.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from callbackq import (
    Acd,
    AnsweredBy,
    Callback,
    CallbackService,
    CalledIn,
    CallSnapshot,
    Cause,
    Disposition,
    DuplicateCallback,
    Duplicates,
    HangUp,
    LegId,
    NotPossibleNow,
    PlaceAfter,
    PlaceFrom,
    QueueName,
    QueuePolicy,
    Report,
    ReportKind,
    RequestRefused,
    RetryRule,
    Role,
    Store,
    TenantId,
)
from callbackq.testing import ManualClock, SequentialIds
from service import line_people as people
from service.line_model import LineModel
from service.line_people import Attempt, Caller, Promise

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
QUEUES = ("support", "sales", "desk")
AGENTS = ("ann", "Ben", "élise")
NUMBERS = ("+12125550101", "+12125550102", "+12125550103", "+12125550104")
SKILLS = ("billing", "german")
ID_HEADS = "zaZ_é"
"""Ids of live calls sort before and after those of callbacks, in the order of code points."""

HEAD_STARTS = (timedelta(0), MINUTE, -MINUTE, HOUR, None, 30 * SECOND)
"""What the host's function answers; it fails where there is None."""

FAILURES = {
    Disposition.NO_ANSWER: Cause.NO_ANSWER,
    Disposition.BUSY: Cause.BUSY,
    Disposition.UNREACHABLE: Cause.UNREACHABLE,
    Disposition.CONGESTED: Cause.CONGESTED,
    Disposition.NETWORK_FAILURE: Cause.FAILED,
    Disposition.UNKNOWN: Cause.UNKNOWN,
    Disposition.REJECTED: Cause.REJECTED,
    Disposition.INVALID_NUMBER: Cause.INVALID_NUMBER,
}
RINGS_ON, ACCEPTS, DECLINES, HANGS_UP = "rings on", "accepts", "declines", "hangs up"
MACHINE, GONE, ANSWERS, CONNECTS, TALKS = "a machine", "is gone", "answers", "connects", "talks"
FATES = (TALKS, CONNECTS, DECLINES, *FAILURES, MACHINE, GONE, ANSWERS, ACCEPTS, HANGS_UP, RINGS_ON)
"""What becomes of an attempt: what the agent does, and then the customer."""
FATE = st.sampled_from([*FATES, DECLINES, Disposition.NO_ANSWER, Disposition.BUSY, Disposition.UNREACHABLE])

RESTS_AFTER = (
    (Disposition.NO_ANSWER, Disposition.CONGESTED, Disposition.MACHINE),
    (Disposition.BUSY, Disposition.NETWORK_FAILURE, Disposition.ANSWERED_THEN_LEFT),
    (Disposition.UNREACHABLE, Disposition.UNKNOWN, Disposition.AGENT_UNAVAILABLE),
)
"""What is tried again; each row has a place of its own to stand afterwards. Anything else ends a callback."""

_tenants = itertools.count(1)


def changes(queue: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return how one queue may differ from the usual."""
    return st.fixed_dictionaries(
        {},
        optional={
            "priority_credit": st.sampled_from([MINUTE, timedelta(0)]),
            "place_from": st.just(PlaceFrom.REQUESTED),
            "duplicates": st.just(Duplicates.ALLOW),
            "acd": st.just(Acd.HOST if queue == "desk" else Acd.CALLBACKQ),
            "served_first": st.just(10),
            "agents_kept": st.just(1),
            "preferred_agent_time": st.sampled_from([MINUTE, timedelta(0)]),
            "response_window": st.sampled_from([None, 2 * MINUTE]),
            "place_after_window": st.sampled_from([PlaceAfter.FRONT, PlaceAfter.END]),
            "places": st.permutations(list(PlaceAfter)),
            "rest": st.just(40 * SECOND),
            "wrap_up": st.just(20 * SECOND),
            "abandoned_wait_min": st.just(30 * SECOND),
            "attempts_max": st.sampled_from([2, 5]),
            "callback_life": st.sampled_from([24 * HOUR, 20 * MINUTE]),
            "call_life": st.just(10 * MINUTE),
            "called_in": st.sampled_from([CalledIn.RESTORE, CalledIn.TELL]),
            "missed_life": st.just(5 * MINUTE),
        },
    )


def policy_of(queue: str, changed: dict[str, Any]) -> QueuePolicy:
    """Return the policy of a queue that is set so."""
    given = {"places": list(PlaceAfter), "rest": timedelta(0), **changed}
    places, rest = given.pop("places"), given.pop("rest")
    rules = {
        disposition: RetryRule(
            retries_max=2, rest=2 * MINUTE if disposition is Disposition.UNKNOWN else rest, place=place
        )
        for dispositions, place in zip(RESTS_AFTER, places, strict=True)
        for disposition in dispositions
    }
    fields: dict[str, Any] = {
        "retry_rules": rules,
        "attempts_max": 3,
        "agent_presence_max": timedelta(days=7),
        "virtual_wait_max": 7 * MINUTE,
        "number_in_use_hold": MINUTE,
        "calling": None,
        **given,
    }
    return QueuePolicy(queue=QueueName(queue), **fields)


class Refused(Exception):
    """What the host's function raises."""


def pick(among: Iterable[Any], index: int) -> Any:
    """Return one of them."""
    found = list(among)
    return found[index % len(found)]


WHICH = st.integers(0, 7)
QUEUE = st.sampled_from(QUEUES)
PRIORITY = st.sampled_from([100, 100, 101, 99, 1, 255])
NEEDS = st.sampled_from([(), (), ("german",), ("billing", "german")])
HAS = st.sampled_from([SKILLS, SKILLS, ("german",), ("billing",), ()])
AGENT = st.sampled_from(AGENTS)
PREFERS = st.sampled_from([None, *AGENTS])
NUMBER = st.sampled_from(NUMBERS)
AGO = st.sampled_from([timedelta(0), timedelta(0), SECOND, 30 * SECOND, MINUTE, 10 * MINUTE, -3 * SECOND])
"""How long ago somebody entered. The host's clock may be a little ahead."""
LATER = st.sampled_from([SECOND, 20 * SECOND, 40 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE])
SOME_QUEUES = st.sampled_from([QUEUES, QUEUES, ("support",), ("sales", "support"), ("desk", "sales")])


class House(RuleBasedStateMachine):
    """One tenant of a store, with three queues, three agents and four people who can be called back."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.tenant = TenantId(f"tenant-{next(_tenants)}")
        self.clock = ManualClock()
        self.legs_gone: set[str] = set()
        self.reports: list[Report] = []
        self.callers_count = 0
        self.host_chose = False
        self.policies: list[QueuePolicy] = []

    # ------------------------------------------------------------------ parts

    @initialize(
        support=changes("support"),
        sales=changes("sales"),
        desk=changes("desk"),
        skills=HAS,
        crowd=st.lists(st.tuples(st.booleans(), QUEUE, NUMBER, PRIORITY, NEEDS, AGO), max_size=9),
    )
    def open(
        self,
        support: dict[str, Any],
        sales: dict[str, Any],
        desk: dict[str, Any],
        skills: tuple[str, ...],
        crowd: list[tuple[Any, ...]],
    ) -> None:
        """The house opens with two agents, and a crowd before the door: live callers and requests."""
        self.policies = [
            policy_of(queue, changed) for queue, changed in zip(QUEUES, (support, sales, desk), strict=True)
        ]
        ids = SequentialIds()
        self.nodes = itertools.cycle(
            [
                CallbackService(self.store, self.policies, clock=self.clock, ids=ids, tenant_id=self.tenant)
                for _ in range(2)
            ]
        )
        self.model = LineModel(self.policies, self.clock.now())
        self.sign_in("ann", QUEUES, SKILLS)
        self.sign_in("Ben", ("support", "sales"), skills)
        for index, (is_live, queue, number, priority, needs, ago) in enumerate(crowd):
            if is_live:
                self.join(queue, pick(ID_HEADS, index), number, priority, needs, None, ago)
            else:
                self.ask_on_the_web(queue, number, priority, needs, None, ago, None)

    @property
    def service(self) -> CallbackService:
        """The two nodes take turns."""
        return next(self.nodes)

    # ------------------------------------------------------------------ live callers

    @rule(
        queue=QUEUE,
        head=st.sampled_from(ID_HEADS),
        number=st.sampled_from([*NUMBERS, None]),
        priority=PRIORITY,
        skills=NEEDS,
        prefers=PREFERS,
        ago=AGO,
        more=st.sampled_from([0, 0, 1, 2]),
    )
    def join(
        self,
        queue: str,
        head: str,
        number: str | None,
        priority: int,
        skills: tuple[str, ...],
        prefers: str | None,
        ago: timedelta,
        more: int = 0,
    ) -> None:
        """A caller stands in line; and some more like this one, who came at that instant, or earlier."""
        self.callers_count += 1
        fields: dict[str, Any] = {
            "number": number,
            "priority": priority,
            "skills": skills,
            "entered_at": self.clock.now() - ago,
        }
        key = f"{head}{self.callers_count:02d}"
        self.service.call_joined(queue, call_id=key, preferred_agent=prefers, **fields)
        self.model.join(key, queue, prefers=prefers, **fields)
        if more:
            self.join(queue, head, number, priority, skills, prefers, ago + (more // 2) * SECOND, more - 1)

    def _leave(self, caller: Caller) -> None:
        called_back = self.model.called_back_when_leaving(caller)
        left = self.service.call_left(caller.key)
        assert (left.callback_id is not None) == called_back
        if left.callback_id is not None:
            self._promised(left.callback_id, caller.queue, call=caller)
        else:
            self.model.leave(caller)

    def _cancel(self, promise: Promise) -> None:
        if promise.state == people.ENDED and promise.outcome != people.CANCELLED:
            with pytest.raises(NotPossibleNow):
                self.service.cancel(promise.key)
            return
        self.service.cancel(promise.key)
        self.model.cancel(promise)

    def _all(self) -> list[Caller | Promise]:
        return [*self.model.callers(people.WAITING, people.TAKEN), *self.model.promises()]

    @precondition(lambda self: self._all())
    @rule(which=WHICH)
    def leave(self, which: int) -> None:
        """A caller hangs up, or has talked; or a promise is taken back, and what has ended otherwise stays so."""
        place = pick(self._all(), which)
        if isinstance(place, Caller):
            self._leave(place)
        else:
            self._cancel(place)

    @precondition(lambda self: self.model.callers(people.TAKEN))
    @rule(which=WHICH)
    def give_back(self, which: int) -> None:
        """The agent could not be connected."""
        taken = sorted(self.model.callers(people.TAKEN), key=lambda caller: -caller.passed)
        caller = pick(taken, which)
        self.service.call_returned(caller.key)
        self.model.give_back(caller)

    def _callers_of_host(self) -> list[Caller]:
        callers = self.model.callers(people.WAITING)
        return [one for one in callers if self.model.policies[one.queue].acd is Acd.HOST]

    @precondition(lambda self: self._callers_of_host())
    @rule(which=WHICH, agent=st.sampled_from([*AGENTS, None, "a stranger"]))
    def served_by_host(self, which: int, agent: str | None) -> None:
        """The host's own ACD gives a caller to an agent: often the wrong one."""
        caller = pick(reversed(self._callers_of_host()), which)
        self.service.call_served(caller.key, agent_id=agent)
        self.model.serve(caller, agent)
        self.host_chose = True

    @rule(
        queue=QUEUE,
        said=st.lists(st.sampled_from(["same", "same", "gone", "waits", *AGENTS]), max_size=8),
        strays=st.lists(st.tuples(WHICH, st.none() | AGENT), max_size=2),
    )
    def resync(self, queue: str, said: list[str], strays: list[tuple[int, str | None]]) -> None:
        """The PBX says who is there: some as here, some with somebody else, some gone, one new, some strays."""
        everybody = self.model.callers(people.WAITING, people.TAKEN, people.ENDED)
        here = sorted((one for one in everybody if one.is_in(queue)), key=lambda caller: caller.key)
        self.callers_count += 1
        new = f"{pick(ID_HEADS, len(said))}{self.callers_count:02d}"
        there: dict[str, str | None] = {new: None}
        for caller, word in zip(here, [*said, *itertools.repeat("same", len(here))], strict=False):
            if word != "gone":
                there[caller.key] = {"waits": None, "same": caller.agent}.get(word, word)
        others = [one for one in everybody if one not in here]
        there.update((pick(others, which).key, agent) for which, agent in strays if others)
        snapshots = [CallSnapshot(call_id=key, agent_id=agent) for key, agent in there.items()]
        done = self.service.resync_calls(queue, calls=snapshots)
        told = (done.joined_count, done.moved_count, done.returned_count, done.served_count, done.ended_count)
        count, left = self.model.resync(queue, there)
        assert told == tuple(count[word] for word in ("joined", "moved", "returned", "served", "ended"))
        assert set(done.unresolved) == left
        self.host_chose = True

    # ------------------------------------------------------------------ promises

    def _promised(self, key: str, queue: str, **fields: Any) -> None:
        promise = self.model.request(key, queue, **fields)
        if promise.scheduled_at is not None:
            # How much earlier it is begun rests on how long the phones rang of late.
            due_at = self.service.get(key).due_at
            assert due_at is not None
            assert promise.scheduled_at - 30 * SECOND <= due_at <= promise.scheduled_at
            promise.again_at = due_at

    @precondition(lambda self: self.model.callers(people.WAITING))
    @rule(
        which=WHICH,
        number=st.sampled_from([None, None, *NUMBERS]),
        prefers=PREFERS,
        after=st.sampled_from([None, None, None, MINUTE]),
    )
    def ask_on_the_line(
        self, which: int, number: str | None, prefers: str | None, after: timedelta | None
    ) -> None:
        """A live caller asks for a callback, as soon as possible or at a time."""
        caller: Caller = pick(self.model.callers(people.WAITING), which)
        who = number or caller.number or NUMBERS[0]
        fields: dict[str, Any] = {
            "number": who,
            "scheduled_at": self.clock.now() + after if after is not None else None,
        }
        if self.model.active(who, caller.queue):
            with pytest.raises(DuplicateCallback):
                self.service.request(caller.queue, call_id=caller.key, preferred_agent=prefers, **fields)
            return
        receipt = self.service.request(caller.queue, call_id=caller.key, preferred_agent=prefers, **fields)
        self._promised(receipt.callback_id, caller.queue, call=caller, prefers=prefers, **fields)

    @rule(
        queue=QUEUE,
        number=NUMBER,
        priority=PRIORITY,
        skills=NEEDS,
        prefers=PREFERS,
        ago=AGO,
        after=st.sampled_from([None, None, None, MINUTE, 10 * MINUTE]),
    )
    def ask_on_the_web(
        self,
        queue: str,
        number: str,
        priority: int,
        skills: tuple[str, ...],
        prefers: str | None,
        ago: timedelta,
        after: timedelta | None,
    ) -> None:
        """Somebody asks without a live call."""
        now = self.clock.now()
        fields: dict[str, Any] = {
            "number": number,
            "priority": priority,
            "skills": skills,
            "entered_at": now - ago,
            "scheduled_at": now + after if after is not None else None,
        }
        if self.model.active(number, queue):
            with pytest.raises(DuplicateCallback):
                self.service.request(queue, preferred_agent=prefers, **fields)
            return
        receipt = self.service.request(queue, preferred_agent=prefers, **fields)
        self._promised(receipt.callback_id, queue, prefers=prefers, **fields)

    # ------------------------------------------------------------------ other places

    def _places(self) -> list[Caller | Promise]:
        """Return who may be moved, and callbacks that may not for they are being attempted."""
        promises = [one for one in self.model.promises() if one.state != people.ENDED]
        return [*self.model.callers(people.WAITING), *promises]

    def _or_not_possible(self, promise: Promise, command: Callable[[], object]) -> bool:
        """Do it if the callback may be moved; check that it is refused otherwise."""
        if promise in self.model.movable():
            command()
            return True
        with pytest.raises(NotPossibleNow):
            command()
        return False

    @precondition(lambda self: self._places())
    @rule(which=WHICH, priority=PRIORITY)
    def prioritize(self, which: int, priority: int) -> None:
        """A live caller or a callback has another priority."""
        place = pick(self._places(), which)
        if isinstance(place, Caller):
            self.service.prioritize_call(place.key, priority=priority)
            place.priority = priority
        elif self._or_not_possible(place, lambda: self.service.prioritize(place.key, priority=priority)):
            place.priority = priority

    @precondition(lambda self: self.model.promises())
    @rule(which=WHICH)
    def put_first(self, which: int) -> None:
        """A callback goes to the front."""
        promise = pick(self.model.promises(), which)
        if self._or_not_possible(promise, lambda: self.service.put_first(promise.key)):
            self.model.put_first(promise)

    @precondition(lambda self: self._all())
    @rule(which=WHICH, queue=QUEUE, priority=st.none() | PRIORITY, skills=st.none() | NEEDS)
    def move(self, which: int, queue: str, priority: int | None, skills: tuple[str, ...] | None) -> None:
        """Anybody goes to another queue; but a callback not where its person has one already."""
        place = pick(self._all(), which)
        fields: dict[str, Any] = {"priority": priority, "skills": skills}
        is_there = place.queue == queue and place.state != people.ENDED
        if isinstance(place, Caller):
            self.service.move_call(place.key, queue=queue, **fields)
        elif not is_there and self.model.active(place.number, queue):
            with pytest.raises(DuplicateCallback):
                self.service.move(place.key, queue=queue, **fields)
            return
        elif not self._or_not_possible(place, lambda: self.service.move(place.key, queue=queue, **fields)):
            return
        self.model.move(place, queue=queue, **fields)

    @precondition(lambda self: len(self.model.movable()) > 1)
    @rule(which=WHICH, other=WHICH)
    def merge(self, which: int, other: int) -> None:
        """Two callbacks of one person become one; two persons stay two, and no place in line is given up."""
        gone: Promise = pick(self.model.movable(), which)
        others = [one for one in self.model.movable() if one is not gone]
        into: Promise = pick([one for one in others if one.number == gone.number] or others, other)
        place_lost = into.state == people.SCHEDULED and gone.state != people.SCHEDULED
        if gone.number != into.number or place_lost:
            with pytest.raises(RequestRefused):
                self.service.merge(gone.key, into=into.key)
            return
        self.service.merge(gone.key, into=into.key)
        self.model.merge(gone, into)
        kept = self.service.merge(gone.key, into=into.key)
        assert kept.callback_id == into.key

    @rule(queue=QUEUE, shift=WHICH)
    def rerank(self, queue: str, shift: int) -> None:
        """The host's function ranks the line anew; where it fails the place is as it was."""

        def answer(key: str) -> timedelta | None:
            return pick(HEAD_STARTS, sum(map(ord, key)) + shift)

        def head_start(place: Any, waited: timedelta) -> timedelta:
            assert waited == self.clock.now() - place.entered_at
            found = answer(place.callback_id if isinstance(place, Callback) else place.call_id)
            if found is None:
                raise Refused
            return found

        done = self.service.rerank(queue, head_start=head_start)
        told = (done.looked_at_count, done.reranked_count, set(done.failed))
        assert told == self.model.rerank(queue, head_start=lambda place: answer(place.key))
        assert self.service.rerank(queue).reranked_count == 0

    # ------------------------------------------------------------------ switches and agents

    @rule(queue=st.sampled_from([*QUEUES, None]), pause=st.sampled_from([False, False, True]))
    def switch_dialing(self, queue: str | None, pause: bool) -> None:
        """Dialing is paused or resumed."""
        if pause:
            self.service.pause(queue, dialing=True)
            self.model.paused.add(queue)
        else:
            self.service.resume(queue, dialing=True)
            self.model.paused.discard(queue)

    @rule(agent=AGENT, queues=SOME_QUEUES, skills=HAS)
    def sign_in(self, agent: str, queues: tuple[str, ...], skills: tuple[str, ...]) -> None:
        """An agent comes, or says what to count on."""
        self.service.agent_available(agent, queues=queues, skills=skills)
        self.model.sign_in(agent, queues, skills)

    @rule(which=WHICH)
    def sign_out(self, which: int) -> None:
        """An agent goes."""
        agent = pick(self.model.agents, which)
        self.service.agent_unavailable(agent)
        self.model.sign_out(agent)

    # ------------------------------------------------------------------ attempts

    def _tell(self, leg_id: str, kind: ReportKind, **fields: Any) -> tuple[Any, ...]:
        """Report, and do what is asked: hang up."""
        if kind is ReportKind.ENDED:
            self.legs_gone.add(leg_id)
        report = Report(leg_id=LegId(leg_id), kind=kind, **fields)
        self.reports.append(report)
        effects = self.service.report(report).effects
        self._hang_up(effects)
        return effects

    def _hang_up(self, effects: Iterable[Any]) -> None:
        for effect in effects:
            if isinstance(effect, HangUp) and effect.leg_id not in self.legs_gone:
                self._tell(effect.leg_id, ReportKind.ENDED, cause=Cause.NORMAL)

    def _accept(self, attempt: Attempt) -> None:
        if attempt.phase != people.RINGING:
            return
        (dial,) = self._tell(attempt.agent_leg, ReportKind.ANSWERED)
        assert (dial.role, dial.number) == (Role.CUSTOMER, attempt.promise.number)
        attempt.customer_leg = dial.leg_id
        self.model.accepted(attempt)

    def _over(self, attempt: Attempt, leg_id: str, cause: Cause, disposition: Disposition) -> None:
        self._tell(leg_id, ReportKind.ENDED, cause=cause)
        self.model.over(attempt, disposition)

    def _happen(self, attempt: Attempt, fate: str) -> None:
        """Let the agent and the customer do so, as far as it can be in this phase."""
        agent_gone = (attempt.agent_leg, Cause.NORMAL, Disposition.AGENT_UNAVAILABLE)
        if attempt.phase == people.TALKING:
            self._over(attempt, attempt.customer_leg, Cause.NORMAL, Disposition.CONNECTED)
        elif attempt.phase == people.RINGING and fate == DECLINES:
            self._over(attempt, *agent_gone)
        elif attempt.phase != people.ENDING and fate != RINGS_ON:
            self._accept(attempt)
            if fate in (DECLINES, HANGS_UP):
                self._over(attempt, *agent_gone)
            elif attempt.phase == people.DIALING and fate == ACCEPTS:
                self._tell(attempt.customer_leg, ReportKind.RINGING)
                attempt.rang = True
            elif attempt.phase == people.DIALING and fate == MACHINE:
                self._tell(attempt.customer_leg, ReportKind.ANSWERED, answered_by=AnsweredBy.MACHINE)
                self.model.over(attempt, Disposition.MACHINE)
            elif attempt.phase == people.DIALING and fate in FAILURES:
                disposition = Disposition(fate)
                self._over(attempt, attempt.customer_leg, FAILURES[disposition], disposition)
            elif fate in (GONE, ANSWERS, CONNECTS, TALKS):
                self._answer(attempt, fate)

    def _answer(self, attempt: Attempt, fate: str) -> None:
        if attempt.phase == people.DIALING:
            self._tell(attempt.customer_leg, ReportKind.ANSWERED, answered_by=AnsweredBy.HUMAN)
            self.model.answered(attempt)
        if fate == GONE:
            self._over(attempt, attempt.customer_leg, Cause.NORMAL, Disposition.ANSWERED_THEN_LEFT)
        elif fate in (CONNECTS, TALKS):
            self._tell(attempt.customer_leg, ReportKind.BRIDGED)
            self.model.connected(attempt)
            if fate == TALKS:
                self._over(attempt, attempt.customer_leg, Cause.NORMAL, Disposition.CONNECTED)

    @precondition(lambda self: self.model.attempts)
    @rule(which=WHICH, fate=FATE)
    def attempt(self, which: int, fate: str) -> None:
        """Something becomes of an attempt that is under way."""
        self._happen(pick(self.model.attempts, which), fate)

    @precondition(lambda self: self.reports)
    @rule(which=st.integers(0, 50))
    def report_again(self, which: int) -> None:
        """What was said already is said again: it changes nothing."""
        assert not self.service.report(pick(self.reports, which)).changed
