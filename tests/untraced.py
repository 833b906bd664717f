"""Long tests pass without the tracing of coverage: it takes two or three times as long."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_OF_CHILDREN: Final = "COVERAGE_PROCESS_CONFIG"
"""What coverage leaves in the environment, so that processes that are started are traced too."""


@contextmanager
def untraced(*, when: bool) -> Iterator[None]:
    """Stop the tracing of this process, and of those that it starts, for a while, if it is traced at all."""
    tracer = None
    of_children = os.environ.pop(_OF_CHILDREN, None) if when else None
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
        if of_children is not None:
            os.environ[_OF_CHILDREN] = of_children
        if tracer is not None:
            tracer.start()
