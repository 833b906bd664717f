"""Who is told what at every end, in order, under ids that are stable and unique, and with no number in the open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.notices import (
    FOLLOW_UP_WITHIN,
    Told,
    notices,
    one_notice,
    told_of,
    told_of_expiry,
)
from callbackq.core.retry import End
from callbackq.effects import Notice
from callbackq.ids import AgentId, CallbackId
from callbackq.model import CallbackState, Disposition, HoldReason, NoticeKind, Outcome
from callbackq.policy import QueuePolicy
from core.samples import CALLBACK_ID, LAW, NUMBER, START, SUPPORT, D, H, M, a_callback, a_subject

POLICY = QueuePolicy(queue=SUPPORT)
NOW = START + M
_K = NoticeKind
UNREACHED = End(Outcome.UNREACHED, "attempts_used_up", _K.UNREACHED, 24 * H)
SILENT = End(Outcome.UNREACHED, "attempts_used_up", None, None)
DECLINED = End(Outcome.DECLINED_BY_AGENTS, "all_declined", _K.NO_AGENT, 24 * H)
CANCELLED = End(Outcome.CANCELLED, "cancelled_by_key", None, None)


def told(end: End, no_shows_count: int | None = None, policy: QueuePolicy = POLICY) -> Told:
    return told_of(end, no_shows_count=no_shows_count, policy=policy, now=NOW)


# ---------------------------------------------------------------------------- who


@pytest.mark.parametrize(
    ("end", "no_shows_count", "expected"),
    [
        # G6: the message, the note, and somebody who follows up within a day.
        (
            UNREACHED,
            None,
            Told(kinds=(_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP), follow_up_due_at=NOW + D),
        ),
        # As the rule says: another message, sooner, or nobody.
        (
            attrs.evolve(UNREACHED, notice=_K.OTHER_TIME, follow_up_within=2 * H),
            None,
            Told(kinds=(_K.OTHER_TIME, _K.TICKET_NOTE, _K.FOLLOW_UP), follow_up_due_at=NOW + 2 * H),
        ),
        (SILENT, None, Told(kinds=(_K.TICKET_NOTE,))),
        (
            attrs.evolve(SILENT, follow_up_within=M),
            None,
            Told(kinds=(_K.TICKET_NOTE, _K.FOLLOW_UP), follow_up_due_at=NOW + M),
        ),
        (attrs.evolve(SILENT, notice=_K.UNREACHED), None, Told(kinds=(_K.UNREACHED, _K.TICKET_NOTE))),
        # A chosen time that was missed, once and twice: counted, and told as any other.
        (
            UNREACHED,
            1,
            Told(
                kinds=(_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP),
                follow_up_due_at=NOW + D,
                no_shows_count=1,
            ),
        ),
        (SILENT, 2, Told(kinds=(_K.TICKET_NOTE,), no_shows_count=2)),
        # G7: the third time, and every later one: a different approach, whatever the rule says.
        *(
            (
                end,
                count,
                Told(
                    kinds=(_K.NO_SHOWS, _K.TICKET_NOTE, _K.FOLLOW_UP, _K.CUSTOMER_FLAGGED),
                    follow_up_due_at=NOW + D,
                    no_shows_count=count,
                    flagged=True,
                ),
            )
            for end in (UNREACHED, SILENT, attrs.evolve(UNREACHED, follow_up_within=7 * D))
            for count in (3, 4, 50)
        ),
        # F5: agents declined it. The customer has missed nothing, however often before.
        *(
            (
                DECLINED,
                count,
                Told(kinds=(_K.NO_AGENT, _K.TICKET_NOTE, _K.FOLLOW_UP), follow_up_due_at=NOW + D),
            )
            for count in (None, 1, 3)
        ),
        # Who cancelled by key knows it.
        *((CANCELLED, count, Told(kinds=(_K.TICKET_NOTE,))) for count in (None, 1, 3)),
    ],
)
def test_who_is_told_of_an_end(end: End, no_shows_count: int | None, expected: Told) -> None:
    """The customer first, then the ticket, then who follows up, then the flag."""
    assert told(end, no_shows_count) == expected


@pytest.mark.parametrize("no_shows_max", [1, 2, 5])
def test_how_many_no_shows_are_borne(no_shows_max: int) -> None:
    """G7: as many as the policy says, the last one included."""
    policy = attrs.evolve(POLICY, no_shows_max=no_shows_max)
    flagged = [told(UNREACHED, count, policy).flagged for count in range(1, 7)]
    assert flagged == [count >= no_shows_max for count in range(1, 7)]
    assert timedelta(hours=24) == FOLLOW_UP_WITHIN


TRIED = Told(kinds=(_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP), follow_up_due_at=NOW + D)
BY_RULE = [reason for reason in HoldReason if reason is not HoldReason.WRONG_NUMBER]
ASKED_FOR = Told(kinds=(_K.TICKET_NOTE, _K.FOLLOW_UP), follow_up_due_at=NOW + D)


@pytest.mark.parametrize(
    ("attempts_count", "hold_reason", "expected"),
    [
        # Never tried: there is nothing to tell.
        (0, None, Told()),
        *((0, reason, Told()) for reason in BY_RULE),
        # Tried, and not any more: the customer as well.
        *((count, None, TRIED) for count in (1, 2, 9)),
        *((1, reason, TRIED) for reason in BY_RULE),
        # Its number is known to be somebody else's: they are told nothing.
        *((count, HoldReason.WRONG_NUMBER, ASKED_FOR) for count in (0, 1, 9)),
    ],
)
def test_who_is_told_of_an_expiry(
    attempts_count: int, hold_reason: HoldReason | None, expected: Told
) -> None:
    """G6, C9: whom nobody reached in time is followed up within a day; nobody writes to a stranger."""
    state = CallbackState.RESTING if hold_reason is None else CallbackState.HELD
    callback = a_callback(state=state, attempts_count=attempts_count, hold_reason=hold_reason)
    assert told_of_expiry(callback, now=NOW) == expected


def test_every_hold_was_looked_at() -> None:
    """The table above names each reason, tried and untried."""
    (mark,) = [mark for mark in test_who_is_told_of_an_expiry.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    assert {(count > 0, reason) for count, reason, _ in mark.args[1]} == {
        (tried, reason) for tried in (False, True) for reason in (None, *HoldReason)
    }


def test_what_history_says_of_it() -> None:
    """G6: kinds, follow-up and count; of nobody told, nothing."""
    assert told(UNREACHED, 2).as_fields() == {
        "notices": (_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP),
        "follow_up_due_at": NOW + D,
        "no_shows_count": 2,
    }
    assert Told().as_fields() == {"notices": (), "follow_up_due_at": None, "no_shows_count": None}


# ---------------------------------------------------------------------------- what

OVER = a_callback(
    version=7,
    state=CallbackState.ENDED,
    outcome=Outcome.UNREACHED,
    attempts_count=2,
    last_disposition=Disposition.NO_ANSWER,
    ticket_id="T-1",
    owner_id=AgentId("bob"),
)
FULL = told(UNREACHED, 3)
SUBJECT = a_subject(alternatives=("+12125550124", "+12125550125"))


def test_a_notice_has_all_that_is_needed_to_give_it() -> None:
    """Whom, in which language, about which ticket; due and note only where they belong."""
    message, note, follow_up, flag = notices(OVER, SUBJECT, FULL)
    assert message == Notice(
        notice_id="cb_1.7.no_shows",
        kind=_K.NO_SHOWS,
        callback_id=CALLBACK_ID,
        queue=SUPPORT,
        number=NUMBER,
        name="Mary Major",
        language="en",
        ticket_id="T-1",
        owner_id=AgentId("bob"),
        attempts_count=2,
        last_disposition=Disposition.NO_ANSWER,
    )
    words = "Missed 3 callbacks at times of their choice: switched to outbound."
    assert note == attrs.evolve(message, notice_id="cb_1.7.ticket_note", kind=_K.TICKET_NOTE, note=words)
    assert follow_up == attrs.evolve(
        message, notice_id="cb_1.7.follow_up", kind=_K.FOLLOW_UP, follow_up_due_at=NOW + D
    )
    assert flag == attrs.evolve(message, notice_id="cb_1.7.customer_flagged", kind=_K.CUSTOMER_FLAGGED)


@pytest.mark.parametrize(("index", "digits"), [(0, "23"), (1, "24"), (2, "25"), (3, "23")])
def test_it_goes_to_the_number_that_is_dialed(index: int, digits: str) -> None:
    """C6: and to one of them all the same, if the person has fewer by now."""
    notice = one_notice(_K.MISSED, attrs.evolve(OVER, number_index=index), SUBJECT)
    assert notice.number == f"+121255501{digits}"


def test_one_by_itself_is_like_one_of_several() -> None:
    """The same id and fields; it has no due and no count to tell."""
    (of_several,) = notices(OVER, SUBJECT, Told(kinds=(_K.MISSED,)))
    assert one_notice(_K.MISSED, OVER, SUBJECT) == of_several
    assert notices(OVER, SUBJECT, Told()) == ()


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({}, "Callback unreached after 2 attempts; the last ended as no answer."),
        (
            {"attempts_count": 1, "last_disposition": Disposition.ANSWERED_THEN_LEFT},
            "Callback unreached after 1 attempt; the last ended as answered then left.",
        ),
        (
            {"outcome": Outcome.DECLINED_BY_AGENTS, "attempts_count": 0, "last_disposition": None},
            "Callback declined by agents after 0 attempts; the last ended as unknown.",
        ),
        ({"outcome": None}, "Callback open after 2 attempts; the last ended as no answer."),
    ],
)
def test_the_note_for_the_ticket(changes: dict[str, Any], note: str) -> None:
    """G6: in one sentence, with no name and no number."""
    (notice,) = notices(attrs.evolve(OVER, **changes), SUBJECT, Told(kinds=(_K.TICKET_NOTE,)))
    assert notice.note == note


def test_no_number_and_no_name_is_shown() -> None:
    """K5: whoever logs an effect logs no personal data."""
    for kind in NoticeKind:
        shown = repr(one_notice(kind, OVER, SUBJECT))
        for private in (NUMBER, "5550123", "0123", "Mary", "Major"):
            assert private not in shown
        assert f"<NoticeKind.{kind.name}" in shown


# ---------------------------------------------------------------------------- ids


def test_each_cause_has_its_own_id_and_keeps_it() -> None:
    """Told again after a crash, it is the same notice; of another moment or callback, another one."""
    again = notices(OVER, attrs.evolve(SUBJECT, language="fr"), FULL)
    assert [one.notice_id for one in again] == [one.notice_id for one in notices(OVER, SUBJECT, FULL)]
    later = attrs.evolve(OVER, version=8)
    other = attrs.evolve(OVER, callback_id=CallbackId("cb_2"))
    ids = [one.notice_id for callback in (OVER, later, other) for one in notices(callback, SUBJECT, FULL)]
    assert len(set(ids)) == len(ids) == 3 * len(FULL.kinds)


ENDS = st.builds(
    End,
    st.sampled_from([Outcome.UNREACHED, Outcome.CANCELLED, Outcome.DECLINED_BY_AGENTS]),
    st.just("because"),
    st.none() | st.sampled_from([_K.UNREACHED, _K.OTHER_TIME, _K.NO_AGENT, _K.NO_SHOWS, _K.SURVEY]),
    st.none() | st.timedeltas(min_value=M, max_value=30 * D),
)


@LAW
@given(ENDS, st.none() | st.integers(1, 9))
def test_what_holds_of_every_end(end: End, no_shows_count: int | None) -> None:
    """No kind twice, always a note, the customer first; a follow-up exactly if it is due; a flag only for no-shows."""
    found = told(end, no_shows_count)
    assert len(set(found.kinds)) == len(found.kinds)
    assert (_K.FOLLOW_UP in found.kinds) is (found.follow_up_due_at is not None)
    assert (_K.CUSTOMER_FLAGGED in found.kinds) is found.flagged
    assert found.kinds.index(_K.TICKET_NOTE) <= 1
    assert not found.flagged or (end.outcome is Outcome.UNREACHED and (no_shows_count or 0) >= 3)
    effects = notices(OVER, SUBJECT, found)
    assert tuple(effect.kind for effect in effects) == found.kinds
    assert [effect.note for effect in effects if effect.note] == [
        effect.note for effect in effects if effect.kind is _K.TICKET_NOTE
    ]
    assert {effect.follow_up_due_at for effect in effects} <= {None, found.follow_up_due_at}
