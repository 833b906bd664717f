"""Every Python block of README.md and of docs/ is run as a test."""

from __future__ import annotations

import doctest
import os
import tempfile
from pathlib import Path
from typing import Any

from sybil import Sybil
from sybil.parsers.myst import DocTestDirectiveParser, PythonCodeBlockParser, SkipParser

collect_ignore_glob = ["docs/*.py"]  # They make the pages, and hold no tests.

_FOLDER = "_folder_of_this_page"
_HOME = Path(__file__).parent


def _enter_page(namespace: dict[str, Any]) -> None:
    """Start a page in an empty folder: what it writes is gone when the page ends."""
    namespace[_FOLDER] = tempfile.TemporaryDirectory()
    os.chdir(namespace[_FOLDER].name)


def _leave_page(namespace: dict[str, Any]) -> None:
    os.chdir(_HOME)
    namespace[_FOLDER].cleanup()


def _pages(path: str, *, patterns: tuple[str, ...], excludes: tuple[str, ...]) -> Sybil:
    """
    Run the Python blocks of the pages below *path* that match *patterns*.

    The blocks of one page share one namespace. `<!--- skip: next -->` before a block leaves it out.
    """
    return Sybil(
        parsers=[
            PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS),
            DocTestDirectiveParser(optionflags=doctest.ELLIPSIS),
            SkipParser(),
        ],
        path=path,
        patterns=patterns,
        excludes=excludes,
        setup=_enter_page,
        teardown=_leave_page,
    )


_readme = _pages(".", patterns=("README.md",), excludes=("*/README.md",))
_docs = _pages("docs", patterns=("*.md",), excludes=("_build/*", "_build/**/*"))

pytest_collect_file = (_readme + _docs).pytest()
