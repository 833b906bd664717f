"""
The commands. One method is one command is one transaction: read, decide, save, append history, commit.

A `CallbackService` belongs to one tenant, and reaches no row of another. It has no thread and no socket; it reads
the clock that it is given, once for each command. It may be used from any thread at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final, TypeVar

from callbackq import intake
from callbackq.core import agents, attempt, calls, lifecycle
from callbackq.core.explain import explain
from callbackq.core.instants import check_instant, check_not_future, check_text
from callbackq.core.offering import LineFacts, consider_offer
from callbackq.core.requests import (
    read_channel,
    read_skills,
    read_wish,
    receipt_of,
    request_key_of,
)
from callbackq.effects import Reported
from callbackq.errors import (
    AttemptNotFound,
    CallHasEnded,
    ConfigurationError,
    Conflict,
    DuplicateCallback,
    InvalidText,
)
from callbackq.events import Event
from callbackq.ids import (
    DEFAULT_TENANT,
    AgentId,
    CallbackId,
    CallId,
    LegId,
    OfferId,
    QueueName,
    TenantId,
)
from callbackq.model import (
    Agent,
    AgentState,
    Callback,
    CallbackState,
    CallState,
    Channel,
    Disposition,
    Explanation,
    LiveCall,
    NoOffer,
    Offer,
    Position,
    Receipt,
    Report,
    ReportKind,
)
from callbackq.policy import QueuePolicy, check_policies
from callbackq.ports import Clock, Commit, IdSource, Store, Transaction
from callbackq.system import RandomIds
from callbackq.writing import (
    attempt_context,
    call_off,
    free_agent_of_call,
    move_attempt,
    policy_of,
    policy_or_default,
    presence_max_of,
    write,
)

T = TypeVar("T")
CONFLICT_TRIES: Final = 5
_NO_CONTEXT: Final[Mapping[str, str]] = MappingProxyType({})


class CallbackService:
    """
    The promises of one tenant.

    Args:
        store: where everything is kept.
        policies: one for each queue.
        clock: `SystemClock()`, or a clock of the host.
        ids: where ids come from; random ones unless given.
        tenant_id: whose promises. One store can hold many tenants; make a service for each.

    Raises:
        ConfigurationError: two policies for one queue; or what is no list of policies.

    Any error out of a method that its docstring does not name is a `StoreError`; or InvalidText, for an id that
    can be none; or UnknownQueue, for an offer in a queue without a policy here. Any other one is a bug. What was
    begun in a queue that is no longer configured is wound up by the default policy.
    """

    def __init__(
        self,
        store: Store,
        policies: Iterable[QueuePolicy],
        *,
        clock: Clock,
        ids: IdSource | None = None,
        tenant_id: str = DEFAULT_TENANT,
    ) -> None:
        self.store: Final = store
        self.tenant_id: Final = TenantId(check_text(tenant_id, "tenant_id"))
        self.clock: Final = clock
        self.ids: Final = ids or RandomIds()
        by_queue: dict[QueueName, QueuePolicy] = {}
        for policy in check_policies(policies):
            if policy.queue in by_queue:
                raise ConfigurationError("policies", policy.queue, "one policy for each queue")
            by_queue[policy.queue] = policy
        self.policies: Final[Mapping[QueueName, QueuePolicy]] = MappingProxyType(by_queue)
        self._wakers: list[Callable[[], None]] = []

    # ------------------------------------------------------------------ live calls

    def call_joined(
        self,
        queue: str,
        *,
        call_id: str,
        number: str | None = None,
        priority: int | None = None,
        skills: Sequence[str] = (),
        entered_at: datetime | None = None,
        name: str | None = None,
        language: str | None = None,
        context: Mapping[str, str] = _NO_CONTEXT,
    ) -> LiveCall:
        """
        A caller entered the line. Say it once for each call, as soon as the caller waits.

        Saying it again for a call that is still there changes nothing and returns it as it is.

        Args:
            call_id: the host's own id of the call, 1 to 200 characters, never used again.
            number: caller id, as the PBX gives it; `None` where it is withheld. One that cannot be dialed
                (`anonymous`, an internal extension) is taken for withheld: nobody loses a place by it.
            priority: 0 (first) to 255; the queue's default if not given.
            skills: what an agent must know to serve this caller.
            entered_at: when the caller entered the queue, aware; now if not given. Decides the place.
            context: free fields for the agent; at most 50, of 2,000 characters.

        Returns:
            The live call. It is in line for all nodes; a loss of power may undo it, the end of the process not.

        Raises:
            UnknownQueue, InvalidPriority, InvalidTime, InvalidText: nothing was stored.
            CallHasEnded: this call is over.
        """
        policy = policy_of(self.policies, queue)
        key = CallId(check_text(call_id, "call_id"))
        needed = read_skills(skills)
        wish = read_wish(name=name, language=language, context=context)
        caller = intake.read_caller_id(number, policy)
        urgency = intake.read_priority(priority, policy)

        def joined(tx: Transaction, now: datetime) -> LiveCall:
            known = tx.calls.find(key)
            if known is not None:
                if known.state is CallState.ENDED:
                    raise CallHasEnded(f"live call {key} ended as {known.outcome}")
                return known
            at = check_not_future(entered_at, "entered_at", now=now) if entered_at is not None else now
            subject = None
            if caller is not None:
                subject = intake.person(
                    tx, caller, wish, tenant_id=self.tenant_id, ids=self.ids, ref=key, now=now
                )
            joining = calls.Joining(
                tenant_id=self.tenant_id,
                call_id=key,
                subject_id=subject.subject_id if subject else None,
                priority=urgency,
                lane=tx.lanes.intern(needed),
                entered_at=at,
            )
            write(tx, calls.join(joining, policy=policy, now=now))
            return tx.calls.get(key)

        return self._run(Commit.RELAXED, joined)

    def call_left(self, call_id: str) -> LiveCall:
        """
        The line is dead: the caller hung up, or the conversation is over.

        A waiting caller is counted as abandoned. One who was with an agent is counted as served, and the agent is
        free after the wrap-up. Saying it again, or for a call that became a callback, changes nothing.

        Raises:
            CallNotFound: this call never joined.
        """
        key = CallId(check_text(call_id, "call_id"))

        def left(tx: Transaction, now: datetime) -> LiveCall:
            call = tx.calls.get(key)
            write(tx, calls.leave(call, now=now))
            free_agent_of_call(tx, call, policies=self.policies, cooled_down=False, now=now)
            return tx.calls.get(key)

        return self._run(Commit.RELAXED, left)

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
                policy = policy_or_default(self.policies, call.queue)
                write(tx, calls.give_back(call, policy=policy, now=now))
                free_agent_of_call(tx, call, policies=self.policies, cooled_down=True, now=now)
            return tx.calls.get(key)

        return self._run(Commit.RELAXED, returned)

    def offer(self, call_id: str, *, asked: bool = False) -> Offer | NoOffer:
        """
        Decide whether to offer this waiting caller a callback, and with which words.

        The offer is kept in history with what was quoted. It reserves nothing: to accept, call `request`.

        Args:
            asked: the caller asked for a callback, so a short wait is no reason to refuse.

        Returns:
            An `Offer`; or a `NoOffer` with its reason, and the caller keeps holding.

        Raises:
            CallNotFound: this call never joined.
            CallHasEnded: it waits no longer.
        """
        key = CallId(check_text(call_id, "call_id"))

        def offered(tx: Transaction, now: datetime) -> Offer | NoOffer:
            call = tx.calls.get(key)
            calls.check_waiting(call)
            policy = policy_of(self.policies, call.queue)
            facts = LineFacts(
                ahead=tx.line.count_ahead(call.queue, rank=call.rank, place_id=call.place_id),
                agents_staffed=tx.agents.staffed_count(call.queue),
                agents_free=intake.free_agents_count(tx, call.queue, lane=call.lane),
                has_active_callback=intake.active_duplicate(tx, call.subject_id, policy) is not None,
            )
            answer, decision = consider_offer(
                call,
                facts=facts,
                asked=asked,
                offer_id=OfferId(self.ids.new("of", now=now)),
                policy=policy,
                now=now,
            )
            write(tx, decision)
            return answer

        return self._run(Commit.RELAXED, offered)

    # ------------------------------------------------------------------ promises

    def request(
        self,
        queue: str,
        *,
        call_id: str | None = None,
        number: str | None = None,
        request_key: str | None = None,
        offer_id: str | None = None,
        channel: Channel | None = None,
        priority: int | None = None,
        skills: Sequence[str] = (),
        entered_at: datetime | None = None,
        scheduled_at: datetime | None = None,
        name: str | None = None,
        language: str | None = None,
        context: Mapping[str, str] = _NO_CONTEXT,
    ) -> Receipt:
        """
        Promise a callback. With *call_id* the live caller's place becomes the callback's place.

        Args:
            call_id: the live call that becomes a callback. Priority, skills and entry time are the call's.
            number: the number to call; the caller id of the live call if not given.
            request_key: the same key again gives the same callback and the same receipt. A live call has a
                key of its own, so pressing twice is one callback.
            offer_id: the offer that was accepted; kept with the promise.
            channel: how it was asked for; IN_QUEUE with a live call, WEB without.
            entered_at: for a host that keeps its own queue: when the caller entered it.
            scheduled_at: call at this time instead of as soon as possible; aware, in the future.

        Returns:
            The receipt, once the promise is durable. The live call is over as far as the line goes: hang it up.

        Raises:
            UnknownQueue, CallNotFound, InvalidNumber, InvalidPriority, InvalidTime, InvalidText: nothing was
                stored.
            CallHasEnded: the live call waits no longer.
            DuplicateCallback: this person has one in this queue; give them `receipt(error.existing_id)`.
            RequestKeyReused: the key was used for another request.
            CommitUncertain: it may have been stored; ask again with the same request key.
        """
        policy = policy_of(self.policies, queue)
        now = self._now()
        request = intake.Request(
            policy=policy,
            call_id=CallId(call_id) if call_id is not None else None,
            number=intake.read_target(number, policy),
            request_key=request_key_of(request_key, call_id),
            offer_id=OfferId(check_text(offer_id, "offer_id")) if offer_id is not None else None,
            channel=read_channel(channel or (Channel.WEB if call_id is None else Channel.IN_QUEUE)),
            priority=intake.read_priority(priority, policy),
            skills=read_skills(skills),
            entered_at=check_not_future(entered_at, "entered_at", now=now) if entered_at is not None else now,
            scheduled_at=scheduled_at,
            wish=read_wish(name=name, language=language, context=context),
        )
        return self._run(Commit.FLUSHED, lambda tx, _now: self._promise(tx, request, now=now), now=now)

    def cancel(self, callback_id: str, *, reason: str | None = None) -> Callback:
        """
        Take the promise back. Durable on return; an attempt under way is hung up at the next step.

        Cancelling twice changes nothing.

        Raises:
            CallbackNotFound: there is no such callback.
            NotPossibleNow: it has ended in another way.
        """
        key = _callback_id(callback_id)
        why = check_text(reason, "reason") if reason is not None else None

        def cancelled(tx: Transaction, now: datetime) -> Callback:
            callback = tx.callbacks.get(key)
            write(tx, lifecycle.cancel(callback, reason=why, now=now))
            if callback.state is CallbackState.ATTEMPTING and callback.attempt_id:
                by_us = Disposition.CANCELLED_BY_US
                call_off(tx, callback.attempt_id, by_us, policies=self.policies, now=now)
            return tx.callbacks.get(key)

        return self._run(Commit.FLUSHED, cancelled)

    def receipt(self, callback_id: str) -> Receipt:
        """
        Return the receipt that was given for a callback: what was quoted then.

        Raises:
            CallbackNotFound: there is no such callback.
        """

        def read(tx: Transaction, _now: datetime) -> Receipt:
            callback = tx.callbacks.get(_callback_id(callback_id))
            return receipt_of(callback, tx.subjects.get(callback.subject_id))

        return self._run(Commit.READ_ONLY, read)

    def get(self, callback_id: str) -> Callback:
        """
        Return one callback as it is now.

        Raises:
            CallbackNotFound: there is no such callback.
        """
        return self._run(
            Commit.READ_ONLY,
            lambda tx, _now: tx.callbacks.get(_callback_id(callback_id)),
        )

    def position(self, callback_id: str) -> Position | None:
        """
        Return how many stand ahead of a callback now, plus one; None once it has ended or while it is scheduled.

        Counts live calls and callbacks that are WAITING in its queue. Cost: O(log n) in memory, O(rank) in SQL.

        Raises:
            CallbackNotFound: there is no such callback.
        """

        def read(tx: Transaction, _now: datetime) -> Position | None:
            callback = tx.callbacks.get(_callback_id(callback_id))
            if callback.state in (CallbackState.ENDED, CallbackState.SCHEDULED):
                return None
            return intake.position_of(tx, callback)

        return self._run(Commit.READ_ONLY, read)

    def call_position(self, call_id: str) -> Position | None:
        """
        Return how many stand ahead of a live call now, plus one; None if it waits no longer.

        Raises:
            CallNotFound: this call never joined.
        """

        def read(tx: Transaction, _now: datetime) -> Position | None:
            call = tx.calls.get(CallId(check_text(call_id, "call_id")))
            return intake.position_of(tx, call) if call.state is CallState.WAITING else None

        return self._run(Commit.READ_ONLY, read)

    def explain(self, callback_id: str) -> Explanation:
        """
        Say why a callback is or is not being dialed now, in words and as data.

        Raises:
            CallbackNotFound: there is no such callback.
        """

        def read(tx: Transaction, now: datetime) -> Explanation:
            callback = tx.callbacks.get(_callback_id(callback_id))
            facts = intake.explain_facts(tx, callback, queue_is_known=callback.queue in self.policies)
            return explain(callback, facts=facts, now=now)

        return self._run(Commit.READ_ONLY, read)

    def history(self, callback_id: str) -> list[Event]:
        """
        Return what happened to a callback and its attempts, oldest first.

        Raises:
            CallbackNotFound: there is no such callback.
        """

        def read(tx: Transaction, _now: datetime) -> list[Event]:
            return tx.history.of_callback(tx.callbacks.get(_callback_id(callback_id)).callback_id)

        return self._run(Commit.READ_ONLY, read)

    # ------------------------------------------------------------------ agents

    def agent_available(self, agent_id: str, *, queues: Sequence[str], skills: Sequence[str] = ()) -> Agent:
        """
        An agent takes calls of these queues. Ends a wrap-up early.

        Say it again whenever queues or skills change, and at least once in `agent_presence_max`. For an agent
        who is at work or cooling down it changes queues and skills only; the work ends by `call_left` or by a
        report, the cool-down by itself.

        Raises:
            UnknownQueue, InvalidText: nothing was stored.
        """
        key = AgentId(check_text(agent_id, "agent_id"))
        if isinstance(queues, str):
            raise InvalidText("queues is one text; allowed: a list of texts")
        names = tuple(dict.fromkeys(policy_of(self.policies, queue).queue for queue in queues))
        presence = agents.Presence(
            tenant_id=self.tenant_id,
            agent_id=key,
            queues=names,
            skills=read_skills(skills),
            presence_max=presence_max_of(self.policies, names),
        )

        def available(tx: Transaction, now: datetime) -> Agent:
            write(tx, agents.sign_in(tx.agents.find(key), presence, now=now))
            return tx.agents.get(key)

        return self._run(Commit.RELAXED, available)

    def agent_unavailable(self, agent_id: str) -> Agent:
        """
        An agent takes no more calls: at once, or after the present one.

        A reservation that was not accepted yet is called off, and the callback keeps its place. Saying it twice
        changes nothing.

        Raises:
            AgentNotFound: this agent never was available.
        """
        key = AgentId(check_text(agent_id, "agent_id"))

        def unavailable(tx: Transaction, now: datetime) -> Agent:
            agent = tx.agents.get(key)
            write(tx, agents.sign_out(agent, now=now))
            if agent.state is AgentState.RESERVED and agent.attempt_id:
                gone = Disposition.AGENT_UNAVAILABLE
                call_off(tx, agent.attempt_id, gone, policies=self.policies, now=now)
            return tx.agents.get(key)

        return self._run(Commit.FLUSHED, unavailable)

    # ------------------------------------------------------------------ telephony

    def report(self, report: Report) -> Reported:
        """
        The telephony says something of a leg. Reports may come twice, late, or out of order.

        Durable on return, but for RINGING and UNCERTAIN, which change no promise.
        The caller must perform the effects of the answer; runners do.

        Raises:
            AttemptNotFound: no attempt ever had this leg. Nothing was stored.
        """
        leg_id = LegId(check_text(report.leg_id, "leg_id"))
        notes = (ReportKind.RINGING, ReportKind.UNCERTAIN)

        def reported(tx: Transaction, now: datetime) -> Reported:
            before = tx.attempts.by_leg(leg_id)
            if before is None:
                raise AttemptNotFound(f"no attempt has leg {leg_id!r}")
            context = attempt_context(tx, before, policies=self.policies, now=now)
            decision = attempt.report(before, report, context)
            effects = move_attempt(tx, before, decision, context)
            return Reported(attempt_id=before.attempt_id, changed=bool(decision.records), effects=effects)

        return self._run(Commit.RELAXED if report.kind in notes else Commit.FLUSHED, reported)

    def leg_is_wanted(self, leg_id: str) -> bool:
        """
        Say whether a leg should be in the world: its attempt is under way, and it is not known to have ended.

        Drivers ask before they dial and after: a dial that was delayed must not ring for an attempt that is over.
        """
        key = LegId(check_text(leg_id, "leg_id"))

        def read(tx: Transaction, _now: datetime) -> bool:
            found = tx.attempts.by_leg(key)
            return found is not None and attempt.wants(found, key)

        return self._run(Commit.READ_ONLY, read)

    # ------------------------------------------------------------------ for dispatchers

    def when_changed(self, waker: Callable[[], None]) -> Callable[[], None]:
        """
        Call *waker* after every command that wrote something. It must return at once, and never raise.

        Returns:
            A function that takes this back.
        """
        self._wakers = [*self._wakers, waker]

        def forget() -> None:
            self._wakers = [kept for kept in self._wakers if kept is not waker]

        return forget

    # ------------------------------------------------------------------ inside

    def _now(self) -> datetime:
        return check_instant(self.clock.now(), "the clock's now()")

    def _run(
        self, commit: Commit, work: Callable[[Transaction, datetime], T], *, now: datetime | None = None
    ) -> T:
        now = now or self._now()
        for _ in range(CONFLICT_TRIES - 1):
            try:
                return self._once(commit, work, now)
            except Conflict:
                continue
        return self._once(commit, work, now)

    def _once(self, commit: Commit, work: Callable[[Transaction, datetime], T], now: datetime) -> T:
        with self.store.transaction(self.tenant_id, commit=commit) as tx:
            result = work(tx, now)
        if commit is not Commit.READ_ONLY:
            for waker in self._wakers:
                waker()
        return result

    def _promise(self, tx: Transaction, request: intake.Request, *, now: datetime) -> Receipt:
        known = intake.known_receipt(tx, request)
        if known is not None:
            return known
        call = intake.waiting_call(tx, request)
        callback_id = CallbackId(self.ids.new("cb", now=now))
        subject = intake.requester(
            tx, request, call, tenant_id=self.tenant_id, ids=self.ids, callback_id=callback_id, now=now
        )
        duplicate = intake.active_duplicate(tx, subject.subject_id, request.policy)
        if duplicate is not None:
            raise DuplicateCallback(duplicate.callback_id)
        asked = intake.asked_for(
            tx, request, call, subject, tenant_id=self.tenant_id, callback_id=callback_id, now=now
        )
        write(tx, lifecycle.request(asked, policy=request.policy, now=now))
        if call is not None:
            write(tx, calls.convert(call, callback_id, now=now))
        return receipt_of(tx.callbacks.get(callback_id), subject)


def _callback_id(text: str) -> CallbackId:
    return CallbackId(check_text(text, "callback_id"))
