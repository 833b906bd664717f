"""
The dispatcher: what time and free agents bring about.

`step(now)` promotes what is due, recovers what was left behind, gives free agents the heads of their lines, commits,
and then returns the effects as data. It performs nothing and never sleeps: a runner does, or a host's own loop.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import Final

import attrs

from callbackq.announcing import Announcer
from callbackq.chooser import Chooser
from callbackq.core import agents, attempt, calls, lifecycle, promising
from callbackq.core.announcing import is_to_be_told
from callbackq.core.bookings import LOOK_EVERY
from callbackq.core.consequences import disposition_if_lost, expired, overdue, refused, still_due_at
from callbackq.core.instants import check_instant, check_text
from callbackq.core.legs import Context
from callbackq.core.outgoing import untold
from callbackq.effects import Effect
from callbackq.errors import ConfigurationError, Conflict, StoreError
from callbackq.events import AgentSignedOut
from callbackq.facts import (
    caps_over_at,
    due_facts,
    due_without_telephony,
    lanes_of_agent,
    open_lane,
    passed_by,
    waiting_for,
)
from callbackq.ids import AttemptId, BookingId, CallbackId, LegId, MessageId, NodeId, QueueName
from callbackq.keeping import Keeper
from callbackq.model import (
    Agent,
    Ahead,
    Attempt,
    AttemptState,
    Booking,
    Callback,
    CallbackState,
    HoldReason,
    LiveCall,
    Message,
    MessageState,
    Subject,
)
from callbackq.permission import Asker, May, Never, Wait
from callbackq.policy import QueuePolicy
from callbackq.ports import Commit, Transaction
from callbackq.posting import Postman
from callbackq.service import CONFLICT_TRIES, CallbackService
from callbackq.writing import (
    attempt_context,
    failures_of,
    free_agent_of_call,
    move_attempt,
    open_places,
    policy_of,
    presence_max_of,
    with_past,
    write,
)

logger = logging.getLogger("callbackq")
_MESSAGES_MAX: Final = 50
"""So many messages are given out in one step: few, for those that are out are uncertain after a crash."""
_LOOKED_AT_MAX: Final = 400
"""So many due messages are looked through on a node that sends none."""
_UNKNOWN_COUNTS: Final = 50
"""A do-not-call list that could not be asked may have taken its time: it counts as so many who are passed over."""


class Dispatcher:
    """
    Moves the promises of one service along, in the queues that the service has policies for.

    Args:
        service: whose promises. Its commands may run in other threads and processes.
        node_id: the name of this process, kept with every attempt that it starts; `node-` and the process id
            unless given.
        batch_max: at most this many records of each kind become due in one step; the rest in the next.

    Raises:
        ConfigurationError: *batch_max* is below 1.
    """

    def __init__(self, service: CallbackService, *, node_id: str | None = None, batch_max: int = 500) -> None:
        if batch_max < 1:
            raise ConfigurationError("batch_max", batch_max, "1 or more")
        self._service: Final = service
        self._node_id: Final = NodeId(check_text(node_id or f"node-{os.getpid()}", "node_id"))
        self._batch_max: Final = batch_max
        self._is_behind = False
        self._keeps_wall_clock = any(policy.slots is not None for policy in service.policies.values())

    def step(self, now: datetime, *, telephony: bool = True, messages: bool = True) -> tuple[Effect, ...]:
        """
        Do everything that is due at *now*, and give work to every free agent that can have it.

        On return all of it is committed; attempts that were started are durable. The effects must be performed
        now, once, by the caller, who holds no lock and no transaction.

        Args:
            telephony: False while the telephony cannot be reached: then nothing is given out that needs it, and no
                deadline of an attempt is taken for its end, until it can say what became of its legs.
            messages: False where nothing can send messages: then none is given out, and they are left to other nodes.

        Live calls and agents are done first, in a transaction that waits for no flush; only when a promise is
        concerned is there a second, flushed one. Should one record make it fail, the others are done one by one.

        Raises:
            StoreUnavailable, CommitUncertain, Conflict: step again. What was committed before lost no effect;
                attempts of an uncertain commit are found by their deadlines.

        Cost: O(k log n) for k records that move, and one look at the head of each queue for each set of skills
        among the free agents.
        """
        at = check_instant(now, "now")
        self._is_behind = False
        self._keep_wall_clock()
        effects: list[Effect] = []
        can = _Can(telephony=telephony, messages=messages)
        live = self._again_if_conflict(lambda: self._live_pass(at, can))
        effects.extend(live.effects)
        if live.promises_wait:
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
        service = self._service
        with service.store.transaction(service.tenant_id, commit=Commit.READ_ONLY) as tx:
            known = [tx.next_due_at(queues=service.policies.keys())]
            known += caps_over_at(tx, policies=service.policies, caps=service.caps, now=service.now())
        if self._is_behind:
            return service.now()
        return min((at for at in known if at is not None), default=None)

    def _keep_wall_clock(self) -> None:
        """Once in a process, which may have come with other rules for some zone."""
        if self._keeps_wall_clock:
            moved_count = self._service.keep_wall_clock()
            self._keeps_wall_clock = False
            if moved_count:
                logger.warning("zones have other rules: %s bookings keep their wall-clock time", moved_count)

    # ------------------------------------------------------------------ passes

    def _live_pass(self, now: datetime, can: _Can) -> _Step:
        with self._transaction(Commit.RELAXED) as tx:
            step = self._step(tx, now, can)
            step.due_live(self._batch_max)
            # A promise that is due now may stand before the live calls: it is promoted first.
            step.promises_wait = step.has_due_promises() or step.assign(promises=False)
        return step

    def _promise_pass(self, now: datetime, can: _Can) -> _Step:
        with self._transaction(Commit.FLUSHED) as tx:
            step = self._step(tx, now, can)
            attempts, callbacks = step.due_attempts(self._batch_max), step.due_callbacks(self._batch_max)
            for before in attempts:
                step.attempt_due(before)
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
        return step

    def _one_by_one_if_it_can(self, now: datetime, committed: list[Effect], can: _Can) -> list[Effect]:
        """Do what is due in a transaction each; if the store is gone by now, at least what was committed is done."""
        try:
            return self._one_by_one(now, can)
        except (StoreError, Conflict):
            if not committed:
                raise
            return []

    def _one_by_one(self, now: datetime, can: _Can) -> list[Effect]:
        """Do what is due in a transaction each. One that fails is named, left, and tried again by the next step."""
        with self._transaction(Commit.READ_ONLY) as tx:
            step = self._step(tx, now, can)
            attempts, callbacks = step.due_attempts(self._batch_max), step.due_callbacks(self._batch_max)
            booked, messages = step.due_bookings(self._batch_max), step.due_messages(self._batch_max)
        effects: list[Effect] = []

        def alone(name: str, work: Callable[[_Step], object]) -> None:
            try:
                with self._transaction(Commit.FLUSHED) as tx:
                    step = self._step(tx, now, can)
                    work(step)
                    self._service.post(tx, now)
            except Exception as error:
                logger.error("%s cannot be moved: %s", name, type(error).__name__)  # noqa: TRY400
            else:
                effects.extend(step.effects)
                self._is_behind = self._is_behind or step.is_behind

        for one in attempts:
            alone(one.attempt_id, partial(_attempt_alone, one.attempt_id))
        for each in callbacks:
            alone(each.callback_id, partial(_callback_alone, each.callback_id))
        for booking in booked:
            alone(booking.booking_id, partial(_booking_alone, booking.booking_id))
        for message in messages:
            alone(message.message_id, partial(_message_alone, message.message_id))
        alone("the head of the line", partial(_Step.assign, promises=True))
        return effects

    # ------------------------------------------------------------------ inside

    def _transaction(self, commit: Commit) -> AbstractContextManager[Transaction]:
        return self._service.store.transaction(self._service.tenant_id, commit=commit)

    def _step(self, tx: Transaction, now: datetime, can: _Can) -> _Step:
        return _Step(
            tx=tx,
            service=self._service,
            node_id=self._node_id,
            now=now,
            can=can,
            passed_over_max=self._batch_max,
        )

    def _again_if_conflict(self, work: Callable[[], _Step]) -> _Step:
        for _ in range(CONFLICT_TRIES - 1):
            try:
                return work()
            except Conflict:
                continue
        return work()


@attrs.frozen(kw_only=True)
class _Can:
    """What this node can do in a step: reach the telephony, and send messages."""

    telephony: bool
    messages: bool


@attrs.define(kw_only=True)
class _Step:
    """
    One transaction of a step.

    Attributes:
        passed_over: how many callbacks it was to start whom a rule forbids to call now; at most so many in a step.
        is_behind: it stopped there, and the next step is to go on at once.
    """

    tx: Transaction
    service: CallbackService
    node_id: NodeId
    now: datetime
    can: _Can
    effects: list[Effect] = attrs.field(factory=list[Effect])
    promises_wait: bool = False
    passed_over_max: int
    passed_over: int = 0
    is_behind: bool = False
    wanting: list[Attempt] | None = None
    _asker: Asker | None = attrs.field(default=None, init=False)

    @property
    def queues(self) -> Collection[QueueName]:
        """The queues that this node has a policy for. It leaves all others to other nodes."""
        return self.service.policies.keys()

    # ------------------------------------------------------------------ what is due

    def due_live(self, limit: int) -> None:
        for agent in self.tx.agents.due(now=self.now, limit=limit):
            presence_max = presence_max_of(self.service.policies, agent.queues)
            decision = agents.due(agent, presence_max=presence_max, now=self.now)
            write(self.tx, decision)
            if any(isinstance(event, AgentSignedOut) for event in decision.events):
                waiting = waiting_for(self.tx, agent)
                open_places(self.tx, waiting, policies=self.service.policies, now=self.now)
        for call in self.tx.calls.due(now=self.now, limit=limit, queues=self.queues):
            policy = policy_of(self.service.policies, call.queue)
            lane = open_lane(self.tx, call)
            write(self.tx, calls.due(call, lane=lane, policy=policy, now=self.now))
            free_agent_of_call(self.tx, call, policies=self.service.policies, cooled_down=False, now=self.now)

    def due_attempts(self, limit: int) -> list[Attempt]:
        if not self.can.telephony:
            return []
        return self.tx.attempts.due(now=self.now, limit=limit, queues=self.queues)

    def due_callbacks(self, limit: int) -> list[Callback]:
        if self.can.telephony:
            return self.tx.callbacks.due(now=self.now, limit=limit, queues=self.queues)
        return due_without_telephony(self.tx, queues=self.queues, limit=limit, now=self.now)

    def has_due_promises(self) -> bool:
        return bool(
            self.due_attempts(1) or self.due_callbacks(1) or self.due_bookings(1) or self.due_messages(1)
        )

    def due_bookings(self, limit: int) -> list[Booking]:
        return self.tx.bookings.due(now=self.now, limit=limit, queues=self.queues)

    def due_messages(self, limit: int) -> list[Message]:
        """Return the messages that are due. Deadlines of sends come on any node, for any may have sent them."""
        limit = min(limit, _MESSAGES_MAX)
        if self.can.messages:
            return self.tx.messages.due(now=self.now, limit=limit, queues=self.queues)
        # Those that another node is to send may be many, and were due first. Some are looked through: a step must
        # not take longer than a promise can wait, and what stands behind them comes when they are too late.
        due = self.tx.messages.due(now=self.now, limit=_LOOKED_AT_MAX, queues=self.queues)
        waits = MessageState.WAITING
        return [one for one in due if one.state is not waits or self.now >= one.best_before_at][:limit]

    def message_due(self, message: Message) -> None:
        now_is = self.tx.messages.get(message.message_id)
        if now_is.due_at is not None and now_is.due_at <= self.now:
            self.effects.extend(self.postman.message_due(now_is))

    @property
    def postman(self) -> Postman:
        """Who gives out messages."""
        service = self.service
        return Postman(tx=self.tx, desk=service.desk, policies=service.policies, now=self.now)

    @property
    def keeper(self) -> Keeper:
        """Who keeps booked times."""
        return Keeper(tx=self.tx, desk=self.service.desk, policies=self.service.policies, now=self.now)

    def booking_due(self, booking: Booking) -> None:
        now_is = self.tx.bookings.get(booking.booking_id)
        if now_is.due_at is not None and now_is.due_at <= self.now:
            self.effects.extend(self.keeper.booking_due(now_is))

    def _context(self, of: Attempt) -> Context:
        service = self.service
        return attempt_context(
            self.tx, of, policies=service.policies, pepper=service.store.pepper, now=self.now
        )

    def attempt_due(self, before: Attempt) -> None:
        context = self._context(before)
        decision = attempt.deadline(before, context)
        self.effects.extend(move_attempt(self.tx, before, decision, context))

    def callback_due(self, callback: Callback) -> None:
        if callback.state is CallbackState.ATTEMPTING:
            now_is = self.tx.callbacks.get(callback.callback_id)
            if now_is.state is CallbackState.ATTEMPTING:  # Its attempt may have ended in this very step.
                self._attempt_overdue(now_is)
        elif self.now >= callback.expires_at:
            self._expire(callback)
        elif is_to_be_told(callback):
            announcer = Announcer(asker=self.asker, ids=self.service.ids, node_id=self.node_id)
            self.effects.extend(announcer.tell(callback))
        else:
            policy = policy_of(self.service.policies, callback.queue)
            if callback.state is CallbackState.SCHEDULED and callback.booking_id is not None:
                joins_at = self.keeper.joins_at(callback, policy=policy)
                if self.now < joins_at:
                    again_at = min(joins_at, self.now + LOOK_EVERY)
                    write(self.tx, promising.look_again(callback, at=again_at, now=self.now))
                    return
            facts = due_facts(self.tx, callback, policy=policy, now=self.now)
            write(self.tx, lifecycle.due(callback, facts=facts, policy=policy, now=self.now))
            self.effects.extend(self.keeper.other_time(callback))

    def _expire(self, callback: Callback) -> None:
        decision = expired(callback, self.tx.subjects.get(callback.subject_id), now=self.now)
        write(self.tx, decision)
        self.effects.extend(decision.effects)

    def _attempt_overdue(self, callback: Callback) -> None:
        """No node was there, and the attempt is yet to end by its own deadlines; or it lost them, and is let go."""
        assert callback.attempt_id is not None
        before = self.tx.attempts.get(callback.attempt_id)
        context = self._context(before)
        again_at = still_due_at(before, context)
        if again_at is not None:
            write(self.tx, lifecycle.look_again(callback, at=again_at, now=self.now))
            return
        if before.state is not AttemptState.ENDED:
            # Its legs may be up still: the callback goes on when the attempt is over, and not beside it.
            later = self.now + lifecycle.attempt_time_max(context.policy)
            write(self.tx, lifecycle.look_again(callback, at=later, now=self.now))
            context = self._context(before)
            decision = attempt.call_off(before, disposition_if_lost(before), context)
            self.effects.extend(move_attempt(self.tx, before, decision, context))
            return
        lost = attrs.evolve(before, disposition=disposition_if_lost(before))
        decision = overdue(before, context, failures=failures_of(self.tx, lost, context))
        write(self.tx, decision)
        self.effects.extend(decision.effects)

    # ------------------------------------------------------------------ who is next

    def assign(self, *, promises: bool) -> bool:
        """
        Give every free agent who is next for them, the longest free agent first.

        Returns:
            True if it stopped at a callback, which only a flushed transaction may start.
        """
        if not self.can.telephony:
            return False
        if self.tx.line.is_empty() and not self._wanting():
            return False
        free = self.tx.agents.available()
        if free and self._wanting():
            if not promises:
                return True
            free = self._give_agents(free)
        chooser = Chooser(self.tx, self.service.policies, free, caps=self.service.caps, now=self.now)
        for agent in free:
            place = chooser.pick(agent).place
            while isinstance(place, Callback):
                if not promises:
                    return True
                started = self._start(place, agent)
                chooser.started(place.queue)
                if started:
                    break
                if self.passed_over >= self.passed_over_max:
                    self.is_behind = True
                    return False
                place = chooser.pick(agent).place
            if isinstance(place, LiveCall):
                passed = passed_by(self.tx, place) if chooser.passes(place) else Ahead()
                chooser.moved(place.queue)
                self._take(place, agent, overtook=passed)
            if place is not None:
                chooser.at_work(agent)
        return False

    def _wanting(self) -> list[Attempt]:
        """Return the attempts whose customer's phone rings or is answered, and who have no agent."""
        if self.wanting is None:
            self.wanting = self.tx.attempts.wanting_agent(queues=self.queues)
        return self.wanting

    def _give_agents(self, free: list[Agent]) -> list[Agent]:
        """Give them agents, before anybody in line: who has answered first, then who was started first."""
        left = list(free)
        for wanting in sorted(self._wanting(), key=_urgency):
            callback = self.tx.callbacks.get(wanting.callback_id)
            lane = open_lane(self.tx, callback)
            able = (
                agent
                for agent in left
                if wanting.queue in agent.queues and lane in lanes_of_agent(self.tx, agent)
            )
            agent = next(able, None)
            if agent is None:
                continue
            left.remove(agent)
            context = self._context(wanting)
            decision = attempt.found_agent(wanting, agent.agent_id, with_past(self.tx, context))
            presence_max = presence_max_of(self.service.policies, agent.queues)
            decision += agents.reserve(agent, wanting.attempt_id, presence_max=presence_max, now=self.now)
            write(self.tx, decision)
            self.effects.extend(decision.effects)
        self.wanting = None
        return left

    def _take(self, call: LiveCall, agent: Agent, *, overtook: Ahead) -> None:
        policy = policy_of(self.service.policies, call.queue)
        subject = self.tx.subjects.get(call.subject_id) if call.subject_id else None
        decision = calls.take(
            call, agent.agent_id, subject=subject, overtook=overtook, policy=policy, now=self.now
        )
        presence_max = presence_max_of(self.service.policies, agent.queues)
        decision += agents.take_call(agent, call.call_id, presence_max=presence_max, now=self.now)
        write(self.tx, decision)
        self.effects.extend(decision.effects)

    def _start(self, callback: Callback, agent: Agent) -> bool:
        """Start an attempt, if the person may be called now. If not, nothing is reserved."""
        if self.now >= callback.expires_at:
            self._expire(callback)
            return False
        policy = policy_of(self.service.policies, callback.queue)
        subject = self.tx.subjects.get(callback.subject_id)
        if subject.erased_at is not None:  # It was asked for in the very moment in which they were erased.
            write(self.tx, lifecycle.cancel(callback, reason="erased", now=self.now))
            return False
        match self.asker.ask(callback, subject, policy=policy):
            case Wait(reason=reason, until=until):
                write(self.tx, lifecycle.hold(callback, reason=reason, until=until, now=self.now))
                self.passed_over += _UNKNOWN_COUNTS if reason is HoldReason.DO_NOT_CALL_UNKNOWN else 1
                return False
            case Never(reason=rule):
                self.passed_over += 1
                decision = refused(callback, subject, reason=rule, now=self.now)
                write(self.tx, decision)
                self.effects.extend(decision.effects)
                return False
            case May() as may:
                self._attempt(may, subject, agent, policy=policy)
                return True

    @property
    def asker(self) -> Asker:
        """Who knows whether a person may be called."""
        if self._asker is None:
            self._asker = Asker(
                tx=self.tx,
                policies=self.service.policies,
                caps=self.service.caps,
                do_not_call=self.service.do_not_call,
                pepper=self.service.store.pepper,
                now=self.now,
            )
        return self._asker

    def _attempt(self, may: May, subject: Subject, agent: Agent, *, policy: QueuePolicy) -> None:
        chosen, new = may.callback, self.service.ids.new
        attempt_id = AttemptId(new("at", now=self.now))
        decision = lifecycle.attempt(
            chosen,
            attempt_id=attempt_id,
            agent_id=agent.agent_id,
            overtook=Ahead(),
            policy=policy,
            now=self.now,
        )
        decision += attempt.start(
            with_past(self.tx, Context(callback=chosen, subject=subject, policy=policy, now=self.now)),
            attempt_id=attempt_id,
            agent_id=agent.agent_id,
            agent_leg_id=LegId(new("leg", now=self.now)),
            customer_leg_id=LegId(new("leg", now=self.now)),
            node_id=self.node_id,
            number_key=may.number_key,
        )
        presence_max = presence_max_of(self.service.policies, agent.queues)
        decision += agents.reserve(agent, attempt_id, presence_max=presence_max, now=self.now)
        if may.tally is not None:
            self.tx.save(may.tally)
        write(self.tx, decision)
        self.effects.extend(decision.effects)


def _urgency(wanting: Attempt) -> tuple[bool, datetime, str]:
    answered_at = wanting.customer_answered_at
    return answered_at is None, answered_at or wanting.started_at, wanting.attempt_id


def _attempt_alone(attempt_id: AttemptId, step: _Step) -> None:
    before = step.tx.attempts.get(attempt_id)
    if before.due_at is not None and before.due_at <= step.now:
        step.attempt_due(before)


def _booking_alone(booking_id: BookingId, step: _Step) -> None:
    step.booking_due(step.tx.bookings.get(booking_id))


def _message_alone(message_id: MessageId, step: _Step) -> None:
    step.message_due(step.tx.messages.get(message_id))


def _callback_alone(callback_id: CallbackId, step: _Step) -> None:
    callback = step.tx.callbacks.get(callback_id)
    if callback.due_at is not None and callback.due_at <= step.now:
        step.callback_due(callback)
