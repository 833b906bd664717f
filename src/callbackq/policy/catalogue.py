"""
The texts of messages: templates by language, and the free words in which customers answer.

A catalogue comes from a TOML file, from the translations of `gettext`, or from plain mappings; it is checked when it
is built. How a template is written: `callbackq.policy.templates`.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol, cast

import attrs

from callbackq.errors import ConfigurationError
from callbackq.model import MessageKind, ReplyWish
from callbackq.policy.checks import Frozen, is_name, text_of_file
from callbackq.policy.reply_words import carrier_words
from callbackq.policy.templates import TEMPLATES, Rule, names_in, problem_of

BUILT_IN: Final = ("de", "en", "es", "fr")
"""The languages that callbackq brings texts in."""
LANGUAGE_DEFAULT: Final = "en"
PHRASE_LENGTH_MAX: Final = 100
PHRASES_MAX: Final = 200
"""So many free phrases for each wish."""

_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")
_TITLE: Final = Rule(optional=frozenset({"time", "number_end"}))


class Wording(enum.StrEnum):
    """How the built-in texts say what can be answered."""

    DIGITS = "digits"
    """By digits and free words that no carrier takes for anything."""
    S2 = "s2"
    """Reply CANCEL, RESCHEDULE or UPDATE. Most carriers take CANCEL for an opt-out, and deliver nothing afterwards."""


REPLIES: Final[Mapping[Wording, Mapping[ReplyWish, str]]] = Frozen(
    {
        Wording.DIGITS: Frozen(
            {
                ReplyWish.OTHER_TIME: "2",
                ReplyWish.NUMBER: "3",
                ReplyWish.STATUS: "4",
                ReplyWish.CANCEL: "9",
            }
        ),
        Wording.S2: Frozen(
            {
                ReplyWish.OTHER_TIME: "RESCHEDULE",
                ReplyWish.NUMBER: "UPDATE",
                ReplyWish.STATUS: "STATUS",
                ReplyWish.CANCEL: "CANCEL",
            }
        ),
    }
)
"""What customers are told to answer."""
REPLY_NAMES: Final[Mapping[str, ReplyWish]] = Frozen(
    {
        "cancel": ReplyWish.CANCEL,
        "other_time": ReplyWish.OTHER_TIME,
        "change_number": ReplyWish.NUMBER,
        "status": ReplyWish.STATUS,
    }
)
"""The placeholders for them."""


# ---------------------------------------------------------------------------- dates


def _own_tuple(given: Any) -> Any:
    return tuple(given) if isinstance(given, list) else given  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


@attrs.frozen(kw_only=True)
class Dates:
    """
    How a language writes a date, and a date with a time. Without it, dates are in figures: 2026-03-10.

    Args:
        weekdays: seven, from Monday. months: twelve.
        date: with `{day}`, `{month}` and perhaps `{weekday}`.
        date_with_year: with `{year}` besides: for a date of another year than the message.
        date_and_time: with `{date}` and `{clock}`.

    Raises:
        ConfigurationError: a value is none of those.
    """

    weekdays: tuple[str, ...] = attrs.field(converter=_own_tuple)
    months: tuple[str, ...] = attrs.field(converter=_own_tuple)
    date: str
    date_with_year: str
    date_and_time: str = "{date}, {clock}"

    def __attrs_post_init__(self) -> None:
        for field, count in (("weekdays", 7), ("months", 12)):
            if not _are_names(getattr(self, field), count):
                raise ConfigurationError(f"dates.{field}", getattr(self, field), f"a list of {count} names")
        for field, required, optional in _DATE_FIELDS:
            template: object = getattr(self, field)
            found = _fields_of(template)
            if found is None or not required <= found <= required | optional:
                allowed = f"a text with {', '.join(f'{{{name}}}' for name in sorted(required))} in it"
                raise ConfigurationError(f"dates.{field}", template, allowed)


def _are_names(given: object, count: int) -> bool:
    names = cast("tuple[object, ...]", given) if isinstance(given, tuple) else ()
    return len(names) == count and all(is_name(name) for name in names)


_DATE_FIELDS: Final = (
    ("date", frozenset({"day", "month"}), frozenset({"weekday"})),
    ("date_with_year", frozenset({"day", "month", "year"}), frozenset({"weekday"})),
    ("date_and_time", frozenset({"date", "clock"}), frozenset[str]()),
)


def _fields_of(template: object) -> frozenset[str] | None:
    if not isinstance(template, str) or not template.isprintable():
        return None
    try:
        always, optional = names_in(template)
    except ValueError:
        return None
    return None if optional else always


# ---------------------------------------------------------------------------- one catalogue


def _own_mapping(field: str, given: object) -> dict[Any, Any]:
    if not isinstance(given, Mapping):
        raise ConfigurationError(field, type(given).__name__, "a mapping")
    return dict(given)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _own_texts(given: object) -> Mapping[str, str]:
    return Frozen({str(key): text for key, text in _own_mapping("texts and titles", given).items()})


def _own_words(given: object) -> Mapping[ReplyWish, tuple[str, ...]]:
    held: dict[ReplyWish, tuple[str, ...]] = {}
    for key, phrases in _own_mapping("words", given).items():
        try:
            wish = ReplyWish(str(key))
        except ValueError as error:
            raise ConfigurationError("words", key, f"any of: {', '.join(ReplyWish)}") from error
        if isinstance(phrases, str) or not isinstance(phrases, list | tuple):
            raise ConfigurationError(f"words.{wish}", phrases, "a list of phrases")
        own = tuple(cast("list[object]", phrases))
        if len(own) > PHRASES_MAX:
            raise ConfigurationError(f"words.{wish}", f"a list of {len(own)}", f"{PHRASES_MAX} phrases")
        held[wish] = tuple(dict.fromkeys(_phrase(wish, phrase) for phrase in own))
    return Frozen(held)


def _phrase(wish: ReplyWish, given: object) -> str:
    allowed = f"1 to {PHRASE_LENGTH_MAX} characters with a letter or digit among them"
    if not isinstance(given, str) or not 1 <= len(given) <= PHRASE_LENGTH_MAX or not given.isprintable():
        raise ConfigurationError(f"words.{wish}", given, allowed)
    phrase = " ".join(unicodedata.normalize("NFKC", given).casefold().split())
    if not any(character.isalnum() for character in phrase):
        raise ConfigurationError(f"words.{wish}", given, allowed)
    if phrase in carrier_words().reserved:
        raise ConfigurationError(
            f"words.{wish}", given, "no bare word that carriers act on: callbackq knows those"
        )
    return phrase


@attrs.frozen(kw_only=True, cache_hash=True)
class Catalogue:
    """
    The texts of one language: all of them, or those that differ from the built-in ones.

    Args:
        language: `en`, or with a region, `fr-CA`.
        texts: by the name of the template: that of a `MessageKind`, or with a variant behind a dot. The names, and what
            each may and must hold, are in `callbackq.policy.templates.TEMPLATES`.
        titles: by the name of the kind: the subject line, for channels that have one. None is needed.
        words: the free words and phrases that ask for something, in small letters.
        dates: how the language writes dates; None: as the built-in texts of the language do, or else in figures.

    Raises:
        ConfigurationError: a template or a phrase is not as it must be. Names the template and what is allowed.

    >>> Catalogue(language="en", texts={"agent_changed": "Still at {time}."}).texts["agent_changed"]
    'Still at {time}.'
    >>> Catalogue(language="en", texts={"agent_changed": "It still stands."})
    Traceback (most recent call last):
    ...
    callbackq.errors.ConfigurationError: en: texts.agent_changed is missing outside of [[ ]]: {time}; allowed: ...
    """

    language: str
    texts: Mapping[str, str] = attrs.field(factory=dict[str, str], converter=_own_texts, repr=False)
    titles: Mapping[str, str] = attrs.field(factory=dict[str, str], converter=_own_texts, repr=False)
    words: Mapping[ReplyWish, tuple[str, ...]] = attrs.field(
        factory=dict[ReplyWish, tuple[str, ...]], converter=_own_words, repr=False
    )
    dates: Dates | None = attrs.field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        if not is_language(self.language):
            raise ConfigurationError(
                "Catalogue.language", self.language, "a language, such as 'en' or 'fr-CA'"
            )
        if self.dates is not None and not isinstance(self.dates, Dates):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(f"{self.language}: dates", self.dates, "a member of Dates")
        for name, template in self.texts.items():
            _check_template(self.language, "texts", name, template, TEMPLATES.get(name))
        for name, template in self.titles.items():
            rule = _TITLE if name in _KIND_NAMES else None
            _check_template(self.language, "titles", name, template, rule)
        wishes: dict[str, ReplyWish] = {}
        for wish, phrases in self.words.items():
            for phrase in phrases:
                other = wishes.setdefault(phrase, wish)
                if other is not wish:
                    raise ConfigurationError(
                        f"{self.language}: words.{wish}", phrase, f"none that is in words.{other} as well"
                    )


_KIND_NAMES: Final = frozenset(map(str, MessageKind))


class _Problem:
    """Show a problem in an error as it is, after "is"."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _check_template(language: str, table: str, name: str, template: object, rule: Rule | None) -> None:
    field = f"{language}: {table}"
    if rule is None:
        names = sorted(TEMPLATES) if table == "texts" else sorted(_KIND_NAMES)
        raise ConfigurationError(field, name, f"any of: {', '.join(names)}")
    problem = problem_of(template, rule=rule)
    if problem is not None:
        said, allowed = problem
        raise ConfigurationError(f"{field}.{name}", _Problem(said), allowed)


def is_language(value: object) -> bool:
    """Whether it is written as a language is."""
    return isinstance(value, str) and _LANGUAGE.fullmatch(value) is not None


def plain_language(language: str) -> str:
    """
    Return a language as it is looked up.

    >>> plain_language("fr_CA")
    'fr-ca'
    """
    return language.replace("_", "-").casefold()


def languages_of(language: str) -> tuple[str, ...]:
    """
    Return under which names a language is looked up: as it is, and with less and less behind it.

    >>> languages_of("zh-Hant-TW")
    ('zh-hant-tw', 'zh-hant', 'zh')
    """
    parts = plain_language(language).split("-")
    return tuple("-".join(parts[:count]) for count in range(len(parts), 0, -1))


def merged(base: Catalogue, own: Catalogue) -> Catalogue:
    """
    Return *base* with what *own* has in its place: templates, titles, the phrases of a wish, and dates.

    A phrase that means something else in *own* is none of *base* any more.
    """
    taken = {phrase for phrases in own.words.values() for phrase in phrases}
    words = {wish: tuple(each for each in said if each not in taken) for wish, said in base.words.items()}
    return Catalogue(
        language=own.language,
        texts={**base.texts, **own.texts},
        titles={**base.titles, **own.titles},
        words={**words, **own.words},
        dates=own.dates or base.dates,
    )


# ---------------------------------------------------------------------------- files and gettext


def read_catalogue(path: str | Path) -> Catalogue:
    """
    Return the catalogue of a file of your own, in the format of the built-in ones: TOML.

    Raises:
        ConfigurationError: it is no such file. Names the file, the key, the value and what is allowed.
        OSError: it cannot be read.
    """
    file = Path(path)
    return _catalogue_in(text_of_file(file), file=file.name)


_TABLES: Final = ("texts", "titles", "words", "dates")


def _catalogue_in(text: str, *, file: str) -> Catalogue:
    import tomllib

    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(file, str(error), "TOML") from error
    for key, value in given.items():
        if key != "language" and key not in _TABLES:
            raise ConfigurationError(file, key, f"language, {', '.join(_TABLES)}")
        if key in _TABLES and not isinstance(value, dict):
            raise ConfigurationError(f"{file}: {key}", value, "a table")
    try:
        dates = given.get("dates")
        return Catalogue(
            language=given.get("language", ""),
            texts=given.get("texts", {}),
            titles=given.get("titles", {}),
            words=given.get("words", {}),
            dates=None if dates is None else _dates_of(dates),
        )
    except ConfigurationError as error:
        raise ConfigurationError(f"{file}: {error.field}", error.value, error.allowed) from error


def _dates_of(table: dict[str, Any]) -> Dates:
    fields = [field.name for field in attrs.fields(Dates)]
    for key in table:
        if key not in fields:
            raise ConfigurationError("dates", key, f"any of: {', '.join(fields)}")
    for key in fields[:-1]:
        if key not in table:
            raise ConfigurationError(f"dates.{key}", None, f"a value; dates have {', '.join(fields)}")
    return Dates(**table)


class Translations(Protocol):
    """What `gettext.translation(...)` returns, as far as it is needed."""

    def gettext(self, message: str, /) -> str:
        """Return the translation of a message, or the message itself where there is none."""
        ...


def catalogue_of_gettext(translations: Translations, *, language: str) -> Catalogue:
    """
    Return a catalogue of the translations of the standard `gettext`, so that your translators keep their .po files.

    The `msgid` of a text is the name of the template: `confirmation.turn`; that of a title has `titles.` before it, and
    that of phrases is `words.` with the `ReplyWish`, with a phrase on each line. What is not translated is left out.

    Raises:
        ConfigurationError: a translation is not as it must be. Names the language, the template and what is allowed.

    >>> import gettext
    >>> catalogue_of_gettext(gettext.NullTranslations(), language="it").texts
    Frozen({})
    """

    def found(names: Mapping[str, str]) -> dict[str, str]:
        said = {key: translations.gettext(msgid) for key, msgid in names.items()}
        return {key: text for key, text in said.items() if text and text != names[key]}

    words = found({str(wish): f"words.{wish}" for wish in ReplyWish})
    return Catalogue(
        language=language,
        texts=found({name: name for name in TEMPLATES}),
        titles=found({str(kind): f"titles.{kind}" for kind in MessageKind}),
        words={ReplyWish(wish): tuple(text.strip().splitlines()) for wish, text in words.items()},
    )


@lru_cache(maxsize=16)
def built_in(language: str, *, wording: Wording = Wording.DIGITS) -> Catalogue:
    """
    Return the texts that come with callbackq in a language.

    Raises:
        LookupError: there are none in that language.

    Cost: 10 ms the first time.

    >>> built_in("en").texts["opted_in"]
    'Welcome back. You will get messages about your callbacks from [[{company}||us]] again.'
    """
    if language not in BUILT_IN:
        raise LookupError(language)
    found = _shipped(f"{language}.toml")
    assert found is not None
    other = _shipped(f"{language}.{wording}.toml") if wording is not Wording.DIGITS else None
    return found if other is None else merged(found, other)


def _shipped(name: str) -> Catalogue | None:
    from importlib.resources import files

    file = files("callbackq.policy") / "texts" / name
    return _catalogue_in(file.read_text(encoding="utf-8"), file=name) if file.is_file() else None


# ---------------------------------------------------------------------------- of all languages


def own_texts(languages: object) -> Mapping[str, Catalogue]:
    """Copy the host's catalogues, by language as it is looked up. Raises: ConfigurationError."""
    if not isinstance(languages, Mapping):
        raise ConfigurationError("Messages.languages", languages, "catalogues by language")
    held: dict[str, Catalogue] = {}
    for language, catalogue in cast("Mapping[object, object]", languages).items():
        if not isinstance(catalogue, Catalogue):
            raise ConfigurationError("Messages.languages", type(catalogue).__name__, "catalogues by language")
        if not isinstance(language, str) or plain_language(language) != plain_language(catalogue.language):
            raise ConfigurationError("Messages.languages", language, repr(catalogue.language))
        if plain_language(language) in held:
            raise ConfigurationError("Messages.languages", language, "each language once")
        held[plain_language(language)] = catalogue
    return Frozen(held)


def catalogue_of(own: Mapping[str, Catalogue], *, language: str, wording: Wording) -> Catalogue:
    """
    Return the texts of a language: as it is, or else with less behind it, or else English; own ones before built-in.

    Cost: a microsecond; the first time of a language, 5 ms.
    """
    return _catalogue_of(own if isinstance(own, Frozen) else Frozen(own), language, wording)


@lru_cache(maxsize=256)
def _catalogue_of(own: Frozen[str, Catalogue], language: str, wording: Wording) -> Catalogue:
    found = (_whole(own, name, wording) for name in (*languages_of(language), LANGUAGE_DEFAULT))
    return next(catalogue for catalogue in found if catalogue is not None)


def _whole(own: Mapping[str, Catalogue], name: str, wording: Wording) -> Catalogue | None:
    """Return what is known under one name, over what is known under the shorter ones; None: nothing."""
    if name not in own and name not in BUILT_IN:
        return None
    found: Catalogue | None = None
    for shorter in reversed(languages_of(name)):
        if shorter in BUILT_IN:
            found = built_in(shorter, wording=wording)
        if shorter in own:
            found = own[shorter] if found is None else merged(found, own[shorter])
    return found


def missing_in(own: Mapping[str, Catalogue], name: str) -> tuple[str, ...]:
    """Return which templates a language of the host lacks, which has no built-in texts to fall back on."""
    found = _whole(own, name, Wording.DIGITS)
    return tuple(sorted(TEMPLATES)) if found is None else tuple(sorted(set(TEMPLATES) - set(found.texts)))
