"""
The dispatcher: what time and free agents bring about.

`step(now)` promotes what is due, recovers what was left behind, gives free agents the heads of their lines, commits,
and then returns the effects as data. It performs nothing and never sleeps: a runner does, or a host's own loop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import attrs

from callbackq.core.instants import check_instant
from callbackq.core.outgoing import untold
from callbackq.effects import Effect
from callbackq.errors import ConfigurationError, Conflict, StoreError
from callbackq.facts import caps_over_at
from callbackq.ids import NodeId
from callbackq.model import Attempt
from callbackq.ports import Commit, Transaction
from callbackq.presence import Lost, Presence
from callbackq.service import CONFLICT_TRIES, CallbackService
from callbackq.stepping import (
    Can,
    Step,
    attempt_alone,
    booking_alone,
    callback_alone,
    message_alone,
    taken_alone,
)
from callbackq.writing import work_ahead

logger = logging.getLogger("callbackq")

_LOOK_AGAIN_AFTER: Final = timedelta(seconds=1)
"""A node that leaves what is due to others does not look at it without rest."""


class Dispatcher:
    """
    Moves the promises of one service along, in the queues that the service has policies for.

    Args:
        service: whose promises. Its commands may run in other threads and processes.
        node_id: the name of this process, kept with every attempt that it starts; one that no other has, unless
            given. It is shown and logged: name no person in it.
        lease: how long this node may be silent before the others take over what it began. It must step three times
            as often at least. None: it is no node that others know of, and takes nothing over; deadlines alone decide
            what becomes of its attempts when it dies.
        batch_max: at most this many records of each kind become due in one step; the rest in the next.

    One thread steps at a time. With a lease it is not to be carried over a fork: make one in each process.

    Raises:
        ConfigurationError: *batch_max* is below 1, or *lease* not 100 ms to a day.
        RuntimeError: the service is `within` a transaction of the host's: nothing in it may be dialed yet.
    """

    def __init__(
        self,
        service: CallbackService,
        *,
        node_id: str | None = None,
        lease: timedelta | None = None,
        batch_max: int = 500,
    ) -> None:
        if batch_max < 1:
            raise ConfigurationError("batch_max", batch_max, "1 or more")
        service.refuse_within("be driven")
        self._service: Final = service
        self._presence: Final = Presence(service, node_id=node_id, lease=lease)
        self._batch_max: Final = batch_max
        self._is_behind = False
        self._keeps_wall_clock = any(policy.slots is not None for policy in service.policies.values())

    @property
    def node_id(self) -> NodeId:
        """The name of this process."""
        return self._presence.node_id

    @property
    def lease(self) -> timedelta | None:
        """How long this node may be silent; None: no other node knows of it."""
        return self._presence.lease

    @property
    def is_going(self) -> bool:
        """Whether it begins nothing more: it drains, or has left, or another process has its name by now."""
        return self._presence.is_going

    def register(self, now: datetime) -> None:
        """
        Let the other nodes know of this one. The first step does it, if nobody did; after `leave` it must be said.

        A process that had the same name before is superseded: what it began is taken over at once.

        Raises:
            ConfigurationError: a node is up that orders the line of a queue of this one in another way: with another
                `priority_credit`. Two such must not serve one line.
            StoreUnavailable, CommitUncertain, Conflict: try again.
        """
        self._presence.check_process()
        self._presence.register(check_instant(now, "now"))

    def drain(self) -> None:
        """
        Begin nothing more: no attempt, no live call, no message. What was begun is finished by further steps.

        The other nodes are told by the next step. May be called from any thread. See `is_drained` and `leave`.
        """
        self._presence.drain()

    def is_drained(self) -> bool:
        """
        Say whether nothing is left of what this node began; False before it was told to drain.

        Raises:
            StoreUnavailable: try again.
        """
        return self._presence.is_going and not self._presence.has_some()

    def leave(self, now: datetime) -> bool:
        """
        Go: what is left is handed over, and the other nodes take it over at their next beat. Step no more.

        Returns:
            True if there was something to hand over.

        Raises:
            StoreUnavailable, CommitUncertain, Conflict: try again; else the others wait until the lease is over.
        """
        return self._presence.leave(check_instant(now, "now"))

    def step(self, now: datetime, *, telephony: bool = True, messages: bool = True) -> tuple[Effect, ...]:
        """
        Do everything that is due at *now*, and give work to every free agent that can have it.

        On return all of it is committed; attempts that were started are durable. The effects must be performed
        now, once, by the caller, who holds no lock and no transaction.

        Args:
            telephony: False while the telephony cannot be reached: then nothing is given out that needs it, and no
                deadline of an attempt is taken for its end, until it can say what became of its legs.
            messages: False where nothing can send messages: then none is given out, and they are left to other nodes.

        A node with a lease beats first, where it is time for that, and looks which of the others are silent. What
        those had begun is taken over here as far as the telephony can be reached, and looked up (`LookUp`).

        Live calls and agents are done first, in a transaction that waits for no flush; only when a promise is
        concerned is there a second, flushed one. Should one record make it fail, the others are done one by one.

        Raises:
            ConfigurationError: as `register`, and only until that was done.
            RuntimeError: it has a lease, and was made before a fork.
            StoreUnavailable, CommitUncertain, Conflict: step again. What was committed before lost no effect;
                attempts of an uncertain commit are found by their deadlines.

        Cost: O(k log n) for k records that move, and one look at the head of each queue for each set of skills
        among the free agents.
        """
        at = check_instant(now, "now")
        self._is_behind = False
        presence = self._presence
        presence.check_process()
        presence.beat(at)
        self._keep_wall_clock()
        effects: list[Effect] = []
        can = Can(
            telephony=telephony,
            messages=messages and not presence.is_going,
            begins=presence.begins,
            policies=presence.policies,
            behind=presence.behind,
        )
        live = self._again_if_conflict(lambda: self._live_pass(at, can))
        effects.extend(live.effects)
        if live.promises_wait or (telephony and presence.lost):
            try:
                work = partial(self._promise_pass, at, can)
                effects.extend(self._again_if_conflict(work).effects)
            except (StoreError, Conflict):
                # What the first pass committed must reach the world; the promises are tried again by the next step.
                if not effects:
                    raise
                logger.warning("the promises of a step wait for the next one")
            except Exception as error:
                logger.error("a step failed, and goes on one by one: %s", type(error).__name__)  # noqa: TRY400
                effects.extend(self._one_by_one_if_it_can(at, effects, can))
        return untold(effects, policies=self._service.policies)

    def next_wakeup(self) -> datetime | None:
        """Return when `step` has something to do though nobody said anything, or None if never."""
        service, now = self._service, self._service.now()
        with service.transaction(Commit.READ_ONLY) as tx:
            known = [tx.next_due_at(queues=service.policies.keys())]
            known += caps_over_at(tx, policies=service.policies, caps=service.caps, now=now)
        if self._is_behind:
            return now
        due_at = min((at for at in known if at is not None), default=None)
        leaves_some = self._presence.is_going or self._presence.behind
        if due_at is not None and due_at <= now and leaves_some:
            due_at = now + _LOOK_AGAIN_AFTER
        beats_at = self._presence.next_wakeup(now)
        return min((at for at in (due_at, beats_at) if at is not None), default=None)

    def _keep_wall_clock(self) -> None:
        """Once in a process, which may have come with other rules for some zone."""
        if self._keeps_wall_clock:
            moved_count = self._service.keep_wall_clock()
            self._keeps_wall_clock = False
            if moved_count:
                logger.warning("zones have other rules: %s bookings keep their wall-clock time", moved_count)

    # ------------------------------------------------------------------ passes

    def _live_pass(self, now: datetime, can: Can) -> Step:
        with self._transaction(Commit.RELAXED) as tx:
            step = self._step(tx, now, can)
            step.due_live(self._batch_max)
            # A promise that is due now may stand before the live calls: it is promoted first.
            step.promises_wait = step.has_due_promises() or step.assign(promises=False)
        return step

    def _promise_pass(self, now: datetime, can: Can) -> Step:
        with self._transaction(Commit.FLUSHED) as tx:
            step = self._step(tx, now, can)
            attempts, callbacks = step.due_attempts(self._batch_max), step.due_callbacks(self._batch_max)
            work_ahead(tx)
            self._take_over(step)
            for before in attempts:
                step.attempt_due(step.taken.get(before.attempt_id, before))
            for callback in callbacks:
                step.callback_due(callback)
            for booking in step.due_bookings(self._batch_max):
                step.booking_due(booking)
            # With more due than a step takes, nobody knows yet who is next.
            if max(len(attempts), len(callbacks)) < self._batch_max:
                step.assign(promises=True)
            self._service.post(tx, now)
            # Those too that this very step gave rise to; few at once, for what is given out has a minute to be sent.
            messages = step.due_messages(self._batch_max)
            for message in messages:
                step.message_due(message)
        self._is_behind = step.is_behind
        for taking in step.takings:
            self._presence.has_taken(taking.lost, rest=taking.rest, left_some=taking.left_some)
            self._is_behind = self._is_behind or taking.rest is not None
        return step

    def _take_over(self, step: Step) -> None:
        """Take over what lost nodes had begun, as much of it as one step may."""
        if not step.can.telephony:
            return
        left = self._batch_max
        for lost in self._presence.lost:
            if left > 0:
                left -= step.take_over(lost, limit=left)

    def _one_by_one_if_it_can(self, now: datetime, committed: list[Effect], can: Can) -> list[Effect]:
        """Do what is due in a transaction each; if the store is gone by now, at least what was committed is done."""
        try:
            return self._one_by_one(now, can)
        except (StoreError, Conflict):
            if not committed:
                raise
            return []

    def _one_by_one(self, now: datetime, can: Can) -> list[Effect]:
        """Do what is due in a transaction each. One that fails is named, left, and tried again by the next step."""
        with self._transaction(Commit.READ_ONLY) as tx:
            step = self._step(tx, now, can)
            attempts, callbacks = step.due_attempts(self._batch_max), step.due_callbacks(self._batch_max)
            booked, messages = step.due_bookings(self._batch_max), step.due_messages(self._batch_max)
            begun = [
                (lost, tx.attempts.of_node(lost.node_id, after=lost.after, limit=self._batch_max))
                for lost in (self._presence.lost if can.telephony else ())
            ]
        effects: list[Effect] = []

        def alone(name: str, work: Callable[[Step], object]) -> bool:
            """Say whether it is settled: it is done, or cannot be done at all."""
            try:
                with self._transaction(Commit.FLUSHED) as tx:
                    step = self._step(tx, now, can)
                    work(step)
                    self._service.post(tx, now)
            except Exception as error:
                logger.error("%s cannot be moved: %s", name, type(error).__name__)  # noqa: TRY400
                return not isinstance(error, StoreError | Conflict)
            effects.extend(step.effects)
            self._is_behind = self._is_behind or step.is_behind
            return True

        for lost, attempts_of_it in begun:
            settled = [alone(had.attempt_id, partial(taken_alone, had)) for had in attempts_of_it]
            if lost.is_mine and all(settled):
                self._has_tried(lost, attempts_of_it)
        for one in attempts:
            alone(one.attempt_id, partial(attempt_alone, one.attempt_id))
        for each in callbacks:
            alone(each.callback_id, partial(callback_alone, each.callback_id))
        for booking in booked:
            alone(booking.booking_id, partial(booking_alone, booking.booking_id))
        for message in messages:
            alone(message.message_id, partial(message_alone, message.message_id))
        alone("the head of the line", partial(Step.assign, promises=True))
        return effects

    def _has_tried(self, mine: Lost, attempts: Sequence[Attempt]) -> None:
        """What its name had begun, and cannot be moved, is left to its deadlines: this node begins all the same."""
        is_all = len(attempts) < self._batch_max
        rest = None if is_all else attrs.evolve(mine, after=attempts[-1].attempt_id)
        self._presence.has_taken(mine, rest=rest, left_some=False)
        self._is_behind = True

    # ------------------------------------------------------------------ inside

    def _transaction(self, commit: Commit) -> AbstractContextManager[Transaction]:
        return self._service.transaction(commit)

    def _step(self, tx: Transaction, now: datetime, can: Can) -> Step:
        return Step(
            tx=tx,
            service=self._service,
            node_id=self._presence.node_id,
            now=now,
            can=can,
            passed_over_max=self._batch_max,
        )

    def _again_if_conflict(self, work: Callable[[], Step]) -> Step:
        for _ in range(CONFLICT_TRIES - 1):
            try:
                return work()
            except Conflict:
                continue
        return work()
