"""What every command shares: the parts of a service, and how one command becomes one transaction."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Self, TypeVar, cast

import attrs

from callbackq.asking import Desk
from callbackq.core.instants import check_instant, check_text
from callbackq.errors import ConfigurationError, Conflict, NotFound, RequestRefused
from callbackq.events import Event
from callbackq.gauge import Gauge
from callbackq.ids import DEFAULT_TENANT, QueueName, TenantId
from callbackq.limiting import Flood
from callbackq.model import Receipt
from callbackq.policy import Caps, Limit, QueuePolicy, check_policies
from callbackq.ports import (
    CanListen,
    CanShareFlushes,
    Clock,
    CodeSender,
    Commit,
    DoNotCall,
    Estimator,
    Hours,
    IdSource,
    Listener,
    SlotCapacity,
    Store,
    Tickets,
    Transaction,
)
from callbackq.posting import Postman
from callbackq.returning import PromiseConcerned
from callbackq.seating import Seating
from callbackq.service.listeners import Listeners
from callbackq.system import RandomIds
from callbackq.times import PolicyHours

T = TypeVar("T")
CONFLICT_TRIES: Final = 10
NO_CAPS: Final = Caps()
NO_CONTEXT: Final[Mapping[str, str]] = MappingProxyType({})


class ServiceBase:
    """The parts that all commands work with. See `CallbackService`."""

    def __init__(
        self,
        store: Store,
        policies: Iterable[QueuePolicy],
        *,
        clock: Clock,
        ids: IdSource | None = None,
        tenant_id: str = DEFAULT_TENANT,
        caps: Caps = NO_CAPS,
        hours: Hours | None = None,
        estimator: Estimator | None = None,
        tickets: Tickets | None = None,
        capacity: SlotCapacity | None = None,
        do_not_call: DoNotCall | None = None,
        codes: CodeSender | None = None,
        limits: Sequence[Limit] = (),
        listeners: Iterable[Listener] = (),
    ) -> None:
        self._store = store
        self._teller = store if isinstance(store, CanListen) else None
        self._outside: Self | None = None
        self._listeners: Final = Listeners(listeners)
        self._untold: list[Event] = []
        self.tenant_id: Final = TenantId(check_text(tenant_id, "tenant_id"))
        self.clock: Final = clock
        self.ids: Final = ids if ids is not None else RandomIds()
        by_queue: dict[QueueName, QueuePolicy] = {}
        for policy in check_policies(policies):
            if policy.queue in by_queue:
                raise ConfigurationError("policies", policy.queue, "one policy for each queue")
            by_queue[policy.queue] = policy
        self.policies: Final[Mapping[QueueName, QueuePolicy]] = MappingProxyType(by_queue)
        self.caps: Final = caps
        self.hours: Final[Hours] = hours if hours is not None else PolicyHours(self.policies)
        for policy in self.policies.values():
            if policy.slots is not None and policy.slots.seats is None and capacity is None:
                raise ConfigurationError(
                    "capacity",
                    None,
                    f"a SlotCapacity: queue {policy.queue} leaves the seats of its slots to it",
                )
        self.seating: Final = Seating(self.policies, tenant_id=self.tenant_id, hours=hours, capacity=capacity)
        self.gauge: Final = Gauge(estimator, policies=self.policies, caps=caps)
        self.tickets: Final = tickets
        self.do_not_call: Final = do_not_call
        self.codes: Final = codes
        self.limits: Final = tuple(limits)
        self.flood = Flood()
        self.desk: Final = Desk(
            tenant_id=self.tenant_id,
            ids=self.ids,
            gauge=self.gauge,
            seating=self.seating,
            pepper=store.pepper,
            policies=self.policies,
            do_not_call=do_not_call,
            limits=self.limits,
        )
        self._lanes_known: set[tuple[str, ...]] = set()
        self._has_messages: Final = any(one.messages is not None for one in self.policies.values())
        self._wakers: list[Callable[[], None]] = []
        self._doers: list[Callable[[], bool]] = []

    @property
    def store(self) -> Store:
        """Where everything is kept."""
        return self._store

    # ------------------------------------------------------------------ whom it concerns

    def when_changed(
        self, waker: Callable[[], None], *, does_all: Callable[[], bool] | None = None
    ) -> Callable[[], None]:
        """
        Call *waker* after every command that may have written something. It must return at once, and never raise.

        Args:
            does_all: says whether whoever is woken can do by itself all that may follow. While one can, other processes
                are not told of what is written here. At once, and it never raises.

        Returns:
            A function that takes this back.

        Raises:
            RuntimeError: this is a service within a transaction of the host's. See `within`.
        """
        self.refuse_within("be told of changes")
        self._wakers = [*self._wakers, waker]
        if does_all is not None:
            self._doers = [*self._doers, does_all]

        def forget() -> None:
            self._wakers = [kept for kept in self._wakers if kept is not waker]
            self._doers = [kept for kept in self._doers if kept is not does_all]

        return forget

    def changed(self) -> None:
        """
        Let everybody look who waits for work: in this process, and in others if the store can tell them.

        For what was not written by a command of this service, such as a transaction of yours in which a service
        `within` it was used, once it is committed.
        """
        for waker in self._wakers:
            waker()
        self.tell_others()

    def tell_others(self) -> None:
        """Tell other processes of what was written here, unless a runner of this one does all that follows from it."""
        if self._teller is not None and not any(does_all() for does_all in self._doers):
            self._teller.tell(self.tenant_id)

    # ------------------------------------------------------------------ within a transaction of the host's

    def within(self, store: Store) -> Self:
        """
        Return this service in a transaction of yours: the same commands, which commit nothing.

        What a command wrote becomes durable with your COMMIT, or is gone with your ROLLBACK. Until then every answer is
        provisional: a `Receipt` says so. So do not tell the customer anything, and perform no effects that a command
        returns, before you have committed. Then call `committed` on it: listeners are told, what waits for work in this
        process looks at once, and the server tells the others by itself.

        A command that is refused leaves your transaction as it was. Commands that send something at once, such as
        `send_code`, are refused. No ticket is opened: ask again under the same request key after your COMMIT.

        Args:
            store: such as `PostgresStore.joined(connection)`.

        Raises:
            RuntimeError: this service is within a transaction already. Out of a command: see `JoinedStore`.
            Conflict: out of a command: another transaction was first. Where the message says so, you must roll back and
                begin your transaction anew; else the command may be given again.
        """
        self.refuse_within("be joined once more")
        inside = copy.copy(self)
        inside._store, inside._teller = store, None
        inside._outside = self
        inside._wakers, inside._doers, inside._untold = [], [], []
        inside.flood = Flood()  # What is counted in here may be undone.
        return inside

    def committed(self) -> None:
        """
        Say that your transaction, which this service is `within`, is committed: all that was done in it is so.

        Then listeners are told of what the commands in it wrote since this was said last, as of one transaction, and
        whoever waits for work looks. Nobody here sees your COMMIT, so nothing is told before. After a ROLLBACK, also
        one to a savepoint of yours, do not say it: go on with a new `within`.

        Raises:
            RuntimeError: this service is within no transaction of yours.
        """
        outside = self._outside
        if outside is None:
            msg = "this service is within no transaction of yours: it tells of what it commits by itself"
            raise RuntimeError(msg)
        events, self._untold = tuple(self._untold), []
        if events:
            self._listeners.tell(events)
        outside.changed()

    @property
    def is_provisional(self) -> bool:
        """Whether this service is within a transaction of the host's, so that nothing it says is durable yet."""
        return self._outside is not None

    def refuse_within(self, what: str) -> None:
        """Raise RuntimeError in a service that is within a transaction of the host's."""
        if self._outside is not None:
            msg = f"this service is within a transaction of yours, and cannot {what}: use the one that it comes from"
            raise RuntimeError(msg)

    # ------------------------------------------------------------------ commands

    def _know_lanes(self, *wanted: tuple[str, ...]) -> None:
        """Intern sets of skills in a transaction of their own: two commands may bring the same new set at once."""
        if self._outside is not None:
            self._outside._know_lanes(*wanted)  # They are kept, whatever becomes of the host's transaction.
            return
        new = [skills for skills in wanted if skills and skills not in self._lanes_known]
        if new:
            self._run(Commit.RELAXED, lambda tx, _now: [tx.lanes.intern(skills) for skills in new])
            self._lanes_known.update(new)

    def now(self) -> datetime:
        """Return the present instant of the service's clock, in UTC. Raises: InvalidTime, if that is naive."""
        return check_instant(self.clock.now(), "the clock's now()")

    def transaction(self, commit: Commit) -> AbstractContextManager[Transaction]:
        """Open a transaction on the rows of this tenant; listeners are told after its commit. All are opened here."""
        if commit is Commit.READ_ONLY or not self._listeners.are_there:
            return self._store.transaction(self.tenant_id, commit=commit)
        return self._told(commit)

    @contextmanager
    def _told(self, commit: Commit) -> Generator[Transaction]:
        store = self._store
        with store.transaction(self.tenant_id, commit=commit) as tx:
            yield tx
            events = tuple(tx.history.appended())
        if not events:
            return
        if self._outside is not None:
            self._untold.extend(events)
        elif isinstance(store, CanShareFlushes):
            store.when_flushed(partial(self._listeners.tell, events))
        else:
            self._listeners.tell(events)

    def _run(
        self, commit: Commit, work: Callable[[Transaction, datetime], T], *, now: datetime | None = None
    ) -> T:
        now = now or self.now()
        is_sure = self._outside is None
        for _ in range(CONFLICT_TRIES - 1):
            try:
                return self._once(commit, work, now)
            except Conflict:
                continue
            except (RequestRefused, NotFound):
                # The host's transaction may have seen one row before somebody's commit, and the next one after it.
                if is_sure:
                    raise
                is_sure = True
        return self._once(commit, work, now)

    def _run_light(self, work: Callable[[Transaction, datetime, Commit], T]) -> T:
        """Run a command of live calls: it waits for no flush, unless it turns out to change a promise."""
        try:
            return self._run(Commit.RELAXED, lambda tx, now: work(tx, now, Commit.RELAXED))
        except PromiseConcerned:
            return self._run(Commit.FLUSHED, lambda tx, now: work(tx, now, Commit.FLUSHED))

    def post(self, tx: Transaction, now: datetime) -> None:
        """Queue the messages that a transaction gives rise to, at its end; and withdraw those it has made untrue."""
        if self._has_messages:
            Postman(tx=tx, desk=self.desk, policies=self.policies, now=now).post()

    def _once(self, commit: Commit, work: Callable[[Transaction, datetime], T], now: datetime) -> T:
        with self.transaction(commit) as tx:
            result = work(tx, now)
            if commit is Commit.FLUSHED:
                self.post(tx, now)
        if self._outside is not None:
            marked: T = _provisional(result)
            return marked
        if commit is not Commit.READ_ONLY:
            self.changed()
        return result


def _provisional(result: Any) -> Any:
    """Return what a command answers, with every receipt marked as one that is not durable yet."""
    if isinstance(result, Receipt):
        return attrs.evolve(result, provisional=True)
    if isinstance(result, dict):
        answers = cast("Mapping[Any, Any]", result)
        return {key: _provisional(answer) for key, answer in answers.items()}
    return result
