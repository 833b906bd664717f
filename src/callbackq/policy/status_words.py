"""What other products call the end of a callback, with source and date."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any, Final, TypeVar, cast

import attrs

from callbackq.errors import ConfigurationError
from callbackq.model.figures import CallbackFacts
from callbackq.model.records import Callback
from callbackq.model.words import CallbackState, Disposition, Outcome
from callbackq.policy.checks import Frozen

_FILE: Final = "status_words.toml"
_WordT = TypeVar("_WordT", bound=enum.StrEnum)


@attrs.frozen(kw_only=True)
class StatusWords:
    """
    What a product calls a callback.

    Args:
        product: its key, such as `talkdesk`.
        call: its word for the last call that was made; None if it has none, or none was made.
        contact: its word for the whole of it; None if it has none.
        note: why a word is missing; None if none is.
    """

    product: str
    call: str | None
    contact: str | None
    note: str | None


@attrs.frozen
class _Pair:
    call: str | None = None
    contact: str | None = None


_NO_WORDS: Final = _Pair()


@attrs.frozen(kw_only=True)
class Product:
    """
    What one product calls things.

    Args:
        key: its name in the data file.
        name: in words.
        call_is: what its words for a call are; empty if it has none.
        contact_is: what its words for a contact are; empty if it has none.
        source: where it says so.
        as_of: when that was last read.
        silent: why it has no word for the rest.
        states: its word for a contact that is not over, by our state.
        outcomes: its words for one that is.
        after: the same by outcome and last disposition; it goes before `outcomes`.
        dispositions: its word for a call, where the two before have none.
    """

    key: str
    name: str
    call_is: str
    contact_is: str
    source: str
    as_of: date
    silent: str
    states: Mapping[CallbackState, str]
    outcomes: Mapping[Outcome, _Pair]
    after: Mapping[tuple[Outcome, Disposition], _Pair]
    dispositions: Mapping[Disposition, str]

    def words(
        self,
        *,
        outcome: Outcome | None,
        last_disposition: Disposition | None = None,
        state: CallbackState | None = None,
    ) -> StatusWords:
        """
        Return its words for a callback that ended so, after a last attempt that ended so; or stands so.

        Args:
            outcome: None while it has not ended.
            last_disposition: None if it was never attempted.
            state: of one that has not ended.
        """
        by_outcome = _NO_WORDS if outcome is None else self.outcomes.get(outcome, _NO_WORDS)
        after = _NO_WORDS
        if outcome is not None and last_disposition is not None:
            after = self.after.get((outcome, last_disposition), _NO_WORDS)
        call = after.call or by_outcome.call
        if call is None and last_disposition is not None:
            call = self.dispositions.get(last_disposition)
        contact = after.contact or by_outcome.contact
        if outcome is None and state is not None:
            contact = self.states.get(state)
        missing = contact is None or (call is None and last_disposition is not None)
        return StatusWords(
            product=self.key, call=call, contact=contact, note=self.silent if missing else None
        )


def status_words(callback: Callback | CallbackFacts, *, product: str) -> StatusWords:
    """
    Return what another product calls a callback like this one, per call and per contact.

    Every outcome after every disposition has an answer: its words, or a note that says why it has none.

    Args:
        product: one of `status_products()`.

    Raises:
        ConfigurationError: nothing is known of such a product.

    >>> words = product_words("talkdesk").words(
    ...     outcome=Outcome.UNREACHED, last_disposition=Disposition.NO_ANSWER
    ... )
    >>> words.call, words.contact
    ('Missed Call', 'Answered Contact')
    """
    return product_words(product).words(
        outcome=callback.outcome,
        last_disposition=callback.last_disposition,
        state=callback.state if isinstance(callback, Callback) else None,
    )


def status_products() -> tuple[str, ...]:
    """Return the products of which something is known, by key, also those that have no words."""
    return tuple(_products())


def product_words(product: str) -> Product:
    """Return all that is known of one product. Raises: ConfigurationError."""
    found = _products().get(product)
    if found is None:
        raise ConfigurationError("product", product, f"one of {', '.join(_products())}")
    return found


@cache
def _products() -> Mapping[str, Product]:
    from importlib.resources import files

    return read_status_words((files("callbackq.policy") / _FILE).read_text(encoding="utf-8"))


# ---------------------------------------------------------------------------- reading


def read_status_words(text: str) -> Mapping[str, Product]:
    """
    Return the products of a text in the format of the built-in data file: TOML, a table for each.

    Raises:
        ConfigurationError: it is no TOML; a table lacks a field, or has one of another kind or none of ours.
    """
    import tomllib

    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(_FILE, str(error), "TOML") from error
    return Frozen({key: _product(key, table) for key, table in tables.items()})


_KINDS: Final[dict[str, type]] = {
    "name": str,
    "call_is": str,
    "contact_is": str,
    "source": str,
    "as_of": date,
    "silent": str,
    "states": dict,
    "outcomes": dict,
    "after": dict,
    "dispositions": dict,
}


def _product(key: str, table: object) -> Product:
    where = f"{_FILE} [{key}]"
    held = _table(where, table)
    if set(held) != set(_KINDS):
        raise ConfigurationError(where, ", ".join(held), f"a table of {', '.join(_KINDS)}")
    for field, kind in _KINDS.items():
        if not isinstance(held[field], kind):
            raise ConfigurationError(f"{where} {field}", held[field], kind.__name__)
    after = {
        (outcome, disposition): _pair(f"{where} after.{outcome}.{disposition}", words)
        for outcome, below in _members(f"{where} after", held["after"], Outcome).items()
        for disposition, words in _members(f"{where} after.{outcome}", below, Disposition).items()
    }
    outcomes = _members(f"{where} outcomes", held["outcomes"], Outcome)
    return Product(
        key=key,
        name=held["name"],
        call_is=held["call_is"],
        contact_is=held["contact_is"],
        source=held["source"],
        as_of=held["as_of"],
        silent=held["silent"],
        states=_texts(f"{where} states", held["states"], CallbackState),
        outcomes=Frozen({name: _pair(f"{where} outcomes.{name}", words) for name, words in outcomes.items()}),
        after=Frozen(after),
        dispositions=_texts(f"{where} dispositions", held["dispositions"], Disposition),
    )


def _table(where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigurationError(where, value, "a table")
    return cast("dict[str, Any]", value)


def _members(where: str, value: object, words: type[_WordT]) -> dict[_WordT, Any]:
    table = _table(where, value)
    for name in table:
        if name not in set(words):
            raise ConfigurationError(where, name, f"one of {', '.join(words)}")
    return {words(name): held for name, held in table.items()}


def _texts(where: str, value: object, words: type[_WordT]) -> Mapping[_WordT, str]:
    held = _members(where, value, words)
    for name, text in held.items():
        if not isinstance(text, str) or not text:
            raise ConfigurationError(f"{where}.{name}", text, "a word")
    return Frozen(held)


def _pair(where: str, value: object) -> _Pair:
    held = _table(where, value)
    if (
        not held
        or not set(held) <= {"call", "contact"}
        or not all(isinstance(held[name], str) for name in held)
    ):
        raise ConfigurationError(where, ", ".join(held), "a word for call, contact, or both")
    return _Pair(call=held.get("call"), contact=held.get("contact"))
