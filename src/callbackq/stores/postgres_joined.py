"""
A store within a transaction of the host's: what is written there is durable with the host's COMMIT, or never was.

The rule: each of our transactions is a savepoint on the host's connection, and leaves everything else as it was.
Nothing is committed here, and nothing is rolled back but to our own savepoint.

Why it is correct:

* Rows are written over the version that was read, and what must be unique is a unique index, as in any transaction.
  What was wrong undoes the savepoint, and the host's transaction goes on.
* A host in READ COMMITTED lets each question see what was committed last, where our own transactions see one moment. So
  what is read may not fit together, if somebody else commits in between. Nothing wrong is written then, for it would be
  over a version that is gone. A refusal may be wrong: `CallbackService.within` believes it only when it comes twice.
* A host in REPEATABLE READ or SERIALIZABLE sees one moment for all of its transaction. After a `Conflict` it would see
  the same again, so it must begin anew.
* Turns and counters are kept until the host's end, as are the locks of all rows that were written.
* Whoever listens is told in the host's transaction: the server tells them when it is committed, and not otherwise.

Settings that our statements need are made within the savepoint, and put back before it is released. One stays: a
promise must outlive the loss of power, so `synchronous_commit` is on until the host's end where it was off.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, cast

from callbackq.errors import ConfigurationError, Conflict, StoreUnavailable
from callbackq.ids import TenantId
from callbackq.ports import Commit
from callbackq.stores.lane_index import LaneIndex
from callbackq.stores.pepper import agreed_pepper
from callbackq.stores.postgres_connections import NEEDED, path_to
from callbackq.stores.postgres_errors import driver_error, translate
from callbackq.stores.postgres_guests import Guest
from callbackq.stores.postgres_lanes import LaneCache
from callbackq.stores.postgres_notify import channel_of, telling
from callbackq.stores.postgres_session import Session, Turn
from callbackq.stores.postgres_tables import PostgresTransaction

if TYPE_CHECKING:
    import psycopg

    from callbackq.stores.postgres_connections import Connection, Lending

_SAVEPOINT: Final = "callbackq"
_UNDO: Final = f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}; RELEASE SAVEPOINT {_SAVEPOINT}"
_ASKED: Final = ("synchronous_commit", "transaction_isolation")
_NO_TABLE: Final = frozenset({"42P01", "3F000"})
_READ_COMMITTED: Final = frozenset({"read committed", "read uncommitted"})


class JoinedStore:
    """
    A store whose transactions are savepoints in a transaction of the host's. See `PostgresStore.joined`.

    It belongs to whoever uses the connection: one thread at a time. Several transactions of the host's may be run on
    it, one after the other.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        *,
        name: str,
        schema: str,
        pepper: bytes,
        lane_cache: LaneCache,
    ) -> None:
        self._joint: Final = _Joint(Guest(connection), name=name, schema=schema, pepper=pepper)
        self._pepper: Final = pepper
        self._lane_cache: Final = lane_cache
        self._is_busy = False
        self._is_closed = False
        self._joint.refuse_if_outside()

    @property
    def pepper(self) -> bytes:
        """The secret bytes of the store that was joined."""
        return self._pepper

    @contextmanager
    def transaction(self, tenant_id: TenantId, *, commit: Commit) -> Generator[PostgresTransaction]:
        """
        Open a savepoint in the host's transaction; an exception that leaves the block undoes what was done in it.

        When the block ends what was written stands in the host's transaction, and is visible to nobody else until
        that is committed. How much that withstands is what *commit* asks for, or more.

        Cost: two journeys to the server, and one for each verb.

        Raises:
            RuntimeError: no transaction of the host's is open, or it has failed, or one of ours is open on it.
            StoreUnavailable: nothing was written: the server is gone, full, read-only, or keeps a lock for too long.
            Conflict: nothing was written: another transaction was first. The message says where the host must begin
                its own transaction anew.
            ConfigurationError: the connection leads to other tables, or to none.
        """
        if self._is_closed:
            raise StoreUnavailable(f"{self._joint.name}: this store was closed")
        if self._is_busy:
            msg = "a transaction of this store is open already; end it first"
            raise RuntimeError(msg)
        self._joint.refuse_if_outside()
        session = _JoinedSession(self._joint, tenant_id, commit=commit)
        self._is_busy = True
        try:
            yield PostgresTransaction(session, _BorrowedLanes(self._lane_cache))
            session.settle()
            session.end()
            session.commit()
        except BaseException as error:
            session.end()
            session.roll_back()
            if isinstance(error, Conflict) and self._joint.isolation not in _READ_COMMITTED:
                raise _begin_anew(error, self._joint.isolation) from error
            raise
        finally:
            self._is_busy = False

    def scrub(self) -> bool:
        """Return False: within a transaction nothing can be cleaned. Do it after the COMMIT: `PostgresStore.scrub`."""
        return False

    def close(self) -> None:
        """Do nothing more. The connection and its transaction stay as they are: they are the host's."""
        self._is_closed = True


def check_connection(connection: object) -> None:
    """Check that a connection of the host's is one that can be joined. Raises: ConfigurationError."""
    import psycopg

    if not isinstance(connection, psycopg.Connection):
        raise ConfigurationError(
            "connection",
            type(connection).__name__,
            "a psycopg.Connection; that of an ORM has one inside",
        )


def _begin_anew(error: Conflict, isolation: str) -> Conflict:
    return type(error)(
        f"{error}; your transaction is {isolation.upper()} and sees one moment: roll it back, and begin it anew"
    )


class _BorrowedLanes(LaneCache):
    """What is committed is known from elsewhere. What is read here may be undone, and is kept from everybody else."""

    def __init__(self, committed: LaneCache) -> None:
        super().__init__()
        self._committed = committed

    def of(self, tenant_id: TenantId) -> LaneIndex:
        if tenant_id not in self._of_tenant:
            own = LaneIndex()
            for skills in tuple(self._committed.of(tenant_id).sets[1:]):
                own.add(skills)
            self._of_tenant[tenant_id] = own
        return self._of_tenant[tenant_id]


class _Joint:
    """
    Where a store meets the host's transaction: what a session needs of its connections.

    Attributes:
        isolation: the level of the host's transaction, as it was last seen.
        is_known: whether this connection was seen to lead to the tables of the store.
    """

    def __init__(self, guest: Guest, *, name: str, schema: str, pepper: bytes) -> None:
        self.guest: Final = guest
        self.name: Final = name
        self.schema: Final = schema
        self._pepper: Final = pepper
        self.isolation = "read committed"
        self.is_known = False

    def know(self, meta: Mapping[str, str]) -> None:
        """Take note of the tables that were found. Raises: ConfigurationError, if they are not those of the store."""
        agreed_pepper(meta, self._pepper, made="tables were")
        self.is_known = True

    def refuse_if_outside(self) -> None:
        """Raise what says why nothing can be done on this connection now."""
        from psycopg.pq import TransactionStatus

        host, status = self.guest.host, self.guest.status
        if host.closed or status is TransactionStatus.UNKNOWN:
            raise StoreUnavailable(f"{self.name}: the host's connection is closed")
        if status is TransactionStatus.INERROR:
            msg = "your transaction has failed: roll it back before you use callbackq in the next one"
            raise RuntimeError(msg)
        if status is TransactionStatus.IDLE and host.autocommit:
            msg = (
                "no transaction is open on this connection, and it commits by itself:"
                " open one by `with connection.transaction():`, or by BEGIN"
            )
            raise RuntimeError(msg)
        if status is TransactionStatus.ACTIVE:
            msg = "a statement of yours is under way on this connection: end it, or its COPY, first"
            raise RuntimeError(msg)
        if host.pgconn.pipeline_status:
            msg = "this connection is in pipeline mode: leave the pipeline first"
            raise RuntimeError(msg)

    def give_back(self, connection: Connection) -> None:
        """Keep it: it is the host's."""


class _JoinedSession(Session):
    """One savepoint. It must be ended, by `commit` or by `roll_back`."""

    __slots__ = ("_flushes", "_joint", "_old")

    def __init__(self, joint: _Joint, tenant_id: TenantId, *, commit: Commit) -> None:
        super().__init__(cast("Lending", joint), tenant_id, commit=commit)
        self._joint = joint
        self._flushes = commit is Commit.FLUSHED
        self._old: dict[str, str] = {}

    def _begin(self, turns: Collection[Turn] = ()) -> None:
        guest = self._joint.guest
        failure: Exception
        try:
            self._enter(guest)
        except driver_error() as error:
            _undo(guest)
            failure = self._refusal(error)
        except BaseException:
            _undo(guest)
            raise
        else:
            self._connection = cast("Connection", guest)
            self._cursor = guest.cursor(binary=True)
            wanted = self.kept.union(turns)
            self.kept = frozenset[Turn]()
            self.keep(*wanted)
            return
        raise failure

    def _enter(self, guest: Guest) -> None:
        """Set the savepoint, take down what the settings were, and make them ours: one message."""
        joint = self._joint
        needed = {"search_path": path_to(joint.schema), **NEEDED}
        names = (*needed, *_ASKED)
        entry = [f"SAVEPOINT {_SAVEPOINT}", guest.exchanging(names, needed, is_local=True)]
        if not joint.is_known:
            entry.append(f'SELECT name, value FROM "{joint.schema}".callbackq_meta')
        answers = guest.execute("; ".join(entry), prepare=False)
        answers.nextset()
        told = cast("tuple[str, ...]", answers.fetchone())
        found = dict(zip(names, told[: len(names)], strict=True))
        joint.isolation = found["transaction_isolation"]
        if not joint.is_known:
            answers.nextset()
            joint.know(dict(cast("list[tuple[str, str]]", answers.fetchall())))
        self._old = {name: found[name] for name in needed}
        if self._flushes and found["synchronous_commit"] == "off":
            guest.execute("SET LOCAL synchronous_commit = on", prepare=False)

    def _refusal(self, error: psycopg.Error) -> Exception:
        if error.sqlstate in _NO_TABLE:
            joint = self._joint
            return ConfigurationError(
                "connection", "of another database", f"one to {joint.name}, schema {joint.schema}"
            )
        return translate(error, self._joint.name)

    def take_turn(self, name: str) -> None:
        """Wait for the tenant's turn of this name, if something may be written; it lasts until the host's end."""
        self.refuse_if_over()
        if not self.only_reads and self._connection is None:
            self._begin({(name,)})

    def commit(self) -> None:
        """
        Leave what was written in the host's transaction, and put its settings back.

        Raises:
            StoreUnavailable, Conflict: an error has undone the savepoint before, or does so now.
        """
        guest, joint = self._joint.guest, self._joint
        if self._connection is None:
            return
        if self._failure is not None:
            raise self._undone()
        leave = [guest.setting(self._old, is_local=True), f"RELEASE SAVEPOINT {_SAVEPOINT}"]
        if self._wrote:
            leave.insert(0, telling([channel_of(joint.schema, self.tenant_id)]))
        failure: Exception
        try:
            guest.execute("; ".join(leave), prepare=False)
        except driver_error() as error:
            failure = translate(error, joint.name)
        else:
            self._connection = self._cursor = None
            return
        raise failure

    def roll_back(self) -> None:
        """Undo what was done since the savepoint, and leave the rest of the host's transaction as it is."""
        if self._connection is not None:
            self._connection = self._cursor = None
            _undo(self._joint.guest)


def _undo(guest: Guest) -> None:
    """Go back to the savepoint, with the settings of that moment. An error here means that all is undone."""
    from psycopg.pq import TransactionStatus

    if guest.closed or guest.status not in {TransactionStatus.INTRANS, TransactionStatus.INERROR}:
        return
    with suppress(driver_error()):
        guest.execute(_UNDO, prepare=False)
