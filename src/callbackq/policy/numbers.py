"""Which numbers are called: by type, by region, and by range."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, cast

import attrs

from callbackq.errors import ConfigurationError
from callbackq.model import NumberType
from callbackq.policy.checks import (
    NAMES_ALLOWED,
    Frozen,
    check_member,
    int_within,
    is_name,
    own_members,
    own_names,
    repr_sorted,
)
from callbackq.policy.words import Access

COST_MAX: Final = 1_000_000_000
_PREFIX: Final = re.compile(r"\+[0-9]{1,15}")
_REGION: Final = re.compile(r"[A-Z]{2}|001")


@attrs.frozen(kw_only=True)
class RegionRule:
    """
    Whether numbers of one region are called, and at what cost.

    Args:
        access: for everybody, for customers of some tiers, or for nobody.
        tiers: who is called, where the access is TIERS.
        alternatives: what to offer instead: a toll-free number, `"whatsapp"`, `"email"`, `"chat"`.
        cost: what one attempt may cost, in whole units of the host's own, such as cents. 0 to 1,000,000,000.

    Raises:
        ConfigurationError: a value is out of its bounds, or tiers are missing.
    """

    access: Access = Access.ALLOW
    tiers: tuple[str, ...] = attrs.field(default=(), converter=own_names)
    alternatives: tuple[str, ...] = attrs.field(default=(), converter=own_names)
    cost: int = 0

    def __attrs_post_init__(self) -> None:
        check_member("RegionRule.access", self.access, Access)
        int_within("RegionRule.cost", self.cost, 0, COST_MAX)
        for field in ("tiers", "alternatives"):
            names = cast("tuple[object, ...]", getattr(self, field))
            if not isinstance(names, tuple) or not all(map(is_name, names)):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError(f"RegionRule.{field}", names, NAMES_ALLOWED)
        if (self.access is Access.TIERS) is not bool(self.tiers):
            raise ConfigurationError(
                "RegionRule.tiers", self.tiers, "tiers where the access is TIERS, and only there"
            )


EVERY_REGION: Final = RegionRule()
TYPES_REFUSED: Final = frozenset(
    {
        NumberType.PREMIUM_RATE,
        NumberType.SHARED_COST,
        NumberType.SATELLITE,
        NumberType.PERSONAL,
        NumberType.PAGER,
        NumberType.VOICEMAIL,
    }
)
"""What costs whoever calls, or never is a person at a phone."""


def _own_types(types: object) -> frozenset[NumberType]:
    return own_members("NumberPolicy.types_refused", types, NumberType)


def _own_regions(regions: Mapping[str, RegionRule]) -> Mapping[str, RegionRule]:
    if not isinstance(regions, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError("NumberPolicy.regions", type(regions).__name__, "RegionRule by region")
    for region, rule in regions.items():
        if not isinstance(region, str) or not _REGION.fullmatch(region):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                "NumberPolicy.regions", region, "two capital letters, such as 'US', or '001' for no country"
            )
        check_member(f"NumberPolicy.regions[{region!r}]", rule, RegionRule)
    return Frozen(regions)


@attrs.frozen(kw_only=True)
class NumberPolicy:
    """
    Which numbers are called, whatever the channel. It is asked when a number is given, and again at every attempt.

    Args:
        types_refused: the types of numbers that are never dialed.
        regions: by region, as two letters (`"US"`), or `"001"` for numbers of no country.
        other_regions: for regions that are not in `regions`.
        blocked: numbers and ranges that are never dialed, each as the digits it begins with: `"+1900"`.
        cost_day_max: attempts of this queue may cost so much in any 24 hours, by the `cost` of their regions; one
            that would cost more is held. None: no ceiling. 1 to 1,000,000,000.

    Raises:
        ConfigurationError: a value is out of its bounds.

    >>> NumberPolicy(
    ...     regions={"US": RegionRule()}, other_regions=RegionRule(access=Access.REFUSE)
    ... ).cost_day_max is None
    True
    """

    types_refused: frozenset[NumberType] = attrs.field(
        default=TYPES_REFUSED, converter=_own_types, repr=repr_sorted
    )
    regions: Mapping[str, RegionRule] = attrs.field(factory=dict[str, RegionRule], converter=_own_regions)
    other_regions: RegionRule = EVERY_REGION
    blocked: tuple[str, ...] = attrs.field(default=(), converter=own_names)
    cost_day_max: int | None = None

    def __attrs_post_init__(self) -> None:
        check_member("NumberPolicy.other_regions", self.other_regions, RegionRule)
        if not isinstance(self.blocked, tuple):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError("NumberPolicy.blocked", self.blocked, NAMES_ALLOWED)
        for prefix in self.blocked:
            if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError("NumberPolicy.blocked", prefix, "'+' and 1 to 15 digits")
        if self.cost_day_max is not None:
            int_within("NumberPolicy.cost_day_max", self.cost_day_max, 1, COST_MAX)

    def rule_of(self, region: str) -> RegionRule:
        """Return what holds for a region."""
        return self.regions.get(region, self.other_regions)
