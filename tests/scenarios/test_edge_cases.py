"""
S2, "Edge cases", as far as they concern connecting: one section for each, one test for each bullet.

Left out, because other parts of the library do it, or are to do it:

* Wrong number: reading the number back, and the code that is sent to it, come before the promise (requests, checks).
* The customer moves: the reply by which the number is changed, and the page on which another time is chosen, come
  with messages.
* Too many callbacks at one time, time zones, and whatever else concerns slots: `test_edge_cases_of_slots.py`. Here a
  chosen time is any, in a queue that has no slots, and nobody is told that the agent is away: the callback waits.
* Replies by message: messages.
* International numbers: checks of the number, before the promise.
* The words of messages, and the mail or text within 24 hours, are the host's: a notice says to whom, what and by when.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from callbackq import (
    RETRIES_S2,
    RETRY_S2,
    Disposition,
    HoldReason,
    Mode,
    NoShowsTooMany,
    NoticeKind,
    Outcome,
    Voicemail,
)
from scenarios.scene import TALK, Customer, Scene

RIGHT_NUMBER = "+12125550177"


# ---------------------------------------------------------------------------- the wrong number


def a_stranger_answers(scene: Scene, **request: object) -> Customer:
    """Somebody else answers Bob's callback, and Ann says so."""
    ann = scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").answers_after(5).asks_for_a_callback(**request)
    scene.after("30 s")
    ann.says_it_was(Disposition.WRONG_PERSON, bob)
    scene.network.hang_up_by("Ann")
    scene.after("1 s")
    return bob


def test_the_agent_says_that_a_stranger_answered_and_the_number_is_marked(scene: Scene) -> None:
    """The company is told that this number is not the customer's; the promise stands, and the number is left alone."""
    bob = a_stranger_answers(scene)
    wrong = bob.number
    assert scene.story[-1] == f"0:30 {wrong} is marked as not Bob's"
    assert bob.callback.hold_reason is HoldReason.WRONG_NUMBER
    scene.history_says(bob, "attempt moved", "callback reopened: wrong number, wrong person")
    scene.after("1 h")
    assert scene.network.dialed(wrong) == 1


def test_the_customer_is_asked_for_the_right_number_and_called_there(scene: Scene) -> None:
    """A promise that waits for its number says so; with the right one it has its old place, and both its tries."""
    bob = a_stranger_answers(scene)
    assert "number" in scene.service.explain(bob.callback_id).text
    scene.agent("Ann").goes_away()
    later = scene.customer("Later").asks_for_a_callback()
    scene.after("10 min")
    bob.corrects_the_number(RIGHT_NUMBER)
    assert (bob.position, later.position) == (1, 2)
    scene.begins_anew()
    scene.agent("Ann").is_free()
    scene.after("5 s")
    assert scene.story == TALK
    assert scene.network.dialed(RIGHT_NUMBER) == 1
    assert bob.callback.attempts_count == 1


def test_another_number_of_the_customer_is_called_at_once(scene: Scene) -> None:
    """Who has given two numbers need not be asked: the other one is the right one."""
    scene.notices.names[RIGHT_NUMBER] = "Bob's other number"
    scene.network.person(RIGHT_NUMBER)
    bob = a_stranger_answers(scene, alternatives=[RIGHT_NUMBER])
    assert f"0:30 {bob.number} is marked as not Bob's" in scene.story
    assert "0:30 Bob's other number is called" in scene.story
    assert bob.times_called == 1


@pytest.mark.parametrize(
    ("on_record", "differs"), [("+12125550188", True), ("+12125550100", False), (None, None)]
)
def test_the_agent_sees_that_the_number_is_not_the_one_on_record(
    scene: Scene, on_record: str | None, differs: bool | None
) -> None:
    """Before accepting; and that it is the same, or that there is no record to compare it with."""
    ann = scene.agent("Ann").is_free()
    scene.customer("Bob").asks_for_a_callback(record_number=on_record)
    scene.after("0 s")
    assert ann.screen.number_differs is differs


# ---------------------------------------------------------------------------- cannot be reached at the time


def test_who_cannot_be_reached_is_tried_once_more_within_5_minutes(scene: Scene) -> None:
    """The customer has moved, and the network finds nobody: the second try is 5 minutes later."""
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").cannot_be_reached().answers_after(5).asks_for_a_callback()
    scene.after("310 s")
    assert scene.story[3:] == [
        "0:01 Bob cannot be reached",
        "0:01 Ann hears: The customer did not answer.",
        "5:01 Ann is rung",
        "5:01 Bob is called",
        "5:01 Ann accepts",
        "5:06 Bob answers",
        "5:06 Ann and Bob talk",
    ]
    scene.history_says(bob, "callback rested: unreachable", "callback ended: completed")


def test_who_still_cannot_be_reached_is_told_by_message(scene: Scene) -> None:
    """After that one retry: a message, the note, and the follow-up."""
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").cannot_be_reached().asks_for_a_callback(ticket_id="T-1")
    scene.after("24 h")
    assert bob.times_called == 2
    assert scene.story[-3:] == [
        "5:02 message to Bob: we tried to reach you",
        "5:02 note on T-1: Callback unreached after 2 attempts; the last ended as unreachable.",
        "5:02 task: see to Bob within 24 h",
    ]


# ---------------------------------------------------------------------------- the agent is away at the time

CONTEXT = {"menu": "2 technical", "reason": "the router restarts", "tier": "gold"}


def is_shown_all(scene: Scene, name: str, bob: Customer) -> None:
    """Check that an agent who did not know of it sees all that the owner would have seen."""
    screen = scene.agent(name).screen
    assert (screen.callback_id, screen.name, screen.context) == (bob.callback_id, "Bob", CONTEXT)
    assert (screen.ticket_id, screen.owner_id, screen.reason) == ("T-1", "Ann", "the router restarts")


def test_an_agent_who_is_sick_is_replaced_by_the_next_who_is_there(scene: Scene) -> None:
    """The time stands, though Ann never came: Ben is rung at that time, with the whole context."""
    scene.agent("Ben").accepts_after(2).is_free()
    bob = scene.customer("Bob").answers_after(5)
    bob.books("30 min", owner="Ann", ticket_id="T-1", context=CONTEXT)
    scene.after("31 min")
    assert scene.story == [
        "30:00 Ben is rung",
        "30:00 Bob is called",
        "30:02 Ben accepts",
        "30:05 Bob answers",
        "30:05 Ben and Bob talk",
    ]
    is_shown_all(scene, "Ben", bob)


def test_an_agent_who_takes_a_break_is_replaced_by_the_next_who_is_there(scene: Scene) -> None:
    """Bob's turn came, and he waited for Ann alone while she was on another call; she goes, and Ben is rung at once."""
    scene.agent("Ben").accepts_after(2).is_free()
    bob = scene.customer("Bob").answers_after(5)
    bob.books("30 min", owner="Ann", ticket_id="T-1", context=CONTEXT)
    scene.after("29 min")
    ann = scene.agent("Ann")
    scene.agent("Ben").goes_away()
    ann.is_on_a_call_with(scene.customer("Cid"))
    scene.agent("Ben").is_free()
    scene.after("90 s")
    assert bob.times_called == 0
    ann.goes_away()
    scene.after("5 s")
    assert scene.story[0] == "30:30 Ben is rung"
    is_shown_all(scene, "Ben", bob)
    scene.history_says(bob, "callback requested", "callback opened", "callback ended: completed")


def test_an_agent_who_leaves_while_being_rung_is_replaced(scene: Scene) -> None:
    """At the scheduled time itself: the customer's phone rings on, and Ben takes it."""
    ann = scene.agent("Ann").does_not_react().is_free()
    scene.agent("Ben").accepts_after(2)
    bob = scene.customer("Bob").answers_after(15)
    bob.books("30 min", owner="Ann", ticket_id="T-1", context=CONTEXT)
    scene.after("30 min")
    assert scene.story == ["30:00 Ann is rung", "30:00 Bob is called"]
    scene.agent("Ben").is_free()
    scene.after("4 s")
    ann.goes_away()
    scene.after("11 s")
    assert scene.story[2:] == [
        "30:04 Ann is rung no more",
        "30:04 Ben is rung",
        "30:06 Ben accepts",
        "30:15 Bob answers",
        "30:15 Ben and Bob talk",
    ]
    is_shown_all(scene, "Ben", bob)


def test_with_no_agent_at_all_the_callback_waits_and_is_not_lost(scene: Scene) -> None:
    """Nobody is dialed into silence; `explain` says why. The first agent who comes has Bob before those after him."""
    bob = scene.customer("Bob").answers_after(5).books("30 min")
    scene.after("2 h")
    later = scene.customer("Later").asks_for_a_callback()
    scene.after("2 h")
    assert scene.story == []
    assert (bob.position, later.position) == (1, 2)
    assert "agent" in scene.service.explain(bob.callback_id).text
    scene.agent("Ann").accepts_after(0).is_free()
    scene.begins_anew()
    scene.after("5 s")
    assert scene.story == TALK


# ---------------------------------------------------------------------------- the customer is on another call


def test_the_customers_phone_rings_for_45_seconds(patient: Scene) -> None:
    """Longer than usual, for the customer may have to end another call first. 44 seconds late is early enough."""
    patient.agent("Ann").accepts_after(0).is_free()
    patient.customer("Bob").misses().answers_after(44).asks_for_a_callback()
    patient.after("4 min")
    assert patient.story == [
        "0:00 Ann is rung",
        "0:00 Bob is called",
        "0:00 Ann accepts",
        "0:45 Bob does not answer",
        "0:45 Ann hears: The customer did not answer.",
        "2:45 Ann is rung",
        "2:45 Bob is called",
        "2:45 Ann accepts",
        "3:29 Bob answers",
        "3:29 Ann and Bob talk",
    ]


def test_after_a_busy_signal_it_is_tried_once_more_after_3_minutes(scene: Scene) -> None:
    """The other call may be over by then."""
    scene.agent("Ann").accepts_after(0).is_free()
    scene.customer("Bob").is_busy().answers_after(5).asks_for_a_callback()
    scene.after("4 min")
    assert scene.story[3:] == [
        "0:01 Bob is on another call",
        "0:01 Ann hears: The customer did not answer.",
        "3:01 Ann is rung",
        "3:01 Bob is called",
        "3:01 Ann accepts",
        "3:06 Bob answers",
        "3:06 Ann and Bob talk",
    ]


def test_who_is_busy_twice_is_told_by_message(scene: Scene) -> None:
    """Once more, and not twice."""
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").is_busy().asks_for_a_callback()
    scene.after("24 h")
    assert bob.times_called == 2
    assert "3:02 message to Bob: we tried to reach you" in scene.story


def test_voicemail_hears_a_brief_message_and_the_customer_is_told_by_text(scene: Scene) -> None:
    """Who called, from which company, and which number to call. Then the message, and no second try."""
    scene.agent("Ann").accepts_after(2).is_free()
    bob = scene.customer("Bob").has_voicemail_after(5)
    bob.asks_for_a_callback(owner="Ann", ticket_id="T-1")
    scene.after("24 h")
    assert scene.story[3:] == [
        "0:05 Bob answers",
        "0:05 Ann hears: The customer did not answer.",
        "0:05 Bob hears: Hello, this is Ann from Acme Support. We tried to call you back. Please call us at 555-0199.",
        "0:05 message to Bob: we tried to reach you",
        "0:05 note on T-1: Callback unreached after 1 attempt; the last ended as machine.",
        "0:05 task: see to Bob within 24 h",
    ]
    assert bob.times_called == 1


def test_the_agent_can_leave_the_message_in_person(make_scene: Callable[..., Scene]) -> None:
    """As the policy likes it: Ann is joined to the machine, speaks, and hangs up. That is no conversation."""
    machine = attrs.evolve(RETRY_S2[Disposition.MACHINE], voicemail=Voicemail.AGENT)
    scene = make_scene(retry_rules={**RETRY_S2, Disposition.MACHINE: machine})
    scene.agent("Ann").accepts_after(2).is_free()
    bob = scene.customer("Bob").has_voicemail_after(5).asks_for_a_callback(ticket_id="T-1")
    scene.after("20 s")
    assert scene.story[3:] == ["0:05 Bob answers", "0:05 Ann and Bob talk"]
    scene.network.hang_up_by("Ann")
    scene.after("1 s")
    assert scene.story[-3:] == [
        "0:20 message to Bob: we tried to reach you",
        "0:20 note on T-1: Callback unreached after 1 attempt; the last ended as machine.",
        "0:20 task: see to Bob within 24 h",
    ]
    assert bob.callback.outcome is Outcome.UNREACHED


def test_voicemail_that_was_taken_for_a_person_is_what_the_agent_says(scene: Scene) -> None:
    """Nothing but Ann's ear knows it: the promise counts as kept until she says so, and then the customer is told."""
    ann = scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").answers_after(5).asks_for_a_callback(ticket_id="T-1")
    scene.after("30 s")
    assert bob.callback.outcome is Outcome.COMPLETED
    ann.says_it_was(Disposition.MACHINE, bob)
    scene.network.hang_up_by("Ann")
    scene.after("24 h")
    assert bob.callback.outcome is Outcome.UNREACHED
    assert bob.told == [NoticeKind.UNREACHED, NoticeKind.TICKET_NOTE, NoticeKind.FOLLOW_UP]
    assert bob.times_called == 1


# ---------------------------------------------------------------------------- repeated no-shows


def misses_a_chosen_time(scene: Scene, bob: Customer, **request: object) -> list[str]:
    """Bob books, and does not answer at that time, nor 2 minutes later. Return what was said of it."""
    scene.begins_anew()
    bob.books("1 h", ticket_id="T-1", **request)
    scene.after("2 h")
    return [line for line in scene.story if line.startswith("1:03:30")][2:]


@pytest.fixture
def no_show(patient: Scene) -> Customer:
    """Bob, who has missed two chosen times, and is treated like anybody else by then."""
    patient.agent("Ann").accepts_after(0).is_free()
    bob = patient.customer("Bob").misses()
    for _ in range(2):
        assert misses_a_chosen_time(patient, bob) == [
            "1:03:30 message to Bob: we tried to reach you",
            "1:03:30 note on T-1: Callback unreached after 2 attempts; the last ended as no answer.",
            "1:03:30 task: see to Bob within 24 h",
        ]
    return bob


def test_after_3_no_shows_the_approach_changes(patient: Scene, no_show: Customer) -> None:
    """Flagged for the CRM; another message; the note of the ticket, which nobody closes; somebody within 24 hours."""
    assert misses_a_chosen_time(patient, no_show) == [
        "1:03:30 message to Bob: we tried several times, call us or write to us",
        "1:03:30 note on T-1: Missed 3 callbacks at times of their choice: switched to outbound.",
        "1:03:30 task: see to Bob within 24 h",
        "1:03:30 Bob is flagged",
    ]
    flag = patient.notices.notices[-1]
    assert (flag.kind, flag.ticket_id, flag.number) == (NoticeKind.CUSTOMER_FLAGGED, "T-1", no_show.number)


def test_after_3_no_shows_a_time_must_be_confirmed(patient: Scene, no_show: Customer) -> None:
    """A callback as soon as possible is still a right; a time is booked only by who says that they will be there."""
    misses_a_chosen_time(patient, no_show)
    with pytest.raises(NoShowsTooMany):
        no_show.books("1 h")
    no_show.asks_for_a_callback()
    no_show.cancels()
    no_show.books("1 h", confirmed=True)
    patient.after("1 h")
    assert no_show.times_called == 7


def test_a_4th_no_show_is_treated_like_the_3rd(patient: Scene, no_show: Customer) -> None:
    """Three times or more."""
    misses_a_chosen_time(patient, no_show)
    assert misses_a_chosen_time(patient, no_show, confirmed=True) == [
        "1:03:30 message to Bob: we tried several times, call us or write to us",
        "1:03:30 note on T-1: Missed 4 callbacks at times of their choice: switched to outbound.",
        "1:03:30 task: see to Bob within 24 h",
        "1:03:30 Bob is flagged",
    ]


def test_a_callback_as_soon_as_possible_is_no_no_show(patient: Scene, no_show: Customer) -> None:
    """Only a time of the customer's own choice is one that can be missed."""
    patient.begins_anew()
    no_show.asks_for_a_callback()
    patient.after("10 min")
    assert "3:30 message to Bob: we tried to reach you" in patient.story
    assert NoticeKind.CUSTOMER_FLAGGED not in no_show.told


def test_who_was_there_and_met_no_agent_has_missed_nothing(patient: Scene, no_show: Customer) -> None:
    """At the third time Bob answers, and is held for 30 seconds, twice: it is we who did not come. No flag."""
    patient.agent("Ann").does_not_react()
    no_show.from_now_on().answers_after(3)
    patient.begins_anew()
    no_show.books("1 h", ticket_id="T-1")
    patient.after("2 h")
    assert patient.story[-3:] == [
        "1:01:23 message to Bob: nobody could take your call",
        "1:01:23 note on T-1: Callback unreached after 2 attempts; the last ended as agent unavailable.",
        "1:01:23 task: see to Bob within 24 h",
    ]
    no_show.books("1 h")  # Is not refused.
    assert NoticeKind.CUSTOMER_FLAGGED not in [notice.kind for notice in patient.notices.notices]


# ---------------------------------------------------------------------------- in all


@pytest.mark.parametrize("mode", Mode)
def test_there_are_two_attempts_in_all(make_scene: Callable[..., Scene], mode: Mode) -> None:
    """Whatever they end as: busy, and no answer after it, are two; there is no retry of each kind on top."""
    scene = make_scene(mode=mode, ring_on_max=None)
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").is_busy().misses().answers_after(1).asks_for_a_callback()
    scene.after("24 h")
    assert bob.times_called == bob.callback.attempts_count == RETRIES_S2.attempts_max == 2
    scene.history_says(
        bob,
        "attempt ended: busy",
        "attempt ended: no answer",
        "callback ended: unreached, attempts used up",
    )
    assert bob.told == [NoticeKind.UNREACHED, NoticeKind.TICKET_NOTE, NoticeKind.FOLLOW_UP]
