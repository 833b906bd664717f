"""The life of a callback: the whole matrix of states and commands, and what holds along any sequence of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core import announcing, lifecycle, merging, placing, promising, settling
from callbackq.core.decision import Decision
from callbackq.core.lifecycle import TRANSITIONS, Command, DueFacts
from callbackq.core.ordering import rank
from callbackq.core.placing import Lanes
from callbackq.core.promising import Asked
from callbackq.core.retry import Correct, End, GoBack, NextStep, Rest
from callbackq.errors import NotPossibleNow
from callbackq.events import CallbackMoved, CallbackPrioritized
from callbackq.ids import AgentId, CallbackId, PlaceId
from callbackq.model import (
    Ahead,
    AttemptState,
    Callback,
    CallbackState,
    Channel,
    Disposition,
    DueReason,
    Entity,
    HoldReason,
    NoticeKind,
    Outcome,
    Position,
    Wait,
)
from callbackq.policy import Duplicates, PlaceAfter, QueuePolicy, RetryRule
from core.samples import (
    ANN,
    ATTEMPT_ID,
    CALL_ID,
    CALLBACK_ID,
    LAW,
    START,
    SUPPORT,
    Book,
    D,
    H,
    M,
    S,
    a_callback,
    a_stand,
    an_attempt,
    asked_for,
    changed,
    only_event,
    only_record,
)

POLICY = QueuePolicy(queue=SUPPORT, place_after_window=PlaceAfter.END)
SALES = QueuePolicy(queue="sales", priority_credit=M, response_window=None, virtual_wait_max=2 * H)
NOW = START + M
EXPIRES = START + D

# The columns are the commands in the order of `Command`; the letters are the first ones of the state after it.
COLUMNS = """request schedule watch reschedule ready place open requeue mark_long_wait ticket hold attempt tell
    look_again give_back rest complete give_up refuse merge cancel expire fail retry correct renumber call_in done
    revise score"""
MATRIX = """
    nothing     W S - - - - - - - - - - - - - - - - - - - - - - - - - - - -
    scheduled   - - S S W S - - - S - - - - - - - - - E E E - - - S S E - -
    waiting     - - - S - W W W W W H A - - - - - - E E E E - - - W W E - -
    attempting  - - - - - - - - - A - - - A W R E E - - E - H - - - A E - -
    resting     - - - S W R - - - R - - - - - - - - - E E E - - - R R E - -
    held        - - - S W H - - - H H - A - - - - E - E E E - - - H H E - -
    ended       - - - - - - - - - - - - - - - - - - - - - - - R H - E - E E
"""
LETTERS = {
    "S": CallbackState.SCHEDULED,
    "W": CallbackState.WAITING,
    "A": CallbackState.ATTEMPTING,
    "R": CallbackState.RESTING,
    "H": CallbackState.HELD,
    "E": CallbackState.ENDED,
}


def matrix() -> dict[tuple[CallbackState | None, Command], CallbackState | None]:
    """Read MATRIX: (state, command) -> the state after it, or None where it is impossible."""
    commands = [Command[name.upper()] for name in COLUMNS.split()]
    read = {}
    for line in MATRIX.strip().splitlines():
        name, *letters = line.split()
        state = None if name == "nothing" else CallbackState(name)
        for command, letter in zip(commands, letters, strict=True):
            read[state, command] = LETTERS.get(letter)
    return read


POSSIBLE = {pair: after for pair, after in matrix().items() if after is not None}

STAND = a_stand(priority=50, lane=3, ranked_at=START - H)
asked = asked_for(
    request_key="key-1",
    stand=STAND,
    entered_at=START - H,
    position=Position(number=4),
    wait=Wait(mean_s=90.0, low_s=30.0, high_s=180.0, estimator="ql"),
)
UNKNOWN_WAIT = Wait(mean_s=None, low_s=None, high_s=None)
SLOT = START + 3 * H
booked = attrs.evolve(
    asked,
    stand=a_stand(priority=50, lane=3, ranked_at=SLOT),
    scheduled_at=SLOT,
    position=None,
    wait=UNKNOWN_WAIT,
)
PREFERRED = attrs.evolve(STAND, lane=9, preferred_until_at=START + 2 * M)
"""Until then the place waits for one agent alone."""


def requested(what: Asked = asked, *, policy: QueuePolicy = POLICY, now: datetime = START) -> Callback:
    record = only_record(promising.request(what, policy=policy, now=now))
    assert isinstance(record, Callback)
    return record


OTHER_ID = CallbackId("cb_2")
OTHER = attrs.evolve(asked, callback_id=OTHER_ID, place_id=PlaceId(OTHER_ID), request_key=None)
"""Another promise to the same person, into which the one that is looked at can be merged."""


def in_state(state: CallbackState) -> Callback:
    """Return a callback that got into *state* by commands."""
    waiting = requested()
    match state:
        case CallbackState.SCHEDULED:
            record = requested(booked)
        case CallbackState.WAITING:
            record = waiting
        case CallbackState.ATTEMPTING:
            record = after(COMMANDS[Command.ATTEMPT](waiting, START))
        case CallbackState.RESTING:
            record = after(COMMANDS[Command.REST](in_state(CallbackState.ATTEMPTING), START))
        case CallbackState.HELD:
            record = after(COMMANDS[Command.HOLD](waiting, START))
        case CallbackState.ENDED:
            record = after(COMMANDS[Command.COMPLETE](in_state(CallbackState.ATTEMPTING), START))
    assert record.state is state
    return record


def after(decision: Decision) -> Callback:
    """Return the callback that is looked at, as a decision leaves it."""
    (record,) = (one for one in decision.records if getattr(one, "callback_id", None) == CALLBACK_ID)
    assert isinstance(record, Callback)
    return record


REST = 2 * M
HOLD = 30 * S
LANES = Lanes(open=4, own=None)


def facts_for(
    callback: Callback, now: datetime, *, policy: QueuePolicy = POLICY, lanes: Lanes = LANES
) -> DueFacts:
    """Return what is read for time's rules where nobody else waits."""
    kept = placing.put(callback, PlaceAfter.KEEP, first_rank=None, policy=policy, now=now)
    stand = placing.for_agent(kept, lanes=lanes, policy=policy, now=now)
    return DueFacts(lane=lanes.open, stand=stand)


def due(callback: Callback, now: datetime, *, policy: QueuePolicy = POLICY, lanes: Lanes = LANES) -> Decision:
    facts = facts_for(callback, now, policy=policy, lanes=lanes)
    return lifecycle.due(callback, facts=facts, policy=policy, now=now)


def due_because(reason: DueReason) -> Callable[[Callback, datetime], Decision]:
    """Return what time does where *reason* is why it is due."""
    return lambda callback, now: due(attrs.evolve(callback, due_reason=reason), now)


def prioritize(callback: Callback, now: datetime) -> Decision:
    stand = placing.prioritized(callback, priority=7, policy=POLICY)
    return lifecycle.place(callback, CallbackPrioritized, stand=stand, policy=POLICY, reason="a VIP", now=now)


def merge(callback: Callback, now: datetime) -> Decision:
    into = requested(OTHER)
    stand = placing.merged(into, callback, lane=into.lane, policy=POLICY)
    return merging.merge(callback, into, stand=stand, policy=POLICY, now=now)


NO_CONVERSATION = an_attempt(state=AttemptState.ENDED, disposition=Disposition.ANSWERED_THEN_LEFT)
"""What was taken for one, and a person says that the customer had left."""


def reopened_for(step: NextStep) -> Callable[[Callback, datetime], Decision]:
    """Return what a person's word does; nothing to a callback that ended in another way."""

    def reopen(callback: Callback, now: datetime) -> Decision:
        if callback.state is CallbackState.ENDED and not settling.may_reopen(callback, NO_CONVERSATION):
            return Decision()
        return settling.reopen(callback, NO_CONVERSATION, step=step, held_by=None, by="ann", life=H, now=now)

    return reopen


def reschedule(callback: Callback, now: datetime) -> Decision:
    """Give it another time, three hours from now."""
    at = now + 3 * H
    stand = a_stand(priority=callback.priority, lane=4, ranked_at=at)
    return promising.reschedule(
        callback, scheduled_at=at, booking_id=None, stand=stand, policy=POLICY, reason="asked", now=now
    )


COMMANDS: dict[Command, Callable[[Callback, datetime], Decision]] = {
    Command.WATCH: lambda callback, now: promising.look_again(
        callback, at=min(now + HOLD, callback.expires_at), now=now
    ),
    Command.RESCHEDULE: reschedule,
    Command.READY: lambda callback, now: lifecycle.ready(
        callback, stand=facts_for(callback, now).stand, policy=POLICY, now=now
    ),
    Command.PLACE: prioritize,
    Command.OPEN: due_because(DueReason.PREFERENCE_OVER),
    Command.REQUEUE: due_because(DueReason.WINDOW_OVER),
    Command.MARK_LONG_WAIT: due_because(DueReason.WAITED_LONG),
    Command.TICKET: lambda callback, now: lifecycle.ticket(callback, "T-1", now=now),
    Command.HOLD: lambda callback, now: lifecycle.hold(
        callback, reason=HoldReason.NUMBER_IN_USE, until=now + HOLD, now=now
    ),
    Command.ATTEMPT: lambda callback, now: lifecycle.attempt(
        callback,
        attempt_id=ATTEMPT_ID,
        agent_id=ANN,
        overtook=Ahead(calls=2, callbacks=3),
        policy=POLICY,
        now=now,
    ),
    Command.TELL: lambda callback, now: announcing.begin(callback, ATTEMPT_ID, policy=POLICY, now=now),
    Command.LOOK_AGAIN: lambda callback, now: lifecycle.look_again(callback, at=now + HOLD, now=now),
    Command.GIVE_BACK: lambda callback, now: lifecycle.attempt_failed(
        callback, disposition=Disposition.AGENT_UNAVAILABLE, step=GoBack(), policy=POLICY, now=now
    ),
    Command.REST: lambda callback, now: lifecycle.attempt_failed(
        callback, disposition=Disposition.NO_ANSWER, step=Rest(REST), policy=POLICY, now=now
    ),
    Command.COMPLETE: lambda callback, now: lifecycle.complete(callback, now=now),
    Command.GIVE_UP: lambda callback, now: lifecycle.attempt_failed(
        callback,
        disposition=Disposition.BUSY,
        step=End(Outcome.UNREACHED, "attempts_used_up"),
        policy=POLICY,
        now=now,
    ),
    Command.REFUSE: lambda callback, now: lifecycle.refuse(
        callback, reason="opted_out", ending={"notices": (NoticeKind.REFUSED_BY_RULE,)}, now=now
    ),
    Command.MERGE: merge,
    Command.CANCEL: lambda callback, now: lifecycle.cancel(callback, reason="changed my mind", now=now),
    Command.EXPIRE: lambda callback, now: lifecycle.expire(callback, now=now),
    Command.FAIL: lambda callback, now: lifecycle.attempt_failed(
        callback, disposition=Disposition.WRONG_PERSON, step=Correct(), policy=POLICY, now=now
    ),
    Command.RETRY: reopened_for(Rest(REST, 1)),
    Command.CORRECT: reopened_for(Correct()),
    Command.REVISE: reopened_for(End(Outcome.UNREACHED, "attempts_used_up")),
    Command.RENUMBER: lambda callback, now: settling.renumber(
        callback, dedup_key="support/su_2", by="bob", now=now
    ),
    Command.CALL_IN: lambda callback, now: settling.called_in(callback, CALL_ID, now=now),
    Command.DONE: lambda callback, now: settling.mark_done(callback, by="bob", reason="by mail", now=now),
    Command.SCORE: lambda callback, now: settling.score(
        callback, score=4.5, resolved=True, by="bob", now=now
    ),
}
REOPENS = {Command.RETRY, Command.CORRECT, Command.REVISE}
NOT_REACHED = {Outcome.UNREACHED, Outcome.EXPIRED}
"""What a person can mark as done though it has ended."""
BY_TIME = {Command.OPEN, Command.REQUEUE, Command.MARK_LONG_WAIT}

# ---------------------------------------------------------------------------- the matrix


def test_the_table_is_the_drawn_matrix() -> None:
    """Exactly the pairs that are drawn here are possible, with exactly these states after them."""
    assert set(matrix()) == {(state, command) for state in (None, *CallbackState) for command in Command}
    assert dict(TRANSITIONS) == POSSIBLE
    assert set(COMMANDS) == set(Command) - {Command.REQUEST, Command.SCHEDULE}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("state", CallbackState)
def test_a_command_is_possible_exactly_where_it_is_drawn(state: CallbackState, command: Command) -> None:
    """Possible: the state is the one drawn. Impossible: refused, naming the command, the state, what is allowed."""
    callback = in_state(state)
    drawn = matrix()[state, command]
    if drawn is not None:
        assert after(COMMANDS[command](callback, NOW)).state is drawn
        return
    if (state, command) == (CallbackState.ENDED, Command.TICKET):
        # A help desk may answer when all is over: nothing is refused to it, and nothing is changed.
        assert COMMANDS[command](callback, NOW) == Decision()
        return
    with pytest.raises(NotPossibleNow) as caught:
        COMMANDS[command](callback, NOW)
    allowed = sorted(
        str(before) for (before, possible) in POSSIBLE if possible is command and before is not None
    )
    assert str(caught.value) == f"cannot {command} in state {str(state)!r}; allowed in: {', '.join(allowed)}"
    assert (caught.value.command, caught.value.state) == (command, state)
    assert type(caught.value.state) is str


def test_a_refusal_reads_as_a_sentence() -> None:
    """In full, once; and a command of two words is two words."""
    with pytest.raises(NotPossibleNow, match=r"^cannot give back in state 'held'; allowed in: attempting$"):
        COMMANDS[Command.GIVE_BACK](in_state(CallbackState.HELD), NOW)
    with pytest.raises(
        NotPossibleNow, match=r"^cannot give up in state 'waiting'; allowed in: attempting, held$"
    ):
        COMMANDS[Command.GIVE_UP](in_state(CallbackState.WAITING), NOW)
    with pytest.raises(NotPossibleNow, match=r"^cannot mark long wait in state 'held'; allowed in: waiting$"):
        COMMANDS[Command.MARK_LONG_WAIT](in_state(CallbackState.HELD), NOW)
    with pytest.raises(NotPossibleNow) as caught:
        lifecycle.cancel(in_state(CallbackState.ENDED), reason=None, now=NOW)
    assert str(caught.value) == (
        "cannot cancel in state 'ended'; allowed in: attempting, held, resting, scheduled, waiting"
    )


# ---------------------------------------------------------------------------- what each command does

LONG = {"due_at": START + 45 * M, "due_reason": DueReason.WAITED_LONG}
WINDOW = {"due_at": START + 10 * M, "due_reason": DueReason.WINDOW_OVER}
ENDED = {"state": CallbackState.ENDED, "due_at": None, "due_reason": None, "ended_at": NOW}
OVERDUE_AT = (
    NOW + 20 * S + 2 * 45 * S + 10 * S + 5 * 10 * S + 10 * S + 2 * 30 * S + 30 * S + 2 * M + 2 * M + M
)
OUT_OF_LINE = (CallbackState.SCHEDULED, CallbackState.RESTING, CallbackState.HELD)
NO_HOLD = {"hold_reason": None}
REOPENED = {
    "attempt_id": None,
    "last_disposition": Disposition.ANSWERED_THEN_LEFT,
    "outcome": None,
    "ended_at": None,
}


def seven(ranked_at: datetime) -> dict[str, Any]:
    return {"priority": 7, "rank": rank(ranked_at, priority=7, policy=POLICY)}


SCHEDULED = {"state": CallbackState.SCHEDULED, "due_reason": DueReason.SCHEDULED}


def another_time(**more: Any) -> dict[str, Any]:
    at = NOW + 3 * H
    rank_then = rank(at, priority=50, policy=POLICY)
    clocks = {"scheduled_at": at, "due_at": at, "expires_at": at + D}
    return {**clocks, "ranked_at": at, "rank": rank_then, "lane": 4, **more}


def over(state: CallbackState, outcome: Outcome, **more: Any) -> dict[str, Any]:
    return {**ENDED, "outcome": outcome, **more, **(NO_HOLD if state is CallbackState.HELD else {})}


@pytest.mark.parametrize(
    ("state", "command", "kind", "changes"),
    [
        (CallbackState.SCHEDULED, Command.WATCH, "callback_watched", {"due_at": NOW + HOLD}),
        (CallbackState.SCHEDULED, Command.RESCHEDULE, "callback_rescheduled", another_time()),
        (CallbackState.WAITING, Command.RESCHEDULE, "callback_rescheduled", another_time(**SCHEDULED)),
        (
            CallbackState.RESTING,
            Command.RESCHEDULE,
            "callback_rescheduled",
            another_time(**SCHEDULED, attempts_count=0, turn_at=None),
        ),
        (
            CallbackState.HELD,
            Command.RESCHEDULE,
            "callback_rescheduled",
            another_time(**SCHEDULED, **NO_HOLD),
        ),
        (
            CallbackState.SCHEDULED,
            Command.READY,
            "callback_ready",
            {
                "state": CallbackState.WAITING,
                "due_at": SLOT + 45 * M,
                "due_reason": DueReason.WAITED_LONG,
                "lane": 4,
            },
        ),
        (
            CallbackState.RESTING,
            Command.READY,
            "callback_ready",
            {"state": CallbackState.WAITING, "lane": 4, **WINDOW},
        ),
        (
            CallbackState.HELD,
            Command.READY,
            "callback_ready",
            {"state": CallbackState.WAITING, "lane": 4, **LONG, **NO_HOLD},
        ),
        (CallbackState.SCHEDULED, Command.PLACE, "callback_prioritized", seven(SLOT)),
        *(
            (state, Command.PLACE, "callback_prioritized", seven(START - H))
            for state in (CallbackState.WAITING, CallbackState.RESTING, CallbackState.HELD)
        ),
        (CallbackState.WAITING, Command.OPEN, "callback_opened", {"lane": 4}),
        (
            CallbackState.WAITING,
            Command.REQUEUE,
            "callback_requeued",
            {"ranked_at": NOW, "rank": rank(NOW, priority=50, policy=POLICY)},
        ),
        (
            CallbackState.WAITING,
            Command.MARK_LONG_WAIT,
            "callback_waited_long",
            {"waited_long_at": NOW, "due_at": EXPIRES, "due_reason": DueReason.EXPIRES},
        ),
        *(
            (state, Command.TICKET, "callback_ticketed", {"ticket_id": "T-1"})
            for state in CallbackState
            if state is not CallbackState.ENDED
        ),
        (
            CallbackState.WAITING,
            Command.HOLD,
            "callback_held",
            {
                "state": CallbackState.HELD,
                "due_at": NOW + HOLD,
                "due_reason": DueReason.HOLD_OVER,
                "hold_reason": HoldReason.NUMBER_IN_USE,
            },
        ),
        (
            CallbackState.WAITING,
            Command.ATTEMPT,
            "callback_attempted",
            {
                "state": CallbackState.ATTEMPTING,
                "due_at": OVERDUE_AT,
                "due_reason": DueReason.ATTEMPT_OVERDUE,
                "attempt_id": ATTEMPT_ID,
                "turn_at": NOW,
                "overtook_calls_count": 2,
                "overtook_callbacks_count": 3,
            },
        ),
        (CallbackState.HELD, Command.HOLD, "callback_held", {"due_at": NOW + HOLD}),
        (
            CallbackState.HELD,
            Command.TELL,
            "callback_announced",
            {
                "state": CallbackState.ATTEMPTING,
                "due_at": OVERDUE_AT,
                "due_reason": DueReason.ATTEMPT_OVERDUE,
                "attempt_id": ATTEMPT_ID,
                **NO_HOLD,
            },
        ),
        (CallbackState.ATTEMPTING, Command.LOOK_AGAIN, "callback_watched", {"due_at": NOW + HOLD}),
        (
            CallbackState.ATTEMPTING,
            Command.GIVE_BACK,
            "callback_returned",
            {
                "state": CallbackState.WAITING,
                **WINDOW,
                "attempt_id": None,
                "last_disposition": Disposition.AGENT_UNAVAILABLE,
            },
        ),
        (
            CallbackState.ATTEMPTING,
            Command.REST,
            "callback_rested",
            {
                "state": CallbackState.RESTING,
                "due_at": NOW + REST,
                "due_reason": DueReason.REST_OVER,
                "attempt_id": None,
                "attempts_count": 1,
                "last_disposition": Disposition.NO_ANSWER,
            },
        ),
        (
            CallbackState.ATTEMPTING,
            Command.COMPLETE,
            "callback_ended",
            {
                **ENDED,
                "outcome": Outcome.COMPLETED,
                "attempts_count": 1,
                "last_disposition": Disposition.CONNECTED,
            },
        ),
        *(
            (
                state,
                Command.GIVE_UP,
                "callback_ended",
                {
                    **over(state, Outcome.UNREACHED),
                    "attempts_count": 1,
                    "last_disposition": Disposition.BUSY,
                },
            )
            for state in (CallbackState.ATTEMPTING, CallbackState.HELD)
        ),
        (
            CallbackState.WAITING,
            Command.REFUSE,
            "callback_ended",
            over(CallbackState.WAITING, Outcome.REFUSED_BY_RULE),
        ),
        *(
            (state, Command.CANCEL, "callback_ended", over(state, Outcome.CANCELLED))
            for state in CallbackState
            if state is not CallbackState.ENDED
        ),
        *(
            (state, Command.EXPIRE, "callback_ended", over(state, Outcome.EXPIRED))
            for state in (CallbackState.WAITING, *OUT_OF_LINE)
        ),
        (
            CallbackState.ATTEMPTING,
            Command.FAIL,
            "callback_failed",
            {
                "state": CallbackState.HELD,
                "due_at": EXPIRES,
                "due_reason": DueReason.EXPIRES,
                "attempt_id": None,
                "attempts_count": 1,
                "last_disposition": Disposition.WRONG_PERSON,
                "hold_reason": HoldReason.WRONG_NUMBER,
            },
        ),
        (
            CallbackState.ENDED,
            Command.RETRY,
            "callback_reopened",
            {
                **REOPENED,
                "state": CallbackState.RESTING,
                "due_at": NOW + REST,
                "due_reason": DueReason.REST_OVER,
                "number_index": 1,
            },
        ),
        (
            CallbackState.ENDED,
            Command.CORRECT,
            "callback_reopened",
            {
                **REOPENED,
                "state": CallbackState.HELD,
                "due_at": EXPIRES,
                "due_reason": DueReason.EXPIRES,
                "hold_reason": HoldReason.WRONG_NUMBER,
            },
        ),
        (
            CallbackState.ENDED,
            Command.REVISE,
            "callback_ended",
            {
                "outcome": Outcome.UNREACHED,
                "ended_at": NOW,
                "last_disposition": Disposition.ANSWERED_THEN_LEFT,
            },
        ),
        (CallbackState.ENDED, Command.SCORE, "callback_scored", {"score": 4.5, "resolved": True}),
        *(
            (state, Command.RENUMBER, "callback_renumbered", {"dedup_key": "support/su_2"})
            for state in (CallbackState.WAITING, *OUT_OF_LINE)
        ),
        *(
            (state, Command.CALL_IN, "callback_called_in", {"called_in_id": CALL_ID})
            for state in CallbackState
        ),
        *(
            (state, Command.DONE, "callback_ended", over(state, Outcome.SERVED_ELSEWHERE))
            for state in CallbackState
            if state is not CallbackState.ENDED
        ),
        *(
            (state, Command.MERGE, "callback_ended", over(state, Outcome.REPLACED, merged_into_id=OTHER_ID))
            for state in (CallbackState.WAITING, *OUT_OF_LINE)
        ),
    ],
)
def test_what_a_command_changes(
    state: CallbackState, command: Command, kind: str, changes: dict[str, Any]
) -> None:
    """The fields that change, and no other; and the event says every one of them."""
    before = in_state(state)
    decision = COMMANDS[command](before, NOW)
    assert changed(before, after(decision)) == changes
    event = decision.events[0]
    told = attrs.asdict(event, recurse=False)
    assert told["callback_id"] == CALLBACK_ID
    assert {name: told[name] for name in changes} == changes
    assert (event.kind, event.at, event.version) == (kind, NOW, before.version + 1)
    assert decision.effects == ()
    assert len(decision.events) == len(decision.records)


def test_every_possible_pair_was_looked_at() -> None:
    """The table above leaves out no pair of the matrix."""
    (mark,) = [mark for mark in test_what_a_command_changes.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    assert {(state, command) for state, command, *_ in mark.args[1]} == {
        (state, command) for state, command in POSSIBLE if state is not None
    }


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Command.CANCEL, "changed my mind"),
        (Command.EXPIRE, "callback_life"),
        (Command.GIVE_UP, "attempts_used_up"),
        (Command.COMPLETE, None),
        (Command.REFUSE, "opted_out"),
        (Command.MERGE, "merged"),
        (Command.PLACE, "a VIP"),
        (Command.REQUEUE, "response_window"),
        (Command.OPEN, None),
        (Command.DONE, "by mail"),
        (Command.RETRY, "answered_then_left"),
        (Command.CORRECT, "answered_then_left"),
        (Command.REVISE, "attempts_used_up"),
        (Command.RESCHEDULE, "asked"),
    ],
)
def test_history_says_why(command: Command, reason: str | None) -> None:
    """The customer's or the operator's words, the rule's name, or nothing where the kind says it all."""
    ends = command in {Command.GIVE_UP, Command.COMPLETE}
    state = CallbackState.ATTEMPTING if ends else CallbackState.WAITING
    state = CallbackState.ENDED if command in REOPENS else state
    (event, *_) = COMMANDS[command](in_state(state), NOW).events
    assert getattr(event, "reason", "no such field") == reason


def test_an_attempt_names_its_agent_in_history() -> None:
    """Who was asked is told, though the callback does not keep it."""
    event = only_event(COMMANDS[Command.ATTEMPT](in_state(CallbackState.WAITING), NOW))
    assert (event.attempt_id, event.agent_id) == (ATTEMPT_ID, ANN)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_an_attempt_says_in_history_which_number_is_dialed(index: int) -> None:
    """C6: it is chosen when the turn has come, so the record of before may have another one."""
    book = Book()
    waiting = book.write(promising.request(asked, policy=POLICY, now=START)).records[0]
    assert isinstance(waiting, Callback)
    decision = book.write(COMMANDS[Command.ATTEMPT](attrs.evolve(waiting, number_index=index), NOW))
    assert (after(decision).number_index, only_event(decision).number_index) == (index, index)


def test_attempts_are_counted_on() -> None:
    """A second attempt that counts makes two; one that does not leaves the count."""
    once = attrs.evolve(in_state(CallbackState.ATTEMPTING), attempts_count=1)
    for command in (Command.REST, Command.COMPLETE, Command.GIVE_UP, Command.FAIL):
        assert after(COMMANDS[command](once, NOW)).attempts_count == 2
    assert after(COMMANDS[Command.GIVE_BACK](once, NOW)).attempts_count == 1
    declined = End(Outcome.DECLINED_BY_AGENTS, "all_declined")
    uncounted = lifecycle.attempt_failed(
        once,
        disposition=Disposition.AGENT_UNAVAILABLE,
        step=declined,
        policy=POLICY,
        now=NOW,
        counted=False,
    )
    assert (after(uncounted).outcome, after(uncounted).attempts_count) == (Outcome.DECLINED_BY_AGENTS, 1)


def test_a_rest_says_which_number_is_next_and_who_was_told() -> None:
    """C6, G6: the number in the record and in history; the notice in history alone."""
    step = Rest(REST, 2, NoticeKind.MISSED)
    decision = lifecycle.attempt_failed(
        in_state(CallbackState.ATTEMPTING), disposition=Disposition.BUSY, step=step, policy=POLICY, now=NOW
    )
    event = only_event(decision)
    assert (after(decision).number_index, event.number_index, event.notice) == (2, 2, NoticeKind.MISSED)


def test_an_end_says_what_else_is_to_be_told() -> None:
    """G6: notices, follow-up and no-shows stand in history."""
    told = {"notices": (NoticeKind.UNREACHED,), "follow_up_due_at": NOW + D, "no_shows_count": 2}
    decision = lifecycle.attempt_failed(
        in_state(CallbackState.ATTEMPTING),
        disposition=Disposition.BUSY,
        step=End(Outcome.UNREACHED, "attempts_used_up"),
        policy=POLICY,
        now=NOW,
        ending=told,
    )
    event = only_event(decision)
    assert {name: getattr(event, name) for name in told} == told


@pytest.mark.parametrize("state", [CallbackState.WAITING, *OUT_OF_LINE])
def test_an_expiry_says_what_else_is_to_be_told(state: CallbackState) -> None:
    """G6: in history alone; where nothing is to be told, it tells nothing."""
    told = {"notices": (NoticeKind.UNREACHED,), "follow_up_due_at": NOW + D, "no_shows_count": None}
    expired = lifecycle.expire(in_state(state), ending=told, now=NOW)
    silent = lifecycle.expire(in_state(state), now=NOW)
    event = only_event(expired)
    assert {name: getattr(event, name) for name in told} == told
    assert (event.outcome, event.reason, event.ended_at) == (Outcome.EXPIRED, "callback_life", NOW)
    assert after(expired) == after(silent)
    nothing = {"notices": (), "follow_up_due_at": None, "no_shows_count": None}
    assert {name: getattr(only_event(silent), name) for name in nothing} == nothing


def test_a_second_attempt_keeps_when_the_first_turn_came_and_counts_overtaking_on() -> None:
    """`turn_at` is the first turn; who was passed in either attempt was passed."""
    back = after(COMMANDS[Command.GIVE_BACK](in_state(CallbackState.ATTEMPTING), NOW))
    again = after(COMMANDS[Command.ATTEMPT](back, NOW + M))
    assert (again.turn_at, again.overtook_calls_count, again.overtook_callbacks_count) == (START, 4, 6)


def test_cancelling_twice_changes_nothing() -> None:
    """Whatever reason is given the second time."""
    callback = after(COMMANDS[Command.CANCEL](in_state(CallbackState.WAITING), NOW))
    assert lifecycle.cancel(callback, reason="again", now=NOW + M) == Decision()


@pytest.mark.parametrize("reason", list(HoldReason))
def test_a_hold_is_never_longer_than_its_life(reason: HoldReason) -> None:
    """K1: whatever forbids dialing, and for however long, it ends or is asked again."""
    for until, due_at, why in (
        (NOW + 3 * H, NOW + 3 * H, DueReason.HOLD_OVER),
        (EXPIRES + S, EXPIRES, DueReason.EXPIRES),
    ):
        held = after(lifecycle.hold(in_state(CallbackState.WAITING), reason=reason, until=until, now=NOW))
        assert (held.state, held.hold_reason) == (CallbackState.HELD, reason)
        assert (held.due_at, held.due_reason) == (due_at, why)


def test_a_ticket_is_kept_once() -> None:
    """The first one: a help desk that answers twice changes nothing."""
    ticketed = after(lifecycle.ticket(in_state(CallbackState.WAITING), "T-1", now=NOW))
    assert lifecycle.ticket(ticketed, "T-2", now=NOW) == Decision()


# ---------------------------------------------------------------------------- another place


@pytest.mark.parametrize("state", [CallbackState.WAITING, *OUT_OF_LINE])
def test_another_queue_has_its_own_key_and_clocks(state: CallbackState) -> None:
    """What it is due for in line is by the new policy; out of line it is due for what it was due for."""
    before = in_state(state)
    stand = placing.moved(before, priority=60, lane=5, policy=SALES)
    decision = lifecycle.place(before, CallbackMoved, stand=stand, policy=SALES, reason="busy", now=NOW)
    waits = {"due_at": START + 2 * H} if state is CallbackState.WAITING else {}
    assert changed(before, after(decision)) == {
        "queue": "sales",
        "priority": 60,
        "lane": 5,
        "rank": rank(before.ranked_at, priority=60, policy=SALES),
        "dedup_key": "sales/su_1",
        **waits,
    }
    assert only_event(decision).reason == "busy"


def test_a_queue_that_allows_duplicates_asks_for_no_key() -> None:
    """And the one that refuses them does, for who comes from there."""
    free = attrs.evolve(SALES, duplicates=Duplicates.ALLOW)
    before = in_state(CallbackState.WAITING)
    stand = placing.moved(before, priority=50, lane=0, policy=free)
    there = after(lifecycle.place(before, CallbackMoved, stand=stand, policy=free, now=NOW))
    assert there.dedup_key is None
    stand = placing.moved(there, priority=50, lane=0, policy=POLICY)
    assert after(lifecycle.place(there, CallbackMoved, stand=stand, policy=POLICY, now=NOW)) == attrs.evolve(
        before, version=3, lane=0
    )


@pytest.mark.parametrize("command", [Command.READY, Command.PLACE, Command.OPEN, Command.REQUEUE])
def test_a_queue_that_begins_to_refuse_duplicates_stops_none_that_is_there(command: Command) -> None:
    """A person who has two from before would else hold one key twice, and the second could never go on."""
    state = CallbackState.RESTING if command is Command.READY else CallbackState.WAITING
    before = attrs.evolve(in_state(state), dedup_key=None)
    assert after(COMMANDS[command](before, NOW)).dedup_key is None


def test_who_is_merged_makes_room_first() -> None:
    """The one ends as REPLACED and names the other; the other has the better place; each is told."""
    before, into = in_state(CallbackState.WAITING), requested(OTHER, now=NOW - S)
    stand = placing.merged(into, attrs.evolve(before, priority=7), lane=5, policy=POLICY)
    decision = merging.merge(before, into, stand=stand, policy=POLICY, now=NOW)
    gone, kept = decision.records
    assert isinstance(gone, Callback)
    assert isinstance(kept, Callback)
    assert (gone.callback_id, gone.outcome, gone.merged_into_id) == (CALLBACK_ID, Outcome.REPLACED, OTHER_ID)
    assert changed(into, kept) == {**seven(START - H), "lane": 5}
    assert [event.kind for event in decision.events] == ["callback_ended", "callback_merged"]
    told = attrs.asdict(decision.events[1])
    assert (told["merged_id"], told["reason"]) == (CALLBACK_ID, "merged")


BOB = AgentId("bob")


@pytest.mark.parametrize(
    ("goes_on", "gone", "owner_id", "ticket_id"),
    [
        ({}, {}, None, None),
        ({}, {"owner_id": ANN, "ticket_id": "T-1"}, ANN, "T-1"),
        ({"owner_id": BOB, "ticket_id": "T-2"}, {}, BOB, "T-2"),
        ({"owner_id": BOB, "ticket_id": "T-2"}, {"owner_id": ANN, "ticket_id": "T-1"}, BOB, "T-2"),
        ({"owner_id": BOB}, {"owner_id": ANN, "ticket_id": "T-1"}, BOB, "T-1"),
    ],
)
def test_merging_loses_neither_owner_nor_ticket(
    goes_on: dict[str, Any], gone: dict[str, Any], owner_id: AgentId | None, ticket_id: str | None
) -> None:
    """Each its own, or else that of the one that ends; and history is told."""
    before, into = (
        attrs.evolve(in_state(CallbackState.WAITING), **gone),
        attrs.evolve(requested(OTHER), **goes_on),
    )
    decision = merging.merge(before, into, stand=placing.stand_of(into), policy=POLICY, now=NOW)
    for told in (decision.records[1], decision.events[1]):
        found = attrs.asdict(told, recurse=False)
        assert (found["owner_id"], found["ticket_id"]) == (owner_id, ticket_id)


@pytest.mark.parametrize(
    ("held", "kept"), [("support/su_1", "support/su_1"), ("sales/su_1", None), (None, None)]
)
def test_who_goes_on_without_a_key_takes_over_the_one_that_is_free_now(
    held: str | None, kept: str | None
) -> None:
    """Only the key that would have been its own: the person may ask again in another queue."""
    before = attrs.evolve(in_state(CallbackState.WAITING), dedup_key=held)
    into = attrs.evolve(requested(OTHER), dedup_key=None)
    assert lifecycle.dedup_key(into.subject_id, policy=POLICY) == "support/su_1"
    decision = merging.merge(before, into, stand=placing.stand_of(into), policy=POLICY, now=NOW)
    assert [getattr(record, "dedup_key", "none") for record in decision.records][1] == kept


def test_a_callback_can_be_opened_to_all_before_its_time() -> None:
    """Its preferred agent went away: the same as if its time were over."""
    before = in_state(CallbackState.WAITING)
    stand = placing.opened(before, lane=4)
    assert lifecycle.open_to_all(before, stand=stand, policy=POLICY, now=NOW) == COMMANDS[Command.OPEN](
        before, NOW
    )
    with pytest.raises(NotPossibleNow, match="cannot open in state"):
        lifecycle.open_to_all(in_state(CallbackState.RESTING), stand=stand, policy=POLICY, now=NOW)


@pytest.mark.parametrize("state", [CallbackState.ATTEMPTING, CallbackState.ENDED])
def test_nothing_is_merged_into_what_is_being_attempted_or_over(state: CallbackState) -> None:
    """Nor is the other one ended for it."""
    into, other = in_state(state), requested(OTHER)
    with pytest.raises(NotPossibleNow, match="cannot place in state"):
        merging.merge(other, into, stand=placing.stand_of(into), policy=POLICY, now=NOW)


# ---------------------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("state", "now", "expected"),
    [
        (CallbackState.SCHEDULED, SLOT, CallbackState.WAITING),
        (CallbackState.SCHEDULED, SLOT + D - S, CallbackState.WAITING),
        (CallbackState.SCHEDULED, SLOT + D, Outcome.EXPIRED),
        (CallbackState.RESTING, START + REST, CallbackState.WAITING),
        (CallbackState.RESTING, EXPIRES - S, CallbackState.WAITING),
        (CallbackState.RESTING, EXPIRES, Outcome.EXPIRED),
        (CallbackState.HELD, START + HOLD, CallbackState.WAITING),
        (CallbackState.HELD, EXPIRES, Outcome.EXPIRED),
        (CallbackState.HELD, EXPIRES + D, Outcome.EXPIRED),
        (CallbackState.WAITING, EXPIRES - S, CallbackState.WAITING),
        (CallbackState.WAITING, EXPIRES, Outcome.EXPIRED),
    ],
)
def test_what_time_does(state: CallbackState, now: datetime, expected: CallbackState | Outcome) -> None:
    """It stands in line when its time has come; and expires when its life is over, whatever else was due."""
    record = after(due(in_state(state), now))
    assert expected in {record.state, record.outcome}


CLOCKS = {
    "expires_at": st.integers(1, 90).map(lambda minutes: START + minutes * M),
    "preferred_until_at": st.none() | st.integers(-5, 90).map(lambda minutes: START + minutes * M),
    "waited_long_at": st.none() | st.just(START),
    "turn_at": st.none() | st.integers(-30, 30).map(lambda minutes: START + minutes * M),
    "requested_at": st.integers(-60, 0).map(lambda minutes: START + minutes * M),
    "scheduled_at": st.none() | st.integers(-60, 0).map(lambda minutes: START + minutes * M),
}


def clocks(callback: Callback, policy: QueuePolicy) -> list[tuple[datetime, DueReason]]:
    """Return every clock of a callback that stands in line, as the documentation names them."""
    found = [(callback.expires_at, DueReason.EXPIRES)]
    if callback.preferred_until_at is not None:
        found.append((callback.preferred_until_at, DueReason.PREFERENCE_OVER))
    if callback.waited_long_at is None:
        since = callback.requested_at if callback.scheduled_at is None else callback.scheduled_at
        found.append((since + policy.virtual_wait_max, DueReason.WAITED_LONG))
    if callback.turn_at is not None and policy.response_window is not None:
        found.append((callback.turn_at + policy.response_window, DueReason.WINDOW_OVER))
    return found


@LAW
@given(
    st.fixed_dictionaries(CLOCKS),
    st.sampled_from([POLICY, SALES, attrs.evolve(POLICY, virtual_wait_max=M, response_window=M)]),
)
def test_in_line_it_is_due_for_the_earliest_of_its_clocks(
    fields: dict[str, Any], policy: QueuePolicy
) -> None:
    """Whichever of them run; and after a return of the attempt as after a new place."""
    before = attrs.evolve(in_state(CallbackState.ATTEMPTING), queue=policy.queue, **fields)
    back = after(
        lifecycle.attempt_failed(
            before, disposition=Disposition.CANCELLED_BY_US, step=GoBack(), policy=policy, now=NOW
        )
    )
    assert back.due_at == min(at for at, _ in clocks(before, policy))
    assert (back.due_at, back.due_reason) in clocks(before, policy)
    again = placing.again(back, policy=policy)
    placed = after(lifecycle.place(back, CallbackPrioritized, stand=again, policy=policy, now=NOW))
    assert (placed.due_at, placed.due_reason) == (back.due_at, back.due_reason)


def test_a_preferred_agent_who_did_not_come_is_waited_for_no_longer() -> None:
    """From then on any agent with the skills may serve the place, which is as it was otherwise."""
    before = requested(attrs.evolve(asked, stand=PREFERRED, preferred_agent_id=ANN))
    assert (before.due_at, before.due_reason) == (START + 2 * M, DueReason.PREFERENCE_OVER)
    decision = due(before, START + 2 * M)
    assert changed(before, after(decision)) == {"lane": 4, "preferred_until_at": None, **LONG}
    assert only_event(decision).kind == "callback_opened"


def test_a_preferred_agent_who_declined_leaves_no_place_behind() -> None:
    """The place comes back into a lane of its own whose time is over: it is opened at once."""
    waiting = requested(attrs.evolve(asked, stand=PREFERRED, preferred_agent_id=ANN))
    attempting = after(COMMANDS[Command.ATTEMPT](waiting, START + M))
    back = after(COMMANDS[Command.GIVE_BACK](attempting, START + 3 * M))
    assert (back.lane, back.due_at, back.due_reason) == (9, START + 2 * M, DueReason.PREFERENCE_OVER)
    assert after(due(back, START + 3 * M)).lane == 4


def test_what_was_out_of_the_line_waits_for_its_preferred_agent_again() -> None:
    """For as long as policy says, if that agent is there; and is not stuck with one who is not."""
    resting = attrs.evolve(in_state(CallbackState.RESTING), preferred_agent_id=ANN)
    for own, lane, until in ((9, 9, START + 4 * M), (None, 4, None)):
        ready = after(due(resting, START + REST, lanes=Lanes(open=4, own=own)))
        assert (ready.lane, ready.preferred_until_at) == (lane, until)


@pytest.mark.parametrize("scheduled", [False, True])
def test_a_long_wait_is_marked_once(scheduled: bool) -> None:
    """It keeps its place. The wait counts from asking, or from the chosen time."""
    begin = SLOT if scheduled else START
    before = requested(booked) if scheduled else requested()
    if scheduled:
        before = after(due(before, SLOT))
    late = begin + 45 * M
    assert (before.due_at, before.due_reason) == (late, DueReason.WAITED_LONG)
    marked = due(before, late)
    assert changed(before, after(marked)) == {
        "waited_long_at": late,
        "due_at": begin + D,
        "due_reason": DueReason.EXPIRES,
    }
    assert only_event(marked).kind == "callback_waited_long"


@pytest.mark.parametrize(
    ("where", "first_rank", "ranked_at"),
    [
        (PlaceAfter.KEEP, None, START - H),
        (PlaceAfter.END, None, START + 11 * M),
        (PlaceAfter.FRONT, None, START - H),
        (
            PlaceAfter.FRONT,
            rank(START - 2 * H, priority=50, policy=POLICY),
            START - 2 * H - timedelta(microseconds=1),
        ),
    ],
)
def test_a_turn_that_could_not_be_used_is_over(
    where: PlaceAfter, first_rank: int | None, ranked_at: datetime
) -> None:
    """Queued again where policy says; the next turn has a window of its own."""
    policy = attrs.evolve(POLICY, place_after_window=where)
    back = after(COMMANDS[Command.GIVE_BACK](in_state(CallbackState.ATTEMPTING), START + 11 * M))
    facts = attrs.evolve(facts_for(back, START + 11 * M), first_rank=first_rank)
    decision = lifecycle.due(back, facts=facts, policy=policy, now=START + 11 * M)
    again = after(decision)
    assert (again.turn_at, again.due_at, again.due_reason) == (None, *LONG.values())
    assert (again.ranked_at, again.rank) == (ranked_at, rank(ranked_at, priority=50, policy=policy))
    assert (again.entered_at, again.lane) == (back.entered_at, back.lane)
    assert only_event(decision).kind == "callback_requeued"


def test_a_window_that_policy_closes_later_does_not_hold_it_up() -> None:
    """What is due by a policy of before is done by the policy of now."""
    back = after(COMMANDS[Command.GIVE_BACK](in_state(CallbackState.ATTEMPTING), NOW))
    none = attrs.evolve(POLICY, response_window=None, place_after_window=PlaceAfter.KEEP)
    again = after(due(back, START + 10 * M, policy=none))
    assert (again.turn_at, again.rank, again.due_reason) == (None, back.rank, DueReason.WAITED_LONG)


RULES = {
    Disposition.NO_ANSWER: RetryRule(retries_max=1, rest=M, place=PlaceAfter.END),
    Disposition.AGENT_UNAVAILABLE: RetryRule(retries_max=1, rest=M, place=PlaceAfter.FRONT),
}


@pytest.mark.parametrize(
    ("state", "disposition", "where"),
    [
        (CallbackState.RESTING, Disposition.NO_ANSWER, PlaceAfter.END),
        (CallbackState.RESTING, Disposition.AGENT_UNAVAILABLE, PlaceAfter.FRONT),
        (CallbackState.RESTING, Disposition.BUSY, PlaceAfter.KEEP),
        (CallbackState.RESTING, None, PlaceAfter.KEEP),
        # What was held after a rest has been put where it belongs already.
        (CallbackState.HELD, Disposition.NO_ANSWER, PlaceAfter.KEEP),
        (CallbackState.SCHEDULED, Disposition.NO_ANSWER, PlaceAfter.KEEP),
    ],
)
def test_where_it_stands_after_a_rest(
    state: CallbackState, disposition: Disposition | None, where: PlaceAfter
) -> None:
    """By the rule for what happened; where there is none, as before."""
    policy = attrs.evolve(POLICY, retry_rules=RULES)
    callback = a_callback(state=state, last_disposition=disposition)
    assert lifecycle.where_after(callback, policy=policy) is where


@pytest.mark.parametrize("left", [S, timedelta(0)])
@pytest.mark.parametrize("command", [Command.REST, Command.HOLD])
def test_no_pause_outlives_the_promise(command: Command, left: timedelta) -> None:
    """A rest or a hold that would end after its life is looked at when the life is over."""
    state = CallbackState.ATTEMPTING if command is Command.REST else CallbackState.WAITING
    paused = after(COMMANDS[command](in_state(state), EXPIRES - left))
    assert (paused.due_at, paused.due_reason) == (EXPIRES, DueReason.EXPIRES)
    assert after(due(paused, EXPIRES)).outcome is Outcome.EXPIRED


def test_a_promise_does_not_expire_in_the_middle_of_an_attempt() -> None:
    """An attempt under way when its life is over may still succeed; if it does not, it expires then."""
    attempting = in_state(CallbackState.ATTEMPTING)
    late = EXPIRES + 30 * S
    with pytest.raises(NotPossibleNow):
        lifecycle.expire(attempting, now=late)
    assert after(COMMANDS[Command.COMPLETE](attempting, late)).outcome is Outcome.COMPLETED
    for command in (Command.GIVE_BACK, Command.REST):
        failed = after(COMMANDS[command](attempting, late))
        assert failed.due_at is not None
        assert failed.due_at <= EXPIRES
        assert after(due(failed, late)).outcome is Outcome.EXPIRED


def test_an_attempt_is_overdue_when_its_own_deadlines_must_be_over() -> None:
    """Ringing, a key, prompts, holding, joining, a voicemail, hanging up, two minutes on a line alone; and a minute."""
    policy = QueuePolicy(
        queue=SUPPORT,
        agent_ring_time=17 * S,
        ring_time=31 * S,
        join_time_max=5 * S,
        hang_up_time_max=3 * S,
        confirm_time_max=7 * S,
        prompt_time_max=29 * S,
        customer_hold_max=23 * S,
        retry_rules={Disposition.BUSY: RetryRule()},
    )
    assert (
        lifecycle.attempt_time_max(policy) == (17 + 2 * 31 + 5 + 5 * 3 + 7 + 2 * 29 + 23 + 120 + 120 + 60) * S
    )


# ---------------------------------------------------------------------------- laws

IMMUTABLE = [
    "tenant_id",
    "callback_id",
    "subject_id",
    "call_id",
    "channel",
    "place_id",
    "entered_at",
    "requested_at",
    "scheduled_at",
    "preferred_agent_id",
    "owner_id",
    "request_key",
    "offer_id",
    *(name for name in attrs.fields_dict(Callback) if name.startswith("quoted_")),
]
WITH_ANN = Lanes(open=4, own=9)
STEPS = st.lists(
    st.tuples(st.sampled_from([*COMMANDS, "due", "due with Ann"]), st.integers(0, 3 * 3600)),
    min_size=1,
    max_size=25,
)
ASKED = st.sampled_from(
    [
        asked,
        booked,
        attrs.evolve(asked, call_id=CALL_ID, place_id=PlaceId(CALL_ID), channel=Channel.IN_QUEUE),
        attrs.evolve(asked, stand=PREFERRED, preferred_agent_id=ANN),
    ]
)


@LAW
@given(ASKED, STEPS)
def test_along_any_sequence_of_commands(what: Asked, steps: list[tuple[Command | str, int]]) -> None:
    """Only what is drawn happens; history tells it; entry and promise stay; only COMPLETED can be taken up again."""
    book, now = Book(), START
    book.write(promising.request(what, policy=POLICY, now=START))
    book.write(promising.request(OTHER, policy=POLICY, now=START))
    first = _callback(book)
    for step, seconds in steps:
        before, now = _callback(book), now + seconds * S
        if isinstance(step, Command):
            _command(book, before, step, now)
        elif before.due_at is not None and before.state is not CallbackState.ATTEMPTING:
            now = max(now, before.due_at)
            book.write(due(before, now, lanes=WITH_ANN if step == "due with Ann" else LANES))
            _check_time_went_on(before, _callback(book), now)
        after_it = _callback(book)
        rescheduled = step is Command.RESCHEDULE and after_it != before
        _check_laws(first, before, after_it, rescheduled=rescheduled)
        if rescheduled:
            first = attrs.evolve(first, scheduled_at=now + 3 * H)


def _command(book: Book, before: Callback, step: Command, now: datetime) -> None:
    asked_for = Command.EXPIRE if step in BY_TIME and now >= before.expires_at else step
    if step is Command.DONE and before.outcome in NOT_REACHED:
        asked_for = Command.REVISE  # A person knows better.
    possible = (before.state, asked_for) in POSSIBLE
    over = before.state is CallbackState.ENDED
    nothing_new = (
        (step is Command.CANCEL and before.outcome is Outcome.CANCELLED)
        or (step is Command.DONE and before.outcome is Outcome.SERVED_ELSEWHERE)
        or (step is Command.TICKET and (before.ticket_id is not None or over))
        or (step in REOPENS and over and before.outcome is not Outcome.COMPLETED)
        or (step is Command.SCORE and before.score is not None)
    )
    try:
        decision = book.write(COMMANDS[step](before, now))
    except NotPossibleNow:
        assert not possible
        assert not nothing_new
        return
    assert possible or nothing_new
    assert nothing_new is (decision == Decision())


def _check_time_went_on(before: Callback, record: Callback, now: datetime) -> None:
    """What was due is done: the same clock does not ring twice for the same reason."""
    assert record.version == before.version + 1
    assert record.state in {CallbackState.WAITING, CallbackState.ENDED}
    if record.state is CallbackState.WAITING and before.state is CallbackState.WAITING:
        assert record.due_reason is not before.due_reason
    if now >= before.expires_at:
        assert record.outcome is Outcome.EXPIRED


def _check_laws(first: Callback, before: Callback, record: Callback, *, rescheduled: bool) -> None:
    for name in IMMUTABLE:
        assert (rescheduled and name == "scheduled_at") or getattr(record, name) == getattr(first, name), name
    taken_back = before.state is CallbackState.ENDED and record.state is not CallbackState.ENDED
    assert taken_back or rescheduled or record.expires_at == before.expires_at
    assert record.expires_at >= before.expires_at
    ended = record.state is CallbackState.ENDED
    assert (record.due_at is None) is (record.ended_at is not None) is (record.outcome is not None) is ended
    assert (record.hold_reason is not None) is (record.state is CallbackState.HELD)
    assert (record.merged_into_id is not None) is (record.outcome is Outcome.REPLACED)
    assert record.rank == rank(record.ranked_at, priority=record.priority, policy=POLICY)
    assert (record.lane == 9) is (record.preferred_until_at is not None)
    if not ended:
        assert (record.attempt_id is not None) is (record.state is CallbackState.ATTEMPTING)
    if rescheduled or (before.hold_reason is HoldReason.WRONG_NUMBER and record.attempts_count == 0):
        assert (record.attempts_count, record.number_index) == (
            0,
            0,
        )  # Another time or number: it starts afresh.
    else:
        assert before.attempts_count <= record.attempts_count <= before.attempts_count + 1
    if before.state is CallbackState.ENDED and before.outcome is not Outcome.COMPLETED:
        later = ["version", "score", "resolved", "called_in_id"]
        if record.outcome is not before.outcome:
            assert (before.outcome in NOT_REACHED, record.outcome) == (True, Outcome.SERVED_ELSEWHERE)
            later += ["outcome", "ended_at"]
        assert record == attrs.evolve(before, **{name: getattr(record, name) for name in later})
    if record.state is CallbackState.WAITING:
        assert record.due_at == min(at for at, _ in clocks(record, POLICY))
    elif record.due_at is not None and record.state is not CallbackState.ATTEMPTING:
        assert record.due_at <= record.expires_at


@LAW
@given(ASKED, STEPS)
def test_nothing_is_forgotten(what: Asked, steps: list[tuple[Command | str, int]]) -> None:
    """However far it got: if only time goes on, a promise is over within its life and one attempt."""
    book, now = Book(), START
    book.write(promising.request(what, policy=POLICY, now=START))
    book.write(promising.request(OTHER, policy=POLICY, now=START))
    for step, seconds in steps:
        now += seconds * S
        callback = _callback(book)
        if isinstance(step, Command) and (callback.state, step) in POSSIBLE:
            book.write(COMMANDS[step](callback, now))
    for _ in range(8):
        callback = _callback(book)
        if callback.due_at is None:
            break
        now = max(now, callback.due_at)
        if callback.state is CallbackState.ATTEMPTING:
            book.write(COMMANDS[Command.GIVE_BACK](callback, now))
        else:
            book.write(due(callback, now))
    assert _callback(book).state is CallbackState.ENDED


def _callback(book: Book) -> Callback:
    record = book.records[Entity.CALLBACK, CALLBACK_ID]
    assert isinstance(record, Callback)
    return record
