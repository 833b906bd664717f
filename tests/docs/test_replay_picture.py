"""The picture of the replayed log: drawn from made-up shares, and from a log of three callers."""

from __future__ import annotations

import gzip
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from callbackq.simulation.anonymous_bank import COLUMNS, read_log

SPACE = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def picture(docs: Path) -> ModuleType:
    """`docs/replay_picture.py`."""
    name = "replay_picture"
    spec = importlib.util.spec_from_file_location(name, docs / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_line_is_drawn_to_scale(picture: ModuleType) -> None:
    """One for each run in each panel; higher shares stand higher; the same panels give the same text."""
    lines = (("log", "the log", {8: 0.1, 9: 0.3}), ("with", "37% accept", {8: 0.0, 9: 0.4}))
    panels = [picture.Panel("January 1999", lines), picture.Panel("August 1999", lines)]
    text = picture.svg(panels)
    assert text == picture.svg(panels)
    root = ElementTree.fromstring(text)
    drawn = [it.get("points") or "" for it in root.iter(f"{SPACE}polyline")]
    assert len(drawn) == 4
    heights = [[float(point.split(",")[1]) for point in points.split()] for points in drawn]
    assert heights[0] == pytest.approx([picture._y(0.1), picture._y(0.3)], abs=0.05)
    assert heights[1][1] < heights[0][1] < heights[0][0] < heights[1][0]
    words = [it.text or "" for it in root.iter(f"{SPACE}text")]
    assert {"January 1999", "August 1999", "the log", "37% accept", "40 %", "24:00"} <= set(words)
    assert any("Technion" in it for it in words)


def test_the_picture_in_the_pages_is_whole(docs: Path) -> None:
    """Well-formed, self-contained, for light and dark, and with its source."""
    text = (docs / "pictures" / "replay.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    assert "prefers-color-scheme: dark" in text
    assert "Technion" in text
    assert text.count("http") == 1  # the name space


def test_a_log_becomes_a_panel(picture: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three callers who found no agent free one gave up, in the log and without callbacks."""
    monkeypatch.setattr(picture, "QUEUED_MIN", 1)
    lines = [
        ",".join(COLUMNS),
        "1999-01-03,,0,PS,30000,0,0,,0,AGENT,30000,300,a01",
        "1999-01-03,,0,PS,30010,0,1,30010,290,AGENT,30300,60,a01",
        "1999-01-03,,0,PS,30020,0,1,30020,40,HANG,,0,",
        "1999-01-03,,0,PS,30030,0,1,30030,330,AGENT,30360,60,a01",
    ]
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    panel = picture.panel(read_log(path))
    assert panel.title == "January 1999"
    assert [style for style, _, _ in panel.lines] == ["log", "without", "with"]
    assert panel.lines[0][2] == panel.lines[1][2] == {8: pytest.approx(1 / 3)}
