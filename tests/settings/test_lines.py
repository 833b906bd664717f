"""The line of each key is found in any TOML, as `tomllib` reads it; what is no TOML does no harm."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq.policy.forms.nodes import KeyPath
from callbackq.settings.lines import DEPTH_MAX, key_lines
from callbackq.settings.writing import toml_text

EVERYTHING = '''\
# A comment with [brackets] and "quotes".
a = 1 # b = 2
"b c".d = [1, 2, # a comment, with ] in it
  { x = 1, 'y z' = [ "q]" ] },
  """several
  ] lines \\""" and quotes""""" , ]
[t.u] # [no]
k = \'\'\'
[[no]]
k = 2\'\'\'
when = 1979-05-27 07:32:00
x.y . "z" = {}
[[arr]]
v = 1
  [arr.sub]
  w = "\\\\"
[[arr]]
v = { p.q = 1, r = [[], [1]] }
[[arr.in]]
z = ''
[[arr.in]]
"\\u0041\\t" = +inf
'''


def paths(data: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Give the path of everything that was read."""
    if path:
        yield path
    if isinstance(data, dict):
        for key, value in data.items():
            yield from paths(value, (*path, key))
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from paths(value, (*path, number))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_key_and_item_has_its_line(end: str) -> None:
    """Of tables, dotted and quoted keys, arrays of tables, inline tables, lists and texts over several lines."""
    text = EVERYTHING.replace("\n", end)
    found = key_lines(text).lines
    assert set(found) == set(paths(tomllib.loads(text)))
    assert found["a",] == 2
    assert found["b c", "d"] == found["b c", "d", 1] == 3
    assert found["b c", "d", 2, "y z", 0] == 4
    assert found["b c", "d", 3] == 5
    assert found["t", "u"] == 7
    assert found["t", "u", "when"] == 11
    assert found["t", "u", "x", "y", "z"] == 12
    assert found["arr", 0, "sub", "w"] == 16
    assert found["arr", 1] == 17
    assert found["arr", 1, "v", "r", 1, 0] == 18
    assert found["arr", 1, "in", 1, "A\t"] == 22


def test_what_has_no_line_has_that_of_what_it_stands_in() -> None:
    found = key_lines("\n[a.b]\nc = 1\n")
    assert found.line_of(("a", "b", "x", 0)) == 2
    assert found.line_of(("x",)) is None
    assert found.line_of(()) is None


WORDS = st.sampled_from(["a", "b c", "", "é", '"', "\\", "#", "]", "\n", "2026-01-01", "'''"])
LEAVES = st.one_of(WORDS, st.integers(-9, 9), st.booleans(), st.just(1.5))
VALUES = st.recursive(
    LEAVES, lambda each: st.lists(each, max_size=3) | st.dictionaries(WORDS, each, max_size=3), max_leaves=8
)


@settings(max_examples=60, derandomize=True, database=None, deadline=None)
@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_of_any_data_every_key_has_a_line(data: dict[str, Any]) -> None:
    """And what is written as TOML is the same when it is read."""
    text = toml_text(data)
    assert tomllib.loads(text) == data
    assert set(key_lines(text).lines) == set(paths(data))


@settings(max_examples=80, derandomize=True, database=None, deadline=None)
@given(st.integers(0, len(EVERYTHING)), st.text("[]{}\"'=.,#\\\n a1", max_size=4))
def test_no_text_does_harm(at: int, put: str) -> None:
    """Whatever stands in it: what is TOML is understood, and of the rest what stands before the mistake."""
    text = EVERYTHING[:at] + put + EVERYTHING[at:]
    found = key_lines(text)
    try:
        data = tomllib.loads(text)
    except ValueError:
        assert all(1 <= line <= text.count("\n") + 1 for line in found.lines.values())
    else:
        assert set(found.lines) == set(paths(data))


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".a" * 50_000 + " = 1",
        "[" + "a." * 50_000 + "a]",
        "a = " + "[" * 50_000,
        "a = " + "{ a = " * 50_000,
    ],
)
def test_what_is_too_deep_is_said_at_once(text: str) -> None:
    assert key_lines("\n\n" + text).too_deep_line == 3


def test_what_is_as_deep_as_allowed_is_read() -> None:
    keys = ".".join("k" * DEPTH_MAX)
    assert key_lines(f"{keys} = 1").too_deep_line is None
    assert key_lines(f"{keys}.k = 1").too_deep_line == 1
    assert key_lines("a = " + "[" * (DEPTH_MAX - 1) + "]" * (DEPTH_MAX - 1)).too_deep_line is None


@pytest.mark.parametrize("text", ["a = ", "a", "= 1", "[a", "[[a]", '"a', "a = {b}", "a = [1 2]", "a = '''"])
def test_what_is_no_toml_ends_quietly(text: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(text)
    assert key_lines(text).too_deep_line is None


def test_json_texts_are_read_as_they_are() -> None:
    """An escaped key is the key that it stands for."""
    key = json.dumps('a"\\\t\U0001f600', ensure_ascii=True).replace("\\ud83d\\ude00", "\\U0001F600")
    (path,) = key_lines(f"{key} = 1").lines
    assert path == ('a"\\\t\U0001f600',)
