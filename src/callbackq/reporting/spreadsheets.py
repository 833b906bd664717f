"""What a spreadsheet would run, written so that it does not: for every CSV that is written here."""

from __future__ import annotations

from typing import Final

_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet may take for the beginning of a formula; also in their full width."""


def harmless(text: str) -> str:
    """
    Return a text as it may stand in a cell: one that a spreadsheet could run as a formula begins with an apostrophe.

    >>> harmless("=1+1"), harmless("  @SUM(A1)"), harmless("plain")
    ("'=1+1", "'  @SUM(A1)", 'plain')
    """
    return f"'{text}" if text.lstrip(" ").startswith(_DANGEROUS) else text
