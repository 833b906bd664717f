"""
What becomes of what a command says: a pipe that is read no more ends it, as `head` does, and it says nothing about it.

Signs that a terminal or a file of another encoding does not have, such as the … of a masked number, become a ?.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from typing import IO, Any, Final, NoReturn, cast

CUT_OFF: Final = 141
"""The exit code then: 128 and the number of SIGPIPE, as shells have it. What would have been found is not known."""


class _Piped:
    """Passes everything on to a stream; ends the command where nobody reads it any more."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream: Final = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text. Raises: SystemExit, if it cannot be written."""
        with self._ending():
            return self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write some texts. Raises: SystemExit, if they cannot be written."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what is held. Raises: SystemExit, if it cannot be written."""
        with self._ending():
            self._stream.flush()

    @contextmanager
    def _ending(self) -> Generator[None]:
        try:
            yield
        except BrokenPipeError:
            self._end(CUT_OFF)
        except OSError as error:
            sys.stderr.write(f"stdout cannot be written: {error.strerror or 'it is closed'}.\n")
            self._end(2)

    def _end(self, code: int) -> NoReturn:
        # What is still held is written when the process ends: to where it disturbs nobody.
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        raise SystemExit(code)


@contextmanager
def piped() -> Generator[None]:
    """Let stdout end the command, with its own exit code, when it is read no more, or was closed from the beginning."""
    stdout = cast("IO[str] | None", sys.stdout)  # None where the shell was told >&-.
    if isinstance(stdout, io.TextIOWrapper):
        stdout.reconfigure(errors="replace")
    stream = _Piped(cast("IO[str]", stdout or io.TextIOBase()))
    sys.stdout = cast("Any", stream)
    try:
        yield
    except SystemExit:
        stream.flush()  # What the command has said last may be what nobody reads.
        raise
    finally:
        sys.stdout = cast("Any", stdout)
