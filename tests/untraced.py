"""Long tests pass without the tracing of coverage: it takes two or three times as long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def untraced(*, when: bool) -> Iterator[None]:
    """Stop the tracing of this process for a while, if it is traced at all."""
    tracer = None
    if when:
        try:
            from coverage import Coverage
        except ImportError:
            pass
        else:
            tracer = Coverage.current()
    if tracer is not None:
        tracer.stop()
    try:
        yield
    finally:
        if tracer is not None:
            tracer.start()
