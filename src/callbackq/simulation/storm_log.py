"""
What the engine logs in a storm: errors that it survived, and that are bugs all the same.

A step that fails is done again record by record, and an adapter that raises is left to its deadlines: so an error of
the engine's own would pass unseen, but for the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from callbackq.testing.checkers import Finding

FAILED = "the engine failed"
_LOGGER: Final = logging.getLogger("callbackq")
_PLANNED: Final = (
    "callbackq/testing/",
    "callbackq/simulation/fleet/",
    "StoreUnavailable",
    "CommitUncertain",
    "TelephonyDown",
)
"""What is raised there, or is one of these, was raised on purpose."""


class EngineLog(logging.Handler):
    """
    Keeps what the engine logs, and shows it to nobody.

    Attributes:
        findings: errors that nobody made on purpose.
        on_line: who is told of each line.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.findings: Final[list[Finding]] = []
        self.on_line: Callable[[str], object] = lambda _line: None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        line = record.getMessage()
        self.on_line(line)
        if record.module == "dispatcher" and record.levelno >= logging.ERROR:
            self.findings.append(Finding(check=FAILED, what=line, which="dispatcher", at=None))
        elif line.startswith("failed: ") and not any(sign in line.replace("\\", "/") for sign in _PLANNED):
            self.findings.append(Finding(check=FAILED, what=line, which=record.module, at=None))

    @contextmanager
    def attached(self) -> Generator[None]:
        """Take the place of whoever reads the log, for a while."""
        propagated = _LOGGER.propagate
        _LOGGER.addHandler(self)
        _LOGGER.propagate = False
        try:
            yield
        finally:
            _LOGGER.removeHandler(self)
            _LOGGER.propagate = propagated
