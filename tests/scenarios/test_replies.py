"""
S2, "SMS automation" and "Edge cases": what a customer answers, and what becomes of it.

It is 1:40 PM on a Monday in New York, slots begin every quarter of an hour and have one seat each. An answer is digits,
free words, or a word of the handbook; all of them do the same, but for the bare word CANCEL, which is an opt-out too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from callbackq import (
    Access,
    CallbackState,
    Heard,
    Mode,
    NumberPolicy,
    Outcome,
    RegionRule,
    SendMessage,
    SlotUnavailable,
)
from callbackq.model import MessageKind, ReplyWish
from callbackq.policy import Messages, Wording
from scenarios.scene import AFTERNOON, QUEUE, SLOTS, Customer, Scene
from service.letters import IN_MEMORY

K = MessageKind
Opens = Callable[..., Scene]
PHONE, COMPANY = "555-0199", "Acme Support"
NEW = "+12125550999"
UK = "+442079460123"
ONLY_US = NumberPolicy(regions={"US": RegionRule()}, other_regions=RegionRule(access=Access.REFUSE))


@pytest.fixture
def opens(make_scene: Opens) -> Opens:
    """Open a support center with slots that sends messages, with settings changed as asked."""

    def made(**settings: Any) -> Scene:
        return make_scene(**{"now": AFTERNOON, **SLOTS, "messages": Messages(), **settings})

    return made


def read_by(scene: Scene, number: str) -> list[SendMessage]:
    """Return what was read at a number, in order."""
    return scene.host.messenger.sent_to(number)


def writes(scene: Scene, text: str, number: str) -> Heard:
    """Let somebody write, and what follows from it be sent."""
    heard = scene.host.reply(text, sender=number)
    scene.after("0 s")
    return heard


def answer(scene: Scene, who: Customer, text: str, kind: MessageKind) -> str:
    """Let a customer write; return the one text that comes back, which must be of this kind."""
    before = len(read_by(scene, who.number))
    writes(scene, text, who.number)
    (order,) = read_by(scene, who.number)[before:]
    assert order.kind is kind
    return order.text


def says(text: str, *parts: str) -> None:
    """Check that a text says all of this."""
    missing = [part for part in parts if part not in text]
    assert not missing, f"{missing} not in {text!r}"


def is_free(scene: Scene, clock: str) -> bool:
    """Whether somebody else could book the slot at this time; nobody does."""
    at = scene.at(clock)
    return any(slot.starts_at == at for slot in scene.service.free_slots(QUEUE, from_at=at, limit=1))


# ---------------------------------------------------------------------------- cancel


@pytest.mark.parametrize(
    "text",
    [
        "9",
        "cancel my callback please",
        "Never mind!",
    ],
)
def test_the_customer_cancels(opens: Opens, text: str) -> None:
    """ "Customer cancels via SMS: Queue updated; customer freed to call or reschedule". The seat is free at once."""
    scene = opens()
    bob = scene.customer("Bob").books_at("3:15 PM")
    scene.after("0 s")
    assert not is_free(scene, "3:15 PM")
    says(answer(scene, bob, text, K.CANCELLED), COMPANY, PHONE)
    assert (bob.callback.outcome, is_free(scene, "3:15 PM")) == (Outcome.CANCELLED, True)
    scene.history_says(bob, "callback ended: cancelled, message")
    scene.after("3 h")
    assert [order.kind for order in read_by(scene, bob.number)] == [K.CONFIRMATION, K.CANCELLED]
    assert bob.times_called == 0


@pytest.mark.parametrize("confirmed", [False, True])
def test_the_bare_word_cancels_and_is_an_opt_out_as_carriers_take_it(opens: Opens, confirmed: bool) -> None:
    """Who answers CANCEL gets what was asked for, and no more messages: one at most says so, as the policy wants."""
    scene = opens(messages=Messages(wording=Wording.S2, opt_out_confirmed=confirmed))
    bob = scene.customer("Bob").books_at("3:15 PM")
    scene.after("0 s")
    assert writes(scene, "CANCEL", bob.number).wish is ReplyWish.CANCEL_AND_OPT_OUT
    assert bob.callback.outcome is Outcome.CANCELLED
    assert is_free(scene, "3:15 PM")
    bob.books_at("3:30 PM")
    scene.after("24 h")
    told = [order.kind for order in read_by(scene, bob.number)]
    assert told == [K.CONFIRMATION, K.OPTED_OUT] if confirmed else told == [K.CONFIRMATION]


# ---------------------------------------------------------------------------- another time


@pytest.mark.parametrize("text", ["2", "RESCHEDULE", "another time please", "can't talk now"])
def test_the_customer_reschedules(opens: Opens, text: str) -> None:
    """
    "What time works for your callback? Available: [slots]. Reply with your choice or call [number]."

    "New time offered; confirmation sent": the seat of the old time is free with the same answer that takes the new one.
    """
    scene = opens()
    bob = scene.customer("Bob").books_at("3:15 PM")
    scene.after("0 s")
    offered = answer(scene, bob, text, K.RESCHEDULE)
    says(
        offered, COMPANY, PHONE, "1) 2:00 PM EST", "2) 2:15 PM EST", "3) 2:30 PM EST", "number of your choice"
    )
    assert bob.callback.scheduled_at == scene.at("3:15 PM"), "nothing has changed yet"
    says(answer(scene, bob, "2", K.CONFIRMATION), "2:15 PM EST", COMPANY)
    assert bob.callback.scheduled_at == scene.at("2:15 PM")
    assert (is_free(scene, "3:15 PM"), is_free(scene, "2:15 PM")) == (True, False)


def test_the_same_in_the_words_of_the_handbook(opens: Opens) -> None:
    """RESCHEDULE, then a number; and UPDATE and STATUS are known as well."""
    scene = opens(messages=Messages(wording=Wording.S2))
    bob = scene.customer("Bob").books_at("3:15 PM")
    scene.after("0 s")
    says(
        answer(scene, bob, "RESCHEDULE", K.RESCHEDULE), "What time works", "Available: 1) 2:00 PM EST", PHONE
    )
    says(answer(scene, bob, "1", K.CONFIRMATION), "2:00 PM EST")
    says(answer(scene, bob, "STATUS", K.STATUS), "2:00 PM EST")
    answer(scene, bob, "Update", K.NEW_NUMBER)


def test_the_time_that_was_chosen_is_full_by_now(opens: Opens) -> None:
    """ "If queue full: ... Next available: [time]. Would you like to book that": the old seat is kept meanwhile."""
    scene = opens(messages=Messages(wording=Wording.S2))
    bob = scene.customer("Bob").books_at("3:15 PM")
    scene.after("0 s")
    answer(scene, bob, "RESCHEDULE", K.RESCHEDULE)
    scene.fills("2:00 PM")
    full = answer(scene, bob, "1", K.SLOTS_FULL)
    says(full, "full", "Next available: 1) 2:15 PM EST", "Would you like one of them?", PHONE)
    assert bob.callback.scheduled_at == scene.at("3:15 PM")
    assert not is_free(scene, "3:15 PM")
    says(answer(scene, bob, "1", K.CONFIRMATION), "2:15 PM EST")
    assert is_free(scene, "3:15 PM")


def test_who_was_not_reached_answers_for_a_new_callback(opens: Opens) -> None:
    """ "Reply to reschedule": after "we tried to reach you" the old callback is over, and a new one is made."""
    scene = opens()
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").misses().asks_for_a_callback()
    scene.after("10 min")
    assert read_by(scene, bob.number)[-1].kind is K.UNREACHED
    bob.from_now_on().answers_after(5)
    answer(scene, bob, "2", K.RESCHEDULE)
    answer(scene, bob, "1", K.CONFIRMATION)
    new, old = scene.service.callbacks_of(number=bob.number)
    assert new.state is CallbackState.SCHEDULED
    assert old.outcome is bob.callback.outcome is Outcome.UNREACHED


def test_a_queue_without_slots_has_no_other_time(make_scene: Opens) -> None:
    """It is said, with the number to call; and nothing changes."""
    scene = make_scene(now=AFTERNOON, messages=Messages())
    bob = scene.customer("Bob").asks_for_a_callback()
    scene.after("0 s")
    says(answer(scene, bob, "2", K.RESCHEDULE), PHONE)
    assert bob.is_waiting


def test_who_was_not_reached_where_there_are_no_slots_is_called_again(make_scene: Opens) -> None:
    """ "Reply to reschedule" makes a new callback at once, where no time can be chosen."""
    scene = make_scene(now=AFTERNOON, messages=Messages())
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").misses().asks_for_a_callback()
    scene.after("10 min")
    bob.from_now_on().answers_after(5)
    says(answer(scene, bob, "2", K.CONFIRMATION), "place in line")
    scene.after("1 min")
    assert bob.times_called == 3
    assert len(scene.service.callbacks_of(number=bob.number)) == 2


# ---------------------------------------------------------------------------- another number


def test_the_customer_gives_another_number_and_proves_it(opens: Opens) -> None:
    """ "Reply UPDATE to change": the new number proves itself by a code, and then is called instead of the old one."""
    scene = opens()
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").books_at("3:15 PM")
    scene.after("81 min")
    assert read_by(scene, bob.number)[-1].kind is K.REMINDER
    answer(scene, bob, "3", K.NEW_NUMBER)
    says(answer(scene, bob, "(212) 555-0999", K.ENTER_CODE), "ending in 0999")
    (sent,) = read_by(scene, NEW)
    assert (sent.kind, sent.callback_id) == (K.VERIFICATION, None)
    writes(scene, sent.text.split()[0], bob.number)
    changed = read_by(scene, NEW)[-1]
    assert changed.kind is K.NUMBER_CHANGED
    says(changed.text, "ending in 0999", "3:15 PM EST", COMPANY)
    scene.after("20 min")
    assert (bob.times_called, scene.network.dialed(NEW)) == (0, 1)


@pytest.mark.parametrize("verify", [True, False])
def test_a_new_number_keeps_the_place_in_line(make_scene: Opens, verify: bool) -> None:
    """C10: by text; the place before and after is the same, and nobody behind moves up."""
    scene = make_scene(now=AFTERNOON, messages=Messages(verify_new_number=verify))
    before, bob, behind = (scene.customer(name).asks_for_a_callback() for name in ("Eve", "Bob", "Dan"))
    scene.after("0 s")
    assert (before.position, bob.position, behind.position) == (1, 2, 3)
    writes(scene, f"please call me at {NEW}", bob.number)
    if verify:
        assert scene.service.get(bob.callback_id).attempts_count == 0
        writes(scene, read_by(scene, NEW)[0].text.split()[0], bob.number)
    assert read_by(scene, NEW)[-1].kind is K.NUMBER_CHANGED
    assert (before.position, bob.position, behind.position) == (1, 2, 3)


def test_an_international_number_is_not_served(opens: Opens) -> None:
    """ "We're unable to call international numbers. Please call our toll-free number or use [alternative channel]."""
    scene = opens(numbers=ONLY_US, other_channels=("chat", "WhatsApp"))
    bob = scene.customer("Bob").books_at("3:15 PM")
    scene.after("0 s")
    text = answer(scene, bob, f"call me at {UK}", K.REGION_NOT_SERVED)
    says(text, PHONE, "chat, WhatsApp")
    assert read_by(scene, UK) == []
    scene.after("2 h")
    assert scene.network.dialed(UK) == 0


def test_who_writes_from_abroad_is_told_of_alternatives(opens: Opens) -> None:
    """The same, of who asks for a callback by message: no promise is made that cannot be kept."""
    scene = opens(numbers=ONLY_US, other_channels=("chat",), messages=Messages(wording=Wording.S2))
    heard = writes(scene, "please call me", UK)
    assert (heard.wish, heard.changed) == (ReplyWish.CALL, False)
    (told,) = read_by(scene, UK)
    assert told.kind is K.REGION_NOT_SERVED
    says(told.text, "unable to call", PHONE, "chat")
    assert scene.service.callbacks_of(number=UK) == []


# ---------------------------------------------------------------------------- ask


def test_a_callback_is_asked_for_by_text(make_scene: Opens) -> None:
    """B3: "call me": a place in line, a confirmation, and the call; the same text again has the same place."""
    scene = make_scene(now=AFTERNOON, messages=Messages())
    first = scene.customer("Eve").asks_for_a_callback()
    bob = scene.customer("Bob").answers_after(5)
    assert writes(scene, "Please call me back", bob.number).changed
    (callback,) = scene.service.callbacks_of(number=bob.number)
    bob.callback_id = callback.callback_id
    assert (bob.position, callback.channel) == (2, "message")
    says(read_by(scene, bob.number)[-1].text, "place in line", COMPANY)
    says(answer(scene, bob, "call me!", K.STATUS), "Your place: 2")
    assert len(scene.service.callbacks_of(number=bob.number)) == 1
    first.cancels()
    scene.agent("Ann").accepts_after(0).is_free()
    scene.after("1 min")
    assert bob.times_called == 1


def test_the_status_is_told_by_text(make_scene: Opens) -> None:
    """I9: the place and the wait while in line, and that the call is on its way."""
    scene = make_scene(now=AFTERNOON, messages=Messages(), mode=Mode.AGENT_FIRST)
    scene.customer("Eve").asks_for_a_callback()
    bob = scene.customer("Bob").answers_after(30).asks_for_a_callback()
    scene.after("0 s")
    says(answer(scene, bob, "4", K.STATUS), "Your place: 2", COMPANY, "9 to cancel")
    scene.customer("Dan").asks_for_a_callback()
    says(answer(scene, bob, "when will you call?", K.STATUS), "Your place: 2")
    scene.agent("Ann").accepts_after(0).is_free()
    scene.host.run_until(lambda: bob.times_called == 1)
    says(answer(scene, bob, "status", K.STATUS), "calling you right now")


def test_the_status_of_a_booking_is_its_time(opens: Opens) -> None:
    """I9: with the zone."""
    scene = opens()
    bob = scene.customer("Bob").books_at("3:15 PM")
    scene.after("0 s")
    says(answer(scene, bob, "4", K.STATUS), "3:15 PM EST", "ending in 0100")


# ---------------------------------------------------------------------------- who is being called


def test_nothing_is_moved_while_the_phone_rings(opens: Opens) -> None:
    """ "2" or a cancel, sent while being called: either it is done, or it is said that it cannot be."""
    scene = opens()
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").answers_after(40).asks_for_a_callback()
    scene.after("5 s")
    assert bob.callback.state is CallbackState.ATTEMPTING
    offered = answer(scene, bob, "2", K.RESCHEDULE)
    says(offered, "1) 2:00 PM EST")
    says(answer(scene, bob, "1", K.NOT_POSSIBLE), PHONE)
    scene.after("5 min")
    assert bob.callback.outcome is Outcome.COMPLETED


# ---------------------------------------------------------------------------- links


def test_a_link_does_what_an_answer_does(opens: Opens) -> None:
    """H9: the link of the message opens the callback; it is moved, then cancelled: seats follow at once."""
    scene = opens(messages=Messages(link="https://cb.example/c/{token}"))
    bob = scene.customer("Bob").books_at("3:15 PM")
    scene.after("0 s")
    text = read_by(scene, bob.number)[-1].text
    says(text, "https://cb.example/c/")
    token = text.rpartition("https://cb.example/c/")[2].split()[0]
    assert scene.service.open_link(token).callback_id == bob.callback_id
    scene.fills("3:30 PM")
    with pytest.raises(SlotUnavailable):
        scene.service.reschedule(scene.service.open_link(token).callback_id, scheduled_at=scene.at("3:30 PM"))
    assert not is_free(scene, "3:15 PM"), "the old seat is kept where there is no new one"
    scene.service.reschedule(scene.service.open_link(token).callback_id, scheduled_at=scene.at("4:00 PM"))
    assert (is_free(scene, "3:15 PM"), is_free(scene, "4:00 PM")) == (True, False)
    scene.service.cancel(scene.service.open_link(token).callback_id)
    assert is_free(scene, "4:00 PM")
    scene.after("0 s")
    assert [order.kind for order in read_by(scene, bob.number)][-1] is K.CANCELLED


# ---------------------------------------------------------------------------- free words in other languages


GERMAN = [
    ("Wie ist der Stand?", K.STATUS),
    ("bitte verschieben", K.RESCHEDULE),
    ("andere Nummer", K.NEW_NUMBER),
    ("Rückruf absagen", K.CANCELLED),
    ("was soll das", K.HELP),
]


@IN_MEMORY
@pytest.mark.parametrize(("text", "kind"), GERMAN)
def test_a_german_customer_writes_and_reads_german(opens: Opens, text: str, kind: MessageKind) -> None:
    """The words of the customer's language; the answer is in it too, and so is the time."""
    scene = opens(company="Acme")
    bob = scene.customer("Bob").books_at("3:15 PM", language="de-AT")
    scene.after("0 s")
    assert read_by(scene, bob.number)[-1].language == "de"
    says(read_by(scene, bob.number)[-1].text, "15:15", "EST", "Rückruf")
    answer(scene, bob, text, kind)
    assert read_by(scene, bob.number)[-1].language == "de"


def test_english_is_understood_as_well(opens: Opens) -> None:
    """And the answer stays German."""
    scene = opens()
    bob = scene.customer("Bob").books_at("3:15 PM", language="de")
    scene.after("0 s")
    says(answer(scene, bob, "cancel my callback", K.CANCELLED), "Rückruf")
