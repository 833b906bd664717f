"""
Nodes: when one has come, beats and goes, when it is lost, what of its is taken over, and who may serve one queue.

The rule: a node is judged by its silence, as the judge has watched it by their own clock. What its clock says can make
that sooner, never bring it about: nodes may be hours apart. Who is judged wrongly loses nothing: what is taken over is
looked up, by version and with nobody dialed, and the reports of any node are taken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import attrs

from callbackq.core.decision import Decision, told
from callbackq.core.legs import is_live
from callbackq.core.ordering import BOOKED_CREDIT
from callbackq.effects import LookUp
from callbackq.events import AttemptTakenOver
from callbackq.ids import NodeId, QueueName, TenantId
from callbackq.model import Attempt, DueReason, Node, NodeState
from callbackq.policy import PRIORITY_MAX, QueuePolicy

BEATS: Final = 3
"""A node beats so often in each lease."""
FORGOTTEN_AFTER: Final = timedelta(days=1)
"""So long a node that is gone is still shown."""
LEASE_MIN: Final = timedelta(milliseconds=100)
"""The shortest lease: with less a node does nothing but beat."""
LEASE_MAX: Final = timedelta(days=1)
"""The longest lease."""

# ---------------------------------------------------------------------------- what orders a line


def fingerprint(policy: QueuePolicy) -> str:
    """
    Return a digest of what `core.ordering` orders the line of a queue by.

    >>> support, sales = QueuePolicy(queue="support"), QueuePolicy(queue="sales")
    >>> fingerprint(support) == fingerprint(sales)
    True
    >>> fingerprint(QueuePolicy(queue="support", priority_credit=timedelta(minutes=1))) == fingerprint(
    ...     support
    ... )
    False
    """
    settings = (policy.priority_credit, PRIORITY_MAX, BOOKED_CREDIT)
    told_apart = " ".join(
        str(part // _MICROSECOND if isinstance(part, timedelta) else part) for part in settings
    )
    return sha256(f"callbackq order {told_apart}".encode()).hexdigest()[:16]


_MICROSECOND: Final = timedelta(microseconds=1)


def fingerprints(policies: Iterable[QueuePolicy]) -> Mapping[str, str]:
    """Return the digests of several queues, by name."""
    return {policy.queue: fingerprint(policy) for policy in policies}


def clashes(me: Myself, others: Iterable[Node]) -> dict[QueueName, NodeId]:
    """Return the queues whose lines these order by other settings, each with a node that is UP and does."""
    found: dict[QueueName, NodeId] = {}
    for other in others:
        if other.state is NodeState.UP and other.node_id != me.node_id:
            for queue, digest in other.fingerprints.items():
                if me.fingerprints.get(queue, digest) != digest:
                    found.setdefault(QueueName(queue), other.node_id)
    return found


def before_me(me: Myself, others: Iterable[Node]) -> list[Node]:
    """Return those that were here first: of two that must not serve one queue together, the later one does not."""
    mine = me.started_at, me.node_id
    return [other for other in others if (other.started_at, other.node_id) < mine]


def in_lease(nodes: Iterable[Node], *, now: datetime) -> list[Node]:
    """Return those whose lease is not over by the clocks: all that can be known by who has not watched them."""
    return [node for node in nodes if now < node.lease_until_at]


# ---------------------------------------------------------------------------- coming, beating, going


@attrs.frozen(kw_only=True)
class Myself:
    """What a node says of itself."""

    tenant_id: TenantId
    node_id: NodeId
    instance_id: str
    started_at: datetime
    lease: timedelta
    schema_version: int
    release: str
    fingerprints: Mapping[str, str]


def come(me: Myself, before: Node | None, *, now: datetime) -> Node:
    """Return the row of a node that begins: in the place of *before*, whoever had the name until now."""
    return Node(
        tenant_id=me.tenant_id,
        node_id=me.node_id,
        version=1 if before is None else before.version + 1,
        state=NodeState.UP,
        instance_id=me.instance_id,
        started_at=me.started_at,
        seen_at=now,
        lease_until_at=now + me.lease,
        schema_version=me.schema_version,
        release=me.release,
        fingerprints=me.fingerprints,
        due_at=now + me.lease,
        due_reason=DueReason.LEASE_OVER,
    )


def is_superseded(me: Myself, known: Node | None) -> bool:
    """Whether another process has the name by now."""
    return known is not None and known.instance_id != me.instance_id


def beat(me: Myself, known: Node | None, *, drains: bool, now: datetime) -> Node:
    """
    Return the row of a node that is there still.

    One that was taken for gone meanwhile, or forgotten, comes again: what it had is with other nodes.
    """
    row = come(me, known, now=now)
    return attrs.evolve(row, state=NodeState.DRAINING) if drains else row


def may_leave(me: Myself, known: Node) -> bool:
    """Whether the row is this node's own, and it has not gone yet."""
    return not is_superseded(me, known) and known.state is not NodeState.GONE


def leave(known: Node, *, has_some: bool, now: datetime) -> Node:
    """
    Return the row of a node that goes.

    Args:
        has_some: it has attempts that are not over: they are handed over, and it is gone when another node has them.
    """
    if not has_some:
        return gone(known)
    return attrs.evolve(
        known,
        version=known.version + 1,
        state=NodeState.DRAINING,
        lease_until_at=known.seen_at,
        due_at=now,
        due_reason=DueReason.HANDED_OVER,
    )


def gone(known: Node) -> Node:
    """Return the row of a node that has nothing any more."""
    return attrs.evolve(known, version=known.version + 1, state=NodeState.GONE, due_at=None, due_reason=None)


def beats_every(lease: timedelta) -> timedelta:
    """Return how often a node of this lease beats, and looks who else is there."""
    return lease / BEATS


# ---------------------------------------------------------------------------- watching the others


@attrs.frozen(kw_only=True)
class Sight:
    """One other node, as it was seen last: for how long it was watched without a beat, and whether it ever beat."""

    version: int
    silent_for: timedelta = timedelta(0)
    has_beaten: bool = False


@attrs.frozen(kw_only=True)
class Lookout:
    """What a node knows of the others by having looked, again and again. It is in no store."""

    looked_at: datetime | None = None
    sights: Mapping[NodeId, Sight] = attrs.field(factory=dict[NodeId, Sight])


def look(before: Lookout, present: Sequence[Node], *, me: Myself, now: datetime) -> Lookout:
    """
    Look who is there.

    Only time that was watched is counted as silence. Who looks again after more than half of its own lease, or whose
    clock was set, was not watching: after a pause of its own it does not take all others for lost.
    """
    gap = timedelta(0) if before.looked_at is None else now - before.looked_at
    watched = gap if timedelta(0) <= gap <= me.lease / 2 else timedelta(0)
    sights: dict[NodeId, Sight] = {}
    for node in present:
        seen = before.sights.get(node.node_id)
        if seen is not None and seen.version == node.version:
            sights[node.node_id] = attrs.evolve(seen, silent_for=seen.silent_for + watched)
        else:
            sights[node.node_id] = Sight(version=node.version, has_beaten=seen is not None)
    return Lookout(looked_at=now, sights=sights)


def is_lost(node: Node, lookout: Lookout, *, now: datetime) -> bool:
    """
    Whether what a node has is to be taken over.

    It has said so itself; or it was silent for its whole lease; or for so long that it should have beaten twice, and
    its lease is over by its own clock.
    """
    if node.due_reason is DueReason.HANDED_OVER:
        return True
    silent_for = lookout.sights[node.node_id].silent_for
    if silent_for >= node.lease:
        return True
    return silent_for >= _missed(node) and now >= node.lease_until_at


def lost_at(node: Node, lookout: Lookout) -> datetime:
    """Return when a node that stays silent will be lost, at the earliest."""
    assert lookout.looked_at is not None
    seen = lookout.sights[node.node_id]
    by_its_clock = max(lookout.looked_at + _missed(node) - seen.silent_for, node.lease_until_at)
    return min(by_its_clock, lookout.looked_at + node.lease - seen.silent_for)


def _missed(node: Node) -> timedelta:
    return 2 * beats_every(node.lease)


def lost(present: Iterable[Node], lookout: Lookout, *, me: Myself, now: datetime) -> tuple[Node, ...]:
    """Return those of the others that are lost."""
    return tuple(node for node in present if node.node_id != me.node_id and is_lost(node, lookout, now=now))


def lags(
    present: Iterable[Node], lookout: Lookout, *, me: Myself, known: Collection[NodeId]
) -> dict[NodeId, timedelta]:
    """
    Return the others whose clocks are behind by more than their lease, and by how much; but those *known* to be lost.

    They were seen to beat: a row that is merely old is of a node that may be dead. The deadlines of their attempts are
    in their time: by this node's clock each would be over before it began.
    """
    assert lookout.looked_at is not None
    found: dict[NodeId, timedelta] = {}
    for node in present:
        sight = lookout.sights[node.node_id]
        lag = lookout.looked_at - node.seen_at - sight.silent_for
        if sight.has_beaten and lag > node.lease and node.node_id != me.node_id and node.node_id not in known:
            found[node.node_id] = lag
    return found


def is_due(attempt: Attempt, behind: Mapping[NodeId, timedelta], *, now: datetime) -> bool:
    """
    Whether the deadline of an attempt, which has come by this node's clock, has come by that of the attempt's own node.

    What is wanted at once waits for no clock.
    """
    assert attempt.due_at is not None
    at_once = attempt.due_reason is DueReason.HANG_UP_WANTED
    return at_once or attempt.due_at <= now - behind.get(attempt.node_id, _NO_LAG)


_NO_LAG: Final = timedelta(0)


def next_look_at(
    present: Iterable[Node], lookout: Lookout, *, me: Myself, known: Collection[NodeId], now: datetime
) -> datetime:
    """Return when to beat and look again: a beat is due, or one of the others may be lost that is not *known* so."""
    others = (node for node in present if node.node_id != me.node_id and node.node_id not in known)
    return min([now + beats_every(me.lease), *(lost_at(node, lookout) for node in others)])


# ---------------------------------------------------------------------------- taking over

TAKEN_OVER: Final = "taken over"
"""What the history says."""


def take_over(attempt: Attempt, node_id: NodeId, *, now: datetime) -> Decision:
    """
    Give an attempt to another node, which looks up what has become of its legs.

    Nobody is dialed, and nothing is ended: what the telephony cannot say is left to the deadlines of the attempt.
    """
    taken = attrs.evolve(attempt, version=attempt.version + 1, node_id=node_id)
    event = told(AttemptTakenOver, taken, at=now, cause=TAKEN_OVER, from_node_id=attempt.node_id)
    up = is_live(attempt.agent_leg) or is_live(attempt.customer_leg)
    effects = (LookUp(attempt_id=attempt.attempt_id),) if up else ()
    return Decision(records=(taken,), events=(event,), effects=effects)
