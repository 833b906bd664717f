"""
What is wrong with texts, as anybody can read them: words that carriers act on, offered as an answer; and their length.

A word is *advertised* if it stands in capitals or in quotes, or directly after a verb of answering ("Reply cancel",
"Antworten Sie mit stopp, ..."). In ordinary prose, "to cancel your callback", it is harmless. Letters of another width,
invisible ones, and accents make no difference; letters of other scripts that look alike are not seen through.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Final

import attrs

from callbackq.model import ReplyWish
from callbackq.policy.catalogue import REPLIES, REPLY_NAMES, Catalogue, Wording
from callbackq.policy.reply_words import carrier_words
from callbackq.policy.segments import Segments, segments_of
from callbackq.policy.templates import fill, names_in

# ---------------------------------------------------------------------------- findings


@attrs.frozen(kw_only=True, order=True)
class Finding:
    """
    A word that a template advertises, and that carriers act on.

    `template` is its name, with `titles.` before that of a subject line; `word` is as carriers write it, in small
    letters; `why` says how it is advertised.
    """

    language: str
    template: str
    word: str
    why: str

    def __str__(self) -> str:
        return f"{self.language}: {self.template}: {self.word!r} {self.why}"


def lint(catalogue: Catalogue, *, wording: Wording = Wording.DIGITS) -> tuple[Finding, ...]:
    """
    Return which templates advertise a word that carriers take for an opt-out, an opt-in or a call for help.

    Each is looked at with all of its optional parts and without them, and with what *wording* says can be answered.

    Cost: 30 ms for a whole catalogue.

    >>> texts = {"cancelled": "It is cancelled. Reply start for a new one."}
    >>> [(each.word, each.why) for each in lint(Catalogue(language="en", texts=texts))]
    [('start', "after 'Reply'")]
    """
    values = sample_values(catalogue, wording=wording)
    named = [*catalogue.texts.items(), *((f"titles.{name}", text) for name, text in catalogue.titles.items())]
    found = {
        Finding(language=catalogue.language, template=name, word=word, why=why)
        for name, template in named
        for text in _renderings(template, values)
        for word, why in advertised(text)
    }
    return tuple(sorted(found))


def _renderings(template: str, values: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return a template with everything in it, with each value missing alone that may be missing, and with none."""
    always, may_lack = names_in(template)
    optional = may_lack - always
    without = [{**values, name: None} for name in sorted(optional)]
    none = {**values, **dict.fromkeys(optional)}
    return tuple(dict.fromkeys(fill(template, each) for each in (values, *without, none)))


# ---------------------------------------------------------------------------- one text


@attrs.frozen
class _Token:
    text: str
    key: str
    start: int
    end: int

    @property
    def is_capital(self) -> bool:
        """Whether it is in capitals."""
        return self.text.isupper() and len(self.text) > 1


_WORD: Final = re.compile(r"[^\W_]+")
_QUOTES: Final = (
    "\"'`\u00b4\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u300c\u300d*_~[]<>"
)


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_JOINS: Final = frozenset({"or", "and", "oder", "und", "ou", "et", "o", "u", "y", "e"})
_FILLERS: Final = _words(
    "with by via using back just simply only either please the a word words text keyword code message us "
    "sie bitte mit per einfach nur das dem den wort stichwort uns "
    "par avec simplement seulement juste le la mot code texte nous svp "
    "con simplemente solo por favor la el palabra texto nos usted"
)
_VERBS: Final = _words(
    "reply text answer send respond type write enter "
    "antworte antworten antwortet sende senden sendet schicke schicken schreibe schreiben tippe tippen "
    "erwidern simsen "
    "repondez repondre reponds envoyez envoyer envoie tapez taper tape ecrivez ecrire ecris textez texter "
    "saisissez "
    "responda responder responde conteste contestar contesta envie enviar envia escriba escribir escribe "
    "mande mandar manda teclee ponga"
)
"""Verbs of answering, without accents. All languages together: a text may hold several."""
_VERBS_BEHIND: Final = _words("antworten senden schicken schreiben erwidern")
"""Those that may stand behind what is answered: "mit ... antworten"."""
_BEHIND_MAX: Final = 6
"""So many words before such a verb are looked at."""
_GAP: Final = re.compile(rf"[\s:{re.escape(_QUOTES)}]*")
_LIST_GAP: Final = re.compile(rf"[\s,;/|{re.escape(_QUOTES)}]*")
_HYPHENS: Final = re.compile(r"[\s\-\u2010-\u2015]?")


def advertised(text: str) -> tuple[tuple[str, str], ...]:
    """
    Return which reserved words a text advertises, each with the reason; empty: none.

    >>> advertised("Reply STOP to end"), advertised("Your callback is cancelled. Call to cancel another one.")
    ((('stop', 'in capitals'),), ())
    """
    plain = _plain(text)
    tokens = tuple(
        _Token(found[0], _key(found[0]), found.start(), found.end()) for found in _WORD.finditer(plain)
    )
    reserved = _reserved()
    if reserved.keys().isdisjoint(token.key for token in tokens):
        return ()
    answers = _answers(plain, tokens)
    found: dict[str, str] = {}
    for index, token in enumerate(tokens):
        for word, keys in reserved.get(token.key, ()):
            run = tokens[index : index + len(keys)]
            if tuple(each.key for each in run) == keys and _is_joined(plain, run):
                why = _why(plain, run, answers.get(index))
                if why is not None:
                    found.setdefault(word, why)
    return tuple(sorted(found.items()))


def _plain(text: str) -> str:
    """Return a text in letters of the ordinary width, without what cannot be seen."""
    if text.isascii():
        return text
    wide = unicodedata.normalize("NFKC", text)
    return "".join(each for each in wide if unicodedata.category(each) not in {"Cf", "Mn"})


def _key(word: str) -> str:
    """Return a word as it is compared: in small letters, without accents."""
    if word.isascii():
        return word.lower()
    apart = unicodedata.normalize("NFD", word.casefold())
    return "".join(each for each in apart if unicodedata.category(each) != "Mn")


@cache
def _reserved() -> Mapping[str, Sequence[tuple[str, tuple[str, ...]]]]:
    """Return the words that carriers act on, each with the tokens it is made of, by the first of them."""
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for word in sorted(carrier_words().reserved):
        keys = tuple(_key(each[0]) for each in _WORD.finditer(word))
        found.setdefault(keys[0], []).append((word, keys))
    return found


def _is_joined(plain: str, run: Sequence[_Token]) -> bool:
    return all(_HYPHENS.fullmatch(plain[one.end : other.start]) for one, other in pairwise(run))


def _why(plain: str, run: Sequence[_Token], verb: str | None) -> str | None:
    if all(token.is_capital for token in run):
        return "in capitals"
    before, after = plain[: run[0].start].rstrip(" \u00a0"), plain[run[-1].end :].lstrip(" \u00a0")
    if before.endswith(tuple(_QUOTES)) and after.startswith(tuple(_QUOTES)):
        return "in quotes"
    return None if verb is None else f"after {verb!r}"


def _answers(plain: str, tokens: Sequence[_Token]) -> Mapping[int, str]:
    """Return which words stand where an answer stands: behind a verb of answering, or listed there; with the verb."""
    found: dict[int, str] = {}
    for index, token in enumerate(tokens):
        if token.key in _VERBS:
            found |= dict.fromkeys(_listed_after(plain, tokens, index), token.text)
        if token.key in _VERBS_BEHIND:
            near = range(max(0, index - _BEHIND_MAX), index)
            starts = [place for place in near if tokens[place].key in {"mit", "per"}]
            found |= {place: token.text for start in starts[-1:] for place in range(start + 1, index)}
    return found


def _listed_after(plain: str, tokens: Sequence[_Token], verb: int) -> Iterator[int]:
    """Give what is listed behind a verb: the words right after it, then what is joined to them by commas or "or"."""
    index, gap = verb + 1, _GAP
    while index < len(tokens) and gap.fullmatch(plain[tokens[index - 1].end : tokens[index].start]):
        while _is_filler(plain, tokens, index):
            index += 1
        yield index
        index += 1
        joined = index < len(tokens) and tokens[index].key in _JOINS
        between = plain[tokens[index - 1].end : tokens[index].start] if index < len(tokens) else ""
        if joined and _LIST_GAP.fullmatch(between):
            index, gap = index + 1, _LIST_GAP
        elif any(each in between for each in ",;/|"):
            gap = _LIST_GAP
        else:
            return


def _is_filler(plain: str, tokens: Sequence[_Token], index: int) -> bool:
    """Whether a word only leads to the one behind it: "with", "the word"."""
    if index + 1 >= len(tokens) or tokens[index].key not in _FILLERS:
        return False
    return _GAP.fullmatch(plain[tokens[index].end : tokens[index + 1].start]) is not None


# ---------------------------------------------------------------------------- lengths

_COMPANY: Final = "Northwind Customer Support"
_NUMBER: Final = "+44 1632 960 983"
_NAME: Final = "Maria Alexandra Fernandez"
_LINK: Final = "https://callbacks.example.com/c/{token}"
_TOKEN: Final = "x" * 43
_LABEL: Final = "customer-support"
_CHANNELS: Final = "WhatsApp, service@northwind.example"
_CLOCK: Final = "12:30 PM AEST"
_TIME: Final = f"Wednesday, September 30, 2026, {_CLOCK}"


def sample_values(
    catalogue: Catalogue,
    *,
    wording: Wording = Wording.DIGITS,
    choices_count: int = 3,
    link: str | None = None,
) -> Mapping[str, str | None]:
    """Return a value for every placeholder: as long as they come, in the ordinary way of the world."""
    time = _longest_time(catalogue)
    replies = {name: REPLIES[wording][wish] for name, wish in REPLY_NAMES.items()}
    return {
        "company": _COMPANY,
        "company_number": _NUMBER,
        "name": _NAME,
        "time": time,
        "number_end": "0123",
        "choices": ", ".join(f"{number}) {time}" for number in range(1, choices_count + 1)),
        "callbacks": ", ".join(f"{number}) {_LABEL}: {time}" for number in range(1, 4)),
        "position": "1000",
        "wait": "100-120 min",
        "link": (link or _LINK).replace("{token}", _TOKEN),
        "code": "12345678",
        "other_channels": _CHANNELS,
        "call_me": next(iter(catalogue.words.get(ReplyWish.CALL, ())), None),
        **replies,
    }


def _longest_time(catalogue: Catalogue) -> str:
    dates = catalogue.dates
    if dates is None:
        return _TIME
    date = fill(
        dates.date_with_year,
        {
            "weekday": _longest(dates.weekdays),
            "day": "30",
            "month": _longest(dates.months),
            "year": "2026",
        },
    )
    return fill(dates.date_and_time, {"date": date, "clock": "22:30 UTC+10:30"})


def _longest(names: Iterable[str]) -> str:
    return max(names, key=lambda name: (segments_of(name).encoding.value, len(name)))


def lengths_of(
    catalogue: Catalogue,
    *,
    wording: Wording = Wording.DIGITS,
    choices_count: int = 3,
    link: str | None = None,
) -> Mapping[str, Segments]:
    """
    Return in how many parts each text goes out at most: with the longest values, of what it may hold or not.

    Args:
        choices_count: so many times to choose from. link: `Messages.link`; None: one of common length.

    >>> lengths_of(Catalogue(language="en", texts={"which": "Which one? {callbacks}"}))["which"].count
    2
    """
    values = sample_values(catalogue, wording=wording, choices_count=choices_count, link=link)
    return {name: _longest_of(_renderings(template, values)) for name, template in catalogue.texts.items()}


def _longest_of(texts: Iterable[str]) -> Segments:
    return max(map(segments_of, texts), key=lambda found: (found.count, found.units))
