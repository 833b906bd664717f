"""
A node that can be killed: a process of its own, with the real store, service, dispatcher and driver.

It does what it is told over a pipe, one order after the other. Telephony, messengers and help desk live at the other
end of the pipe, in a process that nobody kills, and forget nothing. Everything that stands between the engine and the
world passes its fault points (`testing.faultpoints`); at the one that it was told, the process ends itself by SIGKILL:
no handler runs, nothing is closed, and what it held is held no longer.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any, Final

import attrs

from callbackq.dispatcher import Dispatcher
from callbackq.errors import (
    CallbackqError,
    CommitUncertain,
    Conflict,
    DialRefused,
    MessageImpossible,
    MessageRefused,
    RecipientOptedOut,
    StoreError,
    StoreUnavailable,
    TelephonyDown,
)
from callbackq.model import EstimateFacts, FindingKind, Opening, Purpose, Receipt, Severity, Wait
from callbackq.policy import Caps, Limit, QueuePolicy
from callbackq.ports import (
    CanReserve,
    CanShareFlushes,
    CanSnapshot,
    Clock,
    CodeSender,
    DoNotCall,
    Estimator,
    Hours,
    IdSource,
    Messenger,
    Notices,
    SlotCapacity,
    Store,
    Telephony,
    Tickets,
)
from callbackq.runners import Driver
from callbackq.service import CallbackService
from callbackq.simulation.storm_log import EngineLog
from callbackq.stores.postgres import PostgresStore
from callbackq.stores.sqlite import Flush, SQLiteStore
from callbackq.testing.checkers import Finding
from callbackq.testing.clock import START
from callbackq.testing.faultpoints import at_points, store_at_points

SEATS: Final = 2
"""Each slot has so many."""
_FEWER_AFTER: Final = timedelta(minutes=8)
STEPS_AT_ONCE_MAX: Final = 60


@attrs.frozen(kw_only=True)
class Place:
    """
    Where the store of a world is: a file, or a schema of a PostgreSQL database.

    Args:
        waits: promises wait for the disk. That is of no matter to a process that is killed, and takes its time.
    """

    kind: str
    where: str
    schema: str = "public"
    waits: bool = False

    def open(self) -> Store:
        """Open the store."""
        if self.kind == "sqlite":
            return SQLiteStore(Path(self.where), flush=Flush.FULL if self.waits else Flush.RELAXED)
        return PostgresStore(self.where, schema=self.schema, connections_max=3)


@attrs.frozen(kw_only=True)
class Birth:
    """
    What one life of a node begins with.

    Args:
        life: no other process of this world has, or had, this number.
        can_snapshot: the telephony can say which legs it has.
        lease: so long a node may be silent before others take over what it began; None: it is not registered.
    """

    place: Place
    seed: int
    life: int
    node_id: str
    policies: Sequence[QueuePolicy]
    limits: Sequence[Limit]
    caps: Caps
    can_snapshot: bool
    lease: timedelta | None


@attrs.frozen(kw_only=True)
class Order:
    """
    One thing to do.

    Args:
        now: what time it is.
        what: a method of the service; or of the node, with a dot before it.
        kill_at: the point at which to die, and at its how many-th passing from now on; None: as before.
        wants: what it returns is of use.
    """

    now: datetime
    what: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    kill_at: tuple[str, int] | None = None
    wants: bool = True


@attrs.frozen(kw_only=True)
class Asks:
    """The node asks the world around it."""

    port: str
    method: str
    args: tuple[Any, ...]


@attrs.frozen(kw_only=True)
class Dies:
    """The last word of a node: at which point it is."""

    point: str


@attrs.frozen(kw_only=True)
class Did:
    """
    What became of an order.

    Args:
        error: the name of what was raised.
        is_ours: it is one that a host must expect.
        may_try: the store could not, or somebody else was first: ask again.
        passed: the points that this process has passed for the first time.
        findings: what the engine logged, and should not have to.
    """

    value: Any = None
    error: str | None = None
    detail: str = ""
    is_ours: bool = True
    may_try: bool = False
    passed: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


# ---------------------------------------------------------------------------- what stands around it


class _Far:
    """A port whose other end is in the world."""

    def __init__(self, pipe: Connection, port: str) -> None:
        self._pipe: Final = pipe
        self._port: Final = port

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):
            raise AttributeError(method)
        return partial(self._ask, method)

    def _ask(self, method: str, *args: Any) -> Any:
        self._pipe.send(Asks(port=self._port, method=method, args=args))
        error, value = self._pipe.recv()
        if error is not None:
            raise _raised(error)
        return value


_NAMED: Final[Mapping[str, Callable[[], Exception]]] = {
    "DialRefused": partial(DialRefused, "refused"),
    "TelephonyDown": partial(TelephonyDown, "not connected"),
    "MessageRefused": partial(MessageRefused, "refused", problem="busy"),
    "MessageImpossible": partial(MessageImpossible, "impossible", problem="no_such"),
    "RecipientOptedOut": partial(RecipientOptedOut, "opted out", problem="opted_out"),
}


def _raised(error: str) -> Exception:
    return _NAMED.get(error, partial(ConnectionError, "the world failed, on purpose"))()


class _ToldClock:
    """A clock that is set with each order."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at


class _Ids:
    """Ids that no other life makes, and that are the same when the world is replayed."""

    def __init__(self, life: int) -> None:
        self._life: Final = life
        self._count = 0

    def new(self, prefix: str, *, now: datetime) -> str:
        self._count += 1
        return f"{prefix}_{int(now.timestamp() * 1000):012x}{self._life:03x}{self._count:06x}"


class _AlwaysOpen:
    def opening(self, queue: str, at: datetime) -> Opening:  # noqa: ARG002
        return Opening(is_open=True)


class Seats:
    """Two seats in each slot; later on there is only one, whoever has booked."""

    def __init__(self, clock: Clock) -> None:
        self._clock: Final = clock

    def seats(self, queue: str, starts: Sequence[datetime], length: timedelta) -> list[int]:  # noqa: ARG002
        """Return how many each slot has now."""
        count = SEATS if self._clock.now() < START + _FEWER_AFTER else 1
        return [count for _ in starts]


class _NobodyListed:
    def is_listed(self, number: str, purpose: Purpose) -> bool:  # noqa: ARG002
        return False


class _AMinute:
    """Says a minute, and now and then nonsense."""

    name = "minute"

    def __init__(self, seed: int) -> None:
        self._random: Final = chance(seed, "estimator")

    def estimate(self, facts: EstimateFacts) -> Wait | None:
        nonsense = facts.agents > 0 and self._random.random() < 0.2
        return Wait(mean_s=-1.0 if nonsense else 60.0, low_s=30.0, high_s=90.0, estimator=self.name)


# ---------------------------------------------------------------------------- the process


class _Points:
    """Where the process is, and where it is to end."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe: Final = pipe
        self._passed: Final[set[str]] = set()
        self.new: list[str] = []
        self.kill_at: str | None = None
        self.left = 0

    def __call__(self, point: str) -> None:
        if point not in self._passed:
            self._passed.add(point)
            self.new.append(point)
        if point == self.kill_at:
            self.left -= 1
            if self.left <= 0:
                self._pipe.send(Dies(point=point))
                os.kill(os.getpid(), signal.SIGKILL)


class _Node:
    """One process's parts."""

    def __init__(self, pipe: Connection, birth: Birth, clock: _ToldClock, points: _Points) -> None:
        self._points: Final = points
        at = partial(at_points, hit=points)
        self.store: Final = store_at_points(birth.place.open(), points)
        self.service: Final = CallbackService(
            self.store,
            birth.policies,
            clock=at(clock, Clock),
            ids=at(_Ids(birth.life), IdSource),
            caps=birth.caps,
            limits=birth.limits,
            hours=at(_AlwaysOpen(), Hours),
            estimator=at(_AMinute(birth.seed), Estimator),
            tickets=at(_Far(pipe, "tickets"), Tickets),
            capacity=at(Seats(clock), SlotCapacity),
            do_not_call=at(_NobodyListed(), DoNotCall),
            codes=at(_Far(pipe, "codes"), CodeSender),
        )
        can = (Telephony, CanSnapshot, CanReserve) if birth.can_snapshot else (Telephony, CanReserve)
        self.dispatcher: Final = Dispatcher(self.service, node_id=birth.node_id, lease=birth.lease)
        self.driver: Final = Driver(
            self.service,
            self.dispatcher,
            at(_Reach(pipe, can), *can),
            notices=at(_Far(pipe, "notices"), Notices),
            messenger=at(_Far(pipe, "messenger"), Messenger),
        )
        self.driver.telephony_up()

    def step(self) -> datetime | None:
        """Step until nothing more is to be done now, and say when to step again."""
        for _ in range(STEPS_AT_ONCE_MAX):
            if not self.driver.step(self.service.now()):
                return self.driver.next_wakeup()
        raise TimeoutError("the dispatcher does not come to rest")

    def report(self, report: Any) -> bool:
        """Take a report of the telephony; say whether it changed anything."""
        return self.driver.report(report).changed

    def settle(self, *args: Any, **kwargs: Any) -> None:
        """Settle an attempt, and perform what follows."""
        self.driver.perform(self.service.settle(*args, **kwargs).effects)

    def set_disposition(self, *args: Any, **kwargs: Any) -> None:
        """Correct an attempt, and perform what follows."""
        self.driver.perform(self.service.set_disposition(*args, **kwargs).effects)

    def message_received(self, inbound: Any) -> None:
        """Take what a customer wrote, and answer."""
        self.driver.message_received(inbound)

    def request_many(self, *args: Any, **kwargs: Any) -> dict[int, Any]:
        """Promise many, and return the receipts by their places."""
        return dict(self.service.request_many(*args, **kwargs).receipts)

    def request_together(self, queue: str, requests: Sequence[Mapping[str, Any]]) -> list[Receipt | None]:
        """Promise several at once, with one flush of the disk if the store can; None where it was not kept."""
        receipts: dict[int, Receipt] = {}

        def promise(index: int) -> None:
            receipts[index] = self.service.request(queue, **requests[index])

        if not isinstance(self.store, CanShareFlushes):
            for index in range(len(requests)):
                promise(index)
            return [receipts[index] for index in range(len(requests))]
        errors = self.store.together([partial(promise, index) for index in range(len(requests))])
        return [receipts[index] if error is None else None for index, error in enumerate(errors)]

    def doctor(self) -> list[str]:
        """Return what contradicts itself in the store. How safe its disk is, is the user's affair."""
        return [
            f"{found.kind}: {found.record_id}: {found.what}"
            for found in self.service.doctor(thorough=True).findings
            if found.severity is Severity.ERROR and found.kind is not FindingKind.STORE
        ]

    def prune(self) -> bool:
        """Remove what ended long ago, all of it; say whether the history is whole afterwards."""
        ended_before = self.service.now() - timedelta(days=100)
        while self.service.prune(ended_before=ended_before).more:
            continue
        return self.service.verify_history().is_whole

    def erase(self, **kwargs: Any) -> None:
        """Erase a person, and what is left of them in the files."""
        self.service.erase(**kwargs)
        self.store.scrub()

    def export(self) -> int:
        """Give the whole history out, and say how many lines it has."""
        return sum(1 for _ in self.service.export_history())

    def drain(self) -> None:
        """Claim nothing new from now on."""
        self.driver.drain()

    def leave(self) -> None:
        """Hand over what is left."""
        self.driver.leave()

    def stop(self) -> None:
        """Close the store, as a process does that ends in peace."""
        self.store.close()

    def obey(self, order: Order) -> Any:
        """Do one thing."""
        if order.what.startswith("."):
            return getattr(self, order.what[1:])(*order.args, **order.kwargs)
        return getattr(self.service, order.what)(*order.args, **order.kwargs)


class _Reach(_Far):
    """The telephony, with just the methods that it has: for some look whether they are there."""

    def __init__(self, pipe: Connection, can: Sequence[type]) -> None:
        super().__init__(pipe, "telephony")
        self._can: Final = can

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if not any(hasattr(one, method) for one in self._can):
            raise AttributeError(method)
        return super().__getattr__(method)


def _live(pipe: Connection, birth: Birth) -> None:
    clock, points, log = _ToldClock(), _Points(pipe), EngineLog()
    node: _Node | None = None
    with log.attached():
        while True:
            order: Order = pipe.recv()
            clock.at = order.now
            if order.kill_at is not None:
                points.kill_at, points.left = order.kill_at
            did = Did()
            try:
                if order.what == ".be_born":
                    node = _Node(pipe, birth, clock, points)
                else:
                    assert node is not None
                    value = node.obey(order)
                    did = Did(value=value if order.wants else None)
            except CallbackqError as error:
                may_try = isinstance(error, StoreUnavailable | CommitUncertain | Conflict)
                is_ours = may_try or not isinstance(error, StoreError)
                did = Did(error=type(error).__name__, detail=str(error), is_ours=is_ours, may_try=may_try)
            except Exception as error:
                did = Did(error=type(error).__name__, detail=repr(error), is_ours=False)
            findings = tuple(found for found in log.findings if __name__.rpartition(".")[2] not in found.what)
            log.findings.clear()
            passed, points.new = tuple(points.new), []
            pipe.send(attrs.evolve(did, passed=passed, findings=findings))
            if order.what == ".stop":
                return


def give_birth(pipe: Connection, birth: Birth, *, close: Sequence[Connection]) -> int:
    """
    Make a process that obeys at the other end of *pipe*, and return its id.

    Args:
        close: ends of pipes that are none of its business.
    """
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        gc.freeze()
        for one in close:
            one.close()
        _live(pipe, birth)
        status = 0
    except (EOFError, BrokenPipeError, ConnectionResetError):  # The world is gone.
        status = 2
    except Exception:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def chance(seed: int, what: str) -> Random:
    """Return the chance of one thing in one world."""
    return Random(f"kills {what} {seed}")
