"""
The dispatcher: what time and free agents bring about.

`step(now)` promotes what is due, recovers what was left behind, gives free agents the heads of their lines, commits,
and then returns the effects as data. It performs nothing and never sleeps: a runner does, or a host's own loop.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.core import agents, attempt, calls, lifecycle
from callbackq.core.consequences import overdue
from callbackq.core.instants import check_instant
from callbackq.core.numbers import number_key
from callbackq.effects import Effect
from callbackq.errors import Conflict
from callbackq.ids import AttemptId, LegId, NodeId, QueueName
from callbackq.model import (
    Agent,
    AttemptState,
    Callback,
    CallbackState,
    Disposition,
    HoldReason,
    LiveCall,
    Place,
)
from callbackq.ports import Commit, Transaction
from callbackq.service import CONFLICT_TRIES, CallbackService
from callbackq.writing import (
    attempt_context,
    failures_count,
    free_agent_of_call,
    move_attempt,
    policy_of,
    presence_max_of,
    write,
)

NUMBER_IN_USE_HOLD: Final = timedelta(seconds=30)
"""How long a callback is held when its number is in another live attempt, before it is looked at again."""


class Dispatcher:
    """
    Moves the promises of one service along, in the queues that the service has policies for.

    Args:
        service: whose promises. Its commands may run in other threads and processes.
        node_id: the name of this process, kept with every attempt that it starts.
        batch_max: at most this many records of each kind become due in one step; the rest in the next.
    """

    def __init__(self, service: CallbackService, *, node_id: str = "node", batch_max: int = 500) -> None:
        self._service: Final = service
        self._node_id: Final = NodeId(node_id)
        self._batch_max: Final = batch_max

    def step(self, now: datetime) -> tuple[Effect, ...]:
        """
        Do everything that is due at *now*, and give work to every free agent that can have it.

        On return all of it is committed; attempts that were started are durable. The effects must be performed
        now, once, by the caller, who holds no lock and no transaction.

        Live calls and agents are done first, in a transaction that waits for no flush; only when a promise is
        concerned is there a second, flushed one.

        Raises:
            StoreUnavailable: the part that was not returned was not done; step again.

        Cost: O(k log n) for k records that move.
        """
        at = check_instant(now, "now")
        effects, promises_wait = self._run(at, commit=Commit.RELAXED)
        if promises_wait:
            more, _ = self._run(at, commit=Commit.FLUSHED)
            effects += more
        return effects

    def next_wakeup(self) -> datetime | None:
        """Return when `step` has something to do though nobody said anything, or None if never."""
        with self._service.store.transaction(self._service.tenant_id, commit=Commit.READ_ONLY) as tx:
            return tx.next_due_at(queues=self._service.policies.keys())

    def _run(self, now: datetime, *, commit: Commit) -> tuple[tuple[Effect, ...], bool]:
        for _ in range(CONFLICT_TRIES - 1):
            try:
                return self._once(now, commit=commit)
            except Conflict:
                continue
        return self._once(now, commit=commit)

    def _once(self, now: datetime, *, commit: Commit) -> tuple[tuple[Effect, ...], bool]:
        promises = commit is Commit.FLUSHED
        with self._service.store.transaction(self._service.tenant_id, commit=commit) as tx:
            step = _Step(tx=tx, service=self._service, node_id=self._node_id, now=now, effects=[])
            if promises:
                step.due_promises(self._batch_max)
            else:
                step.due_live(self._batch_max)
            # A promise that is due now may stand before the live calls: it is promoted first.
            promises_wait = not promises and step.has_due_promises()
            if not promises_wait:
                promises_wait = step.assign(promises=promises)
        return tuple(step.effects), promises_wait


@attrs.frozen(kw_only=True)
class _Step:
    """One transaction of a step."""

    tx: Transaction
    service: CallbackService
    node_id: NodeId
    now: datetime
    effects: list[Effect]

    @property
    def queues(self) -> Collection[QueueName]:
        """The queues that this node has a policy for. It leaves all others to other nodes."""
        return self.service.policies.keys()

    # ------------------------------------------------------------------ what is due

    def due_live(self, limit: int) -> None:
        for agent in self.tx.agents.due(now=self.now, limit=limit):
            presence_max = presence_max_of(self.service.policies, agent.queues)
            write(self.tx, agents.due(agent, presence_max=presence_max, now=self.now))
        for call in self.tx.calls.due(now=self.now, limit=limit, queues=self.queues):
            write(self.tx, calls.due(call, now=self.now))
            free_agent_of_call(self.tx, call, policies=self.service.policies, cooled_down=False, now=self.now)

    def has_due_promises(self) -> bool:
        attempts, callbacks = self.tx.attempts, self.tx.callbacks
        return bool(
            attempts.due(now=self.now, limit=1, queues=self.queues)
            or callbacks.due(now=self.now, limit=1, queues=self.queues)
        )

    def due_promises(self, limit: int) -> None:
        for before in self.tx.attempts.due(now=self.now, limit=limit, queues=self.queues):
            context = attempt_context(self.tx, before, policies=self.service.policies, now=self.now)
            decision = attempt.deadline(before, context)
            self.effects.extend(move_attempt(self.tx, before, decision, context))
        for callback in self.tx.callbacks.due(now=self.now, limit=limit, queues=self.queues):
            if callback.state is CallbackState.ATTEMPTING:
                self._attempt_overdue(callback)
            else:
                write(self.tx, lifecycle.due(callback, now=self.now))

    def _attempt_overdue(self, callback: Callback) -> None:
        """Every deadline of the attempt is long over: the callback lets go of it."""
        assert callback.attempt_id is not None
        before = self.tx.attempts.get(callback.attempt_id)
        context = attempt_context(self.tx, before, policies=self.service.policies, now=self.now)
        earlier = failures_count(self.tx, callback.callback_id, Disposition.UNKNOWN)
        write(self.tx, overdue(before, context, failures_count=earlier))
        if before.state is not AttemptState.ENDED:
            decision = attempt.call_off(before, Disposition.UNKNOWN, context)
            self.effects.extend(move_attempt(self.tx, before, decision, context))

    # ------------------------------------------------------------------ who is next

    def assign(self, *, promises: bool) -> bool:
        """
        Give every free agent the first place that he can serve, the longest free agent first.

        Returns:
            True if it stopped at a callback, which only a flushed transaction may start.
        """
        if self.tx.line.is_empty():
            return False
        for agent in self.tx.agents.available():
            place = self._head(agent)
            while isinstance(place, Callback):
                if not promises:
                    return True
                if self._start(place, agent):
                    break
                place = self._head(agent)
            if isinstance(place, LiveCall):
                self._take(place, agent)
        return False

    def _head(self, agent: Agent) -> Place | None:
        lanes = self.tx.lanes.served_by(agent.skills)
        heads = (self.tx.line.head(queue, lanes=lanes) for queue in agent.queues if queue in self.queues)
        return min(
            (head for head in heads if head), key=lambda head: (head.rank, head.place_id), default=None
        )

    def _take(self, call: LiveCall, agent: Agent) -> None:
        policy = policy_of(self.service.policies, call.queue)
        decision = calls.take(call, agent.agent_id, policy=policy, now=self.now)
        presence_max = presence_max_of(self.service.policies, agent.queues)
        decision += agents.take_call(agent, call.call_id, presence_max=presence_max, now=self.now)
        write(self.tx, decision)
        self.effects.extend(decision.effects)

    def _start(self, callback: Callback, agent: Agent) -> bool:
        policy = policy_of(self.service.policies, callback.queue)
        subject = self.tx.subjects.get(callback.subject_id)
        key = number_key(subject.number, pepper=self.service.store.pepper)
        if self.tx.attempts.live_by_number(key) is not None:
            until = self.now + NUMBER_IN_USE_HOLD
            write(
                self.tx,
                lifecycle.hold(callback, reason=HoldReason.NUMBER_IN_USE, until=until, now=self.now),
            )
            return False
        new = self.service.ids.new
        attempt_id = AttemptId(new("at", now=self.now))
        decision = lifecycle.attempt(
            callback, attempt_id=attempt_id, agent_id=agent.agent_id, policy=policy, now=self.now
        )
        decision += attempt.start(
            attempt.Context(callback=callback, subject=subject, policy=policy, now=self.now),
            attempt_id=attempt_id,
            agent_id=agent.agent_id,
            agent_leg_id=LegId(new("leg", now=self.now)),
            customer_leg_id=LegId(new("leg", now=self.now)),
            node_id=self.node_id,
            number_key=key,
        )
        presence_max = presence_max_of(self.service.policies, agent.queues)
        decision += agents.reserve(agent, attempt_id, presence_max=presence_max, now=self.now)
        write(self.tx, decision)
        self.effects.extend(decision.effects)
        return True
