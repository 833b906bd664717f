"""What a caller is told of slots: which there are, which one is meant, and why one cannot be had."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.phrases import Phrase, Say, text_of
from callbackq.core.slot_speech import KEYS, say_slot_problem, say_slots, slot_of
from callbackq.core.speech import (
    Answer,
    Then,
    answer_failure,
    answer_success,
    say_no_offer,
    say_offer,
    say_receipt,
)
from callbackq.errors import InvalidText, InvalidTime, SlotUnavailable
from callbackq.ids import BookingId, OfferId
from callbackq.model import (
    Choice,
    NoOffer,
    NoOfferReason,
    Offer,
    OfferReason,
    Position,
    Receipt,
    Slot,
    SlotProblem,
    Wait,
)
from callbackq.policy import KEYS_S2, AfterRefusal, FixedSeats, SlotPolicy, Span, WeekHours, weekdays
from core.samples import CALL_ID, CALLBACK_ID, LAW, POLICY, SUPPORT, D, H, M

EASTERN = "America/New_York"
CENTRAL = "America/Chicago"
NOW = datetime(2026, 1, 5, 18, 40, tzinfo=UTC)
"""Monday, 1:40 PM in New York."""

TWO, HALF_PAST, QUARTER, FOUR = (NOW + minutes * M for minutes in (20, 50, 95, 140))
"""2:00 PM, 2:30 PM, 3:15 PM and 4:00 PM: the handbook's own."""

DAY = (TWO, HALF_PAST, QUARTER, FOUR)
MORNING = datetime(2026, 1, 6, 14, tzinfo=UTC)
"""Tuesday, 9:00 AM in New York."""

UNKNOWN = Wait(mean_s=None, low_s=None, high_s=None)
S2 = attrs.evolve(POLICY, keys=KEYS_S2, slots=SlotPolicy(seats=FixedSeats(seats=1)))


def slot(at: datetime, *, free: int = 1) -> Slot:
    return Slot(
        queue=SUPPORT, starts_at=at, ends_at=at + H, free_count=free, seats_count=1, taken_count=1 - free
    )


def full(wanted: datetime, *others: datetime, reason: SlotProblem = SlotProblem.FULL) -> SlotUnavailable:
    return SlotUnavailable(reason, "in queue support", slot_at=wanted, alternatives=others)


# ---------------------------------------------------------------------------- which there are


def test_the_slots_of_today_are_spoken() -> None:
    """S2, scheduled workflow 2: the sentence of the handbook, with the abbreviation of H10 said once."""
    says = say_slots(DAY, zone=EASTERN, now=NOW)
    assert says == (Say(Phrase.SLOTS, ats=DAY, zone=EASTERN, dated=False), Say(Phrase.SELECT_SLOT))
    assert text_of(says) == (
        "We have availability at 2:00 PM, 2:30 PM, 3:15 PM, or 4:00 PM EST. Please select your preferred time."
    )


def test_they_are_spoken_in_the_zone_of_the_customer() -> None:
    """H10: one who is in Chicago is told the same slots by the clock on their wall."""
    assert text_of(say_slots(DAY[:2], zone=CENTRAL, now=NOW)).startswith(
        "We have availability at 1:00 PM or 1:30 PM CST."
    )


def test_another_day_is_a_sentence_of_its_own_with_its_date() -> None:
    """H10: the date is said of every day but that of the telling."""
    assert text_of(say_slots((FOUR, MORNING, MORNING + H), zone=EASTERN, now=NOW)) == (
        "We have availability at 4:00 PM EST."
        " We have availability on Tuesday, January 6 at 9:00 AM or 10:00 AM EST."
        " Please select your preferred time."
    )


def test_which_day_it_is_depends_on_the_zone() -> None:
    """H10: 4:00 PM of Monday in New York is Tuesday morning in Tokyo, as is the time of the telling."""
    assert [say.dated for say in say_slots([FOUR], zone="Asia/Tokyo", now=NOW)[:1]] == [False]
    early = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)  # 11:30 PM in Tokyo.
    assert [say.dated for say in say_slots([FOUR], zone="Asia/Tokyo", now=early)[:1]] == [True]
    assert [say.dated for say in say_slots([FOUR], zone=EASTERN, now=early)[:1]] == [False]


def test_without_the_time_of_the_telling_the_date_is_said() -> None:
    """H10: today is a word that nobody can be sure of."""
    assert text_of(say_slots([TWO], zone=EASTERN)[:1]) == (
        "We have availability on Monday, January 5 at 2:00 PM EST."
    )


def test_one_slot_is_offered_and_none_is_said() -> None:
    """Whoever has no choice is asked whether they want it."""
    assert text_of(say_slots([QUARTER], zone=EASTERN, now=NOW)) == (
        "We have availability at 3:15 PM EST. Would you like to book that?"
    )
    assert text_of(say_slots([], zone=EASTERN, now=NOW)) == "We have no time to offer for a callback."


def test_full_slots_are_not_spoken() -> None:
    """H4: `slots` of the service can be handed in as they are."""
    slots = [slot(TWO, free=0), slot(HALF_PAST), slot(QUARTER, free=0)]
    assert say_slots(slots, zone=EASTERN, now=NOW) == say_slots([HALF_PAST], zone=EASTERN, now=NOW)
    assert say_slots(slots[:1], zone=EASTERN, now=NOW) == (Say(Phrase.NO_SLOTS),)


def test_two_abbreviations_on_one_day_are_both_spoken() -> None:
    """H12: on the night on which clocks go back, 1:30 AM comes twice."""
    night = [datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (4, 5, 6)]
    assert text_of(say_slots(night, zone=EASTERN, now=night[0])[:1]) == (
        "We have availability at 12:30 AM EDT, 1:30 AM EDT, or 1:30 AM EST."
    )


def test_each_slot_has_its_key() -> None:
    """S2, scheduled workflow 3: voice or keypad."""
    says = say_slots(DAY, zone=EASTERN, now=NOW, by_key=True)
    assert says == (Say(Phrase.SLOTS_BY_KEY, ats=DAY, keys=("1", "2", "3", "4"), zone=EASTERN, dated=False),)
    assert text_of(says) == (
        "For 2:00 PM press 1, for 2:30 PM press 2, for 3:15 PM press 3, or for 4:00 PM EST press 4."
    )


def test_keys_go_on_from_one_day_to_the_next() -> None:
    """A key means one slot only."""
    assert text_of(say_slots((FOUR, MORNING, MORNING + H), zone=EASTERN, now=NOW, by_key=True)) == (
        "For 4:00 PM EST press 1. On Tuesday, January 6, for 9:00 AM press 2 or for 10:00 AM EST press 3."
    )


def test_there_are_nine_keys() -> None:
    """What has no key is not said by key."""
    many = [MORNING + count * 15 * M for count in range(12)]
    (say,) = say_slots(many, zone=EASTERN, now=MORNING, by_key=True)
    assert (say.ats, say.keys) == (tuple(many[:9]), tuple("123456789"))
    assert say_slots([], zone=EASTERN, by_key=True) == (Say(Phrase.NO_SLOTS),)


def test_what_is_no_zone_or_no_instant_is_refused() -> None:
    """H10: nobody is told a time that may be wrong."""
    with pytest.raises(InvalidText):
        say_slots(DAY, zone="Eastern time")
    with pytest.raises(InvalidTime):
        say_slots([datetime(2026, 1, 5, 14)], zone=EASTERN)  # noqa: DTZ001
    with pytest.raises(InvalidText):
        slot_of("2:00 PM", DAY, zone="Eastern time")


# ---------------------------------------------------------------------------- which one is meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("1", TWO),
        (" 3 ", QUARTER),
        ("2:30", HALF_PAST),
        ("2:30 PM", HALF_PAST),
        ("2:30pm", HALF_PAST),
        ("2:30 p.m.", HALF_PAST),
        ("02:30 pm", HALF_PAST),
        ("14:30", HALF_PAST),
        ("2 PM", TWO),
        ("4pm", FOUR),
        ("3:15 pm EST", QUARTER),
        ("15:15 est", QUARTER),
        ("5", None),
        ("9", None),
        ("0", None),
        ("10", None),
        ("*", None),
        ("", None),
        ("2:30 AM", None),
        ("2:30 PM EDT", None),
        ("2:45", None),
        ("14:30 PM", None),
        ("0:30 PM", None),
        ("24:30", None),
        ("2:3", None),
        ("half past two", None),
        ("\uff12", None),
        ("²", None),
    ],
)
def test_a_key_or_a_time_means_a_slot(said: str, meant: datetime | None) -> None:
    """S2, scheduled workflow 3: customer selects time (voice or keypad)."""
    assert slot_of(said, DAY, zone=EASTERN) == meant


def test_a_time_is_read_by_the_clock_of_the_customer() -> None:
    """H10: in Chicago the slot of 2:30 PM in New York is at half past one."""
    assert slot_of("1:30", DAY, zone=CENTRAL) == HALF_PAST
    assert slot_of("2:30", DAY, zone=CENTRAL) is None


def test_noon_and_midnight() -> None:
    """12 PM is noon, and 12 AM is midnight; 0:00 and 12:00 are their names on a clock of 24 hours."""
    midnight, noon = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 5, 12, tzinfo=UTC)
    both = (midnight, noon)
    assert [slot_of(said, both, zone="UTC") for said in ("12 AM", "0:00", "12 PM")] == [
        midnight,
        midnight,
        noon,
    ]
    assert slot_of("12:00", both, zone="UTC") is None
    assert slot_of("12:00", both[1:], zone="UTC") == noon


def test_what_could_be_two_slots_is_none() -> None:
    """Ask again rather than book what was not meant: morning or afternoon, today or tomorrow, first or second."""
    assert slot_of("2:00", (TWO, TWO + 12 * H), zone=EASTERN) is None
    assert slot_of("2:00 pm", (TWO, TWO + D), zone=EASTERN) is None
    twice = [datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (5, 6)]
    assert slot_of("1:30 AM", twice, zone=EASTERN) is None
    assert [slot_of(said, twice, zone=EASTERN) for said in ("1:30 AM EDT", "1:30 am est")] == twice


def test_keys_skip_full_slots_as_the_speech_does() -> None:
    """A key means what was said with it."""
    slots = [slot(TWO, free=0), slot(HALF_PAST), slot(QUARTER)]
    assert slot_of("1", slots, zone=EASTERN) == HALF_PAST
    assert slot_of("2:00", slots, zone=EASTERN) is None
    assert slot_of("1", [], zone=EASTERN) is None


_ZONES = st.sampled_from(
    [EASTERN, CENTRAL, "UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo"]
)
_STARTS = st.lists(st.integers(0, 4 * 24 * 14), min_size=1, max_size=12, unique=True).map(
    lambda quarters: [datetime(2026, 10, 25, tzinfo=UTC) + count * 15 * M for count in sorted(quarters)]
)


@LAW
@given(starts=_STARTS, zone=_ZONES)
def test_every_key_that_is_said_chooses_its_slot(starts: list[datetime], zone: str) -> None:
    """Whatever days and clocks are between: what is heard is what is booked, and each key is said once."""
    said = [
        (key, at)
        for say in say_slots(starts, zone=zone, by_key=True)
        for key, at in zip(say.keys, say.ats, strict=True)
    ]
    assert [key for key, _ in said] == list(KEYS[: len(starts)])
    assert all(slot_of(key, starts, zone=zone) == at for key, at in said)


@LAW
@given(starts=_STARTS, zone=_ZONES)
def test_a_time_that_is_said_is_never_another_slot(starts: list[datetime], zone: str) -> None:
    """Read back what a clock shows: it is that slot, or nobody can tell; and it is that slot if no other reads so."""
    local = {at: f"{at.astimezone(ZoneInfo(zone)):%H:%M}" for at in starts}
    for at, clock in local.items():
        meant = slot_of(f"{at.astimezone(ZoneInfo(zone)):%I:%M %p}", starts, zone=zone)
        assert meant == (at if list(local.values()).count(clock) == 1 else None)


@LAW
@given(starts=_STARTS, zone=_ZONES)
def test_every_slot_is_said_once_and_in_order(starts: list[datetime], zone: str) -> None:
    """And each phrase has times of one day only."""
    *days, ask = say_slots(starts, zone=zone, now=starts[0])
    assert ask.phrase in (Phrase.SELECT_SLOT, Phrase.BOOK_THAT)
    assert [at for day in days for at in day.ats] == starts
    dates = [{at.astimezone(ZoneInfo(zone)).date() for at in day.ats} for day in days]
    assert all(len(each) == 1 for each in dates)
    assert len({each.pop() for each in dates}) == len(days)


# ---------------------------------------------------------------------------- success

RECEIPT = Receipt(
    callback_id=CALLBACK_ID,
    queue=SUPPORT,
    number_masked="+1…23",
    position=None,
    wait=UNKNOWN,
    expected_at=QUARTER,
    entered_at=NOW,
    requested_at=NOW,
    expires_at=NOW + D,
    booking_id=BookingId("bk_1"),
    zone=EASTERN,
)


def test_a_booking_is_confirmed_in_the_zone_of_the_customer() -> None:
    """S2, scheduled workflow 4: whatever zone the speaker has."""
    answer = answer_success(RECEIPT, S2)
    assert answer.says == (
        Say(Phrase.SCHEDULED_FOR, at=QUARTER, zone=EASTERN, dated=False),
        Say(Phrase.NUMBER_ENDS_WITH, digits=("2", "3")),
        Say(Phrase.GOODBYE),
    )
    assert text_of(answer.says, zone="Europe/Berlin") == (
        "You're scheduled for a callback at 3:15 PM EST. We will call the number that ends with 2 3. Goodbye."
    )


def test_a_booking_of_another_day_is_confirmed_with_its_date() -> None:
    """H10: tomorrow is not today."""
    tomorrow = attrs.evolve(RECEIPT, expected_at=MORNING)
    assert text_of(say_receipt(tomorrow, policy=S2)[:1]) == (
        "You're scheduled for a callback at 9:00 AM EST on Tuesday, January 6."
    )


# ---------------------------------------------------------------------------- why one cannot be had


@pytest.mark.parametrize("problem", list(SlotProblem))
def test_each_problem_has_its_words(problem: SlotProblem) -> None:
    """A12: a new problem needs a phrase, and no two have the same."""
    said = say_slot_problem(full(TWO, reason=problem))
    assert said.phrase is not Phrase.SLOT_UNAVAILABLE
    assert [say_slot_problem(full(TWO, reason=other)) for other in SlotProblem].count(said) == 1
    assert text_of([said])


def test_a_problem_that_is_not_known_is_not_made_up() -> None:
    """A12: an adapter of a later version may have more of them."""
    assert say_slot_problem(SlotUnavailable("moon_full", "x")) == Say(Phrase.SLOT_UNAVAILABLE)


def test_all_slots_in_the_next_hour_are_filled() -> None:
    """S2, queue overflow: word for word; and then how each is chosen."""
    error = full(TWO, QUARTER, FOUR)
    answer = answer_failure(error, S2, zone=EASTERN, now=NOW)
    assert text_of(answer.says) == (
        "All callback slots in the next hour are filled. Next available: 3:15 PM EST."
        " Would you like to book that or stay on hold?"
        ' Press 3, or say "schedule", to choose a time for a call. Press 1, or say "hold", to keep holding.'
    )
    assert answer == Answer(
        success=False,
        says=answer.says,
        then=Then.KEEP_HOLDING,
        error=error,
        choices=(Choice.SCHEDULE, Choice.STAY),
        slots=(QUARTER, FOUR),
    )


def test_another_channel_is_a_choice_where_there_is_one() -> None:
    """S2, queue overflow: offer email or chat if a callback is unavailable."""
    policy = attrs.evolve(S2, other_channels=("email", "chat"))
    answer = answer_failure(full(TWO, QUARTER), policy, zone=EASTERN, now=NOW)
    assert answer.choices == (Choice.SCHEDULE, Choice.STAY, Choice.OTHER_CHANNEL)
    assert "You can also reach us by email or chat." in text_of(answer.says)
    none = answer_failure(full(TWO), policy, zone=EASTERN, now=NOW)
    assert none.choices == (Choice.STAY, Choice.OTHER_CHANNEL)
    assert text_of(none.says).startswith("That time is taken. We have no time to offer for a callback.")


def test_a_slot_that_is_full_among_others_is_just_taken() -> None:
    """H4: 2:00 PM is gone, and 2:30 PM is not: nobody says that the hour is full."""
    answer = answer_failure(full(TWO, HALF_PAST, QUARTER), S2, zone=EASTERN, now=NOW)
    assert text_of(answer.says).startswith(
        "That time is taken. We have availability at 2:30 PM or 3:15 PM EST. Please select your preferred time."
    )


@pytest.mark.parametrize(
    ("error", "now"),
    [
        (full(FOUR, FOUR + H), NOW),  # It was wanted later: of the next hour nothing is known.
        (full(TWO + 35 * M, QUARTER, reason=SlotProblem.AGENT_BUSY), NOW),  # It is not full.
        (full(TWO, QUARTER), None),  # Nobody knows when it is told.
        (
            full(NOW + 55 * M, NOW + 61 * M, NOW + 62 * M),
            NOW,
        ),  # Nearer ones may have pushed out an earlier one.
        (
            SlotUnavailable(SlotProblem.FULL, "x", alternatives=[QUARTER]),
            NOW,
        ),  # It is not known which was wanted.
    ],
)
def test_the_hour_is_said_to_be_full_only_where_it_is_known(
    error: SlotUnavailable, now: datetime | None
) -> None:
    """H4: what is said is true."""
    phrases = [say.phrase for say in answer_failure(error, S2, zone=EASTERN, now=now).says]
    assert Phrase.HOUR_IS_FULL not in phrases
    assert Phrase.SLOTS in phrases


def test_other_problems_are_said_with_other_times() -> None:
    """H4: closed at that time, but not at these; of one, it is asked whether it shall be that."""
    closed = full(MORNING + 12 * H, FOUR, reason=SlotProblem.CLOSED)
    assert text_of(answer_failure(closed, S2, zone=EASTERN, now=NOW).says).startswith(
        "We are closed at that time. We have availability at 4:00 PM EST."
        " Would you like to book that or stay on hold?"
    )


def test_who_decided_too_long_may_choose_again() -> None:
    """H3: the seat was held for 30 seconds; a time is still to be had, even if none is named."""
    answer = answer_failure(full(TWO, reason=SlotProblem.HOLD_OVER), S2, zone=EASTERN, now=NOW)
    assert answer.choices == (Choice.SCHEDULE, Choice.STAY)
    assert Say(Phrase.CHOOSE_TIME, key="3", word="schedule") in answer.says


def test_without_any_other_time_the_caller_holds_on() -> None:
    """A12: the place in line is what is left."""
    answer = answer_failure(full(TWO), S2, zone=EASTERN, now=NOW)
    assert answer.choices == (Choice.STAY,)
    assert answer.says[-1] == Say(Phrase.KEEP_HOLDING)


def test_who_is_hung_up_is_asked_nothing() -> None:
    """A12: with `after_refusal` HANG_UP."""
    policy = attrs.evolve(S2, after_refusal=AfterRefusal.HANG_UP)
    answer = answer_failure(full(TWO, QUARTER), policy, zone=EASTERN, now=NOW)
    assert answer.says == (Say(Phrase.SLOT_FULL), Say(Phrase.GOODBYE))
    assert (answer.then, answer.choices, answer.slots) == (Then.HANG_UP, (), ())


def test_the_zone_of_the_queue_stands_in_for_one_that_is_not_known() -> None:
    """H10: with its abbreviation, so that nobody takes it for their own."""
    policy = attrs.evolve(S2, hours=WeekHours(zone=CENTRAL, week=weekdays(Span(time(9), time(17)))))
    says = answer_failure(full(TWO, QUARTER), policy, now=NOW).says
    assert says[1] == Say(Phrase.NEXT_SLOT, at=QUARTER, zone=CENTRAL, dated=False)


# ---------------------------------------------------------------------------- offers

OFFER = Offer(
    offer_id=OfferId("of_1"),
    call_id=CALL_ID,
    queue=SUPPORT,
    reason=OfferReason.EXPECTED_WAIT,
    position=Position(number=5),
    wait=UNKNOWN,
    expected_at=None,
    choices=(Choice.STAY, Choice.CALLBACK_NOW, Choice.SCHEDULE),
    expires_at=NOW + M,
    slots=DAY,
)
NO_OFFER = NoOffer(
    call_id=CALL_ID,
    queue=SUPPORT,
    reason=NoOfferReason.WAIT_TOO_LONG,
    position=Position(number=40),
    wait=UNKNOWN,
    next_best=(Choice.SCHEDULE, Choice.STAY),
    slots=DAY,
)


def test_an_offer_names_its_slots() -> None:
    """A9, model 2: a callback now, or one for later: available slots."""
    text = text_of(say_offer(OFFER, policy=S2, zone=EASTERN, now=NOW))
    assert text.endswith(
        " We have availability at 2:00 PM, 2:30 PM, 3:15 PM, or 4:00 PM EST."
        ' Press 1, or say "hold", to keep holding. Press 2, or say "callback", to be called back.'
        ' Press 3, or say "schedule", to choose a time for a call.'
    )


def test_no_offer_names_the_slots_that_there_are_instead() -> None:
    """A6: the next best thing, with its times; today is today in the caller's zone."""
    text = text_of(say_no_offer(NO_OFFER, policy=S2, zone=EASTERN, now=NOW))
    assert text == (
        "The wait is too long for a callback as soon as possible. You are number 40 in line."
        " We cannot say how long the wait will be."
        " We have availability at 2:00 PM, 2:30 PM, 3:15 PM, or 4:00 PM EST."
        ' Press 3, or say "schedule", to choose a time for a call. Press 1, or say "hold", to keep holding.'
    )


def test_a_time_is_no_choice_where_no_slot_is_free() -> None:
    """A6: nobody is sent into a menu that is empty. A queue without slots takes any time."""
    phrases = [say.phrase for say in say_no_offer(attrs.evolve(NO_OFFER, slots=()), policy=S2)]
    assert Phrase.CHOOSE_TIME not in phrases
    phrases = [say.phrase for say in say_offer(attrs.evolve(OFFER, slots=()), policy=S2)]
    assert Phrase.CHOOSE_TIME not in phrases
    free = attrs.evolve(S2, slots=None)
    assert Phrase.CHOOSE_TIME in [say.phrase for say in say_offer(attrs.evolve(OFFER, slots=()), policy=free)]


def test_the_expected_time_of_an_offer_is_said_like_its_slots() -> None:
    """H10: in the caller's zone, without the date of today."""
    offer = attrs.evolve(OFFER, expected_at=NOW + timedelta(minutes=4))
    assert "We expect to call you at 1:44 PM EST." in text_of(
        say_offer(offer, policy=S2, zone=EASTERN, now=NOW)
    )
    closed = attrs.evolve(NO_OFFER, reason=NoOfferReason.QUEUE_CLOSED, again_at=MORNING)
    assert "We open at 9:00 AM EST on Tuesday, January 6." in text_of(
        say_no_offer(closed, policy=S2, zone=EASTERN, now=NOW)
    )
