"""
Telling the listeners of one tenant that something was written: PostgreSQL's NOTIFY and LISTEN.

The rule: who listens is told soon and at least once, and of nothing but that there is something to be looked at. It is
said after the commit and never within it: a transaction that notifies takes a lock that is one for the whole database,
and keeps it while its commit waits for the disk. Said by itself it writes no row, and so waits for no disk.

Several who have something to say at once say it together: while one is speaking, one more waits, who then speaks for
all that came meanwhile.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from callbackq.ids import TenantId
from callbackq.stores.postgres_errors import driver_error, is_lost, translate, unavailable
from callbackq.stores.postgres_session import turn_number

if TYPE_CHECKING:
    from callbackq.stores.postgres_connections import Lending


_SILENT_MAX_S: Final = 30.0
"""After so long without a word whoever listens asks whether the server is still there."""


def channel_of(schema: str, tenant_id: TenantId) -> str:
    """Return the channel of one tenant: no name of a tenant is shown to whoever looks at the server."""
    return f"callbackq_{turn_number(schema, tenant_id, 'told') & (2**64 - 1):016x}"


def telling(channels: Collection[str]) -> str:
    """Return the statement that tells who listens on these."""
    return "SELECT " + ", ".join(f"pg_notify('{channel}', '')" for channel in sorted(channels))


class Teller:
    """Tells other processes that something was written. Safe to share between threads. It never raises."""

    def __init__(self, connections: Lending) -> None:
        self._connections: Final = connections
        self._lock: Final = threading.Lock()
        self._speaking: Final = threading.Lock()
        self._written: set[str] = set()
        self._owed: set[str] = set()
        self._is_waiting = False

    def wrote(self, tenant_id: TenantId) -> None:
        """Take note that something of a tenant was committed, of which nobody was told."""
        with self._lock:
            self._written.add(channel_of(self._connections.schema, tenant_id))

    def tell(self, tenant_id: TenantId) -> None:
        """
        Tell whoever listens of what was written until now. Where nothing was, nothing is said.

        Cost: one journey to the server, on a connection that is free. Where none is, it is said by the thread that
        gives the next one back.
        """
        channel = channel_of(self._connections.schema, tenant_id)
        with self._lock:
            if channel not in self._written:
                return
            self._written.remove(channel)
            self._owed.add(channel)
        self.pay()

    def pay(self) -> None:
        """Say what is still to be said."""
        if not self._owed:
            return
        with self._lock:
            if self._is_waiting:
                return  # Who waits has not begun to speak yet, and speaks for us.
            self._is_waiting = True
        owed: set[str] = set()
        try:
            with self._speaking:
                with self._lock:
                    self._is_waiting = False
                    owed, self._owed = self._owed, owed
                if owed and self._say(owed):
                    owed = set()
        except BaseException:  # Interrupted: whoever has something to say must not wait for this thread.
            with self._lock:
                self._is_waiting = False
            raise
        finally:
            if owed:
                with self._lock:
                    self._owed |= owed

    def _say(self, channels: Collection[str]) -> bool:
        """Say it, and return whether it was said."""
        words = telling(channels).encode()
        while True:
            try:
                connection, was_used = self._connections.take(waits=False)
            except Exception:  # Of a pool of the host's, anything. It is said with the next command.
                return False
            try:
                connection.execute(words, prepare=False)
            except driver_error() as error:
                connection.close()
                if not (was_used and is_lost(error)):
                    return False
            else:
                return True
            finally:
                self._connections.give_back(connection)


class Listening:
    """
    Hears when something of one tenant was written elsewhere. See `ports.Listening`.

    Args:
        connections: lends one, until `close`.
        tenant_id: of whom to hear.

    Raises:
        StoreUnavailable: the server cannot be reached.
    """

    def __init__(self, connections: Lending, tenant_id: TenantId) -> None:
        self._connections: Final = connections
        self._channel: Final = channel_of(connections.schema, tenant_id)
        self._is_stopped = False
        self._is_closed = False
        self._connection: Final = connections.aside()
        failure: Exception | None = None
        try:
            self._connection.execute(f"LISTEN {self._channel}".encode(), prepare=False)
        except driver_error() as error:
            failure = translate(error, connections.name)
        if failure is not None:
            self._connection.close()
            connections.done(self._connection)
            raise failure
        self._bell, self._button = socket.socketpair()

    def wait(self) -> bool:
        """
        Wait until something was written, and return True; or until `stop`, and return False. For one thread.

        Where nobody says anything it is True as well, now and then.

        Raises:
            StoreUnavailable: the connection was lost. Close this one, and listen anew.
        """
        try:
            with selectors.DefaultSelector() as sockets:
                sockets.register(self._bell, selectors.EVENT_READ)
                sockets.register(self._connection.fileno(), selectors.EVENT_READ)
                while not self._is_stopped:
                    if list(self._connection.notifies(timeout=0)):
                        return True
                    if not sockets.select(_SILENT_MAX_S):
                        # A server that is gone without a word is noticed only by whoever asks it something. An older
                        # driver forgets what is told together with the answer.
                        self._connection.execute(b"SELECT 1", prepare=False)
                        return True
        except driver_error() as error:
            lost = unavailable(f"{self._connections.name}: the connection was lost", error)
        else:
            return False
        raise lost

    def stop(self) -> None:
        """Let `wait` return, now and later on. May be called from any thread."""
        self._is_stopped = True
        with suppress(OSError):  # It is closed already.
            self._button.send(b"!")

    def close(self) -> None:
        """Let go of the connection. For the thread that waits; closing twice is no error."""
        self._is_stopped = True
        if self._is_closed:
            return
        self._is_closed = True
        self._bell.close()
        self._button.close()
        try:
            self._connection.execute(f"UNLISTEN {self._channel}".encode(), prepare=False)
        except driver_error():
            self._connection.close()
        finally:
            self._connections.done(self._connection)
