"""
Runners: the code that performs effects, and the only code that sleeps.

A `Driver` is for a host with its own loop: it performs in the thread that calls. A `ThreadRunner` drives a dispatcher
from threads of its own, an `AsyncRunner` from tasks of the host's event loop. All three perform each effect by the
same description (`performing`), and hold no lock and no transaction meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callbackq.runners.driver import Driver

if TYPE_CHECKING:
    from callbackq.runners.tasks import AsyncRunner
    from callbackq.runners.thread import ThreadRunner
    from callbackq.runners.webhooks import WebhookRunner

__all__ = ["AsyncRunner", "Driver", "ThreadRunner", "WebhookRunner"]


def __getattr__(name: str) -> Any:
    """Load asyncio, and the runners that rest on it, only where they are used."""
    if name == "ThreadRunner":
        from callbackq.runners.thread import ThreadRunner

        return ThreadRunner
    if name == "AsyncRunner":
        from callbackq.runners.tasks import AsyncRunner

        return AsyncRunner
    if name == "WebhookRunner":
        from callbackq.runners.webhooks import WebhookRunner

        return WebhookRunner
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
