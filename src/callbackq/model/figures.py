"""What a supervisor's figures are counted from, and what they are."""

from __future__ import annotations

import enum
from datetime import datetime
from math import isfinite
from typing import Final

import attrs

from callbackq.errors import ConfigurationError
from callbackq.ids import AttemptId, CallbackId, CallId, QueueName, TenantId
from callbackq.model.words import CallOutcome, Channel, Disposition, Mode, Outcome

# ---------------------------------------------------------------------------- what is counted


@attrs.frozen(kw_only=True)
class CallFacts:
    """
    What figures need to know of one live call. The fields mean what they mean in `LiveCall`.

    What is a number or an instant in the row is so here; nothing personal is in it.
    """

    call_id: CallId
    queue: QueueName
    entered_at: datetime
    offers_count: int = 0
    declines_count: int = 0
    taken_at: datetime | None = None
    outcome: CallOutcome | None = None
    ended_at: datetime | None = None
    callback_id: CallbackId | None = None
    returns_for_id: CallbackId | None = None
    overtook_calls_count: int = 0
    overtook_callbacks_count: int = 0


@attrs.frozen(kw_only=True)
class AttemptFacts:
    """
    What figures need to know of one attempt.

    `customer_dialed` says that the telephony was asked to dial the customer, and did something; `is_announcement` that
    it only told the customer something, with no agent: it is no try to connect.
    """

    attempt_id: AttemptId
    started_at: datetime
    is_announcement: bool = False
    customer_dialed: bool = False
    customer_rang: bool = False
    customer_answered_at: datetime | None = None
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    disposition: Disposition | None = None


@attrs.frozen(kw_only=True)
class CallbackFacts:
    """What figures need to know of one callback, its attempts included: one story. `attempts` are in their order."""

    callback_id: CallbackId
    queue: QueueName
    channel: Channel
    mode: Mode
    call_id: CallId | None = None
    entered_at: datetime
    requested_at: datetime
    scheduled_at: datetime | None = None
    is_booked: bool = False
    follows_id: CallbackId | None = None
    quoted_wait_s: float | None = None
    quoted_wait_low_s: float | None = None
    quoted_wait_high_s: float | None = None
    quoted_by: str | None = None
    outcome: Outcome | None = None
    last_disposition: Disposition | None = None
    ended_at: datetime | None = None
    score: float | None = None
    resolved: bool | None = None
    overtook_calls_count: int = 0
    overtook_callbacks_count: int = 0
    attempts: tuple[AttemptFacts, ...] = ()


CallGist = tuple[
    CallId, datetime, int, datetime | None, CallOutcome | None, datetime | None, bool, bool, int, int
]
"""
What counts of one live call, bare.

These are of `CallFacts`: `call_id`, `entered_at`, `offers_count`, `taken_at`, `outcome`, `ended_at`; whether there is a
`callback_id`, and a `returns_for_id`; `overtook_calls_count`, `overtook_callbacks_count`.
"""
AttemptGist = tuple[
    datetime, bool, bool, datetime | None, datetime | None, datetime | None, Disposition | None
]
"""
What counts of one attempt, bare.

These are of `AttemptFacts`: `started_at`, `is_announcement`, `customer_dialed`, `customer_answered_at`, `connected_at`,
`ended_at`, `disposition`.
"""
CallbackGist = tuple[
    CallbackId,
    datetime,
    Channel,
    bool,
    datetime | None,
    bool,
    bool,
    float | None,
    float | None,
    float | None,
    Outcome | None,
    datetime | None,
    float | None,
    bool | None,
    int,
    int,
    tuple[AttemptGist, ...],
]
"""
What counts of one callback, bare.

These are of `CallbackFacts`: `callback_id`, `requested_at`, `channel`; whether there is a `call_id`; `scheduled_at`,
`is_booked`; whether there is a `follows_id`; `quoted_wait_s`, `quoted_wait_low_s`, `quoted_wait_high_s`, `outcome`,
`ended_at`, `score`, `resolved`, `overtook_calls_count`, `overtook_callbacks_count`, and the `attempts` in their order.
"""


# ---------------------------------------------------------------------------- what comes of it


class Grain(enum.StrEnum):
    """By what time figures are told apart, in the zone of the queue."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    HOUR_OF_WEEK = "hour_of_week"


class FigureGroup(enum.StrEnum):
    """Under which heading a figure stands."""

    VOLUME = "volume"
    SUCCESS = "success"
    WAITS = "waits"
    PROMISES = "promises"
    COST = "cost"


class FigureUnit(enum.StrEnum):
    """What a figure is counted in. A ratio of 1 is all of it; money is in the host's own currency."""

    COUNT = "count"
    RATIO = "ratio"
    SECONDS = "seconds"
    SCORE = "score"
    MONEY = "money"


@attrs.frozen(kw_only=True)
class Target:
    """
    What a figure should be: one of the two bounds.

    Args:
        of: the name of the figure of which a share is meant: then numerator ÷ denominator is held against the bound,
            and not the value. None where the value itself is. "> 30 % of inbound calls" is
            `Target(more_than=0.3, of="inbound_calls", source="S2")`.
        more_than: the figure is to be above it.
        less_than: the figure is to be below it.
        source: whose target it is, such as ``"S2"``, or the host's.
    """

    more_than: float | None = None
    less_than: float | None = None
    of: str | None = None
    source: str


@attrs.frozen(kw_only=True)
class Figure:
    """
    One figure.

    Args:
        name: the name in `core.metrics.DEFINITIONS`, which says how it is computed.
        value: in `unit`; None if nothing was counted, or the host has not said what it needs.
        numerator: what was divided, where it is a share or a mean; or the target is one (`Target.of`).
        denominator: by how many.
        is_met: whether the target is met; None without one, or without a value.
        missing: what has to be given for it to have a value, or a whole one, in words, and by which verb; None if
            nothing is missing.
    """

    name: str
    title: str
    group: FigureGroup
    unit: FigureUnit
    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    target: Target | None = None
    is_met: bool | None = None
    missing: str | None = None


@attrs.frozen(kw_only=True)
class FigureSet:
    """
    All figures of one part: of the whole, of a stretch of time, of a queue, or of a channel.

    `label` is what the part is called: ``"2026-01-05 09:00"``, ``"2026-01-05"``, ``"2026-W02"``, ``"Mon 09"``, a
    queue's name, a channel's name; ``"live calls"`` is the part of the channels that holds the callers on the line,
    and has no `channel`. `from_at` and `until_at` are there where the part is one stretch of time for all its queues.
    """

    label: str
    from_at: datetime | None = None
    until_at: datetime | None = None
    queue: QueueName | None = None
    channel: Channel | None = None
    figures: tuple[Figure, ...]

    def figure(self, name: str) -> Figure:
        """Return one figure. Raises: KeyError."""
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)


@attrs.frozen(kw_only=True)
class QuoteBin:
    """Promise against reality: callbacks to which about the same wait was quoted, and how long they waited."""

    quoted_from_s: float
    quoted_until_s: float
    count: int
    within_range_count: int
    mean_quoted_s: float
    mean_wait_s: float


@attrs.frozen(kw_only=True)
class AttemptBin:
    """The n-th attempts, counted from 1: how many there were, and how many of them were answered and connected."""

    number: int
    count: int
    answered_count: int
    connected_count: int


@attrs.frozen(kw_only=True)
class HourBin:
    """Attempts that began in one hour of the day, 0 to 23, in the zone of the queue."""

    hour: int
    first_count: int
    first_answered_count: int
    retries_count: int
    retries_answered_count: int


@attrs.frozen(kw_only=True)
class WaitBin:
    """
    How long those waited who came in one hour of the day, 0 to 23, in the zone of the queue.

    A live call by when it entered, a callback by when it was asked for; the waits of callbacks that a time was chosen
    for do not count.
    """

    hour: int
    calls_count: int
    served_live_count: int
    mean_wait_live_s: float | None
    called_back_count: int
    mean_wait_callback_s: float | None


@attrs.frozen(kw_only=True)
class FiguresReport:
    """
    The figures of a stretch of time.

    A live call counts by when it entered, a callback by when it was asked for; each with all that became of it later.

    Args:
        zone: the zone in which days and hours are told apart: that of the queues. Where they have several, all of
            them with commas between; each queue's day is its own then.
        grain: by what `periods` are told apart.
        not_ended_count: callbacks of the stretch that have not ended: their figures will still change.
    """

    tenant_id: TenantId
    zone: str
    from_at: datetime
    until_at: datetime
    made_at: datetime
    grain: Grain
    calls_count: int
    callbacks_count: int
    not_ended_count: int
    whole: FigureSet
    periods: tuple[FigureSet, ...]
    queues: tuple[FigureSet, ...]
    channels: tuple[FigureSet, ...]
    quotes: tuple[QuoteBin, ...]
    attempts: tuple[AttemptBin, ...]
    hours_of_day: tuple[HourBin, ...]
    waits_of_day: tuple[WaitBin, ...] = ()


_HOST_FIGURE_MAX: Final = 1e12
"""Above it sums of money are no longer exact."""


@attrs.frozen(kw_only=True)
class HostFigures:
    """
    What only the host knows. What is not given makes the figures that need it say so.

    Args:
        currency: as it is to be printed, such as ``"$"``; at most 64 characters.
        cost_of_abandon: what one caller who gave up costs, in `currency`. S2: 10.
        abandons_avoided_ratio: how many of those who took a callback would have given up. S2: 0.4.
        cost_of_line_minute: what one minute of a line costs, in and out.
        cost_of_agent_hour: what one hour of an agent costs.
        staffed_s: how long agents were signed in, in seconds, over the whole stretch: for occupancy where it is
            not measured here.
        retention_per_score_point: how much more customers stay per point of score, as a ratio. S2: 0.05 per 0.3.
        score_without: the score of customers who were not called back, to compare.
        value_of_customer: what one customer is worth, in `currency`.
        scores_max: the best score that a customer can give. S2: 5.

    Raises:
        ConfigurationError: a figure is no number from 0 to 1e12, a ratio is above 1, or the currency cannot be printed.
    """

    currency: str = ""
    cost_of_abandon: float | None = None
    abandons_avoided_ratio: float | None = None
    cost_of_line_minute: float | None = None
    cost_of_agent_hour: float | None = None
    staffed_s: float | None = None
    retention_per_score_point: float | None = None
    score_without: float | None = None
    value_of_customer: float | None = None
    scores_max: float = 5.0

    def __attrs_post_init__(self) -> None:
        for field in attrs.fields(HostFigures):
            value = getattr(self, field.name)
            if field.name == "currency" or value is None:
                continue
            most = 1.0 if field.name.endswith("_ratio") else _HOST_FIGURE_MAX
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not isfinite(value) or not 0 <= value <= most:
                raise ConfigurationError(f"HostFigures.{field.name}", value, f"a number, 0 to {most:g}")
        if len(self.currency) > 64 or not self.currency.isprintable():
            raise ConfigurationError("HostFigures.currency", self.currency, "at most 64 printable characters")
        if not self.scores_max:
            raise ConfigurationError("HostFigures.scores_max", self.scores_max, "a number above 0")


S2_HOST: Final = HostFigures(
    currency="$", cost_of_abandon=10.0, abandons_avoided_ratio=0.4, retention_per_score_point=0.05 / 0.3
)
"""The cost figures of the handbook that targets are named after: S2. What it gives none for is not given here."""
