"""The linter: it finds every way in which a text advertises a word that carriers act on, and lets prose alone."""

from __future__ import annotations

import pytest

from callbackq.errors import ConfigurationError
from callbackq.model import MessageKind
from callbackq.policy import Catalogue, Messages, Wording
from callbackq.policy.catalogue import BUILT_IN, built_in
from callbackq.policy.linting import Finding, advertised, lengths_of, lint
from callbackq.policy.reply_words import carrier_words
from callbackq.policy.templates import TEMPLATES, names_of


def words(text: str) -> list[str]:
    return [word for word, _ in advertised(text)]


# ---------------------------------------------------------------------------- what advertises


@pytest.mark.parametrize("word", sorted(carrier_words().reserved))
def test_every_reserved_word_is_found(word: str) -> None:
    """In capitals, in quotes, and behind the verbs of four languages."""
    for text in (
        f"To end it all: {word.upper()}.",
        f"Write '{word}'.",
        f"« {word} »",
        f"“{word}”",
        f"Reply {word} to be left alone",
        f"Please text back with the word {word}.",
        f"Antworten Sie mit {word}.",
        f"Antworten Sie bitte mit dem Wort: {word}",
        f"Bitte mit {word} antworten.",
        f"Répondez par {word}.",
        f"Envoyez simplement le mot {word}",
        f"Responda con la palabra {word}",
        f"Envíe {word} ahora",
    ):
        assert word in words(text), text


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("\uff32eply \uff33\uff34\uff2f\uff30", "stop"),
        ("Reply \uff53\uff54\uff4f\uff50", "stop"),
        ("Reply S\u200bTO\u2060P", "stop"),
        ("Reply st\u00adop", "stop"),
        ("Antworten Sie: ARRÊT", "arret"),
        ("Répondez «\u00a0arrêt\u00a0»", "arret"),
        ("Reply E\u0301ND", "end"),
        ("*stop* and we stop", "stop"),
        ("_stop_ it is", "stop"),
        ("STOP-SMS to 12345", "stop"),
        ("Reply 9, 2 or cancel", "cancel"),
        ("Reply 9/end", "end"),
        ("Reply yes or no", "yes"),
        ("Reply 1, 2, or quit", "quit"),
        ("Send: start", "start"),
        ("Répondez 9 ou cancel", "cancel"),
        ("Antworten Sie 9 oder quit", "quit"),
        ("Responda 9 o cancel", "cancel"),
        ("SMS mit stop an uns senden? Mit stop senden!", "stop"),
        ("Bitte mit dem Wort stop an uns antworten", "stop"),
        ("Text STOP ALL", "stop all"),
        ("Reply opt-out", "opt-out"),
        ("Reply opt out", "opt out"),
    ],
)
def test_tricks_and_lists(text: str, word: str) -> None:
    assert word in words(text)


@pytest.mark.parametrize(
    "text",
    [
        "Your callback is cancelled.",
        "Reply 9 to cancel, 2 for another time.",
        "To cancel, reply 9.",
        "We will stop calling at the end of the week.",
        "For help, call us. More info is on our page.",
        "Reply to cancel or start anew.",
        "Reply. Cancel online.",
        "Répondez 9 pour annuler, 2 pour un autre horaire.",
        "Antworten Sie 9, um abzusagen.",
        "Responda 9 para cancelar.",
        'Reply "call me" and we will.',
        "We won't end 'the call and stop",
        "Ein Ende, mit dem wir nicht rechnen. Wir antworten am end.",
        "Weekend, CANCELLATION, STOPPED, INFORMATION",
        "Reply",
        "Reply 9,",
        "Reply with",
        "",
    ],
)
def test_prose_is_let_alone(text: str) -> None:
    assert advertised(text) == ()


def test_a_finding_says_why() -> None:
    assert advertised("Reply STOP or 'end', or text quit") == (
        ("end", "in quotes"),
        ("quit", "after 'text'"),
        ("stop", "in capitals"),
    )


# ---------------------------------------------------------------------------- catalogues


@pytest.mark.parametrize("language", BUILT_IN)
def test_the_built_in_texts_advertise_nothing(language: str) -> None:
    assert lint(built_in(language)) == ()


@pytest.mark.parametrize("language", BUILT_IN)
def test_the_wording_of_the_handbook_is_found(language: str) -> None:
    """CANCEL, in each text that says how to cancel; and no other word."""
    findings = lint(built_in(language, wording=Wording.S2), wording=Wording.S2)
    assert {(one.word, one.why) for one in findings} == {("cancel", "in capitals")}
    assert {"confirmation", "reminder", "help"} <= {one.template for one in findings}
    assert str(findings[0]) == f"{language}: confirmation: 'cancel' in capitals"


def test_each_optional_part_is_looked_at() -> None:
    """What is hidden behind another, shown only without a value, or stands in a subject line."""
    own = Catalogue(
        language="en",
        texts={
            "survey": "Fine.[[ {company} says: reply stop.]]",
            "opted_in": "[[{company}||Reply end]] is back",
            "unreached": "Reply[[ {other_time}]] [[{company}]] quit",
        },
        titles={"survey": "QUIT?"},
    )
    assert lint(own) == (
        Finding(language="en", template="opted_in", word="end", why="after 'Reply'"),
        Finding(language="en", template="survey", word="stop", why="after 'reply'"),
        Finding(language="en", template="titles.survey", word="quit", why="in capitals"),
        Finding(language="en", template="unreached", word="quit", why="after 'Reply'"),
    )


def test_a_value_that_is_always_there_may_stand_in_an_optional_part_too() -> None:
    own = Catalogue(language="en", texts={"agent_changed": "At {time}.[[ {company} at {time}: STOP.]]"})
    assert [one.word for one in lint(own)] == ["stop"]


def test_the_longer_alternative_counts() -> None:
    own = Catalogue(language="en", texts={"survey": "Well?[[ {company}||" + "a" * 160 + "]]"})
    assert lengths_of(own)["survey"].units == 165


def test_messages_refuse_own_texts_with_findings() -> None:
    """Whatever the wording is: it is chosen for what {cancel} stands for, not for words of one's own."""
    own = Catalogue(language="en", texts={"survey": "Reply STOP to end this."})
    for wording in Wording:
        with pytest.raises(ConfigurationError, match=r"languages\['en'\]\.survey is 'stop'; .* in capitals"):
            Messages(languages={"en": own}, wording=wording)


def test_own_texts_may_have_what_the_wording_fills_in() -> None:
    own = Catalogue(language="en", texts={"survey": "Fine?[[ Reply {cancel} to cancel.]]"})
    assert (
        Messages(languages={"en": own}, wording=Wording.S2).catalogue("en").texts["survey"].startswith("Fine")
    )


# ---------------------------------------------------------------------------- lengths


@pytest.mark.parametrize("language", BUILT_IN)
@pytest.mark.parametrize("wording", Wording)
def test_built_in_texts_with_the_longest_values(language: str, wording: Wording) -> None:
    """Three parts at most, and all in GSM-7."""
    lengths = lengths_of(built_in(language, wording=wording), wording=wording)
    assert set(lengths) == set(TEMPLATES)
    assert {name: found for name, found in lengths.items() if found.count > 3} == {}
    assert {found.encoding.value for found in lengths.values()} == {"gsm-7"}


def test_more_choices_and_a_longer_link_are_longer() -> None:
    english = built_in("en")
    (name,) = names_of(MessageKind.WHICH)
    assert lengths_of(english)[name] == lengths_of(english, choices_count=5)[name]
    assert lengths_of(english, choices_count=5)["late"].units - lengths_of(english)["late"].units == 98
    long = "https://callbacks.example.com/" + "c" * 100 + "/{token}"
    assert lengths_of(english, link=long)["reminder"].units > lengths_of(english)["reminder"].units + 90


def test_messages_refuse_own_texts_that_are_too_long() -> None:
    own = Catalogue(language="de", texts={"survey": "Wie war es? " * 20})
    assert Messages(languages={"de": own}).catalogue("de") != built_in("de")
    with pytest.raises(
        ConfigurationError, match=r"languages\['de'\]\.survey is 'a text of 2 parts \(gsm-7\)"
    ):
        Messages(languages={"de": own}, segments_max=1)


def test_messages_refuse_a_language_that_is_not_whole() -> None:
    own = Catalogue(language="it", texts={"survey": "Come va?"})
    with pytest.raises(
        ConfigurationError, match=r"it lacks agent_changed, agent_changed\.turn, .* and 35 more"
    ):
        Messages(languages={"it": own})
    whole = Catalogue(language="it", texts={**built_in("en").texts, "survey": "Come va?"})
    assert Messages(languages={"it": whole}).catalogue("it-CH").texts["survey"] == "Come va?"
    lacks_one = {name: text for name, text in whole.texts.items() if name != "survey"}
    with pytest.raises(ConfigurationError, match=r"it lacks survey$"):
        Messages(languages={"it": Catalogue(language="it", texts=lacks_one)})
