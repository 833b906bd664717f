"""
When a number may be called: by the rules and the clocks of all places where it may be.

A number is often in one of several places, and nobody knows which: a toll-free number may be anywhere in its country.
Then a call must be permitted in all of them. `phonenumbers` is imported on first use.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Final

import attrs

from callbackq.core.hours import Piece, joined_pieces, pieces_on
from callbackq.core.instants import EARLIEST, LATEST, check_instant
from callbackq.core.numbers import kind_of
from callbackq.core.zones import check_zone, zones_of_number
from callbackq.errors import InvalidText
from callbackq.model import NumberType, Purpose
from callbackq.model.wall import zone_keys
from callbackq.policy.calling import CallingPolicy
from callbackq.policy.checks import Frozen
from callbackq.policy.hours import WHOLE_DAY, Span
from callbackq.policy.jurisdictions import CallingRule, closed_dates
from callbackq.policy.limits import Limit

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

SEARCH: Final = timedelta(days=14)
"""An opening that is not nearer than this is not looked for."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_DAY: Final = timedelta(days=1)
_MICROSECOND: Final = timedelta(microseconds=1)
_NUMBERS_CACHE_SIZE: Final = 65_536
_SETS_CACHE_SIZE: Final = 4_096
_ZONES_CACHE_SIZE: Final = 1_024
_DAYS_CACHE_SIZE: Final = 16_384
_BOUND_TO_REGION: Final = frozenset(
    {NumberType.FIXED_LINE, NumberType.MOBILE, NumberType.FIXED_LINE_OR_MOBILE}
)
_ANY_CLOCK: Final = frozenset({"UTC"})

_Rules = tuple[CallingRule, ...]


@attrs.frozen(kw_only=True)
class Permission:
    """
    Whether a number may be called now.

    Args:
        opens_at: the first instant from now on at which all rules permit it, in all zones; in UTC. Now, if it is
            allowed. None: none within 14 days.
        rule_key: the rule that decides: of those that forbid it, one that does so until `opens_at`; if it is allowed,
            one that will forbid it first. Empty: no rule is about it.
        zone: in which zone that rule decides. Empty: no zone is known.
    """

    allowed: bool
    opens_at: datetime | None
    rule_key: str
    zone: str


# ---------------------------------------------------------------------------- which rules


def rules_of(e164: str, *, region: str, rules: _Rules) -> _Rules:
    """
    Return every rule that may apply to a number, in the order of *rules*: a call must be permitted by all of them.

    Those of its region and area code. A number with an area code that is in no rule of the region may be in the places
    of all of them: so a toll-free one. One that is not bound to a country of its country code may be in each of them.
    Where no rule is about the region, those without a region.

    Args:
        region: two letters, or `"001"` for no country; as `phonenumbers` says.

    Cost: tens of microseconds for a new number, a few while it is in the cache.

    >>> from callbackq.policy.jurisdictions import built_in_rules
    >>> rules_of("+13055550123", region="US", rules=built_in_rules())
    (CallingRule('us-fl'), CallingRule('us'))
    """
    return _rules_of(e164, region, rules)


@lru_cache(maxsize=_NUMBERS_CACHE_SIZE)
def _rules_of(e164: str, region: str, rules: _Rules) -> _Rules:
    regions = _regions_of(e164, region)
    found = frozenset(rule.key for one in regions for rule in _rules_in(one, e164, rules))
    if not found:
        return tuple(rule for rule in rules if rule.region is None)
    return tuple(rule for rule in rules if rule.key in found)


def _rules_in(region: str, e164: str, rules: _Rules) -> _Rules:
    """Return the rules of one region that may apply."""
    here = tuple(rule for rule in rules if rule.region == region)
    national = _national(e164, region)
    told = any(national.startswith(rule.area_codes) for rule in here if rule.area_codes)
    return tuple(
        rule for rule in here if not rule.area_codes or not told or national.startswith(rule.area_codes)
    )


def _national(e164: str, region: str) -> str:
    """Return the number without the country code of its region; empty, if it has another."""
    prefix = f"+{_country_code(region)}"
    return e164.removeprefix(prefix) if e164.startswith(prefix) else ""


def _country_code(region: str) -> int:
    import phonenumbers

    return phonenumbers.country_code_for_region(region)


def _regions_of(e164: str, region: str) -> frozenset[str]:
    """Return where a number may be: in each country of its code, unless it is of a fixed line or a mobile."""
    import phonenumbers

    if kind_of(e164).type in _BOUND_TO_REGION:
        return frozenset({region})
    return frozenset({region, *phonenumbers.region_codes_for_country_code(_country_code(region))})


def limits_of(e164: str, *, region: str, purpose: Purpose, calling: CallingPolicy) -> tuple[Limit, ...]:
    """
    Return how often a number may be called for a purpose: the limits of every rule that may apply, the shortest first.

    One that another makes needless is left out.

    Cost: as `rules_of`.

    >>> limits_of("+13055550123", region="US", purpose=Purpose.SALES, calling=CallingPolicy())
    (Limit(most=3, period=datetime.timedelta(days=1)),)
    """
    return _binding(e164, region, calling, purpose).limits


def _limits_of(rules: _Rules, purpose: Purpose) -> tuple[Limit, ...]:
    given = {limit for rule in rules for limit in rule.limits.get(purpose, ())}
    kept: list[Limit] = []
    for limit in sorted(given, key=lambda limit: (limit.most, -limit.period)):
        # Those that are kept have fewer, or as many.
        if all(other.period < limit.period for other in kept):
            kept.append(limit)
    return tuple(sorted(kept, key=lambda limit: limit.period))


# ---------------------------------------------------------------------------- what they say together


@attrs.frozen(cache_hash=True)
class _Windows:
    """When rules permit a call, on the clock of any one zone. Equal ones share what is found."""

    week: Frozen[int, tuple[Span, ...]]
    closed_on: frozenset[str]


@attrs.frozen(eq=False)
class _Binding:
    """The rules about one purpose that may apply to a number. Compared by identity, which is fast."""

    rules: _Rules
    each: tuple[_Windows, ...]
    joint: _Windows
    limits: tuple[Limit, ...]


@lru_cache(maxsize=_NUMBERS_CACHE_SIZE)
def _binding(e164: str, region: str, calling: CallingPolicy, purpose: Purpose) -> _Binding:
    """Return the rules that are about a purpose; those without a region, if no other is."""
    found = tuple(rule for rule in _rules_of(e164, region, calling.rules) if purpose in rule.week)
    anywhere = tuple(rule for rule in calling.rules if rule.region is None and purpose in rule.week)
    return _bound(found or anywhere, purpose)


@lru_cache(maxsize=_SETS_CACHE_SIZE)
def _bound(rules: _Rules, purpose: Purpose) -> _Binding:
    each = tuple(_windows_of(rule, purpose) for rule in rules)
    joint = reduce(_joint, each, _ALWAYS)
    return _Binding(rules, each, joint, _limits_of(rules, purpose))


def _windows_of(rule: CallingRule, purpose: Purpose) -> _Windows:
    week = {day: rule.week[purpose].get(day, ()) for day in range(7)}
    return _Windows(Frozen(week), frozenset(rule.closed_on.get(purpose, ())))


def _joint(one: _Windows, other: _Windows) -> _Windows:
    """Return when both permit a call. All spans end at midnight at the latest, so days do not touch each other."""
    week = {day: tuple(_in_both(spans, other.week[day])) for day, spans in one.week.items()}
    return _Windows(Frozen(week), one.closed_on | other.closed_on)


def _in_both(ones: tuple[Span, ...], others: tuple[Span, ...]) -> Iterator[Span]:
    for one in ones:
        for other in others:
            opens, end = max(one.opens, other.opens), min(_end(one), _end(other))
            if (False, opens) < end:
                yield Span(opens, end[1])


def _end(span: Span) -> tuple[bool, time]:
    """Return when a span closes, so that midnight is the last of all times."""
    return span.runs_over, span.closes


_ALWAYS: Final = _Windows(Frozen(dict.fromkeys(range(7), (WHOLE_DAY,))), frozenset())


# ---------------------------------------------------------------------------- as instants


@lru_cache(maxsize=_DAYS_CACHE_SIZE)
def _open(windows: _Windows, zones: frozenset[str], number: int) -> tuple[Piece, ...]:
    """Return when rules permit a call in every zone, within one day of UTC: so many days after 1970."""
    from_at = _EPOCH + number * _ONE_DAY
    found: tuple[Piece, ...] = ((from_at, from_at + _ONE_DAY),)
    for zone in _far_apart_first(zones):
        found = tuple(_shared(found, tuple(joined_pieces(_pieces_in(windows, zone, from_at)))))
        if not found:
            break
    return found


@lru_cache(maxsize=_SETS_CACHE_SIZE)
def _far_apart_first(zones: frozenset[str]) -> tuple[str, ...]:
    """Put five that are far apart first: where nothing is left, they are the first to leave nothing."""
    eastward = sorted(sorted(zones), key=lambda zone: _ahead(_clock(zone), EARLIEST))
    step = len(eastward) // 4 or 1
    return tuple(dict.fromkeys((*eastward[::step], *eastward)))


@lru_cache(maxsize=_ZONES_CACHE_SIZE)
def _clock(zone: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo

    return ZoneInfo(zone)


def _pieces_in(windows: _Windows, zone: str, from_at: datetime) -> Iterator[Piece]:
    """Return when rules permit a call in one zone, on the dates that its clocks show in the day from an instant on."""
    clock, until_at = _clock(zone), from_at + _ONE_DAY
    # Clocks are changed once a day at most. So every date that they show is from the earlier to the later reckoning.
    ahead = [_ahead(clock, at) for at in (from_at, until_at)]
    day, last = (from_at + min(ahead)).date(), (until_at + max(ahead)).date()
    while day <= last:
        if day not in _closed(windows.closed_on, day.year):
            yield from pieces_on(day, windows.week[day.weekday()], clock)
        day += _ONE_DAY


def _ahead(clock: ZoneInfo, at: datetime) -> timedelta:
    found = at.astimezone(clock).utcoffset()
    assert found is not None
    return found


@lru_cache(maxsize=_SETS_CACHE_SIZE)
def _closed(closed_on: frozenset[str], year: int) -> frozenset[date]:
    return closed_dates(closed_on, year=year)


def _shared(ones: Sequence[Piece], others: Sequence[Piece]) -> Iterator[Piece]:
    """Return what is in both. The pieces of each are in order and do not touch."""
    one = other = 0
    while one < len(ones) and other < len(others):
        starts_at = max(ones[one][0], others[other][0])
        ends_at = min(ones[one][1], others[other][1])
        if starts_at < ends_at:
            yield starts_at, ends_at
        if ones[one][1] < others[other][1]:
            one += 1
        else:
            other += 1


def _pieces(windows: _Windows, zones: frozenset[str], at: datetime) -> Iterator[Piece]:
    """Return the pieces from *at* on, for as long as is looked. One that goes on beyond its day is cut there."""
    until_at = min(at + SEARCH, LATEST - _MICROSECOND)
    for number in range((at - _EPOCH) // _ONE_DAY, (until_at - _EPOCH) // _ONE_DAY + 1):
        for starts_at, ends_at in _open(windows, zones, number):
            if ends_at > at and starts_at <= until_at:
                yield max(starts_at, at), ends_at


def _closing(pieces: Iterator[Piece], ends_at: datetime) -> datetime:
    """Return the end of a piece that ends at *ends_at*, or goes on in those that follow."""
    for starts_at, later_at in pieces:
        if starts_at != ends_at:
            break
        ends_at = later_at
    return ends_at


@lru_cache(maxsize=_SETS_CACHE_SIZE)
def _forbids(bound: _Binding, zones: frozenset[str], at: datetime) -> tuple[str, str]:
    """Return the key of a rule that forbids a call at an instant, and in which zone: the first of each."""
    in_order = sorted(zones)
    for zone in in_order:
        if not _is_open(bound.joint, zone, at):
            each = zip(bound.rules, bound.each, strict=True)
            return next(rule.key for rule, windows in each if not _is_open(windows, zone, at)), zone
    return bound.rules[0].key, in_order[0]


def _is_open(windows: _Windows, zone: str, at: datetime) -> bool:
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return any(starts_at <= at < ends_at for starts_at, ends_at in _pieces_in(windows, zone, day))


def _zones_of(e164: str, region: str, zone: str | None) -> frozenset[str]:
    if zone is not None:
        try:
            return frozenset({check_zone(zone)})
        except InvalidText:
            pass
    return zones_of_number(e164) or _zones_of_region(region)


@lru_cache(maxsize=_SETS_CACHE_SIZE)
def _zones_of_region(region: str) -> frozenset[str]:
    """Return the zones of all that shares the country code of a region; none for numbers of no country."""
    from phonenumbers import PhoneNumber
    from phonenumbers.timezone import time_zones_for_geographical_number

    any_number = PhoneNumber(country_code=_country_code(region), national_number=0)
    return zone_keys().intersection(time_zones_for_geographical_number(any_number))


# ---------------------------------------------------------------------------- whether now


def may_call(
    e164: str, *, region: str, purpose: Purpose, zone: str | None, calling: CallingPolicy, now: datetime
) -> Permission:
    """
    Return whether a number may be called now; and if not, from when on.

    Every rule that may apply must permit it, on the clock of every zone in which the number may be. Times of day that
    are skipped or come twice are as in `core.hours`.

    Where nothing is known of the number's zone, it is every zone of its country. Where even that is unknown (satellite
    phones, international toll-free), all zones of the world would leave no hour of the day for any call, also for
    those that customers asked for. So UTC stands for them; but nobody sells to such a number at any time.

    Args:
        region: as for `rules_of`.
        zone: that of the customer, if it is known: then no other zone counts. One that is unknown on this machine is
            as good as none. It does not change which rules apply.

    Raises:
        InvalidTime: *now* is naive, or outside 2000 to 2099.

    Cost: about 10 microseconds; tens more for a number that is new, and 10 to 20 for each of its zones on each day that
    is. The very first reads the rules of zones, as `check_zone`.

    >>> now = datetime(2026, 7, 1, 10, tzinfo=UTC)  # 6:00 in Miami
    >>> found = may_call(
    ...     "+13055550123", region="US", purpose=Purpose.SALES, zone=None, calling=CallingPolicy(), now=now
    ... )
    >>> found.allowed, found.opens_at.isoformat(), found.zone
    (False, '2026-07-01T12:00:00+00:00', 'America/New_York')
    """
    at = check_instant(now, "now")
    bound = _binding(e164, region, calling, purpose)
    if not bound.rules:
        return Permission(allowed=True, opens_at=at, rule_key="", zone="")
    zones = _zones_of(e164, region, zone)
    if not zones and purpose is Purpose.SALES:
        return Permission(allowed=False, opens_at=None, rule_key=bound.rules[0].key, zone="")
    return _permission(bound, zones or _ANY_CLOCK, at)


def _permission(bound: _Binding, zones: frozenset[str], at: datetime) -> Permission:
    pieces = _pieces(bound.joint, zones, at)
    opens_at, ends_at = next(pieces, (None, at))
    if opens_at is None:
        decided_at = at
    elif opens_at == at:
        decided_at = _closing(pieces, ends_at)
    else:
        decided_at = opens_at - _MICROSECOND
    rule_key, zone = _forbids(bound, zones, decided_at)
    return Permission(allowed=opens_at == at, opens_at=opens_at, rule_key=rule_key, zone=zone)
