"""
How a program reaches the world: one call of the host's code as data, and the hands that make it.

Nothing here sleeps, and nothing here knows of threads or of an event loop.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, Protocol, TypeVar, cast

import attrs

from callbackq.masking import without_text

logger = logging.getLogger("callbackq")

R = TypeVar("R")


# ---------------------------------------------------------------------------- calls of the host's code


@attrs.frozen(kw_only=True)
class Act:
    """
    One call of the host's code.

    Args:
        owner: the telephony, who takes the notices, or a messenger.
        method: the name of the method.
        args: the order; nothing for a snapshot.
        which: the id of what it is about, for the log.
        time_max: how long it may take, where it is not as long as all others may.
        is_message: it sends a message, and takes no thread that a call may need.
    """

    owner: object
    method: str
    args: tuple[object, ...] = ()
    which: str = ""
    time_max: timedelta | None = None
    is_message: bool = False

    def bound(self) -> Callable[..., Any]:
        """Return the method. Raises: AttributeError, if the host's object has none."""
        return cast("Callable[..., Any]", getattr(self.owner, self.method))

    def call(self) -> Any:
        """Call it, and return what it returns. Raises: whatever it raises."""
        return self.bound()(*self.args)


@attrs.frozen(kw_only=True)
class Done:
    """How a call of the host's code went: what it returned, or what it raised."""

    value: object = None
    error: BaseException | None = None


WhenLate = Callable[[], Awaitable[None]]


class Hands(Protocol):
    """How a program reaches the world: at once, or by awaiting."""

    async def ask(self, command: Callable[[], R]) -> R:
        """Give a command to the service. Raises: whatever it raises."""
        ...

    def turn(self, act: Act) -> AbstractAsyncContextManager[None]:
        """Wait until the call can begin as soon as it is made: inside, it does."""
        ...

    async def act(self, act: Act, *, when_late: WhenLate | None = None) -> Done:
        """
        Call the host's code, inside its turn. Never raises what it raises, unless that is meant for the process.

        Args:
            when_late: what to do if it takes too long; the call goes on, and its result is waited for all the same.
        """
        ...


def at_once(program: Coroutine[Any, Any, R]) -> R:
    """
    Run a program that never pauses, as if it were a plain function.

    >>> async def program() -> int:
    ...     return 7
    >>> at_once(program())
    7
    """
    try:
        program.send(None)
    except StopIteration as end:
        return cast("R", end.value)
    program.close()
    raise RuntimeError("a program paused with hands that do all at once")


# ---------------------------------------------------------------------------- the log


def log_failure(what: str, which: str, error: BaseException) -> None:
    """Log what failed and where, not the error's text: an adapter's text may hold a number."""
    logger.warning("failed: %s of %s: %s", what, which, without_text(error))


def is_meant_for_the_process(error: BaseException) -> bool:
    """Whether it asks the process to end. A cancelled task of the adapter is no such thing."""
    return isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit))
