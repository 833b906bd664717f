"""What customers write: the words that carriers act on by themselves, with source and date; and English words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any, Final, cast

import attrs

from callbackq.errors import ConfigurationError
from callbackq.model import ReplyWish
from callbackq.policy.checks import Frozen

_FILE: Final = "carriers.toml"


def _of(phrases: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in phrases.split("|"))


ALWAYS: Final[Mapping[ReplyWish, tuple[str, ...]]] = Frozen(
    {
        ReplyWish.CANCEL: _of(
            "cancel | drop | no longer need | do not need the call | don't need the call | do not need a call"
            " | don't need a call | do not need the callback | don't need the callback"
        ),
        ReplyWish.OTHER_TIME: _of(
            "reschedule | other time | another time | different time | new time | change time | change the time"
            " | later | call me later | call me at | call me on | call at | call tomorrow | call me tomorrow"
        ),
        ReplyWish.NUMBER: _of(
            "update | change number | change my number | change the number | new number | other number"
            " | another number | different number | call my cell | call my mobile | call my phone | call my office"
        ),
        ReplyWish.STATUS: _of("status | any update | any updates | an update"),
        ReplyWish.CALL: _of("call me | call me back"),
        ReplyWish.HELP: _of("help | info"),
        ReplyWish.OPT_OUT: _of(
            "unsubscribe | stopall | optout | opt out | opt me out | stop all | stop texting | stop messaging"
            " | stop writing | stop sending | stop contacting | stop the messages | stop the texts | no more texts"
            " | no more messages | do not text | don't text | do not message me | don't message me"
            " | do not write to me | don't write to me | take me off | remove me from | leave me alone"
        ),
        ReplyWish.NO_CALLS: _of(
            "do not call | don't call | never call | do not phone | don't phone | stop calling | stop phoning"
            " | stop the calls | stop all calls | no calls | no more calls"
        ),
        ReplyWish.THANKS: _of(
            "thanks | thank you | thx | ok | okay | yes | great | perfect | see you later | talk to you later"
            " | bis später | à plus tard | hasta luego"
        ),
    }
)
"""
Words that are understood in every language and wording: those of the handbook (CANCEL, RESCHEDULE, UPDATE), the wish to
be left alone, and what would be taken for something else.
"""


@attrs.frozen(kw_only=True)
class Carrier:
    """
    What one provider, or the law of one place, takes certain words for.

    Args:
        key: its name in the data file, such as `twilio`.
        name: in words.
        opt_out: what its customers answer to get no more messages. It acts on them before you hear of it.
        opt_in: what they answer to get messages again.
        help: what it answers itself with a text of its own.
        single_word: whether only a message that is nothing but the word is acted on.
        source: where it says so. as_of: when that was last read.
    """

    key: str
    name: str
    opt_out: frozenset[str]
    opt_in: frozenset[str]
    help: frozenset[str]
    single_word: bool
    source: str
    as_of: date


@attrs.frozen(kw_only=True)
class CarrierWords:
    """The words of all carriers together, in small letters, and each carrier's own."""

    opt_out: frozenset[str]
    opt_in: frozenset[str]
    help: frozenset[str]
    carriers: tuple[Carrier, ...]

    @property
    def reserved(self) -> frozenset[str]:
        """All of them: what no text of ours may advertise as an answer for anything else."""
        return self.opt_out | self.opt_in | self.help

    def takers(self, word: str) -> tuple[Carrier, ...]:
        """
        Return who takes this word for an opt-out, in any case of its letters.

        >>> [carrier.key for carrier in carrier_words().takers("Remove")]
        ['aws']
        """
        return tuple(carrier for carrier in self.carriers if word.casefold() in carrier.opt_out)


@cache
def carrier_words() -> CarrierWords:
    """
    Return the words that carriers act on, as the built-in data file has them.

    Cost: the file is read once in a process.

    >>> "cancel" in carrier_words().opt_out
    True
    >>> sorted(carrier_words().help)
    ['help', 'info']
    """
    from importlib.resources import files

    return read_carriers((files("callbackq.policy") / _FILE).read_text(encoding="utf-8"))


def read_carriers(text: str) -> CarrierWords:
    """
    Return the words from a text in the format of the built-in data file: TOML, a table for each carrier.

    Raises:
        ConfigurationError: it is no TOML, or a table lacks a field, or has one of another kind.
    """
    import tomllib

    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(_FILE, str(error), "TOML") from error
    carriers = tuple(_carrier(key, table) for key, table in tables.items())
    return CarrierWords(
        opt_out=_all(carrier.opt_out for carrier in carriers),
        opt_in=_all(carrier.opt_in for carrier in carriers),
        help=_all(carrier.help for carrier in carriers),
        carriers=carriers,
    )


def _all(words: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*words)


_KINDS: Final[dict[str, type]] = {
    "name": str,
    "source": str,
    "as_of": date,
    "single_word": bool,
    "opt_out": list,
    "opt_in": list,
    "help": list,
}


def _carrier(key: str, table: object) -> Carrier:
    held = cast("dict[str, Any]", table) if isinstance(table, dict) else {}
    if set(held) != set(_KINDS):
        raise ConfigurationError(f"{_FILE} [{key}]", ", ".join(held), f"a table of {', '.join(_KINDS)}")
    for field, kind in _KINDS.items():
        if not isinstance(held[field], kind):
            raise ConfigurationError(f"{_FILE} [{key}] {field}", held[field], kind.__name__)
    return Carrier(
        key=key,
        name=held["name"],
        source=held["source"],
        as_of=held["as_of"],
        single_word=held["single_word"],
        opt_out=_words(f"[{key}] opt_out", held["opt_out"]),
        opt_in=_words(f"[{key}] opt_in", held["opt_in"]),
        help=_words(f"[{key}] help", held["help"]),
    )


def _words(field: str, words: list[object]) -> frozenset[str]:
    for word in words:
        if not isinstance(word, str) or not word.strip():
            raise ConfigurationError(f"{_FILE} {field}", word, "a list of words")
    return frozenset(cast("str", word).casefold() for word in words)
