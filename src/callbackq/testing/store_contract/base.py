"""What all parts of the store contract use: a fresh store for each test, and a word for each thing done to it."""

from __future__ import annotations

import enum
import itertools
import threading
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from callbackq.errors import (
    AgentNotFound,
    AttemptNotFound,
    BookingNotFound,
    CallbackNotFound,
    CallNotFound,
    MessageNotFound,
    NotFound,
    VerificationNotFound,
)
from callbackq.events import Event
from callbackq.ids import (
    DEFAULT_TENANT,
    AgentId,
    AttemptId,
    BookingId,
    CallbackId,
    CallId,
    MessageId,
    NodeId,
    QueueName,
    SubjectId,
    TenantId,
    VerificationId,
)
from callbackq.model import (
    AgentState,
    AttemptState,
    BookingState,
    CallbackState,
    CallState,
    Conversation,
    MessageState,
    Node,
    NodeState,
    OptOut,
    QueueControl,
    Record,
    SlotCount,
    SlotDay,
    Subject,
    Tally,
    Verification,
    Webhook,
    WebhookState,
)
from callbackq.ports import Commit, Store, Transaction
from callbackq.testing.builders import (
    make_agent,
    make_attempt,
    make_booking,
    make_call,
    make_callback,
    make_conversation,
    make_message,
    make_node,
    make_opt_out,
    make_queue_control,
    make_slot_count,
    make_slot_day,
    make_subject,
    make_tally,
    make_verification,
    make_webhook,
)
from callbackq.testing.clock import START

TENANT: Final = DEFAULT_TENANT
OTHER_TENANT: Final = TenantId("other")

THREADS: Final = 16
TIMEOUT_S: Final = 30.0

EXAMPLES: Final = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,  # Each example works in a tenant of its own.
        HealthCheck.differing_executors,  # One contract, many stores.
        HealthCheck.too_slow,
    ],
)
"""How the properties are tried: the same examples on every run."""

Row = Record | Subject | SlotCount | SlotDay | Tally | Verification | Conversation | Node | Webhook

_ResultT = TypeVar("_ResultT")
_tenant_numbers = itertools.count(1)


class ContractBase:
    """Opens a store for each test."""

    def open_store(self) -> Store:
        """Return a store that holds nothing. The subclass says how."""
        raise NotImplementedError

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        """Give one test a store, and close it afterwards."""
        store = self.open_store()
        yield store
        store.close()


def fresh_tenant() -> TenantId:
    """Return a tenant that no test has used, for one example of a property."""
    return TenantId(f"tenant_{next(_tenant_numbers)}")


def put(store: Store, *records: Row, tenant_id: TenantId = TENANT) -> None:
    """Save *records* in one transaction."""
    with store.transaction(tenant_id, commit=Commit.RELAXED) as tx:
        for record in records:
            tx.save(record)


def append(store: Store, *events: Event, tenant_id: TenantId = TENANT) -> None:
    """Append *events* in one transaction."""
    with store.transaction(tenant_id, commit=Commit.RELAXED) as tx:
        tx.history.append(events)


def ask(
    store: Store, question: Callable[[Transaction], _ResultT], *, tenant_id: TenantId = TENANT
) -> _ResultT:
    """Return the answer to *question*, in a transaction that only reads."""
    with store.transaction(tenant_id, commit=Commit.READ_ONLY) as tx:
        return question(tx)


def exact(instance: Any) -> list[tuple[str, str, object]]:
    """Return the fields of a record or event with their types: True is not 1, and a state is not its text."""
    values: dict[str, object] = attrs.asdict(instance, recurse=False)
    return [(name, type(value).__name__, value) for name, value in values.items()]


def at_once(work: Callable[[int], _ResultT], *, count: int = THREADS) -> list[_ResultT]:
    """Do *work* in many threads that start together; return the results by number."""
    start = threading.Barrier(count)

    def run(number: int) -> _ResultT:
        start.wait(TIMEOUT_S)
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count), timeout=TIMEOUT_S))


class PlannedError(Exception):
    """The failure that a test wants."""


def fail_after(
    store: Store,
    work: Callable[[Transaction], object],
    *,
    error: BaseException | None = None,
    commit: Commit = Commit.RELAXED,
) -> None:
    """Do *work* in one transaction, and leave its block by an exception: a `PlannedError` unless given."""
    with store.transaction(TENANT, commit=commit) as tx:
        work(tx)
        raise PlannedError if error is None else error


@attrs.frozen(kw_only=True)
class Kind:
    """One class of record, as the contract looks at it."""

    name: str
    make: Callable[..., Any]
    get: Callable[[Transaction, str], Row]
    not_found: type[Exception]
    change: Mapping[str, Any]
    last_state: enum.StrEnum | None = None

    def __str__(self) -> str:
        return self.name


def _control(tx: Transaction, queue: str) -> QueueControl:
    found = tx.queues.find(QueueName(queue))
    if found is None:
        raise NotFound(queue)
    return found


def _tally(tx: Transaction, key: str) -> Tally:
    found = tx.tallies.locked([key])
    if key not in found:
        raise NotFound(key)
    return found[key]


def _opt_out(tx: Transaction, number_key: str) -> OptOut:
    found = tx.opt_outs.find(number_key)
    if found is None:
        raise NotFound(number_key)
    return found


def _conversation(tx: Transaction, conversation_key: str) -> Conversation:
    found = tx.conversations.find(conversation_key)
    if found is None:
        raise NotFound(conversation_key)
    return found


def _node(tx: Transaction, node_id: str) -> Node:
    found = tx.nodes.find(NodeId(node_id))
    if found is None:
        raise NotFound(node_id)
    return found


def _webhook(tx: Transaction, endpoint: str) -> Webhook:
    for row in tx.webhooks.of_endpoint(endpoint):
        return row
    raise NotFound(endpoint)


_EVER: Final = {"from_at": datetime(1999, 1, 1, tzinfo=UTC), "until_at": datetime(2101, 1, 1, tzinfo=UTC)}


def _slot_count(tx: Transaction, queue: str) -> SlotCount:
    for count in tx.slots.between(QueueName(queue), **_EVER):
        return count
    raise NotFound(queue)


def _slot_day(tx: Transaction, queue: str) -> SlotDay:
    for day in tx.slots.days(QueueName(queue), from_day="", until_day=chr(0x10FFFF) * 20):
        return day
    raise NotFound(queue)


KINDS: Final = (
    Kind(
        name="callback",
        make=make_callback,
        get=lambda tx, key: tx.callbacks.get(CallbackId(key)),
        not_found=CallbackNotFound,
        change={"state": CallbackState.HELD},
        last_state=CallbackState.ENDED,
    ),
    Kind(
        name="call",
        make=make_call,
        get=lambda tx, key: tx.calls.get(CallId(key)),
        not_found=CallNotFound,
        change={"state": CallState.TAKEN},
        last_state=CallState.ENDED,
    ),
    Kind(
        name="agent",
        make=make_agent,
        get=lambda tx, key: tx.agents.get(AgentId(key)),
        not_found=AgentNotFound,
        change={"state": AgentState.BUSY},
        last_state=AgentState.SIGNED_OUT,
    ),
    Kind(
        name="attempt",
        make=make_attempt,
        get=lambda tx, key: tx.attempts.get(AttemptId(key)),
        not_found=AttemptNotFound,
        change={"state": AttemptState.CONNECTED},
        last_state=AttemptState.ENDED,
    ),
    Kind(
        name="booking",
        make=make_booking,
        get=lambda tx, key: tx.bookings.get(BookingId(key)),
        not_found=BookingNotFound,
        change={"state": BookingState.HELD},
        last_state=BookingState.ENDED,
    ),
    Kind(
        name="slot",
        make=make_slot_count,
        get=_slot_count,
        not_found=NotFound,
        change={"usual_count": 1},
    ),
    Kind(
        name="slot_day",
        make=make_slot_day,
        get=_slot_day,
        not_found=NotFound,
        change={"full_count": 1},
    ),
    Kind(
        name="subject",
        make=make_subject,
        get=lambda tx, key: tx.subjects.get(SubjectId(key)),
        not_found=NotFound,
        change={"name": "Ada"},
    ),
    Kind(
        name="queue",
        make=make_queue_control,
        get=_control,
        not_found=NotFound,
        change={"dialing_paused": True},
    ),
    Kind(
        name="tally",
        make=make_tally,
        get=_tally,
        not_found=NotFound,
        change={"moments": (1, 2), "weights": (3, 4)},
    ),
    Kind(
        name="verification",
        make=make_verification,
        get=lambda tx, key: tx.verifications.get(VerificationId(key)),
        not_found=VerificationNotFound,
        change={"tries_count": 1},
    ),
    Kind(
        name="opt_out",
        make=make_opt_out,
        get=_opt_out,
        not_found=NotFound,
        change={"calls_at": START},
    ),
    Kind(
        name="message",
        make=make_message,
        get=lambda tx, key: tx.messages.get(MessageId(key)),
        not_found=MessageNotFound,
        change={"state": MessageState.SENDING},
        last_state=MessageState.ENDED,
    ),
    Kind(
        name="conversation",
        make=make_conversation,
        get=_conversation,
        not_found=NotFound,
        change={"tries_count": 1},
    ),
    Kind(
        name="node",
        make=make_node,
        get=_node,
        not_found=NotFound,
        change={"state": NodeState.DRAINING},
        last_state=NodeState.GONE,
    ),
    Kind(
        name="webhook",
        make=make_webhook,
        get=_webhook,
        not_found=NotFound,
        change={"state": WebhookState.DISABLED},
    ),
)
RECORD_KINDS: Final = tuple(kind for kind in KINDS if kind.last_state is not None)

each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
each_record_kind = pytest.mark.parametrize("kind", RECORD_KINDS, ids=str)


# ---------------------------------------------------------------------------- any value of a type

_TEXTS: Final = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
_EXACT: Final = 2**53
_PLAIN: Final[Mapping[Any, st.SearchStrategy[Any]]] = {
    str: _TEXTS,
    int: st.integers(-_EXACT, _EXACT),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    datetime: st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    timedelta: st.timedeltas(timedelta(0), timedelta(days=3650)),
    types.NoneType: st.none(),
}


def _values(hint: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a field's type."""
    if isinstance(hint, typing.NewType):
        return _values(hint.__supertype__)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType or origin is typing.Union:
        return st.one_of(*map(_values, arguments))
    if origin is tuple:
        return st.lists(_values(arguments[0]), max_size=3).map(tuple)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return st.dictionaries(_TEXTS, _values(arguments[1]), max_size=3)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return st.sampled_from(list(hint))
    return _PLAIN[hint]


def values_of(cls: type[_ResultT]) -> st.SearchStrategy[_ResultT]:
    """Return a strategy for instances of an attrs class: any values that the types of its fields allow."""
    hints = typing.get_type_hints(cls)
    fields = {field.name: _values(hints[field.name]) for field in attrs.fields(typing.cast("Any", cls))}
    return st.builds(cls, **fields)
