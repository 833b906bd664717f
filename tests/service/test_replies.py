"""What customers write: whose callback it is about, what they have power over, and what is said back, and how often."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callbackq import (
    CallbackService,
    CallbackState,
    Inbound,
    InvalidNumber,
    InvalidText,
    Medium,
    Outcome,
    QueuePolicy,
    Store,
    UnknownQueue,
    Verify,
)
from callbackq.model import Channel, MessageKind, ReplyWish
from callbackq.policy import Messages
from callbackq.testing import Behaviour, Reaction, VirtualHost
from scenarios.scene import seats
from service.letters import (
    IN_MEMORY,
    NOON,
    answers,
    kinds_to,
    message_of,
    orders_in,
    post_office,
    writes,
)
from service.scenes import BOB, DAN, EVE, HOUR, KIM, MINUTE, SECOND, ZERO, events, promised, rows, sign_in
from service.test_slot_fights import fight

K = MessageKind
DAY = 24 * HOUR
NEW = "+12125550199"
MAIL, ANN = "ann@example.com", "Ann@example.com"


def provider_id_of(host: VirtualHost, callback_id: str) -> str:
    """Return what the provider calls the confirmation of a callback."""
    confirmed = message_of(host, callback_id, K.CONFIRMATION)
    (order,) = [one for one in host.messenger.orders if one.message_id == confirmed.message_id]
    return host.messenger.provider_id_of(order)


def told(host: VirtualHost, to: str = BOB) -> str:
    """Return the text that was sent last to a number or address."""
    return host.messenger.sent_to(to)[-1].text


def with_one(store: Store, **policy: Any) -> tuple[VirtualHost, str]:
    """Bob has asked for a callback, and has his confirmation."""
    host = post_office(store, **policy)
    one = promised(host)
    host.run_for(ZERO)
    return host, one


def with_two(store: Store, **policy: Any) -> tuple[VirtualHost, str, str]:
    """Bob has asked for a callback in both queues."""
    host, support = with_one(store, **policy)
    host.run_for(MINUTE)
    sales = promised(host, queue="sales")
    host.run_for(MINUTE)
    return host, support, sales


def is_open(host: VirtualHost, callback_id: str) -> bool:
    return host.service.get(callback_id).state is not CallbackState.ENDED


# ---------------------------------------------------------------------------- which callback


def test_who_has_two_is_asked_which(store: Store) -> None:
    """I4: the queues are named, a digit chooses, and what was wished for is done with it alone."""
    host, support, sales = with_two(store)
    assert answers(host, "9", BOB) == [K.WHICH]
    assert "1) sales, 2) support" in told(host)
    assert (is_open(host, support), is_open(host, sales)) == (True, True)
    assert answers(host, "2", BOB) == [K.CANCELLED]
    assert (is_open(host, support), is_open(host, sales)) == (False, True)
    assert answers(host, "9", BOB) == [K.CANCELLED], "there is but one now"


def test_another_number_than_was_offered_is_asked_again(store: Store) -> None:
    """And 9 is always to cancel: of two, that is asked for, not done."""
    host, support, _sales = with_two(store)
    assert answers(host, "4", BOB) == [K.WHICH]
    assert answers(host, "7", BOB) == [K.WHICH]
    assert answers(host, "1", BOB) == [K.STATUS]
    assert answers(host, "9", BOB) == [K.WHICH]
    assert is_open(host, support)


def test_the_message_that_is_answered_says_which(store: Store) -> None:
    """I4: where the provider tells it, as WhatsApp does."""
    host, support, sales = with_two(store)
    provider_id = provider_id_of(host, support)
    assert answers(host, "9", BOB, answers_id=provider_id) == [K.CANCELLED]
    assert (is_open(host, support), is_open(host, sales)) == (False, True)


def test_an_answer_to_a_message_about_what_is_over_touches_nothing_else(store: Store) -> None:
    """The first is over; to cancel it does not cancel the second."""
    host, support, sales = with_two(store)
    provider_id = provider_id_of(host, support)
    host.service.cancel(support)
    host.run_for(ZERO)
    assert answers(host, "9", BOB, answers_id=provider_id) == [K.NOT_POSSIBLE]
    assert is_open(host, sales)


def test_a_digit_means_what_the_last_message_asked(store: Store) -> None:
    """ "2" is a time while times are asked for; after any other message it is the wish for one."""
    slots = {"slots": seats(1, horizon=DAY)}
    host = post_office(store, **slots)
    one = promised(host, scheduled_at=NOON + 3 * HOUR)
    host.run_for(ZERO)
    assert answers(host, "2", BOB) == [K.RESCHEDULE]
    assert answers(host, "4", BOB) == [K.RESCHEDULE], "three were offered: it is asked again"
    assert answers(host, "2", BOB) == [K.CONFIRMATION]
    moved = host.service.get(one).scheduled_at
    assert moved != NOON + 3 * HOUR
    assert answers(host, "2", BOB) == [K.RESCHEDULE]
    assert host.service.get(one).scheduled_at == moved


def test_where_no_other_time_is_free_it_is_said(store: Store) -> None:
    """All seats are taken: nothing has changed, and a number means nothing."""
    host = post_office(store, slots=seats(0))
    one = promised(host)
    host.run_for(ZERO)
    before = host.service.get(one)
    assert answers(host, "2", BOB) == [K.RESCHEDULE]
    assert "No other time can be booked" in told(host)
    assert "1)" not in told(host)
    assert answers(host, "1", BOB) == [K.HELP]
    assert host.service.get(one) == before


def test_an_old_question_is_forgotten(store: Store) -> None:
    """After a day "1" means nothing, and help is given."""
    host = post_office(store, slots=seats(1, horizon=3 * DAY))
    promised(host, scheduled_at=NOON + 2 * DAY)
    host.run_for(ZERO)
    assert answers(host, "2", BOB) == [K.RESCHEDULE]
    host.run_for(25 * HOUR)
    assert answers(host, "1", BOB) == [K.HELP]


def test_a_time_that_has_passed_is_not_booked(store: Store) -> None:
    """The answer comes two hours later: other times are offered."""
    host = post_office(store, slots=seats(1, horizon=DAY))
    one = promised(host, scheduled_at=NOON + 6 * HOUR)
    host.run_for(ZERO)
    assert answers(host, "2", BOB) == [K.RESCHEDULE]
    host.run_for(2 * HOUR)
    assert answers(host, "1", BOB) == [K.SLOTS_FULL]
    assert host.service.get(one).scheduled_at == NOON + 6 * HOUR


# ---------------------------------------------------------------------------- whose callback


def test_two_customers_with_one_telephone(store: Store) -> None:
    """Whoever writes from there may mean either: it is asked, and nobody's is cancelled unasked."""
    host = post_office(store)
    first = promised(host, customer_id="c-1", name="Ada")
    host.run_for(MINUTE)
    second = promised(host, customer_id="c-2", name="Ben", number=BOB, queue="sales")
    host.run_for(MINUTE)
    assert host.service.get(first).subject_id != host.service.get(second).subject_id
    assert answers(host, "9", BOB) == [K.WHICH]
    assert answers(host, "2", BOB) == [K.CANCELLED]
    assert (is_open(host, first), is_open(host, second)) == (False, True)


@IN_MEMORY
@pytest.mark.parametrize(
    "text", ["9", "cancel my callback", "CANCEL", "2", "3", "4", "1", "yes", NEW, "123456"]
)
def test_a_strangers_text_changes_nothing(store: Store, text: str) -> None:
    """Whatever they know of: no callback but their own, and they have none."""
    host, one = with_one(store)
    before = host.service.get(one)
    provider_id = provider_id_of(host, one)
    heard = writes(host, text, EVE, answers_id=provider_id)
    assert host.service.get(one) == before
    assert heard.callback_id is None
    assert kinds_to(host, BOB) == [K.CONFIRMATION]
    assert set(kinds_to(host, EVE)) <= {K.NO_CALLBACK}


def test_a_stranger_is_told_once_that_there_is_nothing(store: Store) -> None:
    """And what is unknown is not answered at all."""
    host, _ = with_one(store)
    assert answers(host, "what is this", EVE) == []
    assert answers(host, "9", EVE) == [K.NO_CALLBACK]
    assert answers(host, "9", EVE) == []
    assert answers(host, "4", EVE) == []


def test_the_old_number_has_no_power_after_a_new_one(store: Store) -> None:
    """C10: Bob's callback is Eve's number's now; what comes from the old one is a stranger's."""
    host, one = with_one(store, messages=Messages(verify_new_number=False))
    assert answers(host, f"call me at {EVE}", BOB) == []
    assert kinds_to(host, EVE) == [K.NUMBER_CHANGED]
    before = host.service.get(one)
    assert answers(host, "9", BOB) == [K.NO_CALLBACK]
    assert answers(host, "CANCEL", BOB) == []
    assert host.service.get(one) == before
    assert answers(host, "9", EVE) == [K.CANCELLED]


def test_a_number_that_rings_besides_has_no_power(store: Store) -> None:
    """An alternative number may be a colleague's: it is called, and may not cancel."""
    host = post_office(store)
    one = promised(host, alternatives=[EVE])
    host.run_for(ZERO)
    assert answers(host, "9", EVE) == [K.NO_CALLBACK]
    assert is_open(host, one)


def test_an_extension_has_no_power_from_the_switchboard(store: Store) -> None:
    """The number of a house of many people is nobody's own."""
    host = post_office(store)
    one = promised(host, f"{BOB};ext=7")
    host.run_for(ZERO)
    assert answers(host, "9", BOB) == [K.NO_CALLBACK]
    assert is_open(host, one)


def test_tenants_do_not_hear_each_other(store: Store) -> None:
    """The same number with another tenant is a stranger."""
    host, one = with_one(store)
    other = CallbackService(
        store, [QueuePolicy(queue="support", messages=Messages())], clock=host.clock, tenant_id="other"
    )
    heard = other.message_received(Inbound(inbound_id="x-1", sender=BOB, text="9", queue="support"))
    assert (heard.changed, heard.callback_id) == (False, None)
    assert is_open(host, one)


# ---------------------------------------------------------------------------- what is heard


def test_the_same_text_twice_is_heard_once(store: Store) -> None:
    """By the provider's id: the second gives no answer, and no second new callback."""
    host, one = with_one(store)
    first = host.reply("9", sender=BOB, inbound_id="p-1")
    again = host.reply("9", sender=BOB, inbound_id="p-1")
    assert (first.changed, again.changed, again.effects) == (True, False, ())
    host.run_for(HOUR)
    assert kinds_to(host, BOB) == [K.CONFIRMATION, K.CANCELLED]
    host.reply("call me", sender=BOB, inbound_id="p-2")
    host.run_for(ZERO)
    (made,) = [each for each in host.service.callbacks_of(number=BOB) if each.callback_id != one]
    host.service.cancel(made.callback_id)
    host.reply("call me", sender=BOB, inbound_id="p-2")
    host.run_for(HOUR)
    assert len(host.service.callbacks_of(number=BOB)) == 2


def test_a_question_is_answered_once_for_one_text(store: Store) -> None:
    """Also by another node: the provider tells both."""
    host, _ = with_one(store)
    other = CallbackService(store, list(host.service.policies.values()), clock=host.clock)
    inbound = Inbound(inbound_id="p-1", sender=BOB, text="4", queue="support")
    found = [service.message_received(inbound) for service in (host.service, other)]
    assert [len(heard.effects) for heard in found] == [1, 0]
    assert len([one for one in host.service.messages_of(found[0].callback_id or "") if one.is_answer]) == 1


def test_unknown_text_gets_help_once(store: Store) -> None:
    """I2: and again after a day; thanks need no answer."""
    host, _ = with_one(store)
    assert answers(host, "is the shop open on sunday", BOB) == [K.HELP]
    assert answers(host, "hello?", BOB) == []
    assert answers(host, "thank you!", BOB) == []
    assert answers(host, "\U0001f44d", BOB) == []
    host.run_for(25 * HOUR)
    promised(host)
    host.run_for(ZERO)
    assert answers(host, "and on monday", BOB) == [K.HELP]


@IN_MEMORY
def test_two_machines_do_not_write_to_each_other_for_ever(store: Store) -> None:
    """One that answers each of our texts with what we ask for: it ends, and the customer can still cancel."""
    host, one = with_one(store)
    before = len(host.messenger.sent)
    for number in range(40):
        host.reply("status", sender=BOB, inbound_id=f"loop-{number}")
        host.run_for(SECOND)
    assert 0 < len(host.messenger.sent) - before <= 10
    assert answers(host, "9", BOB) == [K.CANCELLED]
    assert not is_open(host, one)


@IN_MEMORY
@pytest.mark.parametrize(
    "text",
    [
        'Liked "Reply 9 to cancel, 2 to choose a time."',
        "> Reply 9 to cancel",
        "",
        "   ",
        "\x00",
        "9999999999999",
        "I am 9 minutes late",
        "x" * 30_000,
    ],
)
def test_what_asks_for_nothing_does_nothing(store: Store, text: str) -> None:
    """Reactions, quotes, figures in a sentence, and junk of any length."""
    host, one = with_one(store)
    before = host.service.get(one)
    writes(host, text, BOB)
    assert host.service.get(one) == before
    assert set(kinds_to(host, BOB)) <= {K.CONFIRMATION, K.HELP}


REFUSED: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"sender": "nobody"}, InvalidNumber),
    ({"sender": ""}, InvalidNumber),
    ({"inbound_id": ""}, InvalidText),
    ({"inbound_id": "x" * 201}, InvalidText),
    ({"answers_id": ""}, InvalidText),
    ({"channel": ""}, InvalidText),
    ({"text": None}, InvalidText),
    ({"queue": "nowhere"}, UnknownQueue),
    ({"sender": "", "channel": "email"}, InvalidText),
]


@IN_MEMORY
def test_what_cannot_be_an_inbound_message_changes_nothing(store: Store) -> None:
    """No number is shown in the error."""
    host, _ = with_one(store)
    before = rows(host, store)
    for changes, error in REFUSED:
        fields: dict[str, Any] = {
            "inbound_id": "p-1",
            "sender": BOB,
            "text": "9",
            "queue": "support",
            **changes,
        }
        with pytest.raises(error) as refused:
            host.service.message_received(Inbound(**fields))
        assert BOB[-4:] not in str(refused.value)
    with pytest.raises(InvalidText):
        host.service.message_received("9")  # type: ignore[arg-type]
    assert rows(host, store) == before


# ---------------------------------------------------------------------------- being left alone


def test_stop_ends_messages_and_not_the_promise(store: Store) -> None:
    """Bob is called all the same: he had asked for that."""
    host, one = with_one(store, messages=Messages(opt_out_confirmed=True))
    heard = writes(host, "Stop.", BOB)
    assert (heard.wish, heard.changed) == (ReplyWish.OPT_OUT, True)
    assert kinds_to(host, BOB) == [K.CONFIRMATION, K.OPTED_OUT]
    assert answers(host, "stop", BOB) == []
    assert answers(host, "help", BOB) == []
    sign_in(host, "ann")
    host.run_for(10 * MINUTE)
    assert host.service.get(one).outcome is Outcome.COMPLETED
    (event,) = [each for each in told_events(host, store) if each.kind == "opt_out_changed"]
    assert event.by == "message"


def told_events(host: VirtualHost, store: Store) -> list[Any]:
    """Return the whole history."""
    return list(rows(host, store)[0])


def test_the_bare_word_cancels_and_opts_out_in_one(store: Store) -> None:
    """The last callback that was written about; silence, for carriers answer such a word themselves."""
    host, support, sales = with_two(store)
    assert answers(host, "CANCEL", BOB) == []
    assert (is_open(host, support), is_open(host, sales)) == (True, False)
    assert host.service.opted_out(BOB).messages_at is not None
    assert answers(host, "9", BOB) == [], "it is done in silence"
    assert not is_open(host, support)


def test_the_bare_word_while_being_called_opts_out_all_the_same(store: Store) -> None:
    """Whatever becomes of the callback."""
    host = post_office(store, agents=("ann",))
    host.telephony.person(BOB, Behaviour(answers_after=30 * SECOND))
    one = promised(host)
    host.run_for(10 * SECOND)
    assert host.service.get(one).state is CallbackState.ATTEMPTING
    assert answers(host, "cancel", BOB) == []
    assert host.service.opted_out(BOB).messages_at is not None
    host.run_for(10 * MINUTE)
    assert host.service.get(one).outcome is Outcome.CANCELLED


def test_a_phrase_with_the_word_cancels_alone_unless_the_policy_says_otherwise(store: Store) -> None:
    """ "cancel my callback" is no opt-out by default."""
    host, _ = with_one(store)
    assert answers(host, "cancel my callback", BOB) == [K.CANCELLED]
    assert host.service.opted_out(BOB).messages_at is None


def test_a_phrase_is_an_opt_out_too_where_the_policy_says_so(store: Store) -> None:
    """`cancel_phrase_opts_out`."""
    host, one = with_one(store, messages=Messages(cancel_phrase_opts_out=True))
    assert answers(host, "cancel my callback", BOB) == []
    assert not is_open(host, one)
    assert host.service.opted_out(BOB).messages_at is not None


def test_no_calls_means_no_calls(store: Store) -> None:
    """All that is open is cancelled, and told; messages are still wanted."""
    host, support, sales = with_two(store)
    heard = writes(host, "do not call me", BOB)
    assert heard.wish is ReplyWish.NO_CALLS
    assert (is_open(host, support), is_open(host, sales)) == (False, False)
    out = host.service.opted_out(BOB)
    assert (out.calls_at, out.messages_at) == (NOON + 2 * MINUTE, None)
    assert kinds_to(host, BOB)[-2:] == [K.CANCELLED, K.CANCELLED]
    sign_in(host, "ann")
    host.run_for(HOUR)
    assert host.telephony.dialed(BOB) == 0


def test_start_brings_messages_back(store: Store) -> None:
    """And only those; who had not stopped is told so too, once for each time."""
    host, _ = with_one(store)
    host.service.opt_out(BOB)
    assert answers(host, "start", BOB) == [K.OPTED_IN]
    out = host.service.opted_out(BOB)
    assert (out.messages_at, out.calls_at is not None) == (None, True)
    assert answers(host, "4", BOB) == [K.STATUS]


def test_a_stop_by_e_mail_is_kept_for_the_address(store: Store) -> None:
    """And nothing goes by the next channel instead."""
    host = post_office(store, messages=Messages(channels=("email", "sms")))
    host.service.set_preferences(number=BOB, preferred_number=BOB, email="Ann@Example.com")
    one = promised(host)
    host.run_for(ZERO)
    assert kinds_to(host, ANN) == [K.CONFIRMATION]
    assert answers(host, "unsubscribe", MAIL, channel="email") == []
    host.service.cancel(one)
    host.run_for(DAY)
    assert (host.messenger.kinds(), kinds_to(host, BOB)) == ([K.CONFIRMATION], [])


def test_answers_can_be_switched_off(store: Store) -> None:
    """Then nothing changes but opt-outs, and help is given; texts do not say what to answer."""
    host, one = with_one(store, messages=Messages(answers=False))
    assert "Reply" not in told(host)
    for text in ("9", "2", "3", "4", "cancel my callback", "call me"):
        assert answers(host, text, BOB) == []
    assert is_open(host, one)
    assert answers(host, "CANCEL", BOB) == []
    assert is_open(host, one)
    assert host.service.opted_out(BOB).messages_at is not None


# ---------------------------------------------------------------------------- by e-mail


def test_a_customer_answers_by_e_mail(store: Store) -> None:
    """From the address that is known: in any case of letters; the answer goes there."""
    host = post_office(store, messages=Messages(channels=("email", "sms")))
    host.service.set_preferences(number=BOB, preferred_number=BOB, email="Ann@Example.com")
    one = promised(host)
    host.run_for(ZERO)
    assert kinds_to(host, ANN) == [K.CONFIRMATION]
    host.reply(
        "Where am I?\n\nOn Monday Acme wrote:\n> Reply 9 to cancel", sender="ann@EXAMPLE.com", channel="email"
    )
    assert host.messenger.last.kind is K.STATUS
    assert host.messenger.last.channel == "email"
    host.reply("please cancel", sender="ann@example.com", channel="email")
    host.run_for(ZERO)
    assert not is_open(host, one)


def test_an_address_of_nobody_has_no_power(store: Store) -> None:
    """And it cannot ask for a callback: there is no number."""
    host, one = with_one(store, messages=Messages(channels=("sms", "email")))
    assert answers(host, "cancel my callback", MAIL, channel="email", queue="support") == [K.NO_CALLBACK]
    assert "Reply" not in host.messenger.last.text
    assert is_open(host, one)


# ---------------------------------------------------------------------------- another number


def code_sent_to(host: VirtualHost, number: str) -> str:
    """Return the code that was sent last to a number."""
    order = next(one for one in reversed(host.messenger.sent_to(number)) if one.kind is K.VERIFICATION)
    return order.text.split()[0]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_a_wrong_code_three_times_leaves_the_number(store: Store) -> None:
    """It is asked for again twice; then it is over, and the right code comes too late."""
    host, one = with_one(store)
    assert answers(host, "3", BOB) == [K.NEW_NUMBER]
    assert answers(host, NEW, BOB) == [K.ENTER_CODE]
    code = code_sent_to(host, NEW)
    assert answers(host, wrong(code), BOB) == [K.ENTER_CODE]
    assert answers(host, wrong(code), BOB) == [K.ENTER_CODE]
    assert answers(host, wrong(code), BOB) == [K.NUMBER_REFUSED]
    answers(host, code, BOB)
    assert events(host, one, "callback_renumbered") == []
    assert K.NUMBER_CHANGED not in host.messenger.kinds()
    sign_in(host, "ann")
    host.run_for(MINUTE)
    assert (host.telephony.dialed(BOB), host.telephony.dialed(NEW)) == (1, 0)


def test_the_right_code_after_a_wrong_one(store: Store) -> None:
    """Typed with a space in it."""
    host, one = with_one(store)
    answers(host, f"new number {NEW}", BOB)
    code = code_sent_to(host, NEW)
    assert answers(host, wrong(code), BOB) == [K.ENTER_CODE]
    writes(host, f"{code[:3]} {code[3:]}", BOB)
    assert kinds_to(host, NEW) == [K.VERIFICATION, K.NUMBER_CHANGED]
    (changed,) = events(host, one, "callback_renumbered")
    assert (changed.by, "0199" in told(host, NEW)) == (None, True)


def test_the_code_of_another_has_no_power(store: Store) -> None:
    """Eve reads Bob's code: from her own number it changes nothing."""
    host, one = with_one(store)
    theirs = promised(host, EVE)
    host.run_for(ZERO)
    answers(host, f"call me at {NEW}", BOB)
    code = code_sent_to(host, NEW)
    writes(host, code, EVE)
    writes(host, code, NEW)
    for each in (one, theirs):
        assert events(host, each, "callback_renumbered") == []


def test_a_code_proves_the_number_that_it_was_sent_to_and_no_other(store: Store) -> None:
    """Bob gives one number by SMS and another by WhatsApp: the first one's code is no proof of the second."""
    host, one = with_one(store)
    answers(host, f"call me at {NEW}", BOB)
    answers(host, f"call me at {KIM}", BOB, channel="whatsapp")
    writes(host, code_sent_to(host, NEW), BOB)
    assert events(host, one, "callback_renumbered") == []
    assert kinds_to(host, KIM) == [K.VERIFICATION]


def test_who_writes_by_e_mail_has_the_code_sent_to_the_number(store: Store) -> None:
    """By SMS, and not as a mail; where nothing goes to numbers, it cannot be proved."""
    host = post_office(store, messages=Messages(channels=("email", "sms")))
    host.service.set_preferences(number=BOB, preferred_number=BOB, email=MAIL)
    one = promised(host)
    host.run_for(ZERO)
    assert answers(host, f"call me at {NEW}", MAIL, channel="email") == [K.ENTER_CODE]
    assert host.messenger.sent_to(NEW)[-1].channel == "sms"
    writes(host, code_sent_to(host, NEW), MAIL, channel="email")
    assert len(events(host, one, "callback_renumbered")) == 1


def test_a_number_cannot_be_proved_where_there_is_only_e_mail(store: Store) -> None:
    """The number stays, and the customer is told whom to call."""
    host = post_office(store, messages=Messages(channels=("email",)))
    host.service.set_preferences(number=BOB, preferred_number=BOB, email=MAIL)
    one = promised(host)
    host.run_for(ZERO)
    assert answers(host, f"call me at {NEW}", MAIL, channel="email") == [K.NOT_POSSIBLE]
    assert host.messenger.sent_to(NEW) == []
    assert events(host, one, "callback_renumbered") == []


def test_a_code_is_old_after_its_time(store: Store) -> None:
    """The number stays, and it is said."""
    host, one = with_one(store, verify=Verify(channels={Channel.EVENT}, code_life=5 * MINUTE))
    answers(host, f"call me at {NEW}", BOB)
    code = code_sent_to(host, NEW)
    host.run_for(6 * MINUTE)
    assert answers(host, code, BOB) == [K.NUMBER_REFUSED]
    assert events(host, one, "callback_renumbered") == []


@pytest.mark.parametrize("text", ["+1900 555 0123", "+999 123 456 789"])
def test_a_number_that_cannot_be_called_is_refused(store: Store, text: str) -> None:
    """The question stays open for another one."""
    host, one = with_one(store)
    assert answers(host, "3", BOB) == [K.NEW_NUMBER]
    assert answers(host, text, BOB) == [K.NUMBER_REFUSED]
    assert answers(host, NEW, BOB) == [K.ENTER_CODE]
    assert events(host, one, "callback_renumbered") == []


def test_no_code_goes_to_who_wants_no_messages(store: Store) -> None:
    """The new number has opted out: nothing is sent there, and the number stays."""
    host, one = with_one(store)
    host.service.opt_out(NEW, medium=Medium.MESSAGES)
    answers(host, f"call me at {NEW}", BOB)
    assert kinds_to(host, NEW) == []
    assert events(host, one, "callback_renumbered") == []


@IN_MEMORY
def test_codes_are_not_sent_without_end(store: Store) -> None:
    """Somebody has strangers written to, one after the other: it ends soon."""
    host, _ = with_one(store)
    for last in range(40):
        writes(host, f"call me at +1212555{last + 300:04d}", BOB)
    assert host.messenger.kinds().count(K.VERIFICATION) <= 10


# ---------------------------------------------------------------------------- asking


def test_who_has_no_more_callbacks_is_told_and_can_ask(store: Store) -> None:
    """After the end "9" has nothing to cancel; "call me" is a new one."""
    host, one = with_one(store)
    host.service.cancel(one)
    host.run_for(ZERO)
    assert answers(host, "9", BOB) == [K.NO_CALLBACK]
    assert answers(host, "call me", BOB) == [K.CONFIRMATION]


def test_requests_by_message_can_be_switched_off(store: Store) -> None:
    """`requests=False`: and the text does not invite to it."""
    host = post_office(store, messages=Messages(requests=False))
    assert answers(host, "call me", BOB, queue="support") == [K.NO_CALLBACK]
    assert "call me" not in told(host)
    assert host.service.callbacks_of(number=BOB) == []


def test_a_refused_request_by_message_is_answered(store: Store) -> None:
    """Numbers that ask by message must be proved here: it is said that it cannot be, and nothing is promised."""
    host = post_office(store, verify=Verify(channels={Channel.MESSAGE}))
    assert answers(host, "call me", BOB, queue="support") == [K.NOT_POSSIBLE]
    assert host.service.callbacks_of(number=BOB) == []


def test_the_text_goes_to_the_queue_that_was_written_to(store: Store) -> None:
    """Each queue has a number of its own to write to."""
    host = post_office(store)
    writes(host, "call me", BOB, queue="sales")
    (made,) = host.service.callbacks_of(number=BOB)
    assert made.queue == "sales"


# ---------------------------------------------------------------------------- nothing is kept of it


def test_no_text_stays_in_the_store(store: Store, tmp_path: Path) -> None:
    """What was written, the new number while it is not proved elsewhere than with the person, and what we wrote."""
    from service.traces import everything_in

    host, _ = with_one(store)
    writes(host, "my secret is xyzzy", BOB)
    writes(host, f"call me at {NEW}", BOB)
    code = code_sent_to(host, NEW)
    left = everything_in(store, tmp_path)
    for text in ("xyzzy", code, "saved your place", "when it is your turn"):
        assert text.encode() not in left


def test_conversations_are_forgotten(store: Store) -> None:
    """A month after the last word `prune` takes them away, and a number means nothing then."""
    host, one = with_one(store)
    assert answers(host, "9", BOB) == [K.CANCELLED]
    host.run_for(31 * DAY)
    host.service.prune(personal_life=timedelta(days=365))
    assert answers(host, "2", BOB) == [K.NO_CALLBACK]
    assert not is_open(host, one)


# ---------------------------------------------------------------------------- answers that do not go out at once


def test_an_answer_that_was_refused_goes_out_again_with_the_same_choices(store: Store) -> None:
    """Half a minute later: the numbers in it mean what they meant, whatever is free by then."""
    host = post_office(store, slots=seats(1, horizon=DAY))
    one = promised(host, scheduled_at=NOON + 5 * HOUR)
    host.run_for(ZERO)
    host.messenger.does(BOB, Reaction.REFUSES, Reaction.ACCEPTS)
    assert answers(host, "2", BOB) == []
    choices = message_of(host, one, K.RESCHEDULE).choices
    promised(host, EVE, scheduled_at=datetime.fromisoformat(choices[0]))
    host.run_for(31 * SECOND)
    again = host.messenger.sent_to(BOB)[-1]
    assert (again.kind, again.send_id[-2:]) == (K.RESCHEDULE, ".2")
    assert message_of(host, one, K.RESCHEDULE).choices == choices
    assert answers(host, "2", BOB) == [K.CONFIRMATION]
    assert host.service.get(one).scheduled_at == datetime.fromisoformat(choices[1])


def test_the_question_which_goes_out_again_as_it_was(store: Store) -> None:
    """The callbacks are named by the same numbers."""
    host, support, sales = with_two(store)
    host.messenger.does(BOB, Reaction.REFUSES, Reaction.ACCEPTS)
    assert answers(host, "9", BOB) == []
    host.run_for(31 * SECOND)
    assert "1) sales, 2) support" in told(host)
    assert answers(host, "2", BOB) == [K.CANCELLED]
    assert (is_open(host, support), is_open(host, sales)) == (False, True)


def test_what_asks_for_the_code_goes_out_again_with_the_number(store: Store) -> None:
    """And the code is taken meanwhile: then it is not asked for any more."""
    host, one = with_one(store)
    host.messenger.does(BOB, Reaction.REFUSES, Reaction.ACCEPTS)
    answers(host, f"call me at {NEW}", BOB)
    host.run_for(31 * SECOND)
    assert "0199" in told(host)
    host.messenger.does(BOB, Reaction.REFUSES)
    answers(host, f"call me at {KIM}", BOB)
    before = kinds_to(host, BOB)
    writes(host, code_sent_to(host, KIM), BOB)
    host.messenger.does(BOB, Reaction.ACCEPTS)
    host.run_for(HOUR)
    assert kinds_to(host, KIM) == [K.VERIFICATION, K.NUMBER_CHANGED]
    assert kinds_to(host, BOB) == before
    assert len(events(host, one, "callback_renumbered")) == 1


def test_an_answer_to_a_stranger_that_was_refused_is_not_tried_again(store: Store) -> None:
    """Nobody's record says where it would have to go."""
    host, _ = with_one(store)
    host.messenger.does(EVE, Reaction.REFUSES, Reaction.ACCEPTS)
    assert answers(host, "9", EVE) == []
    host.run_for(HOUR)
    assert kinds_to(host, EVE) == []


def test_an_answer_of_which_nobody_knows_is_not_repeated(store: Store) -> None:
    """As of any other message; the customer writes again, and is answered."""
    host, _ = with_one(store)
    host.messenger.does(BOB, Reaction.FAILS, Reaction.ACCEPTS)
    assert answers(host, "4", BOB) == []
    host.run_for(HOUR)
    assert kinds_to(host, BOB) == [K.CONFIRMATION]
    (lost,) = host.service.uncertain_messages()
    assert lost.message_kind is K.STATUS
    assert answers(host, "4", BOB) == [K.STATUS]


# ---------------------------------------------------------------------------- all at once


def test_one_text_told_to_many_nodes_at_once_is_heard_once(store: Store) -> None:
    """The provider repeats itself before anybody has answered: one new callback, one answer."""
    host, _ = with_one(store)
    policies = list(host.service.policies.values())
    nodes = [CallbackService(store, policies, clock=host.clock) for _ in range(6)]

    def hears(text: str, sender: str) -> Callable[[int], object]:
        inbound = Inbound(inbound_id=f"p-{text}", sender=sender, text=text, queue="support")
        return lambda who: [order.kind for order in orders_in(nodes[who].message_received(inbound).effects)]

    assert fight(hears("4", BOB), count=6) == {str([K.STATUS]): 1, "[]": 5}
    assert fight(hears("call me", EVE), count=6) == {"[]": 6}
    assert len(host.service.callbacks_of(number=EVE)) == 1
    host.run_for(MINUTE)
    assert kinds_to(host, EVE) == [K.CONFIRMATION]


def test_the_last_seat_goes_to_one_of_those_who_choose_it_at_once(store: Store) -> None:
    """All were offered the same times, and answer "1": one has it, the others are offered more and keep their own."""
    host = post_office(store, slots=seats(1, horizon=DAY))
    people = (BOB, EVE, DAN, KIM)
    ids = [promised(host, who, scheduled_at=NOON + (5 + n) * HOUR) for n, who in enumerate(people)]
    host.run_for(ZERO)
    for who in people:
        assert answers(host, "2", who) == [K.RESCHEDULE]
    (first_at,) = {message_of(host, one, K.RESCHEDULE).choices[0] for one in ids}

    def chooses(who: int) -> object:
        inbound = Inbound(inbound_id=f"p-{who}", sender=people[who], text="1", queue="support")
        return [order.kind for order in orders_in(host.service.message_received(inbound).effects)]

    assert fight(chooses, count=4) == {"[]": 1, str([K.SLOTS_FULL]): 3}
    times = [host.service.get(one).scheduled_at for one in ids]
    assert times.count(datetime.fromisoformat(first_at)) == 1
    kept = [at for n, at in enumerate(times) if at == NOON + (5 + n) * HOUR]
    assert len(kept) == 3
