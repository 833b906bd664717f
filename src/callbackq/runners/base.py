"""What both runners are given, and what a host says of its telephony."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from callbackq.dispatcher import Dispatcher
from callbackq.errors import Conflict, StoreError
from callbackq.model import TelephonySnapshot
from callbackq.ports import AsyncMessenger, AsyncNotices, AsyncTelephony, CanSnapshot
from callbackq.runners.engine import Engine
from callbackq.runners.lines import Ask, Host
from callbackq.runners.link import Link
from callbackq.runners.piling import Pile
from callbackq.runners.sending import Messengers
from callbackq.runners.threads import DaemonThreads, Pools
from callbackq.service import CallbackService

logger = logging.getLogger("callbackq")

LEASE_DEFAULT: Final = timedelta(seconds=15)
"""How long a runner may be silent before other nodes take over what it began, unless it is told otherwise."""


class RunnerBase:
    """The parts of a runner. See `ThreadRunner` and `AsyncRunner`."""

    def __init__(
        self,
        service: CallbackService,
        telephony: AsyncTelephony,
        *,
        node_id: str | None = None,
        lease: timedelta | None = LEASE_DEFAULT,
        idle_max: timedelta = timedelta(seconds=1),
        notices: AsyncNotices | None = None,
        messenger: AsyncMessenger | Mapping[str, AsyncMessenger] | None = None,
        call_time_max: timedelta = timedelta(seconds=10),
        threads_max: int = 64,
    ) -> None:
        self._host: Final = Host(
            telephony=telephony,
            notices=notices,
            messengers=Messengers(messenger),
            idle_max=idle_max,
            call_time_max=call_time_max,
            threads_max=threads_max,
        )
        self._service: Final = service
        self._dispatcher: Final = Dispatcher(service, node_id=node_id, lease=lease)
        self._link: Final = Link()
        self._pile: Final = Pile(service)
        self._engine: Engine | None = None
        self._pid: Final = os.getpid()
        self._begin_link()

    @property
    def telephony_is_up(self) -> bool:
        """Whether the dispatcher may begin what needs the telephony."""
        return self._link.is_up

    def telephony_down(self) -> None:
        """
        The connection to the telephony is lost. May be said in any thread.

        Until it has come up again no deadline of an attempt comes, nobody is dialed, and no live call is connected.
        Agents, live calls and other promises go on; reports are still taken.
        """
        self._link.down()

    def telephony_up(self, snapshot: TelephonySnapshot | None = None) -> None:
        """
        The telephony can be reached again: learn which legs it has, and go on. Returns at once, in any thread.

        Args:
            snapshot: its legs; if None it is asked for them, if it can say. One that cannot is believed to be up:
                deadlines decide.

        While it says `TelephonyDown`, or the store cannot be reached, it stays down, and is asked again.
        """
        self._link.up(snapshot)
        engine = self._engine
        if engine is not None:
            engine.wake()

    def _begin_link(self) -> None:
        self._link.begin(asks=isinstance(self._host.telephony, CanSnapshot))

    def _check_process(self) -> None:
        if self._pid != os.getpid():
            raise RuntimeError("this runner was made before a fork; make one in each process")

    def _begin(self) -> None:
        self._begin_link()
        self._host.messengers.log_what_is_missing(self._service.policies.values())

    def _register(self) -> None:
        """Let other nodes know of this one. Raises: ConfigurationError: one is up that orders a line in another way."""
        try:
            self._dispatcher.register(self._service.now())
        except (StoreError, Conflict) as error:
            name = type(error).__name__
            logger.warning("this node is not known to others before its first step: %s", name)

    def _pools(self) -> Pools:
        return Pools(threads_max=self._host.threads_max)

    def _make_engine(self, ask: Ask, pools: Pools, *, owns_loop: bool) -> Engine:
        return Engine(
            self._service,
            self._dispatcher,
            self._host,
            link=self._link,
            pile=self._pile,
            ask=ask,
            pools=pools,
            owns_loop=owns_loop,
        )


def command_thread() -> DaemonThreads:
    """Return the one thread in which a runner gives its commands."""
    return DaemonThreads(name="callbackq-commands", threads_max=1)
