"""
What one process sees of the store, of the telephony and of the provider: with a border at each call.

The rule: nothing here belongs to the engine. All that goes wrong with a process goes wrong at a border, between two
calls, as it does in the world: a transaction is never interrupted, it happens or it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Final, Protocol

from callbackq.effects import (
    Bridge,
    ConnectCall,
    Dial,
    HangUp,
    Play,
    ReleaseAgent,
    ReserveAgent,
    SendDigits,
    SendMessage,
    StopPlay,
)
from callbackq.errors import CommitUncertain, Conflict, DialRefused, StoreUnavailable, TelephonyDown
from callbackq.events import Event
from callbackq.ids import TenantId
from callbackq.model import TelephonySnapshot
from callbackq.ports import Commit, Store, Transaction
from callbackq.simulation.fleet.plan import Ill, ProcessPlan
from callbackq.testing.clock import ManualClock
from callbackq.testing.faults import FaultyTelephony


class ProcessEnded(SystemExit):
    """The process ends here. Nothing of it goes on."""


class MadeConflict(Conflict):
    """A conflict that was made on purpose."""


class OwnClock:
    """The clock of one machine: ahead or behind, and too fast or too slow."""

    def __init__(self, true: ManualClock, plan: ProcessPlan) -> None:
        self._true: Final = true
        self._skew: Final = plan.skew
        self._pace: Final = 1 + plan.drift_ratio
        self._began_at: Final = true.now()

    def now(self) -> datetime:
        """Return what it shows."""
        return self._began_at + (self._true.now() - self._began_at) * self._pace + self._skew

    def true_at(self, shown: datetime) -> datetime:
        """Return when it shows that, in true time; not before now."""
        at = self._began_at + (shown - self._skew - self._began_at) / self._pace
        return max(at, self._true.now())


class Seat(Protocol):
    """What a view asks of the process that it belongs to."""

    store_is_cut: bool
    pbx_is_cut: bool

    def border(self, where: str) -> None:
        """A call begins or is over. Raises: ProcessEnded."""
        ...

    def hits(self, ill: Ill, where: str) -> bool:
        """Whether this goes wrong now."""
        ...

    def check_alive(self) -> None:
        """Raises: ProcessEnded: it has ended meanwhile."""
        ...

    def committed(self, events: Sequence[Event]) -> None:
        """These events are in the history now."""
        ...

    def looks(self) -> None:
        """It has just looked into the store: what it knows is of now."""
        ...

    def within_transaction(self) -> AbstractContextManager[None]:
        """Inside it nobody else can go on: the store is ours. A conflict that nobody made is counted."""
        ...


LookAt = Callable[[Transaction, Sequence[Event]], None]


class StoreView:
    """
    The one store, as one process reaches it.

    Args:
        look: sees every transaction that has written something, before its end.
    """

    def __init__(self, behind: Store, seat: Seat, *, look: LookAt) -> None:
        self.behind: Final = behind
        self._seat: Final = seat
        self._look: Final = look

    @property
    def pepper(self) -> bytes:
        """The pepper of the store."""
        return self.behind.pepper

    def transaction(self, tenant_id: TenantId, *, commit: Commit) -> AbstractContextManager[Transaction]:
        """Open a transaction, or fail before it, at its end, or after its commit."""
        return self._transaction(tenant_id, commit)

    @contextmanager
    def _transaction(self, tenant_id: TenantId, commit: Commit) -> Generator[Transaction]:
        seat, writes = self._seat, commit is not Commit.READ_ONLY
        seat.border("before the store")
        if seat.store_is_cut or seat.hits(Ill.STORE_GONE, "the store"):
            raise StoreUnavailable("not reached, by plan")
        events: Sequence[Event] = ()
        with seat.within_transaction(), self.behind.transaction(tenant_id, commit=commit) as tx:
            yield tx
            seat.check_alive()
            if writes:
                events = tx.history.appended()
            if events and seat.hits(Ill.CONFLICT, "the store"):
                raise MadeConflict("somebody else was first, by chance")
            if events:
                self._look(tx, events)
        seat.looks()
        if events:
            seat.committed(events)
        if writes and (seat.store_is_cut or seat.hits(Ill.LOST_REPLY, "the store")):
            raise CommitUncertain("the reply was lost, by chance")
        seat.border("after a commit" if events else "after the store")

    def scrub(self) -> bool:
        """Scrub the store."""
        return self.behind.scrub()

    def close(self) -> None:
        """The store stays open: others use it."""


class PbxView:
    """
    The one telephony, as one node reaches it over a connection of its own.

    Args:
        dials: is told of each leg that this node dials.
    """

    def __init__(
        self,
        behind: FaultyTelephony,
        seat: Seat,
        *,
        dials: Callable[[Dial], None],
    ) -> None:
        self._behind: Final = behind
        self._seat: Final = seat
        self._dials: Final = dials

    def dial(self, order: Dial) -> None:
        """Place a leg. Who asked whether it is wanted may stand still before it is dialed."""
        self._seat.border("before a dial")
        if self._seat.pbx_is_cut:
            raise DialRefused("not connected")
        self._dials(order)
        self._behind.dial(order)
        self._seat.border("after a dial")

    def bridge(self, order: Bridge) -> None:
        """Join two legs."""
        self._do("bridge", lambda: self._behind.bridge(order))

    def hang_up(self, order: HangUp) -> None:
        """End a leg."""
        self._do("hang up", lambda: self._behind.hang_up(order))

    def play(self, order: Play) -> None:
        """Play a prompt."""
        self._do("play", lambda: self._behind.play(order))

    def stop_play(self, order: StopPlay) -> None:
        """End what is played to a leg."""
        self._do("stop", lambda: self._behind.stop_play(order))

    def send_digits(self, order: SendDigits) -> None:
        """Press keys on a leg."""
        self._do("keys", lambda: self._behind.send_digits(order))

    def reserve_agent(self, order: ReserveAgent) -> None:
        """Keep other queues from giving this agent calls."""
        self._do("reserve", lambda: self._behind.reserve_agent(order))

    def release_agent(self, order: ReleaseAgent) -> None:
        """Let other queues give this agent calls again."""
        self._do("release", lambda: self._behind.release_agent(order))

    def connect_call(self, order: ConnectCall) -> None:
        """Connect a live caller to an agent."""
        self._do("connect", lambda: self._behind.connect_call(order))

    def snapshot(self) -> TelephonySnapshot:
        """Return the legs that are up or ringing."""
        self._seat.border("before a snapshot")
        self._check()
        found = self._behind.snapshot()
        self._seat.border("after a snapshot")
        return found

    def _do(self, what: str, call: Callable[[], None]) -> None:
        self._seat.border(f"before {what}")
        self._check()
        call()
        self._seat.border(f"after {what}")

    def _check(self) -> None:
        if self._seat.pbx_is_cut:
            raise TelephonyDown("not connected")


class MessengerView:
    """The one provider of messages, as one node reaches it."""

    def __init__(self, send: Callable[[SendMessage], str | None], seat: Seat) -> None:
        self._send: Final = send
        self._seat: Final = seat

    def send(self, order: SendMessage) -> str | None:
        """Send one message."""
        self._seat.border("before a message")
        provider_id = self._send(order)
        self._seat.border("after a message")
        return provider_id


def later(clock: ManualClock, after: timedelta, action: Callable[[], object]) -> None:
    """Plan an action."""
    clock.plan(clock.now() + after, lambda: _drop(action()))


def _drop(_value: object) -> None:
    return None
