"""Random input: nothing is raised but the documented errors; and what should be found is found."""

from __future__ import annotations

from random import Random

import pytest

from callbackq.errors import InvalidNumber
from callbackq.testing import fuzz as fuzzing
from callbackq.testing.fuzz import ENTRIES, FuzzReport, fuzz


@pytest.mark.parametrize("seed", range(2))
def test_random_input_raises_nothing_but_the_documented_errors(seed: int) -> None:
    """C2, C7: a shorter run of `callbackq fuzz`, with every entry taking and refusing some."""
    report = fuzz(seed, inputs=3_000)
    assert report.findings == ()
    assert report.inputs_count == 3_000
    assert set(report.taken) == set(report.refused) == set(ENTRIES)


def test_the_same_input_comes_of_the_same_number() -> None:
    """So that a part of a run is replayed, in whichever process it was."""
    whole = fuzz(7, inputs=400)
    parts = fuzz(7, inputs=150) + fuzz(7, inputs=250, first=150)
    assert whole == parts
    assert fuzz(8, inputs=400) != whole


@pytest.mark.parametrize(
    ("message", "text", "problem"),
    [
        ("+12125550101 is no number", "+12125550101", "shows a part of the number"),
        ("12125 is no number", "+1 212 555 0101", "shows a part of the number"),
        ("no\nnumber", "x", "cannot be shown in one line"),
        ("x" * 401, "x", "too long"),
    ],
)
def test_a_message_that_tells_too_much_is_found(message: str, text: str, problem: str) -> None:
    """The checker itself: what it must never let through."""
    with pytest.raises(AssertionError, match=problem):
        fuzzing._check_message(message, text)


def test_an_error_that_comes_of_one_that_tells_too_much_is_found() -> None:
    """Logged with its traceback, it would show the number."""
    error = InvalidNumber("+1…01 is no number")
    fuzzing._check_error(error, "+12125550101")
    error.__cause__ = ValueError("cannot read +12125550101")
    with pytest.raises(AssertionError, match="shows a part of the number"):
        fuzzing._check_error(error, "+12125550101")


def test_whatever_else_is_raised_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding says which entry and which input, so that it can be replayed."""

    def broken(_chance: Random) -> bool:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(fuzzing, "ENTRIES", {**ENTRIES, "zone": broken})
    report = fuzz(1, inputs=20, first=100)
    assert {(one.entry, one.problem) for one in report.findings} == {("zone", "RuntimeError: no such thing")}
    assert [one.index for one in report.findings] == [104, 114]
    assert (report + FuzzReport()).findings == report.findings
