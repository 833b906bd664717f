"""A real browser, if there is one: what it draws of a page, and what axe-core finds in it."""

from __future__ import annotations

import html
import json
import re
import shutil
import struct
import subprocess
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[2]
AXE = HOME / "node_modules" / "axe-core" / "axe.min.js"
"""Where `npm install --no-save axe-core` puts it. It is no part of the project."""

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--no-first-run",
)
_SECONDS_MAX = 60
_TRIES = 3
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
_RUN_AXE = """
axe.run(document, {resultTypes: ["violations", "incomplete"]}).then(found => {
  const places = nodes => nodes.map(node => [node.html, ...node.any.map(why => why.message)]);
  const told = list => list.map(one => ({id: one.id, help: one.help, where: places(one.nodes)}));
  const text = JSON.stringify({violations: told(found.violations), incomplete: told(found.incomplete),
                               passes: found.passes.length});
  document.body.innerHTML = "";
  document.body.appendChild(document.createElement("pre")).textContent = text;
});
"""


def browsers() -> list[str]:
    """Return the browsers of this machine that can be run without a screen."""
    return [path for name in _NAMES if (path := shutil.which(name)) is not None][:1]


def _run(browser: str, folder: Path, *arguments: str) -> str:
    """Run it, each time with a profile of its own: a browser that falls over on a busy machine is started again."""
    told = ""
    for number in range(_TRIES):
        command = [browser, *_QUIET, f"--user-data-dir={folder / f'profile-{number}'}", *arguments]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS_MAX, check=False
            )
        except subprocess.TimeoutExpired:
            told = f"not finished after {_SECONDS_MAX} s"
            continue
        if done.returncode == 0:
            return done.stdout
        told = f"exit {done.returncode}: {done.stderr[-2000:]}"
    raise AssertionError(f"the browser failed {_TRIES} times: {told}")


def drawn(browser: str, page: Path, *, dark: bool) -> Counter[str]:
    """Return the colours in which a browser draws the beginning of a page, and how many points have each."""
    small = ["--window-size=1060,1050", "--force-device-scale-factor=0.5"]
    _run(
        browser,
        page.parent,
        *_scheme(dark=dark),
        *small,
        f"--screenshot={page.parent / 'page.png'}",
        page.as_uri(),
    )
    return colours((page.parent / "page.png").read_bytes())


def _scheme(*, dark: bool) -> list[str]:
    return [f"--blink-settings=preferredColorScheme={0 if dark else 1}"]


def colours(png: bytes) -> Counter[str]:
    """Count the colours of a picture: PNG with eight bits and three or four channels, which is what browsers write."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert depth == 8
    size = {2: 3, 6: 4}[kind]
    data, place = bytearray(), 8
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            data += png[place + 8 : place + 8 + length]
        place += length + 12
    raw, row_length = zlib.decompress(bytes(data)), width * size
    above, found = bytearray(row_length), Counter[str]()
    for number in range(height):
        begin = number * (row_length + 1)
        row = bytearray(raw[begin + 1 : begin + 1 + row_length])
        _unfilter(raw[begin], row, above, size)
        found.update(row[at : at + 3].hex() for at in range(0, row_length, size))
        above = row
    return found


def _unfilter(kind: int, row: bytearray, above: bytearray, size: int) -> None:
    for at in range(len(row) if kind else 0):
        left = row[at - size] if at >= size else 0
        corner = above[at - size] if at >= size else 0
        up = above[at]
        guess = (0, left, up, (left + up) // 2, _nearest(left, up, corner))[kind]
        row[at] = (row[at] + guess) & 255


def _nearest(left: int, up: int, corner: int) -> int:
    """Return which of the three the PNG's fourth filter guesses by."""
    sum_less = left + up - corner
    return min((left, up, corner), key=lambda one: abs(sum_less - one))


def axe_findings(browser: str, page: Path, *, axe: Path, dark: bool, width: int = 1280) -> dict[str, Any]:
    """Return what axe-core finds in a page that a browser has opened, all parts that can be opened being open."""
    text = page.read_text(encoding="utf-8").replace("<details", "<details open")
    text, removed = _POLICY.subn("", text)
    assert removed == 1
    scripts = f"<script>{axe.read_text(encoding='utf-8')}</script><script>{_RUN_AXE}</script>"
    copy = page.parent / "checked.html"
    copy.write_text(text.replace("</body>", f"{scripts}</body>"), encoding="utf-8")
    arguments = ["--virtual-time-budget=30000", f"--window-size={width},2000", "--dump-dom", copy.as_uri()]
    told = re.search(
        r"<pre>(.*?)</pre>", _run(browser, page.parent, *_scheme(dark=dark), *arguments), re.DOTALL
    )
    assert told is not None, "axe-core told nothing"
    found: dict[str, Any] = json.loads(html.unescape(told[1]))
    return found
