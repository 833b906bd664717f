"""
S2, "Scheduled callback management", and the models 2 to 4: calls at a time that the customer, or an agent, chose.

The workflow of the customer and of the agent is told with the handbook's own times: it is 1:40 PM, and 2:00, 2:30, 3:15
and 4:00 PM are free. The retry table and the replies follow, as far as they concern a booked time; then the models.
Queues without slots take any time: their calls are the last sections.

Left out: the texts of messages, and how a reply such as "RESCHEDULE" is read. Here a customer who replies is one whose
host has understood it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from callbackq import (
    Answer,
    Channel,
    Choice,
    Mode,
    NoticeKind,
    Outcome,
    SlotUnavailable,
    TimeWindow,
    text_of,
)
from callbackq.core.speech import say_slots, slot_of
from scenarios.scene import AFTERNOON, QUEUE, SLOTS, Customer, HelpDesk, Scene, seats

HOLD = "This is Acme Support, calling you back. Please hold, we are connecting you."
CONTEXT = {"menu": "2 technical", "reason": "the router restarts", "tier": "gold"}
FREE = ["2:00 PM", "2:30 PM", "3:15 PM", "4:00 PM"]


def chooses(scene: Scene, bob: Customer, said: str) -> Answer:
    """Bob, who holds the line, hears the slots, and says one or presses its key; return what he is told."""
    slots = scene.service.free_slots(QUEUE)
    zone = scene.service.customer_zone(QUEUE, call_id=bob.name).zone
    answer = scene.service.request_spoken(
        QUEUE, call_id=bob.name, scheduled_at=slot_of(said, slots, zone=zone)
    )
    if answer.receipt is not None:
        bob.callback_id = answer.receipt.callback_id
    return answer


# ---------------------------------------------------------------------------- what the customer experiences


def test_the_ivr_offers_a_scheduled_callback(booked: Scene) -> None:
    """
    Customer 1 and model 2: "Would you like to schedule a callback?"

    Model 2: "Would you like a callback now, or schedule one for later? Available slots: ...". Key 3 is the choice.
    """
    booked.customer("Bob").holds()
    offer = booked.service.offer("Bob", asked=True)
    assert offer.slots == tuple(booked.at(clock) for clock in FREE)
    assert booked.service.choice_of(QUEUE, said="3") is Choice.SCHEDULE
    assert booked.service.choice_of(QUEUE, said="Schedule") is Choice.SCHEDULE


def test_the_system_presents_the_slots_of_the_next_4_hours(booked: Scene) -> None:
    """
    Customer 2: "System presents available time slots (next 4 hours)".

    "We have availability at 2:00 PM, 2:30 PM, 3:15 PM, or 4:00 PM. Please select your preferred time."
    """
    slots = booked.service.free_slots(QUEUE)
    assert text_of(say_slots(slots, zone="America/New_York", now=booked.now)) == (
        "We have availability at 2:00 PM, 2:30 PM, 3:15 PM, or 4:00 PM EST. Please select your preferred time."
    )
    every = booked.service.free_slots(QUEUE, limit=100)
    assert every[-1].starts_at == booked.at("5:30 PM")
    with pytest.raises(SlotUnavailable):
        booked.customer("Bob").books_at("5:45 PM")  # In more than 4 hours.


@pytest.mark.parametrize("said", ["3", "3:15", "3:15 PM"])
def test_the_customer_selects_a_time_and_it_is_confirmed(booked: Scene, said: str) -> None:
    """
    Customer 3 and 4: "Customer selects time (voice or keypad)". "You're scheduled for a callback at 3:15 PM."

    The abbreviation is said with it, and the last digits of the number. After that the live call is over.
    """
    bob = booked.customer("Bob").holds()
    answer = chooses(booked, bob, said)
    assert text_of(answer.says) == (
        "You're scheduled for a callback at 3:15 PM EST. We will call the number that ends with 0 5. Goodbye."
    )
    assert bob.callback.scheduled_at == booked.at("3:15 PM")
    assert booked.at("3:15 PM") not in [slot.starts_at for slot in booked.service.free_slots(QUEUE)]


def test_a_time_is_kept_while_the_customer_decides(booked: Scene) -> None:
    """Customer 3: for 30 seconds nobody else is offered it; who has said yes by then has it."""
    bob = booked.customer("Bob").holds()
    held = booked.service.hold_slot(QUEUE, slot_at=booked.at("3:15 PM"), number=bob.number, call_id="Bob")
    assert booked.at("3:15 PM") not in [slot.starts_at for slot in booked.service.free_slots(QUEUE)]
    booked.after("29 s")
    answer = booked.service.request_spoken(QUEUE, call_id="Bob", booking_id=held.booking_id)
    assert text_of(answer.says[:1]) == "You're scheduled for a callback at 3:15 PM EST."


def test_who_decides_too_long_is_asked_again(booked: Scene) -> None:
    """Customer 3: the seat is anybody's after 30 seconds; Bob keeps his place in line, and can choose again."""
    bob = booked.customer("Bob").holds()
    held = booked.service.hold_slot(QUEUE, slot_at=booked.at("3:15 PM"), number=bob.number, call_id="Bob")
    booked.after("30 s")
    booked.customer("Cid").books_at("3:15 PM")
    answer = booked.service.request_spoken(QUEUE, call_id="Bob", booking_id=held.booking_id)
    assert text_of(answer.says[:1]) == "We could not keep that time for you any longer."
    assert answer.choices == (Choice.SCHEDULE, Choice.STAY)
    assert chooses(booked, bob, "2:30 PM").success


def test_a_zone_that_is_none_leaves_the_caller_with_an_answer(booked: Scene) -> None:
    """Customer 3: what the host takes for a zone is none, and the hold is over: the caller is answered all the same."""
    bob = booked.customer("Bob").holds()
    held = booked.service.hold_slot(QUEUE, slot_at=booked.at("3:15 PM"), number=bob.number)
    booked.after("30 s")
    answer = booked.service.request_spoken(QUEUE, call_id="Bob", booking_id=held.booking_id, zone="Eastern")
    assert text_of(answer.says[:1]) == "We could not keep that time for you any longer."


def test_the_customer_may_say_when_instead_of_at_which_time(booked: Scene) -> None:
    """Customer 3: "any time between three and four": the first that is free in it; or which others there are."""
    booked.customer("Bob").holds()
    window = TimeWindow(from_at=booked.at("3:00 PM"), until_at=booked.at("4:00 PM"))
    answer = booked.service.request_spoken(QUEUE, call_id="Bob", windows=[window])
    assert text_of(answer.says[:1]) == "You're scheduled for a callback at 3:15 PM EST."
    booked.customer("Cid").holds()
    refused = booked.service.request_spoken(QUEUE, call_id="Cid", windows=[window])
    assert text_of(refused.says[:2]) == (
        "We are free at no time within the hours that you gave."
        " We have availability at 2:00 PM, 2:30 PM, 4:00 PM, or 4:15 PM EST."
    )


def test_the_confirmation_says_the_same_every_time(booked: Scene) -> None:
    """Customer 5: what the message needs is in the receipt, and the receipt of a request is always the same."""
    bob = booked.customer("Bob").books_at("3:15 PM", request_key="form-7")
    assert bob.receipt is not None
    assert (bob.receipt.expected_at, bob.receipt.zone) == (booked.at("3:15 PM"), "America/New_York")
    again = booked.service.request(
        QUEUE, number=bob.number, scheduled_at=booked.at("3:15 PM"), request_key="form-7"
    )
    assert again == bob.receipt == booked.service.receipt(bob.callback_id)


def test_the_customer_is_reminded_15_minutes_before(booked: Scene) -> None:
    """Model 2 and SMS automation: "Reminder (15 min before): [Company] Support will call you at [time]"."""
    bob = booked.customer("Bob").books_at("3:15 PM")
    booked.after("80 min")
    assert booked.story[-1] == "1:20:00 message to Bob: we call you soon"
    reminder = bob.notice(NoticeKind.REMINDER)
    assert reminder.booking is not None
    assert (reminder.booking.customer_time, reminder.booking.number_masked) == ("3:15 PM EST", "+1…05")


# ---------------------------------------------------------------------------- what the agent experiences


def test_the_dashboard_shows_the_callbacks_of_the_day(booked: Scene) -> None:
    """Agent 1: "Agent dashboard shows scheduled callbacks for the day"; those of an agent's own among them."""
    booked.customer("Bob").books_at("4:00 PM", owner="Ann", ticket_id="T-1", context=CONTEXT)
    day = booked.service.booked(QUEUE)
    assert [line.agent_time for line in day] == [
        f"{clock} EST" for clock in ("2:15 PM", "2:45 PM", "3:00 PM", "3:30 PM", "3:45 PM", "4:00 PM")
    ]
    (hers,) = booked.service.booked(agent="Ann")
    assert (hers.name, hers.ticket_id, dict(hers.context)) == ("Bob", "T-1", CONTEXT)


def test_the_agent_is_notified_15_minutes_before_with_the_context(booked: Scene) -> None:
    """
    Agent 2 and 3: "15 minutes before callback: Agent receives notification", and reviews customer context.

    "IVR selections and issue description", account tier, ticket, and "Previous callback attempts (if any)".
    """
    booked.agent("Ann").is_free()
    bob = booked.customer("Bob").books_at("2:00 PM", owner="Ann", ticket_id="T-1", context=CONTEXT)
    booked.begins_anew()
    booked.after("5 min")
    assert booked.story == [
        "5:00 reminder for Ann: the call with Bob",
        "5:00 message to Bob: we call you soon",
    ]
    shown = bob.notice(NoticeKind.AGENT_REMINDER).booking
    assert shown is not None
    assert (shown.name, shown.agent_time, shown.ticket_id) == ("Bob", "2:00 PM EST", "T-1")
    assert (dict(shown.context), shown.attempts_count) == (CONTEXT, 0)


def test_at_the_booked_time_the_customer_is_dialed_and_the_agent_joins(booked: Scene) -> None:
    """Agent 4 and 5: "At scheduled time: System dials customer", "Agent joins call when customer answers"."""
    ann = booked.agent("Ann").accepts_after(2).is_free()
    booked.customer("Bob").answers_after(8).books_at("2:00 PM", context=CONTEXT)
    booked.after("21 min")
    assert booked.story[4:] == [
        "20:00 Bob is called",
        "20:08 Bob answers",
        f"20:08 Bob hears: {HOLD}",
        "20:08 Ann is rung",
        "20:10 Ann accepts",
        "20:10 Ann and Bob talk",
    ]
    assert (ann.screen.reason, dict(ann.screen.context)) == ("the router restarts", CONTEXT)


def test_a_booked_time_goes_before_a_long_line(booked: Scene) -> None:
    """Agent 4: the promise is a time: who has waited in line for an hour is called after those who booked it."""
    early = booked.customer("Early").answers_after(1).asks_for_a_callback()
    bob = booked.customer("Bob").answers_after(1).books_at("2:00 PM")
    booked.after("20 min")
    booked.agent("Ann").accepts_after(0).is_free()
    booked.after("5 s")
    assert (bob.times_called, early.times_called) == (1, 0)


# ---------------------------------------------------------------------------- retry and no-answer logic


def test_a_booked_customer_who_does_not_answer_is_called_again_after_2_minutes(booked: Scene) -> None:
    """Row "No answer (1 attempt)": "Retry after 2 minutes (1 retry max)"; and then they answer."""
    booked.agent("Ann").accepts_after(2).is_free()
    bob = booked.customer("Bob").misses().answers_after(5).books_at("2:00 PM")
    booked.after("24 min")
    lines = [line for line in booked.story if "Bob" in line and "reminder" not in line][1:]
    assert lines == [
        "20:00 Bob is called",
        "20:45 Bob does not answer",
        "22:45 Bob is called",
        "22:50 Bob answers",
        f"22:50 Bob hears: {HOLD}",
        "22:52 Ann and Bob talk",
    ]
    booked.history_says(bob, "attempt ended: no answer", "callback ended: completed")


def test_a_booked_customer_who_misses_both_is_told_and_followed_up(make_scene: Callable[..., Scene]) -> None:
    """
    Row "No answer (2 attempts)": "Send SMS: We tried to call. Reply to reschedule or call us."

    Row "Customer not reached": "Ticket updated; agent follows up within 24 hours".
    """
    scene = make_scene(now=AFTERNOON, **SLOTS)
    scene.agent("Ann").accepts_after(2).is_free()
    bob = scene.customer("Bob").misses().books_at("2:00 PM", ticket_id="T-1")
    scene.after("24 h")
    assert scene.story[2:] == [
        "20:00 Bob is called",
        "20:45 Bob does not answer",
        "22:45 Bob is called",
        "23:30 Bob does not answer",
        "23:30 message to Bob: we tried to reach you",
        "23:30 note on T-1: Callback unreached after 2 attempts; the last ended as no answer.",
        "23:30 task: see to Bob within 24 h",
    ]
    assert bob.callback.outcome is Outcome.UNREACHED


def test_a_customer_who_cancels_is_free_and_so_is_the_seat(booked: Scene) -> None:
    """Row "Customer cancels via SMS": "Queue updated; customer freed to call or reschedule"."""
    booked.agent("Ann").accepts_after(0).is_free()
    bob = booked.customer("Bob").books_at("3:15 PM")
    bob.cancels()
    assert booked.at("3:15 PM") in [slot.starts_at for slot in booked.service.free_slots(QUEUE)]
    booked.after("2 h")
    assert (bob.told, bob.times_called, bob.callback.outcome) == ([], 0, Outcome.CANCELLED)
    bob.books_at("4:15 PM")
    assert bob.callback.scheduled_at == booked.at("4:15 PM")


def test_a_customer_who_reschedules_is_offered_times_and_confirmed_the_new_one(booked: Scene) -> None:
    """
    Row "Customer reschedules": "New time offered; confirmation sent".

    SMS automation: "What time works for your callback? Available: [slots]." The old seat is free, and the old time
    is forgotten: there is one reminder, and one call.
    """
    booked.agent("Ann").accepts_after(0).is_free()
    bob = booked.customer("Bob").answers_after(5).books_at("2:00 PM")
    offered = booked.service.free_slots(QUEUE)
    assert [slot.starts_at for slot in offered] == [
        booked.at(clock) for clock in ("2:30 PM", "3:15 PM", "4:00 PM", "4:15 PM")
    ]
    receipt = bob.moves_to("4:00 PM")
    assert (receipt.callback_id, receipt.expected_at, receipt.zone) == (
        bob.callback_id,
        booked.at("4:00 PM"),
        "America/New_York",
    )
    assert booked.service.free_slots(QUEUE)[0].starts_at == booked.at("2:00 PM")
    booked.after("3 h")
    assert [line for line in booked.story if line.endswith(("Bob is called", "Bob: we call you soon"))] == [
        "2:05:00 message to Bob: we call you soon",
        "2:20:00 Bob is called",
    ]


def test_a_time_that_is_taken_leaves_the_old_one_as_it_was(booked: Scene) -> None:
    """Row "Customer reschedules": another was faster; others are named, and the promise stands."""
    bob = booked.customer("Bob").books_at("2:00 PM")
    with pytest.raises(SlotUnavailable) as refused:
        bob.moves_to("3:00 PM")
    assert refused.value.alternatives
    assert booked.at("3:00 PM") not in refused.value.alternatives
    assert bob.callback.scheduled_at == booked.at("2:00 PM")


def test_who_could_not_be_reached_in_between_can_still_choose_another_time(booked: Scene) -> None:
    """Row "Customer reschedules": after the first attempt, before the second; both attempts are due again then."""
    booked.agent("Ann").accepts_after(0).is_free()
    bob = booked.customer("Bob").misses().books_at("2:00 PM")
    booked.after("21 min")
    assert bob.times_called == 1
    bob.moves_to("4:00 PM")
    booked.after("1 h")
    assert bob.times_called == 1
    booked.after("2 h")
    assert (bob.times_called, bob.callback.outcome) == (3, Outcome.UNREACHED)


# ---------------------------------------------------------------------------- model 3: an agent has promised it


def test_an_agent_books_a_follow_up_and_prepares_for_it(make_scene: Callable[..., Scene]) -> None:
    """
    Model 3: "Let me look into this and call you back." "Agent schedules callback from ticket interface".

    "System dials customer at scheduled time", "Agent receives notification before dial (prepares update)": a quarter
    of an hour before, and again when it is time; the customer is dialed once the agent is there.
    """
    scene = make_scene(now=AFTERNOON, **{**SLOTS, "mode": Mode.AGENT_FIRST})
    ann = scene.agent("Ann").accepts_after(15).is_free()
    scene.agent("Ben").accepts_after(0).is_free()
    bob = scene.customer("Bob").answers_after(5)
    bob.books_at("2:00 PM", owner="Ann", ticket_id="T-1", context={"reason": "what engineering found"})
    assert bob.callback.channel is Channel.AGENT
    scene.after("21 min")
    assert scene.story == [
        "5:00 reminder for Ann: the call with Bob",
        "5:00 message to Bob: we call you soon",
        "20:00 Ann is rung",
        "20:15 Ann accepts",
        "20:15 Bob is called",
        "20:20 Bob answers",
        "20:20 Ann and Bob talk",
    ]
    assert (ann.screen.ticket_id, ann.screen.reason) == ("T-1", "what engineering found")


def test_an_agent_is_not_booked_twice_at_one_time(make_scene: Callable[..., Scene]) -> None:
    """Model 3: though the queue has seats left, Ann has only one voice; Ben can take the time."""
    scene = make_scene(now=AFTERNOON, **{**SLOTS, "slots": seats(5)})
    scene.customer("Bob").books_at("2:00 PM", owner="Ann")
    with pytest.raises(SlotUnavailable, match="agent_busy"):
        scene.customer("Cid").books_at("2:00 PM", owner="Ann")
    assert scene.customer("Dan").books_at("2:00 PM", owner="Ben").callback.owner_id == "Ben"


# ---------------------------------------------------------------------------- model 4: a form on the web


def test_a_web_form_creates_a_ticket_and_schedules_the_callback(make_scene: Callable[..., Scene]) -> None:
    """
    Model 4: "Form: Name, phone number, issue description, preferred time"; "System creates ticket and schedules".

    "Agent receives ticket with callback scheduled". The zone is a field of the form, and the time is on its wall.
    """
    desk = HelpDesk()
    scene = make_scene(now=AFTERNOON, tickets=desk, **SLOTS)
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").answers_after(5)
    wall = scene.at("3:15 PM").replace(tzinfo=None) - timedelta(hours=7)  # As a clock in Denver shows it.
    bob.asks_for_a_callback(
        scheduled_at=wall, zone="America/Denver", context={"reason": "the router restarts"}
    )
    (order,) = desk.orders
    assert (order.channel, order.name, order.number) == (Channel.WEB, "Bob", bob.number)
    assert (order.scheduled_at, dict(order.context)) == (
        scene.at("3:15 PM"),
        {"reason": "the router restarts"},
    )
    line = scene.service.booking(bob.callback_id)
    assert line is not None
    assert (line.ticket_id, line.customer_time, line.agent_time) == ("T-1", "1:15 PM MST", "3:15 PM EST")
    scene.after("96 min")
    assert scene.agent("Ann").screen.ticket_id == "T-1"


def test_a_web_form_that_is_sent_twice_is_one_booking(make_scene: Callable[..., Scene]) -> None:
    """Model 4: a double click takes one seat and opens one ticket."""
    desk = HelpDesk()
    scene = make_scene(now=AFTERNOON, tickets=desk, **SLOTS)
    bob = scene.customer("Bob")
    first = bob.books_at("3:15 PM", request_key="form-7").receipt
    assert bob.books_at("3:15 PM", request_key="form-7").receipt == first
    assert len(desk.orders) == len(scene.service.booked(QUEUE)) == 1


# ---------------------------------------------------------------------------- the customer first


def test_at_the_scheduled_time_the_customer_is_dialed_and_the_agent_joins(
    make_scene: Callable[..., Scene],
) -> None:
    """Agent experience 4 and 5, model 2: an agent is kept free for it, and is rung when the customer answers."""
    scene = make_scene(mode=Mode.CUSTOMER_FIRST)
    ann = scene.agent("Ann").accepts_after(2).is_free()
    bob = scene.customer("Bob").answers_after(8).books("30 min")
    scene.customer("Later").books("31 min")
    scene.after("30 min")
    assert str(scene.service.agent("Ann").state) == "reserved"
    scene.after("10 s")
    assert scene.story == [
        "30:00 Bob is called",
        "30:08 Bob answers",
        f"30:08 Bob hears: {HOLD}",
        "30:08 Ann is rung",
        "30:10 Ann accepts",
        "30:10 Ann and Bob talk",
    ]
    assert ann.screen.scheduled_at == bob.callback.scheduled_at


def test_the_agent_sees_earlier_attempts_of_a_scheduled_callback(make_scene: Callable[..., Scene]) -> None:
    """Agent experience 3: choices and issue, past tickets, tier, and how the tries before went."""
    scene = make_scene(mode=Mode.CUSTOMER_FIRST)
    ann = scene.agent("Ann").accepts_after(2).is_free()
    context = {"menu": "1 billing", "reason": "an invoice", "tier": "gold"}
    bob = scene.customer("Bob").is_busy().answers_after(8)
    bob.books("30 min", ticket_id="T-1", context=context)
    scene.after("34 min")
    assert scene.story[:2] == ["30:00 Bob is called", "30:01 Bob is on another call"]
    assert [str(one.disposition) for one in ann.screen.attempts] == ["busy"]
    assert (ann.screen.context, ann.screen.ticket_id, ann.screen.attempt_number) == (context, "T-1", 2)


# ---------------------------------------------------------------------------- the agent first


def test_the_agent_who_promised_the_call_is_notified_before_the_customer_is_dialed(
    make_scene: Callable[..., Scene],
) -> None:
    """Model 3: "let me look into this and call you back". The owner sees the ticket, accepts when ready, then Bob."""
    scene = make_scene(mode=Mode.AGENT_FIRST)
    scene.agent("Ben").accepts_after(0).is_free()
    scene.after("1 min")
    ann = scene.agent("Ann").accepts_after(15).is_free()
    bob = scene.customer("Bob").answers_after(5)
    bob.books("30 min", owner="Ann", ticket_id="T-1", context={"reason": "what engineering found"})
    scene.after("30 min")
    assert scene.story == ["31:00 Ann is rung"]
    assert (ann.screen.ticket_id, ann.screen.reason) == ("T-1", "what engineering found")
    scene.after("20 s")
    assert scene.story[1:] == [
        "31:15 Ann accepts",
        "31:15 Bob is called",
        "31:20 Bob answers",
        "31:20 Ann and Bob talk",
    ]
