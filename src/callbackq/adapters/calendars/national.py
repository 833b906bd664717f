"""National holidays, for `WeekHours(holidays=...)`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import islice
from typing import Any, Final, cast

from callbackq.adapters.calendars.needed import needed
from callbackq.errors import ConfigurationError

_YEARS: Final = range(1900, 2200)
_YEARS_MAX: Final = 100


def holidays_of(
    country: str, *, years: int | Iterable[int], subdivision: str | None = None, language: str | None = None
) -> dict[date, str]:
    """
    Return the public holidays of a country, by date and in order, with their names. Days off in lieu are in it.

    They are what the installed release of the package `holidays` knows. A year that it knows nothing of has none, and
    holidays that follow the moon are estimates: compare with what your government says.

    Args:
        country: its ISO code, such as `"US"`.
        years: one, or up to 100; of 1900 to 2199.
        subdivision: a state or region by the code of the package, such as `"BY"`; None: what the whole country has.
        language: of the names, such as `"en_US"`; None: the country's own.

    Raises:
        ConfigurationError: country, subdivision, language or a year is none that is known.
        ModuleNotFoundError: the package `holidays` is not installed.

    Cost: a few milliseconds for each country and year; the very first call half a second.

    >>> days = holidays_of("DE", years=2026, subdivision="BY", language="en_US")
    >>> days[date(2026, 1, 6)]
    'Epiphany'
    >>> holidays_of("DE", years=2026, language="tlh")
    Traceback (most recent call last):
    ...
    callbackq.errors.ConfigurationError: language is 'tlh'; allowed: None, or one of de, en_US, th, uk
    """
    wanted = _own_years(years)
    package: Any = needed("holidays")
    countries = cast("Mapping[str, list[str]]", package.list_supported_countries())
    _check("country", country, countries)
    if subdivision is not None:
        _check("subdivision", subdivision, countries[country])
    if language is not None:
        _check("language", language, package.list_localized_countries().get(country, []))
    found = package.country_holidays(
        country, subdiv=subdivision, years=wanted, expand=False, language=language
    )
    return {day: str(name) for day, name in sorted(found.items())}


def _check(field: str, value: object, known: Iterable[str]) -> None:
    names = sorted(known)
    if value not in names:
        if field == "country":  # Codes of three letters are known too, and need not be listed.
            names = [name for name in names if len(name) == 2]
        none = "" if field == "country" else "None, or " if names else "None"
        raise ConfigurationError(field, value, none + (f"one of {', '.join(names)}" if names else ""))


def _own_years(years: object) -> list[int]:
    given: list[object] = [years]
    if isinstance(years, Iterable) and not isinstance(years, str | bytes):
        given = list(islice(cast("Iterable[object]", years), _YEARS_MAX + 1))
    allowed = f"1 to {_YEARS_MAX} years of {_YEARS.start} to {_YEARS.stop - 1}"
    if not 1 <= len(given) <= _YEARS_MAX:
        raise ConfigurationError("years", f"a list of {len(given)}", allowed)
    for year in given:
        if type(year) is not int or year not in _YEARS:
            raise ConfigurationError("years", year, allowed)
    return cast("list[int]", given)
