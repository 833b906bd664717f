"""Catalogues: how templates are written and filled, what is refused and how it is said, files, gettext, fallback."""

from __future__ import annotations

import gettext
import pickle
import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from callbackq.errors import ConfigurationError
from callbackq.model import MessageKind, ReplyWish
from callbackq.policy import Catalogue, Messages, Wording
from callbackq.policy.catalogue import (
    BUILT_IN,
    REPLIES,
    REPLY_NAMES,
    Dates,
    built_in,
    catalogue_of,
    catalogue_of_gettext,
    languages_of,
    merged,
    missing_in,
    read_catalogue,
)
from callbackq.policy.messages import DIGITS_DEFAULT
from callbackq.policy.reply_words import ALWAYS, carrier_words
from callbackq.policy.templates import COMMON, TEMPLATES, fill, names_in, names_of

DATES: Mapping[str, Any] = {
    "weekdays": ["a", "b", "c", "d", "e", "f", "g"],
    "months": [str(month) for month in range(1, 13)],
    "date": "{day}/{month}",
    "date_with_year": "{day}/{month}/{year}",
}


def english(**texts: str) -> Catalogue:
    return Catalogue(language="en", texts=texts)


def refused(make: Callable[[], object]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        make()
    return caught.value


# ---------------------------------------------------------------------------- templates


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("Plain.", {}, "Plain."),
        ("At {time}.", {"time": "3 PM"}, "At 3 PM."),
        ("We call[[ at {time}]].", {"time": "3 PM"}, "We call at 3 PM."),
        ("We call[[ at {time}]].", {"time": None}, "We call."),
        ("We call[[ at {time}]].", {}, "We call."),
        ("[[Hello {name}. ]]We call.", {}, "We call."),
        ("We [[{name} ]] call.", {}, "We call."),
        ("[[{company}||We]] call.", {"company": "Acme"}, "Acme call."),
        ("[[{company}||We]] call.", {}, "We call."),
        ("[[{company}||{name}]] call.", {"name": "Ann"}, "Ann call."),
        ("[[{company}||{name}]] call.", {}, "call."),
        ("Hi.[[ {a} or {b}.|| {a}.]]", {"a": "9", "b": "2"}, "Hi. 9 or 2."),
        ("Hi.[[ {a} or {b}.|| {a}.]]", {"a": "9"}, "Hi. 9."),
        ("Hi.[[ {a} or {b}.|| {a}.]]", {"b": "2"}, "Hi."),
        ("[[{a}{b}]]!", {"a": "1", "b": "2"}, "12!"),
        ("[[{a}{b}]]!", {"a": "1"}, "!"),
        ("One.\n[[Two {a}.]]", {"a": "2"}, "One.\nTwo 2."),
        ("A {a} b", {"a": "{b} [[x]] || %s"}, "A {b} [[x]] || %s b"),
        ("A {a} b", {"a": "two  blanks"}, "A two  blanks b"),
    ],
)
def test_fill(template: str, values: dict[str, str | None], expected: str) -> None:
    """What has no value vanishes with its part, without a blank too many; values are not read again."""
    assert fill(template, values) == expected


def test_fill_names_a_value_that_must_not_be_missing() -> None:
    with pytest.raises(LookupError, match="time"):
        fill("At {time}.", {"time": None})


@pytest.mark.parametrize(
    "template",
    [
        "{", "}", "{time", "time}", "{}", "{0}", "{time:>5}", "{time!r}", "{time.year}", "{time[0]}", "{{time}}",
        "{Time}", "{ time }", "[[{a}", "{a}]]", "[[a [[{a}]] b]]", "a||b", "[[a||b||{c}]]", "[[nothing]]",
        "[[nothing||{a}]]", "[[{a}||{a}]]", "[[{a}||{c} {a}]]", "[[{a}{c}||{c}{a}]]",
    ],
)  # fmt: skip
def test_what_is_no_template(template: str) -> None:
    with pytest.raises(ValueError, match=r"brace|closed|once|vanish|never show"):
        fill(template, {"time": "3 PM", "a": "a", "c": "c"})


def test_names_in() -> None:
    assert names_in("{a}[[{b}||{c}]]") == ({"a"}, {"b", "c"})


# ---------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("name", "template", "said"),
    [
        ("agent_changed", "", "en: texts.agent_changed is no text; allowed: a text of 1 to 1,000 characters"),
        ("agent_changed", " ", "is no text"),
        ("agent_changed", None, "is no text"),
        ("agent_changed", "It {time} is {code}.", "is unknown {code}; allowed: {call_me}, {cancel},"),
        ("agent_changed", "It stands.", "is missing outside of [[ ]]: {time}; allowed: with {time}"),
        ("agent_changed", "It stands[[ at {time}]].", "is missing outside of [[ ]]: {time}"),
        ("agent_changed", "{company} at {time}.", "is outside of [[ ]]: {company}; allowed: within [[ ]]"),
        (
            "agent_changed",
            "At {time}.[[ {status}?|| {code}]]",
            "is unknown {code}; allowed: {call_me}, {cancel},",
        ),
        (
            "agent_changed",
            "At {time}.[[ {status}?|| {status}.]]",
            "is the part behind '||' holds every placeholder",
        ),
        ("agent_changed", "It is {time:>30}.", "is a brace belongs to no placeholder"),
        ("agent_changed", "It is {time.tzinfo}.", "is a brace belongs to no placeholder"),
        ("agent_changed", "It is {time}\x07.", "is a text; allowed: 1 to 1,000 characters that can be shown"),
        ("agent_changed", "{time}" + "x" * 1_000, "is a text; allowed: 1 to 1,000 characters"),
        ("agent_changed", "{time}", "is placeholders only; allowed: a text that says something"),
        ("farewell", "Bye.", "en: texts is 'farewell'; allowed: any of: agent_changed, agent_changed.turn,"),
    ],
)
def test_a_bad_template_is_refused(name: str, template: Any, said: str) -> None:
    """The error names language, template and what is allowed."""
    assert said in str(refused(lambda: english(**{name: template})))


def test_titles_are_checked() -> None:
    def titled(**titles: str) -> Catalogue:
        return Catalogue(language="en", titles=titles)

    assert titled(status="Yours[[ from {company}]]").titles["status"] == "Yours[[ from {company}]]"
    assert "en: titles.status is outside" in str(refused(lambda: titled(status="Yours from {company}")))
    assert "en: titles is 'status.turn'" in str(
        refused(lambda: Catalogue(language="en", titles={"status.turn": "Yours"}))
    )


@pytest.mark.parametrize("language", ["", "e", "english!", "en-", "e n", None, 5, "en-US-x-y-z-long"])
def test_what_is_no_language(language: Any) -> None:
    assert refused(lambda: Catalogue(language=language)).field == "Catalogue.language"


@pytest.mark.parametrize("field", ["texts", "titles", "words"])
def test_tables_are_mappings(field: str) -> None:
    wrong: Any = {field: ["x"]}
    assert refused(lambda: Catalogue(language="en", **wrong)).allowed == "a mapping"


@pytest.mark.parametrize("word", ["stop", "STOP", "Cancel", "\uff45\uff4e\uff44", " yes ", "help"])
@pytest.mark.parametrize("wish", [ReplyWish.CANCEL, ReplyWish.OPT_OUT, ReplyWish.HELP])
def test_words_of_carriers_are_none_of_a_catalogue(word: str, wish: ReplyWish) -> None:
    error = refused(lambda: Catalogue(language="en", words={wish: (word,)}))
    assert error.field == f"words.{wish}"
    assert "bare word" in error.allowed


@pytest.mark.parametrize(
    "phrases", ["drop it", None, 5, ["x", ""], ["?!"], [5], ["a" * 101], ["a\nb"], ["a"] * 201]
)
def test_what_are_no_phrases(phrases: Any) -> None:
    assert (
        refused(lambda: Catalogue(language="en", words={ReplyWish.CANCEL: phrases})).field == "words.cancel"
    )


def test_phrases_are_kept_as_they_are_compared() -> None:
    """In small letters, blanks as one, each once; a wish may be given by its name."""
    given: Any = {"cancel": ["Drop  It", "drop it", "\uff2fver"]}
    assert Catalogue(language="en", words=given).words == {ReplyWish.CANCEL: ("drop it", "over")}


def test_a_phrase_has_one_meaning() -> None:
    words = {ReplyWish.CANCEL: ("later",), ReplyWish.OTHER_TIME: ("Later",)}
    error = refused(lambda: Catalogue(language="en", words=words))
    assert str(error) == "en: words.other_time is 'later'; allowed: none that is in words.cancel as well"


def test_an_unknown_wish_is_refused() -> None:
    given: Any = {"sing": ["la la"]}
    assert refused(lambda: Catalogue(language="en", words=given)).value == "sing"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weekdays", ["a"] * 6), ("weekdays", "abcdefg"), ("weekdays", ["a"] * 6 + [""]), ("months", ["a"] * 11),
        ("months", [5] * 12), ("date", "{day}"), ("date", "{day}{month}{year}"), ("date", "{day[[ {month}]]"),
        ("date", "{day}[[ {month}]]"), ("date", 5), ("date_with_year", "{day} {month}"), ("date_and_time", "{date}"),
    ],
)  # fmt: skip
def test_bad_dates_are_refused(field: str, value: Any) -> None:
    assert refused(lambda: Dates(**{**DATES, field: value})).field == f"dates.{field}"


def test_dates_are_dates() -> None:
    wrong: Any = "1/2"
    assert refused(lambda: Catalogue(language="en", dates=wrong)).field == "en: dates"


# ---------------------------------------------------------------------------- files


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "mine.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_file_is_read(tmp_path: Path) -> None:
    text = (
        'language = "pl"\n[texts]\nsurvey = "Jak?"\n[titles]\nsurvey = "Jak"\n[words]\ncancel = ["Odwołaj"]\n[dates]\n'
        + "\n".join(f"{name} = {value!r}" for name, value in DATES.items())
    )
    found = read_catalogue(written(tmp_path, text))
    assert found.language == "pl"
    assert dict(found.texts) == {"survey": "Jak?"}
    assert dict(found.titles) == {"survey": "Jak"}
    assert dict(found.words) == {ReplyWish.CANCEL: ("odwołaj",)}
    assert found.dates is not None
    assert found.dates.date_and_time == "{date}, {clock}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "mine.toml: Catalogue.language is ''; allowed: a language"),
        ("a = b", "mine.toml is "),
        (b'language = "\xff"', "allowed: text in UTF-8"),
        ('language = "pl"\nfoo = 1', "mine.toml is 'foo'; allowed: language, texts, titles, words, dates"),
        ('language = "pl"\ntexts = 1', "mine.toml: texts is 1; allowed: a table"),
        ('language = "pl"\n[texts]\nfoo = "x"', "mine.toml: pl: texts is 'foo'; allowed: any of:"),
        ('language = "pl"\n[texts]\nsurvey = 5', "mine.toml: pl: texts.survey is no text"),
        (
            'language = "pl"\n[words]\nfoo = ["x"]',
            "mine.toml: words is 'foo'; allowed: any of: cancel, other_time",
        ),
        ('language = "pl"\n[dates]\nfoo = 1', "mine.toml: dates is 'foo'; allowed: any of: weekdays"),
        ('language = "pl"\n[dates]\ndate = "x"', "mine.toml: dates.weekdays is None; allowed: a value"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, text: str | bytes, said: str) -> None:
    """The error names the file, the key, the value and what is allowed."""
    path = written(tmp_path, text)
    assert said in str(refused(lambda: read_catalogue(path)))


# ---------------------------------------------------------------------------- gettext


class Polish(gettext.NullTranslations):
    """Translations as a .mo file holds them."""

    told: ClassVar[Mapping[str, str]] = {
        "survey": "Jak było?",
        "status.turn": "",
        "titles.survey": "Jak?",
        "words.cancel": "odwołaj\nrezygnuję\n",
        "unknown": "x",
    }

    def gettext(self, message: str) -> str:
        return self.told.get(message, message)


def test_a_catalogue_of_gettext() -> None:
    """What is not translated is left out, and then falls back."""
    found = catalogue_of_gettext(Polish(), language="pl")
    assert dict(found.texts) == {"survey": "Jak było?"}
    assert dict(found.titles) == {"survey": "Jak?"}
    assert dict(found.words) == {ReplyWish.CANCEL: ("odwołaj", "rezygnuję")}


def test_translations_are_checked() -> None:
    class Bad(Polish):
        told: ClassVar[Mapping[str, str]] = {"survey": "Jak {było}?"}

    error = refused(lambda: catalogue_of_gettext(Bad(), language="pl"))
    assert error.field == "pl: texts.survey"


# ---------------------------------------------------------------------------- what is built in


@pytest.mark.parametrize("language", BUILT_IN)
def test_each_language_has_every_text_title_and_word(language: str) -> None:
    found = built_in(language)
    assert found.language == language
    assert set(found.texts) == set(TEMPLATES)
    assert set(found.titles) == set(map(str, MessageKind))
    assert set(found.words) == set(ReplyWish) - {ReplyWish.CANCEL_AND_OPT_OUT}
    assert all(len(phrases) >= 3 for phrases in found.words.values())
    reserved = carrier_words().reserved
    assert not any(phrase in reserved for phrases in found.words.values() for phrase in phrases)


@pytest.mark.parametrize("language", BUILT_IN)
def test_languages_name_the_same(language: str) -> None:
    """What a text says in English by a placeholder, it says in each language: nothing was forgotten."""
    english_texts = built_in("en").texts
    for name, template in built_in(language).texts.items():
        always, optional = names_in(template)
        assert (always, optional) == names_in(english_texts[name]), name


@pytest.mark.parametrize("language", BUILT_IN)
@pytest.mark.parametrize("wording", Wording)
def test_no_text_says_by_itself_what_to_answer(language: str, wording: Wording) -> None:
    """Only placeholders do: no digit, no word in capitals and none in quotes is written out."""
    for name, template in built_in(language, wording=wording).texts.items():
        written = template.replace('"{call_me}"', "")
        assert re.findall(r'\d|\b[A-ZÀ-Ý]{2,}\b|["„“«»]', written) == [], name


def test_the_handbook_s_words_are_always_understood() -> None:
    """Whatever the language of the customer, and the wording of the queue."""
    for wish, word in REPLIES[Wording.S2].items():
        assert word.lower() in ALWAYS[wish]


def test_no_word_means_two_things_in_two_languages() -> None:
    """All languages are understood at once, so that a phrase has one meaning in all of them."""
    meant: dict[str, set[ReplyWish]] = {}
    for language in BUILT_IN:
        for wish, phrases in built_in(language).words.items():
            for phrase in phrases:
                meant.setdefault(phrase, set()).add(wish)
    assert {phrase: wishes for phrase, wishes in meant.items() if len(wishes) > 1} == {}


def test_there_is_a_template_for_every_kind() -> None:
    assert {name.partition(".")[0] for name in TEMPLATES} == set(map(str, MessageKind))
    assert names_of(MessageKind.CONFIRMATION) == ("confirmation", "confirmation.wait", "confirmation.turn")
    assert all(not (rule.required | rule.optional) & COMMON for rule in TEMPLATES.values())


def test_no_language_is_shipped_that_nobody_reads() -> None:
    shipped = {
        each.name for each in (files("callbackq.policy") / "texts").iterdir() if each.name.endswith(".toml")
    }
    assert shipped == {*(f"{language}.toml" for language in BUILT_IN), "en.s2.toml"}
    with pytest.raises(LookupError, match="xx"):
        built_in("xx")


def test_the_handbook_s_wording_replaces_some_texts() -> None:
    digits, s2 = built_in("en"), built_in("en", wording=Wording.S2)
    assert digits.texts["confirmation"] != s2.texts["confirmation"]
    assert digits.texts["status"] == s2.texts["status"]
    assert digits.words == s2.words
    assert built_in("de", wording=Wording.S2) == built_in("de")


def test_what_can_be_answered() -> None:
    """By each wording, for each placeholder; the digits are beyond those of choices."""
    assert {name: REPLIES[Wording.S2][wish] for name, wish in REPLY_NAMES.items()} == {
        "cancel": "CANCEL", "other_time": "RESCHEDULE", "change_number": "UPDATE", "status": "STATUS",
    }  # fmt: skip
    assert {name: DIGITS_DEFAULT[wish] for name, wish in REPLY_NAMES.items()} == {
        "cancel": "9", "other_time": "2", "change_number": "3", "status": "4",
    }  # fmt: skip


# ---------------------------------------------------------------------------- of all languages


def test_languages_are_looked_up_from_the_narrow_to_the_wide() -> None:
    assert languages_of("zh_Hant-TW") == ("zh-hant-tw", "zh-hant", "zh")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("en", "en"),
        ("fr-CA", "fr"),
        ("FR_ca", "fr"),
        ("de-AT", "de"),
        ("pl", "en"),
        ("", "en"),
        ("{x}", "en"),
    ],
)
def test_fallback(asked: str, found: str) -> None:
    assert Messages().catalogue(asked).language == found


def test_own_texts_stand_before_the_built_in_ones() -> None:
    own = {
        "fr": Catalogue(language="fr", texts={"survey": "Alors ?", "opted_in": "Bonjour."}),
        "fr-CA": Catalogue(
            language="fr-CA", texts={"survey": "Pis ?"}, words={ReplyWish.THANKS: ("merci ben",)}
        ),
    }
    messages = Messages(languages=own)
    plain, canadian = messages.catalogue("fr-BE"), messages.catalogue("fr_ca")
    assert (plain.language, canadian.language) == ("fr", "fr-CA")
    assert (plain.texts["survey"], canadian.texts["survey"]) == ("Alors ?", "Pis ?")
    assert plain.texts["opted_in"] == canadian.texts["opted_in"] == "Bonjour."
    assert canadian.texts["status"] == built_in("fr").texts["status"]
    assert canadian.words[ReplyWish.THANKS] == ("merci ben",)
    assert canadian.words[ReplyWish.CANCEL] == built_in("fr").words[ReplyWish.CANCEL]
    assert canadian.dates == built_in("fr").dates


def test_a_region_of_a_language_that_is_not_built_in() -> None:
    whole = Catalogue(language="it-CH", texts=built_in("en").texts, dates=Dates(**DATES))
    messages = Messages(languages={"it-CH": whole})
    assert messages.catalogue("it-CH") == whole
    assert messages.catalogue("it").language == "en"


def test_own_english_is_what_others_fall_back_on() -> None:
    messages = Messages(languages={"en": english(survey="Well?")})
    assert messages.catalogue("pl").texts["survey"] == "Well?"


@pytest.mark.parametrize(
    "languages",
    [
        ["en"],
        {"en": {"survey": "Well?"}},
        {"de": Catalogue(language="en")},
        {5: Catalogue(language="en")},
        {"en-GB": Catalogue(language="en-GB"), "en_gb": Catalogue(language="en_gb")},
    ],
)
def test_what_are_no_catalogues(languages: Any) -> None:
    assert refused(lambda: Messages(languages=languages)).field == "Messages.languages"


def test_catalogues_are_values() -> None:
    """They can be compared, hashed, pickled and looked up; the host's mapping can change without effect."""
    texts = {"survey": "Well?"}
    own = Catalogue(language="en", texts=texts)
    texts["survey"] = "Changed"
    assert own == english(survey="Well?")
    assert hash(own) == hash(english(survey="Well?"))
    messages = Messages(languages={"en": own})
    assert pickle.loads(pickle.dumps(messages)) == messages
    assert repr(own) == "Catalogue(language='en')"
    assert merged(built_in("en"), own).texts["survey"] == "Well?"
    assert catalogue_of({"en": own}, language="en", wording=Wording.DIGITS).texts["survey"] == "Well?"
    assert attrs.evolve(own, texts={}).texts == {}


def test_an_own_phrase_takes_its_meaning_along() -> None:
    """It leaves what it meant in the built-in words."""
    own = Catalogue(language="en", words={ReplyWish.OTHER_TIME: ("drop it", "later")})
    words = Messages(languages={"en": own}).catalogue("en").words
    assert words[ReplyWish.OTHER_TIME] == ("drop it", "later")
    assert "drop it" not in words[ReplyWish.CANCEL]
    assert "never mind" in words[ReplyWish.CANCEL]


def test_missing_in() -> None:
    assert missing_in({}, "xx") == tuple(sorted(TEMPLATES))
    assert missing_in({}, "en") == ()
