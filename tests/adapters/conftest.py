"""What the tests of adapters share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from untraced import untraced

_LONG: Final = frozenset({"test_calendars.py"})
"""They try very many texts and times."""


@pytest.fixture(autouse=True)
def long_ones_untraced(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let what takes long pass untraced."""
    with untraced(when=request.path.name in _LONG):
        yield
