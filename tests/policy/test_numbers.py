"""Which numbers are called, as a host writes it: every value out of bounds is refused by its field."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import attrs
import pytest

from callbackq.errors import ConfigurationError
from callbackq.model import NumberType
from callbackq.policy import Access, NumberPolicy, QueuePolicy, RegionRule
from callbackq.policy.numbers import COST_MAX, EVERY_REGION, TYPES_REFUSED

CLOSED = RegionRule(access=Access.REFUSE, alternatives=("whatsapp", "email"), cost=7)
SOME = RegionRule(access=Access.TIERS, tiers=("vip",), cost=COST_MAX)


def refused(make: Callable[[], object]) -> tuple[str, str]:
    """Return the field that is refused, and what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        make()
    error = caught.value
    assert str(error) == f"{error.field} is {error.value!r}; allowed: {error.allowed}"
    return error.field, error.allowed


# ---------------------------------------------------------------------------- one region


def test_a_region_is_open_to_everybody_and_free_unless_it_is_said() -> None:
    """The default rule."""
    rule = RegionRule()
    assert rule == EVERY_REGION
    assert (rule.access, rule.tiers, rule.alternatives, rule.cost) == (Access.ALLOW, (), (), 0)


@pytest.mark.parametrize("value", ["allow", "refuse", None, True, "open", Access])
def test_the_access_is_a_member(value: Any) -> None:
    """Its text is not enough."""
    field, allowed = refused(lambda: RegionRule(access=value))
    assert (field, allowed) == ("RegionRule.access", "a member of Access")


@pytest.mark.parametrize("value", [-1, COST_MAX + 1, 0.5, "1", None, True])
def test_a_cost_is_a_whole_number_within_its_bounds(value: Any) -> None:
    """0 and a billion are in."""
    field, allowed = refused(lambda: RegionRule(cost=value))
    assert (field, allowed) == ("RegionRule.cost", "a whole number, 0 to 1000000000")
    assert [RegionRule(cost=cost).cost for cost in (0, 1, COST_MAX)] == [0, 1, COST_MAX]


@pytest.mark.parametrize(
    "value", [None, 5, b"email", {"email": 1}, [""], ["  "], ["a\nb"], ["x" * 65], [None], [["email"]], [5]]
)
@pytest.mark.parametrize("name", ["tiers", "alternatives"])
def test_tiers_and_alternatives_are_names(name: str, value: Any) -> None:
    """Texts that can be shown, neither empty nor too long."""
    field, allowed = refused(lambda: RegionRule(access=Access.TIERS, **{"tiers": ("vip",), name: value}))
    assert (field, allowed) == (f"RegionRule.{name}", "texts of 1 to 64 characters")


@pytest.mark.parametrize(
    ("access", "tiers"), [(Access.TIERS, ()), (Access.ALLOW, ("vip",)), (Access.REFUSE, ("vip",))]
)
def test_tiers_stand_where_they_are_asked_for_and_only_there(access: Access, tiers: tuple[str, ...]) -> None:
    """A rule for tiers without any, and tiers in a rule that does not ask, are contradictions."""
    field, allowed = refused(lambda: RegionRule(access=access, tiers=tiers))
    assert field == "RegionRule.tiers"
    assert allowed == "tiers where the access is TIERS, and only there"


def test_names_are_copied_once_each_in_their_order() -> None:
    """Lists, sets and a lone text are taken; alternatives are offered in the order in which they are written."""
    given = ["whatsapp", "email", "whatsapp"]
    rule = RegionRule(access=Access.TIERS, tiers={"vip", "gold"}, alternatives=given)  # type: ignore[arg-type]
    given.append("chat")
    assert (rule.tiers, rule.alternatives) == (("gold", "vip"), ("whatsapp", "email"))
    alone = RegionRule(access=Access.TIERS, tiers="vip", alternatives="+80012345678")  # type: ignore[arg-type]
    assert (alone.tiers, alone.alternatives) == (("vip",), ("+80012345678",))


# ---------------------------------------------------------------------------- all numbers


def test_by_default_every_region_is_called_and_what_costs_or_is_nobody_is_not() -> None:
    """The types that are refused unless a policy says otherwise."""
    policy = NumberPolicy()
    assert policy.types_refused == TYPES_REFUSED
    assert set(NumberType) - TYPES_REFUSED == {
        NumberType.FIXED_LINE,
        NumberType.MOBILE,
        NumberType.FIXED_LINE_OR_MOBILE,
        NumberType.TOLL_FREE,
        NumberType.VOIP,
        NumberType.UAN,
        NumberType.UNKNOWN,
    }
    assert (policy.blocked, policy.cost_day_max, dict(policy.regions)) == ((), None, {})
    assert policy.rule_of("US") is policy.rule_of("001") is EVERY_REGION
    assert QueuePolicy(queue="support").numbers == policy


@pytest.mark.parametrize(
    "value", [None, 5, True, "fixed", ["premium"], [None], b"mobile", [["mobile"]], [object]]
)
def test_types_are_members_or_their_texts(value: Any) -> None:
    """Every one is named in the refusal."""
    field, allowed = refused(lambda: NumberPolicy(types_refused=value))
    assert field == "NumberPolicy.types_refused"
    assert allowed == f"any of: {', '.join(NumberType)}"


@pytest.mark.parametrize(
    "value",
    [
        NumberType.VOIP,
        "voip",
        ["voip"],
        {NumberType.VOIP},
        (NumberType.VOIP, "voip"),
        frozenset({"voip"}),
        iter(["voip"]),
    ],
)
def test_types_are_taken_in_any_form(value: Any) -> None:
    """One or several, members or texts."""
    assert NumberPolicy(types_refused=value).types_refused == frozenset({NumberType.VOIP})
    assert NumberPolicy(types_refused=frozenset()).types_refused == frozenset()


@pytest.mark.parametrize("value", [None, "US", ["US"], {"US"}, 5, [("US", RegionRule())]])
def test_regions_are_a_mapping(value: Any) -> None:
    """Of rules by region."""
    field, allowed = refused(lambda: NumberPolicy(regions=value))
    assert (field, allowed) == ("NumberPolicy.regions", "RegionRule by region")


@pytest.mark.parametrize(
    "region",
    [
        "",
        "us",
        "Us",
        "USA",
        "U",
        "1",
        "01",
        "002",
        "0011",
        "U1",
        "US\n",
        " US",
        "ÄÖ",
        "\uff35\uff33",
        None,
        1,
        ("US",),
    ],
)
def test_a_region_is_two_letters_or_001(region: Any) -> None:
    """As kinds of numbers have it; anything else would never be found."""
    field, allowed = refused(lambda: NumberPolicy(regions={region: RegionRule()}))
    assert field == "NumberPolicy.regions"
    assert allowed == "two capital letters, such as 'US', or '001' for no country"


@pytest.mark.parametrize("rule", [None, Access.REFUSE, "refuse", 5, {}, RegionRule])
def test_a_region_has_a_rule(rule: Any) -> None:
    """Its own, or that of all others; the field says whose is wrong."""
    assert refused(lambda: NumberPolicy(regions={"US": RegionRule(), "GB": rule})) == (
        "NumberPolicy.regions['GB']",
        "a member of RegionRule",
    )
    assert refused(lambda: NumberPolicy(other_regions=rule)) == (
        "NumberPolicy.other_regions",
        "a member of RegionRule",
    )


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "+",
        "1900",
        "00441",
        "+1 900",
        "+1-900",
        "+1900*",
        "+" + "1" * 16,
        "+١٩",
        "++1",
        "+1\n",
        " +1",
        None,
        5,
        ("+1",),
    ],
)
def test_a_blocked_range_is_a_plus_and_digits(prefix: Any) -> None:
    """Anything else would never block anything."""
    field, allowed = refused(lambda: NumberPolicy(blocked=("+1900", prefix)))
    assert (field, allowed) == ("NumberPolicy.blocked", "'+' and 1 to 15 digits")


@pytest.mark.parametrize("value", [None, 5, b"+1900", {"+1900": True}])
def test_blocked_ranges_are_texts(value: Any) -> None:
    """A mapping or a lone byte string is none."""
    assert refused(lambda: NumberPolicy(blocked=value))[0] == "NumberPolicy.blocked"


def test_blocked_ranges_are_taken_in_any_form() -> None:
    """A lone text is one range and not its characters; each is kept once."""
    alone: Any = "+1900"
    assert NumberPolicy(blocked=alone).blocked == ("+1900",)
    several: Any = ["+44", "+1900", "+44"]
    assert NumberPolicy(blocked=several).blocked == ("+44", "+1900")
    assert NumberPolicy(blocked=("+1", "+" + "1" * 15)).blocked == ("+1", "+" + "1" * 15)


@pytest.mark.parametrize("value", [0, -1, COST_MAX + 1, 1.5, "9", True])
def test_the_cost_of_a_day_is_a_whole_number_within_its_bounds(value: Any) -> None:
    """1 and a billion are in, and so is no ceiling at all."""
    field, allowed = refused(lambda: NumberPolicy(cost_day_max=value))
    assert (field, allowed) == ("NumberPolicy.cost_day_max", "a whole number, 1 to 1000000000")
    assert [NumberPolicy(cost_day_max=cost).cost_day_max for cost in (1, COST_MAX, None)] == [
        1,
        COST_MAX,
        None,
    ]


@pytest.mark.parametrize("value", [None, "any", TYPES_REFUSED, {"US": RegionRule()}])
def test_a_queue_has_a_policy_of_numbers(value: Any) -> None:
    """And nothing else in its place."""
    assert refused(lambda: QueuePolicy(queue="support", numbers=value)) == (
        "numbers",
        "a member of NumberPolicy",
    )


def test_a_region_without_a_rule_has_that_of_the_others() -> None:
    """Each region is looked up by itself."""
    policy = NumberPolicy(regions={"GB": CLOSED, "001": SOME}, other_regions=RegionRule(cost=3))
    assert [policy.rule_of(region) for region in ("GB", "001", "US", "")] == [
        CLOSED,
        SOME,
        RegionRule(cost=3),
        RegionRule(cost=3),
    ]


def test_nobody_can_change_a_policy_later() -> None:
    """Neither the mapping it was made of, nor its own, nor its fields."""
    regions = {"GB": CLOSED}
    policy = NumberPolicy(regions=regions)
    regions["GB"] = RegionRule()
    regions["US"] = CLOSED
    assert dict(policy.regions) == {"GB": CLOSED}
    own: Any = policy.regions
    with pytest.raises(TypeError):
        own["US"] = CLOSED
    changed: Any = policy
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        changed.blocked = ("+1",)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        policy.regions["GB"].cost = 0  # type: ignore[misc]


def test_a_policy_can_be_compared_hashed_copied_and_pickled() -> None:
    """Whatever the mapping it was made of."""

    def make(regions: Any) -> NumberPolicy:
        return NumberPolicy(regions=regions, blocked=("+1900",), other_regions=SOME, cost_day_max=5)

    policy, same = make({"GB": CLOSED, "US": SOME}), make(MappingProxyType({"US": SOME, "GB": CLOSED}))
    assert policy == same != make({"GB": CLOSED})
    assert hash(policy) == hash(same)
    for other in (copy.copy(policy), copy.deepcopy(policy), pickle.loads(pickle.dumps(policy))):
        assert other == policy
        assert hash(other) == hash(policy)
        assert other.rule_of("GB") == CLOSED
    assert attrs.evolve(policy, cost_day_max=6) == attrs.evolve(same, cost_day_max=6) != policy
