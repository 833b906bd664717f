"""The how-to shows the files of the examples, and they are what it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

HOME = Path(__file__).resolve().parents[3]
PAGE = (HOME / "docs" / "how-to" / "freeswitch.md").read_text(encoding="utf-8")
FILES = sorted((HOME / "examples" / "freeswitch").glob("*.xml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_shown_as_it_is(path: Path) -> None:
    """And can be read."""
    text = path.read_text(encoding="utf-8")
    ET.fromstring(text)
    assert f"```xml\n{text}```" in PAGE
    assert path.name in PAGE


def test_every_block_is_a_file() -> None:
    assert len(FILES) == 5
    assert len(re.findall(r"^```xml$", PAGE, re.MULTILINE)) == len(FILES)


def test_the_host_of_the_page_is_the_one_of_the_example() -> None:
    """Word for word, but for the rehearsal."""
    example = ast.parse((HOME / "examples" / "freeswitch_host.py").read_text(encoding="utf-8"))
    (shown,) = (
        block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "class Host" in block
    )
    host = [node for node in ast.parse(shown).body if isinstance(node, ast.ClassDef)]
    there = [node for node in example.body if isinstance(node, ast.ClassDef)]
    assert [ast.dump(node) for node in host] == [ast.dump(node) for node in there]


def test_the_queue_gives_no_place_to_somebody_else() -> None:
    found = ET.parse(HOME / "examples" / "freeswitch" / "callcenter.conf.xml")
    params = {one.get("name"): one.get("value") for one in found.iter("param")}
    assert params["abandoned-resume-allowed"] == "false"
