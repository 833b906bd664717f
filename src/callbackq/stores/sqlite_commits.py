"""
How the commands of one SQLite store take turns, and share a flush of the disk.

The rule: one thread at a time has the connection, in the order in which they came. A command that must be on the disk
and is alone commits by itself. Where others wait for their turn, its rows stay in the open transaction, and whoever
comes next puts a savepoint behind them; the last of such a group commits for all. No caller goes on before the flush
that holds its rows, whether it wrote, read or was refused: what it saw might else be undone behind its back. Groups
are bounded, so that other processes have their turn too, and nobody waits for a group to grow.

SQLite cannot change how it waits for the disk within a transaction: so only FLUSHED commands open a group. The others
join one that is open, and wait with it; where none is, they commit at once.
"""

from __future__ import annotations

import enum
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from callbackq.errors import StoreUnavailable
from callbackq.ports import Commit
from callbackq.stores.sqlite_errors import is_busy, translate, translate_commit

GROUP_MAX: Final = 64
"""So many commands share a flush, at most: the lock of the file is given back then, and other processes can have it."""
_FIRST_PAUSE_S: Final = 0.0002
_PAUSE_MAX_S: Final = 0.002
"""How often a lock that another process has is asked for: far more often than SQLite does, which then gets it late."""


class _Turn:
    """A thread that waits for the connection."""

    __slots__ = ("comes", "thread_id")

    def __init__(self, thread_id: int) -> None:
        self.thread_id = thread_id
        self.comes = threading.Lock()
        self.comes.acquire()


class Turns:
    """Who has the connection: one thread at a time, first come, first served."""

    __slots__ = ("_guard", "_owner", "_waiting")

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._owner: int | None = None
        self._waiting: deque[_Turn] = deque()

    def take(self, me: int) -> None:
        """Wait until the connection is this thread's. It is not yet."""
        turn = _Turn(me)
        try:
            with self._guard:
                if self._owner is None:
                    self._owner = me
                    return
                self._waiting.append(turn)
            turn.comes.acquire()
        except BaseException:
            # Interrupted. If the turn came nevertheless, it is for the caller to give it back.
            with self._guard, suppress(ValueError):
                self._waiting.remove(turn)
            raise

    def refuse_if_had(self, me: int) -> None:
        """Raise RuntimeError if the connection is this thread's."""
        if self._owner == me:
            msg = "this thread has a transaction of this store open; end it first"
            raise RuntimeError(msg)

    def is_had_by(self, me: int) -> bool:
        """Whether the connection is this thread's."""
        return self._owner == me

    def is_wanted(self) -> bool:
        """Whether somebody waits for it."""
        return bool(self._waiting)

    def pass_on(self) -> bool:
        """Give the connection to the one who has waited longest. Returns: False if nobody waits; it is kept then."""
        with self._guard:
            if not self._waiting:
                return False
            self._to_the_next()
            return True

    def give_back(self) -> None:
        """Give the connection to the one who has waited longest, or to nobody."""
        with self._guard:
            if self._waiting:
                self._to_the_next()
            else:
                self._owner = None

    def _to_the_next(self) -> None:
        # No call before the last one: Python looks for signals after calls, and who is taken out must be woken.
        turn = self._waiting[0]
        del self._waiting[0]
        self._owner = turn.thread_id
        turn.comes.release()


class Group:
    """Commands whose rows reach the disk together, or not at all."""

    __slots__ = ("_cause", "_latch", "_make_error", "count", "is_over")

    def __init__(self) -> None:
        self.count = 1
        self.is_over = False
        self._latch = threading.Lock()
        self._latch.acquire()
        self._make_error: Callable[[], Exception] | None = None
        self._cause: BaseException | None = None

    def fail(self, make_error: Callable[[], Exception], cause: BaseException | None = None) -> None:
        """Say why its rows are not on the disk. Each member is given an error of its own."""
        self._make_error, self._cause = make_error, cause

    def end(self) -> None:
        """Let all members go on. It may be said twice."""
        if not self.is_over:
            self.is_over = True
            self._latch.release()  # One call, which no signal can cut in two.

    @property
    def has_failed(self) -> bool:
        """Whether it is known that its rows are not on the disk, or not surely."""
        return self._make_error is not None

    def error(self) -> Exception | None:
        """Return why its rows are not on the disk, or None if they are. Waits until it is over."""
        with self._latch:
            pass
        if self._make_error is None:
            return None
        error = self._make_error()
        error.__cause__ = self._cause
        return error


class _Stage(enum.Enum):
    """What the command that has its turn has begun."""

    NOTHING = enum.auto()
    ALONE = enum.auto()
    """A transaction of its own."""
    SAVEPOINT = enum.auto()
    """A savepoint behind the rows of others."""
    READING = enum.auto()
    """Nothing to undo: it reads among the rows of others."""


class Commits:
    """
    The connection of one store, and the commands that use it in turn.

    Args:
        connection: in autocommit; errors of a lock come at once.
        path: the file, as a message may show it.
        is_flushed: whether FLUSHED waits for the disk here.
        lock_wait_s: how long a lock of another process is waited for.
        check_file: raises StoreUnavailable where the file is not there any more.
        when_undone: called when rows of others than the present command were undone.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        path: str,
        is_flushed: bool,
        lock_wait_s: float,
        check_file: Callable[[], None],
        when_undone: Callable[[], None],
    ) -> None:
        self.turns: Final = Turns()
        self.connection: sqlite3.Connection | None = connection
        self._path = path
        self._is_flushed = is_flushed
        self._lock_wait_s = lock_wait_s
        self._check_file = check_file
        self._when_undone = when_undone
        self._waits_for_disk = True
        self._group: Group | None = None
        self._stage = _Stage.NOTHING
        self._sharing: dict[int, list[Group]] = {}
        self._tellings: dict[int, list[list[Callable[[], object]]]] = {}

    # ------------------------------------------------------------------ one command

    def begin(self, commit: Commit, me: int) -> sqlite3.Connection:
        """
        Wait for this thread's turn, and begin: a transaction, or a savepoint in the group that is open.

        Raises:
            StoreUnavailable: the store is closed, or the file locked by another process, or not there.
        """
        until = time.monotonic() + self._lock_wait_s
        self.turns.take(me)
        connection = self._open()
        try:
            if self._group is None:
                self._stage = _Stage.ALONE
                self._begin_alone(connection, commit, until)
            else:
                self._group.count += 1
                if commit is Commit.READ_ONLY:
                    self._stage = _Stage.READING
                else:
                    self._stage = _Stage.SAVEPOINT
                    connection.execute("SAVEPOINT callbackq_command")
        except sqlite3.Error as error:
            raise translate(error, self._path) from error
        return connection

    def end(self, commit: Commit, me: int) -> Group | None:
        """
        End a command that went well: commit it, or leave it to its group, which is returned.

        Raises:
            StoreUnavailable: nothing was written.
            CommitUncertain: the disk failed during the commit.
        """
        connection = self._open()
        if not connection.in_transaction:
            # An error such as a full disk made SQLite roll back by itself, and the block went on.
            raise self._undid()
        group = self._group
        if group is None:
            waits = self._is_flushed and commit is Commit.FLUSHED
            if waits and (self.turns.is_wanted() or me in self._sharing):
                self._group = group = Group()
            else:
                self._commit_alone(connection)
        elif self._stage is _Stage.SAVEPOINT:
            try:
                connection.execute("RELEASE callbackq_command")
            except sqlite3.Error as error:
                raise translate(error, self._path) from error
        self._stage = _Stage.NOTHING
        return group

    def undo(self, me: int) -> Group | None:
        """
        Undo a command that failed: its own rows only, where that can be done.

        Returns:
            The group in which it saw rows of others, which may still be undone.
        """
        if not self.turns.is_had_by(me) or self.connection is None:
            return None
        try:
            return self._undo_own(self.connection)
        except BaseException:  # Interrupted: rather nothing of the group than half a command.
            roll_back(self.connection)
            if self._group is not None:
                self._give_up(self._group, None)
            raise

    def _undo_own(self, connection: sqlite3.Connection) -> Group | None:
        group = self._group
        stage, self._stage = self._stage, _Stage.NOTHING
        if group is None:
            roll_back(connection)
            return None
        if stage is _Stage.SAVEPOINT and connection.in_transaction:
            try:
                connection.execute("ROLLBACK TO callbackq_command")
                connection.execute("RELEASE callbackq_command")
            except sqlite3.Error as error:
                roll_back(connection)
                self._give_up(group, error)
                return None
        elif not connection.in_transaction:  # SQLite undid everything by itself.
            self._give_up(group, None)
            return None
        return group

    def leave(self, me: int) -> None:
        """End this thread's turn. Who has rows in an open group leaves them to the next one, or commits for all."""
        if not self.turns.is_had_by(me):
            return
        try:
            group = self._group
            if group is not None and not self._is_left_open(group, me):
                self._flush(group)
        except BaseException:  # Interrupted: rows of others must not be left to nobody.
            if self.turns.is_had_by(me) and self._group is not None:
                self._flush(self._group)
            raise
        finally:
            if self.turns.is_had_by(me):
                self.turns.give_back()

    def wait(self, group: Group | None, me: int) -> None:
        """
        Wait for the flush of a group, unless this thread shares flushes: then `together` does.

        Raises:
            StoreUnavailable: nothing of the group was written.
            CommitUncertain: the disk failed during its commit.
        """
        if group is None:
            return
        shared = self._sharing.get(me)
        if shared is not None:
            shared.append(group)
            return
        error = group.error()
        if error is not None:
            raise error

    # ------------------------------------------------------------------ several commands of one thread

    def together(self, commands: Sequence[Callable[[], object]]) -> list[Exception | None]:
        """Run *commands* in this thread, sharing flushes: see `ports.CanShareFlushes`."""
        me = threading.get_ident()
        self.turns.refuse_if_had(me)
        if me in self._sharing:
            msg = "this thread shares a flush of this store already"
            raise RuntimeError(msg)
        groups = self._sharing[me] = list[Group]()
        tellings = self._tellings[me] = list[list[Callable[[], object]]]()
        ends: list[int] = []
        try:
            for command in commands:
                tellings.append([])
                command()
                ends.append(len(groups))
        finally:
            del self._sharing[me], self._tellings[me]
            if groups and not groups[-1].is_over:
                self._end_group_of(me)
        errors = [group.error() for group in groups]
        starts = [0, *ends]
        failures = [
            next((error for error in errors[start:end] if error is not None), None)
            for start, end in zip(starts, ends, strict=False)
        ]
        for failure, own in zip(failures, tellings, strict=True):
            if failure is None:
                for tell in own:
                    tell()
        return failures

    def when_flushed(self, tell: Callable[[], object]) -> None:
        """Call *tell* when what this thread's present command wrote is committed: see `ports.CanShareFlushes`."""
        tellings = self._tellings.get(threading.get_ident())
        if tellings is None:
            tell()
        else:
            tellings[-1].append(tell)

    def _end_group_of(self, me: int) -> None:
        """Let nobody wait for a group that this thread has left open."""
        try:
            if self.turns.is_had_by(me):  # Interrupted as a command began: its block was never entered.
                self.undo(me)
            else:
                self.turns.take(me)
        except BaseException:  # Interrupted again.
            if not self.turns.is_had_by(me):
                self.turns.take(me)
            raise
        finally:
            self.leave(me)

    @contextmanager
    def alone(self) -> Generator[sqlite3.Connection]:
        """
        Have the connection without a transaction; what was in an open group is committed before.

        Raises:
            RuntimeError: this thread has a transaction open.
            StoreUnavailable: the store is closed.
        """
        me = threading.get_ident()
        self.turns.refuse_if_had(me)
        try:
            self.turns.take(me)
            connection = self._open()
            if self._group is not None:
                self._flush(self._group)
            yield connection
        finally:
            self.leave(me)

    def patiently(self, connection: sqlite3.Connection, statement: str, until: float | None = None) -> None:
        """
        Run a statement that another process may be in the way of, and ask again.

        Raises:
            sqlite3.Error: at *until*, or when so long as the store waits is over, it is in the way still; or another.
        """
        until = time.monotonic() + self._lock_wait_s if until is None else until
        pause = _FIRST_PAUSE_S
        while True:
            try:
                connection.execute(statement).fetchone()
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() >= until:
                    raise
            else:
                return
            time.sleep(pause)
            pause = min(2 * pause, _PAUSE_MAX_S)

    def refuse_if_closed(self) -> None:
        """Raise StoreUnavailable if the store is closed."""
        self._open()

    # ------------------------------------------------------------------ inside

    def _open(self) -> sqlite3.Connection:
        if self.connection is None:
            raise StoreUnavailable(f"{self._path}: this store was closed")
        return self.connection

    def _begin_alone(self, connection: sqlite3.Connection, commit: Commit, until: float) -> None:
        if commit is Commit.READ_ONLY:
            connection.execute("BEGIN")
            # What is read is as it is now, and a lock is met here.
            self.patiently(connection, "SELECT 1 FROM callbackq_meta LIMIT 1", until)
            return
        self._check_file()
        waits = self._is_flushed and commit is Commit.FLUSHED
        if waits is not self._waits_for_disk:
            connection.execute(f"PRAGMA synchronous = {'FULL' if waits else 'NORMAL'}")
            self._waits_for_disk = waits
        self.patiently(connection, "BEGIN IMMEDIATE", until)

    def _commit_alone(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise translate_commit(error, self._path) from error

    def _is_left_open(self, group: Group, me: int) -> bool:
        """Leave the group to whoever waits, or to this thread's next command. Returns: whether that was possible."""
        if group.count >= GROUP_MAX:
            return False
        return me in self._sharing or self.turns.pass_on()

    def _flush(self, group: Group) -> None:
        """Commit for all members. What becomes of it is theirs to raise."""
        connection = self._open()
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            failure = error  # The name of the clause is gone when the error is made.
            group.fail(lambda: translate_commit(failure, self._path), failure)
        finally:
            try:
                self._end_group(connection, group)
            except BaseException:  # Interrupted: whoever waits must go on all the same.
                self._end_group(connection, group)
                raise

    def _end_group(self, connection: sqlite3.Connection, group: Group) -> None:
        """Tell all members what became of a group. It may be done twice."""
        if connection.in_transaction:  # The COMMIT failed, or this thread was interrupted before it.
            if not group.has_failed:
                group.fail(self._undid)
            roll_back(connection)
        self._over(group)

    def _give_up(self, group: Group, error: sqlite3.Error | None) -> None:
        """Tell all members that their rows are undone."""
        group.fail(self._undid, error)
        self._over(group)

    def _over(self, group: Group) -> None:
        self._group = None
        if group.has_failed:
            self._when_undone()
        group.end()

    def _undid(self) -> StoreUnavailable:
        return StoreUnavailable(f"{self._path}: an error undid this transaction")


def roll_back(connection: sqlite3.Connection) -> None:
    """Undo what is open. An error here changes nothing: what was not committed is gone."""
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
