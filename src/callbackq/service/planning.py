"""The questions of who plans: what is expected to come, how many agents that needs, and how good the quotes were."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from callbackq.core.instants import check_instant
from callbackq.core.metrics.demand import demand
from callbackq.core.metrics.weeks import weeks_before
from callbackq.core.quotes import PUNCTUAL_WITHIN, QuoteReport, score_quotes
from callbackq.errors import InvalidTime
from callbackq.model.demand import Demand, StaffingTarget
from callbackq.model.figures import CallbackFacts
from callbackq.service.figures import FiguresCommands
from callbackq.writing import policy_of

WEEKS: Final = 8
STEP: Final = timedelta(hours=1)


class PlanningCommands(FiguresCommands):
    """What can be asked by who plans. Nothing is changed."""

    def demand(
        self,
        queue: str,
        *,
        weeks: int = WEEKS,
        target: StaffingTarget | None = None,
        step: timedelta = STEP,
    ) -> Demand:
        """
        Return what came to a queue in the last weeks, what is expected of the next one, and the agents that it needs.

        Days and hours are those of the clock in the queue's zone; the next week begins with the next Monday there.
        Times at which it is closed count for nothing, holidays of the next week among them. What is not known is in
        `gaps`.

        Args:
            weeks: how many whole weeks up to the last midnight there are looked at: 1 to 104. A young queue has fewer.
            target: what the agents are counted for, in each hour by itself; without one none are counted.
            step: into what a day is cut: 15 or 30 minutes, or an hour.

        Raises:
            UnknownQueue: no policy is configured for it.
            ConfigurationError: *weeks* or *step* is out of its bounds.

        Cost: as `figures`, for the live calls and callbacks of so many weeks and one more; and with a target 10 ms
            for each stretch of the week in which it is open.
        """
        policy = policy_of(self.policies, queue)
        name, now = policy.queue, self.now()
        looked_at = weeks_before(now, weeks=weeks, zone=self.zone_of(name))
        return demand(
            queue=name,
            facts=self._facts(name, from_at=looked_at.asked_from_at, until_at=looked_at.until_at),
            times=self.seating.times(name),
            policy=policy,
            weeks=looked_at,
            now=now,
            step=step,
            target=target,
        )

    def quote_scores(
        self,
        *,
        from_at: datetime,
        until_at: datetime,
        queues: Collection[str] | None = None,
        punctual_within: timedelta = PUNCTUAL_WITHIN,
    ) -> QuoteReport:
        """
        Score what was quoted to those who asked for a callback in a stretch of time, against what came true.

        It looks at all of them, by hour of the week in the zone of each queue, by queue and by estimator. `quotes`
        looks at the last ones of a queue, and at live callers too.

        Args:
            from_at: where it begins; aware.
            until_at: where it ends; this moment is no part of it.
            queues: only these; all that are configured here, if None.
            punctual_within: how far from the chosen time a callback is punctual.

        Raises:
            UnknownQueue: no policy is configured for one of them.
            InvalidTime: an instant is naive, or the stretch is empty.

        Cost: as `figures`.
        """
        begin, end = check_instant(from_at, "from_at"), check_instant(until_at, "until_at")
        if begin >= end:
            raise InvalidTime(f"until_at is {end.isoformat()}; allowed: later than from_at")
        asked = self.policies if queues is None else queues
        names = sorted({policy_of(self.policies, queue).queue for queue in asked})
        return score_quotes(
            (
                facts
                for name in names
                for facts in self._facts(name, from_at=begin, until_at=end)
                if isinstance(facts, CallbackFacts)
            ),
            zone={name: ZoneInfo(self.zone_of(name)) for name in names},
            punctual_within=punctual_within,
        )
