"""What a settings file means: the arguments of services and runners, for one tenant or for many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, cast

import attrs

from callbackq.errors import ConfigurationError
from callbackq.ids import DEFAULT_TENANT, TenantId
from callbackq.model.figures import HostFigures
from callbackq.policy import Caps, Limit, QueuePolicy, check_policies
from callbackq.policy.checks import Frozen, check_member, int_within, within
from callbackq.ports import Clock, Store
from callbackq.runners.base import LEASE_DEFAULT
from callbackq.service import CallbackService
from callbackq.system import SystemClock

_MS: Final = timedelta(milliseconds=1)
_DAY: Final = timedelta(days=1)
_LEASE_MIN: Final = 100 * _MS


@attrs.frozen(kw_only=True)
class RunnerSettings:
    """
    How a `ThreadRunner` or an `AsyncRunner` goes about its work: `ThreadRunner(..., **settings.runner.arguments())`.

    Args:
        lease: how long a node may be silent before others take over what it began; None: no other knows of it.
            100 ms to 24 h.
        idle_max: it steps at least this often, for what other processes did. 1 ms to 24 h.
        call_time_max: a method of the telephony or of a messenger that takes longer is named in the log, and its leg
            is uncertain. 1 ms to 24 h.
        threads_max: so many methods may block at once, and as many sends besides. 1 to 1,000.

    Raises:
        ConfigurationError: a value is out of its bounds.

    >>> RunnerSettings().arguments()["threads_max"]
    64
    """

    lease: timedelta | None = LEASE_DEFAULT
    idle_max: timedelta = timedelta(seconds=1)
    call_time_max: timedelta = timedelta(seconds=10)
    threads_max: int = 64

    def __attrs_post_init__(self) -> None:
        if self.lease is not None:
            within("RunnerSettings.lease", self.lease, _LEASE_MIN, _DAY)
        for field in ("idle_max", "call_time_max"):
            within(f"RunnerSettings.{field}", getattr(self, field), _MS, _DAY)
        int_within("RunnerSettings.threads_max", self.threads_max, 1, 1_000)

    def arguments(self) -> Mapping[str, Any]:
        """Return them by the names of a runner's arguments."""
        return attrs.asdict(self)


def _own_limits(limits: object) -> tuple[Limit, ...]:
    given = cast("Sequence[object]", limits) if isinstance(limits, list | tuple) else (limits,)
    for each in given:
        check_member("limits", each, Limit)
    return tuple(cast("Sequence[Limit]", given))


@attrs.frozen(kw_only=True)
class TenantSettings:
    """
    What one tenant's service is given.

    Args:
        policies: one for each queue.
        caps: how many callbacks are dialed at once and per minute over all queues.
        limits: how many requests are taken over all queues.
        figures: what only the host knows, for reports.
    """

    policies: tuple[QueuePolicy, ...] = attrs.field(converter=check_policies)
    caps: Caps = attrs.field(factory=Caps)
    limits: tuple[Limit, ...] = attrs.field(default=(), converter=_own_limits)
    figures: HostFigures = attrs.field(factory=HostFigures)

    def __attrs_post_init__(self) -> None:
        check_member("caps", self.caps, Caps)
        check_member("figures", self.figures, HostFigures)

    def arguments(self) -> Mapping[str, Any]:
        """Return what a `CallbackService` is given of it, by the names of its arguments."""
        return {"policies": self.policies, "caps": self.caps, "limits": self.limits}


def _own_tenants(tenants: Mapping[Any, TenantSettings]) -> Mapping[TenantId, TenantSettings]:
    return Frozen({TenantId(str(tenant_id)): held for tenant_id, held in tenants.items()})


_NO_TENANTS: Final[Mapping[TenantId, TenantSettings]] = Frozen({})


@attrs.frozen(kw_only=True)
class Settings(TenantSettings):
    """
    All that a settings file says. Built from Python it is the same: there is nothing that only a file can say.

    Args:
        policies, caps, limits, figures: of every tenant that is not among `tenants`.
        runner: how runners go about their work.
        tenants: what differs from tenant to tenant, with all that does not.

    >>> from callbackq import MemoryStore
    >>> settings = Settings(policies=[QueuePolicy(queue="support")])
    >>> list(settings.service(MemoryStore()).policies)
    ['support']
    """

    runner: RunnerSettings = attrs.field(factory=RunnerSettings)
    tenants: Mapping[TenantId, TenantSettings] = attrs.field(default=_NO_TENANTS, converter=_own_tenants)

    def of(self, tenant_id: str = DEFAULT_TENANT) -> TenantSettings:
        """
        Return what one tenant's service is given.

        Raises:
            ConfigurationError: there are tenants, and this is none of them.
        """
        found = self.tenants.get(TenantId(tenant_id))
        if found is not None:
            return found
        if self.tenants and tenant_id != DEFAULT_TENANT:
            raise ConfigurationError("tenant_id", tenant_id, "any of: " + ", ".join(self.tenants))
        return self

    def service(
        self, store: Store, *, clock: Clock | None = None, tenant_id: str = DEFAULT_TENANT, **host: Any
    ) -> CallbackService:
        """
        Return the service of one tenant.

        Args:
            clock: `SystemClock()` unless given.
            host: what else a `CallbackService` takes: `ids`, `hours`, `estimator`, `tickets`, `capacity` and so on.

        Raises:
            ConfigurationError: this is none of the tenants; or the host does not give what a policy needs.
        """
        mine = self.of(tenant_id)
        return CallbackService(
            store, clock=clock or SystemClock(), tenant_id=tenant_id, **{**mine.arguments(), **host}
        )
