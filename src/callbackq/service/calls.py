"""The commands of live calls: who joins, leaves, is served, and is offered a callback."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import cast

import attrs

from callbackq import asking, duplicates, intake
from callbackq.core import agents, offering, resync
from callbackq.core import calls as rules
from callbackq.core.instants import check_instant, check_text, read_entered_at
from callbackq.core.placing import lanes_of_request, moved, stand_at
from callbackq.core.requests import read_skills
from callbackq.errors import CallHasEnded, InvalidText, InvalidTime, RequestRefused
from callbackq.events import CallMoved
from callbackq.facts import control_of, lanes_for, line_length, open_lane, passed_by
from callbackq.ids import AgentId, CallId, OfferId, QueueName
from callbackq.model import (
    AgentState,
    Ahead,
    Callback,
    CallbackState,
    CallSnapshot,
    CallState,
    Channel,
    Choice,
    LiveCall,
    NoOffer,
    Offer,
    Opening,
    Resynced,
)
from callbackq.people import called_at, known_person, person
from callbackq.policy import Duplicates, QueuePolicy
from callbackq.ports import Commit, Transaction
from callbackq.returning import PromiseConcerned, Returning, close_returned
from callbackq.service.base import NO_CONTEXT, ServiceBase
from callbackq.writing import (
    free_agent_of_call,
    open_if_left,
    policy_of,
    policy_or_default,
    presence_max_of,
    write,
)

logger = logging.getLogger("callbackq")


class CallCommands(ServiceBase):
    """The commands of live calls."""

    def call_joined(
        self,
        queue: str,
        *,
        call_id: str,
        number: str | None = None,
        priority: int | None = None,
        skills: Sequence[str] = (),
        preferred_agent: str | None = None,
        entered_at: datetime | None = None,
        name: str | None = None,
        language: str | None = None,
        context: Mapping[str, str] = NO_CONTEXT,
        customer_id: str | None = None,
        tier: str | None = None,
    ) -> LiveCall:
        """
        A caller entered the line. Say it once for each call, as soon as the caller waits.

        Saying it again for a call that is still there changes nothing and returns it as it is.

        Args:
            call_id: the host's own id of the call, 1 to 200 characters, never used again.
            number: caller id, as the PBX gives it; `None` where it is withheld. One that cannot be dialed
                (`anonymous`, an internal extension) is taken for withheld: nobody loses a place by it.
            priority: 0 (first) to 255; the queue's default if not given.
            skills: what an agent must know to serve this caller; a language is a skill.
            preferred_agent: who should serve this caller. If signed in for this queue, with the skills, the place
                waits for that agent alone for `preferred_agent_time`; then for any.
            entered_at: when the caller entered the queue, aware; now if not given. Decides the place. At most 30
                days ago; a clock that is up to 5 s ahead of ours is taken for now.
            context: free fields for the agent; at most 50, of 2,000 characters.
            customer_id: the host's own id of the customer, where the caller is known. It goes before the number: two
                customers may share one. 1 to 200 characters.
            tier: what the host calls the customer's class of service; some regions are served for some tiers only.

        Returns:
            The live call. It is in line for all nodes; a loss of power may undo it, the end of the process not.

        Raises:
            UnknownQueue, InvalidPriority, InvalidTime, InvalidText: nothing was stored.
            CallHasEnded: this call is over.
        """
        policy = policy_of(self.policies, queue)
        snapshot = CallSnapshot(
            call_id=call_id,
            number=number,
            priority=priority,
            skills=read_skills(skills),
            preferred_agent=preferred_agent,
            entered_at=entered_at,
            name=name,
            language=language,
            context=context,
            customer_id=customer_id,
            tier=tier,
        )
        joining = asking.read_joining(snapshot, policy=policy)
        self._know_lanes(*lanes_of_request(joining.skills, joining.preferred_agent_id))

        def joined(tx: Transaction, now: datetime, commit: Commit) -> LiveCall:
            known = tx.calls.find(joining.call_id)
            if known is not None:
                if known.state is CallState.ENDED:
                    raise CallHasEnded(f"live call {known.call_id} ended as {known.outcome}")
                return known
            return self._join(tx, joining, policy, commit=commit, now=now)

        return self._run_light(joined)

    def call_left(self, call_id: str) -> LiveCall:
        """
        The line is dead: the caller hung up, or the conversation is over.

        A waiting caller is counted as abandoned; where the policy says so (`abandoned_wait_min`), one who has a
        number is called back, and the promise is durable on return. One who was with an agent is counted as
        served, and the agent is free after the wrap-up. Saying it again, or for a call that became a callback,
        changes nothing.

        Raises:
            CallNotFound: this call never joined.
        """
        key = CallId(check_text(call_id, "call_id"))

        def left(tx: Transaction, now: datetime, commit: Commit) -> LiveCall:
            call = tx.calls.get(key)
            policy = self.policies.get(call.queue)
            if policy is None or not self._call_back_abandoned(tx, call, policy, commit=commit, now=now):
                self._leave(tx, call, commit=commit, now=now)
            return tx.calls.get(key)

        return self._run_light(left)

    def call_returned(self, call_id: str) -> LiveCall:
        """
        The agent could not be connected to this live caller: the caller stands in line again, with the same place.

        The agent is left alone for the cool-down. Changes nothing unless the call is with an agent.

        Raises:
            CallNotFound: this call never joined.
        """
        key = CallId(check_text(call_id, "call_id"))

        def returned(tx: Transaction, now: datetime) -> LiveCall:
            call = tx.calls.get(key)
            if call.state is CallState.TAKEN:
                self._give_back(tx, call, now=now)
            return tx.calls.get(key)

        return self._run(Commit.RELAXED, returned)

    def call_served(self, call_id: str, *, agent_id: str | None = None) -> LiveCall:
        """
        The host's own ACD gave this caller to an agent. Say it where callbackq does not choose (`Acd.HOST`).

        The places of its class that stood before it are counted as overtaken. An agent whom callbackq knows and
        who has no work of callbackq's is BUSY until `call_left`; say `agent_unavailable` of one who was just
        reserved for a callback, so that the reservation is called off. Saying it again changes nothing.

        Raises:
            CallNotFound: this call never joined.
            CallHasEnded: it is over, or it became a callback; cancel that one if the caller is being served.
        """
        key = CallId(check_text(call_id, "call_id"))
        by = AgentId(check_text(agent_id, "agent_id")) if agent_id is not None else None

        def served(tx: Transaction, now: datetime) -> LiveCall:
            call = tx.calls.get(key)
            if call.state is CallState.ENDED:
                became = f", and became callback {call.callback_id}" if call.callback_id else ""
                raise CallHasEnded(f"live call {key} ended as {call.outcome}{became}")
            if call.state is CallState.WAITING:
                self._serve(tx, call, by, now=now)
            return tx.calls.get(key)

        return self._run(Commit.RELAXED, served)

    def resync_calls(
        self, queue: str, *, calls: Iterable[CallSnapshot], as_of: datetime | None = None
    ) -> Resynced:
        """
        Say which live calls the PBX has in this queue now: after a restart of either side, in one command.

        Afterwards both sides agree, by the table of `core.resync`: calls that are missing here join, by their
        `entered_at`; those that were taken for lost here, or stood in another queue, have their old place in this
        one; those with an agent there are with that agent here; those that wait there and are with an agent here
        stand in line again. Calls that the PBX has no more are over: served if they were with an agent, else LOST.

        Args:
            calls: every live call of the queue that the PBX knows. A call not among them is over.
            as_of: when the PBX was asked, aware. Calls that joined here, or were given to an agent, after that are
                left alone: say it, if callers may come in between.

        Returns:
            How many of each, and the ids that are left to you: calls that were left, served or turned into a
            callback here, of which the PBX says that they are there. Committed together; a loss of power may
            undo it, the end of the process not.

        Raises:
            UnknownQueue, InvalidPriority, InvalidTime, InvalidText: nothing was changed.

        Cost: O(n log n).
        """
        policy = policy_of(self.policies, queue)
        asked_at = check_instant(as_of, "as_of") if as_of is not None else None
        there = [
            (asking.read_joining(one, policy=policy), asking.read_agent(one.agent_id))
            for one in {one.call_id: one for one in calls}.values()
        ]

        self._know_lanes(
            *(lane for one, _ in there for lane in lanes_of_request(one.skills, one.preferred_agent_id))
        )

        def resynced(tx: Transaction, now: datetime, commit: Commit) -> Resynced:
            here = {call.call_id: call for call in tx.calls.open(policy.queue)}
            done, left = Counter[resync.Step](), list[str]()
            for joining, agent_id in there:
                call = here.pop(joining.call_id, None) or tx.calls.find(joining.call_id)
                if call is not None and resync.is_newer(call, asked_at):
                    continue
                for step in resync.steps(call, queue=policy.queue, agent_id=agent_id):
                    done[step] += 1
                    if step is resync.Step.LEAVE:
                        left.append(joining.call_id)
                    self._resync(tx, step, joining, agent_id, policy, commit=commit, now=now)
            gone = [call for call in here.values() if not resync.is_newer(call, asked_at)]
            for call in gone:
                write(tx, rules.lose(call, now=now))
                close_returned(tx, call, policy=policy, commit=commit, now=now)
                free_agent_of_call(tx, call, policies=self.policies, cooled_down=False, now=now)
            return Resynced(
                joined_count=done[resync.Step.JOIN] + done[resync.Step.REJOIN],
                moved_count=done[resync.Step.MOVE],
                returned_count=done[resync.Step.GIVE_BACK],
                served_count=done[resync.Step.SERVE] + done[resync.Step.CHANGE_AGENT],
                ended_count=len(gone),
                unresolved=tuple(left),
            )

        return self._run_light(resynced)

    def _resync(
        self,
        tx: Transaction,
        step: resync.Step,
        joining: asking.JoiningCall,
        agent_id: AgentId | None,
        policy: QueuePolicy,
        *,
        commit: Commit,
        now: datetime,
    ) -> None:
        if step is resync.Step.JOIN:
            self._join(tx, joining, policy, commit=commit, now=now)
            return
        call = tx.calls.find(joining.call_id)
        if call is None:
            return
        if step is resync.Step.REJOIN:
            write(tx, rules.rejoin(call, policy=policy, now=now))
            open_if_left(tx, tx.calls.get(call.call_id), policy=policy, now=now)
        elif step is resync.Step.MOVE:
            stand = moved(call, priority=call.priority, lane=open_lane(tx, call), policy=policy)
            write(tx, rules.place(call, CallMoved, stand=stand, policy=policy, reason="resync", now=now))
        elif step is resync.Step.GIVE_BACK:
            self._give_back(tx, call, now=now)
        elif step is resync.Step.CHANGE_AGENT:
            free_agent_of_call(tx, call, policies=self.policies, cooled_down=False, now=now)
            self._serve(tx, call, agent_id, now=now)
        elif step is resync.Step.SERVE:
            self._serve(tx, call, agent_id, now=now)

    # ------------------------------------------------------------------ offers

    def offer(self, call_id: str, *, asked: bool = False, segments: Sequence[str] = ()) -> Offer | NoOffer:
        """
        Decide whether to offer this waiting caller a callback, and with which words.

        The offer is kept in history with what was quoted. It reserves nothing: to accept, call `request`; to
        decline, `offer_declined`. `callbackq.core.speech.say_offer` turns it into phrases.

        Args:
            asked: the caller asked for a callback, so a short wait is no reason to refuse.
            segments: what the host knows of the caller, such as `"premium"`; for a gradual rollout.

        Returns:
            An `Offer`; or a `NoOffer` with its reason and what can be proposed instead, and the caller keeps
            holding.

        Raises:
            CallNotFound: this call never joined.
            CallHasEnded: it waits no longer.
        """
        key = CallId(check_text(call_id, "call_id"))
        if isinstance(segments, str):
            raise InvalidText("segments is one text; allowed: a list of texts")
        now = self.now()
        queue = self._run(Commit.READ_ONLY, lambda tx, _now: tx.calls.get(key).queue, now=now)
        opening = self._opening(queue, now)

        def offered(tx: Transaction, now: datetime) -> Offer | NoOffer:
            call = tx.calls.get(key)
            rules.check_waiting(call)
            policy = policy_of(self.policies, call.queue)
            position, wait, facts = self.gauge.look(
                tx,
                rank=call.rank,
                place_id=call.place_id,
                priority=call.priority,
                lane=call.lane,
                policy=policy,
                now=now,
            )
            control = control_of(tx, call.queue)
            answer, decision = offering.consider_offer(
                call,
                facts=offering.OfferFacts(
                    position=position,
                    wait=wait,
                    waiting_count=line_length(tx, call.queue) if policy.offer_load_min else 0,
                    agents_staffed=tx.agents.staffed_count(call.queue),
                    agents_able=facts.agents,
                    agents_free=facts.agents_free,
                    pending_count=tx.callbacks.open_count(call.queue, limit=policy.pending_max),
                    opening=opening if call.queue == queue else None,
                    offering_paused=control is not None and control.offering_paused,
                    in_rollout=offering.in_rollout(
                        self._rollout_share(tx, call), segments=segments, policy=policy
                    ),
                    has_active_callback=policy.duplicates is Duplicates.REFUSE
                    and duplicates.active_duplicate(tx, call.subject_id, policy) is not None,
                ),
                asked=asked,
                offer_id=OfferId(self.ids.new("of", now=now)),
                policy=policy,
                now=now,
            )
            write(tx, decision)
            return self._with_slots(tx, answer, priority=call.priority, policy=policy, now=now)

        return self._run(Commit.RELAXED, offered, now=now)

    def _with_slots(
        self, tx: Transaction, answer: Offer | NoOffer, *, priority: int, policy: QueuePolicy, now: datetime
    ) -> Offer | NoOffer:
        """Add the next free slots, where a chosen time can be proposed; where none is free, none can be chosen."""
        choices = answer.choices if isinstance(answer, Offer) else answer.next_best
        if policy.slots is None or Choice.SCHEDULE not in choices:
            return answer
        free = self.seating.free(tx, policy.queue, priority=priority, now=now)
        slots = tuple(slot.starts_at for slot in islice(free, policy.slots.alternatives_max))
        if not slots:
            left = tuple(choice for choice in choices if choice is not Choice.SCHEDULE)
            if isinstance(answer, Offer):
                return attrs.evolve(answer, choices=left)
            return attrs.evolve(answer, next_best=left)
        return attrs.evolve(answer, slots=slots)

    def offer_declined(self, call_id: str, *, offer_id: str | None = None) -> LiveCall:
        """
        The caller declined and keeps holding: the place is untouched, and the decline is counted.

        After `declines_max` declines nothing more is offered, and before that not sooner than
        `offer_again_after`, unless the caller asks.

        Raises:
            CallNotFound: this call never joined.
            CallHasEnded: it waits no longer.
        """
        key = CallId(check_text(call_id, "call_id"))
        of = OfferId(check_text(offer_id, "offer_id")) if offer_id is not None else None

        def declined(tx: Transaction, now: datetime) -> LiveCall:
            call = tx.calls.get(key)
            rules.check_waiting(call)
            write(tx, offering.decline(call, offer_id=of, now=now))
            return tx.calls.get(key)

        return self._run(Commit.RELAXED, declined)

    def choice_of(self, queue: str, *, said: str) -> Choice | None:
        """
        Return what a caller's key or word means in this queue, or None if it means nothing.

        Raises:
            UnknownQueue: no policy is configured for it.
        """
        return offering.choice_of(said, policy_of(self.policies, queue))

    # ------------------------------------------------------------------ inside

    def _join(
        self,
        tx: Transaction,
        joining: asking.JoiningCall,
        policy: QueuePolicy,
        *,
        commit: Commit,
        now: datetime,
    ) -> LiveCall:
        at = now
        if joining.entered_at is not None:
            at = read_entered_at(joining.entered_at, now=now)
        subject = None
        if joining.who.number is not None or known_person(tx, joining.who) is not None:
            subject = person(
                tx,
                joining.who,
                joining.wish,
                tenant_id=self.tenant_id,
                ids=self.ids,
                ref=joining.call_id,
                now=now,
            )
        lanes = lanes_for(tx, joining.skills, joining.preferred_agent_id, queue=policy.queue)
        facts = rules.Joining(
            tenant_id=self.tenant_id,
            call_id=joining.call_id,
            subject_id=subject.subject_id if subject else None,
            stand=stand_at(at, priority=joining.priority, lanes=lanes, policy=policy, now=now),
            preferred_agent_id=joining.preferred_agent_id,
            entered_at=at,
        )
        returning = Returning(tx, policy, policies=self.policies, commit=commit, now=now)
        callback = returning.callback_of(facts.subject_id)
        if subject is not None and joining.who.number is not None and not _is_open(callback):
            called_at(
                tx, subject, joining.who.number
            )  # Whoever asks by this call is called where they call from.
        write(tx, rules.join(returning.joining(facts, callback), policy=policy, now=now))
        if callback is not None:
            returning.joined(callback, joining.call_id)
        return tx.calls.get(joining.call_id)

    def _leave(self, tx: Transaction, call: LiveCall, *, commit: Commit, now: datetime) -> None:
        write(tx, rules.leave(call, now=now))
        policy = policy_or_default(self.policies, call.queue)
        close_returned(tx, call, policy=policy, commit=commit, now=now)
        free_agent_of_call(tx, call, policies=self.policies, cooled_down=False, now=now)

    def _give_back(self, tx: Transaction, call: LiveCall, *, now: datetime) -> None:
        policy = policy_or_default(self.policies, call.queue)
        write(tx, rules.give_back(call, policy=policy, now=now))
        free_agent_of_call(tx, call, policies=self.policies, cooled_down=True, now=now)
        open_if_left(tx, tx.calls.get(call.call_id), policy=policy, now=now)

    def _serve(self, tx: Transaction, call: LiveCall, by: AgentId | None, *, now: datetime) -> None:
        policy = policy_or_default(self.policies, call.queue)
        overtook = passed_by(tx, call) if call.state is CallState.WAITING else Ahead()
        write(tx, rules.served(call, by, overtook=overtook, policy=policy, now=now))
        agent = tx.agents.find(by) if by is not None else None
        if agent is None or agent.state in (*agents.AT_WORK, AgentState.SIGNED_OUT):
            return
        presence_max = presence_max_of(self.policies, agent.queues)
        write(tx, agents.take_call(agent, call.call_id, presence_max=presence_max, now=now))

    def _call_back_abandoned(
        self, tx: Transaction, call: LiveCall, policy: QueuePolicy, *, commit: Commit, now: datetime
    ) -> bool:
        """Make a promise of an abandoned call, if policy wants it; say whether that was done."""
        wait_min = policy.abandoned_wait_min
        if wait_min is None or call.state is not CallState.WAITING or call.subject_id is None:
            return False
        if now - call.entered_at < wait_min:
            return False
        if commit is Commit.RELAXED:
            raise PromiseConcerned
        request = asking.request_of_call(call, policy=policy, channel=Channel.ABANDONED)
        try:
            intake.promise(tx, request, desk=self.desk, now=now, abandoned=True)
        except RequestRefused:
            return False
        return True

    def _opening(self, queue: QueueName, now: datetime) -> Opening | None:
        """Ask the host's hours, outside any transaction; None where they fail."""
        try:
            opening = self.hours.opening(queue, now)
        except Exception as error:
            logger.warning("the hours of queue %s failed: %s", queue, type(error).__name__)
            return None
        if not _is_sound(opening):
            logger.warning("the hours of queue %s answered nonsense", queue)
            return None
        return opening

    def _rollout_share(self, tx: Transaction, call: LiveCall) -> float:
        who = tx.subjects.get(call.subject_id).identity if call.subject_id else call.call_id
        return offering.rollout_share(
            who, pepper=self.store.pepper, tenant_id=self.tenant_id, queue=call.queue
        )


def _is_open(callback: Callback | None) -> bool:
    return callback is not None and callback.state is not CallbackState.ENDED


def _is_sound(opening: object) -> bool:
    """Whether a host's hours answered what can be used: the instant of the change is aware, if there is one."""
    if not isinstance(opening, Opening):
        return False
    is_open, changes_at = cast("tuple[object, object]", (opening.is_open, opening.changes_at))
    if not isinstance(is_open, bool):
        return False
    try:
        return changes_at is None or bool(check_instant(changes_at, "changes_at"))
    except InvalidTime:
        return False
