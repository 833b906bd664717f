"""
One transaction of a step of the dispatcher: what is due, whose attempts are taken over, and who is next.

Nothing is committed here, and nothing performed: the effects are collected, and given out after the commit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.announcing import Announcer
from callbackq.chooser import Chooser
from callbackq.core import agents, attempt, calls, lifecycle, nodes, promising
from callbackq.core.announcing import is_to_be_told
from callbackq.core.bookings import LOOK_EVERY
from callbackq.core.consequences import disposition_if_lost, expired, overdue, refused, still_due_at
from callbackq.core.legs import Context
from callbackq.effects import Effect
from callbackq.events import AgentSignedOut
from callbackq.facts import (
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
from callbackq.ports import Transaction
from callbackq.posting import Postman
from callbackq.presence import Lost
from callbackq.service import CallbackService
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

_MESSAGES_MAX: Final = 50
"""So many messages are given out in one step: few, for those that are out are uncertain after a crash."""
_LOOKED_AT_MAX: Final = 400
"""So many due messages are looked through on a node that sends none; and attempts, where clocks are apart."""
_UNKNOWN_COUNTS: Final = 50
"""A do-not-call list that could not be asked may have taken its time: it counts as so many who are passed over."""


@attrs.frozen(kw_only=True)
class Can:
    """
    What this node can do in a step: reach the telephony, send messages, and begin anything, in which queues.

    Attributes:
        behind: the nodes whose clocks are behind this one's, and by how much.
    """

    telephony: bool
    messages: bool
    begins: bool
    policies: Mapping[QueueName, QueuePolicy]
    behind: Mapping[NodeId, timedelta]


@attrs.frozen(kw_only=True)
class Taken:
    """How far the attempts of a lost node were taken over. It is over when there is no `rest`."""

    lost: Lost
    rest: Lost | None = None
    left_some: bool = False


@attrs.define(kw_only=True)
class Step:
    """
    One transaction of a step.

    Attributes:
        taken: the attempts that it has taken over from other nodes, as they are now.
        passed_over: how many callbacks it was to start whom a rule forbids to call now; at most so many in a step.
        is_behind: it stopped there, and the next step is to go on at once.
    """

    tx: Transaction
    service: CallbackService
    node_id: NodeId
    now: datetime
    can: Can
    effects: list[Effect] = attrs.field(factory=list[Effect])
    promises_wait: bool = False
    passed_over_max: int
    passed_over: int = 0
    is_behind: bool = False
    wanting: list[Attempt] | None = None
    taken: dict[AttemptId, Attempt] = attrs.field(factory=dict[AttemptId, Attempt])
    takings: list[Taken] = attrs.field(factory=list[Taken])
    _asker: Asker | None = attrs.field(default=None, init=False)

    @property
    def queues(self) -> Collection[QueueName]:
        """The queues that this node has a policy for. It leaves all others to other nodes."""
        return self.service.policies.keys()

    # ------------------------------------------------------------------ what others began

    def take_over(self, lost: Lost, *, limit: int) -> int:
        """
        Take over the attempts of a lost node, and say how many were looked at: at most *limit*.

        If it is back, or another node was first, there is nothing to do. It is gone when it has none left. Those of
        queues without a policy here are left to nodes that have one.
        """
        node = self.tx.nodes.find(lost.node_id)
        if not lost.is_mine and (node is None or node.version != lost.version):
            self.takings.append(Taken(lost=lost))
            return 0
        attempts = self.tx.attempts.of_node(lost.node_id, after=lost.after, limit=limit)
        for one in attempts:
            if one.queue in self.queues:
                self.take(one)
        if len(attempts) == limit:
            self.takings.append(Taken(lost=lost, rest=attrs.evolve(lost, after=attempts[-1].attempt_id)))
        elif lost.is_mine or node is None:
            self.takings.append(Taken(lost=lost))
        else:
            left_some = bool(self.tx.attempts.of_node(lost.node_id, limit=1))
            if not left_some:
                self.tx.save(nodes.gone(node))
            self.takings.append(Taken(lost=lost, left_some=left_some))
        return len(attempts)

    def take(self, one: Attempt) -> None:
        """Take one attempt over."""
        decision = nodes.take_over(one, self.node_id, now=self.now)
        write(self.tx, decision)
        self.effects.extend(decision.effects)
        self.taken[one.attempt_id] = self.tx.attempts.get(one.attempt_id)

    # ------------------------------------------------------------------ what is due

    def due_live(self, limit: int) -> None:
        """Do what time does to agents and live calls."""
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
        """Return the attempts that are due, whichever node began them; none without telephony."""
        if not self.can.telephony:
            return []
        behind = self.can.behind
        if not behind:
            return self.tx.attempts.due(now=self.now, limit=limit, queues=self.queues)
        due = self.tx.attempts.due(now=self.now, limit=_LOOKED_AT_MAX + limit, queues=self.queues)
        return [one for one in due if nodes.is_due(one, behind, now=self.now)][:limit]

    def due_callbacks(self, limit: int) -> list[Callback]:
        """Return the callbacks that are due, but for those that other nodes must see to."""
        if self.can.telephony and self.can.begins:
            return self.tx.callbacks.due(now=self.now, limit=limit, queues=self.queues)
        return due_without_telephony(self.tx, queues=self.queues, limit=limit, now=self.now)

    def has_due_promises(self) -> bool:
        """Whether a flushed pass has something to do because it is time."""
        return bool(
            self.due_attempts(1) or self.due_callbacks(1) or self.due_bookings(1) or self.due_messages(1)
        )

    def due_bookings(self, limit: int) -> list[Booking]:
        """Return the bookings that are due."""
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
        """Give out a message, or do what time does to it; if it is due still."""
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
        """Do what time does to a booking, if it is due still."""
        now_is = self.tx.bookings.get(booking.booking_id)
        if now_is.due_at is not None and now_is.due_at <= self.now:
            self.effects.extend(self.keeper.booking_due(now_is))

    def _context(self, of: Attempt) -> Context:
        service = self.service
        return attempt_context(
            self.tx, of, policies=service.policies, pepper=service.store.pepper, now=self.now
        )

    def attempt_due(self, before: Attempt) -> None:
        """Do what time does to an attempt."""
        context = self._context(before)
        decision = attempt.deadline(before, context)
        self.effects.extend(move_attempt(self.tx, before, decision, context))

    def callback_due(self, callback: Callback) -> None:
        """Do what time does to a callback."""
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
        if not self.can.begins:
            return self._find_agents(promises=promises)
        if self.tx.line.is_empty() and not self._wanting():
            return False
        free = self.tx.agents.available()
        if free and self._wanting():
            if not promises:
                return True
            free = self._give_agents(free)
        chooser = Chooser(self.tx, self.can.policies, free, caps=self.service.caps, now=self.now)
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

    def _find_agents(self, *, promises: bool) -> bool:
        """Give agents to the attempts that this node began, and to nobody else: it begins nothing more."""
        if not self._wanting():
            return False
        free = self.tx.agents.available()
        if free and promises:
            self._give_agents(free)
        return bool(free)

    def _wanting(self) -> list[Attempt]:
        """Return the attempts whose customer's phone rings or is answered, and who have no agent."""
        if self.wanting is None:
            wanting = self.tx.attempts.wanting_agent(queues=self.queues)
            self.wanting = [one for one in wanting if self.can.begins or one.node_id == self.node_id]
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


def attempt_alone(attempt_id: AttemptId, step: Step) -> None:
    """Do what time does to one attempt, if it is due still."""
    before = step.tx.attempts.get(attempt_id)
    if before.due_at is not None and before.due_at <= step.now:
        step.attempt_due(before)


def taken_alone(before: Attempt, step: Step) -> None:
    """Take over one attempt that a lost node had, if it has it still."""
    now_is = step.tx.attempts.get(before.attempt_id)
    if now_is.version == before.version and now_is.queue in step.queues:
        step.take(now_is)


def booking_alone(booking_id: BookingId, step: Step) -> None:
    """Do what time does to one booking."""
    step.booking_due(step.tx.bookings.get(booking_id))


def message_alone(message_id: MessageId, step: Step) -> None:
    """Give out one message, or do what time does to it."""
    step.message_due(step.tx.messages.get(message_id))


def callback_alone(callback_id: CallbackId, step: Step) -> None:
    """Do what time does to one callback, if it is due still."""
    callback = step.tx.callbacks.get(callback_id)
    if callback.due_at is not None and callback.due_at <= step.now:
        step.callback_due(callback)
