"""The conversation by message: every wish, every question, who is meant, and that no loop has no end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.conversation import (
    ANSWERS_MAX,
    Action,
    Cancel,
    Known,
    Move,
    NewNumber,
    OfferTimes,
    OptIn,
    OptOut,
    Prove,
    Request,
    Tell,
    Turn,
    hear,
)
from callbackq.core.questions import CONVERSATION_LIFE, HEARD_MAX, new_conversation, said
from callbackq.ids import DEFAULT_TENANT, CallbackId, VerificationId
from callbackq.model import Conversation, Medium, MessageKind, Question, ReplyWish, choice_texts
from callbackq.policy import Messages
from callbackq.policy.messages import CHOICES_MAX
from core.samples import LAW, START, D, H, S, a_callback

K, W, Q = MessageKind, ReplyWish, Question
ONE, TWO, GONE = CallbackId("cb_1"), CallbackId("cb_2"), CallbackId("cb_gone")
CODE: Final = VerificationId("vf_1")
POLICY: Final = Messages()
LIFE: Final = POLICY.question_life
TIMES: Final = (START + H, START + 2 * H, START + 3 * H)
NUMBER: Final = "+1 212 555 0123"
MESSAGES, CALLS = frozenset({Medium.MESSAGES}), frozenset({Medium.CALLS})


def known(*callback_ids: CallbackId, **changes: Any) -> Known:
    """Return what is known of a sender with these open callbacks, all in queues with slots."""
    fields: dict[str, Any] = {
        "callbacks": tuple(a_callback(callback_id=one) for one in callback_ids),
        "with_slots": frozenset(callback_ids),
        "takes_requests": True,
        **changes,
    }
    return Known(**fields)


def talk(**changes: Any) -> Conversation:
    """Return a conversation in which nothing was said yet."""
    return attrs.evolve(new_conversation(DEFAULT_TENANT, "sms/key", now=START), **changes)


def asked(
    kind: MessageKind,
    callback_id: CallbackId | None = ONE,
    *,
    choices: Iterable[str] = (),
    wish: ReplyWish | None = None,
    before: Conversation | None = None,
    now: datetime = START,
) -> Conversation:
    """Return the conversation behind a message of this kind."""
    return said(
        before or talk(),
        message_kind=kind,
        callback_id=callback_id,
        choices=tuple(choices),
        wish=wish,
        verification_id=CODE,
        now=now,
        policy=POLICY,
    )


def which_time(count: int = 3, callback_id: CallbackId = ONE) -> Conversation:
    return asked(K.RESCHEDULE, callback_id, choices=choice_texts(TIMES[:count]))


def which_callback(wish: ReplyWish | None = W.CANCEL, *callback_ids: CallbackId) -> Conversation:
    return asked(K.WHICH, None, choices=callback_ids or (ONE, TWO), wish=wish)


def turn(
    text: str,
    sender: Known,
    before: Conversation | None = None,
    *,
    policy: Messages = POLICY,
    inbound_id: str = "in-1",
    now: datetime = START,
) -> Turn:
    return hear(
        text,
        inbound_id=inbound_id,
        conversation=before or talk(),
        known=sender,
        policy=policy,
        words={},
        now=now,
    )


def act(text: str, sender: Known, before: Conversation | None = None, **changes: Any) -> Action | None:
    return turn(text, sender, before, **changes).action


# ---------------------------------------------------------------------------- wishes


@pytest.mark.parametrize(
    ("text", "wish", "action"),
    [
        ("9", W.CANCEL, Cancel(ONE)),
        ("drop", W.CANCEL, Cancel(ONE)),
        ("cancel call", W.CANCEL, Cancel(ONE)),
        ("2", W.OTHER_TIME, OfferTimes(ONE)),
        ("RESCHEDULE", W.OTHER_TIME, OfferTimes(ONE)),
        ("3", W.NUMBER, Tell(K.NEW_NUMBER)),
        ("UPDATE", W.NUMBER, Tell(K.NEW_NUMBER)),
        (f"update {NUMBER}", W.NUMBER, NewNumber(ONE, NUMBER)),
        ("4", W.STATUS, Tell(K.STATUS)),
        ("status", W.STATUS, Tell(K.STATUS)),
        ("call me", W.STATUS, Tell(K.STATUS)),
        ("4 thanks", W.STATUS, Tell(K.STATUS)),
        ("help", W.HELP, Tell(K.HELP)),
        ("STOP", W.OPT_OUT, OptOut(MESSAGES)),
        ("CANCEL", W.CANCEL_AND_OPT_OUT, OptOut(MESSAGES, (ONE,))),
        ("do not call me", W.NO_CALLS, OptOut(CALLS, (ONE,))),
        ("START", W.OPT_IN, OptIn()),
        ("thanks", W.THANKS, None),
        ("yes", W.THANKS, None),
        ("who are you", None, Tell(K.HELP)),
        ("7", None, Tell(K.HELP)),
        ("123456", None, Tell(K.HELP)),
        (NUMBER, None, Tell(K.HELP)),
    ],
)
def test_a_wish_of_who_has_one_callback(text: str, wish: ReplyWish | None, action: Action | None) -> None:
    found = turn(text, known(ONE))
    assert (found.wish, found.action) == (wish, action)
    about_one = not isinstance(action, OptIn) and action not in {None, Tell(K.HELP), OptOut(MESSAGES)}
    assert found.callback_id == (ONE if about_one else None)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("9", W.CANCEL),
        ("2", W.OTHER_TIME),
        ("3", W.NUMBER),
        (f"update {NUMBER}", W.NUMBER),
        ("call me", W.STATUS),
    ],
)
def test_who_has_several_is_asked_which_and_the_wish_is_kept(text: str, wish: ReplyWish) -> None:
    found = turn(text, known(TWO, ONE))
    assert found.action == Tell(K.WHICH, (TWO, ONE))
    assert found.callback_id is None
    assert (found.wish, found.conversation.wish) == (wish, wish)


def test_no_more_callbacks_are_listed_than_can_be_numbered() -> None:
    ids = [CallbackId(f"cb_{number}") for number in range(9)]
    assert act("4", known(*ids)) == Tell(K.WHICH, tuple(ids[:CHOICES_MAX]))


@pytest.mark.parametrize("text", ["1", "7"])
def test_which_is_not_asked_again_where_none_is_open_any_more(text: str) -> None:
    assert turn(text, known(), which_callback()).action == Tell(K.NOT_POSSIBLE)


def test_the_message_that_is_answered_says_which() -> None:
    assert act("9", known(TWO, ONE, about=ONE)) == Cancel(ONE)
    assert act("9", known(TWO, about=ONE)) == Tell(K.NOT_POSSIBLE)
    assert act("4", known(TWO, about=ONE)) == Tell(K.STATUS)
    assert act("9", known(about=ONE)) == Tell(K.NO_CALLBACK)


def test_the_open_question_says_which() -> None:
    before = which_time(callback_id=ONE)
    assert act("9", known(TWO, ONE), before) == Cancel(ONE)
    assert act("status", known(TWO, ONE), before) == Tell(K.STATUS)
    assert act("9", known(TWO, ONE), asked(K.REMINDER, ONE)) == Tell(K.WHICH, (TWO, ONE))


def test_a_queue_without_slots_has_no_other_times() -> None:
    found = turn("2", known(ONE, with_slots=frozenset()))
    assert (found.action, found.callback_id) == (Tell(K.RESCHEDULE), ONE)


def test_who_was_written_to_about_one_that_is_over_chooses_a_time_for_another() -> None:
    nobody = known(offers_times=True, takes_requests=True)
    offered = turn("2", nobody, asked(K.UNREACHED, GONE))
    assert offered.action == OfferTimes(None)
    question = asked(K.RESCHEDULE, None, choices=choice_texts(TIMES), before=offered.conversation)
    assert act("2", nobody, question, inbound_id="in-2") == Request(TIMES[1])
    assert act("5", nobody, question, inbound_id="in-2") == OfferTimes(None)
    assert act("2", known(offers_times=True, takes_requests=False), question, inbound_id="in-2") == Tell(
        K.NOT_POSSIBLE
    )


def test_help_leaves_a_number_that_was_asked_for_open() -> None:
    after = turn("555", known(ONE), asked(K.NEW_NUMBER))
    assert after.action == Tell(K.HELP)
    helped = asked(K.HELP, None, before=after.conversation)
    again = act("+1 212 555 0199", known(ONE), helped, inbound_id="in-2")
    assert isinstance(again, NewNumber)


def test_a_callback_that_was_chosen_is_no_question_any_more() -> None:
    chosen = turn("1", known(ONE, TWO), which_callback(W.CANCEL))
    assert chosen.action == Cancel(ONE)
    assert chosen.conversation.question is None


@pytest.mark.parametrize("text", ["9", "2", "3", "4", "call me", "1 cancel"])
def test_who_has_none_is_told_so_once(text: str) -> None:
    nobody = known(takes_requests=False)
    first = turn(text, nobody)
    assert first.action == Tell(K.NO_CALLBACK)
    second = turn(text, nobody, first.conversation, inbound_id="in-2", now=START + LIFE - S)
    assert second.action is None
    later = turn(text, nobody, second.conversation, inbound_id="in-3", now=START + 2 * LIFE)
    assert later.action == Tell(K.NO_CALLBACK)


def test_who_was_helped_is_still_told_that_there_is_no_callback() -> None:
    before = turn("who are you", known()).conversation
    told = turn("9", known(), before, inbound_id="in-2")
    assert told.action == Tell(K.NO_CALLBACK)
    assert act("9", known(), told.conversation, inbound_id="in-3") is None
    assert act("who are you", known(), told.conversation, inbound_id="in-4") is None


@pytest.mark.parametrize(
    ("sender", "policy", "action"),
    [
        (known(), POLICY, Request()),
        (known(takes_requests=False), POLICY, Tell(K.NO_CALLBACK)),
        (known(), Messages(requests=False), Tell(K.NO_CALLBACK)),
        (known(ONE), POLICY, Tell(K.STATUS)),
    ],
)
def test_a_callback_can_be_asked_for_where_that_is_taken(
    sender: Known, policy: Messages, action: Action
) -> None:
    assert act("call me", sender, policy=policy) == action


def test_another_time_is_a_new_callback_for_who_was_written_to_about_one() -> None:
    assert act("reschedule", known(), asked(K.UNREACHED, ONE)) == Request()
    assert act("reschedule", known()) == Tell(K.NO_CALLBACK)
    assert act("9", known(), asked(K.UNREACHED, ONE)) == Tell(K.NO_CALLBACK)


# ---------------------------------------------------------------------------- left alone


@pytest.mark.parametrize(
    ("sender", "before", "cancels"),
    [
        (known(TWO, ONE, about=ONE), asked(K.REMINDER, TWO), (ONE,)),
        (known(TWO, about=ONE), asked(K.REMINDER, TWO), ()),
        (known(TWO, ONE), asked(K.REMINDER, ONE), (ONE,)),
        (known(TWO, ONE), asked(K.REMINDER, GONE), ()),
        (known(TWO), asked(K.REMINDER, GONE), (TWO,)),
        (known(TWO, ONE), talk(), ()),
        (known(TWO), talk(), (TWO,)),
        (known(), talk(), ()),
    ],
)
def test_the_bare_word_cancel_opts_out_and_cancels_what_is_clear(
    sender: Known, before: Conversation, cancels: tuple[CallbackId, ...]
) -> None:
    found = turn("CANCEL", sender, before)
    assert found.action == OptOut(MESSAGES, cancels)
    assert found.callback_id == (cancels[0] if cancels else None)


def test_who_wants_no_calls_has_all_callbacks_cancelled() -> None:
    found = turn("do not call me", known(TWO, ONE))
    assert found.action == OptOut(CALLS, (TWO, ONE))
    assert found.callback_id is None


def test_a_cancellation_in_more_words_is_an_opt_out_only_where_the_policy_says_so() -> None:
    strict = Messages(cancel_phrase_opts_out=True)
    assert act("cancel my callback", known(ONE), policy=strict) == OptOut(MESSAGES, (ONE,))
    assert act("drop", known(ONE), policy=strict) == Cancel(ONE)
    assert act("9", known(ONE), policy=strict) == Cancel(ONE)
    assert act("cancel my callback", known(ONE)) == Cancel(ONE)
    several = attrs.evolve(which_callback(), last_callback_id=TWO)
    assert act("cancel 1", known(TWO, ONE), several, policy=strict) == OptOut(MESSAGES, (ONE,))
    assert act("cancel 3", known(TWO, ONE), several, policy=strict) == OptOut(MESSAGES, (TWO,))
    assert act("cancel 2", known(ONE), several, policy=strict) == OptOut(MESSAGES)


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("9", Cancel(ONE)),
        ("STOP", OptOut(MESSAGES)),
        ("CANCEL", OptOut(MESSAGES, (ONE,))),
        ("do not call me", OptOut(CALLS, (ONE,))),
        ("START", OptIn()),
        ("yes", OptIn()),
        ("2", None),
        ("3", None),
        (f"update {NUMBER}", None),
        ("4", None),
        ("help", None),
        ("who are you", None),
    ],
)
def test_who_has_opted_out_is_answered_nothing_but_the_way_back(text: str, action: Action | None) -> None:
    found = turn(text, known(ONE, opted_out=True))
    assert found.action == action
    assert found.conversation.helped_at is None


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("9", None),
        ("2", None),
        ("1", None),
        ("who are you", None),
        ("thanks", None),
        ("STOP", OptOut(MESSAGES)),
        ("CANCEL", OptOut(MESSAGES)),
        ("do not call me", OptOut(CALLS)),
        ("START", OptIn()),
        ("help", Tell(K.HELP)),
    ],
)
def test_a_policy_without_answers_hears_only_who_wants_to_be_left_alone(
    text: str, action: Action | None
) -> None:
    assert act(text, known(ONE), which_time(), policy=Messages(answers=False)) == action


def test_an_opt_out_closes_the_question() -> None:
    after = turn("STOP", known(ONE), which_time()).conversation
    assert (after.question, after.choices, after.until_at) == (None, (), None)


# ---------------------------------------------------------------------------- questions


@pytest.mark.parametrize(
    ("kind", "callback_id", "choices", "question"),
    [
        (K.RESCHEDULE, ONE, choice_texts(TIMES), Q.WHICH_TIME),
        (K.SLOTS_FULL, ONE, choice_texts(TIMES), Q.WHICH_TIME),
        (K.OTHER_TIMES, ONE, choice_texts(TIMES), Q.WHICH_TIME),
        (K.LATE, ONE, choice_texts(TIMES), Q.WHICH_TIME),
        (K.LATE, ONE, (), None),
        (K.SLOTS_FULL, None, choice_texts(TIMES), Q.WHICH_TIME),
        (K.RESCHEDULE, None, (), None),
        (K.WHICH, None, (ONE, TWO), Q.WHICH_CALLBACK),
        (K.WHICH, None, (), None),
        (K.NEW_NUMBER, ONE, (), Q.WHICH_NUMBER),
        (K.NEW_NUMBER, None, (), None),
        (K.ENTER_CODE, ONE, (), Q.WHICH_CODE),
        (K.CONFIRMATION, ONE, choice_texts(TIMES), None),
        (K.NUMBER_REFUSED, ONE, (), None),
        (K.HELP, None, (), None),
    ],
)
def test_the_last_message_decides_what_is_asked(
    kind: MessageKind, callback_id: CallbackId | None, choices: tuple[str, ...], question: Question | None
) -> None:
    after = asked(kind, callback_id, choices=choices, wish=W.STATUS, now=START + H)
    assert after.question is question
    assert after.last_callback_id == callback_id
    assert after.version == 1
    assert after.over_at == START + H + CONVERSATION_LIFE
    assert after.until_at == (START + H + LIFE if question else None)
    assert after.choices == (choices if question else ())
    assert after.wish is (W.STATUS if question is Q.WHICH_CALLBACK else None)
    assert after.verification_id == (CODE if question is Q.WHICH_CODE else None)
    assert after.callback_id == (callback_id if question else None)


def test_a_message_about_no_callback_leaves_what_was_written_about_last() -> None:
    assert asked(K.HELP, None, before=asked(K.REMINDER, ONE)).last_callback_id == ONE
    assert asked(K.REMINDER, TWO, before=asked(K.REMINDER, ONE)).last_callback_id == TWO


@pytest.mark.parametrize("kind", [K.NEW_NUMBER, K.ENTER_CODE])
def test_what_was_refused_can_be_given_again(kind: MessageKind) -> None:
    before = asked(kind)
    after = asked(K.NUMBER_REFUSED, before=before, now=START + H)
    assert (after.question, after.verification_id) == (before.question, before.verification_id)
    assert after.until_at == START + H + LIFE
    assert asked(K.NUMBER_REFUSED, None, before=before).question is before.question
    assert asked(K.NUMBER_REFUSED, TWO, before=before).question is None
    assert asked(K.NUMBER_REFUSED, before=which_time()).question is None


@pytest.mark.parametrize(
    ("before", "text", "action"),
    [
        (which_time(), "1", Move(ONE, TIMES[0])),
        (which_time(), "option 3, please", Move(ONE, TIMES[2])),
        (which_time(), "reschedule 2", Move(ONE, TIMES[1])),
        (which_time(), "2 thanks", Move(ONE, TIMES[1])),
        (which_time(), "4", OfferTimes(ONE)),
        (which_time(), "0", OfferTimes(ONE)),
        (which_time(), "9", Cancel(ONE)),
        (which_time(), "status 2", Tell(K.STATUS)),
        (which_time(), "cancel 2", Cancel(ONE)),
        (which_time(), "another time", OfferTimes(ONE)),
        (which_time(), "yes", None),
        (which_time(1), "yes", Move(ONE, TIMES[0])),
        (which_time(1), "Yes please!", Move(ONE, TIMES[0])),
        (which_time(1), "thanks", None),
        (which_time(callback_id=GONE), "1", Tell(K.NOT_POSSIBLE)),
        (which_time(callback_id=GONE), "9", Cancel(ONE)),
        (which_callback(), "1", Cancel(ONE)),
        (which_callback(W.OTHER_TIME), "1", OfferTimes(ONE)),
        (which_callback(W.NUMBER), "1", Tell(K.NEW_NUMBER)),
        (which_callback(W.STATUS), "1", Tell(K.STATUS)),
        (which_callback(None), "1", Tell(K.STATUS)),
        (which_callback(W.STATUS), "cancel 1", Cancel(ONE)),
        (which_callback(), "3", Tell(K.WHICH, (ONE,))),
        (which_callback(), "2", Tell(K.NOT_POSSIBLE)),
        (which_callback(), "9", Cancel(ONE)),
        (which_callback(), "status", Tell(K.STATUS)),
        (asked(K.NEW_NUMBER), NUMBER, NewNumber(ONE, NUMBER)),
        (asked(K.NEW_NUMBER), f"call me at {NUMBER}", NewNumber(ONE, NUMBER)),
        (asked(K.NEW_NUMBER), f"cancel {NUMBER}", Cancel(ONE)),
        (asked(K.NEW_NUMBER), "9", Cancel(ONE)),
        (asked(K.NEW_NUMBER), "4", Tell(K.STATUS)),
        (asked(K.NEW_NUMBER, GONE), NUMBER, Tell(K.NOT_POSSIBLE)),
        (asked(K.ENTER_CODE), "123 456", Prove(ONE, "123456", CODE)),
        (asked(K.ENTER_CODE), f"update {NUMBER}", NewNumber(ONE, NUMBER)),
        (asked(K.ENTER_CODE), "2", OfferTimes(ONE)),
        (asked(K.ENTER_CODE, GONE), "123456", Tell(K.NOT_POSSIBLE)),
        (asked(K.CONFIRMATION), "2", OfferTimes(ONE)),
        (asked(K.CONFIRMATION), "1", Tell(K.HELP)),
    ],
)
def test_what_answers_the_open_question(before: Conversation, text: str, action: Action | None) -> None:
    assert act(text, known(ONE), before) == action


@pytest.mark.parametrize(
    ("text", "zone", "action"),
    [
        ("10:00", UTC, Move(ONE, TIMES[1])),
        ("11 am works", ZoneInfo("Europe/Paris"), Move(ONE, TIMES[1])),
        ("11:00", UTC, Move(ONE, TIMES[2])),
        ("10:30", UTC, OfferTimes(ONE)),
        ("10:00", None, Tell(K.HELP)),
        ("2", UTC, Move(ONE, TIMES[1])),
        ("cancel 10:00", UTC, Cancel(ONE)),
    ],
)
def test_a_time_that_was_offered_can_be_chosen_by_the_clock(
    text: str, zone: tzinfo | None, action: Action
) -> None:
    assert act(text, known(ONE, zone=zone), which_time()) == action


def test_a_time_that_was_offered_on_two_days_is_asked_for_again() -> None:
    before = asked(K.RESCHEDULE, choices=choice_texts([TIMES[0], TIMES[0] + D]))
    assert act("9:00", known(ONE, zone=UTC), before) == OfferTimes(ONE)


def test_an_answer_tells_the_wish_that_it_was_given_for() -> None:
    assert turn("1", known(ONE, TWO), which_callback()).wish is W.CANCEL
    assert turn("1", known(ONE), which_time()).wish is W.OTHER_TIME
    assert turn(NUMBER, known(ONE), asked(K.NEW_NUMBER)).wish is W.NUMBER


def test_a_new_wish_takes_the_place_of_the_one_that_was_kept() -> None:
    found = turn("status", known(TWO, ONE), which_callback(W.CANCEL))
    assert found.action == Tell(K.WHICH, (TWO, ONE))
    assert found.conversation.wish is W.STATUS


@pytest.mark.parametrize(("after", "action"), [(LIFE - S, Move(ONE, TIMES[1])), (LIFE, OfferTimes(ONE))])
def test_an_answer_that_comes_too_late_is_a_wish(after: timedelta, action: Action) -> None:
    assert act("2", known(ONE), which_time(), now=START + after) == action


def test_a_question_stays_open_until_something_else_is_said() -> None:
    first = turn("1", known(ONE), which_time())
    second = turn("no, 2", known(ONE), first.conversation, inbound_id="in-2")
    assert second.action == Move(ONE, TIMES[1])
    confirmed = asked(K.CONFIRMATION, before=second.conversation)
    assert act("2", known(ONE), confirmed, inbound_id="in-3") == OfferTimes(ONE)


def test_to_cancel_closes_the_question_about_that_callback_only() -> None:
    assert turn("9", known(ONE), which_time()).conversation.question is None
    about_one = turn("9", known(TWO, ONE, about=TWO), which_time(callback_id=ONE))
    assert about_one.conversation.question is Q.WHICH_TIME


def test_a_number_beyond_the_list_puts_the_question_again_three_times_then_helps_once_then_nothing() -> None:
    policy, sender = POLICY, known(ONE)
    first = turn("2", sender)
    kinds: list[object] = []
    now = attrs.evolve(first.conversation)
    for count in range(7):
        now = said(
            now,
            message_kind=K.RESCHEDULE,
            callback_id=ONE,
            choices=choice_texts(TIMES),
            now=START,
            policy=policy,
        )
        found = turn("7", sender, now, inbound_id=f"more-{count}")
        kinds.append(found.action)
        now = found.conversation
    assert kinds == [*(OfferTimes(ONE),) * 3, Tell(K.HELP), None, None, None]


# ---------------------------------------------------------------------------- what is kept


def test_a_new_conversation_is_not_stored_and_is_forgotten_when_nothing_is_said() -> None:
    fresh = new_conversation(DEFAULT_TENANT, "sms/key", now=START)
    assert (fresh.version, fresh.over_at, fresh.question) == (0, START + CONVERSATION_LIFE, None)


def test_what_is_heard_is_noted() -> None:
    after = turn("thanks", known(ONE), which_time(), now=START + H).conversation
    assert after.version == 2
    assert after.heard_ids == ("in-1",)
    assert after.heard_at == START + H
    assert after.over_at == START + H + CONVERSATION_LIFE
    assert after.question is Q.WHICH_TIME


def test_the_same_message_twice_is_heard_once() -> None:
    first = turn("9", known(ONE))
    again = turn("9", known(ONE), first.conversation)
    assert again == Turn(
        wish=None, action=None, callback_id=None, conversation=first.conversation, repeated=True
    )
    assert not first.repeated


def test_so_many_messages_are_remembered() -> None:
    now = talk()
    for count in range(HEARD_MAX + 1):
        now = turn("thanks", known(ONE), now, inbound_id=f"in-{count}").conversation
    assert len(now.heard_ids) == HEARD_MAX
    assert "in-0" not in now.heard_ids
    assert not turn("thanks", known(ONE), now, inbound_id="in-0").repeated


def test_unknown_text_is_helped_once_and_a_strangers_never() -> None:
    first = turn("who are you", known(ONE))
    assert first.action == Tell(K.HELP)
    assert act("what", known(ONE), first.conversation, inbound_id="in-2", now=START + LIFE - S) is None
    assert act("what", known(ONE), first.conversation, inbound_id="in-2", now=START + LIFE) == Tell(K.HELP)
    assert act("who are you", known(is_stranger=True)) is None


# ---------------------------------------------------------------------------- no loop without end

QUESTIONS: Final[dict[type, MessageKind]] = {
    OfferTimes: K.RESCHEDULE,
    NewNumber: K.NUMBER_REFUSED,
    Prove: K.NUMBER_REFUSED,
    Move: K.SLOTS_FULL,
}


def answered(found: Turn, *, now: datetime) -> tuple[int, Conversation]:
    """Answer as the service may at worst: each deed fails and is answered; return how many messages that were."""
    action = found.action
    if action is None or isinstance(action, Cancel | OptOut):
        return 0, found.conversation
    kind = (
        K.OPTED_IN if isinstance(action, OptIn) else K.CONFIRMATION if isinstance(action, Request) else None
    )
    kind = action.kind if isinstance(action, Tell) else kind or QUESTIONS[type(action)]
    choices = action.choices if isinstance(action, Tell) else choice_texts(TIMES)
    after = asked(
        kind, found.callback_id, choices=choices, wish=found.wish, before=found.conversation, now=now
    )
    return 1, after


AUTOMATIC: Final = [
    *("1", "2", "3", "4", "5", "7", "0", "help", "status", "reschedule", "update", "call me", "yes", "START"),
    *("I am driving and will answer later, this is an automatic answer", "Out of office", "thanks"),
    *(
        f"update {NUMBER}",
        NUMBER,
        "123456",
        "status 1",
        "reschedule 2",
        "5551234 is closed, call me at 2125550123",
    ),
]
SENDERS: Final = [known(ONE), known(TWO, ONE), known(), known(takes_requests=False), known(is_stranger=True)]


@pytest.mark.parametrize("text", AUTOMATIC)
@pytest.mark.parametrize("sender", SENDERS, ids=["one", "two", "none", "no-requests", "stranger"])
@pytest.mark.parametrize(
    "before",
    [talk(), which_time(), which_time(1), which_callback(W.NUMBER), asked(K.NEW_NUMBER), asked(K.ENTER_CODE)],
    ids=["nothing", "time", "one-time", "callback", "number", "code"],
)
def test_a_machine_that_answers_each_message_gets_a_bounded_number_of_answers(
    text: str, sender: Known, before: Conversation
) -> None:
    now, count, state = START, 0, before
    for round_ in range(3 * ANSWERS_MAX):
        now += 20 * S
        more, state = answered(turn(text, sender, state, inbound_id=f"auto-{round_}", now=now), now=now)
        count += more
    assert count <= ANSWERS_MAX


def test_after_a_pause_a_customer_is_answered_again() -> None:
    state, now = talk(), START
    for round_ in range(ANSWERS_MAX + 1):
        found = turn("4", known(ONE), state, inbound_id=f"in-{round_}", now=now)
        state = found.conversation
    assert found.action is None
    assert act("9", known(ONE), state, inbound_id="cancel", now=now) == Cancel(ONE)
    assert act("STOP", known(ONE), state, inbound_id="stop", now=now) == OptOut(MESSAGES)
    assert act("START", known(ONE), state, inbound_id="start", now=now) is None
    assert act("START", known(ONE, opted_out=True), state, inbound_id="start", now=now) == OptIn()
    assert act("4", known(ONE), state, inbound_id="late", now=now + LIFE) == Tell(K.STATUS)


# ---------------------------------------------------------------------------- laws

TEXTS: Final = st.one_of(
    st.text(max_size=40),
    st.sampled_from([*AUTOMATIC, "9", "CANCEL", "STOP", "do not call me", "cancel it", "drop", "yes please"]),
)
STEPS: Final = st.lists(
    st.tuples(TEXTS, st.sampled_from(range(6)), st.sampled_from([S, H, D, 2 * D])), min_size=1, max_size=12
)


def ids_in(action: Action | None) -> set[str]:
    match action:
        case Cancel() | Move() | OfferTimes() | NewNumber() | Prove():
            return {action.callback_id}
        case OptOut():
            return set(action.cancels)
        case Tell():
            return set(action.choices)
        case _:
            return set()


@LAW
@given(
    steps=STEPS,
    open_ids=st.sampled_from([(), (ONE,), (TWO, ONE)]),
    about=st.sampled_from([None, ONE, GONE]),
    policy=st.builds(Messages, answers=st.booleans(), cancel_phrase_opts_out=st.booleans()),
)
def test_whatever_is_written_only_open_callbacks_are_touched_and_no_opt_out_is_answered(
    steps: list[tuple[str, int, timedelta]],
    open_ids: tuple[CallbackId, ...],
    about: CallbackId | None,
    policy: Messages,
) -> None:
    state, now, opted_out = which_time(callback_id=GONE), START, False
    for number, (text, inbound, pause) in enumerate(steps):
        now += pause
        sender = known(*open_ids, about=about, opted_out=opted_out)
        inbound_id = f"in-{inbound}"
        was_heard = inbound_id in state.heard_ids
        found = turn(text, sender, state, policy=policy, inbound_id=inbound_id, now=now)
        assert found.repeated is was_heard, number
        assert ids_in(found.action) <= set(open_ids)
        assert found.callback_id in {None, *open_ids}
        if opted_out:
            assert found.action is None or isinstance(found.action, Cancel | OptOut | OptIn)
        if was_heard:
            assert (found.action, found.conversation) == (None, state)
        else:
            assert found.conversation.version == state.version + 1
            assert found.conversation.tries_count <= ANSWERS_MAX
        if isinstance(found.action, OptOut) and Medium.MESSAGES in found.action.media:
            opted_out = True
        elif isinstance(found.action, OptIn):
            opted_out = False
        _, state = answered(found, now=now)


def test_neither_numbers_nor_codes_are_in_a_repr() -> None:
    shown = repr((NewNumber(ONE, NUMBER), Prove(ONE, "123456", CODE)))
    assert "555" not in shown
    assert "123456" not in shown
