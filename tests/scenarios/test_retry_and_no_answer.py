"""
S2, "Retry and no-answer logic": what follows when the customer answers, and when not. One section for each row.

The rows for a booked time, "Customer reschedules" among them, are in `test_scheduled_callbacks.py`. Left out: the
replies to messages by which customers cancel, move or correct: here a customer who cancels is one whose host has
understood the reply. The words and channels of messages are the host's too: what is shown is whom a notice goes to,
which one, and when.
"""

from __future__ import annotations

from collections.abc import Callable

from callbackq import Confirm, Mode, NoticeKind
from scenarios.scene import TALK, Scene

# ---------------------------------------------------------------------------- the customer answers


def test_the_customer_answers_and_the_call_takes_its_course(scene: Scene) -> None:
    """Row 1: they talk; nobody is called again, and nobody is told anything but what follows each call."""
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").answers_after(5).asks_for_a_callback(ticket_id="T-1")
    scene.after("1 min")
    assert scene.story == TALK
    scene.after("24 h")
    assert bob.times_called == 1
    assert bob.told == [NoticeKind.TICKET_NOTE, NoticeKind.SURVEY]


# ---------------------------------------------------------------------------- no answer, one attempt


def test_after_no_answer_it_is_tried_again_after_2_minutes(patient: Scene) -> None:
    """Row 2: counted from the end of the first ringing. The customer is told nothing yet."""
    patient.agent("Ann").accepts_after(0).is_free()
    bob = patient.customer("Bob").misses().answers_after(5).asks_for_a_callback()
    patient.after("164 s")
    assert patient.story[2:] == [
        "0:00 Ann accepts",
        "0:45 Bob does not answer",
        "0:45 Ann hears: The customer did not answer.",
    ]
    assert bob.told == []
    patient.after("6 s")
    assert patient.story[5:] == [
        "2:45 Ann is rung",
        "2:45 Bob is called",
        "2:45 Ann accepts",
        "2:50 Bob answers",
        "2:50 Ann and Bob talk",
    ]
    patient.history_says(bob, "attempt ended: no answer", "callback ended: completed")


def test_the_agent_works_on_during_the_2_minutes_and_the_place_is_kept(patient: Scene) -> None:
    """Row 2: others are called meanwhile; afterwards whoever was not reached is before those who came later."""
    ann = patient.agent("Ann").accepts_after(0).is_free()
    bob = patient.customer("Bob").misses().answers_after(5).asks_for_a_callback()
    patient.after("30 s")
    patient.customer("Cid").answers_after(5).asks_for_a_callback()
    patient.after("30 s")
    assert ann.screen.name == "Cid"
    later = patient.customer("Later").answers_after(5).asks_for_a_callback()
    patient.after("2 min")
    assert (bob.position, later.position) == (1, 2)
    patient.after("1 min")
    assert ann.screen.name == "Bob"
    assert later.times_called == 0


def test_it_is_tried_again_once_and_no_more(patient: Scene) -> None:
    """Row 2: one retry at most, however long the promise would live."""
    patient.agent("Ann").accepts_after(0).is_free()
    bob = patient.customer("Bob").misses().asks_for_a_callback()
    patient.after("24 h")
    assert bob.times_called == 2


# ---------------------------------------------------------------------------- no answer, two attempts


def test_after_no_answer_twice_the_customer_is_told(patient: Scene) -> None:
    """Row 3: a message that it was tried; which number to call stands in the host's words for it."""
    patient.agent("Ann").accepts_after(0).is_free()
    bob = patient.customer("Bob").misses().asks_for_a_callback()
    patient.after("3 min")
    assert bob.told == []
    patient.after("30 s")
    assert [line for line in patient.story if "message" in line] == [
        "3:30 message to Bob: we tried to reach you"
    ]
    assert [notice.number for notice in patient.notices.notices] == [bob.number] * 3


# ---------------------------------------------------------------------------- not reached


def test_who_is_not_reached_has_a_note_on_the_ticket_and_a_follow_up_within_24_hours(patient: Scene) -> None:
    """Row 4: the ticket says what was tried; somebody of the company is to see to the customer."""
    patient.agent("Ann").accepts_after(0).is_free()
    bob = patient.customer("Bob").misses().asks_for_a_callback(ticket_id="T-1")
    patient.after("210 s")
    assert patient.story[-3:] == [
        "3:30 message to Bob: we tried to reach you",
        "3:30 note on T-1: Callback unreached after 2 attempts; the last ended as no answer.",
        "3:30 task: see to Bob within 24 h",
    ]
    patient.history_says(
        bob,
        "attempt ended: no answer",
        "callback rested: no answer",
        "attempt ended: no answer",
        "callback ended: unreached, attempts used up",
    )


def test_whoever_follows_up_can_say_that_it_is_done(patient: Scene) -> None:
    """Row 4: while it is tried, an agent reaches the customer by another way, and the second call is not made."""
    ann = patient.agent("Ann").accepts_after(0).is_free()
    bob = patient.customer("Bob").misses().asks_for_a_callback()
    patient.after("1 min")
    patient.service.mark_done(bob.callback_id, by=ann.name, reason="answered by mail")
    patient.after("24 h")
    assert bob.times_called == 1
    assert bob.told == []
    patient.history_says(
        bob, "callback rested: no answer", "callback ended: served elsewhere, answered by mail"
    )


# ---------------------------------------------------------------------------- the customer cancels


def test_who_cancels_leaves_the_line_and_is_not_called(scene: Scene) -> None:
    """Row 5: the queue is updated: those behind move up."""
    bob = scene.customer("Bob").asks_for_a_callback()
    cid = scene.customer("Cid").asks_for_a_callback()
    assert cid.position == 2
    bob.cancels()
    assert (bob.position, cid.position) == (None, 1)
    scene.agent("Ann").is_free()
    scene.after("24 h")
    assert (bob.times_called, cid.times_called) == (0, 1)
    scene.history_says(bob, "callback ended: cancelled, by message")


def test_who_cancelled_may_ask_again(scene: Scene) -> None:
    """Row 5: freed: a new promise at the end of the line, not refused as a second one."""
    bob = scene.customer("Bob").asks_for_a_callback()
    scene.after("1 min")
    cid = scene.customer("Cid").asks_for_a_callback()
    first = bob.callback_id
    bob.cancels()
    bob.asks_for_a_callback()
    assert bob.callback_id != first
    assert (cid.position, bob.position) == (1, 2)


def test_who_cancelled_may_call(scene: Scene) -> None:
    """Row 5: freed: a caller as any other, with nothing left of the callback."""
    bob = scene.customer("Bob").asks_for_a_callback()
    bob.cancels()
    bob.holds()
    call = scene.service.call("Bob")
    assert call.returns_for_id is None
    scene.agent("Ann").is_free()
    scene.after("1 s")
    assert scene.service.call("Bob").agent_id == "Ann"
    assert bob.times_called == 0


def test_who_cancels_while_the_phone_rings_is_rung_no_more(scene: Scene) -> None:
    """Row 5: the phone stops, the agent is free for the next."""
    ann = scene.agent("Ann").accepts_after(8).is_free()
    bob = scene.customer("Bob").misses().asks_for_a_callback()
    scene.after("6 s")
    bob.cancels()
    scene.after("1 min")
    assert scene.story[2:] == ["0:06 Ann is rung no more", "0:06 Bob is rung no more"]
    assert bob.told == []
    scene.customer("Cid").asks_for_a_callback()
    scene.after("0 s")
    assert ann.screen.name == "Cid"


def test_who_cancels_between_the_two_tries_is_not_called_again(patient: Scene) -> None:
    """Row 5: and is not told that it was tried."""
    patient.agent("Ann").accepts_after(0).is_free()
    bob = patient.customer("Bob").misses().asks_for_a_callback()
    patient.after("1 min")
    bob.cancels()
    patient.after("24 h")
    assert bob.times_called == 1
    assert bob.told == []


def test_who_is_called_can_cancel_by_key(make_scene: Callable[..., Scene]) -> None:
    """Row 5, by the key of the call itself: no more calls, a word on the ticket, and the agent hears of it."""
    scene = make_scene(confirm=Confirm.ALWAYS, mode=Mode.CUSTOMER_FIRST)
    scene.agent("Ann").is_free()
    bob = scene.customer("Bob").answers_and_presses("3", after=5).asks_for_a_callback(ticket_id="T-1")
    scene.after("24 h")
    assert scene.story == [
        "0:00 Bob is called",
        "0:05 Bob answers",
        "0:05 Bob hears: This is Acme Support, calling you back. Press 1 to be connected, 2 to be called later, "
        "3 if you need no call any more.",
        "0:07 Bob presses 3",
        "0:07 Bob hears: Thank you. We will not call again.",
        "0:07 note on T-1: Callback cancelled after 1 attempt; the last ended as declined by customer.",
    ]
    scene.history_says(bob, "callback ended: cancelled, cancelled by key")
