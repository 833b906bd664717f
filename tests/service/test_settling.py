"""People who know better: settle an attempt, say what a talk was, correct a number, call now, mark done, score."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest

from callbackq import (
    AttemptState,
    CallbackNotFound,
    CallbackState,
    Caps,
    Disposition,
    HoldReason,
    InvalidNumber,
    InvalidText,
    InvalidTime,
    MemoryStore,
    Mode,
    NoticeKind,
    NotPossibleNow,
    NumberChoice,
    Outcome,
    Person,
    RetryRule,
    Role,
    Store,
)
from callbackq.policy import RETRY_S2
from callbackq.testing import NEVER_ANSWERS, START, Behaviour, Carried, FakeNotices, VirtualHost
from service.scenes import (
    BOB,
    DAN,
    EVE,
    HOUR,
    MINUTE,
    SECOND,
    attempt_of,
    events,
    house,
    promised,
    rows,
    subject_of,
)


def customers_dialed(host: VirtualHost) -> list[str | None]:
    """Return the numbers that were dialed, in order."""
    log = host.telephony.log
    return [one.number for one in log if one.what is Carried.DIALED and one.role is Role.CUSTOMER]


def in_doubt(host: VirtualHost, **fields: Any) -> str:
    """Let an attempt dial its customer, of which nothing is heard any more."""
    callback_id = promised(host, **fields)
    host.run_for(SECOND)
    host.telephony.on_report = lambda _report: None
    return callback_id


def talking(host: VirtualHost, **fields: Any) -> str:
    """Let customer and agent talk."""
    callback_id = promised(host, **fields)
    host.run_for(SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    return callback_id


def attempt_events(host: VirtualHost, callback_id: str) -> list[Any]:
    """Return what became of the attempts of a callback."""
    return events(host, callback_id, "attempt_moved") + events(host, callback_id, "attempt_ended")


# ---------------------------------------------------------------------------- settle


def test_a_person_settles_an_attempt_in_doubt_as_connected(store: Store) -> None:
    """N7: they talked: the callback is completed, the legs are hung up, and history says who said so, and why."""
    host = house(store)
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = in_doubt(host)
    host.service.settle(callback_id, Disposition.CONNECTED, by="eva", reason="heard them talk")
    host.telephony.on_report = host.driver.report
    host.run_for(SECOND)
    assert host.telephony.live_legs() == []
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    attempt = attempt_of(host, store, callback_id)
    assert attempt.disposition is Disposition.CONNECTED
    moved = [one for one in events(host, callback_id, "attempt_moved") if one.by is not None]
    assert [(one.by, one.reason, one.disposition) for one in moved] == [
        ("eva", "heard them talk", Disposition.CONNECTED)
    ]
    host.run_for(HOUR)
    assert host.telephony.dialed(BOB) == 1


@pytest.mark.parametrize("mode", Mode)
def test_a_person_settles_an_attempt_in_doubt_as_failed(store: Store, mode: Mode) -> None:
    """N7: what follows is what follows that disposition; the number is free when the legs are gone."""
    host = house(store, mode=mode)
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = in_doubt(host)
    host.service.settle(callback_id, Disposition.BUSY, by="eva")
    host.telephony.on_report = host.driver.report
    host.run_for(SECOND)
    callback = host.service.get(callback_id)
    assert (callback.state, callback.last_disposition) == (CallbackState.RESTING, Disposition.BUSY)
    assert callback.attempts_count == 1
    assert host.telephony.live_legs() == []
    assert attempt_of(host, store, callback_id).state is AttemptState.ENDED
    host.run_for(3 * MINUTE)
    assert host.telephony.dialed(BOB) == 2


def test_settling_stands_whatever_is_reported_afterwards(store: Store) -> None:
    """N7: the person's word is the attempt's disposition, though a report says otherwise later."""
    host = house(store)
    host.telephony.person(BOB, Behaviour(answers_after=10 * SECOND))
    callback_id = promised(host)
    host.run_for(2 * SECOND)
    host.service.settle(callback_id, Disposition.REJECTED, by="eva")
    host.telephony.answer_by(BOB)
    host.run_for(MINUTE)
    assert attempt_of(host, store, callback_id).disposition is Disposition.REJECTED
    assert host.service.get(callback_id).outcome is Outcome.UNREACHED
    assert host.telephony.live_legs() == []


def test_settle_is_refused_where_there_is_nothing_to_settle(store: Store) -> None:
    """N7: no attempt yet, or they talk, or it is over: `NotPossibleNow`, and nothing is changed."""
    host = house(store, agents=())
    waiting = promised(host)
    with pytest.raises(NotPossibleNow, match="settle"):
        host.service.settle(waiting, Disposition.BUSY, by="eva")
    host.service.cancel(waiting)
    host.service.agent_available("ann", queues=["support"])
    callback_id = talking(host, number=EVE)
    written = rows(host, store)
    with pytest.raises(NotPossibleNow, match="connected"):
        host.service.settle(callback_id, Disposition.BUSY, by="eva")
    assert rows(host, store) == written
    host.run_for(5 * MINUTE)
    written = rows(host, store)
    with pytest.raises(NotPossibleNow, match="ended"):
        host.service.settle(callback_id, Disposition.BUSY, by="eva")
    assert rows(host, store) == written


# ---------------------------------------------------------------------------- the wrong person


@pytest.mark.parametrize("when", ["during the talk", "after the talk"])
def test_wrong_person_holds_the_callback_until_the_number_is_changed(store: Store, when: str) -> None:
    """C9: the number is marked for that customer and never dialed again; with another it is dialed at once."""
    notices = FakeNotices()
    host = house(store, notices=notices)
    callback_id = talking(host)
    placed = host.service.get(callback_id)
    if when == "after the talk":
        host.run_for(5 * MINUTE)
    said = host.service.set_disposition(callback_id, Disposition.WRONG_PERSON, by="ann", reason="a stranger")
    host.driver.perform(said.effects)
    if when == "during the talk":
        assert said.callback.outcome is Outcome.COMPLETED, "as long as they talk"
    host.run_for(5 * MINUTE)
    held = host.service.get(callback_id)
    assert (held.state, held.hold_reason) == (CallbackState.HELD, HoldReason.WRONG_NUMBER)
    assert (held.outcome, held.ended_at, held.last_disposition) == (None, None, Disposition.WRONG_PERSON)
    assert host.service.explain(callback_id).rule == "wrong_number"
    assert subject_of(host, store, callback_id).wrong_numbers == (BOB,)
    assert notices.kinds() == [NoticeKind.NUMBER_WRONG]
    assert notices.told[0].number == BOB
    said_by = [(one.by, one.reason) for one in attempt_events(host, callback_id) if one.by is not None]
    assert said_by == [("ann", "a stranger")]
    host.run_for(HOUR)
    changed = host.service.change_number(callback_id, DAN, by="eva")
    assert (changed.state, changed.rank, changed.attempts_count) == (CallbackState.WAITING, placed.rank, 0)
    host.run_for(SECOND)
    assert customers_dialed(host) == [BOB, DAN]
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert events(host, callback_id, "callback_renumbered")[0].by == "eva"


def test_wrong_person_on_one_number_tries_the_other(store: Store) -> None:
    """C9/C6: with another number the callback is tried there; the wrong one is never dialed again."""
    rules = {
        **RETRY_S2,
        Disposition.WRONG_PERSON: RetryRule(retries_max=5, rest=MINUTE, number=NumberChoice.NEXT),
        Disposition.NO_ANSWER: RetryRule(retries_max=5, rest=MINUTE, number=NumberChoice.NEXT),
    }
    host = house(store, retry_rules=rules, attempts_max=4)
    host.telephony.person(EVE, NEVER_ANSWERS)
    callback_id = talking(host, alternatives=[EVE])
    host.service.set_disposition(callback_id, Disposition.WRONG_PERSON, by="ann")
    host.run_for(HOUR)
    assert customers_dialed(host) == [BOB, EVE, EVE, EVE]
    assert host.service.get(callback_id).outcome is Outcome.UNREACHED
    assert subject_of(host, store, callback_id).wrong_numbers == (BOB,)


def test_wrong_number_is_not_dialed_for_another_callback_of_the_person(store: Store) -> None:
    """C9: it is marked with the customer: the other one is held as well, and both go on at the new number."""
    host = house(store)
    first = talking(host)
    other = promised(host, queue="sales")
    host.service.set_disposition(first, Disposition.WRONG_PERSON, by="ann")
    host.run_for(5 * MINUTE)
    for callback_id in (first, other):
        assert host.service.get(callback_id).hold_reason is HoldReason.WRONG_NUMBER
    host.service.change_number(first, DAN)
    host.run_for(10 * MINUTE)
    assert customers_dialed(host) == [BOB, DAN, DAN]
    for callback_id in (first, other):
        assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_who_asks_to_be_called_at_a_number_that_was_wrong_is_called_there(store: Store) -> None:
    """C9: the person's own word; an event of the business is none, and is held until somebody does so."""
    host = house(store)
    first = talking(host)
    host.service.set_disposition(first, Disposition.WRONG_PERSON, by="ann")
    host.run_for(5 * MINUTE)
    event = host.service.request_many("sales", people=[Person(number=BOB)], event_key="outage").receipts[0]
    host.run_for(MINUTE)
    assert host.service.get(event.callback_id).hold_reason is HoldReason.WRONG_NUMBER
    host.service.cancel(first)
    again = promised(host)
    assert subject_of(host, store, again).wrong_numbers == ()
    host.run_for(10 * MINUTE)
    for callback_id in (again, event.callback_id):
        assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_wrong_person_of_a_settled_attempt_holds_it_too(store: Store) -> None:
    """C9/N7: whoever it was hung up before they were joined: the person who knows says so."""
    host = house(store)
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = in_doubt(host)
    host.service.settle(callback_id, Disposition.WRONG_PERSON, by="ann")
    host.telephony.on_report = host.driver.report
    host.run_for(SECOND)
    callback = host.service.get(callback_id)
    assert (callback.state, callback.hold_reason) == (CallbackState.HELD, HoldReason.WRONG_NUMBER)
    assert subject_of(host, store, callback_id).wrong_numbers == (BOB,)


def test_held_for_another_number_ends_when_its_life_is_over(store: Store) -> None:
    """C9: nobody corrected it: it ends, with its own outcome, and not in silence."""
    host = house(store)
    callback_id = talking(host)
    host.service.set_disposition(callback_id, Disposition.WRONG_PERSON, by="ann")
    host.run_for(25 * HOUR)
    assert host.service.get(callback_id).outcome is Outcome.EXPIRED
    assert customers_dialed(host) == [BOB]


@pytest.mark.parametrize(
    ("said", "state", "outcome"),
    [
        (Disposition.ANSWERED_THEN_LEFT, CallbackState.RESTING, None),
        (Disposition.MACHINE, CallbackState.ENDED, Outcome.UNREACHED),
        (Disposition.FAX, CallbackState.ENDED, Outcome.UNREACHED),
        (Disposition.UNKNOWN, CallbackState.ENDED, Outcome.UNREACHED),
    ],
)
@pytest.mark.parametrize("after_talk", [False, True], ids=["during", "after"])
def test_what_was_no_conversation_is_taken_up_by_its_rule(
    store: Store, said: Disposition, state: CallbackState, outcome: Outcome | None, *, after_talk: bool
) -> None:
    """F13/N7: a typed disposition by the agent, during the call or after it; the rule for it follows."""
    host = house(store)
    callback_id = talking(host)
    if after_talk:
        host.run_for(5 * MINUTE)
    host.service.set_disposition(callback_id, said, by="ann")
    host.run_until(lambda: attempt_of(host, store, callback_id).state is AttemptState.ENDED)
    assert attempt_of(host, store, callback_id).disposition is said
    callback = host.service.get(callback_id)
    assert (callback.state, callback.outcome, callback.last_disposition) == (state, outcome, said)
    assert callback.attempts_count == 1


def test_what_a_person_says_counts_like_what_the_telephony_says(store: Store) -> None:
    """G1/N7: the rule for a disposition is used up by it too: tried once more, and not as often as attempts last."""
    host = house(store, attempts_max=9)
    callback_id = talking(host)
    for _ in range(2):
        host.run_until(lambda: host.service.get(callback_id).state is CallbackState.ENDED)
        host.service.set_disposition(callback_id, Disposition.ANSWERED_THEN_LEFT, by="ann")
        host.run_for(4 * MINUTE)
    host.run_for(HOUR)
    callback = host.service.get(callback_id)
    assert (callback.outcome, callback.attempts_count) == (Outcome.UNREACHED, 2)
    assert host.telephony.dialed(BOB) == 2


def test_a_new_number_starts_afresh(store: Store) -> None:
    """C9/G1: what was tried at the wrong number is not counted against the right one."""
    host = house(store)
    host.telephony.person(BOB, NEVER_ANSWERS, Behaviour())
    host.telephony.person(DAN, NEVER_ANSWERS, Behaviour())
    callback_id = promised(host)
    host.run_until(lambda: host.service.get(callback_id).state is CallbackState.ENDED)
    host.service.set_disposition(callback_id, Disposition.WRONG_PERSON, by="ann")
    host.run_for(5 * MINUTE)
    host.service.change_number(callback_id, DAN)
    host.run_for(5 * MINUTE)
    assert customers_dialed(host) == [BOB, BOB, DAN, DAN]
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_set_disposition_is_for_conversations(store: Store) -> None:
    """N7: nothing else is changed by it, and nothing is said of what was not completed."""
    host = house(store, agents=())
    callback_id = promised(host)
    written = rows(host, store)
    with pytest.raises(NotPossibleNow):
        host.service.set_disposition(callback_id, Disposition.WRONG_PERSON, by="ann")
    host.service.agent_available("ann", queues=["support"])
    host.telephony.person(BOB, NEVER_ANSWERS)
    host.run_for(5 * SECOND)
    written = rows(host, store)
    with pytest.raises(NotPossibleNow):
        host.service.set_disposition(callback_id, Disposition.WRONG_PERSON, by="ann")
    assert rows(host, store) == written


def test_who_asked_again_meanwhile_has_one_callback(store: Store) -> None:
    """C9/J1: the callback that was taken for done gives way to the one that the person has by now."""
    host = house(store)
    callback_id = talking(host)
    host.run_for(5 * MINUTE)
    host.service.agent_unavailable("ann")
    newer = promised(host)
    host.service.set_disposition(callback_id, Disposition.WRONG_PERSON, by="ann")
    callback = host.service.get(callback_id)
    assert (callback.outcome, callback.merged_into_id) == (Outcome.REPLACED, newer)
    assert host.service.get(newer).state is CallbackState.WAITING


# ---------------------------------------------------------------------------- another number


def test_changed_number_keeps_the_place(store: Store) -> None:
    """C10: while waiting, resting, or scheduled; by the customer or by an agent; it is dialed there."""
    host = house(store, agents=())
    callback_id = promised(host)
    host.clock.advance(MINUTE)
    promised(host, EVE)
    before = host.service.get(callback_id)
    after = host.service.change_number(callback_id, "(212) 555-0103")
    assert (after.state, after.rank, after.place_id, after.entered_at) == (
        before.state,
        before.rank,
        before.place_id,
        before.entered_at,
    )
    (event,) = events(host, callback_id, "callback_renumbered")
    assert event.by is None
    host.service.agent_available("ann", queues=["support"])
    host.run_for(SECOND)
    assert customers_dialed(host) == [DAN]


def test_changed_number_is_the_persons_from_now_on(store: Store) -> None:
    """C10: they are known by it; and a number that is somebody else's in the records makes nobody a double."""
    host = house(store, agents=())
    mine, other = promised(host), promised(host, EVE)
    host.service.change_number(mine, DAN)
    assert subject_of(host, store, mine).identity == f"tel:{DAN}"
    host.service.change_number(mine, EVE)
    assert subject_of(host, store, mine).number == EVE
    assert subject_of(host, store, other).identity == f"tel:{EVE}"
    assert subject_of(host, store, mine).subject_id != subject_of(host, store, other).subject_id
    host.service.change_number(mine, EVE)
    assert subject_of(host, store, mine).number == EVE


def test_number_is_not_changed_while_it_rings_or_when_it_is_over(store: Store) -> None:
    """C10: `NotPossibleNow`; the person's record is as it was."""
    host = house(store)
    host.telephony.person(BOB, Behaviour(answers_after=20 * SECOND))
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    for _ in range(2):
        written = rows(host, store)
        with pytest.raises(NotPossibleNow):
            host.service.change_number(callback_id, DAN)
        assert rows(host, store) == written
        host.run_for(5 * MINUTE)
    with pytest.raises(InvalidNumber):
        host.service.change_number(callback_id, "12")


# ---------------------------------------------------------------------------- call now


@pytest.mark.parametrize("waits_for", ["a chosen time", "its rest", "its limit", "its turn"])
def test_call_now_makes_it_the_next(store: Store, waits_for: str) -> None:
    """N7: whatever it waits for, it stands at the front; history says who and why; its entry time stays."""
    caps = Caps(attempts_per_number_max=1) if waits_for == "its limit" else Caps()
    host = house(store, caps=caps)
    host.telephony.person(BOB, NEVER_ANSWERS)
    scheduled_at = START + HOUR if waits_for == "a chosen time" else None
    host.telephony.agent("ann", *(NEVER_ANSWERS if waits_for == "its turn" else Behaviour(),))
    callback_id = promised(host, scheduled_at=scheduled_at)
    host.run_for(MINUTE)
    if waits_for == "its limit":
        host.run_for(3 * MINUTE)
    states = {
        "a chosen time": CallbackState.SCHEDULED,
        "its rest": CallbackState.RESTING,
        "its limit": CallbackState.HELD,
        "its turn": CallbackState.WAITING,
    }
    host.service.agent_unavailable("ann")
    host.run_for(SECOND)
    before = host.service.get(callback_id)
    assert before.state is states[waits_for]
    host.service.call_joined("support", call_id="first", entered_at=START - HOUR)
    after = host.service.call_now(callback_id, by="eva", reason="asked again by mail")
    assert after.state is CallbackState.WAITING
    position = host.service.position(callback_id)
    assert position is not None
    assert position.number == 1
    assert (after.entered_at, after.place_id) == (before.entered_at, before.place_id)
    last: Any = host.service.history(callback_id)[-1]
    assert (last.by, last.reason) == ("eva", "asked again by mail")


def test_call_now_goes_round_no_rule(store: Store) -> None:
    """N7: a pause and the limit of a number go on forbidding it."""
    host = house(store, caps=Caps(attempts_per_number_max=1))
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promised(host)
    host.run_for(4 * MINUTE)
    host.service.pause("support", dialing=True)
    host.service.call_now(callback_id, by="eva")
    host.run_for(SECOND)
    assert host.service.get(callback_id).state is CallbackState.WAITING
    host.service.resume("support", dialing=True)
    host.run_for(SECOND)
    assert host.service.get(callback_id).hold_reason is HoldReason.NUMBER_LIMIT
    assert host.telephony.dialed(BOB) == 1


def test_call_now_is_refused_while_it_rings_when_it_is_over_and_for_a_wrong_number(store: Store) -> None:
    """N7: `NotPossibleNow`, and nothing is changed; after `change_number` it is possible."""
    host = house(store)
    callback_id = promised(host)
    host.telephony.person(BOB, Behaviour(answers_after=20 * SECOND))
    host.run_for(5 * SECOND)
    for _ in range(2):
        written = rows(host, store)
        with pytest.raises(NotPossibleNow):
            host.service.call_now(callback_id, by="eva")
        assert rows(host, store) == written
        host.run_for(5 * MINUTE)
    host.service.set_disposition(callback_id, Disposition.WRONG_PERSON, by="ann")
    with pytest.raises(NotPossibleNow, match="wrong number"):
        host.service.call_now(callback_id, by="eva")
    host.service.agent_unavailable("ann")
    host.service.change_number(callback_id, DAN)
    assert host.service.call_now(callback_id, by="eva").state is CallbackState.WAITING


# ---------------------------------------------------------------------------- mark done


def test_mark_done_ends_it_as_served_elsewhere(store: Store) -> None:
    """N7: reached by mail, say; who and why is in history; twice is once."""
    host = house(store, agents=())
    callback_id = promised(host)
    done = host.service.mark_done(callback_id, by="eva", reason="answered by mail")
    assert done.outcome is Outcome.SERVED_ELSEWHERE
    assert host.service.mark_done(callback_id, by="dan") == done
    (ended,) = events(host, callback_id, "callback_ended")
    assert (ended.by, ended.reason) == ("eva", "answered by mail")
    with pytest.raises(NotPossibleNow):
        host.service.cancel(callback_id)
    again = promised(host)
    host.service.cancel(again)
    with pytest.raises(NotPossibleNow):
        host.service.mark_done(again, by="eva")


@pytest.mark.parametrize("mode", Mode)
def test_mark_done_hangs_up_an_attempt_under_way(store: Store, mode: Mode) -> None:
    """N7: in any mode; the agent is free, and nobody is dialed again."""
    host = house(store, mode=mode)
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    host.service.mark_done(callback_id, by="eva")
    host.run_for(SECOND)
    assert host.telephony.live_legs() == []
    assert host.service.agent("ann").state == "available"
    host.run_for(HOUR)
    assert host.telephony.dialed(BOB) == 1
    assert host.service.get(callback_id).outcome is Outcome.SERVED_ELSEWHERE


# ---------------------------------------------------------------------------- scores


def test_host_reports_score_and_resolution(store: Store) -> None:
    """F13: when it is over; what is not given stays; each is in history."""
    host = house(store)
    callback_id = promised(host)
    with pytest.raises(NotPossibleNow):
        host.service.report_score(callback_id, score=5)
    host.run_for(5 * MINUTE)
    assert host.service.report_score(callback_id, score=4.5).score == 4.5
    scored = host.service.report_score(callback_id, resolved=True, by="eva")
    assert (scored.score, scored.resolved) == (4.5, True)
    scored = host.service.report_score(callback_id, score=-3, resolved=False)
    assert (scored.score, scored.resolved) == (-3, False)
    told = [(one.score, one.resolved, one.by) for one in events(host, callback_id, "callback_scored")]
    assert told == [(4.5, None, None), (4.5, True, "eva"), (-3, False, None)]
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_a_ticket_that_is_opened_again_takes_the_resolution_back(store: Store) -> None:
    """F13: by the callback or by the ticket; told twice it stands in history once."""
    host = house(store)
    service = host.service
    callback_id = promised(host, ticket_id="T-1")
    with pytest.raises(NotPossibleNow, match="cannot reopen the ticket"):
        service.reopen_ticket(callback_id=callback_id)
    with pytest.raises(NotPossibleNow, match="cannot reopen the ticket"):
        service.reopen_ticket(ticket_id="T-1")
    host.run_for(5 * MINUTE)
    service.report_score(callback_id, resolved=True)
    host.run_for(MINUTE)
    for _ in range(2):
        found = service.reopen_ticket(ticket_id="T-1", by="desk", reason="broken again")
        assert (found.callback_id, found.resolved) == (callback_id, False)
    assert service.reopen_ticket(callback_id=callback_id).resolved is False
    told = [(one.by, one.reason) for one in events(host, callback_id, "callback_ticket_reopened")]
    assert told == [("desk", "broken again")]
    host.run_for(MINUTE)
    assert service.report_score(callback_id, resolved=True).resolved is True
    assert service.reopen_ticket(ticket_id="T-1", reopened_at=host.clock.now() - MINUTE).resolved is True
    assert service.get(callback_id).resolved is True


def test_a_ticket_that_is_opened_again_was_not_resolved_at_first_contact(store: Store) -> None:
    """F13 and L2: the figure of a day changes with it."""
    host = house(store)
    callback_id = promised(host, ticket_id="T-1")
    host.run_for(5 * MINUTE)

    def figure() -> float | None:
        now = host.clock.now()
        report = host.service.figures(from_at=now - HOUR, until_at=now + HOUR)
        return report.whole.figure("first_call_resolution").value

    assert figure() is None
    host.service.report_score(callback_id, resolved=True)
    assert figure() == 1.0
    host.run_for(MINUTE)
    host.service.reopen_ticket(ticket_id="T-1")
    assert figure() == 0.0


def test_only_a_ticket_that_is_known_is_opened_again(store: Store) -> None:
    """One of the two is named, and time does not run ahead."""
    host = house(store)
    service = host.service
    callback_id = promised(host, ticket_id="T-1")
    host.run_for(5 * MINUTE)
    for ids in ({}, {"callback_id": callback_id, "ticket_id": "T-1"}):
        with pytest.raises(InvalidText, match="ticket_id or callback_id must be given"):
            service.reopen_ticket(**ids)
    with pytest.raises(CallbackNotFound, match=r"^no callback has this ticket$"):
        service.reopen_ticket(ticket_id="T-2")
    with pytest.raises(CallbackNotFound):
        service.reopen_ticket(callback_id="cb_nobody")
    with pytest.raises(InvalidTime, match=r"reopened_at is .*; allowed: no later than now"):
        service.reopen_ticket(ticket_id="T-1", reopened_at=host.clock.now() + MINUTE)
    assert service.get(callback_id).resolved is None


def test_a_person_who_was_erased_has_a_score_and_a_ticket_still(store: Store) -> None:
    """Neither is personal, and both are counted."""
    host = house(store)
    callback_id = promised(host, ticket_id="T-1")
    host.run_for(5 * MINUTE)
    host.service.erase(number=BOB)
    assert host.service.report_score(callback_id, score=5, resolved=True).score == 5
    host.run_for(MINUTE)
    assert host.service.reopen_ticket(ticket_id="T-1").resolved is False


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, 1_000_001, True, "5"])
def test_a_score_is_a_number_within_bounds(score: Any) -> None:
    """F13: anything else is refused, in words."""
    host = house(MemoryStore())
    callback_id = promised(host)
    host.run_for(5 * MINUTE)
    with pytest.raises(InvalidText, match=r"^score is "):
        host.service.report_score(callback_id, score=score)
    with pytest.raises(InvalidText, match=r"^resolved is str"):
        host.service.report_score(callback_id, resolved=cast("Any", "yes"))
