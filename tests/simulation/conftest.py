"""What the tests of the simulation share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from untraced import untraced

_LONG = (
    "test_storm.py",
    "test_fleet.py",
    "test_fleet_bugs.py",
    "test_mutations.py",
    "test_replayed_months.py",
    "test_fairness_table.py",
    "test_reference_tables.py",
    "test_delay_estimators.py",
    "test_invariants.py",
    "test_center.py",
    "test_fifo.py",
    "test_line_model.py",
    "test_log_estimators.py",
    "test_calling_hours.py",
)


@pytest.fixture(scope="module", autouse=True)
def storms_untraced(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let storms and whole months pass untraced."""
    with untraced(when=request.path.name in _LONG):
        yield
