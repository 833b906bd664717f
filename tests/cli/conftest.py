"""What the tests of commands share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from untraced import untraced

_LONG: Final = frozenset(
    {
        "test_converse.py",
        "test_fleet_command.py",
        "test_fuzz_command.py",
        "test_kills_command.py",
        "test_storm_command.py",
    }
)
"""What they run is traced where it is tested by itself."""
_LONG_TESTS: Final = (
    "test_demo_is_plain",
    "test_demo_prints",
    "test_demo_with_another",
    "test_the_real_log",
)


@pytest.fixture(autouse=True)
def worlds_untraced(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let storms, fleets and whole days pass untraced."""
    with untraced(when=request.path.name in _LONG or request.node.name.startswith(_LONG_TESTS)):
        yield
