"""
How long people wait with so many agents, and how many agents a target needs.

The model is M/M/n+G of S. Zeltyn and A. Mandelbaum, "Call centers with impatient customers: many-server asymptotics of
the M/M/n+G queue", Queueing Systems 51, 2005, with a patience of two parts. Of those who have to wait, the share p
waits as a callback and never hangs up; the others wait on the line and hang up after an exponential time of mean
1/theta. All keep their place. With arrivals at rate lam and n agents who each end calls at rate mu:

    H(x) = p x + (1 - p) (1 - exp(-theta x)) / theta        J(t) = integral from t of exp(lam H(x) - n mu x) dx
    E = sum over j < n of a^j / j!, divided by a^(n-1) / (n-1)!, a = lam / mu: one over Erlang's loss of n-1 lines
    P(no agent is free at once, nor within t) = lam J(t) / (E + lam J(0))

Nobody hangs up (p = 1, or theta = 0): that is Erlang C. No callbacks (p = 0): that is Erlang A, of C. Palm.

Nothing overflows: E has a recursion of its own, and the integrand is scaled by its peak. It is log-concave, so it is
integrated by the rule of Gauss and Legendre between the two points at which it has fallen to exp(-40) of its peak, in
panels that are the smaller the nearer they are to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Final

import attrs

from callbackq.errors import ConfigurationError
from callbackq.model.demand import Staffing, StaffingTarget

AGENTS_MAX: Final = 100_000
_RATE_MAX: Final = 1e9
_TIME_MAX_S: Final = 1e9
_FALL: Final = 40.0
_HALVINGS: Final = 50
_PANELS_BEFORE: Final = 8
_PANELS_BEHIND: Final = 20
_NODES: Final = (
    (0.0950125098376374, 0.1894506104550685),
    (0.2816035507792589, 0.1826034150449236),
    (0.4580167776572274, 0.1691565193950025),
    (0.6178762444026438, 0.1495959888165767),
    (0.7554044083550030, 0.1246289712555339),
    (0.8656312023878318, 0.0951585116824928),
    (0.9445750230732326, 0.0622535239386479),
    (0.9894009349916499, 0.0271524594117541),
)
"""Points and weights of the rule with 16 points: the positive half."""


@attrs.frozen(kw_only=True)
class Load:
    """
    What comes, and what each takes.

    Args:
        per_hour: how many come in an hour who want an agent: live calls and callbacks, each person once.
        handle_time_s: what one of them takes of an agent's time on average, wrap-up included.
        patience_s: how long one who waits on the line does so on average before hanging up; None: for ever.
        callback_ratio: of those who have to wait, the share that waits as a callback.

    Raises:
        ConfigurationError: a figure is out of its bounds.
    """

    per_hour: float
    handle_time_s: float
    patience_s: float | None = None
    callback_ratio: float = 0.0

    def __attrs_post_init__(self) -> None:
        _check("Load.per_hour", self.per_hour, 0.0, _RATE_MAX)
        _check("Load.handle_time_s", self.handle_time_s, 1e-3, _TIME_MAX_S)
        _check("Load.callback_ratio", self.callback_ratio, 0.0, 1.0)
        if self.patience_s is not None:
            _check("Load.patience_s", self.patience_s, 1e-3, _TIME_MAX_S)


def _check(name: str, value: object, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigurationError(name, value, f"a number, {low:g} to {high:g}")


def _check_agents(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= AGENTS_MAX:
        raise ConfigurationError(name, value, f"a whole number, 0 to {AGENTS_MAX:,}")


def staffing(load: Load, agents: int, *, target: StaffingTarget | None = None) -> Staffing:
    """
    Return what becomes of the waits with so many agents.

    Args:
        target: what it says is answered within which time is worked out too.

    Raises:
        ConfigurationError: *agents* is no number of agents.

    Cost: O(agents), and 0.5 ms. The last 4,096 answers are kept.

    >>> found = staffing(Load(per_hour=48 * 60, handle_time_s=60, patience_s=120), 50)
    >>> round(found.abandoned_ratio, 6), round(found.mean_wait_s, 5)
    (0.030912, 3.70947)
    """
    _check_agents("agents", agents)
    return _staffing(load, agents, target)


def agents_for(load: Load, target: StaffingTarget, *, agents_max: int = AGENTS_MAX) -> Staffing | None:
    """
    Return the fewest agents with whom the target is kept, and what becomes of the waits; None if so many are too few.

    Whatever is asked for gets better with every agent. So it is looked for by doubling, and then by halving.

    Raises:
        ConfigurationError: *agents_max* is no number of agents.

    Cost: some ten times that of `staffing`.

    >>> from datetime import timedelta
    >>> target = StaffingTarget(answered_ratio=0.8, answered_within=timedelta(seconds=20))
    >>> agents_for(Load(per_hour=200, handle_time_s=180), target).agents
    14
    """
    _check_agents("agents_max", agents_max)
    low = -1
    high = min(math.ceil(load.per_hour * load.handle_time_s / 3_600), agents_max)
    found = staffing(load, high, target=target)
    while not is_kept(target, found):
        if high >= agents_max:
            return None
        low, high = high, min(2 * high + 1, agents_max)
        found = staffing(load, high, target=target)
    while high - low > 1:
        middle = (low + high) // 2
        tried = staffing(load, middle, target=target)
        if is_kept(target, tried):
            high, found = middle, tried
        else:
            low = middle
    return found


def is_kept(target: StaffingTarget, found: Staffing) -> bool:
    """Whether these waits keep the target."""
    if not found.is_stable:
        return False
    mean_s = None if target.mean_wait_max is None else target.mean_wait_max.total_seconds()
    return (
        _at_least(found.answered_ratio, target.answered_ratio)
        and _at_least(found.callback_ratio, target.callback_ratio)
        and _at_most(found.mean_wait_s, mean_s)
        and _at_most(found.abandoned_ratio, target.abandoned_max_ratio)
        and _at_most(found.occupancy_ratio, target.occupancy_max_ratio)
    )


def _at_least(value: float | None, wanted: float | None) -> bool:
    return wanted is None or (value is not None and value >= wanted)


def _at_most(value: float | None, wanted: float | None) -> bool:
    return wanted is None or (value is not None and value <= wanted)


# ---------------------------------------------------------------------------- the model


@lru_cache(maxsize=4_096)
def _staffing(load: Load, agents: int, target: StaffingTarget | None) -> Staffing:
    erlangs = load.per_hour * load.handle_time_s / 3_600
    line = _Line(load, agents)
    if not line.is_stable:
        return Staffing(agents=agents, load=erlangs, is_stable=False)
    answered_within = None if target is None else target.answered_within
    callback_within = None if target is None else target.callback_within
    abandoned, mean_wait_s = line.on_the_line()
    lost = abandoned * (1 - line.share)
    return Staffing(
        agents=agents,
        load=erlangs,
        is_stable=True,
        wait_ratio=line.wait_ratio,
        mean_wait_s=mean_wait_s,
        answered_ratio=None if answered_within is None else line.answered(answered_within.total_seconds()),
        abandoned_ratio=abandoned,
        callback_wait_s=line.mean_of(lambda x: x),
        callback_ratio=None if callback_within is None else 1 - line.longer(callback_within.total_seconds()),
        occupancy_ratio=min(erlangs * (1 - lost) / agents, 1.0) if agents else 0.0,
    )


class _Line:
    """
    The integrals of one line.

    `share` is p, and 1 where nobody hangs up. `points` are where the scaled integrand is taken, with its weights.
    """

    def __init__(self, load: Load, agents: int) -> None:
        self.rate = load.per_hour / 3_600
        self.drain = agents / load.handle_time_s
        self.theta = 0.0 if load.patience_s is None else 1 / load.patience_s
        self.share = 1.0 if load.patience_s is None else float(load.callback_ratio)
        self.is_stable = self.share * self.rate < self.drain or not self.rate
        self.scale = 0.0
        self.points: list[tuple[float, float]] = []
        if self.rate and self.is_stable:
            self._solve(load, agents)

    def _solve(self, load: Load, agents: int) -> None:
        self.peak_s = self._peak_s()
        self.peak = self._exponent(self.peak_s)
        self.from_s = self._fallen_before()
        self.until_s = self._fallen_after(load.handle_time_s)
        self.points = self._points(self.from_s, self.until_s)
        area = math.fsum(weight for _, weight in self.points)
        none_waits = _one_over_loss(self.rate * load.handle_time_s, agents - 1) * math.exp(-self.peak)
        self.scale = self.rate / (none_waits + self.rate * area)

    # ------------------------------------------------------------------ what is asked

    @property
    def wait_ratio(self) -> float:
        """How likely one who comes finds no free agent."""
        return self.mean_of(lambda _: 1.0)

    def mean_of(self, what: Callable[[float], float]) -> float:
        """Return the mean of what depends on the wait that is offered; it is 0 where there is none."""
        return self.scale * math.fsum(weight * what(x) for x, weight in self.points)

    def on_the_line(self) -> tuple[float, float]:
        """Return how likely one on the line hangs up, and the mean wait there."""
        if not self.theta:
            return 0.0, self.mean_of(lambda x: x)
        abandoned = self.mean_of(lambda x: -math.expm1(-self.theta * x))
        return abandoned, abandoned / self.theta

    def longer(self, t: float) -> float:
        """How likely one who never hangs up waits longer than *t*."""
        if not self.points:
            return 0.0
        rest = self._points(max(t, self.from_s), self.until_s)
        return min(self.scale * math.fsum(weight for _, weight in rest), 1.0)

    def answered(self, t: float) -> float:
        """
        How likely one on the line is served, and within *t*.

        Whoever is not has hung up by *t*, or has waited so long: both are summed, as they are the small ones.
        """
        if not self.points:
            return 1.0
        early = self._points(self.from_s, min(max(t, self.from_s), self.until_s))
        late = self._points(max(t, self.from_s), self.until_s)
        left = (weight * -math.expm1(-self.theta * x) for x, weight in early)
        return max(1 - self.scale * math.fsum((*left, *(weight for _, weight in late))), 0.0)

    # ------------------------------------------------------------------ the integrand

    def _exponent(self, x: float) -> float:
        """Return lam H(x) - n mu x."""
        if self.theta * x < 1e-9:
            return (self.rate - self.drain) * x
        stays = self.share * x - (1 - self.share) * math.expm1(-self.theta * x) / self.theta
        return self.rate * stays - self.drain * x

    def _peak_s(self) -> float:
        """Where the exponent is highest: at 0, unless more come than are served."""
        if self.rate <= self.drain:
            return 0.0
        return -math.log((self.drain / self.rate - self.share) / (1 - self.share)) / self.theta

    def _fallen_before(self) -> float:
        """Where the integrand begins to count, before its peak."""
        goal = self.peak - _FALL
        low, high = 0.0, self.peak_s
        if self._exponent(low) >= goal:
            return low
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if self._exponent(middle) > goal else (middle, high)
        return low

    def _fallen_after(self, handle_time_s: float) -> float:
        """Where the integrand has ceased to count, after its peak."""
        goal = self.peak - _FALL
        low, high = self.peak_s, self.peak_s + handle_time_s
        while self._exponent(high) > goal:
            low, high = high, high + 2 * (high - self.peak_s)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._exponent(middle) > goal else (low, middle)
        return high

    def _points(self, from_s: float, until_s: float) -> list[tuple[float, float]]:
        """Return where the scaled integrand is taken between the two, and the weight that it has there."""
        bounds = _panels(from_s, until_s, self.peak_s)
        return [
            (x, half * share * math.exp(self._exponent(x) - self.peak))
            for middle, half in (((low + high) / 2, (high - low) / 2) for low, high in pairwise(bounds))
            for node, share in _NODES
            for x in (middle - node * half, middle + node * half)
        ]


def _panels(from_s: float, until_s: float, peak_s: float) -> list[float]:
    """
    Return where the panels begin and end.

    Before the peak they are of one width. Behind it each is twice as wide as the one before: impatience shows within
    seconds, while the tail may last for hours.
    """
    if until_s <= from_s:
        return []
    turn_s = min(max(peak_s, from_s), until_s)
    bounds = [from_s]
    if turn_s > from_s:
        bounds += [
            from_s + (turn_s - from_s) * panel / _PANELS_BEFORE for panel in range(1, _PANELS_BEFORE + 1)
        ]
    if until_s > turn_s:
        bounds += [turn_s + (until_s - turn_s) / 2.0**power for power in range(_PANELS_BEHIND - 1, -1, -1)]
    return bounds


def _one_over_loss(load: float, lines: int) -> float:
    """Return one over Erlang's loss, by 1/B(k) = 1 + k / load / B(k - 1). It may be infinite."""
    found = 1.0
    for line in range(1, lines + 1):
        found = 1 + line / load * found
    return found
