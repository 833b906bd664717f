"""The folders that these tests are about, and the modules that fill the pages."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from untraced import untraced

HOME = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def pictures_untraced(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the days that are drawn, and the examples, pass untraced."""
    with untraced(when=any(word in request.path.name for word in ("picture", "generated", "examples"))):
        yield


@pytest.fixture(scope="session")
def docs() -> Path:
    """The folder of the pages."""
    return HOME / "docs"


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder of the examples."""
    return HOME / "examples"


def _load(name: str) -> ModuleType:
    """Import a module of the folder of the pages under its own name, as `generate.py` does."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HOME / "docs" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def diagrams() -> ModuleType:
    """`docs/diagrams.py`."""
    return _load("diagrams")


@pytest.fixture(scope="session")
def tables(diagrams: ModuleType) -> ModuleType:
    """`docs/tables.py`."""
    return _load("tables")


@pytest.fixture(scope="session")
def line_pictures(diagrams: ModuleType) -> ModuleType:
    """`docs/line_pictures.py`."""
    return _load("line_pictures")


@pytest.fixture(scope="session")
def generate(tables: ModuleType, line_pictures: ModuleType) -> ModuleType:
    """`docs/generate.py`."""
    return _load("generate")
