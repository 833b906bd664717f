"""
S2, "SMS automation", and all else that a customer reads: what is sent when, in which words, and to whom.

The times are those of New York, where slots begin every quarter of an hour; it is 1:40 PM on a Monday. Texts are
checked by what they say, not by how. What customers answer is in `test_replies.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest

from callbackq import (
    RETRY_S2,
    AllDeclined,
    CallbackState,
    Disposition,
    NoticeKind,
    Outcome,
    RetryRule,
    SendMessage,
)
from callbackq.model import MessageEnd, MessageKind
from callbackq.policy import Messages, Span, WeekHours, Wording, weekdays
from callbackq.policy.messages import KINDS_DEFAULT
from scenarios.scene import AFTERNOON, SLOTS, Customer, Scene

K = MessageKind
Opens = Callable[..., Scene]
PHONE, COMPANY = "555-0199", "Acme Support"


@pytest.fixture
def opens(make_scene: Opens) -> Opens:
    """Open a support center with slots that sends messages, with settings changed as asked."""

    def made(**settings: Any) -> Scene:
        return make_scene(**{"now": AFTERNOON, **SLOTS, "messages": Messages(), **settings})

    return made


def read_by(scene: Scene, who: Customer) -> list[SendMessage]:
    """Return what a customer has read, in order."""
    return scene.host.messenger.sent_to(who.number)


def kinds(scene: Scene, who: Customer) -> list[MessageKind]:
    """Return the kinds of what a customer has read, in order."""
    return [order.kind for order in read_by(scene, who)]


def last(scene: Scene, who: Customer, kind: MessageKind) -> str:
    """Return the text that a customer has read last, which must be of this kind."""
    order = read_by(scene, who)[-1]
    assert order.kind is kind, [str(one) for one in kinds(scene, who)]
    return order.text


def says(text: str, *parts: str) -> None:
    """Check that a text says all of this."""
    missing = [part for part in parts if part not in text]
    assert not missing, f"{missing} not in {text!r}"


def tells_no_number(text: str, who: Customer) -> None:
    """Check that a text shows the end of the number, and not the number."""
    says(text, f"ending in {who.number[-4:]}")
    assert who.number[-7:] not in "".join(each for each in text if each.isdigit())


# ---------------------------------------------------------------------------- confirmation


def test_a_booking_is_confirmed_at_once(opens: Opens) -> None:
    """ "Your [Company] Support callback is scheduled for [time]", with the zone; and what can be answered."""
    scene = opens()
    bob = scene.customer("Bob").books_at("3:15 PM")
    scene.after("0 s")
    text = last(scene, bob, K.CONFIRMATION)
    says(text, COMPANY, "3:15 PM EST", "Hello Bob", "9 to cancel", "2 for another time")
    tells_no_number(text, bob)


def test_the_confirmation_in_the_words_of_the_handbook(opens: Opens) -> None:
    """ "Reply CANCEL to cancel or RESCHEDULE for new options": with the preset, at the host's own risk."""
    scene = opens(messages=Messages(wording=Wording.S2))
    bob = scene.customer("Bob").books_at("3:15 PM")
    scene.after("0 s")
    says(last(scene, bob, K.CONFIRMATION), COMPANY, "3:15 PM EST", "Reply CANCEL", "RESCHEDULE")


def test_the_time_is_told_in_the_zone_of_the_customer(opens: Opens) -> None:
    """ "Time clearly stated with timezone (e.g., 3:00 PM EST)": the center is in Chicago, Bob in New York."""
    week = WeekHours(zone="America/Chicago", week=weekdays(Span(time(9), time(17))))
    scene = opens(hours=week)
    bob = scene.customer("Bob").books_at("3:00 PM")
    scene.after("0 s")
    text = last(scene, bob, K.CONFIRMATION)
    says(text, "3:00 PM EST")
    assert "CST" not in text


def test_who_waits_in_line_is_told_of_the_place_and_the_wait(make_scene: Opens) -> None:
    """As soon as possible: how long it will take, where that is known."""
    scene = make_scene(messages=Messages())
    bob = scene.customer("Bob").asks_for_a_callback()
    scene.after("0 s")
    text = last(scene, bob, K.CONFIRMATION)
    says(text, "place in line", "when it is your turn", COMPANY)
    tells_no_number(text, bob)


def test_a_new_time_is_confirmed_and_the_old_text_is_not_sent(opens: Opens) -> None:
    """Moved on the web: one more confirmation, for the new time."""
    scene = opens()
    bob = scene.customer("Bob").books_at("3:15 PM")
    scene.after("0 s")
    bob.moves_to("4:00 PM")
    scene.after("0 s")
    assert kinds(scene, bob) == [K.CONFIRMATION, K.CONFIRMATION]
    says(last(scene, bob, K.CONFIRMATION), "4:00 PM EST")


# ---------------------------------------------------------------------------- reminder


def test_the_reminder_comes_15_minutes_before_and_once(opens: Opens) -> None:
    """ "Reminder (15 min before)": it names the number, masked, and how to change it."""
    scene = opens()
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").answers_after(5).books_at("3:15 PM")
    scene.after("79 min")
    assert kinds(scene, bob) == [K.CONFIRMATION]
    scene.after("1 min")
    text = last(scene, bob, K.REMINDER)
    says(text, COMPANY, "3:15 PM EST", "3 for another number", "9 to cancel")
    tells_no_number(text, bob)
    scene.after("1 h")
    assert kinds(scene, bob).count(K.REMINDER) == 1


def test_the_reminder_in_the_words_of_the_handbook(opens: Opens) -> None:
    """ "We'll call the number on file. Reply UPDATE to change.": with its last digits."""
    scene = opens(messages=Messages(wording=Wording.S2))
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").books_at("3:15 PM")
    scene.after("81 min")
    text = last(scene, bob, K.REMINDER)
    says(text, "number on file", "UPDATE", "CANCEL", "3:15 PM EST", "be available")
    tells_no_number(text, bob)


@pytest.mark.parametrize("becomes", ["cancelled", "moved"])
def test_no_reminder_of_what_is_not_to_be(opens: Opens, becomes: str) -> None:
    """Cancelled or moved a minute before: nobody is told of a time that is no more."""
    scene = opens()
    bob = scene.customer("Bob").books_at("3:15 PM")
    scene.after("79 min")
    if becomes == "cancelled":
        bob.cancels()
    else:
        bob.moves_to("4:30 PM")
    scene.after("10 min")
    assert K.REMINDER not in kinds(scene, bob)


# ---------------------------------------------------------------------------- not reached


def test_no_answer_twice_tells_that_we_tried(make_scene: Opens) -> None:
    """ "We tried to reach you for your callback. Please call us at [number] or reply to reschedule." G6: once."""
    scene = make_scene(messages=Messages())
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").misses().asks_for_a_callback(ticket_id="T-1")
    scene.after("90 s")
    assert kinds(scene, bob) == [K.CONFIRMATION]
    scene.after("1 h")
    assert kinds(scene, bob) == [K.CONFIRMATION, K.UNREACHED]
    says(last(scene, bob, K.UNREACHED), COMPANY, PHONE, "2 for a new callback")
    assert bob.told == [NoticeKind.TICKET_NOTE, NoticeKind.FOLLOW_UP]


def test_it_tells_so_in_the_words_of_the_handbook(make_scene: Opens) -> None:
    """RESCHEDULE, and the number to call."""
    scene = make_scene(messages=Messages(wording=Wording.S2))
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").misses().asks_for_a_callback()
    scene.after("10 min")
    says(last(scene, bob, K.UNREACHED), "could not reach you", PHONE, "RESCHEDULE")


@pytest.mark.parametrize("why", ["voicemail", "busy", "gone"])
def test_who_cannot_be_reached_in_another_way_is_told_too(make_scene: Opens, why: str) -> None:
    """
    "If voicemail: Leave brief message", "If busy signal: Retry once", "One retry within 5 minutes".

    "SMS follow-up: We called but couldn't reach you. Reply to reschedule": once, after the last attempt.
    """
    scene = make_scene(now=AFTERNOON, messages=Messages())
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob")
    {"voicemail": lambda: bob.has_voicemail_after(4), "busy": bob.is_busy, "gone": bob.cannot_be_reached}[
        why
    ]()
    bob.asks_for_a_callback()
    scene.after("1 h")
    assert bob.callback.outcome is Outcome.UNREACHED
    assert kinds(scene, bob) == [K.CONFIRMATION, K.UNREACHED]
    says(last(scene, bob, K.UNREACHED), PHONE)


def test_a_missed_call_is_told_between_two_attempts(make_scene: Opens) -> None:
    """Where the rule of the retry says so: when we call again, and how to choose another time."""
    again = RetryRule(retries_max=1, rest=timedelta(hours=1), notice=NoticeKind.MISSED)
    rules = {**RETRY_S2, Disposition.NO_ANSWER: again}
    scene = make_scene(now=AFTERNOON, messages=Messages(), retry_rules=rules)
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").misses().answers_after(3).asks_for_a_callback()
    scene.after("2 min")
    text = last(scene, bob, K.MISSED)
    says(text, COMPANY, "try again", "PM EST", PHONE)
    assert NoticeKind.MISSED not in bob.told
    scene.after("2 h")
    assert bob.callback.outcome is Outcome.COMPLETED
    assert kinds(scene, bob).count(K.MISSED) == 1


def test_repeated_no_shows_are_asked_to_call_or_write(opens: Opens) -> None:
    """ "We've tried to reach you multiple times. Please call us at [number] or email": at the third, and not before."""
    scene = opens(other_channels=("help@example.com",))
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").misses()
    for clock in ("2:00 PM", "3:00 PM", "4:00 PM"):
        bob.books_at(clock)
        scene.host.run_until(scene.at(clock) + timedelta(minutes=20))
    ended = [kind for kind in kinds(scene, bob) if kind in (K.UNREACHED, K.NO_SHOWS)]
    assert ended == [K.UNREACHED, K.UNREACHED, K.NO_SHOWS]
    says(last(scene, bob, K.NO_SHOWS), "several times", PHONE, "help@example.com")


# ---------------------------------------------------------------------------- we are not there


def test_the_agent_is_away_and_the_time_stands(opens: Opens) -> None:
    """ "Your callback is still scheduled for [time]. A support specialist will call you."""
    scene = opens(messages=Messages(wording=Wording.S2))
    scene.agent("Ben").accepts_after(2).is_free()
    bob = scene.customer("Bob").answers_after(5).books_at("2:00 PM", owner="Ann")
    scene.after("19 min")
    (changed,) = [order for order in read_by(scene, bob) if order.kind is K.AGENT_CHANGED]
    says(changed.text, COMPANY, "still set for 2:00 PM EST", "support specialist will call you")
    scene.after("5 min")
    assert bob.callback.outcome is Outcome.COMPLETED
    assert kinds(scene, bob).count(K.AGENT_CHANGED) == 1


def test_no_agent_at_all_offers_other_times(opens: Opens) -> None:
    """ "If no agent available: Proactive SMS offering alternative times": and one is booked by its number."""
    scene = opens()
    bob = scene.customer("Bob").answers_after(5).books_at("2:00 PM")
    scene.after("24 min")
    text = last(scene, bob, K.LATE)
    says(
        text,
        COMPANY,
        "2:00 PM EST",
        "1) 2:30 PM EST",
        "2) 2:45 PM EST",
        "3) 3:00 PM EST",
        "number of your choice",
    )
    scene.host.reply("2", sender=bob.number)
    scene.after("0 s")
    assert bob.callback.scheduled_at == scene.at("2:45 PM")
    says(last(scene, bob, K.CONFIRMATION), "2:45 PM EST")


def test_who_waits_too_long_is_offered_a_time(opens: Opens) -> None:
    """D9: after 45 minutes in line, once, and the place is kept; a choice books it."""
    scene = opens()
    bob = scene.customer("Bob").asks_for_a_callback()
    scene.after("44 min")
    assert kinds(scene, bob) == [K.CONFIRMATION]
    scene.after("2 min")
    text = last(scene, bob, K.OTHER_TIMES)
    says(text, COMPANY, "1) 2:45 PM EST", "just wait for our call")
    assert bob.position == 1
    scene.after("30 min")
    assert kinds(scene, bob).count(K.OTHER_TIMES) == 1
    scene.host.reply("3", sender=bob.number)
    scene.after("0 s")
    assert (bob.callback.state, bob.callback.scheduled_at) == (CallbackState.SCHEDULED, scene.at("3:15 PM"))
    says(last(scene, bob, K.CONFIRMATION), "3:15 PM EST")


def test_all_agents_declined_and_the_customer_is_told(make_scene: Opens) -> None:
    """F5: by policy the callback ends, and nobody waits for a call that does not come."""
    scene = make_scene(messages=Messages(), all_declined=AllDeclined.END)
    scene.agent("Ann").declines_after(1).is_free()
    bob = scene.customer("Bob").asks_for_a_callback()
    scene.after("1 min")
    assert bob.callback.outcome is Outcome.DECLINED_BY_AGENTS
    assert kinds(scene, bob) == [K.CONFIRMATION, K.NO_AGENT]
    says(last(scene, bob, K.NO_AGENT), COMPANY, PHONE)


def test_an_expired_callback_is_told_only_where_that_is_wanted(make_scene: Opens) -> None:
    """D11: nobody could call within its life. By default nobody is told; the host can have it told."""
    wanted = Messages(kinds=KINDS_DEFAULT | {K.EXPIRED}, quiet_from=None, quiet_until=None)
    scene = make_scene(now=AFTERNOON, messages=wanted, callback_life=timedelta(hours=2))
    bob = scene.customer("Bob").asks_for_a_callback()
    scene.after("3 h")
    assert bob.callback.outcome is Outcome.EXPIRED
    says(last(scene, bob, K.EXPIRED), COMPANY, PHONE, '"call me"')


def test_by_default_nobody_is_told_of_an_expiry(make_scene: Opens) -> None:
    """The counterpart."""
    scene = make_scene(now=AFTERNOON, messages=Messages(), callback_life=timedelta(hours=2))
    bob = scene.customer("Bob").asks_for_a_callback()
    scene.after("3 h")
    assert bob.callback.outcome is Outcome.EXPIRED
    assert kinds(scene, bob) == [K.CONFIRMATION]


# ---------------------------------------------------------------------------- the end


def test_a_cancelled_callback_is_confirmed_with_the_number_to_call(opens: Opens) -> None:
    """ "Your callback has been canceled. Call [number] anytime for support.": by whomever it was cancelled."""
    scene = opens(messages=Messages(wording=Wording.S2))
    bob = scene.customer("Bob").books_at("3:15 PM")
    scene.after("0 s")
    bob.cancels()
    scene.after("2 h")
    assert kinds(scene, bob) == [K.CONFIRMATION, K.CANCELLED]
    says(last(scene, bob, K.CANCELLED), COMPANY, "cancelled", PHONE)


def test_a_survey_follows_a_call(make_scene: Opens) -> None:
    """Once, after the two have talked; and not where nobody wants one."""
    scene = make_scene(messages=Messages())
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").answers_after(5).asks_for_a_callback()
    scene.after("1 h")
    assert bob.callback.outcome is Outcome.COMPLETED
    assert kinds(scene, bob) == [K.CONFIRMATION, K.SURVEY]
    says(last(scene, bob, K.SURVEY), COMPANY)


def test_no_survey_where_the_policy_has_none(make_scene: Opens) -> None:
    """The counterpart."""
    scene = make_scene(messages=Messages(), survey=False)
    scene.agent("Ann").accepts_after(0).is_free()
    bob = scene.customer("Bob").answers_after(5).asks_for_a_callback()
    scene.after("1 h")
    assert bob.callback.outcome is Outcome.COMPLETED
    assert kinds(scene, bob) == [K.CONFIRMATION]


def test_no_survey_of_a_call_with_a_stranger(make_scene: Opens) -> None:
    """It is before 8 AM, so the survey waits; then Ann says that it was somebody else, and it is taken back."""
    scene = make_scene(messages=Messages())
    bob = scene.customer("Bob").answers_after(5).asks_for_a_callback()
    scene.after("3 h")
    scene.agent("Ann").accepts_after(0).is_free()
    scene.after("10 min")
    assert bob.callback.outcome is Outcome.COMPLETED
    scene.agent("Ann").says_it_was(Disposition.WRONG_PERSON, bob)
    scene.after("24 h")
    assert kinds(scene, bob) == [K.CONFIRMATION]


# ---------------------------------------------------------------------------- it takes longer than promised


def quoted(who: Customer) -> timedelta:
    """Return the longest wait that a customer was told of."""
    callback = who.callback
    high_s = callback.quoted_wait_high_s or callback.quoted_wait_s
    assert high_s is not None
    return timedelta(seconds=high_s)


def until(scene: Scene, after: timedelta) -> None:
    """Let time pass until so long after the scene began."""
    scene.host.run_until(AFTERNOON + after)


def test_who_is_not_called_in_time_is_told_once(opens: Opens) -> None:
    """I9: 15 minutes after the longest time that was quoted, with what is to be expected now; and never again."""
    scene = opens(slots=None)
    scene.agent("Ann").is_on_a_call_with(scene.customer("Eve"))
    bob = scene.customer("Bob").asks_for_a_callback()
    scene.after("0 s")
    says(last(scene, bob, K.CONFIRMATION), "We expect to call you in", "min")
    slips = quoted(bob) + timedelta(minutes=15)
    until(scene, slips - timedelta(seconds=1))
    assert kinds(scene, bob) == [K.CONFIRMATION]
    until(scene, slips + timedelta(seconds=1))
    says(last(scene, bob, K.SLIPPED), "longer than we said", COMPANY, "keep your place", "9 to cancel")
    scene.after("2 h")
    assert kinds(scene, bob) == [K.CONFIRMATION, K.SLIPPED]


def test_who_is_called_in_time_is_told_of_no_delay(opens: Opens) -> None:
    """I9: Eve rings off after a minute; the message that waited for its time is taken back."""
    scene = opens(slots=None)
    eve = scene.customer("Eve")
    scene.agent("Ann").accepts_after(0).is_on_a_call_with(eve)
    bob = scene.customer("Bob").answers_after(5).asks_for_a_callback()
    scene.after("1 min")
    eve.hangs_up()
    scene.after("3 h")
    assert bob.callback.outcome is Outcome.COMPLETED
    assert kinds(scene, bob) == [K.CONFIRMATION, K.SURVEY]
    (slipped,) = [one for one in scene.service.messages_of(bob.callback_id) if one.message_kind is K.SLIPPED]
    assert (slipped.ended_as, slipped.sends_count) == (MessageEnd.WITHDRAWN, 0)
