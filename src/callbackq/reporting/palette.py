"""
The colours of the report: two sets, for light and for dark. The tests compute how well each can be read.

Blue is who holds the line, orange who hung up and is called back: told apart by everybody, and never by colour alone.
"""

from __future__ import annotations

from typing import Final

LIGHT: Final = {
    "page": "#f2f4f7",
    "paper": "#ffffff",
    "ink": "#191e25",
    "soft": "#4f5965",
    "grid": "#dbe1e8",
    "edge": "#c9d1da",
    "hold": "#1d5fae",
    "hold-pale": "#dbe8f7",
    "back": "#ac4b00",
    "back-pale": "#fbe6d2",
    "met": "#0a6152",
    "missed": "#a3231b",
}
DARK: Final = {
    "page": "#0f1318",
    "paper": "#181d24",
    "ink": "#e9edf2",
    "soft": "#a9b4c0",
    "grid": "#2b333d",
    "edge": "#3a444f",
    "hold": "#7db4f5",
    "hold-pale": "#22364f",
    "back": "#f5a050",
    "back-pale": "#45301c",
    "met": "#5ed3bd",
    "missed": "#ff9d90",
}

READ: Final = ("ink", "soft", "hold", "back", "met", "missed")
"""What is read, or tells something: on `page` and on `paper`."""


def variables(colours: dict[str, str]) -> str:
    """Return a set of colours as custom properties of CSS."""
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())
