"""The questions: what a callback is now, where it stands, why, and how the queues go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from callbackq.core.explain import ExplainFacts, explain
from callbackq.core.instants import check_text
from callbackq.core.quotes import QuoteReport, score_quotes
from callbackq.events import Event
from callbackq.facts import control_of, position_of
from callbackq.ids import AgentId, CallId
from callbackq.model import (
    ALL_QUEUES,
    Agent,
    Callback,
    CallbackState,
    CallState,
    Explanation,
    LiveCall,
    Node,
    Overtakes,
    Place,
    Position,
    QueueControl,
    Rates,
)
from callbackq.ports import Commit, Transaction
from callbackq.service.base import ServiceBase
from callbackq.service.promises import read_callback_id
from callbackq.why import explain_facts
from callbackq.writing import policy_of

LIMIT_MAX = 10_000


class Questions(ServiceBase):
    """What can be asked. Nothing is changed."""

    def get(self, callback_id: str) -> Callback:
        """
        Return one callback as it is now.

        Raises:
            CallbackNotFound: there is no such callback.
        """
        return self._run(
            Commit.READ_ONLY,
            lambda tx, _now: tx.callbacks.get(read_callback_id(callback_id)),
        )

    def position(self, callback_id: str) -> Position | None:
        """
        Return how many stand ahead of a callback now, plus one; None once it has ended or while it is scheduled.

        Counts live calls and callbacks that are WAITING in its queue. Exact in memory; on SQL stores exact up to
        10,000 ahead, and beyond an estimate that says so. Cost: O(log n) in memory, O(position) in SQL, bounded.

        Raises:
            CallbackNotFound: there is no such callback.
        """

        def read(tx: Transaction, _now: datetime) -> Position | None:
            callback = tx.callbacks.get(read_callback_id(callback_id))
            if callback.state in (CallbackState.ENDED, CallbackState.SCHEDULED):
                return None
            return position_of(tx, callback)

        return self._run(Commit.READ_ONLY, read)

    def call_position(self, call_id: str) -> Position | None:
        """
        Return how many stand ahead of a live call now, plus one; None if it waits no longer.

        Raises:
            CallNotFound: this call never joined.
        """

        def read(tx: Transaction, _now: datetime) -> Position | None:
            call = tx.calls.get(CallId(check_text(call_id, "call_id")))
            return position_of(tx, call) if call.state is CallState.WAITING else None

        return self._run(Commit.READ_ONLY, read)

    def explain(self, callback_id: str) -> Explanation:
        """
        Say why a callback is or is not being dialed now, in words and as data, and when that can change by time.

        Raises:
            CallbackNotFound: there is no such callback.
        """

        def read(tx: Transaction, now: datetime) -> Explanation:
            callback = tx.callbacks.get(read_callback_id(callback_id))
            facts: ExplainFacts = explain_facts(tx, callback, policies=self.policies, caps=self.caps, now=now)
            return explain(callback, facts=facts, now=now)

        return self._run(Commit.READ_ONLY, read)

    def history(self, callback_id: str) -> list[Event]:
        """
        Return what happened to a callback and its attempts, oldest first.

        Raises:
            CallbackNotFound: there is no such callback.
        """

        def read(tx: Transaction, _now: datetime) -> list[Event]:
            return tx.history.of_callback(tx.callbacks.get(read_callback_id(callback_id)).callback_id)

        return self._run(Commit.READ_ONLY, read)

    def context(self, callback_id: str) -> Mapping[str, str]:
        """
        Return the free fields that the agent is shown with a callback. They may be personal.

        Raises:
            CallbackNotFound: there is no such callback.
        """

        def read(tx: Transaction, _now: datetime) -> Mapping[str, str]:
            callback = tx.callbacks.get(read_callback_id(callback_id))
            return dict(tx.subjects.get(callback.subject_id).contexts.get(callback.callback_id, {}))

        return self._run(Commit.READ_ONLY, read)

    def call(self, call_id: str) -> LiveCall:
        """
        Return one live call as it is now.

        Raises:
            CallNotFound: this call never joined.
        """
        key = CallId(check_text(call_id, "call_id"))
        return self._run(Commit.READ_ONLY, lambda tx, _now: tx.calls.get(key))

    def call_history(self, call_id: str) -> list[Event]:
        """
        Return what happened to a live call, oldest first.

        Raises:
            CallNotFound: this call never joined.
        """
        key = CallId(check_text(call_id, "call_id"))
        return self._run(Commit.READ_ONLY, lambda tx, _now: tx.history.of_call(tx.calls.get(key).call_id))

    def agent(self, agent_id: str) -> Agent:
        """
        Return one agent as they are now.

        Raises:
            AgentNotFound: this agent never was available.
        """
        key = AgentId(check_text(agent_id, "agent_id"))
        return self._run(Commit.READ_ONLY, lambda tx, _now: tx.agents.get(key))

    def agent_history(self, agent_id: str) -> list[Event]:
        """
        Return what happened to an agent, oldest first.

        Raises:
            AgentNotFound: this agent never was available.
        """
        key = AgentId(check_text(agent_id, "agent_id"))
        return self._run(Commit.READ_ONLY, lambda tx, _now: tx.history.of_agent(tx.agents.get(key).agent_id))

    def nodes(self) -> list[Node]:
        """
        Return the nodes of this tenant, by name: those that are there, and for a day those that have gone.

        Only nodes with a lease are among them. One whose `due_at` has passed is silent, or its clock is slow.
        """
        return self._run(Commit.READ_ONLY, lambda tx, _now: tx.nodes.all())

    # ------------------------------------------------------------------ queues

    def queue_history(self, queue: str | None) -> list[Event]:
        """
        Return how a queue, or all queues at once (None), were paused and resumed, oldest first.

        Raises:
            UnknownQueue: no policy is configured for it.
        """
        name = ALL_QUEUES if queue is None else policy_of(self.policies, queue).queue
        return self._run(Commit.READ_ONLY, lambda tx, _now: tx.history.of_queue(name))

    def line(self, queue: str, *, limit: int = 100) -> list[Place]:
        """
        Return the first places of a queue's line, live calls and callbacks, in the order of their ranks.

        Raises:
            UnknownQueue: no policy is configured for it.
        """
        name = policy_of(self.policies, queue).queue
        return self._run(
            Commit.READ_ONLY, lambda tx, _now: tx.line.places(name, limit=min(max(limit, 0), LIMIT_MAX))
        )

    def control(self, queue: str | None) -> QueueControl | None:
        """
        Return what is paused for a queue now, by itself or with all queues; None if nothing ever was.

        Args:
            queue: its name; None for what is switched for all queues.

        Raises:
            UnknownQueue: no policy is configured for it.
        """
        if queue is None:
            return self._run(Commit.READ_ONLY, lambda tx, _now: tx.queues.find(ALL_QUEUES))
        name = policy_of(self.policies, queue).queue
        return self._run(Commit.READ_ONLY, lambda tx, _now: control_of(tx, name))

    def rates(self, queue: str, *, priority: int | None = None) -> Rates:
        """
        Return how a queue went lately: what its estimates rest on. Measured every 30 s, from its last 200 rows.

        Raises:
            UnknownQueue: no policy is configured for it.
        """
        policy = policy_of(self.policies, queue)
        level = policy.priority_default if priority is None else priority
        return self._run(
            Commit.READ_ONLY,
            lambda tx, now: self.gauge.rates(tx, policy=policy, priority=level, now=now),
        )

    def quotes(self, queue: str, *, limit: int = 1_000, zone: tzinfo = UTC) -> QuoteReport:
        """
        Score what callers were told against what came true, over the last callbacks and live calls of a queue.

        Args:
            limit: so many of each at most.
            zone: in which the hours of the week are counted.

        Raises:
            UnknownQueue: no policy is configured for it.
        """
        name, most = policy_of(self.policies, queue).queue, min(max(limit, 0), LIMIT_MAX)

        def read(tx: Transaction, _now: datetime) -> QuoteReport:
            callbacks = tx.callbacks.last_ended(name, limit=most)
            return score_quotes(callbacks, tx.calls.last_taken(name, limit=most), zone=zone)

        return self._run(Commit.READ_ONLY, read)

    def overtakes(self, queue: str, *, limit: int = 1_000) -> Overtakes:
        """
        Count who passed whom, over the last live calls and callbacks of a queue that were served.

        Where callbackq chooses, nobody is passed within a class, except while dialing is paused or a cap is reached.
        Where the host's own ACD does, this is what it did.

        Raises:
            UnknownQueue: no policy is configured for it.
        """
        name, most = policy_of(self.policies, queue).queue, min(max(limit, 0), LIMIT_MAX)

        def read(tx: Transaction, _now: datetime) -> Overtakes:
            calls = tx.calls.last_taken(name, limit=most)
            callbacks = [one for one in tx.callbacks.last_ended(name, limit=most) if one.attempt_id]
            return Overtakes(
                calls_count=len(calls),
                callbacks_count=len(callbacks),
                calls_passed_by_calls=sum(call.overtook_calls_count for call in calls),
                callbacks_passed_by_calls=sum(call.overtook_callbacks_count for call in calls),
                calls_passed_by_callbacks=sum(one.overtook_calls_count for one in callbacks),
                callbacks_passed_by_callbacks=sum(one.overtook_callbacks_count for one in callbacks),
            )

        return self._run(Commit.READ_ONLY, read)
