"""
What a store may be able to do besides: tell one process what another one wrote.

A store of a host need not have it. Then each runner looks at least once in its `idle_max`.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from callbackq.ids import TenantId


class Listening(Protocol):
    """One who hears. All but `stop` is for one thread."""

    def wait(self) -> bool:
        """
        Wait until something was written since the last time, and return True; or until `stop`, and return False.

        It may be True though nothing was written.

        Raises:
            StoreUnavailable: nothing can be heard any more. Close it, and listen anew.
        """
        ...

    def stop(self) -> None:
        """Let `wait` return False, now and later on. May be called from any thread."""
        ...

    def close(self) -> None:
        """Let go of what it holds. Closing twice is no error."""
        ...


@runtime_checkable
class CanListen(Protocol):
    """A store that tells one process what another one wrote. See `PostgresStore`."""

    def listen(self, tenant_id: TenantId) -> Listening:
        """
        Hear of what other processes write for one tenant, from now on. What was written before is looked up.

        Raises:
            StoreUnavailable: it cannot be heard now; try again.
        """
        ...

    def tell(self, tenant_id: TenantId) -> None:
        """
        Tell who listens of what was committed here and nobody was told of yet. Nothing, if there is nothing.

        It never raises, and waits for no disk. They are told soon, at least once, and not of what it was.
        """
        ...
