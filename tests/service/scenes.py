"""What many tests of the service need: people, spans of time, and short ways to look at what happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from callbackq import (
    DEFAULT_TENANT,
    Attempt,
    AttemptId,
    Caps,
    Commit,
    Dial,
    QueueName,
    QueuePolicy,
    Role,
    Store,
    Subject,
)
from callbackq.testing import Behaviour, Carried, FakeNotices, VirtualHost

BOB, EVE, DAN, KIM = "+12125550101", "+12125550102", "+12125550103", "+12125550104"
"""Four people who can be called."""
NO_CAPS = Caps()
ZERO, SECOND, MINUTE, HOUR = timedelta(0), timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def dials(effects: Iterable[Any]) -> list[Dial]:
    """Return the legs that are to be dialed."""
    return [effect for effect in effects if isinstance(effect, Dial)]


def attempt_of(host: VirtualHost, store: Store, callback_id: str) -> Attempt:
    """Return the latest attempt of a callback, under way or over."""
    started = [event for event in host.service.history(callback_id) if event.kind == "attempt_started"]
    latest: Any = started[-1]
    return attempt_by_id(store, latest.attempt_id)


def attempt_by_id(store: Store, attempt_id: str) -> Attempt:
    """Return an attempt."""
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        return tx.attempts.get(AttemptId(attempt_id))


def subject_of(host: VirtualHost, store: Store, callback_id: str) -> Subject:
    """Return the person behind a callback."""
    subject_id = host.service.get(callback_id).subject_id
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        return tx.subjects.get(subject_id)


def kinds(host: VirtualHost, callback_id: str) -> list[str]:
    """Return the kinds of the events of a callback's history, in order."""
    return [event.kind for event in host.service.history(callback_id)]


def events(host: VirtualHost, callback_id: str, kind: str) -> list[Any]:
    """Return the events of one kind."""
    return [event for event in host.service.history(callback_id) if event.kind == kind]


def rung(host: VirtualHost) -> list[tuple[datetime, str]]:
    """Return every leg that was dialed: when, and which agent or number."""
    return [
        (entry.at, str(entry.number if entry.role is Role.CUSTOMER else entry.agent_id))
        for entry in host.telephony.log
        if entry.what is Carried.DIALED
    ]


def whom(host: VirtualHost) -> list[str]:
    """Return whom each leg was dialed to, in order."""
    return [who for _, who in rung(host)]


def heard(host: VirtualHost, role: Role) -> list[str]:
    """Return what was said to the agents, or to the customers, in order."""
    return [
        str(entry.prompt) for entry in host.telephony.log if entry.role is role and entry.prompt is not None
    ]


def rows(host: VirtualHost, store: Store) -> tuple[Any, ...]:
    """Return the history and all people: what must be the same if nothing was changed."""
    with store.transaction(host.service.tenant_id, commit=Commit.READ_ONLY) as tx:
        events = tuple(tx.history.all())
        people = {getattr(event, "subject_id", None) for event in events} - {None}
        return events, tuple(tx.subjects.get(one) for one in sorted(people))


def house(
    store: Store,
    *,
    agents: Sequence[str] = ("ann",),
    caps: Caps = NO_CAPS,
    notices: FakeNotices | None = None,
    **policy: Any,
) -> VirtualHost:
    """
    Open a house with the queue `support`, its policy changed as asked, a queue `sales`, and free agents of both.

    People are called at any hour, unless the policy says otherwise.
    """
    settings = {"calling": None, **policy}
    queues = [
        QueuePolicy(queue=QueueName("support"), **settings),
        QueuePolicy(queue=QueueName("sales"), calling=None),
    ]
    host = VirtualHost(store, queues, caps=caps, notices=notices)
    for agent_id in agents:
        sign_in(host, agent_id)
    return host


def sign_in(host: VirtualHost, *agent_ids: str) -> None:
    """Let agents come, of both queues."""
    for agent_id in agent_ids:
        host.service.agent_available(agent_id, queues=["support", "sales"])


def promised(host: VirtualHost, number: str = BOB, queue: str = "support", **fields: Any) -> str:
    """Ask for a callback."""
    return host.service.request(queue, number=number, **fields).callback_id


def orders_of(host: VirtualHost) -> list[Dial]:
    """Return the list of all dial orders from now on; people go on doing what they are scripted to do."""
    orders: list[Dial] = []
    chosen = host.telephony.behaviour_of

    def remember(order: Dial, dialed_before: int) -> Behaviour:
        orders.append(order)
        return chosen(order, dialed_before)

    host.telephony.behaviour_of = remember
    return orders
