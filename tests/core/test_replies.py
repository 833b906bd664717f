"""Reading what customers write: words of carriers, digits, phrases, numbers, codes; and texts that mean harm."""

from __future__ import annotations

from datetime import time
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.replies import SHORT, TEXT_MAX, Reply, all_words, read_reply
from callbackq.model import Question, ReplyWish
from callbackq.policy import Messages
from callbackq.policy.reply_words import ALWAYS, carrier_words
from core.samples import LAW

W = ReplyWish
GERMAN: Final = {
    W.CANCEL: ("absagen", "brauche keinen rückruf"),
    W.OTHER_TIME: ("andere zeit",),
    W.NUMBER: ("andere nummer",),
    W.STATUS: ("wie lange",),
    W.OPT_OUT: ("stopp", "keine nachrichten mehr"),
    W.NO_CALLS: ("rufen sie mich nicht an",),
    W.OPT_IN: ("wieder nachrichten",),
    W.HELP: ("hilfe",),
    W.THANKS: ("danke", "vielen dank"),
}
FRENCH: Final = {
    W.CANCEL: ("annule", "annuler", "annulez"),
    W.OPT_OUT: ("arrêt",),
    W.NUMBER: ("autre numéro",),
}
WORDS: Final = all_words(GERMAN, FRENCH)
MAILED: Final = "OK, thank you\n\nOn Mon, 9 Nov 2026 at 10:00, Acme wrote:\n> Reply CANCEL to cancel"


def read(text: str, *, question: Question | None = None, opted_out: bool = False) -> Reply:
    return read_reply(text, words=WORDS, question=question, opted_out=opted_out)


# ---------------------------------------------------------------------------- words


@pytest.mark.parametrize("word", sorted(carrier_words().opt_out - {"cancel"}))
@pytest.mark.parametrize("form", ["{}", " {}. ", "“{}”", "{}!!! 😡", "please {}", "{} {}"])
def test_a_bare_word_of_a_carrier_is_an_opt_out(word: str, form: str) -> None:
    assert read(form.format(word.upper(), word)).wish is W.OPT_OUT


@pytest.mark.parametrize(
    "text",
    [
        "CANCEL",
        "cancel",
        " Cancel. ",
        "'CANCEL'",
        "\uff23\uff21\uff2e\uff23\uff25\uff2c",
        "can\u200bcel",
        "cancel cancel",
    ],
)
def test_the_bare_word_cancel_is_both(text: str) -> None:
    assert read(text).wish is W.CANCEL_AND_OPT_OUT


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        # The words of the handbook, in every wording.
        ("RESCHEDULE", W.OTHER_TIME),
        ("UPDATE", W.NUMBER),
        ("cancel call", W.CANCEL),
        ("CANCEL MY CALLBACK", W.CANCEL),
        ("please cancel", W.CANCEL),
        ("Hi, I have to cancel my callback because my car broke down", None),
        # Carriers take these words only alone.
        ("I am at the bus stop", None),
        ("is this the end of the line", None),
        ("this is the start", None),
        ("help", W.HELP),
        ("Info?", W.HELP),
        ("hilfe", W.HELP),
        ("start", W.OPT_IN),
        ("UNSTOP", W.OPT_IN),
        ("wieder Nachrichten", W.OPT_IN),
        ("stopp", W.OPT_OUT),
        ("Arrêt", W.OPT_OUT),
        ("ARRET", W.OPT_OUT),
        # Left alone, in any words.
        ("Please stop texting me about this, I have asked you three times now", W.OPT_OUT),
        ("take this number off and UNSUBSCRIBE me from all of it immediately, thanks", W.OPT_OUT),
        ("keine Nachrichten mehr", W.OPT_OUT),
        ("cancel my callback and stop texting me", W.OPT_OUT),
        ("do not call me", W.NO_CALLS),
        ("Don’t call me again", W.NO_CALLS),
        ("dont call", W.NO_CALLS),
        ("I want you to stop calling this house, do you hear me", W.NO_CALLS),
        ("cancel it and never call me", W.NO_CALLS),
        ("Rufen Sie mich nicht an!", W.NO_CALLS),
        ("stop all calls", W.NO_CALLS),
        # Not now is not never.
        ("do not call me before 5", W.OTHER_TIME),
        ("don't call me right now", W.OTHER_TIME),
        ("please don't call today", W.OTHER_TIME),
        ("don't call me back today", W.OTHER_TIME),
        ("do not call me at 3pm", W.OTHER_TIME),
        ("do not call me at this number", W.NO_CALLS),
        ("do not call me at 2125550123", W.NO_CALLS),
        ("do not call me at", W.NO_CALLS),
        ("talk to you later", W.THANKS),
        ("der Stopp am Bahnhof", None),
        # Several.
        ("cancel that, another time please", W.OTHER_TIME),
        ("call me later", W.OTHER_TIME),
        ("call me", W.CALL),
        ("new number", W.NUMBER),
        ("status?", W.STATUS),
        ("Wie lange noch?", W.STATUS),
        ("Ich brauche keinen Rückruf", W.CANCEL),
        ("j'annule", W.CANCEL),
        ("autre numero", W.NUMBER),
        # Negated.
        ("do not cancel", None),
        ("don't cancel my callback!", None),
        ("I do not want to cancel it", None),
        ("no cancel", None),
        ("No, cancel", W.CANCEL),
        ("cancel, not reschedule", W.CANCEL),
        ("not available cancel it", W.CANCEL),
        ("bitte nicht absagen", None),
        ("n'annulez pas", None),
        ("annulez pas", None),
        ("annulez surtout pas", None),
        ("annulez merci surtout pas", W.CANCEL),
        ("annulez. pas de souci", W.CANCEL),
        ("do not unsubscribe me", None),
        ("no stop texting me", W.OPT_OUT),
        ("I never said. Stop texting me", W.OPT_OUT),
        ("Rufen Sie mich bitte nicht an", W.NO_CALLS),
        ("You did not call me at 3", None),
        ("you didn't call me at 3", None),
        ("why do you not call me", None),
        ("I don't call this service", None),
        ("if you do not call me by five I will write to your boss", None),
        ("If so, do not call me", W.NO_CALLS),
        ("je ne veux plus de status", None),
        ("I already cancelled my account", None),
        ("I no longer need the call", W.CANCEL),
        # An opt-out with something behind it.
        ("stop it", W.OPT_OUT),
        ("STOP 9", W.OPT_OUT),
        ("stop that now please", W.OPT_OUT),
        ("stop by the shop tomorrow", None),
        ("stop calling", W.NO_CALLS),
        # What is written below.
        ("cancel\n\nSent from my iPhone", W.CANCEL_AND_OPT_OUT),
        ("status\n-- \nstop texting me", W.STATUS),
        # Nothing to answer.
        ("thanks", W.THANKS),
        ("Vielen Dank, tschüss", W.THANKS),
        ("ok great", W.THANKS),
        ("👍", W.THANKS),
        ("thanks but who on earth are you", None),
        ("thanks see tomorrow", W.THANKS),
        ("thanks who is this", None),
        ("yes", W.THANKS),
        ("ja", W.THANKS),
        ("Danke, bis später", W.THANKS),
        # Nothing known.
        ("", None),
        ("???", None),
        ("what is this", None),
        ("hello", None),
    ],
)
def test_what_a_text_asks_for(text: str, wish: ReplyWish | None) -> None:
    assert read(text).wish is wish


def test_a_single_word_counts_in_a_short_text_only() -> None:
    short = " ".join([*("word",) * (SHORT - 1), "reschedule"])
    assert read(short).wish is W.OTHER_TIME
    assert read(f"{short} word").wish is None
    assert read(f"{short} another time").wish is W.OTHER_TIME


def test_yes_brings_back_only_who_has_opted_out() -> None:
    assert read("YES").wish is W.THANKS
    assert read("YES", opted_out=True).wish is W.OPT_IN
    assert read("START", opted_out=False).wish is W.OPT_IN


@pytest.mark.parametrize(
    ("text", "is_yes"),
    [
        ("yes", True),
        ("Yes please!", True),
        ("ja, bitte", True),
        ("please", False),
        ("yes 2", False),
        ("no", False),
    ],
)
def test_a_yes_is_nothing_but_a_yes(text: str, is_yes: bool) -> None:
    assert read(text).is_yes is is_yes


@pytest.mark.parametrize(
    ("text", "reserved"),
    [
        ("cancel my call", True),
        ("stop texting me", True),
        ("do not call", True),
        ("absagen", False),
        ("drop", False),
    ],
)
def test_words_that_carriers_take_for_an_opt_out_are_said_to_be_there(text: str, reserved: bool) -> None:
    assert read(text).is_reserved is reserved


def test_english_is_understood_without_any_words() -> None:
    for wish, phrases in ALWAYS.items():
        for phrase in phrases:
            found = read_reply(phrase, words={}).wish
            assert found in {wish, W.CANCEL_AND_OPT_OUT if phrase == "cancel" else wish}, phrase


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_every_built_in_phrase_of_a_language_is_read_as_what_it_stands_for(language: str) -> None:
    english, own = Messages().catalogue("en").words, Messages().catalogue(language).words
    phrases = [(phrase, wish) for wish, found in own.items() for phrase in found]
    assert len(phrases) > 50
    for phrase, wish in phrases:
        assert read_reply(phrase, words=own).wish is wish, phrase
        assert read_reply(f"{phrase.capitalize()}!", words=all_words(own, english)).wish is wish, phrase


def test_the_words_of_several_languages_are_joined_each_once() -> None:
    joined = all_words({W.STATUS: ("status", "wann")}, {W.STATUS: ("status", "when"), W.CALL: ("call",)})
    assert joined == {W.STATUS: ("status", "wann", "when"), W.CALL: ("call",)}


def test_a_phrase_without_letters_is_no_phrase() -> None:
    assert read_reply("hello", words={W.CALL: ("?",)}).wish is None


# ---------------------------------------------------------------------------- what is quoted


@pytest.mark.parametrize(
    "text",
    [
        "Liked “Reply CANCEL to cancel or RESCHEDULE for new options.”",
        "Laughed at “Reply CANCEL”",
        'Reacted 👍 to "Reply CANCEL"',
        "👍 to “Reply CANCEL to cancel”",
        "Removed a heart from “Reply CANCEL to cancel”",
        MAILED,
        "> Reply CANCEL to cancel",
        "Danke\n\nAm 9. November 2026 um 10:00 schrieb Acme:\nAntworten Sie mit 9",
        "thanks\n-----Original Message-----\nstop texting me",
        "thanks “Your callback is at 3:15 PM. Reply CANCEL to cancel or RESCHEDULE for new options.”",
    ],
)
def test_our_own_words_that_come_back_ask_for_nothing(text: str) -> None:
    reply = read(text)
    assert reply.wish is W.THANKS
    assert reply.choice is None


def test_a_word_in_quotes_is_the_customers_own() -> None:
    assert read("“reschedule”").wish is W.OTHER_TIME


# ---------------------------------------------------------------------------- digits


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("9", 9),
        ("9.", 9),
        (" 2)", 2),
        ("#2", 2),
        ("(2)", 2),
        ("option 2", 2),
        ("Number 3, please", 3),
        ("2️⃣", 2),
        ("②", 2),
        ("٢", 2),
        ("२", 2),
        ("\uff12", 2),
        ("2 2", 2),
        ("12", 12),
        ("9\n\nSent from my iPhone", 9),
        ("0", 0),
        ("cancel 2", 2),
        ("reschedule 2", 2),
        ("2 or 3", None),
        ("123", None),
        ("3pm", None),
        ("3:15", None),
        ("at 3", None),
        ("call me at 3", None),
        ("I have 2 cats", None),
        ("two", None),
        ("2 2 2 2 2 2 2 2 2", None),
        ("½", None),
    ],
)
def test_a_number_that_is_nothing_else_is_a_choice(text: str, choice: int | None) -> None:
    assert read(text).choice == choice


@pytest.mark.parametrize(
    ("text", "number_text"),
    [
        ("+1 212 555 0123", "+1 212 555 0123"),
        ("it is (212) 555-0123, thanks", "(212) 555-0123"),
        ("+(49) 151-2345678", "+(49) 151-2345678"),
        ("212.555.0123 ext. 7", "212.555.0123 ext. 7"),
        ("+12125550123;ext=7", "+12125550123;ext=7"),
        ("\u202a+1 212\u200b 555 0123\u202c", "+1 212\u200b 555 0123"),
        ("2: 0151 2345678 or 0151 9999999", "0151 2345678"),
        ("٠١٥١٢٣٤٥٦٧٨", "٠١٥١٢٣٤٥٦٧٨"),
        ("12345", None),
        ("1" * 30, None),
        ("none", None),
    ],
)
def test_a_telephone_number_is_handed_out_as_it_was_written(text: str, number_text: str | None) -> None:
    assert read(text, question=Question.WHICH_NUMBER).number_text == number_text
    assert read(text).number_text is None


@pytest.mark.parametrize(
    ("text", "wish", "number_text"),
    [
        ("UPDATE +1 212 555 0123", W.NUMBER, "+1 212 555 0123"),
        ("change my number to 2125550123", W.NUMBER, "2125550123"),
        ("call me at 212 555 0123", W.NUMBER, "212 555 0123"),
        ("call my cell 212-555-0123", W.NUMBER, "212-555-0123"),
        ("call me at 3", W.OTHER_TIME, None),
        ("any update", W.STATUS, None),
        ("call me at 2026-11-22 15:00", W.OTHER_TIME, None),
        ("cancel +1 212 555 0123", W.CANCEL, None),
    ],
)
def test_a_number_with_a_word_for_it_is_a_wish(text: str, wish: ReplyWish, number_text: str | None) -> None:
    reply = read(text)
    assert reply.wish is wish
    assert reply.number_text == number_text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("123456", "123456"),
        ("123 456", "123456"),
        ("The code is 123-456, thanks", "123456"),
        ("G-1234", "1234"),
        ("١٢٣٤", "1234"),
        ("123", None),
        ("12345678901", None),
        ("cancel 123456", None),
        ("status 123456", None),
    ],
)
def test_a_code_is_read_while_one_is_asked_for(text: str, code: str | None) -> None:
    assert read(text, question=Question.WHICH_CODE).code == code
    assert read(text).code is None


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("3:15 PM", (time(15, 15),)),
        ("3.15 p.m. please", (time(15, 15),)),
        ("12 am", (time(0),)),
        ("12:30pm", (time(12, 30),)),
        ("3:15", (time(3, 15), time(15, 15))),
        ("15:15", (time(15, 15),)),
        ("15h30", (time(15, 30),)),
        ("15 Uhr", (time(15),)),
        ("3 o'clock", (time(3), time(15))),
        ("12:00", (time(12),)),
        ("24:00", (time(0),)),
        ("00:15", (time(0, 15),)),
        ("call me at 3pm", (time(15),)),
        ("3", ()),
        ("13 pm", ()),
        ("25:00", ()),
        ("3:60", ()),
        ("3:15 or 4:15", ()),
        ("not 3:15", ()),
        ("2026-11-22", ()),
        ("10:15:30", ()),
    ],
)
def test_a_time_of_day_is_read_while_one_is_asked_for(text: str, times: tuple[time, ...]) -> None:
    assert read(text, question=Question.WHICH_TIME).times == times
    assert read(text).times == ()


def test_no_number_and_no_code_is_in_the_repr() -> None:
    shown = repr(Reply(number_text="+12125550123", code="123456"))
    assert "555" not in shown
    assert "1234" not in shown


# ---------------------------------------------------------------------------- texts that mean harm


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "\x00" * 20_000,
        "\u202e" * 5_000 + "POTS",
        "\ufdfa" * 20_000,
        "e\u0301" + "\u0301" * 20_000,
        "“" * 20_000,
        "1 " * 20_000,
        "do not " * 10_000,
        "\ud800\udfff",
        "-" * 20_000,
        "on " + "a " * 9_000 + "wrote",
        "'" * 20_000,
        "(" * 20_000 + "1234567",
    ],
)
@pytest.mark.parametrize("question", [None, *Question])
def test_a_hostile_text_says_nothing(text: str, question: Question | None) -> None:
    assert read(text, question=question).wish is None


def test_what_stands_behind_the_bound_is_not_read() -> None:
    assert read("." * (TEXT_MAX - 6) + "status").wish is W.STATUS
    assert read("." * TEXT_MAX + "status").wish is None


@pytest.mark.parametrize("text", ["st\x00op", "s t o p"])
def test_a_word_in_pieces_is_no_word(text: str) -> None:
    assert read(text).wish is None


PIECES: Final = st.sampled_from(
    [
        "cancel",
        "stop",
        "not",
        "call me",
        "do not call",
        "2",
        "+1 212 555 0123",
        "“",
        "\n> ",
        "\u200b",
        "yes",
        ".",
        "é",
    ]
)


@LAW
@given(
    text=st.one_of(st.text(), st.lists(PIECES, max_size=12).map(" ".join)),
    question=st.sampled_from([None, *Question]),
    opted_out=st.booleans(),
)
def test_no_text_raises_and_what_is_read_is_within_bounds(
    text: str, question: Question | None, opted_out: bool
) -> None:
    reply = read(text, question=question, opted_out=opted_out)
    assert reply == read(text, question=question, opted_out=opted_out)
    assert reply.choice is None or 0 <= reply.choice <= 99
    assert reply.code is None or (question is Question.WHICH_CODE and 4 <= len(reply.code) <= 10)
    assert reply.number_text is None or reply.number_text in text


@LAW
@given(phrase=st.sampled_from(ALWAYS[W.OPT_OUT]), before=st.text(max_size=20), behind=st.text(max_size=20))
def test_who_wants_to_be_left_alone_is_never_taken_to_ask_for_more(
    phrase: str, before: str, behind: str
) -> None:
    assert read(f"{before} . {phrase} . {behind}").wish is not W.CALL
