"""Which messages customers get, by which channels, when, and in whose words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Final, cast

import attrs

from callbackq.errors import ConfigurationError
from callbackq.model import SMS, MessageKind, ReplyWish
from callbackq.policy.catalogue import REPLIES, Catalogue, Wording, catalogue_of, missing_in, own_texts
from callbackq.policy.checks import (
    check_member,
    int_within,
    is_name,
    own_members,
    own_names,
    repr_sorted,
    within,
)
from callbackq.policy.linting import lengths_of, lint

KINDS_DEFAULT: Final = frozenset(MessageKind) - {MessageKind.EXPIRED}
"""All but that a callback has expired: nobody is told of that unless the host wants it."""

DIGITS_DEFAULT: Final[Mapping[ReplyWish, str]] = REPLIES[Wording.DIGITS]
CHOICES_MAX: Final = 5
"""So many times are offered in one message, numbered from 1. The digit for CANCEL is above."""


def _own_kinds(kinds: object) -> frozenset[MessageKind]:
    return own_members("Messages.kinds", kinds, MessageKind)


@attrs.frozen(kw_only=True)
class Messages:
    """
    What the customers of one queue read, and how their answers are understood.

    The company's name and number in the texts are `QueuePolicy.company` and `company_number`.

    Args:
        channels: in order of preference, in your own words or `sms`, `whatsapp`, `email`, `push`. What certainly did
            not arrive by one goes by the next; the channel that a customer prefers goes first, if it is among them.
        kinds: which messages are sent, besides answers to what a customer writes.
        languages: by language, your own templates in place of the built-in ones (`en`, `de`, `fr`, `es`), or a language
            of your own. See `Catalogue`. A text that advertises a word which carriers take for an opt-out is refused.
        wording: digits and free words in the built-in texts, or the words of the handbook (CANCEL, RESCHEDULE, UPDATE).
            **With `Wording.S2` a customer who answers CANCEL is unsubscribed by most carriers**, and gets no message of
            yours any more, before you hear of it.
        answers: whether what a customer writes may cancel and change callbacks at all.
        requests: whether a customer may ask for a callback by message.
        verify_new_number: whether a new number that is given by message must be proved by a one-time code sent there.
        cancel_phrase_opts_out: whether "cancel my callback", in more words than one, is an opt-out as well. The bare
            word always is.
        opt_out_confirmed: whether an opt-out is confirmed by one last message. Most carriers answer STOP themselves.
        quiet_from, quiet_until: no message is sent between the two, on the clocks of every zone where the customer may
            be; but for answers, and around a time that the customer chose. Both None: at any hour.
        slip_margin: how long after the promised time a customer who still waits is told so, once; None: never.
        choices_max: so many times are offered in one message. 1 to 5.
        segments_max: a text of your own that takes more parts than this, with the longest values, is refused when the
            policy is built. 1 to 10. The built-in ones take up to 3, with `choices_max` 3.
        tries_max: sends by one channel that were certainly refused. 1 to 10.
        rest: how long after a refused send the next one is; doubled each time. 1 s to 1 h.
        send_time_max: how long a send may take; then nobody knows. 1 s to 10 min.
        receipt_time_max: how long a receipt is waited for. 1 min to 14 days.
        uncertain_life: how long a send of which nobody knows stays open for a receipt or a person. 1 min to 30 days.
        message_life: what was not sent by then is withdrawn. 1 min to 7 days.
        question_life: how long a bare number is understood as the answer to the last question. 1 min to 7 days.
        link: the address of your own page on which a customer can change or cancel the callback, with `{token}` in it;
            the texts have it as `{link}`. None: no link.
        link_life: how long a link can be used. 1 min to 30 days.

    Raises:
        ConfigurationError: a value is out of its bounds; a template lacks a placeholder, has an unknown one, is too
            long, or advertises a reserved word; a language of your own is not whole.

    >>> Messages(channels=("whatsapp", "sms")).tries_max
    3
    """

    channels: tuple[str, ...] = attrs.field(default=(SMS,), converter=own_names)
    kinds: frozenset[MessageKind] = attrs.field(default=KINDS_DEFAULT, converter=_own_kinds, repr=repr_sorted)
    languages: Mapping[str, Catalogue] = attrs.field(factory=dict[str, Catalogue], converter=own_texts)
    wording: Wording = Wording.DIGITS
    answers: bool = True
    requests: bool = True
    verify_new_number: bool = True
    cancel_phrase_opts_out: bool = False
    opt_out_confirmed: bool = False
    quiet_from: time | None = time(21)
    quiet_until: time | None = time(8)
    slip_margin: timedelta | None = timedelta(minutes=15)
    choices_max: int = 3
    segments_max: int = 4
    tries_max: int = 3
    rest: timedelta = timedelta(seconds=30)
    send_time_max: timedelta = timedelta(minutes=1)
    receipt_time_max: timedelta = timedelta(hours=72)
    uncertain_life: timedelta = timedelta(hours=24)
    message_life: timedelta = timedelta(hours=12)
    question_life: timedelta = timedelta(hours=24)
    link: str | None = None
    link_life: timedelta = timedelta(days=7)

    def __attrs_post_init__(self) -> None:
        if not _are_names(self.channels):
            raise ConfigurationError(
                "Messages.channels", self.channels, "one or more texts of 1 to 64 characters"
            )
        for field in _BOOLS:
            check_member(f"Messages.{field}", getattr(self, field), bool)
        check_member("Messages.wording", self.wording, Wording)
        for field, least, most in _INT_BOUNDS:
            int_within(f"Messages.{field}", getattr(self, field), least, most)
        for field, low, high in _BOUNDS:
            if not (field == "slip_margin" and self.slip_margin is None):
                within(f"Messages.{field}", getattr(self, field), low, high)
        _check_quiet(self.quiet_from, self.quiet_until)
        if self.link is not None and (not is_link(self.link)):
            raise ConfigurationError("Messages.link", self.link, "an address of https with {token} in it")
        _check_texts(self)

    def catalogue(self, language: str) -> Catalogue:
        """
        Return the texts of a language: as it is (`fr-CA`), or else without its region, or else English.

        Your own templates stand in it before the built-in ones. `Catalogue.language` says which language it is.
        """
        return catalogue_of(self.languages, language=language, wording=self.wording)


def _check_texts(messages: Messages) -> None:
    """Check the host's own texts: they advertise no reserved word, are not too long, and none is missing."""
    for language, catalogue in messages.languages.items():
        field = f"Messages.languages[{catalogue.language!r}]"
        if missing := missing_in(messages.languages, language):
            more = f" and {len(missing) - 5} more" if missing[5:] else ""
            raise ConfigurationError(
                field,
                "a language without built-in texts",
                f"all of them; it lacks {', '.join(missing[:5])}{more}",
            )
        for found in lint(catalogue):
            raise ConfigurationError(
                f"{field}.{found.template}",
                found.word,
                f"no word that carriers act on, {found.why}; {{cancel}}, {{other_time}} and so on say what to answer",
            )
        whole = messages.catalogue(language)
        lengths = lengths_of(
            whole, wording=messages.wording, choices_count=messages.choices_max, link=messages.link
        )
        for name in catalogue.texts:
            if lengths[name].count > messages.segments_max:
                raise ConfigurationError(
                    f"{field}.{name}",
                    f"a text of {lengths[name].count} parts ({lengths[name].encoding}) with the longest values",
                    f"{messages.segments_max} parts (Messages.segments_max)",
                )


def _are_names(channels: object) -> bool:
    """Whether it is one name, or more. What `own_names` could make no names of comes here as it was given."""
    if not isinstance(channels, tuple) or not channels:
        return False
    return all(is_name(channel) for channel in cast("tuple[object, ...]", channels))


_LINK_MAX: Final = 500


def is_link(value: object) -> bool:
    """Whether it is the address of a page, with one place for a token."""
    if not isinstance(value, str) or not value.isprintable() or len(value) > _LINK_MAX:
        return False
    rest = value.replace("{token}", "", 1)
    return value.startswith("https://") and rest != value and "{" not in rest and " " not in rest


def _check_quiet(start: object, end: object) -> None:
    if start is None and end is None:
        return
    for field, value in (("quiet_from", start), ("quiet_until", end)):
        if not isinstance(value, time) or value.tzinfo is not None:
            raise ConfigurationError(f"Messages.{field}", value, "a time on the clock, and both or neither")
    if start == end:
        raise ConfigurationError("Messages.quiet_until", end, "another time than quiet_from")


_S: Final = timedelta(seconds=1)
_M: Final = timedelta(minutes=1)
_D: Final = timedelta(days=1)
_BOOLS: Final = (
    "answers",
    "requests",
    "verify_new_number",
    "cancel_phrase_opts_out",
    "opt_out_confirmed",
)
_INT_BOUNDS: Final = (("choices_max", 1, CHOICES_MAX), ("segments_max", 1, 10), ("tries_max", 1, 10))
_BOUNDS: Final = (
    ("slip_margin", 0 * _S, _D),
    ("rest", _S, 60 * _M),
    ("send_time_max", _S, 10 * _M),
    ("receipt_time_max", _M, 14 * _D),
    ("uncertain_life", _M, 30 * _D),
    ("message_life", _M, 7 * _D),
    ("question_life", _M, 7 * _D),
    ("link_life", _M, 30 * _D),
)
