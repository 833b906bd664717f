"""In how many parts an SMS goes out: at every boundary of both alphabets, and nothing split that belongs together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.policy.segments import GSM_BASIC, GSM_EXTENSION, Encoding, Segments, segments_of
from core.samples import LAW

GSM, UCS = Encoding.GSM_7, Encoding.UCS_2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments(GSM, 0, 0)),
        ("a", Segments(GSM, 1, 1)),
        ("a" * 160, Segments(GSM, 160, 1)),
        ("a" * 161, Segments(GSM, 161, 2)),
        ("a" * 306, Segments(GSM, 306, 2)),
        ("a" * 307, Segments(GSM, 307, 3)),
        ("a" * 459, Segments(GSM, 459, 3)),
        ("a" * 460, Segments(GSM, 460, 4)),
        ("€", Segments(GSM, 2, 1)),
        ("€" * 80, Segments(GSM, 160, 1)),
        ("a" * 159 + "€", Segments(GSM, 161, 2)),
        ("í", Segments(UCS, 1, 1)),
        ("í" * 70, Segments(UCS, 70, 1)),
        ("í" * 71, Segments(UCS, 71, 2)),
        ("í" * 134, Segments(UCS, 134, 2)),
        ("í" * 135, Segments(UCS, 135, 3)),
        ("😀" * 35, Segments(UCS, 70, 1)),
        ("😀" * 35 + "a", Segments(UCS, 71, 2)),
    ],
)
def test_boundaries(text: str, expected: Segments) -> None:
    assert segments_of(text) == expected


def test_an_escape_goes_with_its_character() -> None:
    """The 153rd septet of a part stays empty, where the next character takes two: 306 septets take three parts."""
    assert segments_of("a" * 152 + "€" + "a" * 151).count == 2
    assert segments_of("a" * 152 + "€" + "a" * 152) == Segments(GSM, 306, 3)


def test_the_halves_of_a_character_stay_together() -> None:
    """67 is odd: a text of such characters alone has 33 in each part."""
    assert segments_of("😀" * 66) == Segments(UCS, 132, 2)
    assert segments_of("😀" * 67) == Segments(UCS, 134, 3)


def test_one_foreign_character_changes_the_whole_text() -> None:
    assert segments_of("a" * 100).count == 1
    assert segments_of("a" * 99 + "ç") == Segments(UCS, 100, 2)


def test_the_alphabet() -> None:
    """128 places: the escape is none of the 127 others; ten characters are behind it. The standard's odd ones out."""
    assert (len(GSM_BASIC), len(GSM_EXTENSION)) == (127, 10)
    assert not GSM_BASIC & GSM_EXTENSION
    assert GSM_BASIC.issuperset("éèùìòÇàäöüñßÉÄÖÑÜ¿¡@£¥§ΔΩ\n\r")
    assert not GSM_BASIC & set("çáíóúêâîôûëïœ`’“”–…")


@LAW
@given(st.text(alphabet=st.sampled_from("ab €{í😀ñ"), max_size=700))
def test_parts_are_filled_greedily(text: str) -> None:
    """A slow account of the same: characters are put into parts one by one, and each part holds what it can."""
    gsm = all(character in "ab €{ñ" for character in text)
    alone, joined = (160, 153) if gsm else (70, 67)
    sizes = [
        (2 if character in "€{" else 1) if gsm else len(character.encode("utf-16-le")) // 2
        for character in text
    ]
    parts: list[int] = [0]
    for size in sizes:
        if parts[-1] + size > joined:
            parts.append(0)
        parts[-1] += size
    expected = (1 if sizes else 0) if sum(sizes) <= alone else len(parts)
    assert segments_of(text) == Segments(GSM if gsm else UCS, sum(sizes), expected)
