"""What customers are told of what happens: which messages are born, whether they are still true, and never twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import attrs
import pytest

from callbackq import events
from callbackq.core.decision import told
from callbackq.core.notices import one_notice
from callbackq.core.outbox import Born
from callbackq.core.outgoing import CUSTOMER_NOTICES, PASSING, ZONE_RULES, births, supersedes, untold, untrue
from callbackq.effects import HangUp, Notice
from callbackq.events import Event
from callbackq.ids import AttemptId, BookingId, QueueName, SubjectId
from callbackq.model import (
    BookingState,
    Callback,
    CallbackState,
    Disposition,
    MessageKind,
    NoticeKind,
    Outcome,
    Purpose,
)
from callbackq.policy import RETRY_S2, Messages, QueuePolicy, RetryRule, SlotPolicy
from callbackq.policy.retries import TO_CUSTOMER
from core.samples import (
    AGENT_LEG,
    ATTEMPT_ID,
    BOOKING_ID,
    CALLBACK_ID,
    START,
    SUPPORT,
    D,
    H,
    M,
    S,
    a_booking,
    a_call,
    a_callback,
    a_message,
    a_subject,
    an_attempt,
)

ALL: Final = Messages(kinds=frozenset(MessageKind))
POLICY: Final = QueuePolicy(queue=SUPPORT, messages=ALL, slots=SlotPolicy(seats=None), survey=True)
NOW: Final = START + H
BOOKED_AT: Final = START + 3 * H
_K = MessageKind
_S = CallbackState
_N = NoticeKind


def an_event(kind: type[Event], callback: Callback, **more: Any) -> Event:
    """Return an event that tells of the callback as it is."""
    return told(kind, callback, at=NOW, **more)


def born_of(event: Event, callback: Callback | None, policy: QueuePolicy = POLICY) -> list[MessageKind]:
    return [born.kind for born in births(event, callback=callback, policy=policy)]


def ended(outcome: Outcome = Outcome.UNREACHED, **changes: Any) -> Callback:
    """Return a callback that has ended so."""
    over = {"state": _S.ENDED, "outcome": outcome, "ended_at": NOW, "due_at": None, "due_reason": None}
    return a_callback(**{"version": 4, **over, **changes})


def scheduled(**changes: Any) -> Callback:
    """Return a callback with a booking, in three hours from the start."""
    fields = {"state": _S.SCHEDULED, "scheduled_at": BOOKED_AT, "booking_id": BOOKING_ID}
    return a_callback(**{**fields, **changes})


# ---------------------------------------------------------------------------- birth


def test_who_is_offered_another_time_at_the_end_is_told_that_it_is_over() -> None:
    """They answer for a new callback: of this one nothing is kept."""
    callback = ended()
    event = an_event(events.CallbackEnded, callback, notices=(_N.OTHER_TIME, _N.TICKET_NOTE))
    assert born_of(event, callback) == [_K.UNREACHED]


@pytest.mark.parametrize(
    ("purpose", "kinds"), [(Purpose.REQUESTED, 1), (Purpose.SERVICE, 1), (Purpose.SALES, 0)]
)
def test_who_is_called_for_sales_is_sent_nothing(purpose: Purpose, kinds: int) -> None:
    """They have asked for nothing, and a text would be one more unwanted message."""
    callback = a_callback(purpose=purpose)
    assert len(born_of(an_event(events.CallbackRequested, callback), callback)) == kinds


def test_a_request_is_confirmed() -> None:
    """At once, for as long as a message is of use; nobody writes that it takes longer than was never said."""
    (born,) = births(an_event(events.CallbackRequested, a_callback()), callback=a_callback(), policy=POLICY)
    assert born == Born(
        kind=_K.CONFIRMATION,
        cause="cb_1.1.confirmation",
        queue=SUPPORT,
        callback_id=CALLBACK_ID,
        subject_id=SubjectId("su_1"),
        due_at=NOW,
        best_before_at=NOW + ALL.message_life,
    )


@pytest.mark.parametrize(
    ("quoted", "wait"),
    [
        ({"quoted_wait_s": 600.0}, 10 * M),
        ({"quoted_wait_s": 600.0, "quoted_wait_high_s": 900.0}, 15 * M),
        ({"quoted_wait_s": 0.0}, 0 * M),
    ],
)
def test_who_was_told_a_wait_is_told_that_it_takes_longer(quoted: dict[str, float], wait: timedelta) -> None:
    """A margin after the longest that was said; once, whatever version the callback has by then."""
    callback = a_callback(**quoted)
    event = an_event(events.CallbackRequested, callback)
    confirmation, slipped = births(event, callback=callback, policy=POLICY)
    assert confirmation.kind is _K.CONFIRMATION
    assert (slipped.kind, slipped.cause) == (_K.SLIPPED, "cb_1.slipped")
    assert slipped.due_at == START + wait + 15 * M
    assert slipped.best_before_at == slipped.due_at + ALL.message_life


def test_nobody_is_told_that_it_takes_longer_than_a_time_that_was_chosen() -> None:
    """That would be the message LATE. Nor where policy does not want it."""
    booked = scheduled(quoted_wait_s=600.0)
    assert born_of(an_event(events.CallbackRequested, booked), booked) == [_K.CONFIRMATION]
    quoted = a_callback(quoted_wait_s=600.0)
    never = attrs.evolve(POLICY, messages=attrs.evolve(ALL, slip_margin=None))
    assert born_of(an_event(events.CallbackRequested, quoted), quoted, never) == [_K.CONFIRMATION]


def test_another_time_is_confirmed_but_not_the_same_time_on_the_wall() -> None:
    """When the rules of a zone have changed, the customer's clock shows what it was to show."""
    callback = scheduled(version=3)
    event = an_event(events.CallbackRescheduled, callback, by="ann", reason="wish")
    (born,) = births(event, callback=callback, policy=POLICY)
    assert (born.cause, born.booking_id) == ("cb_1.3.confirmation", BOOKING_ID)
    assert born.best_before_at == BOOKED_AT
    kept = an_event(events.CallbackRescheduled, callback, reason=ZONE_RULES)
    assert born_of(kept, callback) == []


def test_another_number_is_confirmed_while_it_is_to_be_called() -> None:
    """Not for a callback that is over."""
    event = an_event(events.CallbackRenumbered, a_callback(version=2))
    assert born_of(event, a_callback(version=2)) == [_K.NUMBER_CHANGED]
    assert born_of(event, ended()) == []


@pytest.mark.parametrize(
    ("kind", "notices", "expected"),
    [
        (events.BookingReminded, (_N.AGENT_REMINDER, _N.REMINDER), [_K.REMINDER]),
        (
            events.BookingReminded,
            (_N.AGENT_REMINDER, _N.REMINDER, _N.BACKUP_AGENT),
            [_K.REMINDER, _K.AGENT_CHANGED],
        ),
        (events.BookingLate, (_N.LATE,), [_K.LATE]),
    ],
)
def test_who_has_a_booking_is_reminded_and_told_if_it_is_late(
    kind: type[Event], notices: tuple[NoticeKind, ...], expected: list[MessageKind]
) -> None:
    """The cause is the booking; what is about a time is of no use after it."""
    booking = a_booking(version=2, reminded_at=NOW, late_at=NOW)
    event = told(kind, booking, at=NOW, notices=notices)
    told_of = births(event, callback=scheduled(), policy=POLICY)
    assert [born.kind for born in told_of] == expected
    for born in told_of:
        assert born.cause == f"bk_1.2.{born.kind}"
        assert (born.callback_id, born.booking_id) == (CALLBACK_ID, BOOKING_ID)
        assert born.best_before_at == (NOW + 12 * H if born.kind is _K.LATE else BOOKED_AT)


@pytest.mark.parametrize("notice", [None, *TO_CUSTOMER])
def test_who_was_not_reached_is_told_as_the_rule_says(notice: NoticeKind | None) -> None:
    """Whatever message the rule for this disposition names, or none."""
    callback = a_callback(state=_S.RESTING, version=3, last_disposition=Disposition.NO_ANSWER)
    event = an_event(events.CallbackRested, callback, notice=notice)
    expected = [CUSTOMER_NOTICES[notice]] if notice is not None else []
    assert born_of(event, callback) == expected


def reopened(state: CallbackState, disposition: Disposition) -> tuple[Event, Callback]:
    """Return what is told of a callback that was taken for done."""
    callback = a_callback(state=state, version=6, last_disposition=disposition)
    return an_event(events.CallbackReopened, callback, by="ann"), callback


def test_who_was_taken_for_reached_is_told_as_the_rule_says() -> None:
    """A machine had answered: it is tried again, and the customer hears what they would have heard then."""
    rules = {**RETRY_S2, Disposition.MACHINE: RetryRule(retries_max=1, notice=_N.MISSED)}
    policy = attrs.evolve(POLICY, retry_rules=rules)
    assert born_of(*reopened(_S.RESTING, Disposition.MACHINE), policy) == [_K.MISSED]
    assert born_of(*reopened(_S.HELD, Disposition.MACHINE), policy) == []
    silent = attrs.evolve(POLICY, retry_rules={Disposition.MACHINE: RetryRule(retries_max=1, notice=None)})
    assert born_of(*reopened(_S.RESTING, Disposition.MACHINE), silent) == []
    assert born_of(*reopened(_S.RESTING, Disposition.BUSY), silent) == []


@pytest.mark.parametrize("kind", [events.CallbackWaitedLong, events.CallbackRequeued])
def test_who_waits_long_is_offered_other_times_where_there_are_some(kind: type[Event]) -> None:
    """Without slots there is nothing to offer."""
    callback = a_callback(version=2, waited_long_at=NOW)
    event = an_event(kind, callback)
    assert born_of(event, callback) == [_K.OTHER_TIMES]
    assert born_of(event, callback, attrs.evolve(POLICY, slots=None)) == []


@pytest.mark.parametrize(
    ("outcome", "notices", "expected"),
    [
        (Outcome.UNREACHED, (_N.UNREACHED, _N.TICKET_NOTE, _N.FOLLOW_UP), [_K.UNREACHED]),
        (Outcome.UNREACHED, (_N.NO_SHOWS, _N.TICKET_NOTE, _N.CUSTOMER_FLAGGED), [_K.NO_SHOWS]),
        (Outcome.UNREACHED, (_N.TICKET_NOTE,), []),
        (Outcome.DECLINED_BY_AGENTS, (_N.NO_AGENT, _N.TICKET_NOTE), [_K.NO_AGENT]),
        (Outcome.CANCELLED, (_N.TICKET_NOTE,), [_K.CANCELLED]),
        (Outcome.EXPIRED, (), [_K.EXPIRED]),
        (Outcome.EXPIRED, (_N.TICKET_NOTE, _N.FOLLOW_UP), [_K.EXPIRED]),
        (Outcome.EXPIRED, (_N.UNREACHED, _N.TICKET_NOTE), [_K.UNREACHED]),
        (Outcome.COMPLETED, (), []),
        (Outcome.REPLACED, (), []),
        (Outcome.SERVED_ELSEWHERE, (), []),
        (Outcome.REFUSED_BY_RULE, (_N.REFUSED_BY_RULE,), []),
    ],
)
def test_at_the_end_the_customer_is_told_once(
    outcome: Outcome, notices: tuple[NoticeKind, ...], expected: list[MessageKind]
) -> None:
    """What is for the company is not told to the customer."""
    callback = ended(outcome)
    event = an_event(events.CallbackEnded, callback, notices=notices)
    assert born_of(event, callback) == expected
    if expected:
        (born,) = births(event, callback=callback, policy=POLICY)
        assert born.cause == f"cb_1.4.{expected[0]}"


@pytest.mark.parametrize(
    ("callback", "disposition", "survey", "expected"),
    [
        (ended(Outcome.COMPLETED, attempt_id=ATTEMPT_ID), Disposition.CONNECTED, True, [_K.SURVEY]),
        (ended(Outcome.COMPLETED, attempt_id=ATTEMPT_ID), Disposition.CONNECTED, False, []),
        (ended(Outcome.COMPLETED, attempt_id=ATTEMPT_ID), Disposition.MACHINE, True, []),
        (ended(Outcome.COMPLETED, attempt_id=AttemptId("at_2")), Disposition.CONNECTED, True, []),
        (ended(Outcome.CANCELLED, attempt_id=ATTEMPT_ID), Disposition.CONNECTED, True, []),
    ],
)
def test_who_talked_is_asked_how_it_was(
    callback: Callback, disposition: Disposition, *, survey: bool, expected: list[MessageKind]
) -> None:
    """Only of the attempt by which the promise was kept, and only where policy wants it."""
    attempt = an_attempt(version=7, disposition=disposition, ended_at=NOW)
    event = told(events.AttemptEnded, attempt, at=NOW, cause="report")
    policy = attrs.evolve(POLICY, survey=survey)
    assert born_of(event, callback, policy) == expected
    if expected:
        assert births(event, callback=callback, policy=policy)[0].cause == "at_1.7.survey"


def test_of_most_that_happens_nobody_is_told() -> None:
    """An agent was found, a place was changed: the customer need not know."""
    callback = a_callback(version=2)
    for kind in (events.CallbackReady, events.CallbackReturned, events.CallbackWatched):
        more = {"last_disposition": Disposition.BUSY} if kind is events.CallbackReturned else {}
        event = an_event(kind, attrs.evolve(callback, **more))
        assert born_of(event, callback) == []


def test_what_is_about_no_callback_tells_nobody() -> None:
    """A live call has an agent for that."""
    assert born_of(told(events.CallJoined, a_call(), at=NOW), None) == []


def test_a_queue_without_messages_sends_none() -> None:
    """The notices are the host's to send."""
    event = an_event(events.CallbackRequested, a_callback())
    assert born_of(event, a_callback(), attrs.evolve(POLICY, messages=None)) == []


def test_only_the_kinds_that_are_wanted_are_born() -> None:
    """By default, nobody is told that a callback has expired."""
    callback = ended(Outcome.EXPIRED)
    event = an_event(events.CallbackEnded, callback)
    assert born_of(event, callback, attrs.evolve(POLICY, messages=Messages())) == []
    quoted = a_callback(quoted_wait_s=60.0)
    request = an_event(events.CallbackRequested, quoted)
    only = attrs.evolve(POLICY, messages=Messages(kinds=frozenset({_K.SLIPPED})))
    assert born_of(request, quoted, only) == [_K.SLIPPED]


def test_the_same_event_gives_the_same_message() -> None:
    """However often it is looked at, and whatever became of the callback: by its cause it is told once."""
    event = an_event(events.CallbackRequested, a_callback())
    (first,) = births(event, callback=a_callback(), policy=POLICY)
    (later,) = births(event, callback=a_callback(version=9, state=_S.RESTING), policy=POLICY)
    assert first.cause == later.cause


# ---------------------------------------------------------------------------- nobody is told twice


def a_notice(kind: NoticeKind, queue: QueueName = SUPPORT) -> Notice:
    return one_notice(kind, a_callback(queue=queue), a_subject())


def test_every_notice_has_one_who_is_told() -> None:
    """By its own words: those to the customer have a message, the others have none."""
    company = {
        _N.TICKET_NOTE,
        _N.FOLLOW_UP,
        _N.CUSTOMER_FLAGGED,
        _N.AGENT_REMINDER,
        _N.NOT_REPEATED,
        _N.REFUSED_BY_RULE,
        _N.NUMBER_WRONG,
    }
    assert set(CUSTOMER_NOTICES) == set(NoticeKind) - company
    assert set(TO_CUSTOMER) <= set(CUSTOMER_NOTICES)


@pytest.mark.parametrize("kind", NoticeKind)
def test_what_is_sent_as_a_message_is_no_notice_any_more(kind: NoticeKind) -> None:
    """All else stays, in its order."""
    hang_up = HangUp(leg_id=AGENT_LEG)
    effects = (hang_up, a_notice(kind), hang_up)
    left = untold(effects, policies={SUPPORT: POLICY})
    assert left == ((hang_up, hang_up) if kind in CUSTOMER_NOTICES else effects)


def test_a_notice_stays_where_no_message_is_sent() -> None:
    """The queue sends none, or not this kind, or is not known any more."""
    notice = a_notice(_N.MISSED)
    others = Messages(kinds=frozenset(MessageKind) - {_K.MISSED})
    for policy in (attrs.evolve(POLICY, messages=None), attrs.evolve(POLICY, messages=others)):
        assert untold([notice], policies={SUPPORT: policy}) == (notice,)
    assert untold([notice], policies={QueueName("sales"): POLICY}) == (notice,)


# ---------------------------------------------------------------------------- truth

CALLBACKS: Final = {
    "scheduled": scheduled(),
    "waiting": a_callback(booking_id=BOOKING_ID),
    "attempting": a_callback(state=_S.ATTEMPTING),
    "returned": a_callback(last_disposition=Disposition.AGENT_UNAVAILABLE),
    "tried": a_callback(attempts_count=1),
    "resting": a_callback(state=_S.RESTING, attempts_count=1),
    "held": a_callback(state=_S.HELD),
    **{str(outcome): ended(outcome) for outcome in Outcome},
}
LIVE: Final = ("scheduled", "waiting", "attempting", "returned", "tried", "resting", "held")
NOT_REACHED: Final = {"unreached", "expired", "declined_by_agents"}
FITTING: Final = a_booking(reminded_at=START, late_at=START)

_OPEN = dict.fromkeys(LIVE)
_OVER: dict[str, str | None] = dict.fromkeys(map(str, Outcome), "ended")
_NOT_BEGUN: dict[str, str | None] = {
    **_OPEN,
    "attempting": "being_called",
    "tried": "called",
    "resting": "called",
    **_OVER,
}


def _only(*outcomes: str) -> dict[str, str | None]:
    over = {str(outcome): None if outcome in outcomes else "other_outcome" for outcome in Outcome}
    return {**dict.fromkeys(LIVE, "reopened"), **over}


TRUTH: Final[dict[MessageKind, dict[str, str | None]]] = {
    **{key: {**_OPEN, **_OVER} for key in (_K.CONFIRMATION, _K.NUMBER_CHANGED, _K.MISSED)},
    **{key: {**_NOT_BEGUN, "held": "held"} for key in (_K.REMINDER, _K.AGENT_CHANGED)},
    _K.LATE: _NOT_BEGUN,
    _K.SLIPPED: {**_NOT_BEGUN, "scheduled": "given_a_time"},
    _K.OTHER_TIMES: {
        **_OPEN,
        "scheduled": "given_a_time",
        "attempting": "being_called",
        **_OVER,
        **dict.fromkeys(NOT_REACHED),
    },
    **dict.fromkeys((_K.UNREACHED, _K.NO_SHOWS, _K.NO_AGENT), _only(*NOT_REACHED)),
    _K.CANCELLED: _only("cancelled"),
    _K.EXPIRED: _only("expired"),
    _K.SURVEY: _only("completed"),
}


@pytest.mark.parametrize("stands", CALLBACKS)
@pytest.mark.parametrize("kind", TRUTH)
def test_a_message_is_true_as_long_as_the_callback_stands_so(kind: MessageKind, stands: str) -> None:
    """The whole table, with a booking that is as it was."""
    message = a_message(message_kind=kind, booking_id=BOOKING_ID)
    why = untrue(message, callback=CALLBACKS[stands], booking=FITTING, now=NOW)
    assert why == TRUTH[kind][stands]


def test_what_passes_is_what_a_callback_comes_back_from() -> None:
    """An attempt that did not count, or a rule that holds it: all else is for good, or until it is told anew."""
    said = {why for row in TRUTH.values() for why in row.values() if why is not None}
    assert said > PASSING
    for kind, row in TRUTH.items():
        for why in set(row.values()) & PASSING:
            assert row["waiting"] is None, (kind, why)
        assert row["attempting"] in (None, "being_called", "reopened")
        assert row["held"] in (None, "held", "reopened")


def test_every_kind_that_is_born_is_in_the_table() -> None:
    """Of the others none is born: they answer what a customer wrote."""
    born = {_K.CONFIRMATION, _K.NUMBER_CHANGED, _K.CANCELLED, _K.EXPIRED, _K.SLIPPED}
    assert set(TRUTH) == born | set(CUSTOMER_NOTICES.values())


@pytest.mark.parametrize("kind", [_K.REMINDER, _K.AGENT_CHANGED, _K.LATE])
@pytest.mark.parametrize(
    "booking",
    [
        None,
        attrs.evolve(FITTING, booking_id=BookingId("bk_2")),
        attrs.evolve(FITTING, reminded_at=None, late_at=None),
        attrs.evolve(FITTING, state=BookingState.ENDED),
    ],
)
def test_a_message_about_a_time_is_untrue_when_it_was_moved(kind: MessageKind, booking: Any) -> None:
    """To another slot or another booking, or given up."""
    message = a_message(message_kind=kind, booking_id=BOOKING_ID)
    assert untrue(message, callback=scheduled(), booking=booking, now=NOW) == "moved"


def test_nobody_is_reminded_of_a_time_that_has_passed() -> None:
    """But that it is late is still true."""
    reminder = a_message(message_kind=_K.REMINDER, booking_id=BOOKING_ID)
    assert untrue(reminder, callback=scheduled(), booking=FITTING, now=BOOKED_AT - S) is None
    assert untrue(reminder, callback=scheduled(), booking=FITTING, now=BOOKED_AT) == "time_passed"
    late = attrs.evolve(reminder, message_kind=_K.LATE)
    assert untrue(late, callback=scheduled(), booking=FITTING, now=BOOKED_AT + D) is None


@pytest.mark.parametrize("kind", MessageKind)
def test_an_answer_is_always_true(kind: MessageKind) -> None:
    """It was asked for just now, whatever became of the callback."""
    answer = a_message(message_kind=kind, is_answer=True)
    for callback in (None, *CALLBACKS.values()):
        assert untrue(answer, callback=callback, booking=None, now=NOW) is None


def test_what_is_about_no_callback_stays_true_and_what_is_about_a_lost_one_does_not() -> None:
    """A record that was deleted has nothing to tell any more."""
    assert untrue(a_message(callback_id=None), callback=None, booking=None, now=NOW) is None
    assert untrue(a_message(), callback=None, booking=None, now=NOW) == "gone"


@pytest.mark.parametrize("kind", sorted(set(MessageKind) - set(TRUTH)))
def test_what_is_said_of_no_state_stays_true(kind: MessageKind) -> None:
    """Such as help, where the host sends it without having been asked."""
    for callback in CALLBACKS.values():
        assert untrue(a_message(message_kind=kind), callback=callback, booking=None, now=NOW) is None


# ---------------------------------------------------------------------------- one for another


@pytest.mark.parametrize("kind", MessageKind)
def test_a_newer_message_takes_the_place_of_an_older_one_of_its_kind(kind: MessageKind) -> None:
    """A cancelled callback has nothing else to say; what is about messages as such stays."""
    expected = {kind}
    if kind is _K.CANCELLED:
        expected = set(MessageKind) - {_K.OPTED_OUT, _K.OPTED_IN}
    assert supersedes(kind) == expected
