"""How figures are written: what is rounded never looks like the target, and no value is said to be none."""

from __future__ import annotations

import attrs
import pytest

from callbackq.model.figures import Figure, FigureGroup, FigureUnit, HostFigures, Target
from callbackq.reporting.formats import Formats, Verdict, clock, count, money, percent, score, verdict

FORMATS = Formats.of(HostFigures(currency="$", scores_max=10))


def figure(unit: FigureUnit, value: float | None, **changes: object) -> Figure:
    told = {"name": "one", "title": "One", "group": FigureGroup.SUCCESS, "unit": unit, "value": value}
    return Figure(**{**told, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        (FigureUnit.COUNT, 1850.0, "1,850"),
        (FigureUnit.COUNT, 1.1849, "1.18"),
        (FigureUnit.RATIO, 0.353, "35.3 %"),
        (FigureUnit.RATIO, 0.0, "0.0 %"),
        (FigureUnit.RATIO, -0.0123, "−1.2 %"),
        (FigureUnit.SECONDS, 724.4, "12:04 min"),
        (FigureUnit.SECONDS, -37.2, "−0:37 min"),
        (FigureUnit.SECONDS, 3_599.4, "59:59 min"),
        (FigureUnit.SECONDS, 3_599.6, "1:00:00 h"),
        (FigureUnit.SECONDS, 3_600.0, "1:00:00 h"),
        (FigureUnit.SECONDS, 36_000.0, "10:00:00 h"),
        (FigureUnit.SCORE, 9.26, "9.3/10.0"),
        (FigureUnit.MONEY, 999.9, "$999.90"),
        (FigureUnit.MONEY, 999.996, "$1,000"),
        (FigureUnit.MONEY, 2_000.4, "$2,000"),
        (FigureUnit.MONEY, -12.5, "−$12.50"),
    ],
)
def test_a_value_is_written_in_its_unit(unit: FigureUnit, value: float, text: str) -> None:
    """And without one by a dash."""
    assert FORMATS.value(figure(unit, value)) == text
    assert FORMATS.value(figure(unit, None)) == "–"


def test_what_rounds_to_nothing_has_no_sign() -> None:
    """There is no minus zero."""
    assert [percent(-0.0001), clock(-0.2), count(-0.001), score(-0.01), money(-0.001)] == [
        "0.0 %", "0:00", "0.00", "0.0/5.0", "0.00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "value", "target", "text"),
    [
        (FigureUnit.RATIO, 0.8496, Target(more_than=0.85, source="S2"), "84.96 %"),
        (FigureUnit.RATIO, 0.0499999, Target(less_than=0.05, source="S2"), "5.0000 %"),
        (FigureUnit.RATIO, 0.85, Target(more_than=0.85, source="S2"), "85.0 %"),
        (FigureUnit.SECONDS, 899.8, Target(less_than=900, source="S2"), "14:59.8 min"),
        (FigureUnit.SECONDS, 3599.6, Target(less_than=3600, source="S2"), "59:59.6 min"),
        (FigureUnit.SCORE, 4.46, Target(more_than=4.5, source="S2"), "4.46/10.0"),
        (FigureUnit.MONEY, 9.999, Target(more_than=10, source="host"), "$10.00"),
    ],
)
def test_a_miss_does_not_look_like_a_hit(unit: FigureUnit, value: float, target: Target, text: str) -> None:
    """It gets more places, as long as that helps."""
    assert FORMATS.value(figure(unit, value, target=target)) == text


def test_targets_are_written_as_in_s2() -> None:
    """Shares in percent, times in minutes, scores with the best."""
    written = [
        FORMATS.target(figure(unit, None, target=target))
        for unit, target in (
            (FigureUnit.RATIO, Target(more_than=0.85, source="S2")),
            (FigureUnit.RATIO, Target(less_than=0.055, source="host")),
            (FigureUnit.SECONDS, Target(less_than=900, source="S2")),
            (FigureUnit.SECONDS, Target(less_than=20, source="host")),
            (FigureUnit.SCORE, Target(more_than=9, source="S2")),
            (FigureUnit.MONEY, Target(more_than=100, source="host")),
        )
    ]
    assert written == ["> 85 %", "< 5.5 %", "< 15 min", "< 0:20 min", "> 9.0/10.0", "> $100"]
    assert FORMATS.target(figure(FigureUnit.COUNT, 1)) == "–"
    assert FORMATS.target(figure(FigureUnit.COUNT, 1, target=Target(source="host"))) == "–"


def test_a_target_of_a_count_is_one_of_its_share() -> None:
    """The count is written as it is, and the share beside it."""
    offers = figure(
        FigureUnit.COUNT,
        300,
        numerator=300,
        denominator=1_001,
        target=Target(more_than=0.3, of="inbound_calls", source="S2"),
    )
    assert (FORMATS.value(offers), FORMATS.share(offers)) == ("300", "29.97 %")
    assert FORMATS.target(offers, of="of inbound") == "> 30 % of inbound"
    assert FORMATS.share(attrs.evolve(offers, denominator=0)) == "–"


def test_a_verdict_is_one_of_four() -> None:
    """No target, no value, met, not met."""
    target = Target(more_than=0.3, source="S2")
    found = [
        verdict(figure(FigureUnit.RATIO, 0.5, target=goal, is_met=is_met))
        for goal, is_met in ((None, None), (target, None), (target, True), (target, False))
    ]
    assert found == [Verdict.NONE, Verdict.UNKNOWN, Verdict.MET, Verdict.NOT_MET]
