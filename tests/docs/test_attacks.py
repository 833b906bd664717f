"""`docs/explanation/attacks.md`: what it says is shown by a test is shown by one that is there."""

from __future__ import annotations

import re
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]


def test_every_test_of_the_page_is_there() -> None:
    """And every attack that is tried is on the page."""
    page = (HOME / "docs" / "explanation" / "attacks.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_[a-z_0-9]+)`", page))
    tests = "".join(path.read_text(encoding="utf-8") for path in (HOME / "tests").rglob("test_*.py"))
    assert named <= set(re.findall(r"def (test_[a-z_0-9]+)\(", tests))
    tried = (HOME / "tests" / "service" / "test_attacks.py").read_text(encoding="utf-8")
    assert set(re.findall(r"def (test_[a-z_0-9]+)\(", tried)) <= named


def test_every_row_of_the_page_names_a_test() -> None:
    """An attack without a test is not stopped."""
    page = (HOME / "docs" / "explanation" / "attacks.md").read_text(encoding="utf-8")
    rows = [
        line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| what is tried")
    ]
    assert len(rows) > 15
    assert [row for row in rows if "`test_" not in row] == []
