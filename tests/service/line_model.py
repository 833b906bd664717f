"""
The line as the words of the specification have it: plain lists, sorted anew for every question.

Nothing of the engine's own rules is used here, only its words. Whoever stands in line is a `Place`; who is next is
found by looking at all of them. `LineModel` is told what the service is told, and says what must follow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from callbackq import (
    Acd,
    CalledIn,
    Disposition,
    Duplicates,
    PlaceAfter,
    PlaceFrom,
    QueuePolicy,
    RetryRule,
)
from service.line_people import (
    ATTEMPTING,
    AVAILABLE,
    BUSY,
    CANCELLED,
    COMPLETED,
    DIALING,
    ENDED,
    ENDING,
    EXPIRED,
    HELD,
    JOINING,
    OUT,
    PAUSED,
    REPLACED,
    RESERVED,
    RESTING,
    RINGING,
    SCHEDULED,
    SERVED_ELSEWHERE,
    STRICT,
    TAKEN,
    TALKING,
    UNREACHED,
    WAITING,
    Agent,
    Attempt,
    Caller,
    Place,
    Promise,
    standing,
)
from service.line_returning import gives_place, is_done_with, promises_of, returned_for

MICROSECOND = timedelta(microseconds=1)
PRIORITY_LAST = 255
MAY_TALK_AFTER = timedelta(seconds=2)


class LineModel:
    """
    What must be true of the line, by the words alone.

    Attributes:
        now: the present instant; whoever uses the model moves it.
        places: everybody who ever held a place, by the id of the live call or callback.
    """

    def __init__(self, policies: Iterable[QueuePolicy], now: datetime) -> None:
        self.policies: Mapping[str, QueuePolicy] = {policy.queue: policy for policy in policies}
        self.now = now
        self.places: dict[str, Place] = {}
        self.agents: dict[str, Agent] = {}
        self.attempts: list[Attempt] = []
        self.paused: set[str | None] = set()

    # ------------------------------------------------------------------ questions

    def callers(self, *states: str) -> list[Caller]:
        """Return the live calls in these states, in the order in which they joined."""
        return [one for one in self.places.values() if isinstance(one, Caller) and one.state in states]

    def promises(self, *states: str) -> list[Promise]:
        """Return the callbacks in these states, in the order in which they were made; all if none is named."""
        found = [one for one in self.places.values() if isinstance(one, Promise)]
        return [one for one in found if one.state in states] if states else found

    def movable(self) -> list[Promise]:
        """Return the callbacks that may be given another place."""
        return self.promises(SCHEDULED, WAITING, RESTING, HELD)

    def standing(self, place: Place) -> tuple[object, ...]:
        """Return what the places of its queue are sorted by."""
        return standing(
            self.policies[place.queue],
            priority=place.priority,
            ranked_from=place.ranked_from,
            place_id=place.place_id,
        )

    def line(self, queue: str) -> list[Place]:
        """Return who waits in a queue, the first first."""
        found = [place for place in self.places.values() if place.queue == queue and place.state == WAITING]
        return sorted(found, key=self.standing)

    def position(self, place: Place) -> int | None:
        """Return how many stand ahead, plus one: also of a callback that is out of the line for a while."""
        if place.state in (ENDED, SCHEDULED, TAKEN):
            return None
        own = self.standing(place)
        return 1 + sum(self.standing(other) < own for other in self.line(place.queue))

    def passed_by(self, place: Place) -> int:
        """Count those of its class who wait before it: the same queue, priority and needs."""
        line = self.line(place.queue)
        class_ = (place.priority, place.skills, place.only)
        return sum((one.priority, one.skills, one.only) == class_ for one in line[: line.index(place)])

    def active(self, number: str | None, queue: str) -> bool:
        """Whether this person may have no other callback in this queue."""
        if self.policies[queue].duplicates is Duplicates.ALLOW:
            return False
        return any(p.number == number and p.queue == queue for p in self.promises() if p.state != ENDED)

    def dialing_paused(self, queue: str) -> bool:
        """Whether no callback of the queue may be started."""
        return queue in self.paused or None in self.paused

    def next_due(self) -> datetime | None:
        """Return when time alone changes something."""
        times = [agent.back_at for agent in self.agents.values() if agent.state == PAUSED]
        times += [self._caller_due(caller)[0] for caller in self.callers(WAITING, TAKEN)]
        times += [attempt.until for attempt in self.attempts]
        times += [self._promise_due(promise)[0] for promise in self.movable()]
        return min((at for at in times if at is not None), default=None)

    # ------------------------------------------------------------------ live calls

    def join(
        self, key: str, queue: str, *, entered_at: datetime, skills: Iterable[str], **fields: Any
    ) -> None:
        """Stand in line from the time of entering."""
        entered_at = min(entered_at, self.now)
        caller = Caller(
            key=key,
            place_id=key,
            queue=queue,
            skills=frozenset(skills),
            entered_at=entered_at,
            ranked_from=entered_at,
            until=self.now + self.policies[queue].call_life,
            **fields,
        )
        self.places[key] = caller
        self._leave_to_preferred(caller)
        self._return(caller)

    def _return(self, caller: Caller) -> None:
        """Who waits for a callback, or missed one lately, is known again, and has its place by policy."""
        policy, own = self.policies[caller.queue], promises_of(caller, self.promises())
        promise = returned_for(caller, own, policy=policy, now=self.now)
        if promise is None:
            return
        caller.returns_for = promise
        if promise.state == ENDED:
            promise.called_in = caller
        has_place = gives_place(promise, caller, attempts=self.attempts, policy=policy)
        if has_place and self._stands_before(promise, caller):
            caller.priority, caller.ranked_from = promise.priority, promise.ranked_from
        for other in (one for one in own if one.state != ENDED):
            if other is promise and has_place and policy.called_in is CalledIn.RESTORE:
                self._end(promise, REPLACED)
            else:
                other.called_in = caller
            for attempt in self.attempts:
                if attempt.promise is other and attempt.phase in (RINGING, DIALING):
                    self._call_off(attempt, Disposition.CANCELLED_BY_US)

    def _stands_before(self, promise: Promise, caller: Caller) -> bool:
        """Whether it is ranked before; the same rank is the better one of the better priority."""
        own, other = (self.standing(place)[:-1] for place in (promise, caller))
        return (own, promise.priority) < (other, caller.priority)

    def called_back_when_leaving(self, caller: Caller) -> bool:
        """Whether one who hangs up is called back without having asked."""
        least = self.policies[caller.queue].abandoned_wait_min
        waited = least is not None and caller.state == WAITING and self.now - caller.entered_at >= least
        return waited and caller.number is not None and not self.active(caller.number, caller.queue)

    def leave(self, caller: Caller, *, lost: bool = False) -> None:
        """Be gone, and leave the agent free. Who is *lost* may come back: nobody said that they went."""
        if caller.state == TAKEN and caller.returns_for is not None:
            self._close(caller.returns_for, caller)
        self._free_of_call(caller, cooled_down=False)
        caller.gave_up = caller.state == WAITING and not lost
        caller.state, caller.lost, caller.ended_at = ENDED, lost, self.now

    def _close(self, promise: Promise, caller: Caller) -> None:
        policy = self.policies[caller.queue]
        if is_done_with(promise, caller, attempts=self.attempts, policy=policy):
            self._end(promise, SERVED_ELSEWHERE)

    def give_back(self, caller: Caller) -> None:
        """Stand where one stood, for the agent could not be connected."""
        self._free_of_call(caller, cooled_down=True)
        caller.state, caller.agent, caller.ended_at = WAITING, None, None
        caller.until = self.now + self.policies[caller.queue].call_life
        self._open_if_left(caller)

    def serve(self, caller: Caller, agent_id: str | None) -> None:
        """Be served by an agent of the host's choice. Who stood before in the same class is passed."""
        caller.passed += self.passed_by(caller) if caller.state == WAITING else 0
        self._free_of_call(caller, cooled_down=False)
        self._take(caller, agent_id)
        agent = self.agents.get(agent_id or "")
        if agent is not None and agent.state in (AVAILABLE, PAUSED):
            self._to_work(agent, BUSY).caller = caller.key

    def resync(self, queue: str, there: Mapping[str, str | None]) -> tuple[Counter[str], set[str]]:
        """
        Agree with the PBX, which has these callers in a queue: each with an agent, or waiting.

        Returns:
            How many were dealt with in which way, and who had left, was served or had become a callback.
        """
        here = [caller for caller in self.callers(WAITING, TAKEN) if caller.queue == queue]
        usual, done, left = self.policies[queue].priority_default, Counter[str](), set[str]()
        nobody: dict[str, Any] = {"number": None, "priority": usual, "skills": (), "prefers": None}
        for key, agent_id in there.items():
            caller = self.places.get(key)
            if caller is None:
                done["joined"] += 1
                self.join(key, queue, entered_at=self.now, **nobody)
                continue
            assert isinstance(caller, Caller)
            if caller.state == ENDED and not caller.lost:
                left.add(key)
                continue
            if caller.state == ENDED or (caller.state == TAKEN and agent_id is None):
                done["joined" if caller.lost else "returned"] += 1
                self.give_back(caller)
                caller.lost = False
            elif caller.state == TAKEN and agent_id != caller.agent:
                done["served"] += 1
                self.serve(caller, agent_id)
            if caller.queue != queue:
                done["moved"] += 1
                self.move(caller, queue, priority=None, skills=None)
            if caller.state == WAITING and agent_id is not None:
                done["served"] += 1
                self.serve(caller, agent_id)
        for caller in here:
            if caller.key not in there:
                done["ended"] += 1
                self.leave(caller, lost=caller.state == WAITING)
        return done, left

    # ------------------------------------------------------------------ promises

    def request(
        self,
        key: str,
        queue: str,
        *,
        call: Caller | None = None,
        number: str | None = None,
        priority: int = 100,
        skills: Iterable[str] = (),
        prefers: str | None = None,
        entered_at: datetime | None = None,
        scheduled_at: datetime | None = None,
    ) -> Promise:
        """Hold a place: the live call's own; or one from asking, from a chosen time, from entering elsewhere."""
        policy = self.policies[queue]
        promise = Promise(
            key=key,
            place_id=key,
            queue=queue,
            priority=call.priority if call else priority,
            skills=call.skills if call else frozenset(skills),
            prefers=prefers or (call.prefers if call else None),
            entered_at=call.entered_at if call else min(entered_at or self.now, self.now),
            ranked_from=min(entered_at or self.now, self.now),
            number=number or (call.number if call else None),
            requested_at=self.now,
            expires_at=(scheduled_at or self.now) + policy.callback_life,
            was_call=call is not None,
            scheduled_at=scheduled_at,
        )
        self.places[key] = promise
        if scheduled_at is not None:
            promise.state, promise.ranked_from, promise.again_at = SCHEDULED, scheduled_at, scheduled_at
        elif call is not None and policy.place_from is PlaceFrom.ENTERED:
            promise.place_id, promise.ranked_from = call.place_id, call.ranked_from
            promise.only, promise.only_until = call.only, call.only_until
            if promise.prefers != call.prefers:
                self._leave_to_preferred(promise)
        else:
            self._leave_to_preferred(promise)
        if call is not None:
            call.state, call.ended_at = ENDED, self.now
        return promise

    def cancel(self, promise: Promise) -> None:
        """Take it back. An attempt under way is called off."""
        attempt = next((one for one in self.attempts if one.promise is promise), None)
        self._end(promise, CANCELLED)
        if attempt is not None and attempt.phase in (RINGING, DIALING, JOINING):
            self._call_off(attempt, Disposition.CANCELLED_BY_US)

    # ------------------------------------------------------------------ other places

    def move(self, place: Place, queue: str, *, priority: int | None, skills: Iterable[str] | None) -> None:
        """Stand in another queue, ranked from the same instant, for any agent who can serve it."""
        anew = (place.queue, place.only_until) != (queue, None)
        place.queue, place.only, place.only_until = queue, None, None
        if priority is not None:
            place.priority = priority
        if skills is not None:
            place.skills = frozenset(skills)
        if isinstance(place, Caller) and place.state == WAITING and anew:
            place.until = self.now + self.policies[queue].call_life

    def merge(self, gone: Promise, into: Promise) -> None:
        """Go on as one: better priority, skills of both, longer life, the earlier place if both are in one queue."""
        into.priority = min(into.priority, gone.priority)
        into.skills |= gone.skills
        into.expires_at = max(into.expires_at, gone.expires_at)
        if gone.queue == into.queue and gone.scheduled_at is None and into.scheduled_at is None:
            into.ranked_from = min(into.ranked_from, gone.ranked_from)
        self._end(gone, REPLACED)
        if into.state == WAITING:
            self._open_if_left(into)

    def put_first(self, place: Place) -> None:
        """Stand before all that wait, but for a better priority where priority is strict."""
        policy = self.policies[place.queue]
        strict = policy.priority_credit >= STRICT
        peers = [one for one in self.line(place.queue) if not strict or one.priority == place.priority]
        first = next((one for one in peers if one is not place), place)
        if self.standing(first) >= self.standing(place):
            return
        worth = (first.priority - place.priority) * policy.priority_credit
        place.ranked_from = first.ranked_from - MICROSECOND + (timedelta(0) if strict else worth)

    def put_last(self, place: Place) -> None:
        """Stand as if one had come just now; one who counts from later already stays."""
        place.ranked_from = max(place.ranked_from, self.now)

    def rerank(
        self, queue: str, head_start: Callable[[Place], timedelta | None]
    ) -> tuple[int, int, set[str]]:
        """Count as having come so much earlier. Returns how many were looked at, changed, and which failed."""
        line, changed, failed = self.line(queue), 0, set[str]()
        for place in line:
            earlier = head_start(place)
            if earlier is None:
                failed.add(place.key)
                continue
            ranked_from = self._came(place) - earlier
            changed += ranked_from != place.ranked_from
            place.ranked_from = ranked_from
        return len(line), changed, failed

    # ------------------------------------------------------------------ agents

    def sign_in(self, agent_id: str, queues: tuple[str, ...], skills: Iterable[str]) -> None:
        """Take calls of these queues; not of who waits alone and needs more. Ends a wrap-up, and no cool-down."""
        agent = self.agents.get(agent_id)
        if agent is None:
            agent = Agent(agent_id=agent_id, queues=(), skills=frozenset(), since=self.now)
            self.agents[agent_id] = agent
        agent.queues, agent.skills, agent.leaving = queues, frozenset(skills), False
        if agent.state == OUT or (agent.state == PAUSED and not agent.cools_down):
            agent.state, agent.since = AVAILABLE, self.now
        for place in self._alone_for(agent_id):
            if not agent.serves(place):
                self._open(place)

    def sign_out(self, agent_id: str) -> None:
        """Take no more calls. Who was not accepted yet, or waited for this agent alone, is there for anybody."""
        agent = self.agents[agent_id]
        for place in self._alone_for(agent_id):
            self._open(place)
        if agent.state not in (RESERVED, BUSY):
            agent.state, agent.leaving = OUT, False
            return
        agent.leaving = True
        if agent.state == RESERVED and agent.attempt is not None and agent.attempt.phase == RINGING:
            self._call_off(agent.attempt, Disposition.AGENT_UNAVAILABLE)

    # ------------------------------------------------------------------ attempts

    def accepted(self, attempt: Attempt) -> None:
        """The agent is on the line; the customer is dialed."""
        policy = self.policies[attempt.promise.queue]
        attempt.phase, attempt.until = DIALING, self.now + policy.ring_time + policy.hang_up_time_max

    def answered(self, attempt: Attempt) -> None:
        """The customer said hello."""
        attempt.phase, attempt.rang, attempt.answered = JOINING, True, True
        attempt.answered_at = self.now
        attempt.until = self.now + self.policies[attempt.promise.queue].join_time_max

    def connected(self, attempt: Attempt) -> None:
        """Both can hear each other: the promise is kept."""
        attempt.phase, attempt.until = TALKING, self.now + self.policies[attempt.promise.queue].talk_time_max
        self.agents[attempt.agent].state, self.agents[attempt.agent].since = BUSY, self.now
        self._end(attempt.promise, COMPLETED)

    def over(self, attempt: Attempt, disposition: Disposition | None = None) -> None:
        """No leg is left. Whoever was long enough about to be joined may have talked: that is in doubt."""
        joining_since = attempt.answered_at if attempt.phase == JOINING else None
        if joining_since is not None and self.now - joining_since >= MAY_TALK_AFTER:
            disposition = Disposition.UNKNOWN
        attempt.disposition = disposition or attempt.disposition
        talked = attempt.disposition is Disposition.CONNECTED
        self.attempts.remove(attempt)
        policy = self.policies[attempt.promise.queue]
        if attempt.promise.state == ATTEMPTING:
            self._after_failure(attempt)
        agent = self.agents[attempt.agent]
        unavailable = attempt.disposition is Disposition.AGENT_UNAVAILABLE
        pause = policy.wrap_up if talked else policy.agent_cool_down if unavailable else timedelta(0)
        self._free(agent, pause, cools_down=unavailable)

    # ------------------------------------------------------------------ time and free agents

    def step(self) -> tuple[list[tuple[str, str]], list[Attempt]]:
        """
        Let time do what is due now, and give work to every free agent.

        Returns:
            Who is given whom, in order; and the attempts whose legs are to be hung up.
        """
        for agent in self.agents.values():
            if agent.state == PAUSED and agent.back_at is not None and agent.back_at <= self.now:
                agent.state, agent.since = AVAILABLE, self.now
        for caller in self.callers(WAITING, TAKEN):
            self._caller_by_time(caller)
        late = [attempt for attempt in self.attempts if attempt.until <= self.now]
        late.sort(key=lambda attempt: (attempt.until, attempt.attempt_id))
        due = [promise for promise in self.movable() if self._promise_due(promise)[0] <= self.now]
        due.sort(key=lambda promise: (self._promise_due(promise)[0], promise.key))
        for attempt in late:
            self._silent(attempt)
        for promise in due:
            self._promise_by_time(promise)
        return self._assign(), late

    def _assign(self) -> list[tuple[str, str]]:
        given: list[tuple[str, str]] = []
        free = [agent for agent in self.agents.values() if agent.state == AVAILABLE]
        for agent in sorted(free, key=lambda agent: (agent.since, agent.agent_id)):
            place = self.next_for(agent)
            while isinstance(place, Promise) and (place.is_on_the_line or self._is_dialed(place.number)):
                place.state = HELD
                place.again_at = self.now + self.policies[place.queue].number_in_use_hold
                place = self.next_for(agent)
            if isinstance(place, Promise):
                self._start(place, agent)
            elif isinstance(place, Caller):
                place.passed += self.passed_by(place)
                self._take(place, agent.agent_id)
                self._to_work(agent, BUSY).caller = place.key
            if place is not None:
                given.append((agent.agent_id, place.key))
        return given

    def _is_dialed(self, number: str | None) -> bool:
        return any(attempt.promise.number == number for attempt in self.attempts)

    def next_for(self, agent: Agent) -> Place | None:
        """Look at everybody who waits, and say whom this free agent is given; None if nobody."""
        firsts: list[Place] = []
        for queue in agent.queues:
            paused = self.dialing_paused(queue)
            able = [place for place in self.line(queue) if agent.serves(place)]
            firsts += [place for place in able if not (paused and isinstance(place, Promise))][:1]
        if not firsts:
            return None
        first = min(firsts, key=self._turn)
        policy = self.policies[first.queue]
        if isinstance(first, Caller) and policy.acd is Acd.HOST:
            return None
        for queue in agent.queues:
            other = self.policies[queue]
            free = sum(one.state == AVAILABLE and queue in one.queues for one in self.agents.values())
            if other.agents_kept and other.served_first < policy.served_first and free <= other.agents_kept:
                return None
        return first

    def _turn(self, place: Place) -> tuple[object, ...]:
        """Among several queues: who is served first; then by the instant less the head start of the priority."""
        policy = self.policies[place.queue]
        start = (PRIORITY_LAST - place.priority) * policy.priority_credit
        return policy.served_first, place.ranked_from - start, place.place_id

    # ------------------------------------------------------------------ inside

    def _leave_to_preferred(self, place: Place) -> None:
        """Let it wait for its preferred agent alone, for a while, if that agent is there and can serve it."""
        time = self.policies[place.queue].preferred_agent_time
        place.only, place.only_until = None, None
        if time and self._is_there_for(place.prefers, place):
            place.only, place.only_until = place.prefers, self.now + time

    def _is_there_for(self, agent_id: str | None, place: Place) -> bool:
        agent = self.agents.get(agent_id or "")
        return agent is not None and agent.state != OUT and not agent.leaving and agent.serves(place)

    def _alone_for(self, agent_id: str) -> list[Place]:
        return [one for one in self.places.values() if one.state == WAITING and one.only == agent_id]

    def _open(self, place: Place) -> None:
        """Let anybody serve it who has the skills."""
        place.only, place.only_until = None, None
        if isinstance(place, Caller):
            place.until = self.now + self.policies[place.queue].call_life

    def _open_if_left(self, place: Place) -> None:
        """In line again: whoever waited for an agent alone who went, or cannot serve any more, is there for anybody."""
        if place.only is not None and not self._is_there_for(place.only, place):
            self._open(place)

    def _came(self, place: Place) -> datetime:
        if not isinstance(place, Promise):
            return place.entered_at
        if place.scheduled_at is not None:
            return place.scheduled_at
        by_asking = place.was_call and self.policies[place.queue].place_from is PlaceFrom.REQUESTED
        return place.requested_at if by_asking else place.entered_at

    def _take(self, caller: Caller, agent_id: str | None) -> None:
        caller.state, caller.agent = TAKEN, agent_id
        caller.until = self.now + self.policies[caller.queue].talk_time_max

    def _start(self, promise: Promise, agent: Agent) -> None:
        policy = self.policies[promise.queue]
        until = self.now + policy.agent_ring_time + policy.hang_up_time_max
        attempt = Attempt(promise=promise, agent=agent.agent_id, until=until)
        self.attempts.append(attempt)
        promise.state, promise.turn_at = ATTEMPTING, promise.turn_at or self.now
        self._to_work(agent, RESERVED).attempt = attempt

    def _to_work(self, agent: Agent, state: str) -> Agent:
        agent.state, agent.since, agent.back_at = state, self.now, None
        agent.attempt, agent.caller = None, None
        return agent

    def _free(self, agent: Agent, pause: timedelta, *, cools_down: bool) -> None:
        agent.attempt, agent.caller, agent.since = None, None, self.now
        if agent.leaving:
            agent.state, agent.leaving = OUT, False
        elif pause:
            agent.state, agent.cools_down, agent.back_at = PAUSED, cools_down, self.now + pause
        else:
            agent.state = AVAILABLE

    def _free_of_call(self, caller: Caller, *, cooled_down: bool) -> None:
        agent = self.agents.get(caller.agent or "")
        if caller.state != TAKEN or agent is None or agent.caller != caller.key:
            return
        policy = self.policies[caller.queue]
        pause = policy.agent_cool_down if cooled_down else policy.wrap_up
        self._free(agent, pause, cools_down=cooled_down)

    def _call_off(self, attempt: Attempt, disposition: Disposition) -> None:
        attempt.phase, attempt.disposition, attempt.until = ENDING, disposition, self.now

    def _silent(self, attempt: Attempt) -> None:
        """Nothing was heard in time."""
        by_time = {
            RINGING: Disposition.AGENT_UNAVAILABLE,
            DIALING: Disposition.NO_ANSWER if attempt.rang else Disposition.UNKNOWN,
            JOINING: Disposition.UNKNOWN,
            TALKING: Disposition.CONNECTED,
        }
        attempt.disposition = by_time.get(attempt.phase, attempt.disposition)
        attempt.phase = ENDING

    def _after_failure(self, attempt: Attempt) -> None:
        promise, failed = attempt.promise, attempt.disposition
        assert failed is not None
        policy = self.policies[promise.queue]
        rule = policy.retry_rules.get(failed, RetryRule())
        if failed is Disposition.CANCELLED_BY_US:  # The customer called in while we rang.
            promise.state = WAITING
            self._open_if_left(promise)
            return
        if failed is Disposition.AGENT_UNAVAILABLE and not attempt.rang:
            promise.state = WAITING
            self._open(promise)
            return
        in_doubt = failed is Disposition.UNKNOWN and attempt.answered
        used_up = len(promise.failed) + 1 >= policy.attempts_max
        too_late = self.now + rule.rest >= promise.expires_at
        if in_doubt or used_up or too_late or promise.failed.count(failed) >= rule.retries_max:
            self._end(promise, UNREACHED)
            return
        promise.failed.append(failed)
        promise.state, promise.again_at = RESTING, self.now + rule.rest

    def _end(self, promise: Promise, outcome: str) -> None:
        promise.state, promise.outcome, promise.ended_at = ENDED, outcome, self.now

    # ------------------------------------------------------------------ clocks

    def _caller_due(self, caller: Caller) -> tuple[datetime, str]:
        if caller.state == WAITING and caller.only_until is not None and caller.only_until <= caller.until:
            return caller.only_until, "preference"
        return caller.until, "life"

    def _caller_by_time(self, caller: Caller) -> None:
        at, why = self._caller_due(caller)
        if at > self.now:
            return
        if why == "preference":
            self._open(caller)
        else:
            self.leave(caller, lost=True)

    def _promise_due(self, promise: Promise) -> tuple[datetime, str]:
        """Return the earliest of its clocks, and which one it is."""
        clocks = [(promise.expires_at, "life")]
        if promise.state != WAITING:
            assert promise.again_at is not None
            clocks.append((promise.again_at, "again"))
            return min(clocks, key=lambda clock: clock[0])
        policy = self.policies[promise.queue]
        if promise.only_until is not None:
            clocks.append((promise.only_until, "preference"))
        if not promise.marked:
            since = promise.scheduled_at or promise.requested_at
            clocks.append((since + policy.virtual_wait_max, "long"))
        if promise.turn_at is not None and policy.response_window is not None:
            clocks.append((promise.turn_at + policy.response_window, "window"))
        return min(clocks, key=lambda clock: clock[0])

    def _promise_by_time(self, promise: Promise) -> None:
        why = self._promise_due(promise)[1]
        if self.now >= promise.expires_at:
            self._end(promise, EXPIRED)
        elif why == "preference":
            self._open(promise)
        elif why == "long":
            promise.marked = True
        elif why == "window":
            self._put(promise, self.policies[promise.queue].place_after_window)
            promise.turn_at = None
        else:
            if promise.state == RESTING:
                rules = self.policies[promise.queue].retry_rules
                self._put(promise, rules.get(promise.failed[-1], RetryRule()).place)
            if promise.state == HELD:
                self._open_if_left(promise)
            else:
                self._leave_to_preferred(promise)
            promise.state = WAITING

    def _put(self, promise: Promise, where: PlaceAfter) -> None:
        if where is PlaceAfter.FRONT:
            self.put_first(promise)
        elif where is PlaceAfter.END:
            self.put_last(promise)
