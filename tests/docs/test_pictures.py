"""The pictures show every line of the tables of the code, and can be read."""

from __future__ import annotations

from itertools import combinations, pairwise
from types import ModuleType
from xml.etree import ElementTree

import pytest

from callbackq import AnsweredBy, AttemptState, CallbackState
from callbackq.core.attempt import DEADLINES, RULES
from callbackq.core.lifecycle import TRANSITIONS
from callbackq.model import ReportKind

NAMES = ("callback.svg", "attempt.svg", "order.svg")


def texts_of_svg(diagrams: ModuleType, name: str) -> list[str]:
    """Return what stands in a picture, once for each time that it stands there."""
    root = ElementTree.fromstring(diagrams.svg(diagrams.pictures()[name]))
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_every_transition_of_a_callback_is_in_the_picture(diagrams: ModuleType) -> None:
    """As many labels of each command as there are pairs of states that it joins, and a box for each state."""
    texts = texts_of_svg(diagrams, "callback.svg")
    for state in CallbackState:
        assert texts.count(state.upper()) == 1
    for command in {command for _, command in TRANSITIONS}:
        joined = sum(1 for _, name in TRANSITIONS if name is command)
        assert texts.count(command) == joined, command
    pairs = {(before, after) for (before, _), after in TRANSITIONS.items() if before is not after}
    assert len(diagrams.callback_picture().lines) == len(pairs)


def test_every_rule_and_deadline_of_an_attempt_was_tried(diagrams: ModuleType) -> None:
    """What is drawn comes from trying: nothing that the code has was out of reach."""
    tried = {move.key for move in diagrams.attempt_moves()}
    assert tried == {*RULES, *DEADLINES, None}


def test_every_move_of_an_attempt_is_in_the_picture(diagrams: ModuleType) -> None:
    """A box for each state, and each label once for each pair of states that it joins."""
    texts = texts_of_svg(diagrams, "attempt.svg")
    for state in AttemptState:
        assert texts.count(state.upper()) == 1
    moves = {(move.before, move.after, move.why) for move in diagrams.attempt_moves()}
    for why in {why for _, _, why in moves}:
        drawn = [text for text in texts if text == why or text.startswith(f"{why} (")]
        assert len(drawn) == sum(1 for move in moves if move[2] == why), why
    pairs = {(before, after) for before, after, _ in moves if before is not after}
    assert len(diagrams.attempt_picture().lines) == len(pairs) + 1  # and the beginning


def test_who_answered_is_told_apart_where_it_matters(diagrams: ModuleType) -> None:
    """A machine ends what a human joins."""
    after: dict[AnsweredBy, set[AttemptState]] = {}
    for move in diagrams.attempt_moves():
        if move.key == (AttemptState.AGENT_ON_LINE, "customer", ReportKind.ANSWERED):
            after.setdefault(move.answered_by, set()).add(move.after)
    joined = {AttemptState.JOINING, AttemptState.CONFIRMING}  # the latter, if policy asks for a key
    assert after == {
        AnsweredBy.HUMAN: joined,
        AnsweredBy.UNKNOWN: joined,
        AnsweredBy.MACHINE: {AttemptState.ENDING},
        AnsweredBy.FAX: {AttemptState.ENDING},
    }


Room = tuple[float, float, float, float]


def overlap(one: Room, other: Room) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize("name", NAMES)
def test_no_two_labels_overlap_and_none_leaves_the_picture(diagrams: ModuleType, name: str) -> None:
    """Every label has room of its own."""
    picture = diagrams.pictures()[name]
    for one, other in combinations(picture.texts, 2):
        assert not overlap(one.room, other.room), (one, other)
    for text in picture.texts:
        left, top, right, bottom = text.room
        assert left >= 0, text
        assert right <= picture.width, text
        assert top >= 0, text
        assert bottom <= picture.height, text


@pytest.mark.parametrize("name", NAMES)
def test_no_line_runs_through_a_label_or_a_box(diagrams: ModuleType, name: str) -> None:
    """Lines end at boxes, and pass beside labels."""
    picture = diagrams.pictures()[name]
    boxes = [
        (box.x + 1, box.y + 1, box.x + box.width - 1, box.y + box.height - 1)
        for box in picture.boxes.values()
    ]
    for points in picture.lines:
        for (x1, y1), (x2, y2) in pairwise(points):
            run = (min(x1, x2) - 0.5, min(y1, y2) - 0.5, max(x1, x2) + 0.5, max(y1, y2) + 0.5)
            assert not [text for text in picture.texts if overlap(run, text.room)], run
            assert not [box for box in boxes if overlap(run, box)], run


def test_a_pair_that_has_no_line_is_an_error(diagrams: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new transition cannot be forgotten."""
    new = {**diagrams.callback_labels(), ("held", "resting"): ("call now",)}
    monkeypatch.setattr(diagrams, "callback_labels", lambda: new)
    with pytest.raises(KeyError, match="no line is placed from held to resting"):
        diagrams.callback_picture()


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_self_contained(diagrams: ModuleType, name: str) -> None:
    """Well-formed, with colours for light and dark, and nothing from elsewhere."""
    text = diagrams.svg(diagrams.pictures()[name])
    assert "prefers-color-scheme: dark" in text
    assert text.count("http") == 1  # the name space
    assert 'class="page"' in text
