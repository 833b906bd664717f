"""What the tests of the simulation share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

_LONG = (
    "test_storm.py",
    "test_mutations.py",
    "test_replayed_months.py",
    "test_fairness_table.py",
    "test_reference_tables.py",
    "test_delay_estimators.py",
    "test_invariants.py",
)


@pytest.fixture(scope="module", autouse=True)
def untraced(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let storms and whole months pass without the tracing of coverage: it takes three times as long."""
    tracer = None
    if request.path.name in _LONG:
        try:
            from coverage import Coverage
        except ImportError:
            pass
        else:
            tracer = Coverage.current()
    if tracer is not None:
        tracer.stop()
    yield
    if tracer is not None:
        tracer.start()
