"""
Draw the pictures and fill in the tables of these pages: `python docs/generate.py`.

A generated table stands in a page between two comments, `<!-- generated: name -->` and `<!-- end -->`.
The tests fail when what stands there is not what the code says.
"""

from __future__ import annotations

import re
from pathlib import Path

import diagrams
import line_pictures
import tables

DOCS = Path(__file__).resolve().parent
_TABLE = re.compile(r"(<!-- generated: (\w+) -->\n)(?:(?!<!--).)*(<!-- end -->)", re.DOTALL)


def filled(page: str) -> str:
    """Return the text of a page with its generated tables as they should be."""

    def fill(found: re.Match[str]) -> str:
        return found[1] + "\n" + "\n".join(tables.TABLES[found[2]]()) + "\n\n" + found[3]

    return _TABLE.sub(fill, page)


def generated() -> dict[Path, str]:
    """Return what every generated file should hold."""
    files = {DOCS / "pictures" / name: diagrams.svg(it) for name, it in diagrams.pictures().items()}
    files |= {
        DOCS / "pictures" / name: line_pictures.svg(it) for name, it in line_pictures.drawings().items()
    }
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        if _TABLE.search(text):
            files[page] = filled(text)
    return files


def main() -> None:
    """Write what has changed."""
    for path, text in generated().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"written: {path.relative_to(DOCS)}")


if __name__ == "__main__":
    main()
