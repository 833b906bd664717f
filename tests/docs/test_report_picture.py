"""The picture of the report: charts beside each other, each once, in an SVG that needs nothing else."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from callbackq.reporting.charts import charts
from reporting.made_up import empty, s2_week

SPACE = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def picture(docs: Path) -> ModuleType:
    """`docs/report_picture.py`."""
    name = "report_picture"
    spec = importlib.util.spec_from_file_location(name, docs / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def heads(text: str) -> list[str | None]:
    return [it.text for it in ElementTree.fromstring(text).iter(f"{SPACE}text") if it.get("class") == "head"]


def test_charts_stand_beside_each_other(picture: ModuleType) -> None:
    """Two in a row, in their order; what has nothing to show is left out."""
    drawn = charts(s2_week())
    text = picture.svg(drawn)
    assert text == picture.svg(drawn)
    assert heads(text) == [chart.title for chart in drawn]
    places = [
        group.get("transform")
        for group in ElementTree.fromstring(text)
        if (group.get("transform") or "").startswith("translate")
    ]
    assert len(places) == len(set(places)) == len(drawn)
    assert len({(place or "").split()[0] for place in places}) == picture.COLUMNS
    assert heads(picture.svg(charts(empty()))) == []


def test_the_report_in_the_pages_is_whole(docs: Path, picture: ModuleType) -> None:
    """Well-formed, self-contained, for light and dark, with the charts that it should have."""
    text = (docs / "pictures" / "report.svg").read_text(encoding="utf-8")
    wanted = [chart.title for chart in charts(s2_week()) if chart.name in picture.NAMES]
    assert heads(text) == wanted
    assert "prefers-color-scheme: dark" in text
    assert text.count("http") == text.count("http://www.w3.org/2000/svg")
    assert "url(" not in text
