"""
Fault points: every place at which a process can die between callbackq and what stands around it.

The list is made from the protocols of `callbackq.ports`: before and after each of their methods, before and after each
begin and commit of a transaction by its kind, before and after each kind of record that is saved. So a method that is
added to a protocol is a boundary at once, and nobody can forget it. `at_points` makes an object of the host pass
through its points, and `StoreAtPoints` a store; what happens there is the affair of who is told: a count, an error, the
end of the process. Nothing here needs pytest.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from types import MappingProxyType, UnionType
from typing import Any, Final, cast

import attrs

from callbackq import ports
from callbackq.ids import TenantId
from callbackq.ports import Commit, Store, Transaction

Hit = Callable[[str], object]
"""Who is told of each point as it is passed, by its name."""

LEFT_OUT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AsyncTelephony": "the boundary of Telephony, awaited",
        "AsyncMessenger": "the boundary of Messenger, awaited",
        "AsyncNotices": "the boundary of Notices, awaited",
    }
)
"""Protocols without points of their own, and why."""

_TRANSACTION: Final = "transaction"
_SAVE: Final = "save"


@attrs.frozen
class Member:
    """
    One name of a protocol.

    Args:
        is_value: it is read, and not called.
        gives: the protocol of what it gives, if it is one. What is read so is a way to further boundaries, and none
            itself.
    """

    protocol: type
    name: str
    is_value: bool
    gives: type | None


# ---------------------------------------------------------------------------- what there is


@cache
def protocols() -> tuple[type, ...]:
    """
    Return every protocol of `callbackq.ports`, by name; also one that is not exported.

    >>> Store in protocols()
    True
    """
    modules = [
        importlib.import_module(f"{ports.__name__}.{one.name}")
        for one in pkgutil.iter_modules(ports.__path__)
    ]
    found = {
        value.__name__: value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and getattr(value, "_is_protocol", False)
        if value.__module__.startswith(ports.__name__)
    }
    return tuple(found[name] for name in sorted(found))


def abilities_of(behind: object) -> tuple[type, ...]:
    """
    Return the protocols of what an object may be able to do besides, and is.

    >>> from callbackq.testing.clock import ManualClock
    >>> from callbackq.testing.telephony import FakeTelephony
    >>> [ability.__name__ for ability in abilities_of(FakeTelephony(ManualClock()))]
    ['CanReserve', 'CanSnapshot']
    """
    asked = (one for one in protocols() if getattr(one, "_is_runtime_protocol", False))
    return tuple(one for one in asked if isinstance(behind, one))


@cache
def members(protocol: type) -> tuple[Member, ...]:
    """Return the public names of a protocol, in the order in which they stand there."""
    found = list[Member]()
    for name, value in vars(protocol).items():
        if name.startswith("_"):
            continue
        read = value.fget if isinstance(value, property) else value
        if inspect.isfunction(read):
            given = typing.get_type_hints(read).get("return")
            gives = given if isinstance(given, type) and getattr(given, "_is_protocol", False) else None
            found.append(Member(protocol, name, is_value=read is not value, gives=gives))
    return tuple(found)


def places_of(member: Member) -> tuple[str, ...]:
    """
    Return the names of the places of a member; each has a point before and one after.

    >>> from callbackq.ports import Telephony
    >>> places_of(members(Telephony)[0])
    ('Telephony.dial',)
    """
    if member.is_value and member.gives is not None:
        return ()
    if member.protocol is Store and member.name == _TRANSACTION:
        return tuple(f"Store.{what} {commit.value}" for commit in Commit for what in ("begin", "commit"))
    if member.protocol is Transaction and member.name == _SAVE:
        return tuple(f"Transaction.save {kind.__name__}" for kind in saved_kinds())
    return (f"{member.protocol.__name__}.{member.name}",)


def saved_kinds() -> tuple[type, ...]:
    """Return the types of records that a transaction saves, by name."""
    found, open_types = set[type](), [typing.get_type_hints(Transaction.save)["record"]]
    while open_types:
        one = open_types.pop()
        if isinstance(one, UnionType) or typing.get_origin(one) is typing.Union:
            open_types += typing.get_args(one)
        else:
            found.add(one)
    return tuple(sorted(found, key=lambda kind: kind.__name__))


@cache
def fault_points() -> tuple[str, ...]:
    """
    Return the name of every fault point.

    >>> [point for point in fault_points() if " flushed" in point]  # doctest: +NORMALIZE_WHITESPACE
    ['before Store.begin flushed', 'after Store.begin flushed',
     'before Store.commit flushed', 'after Store.commit flushed']
    """
    return tuple(
        f"{when} {place}"
        for protocol in protocols()
        if protocol.__name__ not in LEFT_OUT
        for member in members(protocol)
        for place in places_of(member)
        for when in ("before", "after")
    )


# ---------------------------------------------------------------------------- passing through them


def at_points(behind: object, *of: type, hit: Hit) -> Any:
    """
    Return an object that does what *behind* does, and passes the points of these protocols on the way.

    Whatever else it has can be reached as before. It has the methods of these protocols and no others of its own: so
    without `CanSnapshot` among them nobody takes it for something that can.

    >>> from callbackq.ports import Clock
    >>> from callbackq.testing.clock import ManualClock
    >>> passed = []
    >>> at_points(ManualClock(), Clock, hit=passed.append).now().isoformat()
    '2026-01-05T08:00:00+00:00'
    >>> passed
    ['before Clock.now', 'after Clock.now']
    """
    return _class_of(of)(behind, hit)


class _AtPoints:
    """The base of the classes that are made of protocols."""

    def __init__(self, behind: Any, hit: Hit) -> None:
        self._behind = behind
        self._hit = hit
        self._given: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._behind, name)


@cache
def _class_of(of: tuple[type, ...]) -> type[_AtPoints]:
    names: dict[str, Any] = {}
    for protocol in of:
        for member in members(protocol):
            if member.is_value and member.gives is not None:
                names[member.name] = property(_giving(member.name, member.gives))
            elif member.is_value:
                names[member.name] = property(_reading(member))
            elif protocol is Transaction and member.name == _SAVE:
                names[member.name] = _save
            else:
                names[member.name] = _calling(member)
    return type("AtPoints" + "And".join(protocol.__name__ for protocol in of), (_AtPoints,), names)


def _giving(name: str, given: type) -> Callable[[_AtPoints], Any]:
    def give(self: Any) -> Any:
        found = self._given.get(name)
        if found is None:
            found = self._given[name] = at_points(getattr(self._behind, name), given, hit=self._hit)
        return found

    return give


def _reading(member: Member) -> Callable[[_AtPoints], Any]:
    (place,) = places_of(member)

    def read(self: Any) -> Any:
        with _passing(self._hit, place):
            return getattr(self._behind, member.name)

    return read


def _calling(member: Member) -> Callable[..., Any]:
    places = places_of(member)
    before, after = f"before {places[0]}", f"after {places[0]}"
    name, gives = member.name, member.gives

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._hit(before)
        try:
            result = getattr(self._behind, name)(*args, **kwargs)
        except BaseException:
            self._hit(after)
            raise
        if inspect.isawaitable(result):
            return _awaited(result, self._hit, after)
        self._hit(after)
        return result if gives is None else at_points(result, gives, hit=self._hit)

    call.__name__ = name
    return call


async def _awaited(result: Awaitable[Any], hit: Hit, after: str) -> Any:
    try:
        return await result
    finally:
        hit(after)


def _save(self: Any, record: object) -> None:
    with _passing(self._hit, f"Transaction.save {type(record).__name__}"):
        self._behind.save(record)


@contextmanager
def _passing(hit: Hit, place: str) -> Generator[None]:
    hit(f"before {place}")
    try:
        yield
    finally:
        hit(f"after {place}")


def store_at_points(behind: Store, hit: Hit) -> Store:
    """
    Return a store that passes its points: at each begin and commit, and at each verb of its tables.

    A transaction that is undone passes no point of a commit. What the store behind can do besides, as `CanTellHealth`
    says, this one can too.

    >>> from callbackq.ids import DEFAULT_TENANT
    >>> from callbackq.stores.memory import MemoryStore
    >>> passed = []
    >>> store = store_at_points(MemoryStore(), passed.append)
    >>> with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
    ...     tx.line.is_empty()
    True
    >>> [point for point in passed if point.startswith("before")]
    ['before Store.begin read_only', 'before Line.is_empty', 'before Store.commit read_only']
    """
    return cast("Store", _store_class(abilities_of(behind))(behind, hit))


_classes: Final[dict[type, type[_AtPoints]]] = {}
"""By the class of a transaction: what passes its points, and those of what it can do besides."""


def _transaction_at_points(tx: object, hit: Hit) -> Transaction:
    kind = type(tx)
    if kind not in _classes:
        _classes[kind] = _class_of((Transaction, *abilities_of(tx)))
    return cast("Transaction", _classes[kind](tx, hit))


@cache
def _store_class(abilities: tuple[type, ...]) -> type[_AtPoints]:
    return type("StoreAtPoints", (_StoreAtPoints, _class_of((Store, *abilities))), {})


class _StoreAtPoints(_AtPoints):
    """How a store passes the points of its transactions."""

    def transaction(self, tenant_id: TenantId, *, commit: Commit) -> AbstractContextManager[Transaction]:
        return self._transaction(tenant_id, commit)

    @contextmanager
    def _transaction(self, tenant_id: TenantId, commit: Commit) -> Generator[Transaction]:
        hit, kind = self._hit, commit.value
        hit(f"before Store.begin {kind}")
        with self._behind.transaction(tenant_id, commit=commit) as tx:
            hit(f"after Store.begin {kind}")
            yield _transaction_at_points(tx, hit)
            hit(f"before Store.commit {kind}")
        hit(f"after Store.commit {kind}")
