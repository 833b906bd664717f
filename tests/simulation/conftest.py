"""What the tests of the simulation share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

_STORMS = ("test_storm.py", "test_mutations.py")


@pytest.fixture(scope="module", autouse=True)
def untraced(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let storms rage without the tracing of coverage, which other tests have: it takes three times as long."""
    tracer = None
    if request.path.name in _STORMS:
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
