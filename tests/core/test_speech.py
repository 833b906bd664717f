"""What a caller is told: which phrases, with which figures, and what the host does then."""

from __future__ import annotations

import inspect
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq import errors
from callbackq.core.speech import (
    Answer,
    Phrase,
    Say,
    Then,
    answer_failure,
    answer_success,
    say_no_offer,
    say_offer,
    say_place,
    say_receipt,
    say_refusal,
    say_wait,
    text_of,
)
from callbackq.errors import (
    AdapterError,
    CallbackqError,
    CallForbidden,
    CallHasEnded,
    CallNotFound,
    CodeWrong,
    CommitUncertain,
    DuplicateCallback,
    InvalidNumber,
    InvalidPriority,
    InvalidText,
    InvalidTime,
    NoShowsTooMany,
    NotFound,
    NotPossibleNow,
    NotVerified,
    NumberNeeded,
    NumberRefused,
    RequestKeyReused,
    RequestRefused,
    SchemaMismatch,
    SlotUnavailable,
    StaleVersion,
    StoreError,
    StoreUnavailable,
    TooManyRequests,
    UniquenessViolated,
    UnknownQueue,
)
from callbackq.ids import OfferId
from callbackq.model import (
    Choice,
    NoOffer,
    NoOfferReason,
    NumberProblem,
    Offer,
    OfferReason,
    Position,
    Receipt,
    SlotProblem,
    Wait,
)
from callbackq.policy import KEYS_S2, AfterRefusal, Keys, PlaceFrom
from core.samples import CALL_ID, CALLBACK_ID, LAW, POLICY, START, SUPPORT, D, H, M, S

UNKNOWN = Wait(mean_s=None, low_s=None, high_s=None)
WAIT = Wait(mean_s=170, low_s=130, high_s=200)
S2 = attrs.evolve(POLICY, keys=KEYS_S2)
OFFER = Offer(
    offer_id=OfferId("of_1"),
    call_id=CALL_ID,
    queue=SUPPORT,
    reason=OfferReason.EXPECTED_WAIT,
    position=Position(number=5),
    wait=WAIT,
    expected_at=START + 170 * S,
    choices=(Choice.STAY, Choice.CALLBACK_NOW, Choice.SCHEDULE),
    expires_at=START + M,
)
RECEIPT = Receipt(
    callback_id=CALLBACK_ID,
    queue=SUPPORT,
    number_masked="+1…23",
    position=Position(number=5),
    wait=WAIT,
    expected_at=START + 170 * S,
    entered_at=START - M,
    requested_at=START,
    expires_at=START + D,
)


def no_offer(reason: NoOfferReason, **changes: Any) -> NoOffer:
    fields: dict[str, Any] = {"position": Position(number=5), "wait": WAIT, **changes}
    return NoOffer(call_id=CALL_ID, queue=SUPPORT, reason=reason, **fields)


# ---------------------------------------------------------------------------- where the caller stands


@pytest.mark.parametrize(
    ("wait", "said", "text"),
    [
        (UNKNOWN, Say(Phrase.WAIT_UNKNOWN), "We cannot say how long the wait will be."),
        ((0, 0, 0), Say(Phrase.WAIT_LESS_THAN, number=1), "The estimated wait is less than a minute."),
        ((30, 5, 60), Say(Phrase.WAIT_LESS_THAN, number=1), "The estimated wait is less than a minute."),
        ((30, 5, 61), Say(Phrase.WAIT_LESS_THAN, number=2), "The estimated wait is less than 2 minutes."),
        ((90, 59.9, 170), Say(Phrase.WAIT_LESS_THAN, number=3), "The estimated wait is less than 3 minutes."),
        ((90, None, 170), Say(Phrase.WAIT_LESS_THAN, number=3), "The estimated wait is less than 3 minutes."),
        (
            (90, 60, 120),
            Say(Phrase.WAIT_BETWEEN, number=1, number_max=2),
            "The estimated wait is between 1 and 2 minutes.",
        ),
        (
            (170, 130, 200),
            Say(Phrase.WAIT_BETWEEN, number=2, number_max=4),
            "The estimated wait is between 2 and 4 minutes.",
        ),
        ((60, 60, 60), Say(Phrase.WAIT_ABOUT, number=1), "The estimated wait is about a minute."),
        ((121, None, None), Say(Phrase.WAIT_ABOUT, number=3), "The estimated wait is about 3 minutes."),
        ((0, None, None), Say(Phrase.WAIT_ABOUT, number=1), "The estimated wait is about a minute."),
        (
            (2700, 1200, 4200),
            Say(Phrase.WAIT_BETWEEN, number=20, number_max=70),
            "The estimated wait is between 20 and 70 minutes.",
        ),
        (
            (2700.1, 1200, 4200),
            Say(Phrase.WAIT_MORE_THAN, number=45),
            "The estimated wait is more than 45 minutes.",
        ),
    ],
)
def test_a_wait_is_said_in_whole_minutes(
    wait: Wait | tuple[float, float | None, float | None], said: Say, text: str
) -> None:
    """A9: a range outwards, a single figure up; what is not known is said as such."""
    if not isinstance(wait, Wait):
        wait = Wait(mean_s=wait[0], low_s=wait[1], high_s=wait[2])
    assert say_wait(wait, policy=POLICY) == said
    assert text_of([said]) == text


@LAW
@given(st.lists(st.floats(0, 10_000), min_size=3, max_size=3))
def test_what_is_said_is_never_better_than_the_estimate(figures: list[float]) -> None:
    """A9: the minutes that are said hold the whole range, and are never below the mean."""
    low_s, mean_s, high_s = sorted(figures)
    said = say_wait(Wait(mean_s=mean_s, low_s=low_s, high_s=high_s), policy=POLICY)
    assert said.number is not None
    match said.phrase:
        case Phrase.WAIT_BETWEEN:
            assert said.number_max is not None
            assert said.number * 60 <= low_s
            assert high_s <= said.number_max * 60
        case Phrase.WAIT_MORE_THAN:
            assert said.number * 60 < mean_s
        case _:
            assert high_s <= said.number * 60
    point = say_wait(Wait(mean_s=mean_s, low_s=None, high_s=None), policy=POLICY)
    assert point.number is not None
    assert mean_s <= point.number * 60 or point.phrase is Phrase.WAIT_MORE_THAN


def test_a_position_is_said_with_its_wait() -> None:
    """A9, D5: exact near the head, and said to be an estimate further back."""
    says = say_place(Position(number=37), WAIT, policy=POLICY)
    assert says == (
        Say(Phrase.POSITION, number=37),
        Say(Phrase.WAIT_BETWEEN, number=2, number_max=4),
    )
    assert text_of(says).startswith("You are number 37 in line.")
    rough = say_place(Position(number=12_000, exact=False), UNKNOWN, policy=POLICY)
    assert text_of(rough) == "You are about number 12000 in line. We cannot say how long the wait will be."
    assert say_place(None, WAIT, policy=POLICY) == says[1:]


# ---------------------------------------------------------------------------- offers


def test_an_offer_is_spoken() -> None:
    """A9: place, offer, expected time, and the key of each choice that has one."""
    assert say_offer(OFFER, policy=POLICY) == (
        Say(Phrase.POSITION, number=5),
        Say(Phrase.WAIT_BETWEEN, number=2, number_max=4),
        Say(Phrase.CALLBACK_OFFERED),
        Say(Phrase.PLACE_IS_KEPT),
        Say(Phrase.EXPECTED_AT, at=START + 3 * M),
        Say(Phrase.CHOOSE_STAY, key="*"),
        Say(Phrase.CHOOSE_CALLBACK, key="3"),
    )
    assert text_of(say_offer(OFFER, policy=POLICY)) == (
        "You are number 5 in line. The estimated wait is between 2 and 4 minutes."
        " You can hang up now and be called back when it is your turn. You keep your place in line."
        " We expect to call you at 8:03 AM UTC on Monday, January 5."
        " Press star to keep holding. Press 3 to be called back."
    )


def test_choices_are_spoken_by_key_and_word() -> None:
    """A4: the first key and the first word of each, as the policy has them."""
    assert say_offer(OFFER, policy=S2)[-3:] == (
        Say(Phrase.CHOOSE_STAY, key="1", word="hold"),
        Say(Phrase.CHOOSE_CALLBACK, key="2", word="callback"),
        Say(Phrase.CHOOSE_TIME, key="3", word="schedule"),
    )
    assert text_of(say_offer(OFFER, policy=S2)[-3:]) == (
        'Press 1, or say "hold", to keep holding.'
        ' Press 2, or say "callback", to be called back.'
        ' Press 3, or say "schedule", to choose a time for a call.'
    )


def test_a_choice_that_cannot_be_made_is_not_spoken() -> None:
    """A4: the caller who stays needs no key. Everything else needs a key or a word."""
    silent = attrs.evolve(POLICY, keys=Keys({}))
    assert text_of(say_offer(OFFER, policy=silent)[-1:]) == "Stay on the line to keep holding."
    worded = attrs.evolve(POLICY, keys=Keys({"later": Choice.SCHEDULE, "*9#": Choice.CALLBACK_NOW}))
    assert text_of(say_offer(OFFER, policy=worded)[-3:]) == (
        "Stay on the line to keep holding. Press star 9 hash to be called back."
        ' Say "later" to choose a time for a call.'
    )


@pytest.mark.parametrize(
    ("channels", "text"),
    [
        (("chat",), "You can also reach us by chat."),
        (("chat", "email"), "You can also reach us by chat or email."),
        (("chat", "email", "{web}"), "You can also reach us by chat, email or {web}."),
    ],
)
def test_other_channels_are_named(channels: tuple[str, ...], text: str) -> None:
    """A6, A9: with a key where there is one."""
    offer = attrs.evolve(OFFER, choices=(Choice.OTHER_CHANNEL,), channels=channels)
    assert text_of(say_offer(offer, policy=POLICY)[-1:]) == text
    keyed = attrs.evolve(POLICY, keys=Keys({"0": Choice.OTHER_CHANNEL}))
    says = say_offer(offer, policy=keyed)[-2:]
    assert says == (
        Say(Phrase.OTHER_CHANNELS, names=channels),
        Say(Phrase.CHOOSE_OTHER_CHANNEL, key="0"),
    )


def test_the_place_is_promised_only_where_it_is_kept() -> None:
    """D1: with places from the time of asking, nobody is told that the place is kept."""
    policy = attrs.evolve(POLICY, place_from=PlaceFrom.REQUESTED)
    assert Say(Phrase.PLACE_IS_KEPT) not in say_offer(OFFER, policy=policy)
    assert Say(Phrase.PLACE_IS_KEPT) not in say_receipt(RECEIPT, policy=policy)


def test_without_an_expected_time_none_is_said() -> None:
    """A9: the wait may be known only roughly, or not at all."""
    phrases = [say.phrase for say in say_offer(attrs.evolve(OFFER, expected_at=None), policy=POLICY)]
    assert Phrase.EXPECTED_AT not in phrases


_R, _P = NoOfferReason, Phrase


@pytest.mark.parametrize(
    ("reason", "phrase"),
    [
        (_R.ABOUT_TO_BE_SERVED, _P.SERVED_SOON),
        (_R.WAIT_IS_SHORT, _P.WAIT_IS_SHORT),
        (_R.WAIT_TOO_LONG, _P.WAIT_TOO_LONG),
        (_R.NOBODY_STAFFED, _P.NOBODY_THERE),
        (_R.QUEUE_CLOSED, _P.CLOSED),
        (_R.CLOSING_TOO_SOON, _P.CLOSING_SOON),
        (_R.TOO_MANY_PENDING, _P.CALLBACKS_ARE_FULL),
        (_R.ALREADY_HAS_CALLBACK, _P.ALREADY_HAS_CALLBACK),
        (_R.HOURS_UNKNOWN, _P.NO_CALLBACK_NOW),
        (_R.OFFERING_PAUSED, _P.NO_CALLBACK_NOW),
        (_R.NOT_IN_ROLLOUT, _P.NO_CALLBACK_NOW),
        (_R.DECLINED_BEFORE, _P.NO_CALLBACK_NOW),
        (_R.WAIT_UNKNOWN, _P.NO_CALLBACK_NOW),
    ],
)
def test_no_offer_is_spoken(reason: NoOfferReason, phrase: Phrase) -> None:
    """A6: why not, where the caller stands, and how to stay."""
    assert say_no_offer(no_offer(reason), policy=POLICY) == (
        Say(phrase),
        Say(Phrase.POSITION, number=5),
        Say(Phrase.WAIT_BETWEEN, number=2, number_max=4),
        Say(Phrase.CHOOSE_STAY, key="*"),
    )


def test_every_reason_for_no_offer_can_be_spoken() -> None:
    """A new reason needs a phrase."""
    for reason in NoOfferReason:
        assert text_of(say_no_offer(no_offer(reason), policy=POLICY))


def test_the_next_best_is_spoken_in_its_order() -> None:
    """A6: the best first, each with its key; a closed queue says when it opens."""
    closed = no_offer(
        _R.QUEUE_CLOSED,
        wait=UNKNOWN,
        next_best=(Choice.SCHEDULE, Choice.OTHER_CHANNEL, Choice.STAY),
        channels=("chat",),
        again_at=START + D,
    )
    assert text_of(say_no_offer(closed, policy=S2)) == (
        "We are closed. We open at 8:00 AM UTC on Tuesday, January 6. You are number 5 in line."
        " We cannot say how long the wait will be."
        ' Press 3, or say "schedule", to choose a time for a call.'
        " You can also reach us by chat."
        ' Press 1, or say "hold", to keep holding.'
    )
    short = no_offer(_R.WAIT_IS_SHORT, again_at=START + D)
    assert Phrase.OPENS_AT not in [say.phrase for say in say_no_offer(short, policy=POLICY)]


# ---------------------------------------------------------------------------- promises


def test_a_receipt_is_spoken() -> None:
    """C1, A12: the promise, the place, the expected time, and the last digits of the number."""
    assert say_receipt(RECEIPT, policy=POLICY) == (
        Say(Phrase.PROMISED),
        Say(Phrase.PLACE_IS_KEPT),
        Say(Phrase.POSITION, number=5),
        Say(Phrase.WAIT_BETWEEN, number=2, number_max=4),
        Say(Phrase.EXPECTED_AT, at=START + 3 * M),
        Say(Phrase.NUMBER_ENDS_WITH, digits=("2", "3")),
    )
    assert text_of(say_receipt(RECEIPT, policy=POLICY)) == (
        "We will call you back. You keep your place in line. You are number 5 in line."
        " The estimated wait is between 2 and 4 minutes."
        " We expect to call you at 8:03 AM UTC on Monday, January 5."
        " We will call the number that ends with 2 3."
    )


def test_a_promise_for_a_time_says_the_time() -> None:
    """B2: a booked callback has no place in line yet."""
    receipt = attrs.evolve(RECEIPT, position=None, wait=UNKNOWN, expected_at=START + D)
    assert text_of(say_receipt(receipt, policy=POLICY)) == (
        "We will call you at 8:00 AM UTC on Tuesday, January 6. We will call the number that ends with 2 3."
    )


def test_who_had_no_place_before_is_not_told_that_it_is_kept() -> None:
    """B4: a request from the web begins a place."""
    receipt = attrs.evolve(RECEIPT, entered_at=START, wait=UNKNOWN, expected_at=None)
    assert text_of(say_receipt(receipt, policy=POLICY)) == (
        "We will call you back. You are number 5 in line. We cannot say how long the wait will be."
        " We will call the number that ends with 2 3."
    )
    lost = attrs.evolve(receipt, position=None)
    assert say_receipt(lost, policy=POLICY)[:2] == (Say(Phrase.PROMISED), Say(Phrase.WAIT_UNKNOWN))


@pytest.mark.parametrize("masked", ["…", "", "+1"])
def test_a_number_of_which_nothing_may_be_said_is_left_out(masked: str) -> None:
    """K5: only what stands behind the mask."""
    says = say_receipt(attrs.evolve(RECEIPT, number_masked=masked), policy=POLICY)
    assert Phrase.NUMBER_ENDS_WITH not in [say.phrase for say in says]


# ---------------------------------------------------------------------------- refusals

REFUSED: list[tuple[CallbackqError, Phrase]] = [
    (InvalidNumber("+1…23"), Phrase.INVALID_NUMBER),
    (NumberNeeded(), Phrase.NUMBER_NEEDED),
    (NumberRefused(NumberProblem.PREMIUM_RATE, "+1…34"), Phrase.NUMBER_REFUSED),
    (NotVerified(), Phrase.NOT_VERIFIED),
    (CodeWrong("not the code", tries_left=2), Phrase.CODE_WRONG),
    (TooManyRequests("per_number", START), Phrase.TOO_MANY_REQUESTS),
    (CallForbidden("opted out"), Phrase.CALL_FORBIDDEN),
    (InvalidTime("at 3"), Phrase.INVALID_TIME),
    (InvalidText("secret"), Phrase.INVALID_TEXT),
    (InvalidPriority("9"), Phrase.INVALID_PRIORITY),
    (DuplicateCallback(CALLBACK_ID), Phrase.ALREADY_HAS_CALLBACK),
    (RequestKeyReused("form-7"), Phrase.REQUEST_KEY_REUSED),
    (CallHasEnded("call-1 is taken"), Phrase.CALL_HAS_ENDED),
    (NoShowsTooMany(), Phrase.NO_SHOWS_TOO_MANY),
    (SlotUnavailable(SlotProblem.CLOSED, "2026-01-05 in queue support"), Phrase.SLOT_CLOSED),
    (NotPossibleNow("cancel", "ended", "waiting"), Phrase.NOT_POSSIBLE_NOW),
    (RequestRefused("in another queue"), Phrase.REFUSED),
    (UnknownQueue("support"), Phrase.UNKNOWN_QUEUE),
    (CallNotFound("call-1"), Phrase.CALL_NOT_FOUND),
    (StaleVersion(), Phrase.TRY_AGAIN),
    (UniquenessViolated(), Phrase.TRY_AGAIN),
    (StoreUnavailable("/var/db"), Phrase.TRY_AGAIN),
    (CommitUncertain(), Phrase.UNCERTAIN),
    (StoreError(), Phrase.FAILED),
    (SchemaMismatch(), Phrase.FAILED),
    (NotFound("x"), Phrase.FAILED),
    (AdapterError(), Phrase.FAILED),
    (CallbackqError(), Phrase.FAILED),
]


@pytest.mark.parametrize(("error", "phrase"), REFUSED, ids=lambda value: type(value).__name__)
def test_each_error_has_its_phrase(error: CallbackqError, phrase: Phrase) -> None:
    """A12: chosen by type; nothing of the error itself is said."""
    assert say_refusal(error) == (Say(phrase),)
    said = text_of(say_refusal(error))
    assert said
    assert str(error) not in said
    assert not re.search(r"\d", said)


@pytest.mark.parametrize("problem", [NumberProblem.REGION_NOT_SERVED, NumberProblem.TIER_NEEDED])
def test_who_lives_where_nobody_is_called_hears_of_other_ways(problem: NumberProblem) -> None:
    """C5: the alternatives of the region are named, if there are any."""
    abroad = NumberRefused(problem, "+8…01", alternatives=["email", "chat"])
    assert say_refusal(abroad) == (
        Say(Phrase.REGION_NOT_SERVED),
        Say(Phrase.OTHER_CHANNELS, names=("email", "chat")),
    )
    assert say_refusal(NumberRefused(problem, "+8…01")) == (Say(Phrase.REGION_NOT_SERVED),)


def test_every_way_to_refuse_a_request_has_a_phrase_of_its_own() -> None:
    """A12: a new refusal needs a phrase."""
    refusals = {
        kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, RequestRefused)
    }
    phrases = {kind: phrase for error, phrase in REFUSED if (kind := type(error)) in refusals}
    assert set(phrases) == refusals
    assert len(set(phrases.values())) == len(refusals)


def test_an_error_of_the_host_is_said_as_its_base() -> None:
    """A12: a subclass needs no phrase."""

    class NumberOfACompetitor(InvalidNumber):
        """Refused by the host."""

    assert say_refusal(NumberOfACompetitor()) == (Say(Phrase.INVALID_NUMBER),)


# ---------------------------------------------------------------------------- answers


def test_success_ends_the_call() -> None:
    """A12: the promise, and goodbye; whatever happens after a refusal."""
    for policy in (POLICY, attrs.evolve(POLICY, after_refusal=AfterRefusal.HANG_UP)):
        assert answer_success(RECEIPT, policy) == Answer(
            success=True,
            says=(*say_receipt(RECEIPT, policy=policy), Say(Phrase.GOODBYE)),
            then=Then.HANG_UP,
            receipt=RECEIPT,
        )


@pytest.mark.parametrize("error", [error for error, _ in REFUSED], ids=lambda error: type(error).__name__)
def test_after_an_error_the_caller_holds_on(error: CallbackqError) -> None:
    """A12: the default; the place is named where there still is one, and who gave it away has nothing to hold for."""
    answer = answer_failure(error, POLICY)
    if isinstance(error, RequestKeyReused):
        says = (*say_refusal(error), Say(Phrase.GOODBYE))
        assert answer == Answer(success=False, says=says, then=Then.HANG_UP, error=error)
        return
    kept = () if isinstance(error, CallHasEnded | CallNotFound) else (Say(Phrase.KEEP_HOLDING),)
    choices: tuple[Choice, ...] = ()
    if isinstance(error, SlotUnavailable):
        kept, choices = (Say(Phrase.NO_SLOTS), *kept), (Choice.STAY,)
    assert answer == Answer(
        success=False,
        says=(*say_refusal(error), *kept),
        then=Then.KEEP_HOLDING,
        error=error,
        choices=choices,
    )


@pytest.mark.parametrize("error", [error for error, _ in REFUSED], ids=lambda error: type(error).__name__)
def test_after_an_error_the_caller_is_hung_up_if_the_policy_says_so(error: CallbackqError) -> None:
    """A12: but nobody who may be talking to an agent by now."""
    answer = answer_failure(error, attrs.evolve(POLICY, after_refusal=AfterRefusal.HANG_UP))
    assert not answer.success
    assert answer.error is error
    if isinstance(error, CallHasEnded):
        assert (answer.then, answer.says) == (Then.KEEP_HOLDING, say_refusal(error))
    else:
        assert (answer.then, answer.says) == (Then.HANG_UP, (*say_refusal(error), Say(Phrase.GOODBYE)))


# ---------------------------------------------------------------------------- English


def test_every_phrase_has_its_sentence() -> None:
    """A new phrase needs a text: one or more sentences, with no figure left open."""
    full = {
        "number": 2,
        "number_max": 4,
        "at": START,
        "digits": ("2", "3"),
        "key": "1",
        "word": "hold",
        "names": ("chat", "email"),
        "ats": (START, START + H),
        "keys": ("1", "2"),
    }
    texts = {phrase: text_of([Say(phrase, **full)]) for phrase in Phrase}
    assert len(set(texts.values())) == len(Phrase)
    for text in texts.values():
        assert re.fullmatch(r"[A-Z][^{}]*[.?]", text), text
        assert "None" not in text


@pytest.mark.parametrize("phrase", list(Phrase))
def test_a_phrase_without_its_figures_is_spoken_with_gaps(phrase: Phrase) -> None:
    """A host that builds a phrase itself may forget one: that is heard, and ends no call."""
    assert text_of([Say(phrase)]).endswith((".", "?"))


@pytest.mark.parametrize("choice", list(Choice))
def test_every_choice_can_be_spoken(choice: Choice) -> None:
    """A new choice needs a phrase."""
    policy = attrs.evolve(POLICY, keys=Keys({"7": choice}))
    offer = attrs.evolve(OFFER, choices=(choice,), channels=("chat",))
    assert text_of(say_offer(offer, policy=policy)).count("Press 7 to ") == 1


def test_a_time_is_said_in_the_zone_of_the_caller() -> None:
    """H10: with the abbreviation that is right for that date."""
    eastern = ZoneInfo("America/New_York")
    winter = Say(Phrase.EXPECTED_AT, at=datetime(2026, 1, 5, 20, 30, tzinfo=UTC))
    summer = Say(Phrase.EXPECTED_AT, at=datetime(2026, 7, 6, 2, 5, tzinfo=UTC))
    for zone in (eastern, "America/New_York"):
        assert text_of([winter], zone=zone) == "We expect to call you at 3:30 PM EST on Monday, January 5."
        assert text_of([summer], zone=zone) == "We expect to call you at 10:05 PM EDT on Sunday, July 5."
    fixed = timezone(timedelta(hours=5, minutes=30))
    assert (
        text_of([winter], zone=fixed) == "We expect to call you at 2:00 AM UTC+05:30 on Tuesday, January 6."
    )
    sao_paulo = text_of([winter], zone="America/Sao_Paulo")
    assert sao_paulo == "We expect to call you at 5:30 PM UTC-3 on Monday, January 5."


def test_a_zone_that_is_none_is_refused() -> None:
    """H10: a time in no zone would be a wrong time."""
    with pytest.raises(InvalidText):
        text_of([Say(Phrase.EXPECTED_AT, at=START)], zone="New York")


def test_an_hour_that_comes_twice_is_said_with_what_tells_the_two_apart() -> None:
    """H12: the abbreviation."""
    twice = [datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (5, 6)]
    said = [text_of([Say(Phrase.NEXT_SLOT, at=at, zone="America/New_York", dated=False)]) for at in twice]
    assert said == ["Next available: 1:30 AM EDT.", "Next available: 1:30 AM EST."]


def test_the_zone_of_a_phrase_goes_before_that_of_the_speaker() -> None:
    """H10: a booking is said in its own zone, whoever speaks."""
    say = Say(Phrase.NEXT_SLOT, at=START, zone="America/New_York", dated=False)
    assert text_of([say], zone="Europe/Berlin") == "Next available: 3:00 AM EST."


@pytest.mark.parametrize(
    ("expected_at", "said_at"),
    [
        (START, START),
        (START + timedelta(microseconds=1), START + M),
        (START + 59 * S, START + M),
        (START + H - S, START + H),
    ],
)
def test_a_time_is_rounded_up_to_a_minute(expected_at: datetime, said_at: datetime) -> None:
    """A9: who is told a time too early waits for a call that does not come."""
    says = say_offer(attrs.evolve(OFFER, expected_at=expected_at), policy=POLICY)
    assert Say(Phrase.EXPECTED_AT, at=said_at) in says


def test_what_is_said_is_a_value() -> None:
    """A9: a host can keep prompts by it."""
    say = Say(Phrase.POSITION, number=3)
    assert {say, Say(Phrase.POSITION, number=3)} == {say}
