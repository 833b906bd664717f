"""The pictures on order and on estimates can be read, and say what the pages beside them say."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path
from statistics import fmean
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

from callbackq import Ahead, EstimateFacts, Rates
from callbackq.core.estimate import QueueLength
from callbackq.core.explain import Rule
from callbackq.simulation.baselines import Discipline

NAMES = ("place.svg", "rank.svg", "fairness.svg", "estimate.svg", "real-errors.svg")
BOXES = {"live", "promise"}

Room = tuple[float, float, float, float]


def overlap(one: Room, other: Room) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def run(start: tuple[float, float], end: tuple[float, float]) -> Room:
    """Return the room of a short piece of a line."""
    (x1, y1), (x2, y2) = start, end
    return min(x1, x2) - 0.5, min(y1, y2) - 0.5, max(x1, x2) + 0.5, max(y1, y2) + 0.5


def pieces(points: list[tuple[float, float]]) -> list[Room]:
    """Cut a line into pieces so short that the room of each is about the line itself."""
    found: list[Room] = []
    for (x1, y1), (x2, y2) in pairwise(points):
        steps = [(x1 + (x2 - x1) * i / 50, y1 + (y2 - y1) * i / 50) for i in range(51)]
        found += [run(one, other) for one, other in pairwise(steps)]
    return found


def rows_below(page: str, first_cell: str) -> list[list[str]]:
    """Return the cells of the table of a page whose heading has this first cell."""
    table = re.split(rf"^\| {re.escape(first_cell)} \|.*\n\|[-| ]+\|\n", page, flags=re.MULTILINE)[1]
    lines = table.split("\n\n", 1)[0].split("\n")
    return [[cell.strip(" *`") for cell in line.strip("|").split("|")] for line in lines]


@pytest.fixture(scope="session")
def ordering(docs: Path) -> str:
    """The page on order."""
    return (docs / "explanation" / "ordering.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def estimates(docs: Path) -> str:
    """The page on estimates."""
    return (docs / "explanation" / "estimates.md").read_text(encoding="utf-8")


def test_every_drawing_is_looked_at(line_pictures: ModuleType) -> None:
    """By the tests below."""
    assert tuple(line_pictures.drawings()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_labels_have_room_of_their_own(line_pictures: ModuleType, name: str) -> None:
    """No two overlap, none leaves the picture, and no bar or line runs through one."""
    drawing = line_pictures.drawings()[name]
    for one, other in combinations(drawing.texts, 2):
        assert not overlap(one.room, other.room), (one, other)
    bars = [(it.x, it.y, it.x + it.width, it.y + it.height) for it in drawing.bars if it.style not in BOXES]
    lines = [piece for it in drawing.strokes for piece in pieces(list(it.points))]
    for text in drawing.texts:
        left, top, right, bottom = text.room
        assert left >= 0, text
        assert top >= 0, text
        assert right <= drawing.width, text
        assert bottom <= drawing.height, text
        assert not [bar for bar in bars if overlap(bar, text.room)], text
        assert not [line for line in lines if overlap(line, text.room)], text


@pytest.mark.parametrize("name", NAMES)
def test_drawings_are_self_contained(line_pictures: ModuleType, name: str) -> None:
    """Well-formed, with every style it uses, colours for light and dark, and nothing from elsewhere."""
    text = line_pictures.svg(line_pictures.drawings()[name])
    root = ElementTree.fromstring(text)
    assert "prefers-color-scheme: dark" in text
    assert text.count("http") == 1  # the name space
    used = {it.get("class") for it in root.iter() if it.get("class")} - {"label"}
    assert [style for style in used if f".{style}" not in text] == []


def test_the_place_stays_when_the_caller_hangs_up(line_pictures: ModuleType) -> None:
    """Second before and after; first when the first was served; then called back, before those behind."""
    lines = [[name for name, _ in moment.line] for moment in line_pictures.moments()]
    assert lines == [
        ["Ann", "Bob", "Cat", "Dan"],
        ["Ann", "Bob", "Cat", "Dan"],
        ["Ann", "Bob", "Cat", "Eve"],
        ["Bob", "Cat", "Eve"],
        ["Cat", "Eve"],
    ]
    kinds = [dict(moment.line).get("Bob") for moment in line_pictures.moments()]
    assert kinds == [False, True, True, True, None]
    left = [moment.left for moment in line_pictures.moments()]
    assert left == [(), (), (("Dan", "gave up"),), (("Ann", "served"),), (("Bob", "called back"),)]


def test_all_places_rise_alike(line_pictures: ModuleType) -> None:
    """Within a panel, so that no line crosses another."""
    strokes = line_pictures.rank_picture().strokes
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in (it.points for it in strokes)]
    assert slopes[:3] == pytest.approx([-1] * 3)
    assert slopes[3:] == pytest.approx([slopes[3]] * 3)


@pytest.mark.parametrize(
    ("discipline", "live_s", "callbacks_s", "gave_up", "live_passed", "callbacks_passed"),
    [
        (Discipline.BY_ENTRY, 49.32, 132.95, 0.0698, 0, 0),
        (Discipline.CALLBACKS_FIRST, 53.10, 46.29, 0.0794, 0.2125, 0),
        (Discipline.CALLBACKS_LAST, 31.02, 550.88, 0.0399, 0, 0.8395),
    ],
)
def test_fairness_is_near_the_reference(
    line_pictures: ModuleType,
    discipline: Discipline,
    live_s: float,
    callbacks_s: float,
    gave_up: float,
    live_passed: float,
    callbacks_passed: float,
) -> None:
    """`tests/simulation/test_fairness_table.py` holds the reference; five minutes there are one."""
    found = line_pictures.fairness()[discipline]
    assert found.live.wait_s == pytest.approx(live_s, rel=0.05)
    assert found.callbacks.wait_s == pytest.approx(callbacks_s, rel=0.05)
    assert found.gave_up_ratio == pytest.approx(gave_up, rel=0.05)
    assert found.live.passed_ratio == pytest.approx(live_passed, rel=0.05)
    assert found.callbacks.passed_ratio == pytest.approx(callbacks_passed, rel=0.05)


def test_page_on_order_says_what_the_picture_says(line_pictures: ModuleType, ordering: str) -> None:
    """Every figure of the table of three ways to serve."""
    rows = [row[1:] for row in rows_below(ordering, "who waits, who is passed")]
    found = line_pictures.fairness()
    groups = [(found[it].live, found[it].callbacks) for it in Discipline]

    def share(ratio: float) -> str:
        return f"{ratio:.0%}".replace("%", " %") if ratio else "none"

    most = [max(live.passed_most, callback.passed_most) for live, callback in groups]
    assert rows == [
        [line_pictures._clock(live.wait_s) for live, _ in groups],
        [line_pictures._clock(callback.wait_s) for _, callback in groups],
        [share(live.passed_ratio) for live, _ in groups],
        [share(callback.passed_ratio) for _, callback in groups],
        [f"{count} times" if count else "" for count in most],
        [f"{found[it].gave_up_ratio:.1%}".replace("%", " %") for it in Discipline],
    ]


def test_waits_came_as_estimated(line_pictures: ModuleType) -> None:
    """The refined estimate is the mean of what came; the usual one is never below it."""
    for ahead, waits in line_pictures.came().items():
        ql, qlm = line_pictures.quoted(ahead)
        assert ql.mean_s >= qlm.mean_s
        if len(waits) >= 1_000:
            assert fmean(waits) == pytest.approx(qlm.mean_s, rel=0.05), ahead
    assert line_pictures.within_ratio() == pytest.approx(0.9, abs=0.01)


def clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def test_page_on_estimates_says_what_chance_does(estimates: str) -> None:
    """The table of how far a wait can be from its mean."""
    rows = rows_below(estimates, "ahead")
    assert len(rows) == 5
    for ahead, mean, between in rows:
        facts = EstimateFacts(ahead=Ahead(calls=int(ahead)), agents=10, rates=Rates(handle_time_s=300))
        wait: Any = QueueLength().estimate(facts)
        assert (mean, between) == (clock(wait.mean_s), f"{clock(wait.low_s)} to {clock(wait.high_s)}")


def test_page_on_estimates_says_what_the_bars_say(line_pictures: ModuleType, estimates: str) -> None:
    """The errors in the two months of the log."""
    written = [row[1:] for row in rows_below(estimates, "typical error (root mean square)")]
    drawn = sorted(line_pictures.REAL_ERRORS.values(), key=lambda errors: -errors[1])
    drawn.append(line_pictures.REAL_CONSTANT)
    assert written == [[f"{round(error)} s" for error in errors] for errors in drawn]


def test_page_on_explanations_names_every_rule(docs: Path) -> None:
    """Once, and no other."""
    page = (docs / "how-to" / "explain-a-callback.md").read_text(encoding="utf-8")
    assert sorted(row[0] for row in rows_below(page, "rule")) == sorted(Rule)
