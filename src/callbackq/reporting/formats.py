"""How figures are written for people, in one place: percent, minutes and seconds, money, scores, targets, verdicts."""

from __future__ import annotations

import enum
from typing import Final

import attrs

from callbackq.model.figures import Figure, FigureUnit, HostFigures, Target

NOTHING: Final = "–"
"""Stands where there is no value."""
MINUS: Final = "−"
_MORE_PLACES_MAX: Final = 4


class Verdict(enum.StrEnum):
    """Whether a target is met."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "no value"
    NONE = "no target"


MARKS: Final = {Verdict.MET: "✓", Verdict.NOT_MET: "✗", Verdict.UNKNOWN: "?", Verdict.NONE: ""}
"""What stands before a verdict, so that it can be seen without its colour."""


def verdict(figure: Figure) -> Verdict:
    """Return whether a figure's target is met."""
    if figure.target is None:
        return Verdict.NONE
    if figure.is_met is None:
        return Verdict.UNKNOWN
    return Verdict.MET if figure.is_met else Verdict.NOT_MET


def percent(ratio: float | None, *, places: int = 1) -> str:
    """
    Write a ratio in percent.

    >>> percent(0.8734), percent(1 / 3, places=0), percent(None)
    ('87.3 %', '33 %', '–')
    """
    return NOTHING if ratio is None else f"{_signed(f'{100 * ratio:,.{places}f}')} %"


def clock(seconds: float | None, *, places: int = 0) -> str:
    """
    Write a duration as a clock does, in minutes and seconds, and from an hour on with hours.

    >>> clock(83.4), clock(3_723), clock(-12), clock(899.7, places=1), clock(None)
    ('1:23', '1:02:03', '−0:12', '14:59.7', '–')
    """
    if seconds is None:
        return NOTHING
    parts = round(abs(seconds) * 10**places)
    whole, rest = divmod(parts, 10**places)
    sign = MINUS if seconds < 0 and parts else ""
    tail = f".{rest:0{places}d}" if places else ""
    if whole >= 3600:
        return f"{sign}{whole // 3600:,}:{whole // 60 % 60:02d}:{whole % 60:02d}{tail}"
    return f"{sign}{whole // 60}:{whole % 60:02d}{tail}"


def duration(seconds: float | None, *, places: int = 0) -> str:
    """
    Write a duration with its unit, so that nobody takes minutes for hours.

    >>> duration(724), duration(3_599.6), duration(3_599.6, places=1)
    ('12:04 min', '1:00:00 h', '59:59.6 min')
    """
    if seconds is None:
        return NOTHING
    has_hours = round(abs(seconds) * 10**places) >= 3600 * 10**places
    return f"{clock(seconds, places=places)} {'h' if has_hours else 'min'}"


def money(amount: float | None, *, currency: str = "", places: int | None = None) -> str:
    """
    Write an amount of money. From a thousand on without the small coins.

    >>> money(2_000, currency="$"), money(12.5, currency="EUR"), money(-0.4, currency="£")
    ('$2,000', 'EUR 12.50', '−£0.40')
    """
    if amount is None:
        return NOTHING
    if places is None:
        places = 0 if round(abs(amount), 2) >= 1000 or float(amount).is_integer() else 2
    digits = f"{abs(amount):,.{places}f}"
    sign = MINUS if amount < 0 and digits.strip("0.,") else ""
    return f"{sign}{currency}{' ' if currency[-1:].isalpha() else ''}{digits}"


def score(value: float | None, *, best: float = 5.0, places: int = 1) -> str:
    """
    Write what customers gave, and out of what.

    >>> score(4.58), score(None)
    ('4.6/5.0', '–')
    """
    return NOTHING if value is None else f"{_signed(f'{value:.{places}f}')}/{best:.1f}"


def count(number: float | None) -> str:
    """
    Write a number of things, or a mean number of them.

    >>> count(1_850), count(1.184)
    ('1,850', '1.18')
    """
    if number is None:
        return NOTHING
    return _signed(f"{number:,.0f}" if float(number).is_integer() else f"{number:,.2f}")


def counted(number: int, thing: str) -> str:
    """
    Write how many things there are.

    >>> counted(1, "callback"), counted(1_850, "live call")
    ('1 callback', '1,850 live calls')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _signed(digits: str) -> str:
    """Write a minus as one, and none before what is rounded to zero."""
    return digits.lstrip("-") if not digits.strip("-0.,") else digits.replace("-", MINUS)


@attrs.frozen(kw_only=True)
class Formats:
    """
    How the figures of one report are written.

    Args:
        currency: before an amount of money.
        scores_max: the best score that a customer can give.
    """

    currency: str = ""
    scores_max: float = 5.0

    @classmethod
    def of(cls, host: HostFigures | None) -> Formats:
        """Return how a host wants its figures written."""
        return cls() if host is None else cls(currency=host.currency, scores_max=host.scores_max)

    def value(self, figure: Figure) -> str:
        """
        Write a figure's value with its unit.

        What is rounded never looks as if it were the target: it gets more places then.
        """
        bound = _bound(figure.target)
        if figure.target is not None and figure.target.of is not None:
            bound = None  # The target is one of the share, and not of the number itself.
        return self._told_apart(figure.value, figure.unit, bound)

    def share(self, figure: Figure) -> str:
        """Write of a figure whose target is a share how large its share is."""
        if not figure.denominator or figure.numerator is None:
            return NOTHING
        return self._told_apart(
            figure.numerator / figure.denominator, FigureUnit.RATIO, _bound(figure.target)
        )

    def _told_apart(self, value: float | None, unit: FigureUnit, bound: float | None) -> str:
        text = self.amount(value, unit)
        for more in range(1, _MORE_PLACES_MAX):
            if bound is None or value in {None, bound} or text != self.amount(bound, unit, more=more - 1):
                break
            text = self.amount(value, unit, more=more)
        return text

    def amount(self, value: float | None, unit: FigureUnit, *, more: int = 0) -> str:
        """Write a value in a unit, with *more* places than are usual."""
        match unit:
            case FigureUnit.COUNT:
                return count(value)
            case FigureUnit.RATIO:
                return percent(value, places=1 + more)
            case FigureUnit.SECONDS:
                return duration(value, places=more)
            case FigureUnit.SCORE:
                return score(value, best=self.scores_max, places=1 + more)
            case FigureUnit.MONEY:
                return money(value, currency=self.currency, places=2 + more if more else None)

    def target(self, figure: Figure, *, of: str = "") -> str:
        """Write a figure's target as S2 does: `> 85 %`, `< 15 min`, `> 4.5/5.0`. *of* says of what a share is one."""
        bound = _bound(figure.target)
        if figure.target is None or bound is None:
            return NOTHING
        sign = ">" if figure.target.more_than is not None else "<"
        unit = figure.unit if figure.target.of is None else FigureUnit.RATIO
        return f"{sign} {self._plain(bound, unit)}{f' {of}' if of else ''}"

    def _plain(self, bound: float, unit: FigureUnit) -> str:
        if unit is FigureUnit.RATIO:
            return percent(bound, places=0 if round(100 * bound, 9).is_integer() else 1)
        if unit is FigureUnit.SECONDS and bound >= 60 and bound % 60 == 0:
            return f"{bound / 60:g} min"
        return self.amount(bound, unit)


def _bound(target: Target | None) -> float | None:
    if target is None:
        return None
    return target.more_than if target.more_than is not None else target.less_than
