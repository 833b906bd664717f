"""
What follows an attempt that failed: one rule for each disposition, and presets.

A rule is data. What is made of it is in `core.retry`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from typing import Final

import attrs

from callbackq.errors import ConfigurationError
from callbackq.model import Disposition, NoticeKind
from callbackq.policy.checks import Frozen, check_member, check_zone_key, int_within, number_within, within
from callbackq.policy.presetting import read_preset, read_preset_map
from callbackq.policy.words import NumberChoice, PlaceAfter, Voicemail

REST_MAX: Final = timedelta(days=30)
_ZERO: Final = timedelta(0)
TO_CUSTOMER: Final = (
    NoticeKind.MISSED,
    NoticeKind.UNREACHED,
    NoticeKind.OTHER_TIME,
    NoticeKind.NO_SHOWS,
    NoticeKind.NO_AGENT,
    NoticeKind.SURVEY,
)
"""What a customer can be told; the other kinds are for the company, and follow by themselves."""


def _own_rests(rests: Sequence[timedelta]) -> tuple[timedelta, ...]:
    """Copy the host's rests, so that none can change after the check."""
    if not isinstance(rests, list | tuple) or not rests:
        raise ConfigurationError("SteppedRest.rests", rests, "a list of at least one timedelta")
    return tuple(rests)


@attrs.frozen(kw_only=True)
class SteppedRest:
    """
    One rest after another: the first after the first failure of this kind, and so on; the last one again after that.

    Args:
        rests: at least one; each 0 to 30 days.

    >>> SteppedRest(rests=(timedelta(minutes=2), timedelta(minutes=10))).shortest
    datetime.timedelta(seconds=120)
    """

    rests: tuple[timedelta, ...] = attrs.field(converter=_own_rests)

    def __attrs_post_init__(self) -> None:
        for rest in self.rests:
            within("SteppedRest.rests", rest, _ZERO, REST_MAX)

    @property
    def shortest(self) -> timedelta:
        """The shortest of them."""
        return min(self.rests)


@attrs.frozen(kw_only=True)
class ExponentialRest:
    """
    Each rest is `factor` times the one before, and never longer than `rest_max`.

    Args:
        first: 1 s to 30 days.
        factor: 1 to 100.
        rest_max: `first` to 30 days.
    """

    first: timedelta
    factor: float = 2.0
    rest_max: timedelta = timedelta(days=1)

    def __attrs_post_init__(self) -> None:
        within("ExponentialRest.first", self.first, timedelta(seconds=1), REST_MAX)
        number_within("ExponentialRest.factor", self.factor, 1, 100)
        within("ExponentialRest.rest_max", self.rest_max, self.first, REST_MAX)

    @property
    def shortest(self) -> timedelta:
        """The first one."""
        return self.first


@attrs.frozen(kw_only=True)
class NextBusinessDay:
    """
    Until a time of day on the next day of work.

    Args:
        at: the time of day, in `zone`; naive.
        zone: an IANA key, such as `"Europe/Berlin"`.
        weekdays: days of work; 0 is Monday.

    Raises:
        ConfigurationError: there is no such zone, no day of work, or the time has a zone of its own.
    """

    at: time = time(9)
    zone: str = "UTC"
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.at, time) or self.at.tzinfo is not None:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError("NextBusinessDay.at", self.at, "a time without a zone")
        check_zone_key("NextBusinessDay.zone", self.zone)
        if not isinstance(self.weekdays, tuple) or not self.weekdays:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                "NextBusinessDay.weekdays", self.weekdays, "a tuple of days, 0 (Monday) to 6"
            )
        for day in self.weekdays:
            int_within("NextBusinessDay.weekdays", day, 0, 6)

    @property
    def shortest(self) -> timedelta:
        """Nearly nothing: from the last moment of one day to the first of the next."""
        return _ZERO


Rest = timedelta | SteppedRest | ExponentialRest | NextBusinessDay


@attrs.frozen(kw_only=True)
class RetryRule:
    """
    What follows one disposition: try again `retries_max` times, each after a rest, or end.

    Args:
        retries_max: how often, after this disposition. 0 to 100.
        rest: how long first: a `timedelta` up to 30 days, or a `SteppedRest`, `ExponentialRest`, `NextBusinessDay`.
        jitter_ratio: each rest is made longer by up to this share of itself, by chance. 0 to 1.
        number: which of the person's numbers is dialed then.
        place: where in line it stands when the rest is over.
        voicemail: what a machine hears that answers; for MACHINE only.
        notice: what the customer is told when it is tried again; nothing if None.
        last_notice: what the customer is told when it is not.
        follow_up_within: by when somebody of the company should see to the customer when it is not; nobody if None.
            1 min to 30 days.

    >>> RetryRule(retries_max=1, rest=timedelta(minutes=2)).rest
    datetime.timedelta(seconds=120)
    """

    retries_max: int = 0
    rest: Rest = _ZERO
    jitter_ratio: float = 0.0
    number: NumberChoice = NumberChoice.SAME
    place: PlaceAfter = PlaceAfter.KEEP
    voicemail: Voicemail = Voicemail.NOTHING
    notice: NoticeKind | None = None
    last_notice: NoticeKind | None = NoticeKind.UNREACHED
    follow_up_within: timedelta | None = timedelta(hours=24)

    def __attrs_post_init__(self) -> None:
        int_within("RetryRule.retries_max", self.retries_max, 0, 100)
        if not isinstance(self.rest, SteppedRest | ExponentialRest | NextBusinessDay):
            within("RetryRule.rest", self.rest, _ZERO, REST_MAX)
        number_within("RetryRule.jitter_ratio", self.jitter_ratio, 0, 1)
        check_member("RetryRule.number", self.number, NumberChoice)
        check_member("RetryRule.place", self.place, PlaceAfter)
        check_member("RetryRule.voicemail", self.voicemail, Voicemail)
        for field in ("notice", "last_notice"):
            if getattr(self, field) is not None:
                check_member(f"RetryRule.{field}", getattr(self, field), NoticeKind)
                if getattr(self, field) not in TO_CUSTOMER:
                    raise ConfigurationError(
                        f"RetryRule.{field}", getattr(self, field), "what is for the customer"
                    )
        if self.follow_up_within is not None:
            within("RetryRule.follow_up_within", self.follow_up_within, timedelta(minutes=1), REST_MAX)

    @property
    def shortest_rest(self) -> timedelta:
        """The shortest rest that it can give."""
        return self.rest if isinstance(self.rest, timedelta) else self.rest.shortest


class RetryRules(Frozen[Disposition, RetryRule]):
    """
    Rules by disposition, which nobody can change. They can be hashed and pickled, and so can a policy.

    >>> rules = RetryRules({Disposition.BUSY: RetryRule(retries_max=1)})
    >>> rules[Disposition.BUSY].retries_max, Disposition.FAX in rules
    (1, False)
    """


RULES_ALLOWED: Final = "RetryRule by Disposition"


def own_rules(rules: Mapping[Disposition, RetryRule]) -> Mapping[Disposition, RetryRule]:
    """Copy the host's rules, so that none can change after the check."""
    if not isinstance(rules, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError("retry_rules", rules, RULES_ALLOWED)
    return RetryRules(rules)


# ---------------------------------------------------------------------------- presets


def _rules_of(name: str) -> Mapping[Disposition, RetryRule]:
    """Read the rules of a preset from its file."""
    return RetryRules(read_preset_map(Mapping[Disposition, RetryRule], name, "queue", "retry_rules"))


@attrs.frozen(kw_only=True)
class RetryPreset:
    """
    A product's way of trying again: `QueuePolicy(..., **preset.settings())`.

    Args:
        attempts_max: attempts that count, in all.
        rules: what follows each disposition.

    >>> RETRIES_GENESYS.attempts_max
    3
    """

    attempts_max: int
    rules: Mapping[Disposition, RetryRule]

    def settings(self) -> Mapping[str, object]:
        """Return the settings of a `QueuePolicy`, by their names."""
        return {"attempts_max": self.attempts_max, "retry_rules": self.rules}


RETRY_S2: Final = _rules_of("s2")
"""
The rules of the preset `s2`, after the retry table of the support handbook "Callback & Scheduled Call Management".

No answer: again after 2 min, once. Busy: after 3 min, once. A machine: a short voicemail, and a message.
Unreachable: once within 5 min. What is not named ends the callback with a message and a follow-up within 24 h. With
`attempts_max=2` that is all. An unknown ending rests 5 min, longer than a phone can ring.
"""

RETRIES_S2: Final = RetryPreset(attempts_max=read_preset(int, "s2", "queue", "attempts_max"), rules=RETRY_S2)
"""The preset `s2` with its two attempts in all. It is the default of a `QueuePolicy`."""

RETRIES_GENESYS: Final = RetryPreset(
    attempts_max=read_preset(int, "genesys", "queue", "attempts_max"), rules=_rules_of("genesys")
)
"""
The preset `genesys`: Genesys Engage Callback dials three times (`_max_dial_attempts`), 300 s apart
(`_dial_retry_timeout`), after whatever may pass: a refusal and a fax end it.
"""

RETRIES_MINDFUL: Final = RetryPreset(
    attempts_max=read_preset(int, "mindful", "queue", "attempts_max"), rules=_rules_of("mindful")
)
"""
The preset `mindful`: Mindful (Virtual Hold) on premise tries again after 5 min, twice at most after busy, no answer,
machine and all else, and twice in total.
"""

RETRY_PRESETS: Final[Mapping[str, RetryPreset]] = {
    "s2": RETRIES_S2,
    "genesys": RETRIES_GENESYS,
    "mindful": RETRIES_MINDFUL,
}
"""The presets by name."""
