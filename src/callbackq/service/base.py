"""What every command shares: the parts of a service, and how one command becomes one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final, TypeVar

from callbackq.asking import Desk
from callbackq.core.instants import check_instant, check_text
from callbackq.errors import ConfigurationError, Conflict
from callbackq.gauge import Gauge
from callbackq.ids import DEFAULT_TENANT, QueueName, TenantId
from callbackq.limiting import Flood
from callbackq.policy import Caps, Limit, QueuePolicy, check_policies
from callbackq.ports import (
    Clock,
    CodeSender,
    Commit,
    DoNotCall,
    Estimator,
    Hours,
    IdSource,
    SlotCapacity,
    Store,
    Tickets,
    Transaction,
)
from callbackq.posting import Postman
from callbackq.returning import PromiseConcerned
from callbackq.seating import Seating
from callbackq.system import RandomIds
from callbackq.times import PolicyHours

T = TypeVar("T")
CONFLICT_TRIES: Final = 5
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
    ) -> None:
        self.store: Final = store
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
        self.flood: Final = Flood()
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

    def when_changed(self, waker: Callable[[], None]) -> Callable[[], None]:
        """
        Call *waker* after every command that may have written something. It must return at once, and never raise.

        Returns:
            A function that takes this back.
        """
        self._wakers = [*self._wakers, waker]

        def forget() -> None:
            self._wakers = [kept for kept in self._wakers if kept is not waker]

        return forget

    def _know_lanes(self, *wanted: tuple[str, ...]) -> None:
        """Intern sets of skills in a transaction of their own: two commands may bring the same new set at once."""
        new = [skills for skills in wanted if skills and skills not in self._lanes_known]
        if new:
            self._run(Commit.RELAXED, lambda tx, _now: [tx.lanes.intern(skills) for skills in new])
            self._lanes_known.update(new)

    def now(self) -> datetime:
        """Return the present instant of the service's clock, in UTC. Raises: InvalidTime, if that is naive."""
        return check_instant(self.clock.now(), "the clock's now()")

    def _run(
        self, commit: Commit, work: Callable[[Transaction, datetime], T], *, now: datetime | None = None
    ) -> T:
        now = now or self.now()
        for _ in range(CONFLICT_TRIES - 1):
            try:
                return self._once(commit, work, now)
            except Conflict:
                continue
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
        with self.store.transaction(self.tenant_id, commit=commit) as tx:
            result = work(tx, now)
            if commit is Commit.FLUSHED:
                self.post(tx, now)
        if commit is not Commit.READ_ONLY:
            for waker in self._wakers:
                waker()
        return result
