"""
Demand: how often next week lies in the range that was said, and how long the sums take.

Run it as `PYTHONPATH=src python benchmarks/demand.py`; half a minute.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from callbackq.core.hours import OpenHours
from callbackq.core.metrics.demand import demand
from callbackq.core.metrics.staffing import Load, agents_for
from callbackq.core.metrics.weeks import weeks_before
from callbackq.ids import CallId, QueueName
from callbackq.model.demand import Demand, StaffingTarget
from callbackq.model.figures import CallFacts
from callbackq.policy import QueuePolicy
from callbackq.policy.hours import Span, WeekHours, weekdays

NOW = datetime(2026, 6, 15, 7, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")
TODAY: date = NOW.astimezone(ZONE).date()
QUEUE = QueueName("support")
POLICY = QueuePolicy(queue=QUEUE)
TIMES = OpenHours(
    WeekHours(
        zone="Europe/Berlin",
        week=weekdays(Span(datetime.min.time().replace(9), datetime.min.time().replace(17))),
    )
)
MEANS = (0.5, 2.0, 6.0, 20.0, 60.0)
REPEATS, LOOKS = 6, 30
TARGET = StaffingTarget(answered_ratio=0.8, answered_within=timedelta(seconds=20))


def drawn(chance: Random, mean: float, spread: float) -> int:
    """Return how many come: Poisson, or with so many times its variance (negative binomial)."""
    if spread > 1:
        mean = chance.gammavariate(mean / (spread - 1), spread - 1)
    count, product, end = 0, chance.random(), math.exp(-mean)
    while product > end:
        count, product = count + 1, product * chance.random()
    return count


def call(at: datetime) -> CallFacts:
    """Return a live call of which nothing else is known."""
    return CallFacts(call_id=CallId("call"), queue=QUEUE, entered_at=at)


def weeks_of(chance: Random, mean: float, *, weeks: int, spread: float, growth: float) -> Iterator[CallFacts]:
    """Give the calls of so many weeks, weekdays from 9 to 17, and one of the week before them."""
    yield call(NOW - timedelta(weeks=weeks, days=1))
    for back in range(7 * weeks, 0, -1):
        day = TODAY - timedelta(days=back)
        if day.weekday() < 5:
            for hour in range(9, 17):
                at = datetime(day.year, day.month, day.day, hour, tzinfo=ZONE).astimezone(UTC)
                level = 1 + growth * ((7 * weeks - back) // 7)
                yield from [call(at)] * drawn(chance, mean * level, spread)


def expected(facts: list[CallFacts], weeks: int) -> Demand:
    """Return what is expected."""
    looked_at = weeks_before(NOW, weeks=weeks, zone="Europe/Berlin")
    return demand(queue=QUEUE, facts=facts, times=TIMES, policy=POLICY, weeks=looked_at, now=NOW)


def held(mean: float, *, weeks: int, spread: float = 1.0, growth: float = 0.0) -> float:
    """Return how often what comes next week is within the range."""
    chance, inside, told = Random(1), 0, 0
    ahead = weeks_before(NOW, weeks=weeks, zone="Europe/Berlin").ahead
    for _ in range(REPEATS):
        facts = list(weeks_of(chance, mean, weeks=weeks, spread=spread, growth=growth))
        for hour in expected(facts, weeks).hours:
            if hour.expected_low is None or hour.expected_high is None or not hour.open_s:
                continue
            for _ in range(LOOKS):
                told += 1
                came = drawn(chance, mean * (1 + growth * ahead), spread)
                inside += hour.expected_low <= came <= hour.expected_high
    return inside / told


def main() -> None:
    """Print the shares, and the times."""
    print("share of the next week's hours within the 90 % range, by the mean of an hour", *MEANS)
    for weeks in (2, 4, 8, 26):
        for spread in (1.0, 3.0):
            shares = "  ".join(f"{held(mean, weeks=weeks, spread=spread):.3f}" for mean in MEANS)
            print(f"{weeks:2} weeks, variance {spread:.0f} times chance  {shares}")
    print(f" 8 weeks, 5 % of the first more each week     {held(20.0, weeks=8, growth=0.05):.3f} at 20")
    facts = list(weeks_of(Random(1), 200.0, weeks=8, spread=1.0, growth=0.0))
    began = time.process_time()
    expected(facts, 8)
    print(f"{(time.process_time() - began) / len(facts) * 1e6:.1f} us for each fact")
    began = time.process_time()
    for more in range(100):
        agents_for(Load(per_hour=100.0 + more, handle_time_s=300, patience_s=200, callback_ratio=0.3), TARGET)
    print(f"{(time.process_time() - began) * 10:.1f} ms to find the agents of an hour")


if __name__ == "__main__":
    main()
