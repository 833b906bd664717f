"""What people say afterwards: it was no conversation, it is another number, it is done, it went well."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
import pytest

from callbackq.core import lifecycle, placing, promising, settling
from callbackq.core.decision import Decision
from callbackq.core.retry import Correct, End, NextStep, Rest
from callbackq.errors import NotPossibleNow
from callbackq.ids import AttemptId, CallbackId, CallId
from callbackq.model import (
    Ahead,
    Attempt,
    AttemptState,
    Callback,
    CallbackState,
    Disposition,
    DueReason,
    HoldReason,
    NoticeKind,
    Outcome,
)
from callbackq.policy import QueuePolicy
from core.samples import (
    ANN,
    ATTEMPT_ID,
    CALL_ID,
    START,
    SUPPORT,
    Book,
    D,
    H,
    M,
    a_callback,
    an_attempt,
    asked_for,
    changed,
    only_event,
    only_record,
)

POLICY = QueuePolicy(queue=SUPPORT)
NOW = START + H
EXPIRES = START + D
LIFE = 2 * D
_S, _D = CallbackState, Disposition

COMPLETED = a_callback(
    state=_S.ENDED,
    attempt_id=ATTEMPT_ID,
    attempts_count=1,
    last_disposition=_D.CONNECTED,
    outcome=Outcome.COMPLETED,
    ended_at=START + M,
    dedup_key="support/su_1",
    due_at=None,
    due_reason=None,
)
OTHER = a_callback(callback_id=CallbackId("cb_2"), dedup_key="support/su_1")
"""Another callback of the same person, who asked again meanwhile."""


def said(disposition: Disposition, **changes: Any) -> Attempt:
    fields = {"state": AttemptState.ENDED, "disposition": disposition, "due_at": None, "due_reason": None}
    return an_attempt(**{**fields, **changes})


# ---------------------------------------------------------------------------- taking it back


@pytest.mark.parametrize("disposition", list(Disposition))
def test_what_was_no_conversation(disposition: Disposition) -> None:
    """C9: a machine, a fax, somebody else, nobody any more, or nobody knows; nothing else can be said afterwards."""
    no_conversation = {_D.MACHINE, _D.FAX, _D.WRONG_PERSON, _D.ANSWERED_THEN_LEFT, _D.UNKNOWN}
    assert settling.may_reopen(COMPLETED, said(disposition)) is (disposition in no_conversation)
    assert no_conversation == settling.NO_CONVERSATION


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_what_was_done_can_be_taken_back(outcome: Outcome) -> None:
    """What ended in another way stays ended."""
    callback = attrs.evolve(COMPLETED, outcome=outcome)
    assert settling.may_reopen(callback, said(_D.WRONG_PERSON)) is (outcome is Outcome.COMPLETED)


@pytest.mark.parametrize(
    "callback",
    [
        attrs.evolve(COMPLETED, attempt_id=AttemptId("at_2")),
        attrs.evolve(COMPLETED, attempt_id=None),
        a_callback(state=_S.ATTEMPTING, attempt_id=ATTEMPT_ID),
        a_callback(state=_S.RESTING),
    ],
)
def test_only_the_attempt_that_kept_it_can_take_it_back(callback: Callback) -> None:
    """A word about an earlier attempt changes nothing of the later one."""
    assert not settling.may_reopen(callback, said(_D.WRONG_PERSON))


def reopen(
    step: NextStep,
    disposition: Disposition = _D.WRONG_PERSON,
    *,
    callback: Callback = COMPLETED,
    held_by: Callback | None = None,
    now: datetime = NOW,
    **more: Any,
) -> Decision:
    return settling.reopen(
        callback, said(disposition), step=step, held_by=held_by, by="ann", life=LIFE, now=now, **more
    )


TAKEN_BACK = {"attempt_id": None, "outcome": None, "ended_at": None}


@pytest.mark.parametrize(
    ("step", "disposition", "kind", "changes", "reason"),
    [
        (
            Rest(2 * M, 1),
            _D.ANSWERED_THEN_LEFT,
            "callback_reopened",
            {
                **TAKEN_BACK,
                "state": _S.RESTING,
                "due_at": NOW + 2 * M,
                "due_reason": DueReason.REST_OVER,
                "expires_at": NOW + LIFE,
                "number_index": 1,
            },
            "answered_then_left",
        ),
        (
            Correct(),
            _D.WRONG_PERSON,
            "callback_reopened",
            {
                **TAKEN_BACK,
                "state": _S.HELD,
                "due_at": NOW + LIFE,
                "due_reason": DueReason.EXPIRES,
                "expires_at": NOW + LIFE,
                "hold_reason": HoldReason.WRONG_NUMBER,
            },
            "wrong_person",
        ),
        (
            End(Outcome.UNREACHED, "no_retry_after_machine"),
            _D.MACHINE,
            "callback_ended",
            {"outcome": Outcome.UNREACHED, "ended_at": NOW},
            "no_retry_after_machine",
        ),
    ],
)
def test_a_promise_is_taken_up_again(
    step: NextStep, disposition: Disposition, kind: str, changes: dict[str, Any], reason: str
) -> None:
    """C9, N7: it rests, waits for another number, or ended as something else; history says who said so, and why."""
    decision = reopen(step, disposition)
    assert changed(COMPLETED, only_record(decision)) == {**changes, "last_disposition": disposition}
    event = only_event(decision)
    told = attrs.asdict(event, recurse=False)
    assert {name: told[name] for name in changes} == changes
    assert (event.kind, event.by, event.reason, event.at) == (kind, "ann", reason, NOW)
    assert decision.effects == ()


def test_an_end_that_is_revised_says_who_is_told() -> None:
    """G6: the notices of the end stand in history, as of any other end."""
    told = {"notices": (NoticeKind.UNREACHED,), "follow_up_due_at": NOW + D, "no_shows_count": None}
    event = only_event(reopen(End(Outcome.UNREACHED, "attempts_used_up"), _D.FAX, ending=told))
    assert {name: getattr(event, name) for name in told} == told
    assert event.by == "ann"


@pytest.mark.parametrize("step", [Rest(2 * M, 1), Correct(), End(Outcome.UNREACHED, "attempts_used_up")])
def test_who_asked_again_meanwhile_is_not_called_twice(step: NextStep) -> None:
    """The other callback holds the key and stands for this one as well; history says who said so."""
    decision = reopen(step, held_by=OTHER, ending={"notices": (NoticeKind.UNREACHED,)})
    assert changed(COMPLETED, only_record(decision)) == {
        "outcome": Outcome.REPLACED,
        "ended_at": NOW,
        "last_disposition": _D.WRONG_PERSON,
        "merged_into_id": "cb_2",
    }
    event = only_event(decision)
    assert (event.outcome, event.merged_into_id, event.reason) == (Outcome.REPLACED, "cb_2", "asked_again")
    assert (event.by, event.notices) == ("ann", ())


@pytest.mark.parametrize("step", [Rest(2 * M), Correct()])
@pytest.mark.parametrize(
    ("expires_at", "lives_until"),
    [
        (EXPIRES, NOW + LIFE),
        (NOW - M, NOW + LIFE),
        (NOW + LIFE, NOW + LIFE),
        (NOW + LIFE + M, NOW + LIFE + M),
    ],
)
def test_what_is_taken_up_again_has_time_to_live(
    step: NextStep, expires_at: datetime, lives_until: datetime
) -> None:
    """Also where that is said when its life would be over; and one that lives longer is not made shorter."""
    record = only_record(reopen(step, callback=attrs.evolve(COMPLETED, expires_at=expires_at)))
    assert record.expires_at == lives_until
    rests = isinstance(step, Rest)
    assert record.due_at == (NOW + 2 * M if rests else lives_until)


def test_a_rest_ends_with_its_life_at_the_latest() -> None:
    """A rest of a week is over when two days are."""
    record = only_record(reopen(Rest(7 * D)))
    assert (record.due_at, record.due_reason) == (NOW + LIFE, DueReason.EXPIRES)


@pytest.mark.parametrize("step", [Rest(2 * M), Correct(), End(Outcome.UNREACHED, "attempts_used_up")])
def test_what_stays_over_lives_no_longer(step: NextStep) -> None:
    """What was asked again, or cannot be tried again, keeps the end of its life."""
    held_by = None if isinstance(step, End) else OTHER
    assert only_record(reopen(step, held_by=held_by)).expires_at == EXPIRES


@pytest.mark.parametrize("state", [state for state in CallbackState if state is not _S.ENDED])
@pytest.mark.parametrize(
    ("step", "command"),
    [
        (Rest(M), "retry"),
        (Correct(), "correct"),
        (End(Outcome.UNREACHED, "attempts_used_up"), "revise"),
    ],
)
def test_what_is_not_over_cannot_be_taken_back(state: CallbackState, step: NextStep, command: str) -> None:
    """Refused, not done by halves."""
    with pytest.raises(NotPossibleNow, match=rf"^cannot {command} in state '{state}'; allowed in: ended$"):
        reopen(step, callback=a_callback(state=state, attempt_id=ATTEMPT_ID))


def test_history_tells_the_whole_story() -> None:
    """Kept, taken back, corrected, in line again, kept, scored: the fold of the history is the row at every step."""
    book = Book()
    book.write(promising.request(asked_for(), policy=POLICY, now=START))

    def callback() -> Callback:
        record = next(iter(book.records.values()))
        assert isinstance(record, Callback)
        return record

    def kept(attempt_id: AttemptId) -> None:
        attempt = lifecycle.attempt(
            callback(), attempt_id=attempt_id, agent_id=ANN, overtook=Ahead(), policy=POLICY, now=NOW
        )
        book.write(attempt)
        book.write(lifecycle.complete(callback(), now=NOW))

    kept(ATTEMPT_ID)
    book.write(reopen(Correct(), callback=callback()))
    book.write(settling.renumber(callback(), dedup_key="support/su_1", by="ann", now=NOW))
    ready = lifecycle.ready(callback(), stand=placing.stand_of(callback()), policy=POLICY, now=NOW, by="ann")
    book.write(ready)
    assert (callback().state, callback().hold_reason, callback().attempts_count) == (_S.WAITING, None, 0)
    kept(AttemptId("at_2"))
    book.write(settling.score(callback(), score=4.0, resolved=True, by=None, now=NOW))
    assert (callback().outcome, callback().attempts_count, callback().score) == (Outcome.COMPLETED, 1, 4.0)
    assert len(book.events) == callback().version == 9


# ---------------------------------------------------------------------------- another number

OPEN = [_S.SCHEDULED, _S.WAITING, _S.RESTING, _S.HELD]


@pytest.mark.parametrize("state", OPEN)
def test_a_promise_goes_to_another_number(state: CallbackState) -> None:
    """C10: state, place and clocks are as they were; the main number is dialed next, and the attempts stay counted."""
    before = a_callback(state=state, attempts_count=1, number_index=2, due_at=NOW + M)
    decision = settling.renumber(before, dedup_key="support/su_2", by="ann", now=NOW)
    assert changed(before, only_record(decision)) == {"number_index": 0, "dedup_key": "support/su_2"}
    event = only_event(decision)
    assert (event.kind, event.by, event.dedup_key) == ("callback_renumbered", "ann", "support/su_2")
    assert (event.number_index, event.attempts_count) == (0, 1)


@pytest.mark.parametrize(
    ("reason", "count"),
    [(HoldReason.WRONG_NUMBER, 0), (HoldReason.NUMBER_IN_USE, 2), (HoldReason.NUMBER_LIMIT, 2)],
)
def test_what_waited_for_the_right_number_starts_afresh(reason: HoldReason, count: int) -> None:
    """C9: the customer was never tried; in any other hold the attempts stay counted."""
    held = a_callback(state=_S.HELD, hold_reason=reason, attempts_count=2, number_index=1)
    record = only_record(settling.renumber(held, dedup_key=None, by=None, now=NOW))
    assert (record.attempts_count, record.number_index, record.state) == (count, 0, _S.HELD)
    assert (record.hold_reason, record.due_at, record.due_reason) == (reason, held.due_at, held.due_reason)


@pytest.mark.parametrize("state", [_S.ATTEMPTING, _S.ENDED])
def test_a_number_that_is_being_dialed_or_done_with_stays(state: CallbackState) -> None:
    """The phone rings already, or nobody will be called."""
    with pytest.raises(
        NotPossibleNow,
        match=rf"^cannot renumber in state '{state}'; allowed in: held, resting, scheduled, waiting$",
    ):
        settling.renumber(a_callback(state=state), dedup_key=None, by="ann", now=NOW)


# ---------------------------------------------------------------------------- done in another way


@pytest.mark.parametrize("state", [*OPEN, _S.ATTEMPTING])
def test_who_calls_in_while_waiting_is_linked(state: CallbackState) -> None:
    """G8: nothing else changes; the host is told of both."""
    before = a_callback(state=state)
    decision = settling.called_in(before, CALL_ID, now=NOW)
    assert changed(before, only_record(decision)) == {"called_in_id": CALL_ID}
    assert (only_event(decision).kind, only_event(decision).called_in_id) == ("callback_called_in", CALL_ID)


@pytest.mark.parametrize("outcome", Outcome)
def test_who_calls_in_after_the_end_is_linked_to_it(outcome: Outcome) -> None:
    """G8: a missed callback remembers the call that came back for it, and stays as it ended, with nothing due."""
    before = attrs.evolve(COMPLETED, outcome=outcome)
    decision = settling.called_in(before, CALL_ID, now=NOW)
    record, event = only_record(decision), only_event(decision)
    assert changed(before, record) == {"called_in_id": CALL_ID}
    assert (record.state, record.outcome, record.due_at) == (_S.ENDED, outcome, None)
    assert (event.kind, event.called_in_id, event.state) == ("callback_called_in", CALL_ID, _S.ENDED)
    assert decision.effects == ()
    # The latest call is the one that is remembered.
    again = settling.called_in(record, CallId("call-2"), now=NOW + M)
    assert changed(record, only_record(again)) == {"called_in_id": "call-2"}


@pytest.mark.parametrize("outcome", [Outcome.SERVED_ELSEWHERE, Outcome.REPLACED])
@pytest.mark.parametrize("state", [*OPEN, _S.ATTEMPTING])
def test_who_was_served_as_a_live_call_is_not_called_back(state: CallbackState, outcome: Outcome) -> None:
    """G8: it ends with the outcome that the rule names, and counts no attempt."""
    hold = HoldReason.NUMBER_IN_USE if state is _S.HELD else None
    before = a_callback(state=state, hold_reason=hold, attempts_count=1)
    decision = settling.served_elsewhere(before, outcome=outcome, reason="called_in", now=NOW)
    record = only_record(decision)
    assert (record.state, record.outcome, record.ended_at) == (_S.ENDED, outcome, NOW)
    assert (record.attempts_count, record.hold_reason, record.due_at) == (1, None, None)
    assert (only_event(decision).reason, only_event(decision).by) == ("called_in", None)


@pytest.mark.parametrize("state", [*OPEN, _S.ATTEMPTING])
def test_a_person_marks_it_done(state: CallbackState) -> None:
    """N7: history says who, and why; no reason need be given."""
    for reason in ("reached by mail", None):
        decision = settling.mark_done(a_callback(state=state), by="bob", reason=reason, now=NOW)
        record, event = only_record(decision), only_event(decision)
        assert (record.state, record.outcome, record.ended_at) == (_S.ENDED, Outcome.SERVED_ELSEWHERE, NOW)
        assert (event.kind, event.by, event.reason) == ("callback_ended", "bob", reason)
        assert decision.effects == ()


def test_marking_done_twice_changes_nothing() -> None:
    """Whoever does it the second time, and whatever reason is given."""
    done = only_record(settling.mark_done(a_callback(), by="bob", reason=None, now=NOW))
    assert settling.mark_done(done, by="ann", reason="again", now=NOW + M) == Decision()


NOT_REACHED = (Outcome.UNREACHED, Outcome.EXPIRED)


@pytest.mark.parametrize("outcome", NOT_REACHED)
@pytest.mark.parametrize("reason", ["reached by mail", None])
def test_what_was_not_reached_is_done_where_a_person_says_so(outcome: Outcome, reason: str | None) -> None:
    """N7: the follow-up of a callback that was missed: its outcome is revised, and nothing else of it."""
    before = attrs.evolve(COMPLETED, outcome=outcome, attempts_count=2, last_disposition=_D.NO_ANSWER)
    decision = settling.mark_done(before, by="bob", reason=reason, now=NOW)
    record, event = only_record(decision), only_event(decision)
    assert changed(before, record) == {"outcome": Outcome.SERVED_ELSEWHERE, "ended_at": NOW}
    assert (event.kind, event.by, event.reason) == ("callback_ended", "bob", reason)
    assert (event.outcome, event.ended_at) == (Outcome.SERVED_ELSEWHERE, NOW)
    assert (event.attempts_count, event.last_disposition) == (2, _D.NO_ANSWER)
    assert (event.notices, event.follow_up_due_at, decision.effects) == ((), None, ())
    # Said twice, it is done once; and it is no conversation that can be taken back.
    assert settling.mark_done(record, by="ann", reason=None, now=NOW + M) == Decision()
    assert not settling.may_reopen(record, said(_D.WRONG_PERSON))


@pytest.mark.parametrize(
    "outcome", [one for one in Outcome if one not in {Outcome.SERVED_ELSEWHERE, *NOT_REACHED}]
)
def test_what_ended_in_another_way_is_not_done(outcome: Outcome) -> None:
    """It is refused: the word would contradict what history says."""
    with pytest.raises(NotPossibleNow, match=r"^cannot mark done in state 'ended'"):
        settling.mark_done(attrs.evolve(COMPLETED, outcome=outcome), by="bob", reason=None, now=NOW)


# ---------------------------------------------------------------------------- how it went


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_host_reports_how_it_went(outcome: Outcome) -> None:
    """F13: score and resolution, of whatever is over."""
    before = attrs.evolve(COMPLETED, outcome=outcome)
    decision = settling.score(before, score=4.5, resolved=False, by="survey", now=NOW)
    assert changed(before, only_record(decision)) == {"score": 4.5, "resolved": False}
    event = only_event(decision)
    assert (event.kind, event.score, event.resolved, event.by) == ("callback_scored", 4.5, False, "survey")


@pytest.mark.parametrize(
    ("score", "resolved", "expected"),
    [
        (0.0, None, (0.0, True)),
        (None, False, (3.0, False)),
        (5.0, False, (5.0, False)),
    ],
)
def test_what_is_not_said_stays(
    score: float | None, resolved: bool | None, expected: tuple[float, bool]
) -> None:
    """F13: score and resolution come at different times; nothing and no are not nothing said."""
    known = attrs.evolve(COMPLETED, score=3.0, resolved=True)
    decision = settling.score(known, score=score, resolved=resolved, by=None, now=NOW)
    record, event = only_record(decision), only_event(decision)
    assert (record.score, record.resolved) == (event.score, event.resolved) == expected


@pytest.mark.parametrize("state", [state for state in CallbackState if state is not _S.ENDED])
def test_what_is_not_over_has_no_score(state: CallbackState) -> None:
    """F13: in words that name what is allowed."""
    with pytest.raises(NotPossibleNow, match=rf"^cannot score in state '{state}'; allowed in: ended$"):
        settling.score(a_callback(state=state), score=1, resolved=None, by=None, now=NOW)


def test_what_is_known_of_a_score_changes_nothing() -> None:
    """Told twice, it stands in history once."""
    scored = only_record(settling.score(COMPLETED, score=4, resolved=True, by=None, now=NOW))
    assert isinstance(scored, Callback)
    assert settling.score(scored, score=4, resolved=None, by="eva", now=NOW) == Decision()
    assert settling.score(scored, score=None, resolved=True, by=None, now=NOW) == Decision()


def reopened(callback: Callback, *told: Any, at: datetime = NOW) -> Decision:
    return settling.reopen_ticket(callback, told, reopened_at=at, by="desk", reason="again", now=NOW + H)


def scored(callback: Callback, *, at: datetime, **said: Any) -> tuple[Callback, Any]:
    """Return the callback after a score, and what history tells of it."""
    fields = {"score": None, "resolved": None, "by": None, **said}
    decision = settling.score(callback, now=at, **fields)
    record = only_record(decision)
    assert isinstance(record, Callback)
    return record, only_event(decision)


def test_a_ticket_that_is_opened_again_was_not_resolved() -> None:
    """F13: whatever was said before of the matter; the score stays."""
    held, first = scored(COMPLETED, at=NOW - H, score=5, resolved=True)
    for callback, told in ((COMPLETED, ()), (held, (first,))):
        decision = reopened(callback, *told)
        record, event = only_record(decision), only_event(decision)
        assert isinstance(record, Callback)
        assert (record.resolved, record.score) == (False, callback.score)
        assert (event.kind, event.resolved, event.by, event.reason) == (
            "callback_ticket_reopened",
            False,
            "desk",
            "again",
        )
        assert reopened(record, *told, event) == Decision()


def test_who_hears_late_of_a_ticket_believes_what_was_said_later() -> None:
    """It was opened again, and resolved after that; a score alone says nothing of the matter."""
    early, first = scored(COMPLETED, at=NOW - H, resolved=True)
    with_score, survey = scored(early, at=NOW + M, score=3)
    came_in = only_event(settling.called_in(early, CALL_ID, now=NOW))
    assert reopened(with_score, first, came_in, survey).records
    again = only_event(reopened(with_score, first, survey, at=NOW - M))
    open_again, no = scored(with_score, at=NOW + 2 * M, resolved=False)
    late, yes = scored(open_again, at=NOW + 3 * M, resolved=True)
    assert reopened(late, first, survey, no, yes) == Decision()
    assert reopened(late, first, again, yes) == Decision()
    assert reopened(late, first, survey, no, yes, at=NOW + 4 * M).records


@pytest.mark.parametrize("outcome", [Outcome.UNREACHED, None])
def test_a_callback_in_which_nobody_talked_resolved_nothing(outcome: Outcome | None) -> None:
    """So no ticket is opened again for it."""
    callback = attrs.evolve(COMPLETED, outcome=outcome)
    with pytest.raises(NotPossibleNow, match="cannot reopen the ticket"):
        reopened(callback)


def test_the_last_conversation_before_is_the_one_that_had_resolved_the_ticket() -> None:
    """Later ones cannot be meant, nor those without a conversation."""
    first = attrs.evolve(COMPLETED, callback_id=CallbackId("cb_1"), ended_at=START)
    last = attrs.evolve(COMPLETED, callback_id=CallbackId("cb_2"), ended_at=START + H)
    missed = attrs.evolve(
        COMPLETED, callback_id=CallbackId("cb_3"), ended_at=START + 2 * H, outcome=Outcome.UNREACHED
    )
    of_ticket = [missed, last, first]
    assert settling.resolver_of(of_ticket, by_at=START + D) is last
    assert settling.resolver_of(of_ticket, by_at=START + M) is first
    assert settling.resolver_of(of_ticket, by_at=START - M) is None
