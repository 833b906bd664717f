"""The page in a real browser, where there is one: what it draws, and what axe-core finds."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from callbackq.model.figures import S2_HOST
from callbackq.reporting import as_html
from callbackq.reporting.palette import DARK, LIGHT
from reporting.browsers import AXE, axe_findings, browsers, colours, drawn
from reporting.made_up import s2_week

BROWSERS = browsers()


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The page of a week, in a file."""
    path = tmp_path / "report.html"
    path.write_text(as_html(s2_week(), host=S2_HOST), encoding="utf-8")
    return path


# Where there is no browser there is no test of it; the laws of `test_page.py` hold everywhere.
if BROWSERS:

    def test_a_browser_draws_the_charts_in_light(page: Path) -> None:
        """As its reader likes: the page and both kinds of callers have their colours, and not those of the dark."""
        found = drawn(BROWSERS[0], page, dark=False)
        for name in ("page", "hold", "back"):
            assert found[LIGHT[name].removeprefix("#")] > 20, name
            assert found[DARK[name].removeprefix("#")] == 0, name


# `npm install --no-save axe-core` puts the checker there; it is no part of the project.
if BROWSERS and AXE.exists():

    @pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
    @pytest.mark.parametrize("width", [1280, 390], ids=["wide", "narrow"])
    def test_axe_finds_nothing(page: Path, width: int, *, dark: bool) -> None:
        """What it cannot judge is the contrast of text in pictures alone: `test_every_colour_can_be_read` does."""
        found = axe_findings(BROWSERS[0], page, axe=AXE, dark=dark, width=width)
        assert found["violations"] == []
        assert {one["id"] for one in found["incomplete"]} <= {"color-contrast"}
        assert found["passes"] > 30


def test_colours_of_a_picture_are_counted_through_every_filter() -> None:
    """A picture of two by five points, each row written with another filter of PNG."""
    lines = [b"\0" + bytes([200, 100, 50] * 2), b"\1" + bytes([200, 100, 50, 0, 0, 0]), b"\2" + bytes(6)]
    lines.append(b"\3" + bytes([100, 50, 25, 0, 0, 0]))
    lines.append(b"\4" + bytes([(1 - 200) & 255, (2 - 100) & 255, (3 - 50) & 255, 0, 0, 0]))
    chunks = b"".join(
        struct.pack(">I", len(data)) + kind + data + b"\0\0\0\0"
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", 2, 5, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(b"".join(lines))),
            (b"IEND", b""),
        )
    )
    found = colours(b"\x89PNG\r\n\x1a\n" + chunks)
    assert found == {"c86432": 8, "010203": 2}
