"""
Arbitrary histories on every store: after each rule the line, and all else, is what the words say.

Three judges look at every history: the naive model (who stands where, who is given whom), the account of the
events (who was passed, what changed a place), and the rows against the history.
"""

from __future__ import annotations

import itertools
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from callbackq import (
    Acd,
    AgentId,
    CallbackId,
    CallId,
    Commit,
    ConnectCall,
    Dial,
    Dispatcher,
    Entity,
    LiveCall,
    QueueName,
    Store,
    Transaction,
)
from callbackq.core.history import KEYS, fold
from service import line_people as people
from service.line_account import Account
from service.line_house import AGENTS, FATE, LATER, QUEUES, SKILLS, TALKS, House
from service.line_people import Agent, Caller, Place, Promise
from stores.every_store import FRESH

HOPS_MAX = 500
IS_OPEN = (people.SCHEDULED, people.WAITING, people.ATTEMPTING, people.RESTING, people.HELD)


@attrs.frozen(kw_only=True)
class Kind:
    """A kind of store: how an empty one is had for a while, and how much is tried on it."""

    fresh: Callable[[], AbstractContextManager[Store]]
    examples: int
    steps: int


KINDS = {
    "memory": Kind(fresh=FRESH["memory"], examples=120, steps=40),
    "sqlite": Kind(fresh=FRESH["sqlite"], examples=40, steps=30),
    "sqlite_shared": Kind(fresh=FRESH["sqlite_shared"], examples=4, steps=20),
    "postgres": Kind(fresh=FRESH["postgres"], examples=20, steps=30),
}


def key_of(place: Any) -> str:
    """Return the id of the live call or callback."""
    return place.call_id if isinstance(place, LiveCall) else place.callback_id


def row_of(tx: Transaction, entity: Entity, key: str) -> Any:
    """Return the row that the history tells of."""
    if entity is Entity.QUEUE:
        return tx.queues.find(QueueName(key))
    tables: dict[Entity, Any] = {
        Entity.CALLBACK: tx.callbacks,
        Entity.CALL: tx.calls,
        Entity.AGENT: tx.agents,
        Entity.ATTEMPT: tx.attempts,
    }
    return tables[entity].get(key)


class JudgedHouse(House):
    """The house in time, with its judges."""

    def __init__(self) -> None:
        super().__init__()
        self.events_read = 0
        self.done: set[str] = set()
        self.lanes: dict[int, tuple[str, ...]] = {}
        self.account: Account | None = None

    # ------------------------------------------------------------------ time

    @rule()
    def step(self) -> None:
        """The dispatcher does what is due, and every free agent is given whom the model says."""
        now = self.clock.now()
        effects = Dispatcher(self.service, node_id="node").step(now)
        given, late = self.model.step()
        told: list[tuple[str | None, str]] = []
        for effect in effects:
            if isinstance(effect, ConnectCall):
                told.append((effect.agent_id, effect.call_id))
            elif isinstance(effect, Dial):
                told.append((effect.agent_id, effect.callback_id))
                attempt = next(one for one in self.model.attempts if one.promise.key == effect.callback_id)
                attempt.attempt_id, attempt.agent_leg = effect.attempt_id, effect.leg_id
        assert told == given
        idle = [one for one in self.model.agents.values() if one.state == people.AVAILABLE]
        assert [one.agent_id for one in idle if self.model.next_for(one) is not None] == []
        self._hang_up(effects)
        for attempt in late:
            self.model.over(attempt)

    @rule(fates=st.lists(FATE, min_size=1, max_size=3))
    def turn(self, fates: list[str]) -> None:
        """Who is being served hangs up, every free agent is given who is next, and all attempts go on."""
        for caller in self.model.callers(people.TAKEN):
            self._leave(caller)
        self.step()
        for attempt, fate in zip(list(self.model.attempts), itertools.cycle(fates), strict=False):
            self._happen(attempt, fate)

    @rule(fates=st.lists(FATE, min_size=1, max_size=3), after=LATER)
    def turn_and_run(self, fates: list[str], after: timedelta) -> None:
        """The same, and time passes."""
        self.turn(fates)
        self.run(after)

    @rule(after=LATER)
    def wait(self, after: timedelta) -> None:
        """Time passes, and no node is there."""
        self._move_to(self.clock.now() + after)

    @rule(after=LATER)
    def run(self, after: timedelta) -> None:
        """Time passes, and a node is woken whenever something is due."""
        end = self.clock.now() + after
        self.step()
        while (due_at := self.model.next_due()) is not None and due_at <= end:
            wakes_at = Dispatcher(self.service).next_wakeup()
            assert wakes_at is not None
            assert wakes_at <= due_at
            self._move_to(max(due_at, self.clock.now()))
            self.step()
            self.judge()
        self._move_to(end)

    def _move_to(self, at: datetime) -> None:
        self.clock.move_to(at)
        self.model.now = at

    # ------------------------------------------------------------------ judges

    @precondition(lambda self: self.policies)
    @invariant()
    def judge(self) -> None:
        """All three, after every rule."""
        self._the_line_is_as_the_words_say()
        self._the_history_says_the_same()

    def _the_line_is_as_the_words_say(self) -> None:
        """D1, D2: each line, each position and each row is the model's; no entry time is another than at first."""
        for queue in QUEUES:
            rows = self.service.line(queue)
            assert [key_of(row) for row in rows] == [place.key for place in self.model.line(queue)]
        places = [place for place in self.model.places.values() if place.key not in self.done]
        with self.store.transaction(self.tenant, commit=Commit.READ_ONLY) as tx:
            for place in places:
                self._same_row(tx, place)
            for agent in self.model.agents.values():
                self._same_agent(tx, agent)
        for place in places:
            of = self.service.call_position if isinstance(place, Caller) else self.service.position
            found = of(place.key)
            assert (found.number if found else None) == self.model.position(place), place
        self.done.update(place.key for place in places if place.state == people.ENDED)

    def _same_row(self, tx: Transaction, place: Place) -> None:
        row: Any
        if isinstance(place, Promise):
            row = tx.callbacks.get(CallbackId(place.key))
            assert (row.outcome, row.place_id) == (place.outcome, place.place_id)
            assert (row.due_at is None) == (place.state == people.ENDED)
        else:
            assert isinstance(place, Caller)
            row = tx.calls.get(CallId(place.key))
            assert row.overtook_calls_count + row.overtook_callbacks_count == place.passed, place
            assert row.state == people.ENDED or row.due_at is not None
        assert (row.state, row.queue, row.priority) == (place.state, place.queue, place.priority)
        stands = (row.entered_at, row.ranked_at, row.preferred_until_at)
        assert stands == (place.entered_at, place.ranked_from, place.only_until), place

    def _same_agent(self, tx: Transaction, agent: Agent) -> None:
        row = tx.agents.get(AgentId(agent.agent_id))
        state = people.PAUSED if row.state in ("wrap_up", "cooling_down") else str(row.state)
        assert (state, row.leaving) == (agent.state, agent.leaving), agent
        assert state != people.AVAILABLE or row.since_at == agent.since, agent

    def _the_history_says_the_same(self) -> None:
        """D6, D8, D12: nobody is passed but for a stated reason, nothing is moved but by name; rows are the fold."""
        if self.account is None:
            self.account = Account(self.policies, self.lanes.__getitem__)
        self._read_history(everything=False)
        self.host_chose = False
        for policy in self.policies:
            if policy.acd is Acd.HOST:
                self._same_overtakes(policy.queue)

    def _read_history(self, *, everything: bool) -> None:
        assert self.account is not None
        with self.store.transaction(self.tenant, commit=Commit.READ_ONLY) as tx:
            events: list[Any] = tx.history.all()
            new, self.events_read = events[self.events_read :], len(events)
            touched = {(event.entity, getattr(event, KEYS[event.entity])) for event in new}
            for key, record in fold(events).items():
                if everything or key in touched:
                    assert row_of(tx, *key) == record
            for lane in {getattr(event, "lane", 0) for event in new} - {0, *self.lanes}:
                self.lanes[lane] = tx.lanes.skills_of(lane)
        self.account.read(new, host_chose=self.host_chose)

    def _same_overtakes(self, queue: str) -> None:
        assert self.account is not None
        found = self.service.overtakes(queue)
        passed = (found.calls_count, found.calls_passed_by_calls, found.callbacks_passed_by_calls)
        assert passed == self.account.passed(queue)
        assert (found.calls_passed_by_callbacks, found.callbacks_passed_by_callbacks) == (0, 0)

    # ------------------------------------------------------------------ the end

    def teardown(self) -> None:
        """In the end agents come who can do all, everybody answers, and every promise ends."""
        if sys.exc_info()[0] is not None or not self.policies:
            return
        open_still = self.model.promises(*IS_OPEN)
        for queue in (None, *QUEUES):
            self.switch_dialing(queue, pause=False)
        for agent in (*AGENTS, "one more"):
            self.sign_in(agent, QUEUES, SKILLS)
        for _ in range(HOPS_MAX):
            self._everybody_answers()
            due_at = self.model.next_due()
            if due_at is None or not self.model.promises(*IS_OPEN):
                break
            self._move_to(max(due_at, self.clock.now()))
        self.done.clear()
        self.judge()
        self._read_history(everything=True)
        for queue in QUEUES:
            self._same_overtakes(queue)
        for promise in self.model.promises():
            self._is_not_lost(promise, completed=promise in open_still)

    def _everybody_answers(self) -> None:
        for caller in (*self._callers_of_host(), *self.model.callers(people.TAKEN)):
            self._leave(caller)
        for _ in range(2):
            for attempt in list(self.model.attempts):
                self._happen(attempt, TALKS)
            self.step()

    def _is_not_lost(self, promise: Promise, *, completed: bool) -> None:
        """It was made once and ended once; a merged one goes on in another one of the same person."""
        events: list[Any] = self.service.history(promise.key)
        kinds = [event.kind for event in events]
        ended = next(event for event in reversed(events) if event.kind == "callback_ended")
        assert (kinds.count("callback_requested"), kinds.count("callback_ended")) == (1, 1), promise
        row = self.service.get(promise.key)
        assert row.ended_at is not None
        too_late = row.outcome == people.EXPIRED and row.ended_at >= row.expires_at
        called_in = row.outcome == people.SERVED_ELSEWHERE and row.called_in_id is not None
        assert too_late or called_in or not completed or row.outcome == people.COMPLETED, promise
        restored = ended.reason == "called_in" and row.outcome == people.REPLACED
        assert (row.outcome == people.REPLACED) == (row.merged_into_id is not None or restored)
        if row.merged_into_id is not None:
            assert self.service.get(row.merged_into_id).subject_id == row.subject_id


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind of store."""
    return KINDS[request.param]


@pytest.fixture
def store(kind: Kind) -> Iterator[Store]:
    """An empty store. Every example is a tenant of its own."""
    with kind.fresh() as opened:
        yield opened


def test_any_history_keeps_the_line(store: Store, kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    """D1, D2, D6, D8, D12: whatever happens, in whatever order."""
    caplog.set_level(logging.ERROR, logger="callbackq")  # The host's function fails often.

    class TheHouse(JudgedHouse):
        pass

    TheHouse.store = store
    run_state_machine_as_test(
        TheHouse,
        settings=settings(
            max_examples=kind.examples,
            stateful_step_count=kind.steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
