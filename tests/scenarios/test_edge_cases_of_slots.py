"""
S2, "Edge cases", as far as they concern chosen times, and the two limits of "Callback queue logic" that lead to one.

It is 1:40 PM on a Monday in New York, and slots begin every quarter of an hour. The same edge cases without slots are
in `test_edge_cases.py`. Left out: the texts of messages, and how replies to them are read.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta

import attrs
import pytest

from callbackq import (
    Answer,
    Choice,
    Mode,
    NoOffer,
    NoOfferReason,
    NoShowsTooMany,
    NoticeKind,
    SlotUnavailable,
    Then,
    say_no_offer,
    text_of,
)
from callbackq.core.speech import say_receipt
from callbackq.policy import PlaceAfter, SlotPolicy, Span, StaffedSeats, WeekHours, weekdays
from scenarios.scene import AFTERNOON, QUEUE, SLOTS, Customer, Scene, seats

CONTEXT = {"menu": "2 technical", "reason": "the router restarts", "tier": "gold"}
VIP = 1


@pytest.fixture
def open_scene(make_scene: Callable[..., Scene]) -> Callable[..., Scene]:
    """Open a support center with slots, with settings changed as asked."""
    return lambda **settings: make_scene(now=AFTERNOON, **{**SLOTS, **settings})


def wants(scene: Scene, bob: Customer, clock: str) -> Answer:
    """Bob holds the line, and wants a time; return what he is told."""
    bob.holds()
    return scene.service.request_spoken(QUEUE, call_id=bob.name, scheduled_at=scene.at(clock))


# ---------------------------------------------------------------------------- too many callbacks at one time


def test_a_slot_takes_as_many_as_the_agents_can_do(open_scene: Callable[..., Scene]) -> None:
    """
    "Dynamic slot management: Limit callbacks per time window based on agent capacity".

    Two agents do six calls of 5 minutes in a quarter of an hour, and half of their time is for chosen times: three.
    """
    slots = SlotPolicy(seats=StaffedSeats(agents=2, share_ratio=0.5), length=timedelta(minutes=15))
    scene = open_scene(slots=slots, handle_time=timedelta(minutes=5))
    scene.fills("3:15 PM", "3:15 PM", "3:15 PM")
    with pytest.raises(SlotUnavailable, match="full") as refused:
        scene.customer("Bob").books_at("3:15 PM")
    near = tuple(scene.at(clock) for clock in ("2:45 PM", "3:00 PM", "3:30 PM", "3:45 PM"))
    assert refused.value.alternatives == near


def test_all_slots_in_the_next_hour_are_filled(open_scene: Callable[..., Scene]) -> None:
    """
    "If queue full: All callback slots in the next hour are filled. Next available: [time]."

    "Would you like to book that or stay on hold?" Bob keeps his place while he thinks, and books it.
    """
    scene = open_scene()
    scene.fills("2:00 PM", "2:15 PM", "2:30 PM", "2:45 PM", "3:00 PM")
    bob = scene.customer("Bob")
    answer = wants(scene, bob, "2:00 PM")
    assert text_of(answer.says).startswith(
        "All callback slots in the next hour are filled. Next available: 3:15 PM EST."
        " Would you like to book that or stay on hold?"
    )
    assert answer.then is Then.KEEP_HOLDING
    assert answer.choices == (Choice.SCHEDULE, Choice.STAY)
    assert scene.service.call_position("Bob") is not None
    booked = scene.service.request_spoken(QUEUE, call_id="Bob", scheduled_at=answer.slots[0])
    assert text_of(booked.says[:1]) == "You're scheduled for a callback at 3:15 PM EST."


def test_who_stays_on_hold_keeps_the_place(open_scene: Callable[..., Scene]) -> None:
    """ "...or stay on hold": nothing was lost by asking, and the next agent takes the call."""
    scene = open_scene()
    scene.fills("2:00 PM")
    bob = scene.customer("Bob")
    scene.after("1 min")
    answer = wants(scene, bob, "2:00 PM")
    assert not answer.success
    scene.customer("Later").holds()
    first, second = scene.service.call_position("Bob"), scene.service.call_position("Later")
    assert first is not None
    assert second is not None
    assert (first.number, second.number) == (1, 2)


def test_a_seat_is_kept_for_enterprise_customers(open_scene: Callable[..., Scene]) -> None:
    """ "VIP bypass: Enterprise customers get priority callback slots": one seat of each, which others never see."""
    scene = open_scene(slots=seats(2, kept_seats=1))
    scene.fills("3:15 PM")
    with pytest.raises(SlotUnavailable, match="full"):
        scene.customer("Bob").books_at("3:15 PM")
    vip = scene.customer("Vip").books_at("3:15 PM", priority=VIP)
    assert vip.callback.scheduled_at == scene.at("3:15 PM")
    with pytest.raises(SlotUnavailable, match="full"):
        scene.customer("Another").books_at("3:15 PM", priority=VIP)


def test_another_channel_is_offered_where_there_is_no_slot(open_scene: Callable[..., Scene]) -> None:
    """ "Overflow handling: Offer email or chat alternative if callback unavailable"."""
    scene = open_scene(slots=seats(0), other_channels=("email", "chat"))
    answer = wants(scene, scene.customer("Bob"), "3:15 PM")
    assert answer.choices == (Choice.STAY, Choice.OTHER_CHANNEL)
    assert text_of(answer.says) == (
        "That time is taken. We have no time to offer for a callback."
        ' Press 1, or say "hold", to keep holding. You can also reach us by email or chat.'
    )


# ---------------------------------------------------------------------------- the agent is away at the time


def test_the_customer_is_told_that_the_time_stands_though_somebody_else_calls(
    open_scene: Callable[..., Scene],
) -> None:
    """
    "Customer notification: Your callback is still scheduled for [time]. A support specialist will call you."

    "Backup agent assignment: System assigns to next available agent". "Backup agent receives full context package".
    """
    scene = open_scene()
    scene.agent("Ben").accepts_after(2).is_free()
    bob = scene.customer("Bob").answers_after(5)
    bob.books_at("2:00 PM", owner="Ann", ticket_id="T-1", context=CONTEXT)
    scene.after("21 min")
    assert [line for line in scene.story if "hears" not in line] == [
        "5:00 reminder for Ann: the call with Bob",
        "5:00 message to Bob: we call you soon",
        "5:00 message to Bob: we call you as promised, somebody else does",
        "20:00 Bob is called",
        "20:05 Bob answers",
        "20:05 Ben is rung",
        "20:07 Ben accepts",
        "20:07 Ben and Bob talk",
    ]
    told = bob.notice(NoticeKind.BACKUP_AGENT).booking
    assert told is not None
    assert told.customer_time == "2:00 PM EST"
    screen = scene.agent("Ben").screen
    assert (screen.name, screen.ticket_id, screen.owner_id) == ("Bob", "T-1", "Ann")
    assert (screen.scheduled_at, dict(screen.context)) == (scene.at("2:00 PM"), CONTEXT)


def test_nobody_is_told_of_a_backup_where_the_agent_is_there(open_scene: Callable[..., Scene]) -> None:
    """The counterpart: Ann is at work, and it is she who calls, though Ben has waited longer."""
    scene = open_scene()
    scene.agent("Ben").accepts_after(0).is_free()
    scene.after("1 s")
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").answers_after(5).books_at("2:00 PM", owner="Ann")
    scene.after("21 min")
    assert NoticeKind.BACKUP_AGENT not in bob.told
    assert scene.story[-1].endswith("Ann and Bob talk")


def test_with_no_agent_at_all_other_times_are_offered(open_scene: Callable[..., Scene]) -> None:
    """
    "If no agent available: Proactive SMS offering alternative times": as soon as the time is past what is tolerated.

    The times can still be booked when the customer answers, and the one that is chosen is kept.
    """
    scene = open_scene()
    bob = scene.customer("Bob").answers_after(5).books_at("2:00 PM")
    scene.after("23 min")
    assert scene.story[-1] == "23:00 message to Bob: we are late, or choose another time"
    others = bob.notice(NoticeKind.LATE).alternatives
    assert others == tuple(scene.at(clock) for clock in ("2:30 PM", "2:45 PM", "3:00 PM", "3:15 PM"))
    scene.service.reschedule(bob.callback_id, scheduled_at=others[-1], by="customer")
    scene.agent("Ann").accepts_after(0).is_free()
    scene.after("1 h")
    assert bob.times_called == 0
    scene.after("15 min")
    assert bob.times_called == 1


def test_who_chooses_no_other_time_is_called_when_somebody_comes(open_scene: Callable[..., Scene]) -> None:
    """The promise is not lost by being late: Ann comes an hour later, and calls those first who had booked."""
    scene = open_scene()
    bob = scene.customer("Bob").answers_after(5).books_at("2:00 PM")
    scene.after("30 min")
    scene.customer("Later").answers_after(5).asks_for_a_callback()
    scene.after("50 min")
    scene.begins_anew()
    scene.agent("Ann").accepts_after(0).is_free()
    scene.after("10 s")
    assert scene.story[0] == "0:00 Bob is called"
    assert bob.told.count(NoticeKind.LATE) == 1


def test_the_slots_of_an_agent_who_is_ill_show_as_crowded(open_scene: Callable[..., Scene]) -> None:
    """ "Agent calls in sick": the host says that there are fewer agents now; who was promised last is named."""
    scene = open_scene(slots=seats(2))
    scene.customer("First").books_at("3:15 PM")
    scene.after("1 s")
    last = scene.customer("Last").books_at("3:15 PM")
    assert scene.service.crowded_slots(QUEUE) == []
    fewer = scene.reopened(attrs.evolve(scene.policy, slots=seats(1)))
    (crowded,) = fewer.crowded_slots(QUEUE)
    assert [line.callback_id for line in crowded.over] == [last.callback_id]
    assert crowded.alternatives
    assert scene.at("3:15 PM") not in crowded.alternatives


# ---------------------------------------------------------------------------- time zones

CHICAGO = WeekHours(zone="America/Chicago", week=weekdays(Span(time(9), time(17))))
CALIFORNIA, TOLL_FREE = "+14155550123", "+18005550123"


def times_of(scene: Scene, bob: Customer) -> tuple[str, str]:
    """Return Bob's time as he reads it, and as the agents do."""
    line = scene.service.booking(bob.callback_id)
    assert line is not None
    return line.customer_time, line.agent_time


def test_the_time_is_said_in_the_zone_of_the_number(open_scene: Callable[..., Scene]) -> None:
    """
    "IVR states time in customer's local timezone (detected from phone number area code)".

    "Time clearly stated with timezone (e.g., 3:00 PM EST)". The center is in Chicago, and the customer in New York.
    """
    scene = open_scene(hours=CHICAGO)
    bob = scene.customer("Bob")
    answer = wants(scene, bob, "3:00 PM")
    assert (
        text_of(answer.says[:1], zone="America/Chicago") == "You're scheduled for a callback at 3:00 PM EST."
    )
    assert answer.receipt is not None
    bob.callback_id = answer.receipt.callback_id
    scene.after("65 min")
    shown = bob.notice(NoticeKind.REMINDER).booking
    assert shown is not None
    assert shown.customer_time == "3:00 PM EST"


def test_the_dashboard_shows_the_agents_time_and_notes_the_customers(
    open_scene: Callable[..., Scene],
) -> None:
    """ "Agent dashboard: Displays callback time in agent's timezone with customer timezone noted"."""
    scene = open_scene(hours=CHICAGO)
    bob = scene.customer("Bob").books_at("3:00 PM")
    (line,) = scene.service.booked(QUEUE)
    assert (line.agent_time, line.customer_time, line.zone) == (
        "2:00 PM CST",
        "3:00 PM EST",
        "America/New_York",
    )
    assert times_of(scene, bob) == ("3:00 PM EST", "2:00 PM CST")


def test_the_web_form_has_its_own_zone(open_scene: Callable[..., Scene]) -> None:
    """ "Web callback form: Timezone dropdown for customer to select": it goes before that of the number."""
    scene = open_scene(hours=CHICAGO)
    wall = datetime(2026, 1, 5, 13)  # noqa: DTZ001
    bob = scene.customer("Bob").asks_for_a_callback(scheduled_at=wall, zone="America/Denver")
    assert bob.callback.scheduled_at == scene.at("3:00 PM")
    assert times_of(scene, bob) == ("1:00 PM MST", "2:00 PM CST")
    assert bob.receipt is not None
    assert text_of(say_receipt(bob.receipt, policy=scene.policy)[:1]) == (
        "You're scheduled for a callback at 1:00 PM MST."
    )


@pytest.mark.parametrize(
    ("number", "zone", "certain"),
    [(CALIFORNIA, "America/Los_Angeles", True), (TOLL_FREE, "America/Chicago", False)],
)
def test_a_number_of_no_place_is_told_the_time_of_the_center(
    open_scene: Callable[..., Scene], number: str, zone: str, certain: bool
) -> None:
    """Detected from the number, where it says so; a toll-free number may be anywhere, and the zone is said."""
    scene = open_scene(hours=CHICAGO)
    found = scene.service.customer_zone(QUEUE, number=number)
    assert (found.zone, found.certain) == (zone, certain)


def test_a_refusal_names_times_in_the_zone_of_the_customer(open_scene: Callable[..., Scene]) -> None:
    """The IVR in Chicago says to the customer in New York what is free by the clock in New York."""
    scene = open_scene(hours=CHICAGO)
    scene.fills("3:00 PM")
    answer = wants(scene, scene.customer("Bob"), "3:00 PM")
    assert "at 2:30 PM, 2:45 PM, 3:15 PM, or 3:30 PM EST." in text_of(answer.says)


# ---------------------------------------------------------------------------- repeated no-shows


@pytest.fixture
def no_show(open_scene: Callable[..., Scene]) -> tuple[Scene, Customer]:
    """Bob, who has missed three slots of one afternoon."""
    scene = open_scene()
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").misses()
    for clock in ("2:00 PM", "2:30 PM", "3:15 PM"):
        bob.books_at(clock, ticket_id="T-1")
        scene.host.run_until(scene.at(clock) + timedelta(minutes=5))
    return scene, bob


def test_3_slots_that_were_missed_flag_the_customer(no_show: tuple[Scene, Customer]) -> None:
    """
    "After 3 no-shows: Flag customer in CRM". "We've tried to reach you multiple times."

    "Ticket kept open with note", and "Email or SMS within 24 hours to close loop".
    """
    scene, _ = no_show
    assert [line.partition(" ")[2] for line in scene.story[-4:]] == [
        "message to Bob: we tried several times, call us or write to us",
        "note on T-1: Missed 3 callbacks at times of their choice: switched to outbound.",
        "task: see to Bob within 24 h",
        "Bob is flagged",
    ]


def test_a_flagged_customer_books_a_slot_only_by_confirming_it(no_show: tuple[Scene, Customer]) -> None:
    """ "Change approach": on the line it is said, and the place is kept; who confirms it has the slot."""
    scene, bob = no_show
    answer = wants(scene, bob, "4:00 PM")
    assert isinstance(answer.error, NoShowsTooMany)
    assert text_of(answer.says) == (
        "We could not reach you at the times that you chose. Please confirm that we should call once more."
        " Please hold on: you keep your place in line."
    )
    assert scene.at("4:00 PM") in [slot.starts_at for slot in scene.service.free_slots(QUEUE)]
    confirmed = scene.service.request_spoken(
        QUEUE, call_id="Bob", scheduled_at=scene.at("4:00 PM"), confirmed=True
    )
    assert text_of(confirmed.says[:1]) == "You're scheduled for a callback at 4:00 PM EST."


# ---------------------------------------------------------------------------- the limits of the queue


def test_after_45_minutes_in_line_a_scheduled_callback_is_offered(open_scene: Callable[..., Scene]) -> None:
    """
    D9: "Maximum virtual wait time: 45 minutes (after this, offer scheduled callback)".

    By message, with times; once. Who chooses one leaves the line until then; who does not is called in turn.
    """
    scene = open_scene()
    bob = scene.customer("Bob").answers_after(5).asks_for_a_callback()
    cid = scene.customer("Cid").answers_after(5).asks_for_a_callback()
    scene.after("2 h")
    assert scene.story == [
        "45:00 message to Bob: choose another time",
        "45:00 message to Cid: choose another time",
    ]
    others = bob.notice(NoticeKind.OTHER_TIME).alternatives
    assert others == tuple(scene.at(clock) for clock in ("2:45 PM", "3:00 PM", "3:15 PM", "3:30 PM"))
    bob.moves_to("4:00 PM")
    scene.agent("Ann").accepts_after(0).is_free()
    scene.after("10 s")
    assert (bob.times_called, cid.times_called) == (0, 1)
    scene.after("20 min")
    assert bob.times_called == 1


def test_a_wait_of_more_than_45_minutes_is_not_promised_but_slots_are(
    open_scene: Callable[..., Scene],
) -> None:
    """D9, A6: with an estimate beyond it, the IVR proposes a time at once, and names some."""
    scene = open_scene(handle_time=timedelta(minutes=10))
    scene.agent("Ann").is_on_a_call_with(scene.customer("Early"))
    for number in range(8):
        scene.customer(f"Caller {number}").holds()
    scene.after("1 s")
    scene.customer("Bob").holds()
    answer = scene.service.offer("Bob", asked=True)
    assert isinstance(answer, NoOffer)
    assert answer.reason is NoOfferReason.WAIT_TOO_LONG
    assert answer.slots == tuple(scene.at(clock) for clock in ("2:00 PM", "2:15 PM", "2:30 PM", "2:45 PM"))
    text = text_of(say_no_offer(answer, policy=scene.policy, zone="America/New_York", now=scene.now))
    assert "We have availability at 2:00 PM, 2:15 PM, 2:30 PM, or 2:45 PM EST. Press 3" in text


def test_who_is_not_reached_within_10_minutes_is_queued_again_and_offered_a_slot(
    open_scene: Callable[..., Scene],
) -> None:
    """
    D10: "Callback window: If not answered within 10 minutes of position, customer re-queued or offered reschedule".

    Bob's turn came, he missed the call, and Ann went away before the second one: both happen. Where he stands then is
    a setting; by default he keeps his place.
    """
    scene = open_scene(mode=Mode.SIMULTANEOUS, place_after_window=PlaceAfter.END)
    ann = scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").misses().asks_for_a_callback()
    scene.after("1 min")
    ann.goes_away()
    later = scene.customer("Later").asks_for_a_callback()
    scene.after("8 min")
    assert (bob.position, later.position) == (1, 2)
    scene.after("2 min")
    assert (bob.position, later.position) == (2, 1)
    scene.history_says(bob, "attempt ended: no answer", "callback requeued: response window")
    assert scene.story[-1] == "10:00 message to Bob: choose another time"
    assert bob.notice(NoticeKind.OTHER_TIME).alternatives[0] == scene.at("2:15 PM")
