"""Durations as people write them are read exactly, and what is none is refused."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq.policy.forms.durations import DURATION_PATTERN, LENGTH_MAX, duration_text, read_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45 s", 45),
        ("45s", 45),
        ("45 seconds", 45),
        ("2 min", 120),
        ("1 h 30 min", 5_400),
        ("1h30min", 5_400),
        ("1 hour, 30 minutes", 5_400),
        ("1.5 h", 5_400),
        ("0.25 min", 15),
        ("7 days", 604_800),
        ("1 week 1 day", 691_200),
        ("250 ms", 0.25),
        ("0", 0),
        ("0 s", 0),
        ("  5 s ", 5),
        ("PT45S", 45),
        ("PT1H30M", 5_400),
        ("P1DT2H", 93_600),
        ("P2W", 1_209_600),
        ("PT0.5S", 0.5),
        ("PT0,5S", 0.5),
    ],
)
def test_a_duration_is_what_is_written(text: str, seconds: float) -> None:
    assert read_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "45",
        "s",
        "-5 s",
        "5 s 1 min",
        "1 min 1 min",
        "1 month",
        "1 y",
        "5 S",
        "1e3 s",
        "5 s x",
        "\u0665 s",
        "P",
        "PT",
        "P1",
        "P1M",
        "P1Y",
        "PT1S1H",
        "p1d",
        "-PT5S",
        "inf s",
        "0.0000001 s",
        "1" * LENGTH_MAX + " s",
        "9" * 20 + " days",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Without a unit, in the wrong order, of no certain length, or beyond all time."""
    assert read_duration(text) is None


@settings(max_examples=60, derandomize=True, database=None)
@given(st.timedeltas(timedelta(0), timedelta(days=40_000)))
def test_what_is_written_is_read_again(value: timedelta) -> None:
    """Exactly, and as the JSON Schema says that durations look."""
    text = duration_text(value)
    assert read_duration(text) == value
    assert re.fullmatch(DURATION_PATTERN, text, re.ASCII)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (90, "90 s"),
        (120, "2 min"),
        (600, "10 min"),
        (5_400, "1 h 30 min"),
        (5_430, "1 h 30 min 30 s"),
        (86_400, "24 h"),
        (90_000, "25 h"),
        (7 * 86_400, "7 days"),
        (7 * 86_400 + 60, "7 days 1 min"),
        (0.25, "0.25 s"),
        (86_400 + 0.5, "1 day 0.5 s"),
    ],
)
def test_a_duration_is_written_as_people_do(seconds: float, text: str) -> None:
    assert duration_text(timedelta(seconds=seconds)) == text
