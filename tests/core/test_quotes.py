"""What was quoted against what came, by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.quotes import UNNAMED, PunctualityScore, QuoteReport, QuoteScore, score_quotes
from callbackq.ids import CallbackId, CallId, QueueName
from callbackq.model import Callback, LiveCall, Outcome
from callbackq.model.figures import CallbackFacts
from core.samples import LAW, START, SUPPORT, D, H, M, S, a_call, a_callback

QUOTED: dict[str, Any] = {"quoted_wait_s": 100.0, "quoted_wait_low_s": 60.0, "quoted_wait_high_s": 150.0}


def callback(came_after: float, **changes: Any) -> Callback:
    """Return a COMPLETED callback whose customer was told 100 s, 60 to 150, by `qlm`."""
    fields: dict[str, Any] = {
        "callback_id": CallbackId(f"cb_{came_after}"),
        "outcome": Outcome.COMPLETED,
        "ended_at": START + timedelta(seconds=came_after),
        "quoted_by": "qlm",
        **QUOTED,
    }
    return a_callback(**{**fields, **changes})


def call(came_after: float, **changes: Any) -> LiveCall:
    """Return a live call that was told the same by `ql`, a minute after it came, and was taken."""
    fields: dict[str, Any] = {
        "call_id": CallId(f"call-{came_after}"),
        "quoted_at": START + M,
        "taken_at": START + M + timedelta(seconds=came_after),
        "quoted_by": "ql",
        **QUOTED,
    }
    return a_call(**{**fields, **changes})


def score_of(*came: float) -> QuoteScore:
    """Return the score of quotes of 100 s, 60 to 150, from its definition."""
    errors = [100 - wait for wait in came]
    return QuoteScore(
        count=len(came),
        bias_s=sum(errors) / len(came),
        mae_s=sum(abs(error) for error in errors) / len(came),
        rmse_s=math.sqrt(sum(error**2 for error in errors) / len(came)),
        coverage_ratio=sum(60 <= wait <= 150 for wait in came) / len(came),
        sooner_ratio=sum(wait < 60 for wait in came) / len(came),
        later_ratio=sum(wait > 150 for wait in came) / len(came),
    )


def test_without_quotes_there_is_no_score() -> None:
    """None, and no entries."""
    assert score_quotes([], []) == QuoteReport(
        overall=None, by_estimator={}, by_hour={}, punctuality=None, punctuality_by_hour={}
    )


def test_errors_are_what_was_quoted_less_what_came() -> None:
    """40, 80, 120 and 200 s after a quote of 100 s: +60, +20, -20, -100."""
    report = score_quotes([callback(40), callback(200)], [call(80), call(120)])
    assert report.overall == QuoteScore(
        count=4,
        bias_s=-10.0,
        mae_s=50.0,
        rmse_s=60.0,
        coverage_ratio=0.5,
        sooner_ratio=0.25,
        later_ratio=0.25,
    )
    assert report.by_estimator == {"qlm": score_of(40, 200), "ql": score_of(80, 120)}
    assert report.by_hour == {8: report.overall}
    assert report.punctuality is None


@pytest.mark.parametrize(("came", "sides"), [(59.9, (1, 0)), (60, (0, 0)), (150, (0, 0)), (150.1, (0, 1))])
def test_the_ends_of_a_range_belong_to_it(came: float, sides: tuple[int, int]) -> None:
    """Sooner is before its beginning, later is after its end."""
    found = score_quotes([callback(came)], []).overall
    assert found is not None
    assert (found.sooner_ratio, found.later_ratio) == sides
    assert found.coverage_ratio == 1 - sum(sides)


def test_a_quote_without_a_range_is_no_coverage() -> None:
    """Its error counts all the same; and one without a name has one."""
    bare = callback(90, quoted_wait_low_s=None, quoted_wait_high_s=None, quoted_by=None)
    found = score_quotes([bare], [])
    assert found.by_estimator == {
        UNNAMED: QuoteScore(
            count=1,
            bias_s=10.0,
            mae_s=10.0,
            rmse_s=10.0,
            coverage_ratio=None,
            sooner_ratio=None,
            later_ratio=None,
        )
    }
    both = score_quotes([bare, callback(40)], []).overall
    assert both is not None
    assert (both.count, both.coverage_ratio, both.sooner_ratio) == (2, 0.0, 1.0)
    open_ended = score_quotes([callback(40, quoted_wait_high_s=None)], []).overall
    assert open_ended is not None
    assert (open_ended.coverage_ratio, open_ended.sooner_ratio, open_ended.later_ratio) == (None, 1.0, None)


@pytest.mark.parametrize(
    "row",
    [
        callback(90, outcome=Outcome.CANCELLED),
        callback(90, outcome=None, ended_at=None),
        callback(90, ended_at=None),
        callback(90, quoted_wait_s=None),
        call(90, taken_at=None),
        call(90, quoted_at=None),
        call(-1),
        call(90, quoted_wait_s=None),
    ],
)
def test_only_what_was_quoted_and_came_is_scored(row: Callback | LiveCall) -> None:
    """A promise that was not kept, a caller who gave up or was told nothing: no error can be known."""
    callbacks = [row] if isinstance(row, Callback) else []
    calls = [row] if isinstance(row, LiveCall) else []
    assert score_quotes(callbacks, calls).overall is None


def test_a_live_call_counts_from_its_offer() -> None:
    """It entered a minute before, and was not told anything then."""
    found = score_quotes([], [call(100)]).overall
    assert found is not None
    assert found.bias_s == 0.0


def test_hours_of_the_week_are_those_of_the_zone() -> None:
    """Monday 8 h in UTC is 3 h in New York; Sunday 23 h UTC is Monday 0 h in Paris."""
    sunday = datetime(2026, 1, 4, 23, 30, tzinfo=UTC)
    rows = [callback(90), callback(120, requested_at=sunday, ended_at=sunday + 120 * S)]
    assert score_quotes(rows, []).by_hour == {8: score_of(90), 167: score_of(120)}
    assert score_quotes(rows, [], zone=ZoneInfo("America/New_York")).by_hour == {
        3: score_of(90),
        162: score_of(120),
    }
    assert list(score_quotes(rows, [], zone=ZoneInfo("Europe/Paris")).by_hour) == [0, 9]


# ---------------------------------------------------------------------------- punctuality


def test_a_callback_at_a_chosen_time_is_scored_by_that() -> None:
    """Not by the wait: 2 min before, 3 min after, 10 min after."""
    at = START + D
    rows = [
        callback(number, scheduled_at=at, ended_at=at + minutes * M)
        for number, minutes in enumerate((-2, 3, 10))
    ]
    report = score_quotes(rows, [])
    assert report.overall is None
    assert report.punctuality == PunctualityScore(
        count=3, late_s=220.0, mae_s=300.0, latest_s=600.0, punctual_ratio=2 / 3
    )
    assert report.punctuality_by_hour == {32: report.punctuality}
    strict = score_quotes(rows, [], punctual_within=2 * M).punctuality
    assert strict is not None
    assert strict.punctual_ratio == 1 / 3


def test_a_chosen_time_that_was_not_kept_is_not_punctual_nor_late() -> None:
    """It has no lateness; whether it was kept is another figure."""
    rows = [
        callback(90, scheduled_at=START, outcome=Outcome.UNREACHED),
        callback(90, scheduled_at=START, ended_at=None),
    ]
    assert score_quotes(rows, []).punctuality is None


# ---------------------------------------------------------------------------- together


@LAW
@given(st.lists(st.tuples(st.integers(0, 500), st.sampled_from(["ql", "qlm"]), st.integers(0, 300))))
def test_the_parts_make_the_whole(quotes: list[tuple[int, str, int]]) -> None:
    """Counts add up over estimators and over hours, and so do errors."""
    rows = [
        callback(came, quoted_by=name, requested_at=START + hour * H, ended_at=START + hour * H + came * S)
        for came, name, hour in quotes
    ]
    report = score_quotes(rows, [])
    assert (report.overall is None) == (not quotes)
    for parts in (report.by_estimator.values(), report.by_hour.values()):
        assert sum(part.count for part in parts) == len(quotes)
        if report.overall:
            total = math.fsum(part.count * part.mae_s for part in parts)
            assert total == pytest.approx(report.overall.count * report.overall.mae_s)
    assert all(0 <= hour < 168 for hour in report.by_hour)


def facts(came_after: float, **changes: Any) -> CallbackFacts:
    """Return the same as `callback`, as facts of a report."""
    one = callback(came_after, **changes)
    names = set(attrs.fields_dict(CallbackFacts)) & set(attrs.fields_dict(Callback))
    return CallbackFacts(**{name: getattr(one, name) for name in names})


def test_facts_are_scored_as_rows_are() -> None:
    """E5: by queue and estimator, each queue by its own clock."""
    sales = QueueName("sales")
    many: list[dict[str, Any]] = [
        {"came_after": 40.0},
        {"came_after": 200.0, "quoted_by": "ql"},
        {"came_after": 120.0, "queue": sales},
        {"came_after": 90.0, "queue": sales, "outcome": Outcome.UNREACHED},
        {"came_after": 700.0, "queue": sales, "scheduled_at": START + M},
    ]
    zones = {SUPPORT: ZoneInfo("UTC"), sales: ZoneInfo("Asia/Tokyo")}
    report = score_quotes([facts(**one) for one in many], zone=zones)
    assert report == score_quotes([callback(**one) for one in many], zone=zones)
    assert report.by_queue == {SUPPORT: score_of(40, 200), sales: score_of(120)}
    assert report.by_estimator == {"qlm": score_of(40, 120), "ql": score_of(200)}
    assert set(report.by_hour) == {8, 17}
    late = PunctualityScore(count=1, late_s=640.0, mae_s=640.0, latest_s=640.0, punctual_ratio=0.0)
    assert report.punctuality_by_queue == {sales: late}
    assert report.punctuality_by_hour == {17: late}
