"""The life of a callback: the whole matrix of states and commands, and what holds along any sequence of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core import lifecycle
from callbackq.core.decision import Decision
from callbackq.core.lifecycle import TRANSITIONS, Asked, Command
from callbackq.core.ordering import rank
from callbackq.core.retry import End, GoBack, Rest
from callbackq.errors import NotPossibleNow
from callbackq.ids import DEFAULT_TENANT, SubjectId
from callbackq.model import (
    Callback,
    CallbackState,
    Channel,
    Disposition,
    DueReason,
    Entity,
    HoldReason,
    Outcome,
    Position,
    Wait,
)
from callbackq.policy import Duplicates, QueuePolicy, RetryRule
from core.samples import (
    ANN,
    ATTEMPT_ID,
    CALL_ID,
    CALLBACK_ID,
    LAW,
    POLICY,
    START,
    SUPPORT,
    Book,
    D,
    H,
    M,
    S,
    a_call,
    a_callback,
    changed,
    only_event,
    only_record,
)

NOW = START + M
EXPIRES = START + D

# The columns are the commands in the order of `Command`; the letters are the first ones of the state after it.
COLUMNS = "request schedule ready hold attempt look_again give_back rest complete give_up cancel expire"
MATRIX = """
    nothing     W S - - - - - - - - - -
    scheduled   - - W - - - - - - - E E
    waiting     - - - H A - - - - - E E
    attempting  - - - - - A W R E E E -
    resting     - - W - - - - - - - E E
    held        - - W - - - - - - - E E
    ended       - - - - - - - - - - - -
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

asked = Asked(
    tenant_id=DEFAULT_TENANT,
    callback_id=CALLBACK_ID,
    subject_id=SubjectId("su_1"),
    channel=Channel.WEB,
    request_key="key-1",
    priority=50,
    lane=3,
    entered_at=START - H,
    scheduled_at=None,
    call=None,
    position=Position(number=4),
    wait=Wait(mean_s=90.0, low_s=30.0, high_s=180.0),
)
UNKNOWN_WAIT = Wait(mean_s=None, low_s=None, high_s=None)


def in_state(state: CallbackState) -> Callback:
    """Return a callback that got into *state* by commands."""
    waiting = only_record(lifecycle.request(asked, policy=POLICY, now=START))
    match state:
        case CallbackState.SCHEDULED:
            later = attrs.evolve(asked, scheduled_at=START + 3 * H, position=None, wait=UNKNOWN_WAIT)
            record = only_record(lifecycle.request(later, policy=POLICY, now=START))
        case CallbackState.WAITING:
            record = waiting
        case CallbackState.ATTEMPTING:
            record = only_record(COMMANDS[Command.ATTEMPT](waiting, START))
        case CallbackState.RESTING:
            record = only_record(COMMANDS[Command.REST](in_state(CallbackState.ATTEMPTING), START))
        case CallbackState.HELD:
            record = only_record(COMMANDS[Command.HOLD](waiting, START))
        case CallbackState.ENDED:
            record = only_record(COMMANDS[Command.COMPLETE](in_state(CallbackState.ATTEMPTING), START))
    assert record.state is state
    assert isinstance(record, Callback)
    return record


REST = 2 * M
HOLD = 30 * S

COMMANDS: dict[Command, Callable[[Callback, datetime], Decision]] = {
    Command.READY: lambda callback, now: lifecycle.ready(callback, now=now),
    Command.HOLD: lambda callback, now: lifecycle.hold(
        callback, reason=HoldReason.NUMBER_IN_USE, until=now + HOLD, now=now
    ),
    Command.ATTEMPT: lambda callback, now: lifecycle.attempt(
        callback, attempt_id=ATTEMPT_ID, agent_id=ANN, policy=POLICY, now=now
    ),
    Command.LOOK_AGAIN: lambda callback, now: lifecycle.look_again(callback, at=now + HOLD, now=now),
    Command.GIVE_BACK: lambda callback, now: lifecycle.attempt_failed(
        callback, disposition=Disposition.AGENT_UNAVAILABLE, step=GoBack(), now=now
    ),
    Command.REST: lambda callback, now: lifecycle.attempt_failed(
        callback, disposition=Disposition.NO_ANSWER, step=Rest(REST), now=now
    ),
    Command.COMPLETE: lambda callback, now: lifecycle.complete(callback, now=now),
    Command.GIVE_UP: lambda callback, now: lifecycle.attempt_failed(
        callback, disposition=Disposition.BUSY, step=End(Outcome.UNREACHED, "attempts_used_up"), now=now
    ),
    Command.CANCEL: lambda callback, now: lifecycle.cancel(callback, reason="changed my mind", now=now),
    Command.EXPIRE: lambda callback, now: lifecycle.expire(callback, now=now),
}

# ---------------------------------------------------------------------------- the matrix


def test_the_table_is_the_drawn_matrix() -> None:
    """Exactly the pairs that are drawn here are possible, with exactly these states after them."""
    assert set(matrix()) == {(state, command) for state in (None, *CallbackState) for command in Command}
    assert dict(TRANSITIONS) == POSSIBLE


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("state", CallbackState)
def test_a_command_is_possible_exactly_where_it_is_drawn(state: CallbackState, command: Command) -> None:
    """Possible: the state is the one drawn. Impossible: refused, naming the command, the state, what is allowed."""
    callback = in_state(state)
    after = matrix()[state, command]
    if after is not None:
        assert only_record(COMMANDS[command](callback, NOW)).state is after
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
    with pytest.raises(NotPossibleNow, match=r"^cannot give up in state 'held'; allowed in: attempting$"):
        COMMANDS[Command.GIVE_UP](in_state(CallbackState.HELD), NOW)
    with pytest.raises(NotPossibleNow) as caught:
        lifecycle.cancel(in_state(CallbackState.ENDED), reason=None, now=NOW)
    assert str(caught.value) == (
        "cannot cancel in state 'ended'; allowed in: attempting, held, resting, scheduled, waiting"
    )


# ---------------------------------------------------------------------------- what each command does


def test_a_promise_is_made_from_what_was_asked() -> None:
    """As soon as possible: WAITING, ranked by entry and priority, living from now, with what was quoted."""
    decision = lifecycle.request(asked, policy=POLICY, now=START)
    assert only_record(decision) == Callback(
        tenant_id=DEFAULT_TENANT,
        callback_id=CALLBACK_ID,
        version=1,
        state=CallbackState.WAITING,
        queue=SUPPORT,
        subject_id=SubjectId("su_1"),
        call_id=None,
        channel=Channel.WEB,
        mode=POLICY.mode,
        priority=50,
        lane=3,
        place_id=CALLBACK_ID,
        entered_at=START - H,
        requested_at=START,
        ranked_at=START - H,
        rank=rank(START - H, priority=50, policy=POLICY),
        scheduled_at=None,
        expires_at=START + D,
        dedup_key="support/su_1",
        request_key="key-1",
        quoted_position=4,
        quoted_wait_s=90.0,
        quoted_wait_low_s=30.0,
        quoted_wait_high_s=180.0,
        due_at=START + D,
        due_reason=DueReason.EXPIRES,
    )
    assert only_event(decision).kind == "callback_requested"
    assert decision.effects == ()
    Book().write(decision)


def test_a_live_call_gives_its_place() -> None:
    """Entry time, rank, and what breaks its ties are the call's: also a rank of another policy."""
    call = a_call(entered_at=START - 2 * H, ranked_at=START - 3 * H, rank=-123)
    from_call = attrs.evolve(asked, call=call, entered_at=call.entered_at, channel=Channel.IN_QUEUE)
    callback = only_record(lifecycle.request(from_call, policy=POLICY, now=START))
    assert (callback.call_id, callback.place_id) == (CALL_ID, CALL_ID)
    assert (callback.entered_at, callback.ranked_at, callback.rank) == (START - 2 * H, START - 3 * H, -123)
    assert callback.channel is Channel.IN_QUEUE


@pytest.mark.parametrize("call", [None, a_call(rank=-123)])
def test_a_promise_for_a_chosen_time_is_ranked_from_that_time(call: Any) -> None:
    """SCHEDULED, living from that time on; the place of a live call is given up for it."""
    at = START + 3 * H
    later = attrs.evolve(asked, scheduled_at=at, call=call, position=None, wait=UNKNOWN_WAIT)
    decision = lifecycle.request(later, policy=POLICY, now=START)
    callback = only_record(decision)
    assert callback.state is CallbackState.SCHEDULED
    assert (callback.due_at, callback.due_reason) == (at, DueReason.SCHEDULED)
    assert (callback.scheduled_at, callback.expires_at) == (at, at + D)
    assert (callback.ranked_at, callback.rank) == (at, rank(at, priority=50, policy=POLICY))
    assert callback.entered_at == START - H
    assert callback.place_id == CALLBACK_ID
    assert callback.call_id == (call.call_id if call else None)
    assert callback.quoted_position is None
    Book().write(decision)


def test_duplicates_may_be_allowed() -> None:
    """Then no key forbids a second one."""
    policy = QueuePolicy(queue=SUPPORT, duplicates=Duplicates.ALLOW)
    assert only_record(lifecycle.request(asked, policy=policy, now=START)).dedup_key is None


def test_one_person_has_one_key_in_each_queue() -> None:
    """Equal for the same person and queue; different otherwise."""
    sales = QueuePolicy(queue="sales")
    keys = [
        lifecycle.dedup_key(SubjectId(subject), policy=policy)
        for subject in ("su_1", "su_2")
        for policy in (POLICY, sales)
    ]
    assert len(set(keys)) == 4
    assert lifecycle.dedup_key(SubjectId("su_1"), policy=POLICY) == keys[0]


EXPIRY = {"due_at": EXPIRES, "due_reason": DueReason.EXPIRES}
IN_LINE = {"state": CallbackState.WAITING, **EXPIRY}
ENDED = {"state": CallbackState.ENDED, "due_at": None, "due_reason": None, "ended_at": NOW}
OVERDUE_AT = NOW + 20 * S + 2 * 45 * S + 10 * S + 5 * 10 * S + M


@pytest.mark.parametrize(
    ("state", "command", "kind", "changes"),
    [
        (
            CallbackState.SCHEDULED,
            Command.READY,
            "callback_ready",
            {"state": CallbackState.WAITING, "due_at": START + 3 * H + D, "due_reason": DueReason.EXPIRES},
        ),
        (CallbackState.RESTING, Command.READY, "callback_ready", IN_LINE),
        (CallbackState.HELD, Command.READY, "callback_ready", {**IN_LINE, "hold_reason": None}),
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
            },
        ),
        (
            CallbackState.ATTEMPTING,
            Command.LOOK_AGAIN,
            "callback_watched",
            {"due_at": NOW + HOLD},
        ),
        (
            CallbackState.ATTEMPTING,
            Command.GIVE_BACK,
            "callback_returned",
            {**IN_LINE, "attempt_id": None, "last_disposition": Disposition.AGENT_UNAVAILABLE},
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
        (
            CallbackState.ATTEMPTING,
            Command.GIVE_UP,
            "callback_ended",
            {
                **ENDED,
                "outcome": Outcome.UNREACHED,
                "attempts_count": 1,
                "last_disposition": Disposition.BUSY,
            },
        ),
        *(
            (state, Command.CANCEL, "callback_ended", {**ENDED, "outcome": Outcome.CANCELLED})
            for state in CallbackState
            if state not in {CallbackState.ENDED, CallbackState.HELD}
        ),
        (
            CallbackState.HELD,
            Command.CANCEL,
            "callback_ended",
            {**ENDED, "outcome": Outcome.CANCELLED, "hold_reason": None},
        ),
        *(
            (state, Command.EXPIRE, "callback_ended", {**ENDED, "outcome": Outcome.EXPIRED})
            for state in (CallbackState.SCHEDULED, CallbackState.WAITING, CallbackState.RESTING)
        ),
        (
            CallbackState.HELD,
            Command.EXPIRE,
            "callback_ended",
            {**ENDED, "outcome": Outcome.EXPIRED, "hold_reason": None},
        ),
    ],
)
def test_what_a_command_changes(
    state: CallbackState, command: Command, kind: str, changes: dict[str, Any]
) -> None:
    """The fields that change, and no other; and the event says every one of them."""
    before = in_state(state)
    decision = COMMANDS[command](before, NOW)
    assert changed(before, only_record(decision)) == changes
    event = only_event(decision)
    told = attrs.asdict(event, recurse=False)
    assert {name: told[name] for name in changes} == changes
    assert (event.kind, event.at, event.version) == (kind, NOW, before.version + 1)
    assert decision.effects == ()


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
    ],
)
def test_history_says_why_it_ended(command: Command, reason: str | None) -> None:
    """The customer's words, the rule's name, or nothing where all went well."""
    state = CallbackState.WAITING if command in {Command.CANCEL, Command.EXPIRE} else CallbackState.ATTEMPTING
    assert only_event(COMMANDS[command](in_state(state), NOW)).reason == reason


def test_an_attempt_names_its_agent_in_history() -> None:
    """Who was asked is told, though the callback does not keep it."""
    event = only_event(COMMANDS[Command.ATTEMPT](in_state(CallbackState.WAITING), NOW))
    assert (event.attempt_id, event.agent_id) == (ATTEMPT_ID, ANN)


def test_attempts_are_counted_on() -> None:
    """A second attempt that counts makes two; one that does not leaves the count."""
    once = attrs.evolve(in_state(CallbackState.ATTEMPTING), attempts_count=1)
    for command in (Command.REST, Command.COMPLETE, Command.GIVE_UP):
        assert only_record(COMMANDS[command](once, NOW)).attempts_count == 2
    assert only_record(COMMANDS[Command.GIVE_BACK](once, NOW)).attempts_count == 1


def test_cancelling_twice_changes_nothing() -> None:
    """Whatever reason is given the second time."""
    callback = only_record(lifecycle.cancel(in_state(CallbackState.WAITING), reason=None, now=NOW))
    assert lifecycle.cancel(callback, reason="again", now=NOW + M) == Decision()


# ---------------------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("state", "now", "after"),
    [
        (CallbackState.SCHEDULED, START + 3 * H, CallbackState.WAITING),
        (CallbackState.SCHEDULED, START + 3 * H + D - S, CallbackState.WAITING),
        (CallbackState.SCHEDULED, START + 3 * H + D, Outcome.EXPIRED),
        (CallbackState.RESTING, START + REST, CallbackState.WAITING),
        (CallbackState.RESTING, EXPIRES - S, CallbackState.WAITING),
        (CallbackState.RESTING, EXPIRES, Outcome.EXPIRED),
        (CallbackState.HELD, START + HOLD, CallbackState.WAITING),
        (CallbackState.HELD, EXPIRES, Outcome.EXPIRED),
        (CallbackState.HELD, EXPIRES + D, Outcome.EXPIRED),
        (CallbackState.WAITING, EXPIRES, Outcome.EXPIRED),
    ],
)
def test_what_time_does(state: CallbackState, now: datetime, after: CallbackState | Outcome) -> None:
    """It stands in line when its time has come; and expires when its life is over, whatever else was due."""
    decision = lifecycle.due(in_state(state), now=now)
    assert after in {only_record(decision).state, only_record(decision).outcome}


@pytest.mark.parametrize("left", [S, timedelta(0)])
@pytest.mark.parametrize("command", [Command.REST, Command.HOLD])
def test_no_pause_outlives_the_promise(command: Command, left: timedelta) -> None:
    """A rest or a hold that would end after its life is looked at when the life is over."""
    state = CallbackState.ATTEMPTING if command is Command.REST else CallbackState.WAITING
    paused = only_record(COMMANDS[command](in_state(state), EXPIRES - left))
    assert (paused.due_at, paused.due_reason) == (EXPIRES, DueReason.EXPIRES)
    assert only_record(lifecycle.due(paused, now=EXPIRES)).outcome is Outcome.EXPIRED


def test_a_promise_does_not_expire_in_the_middle_of_an_attempt() -> None:
    """An attempt under way when its life is over may still succeed; if it does not, it expires then."""
    attempting = in_state(CallbackState.ATTEMPTING)
    late = EXPIRES + 30 * S
    with pytest.raises(NotPossibleNow):
        lifecycle.expire(attempting, now=late)
    assert only_record(COMMANDS[Command.COMPLETE](attempting, late)).outcome is Outcome.COMPLETED
    for command in (Command.GIVE_BACK, Command.REST):
        failed = only_record(COMMANDS[command](attempting, late))
        assert (failed.due_at, failed.due_reason) == (EXPIRES, DueReason.EXPIRES)
        assert only_record(lifecycle.due(failed, now=late)).outcome is Outcome.EXPIRED


def test_an_attempt_is_overdue_when_its_own_deadlines_must_be_over() -> None:
    """Ringing, joining, and every time a leg may take to end; with a minute to spare."""
    policy = QueuePolicy(
        queue=SUPPORT,
        agent_ring_time=17 * S,
        ring_time=31 * S,
        join_time_max=5 * S,
        hang_up_time_max=3 * S,
        retry_rules={Disposition.BUSY: RetryRule()},
    )
    assert lifecycle.attempt_time_max(policy) == (17 + 2 * 31 + 5 + 5 * 3 + 60) * S


# ---------------------------------------------------------------------------- laws

MUTABLE = {
    "version",
    "state",
    "attempt_id",
    "attempts_count",
    "last_disposition",
    "hold_reason",
    "outcome",
    "ended_at",
    "due_at",
    "due_reason",
}
IMMUTABLE = [name for name in attrs.fields_dict(Callback) if name not in MUTABLE]

STEPS = st.lists(
    st.tuples(st.sampled_from([*COMMANDS, "due"]), st.integers(0, 3 * 3600)), min_size=1, max_size=25
)


@LAW
@given(st.sampled_from([None, START + 3 * H]), st.booleans(), STEPS)
def test_along_any_sequence_of_commands(
    scheduled_at: datetime | None, from_call: bool, steps: list[tuple[Command | str, int]]
) -> None:
    """Only what is drawn happens; history tells it; place, rank and promise stay; ENDED is the end."""
    call = a_call(rank=-5) if from_call else None
    book, now = Book(), START
    book.write(
        lifecycle.request(attrs.evolve(asked, scheduled_at=scheduled_at, call=call), policy=POLICY, now=START)
    )
    first = _callback(book)
    for step, seconds in steps:
        before, now = _callback(book), now + seconds * S
        if isinstance(step, Command):
            possible = (before.state, step) in POSSIBLE
            again = step is Command.CANCEL and before.outcome is Outcome.CANCELLED
            try:
                decision = book.write(COMMANDS[step](before, now))
                assert possible or again
                assert again is (decision == Decision())
            except NotPossibleNow:
                assert not possible
        elif before.due_at is not None and before.state is not CallbackState.ATTEMPTING:
            now = max(now, before.due_at)
            book.write(lifecycle.due(before, now=now))
        _check_laws(first, before, _callback(book))


def _check_laws(first: Callback, before: Callback, after: Callback) -> None:
    for name in IMMUTABLE:
        assert getattr(after, name) == getattr(first, name), name
    over = after.state is CallbackState.ENDED
    assert (after.due_at is None) is (after.ended_at is not None) is (after.outcome is not None) is over
    assert (after.hold_reason is not None) is (after.state is CallbackState.HELD)
    if not over:
        assert (after.attempt_id is not None) is (after.state is CallbackState.ATTEMPTING)
    assert before.attempts_count <= after.attempts_count <= before.attempts_count + 1
    if before.state is CallbackState.ENDED:
        assert after == before
    if after.due_at is not None and after.state is not CallbackState.ATTEMPTING:
        assert after.due_at <= after.expires_at


@LAW
@given(STEPS)
def test_nothing_is_forgotten(steps: list[tuple[Command | str, int]]) -> None:
    """However far it got: if only time goes on, a promise is over within its life and one attempt."""
    book, now = Book(), START
    book.write(lifecycle.request(asked, policy=POLICY, now=START))
    for step, seconds in steps:
        now += seconds * S
        callback = _callback(book)
        if isinstance(step, Command) and (callback.state, step) in POSSIBLE:
            book.write(COMMANDS[step](callback, now))
    for _ in range(4):
        callback = _callback(book)
        if callback.due_at is None:
            break
        now = max(now, callback.due_at)
        if callback.state is CallbackState.ATTEMPTING:
            book.write(COMMANDS[Command.GIVE_BACK](callback, now))
        else:
            book.write(lifecycle.due(callback, now=now))
    assert _callback(book).state is CallbackState.ENDED


def _callback(book: Book) -> Callback:
    record = book.records[Entity.CALLBACK, CALLBACK_ID]
    assert isinstance(record, Callback)
    return record


def test_the_sample_is_like_a_promise() -> None:
    """The sample that other tests use is a callback that the rules could have made."""
    made = only_record(
        lifecycle.request(
            attrs.evolve(
                asked,
                priority=100,
                lane=0,
                entered_at=START,
                request_key=None,
                position=None,
                wait=UNKNOWN_WAIT,
            ),
            policy=POLICY,
            now=START,
        )
    )
    assert attrs.evolve(made, rank=-1, dedup_key=None) == a_callback()


def test_a_number_in_use_is_waited_for_as_policy_says() -> None:
    """It steps out of the line for as long as the policy says, and no longer than it lives."""
    policy = attrs.evolve(POLICY, number_in_use_hold=90 * S)
    held = only_record(lifecycle.hold_for_number(in_state(CallbackState.WAITING), policy=policy, now=NOW))
    assert (held.state, held.hold_reason) == (CallbackState.HELD, HoldReason.NUMBER_IN_USE)
    assert held.due_at == NOW + 90 * S
