"""When people may be called: the rules of the places where a number may be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, cast

import attrs

from callbackq.errors import ConfigurationError
from callbackq.policy.checks import check_member, within
from callbackq.policy.jurisdictions import CallingRule, built_in_rules


def _own_rules(rules: object) -> tuple[CallingRule, ...]:
    given = cast("Sequence[object]", rules) if isinstance(rules, list | tuple) else (rules,)
    found: dict[str, CallingRule] = {}
    for rule in given:
        check_member("CallingPolicy.rules", rule, CallingRule)
        assert isinstance(rule, CallingRule)
        if rule.key in found:
            raise ConfigurationError("CallingPolicy.rules", rule.key, "each key once")
        found[rule.key] = rule
    return tuple(found.values())


@attrs.frozen(kw_only=True, cache_hash=True)
class CallingPolicy:
    """
    When customers may be called. It is asked at every attempt.

    A number may be in several places: a call must be permitted by the rules and the clock of all of them, unless the
    customer's zone is known. Who asked for the call just now is an exception, and so is a time that the customer chose.

    Args:
        rules: the rules of places, each key once; the built-in ones by default, from public sources, each with its
            date. They are no legal advice. Empty: at any hour.
        asked_life: so long after asking, and around a chosen time, a customer may be called at any hour. 0 to 24 h.

    Raises:
        ConfigurationError: a value is out of its bounds.

    >>> CallingPolicy().asked_life
    datetime.timedelta(seconds=7200)
    """

    rules: tuple[CallingRule, ...] = attrs.field(factory=built_in_rules, converter=_own_rules)
    asked_life: timedelta = timedelta(hours=2)

    def __attrs_post_init__(self) -> None:
        within("CallingPolicy.asked_life", self.asked_life, timedelta(0), _DAY)


_DAY: Final = timedelta(days=1)
